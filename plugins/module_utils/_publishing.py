# Copyright (c) 2026, the alicloud.ehpc contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Scripts that are published: the options, the names of their objects, and the URLs from which nodes fetch them."""

from __future__ import annotations

import base64
import hashlib
import re
import typing as t
from dataclasses import replace
from urllib.parse import urlsplit

from ansible_collections.alicloud.ehpc.plugins.module_utils import _bundle, _errors, _oss, _post_scripts
from ansible_collections.alicloud.ehpc.plugins.module_utils._arguments import checked_region, first_variable, is_loopback
from ansible_collections.alicloud.ehpc.plugins.module_utils._errors import EhpcError, invalid_option
from ansible_collections.alicloud.ehpc.plugins.module_utils._fetch import MAX_BYTES
from ansible_collections.alicloud.ehpc.plugins.module_utils._post_scripts import Script
from ansible_collections.alicloud.ehpc.plugins.module_utils._redact import redact_text, redact_url

if t.TYPE_CHECKING:  # pragma: no cover
    from collections.abc import Mapping

    from ansible_collections.alicloud.ehpc.plugins.module_utils._oss import Address, Bucket

DEFAULT_PREFIX, DEFAULT_BUNDLE = "ehpc-post-scripts", "bootstrap.sh"
MAX_KEY_BYTES = 1023
# The beginning of a content that the action plugin has read for src or rendered for template. No script begins with it.
PASSED = "base64:"
SOURCES = ("src", "template", "content", "url")

_BUCKET = re.compile(r"[a-z0-9][a-z0-9-]{1,61}[a-z0-9]")
_NAME = re.compile(r"[A-Za-z0-9._-]+")
_HEADER = re.compile(r"[!-~]+")
# The SDK, as every HTTP client, drops parts of a path that consist of one or two dots.
_DOTS = re.compile(r"\.+")


class Entry(t.NamedTuple):
    """An entry of the option ``scripts``: a content to publish, whose script has no URL yet, or a script that stays at its URL."""

    name: str
    script: Script
    content: bytes | None = None


class Object(t.NamedTuple):
    """An object with the content of a script."""

    name: str
    content: bytes
    sha256: str
    key: str
    # From which nodes fetch it.
    url: str


class Destination(t.NamedTuple):
    """The addresses at which objects are written, and at which nodes read them."""

    address: Address
    prefix: str
    # The URL of the bucket for nodes, without a trailing slash.
    node_url: str

    @property
    def is_internal(self) -> bool:
        """Whether only nodes in the region of the bucket can reach it."""
        return self.node_url == _oss.service_url(self.address.region, True).replace("://", "://%s." % self.address.bucket)

    def object(self, name: str, content: bytes) -> Object:
        """The object of a script. Raises EhpcError if its name is too long."""
        sha256 = hashlib.sha256(content).hexdigest()
        key = "%s/%s/%s" % (self.prefix, sha256, name)
        if len(key) > MAX_KEY_BYTES:
            raise invalid_option("The name of the object would have %d characters, and OSS accepts %d." % (len(key), MAX_KEY_BYTES), "Shorten prefix or name.")
        return Object(name, content, sha256, key, "%s/%s" % (self.node_url, key))


# The option scripts


def entries(params: dict[str, t.Any]) -> list[Entry]:
    """The option ``scripts``. Raises EhpcError for what cannot work. Removes what the action plugin has passed from the options."""
    return [_entry("scripts[%d]" % index, entry) for index, entry in enumerate(params["scripts"])]


def _entry(where: str, entry: dict[str, t.Any]) -> Entry:
    passed = None
    if (entry.get("content") or "").startswith(PASSED):
        passed = base64.b64decode(entry["content"][len(PASSED) :])
        entry["content"] = None
    source = source_of(where, entry)
    if source == "url":
        return _at_url(where, entry)
    if entry.get("checksum") or entry.get("preflight"):
        raise invalid_option("%s has checksum or preflight, which are for scripts with url only." % where, "Omit them: a published script is always verified.")
    name = _checked_name(where + " has a name that", entry.get("name") or _name_of(where, source, entry[source]))
    content = _checked_content("%s (%s)" % (where, name), _content(where, source, entry) if passed is None else passed)
    return Entry(name, Script("", _shown_args(where, entry.get("args"))), content)


