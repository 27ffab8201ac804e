# Copyright (c) 2026, the alicloud.ehpc contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Change the public address of the repository in all files. `repository` of galaxy.yml holds it.

python tests/check/address.py https://example.org/alicloud.ehpc
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def current(root: Path) -> str:
    found = re.search(r"^repository: (\S+)$", (root / "galaxy.yml").read_text(encoding="utf-8"), re.MULTILINE)
    if not found:
        raise ValueError("galaxy.yml has no repository")
    return found.group(1)


def replace(root: Path, names: list[str], new: str) -> list[str]:
    """Write the new address into files; returns those that had the old one."""
    old, changed = current(root), []
    for path in [root / name for name in names if name and (root / name).is_file()]:
        text = path.read_text(encoding="utf-8")
        # The address itself or the beginning of a link, but not of a longer name.
        replaced = re.sub(re.escape(old) + r"(?![\w.-]*\w)", new, text)
        if replaced != text:
            path.write_text(replaced, encoding="utf-8")
            changed.append(str(path.relative_to(root)))
    return changed


def main() -> None:
    if len(sys.argv) != 2 or not re.fullmatch(r"https://[\w.-]+(/[\w.-]+)*", sys.argv[1]):
        sys.exit("make address: ADDRESS must be an https URL without a slash at the end: make address ADDRESS=https://example.org/alicloud.ehpc")
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True).stdout.split("\0")
    print("\n".join(replace(ROOT, listed, sys.argv[1])))


if __name__ == "__main__":
    main()
