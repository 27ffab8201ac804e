# Copyright (c) 2026, the alicloud.ehpc contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The post-processing scripts of a cluster: the option, what the service stores, and what results show."""

from __future__ import annotations

import re
import shlex
import typing as t
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from urllib.parse import parse_qsl, urlsplit

from ansible_collections.alicloud.ehpc.plugins.module_utils._client import items
from ansible_collections.alicloud.ehpc.plugins.module_utils._errors import NOT_STORED, EhpcError, invalid_option
from ansible_collections.alicloud.ehpc.plugins.module_utils._redact import MASK, is_masked, redact_text, redact_url, url_secrets

if t.TYPE_CHECKING:  # pragma: no cover
    from ansible_collections.alicloud.ehpc.plugins.module_utils._client import Client

MAX_SCRIPTS = 16
# A script as an option of the modules that take scripts.
SCRIPT_OPTIONS: dict[str, dict[str, t.Any]] = {
    "url": {"type": "str", "required": True},
    "args": {"type": "raw"},
    "checksum": {"type": "str"},
    # Without choices, because Ansible would then refuse null, which means the preflight of the task.
    "preflight": {"type": "str"},
}
PREFLIGHTS = ("off", "warn", "fail")
Change = t.Callable[["list[Script]"], "list[Script]"]

_CHECKSUM = re.compile(r"sha256:([0-9a-f]{64})", re.IGNORECASE)
_BAD_URL_CHARACTERS = re.compile(r"[\s\x00-\x1f\x7f-\x9f]")
_FETCHABLE_URL = re.compile(r"(https?://[^/\s]|/.)\S*", re.IGNORECASE)


@dataclass(frozen=True)
class Script:
    """One script. Two scripts are equal if the service stores the same for both, so that the checksum does not count."""

    url: str
    # Empty if there are no arguments: the service makes no difference between these two.
    args: str = ""
    # The SHA-256 digits in lower case, for those who fetch the script. The service does not store them.
    checksum: str | None = field(default=None, compare=False)
    # How post_scripts checks this script, if not as it checks the others.
    preflight: str | None = field(default=None, compare=False)


def read(client: Client, cluster_id: str) -> list[Script]:
    """The scripts that the service has, in the order of execution. Raises EhpcError."""
    response = client.call("GetPostScripts", {"ClusterId": cluster_id})
    scripts = from_response(items(response, "PostInstallScripts", "PostInstallScriptInfo"))
    client.register_secrets(secret for script in scripts for secret in url_secrets(script.url))
    return scripts


def from_response(entries: t.Iterable[dict[str, t.Any]]) -> list[Script]:
    """The scripts of a response of GetPostScripts or DescribeCluster, each ``{"Url": ..., "Args": ...}``."""
    return [Script(str(entry.get("Url") or ""), str(entry.get("Args") or "")) for entry in entries]


def write(client: Client, cluster_id: str, before: list[Script], change: Change, depends: bool) -> str | None:
    """Replace the cluster's scripts, which are ``before``, by what ``change`` makes of them. Raises EhpcError.

    Returns the request ID, or None if the response was lost but the write arrived. If the new list ``depends`` on the stored one, the stored
    one is read again before each retry, because another client may have changed it in the meantime.
    """

    def params(stored: list[Script]) -> dict[str, str]:
        scripts = change(stored)
        client.register_secrets(secret for script in scripts for secret in url_secrets(script.url))
        return _as_params(cluster_id, scripts)

    def is_applied() -> bool:
        stored = read(client, cluster_id)
        return change(stored) == stored

    renew = (lambda: params(read(client, cluster_id))) if depends else None
    return client.call("SetPostScripts", params(before), is_applied=is_applied, renew=renew).get("RequestId")


def _as_params(cluster_id: str, scripts: list[Script]) -> dict[str, str]:
    params = {"ClusterId": cluster_id}
    for number, script in enumerate(scripts, 1):
        params["PostInstallScripts.%d.Url" % number] = script.url
        if script.args:
            params["PostInstallScripts.%d.Args" % number] = script.args
    return params


def from_option(entries: list[dict[str, t.Any]] | None) -> list[Script]:
    """The scripts of the option ``scripts``. Raises EhpcError for a URL, arguments or a checksum that cannot work."""
    return [from_entry("scripts[%d]" % index, entry) for index, entry in enumerate(entries or [])]


def single(url: str, args: t.Any) -> Script:
    """The script of the options ``url`` and ``args``. Raises EhpcError for values that cannot work."""
    return Script(_checked_url("url", url), joined_args("args", args))


def from_entry(name: str, entry: t.Mapping[str, t.Any]) -> Script:
    """One script of the option ``scripts``, which messages call ``name``. Raises EhpcError."""
    return Script(
        _checked_url(name + ".url", entry["url"]),
        joined_args(name + ".args", entry.get("args")),
        _checked_checksum(name + ".checksum", entry.get("checksum")),
        _checked_preflight(name + ".preflight", entry.get("preflight")),
    )


def _checked_url(name: str, url: str) -> str:
    if not url.strip():
        raise invalid_option("%s is empty." % name, "Set it to the URL that nodes download the script from.")
    if _BAD_URL_CHARACTERS.search(url):
        raise invalid_option("%s contains whitespace or control characters: %s." % (name, _printable(redact_url(url))), "Encode a space as %20.")
    return encodable(name, _unmasked(name, url))


def joined_args(name: str, args: t.Any) -> str:
    """The arguments of a script as one string, quoted for a shell. Raises EhpcError."""
    if args is None:
        return ""
    if isinstance(args, (list, tuple)):
        return " ".join(shlex.quote(_argument(name, arg)) for arg in args)
    return _argument(name, args)


