# Copyright (c) 2026, the alicloud.ehpc contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The same task gives the same result in the worker and as a process, key by key."""

from __future__ import annotations

import typing as t
from pathlib import Path

import pytest
from ansible_collections.alicloud.ehpc.tests.emulator import Emulator
from ansible_collections.alicloud.ehpc.tests.emulator.state import Bucket, Cluster
from ansible_collections.alicloud.ehpc.tests.support.documents import MODULES
from ansible_collections.alicloud.ehpc.tests.support.parity import Parity
from ansible_collections.alicloud.ehpc.tests.support.playing import Task, task

CLUSTER = "ehpc-hz-public01"
HYBRID = "ehpc-hz-hybrid01"
NEXT = "ehpc-hz-next01"
BUCKET = "scripts-example"
NODES = [{"host_name": "local001", "ip_address": "192.0.2.11", "cpu_cores": 8, "memory_mb": 16384}]
BASE = {"url": "https://scripts.example.com/base.sh", "args": "--mode base"}
MOUNT = {"url": "https://scripts.example.com/mount.sh", "args": ["--export", "nas.example.com:/data set", "多 é"]}
SIGNED = "https://bucket.oss-cn-hangzhou.aliyuncs.com/a.sh?Expires=1893456000&OSSAccessKeyId=EXAMPLEid&Signature=EXAMPLEsig"


@pytest.fixture
def parity(tmp_path: Path) -> Parity:
    return Parity(tmp_path)


def modules_of(tasks: list[Task]) -> set[str]:
    return {name.removeprefix("alicloud.ehpc.") for one in tasks for name in one if name.startswith("alicloud.ehpc.")}


def with_next_and_bucket(emulator: Emulator) -> None:
    """A cluster of E-HPC NEXT and a bucket, which the default scenario lacks."""
    emulator.state.clusters[NEXT] = Cluster(id=NEXT, region="cn-hangzhou", name="next", generation="next")
    emulator.state.buckets[BUCKET] = Bucket(BUCKET)


def test_success(parity: Parity) -> None:
    """A success of each module."""

    def tasks(emulator: Emulator) -> list[Task]:
        secrets = {"access_key_secret": emulator.secret_key, "secret_key": "EXAMPLE-overruled"}
        publish = {"bucket": BUCKET, "oss_endpoint": emulator.endpoint, "scripts": [{"name": "a.sh", "content": "#!/bin/sh\n"}]}
        return [
            task("preview", "post_scripts", cluster_id=CLUSTER, scripts=[BASE, MOUNT]) | {"check_mode": True},
            task("set", "post_scripts", cluster_id=CLUSTER, scripts=[BASE, MOUNT]),
            task("set again", "post_scripts", cluster_id=CLUSTER, scripts=[BASE, MOUNT]),
            task("add", "post_scripts", cluster_id=CLUSTER, scripts=[{"url": SIGNED}], purge="no", api_retries="2"),
            task("show", "post_scripts_info", cluster_id=CLUSTER),
            task("sync", "user_sync", cluster_id=HYBRID, expected_users="hpcuser03,physics01"),
            task("users", "user_info", cluster_id=HYBRID),
            task("clusters", "cluster_info", names=["hybrid-*"]),
            task("details", "cluster_info", cluster_ids=[HYBRID, "ehpc-hz-EXAMPLE"]),
            task("regions", "region_info"),
            task("unverified", "region_info", validate_certs=False),
            task("same warning twice", "post_scripts", cluster_id=CLUSTER, scripts=[{"url": "oss://bucket/a.sh"}, {"url": "oss://bucket/a.sh"}]),
            task("option and alias", "region_info", region_id="cn-shanghai"),
            task("option and alias of a secret", "region_info", **secrets),
            task("user", "user", cluster_id=CLUSTER, users=[{"name": "hpcuser06", "password": "Example-1-password"}]),
            task("configuration", "hybrid_config_info", cluster_id=HYBRID),
            task("nodes", "local_nodes", cluster_id=HYBRID, nodes=NODES),
            task("publish", "post_scripts_publish", **publish),
            task("set on NEXT", "cluster_script", cluster_id=NEXT, url="/b.sh", accept_full_update=True),
            task("drift", "drift_info", clusters=[{"cluster_id": CLUSTER, "scripts": [BASE], "users": ["hpcuser06"]}]),
        ]

    both = parity.compare(tasks, prepare=with_next_and_bucket, diff=True)
    with Emulator() as emulator:
        # Its own test has real nodes.
        assert modules_of(tasks(emulator)) == set(MODULES) - {"post_scripts_run"}
    changed = ["preview", "set", "add", "sync", "same warning twice", "user", "nodes", "publish", "set on NEXT"]
    assert [result.task for result in both.worker.results if result.status != "ok"] == changed
    assert {both.worker[name].status for name in changed} == {"changed"}
    assert both.worker["set"]["post_scripts"][1]["args"] == "--export 'nas.example.com:/data set' '多 é'"
    for name in ("add", "unverified", "same warning twice"):
        assert len(both.worker[name].warnings) == 1
    assert "diff" in both.worker["preview"].result
    assert both.worker["option and alias"].warnings == ["Both option region and its alias region_id are set."]
    assert [params["RegionId"] for action, params in both.calls if action == "ListRegions"] == ["cn-hangzhou"] * 2 + ["cn-shanghai", "cn-hangzhou"]
    for run in (both.worker, both.process):
        assert "EXAMPLE-overruled" not in run.everything()
        assert "EXAMPLE-secret-of-main" not in run.everything()


