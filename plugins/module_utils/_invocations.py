# Copyright (c) 2026, the alicloud.ehpc contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Shell commands on the nodes of a cluster: start a command, wait for it, read its results."""

from __future__ import annotations

import time
import typing as t
from collections import deque

from ansible_collections.alicloud.ehpc.plugins.module_utils._batches import batches
from ansible_collections.alicloud.ehpc.plugins.module_utils._client import items, poll
from ansible_collections.alicloud.ehpc.plugins.module_utils._errors import EhpcError

if t.TYPE_CHECKING:  # pragma: no cover
    from collections.abc import Sequence

    from ansible_collections.alicloud.ehpc.plugins.module_utils._client import Client

# The documentation does not say how many nodes a call may name. With this many its URL stays below 8 KiB.
MAX_NODES_PER_CALL = 50
# Seconds. One page of the documentation has this minimum, another one has none.
MIN_TIMEOUT = 60
INITIAL_DELAY = 1.0
# How long the results may lag behind the status, and how long reading them may take after the deadline.
RESULT_DELAY = 15
LAST_READ = 5
FINAL_STATUSES = ("Finished", "Failed", "Stopped")
# The status of a node for which E-HPC has no result although it reports the command as finished.
NO_RESULT = "NoResult"
# The codes that may be about one of the nodes. The documentation lists codes for the whole product only.
NODE_CODES = ("ComputeNotFound", "InvalidParams", "InvalidOpt", "ExecFail", "EcsError", "AliyunError")


class Result(t.NamedTuple):
    """The end of a command on one node."""

    status: str
    message: str


class Command(t.NamedTuple):
    """A command that E-HPC has accepted for some nodes."""

    id: str
    node_ids: Sequence[str]


class Started(t.NamedTuple):
    """The commands that were started."""

    commands: list[Command]
    # By node ID, why E-HPC refused to run the command there.
    refused: dict[str, EhpcError]
    # What ended the starting, and the nodes of that call if it may have started the command.
    failure: EhpcError | None = None
    uncertain: Sequence[str] = ()


def start(client: Client, cluster_id: str, command: str, node_ids: Sequence[str], timeout: int, deadline: float) -> Started:
    """Start a command on nodes. E-HPC ends it after ``timeout`` seconds; none is started after the deadline (of time.monotonic()).

    One node that E-HPC refuses makes it refuse the whole call, so the nodes of that call are halved until that node is alone, or until the
    deadline: E-HPC may refuse hundreds. If a response is lost, the command is started once more: it must tolerate that.
    """
    started = Started([], {})
    waiting: deque[tuple[list[str], EhpcError | None]] = deque((batch, None) for batch in batches(node_ids, MAX_NODES_PER_CALL))
    while waiting:
        group, refusal = waiting.popleft()
        if refusal and time.monotonic() >= deadline:
            started.refused.update(dict.fromkeys(group, refusal))
            continue
        params = {"ClusterId": cluster_id, "Command": command, "Timeout": str(max(MIN_TIMEOUT, timeout))}
        params.update({"Instance.%d.Id" % number: node_id for number, node_id in enumerate(group, 1)})
        try:
            response = client.call("InvokeShellCommand", params, deadline=deadline)
        except EhpcError as error:
            if error.code not in NODE_CODES:
                return started._replace(failure=error, uncertain=group if error.response_lost else ())
            middle = len(group) // 2
            if middle:
                waiting.extend([(group[:middle], error), (group[middle:], error)])
            else:
                started.refused[group[0]] = error
        else:
            started.commands.append(Command(str(response.get("CommandId") or ""), group))
    return started


def results(client: Client, cluster_id: str, commands: Sequence[Command], deadline: float, delay: float) -> t.Iterator[tuple[Command, dict[str, Result]]]:
    """Each command with its results by node ID, once all of its nodes have one, or at the deadline. Raises EhpcError.

    A node that has not finished by then is not among the results. ``delay`` is the maximum delay in seconds between two polls.
    """
    pause = min(INITIAL_DELAY, delay)
    if commands:
        time.sleep(max(0.0, min(pause, deadline - time.monotonic())))
    for command in commands:
        yield command, _wait(client, cluster_id, command, deadline, pause, delay)


def _wait(client: Client, cluster_id: str, command: Command, deadline: float, pause: float, delay: float) -> dict[str, Result]:
    params = {"ClusterId": cluster_id, "CommandId": command.id}
    finished: list[float] = []

    def read() -> dict[str, Result] | None:
        now = time.monotonic()
        if not _is_finished(client, params, command.node_ids, deadline):
            return None
        finished.append(now)
        found = _read_results(client, params, deadline + LAST_READ)
        if now >= finished[0] + RESULT_DELAY:
            found.update({node_id: Result(NO_RESULT, "") for node_id in command.node_ids if node_id not in found})
        return found

    found = poll(read, lambda found: found is not None and set(command.node_ids) <= set(found), deadline, min(pause * 2, delay), delay)
    # The deadline may have passed during the last query of the status.
    return _read_results(client, params, deadline + LAST_READ) if found is None else found


def _is_finished(client: Client, params: dict[str, str], node_ids: Sequence[str], deadline: float) -> bool:
    """Whether the results can be read: all nodes have finished, or the deadline has passed."""
    if time.monotonic() >= deadline:
        return True
    try:
        response = client.call("ListInvocationStatus", params, deadline=deadline)
    except EhpcError:
        if time.monotonic() >= deadline:
            return True
        raise
    statuses = {node.get("InstanceId"): node.get("InstanceInvokeStatus") for node in items(response, "InvokeInstances", "InvokeInstance")}
    # The documentation does not list the statuses of single nodes, but a node that is running has not finished.
    over = response.get("InvokeStatus") in FINAL_STATUSES and "Running" not in statuses.values()
    return over or all(statuses.get(node_id) in FINAL_STATUSES for node_id in node_ids)


def _read_results(client: Client, params: dict[str, str], deadline: float) -> dict[str, Result]:
    """The results of the nodes that have finished the command, by node ID."""
    records = client.pages("ListInvocationResults", "InvocationResults", "InvocationResult", params, deadline=deadline)
    return {
        str(record.get("InstanceId")): Result(str(record["InvokeRecordStatus"]), str(record.get("Message") or ""))
        for record in records
        if record.get("InvokeRecordStatus") in FINAL_STATUSES
    }
