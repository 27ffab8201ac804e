# Copyright (c) 2026, the alicloud.ehpc contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The result of the role, which it computes from its tasks, and the table of clusters."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.alicloud.ehpc.plugins.plugin_utils._bootstrap_results import bootstrap_result, bootstrap_table, keyed, summary

CLUSTER = "ehpc-hz-EXAMPLE"
BEFORE, AFTER = [{"url": "/a.sh", "args": ""}], [{"url": "/b.sh", "args": "-x"}]
OPTIONS = {"cluster_id": CLUSTER, "region": "", "sync_users": "auto", "run_on_nodes": []}
SKIPPED = {"skipped": True, "changed": False}
FOUND = {"region": "cn-hangzhou", "clusters": [{"id": CLUSTER, "status": "running", "proxy_mode": True, "post_scripts": BEFORE}]}
PUBLIC = {"region": "cn-hangzhou", "clusters": [{"id": CLUSTER, "status": "running", "proxy_mode": False, "post_scripts": []}]}
CREATING = {"region": "cn-hangzhou", "clusters": [{"id": CLUSTER, "status": "creating", "proxy_mode": True, "post_scripts": []}]}
SCRIPTS = {"changed": True, "post_scripts": AFTER, "previous_post_scripts": BEFORE}
USERS = {"changed": True, "synced": True, "added": ["one", "two"], "removed": [], "missing": []}
CREATED = {"changed": True, "users": [{"name": "one"}], "added": ["one"], "removed": [], "modified": ["two"], "password_changed": []}
WITH_USERS = {**OPTIONS, "users": ["one", "two"]}
MISSING = "The users of cluster ehpc-hz-EXAMPLE in cn-hangzhou were synchronized, but 1 of 3 expected users is missing after 5 seconds: three."
UNCHANGED = {"changed": False}
DENIED = {
    "failed": True,
    "msg": f"Cannot set the post scripts of cluster {CLUSTER} in cn-hangzhou: NotAuthorized: You may not. Grant it.",
    "error": {"code": "NotAuthorized", "message": "You may not."},
}
CREATING_PUBLIC = {"region": "cn-hangzhou", "clusters": [{"id": CLUSTER, "status": "creating", "proxy_mode": False, "post_scripts": []}]}
DENIED_USERS = {**DENIED, "msg": f"Cannot create users of cluster {CLUSTER} in cn-hangzhou: NotAuthorized: You may not. Grant it."}


def result(check_mode: bool = False, **steps: t.Any) -> dict[str, t.Any]:
    return bootstrap_result({"options": OPTIONS, "cluster": FOUND, "post_scripts": SKIPPED, "users": SKIPPED, **steps}, check_mode)


def row(check_mode: bool = False, **steps: t.Any) -> str:
    """The line of one result, from its status on."""
    line = bootstrap_table({CLUSTER: result(check_mode, **steps)})[1]
    return "|".join(cell.strip() for cell in line.split("  ") if cell.strip()).removeprefix(f"{CLUSTER}|cn-hangzhou|")


def test_a_result() -> None:
    assert result(post_scripts=SCRIPTS, users=USERS) == {
        "cluster_id": CLUSTER,
        "region": "cn-hangzhou",
        "generation": None,
        "status": "running",
        "post_scripts_changed": True,
        "post_scripts": AFTER,
        "previous_post_scripts": BEFORE,
        "post_scripts_state": "changed",
        "users_synced": True,
        "users_added": ["one", "two"],
        "users_removed": [],
        "users_modified": [],
        "users_missing": [],
        "users_state": "changed",
        "warnings": [],
    }


def test_created_users_have_the_shape_of_synchronized_ones() -> None:
    created, synchronized = result(created=CREATED, options=WITH_USERS, cluster=PUBLIC), result(users=USERS)
    assert set(created) == set(synchronized)
    assert [created[f"users_{key}"] for key in ("synced", "added", "removed", "modified", "missing")] == [False, ["one"], [], ["two"], ["two"]]


def test_published_scripts_are_in_the_result() -> None:
    key, published = {**OPTIONS, "publish_key": "EXAMPLE"}, [{"name": "base.sh", "changed": True}]
    assert result(options=key, published={"published": published})["published"] == published
    assert result(options=key, published={})["published"] == []
    assert "published" not in result(published=SKIPPED)
    assert result(options=key, published=DENIED, post_scripts={}, users={})["error_code"] == "NotAuthorized"


def test_a_backup_is_named() -> None:
    assert result(post_scripts={**SCRIPTS, "backup_path": "/srv/backup/a.yml"})["backup_path"] == "/srv/backup/a.yml"
    assert "backup_path" not in result(post_scripts=SCRIPTS)


def test_scripts_that_are_not_managed_are_those_of_the_cluster() -> None:
    found = result()
    assert found["post_scripts"] == found["previous_post_scripts"] == BEFORE
    assert found["post_scripts_changed"] is False


