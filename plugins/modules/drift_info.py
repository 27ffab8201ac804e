#!/usr/bin/python
# Copyright (c) 2026, the alicloud.ehpc contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: drift_info
short_description: Compare the desired state of E-HPC clusters with their current state
version_added: 1.0.0
author:
  - The alicloud.ehpc contributors (!UNKNOWN)
description:
  - Compares the post-processing scripts and the users of many clusters with a desired state, in one task and in parallel.
  - With O(nodes=true) it also asks the nodes of each cluster whether they have run the scripts, and which user IDs they know.
  - A cluster that cannot be read does not stop the others. The task fails if none of the clusters can be read.
  - A cluster of E-HPC NEXT cannot be compared. It has the state V(failed) with the code C(WrongGeneration).
extends_documentation_fragment:
  - alicloud.ehpc._shared
  - alicloud.ehpc._execution
  - alicloud.ehpc._attributes.info
  - alicloud.ehpc._attributes
options:
  clusters:
    description:
      - The clusters and their desired state.
      - A value that cannot work, such as a URL with whitespace, makes only its cluster fail.
    type: list
    elements: dict
    required: true
    suboptions:
      cluster_id:
        description:
          - The ID of the cluster, such as V(ehpc-hz-EXAMPLE).
        type: str
        required: true
      region:
        description:
          - The region of the cluster. Defaults to O(region).
        type: str
      name:
        description:
          - The name of the cluster in the result. Defaults to the name of the cluster in E-HPC.
        type: str
      scripts:
        description:
          - The desired scripts, in order. Omit it to compare no scripts. An empty list means that the cluster should have no scripts.
        type: list
        elements: dict
        suboptions:
          url:
            description:
              - The URL of the script. A difference in the signature of a pre-signed URL is drift, too. Results contain V(***) instead of
                signatures.
            type: str
            required: true
          args:
            description:
              - The arguments of the script, as a string or as a list of strings.
            type: raw
          checksum:
            description:
              - The SHA-256 checksum of the script, as V(sha256:) and 64 hexadecimal digits. E-HPC stores no checksums, so it is compared with
                O(nodes=true) only, as a part of the list that nodes have run.
            type: str
          preflight:
            description:
              - Ignored. It is accepted so that lists for M(alicloud.ehpc.post_scripts) can be used unchanged.
            type: str
      purge:
        description:
          - V(true) means that the cluster should have exactly O(clusters[].scripts). With V(false), other scripts are not drift.
        type: bool
        default: true
      users:
        description:
          - The users that the cluster should have. Omit it to compare no users. Other users of the cluster are returned, and are not drift.
          - Each is a name, or a dictionary with C(name) and C(uid). User IDs are compared with O(nodes=true) only.
        type: list
        elements: raw
      proxy_mode_users:
        description:
          - Users in addition to O(clusters[].users), for a cluster in hybrid-cloud proxy mode. Ignored for other clusters.
        type: list
        elements: raw
      nodes:
        description:
          - The IDs or host names of the nodes to ask with O(nodes=true). Defaults to all nodes with one of O(clusters[].roles).
        type: list
        elements: str
      roles:
        description:
          - The roles of the nodes to ask with O(nodes=true).
        type: list
        elements: str
        choices: [manager, login, compute]
        default: [compute]
  nodes:
    description:
      - Whether to ask the nodes, too. A command on each node checks for the marker of M(alicloud.ehpc.post_scripts_run), and reads user IDs with
        C(getent passwd). It changes nothing on the node, and also runs in check mode.
      - Only M(alicloud.ehpc.post_scripts_run) and bundles of scripts leave markers. A node that E-HPC initialized with separate scripts has none.
      - A node that is not running, or does not respond within a minute, makes its cluster fail.
    type: bool
    default: false
  parallel:
    description:
      - The maximum number of API calls at a time, from 1 to 100.
    type: int
    default: 20
