# Copyright (c) 2026, the alicloud.ehpc contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The documented error codes: those of the gateway, and those of the pages of operations."""

from __future__ import annotations

from ansible_collections.alicloud.ehpc.plugins.module_utils._errors import RETRYABLE_CODES

GATEWAY_CODES = (
    *("InvalidAccessKeyId.NotFound", "InvalidAccessKeyId.Inactive", "SignatureDoesNotMatch", "IncompleteSignature", "SignatureNonceUsed"),
    *("InvalidTimeStamp.Expired", "InvalidTimeStamp.Format", "InvalidSignatureMethod", "MissingClusterId", "MissingSecurityToken", "InvalidRegionId"),
    *("InvalidVersion", "InvalidAction.NotFound", "InvalidApi.NotFound", "InvalidProduct.NotFound", "InvalidProtocol.NeedSsl", "UnsupportedHTTPMethod"),
    *("InvalidParameter.Format", "Throttling", "Throttling.User", "Throttling.Api", "NoPermission", "Forbidden.RAM", "InternalError", "ServiceUnavailable"),
    *("InvalidSecurityToken.Expired", "InvalidSecurityToken.Malformed", "InvalidSecurityToken.MismatchWithAccessKey"),
)
PAGE_CODES = ("InvalidParams", "ClusterNotFound", "UnknownError", "ServiceUnavailable")
SYNC_CODES = (*PAGE_CODES, "InvalidClusterStatus", "ExecFail", "ManagerNotFound", "AgentError.Account.UserSynFailure", "NotAuthorized")
REPEATED_CODES = ("Throttling", "Throttling.Api", "Throttling.User", *RETRYABLE_CODES)
# Each with an operation that returns it.
CASES = [
    *(("GetPostScripts", code) for code in GATEWAY_CODES),
    *(("SetPostScripts", code) for code in PAGE_CODES),
    *(("SyncUsers", code) for code in SYNC_CODES),
]
# Those of the pages of the operations on users that the pages above do not have.
ACCOUNT = "AgentError.Account."
USER_CASES = [
    *(("AddUsers", code) for code in ("NotEnabled", "InDebt", "AgentError", *(ACCOUNT + kind for kind in ("GetentPasswdFailure", "UserAlreadyExist")))),
    ("AddUsers", ACCOUNT + "UserAddFailure"),
    *(("DeleteUsers", ACCOUNT + kind) for kind in ("DomainNotExist", "UserNotExist", "UserDeleteFailure")),
    *(("ModifyUserGroups", code) for code in ("InvalidOpt", ACCOUNT + "UserModifyGroupFailure", "NotAuthorized")),
    *(("ModifyUserPasswords", code) for code in ("InvalidOpt", ACCOUNT + "UserChangePasswordFailure", "ServiceUnavailable")),
]
# Those of the pages of E-HPC NEXT, of which some are known in part only.
NEXT_CODES = ("InvalidParams", "ClusterNotFound", "NotAuthorized", "UnknownError", "ServiceUnavailable")
CHANGE_CODES = ("NotEnabled", "InDebt", "InvalidClusterStatus", "ManagerNotFound", "AgentError", *NEXT_CODES)
NEXT_CASES = [
    *(("ListUsers (NEXT)", code) for code in NEXT_CODES),
    *(("CreateUsers (NEXT)", code) for code in (ACCOUNT + "UserAlreadyExist", ACCOUNT + "UserAddFailure", *CHANGE_CODES)),
    *(("UpdateUser (NEXT)", code) for code in (ACCOUNT + "UserModifyGroupFailure", *CHANGE_CODES)),
    *(("DeleteUsers (NEXT)", code) for code in (ACCOUNT + "DomainNotExist", ACCOUNT + "UserDeleteFailure", *CHANGE_CODES)),
    *(("UpdateCluster (NEXT)", code) for code in ("InvalidClusterStatus", *NEXT_CODES)),
]
