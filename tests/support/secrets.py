# Copyright (c) 2026, the alicloud.ehpc contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Finds secrets in every form in which they could be written."""

from __future__ import annotations

import base64
import contextlib
import json
import os
import threading
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote, quote_plus

READS_OF_A_PROCESS = 50


def forms(secret: str) -> set[bytes]:
    """A secret: plain, percent-encoded once and twice, in JSON, and in Base64."""
    once = quote(secret, safe="-_.~")
    texts = {secret, once, quote(once, safe=""), quote(secret), quote_plus(secret), quote_plus(quote_plus(secret)), json.dumps(secret)[1:-1]}
    lower = {text.replace("%2B", "%2b").replace("%2F", "%2f").replace("%3D", "%3d") for text in texts}
    return {text.encode() for text in texts | lower} | {base64.b64encode(secret.encode()).rstrip(b"=")}


class Search:
    """Searches for secrets and records where they occur."""

    def __init__(self, secrets: dict[str, str]) -> None:
        self._forms = {name: forms(secret) for name, secret in secrets.items()}
        self.found: list[str] = []

    def look_at(self, where: str, content: bytes) -> None:
        for name, encoded in self._forms.items():
            for form in encoded:
                position = content.find(form)
                if position >= 0:
                    around = content[max(position - 200, 0) : position + 100].decode(errors="replace")
                    self.found.append(f"{name} in {where}: …{around}…")
                    break

    def look_at_files(self, directory: Path) -> int:
        """All files below; returns how many."""
        files = [path for path in directory.rglob("*") if path.is_file()]
        for path in files:
            self.look_at(str(path.relative_to(directory)), path.read_bytes())
        return len(files)


def _processes() -> list[str]:
    return [name for name in os.listdir("/proc") if name.isdecimal()]


@contextlib.contextmanager
def command_lines(marker: str) -> Iterator[dict[bytes, None]]:
    """The command lines that contain the marker, of all processes that start in the meantime and run for at least some milliseconds."""
    seen: dict[bytes, None] = {}
    stop = threading.Event()
    # How often to read the command line of each process: a new one has that of its parent first.
    left = dict.fromkeys(_processes(), 0)

    def watch() -> None:
        while not stop.wait(0.01):
            for process in _processes():
                if left.setdefault(process, READS_OF_A_PROCESS) == 0:
                    continue
                left[process] -= 1
                with contextlib.suppress(OSError):
                    line = Path(f"/proc/{process}/cmdline").read_bytes()
                    if marker.encode() in line:
                        seen[line] = None

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield seen
    finally:
        stop.set()
        watcher.join()
