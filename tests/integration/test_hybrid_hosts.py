# Copyright (c) 2026, the alicloud.ehpc contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The playbook hybrid and the role ehpc_hybrid_node, with directories of this machine as on-premises hosts."""

from __future__ import annotations

import json
import shutil
import stat
import sys
import typing as t
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from ansible_collections.alicloud.ehpc.tests.emulator import Emulator
from ansible_collections.alicloud.ehpc.tests.support.playing import COLLECTION, GROUP, Play, Result, Run
from ansible_collections.alicloud.ehpc.tests.support.secrets import Search

CLUSTER, OTHER = "ehpc-hz-hybrid01", "ehpc-hz-hybrid02"
USERS = ["hpcuser01", "hpcuser02"]
# A file on each node, with a name that is a pre-signed URL's.
SIGNATURE = "EXAMPLE-signature-of-the-script"
NODES = [
    {"id": "i-manager", "host_name": "manager000", "role": "Manager"},
    {"id": "i-compute", "host_name": "compute000"},
    {"id": "i-master", "host_name": "master000", "role": "Manager", "location": "OnPremise"},
]
HYBRID = {"location": "OnPremise", "proxy_mode": True, "on_premise_users": USERS, "nodes": NODES}
ROLE = "alicloud.ehpc.ehpc_hybrid_node : "
RUN = ROLE + "Run the scripts over Ansible's connection"
ADD = ROLE + "Add the hosts to the cluster"
WRITE = ROLE + "Write the configuration of the node"


class Site:
    """On-premises hosts, and the playbook for them."""

    def __init__(self, play: Play, emulator: Emulator) -> None:
        self.play, self.emulator, self.hosts = play, emulator, dict[str, dict[str, t.Any]]()
        self.script = play.directory / f"base.sh?Expires=4102444800&OSSAccessKeyId=EXAMPLE&Signature={SIGNATURE}"
        self.script.write_text('#!/bin/sh\necho "$SITE $ClusterId $AccountType $*" >>"$EHPC_POST_SCRIPTS_STATE/ran"\n', encoding="utf-8")
        self.scripts = [{"url": str(self.script), "args": "--mode base"}]

    def add(self, name: str, **variables: t.Any) -> None:
        self.directory(name).mkdir(parents=True, exist_ok=True)
        self.hosts[name] = {
            "ehpc_hybrid_node_host_name": name,
            "ehpc_hybrid_node_ip_address": f"203.0.113.{100 + len(self.hosts)}",
            "ehpc_hybrid_node_cpu_cores": "8",
            "ehpc_hybrid_node_memory_mb": 16384,
            "ehpc_hybrid_node_config_path": str(self.config(name)),
            "ansible_connection": "local",
            "ansible_python_interpreter": sys.executable,
            **variables,
        }

    def ssh(self, name: str, lines: str) -> dict[str, str]:
        """A host behind a stand-in of ssh, which runs a remote command here. It gets the command as its last argument."""
        path = self.play.directory / f"ssh-{name}"
        path.write_text(f'#!/bin/sh\nfor command; do :; done\n{lines}\nexec sh -c "$command"\n', encoding="utf-8")
        path.chmod(0o755)
        return {"ansible_connection": "ssh", "ansible_ssh_executable": str(path), "ehpc_hybrid_node_config_path": ""}

    def directory(self, name: str) -> Path:
        return self.play.directory / "hosts" / name

    def config(self, name: str) -> Path:
        return self.directory(name) / "cluster.conf"

    def ran(self, name: str) -> list[str]:
        path = self.directory(name) / "state" / "ran"
        return path.read_text(encoding="utf-8").splitlines() if path.exists() else []

    def environment(self) -> dict[str, str]:
        directory = self.directory("{{ inventory_hostname }}")
        return {"EHPC_POST_SCRIPTS_STATE": f"{directory}/state", "EHPC_POST_SCRIPTS_LOG": f"{directory}/log", "SITE": "it's here"}

    def inventory(self) -> Path:
        """Not extra variables, which Ansible itself shows at -vvvvv."""
        variables = {"ehpc_cluster_id": CLUSTER, "ehpc_bootstrap_post_scripts": self.scripts, "ehpc_bootstrap_expected_users": USERS}
        path = self.play.directory / "hosts.yml"
        path.write_text(yaml.safe_dump({"all": {"vars": variables, "children": {"ehpc_hybrid_hosts": {"hosts": self.hosts}}}}), encoding="utf-8")
        return path

    def playbook(self, **options: t.Any) -> Run:
        """The playbook hybrid. Its on-premises hosts have an environment, as emulated nodes do."""
        plays = yaml.safe_load((COLLECTION / "playbooks" / "hybrid.yml").read_text(encoding="utf-8"))
        for play in plays:
            if "ehpc_hybrid_hosts" in str(play.get("hosts")):
                play["environment"] = self.environment()
            if "ansible.builtin.import_playbook" in play:
                play["ansible.builtin.import_playbook"] = "alicloud.ehpc.drift"
        return self.run(plays, **options)

    def role(self, **options: t.Any) -> Run:
        role = {"ansible.builtin.import_role": {"name": "alicloud.ehpc.ehpc_hybrid_node"}}
        hosts = {"hosts": "ehpc_hybrid_hosts", "gather_facts": False, "environment": self.environment(), "tasks": [role]}
        return self.run([{**hosts, "module_defaults": {GROUP: self.play.defaults()}}], **options)

    def run(self, plays: list[dict[str, t.Any]], **options: t.Any) -> Run:
        env = {
            "ALIBABA_CLOUD_ACCESS_KEY_ID": self.emulator.access_key,
            "ALIBABA_CLOUD_ACCESS_KEY_SECRET": self.emulator.secret_key,
            "ALIBABA_CLOUD_EHPC_ENDPOINT": self.emulator.endpoint,
            "ALIBABA_CLOUD_REGION_ID": self.emulator.region,
            "ANSIBLE_CACHE_PLUGIN": "jsonfile",
            "ANSIBLE_CACHE_PLUGIN_CONNECTION": str(self.play.directory / "facts"),
            "ANSIBLE_PIPELINING": "true",
            "ANSIBLE_LOCAL_TEMP": str(self.play.home / "tmp"),
            # ansible-core 2.21 and newer have a socket in it, whose path may have 107 bytes: so the names of these tests are short.
            "TMPDIR": str(self.play.home / "tmp"),
        }
        (self.play.home / "tmp").mkdir(exist_ok=True)
        return self.play.playbook(plays, inventory=self.inventory(), env=env, **options)


