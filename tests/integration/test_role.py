# Copyright (c) 2026, the alicloud.ehpc contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The role ehpc_bootstrap, and the playbook that runs it, for one cluster."""

from __future__ import annotations

import subprocess
import sys
import typing as t
from pathlib import Path

import pytest
import yaml
from playing import Play, Run

from emulator import Emulator

PLAYBOOK = "alicloud.ehpc.bootstrap"
ROLE = "alicloud.ehpc.ehpc_bootstrap"
CLUSTER = "ehpc-hz-hybrid01"
FAILURE = "Fail where the cluster could not be brought to its configuration"
SCRIPTS = [{"url": "https://scripts.example.com/base.sh", "args": "--mode hybrid"}, {"url": "https://scripts.example.com/mount.sh", "args": ["a b"]}]
STORED = [{"url": "https://scripts.example.com/base.sh", "args": "--mode hybrid"}, {"url": "https://scripts.example.com/mount.sh", "args": "'a b'"}]


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


@pytest.fixture
def bootstrap(play: Play, emulator: Emulator) -> Bootstrap:
    return Bootstrap(play, emulator)


def result(run: Run, cluster_id: str = CLUSTER) -> dict[str, t.Any]:
    """What the role hands to workflows about a cluster."""
    stats = run[f"{ROLE} : Result | Hand it to workflows"]["ansible_stats"]["data"]["ehpc_bootstrap"]
    return t.cast("dict[str, t.Any]", stats[cluster_id])


def changed(run: Run) -> list[str]:
    return [entry.task.removeprefix(f"{ROLE} : ") for entry in run.results if entry.changed]


def stored(emulator: Emulator, cluster_id: str = CLUSTER) -> list[t.Any]:
    return [{"url": script["url"], "args": script["args"]} for script in emulator.state.clusters[cluster_id].post_scripts]


def writes(emulator: Emulator) -> list[str]:
    return [action for action in emulator.actions() if action in ("SetPostScripts", "SyncUsers")]


def test_preview_then_run_then_again(bootstrap: Bootstrap, emulator: Emulator) -> None:
    both = ["Set the post scripts", "Users | Synchronize them"]
    before = stored(emulator)

    preview = bootstrap(check=True, diff=True, post_scripts=SCRIPTS, expected_users=["hpcuser01", "physics01"])
    assert (changed(preview), writes(emulator), stored(emulator)) == (both, [], before)
    assert '+            "url": "https://scripts.example.com/base.sh"' in preview.stdout
    assert result(preview)["post_scripts_changed"] is True
    assert result(preview)["users_missing"] == ["physics01"]

    real = bootstrap(post_scripts=SCRIPTS, expected_users=["hpcuser01", "physics01"])
    assert (changed(real), writes(emulator), stored(emulator)) == (both, ["SetPostScripts", "SyncUsers"], STORED)
    assert result(real) == {
        "region": "cn-hangzhou",
        "status": "running",
        "post_scripts_changed": True,
        "post_scripts": STORED,
        "users_synced": True,
        "users_added": ["chem01", "chem02", "hpcuser03", "physics01"],
        "users_missing": [],
    }

    emulator.forget()
    again = bootstrap(post_scripts=SCRIPTS, expected_users=["hpcuser01", "physics01"])
    assert changed(again) == []
    assert result(again)["users_synced"] is False
    assert emulator.actions() == ["DescribeCluster", "GetPostScripts", "ListUsers"], "a converged run makes three calls"


@pytest.mark.parametrize(
    "scripts",
    [
        '[{"url": "https://scripts.example.com/base.sh", "args": "--mode hybrid"}, {"url": "https://scripts.example.com/mount.sh", "args": ["a b"]}]',
        "- url: https://scripts.example.com/base.sh\n  args: --mode hybrid\n- url: https://scripts.example.com/mount.sh\n  args: [a b]\n",
        "https://scripts.example.com/base.sh --mode hybrid\n\n# mount\nhttps://scripts.example.com/mount.sh 'a b'\n",
    ],
    ids=["json", "yaml", "lines"],
)
def test_scripts_as_text(bootstrap: Bootstrap, emulator: Emulator, scripts: str) -> None:
    bootstrap(post_scripts=scripts, sync_users="false")
    assert stored(emulator) == STORED
    assert "SyncUsers" not in emulator.actions()


