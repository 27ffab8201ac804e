# Copyright (c) 2026, the alicloud.ehpc contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The state of the service: regions, keys, clusters with their users and nodes."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timezone
from typing import Any

from .commands import Nodes

V1, NEXT = "1.0", "next"
ACCOUNT = "main"
FIRST_UID = 1000


def now() -> str:
    return datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%S")


@dataclass
class Region:
    id: str
    local_name: str = ""


@dataclass
class Credential:
    access_key: str
    secret_key: str
    name: str = ""
    security_token: str = ""
    status: str = "active"
    token_expired: bool = False
    account: str = ACCOUNT


@dataclass
class Denial:
    """A missing RAM permission. None matches everything."""

    action: str = "*"
    region: str | None = None
    cluster_id: str | None = None
    access_key: str | None = None
    code: str = "NotAuthorized"

    def matches(self, action: str, region: str, cluster_id: str | None, access_key: str) -> bool:
        return (
            self.action in ("*", action) and self.region in (None, region) and self.cluster_id in (None, cluster_id) and self.access_key in (None, access_key)
        )


@dataclass
class User:
    name: str
    group: str = "users"
    add_time: str = "2024-01-15T08:00:00"
    visible_at: float = 0.0  # by time.monotonic(): ListUsers shows the user from then on
    uid: int = 0  # 0: the next one that is free
    password: str = ""


@dataclass
class Node:
    id: str
    host_name: str
    role: str = "Compute"  # Manager, Login or Compute
    status: str = "running"
    location: str = "PublicCloud"
    ip_address: str = ""
    public_ip_address: str = ""
    instance_type: str = "ecs.c5.large"
    add_time: str = "2024-01-15T08:30:00.000Z"
    state_in_sched: str = "active"
    roles: list[str] = field(default_factory=list)
    agent: str = "up"  # what executes commands; see README.md for the others


@dataclass
class StatusAfter:
    """The next status of a cluster, after a number of DescribeCluster calls or of seconds."""

    status: str = "running"
    calls: int | None = None
    seconds: float | None = None


@dataclass
class Cluster:
    id: str
    region: str
    account: str = ACCOUNT
    name: str = ""
    description: str = ""
    status: str = "running"
    status_after: StatusAfter | None = None
    location: str = "PublicCloud"
    proxy_mode: bool = False
    scheduler_type: str = "slurm"
    account_type: str = "nis"
    deploy_mode: str = "Simple"
    create_time: str = "2024-01-15T08:00:00.000Z"
    manager: str = "up"
    agent_failure: str = ""
    on_premise_commands: str = ""  # the code with which InvokeShellCommand refuses on-premises nodes
    hybrid_config: str = ""  # what GetHybridClusterConfig returns
    conflicts: int = 0  # how many calls of AddLocalNodes find another operation in progress
    sync_delay: float = 0.0
    sync_deletes: bool = False
    post_scripts: list[dict[str, str]] = field(default_factory=list)
    users: dict[str, User] = field(default_factory=dict)
    on_premise_users: dict[str, str] = field(default_factory=dict)  # name -> group
    nodes: list[Node] = field(default_factory=list)
    win_ad_par: str = ""
    openldap_par: str = ""
    details: dict[str, Any] = field(default_factory=dict)  # replaces fields of DescribeCluster, and of GetCluster
    generation: str = V1
    mode: str = "Integrated"  # ClusterMode of E-HPC NEXT
    settings: dict[str, Any] = field(default_factory=dict)  # of E-HPC NEXT: what UpdateCluster writes, by its names
    updates: int = 0
    described: int = 0
    created_at: float = field(default_factory=time.monotonic)
    queries: dict[str, int] = field(default_factory=dict)  # AsyncId -> how often it was polled
    waiting: list[tuple[float, Callable[[], None]]] = field(default_factory=list)  # changes to come, by time.monotonic()

    def __post_init__(self) -> None:
        for user in self.users.values():
            user.uid = user.uid or self.free_uid()
        secret = f"EXAMPLE-configuration-of-{self.id}"
        self.hybrid_config = self.hybrid_config or f"\n[cluster]\nid = {self.id}\nregion = {self.region}\nsecret = {secret}\n"
        named = {"ClusterName": self.name, "ClusterDescription": self.description}
        self.settings = {**self.default_settings(), **named, **self.settings}

    def default_settings(self) -> dict[str, Any]:
        """What UpdateCluster sets if it is given nothing. Documented: DeletionProtection and ClientVersion; known from Terraform: the intervals."""
        return {
            "ClusterName": self.id,
            "ClusterDescription": "",
            "MaxCount": 100,
            "MaxCoreCount": 10000,
            "DeletionProtection": False,
            "ClientVersion": "2.1.0",
            "ClusterCustomConfiguration": {},
            "GrowInterval": 2,
            "IdleInterval": 6,
            "EnableScaleOut": False,
            "EnableScaleIn": False,
            "MonitorSpec": {"EnableComputeLoadMonitor": False},
            "SchedulerSpec": {"EnableTopologyAwareness": False},
            "EnablePowerSaving": False,
        }

    def current_status(self) -> str:
        after = self.status_after
        if after is not None and self._is_due(after):
            self.status, self.status_after = after.status, None
        return self.status

    def _is_due(self, after: StatusAfter) -> bool:
        if after.calls is not None:
            return self.described >= after.calls
        return time.monotonic() - self.created_at >= (after.seconds or 0.0)

    def free_uid(self) -> int:
        return max([FIRST_UID - 1, *(user.uid for user in self.users.values())]) + 1

    def add_user(self, name: str, group: str, password: str = "", visible_at: float = 0.0) -> None:
        self.users[name] = User(name, group, add_time=now(), visible_at=visible_at, uid=self.free_uid(), password=password)

    def copy_of_users(self) -> dict[str, User]:
        return {name: replace(user) for name, user in self.users.items()}

    def after(self, seconds: float, change: Callable[[], None]) -> None:
        self.waiting.append((time.monotonic() + seconds, change))
        self.settle()

    def settle(self) -> None:
        """Make the changes that are due."""
        moment = time.monotonic()
        due, self.waiting = [item for item in self.waiting if item[0] <= moment], [item for item in self.waiting if item[0] > moment]
        for _moment, change in due:
            change()

    def visible_users(self) -> list[User]:
        self.settle()
        moment = time.monotonic()
        arrived = [user for user in self.users.values() if user.visible_at <= moment]
        return sorted(arrived, key=lambda user: (user.add_time, user.name))

    def synchronize(self) -> None:
        arrival = time.monotonic() + self.sync_delay
        for name, group in self.on_premise_users.items():
            if name in self.users:
                self.users[name].group = group
            else:
                self.add_user(name, group, visible_at=arrival)
        if self.sync_deletes:
            self.users = {name: user for name, user in self.users.items() if name in self.on_premise_users}


