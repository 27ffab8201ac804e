# Copyright (c) 2026, the alicloud.ehpc contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.

"""Look at scripts where they lie, before anything is told to run them.

A script's address is what somebody wrote, and its host may be anybody's. So nothing that it does may hold up, fill or lead astray
who looks: a time and a size are the most that it gets, no credentials are sent to it, and it leads nobody to the metadata service.
"""

from __future__ import annotations

import concurrent.futures
import hashlib
import ipaddress
import re
import socket
import threading
import time
import typing as t
from urllib.parse import urljoin

from ansible_collections.alicloud.ehpc.plugins.module_utils._errors import PREFLIGHT_FAILED, EhpcError
from ansible_collections.alicloud.ehpc.plugins.module_utils._http import USER_AGENT, proxy_of, what_failed
from ansible_collections.alicloud.ehpc.plugins.module_utils._redact import redact_url

if t.TYPE_CHECKING:  # pragma: no cover
    from ansible_collections.alicloud.ehpc.plugins.module_utils._arguments import RequestSettings
    from ansible_collections.alicloud.ehpc.plugins.module_utils._post_scripts import Script

LARGEST = 1024 * 1024
MOST_REDIRECTS = 5
READ_AT_ONCE = 64 * 1024

_METADATA = [ipaddress.ip_network(network) for network in ("100.100.100.200/32", "169.254.0.0/16", "fd00:ec2::254/128", "fe80::/10")]
_INSIDE = [ipaddress.ip_network(network) for network in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "fc00::/7")]
# Networks of IPv6 whose addresses hold one of IPv4 in their last 32 bits: compatible, mapped, and those of NAT64.
_HOLD_IPV4 = [ipaddress.ip_network(network) for network in ("::/96", "::ffff:0:0/96", "64:ff9b::/96")]
_INSIDE_NAME = re.compile(r"(-internal\.aliyuncs\.com|^([^.]+\.)?vpc100-oss-[^.]+\.aliyuncs\.com)\.?$", re.IGNORECASE)
_PAGE = re.compile(rb"(\xef\xbb\xbf)?\s*<(!doctype\s+html|html|head|body)\b", re.IGNORECASE)

_Address = t.Union[ipaddress.IPv4Address, ipaddress.IPv6Address]


class Look(t.NamedTuple):
    """What came of looking at a script. ``ok`` is None where it could not be looked at."""

    url: str
    ok: bool | None
    problems: list[str]
    sha256: str | None = None
    size: int | None = None
    # Something else than what was reviewed is there.
    mismatch: bool = False

    def shown(self) -> dict[str, t.Any]:
        """The look as a module returns it."""
        return {"url": self.url, "ok": self.ok, "problems": self.problems, "sha256": self.sha256, "size": self.size}

    def told(self) -> str:
        """The problems, for people."""
        return "%s: %s" % (self.url, " ".join(self.problems))


class _File(t.NamedTuple):
    """What a script's host sent: the content, of one that is too large a part, and what the host says about it."""

    content: bytes
    content_type: str
    encoding: str


class _Unfit(Exception):
    """There is no file to look at. ``known`` is false where this says nothing about whether nodes can fetch it."""

    def __init__(self, problem: str, known: bool = True) -> None:
        super().__init__(problem)
        self.problem = problem
        self.known = known


class _TooLate(Exception):
    """The time for looking is over."""


try:
    import requests
    import urllib3
except ImportError:
    # Who runs modules looks at MISSING_LIBRARY of _http, and comes nowhere near here.
    pass
else:

    class _Checked:
        """A connection that looks where it leads to, whatever its name resolved to a moment earlier. No request has been sent yet."""

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
        """Requests that are not made through a proxy use the connections above."""

        def init_poolmanager(self, *args: t.Any, **options: t.Any) -> None:
            super().init_poolmanager(*args, **options)
            self.poolmanager.pool_classes_by_scheme = {"http": _HTTPPool, "https": _HTTPSPool}


def look_at(scripts: list[Script], checksums: list[str | None], settings: RequestSettings) -> list[Look]:
    """A look at each script that has an http(s) url or a checksum, in their order. No url takes longer than both timeouts together."""
    asked = [(script.url, checksum) for script, checksum in zip(scripts, checksums) if _is_web(script.url) or checksum]
    seconds = settings.connect_timeout + settings.read_timeout
    deadline = time.monotonic() + seconds
    fetching = {url: _in_background(_fetch, url, settings, deadline) for url in {url for url, _checksum in asked if _is_web(url)}}
    files = {url: _awaited(future, deadline, seconds) for url, future in fetching.items()}
    elsewhere = _Unfit("Its checksum cannot be compared from here: only what has an http(s) address is fetched.", known=False)
    return [_look(url, checksum, files.get(url, elsewhere)) for url, checksum in asked]


