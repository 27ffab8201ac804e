# Copyright (c) 2026, the alicloud.ehpc contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The rulebook, run by ansible-rulebook itself: it repairs a foreign change once. `make test-eda` installs ansible-rulebook, and fails without Java."""

from __future__ import annotations

import os
import re
import subprocess
import time
import typing as t
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import yaml
from ansible_collections.alicloud.ehpc.tests.emulator import Emulator
from ansible_collections.alicloud.ehpc.tests.support import in_process
from ansible_collections.alicloud.ehpc.tests.support.playing import Play
from ansible_collections.alicloud.ehpc.tests.support.words import SIGNED

from check import eda

CLUSTER, REGION = "ehpc-hz-EXAMPLE", "cn-hangzhou"
SCRIPTS = [{"url": SIGNED, "args": "-v"}]
FOREIGN = [*SCRIPTS, {"url": "https://scripts.example.com/foreign.sh", "args": ""}]
COLLEAGUE = {"name": "colleague", "access_key": "EXAMPLEcolleague", "secret_key": "EXAMPLE-secret-of-colleague"}
SCENARIO = {
    "credentials": [{"name": "automation", "access_key": "EXAMPLEautomation", "secret_key": "EXAMPLE-secret-of-automation"}, COLLEAGUE],
    "clusters": [{"id": CLUSTER, "location": "OnPremise", "post_scripts": SCRIPTS}],
}
# The output of ansible-rulebook for any event, and for the actions of the rulebook.
EVENT = "[received event]"
REPAIR = "PLAY [Bootstrap E-HPC clusters]"
IN_SYNC = f"Cluster {CLUSTER} in {REGION} has its desired state again."
FAILED = f"Cluster {CLUSTER} in {REGION} cannot be read: NotAuthorized: "
MAX_SECONDS = 60


class Rulebook:
    """A process of ansible-rulebook."""

    def __init__(self, process: subprocess.Popen[bytes], log: Path) -> None:
        self._process = process
        self._log = log

    @property
    def output(self) -> str:
        return self._log.read_text(encoding="utf-8")

    def wait(self, what: str, condition: t.Callable[[], bool]) -> None:
        end = time.monotonic() + MAX_SECONDS
        while not condition():
            assert self._process.poll() is None, f"ansible-rulebook ended before: {what}\n{self.output}"
            assert time.monotonic() < end, f"not seen within {MAX_SECONDS} seconds: {what}\n{self.output}"
            time.sleep(0.05)

    def wait_for(self, words: str) -> None:
        self.wait(words, lambda: words in self.output)


def write_files(directory: Path) -> Path:
    """The files of a user: the inventory and its variables in a directory, the desired state, and the settings of the rulebook."""
    inventory = directory / "inventory"
    (inventory / "group_vars").mkdir(parents=True)
    contents: dict[Path, t.Any] = {
        inventory / "prod.ehpc.yml": {"plugin": "alicloud.ehpc.ehpc", "regions": [REGION]},
        inventory / "group_vars/all.yml": {"ehpc_bootstrap_post_scripts": SCRIPTS, "ehpc_bootstrap_sync_users": False, "ehpc_bootstrap_preflight": "off"},
        directory / "clusters.yml": [{"cluster_id": CLUSTER, "region": REGION, "scripts": SCRIPTS}],
        directory / "settings.yml": {"drift_clusters": str(directory / "clusters.yml"), "drift_interval": 1},
    }
    for path, content in contents.items():
        path.write_text(yaml.safe_dump(content), encoding="utf-8")
    return inventory


@contextmanager
def running(play: Play, emulator: Emulator) -> Iterator[Rulebook]:
    """The rulebook as a user starts it, in the environment of ansible-rulebook."""
    program, directory = str(eda.rulebook()), play.directory
    environment = {
        **play.environment(directory / "results.jsonl"),
        "PATH": os.pathsep.join([str(Path(program).parent), os.environ["PATH"]]),
        "TMPDIR": str(directory),
        "ALIBABA_CLOUD_ACCESS_KEY_ID": emulator.access_key,
        "ALIBABA_CLOUD_ACCESS_KEY_SECRET": emulator.secret_key,
        "ALIBABA_CLOUD_EHPC_ENDPOINT": emulator.endpoint,
    }
    options = ["--inventory", str(write_files(directory)), "--vars", "settings.yml", "--print-events"]
    command = [program, "--rulebook", "alicloud.ehpc.drift", *options]
    log = directory / "rulebook.log"
    with log.open("wb") as file:
        process = subprocess.Popen(command, cwd=directory, env=environment, stdout=file, stderr=subprocess.STDOUT)
    try:
        yield Rulebook(process, log)
    finally:
        # A playbook that it runs loses its terminal, and ends, too.
        process.kill()
        process.wait()


@pytest.fixture
def possible() -> None:
    if obstacles := eda.obstacles():
        reason = f"ansible-rulebook did not run the rulebook: {'; '.join(obstacles)}. "
        remedy = "test_drift_source.py tests the event source without it. With Java 17, make test-eda installs the rest and runs this test."
        (pytest.fail if os.environ.get("EHPC_REQUIRE_RULEBOOK") else pytest.skip)(reason + remedy)


@pytest.mark.usefixtures("possible")
def test_a_foreign_change_is_repaired_once(tmp_path: Path) -> None:
    with Emulator(SCENARIO) as emulator, running(Play(tmp_path, emulator), emulator) as rulebook:
        cluster = emulator.state.clusters[CLUSTER]

        def comparisons(number: int) -> None:
            needed = emulator.actions().count("GetPostScripts") + number
            rulebook.wait(f"{number} comparisons", lambda: emulator.actions().count("GetPostScripts") >= needed)

        def writers() -> list[str]:
            return [call.access_key for call in list(emulator.calls) if call.action == "SetPostScripts"]

        comparisons(2)
        assert writers() == []
        keys = {name: COLLEAGUE[name] for name in ("access_key", "secret_key")}
        in_process.run("post_scripts", in_process.reaching(emulator, **keys, cluster_id=CLUSTER, scripts=FOREIGN))
        assert cluster.post_scripts == FOREIGN
        rulebook.wait("the stored list is the desired one", lambda: cluster.post_scripts == SCRIPTS)
        rulebook.wait_for(IN_SYNC)
        comparisons(3)

        # Actions run in the order of the events, so that a second repair would come before this message.
        emulator.deny("GetPostScripts", cluster_id=CLUSTER)
        rulebook.wait_for(FAILED)
        output = rulebook.output
        assert output.count(REPAIR) == 1, output
        assert re.findall("|".join(map(re.escape, (EVENT, REPAIR, IN_SYNC, FAILED))), output) == [EVENT, REPAIR, EVENT, IN_SYNC, EVENT, FAILED]
        assert writers() == [COLLEAGUE["access_key"], emulator.access_key]
        assert cluster.post_scripts == SCRIPTS
        assert [secret for secret in ("EXAMPLEsig", "EXAMPLEid", emulator.secret_key) if secret in output] == []
