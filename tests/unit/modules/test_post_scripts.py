# Copyright (c) 2026, the alicloud.ehpc contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""post_scripts: read, compare, write, read back."""

from __future__ import annotations

import time
import typing as t
from collections.abc import Iterator

import pytest
import requests
from ansible_collections.alicloud.ehpc.plugins.module_utils import _runner
from ansible_collections.alicloud.ehpc.plugins.module_utils._errors import EhpcError
from ansible_collections.alicloud.ehpc.plugins.module_utils._post_scripts import Script
from ansible_collections.alicloud.ehpc.plugins.modules import post_scripts
from ansible_collections.alicloud.ehpc.tests.support.scripted import Call, Service
from ansible_collections.alicloud.ehpc.tests.support.words import BASE, CLUSTER, MONITOR, MOUNT, SIGNED, SIGNED_SHOWN, get_cluster, read, script, write

BOTH = [script(BASE, "--mode base"), script(MOUNT)]
HEADER = f"post scripts of cluster {CLUSTER} in cn-hangzhou"
LOST = requests.exceptions.ConnectionError("Connection aborted.")


def ensure(service: Service, check_mode: bool = False, **options: t.Any) -> dict[str, t.Any]:
    return service.run(post_scripts, check_mode, cluster_id=CLUSTER, **options)


# Create, run again, change, reorder, remove


@pytest.fixture
def created() -> dict[str, t.Any]:
    return {
        "changed": True,
        "cluster_id": CLUSTER,
        "region": "cn-hangzhou",
        "post_scripts": BOTH,
        "previous_post_scripts": [],
        "preflight": [],
        "request_id": "REQUEST-WRITE",
        "diff": {"before_header": HEADER, "after_header": HEADER, "before": {"post_scripts": []}, "after": {"post_scripts": BOTH}},
    }


def test_create(service: Service, created: dict[str, t.Any]) -> None:
    service.expects(read(), write(*BOTH), read(*BOTH))
    assert ensure(service, scripts=BOTH) == created
    assert not service.clock.sleeps
    assert not service.warnings


def test_create_check_mode(service: Service, created: dict[str, t.Any]) -> None:
    service.expects(read())
    assert ensure(service, check_mode=True, scripts=BOTH) == {**created, "request_id": None}


@pytest.mark.parametrize("check_mode", [False, True])
def test_create_idempotent(service: Service, check_mode: bool) -> None:
    service.expects(read(*BOTH))
    result = ensure(service, check_mode=check_mode, scripts=BOTH)
    assert result["changed"] is False
    assert result["request_id"] is None
    assert result["post_scripts"] == result["previous_post_scripts"] == BOTH
    assert result["diff"]["before"] == result["diff"]["after"]


@pytest.mark.parametrize(
    "answer",
    [
        {"PostInstallScripts": [{"Url": BASE}]},
        {"PostInstallScripts": [{"Url": BASE, "Args": None}]},
        {"PostInstallScripts": {"PostInstallScriptInfo": [{"Url": BASE, "Args": ""}]}},
    ],
    ids=["args absent", "args null", "list wrapped"],
)
def test_idempotent_for_every_form_of_the_response(service: Service, answer: dict[str, t.Any]) -> None:
    service.expects(read(answer=answer))
    assert ensure(service, scripts=[{"url": BASE}])["changed"] is False


@pytest.mark.parametrize("answer", [{}, {"PostInstallScripts": None}, {"PostInstallScripts": []}, {"PostInstallScripts": {}}])
def test_no_scripts_for_every_form_of_the_response(service: Service, answer: dict[str, t.Any]) -> None:
    service.expects(read(answer=answer))
    result = ensure(service, scripts=[])
    assert result["changed"] is False
    assert result["post_scripts"] == []


