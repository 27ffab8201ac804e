# Copyright (c) 2026, the alicloud.ehpc contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The operations on the on-premises side of a hybrid cluster, with what the documentation leaves open."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from ansible_collections.alicloud.ehpc.tests.emulator import Emulator

HYBRID = "ehpc-hz-hybrid01"
NODE = {"HostName": "local001", "IpAddress": "192.0.2.11", "CpuCores": 8, "Memory": 16384}


def test_the_configuration(emulator: Emulator, plain: Any) -> None:
    config = plain.get("GetHybridClusterConfig", ClusterId=HYBRID).json()["ClusterConfig"]
    assert config.startswith("\n[cluster]\n")
    of_node = plain.get("GetHybridClusterConfig", ClusterId=HYBRID, Node="local000").json()["ClusterConfig"]
    assert of_node == config + "[node]\nname = local000\n"
    emulator.state.config_form = "base64"
    encoded = plain.get("GetHybridClusterConfig", ClusterId=HYBRID).json()["ClusterConfig"]
    assert base64.b64decode(encoded).decode() == config


def test_the_configuration_of_an_unknown_node(emulator: Emulator, plain: Any) -> None:
    assert "name = nobody" in plain.get("GetHybridClusterConfig", ClusterId=HYBRID, Node="nobody").json()["ClusterConfig"]
    emulator.state.config_of_unknown_node = "refuse"
    assert plain.error("GetHybridClusterConfig", ClusterId=HYBRID, Node="nobody") == (400, "InvalidParams")


def test_only_a_hybrid_cluster_has_a_configuration(plain: Any) -> None:
    assert plain.error("GetHybridClusterConfig", ClusterId="ehpc-hz-public01") == (406, "InvalidOpt")


def test_a_local_node(emulator: Emulator, plain: Any) -> None:
    text = json.dumps([NODE])
    assert plain.get("AddLocalNodes", ClusterId=HYBRID, Nodes=text).json()["InstanceIds"] == {"InstanceId": [text]}
    nodes = {node["HostName"]: node for node in plain.get("ListNodes", ClusterId=HYBRID, PageSize="100").json()["Nodes"]["NodeInfo"]}
    assert (nodes["local001"]["IpAddress"], nodes["local001"]["Location"], nodes["local001"]["Id"]) == ("192.0.2.11", "OnPremise", "")
    assert plain.error("AddLocalNodes", ClusterId=HYBRID, Nodes=text) == (403, "InvalidOpt")


def test_another_operation_is_in_progress(emulator: Emulator, plain: Any) -> None:
    emulator.state.clusters[HYBRID].conflicts = 1
    assert plain.error("AddLocalNodes", ClusterId=HYBRID, Nodes=json.dumps([NODE])) == (403, "ConflictOpt")
    assert "InstanceIds" in plain.get("AddLocalNodes", ClusterId=HYBRID, Nodes=json.dumps([NODE])).json()


@pytest.mark.parametrize(
    "nodes",
    [
        "{",
        "{}",
        "[]",
        '["local001"]',
        json.dumps([{"HostName": "local001", "IpAddress": "192.0.2.11"}, {"CpuCores": 2, "Memory": 1024}]),
        json.dumps([{**NODE, "IpAddress": "local001"}]),
        json.dumps([{**NODE, "CpuCores": "8"}]),
    ],
)
def test_nodes_that_are_malformed(plain: Any, nodes: str) -> None:
    """The documented example, with two objects for one node, is among them: which form the service accepts is not known."""
    assert plain.error("AddLocalNodes", ClusterId=HYBRID, Nodes=nodes) == (400, "InvalidParams")
