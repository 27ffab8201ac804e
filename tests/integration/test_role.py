# Copyright (c) 2026, the alicloud.ehpc contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The role ehpc_bootstrap, and the playbook that runs it, for one cluster."""

from __future__ import annotations

import dataclasses
import json
import os
import subprocess
import sys
import typing as t
from pathlib import Path

import pytest
import yaml
from ansible_collections.alicloud.ehpc.tests.emulator import Emulator
from ansible_collections.alicloud.ehpc.tests.support.playing import Play, Run
from ansible_collections.alicloud.ehpc.tests.support.programs import program

PLAYBOOK = "alicloud.ehpc.bootstrap"
ROLE = "alicloud.ehpc.ehpc_bootstrap"
CLUSTER = "ehpc-hz-hybrid01"
SET_SCRIPTS, SYNC_USERS, RUN_SCRIPTS = "Set the post scripts", "Synchronize the users", "Run the scripts on existing nodes"
SCRIPTS = [{"url": "https://scripts.example.com/base.sh", "args": "--mode hybrid"}, {"url": "https://scripts.example.com/mount.sh", "args": ["a b"]}]
STORED = [{"url": "https://scripts.example.com/base.sh", "args": "--mode hybrid"}, {"url": "https://scripts.example.com/mount.sh", "args": "'a b'"}]
TWO_CLUSTERS = {"cluster0": {"ehpc_cluster_id": CLUSTER}, "cluster1": {"ehpc_cluster_id": "ehpc-hz-public01"}}
LOCAL = {"ansible_connection": "local"}


class Bootstrap:
    """Runs the playbook with variables of the role, given without their prefix."""

    def __init__(self, play: Play, emulator: Emulator) -> None:
        self.play, self.emulator = play, emulator
        self.env = {
            "ALIBABA_CLOUD_ACCESS_KEY_ID": emulator.access_key,
            "ALIBABA_CLOUD_ACCESS_KEY_SECRET": emulator.secret_key,
            "ALIBABA_CLOUD_REGION_ID": emulator.region,
            "ALIBABA_CLOUD_EHPC_ENDPOINT": emulator.endpoint,
        }

    def __call__(self, cluster_id: str | None = CLUSTER, /, *, env: dict[str, str] | None = None, **variables: t.Any) -> Run:
        options = {name: variables.pop(name) for name in ("check", "diff", "code", "arguments", "verbosity", "inventory") if name in variables}
        extra_vars = {f"ehpc_bootstrap_{name}": value for name, value in variables.items()}
        if cluster_id is not None:
            extra_vars["ehpc_bootstrap_cluster_id"] = cluster_id
        return self.play.playbook(PLAYBOOK, extra_vars=extra_vars, env={**self.env, **(env or {})}, **options)

    def hosts(self, hosts: dict[str, t.Any], common: dict[str, str], /, **options: t.Any) -> Run:
        """The same for hosts of an inventory, each with its variables. Those in common are also those of a host that is not in the inventory."""
        inventory = self.play.directory / "clusters.yml"
        inventory.write_text(yaml.safe_dump({"all": {"hosts": hosts, "vars": common}}), encoding="utf-8")
        return self(None, hosts="all", inventory=inventory, **options)

    def clusters(self, hosts: dict[str, dict[str, t.Any]], **options: t.Any) -> Run:
        """One run for hosts with variables of their own. A name that is no cluster is that of a new one like CLUSTER."""
        known = self.emulator.state.clusters
        known.update({name: dataclasses.replace(known[CLUSTER], id=name) for name in hosts if name not in known})
        members = {
            name: {"ehpc_cluster_id": name, "ehpc_region": known[name].region, **{f"ehpc_bootstrap_{key}": value for key, value in variables.items()}}
            for name, variables in hosts.items()
        }
        return self.hosts(members, LOCAL, **options)


@pytest.fixture
def bootstrap(play: Play, emulator: Emulator) -> Bootstrap:
    return Bootstrap(play, emulator)


def result(run: Run, cluster_id: str = CLUSTER) -> dict[str, t.Any]:
    """The artifacts of the role for a cluster."""
    return t.cast("dict[str, t.Any]", results(run)[cluster_id])


def results(run: Run) -> dict[str, t.Any]:
    return t.cast("dict[str, t.Any]", run[f"{ROLE} : Report the results"]["ansible_stats"]["data"]["ehpc_bootstrap"])


