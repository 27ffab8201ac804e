# Copyright (c) 2026, the alicloud.ehpc contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The objects are valid for AWX, their references resolve, and they match the role and the collection."""

from __future__ import annotations

import json
import re
import typing as t

import pytest
import yaml
from ansible_collections.alicloud.ehpc.plugins.module_utils._arguments import ENVIRONMENT
from ansible_collections.alicloud.ehpc.tests.support.awx_data import AWX, ROOT, Loader, everything, named, site
from ansible_collections.alicloud.ehpc.tests.support.awx_surveys import Values
from jinja2 import StrictUndefined
from jinja2.sandbox import ImmutableSandboxedEnvironment

OBJECTS = everything()
SURVEYS = {
    entry["name"]: entry["survey_spec"] for kind in ("controller_templates", "controller_workflows") for entry in OBJECTS[kind] if entry.get("survey_enabled")
}
PATTERN = json.loads((ROOT / "extensions/patterns/bootstrap_ehpc_cluster/meta/pattern.json").read_text(encoding="utf-8"))
SURVEYS |= {f"pattern {template['name']}": template["survey"] for template in PATTERN["aap_resources"]["controller_job_templates"]}
QUESTIONS = [pytest.param(question, id=f"{survey}: {question['variable']}") for survey, spec in SURVEYS.items() for question in spec["spec"]]
ROLE_VARIABLES = yaml.safe_load((ROOT / "roles/ehpc_bootstrap/meta/argument_specs.yml").read_text(encoding="utf-8"))["argument_specs"]["main"]["options"]
# Variables that AWX does not allow in a credential type, besides all that begin with ANSIBLE_.
BLOCKED = {
    *("VIRTUAL_ENV", "PATH", "PYTHONPATH", "JOB_ID", "INVENTORY_ID", "INVENTORY_SOURCE_ID", "INVENTORY_UPDATE_ID", "AD_HOC_COMMAND_ID"),
    *("REST_API_URL", "REST_API_TOKEN", "MAX_EVENT_RES", "CALLBACK_QUEUE", "CALLBACK_CONNECTION", "CACHE", "JOB_CALLBACK_DEBUG"),
    *("INVENTORY_HOSTVARS", "AWX_HOST", "PROJECT_REVISION", "SUPERVISOR_CONFIG_PATH"),
}
QUESTION_TYPES: dict[str, type] = {
    **dict.fromkeys(("text", "textarea", "password", "multiplechoice", "multiselect"), str),
    "integer": int,
    "float": float,
}
# Credential types of AWX itself.
BUILT_IN = {"Source Control", "Container Registry"}
# For each kind of object, the kinds that its keys refer to.
REFERENCES: dict[str, dict[str, str]] = {
    "controller_credentials": {"credential_type": "controller_credential_types"},
    "controller_execution_environments": {"credential": "controller_credentials"},
    "controller_projects": {"default_environment": "controller_execution_environments", "credential": "controller_credentials"},
    "controller_hosts": {"inventory": "controller_inventories"},
    "controller_inventory_sources": {
        "inventory": "controller_inventories",
        "source_project": "controller_projects",
        "credential": "controller_credentials",
        "execution_environment": "controller_execution_environments",
    },
    "controller_templates": {
        "project": "controller_projects",
        "inventory": "controller_inventories",
        "credentials": "controller_credentials",
        "execution_environment": "controller_execution_environments",
        "notification_templates_success": "controller_notifications",
        "notification_templates_error": "controller_notifications",
    },
    "controller_workflows": {
        "notification_templates_success": "controller_notifications",
        "notification_templates_error": "controller_notifications",
        "notification_templates_approvals": "controller_notifications",
    },
    "controller_schedules": {"unified_job_template": "controller_templates"},
}


def texts(value: t.Any) -> list[str]:
    """All strings in a value, at any depth."""
    if isinstance(value, dict):
        return [text for item in value.values() for text in texts(item)]
    if isinstance(value, list):
        return [text for item in value for text in texts(item)]
    return [value] if isinstance(value, str) else []


