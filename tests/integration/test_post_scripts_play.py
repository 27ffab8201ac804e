# Copyright (c) 2026, the alicloud.ehpc contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""post_scripts and post_scripts_info in playbooks: create, run again, change, reorder, remove, and their output."""

from __future__ import annotations

import typing as t

from ansible_collections.alicloud.ehpc.tests.emulator import Emulator
from ansible_collections.alicloud.ehpc.tests.support.playing import Play, Run, Task, returned_on_success, task

CLUSTER = "ehpc-hz-public01"
BASE = {"url": "https://scripts.example.com/base.sh", "args": "--mode base"}
MOUNT = {"url": "https://scripts.example.com/mount.sh", "args": ""}
MONITOR = {"url": "https://scripts.example.com/monitor.sh", "args": "-v"}
OTHER_BASE = {**BASE, "args": "--mode extended"}
SIGNED = "https://bucket.oss-cn-hangzhou.aliyuncs.com/a.sh?Expires=1893456000&OSSAccessKeyId=EXAMPLEid&Signature=EXAMPLEsig%3D"
SIGNED_SHOWN = "https://bucket.oss-cn-hangzhou.aliyuncs.com/a.sh?Expires=1893456000&OSSAccessKeyId=***&Signature=***"
READ, WRITE = "GetPostScripts", "SetPostScripts"


def four_times(name: str, **options: t.Any) -> list[Task]:
    """The same task in check mode, then for real, then both again."""
    one = task(name, "post_scripts", cluster_id=CLUSTER, **options)
    return [
        {**one, "name": f"{name}, check mode", "check_mode": True},
        one,
        {**one, "name": f"{name}, again in check mode", "check_mode": True},
        {**one, "name": f"{name}, again"},
    ]


def assert_four_times(run: Run, name: str, before: list[t.Any], after: list[t.Any]) -> None:
    check, real, check_again, again = (run[name + more] for more in (", check mode", "", ", again in check mode", ", again"))
    assert [result.status for result in (check, real, check_again, again)] == ["changed", "changed", "ok", "ok"]
    header = f"post scripts of cluster {CLUSTER} in cn-hangzhou"
    diff = {"before_header": header, "after_header": header, "before": {"post_scripts": before}, "after": {"post_scripts": after}}
    for result in (check, real):
        assert (result["previous_post_scripts"], result["post_scripts"], result["diff"]) == (before, after, diff)
    for result in (check_again, again):
        assert result["previous_post_scripts"] == result["post_scripts"] == after
    assert real["request_id"]
    assert {result["request_id"] for result in (check, check_again, again)} == {None}


def test_from_create_to_clear(play: Play, emulator: Emulator) -> None:
    steps: list[tuple[str, dict[str, t.Any], list[t.Any]]] = [
        ("create", {"scripts": [BASE, {"url": MOUNT["url"]}]}, [BASE, MOUNT]),
        ("change args", {"scripts": [OTHER_BASE, MOUNT]}, [OTHER_BASE, MOUNT]),
        ("reorder", {"scripts": [MOUNT, OTHER_BASE]}, [MOUNT, OTHER_BASE]),
        ("keep and add", {"scripts": [MONITOR, BASE], "purge": False}, [MOUNT, BASE, MONITOR]),
        ("remove one", {"scripts": [{"url": BASE["url"]}], "state": "absent"}, [MOUNT, MONITOR]),
        ("purge", {"scripts": [MONITOR]}, [MONITOR]),
        ("remove all", {"state": "absent"}, []),
    ]
    run = play([one for name, options, _after in steps for one in four_times(name, **options)])
    before: list[t.Any] = []
    for name, _options, after in steps:
        assert_four_times(run, name, before, after)
        before = after
    four_calls = [READ, READ, WRITE, READ, READ, READ]
    assert emulator.actions() == four_calls * len(steps)
    assert emulator.state.clusters[CLUSTER].post_scripts == []


