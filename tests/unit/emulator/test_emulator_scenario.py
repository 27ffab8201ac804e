# Copyright (c) 2026, the alicloud.ehpc contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Scenarios: the default one, all keys, and the messages about invalid ones."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.alicloud.ehpc.tests.emulator import Emulator, ScenarioError


def test_the_default_scenario() -> None:
    state = Emulator().state

    assert {cluster.id: (cluster.region, cluster.status, cluster.proxy_mode) for cluster in state.clusters.values()} == {
        "ehpc-hz-hybrid01": ("cn-hangzhou", "running", True),
        "ehpc-hz-hybrid02": ("cn-hangzhou", "running", False),
        "ehpc-hz-public01": ("cn-hangzhou", "running", False),
        "ehpc-hz-create01": ("cn-hangzhou", "creating", True),
        "ehpc-sh-large01": ("cn-shanghai", "running", True),
        "ehpc-sg-broken01": ("ap-southeast-1", "exception", False),
        "ehpc-sg-stopped01": ("ap-southeast-1", "stopped", False),
    }
    assert [region.local_name for region in state.regions.values()] == ["华东1（杭州）", "华东2（上海）", "新加坡"]
    hybrid, large = state.clusters["ehpc-hz-hybrid01"], state.clusters["ehpc-sh-large01"]
    assert (list(hybrid.users), len(hybrid.on_premise_users)) == (["hpcuser01", "hpcuser02"], 6)
    assert (len(large.users), len(large.on_premise_users), len(large.nodes)) == (68, 70, 37)
    assert (hybrid.scheduler_type, state.clusters["ehpc-hz-public01"].scheduler_type) == ("slurm", "pbs")
    assert {state.clusters[name].location for name in ("ehpc-hz-hybrid01", "ehpc-hz-hybrid02")} == {"OnPremise"}


def test_absent_keys_come_from_the_default_scenario() -> None:
    emulator = Emulator({"clusters": [{"id": "ehpc-hz-EXAMPLE"}]})

    assert list(emulator.state.clusters) == ["ehpc-hz-EXAMPLE"]
    assert (emulator.access_key, emulator.region) == ("EXAMPLEmain", "cn-hangzhou")
    assert len(Emulator({"denied": []}).state.clusters) == len(Emulator({}).state.clusters) == 7
    assert list(Emulator({"clusters": []}).state.clusters) == []


def test_the_first_region_is_the_default() -> None:
    emulator = Emulator({"regions": [{"id": "cn-beijing"}, {"id": "cn-hangzhou"}], "clusters": [{"id": "c"}]})

    assert (emulator.region, emulator.state.clusters["c"].region) == ("cn-beijing", "cn-beijing")


def test_defaults_of_a_cluster() -> None:
    cluster = Emulator({"clusters": [{"id": "c"}]}).state.clusters["c"]

    assert (cluster.name, cluster.region, cluster.status, cluster.location) == ("c", "cn-hangzhou", "running", "PublicCloud")
    assert [(node.host_name, node.role) for node in cluster.nodes] == [
        ("manager000", "Manager"),
        ("login000", "Login"),
        ("compute000", "Compute"),
        ("compute001", "Compute"),
    ]


def test_users_can_be_written_in_three_ways() -> None:
    users = [{"name": "chem01", "group": "wheel", "add_time": "2025-01-01T00:00:00"}, "bio01"]
    clusters = [{"id": "a", "users": users}, {"id": "b", "users": {"count": 2, "prefix": "sim", "group": "wheel"}}]

    state = Emulator({"clusters": clusters}).state

    assert [(user.name, user.group) for user in state.clusters["a"].users.values()] == [
        ("chem01", "wheel"),
        ("bio01", "users"),
    ]
    assert [(user.name, user.group) for user in state.clusters["b"].users.values()] == [
        ("sim01", "wheel"),
        ("sim02", "wheel"),
    ]


def test_many_clusters() -> None:
    template = {
        "location": "OnPremise",
        "proxy_mode": True,
        "on_premise_users": ["hpcuser01"],
        "post_scripts": [{"url": "/a"}],
    }
    regions = ["cn-hangzhou", "cn-shanghai"]
    begin = time.monotonic()

    emulator = Emulator({"generate": {"clusters": 1000, "regions": regions, "cluster": template}})

    assert time.monotonic() - begin < 2
    clusters = list(emulator.state.clusters.values())
    assert (len(clusters), clusters[0].id, clusters[999].id) == (1000, "ehpc-hz-fleet00001", "ehpc-hz-fleet01000")
    assert [cluster.region for cluster in clusters[:3]] == ["cn-hangzhou", "cn-shanghai", "cn-hangzhou"]
    # Equal, but not the same object.
    clusters[0].post_scripts.clear()
    assert clusters[1].post_scripts == [{"url": "/a", "args": ""}]


def test_generated_and_named_clusters_together() -> None:
    scenario = {"clusters": [{"id": "c"}], "generate": [{"clusters": 1, "prefix": "x"}, {"clusters": 2, "prefix": "y"}]}

    assert list(Emulator(scenario).state.clusters) == ["c", "x00001", "y00001", "y00002"]


