#!/usr/bin/python
# Copyright (c) 2026, the alicloud.ehpc contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: user_sync
short_description: Synchronize on-premises users to a hybrid E-HPC cluster
version_added: 1.0.0
author:
  - The alicloud.ehpc contributors (!UNKNOWN)
description:
  - Synchronizes all users of the on-premises account server to the cloud side of a hybrid cluster in hybrid-cloud proxy mode
    (C(SyncUsers)), unless all O(expected_users) exist already, and verifies the result with the list of users (C(ListUsers)).
  - Users cannot be selected, and a synchronization cannot be reverted. Whether E-HPC also removes users, and copies passwords and groups,
    is not documented. RV(added) and RV(removed) contain the observed changes.
extends_documentation_fragment:
  - alicloud.ehpc._shared
  - alicloud.ehpc._execution
  - alicloud.ehpc._attributes.diff
  - alicloud.ehpc._attributes
options:
  cluster_id:
    description:
      - The ID of the cluster, such as V(ehpc-hz-EXAMPLE).
    type: str
    required: true
  expected_users:
    description:
      - The names of users that must exist on the cluster. If all of them exist, nothing is synchronized. Otherwise the task waits for
        them after the synchronization, and fails if users are still missing after O(wait_timeout).
      - If omitted or empty, every run synchronizes.
    type: list
    elements: str
  expected_uids:
    description:
      - The user IDs that existing users must have, by name, such as those of their on-premises accounts. The task warns of each user with
        another ID, because files that are shared with on-premises nodes then belong to another user. Users that do not exist are ignored.
      - The IDs are read after the synchronization (C(ListUsersAsync)), for at most 60 seconds. If they cannot be read, the task warns too.
    type: dict
  force:
    description:
      - Whether to synchronize even if all O(expected_users) exist, for example because their groups have changed.
    type: bool
    default: false
  check_cluster:
    description:
      - Whether to check first that the cluster is running and in hybrid-cloud proxy mode, and to fail with the reason if not.
      - E-HPC has no flag for this mode. The module detects it from fields that, per the documentation, appear only in this mode. Use
        V(false) if a cluster is in proxy mode but not detected.
    type: bool
    default: true
  wait_timeout:
    description:
      - The maximum number of seconds for the synchronization and the arrival of O(expected_users) together. O(read_timeout) does not
        limit the synchronization.
    type: int
    default: 300
attributes:
  check_mode:
    details:
      - Reports changed if a synchronization would start. Its effect cannot be predicted.
  idempotent:
    support: partial
    details:
      - Without O(expected_users), or with O(force=true), every run synchronizes, and reports changed if the users differ afterwards.
notes:
  - Requires the RAM actions C(ehpc:ListUsers) and C(ehpc:SyncUsers), C(ehpc:DescribeCluster) if O(check_cluster=true), and
    C(ehpc:ListUsersAsync) with O(expected_uids).
seealso:
  - module: alicloud.ehpc.user_info
  - module: alicloud.ehpc.cluster_info
  - name: SyncUsers
    description: E-HPC API reference.
    link: https://www.alibabacloud.com/help/doc-detail/377485.htm
  - name: ListUsers
    description: E-HPC API reference.
    link: https://www.alibabacloud.com/help/doc-detail/188572.htm
"""

EXAMPLES = r"""
- name: Synchronize the on-premises users, unless these users exist
  alicloud.ehpc.user_sync:
    region: cn-hangzhou
    cluster_id: ehpc-hz-EXAMPLE
    expected_users:
      - hpcuser01
      - hpcuser02

- name: Synchronize in any case, for example after groups were changed
  alicloud.ehpc.user_sync:
    region: cn-hangzhou
    cluster_id: ehpc-hz-EXAMPLE
    force: true
    wait_timeout: 600

- name: Warn of a user whose ID is not that of the on-premises account
  alicloud.ehpc.user_sync:
    region: cn-hangzhou
    cluster_id: ehpc-hz-EXAMPLE
    expected_users: [hpcuser01]
    expected_uids:
      hpcuser01: 5001
"""

RETURN = r"""
cluster_id:
  description: The ID of the cluster.
  returned: success, and if users are missing
  type: str
  sample: ehpc-hz-EXAMPLE
region:
  description: The region of the cluster.
  returned: success, and if users are missing
  type: str
  sample: cn-hangzhou
synced:
  description: Whether a synchronization was made. Always V(false) in check mode.
  returned: success, and failure after the synchronization
  type: bool
  sample: true
users:
  description: The users of the cluster afterwards, sorted by name.
  returned: success
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
      description: The time at which the user was added, as E-HPC returns it.
      type: str
      sample: "2026-01-01T08:00:00"
