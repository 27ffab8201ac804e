# Copyright (c) 2026, the alicloud.ehpc contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The cost of a task in the worker and as a process, compared with a task of Ansible itself and with a script without Ansible.

python tests/benchmark [--repeats N] [--only NUMBER]... [--patience SECONDS]

Everything is measured as whole programs, several times in turn, so that other load on the machine affects all
alike; medians are shown. Only the ratios within one run apply to other machines. With patience, the benchmark waits for other programs to leave the
processors alone, and repeats a run that they disturbed, as long as it lasts.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import statistics
import subprocess
import sys
import tempfile
import time
import typing as t
from dataclasses import dataclass, field
from functools import partial
from importlib.metadata import version
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
RESULTS = HERE / "RESULTS.md"
sys.path.insert(0, str(HERE.parent))

from support.environment import is_foreign  # noqa: E402

LATENCY = 0.02
FORKS = 20
# The role is compared with a play of this many tasks that do nothing.
DEBUGS = 8
# The maximum number of processors that other programs may use during a valid run.
DISTURBING = 0.15
SCRIPTS = [{"url": "https://scripts.example.com/base.sh", "args": "--mode base"}, {"url": "https://scripts.example.com/mount.sh", "args": ""}]
USERS = ["hpcuser01", "hpcuser02"]
CLUSTER = {"location": "OnPremise", "proxy_mode": True, "post_scripts": SCRIPTS, "users": USERS, "on_premise_users": USERS}
# The variables of a cluster in the inventory.
VARIABLES = ("cluster_id", "cluster_name", "status", "region", "location", "scheduler_type", "account_type", "deploy_mode", "create_time")
REGIONS = ["cn-hangzhou", "cn-shanghai", "ap-southeast-1"]
SPREAD = {"generate": {"clusters": 1000, "regions": REGIONS, "cluster": CLUSTER}}
SCENARIO = {"generate": {"clusters": 1000, "cluster": CLUSTER}}
PACKAGES = ("ansible-core", "aliyun-python-sdk-core", "alibabacloud-oss-v2", "requests", "Jinja2", "PyYAML")
HEADER = """\
<!--
Copyright (c) 2026, the alicloud.ehpc contributors
GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
SPDX-License-Identifier: GPL-3.0-or-later
-->
"""


class Measured(t.NamedTuple):
    """One run of a program."""

    seconds: float
    processor: float  # seconds of processor time, with all its children
    megabytes: float  # of its largest process
    calls: int
    connections: int
    others: float  # the number of processors that other programs used during the run


@dataclass
class Series:
    """The runs of one variant."""

    runs: list[Measured] = field(default_factory=list)

    @property
    def seconds(self) -> float:
        return statistics.median(run.seconds for run in self.runs)

    @property
    def processor(self) -> float:
        return statistics.median(run.processor for run in self.runs)

    @property
    def megabytes(self) -> float:
        return max(run.megabytes for run in self.runs)

    @property
    def connections(self) -> int:
        return max(run.connections for run in self.runs)

    @property
    def calls(self) -> int:
        return max(run.calls for run in self.runs)


