# Copyright (c) 2026, the alicloud.ehpc contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What runs on a node. Real shells run it, in a directory that stands for the node."""

from __future__ import annotations

import base64
import hashlib
import os
import shlex
import shutil
import signal
import subprocess
import time
import typing as t
import uuid
from pathlib import Path

import pytest
from ansible_collections.alicloud.ehpc.plugins.module_utils import _runner
from ansible_collections.alicloud.ehpc.plugins.module_utils._errors import EhpcError
from ansible_collections.alicloud.ehpc.plugins.module_utils._post_scripts import Script
from ansible_collections.alicloud.ehpc.plugins.module_utils._runner import Report, Step
from ansible_collections.alicloud.ehpc.tests.support.node import Node
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

CLUSTER = "ehpc-hz-EXAMPLE"
# Writes its arguments, each followed by NUL.
WRITER = '#!/bin/bash\nprintf \'%s\\0\' "$VALUE" "$@" >"$RECEIVED"\n'


@pytest.fixture
def node(tmp_path: Path) -> Node:
    return Node(tmp_path)


# Steps


@pytest.mark.parametrize(
    ("args", "arguments"),
    [
        ("", ()),
        ("--mode base", ("--mode", "base")),
        (" -x  'a b' \"c'd\" e\\ f ", ("-x", "a b", "c'd", "e f")),
        ("$HOME $(date) `id` * ~ #no ;ls &", ("$HOME", "$(date)", "`id`", "*", "~", "#no", ";ls", "&")),
        ("''", ("",)),
        ("'数\n'", ("数\n",)),
    ],
)
def test_arguments_are_split_by_quotes_only(args: str, arguments: tuple[str, ...]) -> None:
    assert _runner.steps([Script("/x", args)]) == [Step("/x", arguments)]


@pytest.mark.parametrize(
    ("script", "words"),
    [
        (Script("oss://bucket/a.sh"), "scripts[0].url is neither an HTTP(S) URL nor an absolute path"),
        (Script("https://"), "neither an HTTP(S) URL nor"),
        (Script("-o/etc/passwd"), "neither an HTTP(S) URL nor"),
        (Script("https://scripts.example.com/a b"), "neither an HTTP(S) URL nor"),
        (Script("https://scripts.example.com/a\nb"), "neither an HTTP(S) URL nor"),
        (Script("ftp://scripts.example.com/?Signature=EXAMPLEsig"), 'fetch it: "ftp://scripts.example.com/?Signature=***"'),
        (Script("/x", "it's"), "scripts[0].args has an unmatched quote or a trailing backslash"),
        (Script("/x", "a\\"), "trailing backslash"),
        (Script("/x", "a\x00b"), "NUL"),
    ],
)
def test_invalid_scripts(script: Script, words: str) -> None:
    with pytest.raises(EhpcError) as caught:
        _runner.steps([script])
    assert words in str(caught.value)
    assert "EXAMPLEsig" not in str(caught.value)


def test_steps_keep_order_and_checksums() -> None:
    wanted = [Step("HTTP://scripts.example.com/a.sh", ("1",), "0" * 64), Step("/b"), Step("/c", (), "1" * 64)]
    scripts = [Script("HTTP://scripts.example.com/a.sh", "1", "0" * 64), Script("/b"), Script("/c", checksum="1" * 64)]
    assert _runner.steps(scripts) == wanted


def test_the_digest_covers_everything_that_a_node_runs() -> None:
    base = [Step("/a", ("1",)), Step("/b")]
    others = [
        base[::-1],
        base[:1],
        [*base, Step("/b")],
        [Step("/a", ("2",)), Step("/b")],
        [Step("/a", ("1", "")), Step("/b")],
        [Step("/a", ("1",), "0" * 64), Step("/b")],
        [Step("/c", ("1",)), Step("/b")],
    ]
    assert len({_runner.digest(steps) for steps in [base, *others]}) == len(others) + 1
    assert _runner.digest(base) == _runner.digest(_runner.steps([Script("/a", " '1' "), Script("/b")]))


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("https://scripts.example.com/2026/base.sh?Signature=EXAMPLEsig/x", "base.sh"),
        ("https://scripts.example.com", "scripts.example.com"),
        ("https://scripts.example.com/", "script"),
        ("https://scripts.example.com/a%20数';rm#x/y", "a_20___rm"),
        ("/opt/Mount_NFS-2.SH", "Mount_NFS-2.SH"),
        ("/opt/" + "a" * 300, "a" * 200),
    ],
)
def test_the_name_of_a_script_is_harmless(url: str, name: str) -> None:
    assert Step(url).name == name