@pytest.mark.parametrize("credential_type", [pytest.param(entry, id=entry["name"]) for entry in OBJECTS["controller_credential_types"]])
def test_a_credential_type(credential_type: Values) -> None:
    assert credential_type["kind"] in ("cloud", "net"), "AWX allows no others, and inventory sources accept cloud only"
    fields = {field["id"]: field for field in credential_type["inputs"]["fields"]}
    assert len(fields) == len(credential_type["inputs"]["fields"])
    assert set(credential_type["inputs"]) <= {"fields", "required"}
    assert set(credential_type["inputs"]["required"]) <= set(fields)
    for name, field in fields.items():
        assert re.fullmatch(r"[a-zA-Z_]+[a-zA-Z0-9_]*", name)
        assert name != "tower"
        assert {"id", "label", "type"} <= set(field) <= {"id", "label", "type", "secret", "multiline", "format", "choices", "default", "help_text"}
        assert field["type"] in ("string", "boolean")
        assert field.get("secret", False) is (name in ("access_key_secret", "security_token", "initial_password"))


ENVIRONMENT_OF = {
    "access_key_id": "access_key",
    "access_key_secret": "secret_key",
    "security_token": "security_token",
    "region": "region",
    "endpoint": "endpoint",
}


def test_a_credential_injects_the_variables_that_the_collection_reads() -> None:
    credential_type = named("controller_credential_types", "Alibaba Cloud E-HPC")
    assert list(credential_type["injectors"]) == ["env"], "inventory updates get no variables"
    env = credential_type["injectors"]["env"]
    assert [name for name in env if name.startswith("ANSIBLE_") or name in BLOCKED or not re.fullmatch(r"[a-zA-Z_]+[a-zA-Z0-9_]*", name)] == []
    # AWX renders with the fields only; any other name in a template is an error.
    fields = {name: f"EXAMPLE-{name}" for name in ENVIRONMENT_OF}
    rendered = {name: ImmutableSandboxedEnvironment(undefined=StrictUndefined).from_string(template).render(fields) for name, template in env.items()}
    assert rendered == {ENVIRONMENT[option][0]: fields[field] for field, option in ENVIRONMENT_OF.items()}


def test_a_credential_takes_its_values_from_the_variables_that_it_injects() -> None:
    env = named("controller_credential_types", "Alibaba Cloud E-HPC")["injectors"]["env"]
    text = (AWX / "vars/credentials.yml").read_text(encoding="utf-8")
    for field in ENVIRONMENT_OF:
        (variable,) = [name for name, template in env.items() if template == "{{ %s }}" % field]
        assert f"{field}: \"{{{{ lookup('ansible.builtin.env', '{variable}') }}}}\"" in text


def test_the_initial_password() -> None:
    credential_type = named("controller_credential_types", "E-HPC initial password")
    assert credential_type["injectors"] == {"env": {"EHPC_INITIAL_PASSWORD": "{{ initial_password }}"}}
    assert credential_type["inputs"]["required"] == ["initial_password"]
    assert "ehpc_bootstrap_users" not in str(OBJECTS["controller_templates"]), "without users in the settings"


def test_names_are_unique() -> None:
    for kind, entries in OBJECTS.items():
        names = [entry["name"] for entry in entries]
        assert len(names) == len(set(names)) > 0, kind


def test_references_are_to_objects_that_are_applied_before() -> None:
    order = list(OBJECTS)
    for kind, references in REFERENCES.items():
        for entry in OBJECTS[kind]:
            for key, target in references.items():
                value = entry.get(key, [])
                named_here = {reference.split("++")[0] for reference in (value if isinstance(value, list) else [value])}
                assert named_here - {other["name"] for other in OBJECTS[target]} <= BUILT_IN, f"{entry['name']}: {key}"
                assert order.index(target) < order.index(kind)


