# Copyright (c) 2026, the alicloud.ehpc contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Lists that change while their pages are read."""

from __future__ import annotations

import typing as t
from concurrent.futures import ThreadPoolExecutor

from ansible_collections.alicloud.ehpc.plugins.module_utils import _clusters, _nodes, _users

from scripted import Call, Service


def clusters(first: int, last: int) -> list[dict[str, t.Any]]:
    return [{"Id": f"ehpc-hz-{number:03d}", "Name": "a", "Status": "Running"} for number in range(first, last + 1)]


def page(number: int, entries: list[dict[str, t.Any]], total: int = 60) -> Call:
    return Call("ListClusters", PageNumber=str(number), PageSize="50", answer={"TotalCount": total, "Clusters": {"ClusterInfoSimple": entries}})


def test_a_cluster_that_moved_to_the_next_page_is_there_once(service: Service) -> None:
    # While the first page was read a cluster appeared before it, which moved the fiftieth to the second page.
    service.expects(page(1, clusters(1, 50)), page(2, clusters(50, 59)))
    found = _clusters.list_all(service.client())
    assert [cluster["id"] for cluster in found] == [f"ehpc-hz-{number:03d}" for number in range(1, 60)]


def test_pages_side_by_side_are_in_order(service: Service) -> None:
    service.expects(page(1, clusters(1, 50), 130), page(2, clusters(51, 100), 130), page(3, clusters(101, 130), 130))
    with ThreadPoolExecutor(1) as threads:
        found = _clusters.list_all(service.client(), threads)
    assert [cluster["id"] for cluster in found] == [f"ehpc-hz-{number:03d}" for number in range(1, 131)]


def test_users_and_nodes_that_moved_are_there_once(service: Service) -> None:
    users = [{"Name": f"user{number:02d}", "Group": "users"} for number in range(50)]
    service.expects(
        Call("ListUsers", ClusterId="x", PageNumber="1", PageSize="50", answer={"TotalCount": 51, "Users": {"UserInfo": users}}),
        Call("ListUsers", ClusterId="x", PageNumber="2", PageSize="50", answer={"TotalCount": 51, "Users": {"UserInfo": users[-1:]}}),
        Call("ListNodes", ClusterId="x", PageNumber="1", PageSize="100", answer={"TotalCount": 2, "Nodes": {"NodeInfo": [{"Id": "i-1"}, {"Id": "i-1"}]}}),
    )
    assert len(_users.list_all(service.client(), "x")) == 50
    assert len(_nodes.list_all(service.client(), {"id": "x", "name": "a", "region_id": "cn-hangzhou"})) == 1


def test_roles_of_a_node() -> None:
    assert _nodes._roles({"Roles": {"Role": ["Scheduler", "AccountBackup", "Login"]}}) == ["login", "manager"]
    assert _nodes._roles({"Roles": ["Compute"]}) == ["compute"]
    assert _nodes._roles({}) == []
