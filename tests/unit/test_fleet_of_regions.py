# Copyright (c) 2026, the alicloud.ehpc contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Clusters of many regions."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.alicloud.ehpc.plugins.module_utils import _clusters
from ansible_collections.alicloud.ehpc.plugins.plugin_utils._fleet import Fleet
from ansible_collections.alicloud.ehpc.tests.support.scripted import SHARED_OPTIONS, Call, Service


def test_a_cluster_that_is_listed_in_two_regions_occurs_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_clusters, "list_all", lambda client, executor, generations: [{"id": "a", "region_id": client.region}, {"id": client.region}])
    clusters, failures = Fleet(SHARED_OPTIONS).clusters(["cn-shanghai", "cn-hangzhou", "cn-shanghai"], ["1.0"])
    assert clusters == [{"id": "a", "region_id": "cn-shanghai"}, {"id": "cn-shanghai"}, {"id": "cn-hangzhou"}]
    assert failures == {}


def test_regions_without_an_id_are_ignored(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    client = service.client()
    monkeypatch.setattr("ansible_collections.alicloud.ehpc.plugins.plugin_utils._fleet.client_for", lambda _params, _region: client)
    answer: dict[str, t.Any] = {"Regions": {"RegionInfo": [{"RegionId": "cn-shanghai"}, {"LocalName": "a"}, {"RegionId": "cn-hangzhou"}]}}
    service.expects(Call("ListRegions", answer=answer))
    assert Fleet(SHARED_OPTIONS).regions("cn-hangzhou") == ["cn-shanghai", "cn-hangzhou"]