def test_blank_answers_change_nothing(bootstrap: Bootstrap, emulator: Emulator) -> None:
    before = stored(emulator)
    names = ["region", "post_scripts", "post_scripts_purge", "sync_users", "account_host", "uid_min", "uid_max"]
    names += ["wait_timeout", "wait_delay", "sync_timeout"]
    for blank in (None, "", "  "):
        run = bootstrap(**dict.fromkeys(names, blank), expected_users="hpcuser01")
        assert changed(run) == []
    assert stored(emulator) == before
    assert writes(emulator) == []


def test_only_an_explicit_empty_list_clears(bootstrap: Bootstrap, emulator: Emulator) -> None:
    bootstrap(post_scripts="[]", sync_users=False)
    assert stored(emulator) == []
    emulator.state.clusters[CLUSTER].post_scripts = [{"url": "/opt/a.sh", "args": ""}]
    bootstrap(post_scripts=[], sync_users=False)
    assert stored(emulator) == []


def test_without_purge_scripts_are_added(bootstrap: Bootstrap, emulator: Emulator) -> None:
    before = stored(emulator)
    bootstrap(post_scripts=SCRIPTS[:1], post_scripts_purge="false", sync_users="no")
    assert stored(emulator) == [*before, STORED[0]]


def test_accounts_of_a_host_are_expected(bootstrap: Bootstrap, emulator: Emulator) -> None:
    emulator.state.clusters[CLUSTER].on_premise_users["root"] = emulator.state.clusters[CLUSTER].on_premise_users["hpcuser01"]
    run = bootstrap(account_host="localhost", uid_min="0", uid_max=0, expected_users="hpcuser01, hpcuser02", sync_timeout=5, code=None)
    assert [call.params["ClusterId"] for call in emulator.calls if call.action == "SyncUsers"] == [CLUSTER]
    assert "root" in str(run[f"{ROLE} : Users | Synchronize them"].result)


@pytest.mark.parametrize(("sync_users", "cluster_id"), [("auto", "ehpc-hz-public01"), ("auto", "ehpc-hz-hybrid02"), (False, CLUSTER)])
def test_no_synchronization_where_it_is_not_wanted(bootstrap: Bootstrap, emulator: Emulator, sync_users: object, cluster_id: str) -> None:
    run = bootstrap(cluster_id, sync_users=sync_users)
    assert emulator.actions() == ["DescribeCluster"]
    assert result(run, cluster_id)["users_synced"] is False


def test_waits_for_a_cluster_that_is_being_created(bootstrap: Bootstrap, emulator: Emulator) -> None:
    run = bootstrap("ehpc-hz-create01", wait_timeout=60, wait_delay=1, post_scripts=SCRIPTS, sync_users=False)
    assert result(run, "ehpc-hz-create01")["status"] == "running"
    assert stored(emulator, "ehpc-hz-create01") == STORED
    assert emulator.actions().count("DescribeCluster") > 1


def test_preview_of_a_cluster_that_is_being_created_does_not_wait(bootstrap: Bootstrap, emulator: Emulator) -> None:
    run = bootstrap("ehpc-hz-create01", check=True, post_scripts=SCRIPTS, sync_users=True)
    assert emulator.actions() == ["DescribeCluster", "GetPostScripts"]
    assert result(run, "ehpc-hz-create01")["post_scripts_changed"] is True


