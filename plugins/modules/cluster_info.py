#!/usr/bin/python
# Copyright (c) 2026, the alicloud.ehpc contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: cluster_info
short_description: Show E-HPC clusters
version_added: 1.0.0
author:
  - The alicloud.ehpc contributors (!UNKNOWN)
description:
  - Reads the details of given clusters (C(DescribeCluster)), or lists the clusters of a region (C(ListClusters)), all pages.
  - Waits until the given clusters are running if O(wait=true).
  - Directory passwords, which E-HPC returns with the details of a hybrid cluster, are never returned.
extends_documentation_fragment:
  - alicloud.ehpc._shared
  - alicloud.ehpc._execution
  - alicloud.ehpc._attributes.info
  - alicloud.ehpc._attributes
options:
  cluster_ids:
    description:
      - The IDs of the clusters whose details to read, one call each. Unknown IDs are omitted from the result, unless O(wait=true).
      - If omitted, the result contains the shorter entries of the list.
    type: list
    elements: str
  names:
    description:
      - Shell patterns. Only clusters whose name matches one of them are listed. An empty list lists no clusters.
      - If neither this nor O(cluster_ids) is set, all clusters of the region are listed.
    type: list
    elements: str
  generations:
    description:
      - The generations of E-HPC whose clusters to read, V(1.0) (API 2018-04-12) and V(next) (E-HPC NEXT, API 2024-07-30).
      - Clusters of other generations are unknown to the module. The ID of a cluster does not show its generation.
      - Clusters of O(cluster_ids) are searched in this order, one call per generation until the cluster is found.
    type: list
    elements: str
    choices: ["1.0", next]
    default: ["1.0"]
  wait:
    description:
      - Whether to wait until all O(cluster_ids) have the status V(running). O(cluster_ids) is then required.
      - A cluster that cannot become running (V(exception), V(releasing), V(stopped)) and an unknown cluster fail at once.
      - In check mode the module reads the clusters once, and fails only for clusters that cannot become running.
    type: bool
    default: false
  wait_timeout:
    description:
      - The maximum number of seconds to wait. V(0) reads the clusters once.
    type: int
    default: 1800
  wait_sleep:
    description:
      - The number of seconds between two reads.
    type: int
    default: 15
notes:
  - Requires the RAM action C(ehpc:DescribeCluster) with O(cluster_ids), otherwise C(ehpc:ListClusters). For clusters of E-HPC NEXT it is
    C(ehpc:GetCluster) instead of C(ehpc:DescribeCluster), and both if O(generations) contains both.
seealso:
  - module: alicloud.ehpc.region_info
  - name: DescribeCluster
    description: E-HPC API reference.
    link: https://www.alibabacloud.com/help/doc-detail/87126.htm
  - name: ListClusters
    description: E-HPC API reference.
    link: https://help.aliyun.com/document_detail/87116.html
"""

EXAMPLES = r"""
- name: Read the details of a cluster
  alicloud.ehpc.cluster_info:
    region: cn-hangzhou
    cluster_ids: [ehpc-hz-EXAMPLE]
  register: result

- name: Wait until the cluster is running, for at most 10 minutes
  alicloud.ehpc.cluster_info:
    region: cn-hangzhou
    cluster_ids: [ehpc-hz-EXAMPLE]
    wait: true
    wait_timeout: 600

- name: Read the clusters of both generations of E-HPC
  alicloud.ehpc.cluster_info:
    region: cn-hangzhou
    generations: ["1.0", next]

- name: List the clusters of a project
  alicloud.ehpc.cluster_info:
    region: cn-hangzhou
    names: ["cfd-*"]
"""

RETURN = r"""
region:
  description: The region of the clusters.
  returned: success
  type: str
  sample: cn-hangzhou
