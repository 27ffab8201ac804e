# Copyright (c) 2026, the alicloud.ehpc contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The pattern for Ansible Automation Platform: its schema, and its job template compared with that of playbooks/awx."""

from __future__ import annotations

import json
import re
import typing as t
from pathlib import Path

import pytest
import yaml
from ansible_collections.alicloud.ehpc.tests.emulator import Emulator
from ansible_collections.alicloud.ehpc.tests.support.awx_data import ROOT, named
from ansible_collections.alicloud.ehpc.tests.support.awx_launching import Controller

from check.pattern import rendered

DIRECTORY = ROOT / "extensions/patterns/bootstrap_ehpc_cluster"
PATTERN: dict[str, t.Any] = json.loads((DIRECTORY / "meta/pattern.json").read_text(encoding="utf-8"))
RESOURCES = PATTERN["aap_resources"]
(TEMPLATE,) = RESOURCES["controller_job_templates"]
CLUSTER = "ehpc-hz-hybrid01"


def test_the_metadata() -> None:
    assert {"schema_version", "name", "title", "description", "short_description", "tags", "aap_resources"} == set(PATTERN) - {"$comment"}
    assert PATTERN["name"] == DIRECTORY.name
    assert re.fullmatch(r"[a-z0-9_]{1,64}", PATTERN["name"])
    assert len(PATTERN["title"]) <= 64
    assert not PATTERN["short_description"].endswith(".")
    assert set(RESOURCES) == {"controller_project", "controller_execution_environment", "controller_labels", "controller_job_templates"}
    assert {"name", "description"} == set(RESOURCES["controller_project"])


def test_the_job_template() -> None:
    assert (DIRECTORY / "playbooks" / TEMPLATE["playbook"]).is_file()
    assert TEMPLATE["primary"] is True
    assert TEMPLATE["execution_environment"] == RESOURCES["controller_execution_environment"]["name"]
    assert set(TEMPLATE["labels"]) <= set(RESOURCES["controller_labels"])
    assert re.fullmatch(r"[a-z0-9_-]+/[a-z0-9_-]+", RESOURCES["controller_execution_environment"]["image_name"])
    for question in TEMPLATE["survey"]["spec"]:
        assert {"type", "question_name", "question_description", "variable", "required"} <= set(question)
        assert re.fullmatch(r"[a-z0-9_]{1,64}", question["variable"])
        assert isinstance(question.get("default", ""), str)


def test_the_survey_is_that_of_the_job_template() -> None:
    survey = named("controller_templates", "Bootstrap E-HPC cluster")["survey_spec"]
    kept = [{key: value for key, value in question.items() if key not in ("min", "max")} for question in survey["spec"]]
    assert {**survey, "spec": kept} == TEMPLATE["survey"]
    assert TEMPLATE["survey_enabled"] is True, "otherwise AWX ignores the answers"


def test_a_launch_can_be_of_the_type_check() -> None:
    assert TEMPLATE["ask_job_type_on_launch"] is True, "otherwise AWX ignores the type, and the job writes"


def test_the_playbook_documents_the_questions() -> None:
    specs = yaml.safe_load((DIRECTORY / "playbooks/bootstrap.meta.yml").read_text(encoding="utf-8"))["argument_specs"]
    assert {name: option["required"] for name, option in specs["bootstrap"]["options"].items()} == {
        question["variable"]: question["required"] for question in TEMPLATE["survey"]["spec"]
    }


@pytest.mark.parametrize("path", rendered(), ids=lambda path: path.name)
def test_generated_files_are_up_to_date(path: Path) -> None:
    assert path.read_text(encoding="utf-8") == rendered()[path], "run make pattern"


PLAYBOOK = f"extensions/patterns/{DIRECTORY.name}/playbooks/{TEMPLATE['playbook']}"
# With the choices of the launch, and with the keys of playbooks/awx.
LAUNCHED = {**TEMPLATE, "playbook": PLAYBOOK, "survey_spec": TEMPLATE["survey"], "inventory": "", "credentials": ["E-HPC"]}


def test_a_job(awx: Controller, emulator: Emulator) -> None:
    job = awx.launch("pattern", {"ehpc_bootstrap_cluster_id": CLUSTER, "ehpc_bootstrap_post_scripts": "/opt/a.sh"}, template=LAUNCHED)
    assert job.code == 0
    assert job.artifacts["ehpc_bootstrap"][CLUSTER]["post_scripts"] == [{"url": "/opt/a.sh", "args": ""}]
    assert emulator.state.clusters[CLUSTER].post_scripts == [{"url": "/opt/a.sh", "args": ""}]


def test_a_job_of_the_type_check_writes_nothing(awx: Controller, emulator: Emulator) -> None:
    given = {"ehpc_bootstrap_cluster_id": CLUSTER, "ehpc_bootstrap_post_scripts": "/opt/a.sh"}
    job = awx.launch("pattern", given, job_type="check", template=LAUNCHED)
    assert (job.code, {"SetPostScripts", "SyncUsers"} & set(emulator.actions())) == (0, set())
    assert job.artifacts["ehpc_bootstrap"][CLUSTER]["post_scripts_changed"] is True
