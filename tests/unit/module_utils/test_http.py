# Copyright (c) 2026, the alicloud.ehpc contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""_http: the time limits of a request. test_client.py has the failures of requests."""

from __future__ import annotations

import contextlib
import socket
import struct
import sys
import threading
import time
import typing as t
from types import SimpleNamespace

import pytest
import requests
import urllib3
from ansible_collections.alicloud.ehpc.plugins.module_utils import _http
from ansible_collections.alicloud.ehpc.plugins.module_utils._arguments import RequestSettings
from ansible_collections.alicloud.ehpc.plugins.module_utils._http import in_background, new_session, send
from ansible_collections.alicloud.ehpc.tests.support.raw import Raw, asked
from ansible_collections.alicloud.ehpc.tests.support.scripted import HOST, Call, Service

SETTINGS = RequestSettings(f"https://{HOST}", True, 5, 30, 5, 12)


def answer(service: Service, call: Call, **limits: t.Any) -> _http.Response:
    service.expects(call)
    with new_session() as session:
        session.mount("https://", service)
        return send(session, f"{SETTINGS.url}/?Action=ListRegions", {}, SETTINGS, **limits)


def test_result_and_failure_of_the_background() -> None:
    assert in_background(lambda number: number + 1, 1).result(10) == 2
    with pytest.raises(SystemExit):
        in_background(sys.exit).result(10)


def test_a_background_that_hangs_does_not_keep_the_process() -> None:
    threads: list[threading.Thread] = []
    in_background(lambda: threads.append(threading.current_thread())).result(10)
    assert threads[0].daemon


@pytest.mark.parametrize(("takes", "deadline", "late"), [(30, 1060, False), (30.1, 1060, True), (9, 1009, False), (9.1, 1009, True)])
def test_late_responses(service: Service, takes: float, deadline: float, late: bool) -> None:
    call = Call("ListRegions", body=b"{}", takes=takes)
    if late:
        with pytest.raises(_http.NoResponse, match="did not send a complete response in time"):
            answer(service, call, deadline=deadline)
    else:
        assert answer(service, call, deadline=deadline) == (200, b"{}")


def test_a_request_that_is_given_up_ends_its_connection() -> None:
    """So does the thread that reads from it."""
    progress = _http._Progress()
    ours, theirs = socket.socketpair()
    with theirs:
        progress.cut()
        # A failure of the library has closed it meanwhile.
        progress.connects(SimpleNamespace(sock=None))
        progress.cut()
        with ours:
            progress.connects(SimpleNamespace(sock=ours))
            progress.cut()
            theirs.setblocking(False)
            assert theirs.recv(1) == b""
        progress.cut()


@pytest.mark.parametrize(("deadline", "seconds"), [(1002.34, 2.3), (1000.52, 0.5), (1000, 0.1)])
def test_the_connection_is_ready_within_the_deadline(service: Service, deadline: float, seconds: float) -> None:
    """In tenths of a second, which a message contains."""
    answer(service, Call("ListRegions", body=b"{}"), deadline=deadline)
    (seen,) = service.seen
    assert (seen.timeout[0], seen.method) == (seconds, "GET")


def test_a_request_whose_connection_is_late_is_given_up() -> None:
    progress = _http._Progress()
    assert not progress.connects_within(0.01)
    with pytest.raises(urllib3.exceptions.ConnectTimeoutError):
        progress.connects(None)


@pytest.mark.parametrize(
    ("cause", "code", "reason"),
    [
        (urllib3.exceptions.ProtocolError("aborted", ConnectionResetError()), "ConnectionFailed", "closed the connection before the request was sent."),
        (urllib3.exceptions.ReadTimeoutError(None, "/", "slow"), "TimedOut", "did not accept a connection within 5 seconds."),  # type: ignore[arg-type]
    ],
)
def test_failures_before_the_request_was_sent(cause: Exception, code: str, reason: str) -> None:
    """As during the TLS handshake. The service cannot have done the work."""
    found = _http.what_failed(requests.exceptions.ConnectionError(cause), SETTINGS.url, SETTINGS, is_sent=False)
    assert found == (code, f"{SETTINGS.url} {reason}", False)


