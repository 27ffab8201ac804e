# Copyright (c) 2026, the alicloud.ehpc contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The selection of a Python on the machine, and the message if there is none."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from ansible_collections.alicloud.ehpc.tests.support import pythons
from ansible_collections.alicloud.ehpc.tests.support.programs import program

from check import certification

OWN = "%d.%d" % sys.version_info[:2]


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory that is all of PATH, without pyenv."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("PYENV_ROOT", str(tmp_path / "pyenv"))
    return tmp_path


def test_the_first_version_that_is_installed(machine: Path) -> None:
    assert pythons.find("3.0", OWN) is None
    program(machine / f"python{OWN}", f"exec '{sys.executable}' \"$@\"")
    assert pythons.find("3.0", OWN) == machine / f"python{OWN}"


def test_a_python_of_pyenv_instead_of_a_stub(machine: Path) -> None:
    program(machine / f"python{OWN}", "echo 'pyenv: command not found' >&2; exit 127")
    installed = machine / f"pyenv/versions/{OWN}.1/bin/python{OWN}"
    program(installed, f"exec '{sys.executable}' \"$@\"")
    assert pythons.find(OWN) == installed


def test_a_python_that_cannot_create_environments(machine: Path) -> None:
    program(machine / f"python{OWN}", f"case $2 in *ensurepip*) exit 1 ;; esac\nexec '{sys.executable}' \"$@\"")
    assert pythons.find(OWN) is None
    assert pythons.find(OWN, needs="ssl") == machine / f"python{OWN}"


def test_certification_is_not_checked_without_a_supported_python(machine: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys, "argv", ["certification.py", str(machine), str(machine)])
    certification.main()
    assert capsys.readouterr().out.startswith("make check-certification: NOT CHECKED: it requires Python 3.12, 3.11, 3.10")
