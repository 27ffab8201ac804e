# Copyright (c) 2026, the alicloud.ehpc contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""_client: signing, paging, retries, and failures of every kind."""

from __future__ import annotations

import math
import random
import socket
import ssl
import typing as t
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace

import pytest
import requests
import urllib3
from ansible_collections.alicloud.ehpc.plugins.module_utils import _client
from ansible_collections.alicloud.ehpc.plugins.module_utils._client import GRACE, Clients, certificate_warning, client_for, items, poll
from ansible_collections.alicloud.ehpc.plugins.module_utils._credentials import Keys
from ansible_collections.alicloud.ehpc.plugins.module_utils._errors import RETRYABLE_CODES, EhpcError
from ansible_collections.alicloud.ehpc.plugins.module_utils._generations import NEXT
from ansible_collections.alicloud.ehpc.plugins.module_utils._version import VERSION
from ansible_collections.alicloud.ehpc.tests.emulator.signature import sign, string_to_sign
from ansible_collections.alicloud.ehpc.tests.support.scripted import ACCESS_KEY, HOST, SECRET_KEY, SHARED_OPTIONS, Call, Service, Unexpected

CLUSTER = "ehpc-hz-EXAMPLE"
READ = {"ClusterId": CLUSTER}


def fails(service: Service, *calls: Call, **options: t.Any) -> EhpcError:
    service.expects(*calls)
    with pytest.raises(EhpcError) as caught:
        service.client(**options).call("GetPostScripts", READ)
    service.done()
    return caught.value


# The request


def test_request(service: Service) -> None:
    service.expects(Call("GetPostScripts", ClusterId=CLUSTER, answer={"RequestId": "REQUEST", "PostInstallScripts": []}))
    assert service.client().call("GetPostScripts", READ) == {"RequestId": "REQUEST", "PostInstallScripts": []}
    (seen,) = service.seen
    assert seen.method == "GET"
    assert seen.url.startswith(f"https://{HOST}/?")
    assert (seen.timeout, seen.verify) == ((5, 30), True)
    headers = {
        "User-Agent": f"ansible-alicloud.ehpc/{VERSION}",
        "Accept-Encoding": "identity",
        "x-acs-action": "GetPostScripts",
        "x-acs-version": "2018-04-12",
    }
    assert {name: seen.headers.get(name) for name in headers} == headers
    assert "Authorization" not in seen.headers
    expected = {"Version": "2018-04-12", "Format": "JSON", "RegionId": "cn-hangzhou", "AccessKeyId": ACCESS_KEY}
    assert {name: seen.params[name] for name in expected} == expected
    assert "SecurityToken" not in seen.params


@pytest.mark.parametrize(("action", "method"), [("CreateUsers", "POST"), ("ListClusters", "POST"), ("ListUsers", "GET"), ("DeleteUsers", "GET")])
def test_request_to_next(service: Service, action: str, method: str) -> None:
    """Same host and signature, another version and method, lists and objects as JSON in the query, and no body."""
    users = [{"UserName": "多", "Group": "users"}]
    service.expects(Call(action, generation=NEXT, User=users, PageSize="10", EnableScaleIn=True))
    service.client().call(action, {"User": users, "PageSize": "10", "EnableScaleIn": True}, generation=NEXT)
    (seen,) = service.seen
    assert (seen.method, seen.params["Version"], seen.headers["x-acs-version"]) == (method, "2024-07-30", "2024-07-30")
    assert seen.url.startswith(f"https://{HOST}/?")
    assert (seen.params["User"], seen.params["EnableScaleIn"]) == ('[{"UserName": "多", "Group": "users"}]', "true")
    assert seen.headers.get("Content-Length", "0") == "0"


@pytest.mark.parametrize("success", [False, "false"])
def test_success_false_is_a_failure(service: Service, success: t.Any) -> None:
    service.expects(Call("UpdateUser", generation=NEXT, ClusterId=CLUSTER, answer={"RequestId": "REQUEST", "Success": success}))
    with pytest.raises(EhpcError) as caught:
        service.client().call("UpdateUser", READ, generation=NEXT)
    assert (caught.value.code, caught.value.http_status, caught.value.request_id) == ("NotSuccessful", 200, "REQUEST")
    assert caught.value.message == "E-HPC processed the request, but reports no success."


@pytest.mark.parametrize("success", [True, "true", None])
def test_success(service: Service, success: t.Any) -> None:
    service.expects(Call("UpdateUser", generation=NEXT, ClusterId=CLUSTER, answer={"Success": success}))
    assert service.client().call("UpdateUser", READ, generation=NEXT)["Success"] == success


def test_next_is_retried_and_paged_like_the_first_generation(service: Service) -> None:
    pages = [{"Clusters": [{"ClusterId": str(number)}] * 50, "TotalCount": 100, "PageNumber": str(number)} for number in (1, 2)]
    service.expects(
        Call("ListClusters", generation=NEXT, PageNumber="1", PageSize="50", answer=pages[0]),
        Call("ListClusters", generation=NEXT, PageNumber="2", PageSize="50", code="Throttling.User"),
        Call("ListClusters", generation=NEXT, PageNumber="2", PageSize="50", answer=pages[1]),
    )
    assert len(service.client().pages("ListClusters", "Clusters", "", generation=NEXT)) == 100


def test_values_that_are_hard_to_sign(service: Service) -> None:
    values: dict[str, t.Any] = {"A": "-x '1*2' ~ +", "B": "https://b/a b.sh?x=%20&y=1#z", "C": "", "D": "多\n\té", "E.1.F": "=&;,/:@!$()[]"}
    service.expects(Call("SetPostScripts", **values))
    service.client().call("SetPostScripts", values)
    assert {name: service.seen[0].params[name] for name in values} == values


