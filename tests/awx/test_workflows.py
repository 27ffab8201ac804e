# Copyright (c) 2026, the alicloud.ehpc contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Workflows: the artifacts that a job passes to the next one, approval, and failures."""

from __future__ import annotations

import json
import re
import threading
import typing as t
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import yaml
from ansible_collections.alicloud.ehpc.tests.emulator import Emulator
from ansible_collections.alicloud.ehpc.tests.support import awx_data, awx_launching
from ansible_collections.alicloud.ehpc.tests.support.awx_launching import Controller, Job

WORKFLOW = "Bootstrap E-HPC cluster with approval"
REPORT = "Report E-HPC bootstrap"
CLUSTER = "ehpc-hz-hybrid01"
SCRIPTS = "https://scripts.example.com/base.sh --mode hybrid"
STORED = [{"url": "https://scripts.example.com/base.sh", "args": "--mode hybrid"}]


def stored(emulator: Emulator) -> list[t.Any]:
    return [{"url": script["url"], "args": script["args"]} for script in emulator.state.clusters[CLUSTER].post_scripts]


DONE = {
    "region": "cn-hangzhou",
    "status": "running",
    "post_scripts_changed": False,
    "post_scripts": [],
    "users_synced": False,
    "users_added": [],
    "users_missing": [],
}
GIVEN = {"ehpc_bootstrap_cluster_id": CLUSTER, "ehpc_bootstrap_post_scripts": SCRIPTS, "ehpc_bootstrap_preflight": "off"}


def ended(artifacts: dict[str, t.Any]) -> Job:
    """A job that ended with these artifacts."""
    return Job(0, "", [{"event": "playbook_on_stats", "event_data": {"artifact_data": artifacts}}])


PREVIEW = ended({"ehpc_bootstrap": {CLUSTER: {**DONE, "post_scripts_state": "would change", "users_state": "would change"}}})
CHECK = ended({"ehpc_bootstrap": {}, "ehpc_preview_unchanged": {}})


def test_denied_then_approved(awx: Controller, emulator: Emulator) -> None:
    given, before = {**GIVEN, "ehpc_bootstrap_expected_users": "physics01"}, stored(emulator)
    denied = awx.run_workflow(WORKFLOW, given, approve=lambda: False)
    assert (list(denied.jobs), denied.failed) == (["preview", "check"], True)
    assert (stored(emulator), {"SetPostScripts", "SyncUsers"} & set(emulator.actions())) == (before, set())
    previewed = denied.jobs["preview"].artifacts["ehpc_bootstrap"][CLUSTER]
    assert [previewed[name] for name in ("users_missing", "post_scripts_state", "users_state")] == [["physics01"], "would change", "would change"]
    assert denied.jobs["check"].artifacts == CHECK.artifacts

    workflow = awx.run_workflow(WORKFLOW, given, ended=denied.jobs)
    assert ({name: job.code for name, job in workflow.jobs.items()}, workflow.failed) == ({"preview": 0, "check": 0, "apply": 0, "report": 0}, False)
    assert stored(emulator) == STORED
    assert workflow.jobs["apply"].artifacts["ehpc_bootstrap"][CLUSTER]["users_missing"] == [], "the artifacts of the preview are replaced"
    assert re.search(rf"{CLUSTER} .*4 added", workflow.jobs["report"].stdout)


def test_a_preview_that_fails_makes_the_workflow_fail(awx: Controller) -> None:
    workflow = awx.run_workflow(WORKFLOW, {"ehpc_bootstrap_cluster_id": "ehpc-hz-NONE"})
    assert list(workflow.jobs) == ["preview", "report"]
    assert workflow.failed
    assert "does not exist" in workflow.jobs["report"].stdout


def test_an_apply_that_fails_makes_the_workflow_fail(awx: Controller, emulator: Emulator) -> None:
    """The cluster stops while the workflow waits for approval."""

    def approve() -> bool:
        emulator.state.clusters[CLUSTER].status = "stopped"
        return True

    workflow = awx.run_workflow(WORKFLOW, GIVEN, approve=approve, ended={"preview": PREVIEW, "check": CHECK})
    assert (workflow.jobs["apply"].code, workflow.failed) == (2, True)
    assert f"Not bootstrapped: {CLUSTER}." in workflow.jobs["report"].stdout


