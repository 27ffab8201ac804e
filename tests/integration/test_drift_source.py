# Copyright (c) 2026, the alicloud.ehpc contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The event source of drift: which comparisons make events, against the emulator. test_drift_rulebook.py runs ansible-rulebook itself."""

from __future__ import annotations

import asyncio
import gc
import json
import os
import runpy
import threading
import time
import tracemalloc
import typing as t
from functools import partial
from operator import itemgetter
from pathlib import Path

import pytest
import yaml
from ansible_collections.alicloud.ehpc.tests.emulator import Emulator
from ansible_collections.alicloud.ehpc.tests.support.documents import ROOT
from ansible_collections.alicloud.ehpc.tests.support.in_process import reaching
from ansible_collections.alicloud.ehpc.tests.support.words import SIGNED

# As ansible-rulebook loads it.
SOURCE = runpy.run_path(str(ROOT / "extensions/eda/plugins/event_source/drift.py"))
CLUSTER = "ehpc-hz-EXAMPLE"
# In an hour.
FAILURES = 60
# Bytes in half an hour: less than one result for each comparison.
MAX_GROWTH = 60_000
SCRIPTS = [{"url": SIGNED, "args": "-v"}]


class Enough(Exception):
    """The test has seen what it needs."""


def states(events: list[dict[str, t.Any]]) -> list[tuple[str | None, str, str | None]]:
    return [(event["cluster_id"], event["state"], event.get("previous")) for event in events]


def watched(*looks: tuple[str, str | None]) -> list[tuple[str, str | None]]:
    """The events of comparisons of one cluster, each given as its state and the code of its failure."""
    watch = SOURCE["Watch"]()
    found = []
    for state, code in looks:
        for event in watch.events([{"cluster_id": CLUSTER, "region": "cn-hangzhou", "state": state, "error": code and {"code": code}}]):
            found.append((event["state"], event["previous"]))
    return found


IN_SYNC, DRIFTED, FAILED = ("in_sync", None), ("drifted", None), ("failed", "TimedOut")


@pytest.mark.parametrize(
    ("looks", "events"),
    [
        ([IN_SYNC, IN_SYNC], []),
        ([DRIFTED, DRIFTED], [("drifted", None)]),
        ([IN_SYNC, DRIFTED, DRIFTED, IN_SYNC, IN_SYNC], [("drifted", "in_sync"), ("in_sync", "drifted")]),
        ([IN_SYNC, FAILED, FAILED, IN_SYNC], [("failed", "in_sync")]),
        ([DRIFTED, FAILED, DRIFTED], [("drifted", None), ("failed", "drifted")]),
        ([DRIFTED, FAILED, IN_SYNC], [("drifted", None), ("failed", "drifted"), ("in_sync", "drifted")]),
        ([FAILED, ("failed", "NotAuthorized"), FAILED, DRIFTED], [("failed", None)] * 3 + [("drifted", None)]),
        ([("not_compared", None), IN_SYNC], []),
    ],
)
def test_only_transitions_make_events(looks: list[tuple[str, str | None]], events: list[tuple[str, str | None]]) -> None:
    assert watched(*looks) == events


def test_a_cluster_that_is_not_declared_any_more_is_forgotten() -> None:
    watch = SOURCE["Watch"]()
    cluster = {"cluster_id": CLUSTER, "region": "cn-hangzhou", "state": "drifted", "error": None}
    assert [len(watch.events(clusters)) for clusters in ([cluster], [], [cluster])] == [1, 0, 1]


def test_a_cluster_that_is_declared_twice_is_watched_twice() -> None:
    watch = SOURCE["Watch"]()
    scripts, users = ({"cluster_id": CLUSTER, "region": "cn-hangzhou", "state": state, "error": None} for state in ("in_sync", "drifted"))
    assert [len(watch.events([scripts, users])) for _comparison in range(3)] == [1, 0, 0]
    assert states(watch.events([scripts, scripts])) == [(CLUSTER, "in_sync", "drifted")]


