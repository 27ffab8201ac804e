# Copyright (c) 2026, the alicloud.ehpc contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Bundles. A real bash runs them, in a directory that stands for the node."""

from __future__ import annotations

import hashlib
import re
import shlex
import shutil
import subprocess
import sys
import time
import typing as t
import uuid
from pathlib import Path

import pytest
from ansible_collections.alicloud.ehpc.plugins.module_utils import _runner
from ansible_collections.alicloud.ehpc.plugins.module_utils._bundle import Entry, bundle
from ansible_collections.alicloud.ehpc.plugins.module_utils._errors import EhpcError
from ansible_collections.alicloud.ehpc.plugins.module_utils._runner import Report, Step
from ansible_collections.alicloud.ehpc.tests.support.node import Node
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

BEFORE, AFTER = "https://scripts-example.oss-cn-hangzhou-internal.aliyuncs.com/ehpc-post-scripts/", "/bootstrap.sh"
# Without this newer syntax bash 4.2 of CentOS 7 can run a program.
NEWER_THAN_BASH_4_2 = (
    r"\$\{[^}\n]*@[A-Za-z]\}|mapfile|readarray|wait -[np]|(local|declare|typeset) -[A-Za-z]*n|EPOCH|SRANDOM|coproc|\[-1\]|BASH_ARGV0|inherit_errexit"
)
SHELLCHECK = Path(sys.executable).parent / "shellcheck"


def entry(text: str, args: str = "", name: str = "base.sh") -> Entry:
    return Entry(name, args, text.encode("utf-8"))


def bundled(*entries: Entry) -> bytes:
    return bundle(list(entries), BEFORE, AFTER)


def published(data: bytes, *arguments: str, compared: bool = True) -> Step:
    """The entry of a list that names the bundle."""
    checksum = hashlib.sha256(data).hexdigest()
    return Step(BEFORE + checksum + AFTER, arguments, checksum if compared else None)


class Result(t.NamedTuple):
    exit_code: int
    output: str


class Started:
    """A node that runs a bundle in some way, as E-HPC may when it initializes the node."""

    def __init__(self, directory: Path) -> None:
        directory.mkdir(exist_ok=True)
        self.node, self.file = Node(directory), directory / "download-1234"

    def run(self, data: bytes, *arguments: str, by: t.Sequence[str] = ("bash",), **options: t.Any) -> Result:
        self.file.write_bytes(data)
        self.file.chmod(0o755)
        command = [*by, self.file.name if by else f"./{self.file.name}", *arguments]
        return self.command(command, stdin=subprocess.DEVNULL, **options)

    def command(self, command: list[str], **options: t.Any) -> Result:
        run = subprocess.run(
            command, cwd=self.node.directory, env=self.node.environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60, check=False, **options
        )
        return Result(run.returncode, run.stdout.decode("utf-8", "replace"))

    def read(self, name: str) -> str:
        path = self.node.directory / name
        return path.read_text(encoding="utf-8") if path.exists() else ""

    def log(self, name: str) -> str:
        return self.read(f"log/{name}.log")

    def left(self) -> list[str]:
        return self.node.left() if self.node.state.exists() else []


@pytest.fixture
def started(tmp_path: Path) -> Started:
    return Started(tmp_path)


# What a node runs


def test_scripts_run_in_order_with_their_arguments(started: Started) -> None:
    text = '#!/bin/bash\necho "$0 $# $*" | sed "s=.*/=="; echo "$1" >>order\n'
    fetched = started.node.script("fetched.sh", text)

    result = started.run(bundled(entry(text, "one 'a  b'"), Entry("", '"two"', None, fetched), entry(text, "$HOME", "last.sh")))

    assert result == Result(0, "01-base.sh 2 one a  b\n02-fetched.sh 1 two\n03-last.sh 1 $HOME\nbootstrap.sh: All scripts have run: 3.\n")
    assert started.read("order") == "one\ntwo\n$HOME\n"
    assert [started.log(name) for name in ("01-base.sh", "02-fetched.sh", "03-last.sh")] == result.output.splitlines(keepends=True)[:3]
    assert started.log("00-bootstrap.sh") == result.output.splitlines(keepends=True)[3]
    assert started.left() == ["lock"]


