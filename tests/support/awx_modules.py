# Copyright (c) 2026, the alicloud.ehpc contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Stand-ins for the modules of awx.awx. They store the objects in a file, and resolve references as the real modules do.

The tests have neither the collection awx.awx nor a controller. The stand-ins have the documented options of the real modules, and Ansible
validates names and types.
"""

from __future__ import annotations

import json
import typing as t
from pathlib import Path

Options = dict[str, str]


def options(texts: str = "", bools: str = "", ints: str = "", dicts: str = "", names: str = "", nodes: str = "") -> Options:
    """The options of a module by name, with their types; name and description are always included."""
    kinds = {"str": f"name description {texts}", "bool": bools, "int": ints, "dict": dicts, "list of str": names, "list of dict": nodes}
    return {name: kind for kind, words in kinds.items() for name in words.split()}


PROMPTS = " ".join(f"ask_{prompt}_on_launch" for prompt in ("credential", "diff_mode", "inventory", "job_type", "limit", "tags", "variables", "verbosity"))
NOTIFIED = "notification_templates_started notification_templates_success notification_templates_error"
# The options of each module, as far as a task could use them.
MODULES: dict[str, Options] = {
    "organization": options("default_environment", ints="max_hosts", names=f"{NOTIFIED} galaxy_credentials"),
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
    "schedule": options("organization unified_job_template rrule job_type limit", bools="enabled diff_mode", dicts="extra_data"),
}
# The kind of object that an option refers to. Some options search only within the organization of the task.
REFERENCES: dict[str, str] = {
    "organization": "organization",
    "credential_type": "credential_type",
    "credential": "credential",
    "credentials": "credential",
    "default_environment": "execution_environment",
    "execution_environment": "execution_environment",
    "inventory": "inventory",
    "project": "project",
    "source_project": "project",
    "unified_job_template": "job_template",
    "notification_templates_started": "notification_template",
    "notification_templates_success": "notification_template",
    "notification_templates_error": "notification_template",
    "notification_templates_approvals": "notification_template",
}
WITHIN_ORGANIZATION = [
    ("inventory_source", "inventory"),
    ("inventory_source", "source_project"),
    ("job_template", "project"),
    ("schedule", "unified_job_template"),
]
# The objects of a new controller.
EMPTY = [
    {"module": "organization", "name": "Default"},
    {"module": "credential_type", "name": "Source Control", "kind": "scm"},
    {"module": "credential_type", "name": "Container Registry", "kind": "registry"},
]
STAND_IN = """
import json, os
from ansible.plugins.action import ActionBase

MODULE, TYPES, REFERENCES, WITHIN = json.loads({constants!r})

class Failure(Exception):
    pass

class ActionModule(ActionBase):
    def run(self, tmp=None, task_vars=None):
        result = super().run(tmp, task_vars)
        spec = {{}}
        for name, kind in TYPES.items():
            kind, _of, elements = kind.partition(" of ")
            spec[name] = {{"type": kind, "elements": elements}} if elements else {{"type": kind}}
        _validation, params = self.validate_argument_spec(spec)
        with open(os.environ["STAND_IN_LOG"], "a") as log:
            log.write(json.dumps([MODULE, params]) + "\\n")
        with open(os.environ["STAND_IN_STATE"]) as stored:
            state = json.load(stored)
        try:
            added = added_by(params, state, self._task.check_mode)
        except Failure as failure:
            return dict(result, failed=True, msg=str(failure))
        except TypeError as error:
            return dict(result, failed=True, rc=1, msg="MODULE FAILURE: See stdout/stderr for the exact error", module_stderr=str(error))
        if not self._task.check_mode:
            with open(os.environ["STAND_IN_STATE"], "w") as stored:
                json.dump(state + added, stored)
        return dict(result, changed=bool(added))


def added_by(params, state, check_mode):
    def matching(kind, name, organization):
        found = [entry for entry in state if entry["module"] == kind and entry["name"] == name]
        return [entry for entry in found if organization is None or entry.get("organization") == organization]

    def resolve(option, name):
        kind = REFERENCES[option]
        parts = name.split("++")
        if len(parts) > 1:
            found = matching(kind, parts[0], parts[-1])
            if kind == "credential":
                types = ["%s+%s" % (entry["name"], entry["kind"]) for entry in state if entry["module"] == "credential_type"]
                found = [entry for entry in found if parts[1] in types and parts[1].startswith(entry["credential_type"] + "+")]
            if not found:
                raise Failure("The requested object could not be found at /api/v2/%ss/%s/." % (kind, name))
            return
        found = matching(kind, name, params["organization"] if [MODULE, option] in WITHIN else None)
        if MODULE == "schedule" and option == "unified_job_template" and not found:
            None["id"]
        if len(found) != 1:
            raise Failure("Request to /api/v2/%ss/?name=%s returned %d items, expected 1" % (kind, name, len(found)))

    for option in REFERENCES:
        names = params.get(option) or []
        for name in names if isinstance(names, list) else [names]:
            resolve(option, name)
    for node in params.get("workflow_nodes") or []:
        job = node["unified_job_template"]
        if not check_mode and job["type"] == "job_template" and not matching("job_template", job["name"], job["organization"]["name"]):
            raise Failure("Unable to Find unified_job_template: %s" % job)
    # These names are global in AWX.
    own = None if MODULE in ("organization", "credential_type", "execution_environment") else params.get("organization")
    existing = matching(MODULE, params["name"], own)
    if MODULE == "host":
        existing = [entry for entry in existing if entry["inventory"] == params["inventory"]]
    if existing and existing[0].get("organization") != params.get("organization"):
        raise Failure("Unable to update %s, its organization cannot be changed" % MODULE)
    kept = {{name: params.get(name) for name in ("name", "organization", "kind", "credential_type", "inventory")}}
    return [] if existing else [dict(kept, module=MODULE)]
"""


def install(collections: Path) -> None:
    """Write the stand-ins into the collection awx.awx of this directory, as action plugins, which need no process per task."""
    plugins = collections / "ansible_collections/awx/awx/plugins/action"
    plugins.mkdir(parents=True)
    for module, types in MODULES.items():
        references = {option: kind for option, kind in REFERENCES.items() if option in types}
        constants: list[t.Any] = [module, types, references, WITHIN_ORGANIZATION]
        (plugins / f"{module}.py").write_text(STAND_IN.format(constants=json.dumps(constants)), encoding="utf-8")
