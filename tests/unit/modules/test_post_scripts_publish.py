# Copyright (c) 2026, the alicloud.ehpc contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""post_scripts_publish over a socket: writes, comparisons, refusals, and failures."""

from __future__ import annotations

import base64
import hashlib
import json
import subprocess
import sys
import threading
import time
import typing as t
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from ansible.module_utils.basic import missing_required_lib
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.alicloud.ehpc.plugins.module_utils import _bundle, _oss, _publishing
from ansible_collections.alicloud.ehpc.plugins.module_utils._arguments import SHARED_SPEC
from ansible_collections.alicloud.ehpc.plugins.module_utils._errors import OSS_HINTS, EhpcError
from ansible_collections.alicloud.ehpc.plugins.module_utils._http import USER_AGENT
from ansible_collections.alicloud.ehpc.plugins.module_utils._module import invoke
from ansible_collections.alicloud.ehpc.plugins.module_utils._post_scripts import Script
from ansible_collections.alicloud.ehpc.plugins.modules import post_scripts_publish
from ansible_collections.alicloud.ehpc.tests.emulator import Emulator
from ansible_collections.alicloud.ehpc.tests.emulator.oss_errors import ERRORS
from ansible_collections.alicloud.ehpc.tests.emulator.state import Bucket, StoredObject
from ansible_collections.alicloud.ehpc.tests.support import in_process
from ansible_collections.alicloud.ehpc.tests.support.documents import COLLECTIONS, MODULES
from ansible_collections.alicloud.ehpc.tests.support.in_process import reaching
from ansible_collections.alicloud.ehpc.tests.support.playing import ROOT
from ansible_collections.alicloud.ehpc.tests.support.raw import Raw
from ansible_collections.alicloud.ehpc.tests.support.scripted import Call, Service
from ansible_collections.alicloud.ehpc.tests.support.servers import Authority, Proxy, Server
from ansible_collections.alicloud.ehpc.tests.support.wording import is_sentence
from hypothesis import given, settings
from hypothesis import strategies as st

BUCKET = "scripts-example"
BASE = "#!/bin/sh\necho base\n"
SHA256 = hashlib.sha256(BASE.encode()).hexdigest()
KEY = f"ehpc-post-scripts/{SHA256}/base.sh"
SCRIPT: dict[str, t.Any] = {"name": "base.sh", "content": BASE}
URL = {"url": "https://scripts.example.com/monitor.sh"}
READ, WRITE = "GetObject", "PutObject"
NAME_RULE = "Set name to letters, digits, periods, underscores and hyphens."
PREFIX_RULE = "Use letters, digits, periods, underscores and hyphens, in parts separated by slashes."
BUCKET_RULE = "A bucket name has 3 to 63 lower-case letters, digits and hyphens, and neither begins nor ends with a hyphen."
FEWER = "Remove some, or publish all of them as one script: alicloud.ehpc.post_scripts_publish with bundle: true."
UNSIGNED = "Use src to publish the script, or pass the URL to alicloud.ehpc.post_scripts directly."
ENDPOINT_RULE = (
    "node_endpoint must be internal, public, or a URL with neither a user name nor a query, not %s. Set it to a value such as https://scripts.example.com."
)
INTERNAL = f"https://{BUCKET}.oss-cn-hangzhou-internal.aliyuncs.com"


@pytest.fixture
def emulator() -> Iterator[Emulator]:
    with Emulator({"buckets": [{"name": BUCKET}, {"name": "far-example", "region": "cn-shanghai"}]}) as running:
        yield running


@pytest.fixture
def bucket(emulator: Emulator) -> Bucket:
    return emulator.state.buckets[BUCKET]


