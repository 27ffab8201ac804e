# Copyright (c) 2026, the alicloud.ehpc contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""post_scripts_run: the commands, their nodes and calls, and the statuses of nodes. test_runner.py tests the
commands themselves."""

from __future__ import annotations

import typing as t
import uuid
from types import SimpleNamespace

import pytest
import requests
from ansible_collections.alicloud.ehpc.plugins.module_utils import _runner
from ansible_collections.alicloud.ehpc.plugins.module_utils._post_scripts import Script
from ansible_collections.alicloud.ehpc.plugins.modules import post_scripts_run
from ansible_collections.alicloud.ehpc.tests.support.scripted import Call, Service
from ansible_collections.alicloud.ehpc.tests.support.words import BASE, CLUSTER, MOUNT, SIGNED, SIGNED_SHOWN, describe, read, script

RUN = "0" * 16
TIMEOUT = requests.exceptions.ReadTimeout("read timed out")
LONG = "".join(str(uuid.uuid5(uuid.NAMESPACE_URL, str(number))) for number in range(35))


@pytest.fixture(autouse=True)
def run_id(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uuid, "uuid4", lambda: SimpleNamespace(hex=RUN * 2))


def node(number: int, role: str = "Compute", status: str = "running") -> dict[str, t.Any]:
    """A node as ListNodes returns it."""
    return {"Id": f"i-{number}", "HostName": f"{role.lower()}{number:03d}", "Status": status, "Roles": {"Role": [role]}}


def nodes(*found: dict[str, t.Any]) -> Call:
    return Call("ListNodes", ClusterId=CLUSTER, PageNumber="1", PageSize="100", answer={"TotalCount": len(found), "Nodes": {"NodeInfo": list(found)}})


def node_result(
    number: int, status: str, exit_code: int | None = None, failed_script: str | None = None, output: str = "", host: str = "compute"
) -> dict[str, t.Any]:
    """A node as the module returns it."""
    return {"id": f"i-{number}", "hostname": f"{host}{number:03d}", "status": status, "exit_code": exit_code, "failed_script": failed_script, "output": output}


def steps(*scripts: dict[str, t.Any]) -> list[_runner.Step]:
    return _runner.steps([Script(entry["url"], entry["args"]) for entry in scripts])


def invoke(command: str, *numbers: int, seconds: int = 1815, command_id: str = "c-1", **how: t.Any) -> Call:
    instances = {f"Instance.{position}.Id": f"i-{number}" for position, number in enumerate(numbers, 1)}
    words: dict[str, t.Any] = {**instances, "answer": {"CommandId": command_id}, **how}
    return Call("InvokeShellCommand", ClusterId=CLUSTER, Command=command, Timeout=str(seconds), **words)


def status(command_id: str = "c-1", **statuses: str) -> Call:
    """The status of a command, by the numbers of nodes: n1="Running"."""
    found = [{"InstanceId": f"i-{name[1:]}", "InstanceInvokeStatus": value} for name, value in statuses.items()]
    return Call("ListInvocationStatus", ClusterId=CLUSTER, CommandId=command_id, answer={"InvokeInstances": {"InvokeInstance": found}})


def results(command_id: str = "c-1", number: int = 1, total: int | None = None, records: t.Mapping[int, str | tuple[str, str]] | None = None) -> Call:
    """The output of nodes; with a status if that is not Finished."""
    found = [
        {"InstanceId": f"i-{key}", "ExitCode": 0, **dict(zip(("InvokeRecordStatus", "Message"), ("Finished", value) if isinstance(value, str) else value))}
        for key, value in (records or {}).items()
    ]
    answer = {"TotalCount": len(found) if total is None else total, "InvocationResults": {"InvocationResult": found}}
    return Call("ListInvocationResults", ClusterId=CLUSTER, CommandId=command_id, PageNumber=str(number), PageSize="50", answer=answer)


def report(status: str, script: int = 0, code: str = "-", output: str = "", executed: int | None = None) -> str:
    """The report of a node, followed by the output of the scripts."""
    if executed is None:
        executed = 0 if status in ("unchanged", "pending", "stored", "busy") else 1
    return f"ehpc-post-scripts {RUN} {status} {script} {code} {executed}\n{output}"


def exchange(command: str, said: t.Mapping[int, str | tuple[str, str]], **how: t.Any) -> list[Call]:
    """A command that all nodes have finished at the first poll."""
    ids = {"command_id": how["command_id"]} if "command_id" in how else {}
    over = {f"n{key}": "Finished" if isinstance(value, str) else value[0] for key, value in said.items()}
    return [invoke(command, *said, **how), status(**ids, **over), results(**ids, records=said)]


def look(*scripts: dict[str, t.Any]) -> str:
    return _runner.look(RUN, steps(*scripts))


def start(*scripts: dict[str, t.Any], seconds: int = 1800, force: bool = False) -> str:
    (command,) = _runner.commands(RUN, steps(*scripts), {"ClusterId": CLUSTER, "AccountType": "nis"}, seconds, force)
    return command


def ensure(service: Service, check_mode: bool = False, **options: t.Any) -> dict[str, t.Any]:
    return service.run(post_scripts_run, check_mode, cluster_id=CLUSTER, **options)


# Run, again, check mode


def test_run(service: Service) -> None:
    one, two = script(BASE, "--mode 'a b'"), script(SIGNED)
    service.expects(describe(), read(one, two), nodes(node(9, "Account"), node(1), node(2)))
    service.expects(*exchange(look(one, two), {1: report("pending"), 2: report("pending")}, seconds=60))
    service.expects(*exchange(start(one, two), {1: report("ok", output="done\n"), 2: report("ok")}))
    result = ensure(service)
    assert result == {
        "changed": True,
        "cluster_id": CLUSTER,
        "region": "cn-hangzhou",
        "scripts": [one, script(SIGNED_SHOWN)],
        "nodes": [node_result(1, "ok", 0, output="done\n"), node_result(2, "ok", 0)],
    }


def test_run_again(service: Service) -> None:
    service.expects(describe(), read(script(BASE)), nodes(node(1), node(2)))
    service.expects(*exchange(look(script(BASE)), {1: report("unchanged"), 2: report("unchanged")}, seconds=60))
    result = ensure(service)
    assert (result["changed"], result["nodes"]) == (False, [node_result(1, "unchanged"), node_result(2, "unchanged")])


def test_nodes_with_the_marker_are_skipped(service: Service) -> None:
    service.expects(describe(), read(script(BASE)), nodes(node(1), node(2)))
    service.expects(*exchange(look(script(BASE)), {1: report("unchanged"), 2: report("pending")}, seconds=60))
    service.expects(*exchange(start(script(BASE)), {2: report("ok")}))
    assert ensure(service)["nodes"] == [node_result(1, "unchanged"), node_result(2, "ok", 0)]


def test_force(service: Service) -> None:
    service.expects(describe(), read(script(BASE)), nodes(node(1)))
    service.expects(*exchange(start(script(BASE), force=True), {1: report("ok")}))
    assert ensure(service, force=True)["nodes"] == [node_result(1, "ok", 0)]


@pytest.mark.parametrize("force", [False, True])
def test_check_mode_sends_no_command(service: Service, force: bool) -> None:
    service.expects(describe(), read(script(BASE)), nodes(node(1), node(2, status="stopped")))
    result = ensure(service, check_mode=True, force=force)
    assert (result["changed"], result["scripts"]) == (True, [script(BASE)])
    assert result["nodes"] == [node_result(1, "would_run"), node_result(2, "unreachable", output="The node is stopped.")]
    assert service.warnings == []


@pytest.mark.parametrize("check_mode", [False, True])
def test_no_scripts(service: Service, check_mode: bool) -> None:
    service.expects(describe(), read(), nodes(node(1), node(2, status="stopped")))
    result = ensure(service, check_mode)
    assert (result["changed"], result["scripts"], result["nodes"]) == (False, [], [node_result(1, "unchanged"), node_result(2, "unchanged")])


def test_an_empty_list_does_not_mean_the_stored_scripts(service: Service) -> None:
    service.expects(describe(), nodes(node(1)))
    assert ensure(service, scripts=[])["nodes"] == [node_result(1, "unchanged")]


@pytest.mark.parametrize("check_mode", [False, True])
def test_no_nodes(service: Service, check_mode: bool) -> None:
    service.expects(describe(), read(script(BASE)), nodes(node(1, "Login")))
    result = ensure(service, check_mode)
    assert (result["changed"], result["nodes"]) == (False, [])


# Selection of nodes and scripts


@pytest.mark.parametrize(
    ("options", "chosen"),
    [
        ({}, ["i-3", "i-4"]),
        ({"roles": ["login", "manager"]}, ["i-1", "i-2"]),
        ({"roles": []}, []),
        ({"nodes": ["compute004", "i-1", "i-4"]}, ["i-4", "i-1"]),
        ({"nodes": []}, []),
        ({"nodes": ["i-2"], "roles": ["compute"]}, ["i-2"]),
    ],
)
def test_chosen_nodes(service: Service, options: dict[str, t.Any], chosen: list[str]) -> None:
    service.expects(describe(), nodes(node(1, "Account"), node(2, "Login"), node(3), node(4)))
    result = ensure(service, check_mode=True, scripts=[{"url": BASE}], **options)
    assert [entry["id"] for entry in result["nodes"]] == chosen


def test_unknown_nodes_fail_before_anything_runs(service: Service) -> None:
    service.expects(describe(), nodes(node(1)))
    error = service.fails(post_scripts_run, cluster_id=CLUSTER, scripts=[{"url": BASE}], nodes=["compute001", "compute07", "i-8"])
    assert (error.code, error.message) == ("InvalidOptions", "The cluster has no node with the ID or host name 'compute07' or 'i-8'.")
    assert error.hint == "Use node IDs or host names; the inventory plugin lists them with hosts: nodes."


def test_checksums_of_given_scripts(service: Service) -> None:
    wanted = _runner.steps([Script(MOUNT, "'a b'", "ab" * 32)])
    service.expects(describe(), nodes(node(1)))
    service.expects(*exchange(_runner.look(RUN, wanted), {1: report("unchanged")}, seconds=60))
    result = ensure(service, scripts=[{"url": MOUNT, "args": ["a b"], "checksum": "sha256:" + "AB" * 32}])
    assert result["scripts"] == [script(MOUNT, "'a b'")]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"cluster_id": " "}, "cluster_id is empty"),
        ({"run_timeout": 0}, "run_timeout must be greater than 0 and less than 1000000 seconds, not 0."),
        ({"wait_delay": 0}, "wait_delay must be greater than 0 and less than 1000000 seconds, not 0.0."),
        ({"wait_delay": float("inf")}, "wait_delay must be greater than 0 and less than 1000000 seconds, not inf."),
        ({"batch": -1}, "batch must be 0 or greater, not -1."),
        ({"max_fail_percentage": 101}, "max_fail_percentage must be from 0 to 100, not 101."),
        ({"max_fail_percentage": -1}, "max_fail_percentage must be from 0 to 100, not -1."),
        ({"scripts": [{"url": BASE, "args": "it's"}]}, "unmatched quote"),
        ({"scripts": [{"url": BASE, "checksum": "md5:1"}]}, "scripts[0].checksum is not a valid SHA-256 checksum"),
        ({"scripts": [{"url": "oss://bucket/a.sh"}]}, "neither an HTTP(S) URL nor an absolute path"),
    ],
)
def test_invalid_options_fail_before_any_call(service: Service, options: dict[str, t.Any], words: str) -> None:
    error = service.fails(post_scripts_run, **{"cluster_id": CLUSTER, **options})
    assert (error.code, words in error.message) == ("InvalidOptions", True), error.message


def test_invalid_stored_scripts_fail_before_anything_runs(service: Service) -> None:
    service.expects(describe(), read(script("oss://bucket/a.sh")))
    error = service.fails(post_scripts_run, cluster_id=CLUSTER)
    assert error.message.startswith("scripts[0].url is neither an HTTP(S) URL nor an absolute path")


@pytest.mark.parametrize(
    "options", [{"run_timeout": 1}, {"run_timeout": 10**6 - 1}, {"wait_delay": 0.1}, {"max_fail_percentage": 0}, {"max_fail_percentage": 100}]
)
def test_numbers_at_their_limits(service: Service, options: dict[str, t.Any]) -> None:
    service.expects(describe(), nodes(node(1)))
    assert ensure(service, check_mode=True, scripts=[{"url": BASE}], **options)["nodes"] == [node_result(1, "would_run")]


def test_a_node_without_a_host_name_and_a_status(service: Service) -> None:
    service.expects(describe(), nodes({**node(1, status=""), "HostName": None}))
    error = service.fails(post_scripts_run, cluster_id=CLUSTER, scripts=[{"url": BASE}])
    assert error.result["nodes"] == [{**node_result(1, "unreachable", output="The node is in an unknown status."), "hostname": None}]
    assert error.message.endswith(" failed on 1 of 1 nodes:\n- i-1: The node is in an unknown status.")


def test_a_node_without_an_id_gets_no_command(service: Service) -> None:
    service.expects(describe(), nodes({**node(1), "Id": None}, node(2)), *exchange(start(script(BASE), force=True), {2: report("ok")}))
    error = service.fails(post_scripts_run, cluster_id=CLUSTER, scripts=[{"url": BASE}], force=True, nodes=["compute001", "i-2"])
    unreachable = {**node_result(1, "unreachable", output="The node has no ID, so E-HPC cannot run commands on it."), "id": None}
    assert error.result["nodes"] == [unreachable, node_result(2, "ok", 0)]
    assert error.message.endswith("- compute001: The node has no ID, so E-HPC cannot run commands on it.")


def test_a_cluster_without_an_account_type(service: Service) -> None:
    (command,) = _runner.commands(RUN, steps(script(BASE)), {"ClusterId": CLUSTER, "AccountType": ""}, 1800, True)
    service.expects(describe(AccountType=None), nodes(node(1)), *exchange(command, {1: report("ok")}))
    assert ensure(service, scripts=[{"url": BASE}], force=True)["nodes"] == [node_result(1, "ok", 0)]


# Commands and waiting


def test_a_long_list_takes_several_commands(service: Service) -> None:
    long = script(BASE, LONG)
    *stores, last = _runner.commands(RUN, steps(long), {"ClusterId": CLUSTER, "AccountType": "nis"}, 1800, True)
    assert len(stores) == 1
    service.expects(describe(), read(long), nodes(node(1), node(2)))
    service.expects(*exchange(stores[0], {1: report("stored"), 2: "No space left on device\n"}, seconds=60))
    service.expects(*exchange(last, {1: report("ok")}))
    error = service.fails(post_scripts_run, cluster_id=CLUSTER, force=True)
    assert error.result["nodes"] == [node_result(1, "ok", 0), node_result(2, "failed", output="No space left on device\n")]


def test_a_node_that_does_not_store_a_part_runs_nothing(service: Service) -> None:
    long = script(BASE, LONG)
    store, last = _runner.commands(RUN, steps(long), {"ClusterId": CLUSTER, "AccountType": "nis"}, 1800, True)
    service.expects(describe(), read(long), nodes(node(1), node(2)), invoke(store, 1, 2, seconds=60))
    service.expects(*[status(n1="Finished", n2="Running")] * 5, results(records={1: report("stored"), 2: ("Running", "")}))
    service.expects(*exchange(last, {1: report("ok")}, command_id="c-2"))
    error = service.fails(post_scripts_run, cluster_id=CLUSTER, force=True, wait_delay=50)
    assert error.result["nodes"] == [node_result(1, "ok", 0), node_result(2, "unreachable", output="The node did not respond.")]


def test_a_call_names_at_most_50_nodes(service: Service) -> None:
    many = list(range(1, 61))
    first = {number: report("unchanged") for number in many[:50]}
    second = {number: report("unchanged") for number in many[50:]}
    command = look(script(BASE))
    service.expects(describe(), read(script(BASE)), nodes(*map(node, many)))
    service.expects(invoke(command, *first, seconds=60), invoke(command, *second, seconds=60, command_id="c-2"))
    service.expects(status(**{f"n{number}": "Finished" for number in first}), results(records=first))
    service.expects(status("c-2", **{f"n{number}": "Finished" for number in second}), results("c-2", records=second))
    assert [entry["status"] for entry in ensure(service)["nodes"]] == ["unchanged"] * 60


def test_all_pages_of_results_are_read(service: Service) -> None:
    service.expects(describe(), read(script(BASE)), nodes(node(1), node(2)))
    service.expects(invoke(look(script(BASE)), 1, 2, seconds=60), status(n1="Finished", n2="Finished"))
    service.expects(results(total=2, records={1: report("unchanged")}), results(number=2, total=2, records={2: report("unchanged")}))
    assert ensure(service)["changed"] is False


def test_the_delay_between_polls_doubles(service: Service) -> None:
    service.expects(describe(), read(script(BASE)), nodes(node(1)), invoke(start(script(BASE), force=True), 1))
    service.expects(*[status(n1="Running")] * 5, status(n1="Finished"), results(records={1: report("ok")}))
    assert ensure(service, force=True, wait_delay=3)["nodes"] == [node_result(1, "ok", 0)]
    assert service.clock.sleeps == [1, 2, 3, 3, 3, 3]


def test_results_may_lag_behind_the_status(service: Service) -> None:
    service.expects(describe(), read(script(BASE)), nodes(node(1)), invoke(start(script(BASE), force=True), 1))
    service.expects(status(n1="Finished"), results(), status(n1="Finished"), results(records={1: report("ok")}))
    assert ensure(service, force=True)["nodes"] == [node_result(1, "ok", 0)]


def test_the_status_of_the_whole_command(service: Service) -> None:
    service.expects(describe(), read(script(BASE)), nodes(node(1)), invoke(start(script(BASE), force=True), 1))
    over = {"InvokeStatus": "Finished", "InvokeInstances": {"InvokeInstance": [{"InstanceId": "i-1", "InstanceInvokeStatus": "Done"}]}}
    service.expects(Call("ListInvocationStatus", ClusterId=CLUSTER, CommandId="c-1", answer=over), results(records={1: report("ok")}))
    assert ensure(service, force=True)["nodes"] == [node_result(1, "ok", 0)]


def test_a_node_that_does_not_respond_in_time(service: Service) -> None:
    service.expects(describe(), read(script(BASE)), nodes(node(1), node(2)), invoke(start(script(BASE), seconds=10, force=True), 1, 2, seconds=60))
    service.expects(*[status(n1="Finished", n2="Running")] * 4, results(records={1: report("ok"), 2: ("Running", "")}))
    error = service.fails(post_scripts_run, cluster_id=CLUSTER, force=True, run_timeout=10, wait_delay=9.5)
    assert error.result["nodes"] == [node_result(1, "ok", 0), node_result(2, "timeout", output="The node did not respond.")]
    assert error.result["changed"] is True
    # The last one ends at the deadline: 10 seconds, and 10 to report.
    assert service.clock.sleeps == [1, 2, 4, 8, 5]


def throttled(call: Call, seconds: float) -> Call:
    """This call, but E-HPC refuses it just after the deadline. A retry would be too late."""
    params: dict[str, t.Any] = call.params
    return Call(call.action, code="Throttling.User", takes=seconds, **params)


def test_the_first_delay_ends_at_the_deadline(service: Service) -> None:
    service.expects(describe(), read(script(BASE)), nodes(node(1)), invoke(look(script(BASE)), 1, seconds=60, takes=0.5))
    service.expects(results(records={1: report("unchanged")}))
    assert ensure(service, run_timeout=1)["nodes"] == [node_result(1, "unchanged")]
    assert service.clock.sleeps == [0.5]


def test_nothing_is_started_after_the_deadline(service: Service) -> None:
    service.expects(describe(), read(script(BASE)), nodes(node(1)), throttled(invoke(start(script(BASE), seconds=1, force=True), 1, seconds=60), 11.2))
    error = service.fails(post_scripts_run, cluster_id=CLUSTER, force=True, run_timeout=1)
    assert (error.code, error.result["nodes"], error.result["changed"]) == ("Throttling.User", [node_result(1, "skipped")], False)


def test_a_status_that_cannot_be_read_in_time_does_not_lose_the_results(service: Service) -> None:
    service.expects(describe(), read(script(BASE)), nodes(node(1)), invoke(start(script(BASE), seconds=1, force=True), 1, seconds=60))
    service.expects(throttled(status(), 10.2), results(records={1: report("ok")}))
    assert ensure(service, force=True, run_timeout=1)["nodes"] == [node_result(1, "ok", 0)]


def test_a_status_that_arrives_after_the_deadline_does_not_lose_the_results(service: Service) -> None:
    """The node that is running does not hide the results of the others."""
    service.expects(describe(), read(script(BASE)), nodes(node(1), node(2)), invoke(start(script(BASE), seconds=1, force=True), 1, 2, seconds=60))
    late = status(n1="Finished", n2="Running")
    late.takes = 10.2
    service.expects(late, results(records={1: report("ok")}))
    error = service.fails(post_scripts_run, cluster_id=CLUSTER, force=True, run_timeout=1)
    assert error.result["nodes"] == [node_result(1, "ok", 0), node_result(2, "timeout", output="The node did not respond.")]

    # Nor are they read for longer than otherwise.
    service.expects(describe(), read(script(BASE)), nodes(node(1), node(2)), invoke(start(script(BASE), seconds=1, force=True), 1, 2, seconds=60))
    service.expects(late, throttled(results(), 5.2))
    assert service.fails(post_scripts_run, cluster_id=CLUSTER, force=True, run_timeout=1).code == "Throttling.User"


def test_results_are_not_read_long_after_the_deadline(service: Service) -> None:
    service.expects(describe(), read(script(BASE)), nodes(node(1)), invoke(start(script(BASE), seconds=1, force=True), 1, seconds=60))
    service.expects(status(n1="Finished"), throttled(results(), 15.2))
    error = service.fails(post_scripts_run, cluster_id=CLUSTER, force=True, run_timeout=1)
    assert (error.code, error.result["nodes"], error.result["changed"]) == ("Throttling.User", [node_result(1, "unknown")], True)


def test_a_command_that_ends_without_a_report(service: Service) -> None:
    service.expects(describe(), read(script(SIGNED)), nodes(node(1)))
    service.expects(*exchange(start(script(SIGNED), force=True), {1: "gzip: not found, for EXAMPLEsig%3D\n"}))
    error = service.fails(post_scripts_run, cluster_id=CLUSTER, force=True)
    assert error.result["nodes"] == [node_result(1, "failed", output="gzip: not found, for ***\n")]


def test_a_command_without_an_id(service: Service) -> None:
    service.expects(describe(), read(script(BASE)), nodes(node(1)), invoke(start(script(BASE), force=True), 1, answer={}))
    service.expects(Call("ListInvocationStatus", ClusterId=CLUSTER, CommandId="", code="MissingParameter"))
    assert service.fails(post_scripts_run, cluster_id=CLUSTER, force=True).code == "MissingParameter"


def test_a_node_that_does_not_respond_to_the_first_command_runs_nothing(service: Service) -> None:
    service.expects(describe(), read(script(BASE)), nodes(node(1), node(2), node(3)), invoke(look(script(BASE)), 1, 2, 3, seconds=60))
    waiting = status(n1="Finished", n2="Running", n3="Failed")
    service.expects(*[waiting] * 3, results(records={1: report("unchanged"), 3: ("Failed", "")}))
    error = service.fails(post_scripts_run, cluster_id=CLUSTER, run_timeout=10, wait_delay=9)
    assert error.result["nodes"] == [
        node_result(1, "unchanged"),
        node_result(2, "unreachable", output="The node did not respond."),
        node_result(3, "unreachable", output="E-HPC could not execute the command on this node."),
    ]
    assert error.result["changed"] is False


def test_the_command_is_sent_again_after_a_lost_response(service: Service) -> None:
    service.expects(describe(), read(script(BASE)), nodes(node(1)))
    service.expects(invoke(start(script(BASE), force=True), 1, error=TIMEOUT))
    service.expects(*exchange(start(script(BASE), force=True), {1: report("ok")}, command_id="c-2"))
    assert ensure(service, force=True)["nodes"] == [node_result(1, "ok", 0)]


# Failures


def test_a_script_that_fails(service: Service) -> None:
    one, two = script(BASE), script(SIGNED)
    service.expects(describe(), read(one, two), nodes(node(1), node(2)))
    said = {1: report("failed", 2, "7", f"cannot open {SIGNED} with EXAMPLEsig%3D\n"), 2: report("timeout", 1)}
    service.expects(*exchange(start(one, two, force=True), said))
    error = service.fails(post_scripts_run, cluster_id=CLUSTER, force=True)
    assert error.result["nodes"] == [
        node_result(1, "failed", 7, SIGNED_SHOWN, f"cannot open {SIGNED_SHOWN} with ***\n"),
        node_result(2, "timeout", None, BASE),
    ]
    failure = error.as_failure()
    assert failure["msg"].splitlines() == [
        f"The post scripts of cluster {CLUSTER} in cn-hangzhou failed on 2 of 2 nodes:",
        f"- compute001: {SIGNED.partition('?')[0]}: exit status 7: cannot open {SIGNED_SHOWN} with ***.",
        f"- compute002: {BASE}: timeout.",
        failure["error"]["hint"],
    ]
    assert (failure["error"]["action"], failure["error"]["code"]) == ("InvokeShellCommand", "ScriptsFailed")
    assert failure["error"]["hint"] == (
        "See nodes[].output for the last lines; the full logs are in /var/log/ehpc-post-scripts on each node."
        " Fix the cause and run the task again: nodes that succeeded are skipped."
    )
    assert failure["changed"] is True


@pytest.mark.parametrize(("number", "more"), [(10, ""), (12, "\n- and 2 more.")])
def test_of_many_failed_nodes_ten_are_named(service: Service, number: int, more: str) -> None:
    service.expects(describe(), read(script(BASE)), nodes(*[node(one, status="stopped") for one in range(1, number + 1)]))
    error = service.fails(post_scripts_run, cluster_id=CLUSTER)
    assert f"failed on {number} of {number} nodes:\n- compute001: The node is stopped.\n- compute002: " in error.message
    assert error.message.endswith(f"\n- compute010: The node is stopped.{more}")


def batches(service: Service, *said: dict[int, str | tuple[str, str]]) -> None:
    """Expect these batches of a forced run, for all of their nodes and two more."""
    last = max(max(batch) for batch in said)
    service.expects(describe(), read(script(BASE)), nodes(*[node(number) for number in range(1, last + 3)]))
    for batch in said:
        service.expects(*exchange(start(script(BASE), force=True), batch))


def test_batches_stop_after_a_failure(service: Service) -> None:
    batches(service, {1: report("ok"), 2: report("ok")}, {3: report("failed", 1, "1"), 4: report("ok")})
    error = service.fails(post_scripts_run, cluster_id=CLUSTER, force=True, batch=2)
    assert [entry["status"] for entry in error.result["nodes"]] == ["ok", "ok", "failed", "ok", "skipped", "skipped"]
    assert error.message.endswith(f" failed on 1 of 6 nodes, and were skipped on 2:\n- compute003: {BASE}: exit status 1.")


def test_batches_continue_while_few_nodes_fail(service: Service) -> None:
    batches(service, {1: report("failed", 1, "1"), 2: report("ok")}, {3: report("ok"), 4: report("ok")})
    # 1 of 4, which is not more than a quarter.
    service._expected[2] = nodes(*[node(number) for number in range(1, 5)])
    result = ensure(service, force=True, batch=2, max_fail_percentage=25)
    assert [entry["status"] for entry in result["nodes"]] == ["failed", "ok", "ok", "ok"]
    (warning,) = service.warnings
    assert warning == f"The post scripts of cluster {CLUSTER} in cn-hangzhou failed on 1 of 4 nodes:\n- compute001: {BASE}: exit status 1."


def test_batches_stop_if_too_many_nodes_fail(service: Service) -> None:
    batches(service, {1: report("failed", 1, "1")}, {2: report("failed", 1, "1")})
    error = service.fails(post_scripts_run, cluster_id=CLUSTER, force=True, batch=1, max_fail_percentage=25)
    assert [entry["status"] for entry in error.result["nodes"]] == ["failed", "failed", "skipped", "skipped"]


def test_a_failed_call_returns_the_results_so_far(service: Service) -> None:
    batches(service, {1: report("ok")})
    service.expects(invoke(start(script(BASE), force=True), 2), status(n2="Running"))
    service.expects(Call("ListInvocationStatus", ClusterId=CLUSTER, CommandId="c-1", code="NotAuthorized"))
    error = service.fails(post_scripts_run, cluster_id=CLUSTER, force=True, batch=1)
    assert (error.code, "ehpc:ListInvocationStatus" in str(error.hint)) == ("NotAuthorized", True)
    assert [entry["status"] for entry in error.result["nodes"]] == ["ok", "unknown", "skipped"]
    assert error.result["changed"] is True


# Nodes that E-HPC refuses or has no result of


def refused(command: str, *numbers: int, code: str = "ComputeNotFound", **how: t.Any) -> Call:
    return invoke(command, *numbers, answer=None, code=code, status=404, message="The specified compute node does not exist.", **how)


REFUSED = "E-HPC refused to run the command on this node: ComputeNotFound: The specified compute node does not exist."


def test_a_node_that_is_refused_does_not_end_the_run(service: Service) -> None:
    command = start(script(BASE), force=True)
    service.expects(describe(), read(script(BASE)), nodes(node(1), node(2), node(3)))
    service.expects(refused(command, 1, 2, 3), invoke(command, 1), refused(command, 2, 3), refused(command, 2), invoke(command, 3, command_id="c-2"))
    service.expects(status(n1="Finished"), results(records={1: report("ok")}), status("c-2", n3="Finished"), results("c-2", records={3: report("ok")}))
    result = ensure(service, force=True, max_fail_percentage=50)
    assert (result["changed"], result["nodes"]) == (True, [node_result(1, "ok", 0), node_result(2, "unreachable", output=REFUSED), node_result(3, "ok", 0)])
    assert "compute002" in service.warnings[0]
    assert service.clock.sleeps == [1], "the second command is not waited for again"


def test_refused_nodes_get_no_further_command(service: Service) -> None:
    service.expects(describe(), read(script(BASE)), nodes(node(1), node(2)))
    service.expects(refused(look(script(BASE)), 1, 2, seconds=60), refused(look(script(BASE)), 1, seconds=60))
    service.expects(*exchange(look(script(BASE)), {2: report("pending")}, seconds=60), *exchange(start(script(BASE)), {2: report("ok")}))
    error = service.fails(post_scripts_run, cluster_id=CLUSTER)
    assert error.result["nodes"] == [node_result(1, "unreachable", output=REFUSED), node_result(2, "ok", 0)]


def test_many_refused_nodes_are_not_isolated_after_the_deadline(service: Service) -> None:
    """All calls that can succeed are made before a refused call is divided."""
    command, many = look(script(BASE)), list(range(1, 55))
    service.expects(describe(), read(script(BASE)), nodes(*map(node, many)))
    service.expects(refused(command, *many[:50], seconds=60, takes=20.0), invoke(command, *many[50:], seconds=60))
    service.expects(refused(command, *many[:25], seconds=60, takes=20.0), refused(command, *many[25:50], seconds=60, takes=20.0))
    service.expects(results(records={number: report("unchanged") for number in many[50:]}))
    error = service.fails(post_scripts_run, cluster_id=CLUSTER)
    assert error.result["nodes"][0] == node_result(1, "unreachable", output=REFUSED)
    assert [entry["status"] for entry in error.result["nodes"]] == ["unreachable"] * 50 + ["unchanged"] * 4


def test_what_ran_is_reported_if_later_nodes_are_refused(service: Service) -> None:
    command, many = start(script(BASE), force=True), list(range(1, 53))
    first = {number: report("ok") for number in many[:50]}
    service.expects(describe(), read(script(BASE)), nodes(*map(node, many)))
    service.expects(invoke(command, *first), refused(command, 51, 52), refused(command, 51), refused(command, 52))
    service.expects(status(**{f"n{number}": "Finished" for number in first}), results(records=first))
    error = service.fails(post_scripts_run, cluster_id=CLUSTER, force=True)
    assert [entry["status"] for entry in error.result["nodes"]] == ["ok"] * 50 + ["unreachable"] * 2
    assert error.result["changed"] is True


@pytest.mark.parametrize("lost", [False, True])
def test_what_ran_is_reported_if_starting_fails(service: Service, lost: bool) -> None:
    command, many = start(script(BASE), force=True), list(range(1, 103))
    first = {number: report("ok") for number in many[:50]}
    service.expects(describe(), read(script(BASE)), nodes(*map(node, many)), invoke(command, *first))
    how: dict[str, t.Any] = {"error": TIMEOUT} if lost else {"answer": None, "code": "NotAuthorized"}
    service.expects(*[invoke(command, *many[50:100], **how)] * (6 if lost else 1))
    service.expects(status(**{f"n{number}": "Finished" for number in first}), results(records=first))
    error = service.fails(post_scripts_run, cluster_id=CLUSTER, force=True)
    assert error.code == ("TimedOut" if lost else "NotAuthorized")
    second = "unknown" if lost else "skipped"
    assert [entry["status"] for entry in error.result["nodes"]] == ["ok"] * 50 + [second] * 50 + ["skipped"] * 2
    assert error.result["changed"] is True


def test_a_start_that_may_have_arrived_counts_as_a_change(service: Service) -> None:
    service.expects(describe(), read(script(BASE)), nodes(node(1)), *[invoke(start(script(BASE), force=True), 1, error=TIMEOUT)] * 6)
    error = service.fails(post_scripts_run, cluster_id=CLUSTER, force=True)
    assert (error.code, error.result["changed"], error.result["nodes"]) == ("TimedOut", True, [node_result(1, "unknown")])


def test_a_finished_command_without_a_result_does_not_wait_for_the_deadline(service: Service) -> None:
    service.expects(describe(), read(script(BASE)), nodes(node(1), node(2)), invoke(start(script(BASE), force=True), 1, 2))
    over = status(n1="Finished", n2="Finished")
    service.expects(*[over, results(records={1: report("ok")})] * 5)
    error = service.fails(post_scripts_run, cluster_id=CLUSTER, force=True)
    assert error.result["nodes"] == [
        node_result(1, "ok", 0),
        node_result(2, "unknown", output="E-HPC reports the command as finished, but has no result of this node."),
    ]
    assert error.result["changed"] is True
    assert sum(service.clock.sleeps) < 30


def test_how_long_a_result_may_lag_behind_the_status(service: Service) -> None:
    """15 seconds, counted from the first time that the node has finished."""
    missing = node_result(1, "unknown", output="E-HPC reports the command as finished, but has no result of this node.")
    service.expects(describe(), read(script(BASE)), nodes(node(1)), invoke(start(script(BASE), force=True), 1))
    service.expects(*[status(n1="Finished"), results()] * 5)
    error = service.fails(post_scripts_run, cluster_id=CLUSTER, force=True, wait_delay=4.5)
    assert (error.result["nodes"], service.clock.sleeps) == ([missing], [1, 2, 4, 4.5, 4.5])

    # It ends before the deadline, where the status is not queried any more.
    service.clock.sleeps.clear()
    service.expects(describe(), read(script(BASE)), nodes(node(1)), invoke(start(script(BASE), seconds=10, force=True), 1, seconds=60))
    service.expects(*[status(n1="Finished"), results()] * 4, results())
    error = service.fails(post_scripts_run, cluster_id=CLUSTER, force=True, run_timeout=10, wait_delay=8)
    assert (error.result["nodes"], service.clock.sleeps) == ([missing], [1, 2, 4, 8, 5])


def test_a_node_that_is_running_has_not_finished(service: Service) -> None:
    """Regardless of the status of the whole command."""
    service.expects(describe(), read(script(BASE)), nodes(node(1)), invoke(start(script(BASE), force=True), 1))
    over = {"InvokeStatus": "Finished", "InvokeInstances": {"InvokeInstance": [{"InstanceId": "i-1", "InstanceInvokeStatus": "Running"}]}}
    service.expects(Call("ListInvocationStatus", ClusterId=CLUSTER, CommandId="c-1", answer=over), *exchange("", {1: report("ok")})[1:])
    assert ensure(service, force=True)["nodes"] == [node_result(1, "ok", 0)]


# The value of changed


@pytest.mark.parametrize(
    ("said", "expected", "changed"),
    [
        (report("failed", 1, "-", "The script cannot be fetched: curl: (22) 404\n", executed=0), "failed", False),
        (report("failed", 2, "-", executed=1), "failed", True),
        (report("failed", 1, "1", executed=1), "failed", True),
        (report("timeout", 1, "-", executed=0), "timeout", False),
        (report("timeout", 1, "-", executed=1), "timeout", True),
        (report("busy", executed=0), "timeout", False),
        (report("interrupted", 1, "-", executed=1), "failed", True),
        ("bash: gzip: command not found\n", "failed", False),
        (("Failed", ""), "unreachable", False),
        (("Stopped", ""), "unreachable", True),
    ],
)
def test_only_executed_scripts_are_a_change(service: Service, said: str | tuple[str, str], expected: str, changed: bool) -> None:
    service.expects(describe(), read(script(BASE), script(MOUNT)), nodes(node(1)))
    service.expects(*exchange(start(script(BASE), script(MOUNT), force=True), {1: said}))
    error = service.fails(post_scripts_run, cluster_id=CLUSTER, force=True)
    assert ([entry["status"] for entry in error.result["nodes"]], error.result["changed"]) == ([expected], changed)


# Messages


@pytest.mark.parametrize(
    ("said", "line"),
    [
        (report("failed", 2, "7", "fine\ndisk full\n\n"), f"{MOUNT}: exit status 7: disk full."),
        (report("failed", 2, "7"), f"{MOUNT}: exit status 7."),
        (report("failed", 1, "-", "curl: (22) 404\nThe script cannot be fetched: curl: (22) 404\n"), f"{BASE}: The script cannot be fetched: curl: (22) 404."),
        (report("timeout", 1, "-", "begun\n"), f"{BASE}: timeout: begun."),
        (report("failed", 1, "1", "help!\n"), f"{BASE}: exit status 1: help!"),
        (report("failed", 1, "1", "really?\n"), f"{BASE}: exit status 1: really?"),
        (report("failed", 1, "1", "x" * 200), f"{BASE}: exit status 1: " + "x" * 200 + "."),
        (report("failed", 1, "1", "\x1b[31mred\x1b[0m\tand " + "long" * 100), f"{BASE}: exit status 1: [31mred [0m and " + "long" * 46 + "..."),
        (report("busy"), "timeout: Another run of scripts was active on this node until run_timeout ended."),
        (report("interrupted", 2, "-", "fine\n"), f"{MOUNT}: The run was interrupted: the runner was killed or the node restarted."),
        ("bash: gzip: command not found\n", "bash: gzip: command not found."),
        ("", "The command ended without a report."),
        (("Failed", ""), "E-HPC could not execute the command on this node."),
    ],
)
def test_the_message_has_a_line_for_each_node(service: Service, said: str | tuple[str, str], line: str) -> None:
    service.expects(describe(), read(script(BASE), script(MOUNT)), nodes(node(1), node(2, status="stopped")))
    service.expects(*exchange(start(script(BASE), script(MOUNT), force=True), {1: said}))
    error = service.fails(post_scripts_run, cluster_id=CLUSTER, force=True)
    first, *lines = str(error).splitlines()
    assert first == f"The post scripts of cluster {CLUSTER} in cn-hangzhou failed on 2 of 2 nodes:"
    assert lines[:2] == [f"- compute001: {line}", "- compute002: The node is stopped."]
    assert lines[2:] == [error.hint]


def test_a_cluster_without_scripts_is_a_warning(service: Service) -> None:
    service.expects(describe(), read(), nodes(node(1)))
    assert ensure(service)["nodes"] == [node_result(1, "unchanged")]
    assert service.warnings == [
        f"Cluster {CLUSTER} in cn-hangzhou has no post scripts, so nothing was run. Set them with alicloud.ehpc.post_scripts, or use the option scripts."
    ]


@pytest.mark.parametrize(
    ("options", "roles"), [({}, "compute"), ({"roles": ["manager", "compute"]}, "manager or compute"), ({"roles": []}, None), ({"nodes": []}, None)]
)
def test_a_cluster_without_such_nodes_is_a_warning(service: Service, options: dict[str, t.Any], roles: str | None) -> None:
    service.expects(describe(), read(script(BASE)), nodes(node(1, "Login")))
    assert ensure(service, **options)["nodes"] == []
    assert service.warnings == ([f"Cluster {CLUSTER} in cn-hangzhou has no {roles} nodes, so nothing was run."] if roles else [])


def test_scripts_over_plain_http_without_a_checksum_are_a_warning(service: Service) -> None:
    plain, checked = (
        {"url": "HTTP://scripts.example.com/a.sh?Signature=EXAMPLEsig"},
        {"url": "http://scripts.example.com/b.sh", "checksum": "sha256:" + "0" * 64},
    )
    service.expects(describe(), nodes(node(1)))
    ensure(service, check_mode=True, scripts=[plain, checked, {"url": BASE}, {"url": "/x.sh"}])
    assert service.warnings == [
        "Nodes fetch HTTP://scripts.example.com/a.sh?Signature=*** without TLS, and it has no checksum: an attacker in the network can replace it."
        " Use https, or set a checksum."
    ]


def test_a_blank_name_does_not_select_nodes_without_a_host_name(service: Service) -> None:
    service.expects(describe(), nodes({**node(1), "HostName": ""}, {**node(2), "HostName": None}))
    error = service.fails(post_scripts_run, cluster_id=CLUSTER, scripts=[{"url": BASE}], nodes=[""])
    assert (error.code, error.message) == ("InvalidOptions", "The cluster has no node with the ID or host name ''.")
