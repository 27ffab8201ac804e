# Copyright (c) 2026, the alicloud.ehpc contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The module user in playbooks: the life of users, and passwords that appear nowhere."""

from __future__ import annotations

import re
import typing as t
from pathlib import Path

from ansible_collections.alicloud.ehpc.tests.emulator import Emulator
from ansible_collections.alicloud.ehpc.tests.support.playing import Play, Task, task
from ansible_collections.alicloud.ehpc.tests.support.secrets import Search

PUBLIC, HYBRID = "ehpc-hz-public01", "ehpc-hz-hybrid01"
PASSWORD = "EXAMPLE-Pass{word}+of/hpcuser06?"[:30]
REFUSED = "EXAMPLE-refused-pass-word+of/hpcuser08"
LOOK, LIST = "DescribeCluster", "ListUsers"


def users(name: str, *wanted: dict[str, t.Any], check_mode: bool = False, **options: t.Any) -> Task:
    return {**task(name, "user", cluster_id=PUBLIC, users=list(wanted), **options), "check_mode": check_mode}


def wanted(name: str, group: str = "users", password: str | None = "Example-1-password") -> dict[str, t.Any]:
    return {"name": name, "group": group, **({"password": password} if password else {})}


def test_life(both: Play, emulator: Emulator) -> None:
    new = [wanted("hpcuser06"), wanted("hpcuser07", "wheel")]
    run = both(
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


def test_passwords_appear_nowhere(tmp_path: Path, both: Play, emulator: Emulator) -> None:
    """Not in the output, results, diffs, caches or files of a run; also if the call fails or the service returns the request."""
    emulator.fault("AddUsers", code="InvalidParams", message=f"The specified parameter {PASSWORD} is invalid.")
    emulator.fault("AddUsers", kind="lost_before", times=6)
    register: Task = {"register": "kept", "ignore_errors": True}

    def hidden(name: str) -> str:
        return "{{ lookup('env', 'HIDDEN_%s') }}" % name

    secret = wanted("hpcuser06", password=hidden("PASSWORD"))
    tasks = [
        users("refused by the service", secret) | register,
        users("lost", secret) | register,
        users("created", secret) | register,
        users("set", secret, update_password="always") | register,
        users("refused here", wanted("hpcuser08", password=hidden("REFUSED"))) | register,
        users("not valid", secret | {"group": hidden("PASSWORD")}) | register,
        {"name": "kept", "ansible.builtin.copy": {"content": "{{ kept | to_nice_json }}", "dest": str(tmp_path / "kept.json"), "mode": "0600"}},
    ]
    environment = {"HIDDEN_PASSWORD": PASSWORD, "HIDDEN_REFUSED": REFUSED, "ANSIBLE_INJECT_INVOCATION": "1", "ANSIBLE_LOG_PATH": str(tmp_path / "log")}
    run = both(tasks, verbosity=5, diff=True, env=environment)

    assert [result.status for result in run.results[:4]] == ["failed", "failed", "changed", "changed"]
    assert emulator.state.clusters[PUBLIC].users["hpcuser06"].password == PASSWORD
    search = Search({"password": PASSWORD, "refused password": REFUSED})
    search.look_at("output", (run.stdout + run.stderr).encode())
    assert search.look_at_files(tmp_path) > 3
    assert search.found == []
    assert not re.search("User\\.1\\.Password", run.stdout + run.stderr)
