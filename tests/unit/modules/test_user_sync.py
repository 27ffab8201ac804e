# Copyright (c) 2026, the alicloud.ehpc contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""user_sync: check, synchronize, wait for the expected users."""

from __future__ import annotations

import contextlib
import typing as t

import pytest
import requests
from ansible_collections.alicloud.ehpc.plugins.module_utils._errors import EhpcError
from ansible_collections.alicloud.ehpc.plugins.modules import user_sync
from ansible_collections.alicloud.ehpc.tests.support.scripted import Call, Service, Unexpected
from ansible_collections.alicloud.ehpc.tests.support.words import CLUSTER, describe, get_cluster, ids, page, sync, user

ONE, TWO, THREE = "hpcuser01", "hpcuser02", "hpcuser03"
HEADERS = dict.fromkeys(("before_header", "after_header"), f"users of cluster {CLUSTER} in cn-hangzhou")
TIMEOUT = requests.exceptions.ReadTimeout("read timed out")


def ensure(service: Service, check_mode: bool = False, **options: t.Any) -> dict[str, t.Any]:
    return service.run(user_sync, check_mode, cluster_id=CLUSTER, **options)


def result_of(before: list[dict[str, str]], after: list[dict[str, str]], **more: t.Any) -> dict[str, t.Any]:
    old, new = [entry["name"] for entry in before], [entry["name"] for entry in after]
    return {
        "changed": before != after,
        "cluster_id": CLUSTER,
        "region": "cn-hangzhou",
        "synced": True,
        "users": after,
        "added": [name for name in new if name not in old],
        "removed": [name for name in old if name not in new],
        "missing": [],
        "request_id": "REQUEST-SYNC",
        "diff": {**HEADERS, "before": {"users": before}, "after": {"users": after}},
        **more,
    }


# Synchronize, run again


def test_sync(service: Service) -> None:
    service.expects(describe(), page(ONE), sync(), page(ONE, TWO, THREE))
    result = ensure(service, expected_users=[THREE, TWO])
    assert result == result_of([user(ONE)], [user(ONE), user(TWO), user(THREE)])
    assert not service.clock.sleeps


def test_sync_check_mode(service: Service) -> None:
    service.expects(describe(), page(ONE))
    result = ensure(service, check_mode=True, expected_users=[TWO, ONE])
    before = [user(ONE)]
    predicted = {"users": [user(ONE), {"name": TWO, "group": None, "add_time": None}]}
    assert result == result_of(
        before, before, changed=True, synced=False, missing=[TWO], request_id=None, diff={**HEADERS, "before": {"users": before}, "after": predicted}
    )


@pytest.mark.parametrize("check_mode", [False, True])
def test_sync_idempotent(service: Service, check_mode: bool) -> None:
    service.expects(describe(), page(ONE, TWO))
    both = [user(ONE), user(TWO)]
    assert ensure(service, check_mode, expected_users=[ONE, TWO]) == result_of(both, both, synced=False, request_id=None)


# Without expected users, or with force


@pytest.mark.parametrize("options", [{}, {"expected_users": []}, {"expected_users": [ONE], "force": True}], ids=["none", "empty", "force"])
def test_always_synchronizes(service: Service, options: dict[str, t.Any]) -> None:
    service.expects(describe(), page(ONE), sync(), page(ONE))
    assert ensure(service, **options) == result_of([user(ONE)], [user(ONE)])


@pytest.mark.parametrize("options", [{}, {"expected_users": []}, {"expected_users": [ONE], "force": True}], ids=["none", "empty", "force"])
def test_always_synchronizes_check_mode(service: Service, options: dict[str, t.Any]) -> None:
    service.expects(describe(), page(ONE))
    result = ensure(service, check_mode=True, **options)
    assert result["changed"] is True
    assert result["synced"] is False
    assert result["missing"] == []


def test_changed_group_is_a_change(service: Service) -> None:
    service.expects(describe(), page(user(ONE)), sync(), page(user(ONE, "wheel")))
    result = ensure(service, force=True, expected_users=[ONE])
    assert result["changed"] is True
    assert result["added"] == result["removed"] == []
    assert result["users"] == [user(ONE, "wheel")]


