# Copyright (c) 2026, the alicloud.ehpc contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.

"""The post scripts of a cluster: reading, writing, checking and showing them."""

from __future__ import annotations

import re
import shlex
import typing as t
from datetime import datetime, timedelta, timezone
from urllib.parse import parse_qsl, urlsplit

from ansible_collections.alicloud.ehpc.plugins.module_utils._client import items
from ansible_collections.alicloud.ehpc.plugins.module_utils._errors import EhpcError, invalid_option
from ansible_collections.alicloud.ehpc.plugins.module_utils._redact import MASK, is_masked, redact_text, redact_url, url_secrets

if t.TYPE_CHECKING:  # pragma: no cover
    from ansible_collections.alicloud.ehpc.plugins.module_utils._client import Client

LIMIT = 16
# A script as an option of the modules that take scripts. What the service stores of it is a Script; a checksum is for those who fetch it.
SCRIPT_OPTIONS: dict[str, dict[str, t.Any]] = {
    "url": {"type": "str", "required": True},
    "args": {"type": "raw"},
    "checksum": {"type": "str"},
}
_CHECKSUM = re.compile(r"sha256:([0-9a-f]{64})", re.IGNORECASE)
_UNFIT = re.compile(r"[\s\x00-\x1f\x7f-\x9f]")


class Script(t.NamedTuple):
    """One script as the service stores it. Absent arguments are an empty text."""

    url: str
    args: str = ""


def read(client: Client, cluster_id: str) -> list[Script]:
    """The scripts that the service has, in the order of execution."""
    answer = client.call("GetPostScripts", {"ClusterId": cluster_id})
    scripts = from_answer(items(answer, "PostInstallScripts", "PostInstallScriptInfo"))
    client.register_secrets(secret for script in scripts for secret in url_secrets(script.url))
    return scripts


def from_answer(entries: t.Iterable[dict[str, t.Any]]) -> list[Script]:
    """The scripts of GetPostScripts or DescribeCluster."""
    return [Script(entry.get("Url") or "", entry.get("Args") or "") for entry in entries]


def write(client: Client, cluster_id: str, scripts: list[Script]) -> str | None:
    """Replace the cluster's scripts by these. Returns the request id; None where the answer was lost but the write arrived."""
    params = {"ClusterId": cluster_id}
    for number, script in enumerate(scripts, 1):
        params["PostInstallScripts.%d.Url" % number] = script.url
        params["PostInstallScripts.%d.Args" % number] = script.args
    client.register_secrets(secret for script in scripts for secret in url_secrets(script.url))
    answer = client.call("SetPostScripts", params, is_applied=lambda: read(client, cluster_id) == scripts)
    return answer.get("RequestId")


def from_option(cluster_id: str, entries: list[dict[str, t.Any]] | None) -> list[Script]:
    """The option ``scripts``, checked. Raises EhpcError for a url or arguments that cannot work."""
    scripts = []
    for number, entry in enumerate(entries or [], 1):
        name = "script %d of cluster %s" % (number, cluster_id)
        scripts.append(Script(_checked_url(name, entry["url"]), _joined_args(name, entry.get("args"))))
    return scripts


def checksums(cluster_id: str, entries: list[dict[str, t.Any]] | None) -> list[str | None]:
    """The SHA-256 sums in the option ``scripts`` in their order, in lower case. Raises EhpcError for one that is none."""
    return [_checked_checksum("script %d of cluster %s" % (number, cluster_id), entry.get("checksum")) for number, entry in enumerate(entries or [], 1)]


def _checked_checksum(name: str, checksum: str | None) -> str | None:
    if checksum is None:
        return None
    match = _CHECKSUM.fullmatch(checksum)
    if not match:
        raise invalid_option(
            "The checksum of %s is not one of SHA-256: %s." % (name, _printable(redact_text(checksum)) or "it is empty"),
            "Give it as sha256: and the 64 digits that sha256sum shows, or leave it out.",
        )
    return match.group(1).lower()


def _checked_url(name: str, url: str) -> str:
    if not url.strip():
        raise invalid_option("The url of %s is empty." % name, "Give the address that the nodes download the script from.")
    if _UNFIT.search(url):
        raise invalid_option(
            "The url of %s has white space or control characters: %s." % (name, _printable(redact_url(url))),
            "Write a space in a url as %20.",
        )
    return _encodable(name, "url", _unmasked(name, "url", url))