# Commands


def test_commands_fit(node: Node) -> None:
    url = node.script("long.sh", WRITER)
    # What cannot be packed any more.
    words = tuple(hashlib.sha512(str(number).encode()).hexdigest() for number in range(60))
    steps = [Step(url, words)] * 16
    received = node.directory / "received"

    commands = _runner.commands("R", steps, {"RECEIVED": str(received)}, 10**6 - 1, True)

    assert len(commands) > 3
    assert max(map(len, commands)) <= _runner.MAX_COMMAND_LENGTH == 2048
    assert node.report("R", commands) == Report("ok", 0, None, 16, "")
    assert received.read_text().split("\0")[1:-1] == list(words)
    assert node.left() == ["lock", "run-R"]


def test_commands_do_not_depend_on_the_time(monkeypatch: pytest.MonkeyPatch) -> None:
    def commands_at(moment: float) -> list[str]:
        monkeypatch.setattr(time, "time", lambda: moment)
        return _runner.commands("R", [Step("/x")], {}, 30, True)

    assert commands_at(1.8e9) == commands_at(1.9e9)


def test_parts_may_arrive_twice(node: Node) -> None:
    url = node.script("count.sh", "#!/bin/sh\necho once\n")
    words = tuple(hashlib.sha512(str(number).encode()).hexdigest() for number in range(60))
    commands = _runner.commands("R", [Step(url, words)], {}, 30, True)
    assert len(commands) > 1

    assert node.report("R", [command for command in commands for _twice in range(2)]) == Report("ok", 0, None, 1, "once\n")


def test_nothing_runs_if_a_part_is_missing(node: Node) -> None:
    url = node.script("touch.sh", "#!/bin/sh\ntouch here\n")
    words = tuple(hashlib.sha512(str(number).encode()).hexdigest() for number in range(60))
    commands = _runner.commands("R", [Step(url, words)], {}, 30, True)

    assert node.report("R", commands[1:]) is None
    assert not (node.directory / "here").exists()


def test_a_command_that_arrives_twice_runs_scripts_once(node: Node) -> None:
    url = node.script("count.sh", "#!/bin/sh\nsleep 0.5; echo x >>count; wc -l <count; exit 3\n")
    (command,) = _runner.commands("R", [Step(url)], {}, 30, True)

    both = [node.shell(command), node.shell(command)]
    reports = [_runner.report("R", process.communicate(timeout=30)[0]) for process in both]

    assert reports == [Report("failed", 1, 3, 1, "1\n")] * 2
    assert [process.returncode for process in both] == [1, 1]


def test_runs_are_serialized(node: Node) -> None:
    url = node.script("alone.sh", "#!/bin/sh\nmkdir alone && sleep 0.5 && rmdir alone\n")
    commands = [_runner.commands(run, [Step(url)], {}, 30, True)[0] for run in ("A", "B", "C")]

    running = [node.shell(command) for command in commands]

    assert [process.wait(30) for process in running] == [0, 0, 0]


def test_a_daemon_does_not_keep_the_lock(node: Node) -> None:
    url = node.script("daemon.sh", "#!/bin/bash\nsleep 20 & echo $! >>pid\n")
    try:
        assert node.run(Step(url)).status == "ok"
        begun = time.monotonic()
        assert node.run(Step(url), force=True, seconds=5).status == "ok"
        assert time.monotonic() - begun < 4
    finally:
        for pid in (node.directory / "pid").read_text().split():
            os.kill(int(pid), signal.SIGKILL)


def test_the_wait_for_another_run_is_limited(node: Node) -> None:
    node.state.mkdir()
    url = node.script("touch.sh", "#!/bin/sh\ntouch here\n")
    (command,) = _runner.commands("R", [Step(url)], {}, 1, False)
    with subprocess.Popen(["flock", node.state / "lock", "sleep", "3"], stdout=subprocess.DEVNULL) as other:
        time.sleep(0.3)
        output = node.shell(command).communicate(timeout=10)[0]
        other.wait()
    assert _runner.report("R", output) == Report("busy", 0, None, 0, "")
    assert not (node.directory / "here").exists()


