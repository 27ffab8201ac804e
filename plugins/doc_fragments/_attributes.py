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
    description: C(group/alicloud.ehpc.ehpc) in C(module_defaults) sets defaults.
    support: full
    membership:
      - alicloud.ehpc.ehpc
  check_mode:
    description: Predicts changes in C(check_mode) without making them.
    support: full
  diff_mode:
    description: Returns the changes, or the predicted ones, if C(--diff) is used.
    support: none
  idempotent:
    description: A second run with the same options reports no change.
    support: full
  platform:
    description: The platforms that the module supports.
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
