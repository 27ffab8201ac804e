# Copyright (c) 2026, the alicloud.ehpc contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""E-HPC NEXT: how its clusters are recognized and read, and how their users are managed."""

from __future__ import annotations

import typing as t

import pytest
import requests
from ansible_collections.alicloud.ehpc.plugins.module_utils import _clusters, _next_clusters, _nodes
from ansible_collections.alicloud.ehpc.plugins.module_utils._errors import EhpcError, attempt, hint_for
from ansible_collections.alicloud.ehpc.plugins.module_utils._generations import GENERATIONS, NEXT, as_query
from ansible_collections.alicloud.ehpc.plugins.modules import (
    cluster_info,
    post_scripts,
    post_scripts_info,
    post_scripts_run,
    user,
    user_info,
    user_sync,
)
from ansible_collections.alicloud.ehpc.tests.support import words
from ansible_collections.alicloud.ehpc.tests.support.scripted import Call, Service
from ansible_collections.alicloud.ehpc.tests.support.words import CLUSTER, SIGNED_SHOWN, describe, get_cluster

OTHER = "ehpc-hz-OTHER"
ONE, TWO, THREE = "hpcuser01", "hpcuser02", "hpcuser03"
PASSWORD = "Example-1-password"
UNKNOWN = "ClusterNotFound"
LOST = requests.exceptions.ReadTimeout("read timed out")
FIRST_CALLS = [
    (post_scripts, {"scripts": []}, "GetPostScripts", "cluster_script"),
    (post_scripts_info, {}, "GetPostScripts", "cluster_info"),
    (post_scripts_run, {}, "DescribeCluster", "cluster_script"),
    (user_sync, {}, "DescribeCluster", "alicloud.ehpc.user"),
    (user_sync, {"check_cluster": False}, "ListUsers", "alicloud.ehpc.user"),
]


def first_call(action: str, **how: t.Any) -> Call:
    return words.page(**how) if action == "ListUsers" else Call(action, ClusterId=CLUSTER, **how)


# Recognition


@pytest.mark.parametrize(("module", "options", "action", "instead"), FIRST_CALLS)
def test_a_module_for_the_first_generation_names_the_replacement(service: Service, module: t.Any, options: dict[str, t.Any], action: str, instead: str) -> None:
    service.expects(first_call(action, code=UNKNOWN), get_cluster())
    message, hint = "It is an E-HPC NEXT cluster.", _next_clusters.INSTEAD[module.MODULE.action]
    assert instead in hint
    assert service.fails(module, cluster_id=CLUSTER, **options).as_failure() == {
        "msg": f"Cannot {attempt(action, CLUSTER, 'cn-hangzhou')}: {message} {hint}",
        "error": {"action": action, "code": "WrongGeneration", "message": message, "http_status": None, "request_id": None, "hint": hint},
    }


@pytest.mark.parametrize("second", [{"code": UNKNOWN}, {"code": "NotAuthorized"}, {"ClusterId": None}, {"EhpcVersion": "1.0.0"}])
def test_the_failure_stays_unless_the_cluster_is_one_of_next(service: Service, second: dict[str, t.Any]) -> None:
    service.expects(first_call("GetPostScripts", code=UNKNOWN), get_cluster(**second))
    error = service.fails(post_scripts_info, cluster_id=CLUSTER)
    assert (error.code, error.http_status, error.action) == (UNKNOWN, 404, "GetPostScripts")


def test_recognition_takes_ten_seconds_at_most(service: Service) -> None:
    hanging = Call("GetCluster", generation=NEXT, ClusterId=CLUSTER, error=LOST, takes=10.5)
    service.expects(first_call("GetPostScripts", code=UNKNOWN), hanging)
    assert service.fails(post_scripts_info, cluster_id=CLUSTER).code == UNKNOWN
    assert service.clock.now == 1010.5


def test_other_failures_cost_no_call(service: Service) -> None:
    service.expects(first_call("GetPostScripts", code="NotAuthorized"))
    assert service.fails(post_scripts_info, cluster_id=CLUSTER).code == "NotAuthorized"