@pytest.mark.parametrize(
    "wanted",
    [
        [script(BASE, "--mode extended"), script(MOUNT)],
        [script(BASE + "?v=2", "--mode base"), script(MOUNT)],
        [script(MOUNT), script(BASE, "--mode base")],
        [script(MOUNT)],
        [*BOTH, script(MONITOR)],
        [*BOTH, script(MOUNT)],
        [],
    ],
    ids=["args", "url", "order", "fewer", "more", "twice", "none"],
)
def test_change(service: Service, wanted: list[dict[str, str]]) -> None:
    service.expects(read(*BOTH))
    predicted = ensure(service, check_mode=True, scripts=wanted)
    service.expects(read(*BOTH), write(*wanted), read(*wanted))
    result = ensure(service, scripts=wanted)
    assert result["changed"] is True
    assert result["post_scripts"] == wanted
    assert result["previous_post_scripts"] == BOTH
    assert predicted == {**result, "request_id": None}
    for check_mode in (False, True):
        service.expects(read(*wanted))
        assert ensure(service, check_mode=check_mode, scripts=wanted)["changed"] is False


# Purge


@pytest.mark.parametrize(
    ("before", "wanted", "after"),
    [
        ([], [script(MONITOR)], [script(MONITOR)]),
        (BOTH, [script(MONITOR, "-v"), script(SIGNED)], [*BOTH, script(MONITOR, "-v"), script(SIGNED)]),
        (BOTH, [script(MONITOR), script(BASE, "-x")], [script(BASE, "-x"), script(MOUNT), script(MONITOR)]),
        (BOTH, [script(BASE)], [script(BASE), script(MOUNT)]),
    ],
    ids=["first", "appended in order", "updated in place", "args removed"],
)
def test_purge_false_changes(service: Service, before: list[t.Any], wanted: list[t.Any], after: list[t.Any]) -> None:
    service.expects(read(*before), write(*after), read(*after))
    assert ensure(service, purge=False, scripts=wanted)["changed"] is True
    service.expects(read(*after))
    assert ensure(service, purge=False, scripts=wanted)["changed"] is False


@pytest.mark.parametrize("wanted", [[], BOTH, BOTH[::-1], BOTH[1:]], ids=["none", "all", "another order", "one"])
def test_purge_false_keeps(service: Service, wanted: list[t.Any]) -> None:
    service.expects(read(*BOTH))
    result = ensure(service, purge=False, scripts=wanted)
    assert result["changed"] is False
    assert result["post_scripts"] == BOTH


def test_purge_false_refuses_duplicates_in_the_option(service: Service) -> None:
    error = service.fails(post_scripts, cluster_id=CLUSTER, purge=False, scripts=[script(BASE, "1"), script(MOUNT), script(BASE, "2")])
    assert BASE in error.message
    assert MOUNT not in error.message
    assert "scripts contains duplicates" in error.message


def test_purge_false_refuses_duplicates_on_the_cluster(service: Service) -> None:
    service.expects(read(script(SIGNED, "1"), script(MOUNT), script(SIGNED, "2")))
    error = service.fails(post_scripts, cluster_id=CLUSTER, purge=False, scripts=[script(MONITOR)])
    assert error.message == f"With purge: false each URL must be unique, but the cluster's list contains duplicates: {SIGNED_SHOWN}."


def test_purge_true_accepts_duplicates(service: Service) -> None:
    twice = [script(BASE, "1"), script(BASE, "2")]
    service.expects(read(), write(*twice), read(*twice))
    assert ensure(service, scripts=twice)["post_scripts"] == twice


# Several clients that change one list


OTHER = script("https://scripts.example.com/other.sh")
APPEND: dict[str, t.Any] = {"purge": False, "scripts": [script(MONITOR)]}


@pytest.mark.parametrize(
    ("options", "first", "retried"),
    [
        (APPEND, [*BOTH, script(MONITOR)], [*BOTH, OTHER, script(MONITOR)]),
        ({"state": "absent", "scripts": [{"url": MOUNT}]}, BOTH[:1], [BOTH[0], OTHER]),
    ],
    ids=["append", "remove"],
)
def test_a_list_that_keeps_entries_is_read_before_each_attempt_to_write(
    service: Service, options: dict[str, t.Any], first: list[t.Any], retried: list[t.Any]
) -> None:
    """While the service refuses the write for a while, another client appends an entry: the retry must not remove it."""
    service.expects(read(*BOTH), write(*first, code="Throttling.User"), read(*BOTH, OTHER), write(*retried), read(*retried))
    result = ensure(service, **options)
    assert (result["changed"], result["post_scripts"]) == (True, retried)


