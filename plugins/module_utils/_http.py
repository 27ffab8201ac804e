# Copyright (c) 2026, the alicloud.ehpc contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What all HTTP requests of the collection share: libraries, proxies, time limits, and what a request without a response means.

The timeouts of the library requests bound neither name resolution, nor a host with several addresses, nor a server that sends a byte
now and then. Therefore each request is made in a thread of its own, and the caller stops waiting for it in time.
"""

from __future__ import annotations

import concurrent.futures
import contextlib
import functools
import importlib
import math
import os
import re
import socket
import ssl
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
    import requests
    import urllib3

    # Only the client uses it; what is missing is found here for all.
    importlib.import_module("aliyunsdkcore.auth.composer.rpc_signature_composer")
except ImportError:
    MISSING_LIBRARY: str | None = traceback.format_exc()
else:
    MISSING_LIBRARY = None

REQUIRED_LIBRARIES = "aliyun-python-sdk-core and requests"
USER_AGENT = "ansible-alicloud.ehpc/%s" % VERSION

_TUNNEL_STATUS = re.compile(r"Tunnel connection failed: ([0-9]{3})\b")

# Of a session to one host. Only threads that share a session use more than one.
MAX_CONNECTIONS = 100
# A page of E-HPC has about 100 KiB.
MAX_BODY_BYTES = 64 * 1024 * 1024
READ_BYTES = 64 * 1024

# The variables that decide how a URL is requested.
ENVIRONMENT = tuple(name for lower in ("http_proxy", "https_proxy", "all_proxy", "no_proxy") for name in (lower, lower.upper()))
ENVIRONMENT += ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "REQUEST_METHOD")

T = t.TypeVar("T")

# The URL of a proxy often has no scheme, and a password that is not quoted: everything up to the last @ is user and password.
_PROXY_USER = re.compile(r"^([a-z][a-z0-9+.-]*://)?.*@", re.IGNORECASE | re.DOTALL)


def proxy_of(url: str) -> str | None:
    """The proxy that the environment configures for a URL."""
    return requests.utils.select_proxy(url, requests.utils.get_environ_proxies(url))


def through_proxy(url: str) -> str:
    """' through the proxy ...' if there is one, without its password."""
    proxy = proxy_of(url)
    return " through the proxy %s" % _PROXY_USER.sub(r"\1%s@" % MASK, proxy) if proxy else ""


def in_background(function: t.Callable[..., T], *arguments: t.Any) -> concurrent.futures.Future[T]:
    """The future result of the function. No executor: Python waits for an executor's threads at exit, and these may hang."""
    future: concurrent.futures.Future[T] = concurrent.futures.Future()

    def work() -> None:
        try:
            future.set_result(function(*arguments))
        except BaseException as error:  # noqa: BLE001 - every error belongs to the caller that waits for the result
            future.set_exception(error)

    threading.Thread(target=work, daemon=True).start()
    return future


class Response(t.NamedTuple):
    """A complete response."""

    status: int
    body: bytes


class FullResponse(t.NamedTuple):
    """A complete response with its headers, whose names may be in any case."""

    status: int
    body: bytes
    headers: t.Mapping[str, str]


class _Progress:
    """The progress of a request, shared by the thread that makes it and the thread that waits for it."""

    def __init__(self) -> None:
        self.connected_at = time.monotonic()
        self.is_sent = False
        self._connected = threading.Event()
        self._lock = threading.Lock()
        self._given_up = False
        self._connection: t.Any = None

    def connects(self, connection: t.Any) -> None:
        """Record that the connection is ready to send the request. Raises if the request was given up."""
        with self._lock:
            if self._given_up:
                raise urllib3.exceptions.ConnectTimeoutError
            self._connection = connection
            self.is_sent = True
            self.connected_at = time.monotonic()
            self._connected.set()

    def ends(self, _future: object) -> None:
        """Record that there is a response or a failure."""
        self._connected.set()

    def connects_within(self, seconds: float) -> bool:
        """Whether the request is sent within this time. If not, it is given up, and is not sent later either."""
        self._connected.wait(seconds)
        with self._lock:
            self._given_up = not self._connected.is_set()
        return not self._given_up

    def cut(self) -> None:
        """Shut the connection down, so that the thread that reads from it ends."""
        if self._connection is not None and self._connection.sock is not None:
            with contextlib.suppress(OSError):
                # Not with the method of a TLS socket, which deletes state that the other thread uses.
                socket.socket.shutdown(self._connection.sock, socket.SHUT_RDWR)


_current = threading.local()


def ready_to_send(connection: t.Any) -> None:
    """Report the connection of the request that this thread makes."""
    _current.progress.connects(connection)