def run(
    args: dict[str, t.Any], between: t.Sequence[t.Callable[[], t.Any]], monkeypatch: pytest.MonkeyPatch, key: t.Callable[[t.Any], t.Any] = dict
) -> list[t.Any]:
    """The events of a source, or what a function returns for each; one of the functions in between is called after each comparison."""
    events: list[t.Any] = []
    waiting = list(between)

    async def sleep(seconds: float) -> None:
        assert seconds == 30
        if not waiting:
            raise Enough
        waiting.pop(0)()

    class Queue:
        async def put(self, event: dict[str, t.Any]) -> None:
            events.append(key(event))

    monkeypatch.setattr(asyncio, "sleep", sleep)
    with pytest.raises(Enough):
        asyncio.run(SOURCE["main"](Queue(), {**args, "interval": 30}))
    return events


def test_a_change_is_seen_and_its_repair_makes_no_second_event(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with Emulator({"clusters": [{"id": CLUSTER, "post_scripts": SCRIPTS, "users": ["hpcuser01"]}]}) as emulator:
        cluster = emulator.state.clusters[CLUSTER]
        file = tmp_path / "clusters.yml"

        def declare(**desired: t.Any) -> None:
            file.write_text(yaml.safe_dump([{"cluster_id": CLUSTER, "scripts": SCRIPTS, **desired}]), encoding="utf-8")

        declare()
        steps: list[t.Callable[[], t.Any]] = [
            lambda: cluster.post_scripts.append({"url": "/opt/foreign.sh", "args": ""}),
            lambda: None,
            cluster.post_scripts.pop,
            lambda: None,
            lambda: declare(users=["hpcuser02"]),
            lambda: file.write_text("[", encoding="utf-8"),
            lambda: file.write_text("- cluster_id: [1]\n  typo: 1\n", encoding="utf-8"),
            lambda: declare(users=["hpcuser02"]),
            declare,
        ]
        events = run({**reaching(emulator), "file": str(file)}, steps, monkeypatch)
        assert {call.action for call in emulator.calls} == {"DescribeCluster", "GetPostScripts", "ListUsers"}
        assert states(events) == [
            (CLUSTER, "drifted", "in_sync"),
            (CLUSTER, "in_sync", "drifted"),
            (CLUSTER, "drifted", "in_sync"),
            (None, "failed", None),
            (CLUSTER, "in_sync", "drifted"),
        ]
        assert events[0]["scripts"]["current"][1] == {"url": "/opt/foreign.sh", "args": ""}
        assert events[2]["users"]["missing"] == ["hpcuser02"]
        secrets = ("EXAMPLEsig", "EXAMPLEid", emulator.secret_key)
        assert [secret for secret in secrets if secret in json.dumps(events)] == []


class Left(t.NamedTuple):
    """What there is in this process between two comparisons."""

    threads: int
    # Files and connections.
    descriptors: int
    # Clients, and their sessions with the connections.
    clients: int
    # In bytes.
    memory: int

    @classmethod
    def now(cls) -> Left:
        gc.collect()
        # Without the emulator's own pool, which grows as it needs to.
        threads = sum(not thread.name.startswith("asyncio") for thread in threading.enumerate())
        clients = sum(type(thing).__name__ in ("Client", "Session") for thing in gc.get_objects())
        return cls(threads, len(os.listdir("/dev/fd")), clients, tracemalloc.get_traced_memory()[0])

    def exceeds(self, before: Left) -> bool:
        return self.memory > before.memory + MAX_GROWTH or any(now > then for now, then in zip(self[:3], before[:3]))


def test_an_hour_of_failures_leaves_nothing_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    """A comparison every 30 seconds, of which every other one fails, without the time between them."""
    kinds = ["lost_before", "lost_after", "bad_gateway", "html", "empty", "truncated"]
    with Emulator({"clusters": [{"id": CLUSTER}]}) as emulator:
        args = {**reaching(emulator, api_retries=0, parallel=1), "clusters": [{"cluster_id": CLUSTER, "scripts": []}]}
        seen: list[Left] = []

        def fails(number: int) -> None:
            emulator.fault("DescribeCluster", kind=kinds[number % len(kinds)])

        def recovers(number: int) -> None:
            emulator.forget()
            emulator.clear_faults()
            # The caches of libraries are full after half an hour.
            if number in (FAILURES // 2, FAILURES - 1):
                # A thread or a connection that has done its work needs a moment to end on a busy machine. One that is left behind does not end.
                limit = time.monotonic() + 10
                while seen and Left.now().exceeds(seen[0]) and time.monotonic() < limit:
                    time.sleep(0.01)
                seen.append(Left.now())

        tracemalloc.start()
        try:
            steps = [partial(step, number) for number in range(FAILURES) for step in (fails, recovers)]
            states = run(args, steps, monkeypatch, key=itemgetter("state"))
        finally:
            tracemalloc.stop()
        assert states == ["failed"] * FAILURES
        before, after = seen
        assert not after.exceeds(before), (before, after)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "cannot be read: No such file or directory."),
        (b"[", "is not a valid YAML file."),
        (b"\xff", "is not a valid YAML file."),
        (b"- cluster_id: 2026-02-30", "is not a valid YAML file."),
        (b"- 2026-02-03: a", "is not a valid YAML file."),
        (b"- !!bool a", "is not a valid YAML file."),
    ],
)
def test_a_file_that_cannot_be_read(tmp_path: Path, content: bytes | None, message: str) -> None:
    file = tmp_path / "clusters.yml"
    if content:
        file.write_bytes(content)
    (event,) = SOURCE["compare"]({"file": str(file)})
    assert event["error"] == {"code": "InvalidOptions", "message": f"The file {file} {message}"}