def test_entries_of_another_client_after_the_write_are_kept(service: Service) -> None:
    service.expects(read(*BOTH), write(*BOTH, script(MONITOR)), read(*BOTH, script(MONITOR), OTHER))
    result = ensure(service, **APPEND)
    assert result["post_scripts"] == result["diff"]["after"]["post_scripts"] == [*BOTH, script(MONITOR), OTHER]
    assert not service.clock.sleeps


@pytest.mark.parametrize("answer", [{"error": LOST}, {"body": b""}], ids=["reset", "empty"])
def test_a_lost_response_and_another_client_that_appends(service: Service, answer: dict[str, t.Any]) -> None:
    stored = [*BOTH, script(MONITOR), OTHER]
    service.expects(read(*BOTH), write(*BOTH, script(MONITOR), **answer), read(*stored), read(*stored))
    assert ensure(service, **APPEND)["post_scripts"] == stored


def test_an_entry_that_another_client_overwrites_is_a_failure(service: Service) -> None:
    service.expects(read(*BOTH), write(*BOTH, script(MONITOR)), *[read(*BOTH, OTHER)] * 21)
    failure = service.fails(post_scripts, cluster_id=CLUSTER, **APPEND).as_failure()
    assert failure["error"]["code"] == "NotStored"
    assert failure["post_scripts"] == [*BOTH, OTHER]
    assert "throttle: 1" in failure["msg"]


def test_with_purge_an_entry_of_another_client_is_a_failure(service: Service) -> None:
    service.expects(read(), write(*BOTH), *[read(*BOTH, OTHER)] * 21)
    assert service.fails(post_scripts, cluster_id=CLUSTER, scripts=BOTH).code == "NotStored"


# Absent


@pytest.mark.parametrize(
    ("options", "after"),
    [
        ({}, []),
        ({"scripts": [{"url": BASE}]}, [script(MOUNT)]),
        ({"scripts": [{"url": MOUNT, "args": "whatever"}]}, [script(BASE, "--mode base")]),
        ({"scripts": [{"url": MOUNT}, {"url": MONITOR}, {"url": BASE}]}, []),
        ({"scripts": [{"url": BASE}, {"url": BASE}], "purge": False}, [script(MOUNT)]),
    ],
    ids=["all", "one", "args do not matter", "each", "twice in the option"],
)
def test_absent(service: Service, options: dict[str, t.Any], after: list[t.Any]) -> None:
    service.expects(read(*BOTH))
    predicted = ensure(service, check_mode=True, state="absent", **options)
    service.expects(read(*BOTH), write(*after), read(*after))
    result = ensure(service, state="absent", **options)
    assert result["changed"] is True
    assert result["post_scripts"] == after
    assert predicted == {**result, "request_id": None}
    for check_mode in (False, True):
        service.expects(read(*after))
        assert ensure(service, check_mode=check_mode, state="absent", **options)["changed"] is False


def test_absent_removes_all_duplicates_of_a_url(service: Service) -> None:
    service.expects(read(script(BASE, "1"), script(MOUNT), script(BASE, "2")), write(script(MOUNT)), read(script(MOUNT)))
    assert ensure(service, state="absent", scripts=[{"url": BASE}])["post_scripts"] == [script(MOUNT)]


def test_absent_with_an_empty_list_removes_nothing(service: Service) -> None:
    service.expects(read(*BOTH))
    assert ensure(service, state="absent", scripts=[])["changed"] is False


# Arguments


