# Copyright (c) 2026, the alicloud.ehpc contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The preflight in playbooks: in the worker and as a process, in the role, and through a proxy. Each problem: unit/modules/test_preflight.py."""

from __future__ import annotations

import hashlib
import re
import typing as t
from collections.abc import Iterator
from pathlib import Path

import pytest
from ansible_collections.alicloud.ehpc.tests.emulator import Emulator
from ansible_collections.alicloud.ehpc.tests.support.parity import Parity
from ansible_collections.alicloud.ehpc.tests.support.playing import Play, Run, Task, task
from ansible_collections.alicloud.ehpc.tests.support.script_server import ScriptServer, redirect, status
from ansible_collections.alicloud.ehpc.tests.support.servers import Proxy

CLUSTER = "ehpc-hz-hybrid01"
ROLE = "alicloud.ehpc.ehpc_bootstrap"
GOOD = b"#!/bin/bash\ntrue\n"
SUM, OTHER_SUM = f"sha256:{hashlib.sha256(GOOD).hexdigest()}", f"sha256:{'0' * 64}"
SIGNATURE = "?Expires=1893456000&OSSAccessKeyId=EXAMPLEid&Signature=EXAMPLEsig%3D"


@pytest.fixture
def server() -> Iterator[ScriptServer]:
    with ScriptServer({"/good.sh": GOOD, "/dos.sh": b"#!/bin/sh\r\n", "/private.sh": status(403), "/moved.sh": redirect("/good.sh")}) as running:
        yield running


def checked(name: str, server: ScriptServer, *paths: str, **options: t.Any) -> Task:
    """A task that sets the scripts of the server with these paths."""
    given = {"cluster_id": CLUSTER, "ca_path": server.ca_path, "preflight": "warn", "scripts": [{"url": server.url(path)} for path in paths]}
    return task(name, "post_scripts", **{**given, **options})


def test_worker_and_process_return_the_same(tmp_path: Path, server: ScriptServer) -> None:
    good = {"url": server.url("/good.sh"), "checksum": SUM}
    home = tmp_path / "home"
    parity = Parity(tmp_path)
    (home / ".netrc").write_text("default login EXAMPLEuser password EXAMPLEpw\n", encoding="utf-8")
    (home / ".netrc").chmod(0o600)
    both = parity.compare(
        [
            checked("preview", server, "/good.sh", "/dos.sh") | {"check_mode": True},
            checked("warn", server, "/good.sh", "/dos.sh", "/none.sh", "/private.sh" + SIGNATURE, "/moved.sh", "/good.sh"),
            checked("fail", server, "/good.sh", "/private.sh" + SIGNATURE, preflight="fail"),
            checked("same", server, scripts=[good], preflight="fail"),
            checked("other", server, scripts=[good, {**good, "checksum": OTHER_SUM}]),
            checked("off", server, "/none.sh", preflight=False),
            checked("checksum and off", server, scripts=[good], preflight="off"),
            checked("no checksum", server, scripts=[{**good, "checksum": "0123"}]),
            checked("no preflight", server, preflight="maybe"),
            checked("refused", server, scripts=[{"url": "https://100.100.100.200/latest/"}]),
        ],
        ignore_errors=True,
        verbosity=3,
    )
    run = both.worker
    statuses = {result.task: result.status for result in run.results}
    changed, failed = ["preview", "warn", "same", "off", "refused"], ["fail", "other", "checksum and off", "no checksum", "no preflight"]
    assert statuses == {**dict.fromkeys(changed, "changed"), **dict.fromkeys(failed, "failed")}
    assert [entry["ok"] for entry in run["warn"]["preflight"]] == [True, False, False, False, True, True]
    assert len([warning for warning in run["warn"].warnings if warning.startswith("Preflight of ")]) == 3
    assert run["fail"].error["code"] == run["other"].error["code"] == "PreflightFailed"
    assert [entry["ok"] for entry in run["fail"].result["preflight"]] == [True, False]
    assert run["off"]["preflight"] == []
    assert [action for action, _params in both.calls].count("SetPostScripts") == 4
    for request in server.requests:
        assert not {"authorization", "cookie"} & set(request.headers)
    for seen in (both.worker.everything(), both.process.everything()):
        assert "EXAMPLEsig" not in seen
        assert "EXAMPLEid" not in seen


@pytest.fixture
def bootstrap(play: Play, emulator: Emulator, server: ScriptServer) -> t.Callable[..., Run]:
    """Runs the role's playbook with scripts of the server."""

    def run(scripts: t.Any, code: int = 0, check: bool = False, **variables: t.Any) -> Run:
        env = {
            "ALIBABA_CLOUD_ACCESS_KEY_ID": emulator.access_key,
            "ALIBABA_CLOUD_ACCESS_KEY_SECRET": emulator.secret_key,
            "ALIBABA_CLOUD_REGION_ID": emulator.region,
            "ALIBABA_CLOUD_EHPC_ENDPOINT": emulator.endpoint,
            "ALIBABA_CLOUD_CA_BUNDLE": server.ca_path,
        }
        given = {"cluster_id": CLUSTER, "sync_users": "false", "post_scripts": scripts, "preflight": "", **variables}
        extra_vars = {f"ehpc_bootstrap_{name}": value for name, value in given.items()}
        return play.playbook("alicloud.ehpc.bootstrap", extra_vars=extra_vars, env=env, code=code, check=check)

    return run


