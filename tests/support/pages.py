# Copyright (c) 2026, the alicloud.ehpc contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Web pages as a browser reads them: with the parser that the HTML standard specifies, which reports every deviation."""

from __future__ import annotations

import typing as t
from xml.etree.ElementTree import Element

import html5lib  # type: ignore[import-untyped]


class Page:
    """A parsed page."""

    def __init__(self, text: str) -> None:
        parser = html5lib.HTMLParser(namespaceHTMLElements=False)
        self.root: Element = parser.parse(text)
        self.errors: list[t.Any] = parser.errors
        self.elements = [element for element in self.root.iter() if isinstance(element.tag, str)]

    def all(self, tag: str, css: str = "", inside: Element | None = None) -> list[Element]:
        """The elements with this tag, and with this class if one is given."""
        found = (self.root if inside is None else inside).iter(tag)
        return [element for element in found if not css or css in element.get("class", "").split()]

    def texts(self, tag: str, css: str = "", inside: Element | None = None) -> list[str]:
        """The text of each of these elements."""
        return ["".join(element.itertext()) for element in self.all(tag, css, inside)]

    def text(self, tag: str, css: str = "") -> str:
        """The text of the only such element."""
        (found,) = self.texts(tag, css)
        return found

    def tables(self) -> list[list[list[str]]]:
        """The cells of each table, row by row."""
        return [[["".join(cell.itertext()) for cell in row if cell.tag in ("th", "td")] for row in table.iter("tr")] for table in self.all("table")]
