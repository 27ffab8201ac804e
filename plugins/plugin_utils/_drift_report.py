# Copyright (c) 2026, the alicloud.ehpc contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The results of drift_info as a table, as a web page, and as JSON."""

from __future__ import annotations

import json
import os
import time
import typing as t
from collections.abc import Mapping, Sequence
from itertools import zip_longest
from pathlib import Path

import jinja2
from ansible_collections.alicloud.ehpc.plugins.module_utils._drift import DRIFTED, FAILED, IN_SYNC, NOT_COMPARED
from ansible_collections.alicloud.ehpc.plugins.module_utils._errors import invalid_option

Cluster = Mapping[str, t.Any]
Report = Mapping[str, t.Any]

TEMPLATE = Path(__file__).parents[2] / "playbooks" / "templates" / "drift.html.j2"
WORDS = {IN_SYNC: "in sync", DRIFTED: "drifted", FAILED: "failed", NOT_COMPARED: "not compared"}
# Those that need attention come first on the page, and last in the output of a terminal.
ORDER = (FAILED, DRIFTED, IN_SYNC, NOT_COMPARED)
COLUMNS = ("cluster", "region", "status", "state", "scripts", "users", "nodes", "problem")
OPTIONAL_COLUMNS = ("nodes", "problem")
# The last column of the table, so that a terminal can break its lines.
MAX_PROBLEM = 200
# The page opens the parts of a cluster that need attention, and marks rows with other differences than these.
URGENT = (FAILED, DRIFTED)
UNMARKED = ("same", "no drift", "unknown")


def sentence(summary: Mapping[str, int]) -> str:
    """How many clusters there are of each state: 3 clusters: 2 in sync, 1 drifted."""
    counts = ", ".join("%d %s" % (summary[state], WORDS[state]) for state in (IN_SYNC, DRIFTED, FAILED, NOT_COMPARED) if summary[state])
    return "%d %s%s" % (summary["total"], "cluster" if summary["total"] == 1 else "clusters", ": " + counts if counts else "")


def by_urgency(results: Sequence[Cluster]) -> list[Cluster]:
    """The clusters or nodes, with those that need attention first."""
    return sorted(results, key=lambda result: ORDER.index(result["state"]))


# The table


def table(clusters: Sequence[Cluster]) -> list[str]:
    """A header, and a line for each cluster."""
    rows = [_row(cluster) for cluster in reversed(by_urgency(list(reversed(clusters))))]
    columns = [column for column in COLUMNS if column not in OPTIONAL_COLUMNS or any(row[column] for row in rows)]
    lines = [[column.upper() for column in columns], *([row[column] for column in columns] for row in rows)]
    widths = [max(len(line[number]) for line in lines) for number in range(len(columns))]
    return ["  ".join(cell.ljust(width) for cell, width in zip(line, widths)).rstrip() for line in lines]


def _row(cluster: Cluster) -> dict[str, str]:
    row = {
        "cluster": cluster["cluster_id"],
        "region": cluster["region"] or "-",
        "status": cluster["status"] or "-",
        "state": WORDS[cluster["state"]],
        "scripts": WORDS[cluster["scripts"]["state"]],
        "users": users_in_words(cluster["users"]),
        "nodes": nodes_in_words(cluster["nodes"]),
        "problem": _shortened(problem(cluster)),
    }
    return {column: " ".join(printable(value).split()) for column, value in row.items()}


def users_in_words(users: Mapping[str, t.Any]) -> str:
    """The state of the users, with the number of those that differ."""
    counts = ["%d %s" % (len(users[key]), word) for key, word in (("missing", "missing"), ("wrong_uids", "with wrong UID")) if users[key]]
    return WORDS[users["state"]] + (" (%s)" % ", ".join(counts) if counts else "")


def nodes_in_words(nodes: Sequence[Mapping[str, t.Any]]) -> str:
    """How many nodes there are of each state. Empty if none was asked."""
    states = [node["state"] for node in nodes]
    return ", ".join("%d %s" % (states.count(state), WORDS[state]) for state in (IN_SYNC, DRIFTED, FAILED) if state in states)


def problem(cluster: Cluster) -> str:
    """The failure of a cluster, with its code. Empty if there is none."""
    error = cluster["error"]
    return "%s: %s" % (error["code"], error["message"]) if error else ""


def _shortened(text: str) -> str:
    return text if len(text) <= MAX_PROBLEM else text[: MAX_PROBLEM - 1].rstrip() + "…"


# The page


