# Copyright (c) 2026, the alicloud.ehpc contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The official SDKs as judges: every operation through both, every documented field through the models of the second."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from alibabacloud_ehpc20180412 import models
from alibabacloud_tea_openapi.exceptions import ClientException
from aliyunsdkcore.acs_exception.exceptions import ServerException
from ansible_collections.alicloud.ehpc.tests.emulator import Emulator
from ansible_collections.alicloud.ehpc.tests.emulator.commands import Command, Record
from ansible_collections.alicloud.ehpc.tests.emulator.operations import OPERATIONS
from ansible_collections.alicloud.ehpc.tests.support.models import fields

HYBRID = "ehpc-hz-hybrid01"
SCRIPT = {"url": "https://bucket.oss-cn-hangzhou.aliyuncs.com/a b.sh", "args": "-x '1*2' ~ + %41 \"数\" &a=b"}
SET = {"cluster_id": HYBRID, "region_id": "cn-hangzhou"}
NODE = f"i-{HYBRID}-compute000"
INVOCATION = {"cluster_id": HYBRID, "command_id": "c-EXAMPLE"}

PUBLIC = "ehpc-hz-public01"
NEW_USER = {"name": "hpcuser06", "group": "users", "password": "1@a2-Example"}

LOCAL_NODE = '[{"HostName": "local001", "IpAddress": "192.0.2.11", "CpuCores": 8, "Memory": 16384}]'

PARAMS: dict[str, dict[str, Any]] = {
    "AddLocalNodes": {"cluster_id": HYBRID, "nodes": LOCAL_NODE, "queue": "workq"},
    "AddUsers": {"cluster_id": PUBLIC, "user": [models.AddUsersRequestUser(**NEW_USER)]},
    "DeleteUsers": {"cluster_id": PUBLIC, "user": [models.DeleteUsersRequestUser(name="hpcuser01")]},
    "DescribeCluster": {"cluster_id": HYBRID},
    "GetHybridClusterConfig": {"cluster_id": HYBRID, "node": "local000"},
    "GetPostScripts": SET,
    "InvokeShellCommand": {
        "cluster_id": HYBRID,
        "command": "exit",
        "timeout": 5,
        "instance": [models.InvokeShellCommandRequestInstance(id=NODE)],
    },
    "ListClusters": {"page_size": 2, "page_number": 2},
    "ListClustersMeta": {"page_size": 2},
    "ListInvocationResults": {**INVOCATION, "invoke_record_status": "Finished", "instance": [models.ListInvocationResultsRequestInstance(id=NODE)]},
    "ListInvocationStatus": INVOCATION,
    "ListNodes": {"cluster_id": HYBRID},
    "ListRegions": {},
    "ListUsers": {"cluster_id": HYBRID},
    "ListUsersAsync": {"cluster_id": HYBRID},
    "ModifyUserGroups": {"cluster_id": PUBLIC, "user": [models.ModifyUserGroupsRequestUser(name="hpcuser01", group="wheel")]},
    "ModifyUserPasswords": {"cluster_id": PUBLIC, "user": [models.ModifyUserPasswordsRequestUser(name="hpcuser01", password="1@a2-Example")]},
    "SetPostScripts": {**SET, "post_install_scripts": [models.SetPostScriptsRequestPostInstallScripts(**SCRIPT)]},
    "SyncUsers": SET,
}


# Each answer has new ones.
OWN_IDS = {"InvokeShellCommand": ["CommandId"], "ListUsersAsync": ["AsyncId"]}


@pytest.fixture(autouse=True)
def ready(emulator: Emulator) -> None:
    """A command that has been run, a query that finishes at once, and a user that can be deleted twice."""
    emulator.state.async_polls, emulator.state.unknown_user = 0, "ignore"
    record = Record(NODE)
    record.finish("Finished", "hello world", 0)
    emulator.state.machines.commands["c-EXAMPLE"] = Command(HYBRID, "echo hello world", 60, [record], "c-EXAMPLE")


def core_params(params: dict[str, Any]) -> dict[str, Any]:
    """The same for the first SDK, which names parameters as the service does and takes the region from the client."""
    renamed = {"".join(part.title() for part in name.split("_")): value for name, value in params.items()}
    renamed.pop("RegionId", None)
    if "PostInstallScripts" in renamed:
        del renamed["PostInstallScripts"]
        renamed["PostInstallScriptss"] = [{"Url": SCRIPT["url"], "Args": SCRIPT["args"]}]
    if "Instance" in renamed:
        renamed["Instances"] = [{"Id": instance.id} for instance in renamed.pop("Instance")]
    if "User" in renamed:
        renamed["Users"] = [user.to_map() for user in renamed.pop("User")]
    return renamed


def test_every_operation_is_tried() -> None:
    assert set(PARAMS) == set(OPERATIONS)


