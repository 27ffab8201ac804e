# Copyright (c) 2026, the alicloud.ehpc contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Run what certification as a partner's collection runs: ansible-lint's production profile on the whole tree, and galaxy-importer.

python tests/check/certification.py COPY TARBALLS: a copy of the repository at a collection's path, and the directory of the one tarball.
Their releases require Python 3.10 to 3.12. On a machine without one nothing is checked, and the last line says so.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from check import package
from support import pythons

ROOT = Path(__file__).resolve().parents[2]
VERSIONS = ("3.12", "3.11", "3.10")


def main() -> None:
    copy, tarballs = map(Path, sys.argv[1:])
    python = pythons.find(*VERSIONS)
    if not python:
        print(f"make check-certification: NOT CHECKED: it requires Python {', '.join(VERSIONS)}, none of which is installed")
        return
    programs = pythons.environment(ROOT / "build/venv-certification", python, ROOT / "tests/check/requirements-certification.txt")
    environment = {**os.environ, "PATH": f"{programs}:{os.environ['PATH']}"}
    # The importer reports what lint finds as warnings, and lint runs on the whole tree here.
    (tarball,) = tarballs.glob("*.tar.gz")
    errors = [line for line in package.importer_findings(tarball, programs / "python", lint=False) if not line.startswith("WARNING")]
    lint = subprocess.run([programs / "ansible-lint", "--offline", "--profile=production"], cwd=copy, env=environment, check=False)
    if errors or lint.returncode:
        sys.exit("\n".join(["make check-certification: failed", *errors]))
    print("make check-certification: passed")


if __name__ == "__main__":
    main()