def row(run: Run, cluster_id: str = CLUSTER) -> str:
    """The line of a cluster in the table of the output, with single spaces."""
    (line,) = [line for line in run.stdout.splitlines() if line.startswith(f"{cluster_id} ") and ": ok=" not in line]
    return " ".join(line.split())


def changed(run: Run) -> list[str]:
    return [entry.task.removeprefix(f"{ROLE} : ") for entry in run.results if entry.changed]


def stored(emulator: Emulator, cluster_id: str = CLUSTER) -> list[t.Any]:
    return [{"url": script["url"], "args": script["args"]} for script in emulator.state.clusters[cluster_id].post_scripts]


def writes(emulator: Emulator) -> list[str]:
    return [action for action in emulator.actions() if action in ("SetPostScripts", "SyncUsers")]


def test_preview_then_run_then_again(bootstrap: Bootstrap, emulator: Emulator) -> None:
    both = [SET_SCRIPTS, SYNC_USERS]
    before = stored(emulator)

    preview = bootstrap(check=True, diff=True, post_scripts=SCRIPTS, expected_users=["hpcuser01", "physics01"])
    assert (changed(preview), writes(emulator), stored(emulator)) == (both, [], before)
    assert '+            "url": "https://scripts.example.com/base.sh"' in preview.stdout
    assert result(preview)["post_scripts_changed"] is True
    assert result(preview)["users_missing"] == ["physics01"]

    real = bootstrap(post_scripts=SCRIPTS, expected_users=["hpcuser01", "physics01"])
    assert (changed(real), writes(emulator), stored(emulator)) == (both, ["SetPostScripts", "SyncUsers"], STORED)
    assert result(real) == {
        "cluster_id": CLUSTER,
        "region": "cn-hangzhou",
        "generation": "1.0",
        "status": "running",
        "post_scripts_changed": True,
        "post_scripts": STORED,
        "previous_post_scripts": before,
        "post_scripts_state": "changed",
        "users_synced": True,
        "users_added": ["chem01", "chem02", "hpcuser03", "physics01"],
        "users_removed": [],
        "users_modified": [],
        "users_missing": [],
        "users_state": "changed",
        "warnings": [],
    }
    assert row(preview) == f"{CLUSTER} cn-hangzhou running would change would change (1 missing)"
    assert row(real) == f"{CLUSTER} cn-hangzhou running changed changed (4 added)"

    emulator.forget()
    again = bootstrap(post_scripts=SCRIPTS, expected_users=["hpcuser01", "physics01"])
    assert changed(again) == []
    assert result(again)["users_synced"] is False
    assert row(again) == f"{CLUSTER} cn-hangzhou running unchanged unchanged"
    assert emulator.actions() == ["DescribeCluster", "GetPostScripts", "ListUsers"], "a converged run makes three calls"


FORMS: dict[str, t.Any] = {
    "ehpc-hz-json": json.dumps(SCRIPTS),
    "ehpc-hz-yaml": "- url: https://scripts.example.com/base.sh\n  args: --mode hybrid\n- url: https://scripts.example.com/mount.sh\n  args: [a b]\n",
    "ehpc-hz-lines": "https://scripts.example.com/base.sh --mode hybrid\n\n# mount\nhttps://scripts.example.com/mount.sh 'a b'\n",
    "ehpc-hz-text": "[]",
    "ehpc-hz-none": [],
    "ehpc-hz-added": SCRIPTS[:1],
}


def test_scripts_in_each_form(bootstrap: Bootstrap, emulator: Emulator) -> None:
    """A list, or a string. Only an explicit empty list removes the scripts, and without purge scripts are added."""
    before = stored(emulator)
    assert before != []
    hosts: dict[str, dict[str, t.Any]] = {name: {"post_scripts": scripts, "sync_users": "false"} for name, scripts in FORMS.items()}
    hosts["ehpc-hz-added"].update(post_scripts_purge="false", sync_users="no")
    bootstrap.clusters(hosts)
    assert [stored(emulator, name) for name in FORMS] == [STORED, STORED, STORED, [], [], [*before, STORED[0]]]
    assert "SyncUsers" not in emulator.actions()


def test_blank_answers_change_nothing(bootstrap: Bootstrap, emulator: Emulator) -> None:
    before = stored(emulator)
    names = ["region", "post_scripts", "post_scripts_purge", "sync_users", "account_host", "uid_min", "uid_max"]
    names += ["wait_timeout", "wait_delay", "sync_timeout", "run_on_nodes", "users", "backup", "backup_dir"]
    blank: dict[str, t.Any] = {name: (None, "", "  ")[number % 3] for number, name in enumerate(names)}
    run = bootstrap(**blank, hosts="", expected_users="hpcuser01")
    assert (changed(run), writes(emulator), stored(emulator)) == ([], [], before)


