# Copyright (c) 2026, the alicloud.ehpc contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How a module that runs as a process hands a list to the controller, which writes it into a file before the process changes the list.

The list contains signatures, and the output of a process is printed by some connection plugins with ``-vvv``. So the action plugin runs
the process twice:

1. The process gets a key that is used once. Right before the change it ends with the list, which is encrypted with the key.
2. The action plugin writes the file. The second process gets its path and the digest of the list, and changes nothing if the list is no
   longer the same.

The options of the task, and nothing that a process returns, decide where the file is: the host of the process may not be trusted.
"""

from __future__ import annotations

import base64
import hashlib
import json
import typing as t

from ansible_collections.alicloud.ehpc.plugins.module_utils._errors import BACKUP_FAILED, EhpcError

# A private entry among the options: either the key, or the path and the digest.
OPTION = "_ehpc_backup"
# A private entry of the result of the first process.
SEALED = "_ehpc_sealed"


def digest(content: t.Any) -> str:
    """A string that is equal for equal data."""
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def seal(content: t.Any, key: str) -> str:
    """Plain data, encrypted. A key must not be used twice."""
    return base64.b64encode(_combined(json.dumps(content).encode(), key)).decode()


def unseal(sealed: str, key: str) -> t.Any:
    """The data that seal encrypted."""
    return json.loads(_combined(base64.b64decode(sealed), key))


def _combined(data: bytes, key: str) -> bytes:
    stream = hashlib.shake_256(key.encode()).digest(len(data))
    return bytes(one ^ other for one, other in zip(data, stream))


def backed_up(handed: t.Mapping[str, str] | None, backup: t.Mapping[str, t.Any]) -> str:
    """The path of the file that contains ``backup``. Raises EhpcError if the controller has not written it (yet)."""
    if handed is None:
        raise EhpcError(BACKUP_FAILED, "The controller cannot write a backup, because the module runs without its action plugin.", hint="Omit backup.")
    if "key" in handed:
        raise EhpcError(BACKUP_FAILED, "The backup is not written yet.", result={SEALED: seal(backup, handed["key"])})
    if handed.get("digest") != digest(backup):
        raise EhpcError(BACKUP_FAILED, "Another client changed the list while its backup was written. This task changed nothing.", hint="Run the task again.")
    return handed["path"]
