# Copyright (c) 2026, the alicloud.ehpc contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Signatures of requests: RPC version 1.0 (HMAC-SHA1, in the query) and ACS3-HMAC-SHA256 (in the headers).

This module only computes signatures; gateway.py checks them.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Iterable, Mapping
from urllib.parse import quote

ACS3 = "ACS3-HMAC-SHA256"
Pairs = Iterable[tuple[str, str]]


def percent_encode(text: str) -> str:
    return quote(text, safe="~")


def canonical_query(pairs: Pairs) -> str:
    return "&".join(f"{percent_encode(name)}={percent_encode(value)}" for name, value in sorted(pairs))


def string_to_sign(method: str, pairs: Pairs) -> str:
    """Of version 1.0: every parameter counts except the signature itself, empty ones too."""
    query = canonical_query((name, value) for name, value in pairs if name != "Signature")
    return f"{method}&%2F&{percent_encode(query)}"


def sign(secret_key: str, text: str) -> str:
    digest = hmac.new(f"{secret_key}&".encode(), text.encode(), hashlib.sha1).digest()
    return base64.b64encode(digest).decode()


def parse_authorization(header: str) -> dict[str, str] | None:
    """The fields of an ACS3 Authorization header, or None for any other header."""
    algorithm, _blank, rest = header.partition(" ")
    fields = dict(re.findall(r"(Credential|SignedHeaders|Signature)=([^,\s]+)", rest))
    return fields if algorithm == ACS3 and len(fields) == 3 else None


def acs3_string_to_sign(method: str, path: str, pairs: Pairs, headers: Mapping[str, str], signed_headers: str, body: bytes) -> str:
    content = hashlib.sha256(body).hexdigest()
    headers = {**headers, "x-acs-content-sha256": content}
    canonical_headers = "".join(f"{name}:{headers.get(name, '').strip()}\n" for name in signed_headers.split(";"))
    canonical = "\n".join([method, path, canonical_query(pairs), canonical_headers, signed_headers, content])
    return f"{ACS3}\n{hashlib.sha256(canonical.encode()).hexdigest()}"


def acs3_sign(secret_key: str, text: str) -> str:
    return hmac.new(secret_key.encode(), text.encode(), hashlib.sha256).hexdigest()
