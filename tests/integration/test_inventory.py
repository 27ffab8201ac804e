# Copyright (c) 2026, the alicloud.ehpc contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The inventory plugin, through ansible-inventory against the emulator."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import typing as t
from pathlib import Path

import pytest
import yaml
from ansible_collections.alicloud.ehpc.plugins.module_utils._version import VERSION
from ansible_collections.alicloud.ehpc.tests.emulator import Emulator
from ansible_collections.alicloud.ehpc.tests.emulator.state import Cluster
from ansible_collections.alicloud.ehpc.tests.support.documents import load, yaml_blocks
from ansible_collections.alicloud.ehpc.tests.support.hostile import Hostile
from ansible_collections.alicloud.ehpc.tests.support.playing import MASKS, ROOT, Play

REGIONS = ["cn-hangzhou", "cn-shanghai", "ap-southeast-1"]
INVENTORY_COMMAND, PLAYBOOK_COMMAND = (str(Path(sys.executable).with_name(name)) for name in ("ansible-inventory", "ansible-playbook"))

PLUGIN = ROOT / "plugins" / "inventory" / "ehpc.py"


class Inventory:
    """Runs ansible-inventory over a source file of the plugin."""

    def __init__(self, play: Play, emulator: Emulator) -> None:
        self.directory, self.emulator = play.directory, emulator
        self.service = {
            "ALIBABA_CLOUD_ACCESS_KEY_ID": emulator.access_key,
            "ALIBABA_CLOUD_ACCESS_KEY_SECRET": emulator.secret_key,
            "ALIBABA_CLOUD_EHPC_ENDPOINT": emulator.endpoint,
        }
        self.environment = play.environment(play.directory / "unused") | self.service

    def source(self, name: str = "test", /, **options: t.Any) -> Path:
        """The file of the inventory."""
        source = self.directory / f"{name}.ehpc.yml"
        source.write_text(yaml.safe_dump({"plugin": "alicloud.ehpc.ehpc", "api_retry_max_delay": 0.05, **options}), encoding="utf-8")
        return source

    def run(self, *arguments: str, code: int = 0, env: dict[str, str] | None = None, **options: t.Any) -> subprocess.CompletedProcess[str]:
        return self._command(INVENTORY_COMMAND, arguments, code, env, options)

    def play_over(self, *arguments: str, **options: t.Any) -> None:
        """A playbook over these hosts with a task that does nothing."""
        (self.directory / "empty.yml").write_text("[{hosts: ehpc_clusters, gather_facts: false}]", encoding="utf-8")
        self._command(PLAYBOOK_COMMAND, ("empty.yml", *arguments), 0, None, options)

    def _command(
        self, program: str, arguments: tuple[str, ...], code: int, env: dict[str, str] | None, options: dict[str, t.Any]
    ) -> subprocess.CompletedProcess[str]:
        return self._ran([program, "-i", self.source(**options).name, *arguments], code, env)

    def together(self, sources: list[dict[str, t.Any]], *arguments: str, env: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
        """One ansible-inventory over a file for each of these."""
        files = [option for number, source in enumerate(sources) for option in ("-i", self.source(f"number{number}", **source).name)]
        return self._ran([INVENTORY_COMMAND, *files, *arguments], 0, env)

    def _ran(self, command: list[str], code: int, env: dict[str, str] | None) -> subprocess.CompletedProcess[str]:
        environment = {**self.environment, "ANSIBLE_INVENTORY_ANY_UNPARSED_IS_FAILED": "true", **(env or {})}
        ran = subprocess.run(command, cwd=self.directory, env=environment, capture_output=True, text=True, timeout=120, check=False)
        assert ran.returncode == code, ran.stdout + ran.stderr
        return ran

    def __call__(self, **options: t.Any) -> Listing:
        return Listing(json.loads(self.run("--list", "--export", **options).stdout))


class Listing:
    """What ansible-inventory --list shows."""

    def __init__(self, data: dict[str, t.Any]) -> None:
        self.data = data
        self.variables: dict[str, dict[str, t.Any]] = data["_meta"]["hostvars"]
        self.hosts = sorted(self.variables)

    def group(self, name: str) -> list[str]:
        return sorted(self.data.get(name, {}).get("hosts", []))


@pytest.fixture
def inventory(play: Play, emulator: Emulator) -> Inventory:
    return Inventory(play, emulator)


CACHE: dict[str, t.Any] = {"cache": True, "cache_plugin": "ansible.builtin.jsonfile", "cache_connection": "cache"}


def fleet(clusters: int, **cluster: t.Any) -> dict[str, t.Any]:
    return {"generate": {"clusters": clusters, "regions": REGIONS, "cluster": cluster}}


def test_all_regions(inventory: Inventory, emulator: Emulator) -> None:
    found = inventory()
    assert found.hosts == sorted(emulator.state.clusters)
    assert found.group("ehpc_clusters") == found.hosts
    hybrid = found.variables["ehpc-hz-hybrid01"]
    assert hybrid["ansible_connection"] == "local"
    assert {key: hybrid[f"ehpc_{key}"] for key in ("cluster_id", "cluster_name", "region", "status", "location", "scheduler_type")} == {
        "cluster_id": "ehpc-hz-hybrid01",
        "cluster_name": "hybrid-proxy",
        "region": "cn-hangzhou",
        "status": "running",
        "location": "OnPremise",
        "scheduler_type": "slurm",
    }
    assert emulator.actions().count("ListRegions") == 1
    assert emulator.actions().count("ListClusters") == 3
    # The groups need no configuration.
    assert found.group("ehpc_region_cn_shanghai") == ["ehpc-sh-large01"]
    assert found.group("ehpc_status_stopped") == ["ehpc-sg-stopped01"]
    assert found.group("ehpc_scheduler_pbs") == found.group("ehpc_location_PublicCloud")[:1] == ["ehpc-hz-public01"]
    assert found.group("ehpc_location_OnPremise") == ["ehpc-hz-create01", "ehpc-hz-hybrid01", "ehpc-hz-hybrid02", "ehpc-sh-large01"]
    assert "ehpc_role_manager" not in found.data


def test_both_generations(play: Play) -> None:
    clusters = [{"id": "ehpc-hz-EXAMPLE"}, {"id": "ehpc-cn-hangzhou-EXAMPLE", "name": "cfd-2", "generation": "next"}]
    # Each API may list the clusters of both.
    with Emulator({"clusters": clusters, "next": {"lists": "all"}}) as emulator:
        inventory = Inventory(play, emulator)
        found = inventory(region="cn-hangzhou", generations=["1.0", "next"])
        assert {host: variables["ehpc_generation"] for host, variables in found.variables.items()} == {
            "ehpc-hz-EXAMPLE": "1.0",
            "ehpc-cn-hangzhou-EXAMPLE": "next",
        }
        new = found.variables["ehpc-cn-hangzhou-EXAMPLE"]
        assert (new["ehpc_cluster_name"], new["ehpc_scheduler_type"], new["ehpc_location"], new["ehpc_region"]) == ("cfd-2", "slurm", None, "cn-hangzhou")
        assert found.group("ehpc_scheduler_slurm") == found.hosts
        assert [(call.action, call.version) for call in emulator.calls] == [("ListClusters", "2018-04-12"), ("ListClusters", "2024-07-30")]

        nodes = inventory(region="cn-hangzhou", generations=["next"], hosts="nodes")
        assert {(variables["ehpc_host_name"], *variables["ehpc_roles"], variables["ehpc_generation"]) for variables in nodes.variables.values()} == {
            ("compute000", "compute", "next"),
            ("compute001", "compute", "next"),
        }


def test_graph(inventory: Inventory) -> None:
    graph = inventory.run("--graph", keyed_groups=[{"key": "ehpc_region", "prefix": "region"}]).stdout
    assert "|--@region_ap_southeast_1:" in graph
    assert "|  |--ehpc-sg-broken01" in graph


@pytest.mark.parametrize(
    ("options", "env"),
    [
        ({"regions": ["cn-shanghai"]}, {}),
        ({"region": "cn-shanghai"}, {}),
        ({}, {"ALIBABA_CLOUD_REGION_ID": "cn-shanghai"}),
        ({"alicloud_region": "cn-shanghai"}, {}),
    ],
    ids=["regions", "region", "environment", "alias"],
)
def test_one_region(inventory: Inventory, emulator: Emulator, options: dict[str, t.Any], env: dict[str, str]) -> None:
    assert inventory(env=env, **options).hosts == ["ehpc-sh-large01"]
    assert emulator.actions() == ["ListClusters"]


@pytest.mark.parametrize("hosts", ["clusters", "nodes"])
def test_a_service_that_ignores_the_region(play: Play, hosts: str) -> None:
    with Emulator({"region_id": "ignored"}) as emulator:
        inventory = Inventory(play, emulator)
        found = inventory(regions=["cn-shanghai"], hosts=hosts, hostnames=["ehpc_cluster_name"])
        assert {variables["ehpc_cluster_id"] for variables in found.variables.values()} == {"ehpc-sh-large01"}
        everywhere = inventory(hosts=hosts, statuses=["running"])
        regions = {variables["ehpc_cluster_id"]: variables["ehpc_region"] for variables in everywhere.variables.values()}
        assert regions == {cluster.id: cluster.region for cluster in emulator.state.clusters.values() if cluster.status == "running"}


def test_filters(inventory: Inventory) -> None:
    assert inventory(statuses=["Exception", "stopped"]).hosts == ["ehpc-sg-broken01", "ehpc-sg-stopped01"]
    assert inventory(names=["hybrid-*"], statuses=["exception"]).hosts == []
    assert inventory(exclude_names=["hybrid-*", "new"], locations=["onpremise"]).hosts == ["ehpc-sh-large01"]
    assert inventory(names=["hybrid-*"], exclude_names=["*-proxy"]).hosts == ["ehpc-hz-hybrid02"]


def test_groups_and_composed_variables(inventory: Inventory) -> None:
    found = inventory(
        groups={"hybrid": "ehpc_location == 'OnPremise'"},
        keyed_groups=[{"key": "ehpc_scheduler_type", "prefix": "scheduler"}],
        compose={"scripts": "'https://scripts.example.com/' ~ ehpc_scheduler_type ~ '.sh'"},
        names=["hybrid-*"],
    )
    assert found.group("hybrid") == found.group("scheduler_slurm") == found.hosts
    assert found.variables["ehpc-hz-hybrid01"]["scripts"] == "https://scripts.example.com/slurm.sh"


EVERYWHERE: dict[str, t.Any] = {
    "hostnames": ["ehpc_cluster_name", "{{ ehpc_cluster_name }}", "'x' ~ ehpc_cluster_name"],
    "groups": {"named": "ehpc_cluster_name", "long": "ehpc_cluster_name | length > 4", "composed": "joined != ''"},
    "keyed_groups": [{"key": "ehpc_cluster_name", "prefix": "name"}, {"key": "joined", "prefix": "joined", "parent_group": "{{ ehpc_cluster_name }}"}],
    "compose": {
        "copy": "ehpc_cluster_name",
        "joined": "'x' ~ ehpc_cluster_name ~ 'y'",
        "lower": "ehpc_cluster_name | lower",
        "halves": "('{' ~ '{ ') ~ ehpc_region ~ ('}' ~ '}')",
        "scripts": "[{'url': 'https://scripts.example.com/', 'args': ['--name', ehpc_cluster_name]}]",
    },
}


@pytest.mark.parametrize("hosts", ["clusters", "nodes"])
def test_names_are_never_evaluated(play: Play, hosts: str) -> None:
    hostile = Hostile(play.directory)
    clusters = [
        {"id": f"ehpc-hz-{kind}", "name": string, "nodes": [{"id": f"i-{kind}", "host_name": string, "ip_address": string}]}
        for kind, string in hostile.strings.items()
    ]
    wanted = ["inventory_hostname", "group_names", "ansible_host", "ehpc_cluster_id", "ehpc_cluster_name", "ehpc_host_name", *EVERYWHERE["compose"]]
    tasks: list[dict[str, t.Any]] = [
        {"name": "show", "ansible.builtin.debug": {"msg": {variable: f"{{{{ {variable} | default('') }}}}" for variable in wanted}}},
        {"name": "other", "ansible.builtin.debug": {"msg": "{{ hostvars[inventory_hostname].ehpc_cluster_name }}"}},
        {"name": "set", "ansible.builtin.set_fact": {"kept": "{{ ehpc_cluster_name }}", "also": "x{{ joined }}", "all": "{{ scripts }}"}},
        {"name": "kept", "ansible.builtin.debug": {"msg": "{{ [kept, also, all] }}"}},
        {"name": "as code", "ansible.builtin.debug": {"var": "{{ ehpc_cluster_name }}"}, "ignore_errors": True},
        {"name": "as condition", "ansible.builtin.debug": {}, "when": "{{ ehpc_cluster_name }}", "ignore_errors": True},
    ]
    with Emulator({"clusters": clusters}) as emulator:
        inventory = Inventory(play, emulator)
        options: dict[str, t.Any] = {"region": "cn-hangzhou", "hosts": hosts, **EVERYWHERE, **CACHE}
        whole = {"name": "Test", "hosts": f"ehpc_{hosts}", "gather_facts": False, "tasks": tasks}
        found = sorted(f"ehpc-hz-{kind}" if hosts == "clusters" else f"i-{kind}.ehpc-hz-{kind}" for kind in hostile.strings)
        for is_cached in (False, True):
            emulator.forget()
            run = play.playbook([whole], inventory=inventory.source(**options), env=inventory.service, code=None)
            assert bool(emulator.actions()) is not is_cached
            assert sorted({result.host for result in run.results}) == found
            results = {(result.task, result.host): result for result in run.results}
            for host in found:
                shown = results["show", host]["msg"]
                name = hostile.strings[shown["ehpc_cluster_id"].removeprefix("ehpc-hz-")]
                assert shown["ehpc_cluster_name"] == shown["copy"] == name
                assert shown["joined"] == f"x{name}y"
                assert shown["halves"] == "{{ cn-hangzhou}}"
                assert shown["scripts"][0]["args"] == ["--name", name]
                assert results["other", host]["msg"] == name
                assert results["kept", host]["msg"] == [name, f"xx{name}y", shown["scripts"]]
        assert inventory(**options).hosts == found
        for arguments in (("--list",), ("--host", found[0]), ("--graph", "--vars")):
            inventory.run(*arguments, **options)
    assert not hostile.was_evaluated()


def test_strings_of_the_service_are_plain_strings_in_the_output(inventory: Inventory) -> None:
    compose = {
        "scripts": "[{'url': 'https://scripts.example.com/' ~ ehpc_region ~ '.sh', 'args': ['--name', ehpc_cluster_name]}]",
        "known": "{'status': ehpc_status, 'regions': [ehpc_region]}",
    }
    for arguments, hosts in ((("--list",), "nodes"), (("--list", "--export"), "clusters")):
        output = inventory.run(*arguments, hosts=hosts, compose=compose).stdout
        assert "https://scripts.example.com/cn-hangzhou.sh" in output
        assert "__ansible_unsafe" not in output


def test_groups_of_nodes_without_configuration(inventory: Inventory) -> None:
    nodes = inventory(hosts="nodes", regions=["cn-shanghai"])
    assert nodes.group("ehpc_region_cn_shanghai") == nodes.group("ehpc_scheduler_slurm") == nodes.group("ehpc_status_running") == nodes.hosts
    assert len(nodes.group("ehpc_location_OnPremise")) == 10


def test_extra_variables(inventory: Inventory) -> None:
    options: dict[str, t.Any] = {
        "region": "{{ where }}",
        "names": ["{{ which }}", "{{ several }}"],
        "hostnames": ["{{ prefix }}-{{ ehpc_cluster_name }}"],
        "use_extra_vars": True,
    }
    variables = {"where": "cn-hangzhou", "which": "public", "several": ["hybrid-*", "x"], "prefix": "x"}
    found = json.loads(inventory.run("--list", "--export", "-e", json.dumps(variables), **options).stdout)
    assert sorted(found["_meta"]["hostvars"]) == ["x-hybrid-plain", "x-hybrid-proxy", "x-public"]
    failed = inventory.run("--list", code=1, **options).stderr
    assert "Option region cannot be evaluated: 'where' is undefined." in " ".join(failed.split())
    options["use_extra_vars"] = False
    failed = inventory.run("--list", "-e", json.dumps(variables), code=1, **options).stderr
    assert "Extra variables need use_extra_vars: true." in " ".join(failed.split())


def test_all_regions_in_spite_of_the_environment(inventory: Inventory, emulator: Emulator) -> None:
    assert len(inventory(env={"ALIBABA_CLOUD_REGION_ID": "cn-shanghai"}, regions=["all"]).hosts) == 7
    assert emulator.actions().count("ListRegions") == 1


def test_certificates_that_are_not_verified(inventory: Inventory) -> None:
    assert "validate_certs is false" in inventory.run("--list", validate_certs=False).stderr


def test_options_that_cannot_work(inventory: Inventory, emulator: Emulator) -> None:
    problems: list[tuple[dict[str, t.Any], str]] = [
        ({"status": ["running"]}, "Unknown option status. Did you mean statuses?"),
        ({"region_ids": ["cn-hangzhou"]}, "Unknown option region_ids. Did you mean region_id?"),
        ({"xyz": 1}, "Unknown option xyz. See: ansible-doc -t inventory alicloud.ehpc.ehpc"),
        (
            {"statuses": ["running", "Runing"]},
            "Option statuses: Runing is not one of uninit, creating, init, running, exception, releasing, stopping, stopped, pending.",
        ),
        ({"locations": ["Cloud"]}, "Option locations: Cloud is not one of PublicCloud, OnPremise."),
    ]
    # Otherwise Ansible reports only the first one.
    env = {"ANSIBLE_INVENTORY_ANY_UNPARSED_IS_FAILED": "false"}
    reported = " ".join(inventory.together([options for options, _problem in problems], "--list", env=env).stderr.split())
    assert [problem for _options, problem in problems if problem not in reported] == []
    assert emulator.actions() == []
    assert problems[0][1] in " ".join(inventory.run("--list", code=1, **problems[0][0]).stderr.split())


def test_strict(inventory: Inventory) -> None:
    wrong = {"compose": {"tag": "no_such_variable"}}
    assert "tag" not in inventory(strict=False, **wrong).variables["ehpc-hz-hybrid01"]
    assert "no_such_variable" in inventory.run("--list", code=1, strict=True, **wrong).stderr
    # Before ansible-core 2.19 lines are as long as a terminal is wide.
    unnamed = inventory.run("--list", code=1, strict=True, hostnames=["{{ no_such_variable }}"]).stderr.split()
    assert "hostnames: {{ no_such_variable }} cannot be used" in " ".join(unnamed)


def test_host_names(inventory: Inventory) -> None:
    assert "hybrid-proxy" in inventory(hostnames=["ehpc_cluster_name"]).hosts
    assert "cn-hangzhou-hybrid-proxy" in inventory(hostnames=["no_such_variable", "{{ ehpc_region }}-{{ ehpc_cluster_name }}"]).hosts
    # Two clusters cannot share a name; the second one gets its ID.
    found = inventory(hostnames=["ehpc_location"]).hosts
    assert {"OnPremise", "PublicCloud", "ehpc-hz-hybrid02"} <= set(found)
    assert len(found) == 7


def test_names_that_ansible_reserves_or_that_are_taken(play: Play) -> None:
    names = ["all", "localhost", "ehpc_clusters", "ehpc_status_running", "mine", "ehpc-hz-8", "same", "same", "9", "ungrouped"]
    with Emulator({"clusters": [{"id": f"ehpc-hz-{number}", "name": name} for number, name in enumerate(names)]}) as emulator:
        inventory = Inventory(play, emulator)
        options: dict[str, t.Any] = {"region": "cn-hangzhou", "hostnames": ["ehpc_cluster_name", "'next-' ~ ehpc_cluster_id"], "groups": {"mine": "true"}}
        shown = inventory.run("--list", "--export", **options)
    found = Listing(json.loads(shown.stdout))
    usable = {"ehpc-hz-6": "same", "ehpc-hz-8": "9"}
    wanted = {usable.get(cluster_id, f"next-{cluster_id}"): cluster_id for cluster_id in (f"ehpc-hz-{number}" for number in range(len(names)))}
    assert {host: variables["ehpc_cluster_id"] for host, variables in found.variables.items()} == wanted
    assert found.group("mine") == found.group("ehpc_clusters") == found.hosts
    warning = " ".join(shown.stderr.split())
    assert "were not used: 'all' for next-ehpc-hz-0, 'localhost' for next-ehpc-hz-1, 'ehpc_clusters' for next-ehpc-hz-2," in warning
    assert "and 3 more." in warning


def test_names_of_another_file(inventory: Inventory, emulator: Emulator) -> None:
    stranger = emulator.credential("stranger")
    emulator.state.clusters["ehpc-hz-other"] = Cluster("ehpc-hz-other", "cn-hangzhou", account="other", name="public")
    options = {"access_key": stranger.access_key, "secret_key": stranger.secret_key, "hostnames": ["ehpc_cluster_name"]}
    inventory.source(**options).rename(inventory.directory / "other.ehpc.yml")
    found = Listing(json.loads(inventory.run("-i", "other.ehpc.yml", "--list", "--export", hostnames=["ehpc_cluster_name"]).stdout))
    assert found.variables["public"]["ehpc_cluster_id"] == "ehpc-hz-public01"
    assert found.variables["ehpc-hz-other"]["ehpc_cluster_id"] == "ehpc-hz-other"
    # The same cluster in two files is one host.
    again = Listing(json.loads(inventory.run("-i", "test.ehpc.yml", "--list", "--export", hostnames=["ehpc_cluster_name"]).stdout))
    assert len(again.hosts) == 7


def test_pages(play: Play) -> None:
    with Emulator(fleet(320)) as emulator:
        found = Inventory(play, emulator)()
        assert len(found.hosts) == 320
        # 107 clusters in a region are three pages of 50.
        assert emulator.actions().count("ListClusters") == 9


def test_nodes(inventory: Inventory, emulator: Emulator) -> None:
    found = inventory(hosts="nodes", statuses=["running"])
    assert found.group("ehpc_nodes") == found.hosts
    name = "compute000.ehpc-sh-large01"
    assert name in found.group("ehpc_role_compute")
    assert name in found.group("ehpc_cluster_ehpc_sh_large01")
    node = found.variables[name]
    assert node["ansible_host"] == node["ehpc_ip_address"]
    assert (node["ehpc_cluster_id"], node["ehpc_region"], node["ehpc_roles"], node["ehpc_status"]) == ("ehpc-sh-large01", "cn-shanghai", ["compute"], "running")
    assert "ansible_connection" not in node
    assert {"ehpc_role_manager", "ehpc_role_login"} <= set(found.data)
    assert emulator.actions().count("ListNodes") == 4


def test_an_address_is_never_an_option_of_ssh(play: Play) -> None:
    addresses = ["192.0.2.1", "2001:db8::1", "-oProxyCommand=true", "", "compute0"]
    nodes = [{"id": f"i-{number}", "host_name": f"-c{number}", "ip_address": address} for number, address in enumerate(addresses)]
    with Emulator({"clusters": [{"id": "ehpc-hz-EXAMPLE", "nodes": nodes}]}) as emulator:
        found = Inventory(play, emulator)(hosts="nodes", region="cn-hangzhou", hostnames=["ehpc_host_name", "ehpc_ip_address"])
    known = {variables["ehpc_ip_address"]: (host, variables.get("ansible_host")) for host, variables in found.variables.items()}
    assert known == {
        "192.0.2.1": ("192.0.2.1", "192.0.2.1"),
        "2001:db8::1": ("2001:db8::1", "2001:db8::1"),
        "-oProxyCommand=true": ("i-2.ehpc-hz-EXAMPLE", None),
        "": ("i-3.ehpc-hz-EXAMPLE", None),
        "compute0": ("compute0", None),
    }


@pytest.mark.parametrize(("hosts", "start"), [("clusters", "Each cluster has"), ("nodes", "Each node has")])
def test_variables_are_those_of_the_documentation(inventory: Inventory, hosts: str, start: str) -> None:
    documentation = PLUGIN.read_text(encoding="utf-8").partition('DOCUMENTATION = r"""')[2].partition('"""')[0]
    text = " ".join(yaml.safe_load(documentation)["description"])
    documented = set(re.findall(r"C\((ehpc_\w+)\)", text.partition(start)[2].partition(". ")[0]))
    found = inventory(hosts=hosts)
    assert {frozenset(name for name in variables if name.startswith("ehpc_")) for variables in found.variables.values()} == {frozenset(documented)}


def test_more_nodes_than_a_page(play: Play) -> None:
    scenario = {"clusters": [{"id": "ehpc-hz-EXAMPLE", "nodes": {"manager": 1, "login": 1, "compute": 230}}]}
    with Emulator(scenario) as emulator:
        found = Inventory(play, emulator)(hosts="nodes", region="cn-hangzhou")
        assert len(found.group("ehpc_role_compute")) == 230
        assert emulator.actions().count("ListNodes") == 3


def test_cache(inventory: Inventory, emulator: Emulator) -> None:
    first = inventory(**CACHE)
    emulator.forget()
    assert inventory(**CACHE).data == first.data
    assert emulator.actions() == []
    files = list((inventory.directory / "cache").iterdir())
    assert len(files) == 1
    for secret in (emulator.secret_key, emulator.access_key):
        assert secret not in files[0].read_text(encoding="utf-8") + files[0].name

    inventory(**CACHE, statuses=["running"])
    assert "ListClusters" in emulator.actions(), "other filters are another question"
    emulator.forget()
    inventory.play_over("--flush-cache", **CACHE)
    assert "ListClusters" in emulator.actions(), "asked to, the cache is refreshed"
    emulator.forget()
    inventory.play_over(**CACHE)
    assert emulator.actions() == []


def test_cache_of_another_version(play: Play, emulator: Emulator) -> None:
    inventory = Inventory(play, emulator)
    inventory(**CACHE)
    cached = next((inventory.directory / "cache").iterdir())
    version = ROOT / "plugins" / "module_utils" / "_version.py"
    elsewhere = inventory.directory / "collections" / "ansible_collections" / "alicloud"
    shutil.copytree(ROOT / "plugins", elsewhere / "ehpc" / "plugins")
    shutil.copytree(ROOT / "meta", elsewhere / "ehpc" / "meta")
    (elsewhere / "ehpc" / "plugins" / "module_utils" / "_version.py").write_text(
        version.read_text(encoding="utf-8").replace(VERSION, "0.0.1"), encoding="utf-8"
    )
    emulator.forget()
    inventory.run("--list", env={"ANSIBLE_COLLECTIONS_PATH": str(inventory.directory / "collections")}, **CACHE)
    assert "ListClusters" in emulator.actions()
    assert len(list(cached.parent.iterdir())) == 2


def test_cache_of_another_identity(inventory: Inventory, emulator: Emulator) -> None:
    inventory(**CACHE)
    other = emulator.credential("stranger")
    assert inventory(**CACHE, access_key=other.access_key, secret_key=other.secret_key).hosts == []


def test_an_unreadable_or_stale_cache(inventory: Inventory, emulator: Emulator) -> None:
    first = inventory(**CACHE)
    cached = next((inventory.directory / "cache").iterdir())
    is_wrapped = "__payload__" in cached.read_text(encoding="utf-8")  # since ansible-core 2.19
    for content in ("{ not JSON", '{"clusters": []}', '[{"id": "ehpc-hz-EXAMPLE"}]'):
        cached.write_text(json.dumps({"__payload__": content}) if is_wrapped else content, encoding="utf-8")
        emulator.forget()
        assert inventory(**CACHE).hosts == first.hosts
        assert "ListClusters" in emulator.actions()
    os.utime(cached, (1, 1))
    emulator.forget()
    assert inventory(**CACHE, cache_timeout=60).hosts == first.hosts
    assert "ListClusters" in emulator.actions()


def test_a_denied_region(inventory: Inventory, emulator: Emulator) -> None:
    emulator.deny("ListClusters", region="cn-shanghai")
    failed = inventory.run("--list", code=1).stderr
    assert [word for word in ("cn-shanghai", "NotAuthorized", "ehpc:ListClusters") if word not in failed] == []
    skipped = inventory.run("--list", "--export", strict_regions=False)
    assert "cn-shanghai" in skipped.stderr
    assert "left out" in skipped.stderr
    assert "ehpc-sh-large01" not in skipped.stdout
    assert "ehpc-hz-hybrid01" in skipped.stdout


def test_a_cluster_whose_nodes_cannot_be_listed(inventory: Inventory, emulator: Emulator) -> None:
    emulator.deny("ListNodes", cluster_id="ehpc-hz-hybrid01")
    options: dict[str, t.Any] = {"hosts": "nodes", "regions": ["cn-hangzhou"]}
    assert "ehpc-hz-hybrid01" in inventory.run("--list", code=1, **options).stderr
    skipped = inventory.run("--list", "--export", **options, strict_regions=False)
    assert "The nodes of cluster ehpc-hz-hybrid01 are left out: " in " ".join(skipped.stderr.split())
    assert "ehpc_cluster_ehpc_hz_public01" in skipped.stdout
    assert "ehpc_cluster_ehpc_hz_hybrid01" not in skipped.stdout


def test_nodes_without_a_host_name_of_their_own(play: Play) -> None:
    nodes = [{"id": f"i-EXAMPLE{number}", "roles": ["compute"], "host_name": name} for number, name in enumerate(("", "", "c0", "c0"))]
    with Emulator({"clusters": [{"id": "ehpc-hz-EXAMPLE", "nodes": nodes}]}) as emulator:
        found = Inventory(play, emulator)(hosts="nodes", region="cn-hangzhou")
    names = ["i-EXAMPLE0", "i-EXAMPLE1", "c0", "i-EXAMPLE3"]
    assert sorted(found.hosts) == sorted(f"{name}.ehpc-hz-EXAMPLE" for name in names)


def test_it_fails_if_no_region_can_be_read(inventory: Inventory, emulator: Emulator) -> None:
    emulator.deny("ListClusters")
    assert "NotAuthorized" in inventory.run("--list", code=1, strict_regions=False).stderr


def test_wrong_credentials(inventory: Inventory) -> None:
    failed = inventory.run("--list", code=1, access_key="EXAMPLEnone", secret_key="EXAMPLE-secret")
    assert "InvalidAccessKeyId.NotFound" in failed.stderr
    assert "EXAMPLE-secret" not in failed.stderr + failed.stdout


def test_missing_sdk(inventory: Inventory) -> None:
    library = inventory.directory / "library"
    library.mkdir()
    (library / "requests.py").write_text("raise ImportError('not today')\n", encoding="utf-8")
    failed = inventory.run("--list", code=1, env={"PYTHONPATH": str(library)})
    assert "Failed to import the required Python library (aliyun-python-sdk-core and requests)" in " ".join(failed.stderr.split())


def test_an_account_without_clusters(inventory: Inventory, emulator: Emulator) -> None:
    empty = emulator.credential("stranger")
    assert inventory(access_key=empty.access_key, secret_key=empty.secret_key).hosts == []


def test_templated_credentials_and_blank_variables(inventory: Inventory, emulator: Emulator) -> None:
    blank = {"ALIBABA_CLOUD_SECURITY_TOKEN": "", "ALIBABA_CLOUD_PROFILE": "", "ALIBABA_CLOUD_REGION_ID": ""}
    found = inventory(
        secret_key="{{ lookup('env', 'THE_SECRET') }}",
        compose={"shown": f"'{emulator.secret_key}'"},
        env={**blank, "ALIBABA_CLOUD_ACCESS_KEY_SECRET": "EXAMPLE-of-the-environment", "THE_SECRET": emulator.secret_key},
    )
    assert len(found.hosts) == 7
    # From then on, Ansible masks the secrets of the file in all of its output.
    assert {variables["shown"] for variables in found.variables.values()} == {"$REDACTED$" if MASKS else emulator.secret_key}


def documented_sources() -> list[dict[str, t.Any]]:
    """The inventory files in the examples of the plugin, in the README, in the guides and for AWX."""
    examples = PLUGIN.read_text(encoding="utf-8").partition('EXAMPLES = r"""')[2].partition('"""')[0]
    texts = [examples, (ROOT / "playbooks/awx/inventory/clusters.ehpc.yml").read_text(encoding="utf-8")]
    texts += [yaml_blocks(ROOT / "README.md"), *(yaml_blocks(path) for path in sorted((ROOT / "docs").rglob("*.rst")))]
    return [node for text in texts for node in load(text) if isinstance(node, dict) and node.get("plugin") == "alicloud.ehpc.ehpc"]


def test_documented_files(play: Play) -> None:
    hybrid = {"location": "OnPremise", "proxy_mode": True}
    clusters = [{"id": "ehpc-hz-EXAMPLE", "name": "cfd-1", **hybrid}, {"id": "ehpc-sh-EXAMPLE", "name": "test-1", "region": "cn-shanghai"}]
    with Emulator({"clusters": clusters}) as emulator:
        # All in one run. Each file adds a variable of its own to its hosts.
        sources = [
            {**source, "compose": {**source.get("compose", {}), f"of_file_{number}": "ehpc_cluster_id"}} for number, source in enumerate(documented_sources())
        ]
        shown = Inventory(play, emulator).together(sources, "--list", "--export", "-e", "site_region=cn-hangzhou")
    assert len(sources) > 9
    assert shown.stderr == ""
    hosts = Listing(json.loads(shown.stdout)).variables.values()
    assert [number for number in range(len(sources)) if "ehpc-hz-EXAMPLE" not in [variables.get(f"of_file_{number}") for variables in hosts]] == []


def test_files_with_other_names_are_ignored(inventory: Inventory) -> None:
    (inventory.directory / "other.yml").write_text("plugin: alicloud.ehpc.ehpc\n", encoding="utf-8")
    ran = subprocess.run(
        [INVENTORY_COMMAND, "-i", "other.yml", "--list"],
        cwd=inventory.directory,
        env=inventory.environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert "ehpc-hz-hybrid01" not in ran.stdout