# Runs


def test_scripts_run_in_order_with_their_environment(node: Node) -> None:
    umask = subprocess.run(["sh", "-c", "umask"], capture_output=True, text=True, check=True).stdout.strip()
    one = node.script("one.sh", '#!/bin/bash\necho "1 $1 $ClusterId $AccountType"; umask; cat\n')
    two = node.script("two.py", "#!/usr/bin/env python3\nimport sys\nprint('2', sys.argv[1:])\n")

    report = node.run(Step(one, ("first",)), Step(two), Step(one, ("last",)), ClusterId=CLUSTER, AccountType="it's $HOME")

    assert report == Report("ok", 0, None, 3, f"1 first {CLUSTER} it's $HOME\n{umask}\n2 []\n1 last {CLUSTER} it's $HOME\n{umask}\n")
    assert sorted(path.name for path in node.log.iterdir()) == ["01-one.sh.log", "02-two.py.log", "03-one.sh.log"]
    assert (node.log / "02-two.py.log").read_text() == "2 []\n"
    assert {path.stat().st_mode & 0o777 for path in [*node.log.iterdir(), *node.state.iterdir()]} == {0o600}
    assert {path.stat().st_mode & 0o777 for path in (node.log, node.state)} == {0o700}
    assert node.left() == ["lock", "run-0000000000000001"]


@pytest.mark.parametrize("shell", ["bash", "sh", "dash"])
def test_commands_work_in_any_shell(node: Node, shell: str) -> None:
    if not shutil.which(shell):
        pytest.skip(f"no {shell} here")
    assert node.run(Step(node.script("x.sh", "#!/bin/sh\necho hello\n")), shell=shell) == Report("ok", 0, None, 1, "hello\n")


def test_the_marker(node: Node) -> None:
    step = Step(node.script("x.sh", "#!/bin/sh\necho x >>count\n"), ("a",))
    other = step._replace(arguments=("b",))

    def count() -> int:
        return (node.directory / "count").read_text().count("x")

    assert (node.look(step), node.state.exists()) == ("pending", False)
    assert (node.run(step).status, node.look(step), count()) == ("ok", "unchanged", 1)
    assert (node.run(step).status, count()) == ("unchanged", 1)
    assert (node.run(step, force=True).status, count()) == ("ok", 2)
    assert (node.look(other), node.run(other).status, count()) == ("pending", "ok", 3)
    assert (node.look(step), node.look(other)) == ("unchanged", "unchanged")


def test_a_failure_skips_the_remaining_scripts_and_removes_the_marker(node: Node) -> None:
    steps = [Step(node.script("ok.sh", "#!/bin/sh\necho fine\n")), Step(node.script("maybe.sh", "#!/bin/sh\n[ ! -e broken ] || { echo oops >&2; exit 7; }\n"))]
    last = Step(node.script("last.sh", "#!/bin/sh\necho x >>count\n"))
    assert node.run(*steps, last).status == "ok"
    (node.directory / "broken").touch()

    assert node.run(*steps, last, force=True) == Report("failed", 2, 7, 2, "fine\noops\n")

    assert (node.directory / "count").read_text() == "x\n"
    assert node.look(*steps, last) == "pending"
    assert node.left() == ["lock", "run-0000000000000001", "run-0000000000000002"]


def test_the_log_of_the_previous_run_is_kept(node: Node) -> None:
    step = Step(node.script("x.sh", "#!/bin/sh\necho x >>count; wc -l <count\n"))
    for _time in range(3):
        node.run(step, force=True)
    assert [(node.log / name).read_text() for name in ("01-x.sh.log", "01-x.sh.log.1")] == ["3\n", "2\n"]


def test_a_timeout_terminates_the_script_and_its_children(node: Node) -> None:
    steps = [Step(node.script("quick.sh", "#!/bin/sh\n")), Step(node.script("slow.sh", "#!/bin/bash\necho begun; (sleep 4; touch late) & sleep 30\n"))]
    begun = time.monotonic()

    assert node.run(*steps, seconds=2) == Report("timeout", 2, None, 2, "begun\n")

    assert time.monotonic() - begun < 4
    time.sleep(4.5 - (time.monotonic() - begun))
    assert not (node.directory / "late").exists()
    assert node.look(*steps) == "pending"