@dataclass
class StoredObject:
    """An object of OSS."""

    content: bytes
    content_type: str = "application/octet-stream"
    acl: str = "default"  # that of the bucket
    headers: dict[str, str] = field(default_factory=dict)  # headers that were uploaded and are returned with it
    modified: float = field(default_factory=time.time)


@dataclass
class Bucket:
    """A bucket of OSS."""

    name: str
    region: str = "cn-hangzhou"
    account: str = ACCOUNT
    acl: str = "private"
    block_public_access: bool = True
    versioning: str = ""  # Enabled or Suspended: x-oss-forbid-overwrite has no effect
    retention: bool = False  # objects are immutable
    kms: bool = True  # the key management service is enabled
    anonymous_read: str = "nodes"  # the clients that a bucket policy allows to read without a signature: `nodes` (of the VPC), `everyone`, `none`
    domains: list[str] = field(default_factory=list)  # host names of its own
    objects: dict[str, StoredObject] = field(default_factory=dict)


@dataclass
class Next:
    """The behaviour of E-HPC NEXT that its documentation does not specify."""

    keeps: list[str] = field(default_factory=list)  # parameters that UpdateCluster leaves alone if they are omitted
    empty_script: str = "clear"  # UpdateCluster with an empty ClusterCustomConfiguration: clear, keep or refuse
    empty_args: str = "shown"  # Args of a script without arguments in answers: shown or absent
    power_saving: str = "keep"  # what UpdateCluster does with EnablePowerSaving, which it does not take: keep or reset
    update_statuses: list[str] = field(default_factory=lambda: ["running"])
    methods: str = "documented"  # any: GET and POST for each operation
    other_generation: str = "not_found"  # described: DescribeCluster and GetCluster describe clusters of the other generation, too
    lists: str = "own"  # all: ListClusters lists the clusters of both generations, in both APIs
    ids: str = "strings"  # UserId and GroupId: strings or numbers
    scheduler: str = "live"  # slurm22, as Terraform saw it; documented: SLURM


@dataclass
class State:
    region: str = "cn-hangzhou"
    regions: dict[str, Region] = field(default_factory=dict)
    credentials: dict[str, Credential] = field(default_factory=dict)
    clusters: dict[str, Cluster] = field(default_factory=dict)
    buckets: dict[str, Bucket] = field(default_factory=dict)
    oss_wrong_region: str = "InvalidArgument"
    denied: list[Denial] = field(default_factory=list)
    set_without_scripts: str = "clear"
    empty_lists: str = "wrapper"
    sync_without_proxy: str = "InvalidClusterStatus"
    region_id: str = "filters"
    manage_with_proxy: str = "accept"
    short_user_names: str = "accept"
    user_batches: str = "whole"
    unknown_user: str = "code"
    async_delay: float = 0.0
    config_form: str = "ini"
    config_of_unknown_node: str = "accept"
    local_node_delay: float = 0.0
    async_polls: int | None = 1
    async_status: str = "Success"
    next: Next = field(default_factory=Next)
    machines: Nodes = field(default_factory=Nodes)