def test_responses_of_next_about_another_cluster(service: Service) -> None:
    details = {"action": "GetCluster", "http_status": None, "request_id": None}
    service.expects(get_cluster(ClusterId=OTHER))
    with pytest.raises(EhpcError) as caught:
        _next_clusters.details(service.client(), CLUSTER)
    message, hint = "E-HPC NEXT returned no cluster with this ID.", hint_for(UNKNOWN)
    assert caught.value.as_failure() == {
        "msg": f"Cannot read the details of cluster {CLUSTER} in cn-hangzhou: {message} {hint}",
        "error": {**details, "code": UNKNOWN, "message": message, "hint": hint},
    }
    service.expects(get_cluster(EhpcVersion="1.0.0"))
    with pytest.raises(EhpcError) as caught:
        _next_clusters.details(service.client(), CLUSTER)
    message, hint = "It is an E-HPC 1.0 cluster.", hint_for("WrongGeneration")
    assert caught.value.as_failure() == {
        "msg": f"Cannot read the details of cluster {CLUSTER} in cn-hangzhou: {message} {hint}",
        "error": {**details, "code": "WrongGeneration", "message": message, "hint": hint},
    }


def test_parameters_of_next_are_as_short_as_possible() -> None:
    assert as_query({"Name": "ä", "Values": ["ä", 1]}) == {"Name": "ä", "Values": '["ä", 1]'}


def test_changes_before_a_failure_stay_in_the_result(service: Service) -> None:
    service.expects(describe(), words.page(), words.sync(), words.page(code=UNKNOWN), get_cluster())
    error = service.fails(user_sync, cluster_id=CLUSTER)
    assert (error.code, error.result) == ("WrongGeneration", {"synced": True, "request_id": "REQUEST-SYNC"})


def test_the_first_generation_may_describe_clusters_of_next(service: Service) -> None:
    service.expects(describe(ClusterVersion="2.0"), get_cluster())
    error = service.fails(user_sync, cluster_id=CLUSTER)
    assert (error.code, error.action, error.attempted) == ("WrongGeneration", "DescribeCluster", f"read the details of cluster {CLUSTER} in cn-hangzhou")
    service.expects(describe(ClusterVersion="2.0"), get_cluster(code=UNKNOWN))
    assert _clusters.describe(service.client(), CLUSTER)["generation"] == "1.0"
    service.expects(describe(ClusterVersion="1.0"))
    assert _clusters.describe(service.client(), CLUSTER)["generation"] == "1.0"


# cluster_info


def test_details(service: Service) -> None:
    service.expects(describe(code=UNKNOWN), get_cluster(), describe(OTHER))
    first, second = service.run(cluster_info, cluster_ids=[CLUSTER, OTHER], generations=["1.0", "next"])["clusters"]
    assert second["generation"] == "1.0"
    assert first == {
        "id": CLUSTER,
        "generation": "next",
        "name": "cfd-2",
        "status": "running",
        "region_id": "cn-hangzhou",
        "location": None,
        "scheduler_type": "slurm",
        "scheduler_version": "22.05.8",
        "account_type": "nis",
        "deploy_mode": None,
        "create_time": "2026-01-01T08:00:00.000Z",
        "mode": "Integrated",
        "category": "Standard",
        "ehpc_version": "2.0.0",
        "proxy_mode": False,
        "post_scripts": [{"url": SIGNED_SHOWN, "args": "--mode base"}],
        "on_premise_info": [],
    }


@pytest.mark.parametrize(("script", "shown"), [(None, []), ({}, []), ({"Script": "", "Args": ""}, []), ({"Script": "/a.sh"}, [words.script("/a.sh")])])
def test_details_with_few_fields(service: Service, script: t.Any, shown: list[t.Any]) -> None:
    service.expects(get_cluster(ClusterCustomConfiguration=script, Manager=None, ClusterStatus="Initing"))
    (cluster,) = service.run(cluster_info, cluster_ids=[CLUSTER], generations=["next"])["clusters"]
    assert (cluster["post_scripts"], cluster["scheduler_type"], cluster["account_type"], cluster["status"]) == (shown, None, None, "init")


def test_details_that_are_malformed(service: Service) -> None:
    service.expects(get_cluster(Manager="x", RequestId="REQUEST"))
    message, hint = "Manager is not an object.", hint_for("InvalidAnswer")
    assert service.fails(cluster_info, cluster_ids=[CLUSTER], generations=["next"]).as_failure() == {
        "msg": f"Cannot read the details of cluster {CLUSTER} in cn-hangzhou: InvalidAnswer: {message} {hint}",
        "error": {"action": "GetCluster", "code": "InvalidAnswer", "message": message, "http_status": 200, "request_id": "REQUEST", "hint": hint},
    }


