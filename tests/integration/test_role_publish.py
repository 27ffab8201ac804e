# Copyright (c) 2026, the alicloud.ehpc contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Scripts that the role publishes from the controller: once for all clusters if nothing in them depends on the cluster."""

from __future__ import annotations

import hashlib
import typing as t
from collections.abc import Iterator

import pytest
import yaml
from ansible_collections.alicloud.ehpc.tests.emulator import Emulator
from ansible_collections.alicloud.ehpc.tests.support.playing import Play, Run

ROLE = "alicloud.ehpc.ehpc_bootstrap"
BUCKET = "hpc-scripts-example"
CLUSTERS = ["ehpc-hz-one", "ehpc-hz-two", "ehpc-hz-three"]
SRC, CONTENT = "#!/bin/sh\necho src\n", "#!/bin/sh\necho content\n"


@pytest.fixture
def emulator() -> Iterator[Emulator]:
    with Emulator({"buckets": [{"name": BUCKET}], "clusters": [{"id": name} for name in CLUSTERS]}) as running:
        yield running


class Clusters:
    """Runs the playbook over the clusters, with variables of the role that all of them have and that one of them has."""

    def __init__(self, play: Play, emulator: Emulator) -> None:
        self.play, self.emulator = play, emulator
        self.files = play.directory / "scripts"
        self.files.mkdir()

    def __call__(self, of_all: dict[str, t.Any], of_one: dict[str, dict[str, t.Any]] | None = None, **options: t.Any) -> Run:
        hosts = {name: {"ehpc_cluster_id": name, "ehpc_region": "cn-hangzhou", **_named((of_one or {}).get(name, {}))} for name in CLUSTERS}
        variables = {"ansible_connection": "local", **_named({"scripts_bucket": BUCKET, "wait_timeout": 0, **of_all})}
        inventory = self.play.directory / "clusters.yml"
        inventory.write_text(yaml.safe_dump({"all": {"hosts": hosts, "vars": variables}}, sort_keys=False), encoding="utf-8")
        env = {
            "ALIBABA_CLOUD_ACCESS_KEY_ID": self.emulator.access_key,
            "ALIBABA_CLOUD_ACCESS_KEY_SECRET": self.emulator.secret_key,
            "ALIBABA_CLOUD_EHPC_ENDPOINT": self.emulator.endpoint,
            "ALIBABA_CLOUD_OSS_ENDPOINT": self.emulator.endpoint,
        }
        self.emulator.forget()
        # A blank preflight is the role's own default, in place of the one that the tests use.
        given = {"ehpc_bootstrap_hosts": "all", "ehpc_bootstrap_preflight": ""}
        return self.play.playbook("alicloud.ehpc.bootstrap", inventory=inventory, extra_vars=given, env=env, **options)

    def urls(self) -> dict[str, list[str]]:
        """The URLs that each cluster has."""
        return {name: [script["url"] for script in self.emulator.state.clusters[name].post_scripts] for name in CLUSTERS}

    def url(self, name: str, content: str) -> str:
        return f"{self.emulator.endpoint}/{BUCKET}/ehpc-post-scripts/{hashlib.sha256(content.encode()).hexdigest()}/{name}"

    def calls(self) -> dict[str, int]:
        """How often each operation of OSS was called."""
        actions = self.emulator.actions()
        return {name: actions.count(name) for name in ("GetObject", "PutObject") if name in actions}


@pytest.fixture
def clusters(play: Play, emulator: Emulator) -> Clusters:
    return Clusters(play, emulator)


def _named(variables: dict[str, t.Any]) -> dict[str, t.Any]:
    return {f"ehpc_bootstrap_{name}": value for name, value in variables.items()}


def results(run: Run) -> dict[str, dict[str, t.Any]]:
    return t.cast("dict[str, dict[str, t.Any]]", run[f"{ROLE} : Report the results"]["ansible_stats"]["data"]["ehpc_bootstrap"])


