# Copyright (c) 2026, the alicloud.ehpc contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The E-HPC service on loopback, for tests and demonstrations."""

from __future__ import annotations

from .faults import Fault
from .scenario import ScenarioError
from .server import Call, Emulator
from .state import Cluster, Credential, Node, State, User

__all__ = ["Call", "Cluster", "Credential", "Emulator", "Fault", "Node", "ScenarioError", "State", "User"]
