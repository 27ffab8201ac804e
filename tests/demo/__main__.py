# Copyright (c) 2026, the alicloud.ehpc contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The main job against the emulator: a preview, the real run, the same again, and what is stored afterwards."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
PLAYBOOK_COMMAND = Path(sys.executable).parent / "ansible-playbook"


def environment(service: dict[str, str]) -> dict[str, str]:
    """The environment of the runs: the credentials as a user would set them, and nothing of the caller's own account."""
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
    """Run a playbook, show its output, and give the number of changed tasks of its recap. Ends the demo where it fails."""
    print(f"\n### {title}\n$ ansible-playbook {' '.join([playbook, *options])}", flush=True)
    run = subprocess.run([PLAYBOOK_COMMAND, HERE / playbook, *options], env=env, stdout=subprocess.PIPE, text=True, check=False)
    print(run.stdout, flush=True)
    if run.returncode != 0:
        sys.exit(f"This run failed with status {run.returncode}.")
    return int(re.search(r"changed=(\d+)", run.stdout).group(1))  # type: ignore[union-attr]


def demonstrate(service: dict[str, str]) -> None:
    """The runs. Ends with an error where one does not show what it should."""
    env = environment(service)
    preview = play("1. What would change? Nothing is written.", "demo.yml", env, "--check", "--diff")
    real = play("2. The real run.", "demo.yml", env)
    again = play("3. The same again: there is nothing left to do.", "demo.yml", env)
    play("What the service has stored now.", "show.yml", env)
    if (preview, real, again) != (2, 2, 0):
        sys.exit(f"The runs should have changed 2, 2 and 0 tasks, not {preview}, {real} and {again}.")
    print("The preview announced what the real run did, and the second run changed nothing.")


def main() -> None:
    """Start the emulator, demonstrate, and end the emulator, whatever happened."""
    with subprocess.Popen([sys.executable, ROOT / "tests" / "emulator"], stdout=subprocess.PIPE, text=True) as emulator:
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
