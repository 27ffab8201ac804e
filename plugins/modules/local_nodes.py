#!/usr/bin/python
# Copyright (c) 2026, the alicloud.ehpc contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: local_nodes
short_description: Add on-premises nodes to an E-HPC cluster
version_added: 1.0.0
author:
  - The alicloud.ehpc contributors (!UNKNOWN)
description:
  - Adds on-premises nodes to a hybrid cluster (C(AddLocalNodes)) if C(ListNodes) does not list them yet, and waits until it does.
  - Nodes are compared by host name. The API can neither change nor remove a node. The task warns if a node of the cluster has another IP
    address.
extends_documentation_fragment:
  - alicloud.ehpc._shared
  - alicloud.ehpc._execution
  - alicloud.ehpc._attributes.diff
  - alicloud.ehpc._attributes
options:
  cluster_id:
    description:
      - The ID of the cluster, such as V(ehpc-hz-EXAMPLE). The cluster must be running.
    type: str
    required: true
  nodes:
    description:
      - The nodes that the cluster must have. Other nodes are not affected.
    type: list
    elements: dict
    required: true
    suboptions:
      host_name:
        description:
          - The host name of the node.
        type: str
        required: true
      ip_address:
        description:
          - The IP address at which the cluster reaches the node.
        type: str
        required: true
      cpu_cores:
        description:
          - The number of CPU cores that the scheduler can use.
        type: int
        required: true
      memory_mb:
        description:
          - The memory that the scheduler can use, in MB.
        type: int
        required: true
      queue:
        description:
          - The queue that the node is added to. If it is omitted, E-HPC chooses one.
        type: str
  wait_timeout:
    description:
      - The maximum number of seconds for the whole task. It includes the wait for another operation on the cluster (C(ConflictOpt)), the
        call, and the wait until the nodes are listed.
    type: int
    default: 300
notes:
  - Requires the RAM actions C(ehpc:ListNodes) and C(ehpc:AddLocalNodes).
  - C(Nodes) is sent as a list with one object for each node, with the keys C(HostName), C(IpAddress), C(CpuCores) and C(Memory). The
    example in the documentation of E-HPC has two objects for one node, which is probably a mistake. If E-HPC refuses the
    request, the failure contains its code and message.
seealso:
  - module: alicloud.ehpc.hybrid_config_info
  - name: AddLocalNodes
    description: E-HPC API reference.
    link: https://www.alibabacloud.com/help/en/e-hpc/developer-reference/api-ehpc-2018-04-12-addlocalnodes
"""

EXAMPLES = r"""
- name: Add a node
  alicloud.ehpc.local_nodes:
    region: cn-shanghai
    cluster_id: ehpc-sh-EXAMPLE3
    nodes:
      - host_name: local001
        ip_address: 192.0.2.11
        cpu_cores: 8
        memory_mb: 16384
        queue: workq
"""

RETURN = r"""
cluster_id:
  description: The ID of the cluster.
  returned: success
  type: str
  sample: ehpc-sh-EXAMPLE3
region:
  description: The region of the cluster.
  returned: success
  type: str
  sample: cn-shanghai
nodes:
  description: The nodes in O(nodes), as E-HPC lists them; in check mode also those that would be added.
  returned: success
  type: list
  elements: dict
  sample:
    - id: ""
      host_name: local001
      ip_address: 192.0.2.11
      status: running
  contains:
    id:
      description: The ID of the node. V(null) or empty if it has no ID.
      type: str
      sample: ""
    host_name:
      description: The host name.
      type: str
      sample: local001
    ip_address:
      description: The IP address.
      type: str
      sample: 192.0.2.11
    status:
      description: The status, in lower case. V(null) for a node that would be added.
      type: str
      sample: running
added:
  description: The host names of the nodes that were added; in check mode those that would be added.
  returned: success, and if adding nodes fails
  type: list
  elements: str
  sample: [local001]
request_id:
  description: The request ID of the last write; V(null) if nothing was written or the response was lost.
  returned: success
  type: str
  sample: 04F0F334-1335-436C-A1D7-6C044FE7EXAM
error:
  description: Structured error details.
  returned: failure
  type: dict
  sample:
    action: AddLocalNodes
    code: ConflictOpt
    message: A conflicting operation is running.
    http_status: 403
    request_id: 04F0F334-1335-436C-A1D7-6C044FE7EXAM
    hint: Another operation on the cluster is in progress. Wait until it has finished, then run the task again.
