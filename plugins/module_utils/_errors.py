# Copyright (c) 2026, the alicloud.ehpc contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The exception of the collection, its codes, and a hint for every code that E-HPC documents."""

from __future__ import annotations

import typing as t

from ansible_collections.alicloud.ehpc.plugins.module_utils._redact import redact_values

T = t.TypeVar("T")

# The collection's own codes: for options that cannot work, and for requests without a response of E-HPC.
INVALID_OPTIONS = "InvalidOptions"
INVALID_ANSWER = "InvalidAnswer"
NOT_SUCCESSFUL = "NotSuccessful"
REQUEST_TOO_LONG = "RequestTooLong"
CONNECTION_FAILED = "ConnectionFailed"
HOST_NOT_FOUND = "HostNotFound"
INVALID_ADDRESS = "InvalidAddress"
TIMED_OUT = "TimedOut"
PROXY_REFUSED = "ProxyRefused"
TLS_FAILED = "TlsFailed"
CREDENTIALS = "CredentialsNotFound"
MISSING_LIBRARY = "MissingLibrary"
UNEXPECTED = "UnexpectedError"
# For what the modules find out.
PREFLIGHT_FAILED = "PreflightFailed"
NOT_STORED = "NotStored"
BACKUP_FAILED = "BackupFailed"
CONTENT_MISMATCH = "ContentMismatch"
FULL_UPDATE = "FullUpdateNotAccepted"
UNSAFE_UPDATE = "UnsafeUpdate"
SETTINGS_CHANGED = "SettingsChanged"
SCRIPTS_FAILED = "ScriptsFailed"
USERS_MISSING = "UsersMissing"
IDS_NOT_READ = "IdsNotRead"
NODES_NOT_READ = "NodesNotRead"
CLUSTER_NOT_RUNNING = "ClusterNotRunning"
IN_PROXY_MODE = "InProxyMode"
NOT_IN_PROXY_MODE = "NotInProxyMode"
WRONG_GENERATION = "WrongGeneration"
CLUSTER_NOT_FOUND = "ClusterNotFound"
# E-HPC has this one, too. The modules use it if they find the status of a cluster themselves; http_status is null then.
INVALID_CLUSTER_STATUS = "InvalidClusterStatus"

# Temporary errors of E-HPC, which the client retries. It also retries Throttling and its subcodes, and the statuses of gateways.
RETRYABLE_CODES = ("ServiceUnavailable", "InternalError", "UnknownError")

_GRANT = "Grant the RAM action ehpc:{action} on all resources ('*') to the RAM user or role of the access key. E-HPC has no resource-level permissions."
_WRONG_KEY = (
    "Check access_key (or ALIBABA_CLOUD_ACCESS_KEY_ID), and that the key belongs to the same Alibaba Cloud site (China or international) as the endpoint."
)
_WRONG_SECRET = "The secret key does not belong to this access key ID. Check secret_key (or ALIBABA_CLOUD_ACCESS_KEY_SECRET)."
_WRONG_TOKEN = "Get a new set of temporary credentials: access key ID, secret key and security token belong together."
_LATER = "E-HPC could not process the request, and retries did not help. Run the task again later, or raise api_retries."
_THROTTLED = "The account exceeds the rate limit of the API. Run fewer hosts at a time (forks, throttle, serial), or raise api_retries and api_retry_max_delay."
_AGENT = (
    "The agent on the cluster's management node failed. Check that the node is running, that its account service (NIS or LDAP) responds,"
    " and that the proxy node can reach the on-premises account server."
)
_PARAMETER = "A parameter is missing or not valid. Check the options of the task against the documentation."
_NOT_EHPC = "The endpoint does not provide this operation. Check endpoint."
_ALTERED_REQUEST = "The request was changed on its way, probably by a proxy. Check the proxy variables of the environment."
_CHECK_USERS = "Check the users of the cluster with alicloud.ehpc.user_info, then run the task again."

