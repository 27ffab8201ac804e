# Copyright (c) 2026, the alicloud.ehpc contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The option backup of post_scripts: the data for the controller."""

from __future__ import annotations

import typing as t
from pathlib import Path
from types import SimpleNamespace

import pytest
from ansible_collections.alicloud.ehpc.plugins.module_utils import _backup
from ansible_collections.alicloud.ehpc.plugins.module_utils._errors import EhpcError
from ansible_collections.alicloud.ehpc.plugins.modules import post_scripts
from ansible_collections.alicloud.ehpc.plugins.plugin_utils import _in_process
from ansible_collections.alicloud.ehpc.tests.support.scripted import Call, Service
from ansible_collections.alicloud.ehpc.tests.support.words import BASE, CLUSTER, MOUNT, SIGNED, read, script, write

STORED = [script(SIGNED, "-v"), script(MOUNT)]
BACKUP = {"cluster_id": CLUSTER, "region": "cn-hangzhou", "scripts": STORED}
WANTED = [script(BASE)]


@pytest.mark.parametrize("options", [{"scripts": WANTED}, {"scripts": WANTED, "purge": False}, {"state": "absent"}], ids=["set", "merge", "absent"])
def test_the_stored_list_is_backed_up_before_a_change(service: Service, options: dict[str, t.Any]) -> None:
    after = {"purge": [*STORED, *WANTED], "state": []}.get(next(iter(options.keys() - {"scripts"}), ""), WANTED)
    service.expects(read(*STORED), write(*after), read(*after))
    result = service.run(post_scripts, cluster_id=CLUSTER, backup=True, backup_options={"dir_path": "/srv"}, **options)
    assert service.backups == [(BACKUP, {"dir_path": "/srv", "filename": None})]
    assert result["backup_path"] == "/backup.yml"


@pytest.mark.parametrize(
    ("check_mode", "options"),
    [(True, {"scripts": WANTED, "backup": True}), (False, {"scripts": STORED, "backup": True}), (True, {"scripts": STORED, "backup": True})],
    ids=["check mode", "no change", "neither"],
)
def test_nothing_is_backed_up_without_a_write(service: Service, check_mode: bool, options: dict[str, t.Any]) -> None:
    service.expects(read(*STORED))
    result = service.run(post_scripts, check_mode, cluster_id=CLUSTER, **options)
    assert service.backups == []
    assert "backup_path" not in result


def test_nothing_is_backed_up_by_default(service: Service) -> None:
    service.expects(read(*STORED), write(*WANTED), read(*WANTED))
    assert "backup_path" not in service.run(post_scripts, cluster_id=CLUSTER, scripts=WANTED)
    assert service.backups == []


def test_nothing_is_changed_if_the_file_cannot_be_written(service: Service) -> None:
    service.expects(read(*STORED))
    error = service.fails(post_scripts, cluster_id=CLUSTER, scripts=WANTED, backup=True, backup_options={"dir_path": "/refuse"})
    assert error.code == "BackupFailed"
    assert "backup_path" not in error.result


def test_a_failure_after_the_backup_names_the_file(service: Service) -> None:
    service.expects(read(*STORED), write(*WANTED, code="NotAuthorized"))
    assert service.fails(post_scripts, cluster_id=CLUSTER, scripts=WANTED, backup=True).result == {"backup_path": "/backup.yml"}
    service.expects(read(*STORED), write(*WANTED), Call("GetPostScripts", ClusterId=CLUSTER, code="NotAuthorized"))
    error = service.fails(post_scripts, cluster_id=CLUSTER, scripts=WANTED, backup=True)
    assert (error.result["backup_path"], error.result["request_id"]) == ("/backup.yml", "REQUEST-WRITE")


# What a process hands to the controller


def test_sealed_content_shows_nothing_and_opens_with_its_key() -> None:
    sealed = _backup.seal(BACKUP, "key 1")
    assert sealed.isascii()
    assert "EXAMPLEsig" not in sealed
    assert _backup.unseal(sealed, "key 1") == BACKUP
    assert _backup.seal(BACKUP, "key 2") != sealed
    with pytest.raises(ValueError, match="."):
        _backup.unseal(sealed, "key 2")


