# Copyright (c) 2026, the alicloud.ehpc contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The preflight of post_scripts: real requests over TLS, also to hosts that misbehave."""

from __future__ import annotations

import errno
import gzip
import hashlib
import ipaddress
import socket
import threading
import time
import typing as t
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest
import urllib3
from ansible_collections.alicloud.ehpc.plugins.module_utils import _fetch
from ansible_collections.alicloud.ehpc.plugins.modules import post_scripts, post_scripts_run
from ansible_collections.alicloud.ehpc.tests.support.script_server import File, ScriptServer, redirect, status
from ansible_collections.alicloud.ehpc.tests.support.scripted import SECRET_KEY, Service
from ansible_collections.alicloud.ehpc.tests.support.words import BASE, CLUSTER, read, script, write

GOOD = b'#!/bin/bash\necho "$@"\n'
SUM = hashlib.sha256(GOOD).hexdigest()
OTHER_SUM = hashlib.sha256(b"").hexdigest()
MIB = 1024 * 1024
INTERNAL = "https://bucket.oss-cn-hangzhou-internal.aliyuncs.com/a.sh"
# The real clock, which the fixture `service` replaces.
now = time.monotonic


@pytest.fixture(autouse=True)
def connects(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The addresses that were connected to. Only loopback can be reached."""
    made: list[str] = []
    connect = socket.socket.connect

    def only_loopback(self: socket.socket, address: t.Any) -> None:
        made.append(address[0])
        if not ipaddress.ip_address(address[0]).is_loopback:
            raise OSError(errno.ENETUNREACH, "Network is unreachable")
        connect(self, address)

    monkeypatch.setattr(socket.socket, "connect", only_loopback)
    return made


@pytest.fixture(autouse=True)
def names(monkeypatch: pytest.MonkeyPatch) -> dict[str, list[str]]:
    """The addresses of host names other than localhost. Each lookup of a name removes its first address, except the last one."""
    known: dict[str, list[str]] = {}
    resolve = socket.getaddrinfo

    def getaddrinfo(host: str, port: t.Any, *arguments: t.Any, **options: t.Any) -> t.Any:
        if host in known:
            addresses = known[host]
            host = addresses.pop(0) if len(addresses) > 1 else addresses[0]
        elif host != "localhost":
            options["flags"] = options.get("flags", 0) | socket.AI_NUMERICHOST
        return resolve(host, port, *arguments, **options)

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    return known


@pytest.fixture
def server() -> Iterator[ScriptServer]:
    with ScriptServer({"/a.sh": GOOD}) as running:
        yield running


@pytest.fixture
def ended() -> Iterator[threading.Event]:
    """Set at the end of the test, for servers that hang until then."""
    event = threading.Event()
    yield event
    event.set()


def options(server: ScriptServer, *urls: str, **more: t.Any) -> dict[str, t.Any]:
    return {"cluster_id": CLUSTER, "scripts": [{"url": url} for url in urls], "preflight": "warn", "ca_path": server.ca_path, **more}


def check(service: Service, server: ScriptServer, *urls: str, **more: t.Any) -> list[dict[str, t.Any]]:
    """The results of the preflight in check mode, which still reports the change."""
    service.expects(read())
    result = service.run(post_scripts, check_mode=True, **options(server, *urls, **more))
    assert result["changed"]
    told = [entry for entry in result["preflight"] if entry["problems"]]
    warned = [f"Preflight of {entry['url']}: {' '.join(entry['problems'])}" for entry in told]
    assert [warning for warning in service.warnings if not warning.startswith("The post script URL")] == warned
    for entry in result["preflight"]:
        assert set(entry) == {"url", "ok", "problems", "sha256", "size"}
        assert (entry["ok"] is True) == (entry["problems"] == [])
    return t.cast("list[dict[str, t.Any]]", result["preflight"])


def problem(service: Service, server: ScriptServer, url: str, **more: t.Any) -> tuple[bool | None, str]:
    """``ok`` and the only problem of a script."""
    ((entry),) = check(service, server, url, **more)
    (text,) = entry["problems"]
    return entry["ok"], text


# Scripts with and without problems


def test_a_good_script(service: Service, server: ScriptServer) -> None:
    url = server.url("/a.sh")
    good = [{"url": url, "ok": True, "problems": [], "sha256": SUM, "size": len(GOOD)}]
    assert check(service, server, url) == good
    wanted = script(url)
    service.expects(read(), write(wanted), read(wanted))
    assert service.run(post_scripts, **options(server, url, preflight="fail"))["preflight"] == good
    assert service.warnings == []
    assert server.paths() == ["/a.sh", "/a.sh"]


PROBLEMS: dict[str, tuple[File, str]] = {
    "404": (status(404), "Not found (HTTP 404)."),
    "410": (status(410), "Not found (HTTP 410)."),
    "403": (status(403), "Access denied (HTTP 403)."),
    "401": (status(401, WWW_Authenticate="Basic"), "Access denied (HTTP 401). The object may be private, or the pre-signed URL may have expired."),
    "500": (status(500, GOOD), "Unexpected HTTP status 500."),
    "206": (status(206, GOOD), "Unexpected HTTP status 206."),
    "redirect to nowhere": (status(302), "Unexpected HTTP status 302."),
    "empty": (b"", "The file is empty."),
    "no shebang": (b"echo hello\n", "The first line does not start with #!"),
    "no type": (status(200, b"echo hello\n"), "The first line does not start with #! and an interpreter."),
    "byte order mark": (b"\xef\xbb\xbf" + GOOD, "The first line does not start with #!"),
    "CRLF": (b"#!/bin/sh\r\ntrue\r\n", "Lines end with CRLF, so that shells cannot run it. Convert them to LF, for example with dos2unix."),
    "CRLF in the middle": (b"#!/bin/sh\nif true; then\r\n:; fi\n", "Lines end with CRLF"),
    "HTML": (b"<!DOCTYPE html>\r\n<title>Sign in</title>", "The server returned a web page, probably a login page, not a script."),
    "HTML after white space": (b"\xef\xbb\xbf\r\n  <HTML lang='en'>", "The server returned a web page"),
    "HTML by its type": (status(200, b"Please sign in", content_type="text/html; charset=utf-8"), "The server returned a web page"),
    "compressed": (
        status(200, gzip.compress(GOOD), content_encoding="gzip"),
        "The server sent it compressed (gzip) although that was not requested. Nodes would store it compressed.",
    ),
    "compressed somehow": (status(200, GOOD, content_encoding="x" * 30), "The server sent it compressed (xxxxxxxxxxxxxxxxxxxx) although"),
    "too large": (GOOD.ljust(MIB + 1, b"#"), "Larger than 1 MiB, so it was not checked."),
}


@pytest.mark.parametrize(("file", "words"), PROBLEMS.values(), ids=PROBLEMS)
def test_a_problem(service: Service, server: ScriptServer, file: File, words: str) -> None:
    server.files["/bad.sh"] = file
    good, bad = server.url("/a.sh"), server.url("/bad.sh")
    first, second = check(service, server, good, bad)
    assert first["ok"] is True
    assert second["ok"] is False
    assert [text.startswith(words) for text in second["problems"]] == [True]

    service.expects(read(), write(script(good), script(bad)), read(script(good), script(bad)))
    assert service.run(post_scripts, **options(server, good, bad))["preflight"] == [first, second]

    for check_mode in (False, True):
        failure = service.fails(post_scripts, check_mode, **options(server, good, bad, preflight="fail")).as_failure()
        assert service.warnings == []
        assert failure["preflight"] == [first, second]
        assert failure["error"] == {
            "action": None,
            "code": "PreflightFailed",
            "message": f"The preflight found problems with 1 of 2 scripts, so nothing was changed. {bad}: {second['problems'][0]}",
            "http_status": None,
            "request_id": None,
            "hint": failure["error"]["hint"],
        }
        assert failure["msg"] == f"Cannot set the post scripts of cluster {CLUSTER} in cn-hangzhou: " + "%(message)s %(hint)s" % failure["error"]


FINE: dict[str, File] = {
    "as large as may be": GOOD.ljust(MIB, b"#"),
    "one line": b"#!/bin/sh",
    "an archive behind it": GOOD + b"\x1f\x8b\x08\x00\r\n\xff",
    "taken for a page": status(200, GOOD, content_type="text/html"),
    "identity": status(200, GOOD, content_encoding="identity"),
}


@pytest.mark.parametrize("file", FINE.values(), ids=FINE)
def test_no_problem(service: Service, server: ScriptServer, file: File) -> None:
    server.files["/a.sh"] = file
    assert [entry["problems"] for entry in check(service, server, server.url("/a.sh"))] == [[]]


def test_several_problems_of_one_script(service: Service, server: ScriptServer) -> None:
    server.files["/a.sh"] = b"echo\r\n"
    (entry,) = check(service, server, server.url("/a.sh"))
    assert [text.split()[1] for text in entry["problems"]] == ["first", "end"]
    assert (entry["sha256"], entry["size"]) == (hashlib.sha256(b"echo\r\n").hexdigest(), 6)


def test_a_failure_names_the_problems_of_all_scripts(service: Service, server: ScriptServer) -> None:
    one, other = server.url("/one.sh"), server.url("/other.sh")
    error = service.fails(post_scripts, **options(server, one, server.url("/a.sh"), other, preflight="fail"))
    assert error.message.startswith("The preflight found problems with 2 of 3 scripts")
    assert error.message.endswith(f" {one}: Not found (HTTP 404). {other}: Not found (HTTP 404).")


# Which scripts are checked


def test_off_fetches_nothing(service: Service, server: ScriptServer) -> None:
    for given in ({}, {"preflight": "off"}, {"preflight": False}):
        service.expects(read())
        result = service.run(post_scripts, check_mode=True, cluster_id=CLUSTER, scripts=[script(server.url("/a.sh"))], **given)
        assert result["preflight"] == []
    assert server.requests == []


def test_only_web_urls_are_fetched(service: Service, server: ScriptServer) -> None:
    assert check(service, server, "/opt/a.sh") == []
    service.expects(read())
    urls = ["oss://bucket/a.sh", server.url("/a.sh").replace("https", "HTTPS")]
    result = service.run(post_scripts, check_mode=True, **options(server, *urls))
    assert [entry["url"] for entry in result["preflight"]] == urls[1:]
    assert result["preflight"][0]["ok"] is True


@pytest.mark.parametrize("url", ["./base.sh", "base.sh", "ftp://scripts.example.com/base.sh", "oss://bucket/base.sh", "file:///opt/base.sh", "/"])
def test_fail_refuses_a_url_that_is_neither_a_web_url_nor_a_path(service: Service, server: ScriptServer, url: str) -> None:
    """It cannot be checked, and post_scripts_run refuses it too."""
    good, words = server.url("/a.sh"), "neither an HTTP(S) URL nor an absolute path"
    for check_mode in (False, True):
        failure = service.fails(post_scripts, check_mode, **options(server, good, url, preflight="fail")).as_failure()
        assert failure["error"]["code"] == "PreflightFailed"
        assert [entry["ok"] for entry in failure["preflight"]] == [True, None]
        assert failure["preflight"][1] == {"url": url, "ok": None, "problems": [f"Could not be checked: it is {words}."], "sha256": None, "size": None}
        assert f"1 of 2 scripts, so nothing was changed. {url}: Could not be checked" in failure["msg"]
    assert words in service.fails(post_scripts_run, cluster_id=CLUSTER, scripts=[script(url)]).message


def test_fail_accepts_paths_of_the_nodes(service: Service, server: ScriptServer) -> None:
    wanted = script("/opt/job.sh")
    service.expects(read(), write(wanted), read(wanted))
    assert service.run(post_scripts, **options(server, "/opt/job.sh", preflight="fail"))["preflight"] == []


def test_a_url_is_fetched_once(service: Service, server: ScriptServer) -> None:
    one, other = server.url("/a.sh"), server.url("/a.sh?v=2")
    results = check(service, server, one, other, one, one)
    assert [entry["url"] for entry in results] == [one, other, one, one]
    assert server.paths() == ["/a.sh", "/a.sh?v=2"]


def test_scripts_are_fetched_in_parallel(service: Service, server: ScriptServer) -> None:
    together = threading.Barrier(16)

    def wait(handler: BaseHTTPRequestHandler) -> None:
        together.wait(10)
        status(200, GOOD)(handler)

    paths = [f"/{number:02d}.sh" for number in range(16)]
    server.files = dict.fromkeys(paths, wait)
    urls = [server.url(path) for path in paths]
    results = check(service, server, *urls)
    assert [(entry["url"], entry["ok"]) for entry in results] == [(url, True) for url in urls]


def test_scripts_that_are_only_on_the_cluster_are_not_checked(service: Service, server: ScriptServer) -> None:
    url, stored = server.url("/a.sh"), script(server.url("/old.sh"))
    service.expects(read(stored), write(stored, script(url)), read(stored, script(url)))
    assert len(service.run(post_scripts, **options(server, url, purge=False))["preflight"]) == 1
    service.expects(read(stored), write(), read())
    assert service.run(post_scripts, **options(server, server.url("/old.sh"), state="absent", preflight="fail"))["preflight"] == []
    service.expects(read(stored), write(), read())
    assert service.run(post_scripts, **options(server, preflight="fail"))["preflight"] == []
    assert server.paths() == ["/a.sh"]


def test_wrong_options_are_found_before_anything_is_fetched(service: Service, server: ScriptServer) -> None:
    url = server.url("/a.sh")
    wrong: list[dict[str, t.Any]] = [
        {"scripts": [{"url": url}, {"url": ""}]},
        {"scripts": [{"url": url, "args": True}]},
        {"scripts": [{"url": url, "checksum": "md5:0"}]},
        {"scripts": [{"url": url}] * 17},
        {"scripts": [{"url": url}] * 2, "purge": False},
        {"scripts": [{"url": url, "checksum": "sha256:" + SUM}], "preflight": "off"},
    ]
    for given in wrong:
        assert service.fails(post_scripts, **options(server, **given)).code == "InvalidOptions"
    assert server.requests == []


# Checksums


@pytest.mark.parametrize("checksum", [f"sha256:{SUM}", f"SHA256:{SUM.upper()}"])
def test_a_checksum_that_matches(service: Service, server: ScriptServer, checksum: str) -> None:
    wanted = script(server.url("/a.sh"))
    service.expects(read(wanted))
    result = service.run(post_scripts, **options(server, scripts=[{**wanted, "checksum": checksum}], preflight="fail"))
    assert result["changed"] is False, "a checksum is no part of the list"
    assert result["preflight"][0]["ok"] is True
    assert result["post_scripts"] == [wanted]


@pytest.mark.parametrize("check_mode", [False, True])
@pytest.mark.parametrize("preflight", ["warn", "fail"])
def test_a_checksum_that_differs(service: Service, server: ScriptServer, preflight: str, check_mode: bool) -> None:
    server.files["/none.sh"] = status(404)
    scripts = [{"url": server.url("/a.sh"), "checksum": f"sha256:{OTHER_SUM}"}, {"url": server.url("/none.sh")}]
    failure = service.fails(post_scripts, check_mode, **options(server, scripts=scripts, preflight=preflight)).as_failure()
    differs = f"The checksum is sha256:{SUM}, not sha256:{OTHER_SUM}."
    assert failure["error"]["code"] == "PreflightFailed"
    assert differs in failure["msg"]
    assert [(entry["ok"], entry["sha256"]) for entry in failure["preflight"]] == [(False, SUM), (False, None)]
    assert failure["preflight"][0]["problems"] == [differs]
    # The problem of the other script makes the task fail with fail only.
    assert ("/none.sh" in failure["msg"]) == (preflight == "fail")


def test_a_checksum_without_a_preflight(service: Service, server: ScriptServer) -> None:
    scripts = [{"url": server.url("/a.sh")}, {"url": server.url("/a.sh"), "checksum": f"sha256:{SUM}"}]
    error = service.fails(post_scripts, cluster_id=CLUSTER, scripts=scripts)
    assert "for scripts[1]," in error.message
    assert "preflight to warn or fail" in str(error)
    service.expects(read())
    assert service.run(post_scripts, cluster_id=CLUSTER, scripts=scripts, state="absent")["changed"] is False


def test_a_script_with_a_preflight_of_its_own(service: Service, server: ScriptServer) -> None:
    server.files["/none.sh"] = status(404)
    exempt = {"url": server.url("/exempt.sh"), "checksum": f"sha256:{OTHER_SUM}", "preflight": "off"}

    assert check(service, server, scripts=[exempt, {"url": server.url("/a.sh")}])[0]["url"] == server.url("/a.sh")
    (warned,) = check(service, server, scripts=[exempt, {"url": server.url("/none.sh"), "preflight": "warn"}], preflight="fail")
    assert warned["ok"] is False
    (checked,) = check(service, server, scripts=[exempt, {"url": server.url("/a.sh"), "checksum": f"sha256:{SUM}", "preflight": "warn"}], preflight="off")
    assert checked["ok"] is True
    error = service.fails(post_scripts, **options(server, scripts=[{"url": server.url("/none.sh"), "preflight": "fail"}, exempt], preflight="off"))
    assert "problems with 1 of 1 scripts" in error.message
    # Without a preflight of its own, a checksum still asks for one.
    error = service.fails(post_scripts, **options(server, scripts=[exempt, {"url": server.url("/a.sh"), "checksum": f"sha256:{SUM}"}], preflight="off"))
    assert "for scripts[1]," in error.message
    # Without quotes, off is false in YAML; null is the task's.
    given = [{**exempt, "preflight": False}, {**exempt, "url": server.url("/a.sh"), "checksum": None, "preflight": None}]
    assert len(check(service, server, scripts=given)) == 1
    error = service.fails(post_scripts, **options(server, scripts=[{**exempt, "preflight": "always"}]))
    assert error.message == "scripts[0].preflight must be off, warn or fail, not always."
    assert "/exempt.sh" not in server.paths()


def test_a_url_with_two_checksums(service: Service, server: ScriptServer) -> None:
    scripts = [{"url": server.url("/a.sh"), "checksum": f"sha256:{checksum}"} for checksum in (SUM, OTHER_SUM)]
    failure = service.fails(post_scripts, **options(server, scripts=scripts)).as_failure()
    assert [entry["ok"] for entry in failure["preflight"]] == [True, False]
    assert server.paths() == ["/a.sh"]


@pytest.mark.parametrize("file", [GOOD.ljust(MIB + 1, b"#"), b"", status(200, b"<html>")], ids=["too large", "empty", "HTML"])
def test_any_other_content_than_the_reviewed_one_fails(service: Service, server: ScriptServer, file: File) -> None:
    server.files["/a.sh"] = file
    scripts = [{"url": server.url("/a.sh"), "checksum": f"sha256:{SUM}"}]
    assert service.fails(post_scripts, **options(server, scripts=scripts)).code == "PreflightFailed"


@pytest.mark.parametrize(("path", "ok"), [("/none.sh", False), ("/opt/a.sh", None)])
def test_a_checksum_of_a_script_that_cannot_be_fetched(service: Service, server: ScriptServer, path: str, ok: bool | None) -> None:
    """Nothing differs from the checksum, so only the mode decides whether the task fails."""
    url = path if ok is None else server.url(path)
    scripts = [{"url": url, "checksum": f"sha256:{SUM}"}]
    (entry,) = check(service, server, scripts=scripts)
    assert (entry["ok"], entry["sha256"], entry["size"]) == (ok, None, None)
    assert entry["problems"] == ["The checksum cannot be compared from here: only HTTP(S) URLs are fetched." if ok is None else "Not found (HTTP 404)."]
    assert service.fails(post_scripts, **options(server, scripts=scripts, preflight="fail")).code == "PreflightFailed"


# Redirects


def test_redirects_are_followed(service: Service, server: ScriptServer) -> None:
    server.files |= {f"/{number}": redirect(f"{number + 1}", code) for number, code in enumerate((301, 302, 303, 307), 1)}
    server.files["/5"] = redirect(server.url("/a.sh?x=y", "localhost"), 308)
    (entry,) = check(service, server, server.url("/1"))
    assert (entry["url"], entry["ok"], entry["sha256"]) == (server.url("/1"), True, SUM)
    assert server.paths() == ["/1", "/2", "/3", "/4", "/5", "/a.sh?x=y"]


def test_redirects_are_limited(service: Service, server: ScriptServer) -> None:
    server.files["/loop"] = redirect("/loop")
    assert problem(service, server, server.url("/loop")) == (False, "Redirected more than 5 times.")
    assert len(server.requests) == 6


def test_the_body_of_a_redirect_is_not_read(service: Service, server: ScriptServer) -> None:
    sent: list[int] = []

    def flood(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(302)
        handler.send_header("Location", "/a.sh")
        handler.send_header("Content-Length", str(2 << 30))
        handler.end_headers()
        while len(sent) < 32 * 1024:
            handler.wfile.write(b"#" * 65536)
            sent.append(65536)

    server.files["/b.sh"] = flood
    assert check(service, server, server.url("/b.sh"))[0]["ok"] is True
    assert sum(sent) < 32 * MIB


@pytest.mark.parametrize("tls", [True, False])
def test_redirects_to_plain_http_are_not_followed(service: Service, server: ScriptServer, tls: bool) -> None:
    with ScriptServer({"/a.sh": GOOD}, tls=False) as plain:
        (server if tls else plain).files["/b.sh"] = redirect(plain.url("/a.sh?token=EXAMPLEtoken"))
        ok, text = problem(service, server, (server if tls else plain).url("/b.sh"))
        assert ok is False
        assert text == f"Redirected to http://127.0.0.1:{plain.port}, but redirects are followed to HTTPS only."
        assert plain.paths() == ([] if tls else ["/b.sh"])


def test_plain_http_is_fetched_and_may_redirect_to_https(service: Service, server: ScriptServer) -> None:
    with ScriptServer({"/a.sh": GOOD, "/b.sh": redirect(server.url("/a.sh"))}, tls=False) as plain:
        results = check(service, server, plain.url("/a.sh"), plain.url("/b.sh"))
    assert [entry["ok"] for entry in results] == [True, True]


@pytest.mark.parametrize(
    ("target", "words"),
    [
        ("file:///etc/passwd", "The URL has no host."),
        ("ftp://127.0.0.1/a.sh", "Redirected to ftp://127.0.0.1, but redirects are followed to HTTPS only."),
        ("https://", "Redirected more than 5 times."),
        ("https://[", "Redirected to a URL that is not valid."),
        ("//", "Redirected more than 5 times."),
        ("https://a b/", "The URL is not valid."),
        ("https://\xff.example/", "Redirected to a URL that is not valid."),
        ("\xff", "Redirected to a URL that is not valid."),
    ],
)
def test_redirects_to_urls_that_are_not_valid(service: Service, server: ScriptServer, target: str, words: str) -> None:
    server.files["/b.sh"] = redirect(target)
    ok, text = problem(service, server, server.url("/b.sh"))
    assert ok is False
    assert text == words


# The metadata service

METADATA = [
    "100.100.100.200",
    "169.254.169.254",
    "169.254.0.1",
    "1684301000",
    "0x646464c8",
    "0x64.100.0144.200",
    "100.100.25800",
    "[::ffff:100.100.100.200]",
    "[::ffff:6464:64c8]",
    "[::100.100.100.200]",
    "[64:ff9b::6464:64c8]",
    "[2002:6464:64c8::1]",
    "[fd00:ec2::254]",
    "[fe80::1]",
]
REFUSED = "The URL leads to a link-local address or a metadata service, which is never contacted."


@pytest.mark.parametrize("host", METADATA)
def test_no_request_to_the_metadata_service(service: Service, server: ScriptServer, host: str, connects: list[str]) -> None:
    server.files["/b.sh"] = redirect(f"https://{host}/latest/meta-data/ram/security-credentials/")
    assert problem(service, server, server.url("/b.sh")) == (False, REFUSED)
    assert connects == ["127.0.0.1"]
    for scheme in ("http", "https"):
        assert problem(service, server, f"{scheme}://{host}/latest/meta-data/") == (False, REFUSED)
    assert connects == ["127.0.0.1"]


@pytest.mark.parametrize("address", ["100.100.100.200", "::ffff:100.100.100.200", "fe80::1"])
def test_no_metadata_by_a_name(service: Service, server: ScriptServer, address: str, names: dict[str, list[str]], connects: list[str]) -> None:
    names["metadata.example.com"] = [address]
    assert problem(service, server, "http://metadata.example.com/") == (False, REFUSED)
    assert connects == []


def test_no_metadata_by_a_name_with_two_addresses(service: Service, server: ScriptServer, monkeypatch: pytest.MonkeyPatch, connects: list[str]) -> None:
    two = [(family, socket.SOCK_STREAM, 6, "", (address, 80)) for family, address in ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET, "100.100.100.200"))]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_arguments, **_options: two)
    assert problem(service, server, "http://metadata.example.com/") == (False, REFUSED)
    assert connects == []


@pytest.mark.parametrize("tls", [True, False])
def test_no_metadata_by_a_name_that_changes_its_address(
    service: Service, server: ScriptServer, tls: bool, names: dict[str, list[str]], connects: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The name resolves to another address when the connection is made. Here loopback stands for the metadata service."""
    monkeypatch.setattr(_fetch, "_METADATA", [ipaddress.ip_network("127.0.0.1/32")])
    with ScriptServer({"/a.sh": GOOD}, tls=tls, names=["changes.example.com"]) as other:
        names["changes.example.com"] = ["192.0.2.1", "127.0.0.1"]
        ca_path = other.ca_path if tls else server.ca_path
        assert problem(service, server, other.url("/a.sh", "changes.example.com"), ca_path=ca_path) == (False, REFUSED)
        assert connects == ["127.0.0.1"]
        assert other.requests == []


# Hosts that cannot be reached


def test_refused(service: Service, server: ScriptServer) -> None:
    with ScriptServer() as gone:
        url = gone.url("/a.sh")
    ok, text = problem(service, server, url)
    assert ok is None
    assert text == f"Could not be checked: {url[: -len('/a.sh')]} refused the connection. Nodes may still be able to fetch it."


def test_a_host_that_does_not_accept_connections(service: Service, server: ScriptServer, monkeypatch: pytest.MonkeyPatch) -> None:
    def connect(_self: socket.socket, _address: t.Any) -> None:
        raise TimeoutError("timed out")

    monkeypatch.setattr(socket.socket, "connect", connect)
    assert problem(service, server, "https://127.0.0.1/a.sh", connect_timeout=7) == (
        None,
        "Could not be checked: https://127.0.0.1 did not accept a connection within 7 seconds. Nodes may still be able to fetch it.",
    )


@pytest.mark.parametrize(
    ("url", "addresses", "reason"),
    [
        (INTERNAL, None, "could not be reached: the host name cannot be resolved."),
        (INTERNAL, ["100.118.28.50"], "could not be reached."),
        ("http://vpc100-oss-cn-hangzhou.aliyuncs.com/bucket/a.sh", None, "could not be reached: the host name cannot be resolved."),
        ("https://scripts.example.com/a.sh", ["10.0.0.1"], "could not be reached."),
        ("https://192.168.0.1/a.sh", None, "could not be reached."),
        ("https://[fd00::1]/a.sh", None, "could not be reached."),
    ],
)
def test_addresses_inside_a_vpc(
    service: Service, server: ScriptServer, url: str, addresses: list[str] | None, reason: str, names: dict[str, list[str]]
) -> None:
    if addresses:
        names[url.split("/")[2]] = addresses
    ok, text = problem(service, server, url)
    assert ok is None
    origin = "/".join(url.split("/")[:3])
    assert text == (
        f"Could not be checked: {origin} {reason} The address belongs to a private network, which the host that runs the task may not reach."
        " Nodes may still be able to fetch it."
    )
    error = service.fails(post_scripts, **options(server, url, preflight="fail"))
    assert text in error.message
    assert "inside their VPC" in str(error.hint)
    assert error.as_failure()["preflight"][0]["ok"] is None


@pytest.mark.parametrize("url", [BASE, "https://scripts.example.com./a.sh", "https://" + "a" * 64 + ".example.com/", "https://a..example.com/"])
def test_names_that_do_not_exist(service: Service, server: ScriptServer, url: str) -> None:
    ok, text = problem(service, server, url)
    assert ok is None
    assert "private network" not in text


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("https://", "The URL has no host."),
        ("https:///a.sh", "The URL has no host."),
        ("https://127.0.0.1:port/", "The URL is not valid."),
        ("https://127.0.0.1:99999/", "The URL is not valid."),
        ("https://[::1/", "The URL is not valid."),
        ("https://\\@example.com/", "The URL has no host."),
    ],
)
def test_urls_that_are_not_valid(service: Service, server: ScriptServer, url: str, words: str) -> None:
    assert problem(service, server, url) == (False, words)


