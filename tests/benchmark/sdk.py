# Copyright (c) 2026, the alicloud.ehpc contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The lower bound: the same calls by a script with the SDK, without Ansible.

python tests/benchmark/sdk.py THREADS ACTION... reads the cluster IDs from stdin, one per line.
"""

from __future__ import annotations

import os
import sys
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

from aliyunsdkcore.client import AcsClient
from aliyunsdkcore.request import RpcRequest


def main() -> None:
    url = urlsplit(os.environ["ALIBABA_CLOUD_EHPC_ENDPOINT"])
    region = os.environ["ALIBABA_CLOUD_REGION_ID"]
    client = AcsClient(os.environ["ALIBABA_CLOUD_ACCESS_KEY_ID"], os.environ["ALIBABA_CLOUD_ACCESS_KEY_SECRET"], region)

    def call(line: str) -> None:
        cluster_id, own_region = [*line.split(), region][:2]
        for action in sys.argv[2:]:
            client.do_action_with_exception(request_for(cluster_id, own_region, action))

    def request_for(cluster_id: str, own_region: str, action: str) -> RpcRequest:
        request = RpcRequest("EHPC", "2018-04-12", action)
        request.set_protocol_type(url.scheme)
        request.set_endpoint(url.netloc)
        request.set_accept_format("JSON")
        for name, value in {"ClusterId": cluster_id, "RegionId": own_region, "PageNumber": "1", "PageSize": "50"}.items():
            request.add_query_param(name, value)
        return request

    clusters = sys.stdin.read().splitlines()
    with ThreadPoolExecutor(int(sys.argv[1])) as threads:
        for _done in threads.map(call, clusters):
            pass


if __name__ == "__main__":
    main()
