# Copyright (c) 2026, the alicloud.ehpc contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A file that only its owner can read."""

from __future__ import annotations

import hashlib
import os
import stat
import tempfile
import typing as t

from ansible_collections.alicloud.ehpc.plugins.module_utils._errors import EhpcError, invalid_option

MODE = 0o600


class State(t.NamedTuple):
    """What --diff shows of a file whose content is secret."""

    exists: bool
    mode: str | None = None
    sha256: str | None = None


def state_of(option: str, path: str) -> State:
    """The state of the file that an option names. Raises EhpcError if it cannot be read."""
    try:
        with open(path, "rb") as file:
            return State(True, "%04o" % stat.S_IMODE(os.fstat(file.fileno()).st_mode), hashlib.sha256(file.read()).hexdigest())
    except FileNotFoundError:
        return State(False)
    except OSError as error:
        raise _unusable(option, path, error) from None


def state_with(content: bytes) -> State:
    """The state of a file with this content."""
    return State(True, "%04o" % MODE, hashlib.sha256(content).hexdigest())


def write(option: str, path: str, content: bytes) -> None:
    """Replace the content of the file, or create the file; a link stays a link. Raises EhpcError."""
    target = os.path.realpath(path)
    try:
        # It is private from the start: no other user can read it at any time.
        descriptor, temporary = tempfile.mkstemp(dir=os.path.dirname(target))
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(content)
            os.replace(temporary, target)
        except OSError:
            os.unlink(temporary)
            raise
    except OSError as error:
        raise _unusable(option, path, error) from None


def _unusable(option: str, path: str, error: OSError) -> EhpcError:
    return invalid_option(
        "The file %s of the option %s cannot be used: %s." % (path, option, error.strerror), "Set %s to a file in an existing directory." % option
    )