def test_certificates_are_verified(service: Service, server: ScriptServer) -> None:
    with ScriptServer({"/a.sh": GOOD}) as other, ScriptServer({"/a.sh": GOOD}, names=["scripts.example.com"]) as named:
        for stranger, ca_path in ((other, server.ca_path), (named, named.ca_path), (other, "")):
            ok, text = problem(service, server, stranger.url("/a.sh"), ca_path=ca_path)
            assert ok is None
            assert "could not be trusted: " in text
            assert stranger.requests == []
        assert check(service, server, other.url("/a.sh"), ca_path="", validate_certs=False)[0]["ok"] is True


# Hosts that misbehave


# A handshake may take a while on a busy machine.
QUICK = {"connect_timeout": 5, "read_timeout": 0.5}


def fast(service: Service, server: ScriptServer, url: str, **timeouts: float) -> tuple[bool | None, str]:
    """``ok`` and the problem of a script whose host never finishes."""
    before = now()
    found = problem(service, server, url, **{**QUICK, **timeouts})
    assert now() - before < 10
    return found


@pytest.mark.parametrize("after", ["", "HTTP/1.1 200 OK\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n#!/bin/sh\n"], ids=["answer", "headers", "body"])
def test_a_host_that_hangs(service: Service, server: ScriptServer, after: str, ended: threading.Event) -> None:
    def hang(handler: BaseHTTPRequestHandler) -> None:
        handler.wfile.write(after.encode())
        ended.wait(20)

    server.files["/hangs.sh"] = hang
    ok, text = fast(service, server, server.url("/hangs.sh"))
    assert ok is None
    assert "did not send a complete response in time" in text


