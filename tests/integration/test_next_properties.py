# Copyright (c) 2026, the alicloud.ehpc contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""cluster_script changes only the script, whatever other clients do with an E-HPC NEXT cluster, and however UpdateCluster behaves."""

from __future__ import annotations

import copy
import dataclasses
import typing as t
from collections.abc import Iterator

import pytest
from ansible_collections.alicloud.ehpc.plugins.module_utils._client import Clients
from ansible_collections.alicloud.ehpc.plugins.module_utils._errors import EhpcError
from ansible_collections.alicloud.ehpc.plugins.modules import cluster_script
from ansible_collections.alicloud.ehpc.tests.emulator import Emulator
from ansible_collections.alicloud.ehpc.tests.emulator.next_clusters import NEXT_OPERATIONS
from ansible_collections.alicloud.ehpc.tests.emulator.state import Next
from ansible_collections.alicloud.ehpc.tests.support.in_process import reaching, run
from hypothesis import given, settings
from hypothesis import strategies as st

CLUSTER = "ehpc-cn-hangzhou-EXAMPLE"
SCRIPT = "ClusterCustomConfiguration"
Settings = dict[str, t.Any]

URLS = st.sampled_from(["https://example.com/a%20b.sh?x=1&y=2", "https://example.com/b.sh", "/home/多/c.sh"])
ARGS = st.sampled_from(["", "-x", "a 'b' \"c\" \\ {多} ~+%&=\n"])
SCRIPTS = st.one_of(st.just({}), st.builds(lambda url, args: {"Script": url, "Args": args}, URLS, ARGS))
VALUES: dict[str, st.SearchStrategy[t.Any]] = {
    "ClusterName": st.sampled_from(["cfd-1", "cfd_数-2"]),
    "ClusterDescription": st.sampled_from(["", "third-floor"]),
    "MaxCount": st.sampled_from([0, 1, 5000]),
    "MaxCoreCount": st.sampled_from([0, 640]),
    "DeletionProtection": st.booleans(),
    "ClientVersion": st.sampled_from(["2.0.31", "2.1.0"]),
    "GrowInterval": st.sampled_from([2, 3]),
    "IdleInterval": st.sampled_from([4, 6]),
    "EnableScaleOut": st.booleans(),
    "EnableScaleIn": st.booleans(),
    "MonitorSpec": st.fixed_dictionaries({"EnableComputeLoadMonitor": st.booleans()}),
    "SchedulerSpec": st.fixed_dictionaries({"EnableTopologyAwareness": st.booleans()}),
    "EnablePowerSaving": st.sampled_from([False, False, False, True]),
    SCRIPT: SCRIPTS,
}
BEHAVIOURS = st.builds(
    Next,
    keeps=st.lists(st.sampled_from(sorted({*VALUES} - {"EnablePowerSaving"})), unique=True),
    empty_script=st.sampled_from(["clear", "keep", "refuse"]),
    empty_args=st.sampled_from(["shown", "absent"]),
    power_saving=st.sampled_from(["keep", "reset"]),
)
# How far a task is when others change something: after so many of its calls. The last read before the write is the fifth. What is
# changed after it, and a description after the fourth, is overwritten, because E-HPC has no conditional write.
READ, LISTED, WRITTEN = 3, 4, 6
OTHERS = st.fixed_dictionaries({}, optional=VALUES)
OURS = st.fixed_dictionaries(
    {
        "url": URLS,
        "args": ARGS,
        "state": st.sampled_from(["present", "present", "present", "absent"]),
        "accept_full_update": st.sampled_from([True] * 9 + [False]),
    }
)
STEPS = st.tuples(OTHERS, OURS, st.sampled_from([False] * 5 + [True]), st.sampled_from([0, 0, 1, 2, READ, LISTED, WRITTEN, WRITTEN]), OTHERS)


