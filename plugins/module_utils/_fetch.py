# Copyright (c) 2026, the alicloud.ehpc contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Fetch the files behind URLs, bounded in time and size, and without credentials.

The threat: a survey may name any URL, and the metadata service of the machine that runs the task must not answer it.
"""

from __future__ import annotations

import concurrent.futures
import ipaddress
import re
import socket
import time
import typing as t
from urllib.parse import urljoin

from ansible_collections.alicloud.ehpc.plugins.module_utils._http import USER_AGENT, in_background, proxy_of, what_failed

if t.TYPE_CHECKING:  # pragma: no cover
    from ansible_collections.alicloud.ehpc.plugins.module_utils._arguments import RequestSettings

MAX_BYTES = 1024 * 1024
MAX_REDIRECTS = 5
CHUNK_BYTES = 64 * 1024

_METADATA = [
    ipaddress.ip_network(network)
    for network in (
        "100.100.100.200/32",  # Alibaba Cloud ECS
        "169.254.0.0/16",  # IPv4 link-local (RFC 3927), with 169.254.169.254 of AWS, Azure, Google Cloud and OpenStack
        "fd00:ec2::254/128",  # AWS
        "fe80::/10",  # IPv6 link-local (RFC 4291)
    )
]
_PRIVATE = [ipaddress.ip_network(network) for network in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "fc00::/7")]
# IPv6 networks whose addresses contain an IPv4 address in their last 32 bits: IPv4-compatible, IPv4-mapped, and NAT64.
_CONTAIN_IPV4 = [ipaddress.ip_network(network) for network in ("::/96", "::ffff:0:0/96", "64:ff9b::/96")]
_PRIVATE_NAME = re.compile(r"(-internal\.aliyuncs\.com|^([^.]+\.)?vpc100-oss-[^.]+\.aliyuncs\.com)\.?$", re.IGNORECASE)

_Address = t.Union[ipaddress.IPv4Address, ipaddress.IPv6Address]


class File(t.NamedTuple):
    """A file as its server sent it. The content ends soon after MAX_BYTES."""

    content: bytes
    content_type: str
    encoding: str


class FetchError(Exception):
    """A file could not be fetched. ``conclusive`` is false if nodes may be able to fetch it nevertheless."""

    def __init__(self, problem: str, conclusive: bool = True) -> None:
        super().__init__(problem)
        self.problem = problem
        self.conclusive = conclusive


class _DeadlineExceeded(Exception):
    """The time for fetching is used up."""


try:
    import requests
    import urllib3
except ImportError:
    # Modules check MISSING_LIBRARY of _http before they get here.
    pass
else:

    class _Checked:
        """A connection that checks the address of its peer, whatever the name resolved to before. No request has been sent yet."""

        sock: t.Any

        def connect(self) -> None:
            super().connect()  # type: ignore[misc]
            _refuse_metadata([_address(self.sock.getpeername()[0])])

    class _HTTPConnection(_Checked, urllib3.connection.HTTPConnection):
        pass

    class _HTTPSConnection(_Checked, urllib3.connection.HTTPSConnection):
        pass

    class _HTTPPool(urllib3.HTTPConnectionPool):
        ConnectionCls = _HTTPConnection

    class _HTTPSPool(urllib3.HTTPSConnectionPool):
        ConnectionCls = _HTTPSConnection

    class _Adapter(requests.adapters.HTTPAdapter):
        """Requests that are not sent through a proxy use the connections above."""

        def init_poolmanager(self, *args: t.Any, **options: t.Any) -> None:
            super().init_poolmanager(*args, **options)
            self.poolmanager.pool_classes_by_scheme = {"http": _HTTPPool, "https": _HTTPSPool}


def is_web(url: str) -> bool:
    """Whether a URL is one that fetch_all fetches."""
    return url.lower().startswith(("http://", "https://"))


def fetch_all(urls: t.Iterable[str], settings: RequestSettings) -> dict[str, File | FetchError]:
    """The files behind these HTTP(S) URLs, fetched in parallel. No URL takes longer than the connect and read timeouts together."""
    seconds = settings.connect_timeout + settings.read_timeout
    deadline = time.monotonic() + seconds
    fetching = {url: in_background(_fetch, url, settings, deadline) for url in set(urls)}
    return {url: _result(future, deadline, seconds) for url, future in fetching.items()}


def _result(future: concurrent.futures.Future[t.Any], deadline: float, seconds: float) -> File | FetchError:
    try:
        return t.cast(File, future.result(max(0.0, deadline - time.monotonic())))
    except FetchError as error:
        return error
    except (_DeadlineExceeded, concurrent.futures.TimeoutError):
        return _not_checked("it did not arrive within %g seconds." % seconds)


def _not_checked(reason: str) -> FetchError:
    return FetchError("Could not be checked: %s Nodes may still be able to fetch it." % reason, conclusive=False)


def _fetch(url: str, settings: RequestSettings, deadline: float) -> File:
    """The file behind a URL, after redirects. Raises FetchError."""
    has_user = False
    for _redirect in range(MAX_REDIRECTS + 1):
        parsed = _parsed(url)
        has_user = has_user or parsed.auth is not None
        url = parsed._replace(auth=None, fragment=None).url
        with _response(url, parsed, settings, deadline) as response:
            if not response.is_redirect:
                _check_status(response.status_code, has_user)
                return _file(response, parsed, settings, deadline)
            url = _redirected(url, response.headers["Location"])
    raise FetchError("Redirected more than %d times." % MAX_REDIRECTS)


def _parsed(url: str) -> urllib3.util.Url:
    """The parts of a URL as the library that fetches it understands them."""
    try:
        parsed = urllib3.util.parse_url(url)
    except urllib3.exceptions.LocationParseError:
        raise FetchError("The URL is not valid.") from None
    if not parsed.host:
        raise FetchError("The URL has no host.")
    return parsed


def _redirected(url: str, location: str) -> str:
    """The target of a redirect. Messages contain its host only, because its parameters may be secret."""
    try:
        # The library decodes headers as Latin-1.
        url = urljoin(url, location.encode("latin-1").decode("utf-8"))
    except ValueError:
        raise FetchError("Redirected to a URL that is not valid.") from None
    parsed = _parsed(url)
    if parsed.scheme != "https":
        raise FetchError("Redirected to %s, but redirects are followed to HTTPS only." % _origin(parsed))
    return url


def _origin(parsed: urllib3.util.Url) -> str:
    return "%s://%s" % (parsed.scheme, parsed.netloc)


def _response(url: str, parsed: urllib3.util.Url, settings: RequestSettings, deadline: float) -> requests.Response:
    """The response to one request, without its body.

    Not requests.get: that reads the body of a redirect, however long it is, and sends a password for the host from ~/.netrc. This way
    only these headers are sent.
    """
    # Identity, because nodes store what the server sends, and nothing that it would make of the file for this request.
    headers = {"User-Agent": USER_AGENT, "Accept": "*/*", "Accept-Encoding": "identity", "Connection": "close"}
    addresses: list[_Address] = []
    try:
        request = requests.Request("GET", url, headers=headers).prepare()
        with requests.Session() as session:
            environment = session.merge_environment_settings(url, {}, True, settings.verify, None)
        addresses = _resolved(parsed, url)
        _refuse_metadata(addresses)
        _check_deadline(deadline)
        return _Adapter().send(request, timeout=(settings.connect_timeout, settings.read_timeout), **environment)
    except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as error:
        raise _unreachable(error, parsed, addresses, settings) from None


def _check_deadline(deadline: float) -> None:
    if time.monotonic() > deadline:
        raise _DeadlineExceeded


def _resolved(parsed: urllib3.util.Url, url: str) -> list[_Address]:
    """All addresses of a host, in whatever notation. The list may be empty behind a proxy, which may resolve names that this machine cannot."""
    host = (parsed.host or "").strip("[]")
    try:
        entries = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        if proxy_of(url):
            return []
        raise socket.gaierror from None
    return [_address(str(entry[4][0])) for entry in entries]


def _address(text: str) -> _Address:
    """An address; the IPv4 address if it only wraps one."""
    address = ipaddress.ip_address(text.partition("%")[0])
    if isinstance(address, ipaddress.IPv6Address):
        if address.sixtofour:
            return address.sixtofour
        if any(address in network for network in _CONTAIN_IPV4) and not address.is_loopback:
            return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address


def _refuse_metadata(addresses: list[_Address]) -> None:
    """Raise FetchError for a service that hands out the credentials of the machine that asks. Loopback is allowed."""
    if any(address in network for address in addresses for network in _METADATA):
        raise FetchError("The URL leads to a link-local address or a metadata service, which is never contacted.")


def _unreachable(error: Exception, parsed: urllib3.util.Url, addresses: list[_Address], settings: RequestSettings) -> FetchError:
    """The failure of a request, without the error's own text, which contains the URL."""
    private = _PRIVATE_NAME.search(parsed.host or "") or any(address in network for address in addresses for network in _PRIVATE)
    why = " The address belongs to a private network, which the host that runs the task may not reach." if private else ""
    return _not_checked(what_failed(error, _origin(parsed), settings).reason + why)


