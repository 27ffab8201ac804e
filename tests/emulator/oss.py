# Copyright (c) 2026, the alicloud.ehpc contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""OSS, as far as scripts are published to it: objects that are written once, read, and listed."""

from __future__ import annotations

import base64
import hashlib
import re
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from email.utils import formatdate
from functools import cached_property
from urllib.parse import quote, unquote

from . import oss_signature
from .answers import Answer, render
from .gateway import WINDOW, Request
from .oss_errors import ERRORS, OssError
from .oss_signature import Signed
from .state import Bucket, Credential, State, StoredObject

XML = "application/xml"
MAX_LISTED = 1000
STORED_HEADERS = ("x-oss-server-side-encryption", "x-oss-server-side-encryption-key-id")


@dataclass
class ObjectRequest:
    """A request with the bucket and the key that it names: by its path, or by its host and its path."""

    http: Request
    internal: bool  # came to the listener that only a bucket's VPC reaches
    bucket_name: str
    key: str

    @cached_property
    def query(self) -> dict[str, str]:
        return dict(self.http.pairs)

    @property
    def resource(self) -> str:
        return f"/{self.bucket_name}/{self.key}"

    @property
    def action(self) -> str:
        if self.http.method == "GET" and not self.key:
            return "ListObjectsV2"
        return {"GET": "GetObject", "PUT": "PutObject", "HEAD": "HeadObject"}.get(self.http.method, "")

    @property
    def signed(self) -> Signed | None:
        if "x-oss-signature" in self.query:
            return oss_signature.from_query(self.query)
        return oss_signature.from_header(self.http.headers.get("authorization", ""), self.http.headers.get("x-oss-date", ""))

    @property
    def is_anonymous(self) -> bool:
        return "authorization" not in self.http.headers and "x-oss-signature" not in self.query


def object_request(state: State, request: Request, internal: bool) -> ObjectRequest | None:
    """The request as one to OSS, or None if it is one to E-HPC, which takes any path and names its operation elsewhere."""
    if not state.buckets:
        return None
    path = unquote(request.path)[1:]
    host = request.headers.get("host", "").partition(":")[0]
    for bucket in state.buckets.values():
        if host in bucket.domains or host.startswith(f"{bucket.name}."):
            return ObjectRequest(request, internal, bucket.name, path)
    if not path:
        return None
    bucket_name, _slash, key = path.partition("/")
    return ObjectRequest(request, internal, bucket_name, key)


def perform(state: State, request: ObjectRequest) -> Answer:
    """The answer of OSS. Raises OssError."""
    bucket = state.buckets.get(request.bucket_name)
    if bucket is None:
        raise OssError("NoSuchBucket")
    _admit(state, bucket, request)
    operations: dict[str, Callable[[Bucket, ObjectRequest], Answer]] = {
        "GetObject": _get,
        "HeadObject": _get,
        "ListObjectsV2": _list,
        "PutObject": _put,
    }
    if request.action not in operations:
        raise OssError("MethodNotAllowed")
    return operations[request.action](bucket, request)


# Permissions


def _admit(state: State, bucket: Bucket, request: ObjectRequest) -> None:
    if request.is_anonymous:
        if request.action not in ("GetObject", "HeadObject") or not _anyone_may_read(bucket, request):
            raise OssError("AccessDenied")
        return
    credential = _checked(state, bucket, request)
    for denial in list(state.denied):
        if denial.matches(request.action, bucket.region, None, credential.access_key):
            raise OssError("AccessDenied")
    if credential.account != bucket.account:
        raise OssError("AccessDenied")


def _anyone_may_read(bucket: Bucket, request: ObjectRequest) -> bool:
    stored = bucket.objects.get(request.key)
    acl = stored.acl if stored and stored.acl != "default" else bucket.acl
    is_public = acl.startswith("public-read") and not bucket.block_public_access
    return is_public or bucket.anonymous_read == "everyone" or (bucket.anonymous_read == "nodes" and request.internal)


def _checked(state: State, bucket: Bucket, request: ObjectRequest) -> Credential:
    signed = request.signed
    if signed is None:
        raise OssError("InvalidArgument")
    credential = state.credentials.get(signed.access_key)
    if credential is None or credential.status != "active":
        raise OssError("InvalidAccessKeyId")
    _check_token(credential, request)
    _check_time(signed)
    if signed.region != bucket.region:
        raise OssError(state.oss_wrong_region)
    headers = request.http.headers
    if oss_signature.signature_of(credential.secret_key, signed, request.http.method, request.resource, request.http.pairs, headers) != signed.signature:
        raise OssError("SignatureDoesNotMatch")
    return credential


def _check_token(credential: Credential, request: ObjectRequest) -> None:
    token = request.query.get("x-oss-security-token") or request.http.headers.get("x-oss-security-token", "")
    if token != credential.security_token:
        raise OssError("InvalidSecurityToken")
    if credential.token_expired:
        raise OssError("SecurityTokenExpired")


def _check_time(signed: Signed) -> None:
    try:
        moment = datetime.strptime(signed.moment, "%Y%m%dT%H%M%SZ").replace(tzinfo=timezone.utc).timestamp()
    except ValueError:
        raise OssError("InvalidArgument") from None
    if signed.seconds is not None:
        if time.time() > moment + signed.seconds:
            raise OssError("AccessDenied")
    elif abs(moment - time.time()) > WINDOW:
        raise OssError("RequestTimeTooSkewed")


# Operations


