# Copyright (c) 2026, the alicloud.ehpc contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The same task gives the same result in the worker and as a process, key by key."""

from __future__ import annotations

import typing as t
from pathlib import Path

import pytest
from ansible_collections.alicloud.ehpc.tests.emulator import Emulator
from ansible_collections.alicloud.ehpc.tests.support.parity import Parity
from ansible_collections.alicloud.ehpc.tests.support.playing import task

CLUSTER = "ehpc-hz-public01"
HYBRID = "ehpc-hz-hybrid01"
BASE = {"url": "https://scripts.example.com/base.sh", "args": "--mode base"}
MOUNT = {"url": "https://scripts.example.com/mount.sh", "args": ["--export", "nas.example.com:/data set", "多 é"]}
SIGNED = "https://bucket.oss-cn-hangzhou.aliyuncs.com/a.sh?Expires=1893456000&OSSAccessKeyId=EXAMPLEid&Signature=EXAMPLEsig"


@pytest.fixture
def parity(tmp_path: Path) -> Parity:
    return Parity(tmp_path)


def test_success(parity: Parity) -> None:
    both = parity.compare(
        [
            task("preview", "post_scripts", cluster_id=CLUSTER, scripts=[BASE, MOUNT]) | {"check_mode": True},
            task("set", "post_scripts", cluster_id=CLUSTER, scripts=[BASE, MOUNT]),
            task("set again", "post_scripts", cluster_id=CLUSTER, scripts=[BASE, MOUNT]),
            task("add", "post_scripts", cluster_id=CLUSTER, scripts=[{"url": SIGNED}], purge="no", api_retries="2"),
            task("show", "post_scripts_info", cluster_id=CLUSTER),
            task("sync", "user_sync", cluster_id=HYBRID, expected_users="hpcuser03,physics01"),
            task("sync again", "user_sync", cluster_id=HYBRID, expected_users=["hpcuser03"]),
            task("users", "user_info", cluster_id=HYBRID),
            task("clusters", "cluster_info", names=["hybrid-*"]),
            task("details", "cluster_info", cluster_ids=[HYBRID, "ehpc-hz-EXAMPLE"]),
            task("regions", "region_info"),
            task("unverified", "region_info", validate_certs=False),
            task("same warning twice", "post_scripts", cluster_id=CLUSTER, scripts=[{"url": "oss://bucket/a.sh"}, {"url": "oss://bucket/a.sh"}]),
        ],
        diff=True,
    )
    statuses = [result.status for result in both.worker.results]
    assert statuses == ["changed", "changed", "ok", "changed", "ok", "changed", "ok", "ok", "ok", "ok", "ok", "ok", "changed"]
    assert both.worker["set"]["post_scripts"][1]["args"] == "--export 'nas.example.com:/data set' '多 é'"
    assert len(both.worker["add"].warnings) == 1
    assert len(both.worker["unverified"].warnings) == 1
    assert len(both.worker["same warning twice"].warnings) == 1
    assert "diff" in both.worker["preview"].result


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
        "unknown option, without others": task("", "region_info", colour="red"),
        "unknown option of a short name": {"region_info": {"colour": "red"}},
        "unknown suboption": task("", "post_scripts", cluster_id=CLUSTER, scripts=[{"url": "/a", "colour": "red"}]),
        "required option": task("", "post_scripts", scripts=[]),
        "required option is null": task("", "post_scripts", cluster_id=None, scripts=[]),
        "required suboption": task("", "post_scripts", cluster_id=CLUSTER, scripts=[{"args": "-v"}]),
        "not a number": task("", "post_scripts", **one, connect_timeout="soon"),
        "not a boolean": task("", "post_scripts", **one, purge="perhaps"),
        "not a list of dictionaries": task("", "post_scripts", cluster_id=CLUSTER, scripts=["https://scripts.example.com/base.sh"]),
        "not a list": task("", "post_scripts", cluster_id=CLUSTER, scripts={"url": "/a"}),
        "a pre-signed url where none belongs": task("", "post_scripts", **one, state=SIGNED),
        "not a choice": task("", "post_scripts", **one, state="gone"),
        "several at once": task("", "post_scripts", scripts=[{"colour": "red"}], state="gone", shape="round"),
        "mutually exclusive": task("", "cluster_info", cluster_ids=[CLUSTER], names=["*"]),
        "found by the module": task("", "post_scripts", cluster_id="", scripts=[]),
        "no region": task("", "post_scripts", **one, region=""),
        "http": task("", "post_scripts", **one, endpoint="http://ehpc.example.com"),
    }
    tasks = [{**one, "name": name} for name, one in cases.items()]
    # Since ansible-core 2.21, results contain the options only if this is set.
    options: dict[str, t.Any] = {"env": {"ANSIBLE_INJECT_INVOCATION": "true"}, "keywords": {"collections": ["alicloud.ehpc"]}}
    both = parity.compare(tasks, ignore_errors=True, **options)
    assert [result.status for result in both.worker.results] == ["failed"] * len(cases)
    assert both.worker["unknown option"].msg.startswith("Unsupported parameters for (alicloud.ehpc.post_scripts) module: colour, shape.")
    assert both.worker["required option"].msg == "missing required arguments: cluster_id"
    assert both.worker["mutually exclusive"].msg == "parameters are mutually exclusive: cluster_ids|names"
    assert both.calls == []
    for run in (both.worker, both.process):
        assert "EXAMPLE-secret-of-main" not in run.everything()
        assert "EXAMPLEsig" not in "".join(str(result.result) for result in run.results)


