# Copyright (c) 2026, the alicloud.ehpc contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The attributes in the documentation of a module describe what the module does."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import typing as t

import pytest
from ansible_collections.alicloud.ehpc.tests.support.documents import COLLECTION, COLLECTIONS, MODULES, ROOT, load, module
from ansible_collections.alicloud.ehpc.tests.support.scripted import Service
from ansible_collections.alicloud.ehpc.tests.support.uses import uses

# Options with which each run changes something.
REPEATING = {"force", "update_password"}
Attributes = dict[str, dict[str, t.Any]]


@pytest.fixture(scope="module")
def documented() -> dict[str, Attributes]:
    """The attributes of each module as ansible-doc shows them, which is with those of its fragments."""
    command = [sys.executable, "-m", "ansible.cli.doc", "--json", "--type", "module", *(f"{COLLECTION}.{name}" for name in MODULES)]
    environment = {**os.environ, "ANSIBLE_COLLECTIONS_PATH": str(COLLECTIONS)}
    pages = json.loads(subprocess.run(command, capture_output=True, env=environment, check=True).stdout)
    return {name: pages[f"{COLLECTION}.{name}"]["doc"]["attributes"] for name in MODULES}


@pytest.mark.parametrize("name", MODULES)
def test_modes(service: Service, documented: dict[str, Attributes], name: str) -> None:
    use, attributes = uses()[name], documented[name]
    service.expects(*use.check)
    check = service.run(module(name), True, **use.options)
    service.expects(*use.first)
    first = service.run(module(name), **use.options)
    service.expects(*use.again)
    again = service.run(module(name), **use.options)

    assert attributes["check_mode"]["support"] == "full"
    assert check["changed"] == first["changed"]
    diff_mode = "full" if "diff" in first else "N/A" if name.endswith("_info") else "none"
    assert attributes["diff_mode"]["support"] == diff_mode
    if diff_mode == "full":
        assert [result["diff"]["before"] != result["diff"]["after"] for result in (check, first, again)] == [True, True, False]
        subject = use.options.get("cluster_id") or use.options["bucket"]
        assert all(f"{subject} in cn-hangzhou" in first["diff"][header] for header in ("before_header", "after_header"))
    assert again["changed"] is False
    # A module with options that make it change something each time says which.
    assert attributes["idempotent"]["support"] == ("partial" if REPEATING & set(module(name).ARGUMENT_SPEC) else "full")
    assert "details" in attributes["idempotent"] or attributes["idempotent"]["support"] == "full"


@pytest.mark.parametrize("name", MODULES)
def test_other_attributes(documented: dict[str, Attributes], name: str) -> None:
    attributes = documented[name]
    assert set(attributes) == {"action_group", "async", "check_mode", "diff_mode", "idempotent", "platform"}
    assert {attributes[name]["support"] for name in ("action_group", "async", "platform")} == {"full"}
    assert all(attribute["description"] for attribute in attributes.values())
    groups = load((ROOT / "meta/runtime.yml").read_text(encoding="utf-8"))[0]["action_groups"]
    assert attributes["action_group"]["membership"] == [f"{COLLECTION}.{group}" for group, members in groups.items() if name in members]
