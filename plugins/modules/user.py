#!/usr/bin/python
# Copyright (c) 2026, the alicloud.ehpc contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: user
short_description: Manage the users of an E-HPC cluster
version_added: 1.0.0
author:
  - The alicloud.ehpc contributors (!UNKNOWN)
description:
  - Creates, changes and deletes the users of a cluster that is not in hybrid-cloud proxy mode. In that mode the on-premises account
    service manages the users. Use M(alicloud.ehpc.user_sync) then.
  - Works with clusters of E-HPC 1.0 and E-HPC NEXT, with the same options and results. For a cluster of E-HPC NEXT, the module first makes
    a call of E-HPC 1.0, which does not find the cluster.
  - E-HPC cannot set a user ID, a shell, a home directory or an SSH key.
  - E-HPC loses all users if the cluster is recovered (C(RecoverCluster)). Run the task again afterwards.
extends_documentation_fragment:
  - alicloud.ehpc._shared
  - alicloud.ehpc._execution
  - alicloud.ehpc._attributes.diff
  - alicloud.ehpc._attributes
options:
  cluster_id:
    description:
      - The ID of the cluster, such as V(ehpc-hz-EXAMPLE). It must be in O(region) and running.
    type: str
    required: true
  users:
    description:
      - The users that must exist, or must not exist with O(state=absent).
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description:
          - The name. It begins with a letter, consists of letters, digits and periods, and has at most 30 characters.
          - E-HPC documents a minimum of 6 characters, and has an example with 5. The task warns of a name with fewer than 6.
        type: str
        required: true
      group:
        description:
          - V(wheel) for users who may use sudo, V(users) for all others.
          - An existing user in the other group is moved, also if the option is omitted.
        type: str
        choices: [users, wheel]
        default: users
      password:
        description:
          - The password. Required to create a user.
          - It has 8 to 30 characters, of at least three of these kinds - upper case, lower case, digits, and
            V((\)~!@#$%^&*-_+=|{}[]:;'/<>,.?).
          - The API requires it in the URL. Use an HTTPS endpoint, which is the default, and trusted proxies only.
        type: str
  state:
    description:
      - V(present) creates the O(users) that do not exist, and changes the group of those in another group.
      - V(absent) deletes the O(users) that exist. E-HPC keeps the files in C(/home). A deleted user cannot be recovered, and a new user
        with the same name does not own these files.
    type: str
    choices: [present, absent]
    default: present
  update_password:
    description:
      - V(on_create) sets a password only if the user is created.
      - V(always) also sets the passwords of users that exist. E-HPC cannot compare passwords, so each run then reports a change.
    type: str
    choices: [on_create, always]
    default: on_create
  purge:
    description:
      - Whether to also delete the users of the groups V(users) and V(wheel) that are not in O(users). C(root) is never deleted.
      - Cannot be used with O(state=absent).
    type: bool
    default: false
  check_cluster:
    description:
      - Whether to check first that the cluster is running and not in hybrid-cloud proxy mode, and to fail with the reason if not.
      - V(false) saves a call. E-HPC may then refuse the changes.
    type: bool
    default: true
attributes:
  idempotent:
    support: partial
    details:
      - With O(update_password=always) each run reports a change.
notes:
  - Required RAM actions are C(ehpc:ListUsers); C(ehpc:DescribeCluster) with O(check_cluster); and to make changes C(ehpc:AddUsers),
    C(ehpc:ModifyUserGroups), C(ehpc:ModifyUserPasswords) and C(ehpc:DeleteUsers). A cluster of E-HPC NEXT also requires C(ehpc:GetCluster)
    with O(check_cluster), and C(ehpc:CreateUsers) and C(ehpc:UpdateUser) instead of C(ehpc:AddUsers), C(ehpc:ModifyUserGroups) and
    C(ehpc:ModifyUserPasswords).
  - Changes are sent for 20 users at a time and read back. E-HPC NEXT changes groups and passwords of one user at a time. If a call fails or
    its response is lost, the task reads the users and retries the remaining changes. It fails if an attempt has changed nothing.
seealso:
  - module: alicloud.ehpc.user_info
  - module: alicloud.ehpc.user_sync
  - name: AddUsers
    description: E-HPC API reference.
    link: https://help.aliyun.com/zh/e-hpc/e-hpc-1-0/developer-reference/api-ehpc-2018-04-12-addusers
  - name: DeleteUsers
    description: E-HPC API reference.
    link: https://help.aliyun.com/zh/e-hpc/e-hpc-1-0/developer-reference/api-ehpc-2018-04-12-deleteusers
"""

EXAMPLES = r"""
- name: Create two users
  alicloud.ehpc.user:
    region: cn-hangzhou
    cluster_id: ehpc-hz-EXAMPLE2
    users:
      - name: hpcuser01
        password: "{{ vault_initial_password }}"
      - name: hpcadmin01
        group: wheel
        password: "{{ vault_initial_password }}"

- name: Delete a user
  alicloud.ehpc.user:
    region: cn-hangzhou
    cluster_id: ehpc-hz-EXAMPLE2
    state: absent
    users:
      - name: hpcuser01

- name: Keep exactly these users
  alicloud.ehpc.user:
    region: cn-hangzhou
    cluster_id: ehpc-hz-EXAMPLE2
    purge: true
    users:
      - name: hpcadmin01
        group: wheel
        password: "{{ vault_initial_password }}"
"""

RETURN = r"""
cluster_id:
  description: The ID of the cluster.
  returned: success, and if a change fails
  type: str
  sample: ehpc-hz-EXAMPLE
region:
  description: The region of the cluster.
  returned: success, and if a change fails
  type: str
  sample: cn-hangzhou
users:
  description: The users of the cluster afterwards, by name; in check mode the users that it would have.
  returned: success, and if a change fails
  type: list
  elements: dict
  sample:
    - name: hpcuser01
      group: users
      add_time: "2026-01-01T08:00:00"
  contains:
    name:
      description: The name of the user.
      type: str
      sample: hpcuser01
    group:
      description: V(users), or V(wheel) for users who may use sudo.
      type: str
      sample: users
    add_time:
      description: The time at which the user was added, as E-HPC returns it. V(null) in check mode for a user that would be created.
      type: str
      sample: "2026-01-01T08:00:00"
added:
  description: The names of created users.
  returned: success, and if a change fails
  type: list
  elements: str
  sample: [hpcuser01]
removed:
  description: The names of deleted users.
  returned: success, and if a change fails
  type: list
  elements: str
  sample: []
modified:
  description: The names of users whose group was changed.
  returned: success, and if a change fails
  type: list
  elements: str
  sample: []
password_changed:
  description: The names of users that existed and whose password was set.
  returned: success, and if a change fails
  type: list
  elements: str
  sample: []
error:
  description: Structured error details.
  returned: failure
  type: dict
  sample:
    action: AddUsers
    code: InProxyMode
    message: It is in hybrid-cloud proxy mode, so its users come from the on-premises account service.
    http_status: null
    request_id: null
    hint: Create and delete the users on-premises, then synchronize them with alicloud.ehpc.user_sync.
"""

import time
import typing as t

from ansible_collections.alicloud.ehpc.plugins.module_utils import _clusters, _user_changes, _users
from ansible_collections.alicloud.ehpc.plugins.module_utils._client import poll
from ansible_collections.alicloud.ehpc.plugins.module_utils._clusters import cluster_id_of
from ansible_collections.alicloud.ehpc.plugins.module_utils._errors import EhpcError, invalid_option, read_after
from ansible_collections.alicloud.ehpc.plugins.module_utils._generations import GENERATIONS
from ansible_collections.alicloud.ehpc.plugins.module_utils._module import ModuleDefinition, run
from ansible_collections.alicloud.ehpc.plugins.module_utils._user_changes import Target

if t.TYPE_CHECKING:  # pragma: no cover
    from ansible_collections.alicloud.ehpc.plugins.module_utils._client import Client
    from ansible_collections.alicloud.ehpc.plugins.module_utils._module import Invocation
    from ansible_collections.alicloud.ehpc.plugins.module_utils._user_changes import Change, User
    from ansible_collections.alicloud.ehpc.plugins.module_utils._users import Users

# Seconds.
READ_BACK_LIMIT = 10
READ_BACK_DELAY = 0.5
# Each has to make progress; another client that changes the same users must not keep the task for ever.
MAX_ATTEMPTS = 10

ARGUMENT_SPEC: dict[str, t.Any] = {
    "cluster_id": {"type": "str", "required": True},
    "users": {
        "type": "list",
        "elements": "dict",
        "required": True,
        "options": {
            "name": {"type": "str", "required": True},
            "group": {"type": "str", "choices": list(_user_changes.GROUPS), "default": "users"},
            "password": {"type": "str", "no_log": True},
        },
    },
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "update_password": {"type": "str", "choices": ["on_create", "always"], "default": "on_create", "no_log": False},
    "purge": {"type": "bool", "default": False},
    "check_cluster": {"type": "bool", "default": True},
}


def ensure(invocation: Invocation, client: Client) -> dict[str, t.Any]:
    """Bring the users of the cluster to the desired state."""
    params = invocation.params
    cluster_id, desired = cluster_id_of(params), desired_users(invocation)
    client.register_secrets(user.password for user in desired if user.password)
    target, before = current_users(client, cluster_id, params["check_cluster"])
    passwords = passwords_to_set(before, desired, params)
    changes = plan(before, desired, params, passwords)
    check_passwords_to_create(changes)
    after = _user_changes.predict(before, changes)
    if changes and not invocation.check_mode:
        after = apply(target, before, desired, params, passwords)
    return build_result(target, before, after, passwords)


def current_users(client: Client, cluster_id: str, check_cluster: bool) -> tuple[Target, Users]:
    """The cluster with its generation, and its users. Raises EhpcError for a cluster whose users cannot be managed, if it is checked."""
    if not check_cluster:
        generation, users = _users.find(client, cluster_id)
        return Target(client, cluster_id, generation), users
    cluster = _clusters.read(client, cluster_id, GENERATIONS)
    _clusters.check_manages_users(cluster, client.region)
    target = Target(client, cluster_id, cluster["generation"])
    return target, _user_changes.read(target)


def desired_users(invocation: Invocation) -> list[User]:
    """The option ``users``, with all about it checked that can be checked without the service."""
    params = invocation.params
    if params["purge"] and params["state"] == "absent":
        raise invalid_option("The option purge cannot be used with state: absent.", "Omit purge.")
    users = _user_changes.from_option(params["users"])
    short = _user_changes.short_names(users)
    if short:
        invocation.warn(
            "These user names have fewer than %d characters, so E-HPC may refuse them: %s." % (_user_changes.MIN_NAME_LENGTH, _users.summary(short))
        )
    return users


def passwords_to_set(before: Users, desired: list[User], params: dict[str, t.Any]) -> set[str]:
    """The names of existing users whose password is set."""
    if params["state"] == "absent" or params["update_password"] == "on_create":
        return set()
    existing = set(_users.names(before))
    return {user.name for user in desired if user.password and user.name in existing}


def plan(current: Users, desired: list[User], params: dict[str, t.Any], passwords: set[str]) -> list[Change]:
    """The changes that are left."""
    if params["state"] == "absent":
        return _user_changes.plan_absent(current, desired)
    return _user_changes.plan_present(current, desired, passwords, params["purge"])


def check_passwords_to_create(changes: list[Change]) -> None:
    """Raise EhpcError for users that have to be created and have no password."""
    names = [user.name for change in changes if change.action == "AddUsers" for user in change.users if not user.password]
    if names:
        raise invalid_option("These users do not exist yet and have no password: %s." % _users.summary(names), "Set users[].password to create them.")


def apply(target: Target, before: Users, desired: list[User], params: dict[str, t.Any], passwords: set[str]) -> Users:
    """Make the changes and read them back. After an error the users are read, and what is left is tried as long as that makes progress."""
    current, waiting, attempts = before, passwords, 0
    while True:
        changes, attempts = plan(current, desired, params, waiting), attempts + 1
        try:
            # Another client may have deleted a user in the meantime.
            check_passwords_to_create(changes)
            for change in _user_changes.in_batches(changes, target.generation):
                _user_changes.send(target, change)
                if change.action == "ModifyUserPasswords":
                    waiting = waiting - set(change.names)
        except EhpcError as error:
            current = read_after(error, "which users were changed", lambda: _user_changes.read(target))
            if attempts == MAX_ATTEMPTS or plan(current, desired, params, waiting) == changes:
                raise partly_done(error, target, before, current, passwords - waiting) from None
        else:
            break
    after = read_back(target, desired, params)
    left = plan(after, desired, params, set())
    if left:
        raise partly_done(_user_changes.not_stored(target.cluster_id, target.client.region, left), target, before, after, passwords)
    return after


def read_back(target: Target, desired: list[User], params: dict[str, t.Any]) -> Users:
    """The users of the cluster once nothing is left to change, or at the end of the limit."""
    deadline = time.monotonic() + READ_BACK_LIMIT
    try:
        return poll(lambda: _user_changes.read(target), lambda users: not plan(users, desired, params, set()), deadline, READ_BACK_DELAY, READ_BACK_DELAY)
    except EhpcError as error:
        raise error.with_context("E-HPC had accepted the changes before.") from None


def partly_done(error: EhpcError, target: Target, before: Users, after: Users, passwords: set[str]) -> EhpcError:
    """The error with what was done nevertheless."""
    return error.with_context(**build_result(target, before, after, passwords))


def build_result(target: Target, before: Users, after: Users, passwords: set[str]) -> dict[str, t.Any]:
    """The result of the task."""
    old, new = ({user["name"] or "": user["group"] for user in users} for users in (before, after))
    return {
        "changed": old != new or bool(passwords),
        "cluster_id": target.cluster_id,
        "region": target.client.region,
        "users": after,
        "added": sorted(set(new) - set(old)),
        "removed": sorted(set(old) - set(new)),
        "modified": sorted(name for name in set(old) & set(new) if old[name] != new[name]),
        "password_changed": sorted(passwords),
        "diff": diff(target, old, new, passwords),
    }


def diff(target: Target, old: dict[str, str | None], new: dict[str, str | None], passwords: set[str]) -> dict[str, t.Any]:
    """What --diff shows: names and groups. Passwords are never shown; whose password is set is."""
    header = "users of cluster %s in %s" % (target.cluster_id, target.client.region)
    before, after = ({"users": [{"name": name, "group": group} for name, group in sorted(users.items())]} for users in (old, new))
    if passwords:
        after["new_password_for"] = sorted(passwords)  # type: ignore[assignment]
    return {"before": before, "after": after, "before_header": header, "after_header": header}


MODULE = ModuleDefinition(ensure, ARGUMENT_SPEC, action=_clusters.MANAGE_USERS, generations=GENERATIONS)


def main() -> None:
    """Run as a process."""
    run(MODULE)


if __name__ == "__main__":
    main()