@pytest.mark.parametrize(
    ("expected", "check_mode", "steps"),
    [
        ("running|unchanged|unchanged", False, {"post_scripts": UNCHANGED, "users": UNCHANGED}),
        ("running|changed|changed (2 added)", False, {"post_scripts": SCRIPTS, "users": USERS}),
        ("running|would change|would change (1 missing)", True, {"post_scripts": SCRIPTS, "users": {"changed": True, "missing": ["three"]}}),
        ("running|not managed|unchanged", False, {"users": {**USERS, "changed": False, "added": []}}),
        ("running|not managed|changed (2 added, 1 removed)", False, {"users": {**USERS, "removed": ["zero"]}}),
        ("running|not managed|not applicable (no proxy mode)", False, {"cluster": PUBLIC}),
        ("running|not managed|not managed", False, {"options": {**OPTIONS, "sync_users": False}}),
        ("running|not managed|not managed", False, {"options": {**OPTIONS, "sync_users": False}, "cluster": PUBLIC}),
        ("creating|would change|not known yet", True, {"cluster": CREATING, "post_scripts": SCRIPTS}),
        ("creating|not managed|not known yet", True, {"cluster": CREATING_PUBLIC, "options": {**WITH_USERS, "sync_users": False}}),
        ("creating|not managed|not applicable (no proxy mode)", True, {"cluster": CREATING_PUBLIC}),
        ("running|not managed|not managed", False, {"options": {**WITH_USERS, "sync_users": False}}),
        ("running|not managed|unchanged", False, {"cluster": PUBLIC, "options": WITH_USERS, "created": UNCHANGED}),
        ("running|not managed|would change (1 added, 1 modified)", True, {"cluster": PUBLIC, "created": CREATED}),
        (
            "running|not managed|failed (1 added, 1 modified, 1 missing)|NotAuthorized: You may not.",
            False,
            {"cluster": PUBLIC, "options": WITH_USERS, "created": {**CREATED, **DENIED_USERS}, "users": {}},
        ),
        ("running|failed|not reached|NotAuthorized: You may not.", False, {"post_scripts": DENIED, "users": {}}),
        (
            "running|not managed|failed (2 added, 1 missing)|UsersMissing: The users were synchronized, but 1 of 3 expected users is…",
            False,
            {"users": {**USERS, "failed": True, "msg": MISSING, "missing": ["three"], "error": {"code": "UsersMissing"}}},
        ),
        (
            "exception|not reached|not reached|ClusterNotRunning: in status exception and cannot become running.",
            False,
            {
                "cluster": {
                    "failed": True,
                    "region": "cn-hangzhou",
                    "clusters": [{"status": "exception"}],
                    "msg": f"Cluster {CLUSTER} in cn-hangzhou is in status exception and cannot become running. Repair it.",
                    "error": {"code": "ClusterNotRunning"},
                },
                "post_scripts": {},
                "users": {},
            },
        ),
    ],
)
def test_lines_of_the_table(expected: str, check_mode: bool, steps: dict[str, t.Any]) -> None:
    assert row(check_mode, **steps) == expected


def test_a_failure_has_its_message_and_its_code() -> None:
    found = result(post_scripts=DENIED, users={})
    assert (found["error"], found["error_code"]) == (DENIED["msg"], "NotAuthorized")


def test_a_failure_without_a_code() -> None:
    found = result(options={**OPTIONS, "failed": True, "msg": "ehpc_bootstrap_wait_delay must be ..."}, cluster={}, post_scripts={}, users={})
    assert (found["error"], found["error_code"], found["status"]) == ("ehpc_bootstrap_wait_delay must be ...", None, "unknown")


def test_a_cluster_that_the_run_did_not_finish() -> None:
    found = result(post_scripts=SCRIPTS, users={})
    assert found["error"].startswith("The run ended before the role had finished with this cluster")
    assert (found["post_scripts_state"], found["users_state"]) == ("changed", "not reached")


def test_warnings_are_counted_once() -> None:
    again = {"changed": False, "warnings": ["validate_certs is false."]}
    found = result(post_scripts={**again, "warnings": ["validate_certs is false.", "Not found (HTTP 404)."]}, users=again)
    assert found["warnings"] == ["validate_certs is false.", "Not found (HTTP 404)."]
    header, line = bootstrap_table({CLUSTER: found})
    assert (header.split()[-1], line.split()[-1]) == ("WARNINGS", "2")


def node(name: str, hostname: str, status: str = "ok") -> dict[str, str]:
    return {"id": f"i-{name}", "hostname": hostname, "status": status}


@pytest.mark.parametrize(
    ("nodes", "run"),
    [
        ([node("1", "compute000"), node("2", "compute001", "failed")], {"compute000": "ok", "compute001": "failed"}),
        ([node("1", "compute000"), node("2", "compute000")], {"i-1": "ok", "i-2": "ok"}),
        ([node("1", "compute000"), node("2", "")], {"i-1": "ok", "i-2": "ok"}),
        ([], {}),
    ],
)
def test_nodes_have_unique_names(nodes: list[dict[str, str]], run: dict[str, str]) -> None:
    assert result(options={**OPTIONS, "run_on_nodes": ["compute"]}, nodes={"nodes": nodes})["nodes_run"] == run
    assert "nodes_run" not in result(nodes={"nodes": nodes})