def test_requests_to_the_service(play: Play, emulator: Emulator) -> None:
    scripts = [{"url": SIGNED, "args": ["--export", "nas.example.com:/data set", "it's", "多"]}, {"url": "/opt/job.sh", "args": 5}]
    run = play(
        [
            task("set", "post_scripts", cluster_id=CLUSTER, scripts=scripts),
            task("set again", "post_scripts", cluster_id=CLUSTER, scripts=scripts),
            task("show", "post_scripts_info", cluster_id=CLUSTER),
            task("clear", "post_scripts", cluster_id=CLUSTER, scripts=[]),
            task("show nothing", "post_scripts_info", cluster_id=CLUSTER),
        ],
        verbosity=3,
        diff=True,
    )
    (write,) = [call for call in emulator.calls if call.action == WRITE][:1]
    joined = "--export 'nas.example.com:/data set' 'it'\"'\"'s' '多'"
    assert write.params == {
        "ClusterId": CLUSTER,
        "RegionId": "cn-hangzhou",
        "PostInstallScripts.1.Url": SIGNED,
        "PostInstallScripts.1.Args": joined,
        "PostInstallScripts.2.Url": "/opt/job.sh",
        "PostInstallScripts.2.Args": "5",
    }
    assert write.user_agent.startswith("ansible-alicloud.ehpc/")
    shown = [{"url": SIGNED_SHOWN, "args": joined}, {"url": "/opt/job.sh", "args": "5"}]
    assert run["set"].returned() == {
        "cluster_id": CLUSTER,
        "region": "cn-hangzhou",
        "post_scripts": shown,
        "previous_post_scripts": [],
        "preflight": [],
        "request_id": write.request_id,
    }
    assert not run["set again"].changed
    assert run["show"].returned() == {"cluster_id": CLUSTER, "region": "cn-hangzhou", "post_scripts": shown}
    assert run["clear"].changed
    assert run["show nothing"]["post_scripts"] == []
    (warning,) = run["set"].warnings
    assert "pre-signed" in warning
    assert "2030-01-01" in warning


def test_no_secret_is_printed(play: Play, emulator: Emulator) -> None:
    """With the complete output of Ansible, for successes and failures."""
    emulator.fault(WRITE, code="InvalidParams", detail=SIGNED, cluster_id="ehpc-hz-hybrid02")
    temporary = emulator.credential("temporary")
    # As variables, because Ansible quotes the lines of a playbook if a task fails.
    values = {"signed": SIGNED, "key": temporary.access_key, "secret": temporary.secret_key, "token": temporary.security_token, "wrong": "EXAMPLE-wrong-secret"}
    token = {"access_key": "{{ key }}", "secret_key": "{{ secret }}", "security_token": "{{ token }}"}
    signed = {"url": "{{ signed }}"}
    run = play(
        [
            task("set", "post_scripts", cluster_id=CLUSTER, scripts=[signed], **token),
            task("echoed", "post_scripts", cluster_id="ehpc-hz-hybrid02", scripts=[signed], **token),
            task("twice", "post_scripts", cluster_id=CLUSTER, scripts=[signed, signed], purge=False),
            task("unfit", "post_scripts", cluster_id=CLUSTER, scripts=[{"url": "{{ signed }} x"}]),
            task("unknown option", "post_scripts", cluster_id=CLUSTER, scripts=[{"url": "{{ signed }}", "secret": 1}], **token),
            task("wrong secret", "post_scripts", cluster_id=CLUSTER, scripts=[], **{**token, "secret_key": "{{ wrong }}"}),
            task("other list", "post_scripts", cluster_id=CLUSTER, scripts=[BASE]),
        ],
        defaults={name: value for name, value in play.defaults().items() if name not in ("access_key", "secret_key")},
        env={"ALIBABA_CLOUD_ACCESS_KEY_ID": emulator.access_key, "ALIBABA_CLOUD_ACCESS_KEY_SECRET": emulator.secret_key},
        extra_vars=values,
        verbosity=3,
        diff=True,
        ignore_errors=True,
    )
    assert [result.status for result in run.results] == ["changed", "failed", "failed", "failed", "failed", "failed", "changed"]
    assert SIGNED_SHOWN in run["echoed"].msg
    everything = run.everything()
    for secret in ("EXAMPLEsig", "EXAMPLEid", temporary.secret_key, temporary.security_token, emulator.secret_key, values["wrong"]):
        assert secret not in everything