def test_a_backup_restores_the_scripts(play: Play, bootstrap: Bootstrap, emulator: Emulator, tmp_path: Path) -> None:
    signed = {"url": "https://bucket.oss-cn-hangzhou.aliyuncs.com/a.sh?Expires=1893456000&OSSAccessKeyId=EXAMPLEid&Signature=EXAMPLEsig", "args": ""}
    emulator.state.clusters[CLUSTER].post_scripts = [dict(signed)]
    run = bootstrap(post_scripts=SCRIPTS, backup="true", backup_dir=str(tmp_path / "backups"), sync_users=False)
    path = Path(result(run)["backup_path"])
    assert (path.parent, stored(emulator)) == (tmp_path / "backups", STORED)
    play.playbook("alicloud.ehpc.restore", extra_vars={"ehpc_restore_file": str(path)}, env=bootstrap.env)
    assert stored(emulator) == [signed]


def test_accounts_of_a_host_are_expected(bootstrap: Bootstrap, emulator: Emulator, tmp_path: Path) -> None:
    """Accounts with another user ID on the cluster are reported, also if this run synchronized them."""
    passwd = [f"{name}:x:{uid}:100::/home/{name}:/bin/sh" for name, uid in (("root", 0), ("hpcuser01", 1000), ("physics01", 5002), ("nobody", 65534))]
    lines = "\n".join(passwd)
    program(tmp_path / "getent", f"cat <<'END'\n{lines}\nEND")
    run = bootstrap(account_host="localhost", expected_users="hpcuser02", env={"PATH": f"{tmp_path}:{os.environ['PATH']}"})
    users = emulator.state.clusters[CLUSTER].users
    assert run[f"{ROLE} : Read the accounts of the account host"]["accounts"] == {"hpcuser01": 1000, "physics01": 5002}
    assert (users["hpcuser01"].uid, "physics01" in result(run)["users_added"]) == (1000, True)
    (warning,) = result(run)["warnings"]
    assert warning.endswith(f" on-premises: physics01 ({users['physics01'].uid} instead of 5002).")
    assert "[WARNING]: These users of cluster" in run.stderr + run.stdout
    assert row(run) == f"{CLUSTER} cn-hangzhou running not managed changed (4 added) 1"


def test_no_synchronization_if_it_is_not_wanted(bootstrap: Bootstrap, emulator: Emulator) -> None:
    wanted = {"ehpc-hz-public01": "auto", "ehpc-hz-hybrid02": "auto", CLUSTER: False}
    run = bootstrap.clusters({name: {"sync_users": value} for name, value in wanted.items()}, expected_users=["nobody99"])
    assert emulator.actions() == ["DescribeCluster"] * 3
    for name, value in wanted.items():
        assert result(run, name)["users_synced"] is False
        users = "not applicable (no proxy mode)" if value == "auto" else "not managed"
        assert row(run, name) == f"{name} cn-hangzhou running not managed {users}"


def test_a_preview_without_expected_users_would_change(bootstrap: Bootstrap) -> None:
    run = bootstrap(check=True)
    assert changed(run) == [SYNC_USERS]
    assert row(run) == f"{CLUSTER} cn-hangzhou running not managed would change"


def test_users_that_arrived_and_users_that_are_missing(bootstrap: Bootstrap) -> None:
    run = bootstrap(expected_users=["physics01", "nobody99"], sync_timeout=1, code=2)
    assert row(run).startswith(f"{CLUSTER} cn-hangzhou running not managed failed (4 added, 1 missing) UsersMissing: ")
    assert (result(run)["users_missing"], result(run)["error_code"]) == (["nobody99"], "UsersMissing")


def test_waits_for_a_cluster_that_is_being_created(bootstrap: Bootstrap, emulator: Emulator) -> None:
    run = bootstrap("ehpc-hz-create01", wait_timeout=60, wait_delay=1, post_scripts=SCRIPTS, sync_users=False)
    assert result(run, "ehpc-hz-create01")["status"] == "running"
    assert "\nCluster ehpc-hz-create01 in cn-hangzhou: creating\n" in run.stdout, "the status is shown while waiting"
    assert stored(emulator, "ehpc-hz-create01") == STORED
    assert emulator.actions().count("DescribeCluster") > 1


