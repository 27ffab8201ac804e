# Copyright (c) 2026, the alicloud.ehpc contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The on-premises side of a hybrid cluster, from playbooks: in the worker, and as a process where secrets pass."""

from __future__ import annotations

import stat

from ansible_collections.alicloud.ehpc.tests.emulator import Emulator
from ansible_collections.alicloud.ehpc.tests.support.playing import Play, Task, task

CLUSTER = "ehpc-hz-hybrid01"
SECRET = "EXAMPLE-configuration-of"
NODES = [{"host_name": f"local{number:03d}", "ip_address": f"192.0.2.{number}", "cpu_cores": 8, "memory_mb": 16384} for number in (1, 2)]
AS_PROCESS: Task = {"vars": {"ehpc_in_process": False}}


def test_lifecycle(play: Play, emulator: Emulator) -> None:
    dest = play.directory / "cluster.conf"
    tasks = [
        task("config", "hybrid_config_info", cluster_id=CLUSTER, dest=str(dest)),
        task("nodes", "local_nodes", cluster_id=CLUSTER, nodes=NODES),
    ]
    previewed = play(tasks, check=True, diff=True)
    assert [previewed[name].changed for name in ("config", "nodes")] == [True, True]
    assert (dest.exists(), "AddLocalNodes" in emulator.actions()) == (False, False)
    run = play([one | AS_PROCESS for one in tasks], diff=True, verbosity=5)
    assert [run[name].changed for name in ("config", "nodes")] == [True, True]
    assert run["nodes"]["added"] == ["local001", "local002"]
    assert stat.S_IMODE(dest.stat().st_mode) == 0o600
    assert dest.read_text(encoding="utf-8") == emulator.state.clusters[CLUSTER].hybrid_config
    again = play(tasks)
    assert [again[name].changed for name in ("config", "nodes")] == [False, False]
    assert SECRET not in previewed.everything() + run.everything() + again.everything()


def test_the_configuration_in_a_result(play: Play) -> None:
    """Only the task itself can ask for it: with no_log for its variable, with no_log: false for the output, too."""
    used = [f"'{SECRET}' in hidden.config", "'local000' in hidden.config", "hidden.config == of_process.config"]
    tasks = [
        task("unasked", "hybrid_config_info", cluster_id=CLUSTER),
        task("hidden", "hybrid_config_info", cluster_id=CLUSTER, node="local000") | {"no_log": True, "register": "hidden"},
        task("hidden process", "hybrid_config_info", cluster_id=CLUSTER, node="local000") | {"no_log": True, "register": "of_process"} | AS_PROCESS,
        {"name": "use", "ansible.builtin.assert": {"that": used, "quiet": True}},
    ]
    run = play(tasks)
    assert "config" not in run["unasked"].result
    assert SECRET not in run.stdout + run.stderr
    shown = play([task("shown", "hybrid_config_info", cluster_id=CLUSTER) | {"no_log": False}])
    assert SECRET in shown["shown"]["config"]