def test_a_token_is_signed_and_sent(service: Service) -> None:
    service.expects(Call("ListRegions", SecurityToken="EXAMPLE+token/="))
    service.client(security_token="EXAMPLE+token/=").call("ListRegions")


def test_no_request_is_sent_twice(service: Service) -> None:
    service.expects(*[Call("ListRegions")] * 3)
    client = service.client()
    for _turn in range(3):
        client.call("ListRegions")
    assert len({seen.params["SignatureNonce"] for seen in service.seen}) == 3


def test_variables_of_the_sdk_do_not_replace_the_identity(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALIYUN_ACCESS_KEY_ID", "EXAMPLEother")
    monkeypatch.setenv("ALIYUN_ACCESS_KEY_SECRET", "EXAMPLE-other")
    service.expects(Call("ListRegions", SecurityToken="EXAMPLE-token"))
    service.client(security_token="EXAMPLE-token").call("ListRegions")
    assert service.seen[0].params["AccessKeyId"] == ACCESS_KEY


def test_a_netrc_does_not_add_a_password(service: Service, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text(f"machine {HOST} login user password EXAMPLE-password\n")
    monkeypatch.setenv("NETRC", str(netrc))
    service.expects(Call("ListRegions"))
    service.client().call("ListRegions")
    assert "Authorization" not in service.seen[0].headers


def test_options_of_the_transport(service: Service) -> None:
    service.expects(Call("ListRegions"), Call("SyncUsers"))
    client = service.client(endpoint="http://127.0.0.1:8080/ehpc/", connect_timeout=1.5, read_timeout=7, validate_certs=False)
    client.call("ListRegions")
    client.call("SyncUsers", read_timeout=300)
    assert [seen.timeout for seen in service.seen] == [(1.5, 7), (1.5, 300)]
    assert [seen.verify for seen in service.seen] == [False, False]
    assert service.seen[0].url.startswith("http://127.0.0.1:8080/ehpc/?")


def test_another_region_and_its_vpc(service: Service) -> None:
    service.expects(Call("ListRegions"))
    service.client(region="cn-shanghai", endpoint_type="vpc").call("ListRegions")
    assert service.seen[0].url.startswith("https://ehpc-vpc.cn-shanghai.aliyuncs.com/?")
    assert service.seen[0].params["RegionId"] == "cn-shanghai"


def test_the_scripted_service_knows_a_wrong_signature(service: Service) -> None:
    service.expects(Call("ListRegions"))
    with pytest.raises(Unexpected, match="wrong signature"):
        service.client(secret_key="EXAMPLE-other").call("ListRegions")


def test_vector_of_the_documentation() -> None:
    pairs = [("AccessKeyId", "testid"), ("Action", "ListRegions"), ("SignatureType", "")]
    assert string_to_sign("GET", pairs) == "GET&%2F&AccessKeyId%3Dtestid%26Action%3DListRegions%26SignatureType%3D"
    assert sign("testsecret", string_to_sign("GET", pairs)) != sign(SECRET_KEY, string_to_sign("GET", pairs))


# Pages


def users(count: int, number: int, takes: float = 0.0, **answer: t.Any) -> Call:
    page = {"Users": {"UserInfo": [{"Name": f"{number}-{item}"} for item in range(count)]}, **answer}
    return Call("ListUsers", PageNumber=str(number), PageSize="50", answer=page, takes=takes)


@pytest.mark.parametrize(
    ("calls", "total"),
    [
        ([users(0, 1, TotalCount=0)], 0),
        ([users(7, 1, TotalCount=7)], 7),
        ([users(50, 1, TotalCount=50)], 50),
        ([users(50, 1, TotalCount=68), users(18, 2, TotalCount=68)], 68),
        ([users(50, 1, TotalCount=150), users(50, 2, TotalCount=150), users(50, 3, TotalCount=150)], 150),
        ([users(50, 1, TotalCount="68"), users(18, 2, TotalCount="68")], 68),
        ([users(10, 1, TotalCount=25), users(10, 2, TotalCount=25), users(5, 3, TotalCount=25)], 25),
        ([users(50, 1, TotalCount=100), users(0, 2, TotalCount=100)], 50),
        ([users(50, 1), users(50, 2), users(3, 3)], 103),
        ([users(50, 1), users(0, 2)], 50),
        ([users(7, 1)], 7),
        ([users(50, 1, TotalCount=60), users(12, 2, TotalCount=62)], 62),
    ],
    ids=[
        "none",
        "one page",
        "one full page",
        "two pages",
        "full pages",
        "total as text",
        "shorter pages than asked for",
        "total too high",
        "no total",
        "no total, full page",
        "no total, one page",
        "more in the meantime",
    ],
)
def test_pages(service: Service, calls: list[Call], total: int) -> None:
    service.expects(*calls)
    assert len(service.client().pages("ListUsers", "Users", "UserInfo")) == total


def test_pages_keep_the_parameters(service: Service) -> None:
    service.expects(Call("ListUsers", ClusterId=CLUSTER, PageNumber="1", PageSize="100", answer={}))
    assert service.client().pages("ListUsers", "Users", "UserInfo", READ, size=100) == []


@pytest.mark.parametrize(
    ("calls", "total"),
    [
        ([users(0, 1, TotalCount=0)], 0),
        ([users(7, 1, TotalCount=7)], 7),
        ([users(50, 1, TotalCount=50)], 50),
        ([users(50, 1, TotalCount="101"), users(50, 2, TotalCount="101"), users(1, 3, TotalCount="101")], 101),
        ([users(50, 1), users(50, 2), users(3, 3)], 103),
    ],
    ids=["none", "one page", "one full page", "three pages", "no total"],
)
def test_parallel_pages(service: Service, calls: list[Call], total: int) -> None:
    service.expects(*calls)
    with ThreadPoolExecutor(max_workers=1) as executor:
        found = service.client().pages("ListUsers", "Users", "UserInfo", executor=executor)
    assert [entry["Name"] for entry in found] == [f"{number // 50 + 1}-{number % 50}" for number in range(total)]


def test_pages_that_never_end(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_client, "MAX_PAGES", 3)
    service.expects(*[users(50, number) for number in (1, 2, 3)])
    assert len(service.client().pages("ListUsers", "Users", "UserInfo")) == 150


def test_parallel_pages_that_never_end(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_client, "MAX_PAGES", 3)
    service.expects(*[users(50, number, TotalCount=10**9) for number in (1, 2, 3)])
    with ThreadPoolExecutor(max_workers=1) as executor:
        assert len(service.client().pages("ListUsers", "Users", "UserInfo", executor=executor)) == 150


def test_parallel_pages_that_are_shorter_than_requested(service: Service) -> None:
    service.expects(*[users(count, number, TotalCount=25) for number, count in ((1, 10), (2, 10), (3, 5))])
    with ThreadPoolExecutor(max_workers=1) as executor:
        assert len(service.client().pages("ListUsers", "Users", "UserInfo", executor=executor)) == 25


@pytest.mark.parametrize("parallel", [False, True])
@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        ({"TotalCount": "", "Users": {"UserInfo": []}}, "TotalCount is not a number: ''."),
        ({"TotalCount": "many", "Users": {"UserInfo": [{"Name": "a"}]}}, "TotalCount is not a number: 'many'."),
        ({"TotalCount": [1], "Users": {"UserInfo": [{"Name": "a"}]}}, "TotalCount is not a number: [1]."),
        ({"TotalCount": float("inf"), "Users": {"UserInfo": [{"Name": "a"}]}}, "TotalCount is not a number: inf."),
        ({"TotalCount": 1, "Users": {"UserInfo": [None]}}, "Users is not a list of objects."),
        ({"TotalCount": 1, "Users": {"UserInfo": ["a"]}}, "Users is not a list of objects."),
        ({"TotalCount": 1, "Users": {"UserInfo": {"Name": "a"}}}, "Users is not a list of objects."),
        ({"TotalCount": 1, "Users": "a"}, "Users is not a list of objects."),
    ],
)
def test_malformed_pages(service: Service, answer: dict[str, t.Any], problem: str, parallel: bool) -> None:
    service.expects(Call("ListUsers", ClusterId=CLUSTER, PageNumber="1", PageSize="50", answer={**answer, "RequestId": "REQUEST"}))
    with ThreadPoolExecutor(max_workers=1) as executor, pytest.raises(EhpcError) as caught:
        service.client().pages("ListUsers", "Users", "UserInfo", READ, executor=executor if parallel else None)
    error = caught.value.as_failure()["error"]
    assert (error["code"], error["action"], error["request_id"], error["http_status"]) == ("InvalidAnswer", "ListUsers", "REQUEST", 200)
    assert str(caught.value).startswith(f"Cannot list the users of cluster {CLUSTER} in cn-hangzhou: InvalidAnswer: {problem} ")


