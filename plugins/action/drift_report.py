# Copyright (c) 2026, the alicloud.ehpc contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Compare the clusters of a play with the variables of the role ehpc_bootstrap, and report the result.

All of it is one task, so that the URLs of the desired scripts, which may be pre-signed, are in no registered result.
"""

from __future__ import annotations

import typing as t
from collections.abc import Mapping
from pathlib import Path

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase
from ansible.template import Templar
from ansible.utils.display import Display
from ansible_collections.alicloud.ehpc.plugins.module_utils import _drift
from ansible_collections.alicloud.ehpc.plugins.module_utils._errors import EhpcError, invalid_option
from ansible_collections.alicloud.ehpc.plugins.plugin_utils import _drift_report
from ansible_collections.alicloud.ehpc.plugins.plugin_utils._actions import accounts_of, run_action
from ansible_collections.alicloud.ehpc.plugins.plugin_utils._bootstrap_options import publish_key
from ansible_collections.alicloud.ehpc.plugins.plugin_utils._drift_desired import Accounts, Desired, Host, account_host_of, desired_state, read_hosts

MODULE = "alicloud.ehpc.drift_info"
PUBLISH = "alicloud.ehpc.post_scripts_publish"
SPEC: dict[str, dict[str, t.Any]] = {
    "nodes": {"type": "bool", "default": False},
    "path": {"type": "str", "default": ""},
    "accounts": {"type": "list", "elements": "dict", "default": []},
}


class ActionModule(ActionBase):
    """Everything but the calls of drift_info happens on the controller."""

    _supports_check_mode = True
    _VALID_ARGS = frozenset(SPEC)

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        """Run the task."""
        result: dict[str, t.Any] = super().run(tmp, task_vars)
        _validation, options = self.validate_argument_spec(SPEC)
        variables = task_vars or {}
        try:
            path = _drift_report.checked_path(options["path"])
        except EhpcError as error:
            raise AnsibleActionFail(str(error)) from None
        hosts = list(read_hosts(variables["ansible_play_hosts_all"], variables, Templar(self._loader)))
        account_hosts = sorted({account_host_of(host.options) for host in hosts} - {""})
        if account_hosts and not options["accounts"]:
            return {**result, "changed": False, "account_hosts": account_hosts}
        self._publish(hosts, variables)
        accounts = _accounts(options["accounts"])
        desired = [desired_state(host, accounts) for host in hosts]
        compared = self._compared([host.entry for host in desired if not host.mistakes], options["nodes"], variables)
        if "clusters" not in compared:
            return {**result, **compared}
        clusters = _merged(desired, compared["clusters"])
        report: dict[str, t.Any] = {"clusters": clusters, "summary": _drift.summary(clusters)}
        display = Display()
        for line in [*_drift_report.table(clusters), "", _drift_report.sentence(report["summary"])]:
            display.display(line)
        if path:
            _write(path, report, compared.get("access_key", ""), options["nodes"])
        return {**result, **_stats(report), "changed": False}

    def _compared(self, entries: list[dict[str, t.Any]], nodes: bool, variables: dict[str, t.Any]) -> dict[str, t.Any]:
        """The result of drift_info, also if it failed."""
        if not entries:
            return {"clusters": []}
        return run_action(self, MODULE, {"clusters": entries, "nodes": nodes}, variables)

    def _publish(self, hosts: list[Host], variables: dict[str, t.Any]) -> None:
        """Give each script that the role publishes the URL that it has then. Nothing is written to the bucket."""
        published: dict[str, dict[str, t.Any]] = {}
        for host in hosts:
            key = "" if host.options["mistakes"] else publish_key(host.options, host.name)
            if not key:
                continue
            if key not in published:
                own = {**variables, **host.variables}
                published[key] = run_action(self, PUBLISH, _publishing(host.options), own, Templar(self._loader, variables=own), check_mode=True)
            if "scripts" in published[key]:
                host.options["post_scripts"] = published[key]["scripts"]
            else:
                host.options["mistakes"].append(str(published[key]["msg"]))


def _publishing(options: Mapping[str, t.Any]) -> dict[str, t.Any]:
    """The options of post_scripts_publish that the role sets."""
    given = {
        "region": options["region"],
        "bucket": options["scripts_bucket"],
        "prefix": options["scripts_prefix"],
        "node_endpoint": options["scripts_node_endpoint"],
        "bundle": options["scripts_bundle"],
    }
    return {"scripts": options["post_scripts"], **{name: value for name, value in given.items() if value}}


def _accounts(results: list[dict[str, t.Any]]) -> Accounts:
    """The user IDs of accounts by account host, for the hosts that could be read."""
    return {entry["item"]: accounts_of(entry["ansible_facts"]["getent_passwd"]) for entry in results if "ansible_facts" in entry}


def _merged(desired: list[Desired], compared: list[_drift.Result]) -> list[_drift.Result]:
    """The results in the order of the hosts. A host whose variables have mistakes failed."""
    waiting = iter(compared)
    clusters = []
    for host in desired:
        if host.mistakes:
            clusters.append(_drift.nothing_compared(host.entry["cluster_id"], host.entry.get("region"), host.entry.get("name")))
            _drift.fail(clusters[-1], invalid_option(" ".join(host.mistakes)))
        else:
            clusters.append(next(waiting))
    return clusters


def _stats(report: dict[str, t.Any]) -> dict[str, t.Any]:
    """What later tasks and workflows get."""
    ids = {state: [cluster["cluster_id"] for cluster in report["clusters"] if cluster["state"] == state] for state in (_drift.DRIFTED, _drift.FAILED)}
    data = {"ehpc_drift": {"summary": report["summary"], **ids}}
    return {
        "account_hosts": [],
        "summary": report["summary"],
        "drifted": ids[_drift.DRIFTED],
        "failed_clusters": ids[_drift.FAILED],
        "ansible_stats": {"data": data, "per_host": False, "aggregate": True},
    }


def _write(path: Path, report: dict[str, t.Any], access_key: str, nodes: bool) -> None:
    try:
        _drift_report.write(path, report, access_key, nodes)
    except OSError as error:
        raise AnsibleActionFail("The report cannot be written to %s: %s." % (path, error.strerror)) from None