def page(report: Report, access_key: str, nodes: bool, now: float) -> str:
    """The report as one web page without scripts, which needs no other file."""
    # Autoescape is a property of this environment. The one of Ansible's templates has it off.
    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True, finalize=_finalized)
    environment.globals.update(words=WORDS, urgent=URGENT, unmarked=UNMARKED)
    functions = (about, by_urgency, nodes_in_words, problem, remarks, script_rows, user_rows, users_in_words)
    environment.globals.update({function.__name__: function for function in functions})
    template = environment.from_string(TEMPLATE.read_text(encoding="utf-8"))
    return template.render(
        clusters=by_urgency(report["clusters"]),
        summary=report["summary"],
        sentence=sentence(report["summary"]),
        access_key=access_key,
        nodes=nodes,
        made=time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(now)),
        regions=sorted({cluster["region"] for cluster in report["clusters"] if cluster["region"]}),
        states=[state for state in ORDER if report["summary"][state]],
    )


def about(cluster: Cluster) -> str:
    """The name, the region and the status of a cluster, as far as they are known."""
    return ", ".join(filter(None, [cluster["name"], cluster["region"], cluster["status"]]))


def remarks(node: Mapping[str, t.Any]) -> str:
    """Why a node has not reported or has drifted, and the users that it does not know, which are no drift."""
    remarks = [node["reason"] or ""]
    remarks += ["%s has user ID %d instead of %d." % (entry["name"], entry["uid"], entry["expected"]) for entry in node["wrong_uids"]]
    if node["unknown_users"]:
        remarks.append("Unknown users: %s." % ", ".join(node["unknown_users"]))
    return " ".join(filter(None, remarks))


def script_rows(cluster: Cluster) -> list[tuple[Mapping[str, str] | None, Mapping[str, str] | None, str]]:
    """The desired and the current script of each position, and how they differ."""
    scripts, masked = cluster["scripts"], cluster["masked_differences"]
    pairs = enumerate(zip_longest(scripts["desired"], scripts["current"]), 1)
    if scripts["state"] == FAILED:
        return [(desired, current, "unknown") for _position, (desired, current) in pairs]
    return [(desired, current, "different signature" if position in masked else _difference(desired, current)) for position, (desired, current) in pairs]


def _difference(desired: Mapping[str, str] | None, current: Mapping[str, str] | None) -> str:
    if current is None:
        return "missing"
    if desired is None:
        return "not desired"
    if desired == current:
        return "same"
    if desired["url"] == current["url"]:
        return "different arguments"
    return "different URL" if desired["args"] == current["args"] else "different"


def user_rows(users: Mapping[str, t.Any]) -> list[tuple[str, str, str, str]]:
    """Each user, whether it is desired and whether it exists, and the difference. Those that differ come first."""
    if users["state"] == FAILED:
        return [(name, "yes", "unknown", "unknown") for name in users["desired"]]
    missing = set(users["missing"])
    return [
        *((name, "yes", "no", "missing") for name in users["missing"]),
        *((name, "no", "yes", "no drift") for name in users["unexpected"]),
        *((name, "yes", "yes", "same") for name in users["desired"] if name not in missing),
    ]


def _finalized(value: t.Any) -> t.Any:
    """The value of an expression in the template."""
    # Not the result of a macro, which is escaped already.
    return printable(value) if isinstance(value, str) and not hasattr(value, "__html__") else value


def printable(text: str) -> str:
    """The string with an escape sequence for each character that cannot be seen, or that changes how others are shown, but for line breaks and tabs."""
    if text.isprintable():
        return str(text)
    return "".join(character if character.isprintable() or character in "\n\t" else ascii(character)[1:-1] for character in text)


# The files


def checked_path(path: str) -> Path | None:
    """The file of the report, relative to the working directory; None if there should be none. Raises EhpcError."""
    if not path.strip():
        return None
    checked = Path(path.strip()).expanduser()
    if checked.suffix == ".json":
        raise invalid_option("The file of the report must not end in .json: %s." % path, "The JSON file is written beside it. Use a name such as drift.html.")
    if not checked.parent.is_dir() or checked.is_dir():
        raise invalid_option("The file of the report cannot be created: %s." % path, "Set ehpc_drift_report to a file in a directory that exists.")
    return checked


def write(path: Path, report: Report, access_key: str, nodes: bool) -> None:
    """Write the page, and the same data as JSON beside it. Raises OSError."""
    _replace(path, page(report, access_key, nodes, time.time()))
    _replace(path.with_suffix(".json"), json.dumps({"clusters": report["clusters"], "summary": report["summary"]}, indent=1) + "\n")


def _replace(path: Path, text: str) -> None:
    # A server that shows the page never sees half of it.
    part = path.with_name(path.name + ".part")
    part.write_text(text, encoding="utf-8")
    os.replace(part, path)
