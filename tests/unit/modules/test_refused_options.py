# Copyright (c) 2026, the alicloud.ehpc contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What people read where an option cannot work, word for word: what is wrong, and what to do about it. No call is made."""

from __future__ import annotations

import typing as t
from pathlib import Path

import pytest
from ansible_collections.alicloud.ehpc.plugins.modules import post_scripts, post_scripts_run, user_sync

from scripted import Service
from words import BASE, CLUSTER, MONITOR, MOUNT, SIGNED, SIGNED_SHOWN, script

TOO_MANY = [script(f"/{number}.sh") for number in range(17)]
REFUSED: dict[str, tuple[t.Any, dict[str, t.Any], str, str | None]] = {
    "no region": (
        post_scripts,
        {"region": ""},
        "No region is given.",
        "Set the option region, or the environment variable ALIBABA_CLOUD_REGION_ID, or a region in the profile that is used.",
    ),
    "region": (post_scripts, {"region": "cn hangzhou"}, "The region 'cn hangzhou' is not the id of a region.", "Give an id such as cn-hangzhou."),
    "no secret key": (
        post_scripts,
        {"secret_key": ""},
        "There is an access key id but no secret key.",
        "Give secret_key, or set ALIBABA_CLOUD_ACCESS_KEY_SECRET, or give neither of the two.",
    ),
    "no access key": (
        post_scripts,
        {"access_key": ""},
        "There is a secret key but no access key id.",
        "Give access_key, or set ALIBABA_CLOUD_ACCESS_KEY_ID, or give neither of the two.",
    ),
    "no file of profiles": (
        post_scripts,
        {"access_key": "", "secret_key": "", "profile": "main"},
        "The profile cannot be used: there is no file HOME/.aliyun/config.json.",
        "Create it with the vendor's CLI, or give shared_credentials_file.",
    ),
    "endpoint": (
        post_scripts,
        {"endpoint": "ftp://ehpc.example.com"},
        "endpoint: this is neither host[:port] nor a url with https (or http for loopback).",
        "Give it like ehpc.cn-hangzhou.aliyuncs.com.",
    ),
    "plain http": (
        post_scripts,
        {"endpoint": "http://ehpc.example.com"},
        "endpoint: http://ehpc.example.com would send the credentials' signature over plain http; that is accepted for loopback addresses only.",
        "Use https://.",
    ),
    "no certificates": (
        post_scripts,
        {"ca_path": "/absent/ca.pem"},
        "ca_path: there is no file or directory /absent/ca.pem.",
        "Give a bundle of certificates in PEM form, or leave ca_path out.",
    ),
    "no time": (post_scripts, {"read_timeout": 0}, "read_timeout must be more than 0 seconds, not 0.0.", None),
    "fewer than no retries": (post_scripts, {"api_retries": -1}, "api_retries must not be negative, it is -1.", None),
    "no cluster": (post_scripts, {"cluster_id": " "}, "cluster_id is empty.", "Give the id of an E-HPC cluster, such as ehpc-hz-EXAMPLE."),
    "cluster": (post_scripts, {"cluster_id": "ehpc hz"}, "cluster_id 'ehpc hz' has white space or control characters.", None),
    "no scripts": (
        post_scripts,
        {},
        f"There is no option scripts, so it is not known what cluster {CLUSTER} is to run.",
        "Give the list of scripts; an empty one removes all scripts.",
    ),
    "no url": (
        post_scripts,
        {"scripts": [{"url": ""}]},
        f"The url of script 1 of cluster {CLUSTER} is empty.",
        "Give the address that the nodes download the script from.",
    ),
    "url with white space": (
        post_scripts,
        {"scripts": [{"url": f"{SIGNED}\n"}]},
        f"The url of script 1 of cluster {CLUSTER} has white space or control characters: {SIGNED_SHOWN}.",
        "Write a space in a url as %20.",
    ),
    "url with a space": (
        post_scripts,
        {"scripts": [{"url": "/a b\t.sh"}]},
        f"The url of script 1 of cluster {CLUSTER} has white space or control characters: /a b\\t.sh.",
        "Write a space in a url as %20.",
    ),
    "url of a result": (
        post_scripts,
        {"scripts": [{"url": SIGNED_SHOWN}]},
        f"In the url of script 1 of cluster {CLUSTER} *** stands for what is secret in a url, as results show it: {SIGNED_SHOWN}.",
        "Give the url as it was, or sign it anew.",
    ),
    "user of a result": (
        post_scripts,
        {"scripts": [{"url": "https://***@scripts.example.com/base.sh"}]},
        f"In the url of script 1 of cluster {CLUSTER} *** stands for what is secret in a url, as results show it: https://***@scripts.example.com/base.sh.",
        "Give the url as it was, or sign it anew.",
    ),
    "arguments of a result": (
        post_scripts,
        {"scripts": [{"url": BASE, "args": ["--from", SIGNED_SHOWN]}]},
        f"In the args of script 1 of cluster {CLUSTER} *** stands for what is secret in a url, as results show it: {SIGNED_SHOWN}.",
        "Give the url as it was, or sign it anew.",
    ),
    "url that no encoding has": (
        post_scripts,
        {"scripts": [{"url": "/a\ud800"}]},
        f"The url of script 1 of cluster {CLUSTER} cannot be written as UTF-8.",
        None,
    ),
    "arguments of a wrong type": (
        post_scripts,
        {"scripts": [{"url": BASE, "args": {"a": 1}}]},
        f"The args of script 1 of cluster {CLUSTER} have to be text or a list of text, not dict.",
        'Put quotation marks around a word that YAML takes for something else: "yes", "null".',
    ),
    "arguments with NUL": (
        post_scripts,
        {"scripts": [{"url": BASE, "args": "a\x00b"}]},
        f"The args of script 1 of cluster {CLUSTER} has a NUL character.",
        None,
    ),
    "arguments that no encoding has": (
        post_scripts,
        {"scripts": [{"url": BASE, "args": "\ud800"}]},
        f"The args of script 1 of cluster {CLUSTER} cannot be written as UTF-8.",
        None,
    ),
    "too many scripts": (
        post_scripts,
        {"scripts": TOO_MANY},
        f"Cluster {CLUSTER} cannot have 17 post scripts: the service stores 16 at most.",
        "Let one script call others, or remove some.",
    ),
    "urls twice": (
        post_scripts,
        {"scripts": [script("/b"), script("/a"), script("/a"), script("/b")], "purge": False},
        "With purge set to false a url must occur once only, but in the option scripts occurs more often: /a, /b.",
        "Use purge: true and give the whole list.",
    ),
    "url to run": (
        post_scripts_run,
        {"scripts": [{"url": ""}]},
        f"The url of script 1 of cluster {CLUSTER} is empty.",
        "Give the address that the nodes download the script from.",
    ),
    "checksum": (
        post_scripts_run,
        {"scripts": [{"url": BASE, "checksum": "md5:1"}]},
        f"The checksum of script 1 of cluster {CLUSTER} is not one of SHA-256: md5:1.",
        "Give it as sha256: and the 64 digits that sha256sum shows, or leave it out.",
    ),
    "empty checksum": (
        post_scripts_run,
        {"scripts": [{"url": BASE, "checksum": ""}]},
        f"The checksum of script 1 of cluster {CLUSTER} is not one of SHA-256: it is empty.",
        "Give it as sha256: and the 64 digits that sha256sum shows, or leave it out.",
    ),
    "arguments with half a quotation": (
        post_scripts_run,
        {"scripts": [{"url": BASE, "args": "it's"}]},
        f"The args of script 1 of cluster {CLUSTER} have a quotation mark without its counterpart.",
        "Give them as a list, which needs no quoting.",
    ),
    "fewer than no nodes": (post_scripts_run, {"batch": -1}, "The option batch must not be negative, it is -1.", "Use 0 for all nodes together."),
    "more than all nodes": (
        post_scripts_run,
        {"max_fail_percentage": 101},
        "max_fail_percentage must be from 0 to 100, not 101.",
        None,
    ),
    "url that no node can fetch": (
        post_scripts_run,
        {"scripts": [{"url": "oss://bucket/a.sh"}]},
        f'The url of script 1 of cluster {CLUSTER} is neither http(s) nor an absolute path, so no node can fetch it: "oss://bucket/a.sh".',
        "Store the script at an address that the nodes reach with https.",
    ),
    "checksum that nothing is compared with": (
        post_scripts,
        {"scripts": [{"url": BASE, "checksum": "sha256:" + "0" * 64}, {"url": MOUNT}, {"url": MONITOR, "checksum": "sha256:" + "0" * 64}]},
        f"Script 1, 3 of cluster {CLUSTER} has a checksum, but preflight is off, so nothing would be compared with it.",
        "Set preflight to warn or fail, or leave the checksum out.",
    ),
    "too long": (post_scripts_run, {"run_timeout": 10**6}, "run_timeout must be more than 0 and less than 1000000 seconds, not 1000000.", None),
    "user": (
        user_sync,
        {"expected_users": ["hpcuser01 "]},
        "expected_users has 'hpcuser01 ', which cannot be the name of a user.",
        "Remove it, or write it without white space.",
    ),
    "no waiting": (user_sync, {"wait_timeout": 0}, "wait_timeout must be more than 0 seconds, not 0.", None),
}


@pytest.mark.parametrize(("module", "options", "message", "hint"), REFUSED.values(), ids=REFUSED)
def test_refused(service: Service, empty_home: Path, module: t.Any, options: dict[str, t.Any], message: str, hint: str | None) -> None:
    error = service.fails(module, **{"cluster_id": CLUSTER, **options})
    assert (error.message.replace(str(empty_home), "HOME"), error.hint) == (message, hint)
    assert error.code == "InvalidOptions"
