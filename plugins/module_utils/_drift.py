# Copyright (c) 2026, the alicloud.ehpc contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The desired state of a cluster, compared with what E-HPC and the nodes have. It only reads."""

from __future__ import annotations

import re
import typing as t

from ansible_collections.alicloud.ehpc.plugins.module_utils import _clusters, _drift_nodes, _errors, _nodes, _post_scripts, _runner, _users
from ansible_collections.alicloud.ehpc.plugins.module_utils._errors import EhpcError, invalid_option

if t.TYPE_CHECKING:  # pragma: no cover
    from collections.abc import Iterable, Mapping

    from ansible_collections.alicloud.ehpc.plugins.module_utils._client import Client
    from ansible_collections.alicloud.ehpc.plugins.module_utils._drift_nodes import Uids

IN_SYNC = "in_sync"
DRIFTED = "drifted"
FAILED = "failed"
NOT_COMPARED = "not_compared"
# The worst first: the state of a cluster is the worst of its parts.
STATES = (FAILED, DRIFTED, IN_SYNC, NOT_COMPARED)
MAX_NODES_IN_MESSAGE = 3
USER_FORM = "Use a string, or a dictionary with name and uid."

Result = t.Dict[str, t.Any]

_NAME = re.compile(r"[^-\s:,\x00-\x1f\x7f-\x9f][^\s:,\x00-\x1f\x7f-\x9f]*\Z")


class Desired(t.NamedTuple):
    """The desired state of a cluster. None: not compared."""

    cluster_id: str
    scripts: list[_post_scripts.Script] | None
    purge: bool
    users: Uids | None
    # Of a cluster in hybrid-cloud proxy mode, in addition to the users above.
    proxy_users: Uids | None
    nodes: list[str] | None
    roles: list[str]


def from_entry(entry: Mapping[str, t.Any]) -> Desired:
    """An entry of the option ``clusters``. Raises EhpcError for one that cannot work."""
    scripts = None if entry["scripts"] is None else _post_scripts.from_option(entry["scripts"])
    _post_scripts.check_limit(scripts or [])
    if not entry["purge"]:
        _post_scripts.refuse_duplicates(scripts or [], "scripts")
    users, proxy_users = (_uids(name, entry[name]) for name in ("users", "proxy_mode_users"))
    return Desired(_clusters.checked_id(entry["cluster_id"]), scripts, entry["purge"], users, proxy_users, entry["nodes"], entry["roles"])


def _uids(option: str, users: list[t.Any] | None) -> Uids | None:
    """The user ID of each user, or None, by name."""
    if users is None:
        return None
    found: Uids = {}
    for index, user in enumerate(users):
        entry = user if isinstance(user, dict) else {"name": user}
        name, uid = entry.get("name"), entry.get("uid")
        if not isinstance(name, str) or not _NAME.match(name):
            raise invalid_option("%s[%d] has no valid user name." % (option, index), USER_FORM)
        unknown = sorted(str(key) for key in set(entry) - {"name", "uid"})
        if unknown:
            raise invalid_option("%s[%d] has a key that cannot be compared: %s." % (option, index, ", ".join(unknown)), USER_FORM)
        if uid is not None and not re.match(r"[0-9]{1,10}\Z", str(uid)):
            raise invalid_option("%s[%d].uid is not a user ID: %.40r." % (option, index, uid))
        found[name] = found.get(name) if uid is None else int(uid)
    return found


def nothing_compared(cluster_id: str, region: str | None, name: str | None) -> Result:
    """The result of a cluster of which nothing was read yet."""
    return {
        "cluster_id": cluster_id,
        "name": name,
        "region": region,
        "status": None,
        "state": NOT_COMPARED,
        "scripts": {"state": NOT_COMPARED, "desired": [], "current": []},
        "masked_differences": [],
        "users": {"state": NOT_COMPARED, "desired": [], "current": [], "missing": [], "unexpected": [], "wrong_uids": []},
        "nodes": [],
        "error": None,
    }


def fail(result: Result, error: EhpcError) -> None:
    """Record that a part of the cluster could not be read. The first failure is the one that is reported."""
    result["state"] = FAILED
    result["error"] = result["error"] or error.as_failure()["error"]