added:
  description: The names of users that were added.
  returned: success, and if users are missing
  type: list
  elements: str
  sample: [hpcuser01]
removed:
  description: The names of users that were removed.
  returned: success, and if users are missing
  type: list
  elements: str
  sample: []
missing:
  description: The names in O(expected_users) that do not exist; in check mode those that do not exist yet.
  returned: success, and if users are missing
  type: list
  elements: str
  sample: []
uid_differences:
  description: The users that have another user ID than O(expected_uids), sorted by name.
  returned: success with O(expected_uids)
  type: list
  elements: dict
  sample:
    - name: hpcuser01
      expected_uid: 1001
      uid: 1004
  contains:
    name:
      description: The name of the user.
      type: str
      sample: hpcuser01
    expected_uid:
      description: The user ID in O(expected_uids).
      type: int
      sample: 1001
    uid:
      description: The user ID on the cluster. V(null) if E-HPC does not return it.
      type: int
      sample: 1004
request_id:
  description: The request ID of the synchronization; V(null) if there was none.
  returned: success, and failure after the synchronization
  type: str
  sample: 04F0F334-1335-436C-A1D7-6C044FE7EXAM
error:
  description: Structured error details.
  returned: failure
  type: dict
  sample:
    action: SyncUsers
    code: NotInProxyMode
    message: It is not in hybrid-cloud proxy mode (it is not a hybrid cluster).
    http_status: null
    request_id: null
    hint: >-
      Only hybrid clusters with a proxy node have on-premises users to synchronize. Manage the users of other clusters with
      alicloud.ehpc.user. If you are sure that this cluster has a proxy node, set check_cluster to false.
