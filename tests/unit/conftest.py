# Copyright (c) 2026, the alicloud.ehpc contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Fixtures of the unit tests."""

from __future__ import annotations

import typing as t
from collections.abc import Iterator

import pytest
from ansible_collections.alicloud.ehpc.plugins.module_utils._errors import EhpcError
from ansible_collections.alicloud.ehpc.tests.support import scripted
from ansible_collections.alicloud.ehpc.tests.support.wording import is_sentence, own_words


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> Iterator[scripted.Service]:
    """A service that follows a script, without passing time and randomness."""
    yield from scripted.use(monkeypatch)


@pytest.fixture(autouse=True)
def whole_sentences(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Check that the messages of all failures in a test are complete sentences."""
    told: list[EhpcError] = []
    create = EhpcError.__init__

    def remember(error: EhpcError, *args: t.Any, **kwargs: t.Any) -> None:
        create(error, *args, **kwargs)
        told.append(error)

    monkeypatch.setattr(EhpcError, "__init__", remember)
    yield
    assert [text for error in told for text in own_words(error) if not is_sentence(text)] == []