def set_scripts(run: Run) -> list[dict[str, t.Any]]:
    return t.cast("list[dict[str, t.Any]]", run[f"{ROLE} : Set the post scripts"]["preflight"])


@pytest.mark.parametrize("preflight", ["", None, "warn", "Warn"])
def test_the_role_warns(bootstrap: t.Callable[..., Run], emulator: Emulator, server: ScriptServer, preflight: str | None) -> None:
    lines = f"{server.url('/good.sh')} --mode hybrid\n{server.url('/none.sh')}\n"
    run = bootstrap(lines, preflight=preflight)
    assert [entry["ok"] for entry in set_scripts(run)] == [True, False]
    assert "Not found (HTTP 404)." in " ".join((run.stdout + run.stderr).split())
    assert re.search(r"^CLUSTER +REGION +STATUS +SCRIPTS +USERS +WARNINGS\n\S+ +cn-hangzhou +running +changed +not managed +1$", run.stdout, re.MULTILINE)
    assert emulator.actions() == ["DescribeCluster", "GetPostScripts", "SetPostScripts", "GetPostScripts"]
    if preflight != "":
        return
    emulator.forget()
    assert [entry["ok"] for entry in set_scripts(bootstrap(lines, sync_users="", expected_users="hpcuser01"))] == [True, False]
    assert emulator.actions() == ["DescribeCluster", "GetPostScripts", "ListUsers"], "a converged run makes three calls"


@pytest.mark.parametrize("check", [True, False])
def test_the_role_fails_with_fail(bootstrap: t.Callable[..., Run], emulator: Emulator, server: ScriptServer, check: bool) -> None:
    run = bootstrap([{"url": server.url("/dos.sh")}], code=2, check=check, preflight="fail")
    error = run[f"{ROLE} : Report the results"]["ansible_stats"]["data"]["ehpc_bootstrap"][CLUSTER]["error"]
    assert "Lines end with CRLF" in error
    assert CLUSTER in error
    assert emulator.actions() == ["DescribeCluster"]


def test_the_role_compares_checksums(bootstrap: t.Callable[..., Run], emulator: Emulator, server: ScriptServer) -> None:
    url = server.url("/good.sh")
    assert set_scripts(bootstrap(f"- url: {url}\n  checksum: {SUM}\n", preflight="fail"))[0]["ok"] is True
    emulator.forget()
    for preflight, words in (("", "The checksum is sha256:"), ("off", "preflight is off")):
        run = bootstrap([{"url": url, "checksum": OTHER_SUM}], code=2, preflight=preflight)
        assert words in run[f"{ROLE} : Set the post scripts"].msg
    assert "SetPostScripts" not in emulator.actions()


def test_the_role_accepts_three_values(bootstrap: t.Callable[..., Run], emulator: Emulator, server: ScriptServer) -> None:
    run = bootstrap([{"url": server.url("/none.sh")}], code=2, preflight="perhaps")
    assert "ehpc_bootstrap_preflight must be off, warn or fail; it is 'perhaps'." in run.everything()
    assert emulator.actions() == []
    assert set_scripts(bootstrap([{"url": server.url("/none.sh")}], preflight=False)) == []
    assert server.requests == []


def test_through_a_proxy(play: Play) -> None:
    """Only the proxy can resolve the name. It gets no request for the metadata service, in any notation."""
    with (
        ScriptServer({"/good.sh": GOOD, "/meta": redirect("https://0x646464c8/latest/")}, names=["scripts.invalid"]) as server,
        Proxy(tunnels={"scripts.invalid:443": server.port}, password="EXAMPLEpw") as proxy,
    ):
        urls = ["https://scripts.invalid/good.sh", "https://scripts.invalid/meta", "http://100.100.100.200/latest/", "https://[fe80::1]/"]
        wanted = {"scripts": [{"url": url} for url in urls]}
        environment = {"https_proxy": proxy.url, "http_proxy": proxy.url}
        ways = {"worker": True, "process": False}
        tasks = [checked(name, server, **wanted) | {"vars": {"ehpc_in_process": in_process}} for name, in_process in ways.items()]
        run = play(tasks, keywords={"environment": environment}, verbosity=3)
    for name in ways:
        assert [entry["ok"] for entry in run[name]["preflight"]] == [True, False, False, False]
    assert proxy.connected == ["scripts.invalid:443"] * 4
    assert {asked.method for asked in proxy.asked} == {"CONNECT"}
    assert [request for request in server.requests if "proxy-authorization" in request.headers] == []
    for result in run.results:
        assert "EXAMPLEpw" not in result.msg + str(result.warnings) + str(result["preflight"])
