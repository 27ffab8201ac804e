# Copyright (c) 2026, the alicloud.ehpc contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""user_sync and the info modules in playbooks."""

from __future__ import annotations

import json
import typing as t
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from ansible_collections.alicloud.ehpc.tests.emulator import Emulator
from ansible_collections.alicloud.ehpc.tests.support.playing import COLLECTION, Play, document, task

HYBRID, PLAIN, LARGE, NEW = "ehpc-hz-hybrid01", "ehpc-hz-hybrid02", "ehpc-sh-large01", "ehpc-hz-create01"
ON_PREMISE = ["chem01", "chem02", "hpcuser01", "hpcuser02", "hpcuser03", "physics01"]
LOOK, LIST, SYNC = "DescribeCluster", "ListUsers", "SyncUsers"


def names(users: list[dict[str, t.Any]]) -> list[str]:
    return [user["name"] for user in users]


def test_sync(play: Play, emulator: Emulator) -> None:
    one = task("sync", "user_sync", cluster_id=HYBRID, expected_users=["physics01", "chem01"])
    run = play(
        [
            {**one, "name": "check", "check_mode": True},
            one,
            {**one, "name": "check again", "check_mode": True},
            {**one, "name": "again"},
            task("force", "user_sync", cluster_id=HYBRID, expected_users=["physics01"], force=True),
            task("without names", "user_sync", cluster_id=HYBRID),
            task("users", "user_info", cluster_id=HYBRID),
        ]
    )
    assert [result.status for result in run.results] == ["changed", "changed", "ok", "ok", "ok", "ok", "ok"]
    check, sync = run["check"], run["sync"]
    assert (check["synced"], check["missing"], check["added"], check["request_id"]) == (False, ["physics01", "chem01"], [], None)
    assert (sync["synced"], sync["missing"], sync["removed"]) == (True, [], [])
    assert sync["added"] == ["chem01", "chem02", "hpcuser03", "physics01"]
    assert names(sync["users"]) == ON_PREMISE
    assert names(sync["diff"]["before"]["users"]) == ["hpcuser01", "hpcuser02"]
    assert sync["diff"]["after"]["users"] == sync["users"]
    assert {"name": "chem01", "group": "wheel"}.items() <= sync["users"][0].items()
    for name in ("check again", "again"):
        assert (run[name]["synced"], run[name]["missing"], run[name]["request_id"]) == (False, [], None)
    for name in ("force", "without names"):
        assert (run[name]["synced"], run[name]["added"]) == (True, [])
        assert run[name]["request_id"]
    assert run["users"]["users"] == sync["users"]
    look, synchronize = [LOOK, LIST], [LOOK, LIST, SYNC, LIST]
    assert emulator.actions() == [*look, *synchronize, *look, *look, *synchronize, *synchronize, LIST]


@pytest.fixture
def late() -> Iterator[Emulator]:
    """Clusters whose users arrive late or never, and one that loses users that no longer exist on-premises."""
    clusters = [
        {"id": "ehpc-hz-late01", "location": "OnPremise", "proxy_mode": True, "on_premise_users": ["hpcuser01"], "sync_delay": 0.8},
        {"id": "ehpc-hz-never01", "location": "OnPremise", "proxy_mode": True, "on_premise_users": ["hpcuser01"], "sync_delay": 600},
        {
            "id": "ehpc-hz-delete01",
            "location": "OnPremise",
            "proxy_mode": True,
            "users": ["hpcuser01", "former01"],
            "on_premise_users": [{"name": "hpcuser01", "group": "wheel"}],
            "sync_deletes": True,
        },
        {"id": "ehpc-hz-plain01", "location": "OnPremise"},
        {
            "id": "ehpc-hz-hidden01",
            "location": "OnPremise",
            "proxy_mode": True,
            "on_premise_users": ["hpcuser01"],
            "details": {"EcsInfo": {}, "OnPremiseInfo": {}},
        },
    ]
    with Emulator({"clusters": clusters}) as running:
        yield running


def test_waiting_and_missing(tmp_path: Path, late: Emulator) -> None:
    run = Play(tmp_path, late)(
        [
            task("late", "user_sync", cluster_id="ehpc-hz-late01", expected_users=["hpcuser01"]),
            task("never", "user_sync", cluster_id="ehpc-hz-never01", expected_users=["hpcuser01", "hpcuser02"], wait_timeout=1),
            task("unknown name", "user_sync", cluster_id="ehpc-hz-late01", expected_users=["hpcuser01", "stranger01"], wait_timeout=1),
            task("deleted", "user_sync", cluster_id="ehpc-hz-delete01"),
            task("not recognized", "user_sync", cluster_id="ehpc-hz-hidden01"),
            task("told", "user_sync", cluster_id="ehpc-hz-hidden01", check_cluster=False, expected_users=["hpcuser01"]),
        ],
        ignore_errors=True,
    )
    assert (run["late"].status, run["late"]["added"]) == ("changed", ["hpcuser01"])
    assert run["never"].error["code"] == "UsersMissing"
    assert run["never"]["missing"] == ["hpcuser01", "hpcuser02"]
    assert run["never"]["synced"] is True
    assert "hpcuser01, hpcuser02" in run["never"].msg
    assert "ehpc-hz-never01" in run["never"].msg
    assert run["unknown name"]["missing"] == ["stranger01"]
    assert run["deleted"].changed
    assert run["deleted"]["removed"] == ["former01"]
    assert [user["group"] for user in run["deleted"]["users"]] == ["wheel"]
    assert run["not recognized"].error["code"] == "NotInProxyMode"
    assert run["told"].changed


