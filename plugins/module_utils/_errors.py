# Copyright (c) 2026, the alicloud.ehpc contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.

"""The one exception of the collection, and what to do about every code that the service documents."""

from __future__ import annotations

import typing as t

from ansible_collections.alicloud.ehpc.plugins.module_utils._redact import redact_values

# The codes that have no counterpart at the service, because the request never got an answer of its own.
INVALID_OPTIONS = "InvalidOptions"
INVALID_ANSWER = "InvalidAnswer"
REQUEST_TOO_LONG = "RequestTooLong"
CONNECTION_FAILED = "ConnectionFailed"
HOST_NOT_FOUND = "HostNotFound"
INVALID_ADDRESS = "InvalidAddress"
TIMED_OUT = "TimedOut"
PROXY_REFUSED = "ProxyRefused"
TLS_FAILED = "TlsFailed"
CREDENTIALS = "CredentialsNotFound"
PREFLIGHT_FAILED = "PreflightFailed"
MISSING_LIBRARY = "MissingLibrary"
UNEXPECTED = "UnexpectedError"

_GRANT = "Grant the RAM action ehpc:{action} on all resources ('*': the service knows no smaller ones) to the RAM user or role whose access key was used."
_WRONG_KEY = "Check access_key (or ALIBABA_CLOUD_ACCESS_KEY_ID), and that its account is one of the site the endpoint belongs to."
_TOKEN = "Fetch a new set of temporary credentials: access key id, secret and token belong together."
_LATER = "The service could not do it at this moment, and repeats did not help. Run it again later, or raise api_retries."
_THROTTLED = (
    "The account makes more calls than the service allows. Run fewer hosts at a time (forks, throttle, serial), or raise api_retries and api_retry_max_delay."
)
_AGENT = (
    "The agent on the cluster's management node could not do it. Look at that node: is it running, does its account service (NIS or"
    " LDAP) answer, is the proxy node connected to the on-premises account server?"
)
_PARAMETER = "Missing or refused by the service before it was looked at: check the options of the task against the documentation."

# code -> what to do. A code that ends in '*' stands for all that begin so; the longest match is taken.
# Sources: the error tables of the operations' pages, and the gateway's table of public error codes.
HINTS: dict[str, str] = {
    "InvalidParams": "Check that cluster_id names an E-HPC 1.0 cluster, and that every value is one that the service takes.",
    "ClusterNotFound": (
        "Check the id and the region: an id is known in its own region only, and to its own account only."
        " alicloud.ehpc.cluster_info lists the clusters that these credentials see."
    ),
    "InvalidClusterStatus": (
        "The cluster must be running. Look at its status with alicloud.ehpc.cluster_info; wait until a cluster that is being created"
        " runs, and repair or restart one that is in exception or stopped."
    ),
    "ManagerNotFound": (
        "The cluster has no working management node. Check that the manager (in proxy mode: the proxy node) is started and healthy, then run it again."
    ),
    "ExecFail": (
        "A command on the cluster's management node failed. Log in to that node and read the agent's log; check the connection to the"
        " on-premises account server."
    ),
    "AgentError.Account.UserSynFailure": (
        "The management node could not synchronize the users. Check that the proxy node reaches the on-premises account server, and"
        " that the account service (NIS or LDAP) of the cluster is healthy."
    ),
    "AgentError.Account.DomainNotExist": "The cluster's account domain is missing. Check the account service (NIS or LDAP) on the management node.",
    "AgentError.Account.Get*": "The management node could not list the users. Check the account service (NIS or LDAP) on that node.",
    "AgentError.Account.UserAlreadyExist": "Check the users of the cluster with alicloud.ehpc.user_info, then run the task again.",
    "AgentError.Account.UserNot*": "Check the users of the cluster with alicloud.ehpc.user_info, then run the task again.",
    "AgentError*": _AGENT,
    "ComputeNotFound": (
        "A node is not there any more, or is none that the service runs commands on. Look at the cluster's nodes in the console, and run it again."
    ),
    "ConflictOpt": "Something else is being done with the cluster. Wait until that is through, and run it again.",
    "InvalidOpt": "E-HPC does not allow this for the cluster now. Check its status and mode with alicloud.ehpc.cluster_info, then run the task again.",
    "NotAuthorized": _GRANT,
    "NoPermission*": _GRANT,
    "Forbidden*": _GRANT,
    "UnknownError": _LATER,
    "ServiceUnavailable": _LATER,
    "InternalError": _LATER,
    "Throttling*": _THROTTLED,
    "NotEnabled": "Activate E-HPC for this account in the console first.",
    "InDebt": "The account has overdue payments. Settle them first.",
    "InvalidAccessKeyId.NotFound": _WRONG_KEY,
    "InvalidAccessKeyId.Inactive": "The access key is disabled. Enable it in the RAM console, or use another one.",
    "InvalidAccessKeySecret": "The secret key does not belong to this access key id. Check secret_key (or ALIBABA_CLOUD_ACCESS_KEY_SECRET).",
    "SignatureDoesNotMatch": "The secret key does not belong to this access key id. Check secret_key (or ALIBABA_CLOUD_ACCESS_KEY_SECRET).",
    "IncompleteSignature": "The secret key does not belong to this access key id. Check secret_key (or ALIBABA_CLOUD_ACCESS_KEY_SECRET).",
    "SignatureNonceUsed": "The same signed request arrived twice: something between here and the service repeats requests (a proxy?). Run it again.",
    "InvalidTimeStamp*": "The clock of the host that makes the call is more than 15 minutes off. Set it right (chronyc makestep, timedatectl).",
    "InvalidSecurityToken.Expired": "The temporary credentials have expired. " + _TOKEN,
    "InvalidSecurityToken*": _TOKEN,
    "MissingSecurityToken": "This is a temporary access key: it needs its security_token (or ALIBABA_CLOUD_SECURITY_TOKEN).",
    "Missing*": _PARAMETER,
    "InvalidAction.NotFound": "The endpoint does not know this operation. Check that endpoint is one of E-HPC.",
    "InvalidApi.NotFound": "The endpoint does not know this operation. Check that endpoint is one of E-HPC.",
    "InvalidProduct.NotFound": "The endpoint is not one of E-HPC. Check endpoint and region.",
    "InvalidVersion": "The endpoint does not serve version 2018-04-12 of the API. Check that endpoint is one of E-HPC.",
    "InvalidProtocol.NeedSsl": "The endpoint takes https only: give it without http://.",
    "InvalidSignatureMethod": "Something between here and the service changes requests (a proxy?).",
    "InvalidParameter.Format": "Something between here and the service changes requests (a proxy?).",
    "UnsupportedHTTPMethod": "Something between here and the service changes requests (a proxy?).",
    "InvalidRegionId*": "Check region. alicloud.ehpc.region_info lists the regions.",
    INVALID_ANSWER: "This is not an answer of E-HPC. Check endpoint, and the proxy variables of the environment.",
    REQUEST_TOO_LONG: "Shorten what the task sends: fewer scripts, shorter URLs (pre-signed ones are long), shorter arguments, fewer nodes at a time.",
    CONNECTION_FAILED: "Check that the endpoint can be reached from the host that makes the call, and the proxy variables of the environment.",
    INVALID_ADDRESS: "Check endpoint, and the proxy variables of the environment; a SOCKS proxy needs the Python package PySocks.",
    HOST_NOT_FOUND: "Check region and endpoint, and the name resolution of the host that makes the call.",
    TIMED_OUT: "Check the way to the endpoint, or raise connect_timeout and read_timeout, for a synchronization wait_timeout.",
    PROXY_REFUSED: (
        "Check the proxy variables of the environment. HTTPS_PROXY may contain the user name and the password,"
        " and NO_PROXY names the hosts that are reached without the proxy."
    ),
    TLS_FAILED: ("Check that the endpoint is the right one. Where a private authority signs its certificate, give the authority's bundle as ca_path."),
    CREDENTIALS: (
        "Give access_key and secret_key, or set ALIBABA_CLOUD_ACCESS_KEY_ID and ALIBABA_CLOUD_ACCESS_KEY_SECRET, or name a profile of the vendor's CLI."
    ),
    MISSING_LIBRARY: "Run pip install aliyun-python-sdk-core requests for the Python that runs the task.",
    UNEXPECTED: (
        "This is a bug in the collection or in a library. Report it with the traceback: run the task again with -vvv and ANSIBLE_DISPLAY_TRACEBACK=error."
    ),
    PREFLIGHT_FAILED: (
        "Fix the listed problems. If a checksum differs, review the change before updating it. If only nodes can reach a URL, such as an"
        " internal OSS endpoint, run the task inside their VPC, or set preflight to warn."
    ),
}

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
    "ListNodes": "list the nodes",
    "InvokeShellCommand": "run a command on the nodes",
    "ListInvocationStatus": "see how far a command is on the nodes",
    "ListInvocationResults": "read what a command has said on the nodes",
    "DescribeCluster": "read the details",
    "ListClusters": "list the clusters",
    "ListRegions": "list the regions",
}


