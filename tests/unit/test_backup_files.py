# Copyright (c) 2026, the alicloud.ehpc contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""_backup_files: the files on the controller, which hold a list byte for byte and are for their owner only."""

from __future__ import annotations

import os
import re
import stat
import typing as t
from pathlib import Path

import pytest
import yaml
from ansible_collections.alicloud.ehpc.plugins.module_utils._errors import EhpcError
from ansible_collections.alicloud.ehpc.plugins.plugin_utils import _backup_files
from ansible_collections.alicloud.ehpc.tests.support.hostile import Hostile
from ansible_collections.alicloud.ehpc.tests.support.words import CLUSTER, MOUNT, SIGNED, script

BACKUP = {"cluster_id": CLUSTER, "region": "cn-hangzhou", "scripts": [script(SIGNED, "-v"), script(MOUNT)]}


def mode(path: str) -> int:
    return stat.S_IMODE(os.stat(path).st_mode)


def test_default_file(tmp_path: Path) -> None:
    path = _backup_files.write(BACKUP, {}, str(tmp_path))
    assert re.fullmatch(re.escape(f"{tmp_path}/backup/{CLUSTER}.") + r"\d{4}-\d\d-\d\d@\d\d-\d\d-\d\d\.yml", path)
    assert mode(path) == 0o600
    content = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
    created = content.pop("created")
    assert content == BACKUP
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", created)
    assert created[:10] in path
    assert created[11:19].replace(":", "-") in path


def test_every_string_survives(tmp_path: Path) -> None:
    texts = [
        *Hostile(tmp_path).strings.values(),
        "=",
        "5",
        "null",
        "2026-01-01",
        " a\r\n b ",
        "\u2028\x85\ufeff",
        "{{ 1 + 1 }}",
        "!unsafe a",
        "a" * 500 + " " + "b" * 500,
    ]
    backup = {**BACKUP, "scripts": [script(SIGNED, text) for text in texts]}
    assert _backup_files.read(_backup_files.write(backup, {}, str(tmp_path)))["scripts"] == backup["scripts"]


def test_two_backups_in_one_second_are_two_files(tmp_path: Path) -> None:
    paths = [_backup_files.write(BACKUP, {}, str(tmp_path)) for _number in range(2)]
    assert len(set(paths)) == 2


def test_named_file_is_replaced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("SITE", "site")
    options = {"dir_path": "~/$SITE", "filename": "list.yml"}
    older = tmp_path / "site/list.yml"
    older.parent.mkdir()
    older.write_text("older", encoding="utf-8")
    older.chmod(0o644)
    assert _backup_files.write(BACKUP, options, "/absent") == str(older)
    assert mode(str(older)) == 0o600
    assert _backup_files.read(str(older))["scripts"] == BACKUP["scripts"]
    assert list(older.parent.iterdir()) == [older]


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "backup").mkdir()
    link = tmp_path / "backup/list.yml"
    link.symlink_to(tmp_path / "real.yml")
    assert _backup_files.write(BACKUP, {"filename": "list.yml"}, str(tmp_path)) == str(link)
    assert (link.is_symlink(), mode(str(tmp_path / "real.yml"))) == (True, 0o600)
    assert _backup_files.read(str(link))["scripts"] == BACKUP["scripts"]


@pytest.mark.parametrize("options", [{"dir_path": "file"}, {"filename": "directory"}, {"dir_path": "file/below"}])
def test_a_file_that_cannot_be_written(tmp_path: Path, options: dict[str, str]) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "backup/directory/full").mkdir(parents=True)
    with pytest.raises(EhpcError) as caught:
        _backup_files.write(BACKUP, options, str(tmp_path))
    text = str(caught.value)
    # The file that the options name, and not the temporary one.
    path = os.path.normpath(tmp_path / options.get("dir_path", "backup") / options.get("filename", ""))
    assert text.startswith(f"Cannot set the post scripts of cluster {CLUSTER} in cn-hangzhou: The backup cannot be written to {path}: ")
    assert "Nothing was changed. Set backup_options.dir_path to a directory on the controller" in text
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["backup", "directory", "file", "full"]


def test_a_full_disk_leaves_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    for options in ({}, {"filename": "list.yml"}):
        with pytest.raises(EhpcError, match="No space left on device"):
            _backup_files.write(BACKUP, options, str(tmp_path))
    assert list((tmp_path / "backup").iterdir()) == []


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (None, "cannot be read: No such file or directory."),
        (f"cluster_id: [{SIGNED}", "is not a valid YAML file."),
        (b"\xff\xfe\x00", "is not a valid YAML file."),
        (b"created: 2026-02-30", "is not a valid YAML file."),
        ("", "is not a backup of post scripts: cluster_id or region is missing."),
        ([SIGNED], "is not a backup of post scripts: cluster_id or region is missing."),
        ({"cluster_id": CLUSTER, "scripts": []}, "is not a backup of post scripts: cluster_id or region is missing."),
        ({"cluster_id": CLUSTER, "region": "cn-hangzhou"}, "is not a backup of post scripts: scripts is not a list of dictionaries with a url."),
        ({**BACKUP, "scripts": [SIGNED]}, "is not a backup of post scripts: scripts is not a list of dictionaries with a url."),
        ({**BACKUP, "scripts": [{"args": SIGNED}]}, "is not a backup of post scripts: scripts is not a list of dictionaries with a url."),
    ],
)
def test_other_files_are_refused_without_an_excerpt(tmp_path: Path, content: t.Any, reason: str) -> None:
    path = tmp_path / "list.yml"
    if content is not None:
        path.write_bytes(content if isinstance(content, bytes) else (content if isinstance(content, str) else yaml.safe_dump(content)).encode())
    with pytest.raises(ValueError, match=re.escape(reason)) as caught:
        _backup_files.read(str(path))
    assert str(caught.value) == f"{path} {reason}"