class Bench:
    """Runs programs against the emulator."""

    def __init__(self, directory: Path, service: subprocess.Popen[str], patience: float) -> None:
        self.directory = directory
        self.others = 0.0
        self._service = service
        self.patience = patience
        self._deadline = time.monotonic() + patience
        ready = json.loads(self._answer())
        (directory / "ansible.cfg").touch()
        self.environment = {
            **{name: value for name, value in os.environ.items() if not is_foreign(name) and not name.startswith(("ANSIBLE_", "PYTHON"))},
            "HOME": str(directory),
            "ALIBABA_CLOUD_ACCESS_KEY_ID": ready["access_key"],
            "ALIBABA_CLOUD_ACCESS_KEY_SECRET": ready["secret_key"],
            "ALIBABA_CLOUD_REGION_ID": ready["region"],
            "ALIBABA_CLOUD_EHPC_ENDPOINT": ready["endpoint"],
            "ANSIBLE_COLLECTIONS_PATH": str(ROOT / "build" / "collections"),
            "ANSIBLE_CONFIG": str(directory / "ansible.cfg"),
            "ANSIBLE_FORKS": str(FORKS),
            "ANSIBLE_HOME": str(directory / "ansible"),
            "ANSIBLE_LOCALHOST_WARNING": "false",
            "ANSIBLE_INVENTORY_UNPARSED_WARNING": "false",
            "LC_ALL": "C.UTF-8",
        }

    def _answer(self) -> str:
        assert self._service.stdout is not None
        return self._service.stdout.readline() or sys.exit("The emulator has ended.")

    def seen(self) -> dict[str, int]:
        """The calls and connections since the last call of this method."""
        assert self._service.stdin is not None
        print(file=self._service.stdin, flush=True)
        return t.cast("dict[str, int]", json.loads(self._answer()))

    def run(self, command: list[str], given: str = "") -> Measured:
        """Run a program until it ends. With patience, wait for an undisturbed run."""
        run = self._run(command, given)
        while run.others > DISTURBING and time.monotonic() < self._deadline:
            print(f"  disturbed: other programs used {run.others:.2f} processors", flush=True)
            while self._busy_elsewhere() > DISTURBING and time.monotonic() < self._deadline:
                pass
            run = self._run(command, given)
        self.others = max(self.others, run.others)
        return run

    def _busy_elsewhere(self) -> float:
        busy, begin = busy_seconds(), time.monotonic()
        time.sleep(3)
        return (busy_seconds() - busy) / (time.monotonic() - begin)

    def _run(self, command: list[str], given: str) -> Measured:
        self.seen()
        with tempfile.TemporaryFile("w+") as output, tempfile.TemporaryFile("w+") as read:
            read.write(given)
            read.seek(0)
            begin, busy, serving = time.monotonic(), busy_seconds(), seconds_of(self._service.pid)
            process = subprocess.Popen(command, cwd=self.directory, env=self.environment, stdin=read, stdout=output, stderr=subprocess.STDOUT)
            _pid, status, usage = os.wait4(process.pid, 0)
            seconds = time.monotonic() - begin
            processor = usage.ru_utime + usage.ru_stime
            others = (busy_seconds() - busy - processor - (seconds_of(self._service.pid) - serving)) / seconds
            process.returncode = os.waitstatus_to_exitcode(status)
            if process.returncode != 0:
                output.seek(0)
                sys.exit(f"{' '.join(command)}\n{output.read()[-4000:]}")
        return Measured(seconds, processor, usage.ru_maxrss / 1024, others=max(others, 0.0), **self.seen())

    def ansible(self, playbook: str, inventory: Path | None, **variables: t.Any) -> Measured:
        command = [str(Path(sys.executable).with_name("ansible-playbook")), playbook]
        command += ["--inventory", str(inventory)] if inventory else []
        command += ["--extra-vars", json.dumps(variables)] if variables else []
        return self.run(command)

    def playbook(self, name: str, hosts: str, tasks: list[dict[str, t.Any]]) -> str:
        path = self.directory / f"{name}.yml"
        path.write_text(json.dumps([{"hosts": hosts, "gather_facts": False, "tasks": tasks}]), encoding="utf-8")
        return str(path)

    def inventory(self, count: int) -> Path:
        variables = {"ansible_connection": "local", "ansible_python_interpreter": "{{ ansible_playbook_python }}"}
        path = self.directory / f"inventory-{count}.json"
        hosts = {name: {"ehpc_cluster_id": name} for name in clusters(count)}
        path.write_text(json.dumps({"all": {"hosts": hosts, "vars": variables}}), encoding="utf-8")
        return path


def busy_seconds() -> float:
    """The busy time of all processors of this machine together; 0 if the system does not report it."""
    stat = Path("/proc/stat")
    if not stat.exists():
        return 0.0
    user, nice, system, _idle, _waiting, interrupts, soft = (int(word) for word in stat.read_text(encoding="ascii").split()[1:8])
    return (user + nice + system + interrupts + soft) / os.sysconf("SC_CLK_TCK")


def seconds_of(pid: int) -> float:
    """The processor time of a process so far."""
    stat = Path(f"/proc/{pid}/stat")
    if not stat.exists():
        return 0.0
    words = stat.read_text(encoding="utf-8").rpartition(")")[2].split()
    return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")


