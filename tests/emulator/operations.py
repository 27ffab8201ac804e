# Copyright (c) 2026, the alicloud.ehpc contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The operations: one plain function each, from the caller's account and parameters to the content of the answer."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass

from . import hybrid, users
from .commands import Command
from .descriptions import cluster_info, cluster_meta, cluster_simple, invocation_result, node_info, post_scripts
from .errors import ApiError
from .parameters import Content, Params, cluster_of, invalid, number_of, one_of, page_of, paging
from .state import V1, Cluster, Node, State

MAX_SCRIPTS = 16
SHORTEST_COMMAND, LONGEST_COMMAND = 2, 2048
RECORD_STATUSES = ("Finished", "Running", "Failed", "Stopped")
NODE_STATUSES = ("uninit", "exception", "running", "initing", "releasing", "untracking", "stopped")


def get_post_scripts(state: State, account: str, params: Params) -> Content:
    # A flat list, unlike everywhere else in this API.
    return {"PostInstallScripts": post_scripts(cluster_of(state, account, params))}


def set_post_scripts(state: State, account: str, params: Params) -> Content:
    cluster = cluster_of(state, account, params)
    scripts = _scripts(params)
    if not scripts and state.set_without_scripts == "error":
        raise invalid("PostInstallScripts")
    if scripts or state.set_without_scripts == "clear":
        cluster.post_scripts = scripts
    return {}


def _scripts(params: Params) -> list[dict[str, str]]:
    entries: dict[int, dict[str, str]] = {}
    for name, value in params.items():
        match = re.fullmatch(r"PostInstallScripts\.(\d+)\.(Url|Args)", name)
        if match:
            entries.setdefault(int(match[1]), {})[match[2]] = value
    if len(entries) > MAX_SCRIPTS or 0 in entries:
        raise invalid("PostInstallScripts")
    for number, entry in entries.items():
        if not entry.get("Url", "").strip():
            raise invalid(f"PostInstallScripts.{number}.Url")
    return [{"url": entry["Url"], "args": entry.get("Args", "")} for _number, entry in sorted(entries.items())]


def describe_cluster(state: State, account: str, params: Params) -> Content:
    cluster = cluster_of(state, account, params, None if state.next.other_generation == "described" else V1)
    info = cluster_info(cluster)
    cluster.described += 1
    return {"ClusterInfo": info}


def list_clusters(state: State, account: str, params: Params) -> Content:
    number, size = paging(params, 50)
    clusters = _clusters_of_region(state, account, params)
    return page_of(clusters, number, size, "Clusters", "ClusterInfoSimple", cluster_simple)


def list_clusters_meta(state: State, account: str, params: Params) -> Content:
    number, size = paging(params, 50)
    clusters = _clusters_of_region(state, account, params)
    return page_of(clusters, number, size, "Clusters", "ClusterInfoSimple", cluster_meta)


def list_regions(state: State, account: str, params: Params) -> Content:
    regions = [{"RegionId": region.id, "LocalName": region.local_name} for region in state.regions.values()]
    return {"Regions": {"RegionInfo": regions}}


def list_nodes(state: State, account: str, params: Params) -> Content:
    cluster = cluster_of(state, account, params)
    number, size = paging(params, 100)
    cluster.settle()
    nodes = _sorted_nodes([node for node in cluster.nodes if _node_matches(node, params)], params)
    return page_of(nodes, number, size, "Nodes", "NodeInfo", lambda node: node_info(cluster, node))


def _node_matches(node: Node, params: Params) -> bool:
    role = one_of(params, "Role", ("Manager", "Login", "Compute"))
    address, status = params.get("PrivateIpAddress"), _status_filter(params)
    return (
        role in (None, node.role)
        and node.host_name.startswith(params.get("HostNamePrefix", ""))
        and node.host_name.endswith(params.get("HostNameSuffix", ""))
        and _pattern(params).search(node.host_name) is not None
        and (not address or address == node.ip_address)
        and status in (None, node.status)
    )


def _pattern(params: Params) -> re.Pattern[str]:
    try:
        return re.compile(params.get("HostName", ""))
    except re.error:
        raise invalid("HostName") from None


def _status_filter(params: Params) -> str | None:
    if not params.get("Filter"):
        return None
    try:
        wanted = json.loads(params["Filter"])
    except ValueError:
        raise invalid("Filter") from None
    if not isinstance(wanted, dict) or wanted.get("status", "running") not in NODE_STATUSES:
        raise invalid("Filter")
    return wanted.get("status")


