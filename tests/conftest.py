# Copyright (c) 2026, the alicloud.ehpc contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Fixtures of all tests: the environment of the caller does not reach the code."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from ansible_collections.alicloud.ehpc.tests.support.environment import is_foreign


def pytest_report_header() -> str:
    """Which programs the emulated nodes fetch scripts with."""
    return "nodes fetch with: " + ", ".join(shutil.which(name) or f"a stand-in for {name}" for name in ("curl", "wget"))


@pytest.fixture(scope="session")
def empty_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home without profiles and without a .netrc."""
    return tmp_path_factory.mktemp("home")


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch, empty_home: Path) -> None:
    for name in list(os.environ):
        if is_foreign(name):
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(empty_home))