def test_preview_of_a_cluster_that_is_being_created_does_not_wait(bootstrap: Bootstrap, emulator: Emulator) -> None:
    run = bootstrap("ehpc-hz-create01", check=True, post_scripts=SCRIPTS, sync_users=True)
    assert emulator.actions() == ["DescribeCluster", "GetPostScripts"]
    assert result(run, "ehpc-hz-create01")["post_scripts_changed"] is True
    assert row(run, "ehpc-hz-create01") == "ehpc-hz-create01 cn-hangzhou creating would change not known yet"


# Like CLUSTER.
LIKE = "ehpc-hz-like01"
# Each is a host of one run, so the failure of one does not stop the others either.
MISTAKES: list[tuple[str | None, dict[str, t.Any], list[str]]] = [
    ("ehpc-hz-NONE", {}, ["ehpc-hz-NONE in cn-hangzhou: ClusterNotFound"]),
    ("ehpc-sg-broken01", {"region": "ap-southeast-1"}, ["ehpc-sg-broken01", "status exception", "Repair"]),
    ("ehpc-sg-stopped01", {"region": "ap-southeast-1"}, ["ehpc-sg-stopped01", "status stopped"]),
    ("ehpc-hz-create01", {"wait_timeout": 0}, ["ehpc-hz-create01", "still in status creating", "wait_timeout"]),
    (None, {}, ["ehpc_bootstrap_cluster_id is empty", "ehpc_bootstrap_hosts"]),
    ("", {}, ["ehpc_bootstrap_cluster_id is empty", "ehpc_bootstrap_hosts"]),
    (CLUSTER, {"run_on_nodes": ["compute777"]}, ["has no node with the ID or host name 'compute777'"]),
    (CLUSTER, {"account_host": "accounts.invalid"}, ["account host accounts.invalid", "could not be reached"]),
    (LIKE, {"account_host": "localhost"}, ["Missing arguments, or database unknown"]),
    (CLUSTER, {"scripts": "/a.sh"}, ["ehpc_bootstrap_scripts is not a variable of the role. The closest one is ehpc_bootstrap_post_scripts."]),
    (CLUSTER, {"post_scripts": [{"url": "/a.sh", "args": "{{ cluster_name }}"}]}, ["ehpc_bootstrap_post_scripts cannot be evaluated", "cluster_name"]),
    (CLUSTER, {"post_scripts": [{"url": f"https://scripts.example.com/{number}"} for number in range(17)]}, [CLUSTER, "17", "16"]),
    ("ehpc-hz-public01", {"sync_users": True}, ["ehpc-hz-public01", "proxy mode", "check_cluster"]),
    (
        CLUSTER,
        {"post_scripts": "base.sh\n/b.sh\nc.sh", "uid_min": "low", "sync_user": True, "expected_users": {"hpcuser01": None}},
        ["script 1 begins with 'base.sh'", "script 3 begins with 'c.sh'", "uid_min", "sync_user is not", "ehpc_bootstrap_expected_users", "a dictionary"],
    ),
]
# Words that only developers of Ansible understand.
INTERNALS = ["filter plugin", "_Ansible", "AnsibleUnsafe", "__ehpc", "Unknown error"]


def test_mistakes(bootstrap: Bootstrap, emulator: Emulator, tmp_path: Path) -> None:
    # Stand-ins for programs that a machine may lack, and which would query the name service of the machine.
    program(tmp_path / "ssh", "echo 'ssh: Could not resolve hostname accounts.invalid: Name or service not known' >&2\nexit 255")
    program(tmp_path / "getent", "exit 1")
    emulator.state.clusters[LIKE] = dataclasses.replace(emulator.state.clusters[CLUSTER], id=LIKE)
    hosts = {}
    for number, (cluster_id, variables, _words) in enumerate(MISTAKES):
        named = {} if cluster_id is None else {"cluster_id": cluster_id}
        hosts[f"mistake{number}"] = {f"ehpc_bootstrap_{name}": value for name, value in {**named, **variables}.items()} | LOCAL
    env = {"ANSIBLE_SSH_EXECUTABLE": str(tmp_path / "ssh"), "PATH": f"{tmp_path}:{os.environ['PATH']}"}
    run = bootstrap.hosts(hosts, {}, env=env, code=2)
    for number, (cluster_id, _variables, words) in enumerate(MISTAKES):
        (failure,) = [entry for entry in run.results if entry.host == f"mistake{number}" and entry.failed]
        assert [word for word in words if word not in failure.msg] == [], failure.msg
        assert [word for word in INTERNALS if word in failure.msg] == []
        if cluster_id != CLUSTER:
            told = results(run)[cluster_id or failure.host]
            assert told["error"] == failure.msg
            assert row(run, cluster_id or failure.host)
    assert writes(emulator) == []
    assert max(len(line) for line in run.stdout.splitlines() if line.startswith(("CLUSTER ", "ehpc-", "mistake"))) < 200


