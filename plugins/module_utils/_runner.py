# Copyright (c) 2026, the alicloud.ehpc contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The commands that fetch, verify and execute scripts on a node, and the line with which they report.

InvokeShellCommand accepts 2,048 characters. So the runner, a bash program that contains the list of scripts, travels gzipped and in as many
commands as it needs: each but the last stores a part of it, the last one stores the rest and starts it. Each command may arrive twice: a
part is written again, and a run that was made before only reports its result again.

The commands report with one line in their output, followed by the end of what the scripts wrote:

    ehpc-post-scripts RUN STATUS NUMBER CODE EXECUTED
    ehpc-post-scripts 0f3a failed 2 7 2

RUN is the ID of the run. STATUS is

- ``ok`` or ``unchanged``: all scripts have run, now or in an earlier run with the same list;
- ``failed`` or ``timeout``: script NUMBER failed, or run_timeout ended while it was fetched or executed;
- ``interrupted``: script NUMBER was executing when the runner was killed or the node restarted;
- ``busy``: another run was active on the node until run_timeout ended;
- ``pending`` or ``unchanged``: the answer to `look`;
- ``stored``: a part of the runner was stored.

NUMBER counts from 1 and is 0 if it does not apply, CODE is the exit status of script NUMBER or ``-``, and EXECUTED is the number of
scripts that were executed.

The programs are strings here, and not files for a shell, because Ansible sends only Python files to a host along with a module.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import re
import shlex
import typing as t

from ansible_collections.alicloud.ehpc.plugins.module_utils import _post_scripts
from ansible_collections.alicloud.ehpc.plugins.module_utils._errors import invalid_option
from ansible_collections.alicloud.ehpc.plugins.module_utils._redact import redact_url

if t.TYPE_CHECKING:  # pragma: no cover
    from collections.abc import Mapping, Sequence

MAX_COMMAND_LENGTH = 2048  # characters
# File systems accept 255 bytes, including the number and the suffix.
MAX_NAME_LENGTH = 200

# The commands below are for any POSIX shell, and short, because they share the 2,048 characters with a part of the runner.
# Each begins with this: d is the directory of a node's markers. The variable is for emulated nodes; real nodes do not have it.
_STATE = "d=${EHPC_POST_SCRIPTS_STATE:-/var/lib/ehpc-post-scripts}\n"

# r is the run, m the marker.
_LOOK = """\
[ -e "$d/$m" ]&&s=unchanged||s=pending
echo "ehpc-post-scripts $r $s 0 - 0\""""

# r is the run, p a part of the runner, i its number.
_STORE = """\
umask 077
mkdir -p "$d"&&printf %s "$p">"$d/run-$r.$i"&&echo "ehpc-post-scripts $r stored 0 - 0\""""

# r is the run, p the last part of the runner, n run_timeout, u the umask for the scripts.
_START = """\
u=$(umask);umask 077
mkdir -p "$d"&&{ cat "$d/run-$r."[0-9]* 2>/dev/null;printf %s "$p";}|base64 -d|gzip -dc|bash -s "$d" "$r" "$n" "$u"
s=$?;[ -e "$d/run-$r" ]&&cat "$d/run-$r";exit $s"""

# What the runner and a bundle share. Both are for bash, set state, work, mask and limit, and define `result` and `finish`. Time is that since
# boot, because a script may set the clock.
STEPS = """\
logs=${EHPC_POST_SCRIPTS_LOG:-/var/log/ehpc-post-scripts}
number=0 executed=0
uptime() {
  IFS=' .' read -r now _ </proc/uptime
}
in_time() {
  uptime
  left=$((limit - now))
  [ "$left" -gt 0 ]
}
fetch() {
  if [ "$1" = file ]; then
    timeout "$left" cat -- "$2"
  elif command -v curl >/dev/null; then
    printf 'url = "%s"\\n' "$2" | curl -q -sSfLg --proto "=$1" --proto-redir =https --connect-timeout 15 --max-time "$left" -K -
  elif command -v wget >/dev/null; then
    printf '%s\\n' "$2" | timeout "$left" wget --check-certificate -q -O - --max-redirect=0 -T 30 -t 1 -i - || {
      echo "wget: exit status $?" >&2; false
    }
  else
    echo "this node has neither curl nor wget" >&2; false
  fi
}
step() {
  number=$1 file=$work/$2 sum=$3 log=$logs/$2.log code=-
  in_time || finish timeout -
  [ ! -e "$log" ] || mv -f "$log" "$log.1"
  if ! fetch "$4" "$5" >"$file" 2>"$log"; then
    echo "The script cannot be fetched: $(tail -n 1 "$log")" >>"$log"
  elif [ -n "$sum" ] && ! actual=$(sha256sum <"$file"); then
    echo "This node has no sha256sum, so the checksum cannot be verified." >>"$log"
  elif [ -n "$sum" ] && [ "$actual" != "$sum  -" ]; then
    echo "The checksum does not match: the script has sha256:${actual%% *}." >>"$log"
  elif in_time; then
    shift 5
    chmod 700 "$file"
    executed=$number
    result interrupted - || exit
    (umask "$mask"; exec timeout -k 5 "$left" "$file" "$@") </dev/null >"$log" 2>&1 9>&-
    code=$?
  fi
  cat "$log" >>"$work/output"
  [ "$code" != 0 ] || return 0
  in_time && finish failed "$code"
  finish timeout -
}
"""

