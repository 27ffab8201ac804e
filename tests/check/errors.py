# Copyright (c) 2026, the alicloud.ehpc contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Write the tables of guide_errors.rst: each code that has a hint in plugins/module_utils/_errors.py, and the hint.

.venv/bin/python tests/check/errors.py, or `make errors`
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
GUIDE = ROOT / "docs/docsite/rst/guide_errors.rst"
# What is code in hints: variables, options, RAM actions, hosts, commands.
NAMES = (
    r"[A-Z_]+=\w+|\w+_\w+(?:\.\w+)*(?:: internal)?|ehpc:OPERATION|oss:\w+|oss-[\w.-]+\.com|acl: public-read|http://|-vvv"
    r"|pip install [\w -]+ requests"
)
# Options whose names are ordinary words, and which have no article in hints.
OPTIONS = "endpoint|region|bucket|prefix|preflight|update|backup"
E_HPC = "Codes of E-HPC and of the collection\n------------------------------------\n\n"
OSS = "\nCodes of OSS\n------------\n\nFor the operations of OSS, ``GetObject`` and ``PutObject``, these remedies take precedence over those above.\n\n"


def rendered(hints: dict[str, str], oss_hints: dict[str, str]) -> str:
    """The guide with tables of these hints."""
    return GUIDE.read_text(encoding="utf-8").partition(E_HPC)[0] + E_HPC + _table(hints) + OSS + _table(oss_hints)


def _table(hints: dict[str, str]) -> str:
    codes: dict[str, list[str]] = {}
    for code in sorted(hints, key=str.lower):
        codes.setdefault(hints[code], []).append(code)
    rows = "".join(f"   * - {', '.join(map(_code, of_hint))}\n     - {_prose(hint)}\n" for hint, of_hint in codes.items())
    return ".. list-table::\n   :header-rows: 1\n   :widths: 35 65\n\n   * - Code\n     - Remedy\n" + rows


def _code(code: str) -> str:
    """A code in markup. One that ends in an asterisk is the beginning of codes."""
    return f"``{code.replace('*', '…')}``"


def _prose(hint: str) -> str:
    """A hint in markup: with links to modules, and with names as code."""
    text = re.sub(r"alicloud\.ehpc\.(\w+)", r":ansplugin:`alicloud.ehpc.\1#module`", hint.format(action="OPERATION"))
    text = re.sub(rf"(?<![\w`.:])({NAMES})(?![\w`])", r"``\1``", text)
    return re.sub(rf"(?<!the )(?<!The )(?<!\ba )(?<!another )(?<!OSS )(?<![\w`.:-])({OPTIONS})(?![\w`-])", r"``\1``", text)


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT / "build/collections"))
    from ansible_collections.alicloud.ehpc.plugins.module_utils._errors import HINTS, OSS_HINTS

    GUIDE.write_text(rendered(HINTS, OSS_HINTS), encoding="utf-8")
