# Copyright (c) 2026, the alicloud.ehpc contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The nodes of a cluster, from counts or from a list in the scenario."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .state import Cluster, Node

# kind: role, location, prefix of the host name, part of the address
KINDS = {
    "manager": ("Manager", "PublicCloud", "manager", "192.0.2"),
    "login": ("Login", "PublicCloud", "login", "192.0.2"),
    "compute": ("Compute", "PublicCloud", "compute", "198.51.100"),
    "on_premise_manager": ("Manager", "OnPremise", "master", "203.0.113"),
    "on_premise_compute": ("Compute", "OnPremise", "local", "203.0.113"),
}
AGENTS = ("up", "down", "refuses", "forgets", "unknown")
ROLES = {"Manager": ["Account", "Scheduler"], "Login": ["Login"], "Compute": ["Compute"]}
PUBLIC = {"manager": 1, "login": 1, "compute": 2}
HYBRID = {"compute": 2, "on_premise_manager": 1, "on_premise_compute": 1}
PROXY = {"manager": 1, **HYBRID}


def nodes_of(cluster: Cluster, data: Mapping[str, int] | list[dict[str, Any]] | None) -> list[Node]:
    if isinstance(data, list):
        return [_listed(cluster, number, item) for number, item in enumerate(data)]
    nodes: list[Node] = []
    for kind, count in (_usual(cluster) if data is None else data).items():
        if kind not in KINDS:
            raise ValueError(f"unknown key {kind!r} (known: {', '.join(KINDS)})")
        nodes += [_counted(cluster, kind, number, len(nodes) + number) for number in range(count)]
    return nodes


def _usual(cluster: Cluster) -> dict[str, int]:
    if cluster.location == "PublicCloud":
        return PUBLIC
    return PROXY if cluster.proxy_mode else HYBRID


def _counted(cluster: Cluster, kind: str, number: int, position: int) -> Node:
    role, location, prefix, network = KINDS[kind]
    return Node(
        id=f"i-{cluster.id}-{prefix}{number:03d}",
        host_name=f"{prefix}{number:03d}",
        role=role,
        location=location,
        ip_address=f"{network}.{10 + position % 240}",
        public_ip_address=f"203.0.113.{10 + position % 240}" if role == "Login" else "",
        # One a second, so that the order by AddedTime is certain.
        add_time=f"2024-01-15T08:{position // 60 % 60:02d}:{position % 60:02d}.000Z",
        roles=list(ROLES[role]),
    )


def _listed(cluster: Cluster, number: int, item: dict[str, Any]) -> Node:
    node = Node(**{"id": f"i-{cluster.id}-{number:03d}", "host_name": f"node{number:03d}", **item})
    if node.role not in ROLES:
        raise ValueError(f"role is one of {', '.join(ROLES)}, not {node.role!r}")
    if node.agent not in AGENTS:
        raise ValueError(f"agent is one of {', '.join(AGENTS)}, not {node.agent!r}")
    node.roles = node.roles or list(ROLES[node.role])
    return node
