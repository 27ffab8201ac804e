# Copyright (c) 2026, the alicloud.ehpc contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is written in more than one place of the repository is the same in each of them."""

from __future__ import annotations

import importlib
import json
import os
import re
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.alicloud.ehpc.plugins.doc_fragments import _shared
from ansible_collections.alicloud.ehpc.plugins.module_utils._arguments import ENVIRONMENT, SHARED_SPEC
from ansible_collections.alicloud.ehpc.plugins.module_utils._version import VERSION

ROOT = Path(__file__).parents[2]
COLLECTION = "alicloud.ehpc"
MODULES = sorted(path.stem for path in (ROOT / "plugins/modules").glob("*.py"))
INVENTORY_PLUGINS = sorted(path.stem for path in (ROOT / "plugins/inventory").glob("*.py"))
ROLES = sorted(path.name for path in (ROOT / "roles").iterdir() if path.is_dir())
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

Spec = dict[str, dict[str, Any]]
Task = tuple[str, dict[str, Any], bool]


class Loader(yaml.SafeLoader):
    """YAML with tags of Ansible, such as !unsafe, as if they were not there."""


Loader.add_multi_constructor("!", lambda loader, _tag, node: loader.construct_scalar(node))


def load(text: str) -> list[Any]:
    return list(yaml.load_all(text, Loader=Loader))


