# Copyright (c) 2026, the alicloud.ehpc contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""E-HPC NEXT (API 2024-07-30): the users of a cluster, which requests give as JSON."""

from __future__ import annotations

import json
from typing import Any, TypeVar

from . import users
from .errors import ApiError
from .next_descriptions import user_info
from .parameters import Content, Params, check_manager, cluster_of, invalid, page_of, paging
from .state import NEXT, State
from .users import Entry

MAX_CREATED, MAX_DELETED = 20, 100
# The names of the fields in both generations.
FIELDS = {"UserName": "Name", "Group": "Group", "Password": "Password"}
Kind = TypeVar("Kind", "list[Any]", "dict[str, Any]")


def list_users(state: State, account: str, params: Params) -> Content:
    cluster = cluster_of(state, account, params, NEXT)
    number, size = paging(params, 50)
    check_manager(cluster)
    return page_of(cluster.visible_users(), number, size, "Users", "UserInfo", lambda user: user_info(state, user))


def get_user(state: State, account: str, params: Params) -> Content:
    cluster = cluster_of(state, account, params, NEXT)
    check_manager(cluster)
    found = [user for user in cluster.visible_users() if user.name == params["UserName"]]
    if not found:
        # Terraform expects this code; the documentation has none.
        raise ApiError("UserNotFound", status=404, message="The specified user does not exist.")
    return {"User": user_info(state, found[0])}


def create_users(state: State, account: str, params: Params) -> Content:
    entries = _entries(state, params, ("Name", "Group", "Password"), MAX_CREATED)
    return _change(state, account, params, entries, users.add)


def update_user(state: State, account: str, params: Params) -> Content:
    """Change the group, the password or both, as given."""
    entry = {name: params[field] for field, name in FIELDS.items() if field in params}
    users.check(state, entry, tuple(entry), "")

    def change(state: State, cluster: Any, entry: Entry) -> None:
        if "Group" in entry:
            users.modify_group(state, cluster, entry)
        if "Password" in entry:
            users.modify_password(state, cluster, entry)

    # A string, unlike in UpdateCluster.
    return {**_change(state, account, params, [entry], change), "Success": "true"}


def delete_users(state: State, account: str, params: Params) -> Content:
    return _change(state, account, params, _entries(state, params, ("Name",), MAX_DELETED), users.delete)


def _change(state: State, account: str, params: Params, entries: list[Entry], change: users.Change) -> Content:
    cluster = cluster_of(state, account, params, NEXT)
    check_manager(cluster)
    users.change_users(state, cluster, entries, change)
    return {}


def _entries(state: State, params: Params, fields: tuple[str, ...], most: int) -> list[Entry]:
    given = json_of(params, "User", list)
    if not 1 <= len(given) <= most or not all(isinstance(entry, dict) for entry in given):
        raise invalid("User")
    entries = [{FIELDS.get(field, field): str(value) for field, value in entry.items()} for entry in given]
    for number, entry in enumerate(entries, 1):
        users.check(state, entry, fields, f"User.{number}.")
    return entries


def json_of(params: Params, name: str, kind: type[Kind]) -> Kind:
    """A parameter that is JSON. Raises InvalidParams if it is not, or is of another kind."""
    try:
        value = json.loads(params[name])
    except ValueError:
        raise invalid(name) from None
    if not isinstance(value, kind):
        raise invalid(name)
    return value
