# Copyright (c) 2026, the alicloud.ehpc contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Changes to the users of a cluster that is not in hybrid-cloud proxy mode."""

from __future__ import annotations

import re
import typing as t

from ansible_collections.alicloud.ehpc.plugins.module_utils import _users
from ansible_collections.alicloud.ehpc.plugins.module_utils._batches import batches
from ansible_collections.alicloud.ehpc.plugins.module_utils._errors import NOT_STORED, EhpcError, invalid_option
from ansible_collections.alicloud.ehpc.plugins.module_utils._generations import NEXT, V1

if t.TYPE_CHECKING:  # pragma: no cover
    from ansible_collections.alicloud.ehpc.plugins.module_utils._client import Client
    from ansible_collections.alicloud.ehpc.plugins.module_utils._users import Users

# The service takes 100 users in a call. Passwords are part of the URL, whose maximum length is not documented.
BATCH_SIZE = 20
GROUPS = ("users", "wheel")
MIN_NAME_LENGTH = 6
MAX_NAME_LENGTH = 30
# Never deleted: whether the service lists root is not documented.
ROOT = "root"

# AddUsers of the API reference: names and passwords. The reference itself has an example with 5 characters, so shorter names only warn.
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9.]*\Z")
_PASSWORD = re.compile(r"[A-Za-z0-9()~!@#$%^&*\-_+=|{}\[\]:;'/<>,.?]{8,30}\Z")
_CHARACTER_KINDS = ("[A-Z]", "[a-z]", "[0-9]", "[^A-Za-z0-9]")
PASSWORD_RULE = "8 to 30 characters, of at least three kinds: upper case, lower case, digits, and ()~!@#$%^&*-_+=|{}[]:;'/<>,.?"


class User(t.NamedTuple):
    """A user as the options describe it; of one to delete, the name is enough."""

    name: str
    group: str = ""
    password: str | None = None


class Change(t.NamedTuple):
    """The users that one operation has to change."""

    action: str
    users: list[User]

    @property
    def names(self) -> list[str]:
        """The names of the users."""
        return [user.name for user in self.users]


class Target(t.NamedTuple):
    """The cluster whose users change."""

    client: Client
    cluster_id: str
    generation: str = V1


# What each operation takes of a user, by the service's names. Changes have the names of the operations of E-HPC 1.0.
FIELDS: dict[str, tuple[str, ...]] = {
    "AddUsers": ("Name", "Group", "Password"),
    "ModifyUserGroups": ("Name", "Group"),
    "ModifyUserPasswords": ("Name", "Password"),
    "DeleteUsers": ("Name",),
}
# The operations of E-HPC NEXT, and what they take of a user. UpdateUser always gets the group, as from Terraform: whether it keeps the
# group of a user without it is not documented.
NEXT_OPERATIONS: dict[str, tuple[str, tuple[str, ...]]] = {
    "AddUsers": ("CreateUsers", ("UserName", "Group", "Password")),
    "ModifyUserGroups": ("UpdateUser", ("UserName", "Group")),
    "ModifyUserPasswords": ("UpdateUser", ("UserName", "Group", "Password")),
    "DeleteUsers": ("DeleteUsers", ("UserName",)),
}


def from_option(entries: list[dict[str, t.Any]]) -> list[User]:
    """The option ``users``, checked. Raises EhpcError for a name or a password that the service does not document as valid."""
    users = [User(entry["name"], entry["group"], entry["password"]) for entry in entries]
    for number, user in enumerate(users):
        _check(number, user)
    names = [user.name for user in users]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise invalid_option("The option users has these names more than once: %s." % _users.summary(twice), "List each user once.")
    return users


def _check(number: int, user: User) -> None:
    if not _NAME.match(user.name) or len(user.name) > MAX_NAME_LENGTH:
        raise invalid_option(
            "users[%d].name is not a valid user name: %r." % (number, user.name),
            "A name begins with a letter, has letters, digits and periods only, and at most %d characters." % MAX_NAME_LENGTH,
        )
    if user.password is not None and not is_valid_password(user.password):
        raise invalid_option("users[%d].password of user %s does not meet the password rule." % (number, user.name), "Use %s." % PASSWORD_RULE)


def is_valid_password(password: str) -> bool:
    """Whether a password meets the documented rule."""
    return _PASSWORD.match(password) is not None and sum(bool(re.search(kind, password)) for kind in _CHARACTER_KINDS) >= 3


def short_names(users: list[User]) -> list[str]:
    """The names that are shorter than the service documents."""
    return [user.name for user in users if len(user.name) < MIN_NAME_LENGTH]


