# Copyright (c) 2026, the alicloud.ehpc contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A cluster of E-HPC NEXT: how it is read and written as a whole."""

from __future__ import annotations

import typing as t

from ansible_collections.alicloud.ehpc.tests.support.scripted import Call
from ansible_collections.alicloud.ehpc.tests.support.words import BASE, CLUSTER

OLD = {"Script": "https://scripts.example.com/old.sh", "Args": "-v"}
NEW = {"Script": BASE, "Args": "--mode base"}
DETAILS: dict[str, t.Any] = {
    "ClusterId": CLUSTER,
    "ClusterName": "cfd-1",
    "ClusterStatus": "running",
    "ClusterModifyTime": "2026-01-01T00:00:00.000Z",
    "MaxCount": "100",
    "MaxCoreCount": "0",
    "DeleteProtection": "true",
    "ClientVersion": "2.0.31",
    "EhpcVersion": "2.0.0",
    "ClusterCustomConfiguration": OLD,
    "GrowInterval": 3,
    "IdleInterval": 4,
    "EnableScaleOut": True,
    "EnableScaleIn": False,
    "MonitorSpec": {"EnableComputeLoadMonitor": True},
    "SchedulerSpec": {"EnableTopologyAwareness": True, "EnablePowerSaving": False},
    "Manager": {"Scheduler": {"Type": "slurm22", "Status": "running"}},
}
LISTED: dict[str, t.Any] = {"ClusterId": CLUSTER, "ClusterName": "cfd-1", "ClusterDescription": "third-floor", "MaxCount": 100, "Nodes": {"RunningCounts": 1}}
# The parameters of an update that changes nothing.
KEPT: dict[str, t.Any] = {
    "ClusterName": "cfd-1",
    "ClusterDescription": "third-floor",
    "MaxCount": 100,
    "MaxCoreCount": 0,
    "DeletionProtection": True,
    "ClientVersion": "2.0.31",
    "GrowInterval": 3,
    "IdleInterval": 4,
    "EnableScaleOut": True,
    "EnableScaleIn": False,
    "MonitorSpec": {"EnableComputeLoadMonitor": True},
    "SchedulerSpec": {"EnableTopologyAwareness": True},
}


def get(**info: t.Any) -> Call:
    """A response of GetCluster; a field that is None is absent."""
    answer = {name: value for name, value in {**DETAILS, **info}.items() if value is not None}
    return Call("GetCluster", ClusterId=CLUSTER, generation="next", answer=answer)


def listed(**info: t.Any) -> Call:
    """A response of ListClusters, which may contain more than it was asked for."""
    others = {"ClusterId": "ehpc-hz-EXAMPLE2", "ClusterDescription": "another"}
    params: dict[str, t.Any] = {"ClusterIds": [CLUSTER], "PageNumber": "1", "PageSize": "10"}
    return Call("ListClusters", **params, generation="next", answer={"TotalCount": 2, "Clusters": [others, {**LISTED, **info}]})


def reads(configuration: dict[str, str] | None = None, **info: t.Any) -> list[Call]:
    """The reading of the whole state, with this script."""
    return [listed(), get(ClusterCustomConfiguration=OLD if configuration is None else configuration, **info)]


def update(configuration: dict[str, str] | str | None = "new", how: dict[str, t.Any] | None = None, **other: t.Any) -> Call:
    """The writing of the whole state; a setting that is None is not sent."""
    configuration = NEW if configuration == "new" else configuration
    sent = {**KEPT, **({} if configuration is None else {"ClusterCustomConfiguration": configuration}), **other}
    how = {"answer": {"RequestId": "REQUEST-WRITE", "Success": True}} if how is None else how
    return Call("UpdateCluster", ClusterId=CLUSTER, generation="next", **{name: value for name, value in sent.items() if value is not None}, **how)
