# Copyright (c) 2026, the alicloud.ehpc contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The checks of the gateway: signatures of both versions, and each refusal in its order."""

from __future__ import annotations

import hashlib
import time
import uuid
from collections.abc import Callable
from typing import Any

import pytest
import requests
from alibabacloud_tea_openapi.utils import Utils
from ansible_collections.alicloud.ehpc.tests.emulator import Emulator
from ansible_collections.alicloud.ehpc.tests.emulator.signature import parse_authorization, sign, string_to_sign
from darabonba.request import DaraRequest

VECTOR = {
    "AccessKeyId": "testid",
    "Action": "SetPostScripts",
    "ClusterId": "ehpc-hz-TEST01",
    "Format": "JSON",
    "PostInstallScripts.1.Args": "-x '1*2' ~ +",
    "PostInstallScripts.1.Url": "https://bucket.oss-cn-hangzhou.aliyuncs.com/a b.sh",
    "RegionId": "cn-hangzhou",
    "Signature": "left out of the string",
    "SignatureMethod": "HMAC-SHA1",
    "SignatureNonce": "0123456789abcdef0123456789abcdef",
    "SignatureType": "",
    "SignatureVersion": "1.0",
    "Timestamp": "2026-01-02T03:04:05Z",
    "Version": "2018-04-12",
}
STRING_TO_SIGN = (
    "GET&%2F&AccessKeyId%3Dtestid%26Action%3DSetPostScripts%26ClusterId%3Dehpc-hz-TEST01%26Format%3DJSON"
    "%26PostInstallScripts.1.Args%3D-x%2520%25271%252A2%2527%2520~%2520%252B"
    "%26PostInstallScripts.1.Url%3Dhttps%253A%252F%252Fbucket.oss-cn-hangzhou.aliyuncs.com%252Fa%2520b.sh"
    "%26RegionId%3Dcn-hangzhou%26SignatureMethod%3DHMAC-SHA1%26SignatureNonce%3D0123456789abcdef0123456789abcdef"
    "%26SignatureType%3D%26SignatureVersion%3D1.0%26Timestamp%3D2026-01-02T03%253A04%253A05Z%26Version%3D2018-04-12"
)


def moment(offset: float = 0) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + offset))


def test_vector_of_version_1() -> None:
    assert string_to_sign("GET", list(VECTOR.items())) == STRING_TO_SIGN
    assert sign("testsecret", STRING_TO_SIGN) == "+WKB7+YJiBMom27C2dfiWxGHY6U="


@pytest.mark.parametrize("header", ["", "Basic abc", "ACS3-HMAC-SHA256 Credential=a", "ACS3-RSA-SHA256 Credential=a,SignedHeaders=b,Signature=c"])
def test_other_authorizations_are_not_acs3(header: str) -> None:
    assert parse_authorization(header) is None


