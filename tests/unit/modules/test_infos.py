# Copyright (c) 2026, the alicloud.ehpc contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The info modules: the calls that they make, and their results."""

from __future__ import annotations

import typing as t

import pytest
import requests
from ansible_collections.alicloud.ehpc.plugins.module_utils._errors import EhpcError
from ansible_collections.alicloud.ehpc.plugins.modules import cluster_info, post_scripts, post_scripts_info, region_info, user_info, user_sync
from ansible_collections.alicloud.ehpc.tests.support.scripted import HOST, Call, Service
from ansible_collections.alicloud.ehpc.tests.support.words import (
    BASE,
    CLUSTER,
    MOUNT,
    SIGNED,
    SIGNED_SHOWN,
    describe,
    get_cluster,
    ids,
    page,
    read,
    script,
    user,
)

OTHER = "ehpc-hz-OTHER"
EVERY_CLUSTER_HAS = {"id", "generation", "name", "status", "region_id", "location", "scheduler_type", "account_type", "deploy_mode", "create_time"}
EVERY_DETAILED_CLUSTER_HAS = EVERY_CLUSTER_HAS | {"proxy_mode", "post_scripts", "on_premise_info"}


# post_scripts_info


@pytest.mark.parametrize("check_mode", [False, True])
def test_post_scripts_info(service: Service, check_mode: bool) -> None:
    service.expects(read(script(MOUNT), script(BASE, "-x"), script(SIGNED)))
    result = service.run(post_scripts_info, check_mode, cluster_id=CLUSTER)
    shown = [script(MOUNT), script(BASE, "-x"), script(SIGNED_SHOWN)]
    assert result == {"changed": False, "cluster_id": CLUSTER, "region": "cn-hangzhou", "post_scripts": shown}


@pytest.mark.parametrize(("answer", "shown"), [({}, []), ({"PostInstallScripts": [{}]}, [script("")])])
def test_post_scripts_info_without_scripts(service: Service, answer: dict[str, t.Any], shown: list[t.Any]) -> None:
    service.expects(read(answer=answer))
    assert service.run(post_scripts_info, cluster_id=CLUSTER)["post_scripts"] == shown


def test_post_scripts_info_with_numbers(service: Service) -> None:
    service.expects(read(answer={"PostInstallScripts": [{"Url": BASE, "Args": 5}, {"Url": None, "Args": None}]}))
    assert service.run(post_scripts_info, cluster_id=CLUSTER)["post_scripts"] == [script(BASE, "5"), script("")]


# user_info


@pytest.mark.parametrize("check_mode", [False, True])
def test_user_info(service: Service, check_mode: bool) -> None:
    service.expects(page(user("hpcuser02"), user("admin01", "wheel")))
    result = service.run(user_info, check_mode, cluster_id=CLUSTER)
    assert result == {
        "changed": False,
        "cluster_id": CLUSTER,
        "region": "cn-hangzhou",
        "users": [user("admin01", "wheel"), user("hpcuser02")],
    }


def test_user_info_all_pages(service: Service) -> None:
    names = [f"simuser{number:02d}" for number in range(1, 69)]
    service.expects(page(*names[:50], total=68), page(*names[50:], number=2, total=68))
    assert [entry["name"] for entry in service.run(user_info, cluster_id=CLUSTER)["users"]] == names


def test_user_info_returns_a_user_of_two_pages_once(service: Service) -> None:
    names = [f"simuser{number:02d}" for number in range(51)]
    service.expects(page(*names[:50], total=52), page(*names[49:], number=2, total=52))
    assert [entry["name"] for entry in service.run(user_info, cluster_id=CLUSTER)["users"]] == names


def test_user_info_without_users(service: Service) -> None:
    service.expects(page())
    assert service.run(user_info, cluster_id=CLUSTER)["users"] == []


def test_user_info_fields_that_are_absent(service: Service) -> None:
    service.expects(page(answer={"Users": {"UserInfo": [{"Name": "hpcuser01"}]}}))
    assert service.run(user_info, cluster_id=CLUSTER)["users"] == [{"name": "hpcuser01", "group": None, "add_time": None}]


