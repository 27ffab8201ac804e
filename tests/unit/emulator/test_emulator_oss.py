# Copyright (c) 2026, the alicloud.ehpc contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The objects of OSS, through its official SDKs and plain HTTP."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from typing import Any

import alibabacloud_oss_v2 as oss
import oss2
import pytest
import requests
from ansible_collections.alicloud.ehpc.tests.emulator import Emulator
from ansible_collections.alicloud.ehpc.tests.emulator.oss import crc64
from ansible_collections.alicloud.ehpc.tests.emulator.state import Bucket

BUCKET, KEY = "scripts-example", "ehpc/ab12/a b~ü.sh"
URL_PATH = f"/{BUCKET}/ehpc/ab12/a%20b~%C3%BC.sh"
SCRIPT = b"#!/bin/sh\necho hello\n"
NAMES = ("main", "temporary", "expired", "inactive", "stranger")


@pytest.fixture
def emulator() -> Iterator[Emulator]:
    with Emulator({"buckets": [{"name": BUCKET, "domains": ["localhost"]}, {"name": "far-example", "region": "cn-shanghai"}]}) as running:
        yield running


@pytest.fixture
def bucket(emulator: Emulator) -> Bucket:
    return emulator.state.buckets[BUCKET]


class Sdk:
    """The SDK's client for one bucket, without its retries."""

    def __init__(self, emulator: Emulator, bucket: str = BUCKET, region: str = "cn-hangzhou", **options: Any) -> None:
        keys = options.pop("keys", (emulator.access_key, emulator.secret_key))
        config = {"endpoint": emulator.endpoint, "region": region, "retry_max_attempts": 1, **options}
        self.client = oss.Client(oss.Config(credentials_provider=oss.credentials.StaticCredentialsProvider(*keys), **config))
        self.bucket = bucket

    def put(self, body: bytes = SCRIPT, key: str = KEY, **options: Any) -> Any:
        return self.client.put_object(oss.PutObjectRequest(bucket=self.bucket, key=key, body=body, **options))

    def get(self, key: str = KEY) -> Any:
        return self.client.get_object(oss.GetObjectRequest(bucket=self.bucket, key=key))

    def head(self, key: str = KEY) -> Any:
        return self.client.head_object(oss.HeadObjectRequest(bucket=self.bucket, key=key))

    def keys(self, **options: Any) -> Any:
        return self.client.list_objects_v2(oss.ListObjectsV2Request(bucket=self.bucket, **options))


@pytest.fixture
def sdk(emulator: Emulator) -> Sdk:
    return Sdk(emulator)


def refusal(function: Callable[..., Any], *arguments: Any, **options: Any) -> tuple[int, str]:
    with pytest.raises(oss.exceptions.OperationError) as caught:
        function(*arguments, **options)
    error = caught.value.unwrap()
    return error.status_code, error.code


def test_objects_are_read_as_they_were_written(sdk: Sdk, emulator: Emulator) -> None:
    put = sdk.put(content_type="text/x-shellscript", metadata={"sha256": "abc"}, server_side_encryption="AES256")
    got, headed = sdk.get(), sdk.head()

    assert got.body.content == SCRIPT
    assert (got.content_type, got.metadata, got.server_side_encryption) == ("text/x-shellscript", {"sha256": "abc"}, "AES256")
    assert put.etag == got.etag == headed.etag == f'"{hashlib.md5(SCRIPT).hexdigest().upper()}"'
    assert put.hash_crc64 == got.hash_crc64 == str(crc64(SCRIPT))
    assert len(put.request_id) == 24
    assert headed.content_length == len(SCRIPT)
    assert emulator.actions() == ["PutObject", "GetObject", "HeadObject"]
    assert emulator.calls[0].params == {"Bucket": BUCKET, "Key": KEY}
    assert emulator.calls[0].access_key == emulator.access_key


def test_crc_of_the_standard() -> None:
    assert crc64(b"123456789") == 0x995DC9BBDF1939FA


def test_keys_are_listed_in_pages(sdk: Sdk) -> None:
    for number in range(3):
        sdk.put(key=f"ehpc/{number} ü.sh")
    sdk.put(key="other.sh")

    first = sdk.keys(prefix="ehpc/", max_keys=2)
    last = sdk.keys(prefix="ehpc/", max_keys=2, continuation_token=first.next_continuation_token)

    assert [entry.key for entry in (*first.contents, *last.contents)] == ["ehpc/0 ü.sh", "ehpc/1 ü.sh", "ehpc/2 ü.sh"]
    assert (first.is_truncated, last.is_truncated, first.contents[0].size) == (True, False, len(SCRIPT))


def test_nothing_is_overwritten_unless_the_bucket_has_versions(sdk: Sdk, bucket: Bucket) -> None:
    sdk.put()
    assert refusal(sdk.put, b"other", forbid_overwrite=True) == (409, "FileAlreadyExists")
    bucket.versioning = "Enabled"
    sdk.put(b"other", forbid_overwrite=True)
    assert sdk.get().body.content == b"other"
    bucket.retention = True
    assert refusal(sdk.put, b"again") == (409, "FileImmutable")