# Before the runner stand an opening brace, which _END closes, and assignments of marker and force; after it a line for each script. The
# braces make bash read all of it before anything is executed: if a part is missing, nothing is. Everything happens under a lock, so that two
# runs, or one run that arrives twice, come one after the other. Each run keeps a result of its own, because other runs may come between a
# command and its retry.
_BEGIN = """\
state=$1 run=$2 limit=$3 mask=$4
work=$state/run-$run.work
"""
_RUNNER = """\
result() {
  {
    echo "ehpc-post-scripts $run $1 $number $2 $executed"
    tail -c 4000 "$work/output"
  } >"$work/result" && mv -f "$work/result" "$state/run-$run"
}
finish() {
  [ $# = 0 ] || result "$@"
  rm -rf "$state/run-$run".*
  head -n 1 "$state/run-$run" | grep -qE ' (ok|unchanged) '
  exit
}
uptime
limit=$((now + limit))
exec 9>"$state/lock" || exit
flock -w "$3" 9 || {
  [ $? = 1 ] && echo "ehpc-post-scripts $run busy 0 - 0"
  exit 75
}
[ ! -e "$state/run-$run" ] || finish
mkdir -p "$work" "$logs" && : >"$work/output" || exit
[ $force = 1 ] || [ ! -e "$state/$marker" ] || finish unchanged -
rm -f "$state/$marker"
find "$state/run-"* -prune -mtime +1 -exec rm -rf {} +
"""
_END = """\
: >"$state/$marker"
number=0
finish ok -
}
"""


class Step(t.NamedTuple):
    """A script as a node runs it."""

    url: str
    arguments: tuple[str, ...] = ()
    checksum: str | None = None

    @property
    def kind(self) -> str:
        """How it is fetched: the protocols by curl's names, or ``file`` for a file on the node."""
        scheme = self.url.partition(":")[0].lower()
        return {"https": "https", "http": "http,https"}.get(scheme, "file")

    @property
    def name(self) -> str:
        """Its file name on the node, without any character that is special to a shell or in a path."""
        base = re.split("[?#]", self.url)[0].rpartition("/")[2]
        return file_name(base) or "script"


class Report(t.NamedTuple):
    """The line with which a node reports, and the output that follows it."""

    status: str
    number: int
    exit_code: int | None
    executed: int
    output: str


def file_name(name: str) -> str:
    """The name of a script as part of a file name on a node."""
    return re.sub(r"[^A-Za-z0-9._-]", "_", name)[:MAX_NAME_LENGTH]


def steps(scripts: Sequence[_post_scripts.Script]) -> list[Step]:
    """The scripts as a node can run them. Raises EhpcError for a script that no node can run."""
    return [step("scripts[%d]" % index, script) for index, script in enumerate(scripts)]


def step(name: str, script: _post_scripts.Script) -> Step:
    """The script of the option ``name`` as a node can run it. Raises EhpcError if no node can."""
    if not _post_scripts.is_fetchable(script.url):
        raise invalid_option(
            "%s.url is neither an HTTP(S) URL nor an absolute path, so no node can fetch it: %s." % (name, json.dumps(redact_url(script.url))),
            "Store the script at an HTTPS URL that the nodes can reach.",
        )
    return Step(script.url, arguments(name, script.args), script.checksum)


def arguments(name: str, args: str) -> tuple[str, ...]:
    """The arguments in a string, as a POSIX shell splits it, without any expansion. Raises EhpcError if that is not possible."""
    if "\x00" in args:
        raise invalid_option("%s.args contains a NUL character." % name)
    try:
        return tuple(shlex.split(args))
    except ValueError:
        raise invalid_option("%s.args has an unmatched quote or a trailing backslash." % name, "Use a list, which needs no quoting.") from None


