# Copyright (c) 2026, the alicloud.ehpc contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Files that only their owner can read."""

from __future__ import annotations

import contextlib
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
    """Write the file that an option names. Raises EhpcError."""
    try:
        replace(path, content)
    except OSError as error:
        raise _unusable(option, path, error) from None


def replace(path: str, content: bytes) -> None:
    """Replace the content of the file, or create the file; a link stays a link. Raises OSError, and then the file is as it was."""
    target = os.path.realpath(path)
    # It is private from the start: no other user can read it at any time.
    descriptor, temporary = tempfile.mkstemp(dir=os.path.dirname(target))
    with removed_on_failure(temporary):
        fill(descriptor, content)
        os.replace(temporary, target)


@contextlib.contextmanager
def removed_on_failure(path: str) -> t.Iterator[None]:
    """Remove the file if writing it fails."""
    try:
        yield
    except OSError:
        os.unlink(path)
        raise


def fill(descriptor: int, content: bytes) -> None:
    """Write all of an open file to the disk, and close it. Raises OSError."""
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _unusable(option: str, path: str, error: OSError) -> EhpcError:
    return invalid_option(
        "The file %s of the option %s cannot be used: %s." % (path, option, error.strerror), "Set %s to a file in an existing directory." % option
    )
