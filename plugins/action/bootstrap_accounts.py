# Copyright (c) 2026, the alicloud.ehpc contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Read the real accounts of the account host of the role ehpc_bootstrap."""

from __future__ import annotations

import typing as t

from ansible.errors import AnsibleConnectionFailure
from ansible.plugins.action import ActionBase
from ansible_collections.alicloud.ehpc.plugins.plugin_utils._actions import accounts_of


class ActionModule(ActionBase):
    """It runs ansible.builtin.getent on the host. An unreachable host is a failure, because it would end the cluster without a result."""

    _supports_check_mode = True
    _VALID_ARGS = frozenset(("uid_min", "uid_max"))

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        """Run the task."""
        result: dict[str, t.Any] = super().run(tmp, task_vars)
        _validation, options = self.validate_argument_spec({name: {"type": "int", "required": True} for name in sorted(self._VALID_ARGS)})
        try:
            read = self._execute_module(module_name="ansible.builtin.getent", module_args={"database": "passwd"}, task_vars=task_vars)
        except AnsibleConnectionFailure as error:
            host = self._task.delegate_to
            return {**result, "failed": True, "msg": "The account host %s could not be reached, so the expected users are not known: %s" % (host, error)}
        if read.get("failed"):
            return {**result, **read}
        accounts = sorted(accounts_of(read["ansible_facts"]["getent_passwd"]).items())
        return {**result, "changed": False, "accounts": {name: uid for name, uid in accounts if options["uid_min"] <= uid <= options["uid_max"]}}