def plan_present(current: Users, desired: list[User], passwords_of: set[str], purge: bool) -> list[Change]:
    """The changes that lead from the current users to the desired ones. ``passwords_of`` are the names whose password is set."""
    groups = {user["name"]: user["group"] for user in current}
    kept = {user.name for user in desired}
    return _without_empty(
        Change("AddUsers", [user for user in desired if user.name not in groups]),
        Change("ModifyUserGroups", [user for user in desired if groups.get(user.name, user.group) != user.group]),
        Change("ModifyUserPasswords", [user for user in desired if user.name in groups and user.name in passwords_of]),
        Change("DeleteUsers", [user for user in _deletable(current) if user.name not in kept] if purge else []),
    )


def plan_absent(current: Users, unwanted: list[User]) -> list[Change]:
    """The changes after which these users do not exist."""
    names = set(_users.names(current))
    return _without_empty(Change("DeleteUsers", [user for user in unwanted if user.name in names]))


def _deletable(current: Users) -> list[User]:
    """The users that purging may delete: accounts of the system, should the service list them, are in other groups."""
    return [User(str(user["name"])) for user in current if user["name"] not in (None, ROOT) and user["group"] in GROUPS]


def _without_empty(*changes: Change) -> list[Change]:
    return [change for change in changes if change.users]


def predict(current: Users, changes: list[Change]) -> Users:
    """The users after the changes, as far as they can be known before."""
    users = {user["name"] or "": user for user in current}
    for change in changes:
        for user in change.users:
            if change.action == "AddUsers":
                users[user.name] = {"name": user.name, "group": user.group, "add_time": None}
            elif change.action == "ModifyUserGroups":
                users[user.name] = dict(users[user.name], group=user.group)
            elif change.action == "DeleteUsers":
                del users[user.name]
    return [users[name] for name in sorted(users)]


def in_batches(changes: list[Change], generation: str) -> list[Change]:
    """The changes in parts that one call can make."""
    parts = []
    for change in changes:
        size = 1 if generation == NEXT and NEXT_OPERATIONS[change.action][0] == "UpdateUser" else BATCH_SIZE
        parts += [Change(change.action, users) for users in batches(change.users, size)]
    return parts


def send(target: Target, change: Change) -> None:
    """Make a change, in one call. Raises EhpcError; what is done by then has to be read."""
    action, parameters = (change.action, _parameters(change)) if target.generation == V1 else _next_request(change)
    try:
        target.client.call(action, {"ClusterId": target.cluster_id, **parameters}, is_applied=_is_applied(target, change), generation=target.generation)
    except EhpcError as error:
        # Passwords cannot be read, and the agent may have set a part of them before it failed.
        if change.action == "ModifyUserPasswords" and (error.response_lost or error.code.startswith("AgentError")):
            raise error.with_context("It is not known whether these users have the new password: %s." % _users.summary(change.names)) from None
        raise


def _parameters(change: Change) -> dict[str, str | None]:
    values = [{"Name": user.name, "Group": user.group, "Password": user.password} for user in change.users]
    return {"User.%d.%s" % (number, field): value[field] for number, value in enumerate(values, 1) for field in FIELDS[change.action]}


def _next_request(change: Change) -> tuple[str, dict[str, t.Any]]:
    """The operation of E-HPC NEXT for a change, and its parameters: those of UpdateUser are of one user, the others have a list."""
    action, fields = NEXT_OPERATIONS[change.action]
    values = [{"UserName": user.name, "Group": user.group, "Password": user.password} for user in change.users]
    users = [{field: value[field] for field in fields} for value in values]
    return action, users[0] if action == "UpdateUser" else {"User": users}


def _is_applied(target: Target, change: Change) -> t.Callable[[], bool] | None:
    """What finds out whether a change was made although its response was lost; None for passwords, which cannot be read."""
    if change.action == "ModifyUserPasswords":
        return None
    return lambda: is_done(read(target), change)


def read(target: Target) -> Users:
    """The users of the cluster. Raises EhpcError."""
    return _users.list_all(target.client, target.cluster_id, generation=target.generation)


def is_done(current: Users, change: Change) -> bool:
    """Whether the users show a change."""
    groups = {user["name"]: user["group"] for user in current}
    if change.action == "DeleteUsers":
        return not any(user.name in groups for user in change.users)
    return all(groups.get(user.name) == user.group for user in change.users)


def describe(changes: list[Change]) -> str:
    """The changes as a part of a sentence, without those of passwords, which cannot be read."""
    words = {"AddUsers": "create", "ModifyUserGroups": "change the group of", "DeleteUsers": "delete"}
    return "; ".join("%s %s" % (words[change.action], _users.summary(change.names)) for change in changes)


def not_stored(cluster_id: str, region: str, changes: list[Change]) -> EhpcError:
    """The failure of changes that were accepted but cannot be read back."""
    return EhpcError(
        NOT_STORED,
        "The users of cluster %s in %s were changed, but the list of users does not show these changes: %s." % (cluster_id, region, describe(changes)),
        hint="Another client may have changed them at the same time. Check them with alicloud.ehpc.user_info, then run the task again.",
    )
