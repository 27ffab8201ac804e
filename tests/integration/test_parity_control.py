# Copyright (c) 2026, the alicloud.ehpc contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The keywords around a task work in the worker as in a process: loops, retries, conditions, delegation, strategies."""

from __future__ import annotations

import json
import typing as t
from pathlib import Path

import pytest
from ansible_collections.alicloud.ehpc.tests.emulator import Emulator
from ansible_collections.alicloud.ehpc.tests.emulator.state import StatusAfter
from ansible_collections.alicloud.ehpc.tests.support.parity import Parity
from ansible_collections.alicloud.ehpc.tests.support.playing import Task, task

CLUSTER = "ehpc-hz-public01"
CREATED = "ehpc-hz-create01"
CLUSTERS = [CLUSTER, "ehpc-hz-hybrid01"]
BASE = {"url": "https://scripts.example.com/base.sh", "args": "--mode base"}
OWN_PYTHON = "{{ ansible_playbook_python }}"


@pytest.fixture
def parity(tmp_path: Path) -> Parity:
    return Parity(tmp_path)


def inventory(directory: Path, **variables: dict[str, object]) -> Path:
    """An inventory of these hosts."""
    path = directory / "inventory.json"
    path.write_text(json.dumps({"all": {"hosts": variables}}), encoding="utf-8")
    return path


def local(cluster_id: str) -> dict[str, object]:
    return {"ansible_connection": "local", "ansible_python_interpreter": OWN_PYTHON, "cluster_id": cluster_id}


def wait(name: str, **keywords: object) -> Task:
    """A task that polls a cluster that is being created."""
    return task(name, "cluster_info", cluster_ids=[CREATED]) | {"register": "found", "delay": 0, "retries": 5, **keywords}


def test_loops_retries_and_conditions(parity: Parity) -> None:
    one_script = "now.post_scripts | length == 1"

    def prepare(emulator: Emulator) -> None:
        emulator.fault("ListUsers", code="InvalidParams")
        emulator.state.clusters[CREATED].status_after = StatusAfter(calls=1)

    both = parity.compare(
        [
            wait("until", until="found.clusters[0].status == 'running'"),
            task("never fulfilled", "post_scripts_info", cluster_id="ehpc-hz-EXAMPLE") | {"until": "false", "retries": 1, "delay": 0, "ignore_errors": True},
            task("retries", "user_info", cluster_id=CLUSTER) | {"register": "users", "until": "users is succeeded", "retries": 3, "delay": 0},
            task("loop", "post_scripts", cluster_id="{{ item }}", scripts=[BASE]) | {"loop": CLUSTERS, "register": "changes"},
            task("loop over results", "post_scripts_info", cluster_id="{{ change.cluster_id }}")
            | {
                "loop": "{{ changes.results | selectattr('changed') }}",
                "loop_control": {"loop_var": "change", "index_var": "i"},
            },
            task("failures in a loop", "post_scripts_info", cluster_id="{{ item }}") | {"loop": [CLUSTER, "ehpc-hz-EXAMPLE"], "ignore_errors": True},
            task("skipped", "post_scripts_info", cluster_id=CLUSTER) | {"when": "changes is failed"},
            task("changed_when", "post_scripts_info", cluster_id=CLUSTER) | {"register": "now", "changed_when": one_script},
            task("failed_when", "post_scripts_info", cluster_id=CLUSTER) | {"register": "now", "failed_when": one_script, "ignore_errors": True},
            {
                "block": [task("to be rescued", "post_scripts_info", cluster_id="ehpc-hz-EXAMPLE")],
                "rescue": [task("rescue", "post_scripts_info", cluster_id="{{ CLUSTER }}") | {"when": "ansible_failed_result.error.code == 'ClusterNotFound'"}],
            },
            {"name": "registered", "ansible.builtin.debug": {"msg": "{{ now.region }} {{ changes.results[0].previous_post_scripts }}"}},
        ],
        prepare=prepare,
        keywords={"vars": {"CLUSTER": CLUSTER}},
    )
    assert both.worker["until"]["attempts"] == 2
    assert both.worker["never fulfilled"].failed
    assert both.worker["retries"]["attempts"] == 2
    assert [item.status for item in both.worker.items("failures in a loop")] == ["ok", "failed"]
    assert both.worker["skipped"].status == "skipped"
    assert both.worker["changed_when"].changed
    assert both.worker["failed_when"].failed
    assert both.worker["rescue"]["post_scripts"] == [BASE]


