# Copyright (c) 2026, the alicloud.ehpc contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every kind of fault as real clients see it, and whether the change was applied."""

from __future__ import annotations

import socket
import threading
import time
from http import HTTPStatus
from typing import Any

import pytest
import requests
from aliyunsdkcore.acs_exception.exceptions import ClientException
from ansible_collections.alicloud.ehpc.tests.emulator import Emulator

HYBRID = "ehpc-hz-hybrid01"
SCRIPT = {"PostInstallScripts.1.Url": "/opt/a", "PostInstallScripts.1.Args": ""}


def is_done(emulator: Emulator) -> bool:
    return emulator.state.clusters[HYBRID].post_scripts == [{"url": "/opt/a", "args": ""}]


def write(plain: Any, **options: Any) -> requests.Response:
    answer: requests.Response = plain.get("SetPostScripts", ClusterId=HYBRID, **SCRIPT, **options)
    return answer


@pytest.mark.parametrize(("kind", "done"), [("lost_before", False), ("lost_after", True)])
def test_a_lost_connection(kind: str, done: bool, emulator: Emulator, plain: Any) -> None:
    emulator.fault("SetPostScripts", kind)

    with pytest.raises(requests.ConnectionError, match="Connection aborted"):
        write(plain)

    assert is_done(emulator) is done
    call = emulator.calls[0]
    assert (call.fault, call.http_status, call.code, call.request_id) == (kind, None, None, None)
    assert write(plain).status_code == 200
    assert emulator.connections == 2


@pytest.mark.parametrize("kind", ["lost_before", "lost_after"])
def test_a_lost_connection_in_the_first_sdk(kind: str, emulator: Emulator, core: Any) -> None:
    emulator.fault("ListRegions", kind)

    with pytest.raises(ClientException) as caught:
        core.call("ListRegions")

    assert caught.value.get_error_code() == "SDK.HttpError"
    assert "Regions" in core.call("ListRegions")


def test_a_truncated_answer(emulator: Emulator, plain: Any) -> None:
    emulator.fault("SetPostScripts", "truncated")

    with pytest.raises((requests.ConnectionError, requests.exceptions.ChunkedEncodingError), match="IncompleteRead"):
        write(plain)

    assert is_done(emulator)
    assert emulator.calls[0].http_status == 200


def test_a_truncated_body(emulator: Emulator, plain: Any) -> None:
    emulator.fault("SetPostScripts", "truncated_json")

    answer = write(plain)

    assert is_done(emulator)
    assert answer.status_code == 200
    assert int(answer.headers["Content-Length"]) == len(answer.content) > 0
    with pytest.raises(requests.exceptions.JSONDecodeError):
        answer.json()


@pytest.mark.parametrize(("kind", "done"), [("slow", True), ("slow_before", False)])
def test_a_slow_answer_outlasts_the_client(kind: str, done: bool, emulator: Emulator, plain: Any) -> None:
    emulator.fault("SetPostScripts", kind, seconds=60)

    with pytest.raises(requests.ReadTimeout):
        write(plain, timeout=0.2)

    assert is_done(emulator) is done


@pytest.mark.parametrize("kind", ["slow", "slow_before"])
def test_a_slow_answer_arrives(kind: str, emulator: Emulator, plain: Any) -> None:
    emulator.fault("SetPostScripts", kind, seconds=0.1)
    start = time.monotonic()

    assert write(plain).status_code == 200

    assert time.monotonic() - start >= 0.1
    assert is_done(emulator)


def test_slow_answers_do_not_stop_others(emulator: Emulator, plain: Any) -> None:
    emulator.fault("SetPostScripts", "slow", seconds=60)
    with pytest.raises(requests.ReadTimeout):
        write(plain, timeout=0.2)

    assert plain.get("ListRegions", timeout=5).status_code == 200


@pytest.mark.parametrize("kind", ["slow", "slow_before"])
def test_a_pending_answer_does_not_delay_the_end(kind: str, emulator: Emulator, plain: Any) -> None:
    emulator.fault("SetPostScripts", kind, seconds=60)
    with pytest.raises(requests.ReadTimeout):
        write(plain, timeout=0.2)
    start = time.monotonic()

    emulator.stop()

    assert time.monotonic() - start < 2


def test_a_client_that_still_waits_does_not_delay_the_end(emulator: Emulator, plain: Any) -> None:
    emulator.fault("ListRegions", "slow", seconds=60)
    failures: list[BaseException] = []

    def wait() -> None:
        with pytest.raises(requests.ConnectionError) as caught:
            plain.get("ListRegions", timeout=60)
        failures.append(caught.value)

    client = threading.Thread(target=wait)
    client.start()
    while not emulator.calls:
        client.join(0.01)
    start = time.monotonic()
    emulator.stop()
    client.join()

    assert time.monotonic() - start < 2
    assert len(failures) == 1


