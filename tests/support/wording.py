# Copyright (c) 2026, the alicloud.ehpc contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How the collection talks to people: in whole sentences, whichever words it chooses."""

from __future__ import annotations

import re

from ansible_collections.alicloud.ehpc.plugins.module_utils._errors import CREDENTIALS, EhpcError

# With a capital letter, or with what cannot have one: an option, an environment variable, a url.
_BEGIN = re.compile(r"[A-Z]|\w+: |\w+_\w+ |\w+\[\d+\][. ]|scripts |https?://")


def is_sentence(text: str) -> bool:
    return bool(_BEGIN.match(text)) and text.endswith((".", "?")) and not text.isupper()


def own_words(error: EhpcError) -> list[str]:
    """What the collection itself says with a failure, without what it repeats of the service or of a library."""
    repeats = error.http_status is not None or error.code == CREDENTIALS
    return [text for text in (None if repeats else error.message, error.hint) if text]
