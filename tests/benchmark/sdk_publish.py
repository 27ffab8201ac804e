# Copyright (c) 2026, the alicloud.ehpc contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The lower bound of publishing: the same requests by a script with the SDK, without Ansible.

python tests/benchmark/sdk_publish.py BUCKET FILE... reads each object, writes it if it does not exist, and reads it again.
"""

from __future__ import annotations

import hashlib
import os
import sys
from pathlib import Path

import alibabacloud_oss_v2 as oss


def main() -> None:
    keys = oss.credentials.StaticCredentialsProvider(os.environ["ALIBABA_CLOUD_ACCESS_KEY_ID"], os.environ["ALIBABA_CLOUD_ACCESS_KEY_SECRET"])
    region, endpoint = os.environ["ALIBABA_CLOUD_REGION_ID"], os.environ["ALIBABA_CLOUD_OSS_ENDPOINT"]
    client = oss.Client(oss.Config(region=region, endpoint=endpoint, credentials_provider=keys))
    bucket, *files = sys.argv[1:]

    def is_stored(key: str, sha256: str) -> bool:
        try:
            content = client.get_object(oss.GetObjectRequest(bucket=bucket, key=key)).body.read()
        except oss.exceptions.OperationError as error:
            if error.unwrap().code != "NoSuchKey":
                raise
            return False
        if hashlib.sha256(content).hexdigest() != sha256:
            sys.exit(f"{key} has another content.")
        return True

    for file in files:
        content = Path(file).read_bytes()
        sha256 = hashlib.sha256(content).hexdigest()
        key = f"sdk/{sha256}/{Path(file).name}"
        if not is_stored(key, sha256):
            client.put_object(oss.PutObjectRequest(bucket=bucket, key=key, body=content, forbid_overwrite=True))
            is_stored(key, sha256)


if __name__ == "__main__":
    main()
