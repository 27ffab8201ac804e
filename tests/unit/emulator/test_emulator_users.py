# Copyright (c) 2026, the alicloud.ehpc contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Adding, changing and deleting the users of a cluster, and reading them with their IDs."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from ansible_collections.alicloud.ehpc.tests.emulator import Emulator
from ansible_collections.alicloud.ehpc.tests.emulator.state import Cluster

PUBLIC = "ehpc-hz-public01"
PASSWORD = "Example-1-password"
USER_ALREADY_EXISTS, USER_NOT_EXIST = "AgentError.Account.UserAlreadyExist", "AgentError.Account.UserNotExist"


@pytest.fixture
def public(emulator: Emulator) -> Cluster:
    return emulator.state.clusters[PUBLIC]


def users(*entries: dict[str, str]) -> dict[str, str]:
    return {"ClusterId": PUBLIC, **{f"User.{number}.{name}": value for number, entry in enumerate(entries, 1) for name, value in entry.items()}}


def user(name: str, **fields: str) -> dict[str, str]:
    return {"Name": name, "Group": "users", "Password": PASSWORD, **fields}


def test_users_are_added_in_order_with_the_next_ids(public: Cluster, plain: Any) -> None:
    answer = plain.get("AddUsers", **users(user("hpcuser07"), user("hpcuser06", Group="wheel")))

    assert list(answer.json()) == ["RequestId"]
    added = [public.users[name] for name in ("hpcuser07", "hpcuser06")]
    assert [(one.group, one.uid, one.password) for one in added] == [("users", 1002, PASSWORD), ("wheel", 1003, PASSWORD)]


@pytest.mark.parametrize(("batches", "kept"), [("whole", False), ("until_failure", True)])
def test_a_batch_with_a_user_that_exists(batches: str, kept: bool, emulator: Emulator, public: Cluster, plain: Any) -> None:
    emulator.state.user_batches = batches

    assert plain.error("AddUsers", **users(user("hpcuser06"), user("admin01"), user("hpcuser07"))) == (406, USER_ALREADY_EXISTS)

    assert ("hpcuser06" in public.users) is kept
    assert "hpcuser07" not in public.users
    assert public.users["admin01"].group == "wheel"


@pytest.mark.parametrize(
    "entry",
    [
        {"Name": "hpcuser06", "Group": "users"},
        {"Name": "hpcuser06", "Password": PASSWORD},
        {"Group": "users", "Password": PASSWORD},
        user("1hpcuser"),
        user("hpc_user"),
        user("h" * 31),
        user("hpcuser06", Group="root"),
        user("hpcuser06", Password="Short-1"),
        user("hpcuser06", Password="only-small-letters"),
        user("hpcuser06", Password="With a blank 1"),
    ],
)
def test_users_that_the_documentation_does_not_allow(entry: dict[str, str], public: Cluster, plain: Any) -> None:
    assert plain.error("AddUsers", **users(entry)) == (400, "InvalidParams")
    assert set(public.users) == {"admin01", "hpcuser01"}


def test_no_users_or_too_many(plain: Any) -> None:
    assert plain.error("AddUsers", ClusterId=PUBLIC) == (400, "InvalidParams")
    assert plain.error("DeleteUsers", **users(*({"Name": f"hpcuser{number}"} for number in range(101)))) == (400, "InvalidParams")


@pytest.mark.parametrize(("short_names", "status"), [("accept", 200), ("refuse", 400)])
def test_the_documented_example_has_a_short_name(short_names: str, status: int, emulator: Emulator, plain: Any) -> None:
    emulator.state.short_user_names = short_names

    assert plain.get("AddUsers", **users(user("user1"))).status_code == status


def test_groups_passwords_and_deletion(public: Cluster, plain: Any) -> None:
    plain.get("ModifyUserGroups", **users({"Name": "hpcuser01", "Group": "wheel"}))
    plain.get("ModifyUserPasswords", **users({"Name": "hpcuser01", "Password": PASSWORD}))
    plain.get("DeleteUsers", **users({"Name": "admin01"}))

    assert set(public.users) == {"hpcuser01"}
    assert (public.users["hpcuser01"].group, public.users["hpcuser01"].password) == ("wheel", PASSWORD)


