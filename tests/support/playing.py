# Copyright (c) 2026, the alicloud.ehpc contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Playbooks as a user runs them: `ansible-playbook` as a program, against an emulated service.

def test_create(play, emulator):
    run = play([task("create", "post_scripts", cluster_id="ehpc-hz-hybrid01", scripts=[])])
    assert run["create"]["changed"]
    assert emulator.actions() == ["GetPostScripts", "SetPostScripts", "GetPostScripts"]
"""

from __future__ import annotations

import ast
import importlib.util
import json
import os
import re
import subprocess
import sys
import typing as t
from dataclasses import dataclass, field
from pathlib import Path

import yaml
from ansible_collections.alicloud.ehpc.tests.emulator import Emulator
from ansible_collections.alicloud.ehpc.tests.support.environment import is_foreign

ROOT = Path(__file__).resolve().parents[2]
COLLECTIONS = ROOT / "build" / "collections"
COLLECTION = COLLECTIONS / "ansible_collections" / "alicloud" / "ehpc"
CALLBACKS = Path(__file__).with_name("callback_plugins")
# Since 2.22, ansible-core masks secrets in its output, and leaves them in results.
MASKS = importlib.util.find_spec("ansible.module_utils.secrets") is not None
GROUP = "group/alicloud.ehpc.ehpc"
# Keys that every module returns, and that no documentation lists.
ALWAYS = {"changed", "diff", "invocation", "warnings", "failed", "msg", "_ansible_no_log", "exception"}
Task = dict[str, t.Any]


def task(name: str, module: str, /, **options: t.Any) -> Task:
    """A task of one of the collection's modules. Keywords of the task are added with `|`."""
    return {"name": name, f"alicloud.ehpc.{module}": options}


@dataclass
class Result:
    """The result of one task on one host."""

    host: str
    task: str
    status: str
    item: bool
    result: dict[str, t.Any]

    def __getitem__(self, key: str) -> t.Any:
        return self.result[key]

    @property
    def changed(self) -> bool:
        return self.status == "changed"

    @property
    def failed(self) -> bool:
        return self.status == "failed"

    @property
    def msg(self) -> str:
        return str(self.result.get("msg", ""))

    @property
    def error(self) -> dict[str, t.Any]:
        return t.cast("dict[str, t.Any]", self.result["error"])

    @property
    def warnings(self) -> list[str]:
        return [warning if isinstance(warning, str) else str(warning) for warning in self.result.get("warnings", [])]

    def returned(self) -> dict[str, t.Any]:
        """The keys that the module itself returned."""
        return {key: value for key, value in self.result.items() if key not in ALWAYS}


@dataclass
class Run:
    """The run of one playbook."""

    code: int
    stdout: str
    stderr: str
    results: list[Result] = field(default_factory=list)

    def __getitem__(self, name: str) -> Result:
        """The result of the task of this name, which ran once."""
        found = self.all(name)
        assert len(found) == 1, f"{len(found)} results of {name!r}\n{self}"
        return found[0]

    def all(self, name: str) -> list[Result]:
        return [result for result in self.results if result.task == name and not result.item]

    def items(self, name: str) -> list[Result]:
        return [result for result in self.results if result.task == name and result.item]

    def everything(self) -> str:
        """The complete output of the run."""
        return "\n".join([self.stdout, self.stderr, *(json.dumps(result.result) for result in self.results)])

    def __str__(self) -> str:
        return f"exit status {self.code}\n{self.stdout}\n{self.stderr}"