def compare(client: Client, cluster: Mapping[str, t.Any], desired: Desired, result: Result, with_nodes: bool) -> None:
    """Compare each part of a cluster, whose details were read, and record the outcome in ``result``."""
    result.update(status=cluster["status"], name=result["name"] or cluster["name"])
    users = _desired_users(cluster, desired)
    scripts = _attempt(result, "scripts", lambda: _compare_scripts(client, desired, result))
    if users is not None:
        _attempt(result, "users", lambda: _compare_users(client, desired.cluster_id, users, result["users"]))
    if with_nodes:
        uids = {name: uid for name, uid in (users or {}).items() if uid is not None}
        # With purge the list is known even if that of the cluster could not be read.
        listed = desired.scripts if desired.purge else scripts
        _attempt(result, None, lambda: _compare_nodes(client, cluster, desired, listed, uids, result))
    parts = [result["scripts"]["state"], result["users"]["state"], *(node["state"] for node in result["nodes"])]
    result["state"] = worst([*parts, result["state"]])


def _attempt(result: Result, part: str | None, compare_part: t.Callable[[], t.Any]) -> t.Any:
    try:
        return compare_part()
    except EhpcError as error:
        fail(result, error)
        if part:
            result[part]["state"] = FAILED
    return None


def _desired_users(cluster: Mapping[str, t.Any], desired: Desired) -> Uids | None:
    proxy_users = desired.proxy_users if cluster["proxy_mode"] else None
    if desired.users is None and proxy_users is None:
        return None
    users = desired.users or {}
    return {**users, **{name: users.get(name) if uid is None else uid for name, uid in (proxy_users or {}).items()}}


def _compare_scripts(client: Client, desired: Desired, result: Result) -> list[_post_scripts.Script] | None:
    """Returns the list that nodes should have run if others contribute to it; None if no scripts are compared."""
    if desired.scripts is None:
        return None
    current = _post_scripts.read(client, desired.cluster_id)
    wanted = desired.scripts if desired.purge else _post_scripts.merged(current, desired.scripts)
    shown, stored = _post_scripts.redacted(wanted), _post_scripts.redacted(current)
    result["scripts"] = {"state": _state(wanted == current), "desired": shown, "current": stored}
    pairs = zip(wanted, current, shown, stored)
    result["masked_differences"] = [position for position, (one, other, seen, found) in enumerate(pairs, 1) if one != other and seen == found]
    # Nodes run the list of the cluster, which has no checksums.
    return [_post_scripts.Script(script.url, script.args) for script in wanted]


def _compare_users(client: Client, cluster_id: str, users: Uids, result: Result) -> None:
    result["desired"] = list(users)
    current = _users.names(_users.list_all(client, cluster_id))
    missing = [name for name in users if name not in current]
    unexpected = [name for name in current if name not in users]
    result.update(state=_state(not missing), current=current, missing=missing, unexpected=unexpected)


def _compare_nodes(
    client: Client, cluster: Mapping[str, t.Any], desired: Desired, scripts: list[_post_scripts.Script] | None, uids: dict[str, int], result: Result
) -> None:
    if scripts is None and not uids:
        return
    steps = None if scripts is None else _runner.steps(scripts)
    found = _nodes.choose(_nodes.list_all(client, cluster), desired.nodes, desired.roles)
    result["nodes"] = _drift_nodes.compare(client, desired.cluster_id, found, steps, uids)
    wrong = [{**entry, "node": node["hostname"] or node["id"]} for node in result["nodes"] for entry in node["wrong_uids"]]
    result["users"]["wrong_uids"] = wrong
    if wrong and result["users"]["state"] != FAILED:
        result["users"]["state"] = DRIFTED
    failed = [node for node in result["nodes"] if node["state"] == FAILED]
    if failed:
        raise _not_read(failed)


def _not_read(failed: list[Result]) -> EhpcError:
    reasons = ["%s: %s" % (node["hostname"] or node["id"], node["reason"]) for node in failed[:MAX_NODES_IN_MESSAGE]]
    more = len(failed) - MAX_NODES_IN_MESSAGE
    count = "There is no report from %d node%s: " % (len(failed), "" if len(failed) == 1 else "s")
    return EhpcError(
        _errors.NODES_NOT_READ,
        count + " ".join(reasons + (["And %d more." % more] if more > 0 else [])),
        action="InvokeShellCommand",
    )


def _state(is_equal: bool) -> str:
    return IN_SYNC if is_equal else DRIFTED


def worst(states: Iterable[str]) -> str:
    """The worst of some states."""
    found = set(states)
    return next(state for state in STATES if state in found)


def summary(clusters: list[Result]) -> dict[str, int]:
    """How many clusters there are of each state."""
    states = [cluster["state"] for cluster in clusters]
    return {"total": len(states), **{state: states.count(state) for state in (IN_SYNC, DRIFTED, FAILED, NOT_COMPARED)}}