def test_infos(play: Play, emulator: Emulator) -> None:
    run = play(
        [
            task("regions", "region_info", region=""),
            task("clusters", "cluster_info"),
            task("shanghai", "cluster_info", region="cn-shanghai"),
            task("by name", "cluster_info", names=["hybrid-*"]),
            task("no name", "cluster_info", names=[]),
            task("by id", "cluster_info", cluster_ids=[PLAIN, "ehpc-hz-absent", HYBRID]),
            task("users", "user_info", cluster_id=LARGE, region="cn-shanghai"),
        ],
        check=True,
        verbosity=3,
    )
    assert {result.status for result in run.results} == {"ok"}
    assert [region["region_id"] for region in run["regions"]["regions"]] == ["cn-hangzhou", "cn-shanghai", "ap-southeast-1"]
    assert run["regions"]["regions"][0]["local_name"] == "华东1（杭州）"
    assert [cluster["id"] for cluster in run["clusters"]["clusters"]] == [HYBRID, PLAIN, "ehpc-hz-public01", NEW]
    assert [cluster["id"] for cluster in run["shanghai"]["clusters"]] == [LARGE]
    assert names(run["by name"]["clusters"]) == ["hybrid-proxy", "hybrid-plain"]
    assert run["no name"]["clusters"] == []
    plain, hybrid = run["by id"]["clusters"]
    assert (plain["id"], plain["proxy_mode"], plain["on_premise_info"]) == (PLAIN, False, [])
    assert (hybrid["id"], hybrid["proxy_mode"], hybrid["status"], hybrid["location"]) == (HYBRID, True, "running", "OnPremise")
    assert hybrid["post_scripts"] == [{"url": "https://bucket.oss-cn-hangzhou.aliyuncs.com/base.sh", "args": "--mode base"}]
    assert set(hybrid["on_premise_info"][0]) == {"type", "host_name", "ip"}
    assert "EXAMPLE-directory-password" not in run.everything()
    assert names(run["users"]["users"]) == [f"simuser{number:02d}" for number in range(1, 69)]
    contains, listed = set(document("cluster_info")["return"]["clusters"]["contains"]), set(run["clusters"]["clusters"][0])
    assert contains - {"mode", "category"} == set(hybrid) | listed, "two keys are those of E-HPC NEXT"
    assert {"proxy_mode", "post_scripts", "on_premise_info"} <= set(hybrid) - listed
    assert emulator.actions() == ["ListRegions", "ListClusters", "ListClusters", "ListClusters", *["DescribeCluster"] * 3, "ListUsers", "ListUsers"]


def test_waiting_for_a_cluster(play: Play, emulator: Emulator) -> None:
    """As in the example of cluster_info."""
    look = task("wait", "cluster_info", cluster_ids=[NEW])
    run = play([{**look, "register": "result", "until": "result.clusters | map(attribute='status') == ['running']", "retries": 5, "delay": 0.01}])
    assert run["wait"]["clusters"][0]["status"] == "running"
    assert emulator.actions() == [LOOK] * 3


# Ways to configure the service


def test_environment_only(play: Play, emulator: Emulator) -> None:
    variables = {
        "ALIBABA_CLOUD_EHPC_ENDPOINT": emulator.endpoint,
        "ALICLOUD_ACCESS_KEY": emulator.access_key,
        "ALICLOUD_SECRET_KEY": emulator.secret_key,
        "ALICLOUD_REGION": "cn-shanghai",
    }
    as_process = {"vars": {"ehpc_in_process": False}}
    run = play([task("worker", "cluster_info"), task("process", "cluster_info") | as_process], defaults={}, env=variables)
    for name in ("worker", "process"):
        assert [cluster["id"] for cluster in run[name]["clusters"]] == [LARGE]
    tasks = [
        {**task("play", "cluster_info")},
        {**task("task", "cluster_info"), "environment": {"ALICLOUD_REGION": "cn-hangzhou"}},
        {"name": "block", "environment": {"ALICLOUD_REGION": "ap-southeast-1"}, "block": [task("in block", "cluster_info")]},
        {**task("play again", "cluster_info")},
        {**task("play, as a process", "cluster_info"), **as_process},
        {**task("option", "cluster_info", region="cn-hangzhou"), "environment": {"ALICLOUD_REGION": "ap-southeast-1"}},
    ]
    run = play(tasks, defaults={}, keywords={"environment": variables})
    assert [run[name]["region"] for name in ("play", "task", "in block", "play again", "play, as a process", "option")] == [
        "cn-shanghai",
        "cn-hangzhou",
        "ap-southeast-1",
        "cn-shanghai",
        "cn-shanghai",
        "cn-hangzhou",
    ]


