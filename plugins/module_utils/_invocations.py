# Copyright (c) 2026, the alicloud.ehpc contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Shell commands on the nodes of a cluster: starting them, waiting for them, reading what came of them."""

from __future__ import annotations

import time
import typing as t

from ansible_collections.alicloud.ehpc.plugins.module_utils._client import items

if t.TYPE_CHECKING:  # pragma: no cover
    from collections.abc import Sequence

    from ansible_collections.alicloud.ehpc.plugins.module_utils._client import Client

# How many nodes one call may name is not documented. With so many the address of a call stays below 8 KiB.
NODES_PER_CALL = 50
# The least that a timeout may be is documented in one place, and not in another.
LEAST_TIMEOUT = 60
FIRST_DELAY = 1.0
OVER = ("Finished", "Failed", "Stopped")


class Result(t.NamedTuple):
    """What became of a command on one node."""

    status: str
    message: str


def run(client: Client, cluster_id: str, command: str, node_ids: Sequence[str], seconds: float, delay: float) -> dict[str, Result]:
    """Run a command on nodes, and wait so many seconds for it. A node that has not ended it by then is not in the result.

    Where the answer to the call that starts it is lost, it is started once more: the command has to bear that.
    """
    groups = [node_ids[begin : begin + NODES_PER_CALL] for begin in range(0, len(node_ids), NODES_PER_CALL)]
    command_ids = [_start(client, cluster_id, command, group, seconds) for group in groups]
    deadline = time.monotonic() + seconds
    found: dict[str, Result] = {}
    for command_id, group in zip(command_ids, groups):
        found.update(_wait(client, {"ClusterId": cluster_id, "CommandId": command_id}, group, deadline, delay))
    return found


def _start(client: Client, cluster_id: str, command: str, node_ids: Sequence[str], seconds: float) -> str:
    params = {"ClusterId": cluster_id, "Command": command, "Timeout": str(max(LEAST_TIMEOUT, int(seconds)))}
    params.update({"Instance.%d.Id" % number: node_id for number, node_id in enumerate(node_ids, 1)})
    return str(client.call("InvokeShellCommand", params).get("CommandId") or "")


def _wait(client: Client, params: dict[str, str], node_ids: Sequence[str], deadline: float, delay: float) -> dict[str, Result]:
    """The results of a command once all nodes have one, or at the deadline."""
    pause = min(FIRST_DELAY, delay)
    while True:
        time.sleep(max(0.0, min(pause, deadline - time.monotonic())))
        pause = min(pause * 2, delay)
        late = time.monotonic() >= deadline
        if late or _is_over(client, params, node_ids):
            found = _results(client, params)
            if late or set(node_ids) <= set(found):
                return found


def _is_over(client: Client, params: dict[str, str], node_ids: Sequence[str]) -> bool:
    answer = client.call("ListInvocationStatus", params)
    nodes = items(answer, "InvokeInstances", "InvokeInstance")
    over = {node.get("InstanceId") for node in nodes if node.get("InstanceInvokeStatus") in OVER}
    # What the statuses of single nodes can be is not documented.
    return answer.get("InvokeStatus") in OVER or set(node_ids) <= over


def _results(client: Client, params: dict[str, str]) -> dict[str, Result]:
    """The results of the nodes that have ended the command."""
    records = client.pages("ListInvocationResults", "InvocationResults", "InvocationResult", params)
    return {
        str(record.get("InstanceId")): Result(str(record["InvokeRecordStatus"]), str(record.get("Message") or ""))
        for record in records
        if record.get("InvokeRecordStatus") in OVER
    }
