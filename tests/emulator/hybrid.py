# Copyright (c) 2026, the alicloud.ehpc contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The operations on the on-premises side of a hybrid cluster."""

from __future__ import annotations

import base64
import ipaddress
import json

from .errors import ApiError
from .parameters import Content, Params, cluster_of, invalid
from .state import Node, State, now

LOCAL_NODE = {"HostName": str, "IpAddress": str, "CpuCores": int, "Memory": int}


def get_hybrid_cluster_config(state: State, account: str, params: Params) -> Content:
    """The documentation says "ini format"; its sample looks like base64. `config_form` decides."""
    cluster = cluster_of(state, account, params)
    if cluster.location != "OnPremise":
        raise ApiError("InvalidOpt")
    node = params.get("Node")
    if node and node not in {known.host_name for known in cluster.nodes} and state.config_of_unknown_node == "refuse":
        raise invalid("Node")
    config = cluster.hybrid_config + (f"[node]\nname = {node}\n" if node else "")
    return {"ClusterConfig": base64.b64encode(config.encode()).decode() if state.config_form == "base64" else config}


def add_local_nodes(state: State, account: str, params: Params) -> Content:
    cluster = cluster_of(state, account, params)
    if cluster.current_status() != "running":
        raise ApiError("InvalidClusterStatus")
    nodes = _local_nodes(params["Nodes"])
    if cluster.conflicts > 0:
        cluster.conflicts -= 1
        raise ApiError("ConflictOpt")
    cluster.settle()
    if {node.host_name for node in nodes} & {node.host_name for node in cluster.nodes}:
        raise ApiError("InvalidOpt")
    cluster.after(state.local_node_delay, lambda: cluster.nodes.extend(nodes))
    # As in the documentation: one text for all nodes.
    return {"InstanceIds": {"InstanceId": [params["Nodes"]]}}


def _local_nodes(text: str) -> list[Node]:
    try:
        entries = json.loads(text)
    except ValueError:
        raise invalid("Nodes") from None
    if not isinstance(entries, list) or not entries:
        raise invalid("Nodes")
    return [_local_node(entry) for entry in entries]


def _local_node(entry: object) -> Node:
    if not isinstance(entry, dict) or set(entry) != set(LOCAL_NODE) or any(not isinstance(entry[name], kind) for name, kind in LOCAL_NODE.items()):
        raise invalid("Nodes")
    try:
        ipaddress.ip_address(entry["IpAddress"])
    except ValueError:
        raise invalid("Nodes") from None
    return Node("", entry["HostName"], location="OnPremise", ip_address=entry["IpAddress"], instance_type="", add_time=now(), roles=["Compute"])
