# Copyright (c) 2026, the alicloud.ehpc contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Jobs, from the answers of a survey to the artifacts and the state of the service."""

from __future__ import annotations

import json
import re
import subprocess
import typing as t
from pathlib import Path

import pytest
import yaml
from ansible_collections.alicloud.ehpc.plugins.module_utils._arguments import request_settings, resolve
from ansible_collections.alicloud.ehpc.tests.emulator import Emulator
from ansible_collections.alicloud.ehpc.tests.support.awx_data import ACCESS_KEY, BIN, USERS, named, objects
from ansible_collections.alicloud.ehpc.tests.support.awx_launching import Controller, Job, injected
from ansible_collections.alicloud.ehpc.tests.support.awx_surveys import Rejected, accepted, questions

ONE, FLEET = "Bootstrap E-HPC cluster", "Bootstrap E-HPC fleet"
CLUSTER, PUBLIC = "ehpc-hz-hybrid01", "ehpc-hz-public01"
LINES = "https://scripts.example.com/base.sh --mode hybrid\r\n\r\n# mount\r\n/opt/mount.sh\t'a b'\r\n"
STORED = [{"url": "https://scripts.example.com/base.sh", "args": "--mode hybrid"}, {"url": "/opt/mount.sh", "args": "'a b'"}]
TEMPLATE = named("controller_templates", ONE)
# Takes any variable, as AWX does for the jobs of a workflow.
UNCHECKED = {**TEMPLATE, "survey_enabled": False, "ask_variables_on_launch": True}
OPTIONAL_TEXTS = [entry["variable"] for entry in questions(TEMPLATE) if entry["type"] in ("text", "textarea") and not entry["required"]]


def answers(cluster_id: str = CLUSTER, /, **given: t.Any) -> dict[str, t.Any]:
    """The answers of a survey. The scripts of these tests cannot be fetched, so nothing checks them."""
    given = {"preflight": "off", **given} if "post_scripts" in given else given
    return {"ehpc_bootstrap_cluster_id": cluster_id, **{f"ehpc_bootstrap_{name}": value for name, value in given.items()}}


def result(job: Job, cluster_id: str = CLUSTER) -> dict[str, t.Any]:
    return t.cast("dict[str, t.Any]", job.artifacts["ehpc_bootstrap"][cluster_id])


def stored(emulator: Emulator, cluster_id: str = CLUSTER) -> list[dict[str, str]]:
    return [{"url": script["url"], "args": script["args"]} for script in emulator.state.clusters[cluster_id].post_scripts]


def writes(emulator: Emulator) -> list[str]:
    return [action for action in emulator.actions() if action in ("SetPostScripts", "SyncUsers")]


def inputs_of(awx: Controller, emulator: Emulator, name: str) -> dict[str, t.Any]:
    """The fields of a credential with this key of the emulator."""
    key = emulator.credential(name)
    return {**awx.inputs, "access_key_id": key.access_key, "access_key_secret": key.secret_key, "security_token": key.security_token}


def test_preview_then_run_then_again(awx: Controller, emulator: Emulator) -> None:
    given = answers(post_scripts=LINES, expected_users="hpcuser01, physics01")
    before = stored(emulator)

    preview = awx.launch(ONE, given, job_type="check")
    assert (preview.code, writes(emulator), stored(emulator)) == (0, [], before)
    assert "/opt/mount.sh" in preview.stdout.split("+++")[1], "the difference is shown"
    assert result(preview)["post_scripts_changed"] is True
    assert result(preview)["users_missing"] == ["physics01"]

    run = awx.launch(ONE, given)
    assert (run.code, writes(emulator), stored(emulator)) == (0, ["SetPostScripts", "SyncUsers"], STORED)
    assert set(run.artifacts) == {"ehpc_bootstrap"}
    expected = {
        "cluster_id": CLUSTER,
        "region": "cn-hangzhou",
        "status": "running",
        "post_scripts_changed": True,
        "post_scripts": STORED,
        "previous_post_scripts": before,
        "users_synced": True,
        "users_added": ["chem01", "chem02", "hpcuser03", "physics01"],
        "users_missing": [],
    }
    assert {key: result(run)[key] for key in expected} == expected
    assert re.search(rf"^{CLUSTER} +cn-hangzhou +running +changed +changed \(4 added\)$", run.stdout, re.MULTILINE), "the table is shown"

    emulator.forget()
    assert awx.launch(ONE, given).code == 0
    assert emulator.actions() == ["DescribeCluster", "GetPostScripts", "ListUsers"]