def test_one_upload_for_all_clusters(clusters: Clusters) -> None:
    (clusters.files / "base.sh").write_text(SRC, encoding="utf-8")
    scripts = [{"src": str(clusters.files / "base.sh"), "args": ["--mode", "a b"]}, {"content": CONTENT, "name": "inline.sh"}, {"url": "/opt/site.sh"}]
    urls = [clusters.url("base.sh", SRC), clusters.url("inline.sh", CONTENT), "/opt/site.sh"]

    preview = clusters({"post_scripts": scripts}, check=True, diff=True)
    assert clusters.calls() == {"GetObject": 2}
    assert [f'+            "url": "{url}"' in preview.stdout for url in urls] == [True, True, True]
    assert {name: (found["post_scripts_state"], found["warnings"]) for name, found in results(preview).items()} == dict.fromkeys(CLUSTERS, ("would change", []))

    real = clusters({"post_scripts": scripts})
    assert (clusters.calls(), clusters.urls()) == ({"GetObject": 4, "PutObject": 2}, dict.fromkeys(CLUSTERS, urls))
    assert {name: [one["name"] for one in found["published"]] for name, found in results(real).items()} == dict.fromkeys(CLUSTERS, ["base.sh", "inline.sh"])

    again = clusters({"post_scripts": scripts})
    assert [entry.task for entry in again.results if entry.changed] == []
    assert clusters.calls() == {"GetObject": 2}
    assert len([entry for entry in again.results if entry.host == CLUSTERS[1]]) == 6, "publishing costs no task of the other clusters"

    clusters({"post_scripts": scripts, "scripts_bundle": "true"})
    assert clusters.calls() == {"GetObject": 2, "PutObject": 1}
    assert {tuple(url.rpartition("/")[2] for url in urls) for urls in clusters.urls().values()} == {("bootstrap.sh",)}


def test_clusters_that_differ_publish_for_themselves(clusters: Clusters) -> None:
    """Also if one of them publishes nothing, and one of them cannot."""
    one, two, three = CLUSTERS
    (clusters.files / "mount.sh.j2").write_text("#!/bin/sh\nmount {{ ehpc_cluster_id }} {{ site }}\n", encoding="utf-8")
    template = {"post_scripts": [{"template": str(clusters.files / "mount.sh.j2")}]}
    options = {"arguments": ("--extra-vars", "site=here")}
    run = clusters(template, {three: {"post_scripts": [{"url": "/opt/site.sh"}]}}, **options)
    rendered = {name: [clusters.url("mount.sh", f"#!/bin/sh\nmount {name} here\n")] for name in (one, two)}
    assert clusters.urls() == {**rendered, three: ["/opt/site.sh"]}
    assert {name: len(found.get("published", [])) for name, found in results(run).items()} == {one: 1, two: 1, three: 0}

    broken = {one: {"post_scripts": [{"src": "absent.sh"}]}}
    run = clusters(template, broken, code=2, **options)
    assert {name for name, found in results(run).items() if "error" in found} == {one}
    assert "absent.sh" in results(run)[one]["error"]
    assert clusters.urls()[three] == [clusters.url("mount.sh", f"#!/bin/sh\nmount {three} here\n")]


def test_where_the_upload_fails_each_cluster_has_the_reason(clusters: Clusters, emulator: Emulator) -> None:
    emulator.fault("GetObject", code="AccessDenied", times=None)
    run = clusters({"post_scripts": [{"content": CONTENT, "name": "inline.sh"}]}, code=2)
    assert {name: found["error_code"] for name, found in results(run).items()} == dict.fromkeys(CLUSTERS, "AccessDenied")
    assert clusters.urls() == dict.fromkeys(CLUSTERS, [])
    assert all("AccessDenied" in failure.msg for failure in run.all(f"{ROLE} : Set the post scripts"))
    alone = clusters({"post_scripts": [{"content": CONTENT, "name": "inline.sh"}]}, arguments=("--limit", CLUSTERS[0]), code=2)
    (failure,) = [entry for entry in alone.results if entry.failed]
    assert (failure.task, results(alone)[CLUSTERS[0]]["error"]) == (f"{ROLE} : Publish the scripts", failure.msg)
    assert len([line for line in run.stdout.splitlines() if line.startswith("ehpc-hz-") and "AccessDenied" in line]) == 3
