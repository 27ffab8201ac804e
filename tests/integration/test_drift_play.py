# Copyright (c) 2026, the alicloud.ehpc contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The playbook drift over a fleet: numbers, exit status, report, and the absence of writes."""

from __future__ import annotations

import hashlib
import json
import os
import re
import typing as t
from itertools import zip_longest
from pathlib import Path
from xml.etree.ElementTree import Element

from ansible_collections.alicloud.ehpc.plugins.plugin_utils._drift_report import printable
from ansible_collections.alicloud.ehpc.tests.emulator import Emulator
from ansible_collections.alicloud.ehpc.tests.support.pages import Page
from ansible_collections.alicloud.ehpc.tests.support.playing import Play, Run
from ansible_collections.alicloud.ehpc.tests.support.programs import program
from ansible_collections.alicloud.ehpc.tests.support.words import SIGNED

PLAYBOOK = "alicloud.ehpc.drift"
REGIONS = ["cn-hangzhou", "cn-shanghai", "ap-southeast-1"]
SCRIPTS = [{"url": "https://scripts.example.com/base.sh", "args": "--mode base"}, {"url": SIGNED, "args": ""}]
USERS = ["hpcuser01", "hpcuser02"]
BUCKET, SHELL = "hpc-scripts-example", "#!/bin/sh\necho ok\n"
CLUSTER = {"location": "OnPremise", "proxy_mode": True, "post_scripts": SCRIPTS, "users": USERS}
DESIRED = {"ehpc_bootstrap_post_scripts": SCRIPTS, "ehpc_bootstrap_expected_users": USERS}
HOSTILE = "<script>alert('x')</script>\x1b[31m{{ 7 * 7 }}\"&amp;"
COMPARE = "Compare the clusters and report the result"
SECRETS = ("EXAMPLEsig", "EXAMPLEold", "EXAMPLEid")


def fleet(count: int) -> dict[str, t.Any]:
    return {"generate": {"clusters": count, "regions": REGIONS, "cluster": CLUSTER}}


def drift(play: Play, emulator: Emulator, code: int, variables: dict[str, t.Any], inventory: Path | None = None, path: str = "", **options: t.Any) -> Run:
    """Run the playbook over the clusters, as the inventory plugin lists them."""
    source = play.directory / "fleet.ehpc.yml"
    source.write_text("plugin: alicloud.ehpc.ehpc\n", encoding="utf-8")
    env = {
        "ALIBABA_CLOUD_ACCESS_KEY_ID": emulator.access_key,
        "ALIBABA_CLOUD_ACCESS_KEY_SECRET": emulator.secret_key,
        "ALIBABA_CLOUD_EHPC_ENDPOINT": emulator.endpoint,
        "ALIBABA_CLOUD_OSS_ENDPOINT": emulator.endpoint,
        "PATH": os.pathsep.join(filter(None, [path, os.environ["PATH"]])),
    }
    return play.playbook(PLAYBOOK, inventory=inventory or source, extra_vars=variables, env=env, code=code, **options)


def stats(run: Run) -> dict[str, t.Any]:
    return t.cast("dict[str, t.Any]", run[COMPARE]["ansible_stats"]["data"]["ehpc_drift"])


def table(run: Run) -> list[str]:
    lines = run.stdout.splitlines()
    (header,) = [number for number, line in enumerate(lines) if line.startswith("CLUSTER ")]
    return lines[header + 1 : lines.index("", header)]


def details(page: Page) -> dict[str, dict[str, list[list[str]]]]:
    """The cells of the tables of each cluster, without headers."""
    found = {}
    for section in page.all("section", "cluster"):
        tables = {
            table.get("class", ""): [[*map("".join, map(Element.itertext, row))] for row in table.iter("tr")][1:] for table in page.all("table", "", section)
        }
        found[page.texts("h3", inside=section)[0].split()[0]] = tables
    return found


