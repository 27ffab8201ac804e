# Copyright (c) 2026, the alicloud.ehpc contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A directory that stands for a node, in which real shells run the commands of a node."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from ansible_collections.alicloud.ehpc.plugins.module_utils import _runner
from ansible_collections.alicloud.ehpc.plugins.module_utils._runner import Report, Step


class Node:
    """A directory as a node."""

    def __init__(self, directory: Path) -> None:
        self.directory, self.runs = directory, 0
        self.state, self.log = directory / "state", directory / "log"
        self.environment = {"PATH": os.environ["PATH"], "EHPC_POST_SCRIPTS_STATE": str(self.state), "EHPC_POST_SCRIPTS_LOG": str(self.log)}

    def script(self, name: str, text: str) -> str:
        """The path of a new script on the node."""
        path = self.directory / name
        path.write_text(text, encoding="utf-8")
        return str(path)

    def shell(self, command: str, shell: str = "bash") -> subprocess.Popen[str]:
        assert len(command) <= _runner.MAX_COMMAND_LENGTH
        return subprocess.Popen(
            [shell, "-c", command], cwd=self.directory, env=self.environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace"
        )

    def report(self, run: str, commands: list[str], shell: str = "bash") -> Report | None:
        """The report of the last of the commands."""
        output = ""
        for command in commands:
            with self.shell(command, shell) as process:
                output, _nothing = process.communicate(timeout=60)
        return _runner.report(run, _runner.readable(output))

    def run(self, *steps: Step, seconds: int = 30, force: bool = False, shell: str = "bash", **environment: str) -> Report:
        run = self.new_run()
        report = self.report(run, _runner.commands(run, steps, environment, seconds, force), shell)
        assert report is not None
        return report

    def new_run(self) -> str:
        self.runs += 1
        return f"{self.runs:016x}"

    def look(self, *steps: Step) -> str:
        run = self.new_run()
        report = self.report(run, [_runner.look(run, steps)])
        assert report is not None
        return report.status

    def left(self) -> list[str]:
        """The files that runs leave, except the markers."""
        return sorted(path.name for path in self.state.iterdir() if not path.name.startswith("done-"))

    def lacks(self, *programs: str) -> None:
        """Leave these programs out of the node's PATH."""
        directory = self.directory / "bin"
        for place in map(Path, self.environment["PATH"].split(os.pathsep)):
            for program in place.glob("*"):
                if program.name not in programs and not (directory / program.name).exists():
                    directory.mkdir(exist_ok=True)
                    (directory / program.name).symlink_to(program)
        self.environment["PATH"] = str(directory)

    def replaces(self, program: str, *lines: str) -> None:
        """Put a shell script in place of a program."""
        stub = self.directory / "stubs" / program
        stub.parent.mkdir(exist_ok=True)
        stub.write_text("\n".join(["#!/bin/bash", *lines, ""]), encoding="utf-8")
        stub.chmod(0o755)
        if not self.environment["PATH"].startswith(str(stub.parent)):
            self.environment["PATH"] = f"{stub.parent}:{self.environment['PATH']}"
