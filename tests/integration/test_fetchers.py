# Copyright (c) 2026, the alicloud.ehpc contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Nodes fetch scripts with curl, or else with wget: with the programs of this machine, if it has them, and with the emulator's stand-ins.

The ID of a test contains the program: `[/usr/bin/curl]` or `[stand-in for curl]`.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import threading
import time
import typing as t
from collections.abc import Iterator
from pathlib import Path

import pytest
from ansible_collections.alicloud.ehpc.plugins.module_utils._errors import EhpcError
from ansible_collections.alicloud.ehpc.tests.emulator import Emulator, fetchers
from ansible_collections.alicloud.ehpc.tests.support.in_process import reaching, run
from ansible_collections.alicloud.ehpc.tests.support.script_server import ScriptServer, redirect, status

CLUSTER = "ehpc-hz-EXAMPLE"
SCRIPT = b"#!/bin/sh\necho hello\n"


def available(name: str) -> list[t.Any]:
    """The program of this machine, if there is one, and the stand-in."""
    real = shutil.which(name)
    return [*([pytest.param((name, real), id=real)] if real else []), pytest.param((name, None), id=f"stand-in for {name}")]


@pytest.fixture(scope="session")
def others(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with all programs of this machine but curl and wget."""
    directory = tmp_path_factory.mktemp("programs")
    for place in os.environ["PATH"].split(os.pathsep):
        for program in Path(place).glob("*") if Path(place).is_dir() else []:
            if program.name not in fetchers.PROGRAMS and not (directory / program.name).is_symlink():
                (directory / program.name).symlink_to(program)
    return directory


@pytest.fixture
def fetcher(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A directory with one of the programs."""
    name, real = request.param
    directory = tmp_path / "fetcher"
    if real:
        directory.mkdir()
        (directory / name).symlink_to(real)
    else:
        fetchers.install(directory, [name])
    return directory


class Node:
    """A node that runs one script each time."""

    def __init__(self, emulator: Emulator) -> None:
        self.emulator = emulator

    def run(self, url: str, **options: t.Any) -> dict[str, t.Any]:
        """The result of the node, also of a failure."""
        given = {"cluster_id": CLUSTER, "scripts": [{"url": url}], "wait_delay": 0.1, "run_timeout": 20, "force": True, **options}
        try:
            result = run("post_scripts_run", {**reaching(self.emulator), **given})
        except EhpcError as error:
            result = error.as_failure()
        (node,) = result["nodes"]
        return t.cast("dict[str, t.Any]", node)


@pytest.fixture
def server() -> Iterator[ScriptServer]:
    with ScriptServer({"/hello.sh": SCRIPT}) as running:
        yield running


@pytest.fixture
def plain() -> Iterator[ScriptServer]:
    with ScriptServer({"/hello.sh": SCRIPT, "/moved.sh": redirect("/hello.sh")}, tls=False) as running:
        yield running


@pytest.fixture
def node(fetcher: Path, others: Path, server: ScriptServer) -> Iterator[Node]:
    environment = {"PATH": f"{fetcher}:{others}", "CURL_CA_BUNDLE": server.ca_path}
    with Emulator({"clusters": [{"id": CLUSTER, "nodes": [{"id": "i-1"}]}], "node_environment": environment}) as emulator:
        yield Node(emulator)


each_curl = pytest.mark.parametrize("fetcher", available("curl"), indirect=True)
each_wget = pytest.mark.parametrize("fetcher", available("wget"), indirect=True)


@each_curl
def test_curl_fetches(node: Node, server: ScriptServer, plain: ScriptServer) -> None:
    for source in (server, plain):
        path = "/hello.sh?a=%20'%22;touch%20canary;'[1-2]&b"
        result = node.run(source.url(path))
        assert (result["status"], result["output"]) == ("ok", "hello\n")
        (request,) = source.requests
        assert (request.path, request.headers["user-agent"].partition("/")[0]) == (path, "curl")


@each_curl
def test_curl_follows_redirects_to_https_only(node: Node, server: ScriptServer, plain: ScriptServer) -> None:
    server.files.update({"/moved.sh": redirect(server.url("/hello.sh")), "/relative.sh": redirect("hello.sh"), "/down.sh": redirect(plain.url("/hello.sh"))})
    assert node.run(server.url("/moved.sh"))["output"] == "hello\n"
    assert node.run(server.url("/relative.sh"))["output"] == "hello\n"
    for url in (server.url("/down.sh"), plain.url("/moved.sh")):
        refused = node.run(url)
        assert (refused["status"], refused["exit_code"]) == ("failed", None)
        assert 'curl: (1) Protocol "http" ' in refused["output"]
    assert plain.paths() == ["/moved.sh"]


@each_curl
def test_curl_fails(node: Node, server: ScriptServer) -> None:
    assert "curl: (22) The requested URL returned error: 404" in node.run(server.url("/gone.sh"))["output"]
    node.emulator.state.machines.environment.pop("CURL_CA_BUNDLE")
    assert "curl: (60) SSL certificate problem: " in node.run(server.url("/hello.sh"))["output"]
    assert "curl: (6) Could not resolve host: scripts.invalid" in node.run("https://scripts.invalid/hello.sh")["output"]
    server.__exit__()
    assert "curl: (7) Failed to connect to 127.0.0.1 port " in node.run(server.url("/hello.sh"))["output"]


@each_curl
def test_curl_ends_in_time(node: Node, server: ScriptServer) -> None:
    ended = threading.Event()

    def hangs(_handler: t.Any) -> None:
        ended.wait(20)

    server.files["/slow.sh"] = hangs
    begun = time.monotonic()
    # The limit is for a machine under load: curl must begin within it.
    result = node.run(server.url("/slow.sh"), run_timeout=4)
    taken = time.monotonic() - begun
    ended.set()
    assert (result["status"], taken < 20) == ("timeout", True)
    assert "curl: (28) Operation timed out after " in result["output"]


@each_curl
def test_a_script_that_is_cut_short_does_not_run(node: Node, server: ScriptServer) -> None:
    def cut(handler: t.Any) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", "1000")
        handler.end_headers()
        handler.wfile.write(SCRIPT)
        handler.close_connection = True

    server.files["/cut.sh"] = cut
    result = node.run(server.url("/cut.sh"))
    assert result["status"] == "failed"
    assert "hello" not in result["output"]
    assert "curl: (18) " in result["output"]


@pytest.mark.parametrize("fetcher", [*available("curl"), *available("wget")], indirect=True)
def test_no_process_shows_the_signature_of_a_url(node: Node, plain: ScriptServer) -> None:
    shown: list[str] = []

    def look(handler: t.Any) -> None:
        for path in Path("/proc").glob("[0-9]*/cmdline"):
            with contextlib.suppress(OSError):  # It has ended meanwhile.
                shown.append(path.read_text(errors="replace"))
        status(200, SCRIPT)(handler)

    plain.files["/signed.sh"] = look
    assert node.run(plain.url("/signed.sh?Signature=EXAMPLEsig"))["status"] == "ok"
    assert len(shown) > 1
    assert [line for line in shown if "EXAMPLEsig" in line] == []


@each_wget
def test_wget_fetches(node: Node, plain: ScriptServer) -> None:
    """Over http, because wget trusts the certificates of the system only."""
    path = "/hello.sh?a=%20';touch%20canary;'[1-2]&b"
    assert node.run(plain.url(path))["output"] == "hello\n"
    (request,) = plain.requests
    assert (request.path, request.headers["user-agent"].partition("/")[0]) == (path, "Wget")


@each_wget
def test_wget_follows_no_redirects(node: Node, plain: ScriptServer) -> None:
    assert node.run(plain.url("/moved.sh"))["status"] == "failed"
    assert plain.paths() == ["/moved.sh"]


@each_wget
def test_wget_fails(node: Node, plain: ScriptServer, server: ScriptServer) -> None:
    for url, code in ((plain.url("/gone.sh"), 8), (server.url("/hello.sh"), 5), ("http://scripts.invalid/hello.sh", 4)):
        assert node.run(url)["output"] == f"wget: exit status {code}\nThe script cannot be fetched: wget: exit status {code}\n"


@each_wget
def test_a_node_with_neither(node: Node, fetcher: Path, server: ScriptServer) -> None:
    (fetcher / "wget").unlink()
    assert node.run(server.url("/hello.sh"))["output"].endswith("\nThe script cannot be fetched: this node has neither curl nor wget\n")
    assert server.requests == []
