# Copyright (c) 2026, the alicloud.ehpc contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A client of the E-HPC API for one account and one region: signed calls, with retries, that raise one exception."""

from __future__ import annotations

import contextlib
import json
import math
import random
import re
import time
import typing as t
from functools import lru_cache

from ansible_collections.alicloud.ehpc.plugins.module_utils import _errors
from ansible_collections.alicloud.ehpc.plugins.module_utils._arguments import MAX_SECONDS, RequestSettings, checked_region, request_settings, resolve
from ansible_collections.alicloud.ehpc.plugins.module_utils._credentials import Credentials, Keys, credentials, region_of
from ansible_collections.alicloud.ehpc.plugins.module_utils._errors import EhpcError
from ansible_collections.alicloud.ehpc.plugins.module_utils._generations import API_VERSIONS, V1, as_query, method_of
from ansible_collections.alicloud.ehpc.plugins.module_utils._http import USER_AGENT, FullResponse, NoResponse, Response, exchange, new_session, send
from ansible_collections.alicloud.ehpc.plugins.module_utils._redact import redact_text

if t.TYPE_CHECKING:  # pragma: no cover
    from collections.abc import Mapping
    from concurrent.futures import Executor

    import requests

try:
    import urllib3
    from aliyunsdkcore.auth.composer.rpc_signature_composer import get_signed_url
except ImportError:
    # Reported by MISSING_LIBRARY of _http.
    pass

# Seconds.
INITIAL_DELAY = 0.5
# The time that the last poll has, which starts at the deadline.
GRACE = 0.5
MAX_MESSAGE_LENGTH = 1000
PAGE_SIZE = 50
# No list of E-HPC has as many pages. It bounds a service that returns pages without end.
MAX_PAGES = 10000

RETRYABLE_STATUSES = (429, 502, 503, 504)

T = t.TypeVar("T")


