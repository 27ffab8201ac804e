# Copyright (c) 2026, the alicloud.ehpc contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The documentation is in the standard technical English of the field. Known habits that deviate from it are counted here.

Code is left out: blocks, and words in code markup. An option of Ansible is `O(url)`, and a URL is a URL.
"""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from ansible_collections.alicloud.ehpc.tests.support.documents import MODULES, ROOT, load, module, repository_files

# A habit, by a pattern, and what to write instead.
HABITS = {
    r"(?i:(some|no|any|every)body|(some|any|every)one|no one|whoever|whom)": "the passive voice, the imperative, users",
    r"(?i:people|who has\b)": "users, operators",
    r"(?i:look(s|ed|ing)? (at|into)|(a|one|another) look\b|two looks|quick look|looks)": "check, inspect, poll, query",
    r"(?i:mend(s|ed|ing)?|puts? right|(is|are) to be had|anyhow)": "fix; is available",
    r"an (url|URL)|urls?|Urls?": "a URL, URLs",
    r"ids?|Ids?": "ID, IDs",
    r"(?i:white space)": "whitespace",
    r"(?i:(a|another|this|that|one|of|as|empty|blank|each) text|texts)": "string",
    r"(?i:(what|which) (came|comes|became|becomes) of|what has become)": "the result, the outcome",
    r"(?i:(?<!there )(is|are) none|(?<!there )(is|are) no (?!longer|more|less))": "is not a valid X, is missing",
    r"(?i:told|tells?)": "is reported, states, shows",
    r"(?i:(is|are|be|been|was|were) (through|over)(?= with| where|[.,;:]))": "finished, completed",
    r"(?i:(on|of) (the|your) premises)": "on-premises",
    r"(?i:repeat(s|ed|ing)?)": "retry, retries, retried",
    r"(?i:(what|as) (is|are|was) wanted|what is to be)": "the desired state",
    r"(?i:the vendor's)": "Alibaba Cloud",
    r"(?i:its owner do)": "allows its holder to",
    r"(?i:private to this collection)": "nothing: an underscore in the name says so",
}
WHERE_PER_1000_WORDS = 1
# The habits that do not occur in comments, docstrings and names of tests either. Those read more code than documentation does.
OF_CODE = [habit for habit in HABITS if re.search("body|people|mend|white space|what|told|premises|vendor|owner do|private", habit)]
# Files that may have findings. It should stay empty.
PENDING: set[str] = set()


def prose_of_markdown(text: str) -> str:
    text = re.sub(r"<!--.*?-->", " ", text, flags=re.DOTALL)
    text = re.sub(r"^( *)```.*?^\1```", " ", text, flags=re.MULTILINE | re.DOTALL)
    text = re.sub(r"^    \S.*$", " ", text, flags=re.MULTILINE)
    return re.sub(r"`[^`]*`", " CODE ", re.sub(r"\]\([^)]*\)", "]", text))


def prose_of_rst(text: str) -> str:
    text = re.sub(r"^\.\.\n(  .*\n)+", " ", text, flags=re.MULTILINE)
    text = re.sub(r"^( *)\.\. code-block::.*\n\n((\1 +.*\n|\n)+)", " ", text, flags=re.MULTILINE)
    text = re.sub(r"^ *\.\. (_|raw::|image::|toctree::).*$", " ", text, flags=re.MULTILINE)
    return re.sub(r"``[^`]*``|:\w+:`[^`]*`", " CODE ", text)


def prose_of_plugin(text: str) -> str:
    return re.sub(r"\b[A-Z]+\([^)]*\)|https?://\S+", " CODE ", text)


def descriptions(node: object) -> list[str]:
    """The sentences of a documentation, at any depth."""
    if isinstance(node, dict):
        own = [str(node[key]) for key in ("short_description",) if key in node]
        for key in ("description", "details", "notes"):
            value = node.get(key)
            own += [str(line) for line in value] if isinstance(value, list) else [str(value)] if isinstance(value, str) else []
        return own + [line for key, value in node.items() if key not in ("sample", "default", "choices") for line in descriptions(value)]
    return [line for value in node for line in descriptions(value)] if isinstance(node, list) else []


def prose() -> dict[str, str]:
    """The prose of each file."""
    found = {}
    for name in repository_files():
        path = ROOT / name
        if name.endswith(".md") and name not in ("CHANGELOG.md", "tests/benchmark/RESULTS.md"):
            found[name] = prose_of_markdown(path.read_text(encoding="utf-8"))
        elif name.endswith(".rst"):
            found[name] = prose_of_rst(path.read_text(encoding="utf-8"))
        elif name.endswith("argument_specs.yml") or Path(name).match("plugins/filter/*.yml"):
            found[name] = prose_of_plugin("\n".join(descriptions(load(path.read_text(encoding="utf-8")))))
        elif Path(name).match("plugins/doc_fragments/*.py") or Path(name).match("plugins/inventory/*.py"):
            blocks = re.findall(r'^ *[A-Z_]+ = r?"""\n(.*?)"""', path.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
            found[name] = prose_of_plugin("\n".join(line for block in blocks for line in descriptions(load(block))))
    for name in MODULES:
        documents = [yaml.safe_load(part) for part in (module(name).DOCUMENTATION, module(name).RETURN)]
        names = re.findall(r"- name: (.*)", module(name).EXAMPLES)
        found[f"plugins/modules/{name}.py"] = prose_of_plugin("\n".join([*descriptions(documents), *names]))
    found["Makefile"] = "\n".join(re.findall(r"^[a-z-]+:.*## (.*)", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    return found


PROSE = prose()


def around(text: str, match: re.Match[str]) -> str:
    return " ".join(text[max(0, match.start() - 40) : match.end() + 30].split())


def findings(text: str) -> list[str]:
    found = []
    for pattern, instead in HABITS.items():
        for match in re.finditer(rf"(?<![\w-])(?:{pattern})(?![\w-])", text):
            found.append(f"{match.group()!r} in '{around(text, match)}': {instead}")
    words = len(re.findall(r"\w+", text))
    wheres = [around(text, match) for match in re.finditer(r"(?i)\bwhere\b", text)]
    if len(wheres) > max(1, words * WHERE_PER_1000_WORDS / 1000):
        found += [f"'where' in '{place}': if; when" for place in wheres]
    return found


def code_prose(source: str) -> Iterator[str]:
    """The comments, the docstrings and the names of tests in a Python file."""
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            yield token.string
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef)):
            yield ast.get_docstring(node) or ""
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
            yield node.name.replace("_", " ")


def test_no_habits_in_comments_docstrings_and_names_of_tests() -> None:
    pattern = re.compile(rf"(?<![\w-])(?:{'|'.join(OF_CODE)})(?![\w-])")
    found = []
    for name in repository_files():
        source = (ROOT / name).read_text(encoding="utf-8") if name.endswith(".py") else ""
        # Most files have none of these words, and parsing takes long.
        if pattern.search(source.replace("_", " ")):
            texts = [re.sub(r"`+[^`]*`+", " CODE ", text) for text in code_prose(source)]
            found += [f"{name}: {around(text, match)!r}" for text in texts for match in pattern.finditer(text)]
    assert found == []


@pytest.mark.parametrize("name", sorted(set(PROSE) - PENDING))
def test_no_habits(name: str) -> None:
    assert findings(PROSE[name]) == []


def test_nothing_is_pending_that_has_no_findings() -> None:
    assert [name for name in sorted(PENDING) if name not in PROSE or not findings(PROSE[name])] == []