def test_the_first_process_ends_with_the_sealed_list() -> None:
    with pytest.raises(EhpcError) as caught:
        _backup.backed_up({"key": "key 1"}, BACKUP)
    failure = caught.value.as_failure()
    assert "EXAMPLEsig" not in str(failure)
    assert _backup.unseal(failure[_backup.SEALED], "key 1") == BACKUP


def test_the_second_process_has_the_path_of_the_same_list() -> None:
    reordered = dict(reversed(list(BACKUP.items())))
    assert _backup.backed_up({"path": "/backup.yml", "digest": _backup.digest(reordered)}, BACKUP) == "/backup.yml"
    assert _backup.digest({**BACKUP, "scripts": STORED[::-1]}) != _backup.digest(BACKUP)


@pytest.mark.parametrize(
    ("handed", "message", "hint"),
    [
        (None, "The controller cannot write a backup, because the module runs without its action plugin.", "Omit backup."),
        # The first process found nothing to change.
        ({}, "Another client changed the list while its backup was written. This task changed nothing.", "Run the task again."),
        (
            {"path": "/backup.yml", "digest": _backup.digest({**BACKUP, "scripts": STORED[::-1]})},
            "Another client changed the list while its backup was written. This task changed nothing.",
            "Run the task again.",
        ),
    ],
    ids=["no action plugin", "nothing written", "another order"],
)
def test_a_process_without_a_backup_of_this_list_fails(handed: dict[str, str] | None, message: str, hint: str) -> None:
    with pytest.raises(EhpcError) as caught:
        _backup.backed_up(handed, BACKUP)
    assert (caught.value.code, caught.value.message, caught.value.hint, caught.value.result) == ("BackupFailed", message, hint, {})


# The action plugin, which writes the file between the two processes


class Action(_in_process.EhpcAction):
    """The action plugin with processes that only return: the first one the sealed list, the second one ``last``."""

    MODULE = post_scripts.MODULE

    def __init__(self, directory: Path, last: dict[str, t.Any]) -> None:
        self._task = SimpleNamespace(async_val=0)
        self._loader = SimpleNamespace(get_basedir=lambda: str(directory))
        self._last = last

    def _execute_module(self, *, module_args: dict[str, t.Any], **_options: t.Any) -> dict[str, t.Any]:
        handed = module_args[_backup.OPTION]
        return {"failed": True, _backup.SEALED: _backup.seal(BACKUP, handed["key"])} if "key" in handed else dict(self._last)


@pytest.mark.parametrize("last", [{"failed": True, "msg": "Another client changed the list."}, {"changed": False}], ids=["failed", "nothing left to change"])
def test_a_file_is_named_whatever_the_second_process_finds(tmp_path: Path, last: dict[str, t.Any]) -> None:
    result = Action(tmp_path, last)._run_as_process({"backup": True}, {})
    (written,) = (tmp_path / "backup").iterdir()
    assert result == {**last, "backup_path": str(written)}


@pytest.mark.parametrize("given", [{"dir_path": "lists", "filename": "a.yml"}, '{"dir_path": "lists", "filename": "a.yml"}', "dir_path=lists filename=a.yml"])
def test_only_the_task_says_where_the_file_is(tmp_path: Path, given: t.Any) -> None:
    """The host of a process that can name a file can replace any file of the controller."""
    result = Action(tmp_path, {})._run_as_process({"backup": True, "backup_options": given}, {})
    assert result["backup_path"] == str(tmp_path / "lists/a.yml")
    assert (tmp_path / "lists/a.yml").is_file()


def test_options_that_the_process_did_not_refuse(tmp_path: Path) -> None:
    result = Action(tmp_path, {})._run_as_process({"backup": True, "backup_options": {"name": "a.yml"}}, {})
    assert (result["failed"], result["error"]["code"]) == (True, "InvalidOptions")
    assert _backup.SEALED not in result
    assert list(tmp_path.iterdir()) == []
