# Copyright (c) 2026, the alicloud.ehpc contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Run tests on several releases of ansible-core, each in an environment of its own.

python tests/matrix [--release RELEASE]... TESTS...

TESTS are what pytest takes, or the word `sanity` for all tests of ansible-test sanity; each is a column of the table at the end. A
release for which this machine has no Python is left out, and the table says why. It is an error if tests fail, or if no release could be
tried.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
import typing as t
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from support import pythons

ROOT = Path(__file__).resolve().parents[2]
ENVIRONMENTS = ROOT / ".venv-matrix"
# The result of `make copy`. ansible-test requires a collection to be at such a path.
COPY = ROOT / "build" / "sanity" / "ansible_collections" / "alicloud" / "ehpc"
REQUIREMENTS = (ROOT / "tests" / "requirements.txt", ROOT / "meta" / "ee-requirements.txt")
# What is supported upstream (2.20, 2.21, 2.22) and by Red Hat (2.16, 2.18, 2.20 on Python 3.12), and the Pythons to try, in order.
RELEASES = {
    "2.16": ("3.12", "3.11", "3.10"),
    "2.18": ("3.12", "3.11", "3.13"),
    "2.20": ("3.12", "3.13", "3.14"),
    "2.21": ("3.14", "3.13", "3.12"),
    "2.22": ("3.13", "3.14", "3.15"),
}
VERSIONS = "import platform, importlib.metadata as m; print(m.version('ansible-core'), platform.python_version())"


class Row(t.NamedTuple):
    """A line of the table."""

    release: str
    python: str
    results: list[str]


class CannotBuild(Exception):
    """Why there is no environment for a release."""


def python_for(release: str) -> tuple[str, Path]:
    for version in RELEASES[release]:
        python = pythons.find(version)
        if python:
            return version, python
    raise CannotBuild(f"this machine has no Python {' or '.join(RELEASES[release])}")


def specifications(release: str) -> tuple[str, str]:
    """What pip is to install: a final release; if there is none, the newest pre-release."""
    major, minor = release.split(".")
    return f"ansible-core=={release}.*", f"ansible-core>={release}.0a1,<{major}.{int(minor) + 1}"


def environment_for(release: str) -> Path:
    """The interpreter of the environment of a release, made if it is missing or has other requirements than today's."""
    version, python = python_for(release)
    environment = ENVIRONMENTS / f"{release}-python{version}"
    own, ready = environment / "bin" / "python", environment / ".ready"
    requirements = "\n".join(path.read_text(encoding="utf-8") for path in REQUIREMENTS)
    if ready.exists() and ready.read_text(encoding="utf-8") == requirements:
        return own
    print(f"ansible-core {release}: making an environment with Python {version}", flush=True)
    problem = failure_of([str(python), "-m", "venv", "--clear", str(environment)])
    for specification in () if problem else specifications(release):
        problem = failure_of([str(own), "-m", "pip", "install", "--quiet", "--requirement", str(REQUIREMENTS[0]), specification])
        if not problem:
            break
    if problem:
        raise CannotBuild(problem)
    ready.write_text(requirements, encoding="utf-8")
    return own


def failure_of(command: list[str]) -> str | None:
    """The last line of what a command says when it fails; None when it succeeds."""
    ran = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, check=False)
    return None if ran.returncode == 0 else (ran.stderr.strip() or "no message").splitlines()[-1]


def why_no_pylint(python: Path) -> str | None:
    """Why ansible-test cannot install its pylint: some releases require an archive that no package registry has."""
    (requirements,) = python.parents[1].glob("lib/python*/site-packages/ansible_test/_data/requirements/sanity.pylint.txt")
    archives = [line for line in requirements.read_text(encoding="utf-8").splitlines() if " @ " in line]
    install = [str(python), "-m", "pip", "install", "--quiet", "--dry-run", "--ignore-installed", "--no-deps", "--retries", "1"]
    problem = failure_of([*install, *archives]) if archives else None
    return f"{' and '.join(archives)}: {problem}" if problem else None


def sanity(python: Path) -> str:
    """Run the tests of ansible-test sanity, all that can be installed."""
    subprocess.run([python, "tests/check/pip_bootstrap.py"], cwd=ROOT, check=True)
    version = python.parents[1].name.rpartition("python")[2]
    # It searches the path for the other programs of ansible-core.
    environment = {**os.environ, "PATH": f"{python.parent}:{os.environ['PATH']}"}
    command = [str(python.with_name("ansible-test")), "sanity", "--requirements", "--python", version]
    problem = why_no_pylint(python)
    if problem:
        print(f"WITHOUT pylint, which cannot be installed here: {problem}", flush=True)
        command += ["--skip-test", "pylint"]
    passed = subprocess.run(command, cwd=COPY, env=environment, check=False).returncode == 0
    return ("passed" if passed else "FAILED") + (" without pylint" if problem else "")


def pytest(python: Path, path: str) -> str:
    """Run these tests; a deprecation warning of ansible-core is an error of the tests that see one."""
    command = [str(python), "-m", "pytest", "-p", "no:cacheprovider", "--numprocesses", "2", "--dist", "worksteal", path]
    return "passed" if subprocess.run(command, cwd=ROOT, check=False).returncode == 0 else "FAILED"


def result(python: Path, tests: str) -> str:
    begin = time.monotonic()
    outcome = sanity(python) if tests == "sanity" else pytest(python, tests)
    return f"{outcome}, {time.monotonic() - begin:.0f} s"


def row(release: str, columns: list[str]) -> Row:
    try:
        python = environment_for(release)
    except CannotBuild as error:
        return Row(release, "-", [f"not built: {error}"])
    exact = subprocess.run([python, "-c", VERSIONS], capture_output=True, text=True, check=True).stdout.split()
    print(f"\n### ansible-core {exact[0]}, Python {exact[1]}", flush=True)
    return Row(exact[0], exact[1], [result(python, tests) for tests in columns])


def main() -> None:
    parser = argparse.ArgumentParser(description="Run tests on several releases of ansible-core.")
    parser.add_argument("--release", action="append", choices=list(RELEASES), help="only this one; can be given several times")
    parser.add_argument("tests", nargs="+", help="a path for pytest, or the word sanity")
    wanted = parser.parse_args()
    rows = [row(release, wanted.tests) for release in wanted.release or RELEASES]
    width = max(len(tests) for tests in [*wanted.tests, "passed without pylint, 1000 s"]) + 2
    print()
    for release, python, results in [("ansible-core", "Python", wanted.tests), *rows]:
        print(f"{release:14}{python:10}" + "".join(f"{entry:{width}}" for entry in results).rstrip())
    everything = [entry for one in rows for entry in one.results]
    failed = any(entry.startswith("FAILED") for entry in everything)
    sys.exit(1 if failed or not any(entry.startswith("passed") for entry in everything) else 0)


if __name__ == "__main__":
    main()
