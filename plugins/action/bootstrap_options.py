# Copyright (c) 2026, the alicloud.ehpc contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Check the variables of the role ehpc_bootstrap, and return them as typed options."""

from __future__ import annotations

import typing as t

from ansible.errors import AnsibleError
from ansible.plugins.action import ActionBase
from ansible_collections.alicloud.ehpc.plugins.plugin_utils._bootstrap_options import bootstrap_options, plain, publish_key, variables_of


class ActionModule(ActionBase):
    """It has no options: the variables of the role are wherever Ansible has variables."""

    _requires_connection = False
    _supports_check_mode = True
    _VALID_ARGS: frozenset[str] = frozenset()

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        """Run the task."""
        result: dict[str, t.Any] = super().run(tmp, task_vars)
        variables, mistakes = {}, []
        for name, value in variables_of(task_vars or {}).items():
            try:
                variables[name] = plain(self._templar.template(value))
            except AnsibleError as error:
                mistakes.append("%s cannot be evaluated: %s." % (name, str(error).rstrip(".")))
        options = bootstrap_options(variables)
        mistakes += options.pop("mistakes")
        # The URL of a script may be a pre-signed one, which no result shows.
        options["publish_key"] = publish_key(options, task_vars["inventory_hostname"] if task_vars else "")
        options["manage_scripts"] = options.pop("post_scripts") is not None
        # Without the passwords.
        options["users"] = list(dict.fromkeys(user["name"] for user in options["users"]))
        if mistakes:
            return {**result, "failed": True, "msg": " ".join(mistakes), "cluster_id": options["cluster_id"], "region": options["region"]}
        return {**result, **options, "changed": False}