def clusters(count: int) -> list[str]:
    return [f"ehpc-hz-fleet{number:05d}" for number in range(1, count + 1)]


def in_turn(repeats: int, variants: t.Mapping[str, t.Callable[[], Measured]]) -> dict[str, Series]:
    """Run all variants in turn, this many times."""
    series = {name: Series() for name in variants}
    for repeat in range(repeats):
        for name, variant in variants.items():
            series[name].runs.append(variant())
            run = series[name].runs[-1]
            print(f"  {repeat + 1}/{repeats} {name}: {run.seconds:.2f} s, {run.calls} calls, others {run.others:.2f}", flush=True)
    return series


@dataclass
class Chapter:
    """One comparison, as text for the results."""

    title: str
    columns: list[str]
    rows: list[list[str]]
    verdicts: list[str]

    def __str__(self) -> str:
        lines = [f"## {self.title}", "", "| " + " | ".join(self.columns) + " |", "| --- " + "| ---: " * (len(self.columns) - 1) + "|"]
        lines += ["| " + " | ".join(row) + " |" for row in self.rows]
        return "\n".join([*lines, "", *(f"- {verdict}" for verdict in self.verdicts), ""])


def verdict(what: str, value: float, limit: float) -> str:
    return f"{'Holds' if value <= limit else '**Missed**'}: {what}: {value:.2f}, at most {limit:.2f}."


def of_tasks(title: str, found: dict[str, Series], unit: int) -> tuple[Chapter, dict[str, float]]:
    """A comparison of tasks: the time of the run, and less that of the same play without a task."""
    empty, ping = found["no task"], found["ansible.builtin.ping"]
    costs = {name: series.seconds - empty.seconds for name, series in found.items()}
    rows = []
    for name, series in found.items():
        row = [name, f"{series.seconds:.2f} s", f"{series.processor:.2f} s"]
        if series is empty:
            row += [""] * 4
        else:
            processor = (series.processor - empty.processor) / (ping.processor - empty.processor)
            row += [f"{costs[name]:.2f} s", f"{1000 * costs[name] / unit:.0f} ms", f"{costs[name] / costs['ansible.builtin.ping']:.2f}", f"{processor:.2f}"]
        rows.append([*row, str(series.connections)])
    columns = ["variant", "run", "processor time", "run minus no task", "for each", "ratio to ping", "ratio of processor time", "connections"]
    return Chapter(title, columns, rows, []), costs


def variants_of(bench: Bench, hosts: str, inventory: Path | None, **keywords: t.Any) -> dict[str, t.Callable[[], Measured]]:
    options = {"cluster_id": "{{ item | default(ehpc_cluster_id) }}", "scripts": SCRIPTS}
    module = bench.playbook(f"module-{hosts}", hosts, [{"alicloud.ehpc.post_scripts": options, **keywords}])
    ping = bench.playbook(f"ping-{hosts}", hosts, [{"ansible.builtin.ping": {}, **keywords}])
    debug = bench.playbook(f"debug-{hosts}", hosts, [{"ansible.builtin.debug": {"msg": "{{ item | default(ehpc_cluster_id) }}"}, **keywords}])
    empty = bench.playbook(f"empty-{hosts}", hosts, [])
    return {
        "no task": lambda: bench.ansible(empty, inventory),
        "post_scripts in the worker": lambda: bench.ansible(module, inventory),
        "post_scripts as a process": lambda: bench.ansible(module, inventory, ehpc_in_process=False),
        "ansible.builtin.ping": lambda: bench.ansible(ping, inventory),
        "ansible.builtin.debug": lambda: bench.ansible(debug, inventory),
    }


def hosts_chapter(bench: Bench, repeats: int) -> Chapter:
    count = 100
    found = in_turn(repeats, variants_of(bench, "all", bench.inventory(count)))
    chapter, costs = of_tasks(f"1. One task on {count} clusters as hosts, {FORKS} forks, nothing to change", found, count)
    worker = costs["post_scripts in the worker"]
    waiting = LATENCY * count / FORKS
    limit = 2 * costs["ansible.builtin.debug"] + waiting
    chapter.verdicts += [
        verdict("the cost in the worker relative to that of ping", worker / costs["ansible.builtin.ping"], 0.15),
        verdict(f"seconds in the worker, compared with twice those of debug plus {waiting:.1f} s of latency", worker, limit),
    ]
    return chapter


