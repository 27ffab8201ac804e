# Copyright (c) 2026, the alicloud.ehpc contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import yaml
from ansible_collections.alicloud.ehpc.plugins.doc_fragments._shared import ModuleDocFragment as Shared
from ansible_collections.alicloud.ehpc.plugins.module_utils._arguments import ENVIRONMENT


def _with_environment() -> str:
    """The shared options, with the environment variables as ``env``, which the documentation of plugins has and that of modules does not."""
    fragment = yaml.safe_load(Shared.DOCUMENTATION)
    for name, variables in ENVIRONMENT.items():
        fragment["options"][name]["env"] = [{"name": variable} for variable in variables]
    return yaml.safe_dump(fragment)


class ModuleDocFragment:
    """The options that every module shares, for plugins."""

    # With a type, because ansible-test's yamllint regards a plain assignment here as YAML.
    DOCUMENTATION: str = _with_environment()
