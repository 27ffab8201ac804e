# Copyright (c) 2026, the alicloud.ehpc contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""user: create, change and delete users. After an error, the users are read to find the remaining changes."""

from __future__ import annotations

import typing as t

import pytest
import requests
from ansible_collections.alicloud.ehpc.plugins.module_utils import _user_changes
from ansible_collections.alicloud.ehpc.plugins.module_utils._errors import EhpcError
from ansible_collections.alicloud.ehpc.plugins.modules import user as user_module
from ansible_collections.alicloud.ehpc.tests.support.scripted import Call, Service
from ansible_collections.alicloud.ehpc.tests.support.words import CLUSTER, describe, page, user

ONE, TWO, THREE = "hpcuser01", "hpcuser02", "hpcuser03"
PASSWORD, OTHER = "Example-1-password", "Example-2-password"
HEADERS = dict.fromkeys(("before_header", "after_header"), f"users of cluster {CLUSTER} in cn-hangzhou")
NAME_RULE = "A name begins with a letter, has letters, digits and periods only, and at most 30 characters."
LOST = requests.exceptions.ReadTimeout("read timed out")
EXISTS, ABSENT = "AgentError.Account.UserAlreadyExist", "AgentError.Account.UserNotExist"


def public(**info: t.Any) -> Call:
    """The details of a cluster that runs and is not in proxy mode."""
    return describe(**{"Location": "PublicCloud", "EcsInfo": {}, **info})


def ensure(service: Service, *users: dict[str, t.Any], check_mode: bool = False, **options: t.Any) -> dict[str, t.Any]:
    return service.run(user_module, check_mode, cluster_id=CLUSTER, users=list(users), **options)


def fails(service: Service, *users: dict[str, t.Any], **options: t.Any) -> EhpcError:
    with pytest.raises(EhpcError) as caught:
        ensure(service, *users, **options)
    return caught.value


def desired(name: str, group: str = "users", password: str | None = PASSWORD) -> dict[str, t.Any]:
    return {"name": name, "group": group, "password": password}


def _call(action: str, fields: dict[str, tuple[str, ...]], how: dict[str, t.Any]) -> Call:
    params: dict[str, t.Any] = {f"User.{number}.{field}": value for field, values in fields.items() for number, value in enumerate(values, 1)}
    return Call(action, ClusterId=CLUSTER, **params, **how)


def add(*names: str, group: str = "users", **how: t.Any) -> Call:
    return _call("AddUsers", {"Name": names, "Group": (group,) * len(names), "Password": (PASSWORD,) * len(names)}, how)


def delete(*names: str, **how: t.Any) -> Call:
    return _call("DeleteUsers", {"Name": names}, how)


def regroup(*names: str, group: str = "wheel", **how: t.Any) -> Call:
    return _call("ModifyUserGroups", {"Name": names, "Group": (group,) * len(names)}, how)


def passwords(*names: str, password: str = PASSWORD, **how: t.Any) -> Call:
    return _call("ModifyUserPasswords", {"Name": names, "Password": (password,) * len(names)}, how)


def shown(*users: dict[str, str]) -> dict[str, t.Any]:
    return {"users": [{"name": entry["name"], "group": entry["group"]} for entry in users]}


# Create, again


def test_create(service: Service) -> None:
    service.expects(public(), page(ONE), add(TWO, THREE), page(ONE, TWO, THREE))
    assert ensure(service, desired(TWO), desired(THREE)) == {
        "changed": True,
        "cluster_id": CLUSTER,
        "region": "cn-hangzhou",
        "users": [user(ONE), user(TWO), user(THREE)],
        "added": [TWO, THREE],
        "removed": [],
        "modified": [],
        "password_changed": [],
        "diff": {**HEADERS, "before": shown(user(ONE)), "after": shown(user(ONE), user(TWO), user(THREE))},
    }


def test_create_check_mode(service: Service) -> None:
    service.expects(public(), page(ONE))
    result = ensure(service, desired(TWO, "wheel"), check_mode=True)
    assert (result["changed"], result["added"]) == (True, [TWO])
    assert result["users"] == [user(ONE), {"name": TWO, "group": "wheel", "add_time": None}]
    assert result["diff"]["after"] == shown(user(ONE), user(TWO, "wheel"))


