# Copyright (c) 2026, the alicloud.ehpc contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A service that follows a script, for tests of the client and of modules.

A test lists the calls that it expects, in order, with their responses. Calls use the real client and the real `requests`; only the network
is replaced. A call that is not expected, or that has another position, other parameters or a wrong signature, fails, and so does an
expected call that is not made. The absence of the write thus verifies check mode.

    def test_create_check_mode(service):
        service.expects(Call("GetPostScripts", ClusterId="ehpc-hz-EXAMPLE", answer={"PostInstallScripts": []}))
        result = service.run(post_scripts, check_mode=True, cluster_id="ehpc-hz-EXAMPLE", scripts=[{"url": "/x.sh"}])
        assert result["changed"]

Only `time.sleep` and the `takes` of a call advance the time, so that waits are asserted without sleeping.
"""

from __future__ import annotations

import json
import random
import time
import typing as t
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, urlsplit

import pytest
import requests
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.alicloud.ehpc.plugins.module_utils._arguments import SHARED_SPEC
from ansible_collections.alicloud.ehpc.plugins.module_utils._client import Client, client_for
from ansible_collections.alicloud.ehpc.plugins.module_utils._errors import EhpcError
from ansible_collections.alicloud.ehpc.plugins.module_utils._generations import API_VERSIONS, V1, as_query, method_of
from ansible_collections.alicloud.ehpc.plugins.module_utils._http import ready_to_send
from ansible_collections.alicloud.ehpc.plugins.module_utils._module import call as run_function
from ansible_collections.alicloud.ehpc.tests.emulator.signature import sign, string_to_sign
from ansible_collections.alicloud.ehpc.tests.support.wording import is_sentence
from requests.adapters import BaseAdapter

REGION = "cn-hangzhou"
ACCESS_KEY = "EXAMPLEaccesskey"
SECRET_KEY = "EXAMPLE-secret-of-the-tests"
HOST = f"ehpc.{REGION}.aliyuncs.com"
SHARED_OPTIONS: dict[str, t.Any] = {"region": REGION, "access_key": ACCESS_KEY, "secret_key": SECRET_KEY}
# The parameters of every signed request, in addition to those of the operation.
COMMON = {
    "AccessKeyId",
    "Action",
    "Format",
    "RegionId",
    "Signature",
    "SignatureMethod",
    "SignatureNonce",
    "SignatureType",
    "SignatureVersion",
    "Timestamp",
    "Version",
}
DOCUMENTED: dict[str, tuple[int, str]] = {
    "ClusterNotFound": (404, "The specified cluster does not exist."),
    "InvalidClusterStatus": (403, "The operation failed due to invalid cluster status."),
    "ManagerNotFound": (404, "The manager nodes do not exist or their status is abnormal."),
    "NotAuthorized": (407, "You are not authorized by RAM for this request."),
    "ServiceUnavailable": (503, "The request has failed due to a temporary failure of the server"),
    "Throttling.User": (400, "Request was denied due to user flow control."),
    "UnknownError": (500, "An unknown error occurred."),
}
_number = 0


class Call:
    """One expected call and its response: `answer`, the error `code`, a raw `body`, or no response.

    `generation` is that of the API. A parameter that is no string is expected as JSON.
    """

    def __init__(
        self,
        action: str,
        *,
        answer: dict[str, t.Any] | None = None,
        code: str | None = None,
        message: str | None = None,
        status: int | None = None,
        body: bytes | None = None,
        error: Exception | None = None,
        headers: dict[str, str] | None = None,
        takes: float = 0.0,
        generation: str = V1,
        **params: t.Any,
    ) -> None:
        self.action = action
        self.generation = generation
        self.params = as_query(params)
        self.error = error
        self.headers = headers or {}
        self.takes = takes
        self.status, self.body = status or 200, body if body is not None else _body(answer or {})
        if code:
            documented_status, documented_message = DOCUMENTED.get(code, (400, "Refused."))
            self.status = status or documented_status
            self.body = _body({"HostId": HOST, "Code": code, "Message": documented_message if message is None else message})

    def __repr__(self) -> str:
        return f"{self.action} ({self.generation}) {self.params}"


def _body(answer: dict[str, t.Any]) -> bytes:
    global _number
    _number += 1
    return json.dumps({"RequestId": f"REQUEST-{_number:04d}", **answer}).encode()


class Unexpected(pytest.fail.Exception):  # type: ignore[name-defined]
    """A call that a test does not expect. It is not an Exception, so that the code under test cannot handle it as a network failure."""


@dataclass
class Clock:
    """The clock of the code under test."""

    now: float = 1000.0
    sleeps: list[float] = field(default_factory=list)

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.sleeps.append(seconds)
        self.now += seconds


@dataclass
class Invocation:
    """The parts of an invocation that the function of a module uses."""

    params: dict[str, t.Any]
    check_mode: bool = False
    warnings: list[str] = field(default_factory=list)
    messages: list[str] = field(default_factory=list)
    backups: list[tuple[dict[str, t.Any], dict[str, t.Any]]] = field(default_factory=list)

    def warn(self, warning: str) -> None:
        self.warnings.append(warning)

    def progress(self, message: str) -> None:
        self.messages.append(message)

    def back_up(self, backup: dict[str, t.Any], options: dict[str, t.Any]) -> str:
        if "refuse" in options.get("dir_path", ""):
            raise EhpcError("BackupFailed", "The backup cannot be written.")
        self.backups.append((backup, options))
        return "/backup.yml"


def invocation(module: t.Any, check_mode: bool = False, **options: t.Any) -> Invocation:
    """The options as the module gets them from Ansible: checked, converted, with defaults."""
    spec = dict(SHARED_SPEC, **module.MODULE.argument_spec)
    checked = ArgumentSpecValidator(spec, mutually_exclusive=module.MODULE.mutually_exclusive).validate({**SHARED_OPTIONS, **options})
    if checked.error_messages:
        raise Unexpected("Ansible itself refuses these options: " + "; ".join(checked.error_messages))
    return Invocation(checked.validated_parameters, check_mode)


@dataclass
class Seen:
    """A request as it would be sent."""

    url: str
    params: dict[str, str]
    headers: dict[str, str]
    timeout: tuple[float, float]
    verify: bool | str
    method: str


class Service(BaseAdapter):
    """The scripted service: a transport of `requests`, and the way to run modules and clients on it."""

    def __init__(self, clock: Clock) -> None:
        super().__init__()
        self.clock = clock
        self.warnings: list[str] = []
        self.messages: list[str] = []
        self.backups: list[tuple[dict[str, t.Any], dict[str, t.Any]]] = []
        self.seen: list[Seen] = []
        self._expected: list[Call] = []

    # For tests

    def expects(self, *calls: Call) -> None:
        """Expect these calls, after those that are expected already."""
        self._expected.extend(calls)

    def client(self, **options: t.Any) -> Client:
        """A client for the shared options that calls this service."""
        params = dict.fromkeys(SHARED_SPEC)
        return self.connect(client_for({**params, **SHARED_OPTIONS, **options}))

    def run(self, module: t.Any, check_mode: bool = False, **options: t.Any) -> dict[str, t.Any]:
        """The result of a module's function."""
        call = invocation(module, check_mode, **options)
        self.warnings, self.messages, self.backups = call.warnings, call.messages, call.backups
        client = self.connect(client_for(call.params, module.MODULE.fallback_region))
        try:
            result = run_function(module.MODULE, call, client)
        finally:
            client.close()
        self.done()
        assert [warning for warning in self.warnings if not is_sentence(warning)] == []
        return t.cast("dict[str, t.Any]", json.loads(json.dumps(result)))

    def fails(self, module: t.Any, check_mode: bool = False, **options: t.Any) -> EhpcError:
        """The failure of a module's function."""
        with pytest.raises(EhpcError) as caught:
            self.run(module, check_mode, **options)
        self.done()
        return caught.value

    def connect(self, client: Client) -> Client:
        client._session.mount("https://", self)
        client._session.mount("http://", self)
        return client

    def done(self) -> None:
        """Fails if expected calls were not made."""
        left, self._expected = self._expected, []
        if left:
            raise Unexpected(f"these calls did not come: {left}")

    # The transport

    def send(
        self,
        request: requests.PreparedRequest,
        stream: bool = False,
        timeout: t.Any = None,
        verify: t.Any = True,
        cert: t.Any = None,
        proxies: t.Any = None,
    ) -> requests.Response:
        pairs = parse_qsl(urlsplit(request.url or "").query, keep_blank_values=True)
        params = _of_object(request) or dict(pairs)
        self.seen.append(Seen(request.url or "", params, {name: str(value) for name, value in request.headers.items()}, timeout, verify, request.method or ""))
        call = self._next(params)
        if "Version" in params and (request.method, params["Version"]) != (method_of(call.action, call.generation), API_VERSIONS[call.generation]):
            raise Unexpected(f"expected {call}, but {request.method} to version {params['Version']} came")
        if params.get("AccessKeyId") == ACCESS_KEY and params["Signature"] != sign(SECRET_KEY, string_to_sign(request.method or "", pairs)):
            raise Unexpected(f"{call} has a wrong signature")
        ready_to_send(None)
        self.clock.now += call.takes
        if call.error:
            raise call.error
        return _response(request, call)

    def _next(self, params: dict[str, str]) -> Call:
        own = {name: value for name, value in params.items() if name not in COMMON}
        if not self._expected:
            raise Unexpected(f"nothing more was expected, but {params.get('Action')} {own}")
        call = self._expected.pop(0)
        if (params.get("Action"), own) != (call.action, call.params):
            raise Unexpected(f"expected {call}, but {params.get('Action')} {own} came")
        return call

    def close(self) -> None:
        pass


def _of_object(request: requests.PreparedRequest) -> dict[str, str] | None:
    """A request to OSS as an operation with the URL of its object; None for one to E-HPC."""
    if not str(request.headers.get("Authorization", "")).startswith("OSS4-HMAC-SHA256 "):
        return None
    return {"Action": {"GET": "GetObject", "PUT": "PutObject"}[request.method or ""], "Url": request.url or ""}


def _response(request: requests.PreparedRequest, call: Call) -> requests.Response:
    response = requests.Response()
    response.status_code = call.status
    response._content = call.body
    response._content_consumed = True
    response.headers.update(call.headers)
    response.url = request.url or ""
    response.request = request
    return response


def use(monkeypatch: pytest.MonkeyPatch) -> t.Iterator[Service]:
    """The fixture `service`."""
    clock = Clock()
    monkeypatch.setattr(time, "sleep", clock.sleep)
    monkeypatch.setattr(time, "monotonic", clock.monotonic)
    # Without randomness, every delay is the longest of its range.
    monkeypatch.setattr(random, "uniform", lambda low, high: high)
    service = Service(clock)
    yield service
    service.done()
