# Copyright (c) 2026, the alicloud.ehpc contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The effect of each operation, beyond the fields of its response."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from ansible_collections.alicloud.ehpc.tests.emulator import Cluster, Emulator, User

HYBRID, PLAIN, PUBLIC, NEW, LARGE = (
    "ehpc-hz-hybrid01",
    "ehpc-hz-hybrid02",
    "ehpc-hz-public01",
    "ehpc-hz-create01",
    "ehpc-sh-large01",
)
BASE = {"url": "https://bucket.oss-cn-hangzhou.aliyuncs.com/base.sh", "args": "--mode base"}


@pytest.fixture
def hybrid(emulator: Emulator) -> Cluster:
    return emulator.state.clusters[HYBRID]


# Scripts


def test_scripts_replace_the_list_in_numeric_order(hybrid: Cluster, plain: Any) -> None:
    scripts = [(f"https://bucket.oss-cn-hangzhou.aliyuncs.com/{number}.sh", str(number)) for number in range(1, 17)]

    assert plain.get("SetPostScripts", ClusterId=HYBRID, **plain.scripts(*scripts)).status_code == 200

    assert hybrid.post_scripts == [{"url": url, "args": args} for url, args in scripts]
    answer = plain.get("GetPostScripts", ClusterId=HYBRID).json()
    assert answer["PostInstallScripts"] == [{"Url": url, "Args": args} for url, args in scripts]


def test_scripts_may_be_sent_in_any_order(hybrid: Cluster, plain: Any) -> None:
    params = {f"PostInstallScripts.{number}.Url": f"/opt/{number}" for number in (10, 2, 1)}

    plain.get("SetPostScripts", ClusterId=HYBRID, **params)

    assert [script["url"] for script in hybrid.post_scripts] == ["/opt/1", "/opt/2", "/opt/10"]


def test_args_are_a_string_even_if_none_were_sent(hybrid: Cluster, plain: Any) -> None:
    plain.get("SetPostScripts", ClusterId=HYBRID, **{"PostInstallScripts.1.Url": "/opt/job.sh"})

    assert plain.get("GetPostScripts", ClusterId=HYBRID).json()["PostInstallScripts"] == [{"Url": "/opt/job.sh", "Args": ""}]


def test_the_same_script_may_come_twice(hybrid: Cluster, plain: Any) -> None:
    plain.get("SetPostScripts", ClusterId=HYBRID, **plain.scripts(("/opt/a", "1"), ("/opt/a", "1")))

    assert hybrid.post_scripts == [{"url": "/opt/a", "args": "1"}] * 2


@pytest.mark.parametrize(
    ("params", "parameter"),
    [
        ({f"PostInstallScripts.{number}.Url": "/opt/a" for number in range(1, 18)}, "PostInstallScripts"),
        ({"PostInstallScripts.0.Url": "/opt/a"}, "PostInstallScripts"),
        ({"PostInstallScripts.1.Args": "-h"}, "PostInstallScripts.1.Url"),
        ({"PostInstallScripts.1.Url": "/opt/a", "PostInstallScripts.2.Url": " "}, "PostInstallScripts.2.Url"),
    ],
)
def test_invalid_scripts_change_nothing(params: dict[str, str], parameter: str, hybrid: Cluster, plain: Any) -> None:
    answer = plain.get("SetPostScripts", ClusterId=HYBRID, **params)

    assert (answer.status_code, answer.json()["Code"]) == (400, "InvalidParams")
    assert answer.json()["Message"] == f"The specified parameter {parameter} is invalid."
    assert hybrid.post_scripts == [BASE]


@pytest.mark.parametrize(("choice", "status", "left"), [("clear", 200, []), ("keep", 200, [BASE]), ("error", 400, [BASE])])
def test_no_list_at_all(choice: str, status: int, left: list[dict[str, str]], emulator: Emulator, plain: Any) -> None:
    emulator.state.set_without_scripts = choice

    assert plain.get("SetPostScripts", ClusterId=HYBRID).status_code == status
    assert emulator.state.clusters[HYBRID].post_scripts == left


def test_long_scripts_fit_into_a_request(hybrid: Cluster, plain: Any) -> None:
    long = [(f"https://bucket.oss-cn-hangzhou.aliyuncs.com/{'a' * 3000}", "数" * 1000)] * 16

    assert plain.get("SetPostScripts", ClusterId=HYBRID, **plain.scripts(*long)).status_code == 200
    assert hybrid.post_scripts[15]["args"] == "数" * 1000


def test_scripts_can_be_stored_while_the_cluster_does_not_run(emulator: Emulator, plain: Any) -> None:
    assert plain.get("SetPostScripts", ClusterId=NEW, **plain.scripts(("/opt/a", ""))).status_code == 200


