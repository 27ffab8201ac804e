# Copyright (c) 2026, the alicloud.ehpc contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""drift_info asks emulated nodes, which execute its commands: markers of scripts, and user IDs."""

from __future__ import annotations

import os
from pathlib import Path

from ansible_collections.alicloud.ehpc.tests.emulator import Emulator
from ansible_collections.alicloud.ehpc.tests.support.in_process import reaching, run
from ansible_collections.alicloud.ehpc.tests.support.programs import program

CLUSTERS = ["ehpc-hz-one", "ehpc-hz-two"]
SCRIPTS = [{"url": "/bin/true", "args": "-v"}]


def test_which_nodes_have_run_the_scripts_and_know_a_user_by_another_id(tmp_path: Path) -> None:
    program(tmp_path / "getent", "shift\nfor name; do [ $name = missing ] || echo $name:x:${UID_OF:-1001}:100::/:/bin/sh; done")
    with Emulator({"clusters": [{"id": name, "post_scripts": SCRIPTS, "users": ["hpcuser01"], "nodes": {"compute": 2}} for name in CLUSTERS]}) as emulator:
        emulator.state.machines.environment["PATH"] = f"{tmp_path}:{os.environ['PATH']}"
        options = reaching(emulator)
        run("post_scripts_run", {**options, "cluster_id": CLUSTERS[0], "nodes": ["compute000"], "wait_delay": 0.5})
        users = [{"name": "hpcuser01", "uid": 1001}]
        clusters = [{"cluster_id": name, "scripts": SCRIPTS, "users": users} for name in CLUSTERS]
        before = {path for node in emulator.state.clusters[CLUSTERS[0]].nodes for path in emulator.state.machines.directory(node.id).rglob("*")}
        result = run("drift_info", {**options, "clusters": clusters, "nodes": True})
        found = {cluster["cluster_id"]: [node["state"] for node in cluster["nodes"]] for cluster in result["clusters"]}
        assert found == {CLUSTERS[0]: ["in_sync", "drifted"], CLUSTERS[1]: ["drifted", "drifted"]}
        assert {path for node in emulator.state.clusters[CLUSTERS[0]].nodes for path in emulator.state.machines.directory(node.id).rglob("*")} == before

        emulator.state.machines.environment["UID_OF"] = "2001"
        clusters[0].update(nodes=["compute000"], users=[*users, {"name": "missing", "uid": 7}])
        (cluster,) = run("drift_info", {**options, "clusters": clusters[:1], "nodes": True})["clusters"]
        (node,) = cluster["nodes"]
        assert (node["state"], node["scripts"], node["unknown_users"]) == ("drifted", "in_sync", ["missing"])
        assert cluster["users"]["wrong_uids"] == [{"name": "hpcuser01", "uid": 2001, "expected": 1001, "node": "compute000"}]