@pytest.mark.parametrize(
    "before", ["", "HTTP/1.1 200 OK\r\nX: ", "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"]
)
def test_a_host_that_sends_single_bytes(service: Service, server: ScriptServer, before: str, ended: threading.Event) -> None:
    """Each byte arrives in time, but the response never ends."""

    def drip(handler: BaseHTTPRequestHandler) -> None:
        handler.wfile.write(before.encode())
        while not ended.wait(0.1):
            handler.wfile.write(b"1")

    server.files["/drips.sh"] = drip
    others = set(threading.enumerate())
    assert fast(service, server, server.url("/drips.sh"), connect_timeout=0.5) == (
        None,
        "Could not be checked: it did not arrive within 1 seconds. Nodes may still be able to fetch it.",
    )
    # Python does not wait for them at exit.
    assert all(thread.daemon for thread in set(threading.enumerate()) - others)


def test_a_response_after_the_deadline_is_not_read_completely(service: Service, server: ScriptServer) -> None:
    """It is reported like a response that has not arrived at all."""

    def late(handler: BaseHTTPRequestHandler) -> None:
        service.clock.now += 100
        status(200, GOOD)(handler)

    server.files["/late.sh"] = late
    assert problem(service, server, server.url("/late.sh"), connect_timeout=10, read_timeout=20) == (
        None,
        "Could not be checked: it did not arrive within 30 seconds. Nodes may still be able to fetch it.",
    )


