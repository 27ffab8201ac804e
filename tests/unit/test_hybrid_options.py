# Copyright (c) 2026, the alicloud.ehpc contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The variables of the role ehpc_hybrid_node: what each value means, which fact is its default, and the mistakes that are reported."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.alicloud.ehpc.plugins.plugin_utils._hybrid_options import DEFAULT_RUN_TIMEOUT, NAMES, PREFIX, hybrid_options, missing_facts
from ansible_collections.alicloud.ehpc.tests.support.documents import ROOT, load

SPECS = load((ROOT / "roles/ehpc_hybrid_node/meta/argument_specs.yml").read_text(encoding="utf-8"))[0]["argument_specs"]["main"]["options"]
FACTS = {"hostname": "local001", "default_ipv4": {"address": "192.0.2.11"}, "processor_vcpus": 8, "memtotal_mb": 16000}
NODE = {"host_name": "local001", "ip_address": "192.0.2.11", "cpu_cores": 8, "memory_mb": 16000, "queue": ""}


def options_of(facts: dict[str, t.Any], **variables: t.Any) -> dict[str, t.Any]:
    return hybrid_options({"ehpc_hybrid_node_cluster_id": "ehpc-hz-EXAMPLE", **{PREFIX + name: value for name, value in variables.items()}}, facts)


def test_the_names_and_the_default_are_those_of_the_role() -> None:
    assert {PREFIX + name for name in NAMES} == set(SPECS)
    assert SPECS["ehpc_hybrid_node_run_timeout"]["default"] == DEFAULT_RUN_TIMEOUT


@pytest.mark.parametrize("blank", [None, "", " "])
def test_a_blank_variable_means_the_fact(blank: str | None) -> None:
    names = ("host_name", "ip_address", "cpu_cores", "memory_mb", "queue", "region", "config_path", "run_timeout")
    expected = {"cluster_id": "ehpc-hz-EXAMPLE", "region": "", "config_path": "", "node": NODE, "run_timeout": 1800, "mistakes": []}
    assert options_of(FACTS, **dict.fromkeys(names, blank)) == expected


def test_a_variable_takes_precedence_over_the_fact() -> None:
    given = {"host_name": " local002 ", "ip_address": "192.0.2.12", "cpu_cores": "4", "memory_mb": 8000, "queue": "workq"}
    options = options_of(FACTS, **given, run_timeout="60")
    assert (options["node"], options["run_timeout"]) == ({**given, "host_name": "local002", "cpu_cores": 4}, 60)


@pytest.mark.parametrize("facts", [{}, {"default_ipv4": {}}, {"default_ipv4": None}])
def test_neither_variable_nor_fact(facts: dict[str, t.Any]) -> None:
    empty = [
        f"{PREFIX}{name} is empty, and the facts of the host have no value for it. Set it." for name in ("host_name", "ip_address", "cpu_cores", "memory_mb")
    ]
    assert options_of(facts)["mistakes"] == empty


@pytest.mark.parametrize(
    ("variables", "mistake"),
    [
        ({"cluster_id": " "}, "ehpc_hybrid_node_cluster_id is empty. Set it, or ehpc_cluster_id, to the ID of the hybrid cluster."),
        ({"cpu_cores": "0"}, "ehpc_hybrid_node_cpu_cores must be a whole number, at least 1; it is '0'."),
        ({"memory_mb": "16 GB"}, "ehpc_hybrid_node_memory_mb must be a whole number, at least 1; it is '16 GB'."),
        ({"run_timeout": True}, "ehpc_hybrid_node_run_timeout must be a whole number, at least 1; it is 'True'."),
        ({"ip_adress": "x"}, "ehpc_hybrid_node_ip_adress is not a variable of the role. The closest one is ehpc_hybrid_node_ip_address."),
        ({"zzz": "x"}, "ehpc_hybrid_node_zzz is not a variable of the role."),
    ],
)
def test_mistakes(variables: dict[str, t.Any], mistake: str) -> None:
    assert options_of(FACTS, **variables)["mistakes"] == [mistake]


@pytest.mark.parametrize(
    ("given", "facts", "subsets"),
    [
        ({}, {}, ["platform", "network", "hardware"]),
        ({"host_name": "a", "cpu_cores": 1}, {}, ["network", "hardware"]),
        ({"host_name": "a", "cpu_cores": 1, "memory_mb": 1}, {"default_ipv4": {}}, None),
        ({"config_path": " "}, FACTS, []),
        ({}, FACTS, None),
    ],
)
def test_only_the_facts_that_are_needed_are_gathered(given: dict[str, t.Any], facts: dict[str, t.Any], subsets: list[str] | None) -> None:
    variables = {PREFIX + name: value for name, value in {"config_path": "/x", **given}.items()}
    assert missing_facts(variables, facts) == (None if subsets is None else ["!all", "!min", *subsets])