@pytest.mark.parametrize("before", [{}, {"preview": PREVIEW}, {"preview": PREVIEW, "check": CHECK}], ids=["preview", "check", "apply"])
def test_a_job_without_a_result_makes_the_workflow_fail(awx: Controller, before: dict[str, Job], request: pytest.FixtureRequest) -> None:
    """Its image cannot be pulled, or it was canceled. The results of the preview do not count as its results."""
    lost = {request.node.callspec.id: Job(1, "", [])}
    workflow = awx.run_workflow(WORKFLOW, GIVEN, ended={**before, **lost})
    *others, report = workflow.jobs.values()
    assert (others, workflow.failed) == ([*before.values(), *lost.values()], True)
    assert (report.code, "the previous jobs ended without a result" in report.stdout) == (2, True)


STATES: dict[str, tuple[dict[str, t.Any], bool]] = {
    "scripts": ({"post_scripts_state": "would change", "users_state": "not managed"}, True),
    "users": ({"post_scripts_state": "not managed", "users_state": "would change"}, True),
    "nodes": ({"post_scripts_state": "unchanged", "users_state": "unchanged", "nodes_run": {"compute000": "unchanged", "compute001": "would_run"}}, True),
    "not known": ({"post_scripts_state": "unchanged", "users_state": "not known yet"}, True),
    "no states": ({}, True),
    "nothing": ({"post_scripts_state": "unchanged", "users_state": "unchanged", "nodes_run": {"compute000": "unchanged"}}, False),
    "not managed": ({"post_scripts_state": "not managed", "users_state": "not applicable (no proxy mode)"}, False),
}


def test_only_changes_need_approval(awx: Controller) -> None:
    """The condition of the node, evaluated for each of these results."""
    (check,) = yaml.safe_load((awx_data.ROOT / "playbooks/awx/check_preview.yml").read_text(encoding="utf-8"))
    results = [{"ehpc-hz-EXAMPLE": {**DONE, **states}} for states, _changes in STATES.values()]
    task = {"ansible.builtin.debug": {"msg": "{{ preview_is_unchanged | bool }}"}, "loop": results, "loop_control": {"loop_var": "ehpc_bootstrap"}}
    play = {"hosts": "localhost", "gather_facts": False, "vars": check["vars"], "tasks": [task]}
    template = {"name": "EXAMPLE", "playbook": "example.yml", "inventory": ""}
    job = awx.launch("EXAMPLE", {}, template=template, files={"example.yml": json.dumps([play])})
    unchanged = [str(event["event_data"]["res"]["msg"]) == "True" for event in job.events if event["event"] == "runner_item_on_ok"]
    assert dict(zip(STATES, unchanged)) == {name: not changes for name, (_states, changes) in STATES.items()}


def test_without_changes_no_approval_is_requested(awx: Controller, emulator: Emulator) -> None:
    emulator.state.clusters[CLUSTER].post_scripts = [dict(script) for script in STORED]
    workflow = awx.run_workflow(WORKFLOW, {**GIVEN, "ehpc_bootstrap_expected_users": "hpcuser01"}, approve=lambda: pytest.fail("the approval is requested"))
    assert ({name: job.code for name, job in workflow.jobs.items()}, workflow.failed) == ({"preview": 0, "check": 2, "unchanged": 0}, False)
    artifacts = workflow.jobs["check"].artifacts
    assert (artifacts["ehpc_bootstrap"], list(artifacts["ehpc_preview_unchanged"])) == ({}, [CLUSTER])
    assert artifacts["ehpc_preview_unchanged"][CLUSTER]["users_state"] == "unchanged"
    assert "unchanged" in workflow.jobs["unchanged"].stdout


