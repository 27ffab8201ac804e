# Copyright (c) 2026, the alicloud.ehpc contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The on-premises side of a hybrid cluster, from playbooks, in both ways of running."""

from __future__ import annotations

import stat

from ansible_collections.alicloud.ehpc.tests.emulator import Emulator
from ansible_collections.alicloud.ehpc.tests.support.playing import Play, task

CLUSTER = "ehpc-hz-hybrid01"
SECRET = "EXAMPLE-configuration-of"
NODES = [{"host_name": f"local{number:03d}", "ip_address": f"192.0.2.{number}", "cpu_cores": 8, "memory_mb": 16384} for number in (1, 2)]


def test_lifecycle(both: Play, emulator: Emulator) -> None:
    dest = both.directory / "cluster.conf"
    tasks = [
        task("config", "hybrid_config_info", cluster_id=CLUSTER, dest=str(dest)),
        task("nodes", "local_nodes", cluster_id=CLUSTER, nodes=NODES),
    ]
    previewed = both(tasks, check=True, diff=True)
    assert [previewed[name].changed for name in ("config", "nodes")] == [True, True]
    assert (dest.exists(), "AddLocalNodes" in emulator.actions()) == (False, False)
    run = both(tasks, diff=True, verbosity=5)
    assert [run[name].changed for name in ("config", "nodes")] == [True, True]
    assert run["nodes"]["added"] == ["local001", "local002"]
    assert stat.S_IMODE(dest.stat().st_mode) == 0o600
    assert dest.read_text(encoding="utf-8") == emulator.state.clusters[CLUSTER].hybrid_config
    again = both(tasks)
    assert [again[name].changed for name in ("config", "nodes")] == [False, False]
    assert SECRET not in previewed.everything() + run.everything() + again.everything()


def test_the_configuration_in_a_result(both: Play) -> None:
    """Only the task itself can ask for it: with no_log for its variable, with no_log: false for the output, too."""
    tasks = [
        task("unasked", "hybrid_config_info", cluster_id=CLUSTER),
        task("hidden", "hybrid_config_info", cluster_id=CLUSTER, node="local000") | {"no_log": True, "register": "hidden"},
        {"name": "use", "ansible.builtin.assert": {"that": [f"'{SECRET}' in hidden.config", "'local000' in hidden.config"], "quiet": True}},
    ]
    run = both(tasks)
    assert "config" not in run["unasked"].result
    assert SECRET not in run.stdout + run.stderr
    shown = both([task("shown", "hybrid_config_info", cluster_id=CLUSTER) | {"no_log": False}])
    assert SECRET in shown["shown"]["config"]
