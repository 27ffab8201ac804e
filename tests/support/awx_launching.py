# Copyright (c) 2026, the alicloud.ehpc contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The parts of AWX that a job depends on: the objects of playbooks/awx/vars, launched by ansible-runner from a directory that AWX would lay out.

def test_a_preview(awx, emulator):
    job = awx.launch("Bootstrap E-HPC cluster", {"ehpc_bootstrap_cluster_id": "ehpc-hz-hybrid01"}, job_type="check")
    assert job.code == 0
    assert job.artifacts["ehpc_bootstrap"]["ehpc-hz-hybrid01"]["post_scripts_changed"] is False
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import typing as t
from dataclasses import dataclass, field
from pathlib import Path

import yaml
from ansible_collections.alicloud.ehpc.tests.emulator import Emulator
from ansible_collections.alicloud.ehpc.tests.support.awx_data import BIN, ROOT, everything, named
from ansible_collections.alicloud.ehpc.tests.support.awx_surveys import Values, accepted, defaults
from ansible_collections.alicloud.ehpc.tests.support.environment import is_foreign
from jinja2.sandbox import ImmutableSandboxedEnvironment

COLLECTIONS = ROOT / "build" / "collections"
# The inventory of the clusters.
CLUSTERS = "E-HPC clusters"
FOLLOWING = ("success_nodes", "failure_nodes", "always_nodes")


Inventory = tuple[dict[str, Values], dict[str, list[str]]]


class UnsafeDumper(yaml.SafeDumper):
    """Writes every string with !unsafe, as AWX writes answers."""

    def represent_data(self, data: t.Any) -> yaml.Node:
        if isinstance(data, str):
            return self.represent_scalar("!unsafe", data)
        return super().represent_data(data)


def injected(credential_type: Values, inputs: Values) -> dict[str, str]:
    """The environment variables of a credential. AWX omits blank fields, so their templates give empty strings."""
    namespace = {name: value for name, value in inputs.items() if value}
    sandbox = ImmutableSandboxedEnvironment()
    return {name: sandbox.from_string(template).render(**namespace) for name, template in credential_type["injectors"]["env"].items()}


def inventory_script(hosts: dict[str, Values], groups: dict[str, list[str]]) -> str:
    """The inventory script that AWX writes into the directory of a job."""
    listing = {"all": {"hosts": list(hosts)}, **{name: {"hosts": names} for name, names in groups.items()}, "_meta": {"hostvars": hosts}}
    return f"#!/usr/bin/env python3\n# -*- coding: utf-8 -*-\nprint({json.dumps(listing)!r})\n"


@dataclass
class Job:
    """A finished job."""

    code: int
    stdout: str
    events: list[Values]

    @property
    def artifacts(self) -> Values:
        """The data of set_stats, which AWX passes to the next nodes of a workflow."""
        stats = [event for event in self.events if event["event"] == "playbook_on_stats"]
        return t.cast(Values, stats[-1]["event_data"].get("artifact_data", {})) if stats else {}

    def failures(self) -> list[str]:
        """The messages of the tasks that failed."""
        failed = [event["event_data"] for event in self.events if event["event"] == "runner_on_failed"]
        return [str(data["res"].get("msg")) for data in failed]

    def everything(self) -> str:
        return self.stdout + json.dumps(self.events)


@dataclass
class Workflow:
    """A finished workflow: its jobs by node, their artifacts, and whether its status in AWX is failed."""

    jobs: dict[str, Job] = field(default_factory=dict)
    artifacts: Values = field(default_factory=dict)
    failed: bool = False


