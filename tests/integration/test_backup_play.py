# Copyright (c) 2026, the alicloud.ehpc contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""backup in playbooks, however the module runs, and the playbook restore."""

from __future__ import annotations

import stat
import typing as t
from pathlib import Path

import pytest
import yaml
from ansible_collections.alicloud.ehpc.tests.emulator import Emulator
from ansible_collections.alicloud.ehpc.tests.support.hostile import Hostile
from ansible_collections.alicloud.ehpc.tests.support.playing import Play, Task, task

PUBLIC, HYBRID, OTHER = "ehpc-hz-public01", "ehpc-hz-hybrid01", "ehpc-hz-hybrid02"
SIGNED = "https://bucket.oss-cn-hangzhou.aliyuncs.com/a.sh?Expires=1893456000&OSSAccessKeyId=EXAMPLEid&Signature=EXAMPLEsig%3D"
WANTED = [{"url": "https://scripts.example.com/base.sh", "args": ""}]
READ, WRITE = "GetPostScripts", "SetPostScripts"
PROCESS: Task = {"vars": {"ehpc_in_process": False}}


@pytest.fixture
def stored(emulator: Emulator, tmp_path: Path) -> list[dict[str, str]]:
    """The scripts of each of the three clusters."""
    texts = Hostile(tmp_path).strings.values()
    scripts = [{"url": SIGNED, "args": " -v  'a b' "}, *({"url": "/opt/b.sh", "args": text} for text in texts), {"url": SIGNED + "&n=2", "args": ""}]
    for cluster_id in (PUBLIC, HYBRID, OTHER):
        emulator.state.clusters[cluster_id].post_scripts = list(scripts)
    return scripts


def backed_up(name: str, cluster_id: str, scripts: list[dict[str, str]] | None = None, **options: t.Any) -> Task:
    return task(name, "post_scripts", cluster_id=cluster_id, scripts=WANTED if scripts is None else scripts, backup=True, **options)


def test_backup(play: Play, emulator: Emulator, stored: list[dict[str, str]]) -> None:
    unwritable: dict[str, t.Any] = {"backup_options": {"dir_path": "/dev/null/backup"}}
    run = play(
        [
            backed_up("worker, unwritable", PUBLIC, **unwritable) | {"ignore_errors": True},
            backed_up("process, unwritable", PUBLIC, **unwritable) | PROCESS | {"ignore_errors": True},
            backed_up("worker, check mode", PUBLIC) | {"check_mode": True},
            backed_up("process, check mode", PUBLIC) | PROCESS | {"check_mode": True},
            backed_up("worker", PUBLIC),
            backed_up("worker, again", PUBLIC),
            backed_up("process, again", PUBLIC) | PROCESS,
            backed_up("process", HYBRID, backup_options={"dir_path": "lists", "filename": "list.yml"}) | PROCESS,
            backed_up("in the background", OTHER) | {"async": 60, "poll": 1},
            backed_up("in the background, again", OTHER) | {"async": 60, "poll": 1},
            task("off", "post_scripts", cluster_id=OTHER, scripts=[], backup=False) | PROCESS,
        ],
        verbosity=3,
        diff=True,
    )
    worker, process = (run[way + ", unwritable"] for way in ("worker", "process"))
    assert worker.failed
    assert worker.result == process.result
    assert worker.error["code"] == "BackupFailed"
    assert f"Cannot set the post scripts of cluster {PUBLIC} in cn-hangzhou: The backup cannot be written to /dev/null" in worker.msg
    assert [result.status for result in run.results[2:]] == ["changed"] * 3 + ["ok"] * 2 + ["changed"] * 2 + ["ok", "changed"]
    written = {result.task: Path(result["backup_path"]) for result in run.results if "backup_path" in result.result}
    assert list(written) == ["worker", "process", "in the background"]
    assert written["process"] == play.directory / "lists/list.yml"
    assert sorted([written["worker"], written["in the background"]]) == sorted((play.directory / "backup").iterdir())
    for (name, path), cluster_id in zip(written.items(), (PUBLIC, HYBRID, OTHER)):
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
        assert (content["cluster_id"], content["region"], content["scripts"]) == (cluster_id, "cn-hangzhou", stored), name
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert run[name]["previous_post_scripts"][0]["url"].endswith("Signature=***")
    # A process that is going to change something reads the list once more.
    actions = [call.action for call in emulator.calls if call.params["ClusterId"] == PUBLIC]
    assert actions == [READ] * 4 + [READ, WRITE, READ] + [READ] * 2
    assert [call.action for call in emulator.calls if call.params["ClusterId"] == HYBRID] == [READ, READ, WRITE, READ]
    everything = run.everything()
    for secret in ("EXAMPLEsig", "EXAMPLEid", "_ehpc_"):
        assert secret not in everything


