# Copyright (c) 2026, the alicloud.ehpc contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Names for hosts: each host gets one, and no two hosts get the same."""

from __future__ import annotations

import itertools
import re
import typing as t

from ansible import constants as C
from ansible_collections.alicloud.ehpc.plugins.plugin_utils._untrusted import is_harmless, without_code

if t.TYPE_CHECKING:  # pragma: no cover
    from collections.abc import Iterable, Mapping

Variables = dict[str, t.Any]

# The name of a host is also a part of paths (host_vars, cached facts) and an argument of ssh.
_NO_NAME = re.compile(r"[/\0]|\A-|\A\.+\Z")
RESERVED = frozenset(("all", "ungrouped", *C.LOCALHOST))
MAX_SHOWN = 5


class HostNames:
    """The names of one inventory. A name that Ansible reserves, or that a group or another host has, is refused."""

    def __init__(self, groups: Iterable[str], hosts: Mapping[str, Variables]) -> None:
        """``hosts`` has the variables of the hosts that are there already, by name; only those of E-HPC are other hosts."""
        self._reserved = RESERVED.union(groups)
        self._owners = {name: identity(variables) for name, variables in hosts.items() if "ehpc_cluster_id" in variables}
        self._refused: list[tuple[str, str]] = []

    def reserve_default(self, variables: Variables) -> str:
        """The default name of a host, with a number if it is not unique. Call it for all hosts first: nothing else may take these names."""
        names = default_names(variables)
        numbered = ("%s_%d" % (names[-1], number) for number in itertools.count(2))
        name = next(name for name in itertools.chain(names, numbered) if self._take(name, variables))
        if name not in names:
            self._refused.append((names[-1], name))
        return name

    def preferred(self, names: Iterable[str], default: str, variables: Variables) -> str:
        """The first of the names that is free, else the default name."""
        refused = []
        for name in names:
            if self._take(name, variables):
                break
            refused.append(name)
        else:
            name = default
        self._refused.extend((other, name) for other in refused)
        return name

    def warning(self) -> str | None:
        """The warning about names that were refused, if there are any."""
        if not self._refused:
            return None
        shown = ", ".join("%r for %s" % refused for refused in self._refused[:MAX_SHOWN])
        more = len(self._refused) - MAX_SHOWN
        return "Host names that Ansible reserves, that a group or another host has, or that are not safe were not used: %s%s." % (
            shown,
            " and %d more" % more if more > 0 else "",
        )

    def _take(self, name: str, variables: Variables) -> bool:
        owner = identity(variables)
        return is_safe(name) and name not in self._reserved and self._owners.setdefault(name, owner) == owner


def is_safe(name: str) -> bool:
    """Whether a host can have this name. It becomes a variable (inventory_hostname), a part of paths and an argument of ssh."""
    return is_harmless(name) and not _NO_NAME.search(name)


def _made_safe(name: str) -> str:
    return _NO_NAME.sub("_", without_code(name))


def default_names(variables: Variables) -> list[str]:
    """The default names of a host, best first."""
    cluster_id = _made_safe(str(variables["ehpc_cluster_id"] or "cluster"))
    if "ehpc_node_id" not in variables:
        return [cluster_id]
    host_name, node_id = (str(variables[name] or "") for name in ("ehpc_host_name", "ehpc_node_id"))
    own = [name for name in (host_name, node_id) if name and is_safe(name)] or [_made_safe(node_id or "node")]
    return ["%s.%s" % (name, cluster_id) for name in own]


def identity(variables: Variables) -> tuple[t.Any, ...]:
    """The values that identify a cluster or a node. On-premises nodes may have no instance ID."""
    if "ehpc_node_id" not in variables:
        return (variables["ehpc_cluster_id"],)
    return (variables["ehpc_cluster_id"], variables["ehpc_node_id"] or (variables["ehpc_host_name"], variables["ehpc_ip_address"]))
