# Copyright (c) 2026, the alicloud.ehpc contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The input and the output of a module are the same in the worker and as a process: environment, defaults, templates, secrets of a vault."""

from __future__ import annotations

import datetime
import json
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from ansible_collections.alicloud.ehpc.tests.emulator import Emulator
from ansible_collections.alicloud.ehpc.tests.support.parity import Parity
from ansible_collections.alicloud.ehpc.tests.support.playing import GROUP, MASKS, Play, Task, task

CLUSTER = "ehpc-hz-public01"
REGION = "ALIBABA_CLOUD_REGION_ID"


class Tagged(str):
    """A string with a tag of Ansible."""

    tag: str

    def __new__(cls, tag: str, text: str) -> Tagged:
        tagged = super().__new__(cls, text)
        tagged.tag = tag
        return tagged


yaml.SafeDumper.add_representer(Tagged, lambda dumper, text: dumper.represent_scalar(text.tag, str(text)))


@pytest.fixture
def parity(tmp_path: Path) -> Parity:
    return Parity(tmp_path)


def region_of(name: str, **options: str) -> Task:
    """A task whose result contains the region from the environment."""
    return task(name, "cluster_info", names=["nothing"], region="", **options)


def test_environment_of_task_block_and_play(parity: Parity) -> None:
    both = parity.compare(
        [
            region_of("play"),
            {
                "block": [
                    region_of("block"),
                    region_of("task") | {"environment": {REGION: "cn-hangzhou"}},
                    region_of("list") | {"environment": [{REGION: "nowhere", "OTHER": 5}, {REGION: "{{ own }}"}]},
                    region_of("template") | {"environment": "{{ all_of_it }}"},
                    region_of("empty") | {"environment": {REGION: ""}, "ignore_errors": True},
                ],
                "environment": {REGION: "ap-southeast-1"},
            },
        ],
        keywords={"environment": {REGION: "cn-shanghai"}, "vars": {"own": "cn-hangzhou", "all_of_it": {REGION: "cn-shanghai"}}},
    )
    assert both.worker["empty"].failed
    regions = {result.task: result["region"] for result in both.worker.results if not result.failed}
    assert regions == {
        "play": "cn-shanghai",
        "block": "ap-southeast-1",
        "task": "cn-hangzhou",
        "list": "cn-hangzhou",
        "template": "cn-shanghai",
    }


def test_the_environment_is_restored(parity: Parity) -> None:
    loop: list[dict[str, str]] = [{REGION: "cn-shanghai", "EHPC_TEST_MARK": "first"}, {REGION: "no region!"}, {}]
    both = parity.compare(
        [
            region_of("with") | {"environment": {REGION: "cn-shanghai", "EHPC_TEST_MARK": "task"}},
            region_of("without"),
            {"name": "of the controller", "ansible.builtin.debug": {"msg": "{{ seen }}"}},
            task("loop", "cluster_info", names=["<{{ seen }}>"], region="")
            | {"environment": "{{ item }}", "loop": loop, "ignore_errors": True, "vars": {"seen": "{{ lookup('ansible.builtin.env', 'EHPC_TEST_MARK') }}"}},
        ],
        keywords={"vars": {"seen": "{{ lookup('ansible.builtin.env', 'EHPC_TEST_MARK') }}-{{ lookup('ansible.builtin.env', '" + REGION + "') }}"}},
        # Before ansible-core 2.21, results always contain the options.
        env={REGION: "ap-southeast-1", "ANSIBLE_INJECT_INVOCATION": "true"},
    )
    assert [both.worker[name]["region"] for name in ("with", "without")] == ["cn-shanghai", "ap-southeast-1"]
    assert both.worker["of the controller"].msg == "-ap-southeast-1"
    assert [item.result.get("region") for item in both.worker.items("loop")] == ["cn-shanghai", None, "ap-southeast-1"]
    assert [item["invocation"]["module_args"]["names"] for item in both.worker.items("loop")] == [["<>"]] * 3


def test_credentials_and_proxy_from_the_environment(parity: Parity) -> None:
    """The emulator serves as the proxy on the way to an endpoint that does not exist."""

    def tasks(emulator: Emulator) -> list[Task]:
        keys = {"ALIBABA_CLOUD_ACCESS_KEY_ID": emulator.access_key, "ALIBABA_CLOUD_ACCESS_KEY_SECRET": emulator.secret_key}
        through = {**keys, "http_proxy": emulator.endpoint, "NO_PROXY": "", "no_proxy": ""}
        one = task("", "region_info", endpoint="http://127.0.0.1:9", access_key="", secret_key="", api_retries=0)
        return [
            one | {"name": "through the proxy", "environment": through},
            one | {"name": "not through it", "environment": {**through, "NO_PROXY": "127.0.0.1"}},
            one | {"name": "afterwards"},
            one | {"name": "each its own", "environment": "{{ item }}", "loop": [through, keys]},
        ]

    both = parity.compare(tasks, ignore_errors=True)
    assert {result.task: result.failed for result in both.worker.results if not result.item} == {
        "through the proxy": False,
        "not through it": True,
        "afterwards": True,
        "each its own": True,
    }
    assert [item.failed for item in both.worker.items("each its own")] == [False, True]
    assert "EXAMPLE-secret-of-main" not in both.worker["not through it"].msg


