#!/usr/bin/python
# Copyright (c) 2026, the alicloud.ehpc contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: region_info
short_description: List the regions of E-HPC
version_added: 1.0.0
author:
  - The alicloud.ehpc contributors (!UNKNOWN)
description:
  - Lists the regions in which E-HPC is available (C(ListRegions)).
extends_documentation_fragment:
  - alicloud.ehpc._shared
  - alicloud.ehpc._execution
  - alicloud.ehpc._attributes.info
  - alicloud.ehpc._attributes
notes:
  - Requires the RAM action C(ehpc:ListRegions).
  - All regions return the same list. V(cn-hangzhou) is used if no O(region) is configured.
seealso:
  - module: alicloud.ehpc.cluster_info
  - name: ListRegions
    description: E-HPC API reference.
    link: https://help.aliyun.com/document_detail/188593.html
"""

EXAMPLES = r"""
- name: List the regions
  alicloud.ehpc.region_info:
  register: result

- name: Show the IDs of the regions
  ansible.builtin.debug:
    msg: "{{ result.regions | map(attribute='region_id') }}"
"""

RETURN = r"""
regions:
  description: The regions, in the order in which E-HPC returns them.
  returned: success
  type: list
  elements: dict
  sample:
    - region_id: cn-hangzhou
      local_name: 华东1（杭州）
  contains:
    region_id:
      description: The ID of the region, as in O(region).
      type: str
      sample: cn-hangzhou
    local_name:
      description: The name of the region, in Chinese.
      type: str
      sample: 华东1（杭州）
error:
  description: Structured error details.
  returned: failure
  type: dict
  sample:
    action: ListRegions
    code: InvalidAccessKeyId.NotFound
    message: Specified access key is not found.
    http_status: 404
    request_id: 04F0F334-1335-436C-A1D7-6C044FE7EXAM
    hint: >-
      Check access_key (or ALIBABA_CLOUD_ACCESS_KEY_ID), and that the key belongs to the same Alibaba Cloud site (China
      or international) as the endpoint.
"""

import typing as t

from ansible_collections.alicloud.ehpc.plugins.module_utils._client import items
from ansible_collections.alicloud.ehpc.plugins.module_utils._module import ModuleDefinition, run

if t.TYPE_CHECKING:  # pragma: no cover
    from ansible_collections.alicloud.ehpc.plugins.module_utils._client import Client
    from ansible_collections.alicloud.ehpc.plugins.module_utils._module import Invocation

ARGUMENT_SPEC: dict[str, t.Any] = {}


def info(invocation: Invocation, client: Client) -> dict[str, t.Any]:
    """List the regions."""
    regions = items(client.call("ListRegions"), "Regions", "RegionInfo")
    return {
        "changed": False,
        "regions": [{"region_id": region.get("RegionId"), "local_name": region.get("LocalName")} for region in regions],
    }


MODULE = ModuleDefinition(info, ARGUMENT_SPEC, fallback_region="cn-hangzhou")


def main() -> None:
    """Run as a process."""
    run(MODULE)


if __name__ == "__main__":
    main()