"""

import ipaddress
import json
import time
import typing as t

from ansible_collections.alicloud.ehpc.plugins.module_utils import _clusters, _nodes, _users
from ansible_collections.alicloud.ehpc.plugins.module_utils._batches import batches
from ansible_collections.alicloud.ehpc.plugins.module_utils._client import poll
from ansible_collections.alicloud.ehpc.plugins.module_utils._clusters import cluster_id_of
from ansible_collections.alicloud.ehpc.plugins.module_utils._errors import NOT_STORED, EhpcError, attempt, invalid_option, read_after
from ansible_collections.alicloud.ehpc.plugins.module_utils._module import ModuleDefinition, run

if t.TYPE_CHECKING:  # pragma: no cover
    from ansible_collections.alicloud.ehpc.plugins.module_utils._client import Client
    from ansible_collections.alicloud.ehpc.plugins.module_utils._module import Invocation
    from ansible_collections.alicloud.ehpc.plugins.module_utils._nodes import Node

Wanted = t.Dict[str, t.Any]

ACTION = "AddLocalNodes"
CONFLICT = "ConflictOpt"
# They travel in the URL, whose limit is not documented.
BATCH_SIZE = 20
# Seconds.
DELAY = 2
MAX_DELAY = 15

ARGUMENT_SPEC: dict[str, t.Any] = {
    "cluster_id": {"type": "str", "required": True},
    "nodes": {
        "type": "list",
        "elements": "dict",
        "required": True,
        "options": {
            "host_name": {"type": "str", "required": True},
            "ip_address": {"type": "str", "required": True},
            "cpu_cores": {"type": "int", "required": True},
            "memory_mb": {"type": "int", "required": True},
            "queue": {"type": "str"},
        },
    },
    "wait_timeout": {"type": "int", "default": 300},
}


def ensure(invocation: Invocation, client: Client) -> dict[str, t.Any]:
    """Add the nodes that the cluster does not have."""
    params = invocation.params
    cluster_id, wanted = cluster_id_of(params), wanted_nodes(params)
    deadline = time.monotonic() + params["wait_timeout"]
    before = read(client, cluster_id)
    warning = about_addresses(before, wanted)
    if warning:
        invocation.warn(warning)
    new, request_id = missing(before, wanted), None
    after = {**before, **{node["host_name"]: predicted(node) for node in new}}
    if new and not invocation.check_mode:
        after, request_id = add(client, cluster_id, before, wanted, deadline)
    names = [node["host_name"] for node in wanted]
    shown = [{key: after[name].get(key) for key in ("id", "host_name", "ip_address", "status")} for name in names]
    result = {"cluster_id": cluster_id, "region": client.region, "nodes": shown, "request_id": request_id}
    old = [name for name in names if name in before]
    return {**result, **changes(before, after, wanted), "diff": _clusters.diff(cluster_id, client.region, "nodes", old, names)}


def wanted_nodes(params: dict[str, t.Any]) -> list[Wanted]:
    """The option ``nodes``, checked. Raises EhpcError."""
    nodes: list[Wanted] = params["nodes"]
    for number, node in enumerate(nodes):
        check(number, node)
    names = [node["host_name"] for node in nodes]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise invalid_option("The option nodes has these host names more than once: %s." % _users.summary(twice), "Give each node once.")
    if params["wait_timeout"] < 0:
        raise invalid_option("wait_timeout must not be negative.")
    return nodes


def check(number: int, node: Wanted) -> None:
    """Raise EhpcError for a node that cannot be one."""
    option, name = "nodes[%d]" % number, node["host_name"]
    if not name or not name.isprintable() or any(character.isspace() for character in name):
        raise invalid_option("%s.host_name is not a host name: %r." % (option, name))
    try:
        ipaddress.ip_address(node["ip_address"])
    except ValueError:
        raise invalid_option("%s.ip_address is not an IP address: %r." % (option, node["ip_address"])) from None
    for key in ("cpu_cores", "memory_mb"):
        if node[key] < 1:
            raise invalid_option("%s.%s must be at least 1." % (option, key))


def read(client: Client, cluster_id: str) -> dict[str, Node]:
    """The nodes of the cluster by host name. Raises EhpcError."""
    return {node["host_name"]: node for node in _nodes.list_all(client, _nodes.unread_cluster(cluster_id))}


def missing(present: dict[str, Node], wanted: list[Wanted]) -> list[Wanted]:
    """The nodes that the cluster does not have."""
    return [node for node in wanted if node["host_name"] not in present]


def predicted(node: Wanted) -> Node:
    """A node that would be added. It has neither an ID nor a status yet."""
    return {"host_name": node["host_name"], "ip_address": node["ip_address"]}


def about_addresses(present: dict[str, Node], wanted: list[Wanted]) -> str | None:
    """The warning about nodes that the cluster has with another IP address."""
    others = [
        "%s (%s)" % (node["host_name"], present[node["host_name"]]["ip_address"])
        for node in wanted
        if node["host_name"] in present and present[node["host_name"]]["ip_address"] not in (node["ip_address"], None, "")
    ]
    if not others:
        return None
    return "The cluster has these nodes with other IP addresses, which E-HPC cannot change: %s." % _users.summary(others)


def add(client: Client, cluster_id: str, before: dict[str, Node], wanted: list[Wanted], deadline: float) -> tuple[dict[str, Node], str | None]:
    """Add the missing nodes, in as few calls as possible, and wait until they are listed. Raises EhpcError with what was added."""
    current, request_id = before, None
    try:
        for batch in requests_for(missing(before, wanted)):
            request_id = send(client, cluster_id, batch, deadline) or request_id
        current = poll(lambda: read(client, cluster_id), lambda nodes: not missing(nodes, wanted), deadline, DELAY, MAX_DELAY)
    except EhpcError as error:
        after = read_after(error, "which nodes were added", lambda: read(client, cluster_id))
        raise error.with_context(**changes(before, after, wanted)) from None
    left = [node["host_name"] for node in missing(current, wanted)]
    if left:
        message = "E-HPC accepted the nodes, but does not list these yet: %s." % _users.summary(left)
        hint = "Check the nodes of the cluster in the console, then run the task again."
        raise EhpcError(NOT_STORED, message, attempt(ACTION, cluster_id, client.region), ACTION, hint=hint, result=changes(before, current, wanted))
    return current, request_id


def requests_for(nodes: list[Wanted]) -> list[list[Wanted]]:
    """The nodes in parts that one call can add: a call is for one queue."""
    queues: dict[str, list[Wanted]] = {}
    for node in nodes:
        queues.setdefault(queue_of(node), []).append(node)
    return [batch for of_queue in queues.values() for batch in batches(of_queue, BATCH_SIZE)]


def queue_of(node: Wanted) -> str:
    """The name of the queue; empty if E-HPC chooses one."""
    return (node["queue"] or "").strip()


def send(client: Client, cluster_id: str, nodes: list[Wanted], deadline: float) -> str | None:
    """Add these nodes, and return the request ID. While another operation is in progress, wait and read the nodes again."""
    left, delay = nodes, float(DELAY)
    while left:
        entries = [
            {"HostName": node["host_name"], "IpAddress": node["ip_address"], "CpuCores": node["cpu_cores"], "Memory": node["memory_mb"]} for node in left
        ]
        queue = queue_of(nodes[0])
        parameters = {"ClusterId": cluster_id, "Nodes": json.dumps(entries), **({"Queue": queue} if queue else {})}
        try:
            response = client.call(ACTION, parameters, is_applied=lambda: not missing(read(client, cluster_id), nodes), deadline=deadline)
            return t.cast("str | None", response.get("RequestId"))
        except EhpcError as error:
            if error.code != CONFLICT or time.monotonic() + delay >= deadline:
                raise
        time.sleep(delay)
        delay = min(delay * 2, MAX_DELAY)
        left = missing(read(client, cluster_id), nodes)
    return None


def changes(before: dict[str, Node], after: dict[str, Node], wanted: list[Wanted]) -> dict[str, t.Any]:
    """What was done, or would be."""
    added = [node["host_name"] for node in wanted if node["host_name"] in after and node["host_name"] not in before]
    return {"changed": bool(added), "added": added}


MODULE = ModuleDefinition(ensure, ARGUMENT_SPEC, action=ACTION)


def main() -> None:
    """Run as a process."""
    run(MODULE)


if __name__ == "__main__":
    main()
