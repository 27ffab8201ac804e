# Copyright (c) 2026, the alicloud.ehpc contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.

from __future__ import annotations


class ModuleDocFragment:
    """The options that every module shares."""

    DOCUMENTATION = r"""
options:
  access_key:
    description:
      - The id of the access key that signs the calls. Needs O(secret_key). A key of another account sees other clusters; a key with
        other permissions may fail where this one did not. Nothing on a cluster depends on it.
      - Where it is not given, the first of E(ALIBABA_CLOUD_ACCESS_KEY_ID), E(ALIBABACLOUD_ACCESS_KEY_ID), E(ALICLOUD_ACCESS_KEY)
        and E(ALICLOUD_ACCESS_KEY_ID) that is not empty is used, unless O(profile), O(shared_credentials_file) or O(ecs_role_name)
        is given as an option.
      - Where no source of credentials is given at all, the default chain of the Python package C(alibabacloud-credentials) is
        asked, which looks for OIDC, the CLI's profile, a credentials file, the role of the ECS instance, and a credentials URI.
    type: str
    aliases: [access_key_id, alicloud_access_key]
  secret_key:
    description:
      - The secret of the access key. It changes together with O(access_key).
      - Where it is not given, the first of E(ALIBABA_CLOUD_ACCESS_KEY_SECRET), E(ALIBABACLOUD_ACCESS_KEY_SECRET),
        E(ALICLOUD_SECRET_KEY), E(ALICLOUD_ACCESS_KEY_SECRET) and E(ALICLOUD_SECRET_ACCESS_KEY) that is not empty is used.
    type: str
    aliases: [secret_access_key, access_key_secret, alicloud_secret_key]
  security_token:
    description:
      - The token of temporary credentials. It belongs to one access key and expires with it.
      - Where it is not given, the first of E(ALIBABA_CLOUD_SECURITY_TOKEN), E(ALIBABACLOUD_SECURITY_TOKEN) and
        E(ALICLOUD_SECURITY_TOKEN) that is not empty is used, unless the environment has another access key than O(access_key).
    type: str
    aliases: [alicloud_security_token]
  profile:
    description:
      - The profile of the vendor's CLI whose credentials are used, in any mode that C(alibabacloud-credentials) knows
        (C(AK), C(StsToken), C(RamRoleArn), C(EcsRamRole), C(External) and others). Its region is the default of O(region).
      - Where it is not given, the first of E(ALIBABA_CLOUD_PROFILE), E(ALIBABACLOUD_PROFILE) and E(ALICLOUD_PROFILE) that is not
        empty is used, else the CLI's current profile.
      - Needs the Python package C(alibabacloud-credentials).
    type: str
    aliases: [alicloud_profile]
  shared_credentials_file:
    description:
      - The file with the profiles. The same O(profile) in another file may be another account.
      - Where it is not given, E(ALICLOUD_SHARED_CREDENTIALS_FILE) is used, else C(~/.aliyun/config.json).
    type: path
  ecs_role_name:
    description:
      - The RAM role of the ECS instance on which the call is made. It decides what the calls may do.
      - Where it is not given, the first of E(ALIBABA_CLOUD_ECS_METADATA) and E(ALICLOUD_ECS_ROLE_NAME) that is not empty is used.
      - Needs the Python package C(alibabacloud-credentials).
    type: str
    aliases: [role_name]
  assume_role_arn:
    description:
      - The RAM role to assume with the credentials above; the calls are then signed as that role, and may do what that role may do.
      - Where it is not given, the first of E(ALIBABA_CLOUD_ROLE_ARN) and E(ALICLOUD_ASSUME_ROLE_ARN) that is not empty is used.
        E(ALIBABA_CLOUD_ROLE_ARN) counts together with an access key only; without one it belongs to OIDC.
      - Needs the Python package C(alibabacloud-credentials).
    type: str
    aliases: [alicloud_assume_role_arn]
  assume_role_session_name:
    description:
      - The name under which the assumed role appears in the audit log. It has no other effect.
      - Where it is not given, the first of E(ALIBABA_CLOUD_ROLE_SESSION_NAME) and E(ALICLOUD_ASSUME_ROLE_SESSION_NAME) that is not
        empty is used, else V(ansible-ehpc).
    type: str
    aliases: [alicloud_assume_role_session_name]
  region:
    description:
      - The id of the region of the cluster. It decides the endpoint and is part of every call. A cluster is known in its own region
        only, so with another region the same id is an unknown cluster.
      - Where it is not given, the first of E(ALIBABA_CLOUD_REGION_ID), E(ALIBABA_CLOUD_REGION), E(ALIBABACLOUD_REGION_ID),
        E(ALICLOUD_REGION) and E(ALICLOUD_REGION_ID) that is not empty is used, else the region of the profile.
    type: str
    aliases: [region_id, alicloud_region]
  endpoint:
    description:
      - Where the calls go, as C(host[:port]) or a full URL, instead of the region's own endpoint.
      - Always https, except for a loopback address with C(http://).
      - Where it is not given, E(ALIBABA_CLOUD_EHPC_ENDPOINT) is used, else C(https://ehpc.<region>.aliyuncs.com).
    type: str
  endpoint_type:
    description:
      - V(vpc) calls C(ehpc-vpc.<region>.aliyuncs.com), which is reachable from a VPC of that region only. Clusters and answers are the same.
      - Does not matter where O(endpoint) is given.
    type: str
    choices: [public, vpc]
    default: public
  validate_certs:
    description:
      - V(false) accepts any certificate, with a warning. Anybody on the way can then answer in the service's place.
    type: bool
    default: true
  ca_path:
    description:
      - A bundle of certificates, in PEM form, or a directory of them, of the authorities to trust instead of the default ones.
      - Where it is not given, the first of E(ALIBABA_CLOUD_CA_BUNDLE) and E(REQUESTS_CA_BUNDLE) that is not empty is used.
    type: path
  connect_timeout:
    description:
      - Seconds to establish a connection, including name resolution, all addresses of the host, the proxy and the TLS handshake.
      - A connection that takes longer counts as lost and is retried, see O(api_retries).
    type: float
    default: 5
  read_timeout:
    description:
      - Seconds to wait for the complete response to one request, up to its last byte, once the connection is established.
      - A response that takes longer counts as lost and is retried, see O(api_retries). A call without any complete response therefore
        fails after at most (O(api_retries) + 1) * (O(connect_timeout) + O(read_timeout)) seconds.
    type: float
    default: 30
  api_retries:
    description:
      - The number of retries for throttling, server errors and connection failures. V(0) disables them.
      - Retries use exponential backoff with jitter, starting at 0.5 seconds. A request that timed out is retried at once.
      - Certificates that cannot be verified, names that cannot be resolved, and all other errors of the service fail at once.
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
  - alibabacloud-credentials >= 1.0.0, for credentials other than an access key
notes:
  - An empty string counts as not given, for each option and each environment variable.
  - An option is stronger than an environment variable, and that is stronger than a profile.
  - The environment is that of the task (C(environment)) on the host that runs it. E(HTTPS_PROXY) and E(NO_PROXY) are honoured.
"""
