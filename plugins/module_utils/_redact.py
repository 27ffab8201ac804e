# Copyright (c) 2026, the alicloud.ehpc contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Mask the secret parts of URLs and strings before users see them."""

from __future__ import annotations

import re
import typing as t
from urllib.parse import quote, quote_plus, unquote

MASK = "***"

# The query parameters of a pre-signed URL that allow its holder to fetch the object: those of OSS in its old and its V4 form, and of
# other object stores.
SECRET_PARAMETERS = frozenset(
    (
        "ossaccesskeyid",
        "signature",
        "security-token",
        "x-oss-credential",
        "x-oss-security-token",
        "x-oss-signature",
        "x-amz-credential",
        "x-amz-security-token",
        "x-amz-signature",
        "x-goog-credential",
        "x-goog-signature",
        "googleaccessid",
        "awsaccesskeyid",
        "accesskeyid",
        "securitytoken",
        "sig",
    )
)

_NAMES = "|".join(sorted((re.escape(name) for name in SECRET_PARAMETERS), key=len, reverse=True))
# In a string, a parameter is recognized by the question mark or ampersand before it, plain or percent-encoded. Services often return parts of
# a request that are encoded more than once. Punctuation at the end of a value is that of the sentence.
_PARAMETER_IN_TEXT = re.compile(r"(?i)([?&]|%%(?:25)*(?:3F|26))(%s)(=|%%(?:25)*3D)((?:(?!%%(?:25)*26)[^&\s'\"<>])+)(?<![.,;:!)])" % _NAMES)
_USER_IN_TEXT = re.compile(r"(?i)\b([a-z][a-z0-9+.-]*://)[^/?#\s'\"]+@")
_PASSWORD_IN_TEXT = re.compile(r"(?i)\b[a-z][a-z0-9+.-]*://([^/?#\s'\":@]*:[^/?#\s'\"@]+)@")
_USER_IN_URL = re.compile(r"^([^/?#]*://)[^/?#]+@")
_USER_ENCODED = re.compile(r"(?i)\b([a-z][a-z0-9+.%-]*%3A%2F%2F)(?:(?!%2F|%3F|%23)[^/?#\s&'\"<>])+%40")


def redact_url(url: str) -> str:
    """The URL with its signature, user name and password masked."""
    base, question_mark, query = url.partition("?")
    base = _USER_IN_URL.sub(r"\1%s@" % MASK, base)
    return base + question_mark + "&".join(_redact_parameter(part) for part in query.split("&"))


def _redact_parameter(part: str) -> str:
    name, equals, value = part.partition("=")
    if unquote(name).lower() in SECRET_PARAMETERS and value:
        return name + equals + MASK
    return part


def url_secrets(url: str) -> list[str]:
    """The values of signature parameters that redact_url masks, as they are encoded in the URL."""
    query = url.partition("?")[2]
    pairs = [part.partition("=") for part in query.split("&")]
    return [value for name, _equals, value in pairs if unquote(name).lower() in SECRET_PARAMETERS and value]


def secrets_in(value: t.Any) -> set[str]:
    """What the URLs in plain data hold of signatures and passwords (as ``user:password``), as it is in the URLs and decoded."""
    if isinstance(value, dict):
        return secrets_in([*value.keys(), *value.values()])
    if isinstance(value, (list, tuple)):
        return {secret for inner in value for secret in secrets_in(inner)}
    if not isinstance(value, str):
        return set()
    found = {match.group(4) for match in _PARAMETER_IN_TEXT.finditer(value)} | set(url_secrets(value))
    found |= set(_PASSWORD_IN_TEXT.findall(value))
    return {form for secret in found - {MASK} for form in (secret, unquote(secret))}


def is_masked(text: str) -> bool:
    """Whether a URL in the string is the result of redact_url or redact_text, with a secret masked."""
    return "://%s@" % MASK in text or any(match.group(4) == MASK for match in _PARAMETER_IN_TEXT.finditer(text))


def redact_text(text: str, secrets: t.Iterable[str] = ()) -> str:
    """The string with the given secrets masked, in any encoding that a request can contain, and with all URLs redacted."""
    for form in sorted({form for secret in secrets for form in _forms(secret)}, key=len, reverse=True):
        text = text.replace(form, MASK)
    text = _PARAMETER_IN_TEXT.sub(r"\1\2\3%s" % MASK, text)
    text = _USER_ENCODED.sub(r"\1%s%%40" % MASK, text)
    return _USER_IN_TEXT.sub(r"\1%s@" % MASK, text)


def _forms(secret: str) -> set[str]:
    once = quote(secret, safe="-_.~")
    return {secret, once, quote(once, safe="-_.~"), quote_plus(secret), unquote(secret)} - {""}


def without_secrets(value: t.Any, secrets: t.Iterable[str]) -> t.Any:
    """A copy of plain data in which no string holds one of the secrets, in any encoding that a request could carry."""
    # In reverse order, so that a secret comes before one that it begins with.
    forms = sorted({form for secret in secrets for form in _forms(secret)}, reverse=True)
    return _substituted(value, re.compile("|".join(re.escape(form) for form in forms))) if forms else value


def _substituted(value: t.Any, secrets: re.Pattern[str]) -> t.Any:
    if isinstance(value, str):
        return secrets.sub(MASK, value)
    if isinstance(value, dict):
        return {key: _substituted(inner, secrets) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_substituted(inner, secrets) for inner in value]
    return value


def redact_values(value: t.Any) -> t.Any:
    """A copy of plain data in which all URLs are redacted."""
    if isinstance(value, str):
        return redact_text(value)
    if isinstance(value, dict):
        return dict(_redact_item(key, inner) for key, inner in value.items())
    if isinstance(value, (list, tuple)):
        return [redact_values(inner) for inner in value]
    return value


def _redact_item(key: t.Any, value: t.Any) -> tuple[t.Any, t.Any]:
    # If a URL is given instead of a dictionary of options, Ansible takes everything before its first equals sign for an option's name.
    if isinstance(key, str) and "://" in key and isinstance(value, str):
        key, _equals, value = redact_text("%s=%s" % (key, value)).partition("=")
        return key, value
    return key, redact_values(value)