notes:
  - Requires the RAM actions C(ehpc:DescribeCluster), C(ehpc:GetPostScripts) and C(ehpc:ListUsers), and with O(nodes=true) also
    C(ehpc:ListNodes), C(ehpc:InvokeShellCommand), C(ehpc:ListInvocationStatus) and C(ehpc:ListInvocationResults).
  - Each cluster takes one call, one more if scripts are compared, and one more for every 50 users if users are compared.
  - If the endpoint of a region cannot be reached, all clusters of the region fail without further calls.
seealso:
  - module: alicloud.ehpc.post_scripts
  - module: alicloud.ehpc.user_sync
  - module: alicloud.ehpc.post_scripts_run
  - name: GetPostScripts
    description: E-HPC API reference.
    link: https://www.alibabacloud.com/help/en/doc-detail/423507.html
  - name: ListUsers
    description: E-HPC API reference.
    link: https://www.alibabacloud.com/help/doc-detail/188572.htm
"""

EXAMPLES = r"""
- name: Compare two clusters with their desired state
  alicloud.ehpc.drift_info:
    clusters:
      - cluster_id: ehpc-hz-EXAMPLE
        region: cn-hangzhou
        scripts:
          - url: https://scripts.example.com/base.sh
            args: --mode base
        users: [hpcuser01, hpcuser02]
      - cluster_id: ehpc-sh-EXAMPLE
        region: cn-shanghai
        scripts: []
  register: result

- name: Show the clusters that have drifted
  ansible.builtin.debug:
    msg: "{{ result.clusters | selectattr('state', 'equalto', 'drifted') | map(attribute='cluster_id') }}"

- name: Check also that the nodes have run the scripts, and know a user by the same ID
  alicloud.ehpc.drift_info:
    clusters:
      - cluster_id: ehpc-hz-EXAMPLE
        region: cn-hangzhou
        scripts:
          - url: https://scripts.example.com/base.sh
        users:
          - name: hpcuser01
            uid: 1001
    nodes: true
"""

RETURN = r"""
access_key:
  description: The access key ID that signed the calls. Empty if no call was made.
  returned: success, and if no cluster can be read
  type: str
  sample: LTAIEXAMPLE
