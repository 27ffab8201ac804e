# Copyright (c) 2026, the alicloud.ehpc contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Run the post-processing scripts on an on-premises host, over Ansible's own connection instead of through E-HPC.

The host is the one of the task, and E-HPC is called from the controller. All that the host executes arrives on the standard input of a shell,
so that no URL is in a command line or in Ansible's output.
"""

from __future__ import annotations

import re
import shlex
import typing as t
import uuid

from ansible_collections.alicloud.ehpc.plugins.module_utils import _clusters, _post_scripts, _runner
from ansible_collections.alicloud.ehpc.plugins.module_utils._clusters import cluster_id_of
from ansible_collections.alicloud.ehpc.plugins.module_utils._errors import SCRIPTS_FAILED, EhpcError
from ansible_collections.alicloud.ehpc.plugins.module_utils._redact import redact_text, url_secrets
from ansible_collections.alicloud.ehpc.plugins.module_utils._script_runs import FAILED_STATUSES, NodeRun, unprotected
from ansible_collections.alicloud.ehpc.plugins.plugin_utils._on_host import HostAction

if t.TYPE_CHECKING:  # pragma: no cover
    from collections.abc import Sequence

    from ansible_collections.alicloud.ehpc.plugins.module_utils._client import Client
    from ansible_collections.alicloud.ehpc.plugins.module_utils._module import Invocation

HINT = "The full logs are in /var/log/ehpc-post-scripts on the host. Fix the cause and run the task again."


class ActionModule(HostAction):
    """post_scripts_run for one host."""

    SPEC: t.ClassVar[dict[str, t.Any]] = {
        "cluster_id": {"type": "str", "required": True},
        "host_name": {"type": "str", "required": True},
        "scripts": {"type": "list", "elements": "dict", "options": _post_scripts.SCRIPT_OPTIONS},
        "run_timeout": {"type": "int", "default": 1800},
    }

    def on_host(self, invocation: Invocation, client: Client) -> dict[str, t.Any]:
        """Run the scripts if the host has not run them."""
        params = invocation.params
        cluster_id, given = cluster_id_of(params), params["scripts"]
        scripts = _post_scripts.read(client, cluster_id) if given is None else _post_scripts.from_option(given)
        steps = _runner.steps(scripts)
        for warning in unprotected(scripts):
            invocation.warn(warning)
        node, run = _node(params["host_name"]), uuid.uuid4().hex[:16]
        if steps:
            self._ask(node, run, _runner.look(run, steps), steps)
        else:
            node.end("unchanged", "")
        if node.status == "skipped" and invocation.check_mode:
            node.preview()
        elif node.status == "skipped":
            cluster = _clusters.describe(client, cluster_id)
            environment = {"ClusterId": cluster_id, "AccountType": cluster["account_type"] or ""}
            self._ask(node, run, _runner.program(run, steps, environment, params["run_timeout"]), steps)
        return _outcome(node, client, cluster_id, scripts)

    def _ask(self, node: NodeRun, run: str, program: str, steps: Sequence[_runner.Step]) -> None:
        """Run a program on the host, and record what it reports."""
        ran = self._low_level_execute_command("sh", in_data="".join([*self._exports(), program, "\n"]).encode("utf-8"))
        # Scripts may write their own URLs.
        secrets = [secret for step in steps for secret in url_secrets(step.url)]
        output, errors = (redact_text(ran.get(name) or "", secrets) for name in ("stdout", "stderr"))
        report = _runner.report(run, output.replace("\r\n", "\n"))
        if report:
            return node.record(report, steps)
        return node.end("failed", errors.strip() or output.strip() or "The command ended without a report.")

    def _exports(self) -> list[str]:
        """The environment of the task, as commands. In a command line, Ansible would show it."""
        variables = self.environment_of_host().items()
        return ["export %s=%s\n" % (name, shlex.quote(value)) for name, value in variables if re.fullmatch(r"[A-Za-z_]\w*", name, re.ASCII)]


def _node(host_name: str) -> NodeRun:
    # The ID is only asked for nodes on which E-HPC runs commands.
    return NodeRun({"id": host_name, "host_name": host_name, "location": "OnPremise", "status": "running"})


def _outcome(node: NodeRun, client: Client, cluster_id: str, scripts: list[_post_scripts.Script]) -> dict[str, t.Any]:
    """The result of the action. Raises EhpcError if the scripts failed."""
    own = {name: value for name, value in node.as_result().items() if name != "id"}
    result = {"changed": node.changed or node.status == "would_run", "cluster_id": cluster_id, "region": client.region, **own}
    result["scripts"] = _post_scripts.redacted(scripts)
    if node.status in FAILED_STATUSES:
        message = "The post scripts of cluster %s in %s failed on %s: %s" % (cluster_id, client.region, node.hostname, node.reason())
        raise EhpcError(SCRIPTS_FAILED, message, hint=HINT, result=result)
    return result
