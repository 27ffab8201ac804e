# Copyright (c) 2026, the alicloud.ehpc contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The two generations of E-HPC: the version of the API of each, and how its operations are called.

Both have the same hosts, credentials and signature, and some operations have the same name in both.
"""

from __future__ import annotations

import json
import typing as t

if t.TYPE_CHECKING:  # pragma: no cover
    from collections.abc import Mapping

V1 = "1.0"
NEXT = "next"
GENERATIONS = (V1, NEXT)
API_VERSIONS = {V1: "2018-04-12", NEXT: "2024-07-30"}
# The operations of E-HPC NEXT that the official SDK calls with GET. It calls all others that are used here with POST.
_NEXT_WITH_GET = ("ListUsers", "DeleteUsers")


def method_of(action: str, generation: str) -> str:
    """The HTTP method of an operation. Its parameters are in the query with both methods."""
    return "GET" if generation == V1 or action in _NEXT_WITH_GET else "POST"


def as_query(params: Mapping[str, t.Any]) -> dict[str, str]:
    """The parameters as strings. E-HPC NEXT takes lists and objects as JSON; E-HPC 1.0 has strings only."""
    return {name: value if isinstance(value, str) else json.dumps(value, ensure_ascii=False) for name, value in params.items()}


def of_version(version: t.Any) -> str:
    """The generation of a cluster for a field such as EhpcVersion, 1.0.0 or 2.0.0. A cluster without the field is E-HPC 1.0."""
    major = str(version or "").partition(".")[0]
    return NEXT if major.isdecimal() and int(major) >= 2 else V1
