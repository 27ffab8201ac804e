# Copyright (c) 2026, the alicloud.ehpc contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The documentation of results, of variables of the role and of filters is correct. integration/test_examples.py checks it by running it."""

from __future__ import annotations

import re
import typing as t
from pathlib import Path

import pytest
import yaml
from ansible_collections.alicloud.ehpc.plugins.module_utils._arguments import ENVIRONMENT
from ansible_collections.alicloud.ehpc.plugins.module_utils._errors import ATTEMPTS, hint_for
from ansible_collections.alicloud.ehpc.tests.support.documents import (
    COLLECTION,
    INVENTORY_PLUGINS,
    MODULES,
    ROLES,
    ROOT,
    load,
    mistakes,
    module,
    repository_files,
    spec_of,
    tasks_in,
    texts_with_tasks,
)

TYPES: dict[str, t.Any] = {"str": str, "bool": bool, "int": int, "list": list, "dict": dict}
FILTERS = sorted((ROOT / "plugins/filter").glob("*.yml"))

Return = dict[str, dict[str, t.Any]]


def returned(name: str) -> Return:
    """The documented results of a module."""
    return t.cast("Return", load(module(name).RETURN)[0])


def unlike(documented: Return, where: str) -> list[str]:
    """The samples that contradict their documentation."""
    found = []
    for key, entry in documented.items():
        path, sample = f"{where}.{key}", entry["sample"]
        if not isinstance(sample, TYPES[entry["type"]]):
            found.append(f"{path}: {sample!r} is no {entry['type']}")
            continue
        elements = sample if entry["type"] == "list" else []
        found += [f"{path}: {element!r} is no {entry['elements']}" for element in elements if not isinstance(element, TYPES[entry["elements"]])]
        if "contains" in entry:
            dictionaries = elements if entry["type"] == "list" else [sample]
            found += [f"{path}: {extra} is not documented" for dictionary in dictionaries for extra in set(dictionary) - set(entry["contains"])]
            found += unlike(entry["contains"], path)
    return found


def facts(options: dict[str, dict[str, t.Any]]) -> dict[str, t.Any]:
    """What a specification or a documentation says of options, without what is the default of both."""
    defaults = {"type": "str", "required": False, "default": None, "choices": None, "elements": None}
    return {
        name: {**{key: entry.get(key, value) for key, value in defaults.items()}, "options": facts(entry.get("options") or entry.get("suboptions") or {})}
        for name, entry in options.items()
    }


@pytest.mark.parametrize("name", MODULES)
def test_options_are_documented_as_they_are(name: str) -> None:
    """ansible-test compares them too, but takes longer than a contributor waits."""
    module_options, documented = module(name).ARGUMENT_SPEC, load(module(name).DOCUMENTATION)[0].get("options", {})
    assert facts(module_options) == facts(documented)


@pytest.mark.parametrize("name", MODULES)
def test_samples_are_of_their_types(name: str) -> None:
    assert unlike(returned(name), name) == []


def names_of(values: dict[str, t.Any]) -> set[str]:
    """The names of return values, at any depth."""
    return {*values, *(name for value in values.values() for name in names_of(value.get("contains") or {}))}


@pytest.mark.parametrize("name", MODULES)
def test_templates_can_read_each_return_value(name: str) -> None:
    """`result.update` is the method of a dictionary. Only ansible-test of ansible-core 2.22 and newer checks it."""
    assert names_of(returned(name)) & set(dir(dict)) == set()


@pytest.mark.parametrize("name", MODULES)
def test_each_module_documents_its_failure(name: str) -> None:
    error = returned(name)["error"]
    assert (error["type"], error["returned"]) == ("dict", "failure")
    assert set(error["sample"]) == {"action", "code", "message", "http_status", "request_id", "hint"}


@pytest.mark.parametrize("name", MODULES)
def test_each_module_links_the_documentation_of_its_operations(name: str) -> None:
    links = {entry["name"]: entry["link"] for entry in load(module(name).DOCUMENTATION)[0]["seealso"] if "link" in entry}
    assert set(links) & set(ATTEMPTS) != set()
    assert all(link.startswith(("https://www.alibabacloud.com/help/", "https://help.aliyun.com/")) for link in links.values())


@pytest.mark.parametrize("name", MODULES)
def test_the_hint_of_a_sample_is_the_real_one(name: str) -> None:
    sample = returned(name)["error"]["sample"]
    if sample["http_status"] is not None:
        assert sample["hint"] == hint_for(sample["code"], sample["action"])


@pytest.mark.parametrize("path", FILTERS, ids=[path.stem for path in FILTERS])
def test_examples_of_filters_use_them_in_tasks_that_work(path: Path) -> None:
    examples = load(path.read_text(encoding="utf-8"))[0]["EXAMPLES"]
    assert f"{COLLECTION}.{path.stem}" in examples
    assert [mistake for name, options, partial in tasks_in(load(examples)) for mistake in mistakes(spec_of(name), options, partial)] == []


@pytest.mark.parametrize("role", ROLES)
def test_variables_of_a_role_that_documents_mention_exist(role: str) -> None:
    specs = load((ROOT / "roles" / role / "meta/argument_specs.yml").read_text(encoding="utf-8"))[0]["argument_specs"]["main"]["options"]
    # The result of the role, and the variable of its playbook.
    known = {*specs, f"{role}_result", f"{role}_hosts"}
    texts = {name: (ROOT / name).read_text(encoding="utf-8") for name in repository_files() if name.endswith((".md", ".rst")) and name != "CHANGELOG.md"}
    texts |= {f"EXAMPLES of {name}": (ROOT / f"plugins/inventory/{name}.py").read_text(encoding="utf-8") for name in INVENTORY_PLUGINS}
    unknown = {f"{where}: {name}" for where, text in texts.items() for name in re.findall(rf"\b{role}_[a-z_]+\b", text) if name not in known}
    assert unknown == set()


def user_texts() -> dict[str, str]:
    """The files that users read or run, except the plugins."""
    names = [name for name in repository_files() if name.split("/")[0] in ("README.md", "docs", "roles", "playbooks")]
    return {name: (ROOT / name).read_text(encoding="utf-8") for name in names}


def test_environment_variables_that_documents_mention_exist() -> None:
    known = {variable for variables in ENVIRONMENT.values() for variable in variables}
    known |= {variable for name in MODULES for variable in re.findall(r"\bE\((\w+)\)", module(name).DOCUMENTATION)}
    unknown = {f"{where}: {name}" for where, text in user_texts().items() for name in re.findall(r"\bALI\w*_[A-Z_]*[A-Z]\b", text) if name not in known}
    assert unknown == set()


def test_links_between_files_have_existing_targets() -> None:
    for name in repository_files():
        if name.endswith(".md") and name != "CHANGELOG.md":
            links = re.findall(r"\]\((?!https?:|#|mailto:)([^)#]+)", (ROOT / name).read_text(encoding="utf-8"))
            assert [link for link in links if not (ROOT / name).parent.joinpath(link).exists()] == [], name


def test_every_guide_is_in_the_contents() -> None:
    (contents,) = load((ROOT / "docs/docsite/extra-docs.yml").read_text(encoding="utf-8"))
    listed = [name for section in contents["sections"] for name in section["toctree"]]
    assert sorted(listed) == sorted(path.stem for path in (ROOT / "docs/docsite/rst").glob("*.rst"))


def test_blocks_of_documents_are_yaml() -> None:
    """No other test would check a block that cannot be parsed."""
    for where, text in texts_with_tasks().items():
        try:
            load(text)
        except yaml.YAMLError as error:
            pytest.fail(f"{where}: {error}")
