# Copyright (c) 2026, the alicloud.ehpc contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Fixtures of the integration tests."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from ansible_collections.alicloud.ehpc.tests.emulator import Emulator
from ansible_collections.alicloud.ehpc.tests.support.playing import Play


@pytest.fixture
def emulator() -> Iterator[Emulator]:
    """The default scenario of the emulator."""
    with Emulator() as running:
        yield running


@pytest.fixture(params=[None, False], ids=["default", "process"])
def in_process(request: pytest.FixtureRequest) -> bool | None:
    """The two ways of running a module: the default, in the worker if possible, and always as a process."""
    value: bool | None = request.param
    return value


@pytest.fixture
def play(tmp_path: Path, emulator: Emulator) -> Play:
    """Runs tasks against the emulator."""
    return Play(tmp_path, emulator)
