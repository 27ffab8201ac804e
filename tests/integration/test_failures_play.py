# Copyright (c) 2026, the alicloud.ehpc contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The messages of failures: the cluster, the problem, the remedy. A failed task has written nothing."""

from __future__ import annotations

import re
import typing as t
from collections.abc import Iterator
from pathlib import Path

import pytest
from ansible_collections.alicloud.ehpc.tests.emulator import Emulator
from ansible_collections.alicloud.ehpc.tests.support.codes import REPEATED_CODES
from ansible_collections.alicloud.ehpc.tests.support.playing import Play, Result, Task, task

HYBRID, PLAIN, PUBLIC, NEW = "ehpc-hz-hybrid01", "ehpc-hz-hybrid02", "ehpc-hz-public01", "ehpc-hz-create01"
BROKEN, STOPPED = "ehpc-sg-broken01", "ehpc-sg-stopped01"
URL = "https://scripts.example.com/%02d.sh"
SEVENTEEN = [{"url": URL % number} for number in range(17)]
WRITES = {"SetPostScripts", "SyncUsers"}


def scripts(*entries: t.Any, cluster_id: str | None = HYBRID, **options: t.Any) -> Task:
    return task("", "post_scripts", cluster_id=cluster_id, scripts=list(entries), **options)


def sync(cluster_id: str, **options: t.Any) -> Task:
    return task("", "user_sync", cluster_id=cluster_id, **options)