# Synchronization


def test_synchronization_adds_missing_users(hybrid: Cluster, plain: Any) -> None:
    hybrid.users["cloud01"] = User("cloud01")
    hybrid.users["hpcuser01"].group = "wheel"

    assert plain.get("SyncUsers", ClusterId=HYBRID).status_code == 200

    groups = {user.name: user.group for user in hybrid.visible_users()}
    assert groups == {**hybrid.on_premise_users, "cloud01": "users"}
    assert groups["chem01"] == "wheel"


def test_synchronization_may_delete(hybrid: Cluster, plain: Any) -> None:
    hybrid.sync_deletes = True
    hybrid.users["cloud01"] = User("cloud01")

    plain.get("SyncUsers", ClusterId=HYBRID)

    assert set(hybrid.users) == set(hybrid.on_premise_users)


def test_users_arrive_later(hybrid: Cluster, plain: Any, clock: SimpleNamespace) -> None:
    hybrid.sync_delay = 30

    def total() -> int:
        count: int = plain.get("ListUsers", ClusterId=HYBRID).json()["TotalCount"]
        return count

    plain.get("SyncUsers", ClusterId=HYBRID)
    assert total() == 2
    clock.seconds += 29
    # A second synchronization does not restart the delay.
    plain.get("SyncUsers", ClusterId=HYBRID)
    assert total() == 2
    clock.seconds += 1
    assert total() == 6


@pytest.mark.parametrize(
    ("cluster_id", "changes", "status", "code"),
    [
        ("ehpc-hz-nowhere", {}, 404, "ClusterNotFound"),
        (NEW, {}, 403, "InvalidClusterStatus"),
        (HYBRID, {"manager": "down"}, 404, "ManagerNotFound"),
        (HYBRID, {"agent_failure": "ypserv is down"}, 406, "AgentError.Account.UserSynFailure"),
        (PLAIN, {}, 403, "InvalidClusterStatus"),
        (PUBLIC, {}, 403, "InvalidClusterStatus"),
        (LARGE, {}, 404, "ClusterNotFound"),
    ],
)
def test_synchronization_is_refused(cluster_id: str, changes: dict[str, str], status: int, code: str, emulator: Emulator, plain: Any) -> None:
    for name, value in changes.items():
        setattr(emulator.state.clusters[cluster_id], name, value)

    assert plain.error("SyncUsers", ClusterId=cluster_id) == (status, code)
    assert len(emulator.state.clusters[HYBRID].users) == 2


def test_the_answer_without_proxy_mode_can_be_chosen(emulator: Emulator, plain: Any) -> None:
    emulator.state.sync_without_proxy = "InvalidParams"

    answer = plain.get("SyncUsers", ClusterId=PLAIN)

    assert (answer.status_code, answer.json()["Message"]) == (400, "The parameters are invalid.")


def test_the_agent_reports_the_reason(emulator: Emulator, plain: Any) -> None:
    emulator.state.clusters[HYBRID].agent_failure = "ypserv is down"

    assert plain.get("SyncUsers", ClusterId=HYBRID).json()["Message"] == "synchronize users failed: ypserv is down"


# Lists


def test_users_are_sorted_by_time_and_name(hybrid: Cluster, plain: Any) -> None:
    hybrid.users = {name: User(name, add_time=f"2024-01-{day}T08:00:00") for name, day in [("c", "02"), ("b", "02"), ("z", "01")]}

    users = plain.get("ListUsers", ClusterId=HYBRID).json()["Users"]["UserInfo"]

    assert [user["Name"] for user in users] == ["z", "b", "c"]


@pytest.mark.parametrize(
    ("changes", "status", "code"),
    [
        ({"status": "exception"}, 403, "InvalidClusterStatus"),
        ({"manager": "down"}, 404, "ManagerNotFound"),
    ],
)
def test_users_need_a_running_manager(changes: dict[str, str], status: int, code: str, hybrid: Cluster, plain: Any) -> None:
    for name, value in changes.items():
        setattr(hybrid, name, value)

    assert plain.error("ListUsers", ClusterId=HYBRID) == (status, code)