# Each is a host of one run, so the failure of one does not stop the others either.
MISTAKES: list[tuple[str | None, dict[str, t.Any], list[str]]] = [
    ("ehpc-hz-NONE", {}, ["ehpc-hz-NONE", "does not exist in cn-hangzhou", "ehpc_bootstrap_region"]),
    ("ehpc-sg-broken01", {"region": "ap-southeast-1"}, ["ehpc-sg-broken01", "exception", "Repair"]),
    ("ehpc-sg-stopped01", {"region": "ap-southeast-1"}, ["ehpc-sg-stopped01", "stopped"]),
    ("ehpc-hz-create01", {"wait_timeout": 0}, ["ehpc-hz-create01", "still creating", "ehpc_bootstrap_wait_timeout"]),
    (None, {}, ["ehpc_bootstrap_cluster_id"]),
    ("", {}, ["ehpc_bootstrap_cluster_id"]),
    (CLUSTER, {"sync_users": "perhaps"}, ["ehpc_bootstrap_sync_users", "perhaps"]),
    (CLUSTER, {"run_on_nodes": "compute, compute000"}, ["ehpc_bootstrap_run_on_nodes", "compute, compute000"]),
    (CLUSTER, {"run_on_nodes": ["compute777"]}, ["has no nodes 'compute777'"]),
    (CLUSTER, {"account_host": "accounts.invalid"}, ["account host accounts.invalid", "could not be reached"]),
    (CLUSTER, {"post_scripts_purge": "perhaps"}, ["ehpc_bootstrap_post_scripts_purge", "perhaps"]),
    (CLUSTER, {"uid_min": "low"}, ["ehpc_bootstrap_uid_min", "low"]),
    (CLUSTER, {"uid_max": "high"}, ["ehpc_bootstrap_uid_max", "high"]),
    (CLUSTER, {"uid_min": 60000}, ["ehpc_bootstrap_uid_min must not be above ehpc_bootstrap_uid_max; they are 60000 and 59999."]),
    (CLUSTER, {"sync_timeout": 0}, ["ehpc_bootstrap_sync_timeout", "at least 1; it is '0'"]),
    (CLUSTER, {"wait_timeout": "long"}, ["ehpc_bootstrap_wait_timeout", "long"]),
    (CLUSTER, {"wait_delay": "soon"}, ["ehpc_bootstrap_wait_delay", "soon"]),
    (CLUSTER, {"post_scripts": "[{url: "}, ["post scripts", "YAML"]),
    (CLUSTER, {"post_scripts": "base.sh --mode x"}, ["Post script 1", "url", "base.sh"]),
    (CLUSTER, {"post_scripts": [{"args": "x"}]}, ["Post script 1 has no url"]),
    (CLUSTER, {"post_scripts": [{"url": f"https://scripts.example.com/{number}"} for number in range(17)]}, [CLUSTER, "17", "16"]),
    ("ehpc-hz-public01", {"sync_users": True}, ["ehpc-hz-public01", "proxy mode", "check_cluster"]),
]


def test_mistakes(bootstrap: Bootstrap, emulator: Emulator, tmp_path: Path) -> None:
    # In place of the real one, which a machine need not have, and which would ask the machine's name service for the host.
    ssh = tmp_path / "ssh"
    ssh.write_text("#!/bin/sh\necho 'ssh: Could not resolve hostname accounts.invalid: Name or service not known' >&2\nexit 255\n", encoding="utf-8")
    ssh.chmod(0o755)
    hosts = {}
    for number, (cluster_id, variables, _words) in enumerate(MISTAKES):
        named = {} if cluster_id is None else {"cluster_id": cluster_id}
        hosts[f"mistake{number}"] = {f"ehpc_bootstrap_{name}": value for name, value in {**named, **variables}.items()} | {"ansible_connection": "local"}
    inventory = tmp_path / "mistakes.yml"
    inventory.write_text(yaml.safe_dump({"all": {"hosts": hosts}}), encoding="utf-8")
    run = bootstrap(None, hosts="all", inventory=inventory, env={"ANSIBLE_SSH_EXECUTABLE": str(ssh)}, code=2)
    messages = {entry.host: entry.msg for entry in run.results if entry.task == f"{ROLE} : {FAILURE}"}
    for number, (_cluster_id, _variables, words) in enumerate(MISTAKES):
        assert [word for word in words if word not in messages[f"mistake{number}"]] == [], messages[f"mistake{number}"]
    assert writes(emulator) == []


def test_the_next_cluster_of_a_host_has_nothing_of_the_one_before(play: Play, bootstrap: Bootstrap) -> None:
    used = {
        "name": "One cluster and another",
        "ansible.builtin.include_role": {"name": ROLE},
        "vars": {"ehpc_bootstrap_cluster_id": "{{ item.id }}", "ehpc_bootstrap_wait_delay": "{{ item.delay }}"},
        "loop": [{"id": CLUSTER, "delay": 1}, {"id": "ehpc-hz-create01", "delay": "soon"}],
    }
    variables = {"ehpc_bootstrap_post_scripts": SCRIPTS, "ehpc_bootstrap_preflight": "off", "ehpc_bootstrap_expected_users": ["physics01"]}
    playbook = [{"name": "Twice", "hosts": "localhost", "gather_facts": False, "vars": variables, "tasks": [used]}]
    run = play.playbook(playbook, env=bootstrap.env, code=2)
    told = [entry for entry in run.results if entry.task == f"{ROLE} : Keep what failed"]
    assert told[0]["ansible_facts"]["ehpc_bootstrap_result"] == {
        "region": "",
        "status": "unknown",
        "post_scripts_changed": False,
        "post_scripts": [],
        "users_synced": False,
        "users_added": [],
        "users_missing": [],
        "error": "ehpc_bootstrap_wait_delay must be a whole number of seconds, at least 1; it is 'soon'.",
    }


