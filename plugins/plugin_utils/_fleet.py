# Copyright (c) 2026, the alicloud.ehpc contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The clusters of many regions, and the nodes of many clusters, read in parallel."""

from __future__ import annotations

import typing as t
from concurrent.futures import ThreadPoolExecutor

from ansible_collections.alicloud.ehpc.plugins.module_utils import _clusters, _nodes
from ansible_collections.alicloud.ehpc.plugins.module_utils._client import client_for, items
from ansible_collections.alicloud.ehpc.plugins.module_utils._errors import EhpcError

if t.TYPE_CHECKING:  # pragma: no cover
    from collections.abc import Callable, Iterable, Sequence

    from ansible_collections.alicloud.ehpc.plugins.module_utils._client import Client

    Entry = dict[str, t.Any]
    # What was read, and why the rest could not be read, by region or by cluster ID.
    Found = tuple[list[Entry], dict[str, EhpcError]]

# The service does not document how many calls it accepts at a time. More threads gain little over the few regions that there are.
THREADS = 8


class Fleet:
    """What an account has in some regions. Use it for one inventory: it keeps a client for each region."""

    def __init__(self, params: dict[str, t.Any]) -> None:
        """``params`` are the shared options."""
        self._params = params
        self._clients: dict[str, Client] = {}

    def regions(self, fallback_region: str) -> list[str]:
        """The IDs of all regions of the service. Raises EhpcError."""
        client = client_for(self._params, fallback_region)
        regions = items(client.call("ListRegions"), "Regions", "RegionInfo")
        return [region["RegionId"] for region in regions if region.get("RegionId")]

    def clusters(self, regions: Iterable[str], generations: Sequence[str]) -> Found:
        """The clusters of these regions and generations, in this order, and the failures by region. Raises EhpcError for options that cannot work."""
        for region in dict.fromkeys(regions):
            self._clients[region] = client_for({**self._params, "region": region})
        with ThreadPoolExecutor(THREADS) as page_executor:
            found, failures = _in_parallel(self._clients, lambda region: _clusters.list_all(self._clients[region], page_executor, generations))
        # A cluster for which the service names no region may be listed in each.
        by_id: dict[str, Entry] = {}
        for cluster in found:
            by_id.setdefault(cluster["id"], cluster)
        return list(by_id.values()), failures

    def nodes(self, clusters: Iterable[Entry]) -> Found:
        """The nodes of these clusters, in this order, each with the ID, name and region of its cluster, and the failures by cluster ID."""
        by_id = {cluster["id"]: cluster for cluster in clusters}
        return _in_parallel(by_id, lambda cluster_id: _nodes.list_all(self._clients[by_id[cluster_id]["region_id"]], by_id[cluster_id]))


def _in_parallel(keys: Iterable[str], read: Callable[[str], list[Entry]]) -> Found:
    found: list[Entry] = []
    failures: dict[str, EhpcError] = {}
    with ThreadPoolExecutor(THREADS) as executor:
        for key, future in [(key, executor.submit(read, key)) for key in keys]:
            try:
                found.extend(future.result())
            except EhpcError as error:
                failures[key] = error
    return found, failures