def test_scripts_see_no_difference_between_a_bundle_and_post_scripts_run(started: Started) -> None:
    text = '#!/bin/bash\numask; pwd; echo $ClusterId; cat; ls -l /proc/self/fd | grep -c state/lock; stat -c %a "$0"\n'
    umask = subprocess.run(["sh", "-c", "umask"], capture_output=True, text=True, check=True).stdout
    step = Step(started.node.script("base.sh", text))
    started.node.environment["ClusterId"] = "ehpc-hz-EXAMPLE"

    assert started.node.run(step).output == f"{umask}{started.node.directory}\nehpc-hz-EXAMPLE\n0\n700\n"
    by_run = started.log("01-base.sh")
    assert started.run(bundled(entry(text))).exit_code == 0
    assert started.log("01-base.sh") == by_run
    assert {path.stat().st_mode & 0o777 for path in [*started.node.log.iterdir(), *started.node.state.iterdir()]} == {0o600}


@pytest.mark.parametrize("by", [(), ("bash",), ("sh",), ("dash",), ("bash", "--posix")])
def test_ways_to_start_a_bundle(started: Started, by: tuple[str, ...]) -> None:
    if by and not shutil.which(by[0]):
        pytest.skip(f"no {by[0]} here")
    data = bundled(entry('#!/bin/sh\necho "$1"\n', "x"))
    assert started.run(data, "it's", by=by).output == "x\nbootstrap.sh: All scripts have run: 1.\n"
    assert started.node.look(published(data, "it's")) == "unchanged"


def test_the_first_failure_ends_a_bundle(started: Started) -> None:
    scripts = [
        entry("#!/bin/sh\necho fine\n"),
        entry("#!/bin/sh\n[ ! -e broken ] || { echo oops >&2; exit 7; }\n", name="maybe.sh"),
        entry("#!/bin/sh\necho x >>last\n"),
    ]
    data = bundled(*scripts)
    assert started.run(data).exit_code == 0
    (started.node.directory / "broken").touch()

    assert started.run(data) == Result(7, "fine\noops\nbootstrap.sh: 02-maybe.sh failed with exit status 7.\n")

    assert started.read("last") == "x\n"
    assert started.log("02-maybe.sh") == "oops\n"
    assert [started.node.look(published(data, compared=compared)) for compared in (True, False)] == ["pending", "pending"]
    assert started.left() == ["lock"]


def test_a_url_is_compared(started: Started) -> None:
    text = "#!/bin/sh\ntouch here\n"
    url, right = started.node.script("fetched.sh", text), hashlib.sha256(text.encode()).hexdigest()

    result = started.run(bundled(Entry("fetched.sh", "", None, url, "0" * 64), entry("#!/bin/sh\ntouch here\n")))

    assert result == Result(1, f"The checksum does not match: the script has sha256:{right}.\nbootstrap.sh: 01-fetched.sh was not executed.\n")
    assert not (started.node.directory / "here").exists()
    assert started.run(bundled(Entry("fetched.sh", "", None, url, right))).exit_code == 0
    assert (started.node.directory / "here").exists()


def test_only_urls_need_a_program_that_fetches(started: Started) -> None:
    started.node.lacks("curl", "wget")
    assert started.run(bundled(entry("#!/bin/sh\n"), Entry("binary", "", b"#!/bin/sh\nexit # \xff"))).exit_code == 0
    result = started.run(bundled(Entry("x.sh", "", None, "https://scripts.example.com/x.sh")))
    assert result.exit_code == 1
    assert "The script cannot be fetched: this node has neither curl nor wget\n" in result.output