def loop_chapter(bench: Bench, repeats: int) -> Chapter:
    count = 100
    found = in_turn(repeats, variants_of(bench, "localhost", None, loop=clusters(count)))
    chapter, _costs = of_tasks(f"2. A loop of {count} iterations on localhost", found, count)
    chapter.verdicts.append(verdict("connections of the loop in the worker", found["post_scripts in the worker"].connections, 1))
    return chapter


def role_chapter(bench: Bench, repeats: int, few: int = 100, many: int = 1000) -> Chapter:
    variables = {"ehpc_bootstrap_hosts": "all", "ehpc_bootstrap_post_scripts": SCRIPTS, "ehpc_bootstrap_expected_users": USERS}
    # These scripts do not exist, and the time to download them is not that of the role.
    variables["ehpc_bootstrap_preflight"] = "off"
    debug = bench.playbook("debugs", "all", [{"ansible.builtin.debug": {"msg": "{{ ehpc_cluster_id }}"}}] * DEBUGS)

    def converged(count: int) -> Measured:
        run = bench.ansible("alicloud.ehpc.bootstrap", bench.inventory(count), **variables)
        if run.calls > 3 * count:
            sys.exit(f"{run.calls} calls for {count} clusters are more than reads: the role has changed something.")
        return run

    variants: dict[str, tuple[int, t.Callable[[], Measured]]] = {
        f"the role, {few} clusters": (few, lambda: converged(few)),
        f"{DEBUGS} tasks of ansible.builtin.debug, {few} clusters": (few, lambda: bench.ansible(debug, bench.inventory(few))),
        f"the role, {many} clusters": (many, lambda: converged(many)),
    }
    found = in_turn(repeats, {name: run for name, (_count, run) in variants.items()})
    rows = []
    for name, (count, _run) in variants.items():
        series = found[name]
        cells = [f"{series.seconds:.1f} s", f"{series.seconds / count:.3f} s", f"{series.processor:.1f} s", f"{series.processor / count:.3f} s"]
        rows.append([name, *cells, f"{series.calls / count:.1f}", f"{series.megabytes:.0f} MB"])
    role, debugs, large = found.values()
    return Chapter(
        f"3. The converged role over many clusters, {FORKS} forks",
        ["variant", "run", "for each", "processor time", "for each", "calls for each", "largest process"],
        rows,
        [
            verdict(f"processor time of the role relative to that of {DEBUGS} debug tasks", role.processor / debugs.processor, 1.4),
            verdict(f"seconds for each of {many:,}, relative to those for each of {few}", large.seconds / many / (role.seconds / few), 1.2),
            verdict("megabytes of the largest process", large.megabytes, 300),
        ],
    )


def floor_chapter(bench: Bench, repeats: int) -> Chapter:
    given = "\n".join(clusters(100))
    sdk = [sys.executable, str(HERE / "sdk.py")]
    role = ["DescribeCluster", "GetPostScripts", "ListUsers"]
    variants = {
        f"{name}, {threads} thread{'s' if threads > 1 else ''}": partial(bench.run, [*sdk, str(threads), *actions], given)
        for name, actions in (("the call of 1 and 2", ["GetPostScripts"]), ("the calls of 3", role))
        for threads in (1, FORKS)
    }
    found = in_turn(repeats, variants)
    rows = [[name, f"{series.seconds:.2f} s", f"{10 * series.seconds:.0f} ms", str(series.calls), str(series.connections)] for name, series in found.items()]
    columns = ["variant", "whole run", "for each cluster", "calls", "connections"]
    return Chapter("4. The same calls for 100 clusters by a script with the SDK, without Ansible", columns, rows, [])


def process_chapter(bench: Bench, repeats: int) -> Chapter:
    found = in_turn(3 * repeats, variants_of(bench, "localhost", None, vars={"ehpc_cluster_id": clusters(1)[0]}))
    chapter, _costs = of_tasks("5. One task on localhost, start to end", found, 1)
    ratio = found["post_scripts as a process"].seconds / found["ansible.builtin.ping"].seconds
    chapter.verdicts.append(verdict("the run as a process relative to that with ping", ratio, 1.6))
    return chapter