def test_all_references_are_known() -> None:
    known = {"name", "description", "organization"}
    names = {entry["name"] for entries in OBJECTS.values() for entry in entries}
    for kind, entries in OBJECTS.items():
        for entry in entries:
            loose = {key for key, value in entry.items() if key not in known and {text.split("++")[0] for text in _own_texts(value)} & names}
            assert loose <= set(REFERENCES.get(kind, {})), f"{kind} {entry['name']}"


def _own_texts(value: t.Any) -> list[str]:
    """The string itself, or the strings of a list."""
    return [text for text in (value if isinstance(value, list) else [value]) if isinstance(text, str)]


def test_a_job_template_has_at_most_one_credential_of_a_type() -> None:
    for template in OBJECTS["controller_templates"]:
        types = [named("controller_credentials", name)["credential_type"] for name in template.get("credentials", [])]
        assert len(types) == len(set(types))


def test_playbooks_and_inventory_files_exist() -> None:
    for template in OBJECTS["controller_templates"]:
        plays = yaml.load((ROOT / template["playbook"]).read_text(encoding="utf-8"), Loader)
        assert all({"hosts", "ansible.builtin.import_playbook"} & set(play) for play in plays), "AWX lists only files with plays"
    for source in OBJECTS["controller_inventory_sources"]:
        assert yaml.load((ROOT / source["source_path"]).read_text(encoding="utf-8"), Loader)["plugin"] == "alicloud.ehpc.ehpc"


def test_the_project_has_the_version_of_the_collection() -> None:
    version = yaml.safe_load((ROOT / "galaxy.yml").read_text(encoding="utf-8"))["version"]
    assert str(site()["ehpc_awx_version"]) == version
    assert site()["ehpc_awx_image"].endswith(f":{version}")


@pytest.mark.parametrize("name", [template["name"] for template in OBJECTS["controller_templates"] if template["playbook"] == "playbooks/bootstrap.yml"])
def test_a_bootstrap_can_be_launched_as_a_preview(name: str) -> None:
    template = named("controller_templates", name)
    assert template["ask_job_type_on_launch"] is template["diff_mode"] is template["survey_enabled"] is True


@pytest.mark.parametrize("name", SURVEYS)
def test_a_survey(name: str) -> None:
    survey = SURVEYS[name]
    assert set(survey) == {"name", "description", "spec"}
    variables = [question["variable"] for question in survey["spec"]]
    assert len(variables) == len(set(variables)) > 0


@pytest.mark.parametrize("name", SURVEYS)
def test_only_the_cluster_id_is_required(name: str) -> None:
    assert {question["variable"] for question in SURVEYS[name]["spec"] if question["required"]} <= {"ehpc_bootstrap_cluster_id"}


@pytest.mark.parametrize("question", QUESTIONS)
def test_a_question(question: Values) -> None:
    kind = question["type"]
    assert set(question) <= {"question_name", "question_description", "variable", "type", "required", "default", "choices", "min", "max"}
    assert isinstance(question["question_name"], str)
    assert isinstance(question["required"], bool)
    assert isinstance(question.get("default", QUESTION_TYPES[kind]()), QUESTION_TYPES[kind])
    limits = [question[limit] for limit in ("min", "max") if limit in question]
    assert [limit for limit in limits if not isinstance(limit, int) or isinstance(limit, bool)] == []
    assert question["variable"] in ROLE_VARIABLES
    if kind == "multiplechoice":
        assert all(isinstance(choice, str) for choice in question["choices"]), "true and false need quotation marks to be strings"
        assert question["default"] in question["choices"]
        assert not question["required"], "AWX rejects launches by API, CLI, schedule and workflow without a required answer, even if it has a default"
    elif not question["required"]:
        assert not question.get("min"), "a minimum length makes an answer required"


def test_surveys_have_the_defaults_of_the_role() -> None:
    for survey in SURVEYS.values():
        for question in survey["spec"]:
            default = question.get("default", "")
            documented = ROLE_VARIABLES[question["variable"]].get("default", "")
            assert default == "" or str(default).lower() == str(documented).lower(), question["variable"]


