# Copyright (c) 2026, the alicloud.ehpc contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.

from __future__ import annotations


class ModuleDocFragment:
    """The attributes block of the modules."""

    DOCUMENTATION = r"""
attributes:
  action_group:
    description: Use C(group/alicloud.ehpc.ehpc) in C(module_defaults) to set defaults for this module.
    support: full
    membership:
      - alicloud.ehpc.ehpc
  check_mode:
    description: Can run in C(check_mode) and tell whether it would change something, without changing it.
    support: full
  diff_mode:
    description: Returns what has changed, or would change in C(check_mode), with C(--diff).
    support: none
  idempotent:
    description: When run twice in a row outside check mode, with the same arguments, the second run reports no change.
    support: full
  platform:
    description: Where the module can run.
    support: full
    platforms: posix
"""

    DIFF = r"""
attributes:
  diff_mode:
    support: full
"""

    INFO = r"""
attributes:
  check_mode:
    support: full
    details:
      - This module changes nothing.
  diff_mode:
    support: N/A
    details:
      - This module changes nothing.
  idempotent:
    support: full
    details:
      - This module changes nothing.
"""