def inventory_chapter(bench: Bench, repeats: int) -> Chapter:
    directory = bench.directory / "spread"
    directory.mkdir()
    with service(SPREAD) as running:
        spread = Bench(directory, running, bench.patience)
        del spread.environment["ALIBABA_CLOUD_REGION_ID"]
        source, file = directory / "all.ehpc.yml", directory / "same.json"
        source.write_text(json.dumps({"plugin": "alicloud.ehpc.ehpc", "regions": REGIONS}), encoding="utf-8")
        variables = {"ansible_connection": "local"} | {f"ehpc_{name}": "ehpc-hz-EXAMPLE" for name in VARIABLES}
        file.write_text(json.dumps({"all": {"hosts": dict.fromkeys(clusters(1000), variables)}}), encoding="utf-8")
        inventory = str(Path(sys.executable).with_name("ansible-inventory"))
        variants = {
            "ansible-inventory": [inventory, "--inventory", str(source), "--list"],
            "a script with the SDK, a thread for each region": [sys.executable, str(HERE / "sdk_list.py"), "regions", *REGIONS],
            "a script with the SDK, 8 threads for all pages": [sys.executable, str(HERE / "sdk_list.py"), "pages", *REGIONS],
            "ansible-inventory, the same hosts and variables from a file": [inventory, "--inventory", str(file), "--list"],
        }
        found = in_turn(3 * repeats, {name: partial(spread.run, command) for name, command in variants.items()})
        running.communicate()
    bench.others = max(bench.others, spread.others)
    rows = [[name, f"{series.seconds:.2f} s", str(series.calls)] for name, series in found.items()]
    verdicts = [
        verdict(f"the time of the inventory relative to that of {name}", found["ansible-inventory"].seconds / series.seconds, 3.0)
        for name, series in found.items()
        if "script" in name
    ]
    return Chapter(f"6. A list of 1,000 clusters in {len(REGIONS)} regions", ["variant", "whole run", "calls"], rows, verdicts)


def drift_chapter(bench: Bench, repeats: int, few: int = 1000, many: int = 2000) -> Chapter:
    directory = bench.directory / "drift"
    directory.mkdir()
    members = [f"hpcuser{number:02d}" for number in range(1, 21)]
    fleet = {"generate": {"clusters": many, "regions": REGIONS, "cluster": {**CLUSTER, "users": members}}}
    variables = {"ehpc_drift_hosts": "all", "ehpc_bootstrap_post_scripts": SCRIPTS, "ehpc_bootstrap_expected_users": members}
    with service(fleet) as running:
        drift = Bench(directory, running, bench.patience)

        def regions(count: int) -> dict[str, str]:
            return {name: REGIONS[number % len(REGIONS)] for number, name in enumerate(clusters(count))}

        def compared(count: int) -> Measured:
            inventory = directory / f"inventory-{count}.json"
            hosts = {name: {"ehpc_cluster_id": name, "ehpc_region": region} for name, region in regions(count).items()}
            inventory.write_text(json.dumps({"all": {"hosts": hosts, "vars": {"ansible_connection": "local"}}}), encoding="utf-8")
            run = drift.ansible("alicloud.ehpc.drift", inventory, **variables, ehpc_drift_report=str(directory / f"{count}.html"), ehpc_drift_fail=True)
            if run.calls != 3 * count:
                sys.exit(f"{run.calls} calls for {count} clusters are not three for each.")
            return run

        given = "\n".join(f"{name} {region}" for name, region in regions(few).items())
        script = [sys.executable, str(HERE / "sdk.py"), str(FORKS), "DescribeCluster", "GetPostScripts", "ListUsers"]
        variants: dict[str, tuple[int, t.Callable[[], Measured]]] = {
            f"the playbook drift with its report, {few:,} clusters": (few, lambda: compared(few)),
            f"a script with the SDK, {FORKS} threads, {few:,} clusters": (few, lambda: drift.run(script, given)),
            f"the playbook drift with its report, {many:,} clusters": (many, lambda: compared(many)),
        }
        found = in_turn(repeats, {name: run for name, (_count, run) in variants.items()})
        running.communicate()
    bench.others = max(bench.others, drift.others)
    rows = []
    for name, (count, _run) in variants.items():
        series = found[name]
        cells = [f"{series.seconds:.1f} s", f"{1000 * series.seconds / count:.1f} ms", f"{series.processor:.1f} s"]
        rows.append([name, *cells, f"{series.calls / count:.1f}", str(series.connections), f"{series.megabytes:.0f} MB"])
    fewer, sdk, more = found.values()
    return Chapter(
        f"7. Drift of clusters in {len(REGIONS)} regions, with 2 scripts and 20 users each",
        ["variant", "run", "for each", "processor time", "calls for each", "connections", "largest process"],
        rows,
        [
            verdict("seconds of the playbook as a multiple of those of the script", fewer.seconds / sdk.seconds, 2.5),
            verdict(f"seconds for {many:,} as a multiple of those for {few:,}", more.seconds / fewer.seconds, 2.1),
            verdict("megabytes of the largest process", more.megabytes, 300),
        ],
    )


