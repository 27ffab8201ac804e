# Copyright (c) 2026, the alicloud.ehpc contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""E-HPC NEXT (API 2024-07-30): its clusters, and UpdateCluster, which writes the full state of one."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from . import next_users
from .errors import ApiError
from .next_descriptions import cluster_in_list, cluster_info, node_info
from .operations import Operation
from .parameters import Content, Params, cluster_of, invalid, number_of, page_of, paging
from .state import NEXT, Cluster, State

NAME = re.compile(r"[\w-]{2,128}")
MAX_CLUSTERS = 20
SPECS = {"MonitorSpec": ("EnableComputeLoadMonitor",), "SchedulerSpec": ("EnableTopologyAwareness",)}


def get_cluster(state: State, account: str, params: Params) -> Content:
    cluster = cluster_of(state, account, params, None if state.next.other_generation == "described" else NEXT)
    info = cluster_info(state, cluster)
    cluster.described += 1
    return info


def list_clusters(state: State, account: str, params: Params) -> Content:
    number, size = paging(params, 100)
    if size < 10:
        raise invalid("PageSize")
    ids, names = _names(params, "ClusterIds"), _names(params, "ClusterNames")
    region = params.get("RegionId", state.region)
    clusters = [cluster for cluster in list(state.clusters.values()) if cluster.account == account and cluster.region == region]
    of_next = [cluster for cluster in clusters if cluster.generation == NEXT]
    listed = [cluster for cluster in (clusters if state.next.lists == "all" else of_next) if _is_named(cluster, ids, names)]
    page = page_of(listed, number, size, "Clusters", "Cluster", lambda cluster: cluster_in_list(state, cluster))
    # A flat list, and a page number that is a string.
    statistics = {"V1Count": len(clusters) - len(of_next), "V2Count": len(of_next)}
    return {**page, "Clusters": page["Clusters"]["Cluster"], "PageNumber": str(number), "EhpcVersionStatistics": statistics}


def _names(params: Params, name: str) -> list[str]:
    names = next_users.json_of(params, name, list) if params.get(name) else []
    if len(names) > MAX_CLUSTERS:
        raise invalid(name)
    return [str(entry) for entry in names]


def _is_named(cluster: Cluster, ids: list[str], names: list[str]) -> bool:
    return (not ids or cluster.id in ids) and (not names or cluster.settings["ClusterName"] in names)


def list_nodes(state: State, account: str, params: Params) -> Content:
    cluster = cluster_of(state, account, params, NEXT)
    number, size = paging(params, 100)
    computes = [node for node in cluster.nodes if node.role == "Compute"]
    page = page_of(computes, number, size, "Nodes", "Node", lambda node: node_info(cluster, node))
    return {**page, "Nodes": page["Nodes"]["Node"]}


def update_cluster(state: State, account: str, params: Params) -> Content:
    """Apply a full state: parameters that the request omits get their default, unless `keeps` names them."""
    cluster = cluster_of(state, account, params, NEXT)
    if cluster.current_status() not in state.next.update_statuses:
        raise ApiError("InvalidClusterStatus")
    before = cluster.settings
    given = {name: read(state, params, name, before[name]) for name, read in READERS.items() if name in params}
    kept = {name: value for name, value in before.items() if name in state.next.keeps}
    after = {**before, **cluster.default_settings(), **kept, **given}
    if state.next.power_saving == "keep":
        after["EnablePowerSaving"] = before["EnablePowerSaving"]
    cluster.settings = after
    cluster.updates += 1
    return {"Success": True}


def _name(state: State, params: Params, name: str, before: Any) -> str:
    if not NAME.fullmatch(params[name]):
        raise invalid(name)
    return params[name]


def _version(state: State, params: Params, name: str, before: Any) -> str:
    if not re.fullmatch(r"[0-9]+(\.[0-9]+)*", params[name]):
        raise invalid(name)
    return params[name]


def _number(largest: int | None) -> Callable[[State, Params, str, Any], int]:
    def read(state: State, params: Params, name: str, before: Any) -> int:
        # number_of refuses 0, which is allowed here.
        return 0 if params[name] == "0" else number_of(params, name, 1, largest)

    return read


def _boolean(state: State, params: Params, name: str, before: Any) -> bool:
    # The official SDK sends Python's own True and False.
    if params[name].lower() not in ("true", "false"):
        raise invalid(name)
    return params[name].lower() == "true"


def _script(state: State, params: Params, name: str, before: dict[str, str]) -> dict[str, str]:
    given = next_users.json_of(params, name, dict)
    if not set(given) <= {"Script", "Args"} or not all(isinstance(value, str) for value in given.values()):
        raise invalid(name)
    if given.get("Script"):
        return {"Script": given["Script"], "Args": given.get("Args", "")}
    if state.next.empty_script == "refuse":
        raise invalid(name)
    return before if state.next.empty_script == "keep" else {}


def _spec(state: State, params: Params, name: str, before: dict[str, bool]) -> dict[str, bool]:
    given = next_users.json_of(params, name, dict)
    if not set(given) <= set(SPECS[name]) or not all(isinstance(value, bool) for value in given.values()):
        raise invalid(name)
    return {**dict.fromkeys(SPECS[name], False), **given}


READERS: dict[str, Callable[[State, Params, str, Any], Any]] = {
    "ClusterName": _name,
    "ClusterDescription": _name,
    "MaxCount": _number(5000),
    "MaxCoreCount": _number(100000),
    "DeletionProtection": _boolean,
    "ClientVersion": _version,
    "ClusterCustomConfiguration": _script,
    "GrowInterval": _number(None),
    "IdleInterval": _number(None),
    "EnableScaleOut": _boolean,
    "EnableScaleIn": _boolean,
    "MonitorSpec": _spec,
    "SchedulerSpec": _spec,
}
NEXT_OPERATIONS = {
    "CreateUsers": Operation(next_users.create_users, ("ClusterId", "User"), "POST"),
    "DeleteUsers": Operation(next_users.delete_users, ("ClusterId", "User")),
    "GetCluster": Operation(get_cluster, ("ClusterId",), "POST"),
    "GetUser": Operation(next_users.get_user, ("ClusterId", "UserName")),
    "ListClusters": Operation(list_clusters, method="POST"),
    "ListNodes": Operation(list_nodes, ("ClusterId",), "POST"),
    "ListUsers": Operation(next_users.list_users, ("ClusterId",)),
    "UpdateCluster": Operation(update_cluster, ("ClusterId",), "POST"),
    "UpdateUser": Operation(next_users.update_user, ("ClusterId", "UserName"), "POST"),
}