def source_of(where: str, entry: Mapping[str, t.Any]) -> str:
    """Which of src, template, content and url an entry has. Raises EhpcError unless it is exactly one."""
    found = [name for name in SOURCES if entry.get(name) not in (None, "")]
    # An empty content is refused later, with the reason.
    found = found or [name for name in SOURCES if entry.get(name) is not None]
    if len(found) != 1:
        raise invalid_option("%s must have exactly one of %s, not %s." % (where, ", ".join(SOURCES), " and ".join(found) or "none of them"))
    return found[0]


def _at_url(where: str, entry: Mapping[str, t.Any]) -> Entry:
    script = replace(_post_scripts.from_entry(where, entry), args=_shown_args(where, entry.get("args")))
    if redact_url(script.url) != script.url:
        raise invalid_option(
            "%s.url contains a signature or a user name, which no result shows: %s." % (where, redact_url(script.url)),
            "Use src to publish the script, or pass the URL to alicloud.ehpc.post_scripts directly.",
        )
    name = entry.get("name") and _checked_name(where + " has a name that", entry["name"])
    return Entry(name or "", script)


def _shown_args(where: str, args: t.Any) -> str:
    """The arguments as one string. They are a part of the result, so they must not contain what results do not show."""
    joined = _post_scripts.joined_args(where + ".args", args)
    if redact_text(joined) != joined:
        raise invalid_option("%s.args contains a URL with a signature or a password, which no result shows." % where, "Let the script fetch secrets itself.")
    return joined


def _name_of(where: str, source: str, path: str) -> str:
    if source == "content":
        raise invalid_option("%s has content and no name." % where, "Set name, such as base.sh.")
    name = path.rpartition("/")[2]
    return name[: -len(".j2")] if name.endswith(".j2") else name


def _checked_name(subject: str, name: str) -> str:
    if not _NAME.fullmatch(name) or _DOTS.fullmatch(name):
        raise invalid_option("%s is not valid: %r." % (subject, redact_text(name)), "Set name to letters, digits, periods, underscores and hyphens.")
    return name


def _content(where: str, source: str, entry: Mapping[str, t.Any]) -> bytes:
    if source == "content":
        try:
            return str(entry["content"]).encode()
        except UnicodeEncodeError:
            raise invalid_option("%s.content cannot be encoded as UTF-8." % where) from None
    raise invalid_option("%s.%s was not read: only the action plugin of this module reads files of the controller." % (where, source))


def _checked_content(where: str, content: bytes) -> bytes:
    problem = _problem(content)
    if problem:
        raise invalid_option("%s %s." % (where, problem[0]), problem[1])
    return content


def _problem(content: bytes) -> tuple[str, str | None] | None:
    """The reason why nodes cannot run a script, and the remedy."""
    if not content:
        return "is empty", None
    if len(content) > MAX_BYTES:
        return "is larger than 1 MiB", "Let the script fetch large files."
    if not content.startswith(b"#!"):
        return "does not begin with #! and an interpreter", "Add a first line such as #!/bin/bash."
    if b"\0" in content:
        return "contains a NUL byte, so it is not a script", "Let a script fetch binary files."
    if b"\r\n" in content:
        return "has lines that end with CRLF, so that shells cannot run it", "Convert them to LF, for example with dos2unix."
    return None


# The options of the bucket


def destination(params: Mapping[str, t.Any], region: str) -> Destination:
    """The addresses that the options specify. Raises EhpcError for options that cannot work."""
    if not params["bucket"]:
        raise invalid_option("The option bucket is required to publish scripts.", "Set it to the name of an OSS bucket.")
    if not _BUCKET.fullmatch(params["bucket"]):
        raise invalid_option(
            "bucket: %r is not a valid bucket name." % redact_text(params["bucket"]),
            "A bucket name has 3 to 63 lower-case letters, digits and hyphens, and neither begins nor ends with a hyphen.",
        )
    address = _oss.address(params, params["oss_endpoint"] or first_variable("ALIBABA_CLOUD_OSS_ENDPOINT"), region)
    return Destination(address, _prefix(params["prefix"]), _node_url(params["node_endpoint"], address))


