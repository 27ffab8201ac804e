# Copyright (c) 2026, the alicloud.ehpc contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The Makefile on an unprepared machine: no network, a space in the path, nothing written to the home directory."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from ansible_collections.alicloud.ehpc.tests.support.documents import ROOT

MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")


def make(directory: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    # If make started the tests, its options must not apply here.
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS", "PIP_"))}
    command = ["make", "PYTHON=./python3", *arguments]
    return subprocess.run(command, cwd=directory, env={**inherited, **environment}, capture_output=True, text=True, timeout=120, check=False)


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """The parts of a checkout that installing needs, at a path with a space."""
    directory = tmp_path / "a checkout"
    for name in ("Makefile", "tests/requirements.txt", "meta/ee-requirements.txt"):
        (directory / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, directory / name)
    # The path of the Python of these tests may have a space, which PYTHON must not have.
    (directory / "python3").symlink_to(sys.executable)
    return directory


def test_a_first_run_without_network_and_the_next_one(checkout: Path) -> None:
    ran = make(checkout, "setup", PIP_NO_INDEX="1", PIP_CONFIG_FILE=os.devnull)
    assert ran.returncode == 2
    assert "The packages of tests/requirements.txt could not be installed." in ran.stderr
    assert "a network connection" in ran.stderr
    assert "PIP_INDEX_URL" in ran.stderr
    assert "No matching distribution found" in (checkout / "build/pip.log").read_text(encoding="utf-8")
    assert not (checkout / ".venv/.ready").exists()

    # Packages can be installed now: here there are none.
    (checkout / "tests/requirements.txt").write_text("", encoding="utf-8")
    ran = make(checkout, "setup", PIP_NO_INDEX="1", PIP_CONFIG_FILE=os.devnull)
    assert ran.returncode == 0, ran.stderr
    link = checkout / "build/collections/ansible_collections/alicloud/ehpc"
    assert link.resolve() == checkout
    assert (checkout / ".venv/.ready").exists()
    again = make(checkout, "setup")
    assert "Nothing to be done" in again.stdout


def test_a_path_with_a_space() -> None:
    """Only values of the environment may hold the path of the checkout: make splits all others, and so does the shell."""
    assert [line for line in MAKEFILE.splitlines() if "$(CURDIR)" in line and ": export " not in line] == []


def test_an_old_python_is_refused(checkout: Path) -> None:
    old = checkout / "python"
    code = "import sys; sys.version_info = (3, 9, 25); exec(sys.argv[1])"
    old.write_text(f"#!/bin/sh\nexec '{sys.executable}' -c '{code}' \"$2\"\n", encoding="utf-8")
    old.chmod(0o755)
    ran = make(checkout, "setup", "PYTHON=./python")
    assert (ran.returncode, ran.stderr.splitlines()[0]) == (2, "Python 3.10 or newer is required. Set PYTHON: make PYTHON=python3.12 ...")
    assert not (checkout / ".venv").exists()


def test_the_tarball_requires_ansible_core_only() -> None:
    recipe = make(ROOT, "--dry-run", "--always-make", "package").stdout
    assert set(re.findall(r"[\w/.-]*requirements[\w-]*\.txt", recipe)) == {"tests/check/requirements-package.txt"}
    assert re.findall(r"^\S*ansible-galaxy", recipe, re.MULTILINE) == ["build/venv-package/bin/ansible-galaxy"]
    requirements = (ROOT / "tests/check/requirements-package.txt").read_text(encoding="utf-8")
    assert [line for line in requirements.splitlines() if line and not line.startswith("#")] == ["ansible-core>=2.16"]


def test_documentation_tools_write_no_log_into_the_home() -> None:
    """antsibull-docs does so by default."""
    calls = re.findall(r"^\tantsibull-docs (\S+ \S+)", MAKEFILE, re.MULTILINE)
    assert calls == ["--config-file tests/check/docs/antsibull-docs.cfg"] * 2
    assert "FileOutput" not in (ROOT / "tests/check/docs/antsibull-docs.cfg").read_text(encoding="utf-8")