def publish_chapter(bench: Bench, repeats: int, count: int = 16, hosts: int = 100) -> Chapter:
    directory = bench.directory / "publish"
    (directory / "files").mkdir(parents=True)
    bucket = "scripts-example"
    with service({"buckets": [{"name": bucket}], "generate": {"clusters": hosts, "cluster": CLUSTER}}) as running:
        publish = Bench(directory, running, bench.patience)
        publish.environment["ALIBABA_CLOUD_OSS_ENDPOINT"] = publish.environment["ALIBABA_CLOUD_EHPC_ENDPOINT"]
        files = [directory / "files" / f"{number:02d}.sh" for number in range(count)]
        options = {"bucket": bucket, "scripts": [{"src": str(file)} for file in files]}
        single, bundled = ([{"alicloud.ehpc.post_scripts_publish": {**options, "bundle": bundle}}] for bundle in (False, True))
        playbooks = {name: publish.playbook(name, "localhost", tasks) for name, tasks in (("scripts", single), ("bundle", bundled), ("empty", []))}
        script = [sys.executable, str(HERE / "sdk_publish.py"), bucket, *map(str, files)]

        def edited(program: t.Callable[[], Measured]) -> Measured:
            """A run after all scripts have changed."""
            for file in files:
                file.write_text(f"#!/bin/sh\n# {time.monotonic()}\n{'echo hello' * 200}\n", encoding="utf-8")
            return program()

        def play(name: str, **variables: t.Any) -> t.Callable[[], Measured]:
            return lambda: publish.ansible(playbooks[name], None, **variables)

        (directory / "fleet.sh").write_text("#!/bin/sh\necho hello\n", encoding="utf-8")
        fleet = {"ehpc_bootstrap_hosts": "all", "ehpc_bootstrap_post_scripts": [{"src": str(directory / "fleet.sh")}], "ehpc_bootstrap_scripts_bucket": bucket}
        role = partial(publish.ansible, "alicloud.ehpc.bootstrap", publish.inventory(hosts), ehpc_bootstrap_expected_users=USERS, **fleet)
        # It publishes and sets the script, and is not measured.
        role()
        # The second of each pair finds what the first has written.
        variants: dict[str, t.Callable[[], Measured]] = {
            "no task": play("empty"),
            f"{count} new scripts in the worker": lambda: edited(play("scripts")),
            "the same again": play("scripts"),
            f"a new bundle of {count} scripts in the worker": lambda: edited(play("bundle")),
            "the same bundle again": play("bundle"),
            f"{count} new scripts as a process": lambda: edited(play("scripts", ehpc_in_process=False)),
            f"a script with the SDK, {count} new scripts": lambda: edited(lambda: publish.run(script)),
            "the same script again": lambda: publish.run(script),
            f"the role for {hosts} clusters with one published script, nothing new": role,
        }
        found = in_turn(repeats, variants)
        running.communicate()
    bench.others = max(bench.others, publish.others)
    empty = found["no task"]
    rows = []
    for name, series in found.items():
        cost = "" if series is empty or "script " in name else f"{series.seconds - empty.seconds:.2f} s"
        rows.append([name, f"{series.seconds:.2f} s", f"{series.processor:.2f} s", cost, str(series.calls), str(series.connections)])
    new, again, bundle, bundle_again, _process, sdk, sdk_again, converged = list(found.values())[1:]
    return Chapter(
        f"8. {count} scripts published to a bucket, on localhost",
        ["variant", "run", "processor time", "run minus no task", "calls", "connections"],
        rows,
        [
            verdict("calls of a converged run for each script", again.calls / count, 1),
            verdict("calls of a converged bundle", bundle_again.calls, 1),
            verdict("calls of a new bundle", bundle.calls, 3),
            verdict(f"calls of the role for {hosts} clusters, of which one reads the object", converged.calls, 3 * hosts + 1),
            verdict("the cost of the task relative to the whole script with the SDK, new scripts", (new.seconds - empty.seconds) / sdk.seconds, 1.5),
            verdict("the cost of the task relative to the whole script with the SDK, nothing new", (again.seconds - empty.seconds) / sdk_again.seconds, 1.5),
        ],
    )


