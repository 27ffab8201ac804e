# Copyright (c) 2026, the alicloud.ehpc contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What all HTTP requests of the collection share: the libraries, the proxies, and what a request without a response means."""

from __future__ import annotations

import re
import socket
import traceback
import typing as t

from ansible_collections.alicloud.ehpc.plugins.module_utils import _errors
from ansible_collections.alicloud.ehpc.plugins.module_utils._redact import MASK
from ansible_collections.alicloud.ehpc.plugins.module_utils._version import VERSION

if t.TYPE_CHECKING:  # pragma: no cover
    from ansible_collections.alicloud.ehpc.plugins.module_utils._arguments import RequestSettings

try:
    import aliyunsdkcore.auth.composer.rpc_signature_composer  # noqa: F401
    import requests
    import urllib3
except ImportError:
    MISSING_LIBRARY: str | None = traceback.format_exc()
else:
    MISSING_LIBRARY = None

REQUIRED_LIBRARIES = "aliyun-python-sdk-core and requests"
USER_AGENT = "ansible-alicloud.ehpc/%s" % VERSION

# A proxy is often given without a scheme, and its password unquoted: everything up to the last @ is one.
_PROXY_USER = re.compile(r"^([a-z][a-z0-9+.-]*://)?.*@", re.IGNORECASE | re.DOTALL)


def proxy_of(url: str) -> str | None:
    """The proxy that the environment configures for a URL."""
    return requests.utils.select_proxy(url, requests.utils.get_environ_proxies(url))


def through_proxy(url: str) -> str:
    """' through the proxy ...' if there is one, without its password."""
    proxy = proxy_of(url)
    return " through the proxy %s" % _PROXY_USER.sub(r"\1%s@" % MASK, proxy) if proxy else ""


class ConnectionFailure(t.NamedTuple):
    """Why a request has no response."""

    code: str
    # A sentence. It does not repeat the error of the library, which holds the whole URL and so the signature.
    reason: str
    # Whether the server may have received the request, and done its work.
    response_lost: bool = False


def what_failed(error: Exception, url: str, settings: RequestSettings) -> ConnectionFailure:
    """The meaning of what requests raised for a request to ``url``; of the URL only scheme and host should be given."""
    found = _cause_of(error, settings)
    return found._replace(reason="%s%s %s" % (url, through_proxy(url), found.reason))


def _cause_of(error: Exception, settings: RequestSettings) -> ConnectionFailure:
    """The failure; its reason lacks the subject."""
    causes = list(_causes(error))
    if any(isinstance(cause, socket.gaierror) for cause in causes) or any("NameResolution" in type(cause).__name__ for cause in causes):
        return ConnectionFailure(_errors.HOST_NOT_FOUND, "has a host name that cannot be resolved.")
    if any(isinstance(cause, (requests.exceptions.SSLError, urllib3.exceptions.SSLError)) for cause in causes):
        details = [str(getattr(cause, "verify_message", "")) for cause in causes]
        detail = next(filter(None, details), "the handshake failed")
        return ConnectionFailure(_errors.TLS_FAILED, "could not be trusted: %s." % detail.rstrip("."))
    if isinstance(error, (requests.exceptions.InvalidURL, requests.exceptions.InvalidSchema)):
        return ConnectionFailure(_errors.INVALID_ADDRESS, "has an address, or is behind a proxy with one, that cannot be used.")
    if isinstance(error, requests.exceptions.ConnectTimeout):
        return ConnectionFailure(_errors.TIMED_OUT, "did not accept a connection within %g seconds." % settings.connect_timeout)
    if any(isinstance(cause, (requests.exceptions.ReadTimeout, urllib3.exceptions.ReadTimeoutError)) for cause in causes):
        return ConnectionFailure(_errors.TIMED_OUT, "did not answer in time.", response_lost=True)
    if any(isinstance(cause, ConnectionRefusedError) for cause in causes):
        return ConnectionFailure(_errors.CONNECTION_FAILED, "refused the connection.")
    if isinstance(error, requests.exceptions.ProxyError):
        return ConnectionFailure(_errors.CONNECTION_FAILED, "could not be reached: the proxy refused.")
    if any(isinstance(cause, urllib3.exceptions.NewConnectionError) for cause in causes):
        return ConnectionFailure(_errors.CONNECTION_FAILED, "could not be reached.")
    return ConnectionFailure(_errors.CONNECTION_FAILED, "closed the connection without an answer.", response_lost=True)


def _causes(error: BaseException | None) -> t.Iterator[BaseException]:
    """An exception and all that it wraps: requests and urllib3 wrap by attribute, by argument and by cause."""
    waiting, seen = [error], set()
    while waiting:
        current = waiting.pop()
        if current is None or id(current) in seen:
            continue
        seen.add(id(current))
        yield current
        inner = [current.__cause__, current.__context__, getattr(current, "reason", None), *current.args]
        waiting.extend(cause for cause in inner if isinstance(cause, BaseException))
