# Copyright (c) 2026, the alicloud.ehpc contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What each module does: the only tables that list all modules. The tests of all modules take their cases from here.

``uses()`` has scripted calls, for unit tests. ``RUNS`` is for the default scenario of the emulator, with a cluster of E-HPC NEXT.
"""

from __future__ import annotations

import hashlib
import tempfile
import typing as t

from ansible_collections.alicloud.ehpc.tests.support import next_state
from ansible_collections.alicloud.ehpc.tests.support.scripted import Call
from ansible_collections.alicloud.ehpc.tests.support.words import BASE, CLUSTER, describe, page, read, script, sync, user, write


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
    """A use of each module, with scripted calls; one that can change something changes something in its first run."""
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


HYBRID, NEXT, PUBLIC = "ehpc-hz-hybrid01", "ehpc-hz-next01", "ehpc-hz-public01"
ADMIN = {"name": "hpcuser01", "group": "wheel"}
NEW_SCRIPT = [{"url": "https://example.com/new.sh"}]
ON_NODE = {"cluster_id": HYBRID, "nodes": ["compute000"], "wait_delay": 2}
PUBLISH, SCRIPT = {"bucket": "scripts-example"}, {"name": "a.sh", "content": "#!/bin/sh\n"}
ON_NEXT, READ_ALL = {"cluster_id": NEXT, "accept_full_update": True}, ["ListClusters", "GetCluster"]
LOCAL_NODES = [{"host_name": "local001", "ip_address": "192.0.2.11", "cpu_cores": 8, "memory_mb": 16384}]
COMMAND = ["InvokeShellCommand", "ListInvocationStatus", "ListInvocationResults"]
# module -> runs in sequence on the same emulator: the options, check mode, and the exact calls
RUNS: dict[str, list[tuple[dict[str, t.Any], bool, list[str]]]] = {
    "post_scripts": [
        ({"cluster_id": HYBRID, "scripts": NEW_SCRIPT}, True, ["GetPostScripts"]),
        ({"cluster_id": HYBRID, "scripts": NEW_SCRIPT}, False, ["GetPostScripts", "SetPostScripts", "GetPostScripts"]),
        ({"cluster_id": HYBRID, "scripts": NEW_SCRIPT}, False, ["GetPostScripts"]),
        ({"cluster_id": HYBRID, "scripts": NEW_SCRIPT, "purge": False}, False, ["GetPostScripts"]),
        ({"cluster_id": HYBRID, "state": "absent"}, False, ["GetPostScripts", "SetPostScripts", "GetPostScripts"]),
        ({"cluster_id": HYBRID, "state": "absent"}, False, ["GetPostScripts"]),
    ],
    "post_scripts_info": [({"cluster_id": HYBRID}, False, ["GetPostScripts"])],
    "post_scripts_publish": [
        ({**PUBLISH, "scripts": [SCRIPT]}, True, ["GetObject"]),
        ({**PUBLISH, "scripts": [SCRIPT, {**SCRIPT, "name": "b.sh"}]}, False, ["GetObject", "PutObject", "GetObject"] * 2),
        ({**PUBLISH, "scripts": [SCRIPT, {**SCRIPT, "args": "again"}]}, False, ["GetObject"]),
        ({"scripts": NEW_SCRIPT}, False, []),
    ],
    "cluster_script": [
        ({**ON_NEXT, "url": "/b.sh"}, True, ["GetCluster", *READ_ALL]),
        ({**ON_NEXT, "url": "/b.sh"}, False, ["GetCluster", *READ_ALL, *READ_ALL, "UpdateCluster", *READ_ALL]),
        ({**ON_NEXT, "url": "/b.sh"}, False, ["GetCluster"]),
        ({**ON_NEXT, "state": "absent"}, False, ["GetCluster", *READ_ALL, *READ_ALL, "UpdateCluster", *READ_ALL]),
    ],
    "post_scripts_run": [
        ({**ON_NODE, "scripts": [{"url": "/bin/true"}]}, True, ["DescribeCluster", "ListNodes"]),
        ({**ON_NODE, "scripts": [{"url": "/bin/true"}]}, False, ["DescribeCluster", "ListNodes", *COMMAND, *COMMAND]),
        ({**ON_NODE, "scripts": [{"url": "/bin/true"}]}, False, ["DescribeCluster", "ListNodes", *COMMAND]),
        ({**ON_NODE, "scripts": [{"url": "/bin/true"}], "force": True}, False, ["DescribeCluster", "ListNodes", *COMMAND]),
        ({"cluster_id": HYBRID, "nodes": []}, False, ["DescribeCluster", "GetPostScripts", "ListNodes"]),
    ],
    "drift_info": [
        ({"clusters": [{"cluster_id": HYBRID, "scripts": [], "users": []}]}, False, ["DescribeCluster", "GetPostScripts", "ListUsers"]),
        ({"clusters": [{"cluster_id": HYBRID, "scripts": []}], "nodes": True}, True, ["DescribeCluster", "GetPostScripts", "ListNodes"]),
        ({"clusters": [{"cluster_id": HYBRID}]}, False, ["DescribeCluster"]),
        ({"clusters": []}, False, []),
    ],
    "hybrid_config_info": [({"cluster_id": HYBRID}, False, ["GetHybridClusterConfig"]), ({"cluster_id": HYBRID}, True, ["GetHybridClusterConfig"])],
    "local_nodes": [
        ({"cluster_id": HYBRID, "nodes": LOCAL_NODES}, True, ["ListNodes"]),
        ({"cluster_id": HYBRID, "nodes": LOCAL_NODES}, False, ["ListNodes", "AddLocalNodes", "ListNodes"]),
        ({"cluster_id": HYBRID, "nodes": LOCAL_NODES}, False, ["ListNodes"]),
    ],
    "user_sync": [
        ({"cluster_id": HYBRID, "expected_users": ["chem01"]}, True, ["DescribeCluster", "ListUsers"]),
        ({"cluster_id": HYBRID, "expected_users": ["chem01"]}, False, ["DescribeCluster", "ListUsers", "SyncUsers", "ListUsers"]),
        ({"cluster_id": HYBRID, "expected_users": ["chem01"]}, False, ["DescribeCluster", "ListUsers"]),
        ({"cluster_id": HYBRID, "expected_users": ["chem01"], "check_cluster": False}, False, ["ListUsers"]),
        ({"cluster_id": HYBRID, "check_cluster": False}, False, ["ListUsers", "SyncUsers", "ListUsers"]),
    ],
    "user": [
        ({"cluster_id": PUBLIC, "users": [ADMIN]}, True, ["DescribeCluster", "ListUsers"]),
        ({"cluster_id": PUBLIC, "users": [ADMIN]}, False, ["DescribeCluster", "ListUsers", "ModifyUserGroups", "ListUsers"]),
        ({"cluster_id": PUBLIC, "users": [ADMIN], "check_cluster": False}, False, ["ListUsers"]),
    ],
    "user_info": [
        ({"cluster_id": HYBRID}, False, ["ListUsers"]),
        ({"cluster_id": "ehpc-sh-large01", "region": "cn-shanghai"}, False, ["ListUsers", "ListUsers"]),
    ],
    "cluster_info": [
        ({"cluster_ids": [HYBRID, PUBLIC]}, False, ["DescribeCluster", "DescribeCluster"]),
        ({}, False, ["ListClusters"]),
        ({"names": ["hybrid-*"]}, False, ["ListClusters"]),
        ({"names": []}, False, []),
    ],
    "region_info": [({}, False, ["ListRegions"])],
}