def rows_of_scripts(stored: list[dict[str, str]]) -> list[list[str]]:
    """What the page should show of the scripts of a cluster, given those that the emulator has."""
    rows = []
    for position, (desired, current) in enumerate(zip_longest(SCRIPTS, stored), 1):
        difference = "not desired" if desired is None else "missing" if current is None else "same" if desired == current else "different signature"
        rows.append([str(position), shown(desired), shown(current), difference])
    return rows


def shown(script: dict[str, str] | None) -> str:
    """The URL with its secrets masked, and the arguments."""
    if script is None:
        return "none"
    return printable(re.sub(r"(OSSAccessKeyId|Signature)=[^&]*", r"\1=***", script["url"]) + script["args"])


def rows_of_users(cluster: t.Any) -> list[list[str]]:
    """What the page should show of the users of a cluster, given those that the emulator has."""
    missing = [[name, "yes", "no", "missing"] for name in USERS if name not in cluster.users]
    same = [[name, "yes", "yes", "same"] for name in USERS if name in cluster.users]
    return [*missing, *same]


def test_three_of_a_hundred_have_drifted_and_two_are_broken(play: Play) -> None:
    with Emulator(fleet(100)) as emulator:
        clusters = emulator.state.clusters
        changed, appended, fewer, unmanaged, denied = (f"ehpc-hz-fleet{number:05d}" for number in (7, 50, 99, 23, 100))
        clusters[changed].post_scripts[1]["url"] = SIGNED.replace("EXAMPLEsig", "EXAMPLEold")
        clusters[appended].post_scripts.append({"url": "https://scripts.example.com/" + "é" * 50, "args": HOSTILE + "y" * 10000})
        clusters[appended].name = HOSTILE
        del clusters[fewer].users["hpcuser02"]
        clusters[unmanaged].manager = "down"
        emulator.deny("GetPostScripts", cluster_id=denied)
        before = {name: (json.dumps(cluster.post_scripts), sorted(cluster.users)) for name, cluster in clusters.items()}

        run = drift(play, emulator, 2, {**DESIRED, "ehpc_drift_report": "drift.html"}, verbosity=3)
        summary = {"total": 100, "in_sync": 95, "drifted": 3, "failed": 2, "not_compared": 0}
        assert stats(run) == {"summary": summary, "drifted": [changed, appended, fewer], "failed": [denied, unmanaged]}
        assert "\n100 clusters: 95 in sync, 3 drifted, 2 failed\n" in run.stdout
        assert (
            run["Fail if a cluster could not be read"].msg == f"These clusters could not be read: {denied}, {unmanaged}. The table above contains the reasons."
        )
        assert [line.split()[0] for line in table(run)[95:]] == [changed, appended, fewer, denied, unmanaged]
        assert {call.action for call in emulator.calls} == {"ListRegions", "ListClusters", "DescribeCluster", "GetPostScripts", "ListUsers"}
        assert {name: (json.dumps(cluster.post_scripts), sorted(cluster.users)) for name, cluster in clusters.items()} == before
        assert len(emulator.calls) < 330

        report = json.loads((play.directory / "drift.json").read_text(encoding="utf-8"))
        text = (play.directory / "drift.html").read_text(encoding="utf-8")
        assert set(report) == {"clusters", "summary"}
        assert report["summary"] == summary
        everything = run.everything() + text + json.dumps(report)
        assert [secret for secret in (*SECRETS, emulator.secret_key) if secret in everything] == []

        page = Page(text)
        assert page.errors == []
        assert page.all("script") == []
        assert page.text("p", "lead") == "100 clusters: 95 in sync, 3 drifted, 2 failed"
        assert emulator.access_key in page.texts("dd")
        header, *rows = page.tables()[0]
        shown = {row[0]: dict(zip(header, row)) for row in rows}
        assert {name: (row["Name"], row["Region"], row["Status"]) for name, row in shown.items()} == {
            name: (printable(cluster.name), cluster.region, cluster.status) for name, cluster in clusters.items()
        }
        assert shown[unmanaged]["Problem"].startswith("ManagerNotFound: ")
        assert (shown[denied]["Scripts"], shown[denied]["Users"]) == ("failed", "in sync")
        found = details(page)
        assert found.pop(unmanaged) == {"scripts": rows_of_scripts(SCRIPTS), "users": [[name, "yes", "unknown", "unknown"] for name in USERS]}
        unknown = [[*row[:2], "unknown", "unknown"] for row in rows_of_scripts(SCRIPTS)]
        assert found.pop(denied) == {"scripts": unknown, "users": rows_of_users(clusters[denied])}
        assert found == {
            name: {"scripts": rows_of_scripts(cluster.post_scripts), "users": rows_of_users(cluster)} for name, cluster in clusters.items() if name in found
        }
        assert len(found) == 98

        clusters[unmanaged].manager = "up"
        emulator.state.denied.clear()
        again = {**DESIRED, "ehpc_drift_report": "", "ehpc_drift_fail": ""}
        assert stats(drift(play, emulator, 0, {**again, "ehpc_in_process": False}, check=True))["summary"]["drifted"] == 3, "as a process, too"
        run = drift(play, emulator, 2, {**again, "ehpc_drift_fail": "true"})
        assert (
            run["Fail if a cluster has drifted"].msg
            == f"These clusters have drifted: {changed}, {appended}, {fewer}. The playbook bootstrap restores their desired state."
        )


