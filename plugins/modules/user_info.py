#!/usr/bin/python
# Copyright (c) 2026, the alicloud.ehpc contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: user_info
short_description: Read the users of an E-HPC cluster
version_added: 1.0.0
author:
  - The alicloud.ehpc contributors (!UNKNOWN)
description:
  - Reads all users of a cluster (C(ListUsers)), of E-HPC 1.0 or E-HPC NEXT. For a cluster of E-HPC NEXT, the module first makes a call of
    E-HPC 1.0, which does not find the cluster.
  - E-HPC reads them from the account server of the cluster, so the cluster must be running and its management node healthy.
extends_documentation_fragment:
  - alicloud.ehpc._shared
  - alicloud.ehpc._execution
  - alicloud.ehpc._attributes.info
  - alicloud.ehpc._attributes
options:
  cluster_id:
    description:
      - The ID of the cluster, such as V(ehpc-hz-EXAMPLE).
    type: str
    required: true
  with_ids:
    description:
      - Whether to also read the user ID and the group ID of each user (C(ListUsersAsync)), which takes longer, at most 60 seconds.
      - E-HPC NEXT returns them with the users.
    type: bool
    default: false
notes:
  - Requires the RAM action C(ehpc:ListUsers), and C(ehpc:ListUsersAsync) with O(with_ids) for E-HPC 1.0.
seealso:
  - module: alicloud.ehpc.user
  - module: alicloud.ehpc.user_sync
  - name: ListUsers
    description: E-HPC API reference.
    link: https://www.alibabacloud.com/help/doc-detail/188572.htm
"""

EXAMPLES = r"""
- name: Read the users of a cluster
  alicloud.ehpc.user_info:
    region: cn-hangzhou
    cluster_id: ehpc-hz-EXAMPLE
  register: result

- name: Read the users with their IDs
  alicloud.ehpc.user_info:
    region: cn-hangzhou
    cluster_id: ehpc-hz-EXAMPLE
    with_ids: true

- name: Show the users who may use sudo
  ansible.builtin.debug:
    msg: "{{ result.users | selectattr('group', 'equalto', 'wheel') | map(attribute='name') }}"
"""

RETURN = r"""
cluster_id:
  description: The ID of the cluster.
  returned: success
  type: str
  sample: ehpc-hz-EXAMPLE
region:
  description: The region of the cluster.
  returned: success
  type: str
  sample: cn-hangzhou
users:
  description: All users of the cluster, sorted by name.
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
    uid:
      description: The user ID. V(null) if E-HPC does not return it.
      returned: with O(with_ids)
      type: int
      sample: 1001
    gid:
      description: The ID of the group. V(null) if E-HPC does not return it.
      returned: with O(with_ids)
      type: int
      sample: 100
error:
  description: Structured error details.
  returned: failure
  type: dict
  sample:
    action: ListUsers
    code: ManagerNotFound
    message: The manager nodes do not exist or their status is abnormal.
    http_status: 404
    request_id: 04F0F334-1335-436C-A1D7-6C044FE7EXAM
    hint: >-
      The cluster has no working management node. Check that the manager (in proxy mode: the proxy node) is running and
      healthy, then run the task again.
"""

import typing as t

from ansible_collections.alicloud.ehpc.plugins.module_utils import _users
from ansible_collections.alicloud.ehpc.plugins.module_utils._clusters import cluster_id_of
from ansible_collections.alicloud.ehpc.plugins.module_utils._generations import GENERATIONS
from ansible_collections.alicloud.ehpc.plugins.module_utils._module import ModuleDefinition, run

if t.TYPE_CHECKING:  # pragma: no cover
    from ansible_collections.alicloud.ehpc.plugins.module_utils._client import Client
    from ansible_collections.alicloud.ehpc.plugins.module_utils._module import Invocation

ARGUMENT_SPEC: dict[str, t.Any] = {
    "cluster_id": {"type": "str", "required": True},
    "with_ids": {"type": "bool", "default": False},
}


def info(invocation: Invocation, client: Client) -> dict[str, t.Any]:
    """Read the users of the cluster."""
    cluster_id = cluster_id_of(invocation.params)
    generation, found = _users.find(client, cluster_id)
    users: list[dict[str, t.Any]] = [dict(user) for user in found]
    if invocation.params["with_ids"]:
        ids = _users.ids(client, cluster_id, generation)
        for user in users:
            user["uid"], user["gid"] = ids.get(user["name"], (None, None))
    return {"changed": False, "cluster_id": cluster_id, "region": client.region, "users": users}


MODULE = ModuleDefinition(info, ARGUMENT_SPEC, action="ListUsers", generations=GENERATIONS)


def main() -> None:
    """Run as a process."""
    run(MODULE)


if __name__ == "__main__":
    main()
