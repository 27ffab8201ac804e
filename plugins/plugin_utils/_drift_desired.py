# Copyright (c) 2026, the alicloud.ehpc contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The desired states of clusters from the variables of the role ehpc_bootstrap, in the form that drift_info accepts."""

from __future__ import annotations

import typing as t
from collections.abc import Iterator, Mapping

from ansible.errors import AnsibleError
from ansible.template import Templar
from ansible_collections.alicloud.ehpc.plugins.plugin_utils._bootstrap_options import bootstrap_options, plain, variables_of

NO_ACCOUNTS = "The accounts of the account host %s could not be read, so the expected users are not known. Check that Ansible can connect to it."

# The names and user IDs of the real accounts of each account host.
Accounts = Mapping[str, Mapping[str, int]]


class Desired(t.NamedTuple):
    """The desired state of a host's cluster."""

    # An entry of the option clusters of drift_info.
    entry: dict[str, t.Any]
    mistakes: list[str]


class Host(t.NamedTuple):
    """A host, and what its variables say."""

    name: str
    # The options of the role, with ``mistakes``.
    options: dict[str, t.Any]
    cluster_name: str | None
    variables: Mapping[str, t.Any]


def desired_state(host: Host, accounts: Accounts) -> Desired:
    """The desired state of the host's cluster. All of its scripts have URLs."""
    options = host.options
    scripts = options["post_scripts"]
    mistakes = list(options["mistakes"])
    entry = {
        "cluster_id": options["cluster_id"] or host.name,
        "region": options["region"],
        "name": host.cluster_name,
        "purge": options["post_scripts_purge"],
        "nodes": options["nodes"],
        "roles": options["roles"],
    }
    account_host = account_host_of(options)
    if account_host and account_host not in accounts:
        mistakes.append(NO_ACCOUNTS % account_host)
    uids = accounts.get(account_host, {})
    # The role creates these on a cluster, or expects them on one in proxy mode.
    created = [user["name"] for user in options.get("users") or []]
    expected = [*created, *options["expected_users"], *_names(options, uids)]
    with_uids = [{"name": name, "uid": uids[name]} if name in uids else name for name in dict.fromkeys(expected)]
    entry["users"] = with_uids if options["sync_users"] is True else created
    if options["sync_users"] == "auto":
        entry["proxy_mode_users"] = with_uids
    # Without names there is nothing to compare, and a list of scripts may be empty.
    entry = {key: value for key, value in entry.items() if value or value is False}
    return Desired(entry if scripts is None else {**entry, "scripts": scripts}, mistakes)


def account_host_of(options: Mapping[str, t.Any]) -> str:
    """The host whose accounts the role would read, or an empty string."""
    return str(options["account_host"]) if options["sync_users"] is not False else ""


def _names(options: Mapping[str, t.Any], accounts: Mapping[str, int]) -> list[str]:
    return sorted(name for name, uid in accounts.items() if options["uid_min"] <= uid <= options["uid_max"])


def read_hosts(names: list[str], task_vars: Mapping[str, t.Any], templar: Templar) -> Iterator[Host]:
    """The hosts with these names."""
    for host in names:
        # Not hostvars[host], which would evaluate an undefined variable to its own name before ansible-core 2.19.
        variables = dict(task_vars["hostvars"].raw_get(host), hostvars=task_vars["hostvars"])
        templar.available_variables = variables
        values, mistakes = {}, []
        for name, value in variables_of(variables).items():
            try:
                # Most values are not templates, and evaluating those of a thousand hosts takes seconds.
                values[name] = plain(templar.template(value)) if _has_braces(value) else value
            except AnsibleError as error:
                mistakes.append("%s cannot be evaluated: %s." % (name, str(error).rstrip(".")))
        options = bootstrap_options(values)
        cluster_name = variables.get("ehpc_cluster_name")
        yield Host(host, {**options, "mistakes": [*mistakes, *options["mistakes"]]}, str(cluster_name) if cluster_name else None, variables)


def _has_braces(value: t.Any) -> bool:
    """Whether a value may contain a template: any string in it has an opening brace, or its type is not a plain one."""
    if isinstance(value, str):
        return "{" in value or value.startswith("#jinja2:")
    if isinstance(value, Mapping):
        return any(_has_braces(entry) for pair in value.items() for entry in pair)
    if isinstance(value, (list, tuple)):
        return any(_has_braces(entry) for entry in value)
    return not (value is None or isinstance(value, (bool, int, float)))
