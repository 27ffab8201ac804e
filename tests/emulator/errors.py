# Copyright (c) 2026, the alicloud.ehpc contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The service's error codes with their HTTP status and message."""

from __future__ import annotations

import re

# Errors of the API gateway, before the request reaches the product.
GATEWAY: dict[str, tuple[int, str]] = {
    "Forbidden.RAM": (403, "User not authorized to operate on the specified resource, or this API doesn't support RAM."),
    "IncompleteSignature": (400, "The request signature does not conform to Aliyun standards. server string to sign is:%s"),
    "InternalError": (500, "The request processing has failed due to some unknown error."),
    "InvalidAccessKeyId.Inactive": (400, "Specified access key is disabled."),
    "InvalidAccessKeyId.NotFound": (404, "Specified access key is not found."),
    "InvalidAction.NotFound": (404, "Specified api is not found, please check your url and method."),
    "InvalidApi.NotFound": (404, "Specified api is not found, please check your url and method."),
    "InvalidParameter.Format": (400, "Specified parameter format is not valid."),
    "InvalidProduct.NotFound": (404, "Cannot find product according to your specified domain."),
    "InvalidProtocol.NeedSsl": (404, "Your request is denied as lack of ssl protect."),
    "InvalidRegionId": (400, "Specified parameter RegionId is not valid."),
    "InvalidSecurityToken.Expired": (400, "Specified SecurityToken is expired."),
    "InvalidSecurityToken.Malformed": (400, "Specified SecurityToken is malformed."),
    "InvalidSecurityToken.MismatchWithAccessKey": (400, "Specified SecurityToken mismatch with the AccessKey."),
    "InvalidSignatureMethod": (400, "Specified signature method is not valid."),
    "InvalidSignatureVersion": (400, "Specified parameter SignatureVersion is not valid."),
    "InvalidTimeStamp.Expired": (400, "Specified time stamp or date value is expired."),
    "InvalidTimeStamp.Format": (400, "Specified time stamp or date value is not well formatted."),
    "InvalidVersion": (400, "Specified parameter Version is not valid."),
    "NoPermission": (403, "You are not authorized to do this action. You should be authorized by RAM."),
    "SignatureDoesNotMatch": (400, "Specified signature is not matched with our calculation. server string to sign is:%s"),
    "SignatureNonceUsed": (400, "Specified signature nonce was used already."),
    "Throttling": (400, "Request was denied due to request throttling."),
    "Throttling.Api": (400, "Request was denied due to api flow control."),
    "Throttling.User": (400, "Request was denied due to user flow control."),
    "UnsupportedHTTPMethod": (400, "This http method is not supported."),
}

# Errors of E-HPC. AgentError* and the errors of other products are HTTP 406 there, a RAM denial is 407.
PRODUCT: dict[str, tuple[int, str]] = {
    "AgentError": (406, "The agent service request failed."),
    "AgentError.Account.AccountValidateCredentialFailure": (406, "Cannot get user info"),
    "AgentError.Account.DomainNotExist": (406, "The specified domain does not exist: %s."),
    "AgentError.Account.GetUserListFailure": (406, "Get user list fail: %s"),
    "AgentError.Account.GetentPasswdFailure": (406, "Failed to get the user list: %s."),
    "AgentError.Account.UserAddFailure": (406, "Failed to add user to domain: %s."),
    "AgentError.Account.UserAlreadyExist": (406, "The specified user already exists in domain: %s."),
    "AgentError.Account.UserChangePasswordFailure": (406, "Failed to modify user password in domain: %s."),
    "AgentError.Account.UserDeleteFailure": (406, "Failed to delete user from domain: %s."),
    # The messages of the next two are not documented.
    "AgentError.Account.UserModifyGroupFailure": (406, "Failed to modify user group in domain: %s."),
    "AgentError.Account.UserNotExist": (406, "The specified user does not exist in domain: %s."),
    "AgentError.Account.UserSynFailure": (406, "synchronize users failed: %s"),
    "AliyunError": (406, "An Alibaba Cloud product error occurred."),
    "ClusterNotFound": (404, "The specified cluster does not exist."),
    "ComputeNotFound": (404, "The specified compute node does not exist."),
    "ConflictOpt": (403, "A conflicting operation is running."),
    "DbError": (406, "A database service error occurred."),
    "ExecFail": (403, "Failed to execute the command: %s."),
    "InDebt": (400, "Your account has overdue payments."),
    "InvalidClusterStatus": (403, "The operation failed due to invalid cluster status."),
    "InvalidOpt": (
        406,
        "The specified operation is invalid. Please try again later. If the problem still exists, submit a ticket.",
    ),
    "InvalidParams": (400, "The specified parameter %s is invalid."),
    "ManagerNotFound": (404, "The manager nodes do not exist or their status is abnormal."),
    "NotAuthorized": (407, "You are not authorized by RAM for this request."),
    "NotEnabled": (400, "You have not enabled this service"),
    "OrderError": (406, "An order request error occurred."),
    "ServiceUnavailable": (503, "The request has failed due to a temporary failure of the server"),
    "VolumeNotFound": (404, "The specified volume does not exist."),
    "UnknownError": (500, "An unknown error occurred."),
}

CODES = {**GATEWAY, **PRODUCT}

# The page of SyncUsers has another message for this code.
OF_ACTION: dict[tuple[str, str], str] = {("SyncUsers", "InvalidParams"): "The parameters are invalid."}
# A code may have different statuses on different pages.
STATUS_OF_ACTION = {("AddLocalNodes", "InvalidOpt"): 403, ("ModifyUserGroups", "InvalidOpt"): 400, ("ModifyUserPasswords", "InvalidOpt"): 400}


class ApiError(Exception):
    """A refusal, which becomes an error response."""

    def __init__(self, code: str, detail: str | None = None, status: int | None = None, message: str | None = None) -> None:
        super().__init__(code)
        self.code = code
        self.detail = detail
        self.status = status
        self.message = message


def is_known(code: str) -> bool:
    return code in CODES or re.fullmatch(r"Missing\w+", code) is not None


def status_and_message(error: ApiError, action: str) -> tuple[int, str]:
    missing = re.fullmatch(r"Missing(\w+)", error.code)
    if missing:
        status, message = 400, f"{missing[1]} is mandatory for this action."
    else:
        status, message = CODES.get(error.code, (500, error.code))
    status = STATUS_OF_ACTION.get((action, error.code), status)
    message = OF_ACTION.get((action, error.code), message)
    message = message.replace("%s", error.detail if error.detail is not None else "unknown")
    return error.status or status, error.message or message
