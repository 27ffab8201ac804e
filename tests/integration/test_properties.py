# Copyright (c) 2026, the alicloud.ehpc contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""For any sequence of tasks that set the post scripts of a cluster, the emulator stores what a model of a few lines predicts."""

from __future__ import annotations

import shlex
import typing as t
from collections.abc import Iterator

import pytest
from ansible_collections.alicloud.ehpc.plugins.module_utils._client import Clients
from ansible_collections.alicloud.ehpc.plugins.module_utils._errors import EhpcError
from ansible_collections.alicloud.ehpc.tests.emulator import Emulator
from ansible_collections.alicloud.ehpc.tests.support.in_process import reaching, run
from hypothesis import given, settings
from hypothesis import strategies as st

CLUSTER = "ehpc-hz-EXAMPLE"
LIMIT = 16
Stored = list[dict[str, str]]

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

    def run(self, task: dict[str, t.Any], check_mode: bool = False) -> dict[str, t.Any] | None:
        """The result; None if the task was refused."""
        try:
            return run("post_scripts", {**reaching(self._emulator), "cluster_id": CLUSTER, **task}, check_mode, self._clients)
        except EhpcError as error:
            if error.code != "InvalidOptions":
                raise
            return None


@pytest.fixture(scope="module")
def cluster(emulator: Emulator, clients: Clients) -> Cluster:
    return Cluster(emulator, clients)


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