@pytest.mark.parametrize("action", PARAMS)
def test_both_sdks_get_the_same_answer(action: str, emulator: Emulator, core: Any, tea: Any) -> None:
    first = core.call(action, **core_params(PARAMS[action]))
    if action == "AddUsers":
        del emulator.state.clusters[PUBLIC].users[NEW_USER["name"]]
    if action == "AddLocalNodes":
        emulator.state.clusters[HYBRID].nodes = [node for node in emulator.state.clusters[HYBRID].nodes if node.host_name != "local001"]
    second = tea.call(action, **PARAMS[action]).to_map()

    for name in ("RequestId", *OWN_IDS.get(action, ())):
        assert first.pop(name) != second.pop(name)
    # to_map() has only what the model documents, so nothing undocumented is sent either.
    assert first == second
    assert emulator.actions() == [action, action]


@pytest.mark.parametrize("action", PARAMS)
def test_every_documented_field_is_there_in_its_documented_type(action: str, tea: Any) -> None:
    for name, kind, value in fields(tea.call(action, **PARAMS[action])):
        assert value is not None, name
        assert value.__class__ is kind, f"{name} is {value!r}"


def test_cluster_info_shows_the_state(emulator: Emulator, tea: Any) -> None:
    cluster = emulator.state.clusters[HYBRID]

    info = tea.call("DescribeCluster", cluster_id=HYBRID).cluster_info

    for name in ("id", "name", "description", "status", "location", "scheduler_type", "account_type", "deploy_mode"):
        assert getattr(info, name) == getattr(cluster, name), name
    assert (info.region_id, info.zone_id, info.create_time) == ("cn-hangzhou", "cn-hangzhou-b", cluster.create_time)
    scripts = info.post_install_scripts.post_install_script_info
    assert [{"url": script.url, "args": script.args} for script in scripts] == cluster.post_scripts
    assert json.loads(info.win_ad_par)["AdUserPasswd"] == "EXAMPLE-directory-password"
    assert info.openldap_par == cluster.openldap_par
    assert info.domain == "nis"
    assert (info.ecs_info.proxy_mgr.count, info.ecs_info.compute.count, info.ecs_info.login.count) == (1, 2, 0)
    (manager,) = info.on_premise_info.on_premise_info
    assert (manager.type, manager.host_name, manager.ip) == ("account, scheduler", "master000", "203.0.113.13")
    assert [(node.role, node.host_name) for node in info.nodes.nodes_info] == [
        ("Manager", "master000"),
        ("Compute", "local000"),
    ]


@pytest.mark.parametrize("cluster_id", ["ehpc-hz-hybrid02", "ehpc-hz-public01"])
def test_proxy_fields_are_absent_without_proxy_mode(cluster_id: str, tea: Any) -> None:
    info = tea.call("DescribeCluster", cluster_id=cluster_id).cluster_info

    assert info.on_premise_info is None
    assert info.ecs_info.proxy_mgr is None
    assert (info.win_ad_par is not None) == (info.location == "OnPremise")


def test_details_replace_fields_of_the_description(emulator: Emulator, tea: Any) -> None:
    emulator.state.clusters[HYBRID].details = {"WithoutAgent": "false", "Status": "Init"}

    info = tea.call("DescribeCluster", cluster_id=HYBRID).cluster_info

    assert (info.without_agent, info.status) == ("false", "Init")


def test_lists_of_clusters_show_the_state(emulator: Emulator, tea: Any) -> None:
    expected = [cluster for cluster in emulator.state.clusters.values() if cluster.region == "cn-hangzhou"]
    full = tea.call("ListClusters", page_size=50)
    meta = tea.call("ListClustersMeta", page_size=50)

    assert (full.total_count, full.page_number, full.page_size) == (4, 1, 50)
    for body in (full, meta):
        for shown, cluster in zip(body.clusters.cluster_info_simple, expected, strict=True):
            for name in ("id", "name", "description", "status", "location", "scheduler_type", "account_type", "deploy_mode"):
                assert getattr(shown, name) == getattr(cluster, name)
    public = full.clusters.cluster_info_simple[2]
    assert (public.count, public.managers.total, public.managers.normal_count) == (4, 2, 2)
    assert (public.total_resources.cpu, public.create_time) == (16, "2024-01-15T08:00:00.000Z")
    assert json.loads(public.login_nodes)[0]["Id"] == "i-ehpc-hz-public01-login000"


def test_counters_follow_the_nodes(emulator: Emulator, tea: Any) -> None:
    nodes = emulator.state.clusters["ehpc-hz-public01"].nodes
    for node, status in zip([node for node in nodes if node.role == "Compute"], ["exception", "stopped", "initing"]):
        node.status = status

    computes = tea.call("ListClusters").clusters.cluster_info_simple[2].computes

    assert (computes.total, computes.normal_count, computes.exception_count) == (4, 1, 1)
    assert (computes.stopped_count, computes.operating_count) == (1, 1)


