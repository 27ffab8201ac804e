# Copyright (c) 2026, the alicloud.ehpc contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The messages about options that cannot work, word by word: the fact and the remedy. No call is made."""

from __future__ import annotations

import typing as t
from pathlib import Path

import pytest
from ansible_collections.alicloud.ehpc.plugins.modules import post_scripts, post_scripts_run, user_sync
from ansible_collections.alicloud.ehpc.tests.support.scripted import Service
from ansible_collections.alicloud.ehpc.tests.support.words import BASE, CLUSTER, MONITOR, MOUNT, SIGNED, SIGNED_SHOWN, script

TOO_MANY = [script(f"/{number}.sh") for number in range(17)]
REFUSED: dict[str, tuple[t.Any, dict[str, t.Any], str, str | None]] = {
    "no region": (
        post_scripts,
        {"region": ""},
        "No region is given.",
        "Set region or ALIBABA_CLOUD_REGION_ID, or a region in the profile.",
    ),
    "region": (post_scripts, {"region": "cn hangzhou"}, "region: 'cn hangzhou' is not a valid region ID.", "Set it to an ID such as cn-hangzhou."),
    "no secret key": (
        post_scripts,
        {"secret_key": ""},
        "access_key is set, but secret_key is not.",
        "Set secret_key or ALIBABA_CLOUD_ACCESS_KEY_SECRET, or neither of the two.",
    ),
    "no access key": (
        post_scripts,
        {"access_key": ""},
        "secret_key is set, but access_key is not.",
        "Set access_key or ALIBABA_CLOUD_ACCESS_KEY_ID, or neither of the two.",
    ),
    "no file of profiles": (
        post_scripts,
        {"access_key": "", "secret_key": "", "profile": "main"},
        "The profile cannot be read: HOME/.aliyun/config.json does not exist.",
        "Create it with the Alibaba Cloud CLI, or set shared_credentials_file.",
    ),
    "endpoint": (
        post_scripts,
        {"endpoint": "ftp://ehpc.example.com"},
        "endpoint: must be host[:port], or a URL with https (http for loopback only).",
        "Set it to a value such as ehpc.cn-hangzhou.aliyuncs.com.",
    ),
    "plain http": (
        post_scripts,
        {"endpoint": "http://ehpc.example.com"},
        "endpoint: http://ehpc.example.com would send signatures over plain http, which is accepted for loopback addresses only.",
        "Use https://.",
    ),
    "no certificates": (
        post_scripts,
        {"ca_path": "/absent/ca.pem"},
        "ca_path: /absent/ca.pem does not exist.",
        "Set it to a bundle of certificates in PEM format, or omit it.",
    ),
    "no time": (post_scripts, {"read_timeout": 0}, "read_timeout must be more than 0 and at most 86400 seconds, not 0.0.", None),
    "fewer than no retries": (post_scripts, {"api_retries": -1}, "api_retries must not be negative, it is -1.", None),
    "no cluster": (post_scripts, {"cluster_id": " "}, "cluster_id is empty.", "Set it to the ID of an E-HPC cluster, such as ehpc-hz-EXAMPLE."),
    "cluster": (post_scripts, {"cluster_id": "ehpc hz"}, "cluster_id 'ehpc hz' contains whitespace or control characters.", None),
    "no scripts": (
        post_scripts,
        {},
        "scripts is required when state is present.",
        "Use an empty list to remove all scripts.",
    ),
    "no url": (
        post_scripts,
        {"scripts": [{"url": ""}]},
        "scripts[0].url is empty.",
        "Set it to the URL that nodes download the script from.",
    ),
    "url with white space": (
        post_scripts,
        {"scripts": [{"url": f"{SIGNED}\n"}]},
        f"scripts[0].url contains whitespace or control characters: {SIGNED_SHOWN}.",
        "Encode a space as %20.",
    ),
    "url with a space": (
        post_scripts,
        {"scripts": [{"url": "/a b\t.sh"}]},
        "scripts[0].url contains whitespace or control characters: /a b\\t.sh.",
        "Encode a space as %20.",
    ),
    "url of a result": (
        post_scripts,
        {"scripts": [{"url": SIGNED_SHOWN}]},
        f"scripts[0].url contains ***, which stands for a secret in results: {SIGNED_SHOWN}.",
        "Use the original URL, or sign it again.",
    ),
    "user of a result": (
        post_scripts,
        {"scripts": [{"url": "https://***@scripts.example.com/base.sh"}]},
        "scripts[0].url contains ***, which stands for a secret in results: https://***@scripts.example.com/base.sh.",
        "Use the original URL, or sign it again.",
    ),
    "arguments of a result": (
        post_scripts,
        {"scripts": [{"url": BASE, "args": ["--from", SIGNED_SHOWN]}]},
        f"scripts[0].args contains ***, which stands for a secret in results: {SIGNED_SHOWN}.",
        "Use the original URL, or sign it again.",
    ),
    "url that no encoding has": (
        post_scripts,
        {"scripts": [{"url": "/a\ud800"}]},
        "scripts[0].url cannot be encoded as UTF-8.",
        None,
    ),
    "arguments of a wrong type": (
        post_scripts,
        {"scripts": [{"url": BASE, "args": {"a": 1}}]},
        "scripts[0].args must be a string or a list of strings, not dict.",
        'Quote words that YAML converts to another type, such as "yes" and "null".',
    ),
    "arguments with NUL": (
        post_scripts,
        {"scripts": [{"url": BASE, "args": "a\x00b"}]},
        "scripts[0].args contains a NUL character.",
        None,
    ),
    "arguments that no encoding has": (
        post_scripts,
        {"scripts": [{"url": BASE, "args": "\ud800"}]},
        "scripts[0].args cannot be encoded as UTF-8.",
        None,
    ),
    "too many scripts": (
        post_scripts,
        {"scripts": TOO_MANY},
        "The list would have 17 scripts, but E-HPC stores at most 16 per cluster.",
        "Remove some, or publish all of them as one script: alicloud.ehpc.post_scripts_publish with bundle: true.",
    ),
    "urls twice": (
        post_scripts,
        {"scripts": [script("/b"), script("/a"), script("/a"), script("/b")], "purge": False},
        "With purge: false each URL must be unique, but scripts contains duplicates: /a, /b.",
        "Use purge: true with the complete list.",
    ),
    "url to run": (
        post_scripts_run,
        {"scripts": [{"url": ""}]},
        "scripts[0].url is empty.",
        "Set it to the URL that nodes download the script from.",
    ),
    "checksum": (
        post_scripts_run,
        {"scripts": [{"url": BASE, "checksum": "md5:1"}]},
        "scripts[0].checksum is not a valid SHA-256 checksum: md5:1.",
        "Set it to sha256: and the 64 digits that sha256sum prints, or omit it.",
    ),
    "empty checksum": (
        post_scripts_run,
        {"scripts": [{"url": BASE, "checksum": ""}]},
        "scripts[0].checksum is not a valid SHA-256 checksum: it is empty.",
        "Set it to sha256: and the 64 digits that sha256sum prints, or omit it.",
    ),
    "arguments with half a quotation": (
        post_scripts_run,
        {"scripts": [{"url": BASE, "args": "it's"}]},
        "scripts[0].args has an unmatched quote or a trailing backslash.",
        "Use a list, which needs no quoting.",
    ),
    "fewer than no nodes": (post_scripts_run, {"batch": -1}, "The option batch must be 0 or greater, not -1.", "Use 0 for all nodes at once."),
    "more than all nodes": (
        post_scripts_run,
        {"max_fail_percentage": 101},
        "max_fail_percentage must be from 0 to 100, not 101.",
        None,
    ),
    "url that no node can fetch": (
        post_scripts_run,
        {"scripts": [{"url": "oss://bucket/a.sh"}]},
        'scripts[0].url is neither an HTTP(S) URL nor an absolute path, so no node can fetch it: "oss://bucket/a.sh".',
        "Store the script at an HTTPS URL that the nodes can reach.",
    ),
    "checksum that nothing is compared with": (
        post_scripts,
        {"scripts": [{"url": BASE, "checksum": "sha256:" + "0" * 64}, {"url": MOUNT}, {"url": MONITOR, "checksum": "sha256:" + "0" * 64}]},
        "Checksums were given for scripts[0], scripts[2], but preflight is off, so they would not be compared.",
        "Set preflight to warn or fail, or omit the checksum.",
    ),
    "too long": (post_scripts_run, {"run_timeout": 10**6}, "run_timeout must be greater than 0 and less than 1000000 seconds, not 1000000.", None),
    "user": (
        user_sync,
        {"expected_users": ["hpcuser01 "]},
        "expected_users[0] is not a valid user name: 'hpcuser01 '.",
        "Remove the entry, or its whitespace.",
    ),
    "no waiting": (user_sync, {"wait_timeout": 0}, "wait_timeout must be more than 0 seconds, not 0.", None),
}


@pytest.mark.parametrize(("module", "options", "message", "hint"), REFUSED.values(), ids=REFUSED)
def test_refused(service: Service, empty_home: Path, module: t.Any, options: dict[str, t.Any], message: str, hint: str | None) -> None:
    error = service.fails(module, **{"cluster_id": CLUSTER, **options})
    assert (error.message.replace(str(empty_home), "HOME"), error.hint) == (message, hint)
    assert error.code == "InvalidOptions"