@pytest.mark.parametrize(
    ("args", "stored"),
    [
        (None, ""),
        ("", ""),
        ([], ""),
        ("--mode base  --x 'a b'", "--mode base  --x 'a b'"),
        (["--export", "nas.example.com:/data set"], "--export 'nas.example.com:/data set'"),
        (["it's", "", "$HOME", "*"], "'it'\"'\"'s' '' '$HOME' '*'"),
        (["--jobs", 4, 0.5], "--jobs 4 0.5"),
        (5, "5"),
        ("多 ~+%/&=", "多 ~+%/&="),
        ("line\nline", "line\nline"),
    ],
)
def test_args(service: Service, args: t.Any, stored: str) -> None:
    service.expects(read(script(MOUNT)), write(script(BASE, stored)), read(script(BASE, stored)))
    assert ensure(service, scripts=[{"url": BASE, "args": args}])["post_scripts"] == [script(BASE, stored)]
    service.expects(read(script(BASE, stored)))
    assert ensure(service, scripts=[{"url": BASE, "args": args}])["changed"] is False


@pytest.mark.parametrize(
    "args",
    [True, {"a": 1}, ["a", None], ["a", False], ["a", ["b"]], "a\x00b", "a\ud800", ["a\ud800"]],
    ids=["bool", "dict", "null in a list", "bool in a list", "list in a list", "NUL", "surrogate", "surrogate in a list"],
)
def test_args_that_are_refused(service: Service, args: t.Any) -> None:
    error = service.fails(post_scripts, cluster_id=CLUSTER, scripts=[{"url": BASE}, {"url": MOUNT, "args": args}])
    assert error.message.startswith("scripts[1].args ")
    assert error.code == "InvalidOptions"


# Refused before any call


@pytest.mark.parametrize(
    "url",
    ["", " ", "https://example.com/a b.sh", "https://example.com/a.sh\n", "https://example.com/\x07.sh", "https://example.com/\x9f", "/a\u3000b", "/a\ud800"],
)
@pytest.mark.parametrize("options", [{}, {"state": "absent"}, {"purge": False}], ids=["present", "absent", "purge false"])
def test_urls_that_are_refused(service: Service, url: str, options: dict[str, t.Any]) -> None:
    error = service.fails(post_scripts, cluster_id=CLUSTER, scripts=[{"url": BASE}, {"url": url}], **options)
    assert error.message.startswith("scripts[1].url ")
    assert (error.code, error.action, error.http_status, error.request_id) == ("InvalidOptions", None, None, None)
    assert str(error).isprintable()


def test_a_refused_url_is_redacted(service: Service) -> None:
    error = service.fails(post_scripts, cluster_id=CLUSTER, scripts=[{"url": SIGNED + " "}])
    assert "***" in str(error)
    assert "EXAMPLEsig" not in str(error)


@pytest.mark.parametrize(
    "cluster_id",
    [
        "",
        "  ",
        "ehpc-hz-EXAMPLE ",
        "ehpc-hz-EXAMPLE\n",
        "\x00",
        "ehpc hz",
    ],
)
def test_cluster_ids_that_are_refused(service: Service, cluster_id: str) -> None:
    error = service.fails(post_scripts, cluster_id=cluster_id, scripts=[])
    assert "cluster_id" in error.message
    assert error.code == "InvalidOptions"


def test_scripts_are_required(service: Service) -> None:
    error = service.fails(post_scripts, cluster_id=CLUSTER)
    assert str(error).startswith(f"Cannot set the post scripts of cluster {CLUSTER} in cn-hangzhou: scripts is required when state is present.")


def numbered(count: int) -> list[dict[str, str]]:
    return [script(f"https://scripts.example.com/{number:02d}.sh") for number in range(1, count + 1)]


def test_sixteen_scripts(service: Service) -> None:
    service.expects(read(), write(*numbered(16)), read(*numbered(16)))
    assert len(ensure(service, scripts=numbered(16))["post_scripts"]) == 16


@pytest.mark.parametrize("purge", [True, False])
@pytest.mark.parametrize("check_mode", [True, False])
def test_seventeen_scripts(service: Service, purge: bool, check_mode: bool) -> None:
    error = service.fails(post_scripts, check_mode, cluster_id=CLUSTER, scripts=numbered(17), purge=purge)
    assert CLUSTER in str(error)
    assert "17" in error.message
    assert "16" in error.message


