# Copyright (c) 2026, the alicloud.ehpc contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Clusters: read and list them, and check whether their users can be synchronized or managed."""

from __future__ import annotations

import re
import typing as t

from ansible_collections.alicloud.ehpc.plugins.module_utils import _next_clusters, _post_scripts
from ansible_collections.alicloud.ehpc.plugins.module_utils._client import integer, items, part, result_keys
from ansible_collections.alicloud.ehpc.plugins.module_utils._errors import (
    IN_PROXY_MODE,
    INVALID_CLUSTER_STATUS,
    NOT_IN_PROXY_MODE,
    EhpcError,
    attempt,
    invalid_option,
)
from ansible_collections.alicloud.ehpc.plugins.module_utils._generations import NEXT, V1, of_first, of_version, wrong_generation

if t.TYPE_CHECKING:  # pragma: no cover
    from collections.abc import Mapping, Sequence
    from concurrent.futures import Executor

    from ansible_collections.alicloud.ehpc.plugins.module_utils._client import Client

# The fields of DescribeCluster and ListClusters that results contain. A list of accepted fields, because WinAdPar and OpenldapPar contain
# the password of the directory, and so may fields that E-HPC adds later.
FIELDS = (
    "Name",
    "Description",
    "RegionId",
    "ZoneId",
    "Location",
    "SchedulerType",
    "SchedulerVersion",
    "AccountType",
    "DeployMode",
    "CreateTime",
    "VpcId",
    "VSwitchId",
    "SecurityGroupId",
    "ResourceGroupId",
    "ImageId",
    "ImageOwnerAlias",
    "OsTag",
    "BaseOsTag",
    "ClientVersion",
    "EhpcVersion",
    "HaEnable",
    "VolumeId",
    "VolumeType",
    "VolumeProtocol",
    "VolumeMountpoint",
    "RemoteDirectory",
)
# The API 2018-04-12 documents the first six, the API 2024-07-30 the others.
STATUSES = ("uninit", "creating", "init", "running", "exception", "releasing", "stopping", "stopped", "pending")
LOCATIONS = ("PublicCloud", "OnPremise")
# What is attempted before it is known which operations it takes.
MANAGE_USERS = "manage the users"
# Keys that every cluster has, null if the service does not return the field.
REQUIRED_KEYS = ("name", "status", "region_id", "location", "scheduler_type", "account_type", "deploy_mode", "create_time")


def cluster_id_of(params: Mapping[str, t.Any]) -> str:
    """The option ``cluster_id``, checked. Raises EhpcError."""
    return checked_id(params["cluster_id"])


def checked_id(cluster_id: str) -> str:
    """The ID of a cluster. Raises EhpcError if it cannot be an ID."""
    if not cluster_id.strip():
        raise invalid_option("cluster_id is empty.", "Set it to the ID of an E-HPC cluster, such as ehpc-hz-EXAMPLE.")
    if re.search(r"\s", cluster_id) or not cluster_id.isprintable():
        raise invalid_option("cluster_id %r contains whitespace or control characters." % cluster_id)
    return cluster_id


def describe(client: Client, cluster_id: str, deadline: float | None = None) -> dict[str, t.Any]:
    """One cluster with its details, read until the deadline (of time.monotonic())."""
    response = client.call("DescribeCluster", {"ClusterId": cluster_id}, deadline=deadline)
    attempted = attempt("DescribeCluster", cluster_id, client.region)
    try:
        info = dict(part(response, "ClusterInfo"), RequestId=response.get("RequestId"))
        cluster = _detailed(info, cluster_id, client.region)
    except EhpcError as error:
        raise error.with_context(attempted=attempted, action="DescribeCluster") from None
    # Whether E-HPC 1.0 describes clusters of E-HPC NEXT is not documented.
    if of_version(info.get("ClusterVersion")) == NEXT and _next_clusters.exists(client, cluster_id):
        raise wrong_generation(attempted, "DescribeCluster", NEXT)
    return cluster


def _detailed(info: Mapping[str, t.Any], cluster_id: str, region: str) -> dict[str, t.Any]:
    cluster = _shaped(info, cluster_id, region)
    scripts = _post_scripts.from_response(items(info, "PostInstallScripts", "PostInstallScriptInfo"))
    cluster["proxy_mode"] = _in_proxy_mode(info)
    cluster["post_scripts"] = _post_scripts.redacted(scripts)
    cluster["on_premise_info"] = [
        {"type": node.get("Type"), "host_name": node.get("HostName"), "ip": node.get("IP")} for node in items(info, "OnPremiseInfo", "OnPremiseInfo")
    ]
    return cluster


