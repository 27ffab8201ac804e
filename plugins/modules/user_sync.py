#!/usr/bin/python
# Copyright (c) 2026, the alicloud.ehpc contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: user_sync
short_description: Bring the local users of a hybrid E-HPC cluster to its cloud side
version_added: 1.0.0
author:
  - The alicloud.ehpc contributors (!UNKNOWN)
description:
  - Synchronizes the users of the on-premises cluster to the cloud side of a hybrid cluster in hybrid-cloud proxy mode (C(SyncUsers)),
    and verifies with the list of users (C(ListUsers)) what came of it.
  - The service offers no choice of users and no way back. Whether users that were removed on the premises are removed from the
    cloud side, and whether passwords and groups are carried over, is not documented; RV(added) and RV(removed) tell what happened.
extends_documentation_fragment:
  - alicloud.ehpc._shared
  - alicloud.ehpc._runs
  - alicloud.ehpc._attributes.diff
  - alicloud.ehpc._attributes
options:
  cluster_id:
    description:
      - The id of the cluster, such as V(ehpc-hz-EXAMPLE). It must be in O(region).
      - Another id is another cluster. The one before keeps its users.
    type: str
    required: true
  expected_users:
    description:
      - The names of users that must be on the cluster afterwards.
      - Where all of them are there already, nothing is synchronized, which makes a second run a quick look. Otherwise the task waits
        until they have arrived, and fails with the names of those that have not.
      - A name that is added makes the next run synchronize. A name that is left out removes nobody.
      - Without them every run synchronizes.
    type: list
    elements: str
  force:
    description:
      - Synchronize even where all O(expected_users) are there already, because something other than their names may have changed.
    type: bool
    default: false
  check_cluster:
    description:
      - Look first whether the cluster is running and in hybrid-cloud proxy mode, and fail with the reason where it is not.
      - The service has no flag for this mode; it is recognized by details that the documentation promises in this mode only. Set this
        to V(false) where a cluster is in proxy mode and not recognized, or where you have looked already. That saves a call, and where
        users cannot be synchronized the failure is then the service's own.
    type: bool
    default: true
  wait_timeout:
    description:
      - How many seconds the synchronization and the arrival of the O(expected_users) may take together.
      - Where they are there earlier, the task ends earlier, so that more seconds cost nothing.
      - O(read_timeout) does not limit the synchronization itself.
    type: int
    default: 300
attributes:
  check_mode:
    details:
      - Reports a change where a synchronization would be started. What it would change cannot be known before.
  idempotent:
    support: partial
    details:
      - With O(expected_users) a second run does nothing. Without them, or with O(force), every run synchronizes, and reports a change
        only where the users differ before and after.
notes:
  - The RAM actions that are needed are C(ehpc:ListUsers) and C(ehpc:SyncUsers), and C(ehpc:DescribeCluster) with O(check_cluster).
seealso:
  - module: alicloud.ehpc.user_info
  - module: alicloud.ehpc.cluster_info
"""

EXAMPLES = r"""
- name: Bring the local users to the cloud side, unless these are there already
  alicloud.ehpc.user_sync:
    region: cn-hangzhou
    cluster_id: ehpc-hz-EXAMPLE
    expected_users:
      - hpcuser01
      - hpcuser02

- name: Synchronize in any case, for instance after groups were changed
  alicloud.ehpc.user_sync:
    region: cn-hangzhou
    cluster_id: ehpc-hz-EXAMPLE
    force: true
    wait_timeout: 600
"""

RETURN = r"""
cluster_id:
  description: The id of the cluster.
  returned: success
  type: str
  sample: ehpc-hz-EXAMPLE
region:
  description: The region of the cluster.
  returned: success
  type: str
  sample: cn-hangzhou
synced:
  description: Whether a synchronization was made. Always false in check mode.
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
      description: Ordinary users are in V(users), those who may use sudo in V(wheel).
      type: str
      sample: users
    add_time:
      description: When the user was added, as the service writes it.
      type: str
      sample: "2026-01-01T08:00:00"
added:
  description: The names of users that are there now and were not before.
  returned: success, and failure because expected users are missing
  type: list
  elements: str
  sample: [hpcuser01]
removed:
  description: The names of users that were there before and are not now.
  returned: success, and failure because expected users are missing
  type: list
  elements: str
  sample: []
missing:
  description: The names in O(expected_users) that are not there; in check mode those that a synchronization would have to bring.
  returned: success, and failure because expected users are missing
  type: list
  elements: str
  sample: []
request_id:
  description: The service's id of the synchronization; null where none was made.
  returned: success, and failure after the synchronization
  type: str
  sample: 04F0F334-1335-436C-A1D7-6C044FE7EXAM
error:
  description: What failed, for a playbook to decide upon.
  returned: failure
  type: dict
  sample:
    action: SyncUsers
    code: NotInProxyMode
    message: It is not in hybrid-cloud proxy mode.
    http_status: null
    request_id: null
    hint: Only a hybrid cluster with a proxy node has local users to bring.
"""

import time
import typing as t

from ansible_collections.alicloud.ehpc.plugins.module_utils import _clusters, _users
from ansible_collections.alicloud.ehpc.plugins.module_utils._client import poll
from ansible_collections.alicloud.ehpc.plugins.module_utils._clusters import cluster_id_of, diff
from ansible_collections.alicloud.ehpc.plugins.module_utils._errors import EhpcError, invalid_option
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
    "force": {"type": "bool", "default": False},
    "check_cluster": {"type": "bool", "default": True},
    "wait_timeout": {"type": "int", "default": 300},
}


def ensure(invocation: Invocation, client: Client) -> dict[str, t.Any]:
    """Synchronize the users of the cluster, unless all that are expected are there."""
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
    """The expected names, each once. Raises EhpcError for one that cannot be a user's."""
    for name in names:
        if not name.strip() or name != name.strip() or not name.isprintable():
            raise invalid_option("expected_users has %r, which cannot be the name of a user." % name, "Remove it, or write it without white space.")
    return list(dict.fromkeys(names))


def missing_of(expected: list[str], users: Users) -> list[str]:
    """The expected names that are not among the users."""
    there = set(_users.names(users))
    return [name for name in expected if name not in there]


def wait_for(client: Client, cluster_id: str, expected: list[str], deadline: float) -> Users:
    """The users of the cluster once all expected ones are among them, or at the deadline."""
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
        "UsersMissing",
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