def test_a_launch_with_only_the_cluster_id(awx: Controller, emulator: Emulator) -> None:
    job = awx.launch(ONE, answers(PUBLIC))
    assert (job.code, emulator.actions()) == (0, ["DescribeCluster"])


def test_users_with_the_initial_password_of_the_credential(awx: Controller, emulator: Emulator) -> None:
    (template,) = [entry for entry in objects(USERS, ACCESS_KEY)["controller_templates"] if entry["name"] == ONE]
    job = awx.launch(ONE, answers(PUBLIC), template=template)
    assert job.code == 0, job.stdout
    assert result(job, PUBLIC)["users_added"] == ["hpcadmin01"]
    user = emulator.state.clusters[PUBLIC].users["hpcadmin01"]
    assert (user.group, user.password) == ("wheel", awx.inputs["initial_password"])


def test_blank_answers_change_nothing(awx: Controller, emulator: Emulator) -> None:
    before = stored(emulator, PUBLIC)
    blank = {variable: "  " * (number % 2) for number, variable in enumerate(OPTIONAL_TEXTS)}
    job = awx.launch(ONE, {**answers(PUBLIC), **blank})
    assert (job.code, emulator.actions(), stored(emulator, PUBLIC)) == (0, ["DescribeCluster"], before)


def test_without_a_survey_the_role_has_the_same_defaults(awx: Controller, emulator: Emulator) -> None:
    job = awx.launch(ONE, answers(PUBLIC), template=UNCHECKED)
    assert (job.code, emulator.actions()) == (0, ["DescribeCluster"])


REFUSED: dict[str, tuple[dict[str, t.Any], str]] = {
    "no cluster id": ({"region": "cn-hangzhou"}, "'ehpc_bootstrap_cluster_id' value missing"),
    "empty cluster id": ({"cluster_id": ""}, "'ehpc_bootstrap_cluster_id' value  is too small (length is 0 must be at least 1)."),
    "null": ({"cluster_id": CLUSTER, "region": None}, "Value None for 'ehpc_bootstrap_region' expected to be a string."),
    "list": ({"cluster_id": CLUSTER, "post_scripts": []}, "Value [] for 'ehpc_bootstrap_post_scripts' expected to be a string."),
    "boolean": (
        {"cluster_id": CLUSTER, "post_scripts_purge": True},
        "Value True for 'ehpc_bootstrap_post_scripts_purge' expected to be one of ['true', 'false'].",
    ),
    "blank choice": ({"cluster_id": CLUSTER, "sync_users": ""}, "Value  for 'ehpc_bootstrap_sync_users' expected to be one of ['auto', 'true', 'false']."),
}


@pytest.mark.parametrize("case", REFUSED)
def test_answers_that_awx_refuses_start_no_job(awx: Controller, case: str) -> None:
    given, message = REFUSED[case]
    with pytest.raises(Rejected) as refused:
        awx.launch(ONE, {f"ehpc_bootstrap_{name}": value for name, value in given.items()})
    assert refused.value.messages == [message]


def test_a_variable_without_a_question_does_not_reach_the_job() -> None:
    assert accepted(TEMPLATE, {**answers(PUBLIC), "ehpc_bootstrap_wait_timeout": "soon"}) == answers(PUBLIC)


