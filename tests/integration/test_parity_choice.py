# Copyright (c) 2026, the alicloud.ehpc contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The choice between the worker and a process, for tasks on the controller."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from ansible_collections.alicloud.ehpc.tests.emulator import Emulator
from ansible_collections.alicloud.ehpc.tests.support.parity import Parity
from ansible_collections.alicloud.ehpc.tests.support.playing import COLLECTION, COLLECTIONS, Task, task

OWN_PYTHON = "{{ ansible_playbook_python }}"


@pytest.fixture
def parity(tmp_path: Path) -> Parity:
    (tmp_path / "hosts.yml").write_text("all: {hosts: {}}", encoding="utf-8")
    return Parity(tmp_path)


@pytest.fixture
def python(tmp_path: Path) -> Path:
    """Another interpreter by its path."""
    path = tmp_path / "python"
    path.write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n', encoding="utf-8")
    path.chmod(0o755)
    return path


@pytest.fixture
def become(tmp_path: Path) -> dict[str, object]:
    """The variables of a become method that changes nothing, because not every machine allows tests to become another user."""
    path = tmp_path / "sudo"
    path.write_text('#!/bin/sh\nwhile [ "$1" != /bin/sh ]; do shift; done\nexec "$@"\n', encoding="utf-8")
    path.chmod(0o755)
    return {"ansible_become_method": "sudo", "ansible_become_exe": str(path), "ansible_become_user": "root"}


def ways(parity: Parity, emulator: Emulator, tasks: list[Task], env: dict[str, str] | None = None) -> dict[str, str]:
    """How each of the tasks ran: at this verbosity, ansible-playbook names the file of a module that it runs as a process."""
    run = parity.run(emulator, tasks, env=env, inventory=parity.play.directory / "hosts.yml", verbosity=3)
    assert [result.task for result in run.results if result.failed] == []
    sections = dict(re.findall(r"^TASK \[(.*?)\] \*+$(.*?)(?=^TASK|\Z)", run.stdout, re.MULTILINE | re.DOTALL))
    found = {name: "process" if "Using module file" in section else "worker" for name, section in sections.items()}
    assert list(found) == [result.task for result in run.results]
    assert bool(parity.processes()) == ("process" in found.values())
    return found


def as_named(found: dict[str, str]) -> bool:
    """Whether each ran as its name says."""
    return found == {name: name.partition(",")[0] for name in found}


def region(name: str, **keywords: object) -> Task:
    return task(name, "region_info") | keywords


def test_variables(parity: Parity, emulator: Emulator, python: Path) -> None:
    """ehpc_in_process and ansible_python_interpreter, plain and templated."""
    assert as_named(
        ways(
            parity,
            emulator,
            [
                region("worker, by itself"),
                region("process, false", vars={"ehpc_in_process": False}),
                region("process, text", vars={"ehpc_in_process": "false"}),
                region("process, template", vars={"ehpc_in_process": "{{ not wanted }}", "wanted": True}),
                region("worker, true", vars={"ehpc_in_process": True}),
                region("worker, template", vars={"ehpc_in_process": "{{ wanted }}", "wanted": "on"}),
                region("worker, own interpreter", vars={"ansible_python_interpreter": OWN_PYTHON}),
                region("worker, path of the own interpreter", vars={"ansible_python_interpreter": sys.executable}),
                region("worker, own interpreter in a variable", vars={"ansible_python_interpreter": "{{ mine }}", "mine": OWN_PYTHON}),
                region("worker, automatic", vars={"ansible_python_interpreter": "auto_silent"}),
                region("process, other interpreter", vars={"ansible_python_interpreter": str(python)}),
                region("process, other interpreter in a variable", vars={"ansible_python_interpreter": "{{ other }}", "other": str(python)}),
            ],
        )
    )


def test_tasks_that_need_a_process(parity: Parity, emulator: Emulator, python: Path, become: dict[str, object]) -> None:
    other = f"all: {{hosts: {{other: {{ansible_connection: local, ansible_python_interpreter: {python}}}}}}}"
    (parity.play.directory / "hosts.yml").write_text(other, encoding="utf-8")
    assert as_named(
        ways(
            parity,
            emulator,
            [
                region("worker, by itself"),
                region("process, become", become=True, vars=become),
                region("worker, no become", become=False, vars=become),
                region("process, async", **{"async": 30, "poll": 1}),
                region("worker, no async", **{"async": 0}),
                region("process, delegated to another interpreter", delegate_to="other"),
            ],
            env={"ANSIBLE_BECOME_ALLOW_SAME_USER": "true", "ANSIBLE_ASYNC_DIR": str(parity.play.home / "async")},
        )
    )


def test_interpreter_of_the_configuration(parity: Parity, emulator: Emulator, python: Path) -> None:
    # The implicit localhost has Ansible's own interpreter as a variable, which overrides the configuration.
    (parity.play.directory / "hosts.yml").write_text("all: {hosts: {localhost: {ansible_connection: local}}}", encoding="utf-8")
    parity.play.config.write_text(f"[defaults]\ninterpreter_python = {python}\n", encoding="utf-8")
    own = region("worker, variable", vars={"ansible_python_interpreter": OWN_PYTHON})
    assert as_named(ways(parity, emulator, [region("process, other interpreter"), own]))
    parity.play.config.write_text("[defaults]\ninterpreter_python = auto_silent\n", encoding="utf-8")
    assert as_named(ways(parity, emulator, [region("worker, automatic"), own]))


def test_the_documentation_of_modules_mentions_processes(tmp_path: Path) -> None:
    """Each module documents how to run it as a process."""
    modules = [f"alicloud.ehpc.{path.stem}" for path in (COLLECTION / "plugins" / "modules").glob("*.py")]
    command = [str(Path(sys.executable).with_name("ansible-doc")), "--json", "--type", "module", *modules]
    env = {"ANSIBLE_COLLECTIONS_PATH": str(COLLECTIONS), "ANSIBLE_HOME": str(tmp_path), "HOME": str(tmp_path), "LC_ALL": "C.UTF-8"}
    documentation = json.loads(subprocess.run(command, env=env, capture_output=True, text=True, check=True).stdout)
    assert sorted(documentation) == sorted(modules)
    assert [name for name, found in documentation.items() if "ehpc_in_process" not in " ".join(found["doc"]["notes"])] == []