# code -> the remedy. A code that ends in '*' is a prefix; the longest match is used.
# Sources: the error tables of the operations' pages, and the table of public error codes of the API gateway.
HINTS: dict[str, str] = {
    "InvalidParams": "Check that every value is valid, and that cluster_id is a cluster of the generation that the module is for.",
    CLUSTER_NOT_FOUND: (
        "Check the cluster ID and the region: cluster IDs are specific to a region and an account."
        " alicloud.ehpc.cluster_info lists the clusters that these credentials can access."
    ),
    INVALID_CLUSTER_STATUS: (
        "The cluster must be running. Check its status with alicloud.ehpc.cluster_info. If the cluster is being created, wait until it is"
        " running; if it is in status exception or stopped, repair or restart it."
    ),
    "ManagerNotFound": (
        "The cluster has no working management node. Check that the manager (in proxy mode: the proxy node) is running and healthy, then run the task again."
    ),
    "ExecFail": (
        "A command on the cluster's management node failed. Check the agent's log on that node, and its connection to the on-premises account server."
    ),
    "AgentError.Account.UserSynFailure": (
        "The management node could not synchronize the users. Check that the proxy node can reach the on-premises account server, and"
        " that the account service (NIS or LDAP) of the cluster is healthy."
    ),
    "AgentError.Account.DomainNotExist": "The account domain of the cluster is missing. Check the account service (NIS or LDAP) on the management node.",
    "AgentError.Account.Get*": "The management node could not list the users. Check the account service (NIS or LDAP) on that node.",
    "AgentError.Account.UserAlreadyExist": _CHECK_USERS,
    "AgentError.Account.UserNot*": _CHECK_USERS,
    "AgentError*": _AGENT,
    "ComputeNotFound": ("A node no longer exists, or E-HPC cannot run commands on it. Check the nodes of the cluster in the console, then run the task again."),
    "VolumeNotFound": "A file system of the cluster does not exist. Check the storage of the cluster in the console.",
    "ConflictOpt": "Another operation on the cluster is in progress. Wait until it has finished, then run the task again.",
    "InvalidOpt": "E-HPC does not allow this for the cluster now. Check its status and mode with alicloud.ehpc.cluster_info, then run the task again.",
    "NotAuthorized": _GRANT,
    "NoPermission*": _GRANT,
    "Forbidden*": _GRANT,
    **dict.fromkeys(RETRYABLE_CODES, _LATER),
    "Throttling*": _THROTTLED,
    "NotEnabled": "Activate E-HPC for this account in the console.",
    "InDebt": "The account has overdue payments. Settle them.",
    "InvalidAccessKeyId.NotFound": _WRONG_KEY,
    "InvalidAccessKeyId.Inactive": "The access key is disabled. Enable it in the RAM console, or use another one.",
    "InvalidAccessKeySecret": _WRONG_SECRET,
    "SignatureDoesNotMatch": _WRONG_SECRET,
    "IncompleteSignature": _WRONG_SECRET,
    "SignatureNonceUsed": "The same signed request arrived twice: a proxy may have sent it again. Run the task again.",
    "InvalidTimeStamp*": "The clock of the machine that makes the call is more than 15 minutes off. Synchronize it (chronyc makestep, timedatectl).",
    "InvalidSecurityToken.Expired": "The temporary credentials have expired. " + _WRONG_TOKEN,
    "InvalidSecurityToken*": _WRONG_TOKEN,
    "MissingSecurityToken": "This is a temporary access key, which requires security_token (or ALIBABA_CLOUD_SECURITY_TOKEN).",
    "Missing*": _PARAMETER,
    "InvalidAction.NotFound": _NOT_EHPC,
    "InvalidApi.NotFound": _NOT_EHPC,
    "InvalidProduct.NotFound": "The endpoint does not provide E-HPC. Check endpoint and region.",
    "InvalidVersion": "The endpoint does not provide this version of the E-HPC API (2018-04-12, or 2024-07-30 for E-HPC NEXT). Check endpoint.",
    "InvalidProtocol.NeedSsl": "The endpoint requires https. Set endpoint without http://.",
    "InvalidSignatureMethod": _ALTERED_REQUEST,
    "InvalidParameter.Format": _ALTERED_REQUEST,
    "UnsupportedHTTPMethod": _ALTERED_REQUEST,
    "InvalidRegionId*": "Check region. alicloud.ehpc.region_info lists the regions.",
    INVALID_ANSWER: "The response did not come from E-HPC. Check endpoint and the proxy variables of the environment.",
    WRONG_GENERATION: (
        "Use alicloud.ehpc.user, user_info, cluster_info and cluster_script for E-HPC NEXT clusters. The other modules are for E-HPC 1.0 clusters."
    ),
    NOT_SUCCESSFUL: "Check the status of the cluster with alicloud.ehpc.cluster_info, then run the task again.",
    REQUEST_TOO_LONG: "Shorten the request: fewer scripts, shorter URLs (pre-signed URLs are long), shorter arguments, or fewer nodes.",
    CONNECTION_FAILED: "Check that the machine that makes the call can reach the endpoint, and check the proxy variables of the environment.",
    INVALID_ADDRESS: "Check endpoint and the proxy variables of the environment. A SOCKS proxy requires the Python package PySocks.",
    HOST_NOT_FOUND: "Check region, endpoint, and the name resolution of the machine that makes the call.",
    TIMED_OUT: "Check the network connection to the endpoint, or raise connect_timeout and read_timeout, and wait_timeout if the module has this option.",
    PROXY_REFUSED: (
        "Check the proxy variables of the environment. HTTPS_PROXY may contain a user name and a password;"
        " NO_PROXY lists the hosts that are reached without the proxy."
    ),
    TLS_FAILED: "Check endpoint. If a private certificate authority signed the certificate, set ca_path to its bundle.",
    CREDENTIALS: ("Set access_key and secret_key, or ALIBABA_CLOUD_ACCESS_KEY_ID and ALIBABA_CLOUD_ACCESS_KEY_SECRET, or a profile of the Alibaba Cloud CLI."),
    MISSING_LIBRARY: "Run pip install aliyun-python-sdk-core requests for the Python that runs the task.",
    UNEXPECTED: (
        "This is a bug in the collection or in a library. Report it with the traceback: run the task again with -vvv and ANSIBLE_DISPLAY_TRACEBACK=error."
    ),
    BACKUP_FAILED: "Set backup_options.dir_path to a directory on the controller in which files can be created, or omit backup.",
    NODES_NOT_READ: (
        "Check these nodes in the E-HPC console. To leave them out, list the others in clusters[].nodes, or in ehpc_bootstrap_run_on_nodes"
        " for the playbook drift."
    ),
    FULL_UPDATE: "Review the settings in the result, and set accept_full_update to true.",
    UNSAFE_UPDATE: "Nothing was changed. Set the script in the console.",
    PREFLIGHT_FAILED: (
        "Fix the listed problems. If a checksum differs, review the change before updating it. If only nodes can reach a URL, such as an"
        " internal OSS endpoint, run the task inside their VPC, or set preflight to warn."
    ),
}