def test_faults_and_denials_in_a_scenario(tmp_path: Path) -> None:
    path = tmp_path / "scenario.yml"
    path.write_text(
        """
        denied: [{action: ListUsers, region: cn-hangzhou, code: Forbidden.RAM}]
        faults: [{action: ListRegions, code: Throttling.User, times: 2}, {action: ListRegions, kind: html}]
        empty_lists: absent
        set_without_scripts: keep
        """
    )

    emulator = Emulator(str(path))

    assert emulator.state.denied[0].code == "Forbidden.RAM"
    assert (emulator.state.empty_lists, emulator.state.set_without_scripts) == ("absent", "keep")
    taken = [emulator._faults.take("ListRegions", "cn-hangzhou", None) for _number in range(4)]
    assert [fault and (fault.kind, fault.code) for fault in taken[:2]] == [("code", "Throttling.User")] * 2
    assert taken[2] is not None
    assert taken[2].kind == "html"
    assert taken[3] is None


@pytest.mark.parametrize(
    ("scenario", "message"),
    [
        ({"cluster": []}, r"scenario: unknown key 'cluster' \(known: region, regions, .*clusters"),
        ({"clusters": [{"id": "c", "statsu": "running"}]}, r"clusters\[0\]: unknown key 'statsu' \(known: id, .*status"),
        ({"clusters": [{"name": "c"}]}, r"clusters\[0\]: missing 1 required positional argument: 'id'"),
        ({"clusters": ["c"]}, r"clusters\[0\]: a mapping is needed, not 'c'"),
        ({"clusters": [{"id": "c"}, {"id": "c"}]}, r"clusters\[1\]: a second cluster c"),
        ({"clusters": [{"id": "c", "region": "cn-nowhere"}]}, r"clusters\[0\]: unknown region 'cn-nowhere'"),
        ({"clusters": [{"id": "c", "proxy_mode": True}]}, r"clusters\[0\]: proxy_mode needs location: OnPremise"),
        ({"clusters": [{"id": "c", "location": "Moon"}]}, r"location is one of PublicCloud, OnPremise, not 'Moon'"),
        ({"clusters": [{"id": "c", "manager": "off"}]}, r"manager is one of up, down, not 'off'"),
        ({"clusters": [{"id": "c", "nodes": {"gpu": 1}}]}, r"clusters\[0\].nodes: unknown key 'gpu'"),
        ({"clusters": [{"id": "c", "nodes": [{"role": "GPU"}]}]}, r"clusters\[0\].nodes: role is one of Manager"),
        ({"clusters": [{"id": "c", "nodes": [{"rank": 1}]}]}, r"clusters\[0\].nodes: .*'rank'"),
        ({"clusters": [{"id": "c", "users": [{"nam": "a"}]}]}, r"clusters\[0\].users\[0\]: unknown key 'nam'"),
        ({"clusters": [{"id": "c", "post_scripts": [{"uri": "a"}]}]}, r"post_scripts\[0\]: unknown key 'uri'"),
        ({"clusters": [{"id": "c", "post_scripts": [{"args": "a"}]}]}, r"post_scripts\[0\]: url is missing"),
        ({"clusters": [{"id": "c", "users": {"prefix": "a"}}]}, r"clusters\[0\].users: count is missing"),
        ({"clusters": [{"id": "c", "status_after": {"hours": 1}}]}, r"clusters\[0\].status_after: unknown key 'hours'"),
        ({"generate": {"number": 3}}, r"generate\[0\]: unknown key 'number'"),
        ({"generate": {"prefix": "x"}}, r"generate\[0\]: clusters is missing"),
        ({"generate": {"clusters": 1, "cluster": {"statsu": 1}}}, r"generate\[0\].cluster: unknown key 'statsu'"),
        ({"regions": []}, "regions: at least one is needed"),
        ({"region": "cn-nowhere"}, "region: unknown region 'cn-nowhere'"),
        ({"credentials": []}, "credentials: at least one is needed"),
        ({"credentials": [{"access_key": "a"}]}, r"credentials\[0\]: missing 1 required positional argument: 'secret_key'"),
        ({"empty_lists": "no"}, "empty_lists is one of wrapper, absent, not 'no'"),
        ({"set_without_scripts": "no"}, "set_without_scripts is one of clear, keep, error, not 'no'"),
        ({"region_id": "no"}, "region_id is one of filters, ignored, not 'no'"),
        ({"sync_without_proxy": "Sleepy"}, "sync_without_proxy: unknown error code 'Sleepy'"),
        ({"faults": [{"kind": "sleepy"}]}, r"faults\[0\]: unknown fault kind 'sleepy'"),
        ({"faults": [{"code": "Sleepy"}]}, r"faults\[0\]: unknown error code 'Sleepy'"),
        ({"faults": [{"cod": "Sleepy"}]}, r"faults\[0\]: unknown key 'cod'"),
        ({"denied": [{"code": "Sleepy"}]}, r"denied\[0\]: unknown error code 'Sleepy'"),
    ],
)
def test_invalid_keys_and_values_are_reported(scenario: dict[str, Any], message: str) -> None:
    with pytest.raises(ScenarioError, match=message):
        Emulator(scenario)


def test_files_that_are_not_scenarios_are_reported(tmp_path: Path) -> None:
    path = tmp_path / "scenario.yml"
    with pytest.raises(ScenarioError, match="cannot read the scenario .*No such file"):
        Emulator(path)
    path.write_text("clusters: [")
    with pytest.raises(ScenarioError, match="is not YAML"):
        Emulator(path)
    path.write_text("- clusters")
    with pytest.raises(ScenarioError, match="scenario: a mapping is needed"):
        Emulator(path)
