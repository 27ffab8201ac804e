# Copyright (c) 2026, the alicloud.ehpc contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Write the configuration of an on-premises node to its host.

The configuration goes from the response of E-HPC to the file, and is in no result, variable or option of a task.
"""

from __future__ import annotations

import typing as t

from ansible_collections.alicloud.ehpc.plugins.module_utils._clusters import cluster_id_of
from ansible_collections.alicloud.ehpc.plugins.module_utils._errors import invalid_option
from ansible_collections.alicloud.ehpc.plugins.modules.hybrid_config_info import configuration
from ansible_collections.alicloud.ehpc.plugins.plugin_utils._actions import run_action
from ansible_collections.alicloud.ehpc.plugins.plugin_utils._on_host import HostAction

if t.TYPE_CHECKING:  # pragma: no cover
    from ansible_collections.alicloud.ehpc.plugins.module_utils._client import Client
    from ansible_collections.alicloud.ehpc.plugins.module_utils._module import Invocation

COPY = "ansible.builtin.copy"


class ActionModule(HostAction):
    """hybrid_config_info on the controller, and ansible.builtin.copy to the host."""

    TRANSFERS_FILES = True
    SPEC: t.ClassVar[dict[str, t.Any]] = {
        "cluster_id": {"type": "str", "required": True},
        "host_name": {"type": "str", "required": True},
        "dest": {"type": "str", "required": True},
    }

    def on_host(self, invocation: Invocation, client: Client) -> dict[str, t.Any]:
        """Write the file if its content or its mode differs."""
        cluster_id, dest = cluster_id_of(invocation.params), invocation.params["dest"]
        config = configuration(client, cluster_id, invocation.params["host_name"])
        # The host does not log the task, and there is no diff.
        written = run_action(self, COPY, {"content": config, "dest": dest, "mode": "0600"}, self.task_vars, no_log=True, diff=False)
        if written.get("failed"):
            raise invalid_option("The configuration cannot be written to %s: %s" % (dest, written.get("msg") or "ansible.builtin.copy failed."))
        return {"changed": written["changed"], "cluster_id": cluster_id, "region": client.region, "dest": dest}