@pytest.mark.parametrize(
    ("kind", "options", "status", "content_type", "body"),
    [
        ("bad_gateway", {}, 502, "text/html;charset=utf-8", "<html>"),
        ("bad_gateway", {"status": 504}, 504, "text/html;charset=utf-8", "<html>"),
        ("empty", {}, 200, "application/json;charset=utf-8", ""),
        ("html", {}, 200, "text/html;charset=utf-8", "<html>"),
    ],
)
def test_answers_that_are_not_from_the_service(
    kind: str, options: dict[str, int], status: int, content_type: str, body: str, emulator: Emulator, plain: Any
) -> None:
    emulator.fault("SetPostScripts", kind, **options)

    answer = write(plain)

    assert (answer.status_code, answer.headers["Content-Type"]) == (status, content_type)
    assert answer.text[:6] == body
    assert not is_done(emulator)


def test_faults_are_used_in_order_and_as_often_as_configured(emulator: Emulator, plain: Any) -> None:
    emulator.fault("*", code="Throttling.User", times=2)
    emulator.fault("ListUsers", code="AgentError")
    emulator.fault("ListRegions", code="OrderError", times=None)

    seen = [plain.error("ListRegions")[1], plain.error("ListUsers", ClusterId=HYBRID)[1]]
    seen += [plain.error("ListUsers", ClusterId=HYBRID)[1]] + [plain.error("ListRegions")[1] for _number in range(3)]

    assert seen == ["Throttling.User", "Throttling.User", "AgentError", "OrderError", "OrderError", "OrderError"]
    assert plain.get("ListUsers", ClusterId=HYBRID).status_code == 200
    emulator.clear_faults()
    assert plain.get("ListRegions").status_code == 200


def test_faults_are_for_a_cluster_or_a_region(emulator: Emulator, plain: Any) -> None:
    emulator.fault(cluster_id=HYBRID)
    emulator.fault(region="cn-shanghai")

    assert plain.get("ListUsers", ClusterId="ehpc-hz-public01").status_code == 200
    assert plain.error("ListUsers", ClusterId="ehpc-sh-large01", RegionId=None)[0] == 503
    assert plain.error("ListUsers", ClusterId=HYBRID)[0] == 503
    assert plain.get("ListUsers", ClusterId=HYBRID).status_code == 200


def test_a_request_with_a_wrong_signature_does_not_use_a_fault(emulator: Emulator, plain: Any) -> None:
    fault = emulator.fault("ListRegions")

    assert plain.error("ListRegions", "wrong")[1] == "SignatureDoesNotMatch"

    assert fault.times == 1


def test_calls_record_the_requests(emulator: Emulator, plain: Any) -> None:
    plain.session.headers["User-Agent"] = "example/1.0"
    write(plain)
    plain.get("GetPostScripts", ClusterId=HYBRID)
    plain.send({"Action": "Unsigned"})

    first, _second, third = emulator.calls
    assert emulator.actions() == ["SetPostScripts", "GetPostScripts", "Unsigned"]
    assert first.params == {"RegionId": "cn-hangzhou", "ClusterId": HYBRID, **SCRIPT}
    assert (first.http_status, first.code, first.fault, first.access_key) == (200, None, None, "EXAMPLEmain")
    assert (first.user_agent, first.headers["accept"]) == ("example/1.0", "*/*")
    assert (third.params, third.http_status, third.code) == ({}, 400, "MissingAccessKeyId")
    assert {call.connection for call in emulator.calls} == {1} == {emulator.connections}

    emulator.forget()
    assert (emulator.calls, emulator.connections, emulator.actions()) == ([], 0, [])
    assert is_done(emulator)


def test_connections_are_counted_separately(emulator: Emulator, plain: Any) -> None:
    for number in (1, 2):
        requests.get(emulator.endpoint, timeout=10, headers={"Connection": "close"})
        assert emulator.calls[-1].connection == number

    assert emulator.connections == 2


def test_latency_delays_every_answer(emulator: Emulator, plain: Any) -> None:
    emulator.latency = 0.1
    start = time.monotonic()

    plain.get("ListRegions")
    plain.send({})

    assert time.monotonic() - start >= 0.2


def test_many_clients_at_once(emulator: Emulator, core: Any) -> None:
    failures: list[ClientException] = []

    def ask() -> None:
        try:
            for _number in range(20):
                core.call("ListRegions")
        except ClientException as error:
            failures.append(error)

    threads = [threading.Thread(target=ask) for _number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert failures == []
    assert [call.http_status for call in emulator.calls] == [200] * 160


def test_stopping_twice_is_harmless(emulator: Emulator, plain: Any) -> None:
    plain.get("ListRegions")

    emulator.stop()
    emulator.stop()

    with pytest.raises(requests.ConnectionError):
        plain.get("ListRegions")


def test_a_port_in_use_is_refused_each_time() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        emulator = Emulator(port=taken.getsockname()[1])
        # Often: what ends the loop and what reads the failure race.
        for _attempt in range(300):
            with pytest.raises(OSError, match="address already in use"):
                emulator.start()
    with emulator:
        assert requests.get(emulator.endpoint, timeout=5).status_code == HTTPStatus.BAD_REQUEST