class Client:
    """Calls to one region. It keeps its connection, so use one client as long as the options are the same."""

    def __init__(self, source: Credentials, region: str, settings: RequestSettings) -> None:
        self.region = region
        self.settings = settings
        # The ID of the key that signed the last call.
        self.access_key = ""
        # Threads that share the client take turns if this is a semaphore.
        self.turns: contextlib.AbstractContextManager[t.Any] = contextlib.nullcontext()
        self._source = source
        self._secrets: set[str] = set()
        self._session = new_session()
        if settings.verify is False:
            urllib3.disable_warnings(urllib3.exceptions.InsecureRequestWarning)

    def close(self) -> None:
        """Close the connection."""
        self._session.close()

    def keys(self, seconds: float = math.inf) -> Keys:
        """The keys that sign the next request, within so many seconds. Raises EhpcError."""
        keys = self._source.keys(seconds)
        self.access_key = keys.access_key
        self.register_secrets((keys.secret_key, keys.security_token or ""))
        return keys

    def exchange(self, request: requests.Request, settings: RequestSettings) -> FullResponse:
        """The response to a request to another service, with the connections of this client. Raises EhpcError, without an attempt."""
        try:
            with self.turns:
                return exchange(self._session, request, settings)
        except NoResponse as error:
            # A proxy may drop the second request of each connection. The retry gets a new connection.
            self._session.close()
            code, reason, response_lost = error.failure
            raise EhpcError(code, reason, response_lost=response_lost) from None

    def register_secrets(self, secrets: t.Iterable[str]) -> None:
        """Keep these values out of every later message."""
        self._secrets.update(secret for secret in secrets if secret)

    def call(
        self,
        action: str,
        params: Mapping[str, t.Any] | None = None,
        read_timeout: float | None = None,
        is_applied: t.Callable[[], bool] | None = None,
        deadline: float | None = None,
        renew: t.Callable[[], Mapping[str, t.Any]] | None = None,
        generation: str = V1,
    ) -> dict[str, t.Any]:
        """The response of one operation: a dictionary as E-HPC sends it, with its RequestId.

        ``params`` are the parameters of the operation by their API names; those of E-HPC NEXT (``generation``) may be lists and
        dictionaries. ``read_timeout`` (seconds) replaces that of the settings.
        Failures that is_retryable accepts are retried at most ``retries`` times, with exponential backoff and jitter; a request that
        timed out has waited already, and is retried at once. No request starts after the ``deadline`` (of time.monotonic()), and every
        request ends GRACE seconds after it.

        ``is_applied`` belongs to a write whose effect can be read. It is called if a response was lost, before the write is retried or
        given up. If it returns true, the response is an empty dictionary. ``renew`` returns the parameters of each retry, for a
        write that depends on what is stored.

        Raises EhpcError.
        """
        params = dict(params or {}, RegionId=self.region)
        settings = self.settings if read_timeout is None else self.settings._replace(read_timeout=min(read_timeout, MAX_SECONDS))
        limit = math.inf if deadline is None else deadline + GRACE
        delays = self.delays()
        while True:
            try:
                return self._attempt(action, params, settings, limit, generation)
            except EhpcError as error:
                if error.response_lost and is_applied and _errors.read_after(error, "whether it was applied", is_applied):
                    return {}
                delay = next(delays, None)
                if delay is None or not is_retryable(error):
                    raise
                if error.code == _errors.TIMED_OUT:
                    delay = 0.0
                if deadline is not None and time.monotonic() + delay >= deadline:
                    raise
                has_response = error.http_status is not None
            time.sleep(delay)
            if renew:
                params = dict(renew(), RegionId=self.region)
            if not has_response:
                # A proxy may drop the second request of each connection. The retry gets a new connection.
                self._session.close()

    def pages(
        self,
        action: str,
        wrapper: str,
        item: str,
        params: Mapping[str, str] | None = None,
        size: int = PAGE_SIZE,
        executor: Executor | None = None,
        deadline: float | None = None,
        generation: str = V1,
    ) -> list[dict[str, t.Any]]:
        """The items of all pages of a list operation, in the service's order. Raises EhpcError.

        With an ``executor`` the pages after the first are read in parallel. At most ``MAX_PAGES`` pages are read.
        """

        def page(number: int) -> tuple[list[dict[str, t.Any]], int | None]:
            response = self.call(action, dict(params or {}, PageNumber=str(number), PageSize=str(size)), deadline=deadline, generation=generation)
            try:
                return items(response, wrapper, item), integer(response, "TotalCount")
            except EhpcError as error:
                raise error.with_context(attempted=_errors.attempt(action, (params or {}).get("ClusterId"), self.region), action=action) from None

        on_page, total = page(1)
        found = list(on_page)
        if executor and total is not None and found:
            # The service may put fewer items on a page than it was asked for.
            last = min(math.ceil(total / len(found)), MAX_PAGES)
            return found + [entry for entries, _total in executor.map(page, range(2, last + 1)) for entry in entries]
        for number in range(2, MAX_PAGES + 1):
            # Without a TotalCount a short page is the last one.
            if not on_page or (len(on_page) < size if total is None else len(found) >= total):
                break
            on_page, _total = page(number)
            found.extend(on_page)
        return found

    def delays(self) -> t.Iterator[float]:
        """Seconds before each retry: exponential backoff, with jitter so that many hosts do not retry at the same time."""
        delay = INITIAL_DELAY
        for _retry in range(self.settings.retries):
            yield min(self.settings.max_delay, delay) * random.uniform(0.5, 1.0)  # noqa: S311
            delay *= 2

    def _attempt(self, action: str, params: Mapping[str, t.Any], settings: RequestSettings, limit: float, generation: str) -> dict[str, t.Any]:
        attempted = _errors.attempt(action, params.get("ClusterId"), self.region)
        if time.monotonic() >= limit:
            raise EhpcError(_errors.TIMED_OUT, "The time limit of the task was reached before this call.", attempted, action)
        keys = self.keys(limit - time.monotonic())
        method, version = method_of(action, generation), API_VERSIONS[generation]
        headers = {"User-Agent": USER_AGENT, "Accept-Encoding": "identity", "x-acs-action": action, "x-acs-version": version}
        try:
            url = settings.url + _signed(method, dict(as_query(params), Action=action, Version=version), keys)
            with self.turns:
                response = send(self._session, url, headers, settings, limit, method)
        except NoResponse as error:
            code, reason, response_lost = error.failure
            raise EhpcError(code, reason, attempted, action, response_lost=response_lost) from None
        if response.status == 414:
            message = "The request is too long: its URL has %d characters, more than the gateway accepts (HTTP 414)." % len(url)
            raise EhpcError(_errors.REQUEST_TOO_LONG, message, attempted, action, http_status=response.status)
        return self._parse(response, action, attempted)

    def _parse(self, response: Response, action: str, attempted: str) -> dict[str, t.Any]:
        try:
            body = json.loads(response.body)
        except ValueError:
            body = None
        if isinstance(body, dict) and body.get("Code"):
            raise EhpcError(
                str(body["Code"]),
                self.clean(str(body.get("Message") or "")),
                attempted,
                action,
                http_status=response.status,
                request_id=body.get("RequestId"),
            )
        if response.status == 200 and isinstance(body, dict):
            # E-HPC NEXT returns it with its writes, as a boolean or as a string.
            if str(body.get("Success")).lower() == "false":
                message = "E-HPC processed the request, but reports no success."
                raise EhpcError(_errors.NOT_SUCCESSFUL, message, attempted, action, http_status=200, request_id=body.get("RequestId"))
            return body
        # Not its body: a page of HTML does not help in a terminal, and may echo the signed request.
        raise EhpcError(
            _errors.INVALID_ANSWER,
            "HTTP status %d with a body that is not from E-HPC (%d bytes)." % (response.status, len(response.body)),
            attempted,
            action,
            http_status=response.status,
            response_lost=response.status == 200 or response.status >= 500,
        )

    def clean(self, message: str) -> str:
        """The message of a service without secrets."""
        # SignatureDoesNotMatch echoes the string to sign, which contains the security token.
        message = message.partition("server string to sign is")[0].strip()
        return redact_text(message, tuple(self._secrets))[:MAX_MESSAGE_LENGTH]