def hint_for(code: str, action: str | None = None) -> str | None:
    """What to do about a code; the longest matching entry of HINTS."""
    matches = [known for known in HINTS if code == known or (known.endswith("*") and code.startswith(known[:-1]))]
    if not matches:
        return None
    return HINTS[max(matches, key=len)].format(action=action)


def attempt(action: str, cluster_id: str | None, region: str) -> str:
    """What a call attempts, in words: 'set the post scripts of cluster ehpc-hz-EXAMPLE in cn-hangzhou'."""
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
        "hint": hint or hint_for(code, action),
    }


class EhpcError(Exception):
    """A call, or an option, that failed.

    ``message`` says what is wrong and holds no secret. ``attempted`` completes "Cannot ..."; without it the
    message stands alone. ``response_lost`` is true where the service may have done the work all the same.
    ``result`` is what a module returns beside ``msg`` and ``error``.
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

    def with_context(self, note: str = "", attempted: str | None = None, **result: t.Any) -> EhpcError:
        """This failure with a sentence after its message, another attempt, or more keys in the module's result."""
        return EhpcError(
            self.code,
            "%s. %s" % (self.message.rstrip("."), note) if note else self.message,
            attempted or self.attempted,
            self.action,
            self.http_status,
            self.request_id,
            self.hint,
            self.response_lost,
            dict(self.result, **result),
        )

    def __str__(self) -> str:
        """All of it as one text, for people."""
        what = self.message
        if self.attempted and self.http_status is not None:
            what = "%s: %s" % (self.code, what)
        if self.attempted:
            what = "Cannot %s: %s" % (self.attempted, what)
        what = what if what.endswith((".", "!", "?")) else what + "."
        # A message may be a list, a line for each item.
        return "%s%s%s" % (what, "\n" if "\n" in what else " ", self.hint) if self.hint else what

    def as_failure(self) -> dict[str, t.Any]:
        """What a module fails with."""
        error = error_details(self.code, self.message, self.action, self.http_status, self.request_id, self.hint)
        # Whatever an option or an answer brought into it: a pre-signed url in the wrong option, for one.
        return t.cast("dict[str, t.Any]", redact_values(dict(self.result, msg=str(self), error=error)))


def invalid_option(message: str, hint: str | None = None) -> EhpcError:
    """An option that cannot work, found before any call."""
    return EhpcError(INVALID_OPTIONS, message, hint=hint)