def test_check_mode_of_a_run(parity: Parity) -> None:
    both = parity.compare(
        [
            task("set", "post_scripts", cluster_id=CLUSTER, scripts=[BASE]),
            task("set for real", "post_scripts", cluster_id=HYBRID, scripts=[]) | {"check_mode": False},
            task("sync", "user_sync", cluster_id=HYBRID),
        ],
        check=True,
        diff=True,
    )
    assert [result.status for result in both.worker.results] == ["changed"] * 3
    assert [action for action, _params in both.calls].count("SetPostScripts") == 1


def test_wrong_options(parity: Parity) -> None:
    one = {"cluster_id": CLUSTER, "scripts": []}
    cases = {
        "unknown option": task("", "post_scripts", **one, colour="red", shape="round"),
        "unknown option of a short name": {"region_info": {"colour": "red"}},
        "unknown suboption": task("", "post_scripts", cluster_id=CLUSTER, scripts=[{"url": "/a", "colour": "red"}]),
        "required option": task("", "post_scripts", scripts=[]),
        "required suboption": task("", "post_scripts", cluster_id=CLUSTER, scripts=[{"args": "-v"}]),
        "not a number": task("", "post_scripts", **one, connect_timeout="soon"),
        "not a list of dictionaries": task("", "post_scripts", cluster_id=CLUSTER, scripts=["https://scripts.example.com/base.sh"]),
        "a pre-signed url where none belongs": task("", "post_scripts", **one, state=SIGNED),
        "not a choice": task("", "post_scripts", **one, state="gone"),
        "several at once": task("", "post_scripts", scripts=[{"colour": "red"}], state="gone", shape="round"),
        "mutually exclusive": task("", "cluster_info", cluster_ids=[CLUSTER], names=["*"]),
        "found by the module": task("", "post_scripts", cluster_id="", scripts=[]),
    }
    mapping = {"name": "{{ name }}", "more": [1, "{{ name }}"]}
    variables = {
        "mapping as a list": task("", "user_sync", cluster_id=HYBRID, expected_users="{{ mapping }}"),
        "mapping as a number": task("", "region_info", api_retries="{{ mapping }}"),
        "mapping as a boolean": task("", "region_info", validate_certs="{{ [mapping] }}"),
        "mapping as a string": task("", "post_scripts_info", cluster_id="{{ mapping }}"),
        "mapping as a suboption": task("", "post_scripts", cluster_id=CLUSTER, scripts=[{"url": "{{ mapping }}"}, "{{ mapping }}"]),
        "mapping as a path": task("", "region_info", ca_path="{{ [mapping] }}"),
    }
    tasks = [{**one, "name": name} for name, one in {**cases, **variables}.items()]
    # Since ansible-core 2.21, results contain the options only if this is set.
    options: dict[str, t.Any] = {
        "env": {"ANSIBLE_INJECT_INVOCATION": "true"},
        "keywords": {"collections": ["alicloud.ehpc"], "vars": {"mapping": mapping, "name": "hpcuser01"}},
    }
    both = parity.compare(tasks, ignore_errors=True, **options)
    assert [result.status for result in both.worker.results] == ["failed"] * len(tasks)
    assert both.worker["unknown option"].msg.startswith("Unsupported parameters for (alicloud.ehpc.post_scripts) module: colour, shape.")
    assert both.worker["required option"].msg == "missing required arguments: cluster_id"
    assert both.worker["mutually exclusive"].msg == "parameters are mutually exclusive: cluster_ids|names"
    assert both.calls == []
    for run in (both.worker, both.process):
        assert "EXAMPLE-secret-of-main" not in run.everything()
        assert "EXAMPLEsig" not in "".join(str(result.result) for result in run.results)
        for name in variables:
            assert "Ansible" not in run[name].msg + str(run[name].error), "no message names a type of ansible-core's own"