def test_desired_state_from_the_variables_of_hosts(play: Play) -> None:
    accounts = "hpcuser01:x:%d:100::/:/bin/sh\\nhpcuser09:x:1009:100::/:/bin/sh\\n"
    program(play.directory / "getent", f"printf '{accounts % 1001}system:x:100:100::/:/bin/sh\\n'")
    hosts: dict[str, dict[str, t.Any]] = {
        "lines": {
            "ehpc_bootstrap_post_scripts": "https://scripts.example.com/base.sh --mode {{ mode }}\n",
            "mode": "base",
            "ehpc_bootstrap_post_scripts_purge": "false",
        },
        "unmanaged": {"ehpc_bootstrap_sync_users": "false", "ehpc_bootstrap_expected_users": "hpcuser07"},
        "accounts": {"ehpc_bootstrap_account_host": "login01"},
        "no_accounts": {"ehpc_bootstrap_account_host": "login02"},
        "undefined": {"ehpc_bootstrap_post_scripts": "{{ missing_variable }}"},
        "mistakes": {"ehpc_bootstrap_wait_delay": "x", "ehpc_bootstrap_typo": 1},
        "none": {"ehpc_bootstrap_post_scripts": "[]"},
        "published": {"ehpc_bootstrap_post_scripts": [{"content": SHELL, "name": "a.sh", "args": "-x"}], "ehpc_bootstrap_scripts_bucket": BUCKET},
        "template": {"ehpc_bootstrap_post_scripts": [{"template": "{{ inventory_dir }}/a.sh.j2"}], "ehpc_bootstrap_scripts_bucket": BUCKET, "word": "ok"},
        "no_bucket": {"ehpc_bootstrap_post_scripts": [{"content": SHELL, "name": "a.sh"}]},
        "no_file": {"ehpc_bootstrap_post_scripts": [{"src": "/missing.sh"}], "ehpc_bootstrap_scripts_bucket": BUCKET},
    }
    local = {"ansible_connection": "local", "ansible_python_interpreter": "{{ ansible_playbook_python }}"}
    members = {name: {**local, "ehpc_cluster_id": f"ehpc-{name}", "ehpc_region": "cn-hangzhou", **variables} for name, variables in hosts.items()}
    others = {"login01": local, "login02": {"ansible_connection": "ssh", "ansible_host": "127.0.0.1", "ansible_port": 1}}
    inventory = play.directory / "hosts.json"
    inventory.write_text(json.dumps({"all": {"hosts": others, "children": {"ehpc_clusters": {"hosts": members}}}}), encoding="utf-8")
    (play.directory / "a.sh.j2").write_text("#!/bin/sh\necho {{ word }}\n", encoding="utf-8")
    # On the node of this cluster, the account has another user ID.
    machine = play.directory / "machine"
    program(machine / "getent", f"printf '{accounts % 5001}'")
    nodes = {"accounts": {"compute": 1}}
    described = [{"id": f"ehpc-{name}", **CLUSTER, "nodes": nodes.get(name, {})} for name in hosts]
    with Emulator({"buckets": [{"name": BUCKET}], "clusters": described}) as emulator:
        emulator.state.machines.environment["PATH"] = f"{machine}:{os.environ['PATH']}"
        objects = f"{emulator.endpoint}/{BUCKET}/ehpc-post-scripts"
        rendered = f"{objects}/{hashlib.sha256(SHELL.encode()).hexdigest()}/a.sh"
        emulator.state.clusters["ehpc-template"].post_scripts = [{"url": rendered, "args": ""}]
        variables = {"ehpc_bootstrap_preflight": None, "ehpc_drift_fail": True, "ehpc_drift_nodes": True, "ehpc_drift_report": "drift.html"}
        run = drift(play, emulator, 2, variables, inventory, path=str(play.directory))
        clusters = {
            cluster["cluster_id"].removeprefix("ehpc-"): cluster for cluster in json.loads((play.directory / "drift.json").read_text("utf-8"))["clusters"]
        }
        assert {"GetObject"} == {call.action for call in emulator.calls if call.action.endswith("Object")}
    assert {name: cluster["state"] for name, cluster in clusters.items()} == {
        "lines": "in_sync",
        "unmanaged": "not_compared",
        "accounts": "drifted",
        "no_accounts": "failed",
        "undefined": "failed",
        "mistakes": "failed",
        "none": "drifted",
        "published": "drifted",
        "template": "in_sync",
        "no_bucket": "failed",
        "no_file": "failed",
    }
    assert clusters["published"]["scripts"]["desired"] == [{"url": rendered, "args": "-x"}]
    assert clusters["no_bucket"]["error"]["message"].startswith("ehpc_bootstrap_scripts_bucket is empty.")
    assert "/missing.sh" in clusters["no_file"]["error"]["message"]
    assert clusters["accounts"]["users"]["missing"] == ["hpcuser09"]
    assert clusters["accounts"]["users"]["wrong_uids"] == [{"name": "hpcuser01", "uid": 5001, "expected": 1001, "node": "compute000"}]
    assert clusters["none"]["scripts"]["desired"] == []
    assert clusters["no_accounts"]["error"]["message"].startswith("The accounts of the account host login02 could not be read")
    assert "ehpc_bootstrap_post_scripts cannot be evaluated: " in clusters["undefined"]["error"]["message"]
    assert "missing_variable" in clusters["undefined"]["error"]["message"]
    assert "ehpc_bootstrap_typo is not a variable of the role." in clusters["mistakes"]["error"]["message"]
    assert "ehpc_bootstrap_wait_delay must be a whole number" in clusters["mistakes"]["error"]["message"]
    assert run["Fail if a cluster could not be read"].failed


def test_no_cluster(play: Play) -> None:
    """An inventory that cannot be read is only a warning of Ansible's, and a scheduled run must not be green then."""
    with Emulator(fleet(1)) as emulator:
        emulator.deny("ListClusters")
        run = drift(play, emulator, 2, {**DESIRED, "ehpc_drift_hosts": ["ehpc_clusters", "!others"]})
    assert run["Fail if there is no cluster"].msg.startswith("No host of the inventory matches ehpc_clusters,!others, so there is nothing to compare. ")
    assert not run.all(COMPARE)