def test_nodes_are_counted_in_the_table() -> None:
    nodes = [node(str(number), f"compute{number:03d}", status) for number, status in enumerate(["ok", "failed", "ok"])]
    found = {CLUSTER: result(options={**OPTIONS, "run_on_nodes": ["compute"]}, nodes={"nodes": nodes}), "ehpc-hz-OTHER": result()}
    header, first, second = bootstrap_table(found)
    assert header.split() == ["CLUSTER", "REGION", "STATUS", "SCRIPTS", "NODES", "USERS"]
    assert "  2 ok, 1 failed  " in first
    assert "  -  " in second


def test_clusters_that_failed_come_last() -> None:
    found = {"ehpc-hz-1": result(), "ehpc-hz-2": result(post_scripts=DENIED), "ehpc-hz-3": result(users=USERS)}
    assert [line.split()[0] for line in bootstrap_table(found)] == ["CLUSTER", "ehpc-hz-1", "ehpc-hz-3", "ehpc-hz-2"]


def test_results_with_the_documented_keys_only() -> None:
    found = {CLUSTER: {"region": "cn-hangzhou", "status": "running", "post_scripts_changed": True, "users_synced": True, "users_added": ["one"]}}
    assert bootstrap_table(found)[1].split(maxsplit=3)[3] == "changed  changed (1 added)"
    assert summary(found) == "1 clusters: 1 changed"


def test_a_summary() -> None:
    ran = result(options={**OPTIONS, "run_on_nodes": ["compute"]}, nodes={"nodes": [node("1", "compute000")]})
    found = {"1": result(), "2": result(users=USERS), "3": result(post_scripts=DENIED), "4": ran}
    assert summary(found) == "4 clusters: 2 changed, 1 unchanged, 1 failed"
    assert summary({"1": result(True, users=USERS), "2": result()}) == "2 clusters: 1 would change, 1 unchanged"


def test_results_are_kept_by_cluster() -> None:
    assert keyed({"one": {"cluster_id": CLUSTER}, "two": {"cluster_id": ""}, "three": {}}) == {CLUSTER: {"cluster_id": CLUSTER}, "two": {"cluster_id": ""}}


# E-HPC NEXT

OF_NEXT = {"region": "cn-hangzhou", "clusters": [{"id": CLUSTER, "generation": "next", "status": "running", "proxy_mode": False, "post_scripts": BEFORE}]}
MANAGED = {**OPTIONS, "manage_scripts": True}
SCRIPT = {"changed": True, "script": AFTER[0], "previous_script": BEFORE[0]}


def test_the_one_script_has_the_form_of_a_list() -> None:
    found = result(cluster=OF_NEXT, options=MANAGED, script=SCRIPT)
    assert [found[key] for key in ("generation", "post_scripts", "previous_post_scripts", "post_scripts_state")] == ["next", AFTER, BEFORE, "changed"]
    removed = result(cluster=OF_NEXT, options=MANAGED, script={**SCRIPT, "script": None})
    assert (removed["post_scripts"], removed["previous_post_scripts"]) == ([], BEFORE)


@pytest.mark.parametrize(
    ("options", "steps", "scripts", "users"),
    [
        (OPTIONS, {}, "not managed", "not applicable (E-HPC NEXT does not synchronize users)"),
        (MANAGED, {"script": {**SCRIPT, "changed": False}}, "unchanged", "not applicable (E-HPC NEXT does not synchronize users)"),
        ({**OPTIONS, "sync_users": False}, {}, "not managed", "not managed"),
        ({**MANAGED, "users": ["one"]}, {"script": SCRIPT, "created": CREATED}, "changed", "changed"),
        (MANAGED, {"bundle": DENIED, "users": {}}, "not reached", "not reached"),
        (MANAGED, {"script": DENIED, "users": {}}, "failed", "not reached"),
    ],
)
def test_states_of_a_cluster_of_next(options: dict[str, t.Any], steps: dict[str, t.Any], scripts: str, users: str) -> None:
    found = result(cluster=OF_NEXT, options=options, **steps)
    assert (found["post_scripts_state"], found["users_state"]) == (scripts, users)
    assert ("error" in found) is (DENIED in steps.values())


def test_the_table_shows_generations_if_there_are_two() -> None:
    first = {"region": "cn-hangzhou", "clusters": [{"id": CLUSTER, "generation": "1.0", "status": "running", "proxy_mode": True, "post_scripts": []}]}
    results = {"one": result(cluster=first), "two": result(cluster=OF_NEXT)}
    header, *lines = bootstrap_table(results)
    assert header.split()[:4] == ["CLUSTER", "REGION", "GENERATION", "STATUS"]
    assert [line.split()[2] for line in lines] == ["1.0", "next"]
    assert "GENERATION" not in bootstrap_table({"one": results["one"]})[0]
    assert bootstrap_table({**results, "one": {**results["one"], "generation": 1.0}}) == [header, *lines]