def test_a_failed_call_is_not_waited_for(bootstrap: Bootstrap, emulator: Emulator) -> None:
    run = bootstrap(env={"ALIBABA_CLOUD_ACCESS_KEY_SECRET": "EXAMPLE-wrong"}, code=2)
    assert "SignatureDoesNotMatch" in result(run)["error"]
    assert emulator.actions() == ["DescribeCluster"]


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
    """The playbook runs by its name from any directory, with nothing but what the tarball holds."""
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

NODES = "Nodes | Run the scripts on those that exist already"


def on_node(emulator: Emulator, name: str, text: str) -> str:
    """A script that nodes have already: its path."""
    path = emulator.state.machines.directory("scripts") / name
    path.write_text(f"#!/bin/sh\n{text}\n", encoding="utf-8")
    return str(path)


def test_scripts_run_on_the_nodes_of_roles(bootstrap: Bootstrap, emulator: Emulator) -> None:
    script = {"url": on_node(emulator, "hello.sh", 'echo "$1" >>"$HOME/said"; sleep 3'), "args": "hello"}
    options: dict[str, t.Any] = {"post_scripts": [script], "expected_users": ["hpcuser01"], "run_on_nodes": "compute", "wait_delay": 1}
    computes = [node for node in emulator.state.clusters[CLUSTER].nodes if node.role == "Compute"]

    preview = bootstrap(check=True, **options)
    assert changed(preview) == ["Set the post scripts", NODES]
    assert result(preview)["nodes_run"] == {node.host_name: "would_run" for node in computes}
    assert "InvokeShellCommand" not in emulator.actions()

    real = bootstrap(**options)
    assert changed(real) == ["Set the post scripts", NODES]
    assert result(real)["nodes_run"] == {node.host_name: "ok" for node in computes}
    assert [(emulator.state.machines.directory(node.id) / "said").read_text() for node in computes] == ["hello\n"] * len(computes)
    assert "ASYNC POLL on localhost" in real.stdout, "there is something to see while it waits"
    assert f"changed  {len(computes)} ok   ok" in real.stdout, "the table is shown"

    again = bootstrap(**options)
    assert changed(again) == []
    assert result(again)["nodes_run"] == {node.host_name: "unchanged" for node in computes}


def test_scripts_run_for_clusters_of_an_inventory(bootstrap: Bootstrap, emulator: Emulator, tmp_path: Path) -> None:
    """With the Python of Ansible, whichever others there are, and wherever HOME is."""
    path = on_node(emulator, "hello.sh", "echo hello")
    hosts = {f"cluster{number}": {"ehpc_cluster_id": name} for number, name in enumerate((CLUSTER, "ehpc-hz-public01"))}
    inventory = tmp_path / "clusters.yml"
    inventory.write_text(yaml.safe_dump({"all": {"hosts": hosts, "vars": {"ansible_connection": "local"}}}), encoding="utf-8")
    given = {"post_scripts": [{"url": path}], "run_on_nodes": "login, manager", "sync_users": False, "wait_delay": 1}
    run = bootstrap(None, hosts="all", inventory=inventory, env={"ANSIBLE_ASYNC_DIR": "~/.ansible_async"}, **given)
    assert result(run)["nodes_run"] == {"manager000": "ok", "master000": "ok"}
    assert result(run, "ehpc-hz-public01")["nodes_run"] == {"manager000": "ok", "manager001": "ok", "login000": "ok"}
    assert (bootstrap.play.home / ".ansible_async").is_dir()
    assert not list((Path(__file__).resolve().parents[2] / "playbooks").glob("{*")), "and nothing is left beside the playbook"


def test_a_script_that_fails_on_a_node_fails_the_cluster(bootstrap: Bootstrap, emulator: Emulator) -> None:
    emulator.state.clusters[CLUSTER].post_scripts = [{"url": on_node(emulator, "bad.sh", "exit 3"), "args": ""}]
    run = bootstrap(run_on_nodes=["compute000"], sync_users=False, wait_delay=1, code=2)
    assert result(run)["nodes_run"] == {"compute000": "failed"}
    assert "compute000" in result(run)["error"]
    assert "exit status 3" in result(run)["error"]
    assert "1 failed" in run.stdout


@pytest.mark.parametrize("blank", [None, "", [], "[]"])
def test_without_nodes_no_node_is_asked(bootstrap: Bootstrap, emulator: Emulator, blank: object) -> None:
    run = bootstrap(run_on_nodes=blank, expected_users=["hpcuser01"])
    assert emulator.actions() == ["DescribeCluster", "ListUsers"]
    assert "nodes_run" not in result(run)