def test_a_url_is_fetched_by_https_only(started: Started) -> None:
    started.node.replaces("curl", 'echo "$*" >options', "cat >configuration", "printf '#!/bin/sh\\necho fetched\\n'")
    assert started.run(bundled(Entry("x.sh", "", None, "https://scripts.example.com/it's.sh"))).output.startswith("fetched\n")
    assert started.read("configuration") == 'url = "https://scripts.example.com/it\'s.sh"\n'
    assert "--proto =https --proto-redir =https" in started.read("options")


# The marker


def test_a_node_that_has_run_a_bundle_is_left_alone(started: Started) -> None:
    data = bundled(entry("#!/bin/sh\n"))
    arguments = ("a b", "", "数\n'\"\\")

    assert started.run(data, *arguments).exit_code == 0

    for compared in (True, False):
        step = published(data, *arguments, compared=compared)
        assert started.node.look(step) == "unchanged"
        assert started.node.run(step).status == "unchanged"
        assert started.node.look(published(data, compared=compared)) == "pending"
    assert started.node.look(published(data, *arguments), Step("/x")) == "pending"
    assert started.node.look(published(bundled(entry("#!/bin/bash\n")), *arguments)) == "pending"


@pytest.mark.parametrize("how", ["from a pipe", "as a string"])
def test_a_bundle_that_cannot_read_itself_leaves_no_marker(started: Started, how: str) -> None:
    data = bundled(entry('#!/bin/sh\necho "$1" >>here\n', "x"))
    result = started.command(["bash", "-s", "a"], input=data) if how == "from a pipe" else started.command(["bash", "-c", data.decode(), "bash", "a"])
    assert result.exit_code == 0
    assert started.read("here") == "x\n"
    words = "bootstrap.sh: This bundle cannot read its own file, so it leaves no marker. post_scripts_run will run it again.\n"
    assert started.log("00-bootstrap.sh").startswith(words)
    assert started.node.look(published(data, "a")) == "pending"


def test_post_scripts_run_executes_a_bundle(started: Started) -> None:
    """It holds the lock that a bundle takes otherwise."""
    data = bundled(entry('#!/bin/sh\necho "$1"\n', "x"), entry("#!/bin/sh\n[ ! -e broken ] || exit 7\n", name="maybe.sh"))
    started.file.write_bytes(data)
    step = Step(str(started.file), ("a",))

    assert started.node.run(step) == Report("ok", 0, None, 1, "x\nbootstrap.sh: All scripts have run: 2.\n")

    assert [started.node.look(published(data, "a", compared=compared)) for compared in (True, False)] == ["unchanged"] * 2
    assert started.node.left() == ["lock", "run-0000000000000001"]
    (started.node.directory / "broken").touch()
    assert started.node.run(step, force=True) == Report("failed", 1, 7, 1, "x\nbootstrap.sh: 02-maybe.sh failed with exit status 7.\n")


def test_a_timeout_of_post_scripts_run_ends_the_scripts_of_a_bundle(started: Started) -> None:
    started.file.write_bytes(bundled(entry("#!/bin/bash\necho begun >here; (sleep 3; touch late) & sleep 30\n")))
    begun = time.monotonic()
    assert started.node.run(Step(str(started.file)), seconds=2).status == "timeout"
    time.sleep(max(0, 3.7 - (time.monotonic() - begun)))
    assert started.read("here") == "begun\n"
    assert not (started.node.directory / "late").exists()


def test_a_bundle_waits_for_a_run_on_the_node(started: Started) -> None:
    started.node.state.mkdir()
    data = bundled(entry("#!/bin/sh\n[ ! -e active ] || echo overlap\n"))
    (started.node.directory / "active").touch()
    lock = ["flock", str(started.node.state / "lock"), "sh", "-c", "sleep 1; rm active"]
    with subprocess.Popen(lock, cwd=started.node.directory):
        time.sleep(0.3)
        assert started.run(data).output == "bootstrap.sh: All scripts have run: 1.\n"


# Damage


