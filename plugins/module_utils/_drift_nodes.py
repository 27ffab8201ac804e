# Copyright (c) 2026, the alicloud.ehpc contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Ask nodes whether they have run a list of scripts, and which user IDs they know. The commands change nothing on a node."""

from __future__ import annotations

import re
import shlex
import time
import typing as t
import uuid

from ansible_collections.alicloud.ehpc.plugins.module_utils import _invocations, _runner

if t.TYPE_CHECKING:  # pragma: no cover
    from collections.abc import Sequence

    from ansible_collections.alicloud.ehpc.plugins.module_utils._client import Client
    from ansible_collections.alicloud.ehpc.plugins.module_utils._nodes import Node

Uids = t.Dict[str, t.Optional[int]]

# Seconds.
TIME_LIMIT = 60
WAIT_DELAY = 4
# Follows the report about the scripts, or stands alone. A name that the node does not know has no line. The report comes last, because
# an account service may hang.
_PASSWD = 'getent passwd %s|cut -d: -f1,3\necho "ehpc-post-scripts %s uids 0 - 0"'
# Characters of names in one command. The rest of it is shorter than half of what a command may have.
MAX_NAMES = _runner.MAX_COMMAND_LENGTH // 2
_REPORT = re.compile(r"^ehpc-post-scripts (\w+) (unchanged|pending|uids) 0 - 0$", re.MULTILINE)
_UID = re.compile(r"^([^:\n]+):([0-9]+)$", re.MULTILINE)


def compare(client: Client, cluster_id: str, nodes: Sequence[Node], steps: list[_runner.Step] | None, uids: t.Mapping[str, int]) -> list[dict[str, t.Any]]:
    """The state of each node: whether it has run these steps (None: not asked), and the users that have other IDs there. Raises EhpcError."""
    answers = {id(node): Answer(node) for node in nodes}
    run = uuid.uuid4().hex[:16]
    for command in commands(run, steps, list(uids)):
        _ask(client, cluster_id, run, command, [answer for answer in answers.values() if answer.reason is None])
    return [answers[id(node)].as_result(steps, uids) for node in nodes]


def commands(run: str, steps: list[_runner.Step] | None, names: list[str]) -> list[str]:
    """The commands to run on each node; an empty list if there is nothing to ask."""
    groups = _groups([shlex.quote(name) for name in names])
    passwd = [_PASSWD % (" ".join(group), run) for group in groups]
    if not steps:
        return passwd
    first, rest = passwd[:1], passwd[1:]
    return ["\n".join([_runner.look(run, steps), *first]), *rest]


def _groups(words: list[str]) -> list[list[str]]:
    """The words in groups of at most MAX_NAMES characters."""
    groups: list[list[str]] = []
    room = 0
    for word in words:
        if len(word) > room:
            groups.append([])
            room = MAX_NAMES
        groups[-1].append(word)
        room -= len(word) + 1
    return groups


class Answer:
    """The report of one node."""

    def __init__(self, node: Node) -> None:
        self.id: str = node["id"]
        self.hostname: str | None = node["host_name"]
        self.location: str = node["location"] or ""
        self.has_run: bool | None = None
        self.uids: dict[str, int] = {}
        # The reason why the node did not report.
        self.reason: str | None = None
        if node["status"] != "running":
            self.reason = "The node is %s." % (node["status"] or "in an unknown status")
        elif not node["id"]:
            self.reason = "The node has no ID, so E-HPC cannot run commands on it."

    def record(self, run: str, result: _invocations.Result | None, reports: int) -> None:
        """Take over the output of a command, or the lack of one. It should contain so many reports."""
        if result is None or result.status == _invocations.NO_RESULT:
            self.reason = "The node did not respond."
            return
        message = _runner.readable(result.message)
        statuses = [status for reported, status in _REPORT.findall(message) if reported == run]
        if len(statuses) < reports:
            self.reason = "The command ended without a report." if result.status == "Finished" else "E-HPC could not execute the command on this node."
        if set(statuses) & {"unchanged", "pending"}:
            self.has_run = "unchanged" in statuses
        self.uids.update({name: int(uid) for name, uid in _UID.findall(message)})

    def as_result(self, steps: list[_runner.Step] | None, uids: t.Mapping[str, int]) -> dict[str, t.Any]:
        """The node as the module returns it."""
        found = self.uids
        wrong = [{"name": name, "uid": found[name], "expected": uid} for name, uid in uids.items() if name in found and found[name] != uid]
        unknown = [name for name in uids if name not in found] if self.reason is None else []
        # Every node has run an empty list.
        has_run = True if steps == [] else self.has_run
        scripts = "not_compared" if steps is None else "failed" if has_run is None else "in_sync" if has_run else "drifted"
        state = "failed" if self.reason else "drifted" if scripts == "drifted" or wrong else "in_sync"
        return {
            "id": self.id,
            "hostname": self.hostname,
            "state": state,
            "scripts": scripts,
            "wrong_uids": wrong,
            "unknown_users": unknown,
            "reason": self.reason,
        }


def _ask(client: Client, cluster_id: str, run: str, command: str, answers: list[Answer]) -> None:
    """Run a command on nodes, and record what they report. Raises EhpcError."""
    if not answers:
        return
    deadline = time.monotonic() + TIME_LIMIT
    by_id = {answer.id: answer for answer in answers}
    # E-HPC may refuse on-premises nodes. Next to each other in the list, they cost the fewest calls.
    node_ids = [answer.id for answer in sorted(answers, key=lambda answer: answer.location)]
    started = _invocations.start(client, cluster_id, command, node_ids, TIME_LIMIT, deadline)
    for node_id, error in started.refused.items():
        by_id[node_id].reason = "E-HPC refused to run the command on this node: %s: %s." % (error.code, error.message.rstrip("."))
    if started.failure:
        raise started.failure
    for accepted, results in _invocations.results(client, cluster_id, started.commands, deadline, WAIT_DELAY):
        for node_id in accepted.node_ids:
            by_id[node_id].record(run, results.get(node_id), command.count('echo "ehpc-post-scripts '))