class _Reporting:
    """A connection that reports when it is ready to send."""

    sock: t.Any

    def connect(self) -> None:
        super().connect()  # type: ignore[misc]
        ready_to_send(self)

    def request(self, *args: t.Any, **options: t.Any) -> None:
        if self.sock is not None:
            ready_to_send(self)
        super().request(*args, **options)  # type: ignore[misc]


@functools.lru_cache(maxsize=None)
def _reporting(pool: type) -> type:
    """A class of connection pools of urllib3, for HTTP, HTTPS or a SOCKS proxy, with connections that report."""
    connection = type("Connection", (_Reporting, pool.ConnectionCls), {})  # type: ignore[attr-defined]
    return type("Pool", (pool,), {"ConnectionCls": connection})


def new_session() -> requests.Session:
    """A session for send() and exchange(). Close it after use."""

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

    class Session(requests.Session):
        """A session that looks for proxies again only if a variable that matters has changed. requests goes through all variables for each request."""

        known: t.Any = None

        def merge_environment_settings(self, url: t.Any, proxies: t.Any, stream: t.Any, verify: t.Any, cert: t.Any) -> t.Any:
            key = (url.split("/")[:3], verify, [os.environ.get(name) for name in ENVIRONMENT])
            # One read and one assignment, because threads share a session.
            known = self.known
            if known is None or known[0] != key:
                known = self.known = (key, super().merge_environment_settings(url, proxies, stream, verify, cert))
            return dict(known[1])

    made = Session()
    made.mount("https://", Adapter(pool_maxsize=MAX_CONNECTIONS))
    made.mount("http://", Adapter(pool_maxsize=MAX_CONNECTIONS))
    # Without an `auth` of its own, requests would send the password that ~/.netrc contains for the host.
    made.auth = lambda request: request
    return made


def _report_connections(manager: t.Any) -> None:
    manager.pool_classes_by_scheme = {scheme: _reporting(pool) for scheme, pool in manager.pool_classes_by_scheme.items()}


def send(session: requests.Session, url: str, headers: dict[str, str], settings: RequestSettings, deadline: float = math.inf, method: str = "GET") -> Response:
    """The response to a request without a body, see exchange(). Raises NoResponse."""
    return Response(*exchange(session, requests.Request(method, url, headers), settings, deadline)[:2])


def exchange(session: requests.Session, request: requests.Request, settings: RequestSettings, deadline: float = math.inf) -> FullResponse:
    """The response to a request; redirects are not followed. Raises NoResponse, which names ``settings.url`` and not the URL of the request.

    Connecting takes at most ``connect_timeout`` seconds, including name resolution, all addresses of the host, the proxy and the TLS
    handshake. After that, the response takes at most ``read_timeout`` seconds up to its last byte. Both end at the deadline (of
    time.monotonic()).
    """
    progress = _Progress()
    # Tenths of a second, because a message may contain it.
    remaining = max(0.1, round(deadline - progress.connected_at, 1))
    settings = settings._replace(connect_timeout=min(settings.connect_timeout, remaining))
    try:
        return _send(functools.partial(_request, session, request, settings), settings, deadline, progress)
    except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as error:
        raise NoResponse(what_failed(error, settings.url, settings, progress.is_sent)) from None


def _send(request: t.Callable[[], requests.Response], settings: RequestSettings, deadline: float, progress: _Progress) -> FullResponse:
    def make() -> FullResponse:
        _current.progress = progress
        with request() as response:
            body = _body(response, min(progress.connected_at + settings.read_timeout, deadline))
            return FullResponse(response.status_code, body, response.headers)

    future = in_background(make)
    future.add_done_callback(progress.ends)
    if not progress.connects_within(settings.connect_timeout):
        raise requests.exceptions.ConnectTimeout
    try:
        return future.result(min(settings.read_timeout, max(0.0, deadline - time.monotonic())))
    except concurrent.futures.TimeoutError:
        progress.cut()
        raise requests.exceptions.ReadTimeout from None


def _request(session: requests.Session, request: requests.Request, settings: RequestSettings) -> requests.Response:
    options: dict[str, t.Any] = {"timeout": (settings.connect_timeout, settings.read_timeout), "verify": settings.verify, "allow_redirects": False}
    try:
        return session.request(str(request.method), str(request.url), headers=request.headers, data=request.data, stream=True, **options)
    except requests.RequestException:
        raise
    except (TypeError, ValueError):
        # Raised for a proxy without a host.
        raise requests.exceptions.InvalidURL from None


def _body(response: requests.Response, deadline: float) -> bytes:
    """The body, or its beginning if it is longer than MAX_BODY_BYTES."""
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
    # A sentence, without the message of the library: that contains the complete URL, and so the signature.
    reason: str
    # Whether the server may have received the request and done the work.
    response_lost: bool = False


