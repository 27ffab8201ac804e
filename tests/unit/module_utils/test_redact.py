# Copyright (c) 2026, the alicloud.ehpc contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""_redact masks secrets in every form, and nothing else."""

from __future__ import annotations

import typing as t
from urllib.parse import quote, quote_plus

import pytest
from ansible_collections.alicloud.ehpc.plugins.module_utils._redact import (
    redact_text,
    redact_url,
    redact_values,
    secrets_in,
    url_secrets,
    without_secrets,
)

HOST = "https://bucket.oss-cn-hangzhou.aliyuncs.com/a.sh"
OLD = HOST + "?Expires=1893456000&OSSAccessKeyId=EXAMPLEid&Signature=EXAMPLE%2Bsig%3D"
OLD_TEMPORARY = HOST + "?OSSAccessKeyId=STS.EXAMPLEid&Expires=1893456000&Signature=EXAMPLEsig%3D&security-token=EXAMPLEtoken%2B"
V4 = (
    HOST + "?x-oss-signature-version=OSS4-HMAC-SHA256&x-oss-date=20260101T080000Z&x-oss-expires=3600"
    "&x-oss-credential=EXAMPLEid%2F20260101%2Fcn-hangzhou%2Foss%2Faliyun_v4_request&x-oss-security-token=EXAMPLEtoken&x-oss-signature=EXAMPLEsig"
)
AMZ = (
    "https://s3.example.com/a.sh?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=EXAMPLEid%2Fs3&X-Amz-Security-Token=EXAMPLEtoken&X-Amz-Signature=EXAMPLEsig"
)
SIGNED = {
    "old": (OLD, HOST + "?Expires=1893456000&OSSAccessKeyId=***&Signature=***"),
    "old, temporary": (OLD_TEMPORARY, HOST + "?OSSAccessKeyId=***&Expires=1893456000&Signature=***&security-token=***"),
    "V4": (
        V4,
        HOST + "?x-oss-signature-version=OSS4-HMAC-SHA256&x-oss-date=20260101T080000Z&x-oss-expires=3600"
        "&x-oss-credential=***&x-oss-security-token=***&x-oss-signature=***",
    ),
    "S3": (
        AMZ,
        "https://s3.example.com/a.sh?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=***&X-Amz-Security-Token=***&X-Amz-Signature=***",
    ),
    "only one parameter": (HOST + "?Signature=EXAMPLEsig", HOST + "?Signature=***"),
    "another case": (HOST + "?SIGNATURE=EXAMPLEsig&a=b", HOST + "?SIGNATURE=***&a=b"),
    "shared access signature": ("https://blob.example.com/a.sh?sv=1&sig=EXAMPLEsig", "https://blob.example.com/a.sh?sv=1&sig=***"),
    "user and password": ("https://user:EXAMPLEsig@example.com/a.sh", "https://***@example.com/a.sh"),
    "user": ("https://EXAMPLEsig@example.com:8443/a.sh?a=b", "https://***@example.com:8443/a.sh?a=b"),
    "another scheme": ("git+ssh://user:EXAMPLEsig@example.com/a.git", "git+ssh://***@example.com/a.git"),
}
BOTH = pytest.mark.parametrize(("url", "shown"), SIGNED.values(), ids=SIGNED)
INNOCENT = [
    "",
    "https://example.com/a.sh",
    "https://example.com/a.sh?version=7&size=large#part",
    "https://example.com/signature=abc/a.sh",
    "https://example.com/a.sh?signature",
    "https://example.com/a.sh?signature=",
    "https://example.com/a.sh?design=abc&my-signature=abc&signatures=abc",
    "https://example.com/@user/a.sh",
    "https://example.com/a.sh?mail=user@example.com",
    "/opt/job.sh",
    "oss://bucket/a.sh",
    "mailto:user@example.com",
    "The signature=abc of a text is not that of a URL.",
    "Write to admin@example.com about https://example.com/ and 50% of a & b = c?",
]


