# Copyright (c) 2026, the alicloud.ehpc contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Fetch scripts and check that nodes can run them, before a cluster gets them."""

from __future__ import annotations

import hashlib
import re
import typing as t

from ansible_collections.alicloud.ehpc.plugins.module_utils._errors import PREFLIGHT_FAILED, EhpcError, invalid_option
from ansible_collections.alicloud.ehpc.plugins.module_utils._fetch import MAX_BYTES, FetchError, File, fetch_all, is_web
from ansible_collections.alicloud.ehpc.plugins.module_utils._post_scripts import is_fetchable
from ansible_collections.alicloud.ehpc.plugins.module_utils._redact import redact_url

if t.TYPE_CHECKING:  # pragma: no cover
    from ansible_collections.alicloud.ehpc.plugins.module_utils._arguments import RequestSettings
    from ansible_collections.alicloud.ehpc.plugins.module_utils._post_scripts import Script

_PAGE = re.compile(rb"(\xef\xbb\xbf)?\s*<(!doctype\s+html|html|head|body)\b", re.IGNORECASE)


class PreflightResult(t.NamedTuple):
    """The check of one script. ``ok`` is None if the script could not be checked."""

    url: str
    ok: bool | None
    problems: list[str]
    sha256: str | None = None
    size: int | None = None
    # The URL has another content than the reviewed one.
    mismatch: bool = False

    def as_result(self) -> dict[str, t.Any]:
        """The check as a module returns it."""
        return {"url": self.url, "ok": self.ok, "problems": self.problems, "sha256": self.sha256, "size": self.size}

    def summary(self) -> str:
        """The URL and its problems in one line."""
        return "%s: %s" % (self.url, " ".join(self.problems))


def preflight(scripts: list[Script], mode: str, settings: RequestSettings, warn: t.Callable[[str], None]) -> list[dict[str, t.Any]]:
    """The results of checking the scripts with the mode ``off``, ``warn`` or ``fail``. Raises EhpcError if a cluster must not get them."""
    if mode == "off":
        _refuse_checksums(scripts)
    checked = [script for script in scripts if _is_checked(script, script.preflight or mode)]
    results = _check(checked, settings)
    failed = [result for script, result in zip(checked, results) if result.problems and ((script.preflight or mode) == "fail" or result.mismatch)]
    for result in results:
        if result.problems and result not in failed:
            warn("Preflight of %s" % result.summary())
    if failed:
        message = "The preflight found problems with %d of %d scripts, so nothing was changed. " % (len(failed), len(results))
        raise EhpcError(
            PREFLIGHT_FAILED,
            message + " ".join(result.summary() for result in failed),
            result={"preflight": [result.as_result() for result in results]},
        )
    return [result.as_result() for result in results]


def _refuse_checksums(scripts: list[Script]) -> None:
    names = ["scripts[%d]" % index for index, script in enumerate(scripts) if script.checksum and not script.preflight]
    if names:
        raise invalid_option(
            "Checksums were given for %s, but preflight is off, so they would not be compared." % ", ".join(names),
            "Set preflight to warn or fail, or omit the checksum.",
        )


def _is_checked(script: Script, mode: str) -> bool:
    """Whether a script has a result. Files of the nodes have none: only a checksum asks for what cannot be done there."""
    if mode == "off":
        return False
    return is_web(script.url) or script.checksum is not None or (mode == "fail" and not is_fetchable(script.url))


def _check(scripts: list[Script], settings: RequestSettings) -> list[PreflightResult]:
    files = fetch_all([script.url for script in scripts if is_web(script.url)], settings)
    return [_result(script, files.get(script.url, _not_fetched(script.url))) for script in scripts]


def _not_fetched(url: str) -> FetchError:
    if is_fetchable(url):
        return FetchError("The checksum cannot be compared from here: only HTTP(S) URLs are fetched.", conclusive=False)
    return FetchError("Could not be checked: it is neither an HTTP(S) URL nor an absolute path.", conclusive=False)


def _result(script: Script, file: File | FetchError) -> PreflightResult:
    url = redact_url(script.url)
    if isinstance(file, FetchError):
        return PreflightResult(url, False if file.conclusive else None, [file.problem])
    if len(file.content) > MAX_BYTES:
        # The reviewed content is unknown to be here, so this counts as another one.
        return PreflightResult(url, False, ["Larger than 1 MiB, so it was not checked."], mismatch=script.checksum is not None)
    sha256 = hashlib.sha256(file.content).hexdigest()
    problems = _problems(file)
    mismatch = script.checksum not in (None, sha256)
    if mismatch:
        problems.append("The checksum is sha256:%s, not sha256:%s." % (sha256, script.checksum))
    return PreflightResult(url, not problems, problems, sha256, len(file.content), mismatch)


def _problems(file: File) -> list[str]:
    """The reasons why a node could not run the file."""
    if not file.content:
        return ["The file is empty."]
    if file.encoding.lower() not in ("", "identity"):
        return ["The server sent it compressed (%s) although that was not requested. Nodes would store it compressed." % file.encoding[:20]]
    shebang = file.content.startswith(b"#!")
    if not shebang and (_PAGE.match(file.content) or file.content_type.lower().startswith("text/html")):
        return ["The server returned a web page, probably a login page, not a script."]
    problems = [] if shebang else ["The first line does not start with #! and an interpreter."]
    # An archive may follow the text of a script, and there these two bytes have no meaning.
    if b"\r\n" in file.content.partition(b"\0")[0]:
        problems.append("Lines end with CRLF, so that shells cannot run it. Convert them to LF, for example with dos2unix.")
    return problems