@pytest.fixture
def tickets() -> Iterator[tuple[str, list[dict[str, str]]]]:
    """The URL of a ticket system, and the tickets in it."""
    opened: list[dict[str, str]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            opened.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(201)
            self.end_headers()

        def log_message(self, *_arguments: object) -> None:
            """Keep the output of the tests clean."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/tickets", opened
        server.shutdown()
        thread.join()


def test_the_report_opens_a_ticket_for_each_failure(awx: Controller, tickets: tuple[str, list[dict[str, str]]]) -> None:
    url, opened = tickets
    results = {"ehpc-hz-EXAMPLE1": DONE, "ehpc-hz-EXAMPLE2": {**DONE, "error": "The manager is down, says {{ lookup('env', 'HOME') }}."}}
    job = awx.launch(REPORT, {"ehpc_report_url": url, "ehpc_bootstrap": results})
    assert (job.code, "Not bootstrapped: ehpc-hz-EXAMPLE2." in job.stdout) == (2, True)
    assert [(ticket["summary"].split()[2], ticket["description"]) for ticket in opened] == [
        ("ehpc-hz-EXAMPLE2", "The manager is down, says {{ lookup('env', 'HOME') }}.")
    ]


DRIFT = "Repair E-HPC drift with approval"
# Blank questions of the survey have their defaults, so all desired state is in these.
DESIRED = {"ehpc_bootstrap_post_scripts": SCRIPTS, "ehpc_bootstrap_preflight": "off", "ehpc_bootstrap_sync_users": "false", "ehpc_bootstrap_wait_timeout": 0}


@pytest.fixture
def fleet() -> Iterator[Emulator]:
    """Two clusters, of which one has the desired scripts."""
    with Emulator({"clusters": [{"id": "ehpc-hz-EXAMPLE1", "post_scripts": STORED}, {"id": "ehpc-hz-EXAMPLE2"}]}) as running:
        yield running


def desired(monkeypatch: pytest.MonkeyPatch) -> None:
    """Extra variables of the workflow, as the settings of a site give them."""
    workflow = awx_data.named("controller_workflows", DRIFT)
    monkeypatch.setitem(workflow, "extra_vars", {**workflow["extra_vars"], **DESIRED})
    monkeypatch.setattr(awx_launching, "named", lambda kind, name: workflow if name == DRIFT else awx_data.named(kind, name))


def test_drift_is_repaired_with_approval(tmp_path: Path, fleet: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    awx = Controller(tmp_path, fleet)
    desired(monkeypatch)
    inventory = awx.update("E-HPC clusters")
    job = awx.launch("E-HPC drift", DESIRED, hosts=inventory[0], groups=inventory[1])
    assert (job.code, job.artifacts["ehpc_drift"]["drifted"]) == (2, ["ehpc-hz-EXAMPLE2"]), "it fails, so that its notification is sent"
    assert {"SetPostScripts", "SyncUsers"} & set(fleet.actions()) == set()

    workflow = awx.run_workflow(DRIFT, {}, inventory=inventory)
    assert ({name: job.code for name, job in workflow.jobs.items()}, workflow.failed) == ({"drift": 0, "check": 0, "apply": 0, "report": 0}, False)
    assert [script["url"] for script in fleet.state.clusters["ehpc-hz-EXAMPLE2"].post_scripts] == [STORED[0]["url"]]

    workflow = awx.run_workflow(DRIFT, {}, approve=lambda: pytest.fail("the approval is requested"), inventory=inventory)
    assert ({name: job.code for name, job in workflow.jobs.items()}, workflow.failed) == ({"drift": 0, "check": 2, "unchanged": 0}, False)


def test_a_cluster_that_cannot_be_read_makes_the_workflow_fail(awx: Controller) -> None:
    read = {"summary": {}, "drifted": [], "failed": ["ehpc-hz-EXAMPLE"]}
    job = awx.launch("Check E-HPC drift", {"ehpc_drift": read, "ehpc_check_unchanged": True})
    assert (job.code, "Not compared: ehpc-hz-EXAMPLE." in job.stdout) == (2, True)
