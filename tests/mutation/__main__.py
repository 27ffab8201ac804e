# Copyright (c) 2026, the alicloud.ehpc contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Apply thousands of small changes to the code, and check that the unit tests detect them.

python tests/mutation [FILE...]

Without files, an interrupted run continues: changes that were
detected are kept, and all others are tested again. With files, all changes of these files are tested again. It is an error if less than
95 percent of the changes are detected, or if survivors.yml does not explain a change that is not detected.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import typing as t
from collections import Counter, defaultdict
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[2]
# mutmut identifies code by its path, so the copy has the code at its import path.
COPY = ROOT / "build" / "mutation"
PACKAGE = "ansible_collections/alicloud/ehpc"
# The imports of the unit tests.
HELPERS = [(name, f"{PACKAGE}/{name}") for name in ("meta", "tests/emulator", "tests/support")]
SURVIVORS = Path(__file__).with_name("survivors.yml")
MUTMUT = Path(sys.executable).with_name("mutmut")
WANTED = 95.0
MISSED = ("survived", "no tests")
# Detected by the tests, or because a busy machine exceeded a time limit. The latter are tested a second time.
DOUBTFUL = "timeout"
LEFT = ("not checked", "check was interrupted by user")


class Mutant(t.NamedTuple):
    """One small change."""

    file: str
    name: str
    status: str


def copy() -> None:
    """Update the copy. It keeps the times of files, which show mutmut the changes."""
    unused = shutil.ignore_patterns("__pycache__", "test_attributes.py", "test_documentation.py", "test_repository.py", "test_emulator_*", "repository")
    for old in ("ansible_collections", "meta", "tests", "mutants/meta", "mutants/tests"):
        shutil.rmtree(COPY / old, ignore_errors=True)
    for source, target in (("plugins", f"{PACKAGE}/plugins"), *HELPERS, ("meta", "meta"), ("tests/unit", "tests/unit")):
        shutil.copytree(ROOT / source, COPY / target, ignore=unused)
    shutil.copy2(ROOT / "tests" / "conftest.py", COPY / "tests")
    shutil.copy2(SURVIVORS.with_name("pyproject.toml"), COPY)


def run(files: list[str]) -> None:
    """Test the changes of these files, or all that are not detected yet, and those that exceeded a time limit once more."""
    again = [mutant.name for mutant in mutants() if mutant.status in MISSED]
    mutmut(*[f"{PACKAGE}/{file}".removesuffix(".py").replace("/", ".") + ".*" for file in files])
    tried = mutants()
    left = {mutant.name for mutant in tried if mutant.status in MISSED}.intersection(() if files else again)
    left.update(mutant.name for mutant in tried if mutant.status == DOUBTFUL and (not files or mutant.file in files))
    if left:
        mutmut(*left)


def mutmut(*names: str) -> None:
    ran = subprocess.run([MUTMUT, "run", *names], cwd=COPY, check=False)
    if ran.returncode != 0:
        sys.exit("mutmut could not try the changes.")


def mutants() -> list[Mutant]:
    """All changes with their results."""
    shown = subprocess.run([MUTMUT, "results", "--all", "true"], cwd=COPY, capture_output=True, text=True, check=True).stdout
    return [Mutant(file_of(name), name, status) for name, status in re.findall(r"^ *(\S+): (.+)$", shown, re.MULTILINE)]


def file_of(name: str) -> str:
    """The file of a mutant, from its name, which consists of its module and its function."""
    module = name.rpartition(".")[0].replace(".", "/")
    return module.removeprefix(f"{PACKAGE}/") + ".py"


def change(mutant: Mutant) -> str:
    """The changed lines of a mutant."""
    shown = subprocess.run([MUTMUT, "show", mutant.name], cwd=COPY, capture_output=True, text=True, check=True).stdout
    return " ".join(line[1:].strip() for line in shown.splitlines() if re.match(r"\+(?!\+\+ )", line))


def unexplained(survivors: list[Mutant]) -> list[str]:
    """The changes that are neither detected nor explained."""
    explained: dict[str, list[dict[str, t.Any]]] = yaml.safe_load(SURVIVORS.read_text(encoding="utf-8"))
    known = {(file, text) for file, entries in explained.items() for entry in entries for text in entry["changes"]}
    changes = [(mutant, change(mutant)) for mutant in survivors]
    return [f"{mutant.name}\n    {text}" for mutant, text in changes if (mutant.file, text) not in known]


def table(found: list[Mutant]) -> bool:
    """Print the results by file. Returns whether enough of all changes were detected."""
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for mutant in found:
        kind = "missed" if mutant.status in MISSED else "left" if mutant.status in LEFT else "noticed"
        for file in (mutant.file, "all"):
            counts[file].update([kind])
    print(f"\n{'file':40}{'noticed':>9}{'missed':>9}{'left':>7}{'noticed %':>11}")
    for file, count in sorted(counts.items(), key=lambda entry: (entry[0] == "all", entry[0])):
        print(f"{file:40}{count['noticed']:9}{count['missed']:9}{count['left']:7}{share(count):11.1f}")
    return share(counts["all"]) >= WANTED


def share(count: Counter[str]) -> float:
    """The percentage of tested changes that were detected."""
    return 100 * count["noticed"] / max(1, count["noticed"] + count["missed"])


def main() -> None:
    files = sys.argv[1:]
    COPY.mkdir(parents=True, exist_ok=True)
    copy()
    run(files)
    found = [mutant for mutant in mutants() if not files or mutant.file in files]
    enough = table(found)
    left = unexplained([mutant for mutant in found if mutant.status in MISSED])
    print("\n".join(["", "Neither noticed nor explained:", *left]) if left else "")
    sys.exit(0 if enough and not left else 1)


if __name__ == "__main__":
    main()