@pytest.mark.parametrize("check_mode", [False, True])
def test_create_idempotent(service: Service, check_mode: bool) -> None:
    service.expects(public(), page(ONE, TWO))
    result = ensure(service, desired(ONE), desired(TWO, password=None), check_mode=check_mode)
    assert (result["changed"], result["users"]) == (False, [user(ONE), user(TWO)])
    assert result["diff"]["before"] == result["diff"]["after"]


def test_without_a_check_of_the_cluster(service: Service) -> None:
    service.expects(page(ONE))
    assert ensure(service, desired(ONE), check_cluster=False)["changed"] is False


def test_twenty_users_in_a_call(service: Service) -> None:
    names = [f"hpcuser{number:03d}" for number in range(45)]
    service.expects(public(), page(), add(*names[:20]), add(*names[20:40]), add(*names[40:]), page(*names))
    assert ensure(service, *map(desired, names))["added"] == names


# Groups and passwords


def test_group(service: Service) -> None:
    service.expects(public(), page(ONE, TWO), regroup(TWO), page(ONE, user(TWO, "wheel")))
    result = ensure(service, desired(ONE), desired(TWO, "wheel", None))
    assert (result["changed"], result["modified"], result["added"]) == (True, [TWO], [])


def test_group_check_mode(service: Service) -> None:
    service.expects(public(), page(ONE))
    result = ensure(service, desired(ONE, "wheel"), check_mode=True)
    assert (result["changed"], result["modified"], result["users"]) == (True, [ONE], [user(ONE, "wheel")])


def test_passwords_always(service: Service) -> None:
    service.expects(public(), page(ONE, TWO), add(THREE), passwords(ONE), page(ONE, TWO, THREE))
    result = ensure(service, desired(ONE), desired(TWO, password=None), desired(THREE), update_password="always")
    assert (result["changed"], result["password_changed"], result["added"]) == (True, [ONE], [THREE])
    assert result["diff"]["after"]["new_password_for"] == [ONE]
    assert "new_password_for" not in result["diff"]["before"]


def test_passwords_always_check_mode(service: Service) -> None:
    service.expects(public(), page(ONE))
    result = ensure(service, desired(ONE), update_password="always", check_mode=True)
    assert (result["changed"], result["password_changed"]) == (True, [ONE])


def test_no_password_appears(service: Service) -> None:
    service.expects(public(), page(ONE), add(TWO, code="InvalidParams", message=f"The specified parameter {PASSWORD} is invalid."), page(ONE))
    failure = fails(service, desired(ONE), desired(TWO)).as_failure()
    assert PASSWORD not in str(failure)


# Absent and purge


def test_absent(service: Service) -> None:
    service.expects(public(), page(ONE, TWO), delete(TWO), page(ONE))
    result = ensure(service, desired(TWO, password=None), desired(THREE, password=None), state="absent")
    assert (result["changed"], result["removed"], result["users"]) == (True, [TWO], [user(ONE)])


def test_absent_check_mode(service: Service) -> None:
    service.expects(public(), page(ONE, TWO))
    result = ensure(service, desired(TWO), state="absent", update_password="always", check_mode=True)
    assert (result["changed"], result["removed"], result["users"], result["password_changed"]) == (True, [TWO], [user(ONE)], [])


def test_absent_idempotent(service: Service) -> None:
    service.expects(public(), page(ONE))
    assert ensure(service, desired(TWO), state="absent")["changed"] is False


def test_purge(service: Service) -> None:
    system = (user("root", "users"), user("sshd", "sshd"))
    service.expects(public(), page(ONE, TWO, *system), add(THREE), delete(ONE), page(TWO, THREE, *system))
    result = ensure(service, desired(TWO), desired(THREE), purge=True)
    assert (result["added"], result["removed"]) == ([THREE], [ONE])


