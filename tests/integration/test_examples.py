# Copyright (c) 2026, the alicloud.ehpc contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The examples, the README and the guides run unchanged, and return the documented results.

All of it is one playbook, because a start of Ansible takes longer than a task. The loose tasks of one document are one play, in their order,
and plays for localhost run unchanged. Plays for hosts that only SSH reaches are left out.
"""

from __future__ import annotations

import os
import typing as t
from pathlib import Path

import pytest
import yaml
from ansible_collections.alicloud.ehpc.tests.emulator import Emulator
from ansible_collections.alicloud.ehpc.tests.support.documents import COLLECTION, MODULES, ROOT, load, module, repository_files, yaml_blocks
from ansible_collections.alicloud.ehpc.tests.support.playing import Play, Run, document, task
from ansible_collections.alicloud.ehpc.tests.support.script_server import File, ScriptServer
from ansible_collections.alicloud.ehpc.tests.support.uses import RUNS

CLUSTER = "ehpc-hz-EXAMPLE"
HYBRID = {
    "location": "OnPremise",
    "proxy_mode": True,
    "users": ["hpcuser01"],
    "on_premise_users": ["hpcuser01", "hpcuser02"],
    "nodes": {"manager": 1, "login": 1, "compute": 2, "on_premise_manager": 1},
}
BUCKET = "hpc-scripts-example"
# The files that are published, beside the playbook.
FILES = ("scripts/base.sh", "scripts/mount.sh.j2", "files/base.sh", "templates/mount.sh.j2")
SCENARIO = {
    "clusters": [
        {"id": CLUSTER, "name": "cfd-1", **HYBRID},
        {"id": "ehpc-hz-EXAMPLE2", "name": "cfd-2", "scheduler_type": "pbs"},
        {"id": "ehpc-sh-EXAMPLE3", "name": "large", "region": "cn-shanghai", **HYBRID},
        {"id": "ehpc-cn-hangzhou-EXAMPLE4", "name": "cfd-4", "description": "production", "generation": "next"},
    ],
    "buckets": [{"name": BUCKET}],
}
TYPES: dict[str, t.Any] = {"str": str, "bool": bool, "int": int, "list": list, "dict": dict}
# Modules of Ansible that need only this machine.
HARMLESS = ("ansible.builtin.debug", "ansible.builtin.copy")
# The results of tasks that are left out, as variables.
FOUND = {
    "vault_initial_password": "Example-1-password",
    "getent_passwd": {"root": ["x", "0", "0", "", "/root", "/bin/sh"], "hpcuser01": ["x", "1001", "100", "", "/home/hpcuser01", "/bin/sh"]},
    "ehpc_bootstrap": {CLUSTER: {"region": "cn-hangzhou", "status": "running", "post_scripts_changed": True, "users_synced": False, "users_missing": []}},
}
# Modules that need a controller.
ELSEWHERE = "awx.awx."
# Keys that Ansible itself adds to a result, for until, failed_when and async.
OF_ANSIBLE = {"attempts", "failed_when_result", "ansible_job_id", "results_file", "started", "finished"}
OF_ANSIBLE |= {"stdout", "stdout_lines", "stderr", "stderr_lines", "censored", "_ansible_delegated_vars"}
# The scripts of the documents, and their host.
SCRIPTS: dict[str, File] = dict.fromkeys(["/base.sh", "/2026-11/base.sh"], b"#!/bin/sh\n")
# What no example shows: what another client writes at the same time, what a task hides, what is not kept as a part of a result, and accounts
# of nodes with another user ID.
UNSEEN = {".differences", ".settings_before", ".settings_after", ".config", ".diff"}
UNSEEN |= {f".clusters.users.wrong_uids.{key}" for key in ("name", "node", "uid", "expected")}
SCRIPT_HOST = "https://scripts.example.com/"
# Short time limits, because some users never arrive.
IMPATIENT = {f"{COLLECTION}.user_sync": {"wait_timeout": 5}, f"{COLLECTION}.post_scripts_run": {"wait_delay": 0.5}}

Returned = dict[str, dict[str, t.Any]]


def texts() -> dict[str, str]:
    """The examples of modules and filters, and the YAML of documents for users."""
    found = {f"EXAMPLES of {name}": module(name).EXAMPLES for name in MODULES}
    for path in sorted((ROOT / "plugins/filter").glob("*.yml")):
        found[f"EXAMPLES of {path.stem}"] = load(path.read_text(encoding="utf-8"))[0]["EXAMPLES"]
    for name in repository_files():
        if name.endswith((".md", ".rst")) and name.split("/")[0] in ("README.md", "docs", "roles"):
            found[name] = yaml_blocks(ROOT / name)
    return found


def runnable(node: t.Any) -> list[dict[str, t.Any]]:
    """The tasks of a list of tasks that can be run here; of a block, those inside."""
    found = []
    for entry in node if isinstance(node, list) else []:
        if "block" in entry:
            found += runnable(entry["block"]) + runnable(entry.get("rescue"))
        elif any(str(key).startswith(f"{COLLECTION}.") or key in HARMLESS for key in entry):
            found.append(entry)
    return found


def plays(where: str, text: str) -> list[dict[str, t.Any]]:
    """The plays for localhost in a document, and one play with all its loose tasks."""
    lists = [node for node in load(text) if isinstance(node, list)]
    whole = [play for node in lists for play in node if play.get("hosts") == "localhost" and ELSEWHERE not in str(play)]
    loose = runnable([entry for node in lists for entry in node if "hosts" not in entry])
    return whole + ([{**localhost(where, loose), "vars": FOUND, "module_defaults": IMPATIENT}] if loose else [])


def localhost(name: str, tasks: list[dict[str, t.Any]]) -> dict[str, t.Any]:
    return {"name": name, "hosts": "localhost", "gather_facts": False, "tasks": tasks}


def environment(emulator: Emulator) -> dict[str, str]:
    return {
        "ALIBABA_CLOUD_ACCESS_KEY_ID": emulator.access_key,
        "ALIBABA_CLOUD_ACCESS_KEY_SECRET": emulator.secret_key,
        "ALIBABA_CLOUD_REGION_ID": emulator.region,
        "ALIBABA_CLOUD_EHPC_ENDPOINT": emulator.endpoint,
        "ALIBABA_CLOUD_OSS_ENDPOINT": emulator.endpoint,
        "EHPC_INITIAL_PASSWORD": "Example-1-password",
    }


def undocumented(documented: Returned, real: dict[str, t.Any], where: str) -> list[str]:
    """The keys of a real result that are not documented, or that have another type, at any depth."""
    found = [f"{where}: {key} is not documented" for key in set(real) - set(documented)]
    for key in set(real) & set(documented):
        entry, value, path = documented[key], real[key], f"{where}.{key}"
        if value is None:
            continue
        if not isinstance(value, TYPES[entry["type"]]):
            found.append(f"{path}: {value!r} is no {entry['type']}")
            continue
        elements = value if entry["type"] == "list" else [value]
        if entry["type"] == "list":
            found += [f"{path}: {element!r} is no {entry['elements']}" for element in elements if not isinstance(element, TYPES[entry["elements"]])]
        for element in elements:
            if isinstance(element, dict):
                found += undocumented(entry["contains"], element, path) if "contains" in entry else unlike_sample(entry, element, path)
    return found


def unlike_sample(entry: dict[str, t.Any], real: dict[str, t.Any], where: str) -> list[str]:
    """A sample that documents the keys has all of them."""
    sample = entry["sample"][0] if entry["type"] == "list" else entry["sample"]
    return [f"{where}: has {sorted(real)}, in the sample are {sorted(sample)}"] if set(real) != set(sample) else []


def keys(value: t.Any, where: str = "") -> set[str]:
    """The keys of a result at any depth, as paths."""
    if isinstance(value, list):
        return {path for element in value for path in keys(element, where)}
    if not isinstance(value, dict):
        return set()
    return {path for key, below in value.items() for path in {f"{where}.{key}", *keys(below, f"{where}.{key}")}}


def documented_keys(documented: Returned, where: str = "") -> set[str]:
    return {path for key, entry in documented.items() for path in {f"{where}.{key}", *documented_keys(entry.get("contains", {}), f"{where}.{key}")}}


class Ran(t.NamedTuple):
    """The run of all documents, and the results of each module."""

    run: Run
    returned: dict[str, list[dict[str, t.Any]]]


def with_scripts(directory: Path) -> str:
    """A PATH for nodes with a curl that returns a script for every URL, because the hosts in the documents do not exist."""
    curl = directory / "curl"
    curl.write_text("#!/bin/sh\necho '#!/bin/sh'\n", encoding="utf-8")
    curl.chmod(0o755)
    return f"{directory}{os.pathsep}{os.environ['PATH']}"


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Ran:
    play = Play(tmp_path_factory.mktemp("examples"))
    playbook = [one for where, text in texts().items() for one in plays(where, text)]
    # The name of the task identifies the module of each result.
    wrong = {"region": "cn-hangzhou", "access_key": "EXAMPLEnone", "secret_key": "EXAMPLE-none"}
    failing = [{**task(f"Fail {name}", name, **{**RUNS[name][0][0], **wrong}), "ignore_errors": True} for name in MODULES]
    more = [task("Details", "cluster_info", cluster_ids=[CLUSTER, "ehpc-hz-EXAMPLE2"]), task("List", "cluster_info")]
    playbook.append(localhost("More", more + failing))
    names = {name: modules_of(entry) for one in playbook for entry in one.get("tasks", []) for name in [entry["name"]]}
    for name in FILES:
        (play.directory / name).parent.mkdir(exist_ok=True)
        (play.directory / name).write_text("#!/bin/sh\n", encoding="utf-8")
    with Emulator(SCENARIO) as emulator, ScriptServer(SCRIPTS) as scripts:
        emulator.state.machines.environment["PATH"] = with_scripts(play.directory)
        here = yaml.safe_load(yaml.safe_dump(playbook).replace(SCRIPT_HOST, scripts.url("/")))
        run = play.playbook(here, env={**environment(emulator), "REQUESTS_CA_BUNDLE": scripts.ca_path}, diff=True, code=None)
    returned: dict[str, list[dict[str, t.Any]]] = {name: [] for name in MODULES}
    for result in run.results:
        for name in names.get(result.task, []):
            if result.status != "skipped" and "censored" not in result.result:
                returned[name].append({key: value for key, value in result.returned().items() if key not in OF_ANSIBLE})
    return Ran(run, returned)


def modules_of(entry: dict[str, t.Any]) -> list[str]:
    return [str(key).rpartition(".")[2] for key in entry if str(key).startswith(f"{COLLECTION}.")]


def test_each_document_has_something_that_runs() -> None:
    # The hosts of that role are not this one. test_hybrid_hosts.py runs it.
    for_hosts = "roles/ehpc_hybrid_node/README.md"
    quiet = {Path(where).stem for where, text in texts().items() if where != for_hosts and not plays(where, text)}
    assert quiet - {"guide_awx", "guide_credentials", "guide_errors", "guide_undocumented", "index"} == set()


def test_no_task_failed(ran: Ran) -> None:
    assert [(result.task, result.msg) for result in ran.run.results if result.failed and not result.task.startswith("Fail ")] == []
    assert ran.run.code == 0


@pytest.mark.parametrize("name", MODULES)
def test_results_are_the_documented_ones(ran: Ran, name: str) -> None:
    documented = document(name)["return"]
    assert {problem for result in ran.returned[name] for problem in undocumented(documented, result, name)} == set()
    seen = {path for result in ran.returned[name] for path in keys(result)}
    assert documented_keys(documented) - seen - UNSEEN == set(), "documented, but in no result of any example"