class Cluster:
    """The one cluster of the emulator, tasks on it, and what others do meanwhile."""

    def __init__(self, emulator: Emulator, clients: Clients) -> None:
        self._emulator = emulator
        self._clients = clients
        self._of_emulator = emulator.state.clusters[CLUSTER]
        self._countdown = 0
        self.interfered = False
        self._meanwhile: Settings = {}

    @property
    def settings(self) -> Settings:
        return copy.deepcopy(self._of_emulator.settings)

    @property
    def updates(self) -> int:
        return self._of_emulator.updates

    def start(self, behaviour: Next, values: Settings) -> None:
        self._emulator.state.next = behaviour
        self.change(values)

    def change(self, values: Settings) -> None:
        """The changes of other clients."""
        self._of_emulator.settings = {**self._of_emulator.settings, **copy.deepcopy(values)}

    def called(self) -> None:
        self._countdown -= 1
        if self._countdown == 0:
            self.interfered = True
            self.change(self._meanwhile)

    def run(self, task: dict[str, t.Any], check_mode: bool, after: int, meanwhile: Settings) -> tuple[dict[str, t.Any], str | None]:
        """The result, or the result of the failure and its code."""
        self._countdown, self._meanwhile, self.interfered = after, meanwhile, False
        try:
            return run("cluster_script", {**reaching(self._emulator), "cluster_id": CLUSTER, **task}, check_mode, self._clients), None
        except EhpcError as error:
            return error.result, error.code


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    clients: Clients = {}
    with pytest.MonkeyPatch.context() as patch, Emulator({"clusters": [{"id": CLUSTER, "generation": "next"}]}) as emulator:
        made = Cluster(emulator, clients)

        def and_tell(function: t.Callable[..., t.Any]) -> t.Callable[..., t.Any]:
            def answer(*arguments: t.Any) -> t.Any:
                try:
                    return function(*arguments)
                finally:
                    made.called()

            return answer

        for name, operation in list(NEXT_OPERATIONS.items()):
            patch.setitem(NEXT_OPERATIONS, name, dataclasses.replace(operation, function=and_tell(operation.function)))
        patch.setattr(cluster_script, "READ_BACK_SECONDS", 0)
        yield made
        for client in clients.values():
            client.close()


def without_script(values: Settings) -> Settings:
    return {name: value for name, value in values.items() if name != SCRIPT}


@settings(deadline=None, max_examples=100, database=None)
@given(behaviour=BEHAVIOURS, start=st.fixed_dictionaries(VALUES), steps=st.lists(STEPS, min_size=2, max_size=4))
def test_only_the_script_is_ever_changed(cluster: Cluster, behaviour: Next, start: Settings, steps: list[t.Any]) -> None:
    cluster.start(behaviour, start)
    for others, task, check_mode, after, meanwhile in steps:
        cluster.change(others)
        changes = {name: value for name, value in meanwhile.items() if after != LISTED or name != "ClusterDescription"}
        before, updates = cluster.settings, cluster.updates
        result, code = cluster.run(task, check_mode, after, changes)
        now, wrote = cluster.settings, cluster.updates > updates
        wanted = {"Script": task["url"], "Args": task["args"]} if task["state"] == "present" else {}
        # What others did is there, and nothing but the script is different.
        expected = {**before, **(changes if cluster.interfered else {})}
        assert without_script(now) == without_script(expected)
        if wrote:
            assert task["accept_full_update"]
            assert not check_mode
        else:
            assert now == expected
        if cluster.interfered and not check_mode and after in (READ, LISTED) and expected != before:
            assert (code is not None, wrote) == (True, False)
        if cluster.interfered and after == WRITTEN and without_script(expected) != without_script(before):
            assert code == "SettingsChanged"
            assert set(result["differences"])
        if cluster.interfered:
            continue
        if code is None:
            assert result["changed"] == (before[SCRIPT] != wanted)
            assert now[SCRIPT] == (before[SCRIPT] if check_mode else wanted)
        elif code == "FullUpdateNotAccepted":
            assert not task["accept_full_update"]
        elif code == "UnsafeUpdate":
            assert before["EnablePowerSaving"]
        else:
            # It is not documented how a script is removed.
            assert (code, task["state"]) in (("NotStored", "absent"), ("InvalidParams", "absent"))
