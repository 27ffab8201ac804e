# Copyright (c) 2026, the alicloud.ehpc contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The transport: TLS, proxies, timeouts, kept connections, retries, and the number of requests of a task."""

from __future__ import annotations

import contextlib
import hashlib
import json
import re
import shutil
import socket
import time
import typing as t
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
import yaml
from ansible_collections.alicloud.ehpc.plugins.module_utils._client import Clients
from ansible_collections.alicloud.ehpc.plugins.module_utils._errors import EhpcError
from ansible_collections.alicloud.ehpc.tests.emulator import Cluster, Emulator
from ansible_collections.alicloud.ehpc.tests.emulator.state import Bucket
from ansible_collections.alicloud.ehpc.tests.support.documents import MODULES
from ansible_collections.alicloud.ehpc.tests.support.in_process import client, reaching, run
from ansible_collections.alicloud.ehpc.tests.support.playing import ROOT, Play, task
from ansible_collections.alicloud.ehpc.tests.support.raw import Handler, Raw, asked
from ansible_collections.alicloud.ehpc.tests.support.servers import Answer, Answering, Authority, Proxy, Server
from ansible_collections.alicloud.ehpc.tests.support.uses import NEXT, RUNS
from cryptography import x509

CLUSTER = "ehpc-hz-hybrid01"
PASSWORD = "EXAMPLE p@ss/word"
QUOTED = "EXAMPLE%20p%40ss%2Fword"
READ = {"ClusterId": CLUSTER}


@pytest.fixture
def emulator() -> Iterator[Emulator]:
    """The default scenario, and a cluster of E-HPC NEXT."""
    with Emulator() as running:
        running.state.clusters[NEXT] = Cluster(id=NEXT, region="cn-hangzhou", name="next", generation="next")
        yield running


def call(options: dict[str, t.Any], action: str = "GetPostScripts") -> dict[str, t.Any]:
    """One call with a client of its own."""
    with contextlib.closing(client(options)) as made:
        return made.call(action, READ)


def fails(options: dict[str, t.Any]) -> EhpcError:
    """The failure of one call, whose message contains no internals and no secrets."""
    with pytest.raises(EhpcError) as caught:
        call(options)
    message = str(caught.value)
    assert message.startswith(f"Cannot read the post scripts of cluster {CLUSTER} in cn-hangzhou: ")
    assert not re.search(r"\?\S*=|Signature=|AccessKeyId=|object at 0x|Connection(Pool)?\(|Error\(|Traceback|Caused by", message), message
    return caught.value


def always(answer: Answer) -> Answering:
    """The same response to every request."""
    return lambda asked: answer


