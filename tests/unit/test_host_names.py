# Copyright (c) 2026, the alicloud.ehpc contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""No two hosts have the same name, and none has the name of a group."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.alicloud.ehpc.plugins.plugin_utils._host_names import HostNames, default_names

Variables = dict[str, t.Any]


def cluster(cluster_id: str) -> Variables:
    return {"ehpc_cluster_id": cluster_id}


def node(node_id: str | None, host_name: str | None, cluster_id: str = "c", address: str = "") -> Variables:
    return {"ehpc_cluster_id": cluster_id, "ehpc_node_id": node_id, "ehpc_host_name": host_name, "ehpc_ip_address": address}


def named(hosts: list[Variables], *preferences: list[str], groups: tuple[str, ...] = (), others: dict[str, Variables] | None = None) -> list[str]:
    names = HostNames(groups, others or {})
    defaults = [names.reserve_default(variables) for variables in hosts]
    return [names.preferred(own, default, variables) for own, default, variables in zip(preferences or [[]] * len(hosts), defaults, hosts, strict=True)]


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        (cluster("ehpc-hz-EXAMPLE"), ["ehpc-hz-EXAMPLE"]),
        (cluster("{{ x }}"), ["__ x }}"]),
        (node("i-1", "compute0"), ["compute0.c", "i-1.c"]),
        (node("i-1", ""), ["i-1.c"]),
        (node("i-1", None), ["i-1.c"]),
        (node("i-1", "{{ x }}"), ["i-1.c"]),
        (node("i-{{", "{{ x }}", "{"), ["i-__._"]),
        (node("", "compute0"), ["compute0.c"]),
        (node(None, None), ["node.c"]),
        (cluster(""), ["cluster"]),
        (cluster("../a"), [".._a"]),
        (cluster(".."), ["_"]),
        (node("i-1", "../x"), ["i-1.c"]),
        (node("-oProxyCommand=true", "-a"), ["_oProxyCommand=true.c"]),
    ],
)
def test_default_names(variables: Variables, expected: list[str]) -> None:
    assert default_names(variables) == expected


def test_default_names_never_merge_hosts() -> None:
    assert named([node("i-1", "a"), node("i-2", "a"), node("i-2", "i-2"), node("", "a"), node("", "a", address="192.0.2.1"), node(None, None)]) == [
        "a.c",
        "i-2.c",
        "i-2.c",
        "a.c_2",
        "a.c_3",
        "node.c",
    ]
    assert named([cluster("{"), cluster("("), cluster("all")]) == ["_", "__2", "all_2"]


def test_a_preference_cannot_take_the_default_name_of_another_host() -> None:
    assert named([cluster("a"), cluster("b")], ["b", "x"], ["b"]) == ["x", "b"]
    assert named([cluster("a"), cluster("b")], ["a"], ["a"]) == ["a", "b"]


@pytest.mark.parametrize(
    "name", ["all", "ungrouped", "localhost", "127.0.0.1", "::1", "mine", "{{ x }}", "a|b", "taken", "../../etc/x", "..", ".", "-oProxyCommand=true", "a\0"]
)
def test_names_that_cannot_be_used(name: str) -> None:
    others = {"taken": cluster("other"), "static": {"ansible_host": "192.0.2.1"}, "same": cluster("a")}
    assert named([cluster("a")], [name], groups=("mine",), others=others) == ["a"]
    assert named([cluster("a")], [name, "static"], groups=("mine",), others=others) == ["static"]
    assert named([cluster("a")], [name, "same"], groups=("mine",), others=others) == ["same"]


def test_warning() -> None:
    names = HostNames((), {})
    host = cluster("ehpc-hz-EXAMPLE")
    assert names.preferred(["fine"], names.reserve_default(host), host) == "fine"
    assert names.warning() is None
    names.preferred(["all"] * 6 + ["\x1b[31m|"], names.reserve_default(host), host)
    warning = names.warning()
    assert warning is not None
    assert warning.startswith("Host names that Ansible reserves, that a group or another host has, or that are not safe were not used: 'all' for ehpc-hz-E")
    assert warning.endswith("and 2 more.")
    names = HostNames(("ehpc-hz-EXAMPLE",), {})
    assert names.reserve_default(host) == "ehpc-hz-EXAMPLE_2"
    assert "'ehpc-hz-EXAMPLE' for ehpc-hz-EXAMPLE_2." in str(names.warning())
