# Copyright (c) 2026, the alicloud.ehpc contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Lists that are longer than one call takes."""

from __future__ import annotations

import typing as t

if t.TYPE_CHECKING:  # pragma: no cover
    from collections.abc import Sequence

T = t.TypeVar("T")


def batches(values: Sequence[T], size: int) -> list[list[T]]:
    """The values in order, in lists of this size; the last one may be shorter. No values are no list."""
    return [list(values[start : start + size]) for start in range(0, len(values), size)]
