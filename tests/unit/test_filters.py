# Copyright (c) 2026, the alicloud.ehpc contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The filters as Ansible finds them."""

from __future__ import annotations

from ansible_collections.alicloud.ehpc.plugins.filter.bootstrap import FilterModule
from ansible_collections.alicloud.ehpc.tests.support.documents import ROOT

FILTERS = FilterModule().filters()


def test_each_filter_is_documented() -> None:
    assert sorted(FILTERS) == sorted(path.stem for path in (ROOT / "plugins/filter").glob("*.yml"))


def test_account_names() -> None:
    passwd = {"root": ["x", "0"], "hpcuser02": ["x", "1001"], "hpcuser01": ["x", "1000"], "nobody": ["x", "65534"], "gone": []}
    assert FILTERS["account_names"](passwd, 1000, 1001) == ["hpcuser01", "hpcuser02"]


def test_what_a_filter_returns_is_never_a_template() -> None:
    name = "{{ 1 + 1 }}"
    (found,) = FILTERS["account_names"]({name: ["x", "1000"]}, 1000, 1000)
    assert (found, getattr(found, "__UNSAFE__", True)) == (name, True)
