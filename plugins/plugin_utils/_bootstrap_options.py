# Copyright (c) 2026, the alicloud.ehpc contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The variables of the role ehpc_bootstrap as typed options, with all mistakes at once.

Surveys and inventories give strings, blank strings and nulls for any of them. A blank value means the default of the role's
``defaults/main.yml``, which is the only place with defaults.
"""

from __future__ import annotations

import difflib
import hashlib
import json
import re
import typing as t
from collections.abc import Mapping
from functools import cache
from pathlib import Path

import yaml
from ansible_collections.alicloud.ehpc.plugins.module_utils._redact import redact_text

PREFIX = "ehpc_bootstrap_"
DEFAULTS = Path(__file__).parents[2] / "roles" / "ehpc_bootstrap" / "defaults" / "main.yml"
# What the role sets and what its playbook takes; no options of the role.
OTHER_VARIABLES = ("result", "hosts")
# The defaults of these are templates, for which the inventory plugin sets a variable.
INVENTORY_VARIABLES = {"cluster_id": "ehpc_cluster_id", "region": "ehpc_region"}
NODE_ROLES = ("manager", "login", "compute")
# Of each script, exactly one. All but a URL are published.
SOURCES = ("url", "src", "template", "content")
USER_KEYS = ("name", "group", "password")
BOOLEANS = {"true": True, "yes": True, "on": True, "1": True, "false": False, "no": False, "off": False, "0": False}
MAX_QUOTE = 80
NO_CLUSTER = (
    "ehpc_bootstrap_cluster_id is empty. Set it to the ID of a cluster, or set ehpc_bootstrap_hosts to hosts of the inventory plugin, such as ehpc_clusters."
)
NO_BUCKET = "ehpc_bootstrap_scripts_bucket is empty. Set it to the OSS bucket for the scripts that have src, template or content, and for the bundle."


class Mistake(ValueError):
    """What a variable must be; completes '<variable> ...'. Several mistakes are several arguments."""


def bootstrap_options(variables: Mapping[str, t.Any]) -> dict[str, t.Any]:
    """The options of the role, without their prefix, and ``mistakes``: a sentence for each.

    ``variables`` are any variables of a host; only those that begin with ``ehpc_bootstrap_`` and those of the inventory plugin count.
    An option with a mistake has its default.
    """
    given = {name[len(PREFIX) :]: value for name, value in variables_of(variables).items() if name.startswith(PREFIX)}
    mistakes = [_unknown(name) for name in given if name not in CONVERTERS]
    options: dict[str, t.Any] = {}
    for name, convert in CONVERTERS.items():
        value = given.get(name)
        if _is_blank(value):
            value = variables.get(INVENTORY_VARIABLES[name]) if name in INVENTORY_VARIABLES else defaults().get(name)
        try:
            options[name] = convert(value)
        except Mistake as mistake:
            mistakes += ["%s%s %s" % (PREFIX, name, text) for text in mistake.args]
            options[name] = convert(defaults().get(name))
    if publishes(options) and not options["scripts_bucket"]:
        mistakes.append(NO_BUCKET)
    if not options["cluster_id"] and _is_blank(given.get("cluster_id")):
        mistakes.append(NO_CLUSTER)
    if options["uid_min"] > options["uid_max"]:
        mistakes.append("ehpc_bootstrap_uid_min must not be above ehpc_bootstrap_uid_max; they are %d and %d." % (options["uid_min"], options["uid_max"]))
    roles = [name for name in options["run_on_nodes"] if name in NODE_ROLES]
    return {**options, "roles": roles, "nodes": [] if roles else options["run_on_nodes"], "mistakes": mistakes}


def variables_of(variables: Mapping[str, t.Any]) -> dict[str, t.Any]:
    """The variables that the role reads, and those that only seem to be of the role."""
    others = [PREFIX + name for name in OTHER_VARIABLES]
    return {name: value for name, value in variables.items() if name in INVENTORY_VARIABLES.values() or (name.startswith(PREFIX) and name not in others)}


def publishes(options: Mapping[str, t.Any]) -> bool:
    """Whether the scripts of the options have to be published."""
    scripts = options["post_scripts"] or []
    return bool(scripts) and (options["scripts_bundle"] or any(not script.get("url") for script in scripts))


def publish_key(options: Mapping[str, t.Any], host: str) -> str:
    """The same string for all clusters that publish the same scripts in the same way; empty if nothing is published.

    What a template renders is known only to the task of its host.
    """
    if not publishes(options):
        return ""
    request = {name: options[name] for name in options if name in ("region", "post_scripts") or name.startswith("scripts_")}
    owner = host if any(script.get("template") for script in options["post_scripts"]) else None
    return hashlib.sha256(json.dumps([request, owner], sort_keys=True, default=str).encode()).hexdigest()


def plain(value: t.Any) -> t.Any:
    """A value with each of its parts evaluated, for Ansible evaluates them only when they are used."""
    if isinstance(value, Mapping):
        return {key: plain(entry) for key, entry in value.items()}
    return [plain(entry) for entry in value] if isinstance(value, (list, tuple)) else value


@cache
def defaults() -> dict[str, t.Any]:
    """The defaults of the role, without their prefix and without templates."""
    values = yaml.safe_load(DEFAULTS.read_text(encoding="utf-8"))
    return {name[len(PREFIX) :]: value for name, value in values.items() if "{{" not in str(value)}


def _unknown(name: str) -> str:
    close = difflib.get_close_matches(name, CONVERTERS, n=1, cutoff=0.6)
    hint = " The closest one is %s%s." % (PREFIX, close[0]) if close else ""
    return "%s%s is not a variable of the role.%s" % (PREFIX, name, hint)


# Converters


def _text(value: t.Any) -> str:
    if value is None:
        return ""
    if isinstance(value, (list, tuple, Mapping, bool)):
        raise Mistake("must be a string; it is %s." % _kind(value))
    return str(value).strip()


def _boolean(value: t.Any) -> bool:
    if _lower(value) not in BOOLEANS:
        raise Mistake("must be true or false; it is %s." % _quoted(value))
    return BOOLEANS[_lower(value)]


def _sync_users(value: t.Any) -> str | bool:
    if _lower(value) not in ("auto", *BOOLEANS):
        raise Mistake("must be auto, true or false; it is %s." % _quoted(value))
    return BOOLEANS.get(_lower(value), "auto")


def _preflight(value: t.Any) -> str:
    # YAML reads an off without quotation marks as false.
    preflight = "off" if value is False else _lower(value)
    if preflight not in ("off", "warn", "fail"):
        raise Mistake("must be off, warn or fail; it is %s." % _quoted(value))
    return preflight


def _number(value: t.Any) -> int:
    if isinstance(value, bool) or not re.fullmatch("[0-9]+", str(value).strip()):
        raise Mistake("must be a whole number; it is %s." % _quoted(value))
    return int(value)


def _seconds(minimum: int) -> t.Callable[[t.Any], int]:
    at_least = ", at least %d" % minimum if minimum else ""

    def convert(value: t.Any) -> int:
        if isinstance(value, bool) or not re.fullmatch("[0-9]+", str(value).strip()) or int(value) < minimum:
            raise Mistake("must be a whole number of seconds%s; it is %s." % (at_least, _quoted(value)))
        return int(value)

    return convert


def _names(value: t.Any) -> list[str]:
    """Each name once: of a list, or of a string with one name per line or with commas."""
    if isinstance(value, str):
        text = value.strip()
        value = _loaded(text) if _is_yaml(text) else text.replace(",", "\n").splitlines()
    if not isinstance(value, (list, tuple)):
        raise Mistake("must be a list of names, or a string with one name per line or commas between names; it is %s." % _kind(value))
    names = [str(entry).strip() for entry in value]
    mistakes = [
        "must contain strings; put quotation marks around %s." % _quoted(entry)
        for entry in value
        if not isinstance(entry, (str, int)) or isinstance(entry, bool)
    ]
    mistakes += [
        "contains %s, which has whitespace. Write one name per line, or commas between names." % _quoted(name) for name in names if len(name.split()) > 1
    ]
    if mistakes:
        raise Mistake(*mistakes)
    return list(dict.fromkeys(name for name in names if name))


def _users(value: t.Any) -> list[dict[str, t.Any]]:
    """The users of a list, or of a YAML or JSON string. No message quotes them, because they have passwords."""
    if isinstance(value, str) and _is_yaml(value.strip()):
        value = _loaded(value.strip())
    if not isinstance(value, (list, tuple)):
        raise Mistake("must be a list of users; it is %s. Names without passwords belong in ehpc_bootstrap_expected_users." % _kind(value))
    mistakes = [mistake for number, entry in enumerate(value, 1) for mistake in _mistakes_of_user(number, entry)]
    if mistakes:
        raise Mistake(*mistakes)
    # Null and blank strings are omitted, as everywhere.
    users = [{key: entry[key] for key in USER_KEYS if not _is_blank(entry.get(key))} for entry in value]
    return [{**user, "name": user["name"].strip()} for user in users]


def _mistakes_of_user(number: int, entry: t.Any) -> list[str]:
    if not isinstance(entry, Mapping):
        return ["must have a dictionary with name, group and password for each user; user %d is %s." % (number, _kind(entry))]
    mistakes = []
    name = entry.get("name")
    if not isinstance(name, str) or len(name.split()) != 1:
        mistakes.append("must have a name without whitespace for each user; user %d has none." % number)
    if not set(entry) <= set(USER_KEYS):
        mistakes.append("must have only name, group and password for each user; user %d has more." % number)
    return mistakes


def _nodes(value: t.Any) -> list[str]:
    names = _names(value)
    roles = [name for name in names if name in NODE_ROLES]
    if roles and roles != names:
        raise Mistake("must contain either roles or names of nodes; it is %s." % _quoted(", ".join(names)))
    return names


def _scripts(value: t.Any) -> list[dict[str, t.Any]] | None:
    """The scripts of a list, of a YAML or JSON string, or of lines of ``url args``. None leaves those of the cluster alone."""
    if value is None:
        return None
    if isinstance(value, str):
        text = value.strip()
        value = _loaded(text) if _is_yaml(text) else _lines(text)
    if not isinstance(value, (list, tuple)):
        raise Mistake("must be a list of scripts, or a string with one script per line; it is %s." % _kind(value))
    mistakes = [mistake for number, entry in enumerate(value, 1) for mistake in _mistakes_of_script(number, entry)]
    if mistakes:
        raise Mistake(*mistakes)
    return [dict(entry) if isinstance(entry, Mapping) else _script_of_line(entry) for entry in value]


def _mistakes_of_script(number: int, entry: t.Any) -> list[str]:
    if isinstance(entry, Mapping):
        sources = [name for name in SOURCES if entry.get(name)]
        found = ", ".join(sources) or "none of them"
        return [] if len(sources) == 1 else ["must have exactly one of %s for each script; script %d has %s." % (", ".join(SOURCES), number, found)]
    url = _script_of_line(str(entry))["url"]
    if isinstance(entry, str) and ("://" in url or url.startswith("/")):
        return []
    return ["must have a URL or an absolute path at the beginning of each script, then its arguments; script %d begins with %s." % (number, _quoted(url))]


def _script_of_line(line: str) -> dict[str, t.Any]:
    url, args = [*line.split(maxsplit=1), "", ""][:2]
    return {"url": url, "args": args.rstrip()}


def _lines(text: str) -> list[str]:
    lines = (line.strip() for line in text.splitlines())
    return [line for line in lines if line and not line.startswith("#")]


def _is_yaml(text: str) -> bool:
    return text.startswith(("[", "{", "---", "- ", "-\n")) or text == "-"


def _loaded(text: str) -> t.Any:
    try:
        return yaml.safe_load(text)
    except (yaml.YAMLError, TypeError, ValueError) as error:
        mark = getattr(error, "problem_mark", None)
        place = ", line %d" % (mark.line + 1) if mark else ""
        raise Mistake("is not valid YAML or JSON%s. Put quotation marks around strings with special characters." % place) from None


def _is_blank(value: t.Any) -> bool:
    return value is None or (isinstance(value, str) and not value.strip())


def _lower(value: t.Any) -> str:
    return str(value).strip().lower()


def _quoted(value: t.Any) -> str:
    # A pre-signed URL may be in the wrong variable.
    return "'%s'" % redact_text(str(value))[:MAX_QUOTE] if isinstance(value, (str, int, float)) else _kind(value)


def _kind(value: t.Any) -> str:
    kinds = {bool: "a boolean", str: "a string", int: "a number", float: "a number", Mapping: "a dictionary", list: "a list", tuple: "a list"}
    return next((words for kind, words in kinds.items() if isinstance(value, kind)), "of another type")


CONVERTERS: dict[str, t.Callable[[t.Any], t.Any]] = {
    "cluster_id": _text,
    "region": _text,
    "post_scripts": _scripts,
    "post_scripts_purge": _boolean,
    "scripts_bucket": _text,
    "scripts_prefix": _text,
    "scripts_node_endpoint": _text,
    "scripts_bundle": _boolean,
    "accept_full_update": _boolean,
    "preflight": _preflight,
    "backup": _boolean,
    "backup_dir": _text,
    "run_on_nodes": _nodes,
    "sync_users": _sync_users,
    "expected_users": _names,
    "users": _users,
    "account_host": _text,
    "uid_min": _number,
    "uid_max": _number,
    "sync_timeout": _seconds(1),
    "wait_timeout": _seconds(0),
    "wait_delay": _seconds(1),
}