clusters:
  description: The clusters, in the order of O(clusters).
  returned: success, and if no cluster can be read
  type: list
  elements: dict
  sample:
    - cluster_id: ehpc-hz-EXAMPLE
      name: cfd-1
      region: cn-hangzhou
      status: running
      state: drifted
      scripts:
        state: drifted
        desired:
          - url: https://scripts.example.com/base.sh
            args: --mode base
        current: []
      masked_differences: []
      users:
        state: in_sync
        desired: [hpcuser01]
        current: [hpcuser01, hpcuser09]
        missing: []
        unexpected: [hpcuser09]
        wrong_uids: []
      nodes: []
      error: null
  contains:
    cluster_id:
      description: The ID of the cluster.
      type: str
      sample: ehpc-hz-EXAMPLE
    name:
      description: The name of the cluster. V(null) if it is not known.
      type: str
      sample: cfd-1
    region:
      description: The region of the cluster. V(null) if no region is set.
      type: str
      sample: cn-hangzhou
    status:
      description: The status of the cluster in E-HPC, such as V(running). V(null) if it could not be read.
      type: str
      sample: running
    state:
      description:
        - V(failed) if a part could not be read, otherwise V(drifted) if a part differs from the desired state, V(in_sync) if no part
          differs, and V(not_compared) if there is no desired state.
      type: str
      sample: drifted
    scripts:
      description: The comparison of the scripts.
      type: dict
      sample:
        state: in_sync
        desired: []
        current: []
      contains:
        state:
          description: V(in_sync), V(drifted), V(failed) or V(not_compared).
          type: str
          sample: drifted
        desired:
          description:
            - The scripts that the cluster should have, with signatures masked. With O(clusters[].purge=false) these include the other scripts of
              the cluster.
          type: list
          elements: dict
          sample:
            - url: https://scripts.example.com/base.sh
              args: --mode base
        current:
          description: The scripts that E-HPC has, with signatures masked.
          type: list
          elements: dict
          sample:
            - url: https://scripts.example.com/base.sh
              args: --mode hybrid
    masked_differences:
      description:
        - The positions, from 1, of scripts that differ only in what results mask, such as the signature of a pre-signed URL. The desired and the
          current script look the same there.
      type: list
      elements: int
      sample: [2]
    users:
      description: The comparison of the users.
      type: dict
      sample:
        state: in_sync
        desired: []
        current: []
        missing: []
        unexpected: []
        wrong_uids: []
      contains:
        state:
          description: V(in_sync), V(drifted), V(failed) or V(not_compared).
          type: str
          sample: in_sync
        desired:
          description: The names of the users that the cluster should have.
          type: list
          elements: str
          sample: [hpcuser01]
        current:
          description: The names of the users that the cluster has. Empty if they are not compared.
          type: list
          elements: str
          sample: [hpcuser01, hpcuser09]
        missing:
          description: Desired users that the cluster does not have.
          type: list
          elements: str
          sample: []
        unexpected:
          description: Users of the cluster that are not desired users. They are not drift.
          type: list
          elements: str
          sample: [hpcuser09]
        wrong_uids:
          description:
            - Users that have another user ID on a node, each with C(name), the C(uid) on the node, the C(expected) user ID, and the C(node).
          type: list
          elements: dict
          sample:
            - name: hpcuser01
              uid: 1002
              expected: 1001
              node: compute000
    nodes:
      description: The nodes that were asked. Empty if O(nodes=false).
      type: list
      elements: dict
      sample: []
      contains:
        id:
          description: The ID of the node.
          type: str
          sample: i-EXAMPLE
        hostname:
          description: The host name of the node. V(null) if it has no host name.
          type: str
          sample: compute000
        state:
          description: V(in_sync), V(drifted), or V(failed) if the node did not report.
          type: str
          sample: in_sync
        scripts:
          description:
            - V(in_sync) if the node has run exactly the desired scripts, V(drifted) if not, V(failed) if the node did not report, V(not_compared)
              if there are no desired scripts.
          type: str
          sample: in_sync
        wrong_uids:
          description: Users that have another user ID on the node, each with C(name), the C(uid) on the node, and the C(expected) user ID.
          type: list
          elements: dict
          sample:
            - name: hpcuser01
              uid: 1002
              expected: 1001
        unknown_users:
          description: Users with a desired user ID that do not exist on the node. They are not drift.
          type: list
          elements: str
          sample: [hpcuser02]
        reason:
          description: The reason why the node did not report. V(null) if it did.
          type: str
          sample: The node is stopped.
    error:
      description: The first failure of the cluster, with the same keys as RV(error). V(null) if there is no failure.
      type: dict
      sample:
        action: DescribeCluster
        code: ClusterNotFound
        message: The specified cluster does not exist.
        http_status: 404
        request_id: 04F0F334-1335-436C-A1D7-6C044FE7EXAM
        hint: >-
          Check the cluster ID and the region: cluster IDs are specific to a region and an account.
          alicloud.ehpc.cluster_info lists the clusters that these credentials can access.
summary:
  description: The number of clusters of each state.
  returned: success, and if no cluster can be read
  type: dict
  sample:
    total: 2
    in_sync: 1
    drifted: 1
    failed: 0
    not_compared: 0
  contains:
    total:
      description: The number of clusters.
      type: int
      sample: 2
    in_sync:
      description: The number of clusters that have the desired state.
      type: int
      sample: 1
    drifted:
      description: The number of clusters that differ from the desired state.
      type: int
      sample: 1
    failed:
      description: The number of clusters of which a part could not be read.
      type: int
      sample: 0
    not_compared:
      description: The number of clusters without a desired state.
      type: int
      sample: 0
error:
  description: Structured error details; those of the first cluster if no cluster can be read.
  returned: failure
  type: dict
  sample:
    action: DescribeCluster
    code: ClusterNotFound
    message: The specified cluster does not exist.
    http_status: 404
    request_id: 04F0F334-1335-436C-A1D7-6C044FE7EXAM
    hint: >-
      Check the cluster ID and the region: cluster IDs are specific to a region and an account.
      alicloud.ehpc.cluster_info lists the clusters that these credentials can access.