class NoResponse(Exception):
    """A request without a response."""

    def __init__(self, failure: ConnectionFailure) -> None:
        super().__init__(failure.reason)
        self.failure = failure


def what_failed(error: Exception, url: str, settings: RequestSettings, is_sent: bool = True) -> ConnectionFailure:
    """The meaning of an error that requests raised for a request to ``url``, which should be scheme and host only.

    ``is_sent`` is false if the connection was not ready to send the request.
    """
    found = _cause_of(error, settings, is_sent)
    return found._replace(reason="%s%s %s" % (url, through_proxy(url), found.reason))


def _cause_of(error: Exception, settings: RequestSettings, is_sent: bool) -> ConnectionFailure:
    """The failure; its reason still lacks the subject."""
    causes = list(_causes(error))

    def caused_by(*kinds: type[BaseException]) -> bool:
        return any(isinstance(cause, kinds) for cause in causes)

    if caused_by(socket.gaierror) or any("NameResolution" in type(cause).__name__ for cause in causes):
        return ConnectionFailure(_errors.HOST_NOT_FOUND, "could not be reached: the host name cannot be resolved.")
    if isinstance(error, (requests.exceptions.InvalidURL, requests.exceptions.InvalidSchema)):
        return ConnectionFailure(_errors.INVALID_ADDRESS, "could not be requested: its URL or that of the proxy is not valid.")
    if caused_by(requests.exceptions.ReadTimeout, urllib3.exceptions.ReadTimeoutError) and is_sent:
        return ConnectionFailure(_errors.TIMED_OUT, "did not send a complete response in time.", response_lost=True)
    if caused_by(requests.exceptions.Timeout, urllib3.exceptions.ReadTimeoutError):
        return ConnectionFailure(_errors.TIMED_OUT, "did not accept a connection within %g seconds." % settings.connect_timeout)
    if caused_by(ConnectionRefusedError):
        return ConnectionFailure(_errors.CONNECTION_FAILED, "refused the connection.")
    if isinstance(error, requests.exceptions.ProxyError):
        return _refused_by_proxy(causes)
    if caused_by(urllib3.exceptions.NewConnectionError):
        return ConnectionFailure(_errors.CONNECTION_FAILED, "could not be reached.")
    return _tls_failure(causes) or ConnectionFailure(
        _errors.CONNECTION_FAILED,
        "closed the connection without a response." if is_sent else "closed the connection before the request was sent.",
        response_lost=is_sent,
    )


def _refused_by_proxy(causes: list[BaseException]) -> ConnectionFailure:
    status = next((int(match.group(1)) for match in map(_TUNNEL_STATUS.search, map(str, causes)) if match), 0)
    if status == 407:
        return ConnectionFailure(_errors.PROXY_REFUSED, "could not be reached: the proxy requires a user name and a password (HTTP 407).")
    if 400 <= status < 500:
        return ConnectionFailure(_errors.PROXY_REFUSED, "could not be reached: the proxy does not permit it (HTTP %d)." % status)
    if status:
        return ConnectionFailure(_errors.CONNECTION_FAILED, "could not be reached by the proxy (HTTP %d)." % status)
    return ConnectionFailure(_errors.CONNECTION_FAILED, "could not be reached: the connection to the proxy failed.")


def _tls_failure(causes: list[BaseException]) -> ConnectionFailure | None:
    """The failure if the certificate is not trusted, or the server does not speak TLS; None if the connection was closed."""
    for cause in causes:
        # Older versions of urllib3 compare host names themselves, and raise a class of their own.
        if isinstance(cause, ssl.SSLCertVerificationError) or type(cause).__name__ == "CertificateError":
            reason = getattr(cause, "verify_message", "") or str(cause)
            return ConnectionFailure(_errors.TLS_FAILED, "could not be trusted: %s." % reason.rstrip("."))
    for cause in causes:
        if isinstance(cause, ssl.SSLError) and not isinstance(cause, (ssl.SSLEOFError, ssl.SSLZeroReturnError)):
            reason = (cause.reason or "").lower().replace("_", " ")
            if "alert" not in reason:
                return ConnectionFailure(_errors.TLS_FAILED, "did not complete the TLS handshake: %s." % (reason or "unknown reason"))
    return None


def _causes(error: BaseException | None) -> t.Iterator[BaseException]:
    """An exception and all exceptions that it wraps: requests and urllib3 wrap by attribute, by argument and by cause."""
    waiting, seen = [error], set()
    while waiting:
        current = waiting.pop()
        if current is None or id(current) in seen:
            continue
        seen.add(id(current))
        yield current
        inner = [current.__cause__, current.__context__, getattr(current, "reason", None), *current.args]
        waiting.extend(cause for cause in inner if isinstance(cause, BaseException))
