# Copyright (c) 2026, the alicloud.ehpc contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The variables of the role: what each value means, and the mistakes that are reported."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.alicloud.ehpc.plugins.plugin_utils._bootstrap_options import (
    CONVERTERS,
    NO_BUCKET,
    bootstrap_options,
    defaults,
    publish_key,
    variables_of,
)
from ansible_collections.alicloud.ehpc.tests.support.documents import ROOT, load

SPECS = load((ROOT / "roles/ehpc_bootstrap/meta/argument_specs.yml").read_text(encoding="utf-8"))[0]["argument_specs"]["main"]["options"]
URL = "https://scripts.example.com/base.sh"
SCRIPT = {"url": URL, "args": "--mode base"}
USER = {"name": "hpcuser01", "group": "wheel", "password": "Example-1"}
NAMES = ["hpcuser01", "hpcuser02"]
NO_LIST_OF_NAMES = "must be a list of names, or a string with one name per line or commas between names; it is"
NO_SCRIPT = "must have a URL or an absolute path at the beginning of each script, then its arguments; script"

# variable, value, option
MEANINGS: list[tuple[str, t.Any, t.Any]] = [
    ("cluster_id", " ehpc-hz-EXAMPLE ", "ehpc-hz-EXAMPLE"),
    ("account_host", None, ""),
    ("post_scripts", None, None),
    ("post_scripts", " ", None),
    ("post_scripts", [], []),
    ("post_scripts", "[]", []),
    ("post_scripts", [SCRIPT], [SCRIPT]),
    ("post_scripts", (SCRIPT,), [SCRIPT]),
    ("post_scripts", f"# first\n{URL}   --mode base \n\n/b.sh", [SCRIPT, {"url": "/b.sh", "args": ""}]),
    ("post_scripts", f'[{{"url": "{URL}", "args": ["-x"]}}]', [{"url": URL, "args": ["-x"]}]),
    ("post_scripts", "---\n- /a.sh -x", [{"url": "/a.sh", "args": "-x"}]),
    ("post_scripts", f"- url: {URL}\n  checksum: sha256:EXAMPLE", [{"url": URL, "checksum": "sha256:EXAMPLE"}]),
    ("post_scripts_purge", "False", False),
    ("post_scripts_purge", 1, True),
    ("post_scripts_purge", " yes ", True),
    ("preflight", False, "off"),
    ("preflight", "Fail", "fail"),
    ("post_scripts", "- src: a.sh\n- {content: '#!/bin/sh', name: b}", [{"src": "a.sh"}, {"content": "#!/bin/sh", "name": "b"}]),
    ("scripts_bucket", " hpc-scripts-example ", "hpc-scripts-example"),
    ("scripts_prefix", "a/b", "a/b"),
    ("scripts_node_endpoint", "public", "public"),
    ("scripts_bundle", "yes", True),
    ("backup", "yes", True),
    ("backup_dir", " /srv/backup ", "/srv/backup"),
    ("sync_users", "AUTO", "auto"),
    ("sync_users", "no", False),
    ("sync_users", True, True),
    ("expected_users", "hpcuser01, hpcuser02,,\n hpcuser01 ", NAMES),
    ("expected_users", "[hpcuser01, 1234]", ["hpcuser01", "1234"]),
    ("expected_users", "- hpcuser01\n- ''", ["hpcuser01"]),
    ("expected_users", ("hpcuser01", 1234), ["hpcuser01", "1234"]),
    ("users", [{"name": " hpcuser01 ", "group": None, "password": " "}, USER], [{"name": "hpcuser01"}, USER]),
    ("users", "[{name: hpcuser01, group: wheel, password: Example-1}]", [USER]),
    ("users", "[]", []),
    ("run_on_nodes", "compute, login", ["compute", "login"]),
    ("uid_min", "0", 0),
    ("uid_max", " 70000 ", 70000),
    ("sync_timeout", "1", 1),
    ("wait_timeout", 0, 0),
    ("wait_delay", "30", 30),
]
# variable, value, the message after the name of the variable
MISTAKES: list[tuple[str, t.Any, str]] = [
    ("cluster_id", ["ehpc-hz-EXAMPLE"], "must be a string; it is a list."),
    ("region", True, "must be a string; it is a boolean."),
    ("post_scripts_purge", "perhaps", "must be true or false; it is 'perhaps'."),
    ("post_scripts_purge", [True], "must be true or false; it is a list."),
    ("preflight", "perhaps", "must be off, warn or fail; it is 'perhaps'."),
    ("preflight", True, "must be off, warn or fail; it is 'True'."),
    ("sync_users", "perhaps", "must be auto, true or false; it is 'perhaps'."),
    ("uid_min", "low", "must be a whole number; it is 'low'."),
    ("uid_max", True, "must be a whole number; it is 'True'."),
    ("uid_max", 1.5, "must be a whole number; it is '1.5'."),
    ("sync_timeout", 0, "must be a whole number of seconds, at least 1; it is '0'."),
    ("wait_timeout", "long", "must be a whole number of seconds; it is 'long'."),
    ("wait_timeout", -1, "must be a whole number of seconds; it is '-1'."),
    ("wait_delay", "soon", "must be a whole number of seconds, at least 1; it is 'soon'."),
    ("run_on_nodes", "compute, compute000", "must contain either roles or names of nodes; it is 'compute, compute000'."),
    ("expected_users", {"hpcuser01": None}, f"{NO_LIST_OF_NAMES} a dictionary."),
    ("expected_users", 5, f"{NO_LIST_OF_NAMES} a number."),
    ("expected_users", "[true]", "must contain strings; put quotation marks around 'True'."),
    ("expected_users", ["hpcuser01", 1.5], "must contain strings; put quotation marks around '1.5'."),
    ("expected_users", "hpcuser01 hpcuser02", "contains 'hpcuser01 hpcuser02', which has whitespace. Write one name per line, or commas between names."),
    ("expected_users", "- a\n- [b", "is not valid YAML or JSON, line 2. Put quotation marks around strings with special characters."),
    ("users", "hpcuser01 Example-1", "must be a list of users; it is a string. Names without passwords belong in ehpc_bootstrap_expected_users."),
    ("users", [USER, "Example-1"], "must have a dictionary with name, group and password for each user; user 2 is a string."),
    ("users", [{"password": "Example-1"}], "must have a name without whitespace for each user; user 1 has none."),
    ("users", [{**USER, "name": "hpc Example-1"}], "must have a name without whitespace for each user; user 1 has none."),
    ("users", [{**USER, "Example-1": None}], "must have only name, group and password for each user; user 1 has more."),
    ("users", "- {name: hpcuser01, password: [Example-1", "is not valid YAML or JSON, line 1. Put quotation marks around strings with special characters."),
    ("post_scripts", f"- url: {URL}\n  args: a: b", "is not valid YAML or JSON, line 2. Put quotation marks around strings with special characters."),
    ("post_scripts", "[{url: ", "is not valid YAML or JSON, line 1. Put quotation marks around strings with special characters."),
    ("post_scripts", 5, "must be a list of scripts, or a string with one script per line; it is a number."),
    ("post_scripts", '{"url": "/a.sh"}', "must be a list of scripts, or a string with one script per line; it is a dictionary."),
    ("post_scripts", [{"url": "/a"}, {"args": "-x"}], "must have exactly one of url, src, template, content for each script; script 2 has none of them."),
    ("post_scripts", [{"src": "a.sh", "url": "/a.sh"}], "must have exactly one of url, src, template, content for each script; script 1 has url, src."),
    ("post_scripts", [7], f"{NO_SCRIPT} 1 begins with '7'."),
    ("post_scripts", "base.sh?Signature=EXAMPLEsig", f"{NO_SCRIPT} 1 begins with 'base.sh?Signature=***'."),
    ("post_scripts", "x" * 100, f"{NO_SCRIPT} 1 begins with '{'x' * 80}'."),
    ("scripts", "/a.sh", "is not a variable of the role. The closest one is ehpc_bootstrap_post_scripts."),
    ("sync_user", True, "is not a variable of the role. The closest one is ehpc_bootstrap_sync_users."),
    ("colour", "blue", "is not a variable of the role."),
]


