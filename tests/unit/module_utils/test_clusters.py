# Copyright (c) 2026, the alicloud.ehpc contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""_clusters: the errors about clusters whose users cannot be synchronized or managed. The tests of the modules have the rest."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.alicloud.ehpc.plugins.module_utils import _clusters
from ansible_collections.alicloud.ehpc.plugins.module_utils._errors import HINTS, EhpcError

CLUSTER = {"id": "ehpc-hz-EXAMPLE", "status": "running", "location": "PublicCloud", "proxy_mode": False}
PROXY_MODE = {"location": "OnPremise", "proxy_mode": True}
WITHOUT_PROXY = (
    "Only hybrid clusters with a proxy node have on-premises users to synchronize. Manage the users of other clusters with alicloud.ehpc.user."
    " If you are sure that this cluster has a proxy node, set check_cluster to false."
)
STATUS = HINTS["InvalidClusterStatus"]


@pytest.mark.parametrize(
    ("check", "info", "words", "action", "code", "message", "hint"),
    [
        ("check_can_sync", {"status": ""}, "synchronize the users", "SyncUsers", "InvalidClusterStatus", "Its status is unknown, not running.", STATUS),
        ("check_manages_users", {"status": ""}, "manage the users", "AddUsers", "InvalidClusterStatus", "Its status is unknown, not running.", STATUS),
        ("check_manages_users", {"status": "init"}, "manage the users", "AddUsers", "InvalidClusterStatus", "Its status is init, not running.", STATUS),
        (
            "check_can_sync",
            {},
            "synchronize the users",
            "SyncUsers",
            "NotInProxyMode",
            "It is not in hybrid-cloud proxy mode (it is not a hybrid cluster).",
            WITHOUT_PROXY,
        ),
        (
            "check_can_sync",
            {"location": "OnPremise"},
            "synchronize the users",
            "SyncUsers",
            "NotInProxyMode",
            "It is not in hybrid-cloud proxy mode (it is a hybrid cluster without a proxy node).",
            WITHOUT_PROXY,
        ),
        (
            "check_manages_users",
            PROXY_MODE,
            "manage the users",
            "AddUsers",
            "InProxyMode",
            "It is in hybrid-cloud proxy mode, so its users come from the on-premises account service.",
            "Create and delete the users on-premises, then synchronize them with alicloud.ehpc.user_sync.",
        ),
    ],
)
def test_a_cluster_that_does_not_fit(check: str, info: dict[str, t.Any], words: str, action: str, code: str, message: str, hint: str) -> None:
    with pytest.raises(EhpcError) as caught:
        getattr(_clusters, check)({**CLUSTER, **info}, "cn-hangzhou")
    assert caught.value.as_failure() == {
        "msg": f"Cannot {words} of cluster ehpc-hz-EXAMPLE in cn-hangzhou: {message} {hint}",
        "error": {"action": action, "code": code, "message": message, "http_status": None, "request_id": None, "hint": hint},
    }


@pytest.mark.parametrize(("check", "info"), [("check_can_sync", PROXY_MODE), ("check_manages_users", {})])
def test_a_cluster_that_fits(check: str, info: dict[str, t.Any]) -> None:
    getattr(_clusters, check)({**CLUSTER, **info}, "cn-hangzhou")