def test_restore(play: Play, emulator: Emulator, stored: list[dict[str, str]], tmp_path: Path) -> None:
    play([backed_up("set", PUBLIC, backup_options={"dir_path": ".", "filename": "list.yml"})])
    emulator.forget()
    env = {
        "ALIBABA_CLOUD_ACCESS_KEY_ID": emulator.access_key,
        "ALIBABA_CLOUD_ACCESS_KEY_SECRET": emulator.secret_key,
        "ALIBABA_CLOUD_EHPC_ENDPOINT": emulator.endpoint,
    }
    restore: dict[str, t.Any] = {"extra_vars": {"ehpc_restore_file": "list.yml"}, "env": env, "diff": True, "verbosity": 3}
    name = "Restore the post scripts"
    check = play.playbook("alicloud.ehpc.restore", check=True, **restore)
    assert emulator.actions() == [READ]
    assert [path.name for path in play.directory.glob("*.yml") if path.name.startswith((PUBLIC, "list"))] == ["list.yml"]
    play.in_process = False
    replaced = list(emulator.state.clusters[PUBLIC].post_scripts)
    restored = play.playbook("alicloud.ehpc.restore", **restore)
    assert emulator.state.clusters[PUBLIC].post_scripts == stored
    play.in_process = None
    again = play.playbook("alicloud.ehpc.restore", **restore)
    # The list that was replaced is beside the file, so that the restore can be undone.
    (undo,) = play.directory.glob(f"{PUBLIC}.*.yml")
    assert restored[name]["backup_path"] == str(undo)
    assert stat.S_IMODE(undo.stat().st_mode) == 0o600
    restore["extra_vars"] = {"ehpc_restore_file": undo.name, "ehpc_restore_backup": "false"}
    undone = play.playbook("alicloud.ehpc.restore", **restore)
    assert emulator.state.clusters[PUBLIC].post_scripts == replaced
    assert list(play.directory.glob(f"{PUBLIC}.*.yml")) == [undo]
    assert undone[name].status == "changed"
    assert [run[name].status for run in (check, restored, again)] == ["changed", "changed", "ok"]
    assert check[name]["post_scripts"] == restored[name]["post_scripts"] == again[name]["post_scripts"]
    assert "+++ after: post scripts of cluster" in check.stdout
    assert not Hostile(tmp_path).was_evaluated()
    for run in (check, restored, again, undone):
        assert "EXAMPLEsig" not in run.everything()


def test_a_file_that_is_not_a_backup(play: Play) -> None:
    broken = play.directory / "broken.yml"
    broken.write_text(f"cluster_id: [{SIGNED}", encoding="utf-8")
    run = play.playbook("alicloud.ehpc.restore", extra_vars={"ehpc_restore_file": "broken.yml"}, verbosity=3, code=2)
    assert f"{broken} is not a valid YAML file." in run["Restore the post scripts"].msg
    assert "EXAMPLEsig" not in run.everything()
    assert "Set ehpc_restore_file to " in play.playbook("alicloud.ehpc.restore", code=2).stdout