def digest(wanted: Sequence[Step]) -> str:
    """Identifies a list of scripts: a hash of URLs, arguments, checksums and their order.

    For each script it covers the URL, the number of arguments, the arguments, and the checksum, each followed by NUL. A bundle computes it
    with printf and sha256sum.
    """
    fields = [field for step in wanted for field in (step.url, str(len(step.arguments)), *step.arguments, step.checksum or "")]
    return hashlib.sha256("".join(field + "\x00" for field in fields).encode()).hexdigest()


def look(run: str, wanted: Sequence[Step]) -> str:
    """The command that asks a node whether it has run this list. It changes nothing on the node."""
    return assignments({"r": run, "m": _marker(wanted)}) + _STATE + _LOOK


def commands(run: str, wanted: Sequence[Step], environment: Mapping[str, str], seconds: int, force: bool) -> list[str]:
    """The commands that make a node run these scripts, in order. The last one reports the result."""
    packed = _packed(wanted, environment, force)
    room = MAX_COMMAND_LENGTH - len(_start(run, seconds, ""))
    parts = [packed[begin : begin + room] for begin in range(0, len(packed), room)]
    stores = [assignments({"r": run, "i": "%03d" % number, "p": part}) + _STATE + _STORE for number, part in enumerate(parts[:-1])]
    return [*stores, _start(run, seconds, parts[-1])]


def program(run: str, wanted: Sequence[Step], environment: Mapping[str, str], seconds: int) -> str:
    """The same as one command of any length, for a shell that reads it from its standard input."""
    return _start(run, seconds, _packed(wanted, environment, force=False))


def _packed(wanted: Sequence[Step], environment: Mapping[str, str], force: bool) -> str:
    return base64.b64encode(gzip.compress(runner(wanted, environment, force).encode(), mtime=0)).decode()


def _start(run: str, seconds: int, part: str) -> str:
    return assignments({"r": run, "n": str(seconds), "p": part}) + _STATE + _START


def runner(wanted: Sequence[Step], environment: Mapping[str, str], force: bool) -> str:
    """The bash program that runs these scripts."""
    exports = "".join("export %s=%s\n" % (name, shlex.quote(value)) for name, value in environment.items())
    # Without indentation a short list still fits into one command.
    program = assignments({"marker": _marker(wanted), "force": str(int(force))}) + re.sub("(?m)^ +", "", _BEGIN + STEPS + _RUNNER)
    lines = [line(number, "%02d-%s" % (number, wanted_step.name), wanted_step, source(wanted_step)) for number, wanted_step in enumerate(wanted, 1)]
    return "{\n" + program + exports + "".join(lines) + _END


def line(number: int, name: str, step: Step, source: str) -> str:
    """The line of a program that runs a script from this source, with a log of this name."""
    return "step %s\n" % " ".join([str(number), shlex.quote(name), step.checksum or "''", source, *map(shlex.quote, step.arguments)])


def source(step: Step) -> str:
    """How a node fetches a script, as two words of a program."""
    # These two characters are special in curl's configuration, and not valid in a URL.
    url = step.url if step.kind == "file" else step.url.replace("\\", "%5C").replace('"', "%22")
    return "%s %s" % (step.kind, shlex.quote(url))


def assignments(values: Mapping[str, str]) -> str:
    """The line of a program that assigns these variables."""
    return " ".join("%s=%s" % (name, shlex.quote(value)) for name, value in values.items()) + "\n"


def _marker(wanted: Sequence[Step]) -> str:
    return "done-" + digest(wanted)


def report(run: str, message: str) -> Report | None:
    """What a node has reported in this run, or None if its output contains no report."""
    match = re.search(r"^ehpc-post-scripts %s (\w+) (\d+) (-|\d+) (\d+)$\n?" % re.escape(run), message, re.MULTILINE)
    if not match:
        return None
    exit_code = None if match.group(3) == "-" else int(match.group(3))
    return Report(match.group(1), int(match.group(2)), exit_code, int(match.group(4)), message[match.end() :])


def readable(message: str) -> str:
    """The output of a command as plain text with newlines. The API does not say whether it is encoded with base64, nor how lines end."""
    compact = message.replace("\r", "").replace("\n", "")
    try:
        decoded = base64.b64decode(compact[: len(compact) // 4 * 4], validate=True).decode(errors="replace")
    except ValueError:
        decoded = ""
    is_text = decoded and len(compact) % 4 == 0 and "\ufffd" not in decoded and all(character.isprintable() or character.isspace() for character in decoded)
    text = decoded if is_text or "ehpc-post-scripts " in decoded else message
    return text.replace("\r\n", "\n")