def options(**variables: t.Any) -> dict[str, t.Any]:
    """The options that result from variables, given without their prefix."""
    return bootstrap_options({"ehpc_cluster_id": "ehpc-hz-EXAMPLE", **{f"ehpc_bootstrap_{name}": value for name, value in variables.items()}})


def test_each_variable_is_an_option() -> None:
    assert list(CONVERTERS) == [name.removeprefix("ehpc_bootstrap_") for name in SPECS]


@pytest.mark.parametrize(("name", "value", "option"), MEANINGS)
def test_values_of_variables(name: str, value: t.Any, option: t.Any) -> None:
    found = options(**{name: value})
    assert (found[name], [mistake for mistake in found["mistakes"] if mistake != NO_BUCKET]) == (option, [])


@pytest.mark.parametrize(("name", "value", "report"), MISTAKES)
def test_mistakes(name: str, value: t.Any, report: str) -> None:
    assert options(**{name: value})["mistakes"] == [f"ehpc_bootstrap_{name} {report}"]


def test_no_mistake_quotes_a_password() -> None:
    found = [report for name, _value, report in MISTAKES if name == "users"]
    assert found
    assert "Example-1" not in " ".join(found)


@pytest.mark.parametrize("blank", [None, "", " \n"])
@pytest.mark.parametrize("name", CONVERTERS)
def test_a_blank_value_is_the_default(name: str, blank: str | None) -> None:
    assert options(**{name: blank}) == options()


