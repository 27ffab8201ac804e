# Copyright (c) 2026, the alicloud.ehpc contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The examples against the emulator: check mode, a run, the same again, and the stored state afterwards."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
EXAMPLES = ROOT / "examples"
PLAYBOOK_COMMAND = Path(sys.executable).parent / "ansible-playbook"


def environment(service: dict[str, str]) -> dict[str, str]:
    """The environment of the runs: credentials as users set them, and nothing of the account of the caller."""
    foreign = re.compile(r"(?i)^(ALIBABA_?CLOUD|ALICLOUD|ALIYUN|https?_proxy|all_proxy)")
    return {
        **{name: value for name, value in os.environ.items() if not foreign.match(name)},
        "ALIBABA_CLOUD_ACCESS_KEY_ID": service["access_key"],
        "ALIBABA_CLOUD_ACCESS_KEY_SECRET": service["secret_key"],
        "ALIBABA_CLOUD_REGION_ID": service["region"],
        "ALIBABA_CLOUD_EHPC_ENDPOINT": service["endpoint"],
        "ANSIBLE_COLLECTIONS_PATH": str(ROOT / "build" / "collections"),
        "ANSIBLE_LOCALHOST_WARNING": "false",
        "ANSIBLE_INVENTORY_UNPARSED_WARNING": "false",
    }


def play(title: str, playbook: str, env: dict[str, str], *options: str) -> int:
    """Run a playbook, print its output, and return the number of changed tasks in its recap. The demo ends if it fails."""
    print(f"\n### {title}\n$ ansible-playbook {' '.join([playbook, *options])}", flush=True)
    run = subprocess.run([PLAYBOOK_COMMAND, EXAMPLES / playbook, *options], env=env, stdout=subprocess.PIPE, text=True, check=False)
    print(run.stdout, flush=True)
    if run.returncode != 0:
        sys.exit(f"The run failed with exit status {run.returncode}.")
    return int(re.search(r"changed=(\d+)", run.stdout).group(1))  # type: ignore[union-attr]


def demonstrate(service: dict[str, str]) -> None:
    """The runs. Exits with an error if a run does not show what it should."""
    env = environment(service)
    # No server has the scripts of the examples, so they cannot be downloaded and checked.
    unchecked = ("-e", "ehpc_bootstrap_preflight=off")
    preview = play("1. Check mode: what would change? Nothing is written.", "site.yml", env, "--check", "--diff", *unchecked)
    real = play("2. The run.", "site.yml", env, *unchecked)
    again = play("3. The same again: nothing is left to do.", "site.yml", env, *unchecked)
    play("The stored state.", "show.yml", env)
    if (preview, real, again) != (2, 2, 0):
        sys.exit(f"The runs should have changed 2, 2 and 0 tasks, not {preview}, {real} and {again}.")
    print("Check mode announced the changes of the run, and the second run changed nothing.")


def main() -> None:
    """Run the demo against an emulator, which ends with it."""
    command: list[str | Path] = [sys.executable, ROOT / "tests" / "emulator", "--scenario", HERE / "scenario.yml"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as emulator:
        try:
            ready = emulator.stdout.readline()  # type: ignore[union-attr]
            if not ready:
                sys.exit("The emulator did not start.")
            service = json.loads(ready)
            print(f"An emulated E-HPC service runs at {service['endpoint']}.")
            demonstrate(service)
        finally:
            emulator.terminate()


if __name__ == "__main__":
    main()