def test_a_host_that_does_not_shake_hands(service: Service, server: ScriptServer) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        ok, _text = fast(service, server, f"https://127.0.0.1:{silent.getsockname()[1]}/a.sh")
    assert ok is None


def test_a_bad_host_does_not_affect_a_good_one(service: Service, server: ScriptServer, ended: threading.Event) -> None:
    server.files["/hangs.sh"] = lambda _handler: t.cast(None, ended.wait(20))
    results = check(service, server, server.url("/hangs.sh"), server.url("/a.sh"), **QUICK)
    assert [entry["ok"] for entry in results] == [None, True]


@pytest.mark.parametrize("announced", [True, False])
def test_a_host_that_sends_2_gib(service: Service, server: ScriptServer, announced: bool) -> None:
    sent: list[int] = []
    hung_up = threading.Event()
    piece = b"#" * 65536

    def flood(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header(*(("Content-Length", str(2 << 30)) if announced else ("Transfer-Encoding", "chunked")))
        handler.end_headers()
        try:
            while len(sent) < (2 << 30) / len(piece):
                handler.wfile.write(piece if announced else b"10000\r\n" + piece + b"\r\n")
                sent.append(len(piece))
        finally:
            hung_up.set()

    server.files["/large.sh"] = flood
    assert problem(service, server, server.url("/large.sh")) == (False, "Larger than 1 MiB, so it was not checked.")
    assert hung_up.wait(10)
    # The buffers of two sockets hold more than what was read.
    assert sum(sent) < 32 * MIB


def test_a_file_that_grows_when_it_is_unpacked(service: Service, server: ScriptServer, monkeypatch: pytest.MonkeyPatch) -> None:
    bomb = gzip.compress(b"#!/bin/sh\n" + b"#" * (64 * MIB))
    server.files["/bomb.sh"] = status(200, bomb, content_encoding="gzip")
    (entry,) = check(service, server, server.url("/bomb.sh"))
    assert (entry["ok"], entry["size"], entry["sha256"]) == (False, len(bomb), hashlib.sha256(bomb).hexdigest())
    assert server.requests[0].headers["accept-encoding"] == "identity"


def raw(answer: bytes) -> File:
    """A raw response, after which the connection is closed."""

    def send(handler: BaseHTTPRequestHandler) -> None:
        handler.wfile.write(answer)
        handler.close_connection = True

    return send


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"SSH-2.0-OpenSSH_9.6\r\n",
        b"HTTP/1.1 200 OK\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n#!/bin/sh\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n#!/bin/sh\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n64\r\n#!/bin/sh\n",
        b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 200 + b"\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"y" * 100000 + b"\r\n\r\n",
        b"HTTP/1.1 99999999999 OK\r\n\r\n",
        b"HTTP/1.1 302 Found\r\nLocation: https://\xff\xfe/\r\nContent-Length: 0\r\n\r\n",
    ],
    ids=["nothing", "another protocol", "half the headers", "half the body", "not a chunk", "half a chunk", "many headers", "long header", "status", "bytes"],
)
def test_responses_that_are_not_valid(service: Service, server: ScriptServer, answer: bytes) -> None:
    server.files["/a.sh"] = raw(answer)
    (entry,) = check(service, server, server.url("/a.sh"))
    assert entry["ok"] is not True
    # If the connection ends in the headers, the response seems complete.
    assert entry["sha256"] is None or entry["problems"] == ["The file is empty."]


