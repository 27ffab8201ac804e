# Copyright (c) 2026, the alicloud.ehpc contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The pattern for Ansible Automation Platform: its own rules, and that it does what the job template of playbooks/awx does."""

from __future__ import annotations

import json
import re
import typing as t

import yaml
from launching import ROOT, Controller, named

from emulator import Emulator

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


def test_the_playbook_documents_the_questions() -> None:
    specs = yaml.safe_load((DIRECTORY / "playbooks/bootstrap.meta.yml").read_text(encoding="utf-8"))["argument_specs"]
    assert list(specs) == ["bootstrap"]
    options = specs["bootstrap"]["options"]
    assert {name: option.get("required", False) for name, option in options.items()} == {
        question["variable"]: question["required"] and "default" not in question for question in TEMPLATE["survey"]["spec"]
    }


def test_a_job(awx: Controller, emulator: Emulator) -> None:
    wanted = {**TEMPLATE, "playbook": f"extensions/patterns/{DIRECTORY.name}/playbooks/{TEMPLATE['playbook']}", "survey_spec": TEMPLATE["survey"]}
    wanted |= {"job_type": "run", "inventory": "", "credentials": ["E-HPC"]}
    job = awx.launch("pattern", {"ehpc_bootstrap_cluster_id": CLUSTER, "ehpc_bootstrap_post_scripts": "/opt/a.sh"}, template=wanted)
    assert job.code == 0
    assert job.artifacts["ehpc_bootstrap"][CLUSTER]["post_scripts"] == [{"url": "/opt/a.sh", "args": ""}]
    assert emulator.state.clusters[CLUSTER].post_scripts == [{"url": "/opt/a.sh", "args": ""}]
