# Copyright (c) 2026, the alicloud.ehpc contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which tasks of the role ehpc_bootstrap apply to a cluster."""

from __future__ import annotations

import typing as t
from collections.abc import Mapping

from ansible_collections.alicloud.ehpc.plugins.module_utils._generations import NEXT

# The tasks of tasks/optional.yml, which most clusters do not need.
OPTIONAL = ("replace_script", "run_scripts", "create_users", "read_accounts")


def bootstrap_plan(options: Mapping[str, t.Any], cluster: Mapping[str, t.Any]) -> dict[str, bool]:
    """The tasks by name, and whether each applies; ``optional`` is whether any of ``tasks/optional.yml`` does.

    ``options`` are those that the task bootstrap_options returned, and ``cluster`` is one of cluster_info.
    """
    running = cluster["status"] == "running"
    is_next = cluster["generation"] == NEXT
    # The users of a cluster in proxy mode are synchronized; those of other clusters are created.
    sync_wanted = cluster["proxy_mode"] if options["sync_users"] == "auto" else options["sync_users"]
    creates_users = bool(options["users"]) and not (cluster["proxy_mode"] or sync_wanted)
    plan = {
        "set_scripts": options["manage_scripts"] and not is_next,
        "replace_script": options["manage_scripts"] and is_next,
        "run_scripts": bool(options["run_on_nodes"]) and running,
        "create_users": creates_users and running,
        "read_accounts": bool(options["account_host"]) and sync_wanted,
        "sync_users": sync_wanted and running,
    }
    return {**plan, "optional": any(plan[name] for name in OPTIONAL)}