def test_half_a_file_with_an_older_urllib3(service: Service, server: ScriptServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """It accepts a closed connection as the end of the file, whatever length was announced."""
    monkeypatch.setattr(urllib3.HTTPResponse, "enforce_content_length", property(lambda _answer: False, lambda _answer, _value: None), raising=False)
    server.files["/a.sh"] = raw(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n#!/bin/sh\n")
    assert problem(service, server, server.url("/a.sh")) == (
        None,
        "Could not be checked: the server sent 10 of 100 bytes. Nodes may still be able to fetch it.",
    )


@pytest.mark.parametrize("length", [b"9" * 5000, b"-1", b"x", b"10, 10"])
def test_lengths_that_are_not_valid(service: Service, server: ScriptServer, length: bytes) -> None:
    server.files["/a.sh"] = raw(b"HTTP/1.1 200 OK\r\nContent-Length: " + length + b"\r\n\r\n#!/bin/sh\n")
    check(service, server, server.url("/a.sh"))


# Secrets


def test_no_credentials_are_sent(service: Service, server: ScriptServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    netrc = tmp_path / ".netrc"
    netrc.write_text("machine 127.0.0.1 login EXAMPLEuser password EXAMPLEpw\ndefault login EXAMPLEuser password EXAMPLEpw\n", encoding="utf-8")
    netrc.chmod(0o600)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("NETRC", str(netrc))
    server.files["/cookie"] = status(302, Location="/a.sh", Set_Cookie="session=EXAMPLEcookie; Path=/")
    server.files |= {"/private": status(401, WWW_Authenticate="Basic"), "/forbidden": status(403)}
    user = server.url("/a.sh").replace("//", "//EXAMPLEuser:EXAMPLEpw@")
    private, forbidden = user.replace("/a.sh", "/private"), user.replace("/a.sh", "/forbidden")
    results = check(service, server, server.url("/a.sh"), server.url("/cookie"), user, private, user, forbidden)
    assert [entry["ok"] for entry in results] == [True, True, True, None, True, None]
    assert results[2]["url"] == server.url("/a.sh").replace("//", "//***@")
    assert results[3]["problems"] == ["Authentication required (HTTP 401). The preflight does not send the user name in the URL."]
    assert results[5]["problems"] == ["Authentication required (HTTP 403). The preflight does not send the user name in the URL."]
    assert len(server.requests) == 6
    for request in server.requests:
        assert set(request.headers) == {"host", "user-agent", "accept", "accept-encoding", "connection"}
        assert request.headers["user-agent"].startswith("ansible-alicloud.ehpc/")
        assert (request.headers["accept"], request.headers["accept-encoding"], request.headers["connection"]) == ("*/*", "identity", "close")
        for secret in ("EXAMPLEuser", "EXAMPLEpw", "EXAMPLEcookie", SECRET_KEY):
            assert secret not in str(request)


def test_signatures_are_not_shown(service: Service, server: ScriptServer, capfd: pytest.CaptureFixture[str], ended: threading.Event) -> None:
    query = "?Expires=1893456000&OSSAccessKeyId=EXAMPLEid&Signature=EXAMPLEsig%3D"
    with ScriptServer() as gone:
        refused = gone.url("/a.sh" + query)
    server.files |= {
        "/private": status(403, b"EXAMPLEsig="),
        "/cut": raw(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n#!"),
        "/hangs": lambda _handler: t.cast(None, ended.wait(20)),
        "/elsewhere": redirect(refused),
        "/plain": redirect("http://127.0.0.1/a.sh" + query),
        "/loop": redirect("/loop" + query),
        "/metadata": redirect("https://100.100.100.200/" + query),
        "/no": redirect("https://[" + query),
    }
    urls = [server.url(path + query) for path in ("/none", "/private", "/cut", "/hangs", "/elsewhere", "/plain", "/loop", "/metadata", "/no")]
    with ScriptServer() as stranger:
        urls += [refused, stranger.url("/a.sh" + query), INTERNAL + query, f"https://[{query}", f"https://EXAMPLEid:EXAMPLEsig@127.0.0.1:x/{query}"]
        service.expects(read())
        result = service.run(post_scripts, check_mode=True, **options(server, *urls, **QUICK))
        failure = service.fails(post_scripts, **options(server, *urls, **QUICK, preflight="fail")).as_failure()
    assert len(result["preflight"]) == len(failure["preflight"]) == len(urls) == 14
    assert all(entry["problems"] for entry in result["preflight"])
    assert len(server.requests) >= 9
    for seen in (str(result), str(failure), *capfd.readouterr()):
        assert "EXAMPLEsig" not in seen
        assert "EXAMPLEid" not in seen


def test_a_dead_proxy(service: Service, server: ScriptServer, monkeypatch: pytest.MonkeyPatch) -> None:
    with ScriptServer() as gone:
        monkeypatch.setenv("HTTPS_PROXY", f"http://user:EXAMPLEpw@127.0.0.1:{gone.port}")
    # The proxy may resolve the name.
    ok, text = problem(service, server, BASE)
    assert ok is None
    assert f"https://scripts.example.com through the proxy http://***@127.0.0.1:{gone.port} " in text
    assert "cannot be resolved" not in text
    assert "EXAMPLEpw" not in text


def test_a_checksum_that_is_not_valid_is_reported_with_its_cluster(service: Service) -> None:
    error = service.fails(post_scripts, cluster_id=CLUSTER, preflight="warn", scripts=[{"url": "https://scripts.example.com/a.sh", "checksum": "md5:0"}])
    assert str(error).startswith(
        f"Cannot set the post scripts of cluster {CLUSTER} in cn-hangzhou: scripts[0].checksum is not a valid SHA-256 checksum: md5:0."
    )
