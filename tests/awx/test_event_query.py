# Copyright (c) 2026, the alicloud.ehpc contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Resource reporting: the queries evaluated over the results of real jobs, as in Ansible Automation Platform."""

from __future__ import annotations

import json
import subprocess
import typing as t

import pytest
import yaml
from ansible_collections.alicloud.ehpc.tests.emulator import Cluster, Emulator
from ansible_collections.alicloud.ehpc.tests.support.awx_data import ROOT
from ansible_collections.alicloud.ehpc.tests.support.awx_launching import Controller, Job
from ansible_collections.alicloud.ehpc.tests.support.documents import MODULES
from ansible_collections.alicloud.ehpc.tests.support.uses import HYBRID, NEXT, RUNS

QUERIES: dict[str, dict[str, str]] = yaml.safe_load((ROOT / "extensions/audit/event_query.yml").read_text(encoding="utf-8"))
# Writes objects to a bucket, which is not a managed node.
MANAGE_NO_CLUSTER = {"post_scripts_publish"}
Row = dict[str, t.Any]


def evaluate(query: str, result: t.Any) -> list[Row]:
    """The rows of a query, from the Python package jq, as on the platform, or from the program jq if the package is not installed."""
    try:
        import jq
    except ImportError:
        ran = subprocess.run(["jq", "--compact-output", query], input=json.dumps(result), capture_output=True, text=True, timeout=30, check=True)
        return [json.loads(line) for line in ran.stdout.splitlines()]
    return t.cast("list[Row]", jq.compile(query).input_value(result).all())


def rows(job: Job, play: str) -> dict[str, list[Row]]:
    """The rows of each module in a play of a job. As on the platform, the same canonical facts count once."""
    found: dict[str, dict[str, Row]] = {}
    for event in job.events:
        data = event.get("event_data", {})
        module = data.get("resolved_action")
        if "res" in data and module in QUERIES and data["play"] == play:
            for row in evaluate(QUERIES[module]["query"], data["res"]):
                found.setdefault(module, {})[json.dumps(row["canonical_facts"])] = row
    return {module: list(unique.values()) for module, unique in found.items()}


def has_null(value: t.Any) -> bool:
    if isinstance(value, dict):
        return any(has_null(item) for item in value.values())
    return value is None


def run(awx: Controller, tasks: dict[str, dict[str, Row]]) -> Job:
    """A job with a play of each of these names, and in it a task of each of these modules. A task that fails does not end it."""
    plays = [
        {
            "name": name,
            "hosts": "localhost",
            "gather_facts": False,
            "check_mode": name == "check",
            "tasks": [{f"alicloud.ehpc.{module}": options, "ignore_errors": True} for module, options in modules.items()],
        }
        for name, modules in tasks.items()
    ]
    template = {"name": "EXAMPLE", "playbook": "example.yml", "inventory": "", "credentials": ["E-HPC"]}
    return awx.launch("EXAMPLE", {}, template=template, files={"example.yml": json.dumps(plays)})


def tasks(**options: str) -> dict[str, Row]:
    """A task of each module that has a query: its first use."""
    names = [name.rpartition(".")[2] for name in QUERIES]
    return {name: {**RUNS[name][0][0], **options} for name in names}


def test_each_module_that_manages_a_cluster_has_a_query() -> None:
    managing = {module for module in MODULES if not module.endswith("_info")} - MANAGE_NO_CLUSTER
    assert sorted(QUERIES) == sorted(f"alicloud.ehpc.{module}" for module in managing)


def test_a_row_for_the_cluster_and_one_for_each_node(awx: Controller, emulator: Emulator) -> None:
    """Also in check mode. There is none for a cluster that does not exist."""
    emulator.state.clusters[NEXT] = Cluster(id=NEXT, region="cn-hangzhou", name="next", generation="next")
    given = tasks()
    job = run(awx, {"check": given, "run": given, "unknown": tasks(cluster_id="ehpc-hz-NONE")})
    assert rows(job, "unknown") == {}
    (node,) = [node for node in emulator.state.clusters[HYBRID].nodes if node.host_name == "compute000"]
    for play in ("check", "run"):
        found = rows(job, play)
        assert set(found) == set(QUERIES), "every query has been evaluated"
        everything = [row for module in found.values() for row in module]
        assert [row for row in everything if has_null(row) or not row["name"]] == []
        assert {row["facts"]["infra_type"] for row in everything} == {"PublicCloud"}
        of_nodes = [(row["name"], row["canonical_facts"]) for row in found.pop("alicloud.ehpc.post_scripts_run")]
        assert of_nodes == [("compute000", {"node_id": node.id})]
        # Always the same row for a cluster, so it counts once.
        clusters = {module.rpartition(".")[2]: [row["canonical_facts"] for row in of_module] for module, of_module in found.items()}
        assert clusters == {name: [{"cluster_id": given[name]["cluster_id"], "region": "cn-hangzhou"}] for name in clusters}


OTHERS: dict[str, Row] = {
    "empty": {},
    "loop": {"results": [{"cluster_id": HYBRID}]},
    "failed": {"failed": True, "msg": "No region is given.", "cluster_id": HYBRID},
    "node without id": {"nodes": [{"id": None}]},
    "no nodes": {"nodes": None},
}


@pytest.mark.parametrize("case", OTHERS)
def test_no_row_for_other_results(case: str) -> None:
    assert [row for query in QUERIES.values() for row in evaluate(query["query"], OTHERS[case])] == []


def test_a_node_without_a_host_name_is_named_by_its_id() -> None:
    query = QUERIES["alicloud.ehpc.post_scripts_run"]["query"]
    names = [row["name"] for row in evaluate(query, {"nodes": [{"id": "i-1", "hostname": ""}, {"id": "i-2", "hostname": None}, {"id": "i-3"}]})]
    assert names == ["i-1", "i-2", "i-3"]
