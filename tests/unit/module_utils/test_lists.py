# Copyright (c) 2026, the alicloud.ehpc contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Lists that change while their pages are read."""

from __future__ import annotations

import typing as t
from concurrent.futures import ThreadPoolExecutor

from ansible_collections.alicloud.ehpc.plugins.module_utils import _clusters, _next_clusters, _nodes, _users
from ansible_collections.alicloud.ehpc.plugins.module_utils._generations import NEXT
from ansible_collections.alicloud.ehpc.tests.support.scripted import Call, Service


def clusters(first: int, last: int) -> list[dict[str, t.Any]]:
    return [{"Id": f"ehpc-hz-{number:03d}", "Name": "a", "Status": "Running"} for number in range(first, last + 1)]


def page(number: int, entries: list[dict[str, t.Any]], total: int = 60) -> Call:
    return Call("ListClusters", PageNumber=str(number), PageSize="50", answer={"TotalCount": total, "Clusters": {"ClusterInfoSimple": entries}})


def test_a_cluster_that_moved_to_the_next_page_is_returned_once(service: Service) -> None:
    # While the first page was read a cluster appeared before it, which moved the fiftieth to the second page.
    service.expects(page(1, clusters(1, 50)), page(2, clusters(50, 59)))
    found = _clusters.list_all(service.client())
    assert [cluster["id"] for cluster in found] == [f"ehpc-hz-{number:03d}" for number in range(1, 60)]


def test_pages_that_are_read_in_parallel_are_in_order(service: Service) -> None:
    # They do not fail as pages that are read one by one would: a short page in the middle is not the last one.
    service.expects(page(1, clusters(1, 50), 130), page(2, [], 130), page(3, clusters(101, 130), 130))
    with ThreadPoolExecutor(1) as threads:
        found = _clusters.list_all(service.client(), threads)
    assert [cluster["id"] for cluster in found] == [f"ehpc-hz-{number:03d}" for number in (*range(1, 51), *range(101, 131))]


def test_clusters_of_next(service: Service) -> None:
    """Each once, with its pages read in parallel. The fields of the last response about a cluster count."""
    first = [{"ClusterId": "a", "EhpcVersion": "2.0.0"}, {"ClusterId": "a", "ClusterName": "cfd-1"}, {"ClusterId": "b", "EhpcVersion": "1.0.0"}]
    for number, found in enumerate((first, [], {"Cluster": [{"ClusterStatus": "Running"}]}), 1):
        answer = {"TotalCount": 7, "Clusters": found}
        service.expects(Call("ListClusters", generation=NEXT, PageNumber=str(number), PageSize="100", answer=answer))
    every = dict.fromkeys(("scheduler_type", "account_type", "name", "create_time", "location", "deploy_mode"))
    every = {**every, "generation": "next", "region_id": "cn-hangzhou"}
    with ThreadPoolExecutor(1) as threads:
        found = _next_clusters.list_all(service.client(), threads)
    assert found == [{**every, "id": "a", "status": "", "name": "cfd-1"}, {**every, "id": "", "status": "running"}]


def test_clusters_of_other_regions_are_left_out(service: Service) -> None:
    entries = [{"Id": "a", "RegionId": "cn-shanghai"}, {"Id": "b", "RegionId": "cn-hangzhou"}, {"Id": "c", "RegionId": ""}, {"Id": "d"}]
    service.expects(page(1, entries, 4))
    found = _clusters.list_all(service.client(region="cn-hangzhou"))
    assert [(cluster["id"], cluster["region_id"]) for cluster in found] == [("b", "cn-hangzhou"), ("c", "cn-hangzhou"), ("d", "cn-hangzhou")]


def test_all_nodes_without_an_id_are_returned(service: Service) -> None:
    found = nodes(service, {"HostName": "a"}, {"HostName": "b", "Id": ""}, {"IpAddress": "192.0.2.1"}, {"HostName": "a"}, {"HostName": "a", "Id": "i-1"})
    assert [node["host_name"] for node in found] == ["a", "b", None, "a"]