def test_user_info_names_that_are_numbers_or_null(service: Service) -> None:
    service.expects(page(answer={"Users": {"UserInfo": [{"Name": 7}, {"Name": None}, {"Name": "hpcuser01"}]}}))
    assert [entry["name"] for entry in service.run(user_info, cluster_id=CLUSTER)["users"]] == [None, "7", "hpcuser01"]


def test_user_info_with_ids(service: Service) -> None:
    found = [("hpcuser01", "1001"), ("hpcuser02", "unknown")]
    service.expects(page("hpcuser01", "hpcuser02", "hpcuser03"), ids("Running", query=None), ids("", answer={}), ids("Success", *found), ids("Success", *found))
    users = service.run(user_info, cluster_id=CLUSTER, with_ids=True)["users"]
    assert [(entry["name"], entry["uid"], entry["gid"]) for entry in users] == [
        ("hpcuser01", 1001, 100),
        ("hpcuser02", None, 100),
        ("hpcuser03", None, None),
    ]


@pytest.mark.parametrize(("status", "polls"), [("Failed", 1), ("QueryException", 1), ("Running", None), ("", None)])
def test_user_info_with_ids_that_are_not_returned(service: Service, status: str, polls: int | None) -> None:
    service.expects(page("hpcuser01"), ids(status, query=None), *[ids(status)] * (0 if polls else 15))
    message = f"The query of the user IDs has the status {status or 'unknown'} after at most 60 seconds."
    hint = "Check that the management node of the cluster is healthy, then run the task again."
    assert service.fails(user_info, cluster_id=CLUSTER, with_ids=True).as_failure() == {
        "msg": f"Cannot read the IDs of the users of cluster {CLUSTER} in cn-hangzhou: {message} {hint}",
        "error": {"action": "ListUsersAsync", "code": "IdsNotRead", "message": message, "http_status": None, "request_id": None, "hint": hint},
    }
    assert service.clock.sleeps == ([] if polls else [0.5, 1, 2, 4, *[5] * 10, 2.5])


@pytest.mark.parametrize("calls", [[], [ids("Success", query=None)]])
def test_user_info_waits_for_ids_for_a_minute(service: Service, calls: list[Call]) -> None:
    hanging = ids("", query="t-EXAMPLE" if calls else None, error=requests.exceptions.ReadTimeout(), takes=61)
    service.expects(page("hpcuser01"), *calls, hanging)
    assert service.fails(user_info, cluster_id=CLUSTER, with_ids=True).code == "TimedOut"


@pytest.mark.parametrize("module", [post_scripts_info, user_info], ids=["post_scripts_info", "user_info"])
def test_blank_cluster_id(service: Service, module: t.Any) -> None:
    assert "cluster_id" in service.fails(module, cluster_id=" ").message


# cluster_info


def listed(*names: str, number: int = 1, total: int | None = None, **more: t.Any) -> Call:
    found = [{"Id": f"ehpc-hz-{name}", "Name": name, "Status": "Running", "RegionId": "cn-hangzhou", "WinAdPar": "EXAMPLE-password", **more} for name in names]
    answer = {"TotalCount": len(names) if total is None else total, "Clusters": {"ClusterInfoSimple": found}}
    return Call("ListClusters", PageNumber=str(number), PageSize="50", answer=answer)


@pytest.mark.parametrize("check_mode", [False, True])
def test_cluster_info_of_the_region(service: Service, check_mode: bool) -> None:
    names = [f"cfd-{number}" for number in range(60)]
    service.expects(listed(*names[:50], total=60), listed(*names[50:], number=2, total=60))
    result = service.run(cluster_info, check_mode)
    assert [cluster["name"] for cluster in result["clusters"]] == names
    assert (result["changed"], result["region"]) == (False, "cn-hangzhou")
    for cluster in result["clusters"]:
        assert set(cluster) >= EVERY_CLUSTER_HAS
        assert not {"proxy_mode", "post_scripts", "on_premise_info"} & set(cluster)
        assert cluster["status"] == "running"
        assert cluster["location"] is None
    assert "EXAMPLE-password" not in str(result)


