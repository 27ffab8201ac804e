# Copyright (c) 2026, the alicloud.ehpc contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Small servers on loopback: a web server whose responses come from a function, and a proxy that maps host names to such
servers.

A host that tests cannot reach, such as `sts.aliyuncs.com` or the metadata service, is reached through the proxy. The code under test
resolves no name, and uses the host as in production: its name, its protocol, its certificate.
"""

from __future__ import annotations

import base64
import http.client
import select
import socket
import ssl
import typing as t
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import trustme
from ansible_collections.alicloud.ehpc.tests.support.loopback import Handler, Listener


@dataclass
class Asked:
    """A request as a server saw it."""

    method: str
    target: str
    headers: dict[str, str]  # names in lower case

    @property
    def path(self) -> str:
        return urlsplit(self.target).path

    @property
    def pairs(self) -> list[tuple[str, str]]:
        return parse_qsl(urlsplit(self.target).query, keep_blank_values=True)

    @property
    def params(self) -> dict[str, str]:
        return dict(self.pairs)


Answer = t.Union["tuple[int, str]", "tuple[int, str, dict[str, str]]"]
Answering = Callable[[Asked], Answer]


class Authority:
    """A certificate authority, its bundle, and contexts for servers."""

    def __init__(self, bundle: Path) -> None:
        self._ca = trustme.CA()
        self._ca.cert_pem.write_to_path(bundle)
        self.bundle = str(bundle)

    def context(self, *names: str, not_after: datetime | None = None) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._ca.issue_cert(*names, not_after=not_after).configure_cert(context)
        return context


class Server:
    """A web server on loopback, as a context manager."""

    def __init__(self, answering: Answering, context: ssl.SSLContext | None = None) -> None:
        self.asked: list[Asked] = []
        self.connections = 0
        self._answering = answering
        self._http = Listener(self, _Handler, context)
        self.port: int = self._http.server_address[1]

    @property
    def url(self) -> str:
        return f"{'https' if self._http.context else 'http'}://127.0.0.1:{self.port}"

    def respond(self, asked: Asked) -> Answer | None:
        """The response, or None if the handler responds itself."""
        self.asked.append(asked)
        return self._answering(asked)

    def tunnel_to(self, _target: str) -> int | None:
        """The port for the target of a CONNECT."""
        return None

    def __enter__(self: Self) -> Self:
        self._http.start()
        return self

    def __exit__(self, *_failure: object) -> None:
        self._http.stop()


Self = t.TypeVar("Self", bound=Server)


class Proxy(Server):
    """Maps host names to ports on loopback: `http://NAME/` to `plain`, `CONNECT NAME:443` to `tunnels`. Addresses of loopback are not
    mapped. With `password` it requires `user:password`. Other hosts get 502.
    """

    def __init__(self, plain: dict[str, int] | None = None, tunnels: dict[str, int] | None = None, password: str | None = None) -> None:
        super().__init__(self._forward)
        self.plain = plain or {}
        self.tunnels = tunnels or {}
        self.credentials = f"user:{password}" if password else None

    @property
    def url(self) -> str:
        return f"http://{self.credentials + '@' if self.credentials else ''}127.0.0.1:{self.port}"

    @property
    def connected(self) -> list[str]:
        """The hosts of CONNECT requests."""
        return [asked.target for asked in self.asked if asked.method == "CONNECT"]

    def allows(self, asked: Asked) -> bool:
        expected = "Basic " + base64.b64encode((self.credentials or "").encode()).decode()
        return self.credentials is None or asked.headers.get("proxy-authorization") == expected

    def _forward(self, asked: Asked) -> Answer:
        if not self.allows(asked):
            return 407, "who are you?"
        parts = urlsplit(asked.target)
        port = parts.port if parts.hostname == "127.0.0.1" else self.plain.get(parts.netloc)
        if port is None:
            return 502, "no way there"
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        try:
            connection.request(asked.method, f"{parts.path}?{parts.query}", headers={**asked.headers, "connection": "close"})
            response = connection.getresponse()
            return response.status, response.read().decode()
        finally:
            connection.close()

    def tunnel_to(self, target: str) -> int | None:
        return self.tunnels.get(target)


class _Handler(Handler):
    def _asked(self) -> Asked:
        return Asked(self.command, self.path, self.lower_case_headers())

    def do_GET(self) -> None:
        answer = self.server.owner.respond(self._asked())
        if answer is None:
            self.close_connection = True
            return
        body = answer[1].encode()
        self.send_response(answer[0])
        for name, value in (answer[2] if len(answer) == 3 else {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_PUT = do_POST = do_GET

    def do_CONNECT(self) -> None:
        proxy, asked = t.cast(Proxy, self.server.owner), self._asked()
        proxy.asked.append(asked)
        port = proxy.tunnel_to(asked.target)
        self.close_connection = True
        if not proxy.allows(asked):
            self.send_error(407)
        elif port is None:
            self.send_error(502)
        else:
            self.send_response(200)
            self.end_headers()
            with socket.create_connection(("127.0.0.1", port)) as other:
                _pump(self.connection, other)


def _pump(one: socket.socket, other: socket.socket) -> None:
    """Copy bytes in both directions until one side ends."""
    while True:
        for ready in select.select([one, other], [], [])[0]:
            data = ready.recv(65536)
            if not data:
                return
            (other if ready is one else one).sendall(data)
