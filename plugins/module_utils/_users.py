# Copyright (c) 2026, the alicloud.ehpc contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The users of a cluster."""

from __future__ import annotations

import typing as t

if t.TYPE_CHECKING:  # pragma: no cover
    from ansible_collections.alicloud.ehpc.plugins.module_utils._client import Client

# In a message.
MAX_NAMES = 20

Users = t.List[t.Dict[str, t.Optional[str]]]


def list_all(client: Client, cluster_id: str, deadline: float | None = None) -> Users:
    """All users of the cluster, sorted by name: ``{"name": ..., "group": ..., "add_time": ...}`` each. Raises EhpcError."""
    entries = client.pages("ListUsers", "Users", "UserInfo", {"ClusterId": cluster_id}, deadline=deadline)
    users = {str(entry.get("Name") or ""): entry for entry in entries}
    return [{"name": name or None, "group": users[name].get("Group"), "add_time": users[name].get("AddTime")} for name in sorted(users)]


def names(users: Users) -> list[str]:
    """The names of the users, in the same order."""
    return [user["name"] or "" for user in users]


def summary(found: list[str]) -> str:
    """Names for a message, which lists at most MAX_NAMES of them."""
    more = len(found) - MAX_NAMES
    return ", ".join(found[:MAX_NAMES]) + (" and %d more" % more if more > 0 else "")
