# Copyright (c) 2026, the alicloud.ehpc contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Time limits bound everything: servers that hang or send a byte now and then, names that do not resolve, hosts with many addresses."""

from __future__ import annotations

import contextlib
import json
import socket
import threading
import time
import typing as t
from collections.abc import Callable, Iterator

import pytest
from ansible_collections.alicloud.ehpc.plugins.module_utils._errors import EhpcError
from ansible_collections.alicloud.ehpc.tests.support.in_process import client, run
from ansible_collections.alicloud.ehpc.tests.support.raw import Handler, Raw, asked

CLUSTER = "ehpc-hz-EXAMPLE"
# Seconds. Every server needs at least HANG; a limit may be exceeded by SLACK.
HANG, SLACK = 6.0, 1.0
HEAD = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"


def drip(connection: socket.socket, text: str) -> None:
    """Send a byte every tenth of a second, which no timeout of a single read notices."""
    for byte in text.ljust(int(HANG * 10)).encode():
        connection.sendall(bytes([byte]))
        time.sleep(0.1)


def response(**content: t.Any) -> str:
    body = json.dumps({"RequestId": "REQUEST", **content})
    return HEAD % len(body) + body


def options(port: int, scheme: str = "http", **more: t.Any) -> dict[str, t.Any]:
    shared = {"access_key": "EXAMPLE", "secret_key": "EXAMPLE", "region": "cn-hangzhou", "api_retries": 0, "api_retry_max_delay": 0}
    return {"endpoint": f"{scheme}://127.0.0.1:{port}", **shared, **more}


def seconds(given: dict[str, t.Any], code: str = "TimedOut") -> float:
    """How long a call takes to fail."""
    begin = time.monotonic()
    with contextlib.closing(client(given)) as made, pytest.raises(EhpcError) as caught:
        made.call("ListRegions")
    taken = time.monotonic() - begin
    assert (caught.value.code, caught.value.http_status) == (code, None)
    return taken


# One attempt


def silent(connection: socket.socket) -> None:
    asked(connection)
    time.sleep(HANG)


def drips_its_head(connection: socket.socket) -> None:
    asked(connection)
    drip(connection, HEAD % 10)


def drips_its_body(connection: socket.socket) -> None:
    asked(connection)
    connection.sendall((HEAD % 1000).encode())
    drip(connection, "{")


def drips_in_chunks(connection: socket.socket) -> None:
    asked(connection)
    connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    for _chunk in range(int(HANG * 10)):
        connection.sendall(b"1\r\n \r\n")
        time.sleep(0.1)


@pytest.mark.parametrize("handler", [silent, drips_its_head, drips_its_body, drips_in_chunks])
def test_read_timeout_is_for_the_whole_response(handler: Handler) -> None:
    with Raw(handler) as server:
        assert 0.5 <= seconds(options(server.port, read_timeout=0.5)) < 0.5 + SLACK
        assert server.connections == 1


def drips_its_handshake(connection: socket.socket) -> None:
    connection.recv(65536)
    # The head of a record of TLS that is 500 bytes long.
    connection.sendall(b"\x16\x03\x03\x01\xf4")
    drip(connection, "\x02")


@pytest.mark.parametrize("handler", [silent, drips_its_handshake])
def test_connect_timeout_includes_the_handshake(handler: Handler) -> None:
    with Raw(handler) as server:
        assert 0.5 <= seconds(options(server.port, "https", connect_timeout=0.5)) < 0.5 + SLACK


@pytest.fixture
def full() -> Iterator[int]:
    """A port that accepts no connection and has a full queue, so that the kernel lets the next client wait."""
    with contextlib.ExitStack() as open_sockets:
        listener = open_sockets.enter_context(contextlib.closing(socket.create_server(("127.0.0.1", 0), backlog=0)))
        for _place in range(4):
            waiting = open_sockets.enter_context(contextlib.closing(socket.socket()))
            waiting.setblocking(False)
            waiting.connect_ex(listener.getsockname())
        yield listener.getsockname()[1]


