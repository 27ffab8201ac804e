# Copyright (c) 2026, the alicloud.ehpc contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The checks of the API gateway, in its order, before a request reaches the product."""

from __future__ import annotations

import re
import threading
import time
from dataclasses import dataclass, field
from datetime import datetime, timezone
from functools import cached_property

from . import signature
from .errors import ApiError
from .next_clusters import NEXT_OPERATIONS
from .operations import OPERATIONS as V1_OPERATIONS
from .state import Credential, State

NEXT_VERSION = "2024-07-30"
OPERATIONS = {"2018-04-12": V1_OPERATIONS, NEXT_VERSION: NEXT_OPERATIONS}
WINDOW = 15 * 60
REQUIRED = (
    "AccessKeyId",
    "Action",
    "Signature",
    "SignatureMethod",
    "SignatureNonce",
    "SignatureVersion",
    "Timestamp",
    "Version",
)
COMMON = {*REQUIRED, "Format", "SecurityToken", "SignatureType"}
# With ACS3-HMAC-SHA256 the common parameters are in headers.
HEADERS = {
    "Action": "x-acs-action",
    "SecurityToken": "x-acs-security-token",
    "SignatureNonce": "x-acs-signature-nonce",
    "Timestamp": "x-acs-date",
    "Version": "x-acs-version",
}


@dataclass
class Request:
    method: str
    path: str
    pairs: list[tuple[str, str]]
    headers: dict[str, str]  # names in lower case
    body: bytes = b""

    @cached_property
    def params(self) -> dict[str, str]:
        return {name: value for name, value in self.pairs if name not in COMMON}

    @cached_property
    def common(self) -> dict[str, str]:
        """The common parameters, from the query or from headers."""
        common = {name: value for name, value in self.pairs if name in COMMON}
        if not self.is_acs3:
            return common
        common |= {name: self.headers[header] for name, header in HEADERS.items() if header in self.headers}
        fields = signature.parse_authorization(self.headers["authorization"]) or {}
        common |= {"AccessKeyId": fields.get("Credential", ""), "Signature": fields.get("Signature", "")}
        # The first word of the header states these two already.
        return common | {"SignatureMethod": "HMAC-SHA1", "SignatureVersion": "1.0"}

    @property
    def is_acs3(self) -> bool:
        return self.headers.get("authorization", "").startswith(signature.ACS3)

    @property
    def action(self) -> str:
        return self.common.get("Action", "")

    @property
    def cluster_id(self) -> str | None:
        return self.params.get("ClusterId")

    @property
    def form(self) -> str:
        """JSON or XML. XML also if Format is not valid, so that the error has a format."""
        return "JSON" if self.wanted_form == "JSON" else "XML"

    @property
    def wanted_form(self) -> str:
        return (self.common.get("Format") or ("JSON" if self.is_acs3 else "XML")).upper()

    def region(self, state: State) -> str:
        if self.params.get("RegionId"):
            return self.params["RegionId"]
        cluster = state.clusters.get(self.cluster_id or "")
        return cluster.region if cluster else state.region


@dataclass
class Nonces:
    """The nonces of the last half hour. Older requests fail because of their timestamp."""

    _seen: dict[tuple[str, str], float] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def use(self, access_key: str, nonce: str) -> None:
        moment = time.monotonic()
        with self._lock:
            while self._seen and next(iter(self._seen.values())) < moment - 2 * WINDOW:
                del self._seen[next(iter(self._seen))]
            if (access_key, nonce) in self._seen:
                raise ApiError("SignatureNonceUsed")
            self._seen[access_key, nonce] = moment

    def forget(self) -> None:
        with self._lock:
            self._seen.clear()


def admit(state: State, nonces: Nonces, request: Request) -> Credential:
    _check_protocol(request)
    _check_timestamp(request.common["Timestamp"])
    credential = _credential(state, request)
    _check_token(credential, request)
    _check_signature(credential, request)
    nonces.use(credential.access_key, request.common["SignatureNonce"])
    if request.common["Version"] not in OPERATIONS:
        raise ApiError("InvalidVersion")
    operation = OPERATIONS[request.common["Version"]].get(request.action)
    if operation is None:
        raise ApiError("InvalidAction.NotFound")
    if request.method != operation.method and state.next.methods == "documented":
        raise ApiError("UnsupportedHTTPMethod")
    return credential


def _check_protocol(request: Request) -> None:
    if request.method not in (("GET", "POST") if request.common.get("Version") == NEXT_VERSION else ("GET",)):
        raise ApiError("UnsupportedHTTPMethod")
    if request.wanted_form not in ("JSON", "XML"):
        raise ApiError("InvalidParameter.Format")
    for name in REQUIRED:
        if not request.common.get(name):
            raise ApiError(f"Missing{name}")
    if request.common["SignatureMethod"] != "HMAC-SHA1":
        raise ApiError("InvalidSignatureMethod")
    if request.common["SignatureVersion"] != "1.0":
        raise ApiError("InvalidSignatureVersion")


def _check_timestamp(text: str) -> None:
    if not re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", text):
        raise ApiError("InvalidTimeStamp.Format")
    try:
        moment = datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=timezone.utc)
    except ValueError:
        raise ApiError("InvalidTimeStamp.Format") from None
    if abs(moment.timestamp() - time.time()) > WINDOW:
        raise ApiError("InvalidTimeStamp.Expired")


def _credential(state: State, request: Request) -> Credential:
    credential = state.credentials.get(request.common["AccessKeyId"])
    if credential is None:
        raise ApiError("InvalidAccessKeyId.NotFound")
    if credential.status != "active":
        raise ApiError("InvalidAccessKeyId.Inactive")
    return credential


def _check_token(credential: Credential, request: Request) -> None:
    token = request.common.get("SecurityToken", "")
    if not token:
        if credential.security_token or credential.access_key.startswith("STS."):
            raise ApiError("MissingSecurityToken")
        return
    if not re.fullmatch(r"[A-Za-z0-9+/=_.~-]{20,}", token):
        raise ApiError("InvalidSecurityToken.Malformed")
    if token != credential.security_token:
        raise ApiError("InvalidSecurityToken.MismatchWithAccessKey")
    if credential.token_expired:
        raise ApiError("InvalidSecurityToken.Expired")


def _check_signature(credential: Credential, request: Request) -> None:
    text = server_string_to_sign(request)
    if request.is_acs3:
        expected = signature.acs3_sign(credential.secret_key, text)
        if _unsigned_headers(request):
            raise ApiError("IncompleteSignature", text)
    else:
        expected = signature.sign(credential.secret_key, text)
    if expected != request.common["Signature"]:
        raise ApiError("SignatureDoesNotMatch", text)


def server_string_to_sign(request: Request) -> str:
    if not request.is_acs3:
        return signature.string_to_sign(request.method, request.pairs)
    return signature.acs3_string_to_sign(request.method, request.path, request.pairs, request.headers, _signed_headers(request), request.body)


def _signed_headers(request: Request) -> str:
    return (signature.parse_authorization(request.headers["authorization"]) or {})["SignedHeaders"]


def _unsigned_headers(request: Request) -> set[str]:
    """The headers that ACS3 wants signed: host, and every x-acs- header, the content's hash among them."""
    wanted = {"host", "x-acs-content-sha256"} | {name for name in request.headers if name.startswith("x-acs-")}
    return wanted - set(_signed_headers(request).split(";"))
