# Copyright (c) 2026, the alicloud.ehpc contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The checks of the product after those of the gateway: required parameters, region, permission."""

from __future__ import annotations

from typing import Any

from .errors import ApiError
from .gateway import OPERATIONS, Request
from .state import Credential, State


def perform(state: State, credential: Credential, request: Request) -> dict[str, Any]:
    operation = OPERATIONS[request.common["Version"]][request.action]
    for name in operation.required:
        if not request.params.get(name):
            raise ApiError(f"Missing{name}")
    region = request.region(state)
    # ListRegions has no parameters; the SDK core adds a RegionId all the same.
    if request.action != "ListRegions" and region not in state.regions:
        raise ApiError("InvalidRegionId")
    for denial in list(state.denied):
        if denial.matches(request.action, region, request.cluster_id, credential.access_key):
            raise ApiError(denial.code)
    return operation.function(state, credential.account, request.params)
