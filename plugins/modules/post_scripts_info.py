#!/usr/bin/python
# Copyright (c) 2026, the alicloud.ehpc contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: post_scripts_info
short_description: Read the post-processing scripts of an E-HPC cluster
version_added: 1.0.0
author:
  - The alicloud.ehpc contributors (!UNKNOWN)
description:
  - Reads the scripts that the nodes of a cluster run after they are initialized (C(GetPostScripts)).
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
notes:
  - Requires the RAM action C(ehpc:GetPostScripts).
seealso:
  - module: alicloud.ehpc.post_scripts
  - name: GetPostScripts
    description: E-HPC API reference.
    link: https://www.alibabacloud.com/help/en/doc-detail/423507.html
"""

EXAMPLES = r"""
- name: Read the scripts of a cluster
  alicloud.ehpc.post_scripts_info:
    region: cn-hangzhou
    cluster_id: ehpc-hz-EXAMPLE
  register: result

- name: Show the scripts
  ansible.builtin.debug:
    var: result.post_scripts
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
post_scripts:
  description: The scripts, in the order in which E-HPC stores them.
  returned: success
  type: list
  elements: dict
  sample:
    - url: https://scripts.example.com/base.sh
      args: --mode base
  contains:
    url:
      description: The URL, with V(***) instead of signatures.
      type: str
      sample: https://scripts.example.com/base.sh
    args:
      description: The arguments as one string, which may be empty.
      type: str
      sample: --mode base
error:
  description: Structured error details.
  returned: failure
  type: dict
  sample:
    action: GetPostScripts
    code: ClusterNotFound
    message: The specified cluster does not exist.
    http_status: 404
    request_id: 04F0F334-1335-436C-A1D7-6C044FE7EXAM
    hint: >-
      Check the cluster ID and the region: cluster IDs are specific to a region and an account.
      alicloud.ehpc.cluster_info lists the clusters that these credentials can access.
"""

import typing as t

from ansible_collections.alicloud.ehpc.plugins.module_utils import _post_scripts
from ansible_collections.alicloud.ehpc.plugins.module_utils._clusters import cluster_id_of
from ansible_collections.alicloud.ehpc.plugins.module_utils._module import ModuleDefinition, run

if t.TYPE_CHECKING:  # pragma: no cover
    from ansible_collections.alicloud.ehpc.plugins.module_utils._client import Client
    from ansible_collections.alicloud.ehpc.plugins.module_utils._module import Invocation

ARGUMENT_SPEC: dict[str, t.Any] = {"cluster_id": {"type": "str", "required": True}}


def info(invocation: Invocation, client: Client) -> dict[str, t.Any]:
    """Read the scripts of the cluster."""
    cluster_id = cluster_id_of(invocation.params)
    scripts = _post_scripts.redacted(_post_scripts.read(client, cluster_id))
    return {"changed": False, "cluster_id": cluster_id, "region": client.region, "post_scripts": scripts}


MODULE = ModuleDefinition(info, ARGUMENT_SPEC, action="GetPostScripts")


def main() -> None:
    """Run as a process."""
    run(MODULE)


if __name__ == "__main__":
    main()
