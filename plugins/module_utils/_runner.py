# Copyright (c) 2026, the alicloud.ehpc contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What runs on a node: the commands that fetch, verify and execute scripts there, and what they report.

A command of the service has 2048 characters at most. So the runner, a program for bash with the scripts in it, travels packed, in as
many commands as it needs: each but the last stores a part of it, the last one stores the rest and starts it. Each of them may arrive
twice without harm: a part is written again, and a run that has been made only tells once more what came of it.
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

LONGEST_COMMAND = 2048

# What begins each command: where a node keeps its marks. The variables are for nodes that are emulated; no real one has them.
_STATE = "d=${EHPC_POST_SCRIPTS_STATE:-/var/lib/ehpc-post-scripts}\n"

# Needs the variables r, the run, and m, the mark.
_LOOK = """\
[ -e "$d/$m" ]&&s=unchanged||s=pending
echo "ehpc-post-scripts $r $s 0 -\""""

# Needs r, p, a part of the runner, and i, its number.
_STORE = """\
umask 077
mkdir -p "$d"&&printf %s "$p">"$d/run-$r.$i"&&echo "ehpc-post-scripts $r stored 0 -\""""

# Needs r, p, the last part, and n, the seconds it may take. For any shell. All of it happens under the lock, so that neither two runs
# nor the same one twice get into each other's way. The umask of before is for the scripts.
_START = """\
t=$(date +%s);u=$(umask);umask 077
mkdir -p "$d"&&exec 9>"$d/lock"||exit
flock -w $n 9||{ echo 'Another run of scripts is at work on this node, or it has no flock.';exit 75;}
f(){ grep -qs "^ehpc-post-scripts $r " "$d/last";}
f||{ { cat "$d/run-$r."[0-9]* 2>/dev/null;printf %s "$p";}|base64 -d|gzip -dc>"$d/run-$r.sh"&&bash "$d/run-$r.sh" "$d" "$u" "$t";}
f&&cat "$d/last"&&head -n1 "$d/last"|grep -qE ' (ok|unchanged) '"""

# For bash. Before it stand assignments of run, limit, mark and force, after it a line for each script.
_RUNNER = """\
d=$1 u=$2 w=$1/run-$run.work l=${EHPC_POST_SCRIPTS_LOG:-/var/log/ehpc-post-scripts}
SECONDS=$(($(date +%s) - $3))
report() {
  { echo "ehpc-post-scripts $run $1 $2 $3"; [ ! -e "$w/output" ] || tail -c 4000 "$w/output"; } >"$d/last"
  rm -rf "$d/run-$run".*
  exit
}
fetch() {
  left=$((limit - SECONDS))
  if [ "$1" = file ]; then
    timeout $left cat -- "$2"
  elif command -v curl >/dev/null; then
    printf 'url = "%s"\\n' "$2" | curl -q -sSfLg --proto "=$1" --proto-redir =https --connect-timeout 15 --max-time $left -K -
  elif command -v wget >/dev/null; then
    printf '%s\\n' "$2" | timeout $left wget --no-config -q -O - --max-redirect=0 -T 30 -t 1 -i -
  else
    echo "This node has neither curl nor wget." >&2
    false
  fi
}
step() {
  n=$1 name=$2 sum=$3 log=$l/$2.log
  [ $SECONDS -lt $limit ] || report timeout $n -
  [ ! -e "$log" ] || mv -f "$log" "$log.1"
  code=-
  if ! fetch "$4" "$5" >"$w/$name" 2>"$log"; then
    echo "The script cannot be fetched." >>"$log"
  elif [ -n "$sum" ] && [ "$(sha256sum <"$w/$name")" != "$sum  -" ]; then
    echo "The script is not the one of the checksum: it has sha256:$(sha256sum <"$w/$name" | cut -c -64)." >>"$log"
  else
    shift 5
    chmod 700 "$w/$name"
    (umask "$u"; exec timeout -k 5 $((limit - SECONDS)) "$w/$name" "$@") </dev/null >"$log" 2>&1 9>&-
    code=$?
  fi
  cat "$log" >>"$w/output"
  [ "$code" != 0 ] || return 0
  [ $SECONDS -lt $limit ] && report failed $n $code
  report timeout $n -
}
[ $force = 1 ] || [ ! -e "$d/$mark" ] || report unchanged 0 -
mkdir -p "$l" "$w" || exit
rm -f "$d/$mark"
find "$d" -maxdepth 1 -name 'run-*' -mtime +1 -exec rm -rf {} +
"""
_END = """\
: >"$d/$mark"
report ok 0 -
"""