def test_aliases(play: Play, emulator: Emulator) -> None:
    defaults = {"endpoint": emulator.endpoint, "region": emulator.region}
    pairs = [
        ("access_key_id", "access_key_secret", "region_id"),
        ("alicloud_access_key", "alicloud_secret_key", "alicloud_region"),
        ("access_key", "secret_access_key", "region"),
    ]
    tasks = [task(key, "cluster_info", **{key: emulator.access_key, secret: emulator.secret_key, region: "cn-shanghai"}) for key, secret, region in pairs]
    run = play(tasks, defaults={"endpoint": defaults["endpoint"]})
    assert [result["region"] for result in run.results] == ["cn-shanghai"] * 3
    assert emulator.secret_key not in run.everything()


def test_profile(play: Play, emulator: Emulator) -> None:
    profiles = [{"name": "main", "mode": "AK", "access_key_id": emulator.access_key, "access_key_secret": emulator.secret_key, "region_id": "cn-shanghai"}]
    directory = play.home / ".aliyun"
    directory.mkdir()
    (directory / "config.json").write_text(json.dumps({"current": "main", "profiles": profiles}), encoding="utf-8")
    other = {"ALIBABA_CLOUD_ACCESS_KEY_ID": "EXAMPLEabsent", "ALIBABA_CLOUD_ACCESS_KEY_SECRET": "EXAMPLE-absent"}
    run = play(
        [
            task("profile", "cluster_info", profile="main"),
            task("absent", "cluster_info", profile="absent", region="cn-shanghai"),
            task("environment", "cluster_info"),
        ],
        defaults={"endpoint": emulator.endpoint},
        env=other,
        ignore_errors=True,
    )
    assert run["profile"]["region"] == "cn-shanghai"
    assert "There is no profile absent" in run["absent"].msg
    assert run["environment"].error["code"] == "InvalidAccessKeyId.NotFound"


def test_temporary_credentials(play: Play, emulator: Emulator) -> None:
    temporary = emulator.credential("temporary")
    play(
        [task("token", "cluster_info", access_key=temporary.access_key, secret_key=temporary.secret_key, security_token=temporary.security_token)],
        # The SDK would use these instead of the options.
        env={"ALIYUN_ACCESS_KEY_ID": "EXAMPLEabsent", "ALIYUN_ACCESS_KEY_SECRET": "EXAMPLE-absent"},
    )
    assert [call.access_key for call in emulator.calls] == [temporary.access_key]


def test_https(tmp_path: Path) -> None:
    """A process gets the authorities from the environment of its own."""
    as_process = {"vars": {"ehpc_in_process": False}}
    with Emulator(tls=True, names=("localhost",)) as emulator:
        play = Play(tmp_path, emulator)
        assert emulator.endpoint.startswith("https://localhost:")
        address = emulator.endpoint.replace("localhost", "127.0.0.1")
        run = play(
            [
                task("ca_path", "cluster_info"),
                {**task("variable", "cluster_info", ca_path=""), "environment": {"ALIBABA_CLOUD_CA_BUNDLE": emulator.ca_path}},
                {**task("requests", "cluster_info", ca_path=""), "environment": {"REQUESTS_CA_BUNDLE": emulator.ca_path}},
                {**task("variable, process", "cluster_info", ca_path=""), "environment": {"ALIBABA_CLOUD_CA_BUNDLE": emulator.ca_path}, **as_process},
                {**task("requests, process", "cluster_info", ca_path=""), "environment": {"REQUESTS_CA_BUNDLE": emulator.ca_path}, **as_process},
                task("untrusted", "cluster_info", ca_path=""),
                task("untrusted, process", "cluster_info", ca_path="") | as_process,
                task("other name", "cluster_info", endpoint=address),
                task("not verified", "cluster_info", ca_path="", validate_certs=False),
            ],
            ignore_errors=True,
        )
        assert [result.status for result in run.results] == ["ok"] * 5 + ["failed"] * 3 + ["ok"]
        for name in ("untrusted", "untrusted, process", "other name"):
            assert run[name].error["code"] == "TlsFailed"
            assert "ca_path" in run[name].msg
        assert any("validate_certs" in warning for warning in run["not verified"].warnings)
        assert emulator.actions() == ["ListClusters"] * 6
        assert set(emulator.sni) == {"localhost", None}


def test_module_defaults_reach_every_module() -> None:
    runtime = yaml.safe_load((COLLECTION / "meta" / "runtime.yml").read_text(encoding="utf-8"))
    modules = {path.stem for path in (COLLECTION / "plugins" / "modules").glob("*.py")}
    # Two actions of a role call the API, too.
    assert set(runtime["action_groups"]["ehpc"]) == modules | {"hybrid_node_config", "hybrid_node_scripts"}
