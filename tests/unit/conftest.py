# Copyright (c) 2026, the alicloud.ehpc contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Fixtures of the unit tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

import scripted


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> Iterator[scripted.Service]:
    """A service that follows a script; time and chance stand still."""
    yield from scripted.use(monkeypatch)
