# Copyright (c) 2026, the alicloud.ehpc contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Actions of the role ehpc_hybrid_node, which call E-HPC from the controller and have the connection of the host."""

from __future__ import annotations

import typing as t

from ansible.errors import AnsibleConnectionFailure
from ansible_collections.alicloud.ehpc.plugins.module_utils._arguments import ENVIRONMENT
from ansible_collections.alicloud.ehpc.plugins.module_utils._module import Invocation, ModuleDefinition
from ansible_collections.alicloud.ehpc.plugins.plugin_utils._in_process import EhpcAction

if t.TYPE_CHECKING:  # pragma: no cover
    from ansible_collections.alicloud.ehpc.plugins.module_utils._client import Client

# The variables that configure the calls of E-HPC. They are for the controller, and no script gets them.
OF_CALLS = {name for names in ENVIRONMENT.values() for name in names}


class HostAction(EhpcAction):
    """The function of a module, which always runs in the worker."""

    _supports_async = False
    SPEC: t.ClassVar[dict[str, t.Any]]

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        """Run the task."""
        self.MODULE = ModuleDefinition(self._guarded, self.SPEC)
        self.task_vars = task_vars or {}
        self._lost: AnsibleConnectionFailure | None = None
        result = super().run(tmp, task_vars)
        if self._lost:
            # Ansible itself reports the host as unreachable.
            raise self._lost
        return result

    def on_host(self, invocation: Invocation, client: Client) -> dict[str, t.Any]:
        """The result. Raises EhpcError."""
        raise NotImplementedError

    def environment_of_host(self) -> dict[str, str]:
        """The environment of the task, without what it sets for the calls of E-HPC."""
        return {name: value for name, value in super()._task_environment().items() if name not in OF_CALLS}

    def _guarded(self, invocation: Invocation, client: Client) -> dict[str, t.Any]:
        try:
            return self.on_host(invocation, client)
        except AnsibleConnectionFailure as error:
            self._lost = error
            return {}

    def _can_run_here(self, task_vars: dict[str, t.Any]) -> bool:
        return True

    def _task_environment(self) -> dict[str, str]:
        return {name: value for name, value in super()._task_environment().items() if name in OF_CALLS}
