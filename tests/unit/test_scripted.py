# Copyright (c) 2026, the alicloud.ehpc contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""scripted: unexpected calls fail only their own test."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from ansible_collections.alicloud.ehpc.tests.support.documents import COLLECTIONS, ROOT

TESTS = """
import time

import pytest
from ansible_collections.alicloud.ehpc.tests.support.scripted import Call, use

service = pytest.fixture(use)
sleep = time.sleep


def test_a_call_that_does_not_come(service):
    service.expects(Call("ListRegions"))


def test_a_call_that_nothing_expects(service):
    with pytest.raises(Exception):
        service.client().call("ListRegions")


def test_afterwards():
    assert time.sleep is sleep
"""


def test_a_failure_does_not_affect_other_tests(tmp_path: Path) -> None:
    (tmp_path / "test_calls.py").write_text(TESTS, encoding="utf-8")
    paths = [COLLECTIONS, ROOT / "tests", ROOT / "tests/unit"]
    # Without the plugins that ansible-test gives to its own run of pytest.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    environment["PYTHONPATH"] = os.pathsep.join(map(str, paths))
    # Nor the plugins that are installed, which take longer than the tests.
    environment["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    command = [sys.executable, "-m", "pytest", "-q", "-rA", "-p", "no:cacheprovider", "--rootdir", str(tmp_path), str(tmp_path)]
    output = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False).stdout
    # The first passes, and fails when its fixture ends.
    assert "ERROR test_calls.py::test_a_call_that_does_not_come - " in output
    assert "FAILED test_calls.py::test_a_call_that_nothing_expects - " in output
    assert "PASSED test_calls.py::test_afterwards" in output
    assert "1 failed, 2 passed, 1 error" in output
