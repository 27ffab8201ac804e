# Copyright (c) 2026, the alicloud.ehpc contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Register secrets with ansible-core, which masks them in its own output: the label of a loop, for example, can contain options of tasks.

ansible-core can mask registered secrets since 2.22. Registering does nothing in earlier releases.
"""

from __future__ import annotations

import os
import typing as t

from ansible_collections.alicloud.ehpc.plugins.module_utils._arguments import ENVIRONMENT, SHARED_SPEC
from ansible_collections.alicloud.ehpc.plugins.module_utils._module import secret_values
from ansible_collections.alicloud.ehpc.plugins.module_utils._redact import secrets_in

try:
    from ansible.module_utils.secrets import register_secrets
except ImportError:

    def register_secrets(_values: t.Iterable[str], /) -> None:
        """Nothing to do: this release has no masking."""


# A signature is longer. A shorter value of such a parameter would mask every other text that it is part of.
MIN_LENGTH = 8


def register_texts(value: t.Any) -> None:
    """Register what the URLs in plain data hold."""
    register_secrets(secret for secret in secrets_in(value) if len(secret) >= MIN_LENGTH)


def register_options(spec: t.Mapping[str, t.Any], options: t.Mapping[str, t.Any], environment: t.Mapping[str, str]) -> None:
    """Register the secrets of a task or an inventory: its secret options, their environment variables, and what its URLs hold."""
    variables = [name for option, names in ENVIRONMENT.items() if SHARED_SPEC[option].get("no_log") for name in names]
    found = [environment.get(name) or os.environ.get(name) for name in variables]
    in_urls = {secret for secret in secrets_in(options) if len(secret) >= MIN_LENGTH}
    register_secrets(secret_values(spec, options).union(filter(None, found), in_urls))