def test_exit_status_124_is_not_a_timeout(node: Node) -> None:
    assert node.run(Step(node.script("x.sh", "#!/bin/sh\nexit 124\n"))) == Report("failed", 1, 124, 1, "")


def test_a_long_output_is_cut_to_its_end(node: Node) -> None:
    report = node.run(Step(node.script("x.sh", "#!/bin/sh\nseq 100000\n")))
    assert len(report.output) == 4000
    assert report.output.endswith("\n99999\n100000\n")
    assert (node.log / "01-x.sh.log").stat().st_size > 500000


def test_a_checksum(node: Node) -> None:
    text = "#!/bin/sh\ntouch here\n"
    url, right = node.script("x.sh", text), hashlib.sha256(text.encode()).hexdigest()

    report = node.run(Step(url, (), "0" * 64))

    assert (report.status, report.number, report.exit_code) == ("failed", 1, None)
    assert report.output == f"The checksum does not match: the script has sha256:{right}.\n"
    assert not (node.directory / "here").exists()
    assert node.run(Step(url, (), right)).status == "ok"
    assert (node.directory / "here").exists()


def test_a_missing_file(node: Node) -> None:
    report = node.run(Step("/nowhere/x.sh"))
    assert (report.status, report.number, report.exit_code) == ("failed", 1, None)
    reason = "cat: /nowhere/x.sh: No such file or directory"
    assert report.output == f"{reason}\nThe script cannot be fetched: {reason}\n"


def test_a_missing_interpreter(node: Node) -> None:
    report = node.run(Step(node.script("x.sh", "#!/nowhere/interpreter\n")))
    assert (report.status, report.number, report.exit_code) == ("failed", 1, 127)


def test_files_of_old_interrupted_runs_are_removed(node: Node) -> None:
    node.state.mkdir()
    for name, age in (("run-OLD.000", 3 * 86400), ("run-NEW.000", 0)):
        (node.state / name).touch()
        os.utime(node.state / name, (time.time() - age,) * 2)
    node.run(Step(node.script("x.sh", "#!/bin/sh\n")))
    assert node.left() == ["lock", "run-0000000000000001", "run-NEW.000"]


def test_a_report_is_found_in_other_output() -> None:
    assert _runner.report("R", "Last login: today\nehpc-post-scripts R failed 2 7 2\nout\n") == Report("failed", 2, 7, 2, "out\n")
    assert _runner.report("R", "ehpc-post-scripts Q ok 0 - 1\n") is None
    assert _runner.report("R", "bash: flock: command not found\n") is None


# Hostile scripts

