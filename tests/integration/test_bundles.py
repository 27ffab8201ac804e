# Copyright (c) 2026, the alicloud.ehpc contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From a list of scripts to a node: published as a bundle, set for the cluster, and run by a node that is initialized."""

from __future__ import annotations

import base64
import shlex
import shutil
import typing as t
from collections.abc import Iterator
from pathlib import Path

import pytest
from ansible_collections.alicloud.ehpc.plugins.module_utils._publishing import PASSED
from ansible_collections.alicloud.ehpc.tests.emulator import Emulator
from ansible_collections.alicloud.ehpc.tests.support.in_process import reaching, run
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

CLUSTER, BUCKET, NEW, OLD = "ehpc-hz-EXAMPLE", "hpc-scripts-example", "i-new", "i-old"
SCENARIO: dict[str, t.Any] = {
    "clusters": [{"id": CLUSTER, "nodes": [{"id": NEW, "host_name": "compute000"}, {"id": OLD, "host_name": "compute001"}]}],
    "buckets": [{"name": BUCKET}],
}
# An interpreter that keeps each script that it is to interpret, and its arguments.
KEEPER = """\
#!/bin/bash
number=0
while [ -e $number.kept ]; do ((number++)); done
cat <"$1" >$number.kept
shift
printf '%s\\0' "$@" >$number.arguments
"""
CONTENTS = st.one_of(st.binary(max_size=60), st.text(max_size=30).map(str.encode)).map(lambda content: content.replace(b"\0", b"").replace(b"\r", b""))
TEXT = st.text(alphabet=" ab'\"$`\\&%*;|<>()!\n\té多🙂-", max_size=10)
NAMES = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._-]{0,15}", fullmatch=True).filter(lambda name: not name.endswith(".j2"))
SCRIPTS = st.lists(st.tuples(NAMES, CONTENTS, st.lists(TEXT, max_size=3)), min_size=1, max_size=4)


class Site:
    """A cluster, and a bucket that its nodes may read."""

    def __init__(self, emulator: Emulator) -> None:
        self.emulator = emulator
        self.bucket = emulator.state.buckets[BUCKET]

    def publish(self, contents: list[bytes], scripts: list[dict[str, t.Any]]) -> dict[str, t.Any]:
        """The result of publishing a bundle."""
        where = {"bucket": BUCKET, "oss_endpoint": self.emulator.endpoint, "node_endpoint": f"{self.emulator.internal_endpoint}/{BUCKET}"}
        # As the action plugin passes what it has read.
        passed = [{**one, "content": PASSED + base64.b64encode(content).decode()} for one, content in zip(scripts, contents)]
        return run("post_scripts_publish", {**reaching(self.emulator), **where, "bundle": True, "scripts": passed})

    def set(self, scripts: list[dict[str, t.Any]]) -> None:
        run("post_scripts", {**reaching(self.emulator), "cluster_id": CLUSTER, "scripts": scripts})

    def run_on_nodes(self, **options: t.Any) -> dict[str, str]:
        result = run("post_scripts_run", {**reaching(self.emulator), "cluster_id": CLUSTER, "wait_delay": 0.1, "run_timeout": 20, **options})
        return {node["id"]: node["status"] for node in result["nodes"]}

    def directory(self, node: str) -> Path:
        return self.emulator.state.machines.directory(node)

    def renew(self) -> None:
        """Nodes that have run nothing yet."""
        for node in (NEW, OLD):
            shutil.rmtree(self.directory(node))


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    with Emulator(SCENARIO) as emulator:
        yield Site(emulator)


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(scripts=SCRIPTS, args=st.lists(TEXT, max_size=2))
def test_a_new_node_runs_exactly_the_list(site: Site, tmp_path: Path, scripts: list[tuple[str, bytes, list[str]]], args: list[str]) -> None:
    site.renew()
    keeper = tmp_path / "keep"
    keeper.write_text(KEEPER)
    keeper.chmod(0o755)
    contents = [f"#!{keeper}\n".encode() + content for _name, content, _arguments in scripts]
    entries = [{"src": f"files/{name}", "args": arguments} for name, _content, arguments in scripts]

    (entry,) = site.publish(contents, scripts=entries)["scripts"]
    entry["args"] = " ".join(map(shlex.quote, args))
    site.set([entry])
    record = site.emulator.initialize(CLUSTER, NEW)

    assert record.exit_code == 0, record.message
    directory = site.directory(NEW)
    assert [(directory / f"{number}.kept").read_bytes() for number in range(len(scripts))] == contents
    kept = [(directory / f"{number}.arguments").read_bytes() for number in range(len(scripts))]
    # Without arguments printf writes one NUL, too.
    assert kept == ["".join(f"{argument}\0" for argument in arguments or [""]).encode() for _name, _content, arguments in scripts]
    logs = [f"{number:02d}-{name}.log" for number, name in enumerate(["bootstrap.sh", *(name for name, _content, _arguments in scripts)])]
    assert sorted(path.name for path in (directory / "log").iterdir()) == logs
    assert not (directory / f"{len(scripts)}.kept").exists()
    # With the checksum that publishing returned, and without: E-HPC stores none.
    assert site.run_on_nodes(nodes=[NEW], scripts=[entry]) == site.run_on_nodes(nodes=[NEW]) == {NEW: "unchanged"}
    assert site.run_on_nodes(nodes=[NEW], scripts=[{**entry, "args": "another"}], force=False) == {NEW: "ok"}


def test_nodes_that_exist_run_a_bundle_once(site: Site) -> None:
    site.renew()
    result = site.publish(
        [b'#!/bin/sh\necho "$1" >>said\n', b'#!/bin/sh\necho "$1" >>said\n'], scripts=[{"src": "a.sh", "args": ["one"]}, {"src": "b.sh", "args": ["two"]}]
    )
    site.set(result["scripts"])
    site.emulator.initialize(CLUSTER, NEW)

    assert site.run_on_nodes() == {NEW: "unchanged", OLD: "ok"}
    assert site.run_on_nodes(scripts=result["scripts"]) == {NEW: "unchanged", OLD: "unchanged"}
    assert [(site.directory(node) / "said").read_text() for node in (NEW, OLD)] == ["one\ntwo\n"] * 2


def test_a_byte_that_changes_in_the_bucket_runs_nothing(site: Site) -> None:
    site.renew()
    result = site.publish([b"#!/bin/sh\ntouch here\n"], scripts=[{"src": "a.sh"}])
    site.set(result["scripts"])
    (published,) = result["published"]
    stored = site.bucket.objects[published["key"]]
    whole = stored.content
    try:
        for position in (3, len(whole) // 2, whole.index(b"touch"), len(whole) - 3):
            stored.content = whole[:position] + bytes([whole[position] ^ 1]) + whole[position + 1 :]
            site.emulator.initialize(CLUSTER, NEW)
            assert site.run_on_nodes(nodes=[OLD], scripts=result["scripts"], max_fail_percentage=100) == {OLD: "failed"}
    finally:
        stored.content = whole
    assert not [path for node in (NEW, OLD) for path in site.directory(node).glob("here")]
    assert site.emulator.initialize(CLUSTER, NEW).exit_code == 0
