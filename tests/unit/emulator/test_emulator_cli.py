# Copyright (c) 2026, the alicloud.ehpc contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The program: one line of JSON, its options, its end."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

PROGRAM = Path(__file__).resolve().parents[2] / "emulator"
Start = Callable[..., tuple["subprocess.Popen[str]", dict[str, str]]]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Starts the program; its temporary files would be in tmp_path."""
    started = []

    def run(*options: str) -> tuple[subprocess.Popen[str], dict[str, str]]:
        process = subprocess.Popen(
            [sys.executable, str(PROGRAM), *options],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=tmp_path,
            env={**os.environ, "TMPDIR": str(tmp_path)},
        )
        started.append(process)
        assert process.stdout is not None
        return process, json.loads(process.stdout.readline())

    yield run
    for process in started:
        process.kill()
        process.communicate()


def refusal(*options: str) -> str:
    ended = subprocess.run([sys.executable, str(PROGRAM), *options], capture_output=True, text=True, timeout=30, check=False)
    assert (ended.returncode, ended.stdout) == (1, "")
    assert len(ended.stderr.splitlines()) == 1
    return ended.stderr


def get(url: str, **options: Any) -> int:
    with requests.Session() as session:
        session.trust_env = False
        return session.get(url, timeout=10, **options).status_code


@pytest.mark.parametrize(("number", "tls"), [(signal.SIGTERM, False), (signal.SIGINT, True)])
def test_it_serves_and_terminates(number: signal.Signals, tls: bool, start: Start, tmp_path: Path) -> None:
    process, ready = start(*["--tls"] * tls)

    assert list(ready) == ["endpoint", "access_key", "secret_key", "region", *["ca_path"] * tls]
    assert ready["endpoint"].startswith("https://127.0.0.1:" if tls else "http://127.0.0.1:")
    assert ready["region"] == "cn-hangzhou"
    assert get(ready["endpoint"], verify=ready.get("ca_path", True)) == 400
    assert len(list(tmp_path.iterdir())) == tls

    process.send_signal(number)
    out, err = process.communicate(timeout=10)
    assert (process.returncode, out, err) == (0, "", "")
    assert list(tmp_path.iterdir()) == []


def test_it_terminates_while_a_client_waits(start: Start, tmp_path: Path) -> None:
    process, ready = start("--latency", "60")
    with pytest.raises(requests.ReadTimeout):
        requests.get(ready["endpoint"], timeout=0.2)

    process.terminate()
    out, err = process.communicate(timeout=10)

    assert (process.returncode, out, err) == (0, "", "")


def test_latency(start: Start) -> None:
    _process, ready = start("--latency", "0.2")
    begin = time.monotonic()

    get(ready["endpoint"])

    assert time.monotonic() - begin >= 0.2


def test_port(start: Start) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]

    _process, ready = start("--port", str(port))

    assert ready["endpoint"] == f"http://127.0.0.1:{port}"
    assert "address already in use" in refusal("--port", str(port))
    assert "port must be 0-65535" in refusal("--port", "65536")


def test_scenario(start: Start, tmp_path: Path) -> None:
    scenario = tmp_path / "scenario.yml"
    scenario.write_text("region: cn-shanghai\ncredentials: [{access_key: EXAMPLEone, secret_key: EXAMPLE-one}]\n")

    _process, ready = start("--scenario", str(scenario))

    assert (ready["access_key"], ready["secret_key"], ready["region"]) == ("EXAMPLEone", "EXAMPLE-one", "cn-shanghai")


def test_invalid_scenarios_are_reported_in_one_line(tmp_path: Path) -> None:
    scenario = tmp_path / "scenario.yml"
    scenario.write_text("cluster: []\n")

    assert "scenario: unknown key 'cluster' (known: region, " in refusal("--scenario", str(scenario))
    assert "cannot read the scenario" in refusal("--scenario", str(tmp_path / "none.yml"))


# Missing packages: a bare interpreter (-S has no site-packages) runs a copy of the program.


def bare(program: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-S", str(program)], capture_output=True, text=True, timeout=30, check=False)


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    program = tmp_path / "tests" / "emulator"
    program.mkdir(parents=True)
    (program / "__main__.py").write_bytes((PROGRAM / "__main__.py").read_bytes())
    return program


def test_missing_packages_are_named(copy: Path) -> None:
    ended = bare(copy)

    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr.endswith("lacks aiohttp, PyYAML, trustme; `make setup` installs what is needed\n")
    assert len(ended.stderr.splitlines()) == 1


def test_the_environment_of_the_checkout_is_used_if_packages_are_missing(copy: Path) -> None:
    python = copy.parents[1] / ".venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text('#!/bin/sh\necho "$@"\n')
    python.chmod(0o755)

    assert bare(copy).stdout == f"{copy}\n"