@pytest.mark.parametrize("check_mode", [True, False])
def test_seventeen_scripts_together(service: Service, check_mode: bool) -> None:
    service.expects(read(*numbered(15)))
    error = service.fails(post_scripts, check_mode, cluster_id=CLUSTER, purge=False, scripts=[script(BASE), script(MOUNT)])
    assert error.message == "The list would have 17 scripts, but E-HPC stores at most 16 per cluster."


# Warnings


@pytest.mark.parametrize("url", ["scripts/base.sh", "oss://bucket/base.sh", "ftp://example.com/base.sh", "https://", "/", f"{BASE}\u200b"])
def test_warns_about_urls_that_nodes_may_not_be_able_to_fetch(service: Service, url: str) -> None:
    """post_scripts_run refuses the same URLs."""
    service.expects(read(), write(script(url)), read(script(url)))
    ensure(service, scripts=[script(url)])
    with pytest.raises(EhpcError, match="neither an HTTP"):
        _runner.steps([Script(url)])
    shown = url.replace("\u200b", "\\u200b")
    assert service.warnings == [f"The post script URL {shown} is neither an HTTP(S) URL nor an absolute path, so nodes may not be able to fetch it."]


def test_warns_once_about_a_url(service: Service) -> None:
    twice = [script("base.sh", "1"), script("base.sh", "2")]
    service.expects(read(*twice))
    ensure(service, scripts=twice)
    assert len(service.warnings) == 1


@pytest.mark.parametrize("url", ["http://example.com/a.sh", "/opt/job.sh", BASE, BASE + "?versionId=7&size=large"])
def test_does_not_warn_about_other_urls(service: Service, url: str) -> None:
    service.expects(read(script(url)))
    ensure(service, scripts=[script(url)])
    assert service.warnings == []