HOSTILE = [
    "'; touch canary; '",
    "$(touch canary)",
    "`touch canary`",
    '"; touch canary; "',
    "\ntouch canary\n",
    "a && touch canary",
    "-x",
    "--",
    "*",
    "~",
    "数 é",
    "\\",
    "!",
    "'",
    '"',
]
TEXT = st.text(alphabet=" abc'\"$`\\&=%+~*?#;|<>()[]{}!\n\t\r\x01\x7fé多🙂-", max_size=12)
ARGUMENT = st.one_of(TEXT, st.sampled_from(HOSTILE), st.builds("".join, st.lists(st.sampled_from(HOSTILE), max_size=3)))
# All characters of a path except the slash, NUL, and those that no URL may contain.
NAMES = st.one_of(
    st.text(alphabet="abc'\"$`\\&=%+~*?#;|<>()[]{}!é多🙂-", min_size=1, max_size=20),
    st.sampled_from(["';touch${IFS}canary;'", "$(touch${IFS}canary)", "`touch${IFS}canary`", "-rf", '";touch${IFS}canary;"', "%s%n", "..."]),
).filter(lambda name: name not in (".", ".."))


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(name=NAMES, arguments=st.lists(ARGUMENT, max_size=4), value=ARGUMENT)
@example(name='a\\b"c', arguments=[], value="")
def test_only_the_intended_script_runs(tmp_path: Path, name: str, arguments: list[str], value: str) -> None:
    node = Node(tmp_path / uuid.uuid4().hex)
    node.directory.mkdir()
    (node.directory / "precious").write_text("still here")
    url = node.script(name, WRITER)
    received = node.directory / "received"
    args = " ".join(map(shlex.quote, arguments))
    before = set(node.directory.iterdir())

    report = node.run(*_runner.steps([Script(url, args)]), RECEIVED=str(received), VALUE=value)

    assert report == Report("ok", 0, None, 1, "")
    assert received.read_bytes() == b"".join(part.encode() + b"\0" for part in [value, *arguments])
    assert set(node.directory.iterdir()) - before == {received, node.state, node.log}
    assert (node.directory / "precious").read_text() == "still here"


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(path=NAMES, args=TEXT)
@example(path='a\\nb\\"c', args="")
@example(path='a"', args="")
def test_a_hostile_url_reaches_curl_as_one_url(tmp_path: Path, path: str, args: str) -> None:
    """A stub records the options and the configuration of curl."""
    node = Node(tmp_path / uuid.uuid4().hex)
    (node.directory / "bin").mkdir(parents=True)
    curl = node.directory / "bin/curl"
    curl.write_text(f"#!/bin/bash\n{{ printf '%s\\n' \"$@\"; }} >'{node.directory}/options'\ncat >'{node.directory}/configuration'\necho '#!/bin/sh'\n")
    curl.chmod(0o755)
    node.environment["PATH"] = f"{curl.parent}:{node.environment['PATH']}"
    before = set(node.directory.iterdir())

    report = node.run(*_runner.steps([Script(f"https://scripts.example.com/{path}", shlex.quote(args))]))

    assert report == Report("ok", 0, None, 1, "")
    encoded = path.replace("\\", "%5C").replace('"', "%22")
    assert (node.directory / "configuration").read_text() == f'url = "https://scripts.example.com/{encoded}"\n'
    options = (node.directory / "options").read_text()
    assert "scripts.example.com" not in options
    assert "--proto\n=https\n--proto-redir\n=https\n" in options
    assert set(node.directory.iterdir()) - before == {node.directory / name for name in ("options", "configuration", "state", "log")}


# Robustness


def test_a_script_is_not_executed_if_fetching_it_took_all_the_time(node: Node) -> None:
    """With 0 seconds left `timeout` would set no limit."""
    node.replaces(
        "curl",
        "read -r start _ </proc/uptime",
        "until read -r now _ </proc/uptime; [ ${now%.*} -ge $((${start%.*} + 2)) ]; do sleep 0.01; done",
        "printf '#!/bin/sh\\ntouch here\\nsleep 8\\n'",
    )
    report = node.run(Step("https://scripts.example.com/x.sh"), seconds=2)
    assert (report.status, report.number, report.exit_code, report.executed) == ("timeout", 1, None, 0)
    assert not (node.directory / "here").exists()


def test_setting_the_clock_neither_ends_nor_extends_a_run(node: Node) -> None:
    """Each call of this `date` comes a day later; the second one, in the runner, would be beyond the limit."""
    node.replaces("date", "day=$(cat days 2>/dev/null || echo 0); echo $((day + 1)) >days", "echo $((1700000000 + day * 86400))")
    assert node.run(Step(node.script("x.sh", "#!/bin/sh\necho hello\n"))).status == "ok"


def test_a_command_that_arrives_again_after_another_run_runs_scripts_once(node: Node) -> None:
    step = Step(node.script("count.sh", "#!/bin/sh\necho $1 >>count\n"), ("first",))
    (first,) = _runner.commands("A", [step], {}, 30, True)
    (second,) = _runner.commands("B", [step._replace(arguments=("second",))], {}, 30, True)

    statuses = [report.status for report in (node.report("A", [first]), node.report("B", [second]), node.report("A", [first])) if report]

    assert statuses == ["ok", "ok", "ok"]
    assert (node.directory / "count").read_text() == "first\nsecond\n"


def test_a_run_whose_runner_was_killed_is_not_resumed(node: Node) -> None:
    """The parent of a script is timeout, whose parent is the runner."""
    killer = "#!/bin/bash\necho x >>count\nread -r _ _ _ runner _ </proc/$PPID/stat\nkill -9 $runner\n"
    steps = [Step(node.script("ok.sh", "#!/bin/sh\necho fine\n")), Step(node.script("killer.sh", killer))]
    (command,) = _runner.commands("R", steps, {}, 30, True)

    assert [node.report("R", [command]) for _time in range(2)] == [Report("interrupted", 2, None, 2, "fine\n")] * 2
    assert (node.directory / "count").read_text() == "x\n"


