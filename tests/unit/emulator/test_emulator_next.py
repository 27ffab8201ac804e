# Copyright (c) 2026, the alicloud.ehpc contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""E-HPC NEXT, verified with its official SDK: every operation, every documented field, and each switch for what is unknown."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from alibabacloud_ehpc20240730 import models
from alibabacloud_ehpc20240730.client import Client
from alibabacloud_tea_openapi.exceptions import ClientException
from alibabacloud_tea_openapi.models import Config
from alibabacloud_tea_util.models import RuntimeOptions
from ansible_collections.alicloud.ehpc.tests.emulator import Cluster, Emulator, ScenarioError
from ansible_collections.alicloud.ehpc.tests.emulator.next_clusters import NEXT_OPERATIONS, READERS
from ansible_collections.alicloud.ehpc.tests.support.models import fields

NEXT, FIRST = "ehpc-cn-hangzhou-EXAMPLE1", "ehpc-hz-EXAMPLE1"
PASSWORD = "Example-1-password"
SCRIPT = {"Script": "https://bucket.oss-cn-hangzhou.aliyuncs.com/a b.sh", "Args": "-x '1*2' ~ + %41 \"数\" &a=b"}
# None of these values is a default.
SETTINGS = {
    "ClusterName": "cfd_数-1",
    "ClusterDescription": "third-floor",
    "MaxCount": 0,
    "MaxCoreCount": 640,
    "DeletionProtection": True,
    "ClientVersion": "2.0.31",
    "ClusterCustomConfiguration": SCRIPT,
    "GrowInterval": 3,
    "IdleInterval": 4,
    "EnableScaleOut": True,
    "EnableScaleIn": True,
    "MonitorSpec": {"EnableComputeLoadMonitor": True},
    "SchedulerSpec": {"EnableTopologyAwareness": True},
}
PARAMS: dict[str, dict[str, Any]] = {
    "CreateUsers": {"user": [models.CreateUsersRequestUser(user_name="hpcuser06", group="users", password=PASSWORD)]},
    "DeleteUsers": {"user": [models.DeleteUsersRequestUser(user_name="admin01")]},
    "GetCluster": {},
    "GetUser": {"user_name": "hpcuser01"},
    "ListClusters": {"cluster_ids": [NEXT], "page_size": 10},
    "ListNodes": {},
    "ListUsers": {"page_size": 50},
    "UpdateCluster": {"cluster_name": "cfd-2"},
    "UpdateUser": {"user_name": "hpcuser01", "group": "wheel", "password": PASSWORD},
}


class Sdk:
    """alibabacloud-ehpc20240730, with ACS3-HMAC-SHA256 or the signature of version 1.0."""

    def __init__(self, emulator: Emulator, algorithm: str | None = None) -> None:
        protocol, _separator, host = emulator.endpoint.partition("://")
        config = Config(access_key_id=emulator.access_key, access_key_secret=emulator.secret_key, endpoint=host, protocol=protocol)
        config.signature_algorithm = algorithm
        self.client = Client(config)

    def call(self, action: str, **params: Any) -> Any:
        """The body's model. The cluster is NEXT unless another is given."""
        name = "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in action).lstrip("_")
        if action != "ListClusters":
            params = {"cluster_id": NEXT, **params}
        request = getattr(models, f"{action}Request")(**params)
        return getattr(self.client, f"{name}_with_options")(request, RuntimeOptions()).body

    def fails(self, action: str, **params: Any) -> tuple[int, str]:
        with pytest.raises(ClientException) as caught:
            self.call(action, **params)
        return caught.value.status_code, caught.value.code


@pytest.fixture
def emulator() -> Iterator[Emulator]:
    clusters = [
        {"id": NEXT, "generation": "next", "users": ["hpcuser01", {"name": "admin01", "group": "wheel"}], "settings": SETTINGS},
        {"id": FIRST, "users": ["hpcuser01"]},
    ]
    with Emulator({"clusters": clusters}) as running:
        running.state.clusters[NEXT].settings["EnablePowerSaving"] = True
        yield running


@pytest.fixture
def cluster(emulator: Emulator) -> Cluster:
    return emulator.state.clusters[NEXT]


@pytest.fixture
def sdk(emulator: Emulator) -> Sdk:
    return Sdk(emulator)


