# Copyright (c) 2026, the alicloud.ehpc contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""For any sequence of tasks on the post scripts and the users of a cluster, the emulator stores what models of a few lines predict."""

from __future__ import annotations

import shlex
import typing as t
from collections.abc import Iterator

import pytest
from ansible_collections.alicloud.ehpc.plugins.module_utils import _user_changes
from ansible_collections.alicloud.ehpc.plugins.module_utils._client import Clients
from ansible_collections.alicloud.ehpc.plugins.module_utils._errors import EhpcError
from ansible_collections.alicloud.ehpc.tests.emulator import Emulator
from ansible_collections.alicloud.ehpc.tests.emulator.state import User
from ansible_collections.alicloud.ehpc.tests.support.in_process import reaching, run
from hypothesis import given, settings
from hypothesis import strategies as st

CLUSTER = "ehpc-hz-EXAMPLE"
LIMIT = 16
Stored = list[dict[str, str]]
Users = dict[str, tuple[str, str]]  # group and password, by name

# Few URLs, so that duplicates occur; arguments with all characters that are special to a shell, in a URL or in the signature.
URLS = ["https://example.com/a%20b.sh", "https://example.com/f?x=1&y=2", "/home/多/script.sh", "oss://bucket/k+=~*.sh"]
WORDS = st.text(alphabet=" abc'\"$`\\&=%+~*?#;|<>()[]{}!\n\té多🙂", max_size=6)
ARGS = st.one_of(st.none(), st.sampled_from(["-x", "-y"]), WORDS, st.lists(WORDS, max_size=3))
SCRIPT = st.fixed_dictionaries({"url": st.sampled_from(URLS)}, optional={"args": ARGS})
SCRIPTS = st.one_of(st.lists(SCRIPT, max_size=4, unique_by=lambda script: str(script["url"])), st.lists(SCRIPT, max_size=5))
TASKS = st.fixed_dictionaries(
    {"scripts": st.one_of(SCRIPTS, SCRIPTS, SCRIPTS, st.none()), "state": st.sampled_from(["present", "present", "absent"]), "purge": st.booleans()}
)


def model(before: Stored, task: dict[str, t.Any]) -> Stored | None:
    """The expected scripts after the task; None if the task must be refused."""
    wanted = [{"url": script["url"], "args": joined(script.get("args"))} for script in task["scripts"] or []]
    if task["state"] == "absent":
        return [] if task["scripts"] is None else [script for script in before if script["url"] not in [gone["url"] for gone in wanted]]
    if task["scripts"] is None:
        return None
    if task["purge"]:
        return wanted
    if twice(wanted) or twice(before):
        return None
    return list({script["url"]: script for script in before + wanted}.values())


def joined(args: t.Any) -> str:
    return " ".join(map(shlex.quote, args)) if isinstance(args, list) else args or ""


def twice(scripts: Stored) -> bool:
    return len({script["url"] for script in scripts}) < len(scripts)


@pytest.fixture(scope="module")
def emulator() -> Iterator[Emulator]:
    with Emulator({"clusters": [{"id": CLUSTER}]}) as running:
        yield running


@pytest.fixture(scope="module")
def clients() -> Iterator[Clients]:
    kept: Clients = {}
    yield kept
    for client in kept.values():
        client.close()