def _argument(name: str, arg: t.Any) -> str:
    if isinstance(arg, bool) or not isinstance(arg, (str, int, float)):
        raise invalid_option(
            "%s must be a string or a list of strings, not %s." % (name, type(arg).__name__),
            'Quote words that YAML converts to another type, such as "yes" and "null".',
        )
    return encodable(name, _unmasked(name, str(arg)))


def _unmasked(name: str, text: str) -> str:
    if is_masked(text):
        raise invalid_option(
            "%s contains %s, which stands for a secret in results: %s." % (name, MASK, _printable(redact_text(text))),
            "Use the original URL, or sign it again.",
        )
    return text


def encodable(name: str, text: str) -> str:
    """The string, if it can be sent. Raises EhpcError."""
    try:
        text.encode()
    except UnicodeEncodeError:
        raise invalid_option("%s cannot be encoded as UTF-8." % name) from None
    if "\x00" in text:
        raise invalid_option("%s contains a NUL character." % name)
    return text


def _checked_checksum(name: str, checksum: str | None) -> str | None:
    if checksum is None:
        return None
    match = _CHECKSUM.fullmatch(checksum)
    if not match:
        raise invalid_option(
            "%s is not a valid SHA-256 checksum: %s." % (name, _printable(redact_text(checksum)) or "it is empty"),
            "Set it to sha256: and the 64 digits that sha256sum prints, or omit it.",
        )
    return match.group(1).lower()


def _checked_preflight(name: str, mode: str | None) -> str | None:
    """The preflight of one script; None for that of the task. Raises EhpcError."""
    # Without quotes, off is false in YAML.
    mode = "off" if mode == "False" else mode or None
    if mode not in (None, *PREFLIGHTS):
        raise invalid_option("%s must be %s or %s, not %s." % (name, ", ".join(PREFLIGHTS[:-1]), PREFLIGHTS[-1], _printable(redact_text(str(mode)))))
    return mode


def _printable(text: str) -> str:
    return text.encode("unicode_escape").decode()


def check_limit(scripts: list[Script]) -> None:
    """Raise EhpcError if the service cannot store so many scripts."""
    if len(scripts) > MAX_SCRIPTS:
        raise invalid_option(
            "The list would have %d scripts, but E-HPC stores at most %d per cluster." % (len(scripts), MAX_SCRIPTS),
            "Remove some, or publish all of them as one script: alicloud.ehpc.post_scripts_publish with bundle: true.",
        )


def refuse_duplicates(scripts: list[Script], name: str) -> None:
    """Raise EhpcError if a URL occurs twice: which of the two entries to update is unknown."""
    urls = [script.url for script in scripts]
    duplicates = [Script(url) for url in sorted(set(urls)) if urls.count(url) > 1]
    if duplicates:
        raise invalid_option(
            "With purge: false each URL must be unique, but %s contains duplicates: %s." % (name, ", ".join(entry["url"] for entry in redacted(duplicates))),
            "Use purge: true with the complete list.",
        )


def merged(before: list[Script], desired: list[Script]) -> list[Script]:
    """The list of a cluster with ``desired`` added: the URLs that it has are updated, the others are appended. Raises EhpcError."""
    refuse_duplicates(before, "the cluster's list")
    scripts = {script.url: script for script in before}
    scripts.update({script.url: script for script in desired})
    check_limit(list(scripts.values()))
    return list(scripts.values())


def is_fetchable(url: str) -> bool:
    """Whether nodes can fetch the script: by HTTP(S), or as a file of their own at an absolute path."""
    return _FETCHABLE_URL.fullmatch(url) is not None and url.isprintable()


def warnings(scripts: list[Script]) -> list[str]:
    """What users should know about URLs that are accepted anyway, each once; before ansible-core 2.19 a process shows duplicates."""
    texts = []
    for script in scripts:
        url = redact_url(script.url)
        if not is_fetchable(script.url):
            texts.append("The post script URL %s is neither an HTTP(S) URL nor an absolute path, so nodes may not be able to fetch it." % _printable(url))
        if url_secrets(script.url):
            texts.append("The post script URL %s is pre-signed%s. Nodes that are initialized after it expires cannot fetch it." % (url, _expiry(script.url)))
    return list(dict.fromkeys(texts))


def _expiry(url: str) -> str:
    """' and expires at ...' if a pre-signed URL says so, in OSS's old form or its V4 form."""
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
    return " and expires at %s" % expires.strftime("%Y-%m-%dT%H:%M:%SZ")


def redacted(scripts: list[Script]) -> list[dict[str, str]]:
    """The scripts as a module returns them, ``{"url": ..., "args": ...}`` each, without the signatures of pre-signed URLs."""
    return [{"url": redact_url(script.url), "args": redact_text(script.args)} for script in scripts]


def backup(cluster_id: str, region: str, scripts: list[Script]) -> dict[str, t.Any]:
    """What a backup keeps of the cluster: the scripts as the option takes them, complete with signatures."""
    return {"cluster_id": cluster_id, "region": region, "scripts": [{"url": script.url, "args": script.args} for script in scripts]}


def not_stored(cluster_id: str, region: str, stored: list[Script], request_id: str | None) -> EhpcError:
    """The failure of a write that was accepted but cannot be read back."""
    return EhpcError(
        NOT_STORED,
        "The post scripts of cluster %s in %s were written, but E-HPC returns a different list: %s."
        % (cluster_id, region, ", ".join(" ".join(filter(None, script.values())) for script in redacted(stored)) or "an empty one"),
        action="SetPostScripts",
        request_id=request_id,
        hint=("Another client may be changing the list at the same time. Run the task again; let several hosts change one cluster in turn with throttle: 1."),
        result={"post_scripts": redacted(stored)},
    )