def test_cluster_info_returns_a_cluster_of_two_pages_once(service: Service) -> None:
    service.expects(listed(*[f"cfd-{number}" for number in range(50)], total=51), listed("cfd-49", number=2, total=51))
    assert len(service.run(cluster_info)["clusters"]) == 50


def test_cluster_info_leaves_clusters_of_other_regions_out(service: Service) -> None:
    """The documentation of ListClusters says that it lists the clusters in each region of the account."""
    clusters = [{"Id": "ehpc-hz-1", "RegionId": "cn-hangzhou"}, {"Id": "ehpc-sh-1", "RegionId": "cn-shanghai"}, {"Id": "ehpc-hz-2"}]
    service.expects(Call("ListClusters", PageNumber="1", PageSize="50", answer={"TotalCount": 3, "Clusters": {"ClusterInfoSimple": clusters}}))
    found = service.run(cluster_info)["clusters"]
    assert [(cluster["id"], cluster["region_id"]) for cluster in found] == [("ehpc-hz-1", "cn-hangzhou"), ("ehpc-hz-2", "cn-hangzhou")]


@pytest.mark.parametrize(
    ("patterns", "found"),
    [
        (["cfd-*"], ["cfd-1", "cfd-2"]),
        (["*-1"], ["cfd-1", "bio-1"]),
        (["bio-?", "cfd-2"], ["cfd-2", "bio-1"]),
        (["cfd-[2-9]"], ["cfd-2"]),
        (["CFD-*"], []),
        (["cfd"], []),
        (["X*"], []),
    ],
)
def test_cluster_info_by_name(service: Service, patterns: list[str], found: list[str]) -> None:
    service.expects(listed("cfd-1", "cfd-2", "bio-1", ""))
    assert [cluster["name"] for cluster in service.run(cluster_info, names=patterns)["clusters"]] == found


def test_cluster_info_by_no_names(service: Service) -> None:
    assert service.run(cluster_info, names=[])["clusters"] == []


def test_cluster_info_by_no_ids(service: Service) -> None:
    assert service.run(cluster_info, cluster_ids=[])["clusters"] == []


def test_cluster_info_details(service: Service) -> None:
    managers = {"OnPremiseInfo": [{"Type": "account, scheduler", "HostName": "manager01", "IP": "192.0.2.10"}]}
    scripts = {"PostInstallScriptInfo": [{"Url": SIGNED, "Args": "-x"}, {"Url": BASE}]}
    passwords: dict[str, t.Any] = {"WinAdPar": '{"AdUserPasswd": "EXAMPLE-password"}', "OpenldapPar": "EXAMPLE-password", "NewField": "EXAMPLE-password"}
    service.expects(describe(Status="Exception", OnPremiseInfo=managers, PostInstallScripts=scripts, **passwords))
    result = service.run(cluster_info, cluster_ids=[CLUSTER])
    (cluster,) = result["clusters"]
    assert {key: cluster[key] for key in EVERY_DETAILED_CLUSTER_HAS} == {
        "id": CLUSTER,
        "generation": "1.0",
        "name": "cfd-1",
        "status": "exception",
        "region_id": "cn-hangzhou",
        "location": "OnPremise",
        "scheduler_type": "slurm",
        "account_type": "nis",
        "deploy_mode": "Simple",
        "create_time": "2026-01-01T08:00:00.000Z",
        "proxy_mode": True,
        "post_scripts": [script(SIGNED_SHOWN, "-x"), script(BASE)],
        "on_premise_info": [{"type": "account, scheduler", "host_name": "manager01", "ip": "192.0.2.10"}],
    }
    assert "EXAMPLE-password" not in str(result)
    assert all(key == key.lower() for key in cluster)