"""

import contextlib
import threading
import typing as t
from concurrent.futures import ThreadPoolExecutor

from ansible_collections.alicloud.ehpc.plugins.module_utils import _clusters, _drift, _errors, _next_clusters
from ansible_collections.alicloud.ehpc.plugins.module_utils._arguments import checked_region, resolve
from ansible_collections.alicloud.ehpc.plugins.module_utils._client import client_for
from ansible_collections.alicloud.ehpc.plugins.module_utils._credentials import region_of
from ansible_collections.alicloud.ehpc.plugins.module_utils._errors import EhpcError, invalid_option
from ansible_collections.alicloud.ehpc.plugins.module_utils._module import ModuleDefinition, run
from ansible_collections.alicloud.ehpc.plugins.module_utils._post_scripts import SCRIPT_OPTIONS, redacted

if t.TYPE_CHECKING:  # pragma: no cover
    from collections.abc import Mapping

    from ansible_collections.alicloud.ehpc.plugins.module_utils._client import Client
    from ansible_collections.alicloud.ehpc.plugins.module_utils._module import Invocation

MAX_PARALLEL = 100
# Clusters whose nodes are asked at the same time, for each call that may be made at a time: asking nodes is mostly waiting.
WAITING = 10
# The codes of failures that all clusters of a region share, if no request was sent.
UNREACHABLE = (
    _errors.CONNECTION_FAILED,
    _errors.HOST_NOT_FOUND,
    _errors.INVALID_ADDRESS,
    _errors.TIMED_OUT,
    _errors.PROXY_REFUSED,
    _errors.TLS_FAILED,
    _errors.CREDENTIALS,
)

ARGUMENT_SPEC: dict[str, t.Any] = {
    "clusters": {
        "type": "list",
        "elements": "dict",
        "required": True,
        "options": {
            "cluster_id": {"type": "str", "required": True},
            "region": {"type": "str"},
            "name": {"type": "str"},
            "scripts": {"type": "list", "elements": "dict", "options": SCRIPT_OPTIONS},
            "purge": {"type": "bool", "default": True},
            "users": {"type": "list", "elements": "raw"},
            "proxy_mode_users": {"type": "list", "elements": "raw"},
            "nodes": {"type": "list", "elements": "str"},
            "roles": {"type": "list", "elements": "str", "choices": ["manager", "login", "compute"], "default": ["compute"]},
        },
    },
    "nodes": {"type": "bool", "default": False},
    "parallel": {"type": "int", "default": 20},
}


def info(invocation: Invocation, client: Client) -> dict[str, t.Any]:
    """Compare the clusters."""
    params = invocation.params
    parallel, entries = params["parallel"], params["clusters"]
    if not 1 <= parallel <= MAX_PARALLEL:
        raise invalid_option("The option parallel must be from 1 to %d, not %d." % (MAX_PARALLEL, parallel))
    regions = Regions(params, client)
    try:
        with ThreadPoolExecutor(parallel * (WAITING if params["nodes"] else 1)) as executor:
            clusters = list(executor.map(lambda entry: compared(regions, entry, params["nodes"]), entries))
    finally:
        regions.close()
    result: dict[str, t.Any] = {"changed": False, "access_key": regions.access_key(), "clusters": clusters, "summary": _drift.summary(clusters)}
    if clusters and result["summary"]["failed"] == len(clusters):
        raise none_read(result)
    return result


def compared(regions: Regions, entry: Mapping[str, t.Any], with_nodes: bool) -> dict[str, t.Any]:
    """The result of one cluster, also if it cannot be read."""
    result = _drift.nothing_compared(entry["cluster_id"], regions.name_of(entry), entry["name"])
    try:
        desired = _drift.from_entry(entry)
        result["scripts"]["desired"] = redacted(desired.scripts or [])
        result["users"]["desired"] = list(desired.users or {})
        client = regions.client_of(entry)
        cluster = regions.describe(client, desired.cluster_id)
        _drift.compare(client, cluster, desired, result, with_nodes)
    except EhpcError as error:
        fail_all(result, entry, error)
    except Exception as error:  # noqa: BLE001 - what one cluster returns must not end the comparison of all others
        message = "The comparison failed unexpectedly: %s: %s." % (type(error).__name__, str(error).rstrip("."))
        fail_all(result, entry, EhpcError(_errors.UNEXPECTED, message))
    return result


def fail_all(result: dict[str, t.Any], entry: Mapping[str, t.Any], error: EhpcError) -> None:
    """Record that no part of the cluster could be compared."""
    for part, options in (("scripts", ("scripts",)), ("users", ("users", "proxy_mode_users"))):
        if any(entry[option] is not None for option in options):
            result[part]["state"] = _drift.FAILED
    _drift.fail(result, error)


def none_read(result: dict[str, t.Any]) -> EhpcError:
    """The failure of a task that could read none of its clusters."""
    clusters: list[dict[str, t.Any]] = result["clusters"]
    first = clusters[0]
    count = len(clusters)
    error = first["error"]
    what = "The cluster could not be read" if count == 1 else "None of the %d clusters could be read. The first failure" % count
    cause = error["message"] if error["http_status"] is None else "%s: %s" % (error["code"], error["message"])
    where = "%s in %s" % (first["cluster_id"], first["region"]) if first["region"] else first["cluster_id"]
    message = "%s (%s): %s" % (what, where, cause)
    return EhpcError(error["code"], message, None, error["action"], error["http_status"], error["request_id"], error["hint"], result=result)


class Regions:
    """A client with a connection pool for each region. All of them together make at most ``parallel`` calls at a time."""

    def __init__(self, params: dict[str, t.Any], client: Client) -> None:
        self._params = params
        self._default = region_of(resolve(params))
        self._own = client
        self._clients = {client.region: client}
        self._lock = threading.Lock()
        self._turns = threading.BoundedSemaphore(params["parallel"])
        client.turns = self._turns
        self._reached: set[str] = set()
        self._unreachable: dict[str, EhpcError] = {}

    def name_of(self, entry: Mapping[str, t.Any]) -> str | None:
        """The region of a cluster, or None if none is set."""
        return entry["region"] or self._default

    def client_of(self, entry: Mapping[str, t.Any]) -> Client:
        """The client for a cluster. Raises EhpcError if its region cannot be one."""
        region = checked_region(self.name_of(entry))
        with self._lock:
            if region not in self._clients:
                self._clients[region] = client_for(dict(self._params, region=region))
                self._clients[region].turns = self._turns
            return self._clients[region]

    def describe(self, client: Client, cluster_id: str) -> dict[str, t.Any]:
        """The details of a cluster. Raises EhpcError, without a call if the region cannot be reached."""
        if client.region in self._unreachable:
            raise self._unreachable[client.region].with_context()
        try:
            cluster = _clusters.describe(client, cluster_id)
        except EhpcError as error:
            if error.code in UNREACHABLE and not error.response_lost and client.region not in self._reached:
                self._unreachable[client.region] = error
            raise _next_clusters.explained(error, client, cluster_id, None) from None
        self._reached.add(client.region)
        return cluster

    def access_key(self) -> str:
        """The ID of the key that signed the calls. Empty if there were none."""
        return next((client.access_key for client in self._clients.values() if client.access_key), "")

    def close(self) -> None:
        """Close the connections of other regions than that of the task, whose client others may use afterwards."""
        self._own.turns = contextlib.nullcontext()
        for client in self._clients.values():
            if client is not self._own:
                client.close()


MODULE = ModuleDefinition(info, ARGUMENT_SPEC, action="DescribeCluster", fallback_region="cn-hangzhou")


def main() -> None:
    """Run as a process."""
    run(MODULE)


if __name__ == "__main__":
    main()