def test_nodes_show_the_state(emulator: Emulator, tea: Any) -> None:
    cluster = emulator.state.clusters[HYBRID]

    shown = tea.call("ListNodes", cluster_id=HYBRID, page_size=100).nodes.node_info

    for info, node in zip(shown, cluster.nodes, strict=True):
        for name in (
            "id",
            "host_name",
            "status",
            "location",
            "ip_address",
            "public_ip_address",
            "add_time",
            "state_in_sched",
        ):
            assert getattr(info, name) == getattr(node, name)
        assert info.roles.role == node.roles
        assert info.created_by_ehpc == (node.location == "PublicCloud")
        assert info.region_id == "cn-hangzhou"


def test_a_command_is_followed_to_its_output(emulator: Emulator, tea: Any) -> None:
    instances = [models.InvokeShellCommandRequestInstance(id=NODE)]
    command = tea.call("InvokeShellCommand", cluster_id=HYBRID, command="echo hello; exit 3", instance=instances)
    followed = {"cluster_id": HYBRID, "command_id": command.command_id}

    while tea.call("ListInvocationStatus", **followed).invoke_status == "Running":
        time.sleep(0.02)

    (status,) = tea.call("ListInvocationStatus", **followed).invoke_instances.invoke_instance
    (result,) = tea.call("ListInvocationResults", **followed).invocation_results.invocation_result
    assert command.instance_ids.instance_id == [NODE]
    assert (status.instance_id, status.instance_invoke_status) == (NODE, "Finished")
    assert (result.instance_id, result.success, result.exit_code, result.message) == (NODE, False, 3, "hello\n")


def test_users_and_regions_show_the_state(emulator: Emulator, tea: Any) -> None:
    users = tea.call("ListUsers", cluster_id="ehpc-hz-public01").users.user_info
    regions = tea.call("ListRegions").regions.region_info

    assert [(user.name, user.group, user.add_time) for user in users] == [
        ("admin01", "wheel", "2024-01-15T08:00:00"),
        ("hpcuser01", "users", "2024-01-15T08:00:00"),
    ]
    assert [(region.region_id, region.local_name) for region in regions] == [(region.id, region.local_name) for region in emulator.state.regions.values()]


@pytest.mark.parametrize("sdk", ["core", "tea"])
def test_users_change_as_requested_by_the_sdks(sdk: str, emulator: Emulator, request: pytest.FixtureRequest) -> None:
    client = request.getfixturevalue(sdk)
    for action in ("AddUsers", "ModifyUserGroups", "ModifyUserPasswords"):
        client.call(action, **(core_params(PARAMS[action]) if sdk == "core" else PARAMS[action]))

    users = emulator.state.clusters[PUBLIC].users
    assert (users["hpcuser06"].group, users["hpcuser06"].password) == ("users", NEW_USER["password"])
    assert (users["hpcuser01"].group, users["hpcuser01"].password) == ("wheel", "1@a2-Example")


@pytest.mark.parametrize("sdk", ["core", "tea"])
def test_scripts_are_returned_as_they_were_sent(sdk: str, emulator: Emulator, request: pytest.FixtureRequest) -> None:
    client = request.getfixturevalue(sdk)
    params = PARAMS["SetPostScripts"]

    client.call("SetPostScripts", **(core_params(params) if sdk == "core" else params))

    assert emulator.state.clusters[HYBRID].post_scripts == [SCRIPT]


@pytest.mark.parametrize("name", ["temporary", "stranger"])
def test_other_keys_work_with_acs3(name: str, tea_of: Any) -> None:
    assert tea_of(name).call("ListClusters").total_count == (0 if name == "stranger" else 4)


def test_refusals_reach_both_sdks(core: Any, tea: Any) -> None:
    with pytest.raises(ServerException) as first:
        core.call("DescribeCluster", ClusterId="ehpc-hz-nowhere")
    with pytest.raises(ClientException) as second:
        tea.call("DescribeCluster", cluster_id="ehpc-hz-nowhere")

    assert (first.value.get_http_status(), first.value.get_error_code()) == (404, "ClusterNotFound")
    assert first.value.get_error_msg() == "The specified cluster does not exist."
    assert len(first.value.get_request_id()) == 36
    assert (second.value.status_code, second.value.code) == (404, "ClusterNotFound")


@pytest.mark.parametrize("sdk", ["core", "tea"])
def test_a_wrong_secret_reaches_both_sdks(sdk: str, emulator: Emulator, request: pytest.FixtureRequest) -> None:
    client = request.getfixturevalue(sdk)
    next(iter(emulator.state.credentials.values())).secret_key = "EXAMPLE-another-secret"

    with pytest.raises((ServerException, ClientException)) as caught:
        client.call("ListRegions")

    # The core compares the string to sign of the server with its own. If both are equal, only the secret can be wrong.
    code = caught.value.get_error_code() if sdk == "core" else caught.value.code
    assert code == ("InvalidAccessKeySecret" if sdk == "core" else "SignatureDoesNotMatch")


def test_connections_are_kept(emulator: Emulator, core: Any) -> None:
    for _number in range(3):
        core.call("ListRegions")

    assert emulator.connections == 1
    assert {call.connection for call in emulator.calls} == {1}
    assert "Core/" in emulator.calls[0].user_agent
