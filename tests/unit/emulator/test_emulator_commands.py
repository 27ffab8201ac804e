# Copyright (c) 2026, the alicloud.ehpc contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Commands on nodes: they really run, and end with the statuses of the service."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.alicloud.ehpc.tests.emulator import Emulator, ScenarioError
from ansible_collections.alicloud.ehpc.tests.support.script_server import File, ScriptServer

CLUSTER = "ehpc-hz-EXAMPLE"
SCENARIO = {
    "clusters": [
        {
            "id": CLUSTER,
            "nodes": [
                {"id": "i-1", "host_name": "compute000"},
                {"id": "i-2", "host_name": "compute001"},
                {"id": "i-down", "host_name": "compute002", "agent": "down"},
                {"id": "i-refuses", "host_name": "compute003", "agent": "refuses"},
                {"id": "i-stopped", "host_name": "compute004", "status": "stopped"},
            ],
        },
        {"id": "ehpc-hz-creating", "status": "creating"},
        {"id": "ehpc-hz-many", "nodes": {"compute": 60}},
        {"id": "ehpc-hz-hybrid", "location": "OnPremise", "on_premise_commands": "InvalidOpt", "nodes": {"compute": 1, "on_premise_compute": 1}},
        {"id": "ehpc-hz-odd", "nodes": [{"id": "i-3"}, {"id": "i-forgets", "agent": "forgets"}, {"id": "i-unknown", "agent": "unknown"}]},
    ],
    "node_environment": {"COLOUR": "blue and green"},
}


@pytest.fixture
def emulator() -> Iterator[Emulator]:
    with Emulator(SCENARIO) as running:
        yield running


