# Copyright (c) 2026, the alicloud.ehpc contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from ansible_collections.alicloud.ehpc.plugins.modules import local_nodes
from ansible_collections.alicloud.ehpc.plugins.plugin_utils._in_process import EhpcAction


class ActionModule(EhpcAction):
    """Run local_nodes without a process of its own."""

    MODULE = local_nodes.MODULE