def read(client: Client, cluster_id: str, generations: Sequence[str], deadline: float | None = None) -> dict[str, t.Any]:
    """A cluster of one of the generations with its details. They are asked in this order. Raises EhpcError."""
    readers = {V1: describe, NEXT: _next_clusters.describe}
    return of_first(generations, lambda generation: readers[generation](client, cluster_id, deadline))


def list_all(client: Client, executor: Executor | None = None, generations: Sequence[str] = (V1,)) -> list[dict[str, t.Any]]:
    """All clusters of these generations in the client's region, each once. Raises EhpcError."""
    listers = {V1: _list_v1, NEXT: _next_clusters.list_all}
    return [cluster for generation in dict.fromkeys(generations) for cluster in listers[generation](client, executor)]


def _list_v1(client: Client, executor: Executor | None) -> list[dict[str, t.Any]]:
    """All E-HPC 1.0 clusters of the client's region. Each cluster occurs once, even if it moved to another page between two calls.

    According to its documentation, ListClusters lists the clusters "in each region of the account", so clusters of other regions are left
    out here. A cluster without a region belongs to the region of the request. Raises EhpcError.
    """
    found = client.pages("ListClusters", "Clusters", "ClusterInfoSimple", executor=executor)
    # Whether clusters of E-HPC NEXT are listed, too, is not documented.
    of_region = [info for info in found if (info.get("RegionId") or client.region) == client.region and of_version(info.get("EhpcVersion")) == V1]
    return list({info.get("Id"): _shaped(info, info.get("Id") or "", client.region) for info in of_region}.values())


def _shaped(info: Mapping[str, t.Any], cluster_id: str, region: str) -> dict[str, t.Any]:
    # According to its documentation, DescribeCluster returns the ID of an instance as Id, so the ID of the request is used.
    cluster: dict[str, t.Any] = {"id": cluster_id, "generation": V1}
    cluster.update(dict.fromkeys(REQUIRED_KEYS))
    cluster.update(result_keys(info, FIELDS))
    # The documentation contains both "init" and "Init".
    cluster["status"] = str(info.get("Status") or "").lower()
    cluster["region_id"] = cluster["region_id"] or region
    return cluster


def diff(cluster_id: str, region: str, name: str, before: t.Any, after: t.Any) -> dict[str, t.Any]:
    """The diff of a part of a cluster, such as ``post_scripts``. The headers name the cluster, for fleets."""
    header = "%s of cluster %s in %s" % (name.replace("_", " "), cluster_id, region)
    return {"before_header": header, "after_header": header, "before": {name: before}, "after": {name: after}}


def _in_proxy_mode(info: Mapping[str, t.Any]) -> bool:
    """Whether the cluster is in proxy mode. E-HPC has no field for it, but documents two fields as returned in this mode only."""
    nodes = dict(part(info, "EcsInfo"), RequestId=info.get("RequestId"))
    proxies = dict(part(nodes, "ProxyMgr"), RequestId=info.get("RequestId"))
    on_premise = items(info, "OnPremiseInfo", "OnPremiseInfo")
    return info.get("Location") == "OnPremise" and bool(integer(proxies, "Count") or on_premise)


def _check_running(cluster: Mapping[str, t.Any], attempted: str, action: str) -> None:
    if cluster["status"] != "running":
        raise EhpcError(INVALID_CLUSTER_STATUS, "Its status is %s, not running." % (cluster["status"] or "unknown"), attempted, action)


def check_can_sync(cluster: Mapping[str, t.Any], region: str) -> None:
    """Raise EhpcError if the users of this cluster cannot be synchronized."""
    attempted = attempt("SyncUsers", cluster["id"], region)
    _check_running(cluster, attempted, "SyncUsers")
    if not cluster["proxy_mode"]:
        kind = "a hybrid cluster without a proxy node" if cluster["location"] == "OnPremise" else "not a hybrid cluster"
        raise EhpcError(
            NOT_IN_PROXY_MODE,
            "It is not in hybrid-cloud proxy mode (it is %s)." % kind,
            attempted=attempted,
            action="SyncUsers",
            hint=(
                "Only hybrid clusters with a proxy node have on-premises users to synchronize. Manage the users of other clusters with"
                " alicloud.ehpc.user. If you are sure that this cluster has a proxy node, set check_cluster to false."
            ),
        )


def check_manages_users(cluster: Mapping[str, t.Any], region: str) -> None:
    """Raise EhpcError if the users of this cluster cannot be created and deleted."""
    attempted = attempt(MANAGE_USERS, cluster["id"], region)
    _check_running(cluster, attempted, "AddUsers")
    if cluster["proxy_mode"]:
        raise EhpcError(
            IN_PROXY_MODE,
            "It is in hybrid-cloud proxy mode, so its users come from the on-premises account service.",
            attempted=attempted,
            action="AddUsers",
            hint="Create and delete the users on-premises, then synchronize them with alicloud.ehpc.user_sync.",
        )
