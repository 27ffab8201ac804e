# Copyright (c) 2026, the alicloud.ehpc contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""post_scripts_run: real scripts, fetched over https, executed on nodes that are directories of this machine."""

from __future__ import annotations

import hashlib
import os
import threading
import time
import typing as t
from collections.abc import Iterator
from pathlib import Path

import pytest
from ansible_collections.alicloud.ehpc.plugins.module_utils import _invocations, _script_runs
from ansible_collections.alicloud.ehpc.plugins.module_utils._errors import EhpcError
from ansible_collections.alicloud.ehpc.tests.emulator import Emulator
from ansible_collections.alicloud.ehpc.tests.support.in_process import reaching, run
from ansible_collections.alicloud.ehpc.tests.support.parity import Parity
from ansible_collections.alicloud.ehpc.tests.support.playing import Play, task
from ansible_collections.alicloud.ehpc.tests.support.script_server import ScriptServer, redirect

CLUSTER, MANY, HYBRID = "ehpc-hz-EXAMPLE", "ehpc-hz-many", "ehpc-hz-hybrid"
HELLO = b'#!/bin/bash\necho hello | tee -a "$HOME/said"\n'
FILES: dict[str, t.Any] = {
    "/hello.sh": HELLO,
    "/arguments.sh": b'#!/bin/bash\nprintf \'%s\\0\' "$@" >"$HOME/received"\n',
    "/one.sh": b'#!/bin/bash\necho one >>"$HOME/order"\n',
    "/two.py": b"#!/usr/bin/env python3\nimport os\nopen(os.environ['HOME'] + '/order', 'a').write('two\\n')\n",
    "/environment.sh": b'#!/bin/sh\necho "$ClusterId $AccountType $(id -u) $(basename "$0")"\n',
    "/bad.sh": b"#!/bin/sh\necho 'no space' >&2\nexit 7\n",
    "/pause.sh": b"#!/bin/sh\nsleep 4\n",
    "/slow.sh": b"#!/bin/sh\necho begun\nsleep 30\n",
    # Fails on the nodes that have a file of this name.
    "/moody.sh": b'#!/bin/sh\n[ ! -e "$HOME/bad mood" ]\n',
}
ARGUMENTS = ["a b", "it's", 'say "x"', "$HOME", "$(touch canary)", "`touch canary`", "one\ntwo", "数 é🙂", "", "*", "-n", "\\", "!", "; exit 1"]
# The limit is for a machine under load: the scripts take no time.
QUICK = {"wait_delay": 0.1, "run_timeout": 60}


@pytest.fixture
def server() -> Iterator[ScriptServer]:
    with ScriptServer(dict(FILES)) as running:
        yield running


def scenario(server: ScriptServer) -> dict[str, t.Any]:
    nodes = [
        {"id": "i-manager", "host_name": "manager000", "role": "Manager"},
        {"id": "i-1", "host_name": "compute001"},
        {"id": "i-2", "host_name": "compute002"},
        {"id": "i-down", "host_name": "compute003", "agent": "down", "role": "Login"},
        {"id": "i-stopped", "host_name": "compute004", "status": "stopped", "role": "Login"},
        {"id": "i-refuses", "host_name": "compute005", "agent": "refuses", "role": "Login"},
        {"id": "i-forgets", "host_name": "manager006", "agent": "forgets", "role": "Manager"},
        {"id": "i-unknown", "host_name": "manager007", "agent": "unknown", "role": "Manager"},
    ]
    hybrid = {"location": "OnPremise", "on_premise_commands": "ComputeNotFound", "nodes": {"compute": 4, "on_premise_compute": 4}}
    clusters = [{"id": CLUSTER, "nodes": nodes}, {"id": MANY, "nodes": {"compute": 60}}, {"id": HYBRID, **hybrid}]
    return {"clusters": clusters, "node_environment": {"CURL_CA_BUNDLE": server.ca_path}}


