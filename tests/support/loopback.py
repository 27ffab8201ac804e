# Copyright (c) 2026, the alicloud.ehpc contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The common parts of the small web servers of the tests: they listen on loopback, over TLS or not, and count connections."""

from __future__ import annotations

import ssl
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Protocol


class Owner(Protocol):
    """The owner of a listener, which its handlers find as `self.server.owner`."""

    connections: int


class Listener(ThreadingHTTPServer):
    """A thread for each connection. The end does not wait for them, so that a test may leave a connection open."""

    request_queue_size = 128

    def __init__(self, owner: Owner, handler: type[BaseHTTPRequestHandler], context: ssl.SSLContext | None) -> None:
        super().__init__(("127.0.0.1", 0), handler)
        self.owner: Any = owner
        self.context = context

    def start(self) -> None:
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()

    def stop(self) -> None:
        self.shutdown()
        self.server_close()

    def get_request(self) -> tuple[Any, Any]:
        connection, address = super().get_request()
        self.owner.connections += 1
        return connection, address

    def finish_request(self, request: Any, client_address: Any) -> None:
        # The thread of the connection makes the handshake. A client that rejects the certificate closes the connection in it.
        if self.context:
            try:
                request = self.context.wrap_socket(request, server_side=True)
            except OSError:
                return
        super().finish_request(request, client_address)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients may close the connection at any time."""


class Handler(BaseHTTPRequestHandler):
    """Keeps connections open, and writes nothing to stderr."""

    protocol_version = "HTTP/1.1"
    server: Listener

    def log_message(self, *_arguments: object) -> None:
        """Not to stderr."""

    def lower_case_headers(self) -> dict[str, str]:
        return {name.lower(): value for name, value in self.headers.items()}
