# Copyright (c) 2026, the alicloud.ehpc contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Nodes that execute commands: each is a directory of its own on this machine, and a command is a real process there."""

from __future__ import annotations

import base64
import json
import os
import shlex
import shutil
import signal
import subprocess
import tempfile
import threading
import uuid
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timezone
from pathlib import Path

from . import fetchers

# The directories of post_scripts_run on a node, in the directory of the node instead of /var/log and /var/lib.
DIRECTORIES = {"EHPC_POST_SCRIPTS_LOG": "log", "EHPC_POST_SCRIPTS_STATE": "state"}
INITIALIZATION_TIMEOUT = 60  # seconds
FINAL_STATUSES = ("Finished", "Failed", "Stopped")
# The forms of an output in ListInvocationResults. The real one is not documented.
MESSAGE_FORMS: dict[str, Callable[[str], str]] = {
    "plain": lambda text: text,
    "crlf": lambda text: text.replace("\n", "\r\n"),
    "base64": lambda text: base64.b64encode(text.encode("utf-8")).decode("ascii"),
}


@dataclass
class Record:
    """The execution of a command on one node. Without an exit code the command has not ended by itself."""

    instance_id: str
    status: str = "Running"
    message: str = ""
    exit_code: int = -1
    finished_time: str = ""
    is_listed: bool = True  # by ListInvocationResults

    def finish(self, status: str, message: str, exit_code: int = -1) -> None:
        self.message, self.exit_code = message, exit_code
        self.finished_time = datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
        # Last, because other threads read the status.
        self.status = status


@dataclass
class Command:
    cluster_id: str
    text: str
    timeout: int
    records: list[Record]
    id: str = field(default_factory=lambda: f"c-EXAMPLE{uuid.uuid4().hex[:10]}")

    @property
    def status(self) -> str:
        """Of all nodes together: Running until each has finished, then the first that is not Finished."""
        statuses = [record.status for record in self.records]
        if not all(status in FINAL_STATUSES for status in statuses):
            return "Running"
        return next((status for status in statuses if status != "Finished"), "Finished")


class Nodes:
    """The processes of all nodes, and their directories, which go away with them."""

    def __init__(self) -> None:
        self.environment: dict[str, str] = {}  # of each command, in addition to those of every node
        self.message_form = "plain"
        self.commands: dict[str, Command] = {}
        self._root: Path | None = None
        self._processes: set[subprocess.Popen[bytes]] = set()
        self._threads: list[threading.Thread] = []
        self._lock = threading.Lock()
        self._stopped = False

    def directory(self, node_id: str) -> Path:
        """The directory of a node: its home, with log/ and state/."""
        with self._lock:
            if self._root is None:
                self._root = Path(tempfile.mkdtemp(prefix="ehpc-nodes-"))
        directory = self._root / node_id
        directory.mkdir(exist_ok=True)
        return directory

    def run(self, cluster_id: str, text: str, timeout: int, agents: Mapping[str, str]) -> Command:
        """Start a command on nodes, given with their agents: up, forgets (as up, without a result), refuses, or another value, which never responds."""
        command = Command(cluster_id, text, timeout, [Record(node_id, is_listed=agent != "forgets") for node_id, agent in agents.items()])
        self.commands[command.id] = command
        for record in command.records:
            if agents[record.instance_id] == "refuses":
                record.finish("Failed", "")
            elif agents[record.instance_id] in ("up", "forgets"):
                thread = threading.Thread(target=self._execute, args=(command, record), daemon=True)
                self._threads.append(thread)
                thread.start()
        return command

    def initialize(self, cluster_id: str, node_id: str, scripts: Iterable[Mapping[str, str]], variables: Mapping[str, str]) -> Record:
        """Let a node download and run scripts, as E-HPC does at the end of its initialization, and wait for the end."""
        exports = [f"export {name}={shlex.quote(value)}" for name, value in variables.items()]
        text = "\n".join([*exports, *(_install(number, **script) for number, script in enumerate(scripts, 1))])
        command = self.run(cluster_id, text, INITIALIZATION_TIMEOUT, {node_id: "up"})
        self._threads[-1].join()
        (record,) = command.records
        return record

    def stop(self) -> None:
        """End all processes, and remove the directories."""
        with self._lock:
            self._stopped = True
            running = list(self._processes)
        for process in running:
            _kill(process)
        for thread in self._threads:
            thread.join()
        if self._root:
            shutil.rmtree(self._root, ignore_errors=True)
        self._root = None

    def _execute(self, command: Command, record: Record) -> None:
        process = self._start(self.directory(record.instance_id), command.text)
        if process is None:
            return
        try:
            output, _nothing = process.communicate(timeout=command.timeout)
            record.finish("Finished", self._message(output), process.returncode)
        except subprocess.TimeoutExpired:
            _kill(process)
            output, _nothing = process.communicate()
            record.finish("Failed", self._message(output))
        finally:
            with self._lock:
                self._processes.discard(process)

    def _message(self, output: bytes) -> str:
        return MESSAGE_FORMS[self.message_form](output.decode("utf-8", "replace"))

    def _stand_ins(self) -> Path:
        """The directory with a curl and a wget for machines that lack them; beside those of the nodes."""
        assert self._root is not None
        directory = self._root / ".stand-ins"
        if not directory.exists():
            fetchers.install(directory)
        return directory

    def _start(self, directory: Path, text: str) -> subprocess.Popen[bytes] | None:
        with self._lock:
            if self._stopped:
                return None
            environment = {
                # The stand-ins come last: a curl and a wget of this machine are used if there are any.
                "PATH": os.pathsep.join([os.environ.get("PATH", os.defpath), str(self._stand_ins())]),
                "HOME": str(directory),
                **{name: str(directory / place) for name, place in DIRECTORIES.items()},
                **self.environment,
            }
            process = subprocess.Popen(
                ["bash", "-c", text],
                cwd=directory,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                # A session of its own, so that what the command has started ends with it.
                start_new_session=True,
            )
            self._processes.add(process)
            return process


def _install(number: int, url: str, args: str) -> str:
    """The commands for a script. It is not documented how E-HPC reads Args: here as a shell does."""
    file = f"postinstall-{number}"
    curl = "curl -q -sSfLg --proto =http,https --proto-redir =https --connect-timeout 15 --max-time 60 -K -"
    return f"printf %s {shlex.quote(f'url = {json.dumps(url, ensure_ascii=False)}')} | {curl} >{file} && chmod 700 {file} && ./{file} {args} || exit"


def _kill(process: subprocess.Popen[bytes]) -> None:
    """End a command and all of its session; timeout(1), for one, begins a process group of its own."""
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            session = int(status.read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()[3])
            if session == process.pid:
                os.kill(int(status.parent.name), signal.SIGKILL)
        except (OSError, ValueError):
            continue  # It has ended meanwhile.
    process.kill()