def test_diff_on_the_command_line(play: Play) -> None:
    run = play([task("create", "post_scripts", cluster_id=CLUSTER, scripts=[BASE])], diff=True, check=True)
    added = [line.strip() for line in run.stdout.splitlines() if line.startswith("+") and not line.startswith("+++")]
    assert any(BASE["url"] in line for line in added)
    assert any(BASE["args"] in line for line in added)
    for header in ("--- before: ", "+++ after: "):
        assert f"{header}post scripts of cluster {CLUSTER} in cn-hangzhou" in run.stdout
    without = play([task("create", "post_scripts", cluster_id=CLUSTER, scripts=[BASE])], check=True)
    assert BASE["url"] not in without.stdout


def test_check_mode_of_a_whole_play(play: Play, emulator: Emulator) -> None:
    run = play([task("create", "post_scripts", cluster_id=CLUSTER, scripts=[BASE]), task("show", "post_scripts_info", cluster_id=CLUSTER)], check=True)
    assert run["create"].changed
    assert run["show"]["post_scripts"] == []
    assert emulator.actions() == [READ, READ]


def test_lost_responses(play: Play, emulator: Emulator) -> None:
    """For each way of losing the response, the list is written once, and the result is correct."""
    kinds = ["lost_after", "lost_before", "truncated", "truncated_json", "bad_gateway", "empty", "html"]
    written = {"lost_after": 1, "lost_before": 2, "truncated": 1, "truncated_json": 1, "bad_gateway": 2}
    clusters = [f"ehpc-hz-public{number:02d}" for number in range(1, 1 + len(kinds))]
    for cluster_id in clusters[1:]:
        emulator.state.clusters[cluster_id] = type(emulator.state.clusters[CLUSTER])(id=cluster_id, region="cn-hangzhou")
    for cluster_id, kind in zip(clusters, kinds):
        emulator.fault(WRITE, kind=kind, cluster_id=cluster_id)
    run = play([task(kind, "post_scripts", cluster_id=cluster_id, scripts=[BASE]) for cluster_id, kind in zip(clusters, kinds)], ignore_errors=True)
    for cluster_id, kind in zip(clusters, kinds):
        calls = [call for call in emulator.calls if call.action == WRITE and call.params["ClusterId"] == cluster_id]
        if kind in written:
            assert run[kind].changed, (kind, run[kind].result)
            assert len(calls) == written[kind], kind
            assert emulator.state.clusters[cluster_id].post_scripts == [BASE]
            assert (run[kind]["request_id"] is None) == (written[kind] == 1)
        else:
            # A body that is not from the service, with status 200: a retry would return the same.
            assert run[kind].failed
            assert run[kind].error["code"] == "InvalidAnswer"
            assert len(calls) == 1


def test_returned_keys_are_the_documented_ones(play: Play) -> None:
    run = play(
        [
            task("post_scripts", "post_scripts", cluster_id=CLUSTER, scripts=[BASE]),
            task("post_scripts_info", "post_scripts_info", cluster_id=CLUSTER),
            task("user_sync", "user_sync", cluster_id="ehpc-hz-hybrid01", expected_users=["hpcuser03"]),
            task("user_info", "user_info", cluster_id="ehpc-hz-hybrid01"),
            task("cluster_info", "cluster_info", cluster_ids=["ehpc-hz-hybrid01"]),
            task("region_info", "region_info"),
        ]
    )
    for result in run.results:
        assert set(result.returned()) == returned_on_success(result.task), result.task
        assert "diff" in result.result or result.task not in ("post_scripts", "user_sync")


def test_loops(play: Play, emulator: Emulator) -> None:
    one = task("set", "post_scripts", cluster_id="{{ item }}", scripts=[BASE])
    clusters = ["ehpc-hz-public01", "ehpc-hz-hybrid01", "ehpc-hz-hybrid02"]
    run = play([{**one, "loop": clusters}])
    assert [item["cluster_id"] for item in run.items("set")] == clusters
    assert all(item.changed for item in run.items("set"))
    # In the worker the iterations share a client, and so its connection.
    assert emulator.connections == 1
    emulator.forget()
    play.in_process = False
    play([{**one, "loop": clusters}])
    assert emulator.connections == 3