class Shell:
    """Runs commands and waits for them."""

    def __init__(self, plain: Any) -> None:
        self.plain = plain

    def start(self, command: str, *nodes: str, cluster: str = CLUSTER, **params: str) -> str:
        instances = {f"Instance.{number}.Id": node for number, node in enumerate(nodes, 1)}
        answer = self.plain.get("InvokeShellCommand", ClusterId=cluster, Command=command, **instances, **params)
        assert answer.status_code == 200, answer.text
        return str(answer.json()["CommandId"])

    def look(self, operation: str, command_id: str, cluster: str = CLUSTER, **params: str) -> dict[str, Any]:
        answer: dict[str, Any] = self.plain.get(operation, ClusterId=cluster, CommandId=command_id, **params).json()
        return answer

    def results(self, command_id: str, **params: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.look("ListInvocationResults", command_id, **params)["InvocationResults"]["InvocationResult"]
        return found

    def wait(self, command_id: str, cluster: str = CLUSTER) -> str:
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            status = str(self.look("ListInvocationStatus", command_id, cluster)["InvokeStatus"])
            if status != "Running":
                return status
            time.sleep(0.02)
        raise AssertionError("the command does not end")

    def run(self, command: str, *nodes: str, **params: str) -> list[dict[str, Any]]:
        command_id = self.start(command, *nodes, **params)
        self.wait(command_id)
        return self.results(command_id)


@pytest.fixture
def shell(plain: Any) -> Shell:
    return Shell(plain)


def test_a_command_runs_in_the_directory_of_each_node(emulator: Emulator, shell: Shell) -> None:
    results = shell.run('pwd; echo "$COLOUR"; echo "$EHPC_POST_SCRIPTS_STATE" "$EHPC_POST_SCRIPTS_LOG"; touch here', "i-1", "i-2")

    assert [result["InstanceId"] for result in results] == ["i-1", "i-2"]
    for result in results:
        directory = emulator.state.machines.directory(result["InstanceId"])
        assert result["Message"] == f"{directory}\nblue and green\n{directory}/state {directory}/log\n"
        assert (directory / "here").exists()


@pytest.mark.parametrize(("command", "success", "code"), [("exit 0", True, 0), ("exit 7", False, 7), ("kill -9 $$", False, -9)])
def test_exit_codes_are_real(command: str, success: bool, code: int, shell: Shell) -> None:
    (result,) = shell.run(command, "i-1")

    assert (result["InvokeRecordStatus"], result["Success"], result["ExitCode"]) == ("Finished", success, code)


def test_both_outputs_are_the_message(shell: Shell) -> None:
    (result,) = shell.run("echo 'grüße'; echo worse >&2; printf '\\377'", "i-1")

    assert result["Message"] == "grüße\nworse\n�"
    assert result["FinishedTime"].endswith("Z")


def test_a_command_runs_while_others_are_asked_for(shell: Shell) -> None:
    slow = shell.start("until [ -e go ]; do sleep 0.02; done", "i-1")
    (quick,) = shell.run("touch go; echo quick", "i-2")

    assert (quick["Message"], shell.look("ListInvocationStatus", slow)["InvokeStatus"]) == ("quick\n", "Running")
    assert [result["InvokeRecordStatus"] for result in shell.results(slow)] == ["Running"]
    shell.run("touch go", "i-1")
    assert shell.wait(slow) == "Finished"


def test_a_timeout_ends_all_processes_of_a_command(emulator: Emulator, shell: Shell) -> None:
    (result,) = shell.run("echo begun; (timeout 60 sleep 61; touch late) & sleep 62; touch late", "i-1", Timeout="1")

    assert (result["InvokeRecordStatus"], result["Success"], result["ExitCode"], result["Message"]) == ("Failed", False, -1, "begun\n")
    assert not (emulator.state.machines.directory("i-1") / "late").exists()


@pytest.mark.parametrize(("node", "status"), [("i-down", "Running"), ("i-stopped", "Running"), ("i-refuses", "Failed")])
def test_nodes_that_execute_nothing(node: str, status: str, shell: Shell) -> None:
    command_id = shell.start("touch here", node)

    time.sleep(0.1)

    (result,) = shell.results(command_id)
    assert (result["InvokeRecordStatus"], result["Message"], result["Success"]) == (status, "", False)
    assert shell.look("ListInvocationStatus", command_id)["InvokeStatus"] == status


def test_without_nodes_all_of_the_cluster_run_it(shell: Shell) -> None:
    command_id = shell.start("echo hello")

    assert [result["InstanceId"] for result in shell.results(command_id)] == ["i-1", "i-2", "i-down", "i-refuses", "i-stopped"]


def test_a_node_that_the_service_does_not_know(shell: Shell, plain: Any) -> None:
    refused = {"ClusterId": "ehpc-hz-odd", "Command": "exit", "Instance.1.Id": "i-3", "Instance.2.Id": "i-unknown"}
    assert plain.error("InvokeShellCommand", **refused) == (404, "ComputeNotFound")
    assert shell.look("ListInvocationStatus", shell.start("exit", "i-3", cluster="ehpc-hz-odd"), "ehpc-hz-odd")["InvokeInstances"] != []


def test_on_premises_nodes_that_are_refused(shell: Shell, plain: Any) -> None:
    cloud, local = "i-ehpc-hz-hybrid-compute000", "i-ehpc-hz-hybrid-local000"
    refused = {"ClusterId": "ehpc-hz-hybrid", "Command": "exit", "Instance.1.Id": cloud, "Instance.2.Id": local}
    assert plain.error("InvokeShellCommand", **refused) == (406, "InvalidOpt")
    for nodes in ((cloud,), ()):
        status = shell.look("ListInvocationStatus", shell.start("exit", *nodes, cluster="ehpc-hz-hybrid"), "ehpc-hz-hybrid")
        assert [node["InstanceId"] for node in status["InvokeInstances"]["InvokeInstance"]] == [cloud]


def test_a_command_without_a_result(emulator: Emulator, shell: Shell) -> None:
    command_id = shell.start("touch here", "i-3", "i-forgets", cluster="ehpc-hz-odd")
    assert shell.wait(command_id, "ehpc-hz-odd") == "Finished"
    records = shell.look("ListInvocationResults", command_id, "ehpc-hz-odd")["InvocationResults"]["InvocationResult"]
    assert [record["InstanceId"] for record in records] == ["i-3"]
    assert (emulator.state.machines.directory("i-forgets") / "here").exists()


@pytest.mark.parametrize(("form", "message"), [("plain", "a\nü\n"), ("crlf", "a\r\nü\r\n"), ("base64", "YQrDvAo=")])
def test_the_form_of_messages(form: str, message: str, emulator: Emulator, shell: Shell) -> None:
    emulator.state.machines.message_form = form
    assert [result["Message"] for result in shell.run("printf 'a\\nü\\n'", "i-1")] == [message]


def test_the_form_of_messages_is_one_of_three() -> None:
    with pytest.raises(ScenarioError, match=r"message_form is one of plain, crlf, base64, not 'hex'"):
        Emulator({"message_form": "hex"})


def test_results_come_in_pages(shell: Shell) -> None:
    command_id = shell.start("echo hello", cluster="ehpc-hz-many")
    assert shell.wait(command_id, "ehpc-hz-many") == "Finished"

    def page(**params: str) -> tuple[int, int, int]:
        answer = shell.look("ListInvocationResults", command_id, "ehpc-hz-many", **params)
        return answer["TotalCount"], answer["PageSize"], len(answer["InvocationResults"]["InvocationResult"])

    assert page() == (60, 10, 10)
    assert page(PageSize="50") == (60, 50, 50)
    assert page(PageSize="50", PageNumber="2") == (60, 50, 10)


def test_results_can_be_chosen(shell: Shell) -> None:
    command_id = shell.start("echo hello", "i-1", "i-2", "i-refuses")
    shell.wait(command_id)

    assert [result["InstanceId"] for result in shell.results(command_id, InvokeRecordStatus="Finished")] == ["i-1", "i-2"]
    assert [result["InstanceId"] for result in shell.results(command_id, **{"Instance.1.Id": "i-2"})] == ["i-2"]


@pytest.mark.parametrize(
    ("params", "error"),
    [
        ({"Command": None}, (400, "MissingCommand")),
        ({"Command": "x"}, (400, "InvalidParams")),
        ({"Command": "x" * 2049}, (400, "InvalidParams")),
        ({"Timeout": "soon"}, (400, "InvalidParams")),
        ({"Timeout": "0"}, (400, "InvalidParams")),
        ({"Instance.1.Id": "i-nowhere"}, (404, "ComputeNotFound")),
        ({"ClusterId": "ehpc-hz-nowhere"}, (404, "ClusterNotFound")),
        ({"ClusterId": "ehpc-hz-creating"}, (403, "InvalidClusterStatus")),
    ],
)
def test_commands_that_are_refused(params: dict[str, Any], error: tuple[int, str], plain: Any) -> None:
    assert plain.error("InvokeShellCommand", **{"ClusterId": CLUSTER, "Command": "exit", **params}) == error


@pytest.mark.parametrize("operation", ["ListInvocationResults", "ListInvocationStatus"])
def test_queries_that_are_refused(operation: str, shell: Shell, plain: Any) -> None:
    command_id = shell.start("exit", "i-1")

    assert plain.error(operation, ClusterId=CLUSTER) == (400, "MissingCommandId")
    assert plain.error(operation, ClusterId=CLUSTER, CommandId="c-nowhere") == (400, "InvalidParams")
    assert plain.error(operation, ClusterId="ehpc-hz-many", CommandId=command_id) == (400, "InvalidParams")


@pytest.mark.parametrize("params", [{"PageSize": "51"}, {"PageSize": "0"}, {"PageNumber": "0"}, {"InvokeRecordStatus": "Lost"}])
def test_pages_that_are_refused(params: dict[str, str], shell: Shell, plain: Any) -> None:
    command_id = shell.start("exit", "i-1")

    assert plain.error("ListInvocationResults", ClusterId=CLUSTER, CommandId=command_id, **params) == (400, "InvalidParams")


def test_the_longest_command(shell: Shell) -> None:
    (result,) = shell.run("echo " + "数" * 2043, "i-1")

    assert len(result["Message"]) == 2044


def test_the_end_of_the_emulator_ends_commands_and_removes_nodes() -> None:
    emulator = Emulator(SCENARIO).start()
    directory = emulator.state.machines.directory("i-1")
    emulator.state.machines.run(CLUSTER, "echo $$ >begun; timeout 60 sleep 63; touch late", 60, {"i-1": "up"})
    while not (directory / "begun").exists() or not (directory / "begun").read_text():
        time.sleep(0.02)
    process = Path("/proc", (directory / "begun").read_text().strip())
    assert process.exists()

    begun = time.monotonic()
    emulator.stop()

    assert time.monotonic() - begun < 10
    assert not directory.exists()
    # A process that was killed is in /proc until its parent has noticed.
    while process.exists() and time.monotonic() - begun < 10:
        time.sleep(0.02)
    assert not process.exists()


def test_an_agent_is_one_of_five() -> None:
    with pytest.raises(ScenarioError, match=r"clusters\[0\].nodes: agent is one of up, down, refuses, forgets, unknown, not 'asleep'"):
        Emulator({"clusters": [{"id": "c", "nodes": [{"agent": "asleep"}]}]})


def test_an_initialization_runs_the_post_scripts(emulator: Emulator) -> None:
    files: dict[str, File] = {"/a.sh": b'#!/bin/sh\necho "$ClusterId $AccountType $COLOUR $#: $1" | tee "$HOME/said"\n', "/b.sh?x=%20": b"#!/bin/sh\nexit 7\n"}
    with ScriptServer(files, tls=False) as server:
        scripts = [("/a.sh", "'a  b' c"), ("/b.sh?x=%20", ""), ("/a.sh", "")]
        emulator.state.clusters[CLUSTER].post_scripts = [{"url": server.url(path), "args": args} for path, args in scripts]
        record = emulator.initialize(CLUSTER, "i-1")
    assert (record.message, record.exit_code) == (f"{CLUSTER} nis blue and green 2: a  b\n", 7)
    assert (emulator.state.machines.directory("i-1") / "said").read_text() == record.message
