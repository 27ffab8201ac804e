# Copyright (c) 2026, the alicloud.ehpc contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.

"""One account's view of E-HPC in one region: signed calls, repeated where that helps, with one exception."""

from __future__ import annotations

import json
import random
import re
import socket
import time
import traceback
import typing as t

from ansible_collections.alicloud.ehpc.plugins.module_utils import _errors
from ansible_collections.alicloud.ehpc.plugins.module_utils._arguments import Transport, checked_region, option, transport
from ansible_collections.alicloud.ehpc.plugins.module_utils._credentials import Credentials, Keys, credentials, region_of
from ansible_collections.alicloud.ehpc.plugins.module_utils._errors import EhpcError
from ansible_collections.alicloud.ehpc.plugins.module_utils._redact import MASK, redact_text
from ansible_collections.alicloud.ehpc.plugins.module_utils._version import VERSION

if t.TYPE_CHECKING:  # pragma: no cover
    from collections.abc import Mapping
    from concurrent.futures import Executor

try:
    import requests
    import urllib3
    from aliyunsdkcore.auth.composer.rpc_signature_composer import get_signed_url
except ImportError:
    MISSING_LIBRARY: str | None = traceback.format_exc()
else:
    MISSING_LIBRARY = None

REQUIRED_LIBRARIES = "aliyun-python-sdk-core and requests"
API_VERSION = "2018-04-12"
USER_AGENT = "ansible-alicloud.ehpc/%s" % VERSION
FIRST_DELAY = 0.5
LONGEST_MESSAGE = 1000
PAGE_SIZE = 50
# No page of the service is this far out; a service that never stops paging must not keep a task for ever.
MAX_PAGES = 10000

REPEATED_CODES = ("ServiceUnavailable", "InternalError", "UnknownError")
REPEATED_STATUSES = (502, 503, 504)

T = t.TypeVar("T")

# A proxy is often given without a scheme, and its password unquoted: all up to the last @ is one.
_PROXY_USER = re.compile(r"^([a-z][a-z0-9+.-]*://)?.*@", re.IGNORECASE | re.DOTALL)


