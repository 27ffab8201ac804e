# Copyright (c) 2026, the alicloud.ehpc contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs of a list of scripts on nodes of a cluster: which nodes run it when, and the result of each."""

from __future__ import annotations

import time
import typing as t

from ansible_collections.alicloud.ehpc.plugins.module_utils import _invocations, _post_scripts, _runner
from ansible_collections.alicloud.ehpc.plugins.module_utils._batches import batches
from ansible_collections.alicloud.ehpc.plugins.module_utils._errors import SCRIPTS_FAILED, EhpcError
from ansible_collections.alicloud.ehpc.plugins.module_utils._redact import redact_text, redact_url, url_secrets

if t.TYPE_CHECKING:  # pragma: no cover
    from collections.abc import Mapping, Sequence

    from ansible_collections.alicloud.ehpc.plugins.module_utils._client import Client
    from ansible_collections.alicloud.ehpc.plugins.module_utils._nodes import Node

# Seconds for a command that only checks for a marker or stores a part of the runner.
MAX_QUICK_COMMAND = 60
# Seconds after run_timeout: for the scripts to end and the nodes to report, and until E-HPC ends the command itself.
REPORT_TIME = 10
KILL_TIME = 15
FAILED_STATUSES = ("failed", "timeout", "unreachable", "unknown")
MAX_NODES_IN_MESSAGE = 10
MAX_REASON_LENGTH = 200


class Job(t.NamedTuple):
    """A list of scripts and how to run it."""

    client: Client
    cluster: Mapping[str, t.Any]
    scripts: list[_post_scripts.Script]
    steps: list[_runner.Step]
    # Identifies the run on the nodes.
    run: str
    # The options batch, max_fail_percentage, run_timeout, wait_delay and force.
    params: Mapping[str, t.Any]


class NodeRun:
    """The run of a list of scripts on one node."""

    def __init__(self, node: Node) -> None:
        self.id: str = node["id"]
        self.hostname: str | None = node["host_name"]
        self.location: str = node["location"] or ""
        self.status = "skipped"
        self.exit_code: int | None = None
        self.failed_script: str | None = None
        self.output = ""
        self.changed = False
        if node["status"] != "running":
            self.end("unreachable", "The node is %s." % (node["status"] or "in an unknown status"))
        elif not node["id"]:
            self.end("unreachable", "The node has no ID, so E-HPC cannot run commands on it.")

    def preview(self) -> None:
        """Record that the scripts would run."""
        if self.status == "skipped":
            self.status = "would_run"

    def begin(self) -> None:
        """E-HPC may have started the scripts."""
        self.status, self.changed = "unknown", True

    def end(self, status: str, output: str) -> None:
        """There is no report of the node, for this reason."""
        self.status, self.output = status, output

    def record(self, report: _runner.Report, steps: Sequence[_runner.Step]) -> None:
        """Take over what the node has reported."""
        if report.status in ("pending", "stored"):
            return
        self.status, self.output, self.changed = report.status, report.output, report.executed > 0
        self.exit_code = 0 if report.status == "ok" else report.exit_code
        self.failed_script = redact_url(steps[report.number - 1].url) if report.number else None
        if report.status == "busy":
            self.end("timeout", "Another run of scripts was active on this node until run_timeout ended.")
        elif report.status == "interrupted":
            self.end("failed", report.output + "The run was interrupted: the runner was killed or the node restarted.\n")

    def record_silence(self, result: _invocations.Result | None) -> None:
        """Take over a result, or the lack of one, that contains no report."""
        if result is None:
            self.end("timeout" if self.changed else "unreachable", "The node did not respond.")
        elif result.status == _invocations.NO_RESULT:
            self.end("unknown", "E-HPC reports the command as finished, but has no result of this node.")
        elif result.status == "Finished":
            self.changed = False
            self.end("failed", result.message or "The command ended without a report.")
        else:
            self.changed = self.changed and result.status == "Stopped"
            self.end("unreachable", result.message or "E-HPC could not execute the command on this node.")

    def as_result(self) -> dict[str, t.Any]:
        """The node as the module returns it."""
        keys = ("id", "hostname", "status", "exit_code", "failed_script", "output")
        return {key: getattr(self, key) for key in keys}

    def reason(self) -> str:
        """Why the node failed, in one line."""
        # Without the query, which may be long.
        script = self.failed_script.partition("?")[0] if self.failed_script else None
        ended = "exit status %d" % self.exit_code if self.exit_code is not None else "timeout" if self.status == "timeout" else None
        lines = self.output.split("\n")
        last = next((line.strip() for line in reversed(lines) if line.strip()), "")
        last = "".join(character if character.isprintable() else " " for character in last).strip()
        if len(last) > MAX_REASON_LENGTH:
            last = last[:MAX_REASON_LENGTH] + "..."
        line = ": ".join(filter(None, (script, ended, last)))
        return line if line.endswith((".", "!", "?")) else line + "."