@pytest.mark.parametrize(
    ("clusters", "words"),
    [
        (None, "argument 'clusters' is of type "),
        ([SIGNED], "missing required arguments: cluster_id found in clusters"),
        ([{"cluster_id": CLUSTER, "roles": [SIGNED]}], "value of roles must be one or more of: manager, login, compute."),
        ([{"cluster_id": CLUSTER, "purge": SIGNED}], "argument 'purge' is of type "),
        ([{"cluster_id": CLUSTER, SIGNED: 1}], "Unsupported options: clusters.https://"),
        ([{"cluster_id": CLUSTER, 1: 2}], "Unsupported options: clusters.1. Supported parameters include: cluster_id, "),
    ],
)
def test_a_file_with_options_that_cannot_work(tmp_path: Path, clusters: t.Any, words: str) -> None:
    file = tmp_path / "clusters.yml"
    file.write_text(yaml.safe_dump(clusters), encoding="utf-8")
    (event,) = SOURCE["compare"]({"file": str(file)})
    assert (event["cluster_id"], event["state"], event["error"]["code"]) == (None, "failed", "InvalidOptions")
    message = event["error"]["message"]
    assert words in message
    assert message.endswith(".")
    assert not message.endswith("..")
    assert [secret for secret in ("EXAMPLEsig", "EXAMPLEid") if secret in message] == []


@pytest.mark.parametrize("args", [{}, *({"clusters": [{"cluster_id": CLUSTER}], "interval": interval} for interval in (0, "5m", None, "nan", "inf"))])
def test_options_that_cannot_work(args: dict[str, t.Any]) -> None:
    with pytest.raises(ValueError, match="requires clusters or file"):
        asyncio.run(SOURCE["main"](None, args))


def test_the_rulebook_uses_the_source() -> None:
    (rules,) = yaml.safe_load((ROOT / "extensions/eda/rulebooks/drift.yml").read_text(encoding="utf-8"))
    (source,) = rules["sources"]
    assert set(source) == {"name", "alicloud.ehpc.drift"}
    assert set(source["alicloud.ehpc.drift"]) <= set(yaml.safe_load(SOURCE["DOCUMENTATION"])["options"])
    assert [rule["condition"] for rule in rules["rules"]] == [f'event.state == "{state}"' for state in ("drifted", "in_sync", "failed")]