def test_errors_at_high_verbosity(parity: Parity) -> None:
    """A failure of each module, and no secret in any output."""

    def prepare(emulator: Emulator) -> None:
        with_next_and_bucket(emulator)
        emulator.fault("GetPostScripts", code="InvalidParams", message="Not with the key EXAMPLE-secret-of-main.", cluster_id=CLUSTER)
        emulator.fault("ListUsers", code="ServiceUnavailable", times=None)
        emulator.fault("ListRegions", kind="html")
        emulator.fault("SetPostScripts", kind="lost_after")

    absent = {"cluster_id": "ehpc-hz-EXAMPLE"}
    publish = {"bucket": "absent-example", "scripts": [{"name": "a.sh", "content": "#!/bin/sh\n"}]}
    tasks = [
        task("echo of a secret", "post_scripts", cluster_id=CLUSTER, scripts=[BASE]),
        task("unknown cluster", "post_scripts_info", **absent),
        task("not available", "user_info", cluster_id=HYBRID, api_retries=1),
        task("no answer of the service", "region_info"),
        task("lost answer of a write", "post_scripts", cluster_id=CLUSTER, scripts=[{"url": "{{ signed }}"}]),
        task("wrong secret", "region_info", secret_key="{{ wrong }}"),
        task("unknown region", "cluster_info", region="cn-absent"),
        task("unsuited cluster", "user_sync", cluster_id=CLUSTER),
        task("cluster in proxy mode", "user", cluster_id=HYBRID, users=[{"name": "hpcuser06", "password": "Example-1-password"}]),
        task("no configuration", "hybrid_config_info", **absent),
        task("nodes of an unknown cluster", "local_nodes", nodes=NODES, **absent),
        task("unknown bucket", "post_scripts_publish", oss_endpoint="{{ service }}", **publish),
        task("first generation", "cluster_script", cluster_id=CLUSTER, url="/b.sh", accept_full_update=True),
        task("drift of no cluster", "drift_info", clusters=[{"cluster_id": ""}]),
        task("refused", "region_info", endpoint="http://127.0.0.1:9", api_retries=0),
        task("no bundle", "region_info", endpoint="https://127.0.0.1:9", ca_path="/nonexistent.pem"),
        task("hidden", "region_info") | {"no_log": True},
        task("hidden failure", "user_info", cluster_id=HYBRID, api_retries=0) | {"no_log": True},
        task("expected failure", "post_scripts_info", **absent) | {"register": "found", "failed_when": "'error' not in found"},
    ]
    assert modules_of(tasks) == set(MODULES) - {"post_scripts_run"}

    def with_address(emulator: Emulator) -> list[Task]:
        return [{"name": "address", "ansible.builtin.set_fact": {"service": emulator.endpoint}}, *tasks]

    # Not in the playbook itself, because ansible-core shows its lines with an error.
    variables = {"wrong": "EXAMPLE-wrong", "signed": SIGNED}
    both = parity.compare(with_address, prepare=prepare, ignore_errors=True, keywords={"vars": variables}, verbosity=3, diff=True)
    fine = ("address", "lost answer of a write", "hidden", "expected failure")
    assert {result.task: result.failed for result in both.worker.results} == {result.task: result.task not in fine for result in both.worker.results}
    assert both.worker["echo of a secret"].error["message"] == "Not with the key ***."
    assert "EXEC" not in both.worker.stdout
    assert "EXEC" in both.process.stdout
    for run in (both.worker, both.process):
        for secret in ("EXAMPLE-secret-of-main", "EXAMPLE-wrong", "EXAMPLEsig"):
            assert secret not in run.everything()


def test_short_secret(parity: Parity) -> None:
    """It masks every string that it is part of, but never whether something changed.

    The letter is in none of True, False and None, which ansible-core 2.16 would mask, too, in what it adds to the result of a process.
    """

    def prepare(emulator: Emulator) -> None:
        emulator.credential("main").secret_key = "b"

    both = parity.compare(
        [
            task("set", "post_scripts", cluster_id=CLUSTER, scripts=[BASE]) | {"register": "first"},
            task("set again", "post_scripts", cluster_id=CLUSTER, scripts=[BASE]) | {"register": "second"},
            {"name": "proof", "ansible.builtin.assert": {"that": ["first is changed", "first.region == 'cn-hangzhou'", "second is not changed"]}},
        ],
        prepare=prepare,
    )
    assert both.worker["set"]["post_scripts"][0]["args"] == "--mode ***ase"