@BOTH
def test_url(url: str, shown: str) -> None:
    assert redact_url(url) == shown
    assert redact_url(shown) == shown


@BOTH
@pytest.mark.parametrize("text", ['The parameter Url "%s" is invalid.', "%s is invalid", "See <%s>.", "%s\n%s"])
def test_url_in_a_string(text: str, url: str, shown: str) -> None:
    assert redact_text(text.replace("%s", url)) == text.replace("%s", shown)


@BOTH
def test_url_at_the_end_of_a_sentence(url: str, shown: str) -> None:
    assert redact_text(f"Invalid ({url}).") == f"Invalid ({shown})."


@pytest.mark.parametrize(
    ("url", "shown"),
    [pytest.param(url, shown, id=name) for name, (url, shown) in SIGNED.items()],
)
def test_percent_encoded_url_in_a_string(url: str, shown: str) -> None:
    """As in the parameters of a request."""
    text = "GET /?PostInstallScripts.1.Url=%s&Format=JSON"
    assert "EXAMPLEsig" not in redact_text(text % quote(url, safe=""))
    assert redact_text(text % quote(url, safe="")).endswith("&Format=JSON")


@pytest.mark.parametrize("text", INNOCENT)
def test_strings_without_secrets(text: str) -> None:
    assert redact_url(text) == text
    assert redact_text(text) == text
    assert redact_text(text, ["EXAMPLE-secret", ""]) == text
    assert url_secrets(text) == []


@pytest.mark.parametrize(
    "url",
    [
        pytest.param("https://user:EXAMPLE@sig@example.com/a.sh", id="at sign"),
        pytest.param("https://user:EXAMPLE'sig@example.com/a.sh", id="single quote"),
        pytest.param('https://user:EXAMPLE"sig@example.com/a.sh', id="double quote"),
    ],
)
def test_password_with_unusual_characters(url: str) -> None:
    shown = redact_url(url)
    assert shown == "https://***@example.com/a.sh"


@pytest.mark.parametrize(
    ("url", "shown", "secrets"),
    [
        (HOST + "?Signature=EXAMPLEsig==", HOST + "?Signature=***", ["EXAMPLEsig=="]),
        (HOST + "?Signature=EXAMPLE?sig&a=b", HOST + "?Signature=***&a=b", ["EXAMPLE?sig"]),
    ],
    ids=["equals sign", "question mark"],
)
def test_values_that_contain_separators_of_a_url(url: str, shown: str, secrets: list[str]) -> None:
    assert redact_url(url) == shown
    assert url_secrets(url) == secrets


def test_user_in_an_encoded_url() -> None:
    assert redact_text("It is https%3A%2F%2FEXAMPLEuser%40example.com.") == "It is https%3A%2F%2F***%40example.com."


def test_secrets_of_a_url() -> None:
    assert url_secrets(OLD) == ["EXAMPLEid", "EXAMPLE%2Bsig%3D"]
    assert url_secrets(V4) == ["EXAMPLEid%2F20260101%2Fcn-hangzhou%2Foss%2Faliyun_v4_request", "EXAMPLEtoken", "EXAMPLEsig"]


def test_name_of_a_parameter_percent_encoded() -> None:
    assert redact_url(HOST + "?%53ignature=EXAMPLEsig") == HOST + "?%53ignature=***"


@pytest.mark.parametrize("encode", [str, quote_plus, lambda text: quote(text, safe=""), lambda text: quote(quote(text, safe=""), safe="")])
def test_known_secrets_in_every_encoding(encode: t.Callable[[str], str]) -> None:
    secret = "EXAMPLE secret+/=%&?"
    assert redact_text(f"before {encode(secret)} after", [secret]) == "before *** after"


def test_known_secret_that_is_percent_encoded_itself() -> None:
    (_key, signature) = url_secrets(OLD)
    assert redact_text("It is EXAMPLE+sig= or EXAMPLE%2Bsig%3D.", [signature]) == "It is *** or ***."