def failure(cluster_id: str, region: str, looks: list[Look], failed: list[Look]) -> EhpcError:
    """The failure for the scripts that must not be given to the cluster."""
    return EhpcError(
        PREFLIGHT_FAILED,
        "The preflight found problems with %d of %d post scripts for cluster %s in %s, so nothing was changed. %s"
        % (len(failed), len(looks), cluster_id, region, " ".join(look.told() for look in failed)),
        result={"preflight": [look.shown() for look in looks]},
    )


def _is_web(url: str) -> bool:
    return url.lower().startswith(("http://", "https://"))


def _in_background(function: t.Callable[..., t.Any], *arguments: t.Any) -> concurrent.futures.Future[t.Any]:
    """The function's result to come. No executor: Python waits for an executor's threads at its end, and these may hang."""
    future: concurrent.futures.Future[t.Any] = concurrent.futures.Future()

    def work() -> None:
        try:
            future.set_result(function(*arguments))
        except Exception as error:  # noqa: BLE001 - whatever it is, it is for who asks for the result
            future.set_exception(error)

    threading.Thread(target=work, daemon=True).start()
    return future


def _awaited(future: concurrent.futures.Future[t.Any], deadline: float, seconds: float) -> _File | _Unfit:
    try:
        return t.cast(_File, future.result(max(0.0, deadline - time.monotonic())))
    except _Unfit as unfit:
        return unfit
    except (_TooLate, concurrent.futures.TimeoutError):
        return _Unfit("It did not arrive within %g seconds. Whether nodes can fetch it is not known." % seconds, known=False)


def _fetch(url: str, settings: RequestSettings, deadline: float) -> _File:
    """The file behind a url, by way of redirects. Raises _Unfit where there is none."""
    has_user = False
    for _redirect in range(MOST_REDIRECTS + 1):
        address = _parsed(url)
        has_user = has_user or address.auth is not None
        url = address._replace(auth=None, fragment=None).url
        with _answer(url, address, settings, deadline) as answer:
            if not answer.is_redirect:
                _check_status(answer.status_code, has_user)
                return _file(answer, address, settings, deadline)
            url = _redirected(url, answer.headers["Location"])
    raise _Unfit("It is redirected more than %d times." % MOST_REDIRECTS)


def _parsed(url: str) -> urllib3.util.Url:
    """The parts of a url as they are understood by what fetches it."""
    try:
        address = urllib3.util.parse_url(url)
    except urllib3.exceptions.LocationParseError:
        raise _Unfit("Its address cannot be used: it is no url.") from None
    if not address.host:
        raise _Unfit("Its address cannot be used: it has no host.")
    return address


def _redirected(url: str, location: str) -> str:
    """Where a redirect leads to. What is shown of it is its host only, because nobody knows what its parameters are."""
    try:
        # What came as bytes was read as Latin-1.
        url = urljoin(url, location.encode("latin-1").decode("utf-8"))
    except ValueError:
        raise _Unfit("It is redirected to an address that cannot be used.") from None
    address = _parsed(url)
    if address.scheme != "https":
        raise _Unfit("It is redirected to %s, and redirects are followed to https only." % _origin(address))
    return url


def _origin(address: urllib3.util.Url) -> str:
    return "%s://%s" % (address.scheme, address.netloc)


def _answer(url: str, address: urllib3.util.Url, settings: RequestSettings, deadline: float) -> requests.Response:
    """The answer to one request, still without its body.

    Not by a session's own means: that reads the body of a redirect, however long it is, and takes a password for the host from
    ~/.netrc. This way there is nothing to send but these headers.
    """
    # What nodes get is what the host has, not what it would make of it for this request.
    headers = {"User-Agent": USER_AGENT, "Accept": "*/*", "Accept-Encoding": "identity", "Connection": "close"}
    addresses: list[_Address] = []
    try:
        request = requests.Request("GET", url, headers=headers).prepare()
        with requests.Session() as session:
            environment = session.merge_environment_settings(url, {}, True, settings.verify, None)
        addresses = _resolved(address, url)
        _refuse_metadata(addresses)
        _check_time(deadline)
        return _Adapter().send(request, timeout=(settings.connect_timeout, settings.read_timeout), **environment)
    except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as error:
        raise _unreachable(error, address, addresses, settings) from None


def _check_time(deadline: float) -> None:
    if time.monotonic() > deadline:
        raise _TooLate