@pytest.mark.parametrize(
    ("action", "total", "largest", "wrapper", "name"),
    [
        ("ListUsers", 68, 50, "Users", "UserInfo"),
        ("ListNodes", 37, 100, "Nodes", "NodeInfo"),
        ("ListClusters", 1, 50, "Clusters", "ClusterInfoSimple"),
        ("ListClustersMeta", 1, 50, "Clusters", "ClusterInfoSimple"),
    ],
)
def test_paging(action: str, total: int, largest: int, wrapper: str, name: str, plain: Any) -> None:
    params = {"ClusterId": LARGE, "RegionId": "cn-shanghai"}

    def page(**paging: str) -> tuple[int, int, int, list[str]]:
        answer = plain.get(action, **params, **paging).json()
        items = [item.get("Name", item.get("HostName")) + item.get("Id", "") for item in answer[wrapper][name]]
        return answer["TotalCount"], answer["PageNumber"], answer["PageSize"], items

    everything = [item for number in range(1, 4 + total // 10) for item in page(PageNumber=str(number))[3]]
    assert len(everything) == len(set(everything)) == total
    assert page() == (total, 1, 10, everything[:10])
    assert page(PageSize=str(largest)) == (total, 1, largest, everything[:largest])
    assert page(PageNumber="99") == (total, 99, 10, [])
    for wrong in (
        {"PageSize": "0"},
        {"PageSize": str(largest + 1)},
        {"PageNumber": "0"},
        {"PageNumber": "-1"},
        {"PageNumber": "two"},
    ):
        answer = plain.get(action, **params, **wrong)
        assert (answer.status_code, answer.json()["Code"]) == (400, "InvalidParams")
        assert answer.json()["Message"] == f"The specified parameter {next(iter(wrong))} is invalid."


def test_empty_lists_may_be_absent(emulator: Emulator, plain: Any) -> None:
    wrapped = plain.get("ListClusters", PageNumber="9").json()
    emulator.state.clusters[HYBRID].post_scripts = []
    flat = plain.get("GetPostScripts", ClusterId=HYBRID).json()
    emulator.state.empty_lists = "absent"
    absent = plain.get("ListClusters", PageNumber="9").json()
    without = plain.get("GetPostScripts", ClusterId=HYBRID).json()
    description = plain.get("DescribeCluster", ClusterId=HYBRID).json()["ClusterInfo"]

    assert wrapped["Clusters"] == {"ClusterInfoSimple": []}
    assert flat["PostInstallScripts"] == []
    assert set(absent) == {"RequestId", "PageNumber", "PageSize", "TotalCount"}
    assert set(without) == {"RequestId"}
    assert "PostInstallScripts" not in description
    # Only lists: a description that is empty or a number that is 0 stays.
    assert description["EcsInfo"]["Login"]["Count"] == 0


@pytest.mark.parametrize(
    ("params", "names"),
    [
        ({"Role": "Manager"}, ["manager000", "manager001"]),
        ({"Role": "Login"}, ["login000"]),
        ({"HostNamePrefix": "comp"}, ["compute000", "compute001", "compute002", "compute003"]),
        ({"HostNameSuffix": "001"}, ["manager001", "compute001"]),
        ({"HostName": "compute.*[12]$"}, ["compute001", "compute002"]),
        ({"PrivateIpAddress": "192.0.2.11"}, ["manager001"]),
        ({"Filter": '{"status": "stopped"}'}, ["compute003"]),
        ({"Filter": '{"status": "running"}', "Role": "Compute"}, ["compute000", "compute001", "compute002"]),
        ({"Role": "Compute", "Sequence": "Backward"}, ["compute003", "compute002", "compute001", "compute000"]),
        ({"SortBy": "HostName", "HostName": "0$"}, ["compute000", "login000", "manager000"]),
        ({"SortBy": "HostName", "HostName": "0$", "Sequence": "Backward"}, ["manager000", "login000", "compute000"]),
        ({"SortBy": "AddedTime", "HostName": "0$"}, ["manager000", "login000", "compute000"]),
    ],
)
def test_nodes_can_be_selected(params: dict[str, str], names: list[str], emulator: Emulator, plain: Any) -> None:
    emulator.state.clusters[PUBLIC].nodes[-1].status = "stopped"

    nodes = plain.get("ListNodes", ClusterId=PUBLIC, **params).json()["Nodes"]["NodeInfo"]

    assert [node["HostName"] for node in nodes] == names


@pytest.mark.parametrize(
    "params",
    [
        {"Role": "manager"},
        {"Filter": "running"},
        {"Filter": '{"status": "asleep"}'},
        {"Filter": "[]"},
        {"HostName": "("},
        {"SortBy": "Name"},
        {"Sequence": "Random"},
    ],
)
def test_invalid_selections_of_nodes(params: dict[str, str], plain: Any) -> None:
    assert plain.error("ListNodes", ClusterId=PUBLIC, **params) == (400, "InvalidParams")


def test_on_premises_nodes_are_listed_too(plain: Any) -> None:
    nodes = plain.get("ListNodes", ClusterId=HYBRID).json()["Nodes"]["NodeInfo"]

    assert [(node["HostName"], node["Location"]) for node in nodes if node["Location"] == "OnPremise"] == [
        ("master000", "OnPremise"),
        ("local000", "OnPremise"),
    ]


# Regions, accounts, permissions, status


def test_regions_separate_clusters(plain: Any) -> None:
    def names(region: str | None) -> list[str]:
        found = plain.get("ListClusters", RegionId=region).json()["Clusters"]["ClusterInfoSimple"]
        return [cluster["Id"] for cluster in found]

    assert names("cn-shanghai") == [LARGE]
    assert names("ap-southeast-1") == ["ehpc-sg-broken01", "ehpc-sg-stopped01"]
    assert names(None) == [HYBRID, PLAIN, PUBLIC, NEW]


def test_a_service_that_ignores_the_region(plain: Any, emulator: Emulator) -> None:
    emulator.state.region_id = "ignored"
    found = plain.get("ListClusters", RegionId="cn-shanghai").json()["Clusters"]["ClusterInfoSimple"]
    assert [cluster["RegionId"] for cluster in found] == ["cn-hangzhou"] * 4 + ["cn-shanghai"] + ["ap-southeast-1"] * 2


@pytest.mark.parametrize("action", ["DescribeCluster", "ListUsers", "ListNodes"])
def test_the_region_of_a_cluster_may_be_left_out_but_not_be_wrong(action: str, plain: Any) -> None:
    assert plain.get(action, ClusterId=LARGE, RegionId=None).status_code == 200
    assert plain.get(action, ClusterId=LARGE, RegionId="cn-shanghai").status_code == 200
    assert plain.error(action, ClusterId=LARGE, RegionId="cn-hangzhou") == (404, "ClusterNotFound")


def test_every_region_lists_all_regions(plain: Any) -> None:
    assert len(plain.get("ListRegions", RegionId="cn-nowhere").json()["Regions"]["RegionInfo"]) == 3


def test_accounts_cannot_access_clusters_of_other_accounts(emulator: Emulator, plain: Any) -> None:
    key = emulator.credential("stranger")

    assert plain.get("ListClusters", key.secret_key, AccessKeyId=key.access_key).json()["TotalCount"] == 0
    assert plain.error("DescribeCluster", key.secret_key, AccessKeyId=key.access_key, ClusterId=HYBRID) == (
        404,
        "ClusterNotFound",
    )


def test_the_denied_key_has_no_permissions(emulator: Emulator, plain: Any) -> None:
    key = emulator.credential("denied")

    assert plain.error("ListRegions", key.secret_key, AccessKeyId=key.access_key) == (403, "NoPermission")


@pytest.mark.parametrize(
    ("options", "denied"),
    [
        ({}, [True, True, True]),
        ({"action": "ListUsers"}, [True, True, False]),
        ({"cluster_id": HYBRID}, [True, False, True]),
        ({"region": "cn-shanghai"}, [False, True, False]),
        ({"access_key": "EXAMPLEstranger"}, [False, False, False]),
    ],
)
def test_permissions_are_denied_by_action_region_and_cluster(options: dict[str, str], denied: list[bool], emulator: Emulator, plain: Any) -> None:
    emulator.deny(**options)

    answers = [
        plain.get("ListUsers", ClusterId=HYBRID),
        plain.get("ListUsers", ClusterId=LARGE, RegionId=None),
        plain.get("ListNodes", ClusterId=HYBRID),
    ]

    assert [answer.status_code == 407 for answer in answers] == denied


@pytest.mark.parametrize(("code", "status"), [("NotAuthorized", 407), ("Forbidden.RAM", 403), ("NoPermission", 403)])
def test_denials_have_codes(code: str, status: int, emulator: Emulator, plain: Any) -> None:
    emulator.deny("SyncUsers", code=code)

    assert plain.error("SyncUsers", ClusterId=HYBRID) == (status, code)


def test_a_new_cluster_runs_after_two_descriptions(plain: Any) -> None:
    def status() -> str:
        text: str = plain.get("DescribeCluster", ClusterId=NEW).json()["ClusterInfo"]["Status"]
        return text

    assert plain.get("ListClusters").json()["Clusters"]["ClusterInfoSimple"][3]["Status"] == "creating"
    assert [status(), status(), status()] == ["creating", "creating", "running"]
    assert plain.get("ListClusters").json()["Clusters"]["ClusterInfoSimple"][3]["Status"] == "running"


def test_a_new_cluster_runs_after_some_time(clock: SimpleNamespace) -> None:
    emulator = Emulator({"clusters": [{"id": "c", "status": "init", "status_after": {"seconds": 60}}]})
    cluster = emulator.state.clusters["c"]
    cluster.created_at = clock.seconds

    clock.seconds += 59
    assert cluster.current_status() == "init"
    clock.seconds += 1
    assert cluster.current_status() == "running"