@pytest.mark.parametrize(("short", "long"), [("EXAMPLEsecret", "EXAMPLEsecretlong"), ("Zsecret", "EXAMPLE-Zsecret")])
def test_a_secret_that_contains_another(short: str, long: str) -> None:
    assert redact_text(f"{long} and {short}", [short, long]) == "*** and ***"


def test_values() -> None:
    given = {"scripts": [{"url": OLD, "args": ["-x", OLD]}, None, 5, True], "pair": (HOST, V4)}
    assert redact_values(given) == {
        "scripts": [{"url": SIGNED["old"][1], "args": ["-x", SIGNED["old"][1]]}, None, 5, True],
        "pair": [HOST, SIGNED["V4"][1]],
    }
    assert given["scripts"][0]["url"] == OLD  # type: ignore[index]


@pytest.mark.parametrize(
    ("key", "value", "shown"),
    [
        ("https://bucket.example.com/a.sh?Signature", "EXAMPLEsig%3D", {"https://bucket.example.com/a.sh?Signature": "***"}),
        ("https://bucket.example.com/a.sh?Expires", "1&Signature=EXAMPLEsig", {"https://bucket.example.com/a.sh?Expires": "1&Signature=***"}),
        ("https://user:EXAMPLEpw@scripts.example.com/a.sh?v", "1", {"https://***@scripts.example.com/a.sh?v": "1"}),
        ("https://user:EXAMPLE", "pw@scripts.example.com/a.sh", {"https://***@scripts.example.com/a.sh": ""}),
        ("https://scripts.example.com/a.sh?v", "1", {"https://scripts.example.com/a.sh?v": "1"}),
    ],
)
def test_a_url_that_was_taken_for_options(key: str, value: str, shown: dict[str, str]) -> None:
    """Ansible makes a dictionary of a string with an equals sign if it expects options."""
    assert redact_values({"scripts": [{key: value}]}) == {"scripts": [shown]}


def test_other_keys_stay_as_they_are() -> None:
    assert redact_values({7: "a=b", "note": "a=b"}) == {7: "a=b", "note": "a=b"}


@pytest.mark.parametrize(
    ("url", "secrets"),
    [
        (OLD, {"EXAMPLEid", "EXAMPLE%2Bsig%3D", "EXAMPLE+sig="}),
        (HOST + "?%53ignature=EXAMPLEsig", {"EXAMPLEsig"}),
        (quote(HOST + "?Signature=EXAMPLEsig&x=1", safe=""), {"EXAMPLEsig"}),
        ("http://user:p%40ss@192.0.2.1/a.sh", {"user:p%40ss", "user:p@ss"}),
        ("http://:pass@192.0.2.1/a.sh", {":pass"}),
        ("http://user@192.0.2.1:8080/a.sh", set()),
        (HOST + "?Signature=***&Expires=1", set()),
        ("/opt/a.sh", set()),
    ],
)
def test_secrets_of_urls_in_data(url: str, secrets: set[str]) -> None:
    assert secrets_in(url) == secrets
    assert secrets_in({"scripts": [{"url": "/a.sh", "args": ("-x", f"--from {url}")}], "number": 5, "none": None}) == secrets
    assert secrets_in({url: True}) == secrets


def test_without_secrets() -> None:
    given = {"a": "x EXAMPLE+key y", "b": ["EXAMPLE%2Bkey", ("EXAMPLE%252Bkey",), 5, True, None], "EXAMPLE+key": {}}
    assert without_secrets(given, ["EXAMPLE+key", ""]) == {"a": "x *** y", "b": ["***", ["***"], 5, True, None], "EXAMPLE+key": {}}
    assert given["a"] == "x EXAMPLE+key y"


def test_without_secrets_that_hold_each_other() -> None:
    assert without_secrets("EXAMPLEsecretlong EXAMPLEsecret", ["EXAMPLEsecret", "EXAMPLEsecretlong"]) == "*** ***"


@pytest.mark.parametrize("secrets", [[], [""]])
def test_without_any_secret(secrets: list[str]) -> None:
    assert without_secrets({"a": "x"}, secrets) == {"a": "x"}