@pytest.fixture
def emulator(server: ScriptServer) -> Iterator[Emulator]:
    with Emulator(scenario(server)) as running:
        yield running


class Cluster:
    """Runs the module on a cluster, and reads files of its nodes."""

    def __init__(self, emulator: Emulator, server: ScriptServer) -> None:
        self.emulator, self.server = emulator, server

    def scripts(self, *scripts: str | tuple[str, t.Any]) -> list[dict[str, t.Any]]:
        pairs = [(entry, None) if isinstance(entry, str) else entry for entry in scripts]
        return [{"url": self.server.url(path), "args": args} for path, args in pairs]

    def run(self, *scripts: str | tuple[str, t.Any], check_mode: bool = False, **options: t.Any) -> dict[str, t.Any]:
        given = {"scripts": self.scripts(*scripts)} if scripts else {}
        return run("post_scripts_run", {**reaching(self.emulator), "cluster_id": CLUSTER, **given, **QUICK, **options}, check_mode)

    def fails(self, *scripts: str | tuple[str, t.Any], **options: t.Any) -> dict[str, t.Any]:
        with pytest.raises(EhpcError) as caught:
            self.run(*scripts, **options)
        return caught.value.as_failure()

    def directory(self, node_id: str) -> Path:
        return self.emulator.state.machines.directory(node_id)

    def read(self, node_id: str, name: str) -> str:
        path = self.directory(node_id) / name
        return path.read_text(encoding="utf-8") if path.exists() else ""


@pytest.fixture
def cluster(emulator: Emulator, server: ScriptServer) -> Cluster:
    return Cluster(emulator, server)


def statuses(result: dict[str, t.Any]) -> dict[str, str]:
    return {node["hostname"]: node["status"] for node in result["nodes"]}


def test_stored_scripts_run_in_order(cluster: Cluster) -> None:
    stored = cluster.emulator.state.clusters[CLUSTER]
    stored.post_scripts = [{"url": cluster.server.url(path), "args": ""} for path in ("/one.sh", "/two.py", "/one.sh", "/hello.sh")]

    result = cluster.run()

    assert (result["changed"], result["scripts"]) == (True, stored.post_scripts)
    assert result["nodes"] == [
        {"id": f"i-{number}", "hostname": f"compute00{number}", "status": "ok", "exit_code": 0, "failed_script": None, "output": "hello\n"} for number in (1, 2)
    ]
    for node in ("i-1", "i-2"):
        assert cluster.read(node, "order") == "one\ntwo\none\n"
        assert cluster.read(node, "log/04-hello.sh.log") == "hello\n"
    assert not (cluster.directory("i-manager") / "said").exists()


@pytest.mark.parametrize("as_list", [True, False])
def test_arguments_arrive_unchanged(cluster: Cluster, as_list: bool) -> None:
    text = """ 'a b' it\\'s "say \\"x\\"" $HOME "$(touch canary)" '`touch canary`' 'one\ntwo' '数 é🙂' '' * -n \\\\ ! '; exit 1' """
    cluster.run(("/arguments.sh", ARGUMENTS if as_list else text), nodes=["i-1"])
    assert cluster.read("i-1", "received").split("\0") == [*ARGUMENTS, ""]
    assert not list(cluster.directory("i-1").rglob("canary"))


def test_the_environment(cluster: Cluster) -> None:
    (node,) = cluster.run("/environment.sh", nodes=["compute001"])["nodes"]
    assert node["output"] == f"{CLUSTER} nis {os.getuid()} 01-environment.sh\n"