def region_of_bucket(params: Mapping[str, t.Any], region: str) -> str:
    """The region of the bucket. Raises EhpcError."""
    return checked_region(params["bucket_region"] or region, "bucket_region")


def object_headers(params: Mapping[str, t.Any]) -> dict[str, str]:
    """The options that are headers of an object. Raises EhpcError."""
    found = {name: params[name] for name in ("server_side_encryption", "server_side_encryption_key_id") if params[name]}
    for name, value in found.items():
        if not _HEADER.fullmatch(value):
            raise invalid_option("%s contains whitespace, or characters that are not ASCII." % name)
    if "server_side_encryption_key_id" in found and found.get("server_side_encryption") != "KMS":
        raise invalid_option("server_side_encryption_key_id requires server_side_encryption: KMS.")
    if params["acl"] != "default":
        found["acl"] = params["acl"]
    return found


def _prefix(prefix: str | None) -> str:
    prefix = (prefix or "").strip("/") or DEFAULT_PREFIX
    for part in prefix.split("/"):
        if not _NAME.fullmatch(part) or _DOTS.fullmatch(part):
            raise invalid_option(
                "prefix: %r is not valid." % redact_text(prefix), "Use letters, digits, periods, underscores and hyphens, in parts separated by slashes."
            )
    return prefix


def _node_url(node_endpoint: str | None, address: Address) -> str:
    if not node_endpoint and is_loopback(address.host):
        return address.url
    if node_endpoint in (None, "", "internal", "public"):
        service = _oss.service_url(address.region, node_endpoint != "public")
        return service.replace("://", "://%s." % address.bucket)
    base = node_endpoint.rstrip("/")
    if not re.fullmatch(r"https?://[^/?#\s@]+(/[^?#\s]*)?", base) or not urlsplit(base).hostname or not base.isprintable():
        raise invalid_option(
            "node_endpoint must be internal, public, or a URL with neither a user name nor a query, not %s." % redact_text(node_endpoint),
            "Set it to a value such as https://scripts.example.com.",
        )
    return base


# Publishing


def bundled(where: Destination, name: str | None, found: list[Entry]) -> Entry:
    """One entry whose script runs those of the others. Raises EhpcError for a script that no node can run."""
    name = _checked_name("bundle_name", name or DEFAULT_BUNDLE)
    parts = [_bundle.Entry(entry.name, entry.script.args, entry.content, entry.script.url, entry.script.checksum or "") for entry in found]
    content = _bundle.bundle(parts, "%s/%s/" % (where.node_url, where.prefix), "/" + name)
    if len(content) > MAX_BYTES:
        raise invalid_option("The bundle would have %d bytes, and at most 1 MiB is accepted." % len(content), "Let scripts fetch large files.")
    return Entry(name, Script(""), content)


def publish(bucket: Bucket, found: Object, headers: Mapping[str, str], check_mode: bool) -> bool:
    """Write an object unless it exists. Returns whether it did not exist. Raises EhpcError if it has another content."""
    if _exists(bucket, found, "GetObject"):
        return False
    if check_mode:
        return True
    try:
        bucket.write(found.key, found.content, headers)
    except EhpcError as error:
        # Another host, or an attempt whose response was lost, has written it meanwhile. Its content decides.
        if not error.response_lost and error.http_status != 409:
            raise
        if not _exists(bucket, found, "PutObject"):
            raise
        return True
    if not _exists(bucket, found, "PutObject"):
        raise bucket.failure(_errors.NOT_STORED, "OSS accepted the object, but does not return it.", "PutObject", found.key)
    return True


def _exists(bucket: Bucket, found: Object, action: str) -> bool:
    stored = bucket.read(found.key)
    if stored is None:
        return False
    sha256 = hashlib.sha256(stored).hexdigest()
    if sha256 == found.sha256:
        return True
    bucket.check_origin(found.key)
    message = "The object exists with another content, which has sha256:%s and %d bytes." % (sha256, len(stored))
    raise bucket.failure(_errors.CONTENT_MISMATCH, message, action, found.key)