def test_a_page_that_fails(service: Service) -> None:
    service.expects(users(50, 1, TotalCount=68), Call("ListUsers", PageNumber="2", PageSize="50", code="NotAuthorized"))
    with pytest.raises(EhpcError):
        service.client().pages("ListUsers", "Users", "UserInfo")


@pytest.mark.parametrize(
    "answer",
    [{"Users": {"UserInfo": [{"Name": "a"}]}}, {"Users": [{"Name": "a"}]}],
    ids=["wrapped", "flat"],
)
def test_items(answer: dict[str, t.Any]) -> None:
    assert items(answer, "Users", "UserInfo") == [{"Name": "a"}]


@pytest.mark.parametrize(
    "answer", [{}, {"Users": None}, {"Users": []}, {"Users": {}}, {"Users": ""}, {"Users": {"UserInfo": None}}, {"Users": {"UserInfo": []}}]
)
def test_no_items(answer: dict[str, t.Any]) -> None:
    assert items(answer, "Users", "UserInfo") == []


# Retries


@pytest.mark.parametrize(
    ("code", "status"),
    [
        ("Throttling", 400),
        ("Throttling.User", 400),
        ("Throttling.Api", 503),
        ("ServiceUnavailable", 503),
        *((code, 500) for code in RETRYABLE_CODES),
        ("Whatever", 502),
        ("Whatever", 503),
        ("Whatever", 504),
        ("Whatever", 429),
    ],
)
def test_retried(service: Service, code: str, status: int) -> None:
    service.expects(Call("GetPostScripts", ClusterId=CLUSTER, code=code, status=status), Call("GetPostScripts", ClusterId=CLUSTER))
    service.client().call("GetPostScripts", READ)
    assert service.clock.sleeps == [0.5]


@pytest.mark.parametrize(
    ("code", "status"),
    [
        ("InvalidParams", 400),
        ("ClusterNotFound", 404),
        ("InvalidClusterStatus", 403),
        ("ExecFail", 403),
        ("ManagerNotFound", 404),
        ("AgentError.Account.UserSynFailure", 406),
        ("NotAuthorized", 407),
        ("Forbidden.RAM", 403),
        ("SignatureDoesNotMatch", 400),
        ("SignatureNonceUsed", 400),
        ("InvalidAccessKeyId.NotFound", 404),
        ("InvalidSecurityToken.Expired", 400),
        ("InvalidTimeStamp.Expired", 400),
        ("MissingClusterId", 400),
        ("Whatever", 500),
    ],
)
def test_not_retried(service: Service, code: str, status: int) -> None:
    error = fails(service, Call("GetPostScripts", ClusterId=CLUSTER, code=code, status=status))
    assert (error.code, error.http_status, error.action) == (code, status, "GetPostScripts")
    assert not service.clock.sleeps


