# Copyright (c) 2026, the alicloud.ehpc contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""_arguments: the shared options, their sources, and values that cannot work."""

from __future__ import annotations

import ssl
import typing as t
from pathlib import Path

import certifi
import pytest
import trustme
from ansible_collections.alicloud.ehpc.plugins.module_utils import _arguments
from ansible_collections.alicloud.ehpc.plugins.module_utils._arguments import (
    ENVIRONMENT,
    SHARED_SPEC,
    RequestSettings,
    Values,
    checked_region,
    endpoint_url,
    is_loopback,
    resolve,
)
from ansible_collections.alicloud.ehpc.plugins.module_utils._errors import EhpcError

REGION = "cn-hangzhou"


def request_settings(given: dict[str, t.Any], region: str) -> RequestSettings:
    return _arguments.request_settings(resolve(given), region)


def params(**options: t.Any) -> dict[str, t.Any]:
    defaults = {name: spec.get("default") for name, spec in SHARED_SPEC.items()}
    return {**defaults, **options}


# Precedence

# As documented. Playbooks and job templates rely on them.
DOCUMENTED = {
    "access_key": "ALIBABA_CLOUD_ACCESS_KEY_ID ALIBABACLOUD_ACCESS_KEY_ID ALICLOUD_ACCESS_KEY ALICLOUD_ACCESS_KEY_ID",
    "secret_key": "ALIBABA_CLOUD_ACCESS_KEY_SECRET ALIBABACLOUD_ACCESS_KEY_SECRET ALICLOUD_SECRET_KEY ALICLOUD_ACCESS_KEY_SECRET ALICLOUD_SECRET_ACCESS_KEY",
    "security_token": "ALIBABA_CLOUD_SECURITY_TOKEN ALIBABACLOUD_SECURITY_TOKEN ALICLOUD_SECURITY_TOKEN",
    "profile": "ALIBABA_CLOUD_PROFILE ALIBABACLOUD_PROFILE ALICLOUD_PROFILE",
    "shared_credentials_file": "ALICLOUD_SHARED_CREDENTIALS_FILE",
    "ecs_role_name": "ALIBABA_CLOUD_ECS_METADATA ALICLOUD_ECS_ROLE_NAME",
    "assume_role_arn": "ALIBABA_CLOUD_ROLE_ARN ALICLOUD_ASSUME_ROLE_ARN",
    "assume_role_session_name": "ALIBABA_CLOUD_ROLE_SESSION_NAME ALICLOUD_ASSUME_ROLE_SESSION_NAME",
    "region": "ALIBABA_CLOUD_REGION_ID ALIBABA_CLOUD_REGION ALIBABACLOUD_REGION_ID ALICLOUD_REGION ALICLOUD_REGION_ID",
    "endpoint": "ALIBABA_CLOUD_EHPC_ENDPOINT",
    "ca_path": "ALIBABA_CLOUD_CA_BUNDLE REQUESTS_CA_BUNDLE",
}
ALIASES = {
    "access_key": {"access_key_id", "alicloud_access_key"},
    "secret_key": {"secret_access_key", "access_key_secret", "alicloud_secret_key"},
    "security_token": {"alicloud_security_token"},
    "profile": {"alicloud_profile"},
    "ecs_role_name": {"role_name"},
    "assume_role_arn": {"alicloud_assume_role_arn"},
    "assume_role_session_name": {"alicloud_assume_role_session_name"},
    "region": {"region_id", "alicloud_region"},
}


