# Copyright (c) 2026, the alicloud.ehpc contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""post_scripts_publish in playbooks: which files are found and how they are rendered, and that their contents appear nowhere."""

from __future__ import annotations

import base64
import hashlib
import typing as t
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from ansible_collections.alicloud.ehpc.tests.emulator import Emulator
from ansible_collections.alicloud.ehpc.tests.support.playing import Play, returned_on_success, task
from ansible_collections.alicloud.ehpc.tests.support.secrets import Search

CLUSTER, BUCKET = "ehpc-hz-public01", "scripts-example"
# Not valid in any encoding, and without a newline at its end.
BINARY = b"#!/bin/sh\n# \xff\xfe\x80 EXAMPLE-content-of-the-file \n\n{{ not_rendered }}"
TEMPLATE = "#!/bin/sh\n{% if greeting %}\n  echo {{ greeting }}  # EXAMPLE-content-of-the-template\n{% endif %}\n\n"
RENDERED = b"#!/bin/sh\n  echo hello \xc3\xa4  # EXAMPLE-content-of-the-template\n\n"
INLINE = "#!/bin/sh\necho EXAMPLE-content-of-the-task\n"
HERE = b"#!/bin/sh\n# beside the playbook\n"


@pytest.fixture
def emulator() -> Iterator[Emulator]:
    with Emulator({"buckets": [{"name": BUCKET}], "clusters": [{"id": CLUSTER}]}) as running:
        yield running


@pytest.fixture
def play(tmp_path: Path, emulator: Emulator) -> Play:
    role = tmp_path / "roles" / "site"
    for name, content in {
        "files/base.sh": BINARY,
        "templates/mount.sh.j2": TEMPLATE.encode(),
        "templates/undefined.sh.j2": b"#!/bin/sh\n{{ nothing_defines_this }}\n",
        "templates/broken.sh.j2": b"#!/bin/sh\nEXAMPLE-content-that-is-broken {{ \n",
    }.items():
        (role / name).parent.mkdir(parents=True, exist_ok=True)
        (role / name).write_bytes(content)
    (tmp_path / "here").mkdir()
    (tmp_path / "here" / "site.sh").write_bytes(HERE)
    return Play(tmp_path, emulator)


def in_role(play: Play, tasks: list[dict[str, t.Any]], **options: t.Any) -> t.Any:
    """The run of a role with these tasks."""
    (play.directory / "roles" / "site" / "tasks").mkdir(exist_ok=True)
    (play.directory / "roles" / "site" / "tasks" / "main.yml").write_text(yaml.safe_dump(tasks, allow_unicode=True), encoding="utf-8")
    return play([{"name": "Role", "ansible.builtin.include_role": {"name": "site"}}], **options)


def key_of(content: bytes, name: str) -> str:
    return f"ehpc-post-scripts/{hashlib.sha256(content).hexdigest()}/{name}"


def test_the_way_from_files_to_the_cluster(play: Play, emulator: Emulator) -> None:
    scripts = [
        {"src": "base.sh", "args": ["--mode", "a b"]},
        {"template": "mount.sh.j2"},
        {"name": "inline.sh", "content": INLINE},
        {"src": "here/site.sh"},
    ]
    options = {"bucket": BUCKET, "oss_endpoint": emulator.endpoint, "scripts": scripts}

    def turn(name: str, **keywords: t.Any) -> list[dict[str, t.Any]]:
        publish = task(f"publish {name}", "post_scripts_publish", **options) | {"register": name}
        change = task(f"set {name}", "post_scripts", cluster_id=CLUSTER, scripts="{{ %s.scripts }}" % name, preflight="fail")
        return [publish | keywords, change | keywords]

    # The contents of the scripts must not appear in what Ansible prints about a process, either.
    tasks = [*turn("preview", check_mode=True), *turn("first", vars={"ehpc_in_process": False}), *turn("again")]
    run = in_role(play, tasks, diff=True, verbosity=4, extra_vars={"greeting": "hello ä"})
    reads = ["GetObject"] * 4 + ["GetPostScripts"]
    assert emulator.actions() == [*reads, *["GetObject", "PutObject", "GetObject"] * 4, "GetPostScripts", "SetPostScripts", "GetPostScripts", *reads]
    (preview, preview_set), (first, first_set), again = (
        [run[f"site : {what} {name}"] for what in ("publish", "set")] for name in ("preview", "first", "again")
    )

    contents = {"base.sh": BINARY, "mount.sh": RENDERED, "inline.sh": INLINE.encode(), "site.sh": HERE}
    keys = [key_of(content, name) for name, content in contents.items()]
    assert {key: stored.content for key, stored in emulator.state.buckets[BUCKET].objects.items()} == dict(zip(keys, contents.values()))
    assert [entry["url"] for entry in first["scripts"]] == [f"{emulator.endpoint}/{BUCKET}/{key}" for key in keys]
    assert set(first.returned()) == returned_on_success("post_scripts_publish")
    assert preview.returned() == first.returned()
    assert preview_set["diff"] == first_set["diff"], "the preview shows the final URLs"
    assert [one.changed for one in (first, first_set, *again)] == [True, True, False, False]
    assert emulator.state.clusters[CLUSTER].post_scripts[0]["args"] == "--mode 'a b'"

    search = Search({name: content.decode("latin-1") for name, content in contents.items()} | {"marked": "EXAMPLE-content-of"})
    search.look_at("output", run.everything().encode())
    assert search.found == []
    assert not any(base64.b64encode(content)[:20].decode() in run.everything() for content in contents.values())
    assert "base64:" not in run.everything()


def test_scripts_that_cannot_be_published(play: Play, emulator: Emulator) -> None:
    def attempt(name: str, *scripts: t.Any) -> dict[str, t.Any]:
        return {**task(name, "post_scripts_publish", bucket=BUCKET, oss_endpoint=emulator.endpoint, scripts=list(scripts)), "ignore_errors": True}

    (play.directory / "here" / "large.sh").write_bytes(b"#!" + b"x" * 1024 * 1024)
    run = in_role(
        play,
        [
            attempt("missing", {"src": "absent.sh"}),
            attempt("directory", {"url": "/a.sh"}, {"src": "here"}),
            attempt("undefined", {"template": "undefined.sh.j2"}),
            attempt("broken", {"template": "broken.sh.j2"}),
            attempt("large", {"src": "here/large.sh"}),
            attempt("unknown", {"content": "EXAMPLE-content-of-the-task", "bogus": 1}),
            attempt("both", {"src": "base.sh", "template": "mount.sh.j2"}),
        ],
        verbosity=3,
    )
    assert emulator.calls == []
    for name, message in {
        "missing": "scripts[0].src does not exist on the controller: absent.sh. Searched in: ",
        "directory": "scripts[1].src is a directory: ",
        "undefined": "scripts[0].template cannot be rendered: ",
        "broken": "scripts[0].template cannot be rendered: ",
        "large": "scripts[0] (large.sh) is larger than 1 MiB.",
        "unknown": "Unsupported parameters for (alicloud.ehpc.post_scripts_publish) module: scripts.bogus.",
        "both": "scripts[0] must have exactly one of src, template, content, url, not src and template.",
    }.items():
        assert run["site : " + name].failed
        assert run["site : " + name].msg.startswith(message), run["site : " + name].msg
        assert run["site : " + name].error["code"] == "InvalidOptions"
    assert "'nothing_defines_this' is undefined" in run["site : undefined"].msg
    assert "EXAMPLE-content" not in run.everything()
