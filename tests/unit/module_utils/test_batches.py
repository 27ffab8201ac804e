# Copyright (c) 2026, the alicloud.ehpc contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""_batches: lists that are longer than one call takes."""

from __future__ import annotations

import pytest
from ansible_collections.alicloud.ehpc.plugins.module_utils._batches import batches


@pytest.mark.parametrize(("values", "expected"), [("", []), ("ab", ["ab"]), ("abc", ["abc"]), ("abcd", ["abc", "d"]), ("abcdef", ["abc", "def"])])
def test_each_value_is_in_one_batch(values: str, expected: list[str]) -> None:
    assert batches(values, 3) == [list(part) for part in expected]