class Play:
    """Runs playbooks in a directory of their own, and with an environment that has only PATH of this one."""

    def __init__(self, directory: Path, emulator: Emulator | None = None, in_process: bool | None = None) -> None:
        self.directory = directory
        self.emulator = emulator
        self.in_process = in_process
        self.home = directory / "home"
        self.home.mkdir(exist_ok=True)
        self.config = directory / "ansible.cfg"
        self.config.touch()
        self._number = 0

    def defaults(self) -> dict[str, t.Any]:
        """The shared options that reach the emulator."""
        if self.emulator is None:
            return {}
        return {
            "endpoint": self.emulator.endpoint,
            "access_key": self.emulator.access_key,
            "secret_key": self.emulator.secret_key,
            "region": self.emulator.region,
            "api_retry_max_delay": 0.05,
            "ca_path": self.emulator.ca_path or "",
        }

    def __call__(
        self,
        tasks: list[Task],
        *,
        defaults: dict[str, t.Any] | None = None,
        ignore_errors: bool = False,
        keywords: dict[str, t.Any] | None = None,
        **options: t.Any,
    ) -> Run:
        """Run these tasks on localhost. Without `defaults` they reach the emulator."""
        play = {
            "name": "Test",
            "hosts": "localhost",
            "gather_facts": False,
            "module_defaults": {GROUP: self.defaults() if defaults is None else defaults},
            "tasks": tasks,
            **({"ignore_errors": True} if ignore_errors else {}),
            **(keywords or {}),
        }
        return self.playbook([play], **options)

    def playbook(
        self,
        playbook: list[dict[str, t.Any]] | Path | str,
        *,
        check: bool = False,
        diff: bool = False,
        verbosity: int = 0,
        extra_vars: dict[str, t.Any] | None = None,
        env: dict[str, str] | None = None,
        inventory: Path | str | None = None,
        arguments: tuple[str, ...] = (),
        code: int | None = 0,
    ) -> Run:
        """Run a playbook; `code` is the exit status to expect, None any."""
        self._number += 1
        results = self.directory / f"results-{self._number}.jsonl"
        if isinstance(playbook, list):
            content, playbook = playbook, self.directory / f"playbook-{self._number}.yml"
            Path(playbook).write_text(yaml.safe_dump(content, sort_keys=False, allow_unicode=True), encoding="utf-8")
        # The scripts of most tests do not exist, and no request may leave loopback. A blank value restores the default of the role.
        variables = {"ehpc_bootstrap_preflight": "off", **(extra_vars or {})}
        if self.in_process is not None:
            variables["ehpc_in_process"] = self.in_process
        command = [
            str(Path(sys.executable).with_name("ansible-playbook")),
            str(playbook),
            *(["--inventory", str(inventory)] if inventory else []),
            *(["--check"] if check else []),
            *(["--diff"] if diff else []),
            *(["-" + "v" * verbosity] if verbosity else []),
            *(["--extra-vars", json.dumps(variables)] if variables else []),
            *arguments,
        ]
        environment = {**self.environment(results), **(env or {})}
        ran = subprocess.run(command, cwd=self.directory, env=environment, capture_output=True, text=True, timeout=600, check=False)
        lines = results.read_text(encoding="utf-8").splitlines() if results.exists() else []
        run = Run(ran.returncode, ran.stdout, ran.stderr, [Result(**json.loads(line)) for line in lines])
        assert code is None or run.code == code, str(run)
        assert "[DEPRECATION WARNING]" not in run.stdout + run.stderr, str(run)
        return run

    def environment(self, results: Path) -> dict[str, str]:
        """The environment of a run that writes its results to this file."""
        kept = {name: value for name, value in os.environ.items() if not is_foreign(name) and not name.startswith(("ANSIBLE_", "EHPC_", "PYTHON"))}
        return {
            **kept,
            "HOME": str(self.home),
            "ANSIBLE_HOME": str(self.home / ".ansible"),
            "ANSIBLE_LOCAL_TEMP": str(self.home / "tmp"),
            "ANSIBLE_REMOTE_TEMP": str(self.home / "remote"),
            # Ansible writes to HOME, but reads from the home directory of the account.
            "ANSIBLE_ASYNC_DIR": str(self.home / "async"),
            "ANSIBLE_CONFIG": str(self.config),
            "ANSIBLE_COLLECTIONS_PATH": str(COLLECTIONS),
            "ANSIBLE_CALLBACK_PLUGINS": str(CALLBACKS),
            "ANSIBLE_CALLBACKS_ENABLED": "results",
            "ANSIBLE_DEPRECATION_WARNINGS": "true",
            "ANSIBLE_LOCALHOST_WARNING": "false",
            "ANSIBLE_INVENTORY_UNPARSED_WARNING": "false",
            "ANSIBLE_NOCOLOR": "true",
            "ANSIBLE_FORKS": "4",
            "EHPC_TEST_RESULTS": str(results),
            "LC_ALL": "C.UTF-8",
            "NO_PROXY": "127.0.0.1,localhost",
        }


def document(module: str) -> dict[str, t.Any]:
    """The documentation of a module: `options` and `return`, as in its file."""
    values: dict[str, t.Any] = {}
    tree = ast.parse((COLLECTION / "plugins" / "modules" / f"{module}.py").read_text(encoding="utf-8"))
    for node in tree.body:
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant) and isinstance(node.targets[0], ast.Name):
            values[node.targets[0].id] = node.value.value
    return {
        "options": yaml.safe_load(values["DOCUMENTATION"])["options"] if "options" in values["DOCUMENTATION"] else {},
        "return": yaml.safe_load(values["RETURN"]),
    }


def returned_on_success(module: str) -> set[str]:
    """The keys that a module documents for a success."""
    return {key for key, value in document(module)["return"].items() if re.search("success(?! (with|and) )", value["returned"])}