def test_an_empty_list_removes_the_scripts(awx: Controller, emulator: Emulator) -> None:
    assert stored(emulator) != []
    job = awx.launch(ONE, answers(post_scripts="[]", sync_users="false"))
    assert (job.code, stored(emulator)) == (0, [])


class Hostile:
    """Strings that create a file if anything evaluates them."""

    def __init__(self, directory: Path) -> None:
        self.mark = directory / "mark"

    def __call__(self, space: str = "") -> str:
        return "{{%slookup('pipe','touch${IFS}%s')%s}}" % (space, self.mark, space)

    def statement(self) -> str:
        return "{%% if lookup('pipe', 'touch %s') %%}{%% endif %%}" % self.mark

    def evaluated(self) -> bool:
        return self.mark.exists()


@pytest.fixture
def hostile(tmp_path: Path) -> Hostile:
    return Hostile(tmp_path)


def test_the_hostile_string_does_harm_if_it_is_evaluated(hostile: Hostile) -> None:
    command = [str(BIN / "ansible"), "localhost", "-m", "ansible.builtin.debug", "-a", "var=it", "-e", json.dumps({"it": hostile()})]
    subprocess.run(command, check=True, capture_output=True, timeout=60)
    assert hostile.evaluated()


def test_hostile_scripts_and_users_are_strings(awx: Controller, emulator: Emulator, hostile: Hostile) -> None:
    lines = f"https://scripts.example.com/{hostile()}.sh {hostile(' ')}\n/opt/b.sh {hostile.statement()}"
    users = ["hpcuser01", hostile(), hostile.statement().replace(" ", "")]
    given = answers(post_scripts=lines, expected_users=json.dumps(users), sync_timeout="1")
    job = awx.launch(ONE, given, template=UNCHECKED)
    assert not hostile.evaluated()
    assert stored(emulator) == [
        {"url": f"https://scripts.example.com/{hostile()}.sh", "args": hostile(" ")},
        {"url": "/opt/b.sh", "args": hostile.statement()},
    ]
    assert result(job)["post_scripts"] == stored(emulator)
    assert set(result(job)["users_missing"]) == {*users} - {"hpcuser01"}


def test_hostile_yaml_is_a_string(awx: Controller, emulator: Emulator, hostile: Hostile) -> None:
    scripts = [{"url": f"https://scripts.example.com/{hostile()}", "args": [hostile(" "), "b"]}]
    job = awx.launch(ONE, answers(post_scripts=yaml.safe_dump(scripts), sync_users="false"))
    assert (job.code, hostile.evaluated()) == (0, False)
    assert result(job)["post_scripts"] == stored(emulator)
    assert stored(emulator)[0]["url"].endswith(hostile())


# A mistake is reported before the first call. A cluster ID and a region reach the modules.
@pytest.mark.parametrize("variables", [["post_scripts_purge", "post_scripts", "sync_users", "wait_timeout"], ["cluster_id"], ["region"]], ids=" ".join)
def test_hostile_answers_fail_without_evaluation(awx: Controller, emulator: Emulator, hostile: Hostile, variables: list[str]) -> None:
    """Also without validation by AWX, as in the jobs of a workflow."""
    before = stored(emulator)
    job = awx.launch(ONE, answers(**{"post_scripts": "/opt/a.sh", **dict.fromkeys(variables, hostile())}), template=UNCHECKED)
    assert (job.code, hostile.evaluated(), writes(emulator), stored(emulator)) == (2, False, [], before)
    (message,) = job.failures()
    assert len(variables) == 1 or [name for name in variables if f"ehpc_bootstrap_{name} " not in message] == []


