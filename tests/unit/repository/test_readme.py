# Copyright (c) 2026, the alicloud.ehpc contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The README, which is also shown outside the repository: its links, its required sections, and its duplicated facts."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from ansible_collections.alicloud.ehpc.tests.support.documents import COLLECTION, INVENTORY_PLUGINS, MODULES, ROLES, ROOT, module, repository_files

from check import address
from matrix.__main__ import RELEASES

README = (ROOT / "README.md").read_text(encoding="utf-8")
# Required by certification as a partner's collection, and by the Ansible package.
SECTIONS = [
    "Description",
    "Requirements",
    "Installation",
    "Use cases",
    "Testing",
    "Contributing and communication",
    "Support",
    "Release notes",
    "Related information",
    "Licence",
]


def section(title: str) -> str:
    return README.partition(f"\n## {title}\n")[2].partition("\n## ")[0]


def anchors(markdown: str) -> set[str]:
    """The anchors of the headings of a document on a forge."""
    headings = re.findall(r"^#+ (.+)$", re.sub(r"^```.*?^```", "", markdown, flags=re.MULTILINE | re.DOTALL), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


def broken(text: str) -> list[str]:
    """The links of a Markdown document that are not full URLs, or that lead to nothing in the repository."""
    found = []
    for link in re.findall(r"\]\(([^)]+)\)", text):
        base, _blob, place = link.partition("/blob/main/")
        path, _hash, anchor = place.partition("#")
        local = base == address.current(ROOT)
        missing = local and not (ROOT / path).is_file()
        if missing or not link.startswith("https://") or (local and anchor and anchor not in anchors((ROOT / path).read_text(encoding="utf-8"))):
            found.append(link)
    return found


def test_links_are_full_urls_of_existing_targets() -> None:
    assert broken(README) == []
    assert README.count(f"]({address.current(ROOT)}/blob/main/") > 10
    blob = f"{address.current(ROOT)}/blob/main"
    wrong = ["COPYING", "#licence", f"{blob}/MISSING.md", f"{blob}/README.md#missing", "http://example.com"]
    assert broken("".join(f"[x]({link})" for link in [*wrong, f"{blob}/README.md#licence"])) == wrong


@pytest.mark.parametrize("title", SECTIONS)
def test_a_section(title: str) -> None:
    assert len(section(title).split()) > 5


def test_no_content_that_certification_refuses() -> None:
    assert re.findall(r"pip3? install [^\n]*ansible(?:-core)?\b", README) == []
    for command in ("collection install alicloud.ehpc\n", "alicloud.ehpc:==", "alicloud.ehpc --upgrade", "git+https://", "install -r requirements.yml"):
        assert command in section("Installation")


def test_all_content_is_listed() -> None:
    table = section("Description").partition("### Included content")[2]
    playbooks = [path.stem for path in (ROOT / "playbooks").glob("*.yml")]
    for name in [*MODULES, *INVENTORY_PLUGINS, *ROLES, *playbooks]:
        assert re.search(rf"`(?:{re.escape(COLLECTION)}\.)?{name}`", table), name


def test_all_guides_are_listed() -> None:
    assert {path.name for path in (ROOT / "docs/docsite/rst").glob("guide_*.rst")} == set(re.findall(r"/(guide_\w+\.rst)\)", section("Description")))


def test_examples_are_the_files_of_the_folder() -> None:
    blocks = re.findall(r"```yaml\n# (\S+)\n(.*?)```", README, re.DOTALL)
    assert {name for name, _text in blocks} == {"site.yml", "tasks.yml", "prod.ehpc.yml"}
    for name, text in blocks:
        assert (ROOT / "examples" / name).read_text(encoding="utf-8").partition("---\n")[2] == text
    table = (ROOT / "examples/README.md").read_text(encoding="utf-8")
    assert sorted(re.findall(r"^\| `(\S+)`", table, re.MULTILINE)) == sorted(path.name for path in (ROOT / "examples").glob("*.yml"))


def test_the_ram_policy_is_what_the_modules_document() -> None:
    policy, _end, table = section("Installation").partition("### Permissions")[2].partition("\n```\n")
    documented = {action for name in MODULES for action in re.findall(r"C\(((?:ehpc|oss):\w+)\)", module(name).DOCUMENTATION)}
    assert set(re.findall(r'"((?:ehpc|oss):\w+)"', policy)) == documented
    assert set(re.findall(r"`((?:ehpc|oss):\w+)`", table)) == documented


def test_the_supported_releases_are_those_of_the_matrix() -> None:
    assert re.findall(r"\d\.\d\d", section("Testing").partition(" on Python")[0]) == list(RELEASES)


def test_one_file_holds_the_address_of_the_repository(tmp_path: Path) -> None:
    old = address.current(ROOT)
    host = "/".join(old.split("/")[:3])
    elsewhere = {
        f"{name}: {url}"
        for name in repository_files()
        if not name.startswith("tests/")
        for url in re.findall(rf"{re.escape(host)}[^\s)\"'>\\]*", (ROOT / name).read_text(encoding="utf-8"))
        if url != old and not url.startswith(f"{old}/")
    }
    assert elsewhere == set()

    texts = {"galaxy.yml": f"repository: {old}\n", "a.md": f"[x]({old}/blob/main/COPYING), {old}.\n", "b.md": f"{old}.other, {old}-other\n"}
    for name, text in texts.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    assert address.replace(tmp_path, list(texts), "https://example.org/x") == ["galaxy.yml", "a.md"]
    assert (tmp_path / "a.md").read_text(encoding="utf-8") == "[x](https://example.org/x/blob/main/COPYING), https://example.org/x.\n"
    assert address.current(tmp_path) == "https://example.org/x"
