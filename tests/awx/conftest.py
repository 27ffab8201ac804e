# Copyright (c) 2026, the alicloud.ehpc contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Fixtures of the tests of AWX."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from ansible_collections.alicloud.ehpc.tests.emulator import Emulator
from ansible_collections.alicloud.ehpc.tests.support.awx_launching import Controller


@pytest.fixture
def emulator() -> Iterator[Emulator]:
    """The default scenario of the emulator."""
    with Emulator() as running:
        yield running


@pytest.fixture
def awx(tmp_path: Path, emulator: Emulator) -> Controller:
    """Launches jobs against the emulator."""
    return Controller(tmp_path, emulator)
