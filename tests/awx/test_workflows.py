# Copyright (c) 2026, the alicloud.ehpc contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Workflows: what one job hands to the next, and what comes of approval and of failures."""

from __future__ import annotations

import json
import threading
import typing as t
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from launching import Controller

from emulator import Emulator

WORKFLOW = "Bootstrap E-HPC cluster with approval"
REPORT = "Report E-HPC bootstrap"
CLUSTER = "ehpc-hz-hybrid01"
SCRIPTS = "https://scripts.example.com/base.sh --mode hybrid"
STORED = [{"url": "https://scripts.example.com/base.sh", "args": "--mode hybrid"}]


def stored(emulator: Emulator) -> list[t.Any]:
    return [{"url": script["url"], "args": script["args"]} for script in emulator.state.clusters[CLUSTER].post_scripts]


GIVEN = {"ehpc_bootstrap_cluster_id": CLUSTER, "ehpc_bootstrap_post_scripts": SCRIPTS, "ehpc_bootstrap_preflight": "off"}


def test_approved(awx: Controller, emulator: Emulator) -> None:
    workflow = awx.run_workflow(WORKFLOW, {**GIVEN, "ehpc_bootstrap_expected_users": "physics01"})
    assert ({name: job.code for name, job in workflow.jobs.items()}, workflow.failed) == ({"preview": 0, "apply": 0, "report": 0}, False)
    assert stored(emulator) == STORED
    assert workflow.jobs["preview"].artifacts["ehpc_bootstrap"][CLUSTER]["users_missing"] == ["physics01"]
    assert workflow.jobs["apply"].artifacts["ehpc_bootstrap"][CLUSTER]["users_missing"] == [], "what the preview handed on does not stay"
    assert f"{CLUSTER}  cn-hangzhou  running  changed  4 added" in workflow.jobs["report"].stdout


def test_denied(awx: Controller, emulator: Emulator) -> None:
    before = stored(emulator)
    workflow = awx.run_workflow(WORKFLOW, GIVEN, approve=lambda: False)
    assert (list(workflow.jobs), workflow.failed) == (["preview"], True)
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


@pytest.fixture
def tickets() -> Iterator[tuple[str, list[dict[str, str]]]]:
    """The url of a ticket system, and the tickets that were opened."""
    opened: list[dict[str, str]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            opened.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(201)
            self.end_headers()

        def log_message(self, *_arguments: object) -> None:
            """Nothing of it belongs into the output of the tests."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/tickets", opened
        server.shutdown()
        thread.join()


def test_the_report_opens_a_ticket_for_each_failure(awx: Controller, tickets: tuple[str, list[dict[str, str]]]) -> None:
    url, opened = tickets
    done = {"region": "cn-hangzhou", "status": "running", "post_scripts_changed": False, "post_scripts": [], "users_synced": False}
    done |= {"users_added": [], "users_missing": []}
    results = {"ehpc-hz-EXAMPLE1": done, "ehpc-hz-EXAMPLE2": {**done, "error": "The manager is down, says {{ lookup('env', 'HOME') }}."}}
    job = awx.launch(REPORT, {"ehpc_report_url": url, "ehpc_bootstrap": results})
    assert (job.code, "Not bootstrapped: ehpc-hz-EXAMPLE2." in job.stdout) == (2, True)
    assert [(ticket["summary"].split()[2], ticket["description"]) for ticket in opened] == [
        ("ehpc-hz-EXAMPLE2", "The manager is down, says {{ lookup('env', 'HOME') }}.")
    ]


def test_a_report_without_results_fails(awx: Controller) -> None:
    job = awx.launch(REPORT, {})
    assert (job.code, "the previous jobs ended without a result" in job.stdout) == (2, True)
