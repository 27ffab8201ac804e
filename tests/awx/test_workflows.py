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
from ansible_collections.alicloud.ehpc.tests.emulator import Emulator
from ansible_collections.alicloud.ehpc.tests.support import awx_data, awx_launching
from ansible_collections.alicloud.ehpc.tests.support.awx_launching import Controller

WORKFLOW = "Bootstrap E-HPC cluster with approval"
REPORT, CHECK = "Report E-HPC bootstrap", "Check E-HPC preview"
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


def test_approved(awx: Controller, emulator: Emulator) -> None:
    workflow = awx.run_workflow(WORKFLOW, {**GIVEN, "ehpc_bootstrap_expected_users": "physics01"})
    assert ({name: job.code for name, job in workflow.jobs.items()}, workflow.failed) == ({"preview": 0, "check": 0, "apply": 0, "report": 0}, False)
    assert stored(emulator) == STORED
    assert workflow.jobs["preview"].artifacts["ehpc_bootstrap"][CLUSTER]["users_missing"] == ["physics01"]
    assert workflow.jobs["apply"].artifacts["ehpc_bootstrap"][CLUSTER]["users_missing"] == [], "the artifacts of the preview are replaced"
    assert re.search(rf"{CLUSTER} .*4 added", workflow.jobs["report"].stdout)


def test_denied(awx: Controller, emulator: Emulator) -> None:
    before = stored(emulator)
    workflow = awx.run_workflow(WORKFLOW, GIVEN, approve=lambda: False)
    assert (list(workflow.jobs), workflow.failed) == (["preview", "check"], True)
    assert (stored(emulator), {"SetPostScripts", "SyncUsers"} & set(emulator.actions())) == (before, set())


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

    workflow = awx.run_workflow(WORKFLOW, GIVEN, approve=approve)
    assert (workflow.jobs["preview"].code, workflow.jobs["apply"].code, workflow.failed) == (0, 2, True)


@pytest.mark.parametrize("lost", ["check", "apply"])
def test_a_job_without_a_result_makes_the_workflow_fail(awx: Controller, lost: str) -> None:
    """Its image cannot be pulled, or it was canceled. The results of the preview do not count as its results."""
    workflow = awx.run_workflow(WORKFLOW, GIVEN, lost=lost)
    assert ({name: job.code for name, job in workflow.jobs.items()}[lost], workflow.failed) == (1, True)


STATES: dict[str, tuple[dict[str, t.Any], bool]] = {
    "scripts": ({"post_scripts_state": "would change", "users_state": "not managed"}, True),
    "users": ({"post_scripts_state": "not managed", "users_state": "would change"}, True),
    "nodes": ({"post_scripts_state": "unchanged", "users_state": "unchanged", "nodes_run": {"compute000": "unchanged", "compute001": "would_run"}}, True),
    "not known": ({"post_scripts_state": "unchanged", "users_state": "not known yet"}, True),
    "no states": ({}, True),
    "nothing": ({"post_scripts_state": "unchanged", "users_state": "unchanged", "nodes_run": {"compute000": "unchanged"}}, False),
    "not managed": ({"post_scripts_state": "not managed", "users_state": "not applicable (no proxy mode)"}, False),
}


@pytest.mark.parametrize("case", STATES)
def test_only_changes_need_approval(awx: Controller, case: str) -> None:
    states, changes = STATES[case]
    results = {"ehpc-hz-EXAMPLE": {**DONE, **states}}
    job = awx.launch(CHECK, {"ehpc_bootstrap": results})
    assert (job.code, job.artifacts) == (0 if changes else 2, {"ehpc_bootstrap": {}, "ehpc_preview_unchanged": {} if changes else results})


def test_without_changes_no_approval_is_requested(awx: Controller, emulator: Emulator) -> None:
    assert awx.run_workflow(WORKFLOW, GIVEN).failed is False
    emulator.forget()
    workflow = awx.run_workflow(WORKFLOW, {**GIVEN, "ehpc_bootstrap_expected_users": "hpcuser01"}, approve=lambda: pytest.fail("the approval is requested"))
    assert ({name: job.code for name, job in workflow.jobs.items()}, workflow.failed) == ({"preview": 0, "check": 2, "unchanged": 0}, False)
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


def test_a_report_without_results_fails(awx: Controller) -> None:
    job = awx.launch(REPORT, {})
    assert (job.code, "the previous jobs ended without a result" in job.stdout) == (2, True)


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
