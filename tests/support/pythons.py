# Copyright (c) 2026, the alicloud.ehpc contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The Pythons of this machine, by their versions, and virtual environments of them."""

from __future__ import annotations

import os
import shutil
import subprocess
import typing as t
from pathlib import Path


def find(*versions: str, needs: str = "ensurepip, venv") -> Path | None:
    """The first Python of these versions, on the path or of pyenv, that has the modules it needs: by default those for virtual environments."""
    return next((python for version in versions for python in _candidates(version) if _works(python, version, needs)), None)


def _candidates(version: str) -> t.Iterator[Path]:
    on_path = shutil.which(f"python{version}")
    if on_path:
        yield Path(on_path)
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    yield from sorted(pyenv.glob(f"versions/{version}.*/bin/python{version}"))


def _works(python: Path, version: str, needs: str) -> bool:
    """Pyenv puts programs on the path that only say that there is no such version."""
    check = f"import sys, {needs}; print('%d.%d' % sys.version_info[:2])"
    ran = subprocess.run([python, "-c", check], capture_output=True, text=True, check=False)
    return ran.returncode == 0 and ran.stdout.strip() == version


def environment(directory: Path, python: Path, requirements: Path) -> Path:
    """The directory of programs of a virtual environment, which is created unless it has exactly these requirements."""
    ready, wanted = directory / ".ready", f"{python}\n{requirements.read_text(encoding='utf-8')}"
    if not ready.exists() or ready.read_text(encoding="utf-8") != wanted:
        subprocess.run([python, "-m", "venv", "--clear", directory], check=True)
        subprocess.run([directory / "bin/python", "-m", "pip", "install", "--quiet", "--quiet", "--requirement", requirements], check=True)
        ready.write_text(wanted, encoding="utf-8")
    return directory / "bin"
