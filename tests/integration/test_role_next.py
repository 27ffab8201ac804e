# Copyright (c) 2026, the alicloud.ehpc contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The role on clusters of both generations of E-HPC in one run: scripts, users, and a second run that changes nothing."""

from __future__ import annotations

import typing as t
from collections.abc import Iterator

import pytest
import yaml
from ansible_collections.alicloud.ehpc.tests.emulator import Emulator
from ansible_collections.alicloud.ehpc.tests.support.playing import Play, Run

ROLE = "alicloud.ehpc.ehpc_bootstrap"
BUCKET = "hpc-scripts-example"
FIRST, SECOND, THIRD = "ehpc-hz-first", "ehpc-cn-hangzhou-second", "ehpc-cn-hangzhou-third"
SETTINGS = {"MaxCount": 7, "DeletionProtection": True, "GrowInterval": 3, "EnableScaleOut": True, "ClusterDescription": "third-floor"}
SCRIPTS = [{"content": "#!/bin/sh\necho base\n", "name": "base.sh"}, {"url": "/opt/site.sh", "args": "-x"}]
USERS = [{"name": "hpcuser01", "password": "Example-1-password"}, {"name": "hpcadmin01", "group": "wheel", "password": "Example-1-password"}]
URL = [{"url": "/opt/site.sh"}]
# Clusters that ask for what E-HPC NEXT does not have; the first two do not insist.
WITHOUT: dict[str, dict[str, t.Any]] = {
    "ehpc-cn-hangzhou-skipped": {"expected_users": ["hpcuser01"]},
    "ehpc-cn-hangzhou-one": {"post_scripts": URL},
    "ehpc-cn-hangzhou-users": {"sync_users": True},
    "ehpc-cn-hangzhou-nodes": {"run_on_nodes": ["compute"]},
    "ehpc-cn-hangzhou-consent": {"post_scripts": URL, "accept_full_update": False},
    "ehpc-cn-hangzhou-purge": {"post_scripts": URL, "post_scripts_purge": False},
}


@pytest.fixture
def emulator() -> Iterator[Emulator]:
    clusters = [
        {"id": FIRST, "users": ["hpcuser01"]},
        {"id": SECOND, "generation": "next", "settings": SETTINGS},
        {"id": THIRD, "generation": "next", "users": ["hpcuser01"]},
        *({"id": name, "generation": "next"} for name in WITHOUT),
    ]
    with Emulator({"buckets": [{"name": BUCKET}], "clusters": clusters}) as running:
        yield running


@pytest.fixture
def bootstrap(play: Play, emulator: Emulator) -> t.Callable[..., Run]:
    def run(*hosts: str, code: int = 0, own: dict[str, dict[str, t.Any]] | None = None, **variables: t.Any) -> Run:
        # The second cluster is one of the inventory plugin, which shows its generation.
        known = {name: {"ehpc_generation": "next"} for name in (SECOND, *WITHOUT)}
        found = {name: {"ehpc_cluster_id": name, "ehpc_region": "cn-hangzhou", **known.get(name, {}), **_named((own or {}).get(name, {}))} for name in hosts}
        given = {"scripts_bucket": BUCKET, "wait_timeout": 0, "preflight": "off", "accept_full_update": True, **variables}
        shared = {"ansible_connection": "local", **_named(given)}
        inventory = play.directory / "clusters.yml"
        inventory.write_text(yaml.safe_dump({"all": {"hosts": found, "vars": shared}}, sort_keys=False), encoding="utf-8")
        env = {
            "ALIBABA_CLOUD_ACCESS_KEY_ID": emulator.access_key,
            "ALIBABA_CLOUD_ACCESS_KEY_SECRET": emulator.secret_key,
            "ALIBABA_CLOUD_EHPC_ENDPOINT": emulator.endpoint,
            "ALIBABA_CLOUD_OSS_ENDPOINT": emulator.endpoint,
        }
        emulator.forget()
        return play.playbook("alicloud.ehpc.bootstrap", inventory=inventory, extra_vars={"ehpc_bootstrap_hosts": "all"}, env=env, code=code)

    return run