@pytest.mark.parametrize("name", defaults())
def test_each_default_is_taken_from_the_role(name: str) -> None:
    assert SPECS[f"ehpc_bootstrap_{name}"]["default"] == defaults()[name]
    assert options()[name] == options(**{name: defaults()[name]})[name]


def test_all_mistakes_are_reported_at_once() -> None:
    found = options(post_scripts="a.sh\n/b.sh\nc.sh", expected_users=["a b", True], uid_min="low", cluster_id=[], scripts=[])
    names = [mistake.split()[0].removeprefix("ehpc_bootstrap_") for mistake in found["mistakes"]]
    assert names == ["scripts", "cluster_id", "post_scripts", "post_scripts", "expected_users", "expected_users", "uid_min"]
    assert (found["post_scripts"], found["expected_users"], found["uid_min"]) == (None, [], 1000)


def test_a_minimum_that_is_greater_than_the_maximum() -> None:
    assert options(uid_min=60000)["mistakes"] == ["ehpc_bootstrap_uid_min must not be above ehpc_bootstrap_uid_max; they are 60000 and 59999."]
    assert options(uid_min=59999)["mistakes"] == []


def test_the_cluster_is_the_one_of_the_inventory_unless_another_is_given() -> None:
    host = {"ehpc_cluster_id": "ehpc-hz-EXAMPLE", "ehpc_region": "cn-hangzhou"}
    given = {"ehpc_bootstrap_cluster_id": "ehpc-sh-EXAMPLE", "ehpc_bootstrap_region": "cn-shanghai"}
    assert [bootstrap_options(host)[name] for name in ("cluster_id", "region")] == ["ehpc-hz-EXAMPLE", "cn-hangzhou"]
    assert [bootstrap_options({**host, **given})[name] for name in ("cluster_id", "region")] == ["ehpc-sh-EXAMPLE", "cn-shanghai"]


@pytest.mark.parametrize("variables", [{}, {"ehpc_bootstrap_cluster_id": " "}, {"ehpc_cluster_id": ""}])
def test_without_a_cluster_the_message_has_the_remedy(variables: dict[str, t.Any]) -> None:
    (mistake,) = bootstrap_options(variables)["mistakes"]
    assert mistake.startswith("ehpc_bootstrap_cluster_id is empty.")
    assert "ehpc_bootstrap_hosts" in mistake


PUBLISHED: dict[str, t.Any] = {"post_scripts": [{"src": "base.sh"}, SCRIPT], "scripts_bucket": "hpc-scripts-example"}


def test_a_bucket_is_required_to_publish() -> None:
    without: list[dict[str, t.Any]] = [{"post_scripts": [{"src": "base.sh"}]}, {"post_scripts": URL, "scripts_bundle": True}]
    for wrong in without:
        (mistake,) = options(**wrong)["mistakes"]
        assert mistake.startswith("ehpc_bootstrap_scripts_bucket is empty.")
    fine: list[dict[str, t.Any]] = [PUBLISHED, {"post_scripts": URL}, {"scripts_bundle": True}, {"post_scripts": [], "scripts_bundle": True}]
    for right in fine:
        assert options(**right)["mistakes"] == []


def test_clusters_that_publish_the_same() -> None:
    def key(host: str = "one", **more: t.Any) -> str:
        return publish_key(options(**{**PUBLISHED, **more}), host)

    assert key() == key("two", wait_delay=5, cluster_id="ehpc-sh-EXAMPLE") != ""
    others: list[dict[str, t.Any]] = [
        {"region": "cn-shanghai"},
        {"scripts_bucket": "other"},
        {"scripts_prefix": "other"},
        {"scripts_node_endpoint": "public"},
        {"scripts_bundle": True},
    ]
    lists = [[{"src": "other.sh"}], [{"src": "base.sh", "args": "-x"}], [{"content": "#!/bin/sh", "name": "a"}]]
    different = [key(**other) for other in others] + [key(post_scripts=entries) for entries in lists]
    assert len({key(), *different}) == 9
    assert key(post_scripts=URL) == key(post_scripts=[]) == key(post_scripts=None) == ""
    # Each host may render another content.
    assert key("one", post_scripts=[{"template": "a.j2"}]) != key("two", post_scripts=[{"template": "a.j2"}])


def test_nodes_or_roles() -> None:
    assert [options(run_on_nodes=["compute", "login"])[name] for name in ("roles", "nodes")] == [["compute", "login"], []]
    assert [options(run_on_nodes=["compute000"])[name] for name in ("roles", "nodes")] == [[], ["compute000"]]


def test_other_variables_are_ignored() -> None:
    others = {"ehpc_bootstrap": {}, "ehpc_bootstrap_result": {}, "ehpc_bootstrap_hosts": "all", "ehpc_status": "running", "x_ehpc_bootstrap_scripts": 1}
    assert variables_of(others) == {}
    assert bootstrap_options({**others, "ehpc_cluster_id": "ehpc-hz-EXAMPLE"}) == options()
