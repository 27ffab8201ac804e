# Copyright (c) 2026, the alicloud.ehpc contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Many clusters in one run: isolated failures, and slices."""

from __future__ import annotations

import typing as t
from collections import Counter
from pathlib import Path

import pytest
from ansible_collections.alicloud.ehpc.tests.emulator import Emulator
from ansible_collections.alicloud.ehpc.tests.support.playing import Play, Run

PLAYBOOK = "alicloud.ehpc.bootstrap"
ROLE = "alicloud.ehpc.ehpc_bootstrap"
REGIONS = ["cn-hangzhou", "cn-shanghai", "ap-southeast-1"]
CLUSTER = {"location": "OnPremise", "proxy_mode": True, "on_premise_users": ["hpcuser01", "hpcuser02"]}
SCRIPTS = [{"url": "https://scripts.example.com/base.sh", "args": "-v"}]
VARIABLES = {
    "ehpc_bootstrap_hosts": "ehpc_clusters",
    "ehpc_bootstrap_post_scripts": SCRIPTS,
    "ehpc_bootstrap_expected_users": ["hpcuser01"],
    "ehpc_bootstrap_wait_timeout": 0,
}


class Fleet:
    """Runs the playbook over the clusters of an emulator, as the inventory plugin lists them."""

    def __init__(self, play: Play, emulator: Emulator) -> None:
        self.play, self.emulator = play, emulator
        self.source = play.directory / "fleet.ehpc.yml"
        self.source.write_text("plugin: alicloud.ehpc.ehpc\n", encoding="utf-8")
        self.env = {
            "ALIBABA_CLOUD_ACCESS_KEY_ID": emulator.access_key,
            "ALIBABA_CLOUD_ACCESS_KEY_SECRET": emulator.secret_key,
            "ALIBABA_CLOUD_EHPC_ENDPOINT": emulator.endpoint,
            "ANSIBLE_FORKS": "10",
        }

    def __call__(self, *arguments: str, code: int = 0) -> Run:
        return self.play.playbook(PLAYBOOK, inventory=self.source, extra_vars=VARIABLES, env=self.env, arguments=arguments, code=code)

    def stored(self) -> dict[str, tuple[t.Any, list[str]]]:
        return {name: (cluster.post_scripts, sorted(cluster.users)) for name, cluster in self.emulator.state.clusters.items()}


def stats(run: Run) -> dict[str, dict[str, t.Any]]:
    """The artifacts of the run."""
    return t.cast("dict[str, dict[str, t.Any]]", run[f"{ROLE} : Report the results"]["ansible_stats"]["data"]["ehpc_bootstrap"])


def table(run: Run) -> list[str]:
    """The lines of the table, with its header."""
    lines = run.stdout.splitlines()
    (header,) = [number for number, line in enumerate(lines) if line.startswith("CLUSTER ")]
    return lines[header : lines.index("", header)]


def generated(clusters: int) -> dict[str, t.Any]:
    return {"generate": {"clusters": clusters, "regions": REGIONS, "cluster": CLUSTER}}


def test_three_of_thirty_are_broken(play: Play) -> None:
    with Emulator(generated(30)) as emulator:
        fleet = Fleet(play, emulator)
        stopped, unmanaged, denied = "ehpc-hz-fleet00010", "ehpc-hz-fleet00020", "ehpc-hz-fleet00029"
        broken = {stopped: "stopped", unmanaged: "ManagerNotFound", denied: "ehpc:SetPostScripts"}
        emulator.state.clusters[stopped].status = "stopped"
        emulator.state.clusters[unmanaged].manager = "down"
        emulator.deny("SetPostScripts", cluster_id=denied)

        first = fleet(code=2)
        assert {name for name, result in stats(first).items() if "error" in result} == set(broken)
        for name, word in broken.items():
            assert word in stats(first)[name]["error"]
            (line,) = [line for line in table(first) if line.startswith(name)]
            assert stats(first)[name]["error_code"] in line
        done = {name: stored for name, stored in fleet.stored().items() if name not in broken}
        assert len(done) == 27
        assert all(stored == (SCRIPTS, ["hpcuser01", "hpcuser02"]) for stored in done.values())
        assert len(stats(first)) == len(table(first)) - 1 == 30
        assert [line.split()[0] for line in table(first)[-3:]] == list(broken), "clusters that failed come last"
        assert "\n30 clusters: 27 changed, 3 failed\n" in first.stdout
        assert f"{denied} " in first.stdout.split("PLAY RECAP")[1]

        emulator.forget()
        converged = list(done)[:5]
        second = fleet("--limit", ",".join([*broken, *converged]), code=2)
        assert [entry.host for entry in second.results if entry.changed] == []
        assert {name for name, result in stats(second).items() if "error" in result} == set(broken)
        calls = Counter(call.params.get("ClusterId") for call in emulator.calls)
        assert [calls[name] for name in converged] == [3] * 5, "a converged run makes three calls for a cluster"


def test_the_table_is_printed_if_all_clusters_fail(play: Play) -> None:
    with Emulator(generated(3)) as emulator:
        for cluster in emulator.state.clusters.values():
            cluster.status = "exception"
        run = Fleet(play, emulator)(code=2)
        assert len(table(run)) == 4
        assert all("exception" in result["error"] for result in stats(run).values())


def test_any_errors_fatal_reports_the_failed_cluster_only(play: Play) -> None:
    with Emulator(generated(3)) as emulator:
        healthy, failing, _third = sorted(emulator.state.clusters)
        fleet = Fleet(play, emulator)
        fleet.env["ANSIBLE_ANY_ERRORS_FATAL"] = "true"
        emulator.deny("SyncUsers", cluster_id=failing)
        finished = stats(fleet(code=2))
        assert {name for name, result in finished.items() if "error" in result} == {failing}
        assert finished[healthy]["users_state"] == "changed"

        emulator.state.clusters[failing].status = "exception"
        stopped = stats(fleet(code=2))
        assert "in status exception" in stopped[failing]["error"]
        # ansible-core 2.16 lets the others finish first, because the failed one still has tasks in its always section.
        if "error" in stopped[healthy]:
            assert stopped[healthy]["error"].startswith("The run ended before the role had finished with this cluster")
            assert (stopped[healthy]["post_scripts_state"], stopped[healthy]["users_state"]) == ("not reached", "not reached")
        else:
            assert (stopped[healthy]["post_scripts_state"], stopped[healthy]["users_state"]) == ("unchanged", "unchanged")


@pytest.fixture
def elsewhere(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("elsewhere")


def test_slices_have_the_results_of_one_run(play: Play, elsewhere: Path) -> None:
    with Emulator(generated(6)) as whole, Emulator(generated(6)) as sliced:
        one, parts = Fleet(play, whole), Fleet(Play(elsewhere, sliced), sliced)
        everything = stats(one())
        hosts = list(sliced.state.clusters)
        merged: dict[str, t.Any] = {}
        for number in range(3):
            # As a controller slices jobs: every third host of the inventory, by a limit.
            run = parts("--limit", ",".join(hosts[number::3]))
            assert set(stats(run)) == set(hosts[number::3])
            merged |= stats(run)
        assert merged == everything
        assert [stored[0] for stored in parts.stored().values()] == [stored[0] for stored in one.stored().values()]
        assert [stored[1] for stored in parts.stored().values()] == [stored[1] for stored in one.stored().values()]
        assert [entry.host for entry in parts().results if entry.changed] == []
