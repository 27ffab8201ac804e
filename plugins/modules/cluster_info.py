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
  - Reads the details of given clusters (C(DescribeCluster)), or lists the clusters of a region (C(ListClusters)), page after page.
  - Directory passwords, which the service returns with the details of a hybrid cluster, are never shown.
extends_documentation_fragment:
  - alicloud.ehpc._shared
  - alicloud.ehpc._runs
  - alicloud.ehpc._attributes.info
  - alicloud.ehpc._attributes
options:
  cluster_ids:
    description:
      - The ids of clusters to read the details of, one call each. Ids that the service does not know are left out of the result.
      - With them the result has the details, without them the shorter entries of the list.
    type: list
    elements: str
  names:
    description:
      - Shell patterns; only clusters whose name matches one of them are listed.
      - Without this and O(cluster_ids), all clusters of the region are listed. An empty list lists none.
    type: list
    elements: str
notes:
  - The RAM action that is needed is C(ehpc:DescribeCluster) with O(cluster_ids), otherwise C(ehpc:ListClusters).
seealso:
  - module: alicloud.ehpc.region_info
"""

EXAMPLES = r"""
- name: Read the details of a cluster
  alicloud.ehpc.cluster_info:
    region: cn-hangzhou
    cluster_ids: [ehpc-hz-EXAMPLE]
  register: result

- name: Wait until it is running
  alicloud.ehpc.cluster_info:
    region: cn-hangzhou
    cluster_ids: [ehpc-hz-EXAMPLE]
  register: result
  until: result.clusters | map(attribute='status') == ['running']
  retries: 60
  delay: 15

- name: List the clusters of a project
  alicloud.ehpc.cluster_info:
    region: cn-hangzhou
    names: ["cfd-*"]
"""

RETURN = r"""
region:
  description: The region that was asked.
  returned: success
  type: str
  sample: cn-hangzhou
clusters:
  description: The clusters, in the order of O(cluster_ids) or of the service. An empty list where there are none.
  returned: success
  type: list
  elements: dict
  sample:
    - id: ehpc-hz-EXAMPLE
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
      description: The id of the cluster.
      type: str
      sample: ehpc-hz-EXAMPLE
    name:
      description: The name of the cluster.
      type: str
      sample: cfd-1
    status:
      description: V(uninit), V(creating), V(init), V(running), V(exception), V(releasing), or another that the service may add. In lower case.
      type: str
      sample: running
    region_id:
      description: The region of the cluster.
      type: str
      sample: cn-hangzhou
    location:
      description: V(OnPremise) for a hybrid cluster, V(PublicCloud) for any other.
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
      description: How the management nodes are laid out, V(Standard), V(Advanced), V(Simple) or V(Tiny).
      type: str
      sample: Simple
    create_time:
      description: When the cluster was created, as the service writes it.
      type: str
      sample: "2026-01-01T08:00:00.000Z"
    proxy_mode:
      description:
        - Whether the cluster is in hybrid-cloud proxy mode, so that its local users can be synchronized.
        - The service has no flag for it. This is true for a hybrid cluster whose details show a proxy node or on-premises management nodes.
      returned: with O(cluster_ids)
      type: bool
      sample: true
    post_scripts:
      description:
        - The scripts that the details of the cluster show.
        - Whether a later change of the scripts shows here is not documented; M(alicloud.ehpc.post_scripts_info) reads them where they are set.
      returned: with O(cluster_ids)
      type: list
      elements: dict
      sample:
        - url: https://scripts.example.com/base.sh
          args: --mode base
      contains:
        url:
          description: Where a node downloads the script from, without what makes it a pre-signed url.
          type: str
          sample: https://scripts.example.com/base.sh
        args:
          description: The arguments as one text, empty where there are none.
          type: str
          sample: --mode base
    on_premise_info:
      description: The management nodes on the premises. An empty list where the service shows none.
      returned: with O(cluster_ids)
      type: list
      elements: dict
      sample:
        - type: scheduler
          host_name: manager01
          ip: 192.0.2.10
      contains:
        type:
          description: What the node does, V(scheduler), V(account) or both in one text.
          type: str
          sample: scheduler
        host_name:
          description: The name of the node.
          type: str
          sample: manager01
        ip:
          description: The address of the node.
          type: str
          sample: 192.0.2.10
    description:
      description: What its owner wrote about the cluster.
      returned: where the service has it
      type: str
      sample: CFD of the third floor
    zone_id:
      description: The zone of the cluster.
      returned: where the service has it
      type: str
      sample: cn-hangzhou-b
    scheduler_version:
      description: The version of the scheduler.
      returned: with O(cluster_ids), where the service has it
      type: str
      sample: "18.1.1"
    vpc_id:
      description: The network of the cluster.
      returned: where the service has it
      type: str
      sample: vpc-EXAMPLE
    vswitch_id:
      description: The switch of the cluster.
      returned: where the service has it
      type: str
      sample: vsw-EXAMPLE
    security_group_id:
      description: The security group of the cluster.
      returned: with O(cluster_ids), where the service has it
      type: str
      sample: sg-EXAMPLE
    resource_group_id:
      description: The resource group of the cluster.
      returned: where the service has it
      type: str
      sample: rg-EXAMPLE
    image_id:
      description: The image of the nodes.
      returned: where the service has it
      type: str
      sample: centos_7_6_x64_20G_alibase_20211130.vhd
    image_owner_alias:
      description: Whose image it is, such as V(system) or V(self).
      returned: where the service has it
      type: str
      sample: system
    os_tag:
      description: The operating system of the image.
      returned: where the service has it
      type: str
      sample: CentOS_7.6_64
    base_os_tag:
      description: The operating system that the image is built on.
      returned: where the service has it
      type: str
      sample: CentOS_7.6_64
    client_version:
      description: The version of the agent on the cluster.
      returned: where the service has it
      type: str
      sample: "1.0.64"
    ehpc_version:
      description: The version of E-HPC.
      returned: without O(cluster_ids), where the service has it
      type: str
      sample: "1.0.0"
    ha_enable:
      description: Whether the management nodes are highly available.
      returned: with O(cluster_ids), where the service has it
      type: bool
      sample: false
    volume_id:
      description: The shared file system.
      returned: with O(cluster_ids), where the service has it
      type: str
      sample: nas-EXAMPLE
    volume_type:
      description: The kind of the shared file system.
      returned: with O(cluster_ids), where the service has it
      type: str
      sample: NAS
    volume_protocol:
      description: The protocol of the shared file system.
      returned: with O(cluster_ids), where the service has it
      type: str
      sample: nfs
    volume_mountpoint:
      description: Where the shared file system is mounted from.
      returned: with O(cluster_ids), where the service has it
      type: str
      sample: nas-EXAMPLE.cn-hangzhou.nas.aliyuncs.com
    remote_directory:
      description: The directory of the shared file system that is mounted.
      returned: with O(cluster_ids), where the service has it
      type: str
      sample: /
