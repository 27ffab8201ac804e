# Copyright (c) 2026, the alicloud.ehpc contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The options that all modules share: their specification, environment variables and checks."""

from __future__ import annotations

import binascii
import ipaddress
import os
import re
import typing as t
from urllib.parse import urlsplit

from ansible_collections.alicloud.ehpc.plugins.module_utils._errors import EhpcError, invalid_option

if t.TYPE_CHECKING:  # pragma: no cover
    from collections.abc import Mapping

SHARED_SPEC: dict[str, dict[str, t.Any]] = {
    "access_key": {"type": "str", "aliases": ["access_key_id", "alicloud_access_key"], "no_log": False},
    "secret_key": {"type": "str", "aliases": ["secret_access_key", "access_key_secret", "alicloud_secret_key"], "no_log": True},
    "security_token": {"type": "str", "aliases": ["alicloud_security_token"], "no_log": True},
    "profile": {"type": "str", "aliases": ["alicloud_profile"]},
    "shared_credentials_file": {"type": "path"},
    "ecs_role_name": {"type": "str", "aliases": ["role_name"]},
    "assume_role_arn": {"type": "str", "aliases": ["alicloud_assume_role_arn"]},
    "assume_role_session_name": {"type": "str", "aliases": ["alicloud_assume_role_session_name"]},
    "region": {"type": "str", "aliases": ["region_id", "alicloud_region"]},
    "endpoint": {"type": "str"},
    "endpoint_type": {"type": "str", "choices": ["public", "vpc"], "default": "public"},
    "validate_certs": {"type": "bool", "default": True},
    "ca_path": {"type": "path"},
    "connect_timeout": {"type": "float", "default": 5},
    "read_timeout": {"type": "float", "default": 30},
    "api_retries": {"type": "int", "default": 5},
    "api_retry_max_delay": {"type": "float", "default": 12},
}

# The environment variables of an option, in order of precedence. They are not `fallback`s of the specification, because an option of one
# identity takes precedence over an environment variable of another, and an empty variable counts as unset.
ENVIRONMENT: dict[str, tuple[str, ...]] = {
    "access_key": ("ALIBABA_CLOUD_ACCESS_KEY_ID", "ALIBABACLOUD_ACCESS_KEY_ID", "ALICLOUD_ACCESS_KEY", "ALICLOUD_ACCESS_KEY_ID"),
    "secret_key": (
        "ALIBABA_CLOUD_ACCESS_KEY_SECRET",
        "ALIBABACLOUD_ACCESS_KEY_SECRET",
        "ALICLOUD_SECRET_KEY",
        "ALICLOUD_ACCESS_KEY_SECRET",
        "ALICLOUD_SECRET_ACCESS_KEY",
    ),
    "security_token": ("ALIBABA_CLOUD_SECURITY_TOKEN", "ALIBABACLOUD_SECURITY_TOKEN", "ALICLOUD_SECURITY_TOKEN"),
    "profile": ("ALIBABA_CLOUD_PROFILE", "ALIBABACLOUD_PROFILE", "ALICLOUD_PROFILE"),
    "shared_credentials_file": ("ALICLOUD_SHARED_CREDENTIALS_FILE",),
    "ecs_role_name": ("ALIBABA_CLOUD_ECS_METADATA", "ALICLOUD_ECS_ROLE_NAME"),
    "assume_role_arn": ("ALIBABA_CLOUD_ROLE_ARN", "ALICLOUD_ASSUME_ROLE_ARN"),
    "assume_role_session_name": ("ALIBABA_CLOUD_ROLE_SESSION_NAME", "ALICLOUD_ASSUME_ROLE_SESSION_NAME"),
    "region": (
        "ALIBABA_CLOUD_REGION_ID",
        "ALIBABA_CLOUD_REGION",
        "ALIBABACLOUD_REGION_ID",
        "ALICLOUD_REGION",
        "ALICLOUD_REGION_ID",
    ),
    "endpoint": ("ALIBABA_CLOUD_EHPC_ENDPOINT",),
    "ca_path": ("ALIBABA_CLOUD_CA_BUNDLE", "REQUESTS_CA_BUNDLE"),
}

# A day. The operating system does not accept timeouts of any length.
MAX_SECONDS = 86400

_CERTIFICATE = re.compile(rb"-----BEGIN (?:TRUSTED |X509 )?CERTIFICATE-----(.*?)-----END ", re.DOTALL)
# Labels of 1 to 63 characters, as the resolver accepts them. An IPv6 address in brackets is checked by urlsplit.
_HOST = re.compile(r"[^.\s]{1,63}(\.[^.\s]{1,63})*\.?\Z")
_REGION = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9-]*\Z")


class Values(t.NamedTuple):
    """The options that an environment variable may set as well, from one origin. None: not set there."""

    access_key: str | None = None
    secret_key: str | None = None
    security_token: str | None = None
    profile: str | None = None
    shared_credentials_file: str | None = None
    ecs_role_name: str | None = None
    assume_role_arn: str | None = None
    assume_role_session_name: str | None = None
    region: str | None = None
    endpoint: str | None = None
    ca_path: str | None = None


class SharedOptions(t.NamedTuple):
    """The shared options of a task, with their defaults. ``values`` is what is given, else what the environment has."""

    given: Values
    environment: Values
    values: Values
    endpoint_type: str
    validate_certs: bool
    connect_timeout: float
    read_timeout: float
    api_retries: int
    api_retry_max_delay: float