def test_only_next_in_the_given_order_and_unknown_to_both(service: Service) -> None:
    service.expects(get_cluster(code=UNKNOWN), get_cluster(OTHER, EhpcVersion="1.0.0"))
    assert service.run(cluster_info, cluster_ids=[CLUSTER, OTHER], generations=["next"])["clusters"] == []
    service.expects(get_cluster(code=UNKNOWN), describe(code=UNKNOWN), get_cluster(OTHER, EhpcVersion="1.0.0"), describe(OTHER))
    (cluster,) = service.run(cluster_info, cluster_ids=[CLUSTER, OTHER], generations=["next", "1.0"])["clusters"]
    assert (cluster["id"], cluster["generation"]) == (OTHER, "1.0")
    error = service.fails(cluster_info, generations=[])
    assert (error.message, error.hint) == ("The option generations is empty.", "Set it to one or both of 1.0, next.")


def test_an_unknown_cluster_that_next_may_not_be_asked_for(service: Service) -> None:
    service.expects(describe(code=UNKNOWN), get_cluster(code="NotAuthorized"))
    error = service.fails(cluster_info, cluster_ids=[CLUSTER], generations=["1.0", "next"])
    assert (error.code, error.action) == ("NotAuthorized", "GetCluster")
    assert error.message.endswith(". No cluster of another generation has this ID.")
    assert "ehpc:GetCluster" in str(error)


def test_waiting_asks_the_generation_that_has_the_cluster(service: Service) -> None:
    service.expects(describe(code=UNKNOWN), get_cluster(ClusterStatus="creating"), get_cluster())
    (cluster,) = service.run(cluster_info, wait=True, cluster_ids=[CLUSTER], generations=["1.0", "next"])["clusters"]
    assert (cluster["status"], service.clock.sleeps) == ("running", [15])


def test_waiting_for_a_cluster_of_next_without_its_generation(service: Service) -> None:
    service.expects(describe(code=UNKNOWN), get_cluster())
    error = service.fails(cluster_info, wait=True, cluster_ids=[CLUSTER])
    assert error.code == "WrongGeneration"
    assert "Add next to generations." in str(error)
    # With its generation, a cluster that does not exist is looked for once.
    service.expects(get_cluster(code=UNKNOWN))
    assert service.fails(cluster_info, wait=True, cluster_ids=[CLUSTER], generations=["next"]).code == UNKNOWN
    service.expects(describe(code=UNKNOWN), get_cluster(code=UNKNOWN))
    assert service.fails(cluster_info, wait=True, cluster_ids=[CLUSTER], generations=["1.0", "next"]).code == UNKNOWN


def test_lists(service: Service) -> None:
    """The API of each generation counts for its own clusters, whatever else it may list."""
    old = [{"Id": "a", "EhpcVersion": "1.0.0"}, {"Id": "b", "EhpcVersion": "2.0.0"}]
    new = [{"ClusterId": "a", "EhpcVersion": "1.0.0"}, {"ClusterId": "b", "ClusterName": "cfd-2", "EhpcVersion": "2.0.0", "ClusterDescription": "d"}]
    calls = [
        Call("ListClusters", PageNumber="1", PageSize="50", answer={"TotalCount": 2, "Clusters": {"ClusterInfoSimple": old}}),
        Call("ListClusters", generation=NEXT, PageNumber="1", PageSize="100", answer={"TotalCount": 2, "Clusters": new, "PageNumber": "1"}),
    ]
    service.expects(*calls)
    clusters = service.run(cluster_info, generations=["1.0", "next"])["clusters"]
    assert [(cluster["id"], cluster["generation"], cluster["name"]) for cluster in clusters] == [("a", "1.0", None), ("b", "next", "cfd-2")]
    assert set(cluster_info.ARGUMENT_SPEC["generations"]["choices"]) == set(GENERATIONS)
    service.expects(calls[0])
    assert [cluster["id"] for cluster in service.run(cluster_info)["clusters"]] == ["a"]
    service.expects(calls[1])
    assert [cluster["description"] for cluster in service.run(cluster_info, generations=["next"], names=["cfd*"])["clusters"]] == ["d"]