def _resolved(address: urllib3.util.Url, url: str) -> list[_Address]:
    """All addresses of a host, in whatever way they are written. Behind a proxy there may be none: it knows names that are not known here."""
    host = (address.host or "").strip("[]")
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        if proxy_of(url):
            return []
        raise socket.gaierror from None
    return [_address(str(entry[4][0])) for entry in found]


def _address(text: str) -> _Address:
    """An address, as one of IPv4 where it only wraps one."""
    address = ipaddress.ip_address(text.partition("%")[0])
    if isinstance(address, ipaddress.IPv6Address):
        if address.sixtofour:
            return address.sixtofour
        if any(address in network for network in _HOLD_IPV4) and not address.is_loopback:
            return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address


def _refuse_metadata(addresses: list[_Address]) -> None:
    """Raise _Unfit for the service that hands out the credentials of the machine that asks. Loopback is nobody else's, so it is allowed."""
    if any(address in network for address in addresses for network in _METADATA):
        raise _Unfit("It leads to a link-local address or to the metadata service, where no script is; that is never asked.")


def _unreachable(error: Exception, address: urllib3.util.Url, addresses: list[_Address], settings: RequestSettings) -> _Unfit:
    """Told without the error's own text: that holds the url."""
    inside = _INSIDE_NAME.search(address.host or "") or any(one in network for one in addresses for network in _INSIDE)
    why = ": it is an address inside a private network, and the host of this task may be outside of it" if inside else ""
    reason = what_failed(error, _origin(address), settings).reason
    return _Unfit("It could not be looked at: %s Whether nodes can fetch it is not known%s." % (reason, why), known=False)


def _check_status(status: int, has_user: bool) -> None:
    if status in (401, 403) and has_user:
        raise _Unfit("It is not for everybody (HTTP status %d), and the user name in its url is not sent from here." % status, known=False)
    if status in (401, 403):
        raise _Unfit("It may not be read: HTTP status %d. Is it private, or is its url a pre-signed one that has expired?" % status)
    if status in (404, 410):
        raise _Unfit("It is not there: HTTP status %d." % status)
    if status != 200:
        raise _Unfit("It is not sent: HTTP status %d." % status)


def _file(answer: requests.Response, address: urllib3.util.Url, settings: RequestSettings, deadline: float) -> _File:
    """The file in an answer, read no further than is needed to know that it is too large."""
    content = b""
    try:
        while len(content) <= LARGEST:
            part = answer.raw.read(READ_AT_ONCE, decode_content=False)
            if not part:
                break
            content += part
            _check_time(deadline)
    except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as error:
        raise _unreachable(error, address, [], settings) from None
    # Older versions of urllib3 take half a file for a whole one.
    announced = answer.headers.get("Content-Length", "")
    if re.fullmatch("[0-9]{1,18}", announced) and len(content) < min(int(announced), LARGEST):
        raise _Unfit("Its host sent %d of %s bytes." % (len(content), announced), known=False)
    return _File(content, answer.headers.get("Content-Type", ""), answer.headers.get("Content-Encoding", ""))


def _look(url: str, checksum: str | None, file: _File | _Unfit) -> Look:
    shown = redact_url(url)
    if isinstance(file, _Unfit):
        return Look(shown, False if file.known else None, [file.problem])
    if len(file.content) > LARGEST:
        # Whatever it is, it is not known to be what was reviewed.
        return Look(shown, False, ["It is larger than 1 MiB, so it was not looked at."], mismatch=checksum is not None)
    found = hashlib.sha256(file.content).hexdigest()
    problems = _problems(file)
    mismatch = checksum not in (None, found)
    if mismatch:
        problems.append("Its checksum is sha256:%s, and not sha256:%s." % (found, checksum))
    return Look(shown, not problems, problems, found, len(file.content), mismatch)


def _problems(file: _File) -> list[str]:
    """What would keep a node from running the file."""
    if not file.content:
        return ["It is empty."]
    if file.encoding.lower() not in ("", "identity"):
        return ["It is sent compressed (%s) although that was not asked for. Nodes would keep it so." % file.encoding[:20]]
    shebang = file.content.startswith(b"#!")
    if not shebang and (_PAGE.match(file.content) or file.content_type.lower().startswith("text/html")):
        return ["It is an HTML page and not a script. Does its host want somebody to log in?"]
    problems = [] if shebang else ["Its first line does not begin with #! and the interpreter to run it."]
    # An archive may follow the text of a script, and there these two bytes mean nothing.
    if b"\r\n" in file.content.partition(b"\0")[0]:
        problems.append("It has CRLF line ends, with which shells do not run it. Store it with LF, as dos2unix makes it.")
    return problems
