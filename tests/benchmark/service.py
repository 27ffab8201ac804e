# Copyright (c) 2026, the alicloud.ehpc contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The emulator as a process that reports its calls and connections.

python tests/benchmark/service.py SCENARIO LATENCY: the scenario as JSON. It prints one line of JSON when it is ready, and for each line
on stdin another one with the calls and connections since the last; it ends with its stdin.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from emulator import Emulator


def main() -> None:
    with Emulator(json.loads(sys.argv[1]), latency=float(sys.argv[2])) as emulator:
        ready = {"endpoint": emulator.endpoint, "access_key": emulator.access_key, "secret_key": emulator.secret_key, "region": emulator.region}
        print(json.dumps(ready), flush=True)
        for _line in sys.stdin:
            print(json.dumps({"calls": len(emulator.calls), "connections": emulator.connections}), flush=True)
            emulator.forget()


if __name__ == "__main__":
    main()
