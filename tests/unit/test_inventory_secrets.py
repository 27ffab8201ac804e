# Copyright (c) 2026, the alicloud.ehpc contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The inventory plugin registers its secrets with ansible-core, which masks them in all later output since 2.22."""

from __future__ import annotations

import pytest
from ansible_collections.alicloud.ehpc.plugins.inventory.ehpc import InventoryModule
from ansible_collections.alicloud.ehpc.plugins.plugin_utils import _secrets


def test_the_secrets_of_the_file_and_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    registered: list[str] = []
    monkeypatch.setattr(_secrets, "register_secrets", registered.extend)
    monkeypatch.setenv("ALIBABA_CLOUD_SECURITY_TOKEN", "EXAMPLE-token")
    config = {"plugin": "alicloud.ehpc.ehpc", "access_key": "EXAMPLEkey", "secret_access_key": "alias", "region": "cn-hangzhou"}
    plugin = InventoryModule()
    # Ansible evaluates the options, and knows their aliases.
    monkeypatch.setattr(plugin, "_templated", {**config, "secret_key": "EXAMPLE-secret"}.get)
    assert plugin._shared_options(config)["secret_key"] == "EXAMPLE-secret"
    assert sorted(registered) == ["EXAMPLE-secret", "EXAMPLE-token"]