def test_a_second_cluster_of_a_host_has_no_values_of_the_first(play: Play, bootstrap: Bootstrap) -> None:
    used = {
        "name": "One cluster and another",
        "ansible.builtin.include_role": {"name": ROLE},
        "vars": {"ehpc_bootstrap_cluster_id": "{{ item.id }}", "ehpc_bootstrap_wait_delay": "{{ item.delay }}"},
        "loop": [{"id": CLUSTER, "delay": 1}, {"id": "ehpc-hz-create01", "delay": "soon"}],
    }
    variables = {"ehpc_bootstrap_post_scripts": SCRIPTS, "ehpc_bootstrap_preflight": "off", "ehpc_bootstrap_expected_users": ["physics01"]}
    playbook = [{"name": "Twice", "hosts": "localhost", "gather_facts": False, "vars": variables, "tasks": [used]}]
    run = play.playbook(playbook, env=bootstrap.env, code=2)
    told = run.all(f"{ROLE} : Keep the result")[1]
    assert told["ansible_facts"]["ehpc_bootstrap_result"] == {
        "cluster_id": "ehpc-hz-create01",
        "region": "",
        "generation": None,
        "status": "unknown",
        "post_scripts_changed": False,
        "post_scripts": [],
        "previous_post_scripts": [],
        "post_scripts_state": "not reached",
        "users_synced": False,
        "users_added": [],
        "users_removed": [],
        "users_modified": [],
        "users_missing": [],
        "users_state": "not reached",
        "warnings": [],
        "error": "ehpc_bootstrap_wait_delay must be a whole number of seconds, at least 1; it is 'soon'.",
        "error_code": None,
    }


def test_a_failed_call_ends_the_wait(bootstrap: Bootstrap, emulator: Emulator) -> None:
    run = bootstrap(env={"ALIBABA_CLOUD_ACCESS_KEY_SECRET": "EXAMPLE-wrong"}, code=2)
    assert "SignatureDoesNotMatch" in result(run)["error"]
    assert result(run)["error_code"] == "SignatureDoesNotMatch"
    assert len([entry for entry in run.results if entry.failed]) == 1
    assert emulator.actions() == ["DescribeCluster"]


def test_a_converged_cluster_costs_six_tasks(bootstrap: Bootstrap) -> None:
    """Skipped tasks count too, because each takes a worker. The report is one task for all clusters."""
    run = bootstrap.hosts(TWO_CLUSTERS, LOCAL, expected_users=["hpcuser01"])
    assert len([entry for entry in run.results if entry.host == "cluster1"]) == 6
    assert changed(run) == []


def test_the_role_alone_in_a_play(play: Play, bootstrap: Bootstrap) -> None:
    playbook = [
        {
            "name": "A play of a user",
            "hosts": "localhost",
            "gather_facts": False,
            "roles": [{"role": "alicloud.ehpc.ehpc_bootstrap", "vars": {"ehpc_bootstrap_cluster_id": CLUSTER, "ehpc_bootstrap_expected_users": ["hpcuser01"]}}],
            "post_tasks": [{"name": "See", "ansible.builtin.debug": {"var": "ehpc_bootstrap_result.status"}}],
        }
    ]
    run = play.playbook(playbook, env=bootstrap.env)
    assert run["See"]["ehpc_bootstrap_result.status"] == "running"


def test_installed_from_its_tarball(tmp_path: Path, bootstrap: Bootstrap, play: Play) -> None:
    """The playbook runs by its name from any directory, with the content of the tarball only."""
    galaxy = Path(sys.executable).with_name("ansible-galaxy")
    root = Path(__file__).resolve().parents[2]
    installed = tmp_path / "installed"
    for arguments in (
        ["build", "--output-path", str(tmp_path), str(root)],
        ["install", "--offline", "-p", str(installed), str(tmp_path / "alicloud-ehpc-1.0.0.tar.gz")],
    ):
        subprocess.run(
            [galaxy, "collection", *arguments], check=True, capture_output=True, env={**bootstrap.env, "HOME": str(tmp_path), "PATH": "/usr/bin:/bin"}
        )
    assert not (installed / "ansible_collections/alicloud/ehpc/tests").exists()
    run = bootstrap(env={"ANSIBLE_COLLECTIONS_PATH": str(installed)}, expected_users=["hpcuser01"])
    assert changed(run) == []