def run_on(job: Job, runs: list[NodeRun]) -> None:
    """Run the scripts batch by batch. Raises EhpcError, with the results so far, if E-HPC does not run commands at all."""
    try:
        if not job.params["force"]:
            _ask(job, _runner.look(job.run, job.steps), _with_status(runs, "skipped"), min(job.params["run_timeout"], MAX_QUICK_COMMAND))
        waiting = _with_status(runs, "skipped")
        for batch in batches(waiting, job.params["batch"] or len(waiting) or 1):
            _run_batch(job, batch)
            if is_exceeded(runs, job.params["max_fail_percentage"]):
                break
    except EhpcError as error:
        raise error.with_context(**outcome(job, runs)) from None


def _run_batch(job: Job, runs: list[NodeRun]) -> None:
    """Run the scripts on these nodes at the same time."""
    run_timeout = job.params["run_timeout"]
    environment = {"ClusterId": job.cluster["id"], "AccountType": job.cluster["account_type"] or ""}
    *stores, start = _runner.commands(job.run, job.steps, environment, run_timeout, job.params["force"])
    for command in stores:
        _ask(job, command, _with_status(runs, "skipped"), MAX_QUICK_COMMAND)
    _ask(job, start, _with_status(runs, "skipped"), run_timeout + REPORT_TIME, run_timeout + KILL_TIME, runs_scripts=True)


def _ask(job: Job, command: str, runs: list[NodeRun], seconds: int, timeout: int = MAX_QUICK_COMMAND, runs_scripts: bool = False) -> None:
    """Run a command on nodes, and record what they report within so many seconds. Raises EhpcError."""
    deadline = time.monotonic() + seconds
    by_id = {run.id: run for run in runs}
    # E-HPC may refuse on-premises nodes. Next to each other in the list, they cost the fewest calls.
    node_ids = [run.id for run in sorted(runs, key=lambda run: run.location)]
    started = _invocations.start(job.client, job.cluster["id"], command, node_ids, timeout, deadline)
    for node_id, error in started.refused.items():
        by_id[node_id].end("unreachable", "E-HPC refused to run the command on this node: %s: %s" % (error.code, error.message))
    if runs_scripts:
        for node_id in [*started.uncertain, *(node_id for accepted in started.commands for node_id in accepted.node_ids)]:
            by_id[node_id].begin()
    for accepted, results in _invocations.results(job.client, job.cluster["id"], started.commands, deadline, job.params["wait_delay"]):
        for node_id in accepted.node_ids:
            _record(job, by_id[node_id], results.get(node_id))
    if started.failure:
        raise started.failure


def _record(job: Job, run: NodeRun, result: _invocations.Result | None) -> None:
    if result is None:
        return run.record_silence(None)
    # Scripts may write their own URLs.
    secrets = [secret for step in job.steps for secret in url_secrets(step.url)]
    message = redact_text(_runner.readable(result.message), secrets)
    report = _runner.report(job.run, message)
    if report:
        return run.record(report, job.steps)
    return run.record_silence(result._replace(message=message))


def _with_status(runs: list[NodeRun], *statuses: str) -> list[NodeRun]:
    return [run for run in runs if run.status in statuses]


def is_exceeded(runs: list[NodeRun], percentage: int) -> bool:
    """Whether more nodes have failed than ``max_fail_percentage`` allows."""
    return len(failed(runs)) * 100 > percentage * len(runs)


def failed(runs: list[NodeRun]) -> list[NodeRun]:
    """The nodes that have failed."""
    return _with_status(runs, *FAILED_STATUSES)


def outcome(job: Job, runs: list[NodeRun]) -> dict[str, t.Any]:
    """The result of the module."""
    return {
        "changed": any(run.changed or run.status == "would_run" for run in runs),
        "cluster_id": job.cluster["id"],
        "region": job.client.region,
        "scripts": _post_scripts.redacted(job.scripts),
        "nodes": [run.as_result() for run in runs],
    }


def failure_message(job: Job, runs: list[NodeRun]) -> str:
    """Which nodes have failed, and why, with a line for each."""
    bad, skipped = failed(runs), len(_with_status(runs, "skipped"))
    lines = [
        "The post scripts of cluster %s in %s failed on %d of %d nodes%s:"
        % (job.cluster["id"], job.client.region, len(bad), len(runs), ", and were skipped on %d" % skipped if skipped else "")
    ]
    lines += ["- %s: %s" % (run.hostname or run.id, run.reason()) for run in bad[:MAX_NODES_IN_MESSAGE]]
    if len(bad) > MAX_NODES_IN_MESSAGE:
        lines.append("- and %d more." % (len(bad) - MAX_NODES_IN_MESSAGE))
    return "\n".join(lines)


def unprotected(scripts: Sequence[_post_scripts.Script]) -> list[str]:
    """A warning about each script that is not protected on its way to the nodes."""
    return [
        "Nodes fetch %s without TLS, and it has no checksum: an attacker in the network can replace it. Use https, or set a checksum." % redact_url(script.url)
        for script in scripts
        if script.url.lower().startswith("http:") and not script.checksum
    ]


def scripts_failed(job: Job, runs: list[NodeRun]) -> EhpcError:
    """The failure of a run in which too many nodes have failed."""
    return EhpcError(
        SCRIPTS_FAILED,
        failure_message(job, runs),
        action="InvokeShellCommand",
        hint=(
            "See nodes[].output for the last lines; the full logs are in /var/log/ehpc-post-scripts on each node."
            " Fix the cause and run the task again: nodes that succeeded are skipped."
        ),
        result=outcome(job, runs),
    )