def test_nodes(service: Service) -> None:
    found = [{"Id": "i-1", "Hostname": "compute0", "Status": "running", "IpAddress": "192.0.2.10"}]
    service.expects(Call("ListNodes", generation=NEXT, ClusterId=CLUSTER, PageNumber="1", PageSize="100", answer={"TotalCount": 1, "Nodes": found}))
    cluster = {"id": CLUSTER, "name": "a", "region_id": "cn-hangzhou", "scheduler_type": "slurm", "generation": NEXT}
    (node,) = _nodes.list_all(service.client(), cluster)
    assert (node["id"], node["host_name"], node["roles"], node["generation"], node["location"]) == ("i-1", "compute0", ["compute"], "next", None)


def test_nodes_without_an_id_are_known_by_name_and_address(service: Service) -> None:
    found = [{"HostName": "local001", "IpAddress": f"192.0.2.{number}", "Location": "OnPremise"} for number in (11, 12, 11)]
    service.expects(Call("ListNodes", ClusterId=CLUSTER, PageNumber="1", PageSize="100", answer={"TotalCount": 3, "Nodes": {"NodeInfo": found}}))
    nodes = _nodes.list_all(service.client(), _nodes.unread_cluster(CLUSTER))
    assert [node["ip_address"] for node in nodes] == ["192.0.2.11", "192.0.2.12"]


# Users


def page(*users: dict[str, str] | str, **how: t.Any) -> Call:
    entries = [words.user(entry) if isinstance(entry, str) else entry for entry in users]
    ids = {"UserId": 1001, "GroupId": "100"}
    found = [{"UserName": entry["name"], "Group": entry["group"], "AddTime": entry["add_time"], **ids} for entry in entries]
    answer = {"TotalCount": len(found), "Users": {"UserInfo": found}}
    return Call("ListUsers", generation=NEXT, ClusterId=CLUSTER, PageNumber="1", PageSize="50", **{"answer": answer, **how})


def found() -> tuple[Call, Call]:
    """The search for the cluster with check_cluster."""
    return describe(code=UNKNOWN), get_cluster()


def create(*names: str, group: str = "users", **how: t.Any) -> Call:
    users = [{"UserName": name, "Group": group, "Password": PASSWORD} for name in names]
    return Call("CreateUsers", generation=NEXT, ClusterId=CLUSTER, User=users, **how)


def delete(*names: str, **how: t.Any) -> Call:
    return Call("DeleteUsers", generation=NEXT, ClusterId=CLUSTER, User=[{"UserName": name} for name in names], **how)


def update(name: str, group: str, **how: t.Any) -> Call:
    return Call("UpdateUser", generation=NEXT, ClusterId=CLUSTER, UserName=name, Group=group, **{"answer": {"Success": "true"}, **how})


def desired(name: str, group: str = "users", password: str | None = PASSWORD) -> dict[str, t.Any]:
    return {"name": name, "group": group, "password": password}


def test_every_kind_of_change_and_again(service: Service) -> None:
    admin = words.user(TWO, "wheel")
    service.expects(*found(), page(ONE, TWO), create(THREE), update(TWO, "wheel"))
    service.expects(update(TWO, "wheel", Password=PASSWORD), delete(ONE), page(admin, THREE))
    options: dict[str, t.Any] = {"cluster_id": CLUSTER, "users": [desired(THREE), desired(TWO, "wheel")], "purge": True}
    assert service.run(user, update_password="always", **options) == {
        "changed": True,
        "cluster_id": CLUSTER,
        "region": "cn-hangzhou",
        "users": [admin, words.user(THREE)],
        "added": [THREE],
        "removed": [ONE],
        "modified": [TWO],
        "password_changed": [TWO],
        "diff": {
            "before": {"users": [{"name": ONE, "group": "users"}, {"name": TWO, "group": "users"}]},
            "after": {"users": [{"name": TWO, "group": "wheel"}, {"name": THREE, "group": "users"}], "new_password_for": [TWO]},
            "before_header": f"users of cluster {CLUSTER} in cn-hangzhou",
            "after_header": f"users of cluster {CLUSTER} in cn-hangzhou",
        },
    }
    service.expects(*found(), page(admin, THREE))
    assert service.run(user, **options)["changed"] is False
    assert {seen.method for seen in service.seen if seen.params["Action"] in ("CreateUsers", "UpdateUser")} == {"POST"}


def test_check_mode_reads(service: Service) -> None:
    service.expects(*found(), page(ONE))
    assert service.run(user, True, cluster_id=CLUSTER, users=[desired(TWO)])["added"] == [TWO]