REFUSALS: list[tuple[str, dict[str, str | None], int, str]] = [
    ("ListRegions", {"Format": "YAML"}, 400, "InvalidParameter.Format"),
    *[
        ("ListRegions", {name: value}, 400, f"Missing{name}")
        for name in ("AccessKeyId", "SignatureMethod", "SignatureNonce", "SignatureVersion", "Timestamp", "Version")
        for value in (None, "")
    ],
    ("ListRegions", {"SignatureMethod": "HMAC-SHA256"}, 400, "InvalidSignatureMethod"),
    ("ListRegions", {"SignatureVersion": "2.0"}, 400, "InvalidSignatureVersion"),
    ("ListRegions", {"Timestamp": "2026-01-02 03:04:05"}, 400, "InvalidTimeStamp.Format"),
    ("ListRegions", {"Timestamp": "2026-02-30T03:04:05Z"}, 400, "InvalidTimeStamp.Format"),
    ("ListRegions", {"Timestamp": "2020-01-02T03:04:05Z"}, 400, "InvalidTimeStamp.Expired"),
    ("ListRegions", {"Timestamp": "2099-01-02T03:04:05Z"}, 400, "InvalidTimeStamp.Expired"),
    ("ListRegions", {"AccessKeyId": "EXAMPLEnobody"}, 404, "InvalidAccessKeyId.NotFound"),
    ("ListRegions", {"AccessKeyId": "EXAMPLEinactive"}, 400, "InvalidAccessKeyId.Inactive"),
    ("ListRegions", {"AccessKeyId": "STS.EXAMPLEtemporary"}, 400, "MissingSecurityToken"),
    ("ListRegions", {"SecurityToken": "short"}, 400, "InvalidSecurityToken.Malformed"),
    ("ListRegions", {"SecurityToken": "a token with blanks in it"}, 400, "InvalidSecurityToken.Malformed"),
    (
        "ListRegions",
        {"SecurityToken": "EXAMPLE-security-token-of-temporary"},
        400,
        "InvalidSecurityToken.MismatchWithAccessKey",
    ),
    (
        "ListRegions",
        {"AccessKeyId": "STS.EXAMPLEexpired", "SecurityToken": "EXAMPLE-security-token-of-expired"},
        400,
        "InvalidSecurityToken.Expired",
    ),
    ("ListRegions", {"Version": "2020-01-01"}, 400, "InvalidVersion"),
    ("CreateCluster", {}, 404, "InvalidAction.NotFound"),
    ("GetPostScripts", {"ClusterId": "ehpc-hz-hybrid01", "RegionId": None}, 400, "MissingRegionId"),
    ("GetPostScripts", {}, 400, "MissingClusterId"),
    ("SetPostScripts", {"ClusterId": ""}, 400, "MissingClusterId"),
    ("SyncUsers", {}, 400, "MissingClusterId"),
    ("ListUsers", {}, 400, "MissingClusterId"),
    ("ListNodes", {}, 400, "MissingClusterId"),
    ("DescribeCluster", {}, 400, "MissingClusterId"),
    ("ListClusters", {"RegionId": "cn-nowhere"}, 400, "InvalidRegionId"),
]


@pytest.mark.parametrize(("action", "params", "status", "code"), REFUSALS)
def test_refusals(action: str, params: dict[str, str | None], status: int, code: str, plain: Any) -> None:
    assert plain.error(action, **params) == (status, code)


def test_missing_action_and_signature(plain: Any) -> None:
    query = plain.signed("ListRegions")
    for name in ("Action", "Signature"):
        rest = {key: value for key, value in query.items() if key != name}
        assert plain.send(rest).json()["Code"] == f"Missing{name}"


@pytest.mark.parametrize(("offset", "accepted"), [(-14 * 60, True), (14 * 60, True), (-16 * 60, False), (16 * 60, False)])
def test_clocks_may_differ_by_a_quarter_of_an_hour(offset: int, accepted: bool, plain: Any) -> None:
    assert (plain.get("ListRegions", Timestamp=moment(offset)).status_code == 200) is accepted


def test_the_error_of_a_wrong_signature_contains_the_string_to_sign(emulator: Emulator, plain: Any) -> None:
    query = plain.query("ListRegions")

    answer = plain.send({**query, "Signature": "wrong"})

    expected = string_to_sign("GET", list(query.items()))
    assert answer.status_code == 400
    assert answer.json()["Code"] == "SignatureDoesNotMatch"
    assert answer.json()["Message"] == (f"Specified signature is not matched with our calculation. server string to sign is:{expected}")


def test_parameters_changed_after_signing_are_noticed(plain: Any) -> None:
    assert plain.send({**plain.signed("ListRegions"), "PageSize": "1"}).json()["Code"] == "SignatureDoesNotMatch"


def test_a_nonce_is_valid_once_for_each_key(emulator: Emulator, plain: Any) -> None:
    query = plain.signed("ListRegions", SignatureNonce="once")
    key = emulator.credential("stranger")

    assert plain.send(query).status_code == 200
    again = plain.send(query)
    assert (again.status_code, again.json()["Code"]) == (400, "SignatureNonceUsed")
    assert plain.get("ListRegions", key.secret_key, AccessKeyId=key.access_key, SignatureNonce="once").status_code == 200
    emulator.forget()
    assert plain.send(query).status_code == 200


