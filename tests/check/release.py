# Copyright (c) 2026, the alicloud.ehpc contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Check that the checkout is a release: nothing uncommitted, one version everywhere, and a changelog that has it.

python tests/check/release.py [DIRECTORY]: with the directory of the one tarball, its content is shown too. Nothing is published.
"""

from __future__ import annotations

import hashlib
import re
import subprocess
import sys
import tarfile
from pathlib import Path

import yaml


def uncommitted() -> list[str]:
    status = subprocess.run(["git", "status", "--porcelain"], stdout=subprocess.PIPE, text=True, check=True).stdout
    return [f"not committed: {line}" for line in status.splitlines()]


def found(pattern: str, path: str) -> str:
    match = re.search(pattern, Path(path).read_text(encoding="utf-8"), re.MULTILINE)
    return match.group(1).replace("\\", "") if match else "nothing"


def other_versions(version: str) -> list[str]:
    """The files whose version is not that of galaxy.yml."""
    releases = yaml.safe_load(Path("changelogs/changelog.yaml").read_text(encoding="utf-8"))["releases"]
    versions = {
        "plugins/module_utils/_version.py": found(r'^VERSION = "(.+)"', "plugins/module_utils/_version.py"),
        # The newest release is the first of its headings.
        "CHANGELOG.md": found(r"^## v(.+)", "CHANGELOG.md"),
        "README.md": found(r"alicloud\.ehpc:==([0-9.]+)$", "README.md"),
    }
    wrong = [f"{path} has version {other}, galaxy.yml {version}" for path, other in versions.items() if other != version]
    if version not in releases:
        return [*wrong, f"changelogs/changelog.yaml has no release {version}: run make changelog"]
    if "release_summary" not in releases[version].get("changes", {}):
        wrong.append(f"changelogs/changelog.yaml has no release_summary for {version}")
    return wrong


def fragments_left() -> list[str]:
    return [f"{path} is in no release: run make changelog" for path in sorted(Path("changelogs/fragments").glob("*.y*ml"))]


def show(tarball: Path) -> None:
    with tarfile.open(tarball) as archive:
        files = sorted((member.name, member.size) for member in archive if member.isfile())
    for name, size in files:
        print(f"{size:>9}  {name}")
    print(f"\n{tarball}: {len(files)} files, {tarball.stat().st_size} bytes")
    print(f"sha256 {hashlib.sha256(tarball.read_bytes()).hexdigest()}")


def main() -> None:
    version = yaml.safe_load(Path("galaxy.yml").read_text(encoding="utf-8"))["version"]
    findings = uncommitted() + other_versions(version) + fragments_left()
    if findings:
        sys.exit("\n".join([f"This is no release of {version}:", *findings]))
    if sys.argv[1:]:
        show(Path(sys.argv[1]) / f"alicloud-ehpc-{version}.tar.gz")
        print("Nothing has been published.")


if __name__ == "__main__":
    main()
