# Copyright (c) 2026, the alicloud.ehpc contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Each operation that the plugins call has its attempt in messages, and is in the RAM policy and in the RAM table of the README."""

from __future__ import annotations

import ast
import re

from ansible_collections.alicloud.ehpc.plugins.module_utils._errors import ATTEMPTS
from ansible_collections.alicloud.ehpc.tests.support.documents import ROOT

# The verbs that begin the names of operations in E-HPC and OSS. Some names of fields begin with the same verbs.
_OPERATION = re.compile(
    r"(?!\w+(?:Time|Protection|InvokeStatus|RecordStatus|Instances?)$|InvokeStatus$)"
    r"(Add|Create|Delete|Describe|Get|Install|Invoke|List|Modify|Put|Rerun|Reset|Run|Set|Start|Stop|Submit|Sync|Update)[A-Z]\w+"
)


def operations() -> set[str]:
    """The literals of the plugins that name an operation. The list of attempts itself does not count."""
    found = set()
    for path in ROOT.glob("plugins/*/*.py"):
        if path.name != "_errors.py":
            literals = [node.value for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if isinstance(node, ast.Constant)]
            found |= {literal for literal in literals if isinstance(literal, str) and _OPERATION.fullmatch(literal)}
    return found


def named(text: str) -> set[str]:
    return set(re.findall(r"(?:ehpc|oss):([A-Z]\w+)", text))


def test_each_operation_has_its_attempt() -> None:
    assert operations() == set(ATTEMPTS)


def test_each_operation_is_in_the_ram_policy_and_the_ram_table() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    policy = re.search(r"```json\n(.*?)```", readme, re.DOTALL)
    assert policy
    table = "\n".join(line for line in readme.splitlines() if line.startswith("|"))
    assert named(policy.group(1)) == operations()
    assert named(table) == operations()
