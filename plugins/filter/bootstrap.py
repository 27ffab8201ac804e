# Copyright (c) 2026, the alicloud.ehpc contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the role ehpc_bootstrap makes of its variables, which may come from a survey as text."""

from __future__ import annotations

import typing as t

import yaml
from ansible.errors import AnsibleFilterError
from ansible_collections.alicloud.ehpc.plugins.module_utils._redact import redact_text


def post_scripts_from_text(value: t.Any) -> list[dict[str, t.Any]]:
    """The scripts that a list, a YAML or JSON text, or lines of ``url args`` name."""
    if isinstance(value, str):
        text = value.strip()
        value = _loaded(text, "post scripts") if _is_yaml(text) else _lines(text)
    if not isinstance(value, (list, tuple)):
        raise AnsibleFilterError("The post scripts must be a list, each with a url and perhaps args. This is: %s." % type(value).__name__)
    return [_script(number, entry) for number, entry in enumerate(value, 1)]


def names_from_text(value: t.Any) -> list[str]:
    """The names that a list, or a text with one name a line or commas, holds."""
    if value is None:
        return []
    if isinstance(value, str):
        text = value.strip()
        value = _loaded(text, "names") if _is_yaml(text) else text.replace(",", "\n").splitlines()
    if not isinstance(value, (list, tuple)):
        raise AnsibleFilterError("Names must be a list, or a text with one name a line. This is: %s." % type(value).__name__)
    names = [_name(entry) for entry in value]
    return [name for name in names if name]


def account_names(passwd: dict[str, list[str]], uid_min: int, uid_max: int) -> list[str]:
    """The names of the real accounts in what ansible.builtin.getent read of passwd."""
    return sorted(name for name, fields in passwd.items() if fields and uid_min <= int(fields[1]) <= uid_max)


def bootstrap_table(results: dict[str, dict[str, t.Any]]) -> list[str]:
    """A line for each cluster: its id, region and status, what was done, and what failed."""
    rows: list[tuple[str, ...]] = [("cluster", "region", "status", "scripts", "nodes", "users", "problem")]
    rows += [(cluster_id, result["region"], result["status"], *_done(result)) for cluster_id, result in results.items()]
    if not any("nodes_run" in result for result in results.values()):
        rows = [row[:4] + row[5:] for row in rows]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]) - 1)] + [0]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip() for row in rows]


def _done(result: dict[str, t.Any]) -> tuple[str, str, str, str]:
    scripts = "changed" if result["post_scripts_changed"] else "ok"
    users = "%d added" % len(result["users_added"]) if result["users_synced"] else "ok"
    if result["users_missing"]:
        users = "%d missing" % len(result["users_missing"])
    problem = result.get("error", "")
    return ("-" if problem and scripts == "ok" else scripts), _nodes(result), ("-" if problem and users == "ok" else users), problem


def _nodes(result: dict[str, t.Any]) -> str:
    """How many nodes there are of each status: 2 ok, 1 failed."""
    statuses = list(result.get("nodes_run", {}).values())
    return ", ".join("%d %s" % (statuses.count(status), status) for status in dict.fromkeys(statuses)) or "-"


def unless_blank(value: t.Any, default: t.Any) -> t.Any:
    """The value, or the default where it is null or an empty text; false and 0 are values."""
    blank = value is None or (isinstance(value, str) and not value.strip())
    return default if blank else value


def _is_yaml(text: str) -> bool:
    return text.startswith(("[", "{", "---", "- ", "-\n")) or text == "-"


def _loaded(text: str, what: str) -> t.Any:
    try:
        return yaml.safe_load(text)
    except (yaml.YAMLError, TypeError, ValueError) as error:
        mark = getattr(error, "problem_mark", None)
        where = ", at line %d" % (mark.line + 1) if mark else ""
        raise AnsibleFilterError(
            "The %s look like YAML or JSON, but cannot be read as such%s. Put quotation marks around texts with special characters." % (what, where)
        ) from None


def _lines(text: str) -> list[str]:
    lines = (line.strip() for line in text.splitlines())
    return [line for line in lines if line and not line.startswith("#")]


def _script(number: int, entry: t.Any) -> dict[str, t.Any]:
    if isinstance(entry, dict):
        if not entry.get("url"):
            raise AnsibleFilterError("Post script %d has no url." % number)
        return dict(entry)
    url, args = [*str(entry).split(maxsplit=1), "", ""][:2]
    if not isinstance(entry, str) or ("://" not in url and not url.startswith("/")):
        raise AnsibleFilterError(
            "Post script %d must begin with a url, and its arguments follow after a space. This begins with: %s" % (number, redact_text(url)[:80])
        )
    return {"url": url, "args": args.rstrip()}


def _name(entry: t.Any) -> str:
    if not isinstance(entry, (str, int)) or isinstance(entry, bool):
        raise AnsibleFilterError("A name must be text. Put quotation marks around: %s." % entry)
    name = str(entry).strip()
    if len(name.split()) > 1:
        raise AnsibleFilterError("The name %r has white space in it. Write one name a line, or put commas between names." % name)
    return name


class FilterModule:
    """The filters of this file."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """Their names."""
        return {
            "post_scripts_from_text": post_scripts_from_text,
            "names_from_text": names_from_text,
            "account_names": account_names,
            "bootstrap_table": bootstrap_table,
            "unless_blank": unless_blank,
        }