_GRANT_OSS = (
    "Grant the RAM actions oss:GetObject and oss:PutObject on the objects of bucket and prefix to the RAM user or role of the access key."
    " Check bucket_region and oss_endpoint, too: OSS also denies access to a bucket of another region or account. With acl: public-read,"
    " Block Public Access must be off for the bucket and the account."
)
_OSS_LATER = "OSS could not process the request, and retries did not help. Run the task again later, or raise api_retries."

OSS_ACTIONS = ("GetObject", "PutObject")
# code -> the remedy, for the operations of OSS.
OSS_HINTS: dict[str, str] = {
    "NoSuchBucket": "Check bucket, bucket_region and oss_endpoint. The module does not create buckets.",
    "AccessDenied": _GRANT_OSS,
    "InvalidAccessKeyId": _WRONG_KEY + " The key must be enabled, too.",
    "SignatureDoesNotMatch": _WRONG_SECRET,
    "InvalidSecurityToken": _WRONG_TOKEN,
    "SecurityTokenExpired": "The temporary credentials have expired. " + _WRONG_TOKEN,
    "RequestTimeTooSkewed": HINTS["InvalidTimeStamp*"],
    "UserDisable": "The account is disabled or has overdue payments. Enable it, or settle the payments.",
    "SecondLevelDomainForbidden": "OSS does not accept the bucket in the path. Set oss_endpoint to a host name, such as oss-cn-hangzhou.aliyuncs.com.",
    "KmsServiceNotEnabled": "Activate Key Management Service in the region of the bucket, or set server_side_encryption to AES256.",
    "InvalidDigest": _ALTERED_REQUEST,
    "MissingContentLength": _ALTERED_REQUEST,
    "InvalidArgument": "Check server_side_encryption and server_side_encryption_key_id, and that bucket_region is the region of the bucket.",
    "InvalidObjectName": "Shorten prefix or the name of the script.",
    "RequestTimeout": "Check the network connection to the endpoint of OSS.",
    "FileAlreadyExists": "Another client is writing the same object. Run the task again.",
    "FileImmutable": "A retention policy of the bucket protects the object. Use another prefix.",
    "InternalError": _OSS_LATER,
    "ServiceUnavailable": _OSS_LATER,
    NOT_STORED: ("Check oss_endpoint and the proxy variables of the environment, and that no lifecycle rule of the bucket deletes objects of the prefix."),
    CONTENT_MISMATCH: (
        "Nothing was overwritten. Find out who changed the object, and which nodes have run it. Then delete the object and run the task again,"
        " or use another prefix."
    ),
    INVALID_ANSWER: "The response did not come from OSS. Check oss_endpoint and the proxy variables of the environment.",
    CONNECTION_FAILED: (
        "Check that the machine that makes the call can reach the endpoint of OSS, and check the proxy variables of the environment."
        " oss_endpoint_type: internal works in the VPCs of the region only."
    ),
    HOST_NOT_FOUND: "Check bucket, bucket_region, oss_endpoint, and the name resolution of the machine that makes the call.",
    INVALID_ADDRESS: "Check oss_endpoint and the proxy variables of the environment. A SOCKS proxy requires the Python package PySocks.",
    TIMED_OUT: "Check the network connection to the endpoint of OSS, or raise connect_timeout and read_timeout.",
    TLS_FAILED: "Check oss_endpoint and oss_cname. If a private certificate authority signed the certificate, set ca_path to its bundle.",
}