"""

import time
import typing as t

from ansible_collections.alicloud.ehpc.plugins.module_utils import _clusters, _users
from ansible_collections.alicloud.ehpc.plugins.module_utils._client import poll
from ansible_collections.alicloud.ehpc.plugins.module_utils._clusters import cluster_id_of, diff
from ansible_collections.alicloud.ehpc.plugins.module_utils._errors import USERS_MISSING, EhpcError, invalid_option
from ansible_collections.alicloud.ehpc.plugins.module_utils._module import ModuleDefinition, run

if t.TYPE_CHECKING:  # pragma: no cover
    from ansible_collections.alicloud.ehpc.plugins.module_utils._client import Client
    from ansible_collections.alicloud.ehpc.plugins.module_utils._module import Invocation
    from ansible_collections.alicloud.ehpc.plugins.module_utils._users import Users

INITIAL_POLL_DELAY = 1.0
MAX_POLL_DELAY = 10.0

ARGUMENT_SPEC: dict[str, t.Any] = {
    "cluster_id": {"type": "str", "required": True},
    "expected_users": {"type": "list", "elements": "str"},
    "expected_uids": {"type": "dict"},
    "force": {"type": "bool", "default": False},
    "check_cluster": {"type": "bool", "default": True},
    "wait_timeout": {"type": "int", "default": 300},
}


def ensure(invocation: Invocation, client: Client) -> dict[str, t.Any]:
    """Synchronize the users of the cluster, unless all expected users exist, and compare their user IDs."""
    uids = checked_uids(invocation.params["expected_uids"] or {})
    result = synchronize(invocation, client)
    if uids:
        result["uid_differences"] = compare_uids(invocation, client, result, uids)
    return result


def synchronize(invocation: Invocation, client: Client) -> dict[str, t.Any]:
    """Synchronize the users of the cluster, unless all expected users exist."""
    params = invocation.params
    cluster_id = cluster_id_of(params)
    expected = checked_names(params["expected_users"] or [])
    if params["wait_timeout"] <= 0:
        raise invalid_option("wait_timeout must be more than 0 seconds, not %d." % params["wait_timeout"])
    if params["check_cluster"]:
        _clusters.check_can_sync(_clusters.describe(client, cluster_id), client.region)

    before = _users.list_all(client, cluster_id)
    absent = missing_of(expected, before)
    if not (absent or params["force"] or not expected):
        return build_result(client, cluster_id, before, before, expected)
    if invocation.check_mode:
        predicted = before + [{"name": name, "group": None, "add_time": None} for name in absent]
        prediction = {"changed": True, "diff": diff(cluster_id, client.region, "users", before, predicted)}
        return dict(build_result(client, cluster_id, before, before, expected), **prediction)

    deadline = time.monotonic() + params["wait_timeout"]
    response = client.call("SyncUsers", {"ClusterId": cluster_id}, read_timeout=params["wait_timeout"], deadline=deadline)
    synced: dict[str, t.Any] = {"synced": True, "request_id": response.get("RequestId")}
    try:
        after = wait_for(client, cluster_id, expected, deadline)
    except EhpcError as error:
        raise error.with_context("The synchronization itself was accepted before that.", **synced) from None
    result = dict(build_result(client, cluster_id, before, after, expected), **synced)
    if result["missing"]:
        raise users_missing(result, len(expected), params["wait_timeout"])
    return result


def checked_names(names: list[str]) -> list[str]:
    """The expected names, each once. Raises EhpcError for a name that is not valid."""
    for index, name in enumerate(names):
        if not name.strip() or name != name.strip() or not name.isprintable():
            raise invalid_option("expected_users[%d] is not a valid user name: %r." % (index, name), "Remove the entry, or its whitespace.")
    return list(dict.fromkeys(names))


def checked_uids(uids: dict[str, t.Any]) -> dict[str, int]:
    """The expected user IDs as numbers. Raises EhpcError for one that is not a number."""
    for name, uid in uids.items():
        if not str(uid).isdecimal():
            raise invalid_option("The user ID of %s in expected_uids is not a whole number: %r." % (name, uid), "Use the number that id -u prints.")
    return {name: int(uid) for name, uid in uids.items()}


def compare_uids(invocation: Invocation, client: Client, result: dict[str, t.Any], expected: dict[str, int]) -> list[dict[str, t.Any]]:
    """The users of the cluster with another user ID than expected. Warns of them, and if the IDs cannot be read."""
    cluster = "cluster %s in %s" % (result["cluster_id"], client.region)
    try:
        ids = _users.ids(client, result["cluster_id"])
    except EhpcError as error:
        invocation.warn("The user IDs of %s were not compared. %s" % (cluster, error))
        return []
    uids = {name: ids.get(name, (None, None))[0] for name in _users.names(result["users"]) if name in expected}
    found = [{"name": name, "expected_uid": expected[name], "uid": uid} for name, uid in uids.items() if uid != expected[name]]
    if found:
        listed = ", ".join("%s (%s instead of %s)" % (user["name"], "unknown" if user["uid"] is None else user["uid"], user["expected_uid"]) for user in found)
        invocation.warn("These users of %s have other user IDs than on-premises: %s." % (cluster, listed))
    return found


def missing_of(expected: list[str], users: Users) -> list[str]:
    """The expected names that are not among the users."""
    existing = set(_users.names(users))
    return [name for name in expected if name not in existing]


def wait_for(client: Client, cluster_id: str, expected: list[str], deadline: float) -> Users:
    """The users of the cluster, as soon as all expected ones are among them, or at the deadline."""
    return poll(
        lambda: _users.list_all(client, cluster_id, deadline), lambda users: not missing_of(expected, users), deadline, INITIAL_POLL_DELAY, MAX_POLL_DELAY
    )


def build_result(client: Client, cluster_id: str, before: Users, after: Users, expected: list[str]) -> dict[str, t.Any]:
    """The result of a task during which the users went from ``before`` to ``after``."""
    old, new = _users.names(before), _users.names(after)
    return {
        "changed": before != after,
        "cluster_id": cluster_id,
        "region": client.region,
        "synced": False,
        "users": after,
        "added": sorted(set(new) - set(old)),
        "removed": sorted(set(old) - set(new)),
        "missing": missing_of(expected, after),
        "request_id": None,
        "diff": diff(cluster_id, client.region, "users", before, after),
    }


def users_missing(result: dict[str, t.Any], expected: int, wait_timeout: int) -> EhpcError:
    """The failure of a synchronization after which expected users are missing."""
    return EhpcError(
        USERS_MISSING,
        "The users of cluster %s in %s were synchronized, but %d of %d expected users are missing after %d seconds: %s. Added: %s."
        % (
            result["cluster_id"],
            result["region"],
            len(result["missing"]),
            expected,
            wait_timeout,
            _users.summary(result["missing"]),
            _users.summary(result["added"]) or "no users",
        ),
        action="SyncUsers",
        request_id=result["request_id"],
        hint="Check their names, and that they exist in the on-premises account service. If they only arrive late, raise wait_timeout.",
        # Without all users of the cluster, which Ansible would print in one line.
        result={key: value for key, value in result.items() if key not in ("users", "diff")},
    )


MODULE = ModuleDefinition(ensure, ARGUMENT_SPEC, action="SyncUsers")


def main() -> None:
    """Run as a process."""
    run(MODULE)


if __name__ == "__main__":
    main()