@pytest.mark.parametrize("answer", [{}, {"ClusterInfo": {}}, {"ClusterInfo": None}])
def test_cluster_info_details_of_an_empty_response(service: Service, answer: dict[str, t.Any]) -> None:
    service.expects(Call("DescribeCluster", ClusterId=CLUSTER, answer=answer))
    (cluster,) = service.run(cluster_info, cluster_ids=[CLUSTER])["clusters"]
    assert set(cluster) == EVERY_DETAILED_CLUSTER_HAS
    assert cluster["status"] == ""
    assert cluster["proxy_mode"] is False
    assert cluster["post_scripts"] == cluster["on_premise_info"] == []
    assert cluster["region_id"] == "cn-hangzhou"


def test_cluster_info_omits_unknown_ids(service: Service) -> None:
    service.expects(describe(OTHER, code="ClusterNotFound"), describe())
    assert [cluster["id"] for cluster in service.run(cluster_info, cluster_ids=[OTHER, CLUSTER])["clusters"]] == [CLUSTER]


def test_cluster_info_fails_for_other_errors(service: Service) -> None:
    service.expects(describe(OTHER), describe(code="NotAuthorized"))
    error = service.fails(cluster_info, cluster_ids=[OTHER, CLUSTER])
    assert error.code == "NotAuthorized"
    assert CLUSTER in str(error)


def test_cluster_info_blank_id(service: Service) -> None:
    assert "cluster_id" in service.fails(cluster_info, cluster_ids=[CLUSTER, ""]).message


def test_cluster_info_ids_or_names() -> None:
    assert ("cluster_ids", "names") in cluster_info.MODULE.mutually_exclusive


# cluster_info: waiting


def wait(service: Service, **options: t.Any) -> list[str]:
    """The statuses that a wait returns."""
    return [cluster["status"] for cluster in service.run(cluster_info, wait=True, cluster_ids=[CLUSTER], **options)["clusters"]]


def statuses(error: EhpcError) -> dict[str, str]:
    """The statuses that a failed wait returns."""
    return {cluster["id"]: cluster["status"] for cluster in error.result["clusters"]}


def test_a_wait_for_a_cluster_that_is_running_reads_once(service: Service) -> None:
    service.expects(describe())
    assert wait(service) == ["running"]
    assert service.clock.sleeps == []


def test_a_wait_reads_until_the_cluster_is_running(service: Service) -> None:
    service.expects(describe(Status="uninit"), describe(Status="Creating"), describe(Status="Running"))
    assert wait(service) == ["running"]
    assert service.clock.sleeps == [15, 15]


def test_a_wait_shows_each_change_of_the_status(service: Service) -> None:
    service.expects(describe(), describe(OTHER, Status="uninit"), describe(OTHER, Status="creating"), describe(OTHER, Status="creating"), describe(OTHER))
    service.run(cluster_info, wait=True, cluster_ids=[CLUSTER, OTHER])
    assert service.messages == [f"Cluster {OTHER} in cn-hangzhou: {status}" for status in ("uninit", "creating", "running")]


def test_no_progress_without_waiting(service: Service) -> None:
    service.expects(describe(Status="creating"))
    service.run(cluster_info, True, wait=True, cluster_ids=[CLUSTER])
    assert service.messages == []
    service.expects(describe(Status="stopped"))
    service.fails(cluster_info, wait=True, cluster_ids=[CLUSTER])
    assert service.messages == []


def test_a_wait_reads_only_clusters_that_are_not_running_yet(service: Service) -> None:
    service.expects(describe(), describe(OTHER, Status="creating"), describe(OTHER))
    result = service.run(cluster_info, wait=True, cluster_ids=[CLUSTER, OTHER], wait_sleep=3)
    assert [cluster["id"] for cluster in result["clusters"]] == [CLUSTER, OTHER]
    assert service.clock.sleeps == [3]


def test_a_wait_fails_with_the_last_status(service: Service) -> None:
    service.expects(describe(Status="uninit"), describe(Status="creating"), describe(Status="init"))
    error = service.fails(cluster_info, wait=True, cluster_ids=[CLUSTER], wait_timeout=20)
    assert (error.code, error.http_status, statuses(error)) == ("ClusterNotRunning", None, {CLUSTER: "init"})
    assert str(error).startswith(f"Cluster {CLUSTER} in cn-hangzhou is still in status init after 20 seconds. Check it")
    assert "wait_timeout" in str(error)
    assert service.clock.sleeps == [15, 5]


