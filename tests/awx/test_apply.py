# Copyright (c) 2026, the alicloud.ehpc contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The playbook that applies the objects, with stand-ins for the modules of awx.awx."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest
from ansible_collections.alicloud.ehpc.tests.support.awx_data import ACCESS_KEY, BIN, EVERYTHING, KINDS, SECRETS, USERS, everything, objects
from ansible_collections.alicloud.ehpc.tests.support.awx_launching import COLLECTIONS
from ansible_collections.alicloud.ehpc.tests.support.awx_modules import EMPTY, MODULES, install
from ansible_collections.alicloud.ehpc.tests.support.awx_surveys import Values

KIND_OF = dict(zip(MODULES, KINDS, strict=True))


class Applied:
    """The calls of the modules, the output of Ansible, and the state of the controller after it."""

    def __init__(self, calls: list[tuple[str, Values]], code: int, output: str, state: str) -> None:
        self.calls = calls
        self.code = code
        self.output = output
        self.state = state

    def of(self, module: str) -> list[Values]:
        return [{name: value for name, value in options.items() if value is not None} for called, options in self.calls if called == module]


class Awx:
    """A controller as the stand-ins store it."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.state = directory / "state.json"
        self.state.write_text(json.dumps(EMPTY), encoding="utf-8")
        install(directory / "collections")

    def apply(self, settings: Values, secrets: dict[str, str], *arguments: str) -> Applied:
        log = self.directory / "log"
        log.write_text("", encoding="utf-8")
        environment = {
            **secrets,
            "HOME": str(self.directory),
            "PATH": f"{BIN}:{os.environ['PATH']}",
            "LC_ALL": "C.UTF-8",
            "ANSIBLE_COLLECTIONS_PATH": f"{self.directory / 'collections'}:{COLLECTIONS}",
            "STAND_IN_LOG": str(log),
            "STAND_IN_STATE": str(self.state),
        }
        # By name, as users of the installed collection run it.
        command = [str(BIN / "ansible-playbook"), "alicloud.ehpc.awx.apply", "-v", "-e", json.dumps(settings), *arguments]
        ran = subprocess.run(command, cwd=self.directory, env=environment, capture_output=True, text=True, timeout=180, check=False)
        calls = [tuple(json.loads(line)) for line in log.read_text(encoding="utf-8").splitlines()]
        return Applied(calls, ran.returncode, ran.stdout + ran.stderr, self.state.read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def applied(tmp_path_factory: pytest.TempPathFactory) -> Applied:
    """All objects, applied to an empty controller."""
    done = Awx(tmp_path_factory.mktemp("apply")).apply(EVERYTHING, SECRETS)
    assert done.code == 0, done.output
    return done


@pytest.fixture(scope="module")
def minimal(tmp_path_factory: pytest.TempPathFactory) -> Applied:
    """The objects without optional settings, applied to an empty controller."""
    done = Awx(tmp_path_factory.mktemp("minimal")).apply({}, ACCESS_KEY)
    assert done.code == 0, done.output
    return done


@pytest.fixture
def awx(tmp_path: Path) -> Awx:
    """An empty controller."""
    return Awx(tmp_path)


def test_objects_are_applied_in_the_order_of_their_dependencies(applied: Applied) -> None:
    assert list(dict.fromkeys(module for module, _options in applied.calls)) == list(MODULES)


@pytest.mark.parametrize("module", MODULES)
def test_each_key_reaches_its_module(applied: Applied, module: str) -> None:
    assert applied.of(module) == everything()[KIND_OF[module]]


def test_secrets_come_from_the_environment_and_are_not_printed(applied: Applied) -> None:
    assert {credential["name"]: credential["inputs"] for credential in applied.of("credential")} == {
        "E-HPC": {"access_key_id": "EXAMPLEkey", "access_key_secret": "EXAMPLE-secret", "security_token": "", "region": "cn-hangzhou", "endpoint": ""},
        "Repository": {"username": "reader", "password": "EXAMPLE-password-1"},
        "Registry": {"host": "registry.example.com", "username": "puller", "password": "EXAMPLE-password-2", "verify_ssl": True},
        "E-HPC initial password": {"initial_password": "EXAMPLE-password-3"},
    }
    assert [secret for secret in ("EXAMPLE-secret", "EXAMPLE-password") if secret in applied.output] == []


def test_templates_of_awx_are_not_evaluated(applied: Applied) -> None:
    credential_type, _initial_password = applied.of("credential_type")
    assert credential_type["injectors"]["env"]["ALIBABA_CLOUD_ACCESS_KEY_ID"] == "{{ access_key_id }}"
    (notification,) = applied.of("notification_template")
    assert "{{ job.name }}" in notification["messages"]["success"]["body"]
    assert [host["variables"]["ansible_python_interpreter"] for host in applied.of("host")] == ["{{ ansible_playbook_python }}"]


@pytest.mark.parametrize("organization", ["HPC", "Default"])
def test_check_mode_on_an_empty_controller(awx: Awx, organization: str) -> None:
    settings = {**EVERYTHING, "ehpc_awx_organization": organization}
    checked = awx.apply(settings, SECRETS, "--check")
    assert (checked.code, json.loads(awx.state.read_text(encoding="utf-8"))) == (0, EMPTY), checked.output
    assert ("failed=0" in checked.output, "ignored=0" in checked.output, "changed=%d" % (12 - (organization == "Default")) in checked.output) == (True,) * 3


def test_check_mode_reports_other_failures(awx: Awx) -> None:
    """A wrong token, for example."""
    module = awx.directory / "collections/ansible_collections/awx/awx/plugins/action/organization.py"
    module.write_text(module.read_text(encoding="utf-8").replace("kept = ", "raise Failure('HTTP 401')  #"), encoding="utf-8")
    assert awx.apply({}, ACCESS_KEY, "--check").code == 2


def test_a_second_time_and_a_second_organization(awx: Awx, applied: Applied) -> None:
    awx.state.write_text(applied.state, encoding="utf-8")
    for settings in ({}, {"ehpc_awx_organization": "Research", "ehpc_awx_registry_credential": ""}):
        done = awx.apply({**EVERYTHING, **settings}, SECRETS)
        assert done.code == 0, done.output
    assert done.of("job_template")[0]["inventory"] == "E-HPC controller++Research"


def test_without_optional_settings(minimal: Applied) -> None:
    """No webhook, no schedule, no credential but the access key, and no reference to any of them."""
    done = minimal
    assert [done.of(module) for module in ("notification_template", "schedule")] == [[], []]
    assert [credential["name"] for credential in done.of("credential")] == ["E-HPC"]
    assert "credential" not in {**done.of("project")[0], **done.of("execution_environment")[0]}
    templates = done.of("job_template") + done.of("workflow_job_template")
    notified = [value for template in templates for key, value in template.items() if key.startswith("notification_templates")]
    assert notified == [[]] * len(notified) != [], "a notification that was attached is detached"


@pytest.mark.parametrize("secrets", [{}, {"ALIBABA_CLOUD_ACCESS_KEY_ID": "EXAMPLEkey"}], ids=["no key", "no secret"])
def test_without_an_access_key_the_credential_is_not_changed(awx: Awx, minimal: Applied, secrets: dict[str, str]) -> None:
    awx.state.write_text(minimal.state, encoding="utf-8")
    done = awx.apply({}, secrets)
    assert (done.code, done.of("credential")) == (0, []), done.output
    assert "so the credential E-HPC is not changed" in done.output


def test_without_an_access_key_a_first_installation_fails(awx: Awx) -> None:
    done = awx.apply({}, {})
    assert done.code == 2
    assert "so the credential E-HPC is not changed" in done.output


def test_users_get_the_initial_password_of_the_job(awx: Awx) -> None:
    """The credential of an earlier run is used, and no object contains the password."""
    existing = {"module": "credential", "name": "E-HPC initial password", "organization": "Default", "credential_type": "E-HPC initial password"}
    awx.state.write_text(json.dumps([*EMPTY, existing]), encoding="utf-8")
    done = awx.apply(USERS, ACCESS_KEY)
    assert done.code == 0, done.output
    assert "so the credential E-HPC initial password is not changed" in done.output
    password = "{{ lookup('ansible.builtin.env', 'EHPC_INITIAL_PASSWORD') }}"
    users = [{"name": "hpcuser01", "password": password}, {"name": "hpcadmin01", "group": "wheel", "password": password}]
    one, fleet = done.of("job_template")[:2]
    assert one["extra_vars"] == {"ehpc_bootstrap_users": users}
    assert fleet["extra_vars"] == {"ehpc_bootstrap_hosts": "ehpc_clusters", "ehpc_bootstrap_users": users}
    credentials = [f"{name}+cloud++Default" for name in ("E-HPC++Alibaba Cloud E-HPC", "E-HPC initial password++E-HPC initial password")]
    assert one["credentials"] == fleet["credentials"] == credentials


def test_an_existing_credential_of_a_repository(awx: Awx, minimal: Applied) -> None:
    state = json.loads(minimal.state)
    existing = {"module": "credential", "name": "Git", "organization": "Default", "credential_type": "Source Control"}
    awx.state.write_text(json.dumps([*state, existing]), encoding="utf-8")
    done = awx.apply({"ehpc_awx_repository_credential": "Git"}, ACCESS_KEY)
    assert (done.code, [project["credential"] for project in done.of("project")]) == (0, ["Git++Source Control+scm++Default"]), done.output


def test_the_objects_depend_on_the_settings() -> None:
    """The evaluation of these tests, without optional settings."""
    assert [kind for kind, found in objects({}, ACCESS_KEY).items() if not found] == ["controller_notifications", "controller_schedules"]


def test_the_syntax_can_be_checked_without_awx_awx(tmp_path: Path) -> None:
    environment = {"HOME": str(tmp_path), "PATH": f"{BIN}:{os.environ['PATH']}", "LC_ALL": "C.UTF-8", "ANSIBLE_COLLECTIONS_PATH": str(COLLECTIONS)}
    command = [str(BIN / "ansible-playbook"), "alicloud.ehpc.awx.apply", "--syntax-check"]
    ran = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert "playbooks/awx/apply.yml" in ran.stdout, ran.stderr