def test_a_refused_signature_does_not_use_the_nonce(plain: Any) -> None:
    query = plain.signed("ListRegions")

    plain.send({**query, "Signature": "wrong"})

    assert plain.send(query).status_code == 200


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS"])
def test_get_is_the_only_method(method: str, plain: Any) -> None:
    answer = plain.session.request(method, plain.emulator.endpoint, params=plain.signed("ListRegions"), data="a=b")

    assert (answer.status_code, answer.json()["Code"]) == (400, "UnsupportedHTTPMethod")


def test_checks_come_in_the_documented_order(plain: Any) -> None:
    """Each step corrects only the first fault. The next fault must be reported."""
    wrong = {
        "Format": "YAML",
        "SignatureMethod": "",
        "Timestamp": "never",
        "AccessKeyId": "EXAMPLEnobody",
        "SecurityToken": "short",
        "SignatureNonce": "used",
        "Version": "2020-01-01",
        "RegionId": None,
    }
    plain.get("ListRegions", SignatureNonce="used")
    seen = []
    for name, value in {
        "Format": "JSON",
        "SignatureMethod": "HMAC-SHA1",
        "Timestamp": moment(),
        "AccessKeyId": plain.emulator.access_key,
        "SecurityToken": None,
    }.items():
        seen.append(plain.error("GetPostScripts", "wrong", **wrong)[1])
        wrong[name] = value
    seen.append(plain.error("GetPostScripts", "wrong", **wrong)[1])
    seen.append(plain.error("GetPostScripts", **wrong)[1])
    seen.append(plain.error("GetPostScripts", **{**wrong, "SignatureNonce": "new"})[1])
    plain.emulator.deny()
    seen.append(plain.error("GetPostScripts", **{**wrong, "SignatureNonce": "newer", "Version": "2018-04-12"})[1])
    seen.append(plain.error("GetPostScripts", ClusterId="ehpc-hz-nowhere")[1])
    plain.emulator.state.denied.clear()
    seen.append(plain.error("GetPostScripts", ClusterId="ehpc-hz-nowhere")[1])

    assert seen == [
        "InvalidParameter.Format",
        "MissingSignatureMethod",
        "InvalidTimeStamp.Format",
        "InvalidAccessKeyId.NotFound",
        "InvalidSecurityToken.Malformed",
        "SignatureDoesNotMatch",
        "SignatureNonceUsed",
        "InvalidVersion",
        "MissingRegionId",
        "NotAuthorized",
        "ClusterNotFound",
    ]


def test_temporary_keys_work_with_version_1(emulator: Emulator, plain: Any) -> None:
    key = emulator.credential("temporary")

    answer = plain.get("ListClusters", key.secret_key, AccessKeyId=key.access_key, SecurityToken=key.security_token)

    assert answer.json()["TotalCount"] == 4


@pytest.mark.parametrize(("form", "start"), [("JSON", "{"), ("json", "{"), ("XML", "<"), ("xml", "<"), (None, "<"), ("", "<")])
def test_format(form: str | None, start: str, plain: Any) -> None:
    answer = plain.get("ListRegions", Format=form)

    assert (answer.status_code, answer.text[0]) == (200, start)


def test_any_path_is_accepted(plain: Any) -> None:
    url = f"{plain.emulator.endpoint}/some/prefix/"

    assert plain.session.get(url, params=plain.signed("ListRegions")).status_code == 200


# ACS3-HMAC-SHA256. The signature is the second SDK's own; what it is made of is the test's.