def test_every_operation_is_tried() -> None:
    assert set(PARAMS) == set(NEXT_OPERATIONS)


def test_every_documented_field_is_there_in_its_documented_type(emulator: Emulator, sdk: Sdk) -> None:
    for action, params in PARAMS.items():
        for name, kind, value in fields(sdk.call(action, **params)):
            assert value is not None, name
            assert value.__class__ is kind, f"{name} is {value!r}"
    assert [(call.action, call.version) for call in emulator.calls] == [(action, "2024-07-30") for action in PARAMS]


def test_both_signatures(emulator: Emulator, sdk: Sdk) -> None:
    for action in ("GetCluster", "ListUsers", "UpdateUser"):
        first, second = (client.call(action, **PARAMS[action]).to_map() for client in (sdk, Sdk(emulator, "v2")))
        assert first.pop("RequestId") != second.pop("RequestId")
        assert first == second


def test_values_of_update_cluster_are_read_back(cluster: Cluster, sdk: Sdk) -> None:
    update(sdk, **{name: change(value) for name, value in SETTINGS.items()})
    info, (listed,) = sdk.call("GetCluster"), sdk.call("ListClusters").clusters
    assert (info.cluster_name, listed.cluster_name, listed.cluster_description) == ("cfd_数-1x", "cfd_数-1x", "third-floorx")
    assert (info.max_count, listed.max_count, info.max_core_count, listed.max_core_count) == ("1", 1, "641", 641)
    assert (info.delete_protection, listed.deletion_protection, info.client_version) == ("false", False, "2.0.31.1")
    for shown in (info, listed):
        assert shown.cluster_custom_configuration.to_map() == {"Script": SCRIPT["Script"] + "x", "Args": SCRIPT["Args"] + "x"}
    assert (info.grow_interval, info.idle_interval, info.enable_scale_out, info.enable_scale_in) == (4, 5, False, False)
    assert (info.monitor_spec.enable_compute_load_monitor, info.scheduler_spec.enable_topology_awareness) == (False, False)
    assert info.scheduler_spec.enable_power_saving is True
    assert cluster.updates == 1