def test_dictionary_from_a_variable(parity: Parity) -> None:
    """No message names a type of ansible-core's own."""
    both = parity.compare(
        [
            task("list", "user_sync", cluster_id=HYBRID, expected_users="{{ mapping }}"),
            task("number", "region_info", api_retries="{{ mapping }}"),
            task("boolean", "region_info", validate_certs="{{ [mapping] }}"),
            task("string", "post_scripts_info", cluster_id="{{ mapping }}"),
            task("suboption", "post_scripts", cluster_id=CLUSTER, scripts=[{"url": "{{ mapping }}"}, "{{ mapping }}"]),
            task("path", "region_info", ca_path="{{ [mapping] }}"),
        ],
        keywords={"vars": {"mapping": {"name": "{{ name }}", "more": [1, "{{ name }}"]}, "name": "hpcuser01"}},
        ignore_errors=True,
    )
    assert [result.status for result in both.worker.results] == ["failed"] * 6
    for result in [*both.worker.results, *both.process.results]:
        assert "Ansible" not in result.msg, result.msg
        assert "Ansible" not in str(result.error)


def test_option_and_alias(parity: Parity) -> None:
    both = parity.compare(
        lambda emulator: [
            task("both", "region_info", region_id="cn-shanghai"),
            task("both of a secret", "region_info", access_key_secret=emulator.secret_key, secret_key="EXAMPLE-overruled"),
        ]
    )
    assert both.worker["both"].warnings == ["Both option region and its alias region_id are set."]
    assert [params["RegionId"] for _action, params in both.calls] == ["cn-shanghai", "cn-hangzhou"]
    for run in (both.worker, both.process):
        assert "EXAMPLE-overruled" not in run.everything()
        assert "EXAMPLE-secret-of-main" not in run.everything()


def test_errors_of_the_service(parity: Parity) -> None:
    def prepare(emulator: Emulator) -> None:
        emulator.fault("GetPostScripts", code="InvalidParams", message="Not with the key EXAMPLE-secret-of-main.", cluster_id=CLUSTER)
        emulator.fault("ListUsers", code="ServiceUnavailable", times=None)
        emulator.fault("ListRegions", kind="html")
        emulator.fault("ListRegions", kind="lost_before")
        emulator.fault("SetPostScripts", kind="lost_after")

    both = parity.compare(
        [
            task("echo of a secret", "post_scripts", cluster_id=CLUSTER, scripts=[BASE]),
            task("unknown cluster", "post_scripts_info", cluster_id="ehpc-hz-EXAMPLE"),
            task("not available", "user_info", cluster_id=HYBRID, api_retries=1),
            task("no answer of the service", "region_info"),
            task("lost answer", "region_info"),
            task("lost answer of a write", "post_scripts", cluster_id=CLUSTER, scripts=[BASE]),
            task("wrong secret", "region_info", secret_key="{{ wrong }}"),
            task("unsuited cluster", "user_sync", cluster_id=CLUSTER),
            task("refused", "region_info", endpoint="http://127.0.0.1:9", api_retries=0),
            task("unknown host", "region_info", endpoint="ehpc.invalid", api_retries=0),
            task("no bundle", "region_info", endpoint="https://127.0.0.1:9", ca_path="/nonexistent.pem"),
            task("hidden", "region_info") | {"no_log": True},
            task("hidden failure", "user_info", cluster_id=HYBRID, api_retries=0) | {"no_log": True},
            task("expected failure", "post_scripts_info", cluster_id="ehpc-hz-EXAMPLE") | {"register": "found", "failed_when": "'error' not in found"},
        ],
        prepare=prepare,
        ignore_errors=True,
        # Not in the playbook itself, because ansible-core shows its lines with an error.
        keywords={"vars": {"wrong": "EXAMPLE-wrong"}},
    )
    fine = ("lost answer", "lost answer of a write", "hidden", "expected failure")
    assert {result.task: result.failed for result in both.worker.results} == {result.task: result.task not in fine for result in both.worker.results}
    assert both.worker["echo of a secret"].error["message"] == "Not with the key ***."
    for run in (both.worker, both.process):
        assert "EXAMPLE-secret-of-main" not in run.everything()
        assert "EXAMPLE-wrong" not in run.everything()


def test_at_highest_verbosity(parity: Parity) -> None:
    both = parity.compare([task("set", "post_scripts", cluster_id=CLUSTER, scripts=[{"url": SIGNED}])], verbosity=3, diff=True)
    assert "EXEC" not in both.worker.stdout
    assert "EXEC" in both.process.stdout
    for run in (both.worker, both.process):
        assert "EXAMPLE-secret-of-main" not in run.everything()
        assert "EXAMPLEsig" not in run.everything()


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
