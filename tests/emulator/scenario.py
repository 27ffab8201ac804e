# Copyright (c) 2026, the alicloud.ehpc contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Scenarios: YAML text, or the same as a dict, becomes the state and the waiting faults."""

from __future__ import annotations

import copy
import functools
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any, TypeVar

import yaml

from .commands import MESSAGE_FORMS
from .errors import is_known
from .faults import Fault
from .nodes import nodes_of
from .state import NEXT, V1, Bucket, Cluster, Credential, Denial, Next, Region, State, StatusAfter, StoredObject, User

DEFAULT = Path(__file__).with_name("default_scenario.yml")
CHOICES = {
    "config_form": ("ini", "base64"),
    "config_of_unknown_node": ("accept", "refuse"),
    "set_without_scripts": ("clear", "keep", "error"),
    "empty_lists": ("wrapper", "absent"),
    "location": ("PublicCloud", "OnPremise"),
    "manager": ("up", "down"),
    "message_form": tuple(MESSAGE_FORMS),
    "region_id": ("filters", "ignored"),
    "short_user_names": ("accept", "refuse"),
    "user_batches": ("whole", "until_failure"),
    "unknown_user": ("code", "failure", "ignore"),
    "anonymous_read": ("nodes", "everyone", "none"),
    "versioning": ("", "Enabled", "Suspended"),
    "generation": (V1, NEXT),
    "mode": ("Integrated", "Hybrid", "Custom"),
    "empty_script": ("clear", "keep", "refuse"),
    "empty_args": ("shown", "absent"),
    "power_saving": ("keep", "reset"),
    "methods": ("documented", "any"),
    "other_generation": ("not_found", "described"),
    "lists": ("own", "all"),
    "ids": ("strings", "numbers"),
    "scheduler": ("live", "documented"),
}
# Keys of the state with the same name.
SWITCHES = (
    "set_without_scripts",
    "empty_lists",
    "region_id",
    "sync_without_proxy",
    "manage_with_proxy",
    "short_user_names",
    "user_batches",
    "unknown_user",
    "async_delay",
    "config_form",
    "config_of_unknown_node",
    "local_node_delay",
    "async_polls",
    "async_status",
    "oss_wrong_region",
)
TOP = (
    "region",
    "regions",
    "credentials",
    "clusters",
    "buckets",
    "generate",
    "denied",
    "faults",
    "node_environment",
    "message_form",
    "next",
    *SWITCHES,
)
# Kept by the emulator itself.
INTERNAL = {"described", "updates", "created_at", "queries", "waiting"}
Made = TypeVar("Made")


class ScenarioError(ValueError):
    """The scenario is not valid. The message states the place and the reason."""


def load(source: str | Path | Mapping[str, Any] | None) -> tuple[State, list[Fault]]:
    """Absent keys default to those of the default scenario."""
    given = _read(source) if source is not None and not isinstance(source, Mapping) else dict(source or {})
    _known("scenario", given, TOP)
    if "generate" in given:
        given.setdefault("clusters", [])
    # A copy, because states must not share anything.
    default = copy.deepcopy({key: value for key, value in _default().items() if key not in given})
    if "regions" in given:
        # They need not include the region of the default scenario.
        default.pop("region", None)
    return _state({**default, **given}), [_fault(i, item) for i, item in enumerate(given.get("faults") or [])]


@functools.cache
def _default() -> dict[str, Any]:
    return _read(DEFAULT)


def _read(source: object) -> dict[str, Any]:
    path = Path(str(source))
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        content = yaml.load(path.read_text(encoding="utf-8"), Loader=loader)
    except OSError as error:
        raise ScenarioError(f"cannot read the scenario {path}: {error.strerror}") from None
    except yaml.YAMLError as error:
        raise ScenarioError(f"the scenario {path} is not YAML: {error}") from None
    return _mapping("scenario", {} if content is None else content)


def _state(data: dict[str, Any]) -> State:
    regions = [_make(Region, f"regions[{i}]", item) for i, item in enumerate(_filled("regions", data))]
    credentials = [_make(Credential, f"credentials[{i}]", item) for i, item in enumerate(_filled("credentials", data))]
    state = State(region=data.get("region", regions[0].id))
    state.regions = {region.id: region for region in regions}
    state.credentials = {credential.access_key: credential for credential in credentials}
    _known_region("region", state.region, state)
    for name in SWITCHES:
        if name in data:
            _choice("scenario", name, data[name])
            setattr(state, name, data[name])
    _known_code("sync_without_proxy", state.sync_without_proxy)
    if state.manage_with_proxy != "accept":
        _known_code("manage_with_proxy", state.manage_with_proxy)
    environment = _mapping("node_environment", data.get("node_environment") or {})
    state.machines.message_form = data.get("message_form", "plain")
    _choice("scenario", "message_form", state.machines.message_form)
    state.machines.environment = {name: str(value) for name, value in environment.items()}
    state.next = _make(Next, "next", data.get("next") or {})
    state.denied = [_make(Denial, f"denied[{i}]", item) for i, item in enumerate(data.get("denied") or [])]
    for i, denial in enumerate(state.denied):
        _known_code(f"denied[{i}]", denial.code)
    for i, item in enumerate(data["clusters"] or []):
        _add(state, f"clusters[{i}]", item)
    for i, item in enumerate(_list(data.get("generate"))):
        _generate(state, f"generate[{i}]", item)
    buckets = [_bucket(f"buckets[{i}]", item, state) for i, item in enumerate(data.get("buckets") or [])]
    state.buckets = {bucket.name: bucket for bucket in buckets}
    return state


