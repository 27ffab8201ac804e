# Copyright (c) 2026, the alicloud.ehpc contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The result of the role ehpc_bootstrap for a cluster, made of what its tasks registered, and the table of many results."""

from __future__ import annotations

import re
import typing as t
from collections.abc import Mapping

from ansible_collections.alicloud.ehpc.plugins.module_utils._generations import NEXT

Result = dict[str, t.Any]

# The tasks of the role in their order, by the keys under which it gives what they registered.
STEPS = ("options", "cluster", "published", "post_scripts", "replaceable", "bundle", "script", "nodes", "created", "accounts", "users")
STOPPED = "The run ended before the role had finished with this cluster, probably because another host failed (any_errors_fatal)."
MAX_PROBLEM = 72


def bootstrap_result(steps: Mapping[str, Mapping[str, t.Any]], check_mode: bool = False) -> Result:
    """The result of the role for one cluster: ``steps`` are the registered results of its tasks, empty for a task that did not start."""
    options = steps["options"]
    found = steps.get("cluster") or {}
    cluster: Mapping[str, t.Any] = (found.get("clusters") or [{}])[0]
    scripts, users = _scripts_step(steps, cluster), _users_step(steps)
    stored = cluster.get("post_scripts") or []
    result = {
        "cluster_id": options.get("cluster_id", ""),
        "region": found.get("region") or options.get("region", ""),
        "generation": cluster.get("generation"),
        "status": cluster.get("status") or "unknown",
        "post_scripts_changed": bool(scripts.get("changed")),
        "post_scripts": scripts.get("post_scripts", stored),
        "previous_post_scripts": scripts.get("previous_post_scripts", stored),
        "post_scripts_state": _state(scripts, check_mode, "not managed"),
        "users_synced": bool(users.get("synced")),
        "users_added": users.get("added") or [],
        "users_removed": users.get("removed") or [],
        "users_modified": users.get("modified") or [],
        "users_missing": _missing(options, users),
        "users_state": _state(users, check_mode, _why_no_users(options, cluster)),
        "warnings": _warnings(steps),
    }
    if options.get("publish_key"):
        result["published"] = (steps.get("published") or {}).get("published") or []
    if scripts.get("backup_path"):
        result["backup_path"] = scripts["backup_path"]
    if options.get("run_on_nodes"):
        result["nodes_run"] = _nodes_run(steps.get("nodes") or {})
    failure = next((step for step in map(steps.get, STEPS) if step and step.get("failed")), None)
    if failure:
        result.update(error=str(failure.get("msg") or "unknown"), error_code=(failure.get("error") or {}).get("code"))
    elif not steps.get("users"):
        result.update(error=STOPPED, error_code=None)
    return result


def _scripts_step(steps: Mapping[str, Mapping[str, t.Any]], cluster: Mapping[str, t.Any]) -> Mapping[str, t.Any]:
    """The result of the task that set the scripts, or that of the task that set the script of an E-HPC NEXT cluster, in the same form."""
    if cluster.get("generation") != NEXT or not steps["options"].get("manage_scripts"):
        return steps.get("post_scripts") or {}
    script = steps.get("script") or {}
    names = {"post_scripts": "script", "previous_post_scripts": "previous_script"}
    return {**script, **{name: [script[key]] if script[key] else [] for name, key in names.items() if key in script}}


def _users_step(steps: Mapping[str, Mapping[str, t.Any]]) -> Mapping[str, t.Any]:
    """The result of the task that created the users if it ran, otherwise of the synchronization."""
    created = steps.get("created") or {}
    return created if created and not created.get("skipped") else steps.get("users") or {}


def _missing(options: Mapping[str, t.Any], users: Mapping[str, t.Any]) -> list[str]:
    """The expected users that a synchronization did not bring, or the users that could not be created."""
    if "missing" in users or "users" not in users:
        return users.get("missing") or []
    existing = {user["name"] for user in users["users"]}
    return [name for name in options.get("users") or [] if name not in existing]


def _state(step: Mapping[str, t.Any], check_mode: bool, if_skipped: str) -> str:
    """One word or two for what a task did."""
    if not step:
        return "not reached"
    if step.get("failed"):
        return "failed"
    if step.get("skipped"):
        return if_skipped
    if not step.get("changed"):
        return "unchanged"
    return "would change" if check_mode else "changed"


def _why_no_users(options: Mapping[str, t.Any], cluster: Mapping[str, t.Any]) -> str:
    would_create = bool(options.get("users")) and not cluster.get("proxy_mode")
    if cluster.get("generation") == NEXT and options.get("sync_users") is not False:
        return "not applicable (E-HPC NEXT does not synchronize users)"
    if options.get("sync_users") is False and not would_create:
        return "not managed"
    if cluster.get("status") == "running" or not (cluster.get("proxy_mode") or would_create):
        return "not applicable (no proxy mode)"
    return "not known yet"