@pytest.mark.parametrize(
    ("action", "fields", "failure"),
    [
        ("DeleteUsers", {}, "UserDeleteFailure"),
        ("ModifyUserGroups", {"Group": "wheel"}, "UserModifyGroupFailure"),
        ("ModifyUserPasswords", {"Password": PASSWORD}, "UserChangePasswordFailure"),
    ],
)
def test_unknown_users(action: str, fields: dict[str, str], failure: str, emulator: Emulator, plain: Any) -> None:
    unknown = users({"Name": "unknown01", **fields})

    assert plain.error(action, **unknown) == (406, USER_NOT_EXIST)
    emulator.state.unknown_user = "failure"
    assert plain.error(action, **unknown) == (406, f"AgentError.Account.{failure}")
    emulator.state.unknown_user = "ignore"
    assert plain.get(action, **unknown).status_code == 200


@pytest.mark.parametrize("action", ["AddUsers", "DeleteUsers", "ModifyUserGroups", "ModifyUserPasswords", "ListUsersAsync"])
def test_users_need_a_running_cluster_with_a_manager(action: str, public: Cluster, plain: Any) -> None:
    params = users(user("hpcuser01"))
    public.manager = "down"
    assert plain.error(action, **params) == (404, "ManagerNotFound")
    public.status = "stopped"
    assert plain.error(action, **params) == (403, "InvalidClusterStatus")
    assert plain.error(action, **{**params, "ClusterId": "ehpc-hz-nowhere"}) == (404, "ClusterNotFound")


def test_a_cluster_in_proxy_mode_can_refuse(emulator: Emulator, plain: Any) -> None:
    params = {**users(user("hpcuser06")), "ClusterId": "ehpc-hz-hybrid01"}
    emulator.state.manage_with_proxy = "InvalidOpt"
    assert plain.error("ModifyUserGroups", **params) == (400, "InvalidOpt")
    emulator.state.manage_with_proxy = "accept"
    assert plain.get("AddUsers", **params).status_code == 200


def test_asynchronous_changes_take_effect_later_and_without_an_error(emulator: Emulator, public: Cluster, plain: Any, clock: SimpleNamespace) -> None:
    emulator.state.async_delay = 5
    for name in ("hpcuser06", "admin01"):
        assert list(plain.get("AddUsers", **users(user(name)), Async="true").json()) == ["RequestId"]
    assert plain.get("ListUsers", ClusterId=PUBLIC).json()["TotalCount"] == 2
    clock.seconds += 5
    assert plain.get("ListUsers", ClusterId=PUBLIC).json()["TotalCount"] == 3


def test_ids_are_returned_once_the_query_has_finished(emulator: Emulator, plain: Any) -> None:
    emulator.state.async_polls = 2
    answer = plain.get("ListUsersAsync", ClusterId=PUBLIC).json()
    assert (answer["AsyncStatus"], answer["Users"]["UserInfo"]) == ("Running", [])
    query = answer["AsyncId"]
    assert plain.get("ListUsersAsync", ClusterId=PUBLIC, AsyncId=query).json()["AsyncStatus"] == "Running"

    answer = plain.get("ListUsersAsync", ClusterId=PUBLIC, AsyncId=query, PageSize="1", PageNumber="2").json()

    assert (answer["AsyncStatus"], answer["AsyncId"], answer["TotalCount"]) == ("Success", query, 2)
    assert answer["Users"]["UserInfo"] == [{"Name": "hpcuser01", "Group": "users", "AddTime": "2024-01-15T08:00:00.000Z", "UserId": "1001", "GroupId": "100"}]


def test_unknown_queries_and_queries_with_another_final_status(emulator: Emulator, plain: Any) -> None:
    assert plain.error("ListUsersAsync", ClusterId=PUBLIC, AsyncId="t-EXAMPLE") == (400, "InvalidParams")
    emulator.state.async_polls, emulator.state.async_status = 0, "Failed"
    answer = plain.get("ListUsersAsync", ClusterId=PUBLIC).json()
    assert (answer["AsyncStatus"], answer["Users"]["UserInfo"]) == ("Failed", [])
