# Copyright (c) 2026, the alicloud.ehpc contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which tasks of the role apply to a cluster."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.alicloud.ehpc.plugins.plugin_utils._bootstrap_plan import OPTIONAL, bootstrap_plan
from ansible_collections.alicloud.ehpc.tests.support.documents import ROOT, load

NOTHING = {"manage_scripts": False, "run_on_nodes": [], "users": [], "account_host": "", "sync_users": "auto"}
ALL = {"manage_scripts": True, "run_on_nodes": ["compute"], "users": ["hpcuser01"], "account_host": "accounts.example.com", "sync_users": "auto"}
PUBLIC = {"generation": "1.0", "status": "running", "proxy_mode": False}
PROXY = {**PUBLIC, "proxy_mode": True}
NEXT = {**PUBLIC, "generation": "next"}
CREATING = {"status": "creating"}


def applying(options: dict[str, t.Any], cluster: dict[str, t.Any]) -> list[str]:
    return [task for task, applies in bootstrap_plan(options, cluster).items() if applies]


@pytest.mark.parametrize(
    ("options", "cluster", "expected"),
    [
        (NOTHING, PUBLIC, []),
        (NOTHING, PROXY, ["sync_users"]),
        (NOTHING, NEXT, []),
        ({**NOTHING, "sync_users": False}, PROXY, []),
        ({**NOTHING, "sync_users": True}, PUBLIC, ["sync_users"]),
        ({**NOTHING, "manage_scripts": True}, PUBLIC, ["set_scripts"]),
        ({**NOTHING, "manage_scripts": True}, NEXT, ["replace_script", "optional"]),
        ({**NOTHING, "run_on_nodes": ["compute"]}, PUBLIC, ["run_scripts", "optional"]),
        ({**NOTHING, "users": ["hpcuser01"]}, PUBLIC, ["create_users", "optional"]),
        ({**NOTHING, "account_host": "accounts.example.com"}, PROXY, ["read_accounts", "sync_users", "optional"]),
        (ALL, PUBLIC, ["set_scripts", "run_scripts", "create_users", "optional"]),
        (ALL, PROXY, ["set_scripts", "run_scripts", "read_accounts", "sync_users", "optional"]),
        (ALL, NEXT, ["replace_script", "run_scripts", "create_users", "optional"]),
        # Users that are to be synchronized are not created, and those of a cluster in proxy mode never are.
        ({**ALL, "sync_users": True}, PUBLIC, ["set_scripts", "run_scripts", "read_accounts", "sync_users", "optional"]),
        ({**ALL, "sync_users": False}, PROXY, ["set_scripts", "run_scripts", "optional"]),
        # In check mode the role does not wait.
        (ALL, {**PUBLIC, **CREATING}, ["set_scripts"]),
        (ALL, {**PROXY, **CREATING}, ["set_scripts", "read_accounts", "optional"]),
    ],
)
def test_tasks_that_apply(options: dict[str, t.Any], cluster: dict[str, t.Any], expected: list[str]) -> None:
    assert applying(options, cluster) == expected


def test_the_role_uses_each_part_of_the_plan() -> None:
    tasks = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "roles/ehpc_bootstrap/tasks").glob("*.yml"))
    assert [name for name in bootstrap_plan(ALL, PUBLIC) if f"when: __ehpc_bootstrap_plan.{name}\n" not in tasks] == []


def test_each_task_of_the_optional_file_makes_it_apply() -> None:
    (tasks,) = load((ROOT / "roles/ehpc_bootstrap/tasks/optional.yml").read_text(encoding="utf-8"))
    assert [f"__ehpc_bootstrap_plan.{name}" for name in OPTIONAL] == [task["when"] for task in tasks]
