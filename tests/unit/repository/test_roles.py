# Copyright (c) 2026, the alicloud.ehpc contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The roles stay short: what Python says better is in plugins/plugin_utils."""

from __future__ import annotations

import pytest
from ansible_collections.alicloud.ehpc.tests.support.documents import ROLES, ROOT, load

MAX_VARIABLES = 8
MAX_LINES = 150


@pytest.mark.parametrize("role", ROLES)
def test_a_role_has_few_internal_variables(role: str) -> None:
    (variables,) = load((ROOT / "roles" / role / "vars/main.yml").read_text(encoding="utf-8"))
    assert len(variables) <= MAX_VARIABLES


@pytest.mark.parametrize("role", ROLES)
def test_a_role_has_few_lines(role: str) -> None:
    """Without comments and blank lines."""
    texts = [path.read_text(encoding="utf-8") for directory in ("tasks", "vars") for path in (ROOT / "roles" / role / directory).glob("*.yml")]
    lines = [line for text in texts for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    assert len(lines) <= MAX_LINES
