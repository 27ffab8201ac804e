# Copyright (c) 2026, the alicloud.ehpc contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The attributes in the documentation of a module describe what the module does."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import tempfile
import typing as t

import pytest
from ansible_collections.alicloud.ehpc.tests.support import next_state
from ansible_collections.alicloud.ehpc.tests.support.documents import COLLECTION, COLLECTIONS, MODULES, ROOT, load, module
from ansible_collections.alicloud.ehpc.tests.support.scripted import Call, Service
from ansible_collections.alicloud.ehpc.tests.support.words import BASE, CLUSTER, describe, page, read, script, sync, user, write

# Options with which each run changes something.
REPEATING = {"force", "update_password"}
Attributes = dict[str, dict[str, t.Any]]


class Use(t.NamedTuple):
    """A use of a module: its options, and the calls of check mode, of a run, and of the same run again."""

    options: dict[str, t.Any]
    check: list[Call]
    first: list[Call]
    again: list[Call]


def reading(*calls: Call, **options: t.Any) -> Use:
    """The use of a module that makes the same calls each time."""
    return Use(options, list(calls), list(calls), list(calls))


def reading_to_a_file() -> Use:
    call = Call("GetHybridClusterConfig", ClusterId=CLUSTER, answer={"ClusterConfig": "[cluster]"})
    return Use({"cluster_id": CLUSTER, "dest": f"{tempfile.mkdtemp()}/cluster.conf"}, [call], [call], [call])


def uses() -> dict[str, Use]:
    """A use of each module; one that can change something changes something in its first run."""
    stored, bare = script(BASE), {"Script": BASE}
    nodes = Call("ListNodes", ClusterId=CLUSTER, PageNumber="1", PageSize="100", answer={})
    local = '[{"HostName": "local001", "IpAddress": "192.0.2.11", "CpuCores": 8, "Memory": 16384}]'
    add_node = Call("AddLocalNodes", ClusterId=CLUSTER, Nodes=local)
    with_node = Call(
        "ListNodes", ClusterId=CLUSTER, PageNumber="1", PageSize="100", answer={"Nodes": {"NodeInfo": [{"HostName": "local001", "IpAddress": "192.0.2.11"}]}}
    )
    changed: dict[str, t.Any] = {"User.1.Name": "hpcuser01", "User.1.Group": "wheel"}
    published = "https://scripts-example.oss-cn-hangzhou.aliyuncs.com/ehpc-post-scripts/%s/a.sh" % hashlib.sha256(b"#!/bin/sh\n").hexdigest()
    absent = Call("GetObject", Url=published, status=404, body=b"<Error><Code>NoSuchKey</Code></Error>")
    present = Call("GetObject", Url=published, body=b"#!/bin/sh\n")
    regroup = Call("ModifyUserGroups", ClusterId=CLUSTER, **changed)
    return {
        "cluster_info": reading(describe(), cluster_ids=[CLUSTER]),
        "drift_info": reading(describe(), read(stored), page(), clusters=[{"cluster_id": CLUSTER, "scripts": [stored], "users": []}], parallel=1),
        "cluster_script": Use(
            {"cluster_id": CLUSTER, "url": BASE, "accept_full_update": True},
            [next_state.get(), *next_state.reads()],
            [next_state.get(), *next_state.reads(), *next_state.reads(), next_state.update(bare), *next_state.reads(bare)],
            [next_state.get(ClusterCustomConfiguration=bare)],
        ),
        "hybrid_config_info": reading_to_a_file(),
        "local_nodes": Use(
            {"cluster_id": CLUSTER, "nodes": [{"host_name": "local001", "ip_address": "192.0.2.11", "cpu_cores": 8, "memory_mb": 16384}]},
            [nodes],
            [nodes, add_node, with_node],
            [with_node],
        ),
        "post_scripts": Use({"cluster_id": CLUSTER, "scripts": [stored]}, [read()], [read(), write(stored), read(stored)], [read(stored)]),
        "post_scripts_info": reading(read(), cluster_id=CLUSTER),
        "post_scripts_publish": Use(
            {"bucket": "scripts-example", "scripts": [{"name": "a.sh", "content": "#!/bin/sh\n"}]},
            [absent],
            [absent, Call("PutObject", Url=published), present],
            [present],
        ),
        "post_scripts_run": reading(describe(), read(stored), nodes, cluster_id=CLUSTER),
        "region_info": reading(Call("ListRegions", answer={})),
        "user": Use(
            {"cluster_id": CLUSTER, "users": [{"name": "hpcuser01", "group": "wheel"}], "check_cluster": False},
            [page("hpcuser01")],
            [page("hpcuser01"), regroup, page(user("hpcuser01", "wheel"))],
            [page(user("hpcuser01", "wheel"))],
        ),
        "user_info": reading(page(), cluster_id=CLUSTER),
        "user_sync": Use(
            {"cluster_id": CLUSTER, "expected_users": ["hpcuser01"]},
            [describe(), page()],
            [describe(), page(), sync(), page("hpcuser01")],
            [describe(), page("hpcuser01")],
        ),
    }


@pytest.fixture(scope="module")
def documented() -> dict[str, Attributes]:
    """The attributes of each module as ansible-doc shows them, which is with those of its fragments."""
    command = [sys.executable, "-m", "ansible.cli.doc", "--json", "--type", "module", *(f"{COLLECTION}.{name}" for name in MODULES)]
    environment = {**os.environ, "ANSIBLE_COLLECTIONS_PATH": str(COLLECTIONS)}
    pages = json.loads(subprocess.run(command, capture_output=True, env=environment, check=True).stdout)
    return {name: pages[f"{COLLECTION}.{name}"]["doc"]["attributes"] for name in MODULES}


@pytest.mark.parametrize("name", MODULES)
def test_modes(service: Service, documented: dict[str, Attributes], name: str) -> None:
    use, attributes = uses()[name], documented[name]
    service.expects(*use.check)
    check = service.run(module(name), True, **use.options)
    service.expects(*use.first)
    first = service.run(module(name), **use.options)
    service.expects(*use.again)
    again = service.run(module(name), **use.options)

    assert attributes["check_mode"]["support"] == "full"
    assert check["changed"] == first["changed"]
    diff_mode = "full" if "diff" in first else "N/A" if name.endswith("_info") else "none"
    assert attributes["diff_mode"]["support"] == diff_mode
    if diff_mode == "full":
        assert [result["diff"]["before"] != result["diff"]["after"] for result in (check, first, again)] == [True, True, False]
        subject = use.options.get("cluster_id") or use.options["bucket"]
        assert all(f"{subject} in cn-hangzhou" in first["diff"][header] for header in ("before_header", "after_header"))
    assert again["changed"] is False
    # A module with options that make it change something each time says which.
    assert attributes["idempotent"]["support"] == ("partial" if REPEATING & set(module(name).ARGUMENT_SPEC) else "full")
    assert "details" in attributes["idempotent"] or attributes["idempotent"]["support"] == "full"


@pytest.mark.parametrize("name", MODULES)
def test_other_attributes(documented: dict[str, Attributes], name: str) -> None:
    attributes = documented[name]
    assert set(attributes) == {"action_group", "async", "check_mode", "diff_mode", "idempotent", "platform"}
    assert {attributes[name]["support"] for name in ("action_group", "async", "platform")} == {"full"}
    assert all(attribute["description"] for attribute in attributes.values())
    groups = load((ROOT / "meta/runtime.yml").read_text(encoding="utf-8"))[0]["action_groups"]
    assert attributes["action_group"]["membership"] == [f"{COLLECTION}.{group}" for group, members in groups.items() if name in members]