@pytest.fixture
def emulator() -> Iterator[Emulator]:
    with Emulator({"clusters": [{"id": CLUSTER, **HYBRID}, {"id": OTHER, **HYBRID}]}) as running:
        yield running


@pytest.fixture
def site(play: Play, emulator: Emulator) -> Site:
    return Site(play, emulator)


def of_host(run: Run, task: str, host: str) -> Result:
    (found,) = [result for result in run.all(task) if result.host == host]
    return found


def changed(run: Run) -> set[str]:
    return {f"{result.task}: {result.host}" for result in run.results if result.changed}


def test_twenty_hosts(site: Site, emulator: Emulator) -> None:
    names = [f"local{number:03d}" for number in range(1, 21)]
    for name in names:
        site.add(name)
    # The facts of this machine. That of the address requires the program ip.
    for variable in ("cpu_cores", "memory_mb", *(["ip_address"] if shutil.which("ip") else [])):
        site.hosts["local020"][f"ehpc_hybrid_node_{variable}"] = None if variable == "memory_mb" else " "
    cluster = emulator.state.clusters[CLUSTER]
    secrets = Search({"configuration": f"EXAMPLE-configuration-of-{CLUSTER}", "signature": SIGNATURE})

    first = site.playbook(diff=True)
    assert emulator.actions().count("AddLocalNodes") == 1
    assert [node.host_name for node in cluster.nodes[3:]] == names
    assert {site.config(name).read_text(encoding="utf-8") for name in names} == {f"{cluster.hybrid_config}[node]\nname = {name}\n" for name in names}
    assert {stat.S_IMODE(site.config(name).stat().st_mode) for name in names} == {0o600}
    assert {tuple(site.ran(name)) for name in names} == {(f"it's here {CLUSTER} nis --mode base",)}
    assert (emulator.state.machines.directory("i-compute") / "state" / "ran").read_text(encoding="utf-8").split()[0] == CLUSTER
    assert set(USERS) <= set(cluster.users)
    assert "1 cluster: 1 in sync" in first.stdout

    second = site.playbook(arguments=("--limit", "localhost,local001,local002,local020"))
    assert changed(second) == set()
    assert {result.host for result in second.all(RUN)} == {"local001", "local002", "local020"}
    assert {len(site.ran(name)) for name in names} == {1}

    # One host more, one that is down, and another configuration.
    site.add("local021")
    site.add("local022", **{**site.ssh("down", "exit 255"), "ehpc_hybrid_node_config_path": "/etc/ehpc-cluster.conf"})
    cluster.hybrid_config += "port = 9\n"
    third = site.playbook(arguments=("--limit", "localhost,local001,local021,local022"), verbosity=5, code=4)
    assert changed(third) == {f"{WRITE}: local001", f"{WRITE}: local021", f"{ADD}: local001", f"{RUN}: local021"}
    assert site.config("local001").read_text(encoding="utf-8").endswith("port = 9\n[node]\nname = local001\n")
    assert [node.host_name for node in cluster.nodes[3:]] == [*names, "local021"]
    assert of_host(third, WRITE, "local022").status == "unreachable"
    assert of_host(third, RUN, "local001")["status"] == "unchanged"

    for run in (first, second, third):
        secrets.look_at("the output", run.everything().encode())
    secrets.look_at_files(site.play.home)
    assert secrets.found == []
    # The facts that the role gathers, and what it reads, end with their task.
    # ansible-core 2.22 stores an empty dictionary for localhost.
    assert {path.read_text(encoding="utf-8") for path in (site.play.directory / "facts").iterdir()} <= {'{"__payload__": "{}"}'}