def _bucket(where: str, item: object, state: State) -> Bucket:
    """A bucket. Its objects are strings by key."""
    data = {"region": state.region, **_mapping(where, item)}
    _needed(where, data, "name")
    data["objects"] = {key: StoredObject(str(text).encode()) for key, text in _mapping(f"{where}.objects", data.get("objects") or {}).items()}
    bucket = _make(Bucket, where, data)
    _known_region(where, bucket.region, state)
    return bucket


def _add(state: State, where: str, item: object) -> None:
    cluster = _cluster(where, _mapping(where, item), state.region)
    _known_region(where, cluster.region, state)
    if cluster.id in state.clusters:
        raise ScenarioError(f"{where}: a second cluster {cluster.id}")
    state.clusters[cluster.id] = cluster


def _generate(state: State, where: str, item: object) -> None:
    """Many identical clusters, distributed over the regions in turn."""
    data = _mapping(where, item)
    _known(where, data, ("clusters", "prefix", "regions", "cluster"))
    prefix, regions = data.get("prefix", "ehpc-hz-fleet"), _list(data.get("regions") or state.region)
    template = _mapping(f"{where}.cluster", data.get("cluster") or {})
    for number in range(1, _needed(where, data, "clusters") + 1):
        cluster_id = f"{prefix}{number:05d}"
        region = regions[(number - 1) % len(regions)]
        _add(state, f"{where}.cluster", {"region": region, **template, "id": cluster_id})


def _cluster(where: str, data: dict[str, Any], region: str) -> Cluster:
    data = {"region": region, "name": data.get("id", ""), **data}
    nodes = data.pop("nodes", None)
    if "users" in data:
        data["users"] = {user.name: user for user in _users(f"{where}.users", data["users"])}
    if "on_premise_users" in data:
        users = _users(f"{where}.on_premise_users", data["on_premise_users"])
        data["on_premise_users"] = {user.name: user.group for user in users}
    if "post_scripts" in data:
        data["post_scripts"] = [_script(f"{where}.post_scripts[{i}]", item) for i, item in enumerate(data["post_scripts"])]
    if data.get("status_after"):
        data["status_after"] = _make(StatusAfter, f"{where}.status_after", data["status_after"])
    cluster = _make(Cluster, where, data)
    _known(f"{where}.settings", cluster.settings, list(cluster.default_settings()))
    if cluster.on_premise_commands:
        _known_code(where, cluster.on_premise_commands)
    if cluster.proxy_mode and cluster.location != "OnPremise":
        raise ScenarioError(f"{where}: proxy_mode needs location: OnPremise")
    try:
        cluster.nodes = nodes_of(cluster, nodes)
    except (TypeError, ValueError) as error:
        raise ScenarioError(f"{where}.nodes: {error}") from None
    return cluster


def _users(where: str, data: Any) -> list[User]:
    """A list of names or of users, or a count of users with numbered names."""
    if isinstance(data, Mapping):
        _known(where, data, ("count", "prefix", "group", "add_time"))
        common = {name: data[name] for name in ("group", "add_time") if name in data}
        return [User(f"{data.get('prefix', 'hpcuser')}{i:02d}", **common) for i in range(1, _needed(where, data, "count") + 1)]
    return [User(item) if isinstance(item, str) else _make(User, f"{where}[{i}]", item) for i, item in enumerate(_list(data))]


def _script(where: str, item: object) -> dict[str, str]:
    script = _mapping(where, item)
    _known(where, script, ("url", "args"))
    return {"url": _needed(where, script, "url"), "args": script.get("args", "")}


def _fault(index: int, item: object) -> Fault:
    where = f"faults[{index}]"
    try:
        return _make(Fault, where, item)
    except ValueError as error:
        raise ScenarioError(str(error) if isinstance(error, ScenarioError) else f"{where}: {error}") from None


def _make(kind: type[Made], where: str, item: object) -> Made:
    data = _mapping(where, item)
    known = [field.name for field in fields(kind) if field.name not in INTERNAL]  # type: ignore[arg-type]
    _known(where, data, known)
    for name, value in data.items():
        _choice(where, name, value)
    try:
        return kind(**data)
    except TypeError as error:
        # The remaining case is a missing required key.
        raise ScenarioError(f"{where}: {str(error).partition('() ')[2]}") from None


def _mapping(where: str, item: object) -> dict[str, Any]:
    if not isinstance(item, Mapping):
        raise ScenarioError(f"{where}: a mapping is needed, not {item!r}")
    return dict(item)


def _known(where: str, data: Mapping[str, Any], known: tuple[str, ...] | list[str]) -> None:
    for name in data:
        if name not in known:
            raise ScenarioError(f"{where}: unknown key {name!r} (known: {', '.join(known)})")


def _known_region(where: str, region: str, state: State) -> None:
    if region not in state.regions:
        raise ScenarioError(f"{where}: unknown region {region!r} (known: {', '.join(state.regions)})")


def _known_code(where: str, code: str) -> None:
    if not is_known(code):
        raise ScenarioError(f"{where}: unknown error code {code!r}")


def _needed(where: str, data: Mapping[str, Any], name: str) -> Any:
    if name not in data:
        raise ScenarioError(f"{where}: {name} is missing")
    return data[name]


def _filled(name: str, data: Mapping[str, Any]) -> list[Any]:
    if not data[name]:
        raise ScenarioError(f"{name}: at least one is needed")
    return _list(data[name])


def _choice(where: str, name: str, value: object) -> None:
    if name in CHOICES and value not in CHOICES[name]:
        raise ScenarioError(f"{where}: {name} is one of {', '.join(CHOICES[name])}, not {value!r}")


def _list(value: Any) -> list[Any]:
    if value is None:
        return []
    return value if isinstance(value, list) else [value]