def test_defaults_of_group_and_module(parity: Parity) -> None:
    both = parity.compare(
        lambda emulator: [
            task("of the play", "cluster_info", names=["nothing"]),
            {
                "module_defaults": {GROUP: {**parity.play.defaults(), "region": "cn-shanghai"}, "alicloud.ehpc.cluster_info": {"region": "ap-southeast-1"}},
                "block": [
                    task("of the module", "cluster_info", names=["nothing"]),
                    task("of the group", "post_scripts_info", cluster_id="ehpc-sh-large01"),
                    task("of the task", "cluster_info", names=["nothing"], region="cn-hangzhou"),
                ],
            },
        ]
    )
    assert [result["region"] for result in both.worker.results] == ["cn-hangzhou", "ap-southeast-1", "cn-shanghai", "cn-hangzhou"]


def test_templated_and_tagged_values(parity: Parity) -> None:
    password = parity.play.directory / "password"
    password.write_text("EXAMPLE-password", encoding="utf-8")
    command = [str(Path(sys.executable).with_name("ansible-vault")), "encrypt", "--vault-password-file", str(password), "--output", "-"]

    def vaulted(text: str) -> Tagged:
        # The configuration and the home of the play, not of the user who runs the tests.
        env = {"HOME": str(parity.play.home), "ANSIBLE_CONFIG": str(parity.play.config), "PATH": "/usr/bin:/bin"}
        return Tagged("!vault", subprocess.run(command, input=text, env=env, capture_output=True, text=True, check=True).stdout)

    secret, url = vaulted("EXAMPLE-secret-of-main"), vaulted("https://scripts.example.com/vault.sh")
    braces = Tagged("!unsafe", "--format={{.Name}} {% raw %}")
    both = parity.compare(
        [
            task("vault", "post_scripts", cluster_id=CLUSTER, secret_key=secret, scripts=[{"url": url, "args": "{{ words }}"}]),
            task("vault in a variable", "post_scripts_info", cluster_id="{{ cluster }}", secret_key="{{ key }}"),
            task("unsafe", "post_scripts", cluster_id=CLUSTER, scripts=[{"url": "/opt/{{ name }}.sh", "args": braces}]) | {"register": "stored"},
            task("what was returned", "post_scripts", cluster_id="ehpc-hz-hybrid02", scripts="{{ stored.post_scripts }}", purge="{{ stored is changed }}"),
            task("omitted", "post_scripts", cluster_id=CLUSTER, scripts=[], purge="{{ nothing | default(omit) }}", state="{{ omit }}"),
            task("numbers and dates", "post_scripts", cluster_id=CLUSTER, scripts=[{"url": "/a", "args": value} for value in SCALARS])
            | {"check_mode": True, "ignore_errors": True},
            *(
                task(f"args {type(value).__name__}", "post_scripts", cluster_id=CLUSTER, scripts=[{"url": "/a", "args": value}])
                | {"check_mode": True, "ignore_errors": True}
                for value in (1.5, None, datetime.datetime(2024, 1, 31, 10, 30))
            ),
            task("number as a string", "post_scripts_info", cluster_id=5) | {"ignore_errors": True},
        ],
        keywords={"vars": {"key": secret, "cluster": CLUSTER, "name": "Größe", "words": ["--label", "日本 語", "it's"]}},
        arguments=("--vault-password-file", str(password)),
    )
    shown = "$REDACTED$" if MASKS else "https://scripts.example.com/vault.sh"
    assert both.worker["vault"]["post_scripts"] == [{"url": shown, "args": "--label '日本 語' 'it'\"'\"'s'"}]
    assert both.worker["unsafe"]["post_scripts"] == [{"url": "/opt/Größe.sh", "args": "--format={{.Name}} {% raw %}"}]
    assert both.worker["what was returned"]["post_scripts"] == both.worker["unsafe"]["post_scripts"]
    for run in (both.worker, both.process):
        assert "EXAMPLE-secret-of-main" not in run.everything()


SCALARS = [5, 1.5, True, None, datetime.date(2024, 1, 31), datetime.datetime(2024, 1, 31, 10, 30), {"a": 1}, ["b", 2, None]]


def test_relative_paths(play: Play) -> None:
    """They are relative to the directory of the playbook, not to the directory where ansible-playbook was started."""
    places = {play.directory: "nowhere", play.home: "cn-shanghai", play.directory / "plays": "ap-southeast-1"}
    for place, region in places.items():
        place.mkdir(exist_ok=True)
        (place / "profiles.json").write_text(json.dumps({"current": "a", "profiles": [{"name": "a", "region_id": region}]}), encoding="utf-8")
    tasks = [
        region_of("relative", shared_credentials_file="profiles.json"),
        region_of("home", shared_credentials_file="~/profiles.json"),
        region_of("home of the task", shared_credentials_file="~/profiles.json") | {"environment": {"HOME": "{{ playbook_dir }}"}},
        region_of("variable", shared_credentials_file="$WHERE/profiles.json") | {"environment": {"WHERE": "{{ playbook_dir }}"}},
    ]
    content = {
        "hosts": "localhost",
        "gather_facts": False,
        "module_defaults": {GROUP: play.defaults()},
        "tasks": [
            *({**one, "vars": {"ehpc_in_process": in_process}} for in_process in (True, False) for one in tasks),
            task("undone", "cluster_info", names=["{{ '.' | realpath }}"]) | {"loop": [1, 2]},
        ],
    }
    playbook = play.directory / "plays" / "playbook.yml"
    playbook.write_text(json.dumps([content]), encoding="utf-8")
    run = play.playbook(playbook, env={"ANSIBLE_INJECT_INVOCATION": "true"})
    regions = [result["region"] for result in run.results if result.task != "undone"]
    assert regions == ["ap-southeast-1", "cn-shanghai", "ap-southeast-1", "ap-southeast-1"] * 2
    # Between two iterations, Ansible itself works in the directory where it was started.
    assert [item["invocation"]["module_args"]["names"] for item in run.items("undone")] == [[str(play.directory)]] * 2
