# Copyright (c) 2026, the alicloud.ehpc contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The filters: what people type into a survey, and what is said where that cannot be meant."""

from __future__ import annotations

import typing as t

import pytest
from ansible.errors import AnsibleFilterError
from ansible_collections.alicloud.ehpc.plugins.filter.bootstrap import FilterModule

URL = "https://scripts.example.com/base.sh"

# filter, what is typed, what it means
MEANT: list[tuple[str, t.Any, t.Any]] = [
    ("names_from_text", None, []),
    ("names_from_text", " \n", []),
    ("names_from_text", "hpcuser01, hpcuser02,,\n hpcuser03 ", ["hpcuser01", "hpcuser02", "hpcuser03"]),
    ("names_from_text", "[hpcuser01, 1234]", ["hpcuser01", "1234"]),
    ("names_from_text", "- hpcuser01\n- ''", ["hpcuser01"]),
    ("names_from_text", ("hpcuser01", 1234), ["hpcuser01", "1234"]),
    ("post_scripts_from_text", "", []),
    ("post_scripts_from_text", f"# first\n{URL}   --mode base \n\n/b.sh", [{"url": URL, "args": "--mode base"}, {"url": "/b.sh", "args": ""}]),
    ("post_scripts_from_text", f'[{{"url": "{URL}", "args": ["-x"]}}]', [{"url": URL, "args": ["-x"]}]),
    ("post_scripts_from_text", "---\n- /a.sh -x", [{"url": "/a.sh", "args": "-x"}]),
]
# filter, what is typed, what is said
REFUSED: list[tuple[str, t.Any, str]] = [
    ("names_from_text", {"hpcuser01": None}, "Names must be a list, or a text with one name a line. This is: dict."),
    ("names_from_text", "[true]", "A name must be text. Put quotation marks around: True."),
    ("names_from_text", ["hpcuser01", 1.5], "A name must be text. Put quotation marks around: 1.5."),
    ("names_from_text", "hpcuser01 hpcuser02", "The name 'hpcuser01 hpcuser02' has white space in it. Write one name a line, or put commas between names."),
    (
        "names_from_text",
        "- a\n- [b",
        "The names look like YAML or JSON, but cannot be read as such, at line 2. Put quotation marks around texts with special characters.",
    ),
    ("post_scripts_from_text", 5, "The post scripts must be a list, each with a url and perhaps args. This is: int."),
    ("post_scripts_from_text", [{"url": "/a"}, {"args": "-x"}], "Post script 2 has no url."),
    (
        "post_scripts_from_text",
        "base.sh?Signature=EXAMPLEsig",
        "Post script 1 must begin with a url, and its arguments follow after a space. This begins with: base.sh?Signature=***",
    ),
]


def call(name: str, *values: t.Any) -> t.Any:
    return FilterModule().filters()[name](*values)


@pytest.mark.parametrize(("name", "typed", "meant"), MEANT)
def test_meant(name: str, typed: t.Any, meant: t.Any) -> None:
    assert call(name, typed) == meant


@pytest.mark.parametrize(("name", "typed", "said"), REFUSED)
def test_refused(name: str, typed: t.Any, said: str) -> None:
    with pytest.raises(AnsibleFilterError) as caught:
        call(name, typed)
    # From ansible-core 2.19 the text of an exception tells its causes too.
    assert said in str(caught.value)
    assert "EXAMPLEsig" not in str(caught.value)


@pytest.mark.parametrize(("value", "result"), [(None, 7), (" ", 7), (0, 0), (False, False), ("no", "no")])
def test_unless_blank(value: t.Any, result: t.Any) -> None:
    assert call("unless_blank", value, 7) == result


def test_account_names() -> None:
    passwd = {"root": ["x", "0"], "hpcuser02": ["x", "1001"], "hpcuser01": ["x", "1000"], "nobody": ["x", "65534"], "gone": []}
    assert call("account_names", passwd, 1000, 1001) == ["hpcuser01", "hpcuser02"]