def test_mistakes_get_a_message_that_names_the_answers(awx: Controller, emulator: Emulator) -> None:
    given = {
        "post_scripts": "- url: https://scripts.example.com/a.sh\n  args: a: b",
        "post_scripts_purge": "perhaps",
        "expected_users": "hpcuser01 hpcuser02",
        "wait_timeout": "soon",
    }
    words = ["YAML", "line 2", "quotation marks", "true or false", "perhaps", "hpcuser01 hpcuser02", "one name per line", "commas", "soon"]
    job = awx.launch(ONE, answers(**given), template=UNCHECKED)
    (message,) = job.failures()
    assert [word for word in [*(f"ehpc_bootstrap_{name} " for name in given), *words] if word not in message] == []
    assert [word for word in ("filter", "error was", "Traceback", "templat") if word in message] == [], "nobody who fills in a survey knows what these are"
    assert result(job)["error"] == message
    assert (job.code, emulator.actions()) == (2, []), "nobody waits for the cluster first, and nothing is half done"


def test_blank_fields_of_a_credential_do_no_harm(awx: Controller, emulator: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    blank = {**awx.inputs, "security_token": "", "region": ""}
    local = {"ansible_connection": "local"}
    hosts = {PUBLIC: {"ehpc_cluster_id": PUBLIC, "ehpc_region": "cn-hangzhou", **local}, CLUSTER: {"ehpc_cluster_id": CLUSTER, **local}}
    job = awx.launch(FLEET, {}, inputs=blank, hosts=hosts, groups={"ehpc_clusters": [*hosts]})
    assert "error" not in result(job, PUBLIC)
    assert "No region is given" in result(job)["error"]

    for name, value in injected(named("controller_credential_types", "Alibaba Cloud E-HPC"), {}).items():
        assert value == ""
        monkeypatch.setenv(name, value)
    assert request_settings(resolve({}), "cn-hangzhou").url == "https://ehpc.cn-hangzhou.aliyuncs.com"


def test_a_temporary_key(awx: Controller, emulator: Emulator) -> None:
    job = awx.launch(ONE, answers(PUBLIC), inputs=inputs_of(awx, emulator, "temporary"))
    assert (job.code, emulator.actions()) == (0, ["DescribeCluster"])


def test_a_fleet_from_its_inventory(awx: Controller, emulator: Emulator) -> None:
    hosts, groups = awx.update("E-HPC clusters", {**awx.inputs, "region": ""})
    assert set(hosts) == set(groups["ehpc_clusters"]) == set(emulator.state.clusters)
    assert groups["region_cn_shanghai"] == ["ehpc-sh-large01"]
    # AWX stores what ansible-inventory prints, and compares it with enabled_value, for example.
    assert (hosts[CLUSTER]["ehpc_status"], "__ansible_unsafe" in json.dumps(hosts)) == ("running", False)
    assert set(groups["hybrid"]) >= {CLUSTER, "ehpc-hz-hybrid02"}

    given = {"ehpc_bootstrap_post_scripts": "/opt/a.sh", "ehpc_bootstrap_sync_users": "auto", "ehpc_bootstrap_expected_users": "hpcuser01"}
    limit = f"{CLUSTER},ehpc-sg-broken01,ehpc-hz-hybrid02"
    job = awx.launch(FLEET, given, hosts=hosts, groups=groups, limit=limit)
    assert job.code == 2
    assert set(job.artifacts["ehpc_bootstrap"]) == set(limit.split(","))
    assert "exception" in result(job, "ehpc-sg-broken01")["error"]
    assert stored(emulator) == stored(emulator, "ehpc-hz-hybrid02") == [{"url": "/opt/a.sh", "args": ""}]
    assert stored(emulator, PUBLIC) != [{"url": "/opt/a.sh", "args": ""}]


def test_an_inventory_update_with_one_region(awx: Controller, emulator: Emulator) -> None:
    hosts, _groups = awx.update("E-HPC clusters", {**awx.inputs, "region": "cn-shanghai"})
    assert list(hosts) == ["ehpc-sh-large01"]


def test_an_inventory_update_with_an_expired_token(awx: Controller, emulator: Emulator) -> None:
    with pytest.raises(ValueError, match=r"InvalidSecurityToken\.Expired"):
        awx.update("E-HPC clusters", inputs_of(awx, emulator, "expired"), code=1)
