# Copyright (c) 2026, the alicloud.ehpc contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Strings of the service or of a node in results, facts and messages are never evaluated as templates. The inventory is in test_inventory."""

from __future__ import annotations

import json
import typing as t
from collections.abc import Iterator
from pathlib import Path

import pytest
from ansible_collections.alicloud.ehpc.tests.emulator import Emulator
from ansible_collections.alicloud.ehpc.tests.support.hostile import Hostile
from ansible_collections.alicloud.ehpc.tests.support.playing import Play, Result, Run, Task, task
from ansible_collections.alicloud.ehpc.tests.support.script_server import ScriptServer

CLUSTER = "ehpc-hz-EXAMPLE"


@pytest.fixture
def hostile(tmp_path: Path) -> Hostile:
    return Hostile(tmp_path)


@pytest.fixture
def server(hostile: Hostile) -> Iterator[ScriptServer]:
    output = "\n".join(hostile.strings.values())
    with ScriptServer({"/hostile.sh": f"#!/bin/sh\ncat <<'END'\n{output}\nEND\nexit 1\n".encode()}) as running:
        yield running


@pytest.fixture
def emulator(hostile: Hostile, server: ScriptServer) -> Iterator[Emulator]:
    cluster = {
        "id": CLUSTER,
        "name": hostile.strings["expression"],
        "location": "OnPremise",
        "proxy_mode": True,
        "users": [{"name": string, "group": string} for string in hostile.strings.values()],
        "on_premise_users": [{"name": "x" + string} for string in hostile.strings.values()],
        "post_scripts": [{"url": server.url("/hostile.sh") + "?" + hostile.expression, "args": hostile.strings["statement"]}],
        "nodes": [{"id": f"i-{kind}", "host_name": string} for kind, string in hostile.strings.items()],
        "details": {"SchedulerType": hostile.strings["expression"], "OnPremiseInfo": {"OnPremiseInfo": [{"HostName": hostile.strings["comment"]}]}},
    }
    with Emulator({"clusters": [cluster], "node_environment": {"CURL_CA_BUNDLE": server.ca_path}}) as running:
        yield running


def used(result: str, after: str = "") -> list[Task]:
    """Tasks that use a registered result as playbooks do, with this after their names."""
    tasks: list[Task] = [
        {"name": "Print it", "ansible.builtin.debug": {"msg": "{{ %s }}" % result}},
        {"name": "Print it as a variable", "ansible.builtin.debug": {"var": result}},
        {"name": "Keep it", "ansible.builtin.set_fact": {"kept": "{{ %s }}" % result, "joined": "{{ 'x' ~ %s }}" % result}},
        {"name": "Hand it on", "ansible.builtin.set_stats": {"data": {"handed_on": "{{ kept }}", "joined": "{{ joined }}"}}},
        {"name": "Print what was kept", "ansible.builtin.debug": {"msg": "{{ [kept, joined, hostvars[inventory_hostname].kept] }}"}},
        {"name": "Look for it", "ansible.builtin.debug": {}, "when": "'running' in kept | string or 'msg' in kept"},
    ]
    return [{**one, "name": one["name"] + after} for one in tasks]


def is_in(string: str, result: Result | dict[str, t.Any]) -> bool:
    """Whether a result has the string as it is."""
    values = result.result if isinstance(result, Result) else result
    return json.dumps(string)[1:-1] in json.dumps(values, ensure_ascii=True)


def evaluated_nothing(run: Run, hostile: Hostile) -> bool:
    assert not hostile.was_evaluated(), str(run)
    return True


# name -> the module, its options, and the strings in its result
CASES: dict[str, tuple[str, dict[str, t.Any], list[str]]] = {
    # The service refuses the first of these, with a message.
    "message": ("cluster_info", {"cluster_ids": [CLUSTER], "api_retries": 0}, ["expression"]),
    "details": ("cluster_info", {"cluster_ids": [CLUSTER]}, ["expression", "statement", "comment"]),
    "clusters": ("cluster_info", {}, ["expression"]),
    "users": ("user_info", {"cluster_id": CLUSTER}, ["expression", "statement", "comment", "own_delimiters", "no_delimiters"]),
    "users, process": ("user_info", {"cluster_id": CLUSTER}, ["expression", "statement", "comment", "own_delimiters", "no_delimiters"]),
    "synchronization": ("user_sync", {"cluster_id": CLUSTER, "expected_users": ["nobody99"], "wait_timeout": 1}, ["expression", "statement", "comment"]),
    "run": ("post_scripts_run", {"cluster_id": CLUSTER, "wait_delay": 0.1}, ["expression", "statement", "comment", "no_delimiters"]),
    "scripts": ("post_scripts", {"cluster_id": CLUSTER, "scripts": [], "preflight": "off"}, ["statement"]),
}


def test_results_and_messages_are_never_evaluated(play: Play, hostile: Hostile, emulator: Emulator) -> None:
    emulator.fault("DescribeCluster", code="UnknownError", message=hostile.strings["expression"])
    tasks: list[Task] = []
    for number, (name, (module, options, _kinds)) in enumerate(CASES.items()):
        variable = f"registered{number}"
        retried = {"register": variable, "until": f"{variable} | string | length > 0", "retries": 1, "delay": 0, "ignore_errors": True}
        tasks += [task(name, module, **options) | retried | {"vars": {"ehpc_in_process": "process" not in name}}, *used(variable, f", {name}")]
    run = play(tasks)
    assert [name for name in CASES if run[name].failed] == ["message", "synchronization", "run"]
    for name, (_module, _options, kinds) in CASES.items():
        for result in (run[name], run[f"Print it, {name}"], run[f"Print what was kept, {name}"]):
            assert [kind for kind in kinds if not is_in(hostile.strings[kind], result)] == [], result.task
    assert evaluated_nothing(run, hostile)


@pytest.mark.parametrize("problem", ["scripts", "users", "service", None])
def test_the_role_never_evaluates_them(play: Play, hostile: Hostile, emulator: Emulator, problem: str | None) -> None:
    variables: dict[str, t.Any] = {"ehpc_bootstrap_cluster_id": CLUSTER, "ehpc_bootstrap_region": emulator.region}
    variables |= {"ehpc_bootstrap_wait_delay": 1, "ehpc_bootstrap_sync_timeout": 2}
    if problem == "scripts":
        variables["ehpc_bootstrap_run_on_nodes"] = ["compute"]
    if problem == "users":
        variables["ehpc_bootstrap_expected_users"] = ["nobody99"]
    if problem == "service":
        emulator.fault("SyncUsers", code="AgentError.Account.UserSynFailure", detail=hostile.strings["expression"], times=None)
    tasks: list[Task] = [
        {
            "block": [{"name": "Bootstrap", "ansible.builtin.include_role": {"name": "alicloud.ehpc.ehpc_bootstrap"}}],
            "rescue": [{"name": "Say it", "ansible.builtin.debug": {"msg": "{{ ansible_failed_result }} {{ ehpc_bootstrap_result.error }}"}}],
        },
        *used("ehpc_bootstrap_result"),
    ]
    run = play(tasks, extra_vars=variables)
    assert bool(run.all("Say it")) is bool(problem)
    kept = run["Print what was kept"]
    expected = {"scripts": "statement", "users": "statement", "service": "expression", None: "comment"}[problem]
    assert is_in(hostile.strings[expected], kept)
    assert evaluated_nothing(run, hostile)