def test_twenty_users_are_created_in_a_call_and_updated_one_by_one(service: Service) -> None:
    names = [f"hpcuser{number:03d}" for number in range(22)]
    service.expects(*found(), page(), create(*names[:20]), create(*names[20:]), page(*names))
    assert service.run(user, cluster_id=CLUSTER, users=[desired(name) for name in names])["added"] == names
    service.expects(*found(), page(ONE, TWO), update(ONE, "wheel"), update(TWO, "wheel"), page(words.user(ONE, "wheel"), words.user(TWO, "wheel")))
    assert service.run(user, cluster_id=CLUSTER, users=[desired(ONE, "wheel"), desired(TWO, "wheel")])["modified"] == [ONE, TWO]


def test_no_success_is_decided_by_reading(service: Service) -> None:
    refused = {"Success": False}
    service.expects(*found(), page(ONE, TWO), update(ONE, "wheel"), update(TWO, "wheel", answer=refused), page(words.user(ONE, "wheel"), TWO))
    service.expects(update(TWO, "wheel", answer=refused), page(words.user(ONE, "wheel"), TWO))
    error = service.fails(user, cluster_id=CLUSTER, users=[desired(ONE, "wheel"), desired(TWO, "wheel")])
    assert (error.code, error.result["modified"], error.result["changed"]) == ("NotSuccessful", [ONE], True)


def test_a_lost_response_is_decided_by_reading(service: Service) -> None:
    service.expects(*found(), page(), create(ONE, error=LOST), page(ONE), page(ONE))
    assert service.run(user, cluster_id=CLUSTER, users=[desired(ONE)])["added"] == [ONE]


def test_without_a_check_of_the_cluster(service: Service) -> None:
    service.expects(words.page(code=UNKNOWN), page(ONE), delete(ONE), page())
    assert service.run(user, cluster_id=CLUSTER, users=[{"name": ONE}], state="absent", check_cluster=False)["removed"] == [ONE]


@pytest.mark.parametrize(
    ("calls", "code", "words_of"),
    [
        ([words.page(code=UNKNOWN), page(code=UNKNOWN)], UNKNOWN, "alicloud.ehpc.cluster_info lists the clusters"),
        ([words.page(code=UNKNOWN), page(code="ManagerNotFound")], "ManagerNotFound", "No cluster of another generation has this ID."),
        ([words.page(code="NotAuthorized")], "NotAuthorized", "Grant the RAM action ehpc:ListUsers"),
        ([words.page(code=UNKNOWN), page(), create(ONE, code="AgentError"), page()], "AgentError", f"Cannot create users of cluster {CLUSTER} in "),
    ],
)
def test_failures_without_a_check_of_the_cluster(service: Service, calls: list[Call], code: str, words_of: str) -> None:
    """The failure of the call that does not find the cluster is not in the message, unless no generation has the cluster."""
    service.expects(*calls)
    error = service.fails(user, cluster_id=CLUSTER, users=[desired(ONE)], check_cluster=False)
    assert error.code == code
    assert words_of in str(error)
    assert (UNKNOWN in str(error)) == (code == UNKNOWN)


def test_a_cluster_that_is_not_running(service: Service) -> None:
    service.expects(describe(code=UNKNOWN), get_cluster(ClusterStatus="stopped"))
    assert service.fails(user, cluster_id=CLUSTER, users=[]).code == "InvalidClusterStatus"


def test_a_cluster_that_no_generation_has(service: Service) -> None:
    service.expects(describe(code=UNKNOWN), get_cluster(code=UNKNOWN))
    error = service.fails(user, cluster_id=CLUSTER, users=[])
    assert (error.code, error.action) == (UNKNOWN, "DescribeCluster")
    service.expects(words.page(code=UNKNOWN), page(code=UNKNOWN))
    assert service.fails(user_info, cluster_id=CLUSTER).code == UNKNOWN


def test_user_info(service: Service) -> None:
    service.expects(words.page(code=UNKNOWN), page(ONE, TWO))
    assert service.run(user_info, cluster_id=CLUSTER)["users"] == [words.user(ONE), words.user(TWO)]
    service.expects(words.page(code=UNKNOWN), page(ONE), page(ONE))
    assert service.run(user_info, cluster_id=CLUSTER, with_ids=True)["users"] == [{**words.user(ONE), "uid": 1001, "gid": 100}]
