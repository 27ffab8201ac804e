# Copyright (c) 2026, the alicloud.ehpc contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The module user in playbooks: the life of users. That passwords appear nowhere is in test_secrets.py."""

from __future__ import annotations

import typing as t

from ansible_collections.alicloud.ehpc.tests.emulator import Emulator
from ansible_collections.alicloud.ehpc.tests.support.playing import Play, Task, task

PUBLIC, HYBRID = "ehpc-hz-public01", "ehpc-hz-hybrid01"
LOOK, LIST = "DescribeCluster", "ListUsers"


def users(name: str, *wanted: dict[str, t.Any], check_mode: bool = False, **options: t.Any) -> Task:
    return {**task(name, "user", cluster_id=PUBLIC, users=list(wanted), **options), "check_mode": check_mode}


def wanted(name: str, group: str = "users", password: str | None = "Example-1-password") -> dict[str, t.Any]:
    return {"name": name, "group": group, **({"password": password} if password else {})}


def test_life(play: Play, emulator: Emulator) -> None:
    new = [wanted("hpcuser06"), wanted("hpcuser07", "wheel")]
    run = play(
        [
            users("create in check mode", *new, check_mode=True),
            users("create", *new),
            users("create again", *new),
            users("group", wanted("hpcuser06", "wheel", None)),
            users("password on create", wanted("hpcuser06", "wheel", "Example-2-password")),
            users("password always", wanted("hpcuser06", "wheel", "Example-3-password"), update_password="always"),
            users("absent in check mode", wanted("hpcuser06"), state="absent", check_mode=True),
            users("absent", wanted("hpcuser06"), state="absent"),
            users("absent again", wanted("hpcuser06"), state="absent"),
            users("purge in check mode", wanted("admin01", "wheel"), purge=True, check_mode=True),
            users("purge", wanted("admin01", "wheel"), purge=True),
            users("purge again", wanted("admin01", "wheel"), purge=True),
        ],
        diff=True,
    )
    assert {result.task: result.status for result in run.results} == {
        "create in check mode": "changed",
        "create": "changed",
        "create again": "ok",
        "group": "changed",
        "password on create": "ok",
        "password always": "changed",
        "absent in check mode": "changed",
        "absent": "changed",
        "absent again": "ok",
        "purge in check mode": "changed",
        "purge": "changed",
        "purge again": "ok",
    }
    for name in ("create", "absent", "purge"):
        check, real = run[f"{name} in check mode"], run[name]
        assert (check["added"], check["removed"], check["diff"]) == (real["added"], real["removed"], real["diff"])
    assert run["create"]["added"] == ["hpcuser06", "hpcuser07"]
    assert run["group"]["modified"] == run["password always"]["password_changed"] == run["absent"]["removed"] == ["hpcuser06"]
    assert run["purge"]["removed"] == ["hpcuser01", "hpcuser07"]
    assert set(emulator.state.clusters[PUBLIC].users) == {"admin01"}
    look = [LOOK, LIST]
    assert emulator.actions() == [
        *look,
        *(*look, "AddUsers", LIST),
        *look,
        *(*look, "ModifyUserGroups", LIST),
        *look,
        *(*look, "ModifyUserPasswords", LIST),
        *look,
        *(*look, "DeleteUsers", LIST),
        *(*look, *look),
        *(*look, "DeleteUsers", LIST),
        *look,
    ]


def test_many_users(play: Play, emulator: Emulator) -> None:
    emulator.state.clusters[PUBLIC].users.clear()
    many = [wanted(f"simuser{number:03d}") for number in range(120)]
    run = play([users("create", *many), users("again", *many, check_cluster=False)])
    assert (len(run["create"]["added"]), run["again"].status) == (120, "ok")
    # The first list is empty, later ones have three pages.
    assert emulator.actions() == [LOOK, LIST, *["AddUsers"] * 6, *[LIST] * 3, *[LIST] * 3]


def test_lost_responses_and_refusals(play: Play, emulator: Emulator) -> None:
    emulator.fault("AddUsers", kind="lost_after")
    emulator.fault("DeleteUsers", kind="lost_before")
    run = play(
        [
            users("lost", wanted("hpcuser06"), wanted("hpcuser07")),
            users("lost again", wanted("hpcuser07"), state="absent"),
            task("proxy mode", "user", cluster_id=HYBRID, users=[wanted("hpcuser06")]) | {"ignore_errors": True},
            users("no password", wanted("hpcuser09", password=None)) | {"ignore_errors": True},
        ]
    )
    assert (run["lost"]["added"], run["lost again"]["removed"]) == (["hpcuser06", "hpcuser07"], ["hpcuser07"])
    assert emulator.actions().count("AddUsers") == 1
    assert run["proxy mode"].error["code"] == "InProxyMode"
    assert "no password: hpcuser09" in run["no password"].msg