CHAPTERS = {
    "1": hosts_chapter,
    "2": loop_chapter,
    "3": role_chapter,
    "4": floor_chapter,
    "5": process_chapter,
    "6": inventory_chapter,
    "7": drift_chapter,
    "8": publish_chapter,
}


def service(scenario: dict[str, t.Any]) -> subprocess.Popen[str]:
    command = [sys.executable, str(HERE / "service.py"), json.dumps(scenario), str(LATENCY)]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def introduction(repeats: int) -> str:
    return "\n".join(
        [
            HEADER + "# Results of the benchmark",
            "",
            "Generated by `make bench`. Only the ratios within one run apply to other machines.",
            "",
            f"- the service is the emulator on the same machine, with {1000 * LATENCY:.0f} ms of latency; medians of {repeats} runs ({3 * repeats} in 5 and 6)",
            "- the cost of a task is the time of a run minus that of a play over the same hosts without a task",
            "",
        ]
    )


def conditions(others: float) -> str:
    packages = ", ".join(f"{name} {version(name)}" for name in PACKAGES)
    machine = f"{platform.system()} on {platform.machine()} with {os.cpu_count()} processors"
    return (
        f"{time.strftime('%Y-%m-%d', time.gmtime())}, Python {platform.python_version()}, {packages}; "
        f"{machine}, of which other programs used at most {others:.2f}."
    )


def measured(bench: Bench, number: str, repeats: int) -> str:
    """A comparison and its conditions."""
    bench.others = 0.0
    title, rest = str(CHAPTERS[number](bench, repeats)).split("\n", 1)
    return f"{title}\n\n{conditions(bench.others)}\n{rest}"


def kept() -> dict[str, str]:
    """The comparisons of the existing results, by number."""
    text = RESULTS.read_text(encoding="utf-8") if RESULTS.exists() else ""
    return {chapter[3]: chapter for chapter in re.findall(r"^## \d\..*?(?=^## |\Z)", text, re.DOTALL | re.MULTILINE)}


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="benchmark")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--patience", type=float, default=0.0, metavar="SECONDS", help="the total time to wait for undisturbed runs")
    parser.add_argument("--only", choices=CHAPTERS, action="append", help="one of the comparisons; RESULTS.md keeps the results of the others")
    return parser.parse_args()


def main() -> None:
    options = arguments()
    chapters = kept() if options.only else {}
    with (
        tempfile.TemporaryDirectory(prefix="ehpc-benchmark-") as directory,
        service(SCENARIO) as running,
    ):
        bench = Bench(Path(directory), running, options.patience)
        for number in options.only or CHAPTERS:
            print(f"comparison {number}", flush=True)
            chapters[number] = measured(bench, number, options.repeats)
            print("\n" + chapters[number], flush=True)
            text = "\n".join([introduction(options.repeats), *(chapters[key].rstrip() + "\n" for key in sorted(chapters))])
            # Fewer runs are a trial and not a result.
            if options.repeats >= 3:
                RESULTS.write_text(text, encoding="utf-8")
        running.communicate()


if __name__ == "__main__":
    main()