def _warnings(steps: Mapping[str, Mapping[str, t.Any]]) -> list[str]:
    """The warnings of all tasks, each once."""
    return list(dict.fromkeys(str(warning) for name in STEPS for warning in (steps.get(name) or {}).get("warnings") or []))


def _nodes_run(step: Mapping[str, t.Any]) -> dict[str, str]:
    """The status of each node by its host name, or by its ID if a node has no host name or that of another."""
    nodes = step.get("nodes") or []
    names = {node["hostname"] for node in nodes if node["hostname"]}
    return {node["hostname" if len(names) == len(nodes) else "id"]: node["status"] for node in nodes}


def keyed(results: Mapping[str, Result | None]) -> dict[str, Result]:
    """Results by cluster ID, given by host; those of hosts without a cluster ID stay with the host's name."""
    return {result.get("cluster_id") or host: result for host, result in results.items() if result}


def bootstrap_table(results: Mapping[str, Result]) -> list[str]:
    """A header, and a line for each cluster; those that failed come last. The generations are shown if there are clusters of E-HPC NEXT."""
    rows = [_row(cluster_id, result) for cluster_id, result in sorted(results.items(), key=lambda entry: "error" in entry[1])]
    if not any(row["generation"] == NEXT for row in rows):
        rows = [dict(row, generation="") for row in rows]
    columns = [column for column in COLUMNS if column not in OPTIONAL_COLUMNS or any(row[column] for row in rows)]
    lines = [[column.upper() for column in columns], *([row[column] or "-" if column != "problem" else row[column] for column in columns] for row in rows)]
    widths = [max(len(line[number]) for line in lines) for number in range(len(columns))]
    return ["  ".join(cell.ljust(width) for cell, width in zip(line, widths)).rstrip() for line in lines]


COLUMNS = ("cluster", "region", "generation", "status", "scripts", "nodes", "users", "warnings", "problem")
OPTIONAL_COLUMNS = ("generation", "nodes", "warnings", "problem")


def _row(cluster_id: str, result: Result) -> dict[str, str]:
    return {
        "cluster": cluster_id,
        "region": result.get("region", ""),
        # A later job of a workflow in AWX gets the results as variables, among which ansible-core 2.19 takes "1.0" for a number.
        "generation": str(result.get("generation") or ""),
        "status": result.get("status", ""),
        "scripts": result.get("post_scripts_state") or ("changed" if result.get("post_scripts_changed") else "unchanged"),
        "nodes": _counted(list(result.get("nodes_run", {}).values())),
        "users": _users(result),
        "warnings": str(len(result.get("warnings") or []) or ""),
        "problem": _problem(cluster_id, result.get("error", ""), result.get("error_code")),
    }


def _users(result: Result) -> str:
    state = result.get("users_state") or ("changed" if result.get("users_added") else "unchanged")
    kinds = ("added", "removed", "modified", "missing")
    counts = ["%d %s" % (len(result["users_" + kind]), kind) for kind in kinds if result.get("users_" + kind)]
    return "%s (%s)" % (state, ", ".join(counts)) if counts else state


def _counted(statuses: list[str]) -> str:
    """How many there are of each status: 2 ok, 1 failed."""
    return ", ".join("%d %s" % (statuses.count(status), status) for status in dict.fromkeys(statuses))


def _problem(cluster_id: str, error: str, code: str | None) -> str:
    """The first sentence of an error, without what the other columns have, and shortened."""
    if not error:
        return ""
    cluster = r"[Cc]luster %s in \S+" % re.escape(cluster_id)
    text = re.sub(r"^Cannot .*? of %s: |^%s (is )?| of %s" % (cluster, cluster, cluster), "", " ".join(error.split()))
    text = re.split(r"(?<=[.!?]) (?=[A-Z])", text)[0]
    if code and not text.startswith(code):
        text = "%s: %s" % (code, text)
    return text if len(text) <= MAX_PROBLEM else text[: MAX_PROBLEM - 1].rstrip() + "…"


def summary(results: Mapping[str, Result]) -> str:
    """How many clusters there are of each kind: 3 clusters: 1 changed, 1 unchanged, 1 failed."""
    kinds = [_kind(result) for result in results.values()]
    counts = ", ".join("%d %s" % (kinds.count(kind), kind) for kind in ("changed", "would change", "unchanged", "failed") if kind in kinds)
    return "%d clusters: %s" % (len(results), counts)


def _kind(result: Result) -> str:
    if "error" in result:
        return "failed"
    row = _row("", result)
    states = (row["scripts"], row["users"].partition(" (")[0])
    nodes = set(result.get("nodes_run", {}).values())
    if "would change" in states or "would_run" in nodes:
        return "would change"
    return "changed" if "changed" in states or "ok" in nodes else "unchanged"
