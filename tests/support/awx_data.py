# Copyright (c) 2026, the alicloud.ehpc contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The objects of playbooks/awx/vars, with their templates evaluated as Ansible evaluates them."""

from __future__ import annotations

import functools
import json
import os
import subprocess
import sys
import tempfile
import typing as t
from pathlib import Path

import yaml
from ansible_collections.alicloud.ehpc.tests.support.awx_surveys import Values

ROOT = Path(__file__).resolve().parents[2]
AWX = ROOT / "playbooks" / "awx"
BIN = Path(sys.executable).parent
# In the order of their dependencies.
KINDS = [
    "controller_organizations",
    "controller_credential_types",
    "controller_credentials",
    "controller_execution_environments",
    "controller_projects",
    "controller_inventories",
    "controller_hosts",
    "controller_inventory_sources",
    "controller_notifications",
    "controller_templates",
    "controller_workflows",
    "controller_schedules",
]
# Settings and an environment that create every optional object.
EVERYTHING: Values = {
    "ehpc_awx_organization": "HPC",
    "ehpc_awx_repository_credential": "Repository",
    "ehpc_awx_registry_credential": "Registry",
    "ehpc_awx_webhook": "https://chat.example.com/hooks/ehpc",
    "ehpc_awx_schedule": "DTSTART:20260101T020000Z RRULE:FREQ=DAILY;INTERVAL=1",
    "ehpc_awx_drift_schedule": "DTSTART:20260101T060000Z RRULE:FREQ=DAILY;INTERVAL=1",
}
ACCESS_KEY = {"ALIBABA_CLOUD_ACCESS_KEY_ID": "EXAMPLEkey", "ALIBABA_CLOUD_ACCESS_KEY_SECRET": "EXAMPLE-secret", "ALIBABA_CLOUD_REGION_ID": "cn-hangzhou"}
SECRETS = {
    **ACCESS_KEY,
    "EHPC_AWX_REPOSITORY_USERNAME": "reader",
    "EHPC_AWX_REPOSITORY_PASSWORD": "EXAMPLE-password-1",
    "EHPC_AWX_REGISTRY_USERNAME": "puller",
    "EHPC_AWX_REGISTRY_PASSWORD": "EXAMPLE-password-2",
    "EHPC_INITIAL_PASSWORD": "EXAMPLE-password-3",
}
USERS: Values = {"ehpc_awx_users": [{"name": "hpcuser01"}, {"name": "hpcadmin01", "group": "wheel"}]}


class Loader(yaml.SafeLoader):
    """A YAML loader that ignores the tag !unsafe, which is for Ansible."""


Loader.add_constructor("!unsafe", lambda loader, node: loader.construct_scalar(t.cast(yaml.ScalarNode, node)))


def site() -> Values:
    """The settings with their defaults."""
    return t.cast(Values, yaml.load((AWX / "vars" / "site.yml").read_text(encoding="utf-8"), Loader))


def objects(settings: Values, secrets: dict[str, str]) -> dict[str, list[Values]]:
    """The objects of each kind in all files, with these settings, and with these secrets in the environment."""
    with tempfile.TemporaryDirectory() as directory:
        playbook, output = Path(directory) / "evaluate.yml", Path(directory) / "objects.json"
        lists = {kind: "{{ query('ansible.builtin.vars', *query('ansible.builtin.varnames', '^%s(_.+)?$')) | flatten(1) }}" % kind for kind in KINDS}
        tasks = [
            {"ansible.builtin.include_vars": {"dir": str(AWX / "vars"), "extensions": ["yml"]}},
            {"ansible.builtin.copy": {"content": "{{ lists | to_json }}", "dest": str(output), "mode": "0600"}, "vars": {"lists": lists}},
        ]
        playbook.write_text(json.dumps([{"hosts": "localhost", "connection": "local", "gather_facts": False, "tasks": tasks}]), encoding="utf-8")
        command = [str(BIN / "ansible-playbook"), str(playbook), "-e", json.dumps(settings)]
        environment = {**secrets, "HOME": directory, "PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8"}
        ran = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=False)
        assert ran.returncode == 0, ran.stdout + ran.stderr
        return t.cast("dict[str, list[Values]]", json.loads(output.read_text(encoding="utf-8")))


@functools.cache
def everything() -> dict[str, list[Values]]:
    """All objects, including the optional ones."""
    return objects(EVERYTHING, SECRETS)


def named(kind: str, reference: str) -> Values:
    """The object of this kind with this name or named URL."""
    (found,) = [entry for entry in everything()[kind] if entry["name"] == reference.split("++")[0]]
    return found
