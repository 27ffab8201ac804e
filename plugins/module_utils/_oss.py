# Copyright (c) 2026, the alicloud.ehpc contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Objects in a bucket of OSS: read them, and write them once.

The SDK of OSS composes and signs the requests, and reads the errors. It is imported when a bucket is first used. Everything else is the
collection's own, because the SDK by default sends the password of ``~/.netrc`` instead of a signature, supports no CA
bundle, has no time limit for a whole request, retries requests that cannot succeed, and reports a web page as a successful write.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import importlib
import ipaddress
import time
import typing as t
from email.utils import formatdate
from urllib.parse import urlsplit

from ansible.module_utils.basic import missing_required_lib
from ansible_collections.alicloud.ehpc.plugins.module_utils import _errors
from ansible_collections.alicloud.ehpc.plugins.module_utils._arguments import checked_endpoint, is_loopback
from ansible_collections.alicloud.ehpc.plugins.module_utils._client import is_retryable
from ansible_collections.alicloud.ehpc.plugins.module_utils._errors import EhpcError, invalid_option
from ansible_collections.alicloud.ehpc.plugins.module_utils._http import USER_AGENT, FullResponse

if t.TYPE_CHECKING:  # pragma: no cover
    from collections.abc import Mapping

    from ansible_collections.alicloud.ehpc.plugins.module_utils._client import Client

# Reported by MISSING_LIBRARY of _http.
with contextlib.suppress(ImportError):
    import requests

PACKAGE = "alibabacloud-oss-v2"
CONTENT_TYPE = "text/x-shellscript"
NO_SUCH_KEY = "NoSuchKey"


class Address(t.NamedTuple):
    """The address of a bucket."""

    bucket: str
    region: str
    # Scheme, host and port.
    endpoint: str
    # The endpoint is a domain of the bucket's own.
    is_cname: bool = False

    @property
    def host(self) -> str:
        """The host name or IP address of the endpoint."""
        return str(urlsplit(self.endpoint).hostname)

    @property
    def is_path_style(self) -> bool:
        """Whether the bucket is in the path of its URL, because no host name can hold it. OSS itself does not accept this."""
        return not self.is_cname and (is_loopback(self.host) or _is_ip_address(self.host))

    @property
    def url(self) -> str:
        """The URL of the bucket, without a trailing slash."""
        if self.is_cname:
            return self.endpoint
        if self.is_path_style:
            return "%s/%s" % (self.endpoint, self.bucket)
        return self.endpoint.replace("://", "://%s." % self.bucket)


def address(params: Mapping[str, t.Any], endpoint: str | None, region: str) -> Address:
    """The address of the option ``bucket``. Raises EhpcError for options that cannot work."""
    bucket, is_cname = params["bucket"], params["oss_cname"]
    if not endpoint:
        if is_cname:
            raise invalid_option("oss_cname requires oss_endpoint.", "Set oss_endpoint to the custom domain of the bucket, or omit oss_cname.")
        endpoint = service_url(region, params["oss_endpoint_type"] == "internal")
    endpoint = checked_endpoint("oss_endpoint", endpoint, "oss-cn-hangzhou.aliyuncs.com")
    made = Address(bucket, region, endpoint, is_cname)
    if urlsplit(endpoint).path:
        raise invalid_option("oss_endpoint: %s has a path." % endpoint, "Omit the path, and set prefix instead.")
    if not is_cname and made.host.startswith(bucket + "."):
        raise invalid_option("oss_endpoint: %s begins with the name of the bucket." % endpoint, "Omit the name: bucket contains it.")
    return made


def service_url(region: str, internal: bool) -> str:
    """The URL of OSS in a region, from outside of Alibaba Cloud or from its VPCs."""
    return "https://oss-%s%s.aliyuncs.com" % (region, "-internal" if internal else "")


def _is_ip_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