# name -> the task, and a pattern of its message after the cluster ID
REFUSED_HERE: dict[str, tuple[Task, str]] = {
    "seventeen scripts": (scripts(*SEVENTEEN), rf"{HYBRID}.*17 .*16 .*Remove some"),
    "seventeen scripts, purge false": (scripts(*SEVENTEEN, purge=False), rf"{HYBRID}.*17 .*16 "),
    "empty url": (scripts({"url": URL % 1}, {"url": ""}), rf"{HYBRID} in cn-hangzhou: scripts\[1\].url is empty.*URL"),
    "blank url": (scripts({"url": "  "}), rf"{HYBRID} in cn-hangzhou: scripts\[0\].url is empty"),
    "white space in a url": (scripts({"url": "https://example.com/a b.sh"}), rf"{HYBRID} .*scripts\[0\].url contains whitespace.*%20"),
    "white space in a url, absent": (scripts({"url": "https://example.com/a\tb.sh"}, state="absent"), rf"{HYBRID} .*scripts\[0\].url contains whitespace"),
    "bool among the args": (scripts({"url": URL % 1, "args": ["-x", True]}), rf"{HYBRID} .*scripts\[0\].args .*not bool.*Quote words"),
    "a url twice, purge false": (scripts({"url": URL % 1}, {"url": URL % 1}, purge=False), rf"{re.escape(URL % 1)}.*purge: true"),
    "no scripts": (task("", "post_scripts", cluster_id=HYBRID), rf"{HYBRID} .*scripts is required.*empty list to remove all"),
    "blank cluster id": (scripts(cluster_id=" "), r"cluster_id is empty.*ehpc-hz-EXAMPLE"),
    "empty cluster id": (scripts(cluster_id=""), r"cluster_id is empty"),
    "white space in a cluster id": (scripts(cluster_id=HYBRID + "\n"), r"cluster_id .*whitespace"),
    "blank user": (sync(HYBRID, expected_users=["hpcuser01", ""]), r"expected_users\[1\] is not a valid user name: ''.*whitespace"),
    "user with white space": (sync(HYBRID, expected_users=["hpcuser01 "]), r"expected_users\[0\] is not a valid user name: 'hpcuser01 '"),
    "no time to wait": (sync(HYBRID, wait_timeout=0), r"wait_timeout must be more than 0"),
    "region with a space": (scripts(region="cn hangzhou"), r"region: 'cn hangzhou' is not a valid region ID.*cn-hangzhou"),
    "plain http": (scripts(endpoint="http://ehpc.example.com"), r"plain http.*loopback.*https://"),
    "endpoint that is no url": (scripts(endpoint="https://"), r"endpoint: must be .*such as"),
    "ca_path that is not there": (scripts(ca_path="/nonexistent/ca.pem"), r"ca_path: .*/nonexistent/ca.pem.*PEM"),
    "ca_path that is no bundle": (scripts(ca_path="/dev/null"), r"ca_path: /dev/null contains no certificate in PEM format.*PEM"),
    "read_timeout beyond all bounds": (scripts(read_timeout=1e12), r"read_timeout must be more than 0 and at most 86400"),
    "negative retries": (scripts(api_retries=-1), r"api_retries must not be negative"),
    "no time to connect": (scripts(connect_timeout=0), r"connect_timeout must be more than 0"),
    "half a pair, secret": (scripts(secret_key=""), r"secret_key is not.*Set secret_key"),
    "half a pair, key": (scripts(access_key=""), r"access_key is not.*Set access_key"),
    "no region": (scripts(region=""), r"No region is given.*ALIBABA_CLOUD_REGION_ID"),
}
# Checks of Ansible itself, at least in some releases: the result has no `error`, and the message is that of Ansible.
REFUSED_BY_ANSIBLE: dict[str, tuple[Task, str]] = {
    "no cluster id": (task("", "post_scripts", scripts=[]), r"missing required arguments: cluster_id"),
    "unknown option": (scripts(script=[]), r"Unsupported parameters for \(alicloud\.ehpc\.post_scripts\) module: script\."),
    "unknown suboption": (scripts({"url": URL % 1, "arguments": "-x"}), r"Unsupported parameters.*scripts\.arguments.*args.*checksum.*url"),
    "no url": (scripts({"args": "-x"}), r"missing required arguments: url found in scripts"),
    "null url": (scripts({"url": None}), r"\burl\b"),
    "scripts as text": (task("", "post_scripts", cluster_id=HYBRID, scripts="whatever"), r"dictionary requested"),
    "wrong state": (scripts(state="gone"), r"value of state must be one of: present, absent, got: gone"),
    "wrong number": (sync(HYBRID, wait_timeout="long"), r"wait_timeout.*int"),
    "ids and names": (task("", "cluster_info", cluster_ids=[HYBRID], names=["x"]), r"parameters are mutually exclusive: cluster_ids\|names"),
}
# name -> the task, code, HTTP status, and a pattern of its message
REFUSED_BY_THE_SERVICE: dict[str, tuple[Task, str, int | None, str]] = {
    "unknown cluster": (scripts(cluster_id="ehpc-hz-absent"), "ClusterNotFound", 404, r"of cluster ehpc-hz-absent in cn-hangzhou: .*region.*cluster_info"),
    "another region": (scripts(region="cn-shanghai"), "ClusterNotFound", 404, rf"of cluster {HYBRID} in cn-shanghai: "),
    "unknown region": (scripts(region="cn-absent"), "InvalidRegionId", 400, r"region_info"),
    "wrong key": (scripts(access_key="EXAMPLEabsent"), "InvalidAccessKeyId.NotFound", 404, rf"{HYBRID}.*Check access_key"),
    "wrong secret": (scripts(secret_key="EXAMPLE-wrong"), "SignatureDoesNotMatch", 400, rf"{HYBRID}.*Check secret_key"),
    "disabled key": (
        scripts(access_key="EXAMPLEinactive", secret_key="EXAMPLE-secret-of-inactive"),
        "InvalidAccessKeyId.Inactive",
        400,
        r"disabled.*Enable it",
    ),
    "no token": (
        scripts(access_key="STS.EXAMPLEtemporary", secret_key="EXAMPLE-secret-of-temporary"),
        "MissingSecurityToken",
        400,
        r"temporary access key.*security_token",
    ),
    "expired token": (
        scripts(access_key="STS.EXAMPLEexpired", secret_key="EXAMPLE-secret-of-expired", security_token="EXAMPLE-security-token-of-expired"),
        "InvalidSecurityToken.Expired",
        400,
        r"expired.*new set",
    ),
    "no permission": (
        scripts(access_key="EXAMPLEdenied", secret_key="EXAMPLE-secret-of-denied"),
        "NoPermission",
        403,
        r"Grant the RAM action ehpc:GetPostScripts ",
    ),
    "not in proxy mode": (sync(PLAIN), "NotInProxyMode", None, rf"{PLAIN} in cn-hangzhou: .*not in hybrid-cloud proxy mode.*without a proxy node"),
    "no hybrid cluster": (sync(PUBLIC), "NotInProxyMode", None, rf"{PUBLIC}.*not a hybrid cluster.*check_cluster"),
    "not in proxy mode, not looked": (sync(PLAIN, check_cluster=False), "InvalidClusterStatus", 403, rf"{PLAIN}.*must be running"),
    "being created": (sync(NEW), "InvalidClusterStatus", None, rf"{NEW}.*creating, not running.*wait"),
    "in exception": (sync(BROKEN, region="ap-southeast-1"), "InvalidClusterStatus", None, rf"{BROKEN} in ap-southeast-1: .*exception, not running"),
    "stopped": (sync(STOPPED, region="ap-southeast-1"), "InvalidClusterStatus", None, rf"{STOPPED}.*stopped, not running"),
    "users of a stopped cluster": (
        task("", "user_info", cluster_id=STOPPED, region="ap-southeast-1"),
        "InvalidClusterStatus",
        403,
        rf"Cannot list the users of cluster {STOPPED}",
    ),
    "somebody else's cluster": (scripts(access_key="EXAMPLEstranger", secret_key="EXAMPLE-secret-of-stranger"), "ClusterNotFound", 404, r"an account"),
}


