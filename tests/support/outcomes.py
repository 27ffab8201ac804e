# Copyright (c) 2026, the alicloud.ehpc contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The outcome of an operation under a fault, and the table of outcomes in the documentation."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

RETRIES = 2
# The operations of a column are alike. Those of E-HPC NEXT are marked, because some have the name of one of E-HPC 1.0.
READS = (
    *("GetPostScripts", "ListUsers", "ListUsersAsync", "DescribeCluster", "ListClusters", "ListRegions", "ListNodes", "GetHybridClusterConfig"),
    *("ListInvocationStatus", "ListInvocationResults", "GetCluster (NEXT)", "ListClusters (NEXT)", "ListNodes (NEXT)", "ListUsers (NEXT)"),
)
# The operations whose effect can be read.
READABLE_WRITES = (
    *("SetPostScripts", "AddUsers", "DeleteUsers", "ModifyUserGroups", "AddLocalNodes"),
    *("CreateUsers (NEXT)", "DeleteUsers (NEXT)", "UpdateUser (NEXT)", "UpdateCluster (NEXT)"),
)
OTHER_WRITES = ("ModifyUserPasswords", "UpdateUser (NEXT), password", "InvokeShellCommand")
COLUMNS = (READS, READABLE_WRITES, OTHER_WRITES, ("SyncUsers",))
HEADER = ["Read", "Change that can be read", "Change that cannot be read", "``SyncUsers``"]
OSS_OPERATIONS = ("GetObject", "PutObject")


class Outcome(t.NamedTuple):
    """How a task ended."""

    code: str | None  # None: it succeeded
    requests: int  # of the operation
    reads: int  # reads of the stored state, between the first request and the end of the last one
    done: bool  # whether the service has done the work

    def words(self, fault: Fault) -> str:
        """The outcome in the words of the table."""
        requests = "1 request" if self.requests == 1 else f"{self.requests} requests"
        if self.code and self.requests == RETRIES + 1:
            requests = "all attempts used"
        parts = ["succeeds" if self.code is None else "fails: " + ("that code" if self.code == fault.code else f"``{self.code}``"), requests]
        if self.reads:
            parts.append("read after each" if self.reads > 1 else "read once in between")
        if self.code and self.done:
            parts.append("although the change was applied")
        return ", ".join(parts)


@dataclass(frozen=True)
class Fault:
    """A fault of the emulator, and its name in the table."""

    name: str
    kind: str
    times: int | None
    code: str = ""
    status: int | None = None


def table(outcomes: dict[Fault, list[Outcome]], columns: list[str]) -> str:
    """The outcomes, one for each column, as a list-table; neighbours that differ in their name only share a row."""
    rows: list[tuple[list[str], int | None, tuple[str, ...]]] = []
    for fault, found in outcomes.items():
        cells = tuple(outcome.words(fault) for outcome in found)
        if rows and rows[-1][1:] == (fault.times, cells):
            rows[-1][0].append(fault.name)
        else:
            rows.append(([fault.name], fault.times, cells))
    lines = [".. list-table::", "   :header-rows: 1", ""]
    header = ["Fault", *columns]
    for row in [header, *((f"{_listed(names)}, {'once' if times else 'always'}", *cells) for names, times, cells in rows)]:
        lines += [f"   {'  -' if index else '* -'} {cell[0].upper()}{cell[1:]}" for index, cell in enumerate(row)]
    return "\n".join(lines) + "\n"


def _listed(names: list[str]) -> str:
    return " or ".join(filter(None, [", ".join(names[:-1]), names[-1]]))


def table_of(document: str) -> str:
    """The first list-table of a document."""
    lines = document.splitlines()
    start = lines.index(".. list-table::")
    end = next((number for number, line in enumerate(lines[start + 3 :], start + 3) if not line.startswith("   ")), len(lines))
    return "\n".join(lines[start:end]) + "\n"
