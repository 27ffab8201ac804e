# Copyright (c) 2026, the alicloud.ehpc contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Check a tarball of the collection: it contains only what users need, and the importer of Galaxy has no findings.

python tests/check/package.py DIRECTORY: the directory holds the one tarball.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
from pathlib import Path

NEEDED = [
    "CHANGELOG.md",
    "CODE_OF_CONDUCT.md",
    "COPYING",
    "FILES.json",
    "MANIFEST.json",
    "README.md",
    "changelogs/changelog.yaml",
    "meta/ee-bindep.txt",
    "meta/ee-requirements.txt",
    "meta/execution-environment.yml",
    "meta/runtime.yml",
]
# Each of them must contain files. All their files are for users.
DIRECTORIES = ["docs", "examples", "extensions", "playbooks", "plugins", "roles"]
# The importer runs ansible-lint too, but not the tests of ansible-test, which have a check of their own.
IMPORTER = {
    "GALAXY_IMPORTER_CHECK_REQUIRED_TAGS": "true",
    "GALAXY_IMPORTER_REQUIRE_V1_OR_GREATER": "true",
    "GALAXY_IMPORTER_OFFLINE_ANSIBLE_LINT": "true",
    "GALAXY_IMPORTER_RUN_ANSIBLE_TEST": "false",
}


def wrong_content(tarball: Path) -> list[str]:
    with tarfile.open(tarball) as archive:
        files = {member.name for member in archive if not member.isdir()}
    lacking = [name for name in NEEDED if name not in files]
    lacking += [f"{directory}/" for directory in DIRECTORIES if not any(name.startswith(f"{directory}/") for name in files)]
    extra = [name for name in sorted(files) if name not in NEEDED and name.split("/")[0] not in DIRECTORIES]
    return [f"the tarball lacks {name}" for name in lacking] + [f"a user does not need {name}" for name in extra]


def importer_findings(tarball: Path, python: Path, lint: bool = True) -> list[str]:
    """The warnings and errors of the galaxy-importer of a Python. Its exit status reports errors only."""
    settings = {**IMPORTER, "GALAXY_IMPORTER_RUN_ANSIBLE_LINT": str(lint).lower()}
    ended = subprocess.run(
        [python, "-m", "galaxy_importer.main", tarball.name],
        cwd=tarball.parent,
        # It starts the other programs of its environment by their names.
        env={**os.environ, **settings, "PATH": f"{python.parent}:{os.environ['PATH']}"},
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    print(ended.stdout, end="")
    findings = [line for line in ended.stdout.splitlines() if line.startswith(("WARNING", "ERROR", "CRITICAL"))]
    return findings or ([f"galaxy-importer ended with {ended.returncode}"] if ended.returncode else [])


def main() -> None:
    (tarball,) = Path(sys.argv[1]).glob("*.tar.gz")
    findings = wrong_content(tarball) + importer_findings(tarball, Path(sys.executable))
    if findings:
        sys.exit("\n".join([f"{tarball.name}: {len(findings)} finding(s)", *findings]))
    print(f"{tarball.name}: nothing wrong")


if __name__ == "__main__":
    main()
