# Copyright (c) 2026, the alicloud.ehpc contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Functions that operations share: the cluster of a request, checked parameters, and pages."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, TypeVar

from .errors import ApiError
from .state import V1, Cluster, State

Params = dict[str, str]
Content = dict[str, Any]
Item = TypeVar("Item")


def cluster_of(state: State, account: str, params: Params, generation: str | None = V1) -> Cluster:
    """The cluster, which must be of the generation, if one is given."""
    cluster = state.clusters.get(params["ClusterId"])
    if cluster is None or cluster.account != account or params.get("RegionId", cluster.region) != cluster.region:
        raise ApiError("ClusterNotFound")
    if generation not in (None, cluster.generation):
        raise ApiError("ClusterNotFound")
    return cluster


def check_manager(cluster: Cluster) -> None:
    """The cluster itself manages its users, so it must be running and its manager must respond."""
    if cluster.current_status() != "running":
        raise ApiError("InvalidClusterStatus")
    if cluster.manager == "down":
        raise ApiError("ManagerNotFound")


def one_of(params: Params, name: str, values: tuple[str, ...]) -> str | None:
    value = params.get(name) or None
    if value is not None and value not in values:
        raise invalid(name)
    return value


def paging(params: Params, largest: int) -> tuple[int, int]:
    return number_of(params, "PageNumber", 1, None), number_of(params, "PageSize", 10, largest)


def number_of(params: Params, name: str, default: int, largest: int | None) -> int:
    text = params.get(name) or str(default)
    if not re.fullmatch(r"[0-9]{1,9}", text) or int(text) < 1 or (largest is not None and int(text) > largest):
        raise invalid(name)
    return int(text)


def page_of(items: list[Item], number: int, size: int, wrapper: str, name: str, describe: Callable[[Item], dict[str, Any]]) -> Content:
    page = items[(number - 1) * size : number * size]
    return {
        "PageNumber": number,
        "PageSize": size,
        "TotalCount": len(items),
        wrapper: {name: [describe(item) for item in page]},
    }


def invalid(parameter: str) -> ApiError:
    return ApiError("InvalidParams", parameter)
