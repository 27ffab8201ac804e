# Copyright (c) 2026, the alicloud.ehpc contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    """Where and how the modules run."""

    DOCUMENTATION = r"""
attributes:
  async:
    description: Supports being used with the C(async) keyword.
    support: full
notes:
  - With the connection C(local), the module runs in Ansible's worker and with Ansible's Python, many times faster than as a process.
    C(become), C(async), another C(ansible_python_interpreter) and the variable C(ehpc_in_process) with the value V(false) make it a
    process, with the same results.
"""
