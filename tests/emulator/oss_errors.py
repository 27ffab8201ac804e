# Copyright (c) 2026, the alicloud.ehpc contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The error codes of OSS with their HTTP status and message."""

from __future__ import annotations

ERRORS: dict[str, tuple[int, str]] = {
    "AccessDenied": (403, "You have no right to access this object."),
    "FileAlreadyExists": (409, "The object you specified already exists and can not be overwritten."),
    "FileImmutable": (409, "The object you specified is immutable."),
    "InternalError": (500, "We encountered an internal error. Please try again."),
    "InvalidAccessKeyId": (403, "The OSS Access Key Id you provided does not exist in our records."),
    "InvalidArgument": (400, "Invalid argument."),
    "InvalidDigest": (400, "The Content-MD5 you specified was invalid."),
    "InvalidObjectName": (400, "The specified object is not valid."),
    "InvalidSecurityToken": (403, "The security token you provided is invalid."),
    "KmsServiceNotEnabled": (403, "KMS service is not enabled."),
    "MethodNotAllowed": (405, "The specified method is not allowed against this resource."),
    "MissingContentLength": (411, "You must provide the Content-Length HTTP header."),
    "NoSuchBucket": (404, "The specified bucket does not exist."),
    "NoSuchKey": (404, "The specified key does not exist."),
    "RequestTimeTooSkewed": (403, "The difference between the request time and the current time is too large."),
    "RequestTimeout": (400, "Your socket connection to the server was not read from or written to within the timeout period."),
    "SecondLevelDomainForbidden": (403, "The bucket you are attempting to access must be addressed using OSS third level domain."),
    "SecurityTokenExpired": (403, "The security token you provided has expired."),
    "ServiceUnavailable": (503, "The service is temporarily unavailable."),
    "SignatureDoesNotMatch": (403, "The request signature we calculated does not match the signature you provided."),
    "UserDisable": (403, "UserDisable"),
}


class OssError(Exception):
    """A refusal, which becomes an error response."""

    def __init__(self, code: str, status: int | None = None) -> None:
        super().__init__(code)
        self.code = code
        self.status = status