def _check_status(status: int, has_user: bool) -> None:
    if status in (401, 403) and has_user:
        raise FetchError("Authentication required (HTTP %d). The preflight does not send the user name in the URL." % status, conclusive=False)
    if status in (401, 403):
        raise FetchError("Access denied (HTTP %d). The object may be private, or the pre-signed URL may have expired." % status)
    if status in (404, 410):
        raise FetchError("Not found (HTTP %d)." % status)
    if status != 200:
        raise FetchError("Unexpected HTTP status %d." % status)


def _file(response: requests.Response, parsed: urllib3.util.Url, settings: RequestSettings, deadline: float) -> File:
    """The file in a response, read no further than is needed to know that it is too large."""
    content = b""
    try:
        while len(content) <= MAX_BYTES:
            chunk = response.raw.read(CHUNK_BYTES, decode_content=False)
            if not chunk:
                break
            content += chunk
            _check_deadline(deadline)
    except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as error:
        raise _unreachable(error, parsed, [], settings) from None
    # Older releases of urllib3 accept half a file.
    announced = response.headers.get("Content-Length", "")
    if re.fullmatch("[0-9]{1,18}", announced) and len(content) < min(int(announced), MAX_BYTES):
        raise _not_checked("the server sent %d of %s bytes." % (len(content), announced))
    return File(content, response.headers.get("Content-Type", ""), response.headers.get("Content-Encoding", ""))