def test_a_node_without_sha256sum_says_so(node: Node) -> None:
    node.lacks("sha256sum")
    report = node.run(Step(node.script("x.sh", "#!/bin/sh\ntouch here\n"), (), "0" * 64))
    assert (report.status, report.exit_code) == ("failed", None)
    assert report.output.endswith("This node has no sha256sum, so the checksum cannot be verified.\n")
    assert not (node.directory / "here").exists()


def test_wget_of_centos_7(node: Node) -> None:
    """Version 1.14 refuses an option that it does not know."""
    node.lacks("curl")
    node.replaces(
        "wget",
        'for option; do [ "$option" != --no-config ] || { echo "wget: unrecognized option \'$option\'" >&2; exit 2; }; done',
        "cat >urls",
        "printf '#!/bin/sh\\necho hello\\n'",
    )
    assert node.run(Step("https://scripts.example.com/x.sh")).output == "hello\n"
    assert (node.directory / "urls").read_text() == "https://scripts.example.com/x.sh\n"


# The fourth one is Base64 with spaces.
@pytest.mark.parametrize("message", ["No space left on device", "done", "Tm8=x", "aGVs    bG8h", "", "ü\n"])
def test_plain_messages_are_unchanged(message: str) -> None:
    assert _runner.readable(message) == message


def test_encoded_messages_without_a_report_are_decoded() -> None:
    assert _runner.readable(base64.b64encode("bash: gzip: command not found für\r\n".encode()).decode()) == "bash: gzip: command not found für\n"


def test_the_programs_are_valid_for_their_shells(tmp_path: Path) -> None:
    step = Step("https://scripts.example.com/it's.sh", ("a'b", "c\nd"), "0" * 64)
    programs = {"runner": _runner.runner([step], {"ClusterId": CLUSTER}, True), "look": _runner.look("R", [step])}
    programs.update({f"command {number}": command for number, command in enumerate(_runner.commands("R", [step] * 60, {}, 30, True))})
    for program in programs.values():
        subprocess.run(["bash", "-n"], input=program, text=True, check=True)
    assert len(programs) > 3


@pytest.mark.parametrize(
    "form",
    [
        lambda text: text.replace("\n", "\r\n"),
        lambda text: base64.b64encode(text.encode()).decode(),
        lambda text: base64.encodebytes(text.replace("\n", "\r\n").encode()).decode(),
        lambda text: base64.encodebytes(text.encode()).decode().replace("\n", "\r\n"),
        lambda text: base64.b64encode(text.encode()).decode() + "AA",
    ],
    ids=["with CRLF", "in base64", "in lines of base64 with CRLF", "in lines that end with CRLF", "in base64 that is cut off"],
)
def test_reports_in_encoded_messages(form: t.Callable[[str], str]) -> None:
    said = "Last login: today\nehpc-post-scripts R failed 2 7 2\nno space ü\x1b[0m\n"
    report = _runner.report("R", _runner.readable(form(said)))
    assert report is not None
    assert (report.status, report.number, report.exit_code, report.output) == ("failed", 2, 7, "no space ü\x1b[0m\n")


@pytest.mark.parametrize("shell", ["sh", "bash"])
def test_a_program_on_standard_input(node: Node, shell: str) -> None:
    """A list that is longer than a command. The scripts do not read the rest of the program."""
    steps = [Step(node.script(f"{number}.sh", f"#!/bin/sh\ncat\necho {number} $1\n"), (os.urandom(500).hex(),)) for number in (1, 2, 3)]

    def run(run_id: str = "R") -> Report | None:
        program = _runner.program(run_id, steps, {"ClusterId": "c"}, 30)
        assert len(program) > _runner.MAX_COMMAND_LENGTH
        ran = subprocess.run([shell], input=program + "\n", env=node.environment, capture_output=True, text=True, timeout=60, check=False)
        return _runner.report(run_id, ran.stdout)

    first = run()
    assert first == Report("ok", 0, None, 3, "".join(f"{number} {step.arguments[0]}\n" for number, step in enumerate(steps, 1)))
    # The same run, which arrives again.
    assert run() == first
    assert node.look(*steps) == "unchanged"
    again = run("S")
    assert (again and again.status, again and again.executed) == ("unchanged", 0)
