# Copyright (c) 2026, the alicloud.ehpc contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Read a file that the option backup of post_scripts wrote."""

from __future__ import annotations

DOCUMENTATION = r"""
name: backup
short_description: Read a backup of post scripts
version_added: 1.0.0
author:
  - The alicloud.ehpc contributors (!UNKNOWN)
description:
  - Reads a file that M(alicloud.ehpc.post_scripts) wrote with O(alicloud.ehpc.post_scripts#module:backup=true).
  - Fails if the file cannot be read or is not a backup. The message contains no content of the file.
  - The playbook C(alicloud.ehpc.restore) uses it.
options:
  _terms:
    description:
      - The paths of the files. A relative path is relative to the working directory of C(ansible-playbook).
    type: list
    elements: str
    required: true
notes:
  - The result contains the signatures of pre-signed URLs. Pass it to M(alicloud.ehpc.post_scripts), and do not print or register it.
"""

EXAMPLES = r"""
- name: Restore the scripts of a cluster
  alicloud.ehpc.post_scripts:
    region: "{{ saved.region }}"
    cluster_id: "{{ saved.cluster_id }}"
    scripts: "{{ saved.scripts }}"
  vars:
    saved: "{{ lookup('alicloud.ehpc.backup', 'backup/ehpc-hz-EXAMPLE.2026-01-31@08-30-00.yml') }}"
"""

RETURN = r"""
_raw:
  description:
    - A dictionary for each file. C(created) is the time in UTC, and C(scripts) is a list for M(alicloud.ehpc.post_scripts).
  type: list
  elements: dict
  sample:
    - cluster_id: ehpc-hz-EXAMPLE
      region: cn-hangzhou
      created: "2026-01-31T08:30:00Z"
      scripts:
        - url: https://scripts.example.com/base.sh
          args: --mode base
"""

import os
import typing as t

from ansible.errors import AnsibleError
from ansible.plugins.lookup import LookupBase
from ansible_collections.alicloud.ehpc.plugins.plugin_utils._backup_files import read
from ansible_collections.alicloud.ehpc.plugins.plugin_utils._secrets import register_texts


class LookupModule(LookupBase):
    """The lookup plugin."""

    def run(self, terms: list[str], variables: dict[str, t.Any] | None = None, **kwargs: t.Any) -> list[dict[str, t.Any]]:
        """Read each file."""
        self.set_options(var_options=variables, direct=kwargs)
        try:
            backups = [read(os.path.abspath(os.path.expanduser(term))) for term in terms]
        except ValueError as error:
            raise AnsibleError(str(error)) from None
        register_texts(backups)
        return backups
