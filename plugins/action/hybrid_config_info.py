# Copyright (c) 2026, the alicloud.ehpc contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import typing as t

from ansible_collections.alicloud.ehpc.plugins.modules import hybrid_config_info
from ansible_collections.alicloud.ehpc.plugins.plugin_utils._in_process import EhpcAction


class ActionModule(EhpcAction):
    """Run hybrid_config_info without a process of its own."""

    MODULE = hybrid_config_info.MODULE

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        """Run the task. It is only here that the no_log of a task and its absence differ."""
        if self._task.args.get("return_config") is None:
            self._task.args = {**self._task.args, "return_config": bool(self._task.no_log or "no_log" in (self._task.get_ds() or {}))}
        return super().run(tmp, task_vars)
