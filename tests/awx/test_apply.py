# Copyright (c) 2026, the alicloud.ehpc contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The playbook that applies the objects, with stand-ins for the modules of awx.awx that only write down what they are asked for.

The collection awx.awx and a controller are not here. The stand-ins have the options of the real modules as these document them, and
Ansible checks names and types as for any module.
"""

from __future__ import annotations

import json
import os
import subprocess
import typing as t
from pathlib import Path

import pytest
from launching import BIN, COLLECTIONS, objects, site
from surveys import Values

Options = dict[str, str]


def options(texts: str, bools: str = "", ints: str = "", dicts: str = "", names: str = "", nodes: str = "") -> Options:
    """The options of a module beside its name, by their types."""
    kinds = {"str": f"name description {texts}", "bool": bools, "int": ints, "dict": dicts, "list of str": names, "list of dict": nodes}
    return {name: kind for kind, words in kinds.items() for name in words.split()}


PROMPTS = " ".join(f"ask_{prompt}_on_launch" for prompt in ("credential", "diff_mode", "inventory", "job_type", "limit", "tags", "variables", "verbosity"))
NOTIFIED = "notification_templates_started notification_templates_success notification_templates_error"
# Of each module that is used: the options that a task could give it sensibly.
MODULES: dict[str, Options] = {
    "credential_type": options("kind", dicts="inputs injectors"),
    "credential": options("organization credential_type user team", bools="update_secrets", dicts="inputs"),
    "execution_environment": options("organization image credential pull"),
    "project": options(
        "organization scm_type scm_url local_path scm_branch scm_refspec credential default_environment",
        bools="scm_clean scm_delete_on_update scm_update_on_launch allow_override wait update_project",
        ints="scm_update_cache_timeout timeout",
        names=NOTIFIED,
    ),
    "inventory": options("organization kind host_filter", dicts="variables"),
    "host": options("inventory", bools="enabled", dicts="variables"),
    "inventory_source": options(
        "organization inventory source source_project source_path scm_branch credential execution_environment enabled_var enabled_value host_filter limit",
        bools="overwrite overwrite_vars update_on_launch",
        ints="timeout verbosity update_cache_timeout",
        dicts="source_vars",
        names=NOTIFIED,
    ),
    "notification_template": options("organization notification_type", dicts="notification_configuration messages"),
    "job_template": options(
        "organization job_type inventory project playbook execution_environment limit job_tags skip_tags scm_branch",
        bools=f"{PROMPTS} diff_mode survey_enabled allow_simultaneous",
        ints="forks verbosity timeout job_slice_count",
        dicts="extra_vars survey_spec",
        names=f"{NOTIFIED} credentials labels",
    ),
    "workflow_job_template": options(
        "organization inventory limit scm_branch",
        bools="survey_enabled allow_simultaneous ask_variables_on_launch ask_inventory_on_launch ask_limit_on_launch destroy_current_nodes",
        dicts="extra_vars survey_spec",
        names=f"{NOTIFIED} notification_templates_approvals labels",
        nodes="workflow_nodes",
    ),
}
STAND_IN = """
import json, os
from ansible.module_utils.basic import AnsibleModule

types = json.loads({options!r})
spec = {{}}
for name, kind in types.items():
    kind, _of, elements = kind.partition(" of ")
    spec[name] = {{"type": kind, "no_log": {module!r} == "credential" and name == "inputs"}}
    if elements:
        spec[name]["elements"] = elements
module = AnsibleModule(spec)
with open(os.environ["STAND_IN_LOG"], "a") as log:
    log.write(json.dumps([{module!r}, module.params]) + "\\n")
