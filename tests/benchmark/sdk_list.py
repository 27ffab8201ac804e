# Copyright (c) 2026, the alicloud.ehpc contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""All clusters of some regions, by the vendor's SDK and threads: what an inventory is measured against.

python tests/benchmark/sdk_list.py REGION...: prints how many clusters there are.
"""

from __future__ import annotations

import json
import os
import sys
import typing as t
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

from aliyunsdkcore.client import AcsClient
from aliyunsdkcore.request import RpcRequest


def page(client: AcsClient, region: str, number: int) -> dict[str, t.Any]:
    url = urlsplit(os.environ["ALIBABA_CLOUD_EHPC_ENDPOINT"])
    request = RpcRequest("EHPC", "2018-04-12", "ListClusters")
    request.set_protocol_type(url.scheme)
    request.set_endpoint(url.netloc)
    request.set_accept_format("JSON")
    for name, value in {"RegionId": region, "PageNumber": str(number), "PageSize": "50"}.items():
        request.add_query_param(name, value)
    return t.cast("dict[str, t.Any]", json.loads(client.do_action_with_exception(request)))


def main() -> None:
    client = AcsClient(os.environ["ALIBABA_CLOUD_ACCESS_KEY_ID"], os.environ["ALIBABA_CLOUD_ACCESS_KEY_SECRET"], sys.argv[1])
    with ThreadPoolExecutor(8) as threads:
        firsts = list(threads.map(lambda region: (region, page(client, region, 1)), sys.argv[1:]))
        rest = [(region, number) for region, first in firsts for number in range(2, -(-first["TotalCount"] // 50) + 1)]
        pages = [first for _region, first in firsts] + list(threads.map(lambda which: page(client, *which), rest))
    print(sum(len(found["Clusters"]["ClusterInfoSimple"]) for found in pages))


if __name__ == "__main__":
    main()