@pytest.mark.parametrize("name", DOCUMENTED)
def test_each_variable_in_its_order(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    variables = DOCUMENTED[name].split()
    for variable in variables:
        monkeypatch.setenv(variable, f"value of {variable}")
    for variable in variables:
        assert getattr(resolve(params()).values, name) == f"value of {variable}"
        monkeypatch.setenv(variable, "")
    assert getattr(resolve(params()).values, name) is None


@pytest.mark.parametrize("name", DOCUMENTED)
def test_option_before_variable(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in DOCUMENTED[name].split():
        monkeypatch.setenv(variable, "variable")
    assert getattr(resolve(params(**{name: "option"})).values, name) == "option"
    assert getattr(resolve(params(**{name: ""})).values, name) == "variable"


def test_no_other_option_has_variables() -> None:
    assert set(ENVIRONMENT) == set(DOCUMENTED) == set(Values._fields)


@pytest.mark.parametrize("name", SHARED_SPEC)
def test_aliases(name: str) -> None:
    assert set(SHARED_SPEC[name].get("aliases", ())) == ALIASES.get(name, set())


@pytest.mark.parametrize(
    ("name", "default"),
    [
        ("endpoint_type", "public"),
        ("validate_certs", True),
        ("connect_timeout", 5),
        ("read_timeout", 30),
        ("api_retries", 5),
        ("api_retry_max_delay", 12),
    ],
)
@pytest.mark.parametrize("blank", [None, ""])
def test_blank_is_the_default(name: str, default: t.Any, blank: str | None) -> None:
    assert getattr(resolve({name: blank}), name) == default
    assert getattr(resolve({}), name) == default


@pytest.mark.parametrize(("name", "value"), [("validate_certs", False), ("api_retries", 0), ("api_retry_max_delay", 0.0)])
def test_false_and_zero_are_not_blank(name: str, value: t.Any) -> None:
    assert getattr(resolve({name: value}), name) is value


def test_the_source_of_a_value(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALICLOUD_REGION", "cn-shanghai")
    monkeypatch.setenv("ALICLOUD_PROFILE", "main")
    shared = resolve(params(region="cn-hangzhou", endpoint="ehpc.example.com"))
    assert shared.given == Values(region="cn-hangzhou", endpoint="ehpc.example.com")
    assert shared.environment == Values(region="cn-shanghai", profile="main")
    assert shared.values == Values(region="cn-hangzhou", endpoint="ehpc.example.com", profile="main")


# The endpoint


@pytest.mark.parametrize(
    ("endpoint", "url"),
    [
        (None, "https://ehpc.cn-hangzhou.aliyuncs.com"),
        ("", "https://ehpc.cn-hangzhou.aliyuncs.com"),
        ("ehpc.example.com", "https://ehpc.example.com"),
        ("ehpc.example.com:8443", "https://ehpc.example.com:8443"),
        ("https://ehpc.example.com", "https://ehpc.example.com"),
        ("https://ehpc.example.com/", "https://ehpc.example.com"),
        ("https://ehpc.example.com:8443/api/X/", "https://ehpc.example.com:8443/api/X"),
        ("HTTPS://EHPC.example.com", "https://ehpc.example.com"),
        ("192.0.2.1", "https://192.0.2.1"),
        ("[2001:db8::1]:8443", "https://[2001:db8::1]:8443"),
        ("127.0.0.1:8080", "https://127.0.0.1:8080"),
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
        ("http://127.8.9.10", "http://127.8.9.10"),
        ("http://localhost:8080/", "http://localhost:8080"),
        ("http://[::1]:8080", "http://[::1]:8080"),
        ("HTTP://LOCALHOST", "http://localhost"),
    ],
)
@pytest.mark.parametrize("endpoint_type", ["public", "vpc"])
def test_endpoint(endpoint: str | None, url: str, endpoint_type: str) -> None:
    expected = url if endpoint else {"public": url, "vpc": "https://ehpc-vpc.cn-hangzhou.aliyuncs.com"}[endpoint_type]
    assert endpoint_url(endpoint, endpoint_type, REGION) == expected


@pytest.mark.parametrize(
    "endpoint",
    [
        "http://ehpc.cn-hangzhou.aliyuncs.com",
        "http://192.0.2.1:8080",
        "http://10.0.0.1",
        "http://0.0.0.0:8080",
        "http://localhost.example.com",
        "http://127.0.0.1.example.com",
        "http://example.com/127.0.0.1",
        "http://[2001:db8::1]",
        "http://127.1",
        "http://2130706433",
    ],
)
def test_plain_http_is_for_loopback_only(endpoint: str) -> None:
    with pytest.raises(EhpcError, match=r"plain http.*loopback") as caught:
        endpoint_url(endpoint, "public", REGION)
    assert endpoint in str(caught.value)
    assert "https://" in str(caught.value)


@pytest.mark.parametrize(
    "endpoint",
    [
        "ftp://ehpc.example.com",
        "https://",
        "https:///path",
        ":8443",
        "ehpc.example.com:port",
        "ehpc.example.com:70000",
        "https://[::1",
        "https://user@ehpc.example.com",
        "https://user:EXAMPLE-password@ehpc.example.com",
        "http://user:EXAMPLE-password@127.0.0.1",
        "http://127.0.0.1@example.com",
        "https://ehpc.example.com/?a=b",
        "https://ehpc.example.com/#part",
        "ehpc. example.com",
        "ehpc.example.com\n",
        " ",
    ],
)
def test_endpoints_that_cannot_work(endpoint: str) -> None:
    with pytest.raises(EhpcError, match="endpoint") as caught:
        endpoint_url(endpoint, "public", REGION)
    assert caught.value.code == "InvalidOptions"
    assert "EXAMPLE-password" not in str(caught.value)


@pytest.mark.parametrize("endpoint", ["ehpc..example.com", "https://.example.com", "https://" + "a" * 64 + ".example.com"])
def test_host_names_that_are_not_valid(endpoint: str) -> None:
    with pytest.raises(EhpcError, match="endpoint"):
        endpoint_url(endpoint, "public", REGION)


def test_endpoint_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALIBABA_CLOUD_EHPC_ENDPOINT", "ehpc.example.com")
    assert request_settings(params(), REGION).url == "https://ehpc.example.com"
    assert request_settings(params(endpoint="other.example.com"), REGION).url == "https://other.example.com"


@pytest.mark.parametrize(
    ("host", "expected"), [("localhost", True), ("127.0.0.1", True), ("::1", True), ("localhost.", False), ("", False), ("example.com", False)]
)
def test_loopback(host: str, expected: bool) -> None:
    assert is_loopback(host) is expected


# The region


@pytest.mark.parametrize("region", ["cn-hangzhou", "ap-southeast-1", "cn-north-2-gov-1"])
def test_region(region: str) -> None:
    assert checked_region(region) == region


@pytest.mark.parametrize("region", [None, ""])
def test_no_region(region: str | None) -> None:
    with pytest.raises(EhpcError, match="No region") as caught:
        checked_region(region)
    assert "ALIBABA_CLOUD_REGION_ID" in str(caught.value)


@pytest.mark.parametrize("region", [" ", "cn hangzhou", "cn-hangzhou ", "cn-hangzhou\n", "cn_hangzhou", "-cn", "example.com/", "evil.example.com#", "杭州"])
def test_regions_that_are_not_valid(region: str) -> None:
    with pytest.raises(EhpcError, match="is not a valid region ID"):
        checked_region(region)


# Settings of requests


def test_request_settings_of_defaults() -> None:
    assert request_settings(params(), REGION) == ("https://ehpc.cn-hangzhou.aliyuncs.com", True, 5, 30, 5, 12)
    assert hash(request_settings(params(), REGION)) == hash(request_settings(params(), REGION))


@pytest.fixture
def bundle(tmp_path: Path) -> str:
    path = tmp_path / "ca.pem"
    trustme.CA().cert_pem.write_to_path(path)
    return str(path)


def test_request_settings_of_options(bundle: str) -> None:
    given = params(endpoint="127.0.0.1:1", ca_path=bundle, connect_timeout=0.5, read_timeout=1.5, api_retries=0, api_retry_max_delay=0)
    assert request_settings(given, REGION) == ("https://127.0.0.1:1", bundle, 0.5, 1.5, 0, 0)


def test_ca_path_of_the_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, bundle: str) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path))
    assert request_settings(params(), REGION).verify == str(tmp_path)
    monkeypatch.setenv("ALIBABA_CLOUD_CA_BUNDLE", bundle)
    assert request_settings(params(), REGION).verify == bundle
    assert request_settings(params(validate_certs=False), REGION).verify is False


