# Copyright (c) 2026, the alicloud.ehpc contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Error responses: every documented code with its status and message, in JSON and in XML."""

from __future__ import annotations

import json
import re
from typing import Any
from xml.etree import ElementTree

import pytest
from alibabacloud_tea_openapi.exceptions import ClientException
from alibabacloud_tea_openapi.exceptions import ServerException as TeaServerException
from aliyunsdkcore.acs_exception.exceptions import ServerException
from ansible_collections.alicloud.ehpc.tests.emulator import Emulator
from ansible_collections.alicloud.ehpc.tests.emulator.errors import CODES

HYBRID = "ehpc-hz-hybrid01"

# As the pages of the two operations have them, rows of their tables of error codes.
PAGES = {
    "SetPostScripts": [
        (400, "InvalidParams", "The specified parameter %s is invalid."),
        (404, "ClusterNotFound", "The specified cluster does not exist."),
        (500, "UnknownError", "An unknown error occurred."),
        (503, "ServiceUnavailable", "The request has failed due to a temporary failure of the server"),
    ],
    "SyncUsers": [
        (400, "InvalidParams", "The parameters are invalid."),
        (403, "InvalidClusterStatus", "The operation failed due to invalid cluster status."),
        (403, "ExecFail", "Failed to execute the command: %s."),
        (404, "ManagerNotFound", "The manager nodes do not exist or their status is abnormal."),
        (404, "ClusterNotFound", "The specified cluster does not exist."),
        (406, "AgentError.Account.UserSynFailure", "synchronize users failed: %s"),
        (407, "NotAuthorized", "You are not authorized by RAM for this request."),
        (500, "UnknownError", "An unknown error occurred."),
        (503, "ServiceUnavailable", "The request has failed due to a temporary failure of the server"),
    ],
}
ROWS = [(action, *row) for action, rows in PAGES.items() for row in rows]


@pytest.mark.parametrize(("action", "status", "code", "message"), ROWS)
def test_documented_codes_reach_the_first_sdk(action: str, status: int, code: str, message: str, emulator: Emulator, core: Any) -> None:
    emulator.fault(action, code=code, detail="ypserv <& down>")

    with pytest.raises(ServerException) as caught:
        core.call(action, ClusterId=HYBRID)

    error = caught.value
    assert (error.get_http_status(), error.get_error_code()) == (status, code)
    assert error.get_error_msg() == message.replace("%s", "ypserv <& down>")
    assert error.get_request_id() == emulator.calls[0].request_id
    assert (emulator.calls[0].http_status, emulator.calls[0].code) == (status, code)


@pytest.mark.parametrize(("action", "status", "code", "message"), ROWS)
def test_documented_codes_reach_the_second_sdk(action: str, status: int, code: str, message: str, emulator: Emulator, tea: Any) -> None:
    emulator.fault(action, code=code, detail="ypserv is down")

    with pytest.raises((ClientException, TeaServerException)) as caught:
        tea.call(action, cluster_id=HYBRID, region_id="cn-hangzhou")

    assert (caught.value.status_code, caught.value.code) == (status, code)
    assert message.replace("%s", "ypserv is down") in caught.value.message


@pytest.mark.parametrize("code", CODES)
def test_every_known_code_can_be_injected(code: str, emulator: Emulator, plain: Any) -> None:
    emulator.fault(code=code, detail="detail")

    answer = plain.get("ListRegions")

    status, message = CODES[code]
    assert (answer.status_code, answer.json()["Code"]) == (status, code)
    assert answer.json()["Message"] == message.replace("%s", "detail")


@pytest.mark.parametrize(
    ("code", "status"),
    [
        ("AgentError", 406),
        ("AgentError.Account.GetUserListFailure", 406),
        ("AliyunError", 406),
        ("ExecFail", 403),
        ("InternalError", 500),
        ("InvalidAccessKeyId.NotFound", 404),
        ("MissingClusterId", 400),
        ("OrderError", 406),
        ("Throttling.User", 400),
    ],
)
def test_statuses_of_some_codes(code: str, status: int, emulator: Emulator, plain: Any) -> None:
    emulator.fault(code=code)

    assert plain.error("ListRegions") == (status, code)