def test_requests_that_are_refused(sdk: Sdk, emulator: Emulator, bucket: Bucket) -> None:
    assert refusal(sdk.get) == (404, "NoSuchKey")
    assert refusal(sdk.head) == (404, "NoSuchKey")
    assert refusal(Sdk(emulator, "absent-example").get) == (404, "NoSuchBucket")
    assert refusal(sdk.put, content_md5="AAAAAAAAAAAAAAAAAAAAAA==") == (400, "InvalidDigest")
    assert refusal(sdk.put, acl="public-read") == (403, "AccessDenied")
    bucket.kms = False
    assert refusal(sdk.put, server_side_encryption="KMS") == (403, "KmsServiceNotEnabled")
    assert refusal(Sdk(emulator, "far-example").get) == (400, "InvalidArgument")
    emulator.state.oss_wrong_region = "AccessDenied"
    assert refusal(Sdk(emulator, "far-example").get) == (403, "AccessDenied")
    assert refusal(Sdk(emulator, "far-example", "cn-shanghai").get) == (404, "NoSuchKey")
    emulator.deny("PutObject")
    assert refusal(sdk.put) == (403, "AccessDenied")
    assert bucket.objects == {}


def test_keys_that_do_not_work(emulator: Emulator) -> None:
    def refused(name: str, **changes: str) -> tuple[int, str]:
        credential = emulator.credential(name)
        token = changes.get("token", credential.security_token)
        return refusal(Sdk(emulator, keys=(credential.access_key, changes.get("secret_key", credential.secret_key), token)).get)

    assert refused("temporary") == (404, "NoSuchKey")
    assert refused("temporary", token="EXAMPLE-another-token") == (403, "InvalidSecurityToken")
    assert refused("main", secret_key="EXAMPLE-another-secret") == (403, "SignatureDoesNotMatch")
    assert refused("stranger") == (403, "AccessDenied")
    emulator.credential("temporary").token_expired = True
    assert refused("temporary") == (403, "SecurityTokenExpired")
    emulator.credential("main").status = "inactive"
    assert refused("main") == (403, "InvalidAccessKeyId")


def test_a_clock_that_is_wrong(sdk: Sdk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ansible_collections.alicloud.ehpc.tests.emulator.oss.WINDOW", -1)
    assert refusal(sdk.get) == (403, "RequestTimeTooSkewed")


def test_only_nodes_of_the_vpc_read_without_a_signature(sdk: Sdk, emulator: Emulator, bucket: Bucket) -> None:
    sdk.put()

    def status(endpoint: str) -> int:
        return requests.get(endpoint + URL_PATH, timeout=10).status_code

    assert (status(emulator.internal_endpoint), status(emulator.endpoint)) == (200, 403)
    assert requests.get(emulator.internal_endpoint + URL_PATH, timeout=10).content == SCRIPT
    assert requests.put(emulator.internal_endpoint + URL_PATH, data=b"other", timeout=10).status_code == 403
    bucket.anonymous_read = "none"
    assert (status(emulator.internal_endpoint), status(emulator.endpoint)) == (403, 403)
    bucket.anonymous_read = "everyone"
    assert (status(emulator.internal_endpoint), status(emulator.endpoint)) == (200, 200)


def test_public_objects_need_a_bucket_that_allows_them(sdk: Sdk, emulator: Emulator, bucket: Bucket) -> None:
    bucket.block_public_access = False
    sdk.put(acl="public-read")
    assert requests.get(emulator.endpoint + URL_PATH, timeout=10).status_code == 200
    bucket.block_public_access = True
    assert requests.get(emulator.endpoint + URL_PATH, timeout=10).status_code == 403


def test_presigned_urls_and_domains_of_a_bucket(sdk: Sdk, emulator: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    sdk.put()
    url = sdk.client.presign(oss.GetObjectRequest(bucket=BUCKET, key=KEY)).url
    assert requests.get(url, timeout=10).content == SCRIPT
    assert requests.get(url.replace("ehpc", "EHPC"), timeout=10).status_code == 403
    own = Sdk(emulator, endpoint=emulator.endpoint.replace("127.0.0.1", "localhost"), use_cname=True)
    assert own.get().body.content == SCRIPT
    monkeypatch.setattr("ansible_collections.alicloud.ehpc.tests.emulator.oss.time.time", lambda: 4e9)
    assert requests.get(url, timeout=10).status_code == 403


def test_faults(sdk: Sdk, emulator: Emulator, bucket: Bucket) -> None:
    emulator.fault("PutObject", code="InternalError")
    assert refusal(sdk.put) == (500, "InternalError")
    emulator.fault("PutObject", kind="lost_after")
    with pytest.raises(oss.exceptions.OperationError):
        sdk.put()
    assert bucket.objects[KEY].content == SCRIPT
    emulator.fault("PutObject", kind="crc")
    with pytest.raises(oss.exceptions.OperationError) as caught:
        sdk.put()
    assert isinstance(caught.value.unwrap(), oss.exceptions.InconsistentError)
    emulator.fault("GetObject", kind="tampered")
    assert sdk.get().body.content != SCRIPT
    assert sdk.get().body.content == SCRIPT
    emulator.fault("PutObject", kind="html")
    assert sdk.put().status_code == 200


def test_the_older_sdk_agrees(emulator: Emulator) -> None:
    auth = oss2.AuthV4(emulator.access_key, emulator.secret_key)
    bucket = oss2.Bucket(auth, emulator.endpoint, BUCKET, region="cn-hangzhou")

    assert bucket.put_object(KEY, SCRIPT).status == 200
    assert bucket.get_object(KEY).read() == SCRIPT
    assert [entry.key for entry in oss2.ObjectIteratorV2(bucket, prefix="ehpc/")] == [KEY]
    with pytest.raises(oss2.exceptions.NoSuchKey):
        bucket.head_object("absent")