@pytest.fixture
def sleeps(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The delays of the code under test, which are not slept."""
    found: list[float] = []
    monkeypatch.setattr(time, "sleep", found.append)
    return found


def publish(emulator: Emulator, *scripts: dict[str, t.Any], check_mode: bool = False, **options: t.Any) -> dict[str, t.Any]:
    """The result of the module."""
    given = {**reaching(emulator), "bucket": BUCKET, "oss_endpoint": emulator.endpoint, "scripts": list(scripts or [SCRIPT]), **options}
    return in_process.run("post_scripts_publish", given, check_mode=check_mode)


def fails(emulator: Emulator, *scripts: dict[str, t.Any], **options: t.Any) -> EhpcError:
    """The failure of the module, whose message is in sentences."""
    with pytest.raises(EhpcError) as caught:
        publish(emulator, *scripts, **options)
    assert is_sentence(str(caught.value)), str(caught.value)
    return caught.value


def failure(code: str, message: str, action: str) -> dict[str, t.Any]:
    """A failure that the module itself finds out about the object of SCRIPT."""
    words, hint = {READ: "read", WRITE: "write"}[action], OSS_HINTS[code]
    return {
        "msg": f"Cannot {words} the object {KEY} in bucket {BUCKET} in cn-hangzhou: {message} {hint}",
        "error": {"action": action, "code": code, "message": message, "http_status": None, "request_id": None, "hint": hint},
    }


# Writes


def test_new_again_and_in_check_mode(emulator: Emulator, bucket: Bucket) -> None:
    preview = publish(emulator, check_mode=True)
    assert (emulator.actions(), bucket.objects) == ([READ], {})
    first = publish(emulator)
    assert emulator.actions() == [READ, READ, WRITE, READ]
    again = publish(emulator)
    assert emulator.actions()[4:] == [READ]

    url = f"{emulator.endpoint}/{BUCKET}/{KEY}"
    header = f"objects of bucket {BUCKET} in cn-hangzhou"
    objects = {"objects": [{"key": KEY, "sha256": SHA256}]}
    expected: dict[str, t.Any] = {
        "changed": True,
        "scripts": [{"url": url, "args": "", "checksum": f"sha256:{SHA256}", "preflight": "off"}],
        "published": [{"name": "base.sh", "url": url, "key": KEY, "sha256": SHA256, "size": len(BASE), "changed": True}],
        "bucket": BUCKET,
        "region": "cn-hangzhou",
        "diff": {"before_header": header, "after_header": header, "before": {"objects": []}, "after": objects},
    }
    assert preview == first == expected
    unchanged = {"published": [{**expected["published"][0], "changed": False}], "diff": {**expected["diff"], "before": objects}}
    assert again == {**expected, **unchanged, "changed": False}
    stored = bucket.objects[KEY]
    assert (stored.content, stored.content_type, stored.headers) == (BASE.encode(), "text/x-shellscript", {"x-oss-meta-sha256": SHA256})


def test_a_mixed_list_keeps_its_order(emulator: Emulator) -> None:
    reviewed = {**URL, "args": ["-x", "a b"], "checksum": f"SHA256:{'AB' * 32}", "preflight": "warn", "name": "ignored.sh"}
    result = publish(emulator, {**SCRIPT, "args": "--mode base"}, reviewed, {**SCRIPT, "args": ["again"]}, URL, {**SCRIPT, "name": "other.sh"})
    own = {"url": f"{emulator.endpoint}/{BUCKET}/{KEY}", "checksum": f"sha256:{SHA256}", "preflight": "off"}
    assert result["scripts"] == [
        {**own, "args": "--mode base"},
        {**URL, "args": "-x 'a b'", "checksum": f"sha256:{'ab' * 32}", "preflight": "warn"},
        {**own, "args": "again"},
        {**URL, "args": "", "checksum": None},
        {**own, "args": "", "url": own["url"].replace("base.sh", "other.sh")},
    ]
    # The same name and content are one object.
    assert emulator.actions() == [READ, WRITE, READ] * 2
    in_process.run("post_scripts", {**reaching(emulator), "cluster_id": "ehpc-hz-public01", "scripts": result["scripts"][:1]}, check_mode=True)


def test_a_list_of_urls_needs_neither_a_bucket_nor_the_package(emulator: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "alibabacloud_oss_v2", None)
    for scripts, bucket in (([URL], None), ([], ""), ([URL] * 16, BUCKET)):
        result = publish(emulator, bucket=bucket, scripts=scripts)
        assert (result["changed"], result["published"], result["bucket"]) == (False, [], bucket or None)
        assert (len(result["scripts"]), result["region"]) == (len(scripts), "cn-hangzhou")
    error = fails(emulator)
    assert (error.code, error.hint) == ("MissingLibrary", "Run pip install alibabacloud-oss-v2 for the Python that runs the task.")
    assert error.message == missing_required_lib("alibabacloud-oss-v2") + "."
    assert emulator.calls == []


def test_other_modules_do_not_load_the_sdk() -> None:
    names = ", ".join(f"ansible_collections.alicloud.ehpc.plugins.modules.{name}" for name in MODULES)
    code = f"import sys, {names}; sys.exit(any(name.startswith('alibabacloud_oss') for name in sys.modules))"
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, env={"PYTHONPATH": str(COLLECTIONS)}, check=True)


@pytest.mark.parametrize(
    ("options", "url"),
    [
        ({}, INTERNAL),
        ({"node_endpoint": "internal", "prefix": "/a/b-c/"}, INTERNAL),
        ({"node_endpoint": "public"}, INTERNAL.replace("-internal", "")),
        ({"node_endpoint": "https://scripts.example.com/hpc/"}, "https://scripts.example.com/hpc"),
        ({"node_endpoint": "https://scripts.example.com/X/", "prefix": "X/"}, "https://scripts.example.com/X"),
        ({"node_endpoint": "http://10.0.0.1:8080", "oss_endpoint_type": "internal"}, "http://10.0.0.1:8080"),
        ({"node_endpoint": "", "bucket_region": "cn-shanghai"}, INTERNAL.replace("hangzhou", "shanghai")),
    ],
)
def test_urls_for_nodes(emulator: Emulator, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, options: dict[str, t.Any], url: str) -> None:
    region = options.get("bucket_region", "cn-hangzhou")
    emulator.state.buckets[BUCKET].region = region
    host = f"{BUCKET}.oss-{region}{'-internal' if 'oss_endpoint_type' in options else ''}.aliyuncs.com"
    authority = Authority(tmp_path / "authority.pem")
    with Proxy() as proxy, Emulator(tls=True, names=[host]) as secure:
        del authority
        secure.state.buckets = emulator.state.buckets
        proxy.tunnels[f"{host}:443"] = secure.port
        monkeypatch.setenv("HTTPS_PROXY", proxy.url)
        result = publish(secure, **{"oss_endpoint": "", **options})
        assert proxy.connected == [f"{host}:443"], "virtual-hosted, through the proxy, with the certificate of the private authority"
    prefix = options.get("prefix", "ehpc-post-scripts").strip("/")
    assert result["scripts"][0]["url"] == f"{url}/{prefix}/{SHA256}/base.sh"
    assert result["region"] == region


@pytest.mark.parametrize(
    ("endpoint", "is_cname", "url"),
    [
        ("https://oss-cn-hangzhou.aliyuncs.com", False, f"https://{BUCKET}.oss-cn-hangzhou.aliyuncs.com"),
        ("https://scripts.example.com", True, "https://scripts.example.com"),
        ("https://192.0.2.1:8080", False, f"https://192.0.2.1:8080/{BUCKET}"),
        ("https://192.0.2.1", True, "https://192.0.2.1"),
        ("https://[2001:db8::1]", False, f"https://[2001:db8::1]/{BUCKET}"),
        ("http://localhost:8080", False, f"http://localhost:8080/{BUCKET}"),
    ],
)
def test_the_url_of_a_bucket(endpoint: str, is_cname: bool, url: str) -> None:
    assert _oss.Address(BUCKET, "cn-hangzhou", endpoint, is_cname).url == url


def test_the_environment_names_the_endpoint_and_a_domain_of_the_bucket(emulator: Emulator, bucket: Bucket, monkeypatch: pytest.MonkeyPatch) -> None:
    local = emulator.endpoint.replace("127.0.0.1", "localhost")
    monkeypatch.setenv("ALIBABA_CLOUD_OSS_ENDPOINT", local)
    assert publish(emulator, oss_endpoint=None)["scripts"][0]["url"] == f"{local}/{BUCKET}/{KEY}"
    bucket.domains = ["localhost"]
    result = publish(emulator, oss_endpoint=None, oss_cname=True)
    assert (result["changed"], result["scripts"][0]["url"]) == (False, f"{local}/{KEY}")


def test_headers_of_new_objects(emulator: Emulator, bucket: Bucket) -> None:
    bucket.block_public_access = False
    publish(emulator, acl="public-read", server_side_encryption="KMS", server_side_encryption_key_id="key-EXAMPLE")
    stored = bucket.objects[KEY]
    assert stored.acl == "public-read"
    assert (stored.headers["x-oss-server-side-encryption"], stored.headers["x-oss-server-side-encryption-key-id"]) == ("KMS", "key-EXAMPLE")
    assert publish(emulator, acl="private")["changed"] is False
    assert bucket.objects[KEY].acl == "public-read", "an object that exists is not changed"


def test_internal_urls_in_another_region_are_warned_about(emulator: Emulator) -> None:
    own = in_process.definition("post_scripts_publish")
    shared = {**reaching(emulator), "bucket": "far-example", "oss_endpoint": emulator.endpoint, "scripts": [SCRIPT]}
    emulator.state.buckets["far-example"].region = "cn-hangzhou"
    near: dict[str, t.Any] = {"bucket_region": "cn-hangzhou", "node_endpoint": "internal"}
    assert publish(emulator, **{**near, "bucket": "far-example"})["changed"] is True
    emulator.state.buckets["far-example"].region = "cn-shanghai"
    for node_endpoint, count in (("", 0), ("public", 0), ("internal", 1)):
        far = {**shared, "bucket_region": "cn-shanghai", "node_endpoint": node_endpoint}
        validated = ArgumentSpecValidator({**SHARED_SPEC, **own.argument_spec}).validate(far)
        made = in_process.Invocation(validated.validated_parameters)
        invoke(own, made, {})
        assert len(made.warnings) == count
    assert made.warnings == [
        "The bucket is in cn-shanghai, so nodes in cn-hangzhou cannot reach its internal endpoint. Set node_endpoint to public or to a base URL."
    ]


@pytest.mark.parametrize("endpoint", [f"https://{BUCKET}.oss-cn-hangzhou.aliyuncs.com", f"http://[::1]:8080/{BUCKET}", f"https://[2001:db8::1]/{BUCKET}"])
def test_what_is_sent(service: Service, endpoint: str) -> None:
    url, body = f"{endpoint}/{KEY}", b"<Error><Code>NoSuchKey</Code></Error>"
    service.expects(Call(READ, Url=url, status=404, body=body), Call(WRITE, Url=url), Call(READ, Url=url, body=BASE.encode()))
    given = endpoint.rpartition("/")[0] if "[" in endpoint else ""
    service.run(post_scripts_publish, bucket=BUCKET, scripts=[dict(SCRIPT)], oss_endpoint=given)
    headers = {name.lower(): value for name, value in service.seen[1].headers.items()}
    assert headers["content-md5"] == base64.b64encode(hashlib.md5(BASE.encode()).digest()).decode()
    assert (headers["content-type"], headers["x-oss-forbid-overwrite"]) == ("text/x-shellscript", "true")
    assert headers["user-agent"].endswith(f"/{USER_AGENT}")
    assert not {"x-oss-object-acl", "x-oss-server-side-encryption"} & set(headers)
    assert all(seen.headers["Accept-Encoding"] == "identity" for seen in service.seen)


def test_a_machine_that_forbids_md5(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    def forbidden(_content: bytes) -> t.Any:
        raise ValueError

    monkeypatch.setattr(hashlib, "md5", forbidden)
    url, body = f"https://{BUCKET}.oss-cn-hangzhou.aliyuncs.com/{KEY}", b"<Error><Code>NoSuchKey</Code></Error>"
    service.expects(Call(READ, Url=url, status=404, body=body), Call(WRITE, Url=url), Call(READ, Url=url, body=BASE.encode()))
    assert service.run(post_scripts_publish, bucket=BUCKET, scripts=[dict(SCRIPT)])["changed"] is True
    assert "Content-MD5" not in service.seen[1].headers


# Bundles


def test_the_content_of_a_bundle(monkeypatch: pytest.MonkeyPatch) -> None:
    where = _publishing.Destination(_oss.Address(BUCKET, "cn-hangzhou", "https://oss-cn-hangzhou.aliyuncs.com"), "prefix", INTERNAL)
    found = _publishing.entries({"scripts": [{**SCRIPT, "args": ["a b"]}, dict(URL), {**URL, "name": "b.sh", "args": "-x", "checksum": f"sha256:{SHA256}"}]})
    assert found == [
        _publishing.Entry("base.sh", Script("", "'a b'"), BASE.encode()),
        _publishing.Entry("", Script(URL["url"])),
        _publishing.Entry("b.sh", Script(URL["url"], "-x")),
    ]
    assert [entry.script.checksum for entry in found] == [None, None, SHA256]
    parts = [_bundle.Entry(entry.name, entry.script.args, entry.content, entry.script.url, entry.script.checksum or "") for entry in found]
    content = _bundle.bundle(parts, f"{INTERNAL}/prefix/", "/bootstrap.sh")
    # No script has a line with its own checksum.
    assert f"\nEND_{SHA256}\n".encode() in content
    monkeypatch.setattr(_publishing, "MAX_BYTES", len(content))
    assert _publishing.bundled(where, None, found) == _publishing.Entry("bootstrap.sh", Script(""), content)
    monkeypatch.setattr(_publishing, "MAX_BYTES", len(content) - 1)
    with pytest.raises(EhpcError) as caught:
        _publishing.bundled(where, None, found)
    assert str(caught.value) == f"The bundle would have {len(content)} bytes, and at most 1 MiB is accepted. Let scripts fetch large files."


def test_a_bundle_is_one_script(emulator: Emulator, bucket: Bucket) -> None:
    reviewed = {**URL, "checksum": f"sha256:{'ab' * 32}", "args": "-x", "name": "watch.sh"}
    scripts = [{**SCRIPT, "args": ["a b"]}, reviewed, {**SCRIPT, "name": "last.sh"}]
    preview, first, again = (publish(emulator, *map(dict, scripts), bundle=True, check_mode=turn == 0) for turn in range(3))
    assert emulator.actions() == [READ, READ, WRITE, READ, READ], "a converged bundle costs one read"
    assert preview == first
    ((entry), (published)) = first["scripts"][0], first["published"][0]
    assert (len(first["scripts"]), len(first["published"]), published["name"], entry["args"]) == (1, 1, "bootstrap.sh", "")
    assert entry["checksum"] == f"sha256:{published['sha256']}"
    content = bucket.objects[published["key"]].content
    assert hashlib.sha256(content).hexdigest() == published["sha256"]
    assert content.startswith(b"#!/bin/bash\n")
    for line in (f"#   01-base.sh, in this file, sha256:{SHA256}", f"#   02-watch.sh, from its URL, sha256:{'ab' * 32}", "#   03-last.sh, in this file"):
        assert f"\n{line}".encode() in content
    assert f"{emulator.endpoint}/{BUCKET}/ehpc-post-scripts/".encode() in content
    assert (first["changed"], again["changed"]) == (True, False)


def test_a_bundle_of_many_scripts_and_of_urls(emulator: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    many = publish(emulator, *({**SCRIPT, "name": f"{number}.sh"} for number in range(20)), bundle=True, bundle_name="site.sh")
    assert many["published"][0]["name"] == "site.sh"
    assert len(publish(emulator, URL, bundle=True)["published"]) == 1
    assert publish(emulator, bundle=True, scripts=[], bucket=None)["scripts"] == []


@pytest.mark.parametrize(
    ("script", "options", "message"),
    [
        (SCRIPT, {"bundle_name": "a/b"}, f"bundle_name is not valid: 'a/b'. {NAME_RULE}"),
        (SCRIPT, {"bucket": ""}, "The option bucket is required to publish scripts. Set it to the name of an OSS bucket."),
        (
            {**URL, "url": "oss://a/b"},
            {},
            'scripts[0].url is neither an HTTP(S) URL nor an absolute path, so no node can fetch it: "oss://a/b".'
            " Store the script at an HTTPS URL that the nodes can reach.",
        ),
        ({**SCRIPT, "args": "'"}, {}, "scripts[0].args has an unmatched quote or a trailing backslash. Use a list, which needs no quoting."),
    ],
)
def test_bundles_that_are_refused(emulator: Emulator, script: dict[str, t.Any], options: dict[str, t.Any], message: str) -> None:
    error = fails(emulator, script, {**script, "name": "b.sh"}, bundle=True, **options)
    assert (error.code, str(error)) == ("InvalidOptions", message)
    assert emulator.calls == []


# Comparisons


def test_another_content_is_never_overwritten(emulator: Emulator, bucket: Bucket) -> None:
    bucket.versioning = "Enabled"
    bucket.objects[KEY] = StoredObject(b"other")
    for check_mode in (True, False):
        message = f"The object exists with another content, which has sha256:{hashlib.sha256(b'other').hexdigest()} and 5 bytes."
        assert fails(emulator, check_mode=check_mode).as_failure() == failure("ContentMismatch", message, READ)
    assert bucket.objects[KEY].content == b"other"
    assert emulator.actions() == [READ, READ]


def test_a_versioned_bucket(emulator: Emulator, bucket: Bucket) -> None:
    bucket.versioning = "Suspended"
    assert [publish(emulator)["changed"] for _turn in range(2)] == [True, False]


@pytest.mark.parametrize("kind", ["lost_before", "lost_after"])
def test_a_lost_response_to_the_write(emulator: Emulator, sleeps: list[float], kind: str) -> None:
    emulator.fault(WRITE, kind=kind)
    assert publish(emulator)["changed"] is True
    # After the work, the second write gets 409 for the object of the first.
    assert emulator.actions() == [READ, WRITE, WRITE, READ]
    assert [call.code for call in emulator.calls][2] == ("FileAlreadyExists" if kind == "lost_after" else None)


def test_a_lost_response_without_a_retry(emulator: Emulator, bucket: Bucket) -> None:
    emulator.fault(WRITE, kind="lost_after")
    assert publish(emulator, api_retries=0)["changed"] is True
    bucket.objects.clear()
    emulator.fault(WRITE, kind="lost_before")
    error = fails(emulator, api_retries=0)
    assert (error.code, error.action) == ("ConnectionFailed", WRITE)
    assert emulator.actions() == [READ, WRITE, READ] * 2


@pytest.mark.parametrize("retention", [False, True])
def test_another_host_publishes_at_the_same_time(emulator: Emulator, bucket: Bucket, retention: bool) -> None:
    """Both have seen that nothing is there. The second one finds the object of the first."""
    bucket.retention = retention
    barrier = threading.Barrier(2)
    results: list[dict[str, t.Any]] = []

    def host() -> None:
        barrier.wait()
        results.append(publish(emulator, *({**SCRIPT, "name": f"{number}.sh"} for number in range(5))))

    threads = [threading.Thread(target=host) for _host in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results[0]["scripts"] == results[1]["scripts"]
    assert len(bucket.objects) == 5


@pytest.mark.parametrize("code", ["FileAlreadyExists", "FileImmutable"])
def test_an_object_that_appears_during_the_write(emulator: Emulator, bucket: Bucket, code: str) -> None:
    bucket.retention = code == "FileImmutable"
    emulator.fault(READ, code="NoSuchKey")
    bucket.objects[KEY] = StoredObject(BASE.encode())
    publish(emulator)
    assert [call.code for call in emulator.calls] == ["NoSuchKey", code, None]
    emulator.fault(READ, code="NoSuchKey")
    bucket.objects[KEY] = StoredObject(b"other")
    error = fails(emulator)
    assert (error.code, error.action) == ("ContentMismatch", WRITE)


def test_another_content_after_the_write(emulator: Emulator) -> None:
    emulator.fault(READ, code="NoSuchKey")
    emulator.fault(READ, kind="tampered")
    error = fails(emulator)
    assert (error.code, error.action, emulator.actions()) == ("ContentMismatch", WRITE, [READ, WRITE, READ])


def test_a_write_that_was_not_stored(emulator: Emulator) -> None:
    """A captive portal answers 200 with a page, which the SDK takes for success."""
    emulator.fault(WRITE, kind="html")
    assert fails(emulator).as_failure() == failure("NotStored", "OSS accepted the object, but does not return it.", WRITE)
    assert emulator.actions() == [READ, WRITE, READ]


def test_contents_that_were_changed_on_the_way(emulator: Emulator) -> None:
    emulator.fault(WRITE, kind="crc")
    assert publish(emulator)["changed"] is True, "the object itself is compared"
    emulator.fault(READ, kind="tampered")
    assert fails(emulator).code == "ContentMismatch"
    assert publish(emulator)["changed"] is False


@pytest.mark.parametrize(("kind", "size"), [("html", 42), ("empty", 0)])
def test_a_page_is_not_another_content(emulator: Emulator, kind: str, size: int) -> None:
    publish(emulator)
    emulator.fault(READ, kind=kind)
    assert fails(emulator).as_failure() == failure("InvalidAnswer", f"HTTP status 200 with a body that is not from OSS ({size} bytes).", READ)


def test_objects_that_were_written_before_a_failure_are_returned(emulator: Emulator, bucket: Bucket) -> None:
    emulator.fault(WRITE, code="InternalError", times=0)
    scripts = [{**SCRIPT, "name": f"{number}.sh"} for number in range(3)]
    bucket.objects[KEY.replace("base.sh", "2.sh")] = StoredObject(b"other")
    error = fails(emulator, *scripts)
    assert (error.code, error.action) == ("ContentMismatch", READ)
    keys = [KEY.replace("base.sh", f"{number}.sh") for number in range(2)]
    header = f"objects of bucket {BUCKET} in cn-hangzhou"
    assert error.result == {
        "changed": True,
        "published": [
            {"name": key[-4:], "url": f"{emulator.endpoint}/{BUCKET}/{key}", "key": key, "sha256": SHA256, "size": len(BASE), "changed": True} for key in keys
        ],
        "bucket": BUCKET,
        "region": "cn-hangzhou",
        "diff": {
            "before_header": header,
            "after_header": header,
            "before": {"objects": []},
            "after": {"objects": [{"key": key, "sha256": SHA256} for key in keys]},
        },
    }
    assert set(fails(emulator, *scripts).result) == set(), "nothing was written by this one"


# Failures


def test_each_code_of_oss_has_a_hint_of_its_own(emulator: Emulator, sleeps: list[float]) -> None:
    for code, (status, message) in ERRORS.items():
        if code in ("NoSuchKey", "MethodNotAllowed"):
            continue
        emulator.fault(READ, code=code)
        error = fails(emulator, api_retries=0)
        assert (error.code, error.http_status, error.message, error.action) == (code, status, message, READ)
        assert error.hint == OSS_HINTS[code]
        assert len(error.request_id or "") == 24
    assert "oss:GetObject and oss:PutObject" in OSS_HINTS["AccessDenied"]
    assert all(is_sentence(hint) for hint in OSS_HINTS.values())


def test_a_failure_names_the_object(emulator: Emulator) -> None:
    for action in (READ, WRITE):
        emulator.fault(action, code="AccessDenied")
        assert f" {KEY} in bucket {BUCKET} in cn-hangzhou" in str(fails(emulator))


def test_failures_that_are_retried(emulator: Emulator, sleeps: list[float]) -> None:
    retried = [{"code": code} for code in ("InternalError", "ServiceUnavailable", "RequestTimeout")]
    retried += [{"kind": kind} for kind in ("bad_gateway", "lost_before", "truncated")]
    for fault in retried:
        emulator.forget()
        emulator.fault(READ, **t.cast("dict[str, t.Any]", fault))
        publish(emulator, check_mode=True, api_retry_max_delay=12)
        assert emulator.actions() == [READ, READ], fault
    assert len(sleeps) == len(retried)
    assert min(sleeps) > 0
    emulator.fault(READ, code="InternalError", times=None)
    emulator.forget()
    assert fails(emulator, api_retries=2).code == "InternalError"
    assert len(emulator.calls) == 3


def test_a_request_that_timed_out_is_sent_again_at_once(service: Service) -> None:
    url = f"{INTERNAL.replace('-internal', '')}/{KEY}"
    service.expects(Call(READ, Url=url, error=requests.exceptions.ReadTimeout()), Call(READ, Url=url, body=BASE.encode()))
    assert service.run(post_scripts_publish, bucket=BUCKET, scripts=[dict(SCRIPT)])["changed"] is False
    assert service.clock.sleeps == [0.0]


@pytest.mark.parametrize(("status", "actions"), [(499, [READ, WRITE]), (500, [READ, WRITE, READ])])
def test_a_response_to_the_write_that_is_not_from_oss(emulator: Emulator, status: int, actions: list[str]) -> None:
    """A server that failed may have passed the write on, so that the object is read again."""
    emulator.fault(WRITE, kind="bad_gateway", status=status)
    error = fails(emulator, api_retries=0)
    assert (error.code, error.action, error.http_status, error.request_id) == ("InvalidAnswer", WRITE, status, None)
    assert error.message.startswith(f"HTTP status {status} with a body that is not from OSS (")
    assert emulator.actions() == actions


def test_an_error_without_a_message_and_an_id(service: Service) -> None:
    url = f"{INTERNAL.replace('-internal', '')}/{KEY}"
    service.expects(Call(READ, Url=url, status=404, body=b"<Error><Code>NoSuchBucket</Code></Error>"))
    error = service.fails(post_scripts_publish, bucket=BUCKET, scripts=[dict(SCRIPT)]).as_failure()["error"]
    assert (error["code"], error["message"], error["http_status"], error["request_id"]) == ("NoSuchBucket", "", 404, None)
    # An error without a code is not from OSS; an ID may be in a header.
    service.expects(Call(READ, Url=url, status=404, body=b"<Error><Message>None.</Message></Error>"))
    assert service.fails(post_scripts_publish, bucket=BUCKET, scripts=[dict(SCRIPT)]).code == "InvalidAnswer"
    header = {"x-oss-request-id": "EXAMPLE"}
    service.expects(Call(READ, Url=url, status=404, body=b"<Error><Code>NoSuchBucket</Code></Error>", headers=header))
    assert service.fails(post_scripts_publish, bucket=BUCKET, scripts=[dict(SCRIPT)]).request_id == "EXAMPLE"


def test_failures_that_are_not_retried(emulator: Emulator, sleeps: list[float]) -> None:
    for code in ("RequestTimeTooSkewed", "AccessDenied", "SignatureDoesNotMatch", "SecurityTokenExpired"):
        emulator.forget()
        emulator.fault(READ, code=code)
        assert fails(emulator).code == code
        assert len(emulator.calls) == 1
    with Server(lambda asked: (200, "{}")) as plain:
        assert fails(emulator, oss_endpoint=f"https://127.0.0.1:{plain.port}").code == "TlsFailed"
    error = fails(emulator, oss_endpoint="https://oss.example.invalid")
    assert (error.code, error.message) == (
        "HostNotFound",
        f"https://{BUCKET}.oss.example.invalid could not be reached: the host name cannot be resolved.",
    )
    assert sleeps == []


def test_access(emulator: Emulator, bucket: Bucket) -> None:
    emulator.deny(WRITE, code="AccessDenied")
    error = fails(emulator)
    assert (error.code, error.action) == ("AccessDenied", WRITE)
    emulator.deny(READ, code="AccessDenied")
    error = fails(emulator)
    assert (error.code, error.action) == ("AccessDenied", READ)
    emulator.state.denied.clear()
    assert fails(emulator, acl="public-read").code == "AccessDenied"
    assert fails(emulator, bucket="far-example").code == "InvalidArgument"
    assert fails(emulator, bucket="absent-example").code == "NoSuchBucket"
    bucket.kms = False
    assert fails(emulator, server_side_encryption="KMS").code == "KmsServiceNotEnabled"
    foreign = emulator.credential("stranger")
    assert fails(emulator, access_key=foreign.access_key, secret_key=foreign.secret_key).code == "AccessDenied"
    assert bucket.objects == {}


def test_temporary_credentials(emulator: Emulator) -> None:
    found = emulator.credential("temporary")
    keys: dict[str, t.Any] = {"access_key": found.access_key, "secret_key": found.secret_key, "security_token": found.security_token}
    assert publish(emulator, **keys)["changed"] is True
    found.token_expired = True
    error = fails(emulator, **keys)
    assert error.code == "SecurityTokenExpired"
    assert found.security_token not in json.dumps(error.as_failure())


def test_a_message_with_secrets_is_not_shown(emulator: Emulator) -> None:
    emulator.fault(READ, code="SignatureDoesNotMatch", message=f"no {emulator.secret_key} here")
    shown = json.dumps(fails(emulator).as_failure())
    assert emulator.secret_key not in shown


@pytest.mark.parametrize("body", ["<html>Bad gateway", "\xff\xfe", "", "<a/>", "{}"])
def test_answers_that_are_not_from_oss(emulator: Emulator, sleeps: list[float], body: str) -> None:
    with Server(lambda asked: (502, body, {"Content-Type": "application/json" if body == "{}" else "text/html", "Last-Modified": "never"})) as server:
        error = fails(emulator, oss_endpoint=server.url, api_retries=1)
        assert (error.code, error.http_status) == ("InvalidAnswer", 502)
        assert len(server.asked) == 2
    with Server(lambda asked: (200, body, {"Last-Modified": "never", "x-oss-tagging-count": "many"})) as server:
        error = fails(emulator, oss_endpoint=server.url, api_retries=1)
        assert error.code == "InvalidAnswer"


def test_an_exception_of_the_sdk_before_any_request(emulator: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_arguments: t.Any) -> None:
        raise RuntimeError("broken")

    monkeypatch.setattr("alibabacloud_oss_v2.Client.get_object", broken)
    with pytest.raises(RuntimeError, match="broken"):
        publish(emulator)


def test_keys_that_cannot_be_found(emulator: Emulator, monkeypatch: pytest.MonkeyPatch, sleeps: list[float]) -> None:
    def none(*_arguments: t.Any) -> t.Any:
        raise EhpcError("CredentialsNotFound", "No credentials found.")

    monkeypatch.setattr("ansible_collections.alicloud.ehpc.plugins.module_utils._client.Client.keys", none)
    assert fails(emulator).code == "CredentialsNotFound"
    assert (emulator.calls, sleeps) == ([], [])


def test_an_error_without_a_date(emulator: Emulator) -> None:
    def undated(connection: t.Any) -> None:
        connection.recv(65536)
        body = b"<Error><Code>NoSuchBucket</Code><Message>None.</Message></Error>"
        connection.sendall(b"HTTP/1.1 404 Not Found\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))

    with Raw(undated) as server:
        assert fails(emulator, oss_endpoint=f"http://127.0.0.1:{server.port}").code == "NoSuchBucket"


def test_the_password_of_netrc_is_not_sent(emulator: Emulator, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login user password EXAMPLE-password\n", encoding="utf-8")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    assert publish(emulator)["changed"] is True


def test_time_limits(emulator: Emulator) -> None:
    emulator.fault(READ, kind="slow", seconds=3)
    before = time.monotonic()
    error = fails(emulator, read_timeout=0.3, api_retries=0)
    assert (error.code, error.hint) == ("TimedOut", OSS_HINTS["TimedOut"])
    assert time.monotonic() - before < 3


# Refusals before any call


@pytest.mark.parametrize(
    ("script", "message"),
    [
        ({}, "scripts[1] must have exactly one of src, template, content, url, not none of them."),
        ({"content": "#!/bin/sh\n", "url": "https://x/a.sh"}, "scripts[1] must have exactly one of src, template, content, url, not content and url."),
        ({"content": "#!/bin/sh\n"}, "scripts[1] has content and no name. Set name, such as base.sh."),
        ({"name": "a.sh", "content": ""}, "scripts[1] (a.sh) is empty."),
        ({"name": "a.sh", "content": "#!" + "x" * 1024 * 1024}, "scripts[1] (a.sh) is larger than 1 MiB. Let the script fetch large files."),
        ({"name": "a.sh", "content": "echo\n"}, "scripts[1] (a.sh) does not begin with #! and an interpreter. Add a first line such as #!/bin/bash."),
        (
            {"name": "a.sh", "content": "\ufeff#!/bin/sh\n"},
            "scripts[1] (a.sh) does not begin with #! and an interpreter. Add a first line such as #!/bin/bash.",
        ),
        (
            {"name": "a.sh", "content": "#!/bin/sh\r\n"},
            "scripts[1] (a.sh) has lines that end with CRLF, so that shells cannot run it. Convert them to LF, for example with dos2unix.",
        ),
        ({"name": "a.sh", "content": "#!/bin/sh\0\n"}, "scripts[1] (a.sh) contains a NUL byte, so it is not a script. Let a script fetch binary files."),
        ({"name": "a.sh", "content": "#!\ud800"}, "scripts[1].content cannot be encoded as UTF-8."),
        ({"name": ".", "content": "#!/bin/sh\n"}, f"scripts[1] has a name that is not valid: '.'. {NAME_RULE}"),
        ({"name": "..", "content": "#!/bin/sh\n"}, f"scripts[1] has a name that is not valid: '..'. {NAME_RULE}"),
        ({"name": "a b", "content": "#!/bin/sh\n"}, f"scripts[1] has a name that is not valid: 'a b'. {NAME_RULE}"),
        ({"name": "a/b", "content": "#!/bin/sh\n"}, f"scripts[1] has a name that is not valid: 'a/b'. {NAME_RULE}"),
        ({"name": "a.sh\n", "content": "#!/bin/sh\n"}, f"scripts[1] has a name that is not valid: 'a.sh\\n'. {NAME_RULE}"),
        ({"name": "x" * 1000, "content": "#!/bin/sh\n"}, "The name of the object would have 1083 characters, and OSS accepts 1023. Shorten prefix or name."),
        (
            {**SCRIPT, "checksum": "sha256:0"},
            "scripts[1] has checksum or preflight, which are for scripts with url only. Omit them: a published script is always verified.",
        ),
        (
            {**SCRIPT, "preflight": "off"},
            "scripts[1] has checksum or preflight, which are for scripts with url only. Omit them: a published script is always verified.",
        ),
        (
            {**SCRIPT, "args": {}},
            'scripts[1].args must be a string or a list of strings, not dict. Quote words that YAML converts to another type, such as "yes" and "null".',
        ),
        (
            {**SCRIPT, "args": "https://user:pw@example.com"},
            "scripts[1].args contains a URL with a signature or a password, which no result shows. Let the script fetch secrets itself.",
        ),
        (
            {**URL, "args": "https://user:pw@example.com"},
            "scripts[1].args contains a URL with a signature or a password, which no result shows. Let the script fetch secrets itself.",
        ),
        ({"src": "a.sh"}, "scripts[1].src was not read: only the action plugin of this module reads files of the controller."),
        ({"url": "a b"}, "scripts[1].url contains whitespace or control characters: a b. Encode a space as %20."),
        (
            {"url": "https://x/a.sh", "checksum": "md5:0"},
            "scripts[1].checksum is not a valid SHA-256 checksum: md5:0. Set it to sha256: and the 64 digits that sha256sum prints, or omit it.",
        ),
        (
            {"url": "https://x/a?Signature=s&Expires=1"},
            f"scripts[1].url contains a signature or a user name, which no result shows: https://x/a?Signature=***&Expires=1. {UNSIGNED}",
        ),
        ({"url": "https://user@x/a"}, f"scripts[1].url contains a signature or a user name, which no result shows: https://***@x/a. {UNSIGNED}"),
        ({"url": "https://x/a.sh", "name": "a b"}, f"scripts[1] has a name that is not valid: 'a b'. {NAME_RULE}"),
    ],
)
def test_scripts_that_are_refused(emulator: Emulator, script: dict[str, t.Any], message: str) -> None:
    error = fails(emulator, SCRIPT, script)
    assert (error.code, str(error)) == ("InvalidOptions", message)
    assert emulator.calls == []


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"bucket": ""}, "The option bucket is required to publish scripts. Set it to the name of an OSS bucket."),
        ({"bucket": "Scripts"}, f"bucket: 'Scripts' is not a valid bucket name. {BUCKET_RULE}"),
        ({"bucket": "-a-"}, f"bucket: '-a-' is not a valid bucket name. {BUCKET_RULE}"),
        ({"bucket": "ab"}, f"bucket: 'ab' is not a valid bucket name. {BUCKET_RULE}"),
        ({"prefix": "a/../b"}, f"prefix: 'a/../b' is not valid. {PREFIX_RULE}"),
        ({"prefix": "a//b"}, f"prefix: 'a//b' is not valid. {PREFIX_RULE}"),
        ({"prefix": "ä"}, f"prefix: 'ä' is not valid. {PREFIX_RULE}"),
        ({"bucket_region": "a.b"}, "bucket_region: 'a.b' is not a valid region ID. Set it to an ID such as cn-hangzhou."),
        (
            {"oss_endpoint": "http://oss.example.com"},
            "oss_endpoint: http://oss.example.com would send signatures over plain http, which is accepted for loopback addresses only. Use https://.",
        ),
        (
            {"oss_endpoint": "https://a b"},
            "oss_endpoint: must be host[:port], or a URL with https (http for loopback only). Set it to a value such as oss-cn-hangzhou.aliyuncs.com.",
        ),
        ({"oss_endpoint": "oss.example.com/a"}, "oss_endpoint: https://oss.example.com/a has a path. Omit the path, and set prefix instead."),
        (
            {"oss_endpoint": f"{BUCKET}.oss-cn-hangzhou.aliyuncs.com"},
            f"oss_endpoint: https://{BUCKET}.oss-cn-hangzhou.aliyuncs.com begins with the name of the bucket. Omit the name: bucket contains it.",
        ),
        ({"oss_endpoint": "", "oss_cname": True}, "oss_cname requires oss_endpoint. Set oss_endpoint to the custom domain of the bucket, or omit oss_cname."),
        (
            {"node_endpoint": "vpc"},
            ENDPOINT_RULE % "vpc",
        ),
        (
            {"node_endpoint": "https://x/?a"},
            ENDPOINT_RULE % "https://x/?a",
        ),
        (
            {"node_endpoint": "https://u:p@x"},
            ENDPOINT_RULE % "https://***@x",
        ),
        (
            {"node_endpoint": "https://x\u200b.example.com"},
            ENDPOINT_RULE % "https://x\u200b.example.com",
        ),
        (
            {"node_endpoint": "https://:80"},
            ENDPOINT_RULE % "https://:80",
        ),
        (
            {"node_endpoint": "https://x y"},
            ENDPOINT_RULE % "https://x y",
        ),
        ({"server_side_encryption": "A\n"}, "server_side_encryption contains whitespace, or characters that are not ASCII."),
        ({"server_side_encryption_key_id": "k"}, "server_side_encryption_key_id requires server_side_encryption: KMS."),
        ({"scripts": [SCRIPT] * 17}, f"The list would have 17 scripts, but E-HPC stores at most 16 per cluster. {FEWER}"),
        ({"scripts": [URL] * 17}, f"The list would have 17 scripts, but E-HPC stores at most 16 per cluster. {FEWER}"),
    ],
)
def test_options_that_are_refused(emulator: Emulator, options: dict[str, t.Any], message: str) -> None:
    error = fails(emulator, **options)
    assert (error.code, str(error)) == ("InvalidOptions", message)
    assert emulator.calls == []


# Properties

NAMES = st.text(alphabet="abcXYZ019._-", min_size=1, max_size=12).filter(lambda name: name.strip("."))
CONTENTS = st.binary(max_size=200).map(lambda content: b"#!/bin/sh\n" + content.replace(b"\0", b"").replace(b"\r\n", b"\n"))
ARGS = st.lists(st.text(alphabet=st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=10), max_size=3)


def test_the_largest_script_and_the_longest_name(emulator: Emulator) -> None:
    prefix = KEY.partition("/")[0]
    name = "x" * (1023 - len(f"{prefix}/{SHA256}/"))
    result = publish(emulator, {"name": name, "content": "#!".ljust(1024 * 1024, "x"), "template": ""}, check_mode=True, prefix="")
    (entry,) = result["published"]
    assert (entry["key"].partition("/")[0], len(entry["key"]), entry["size"]) == (prefix, 1023, 1024 * 1024)


@pytest.mark.parametrize("path", ["base.sh", "/srv/site/base.sh", "site/base.sh.j2"])
def test_the_name_of_a_file(emulator: Emulator, path: str) -> None:
    (entry,) = publish(emulator, {"src": path, "content": "base64:" + base64.b64encode(BASE.encode()).decode()})["scripts"]
    assert entry["url"].endswith(f"/{hashlib.sha256(BASE.encode()).hexdigest()}/base.sh")


@settings(max_examples=25, deadline=None)
@given(scripts=st.lists(st.tuples(NAMES, CONTENTS, ARGS), min_size=1, max_size=5))
def test_published_objects_are_those_of_the_list(property_emulator: Emulator, scripts: list[tuple[str, bytes, list[str]]]) -> None:
    emulator = property_emulator
    emulator.state.buckets[BUCKET].objects.clear()
    entries = [{"src": name, "args": args, "content": "base64:" + base64.b64encode(content).decode()} for name, content, args in scripts]
    first, again = (publish(emulator, *map(dict, entries)) for _turn in range(2))
    objects = emulator.state.buckets[BUCKET].objects
    for (name, content, _args), entry in zip(scripts, first["scripts"]):
        sha256 = hashlib.sha256(content).hexdigest()
        name = name[:-3] if name.endswith(".j2") else name
        key = f"ehpc-post-scripts/{sha256}/{name}"
        assert entry["url"] == f"{emulator.endpoint}/{BUCKET}/{key}"
        assert entry["checksum"] == f"sha256:{sha256}"
        assert objects[key].content == content
    assert len(objects) == len({(name, content) for name, content, _args in scripts})
    assert (first["changed"], again["changed"], again["scripts"]) == (True, False, first["scripts"])


@pytest.fixture(scope="module")
def property_emulator() -> Iterator[Emulator]:
    with Emulator({"buckets": [{"name": BUCKET}]}) as running:
        yield running
