# Copyright (c) 2026, the alicloud.ehpc contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Injected failures: each applies to the next matching requests."""

from __future__ import annotations

import threading
from dataclasses import dataclass

from . import oss_errors
from .errors import is_known

KINDS = (
    "code",
    "lost_before",
    "lost_after",
    "truncated",
    "truncated_json",
    "slow",
    "slow_before",
    "bad_gateway",
    "empty",
    "html",
    "crc",
    "tampered",
    "unsuccessful",
)


@dataclass
class Fault:
    action: str = "*"
    kind: str = "code"
    code: str = "ServiceUnavailable"
    times: int | None = 1  # the number of remaining uses; None: unlimited
    detail: str | None = None  # fills the %s of the code's message
    message: str | None = None  # instead of the code's own
    status: int | None = None  # HTTP status of code and bad_gateway
    seconds: float = 1.0
    cluster_id: str | None = None
    region: str | None = None

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"unknown fault kind {self.kind!r} (known: {', '.join(KINDS)})")
        if self.kind == "code" and self.status is None and not is_known(self.code) and self.code not in oss_errors.ERRORS:
            raise ValueError(f"unknown error code {self.code!r}; give its HTTP status with it")

    def matches(self, action: str, region: str, cluster_id: str | None) -> bool:
        return self.times != 0 and self.action in ("*", action) and self.region in (None, region) and self.cluster_id in (None, cluster_id)


class Faults:
    """The pending faults, in the order of their injection."""

    def __init__(self) -> None:
        self._waiting: list[Fault] = []
        self._lock = threading.Lock()

    def add(self, fault: Fault) -> None:
        with self._lock:
            self._waiting.append(fault)

    def clear(self) -> None:
        with self._lock:
            self._waiting.clear()

    def take(self, action: str, region: str, cluster_id: str | None) -> Fault | None:
        if not self._waiting:
            return None
        with self._lock:
            for fault in self._waiting:
                if fault.matches(action, region, cluster_id):
                    if fault.times is not None:
                        fault.times -= 1
                    return fault
        return None