def named(table: dict[str, t.Any]) -> list[Task]:
    return [{**entry[0], "name": name} for name, entry in table.items()]


def assert_complete(result: Result) -> None:
    """The failure has all documented keys."""
    assert result.failed, result.result
    assert set(result.error) == {"action", "code", "message", "http_status", "request_id", "hint"}
    assert result.error["message"].rstrip(".") in result.msg
    assert result.error["code"]
    if result.error["hint"]:
        assert result.msg.endswith(result.error["hint"])
    assert (result.error["http_status"] is None) == (result.error["request_id"] is None)
    assert "Traceback" not in str(result.result)


def test_refused_before_any_call(play: Play, emulator: Emulator) -> None:
    tables = {**REFUSED_HERE, **REFUSED_BY_ANSIBLE}
    run = play(named(tables), ignore_errors=True)
    assert [result.task for result in run.results] == list(tables)
    for name, (_task, words) in REFUSED_HERE.items():
        assert_complete(run[name])
        assert re.search(words, run[name].msg), f"{name}: {run[name].msg}"
        assert (run[name].error["code"], run[name].error["action"], run[name].error["http_status"]) == ("InvalidOptions", None, None), name
    for name, (_task, words) in REFUSED_BY_ANSIBLE.items():
        assert run[name].failed, name
        assert re.search(words, run[name].msg), f"{name}: {run[name].msg}"
    assert emulator.calls == []


def test_refused_by_the_service(play: Play, emulator: Emulator) -> None:
    before = {cluster.id: (list(cluster.post_scripts), set(cluster.users)) for cluster in emulator.state.clusters.values()}
    run = play(named(REFUSED_BY_THE_SERVICE), ignore_errors=True)
    for name, (_task, code, status, words) in REFUSED_BY_THE_SERVICE.items():
        assert_complete(run[name])
        assert (run[name].error["code"], run[name].error["http_status"]) == (code, status), f"{name}: {run[name].msg}"
        assert run[name].error["action"], name
        assert run[name].error["hint"], name
        assert re.search(words, run[name].msg), f"{name}: {run[name].msg}"
    # The only write is that of the task with check_cluster: false, and the service refused it.
    assert [call.code for call in emulator.calls if call.action in WRITES] == ["InvalidClusterStatus"]
    assert before == {cluster.id: (list(cluster.post_scripts), set(cluster.users)) for cluster in emulator.state.clusters.values()}
    assert {call.request_id for call in emulator.calls} >= {run[name].error["request_id"] for name in REFUSED_BY_THE_SERVICE} - {None}


# Every documented code of every operation

COMMON = {
    "InvalidParams": "every value",
    "ClusterNotFound": "Check the cluster ID and the region",
    "UnknownError": "retries did not help",
    "ServiceUnavailable": "retries did not help",
}
DOCUMENTED = {
    "GetPostScripts": COMMON,
    "SetPostScripts": COMMON,
    "SyncUsers": {
        **COMMON,
        "InvalidClusterStatus": "must be running",
        "ExecFail": "agent's log",
        "ManagerNotFound": "proxy node",
        "AgentError.Account.UserSynFailure": "on-premises account server",
        "NotAuthorized": "Grant the RAM action ehpc:SyncUsers",
    },
}
CASES = [(action, code, word) for action, codes in DOCUMENTED.items() for code, word in codes.items()] + [
    ("SetPostScripts", "Throttling.User", "fewer hosts"),
    ("SyncUsers", "InternalError", "retries did not help"),
    ("ListUsers", "AgentError.Account.GetUserListFailure", "could not list the users"),
    ("DescribeCluster", "Forbidden.RAM", "Grant the RAM action ehpc:DescribeCluster"),
]
DETAIL = "EXAMPLE detail"


def cluster_of(number: int, times: int | None) -> str:
    return f"ehpc-hz-{'once' if times else 'always'}{number:02d}"