@pytest.fixture
def acs3(emulator: Emulator, plain: Any) -> Callable[..., requests.Response]:
    def send(
        params: dict[str, str] | None = None, unsigned: tuple[str, ...] = (), key: str = "main", payload: str = "", **changes: str | None
    ) -> requests.Response:
        credential = emulator.credential(key)
        request = DaraRequest()
        request.method, request.pathname, request.query = "GET", "/", params or {}
        headers = {
            "host": emulator.endpoint.partition("://")[2],
            "x-acs-action": "ListRegions",
            "x-acs-version": "2018-04-12",
            "x-acs-date": moment(),
            "x-acs-signature-nonce": uuid.uuid4().hex,
            "x-acs-content-sha256": hashlib.sha256(b"").hexdigest(),
            "x-acs-security-token": credential.security_token or None,
            **{name.replace("_", "-"): value for name, value in changes.items()},
        }
        headers = {name: value for name, value in headers.items() if value is not None}
        request.headers = {name: value for name, value in headers.items() if name not in unsigned}
        headers["Authorization"] = Utils.get_authorization(
            request, "ACS3-HMAC-SHA256", payload or headers["x-acs-content-sha256"], credential.access_key, credential.secret_key
        )
        answer: requests.Response = plain.session.get(emulator.endpoint + "/", params=params, headers=headers)
        return answer

    return send


def test_acs3_answers_are_json_by_default(acs3: Any) -> None:
    assert acs3().json()["Regions"]["RegionInfo"][0]["RegionId"] == "cn-hangzhou"
    assert acs3({"Format": "XML"}).text.startswith("<?xml")


@pytest.mark.parametrize(
    ("changes", "status", "code"),
    [
        ({"x_acs_action": None}, 400, "MissingAction"),
        ({"x_acs_version": None}, 400, "MissingVersion"),
        ({"x_acs_date": None}, 400, "MissingTimestamp"),
        ({"x_acs_signature_nonce": None}, 400, "MissingSignatureNonce"),
        ({"x_acs_date": "yesterday"}, 400, "InvalidTimeStamp.Format"),
        ({"x_acs_date": "2020-01-02T03:04:05Z"}, 400, "InvalidTimeStamp.Expired"),
        ({"x_acs_security_token": "short"}, 400, "InvalidSecurityToken.Malformed"),
        ({"key": "expired"}, 400, "InvalidSecurityToken.Expired"),
        ({"key": "temporary", "x_acs_security_token": None}, 400, "MissingSecurityToken"),
        ({"key": "inactive"}, 400, "InvalidAccessKeyId.Inactive"),
        ({"x_acs_version": "2020-01-01"}, 400, "InvalidVersion"),
        ({"x_acs_action": "CreateCluster"}, 404, "InvalidAction.NotFound"),
        ({"x_acs_action": "SyncUsers"}, 400, "MissingRegionId"),
        ({"x_acs_content_sha256": "0" * 64}, 400, "SignatureDoesNotMatch"),
        ({"x_acs_content_sha256": "0" * 64, "payload": hashlib.sha256(b"").hexdigest()}, 400, "SignatureDoesNotMatch"),
        ({"unsigned": ("x-acs-date",)}, 400, "IncompleteSignature"),
        ({"unsigned": ("host",)}, 400, "IncompleteSignature"),
    ],
)
def test_acs3_refusals(changes: dict[str, Any], status: int, code: str, acs3: Any) -> None:
    answer = acs3(**changes)

    assert (answer.status_code, answer.json()["Code"]) == (status, code)


def test_an_acs3_nonce_is_valid_once(acs3: Any) -> None:
    assert acs3(x_acs_signature_nonce="once").status_code == 200
    assert acs3(x_acs_signature_nonce="once").json()["Code"] == "SignatureNonceUsed"


def test_acs3_signs_the_query(emulator: Emulator, acs3: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    params = {"Odd": "-x '1*2' ~ + %41 / 数"}
    assert acs3(params).status_code == 200

    emulator.credential("main").secret_key += "."
    emulator.fault("*")  # not used: the signature is checked first
    original = Utils.get_authorization
    monkeypatch.setattr(Utils, "get_authorization", lambda *args: original(*args[:-1], "EXAMPLE-secret-of-main"))
    answer = acs3(params).json()
    assert answer["Code"] == "SignatureDoesNotMatch"
    assert "server string to sign is:ACS3-HMAC-SHA256\n" in answer["Message"]


def test_a_malformed_authorization_has_no_key(plain: Any) -> None:
    answer = plain.session.get(plain.emulator.endpoint, headers={"Authorization": "ACS3-HMAC-SHA256 nothing"})

    assert answer.json()["Code"] == "MissingAccessKeyId"
