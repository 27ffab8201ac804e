# Copyright (c) 2026, the alicloud.ehpc contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The pages of `make docs` agree with the code and with each other: front page, drawing, errors, environment variables, open questions."""

from __future__ import annotations

import re
from xml.etree import ElementTree

from ansible_collections.alicloud.ehpc.plugins.module_utils._arguments import ENVIRONMENT
from ansible_collections.alicloud.ehpc.plugins.module_utils._errors import HINTS, OSS_HINTS
from ansible_collections.alicloud.ehpc.tests.support.documents import INVENTORY_PLUGINS, MODULES, ROOT, load, module, repository_files

from check import errors

DOCS = ROOT / "docs/docsite"
FRONT = (DOCS / "index.rst").read_text(encoding="utf-8")
DRAWING = DOCS / "images/hybrid.svg"
SVG = "{http://www.w3.org/2000/svg}"


def rows(document: str) -> list[tuple[str, str]]:
    """The first two columns of the tables of a Markdown or reStructuredText document, without markup and headings."""
    cells = re.findall(r"^\| (.+?) \| (.+?) \|", document, re.MULTILINE)
    cells += re.findall(r"^   \* - (.*(?:\n       .*)*)\n     - (.*(?:\n       .*)*)", document, re.MULTILINE)
    return [(plain(first), plain(second)) for first, second in cells]


def plain(text: str) -> str:
    text = re.sub(r":ansplugin:`alicloud\.ehpc\.(\w+)#\w+`", r"\1", text)
    return " ".join(text.replace("`", "").split())


def test_the_page_of_errors_is_generated_from_the_hints() -> None:
    assert errors.GUIDE.read_text(encoding="utf-8") == errors.rendered(HINTS, OSS_HINTS), "run: .venv/bin/python tests/check/errors.py"


def test_the_page_of_environment_variables_has_all_of_them() -> None:
    guide = (DOCS / "rst/guide_credentials.rst").read_text(encoding="utf-8")
    texts = [module(name).DOCUMENTATION for name in MODULES]
    texts += [(ROOT / f"plugins/inventory/{name}.py").read_text(encoding="utf-8") for name in INVENTORY_PLUGINS]
    playbooks = [(ROOT / name).read_text(encoding="utf-8") for name in repository_files() if name.split("/")[0] in ("playbooks", "roles")]
    used = {variable for variables in ENVIRONMENT.values() for variable in variables}
    used |= {variable for text in texts for variable in re.findall(r"\bE\((\w+)\)", text)}
    used |= {variable for text in playbooks for variable in re.findall(r"lookup\('(?:ansible\.builtin\.)?env', '(\w+)'", text)}
    assert used - set(re.findall(r"``(\w+)``", guide)) == set()


def test_open_questions_of_the_readme_are_those_of_the_guide() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8").partition("\n## Undocumented service behaviour\n")[2].partition("\n## ")[0]
    questions = [row for row in rows(readme) if row[0].endswith("?")]
    assert len(questions) >= 5
    assert set(questions) - set(rows((DOCS / "rst/guide_undocumented.rst").read_text(encoding="utf-8"))) == set()


def test_the_front_page_leads_to_all_guides() -> None:
    (contents,) = load((DOCS / "extra-docs.yml").read_text(encoding="utf-8"))
    guides = [name for section in contents["sections"] for name in section["toctree"]]
    assert re.findall(r"^   docsite/(\w+)$", FRONT, re.MULTILINE) == guides


def test_the_drawing_has_a_title_a_description_and_a_dark_mode() -> None:
    root = ElementTree.parse(DRAWING).getroot()
    labels = {element.get("id"): " ".join((element.text or "").split()) for element in root if element.tag in (f"{SVG}title", f"{SVG}desc")}
    assert (root.get("role"), root.get("aria-labelledby")) == ("img", " ".join(filter(None, labels)))
    assert all(labels.values())
    style = root.findtext(f"{SVG}style") or ""
    light, dark = re.findall(r"\.ehpc-drawing \{ (--paper[^}]*)\}", style)
    assert "prefers-color-scheme: dark" in style
    assert re.findall(r"--\w+", light) == re.findall(r"--\w+", dark)


def test_the_steps_of_the_drawing_are_explained_on_the_front_page_and_in_the_description() -> None:
    root = ElementTree.parse(DRAWING).getroot()
    steps = sorted({text.text for text in root.iter(f"{SVG}text") if text.get("class") == "number"}, key=str)
    assert re.findall(r"^(\d)\. ", FRONT, re.MULTILINE) == steps
    assert re.findall(r"(\d): ", root.findtext(f"{SVG}desc") or "") == steps


def test_each_requirement_has_its_reason() -> None:
    """The reason is a comment directly above the requirement."""
    for name in repository_files():
        if re.fullmatch(r"(.*/)?(ee-)?requirements[\w-]*\.txt", name):
            lines = (ROOT / name).read_text(encoding="utf-8").partition("\n\n")[2].splitlines()
            without = [line for before, line in zip(["", *lines], lines) if line and not line.startswith(("#", "-r ")) and not before.startswith("#")]
            assert without == [], name