def test_users_and_nodes_that_moved_are_returned_once(service: Service) -> None:
    users = [{"Name": f"user{number:02d}", "Group": "users"} for number in range(50)]
    service.expects(
        Call("ListUsers", ClusterId="x", PageNumber="1", PageSize="50", answer={"TotalCount": 51, "Users": {"UserInfo": users}}),
        Call("ListUsers", ClusterId="x", PageNumber="2", PageSize="50", answer={"TotalCount": 51, "Users": {"UserInfo": users[-1:]}}),
        Call("ListNodes", ClusterId="x", PageNumber="1", PageSize="100", answer={"TotalCount": 2, "Nodes": {"NodeInfo": [{"Id": "i-1"}, {"Id": "i-1"}]}}),
    )
    assert len(_users.list_all(service.client(), "x")) == 50
    assert len(_nodes.list_all(service.client(), {"id": "x", "name": "a", "region_id": "cn-hangzhou", "scheduler_type": "slurm", "generation": "1.0"})) == 1


NODE = {
    "Id": "i-EXAMPLE",
    "HostName": "compute0",
    "IpAddress": "192.0.2.10",
    "PublicIpAddress": "",
    "Status": "Running",
    "StateInSched": "active",
    "Location": "OnPremise",
    "VSwitchId": "vsw-EXAMPLE",
    "Roles": {"Role": ["Compute"]},
    "Password": "EXAMPLE-password",
}


def nodes(service: Service, *entries: dict[str, t.Any]) -> list[dict[str, t.Any]]:
    answer = {"TotalCount": len(entries), "Nodes": {"NodeInfo": list(entries)}}
    service.expects(Call("ListNodes", ClusterId="x", PageNumber="1", PageSize="100", answer=answer))
    return _nodes.list_all(service.client(), {"id": "x", "name": "a", "region_id": "cn-hangzhou", "scheduler_type": "slurm", "generation": "1.0"})


def test_node(service: Service) -> None:
    of_cluster = {"cluster_id": "x", "cluster_name": "a", "region_id": "cn-hangzhou", "scheduler_type": "slurm", "generation": "1.0"}
    assert nodes(service, NODE, {"Id": "i-OTHER"}) == [
        {
            **of_cluster,
            "id": "i-EXAMPLE",
            "host_name": "compute0",
            "ip_address": "192.0.2.10",
            "public_ip_address": "",
            "status": "running",
            "state_in_sched": "active",
            "location": "OnPremise",
            "roles": ["compute"],
        },
        {
            **of_cluster,
            **dict.fromkeys(("host_name", "ip_address", "public_ip_address", "state_in_sched", "location")),
            "id": "i-OTHER",
            "status": "",
            "roles": [],
        },
    ]


def test_clusters_without_a_region_belong_to_the_requested_one(service: Service) -> None:
    service.expects(page(1, [{"Status": "Running"}], 1))
    (cluster,) = _clusters.list_all(service.client(region="cn-hangzhou"))
    assert (cluster["id"], cluster["region_id"]) == ("", "cn-hangzhou")


def test_users_and_clusters_without_a_name(service: Service) -> None:
    users = [{"Name": "Admin01"}, {"Group": "users"}]
    service.expects(Call("ListUsers", ClusterId="x", PageNumber="1", PageSize="50", answer={"TotalCount": 2, "Users": {"UserInfo": users}}))
    found = _users.list_all(service.client(), "x")
    assert found == [{"name": None, "group": "users", "add_time": None}, {"name": "Admin01", "group": None, "add_time": None}]
    assert _users.names(found) == ["", "Admin01"]


def test_a_summary_lists_at_most_20_names() -> None:
    names = [f"user{number:02d}" for number in range(22)]
    assert _users.summary(names[:20]) == ", ".join(names[:20])
    assert _users.summary(names[:21]) == ", ".join(names[:20]) + " and 1 more"
    assert _users.summary(names) == ", ".join(names[:20]) + " and 2 more"
    assert _users.summary([]) == ""


def test_roles_of_a_node() -> None:
    assert _nodes._roles({"Roles": {"Role": ["Scheduler", "AccountBackup", "Login"]}}) == ["login", "manager"]
    assert _nodes._roles({"Roles": ["Compute"]}) == ["compute"]
    assert _nodes._roles({}) == []