def _signed(method: str, query: dict[str, str], keys: Keys) -> str:
    """The path and query of a signed request.

    This is the only part of the SDK that is used. Its AcsClient lets ALIYUN_ACCESS_KEY_ID replace the configured identity, and its
    bundled HTTP library of 2017 sends no SNI on Python 3.12, ignores NO_PROXY, and puts URLs into messages. Its request classes load
    that library as well, which takes a large part of the time of a task.
    """
    if keys.security_token:
        query["SecurityToken"] = keys.security_token
    url, _string_to_sign = get_signed_url(query, keys.access_key, keys.secret_key, "JSON", method, {})
    return t.cast(str, url)


def is_retryable(error: EhpcError) -> bool:
    """Whether another attempt may succeed."""
    if error.http_status is None:
        return error.code in (_errors.CONNECTION_FAILED, _errors.TIMED_OUT)
    if error.code == _errors.INVALID_ANSWER and error.http_status == 500:
        # From a gateway. A response of E-HPC has a code of its own.
        return True
    return error.code.startswith("Throttling") or error.code in _errors.RETRYABLE_CODES or error.http_status in RETRYABLE_STATUSES


def poll(read: t.Callable[[], T], is_done: t.Callable[[T], bool], deadline: float, delay: float, max_delay: float) -> T:
    """Call ``read`` until ``is_done`` accepts its value, or until the deadline (of time.monotonic()); return the last value.

    It reads at least once. The last read starts at the deadline, or before it if it lasts until then. The delay (seconds) doubles after
    each read, up to ``max_delay``. ``read`` must bound its own calls by the deadline.
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


def items(response: Mapping[str, t.Any], wrapper: str, item: str) -> list[dict[str, t.Any]]:
    """A list of a response, wrapped (``{"Users": {"UserInfo": []}}``), flat (``{"Users": []}``) or absent.

    Raises EhpcError, with InvalidAnswer, for anything else than a list of objects.
    """
    found = response.get(wrapper)
    if isinstance(found, dict):
        found = found.get(item)
    found = found or []
    if not isinstance(found, list) or not all(isinstance(entry, dict) for entry in found):
        raise _invalid(response, "%s is not a list of objects." % wrapper)
    return found


def part(response: Mapping[str, t.Any], name: str) -> dict[str, t.Any]:
    """An object that is part of a response; empty if it is absent. Raises EhpcError, with InvalidAnswer, for anything else."""
    found = response.get(name) or {}
    if not isinstance(found, dict):
        raise _invalid(response, "%s is not an object." % name)
    return found


def integer(response: Mapping[str, t.Any], name: str) -> int | None:
    """A number that is part of a response; None if it is absent. Raises EhpcError, with InvalidAnswer, for anything else."""
    found = response.get(name)
    if found is None:
        return None
    try:
        return int(found)
    except (TypeError, ValueError, OverflowError):
        raise _invalid(response, "%s is not a number: %.40r." % (name, found)) from None


def result_keys(info: Mapping[str, t.Any], fields: t.Iterable[str]) -> dict[str, t.Any]:
    """Those of the fields that an object of the service has, with their names as keys of a result."""
    return {snake_case(field): info[field] for field in fields if field in info}


@lru_cache(maxsize=None)
def snake_case(field: str) -> str:
    """The name of a field of the service as a key of a result: VSwitchId becomes vswitch_id."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", field).lower()


def _invalid(response: Mapping[str, t.Any], message: str) -> EhpcError:
    return EhpcError(_errors.INVALID_ANSWER, message, http_status=200, request_id=response.get("RequestId"))


Clients = t.Dict[t.Any, Client]


def client_for(params: Mapping[str, t.Any], fallback_region: str | None = None, clients: Clients | None = None) -> Client:
    """A client for the shared options among ``params``; one of ``clients`` if nothing that it depends on has changed.

    Raises EhpcError for options that cannot work, before any call.
    """
    shared = resolve(params)
    source = credentials(shared)
    region = checked_region(region_of(shared) or fallback_region)
    settings = request_settings(shared, region)
    known = {} if clients is None else clients
    key = (source.identity, source.surroundings, region, settings)
    if key not in known:
        known[key] = Client(source, region, settings)
    return known[key]


def certificate_warning(params: Mapping[str, t.Any]) -> str | None:
    """The warning if certificates are not verified, else None."""
    if resolve(params).validate_certs:
        return None
    return "validate_certs is false: the certificate of the endpoint is not verified, which allows man-in-the-middle attacks."
