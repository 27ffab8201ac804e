# Copyright (c) 2026, the alicloud.ehpc contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The two generations of E-HPC: the version of the API of each, how its operations are called, and how to find that of a cluster.

Both have the same hosts, credentials and signature, and some operations have the same name in both. The ID of a cluster does not show
its generation, and whether the API of one describes clusters of the other is not documented.
"""

from __future__ import annotations

import json
import typing as t

from ansible_collections.alicloud.ehpc.plugins.module_utils._errors import CLUSTER_NOT_FOUND, WRONG_GENERATION, EhpcError

if t.TYPE_CHECKING:  # pragma: no cover
    from collections.abc import Iterable, Mapping

V1 = "1.0"
NEXT = "next"
GENERATIONS = (V1, NEXT)
NAMES = {V1: "E-HPC 1.0", NEXT: "E-HPC NEXT"}
API_VERSIONS = {V1: "2018-04-12", NEXT: "2024-07-30"}
# The operations of E-HPC NEXT that the official SDK calls with GET. It calls all others that are used here with POST.
_NEXT_WITH_GET = ("ListUsers", "DeleteUsers")

T = t.TypeVar("T")


def method_of(action: str, generation: str) -> str:
    """The HTTP method of an operation. Its parameters are in the query with both methods."""
    return "GET" if generation == V1 or action in _NEXT_WITH_GET else "POST"


def as_query(params: Mapping[str, t.Any]) -> dict[str, str]:
    """The parameters as strings. E-HPC NEXT takes lists and objects as JSON; E-HPC 1.0 has strings only."""
    return {name: value if isinstance(value, str) else json.dumps(value, ensure_ascii=False) for name, value in params.items()}


def of_version(version: t.Any, default: str = V1) -> str:
    """The generation of a cluster for a field such as EhpcVersion, 1.0.0 or 2.0.0; the default if the field is absent."""
    major = str(version).partition(".")[0]
    if not major.isdecimal():
        return default
    return NEXT if int(major) >= 2 else V1


def of_first(generations: Iterable[str], read: t.Callable[[str], T]) -> T:
    """What ``read`` returns for the first of the generations that has the cluster. Raises EhpcError; that of the first if none has it."""
    missing: list[EhpcError] = []
    for generation in generations:
        try:
            return read(generation)
        except EhpcError as error:
            if error.code not in (CLUSTER_NOT_FOUND, WRONG_GENERATION):
                raise error.with_context("No cluster of another generation has this ID." if missing else "") from None
            missing.append(error)
    raise missing[0]


def wrong_generation(attempted: str | None, action: str | None, found: str, hint: str | None = None, result: dict[str, t.Any] | None = None) -> EhpcError:
    """The failure of an operation of one generation on a cluster of the other, ``found``."""
    return EhpcError(WRONG_GENERATION, "It is an %s cluster." % NAMES[found], attempted, action, hint=hint, result=result)