def test_a_wait_of_0_seconds_reads_once(service: Service) -> None:
    service.expects(describe(Status="", takes=7))
    error = service.fails(cluster_info, wait=True, cluster_ids=[CLUSTER], wait_timeout=0)
    assert error.message == f"Cluster {CLUSTER} in cn-hangzhou is still in status unknown after 0 seconds."
    assert service.clock.sleeps == []


@pytest.mark.parametrize("check_mode", [False, True])
@pytest.mark.parametrize("status", ["Exception", "releasing", "stopped"])
def test_a_wait_fails_at_once_if_a_cluster_cannot_become_running(service: Service, status: str, check_mode: bool) -> None:
    service.expects(describe(Status="creating"), describe(OTHER, Status=status))
    error = service.fails(cluster_info, check_mode, wait=True, cluster_ids=[CLUSTER, OTHER])
    assert (error.code, error.action, statuses(error)) == ("ClusterNotRunning", "DescribeCluster", {CLUSTER: "creating", OTHER: status.lower()})
    assert set(error.result) == {"region", "clusters"}
    assert error.result["region"] == "cn-hangzhou"
    assert error.message == f"Cluster {OTHER} in cn-hangzhou is in status {status.lower()} and cannot become running."
    assert error.hint == "Repair or start it in the E-HPC console, then run the task again."
    assert service.clock.sleeps == []


def test_a_wait_names_each_cluster_that_cannot_become_running(service: Service) -> None:
    service.expects(describe(Status="stopped"), describe(OTHER, Status="exception"))
    message = service.fails(cluster_info, wait=True, cluster_ids=[CLUSTER, OTHER]).message
    assert message == (
        f"Cluster {CLUSTER} in cn-hangzhou is in status stopped and cannot become running."
        f" Cluster {OTHER} in cn-hangzhou is in status exception and cannot become running."
    )


@pytest.mark.parametrize("check_mode", [False, True])
def test_a_wait_fails_at_once_for_an_unknown_cluster(service: Service, check_mode: bool) -> None:
    service.expects(describe(Status="creating"), describe(OTHER, code="ClusterNotFound"), get_cluster(OTHER, code="ClusterNotFound"))
    error = service.fails(cluster_info, check_mode, wait=True, cluster_ids=[CLUSTER, OTHER])
    assert (error.code, error.http_status, statuses(error)) == ("ClusterNotFound", 404, {CLUSTER: "creating"})


def test_a_wait_in_check_mode_reads_once(service: Service) -> None:
    service.expects(describe(Status="creating"))
    (cluster,) = service.run(cluster_info, True, wait=True, cluster_ids=[CLUSTER])["clusters"]
    assert (cluster["status"], service.clock.sleeps) == ("creating", [])


def test_a_wait_ends_at_its_limit_although_a_read_does_not_return(service: Service) -> None:
    timeout = requests.exceptions.ReadTimeout()
    # The second read starts after the first pause, of 15 seconds.
    for takes, code in ((30, "ClusterNotRunning"), (5, "ClusterNotRunning"), (4, "TimedOut")):
        service.expects(describe(Status="creating"), Call("DescribeCluster", ClusterId=CLUSTER, error=timeout, takes=takes))
        error = service.fails(cluster_info, wait=True, cluster_ids=[CLUSTER], wait_timeout=20, api_retries=0)
        assert (error.code, statuses(error)) == (code, {CLUSTER: "creating"})


def test_a_wait_without_any_status_fails_with_the_error_of_the_read(service: Service) -> None:
    service.expects(Call("DescribeCluster", ClusterId=CLUSTER, error=requests.exceptions.ReadTimeout(), takes=30))
    error = service.fails(cluster_info, wait=True, cluster_ids=[CLUSTER], wait_timeout=20)
    assert (error.code, statuses(error)) == ("TimedOut", {})


