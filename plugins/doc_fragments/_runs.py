# Copyright (c) 2026, the alicloud.ehpc contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.

from __future__ import annotations


class ModuleDocFragment:
    """Where the modules run."""

    DOCUMENTATION = r"""
attributes:
  async:
    description: Can be run with C(async), and is a process of its own then.
    support: full
notes:
  - Where a task's connection is C(local), as it is for C(localhost) and for the clusters of the inventory plugin, the call is made
    inside Ansible itself instead of in a process of its own, many times faster. C(ansible_python_interpreter) must then be unset,
    automatic, or Ansible's own, which is also the Python that needs the packages above. The iterations of a loop share a connection.
  - Everywhere else, and with C(become), C(async) or another interpreter, the task runs as a process on its host, like other modules.
    Results are the same.
  - The variable C(ehpc_in_process), set to V(false) for a host, play or task, always makes it a process. One case for this are
    variables in C(environment) that only a starting Python reads, such as E(PYTHONPATH).
"""
