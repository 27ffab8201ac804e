# Copyright (c) 2026, the alicloud.ehpc contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Run the same playbook in the worker and as a process, and report how each module ran.

def test_list(parity):
    both = parity.compare([task("list", "region_info")])
    assert both.worker["list"]["regions"] == both.process["list"]["regions"]
"""

from __future__ import annotations

import json
import re
import shutil
import typing as t
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path

from ansible_collections.alicloud.ehpc.tests.emulator import Emulator
from ansible_collections.alicloud.ehpc.tests.support.playing import Play, Result, Run, Task

# The second form is that of OSS.
REQUEST_ID = re.compile(r"\b([0-9A-F]{8}(-[0-9A-F]{4}){3}-[0-9A-F]{12}|[0-9A-F]{24})\b", re.IGNORECASE)
# Commands for nodes, and their IDs, differ each time.
VARYING = ("Command", "CommandId")
NOW = re.compile(r"\b%s-\d\d-\d\dT\d\d:\d\d:\d\d" % datetime.now(timezone.utc).year)
ENVIRONMENT = {
    # Ansible keeps the files of modules after they ran, so they show which modules ran as a process.
    "ANSIBLE_KEEP_REMOTE_FILES": "true",
    # One message of ansible-core lists a set in its own order.
    "PYTHONHASHSEED": "0",
}
Seen = dict[str, t.Any]


@dataclass
class Both:
    """The runs of one playbook in the worker and as a process, and the calls, which were the same."""

    worker: Run
    process: Run
    calls: list[tuple[str, dict[str, str]]]


class Parity:
    """Runs playbooks, and reports which modules ran as a process."""

    def __init__(self, directory: Path) -> None:
        self.play = Play(directory)

    def processes(self) -> list[str]:
        """The modules that ran as a process since the last call of this method."""
        remote = self.play.home / "remote"
        found = sorted(path.stem.removeprefix("AnsiballZ_") for path in remote.glob("*/AnsiballZ_*.py"))
        shutil.rmtree(remote, ignore_errors=True)
        return found

    def run(self, emulator: Emulator, tasks: list[Task], in_process: bool | None = None, env: Mapping[str, str] | None = None, **options: t.Any) -> Run:
        """Run tasks as a Play does, with the environment that `processes` requires."""
        self.play.emulator, self.play.in_process = emulator, in_process
        return self.play(tasks, env={**ENVIRONMENT, **(env or {})}, **options)

    def compare(
        self,
        tasks: list[Task] | Callable[[Emulator], list[Task]],
        *,
        prepare: Callable[[Emulator], t.Any] = lambda emulator: None,
        unordered: bool = False,
        **options: t.Any,
    ) -> Both:
        """Run the tasks in the worker and as a process, each against a new service, and compare results and calls."""
        runs: list[Run] = []
        seen: list[list[Seen]] = []
        calls: list[list[t.Any]] = []
        for in_process in (True, False):
            with Emulator() as emulator:
                self.play.emulator = emulator
                prepare(emulator)
                runs.append(self.run(emulator, tasks(emulator) if callable(tasks) else tasks, in_process, **options))
                seen.append([_comparable(result, emulator) for result in runs[-1].results])
                calls.append(_comparable_calls(emulator))
            processes = self.processes()
            assert bool(processes) == (not in_process), processes
        if unordered:
            seen = [sorted(results, key=lambda result: (result["task"], result["host"], str(result))) for results in seen]
            calls = [sorted(made, key=str) for made in calls]
        assert [result["task"] for result in seen[0]] == [result["task"] for result in seen[1]]
        different = [difference for worker, process in zip(*seen) for difference in _differences(worker, process, worker["task"])]
        assert not different, "\n".join(different)
        assert calls[0] == calls[1], f"{calls[0]}\n{calls[1]}"
        return Both(runs[0], runs[1], calls[0])


def _comparable_calls(emulator: Emulator) -> list[t.Any]:
    """The calls in their order, with consecutive polls of a command as one: their number depends on how long the command takes."""
    made = [(call.action, {name: "VARIES" if name in VARYING else value for name, value in call.params.items()}) for call in emulator.calls]
    return [call for call, before in zip(made, [None, *made]) if call != before or call[0] != "ListInvocationStatus"]


def _comparable(result: Result, emulator: Emulator) -> Seen:
    """A result without the values that differ from run to run."""
    plain = _without_way(result.result)
    # ansible-core adds this to results of modules if failed_when turned a failure into a success.
    plain.pop("failed_when_suppressed_exception", None)
    # ansible-core 2.18 adds where in Ansible the time limit ended, which is another place for a process.
    plain.get("timedout", {}).pop("frame", None)
    facts = plain.get("ansible_facts", {})
    # Only a process has to discover a Python, and returns a fact that names it.
    facts.pop("discovered_interpreter_python", None)
    if not facts:
        plain.pop("ansible_facts", None)
    text = json.dumps({"host": result.host, "task": result.task, "status": result.status, "item": result.item, "result": plain}, sort_keys=True)
    # Before a traceback, ansible-core names the kind of plugin that failed.
    text = text.replace("Task failed: Action failed: ", "Task failed: Module failed: ").replace(str(emulator.port), "PORT")
    return t.cast(Seen, json.loads(NOW.sub("NOW", REQUEST_ID.sub("REQUEST-ID", text))))


def _without_way(value: t.Any) -> t.Any:
    """A result with only the last line of each traceback: the lines above differ, because the two begin in different places."""
    if isinstance(value, list):
        return [_without_way(item) for item in value]
    if not isinstance(value, dict):
        return value
    # ansible-core adds this to the result of a process, and shows it if the result is the item of a later loop.
    kept = {key: inner for key, inner in value.items() if key != "ansible_parsed"}
    return {key: str(inner).strip().rpartition("\n")[2] if key == "exception" else _without_way(inner) for key, inner in kept.items()}


def _differences(worker: t.Any, process: t.Any, where: str) -> t.Iterator[str]:
    if isinstance(worker, dict) and isinstance(process, dict):
        for key in sorted({*worker, *process}):
            yield from _differences(worker.get(key, "nothing"), process.get(key, "nothing"), f"{where}: {key}")
    elif worker != process:
        yield f"{where}: in the worker {worker!r}, as a process {process!r}"