@pytest.mark.parametrize("workflow", [pytest.param(entry, id=entry["name"]) for entry in OBJECTS["controller_workflows"]])
def test_the_nodes_of_a_workflow(workflow: Values) -> None:
    nodes = {node["identifier"]: node for node in workflow["workflow_nodes"]}
    assert len(nodes) == len(workflow["workflow_nodes"])
    asked = {question["variable"] for question in workflow.get("survey_spec", {}).get("spec", [])}
    for node in nodes.values():
        assert set(node["related"]) == {"success_nodes", "failure_nodes", "always_nodes", "credentials"}, "the module requires each, even if it is empty"
        after = [entry["identifier"] for key in ("success_nodes", "failure_nodes", "always_nodes") for entry in node["related"][key]]
        assert set(after) <= set(nodes)
        job = node["unified_job_template"]
        if job["type"] == "workflow_approval":
            assert (job["timeout"] > 0, node["related"]["failure_nodes"]) == (True, []), "a denied approval must not continue"
            continue
        template = named("controller_templates", job["name"])
        for prompt in ("job_type", "diff_mode"):
            assert prompt not in node or template[f"ask_{prompt}_on_launch"], f"AWX ignores {prompt} if the job template does not prompt for it"
        assert {question["variable"] for question in template.get("survey_spec", {}).get("spec", []) if question["required"]} <= asked


def test_a_workflow_changes_nothing_without_approval() -> None:
    for workflow in OBJECTS["controller_workflows"]:
        nodes = {node["identifier"]: node for node in workflow["workflow_nodes"]}
        approvals = [node for node in nodes.values() if node["unified_job_template"]["type"] == "workflow_approval"]
        approved = {entry["identifier"] for node in approvals for entry in node["related"]["success_nodes"]}
        reached = {entry["identifier"] for node in nodes.values() for key in ("failure_nodes", "always_nodes") for entry in node["related"][key]}
        reached |= {entry["identifier"] for node in nodes.values() if node not in approvals for entry in node["related"]["success_nodes"]}
        changing = {name for name, node in nodes.items() if node.get("job_type") == "run"}
        assert changing <= approved - reached


def test_messages_are_json_and_use_the_variables_of_awx() -> None:
    job = {"id": 1, "name": "EXAMPLE"}
    known = {"job": job, "job_friendly_name": "Job", "url": "https://awx.example.com/#/jobs/1"}
    approval = {"approval_node_name": "EXAMPLE", "workflow_url": "https://awx.example.com/#/jobs/workflow/1"}
    sandbox = ImmutableSandboxedEnvironment(undefined=StrictUndefined)
    for notification in OBJECTS["controller_notifications"]:
        messages = notification["messages"]
        assert set(messages) == {"started", "success", "error", "workflow_approval"}
        assert set(messages["workflow_approval"]) == {"running", "approved", "denied", "timed_out"}
        for body in texts({name: value for name, value in messages.items() if name != "workflow_approval"}):
            assert "EXAMPLE" in json.loads(sandbox.from_string(body).render(known))["text"]
        for body in texts(messages["workflow_approval"]):
            assert "EXAMPLE" in json.loads(sandbox.from_string(body).render(approval))["text"]


def test_templates_of_awx_are_unsafe() -> None:
    """Without !unsafe Ansible would evaluate the templates of injectors and messages."""
    for path in (AWX / "vars").glob("*.yml"):
        root = yaml.compose(path.read_text(encoding="utf-8"), Loader)
        for name, nodes in _scalars(root):
            if "injectors" in name or "messages" in name:
                assert [node.value for node in nodes if "{{" in node.value and node.tag != "!unsafe"] == []


def _scalars(node: t.Any, path: tuple[str, ...] = ()) -> list[tuple[tuple[str, ...], list[yaml.ScalarNode]]]:
    if isinstance(node, yaml.MappingNode):
        return [found for key, value in node.value for found in _scalars(value, (*path, key.value))]
    if isinstance(node, yaml.SequenceNode):
        return [found for value in node.value for found in _scalars(value, path)]
    return [(path, [node])]