clusters:
  description:
    - The clusters, in the order of O(cluster_ids) or of E-HPC. May be empty.
    - With O(wait=true) also returned on failure, as last read.
  returned: success, or failure with O(wait=true)
  type: list
  elements: dict
  sample:
    - id: ehpc-hz-EXAMPLE
      generation: "1.0"
      name: cfd-1
      status: running
      region_id: cn-hangzhou
      location: OnPremise
      scheduler_type: slurm
      account_type: nis
      deploy_mode: Simple
      create_time: "2026-01-01T08:00:00.000Z"
      proxy_mode: true
      post_scripts: []
      on_premise_info: []
  contains:
    id:
      description: The ID of the cluster.
      type: str
      sample: ehpc-hz-EXAMPLE
    generation:
      description: The generation of the cluster, V(1.0) or V(next).
      type: str
      sample: "1.0"
    name:
      description: The name of the cluster.
      type: str
      sample: cfd-1
    status:
      description: >-
        The status in lower case: V(uninit), V(creating), V(init), V(running), V(exception), V(releasing),
        V(stopping), V(stopped), V(pending), or a status that E-HPC adds later.
      type: str
      sample: running
    region_id:
      description: The region of the cluster.
      type: str
      sample: cn-hangzhou
    location:
      description: V(OnPremise) for a hybrid cluster, V(PublicCloud) for all other clusters. V(null) for E-HPC NEXT, which has RV(clusters[].mode).
      type: str
      sample: OnPremise
    scheduler_type:
      description: The scheduler, such as V(slurm) or V(pbs).
      type: str
      sample: slurm
    account_type:
      description: The account service, V(nis) or V(ldap).
      type: str
      sample: nis
    deploy_mode:
      description: The layout of the management nodes, V(Standard), V(Advanced), V(Simple) or V(Tiny). V(null) for E-HPC NEXT.
      type: str
      sample: Simple
    create_time:
      description: The time of creation, in the format of E-HPC.
      type: str
      sample: "2026-01-01T08:00:00.000Z"
    proxy_mode:
      description:
        - Whether the cluster is in hybrid-cloud proxy mode, so that its on-premises users can be synchronized.
        - E-HPC has no field for this mode. The value is V(true) for a hybrid cluster whose details contain a proxy node or on-premises
          management nodes. It is V(false) for E-HPC NEXT, which has no such mode.
      returned: with O(cluster_ids)
      type: bool
      sample: true
    post_scripts:
      description:
        - The scripts in the details of the cluster.
        - It is not documented whether they reflect a later change of the scripts. M(alicloud.ehpc.post_scripts_info) reads the current list.
        - At most one script for E-HPC NEXT.
      returned: with O(cluster_ids)
      type: list
      elements: dict
      sample:
        - url: https://scripts.example.com/base.sh
          args: --mode base
      contains:
        url:
          description: The URL of the script. The signature of a pre-signed URL is masked.
          type: str
          sample: https://scripts.example.com/base.sh
        args:
          description: The arguments as one string. Empty if the script has no arguments.
          type: str
          sample: --mode base
    on_premise_info:
      description: The on-premises management nodes. Empty if E-HPC returns none.
      returned: with O(cluster_ids)
      type: list
      elements: dict
      sample:
        - type: scheduler
          host_name: manager01
          ip: 192.0.2.10
      contains:
        type:
          description: The purpose of the node, V(scheduler), V(account) or both in one string.
          type: str
          sample: scheduler
        host_name:
          description: The host name of the node.
          type: str
          sample: manager01
        ip:
          description: The IP address of the node.
          type: str
          sample: 192.0.2.10
    description:
      description: The description of the cluster.
      returned: if E-HPC returns it
      type: str
      sample: CFD of the third floor
    zone_id:
      description: The zone of the cluster.
      returned: if E-HPC returns it
      type: str
      sample: cn-hangzhou-b
    scheduler_version:
      description: The version of the scheduler.
      returned: with O(cluster_ids), if E-HPC returns it
      type: str
      sample: "18.1.1"
    vpc_id:
      description: The VPC of the cluster.
      returned: if E-HPC returns it
      type: str
      sample: vpc-EXAMPLE
    vswitch_id:
      description: The vSwitch of the cluster.
      returned: if E-HPC returns it
      type: str
      sample: vsw-EXAMPLE
    security_group_id:
      description: The security group of the cluster.
      returned: with O(cluster_ids), if E-HPC returns it
      type: str
      sample: sg-EXAMPLE
    resource_group_id:
      description: The resource group of the cluster.
      returned: if E-HPC returns it
      type: str
      sample: rg-EXAMPLE
    image_id:
      description: The image of the nodes.
      returned: if E-HPC returns it
      type: str
      sample: centos_7_6_x64_20G_alibase_20211130.vhd
    image_owner_alias:
      description: The owner of the image, such as V(system) or V(self).
      returned: if E-HPC returns it
      type: str
      sample: system
    os_tag:
      description: The operating system of the image.
      returned: if E-HPC returns it
      type: str
      sample: CentOS_7.6_64
    base_os_tag:
      description: The operating system that the image is built on.
      returned: if E-HPC returns it
      type: str
      sample: CentOS_7.6_64
    client_version:
      description: The version of the agent on the cluster.
      returned: if E-HPC returns it
      type: str
      sample: "1.0.64"
    ehpc_version:
      description: The version of E-HPC.
      returned: if E-HPC returns it
      type: str
      sample: "1.0.0"
    mode:
      description: The mode of an E-HPC NEXT cluster, V(Integrated), V(Hybrid) or V(Custom).
      returned: for E-HPC NEXT
      type: str
      sample: Integrated
    category:
      description: The series of an E-HPC NEXT cluster, V(Standard) or V(Serverless).
      returned: for E-HPC NEXT
      type: str
      sample: Standard
    ha_enable:
      description: Whether the management nodes are highly available.
      returned: with O(cluster_ids), if E-HPC returns it
      type: bool
      sample: false
    volume_id:
      description: The ID of the shared file system.
      returned: with O(cluster_ids), if E-HPC returns it
      type: str
      sample: nas-EXAMPLE
    volume_type:
      description: The type of the shared file system.
      returned: with O(cluster_ids), if E-HPC returns it
      type: str
      sample: NAS
    volume_protocol:
      description: The protocol of the shared file system.
      returned: with O(cluster_ids), if E-HPC returns it
      type: str
      sample: nfs
    volume_mountpoint:
      description: The mount target of the shared file system.
      returned: with O(cluster_ids), if E-HPC returns it
      type: str
      sample: nas-EXAMPLE.cn-hangzhou.nas.aliyuncs.com
    remote_directory:
      description: The directory of the shared file system that is mounted.
      returned: with O(cluster_ids), if E-HPC returns it
      type: str
      sample: /
