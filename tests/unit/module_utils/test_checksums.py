# Copyright (c) 2026, the alicloud.ehpc contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The checksums in the option scripts."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.alicloud.ehpc.plugins.module_utils._errors import EhpcError
from ansible_collections.alicloud.ehpc.plugins.module_utils._post_scripts import Script, from_option

URL = "https://scripts.example.com/base.sh"
SUM = "0123456789abcdef" * 4


def test_checksums_belong_to_their_scripts() -> None:
    entries: list[dict[str, t.Any]] = [
        {"url": URL, "checksum": "SHA256:" + SUM.upper()},
        {"url": URL},
        {"url": URL, "checksum": None},
        {"url": URL, "checksum": "sha256:" + SUM},
    ]
    assert [script.checksum for script in from_option(entries)] == [SUM, None, None, SUM]
    assert from_option(None) == []


def test_a_checksum_does_not_make_another_script() -> None:
    """The service does not store it, so a list with checksums is equal to the stored one."""
    assert Script(URL, "-x", SUM) == Script(URL, "-x")
    assert Script(URL, "-x", SUM) != Script(URL)


@pytest.mark.parametrize(
    "checksum",
    ["", " ", SUM, "sha256:", f"sha256:{SUM[1:]}", f"sha256:{SUM}0", f"sha256:{SUM}\n", f" sha256:{SUM}", f"sha256: {SUM}", f"md5:{SUM}", "sha256:" + "g" * 64]
    + ["sha256:" + "\u0660" * 64, "sha256:https://user:EXAMPLEpw@example.com/?Signature=EXAMPLEpw"],
)
def test_checksums_that_are_not_valid(checksum: str) -> None:
    with pytest.raises(EhpcError) as caught:
        from_option([{"url": URL}, {"url": URL, "checksum": checksum}])
    assert caught.value.message.startswith("scripts[1].checksum is not a valid SHA-256 checksum: ")
    assert caught.value.code == "InvalidOptions"
    assert "sha256sum" in str(caught.value)
    assert str(caught.value).isprintable()
    assert "EXAMPLEpw" not in str(caught.value)