@pytest.fixture
def faulty() -> Iterator[Emulator]:
    """For each case a cluster whose operation fails always, and one whose operation fails once."""
    clusters, faults = [], []
    for number, (action, code, _word) in enumerate(CASES):
        for times in (None, 1):
            cluster_id = cluster_of(number, times)
            clusters.append({"id": cluster_id, "location": "OnPremise", "proxy_mode": True, "on_premise_users": ["hpcuser01"]})
            faults.append({"action": action, "code": code, "times": times, "cluster_id": cluster_id, "detail": DETAIL})
    with Emulator({"clusters": clusters, "faults": faults}) as running:
        yield running


def case_task(number: int, times: int | None) -> Task:
    action, _code, _word = CASES[number]
    cluster_id = cluster_of(number, times)
    if action.endswith("PostScripts"):
        return task(cluster_id, "post_scripts", cluster_id=cluster_id, scripts=[{"url": URL % 1}], api_retries=2)
    return task(cluster_id, "user_sync", cluster_id=cluster_id, expected_users=["hpcuser01"], api_retries=2)


def test_each_documented_code(tmp_path: Path, faulty: Emulator) -> None:
    run = Play(tmp_path, faulty)([case_task(number, times) for number in range(len(CASES)) for times in (None, 1)], ignore_errors=True)
    for number, (action, code, word) in enumerate(CASES):
        cluster_id = cluster_of(number, None)
        always = run[cluster_id]
        assert_complete(always)
        assert (always.error["action"], always.error["code"]) == (action, code)
        assert f"of cluster {cluster_id} in cn-hangzhou: {code}: " in always.msg
        assert word in (always.error["hint"] or ""), always.msg
        tries = [call for call in faulty.calls if call.action == action and call.params.get("ClusterId") == cluster_id]
        assert len(tries) == (3 if code in REPEATED_CODES else 1), (action, code)
        assert always.error["http_status"] == tries[-1].http_status
        assert always.error["request_id"] == tries[-1].request_id
        cluster = faulty.state.clusters[cluster_id]
        assert not cluster.post_scripts
        assert not cluster.users
        once = run[cluster_of(number, 1)]
        assert once.status == ("changed" if code in REPEATED_CODES else "failed"), (action, code, once.result)
    with_detail = [
        run[cluster_of(number, None)].msg for number, (_action, code, _word) in enumerate(CASES) if code in ("ExecFail", "AgentError.Account.UserSynFailure")
    ]
    assert len(with_detail) == 2
    assert all(DETAIL in msg for msg in with_detail)


def test_no_answer_at_all(play: Play, emulator: Emulator) -> None:
    for kind, cluster_id in (("lost_before", HYBRID), ("slow", PLAIN), ("bad_gateway", PUBLIC), ("html", NEW)):
        emulator.fault("GetPostScripts", kind=kind, cluster_id=cluster_id, times=None, seconds=0.5)
    options = {"api_retries": 1, "read_timeout": 0.2}
    run = play(
        [
            task("lost", "post_scripts_info", cluster_id=HYBRID, **options),
            task("slow", "post_scripts_info", cluster_id=PLAIN, **options),
            task("gateway", "post_scripts_info", cluster_id=PUBLIC, **options),
            task("page", "post_scripts_info", cluster_id=NEW, **options),
            task("refused", "post_scripts_info", cluster_id=HYBRID, endpoint="http://127.0.0.1:9", **options),
            task("no name", "post_scripts_info", cluster_id=HYBRID, endpoint="ehpc.invalid", **options),
            task("no tls", "post_scripts_info", cluster_id=HYBRID, endpoint=emulator.endpoint.replace("http:", "https:"), **options),
        ],
        ignore_errors=True,
    )
    expected = {
        "lost": ("ConnectionFailed", "closed the connection"),
        "slow": ("TimedOut", "did not send a complete response in time"),
        "gateway": ("InvalidAnswer", "HTTP status 502"),
        "page": ("InvalidAnswer", "HTTP status 200"),
        "refused": ("ConnectionFailed", "refused the connection"),
        "no name": ("HostNotFound", "cannot be resolved"),
        "no tls": ("TlsFailed", "did not complete the TLS handshake"),
    }
    for name, (code, words) in expected.items():
        assert run[name].error["code"] == code, run[name].msg
        assert words in run[name].msg
        assert run[name].msg.startswith("Cannot read the post scripts of cluster ehpc-hz-")
        assert "Signature" not in run[name].msg
    assert [call.params["ClusterId"] for call in emulator.calls] == [HYBRID, HYBRID, PLAIN, PLAIN, PUBLIC, PUBLIC, NEW]
