# Copyright (c) 2026, the alicloud.ehpc contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The fields and types that the models of the official SDKs document."""

from __future__ import annotations

import typing
from typing import Any


def documented(hint: Any) -> Any:
    """The plain type; Python 3.10 makes `Optional[int]` of `int = None`."""
    if typing.get_origin(hint) is typing.Union:
        hint = typing.get_args(hint)[0]
    return typing.get_origin(hint) or hint


def fields(model: Any) -> typing.Iterator[tuple[str, Any, Any]]:
    """(name, documented type, value) of a model and of all models in it; lists give their items."""
    hints = typing.get_type_hints(type(model).__init__)
    for name, value in vars(model).items():
        yield f"{type(model).__name__}.{name}", documented(hints[name]), value
        for item in value if isinstance(value, list) else [value]:
            if hasattr(item, "to_map"):
                yield from fields(item)
