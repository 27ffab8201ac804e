# Copyright (c) 2026, the alicloud.ehpc contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Calls, clusters, scripts and users for the tests of modules, in the names of the service."""

from __future__ import annotations

import typing as t

from ansible_collections.alicloud.ehpc.plugins.module_utils._generations import NEXT
from ansible_collections.alicloud.ehpc.tests.support.scripted import Call

CLUSTER = "ehpc-hz-EXAMPLE"
BASE = "https://scripts.example.com/base.sh"
MOUNT = "https://scripts.example.com/mount.sh"
MONITOR = "https://scripts.example.com/monitor.sh"
SIGNED = "https://bucket.oss-cn-hangzhou.aliyuncs.com/a.sh?Expires=1893456000&OSSAccessKeyId=EXAMPLEid&Signature=EXAMPLEsig%3D"
SIGNED_SHOWN = "https://bucket.oss-cn-hangzhou.aliyuncs.com/a.sh?Expires=1893456000&OSSAccessKeyId=***&Signature=***"


def script(url: str, args: t.Any = "") -> dict[str, t.Any]:
    """A script as an option and as a result."""
    return {"url": url, "args": args}


def read(*scripts: dict[str, t.Any], **how: t.Any) -> Call:
    """The reading of the post scripts."""
    stored = {"PostInstallScripts": [{"Url": entry["url"], "Args": entry["args"]} for entry in scripts]}
    return Call("GetPostScripts", ClusterId=CLUSTER, **{"answer": stored, **how})


def write(*scripts: dict[str, t.Any], **how: t.Any) -> Call:
    """The writing of the post scripts."""
    params = {}
    for number, entry in enumerate(scripts, 1):
        params[f"PostInstallScripts.{number}.Url"] = entry["url"]
        if entry["args"]:
            params[f"PostInstallScripts.{number}.Args"] = entry["args"]
    return Call("SetPostScripts", ClusterId=CLUSTER, **params, **{"answer": {"RequestId": "REQUEST-WRITE"}, **how})


def user(name: str, group: str = "users", add_time: str = "2026-01-01T08:00:00") -> dict[str, str]:
    """A user as a result."""
    return {"name": name, "group": group, "add_time": add_time}


def page(*users: dict[str, str] | str, number: int = 1, total: int | None = None, **how: t.Any) -> Call:
    """A page of the users. Without a total it is the only one."""
    entries = [user(entry) if isinstance(entry, str) else entry for entry in users]
    found = [{"Name": entry["name"], "Group": entry["group"], "AddTime": entry["add_time"]} for entry in entries]
    answer = {"PageNumber": number, "PageSize": 50, "TotalCount": len(users) if total is None else total, "Users": {"UserInfo": found}}
    return Call("ListUsers", ClusterId=CLUSTER, PageNumber=str(number), PageSize="50", **{"answer": answer, **how})


def ids(status: str, *users: tuple[str, str | None], query: str | None = "t-EXAMPLE", **how: t.Any) -> Call:
    """A poll of the users with their IDs; the first one has no query yet."""
    found = [{"Name": name, "UserId": uid, "GroupId": "100"} for name, uid in users]
    answer = {"AsyncId": "t-EXAMPLE", "AsyncStatus": status, "TotalCount": len(users), "Users": {"UserInfo": found}}
    known: dict[str, t.Any] = {"AsyncId": query} if query else {}
    return Call("ListUsersAsync", ClusterId=CLUSTER, PageNumber="1", PageSize="50", **known, **{"answer": answer, **how})


def sync(**how: t.Any) -> Call:
    """The synchronization of the users."""
    return Call("SyncUsers", ClusterId=CLUSTER, **{"answer": {"RequestId": "REQUEST-SYNC"}, **how})


def describe(cluster_id: str = CLUSTER, code: str | None = None, takes: float = 0.0, **info: t.Any) -> Call:
    """The details of a cluster; by default, one that is running in proxy mode."""
    found = {
        "Id": "i-EXAMPLE",
        "Name": "cfd-1",
        "Status": "running",
        "RegionId": "cn-hangzhou",
        "Location": "OnPremise",
        "SchedulerType": "slurm",
        "AccountType": "nis",
        "DeployMode": "Simple",
        "CreateTime": "2026-01-01T08:00:00.000Z",
        "EcsInfo": {"ProxyMgr": {"InstanceType": "ecs.n1.tiny", "Count": 1}},
    }
    return Call("DescribeCluster", ClusterId=cluster_id, answer={"ClusterInfo": {**found, **info}}, code=code, takes=takes)


def get_cluster(cluster_id: str = CLUSTER, code: str | None = None, takes: float = 0.0, **info: t.Any) -> Call:
    """The details of a cluster of E-HPC NEXT; with the code ClusterNotFound, the last attempt to find a cluster."""
    found = {
        "ClusterId": cluster_id,
        "ClusterName": "cfd-2",
        "ClusterStatus": "running",
        "ClusterMode": "Integrated",
        "ClusterCategory": "Standard",
        "ClusterCreateTime": "2026-01-01T08:00:00.000Z",
        "ClusterCustomConfiguration": {"Script": SIGNED, "Args": "--mode base"},
        "EhpcVersion": "2.0.0",
        "Manager": {"Scheduler": {"Type": "slurm22", "Version": "22.05.8"}, "DirectoryService": {"Type": "NIS"}},
    }
    return Call("GetCluster", generation=NEXT, ClusterId=cluster_id, answer={**found, **info}, code=code, takes=takes)