def test_a_truncated_bundle_runs_nothing(started: Started) -> None:
    data = bundled(entry("#!/bin/sh\ntouch here\n"), entry("#!/bin/sh\n"))
    for size in (len(data) - 1, len(data) - 30, data.index(b"END_"), data.index(b"case"), data.index(b"sum=") + 20):
        started.run(data[:size])
        started.command(["bash", "-s"], input=data[: min(size, len(data) - 2)])
        assert started.left() == []
    assert not (started.node.directory / "here").exists()


def test_a_damaged_bundle_reports_the_damage(started: Started) -> None:
    data = bundled(entry("#!/bin/sh\ntouch here\n"))
    assert started.run(data.replace(b"touch here", b"touch her ")) == Result(
        1, "This bundle is damaged, or this node has no sha256sum. Nothing was executed.\n"
    )
    started.node.lacks("sha256sum")
    assert started.run(data).exit_code == 1
    assert not (started.node.directory / "here").exists()


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_changed_byte_runs_nothing(tmp_path: Path, data: st.DataObject) -> None:
    text = bundled(entry("#!/bin/sh\ntouch here\n", "x"), Entry("y", "", b"#!/bin/sh\ntouch here # \xff\n"))
    # Half of the changes are in the part that verifies the rest.
    position = data.draw(st.one_of(st.integers(0, len(text) - 1), st.integers(text.index(b"sum="), text.index(b"state="))))
    byte = data.draw(st.one_of(st.integers(0, 255), st.sampled_from(b" \n=!-#'\"\\$()[]{}<>|&;*?10")).filter(lambda value: value != text[position]))
    started = Started(tmp_path / uuid.uuid4().hex)
    started.run(text[:position] + bytes([byte]) + text[position + 1 :])
    assert not (started.node.directory / "here").exists()


# Hostile lists

CONTENTS = st.one_of(
    st.binary(max_size=200).map(lambda content: content.replace(b"\0", b"")),
    st.text(alphabet=" abc'\"$`\\&=%#;|<>()[]{}!\n\tEND_0", max_size=80).map(str.encode),
    st.sampled_from([b"", b"\n", b"END\n", b"\\\n", b"\r\n", b"$(touch canary)\n", b"\x01\x7f\n", b"}\nexit 3\n"]),
)
TEXT = st.text(alphabet=" abc'\"$`\\&=%+~*?#;|<>()[]{}!\n\t\r\x01\x7fé多🙂-", max_size=12)
ARGUMENTS = st.lists(st.one_of(TEXT, st.sampled_from(["$(touch canary)", "`touch canary`", "'; touch canary; '", "\ntouch canary\n", "-x", ""])), max_size=3)
NAMES = st.one_of(
    st.from_regex(r"[A-Za-z0-9._-]{1,20}", fullmatch=True), st.text(min_size=1, max_size=8), st.sampled_from([".", "..", "$(touch canary)", "a\nb", "x" * 300])
)


# An interpreter that keeps each script that it is to interpret, and its arguments.
KEEPER = """\
#!/bin/bash
number=0
while [ -e $number.kept ]; do ((number++)); done
cat <"$1" >$number.kept
shift
printf '%s\\0' "$@" >$number.arguments
"""


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(scripts=st.lists(st.tuples(NAMES, CONTENTS, ARGUMENTS), min_size=1, max_size=4), own=ARGUMENTS)
def test_exactly_the_scripts_of_the_list_run(tmp_path: Path, scripts: list[tuple[str, bytes, list[str]]], own: list[str]) -> None:
    keeper = tmp_path / "keep"
    keeper.write_text(KEEPER)
    keeper.chmod(0o755)
    started = Started(tmp_path / uuid.uuid4().hex)
    contents = [f"#!{keeper}\n".encode() + content for _name, content, _arguments in scripts]
    data = bundled(*(Entry(name, " ".join(map(shlex.quote, arguments)), content) for (name, _content, arguments), content in zip(scripts, contents)))

    assert started.run(data, *own).exit_code == 0

    directory = started.node.directory
    assert [(directory / f"{number}.kept").read_bytes() for number in range(len(scripts))] == contents
    kept = [(directory / f"{number}.arguments").read_bytes() for number in range(len(scripts))]
    # Without arguments printf writes one NUL, too.
    assert kept == ["".join(f"{argument}\0" for argument in arguments or [""]).encode() for _name, _content, arguments in scripts]
    assert sorted(path.suffix for path in directory.iterdir() if path not in (started.file, started.node.state, started.node.log)) == sorted(
        [".kept", ".arguments"] * len(scripts)
    )
    assert [path.name[:3] for path in sorted(started.node.log.iterdir())] == [f"{number:02d}-" for number in range(len(scripts) + 1)]
    assert started.node.look(published(data, *own)) == "unchanged"


