# Copyright (c) 2026, the alicloud.ehpc contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""OSS signatures of version 4, in the Authorization header or in the query of a pre-signed URL.

This module only computes signatures; oss.py checks them.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote

from .signature import Pairs

ALGORITHM = "OSS4-HMAC-SHA256"
SIGNED_IF_PRESENT = ("content-type", "content-md5")


@dataclass
class Signed:
    """The signature of a request and its scope."""

    access_key: str
    date: str  # yyyymmdd
    region: str
    additional: list[str]  # names of headers that are signed although they need not be
    signature: str
    moment: str  # x-oss-date, such as 20261124T151914Z
    seconds: int | None = None  # how long a pre-signed URL is valid; None: a header, with the usual window


def from_header(authorization: str, moment: str) -> Signed | None:
    """The signature of an Authorization header, or None if it is not a valid one. Some clients write a blank after the commas."""
    algorithm, _blank, rest = authorization.partition(" ")
    fields = dict(re.findall(r"(Credential|AdditionalHeaders|Signature)=([^,\s]*)", rest))
    if algorithm != ALGORITHM or not fields.get("Signature"):
        return None
    return _signed(fields.get("Credential", ""), fields.get("AdditionalHeaders", ""), fields["Signature"], moment)


def from_query(query: Mapping[str, str]) -> Signed | None:
    """The signature of a pre-signed URL, or None if it is not a valid one."""
    expires = query.get("x-oss-expires", "")
    if query.get("x-oss-signature-version") != ALGORITHM or not re.fullmatch("[0-9]{1,6}", expires):
        return None
    credential, additional, signature, moment = (query.get(f"x-oss-{name}", "") for name in ("credential", "additional-headers", "signature", "date"))
    return _signed(credential, additional, signature, moment, int(expires))


def _signed(credential: str, additional: str, signature: str, moment: str, seconds: int | None = None) -> Signed | None:
    scope = credential.split("/")
    if len(scope) != 5 or scope[3:] != ["oss", "aliyun_v4_request"]:
        return None
    return Signed(scope[0], scope[1], scope[2], [name for name in additional.split(";") if name], signature, moment, seconds)


def signature_of(secret_key: str, signed: Signed, method: str, resource: str, pairs: Pairs, headers: Mapping[str, str]) -> str:
    """The signature that a request must have. ``resource`` is ``/bucket/key``, decoded; ``headers`` have names in lower case."""
    canonical = "\n".join(
        [method, quote(resource, safe="/-._~"), _query(pairs), _headers(headers, signed), ";".join(sorted(signed.additional)), "UNSIGNED-PAYLOAD"]
    )
    scope = f"{signed.date}/{signed.region}/oss/aliyun_v4_request"
    text = "\n".join([ALGORITHM, signed.moment, scope, hashlib.sha256(canonical.encode()).hexdigest()])
    key = f"aliyun_v4{secret_key}".encode()
    for part in (signed.date, signed.region, "oss", "aliyun_v4_request"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    return hmac.new(key, text.encode(), hashlib.sha256).hexdigest()


def _query(pairs: Pairs) -> str:
    encoded = sorted((quote(name, safe="-._~"), quote(value, safe="-._~")) for name, value in pairs if name != "x-oss-signature")
    return "&".join(f"{name}={value}" if value else name for name, value in encoded)


def _headers(headers: Mapping[str, str], signed: Signed) -> str:
    names = {name for name in headers if name.startswith("x-oss-") or name in SIGNED_IF_PRESENT or name in signed.additional}
    return "".join(f"{name}:{headers[name].strip()}\n" for name in sorted(names))