class Cluster:
    """The one cluster of the emulator, and tasks on it."""

    def __init__(self, emulator: Emulator, clients: Clients) -> None:
        self._emulator = emulator
        self._clients = clients

    @property
    def stored(self) -> Stored:
        return [dict(script) for script in self._emulator.state.clusters[CLUSTER].post_scripts]

    def start_with(self, scripts: Stored) -> None:
        self._emulator.state.clusters[CLUSTER].post_scripts = [dict(script) for script in scripts]

    @property
    def users(self) -> Users:
        return {name: (user.group, user.password) for name, user in self._emulator.state.clusters[CLUSTER].users.items()}

    def change_users(self, users: Users) -> None:
        self._emulator.state.clusters[CLUSTER].users = {name: User(name, group, password=password) for name, (group, password) in users.items()}

    def lose(self, responses: list[tuple[str, str]]) -> None:
        """One response of each operation, before or after its change."""
        self._emulator.clear_faults()
        self._emulator.forget()
        for action, kind in responses:
            self._emulator.fault(action, kind)

    def calls(self) -> list[str]:
        return self._emulator.actions()

    def run(self, task: dict[str, t.Any], check_mode: bool = False) -> dict[str, t.Any] | None:
        """The result; None if the task was refused."""
        module = "user" if "users" in task else "post_scripts"
        try:
            return run(module, {**reaching(self._emulator), "cluster_id": CLUSTER, **task}, check_mode, self._clients)
        except EhpcError as error:
            if error.code != "InvalidOptions":
                raise
            return None


@pytest.fixture(scope="module")
def cluster(emulator: Emulator, clients: Clients) -> Iterator[Cluster]:
    with pytest.MonkeyPatch.context() as patched:
        # Calls for a part of the users, also if there are few.
        patched.setattr(_user_changes, "BATCH_SIZE", 2)
        yield Cluster(emulator, clients)


@settings(deadline=None, max_examples=150, database=None)
@given(start=SCRIPTS, tasks=st.lists(TASKS, min_size=1, max_size=4))
def test_any_sequence_of_tasks(cluster: Cluster, start: list[dict[str, t.Any]], tasks: list[dict[str, t.Any]]) -> None:
    cluster.start_with(model([], {"scripts": start, "state": "present", "purge": True}) or [])
    for task in tasks:
        before = cluster.stored
        after = model(before, task)
        predicted = cluster.run(task, check_mode=True)
        assert cluster.stored == before
        result = cluster.run(task)
        if after is None:
            assert (predicted, result, cluster.stored) == (None, None, before)
            continue
        assert result is not None
        assert predicted is not None
        assert cluster.stored == result["post_scripts"] == predicted["post_scripts"] == after
        assert result["previous_post_scripts"] == predicted["previous_post_scripts"] == before
        assert result["changed"] == predicted["changed"] == (before != after)
        assert result["diff"] == predicted["diff"]
        again = cluster.run(task)
        assert again is not None
        assert not again["changed"]
        assert again["request_id"] is None


@settings(deadline=None, max_examples=40, database=None)
@given(order=st.permutations(URLS), sizes=st.tuples(st.integers(0, 20), st.booleans()))
def test_order_and_the_limit(cluster: Cluster, order: list[str], sizes: tuple[int, bool]) -> None:
    cluster.start_with([{"url": url, "args": ""} for url in URLS])
    result = cluster.run({"scripts": [{"url": url} for url in order]})
    assert result is not None
    assert result["changed"] == (order != URLS)
    assert [script["url"] for script in cluster.stored] == order
    count, purge = sizes
    many = [{"url": f"https://example.com/{number}.sh"} for number in range(count)]
    expected = model(cluster.stored, {"scripts": many, "state": "present", "purge": purge})
    assert expected is not None
    before = cluster.stored
    refused = cluster.run({"scripts": many, "purge": purge}) is None
    assert refused == (len(expected) > LIMIT)
    assert cluster.stored == (before if refused else expected)


# Users. Few names, so that tasks meet each other's users; passwords with the characters that are special in a URL.