def resolve(params: Mapping[str, t.Any]) -> SharedOptions:
    """The shared options among ``params``. An empty string counts as unset, and null as the default."""
    given = Values(**{name: params.get(name) or None for name in Values._fields})
    environment = Values(**{name: first_variable(*ENVIRONMENT[name]) for name in Values._fields})
    others = {name: SHARED_SPEC[name]["default"] if params.get(name) in (None, "") else params[name] for name in SHARED_SPEC if name not in Values._fields}
    return SharedOptions(given, environment, Values(*(first or second for first, second in zip(given, environment))), **others)


def first_variable(*names: str) -> str | None:
    """The value of the first of these environment variables that is not empty."""
    return next((os.environ[name] for name in names if os.environ.get(name)), None)


class RequestSettings(t.NamedTuple):
    """The endpoint and the time limits (seconds) of requests. Hashable, so that equal tasks can share a client."""

    url: str
    verify: bool | str
    connect_timeout: float
    read_timeout: float
    retries: int
    max_delay: float


def request_settings(shared: SharedOptions, region: str) -> RequestSettings:
    """The options of requests, checked. Raises EhpcError for one that cannot work."""
    for name, seconds in (("connect_timeout", shared.connect_timeout), ("read_timeout", shared.read_timeout)):
        if not 0 < seconds <= MAX_SECONDS:
            raise invalid_option("%s must be more than 0 and at most %d seconds, not %s." % (name, MAX_SECONDS, seconds))
    if shared.api_retries < 0:
        raise invalid_option("api_retries must not be negative, it is %s." % shared.api_retries)
    if not 0 <= shared.api_retry_max_delay <= MAX_SECONDS:
        raise invalid_option("api_retry_max_delay must be between 0 and %d seconds, not %s." % (MAX_SECONDS, shared.api_retry_max_delay))
    return RequestSettings(
        url=endpoint_url(shared.values.endpoint, shared.endpoint_type, region),
        verify=_verify(shared),
        connect_timeout=shared.connect_timeout,
        read_timeout=shared.read_timeout,
        retries=shared.api_retries,
        max_delay=shared.api_retry_max_delay,
    )


def _verify(shared: SharedOptions) -> bool | str:
    """The parameter ``verify`` of requests: False, the authorities to trust, or True for the default ones."""
    path = shared.values.ca_path
    if not shared.validate_certs or not path:
        return shared.validate_certs
    problem = None if os.path.isdir(path) else _problem_of_bundle(path)
    if problem:
        raise invalid_option("ca_path: %s %s." % (path, problem), "Set it to a bundle of certificates in PEM format, or omit it.")
    return path


def _problem_of_bundle(path: str) -> str | None:
    """Why a file is not a bundle of certificates. Loading the bundle of a system would take ten times as long."""
    try:
        with open(path, "rb") as file:
            content = file.read()
    except FileNotFoundError:
        return "does not exist"
    except OSError as error:
        return "cannot be read (%s)" % error.strerror
    certificates = _CERTIFICATE.findall(content)
    if not certificates:
        return "contains no certificate in PEM format"
    if content.count(b"CERTIFICATE-----") != 2 * len(certificates) or not all(map(_is_der, certificates)):
        return "contains a certificate that is not valid"
    return None


def _is_der(encoded: bytes) -> bool:
    """Whether this is the Base64 form of one DER sequence, as a certificate is."""
    try:
        content = binascii.a2b_base64(encoded)
    except binascii.Error:
        return False
    # 0x30 0x82, the length in two bytes, and so many bytes; certificates are longer than 255 bytes and shorter than 64 KiB.
    return content[:2] == b"\x30\x82" and len(content) >= 4 + int.from_bytes(content[2:4], "big")


def checked_region(region: str | None, name: str = "region") -> str:
    """The region, if it can be part of a host name. Raises EhpcError."""
    if not region:
        raise invalid_option(
            "No region is given.",
            "Set region or ALIBABA_CLOUD_REGION_ID, or a region in the profile.",
        )
    if not _REGION.match(region):
        raise invalid_option("%s: %r is not a valid region ID." % (name, region), "Set it to an ID such as cn-hangzhou.")
    return region


def endpoint_url(endpoint: str | None, endpoint_type: str, region: str) -> str:
    """The base URL of all requests, without a trailing slash. Raises EhpcError for plain http to another host than loopback."""
    if not endpoint:
        return "https://ehpc%s.%s.aliyuncs.com" % ("-vpc" if endpoint_type == "vpc" else "", region)
    return checked_endpoint("endpoint", endpoint, "ehpc.cn-hangzhou.aliyuncs.com")


def checked_endpoint(name: str, endpoint: str, example: str) -> str:
    """The option ``name``, a host or URL that signed requests go to, as a URL without a trailing slash. Raises EhpcError."""
    scheme, host, port, path = _split(name, endpoint, example)
    if scheme == "http" and not is_loopback(host):
        raise invalid_option(
            "%s: %s would send signatures over plain http, which is accepted for loopback addresses only." % (name, endpoint),
            "Use https://.",
        )
    shown_host = "[%s]" % host if ":" in host else host
    return "%s://%s%s%s" % (scheme, shown_host, ":%d" % port if port else "", path.rstrip("/"))


def _split(name: str, endpoint: str, example: str) -> tuple[str, str, int | None, str]:
    wrong: EhpcError = invalid_option(
        "%s: must be host[:port], or a URL with https (http for loopback only)." % name, "Set it to a value such as %s." % example
    )
    try:
        parts = urlsplit(endpoint if "://" in endpoint else "https://" + endpoint)
        host, port = parts.hostname, parts.port
    except ValueError:
        raise wrong from None
    extra = parts.username or parts.password or parts.query or parts.fragment
    if parts.scheme not in ("http", "https") or not host or not _HOST.match(host) or extra or re.search(r"\s", endpoint):
        raise wrong
    return parts.scheme, host, port, parts.path


def is_loopback(host: str) -> bool:
    """Whether a host name or an IP address can only be this machine."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
