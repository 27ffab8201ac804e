# Copyright (c) 2026, the alicloud.ehpc contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The nodes of a cluster."""

from __future__ import annotations

import typing as t

from ansible_collections.alicloud.ehpc.plugins.module_utils._client import result_keys, snake_case
from ansible_collections.alicloud.ehpc.plugins.module_utils._errors import invalid_option
from ansible_collections.alicloud.ehpc.plugins.module_utils._generations import NEXT, V1

if t.TYPE_CHECKING:  # pragma: no cover
    from collections.abc import Mapping, Sequence

    from ansible_collections.alicloud.ehpc.plugins.module_utils._client import Client

Node = t.Dict[str, t.Any]

PAGE_SIZE = 100
# The fields of a node in the result, in addition to its ID and its cluster.
FIELDS = ("HostName", "IpAddress", "PublicIpAddress", "Status", "StateInSched", "Location")
REQUIRED_KEYS = tuple(snake_case(field) for field in FIELDS)
# The API returns the services that run on a management node. The console shows one role for all of them.
MANAGER_ROLES = frozenset(("Scheduler", "SchedulerBackup", "Account", "AccountBackup", "Manager"))


def list_all(client: Client, cluster: Mapping[str, t.Any]) -> list[Node]:
    """All nodes of a cluster; of E-HPC NEXT the compute nodes.

    Each node occurs once, even if it moved to another page between two calls. Raises EhpcError.
    """
    generation = cluster["generation"]
    found = client.pages("ListNodes", "Nodes", "NodeInfo", {"ClusterId": cluster["id"]}, PAGE_SIZE, generation=generation)
    if generation == NEXT:
        # It returns the fields of E-HPC 1.0, but for these two.
        found = [dict(info, HostName=info.get("Hostname"), Roles=["compute"]) for info in found]
    return list({_identity(info): _shaped(info, cluster) for info in found}.values())


def unread_cluster(cluster_id: str) -> dict[str, t.Any]:
    """A cluster of E-HPC 1.0 of which only the ID is known, for list_all."""
    return {"id": cluster_id, "name": None, "region_id": None, "scheduler_type": None, "generation": V1}


def _identity(info: Mapping[str, t.Any]) -> tuple[t.Any, ...]:
    """The values that identify a node. Cloud instances always have an ID; on-premises nodes may have none."""
    return (info["Id"],) if info.get("Id") else (info.get("HostName"), info.get("IpAddress"))


def _shaped(info: Mapping[str, t.Any], cluster: Mapping[str, t.Any]) -> Node:
    node: Node = {"id": info.get("Id"), "cluster_id": cluster["id"], "generation": cluster["generation"]}
    node.update({"cluster_name": cluster["name"], "region_id": cluster["region_id"], "scheduler_type": cluster["scheduler_type"]})
    node.update(dict.fromkeys(REQUIRED_KEYS))
    node.update(result_keys(info, FIELDS))
    node["status"] = str(info.get("Status") or "").lower()
    node["roles"] = _roles(info)
    return node


def _roles(info: Mapping[str, t.Any]) -> list[str]:
    """manager, login and compute: those of the three that a node has."""
    named = info.get("Roles") or {}
    names = named.get("Role") if isinstance(named, dict) else named
    roles = {"manager" if name in MANAGER_ROLES else str(name).lower() for name in (names if isinstance(names, list) else [])}
    return sorted(roles)


def choose(nodes: Sequence[Node], names: Sequence[str] | None, roles: Sequence[str]) -> list[Node]:
    """The nodes with these IDs or host names, in this order, each once; without names, those with one of the roles.

    Raises EhpcError for a name that no node has.
    """
    if names is None:
        return [node for node in nodes if set(node["roles"]) & set(roles)]
    unknown = [name for name in names if not any(_is_called(node, name) for node in nodes)]
    if unknown:
        raise invalid_option(
            "The cluster has no node with the ID or host name %s." % " or ".join(repr(name) for name in unknown),
            "Use node IDs or host names; the inventory plugin lists them with hosts: nodes.",
        )
    # By object, because a node on-premises may have no ID.
    return list({id(node): node for name in names for node in nodes if _is_called(node, name)}.values())


def _is_called(node: Node, name: str) -> bool:
    # A node may have no host name.
    return bool(name) and name in (node["id"], node["host_name"])