@pytest.mark.parametrize(
    ("retries", "max_delay", "sleeps"),
    [
        (5, 12, [0.5, 1.0, 2.0, 4.0, 8.0]),
        (1100, 0.0, [0.0] * 1100),
        (7, 12, [0.5, 1.0, 2.0, 4.0, 8.0, 12.0, 12.0]),
        (3, 1.5, [0.5, 1.0, 1.5]),
        (2, 0, [0.0, 0.0]),
        (2, 0.05, [0.05, 0.05]),
        (1, 12, [0.5]),
        (0, 12, []),
    ],
)
def test_delays(service: Service, retries: int, max_delay: float, sleeps: list[float]) -> None:
    calls = [Call("GetPostScripts", ClusterId=CLUSTER, code="ServiceUnavailable")] * (retries + 1)
    error = fails(service, *calls, api_retries=retries, api_retry_max_delay=max_delay)
    assert error.code == "ServiceUnavailable"
    assert service.clock.sleeps == sleeps


@pytest.mark.parametrize(("chance", "factor"), [(0.0, 0.5), (0.5, 0.75), (1.0, 1.0)])
def test_jitter(service: Service, monkeypatch: pytest.MonkeyPatch, chance: float, factor: float) -> None:
    monkeypatch.setattr(random, "uniform", lambda low, high: low + (high - low) * chance)
    fails(service, *[Call("GetPostScripts", ClusterId=CLUSTER, code="ServiceUnavailable")] * 8, api_retries=7)
    assert service.clock.sleeps == [delay * factor for delay in (0.5, 1.0, 2.0, 4.0, 8.0, 12.0, 12.0)]


def test_the_last_failure_is_reported(service: Service) -> None:
    calls = [Call("GetPostScripts", ClusterId=CLUSTER, code=code) for code in ("ServiceUnavailable", "UnknownError", "ClusterNotFound")]
    assert fails(service, *calls).code == "ClusterNotFound"


# No response


def wrapped(cause: Exception) -> requests.exceptions.ConnectionError:
    """A failure as requests and urllib3 wrap it."""
    reason = urllib3.exceptions.NewConnectionError(None, "failed")  # type: ignore[arg-type]
    reason.__cause__ = cause
    return requests.exceptions.ConnectionError(urllib3.exceptions.MaxRetryError(None, f"/?Signature={SECRET_KEY}", reason))  # type: ignore[arg-type]


def untrusted(reason: str = "self-signed certificate in certificate chain") -> requests.exceptions.SSLError:
    cause = ssl.SSLCertVerificationError(1, "certificate verify failed")
    cause.verify_message = reason
    inner = urllib3.exceptions.SSLError(cause)
    return requests.exceptions.SSLError(urllib3.exceptions.MaxRetryError(None, f"/?Signature={SECRET_KEY}", inner))  # type: ignore[arg-type]


def handshake(kind: type[ssl.SSLError], reason: str | None) -> requests.exceptions.SSLError:
    cause = kind(1, "EXAMPLE")
    cause.reason = reason  # type: ignore[assignment]
    return requests.exceptions.SSLError(urllib3.exceptions.MaxRetryError(None, "/", urllib3.exceptions.SSLError(cause)))  # type: ignore[arg-type]


def tunnel(status: str) -> requests.exceptions.ProxyError:
    cause = urllib3.exceptions.ProxyError("Unable to connect to proxy", OSError(f"Tunnel connection failed: {status}"))
    return requests.exceptions.ProxyError(urllib3.exceptions.MaxRetryError(None, "/", cause))  # type: ignore[arg-type]


