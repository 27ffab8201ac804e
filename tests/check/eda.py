# Copyright (c) 2026, the alicloud.ehpc contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The ansible-rulebook of this machine, and what it lacks to run.

python3 tests/check/eda.py fails if `make test-eda` cannot run here.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = "ansible-rulebook"
ENVIRONMENT = ROOT / ".venv-eda" / "bin"
JAVA = 17
# Packages of the collection that its event source imports. An ansible-rulebook of another project may not have them.
PACKAGES = ("aliyunsdkcore", "requests")


def rulebook() -> str | None:
    """The ansible-rulebook of `make test-eda`, or else one on PATH."""
    return shutil.which(PROGRAM, path=ENVIRONMENT) or shutil.which(PROGRAM)


def java_version() -> int | None:
    """The version of the Java that ansible-rulebook uses: that of JAVA_HOME, or else the one on PATH."""
    home = os.environ.get("JAVA_HOME")
    program = str(Path(home, "bin", "java")) if home else "java"
    found = re.search(r'version "(?:1\.)?(\d+)', _printed(program, "-version"))
    return int(found.group(1)) if found else None


def _printed(*command: str) -> str:
    try:
        return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False).stdout
    except OSError as error:
        return str(error)


def lacks_java() -> list[str]:
    version = java_version()
    if version is None:
        return [f"Java {JAVA} or newer is not installed"]
    return [f"Java {JAVA} or newer is required, and this is Java {version}"] if version < JAVA else []


def obstacles() -> list[str]:
    """Why the rulebook cannot be run."""
    found, program = lacks_java(), rulebook()
    if program is None:
        return [*found, f"{PROGRAM} is not installed"]
    if found:
        return found
    shown = _printed(program, "--version")
    python = re.search(r"Python executable = (.+)", shown)
    if not python:
        return [f"{program} --version fails: {(shown.strip() or 'no message').splitlines()[-1]}"]
    imported = subprocess.run([python.group(1), "-c", f"import {', '.join(PACKAGES)}"], capture_output=True, check=False)
    return [f"the environment of {program} lacks the Python packages of this collection"] if imported.returncode else []


if __name__ == "__main__":
    if lacking := lacks_java():
        sys.exit(f"make test-eda: cannot run here, so nothing is proven: {'; '.join(lacking)}.")