@pytest.fixture
def elsewhere(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A time zone that is far from UTC."""
    monkeypatch.setenv("TZ", "Asia/Shanghai")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


V4 = (
    "https://bucket.oss-cn-hangzhou.aliyuncs.com/a.sh?x-oss-signature-version=OSS4-HMAC-SHA256&x-oss-date=20260101T080000Z"
    "&x-oss-expires=3600&x-oss-credential=EXAMPLEid%2F20260101%2Fcn-hangzhou%2Foss%2Faliyun_v4_request&x-oss-signature=0123abcd"
)


@pytest.mark.parametrize(
    ("url", "expiry"),
    [
        (SIGNED, "2030-01-01T00:00:00Z"),
        (V4, "2026-01-01T09:00:00Z"),
        (BASE + "?X-Amz-Date=20260101T080000Z&X-Amz-Expires=60&X-Amz-Signature=EXAMPLEsig", "2026-01-01T08:01:00Z"),
        (BASE + "?X-Goog-Date=20260101T080000Z&X-Goog-Expires=61&X-Goog-Signature=EXAMPLEsig", "2026-01-01T08:01:01Z"),
        (BASE + "?Signature=EXAMPLEsig", None),
        (BASE + "?Signature=EXAMPLEsig&Expires=soon", None),
        (BASE + "?Signature=EXAMPLEsig&Expires=99999999999999999999", None),
        ("https://[scripts/a.sh?Signature=EXAMPLEsig", None),
    ],
    ids=["old form", "V4", "S3", "Google", "no expiry", "expiry not a number", "expiry out of range", "not a URL"],
)
@pytest.mark.usefixtures("elsewhere")
def test_warns_about_pre_signed_urls(service: Service, url: str, expiry: str | None) -> None:
    service.expects(read(), write(script(url)), read(script(url)))
    result = ensure(service, scripts=[script(url)])
    (warning,) = service.warnings
    shown = result["post_scripts"][0]["url"]
    when = f" and expires at {expiry}" if expiry else ""
    assert warning == f"The post script URL {shown} is pre-signed{when}. Nodes that are initialized after it expires cannot fetch it."
    for secret in ("EXAMPLEsig", "EXAMPLEid", "0123abcd"):
        assert secret not in warning
        assert secret not in str(result)


def test_pre_signed_urls_are_compared_with_their_signature(service: Service) -> None:
    """The results are equal, but another signature makes another URL."""
    renewed = SIGNED.replace("EXAMPLEsig", "EXAMPLEnew")
    service.expects(read(script(SIGNED)), write(script(renewed)), read(script(renewed)))
    result = ensure(service, scripts=[script(renewed)])
    assert result["changed"] is True
    assert result["post_scripts"] == result["previous_post_scripts"] == [script(SIGNED_SHOWN)]


# Read back


def test_read_back_late(service: Service) -> None:
    service.expects(read(), write(*BOTH), read(), read(BOTH[0]), read(*BOTH))
    assert ensure(service, scripts=BOTH)["changed"] is True
    assert service.clock.sleeps == [0.5, 0.5]


def test_never_stored(service: Service) -> None:
    other = script(SIGNED, "-x")
    reads = 10 * 2 + 1
    service.expects(read(), write(*BOTH), *[read(other)] * reads)
    error = service.fails(post_scripts, cluster_id=CLUSTER, scripts=BOTH)
    assert sum(service.clock.sleeps) == 10
    failure = error.as_failure()
    assert failure["post_scripts"] == [script(SIGNED_SHOWN, "-x")]
    assert failure["error"]["code"] == "NotStored"
    assert "previous_post_scripts" in failure
    assert failure["error"]["action"] == "SetPostScripts"
    assert failure["error"]["request_id"] == "REQUEST-WRITE"
    assert failure["error"]["hint"]
    assert failure["msg"] == (
        f"The post scripts of cluster {CLUSTER} in cn-hangzhou were written, but E-HPC returns a different list: {SIGNED_SHOWN} -x. Another client"
        " may be changing the list at the same time. Run the task again; let several hosts change one cluster in turn with throttle: 1."
    )
    assert "EXAMPLEsig" not in str(failure)


@pytest.mark.parametrize(("stored", "shown"), [([], "an empty one"), ([script(MONITOR), script(MOUNT, "-y")], f"{MONITOR}, {MOUNT} -y")])
def test_a_failure_shows_what_is_stored_instead(service: Service, stored: list[t.Any], shown: str) -> None:
    service.expects(read(script(BASE)), write(*BOTH), *[read(*stored)] * 21)
    assert f"E-HPC returns a different list: {shown}." in service.fails(post_scripts, cluster_id=CLUSTER, scripts=BOTH).message


@pytest.mark.parametrize("message", ["Not for X", "Not for X."])
def test_a_list_that_was_written_but_cannot_be_read_back(service: Service, message: str) -> None:
    service.expects(read(script(BASE)), write(*BOTH), read(), read(code="NotAuthorized", message=message))
    failure = service.fails(post_scripts, cluster_id=CLUSTER, scripts=BOTH).as_failure()
    assert failure["previous_post_scripts"] == [script(BASE)]
    assert failure["request_id"] == "REQUEST-WRITE"
    assert failure["error"]["action"] == "GetPostScripts"
    assert failure["msg"].startswith(
        f"Cannot read the post scripts of cluster {CLUSTER} in cn-hangzhou: NotAuthorized: Not for X. E-HPC had accepted the new list before. "
    )


def test_asterisks_alone_are_not_a_masked_secret(service: Service) -> None:
    starred = [script("https://scripts.example.com/base.sh?name=***", "*** a=***&b")]
    service.expects(read(), write(*starred), read(*starred))
    assert ensure(service, scripts=starred)["post_scripts"] == starred


def test_slow_reads_do_not_prolong_the_read_back(service: Service) -> None:
    service.expects(read(), write(*BOTH), read(takes=4), read(takes=4), read(takes=4))
    service.fails(post_scripts, cluster_id=CLUSTER, scripts=BOTH)
    assert service.clock.now - 1000 <= 10 + 4


# Lost responses


def test_lost_response_of_a_write_that_arrived(service: Service) -> None:
    service.expects(read(), write(*BOTH, error=LOST), read(*BOTH), read(*BOTH))
    result = ensure(service, scripts=BOTH)
    assert result["changed"] is True
    assert result["request_id"] is None


def test_lost_response_of_a_write_that_did_not_arrive(service: Service) -> None:
    service.expects(read(), write(*BOTH, error=LOST), read(), write(*BOTH), read(*BOTH))
    assert ensure(service, scripts=BOTH)["request_id"] == "REQUEST-WRITE"
    assert service.clock.sleeps == [0.5]


@pytest.mark.parametrize(
    "how",
    [{"body": b""}, {"body": b"<html>"}, {"status": 502, "body": b"<html>"}, {"error": requests.exceptions.ReadTimeout()}],
    ids=["empty 200", "HTML 200", "502", "timeout"],
)
def test_other_lost_responses_of_a_write_that_arrived(service: Service, how: dict[str, t.Any]) -> None:
    service.expects(read(), write(*BOTH, **how), read(*BOTH), read(*BOTH))
    assert ensure(service, scripts=BOTH)["changed"] is True


def test_a_refused_connection_is_not_a_lost_response(service: Service) -> None:
    refused = requests.exceptions.ConnectionError(ConnectionRefusedError(111, "Connection refused"))
    service.expects(read(), write(*BOTH, error=refused), write(*BOTH), read(*BOTH))
    assert ensure(service, scripts=BOTH)["changed"] is True


def test_lost_response_and_the_list_cannot_be_read(service: Service) -> None:
    service.expects(read(), write(*BOTH, error=LOST), read(code="NotAuthorized"))
    error = service.fails(post_scripts, cluster_id=CLUSTER, scripts=BOTH)
    assert error.action == "SetPostScripts"
    assert "not known" in error.message
    assert "You are not authorized" in error.message


def test_write_refused(service: Service) -> None:
    service.expects(read(), write(*BOTH, code="InvalidParams", message="The specified parameter Url is invalid."))
    failure = service.fails(post_scripts, cluster_id=CLUSTER, scripts=BOTH).as_failure()
    assert failure["msg"].startswith(f"Cannot set the post scripts of cluster {CLUSTER} in cn-hangzhou: InvalidParams: The specified parameter Url")
    assert failure["error"]["http_status"] == 400


def test_a_throttled_write_is_retried(service: Service) -> None:
    service.expects(read(), write(*BOTH, code="ServiceUnavailable"), write(*BOTH, code="Throttling.User"), write(*BOTH), read(*BOTH))
    assert ensure(service, scripts=BOTH)["changed"] is True
    assert service.clock.sleeps == [0.5, 1.0]


def test_the_service_echoes_a_pre_signed_url(service: Service) -> None:
    signed = script(SIGNED)
    service.expects(read(), write(signed, code="InvalidParams", message=f"The specified parameter {SIGNED} is invalid: EXAMPLEsig="))
    error = service.fails(post_scripts, cluster_id=CLUSTER, scripts=[signed])
    assert "EXAMPLEsig" not in str(error.as_failure())


def test_unknown_cluster(service: Service) -> None:
    service.expects(Call("GetPostScripts", ClusterId=CLUSTER, code="ClusterNotFound"), get_cluster(code="ClusterNotFound"))
    failure = service.fails(post_scripts, cluster_id=CLUSTER, scripts=[]).as_failure()
    assert failure["error"] == {
        "action": "GetPostScripts",
        "code": "ClusterNotFound",
        "message": "The specified cluster does not exist.",
        "http_status": 404,
        "request_id": failure["error"]["request_id"],
        "hint": failure["error"]["hint"],
    }
    assert failure["error"]["request_id"].startswith("REQUEST-")
    assert CLUSTER in failure["msg"]
    assert failure["error"]["hint"] in failure["msg"]


@pytest.mark.parametrize("args", [f"--fetch {SIGNED}", ["--fetch", SIGNED]], ids=["string", "list"])
def test_pre_signed_url_in_the_arguments(service: Service, args: t.Any) -> None:
    stored = f"--fetch {SIGNED}" if isinstance(args, str) else f"--fetch '{SIGNED}'"
    service.expects(read(), write(script(BASE, stored)), read(script(BASE, stored)))
    result = ensure(service, scripts=[{"url": BASE, "args": args}])
    assert result["post_scripts"] == [script(BASE, stored.replace(SIGNED, SIGNED_SHOWN))]
    assert "EXAMPLEsig" not in str(result)