def _joined_args(name: str, args: t.Any) -> str:
    if args is None:
        return ""
    if isinstance(args, (list, tuple)):
        return " ".join(shlex.quote(_argument(name, arg)) for arg in args)
    return _argument(name, args)


def _argument(name: str, arg: t.Any) -> str:
    if isinstance(arg, bool) or not isinstance(arg, (str, int, float)):
        raise invalid_option(
            "The args of %s have to be text or a list of text, not %s." % (name, type(arg).__name__),
            'Put quotation marks around a word that YAML takes for something else: "yes", "null".',
        )
    return _encodable(name, "args", _unmasked(name, "args", str(arg)))


def _unmasked(name: str, what: str, text: str) -> str:
    if is_masked(text):
        raise invalid_option(
            "In the %s of %s %s stands for what is secret in a url, as results show it: %s." % (what, name, MASK, _printable(redact_text(text))),
            "Give the url as it was, or sign it anew.",
        )
    return text


def _encodable(name: str, what: str, text: str) -> str:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        raise invalid_option("The %s of %s cannot be written as UTF-8." % (what, name)) from None
    if "\x00" in text:
        raise invalid_option("The %s of %s has a NUL character." % (what, name))
    return text


def _printable(text: str) -> str:
    return text.encode("unicode_escape").decode("ascii")


def check_limit(cluster_id: str, scripts: list[Script]) -> None:
    """Raise EhpcError where the service could not store so many scripts."""
    if len(scripts) > LIMIT:
        raise invalid_option(
            "Cluster %s cannot have %d post scripts: the service stores %d at most." % (cluster_id, len(scripts), LIMIT),
            "Let one script call others, or remove some.",
        )


def warnings(scripts: list[Script]) -> list[str]:
    """What a user should know about urls that are accepted all the same, each once; before ansible-core 2.19 a process repeats them."""
    found = []
    for script in scripts:
        if not script.url.lower().startswith(("http://", "https://", "/")):
            found.append("The post script url %s is neither http(s) nor an absolute path; nodes may not be able to fetch it." % redact_url(script.url))
        if url_secrets(script.url):
            found.append(
                "The post script url %s is a pre-signed one%s: nodes that join the cluster later cannot fetch it."
                % (redact_url(script.url), _expiry(script.url))
            )
    return list(dict.fromkeys(found))


def _expiry(url: str) -> str:
    """' that expires at ...' where a pre-signed url says so, in OSS's old form or its V4 form."""
    try:
        query = {name.lower(): value for name, value in parse_qsl(urlsplit(url).query)}
        if "expires" in query:
            expires = datetime.fromtimestamp(int(query["expires"]), timezone.utc)
        else:
            prefix = next(name for name in ("x-oss", "x-amz", "x-goog") if name + "-date" in query)
            signed = datetime.strptime(query[prefix + "-date"], "%Y%m%dT%H%M%SZ").replace(tzinfo=timezone.utc)
            expires = signed + timedelta(seconds=int(query[prefix + "-expires"]))
    except (KeyError, ValueError, OverflowError, OSError, StopIteration):
        return ""
    return " that expires at %s" % expires.strftime("%Y-%m-%dT%H:%M:%SZ")


def shown(scripts: list[Script]) -> list[dict[str, str]]:
    """The scripts as a module returns them: without what makes a url a pre-signed one."""
    return [{"url": redact_url(script.url), "args": redact_text(script.args)} for script in scripts]


def not_stored(cluster_id: str, region: str, stored: list[Script], request_id: str | None) -> EhpcError:
    """The failure of a write that was accepted but cannot be read back."""
    return EhpcError(
        "NotStored",
        "The post scripts of cluster %s in %s were set, but the service now has others: %s."
        % (cluster_id, region, ", ".join(" ".join(filter(None, script.values())) for script in shown(stored)) or "none"),
        action="SetPostScripts",
        request_id=request_id,
        hint="Perhaps something else changes them at the same time. Look at them with alicloud.ehpc.post_scripts_info and run it again.",
        result={"post_scripts": shown(stored)},
    )
