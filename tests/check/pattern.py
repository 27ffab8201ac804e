# Copyright (c) 2026, the alicloud.ehpc contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Write the survey of the job template for one cluster into the pattern for Ansible Automation Platform.

python tests/check/pattern.py: writes the job template of pattern.json and the options of bootstrap.meta.yml; the rest of both files stays.
"""

from __future__ import annotations

import json
import textwrap
import typing as t
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "playbooks/awx/vars/jt_bootstrap.yml"
PATTERN = ROOT / "extensions/patterns/bootstrap_ehpc_cluster/meta/pattern.json"
PLAYBOOK_SPEC = ROOT / "extensions/patterns/bootstrap_ehpc_cluster/playbooks/bootstrap.meta.yml"
# The keys that the job template of the pattern has in common with that of playbooks/awx, in addition to the survey.
SHARED = (
    "name",
    "description",
    "job_type",
    "ask_job_type_on_launch",
    "diff_mode",
    "ask_diff_mode_on_launch",
    "ask_verbosity_on_launch",
    "allow_simultaneous",
    "survey_enabled",
)
Values = dict[str, t.Any]


def rendered() -> dict[Path, str]:
    """The text that each of the files should have."""
    template = yaml.safe_load(SOURCE.read_text(encoding="utf-8"))["controller_templates_bootstrap"][0]
    return {PATTERN: _pattern(template), PLAYBOOK_SPEC: _playbook_spec(template["survey_spec"]["spec"])}


def _pattern(template: Values) -> str:
    pattern = json.loads(PATTERN.read_text(encoding="utf-8"))
    (target,) = pattern["aap_resources"]["controller_job_templates"]
    survey = template["survey_spec"]
    # Patterns do not support limits on the length of an answer.
    spec = [{key: value for key, value in question.items() if key not in ("min", "max")} for question in survey["spec"]]
    target.pop("survey")
    target.update({key: template[key] for key in SHARED}, survey={**survey, "spec": spec})
    return json.dumps(pattern, indent=2) + "\n"


def _playbook_spec(questions: list[Values]) -> str:
    heading = "    options:\n"
    kept = PLAYBOOK_SPEC.read_text(encoding="utf-8").partition(heading)[0]
    options = yaml.safe_dump({question["variable"]: _option(question) for question in questions}, sort_keys=False, width=120)
    return kept + heading + textwrap.indent(options, " " * 6)


def _option(question: Values) -> Values:
    default = {"default": question["default"]} if question.get("default") else {}
    return {"type": "raw", "required": question["required"], **default, "description": f"{question['question_name']}. {question['question_description']}"}


if __name__ == "__main__":
    for path, text in rendered().items():
        path.write_text(text, encoding="utf-8")