class Step(t.NamedTuple):
    """A script as a node runs it."""

    url: str
    arguments: tuple[str, ...] = ()
    checksum: str | None = None

    @property
    def kind(self) -> str:
        """How it is fetched: what curl calls its protocols, or as a file of the node."""
        scheme = self.url.partition(":")[0].lower()
        return {"https": "https", "http": "http,https"}.get(scheme, "file")

    @property
    def name(self) -> str:
        """What it is called on the node, without anything that a shell or a path could mistake."""
        base = re.split("[?#]", self.url)[0].rpartition("/")[2]
        return re.sub(r"[^A-Za-z0-9._-]", "_", base)[:64] or "script"


class Report(t.NamedTuple):
    """What a node says: ok, unchanged, pending, stored, failed or timeout; which script it was, and how that ended."""

    status: str
    number: int
    exit_code: int | None
    output: str


def steps(scripts: Sequence[_post_scripts.Script]) -> list[Step]:
    """The scripts as a node can run them. Raises EhpcError for a script that no node can run."""
    return [_step("scripts[%d]" % index, script) for index, script in enumerate(scripts)]


def _step(name: str, script: _post_scripts.Script) -> Step:
    if not _post_scripts.is_fetchable(script.url):
        raise invalid_option(
            "%s.url is neither an HTTP(S) URL nor an absolute path, so no node can fetch it: %s." % (name, json.dumps(redact_url(script.url))),
            "Store the script at an HTTPS URL that the nodes can reach.",
        )
    if "\x00" in script.args:
        raise invalid_option("%s.args contains a NUL character." % name)
    try:
        arguments = shlex.split(script.args)
    except ValueError:
        raise invalid_option("%s.args has an unmatched quote or a trailing backslash." % name, "Use a list, which needs no quoting.") from None
    return Step(script.url, tuple(arguments), script.checksum)


def digest(wanted: Sequence[Step]) -> str:
    """What tells one list of scripts from another: urls, arguments, checksums and their order."""
    return hashlib.sha256(json.dumps(wanted).encode("utf-8")).hexdigest()


def look(run: str, wanted: Sequence[Step]) -> str:
    """The command that asks a node whether it has run this list. It changes nothing there."""
    return _with({"r": run, "m": _mark(wanted)}, _STATE + _LOOK)


def commands(run: str, wanted: Sequence[Step], environment: Mapping[str, str], seconds: int, force: bool) -> list[str]:
    """The commands that make a node run these scripts, one after the other. The last one reports."""
    program = _runner(run, wanted, environment, seconds, force)
    packed = base64.b64encode(gzip.compress(program.encode("utf-8"), mtime=0)).decode("ascii")
    room = LONGEST_COMMAND - len(_start(run, seconds, ""))
    parts = [packed[begin : begin + room] for begin in range(0, len(packed), room)]
    stores = [_with({"r": run, "i": "%03d" % number, "p": part}, _STATE + _STORE) for number, part in enumerate(parts[:-1])]
    return [*stores, _start(run, seconds, parts[-1])]


def _start(run: str, seconds: int, part: str) -> str:
    return _with({"r": run, "n": str(seconds), "p": part}, _STATE + _START)


def _runner(run: str, wanted: Sequence[Step], environment: Mapping[str, str], seconds: int, force: bool) -> str:
    exports = "".join("export %s=%s\n" % (name, shlex.quote(value)) for name, value in environment.items())
    values = {"run": run, "limit": str(seconds), "mark": _mark(wanted), "force": str(int(force))}
    return _with(values, _RUNNER) + exports + "".join(_line(number, step) for number, step in enumerate(wanted, 1)) + _END


def _line(number: int, step: Step) -> str:
    # In curl's configuration these two have a meaning. No url may hold them plainly.
    url = step.url if step.kind == "file" else step.url.replace("\\", "%5C").replace('"', "%22")
    words = [str(number), "%02d-%s" % (number, step.name), step.checksum or "", step.kind, url, *step.arguments]
    return "step %s\n" % " ".join(shlex.quote(word) for word in words)


def _with(values: Mapping[str, str], program: str) -> str:
    """A shell program with values for its variables."""
    return " ".join("%s=%s" % (name, shlex.quote(value)) for name, value in values.items()) + "\n" + program


def _mark(wanted: Sequence[Step]) -> str:
    return "done-" + digest(wanted)


def report(run: str, message: str) -> Report | None:
    """What a node has reported in this run; None where its output holds no report."""
    match = re.search(r"^ehpc-post-scripts %s (\w+) (\d+) (-|\d+)$\n?" % re.escape(run), message, re.MULTILINE)
    if not match:
        return None
    exit_code = None if match.group(3) == "-" else int(match.group(3))
    return Report(match.group(1), int(match.group(2)), exit_code, message[match.end() :])
