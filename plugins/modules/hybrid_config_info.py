#!/usr/bin/python
# Copyright (c) 2026, the alicloud.ehpc contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: hybrid_config_info
short_description: Read the configuration for the on-premises nodes of a hybrid E-HPC cluster
version_added: 1.0.0
author:
  - The alicloud.ehpc contributors (!UNKNOWN)
description:
  - Reads the configuration with which on-premises nodes join a hybrid cluster (C(GetHybridClusterConfig)), and writes it to a file.
  - The configuration is a secret. No output and no diff contains it. The result contains it only on request, see O(return_config).
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
  node:
    description:
      - The host name of an on-premises node, to read the configuration of this node.
      - Without it, the configuration is that of the cluster.
    type: str
  dest:
    description:
      - The file to write the configuration to, on the host of the task, with mode V(0600). Its directory must exist.
      - The file is written only if its content or its mode differs, and not in check mode.
    type: path
  return_config:
    description:
      - Whether the result contains the configuration. With V(true), set C(no_log=true), otherwise the output contains it, too.
      - If this option is omitted, the result contains the configuration only if the task sets C(no_log), to whatever value. With
        C(no_log=true) the output does not contain it; with C(no_log=false) it does.
    type: bool
notes:
  - Requires the RAM action C(ehpc:GetHybridClusterConfig).
  - The configuration is written as E-HPC returns it. The documentation of E-HPC describes a file in INI format, but its sample seems to be
    encoded. Which of them E-HPC returns is not known.
  - At C(-vvv), Ansible shows what modules on remote hosts return, regardless of C(no_log). If the result is to contain the
    configuration, read it on the controller (C(delegate_to=localhost)).
  - E-HPC does not document its response for a cluster that is not a hybrid cluster. The failure contains its code and message.
seealso:
  - module: alicloud.ehpc.local_nodes
  - name: GetHybridClusterConfig
    description: E-HPC API reference.
    link: https://help.aliyun.com/zh/e-hpc/developer-reference/api-ehpc-2018-04-12-gethybridclusterconfig
"""

EXAMPLES = r"""
- name: Write the configuration of a cluster to a file on the controller
  alicloud.ehpc.hybrid_config_info:
    region: cn-hangzhou
    cluster_id: ehpc-hz-EXAMPLE
    dest: /tmp/ehpc-cluster.conf
  delegate_to: localhost

- name: Read the configuration of a node, without showing it
  alicloud.ehpc.hybrid_config_info:
    region: cn-hangzhou
    cluster_id: ehpc-hz-EXAMPLE
    node: local001
  no_log: true
  register: result
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
node:
  description: The node whose configuration it is, or an empty string for that of the cluster.
  returned: success
  type: str
  sample: local001
dest:
  description: The file with the configuration.
  returned: success, if O(dest) is set
  type: str
  sample: /etc/ehpc-cluster.conf
config:
  description: The configuration. A secret.
  returned: success, if O(return_config=true), or if it is omitted and the task sets C(no_log)
  type: str
  sample: "[cluster]"
error:
  description: Structured error details.
  returned: failure
  type: dict
  sample:
    action: GetHybridClusterConfig
    code: ClusterNotFound
    message: The specified cluster does not exist.
    http_status: 404
    request_id: 04F0F334-1335-436C-A1D7-6C044FE7EXAM
    hint: >-
      Check the cluster ID and the region: cluster IDs are specific to a region and an account. alicloud.ehpc.cluster_info lists the
      clusters that these credentials can access.
"""

import typing as t

from ansible_collections.alicloud.ehpc.plugins.module_utils import _clusters, _private_files
from ansible_collections.alicloud.ehpc.plugins.module_utils._clusters import cluster_id_of
from ansible_collections.alicloud.ehpc.plugins.module_utils._errors import INVALID_ANSWER, EhpcError, attempt
from ansible_collections.alicloud.ehpc.plugins.module_utils._module import ModuleDefinition, run

if t.TYPE_CHECKING:  # pragma: no cover
    from ansible_collections.alicloud.ehpc.plugins.module_utils._client import Client
    from ansible_collections.alicloud.ehpc.plugins.module_utils._module import Invocation

ACTION = "GetHybridClusterConfig"

ARGUMENT_SPEC: dict[str, t.Any] = {
    "cluster_id": {"type": "str", "required": True},
    "node": {"type": "str"},
    "dest": {"type": "path"},
    "return_config": {"type": "bool"},
}


def read(invocation: Invocation, client: Client) -> dict[str, t.Any]:
    """Read the configuration, and bring the file to it."""
    params = invocation.params
    cluster_id, node, dest = cluster_id_of(params), (params["node"] or "").strip(), params["dest"]
    config = configuration(client, cluster_id, node)
    result: dict[str, t.Any] = {"changed": False, "cluster_id": cluster_id, "region": client.region, "node": node}
    if dest:
        content = config.encode()
        before, after = _private_files.state_of("dest", dest), _private_files.state_with(content)
        if before != after and not invocation.check_mode:
            _private_files.write("dest", dest, content)
        shown = _clusters.diff(cluster_id, client.region, "configuration", before._asdict(), after._asdict())
        result.update(changed=before != after, dest=dest, diff=shown)
    if params["return_config"]:
        result["config"] = config
    return result


def configuration(client: Client, cluster_id: str, node: str) -> str:
    """The configuration as E-HPC returns it. Raises EhpcError."""
    response = client.call(ACTION, {"ClusterId": cluster_id, **({"Node": node} if node else {})})
    config = response.get("ClusterConfig")
    if not isinstance(config, str) or not config:
        message = "The response has no ClusterConfig."
        request_id = response.get("RequestId")
        # The one of the code is for responses of other services.
        hint = "Check that the cluster is a hybrid cluster, and that node is the host name of one of its on-premises nodes."
        raise EhpcError(INVALID_ANSWER, message, attempt(ACTION, cluster_id, client.region), ACTION, 200, request_id, hint)
    client.register_secrets([config])
    return config


MODULE = ModuleDefinition(read, ARGUMENT_SPEC, action=ACTION)


def main() -> None:
    """Run as a process."""
    run(MODULE)


if __name__ == "__main__":
    main()