def _named(variables: dict[str, t.Any]) -> dict[str, t.Any]:
    return {f"ehpc_bootstrap_{name}": value for name, value in variables.items()}


def results(run: Run) -> dict[str, dict[str, t.Any]]:
    return t.cast("dict[str, dict[str, t.Any]]", run[f"{ROLE} : Report the results"]["ansible_stats"]["data"]["ehpc_bootstrap"])


def calls(emulator: Emulator, cluster_id: str) -> list[str]:
    return [call.action for call in emulator.calls if call.params.get("ClusterId") == cluster_id]


def test_both_generations_in_one_run(bootstrap: t.Callable[..., Run], emulator: Emulator) -> None:
    clusters = emulator.state.clusters
    before = dict(clusters[SECOND].settings)

    run = bootstrap(FIRST, SECOND, THIRD, post_scripts=SCRIPTS, users=USERS)

    found = results(run)
    assert {name: (entry["generation"], entry["post_scripts_state"], entry["users_state"]) for name, entry in found.items()} == {
        FIRST: ("1.0", "changed", "changed"),
        SECOND: ("next", "changed", "changed"),
        THIRD: ("next", "changed", "changed"),
    }
    assert [line.split()[2] for line in run.stdout.splitlines() if line.startswith(("CLUSTER ", FIRST, SECOND, THIRD))][:1] == ["GENERATION"]
    # E-HPC 1.0 has the list, E-HPC NEXT one bundle of it, and nothing else of it has changed.
    assert [script["url"] for script in clusters[FIRST].post_scripts] == [found[FIRST]["post_scripts"][0]["url"], "/opt/site.sh"]
    (script,) = found[SECOND]["post_scripts"]
    assert clusters[SECOND].settings == {**before, "ClusterCustomConfiguration": {"Script": script["url"], "Args": ""}}
    bundle = emulator.state.buckets[BUCKET].objects[script["url"].partition(f"/{BUCKET}/")[2]].content
    assert (b"echo base" in bundle or b"/base.sh" in bundle, b"/opt/site.sh" in bundle) == (True, True)
    assert found[THIRD]["post_scripts"] == [script]
    assert [{name: user.group for name, user in clusters[one].users.items()} for one in found] == [{"hpcuser01": "users", "hpcadmin01": "wheel"}] * 3

    again = bootstrap(FIRST, SECOND, THIRD, post_scripts=SCRIPTS, users=USERS)
    assert [entry.task for entry in again.results if entry.changed] == []
    assert [clusters[name].updates for name in (SECOND, THIRD)] == [1, 1]
    # Not one call more for E-HPC 1.0, and none in vain for a cluster whose generation is known.
    assert calls(emulator, FIRST) == ["DescribeCluster", "GetPostScripts", "ListUsers"]
    assert calls(emulator, SECOND)[0] == "GetCluster"
    assert calls(emulator, THIRD)[:2] == ["DescribeCluster", "GetCluster"]


def test_what_next_does_not_have(bootstrap: t.Callable[..., Run], emulator: Emulator) -> None:
    """Skipped if it was not asked for, a failure if it was; the script only with consent, and never one of several kept."""
    found = results(bootstrap(*WITHOUT, own=WITHOUT, code=2))
    skipped, one, users, nodes, consent, purge = WITHOUT
    assert found[skipped]["users_state"] == "not applicable (E-HPC NEXT does not synchronize users)"
    assert (found[skipped]["post_scripts_state"], "error" in found[skipped]) == ("not managed", False)
    assert [found[name]["error_code"] for name in (users, nodes)] == ["WrongGeneration"] * 2
    assert "accept_full_update" in found[consent]["error"]
    assert "Set ehpc_bootstrap_post_scripts_purge to true" in found[purge]["error"]
    assert {name: emulator.state.clusters[name].updates for name in WITHOUT} == {**dict.fromkeys(WITHOUT, 0), one: 1}

    removed = results(bootstrap(one, post_scripts=[]))[one]
    before = found[one]["post_scripts"]
    assert (before, removed["post_scripts"], removed["previous_post_scripts"]) == ([{"url": "/opt/site.sh", "args": ""}], [], before)
    assert emulator.state.clusters[one].settings["ClusterCustomConfiguration"] == {}
