# Copyright (c) 2026, the alicloud.ehpc contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""_errors: each code has a useful hint, and a failure is complete."""

from __future__ import annotations

import re
import typing as t

import pytest
from ansible_collections.alicloud.ehpc.plugins.module_utils import _errors
from ansible_collections.alicloud.ehpc.plugins.module_utils._errors import EhpcError, hint_for, invalid_option

# The error tables of the pages of SetPostScripts and SyncUsers, with a word that only the right hint has.
OPERATIONS = {
    "SetPostScripts": {
        "InvalidParams": "every value",
        "ClusterNotFound": "cluster_info",
        "UnknownError": "later",
        "ServiceUnavailable": "later",
    },
    "SyncUsers": {
        "InvalidParams": "every value",
        "InvalidClusterStatus": "must be running",
        "ExecFail": "agent's log",
        "ManagerNotFound": "proxy node",
        "ClusterNotFound": "cluster_info",
        "AgentError.Account.UserSynFailure": "on-premises account server",
        "NotAuthorized": "ehpc:SyncUsers",
        "UnknownError": "later",
        "ServiceUnavailable": "later",
    },
}
# The gateway's codes.
GATEWAY = [
    ("InvalidAccessKeyId.NotFound", "access_key"),
    ("InvalidAccessKeyId.Inactive", "disabled"),
    ("SignatureDoesNotMatch", "secret_key"),
    ("IncompleteSignature", "secret_key"),
    ("InvalidAccessKeySecret", "secret_key"),
    ("SignatureNonceUsed", "twice"),
    ("InvalidTimeStamp.Expired", "clock"),
    ("InvalidTimeStamp.Format", "clock"),
    ("InvalidSignatureMethod", "proxy"),
    ("MissingClusterId", "options"),
    ("MissingAccessKeyId", "options"),
    ("MissingTimestamp", "options"),
    ("MissingSecurityToken", "security_token"),
    ("InvalidVersion", "endpoint"),
    ("InvalidAction.NotFound", "endpoint"),
    ("InvalidApi.NotFound", "endpoint"),
    ("InvalidProduct.NotFound", "endpoint"),
    ("InvalidProtocol.NeedSsl", "https"),
    ("InvalidRegionId", "region_info"),
    ("InvalidRegionId.NotFound", "region_info"),
    ("UnsupportedHTTPMethod", "proxy"),
    ("InvalidParameter.Format", "proxy"),
    ("Throttling", "forks"),
    ("Throttling.User", "forks"),
    ("Throttling.Api", "forks"),
    ("InvalidSecurityToken.Expired", "expired"),
    ("InvalidSecurityToken.Malformed", "belong together"),
    ("InvalidSecurityToken.MismatchWithAccessKey", "belong together"),
    ("NoPermission", "ehpc:DescribeCluster"),
    ("Forbidden.RAM", "ehpc:DescribeCluster"),
    ("Forbidden", "ehpc:DescribeCluster"),
    ("InternalError", "later"),
    ("ServiceUnavailable", "later"),
    # ListUsers
    ("AgentError", "management node"),
    ("AgentError.Account.DomainNotExist", "domain"),
    ("AgentError.Account.GetentPasswdFailure", "list the users"),
    ("AgentError.Account.GetUserListFailure", "list the users"),
    ("AgentError.Account.UserAddFailure", "management node"),
    # no answer of the service
    (_errors.INVALID_ANSWER, "endpoint"),
    (_errors.CONNECTION_FAILED, "proxy"),
    (_errors.HOST_NOT_FOUND, "name resolution"),
    (_errors.TIMED_OUT, "read_timeout"),
    (_errors.TLS_FAILED, "ca_path"),
    (_errors.CREDENTIALS, "profile"),
]


@pytest.fixture
def whole_sentences() -> None:
    """The failures of these tests need not be sentences."""


@pytest.mark.parametrize(("action", "code", "word"), [(action, code, word) for action, codes in OPERATIONS.items() for code, word in codes.items()])
def test_hint_for_each_code_of_the_operations(action: str, code: str, word: str) -> None:
    assert word in (hint_for(code, action) or "")


@pytest.mark.parametrize(("code", "word"), GATEWAY)
def test_hint_for_each_code_of_the_gateway(code: str, word: str) -> None:
    assert word in (hint_for(code, "DescribeCluster") or "")