error:
  description: Structured error details. C(code) of RV(error) is V(ClusterNotRunning) if a cluster is not running at the end of the wait.
  returned: failure
  type: dict
  sample:
    action: ListClusters
    code: NotAuthorized
    message: You are not authorized by RAM for this request.
    http_status: 407
    request_id: 04F0F334-1335-436C-A1D7-6C044FE7EXAM
    hint: >-
      Grant the RAM action ehpc:ListClusters on all resources ('*') to the RAM user or role of the access key. E-HPC has
      no resource-level permissions.
"""

import time
import typing as t
from fnmatch import fnmatchcase

from ansible_collections.alicloud.ehpc.plugins.module_utils import _clusters, _next_clusters
from ansible_collections.alicloud.ehpc.plugins.module_utils._client import poll
from ansible_collections.alicloud.ehpc.plugins.module_utils._errors import (
    CLUSTER_NOT_FOUND,
    CLUSTER_NOT_RUNNING,
    TIMED_OUT,
    WRONG_GENERATION,
    EhpcError,
    invalid_option,
)
from ansible_collections.alicloud.ehpc.plugins.module_utils._generations import GENERATIONS, NEXT, V1
from ansible_collections.alicloud.ehpc.plugins.module_utils._module import ModuleDefinition, run

if t.TYPE_CHECKING:  # pragma: no cover
    from ansible_collections.alicloud.ehpc.plugins.module_utils._client import Client
    from ansible_collections.alicloud.ehpc.plugins.module_utils._module import Invocation

ARGUMENT_SPEC: dict[str, t.Any] = {
    "cluster_ids": {"type": "list", "elements": "str"},
    "names": {"type": "list", "elements": "str"},
    "generations": {"type": "list", "elements": "str", "choices": list(GENERATIONS), "default": [V1]},
    "wait": {"type": "bool", "default": False},
    "wait_timeout": {"type": "int", "default": 1800},
    "wait_sleep": {"type": "int", "default": 15},
}

Cluster = t.Dict[str, t.Any]


def info(invocation: Invocation, client: Client) -> dict[str, t.Any]:
    """Read the clusters that the options name."""
    params = invocation.params
    check_wait(params)
    cluster_ids, names, generations = params["cluster_ids"], params["names"], params["generations"]
    if not generations:
        raise invalid_option("The option generations is empty.", "Set it to one or both of %s." % ", ".join(GENERATIONS))
    if cluster_ids is not None:
        cluster_ids = [_clusters.checked_id(cluster_id) for cluster_id in cluster_ids]
        clusters = wait_until_running(invocation, client, cluster_ids) if params["wait"] else known(client, cluster_ids, generations)
    elif names is not None and not names:
        clusters = []
    else:
        clusters = _clusters.list_all(client, generations=generations)
    if names is not None:
        clusters = [cluster for cluster in clusters if any(fnmatchcase(cluster["name"] or "", name) for name in names)]
    return {"changed": False, "region": client.region, "clusters": clusters}


def check_wait(params: dict[str, t.Any]) -> None:
    """Raise EhpcError if the options for waiting cannot work."""
    if params["wait"] and params["cluster_ids"] is None:
        raise invalid_option("With wait, cluster_ids is required.")
    if params["wait_timeout"] < 0:
        raise invalid_option("wait_timeout must be at least 0 seconds; it is %d." % params["wait_timeout"])
    if params["wait_sleep"] < 1:
        raise invalid_option("wait_sleep must be at least 1 second; it is %d." % params["wait_sleep"])


def known(client: Client, cluster_ids: list[str], generations: list[str]) -> list[Cluster]:
    """The details of the clusters. Unknown clusters are omitted."""
    clusters = []
    for cluster_id in cluster_ids:
        try:
            clusters.append(_clusters.read(client, cluster_id, generations))
        except EhpcError as error:
            if error.code not in (CLUSTER_NOT_FOUND, WRONG_GENERATION):
                raise
    return clusters


def wait_until_running(invocation: Invocation, client: Client, cluster_ids: list[str]) -> list[Cluster]:
    """The details of the clusters once all of them are running. Raises EhpcError, with ``clusters`` as they were read last."""
    limit, sleep = invocation.params["wait_timeout"], invocation.params["wait_sleep"]
    deadline = time.monotonic() + limit
    seen: dict[str, Cluster] = {}

    def read() -> list[Cluster]:
        for cluster_id in cluster_ids:
            if cluster_id not in seen or not is_running(seen[cluster_id]):
                # The one read of a limit of 0 may take as long as any other call.
                cluster = read_again(invocation, client, cluster_id, seen.get(cluster_id), deadline if limit else None)
                show_progress(invocation, cluster, seen.get(cluster_id))
                seen[cluster_id] = cluster
        return [seen[cluster_id] for cluster_id in cluster_ids]

    def is_done(clusters: list[Cluster]) -> bool:
        return invocation.check_mode or all(map(is_running, clusters)) or any(map(cannot_run, clusters))

    try:
        clusters = poll(read, is_done, deadline, sleep, sleep)
    except EhpcError as error:
        if error.code != TIMED_OUT or time.monotonic() < deadline or len(seen) < len(set(cluster_ids)):
            raise error.with_context(region=client.region, clusters=list(seen.values())) from None
        clusters = list(seen.values())
    failed = [cluster for cluster in clusters if cannot_run(cluster)]
    if failed:
        hint = "Repair or start it in the E-HPC console, then run the task again."
        raise not_running(client, clusters, failed, "is in status %s and cannot become running.", hint)
    late = [cluster for cluster in clusters if not is_running(cluster)]
    if late and not invocation.check_mode:
        hint = "Check it in the E-HPC console, or raise wait_timeout."
        raise not_running(client, clusters, late, "is still in status %%s after %d seconds." % limit, hint)
    return clusters


def read_again(invocation: Invocation, client: Client, cluster_id: str, before: Cluster | None, deadline: float | None) -> Cluster:
    """The details of a cluster that must exist. Its generation is known once it has been read. Raises EhpcError."""
    generations = [before["generation"]] if before else invocation.params["generations"]
    try:
        return _clusters.read(client, cluster_id, generations, deadline)
    except EhpcError as error:
        raise error if NEXT in generations else _next_clusters.explained(error, client, cluster_id, "DescribeCluster") from None


def show_progress(invocation: Invocation, cluster: Cluster, before: Cluster | None) -> None:
    """Show the status of a cluster while waiting for it, each time that it changes."""
    waiting = not (invocation.check_mode or cannot_run(cluster) or (before is None and is_running(cluster)))
    if waiting and (before is None or before["status"] != cluster["status"]):
        invocation.progress("Cluster %s in %s: %s" % (cluster["id"], cluster["region_id"], cluster["status"]))


def is_running(cluster: Cluster) -> bool:
    """Whether the cluster can be used."""
    return bool(cluster["status"] == "running")


def cannot_run(cluster: Cluster) -> bool:
    """Whether waiting cannot make the cluster run."""
    return cluster["status"] in ("exception", "releasing", "stopped")


def not_running(client: Client, clusters: list[Cluster], affected: list[Cluster], problem: str, hint: str) -> EhpcError:
    """The failure of a wait, with the status of each affected cluster."""
    sentences = ["Cluster %s in %s " % (cluster["id"], client.region) + problem % (cluster["status"] or "unknown") for cluster in affected]
    result = {"region": client.region, "clusters": clusters}
    return EhpcError(CLUSTER_NOT_RUNNING, " ".join(sentences), action="DescribeCluster", hint=hint, result=result)


MODULE = ModuleDefinition(info, ARGUMENT_SPEC, mutually_exclusive=(("cluster_ids", "names"),), generations=GENERATIONS)


def main() -> None:
    """Run as a process."""
    run(MODULE)


if __name__ == "__main__":
    main()
