# Copyright (c) 2026, the alicloud.ehpc contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The whole state of an E-HPC NEXT cluster, because UpdateCluster resets each setting that a request omits.

Two operations are needed to read it: GetCluster does not return the description, and ListClusters does not return most settings.
"""

from __future__ import annotations

import typing as t

from ansible_collections.alicloud.ehpc.plugins.module_utils import _next_clusters
from ansible_collections.alicloud.ehpc.plugins.module_utils._client import integer, items, part, snake_case
from ansible_collections.alicloud.ehpc.plugins.module_utils._errors import INVALID_ANSWER, UNSAFE_UPDATE, EhpcError, attempt
from ansible_collections.alicloud.ehpc.plugins.module_utils._generations import NEXT
from ansible_collections.alicloud.ehpc.plugins.module_utils._post_scripts import Script
from ansible_collections.alicloud.ehpc.plugins.module_utils._redact import redact_values, url_secrets

if t.TYPE_CHECKING:  # pragma: no cover
    from collections.abc import Mapping

    from ansible_collections.alicloud.ehpc.plugins.module_utils._client import Client

SCRIPT = "ClusterCustomConfiguration"
# The parameters of UpdateCluster beside the script and the description, by the name in the response of GetCluster.
TEXTS = {"ClusterName": "ClusterName", "ClientVersion": "ClientVersion"}
NUMBERS = {"MaxCount": "MaxCount", "MaxCoreCount": "MaxCoreCount", "GrowInterval": "GrowInterval", "IdleInterval": "IdleInterval"}
FLAGS = {"DeletionProtection": "DeleteProtection", "EnableScaleOut": "EnableScaleOut", "EnableScaleIn": "EnableScaleIn"}
# Those that are objects, and what UpdateCluster accepts in them.
SPECS = {"MonitorSpec": ("EnableComputeLoadMonitor",), "SchedulerSpec": ("EnableTopologyAwareness",)}
# The fields that change by themselves, at any depth.
VOLATILE = frozenset(("RequestId", "ClusterModifyTime", "ClusterStatus", "ClusterUsedCoreTime", "Nodes", "Users", "Status"))
# The smallest page that ListClusters accepts.
PAGE = "10"
EMPTY = (None, "", False, 0, "false", "False")

State = t.Dict[str, t.Any]


def read_details(client: Client, cluster_id: str) -> State:
    """The response of GetCluster. Raises EhpcError, also for a cluster of E-HPC 1.0."""
    info = _next_clusters.details(client, cluster_id)
    client.register_secrets(url_secrets(script_of(info).url))
    return info


def read(client: Client, cluster_id: str) -> State:
    """The complete readable state of a cluster: ``listed`` of ListClusters, and ``details`` of GetCluster. Raises EhpcError."""
    response = client.call("ListClusters", {"ClusterIds": [cluster_id], "PageNumber": "1", "PageSize": PAGE}, generation=NEXT)
    found = [entry for entry in items(response, "Clusters", "Cluster") if entry.get("ClusterId") == cluster_id]
    if not found:
        raise EhpcError(
            INVALID_ANSWER,
            "E-HPC NEXT does not list cluster %s, so its description is not known." % cluster_id,
            attempted=attempt("ListClusters", None, client.region),
            action="ListClusters",
            # The one of the code is for responses of other services.
            hint="Check the cluster in the E-HPC console, then run the task again.",
        )
    # Last, because it has most of the settings, and they must be recent.
    return {"listed": found[0], "details": read_details(client, cluster_id)}


def script_of(details: Mapping[str, t.Any]) -> Script:
    """The script of a cluster; its URL is empty if there is none."""
    return next(iter(_next_clusters.scripts_of(details)), Script(""))


def settings(state: State) -> dict[str, t.Any]:
    """The parameters of an UpdateCluster that changes nothing, without the script. Raises EhpcError if there is no such update."""
    details = state["details"]
    absent = [name for name in (*TEXTS.values(), *NUMBERS.values(), *FLAGS.values()) if details.get(name) in (None, "")]
    if absent:
        raise _unsafe("GetCluster does not return %s, which UpdateCluster would reset." % ", ".join(absent))
    found: dict[str, t.Any] = {parameter: str(details[name]) for parameter, name in TEXTS.items()}
    # The length of a description is at least 2, so that an empty one cannot be sent. It is also what is left without the parameter.
    if state["listed"].get("ClusterDescription"):
        found["ClusterDescription"] = str(state["listed"]["ClusterDescription"])
    found.update({parameter: integer(details, name) for parameter, name in NUMBERS.items()})
    found.update({parameter: _flag(details, name) for parameter, name in FLAGS.items()})
    for spec, accepted in SPECS.items():
        given = part(details, spec)
        others = [name for name, value in given.items() if name not in accepted and value not in EMPTY]
        if others:
            raise _unsafe("UpdateCluster does not accept %s, which is set for the cluster, and may reset it." % ", ".join(others))
        carried = {name: given[name] for name in accepted if given.get(name) is not None}
        if carried:
            found[spec] = carried
    return found


def _flag(details: Mapping[str, t.Any], name: str) -> bool:
    text = str(details[name]).lower()
    if text not in ("true", "false"):
        raise EhpcError(INVALID_ANSWER, "%s is not a boolean: %.40r." % (name, details[name]), http_status=200, request_id=details.get("RequestId"))
    return text == "true"


def _unsafe(message: str) -> EhpcError:
    return EhpcError(UNSAFE_UPDATE, message)


def differences(before: State, after: State, with_script: bool) -> dict[str, list[t.Any]]:
    """What differs between two states, by name: the value before, and the value after."""
    found = {}
    for source in ("listed", "details"):
        old, new = _lasting(before[source]), _lasting(after[source])
        names = {*old, *new} - (set() if with_script else {SCRIPT})
        found.update({name: [old.get(name), new.get(name)] for name in sorted(names) if old.get(name) != new.get(name)})
    return found


def _lasting(value: t.Any) -> t.Any:
    if isinstance(value, dict):
        return {name: _lasting(inner) for name, inner in value.items() if name not in VOLATILE}
    if isinstance(value, list):
        return [_lasting(inner) for inner in value]
    return value


def shown(value: t.Any) -> t.Any:
    """Settings as results show them: keys in snake_case, and URLs without signatures."""
    return redact_values(_snake(value))


def _snake(value: t.Any) -> t.Any:
    if isinstance(value, dict):
        return {snake_case(name): _snake(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_snake(inner) for inner in value]
    return value