def test_connect_timeout_includes_all_addresses(full: int, monkeypatch: pytest.MonkeyPatch) -> None:
    address = (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", full))
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_arguments, **_more: [address] * 8)
    assert 0.5 <= seconds(options(full, connect_timeout=0.5)) < 0.5 + SLACK


def test_connect_timeout_includes_name_resolution_and_nothing_is_sent_later(monkeypatch: pytest.MonkeyPatch) -> None:
    requests: list[str] = []
    resolve, resolved = socket.getaddrinfo, threading.Event()

    def slow(*arguments: t.Any, **more: t.Any) -> t.Any:
        time.sleep(1)
        resolved.set()
        return resolve(*arguments, **more)

    with Raw(lambda connection: requests.append(asked(connection))) as server:
        monkeypatch.setattr(socket, "getaddrinfo", slow)
        assert 0.3 <= seconds(options(server.port, connect_timeout=0.3)) < 0.3 + SLACK
        assert resolved.wait(3)
        deadline = time.monotonic() + 3
        while (not server.connections or not requests) and time.monotonic() < deadline:
            time.sleep(0.01)
        assert requests == [""]


# A call with its retries


def test_a_call_takes_no_longer_than_its_attempts() -> None:
    with Raw(drips_its_body) as server:
        given = options(server.port, read_timeout=0.3, api_retries=3, api_retry_max_delay=12)
        assert 4 * 0.3 <= seconds(given) < 4 * 0.3 + SLACK
        assert server.connections == 4


# A task with a limit of its own

USERS = {"Users": {"UserInfo": []}, "TotalCount": 0}
THROTTLED = json.dumps({"RequestId": "REQUEST", "Code": "Throttling.User", "Message": "Too many."})
Sends = Callable[[socket.socket], None]


def sends(text: str) -> Sends:
    return lambda connection: connection.sendall(text.encode())


def hangs(_connection: socket.socket) -> None:
    time.sleep(HANG)


def drips(connection: socket.socket) -> None:
    drip(connection, HEAD % 1000)


throttles = sends(f"HTTP/1.1 400 Bad\r\nContent-Length: {len(THROTTLED)}\r\n\r\n{THROTTLED}")
works = sends(response())


@pytest.mark.parametrize(
    ("sync", "afterwards", "action", "code"),
    [
        (hangs, works, "SyncUsers", "TimedOut"),
        (drips, works, "SyncUsers", "TimedOut"),
        (throttles, works, "SyncUsers", "Throttling.User"),
        (works, hangs, "ListUsers", "TimedOut"),
        (works, drips, "ListUsers", "TimedOut"),
        (works, throttles, "ListUsers", "Throttling.User"),
        (works, sends(response(**USERS)), "SyncUsers", "UsersMissing"),
    ],
    ids=["hangs", "drips", "is throttled", "users hang", "users drip", "users are throttled", "users do not arrive"],
)
def test_wait_timeout_bounds_the_synchronization_and_the_arrival(sync: Sends, afterwards: Sends, action: str, code: str) -> None:
    synchronized = threading.Event()

    def handle(connection: socket.socket) -> None:
        while True:
            request = asked(connection)
            if "Action=SyncUsers" in request:
                synchronized.set()
                sync(connection)
            elif request:
                (afterwards if synchronized.is_set() else sends(response(**USERS)))(connection)
            else:
                return

    with Raw(handle) as server:
        given = options(server.port, api_retries=20, api_retry_max_delay=12, read_timeout=30)
        begin = time.monotonic()
        with pytest.raises(EhpcError) as caught:
            run("user_sync", {**given, "cluster_id": CLUSTER, "check_cluster": False, "expected_users": ["hpcuser01"], "wait_timeout": 2})
        assert time.monotonic() - begin < 2 + SLACK
    assert (caught.value.action, caught.value.code) == (action, code)
