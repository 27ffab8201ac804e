# Copyright (c) 2026, the alicloud.ehpc contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Prove that `make demo` and `make test` work for an ordinary user of a minimal system, at a path with a space.

python3 tests/check/fresh.py [ARGUMENT OF MAKE TEST...], for example TESTS=tests/unit

The system is Debian 13 without recommended packages, and with git, make, python3 and python3-venv. debootstrap creates it in a temporary
directory. Commands run there with chroot in namespaces of their own, which end with them: neither processes nor mounts are left. The first
run has no network and must say so; the last run has none either and must work.
"""

from __future__ import annotations

import ast
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import typing as t
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SUITE, PACKAGES = "trixie", ("git", "make", "python3", "python3-venv")
SOURCES = (Path("/etc/apt/sources.list"), *sorted(Path("/etc/apt/sources.list.d").glob("*")))
USER, CHECKOUT = "tester", "/home/tester/alicloud ehpc"
MAX_SECONDS = int(os.environ.get("FRESH_MAX_SECONDS", "3600"))
NAMESPACES = ("unshare", "--mount", "--propagation", "private", "--pid", "--fork", "--kill-child")
# Arguments: the Python of this machine, the root, the user and a script. Without network, loopback is there but not up.
ENTER = """\
mount -t proc proc "$2/proc"
mount -t tmpfs tmpfs "$2/dev/shm"
mount -t devpts -o newinstance,ptmxmode=0666,mode=0620 devpts "$2/dev/pts"
"$1" -c '
import fcntl, socket, struct
fcntl.ioctl(socket.socket(), 0x8914, struct.pack("16sh14x", b"lo", 1))'
exec chroot --userspec="$3:$3" "$2" sh -ec "$4"
"""


def obstacles() -> list[str]:
    found = []
    if os.geteuid() != 0:
        found.append("debootstrap and chroot require root")
    if not shutil.which("debootstrap"):
        found.append("debootstrap is not installed")
    elif not Path("/usr/share/debootstrap/scripts", SUITE).exists():
        found.append(f"this debootstrap is too old for {SUITE}")
    if not shutil.which("unshare"):
        found.append("unshare is not installed")
    return found


def mirror(sources: t.Iterable[Path]) -> list[str]:
    """The Debian mirror of this machine; without one, debootstrap has its own default."""
    for path in sources:
        found = re.search(r"^(?:URIs:|deb)\s.*?(https?://\S+/debian)/?(?:\s|$)", path.read_text(encoding="utf-8"), re.MULTILINE) if path.is_file() else None
        if found and path.suffix in (".list", ".sources"):
            return [found.group(1)]
    return []


def network(root: Path) -> dict[str, str]:
    """Give the root the way to the network that this machine has: name servers, proxies, and what pip is configured with."""
    shutil.copy("/etc/resolv.conf", root / "etc/resolv.conf")
    environment = {name: value for name, value in os.environ.items() if name.lower() in ("http_proxy", "https_proxy", "no_proxy")}
    listed = subprocess.run([sys.executable, "-m", "pip", "config", "list"], capture_output=True, text=True, check=True).stdout
    settings = re.findall(r"^(\S+)\.([a-z-]+)=(.*)$", listed, re.MULTILINE)
    # Variables of the environment take precedence over files.
    for _source, name, value in sorted(settings, key=lambda setting: setting[0].startswith(":env:")):
        if name in ("index-url", "proxy", "trusted-host", "cert", "timeout", "default-timeout"):
            environment[f"PIP_{name.upper().replace('-', '_')}"] = str(ast.literal_eval(value))
    if "PIP_CERT" in environment:
        shutil.copy(environment["PIP_CERT"], root / "etc/ssl/of-the-host.pem")
        environment["PIP_CERT"] = "/etc/ssl/of-the-host.pem"
    return environment


def copy_checkout(root: Path) -> None:
    """What git tracks or would track, as a repository of the user."""
    command = ["git", "-c", "safe.directory=*", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    for name in subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split("\0"):
        if name and (ROOT / name).is_file():
            target = root / CHECKOUT[1:] / name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, target)


class Machine:
    """A root and the time that is left for it."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.end = time.monotonic() + MAX_SECONDS
        self.environment = {"HOME": f"/home/{USER}", "USER": USER, "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8"}

    def run(self, title: str, command: t.Sequence[str], wrong: str = "", **options: t.Any) -> None:
        """Run a command; it must succeed or, if there is `wrong`, fail with these words."""
        print(f"\n=== {title}", flush=True)
        begun = time.monotonic()
        outputs: dict[str, t.Any] = {"stderr": subprocess.PIPE, "text": True} if wrong else {}
        ran = subprocess.run([*NAMESPACES, *command], timeout=self.end - begun, check=False, **outputs, **options)
        if (ran.returncode == 0) == bool(wrong) or wrong not in (ran.stderr or ""):
            sys.exit(f"make fresh: failed: {title}: exit status {ran.returncode}\n{ran.stderr or ''}")
        print(f"=== {title}: {time.monotonic() - begun:.0f} s", flush=True)

    def shell(self, title: str, script: str, user: str = USER, online: bool = True, wrong: str = "") -> None:
        command = [*([] if online else ["--net"]), "sh", "-ec", ENTER, "sh", sys.executable, str(self.root), user, script]
        self.run(title, command, wrong, env=self.environment)


def prove(machine: Machine, arguments: list[str]) -> None:
    root, inside = machine.root, f"cd {shlex.quote(CHECKOUT)}"
    system = ["debootstrap", "--variant=minbase", f"--include={','.join(PACKAGES)}", SUITE, str(root), *mirror(SOURCES)]
    machine.run(f"Debian {SUITE} with {', '.join(PACKAGES)}", system, stdout=subprocess.DEVNULL)
    copy_checkout(root)
    machine.shell("An ordinary user with a checkout", f"useradd --create-home {USER}; chown --recursive {USER}: /home/{USER}", user="root")
    machine.shell("What the system lacks", f"{inside}; git init --quiet; git add --all; for name in curl wget ssh; do ! command -v $name; done")
    machine.shell("The first run, without network", f"{inside}; PIP_RETRIES=0 make demo", online=False, wrong="Only the first run downloads packages.")
    machine.environment |= network(root)
    machine.shell("make demo", f"{inside}; make demo")
    machine.shell("make test", f"{inside}; make test {shlex.join(arguments)}")
    machine.shell("make demo again, without network", f"{inside}; make demo >/dev/null", online=False)


def main() -> None:
    if found := obstacles():
        sys.exit(f"make fresh: cannot run here, so nothing is proven: {'; '.join(found)}.")
    signal.signal(signal.SIGTERM, lambda _number, _frame: sys.exit("make fresh: ended by a signal"))
    directory = Path(tempfile.mkdtemp(prefix="ehpc-fresh-"))
    directory.chmod(0o755)
    try:
        prove(Machine(directory), sys.argv[1:])
    except subprocess.TimeoutExpired:
        sys.exit(f"make fresh: not finished after {MAX_SECONDS} s; FRESH_MAX_SECONDS raises the limit")
    finally:
        if str(directory) in Path("/proc/self/mountinfo").read_text(encoding="utf-8"):
            sys.exit(f"make fresh: {directory} still has mounts; remove them and the directory")
        shutil.rmtree(directory)
    print(f"\nmake fresh: passed for an ordinary user of a minimal Debian: make demo, make test {shlex.join(sys.argv[1:])}")


if __name__ == "__main__":
    main()
