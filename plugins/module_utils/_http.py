# Copyright (c) 2026, the alicloud.ehpc contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What all HTTP requests of the collection share: libraries, proxies, time limits, and what a request without a response means.

The timeouts of requests bound neither the resolution of a name, nor a host with several addresses, nor a server that sends a byte now
and then. So a request is made in a thread of its own, and whoever waits for it stops waiting in time.
"""

from __future__ import annotations

import concurrent.futures
import contextlib
import functools
import math
import re
import socket
import threading
import time
import traceback
import typing as t

from ansible_collections.alicloud.ehpc.plugins.module_utils import _errors
from ansible_collections.alicloud.ehpc.plugins.module_utils._redact import MASK
from ansible_collections.alicloud.ehpc.plugins.module_utils._version import VERSION

if t.TYPE_CHECKING:  # pragma: no cover
    from ansible_collections.alicloud.ehpc.plugins.module_utils._arguments import RequestSettings

try:
    import aliyunsdkcore.auth.composer.rpc_signature_composer  # noqa: F401
    import requests
    import urllib3
except ImportError:
    MISSING_LIBRARY: str | None = traceback.format_exc()
else:
    MISSING_LIBRARY = None

REQUIRED_LIBRARIES = "aliyun-python-sdk-core and requests"
USER_AGENT = "ansible-alicloud.ehpc/%s" % VERSION

# Of a response. A page of the service has some 100 KiB.
MAX_BODY_BYTES = 64 * 1024 * 1024
READ_BYTES = 64 * 1024

T = t.TypeVar("T")

# A proxy is often given without a scheme, and its password unquoted: everything up to the last @ is one.
_PROXY_USER = re.compile(r"^([a-z][a-z0-9+.-]*://)?.*@", re.IGNORECASE | re.DOTALL)


def proxy_of(url: str) -> str | None:
    """The proxy that the environment configures for a URL."""
    return requests.utils.select_proxy(url, requests.utils.get_environ_proxies(url))


def through_proxy(url: str) -> str:
    """' through the proxy ...' if there is one, without its password."""
    proxy = proxy_of(url)
    return " through the proxy %s" % _PROXY_USER.sub(r"\1%s@" % MASK, proxy) if proxy else ""


def in_background(function: t.Callable[..., T], *arguments: t.Any) -> concurrent.futures.Future[T]:
    """The function's result to come. No executor: Python waits for an executor's threads at its end, and these may hang."""
    future: concurrent.futures.Future[T] = concurrent.futures.Future()

    def work() -> None:
        try:
            future.set_result(function(*arguments))
        except BaseException as error:  # noqa: BLE001 - whatever it is, it is for the caller that waits for the result
            future.set_exception(error)

    threading.Thread(target=work, daemon=True).start()
    return future


class Response(t.NamedTuple):
    """A complete response."""

    status: int
    body: bytes


class _Progress:
    """How far a request is, for the thread that makes it and for the one that waits for it."""

    def __init__(self) -> None:
        self.connected_at = time.monotonic()
        self._connected = threading.Event()
        self._lock = threading.Lock()
        self._given_up = False
        self._connection: t.Any = None

    def connects(self, connection: t.Any) -> None:
        """The connection is ready to send the request. Raises if nobody waits for it any more."""
        with self._lock:
            if self._given_up:
                raise urllib3.exceptions.ConnectTimeoutError
            self._connection = connection
            self.connected_at = time.monotonic()
            self._connected.set()

    def ends(self, _future: object) -> None:
        """There is a response, or a failure, whether the request connected or not."""
        self._connected.set()

    def connects_within(self, seconds: float) -> bool:
        """Whether the request is sent within this time. If not, it will not be sent later either."""
        self._connected.wait(seconds)
        with self._lock:
            self._given_up = not self._connected.is_set()
        return not self._given_up

    def cut(self) -> None:
        """Close the connection, so that the thread that reads from it ends."""
        if self._connection is not None and self._connection.sock is not None:
            with contextlib.suppress(OSError):
                # Not by the method of a TLS socket, which drops its state while the other thread uses it.
                socket.socket.shutdown(self._connection.sock, socket.SHUT_RDWR)


_current = threading.local()


class _Reporting:
    """A connection that reports when it is ready to send."""

    sock: t.Any

    def connect(self) -> None:
        super().connect()  # type: ignore[misc]
        _current.progress.connects(self)

    def request(self, *args: t.Any, **options: t.Any) -> None:
        if self.sock is not None:
            _current.progress.connects(self)
        super().request(*args, **options)  # type: ignore[misc]


@functools.lru_cache(maxsize=None)
def _reporting(pool: type) -> type:
    """A kind of connection pool of urllib3, for HTTP, HTTPS or a SOCKS proxy, with connections that report."""
    connection = type("Connection", (_Reporting, pool.ConnectionCls), {})  # type: ignore[attr-defined]
    return type("Pool", (pool,), {"ConnectionCls": connection})


def new_session() -> requests.Session:
    """A session for get()."""

    class Adapter(requests.adapters.HTTPAdapter):
        def init_poolmanager(self, *args: t.Any, **options: t.Any) -> None:
            super().init_poolmanager(*args, **options)
            _report_connections(self.poolmanager)

        def proxy_manager_for(self, proxy: str, **options: t.Any) -> t.Any:
            known = proxy in self.proxy_manager
            manager = super().proxy_manager_for(proxy, **options)
            if not known:
                _report_connections(manager)
            return manager

    made = requests.Session()
    made.mount("https://", Adapter())
    made.mount("http://", Adapter())
    # An `auth` of our own, or requests would send a password that ~/.netrc has for the host.
    made.auth = lambda request: request
    return made


def _report_connections(manager: t.Any) -> None:
    manager.pool_classes_by_scheme = {scheme: _reporting(pool) for scheme, pool in manager.pool_classes_by_scheme.items()}


def get(session: requests.Session, url: str, headers: dict[str, str], settings: RequestSettings, deadline: float = math.inf) -> Response:
    """The response to a GET request; redirects are not followed. Raises what requests raises.

    Connecting takes at most ``connect_timeout`` seconds with all that belongs to it: name resolution, each of the addresses of a host,
    the proxy, the TLS handshake. From then on the response takes at most ``read_timeout`` seconds up to its last byte. Both end at the
    deadline (of time.monotonic()).
    """
    progress = _Progress()

    def make() -> Response:
        _current.progress = progress
        timeouts = (settings.connect_timeout, settings.read_timeout)
        with session.get(url, headers=headers, timeout=timeouts, verify=settings.verify, allow_redirects=False, stream=True) as response:
            return Response(response.status_code, _body(response, min(progress.connected_at + settings.read_timeout, deadline)))

    future = in_background(make)
    future.add_done_callback(progress.ends)
    remaining = deadline - time.monotonic()
    if not progress.connects_within(min(settings.connect_timeout, remaining)):
        raise requests.exceptions.ConnectTimeout if settings.connect_timeout <= remaining else requests.exceptions.Timeout
    try:
        return future.result(min(settings.read_timeout, max(0.0, deadline - time.monotonic())))
    except concurrent.futures.TimeoutError:
        progress.cut()
        raise requests.exceptions.ReadTimeout from None


def _body(response: requests.Response, deadline: float) -> bytes:
    """The body, read no further than a little more than MAX_BODY_BYTES."""
    body = b""
    for chunk in response.iter_content(READ_BYTES):
        body += chunk
        if len(body) > MAX_BODY_BYTES:
            break
    if time.monotonic() > deadline:
        raise requests.exceptions.ReadTimeout
    return body


class ConnectionFailure(t.NamedTuple):
    """Why a request has no response."""

    code: str
    # A sentence. It does not repeat the error of the library, which holds the whole URL and so the signature.
    reason: str
    # Whether the server may have received the request, and done its work.
    response_lost: bool = False


def what_failed(error: Exception, url: str, settings: RequestSettings) -> ConnectionFailure:
    """The meaning of what requests raised for a request to ``url``; of the URL only scheme and host should be given."""
    found = _cause_of(error, settings)
    return found._replace(reason="%s%s %s" % (url, through_proxy(url), found.reason))


def _cause_of(error: Exception, settings: RequestSettings) -> ConnectionFailure:
    """The failure; its reason lacks the subject."""
    causes = list(_causes(error))
    if any(isinstance(cause, socket.gaierror) for cause in causes) or any("NameResolution" in type(cause).__name__ for cause in causes):
        return ConnectionFailure(_errors.HOST_NOT_FOUND, "has a host name that cannot be resolved.")
    if any(isinstance(cause, (requests.exceptions.SSLError, urllib3.exceptions.SSLError)) for cause in causes):
        details = [str(getattr(cause, "verify_message", "")) for cause in causes]
        detail = next(filter(None, details), "the handshake failed")
        return ConnectionFailure(_errors.TLS_FAILED, "could not be trusted: %s." % detail.rstrip("."))
    if isinstance(error, (requests.exceptions.InvalidURL, requests.exceptions.InvalidSchema)):
        return ConnectionFailure(_errors.INVALID_ADDRESS, "has an address, or is behind a proxy with one, that cannot be used.")
    if isinstance(error, requests.exceptions.ConnectTimeout):
        return ConnectionFailure(_errors.TIMED_OUT, "did not accept a connection within %g seconds." % settings.connect_timeout)
    if any(isinstance(cause, (requests.exceptions.ReadTimeout, urllib3.exceptions.ReadTimeoutError)) for cause in causes):
        return ConnectionFailure(_errors.TIMED_OUT, "did not answer in time.", response_lost=True)
    if isinstance(error, requests.exceptions.Timeout):
        return ConnectionFailure(_errors.TIMED_OUT, "did not accept a connection in time.")
    if any(isinstance(cause, ConnectionRefusedError) for cause in causes):
        return ConnectionFailure(_errors.CONNECTION_FAILED, "refused the connection.")
    if isinstance(error, requests.exceptions.ProxyError):
        return ConnectionFailure(_errors.CONNECTION_FAILED, "could not be reached: the proxy refused.")
    if any(isinstance(cause, urllib3.exceptions.NewConnectionError) for cause in causes):
        return ConnectionFailure(_errors.CONNECTION_FAILED, "could not be reached.")
    return ConnectionFailure(_errors.CONNECTION_FAILED, "closed the connection without an answer.", response_lost=True)


def _causes(error: BaseException | None) -> t.Iterator[BaseException]:
    """An exception and all that it wraps: requests and urllib3 wrap by attribute, by argument and by cause."""
    waiting, seen = [error], set()
    while waiting:
        current = waiting.pop()
        if current is None or id(current) in seen:
            continue
        seen.add(id(current))
        yield current
        inner = [current.__cause__, current.__context__, getattr(current, "reason", None), *current.args]
        waiting.extend(cause for cause in inner if isinstance(cause, BaseException))
