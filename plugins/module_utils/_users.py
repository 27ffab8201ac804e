# Copyright (c) 2026, the alicloud.ehpc contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.

"""The users of a cluster."""

from __future__ import annotations

import typing as t

if t.TYPE_CHECKING:  # pragma: no cover
    from ansible_collections.alicloud.ehpc.plugins.module_utils._client import Client

Users = t.List[t.Dict[str, t.Optional[str]]]


def list_all(client: Client, cluster_id: str) -> Users:
    """All users of the cluster, by name."""
    found = client.pages("ListUsers", "Users", "UserInfo", {"ClusterId": cluster_id})
    users = {user.get("Name") or "": {"name": user.get("Name"), "group": user.get("Group"), "add_time": user.get("AddTime")} for user in found}
    return [users[name] for name in sorted(users)]


def names(users: Users) -> list[str]:
    """Their names, in the same order."""
    return [user["name"] or "" for user in users]
