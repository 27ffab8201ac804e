# Copyright (c) 2026, the alicloud.ehpc contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Resource reporting: the queries over the results of real jobs, as Ansible Automation Platform evaluates them."""

from __future__ import annotations

import json
import subprocess
import typing as t
from pathlib import Path

import pytest
import yaml
from data import ROOT
from launching import Controller, Job

from documents import MODULES
from emulator import Emulator

QUERIES: dict[str, dict[str, str]] = yaml.safe_load((ROOT / "extensions/audit/event_query.yml").read_text(encoding="utf-8"))
CLUSTER = "ehpc-hz-hybrid01"
Row = dict[str, t.Any]


def evaluate(query: str, result: t.Any) -> list[Row]:
    """The rows of a query, by the Python package jq that the platform uses, or else by the program of this name."""
    try:
        import jq
    except ImportError:
        ran = subprocess.run(["jq", "--compact-output", query], input=json.dumps(result), capture_output=True, text=True, timeout=30, check=True)
        return [json.loads(line) for line in ran.stdout.splitlines()]
    return t.cast("list[Row]", jq.compile(query).input_value(result).all())


def rows(job: Job) -> dict[str, list[Row]]:
    """The rows of each module of a job. As on the platform, the same canonical facts count once."""
    found: dict[str, dict[str, Row]] = {}
    for event in job.events:
        data = event["event_data"]
        module = data.get("resolved_action")
        if "res" in data and module in QUERIES:
            for row in evaluate(QUERIES[module]["query"], data["res"]):
                found.setdefault(module, {})[json.dumps(row["canonical_facts"])] = row
    return {module: list(unique.values()) for module, unique in found.items()}


def has_null(value: t.Any) -> bool:
    if isinstance(value, dict):
        return any(has_null(item) for item in value.values())
    return value is None


@pytest.fixture
def script(tmp_path: Path) -> Path:
    path = tmp_path / "base.sh"
    path.write_text("#!/bin/sh\ntrue\n", encoding="utf-8")
    path.chmod(0o755)
    return path


def bootstrap(awx: Controller, script: Path, run_on_nodes: str = "compute", expected_users: str = "physics01", job_type: str = "run") -> Job:
    answers = {"cluster_id": CLUSTER, "post_scripts": str(script), "run_on_nodes": run_on_nodes, "expected_users": expected_users}
    return awx.launch("Bootstrap E-HPC cluster", {f"ehpc_bootstrap_{name}": value for name, value in answers.items()}, job_type=job_type)


def test_each_module_that_changes_something_has_a_query_and_no_other() -> None:
    assert sorted(QUERIES) == sorted(f"alicloud.ehpc.{module}" for module in MODULES if not module.endswith("_info"))


@pytest.mark.parametrize("job_type", ["run", "check"])
def test_a_row_for_the_cluster_and_one_for_each_node(awx: Controller, emulator: Emulator, script: Path, job_type: str) -> None:
    found = rows(bootstrap(awx, script, job_type=job_type))
    assert set(found) == set(QUERIES), "every query has been evaluated"
    computes = {node.host_name: node.id for node in emulator.state.clusters[CLUSTER].nodes if node.role == "Compute"}
    assert {row["name"]: row["canonical_facts"] for row in found["alicloud.ehpc.post_scripts_run"]} == {
        name: {"node_id": node_id} for name, node_id in computes.items()
    }
    cluster = {"cluster_id": CLUSTER, "region": "cn-hangzhou"}
    assert [row["canonical_facts"] for row in found["alicloud.ehpc.post_scripts"]] == [cluster]
    assert [row["canonical_facts"] for row in found["alicloud.ehpc.user_sync"]] == [cluster], "the same row, so the cluster counts once"
    everything = [row for module in found.values() for row in module]
    assert [row for row in everything if has_null(row) or not row["name"]] == []
    assert {row["facts"]["infra_type"] for row in everything} == {"PublicCloud"}


def test_what_fails_before_it_reaches_a_cluster_is_no_row(awx: Controller, script: Path) -> None:
    assert rows(bootstrap(awx, script, run_on_nodes="compute777", expected_users="")).get("alicloud.ehpc.post_scripts_run", []) == []


OTHERS: dict[str, Row] = {
    "empty": {},
    "loop": {"results": [{"cluster_id": CLUSTER}]},
    "failed": {"failed": True, "msg": "No region is given.", "cluster_id": CLUSTER},
    "node without id": {"nodes": [{"id": None}]},
    "no nodes": {"nodes": None},
}


@pytest.mark.parametrize("case", OTHERS)
def test_other_results_are_no_row(case: str) -> None:
    assert [row for query in QUERIES.values() for row in evaluate(query["query"], OTHERS[case])] == []


def test_a_node_without_a_host_name_has_its_id_as_name() -> None:
    query = QUERIES["alicloud.ehpc.post_scripts_run"]["query"]
    names = [row["name"] for row in evaluate(query, {"nodes": [{"id": "i-1", "hostname": ""}, {"id": "i-2", "hostname": None}, {"id": "i-3"}]})]
    assert names == ["i-1", "i-2", "i-3"]
