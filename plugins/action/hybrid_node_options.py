# Copyright (c) 2026, the alicloud.ehpc contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Check the variables of the role ehpc_hybrid_node, and return them as typed options."""

from __future__ import annotations

import typing as t

from ansible.errors import AnsibleError
from ansible.plugins.action import ActionBase
from ansible_collections.alicloud.ehpc.plugins.plugin_utils._hybrid_options import PREFIX, SCRIPTS, hybrid_options, missing_facts


class ActionModule(ActionBase):
    """It has no options: the variables of the role are wherever Ansible has variables. It gathers the facts that they need."""

    _supports_check_mode = True
    _VALID_ARGS: frozenset[str] = frozenset()

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        """Run the task."""
        result: dict[str, t.Any] = super().run(tmp, task_vars)
        given = task_vars or {}
        variables, mistakes = {}, []
        for name, value in given.items():
            if not name.startswith(PREFIX) or name == PREFIX + SCRIPTS:
                continue
            try:
                variables[name] = self._templar.template(value)
            except AnsibleError as error:
                mistakes.append("%s cannot be evaluated: %s." % (name, str(error).rstrip(".")))
        facts = dict(given.get("ansible_facts") or {})
        subsets = missing_facts(variables, facts)
        if subsets is not None:
            gathered = self._execute_module(module_name="ansible.builtin.setup", module_args={"gather_subset": subsets}, task_vars=task_vars)
            if gathered.get("failed"):
                return {**result, **gathered}
            facts.update({name.partition("ansible_")[2]: value for name, value in gathered["ansible_facts"].items()})
        options = hybrid_options(variables, facts)
        mistakes += options.pop("mistakes")
        if mistakes:
            return {**result, "failed": True, "msg": " ".join(mistakes)}
        return {**result, **options, "changed": False}
