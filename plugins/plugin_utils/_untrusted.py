# Copyright (c) 2026, the alicloud.ehpc contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Hand strings of the service to Ansible so that they are data, and never a template.

Users who can create clusters choose their names. Before ansible-core 2.19 every inventory variable with ``{{ }}`` is a template that runs
on the controller, unless it is marked as unsafe. Since 2.19 a string is a template only if it is marked as trusted; untrusted strings
appear as ``{"__ansible_unsafe": "..."}`` in the output of ansible-inventory, and so in AWX.
"""

from __future__ import annotations

import re
import typing as t
from collections.abc import Mapping
from functools import lru_cache

try:
    from ansible.template import trust_as_template
except ImportError:  # ansible-core before 2.19
    from ansible.utils.unsafe_proxy import wrap_var

    _untrusted: t.Callable[[str], str] = wrap_var
    # The result of an expression is unsafe as a whole if any part of it was; its harmless strings become ordinary ones again.
    _trusted: t.Callable[[str], str] = str.__str__
else:
    _untrusted = str.__str__
    _trusted = trust_as_template

# Without any of these a string can neither call nor filter anything, be it taken for a template or for an expression, and whatever it is
# joined with. The last one begins a template with delimiters of its own choice.
_CODE = re.compile(r"[{(|]|\A#jinja2:")


def is_harmless(string: str) -> bool:
    """Whether a string can be evaluated without running code."""
    return not _CODE.search(string)


def without_code(string: str) -> str:
    """The string with an underscore in place of each character that could make it run code."""
    return _CODE.sub("_", string)


# Most variables of a thousand clusters have the same few values, and to mark a string takes a while.
@lru_cache(maxsize=1024)
def _string(value: str) -> str:
    return _trusted(value) if is_harmless(value) else _untrusted(value)


def as_data(value: t.Any) -> t.Any:
    """A value whose strings Ansible never evaluates.

    Harmless strings are trusted, so that they are plain strings everywhere. All others are untrusted, also inside of dictionaries and lists.
    """
    if isinstance(value, str):
        return _string(value)
    if isinstance(value, Mapping):
        return {as_data(key): as_data(entry) for key, entry in value.items()}
    if isinstance(value, (list, tuple, set)):
        return [as_data(entry) for entry in value]
    return value