@pytest.fixture
def sleeps(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The delays of the code under test, which are not slept."""
    found: list[float] = []
    monkeypatch.setattr(time, "sleep", found.append)
    return found


@pytest.fixture
def secure() -> Iterator[Emulator]:
    """An emulator behind TLS."""
    with Emulator(tls=True) as running:
        yield running


# TLS


def test_https_and_the_names_of_the_service(monkeypatch: pytest.MonkeyPatch) -> None:
    ways: dict[str, dict[str, t.Any]] = {
        "ehpc.cn-hangzhou.aliyuncs.com:443": {},
        "ehpc-vpc.cn-hangzhou.aliyuncs.com:443": {"endpoint_type": "vpc"},
        "ehpc.cn-shanghai.aliyuncs.com:443": {"region": "cn-shanghai"},
        "ehpc-vpc.cn-shanghai.aliyuncs.com:443": {"region": "cn-shanghai", "endpoint_type": "vpc"},
        "ehpc.example.com:443": {"endpoint": "ehpc.example.com", "endpoint_type": "vpc"},
        "ehpc.example.com:8443": {"endpoint": "ehpc.example.com:8443"},
        "proxied.example.com:444": {"endpoint": "https://proxied.example.com:444/"},
    }
    names = sorted({way.partition(":")[0] for way in ways})
    with Emulator(tls=True, names=names) as emulator, Proxy(tunnels=dict.fromkeys(ways, emulator.port)) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", proxy.url)
        for way, options in ways.items():
            with contextlib.closing(client({**reaching(emulator), "endpoint": "", **options})) as made:
                made.call("ListRegions")
            assert proxy.connected[-1] == way
            assert emulator.sni[-1] == way.partition(":")[0]
        assert len(proxy.asked) == len(emulator.calls) == len(ways)


def test_the_server_name_is_sent() -> None:
    with Emulator(tls=True, names=["localhost"]) as emulator:
        call(reaching(emulator))
        assert emulator.sni == ["localhost"]


def test_plain_http_is_for_loopback_only(emulator: Emulator) -> None:
    for endpoint in (f"http://127.0.0.1:{emulator.port}", f"http://localhost:{emulator.port}/", f"http://LOCALHOST:{emulator.port}"):
        call({**reaching(emulator), "endpoint": endpoint})
    assert len(emulator.calls) == 3
    for host in ("ehpc.example.com", "127.0.0.1.example.com", "localhost.example.com", "0.0.0.0", "192.0.2.1", "[2001:db8::1]", "127.1"):
        with pytest.raises(EhpcError, match="plain http.*loopback"):
            client({**reaching(emulator), "endpoint": f"http://{host}:{emulator.port}"})
    # Without a scheme it is https, on loopback too.
    assert fails({**reaching(emulator), "endpoint": f"127.0.0.1:{emulator.port}"}).code == "TlsFailed"


@pytest.mark.parametrize("wrong", ["another name", "expired", "unknown authority", "no TLS"])
def test_certificates_that_are_refused_at_once(wrong: str, tmp_path: Path, sleeps: list[float]) -> None:
    authority, other = Authority(tmp_path / "authority.pem"), Authority(tmp_path / "other.pem")
    past = datetime.now(timezone.utc) - timedelta(days=1)
    context, words = {
        "another name": (authority.context("ehpc.example.com", "192.0.2.1"), "(?i)mismatch|not valid for|doesn't match"),
        "expired": (authority.context("127.0.0.1", not_after=past), "certificate has expired"),
        "unknown authority": (other.context("127.0.0.1"), "issuer certificate|self.signed certificate"),
        "no TLS": (None, "did not complete the TLS handshake: wrong version number"),
    }[wrong]
    with Server(lambda asked: (200, "{}"), context) as server:
        url = f"https://127.0.0.1:{server.port}"
        error = fails({"endpoint": url, "access_key": "EXAMPLE", "secret_key": "EXAMPLE", "region": "cn-hangzhou", "ca_path": authority.bundle})
        assert (error.code, error.http_status) == ("TlsFailed", None)
        assert error.message.startswith(f"{url} {'did not' if wrong == 'no TLS' else 'could not be trusted: '}")
        assert re.search(words, error.message), error.message
        assert "ca_path" in (error.hint or "")
        assert server.connections == 1
        assert server.asked == []
    assert sleeps == []


def alert(connection: socket.socket) -> None:
    """The fatal alert handshake_failure."""
    connection.sendall(b"\x15\x03\x03\x00\x02\x02\x28")


@pytest.mark.parametrize("says", [lambda connection: None, alert], ids=["FIN", "alert"])
def test_a_connection_that_is_closed_in_the_handshake(says: Handler, sleeps: list[float]) -> None:
    def handle(connection: socket.socket) -> None:
        connection.recv(65536)
        says(connection)

    with Raw(handle) as server:
        url = f"https://127.0.0.1:{server.port}"
        error = fails({"endpoint": url, "access_key": "EXAMPLE", "secret_key": "EXAMPLE", "region": "cn-hangzhou", "api_retries": 2})
        assert server.connections == 3
    assert (error.code, error.response_lost) == ("ConnectionFailed", False)
    assert error.message == f"{url} closed the connection before the request was sent."
    assert "ca_path" not in str(error)
    assert len(sleeps) == 2


def test_a_write_whose_handshake_failed_is_not_read_back(sleeps: list[float]) -> None:
    reads: list[str] = []

    def is_applied() -> bool:
        reads.append("read")
        return False

    with Raw(lambda connection: connection.recv(65536)) as server:
        given = {"endpoint": f"https://127.0.0.1:{server.port}", "access_key": "EXAMPLE", "secret_key": "EXAMPLE", "region": "cn-hangzhou"}
        with contextlib.closing(client({**given, "api_retries": 1})) as made, pytest.raises(EhpcError, match="before the request was sent"):
            made.call("SetPostScripts", READ, is_applied=is_applied)
    assert reads == []


def test_sources_of_the_authorities(secure: Emulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    right, wrong = str(secure.ca_path), Authority(tmp_path / "wrong.pem").bundle
    options = reaching(secure, ca_path="")
    assert fails(options).code == "TlsFailed"
    for option, first, second in ((right, wrong, wrong), ("", right, wrong), ("", "", right)):
        monkeypatch.setenv("ALIBABA_CLOUD_CA_BUNDLE", first)
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", second)
        call({**options, "ca_path": option})
    for option, first, second in ((wrong, right, right), ("", wrong, right), ("", "", wrong)):
        monkeypatch.setenv("ALIBABA_CLOUD_CA_BUNDLE", first)
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", second)
        assert fails({**options, "ca_path": option}).code == "TlsFailed"
    # Without verification, no bundle matters.
    call({**options, "validate_certs": False})
    assert len(secure.calls) == 4


def subject_hash(path: Path) -> str:
    """The file name that OpenSSL expects for an authority: a hash of its name, in lower case and without its outermost tag and length."""
    subject = x509.load_pem_x509_certificate(path.read_bytes()).subject
    parts = [x509.Name([x509.NameAttribute(part.oid, str(part.value).lower())]).public_bytes()[2:] for part in subject]
    return hashlib.sha1(b"".join(parts)).digest()[3::-1].hex()


def test_a_directory_of_authorities(secure: Emulator, tmp_path: Path) -> None:
    bundle = Path(str(secure.ca_path))
    shutil.copy(bundle, tmp_path / f"{subject_hash(bundle)}.0")
    call(reaching(secure, ca_path=str(tmp_path)))


def test_no_verification_is_warned_about_once(tmp_path: Path, secure: Emulator, in_process: bool | None) -> None:
    options = {"cluster_id": CLUSTER, "validate_certs": False, "ca_path": ""}
    tasks = [
        task("one", "post_scripts_info", **options),
        task("writes", "post_scripts", scripts=[{"url": "https://example.com/new.sh"}], **options),
        task("loops", "post_scripts_info", **options) | {"loop": [1, 2, 3]},
        task("verifies", "post_scripts_info", cluster_id=CLUSTER),
    ]
    ran = Play(tmp_path, secure, in_process)(tasks)
    for result in [ran["one"], ran["writes"], *ran.items("loops")]:
        assert len(result.warnings) == 1, result.warnings
        assert "validate_certs is false" in result.warnings[0]
    assert ran["verifies"].warnings == []
    assert "InsecureRequestWarning" not in ran.everything()
    assert len(secure.calls) == 1 + 3 + 3 + 1


# Connections


def test_the_connection_is_kept(emulator: Emulator) -> None:
    with contextlib.closing(client(reaching(emulator))) as made:
        for _turn in range(3):
            made.call("GetPostScripts", READ)
        with pytest.raises(EhpcError, match="ClusterNotFound"):
            made.call("GetPostScripts", {"ClusterId": "ehpc-hz-absent"})
        emulator.fault(code="Throttling.User")
        made.call("GetPostScripts", READ)
    assert emulator.connections == 1
    assert len(emulator.calls) == 6


def test_equal_tasks_share_a_connection_and_others_do_not(emulator: Emulator) -> None:
    clients: Clients = {}
    options = reaching(emulator)
    for module in MODULES:
        run(module, {**options, **with_bucket(RUNS[module][0][0], emulator)}, clients=clients)
    assert emulator.connections == 1
    for other in ({"region": "cn-shanghai"}, {"read_timeout": 7}, {"validate_certs": False}, {"secret_key": "EXAMPLE-other"}):
        with contextlib.suppress(EhpcError):
            run("region_info", {**options, **other}, clients=clients)
    assert emulator.connections == 5
    for used in clients.values():
        used.close()


def test_a_kept_connection_that_was_closed_meanwhile() -> None:
    with Emulator() as emulator:
        made = client(reaching(emulator, api_retries=0))
        made.call("GetPostScripts", READ)
    with Emulator(port=emulator.port) as restarted, contextlib.closing(made):
        made.call("GetPostScripts", READ)
        assert len(restarted.calls) == 1


def test_a_connection_whose_second_request_is_always_dropped(sleeps: list[float]) -> None:
    stored: list[str] = []

    def handle(connection: socket.socket) -> None:
        request = asked(connection)
        if "Action=SetPostScripts" in request:
            stored.append("https://example.com/new.sh")
        body = json.dumps({"RequestId": "REQUEST", "PostInstallScripts": [{"Url": url, "Args": ""} for url in stored]})
        connection.sendall(f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode())
        asked(connection)

    with Raw(handle) as server:
        options = {"endpoint": f"http://127.0.0.1:{server.port}", "access_key": "EXAMPLE", "secret_key": "EXAMPLE", "region": "cn-hangzhou"}
        result = run("post_scripts", {**options, "cluster_id": CLUSTER, "scripts": [{"url": "https://example.com/new.sh"}], "preflight": "off"})
    assert result["changed"]
    assert stored == ["https://example.com/new.sh"]


def test_a_request_that_is_too_long(sleeps: list[float]) -> None:
    with Server(always((414, "<html>Request-URI Too Large</html>"))) as server:
        error = fails({"endpoint": server.url, "access_key": "EXAMPLE", "secret_key": "EXAMPLE", "region": "cn-hangzhou"})
        (asked_for,) = server.asked
    assert (error.code, error.http_status) == ("RequestTooLong", 414)
    assert f"its URL has {len(server.url + asked_for.target)} characters" in error.message
    assert sleeps == []


def test_a_password_in_netrc_stays_there(emulator: Emulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    netrc = tmp_path / ".netrc"
    netrc.write_text("machine 127.0.0.1 login user password EXAMPLE-password\ndefault login user password EXAMPLE-password\n", encoding="utf-8")
    netrc.chmod(0o600)
    monkeypatch.setenv("HOME", str(tmp_path))
    call(reaching(emulator))
    monkeypatch.setenv("NETRC", str(netrc))
    call(reaching(emulator))
    assert ["authorization" in made.headers for made in emulator.calls] == [False, False]


# Proxies


def test_proxies_of_the_environment(emulator: Emulator, secure: Emulator) -> None:
    plain, tunnelled = reaching(emulator), reaching(secure)
    cases: list[tuple[dict[str, t.Any], dict[str, str], bool]] = [
        (plain, {"HTTP_PROXY": "PROXY"}, True),
        (plain, {"http_proxy": "PROXY"}, True),
        (plain, {"ALL_PROXY": "PROXY"}, True),
        (plain, {"HTTPS_PROXY": "PROXY"}, False),
        (plain, {"HTTP_PROXY": "PROXY", "NO_PROXY": "127.0.0.1"}, False),
        (plain, {"HTTP_PROXY": "PROXY", "no_proxy": "localhost,127.0.0.1"}, False),
        (plain, {"HTTP_PROXY": "PROXY", "NO_PROXY": "example.com"}, True),
        (plain, {"HTTP_PROXY": "PROXY", "NO_PROXY": "*"}, False),
        (tunnelled, {"HTTPS_PROXY": "PROXY"}, True),
        (tunnelled, {"https_proxy": "PROXY"}, True),
        (tunnelled, {"HTTP_PROXY": "PROXY"}, False),
        (tunnelled, {"HTTPS_PROXY": "PROXY", "NO_PROXY": "127.0.0.1"}, False),
    ]
    with Proxy(tunnels={f"127.0.0.1:{secure.port}": secure.port}) as proxy:
        for options, variables, expected in cases:
            proxy.asked.clear()
            with pytest.MonkeyPatch.context() as patched:
                for name, value in variables.items():
                    patched.setenv(name, value.replace("PROXY", proxy.url))
                call(options)
            assert bool(proxy.asked) == expected, variables
    assert len(emulator.calls) + len(secure.calls) == len(cases)


def test_a_proxy_that_requires_a_password(emulator: Emulator, secure: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    with Proxy(tunnels={f"127.0.0.1:{secure.port}": secure.port}, password=PASSWORD) as proxy:
        for options in (reaching(emulator), reaching(secure)):
            for password, allowed in ((QUOTED, True), ("EXAMPLE-wrong-password", False)):
                for name in ("HTTP_PROXY", "HTTPS_PROXY"):
                    monkeypatch.setenv(name, f"http://user:{password}@127.0.0.1:{proxy.port}")
                if allowed:
                    call(options)
                    continue
                error = fails(options)
                assert "EXAMPLE-wrong" not in str(error)
                assert "proxy" in str(error)
                assert (error.code, error.http_status) == (("ProxyRefused", None) if options["ca_path"] else ("InvalidAnswer", 407))
        assert len(proxy.asked) == 4
    assert len(emulator.calls) == len(secure.calls) == 1


@pytest.mark.parametrize(("status", "code", "requests"), [(403, "ProxyRefused", 1), (407, "ProxyRefused", 1), (502, "ConnectionFailed", 3)])
def test_a_proxy_that_refuses(status: int, code: str, requests: int, monkeypatch: pytest.MonkeyPatch, sleeps: list[float]) -> None:
    def handle(connection: socket.socket) -> None:
        asked(connection)
        connection.sendall(f"HTTP/1.1 {status} No\r\nContent-Length: 0\r\n\r\n".encode())

    with Raw(handle) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", f"http://user:EXAMPLE-password@127.0.0.1:{proxy.port}")
        error = fails({"access_key": "EXAMPLE", "secret_key": "EXAMPLE", "region": "cn-hangzhou", "api_retries": 2})
        assert (error.code, error.response_lost, proxy.connections) == (code, False, requests)
        assert f"through the proxy http://***@127.0.0.1:{proxy.port} could not be reached" in error.message
        assert f"(HTTP {status})" in error.message
    assert "proxy" in (error.hint or "")


def test_a_proxy_that_cannot_be_reached(emulator: Emulator, secure: Emulator, monkeypatch: pytest.MonkeyPatch, sleeps: list[float]) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY"):
        monkeypatch.setenv(name, f"http://user:{QUOTED}@127.0.0.1:9")
    for options in (reaching(emulator, api_retries=1), reaching(secure, api_retries=1)):
        error = fails(options)
        assert error.code == "ConnectionFailed"
        assert error.message == f"{options['endpoint']} through the proxy http://***@127.0.0.1:9 refused the connection."
    assert len(sleeps) == 2


@pytest.mark.parametrize(
    ("proxy", "shown"),
    [
        ("user:PASSWORD@127.0.0.1:9", "***@127.0.0.1:9"),
        ("user:PASSWORD/#?@127.0.0.1:9", "***@127.0.0.1:9"),
        ("http://user:PASSWORD/#?@127.0.0.1:9", "http://***@127.0.0.1:9"),
        ("http://user:PASSWORD@:9", "http://***@:9"),
        ("http://user:PASSWORD@", "http://***@"),
        ("foo://user:PASSWORD@127.0.0.1:9", "foo://***@127.0.0.1:9"),
    ],
    ids=["no scheme", "no scheme, unquoted", "unquoted", "no host", "no host and no port", "unknown scheme"],
)
def test_a_proxy_that_cannot_be_used(proxy: str, shown: str, emulator: Emulator, monkeypatch: pytest.MonkeyPatch, sleeps: list[float]) -> None:
    monkeypatch.setenv("HTTP_PROXY", proxy.replace("PASSWORD", "EXAMPLE-password"))
    error = fails(reaching(emulator, api_retries=1))
    assert f"through the proxy {shown} " in error.message
    assert error.code == "InvalidAddress"
    assert sleeps == []


def test_responses_that_are_not_from_the_service(sleeps: list[float]) -> None:
    """Redirects are not followed, and JSON that is not an object is not valid."""
    options = {"access_key": "EXAMPLE", "secret_key": "EXAMPLE", "region": "cn-hangzhou"}
    answers: list[Answer] = [
        (302, '{"RequestId": "X"}', {"Location": "http://127.0.0.1:9/"}),
        (307, "", {"Location": "/elsewhere"}),
        *((status, body) for status in (200, 404) for body in ("[]", "null", '"text"', "5", "\ufeff{", "x" * 100000)),
        (204, ""),
        (401, "who are you?", {"WWW-Authenticate": "Basic"}),
    ]
    for answer in answers:
        with Server(always(answer)) as server:
            error = fails({"endpoint": server.url, **options})
            assert (error.code, error.http_status, len(server.asked)) == ("InvalidAnswer", answer[0], 1)
            assert len(error.message) < 200
    assert sleeps == []


# Timeouts


def test_connect_timeout() -> None:
    with contextlib.ExitStack() as open_sockets:
        listener = open_sockets.enter_context(contextlib.closing(socket.create_server(("127.0.0.1", 0), backlog=0)))
        address = listener.getsockname()
        # No connection is accepted, and these fill the queue, so that the kernel lets the next client wait.
        for _place in range(4):
            waiting = open_sockets.enter_context(contextlib.closing(socket.socket()))
            waiting.setblocking(False)
            waiting.connect_ex(address)
        url = f"http://127.0.0.1:{address[1]}"
        before = time.monotonic()
        error = fails({"endpoint": url, "access_key": "EXAMPLE", "secret_key": "EXAMPLE", "region": "cn-hangzhou", "connect_timeout": 0.3, "api_retries": 0})
        assert 0.3 <= time.monotonic() - before < 3
    assert (error.code, error.message) == ("TimedOut", f"{url} did not accept a connection within 0.3 seconds.")
    assert "connect_timeout" in (error.hint or "")


def test_read_timeout(emulator: Emulator) -> None:
    emulator.fault(kind="slow", seconds=3)
    before = time.monotonic()
    error = fails(reaching(emulator, read_timeout=0.3, api_retries=0))
    assert 0.3 <= time.monotonic() - before < 3
    assert (error.code, error.message) == ("TimedOut", f"{emulator.endpoint} did not send a complete response in time.")
    assert "read_timeout" in (error.hint or "")


# Retries


@pytest.mark.parametrize(("retries", "longest"), [(5, 12.0), (7, 3.0), (3, 0.2), (1, 0.0), (0, 12.0)])
def test_delays_double_up_to_the_longest(retries: int, longest: float, emulator: Emulator, sleeps: list[float]) -> None:
    emulator.fault(code="ServiceUnavailable", times=None)
    for _turn in range(2):
        assert fails(reaching(emulator, api_retries=retries, api_retry_max_delay=longest)).code == "ServiceUnavailable"
    assert len(emulator.calls) == 2 * (retries + 1)
    first, second = sleeps[:retries], sleeps[retries:]
    for delays in (first, second):
        for repeat, delay in enumerate(delays):
            full = min(longest, 0.5 * 2**repeat)
            assert full / 2 <= delay <= full
    # Two hosts that fail at the same time do not retry at the same time.
    assert first != second or not any(first)


def test_the_service_recovers(monkeypatch: pytest.MonkeyPatch) -> None:
    with Emulator() as first:
        options = reaching(first, api_retries=1)
    second = Emulator(port=first.port)
    monkeypatch.setattr(time, "sleep", lambda seconds: second.start())
    try:
        call(options)
        assert len(second.calls) == 1
    finally:
        second.stop()


def test_connections_that_are_refused(sleeps: list[float]) -> None:
    with Emulator() as emulator:
        options = reaching(emulator, api_retries=2)
    error = fails(options)
    assert (error.code, error.message) == ("ConnectionFailed", f"{options['endpoint']} refused the connection.")
    assert len(sleeps) == 2


def test_names_that_cannot_be_resolved(monkeypatch: pytest.MonkeyPatch, sleeps: list[float]) -> None:
    def unknown(*_arguments: object, **_more: object) -> t.NoReturn:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    error = fails({"access_key": "EXAMPLE", "secret_key": "EXAMPLE", "region": "cn-hangzhou"})
    assert (error.code, error.message) == ("HostNotFound", "https://ehpc.cn-hangzhou.aliyuncs.com could not be reached: the host name cannot be resolved.")
    assert sleeps == []


@pytest.mark.parametrize(
    "fault",
    [
        {"code": "InvalidParams"},
        {"code": "ClusterNotFound"},
        {"code": "InvalidClusterStatus"},
        {"code": "ManagerNotFound"},
        {"code": "ExecFail"},
        {"code": "AgentError.Account.GetUserListFailure"},
        {"code": "NotAuthorized"},
        {"code": "Forbidden.RAM"},
        {"code": "SignatureDoesNotMatch"},
        {"code": "SignatureNonceUsed"},
        {"code": "InvalidSecurityToken.Expired"},
        {"code": "Whatever", "status": 500},
        {"kind": "empty"},
        {"kind": "html"},
        {"kind": "truncated_json"},
        {"kind": "bad_gateway", "status": 404},
    ],
    ids=str,
)
def test_every_other_response_fails_at_once(fault: dict[str, t.Any], emulator: Emulator, sleeps: list[float]) -> None:
    emulator.fault(**fault)
    error = fails(reaching(emulator))
    assert error.code == fault.get("code", "InvalidAnswer")
    assert len(emulator.calls) == 1
    assert sleeps == []


# Requests


def test_the_user_agent(emulator: Emulator) -> None:
    version = yaml.safe_load((ROOT / "galaxy.yml").read_text(encoding="utf-8"))["version"]
    for module in MODULES:
        run(module, {**reaching(emulator), **with_bucket(RUNS[module][0][0], emulator)})
    agents = {made.user_agent for made in emulator.calls}
    # The SDK of OSS puts its own name before it.
    assert {re.sub(r"^alibabacloud-python-sdk-v2/\S+ \(.*\)/", "", agent) for agent in agents} == {f"ansible-alicloud.ehpc/{version}"}
    assert len(agents) == 2


def with_bucket(options: dict[str, t.Any], emulator: Emulator) -> dict[str, t.Any]:
    """The options with the address of their bucket, which exists then."""
    if "bucket" not in options:
        return options
    emulator.state.buckets.setdefault(options["bucket"], Bucket(options["bucket"]))
    return {**options, "oss_endpoint": emulator.endpoint}


@pytest.mark.parametrize("module", MODULES)
def test_no_unnecessary_calls(module: str, emulator: Emulator) -> None:
    for options, check_mode, expected in RUNS[module]:
        emulator.forget()
        run(module, {**reaching(emulator), **with_bucket(options, emulator)}, check_mode=check_mode)
        assert emulator.actions() == expected, options
        assert emulator.connections == bool(expected)
