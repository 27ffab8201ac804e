# Copyright (c) 2026, the alicloud.ehpc contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Report the results of the role ehpc_bootstrap: a table for users, and data for workflows."""

from __future__ import annotations

import typing as t

from ansible.plugins.action import ActionBase
from ansible.utils.display import Display
from ansible_collections.alicloud.ehpc.plugins.plugin_utils._bootstrap_results import bootstrap_table, keyed, summary


class ActionModule(ActionBase):
    """Everything happens on the controller, without a connection."""

    _requires_connection = False
    _supports_check_mode = True
    _VALID_ARGS = frozenset(("results",))

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        """Run the task."""
        result: dict[str, t.Any] = super().run(tmp, task_vars)
        _validation, options = self.validate_argument_spec({"results": {"type": "dict", "required": True}})
        results = keyed(options["results"])
        display = Display()
        for line in bootstrap_table(results) + (["", summary(results)] if len(results) > 1 else []):
            display.display(line)
        return {**result, "changed": False, "ansible_stats": {"data": {"ehpc_bootstrap": results}, "per_host": False, "aggregate": True}}
