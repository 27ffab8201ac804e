# Copyright (c) 2026, the alicloud.ehpc contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Unexpected failures of a module or a library fail the task only, and the play continues, in the worker as in a process."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.alicloud.ehpc.tests.emulator import Emulator
from ansible_collections.alicloud.ehpc.tests.support.parity import Parity
from ansible_collections.alicloud.ehpc.tests.support.playing import task

# Python reads this file when it starts, in the controller and in each process of a module.
ODD_LIBRARY = """
import logging
import sys

import requests

request = requests.Session.request


def odd(self, method, url, **options):
    if "ehpc-hz-raise" in url:
        raise RuntimeError("nobody expects this: http://127.0.0.1/?" + url[url.index("&AccessKeyId") :])
    if "ehpc-hz-exit" in url:
        sys.exit("a library that ends the program")
    if "ehpc-hz-noise" in url:
        print("noise on stdout " + url)
        print("noise on stderr " + url, file=sys.stderr)
        logging.getLogger("odd").error("noise in a log " + url)
    return request(self, method, url, **options)


requests.Session.request = odd
"""


@pytest.fixture
def parity(tmp_path: Path) -> Parity:
    return Parity(tmp_path)


@pytest.fixture
def library(tmp_path: Path) -> Path:
    """A directory for PYTHONPATH."""
    path = tmp_path / "library"
    path.mkdir()
    return path


def test_missing_sdk(parity: Parity, library: Path) -> None:
    (library / "aliyunsdkcore").mkdir()
    (library / "aliyunsdkcore" / "__init__.py").write_text("raise ImportError('not today')\n", encoding="utf-8")
    both = parity.compare(
        [task("good options", "region_info"), task("wrong options", "region_info", colour="red")],
        env={"PYTHONPATH": str(library)},
        ignore_errors=True,
    )
    assert both.worker["good options"].msg.startswith("Failed to import the required Python library (aliyun-python-sdk-core and requests)")
    assert both.worker["wrong options"].msg.startswith("Unsupported parameters")
    assert [result.error["code"] for result in both.worker.results] == ["MissingLibrary", "InvalidOptions"]
    assert both.calls == []


def test_unexpected_exceptions(parity: Parity, library: Path) -> None:
    (library / "sitecustomize.py").write_text(ODD_LIBRARY, encoding="utf-8")

    def prepare(emulator: Emulator) -> None:
        (cluster,) = [cluster for cluster in emulator.state.clusters.values() if cluster.id == "ehpc-hz-public01"]
        emulator.state.clusters["ehpc-hz-noise"] = type(cluster)(id="ehpc-hz-noise", region="cn-hangzhou")

    names = ["raise", "exit", "noise"]
    both = parity.compare(
        [
            *(task(name, "post_scripts_info", cluster_id=f"ehpc-hz-{name}") for name in names),
            task("loop", "post_scripts_info", cluster_id="ehpc-hz-{{ item }}") | {"loop": ["exit", "noise"]},
            task("afterwards", "region_info"),
        ],
        prepare=prepare,
        env={"PYTHONPATH": str(library)},
        ignore_errors=True,
    )
    assert {result.task: result.failed for result in both.worker.results if not result.item} == {
        "raise": True,
        "exit": True,
        "noise": False,
        "loop": True,
        "afterwards": False,
    }
    assert [item.failed for item in both.worker.items("loop")] == [True, False]
    assert both.worker["raise"].msg.startswith("The module failed unexpectedly: RuntimeError: nobody expects this")
    for name in ("raise", "exit"):
        assert both.worker[name].error["code"] == both.process[name].error["code"] == "UnexpectedError"
    for run in (both.worker, both.process):
        assert "Signature=***" in run.everything()
        assert "Signature=" not in run.everything().replace("Signature=***", "")
        assert "AccessKeyId=EXAMPLE" not in run.everything()
        # Output of a library is not a part of the result, and may contain anything.
        assert "noise on" not in run.everything()
        assert "noise in" not in run.everything()


def test_tracebacks_on_demand(parity: Parity, library: Path) -> None:
    """Since ansible-core 2.19 only then, before always."""
    (library / "sitecustomize.py").write_text(ODD_LIBRARY, encoding="utf-8")
    both = parity.compare(
        [task("raise", "post_scripts_info", cluster_id="ehpc-hz-raise")],
        env={"PYTHONPATH": str(library), "ANSIBLE_DISPLAY_TRACEBACK": "error"},
        ignore_errors=True,
    )
    for run in (both.worker, both.process):
        assert "in odd" in run["raise"]["exception"]
        assert "AccessKeyId=EXAMPLE" not in run.everything()


def test_timeout_of_a_task(parity: Parity) -> None:
    def prepare(emulator: Emulator) -> None:
        emulator.fault("ListRegions", kind="slow", seconds=30)

    both = parity.compare(
        [task("slow", "region_info") | {"timeout": 2}, task("next", "region_info")],
        prepare=prepare,
        ignore_errors=True,
    )
    assert [result.status for result in both.worker.results] == ["failed", "ok"]


def test_timeout_in_a_loop(parity: Parity, emulator: Emulator) -> None:
    """The next iteration uses the same client."""
    emulator.fault("ListRegions", kind="slow", seconds=30)
    run = parity.run(emulator, [task("slow", "region_info") | {"timeout": 1, "loop": [1, 2, 3]}, task("next", "region_info")], ignore_errors=True)
    assert [item.status for item in run.items("slow")] == ["failed", "ok", "ok"]
    assert not run["next"].failed
    assert parity.processes() == []
    # A connection with a pending response must not be reused.
    assert emulator.connections == 3