def test_missing_ca_path(tmp_path: Path) -> None:
    with pytest.raises(EhpcError, match="ca_path") as caught:
        request_settings(params(ca_path=str(tmp_path / "ca.pem")), REGION)
    assert str(tmp_path / "ca.pem") in str(caught.value)


CERTIFICATE = trustme.CA().cert_pem.bytes()
BROKEN = {
    "empty": (b"", "contains no certificate in PEM format"),
    "something else": (b"\xff\xfebundle\n", "contains no certificate in PEM format"),
    "a key": (CERTIFICATE.replace(b"CERTIFICATE", b"PRIVATE KEY"), "contains no certificate in PEM format"),
    "no Base64": (CERTIFICATE.replace(b"MII", b"=I*"), "contains a certificate that is not valid"),
    "no certificate inside": (b"-----BEGIN CERTIFICATE-----\nTWFueQ==\n-----END CERTIFICATE-----\n", "contains a certificate that is not valid"),
    "incomplete Base64": (b"-----BEGIN CERTIFICATE-----\nTWFue\n-----END CERTIFICATE-----\n", "contains a certificate that is not valid"),
    # A length of 256 bytes, and 3 of them.
    "too short": (b"-----BEGIN CERTIFICATE-----\nMIIBAE1hbg==\n-----END CERTIFICATE-----\n", "contains a certificate that is not valid"),
    "cut off": (CERTIFICATE + CERTIFICATE[:300], "contains a certificate that is not valid"),
    "cut within": (CERTIFICATE[:300] + CERTIFICATE[-27:], "contains a certificate that is not valid"),
    "the second of two": (CERTIFICATE + CERTIFICATE.replace(b"MII", b"AII"), "contains a certificate that is not valid"),
}


