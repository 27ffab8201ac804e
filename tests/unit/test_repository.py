# Copyright (c) 2026, the alicloud.ehpc contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Facts that several files of the repository contain agree."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from typing import Any

import pytest
import yaml
from ansible_collections.alicloud.ehpc.plugins.doc_fragments import _shared
from ansible_collections.alicloud.ehpc.plugins.module_utils._arguments import ENVIRONMENT, SHARED_SPEC
from ansible_collections.alicloud.ehpc.plugins.module_utils._version import VERSION
from ansible_collections.alicloud.ehpc.tests.support.documents import (
    COLLECTION,
    COLLECTIONS,
    INVENTORY_PLUGINS,
    MODULES,
    ROLE_ACTIONS,
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

FRAGMENT: dict[str, dict[str, Any]] = yaml.safe_load(_shared.ModuleDocFragment.DOCUMENTATION)["options"]
# REUSE-IgnoreStart
HEADER = [
    "Copyright (c) 2026, the alicloud.ehpc contributors",
    "GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)",
    "SPDX-License-Identifier: GPL-3.0-or-later",
]
# REUSE-IgnoreEnd
# The licence's own text, twice because tools look for it in different places, and what antsibull-changelog writes.
LICENCE_TEXTS = ("COPYING", "LICENSES/GPL-3.0-or-later.txt")
WITHOUT_HEADER = {*LICENCE_TEXTS, "CHANGELOG.md", "changelogs/changelog.yaml"}


def documentation_of_inventory(plugin: str) -> dict[str, Any]:
    """The output of ansible-doc about an inventory plugin, with the options of all its fragments."""
    command = [sys.executable, "-m", "ansible.cli.doc", "--json", "--type", "inventory", plugin]
    environment = {**os.environ, "ANSIBLE_COLLECTIONS_PATH": str(COLLECTIONS)}
    documented: dict[str, dict[str, Any]] = json.loads(subprocess.run(command, capture_output=True, env=environment, check=True).stdout)
    return documented[plugin]


def environment_variables() -> dict[str, list[str]]:
    """The environment variables of each option, in the order of the guide."""
    guide = (ROOT / "docs/docsite/rst/guide_credentials.rst").read_text(encoding="utf-8")
    rows = re.findall(r"^   \* - ``(\w+)``\n     - (.*(?:\n       .*)*)", guide, re.MULTILINE)
    return {option: re.findall(r"``(\w+)``", variables) for option, variables in rows}


def test_the_version_is_that_of_galaxy_yml() -> None:
    assert load((ROOT / "galaxy.yml").read_text(encoding="utf-8"))[0]["version"] == VERSION


def test_the_changelog_has_the_version() -> None:
    assert VERSION in load((ROOT / "changelogs/changelog.yaml").read_text(encoding="utf-8"))[0]["releases"]


def test_the_action_group_is_all_modules() -> None:
    groups = load((ROOT / "meta/runtime.yml").read_text(encoding="utf-8"))[0]["action_groups"]
    # Two actions of a role call the API themselves, so they need the defaults of the group, too.
    assert groups == {"ehpc": sorted([*MODULES, "hybrid_node_config", "hybrid_node_scripts"])}


def test_each_module_has_an_action_plugin() -> None:
    assert sorted(path.stem for path in (ROOT / "plugins/action").glob("*.py")) == sorted(MODULES + ROLE_ACTIONS)


@pytest.mark.parametrize("name", MODULES)
def test_each_module_extends_the_fragments(name: str) -> None:
    fragments = load(module(name).DOCUMENTATION)[0]["extends_documentation_fragment"]
    assert {f"{COLLECTION}._shared", f"{COLLECTION}._attributes"} <= set(fragments)


@pytest.mark.parametrize("name", MODULES)
def test_each_module_is_in_its_own_examples(name: str) -> None:
    assert f"{COLLECTION}.{name}" in [task for task, _options, _partial in tasks_in(load(module(name).EXAMPLES))]


def test_tasks_have_options_that_a_module_accepts() -> None:
    """ansible-lint does not check modules that have an action plugin, and ansible-test checks no examples."""
    found = [
        f"{where}, {name}: {mistake}"
        for where, text in texts_with_tasks().items()
        for name, options, partial in tasks_in(load(text))
        for mistake in mistakes(spec_of(name), options, partial)
    ]
    assert found == []


def test_inventory_sources_have_only_options_that_exist() -> None:
    for plugin in [f"{COLLECTION}.{name}" for name in INVENTORY_PLUGINS]:
        documentation = documentation_of_inventory(plugin)
        texts = {**texts_with_tasks(), f"EXAMPLES of {plugin}": documentation["examples"]}
        sources = [(where, node) for where, text in texts.items() for node in load(text) if isinstance(node, dict) and node.get("plugin") == plugin]
        assert len(sources) > 0
        assert [f"{where}: {option}" for where, source in sources for option in source if option not in documentation["doc"]["options"]] == []


def test_the_shared_options_are_those_of_the_fragment() -> None:
    def as_documented(option: dict[str, Any]) -> dict[str, Any]:
        return {key: value for key, value in option.items() if key not in ("description", "no_log")}

    assert {name: as_documented(option) for name, option in FRAGMENT.items()} == {name: as_documented(option) for name, option in SHARED_SPEC.items()}


def test_the_guide_has_the_environment_of_each_shared_option_in_its_order() -> None:
    assert environment_variables() == {name: list(variables) for name, variables in ENVIRONMENT.items()}


@pytest.mark.parametrize("name", SHARED_SPEC)
def test_the_documentation_of_a_shared_option_names_its_first_environment_variables(name: str) -> None:
    named = re.findall(r"E\(([A-Z_]+)\)", " ".join(FRAGMENT[name]["description"]))
    assert named == list(ENVIRONMENT.get(name, ())[: max(len(named), 1)])


@pytest.mark.parametrize("role", ROLES)
def test_a_role_documents_its_variables_and_their_defaults(role: str) -> None:
    directory = ROOT / "roles" / role
    specs = load((directory / "meta/argument_specs.yml").read_text(encoding="utf-8"))[0]["argument_specs"]["main"]["options"]
    defaults = load((directory / "defaults/main.yml").read_text(encoding="utf-8"))[0]
    table = dict(re.findall(rf"^\| `({role}_\w+)` \| (.+?) \|", (directory / "README.md").read_text(encoding="utf-8"), re.MULTILINE))
    # A default in code markup is the value itself. Other defaults are described in words.
    literal = {name: load(cell.strip("`"))[0] for name, cell in table.items() if re.fullmatch(r"`[^`]*`", cell)}

    assert {name: option["default"] for name, option in specs.items() if "default" in option} == defaults
    assert list(table) == list(specs)
    assert literal == {name: value for name, value in defaults.items() if "{{" not in str(value)}


def test_each_file_has_the_licence_header() -> None:
    without = []
    for name in repository_files():
        if name in WITHOUT_HEADER or name.startswith(("changelogs/fragments/", "tests/sanity/")):
            continue
        first_lines = "\n".join((ROOT / name).read_text(encoding="utf-8").splitlines()[:6])
        if not all(line in first_lines for line in HEADER):
            without.append(name)
    assert without == []


def test_each_ignored_sanity_test_has_a_reason() -> None:
    lines = [line for file in (ROOT / "tests" / "sanity").glob("*") for line in file.read_text(encoding="utf-8").splitlines()]
    assert [line for line in lines if not re.fullmatch(r"\S+ \S+ # \S.{20,}", line)] == []


def test_lines_of_yaml_are_not_too_long() -> None:
    """Only ansible-lint checks this otherwise, and it takes half a minute."""
    names = [name for name in repository_files() if name.endswith((".yml", ".yaml")) and name != "changelogs/changelog.yaml"]
    lines = [(name, number, line) for name in names for number, line in enumerate((ROOT / name).read_text(encoding="utf-8").splitlines(), 1)]
    assert [f"{name}:{number}" for name, number, line in lines if len(line) > 160] == []


def test_both_copies_of_the_licence_are_equal() -> None:
    assert len({(ROOT / name).read_bytes() for name in LICENCE_TEXTS}) == 1


def test_the_readme_quotes_the_benchmark() -> None:
    section = (ROOT / "README.md").read_text(encoding="utf-8").partition("## Performance")[2].partition("\n## ")[0]
    results = (ROOT / "tests" / "benchmark" / "RESULTS.md").read_text(encoding="utf-8")
    figures = re.findall(r"\d+\.\d+ s\b|\d+ MB", section)
    assert len(figures) > 10
    assert [figure for figure in figures if f" {figure} " not in results] == []
