# Copyright (c) 2026, the alicloud.ehpc contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The examples against the emulator: from scripts in a repository to what they write on nodes, new and old ones."""

from __future__ import annotations

import difflib
import os
import re
import shutil
import subprocess
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
COLLECTIONS = ROOT / "build" / "collections"
PLAYBOOK_COMMAND = Path(sys.executable).parent / "ansible-playbook"
CLUSTER = "ehpc-hz-EXAMPLE"
# The file that the scripts of the examples write.
WRITTEN = "node.conf"

sys.path.insert(0, str(COLLECTIONS))

from ansible_collections.alicloud.ehpc.tests.emulator import Emulator  # noqa: E402


def environment(emulator: Emulator) -> dict[str, str]:
    """The environment of the runs: credentials as users set them, and nothing of the account of the caller."""
    foreign = re.compile(r"(?i)^(ALIBABA_?CLOUD|ALICLOUD|ALIYUN|https?_proxy|all_proxy)")
    return {
        **{name: value for name, value in os.environ.items() if not foreign.match(name)},
        "ALIBABA_CLOUD_ACCESS_KEY_ID": emulator.access_key,
        "ALIBABA_CLOUD_ACCESS_KEY_SECRET": emulator.secret_key,
        "ALIBABA_CLOUD_REGION_ID": emulator.region,
        "ALIBABA_CLOUD_EHPC_ENDPOINT": emulator.endpoint,
        "ALIBABA_CLOUD_OSS_ENDPOINT": emulator.endpoint,
        "ANSIBLE_COLLECTIONS_PATH": str(COLLECTIONS),
        "ANSIBLE_LOCALHOST_WARNING": "false",
        "ANSIBLE_INVENTORY_UNPARSED_WARNING": "false",
    }


class Demo:
    """A repository with the examples, and the emulated service."""

    def __init__(self, emulator: Emulator, repository: Path) -> None:
        self.emulator, self.repository = emulator, repository
        shutil.copytree(ROOT / "examples", repository, dirs_exist_ok=True)

    def play(self, title: str, playbook: str, *options: str, changes: int | None = None) -> None:
        """Run a playbook and print its output. The demo ends if it fails, or changes another number of tasks."""
        print(f"\n### {title}\n$ ansible-playbook {' '.join([playbook, *options])}", flush=True)
        command = [str(PLAYBOOK_COMMAND), playbook, *options]
        run = subprocess.run(command, cwd=self.repository, env=environment(self.emulator), stdout=subprocess.PIPE, text=True, check=False)
        print(run.stdout, flush=True)
        if run.returncode != 0:
            sys.exit(f"The run failed with exit status {run.returncode}.")
        changed = int(re.search(r"changed=(\d+)", run.stdout).group(1))  # type: ignore[union-attr]
        if changes not in (None, changed):
            sys.exit(f"The run should have changed {changes} tasks, not {changed}.")

    def edit(self, title: str, name: str, old: str, new: str) -> None:
        """Change a file of the repository, and print the difference."""
        file = self.repository / name
        before = file.read_text(encoding="utf-8")
        after = before.replace(old, new)
        file.write_text(after, encoding="utf-8")
        print(f"\n### {title}")
        sys.stdout.writelines(difflib.unified_diff(before.splitlines(True), after.splitlines(True), f"a/{name}", f"b/{name}"))

    def show(self, node_id: str, host_name: str) -> str:
        """Print what the scripts have left on a node, and return the content of their file."""
        directory = self.emulator.state.machines.directory(node_id)
        written = (directory / WRITTEN).read_text(encoding="utf-8")
        logs = sorted(path.name for path in (directory / "log").iterdir())
        print(f"On {host_name}, /root/{WRITTEN}:\n{written}and in /var/log/ehpc-post-scripts: {', '.join(logs)}\n", flush=True)
        return written

    def join(self, title: str, node_id: str, host_name: str) -> None:
        """Add a node to the cluster, which runs the scripts of the cluster when it is initialized."""
        print(f"\n### {title}")
        nodes = self.emulator.state.clusters[CLUSTER].nodes
        nodes.append(replace(nodes[0], id=node_id, host_name=host_name))
        record = self.emulator.initialize(CLUSTER, node_id)
        print(f"{host_name} fetches the bundle and runs it:\n{record.message}", flush=True)
        if record.exit_code != 0:
            sys.exit(f"The bundle failed with exit status {record.exit_code}.")


def demonstrate(demo: Demo) -> None:
    """The runs. Exits with an error if a run does not show what it should."""
    on_nodes = ("-e", "ehpc_bootstrap_run_on_nodes=compute")
    demo.play("1. Check mode: what would change? Nothing is written.", "site.yml", "--check", "--diff", changes=3)
    demo.play("2. The run: publish the scripts as a bundle, set it, synchronize the users.", "site.yml", changes=3)
    demo.play("3. The same again: nothing is left to do.", "site.yml", changes=0)

    demo.edit("4. A script changes in the repository.", "scripts/base.sh", 'echo "mode=$2"', 'echo "mode=$2 version=2"')
    demo.play("So the bundle has another checksum, and another URL.", "site.yml", "--check", "--diff", changes=2)
    demo.play("5. The new version is set, and the existing nodes run it.", "site.yml", *on_nodes, changes=3)
    old = demo.show("i-EXAMPLE0", "compute000")

    demo.join("6. A node joins the cluster.", "i-EXAMPLE2", "compute002")
    new = demo.show("i-EXAMPLE2", "compute002")
    demo.play("7. The same again: the new node has the marker, too, and no node runs the scripts twice.", "site.yml", *on_nodes, changes=0)
    demo.play("The stored state.", "show.yml")
    if not old == new == "mode=hybrid version=2\nexport='nas.example.com:/data set' options=vers=3,nolock\n":
        sys.exit(f"The nodes should have the same configuration, of version 2: {old!r} and {new!r}.")
    print("Check mode announced the changes of the run, a second run changed nothing, and old and new nodes have run the same scripts, once.")


def main() -> None:
    """Run the demo against an emulator, which ends with it."""
    with Emulator(HERE / "scenario.yml") as emulator, tempfile.TemporaryDirectory(prefix="ehpc-demo-") as directory:
        print(f"An emulated E-HPC service runs at {emulator.endpoint}.")
        demonstrate(Demo(emulator, Path(directory)))


if __name__ == "__main__":
    main()
