# Copyright (c) 2026, the alicloud.ehpc contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""python3 tests/emulator: serves until SIGTERM or SIGINT."""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import signal
import sys
import threading
from pathlib import Path

HERE = Path(__file__).resolve().parent
PACKAGES = {"aiohttp": "aiohttp", "yaml": "PyYAML", "trustme": "trustme"}


def ensure_packages() -> None:
    """Continues with the virtual environment of the checkout if this interpreter lacks a package."""
    missing = [package for module, package in PACKAGES.items() if importlib.util.find_spec(module) is None]
    if not missing:
        return
    environment = HERE.parents[1] / ".venv"
    python = environment / "bin" / "python"
    if python.exists() and Path(sys.prefix).resolve() != environment.resolve():
        os.execv(python, [str(python), str(HERE), *sys.argv[1:]])
    sys.exit(f"emulator: {sys.executable} lacks {', '.join(missing)}; `make setup` installs what is needed")


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="emulator", description="Serves the E-HPC API on loopback.")
    parser.add_argument("--port", type=int, default=0, help="0, the default, picks a free one")
    parser.add_argument("--scenario", metavar="FILE", help="YAML; see README.md beside this program")
    parser.add_argument("--tls", action="store_true", help="https, with a certificate of a throw-away authority")
    parser.add_argument("--latency", type=float, default=0.0, metavar="SECONDS", help="wait before each answer")
    return parser.parse_args()


def main() -> None:
    options = arguments()
    ensure_packages()
    # As a directory on the command line this is sys.path[0]; its modules are those of the package, not top-level ones.
    sys.path[:] = [str(HERE.parent), *(path for path in sys.path if Path(path or ".").resolve() != HERE)]
    from emulator import Emulator, ScenarioError

    ending = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda _number, _frame: ending.set())
    try:
        emulator = Emulator(options.scenario, tls=options.tls, latency=options.latency, port=options.port).start()
    except (ScenarioError, OSError, OverflowError) as error:
        sys.exit(f"emulator: {error}")
    ready = {
        "endpoint": emulator.endpoint,
        "access_key": emulator.access_key,
        "secret_key": emulator.secret_key,
        "region": emulator.region,
    }
    if emulator.state.buckets:
        ready["oss_internal_endpoint"] = emulator.internal_endpoint
    if emulator.ca_path:
        ready["ca_path"] = emulator.ca_path
    print(json.dumps(ready), flush=True)
    ending.wait()
    emulator.stop()


if __name__ == "__main__":
    main()