CLOSED = "closed the connection without a response."
# failure -> code, the reason in the message, whether it is retried, whether the service may have done the work
NO_ANSWER: dict[str, tuple[Exception, str, str, bool, bool]] = {
    "refused": (wrapped(ConnectionRefusedError(111, "Connection refused")), "ConnectionFailed", "refused the connection.", True, False),
    "unreachable": (wrapped(OSError(113, "No route to host")), "ConnectionFailed", "could not be reached.", True, False),
    "reset": (
        requests.exceptions.ConnectionError(urllib3.exceptions.ProtocolError("aborted", ConnectionResetError())),
        "ConnectionFailed",
        CLOSED,
        True,
        True,
    ),
    "cut off": (requests.exceptions.ChunkedEncodingError("IncompleteRead"), "ConnectionFailed", CLOSED, True, True),
    "plain": (OSError("EXAMPLE"), "ConnectionFailed", CLOSED, True, True),
    "slow to connect": (requests.exceptions.ConnectTimeout("slow"), "TimedOut", "did not accept a connection within 5 seconds.", True, False),
    "slow to answer": (requests.exceptions.ReadTimeout("slow"), "TimedOut", "did not send a complete response in time.", True, True),
    "slow within the body": (
        requests.exceptions.ConnectionError(urllib3.exceptions.ReadTimeoutError(None, "/", "slow")),  # type: ignore[arg-type]
        "TimedOut",
        "did not send a complete response in time.",
        True,
        True,
    ),
    "no proxy": (
        requests.exceptions.ProxyError("Cannot connect to proxy."),
        "ConnectionFailed",
        "could not be reached: the connection to the proxy failed.",
        True,
        False,
    ),
    "proxy that wants a password": (
        tunnel("407 Proxy Authentication Required"),
        "ProxyRefused",
        "could not be reached: the proxy requires a user name and a password (HTTP 407).",
        False,
        False,
    ),
    "proxy that forbids it": (tunnel("403 Forbidden"), "ProxyRefused", "could not be reached: the proxy does not permit it (HTTP 403).", False, False),
    "proxy that does not understand": (
        tunnel("400 Bad Request"),
        "ProxyRefused",
        "could not be reached: the proxy does not permit it (HTTP 400).",
        False,
        False,
    ),
    "proxy that fails": (tunnel("500 Internal Server Error"), "ConnectionFailed", "could not be reached by the proxy (HTTP 500).", True, False),
    "proxy that does not reach it": (tunnel("502 Bad Gateway"), "ConnectionFailed", "could not be reached by the proxy (HTTP 502).", True, False),
    "unknown name": (
        wrapped(socket.gaierror(-2, "Name or service not known")),
        "HostNotFound",
        "could not be reached: the host name cannot be resolved.",
        False,
        False,
    ),
    "unknown name, without its cause": (
        requests.exceptions.ConnectionError(urllib3.exceptions.NameResolutionError("host", None, "unknown")),  # type: ignore[arg-type]
        "HostNotFound",
        "could not be reached: the host name cannot be resolved.",
        False,
        False,
    ),
    "untrusted": (untrusted(), "TlsFailed", "could not be trusted: self-signed certificate in certificate chain.", False, False),
    "untrusted, told as a sentence": (untrusted("it is for host X."), "TlsFailed", "could not be trusted: it is for host X.", False, False),
    "untrusted name, as older libraries compare it": (
        requests.exceptions.SSLError(type("CertificateError", (ValueError,), {})("hostname 'a' doesn't match 'b'")),
        "TlsFailed",
        "could not be trusted: hostname 'a' doesn't match 'b'.",
        False,
        False,
    ),
    "no TLS": (handshake(ssl.SSLError, "WRONG_VERSION_NUMBER"), "TlsFailed", "did not complete the TLS handshake: wrong version number.", False, False),
    "no reason": (handshake(ssl.SSLError, None), "TlsFailed", "did not complete the TLS handshake: unknown reason.", False, False),
    "alert": (handshake(ssl.SSLError, "SSLV3_ALERT_HANDSHAKE_FAILURE"), "ConnectionFailed", CLOSED, True, True),
    "end within TLS": (handshake(ssl.SSLEOFError, "UNEXPECTED_EOF_WHILE_READING"), "ConnectionFailed", CLOSED, True, True),
    "orderly end within TLS": (handshake(ssl.SSLZeroReturnError, None), "ConnectionFailed", CLOSED, True, True),
    "address": (
        requests.exceptions.InvalidURL("bad"),
        "InvalidAddress",
        "could not be requested: its URL or that of the proxy is not valid.",
        False,
        False,
    ),
}


@pytest.mark.parametrize(("error", "code", "reason", "repeated", "lost"), NO_ANSWER.values(), ids=NO_ANSWER)
def test_no_response(service: Service, error: Exception, code: str, reason: str, repeated: bool, lost: bool) -> None:
    found = fails(service, *[Call("GetPostScripts", ClusterId=CLUSTER, error=error)] * (3 if repeated else 1), api_retries=2)
    assert (found.code, found.http_status, found.request_id, found.response_lost) == (code, None, None, lost)
    assert found.message == f"https://{HOST} {reason}"
    assert str(found).startswith(f"Cannot read the post scripts of cluster {CLUSTER} in cn-hangzhou: ")
    assert found.hint
    assert len(service.clock.sleeps) == (2 if repeated else 0)
    for secret in (SECRET_KEY, "Signature"):
        assert secret not in str(found)
    assert found.__cause__ is None
    assert found.__suppress_context__