def test_purge_keeps_a_user_without_a_name(service: Service) -> None:
    service.expects(public(), page(answer={"Users": {"UserInfo": [{"Name": "Admin1", "Group": "users"}, {"Group": "users"}]}}))
    result = ensure(service, desired("Admin2"), purge=True, check_mode=True)
    assert ([entry["name"] for entry in result["users"]], result["removed"]) == ([None, "Admin2"], ["Admin1"])
    assert result["diff"]["before"] == {"users": [{"name": "", "group": "users"}, {"name": "Admin1", "group": "users"}]}


def test_purge_check_mode(service: Service) -> None:
    service.expects(public(), page(ONE, TWO))
    result = ensure(service, check_mode=True, purge=True)
    assert (result["changed"], result["removed"], result["users"]) == (True, [ONE, TWO], [])


# Decided by reading


def test_a_lost_response_is_not_a_lost_write(service: Service) -> None:
    service.expects(public(), page(), add(ONE, error=LOST), page(ONE), page(ONE))
    assert ensure(service, desired(ONE))["added"] == [ONE]


def test_a_lost_request_is_sent_again(service: Service) -> None:
    service.expects(public(), page(), add(ONE, error=LOST), page(), add(ONE), page(ONE))
    assert ensure(service, desired(ONE))["added"] == [ONE]


def test_lost_responses_of_other_writes(service: Service) -> None:
    """A write is sent again only if the users do not show it."""
    kept, moved = page(ONE, TWO), page(user(ONE, "wheel"), TWO)
    service.expects(public(), kept, regroup(ONE, error=LOST), kept, regroup(ONE), delete(TWO, error=LOST), moved, delete(TWO), page(user(ONE, "wheel")))
    result = ensure(service, desired(ONE, "wheel"), purge=True)
    assert (result["modified"], result["removed"]) == ([ONE], [TWO])
    service.expects(public(), kept, regroup(ONE, error=LOST), moved, delete(TWO, error=LOST), page(user(ONE, "wheel")), page(user(ONE, "wheel")))
    assert ensure(service, desired(ONE, "wheel"), purge=True) == result


def test_a_user_without_a_password_that_another_client_deleted(service: Service) -> None:
    service.expects(public(), page(ONE, TWO), regroup(ONE, TWO, code=ABSENT), page(ONE), page(ONE))
    error = fails(service, desired(ONE, "wheel", None), desired(TWO, "wheel", None))
    assert (error.message, error.result["removed"]) == (f"These users do not exist yet and have no password: {TWO}.", [TWO])


def test_another_client_created_the_user_first(service: Service) -> None:
    service.expects(public(), page(), add(ONE, TWO, code=EXISTS), page(user(ONE, "wheel")), add(TWO), regroup(ONE, group="users"), page(ONE, TWO))
    result = ensure(service, desired(ONE), desired(TWO))
    assert (result["changed"], result["added"]) == (True, [ONE, TWO])


def test_a_part_was_applied_before_the_error(service: Service) -> None:
    service.expects(public(), page(), add(ONE, TWO, THREE, code="AgentError"), page(ONE), add(TWO, THREE, code="AgentError"), page(ONE, TWO))
    service.expects(add(THREE, code="AgentError"), page(ONE, TWO))
    error = fails(service, desired(ONE), desired(TWO), desired(THREE))
    assert error.code == "AgentError"
    assert (error.result["changed"], error.result["added"], error.result["users"]) == (True, [ONE, TWO], [user(ONE), user(TWO)])


def test_deleted_by_another_client(service: Service) -> None:
    service.expects(public(), page(ONE, TWO), delete(ONE, TWO, code=ABSENT), page(ONE), delete(ONE), page())
    assert ensure(service, desired(ONE), desired(TWO), state="absent")["removed"] == [ONE, TWO]


def test_another_client_never_stops(service: Service) -> None:
    service.expects(public(), page())
    for _round in range(5):
        service.expects(add(ONE, TWO, code=EXISTS), page(ONE), add(TWO, code=EXISTS), page())
    assert fails(service, desired(ONE), desired(TWO)).code == EXISTS