def test_a_second_run_changes_nothing(cluster: Cluster) -> None:
    def said() -> tuple[int, int]:
        return cluster.read("i-1", "said").count("hello"), len(cluster.server.requests)

    assert (cluster.run("/hello.sh")["changed"], said()) == (True, (1, 2))
    again = cluster.run("/hello.sh")
    assert (again["changed"], statuses(again), said()) == (False, {"compute001": "unchanged", "compute002": "unchanged"}, (1, 2))
    assert (cluster.run(("/hello.sh", "-x"))["changed"], said()) == (True, (2, 4)), "another argument"
    assert (cluster.run("/hello.sh", "/one.sh")["changed"], said()) == (True, (3, 8)), "another script"
    assert (cluster.run("/hello.sh")["changed"], said()) == (False, (3, 8)), "the first list again"
    assert (cluster.run("/hello.sh", force=True)["changed"], said()) == (True, (4, 10))


def test_check_mode_runs_nothing(cluster: Cluster) -> None:
    result = cluster.run("/hello.sh", check_mode=True, roles=["compute", "login"])
    assert (result["changed"], result["scripts"]) == (True, [{"url": cluster.server.url("/hello.sh"), "args": ""}])
    expected = {"compute001": "would_run", "compute002": "would_run", "compute003": "would_run", "compute004": "unreachable", "compute005": "would_run"}
    assert statuses(result) == expected
    assert cluster.emulator.actions() == ["DescribeCluster", "ListNodes"]
    assert cluster.server.requests == []


def test_a_failure_skips_the_remaining_scripts_of_the_node(cluster: Cluster) -> None:
    (cluster.directory("i-1") / "bad mood").touch()

    failure = cluster.fails("/hello.sh", "/moody.sh", "/one.sh")

    first, second = failure["nodes"]
    assert (first["status"], first["exit_code"], first["failed_script"], first["output"]) == ("failed", 1, cluster.server.url("/moody.sh"), "hello\n")
    assert second["status"] == "ok"
    assert (cluster.read("i-1", "order"), cluster.read("i-2", "order")) == ("", "one\n")
    assert f"failed on 1 of 2 nodes:\n- compute001: {cluster.server.url('/moody.sh')}: exit status 1: hello.\n" in failure["msg"]

    (cluster.directory("i-1") / "bad mood").unlink()
    fixed = cluster.run("/hello.sh", "/moody.sh", "/one.sh")
    assert statuses(fixed) == {"compute001": "ok", "compute002": "unchanged"}


def test_the_output_of_a_script(cluster: Cluster) -> None:
    (node,) = cluster.fails("/bad.sh", nodes=["i-1"])["nodes"]
    assert (node["exit_code"], node["output"]) == (7, "no space\n")
    assert cluster.read("i-1", "log/01-bad.sh.log") == "no space\n"


def test_a_timeout(cluster: Cluster) -> None:
    begun = time.monotonic()
    # The first two scripts must be fetched and begin within the limit.
    (node,) = cluster.fails("/hello.sh", "/slow.sh", "/one.sh", nodes=["i-1"], run_timeout=6)["nodes"]
    assert time.monotonic() - begun < 25
    assert (node["status"], node["exit_code"], node["output"]) == ("timeout", None, "hello\nbegun\n")
    assert node["failed_script"] == cluster.server.url("/slow.sh")
    assert cluster.read("i-1", "order") == ""


def test_unreachable_nodes(cluster: Cluster) -> None:
    failure = cluster.fails("/hello.sh", nodes=["i-1", "i-down", "i-stopped", "i-refuses"], run_timeout=8)
    assert {node["id"]: (node["status"], node["output"]) for node in failure["nodes"]} == {
        "i-1": ("ok", "hello\n"),
        "i-down": ("unreachable", "The node did not respond."),
        "i-stopped": ("unreachable", "The node is stopped."),
        "i-refuses": ("unreachable", "E-HPC could not execute the command on this node."),
    }


@pytest.mark.parametrize("force", [False, True])
def test_on_premises_nodes_that_the_service_refuses(cluster: Cluster, force: bool) -> None:
    """The refusal names no node, so the refused nodes are found by halving. The other nodes run the scripts."""
    failure = cluster.fails("/hello.sh", cluster_id=HYBRID, force=force)
    assert [node["status"] for node in failure["nodes"]] == ["ok"] * 4 + ["unreachable"] * 4
    assert failure["nodes"][-1]["output"] == "E-HPC refused to run the command on this node: ComputeNotFound: The specified compute node does not exist."
    assert failure["changed"] is True
    assert cluster.emulator.actions().count("InvokeShellCommand") == 9 + (not force)