# operation -> the words that complete "Cannot ..."
ATTEMPTS: dict[str, str] = {
    "GetPostScripts": "read the post scripts",
    "SetPostScripts": "set the post scripts",
    "SyncUsers": "synchronize the users",
    "ListUsers": "list the users",
    "ListUsersAsync": "read the IDs of the users",
    "AddUsers": "create users",
    "DeleteUsers": "delete users",
    "ModifyUserGroups": "change the groups of users",
    "ModifyUserPasswords": "set passwords of users",
    "GetHybridClusterConfig": "read the configuration for on-premises nodes",
    "AddLocalNodes": "add the on-premises nodes",
    "ListNodes": "list the nodes",
    "InvokeShellCommand": "run a command on the nodes",
    "ListInvocationStatus": "query the status of a command on the nodes",
    "ListInvocationResults": "read the results of a command on the nodes",
    "DescribeCluster": "read the details",
    "ListClusters": "list the clusters",
    "GetCluster": "read the details",
    "CreateUsers": "create users",
    "UpdateUser": "change users",
    "UpdateCluster": "set the script",
    "ListRegions": "list the regions",
    "GetObject": "read the object",
    "PutObject": "write the object",
}


def hint_for(code: str, action: str | None = None) -> str | None:
    """The remedy for a code, from OSS_HINTS or the longest matching entry of HINTS; None if there is no entry."""
    if action in OSS_ACTIONS and code in OSS_HINTS:
        return OSS_HINTS[code]
    matches = [known for known in HINTS if code == known or (known.endswith("*") and code.startswith(known[:-1]))]
    if not matches:
        return None
    return HINTS[max(matches, key=len)].format(action=action)