# Scripts on nodes


def on_node(emulator: Emulator, name: str, text: str) -> str:
    """The path of a script that is already on the nodes."""
    path = emulator.state.machines.directory("scripts") / name
    path.write_text(f"#!/bin/sh\n{text}\n", encoding="utf-8")
    return str(path)


def test_scripts_run_on_the_nodes_of_roles(bootstrap: Bootstrap, emulator: Emulator) -> None:
    script = {"url": on_node(emulator, "hello.sh", 'echo "$1" >>"$HOME/said"; sleep 3'), "args": "hello"}
    options: dict[str, t.Any] = {"post_scripts": [script], "expected_users": ["hpcuser01"], "run_on_nodes": "compute", "wait_delay": 1}
    computes = [node for node in emulator.state.clusters[CLUSTER].nodes if node.role == "Compute"]

    preview = bootstrap(check=True, **options)
    assert changed(preview) == [SET_SCRIPTS, RUN_SCRIPTS]
    assert result(preview)["nodes_run"] == {node.host_name: "would_run" for node in computes}
    assert "InvokeShellCommand" not in emulator.actions()

    real = bootstrap(**options)
    assert changed(real) == [SET_SCRIPTS, RUN_SCRIPTS]
    assert result(real)["nodes_run"] == {node.host_name: "ok" for node in computes}
    assert [(emulator.state.machines.directory(node.id) / "said").read_text() for node in computes] == ["hello\n"] * len(computes)
    assert row(real) == f"{CLUSTER} cn-hangzhou running changed {len(computes)} ok unchanged"

    again = bootstrap(**options)
    assert changed(again) == []
    assert result(again)["nodes_run"] == {node.host_name: "unchanged" for node in computes}


def test_scripts_run_for_clusters_of_an_inventory(bootstrap: Bootstrap, emulator: Emulator, tmp_path: Path) -> None:
    """For each way of making the connection local, and for any HOME."""
    path = on_node(emulator, "hello.sh", "echo hello")
    given = {"post_scripts": [{"url": path}], "run_on_nodes": "login, manager", "sync_users": False, "wait_delay": 1}
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    # A blank value is unset for Ansible.
    env = {"HOME": str(elsewhere), "ANSIBLE_ASYNC_DIR": "", "ANSIBLE_HOME": str(elsewhere / ".ansible")}
    run = bootstrap.hosts(TWO_CLUSTERS, {}, arguments=("--connection", "local"), env=env, **given)
    assert result(run)["nodes_run"] == {"manager000": "ok", "master000": "ok"}
    assert result(run, "ehpc-hz-public01")["nodes_run"] == {"manager000": "ok", "manager001": "ok", "login000": "ok"}
    assert not list((Path(__file__).resolve().parents[2] / "playbooks").glob("{*")), "and nothing is left beside the playbook"


def test_a_script_that_fails_on_a_node_fails_the_cluster(bootstrap: Bootstrap, emulator: Emulator) -> None:
    emulator.state.clusters[CLUSTER].post_scripts = [{"url": on_node(emulator, "bad.sh", "exit 3"), "args": ""}]
    run = bootstrap(run_on_nodes=["compute000"], sync_users=False, wait_delay=1, code=2)
    assert result(run)["nodes_run"] == {"compute000": "failed"}
    assert "compute000" in result(run)["error"]
    assert "exit status 3" in result(run)["error"]
    assert " 1 failed " in row(run)


def test_without_nodes_no_command_is_sent(bootstrap: Bootstrap, emulator: Emulator) -> None:
    blank: dict[str, t.Any] = {"ehpc-hz-null": None, "ehpc-hz-empty": "", "ehpc-hz-list": [], "ehpc-hz-text": "[]"}
    run = bootstrap.clusters({name: {"run_on_nodes": value} for name, value in blank.items()}, expected_users=["hpcuser01"])
    assert sorted(emulator.actions()) == ["DescribeCluster"] * 4 + ["ListUsers"] * 4
    assert [name for name in blank if "nodes_run" in result(run, name)] == []