@pytest.mark.parametrize("kept", [False, True])
def test_a_response_that_is_too_late_ends_its_connection(kept: bool) -> None:
    """A new connection, and one that is used again. The response never pauses long enough for the time limit of the socket."""
    ended = threading.Event()

    def handle(connection: socket.socket) -> None:
        if kept:
            asked(connection)
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
        asked(connection)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
        connection.settimeout(0.05)
        for _byte in range(200):
            with contextlib.suppress(socket.timeout):
                if connection.recv(1) == b"":
                    ended.set()
                    return
            connection.sendall(b" ")

    with Raw(handle) as server, new_session() as session:
        settings = SETTINGS._replace(url=f"http://127.0.0.1:{server.port}", read_timeout=0.3)
        if kept:
            assert send(session, settings.url, {}, settings._replace(read_timeout=30)).status == 200
        with pytest.raises(_http.NoResponse):
            send(session, settings.url, {}, settings)
        assert ended.wait(5)
        assert server.connections == 1


def test_a_response_that_does_not_come_before_the_deadline() -> None:
    """Although the read timeout is far longer."""
    waits = threading.Event()

    def handle(connection: socket.socket) -> None:
        asked(connection)
        waits.wait(20)

    with Raw(handle) as server, new_session() as session:
        settings = SETTINGS._replace(url=f"http://127.0.0.1:{server.port}", read_timeout=20)
        begin = time.monotonic()
        with pytest.raises(_http.NoResponse, match="did not send a complete response in time"):
            send(session, settings.url, {}, settings, deadline=begin + 0.3)
        waits.set()
        assert time.monotonic() - begin < 10


def test_a_connection_that_ends_before_the_request_was_sent() -> None:
    """During the TLS handshake, so that the service cannot have done the work."""

    def reset(connection: socket.socket) -> None:
        connection.recv(1)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    with Raw(reset) as server, new_session() as session:
        settings = SETTINGS._replace(url=f"https://127.0.0.1:{server.port}")
        with pytest.raises(_http.NoResponse) as raised:
            send(session, settings.url, {}, settings)
    assert raised.value.failure == ("ConnectionFailed", f"{settings.url} closed the connection before the request was sent.", False)


def test_both_schemes_report_their_connections() -> None:
    with new_session() as session:
        classes = {session.get_adapter(f"{scheme}://{HOST}").__class__ for scheme in ("https", "http")}
    assert len(classes) == 1
    assert requests.adapters.HTTPAdapter not in classes


def test_proxies_are_looked_for_again_if_something_that_matters_changes(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[t.Any, ...]] = []

    def look(_session: requests.Session, *arguments: t.Any) -> dict[str, t.Any]:
        asked.append(arguments)
        return {"verify": arguments[3]}

    monkeypatch.setattr(requests.Session, "merge_environment_settings", look)
    expected = []
    with new_session() as session:
        for url, verify, changed in (
            ("https://a.example.com/?Action=ListRegions", True, True),
            ("https://a.example.com/?Action=ListUsers&Path=/b/c", True, False),
            ("https://b.example.com/", True, True),
            ("https://b.example.com/a/b", False, True),
            ("http://b.example.com/", False, True),
        ):
            arguments = (url, {"http": "proxy"}, True, verify, "certificate")
            expected += [arguments] if changed else []
            settings = session.merge_environment_settings(*arguments)
            assert settings == {"verify": verify}
            # It belongs to the caller.
            settings.clear()
        for name in _http.ENVIRONMENT:
            monkeypatch.setenv(name, "changed")
            session.merge_environment_settings(*arguments)
            expected.append(arguments)
        session.merge_environment_settings(*arguments)
    assert asked == expected


def test_a_long_body(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_http, "READ_BYTES", 10)
    monkeypatch.setattr(_http, "MAX_BODY_BYTES", 20)
    assert len(answer(service, Call("ListRegions", body=b"x" * 20)).body) == 20
    assert len(answer(service, Call("ListRegions", body=b"x" * 100)).body) == 30


def test_a_body_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is not read to its end, which would take until the read timeout."""
    monkeypatch.setattr(_http, "READ_BYTES", 10)
    monkeypatch.setattr(_http, "MAX_BODY_BYTES", 20)

    def handle(connection: socket.socket) -> None:
        asked(connection)
        connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        with contextlib.suppress(OSError):
            while True:
                connection.sendall(b"x" * 1000)

    with Raw(handle) as server, new_session() as session:
        settings = SETTINGS._replace(url=f"http://127.0.0.1:{server.port}", read_timeout=3)
        assert len(send(session, settings.url, {}, settings).body) == 30