class Client:
    """Calls to one region. Use it as long as the options are the same: it keeps its connection."""

    def __init__(self, source: Credentials, region: str, settings: Transport) -> None:
        self.region = region
        self.settings = settings
        self._source = source
        self._secrets: set[str] = set()
        self._session = requests.Session()
        # An `auth` of our own, or requests would send a password that ~/.netrc has for the host.
        self._session.auth = lambda request: request
        if settings.verify is False:
            urllib3.disable_warnings(urllib3.exceptions.InsecureRequestWarning)

    def close(self) -> None:
        """Close the connection."""
        self._session.close()

    def hide(self, secrets: t.Iterable[str]) -> None:
        """Keep these values out of every message from now on."""
        self._secrets.update(secret for secret in secrets if secret)

    def call(
        self,
        action: str,
        params: Mapping[str, str] | None = None,
        read_timeout: float | None = None,
        arrived: t.Callable[[], bool] | None = None,
        deadline: float | None = None,
    ) -> dict[str, t.Any]:
        """The service's answer to one operation. Raises EhpcError.

        ``arrived`` belongs to a write whose effect can be read: it is asked where an answer was lost, before the
        write is repeated or given up, and where it says that the write arrived the answer is an empty one.
        """
        params = dict(params or {}, RegionId=self.region)
        for repeat in range(self.settings.retries + 1):
            try:
                return self._once(action, params, read_timeout or self.settings.read_timeout)
            except EhpcError as error:
                if error.answer_lost and arrived and self._ask(arrived, error):
                    return {}
                delay = self._delay(repeat)
                too_late = deadline is not None and time.monotonic() + delay >= deadline
                if not _worth_repeating(error) or repeat == self.settings.retries or too_late:
                    raise
            time.sleep(delay)
        raise AssertionError("unreachable: the last repeat returns or raises")  # pragma: no cover

    def pages(
        self,
        action: str,
        wrapper: str,
        item: str,
        params: Mapping[str, str] | None = None,
        size: int = PAGE_SIZE,
        threads: Executor | None = None,
    ) -> list[dict[str, t.Any]]:
        """The items of all pages of a list operation, in the service's order; with ``threads`` read side by side after the first."""

        def page(number: int) -> dict[str, t.Any]:
            return self.call(action, dict(params or {}, PageNumber=str(number), PageSize=str(size)))

        answer = page(1)
        found = items(answer, wrapper, item)
        total = answer.get("TotalCount")
        if threads and total is not None and found:
            answers = threads.map(page, range(2, -(-int(total) // size) + 1))
            return found + [entry for later in answers for entry in items(later, wrapper, item)]
        for number in range(2, MAX_PAGES + 1):
            # Without a TotalCount a short page is the last one.
            on_page = items(answer, wrapper, item)
            if not on_page or (len(on_page) < size if total is None else len(found) >= int(total)):
                break
            answer = page(number)
            found.extend(items(answer, wrapper, item))
        return found

    def _ask(self, arrived: t.Callable[[], bool], lost: EhpcError) -> bool:
        try:
            return arrived()
        except EhpcError as error:
            lost.message += " Whether it was done is not known, because reading failed too: %s" % error.message
            raise lost from None

    def _delay(self, repeat: int) -> float:
        """Seconds until the next try: doubled each time, and jittered so that many hosts do not come back at once."""
        return min(self.settings.max_delay, FIRST_DELAY * 2.0**repeat) * random.uniform(0.5, 1.0)  # noqa: S311

    def _once(self, action: str, params: Mapping[str, str], read_timeout: float) -> dict[str, t.Any]:
        keys = self._source.keys()
        self.hide((keys.secret_key, keys.security_token or ""))
        attempted = _errors.attempt(action, params.get("ClusterId"), self.region)
        try:
            answer = self._session.get(
                self.settings.url + _signed(action, params, keys),
                headers={"User-Agent": USER_AGENT, "Accept-Encoding": "identity", "x-acs-action": action, "x-acs-version": API_VERSION},
                timeout=(self.settings.connect_timeout, read_timeout),
                verify=self.settings.verify,
                allow_redirects=False,
            )
        except (requests.RequestException, OSError) as error:
            raise self._no_answer(error, action, attempted) from None
        return self._understood(answer, action, attempted)

    def _understood(self, answer: requests.Response, action: str, attempted: str) -> dict[str, t.Any]:
        try:
            body = json.loads(answer.content)
        except ValueError:
            body = None
        if isinstance(body, dict) and body.get("Code"):
            raise EhpcError(
                str(body["Code"]),
                self._clean(str(body.get("Message") or "")),
                attempted,
                action,
                http_status=answer.status_code,
                request_id=body.get("RequestId"),
            )
        if answer.status_code == 200 and isinstance(body, dict):
            return body
        # What stands in such a body is somebody else's page; it helps nobody in a terminal, and may echo the request.
        raise EhpcError(
            _errors.INVALID_ANSWER,
            "HTTP status %d with a body that is not the service's (%d bytes)." % (answer.status_code, len(answer.content)),
            attempted,
            action,
            http_status=answer.status_code,
            answer_lost=answer.status_code == 200 or answer.status_code >= 500,
        )

    def _no_answer(self, error: Exception, action: str, attempted: str) -> EhpcError:
        """The failure of a request that got no answer, told without its url: that holds the signature."""
        code, reason, lost = what_failed(error, self.settings)
        return EhpcError(code, "%s%s %s" % (self.settings.url, through_proxy(self.settings.url), reason), attempted, action, answer_lost=lost)

    def _clean(self, message: str) -> str:
        # SignatureDoesNotMatch echoes the whole string to sign, with the token in it.
        message = message.partition("server string to sign is")[0].strip()
        return redact_text(message, self._secrets)[:LONGEST_MESSAGE]


def _signed(action: str, params: Mapping[str, str], keys: Keys) -> str:
    """The path and query of a signed request.

    Of the SDK only this is used, which composes and signs for all its requests. Its AcsClient lets ALIYUN_ACCESS_KEY_ID replace the
    identity that was asked for, and its own HTTP library of 2017 sends no SNI on Python 3.12, honours no NO_PROXY, and puts urls into
    messages; even its request classes load that library, which is a good part of the time that a task takes.
    """
    query = dict(params, Action=action, Version=API_VERSION)
    if keys.security_token:
        query["SecurityToken"] = keys.security_token
    url, _string_to_sign = get_signed_url(query, keys.access_key, keys.secret_key, "JSON", "GET", {})
    return t.cast(str, url)


def proxy_of(url: str) -> str | None:
    """The proxy that the environment has for a url."""
    return requests.utils.select_proxy(url, requests.utils.get_environ_proxies(url))


def through_proxy(url: str) -> str:
    """' through the proxy ...' where there is one, told without its password."""
    proxy = proxy_of(url)
    return " through the proxy %s" % _PROXY_USER.sub(r"\1%s@" % MASK, proxy) if proxy else ""


def what_failed(error: Exception, settings: Transport) -> tuple[str, str, bool]:
    """Code, reason, and whether the service may have done the work, for a request without an answer."""
    causes = list(_causes(error))
    if any(isinstance(cause, socket.gaierror) for cause in causes) or any("NameResolution" in type(cause).__name__ for cause in causes):
        return _errors.HOST_NOT_FOUND, "has a host name that cannot be resolved.", False
    if any(isinstance(cause, (requests.exceptions.SSLError, urllib3.exceptions.SSLError)) for cause in causes):
        details = [str(getattr(cause, "verify_message", "")) for cause in causes]
        detail = next(filter(None, details), "the handshake failed")
        return _errors.TLS_FAILED, "could not be trusted: %s." % detail.rstrip("."), False
    if isinstance(error, (requests.exceptions.InvalidURL, requests.exceptions.InvalidSchema)):
        return _errors.INVALID_ADDRESS, "has an address, or is behind a proxy with one, that cannot be used.", False
    if isinstance(error, requests.exceptions.ConnectTimeout):
        return _errors.TIMED_OUT, "did not accept a connection within %g seconds." % settings.connect_timeout, False
    if any(isinstance(cause, (requests.exceptions.ReadTimeout, urllib3.exceptions.ReadTimeoutError)) for cause in causes):
        return _errors.TIMED_OUT, "did not answer in time.", True
    if any(isinstance(cause, ConnectionRefusedError) for cause in causes):
        return _errors.CONNECTION_FAILED, "refused the connection.", False
    if isinstance(error, requests.exceptions.ProxyError):
        return _errors.CONNECTION_FAILED, "could not be reached: the proxy refused.", False
    if any(isinstance(cause, urllib3.exceptions.NewConnectionError) for cause in causes):
        return _errors.CONNECTION_FAILED, "could not be reached.", False
    return _errors.CONNECTION_FAILED, "closed the connection without an answer.", True


def _causes(error: BaseException | None) -> t.Iterator[BaseException]:
    """An exception and all that it stands for: requests and urllib3 wrap by attribute, by argument and by cause."""
    waiting, seen = [error], set()
    while waiting:
        current = waiting.pop()
        if current is None or id(current) in seen:
            continue
        seen.add(id(current))
        yield current
        inner = [current.__cause__, current.__context__, getattr(current, "reason", None), *current.args]
        waiting.extend(cause for cause in inner if isinstance(cause, BaseException))


def _worth_repeating(error: EhpcError) -> bool:
    if error.http_status is None:
        return error.code in (_errors.CONNECTION_FAILED, _errors.TIMED_OUT)
    return error.code.startswith("Throttling") or error.code in REPEATED_CODES or error.http_status in REPEATED_STATUSES


def poll(read: t.Callable[[], T], is_done: t.Callable[[T], bool], deadline: float, delay: float, max_delay: float) -> T:
    """Call ``read`` until ``is_done`` accepts its value, or until the deadline (of time.monotonic()); return the last value.

    It reads at least once, and for the last time at the deadline. The delay in seconds doubles after each read, up to ``max_delay``.
    ``read`` has to bound its own calls by the deadline.
    """
    value = read()
    while not is_done(value):
        remaining = deadline - time.monotonic()
        if remaining <= 0:
            break
        time.sleep(min(delay, remaining))
        delay = min(delay * 2, max_delay)
        value = read()
    return value


def items(answer: Mapping[str, t.Any], wrapper: str, item: str) -> list[dict[str, t.Any]]:
    """A list of an answer, wrapped (``{"Users": {"UserInfo": []}}``), flat (``{"Users": []}``) or absent."""
    found = answer.get(wrapper)
    if isinstance(found, dict):
        found = found.get(item)
    return list(found or [])


Clients = t.Dict[t.Any, Client]


def client_for(params: Mapping[str, t.Any], fallback_region: str | None = None, clients: Clients | None = None) -> Client:
    """A client for the shared options; one of ``clients`` where these are the options of an earlier call.

    Raises EhpcError for options that cannot work, before any call.
    """
    source = credentials(params)
    region = checked_region(region_of(params) or fallback_region)
    settings = transport(params, region)
    known = {} if clients is None else clients
    key = (source.identity, region, settings)
    if key not in known:
        known[key] = Client(source, region, settings)
    return known[key]


def certificate_warning(params: Mapping[str, t.Any]) -> str | None:
    """What to warn about where certificates are not verified."""
    if option(params, "validate_certs"):
        return None
    return "validate_certs is false: the service's certificate is not verified, anybody on the way can answer in its place."
