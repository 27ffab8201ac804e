# Copyright (c) 2026, the alicloud.ehpc contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    """The attributes of the modules.

    A module lists C(_attributes.diff) or C(_attributes.info) before C(_attributes): of several fragments the first one takes precedence.
    """

    DOCUMENTATION = r"""
attributes:
  action_group:
    description: Use C(group/alicloud.ehpc.ehpc) in C(module_defaults) to set defaults for this module.
    support: full
    membership:
      - alicloud.ehpc.ehpc
  check_mode:
    description: Can run in C(check_mode) and return changed status prediction without modifying the target.
    support: full
  diff_mode:
    description: Returns details on what has changed (or would change in C(check_mode)) if C(--diff) is used.
    support: none
  idempotent:
    description: When run twice in a row outside check mode, with the same arguments, the second invocation indicates no change.
    support: full
  platform:
    description: The target platform that the module supports.
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
      - This module does not modify state.
  diff_mode:
    support: N/A
    details:
      - This module does not modify state.
  idempotent:
    support: full
    details:
      - This module does not modify state.
"""
