# Copyright (c) 2026, the alicloud.ehpc contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""`make test-eda`: the messages on machines that cannot run ansible-rulebook."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from check import eda

JAVA_17 = 'openjdk version "17.0.15" 2025-04-15'


def install(path: Path, output: str) -> None:
    """A program that only prints."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\necho '{output}'\n", encoding="utf-8")
    path.chmod(0o755)


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only directory with programs, which is empty."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setattr(eda, "ENVIRONMENT", tmp_path / "environment")
    return tmp_path


@pytest.mark.parametrize(
    ("output", "problem"),
    [
        ('openjdk version "11.0.2" 2019-01-15', "Java 17 or newer is required, and this is Java 11"),
        ('java version "1.8.0_402"', "Java 17 or newer is required, and this is Java 8"),
        ("Unable to locate a Java Runtime.", "Java 17 or newer is not installed"),
        (JAVA_17, None),
        ('openjdk version "21" 2023-09-19', None),
    ],
)
def test_the_version_of_java(machine: Path, output: str, problem: str | None) -> None:
    install(machine / "java", output)
    assert eda.lacks_java() == ([problem] if problem else [])


def test_java_home_takes_precedence(machine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install(machine / "java", JAVA_17)
    monkeypatch.setenv("JAVA_HOME", str(machine / "missing"))
    assert eda.lacks_java() == ["Java 17 or newer is not installed"]


def test_a_machine_with_neither(machine: Path) -> None:
    assert eda.obstacles() == ["Java 17 or newer is not installed", "ansible-rulebook is not installed"]


@pytest.mark.parametrize(
    ("package", "output", "problem"),
    [
        ("json", f"  Python executable = {sys.executable}", None),
        ("no_such_package", f"  Python executable = {sys.executable}", "the environment of {program} lacks the Python packages of this collection"),
        ("json", "It is broken.", "{program} --version fails: It is broken."),
    ],
)
def test_the_ansible_rulebook_on_the_path(machine: Path, monkeypatch: pytest.MonkeyPatch, package: str, output: str, problem: str | None) -> None:
    monkeypatch.setattr(eda, "PACKAGES", (package,))
    install(machine / "java", JAVA_17)
    install(machine / "ansible-rulebook", output)
    assert eda.obstacles() == ([problem.format(program=eda.rulebook())] if problem else [])


def test_an_environment_that_was_moved(machine: Path) -> None:
    install(machine / "java", JAVA_17)
    install(machine / "ansible-rulebook", "")
    (machine / "ansible-rulebook").write_text("#!/missing/python3\n", encoding="utf-8")
    (problem,) = eda.obstacles()
    assert problem.endswith(f"ansible-rulebook --version fails: [Errno 2] No such file or directory: '{eda.rulebook()}'")


def test_the_one_of_make_takes_precedence(machine: Path) -> None:
    install(machine / "ansible-rulebook", "")
    install(machine / "environment/ansible-rulebook", "")
    assert eda.rulebook() == str(machine / "environment/ansible-rulebook")


def test_make_fails_without_java(machine: Path) -> None:
    ran = subprocess.run([sys.executable, eda.__file__], capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stderr) == (1, "make test-eda: cannot run here, so nothing is proven: Java 17 or newer is not installed.\n")