def test_status_and_message_can_be_given(emulator: Emulator, plain: Any) -> None:
    emulator.fault(code="QuotaExceeded", status=429, message="Later.")

    answer = plain.get("ListRegions")

    assert (answer.status_code, answer.json()["Code"], answer.json()["Message"]) == (429, "QuotaExceeded", "Later.")


def test_unknown_codes_and_kinds_are_refused_at_once(emulator: Emulator) -> None:
    with pytest.raises(ValueError, match="unknown error code 'Sleepy'"):
        emulator.fault(code="Sleepy")
    with pytest.raises(ValueError, match="unknown fault kind 'sleepy'.*lost_before"):
        emulator.fault(kind="sleepy")


def test_a_signature_fault_contains_the_string_to_sign(emulator: Emulator, core: Any) -> None:
    """With the real string the first SDK finds that only the secret can be wrong; it fails on a message without a colon."""
    emulator.fault(code="SignatureDoesNotMatch")

    with pytest.raises(ServerException) as caught:
        core.call("ListRegions")

    assert caught.value.get_error_code() == "InvalidAccessKeySecret"


def test_errors_in_json(emulator: Emulator, plain: Any) -> None:
    answer = plain.get("DescribeCluster", ClusterId="ehpc-hz-nowhere")

    body = answer.json()
    assert answer.headers["Content-Type"] == "application/json;charset=utf-8"
    assert list(body) == ["RequestId", "HostId", "Code", "Message", "Recommend"]
    assert re.fullmatch(r"[0-9A-F]{8}(-[0-9A-F]{4}){3}-[0-9A-F]{12}", body["RequestId"])
    assert body["HostId"] == emulator.endpoint.removeprefix("http://")
    assert body["Recommend"] == "https://api.aliyun.com/troubleshoot?q=ClusterNotFound"


@pytest.mark.parametrize("form", [None, "XML", "xml"])
def test_errors_in_xml(form: str | None, emulator: Emulator, plain: Any) -> None:
    emulator.fault(code="ExecFail", detail="<sh> & co")

    answer = plain.get("SyncUsers", Format=form, ClusterId=HYBRID)

    root = ElementTree.fromstring(answer.content)
    assert answer.status_code == 403
    assert answer.headers["Content-Type"] == "text/xml;charset=utf-8"
    assert answer.text.startswith("<?xml version='1.0' encoding='UTF-8'?><Error>")
    assert [child.tag for child in root] == ["RequestId", "HostId", "Code", "Message", "Recommend"]
    assert root.findtext("Message") == "Failed to execute the command: <sh> & co."


def test_answers_in_xml(emulator: Emulator, plain: Any) -> None:
    emulator.state.clusters[HYBRID].post_scripts *= 2

    scripts = ElementTree.fromstring(plain.get("GetPostScripts", Format="XML", ClusterId=HYBRID).content)
    nodes = ElementTree.fromstring(plain.get("ListNodes", Format="XML", ClusterId=HYBRID).content)

    assert scripts.tag == "GetPostScriptsResponse"
    assert [entry.findtext("Args") for entry in scripts.findall("PostInstallScripts")] == ["--mode base"] * 2
    assert nodes.findtext("TotalCount") == "5"
    assert [node.findtext("HostName") for node in nodes.findall("Nodes/NodeInfo")][:1] == ["manager000"]
    assert [role.text for role in nodes.findall("Nodes/NodeInfo[1]/Roles/Role")] == ["Account", "Scheduler"]
    assert nodes.findtext("Nodes/NodeInfo/HtEnabled") == "true"


def test_names_in_other_scripts_are_sent_as_they_are(plain: Any) -> None:
    answer = plain.get("ListRegions")

    assert "华东1（杭州）" in answer.content.decode()
    assert json.loads(answer.content)["Regions"]["RegionInfo"][0]["LocalName"] == "华东1（杭州）"
