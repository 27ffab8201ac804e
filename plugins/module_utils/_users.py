# Copyright (c) 2026, the alicloud.ehpc contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The users of a cluster."""

from __future__ import annotations

import re
import time
import typing as t

from ansible_collections.alicloud.ehpc.plugins.module_utils._client import PAGE_SIZE, poll
from ansible_collections.alicloud.ehpc.plugins.module_utils._errors import IDS_NOT_READ, EhpcError, attempt
from ansible_collections.alicloud.ehpc.plugins.module_utils._generations import GENERATIONS, NEXT, V1, of_first

if t.TYPE_CHECKING:  # pragma: no cover
    from collections.abc import Mapping

    from ansible_collections.alicloud.ehpc.plugins.module_utils._client import Client

# In a message.
MAX_NAMES = 20
# Seconds.
IDS_LIMIT = 60
INITIAL_IDS_DELAY = 0.5
MAX_IDS_DELAY = 5
_FAILED = re.compile("fail|error|exception|cancel|abort|timeout", re.IGNORECASE)

# The field with the name of a user.
NAME_FIELDS = {V1: "Name", NEXT: "UserName"}

Users = t.List[t.Dict[str, t.Optional[str]]]
Ids = t.Dict[str, t.Tuple[t.Optional[int], t.Optional[int]]]


def list_all(client: Client, cluster_id: str, deadline: float | None = None, generation: str = V1) -> Users:
    """All users of the cluster, sorted by name: ``{"name": ..., "group": ..., "add_time": ...}`` each. Raises EhpcError."""
    users = _entries(client, cluster_id, generation, deadline)
    return [{"name": name or None, "group": users[name].get("Group"), "add_time": users[name].get("AddTime")} for name in sorted(users)]


def _entries(client: Client, cluster_id: str, generation: str, deadline: float | None = None) -> dict[str, dict[str, t.Any]]:
    """The users as the service returns them, by name."""
    entries = client.pages("ListUsers", "Users", "UserInfo", {"ClusterId": cluster_id}, deadline=deadline, generation=generation)
    return {str(entry.get(NAME_FIELDS[generation]) or ""): entry for entry in entries}


def find(client: Client, cluster_id: str) -> tuple[str, Users]:
    """The generation of a cluster, and its users. Raises EhpcError; that of E-HPC 1.0 if there is no such cluster."""
    return of_first(GENERATIONS, lambda generation: (generation, list_all(client, cluster_id, generation=generation)))


def ids(client: Client, cluster_id: str, generation: str = V1) -> Ids:
    """User ID and group ID of each user, by name. Raises EhpcError."""
    if generation == NEXT:
        return {name: _ids(entry) for name, entry in _entries(client, cluster_id, NEXT).items()}
    return _queried_ids(client, cluster_id, IDS_LIMIT)


def _queried_ids(client: Client, cluster_id: str, seconds: float) -> Ids:
    """The IDs that E-HPC 1.0 returns. Raises EhpcError, also if the query does not finish in time.

    ListUsersAsync starts a query and answers with its AsyncId; the call with this ID reports its AsyncStatus. Of the statuses only Success
    is documented, so a status that names a failure ends the wait, and every other one goes on with it.
    """
    deadline = time.monotonic() + seconds
    query = {"ClusterId": cluster_id}

    def status() -> str:
        response = client.call("ListUsersAsync", dict(query, PageNumber="1", PageSize=str(PAGE_SIZE)), deadline=deadline)
        if response.get("AsyncId"):
            query["AsyncId"] = str(response["AsyncId"])
        return str(response.get("AsyncStatus") or "")

    last = poll(status, lambda found: found == "Success" or _FAILED.search(found) is not None, deadline, INITIAL_IDS_DELAY, MAX_IDS_DELAY)
    if last != "Success":
        raise EhpcError(
            IDS_NOT_READ,
            "The query of the user IDs has the status %s after at most %g seconds." % (last or "unknown", seconds),
            attempted=attempt("ListUsersAsync", cluster_id, client.region),
            action="ListUsersAsync",
            hint="Check that the management node of the cluster is healthy, then run the task again.",
        )
    entries = client.pages("ListUsersAsync", "Users", "UserInfo", query, deadline=deadline)
    return {str(entry.get("Name")): _ids(entry) for entry in entries}


def _ids(entry: Mapping[str, t.Any]) -> tuple[int | None, int | None]:
    return (_number(entry.get("UserId")), _number(entry.get("GroupId")))


def _number(value: t.Any) -> int | None:
    return int(value) if str(value).isdecimal() else None


def names(users: Users) -> list[str]:
    """The names of the users, in the same order."""
    return [user["name"] or "" for user in users]


def summary(found: list[str]) -> str:
    """Names for a message, which lists at most MAX_NAMES of them."""
    more = len(found) - MAX_NAMES
    return ", ".join(found[:MAX_NAMES]) + (" and %d more" % more if more > 0 else "")