def invoke_shell_command(state: State, account: str, params: Params) -> Content:
    cluster = cluster_of(state, account, params)
    if cluster.current_status() != "running":
        raise ApiError("InvalidClusterStatus")
    if not SHORTEST_COMMAND <= len(params["Command"]) <= LONGEST_COMMAND:
        raise invalid("Command")
    timeout = number_of(params, "Timeout", 60, None)
    wanted = _instances(params)
    known = [node for node in cluster.nodes if node.agent != "unknown"]
    accepted = [node for node in known if not (cluster.on_premise_commands and node.location == "OnPremise")]
    if not wanted <= {node.id for node in known}:
        raise ApiError("ComputeNotFound")
    if not wanted <= {node.id for node in accepted}:
        raise ApiError(cluster.on_premise_commands)
    nodes = [node for node in accepted if not wanted or node.id in wanted]
    agents = {node.id: node.agent if node.status == "running" else "down" for node in nodes}
    command = state.machines.run(cluster.id, params["Command"], timeout, agents)
    return {"CommandId": command.id, "InstanceIds": {"InstanceId": list(agents)}}


def list_invocation_status(state: State, account: str, params: Params) -> Content:
    command = _command(state, account, params)
    records = [{"InstanceId": record.instance_id, "InstanceInvokeStatus": record.status} for record in command.records]
    return {"CommandId": command.id, "InvokeStatus": command.status, "InvokeInstances": {"InvokeInstance": records}}


def list_invocation_results(state: State, account: str, params: Params) -> Content:
    command = _command(state, account, params)
    number, size = paging(params, 50)
    status, wanted = one_of(params, "InvokeRecordStatus", RECORD_STATUSES), _instances(params)
    listed = [record for record in command.records if record.is_listed]
    records = [record for record in listed if status in (None, record.status) and (not wanted or record.instance_id in wanted)]
    return page_of(records, number, size, "InvocationResults", "InvocationResult", lambda record: invocation_result(command, record))


def _command(state: State, account: str, params: Params) -> Command:
    cluster = cluster_of(state, account, params)
    command = state.machines.commands.get(params["CommandId"])
    if command is None or command.cluster_id != cluster.id:
        raise invalid("CommandId")
    return command


def _instances(params: Params) -> set[str]:
    return {value for name, value in params.items() if re.fullmatch(r"Instance\.[1-9][0-9]*\.Id", name)}


def _sorted_nodes(nodes: list[Node], params: Params) -> list[Node]:
    by_host_name = one_of(params, "SortBy", ("AddedTime", "HostName")) == "HostName"
    backward = one_of(params, "Sequence", ("Forward", "Backward")) == "Backward"
    if by_host_name:
        return sorted(nodes, key=lambda node: node.host_name, reverse=backward)
    return sorted(nodes, key=lambda node: (node.add_time, node.host_name), reverse=backward)


def _clusters_of_region(state: State, account: str, params: Params) -> list[Cluster]:
    region = params.get("RegionId", state.region)
    clusters = [cluster for cluster in list(state.clusters.values()) if cluster.account == account and (cluster.generation == V1 or state.next.lists == "all")]
    return clusters if state.region_id == "ignored" else [cluster for cluster in clusters if cluster.region == region]


@dataclass(frozen=True)
class Operation:
    function: Callable[[State, str, Params], Content]
    required: tuple[str, ...] = ()
    method: str = "GET"


OPERATIONS = {
    "AddLocalNodes": Operation(hybrid.add_local_nodes, ("ClusterId", "Nodes")),
    "AddUsers": Operation(users.add_users, ("ClusterId",)),
    "DeleteUsers": Operation(users.delete_users, ("ClusterId",)),
    "DescribeCluster": Operation(describe_cluster, ("ClusterId",)),
    "GetHybridClusterConfig": Operation(hybrid.get_hybrid_cluster_config, ("ClusterId",)),
    "GetPostScripts": Operation(get_post_scripts, ("RegionId", "ClusterId")),
    "InvokeShellCommand": Operation(invoke_shell_command, ("ClusterId", "Command")),
    "ListClusters": Operation(list_clusters),
    "ListClustersMeta": Operation(list_clusters_meta),
    "ListInvocationResults": Operation(list_invocation_results, ("ClusterId", "CommandId")),
    "ListInvocationStatus": Operation(list_invocation_status, ("ClusterId", "CommandId")),
    "ListNodes": Operation(list_nodes, ("ClusterId",)),
    "ListRegions": Operation(list_regions),
    "ListUsers": Operation(users.list_users, ("ClusterId",)),
    "ListUsersAsync": Operation(users.list_users_async, ("ClusterId",)),
    "ModifyUserGroups": Operation(users.modify_user_groups, ("ClusterId",)),
    "ModifyUserPasswords": Operation(users.modify_user_passwords, ("ClusterId",)),
    "SetPostScripts": Operation(set_post_scripts, ("RegionId", "ClusterId")),
    "SyncUsers": Operation(users.sync_users, ("RegionId", "ClusterId")),
}
