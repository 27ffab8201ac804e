# Copyright (c) 2026, the alicloud.ehpc contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Run tests on several releases of ansible-core, each in an environment of its own.

python tests/matrix PATH...

A release for which this machine has no Python is left out, and the table at the end says why. It is an error where tests fail,
and where no release could be tried.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time
import typing as t
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
ENVIRONMENTS = ROOT / ".venv-matrix"
REQUIREMENTS = (ROOT / "tests" / "requirements.txt", ROOT / "meta" / "ee-requirements.txt")
# What each release runs on, the one to take first. They are spread, so that each Python has its turn.
RELEASES = {
    "2.16": ("3.10", "3.11", "3.12"),
    "2.17": ("3.11", "3.10", "3.12"),
    "2.19": ("3.13", "3.12", "3.11"),
    "2.21": ("3.12", "3.13", "3.14"),
}
VERSIONS = "import platform, importlib.metadata as m; print(m.version('ansible-core'), platform.python_version())"


class Row(t.NamedTuple):
    """A line of the table."""

    release: str
    python: str
    result: str
    details: str


class CannotBuild(Exception):
    """There is no environment for a release, and this is why."""


def candidates(version: str) -> t.Iterator[Path]:
    """Where a Python could be."""
    found = shutil.which(f"python{version}")
    if found:
        yield Path(found)
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    yield from sorted(pyenv.glob(f"versions/{version}.*/bin/python{version}"))


def runs(python: Path, version: str) -> bool:
    """Whether this is such a Python and can make environments. What pyenv puts on the path may be an empty promise."""
    check = "import ensurepip, sys, venv; print('%d.%d' % sys.version_info[:2])"
    ran = subprocess.run([python, "-c", check], capture_output=True, text=True, check=False)
    return ran.returncode == 0 and ran.stdout.strip() == version


def python_for(release: str) -> tuple[str, Path]:
    for version in RELEASES[release]:
        for python in candidates(version):
            if runs(python, version):
                return version, python
    raise CannotBuild(f"none of Python {', '.join(RELEASES[release])} is here")


def environment_for(release: str) -> Path:
    """The interpreter of the environment of a release, made where it is not there or not of today's requirements."""
    version, python = python_for(release)
    environment = ENVIRONMENTS / f"{release}-python{version}"
    own, ready = environment / "bin" / "python", environment / ".ready"
    wanted = "\n".join(path.read_text(encoding="utf-8") for path in REQUIREMENTS)
    if ready.exists() and ready.read_text(encoding="utf-8") == wanted:
        return own
    print(f"ansible-core {release}: making an environment with Python {version}", flush=True)
    install = [str(own), "-m", "pip", "install", "--quiet", "--requirement", str(REQUIREMENTS[0]), f"ansible-core=={release}.*"]
    for command in ([str(python), "-m", "venv", "--clear", str(environment)], install):
        ran = subprocess.run(command, stderr=subprocess.PIPE, text=True, check=False)
        if ran.returncode != 0:
            raise CannotBuild((ran.stderr.strip() or "no message").splitlines()[-1])
    ready.write_text(wanted, encoding="utf-8")
    return own


def tests(python: Path, paths: list[str]) -> tuple[bool, str]:
    """Whether they passed, and pytest's last line. The output is shown as it comes."""
    command = [str(python), "-m", "pytest", "-p", "no:cacheprovider", "--numprocesses", "2", *paths]
    last = ""
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as running:
        assert running.stdout is not None
        for line in running.stdout:
            print(line, end="", flush=True)
            last = line.strip() or last
    return running.returncode == 0, re.sub(r"^=+ | in .*$", "", last)


def row(release: str, paths: list[str]) -> Row:
    try:
        python = environment_for(release)
    except CannotBuild as error:
        return Row(release, "-", "not built", str(error))
    exact = subprocess.run([python, "-c", VERSIONS], capture_output=True, text=True, check=True).stdout.split()
    print(f"\n### ansible-core {exact[0]}, Python {exact[1]}", flush=True)
    begin = time.monotonic()
    passed, summary = tests(python, paths)
    return Row(exact[0], exact[1], "passed" if passed else "FAILED", f"{summary}, {time.monotonic() - begin:.0f} s")


def main() -> None:
    paths = sys.argv[1:]
    if not paths:
        sys.exit("Which tests?")
    rows = [row(release, paths) for release in RELEASES]
    print(f"\n{'ansible-core':14}{'Python':10}{'result':11}details")
    for entry in rows:
        print(f"{entry.release:14}{entry.python:10}{entry.result:11}{entry.details}")
    results = {entry.result for entry in rows}
    sys.exit(1 if "FAILED" in results or "passed" not in results else 0)


if __name__ == "__main__":
    main()
