# Copyright (c) 2026, the alicloud.ehpc contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""`make fresh`: the messages on machines that cannot run it, and the Debian mirror."""

from __future__ import annotations

import os
import shutil
import typing as t
from pathlib import Path

import pytest

from check import fresh


def absent(program: str) -> t.Callable[[str], str | None]:
    return lambda name: None if name == program else f"/usr/bin/{name}"


@pytest.mark.parametrize(
    ("user", "program", "words"),
    [
        (1000, "", "debootstrap and chroot require root"),
        (0, "debootstrap", "debootstrap is not installed"),
        (0, "unshare", "unshare is not installed"),
    ],
)
def test_it_fails_with_a_reason_if_it_cannot_run(monkeypatch: pytest.MonkeyPatch, user: int, program: str, words: str) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: user)
    monkeypatch.setattr(shutil, "which", absent(program))
    with pytest.raises(SystemExit) as ended:
        fresh.main()
    assert str(ended.value).startswith("make fresh: cannot run here, so nothing is proven: ")
    assert words in str(ended.value)


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("debian.sources", "Types: deb\n# URIs: https://no.example.com/debian\nURIs: http://mirror.example.com/debian\n", ["http://mirror.example.com/debian"]),
        ("sources.list", "deb [arch=amd64] https://mirror.example.com/debian/ trixie main\n", ["https://mirror.example.com/debian"]),
        ("ubuntu.sources", "URIs: http://mirror.example.com/ubuntu\n", []),
        ("debian.sources.bak", "URIs: http://mirror.example.com/debian\n", []),
    ],
)
def test_the_mirror_is_that_of_the_machine(tmp_path: Path, name: str, text: str, expected: list[str]) -> None:
    (tmp_path / name).write_text(text, encoding="utf-8")
    assert fresh.mirror([tmp_path / "missing", tmp_path / name]) == expected
