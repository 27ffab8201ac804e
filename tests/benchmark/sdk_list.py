# Copyright (c) 2026, the alicloud.ehpc contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""All clusters of some regions, listed by the SDK of Alibaba Cloud with threads. The inventory is compared with it.

python tests/benchmark/sdk_list.py regions|pages REGION...: prints them as JSON. A thread reads a region, page by page; or just a page.
"""

from __future__ import annotations

import json
import os
import sys
import typing as t
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

from aliyunsdkcore.client import AcsClient
from aliyunsdkehpc.request.v20180412.ListClustersRequest import ListClustersRequest


def page(client: AcsClient, number: int) -> dict[str, t.Any]:
    url = urlsplit(os.environ["ALIBABA_CLOUD_EHPC_ENDPOINT"])
    request = ListClustersRequest()
    request.set_protocol_type(url.scheme)
    request.set_endpoint(url.netloc)
    request.set_accept_format("JSON")
    request.set_PageNumber(number)
    request.set_PageSize(50)
    return t.cast("dict[str, t.Any]", json.loads(client.do_action_with_exception(request)))


def later_pages(first: dict[str, t.Any]) -> range:
    return range(2, -(-first["TotalCount"] // 50) + 1)


def region_by_region(clients: list[AcsClient], threads: ThreadPoolExecutor) -> list[dict[str, t.Any]]:
    def pages(client: AcsClient) -> list[dict[str, t.Any]]:
        first = page(client, 1)
        return [first, *(page(client, number) for number in later_pages(first))]

    return [found for region in threads.map(pages, clients) for found in region]


def page_by_page(clients: list[AcsClient], threads: ThreadPoolExecutor) -> list[dict[str, t.Any]]:
    firsts = list(zip(clients, threads.map(lambda client: page(client, 1), clients)))
    rest = [(client, number) for client, first in firsts for number in later_pages(first)]
    return [first for _client, first in firsts] + list(threads.map(lambda which: page(*which), rest))


def main() -> None:
    keys = os.environ["ALIBABA_CLOUD_ACCESS_KEY_ID"], os.environ["ALIBABA_CLOUD_ACCESS_KEY_SECRET"]
    how, *regions = sys.argv[1:]
    clients = [AcsClient(*keys, region) for region in regions]
    with ThreadPoolExecutor(8) as threads:
        pages = {"regions": region_by_region, "pages": page_by_page}[how](clients, threads)
    clusters = [cluster for found in pages for cluster in found["Clusters"]["ClusterInfoSimple"]]
    print(json.dumps({cluster["Id"]: cluster for cluster in clusters}, indent=4))


if __name__ == "__main__":
    main()