def test_no_cluster(site: Site, emulator: Emulator) -> None:
    run = site.playbook(arguments=("--extra-vars", "ehpc_cluster_id="), code=2)
    assert [(result.task, result.msg.partition(".")[0]) for result in run.results] == [
        ("Check that the cluster is known", "ehpc_cluster_id is not set for localhost")
    ]
    assert emulator.actions() == []


def test_hosts_that_fail(site: Site, emulator: Emulator) -> None:
    """Hosts of two clusters in one play. Each failure names its reason, although the output of tasks with secrets is hidden."""
    emulator.state.clusters[CLUSTER].post_scripts = [dict(site.scripts[0])]
    failing = site.play.directory / f"fail.sh?Signature={SIGNATURE}"
    failing.write_text(f"#!/bin/sh\necho no space: Signature={SIGNATURE}\nexit 7\n", encoding="utf-8")
    site.add("good")
    site.add("broken", ehpc_hybrid_node_scripts=[{"url": str(failing)}])
    site.add("idle", ehpc_hybrid_node_scripts=[])
    site.add("nowhere", ehpc_hybrid_node_config_path="/nonexistent/cluster.conf")
    site.add("mistaken", ehpc_hybrid_node_cpu_cores="many", ehpc_hybrid_node_run_timeuot=1)
    site.add("other", ehpc_hybrid_node_cluster_id=OTHER, ehpc_hybrid_node_config_path="")
    site.add("remote", **site.ssh("remote", ""))
    # It is there for the facts, and then for no scripts.
    site.add("lost", **site.ssh("lost", 'case $command in *"\'sh "* | *" sh") exit 255 ;; esac'))
    emulator.deny("AddLocalNodes", cluster_id=OTHER)

    previewed = site.role(check=True, arguments=("--limit", "good,idle"))
    assert [of_host(previewed, RUN, name)["status"] for name in ("good", "idle")] == ["would_run", "unchanged"]
    assert ("AddLocalNodes" in emulator.actions(), site.ran("good"), site.config("good").exists()) == (False, [], False)

    run = site.role(verbosity=3, code=None)
    assert [of_host(run, RUN, name).status for name in ("good", "remote", "broken", "idle", "lost")] == ["changed", "changed", "failed", "ok", "unreachable"]
    assert site.ran("good") == site.ran("remote") == [f"it's here {CLUSTER} nis --mode base"]
    broken = of_host(run, RUN, "broken")
    assert broken.msg.startswith(f"The post scripts of cluster {CLUSTER} in cn-hangzhou failed on broken: {failing.parent}/fail.sh: exit status 7: no space: ")
    assert (broken.msg.count("\n"), broken["status"], broken["exit_code"], broken.error["code"]) == (0, "failed", 7, "ScriptsFailed")
    assert "/nonexistent" in of_host(run, WRITE, "nowhere").msg
    mistakes = of_host(run, ROLE + "Check the variables, and gather the facts that they need", "mistaken").msg
    assert mistakes == (
        "ehpc_hybrid_node_run_timeuot is not a variable of the role. The closest one is ehpc_hybrid_node_run_timeout."
        " ehpc_hybrid_node_cpu_cores must be a whole number, at least 1; it is 'many'."
    )
    assert "NotAuthorized" in of_host(run, ROLE + "Check that the host is in its cluster", "other").msg
    assert [node.host_name for node in emulator.state.clusters[CLUSTER].nodes[3:]] == ["broken", "good", "idle", "lost", "remote"]
    assert SIGNATURE not in run.everything() + previewed.everything()
    assert "EXAMPLE-configuration" not in json.dumps([result.result for result in run.results])

    # Whether E-HPC has a configuration for a node that it does not know is not documented.
    emulator.state.config_of_unknown_node = "refuse"
    site.add("late")
    refused = site.role(arguments=("--limit", "idle,late"), code=2)
    late = of_host(refused, WRITE, "late")
    assert (late.error["action"], late.error["code"], site.config("late").exists()) == ("GetHybridClusterConfig", "InvalidParams", False)
    assert [of_host(refused, name, "idle").status for name in (WRITE, RUN)] == ["ok", "ok"]
    assert "late" not in [node.host_name for node in emulator.state.clusters[CLUSTER].nodes]
