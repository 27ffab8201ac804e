# Copyright (c) 2026, the alicloud.ehpc contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The execution environment: the output of ansible-builder, up to the build by a container tool."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml
from ansible_collections.alicloud.ehpc.tests.support.awx_data import AWX, BIN, ROOT

PACKAGES = ["aliyun-python-sdk-core", "requests", "alibabacloud-credentials", "alibabacloud-oss-v2"]


def call(*command: str | Path, cwd: Path) -> str:
    environment = {"HOME": str(cwd), "PATH": f"{BIN}:{os.environ['PATH']}", "LC_ALL": "C.UTF-8"}
    ran = subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, timeout=120, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout


@pytest.fixture(scope="module")
def context(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The build context, made as the guide says: the definition and the tarball of the collection in one directory."""
    directory = tmp_path_factory.mktemp("execution-environment")
    shutil.copytree(AWX / "execution-environment", directory, dirs_exist_ok=True)
    call(BIN / "ansible-galaxy", "collection", "build", "--output-path", directory, ROOT, cwd=directory)
    call(BIN / "ansible-builder", "create", "--output-filename", "Containerfile", cwd=directory)
    return directory / "context"


@pytest.fixture(scope="module")
def installed(context: Path) -> Path:
    """The collection, installed as in the image."""
    build = context / "_build"
    call(BIN / "ansible-galaxy", "collection", "install", "--offline", "-r", "requirements.yml", "--collections-path", context / "installed", cwd=build)
    return context / "installed"


def test_the_base_image_can_be_set_in_the_build(context: Path) -> None:
    lines = (context / "Containerfile").read_text(encoding="utf-8").splitlines()
    assert any(line.startswith("ARG EE_BASE_IMAGE=") for line in lines)
    assert "FROM $EE_BASE_IMAGE AS base" in lines
    (packages,) = [line for line in lines if line.startswith("ARG ANSIBLE_INSTALL_REFS=")]
    assert "ansible-core>=2.16.1" in packages
    assert "ansible-runner>=" in packages


def test_the_image_holds_the_collection(installed: Path) -> None:
    collection = installed / "ansible_collections/alicloud/ehpc"
    assert (collection / "playbooks/bootstrap.yml").exists()
    assert (collection / "extensions/audit/event_query.yml").exists()
    assert not (collection / "tests").exists()


def test_the_required_packages(installed: Path) -> None:
    output = call(BIN / "ansible-builder", "introspect", installed, cwd=installed)
    found = yaml.safe_load(output[output.index("---") :])
    lines = found["python"] if isinstance(found["python"], list) else [line for lines in found["python"].values() for line in lines]
    assert [re.split(r"[<>=~! ]", line)[0] for line in lines] == PACKAGES
    assert [line for line in lines if not re.search(r">=[0-9.]+", line)] == [], "each has a lower bound and no upper bound"
    assert not found.get("system")