def test_a_retry_without_a_response_has_a_connection_of_its_own(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    client, closed = service.client(), []
    monkeypatch.setattr(client._session, "close", lambda: closed.append(len(service.seen)))
    service.expects(Call("ListRegions", code="ServiceUnavailable"), Call("ListRegions", status=502, body=b""), Call("ListRegions", error=LOST))
    service.expects(Call("ListRegions", takes=31), Call("ListRegions"))
    client.call("ListRegions")
    assert closed == [3, 4]


def test_the_connection_of_a_retry_is_not_used_to_renew_its_parameters(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy that drops the second request of each connection must not drop each retry."""
    client = service.client()
    events: list[str] = []
    monkeypatch.setattr(client._session, "close", lambda: events.append("close"))

    def renew() -> dict[str, str]:
        events.append("renew")
        return {"ClusterId": CLUSTER}

    service.expects(Call("SetPostScripts", error=LOST), Call("SetPostScripts", ClusterId=CLUSTER))
    client.call("SetPostScripts", renew=renew)
    assert events == ["renew", "close"]
    assert [seen.params["RegionId"] for seen in service.seen] == ["cn-hangzhou"] * 2


def test_the_keys_must_be_found_within_the_time_limit_of_the_call(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    client = service.client()
    limits: list[float] = []
    keys = client._source.keys

    def within(seconds: float) -> Keys:
        limits.append(seconds)
        return keys(seconds)

    monkeypatch.setattr(client, "_source", SimpleNamespace(keys=within))
    service.expects(Call("ListRegions"), Call("ListRegions"))
    client.call("ListRegions")
    client.call("ListRegions", deadline=service.clock.now + 10)
    assert limits == [math.inf, 10 + GRACE]


def test_no_timeout_is_too_long_for_the_operating_system(service: Service) -> None:
    service.expects(Call("SyncUsers"))
    service.client().call("SyncUsers", read_timeout=10**12)
    assert service.seen[0].timeout == (5, 86400)


def test_causes_that_refer_to_each_other(service: Service) -> None:
    error, again = requests.exceptions.ConnectionError(), OSError()
    error.args = (socket.gaierror(-2, "Name or service not known"), again, again, error)
    again.__cause__ = error
    assert fails(service, Call("GetPostScripts", ClusterId=CLUSTER, error=error)).code == "HostNotFound"


def test_no_response_through_a_proxy(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://user:EXAMPLE-password@proxy.example.com:3128")
    call = Call("GetPostScripts", ClusterId=CLUSTER, error=requests.exceptions.ProxyError("refused"))
    error = fails(service, call, api_retries=0)
    assert error.message == f"https://{HOST} through the proxy http://***@proxy.example.com:3128 could not be reached: the connection to the proxy failed."
    monkeypatch.setenv("NO_PROXY", "aliyuncs.com")
    assert fails(service, call, api_retries=0).message == f"https://{HOST} could not be reached: the connection to the proxy failed."


@pytest.mark.parametrize(
    "error",
    [
        requests.exceptions.InvalidURL("bad"),
        requests.exceptions.InvalidSchema("Missing dependencies for SOCKS support."),
        requests.exceptions.InvalidProxyURL("bad"),
    ],
    ids=["url", "SOCKS proxy", "proxy's url"],
)
def test_request_that_cannot_be_made(service: Service, error: Exception) -> None:
    found = fails(service, Call("GetPostScripts", ClusterId=CLUSTER, error=error), api_retries=2)
    assert "closed the connection" not in found.message


# Responses that are not from E-HPC


@pytest.mark.parametrize("body", [b"", b"<html>somebody else</html>", b"[]", b'"text"', b"null", b"\xff\xfe", b'{"RequestId": "cut'])
def test_responses_with_status_200_that_are_not_valid(service: Service, body: bytes) -> None:
    error = fails(service, Call("GetPostScripts", ClusterId=CLUSTER, body=body))
    assert (error.code, error.action, error.http_status) == ("InvalidAnswer", "GetPostScripts", 200)
    assert error.message == f"HTTP status 200 with a body that is not from E-HPC ({len(body)} bytes)."
    assert str(error).startswith(f"Cannot read the post scripts of cluster {CLUSTER} in cn-hangzhou: InvalidAnswer: HTTP status 200")
    assert "endpoint" in (error.hint or "")
    assert error.response_lost


@pytest.mark.parametrize(
    ("status", "repeated", "lost"),
    [(302, False, False), (404, False, False), (407, False, False), (429, True, False), (500, True, True), (502, True, True), (504, True, True)],
)
@pytest.mark.parametrize("body", [b"", b"<html>somebody else</html>", b"{}", b'{"Message": "somebody else"}'])
def test_failures_of_a_gateway(service: Service, status: int, repeated: bool, lost: bool, body: bytes) -> None:
    calls = [Call("GetPostScripts", ClusterId=CLUSTER, status=status, body=body)] * (2 if repeated else 1)
    error = fails(service, *calls, api_retries=1)
    assert (error.code, error.http_status, error.request_id) == ("InvalidAnswer", status, None)
    assert "somebody" not in str(error)
    assert error.response_lost is lost


@pytest.mark.parametrize("body", [b"<html>Request-URI Too Large</html>", b'{"Code": "TooLong"}'])
def test_a_request_that_is_too_long(service: Service, body: bytes) -> None:
    error = fails(service, Call("GetPostScripts", ClusterId=CLUSTER, status=414, body=body))
    length = len(service.seen[0].url)
    assert (error.code, error.http_status, error.action, error.response_lost) == ("RequestTooLong", 414, "GetPostScripts", False)
    assert error.message == f"The request is too long: its URL has {length} characters, more than the gateway accepts (HTTP 414)."
    assert str(error).startswith(f"Cannot read the post scripts of cluster {CLUSTER} in cn-hangzhou: RequestTooLong: {error.message} ")
    assert "pre-signed" in (error.hint or "")


def test_redirects_are_not_followed(service: Service) -> None:
    """The signature in the query is for the service only."""
    service.expects(Call("GetPostScripts", ClusterId=CLUSTER, status=302, body=b"", headers={"Location": "https://example.com/"}))
    with pytest.raises(EhpcError):
        service.client().call("GetPostScripts", READ)
    assert len(service.seen) == 1


def test_error_answer(service: Service) -> None:
    body = b'{"RequestId": "REQUEST", "HostId": "h", "Code": "ClusterNotFound", "Message": "It does not exist.", "Recommend": "https://api.aliyun.com"}'
    error = fails(service, Call("GetPostScripts", ClusterId=CLUSTER, status=404, body=body))
    assert (error.code, error.message, error.http_status, error.request_id) == ("ClusterNotFound", "It does not exist.", 404, "REQUEST")


@pytest.mark.parametrize("body", [b'{"Code": "ClusterNotFound"}', b'{"Code": "ClusterNotFound", "Message": null}'])
def test_error_answer_with_a_code_only(service: Service, body: bytes) -> None:
    error = fails(service, Call("GetPostScripts", ClusterId=CLUSTER, status=404, body=body))
    assert (error.code, error.message, error.request_id) == ("ClusterNotFound", "", None)


def test_error_answer_with_status_200(service: Service) -> None:
    assert fails(service, Call("GetPostScripts", ClusterId=CLUSTER, code="ClusterNotFound", status=200)).code == "ClusterNotFound"


# Secrets in messages


def test_string_to_sign_is_not_shown(service: Service) -> None:
    echoed = f"Specified signature is not matched with our calculation. server string to sign is:GET&%2F&SecurityToken%3DEXAMPLE-token%26{SECRET_KEY}"
    error = fails(service, Call("GetPostScripts", ClusterId=CLUSTER, code="SignatureDoesNotMatch", message=echoed))
    assert error.message == "Specified signature is not matched with our calculation."
    assert "secret_key" in (error.hint or "")


def test_secrets_are_cleaned_from_messages(service: Service) -> None:
    echoed = f"Token EXAMPLE+token/= or EXAMPLE%2Btoken%2F%3D, key {SECRET_KEY}, /?Signature=EXAMPLEsig&x=1, script EXAMPLEhidden."
    service.expects(Call("ListRegions", SecurityToken="EXAMPLE+token/=", code="InvalidParams", message=echoed))
    client = service.client(security_token="EXAMPLE+token/=")
    client.register_secrets(["EXAMPLEhidden", ""])
    with pytest.raises(EhpcError) as caught:
        client.call("ListRegions")
    assert caught.value.message == "Token *** or ***, key ***, /?Signature=***&x=1, script ***."


def test_long_messages_are_cut(service: Service) -> None:
    error = fails(service, Call("GetPostScripts", ClusterId=CLUSTER, code="InvalidParams", message="x" * 5000))
    assert len(error.message) == 1000


# Writes whose effect can be read


def asked(*answers: bool) -> tuple[t.Callable[[], bool], list[bool]]:
    left = list(answers)
    return (lambda: left.pop(0)), left


LOST = requests.exceptions.ConnectionError("aborted")


@pytest.mark.parametrize(
    "how",
    [
        {"error": LOST},
        {"error": requests.exceptions.ReadTimeout()},
        {"body": b""},
        {"body": b"<html>"},
        {"status": 502, "body": b""},
        {"status": 500, "body": b""},
    ],
    ids=["lost", "timeout", "empty 200", "HTML 200", "502", "500"],
)
def test_arrived(service: Service, how: dict[str, t.Any]) -> None:
    arrived, left = asked(True)
    service.expects(Call("SetPostScripts", **how))
    assert service.client().call("SetPostScripts", is_applied=arrived) == {}
    assert not left
    assert not service.clock.sleeps


def test_not_arrived(service: Service) -> None:
    arrived, left = asked(False, False)
    service.expects(Call("SetPostScripts", error=LOST), Call("SetPostScripts", status=502, body=b""), Call("SetPostScripts", answer={"RequestId": "REQUEST"}))
    assert service.client().call("SetPostScripts", is_applied=arrived) == {"RequestId": "REQUEST"}
    assert not left


def test_never_arrived(service: Service) -> None:
    arrived, left = asked(False, False)
    service.expects(Call("SetPostScripts", error=LOST), Call("SetPostScripts", error=LOST))
    with pytest.raises(EhpcError, match="without a response"):
        service.client(api_retries=1).call("SetPostScripts", is_applied=arrived)
    assert not left


def test_arrived_with_the_last_try(service: Service) -> None:
    arrived, left = asked(False, True)
    service.expects(Call("SetPostScripts", error=LOST), Call("SetPostScripts", error=LOST))
    assert service.client(api_retries=1).call("SetPostScripts", is_applied=arrived) == {}
    assert not left


def test_not_arrived_and_not_retryable(service: Service) -> None:
    arrived, left = asked(False)
    service.expects(Call("SetPostScripts", body=b"<html>"))
    with pytest.raises(EhpcError) as caught:
        service.client().call("SetPostScripts", is_applied=arrived)
    assert caught.value.code == "InvalidAnswer"
    assert not left


@pytest.mark.parametrize(
    "how",
    [{"code": "ServiceUnavailable"}, {"code": "UnknownError"}, {"error": NO_ANSWER["refused"][0]}, {"error": requests.exceptions.ConnectTimeout()}],
    ids=["unavailable", "error of the service", "refused", "no connection"],
)
def test_arrival_is_not_checked_if_no_response_was_lost(service: Service, how: dict[str, t.Any]) -> None:
    arrived, _left = asked()
    service.expects(Call("SetPostScripts", **how), Call("SetPostScripts"))
    service.client().call("SetPostScripts", is_applied=arrived)


@pytest.mark.parametrize(("left", "tries"), [(0.5, 1), (0.51, 2)])
def test_deadline(service: Service, left: float, tries: int) -> None:
    """No attempt begins at the deadline or later."""
    service.expects(*[Call("SetPostScripts", code="ServiceUnavailable")] * tries)
    with pytest.raises(EhpcError, match="temporary failure"):
        service.client().call("SetPostScripts", deadline=service.clock.now + left)


@pytest.mark.parametrize(("left", "takes", "late"), [(10, 10.5, False), (10, 10.6, True), (0, 0.5, False), (60, 30.1, True)])
def test_a_request_ends_shortly_after_the_deadline(service: Service, left: float, takes: float, late: bool) -> None:
    service.expects(Call("ListRegions", takes=takes))
    client, deadline = service.client(api_retries=0), service.clock.now + left
    if not late:
        client.call("ListRegions", deadline=deadline)
        return
    with pytest.raises(EhpcError, match="did not send a complete response in time") as caught:
        client.call("ListRegions", deadline=deadline)
    assert (caught.value.code, caught.value.response_lost) == ("TimedOut", True)


@pytest.mark.parametrize("late", [0.5, 60])
def test_no_request_begins_after_the_deadline(service: Service, late: float) -> None:
    with pytest.raises(EhpcError) as caught:
        service.client().call("ListRegions", deadline=service.clock.now - late)
    assert (caught.value.code, caught.value.action, caught.value.response_lost) == ("TimedOut", "ListRegions", False)
    assert str(caught.value).startswith("Cannot list the regions in cn-hangzhou: The time limit of the task was reached before this call. ")


def test_a_request_that_timed_out_is_retried_at_once(service: Service) -> None:
    service.expects(Call("ListRegions", takes=30.1), Call("ListRegions", error=requests.exceptions.ConnectTimeout()), Call("ListRegions", code="UnknownError"))
    service.expects(Call("ListRegions"))
    service.client().call("ListRegions")
    assert service.clock.sleeps == [0.0, 0.0, 2.0]


def test_pages_have_one_deadline(service: Service) -> None:
    service.expects(users(50, 1, TotalCount=100, takes=8))
    service.expects(users(50, 2, TotalCount=100, takes=3))
    with pytest.raises(EhpcError, match="did not send a complete response in time"):
        service.client().pages("ListUsers", "Users", "UserInfo", deadline=service.clock.now + 10)


def test_reading_the_effect_fails(service: Service) -> None:
    def arrived() -> bool:
        raise EhpcError("ClusterNotFound", "It is gone.", action="GetPostScripts")

    service.expects(Call("SetPostScripts", error=LOST))
    with pytest.raises(EhpcError, match=r"without a response\. It is not known whether it was applied, because reading failed, too: It is gone\.") as caught:
        service.client().call("SetPostScripts", is_applied=arrived)
    assert caught.value.action == "SetPostScripts"


# Polling


@pytest.mark.parametrize(
    ("values", "seconds", "read", "sleeps"),
    [
        ([1], 10, 1, []),
        ([0, 1], 10, 1, [1.0]),
        ([0, 0, 0, 0, 1], 60, 1, [1.0, 2.0, 4.0, 4.0]),
        ([0, 0, 0], 2.5, 0, [1.0, 1.5]),
        ([0], 0, 0, []),
        ([0], -1, 0, []),
    ],
    ids=["done at once", "done later", "delays double up to the maximum", "last read at the deadline", "no time", "late"],
)
def test_poll(service: Service, values: list[int], seconds: float, read: int, sleeps: list[float]) -> None:
    left = list(values)
    assert poll(lambda: left.pop(0), bool, service.clock.now + seconds, delay=1.0, max_delay=4.0) == read
    assert service.clock.sleeps == sleeps
    assert not left


# From options


def test_a_client_for_checks_before_any_call() -> None:
    with pytest.raises(EhpcError, match="No region"):
        client_for({**SHARED_OPTIONS, "region": None})
    with pytest.raises(EhpcError, match="secret_key is not"):
        client_for({**SHARED_OPTIONS, "secret_key": None})
    with pytest.raises(EhpcError, match="plain http"):
        client_for({**SHARED_OPTIONS, "endpoint": "http://example.com"})


def test_equal_options_have_the_same_client() -> None:
    known: Clients = {}
    first = client_for(SHARED_OPTIONS, clients=known)
    assert client_for(dict(SHARED_OPTIONS), clients=known) is first
    for other in ({"secret_key": "EXAMPLE-other"}, {"region": "cn-shanghai"}, {"read_timeout": 7.0}):
        assert client_for({**SHARED_OPTIONS, **other}, clients=known) is not first
    assert len(known) == 4


def test_client_for_another_home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    known: Clients = {}
    keys = []
    for name in ("one", "two", "one"):
        path = tmp_path / name / ".aliyun" / "config.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists():
            path.write_text(f'{{"current": "main", "profiles": [{{"name": "main", "mode": "AK", "access_key_id": "{name}", "access_key_secret": "s"}}]}}')
        monkeypatch.setenv("HOME", str(tmp_path / name))
        keys.append(client_for({"region": "cn-hangzhou"}, clients=known)._source.keys(60).access_key)
    assert keys == ["one", "two", "one"]
    assert len(known) == 2


def test_client_for_an_absent_profile(tmp_path: Path) -> None:
    path = tmp_path / "config.json"
    path.write_text('{"current": "main", "profiles": [{"name": "main", "mode": "AK", "region_id": "cn-hangzhou"}]}')
    with pytest.raises(EhpcError, match="There is no profile mian"):
        client_for({"profile": "mian", "shared_credentials_file": str(path)})


def test_client_for_a_fallback_region() -> None:
    assert client_for({**SHARED_OPTIONS, "region": ""}, "cn-hangzhou").region == "cn-hangzhou"
    assert client_for({**SHARED_OPTIONS, "region": "cn-shanghai"}, "cn-hangzhou").region == "cn-shanghai"


@pytest.mark.parametrize(("validate_certs", "silenced"), [(True, []), (False, [urllib3.exceptions.InsecureRequestWarning])])
def test_urllib3_does_not_warn_if_certificates_are_deliberately_not_verified(
    service: Service, monkeypatch: pytest.MonkeyPatch, validate_certs: bool, silenced: list[t.Any]
) -> None:
    found: list[t.Any] = []
    monkeypatch.setattr(urllib3, "disable_warnings", found.append)
    service.client(validate_certs=validate_certs)
    assert found == silenced


@pytest.mark.parametrize(("validate_certs", "warned"), [(True, False), (None, False), (False, True)])
def test_certificate_warning(validate_certs: bool | None, warned: bool) -> None:
    warning = "validate_certs is false: the certificate of the endpoint is not verified, which allows man-in-the-middle attacks."
    assert certificate_warning({"validate_certs": validate_certs}) == (warning if warned else None)
