# Copyright (c) 2026, the alicloud.ehpc contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The content of the repository for tests: its files, its modules, and the YAML in its documents."""

from __future__ import annotations

import importlib
import re
import subprocess
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.alicloud.ehpc.plugins.module_utils import _arguments
from ansible_collections.alicloud.ehpc.plugins.module_utils._arguments import SHARED_SPEC

ROOT = Path(__file__).resolve().parents[2]
COLLECTION = "alicloud.ehpc"
# The directory of `ansible_collections`: that of the link of `make setup`, or where ansible-test requires the collection to be.
COLLECTIONS = ROOT.parents[2] if ROOT.parents[1].name == "ansible_collections" else ROOT / "build/collections"
# The imported modules, also in the copy of `make mutation`, which has only plugins and tests.
_MODULES = Path(_arguments.__file__).parents[1] / "modules"
MODULES = sorted(path.stem for path in _MODULES.glob("*.py"))
# Actions of the role, which only run on the controller; a file beside the modules documents them.
ROLE_ACTIONS = sorted(path.stem for path in _MODULES.glob("*.yml"))
INVENTORY_PLUGINS = sorted(path.stem for path in (ROOT / "plugins/inventory").glob("*.py"))
ROLES = sorted(path.name for path in (ROOT / "roles").glob("*") if path.is_dir())

Spec = dict[str, dict[str, Any]]
Task = tuple[str, dict[str, Any], bool]


class Loader(yaml.SafeLoader):
    """A YAML loader that ignores the tags of Ansible, such as !unsafe."""


Loader.add_multi_constructor("!", lambda loader, _tag, node: loader.construct_scalar(node))


def load(text: str) -> list[Any]:
    return list(yaml.load_all(text, Loader=Loader))


def repository_files() -> list[str]:
    """The files that git tracks or would track."""
    # The checkout may belong to another user, and HOME is an empty one here.
    command = ["git", "-c", "safe.directory=*", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split("\0")
    return sorted({name for name in names if name and (ROOT / name).is_file()})


def module(name: str) -> Any:
    return importlib.import_module(f"ansible_collections.{COLLECTION}.plugins.modules.{name}")


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


def yaml_blocks(path: Path) -> str:
    """The YAML in the code blocks of a Markdown or reStructuredText file."""
    text = path.read_text(encoding="utf-8")
    blocks = re.findall(r"^( *)```ya?ml\n(.*?)^\1```", text, re.MULTILINE | re.DOTALL)
    directives = re.findall(r"^( *)\.\. code-block:: ya?ml\n\n((?:\1 +.*\n|\n)+)", text, re.MULTILINE)
    return "\n---\n".join(textwrap.dedent(block) for _indentation, block in blocks + directives)


def spec_of(name: str) -> Spec:
    """The options of a module. Of the action group: those that all its members have."""
    short_name = name.rpartition(".")[2]
    if short_name in ROLE_ACTIONS:
        documented: Spec = load((ROOT / f"plugins/modules/{short_name}.yml").read_text(encoding="utf-8"))[0]["DOCUMENTATION"]["options"]
        return {option: {key: value for key, value in spec.items() if key != "description"} for option, spec in documented.items()}
    return SHARED_SPEC if name == f"group/{COLLECTION}.ehpc" else {**SHARED_SPEC, **module(short_name).ARGUMENT_SPEC}


def mistakes(spec: Spec, options: dict[str, Any], partial: bool) -> list[str]:
    """The messages of AnsibleModule about these options. For an option with a template, only whether it exists."""
    templated = {name for name, value in options.items() if isinstance(value, str) and "{{" in value}

    def checkable(name: str, option: dict[str, Any]) -> dict[str, Any]:
        aliases = option.get("aliases", [])
        if templated & {name, *aliases}:
            return {"type": "raw", "aliases": aliases}
        return {**option, "required": option.get("required", False) and not partial}

    validator = ArgumentSpecValidator({name: checkable(name, option) for name, option in spec.items()})
    return list(validator.validate(options).error_messages)


def texts_with_tasks() -> dict[str, str]:
    """All texts that contain tasks: examples of modules, documents, roles and playbooks."""
    texts = {f"EXAMPLES of {name}": module(name).EXAMPLES for name in MODULES}
    for name in repository_files():
        path = Path(name)
        if path.suffix in (".md", ".rst") and path.parts[0] not in ("tests", "changelogs"):
            texts[name] = yaml_blocks(ROOT / path)
        elif path.suffix in (".yml", ".yaml") and path.parts[0] in ("examples", "playbooks", "roles"):
            texts[name] = (ROOT / path).read_text(encoding="utf-8")
    return texts