NAMES = ["hpcuser01", "hpcuser02", "Hpcuser01", "a.b", "u"]
PASSWORDS = ["Example-1+%2F&?#", "Ex4mple~{}[]|;:'", None]
GROUPS = ["users", "wheel"]
# Accounts that are not E-HPC's to delete, should its list have them.
OF_THE_SYSTEM: Users = {"root": ("users", ""), "sshd": ("sshd", "")}
WANTED = st.fixed_dictionaries({"name": st.sampled_from(NAMES)}, optional={"group": st.sampled_from(GROUPS), "password": st.sampled_from(PASSWORDS)})
USER_TASKS = st.fixed_dictionaries(
    {
        "users": st.one_of(*[st.lists(WANTED, max_size=4, unique_by=lambda user: str(user["name"]))] * 3, st.lists(WANTED, max_size=3)),
        "state": st.sampled_from(["present", "present", "absent"]),
        "purge": st.booleans(),
        "update_password": st.sampled_from(["on_create", "always"]),
        "check_cluster": st.booleans(),
    }
)
FOREIGN = st.dictionaries(st.sampled_from(NAMES), st.tuples(st.sampled_from(GROUPS), st.just("")))
LOST = st.lists(st.tuples(st.sampled_from(list(_user_changes.FIELDS)), st.sampled_from(["lost_before", "lost_after"])), max_size=2)


def model_of_users(before: Users, task: dict[str, t.Any]) -> Users | None:
    """The users of a cluster that had these ones after the task; None if the task must be refused."""
    wanted = {user["name"]: (user.get("group", "users"), user.get("password")) for user in task["users"]}
    if len(wanted) < len(task["users"]) or (task["purge"] and task["state"] == "absent"):
        return None
    if task["state"] == "absent":
        return {name: user for name, user in before.items() if name not in wanted}
    if any(password is None for name, (_group, password) in wanted.items() if name not in before):
        return None
    kept = {name: user for name, user in before.items() if not task["purge"] or name in OF_THE_SYSTEM}
    old = {} if task["update_password"] == "always" else {name: before[name][1] for name in wanted if name in before}
    return {**kept, **{name: (group, old.get(name, password or before.get(name, ("", ""))[1])) for name, (group, password) in wanted.items()}}


def summary_of(before: Users, after: Users, task: dict[str, t.Any]) -> dict[str, list[str]]:
    """What the result says of a change."""
    both = sorted(set(before) & set(after))
    always = task["update_password"] == "always" and task["state"] == "present"
    return {
        "added": sorted(set(after) - set(before)),
        "removed": sorted(set(before) - set(after)),
        "modified": [name for name in both if before[name][0] != after[name][0]],
        "password_changed": sorted(user["name"] for user in task["users"] if always and user.get("password") and user["name"] in before),
    }


def groups(result: dict[str, t.Any] | None) -> dict[str, str]:
    return {user["name"]: user["group"] for user in (result or {})["users"]}


@settings(deadline=None, max_examples=80, database=None)
@given(start=FOREIGN, steps=st.lists(st.tuples(USER_TASKS, FOREIGN, LOST), min_size=1, max_size=3))
def test_any_sequence_of_user_tasks(cluster: Cluster, start: Users, steps: list[tuple[dict[str, t.Any], Users, list[tuple[str, str]]]]) -> None:
    cluster.change_users({**OF_THE_SYSTEM, **start})
    for task, foreign, lost in steps:
        before = cluster.users
        after = model_of_users(before, task)
        cluster.lose(lost)
        predicted = cluster.run(task, check_mode=True)
        assert set(cluster.calls()) <= {"DescribeCluster", "ListUsers"}
        result = cluster.run(task)
        if after is None:
            assert (predicted, result, cluster.users) == (None, None, before)
            continue
        assert result is not None
        assert predicted is not None
        expected = summary_of(before, after, task)
        assert cluster.users == after
        assert groups(result) == groups(predicted) == {name: group for name, (group, _password) in after.items()}
        assert {key: result[key] for key in expected} == {key: predicted[key] for key in expected} == expected
        assert result["changed"] == predicted["changed"] == any(expected.values())
        assert result["diff"] == predicted["diff"]
        cluster.lose([])
        again = cluster.run(task)
        assert again is not None
        assert again["changed"] == bool(again["password_changed"])
        assert set(cluster.calls()) <= {"DescribeCluster", "ListUsers", "ModifyUserPasswords"}
        # Another client, between two tasks.
        cluster.change_users({**cluster.users, **foreign})
