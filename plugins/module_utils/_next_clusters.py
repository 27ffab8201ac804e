# Copyright (c) 2026, the alicloud.ehpc contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Clusters of E-HPC NEXT, with the keys of E-HPC 1.0 clusters, and the failure of E-HPC 1.0 operations on them."""

from __future__ import annotations

import time
import typing as t

from ansible_collections.alicloud.ehpc.plugins.module_utils import _post_scripts
from ansible_collections.alicloud.ehpc.plugins.module_utils._client import part
from ansible_collections.alicloud.ehpc.plugins.module_utils._errors import CLUSTER_NOT_FOUND, WRONG_GENERATION, EhpcError, attempt
from ansible_collections.alicloud.ehpc.plugins.module_utils._generations import NEXT, V1, of_version, wrong_generation

if t.TYPE_CHECKING:  # pragma: no cover
    from collections.abc import Mapping
    from concurrent.futures import Executor

    from ansible_collections.alicloud.ehpc.plugins.module_utils._client import Client

# The fields that GetCluster and ListClusters have in common, and their keys in a result.
FIELDS = {
    "ClusterName": "name",
    "ClusterDescription": "description",
    "ClusterCreateTime": "create_time",
    "ClusterVpcId": "vpc_id",
    "ClusterVSwitchId": "vswitch_id",
    "ClusterMode": "mode",
    "ClusterCategory": "category",
    "SecurityGroupId": "security_group_id",
    "ResourceGroupId": "resource_group_id",
    "ClientVersion": "client_version",
    "EhpcVersion": "ehpc_version",
}
# Keys of every cluster that have no field in E-HPC NEXT. What its mode Hybrid means is not documented.
WITHOUT_FIELD = ("location", "deploy_mode")
PAGE_SIZE = 100
# Seconds.
RECOGNITION_LIMIT = 10

# What to use instead of a module for E-HPC 1.0, by the operation that the module is for.
INSTEAD: dict[str | None, str] = {
    "SetPostScripts": "Set its one script with alicloud.ehpc.cluster_script. A bundle of alicloud.ehpc.post_scripts_publish is one script that runs several.",
    "GetPostScripts": "Read its script with alicloud.ehpc.cluster_info and generations: [next].",
    "SyncUsers": "E-HPC NEXT has no synchronization of users. Manage its users with alicloud.ehpc.user.",
    "InvokeShellCommand": "E-HPC NEXT runs no commands on nodes. Set the script of new nodes with alicloud.ehpc.cluster_script.",
    "DescribeCluster": "Add next to generations.",
}


def details(client: Client, cluster_id: str, deadline: float | None = None) -> dict[str, t.Any]:
    """The response of GetCluster, read until the deadline (of time.monotonic()). Raises EhpcError, also for a cluster of E-HPC 1.0."""
    info = client.call("GetCluster", {"ClusterId": cluster_id}, deadline=deadline, generation=NEXT)
    attempted = attempt("GetCluster", cluster_id, client.region)
    if info.get("ClusterId") != cluster_id:
        # The ID is an optional parameter, so a response about no cluster or another one is possible.
        raise EhpcError(CLUSTER_NOT_FOUND, "E-HPC NEXT returned no cluster with this ID.", attempted, "GetCluster")
    if of_version(info.get("EhpcVersion"), NEXT) == V1:
        raise wrong_generation(attempted, "GetCluster", V1)
    return info


def describe(client: Client, cluster_id: str, deadline: float | None = None) -> dict[str, t.Any]:
    """One cluster with its details, read until the deadline (of time.monotonic()). Raises EhpcError."""
    info = details(client, cluster_id, deadline)
    try:
        return _detailed(info, cluster_id, client.region)
    except EhpcError as error:
        raise error.with_context(attempted=attempt("GetCluster", cluster_id, client.region), action="GetCluster") from None


def _detailed(info: Mapping[str, t.Any], cluster_id: str, region: str) -> dict[str, t.Any]:
    cluster = _shaped(info, cluster_id, region)
    cluster["scheduler_version"] = part(part(info, "Manager"), "Scheduler").get("Version")
    cluster["proxy_mode"] = False
    cluster["post_scripts"] = _post_scripts.redacted(scripts_of(info))
    cluster["on_premise_info"] = []
    return cluster


def scripts_of(info: Mapping[str, t.Any]) -> list[_post_scripts.Script]:
    """The script of a cluster as a list of one script or none."""
    script = part(info, "ClusterCustomConfiguration")
    return [_post_scripts.Script(str(script["Script"]), str(script.get("Args") or ""))] if script.get("Script") else []


def list_all(client: Client, executor: Executor | None = None) -> list[dict[str, t.Any]]:
    """All clusters of the client's region, each once. Raises EhpcError."""
    found = client.pages("ListClusters", "Clusters", "Cluster", size=PAGE_SIZE, executor=executor, generation=NEXT)
    of_next = [info for info in found if of_version(info.get("EhpcVersion"), NEXT) == NEXT]
    return list({info.get("ClusterId"): _shaped(info, info.get("ClusterId") or "", client.region) for info in of_next}.values())


def _shaped(info: Mapping[str, t.Any], cluster_id: str, region: str) -> dict[str, t.Any]:
    manager, status = part(info, "Manager"), str(info.get("ClusterStatus") or "").lower()
    return {
        "id": cluster_id,
        "generation": NEXT,
        # As E-HPC 1.0 has it.
        "status": "init" if status == "initing" else status,
        "region_id": region,
        # The service returns slurm22 for Slurm.
        "scheduler_type": str(part(manager, "Scheduler").get("Type") or "").lower().rstrip("0123456789") or None,
        "account_type": str(part(manager, "DirectoryService").get("Type") or "").lower() or None,
        **dict.fromkeys(("name", "create_time", *WITHOUT_FIELD)),
        **{key: info[field] for field, key in FIELDS.items() if field in info},
    }


def exists(client: Client, cluster_id: str) -> bool:
    """Whether E-HPC NEXT has the cluster, as far as it can be read within RECOGNITION_LIMIT."""
    try:
        describe(client, cluster_id, time.monotonic() + RECOGNITION_LIMIT)
    except EhpcError:
        return False
    return True


def explained(error: EhpcError, client: Client, cluster_id: str, action: str | None) -> EhpcError:
    """The failure of an E-HPC 1.0 operation; WrongGeneration, with what to use instead, if the cluster is one of E-HPC NEXT.

    ``action`` is the operation that the module is for. Only a failure with ClusterNotFound costs a call.
    """
    if error.code != WRONG_GENERATION and not (error.code == CLUSTER_NOT_FOUND and exists(client, cluster_id)):
        return error
    return wrong_generation(error.attempted, error.action, NEXT, INSTEAD.get(action), error.result)
