# Copyright (c) 2026, the alicloud.ehpc contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The server of scripts: a web server on loopback, over TLS with a temporary authority.

with ScriptServer({"/base.sh": b"#!/bin/sh\n"}) as server:
    requests.get(server.url("/base.sh"), verify=server.ca_path)
    assert [request.path for request in server.requests] == ["/base.sh"]
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler
from pathlib import Path

from ansible_collections.alicloud.ehpc.tests.emulator.tls import server_context
from ansible_collections.alicloud.ehpc.tests.support.loopback import Handler, Listener

# A file: its content, or a function that responds with the methods of the handler (send_response, wfile, ...).
Answer = Callable[[BaseHTTPRequestHandler], None]
File = bytes | Answer


@dataclass
class Requested:
    """A request as the server saw it."""

    path: str  # with its query
    headers: dict[str, str]  # names in lower case


class ScriptServer:
    """Serves `files`, as a context manager: by path with query, or else by path alone. Other paths are 404."""

    def __init__(self, files: dict[str, File] | None = None, tls: bool = True, names: Sequence[str] = ("localhost", "127.0.0.1")) -> None:
        self.files: dict[str, File] = dict(files or {})
        self.requests: list[Requested] = []
        self.connections = 0
        self._directory = Path(tempfile.mkdtemp(prefix="ehpc-scripts-"))
        self._http = Listener(self, _Handler, server_context(names, self._directory / "ca.pem", []) if tls else None)
        self.port: int = self._http.server_address[1]

    @property
    def ca_path(self) -> str:
        """The CA bundle that verifies its certificate."""
        return str(self._directory / "ca.pem")

    def url(self, path: str, host: str = "127.0.0.1") -> str:
        """The URL of a file, with any name of this machine."""
        return f"{'https' if self._http.context else 'http'}://{host}:{self.port}{path}"

    def paths(self) -> list[str]:
        """The requests. Those that arrived at the same time are in any order."""
        return sorted(request.path for request in list(self.requests))

    def __enter__(self) -> ScriptServer:
        self._http.start()
        return self

    def __exit__(self, *_failure: object) -> None:
        self._http.stop()
        shutil.rmtree(self._directory, ignore_errors=True)


def redirect(target: str, status: int = 302) -> Answer:
    """A redirect to another URL."""

    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(status)
        handler.send_header("Location", target)
        handler.send_header("Content-Length", "0")
        handler.end_headers()

    return answer


def status(code: int, body: bytes = b"", **headers: str) -> Answer:
    """A response with another status than 200, or with additional headers: `content_type="text/html"`."""

    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(code)
        for name, value in headers.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    return answer


class _Handler(Handler):
    def do_GET(self) -> None:
        owner = self.server.owner
        owner.requests.append(Requested(self.path, self.lower_case_headers()))
        file = owner.files.get(self.path, owner.files.get(self.path.partition("?")[0], status(404, b"Not found.\n")))
        if isinstance(file, bytes):
            file = status(200, file, content_type="text/x-sh")
        file(self)