def test_a_wait_fails_at_once_if_a_call_does(service: Service) -> None:
    service.expects(describe(Status="creating"), describe(code="NotAuthorized"))
    error = service.fails(cluster_info, wait=True, cluster_ids=[CLUSTER])
    assert (error.code, error.result["region"], statuses(error)) == ("NotAuthorized", "cn-hangzhou", {CLUSTER: "creating"})
    # Another failure at the limit is not about the limit.
    service.expects(describe(Status="creating"), describe(code="NotAuthorized", takes=5))
    assert service.fails(cluster_info, wait=True, cluster_ids=[CLUSTER], wait_timeout=20).code == "NotAuthorized"


def test_a_wait_without_clusters(service: Service) -> None:
    assert service.run(cluster_info, wait=True, cluster_ids=[], wait_sleep=1)["clusters"] == []


@pytest.mark.parametrize(
    ("options", "word"),
    [
        ({"wait": True}, "With wait, cluster_ids is required."),
        ({"wait": True, "names": ["cfd-*"]}, "With wait, cluster_ids is required."),
        ({"wait_timeout": -1}, "wait_timeout must be at least 0 seconds; it is -1."),
        ({"wait_sleep": 0}, "wait_sleep must be at least 1 second; it is 0."),
    ],
)
def test_options_of_a_wait_that_cannot_work(service: Service, options: dict[str, t.Any], word: str) -> None:
    error = service.fails(cluster_info, **options)
    assert (error.code, word in error.message) == ("InvalidOptions", True)


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        ({"ClusterInfo": ["a"]}, "ClusterInfo is not an object."),
        ({"ClusterInfo": "a"}, "ClusterInfo is not an object."),
        ({"ClusterInfo": {"Location": "OnPremise", "EcsInfo": ["a"]}}, "EcsInfo is not an object."),
        ({"ClusterInfo": {"Location": "OnPremise", "EcsInfo": {"ProxyMgr": "a"}}}, "ProxyMgr is not an object."),
        ({"ClusterInfo": {"Location": "OnPremise", "EcsInfo": {"ProxyMgr": {"Count": "one"}}}}, "Count is not a number: 'one'."),
        ({"ClusterInfo": {"Location": "OnPremise", "OnPremiseInfo": "a"}}, "OnPremiseInfo is not a list of objects."),
    ],
)
def test_cluster_info_of_a_malformed_cluster(service: Service, answer: dict[str, t.Any], problem: str) -> None:
    service.expects(Call("DescribeCluster", ClusterId=CLUSTER, answer={**answer, "RequestId": "REQUEST"}))
    failure = service.fails(cluster_info, cluster_ids=[CLUSTER]).as_failure()
    assert failure["msg"].startswith(f"Cannot read the details of cluster {CLUSTER} in cn-hangzhou: InvalidAnswer: {problem} ")
    error = failure["error"]
    assert (error["code"], error["action"], error["request_id"]) == ("InvalidAnswer", "DescribeCluster", "REQUEST")


# region_info


@pytest.mark.parametrize("check_mode", [False, True])
def test_region_info(service: Service, check_mode: bool) -> None:
    regions = [{"RegionId": "cn-hangzhou", "LocalName": "华东1（杭州）"}, {"RegionId": "cn-shanghai"}]
    service.expects(Call("ListRegions", answer={"Regions": {"RegionInfo": regions}}))
    assert service.run(region_info, check_mode) == {
        "changed": False,
        "regions": [{"region_id": "cn-hangzhou", "local_name": "华东1（杭州）"}, {"region_id": "cn-shanghai", "local_name": None}],
    }


def test_region_info_needs_no_region(service: Service) -> None:
    service.expects(Call("ListRegions", answer={}))
    assert service.run(region_info, region=None)["regions"] == []
    assert service.seen[0].url.startswith(f"https://{HOST}/?")


@pytest.mark.parametrize("module", [cluster_info, post_scripts, post_scripts_info, user_info, user_sync])
def test_all_other_modules_need_a_region(service: Service, module: t.Any) -> None:
    options: dict[str, t.Any] = {} if module is cluster_info else {"cluster_id": CLUSTER}
    assert "region" in service.fails(module, region=None, **options).message