def change(value: Any) -> Any:
    """Another value of the same kind."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return value + 1
    if isinstance(value, str):
        return value + (".1" if value[0].isdigit() else "x")
    return {name: change(entry) for name, entry in value.items()}


def update(sdk: Sdk, **settings: Any) -> None:
    params = {"".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name).lstrip("_"): value for name, value in settings.items()}
    for name, kind in (("cluster_custom_configuration", "ClusterCustomConfiguration"), ("monitor_spec", "MonitorSpec"), ("scheduler_spec", "SchedulerSpec")):
        if name in params:
            params[name] = getattr(models, f"UpdateClusterRequest{kind}")().from_map(params[name])
    assert sdk.call("UpdateCluster", **params).success is True


def test_omitted_values_of_update_cluster_get_their_default(cluster: Cluster, sdk: Sdk) -> None:
    before = cluster.settings
    for left_out in SETTINGS:
        cluster.settings = before
        update(sdk, **{name: value for name, value in SETTINGS.items() if name != left_out})
        assert cluster.settings == {**before, left_out: cluster.default_settings()[left_out]}
        assert cluster.settings[left_out] != SETTINGS[left_out]


def test_switches_of_update_cluster(emulator: Emulator, cluster: Cluster, sdk: Sdk) -> None:
    emulator.state.next.keeps = ["GrowInterval", "ClusterCustomConfiguration"]
    emulator.state.next.power_saving = "reset"
    update(sdk, ClusterName="cfd-2")
    kept = {"ClusterName": "cfd-2", "GrowInterval": 3, "ClusterCustomConfiguration": SCRIPT}
    assert cluster.settings == {**cluster.default_settings(), **kept}

    emulator.state.next.update_statuses = ["running", "stopped"]
    cluster.status = "stopped"
    update(sdk, ClusterName="cfd-3")
    cluster.status = "creating"
    assert sdk.fails("UpdateCluster") == (403, "InvalidClusterStatus")


def test_an_empty_script(emulator: Emulator, cluster: Cluster, sdk: Sdk) -> None:
    for empty in ({}, {"Script": "", "Args": ""}):
        cluster.settings["ClusterCustomConfiguration"] = SCRIPT
        check_empty_script(empty, emulator, cluster, sdk)


def check_empty_script(empty: dict[str, str], emulator: Emulator, cluster: Cluster, sdk: Sdk) -> None:
    script = models.UpdateClusterRequestClusterCustomConfiguration().from_map(empty)
    emulator.state.next.empty_script = "refuse"
    assert sdk.fails("UpdateCluster", cluster_custom_configuration=script) == (400, "InvalidParams")
    emulator.state.next.empty_script = "keep"
    update(sdk, ClusterCustomConfiguration=empty)
    assert cluster.settings["ClusterCustomConfiguration"] == SCRIPT
    emulator.state.next.empty_script = "clear"
    update(sdk, ClusterCustomConfiguration=empty)
    assert cluster.settings["ClusterCustomConfiguration"] == {}
    assert sdk.call("GetCluster").cluster_custom_configuration.to_map() == {}


def test_empty_args_are_shown_or_absent(emulator: Emulator, cluster: Cluster, sdk: Sdk) -> None:
    update(sdk, ClusterCustomConfiguration={"Script": "/a.sh"})
    assert sdk.call("GetCluster").cluster_custom_configuration.to_map() == {"Script": "/a.sh", "Args": ""}
    emulator.state.next.empty_args = "absent"
    assert sdk.call("GetCluster").cluster_custom_configuration.to_map() == {"Script": "/a.sh"}


def test_values_that_the_documentation_does_not_allow(cluster: Cluster, sdk: Sdk) -> None:
    refused = {"cluster_name": "x", "cluster_description": "not allowed", "max_count": 5001, "max_core_count": -1, "client_version": "newest"}
    for name, value in refused.items():
        assert sdk.fails("UpdateCluster", **{name: value}) == (400, "InvalidParams")
    assert cluster.updates == 0


def test_a_setting_for_each_parameter() -> None:
    assert set(READERS) == set(SETTINGS)
    with pytest.raises(ScenarioError, match=r"clusters\[0\].settings: unknown key 'MaxNodes'"):
        Emulator({"clusters": [{"id": "c", "settings": {"MaxNodes": 1}}]})
    with pytest.raises(ScenarioError, match="next: lists is one of own, all, not 'some'"):
        Emulator({"next": {"lists": "some"}})


def test_each_generation_has_its_own_clusters(emulator: Emulator, sdk: Sdk, core: Any) -> None:
    assert sdk.fails("GetCluster", cluster_id=FIRST) == (404, "ClusterNotFound")
    with pytest.raises(Exception, match="ClusterNotFound"):
        core.call("DescribeCluster", ClusterId=NEXT)
    body = sdk.call("ListClusters")
    assert [listed.cluster_id for listed in body.clusters] == [NEXT]
    assert (body.ehpc_version_statistics.v_1count, body.ehpc_version_statistics.v_2count) == (1, 1)
    assert [info["Id"] for info in core.call("ListClusters")["Clusters"]["ClusterInfoSimple"]] == [FIRST]


def test_switches_that_mix_the_generations(emulator: Emulator, sdk: Sdk, core: Any) -> None:
    emulator.state.next.other_generation, emulator.state.next.lists = "described", "all"
    assert sdk.call("GetCluster", cluster_id=FIRST).ehpc_version == "1.0.0"
    assert core.call("DescribeCluster", ClusterId=NEXT)["ClusterInfo"]["ClusterVersion"] == "2.0"
    assert {listed.cluster_id: listed.ehpc_version for listed in sdk.call("ListClusters").clusters} == {NEXT: "2.0.0", FIRST: "1.0.0"}
    listed = core.call("ListClusters")["Clusters"]["ClusterInfoSimple"]
    assert {info["Id"]: info["EhpcVersion"] for info in listed} == {NEXT: "2.0.0", FIRST: "1.0.0"}
    assert sdk.fails("ListUsers", cluster_id=FIRST) == (404, "ClusterNotFound")


def test_which_clusters_are_listed(sdk: Sdk) -> None:
    one: list[dict[str, Any]] = [{}, {"cluster_names": ["cfd_数-1"]}, {"cluster_ids": [NEXT]}]
    none: list[dict[str, Any]] = [{"cluster_ids": ["x"]}, {"cluster_names": ["cfd"]}, {"page_number": 2}]
    refused: list[dict[str, Any]] = [{"page_size": 9}, {"page_size": 101}, {"cluster_ids": ["x"] * 21}]
    for params in one:
        assert len(sdk.call("ListClusters", **params).clusters) == 1
    for params in none:
        assert not sdk.call("ListClusters", **params).clusters
    for params in refused:
        assert sdk.fails("ListClusters", **params) == (400, "InvalidParams")


def test_users(emulator: Emulator, cluster: Cluster, sdk: Sdk) -> None:
    sdk.call("CreateUsers", **PARAMS["CreateUsers"])
    assert (cluster.users["hpcuser06"].group, cluster.users["hpcuser06"].password) == ("users", PASSWORD)
    sdk.call("UpdateUser", user_name="hpcuser06", group="wheel")
    assert (cluster.users["hpcuser06"].group, cluster.users["hpcuser06"].password) == ("wheel", PASSWORD)
    sdk.call("UpdateUser", user_name="hpcuser06", password=PASSWORD + "2")
    assert (cluster.users["hpcuser06"].group, cluster.users["hpcuser06"].password) == ("wheel", PASSWORD + "2")
    shown = {user.user_name: (user.group, user.user_id, user.group_id) for user in sdk.call("ListUsers").users.user_info}
    assert shown == {"hpcuser01": ("users", "1000", "100"), "admin01": ("wheel", "1001", "10"), "hpcuser06": ("wheel", "1002", "10")}
    emulator.state.next.ids = "numbers"
    assert sdk.call("GetUser", user_name="hpcuser06").user.user_id == 1002
    sdk.call("DeleteUsers", user=[models.DeleteUsersRequestUser(user_name=name) for name in ("hpcuser06", "admin01")])
    assert list(cluster.users) == ["hpcuser01"]


def test_refusals_about_users(cluster: Cluster, sdk: Sdk) -> None:
    def entry(**more: str) -> models.CreateUsersRequestUser:
        return models.CreateUsersRequestUser(**{"user_name": "hpcuser06", "group": "users", "password": PASSWORD, **more})

    assert sdk.fails("GetUser", user_name="nobody") == (404, "UserNotFound")
    assert sdk.fails("UpdateUser", user_name="nobody", group="users") == (406, "AgentError.Account.UserNotExist")
    assert sdk.fails("CreateUsers", user=[entry(), entry(user_name="admin01")]) == (406, "AgentError.Account.UserAlreadyExist")
    assert "hpcuser06" not in cluster.users
    assert sdk.fails("CreateUsers", user=[entry(group="root")]) == (400, "InvalidParams")
    assert sdk.fails("CreateUsers", user=[entry(user_name=f"hpcuser{number:02d}") for number in range(21)]) == (400, "InvalidParams")
    assert sdk.fails("UpdateUser", user_name="admin01", group="root") == (400, "InvalidParams")
    cluster.status = "stopped"
    assert sdk.fails("CreateUsers", user=[entry()]) == (403, "InvalidClusterStatus")


def test_methods(emulator: Emulator, plain: Any) -> None:
    params = {"Version": "2024-07-30", "ClusterId": NEXT}
    assert plain.error("GetCluster", **params) == (400, "UnsupportedHTTPMethod")
    assert plain.error("SetPostScripts", **params) == (404, "InvalidAction.NotFound")
    assert plain.get("ListUsers", **params).status_code == 200
    emulator.state.next.methods = "any"
    assert plain.get("GetCluster", **params).json()["ClusterId"] == NEXT


def test_json_that_is_not_valid(plain: Any) -> None:
    for text in ("[", "{}", '["hpcuser01"]', "[]"):
        assert plain.error("DeleteUsers", Version="2024-07-30", ClusterId=NEXT, User=text) == (400, "InvalidParams")


def test_no_success(emulator: Emulator, cluster: Cluster, sdk: Sdk) -> None:
    emulator.fault("UpdateCluster", kind="unsuccessful")
    assert sdk.call("UpdateCluster", cluster_name="cfd-2").success is False
    assert cluster.updates == 0


def test_the_scheduler_in_both_spellings(emulator: Emulator, sdk: Sdk) -> None:
    assert sdk.call("GetCluster").manager.scheduler.type == "slurm22"
    emulator.state.next.scheduler = "documented"
    assert sdk.call("GetCluster").manager.scheduler.type == "SLURM"
