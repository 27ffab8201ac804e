# Copyright (c) 2026, the alicloud.ehpc contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    """The options that every module and the inventory plugin share."""

    DOCUMENTATION = r"""
options:
  access_key:
    description:
      - The access key ID. Requires O(secret_key). Defaults to E(ALIBABA_CLOUD_ACCESS_KEY_ID).
      - Without any credentials, the default chain of C(alibabacloud-credentials) is used.
    type: str
    aliases: [access_key_id, alicloud_access_key]
  secret_key:
    description:
      - The access key secret. Defaults to E(ALIBABA_CLOUD_ACCESS_KEY_SECRET).
    type: str
    aliases: [secret_access_key, access_key_secret, alicloud_secret_key]
  security_token:
    description:
      - The STS token of temporary credentials. Defaults to E(ALIBABA_CLOUD_SECURITY_TOKEN).
    type: str
    aliases: [alicloud_security_token]
  profile:
    description:
      - A profile of the Alibaba Cloud CLI. Defaults to E(ALIBABA_CLOUD_PROFILE), then to the CLI's current profile.
    type: str
    aliases: [alicloud_profile]
  shared_credentials_file:
    description:
      - The file with the profiles. Defaults to E(ALICLOUD_SHARED_CREDENTIALS_FILE), then to C(~/.aliyun/config.json).
    type: path
  ecs_role_name:
    description:
      - The RAM role of the ECS instance that runs the module. Defaults to E(ALIBABA_CLOUD_ECS_METADATA).
    type: str
    aliases: [role_name]
  assume_role_arn:
    description:
      - The ARN of the RAM role to assume with the credentials. Defaults to E(ALIBABA_CLOUD_ROLE_ARN).
    type: str
    aliases: [alicloud_assume_role_arn]
  assume_role_session_name:
    description:
      - The session name of the assumed role. Defaults to E(ALIBABA_CLOUD_ROLE_SESSION_NAME), then to V(ansible-ehpc).
    type: str
    aliases: [alicloud_assume_role_session_name]
  region:
    description:
      - The ID of the region, such as V(cn-hangzhou). Defaults to E(ALIBABA_CLOUD_REGION_ID), then to the region of the profile.
    type: str
    aliases: [region_id, alicloud_region]
  endpoint:
    description:
      - The endpoint, as C(host[:port]) or a URL. Plain C(http://) is accepted for loopback addresses only. Defaults to
        E(ALIBABA_CLOUD_EHPC_ENDPOINT), then to C(https://ehpc.<region>.aliyuncs.com).
    type: str
  endpoint_type:
    description:
      - V(vpc) uses C(ehpc-vpc.<region>.aliyuncs.com), which only VPCs of that region reach. Ignored if O(endpoint) is set.
    type: str
    choices: [public, vpc]
    default: public
  validate_certs:
    description:
      - Whether to verify TLS certificates. V(false) exposes the connection to man-in-the-middle attacks.
    type: bool
    default: true
  ca_path:
    description:
      - The CA certificates to trust, as a PEM file or a directory. Defaults to E(ALIBABA_CLOUD_CA_BUNDLE), then to
        E(REQUESTS_CA_BUNDLE).
    type: path
  connect_timeout:
    description:
      - The number of seconds to establish a connection, from name resolution to the TLS handshake.
    type: float
    default: 5
  read_timeout:
    description:
      - The number of seconds to wait for the complete response to one request.
    type: float
    default: 30
  api_retries:
    description:
      - The number of retries for throttling, server errors, timeouts and lost connections, with exponential backoff and jitter. Other
        errors fail at once.
    type: int
    default: 5
  api_retry_max_delay:
    description:
      - The maximum number of seconds between two attempts.
    type: float
    default: 12
requirements:
  - python >= 3.8
  - aliyun-python-sdk-core >= 2.16.0
  - requests >= 2.28.0
  - alibabacloud-credentials >= 1.0.0, unless an access key is used
notes:
  - Options take precedence over environment variables, and these over profiles. Empty strings are ignored. All sources of credentials and
    all names of environment variables are in
    R(Credentials and environment variables, ansible_collections.alicloud.ehpc.docsite.guide_credentials).
"""