def test_the_codes_of_an_operation_have_different_hints() -> None:
    # UnknownError and ServiceUnavailable have the same remedy.
    hints = [hint_for(code, "SyncUsers") for code in OPERATIONS["SyncUsers"]]
    assert len(set(hints)) == len(hints) - 1


@pytest.mark.parametrize("code", ["NotAuthorized", "Forbidden", "Forbidden.RAM", "Forbidden.SubUser", "NoPermission", "NoPermission.Whatever"])
@pytest.mark.parametrize("action", ["GetPostScripts", "SetPostScripts", "SyncUsers", "ListUsers", "DescribeCluster", "ListClusters", "ListRegions"])
def test_a_denial_names_the_ram_action(code: str, action: str) -> None:
    assert f"ehpc:{action} " in (hint_for(code, action) or "")


@pytest.mark.parametrize("code", ["Unheard.Of", "invalidparams", "", "Invalid", "NotAuthorizedAtAll", "Throttlin"])
def test_unknown_codes_have_no_hint(code: str) -> None:
    assert hint_for(code, "SyncUsers") is None


@pytest.mark.parametrize("code", list(_errors.HINTS))
def test_hints_are_sentences(code: str) -> None:
    hint = hint_for(code.replace("*", ".Other"), "SyncUsers") or ""
    assert hint.endswith((".", "?"))
    assert "{" not in hint
    assert "  " not in hint


def test_failure_with_everything() -> None:
    error = EhpcError(
        "ClusterNotFound", "The cluster does not exist", _errors.attempt("SyncUsers", "ehpc-hz-EXAMPLE", "cn-hangzhou"), "SyncUsers", 404, "REQUEST"
    )
    hint = hint_for("ClusterNotFound")
    assert error.as_failure() == {
        "msg": f"Cannot synchronize the users of cluster ehpc-hz-EXAMPLE in cn-hangzhou: ClusterNotFound: The cluster does not exist. {hint}",
        "error": {
            "action": "SyncUsers",
            "code": "ClusterNotFound",
            "message": "The cluster does not exist",
            "http_status": 404,
            "request_id": "REQUEST",
            "hint": hint,
        },
    }


def test_failure_of_a_call_that_is_not_named() -> None:
    error = EhpcError("NotAuthorized", "You may not.", action="SyncUsers", http_status=407)
    assert str(error).startswith("You may not. Grant the RAM action ehpc:SyncUsers ")
    assert error.args == ("You may not.",)


def test_failure_without_details() -> None:
    assert EhpcError("Unheard.Of", "It failed!").as_failure() == {
        "msg": "It failed!",
        "error": {"action": None, "code": "Unheard.Of", "message": "It failed!", "http_status": None, "request_id": None, "hint": None},
    }


def test_failure_with_a_result() -> None:
    failure = EhpcError("Code", "It failed.", result={"missing": ["hpcuser01"], "msg": "not this"}).as_failure()
    assert failure["missing"] == ["hpcuser01"]
    assert failure["msg"] == "It failed."


def test_context() -> None:
    error = EhpcError("Code", "It failed.", "try", "Action", 500, "REQUEST", "Look.", True, {"synced": False, "users": []})
    more = error.with_context("It was late.", synced=True)
    assert vars(more) == {**vars(error), "message": "It failed. It was late.", "result": {"synced": True, "users": []}}
    assert error.result["synced"] is False
    assert vars(error.with_context(attempted="do it")) == {**vars(error), "attempted": "do it"}
    assert EhpcError("Code", "It failed").with_context("Twice.").message == "It failed. Twice."


def test_a_hint_of_the_failure_replaces_that_of_the_code() -> None:
    assert EhpcError("ClusterNotFound", "x", hint="Look twice.").hint == "Look twice."


@pytest.mark.parametrize("text", ["Done.", "Done!", "Done?", "Done"])
def test_sentences_end_with_one_period(text: str) -> None:
    assert re.fullmatch(r"Done[.!?] Look\.", str(invalid_option(text, "Look.")))


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (("SetPostScripts", "ehpc-hz-EXAMPLE", "cn-hangzhou"), "set the post scripts of cluster ehpc-hz-EXAMPLE in cn-hangzhou"),
        (("ListRegions", None, "cn-hangzhou"), "list the regions in cn-hangzhou"),
        (("NewAction", None, "cn-hangzhou"), "NewAction in cn-hangzhou"),
    ],
)
def test_attempt(arguments: t.Any, text: str) -> None:
    assert _errors.attempt(*arguments) == text
