# Copyright (c) 2026, the alicloud.ehpc contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The matrix: the releases of ansible-core that are tested, here and on the forge, and those that are left out with a reason."""

from __future__ import annotations

import importlib.util
import re
import typing as t
from pathlib import Path

import pytest
import yaml
from ansible_collections.alicloud.ehpc.tests.support.documents import ROOT


@pytest.fixture
def matrix() -> t.Any:
    spec = importlib.util.spec_from_file_location("matrix", ROOT / "tests/matrix/__main__.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_forge_runs_each_release_on_each_pull_request(matrix: t.Any) -> None:
    workflow = yaml.safe_load((ROOT / ".github/workflows/ci.yml").read_text(encoding="utf-8"))
    assert "pull_request" in workflow["on"]
    job = workflow["jobs"]["matrix"]
    assert "if" not in job
    tested = {entry["release"]: entry["python"] for entry in job["strategy"]["matrix"]["include"]}
    assert tested == {release: pythons[0] for release, pythons in matrix.RELEASES.items()}


def test_contributing_names_each_release(matrix: t.Any) -> None:
    paragraph = next(part for part in (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8").split("\n\n") if part.startswith("`make matrix` runs"))
    assert re.findall(r"\b2\.\d\d\b", paragraph) == list(matrix.RELEASES)


def test_the_oldest_release_is_the_one_that_the_collection_requires(matrix: t.Any) -> None:
    runtime = yaml.safe_load((ROOT / "meta/runtime.yml").read_text(encoding="utf-8"))
    assert runtime["requires_ansible"] == f">={next(iter(matrix.RELEASES))}.0"


def test_a_final_release_comes_before_a_pre_release(matrix: t.Any) -> None:
    assert matrix.specifications("2.22") == ("ansible-core==2.22.*", "ansible-core>=2.22.0a1,<2.23")


@pytest.mark.parametrize(("code", "named"), [(0, False), (1, True)])
def test_pylint_is_left_out_only_if_it_cannot_be_installed(
    matrix: t.Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], code: int, named: bool
) -> None:
    requirements = tmp_path / "lib/python3.13/site-packages/ansible_test/_data/requirements/sanity.pylint.txt"
    requirements.parent.mkdir(parents=True)
    requirements.write_text("astroid==4.0.4\ndill @ https://example.com/dill.zip\n", encoding="utf-8")
    programs = {"python": f"""case "$*" in *dill.zip*) echo Unreachable. >&2; exit {code};; esac""", "ansible-test": """echo "$@" """}
    (tmp_path / "bin").mkdir()
    for name, content in programs.items():
        (tmp_path / "bin" / name).write_text(f"#!/bin/sh\n{content}\n", encoding="utf-8")
        (tmp_path / "bin" / name).chmod(0o755)
    monkeypatch.setattr(matrix, "COPY", tmp_path)
    assert matrix.sanity(tmp_path / "bin/python") == ("passed without pylint" if named else "passed")
    output = capfd.readouterr().out
    assert ("--skip-test pylint" in output) is named
    assert ("dill @ https://example.com/dill.zip: Unreachable." in output) is named