module.exit_json(changed=True)
"""
# In the order in which the objects need each other.
KIND_OF = dict(zip(MODULES, objects(), strict=True))
SECRETS = {"ALIBABA_CLOUD_ACCESS_KEY_ID": "EXAMPLEkey", "ALIBABA_CLOUD_ACCESS_KEY_SECRET": "EXAMPLE-secret", "ALIBABA_CLOUD_REGION_ID": "cn-hangzhou"}


class Applied:
    """What the modules were asked for."""

    def __init__(self, calls: list[tuple[str, Values]], output: str) -> None:
        self.calls = calls
        self.output = output

    def of(self, module: str) -> list[Values]:
        return [{name: value for name, value in options.items() if value is not None} for called, options in self.calls if called == module]


@pytest.fixture(scope="module")
def applied(tmp_path_factory: pytest.TempPathFactory) -> Applied:
    directory = tmp_path_factory.mktemp("apply")
    plugins = directory / "collections/ansible_collections/awx/awx/plugins/modules"
    plugins.mkdir(parents=True)
    for module, options in MODULES.items():
        (plugins / f"{module}.py").write_text(STAND_IN.format(module=module, options=json.dumps(options)), encoding="utf-8")
    return apply(directory, "-e", "ehpc_awx_organization=HPC")


def apply(directory: Path, *arguments: str) -> Applied:
    log = directory / "log"
    log.touch()
    environment = {
        **SECRETS,
        "HOME": str(directory),
        "PATH": f"{BIN}:{os.environ['PATH']}",
        "LC_ALL": "C.UTF-8",
        "ANSIBLE_COLLECTIONS_PATH": f"{directory / 'collections'}:{COLLECTIONS}",
        "STAND_IN_LOG": str(log),
    }
    # By its name, as whoever has installed the collection runs it.
    command = [str(BIN / "ansible-playbook"), "alicloud.ehpc.awx.apply", "-v", *arguments]
    ran = subprocess.run(command, cwd=directory, env=environment, capture_output=True, text=True, timeout=180, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return Applied([tuple(json.loads(line)) for line in log.read_text(encoding="utf-8").splitlines()], ran.stdout + ran.stderr)


def evaluated(value: t.Any) -> t.Any:
    """A value of the files with what differs from site to site, and with the secrets of this environment."""
    if isinstance(value, dict):
        return {key: evaluated(item) for key, item in value.items()}
    if isinstance(value, list):
        return [evaluated(item) for item in value]
    known = {**{name: str(default) for name, default in site().items()}, "ehpc_awx_organization": "HPC"}
    for name, text in known.items():
        value = value.replace("{{ %s }}" % name, text) if isinstance(value, str) else value
    if isinstance(value, str) and value.startswith("{{ lookup('ansible.builtin.env', "):
        return SECRETS.get(value.split("'")[3], "")
    return value


def test_everything_is_applied_in_the_order_in_which_it_is_needed(applied: Applied) -> None:
    assert list(dict.fromkeys(module for module, _options in applied.calls)) == list(MODULES)


@pytest.mark.parametrize("module", [module for module in MODULES if module != "credential"])
def test_each_key_reaches_its_module_as_it_is_written(applied: Applied, module: str) -> None:
    assert applied.of(module) == [evaluated(entry) for entry in objects()[KIND_OF[module]]]


def test_secrets_come_from_the_environment_and_are_not_shown(applied: Applied) -> None:
    (credential,) = applied.of("credential")
    assert credential["inputs"] == {
        "access_key_id": "EXAMPLEkey",
        "access_key_secret": "EXAMPLE-secret",
        "security_token": "",
        "region": "cn-hangzhou",
        "endpoint": "",
    }
    assert "EXAMPLE-secret" not in applied.output


def test_what_awx_evaluates_reaches_it_as_a_template(applied: Applied) -> None:
    (credential_type,) = applied.of("credential_type")
    assert credential_type["injectors"]["env"]["ALIBABA_CLOUD_ACCESS_KEY_ID"] == "{{ access_key_id }}"
    (notification,) = applied.of("notification_template")
    assert "{{ job.name }}" in notification["messages"]["success"]["body"]
    assert [host["variables"]["ansible_python_interpreter"] for host in applied.of("host")] == ["{{ ansible_playbook_python }}"]


def test_without_awx_awx_the_syntax_can_be_checked(tmp_path: Path) -> None:
    assert "playbooks/awx/apply.yml" in apply(tmp_path, "--syntax-check").output