@pytest.mark.parametrize(("content", "problem"), BROKEN.values(), ids=BROKEN)
def test_broken_bundles(content: bytes, problem: str, tmp_path: Path) -> None:
    path = tmp_path / "ca.pem"
    path.write_bytes(content)
    with pytest.raises(ssl.SSLError):
        ssl.create_default_context(cafile=str(path))
    with pytest.raises(EhpcError) as caught:
        request_settings(params(ca_path=str(path)), REGION)
    assert str(caught.value) == f"ca_path: {path} {problem}. Set it to a bundle of certificates in PEM format, or omit it."
    assert request_settings(params(ca_path=str(path), validate_certs=False), REGION).verify is False


@pytest.mark.parametrize(
    "content",
    [CERTIFICATE * 2, CERTIFICATE.replace(b"\n", b"\r\n"), b"# An authority\n\n" + CERTIFICATE + b"\nthe end", Path(certifi.where()).read_bytes()],
    ids=["two", "CRLF", "comments", "many"],
)
def test_bundles(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "ca.pem"
    path.write_bytes(content)
    ssl.create_default_context(cafile=str(path))
    assert request_settings(params(ca_path=str(path)), REGION).verify == str(path)


def test_a_bundle_that_cannot_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def denied(*_arguments: t.Any, **_more: t.Any) -> t.NoReturn:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("builtins.open", denied)
    with pytest.raises(EhpcError, match=r"ca\.pem cannot be read \(Permission denied\)\."):
        request_settings(params(ca_path=str(tmp_path / "ca.pem")), REGION)


@pytest.mark.parametrize(
    ("name", "value", "problem"),
    [
        ("connect_timeout", 0, "must be more than 0 and at most 86400 seconds, not 0."),
        ("connect_timeout", -1, "must be more than 0 and at most 86400 seconds, not -1."),
        ("read_timeout", 0, "must be more than 0 and at most 86400 seconds, not 0."),
        ("read_timeout", 1e12, "must be more than 0 and at most 86400 seconds, not 1000000000000.0."),
        ("read_timeout", 86401, "must be more than 0 and at most 86400 seconds, not 86401."),
        ("read_timeout", float("nan"), "must be more than 0 and at most 86400 seconds, not nan."),
        ("connect_timeout", float("inf"), "must be more than 0 and at most 86400 seconds, not inf."),
        ("api_retries", -1, "must not be negative, it is -1."),
        ("api_retry_max_delay", -0.1, "must be between 0 and 86400 seconds, not -0.1."),
        ("api_retry_max_delay", 86401, "must be between 0 and 86400 seconds, not 86401."),
        ("api_retry_max_delay", float("nan"), "must be between 0 and 86400 seconds, not nan."),
    ],
)
def test_numbers_that_are_not_valid(name: str, value: float, problem: str) -> None:
    with pytest.raises(EhpcError) as caught:
        request_settings(params(**{name: value}), REGION)
    assert str(caught.value) == f"{name} {problem}"


@pytest.mark.parametrize(("name", "value"), [("connect_timeout", 86400), ("read_timeout", 0.001), ("api_retries", 10**9), ("api_retry_max_delay", 86400)])
def test_numbers_that_are_valid(name: str, value: float) -> None:
    assert value in request_settings(params(**{name: value}), REGION)


@pytest.mark.parametrize("name", ["secret_key", "security_token"])
def test_secrets_are_hidden_by_ansible(name: str) -> None:
    assert _arguments.SHARED_SPEC[name]["no_log"] is True