def test_one_node_that_the_service_does_not_know(cluster: Cluster) -> None:
    result = cluster.run("/hello.sh", nodes=["i-1", "i-unknown", "i-2"], max_fail_percentage=50)
    assert (result["changed"], statuses(result)) == (True, {"compute001": "ok", "manager007": "unreachable", "compute002": "ok"})


def test_a_node_without_a_result(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its scripts ran. The task does not wait for its result until run_timeout."""
    monkeypatch.setattr(_invocations, "RESULT_DELAY", 2)
    begun = time.monotonic()
    failure = cluster.fails("/hello.sh", nodes=["i-1", "i-forgets"], force=True, run_timeout=600)
    assert (failure["changed"], statuses(failure)) == (True, {"compute001": "ok", "manager006": "unknown"})
    assert time.monotonic() - begun < 30


@pytest.mark.parametrize("form", ["crlf", "base64"])
def test_other_forms_of_messages(cluster: Cluster, form: str) -> None:
    cluster.emulator.state.machines.message_form = form
    assert cluster.run("/hello.sh", nodes=["i-1"])["nodes"][0]["output"] == "hello\n"
    assert "- compute001: " + cluster.server.url("/bad.sh") + ": exit status 7: no space." in cluster.fails("/bad.sh", nodes=["i-1"])["msg"]


@pytest.mark.parametrize(
    ("action", "status"), [("InvokeShellCommand", "unknown"), ("ListInvocationStatus", "ok"), ("ListInvocationResults", "unknown")], ids=lambda value: value
)
def test_calls_that_hang_do_not_extend_the_time_limit(cluster: Cluster, action: str, status: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert _script_runs.REPORT_TIME + _invocations.LAST_READ <= 15, "the documentation says so"
    monkeypatch.setattr(_script_runs, "REPORT_TIME", 1)
    monkeypatch.setattr(_invocations, "LAST_READ", 1)
    cluster.emulator.fault(action, kind="slow_before", seconds=20, times=None)
    begun = time.monotonic()
    try:
        result = cluster.run("/hello.sh", nodes=["i-1"], force=True, run_timeout=6)
    except EhpcError as error:
        result = error.as_failure()
    # The limit and the two above, and 5 for a machine under load.
    assert time.monotonic() - begun < 6 + 1 + 1 + 5
    assert (result["changed"], statuses(result)) == (True, {"compute001": status})


def test_60_nodes_in_batches(cluster: Cluster) -> None:
    ids = [f"i-{MANY}-compute{number:03d}" for number in range(60)]
    begun = time.monotonic()

    result = cluster.run(("/hello.sh", "$x"), cluster_id=MANY, batch=25, run_timeout=120)

    assert [(node["id"], node["status"], node["output"]) for node in result["nodes"]] == [(node, "ok", "hello\n") for node in ids]
    assert {cluster.read(node, "said") for node in ids} == {"hello\n"}
    asked = [sum(name.startswith("Instance.") for name in call.params) for call in cluster.emulator.calls if call.action == "InvokeShellCommand"]
    assert asked == [50, 10, 25, 25, 10]
    assert time.monotonic() - begun < 60


def test_batches_stop_after_a_failure(cluster: Cluster) -> None:
    (cluster.directory(f"i-{MANY}-compute015") / "bad mood").touch()
    failure = cluster.fails("/moody.sh", cluster_id=MANY, batch=10, run_timeout=120)
    assert [node["status"] for node in failure["nodes"]] == ["ok"] * 15 + ["failed"] + ["ok"] * 4 + ["skipped"] * 40
    assert "and were skipped on 40:" in failure["msg"]


def test_a_checksum(cluster: Cluster) -> None:
    right, wrong = ({**cluster.scripts("/hello.sh")[0], "checksum": "sha256:" + digits} for digits in (hashlib.sha256(HELLO).hexdigest(), "0" * 64))
    (node,) = cluster.fails(scripts=[wrong], nodes=["i-1"])["nodes"]
    assert (node["status"], node["exit_code"], cluster.read("i-1", "said")) == ("failed", None, "")
    assert hashlib.sha256(HELLO).hexdigest() in node["output"]
    assert cluster.run(scripts=[right], nodes=["i-1"])["nodes"][0]["status"] == "ok"


@pytest.mark.parametrize(
    ("file", "words"),
    [
        (None, "404"),
        (redirect("http://127.0.0.1:9/hello.sh"), "rotocol"),
    ],
)
def test_scripts_that_cannot_be_fetched(cluster: Cluster, file: t.Any, words: str) -> None:
    if file:
        cluster.server.files["/gone.sh"] = file
    failure = cluster.fails("/gone.sh", "/hello.sh", nodes=["i-1"])
    (node,) = failure["nodes"]
    assert (node["status"], node["exit_code"], node["failed_script"]) == ("failed", None, cluster.server.url("/gone.sh"))
    assert words in node["output"]
    assert "\nThe script cannot be fetched: curl: (" in node["output"]
    assert failure["changed"] is False
    assert f"- compute001: {cluster.server.url('/gone.sh')}: The script cannot be fetched: curl: (" in failure["msg"]
    assert cluster.read("i-1", "said") == ""


def test_an_untrusted_certificate(cluster: Cluster) -> None:
    cluster.emulator.state.machines.environment.clear()
    (node,) = cluster.fails("/hello.sh", nodes=["i-1"])["nodes"]
    assert "certificate" in node["output"]
    assert cluster.server.requests == []


def test_redirects_within_https_are_followed(cluster: Cluster) -> None:
    cluster.server.files["/moved.sh"] = redirect(cluster.server.url("/hello.sh"))
    assert cluster.run("/moved.sh", nodes=["i-1"])["nodes"][0]["output"] == "hello\n"


def test_redirects_to_plain_http_are_not_followed(cluster: Cluster) -> None:
    """Neither from HTTPS, see above, nor from HTTP."""
    with ScriptServer({"/hello.sh": HELLO, "/moved.sh": redirect("/hello.sh")}, tls=False) as plain:
        (node,) = cluster.fails(scripts=[{"url": plain.url("/moved.sh")}], nodes=["i-1"])["nodes"]
        assert "rotocol" in node["output"]
        assert plain.paths() == ["/moved.sh"]
        assert cluster.run(scripts=[{"url": plain.url("/hello.sh")}], nodes=["i-1"])["changed"]


def test_signatures_are_masked(cluster: Cluster) -> None:
    cluster.server.files["/signed.sh"] = b'#!/bin/sh\necho "$1"\nexit 1\n'
    path = "/signed.sh?Expires=1893456000&OSSAccessKeyId=EXAMPLEid&Signature=EXAMPLEsig%3D"
    failure = cluster.fails((path, ["see Signature EXAMPLEsig%3D"]), nodes=["i-1"])
    assert cluster.server.requests[0].path == path
    assert "EXAMPLEsig" not in str(failure["msg"]) + str(failure["nodes"])
    left = [file for file in cluster.directory("i-1").rglob("*") if file.is_file() and "EXAMPLEsig" in file.read_text(errors="replace")]
    # What the script itself writes is in its log and in the result of the run, for root only.
    assert sorted(file.name.partition("-")[0] for file in left) == ["01", "run"]
    assert {file.stat().st_mode & 0o77 for file in left} == {0}


@pytest.mark.parametrize("kind", ["lost_after", "lost_before", "truncated"])
def test_a_lost_response_does_not_run_scripts_twice(cluster: Cluster, kind: str) -> None:
    long = ["".join(chr(0x4E00 + (number * 7919) % 20000) for number in range(900))]
    cluster.emulator.fault("InvokeShellCommand", kind=kind, times=2)
    assert cluster.run(("/hello.sh", long), force=True)["changed"]
    assert [cluster.read(node, "said") for node in ("i-1", "i-2")] == ["hello\n"] * 2
    assert cluster.emulator.actions().count("InvokeShellCommand") > 4


def test_two_runs_at_the_same_time(cluster: Cluster) -> None:
    cluster.server.files["/alone.sh"] = b'#!/bin/sh\nmkdir "$HOME/alone" && sleep 0.3 && rmdir "$HOME/alone"\n'
    found: list[dict[str, str]] = []

    def one() -> None:
        found.append(statuses(cluster.run("/alone.sh", nodes=["i-1"])))

    threads = [threading.Thread(target=one) for _number in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(entry["compute001"] for entry in found) == ["ok", "unchanged", "unchanged"]


def test_no_permission_to_run_commands(cluster: Cluster) -> None:
    cluster.emulator.deny("InvokeShellCommand")
    failure = cluster.fails("/hello.sh")
    assert f"Cannot run a command on the nodes of cluster {CLUSTER} in cn-hangzhou: NotAuthorized" in failure["msg"]
    assert "ehpc:InvokeShellCommand" in failure["error"]["hint"]
    assert (failure["changed"], statuses(failure)) == (False, {"compute001": "skipped", "compute002": "skipped"})


# In playbooks


def test_parity(tmp_path: Path, server: ScriptServer) -> None:
    def tasks(_emulator: Emulator) -> list[dict[str, t.Any]]:
        def run_on(name: str, *paths: str, **options: t.Any) -> dict[str, t.Any]:
            return task(name, "post_scripts_run", cluster_id=CLUSTER, scripts=[{"url": server.url(path)} for path in paths], **QUICK, **options)

        return [
            run_on("preview", "/hello.sh") | {"check_mode": True},
            run_on("first", "/hello.sh"),
            run_on("again", "/hello.sh"),
            run_on("fails", "/hello.sh", "/bad.sh"),
            run_on("tolerated", "/bad.sh", max_fail_percentage=100, force=True),
            run_on("unknown", "/hello.sh", nodes=["compute007"]),
            run_on("role", "/hello.sh", roles=["scheduler"]),
            run_on("text", "/hello.sh", nodes="i-1,i-2"),
        ]

    def prepare(emulator: Emulator) -> None:
        loaded = Emulator(scenario(server)).state
        emulator.state.clusters.update(loaded.clusters)
        emulator.state.machines.environment = loaded.machines.environment

    both = Parity(tmp_path).compare(tasks, prepare=prepare, ignore_errors=True)
    worker = both.worker
    assert [worker[name].changed for name in ("preview", "first", "again")] == [True, True, False]
    assert (worker["fails"].error["code"], statuses(worker["fails"].result)) == ("ScriptsFailed", {"compute001": "failed", "compute002": "failed"})
    assert "on 2 of 2 nodes" in worker["tolerated"].warnings[0]
    assert "has no node with the ID or host name 'compute007'" in worker["unknown"].msg
    assert "value of roles must be one or more of: manager, login, compute" in worker["role"].msg
    assert statuses(worker["text"].result) == {"compute001": "unchanged", "compute002": "unchanged"}


def test_async(play: Play, cluster: Cluster) -> None:
    options: dict[str, t.Any] = {"cluster_id": CLUSTER, "scripts": cluster.scripts("/pause.sh"), **QUICK}
    run = play([task("in the background", "post_scripts_run", **options) | {"async": 60, "poll": 1}])
    assert statuses(run["in the background"].result) == {"compute001": "ok", "compute002": "ok"}
    assert "ASYNC POLL on localhost" in run.stdout