def test_an_error_without_progress(service: Service) -> None:
    service.expects(public(), page(), add(ONE, code="NotAuthorized"), page())
    error = fails(service, desired(ONE))
    assert (error.code, error.result["changed"], error.result["added"]) == ("NotAuthorized", False, [])
    assert "ehpc:AddUsers" in str(error)


def test_an_error_after_which_reads_fail(service: Service) -> None:
    service.expects(public(), page(), add(ONE, code="AgentError"), page(code="ManagerNotFound"))
    error = fails(service, desired(ONE))
    assert error.code == "AgentError"
    reason = "The manager nodes do not exist or their status is abnormal."
    assert error.message == f"Refused. It is not known which users were changed, because reading failed, too: {reason}"


def test_passwords_in_batches_that_were_set_before_an_error(service: Service) -> None:
    names = [f"hpcuser{number:03d}" for number in range(25)]
    service.expects(public(), page(*names), passwords(*names[:20]), passwords(*names[20:], code="AgentError"), page(*names))
    service.expects(passwords(*names[20:], code="AgentError"), page(*names))
    error = fails(service, *map(desired, names), update_password="always")
    assert (error.result["changed"], error.result["password_changed"]) == (True, names[:20])
    assert "It is not known whether these users have the new password: hpcuser020, hpcuser021, hpcuser022, hpcuser023, hpcuser024." in str(error)


@pytest.mark.parametrize(("how", "unknown"), [({"error": LOST}, True), ({"code": "AgentError"}, True), ({"code": "NotAuthorized"}, False)])
def test_whether_passwords_were_set(service: Service, how: dict[str, t.Any], unknown: bool) -> None:
    """Setting passwords again is harmless, so they are retried after a lost response. After the last attempt the result is unknown."""
    service.expects(public(), page(ONE), *[passwords(ONE, **how)] * (6 if "error" in how else 1), page(ONE))
    error = fails(service, desired(ONE), update_password="always")
    assert (error.result["changed"], error.result["password_changed"]) == (False, [])
    assert ("It is not known whether these users have the new password: hpcuser01." in str(error)) is unknown


def test_groups_of_which_the_agent_has_changed_a_part(service: Service) -> None:
    service.expects(public(), page(ONE, TWO), regroup(ONE, TWO, code="AgentError"), page(user(ONE, "wheel"), TWO), regroup(TWO, code="AgentError"))
    service.expects(page(user(ONE, "wheel"), TWO))
    error = fails(service, desired(ONE, "wheel"), desired(TWO, "wheel"))
    assert (error.result["modified"], "not known" in str(error)) == ([ONE], False)


def test_changes_that_are_never_read_back(service: Service) -> None:
    service.expects(public(), page(ONE), add(TWO), regroup(ONE), *[page(ONE)] * 21)
    error = fails(service, desired(ONE, "wheel"), desired(TWO))
    assert (error.code, error.result["changed"]) == ("NotStored", False)
    assert str(error) == (
        f"Cannot manage the users of cluster {CLUSTER} in cn-hangzhou: The users of cluster {CLUSTER} in cn-hangzhou were changed,"
        f" but the list of users does not show these changes: create {TWO}; change the group of {ONE}. Another client may have changed them at the same time."
        " Check them with alicloud.ehpc.user_info, then run the task again."
    )
    assert sum(service.clock.sleeps) == pytest.approx(user_module.READ_BACK_LIMIT)


def test_changes_after_which_the_users_cannot_be_read(service: Service) -> None:
    service.expects(public(), page(ONE), add(TWO), page(code="NotAuthorized"))
    assert ". E-HPC had accepted the changes before. Grant the RAM action ehpc:ListUsers " in str(fails(service, desired(ONE), desired(TWO)))


# Refused


def test_a_user_without_a_password(service: Service) -> None:
    for check_mode in (True, False):
        service.expects(public(), page(ONE))
        message, hint = f"These users do not exist yet and have no password: {TWO}.", "Set users[].password to create them."
        assert fails(service, desired(ONE, password=None), desired(TWO, password=None), check_mode=check_mode).as_failure() == {
            "msg": f"Cannot manage the users of cluster {CLUSTER} in cn-hangzhou: {message} {hint}",
            "error": {"action": None, "code": "InvalidOptions", "message": message, "http_status": None, "request_id": None, "hint": hint},
        }


