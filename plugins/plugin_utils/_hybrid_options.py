# Copyright (c) 2026, the alicloud.ehpc contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The variables of the role ehpc_hybrid_node as typed options, with all mistakes at once."""

from __future__ import annotations

import difflib
import re
import typing as t
from collections.abc import Mapping

PREFIX = "ehpc_hybrid_node_"
# The post-processing scripts are not here: the task that runs them checks them, and no result shows their URLs.
TEXTS = ("cluster_id", "region", "config_path", "queue")
RUN_TIMEOUT = "run_timeout"
SCRIPTS = "scripts"
DEFAULT_RUN_TIMEOUT = 1800
# What describes the node, and the fact that is its default.
TEXT_FACTS = {"host_name": ("hostname",), "ip_address": ("default_ipv4", "address")}
NUMBER_FACTS = {"cpu_cores": ("processor_vcpus",), "memory_mb": ("memtotal_mb",)}
# The facts of setup's subsets, and the variables in place of which they are.
SUBSETS = {"hostname": ("platform", ("host_name",)), "default_ipv4": ("network", ("ip_address",)), "memtotal_mb": ("hardware", ("cpu_cores", "memory_mb"))}
NAMES = (*TEXTS, *TEXT_FACTS, *NUMBER_FACTS, RUN_TIMEOUT, SCRIPTS)


def hybrid_options(variables: Mapping[str, t.Any], facts: Mapping[str, t.Any]) -> dict[str, t.Any]:
    """The options of the role, without their prefix, and ``mistakes``: a sentence for each.

    Null and a blank string mean the fact of the host, or that the option is not set.
    """
    given = {name[len(PREFIX) :]: value for name, value in variables.items() if name.startswith(PREFIX)}
    mistakes = [_unknown(name) for name in given if name not in NAMES]
    texts = {name: _text(given.get(name)) for name in TEXTS}
    if not texts["cluster_id"]:
        mistakes.append("ehpc_hybrid_node_cluster_id is empty. Set it, or ehpc_cluster_id, to the ID of the hybrid cluster.")
    node: dict[str, t.Any] = {name: _text(given.get(name)) or _text(_fact(facts, path)) for name, path in TEXT_FACTS.items()}
    for name, path in NUMBER_FACTS.items():
        node[name] = _number(name, _text(given.get(name)) or _text(_fact(facts, path)), mistakes)
    mistakes += ["%s%s is empty, and the facts of the host have no value for it. Set it." % (PREFIX, name) for name, value in node.items() if value == ""]
    seconds = _number(RUN_TIMEOUT, _text(given.get(RUN_TIMEOUT)) or str(DEFAULT_RUN_TIMEOUT), mistakes)
    options = {name: texts[name] for name in ("cluster_id", "region", "config_path")}
    return {**options, "node": {**node, "queue": texts["queue"]}, RUN_TIMEOUT: seconds, "mistakes": mistakes}


def missing_facts(variables: Mapping[str, t.Any], facts: Mapping[str, t.Any]) -> list[str] | None:
    """The subsets of the facts to gather; None if there is nothing to gather.

    Without a configuration file, setup is the first task that needs the host: a host that is down must not be added to the cluster.
    """
    blank = {name for name in NAMES if not _text(variables.get(PREFIX + name))}
    subsets = [subset for fact, (subset, names) in SUBSETS.items() if fact not in facts and blank & set(names)]
    return ["!all", "!min", *subsets] if subsets or "config_path" in blank else None


def _text(value: t.Any) -> str:
    return "" if value is None else str(value).strip()


def _number(name: str, text: str, mistakes: list[str]) -> t.Any:
    """The number, or an empty string if there is none."""
    if not text:
        return ""
    if not re.fullmatch("[0-9]{1,15}", text) or int(text) < 1:
        mistakes.append("%s%s must be a whole number, at least 1; it is '%.80s'." % (PREFIX, name, text))
        return 0
    return int(text)


def _fact(facts: Mapping[str, t.Any], path: tuple[str, ...]) -> t.Any:
    value: t.Any = facts
    for name in path:
        value = value.get(name) if isinstance(value, Mapping) else None
    return value


def _unknown(name: str) -> str:
    close = difflib.get_close_matches(name, NAMES, n=1, cutoff=0.6)
    hint = " The closest one is %s%s." % (PREFIX, close[0]) if close else ""
    return "%s%s is not a variable of the role.%s" % (PREFIX, name, hint)
