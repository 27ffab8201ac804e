# Copyright (c) 2026, the alicloud.ehpc contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the action plugins of roles and playbooks share."""

from __future__ import annotations

import typing as t
from collections.abc import Mapping

from ansible.plugins.action import ActionBase


def run_action(owner: ActionBase, name: str, args: dict[str, t.Any], task_vars: dict[str, t.Any], templar: t.Any = None, **keywords: t.Any) -> dict[str, t.Any]:
    """The result of another action for the task of ``owner``, also if it failed. ``keywords`` replace those of the task, such as no_log."""
    task = owner._task.copy()
    task.action, task.args = name, args
    for keyword, value in keywords.items():
        setattr(task, keyword, value)
    action = owner._shared_loader_obj.action_loader.get(
        name,
        task=task,
        connection=owner._connection,
        play_context=owner._play_context,
        loader=owner._loader,
        templar=templar or owner._templar,
        shared_loader_obj=owner._shared_loader_obj,
    )
    result: dict[str, t.Any] = action.run(task_vars=task_vars)
    return result


def accounts_of(passwd: Mapping[str, list[str]]) -> dict[str, int]:
    """The user ID of each account in what ansible.builtin.getent read of passwd."""
    return {name: int(fields[1]) for name, fields in passwd.items() if fields}
