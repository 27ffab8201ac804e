# Copyright (c) 2026, the alicloud.ehpc contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The files with the lists that clusters had: they are written before a change, and read to restore the list.

They contain the signatures of pre-signed URLs. Nothing of their content may appear in a message, and so no excerpt of a parser's.
"""

from __future__ import annotations

import os
import time
import typing as t

import yaml
from ansible_collections.alicloud.ehpc.plugins.module_utils import _private_files
from ansible_collections.alicloud.ehpc.plugins.module_utils._errors import BACKUP_FAILED, EhpcError, attempt

HEADER = "# Restore it with: ansible-playbook alicloud.ehpc.restore -e ehpc_restore_file=FILE\n---\n"
Backup = dict[str, t.Any]


def write(backup: t.Mapping[str, t.Any], options: t.Mapping[str, t.Any], directory: str) -> str:
    """Write a backup, and return the path of the file. A relative path is relative to ``directory``. Raises EhpcError."""
    path = os.path.join(directory, _expanded(options.get("dir_path")) or "backup", options.get("filename") or "")
    try:
        os.makedirs(os.path.dirname(path), exist_ok=True)
        if not options.get("filename"):
            return _added(path, backup)
        _private_files.replace(path, _content(backup, time.gmtime()))
    except OSError as error:
        raise EhpcError(
            BACKUP_FAILED,
            "The backup cannot be written to %s: %s. Nothing was changed." % (os.path.normpath(path), error.strerror),
            attempted=attempt("SetPostScripts", backup["cluster_id"], backup["region"]),
        ) from None
    return path


def _expanded(path: str | None) -> str:
    return os.path.expanduser(os.path.expandvars(path or ""))


def _added(directory: str, backup: t.Mapping[str, t.Any]) -> str:
    """Write a file whose name contains the time. If there is one with this name already, the next second has another name."""
    while True:
        now = time.gmtime()
        path = os.path.join(directory, "%s.%s.yml" % (backup["cluster_id"].replace(os.sep, "_"), time.strftime("%Y-%m-%d@%H-%M-%S", now)))
        try:
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _private_files.MODE)
        except FileExistsError:
            time.sleep(0.1)
            continue
        with _private_files.removed_on_failure(path):
            _private_files.fill(descriptor, _content(backup, now))
        return path


def _content(backup: t.Mapping[str, t.Any], now: time.struct_time) -> bytes:
    content = {
        "cluster_id": backup["cluster_id"],
        "region": backup["region"],
        "created": time.strftime("%Y-%m-%dT%H:%M:%SZ", now),
        "scripts": backup["scripts"],
    }
    return (HEADER + yaml.safe_dump(content, sort_keys=False)).encode()


def read(path: str) -> Backup:
    """The backup in a file. Raises ValueError with the reason if there is none."""
    try:
        with open(path, encoding="utf-8") as file:
            content = yaml.safe_load(file)
    except OSError as error:
        raise ValueError("%s cannot be read: %s." % (path, error.strerror)) from None
    except Exception:  # noqa: BLE001 - the parser also raises ValueError, for 2026-02-30, and others
        raise ValueError("%s is not a valid YAML file." % path) from None
    if not isinstance(content, dict) or not all(isinstance(content.get(name), str) for name in ("cluster_id", "region")):
        raise ValueError("%s is not a backup of post scripts: cluster_id or region is missing." % path)
    scripts = content.get("scripts")
    # Without a list, a restore would mean to remove all scripts.
    if not isinstance(scripts, list) or not all(isinstance(script, dict) and isinstance(script.get("url"), str) for script in scripts):
        raise ValueError("%s is not a backup of post scripts: scripts is not a list of dictionaries with a url." % path)
    return content