@pytest.mark.parametrize(("strategy", "serial", "hosts"), [("linear", 2, 3), ("free", 0, 2)])
def test_strategies(parity: Parity, strategy: str, serial: int, hosts: int) -> None:
    names = [f"ehpc-hz-fleet-{number}" for number in range(hosts)]
    more = {
        "linear": task("once", "region_info") | {"run_once": True},
        "free": task("throttled", "post_scripts_info", cluster_id="{{ cluster_id }}") | {"throttle": 1},
    }

    def prepare(emulator: Emulator) -> None:
        kind = type(emulator.state.clusters[CLUSTER])
        emulator.state.clusters.update({name: kind(id=name, region="cn-hangzhou") for name in names})

    both = parity.compare(
        [task("set", "post_scripts", cluster_id="{{ cluster_id }}", scripts=[BASE]), more[strategy]],
        prepare=prepare,
        unordered=True,
        keywords={"hosts": "all", "strategy": strategy, **({"serial": serial} if serial else {})},
        inventory=inventory(parity.play.directory, **{name: local(name) for name in names}),
    )
    assert [result["cluster_id"] for result in sorted(both.worker.all("set"), key=lambda result: result.host)] == names
    assert all(result.changed for result in both.worker.all("set"))


def test_delegation(parity: Parity) -> None:
    """Unreachable hosts are not contacted if the task is delegated to a host that needs no connection."""
    directory = parity.play.directory
    contacted = directory / "contacted"
    ssh = directory / "ssh"
    ssh.write_text(f"#!/bin/sh\necho ssh >> {contacted}\nexit 255\n", encoding="utf-8")
    ssh.chmod(0o755)
    remote = {"ansible_host": "192.0.2.1", "ansible_connection": "ssh", "ansible_ssh_executable": str(ssh)}
    options: dict[str, t.Any] = {
        "keywords": {"hosts": "remote", "vars": {"own": OWN_PYTHON}},
        "inventory": inventory(directory, remote={**remote, "cluster": CLUSTER}, other={**local(CLUSTER), "ansible_python_interpreter": "{{ own }}"}),
    }
    delegated = [
        task("to localhost", "post_scripts_info", cluster_id="{{ cluster }}") | {"delegate_to": "localhost"},
        task("to another", "post_scripts_info", cluster_id="{{ cluster }}") | {"delegate_to": "{{ 'other' }}"},
        task("in a loop", "post_scripts_info", cluster_id="{{ cluster }}") | {"delegate_to": "{{ item }}", "loop": ["other", "localhost"]},
    ]
    both = parity.compare(delegated, **options)
    assert [result.host for result in both.worker.results if not result.item] == ["remote"] * 3
    assert not contacted.exists()
    with Emulator() as emulator:
        run = parity.run(emulator, [task("there", "post_scripts_info", cluster_id=CLUSTER)], code=None, **options)
        assert [result.status for result in run.results] == ["unreachable"]
        assert emulator.calls == []
    assert contacted.exists()


def test_one_connection_for_all_iterations(parity: Parity, emulator: Emulator) -> None:
    other = emulator.credential("stranger")
    parity.run(emulator, [task("loop", "post_scripts", cluster_id="{{ item }}", scripts=[BASE]) | {"loop": CLUSTERS}])
    assert len(emulator.calls) == 6
    assert emulator.connections == 1
    emulator.forget()
    parity.run(emulator, [wait("until", until="found.clusters[0].status == 'running'")])
    assert len(emulator.calls) == 3
    assert emulator.connections == 1
    emulator.forget()
    regions = ["cn-hangzhou", "cn-shanghai", "cn-hangzhou", "cn-shanghai"]
    parity.run(emulator, [task("regions", "cluster_info", names=["a"], region="{{ item }}") | {"loop": regions}])
    assert [call.params["RegionId"] for call in emulator.calls] == regions
    assert emulator.connections == 2
    emulator.forget()
    keys = [{"key": key.access_key, "secret": key.secret_key} for key in (emulator.credential("main"), other, emulator.credential("main"))]
    both = task("keys", "cluster_info", names=["*"], access_key="{{ item.key }}", secret_key="{{ item.secret }}")
    parity.run(emulator, [both | {"loop": keys, "no_log": True}])
    assert [call.access_key for call in emulator.calls] == [key["key"] for key in keys]
    assert emulator.connections == 2
    assert parity.processes() == []
