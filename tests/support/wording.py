# Copyright (c) 2026, the alicloud.ehpc contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A check of messages: they are complete sentences."""

from __future__ import annotations

import re

from ansible_collections.alicloud.ehpc.plugins.module_utils._errors import CREDENTIALS, EhpcError

# The beginning: a capital letter, or an option, an environment variable or a URL.
_BEGIN = re.compile(r"[A-Z]|\w+: |\w+_\w+ |\w+\[\d+\][. ]|(?:scripts|url|args) |https?://")


def is_sentence(text: str) -> bool:
    return bool(_BEGIN.match(text)) and text.endswith((".", "?")) and not text.isupper()


def own_words(error: EhpcError) -> list[str]:
    """The words of the collection itself in a failure, without those of the service or of a library."""
    repeats = error.http_status is not None or error.code == CREDENTIALS
    return [text for text in (None if repeats else error.message, error.hint) if text]
