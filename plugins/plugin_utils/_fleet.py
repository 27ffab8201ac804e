# Copyright (c) 2026, the alicloud.ehpc contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.

"""The clusters of many regions, and the nodes of many clusters, read side by side."""

from __future__ import annotations

import typing as t
from concurrent.futures import ThreadPoolExecutor

from ansible_collections.alicloud.ehpc.plugins.module_utils import _clusters, _nodes
from ansible_collections.alicloud.ehpc.plugins.module_utils._client import client_for, items
from ansible_collections.alicloud.ehpc.plugins.module_utils._errors import EhpcError

if t.TYPE_CHECKING:  # pragma: no cover
    from collections.abc import Callable, Iterable

    from ansible_collections.alicloud.ehpc.plugins.module_utils._client import Client

    Entry = dict[str, t.Any]

# As many calls at a time as the service's unknown limit surely allows; more would gain little over a few regions.
THREADS = 8


class Fleet:
    """What an account has in some regions."""

    def __init__(self, params: dict[str, t.Any], failed: Callable[[str, EhpcError], object]) -> None:
        """``failed`` is told the region or the cluster, and its failure; what it does not raise is left out."""
        self._params = params
        self._failed = failed
        self._clients: dict[str, Client] = {}

    def regions(self, fallback_region: str) -> list[str]:
        """All regions of the service."""
        client = client_for(self._params, fallback_region)
        return [region["RegionId"] for region in items(client.call("ListRegions"), "Regions", "RegionInfo")]

    def clusters(self, regions: Iterable[str]) -> list[Entry]:
        """The clusters of these regions, in this order."""
        for region in dict.fromkeys(regions):
            self._clients[region] = client_for({**self._params, "region": region})
        with ThreadPoolExecutor(THREADS) as page_executor:
            return self._side_by_side(self._clients, lambda region: _clusters.list_all(self._clients[region], page_executor))

    def nodes(self, clusters: Iterable[Entry]) -> list[Entry]:
        """The nodes of these clusters, in this order, each with its cluster's id, name and region."""
        by_id = {cluster["id"]: cluster for cluster in clusters}
        regions = {cluster_id: cluster["region_id"] for cluster_id, cluster in by_id.items()}
        return self._side_by_side(regions, lambda cluster_id: _nodes.list_all(self._clients[regions[cluster_id]], by_id[cluster_id]))

    def _side_by_side(self, keys: Iterable[str], read: Callable[[str], list[Entry]]) -> list[Entry]:
        found: list[Entry] = []
        with ThreadPoolExecutor(THREADS) as executor:
            waiting = [(key, executor.submit(read, key)) for key in keys]
            for key, answer in waiting:
                try:
                    found.extend(answer.result())
                except EhpcError as error:
                    self._failed(key, error)
        return found