def test_removed_users(service: Service) -> None:
    service.expects(describe(), page(ONE, TWO), sync(), page(ONE, THREE))
    result = ensure(service)
    assert (result["changed"], result["added"], result["removed"]) == (True, [THREE], [TWO])


def test_another_order_is_no_change(service: Service) -> None:
    service.expects(describe(), page(TWO, ONE), sync(), page(ONE, TWO))
    assert ensure(service)["changed"] is False


def test_no_users_at_all(service: Service) -> None:
    service.expects(describe(), page(answer={}), sync(), page(answer={"Users": {}}))
    assert ensure(service) == result_of([], [])


def test_many_users(service: Service) -> None:
    names = [f"simuser{number:03d}" for number in range(120)]
    pages = [page(*names[start : start + 50], number=start // 50 + 1, total=120) for start in (0, 50, 100)]
    service.expects(describe(), *pages)
    assert len(ensure(service, expected_users=names)["users"]) == 120


def test_an_expected_user_named_twice(service: Service) -> None:
    service.expects(describe(), page(ONE))
    assert ensure(service, check_mode=True, expected_users=[TWO, TWO])["missing"] == [TWO]


# Waiting


def test_waits_for_the_expected_users(service: Service) -> None:
    service.expects(describe(), page(), sync(), page(), page(ONE), page(ONE), page(ONE, TWO))
    result = ensure(service, expected_users=[ONE, TWO])
    assert result["missing"] == []
    assert result["added"] == [ONE, TWO]
    assert service.clock.sleeps == [1.0, 2.0, 4.0]


def test_users_that_are_still_missing_at_the_end(service: Service) -> None:
    waits = [1.0, 2.0, 4.0, 8.0, 5.0]
    service.expects(describe(), page(), sync(), *[page(ONE)] * (len(waits) + 1))
    error = service.fails(user_sync, cluster_id=CLUSTER, expected_users=[ONE, THREE, TWO], wait_timeout=20)
    assert service.clock.sleeps == waits
    assert error.code == "UsersMissing"
    failure = error.as_failure()
    assert failure["missing"] == [THREE, TWO]
    assert failure["msg"] == (
        f"The users of cluster {CLUSTER} in cn-hangzhou were synchronized, but 2 of 3 expected users are missing after 20 seconds: {THREE}, {TWO}."
        f" Added: {ONE}. Check their names, and that they exist in the on-premises account service. If they only arrive late, raise wait_timeout."
    )
    assert failure["error"] == {
        "action": "SyncUsers",
        "code": "UsersMissing",
        "message": error.message,
        "http_status": None,
        "request_id": "REQUEST-SYNC",
        "hint": error.hint,
    }
    documented = {key: value for key, value in result_of([], [user(ONE)], missing=[THREE, TWO]).items() if key not in ("users", "diff")}
    assert {key: value for key, value in failure.items() if key not in ("msg", "error")} == documented


def test_a_failure_does_not_list_all_users(service: Service) -> None:
    """Ansible prints a failure in one line."""
    names = [f"simuser{number:03d}" for number in range(70)]
    expected = [f"hpcuser{number:02d}" for number in range(25)]
    two_pages = [page(*names[:50], total=70), page(*names[50:], number=2, total=70)]
    service.expects(describe(), page(*names[:1]), sync(takes=20), *two_pages)
    failure = service.fails(user_sync, cluster_id=CLUSTER, expected_users=expected, wait_timeout=20).as_failure()
    assert failure["missing"] == expected
    assert failure["added"] == names[1:]
    assert "25 of 25 expected users are missing after 20 seconds: hpcuser00, hpcuser01, " in failure["msg"]
    assert "hpcuser19 and 5 more. Added: simuser001, " in failure["msg"]
    assert "simuser020 and 49 more. Check" in failure["msg"]
    assert len(str(failure)) < 4000


def test_a_failure_after_which_no_user_was_added(service: Service) -> None:
    service.expects(describe(), page(ONE), sync(takes=20), page(ONE))
    error = service.fails(user_sync, cluster_id=CLUSTER, expected_users=[ONE, TWO], wait_timeout=20)
    assert error.message.endswith(f" 1 of 2 expected users are missing after 20 seconds: {TWO}. Added: no users.")


def test_polls_at_least_every_ten_seconds(service: Service) -> None:
    waits = [1.0, 2.0, 4.0, 8.0, 10.0, 10.0, 10.0, 1.0]
    service.expects(describe(), page(), sync(), *[page()] * (len(waits) + 1))
    service.fails(user_sync, cluster_id=CLUSTER, expected_users=[ONE], wait_timeout=46)
    assert service.clock.sleeps == waits


def test_wait_timeout_includes_the_synchronization(service: Service) -> None:
    service.expects(describe(), page(), sync(takes=19), page(), page())
    service.fails(user_sync, cluster_id=CLUSTER, expected_users=[ONE], wait_timeout=20)
    assert service.clock.sleeps == [1.0]


def test_reads_once_after_a_synchronization_that_took_all_the_time(service: Service) -> None:
    service.expects(describe(), page(), sync(takes=20), page(ONE))
    assert ensure(service, expected_users=[ONE], wait_timeout=20)["added"] == [ONE]
    assert not service.clock.sleeps


def test_a_synchronization_that_takes_longer_than_wait_timeout(service: Service) -> None:
    service.expects(describe(), page(), sync(takes=20.6))
    error = service.fails(user_sync, cluster_id=CLUSTER, expected_users=[ONE], wait_timeout=20)
    assert (error.action, error.code) == ("SyncUsers", "TimedOut")


def test_wait_timeout_bounds_each_page_of_users(service: Service) -> None:
    full = [f"hpcuser{number:02d}" for number in range(50)]
    service.expects(describe(), page(), sync(takes=19), page(*full, total=100, takes=2))
    error = service.fails(user_sync, cluster_id=CLUSTER, expected_users=[ONE], wait_timeout=20)
    assert (error.action, error.code) == ("ListUsers", "TimedOut")
    assert error.as_failure()["synced"] is True


@pytest.mark.parametrize(("wait_timeout", "read_timeout", "expected"), [(300, 30, 300), (20, 30, 20), (600, 30, 600)])
def test_the_synchronization_may_take_as_long_as_the_wait(service: Service, wait_timeout: int, read_timeout: int, expected: int) -> None:
    service.expects(describe(), page(ONE), sync(), page(ONE))
    ensure(service, wait_timeout=wait_timeout, read_timeout=read_timeout)
    assert [seen.timeout[1] for seen in service.seen] == [read_timeout, read_timeout, expected, read_timeout]


def test_wait_timeout_includes_retries(service: Service) -> None:
    # An attempt that takes all of the time is the last one.
    service.expects(describe(), page(), *[sync(error=TIMEOUT, takes=60)] * 6)
    with pytest.raises(EhpcError):
        ensure(service, expected_users=[ONE], wait_timeout=60)
    with contextlib.suppress(Unexpected):
        service.done()
    assert service.clock.now - 1000 <= 60 + 30


def test_a_lost_response_is_retried(service: Service) -> None:
    service.expects(describe(), page(), sync(error=requests.exceptions.ConnectionError("reset")), sync(), page(ONE))
    assert ensure(service, expected_users=[ONE])["added"] == [ONE]


def test_the_shortest_wait(service: Service) -> None:
    service.expects(describe(), page(), sync(takes=0.5), page(), page(ONE))
    assert ensure(service, expected_users=[ONE], wait_timeout=1)["added"] == [ONE]
    assert service.clock.sleeps == [0.5]


@pytest.mark.parametrize("wait_timeout", [0, -1])
def test_wait_timeouts_that_are_refused(service: Service, wait_timeout: int) -> None:
    error = service.fails(user_sync, cluster_id=CLUSTER, wait_timeout=wait_timeout)
    assert f"not {wait_timeout}" in error.message


# Names and IDs


@pytest.mark.parametrize("name", ["", " ", "hpcuser01 ", "\thpcuser01", "hpc\nuser", "hpc\x00"])
def test_names_that_are_not_valid(service: Service, name: str) -> None:
    error = service.fails(user_sync, cluster_id=CLUSTER, expected_users=[ONE, name])
    assert repr(name) in error.message
    assert error.code == "InvalidOptions"


def test_blank_cluster_id(service: Service) -> None:
    assert "cluster_id" in service.fails(user_sync, cluster_id=" ").message


# User IDs


def test_user_ids_that_differ(service: Service) -> None:
    """They are read after the synchronization. Users of only one side do not count."""
    found = [(ONE, "1001"), (TWO, "1007"), (THREE, None), ("root", "0"), ("local", "1010")]
    names = [*[name for name, _uid in found], "hpcuser07"]
    service.expects(describe(), page(ONE), sync(), page(*names), ids("Success", *found, query=None), ids("Success", *found))
    result = ensure(service, expected_users=[TWO], expected_uids={ONE: 1001, TWO: "1002", THREE: 1003, "root": 1, "hpcuser07": 1, "hpcuser09": 1009})
    assert result["uid_differences"] == [
        {"name": TWO, "expected_uid": 1002, "uid": 1007},
        {"name": THREE, "expected_uid": 1003, "uid": None},
        {"name": "hpcuser07", "expected_uid": 1, "uid": None},
        {"name": "root", "expected_uid": 1, "uid": 0},
    ]
    assert service.warnings == [
        f"These users of cluster {CLUSTER} in cn-hangzhou have other user IDs than on-premises:"
        f" {TWO} (1007 instead of 1002), {THREE} (unknown instead of 1003), hpcuser07 (unknown instead of 1), root (0 instead of 1)."
    ]


@pytest.mark.parametrize("check_mode", [False, True])
def test_user_ids_that_agree(service: Service, check_mode: bool) -> None:
    service.expects(describe(), page(ONE), ids("Success", (ONE, "1001"), query=None), ids("Success", (ONE, "1001")))
    assert ensure(service, check_mode, expected_users=[ONE], expected_uids={ONE: 1001})["uid_differences"] == []
    assert not service.warnings


def test_user_ids_that_cannot_be_read(service: Service) -> None:
    """The users have been synchronized nevertheless."""
    service.expects(describe(), page(), sync(), page(ONE), ids("", query=None, code="NotAuthorized"))
    result = ensure(service, expected_users=[ONE], expected_uids={ONE: 1001})
    assert (result["added"], result["uid_differences"]) == ([ONE], [])
    (warning,) = service.warnings
    assert warning.startswith(f"The user IDs of cluster {CLUSTER} in cn-hangzhou were not compared. ")
    assert "ehpc:ListUsersAsync" in warning


def test_user_ids_that_are_not_numbers(service: Service) -> None:
    error = service.fails(user_sync, cluster_id=CLUSTER, expected_uids={ONE: "low"})
    message = f"The user ID of {ONE} in expected_uids is not a whole number: 'low'. Use the number that id -u prints."
    assert str(error) == f"Cannot synchronize the users of cluster {CLUSTER} in cn-hangzhou: {message}"


# The check of the cluster


@pytest.mark.parametrize("check_mode", [False, True])
@pytest.mark.parametrize("status", ["creating", "Init", "exception", "stopped", ""])
def test_a_cluster_that_is_not_running(service: Service, status: str, check_mode: bool) -> None:
    service.expects(describe(Status=status))
    error = service.fails(user_sync, check_mode, cluster_id=CLUSTER, expected_users=[ONE])
    assert str(error).startswith(
        f"Cannot synchronize the users of cluster {CLUSTER} in cn-hangzhou: Its status is {status.lower() or 'unknown'}, not running. "
    )
    assert (error.code, error.action) == ("InvalidClusterStatus", "SyncUsers")
    assert error.hint


def test_status_in_another_case(service: Service) -> None:
    service.expects(describe(Status="Running"), page(ONE))
    assert ensure(service, expected_users=[ONE])["changed"] is False


@pytest.mark.parametrize("check_mode", [False, True])
@pytest.mark.parametrize(
    ("info", "kind"),
    [
        ({"Location": "PublicCloud"}, "not a hybrid cluster"),
        ({"Location": "PublicCloud", "EcsInfo": {}}, "not a hybrid cluster"),
        ({"EcsInfo": {"Manager": {"Count": 1}}}, "a hybrid cluster without a proxy node"),
        ({"EcsInfo": {"ProxyMgr": {}}}, "a hybrid cluster without a proxy node"),
        ({"EcsInfo": {"ProxyMgr": {"InstanceType": "", "Count": 0}}, "OnPremiseInfo": {"OnPremiseInfo": []}}, "a hybrid cluster without a proxy node"),
        ({"EcsInfo": None, "OnPremiseInfo": None}, "a hybrid cluster without a proxy node"),
    ],
    ids=["public", "public without nodes", "no proxy", "empty stub", "no proxy node", "nothing"],
)
def test_cluster_not_in_proxy_mode(service: Service, info: dict[str, t.Any], kind: str, check_mode: bool) -> None:
    service.expects(describe(**info))
    error = service.fails(user_sync, check_mode, cluster_id=CLUSTER)
    assert str(error) == (
        f"Cannot synchronize the users of cluster {CLUSTER} in cn-hangzhou: It is not in hybrid-cloud proxy mode (it is {kind}). Only hybrid clusters"
        " with a proxy node have on-premises users to synchronize. Manage the users of other clusters with alicloud.ehpc.user. If you are sure"
        " that this cluster has a proxy node, set check_cluster to false."
    )
    assert (error.code, error.action) == ("NotInProxyMode", "SyncUsers")


@pytest.mark.parametrize(
    "info",
    [
        {"EcsInfo": {"ProxyMgr": {"Count": "1"}}},
        {"EcsInfo": {}, "OnPremiseInfo": {"OnPremiseInfo": [{"Type": "account", "HostName": "manager01", "IP": "192.0.2.10"}]}},
        {"EcsInfo": None, "OnPremiseInfo": [{"Type": "account"}]},
    ],
    ids=["count as text", "on-premises managers", "on-premises managers in a flat list"],
)
def test_cluster_in_proxy_mode(service: Service, info: dict[str, t.Any]) -> None:
    service.expects(describe(**info), page(ONE))
    assert ensure(service, expected_users=[ONE])["changed"] is False


def test_unknown_cluster(service: Service) -> None:
    service.expects(describe(code="ClusterNotFound"), get_cluster(code="ClusterNotFound"))
    failure = service.fails(user_sync, cluster_id=CLUSTER).as_failure()
    assert failure["error"]["action"] == "DescribeCluster"
    assert CLUSTER in failure["msg"]


def test_check_cluster_false(service: Service) -> None:
    service.expects(page(), sync(), page(ONE))
    assert ensure(service, check_cluster=False, expected_users=[ONE])["added"] == [ONE]


def test_check_cluster_false_check_mode(service: Service) -> None:
    service.expects(page())
    assert ensure(service, check_mode=True, check_cluster=False, expected_users=[ONE])["changed"] is True


# Failures of the service


@pytest.mark.parametrize("code", ["NotAuthorized", "InvalidClusterStatus", "ManagerNotFound", "AgentError.Account.UserSynFailure"])
def test_sync_fails(service: Service, code: str) -> None:
    service.expects(describe(), page(ONE), sync(code=code, status=406, message="synchronize users failed: ypserv is down"))
    failure = service.fails(user_sync, cluster_id=CLUSTER).as_failure()
    assert failure["error"]["code"] == code
    assert failure["msg"].startswith(f"Cannot synchronize the users of cluster {CLUSTER} in cn-hangzhou: {code}: ")
    assert "ypserv is down" in failure["msg"]


def test_the_users_cannot_be_read_before(service: Service) -> None:
    service.expects(describe(), page(code="ManagerNotFound"))
    assert service.fails(user_sync, cluster_id=CLUSTER).action == "ListUsers"


def test_the_users_cannot_be_read_afterwards(service: Service) -> None:
    service.expects(describe(), page(), sync(), page(code="ManagerNotFound"))
    failure = service.fails(user_sync, cluster_id=CLUSTER, expected_users=[ONE]).as_failure()
    assert failure["error"]["action"] == "ListUsers"
    assert "The synchronization itself was accepted before that." in failure["msg"]
    assert failure["synced"] is True
    assert failure["request_id"] == "REQUEST-SYNC"


def test_without_a_request_id(service: Service) -> None:
    service.expects(describe(), page(ONE), Call("SyncUsers", ClusterId=CLUSTER, body=b"{}"), page(ONE))
    assert ensure(service)["request_id"] is None