def repository_files() -> list[str]:
    """What git tracks or would track."""
    # The checkout may belong to another user, and HOME is an empty one here.
    command = ["git", "-c", "safe.directory=*", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split("\0")
    return sorted({name for name in names if name and (ROOT / name).is_file()})


def module(name: str) -> Any:
    return importlib.import_module(f"ansible_collections.{COLLECTION}.plugins.modules.{name}")


def spec_of(name: str) -> Spec:
    """The options of a module. Of the action group: those that all its members have."""
    return SHARED_SPEC if name == f"group/{COLLECTION}.ehpc" else {**SHARED_SPEC, **module(name.rpartition(".")[2]).ARGUMENT_SPEC}


def tasks_in(node: Any, partial: bool = False) -> Iterator[Task]:
    """Each use of a module of this collection, at any depth; a partial one gives defaults."""
    if isinstance(node, list):
        for item in node:
            yield from tasks_in(item, partial)
    elif isinstance(node, dict):
        for key, value in node.items():
            if str(key).startswith((f"{COLLECTION}.", f"group/{COLLECTION}.")):
                if value is None or isinstance(value, dict):
                    yield key, value or {}, partial
            else:
                yield from tasks_in(value, partial or key == "module_defaults")


def mistakes(spec: Spec, options: dict[str, Any], partial: bool) -> list[str]:
    """What AnsibleModule would say of these options; of one with a template only whether it exists."""
    templated = {name for name, value in options.items() if isinstance(value, str) and "{{" in value}

    def checkable(name: str, option: dict[str, Any]) -> dict[str, Any]:
        aliases = option.get("aliases", [])
        if templated & {name, *aliases}:
            return {"type": "raw", "aliases": aliases}
        return {**option, "required": option.get("required", False) and not partial}

    validator = ArgumentSpecValidator({name: checkable(name, option) for name, option in spec.items()})
    return list(validator.validate(options).error_messages)


def yaml_blocks(path: Path) -> str:
    """The YAML in the code blocks of a Markdown or reStructuredText file."""
    text = path.read_text(encoding="utf-8")
    blocks = re.findall(r"^( *)```ya?ml\n(.*?)^\1```", text, re.MULTILINE | re.DOTALL)
    directives = re.findall(r"^( *)\.\. code-block:: ya?ml\n\n((?:\1 +.*\n|\n)+)", text, re.MULTILINE)
    return "\n---\n".join(textwrap.dedent(block) for _indentation, block in blocks + directives)


def texts_with_tasks() -> dict[str, str]:
    """Where tasks are written: examples of modules, documents, roles and playbooks."""
    texts = {f"EXAMPLES of {name}": module(name).EXAMPLES for name in MODULES}
    for name in repository_files():
        path = Path(name)
        if path.suffix in (".md", ".rst") and path.parts[0] not in ("tests", "changelogs"):
            texts[name] = yaml_blocks(ROOT / path)
        elif path.suffix in (".yml", ".yaml") and path.parts[0] in ("playbooks", "roles"):
            texts[name] = (ROOT / path).read_text(encoding="utf-8")
    return texts


def documentation_of_inventory(plugin: str) -> dict[str, Any]:
    """What ansible-doc has about an inventory plugin, with the options of all its fragments."""
    command = [sys.executable, "-m", "ansible.cli.doc", "--json", "--type", "inventory", plugin]
    environment = {**os.environ, "ANSIBLE_COLLECTIONS_PATH": str(ROOT / "build/collections")}
    return json.loads(subprocess.run(command, capture_output=True, env=environment, check=True).stdout)[plugin]


def environment_variables(name: str) -> list[str]:
    """The environment variables in the documentation of a shared option, each once, in their order."""
    return list(dict.fromkeys(re.findall(r"E\(([A-Z_]+)\)", " ".join(FRAGMENT[name]["description"]))))


def test_the_version_is_that_of_galaxy_yml() -> None:
    assert load((ROOT / "galaxy.yml").read_text(encoding="utf-8"))[0]["version"] == VERSION


def test_the_changelog_has_the_version() -> None:
    assert VERSION in load((ROOT / "changelogs/changelog.yaml").read_text(encoding="utf-8"))[0]["releases"]


def test_the_action_group_is_all_modules() -> None:
    groups = load((ROOT / "meta/runtime.yml").read_text(encoding="utf-8"))[0]["action_groups"]
    assert groups == {"ehpc": MODULES}


def test_each_module_has_an_action_plugin() -> None:
    assert sorted(path.stem for path in (ROOT / "plugins/action").glob("*.py")) == MODULES


@pytest.mark.parametrize("name", MODULES)
def test_each_module_extends_the_fragments(name: str) -> None:
    fragments = load(module(name).DOCUMENTATION)[0]["extends_documentation_fragment"]
    assert {f"{COLLECTION}._shared", f"{COLLECTION}._attributes"} <= set(fragments)


@pytest.mark.parametrize("name", MODULES)
def test_each_module_is_in_its_own_examples(name: str) -> None:
    assert f"{COLLECTION}.{name}" in [task for task, _options, _partial in tasks_in(load(module(name).EXAMPLES))]


def test_tasks_have_options_that_a_module_accepts() -> None:
    """ansible-lint does not look at modules that have an action plugin, and ansible-test at no examples."""
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


@pytest.mark.parametrize("name", SHARED_SPEC)
def test_the_environment_of_a_shared_option_is_documented_in_its_order(name: str) -> None:
    assert environment_variables(name) == list(ENVIRONMENT.get(name, ()))


@pytest.mark.parametrize("role", ROLES)
def test_a_role_documents_its_variables_and_their_defaults(role: str) -> None:
    directory = ROOT / "roles" / role
    specs = load((directory / "meta/argument_specs.yml").read_text(encoding="utf-8"))[0]["argument_specs"]["main"]["options"]
    defaults = load((directory / "defaults/main.yml").read_text(encoding="utf-8"))[0]
    table = dict(re.findall(rf"^\| `({role}_\w+)` \| (.+?) \|", (directory / "README.md").read_text(encoding="utf-8"), re.MULTILINE))
    # A default that is all code is the value itself; in words stands what cannot be written as one.
    literal = {name: load(cell.strip("`"))[0] for name, cell in table.items() if re.fullmatch(r"`[^`]*`", cell)}

    assert {name: option["default"] for name, option in specs.items() if "default" in option} == defaults
    assert list(table) == list(specs)
    assert literal == {name: value for name, value in defaults.items() if "{{" not in str(value)}


def test_each_file_has_the_licence_header() -> None:
    without = []
    for name in repository_files():
        if name in WITHOUT_HEADER or name.startswith("changelogs/fragments/"):
            continue
        first_lines = "\n".join((ROOT / name).read_text(encoding="utf-8").splitlines()[:6])
        if not all(line in first_lines for line in HEADER):
            without.append(name)
    assert without == []


def test_the_licence_is_one_text() -> None:
    assert len({(ROOT / name).read_bytes() for name in LICENCE_TEXTS}) == 1