class Controller:
    """Launches job templates and updates inventories with a credential, against an emulated service."""

    def __init__(self, directory: Path, emulator: Emulator) -> None:
        self.directory = directory
        self.inputs: Values = {
            "access_key_id": emulator.access_key,
            "access_key_secret": emulator.secret_key,
            "security_token": "",
            "region": emulator.region,
            "endpoint": emulator.endpoint,
            "initial_password": "EXAMPLE-Pass{word}+1",
        }
        self.secrets = [text for credential in emulator.state.credentials.values() for text in (credential.secret_key, credential.security_token) if text]
        self.secrets.append(self.inputs["initial_password"])
        self._number = 0

    def launch(
        self,
        name: str,
        answers: Values,
        *,
        job_type: str | None = None,
        inputs: Values | None = None,
        hosts: dict[str, Values] | None = None,
        groups: dict[str, list[str]] | None = None,
        limit: str = "",
        template: Values | None = None,
        files: dict[str, str] | None = None,
    ) -> Job:
        """Launch the job template of this name, or the one given, with more files in the project. Raises Rejected if AWX would start no job.

        As with AWX, a job type or a limit is ignored if the template does not prompt for it.
        """
        wanted = template or named("controller_templates", name)
        variables = accepted(wanted, answers)
        if job_type and wanted.get("ask_job_type_on_launch"):
            wanted = {**wanted, "job_type": job_type}
        return self._start(wanted, variables, inputs=inputs, hosts=hosts, groups=groups, limit=limit if wanted.get("ask_limit_on_launch") else "", files=files)

    def _start(
        self,
        wanted: Values,
        variables: Values,
        *,
        inputs: Values | None = None,
        hosts: dict[str, Values] | None = None,
        groups: dict[str, list[str]] | None = None,
        limit: str = "",
        files: dict[str, str] | None = None,
    ) -> Job:
        """Run a job. Precedence: these variables, the defaults of the survey, the variables of the template."""
        unsafe = {**defaults(wanted), **variables, **self._metadata(wanted["name"])}
        if hosts is None:
            hosts = {host["name"]: host["variables"] for host in everything()["controller_hosts"] if host["inventory"] == wanted["inventory"]}
        private = self._private_directory()
        (private / "inventory/hosts").write_text(inventory_script(hosts, groups or {}), encoding="utf-8")
        (private / "inventory/hosts").chmod(0o755)
        (private / "env/envvars").write_text(json.dumps(self._job_environment(private, wanted, inputs)), encoding="utf-8")
        trusted = {name: value for name, value in wanted.get("extra_vars", {}).items() if name not in unsafe}
        text = yaml.safe_dump(trusted) if trusted else ""
        (private / "env/extravars").write_text(text + yaml.dump(unsafe, Dumper=UnsafeDumper), encoding="utf-8")
        (private / "env/cmdline").write_text(self._command_line(wanted, limit), encoding="utf-8")
        self._project(private)
        for path, content in (files or {}).items():
            (private / "project" / path).write_text(content, encoding="utf-8")
        return self._run(private, wanted["playbook"])

    def run_workflow(
        self,
        name: str,
        answers: Values,
        *,
        approve: t.Callable[[], bool] = lambda: True,
        ended: dict[str, Job] | None = None,
        inventory: Inventory | None = None,
    ) -> Workflow:
        """Run the workflow of this name. Raises Rejected if AWX would start no workflow.

        approve() decides whether an approval is given. The jobs of the nodes in ``ended`` are not run: they have ended like these. ``inventory``
        is that of the clusters, as update() returns it.
        """
        wanted = named("controller_workflows", name)
        variables = {**wanted.get("extra_vars", {}), **defaults(wanted), **accepted(wanted, answers)}
        nodes = {node["identifier"]: node for node in wanted["workflow_nodes"]}
        after = {entry["identifier"] for node in nodes.values() for key in FOLLOWING for entry in node["related"][key]}
        workflow = Workflow()
        waiting = [name for name in nodes if name not in after]
        while waiting:
            node = nodes[waiting.pop(0)]
            if node["unified_job_template"]["type"] == "job_template":
                given = {**node.get("extra_data", {}), **workflow.artifacts, **variables}
                job = (ended or {}).get(node["identifier"]) or self._start_node(node, given, inventory)
                workflow.jobs[node["identifier"]] = job
                workflow.artifacts |= job.artifacts
                succeeded = job.code == 0
            else:
                succeeded = approve()
            related = node["related"]
            # A failed node without a successor makes the workflow fail.
            workflow.failed |= not succeeded and not related["failure_nodes"] + related["always_nodes"]
            waiting += [entry["identifier"] for entry in related["success_nodes" if succeeded else "failure_nodes"] + related["always_nodes"]]
        return workflow

    def _start_node(self, node: Values, variables: Values, inventory: Inventory | None) -> Job:
        """Run the job of a node. Its variables are not compared with the survey of the job template."""
        wanted = named("controller_templates", node["unified_job_template"]["name"])
        assert "extra_data" not in node or wanted["ask_variables_on_launch"], "AWX refuses such a node"
        prompts = {key: node[key] for key in ("job_type", "diff_mode") if key in node}
        assert all(wanted[f"ask_{key}_on_launch"] for key in prompts), "AWX refuses such a node"
        hosts, groups = inventory if inventory and wanted["inventory"].startswith(CLUSTERS) else (None, None)
        return self._start(wanted | prompts, variables, hosts=hosts, groups=groups)

    def update(self, source: str, inputs: Values | None = None, code: int = 0) -> tuple[dict[str, Values], dict[str, list[str]]]:
        """Update an inventory from the source of this name, as AWX does: the hosts with their variables, and the groups."""
        wanted = named("controller_inventory_sources", source)
        private = self._private_directory()
        self._project(private)
        output = private / "artifacts/output.json"
        output.parent.mkdir()
        command = [BIN / "ansible-inventory", "--list", "--export", "--inventory", private / "project" / wanted["source_path"], "--output", output, "-vvv"]
        environment = {**self._environment(), **self._collections(private), **self._credential(wanted["credential"], inputs)}
        environment |= {"INVENTORY_SOURCE_ID": "1", "INVENTORY_UPDATE_ID": "1", "ANSIBLE_INVENTORY_UNPARSED_FAILED": "True"}
        ran = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=False)
        assert ran.returncode == code, ran.stdout + ran.stderr
        self._no_secrets(ran.stdout + ran.stderr)
        if code:
            raise ValueError(ran.stderr)
        listing = json.loads(output.read_text(encoding="utf-8"))
        self._no_secrets(json.dumps(listing))
        groups = {name: group["hosts"] for name, group in listing.items() if name != "_meta" and "hosts" in group}
        return listing["_meta"]["hostvars"], groups

    def _private_directory(self) -> Path:
        self._number += 1
        private = self.directory / f"awx_{self._number}"
        for name in ("env", "inventory", "project", "home"):
            (private / name).mkdir(parents=True)
        return private

    @staticmethod
    def _project(private: Path) -> None:
        """What a job can take from the project: its files, but not the collection, which is in the execution environment."""
        for name in ("playbooks", "extensions"):
            shutil.copytree(ROOT / name, private / "project" / name)

    def _credential(self, name: str, inputs: Values | None) -> dict[str, str]:
        credential_type = named("controller_credential_types", named("controller_credentials", name)["credential_type"])
        return injected(credential_type, self.inputs if inputs is None else inputs)

    def _job_environment(self, private: Path, template: Values, inputs: Values | None) -> dict[str, str]:
        environment = {
            "JOB_ID": str(self._number),
            "INVENTORY_ID": "1",
            "PROJECT_REVISION": "0" * 40,
            "AWX_HOST": "https://awx.example.com",
            "AWX_PRIVATE_DATA_DIR": str(private),
            "MAX_EVENT_RES": "700000",
            "ANSIBLE_FORCE_COLOR": "True",
            "ANSIBLE_HOST_KEY_CHECKING": "False",
            "ANSIBLE_INVENTORY_UNPARSED_FAILED": "True",
            "ANSIBLE_PARAMIKO_RECORD_HOST_KEYS": "False",
            "ANSIBLE_RETRY_FILES_ENABLED": "False",
            **self._collections(private),
        }
        for name in template.get("credentials", []):
            environment |= self._credential(name, inputs)
        return environment

    @staticmethod
    def _collections(private: Path) -> dict[str, str]:
        """The collections of the project, then those of the execution environment."""
        return {"ANSIBLE_COLLECTIONS_PATH": f"{private / 'requirements_collections'}:{COLLECTIONS}"}

    def _metadata(self, template: str) -> Values:
        values = {"job_id": self._number, "job_launch_type": "manual", "job_template_name": template, "user_name": "operator"}
        return {f"{prefix}_{name}": value for prefix in ("awx", "tower") for name, value in values.items()}

    @staticmethod
    def _command_line(template: Values, limit: str) -> str:
        options = ["-u root"]
        options += ["--check"] if template.get("job_type") == "check" else []
        options += ["--diff"] if template.get("diff_mode") else []
        options += [f"--forks {template['forks']}"] if template.get("forks") else []
        options += [f"-l {limit}"] if limit else []
        return " ".join(options)

    def _environment(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not is_foreign(name) and not name.startswith(("ANSIBLE_", "EHPC_", "PYTHON"))}
        home = self.directory / "home"
        home.mkdir(exist_ok=True)
        return {**kept, "HOME": str(home), "PATH": f"{BIN}:{os.environ['PATH']}", "LC_ALL": "C.UTF-8", "NO_PROXY": "127.0.0.1,localhost"}

    def _run(self, private: Path, playbook: str) -> Job:
        command = [str(BIN / "ansible-runner"), "run", str(private), "--playbook", playbook, "--ident", "job"]
        ran = subprocess.run(command, cwd=private, env=self._environment(), capture_output=True, text=True, timeout=60, check=False)
        paths = sorted((private / "artifacts/job/job_events").glob("*.json"), key=lambda path: int(path.name.split("-")[0]))
        job = Job(ran.returncode, ran.stdout + ran.stderr, [json.loads(path.read_text(encoding="utf-8")) for path in paths])
        self._no_secrets(job.everything())
        return job

    def _no_secrets(self, text: str) -> None:
        assert [secret for secret in self.secrets if secret in text] == [], "a secret is shown"
