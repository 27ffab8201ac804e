# Copyright (c) 2026, the alicloud.ehpc contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which strings of a template or an inventory are evaluated."""

from __future__ import annotations

import json
import typing as t

import pytest
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar
from ansible_collections.alicloud.ehpc.plugins.plugin_utils._untrusted import as_data, is_harmless, without_code

HARMLESS = [
    "",
    "running",
    "cfd-01",
    "华东1（杭州）",
    "https://scripts.example.com/a.sh?x=1&y=%20#top",
    "50 % done }}",
    "--name 'a b' \"c\"",
    "#jinja",
    "x\n#jinja2:",
]
HARMFUL = [
    "{{ 1 + 1 }}",
    "{% if true %}yes{% endif %}",
    "a{# comment #}b",
    "{",
    "#jinja2:variable_start_string:'[[',variable_end_string:']]'\n[[ 1 + 1 ]]",
    "lookup('pipe', 'true')",
    "hosts | community.example.run",
]


def evaluated(value: t.Any) -> t.Any:
    """The value that a task gets for a variable with this value."""
    templar = Templar(loader=DataLoader(), variables={"variable": value, "hosts": ["one"]})
    return templar.template(templar.available_variables["variable"])


@pytest.mark.parametrize("string", HARMLESS)
def test_harmless_strings_stay_ordinary_strings(string: str) -> None:
    assert is_harmless(string)
    assert without_code(string) == string
    assert evaluated(as_data(string)) == as_data(string) == string
    assert not hasattr(as_data(string), "__UNSAFE__")


@pytest.mark.parametrize("string", HARMFUL)
@pytest.mark.parametrize(
    "shape", [lambda string: string, lambda string: [string], lambda string: {string: {"url": (string, 1)}}], ids=["string", "list", "nested"]
)
def test_harmful_strings_are_never_evaluated(string: str, shape: t.Callable[[str], t.Any]) -> None:
    assert not is_harmless(string)
    assert is_harmless(without_code(string))
    expected = json.loads(json.dumps(shape(string)))
    assert as_data(shape(string)) == expected
    assert evaluated(as_data(shape(string))) == expected
    assert evaluated(as_data(as_data(shape(string)))) == expected


@pytest.mark.parametrize("value", [None, True, 0, 1.5, [], {}])
def test_other_values_are_unchanged(value: t.Any) -> None:
    assert as_data(value) == value
    assert type(as_data(value)) is type(value)


def test_trusted_strings_are_trusted_again_only_if_they_are_harmless() -> None:
    template = pytest.importorskip("ansible.template")
    trust = getattr(template, "trust_as_template", str)
    assert evaluated(as_data(trust("{{ 1 + 1 }}"))) == "{{ 1 + 1 }}"
    is_trusted = getattr(template, "is_trusted_as_template", lambda value: True)
    assert is_trusted(as_data("running"))