def _get(bucket: Bucket, request: ObjectRequest) -> Answer:
    stored = bucket.objects.get(request.key)
    if stored is None:
        raise OssError("NoSuchKey")
    headers = {
        **_sums(stored.content),
        **stored.headers,
        "Last-Modified": formatdate(stored.modified, usegmt=True),
        "x-oss-object-type": "Normal",
        "x-oss-storage-class": "Standard",
    }
    return _answer(200, stored.content, stored.content_type, headers)


def _put(bucket: Bucket, request: ObjectRequest) -> Answer:
    headers, content = request.http.headers, request.http.body
    if "content-length" not in headers and "transfer-encoding" not in headers:
        raise OssError("MissingContentLength")
    if len(request.key.encode()) > 1023 or request.key.startswith(("/", "\\")):
        raise OssError("InvalidObjectName")
    if headers.get("content-md5", _md5(content)) != _md5(content):
        raise OssError("InvalidDigest")
    _check_overwriting(bucket, request)
    acl = headers.get("x-oss-object-acl", "default")
    if acl.startswith("public-") and bucket.block_public_access:
        raise OssError("AccessDenied")
    if headers.get("x-oss-server-side-encryption") == "KMS" and not bucket.kms:
        raise OssError("KmsServiceNotEnabled")
    kept = {name: value for name, value in headers.items() if name.startswith("x-oss-meta-") or name in STORED_HEADERS}
    bucket.objects[request.key] = StoredObject(content, headers.get("content-type", "application/octet-stream"), acl, kept, time.time())
    return _answer(200, b"", XML, _sums(content))


def _check_overwriting(bucket: Bucket, request: ObjectRequest) -> None:
    if request.key not in bucket.objects:
        return
    if bucket.retention:
        raise OssError("FileImmutable")
    # In a bucket with versioning the header has no effect.
    if request.http.headers.get("x-oss-forbid-overwrite") == "true" and not bucket.versioning:
        raise OssError("FileAlreadyExists")


def _list(bucket: Bucket, request: ObjectRequest) -> Answer:
    query = request.query
    if query.get("list-type") != "2":
        raise OssError("InvalidArgument")
    size, prefix = query.get("max-keys", "100"), query.get("prefix", "")
    if not re.fullmatch("[0-9]{1,4}", size) or not 1 <= int(size) <= MAX_LISTED:
        raise OssError("InvalidArgument")
    keys = [key for key in sorted(bucket.objects) if key.startswith(prefix) and key > query.get("continuation-token", "")]
    page = keys[: int(size)]
    # Keys may hold characters that XML cannot; with this, clients decode them.
    shown: Callable[[str], str] = quote if query.get("encoding-type") == "url" else str
    content = {
        "Name": bucket.name,
        "Prefix": shown(prefix),
        "MaxKeys": int(size),
        "EncodingType": query.get("encoding-type", ""),
        "IsTruncated": len(keys) > len(page),
        "KeyCount": len(page),
        "Contents": [_listed(shown(key), bucket.objects[key]) for key in page],
    }
    if len(keys) > len(page):
        content["NextContinuationToken"] = page[-1]
    return _answer(200, render("ListBucketResult", "XML", content), XML, {})


def _listed(key: str, stored: StoredObject) -> dict[str, str | int]:
    modified = datetime.fromtimestamp(stored.modified, timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.000Z")
    etag = _sums(stored.content)["ETag"]
    return {"Key": key, "LastModified": modified, "ETag": etag, "Type": "Normal", "Size": len(stored.content), "StorageClass": "Standard"}


# Answers


def failure(request: ObjectRequest, error: OssError) -> Answer:
    """An error response. A response to HEAD has no body; its code is in a header."""
    status, message = ERRORS.get(error.code, (500, "Unknown error."))
    answer = _answer(error.status or status, b"", XML, {}, code=error.code)
    body = {"Code": error.code, "Message": message, "RequestId": answer.request_id, "HostId": request.http.headers.get("host", "")}
    xml = render("Error", "XML", body)
    if request.http.method == "HEAD":
        answer.headers["x-oss-err"] = base64.b64encode(xml).decode()
        return answer
    return replace(answer, body=xml)


def with_wrong_crc(answer: Answer) -> Answer:
    return replace(answer, headers={**answer.headers, "x-oss-hash-crc64ecma": "1"})


def tampered(answer: Answer) -> Answer:
    """The answer with one byte of its body changed, and sums that agree with it."""
    body = bytes([answer.body[0] ^ 1]) + answer.body[1:] if answer.body else b"#"
    return replace(answer, body=body, headers={**answer.headers, **_sums(body)})


def _answer(status: int, body: bytes, content_type: str, headers: dict[str, str], code: str | None = None) -> Answer:
    request_id = secrets.token_hex(12).upper()
    return Answer(status, body, content_type, code, request_id, headers={**headers, "x-oss-request-id": request_id})


def _sums(content: bytes) -> dict[str, str]:
    etag = f'"{hashlib.md5(content).hexdigest().upper()}"'
    return {"ETag": etag, "Content-MD5": _md5(content), "x-oss-hash-crc64ecma": str(crc64(content))}


def _md5(content: bytes) -> str:
    return base64.b64encode(hashlib.md5(content).digest()).decode()


def crc64(content: bytes) -> int:
    """CRC-64/XZ."""
    crc = 0xFFFFFFFFFFFFFFFF
    for byte in content:
        crc = _CRC_TABLE[(crc ^ byte) & 0xFF] ^ (crc >> 8)
    return crc ^ 0xFFFFFFFFFFFFFFFF


def _crc_entry(value: int) -> int:
    for _bit in range(8):
        value = (value >> 1) ^ (0xC96C5795D7870F42 if value & 1 else 0)
    return value


_CRC_TABLE = [_crc_entry(value) for value in range(256)]
