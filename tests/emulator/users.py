# Copyright (c) 2026, the alicloud.ehpc contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The operations on the users of a cluster."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable

from .descriptions import user_info, user_info_with_ids
from .errors import ApiError
from .parameters import Content, Params, check_manager, cluster_of, invalid, one_of, page_of, paging
from .state import Cluster, State

MAX_USERS = 100
GROUPS = ("users", "wheel")
# The documented form is 6 to 30 characters, but the documented example, user1, has 5; `short_user_names` decides whether such names are valid.
NAME = re.compile(r"[A-Za-z][A-Za-z0-9.]{0,29}")
MIN_NAME = 6
PASSWORD = re.compile(r"[A-Za-z0-9()~!@#$%^&*\-_+=|{}\[\]:;'/<>,.?]{8,30}")
KINDS_OF_CHARACTERS = (r"[A-Z]", r"[a-z]", r"[0-9]", r"[^A-Za-z0-9]")
PREFIX = "AgentError.Account."
Entry = dict[str, str]
Change = Callable[[State, Cluster, Entry], None]


def sync_users(state: State, account: str, params: Params) -> Content:
    cluster = cluster_of(state, account, params)
    check_manager(cluster)
    if not cluster.proxy_mode:
        raise ApiError(state.sync_without_proxy)
    if cluster.agent_failure:
        raise ApiError("AgentError.Account.UserSynFailure", cluster.agent_failure)
    cluster.synchronize()
    return {}


def list_users(state: State, account: str, params: Params) -> Content:
    cluster = cluster_of(state, account, params)
    number, size = paging(params, 50)
    check_manager(cluster)
    return page_of(cluster.visible_users(), number, size, "Users", "UserInfo", user_info)


def list_users_async(state: State, account: str, params: Params) -> Content:
    """The first call starts a query; its users come once it has been polled `async_polls` times."""
    cluster = cluster_of(state, account, params)
    number, size = paging(params, 50)
    check_manager(cluster)
    query = params.get("AsyncId") or f"t-{uuid.uuid4().hex[:13]}"
    if params.get("AsyncId") and query not in cluster.queries:
        raise invalid("AsyncId")
    polls = cluster.queries[query] = cluster.queries.get(query, -1) + 1
    finished = state.async_polls is not None and polls >= state.async_polls
    status = state.async_status if finished else "Running"
    users = cluster.visible_users() if status == "Success" else []
    return {"AsyncId": query, "AsyncStatus": status, **page_of(users, number, size, "Users", "UserInfo", user_info_with_ids)}


def add_users(state: State, account: str, params: Params) -> Content:
    return _apply(state, account, params, ("Name", "Group", "Password"), add)


def delete_users(state: State, account: str, params: Params) -> Content:
    return _apply(state, account, params, ("Name",), delete)


def modify_user_groups(state: State, account: str, params: Params) -> Content:
    return _apply(state, account, params, ("Name", "Group"), modify_group)


def modify_user_passwords(state: State, account: str, params: Params) -> Content:
    return _apply(state, account, params, ("Name", "Password"), modify_password)


def add(state: State, cluster: Cluster, entry: Entry) -> None:
    if entry["Name"] in cluster.users:
        raise ApiError(PREFIX + "UserAlreadyExist", entry["Name"])
    cluster.add_user(entry["Name"], entry["Group"], entry["Password"])


def delete(state: State, cluster: Cluster, entry: Entry) -> None:
    if _exists(state, cluster, entry["Name"], "UserDeleteFailure"):
        del cluster.users[entry["Name"]]


def modify_group(state: State, cluster: Cluster, entry: Entry) -> None:
    if _exists(state, cluster, entry["Name"], "UserModifyGroupFailure"):
        cluster.users[entry["Name"]].group = entry["Group"]


def modify_password(state: State, cluster: Cluster, entry: Entry) -> None:
    if _exists(state, cluster, entry["Name"], "UserChangePasswordFailure"):
        cluster.users[entry["Name"]].password = entry["Password"]


def _apply(state: State, account: str, params: Params, fields: tuple[str, ...], change: Change) -> Content:
    """Change the users that the parameters name, one after the other."""
    cluster = cluster_of(state, account, params)
    entries = _entries(state, params, fields)
    later = one_of(params, "Async", ("true", "false")) == "true"
    check_manager(cluster)
    if cluster.proxy_mode and state.manage_with_proxy != "accept":
        raise ApiError(state.manage_with_proxy)
    if later:
        # How the service reports an error after its answer is not documented; here it does not.
        cluster.after(state.async_delay, lambda: change_users(state, cluster, entries, change, lost=True))
    else:
        change_users(state, cluster, entries, change)
    return {}


def change_users(state: State, cluster: Cluster, entries: list[Entry], change: Change, lost: bool = False) -> None:
    before = cluster.copy_of_users()
    try:
        for entry in entries:
            change(state, cluster, entry)
    except ApiError:
        if state.user_batches == "whole":
            cluster.users = before
        if not lost:
            raise


def _entries(state: State, params: Params, fields: tuple[str, ...]) -> list[Entry]:
    """`User.N.Name` and its like, by N. Raises InvalidParams for what the documentation does not allow."""
    entries: dict[int, Entry] = {}
    for name, value in params.items():
        match = re.fullmatch(r"User\.([1-9][0-9]*)\.(Name|Group|Password)", name)
        if match:
            entries.setdefault(int(match[1]), {})[match[2]] = value
    if not entries or len(entries) > MAX_USERS:
        raise invalid("User")
    for number, entry in entries.items():
        check(state, entry, fields, f"User.{number}.")
    return [entry for _number, entry in sorted(entries.items())]


def check(state: State, entry: Entry, fields: tuple[str, ...], prefix: str) -> None:
    """Raises InvalidParams for a field that the documentation does not allow."""
    for field in fields:
        if not _is_valid(state, field, entry.get(field, "")):
            raise invalid(prefix + field)


def _is_valid(state: State, field: str, value: str) -> bool:
    if field == "Name":
        return NAME.fullmatch(value) is not None and (state.short_user_names == "accept" or len(value) >= MIN_NAME)
    if field == "Group":
        return value in GROUPS
    return PASSWORD.fullmatch(value) is not None and sum(bool(re.search(kind, value)) for kind in KINDS_OF_CHARACTERS) >= 3


def _exists(state: State, cluster: Cluster, name: str, failure: str) -> bool:
    """Whether the user exists. The response for an unknown user is not documented; `unknown_user` selects it."""
    if name in cluster.users:
        return True
    if state.unknown_user == "ignore":
        return False
    raise ApiError(PREFIX + (failure if state.unknown_user == "failure" else "UserNotExist"), name)