def attempt(action: str, cluster_id: str | None, region: str) -> str:
    """The attempt of a call in words, such as "set the post scripts of cluster ehpc-hz-EXAMPLE in cn-hangzhou". An action may be in words already."""
    words = ATTEMPTS.get(action, action)
    if cluster_id:
        return "%s of cluster %s in %s" % (words, cluster_id, region)
    return "%s in %s" % (words, region)


def error_details(
    code: str, message: str, action: str | None = None, http_status: int | None = None, request_id: str | None = None, hint: str | None = None
) -> dict[str, t.Any]:
    """The ``error`` of a failed task: every key, with null for what does not apply."""
    return {
        "action": action,
        "code": code,
        "message": message,
        "http_status": http_status,
        "request_id": request_id,
        "hint": hint or hint_for(code),
    }


class EhpcError(Exception):
    """A call that failed, or an option that cannot work.

    ``message`` states the problem and contains no secret. ``attempted`` completes "Cannot ..."; without it the message stands alone.
    ``response_lost`` is true if E-HPC may have done the work nevertheless. ``result`` is returned in addition to ``msg`` and ``error``.
    """

    def __init__(
        self,
        code: str,
        message: str,
        attempted: str | None = None,
        action: str | None = None,
        http_status: int | None = None,
        request_id: str | None = None,
        hint: str | None = None,
        response_lost: bool = False,
        result: dict[str, t.Any] | None = None,
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.attempted = attempted
        self.action = action
        self.http_status = http_status
        self.request_id = request_id
        self.hint = hint or hint_for(code, action)
        self.response_lost = response_lost
        self.result = result or {}

    def with_context(self, note: str = "", attempted: str | None = None, action: str | None = None, **result: t.Any) -> EhpcError:
        """This failure with a sentence after its message, another attempt, or more keys in the module's result."""
        return EhpcError(
            self.code,
            "%s. %s" % (self.message.rstrip("."), note) if note else self.message,
            attempted or self.attempted,
            action or self.action,
            self.http_status,
            self.request_id,
            self.hint,
            self.response_lost,
            dict(self.result, **result),
        )

    def __str__(self) -> str:
        """What was attempted, the code, the message and the hint, as one string."""
        what = self.message
        if self.attempted and self.http_status is not None:
            what = "%s: %s" % (self.code, what)
        if self.attempted:
            what = "Cannot %s: %s" % (self.attempted, what)
        what = what if what.endswith((".", "!", "?")) else what + "."
        # A message may be a list, a line for each item.
        return "%s%s%s" % (what, "\n" if "\n" in what else " ", self.hint) if self.hint else what

    def as_failure(self) -> dict[str, t.Any]:
        """The result of the failed module."""
        error = error_details(self.code, self.message, self.action, self.http_status, self.request_id, self.hint)
        # An option or a response may bring a secret into it, such as a pre-signed URL in the wrong option.
        return t.cast("dict[str, t.Any]", redact_values(dict(self.result, msg=str(self), error=error)))


def read_after(error: EhpcError, unknown: str, read: t.Callable[[], T]) -> T:
    """What ``read`` returns, after this error. If it fails, too, the error is raised with what is not known."""
    try:
        return read()
    except EhpcError as failure:
        raise error.with_context("It is not known %s, because reading failed, too: %s" % (unknown, failure.message)) from None


def invalid_option(message: str, hint: str | None = None) -> EhpcError:
    """The failure of an option that cannot work, before any call."""
    return EhpcError(INVALID_OPTIONS, message, hint=hint)