error:
  description: What failed, for a playbook to decide upon.
  returned: failure
  type: dict
  sample:
    action: ListClusters
    code: NotAuthorized
    message: You are not authorized by RAM for this request.
    http_status: 407
    request_id: 04F0F334-1335-436C-A1D7-6C044FE7EXAM
    hint: >-
      Grant the RAM action ehpc:ListClusters on all resources ('*': the service knows no smaller ones) to the RAM user
      or role whose access key was used.
"""

import typing as t
from fnmatch import fnmatchcase

from ansible_collections.alicloud.ehpc.plugins.module_utils import _clusters
from ansible_collections.alicloud.ehpc.plugins.module_utils._errors import EhpcError
from ansible_collections.alicloud.ehpc.plugins.module_utils._module import ModuleDefinition, run

if t.TYPE_CHECKING:  # pragma: no cover
    from ansible_collections.alicloud.ehpc.plugins.module_utils._client import Client
    from ansible_collections.alicloud.ehpc.plugins.module_utils._module import Invocation

ARGUMENT_SPEC: dict[str, t.Any] = {
    "cluster_ids": {"type": "list", "elements": "str"},
    "names": {"type": "list", "elements": "str"},
}


def info(invocation: Invocation, client: Client) -> dict[str, t.Any]:
    """Read the clusters that the options name."""
    cluster_ids, names = invocation.params["cluster_ids"], invocation.params["names"]
    if cluster_ids is not None:
        clusters = known(client, [_clusters.checked_id(cluster_id) for cluster_id in cluster_ids])
    elif names is not None and not names:
        clusters = []
    else:
        clusters = _clusters.list_all(client)
    if names is not None:
        clusters = [cluster for cluster in clusters if any(fnmatchcase(cluster["name"] or "", name) for name in names)]
    return {"changed": False, "region": client.region, "clusters": clusters}


def known(client: Client, cluster_ids: list[str]) -> list[dict[str, t.Any]]:
    """The details of those clusters that the service knows."""
    clusters = []
    for cluster_id in cluster_ids:
        try:
            clusters.append(_clusters.describe(client, cluster_id))
        except EhpcError as error:
            if error.code != "ClusterNotFound":
                raise
    return clusters


MODULE = ModuleDefinition(info, ARGUMENT_SPEC, mutually_exclusive=(("cluster_ids", "names"),))


def main() -> None:
    """Run as a process."""
    run(MODULE)


if __name__ == "__main__":
    main()