# The program


def test_the_program_is_valid_for_bash_4_2() -> None:
    scripts = [entry("#!/bin/sh\n", '"it\'s"'), Entry("b", "", b"\xff"), Entry("", "", None, "https://scripts.example.com/x.sh", "0" * 64)]
    programs = {
        "bundle": bundled(*scripts),
        "runner": b"#!/bin/bash\n" + _runner.runner([Step("https://scripts.example.com/x.sh", ("a",))], {"ClusterId": "x"}, False).encode(),
    }
    for name, program in programs.items():
        subprocess.run(["bash", "-n"], input=program, check=True)
        assert re.findall(NEWER_THAN_BASH_4_2, program.decode()) == [], name
        found = subprocess.run([SHELLCHECK, "-s", "bash", "-"], input=program, capture_output=True, check=False)
        assert found.stdout.decode() == "", name


def test_both_programs_run_scripts_with_the_same_code() -> None:
    """Except that timeout leaves a bundle in its process group."""
    assert _runner.STEPS in bundled(entry("#!/bin/sh\n")).decode().replace("timeout --foreground", "timeout")
    assert re.sub("(?m)^ +", "", _runner.STEPS) in _runner.runner([Step("/x")], {}, False)


def test_the_header_lists_names_and_sums() -> None:
    text = "#!/bin/sh\necho hello\n"
    data = bundled(entry(text, "--mode base"), Entry("monitoring.sh", "", None, "https://scripts.example.com/m.sh"), Entry("b", "", None, "/opt/b", "0" * 64))
    assert data.decode().splitlines()[1:5] == [
        "# bootstrap.sh runs these scripts in order, and stops at the first failure:",
        f"#   01-base.sh, in this file, sha256:{hashlib.sha256(text.encode()).hexdigest()}",
        "#   02-monitoring.sh, from its URL, not compared",
        f"#   03-b, from its URL, sha256:{'0' * 64}",
    ]
    assert text in data.decode()


def test_equal_lists_give_equal_bundles() -> None:
    first, again, other = (bundled(entry("#!/bin/sh\n", args)) for args in ("a  'b'", "a b", "b a"))
    assert first == again != other


def test_a_bundle_of_a_mebibyte(started: Started) -> None:
    content = b"#!/bin/sh\nexit\n" + b"".join(f"# {number}\n".encode() for number in range(100000))
    data = bundled(Entry("large.sh", "", content[: 1000 * 1024] + b"\n"), *[entry("#!/bin/sh\necho x >>count\n")] * 30)
    assert len(data) < 1024 * 1024
    assert started.run(data).exit_code == 0
    assert started.read("count").count("x") == 30


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (Entry("x", "it's", b"#!/bin/sh\n"), "scripts[1].args has an unmatched quote or a trailing backslash."),
        (Entry("x", "a\0b", b"#!/bin/sh\n"), "scripts[1].args contains a NUL character."),
        (Entry("x", "", None, "oss://bucket/x.sh"), "scripts[1].url is neither an HTTP(S) URL nor an absolute path, so no node can fetch it"),
    ],
)
def test_scripts_that_no_node_can_run(wrong: Entry, words: str) -> None:
    with pytest.raises(EhpcError) as caught:
        bundled(entry("#!/bin/sh\n"), wrong)
    assert str(caught.value).startswith(words)
