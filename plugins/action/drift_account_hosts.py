# Copyright (c) 2026, the alicloud.ehpc contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""List the hosts whose accounts are the expected users of clusters."""

from __future__ import annotations

import typing as t

from ansible.plugins.action import ActionBase
from ansible.template import Templar
from ansible_collections.alicloud.ehpc.plugins.plugin_utils._drift_desired import account_host_of, options_of_hosts


class ActionModule(ActionBase):
    """It has no options: the variables of the role are wherever Ansible has variables."""

    _requires_connection = False
    _supports_check_mode = True
    _VALID_ARGS: frozenset[str] = frozenset()

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        """Run the task."""
        result: dict[str, t.Any] = super().run(tmp, task_vars)
        variables = task_vars or {}
        # Most fleets have none, and to convert the options of a thousand hosts takes a second.
        named = [host for host in variables["ansible_play_hosts_all"] if "ehpc_bootstrap_account_host" in variables["hostvars"].raw_get(host)]
        found = [account_host_of(options) for _host, options, _name in options_of_hosts(named, variables, Templar(self._loader))]
        return {**result, "changed": False, "account_hosts": sorted(set(filter(None, found)))}
