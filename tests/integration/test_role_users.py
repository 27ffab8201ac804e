# Copyright (c) 2026, the alicloud.ehpc contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The users of the role on all kinds of clusters: created, synchronized, unchanged."""

from __future__ import annotations

import typing as t
from pathlib import Path

from ansible.parsing.vault import VaultLib, VaultSecret
from ansible_collections.alicloud.ehpc.tests.emulator import Emulator
from ansible_collections.alicloud.ehpc.tests.support.playing import Play, Run
from ansible_collections.alicloud.ehpc.tests.support.secrets import Search

ROLE = "alicloud.ehpc.ehpc_bootstrap"
PUBLIC, PROXY, PLAIN, CREATING = "ehpc-hz-public01", "ehpc-hz-hybrid01", "ehpc-hz-hybrid02", "ehpc-hz-create01"
SECRETS = {"password in a vault": "EXAMPLE-Pass{word}+of/vault1?", "other password": "EXAMPLE-Pass{word}+of/plain2?"}
CREATE, SYNCHRONIZE, SCRIPTS = "Create the users", "Synchronize the users", "Set the post scripts"
READ = ["DescribeCluster", "GetPostScripts", "ListUsers"]


class Kinds:
    """Runs the playbook once over clusters of four kinds, which have the same variables."""

    def __init__(self, play: Play, emulator: Emulator) -> None:
        self.play = play
        # On the controller only, so that nothing of the run reaches another host.
        vault_password = play.directory / "vault-password"
        vault_password.write_text("example", encoding="utf-8")
        vaulted = VaultLib().encrypt(SECRETS["password in a vault"].encode(), secret=VaultSecret(b"example")).decode()
        lines = "".join(f"\n                {line}" for line in vaulted.splitlines())
        hosts = "".join(f"\n    {name}: {{ehpc_cluster_id: {name}, ehpc_region: cn-hangzhou}}" for name in (PUBLIC, PROXY, PLAIN, CREATING))
        self.inventory = play.directory / "kinds.yml"
        self.inventory.write_text(
            f"""
all:
  hosts:{hosts}
  vars:
    ansible_connection: local
    ehpc_bootstrap_wait_delay: 1
    ehpc_bootstrap_post_scripts: [{{url: "https://scripts.example.com/base.sh"}}]
    ehpc_bootstrap_users:
      - name: hpcuser01
        group: wheel
        password: !vault |{lines}
      - {{name: hpcuser02, group: "", password: "{{{{ lookup('env', 'HIDDEN') }}}}"}}
""",
            encoding="utf-8",
        )
        self.env = {
            "ALIBABA_CLOUD_ACCESS_KEY_ID": emulator.access_key,
            "ALIBABA_CLOUD_ACCESS_KEY_SECRET": emulator.secret_key,
            "ALIBABA_CLOUD_EHPC_ENDPOINT": emulator.endpoint,
            "ANSIBLE_VAULT_PASSWORD_FILE": str(vault_password),
            "HIDDEN": SECRETS["other password"],
        }

    def __call__(self, env: dict[str, str] | None = None, **options: t.Any) -> Run:
        variables = {"ehpc_bootstrap_hosts": "all"}
        return self.play.playbook("alicloud.ehpc.bootstrap", inventory=self.inventory, extra_vars=variables, env={**self.env, **(env or {})}, **options)


def results(run: Run) -> dict[str, dict[str, t.Any]]:
    return t.cast("dict[str, dict[str, t.Any]]", run[f"{ROLE} : Report the results"]["ansible_stats"]["data"]["ehpc_bootstrap"])


def states(run: Run) -> dict[str, str]:
    """The cell of the table about the users of each cluster."""
    lines = [line.split("  ") for line in run.stdout.splitlines() if line.startswith("ehpc-hz-") and ": ok=" not in line]
    return {cells[0]: [cell.strip() for cell in cells if cell.strip()][4] for cells in lines}


def changed(run: Run) -> dict[str, list[str]]:
    """The tasks that changed something, by cluster."""
    found: dict[str, list[str]] = {}
    for entry in run.results:
        if entry.changed:
            found.setdefault(entry.host, []).append(entry.task.removeprefix(f"{ROLE} : "))
    return found


def test_each_kind_of_cluster(play: Play, emulator: Emulator, tmp_path: Path) -> None:
    kinds = Kinds(play, emulator)
    del emulator.state.clusters[PROXY].users["hpcuser02"]

    preview = kinds(check=True, diff=True)
    assert states(preview) == {
        PUBLIC: "would change (1 added, 1 modified)",
        PROXY: "would change (1 missing)",
        PLAIN: "would change (1 added, 1 modified)",
        CREATING: "not known yet",
    }
    assert not {"AddUsers", "ModifyUserGroups", "SyncUsers", "SetPostScripts"} & set(emulator.actions())

    real = kinds(env={"ANSIBLE_INJECT_INVOCATION": "1", "ANSIBLE_LOG_PATH": str(tmp_path / "log")}, verbosity=5, diff=True)
    created, synchronized = [SCRIPTS, CREATE], [SCRIPTS, SYNCHRONIZE]
    assert changed(real) == {PUBLIC: created, PROXY: synchronized, PLAIN: created, CREATING: synchronized}
    assert states(real)[PUBLIC] == states(real)[PLAIN] == "changed (1 added, 1 modified)"
    assert {name: (cluster["users_added"], cluster["users_modified"], cluster["users_synced"]) for name, cluster in results(real).items()} == {
        PUBLIC: (["hpcuser02"], ["hpcuser01"], False),
        PROXY: (["chem01", "chem02", "hpcuser02", "hpcuser03", "physics01"], [], True),
        PLAIN: (["hpcuser02"], ["hpcuser01"], False),
        CREATING: (["hpcuser01", "hpcuser02"], [], True),
    }
    users = emulator.state.clusters[PUBLIC].users
    assert (users["hpcuser01"].group, users["hpcuser02"].group, users["hpcuser02"].password) == ("wheel", "users", SECRETS["other password"])
    assert all(set(cluster) == set(results(real)[PUBLIC]) for cluster in results(real).values())

    emulator.forget()
    again = kinds()
    assert changed(again) == {}
    assert set(states(again).values()) == {"unchanged"}
    for name in (PUBLIC, PROXY, PLAIN, CREATING):
        assert [call.action for call in emulator.calls if call.params.get("ClusterId") == name] == READ

    search = Search(SECRETS)
    search.look_at("output", (preview.everything() + real.everything() + again.everything()).encode())
    assert search.look_at_files(tmp_path) > 3
    assert search.found == []


def test_a_user_that_cannot_be_created_fails_its_cluster_alone(play: Play, emulator: Emulator) -> None:
    kinds = Kinds(play, emulator)
    emulator.deny("AddUsers", cluster_id=PLAIN)
    run = kinds(arguments=("--limit", f"{PUBLIC},{PLAIN}"), code=2)
    failed = results(run)[PLAIN]
    assert (states(run)[PLAIN], failed["error_code"], failed["users_missing"]) == ("failed (1 missing)", "NotAuthorized", ["hpcuser02"])
    assert "error" not in results(run)[PUBLIC]