@pytest.mark.parametrize(
    ("users", "options", "message"),
    [
        ([desired(TWO)] * 2 + [desired(ONE)] * 2, {}, f"The option users has these names more than once: {ONE}, {TWO}. List each user once."),
        ([desired(ONE)], {"purge": True, "state": "absent"}, "The option purge cannot be used with state: absent. Omit purge."),
        ([desired("")], {}, f"users[0].name is not a valid user name: ''. {NAME_RULE}"),
        ([desired(ONE), desired("1hpcuser")], {}, f"users[1].name is not a valid user name: '1hpcuser'. {NAME_RULE}"),
        ([desired("hpc_user")], {}, f"users[0].name is not a valid user name: 'hpc_user'. {NAME_RULE}"),
        ([desired("h" * 31)], {}, f"users[0].name is not a valid user name: '{'h' * 31}'. {NAME_RULE}"),
        ([desired(ONE + "\n")], {}, f"users[0].name is not a valid user name: '{ONE}\\n'. {NAME_RULE}"),
        ([desired(ONE, password="")], {}, f"users[0].password of user {ONE} does not meet the password rule. Use {_user_changes.PASSWORD_RULE}."),
    ],
)
def test_refused_before_any_call(service: Service, users: list[dict[str, t.Any]], options: dict[str, t.Any], message: str) -> None:
    error = fails(service, *users, **options)
    assert error.code == "InvalidOptions"
    assert str(error) == f"Cannot manage the users of cluster {CLUSTER} in cn-hangzhou: {message}"


def test_messages_have_at_most_twenty_names(service: Service) -> None:
    names = [f"u{number:03d}" for number in range(25)]
    summary = ", ".join(names[:20]) + " and 5 more."
    many = [desired(name, password=None) for name in names]
    assert f"The option users has these names more than once: {summary}" in str(fails(service, *many, *many))
    service.expects(public(), page())
    assert f"These users do not exist yet and have no password: {summary}" in str(fails(service, *many))
    assert {warning.partition(": ")[2] for warning in service.warnings} == {summary}
    left = [_user_changes.Change("DeleteUsers", [_user_changes.User(name, "users") for name in names])]
    assert f"does not show these changes: delete {summary}" in str(_user_changes.not_stored(CLUSTER, "cn-hangzhou", left))


@pytest.mark.parametrize("password", ["Short-1", "A-1" + "x" * 28, "only-small-letters", "UPPER-CASE-ONLY", "with a Blank 1", "Umlaut-ä-12345", "Example-1\n"])
def test_passwords_outside_the_rule_are_refused_and_not_shown(service: Service, password: str) -> None:
    error = fails(service, desired(ONE, password=password))
    assert "does not meet the password rule" in str(error)
    assert password not in str(error.as_failure())


@pytest.mark.parametrize("password", ["1@a2Zzzz", "Example12", "lower-12345", "UPPER-12345", "()~!@#$%^&*-_+=|{}[]:;'/<>,.?"[:27] + "Aa1"])
def test_passwords_within_the_rule(password: str) -> None:
    assert _user_changes.is_valid_password(password)


def test_short_names_are_warned_of(service: Service) -> None:
    names = ("user1", "user02", "h" * 30)
    service.expects(public(), page(*names))
    ensure(service, *map(desired, names))
    assert service.warnings == ["These user names have fewer than 6 characters, so E-HPC may refuse them: user1."]


@pytest.mark.parametrize(
    ("info", "code"), [({"Status": "Stopped"}, "InvalidClusterStatus"), ({"Location": "OnPremise", "EcsInfo": {"ProxyMgr": {"Count": 1}}}, "InProxyMode")]
)
def test_clusters_in_proxy_mode_or_not_running(service: Service, info: dict[str, t.Any], code: str) -> None:
    service.expects(public(**info))
    error = fails(service, desired(ONE))
    assert error.code == code
    assert str(error).startswith(f"Cannot manage the users of cluster {CLUSTER} in cn-hangzhou: ")