class Bucket:
    """The objects of a bucket. Raises EhpcError if the SDK is not installed."""

    def __init__(self, client: Client, where: Address) -> None:
        try:
            self._oss = importlib.import_module("alibabacloud_oss_v2")
        except ImportError:
            hint = "Run pip install %s for the Python that runs the task." % PACKAGE
            raise EhpcError(_errors.MISSING_LIBRARY, missing_required_lib(PACKAGE) + ".", hint=hint) from None
        self._client = client
        self._where = where
        # Failures of the connection name the host that is connected to.
        parts = urlsplit(where.url)
        self._transport = _Transport(client, client.settings._replace(url="%s://%s" % (parts.scheme, parts.netloc)))

    def read(self, key: str) -> bytes | None:
        """The content of an object, None if it does not exist. Raises EhpcError."""
        request = self._oss.GetObjectRequest(bucket=self._where.bucket, key=key)
        try:
            return t.cast(bytes, self._perform("GetObject", key, lambda sdk: sdk.get_object(request)).body.content)
        except EhpcError as error:
            if error.code == NO_SUCH_KEY:
                return None
            raise

    def write(self, key: str, content: bytes, headers: Mapping[str, str]) -> None:
        """Write an object that does not exist. ``headers`` are those of PutObject by the SDK's names. Raises EhpcError."""
        options = dict(headers, content_type=CONTENT_TYPE, content_md5=_md5(content), metadata={"sha256": hashlib.sha256(content).hexdigest()})
        request = self._oss.PutObjectRequest(bucket=self._where.bucket, key=key, body=content, forbid_overwrite=True, **options)
        self._perform("PutObject", key, lambda sdk: sdk.put_object(request))

    def check_origin(self, key: str) -> None:
        """Raise EhpcError if the last response did not come from OSS, but from a proxy."""
        response = self._transport.last
        if response and not response.headers.get("x-oss-request-id"):
            raise self.failure(_errors.INVALID_ANSWER, not_from_oss(response), "GetObject", key)

    def failure(self, code: str, message: str, action: str, key: str) -> EhpcError:
        """The failure of an operation on an object."""
        return self._with_attempt(EhpcError(code, message), action, key)

    def _perform(self, action: str, key: str, operation: t.Callable[[t.Any], t.Any]) -> t.Any:
        """The result of an operation of the SDK, with the retries that client.call() makes as well."""
        delays = self._client.delays()
        while True:
            try:
                return operation(self._sdk())
            except EhpcError:
                raise
            except Exception as caught:  # noqa: BLE001 - what the SDK raises for a response that is not from OSS has no common class
                error = self._with_attempt(self._understood(caught), action, key)
            delay = next(delays, None)
            if delay is None or not (is_retryable(error) or error.code == "RequestTimeout"):
                raise error
            time.sleep(0.0 if error.code == _errors.TIMED_OUT else delay)

    def _sdk(self) -> t.Any:
        """A client of the SDK, for one request and with the current keys. It has no connection of its own."""
        config = self._oss.Config(
            region=self._where.region,
            endpoint=self._where.endpoint,
            credentials_provider=self._oss.credentials.StaticCredentialsProvider(*self._client.keys()),
            http_client=self._transport,
            retry_max_attempts=1,
            use_cname=self._where.is_cname,
            use_path_style=self._where.is_path_style,
            # It needs another package. What was written is read back and compared as a whole.
            disable_upload_crc64_check=True,
            user_agent=USER_AGENT,
        )
        return self._oss.Client(config)

    def _understood(self, caught: t.Any) -> EhpcError:
        """The failure for an exception of the SDK, without its message, which may contain requests."""
        cause = caught.unwrap() if isinstance(caught, self._oss.exceptions.OperationError) else caught
        response = self._transport.last
        if isinstance(cause, EhpcError):
            return cause
        if not response:
            raise cause
        if isinstance(cause, self._oss.exceptions.ServiceError) and cause.code not in ("", None, "BadErrorResponse"):
            return EhpcError(cause.code, self._client.clean(cause.message or ""), http_status=response.status, request_id=cause.request_id or None)
        return EhpcError(_errors.INVALID_ANSWER, not_from_oss(response), http_status=response.status, response_lost=response.status >= 500)

    def _with_attempt(self, error: EhpcError, action: str, key: str) -> EhpcError:
        attempted = "%s %s in bucket %s in %s" % (_errors.ATTEMPTS[action], key, self._where.bucket, self._where.region)
        # Without the hint of the error, which is about E-HPC.
        return EhpcError(error.code, error.message, attempted, action, error.http_status, error.request_id, response_lost=error.response_lost)


def not_from_oss(response: FullResponse) -> str:
    """The message about a response that is not from OSS. Its body may be an HTML page."""
    return "HTTP status %d with a body that is not from OSS (%d bytes)." % (response.status, len(response.body))


def _md5(content: bytes) -> str | None:
    """The value of Content-MD5, with which OSS refuses damaged contents; None if the policy of the machine forbids MD5."""
    try:
        return base64.b64encode(hashlib.md5(content).digest()).decode()  # noqa: S324
    except ValueError:
        return None


class _Transport:
    """The HTTP client of the SDK, with the connections and time limits of the collection."""

    def __init__(self, client: Client, settings: t.Any) -> None:
        self._client = client
        self._settings = settings
        self.last: FullResponse | None = None

    def send(self, request: t.Any, **_options: t.Any) -> _Answer:
        """The response to a request of the SDK."""
        headers = dict(request.headers, **{"Accept-Encoding": "identity"})
        self.last = None
        self.last = self._client.exchange(requests.Request(request.method, request.url, headers, data=request.body), self._settings)
        return _Answer(request, self.last)

    def open(self) -> None:
        """Nothing to do: a request opens its connection."""

    def close(self) -> None:
        """Nothing to do: the connections belong to the client."""


class _Answer:
    """A complete response, as the SDK expects it."""

    is_closed = True
    is_stream_consumed = True
    reason = ""

    def __init__(self, request: t.Any, response: FullResponse) -> None:
        self.request = request
        self.status_code = response.status
        # The SDK fails for an error without a date, as proxies send it.
        self.headers = requests.structures.CaseInsensitiveDict(response.headers, date=formatdate(usegmt=True))
        self.content = response.body

    def read(self) -> bytes:
        """The body."""
        return self.content

    def close(self) -> None:
        """Nothing to do: the response is complete."""
