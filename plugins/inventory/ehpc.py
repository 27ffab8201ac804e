# Copyright (c) 2026, the alicloud.ehpc contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: ehpc
short_description: E-HPC clusters, or their nodes, as hosts
version_added: 1.0.0
author:
  - The alicloud.ehpc contributors (!UNKNOWN)
description:
  - Lists the E-HPC clusters of an account, in one region, in some or in all, and makes each a host; or makes each node of these
    clusters a host.
  - The name of the file must end in C(ehpc.yml) or C(ehpc.yaml).
  - What is known of a cluster or a node is in variables that begin with C(ehpc_). Each cluster has C(ehpc_cluster_id),
    C(ehpc_cluster_name), C(ehpc_region), C(ehpc_status), C(ehpc_location), C(ehpc_scheduler_type), C(ehpc_account_type),
    C(ehpc_deploy_mode) and C(ehpc_create_time). Each node has C(ehpc_cluster_id), C(ehpc_cluster_name), C(ehpc_region),
    C(ehpc_node_id), C(ehpc_host_name), C(ehpc_roles), C(ehpc_status), C(ehpc_state_in_sched), C(ehpc_location),
    C(ehpc_ip_address) and C(ehpc_public_ip_address). M(alicloud.ehpc.cluster_info) knows more of a cluster.
  - The list of nodes does not say to which queue a node belongs, so there is no variable for that.
extends_documentation_fragment:
  - alicloud.ehpc._plugin
  - ansible.builtin.constructed
  - ansible.builtin.inventory_cache
options:
  plugin:
    description:
      - The name of this plugin. Ansible takes the file for another plugin's where it is another one.
    type: str
    required: true
    choices: [alicloud.ehpc.ehpc]
  regions:
    description:
      - The regions to look in. Clusters of a region that is left out are not in the inventory any more; nothing happens to them.
      - Where there are none, the region of O(region), of the environment or of the profile is taken, else all regions that the
        service lists.
    type: list
    elements: str
    default: []
  hosts:
    description:
      - V(clusters) makes each cluster a host in the group C(ehpc_clusters), with C(ansible_connection) set to V(local), because the
        calls are made from here.
      - V(nodes) makes each node of the clusters a host in the group C(ehpc_nodes), in the group of its cluster (C(ehpc_cluster_)
        and the id) and in those of its roles (C(ehpc_role_manager), C(ehpc_role_login), C(ehpc_role_compute)), with
        C(ansible_host) set to its private address.
      - Changing it changes every host and its groups. Two files, one for each, may be used together.
    type: str
    choices: [clusters, nodes]
    default: clusters
  statuses:
    description:
      - Only clusters with one of these statuses, such as V(running). Without any, all.
    type: list
    elements: str
    default: []
  names:
    description:
      - Only clusters whose name matches one of these shell patterns. Without any, all.
    type: list
    elements: str
    default: []
  hostnames:
    description:
      - What a host is called, a variable's name or a template each; the first that gives a text which no other host has is taken.
      - Changing it renames hosts, by which limits, C(host_vars) and cached facts go.
      - Where none does, a cluster is called by its id, and a node by its host name, a dot and its cluster's id; by its own id instead
        of a host name that it has not yet, or not alone.
    type: list
    elements: str
    default: []
  strict_regions:
    description:
      - V(true) fails where a region denies access or cannot be asked.
      - V(false) leaves such a region out, with a warning that names it. Where no region can be asked it fails all the same. With
        O(hosts=nodes) a cluster whose nodes cannot be listed is left out likewise.
    type: bool
    default: true
"""

EXAMPLES = r"""
# fmt: code

# All clusters of two regions: prod.ehpc.yml
plugin: alicloud.ehpc.ehpc
regions: [cn-hangzhou, cn-shanghai]

---
# Only hybrid clusters that run, called by their names, in groups by region and scheduler
plugin: alicloud.ehpc.ehpc
statuses: [running]
hostnames: [ehpc_cluster_name]
groups:
  hybrid: ehpc_location == 'OnPremise'
keyed_groups:
  - key: ehpc_region
    prefix: region
  - key: ehpc_scheduler_type
    prefix: scheduler

---
# All regions that these credentials may see, with the scripts chosen by the scheduler
plugin: alicloud.ehpc.ehpc
strict_regions: false
compose:
  ehpc_bootstrap_post_scripts: >-
    [{'url': 'https://scripts.example.com/' ~ ehpc_scheduler_type ~ '.sh', 'args': '--name ' ~ ehpc_cluster_name}]

---
# The compute nodes of some clusters, kept in a cache for ten minutes
plugin: alicloud.ehpc.ehpc
region: cn-hangzhou
names: ["cfd-*"]
hosts: nodes
cache: true
cache_plugin: ansible.builtin.jsonfile
cache_connection: ~/.cache/ehpc
cache_timeout: 600
"""

import hashlib
import typing as t
from fnmatch import fnmatchcase

from ansible.errors import AnsibleError, AnsibleParserError
from ansible.module_utils.basic import missing_required_lib
from ansible.plugins.inventory import BaseInventoryPlugin, Cacheable, Constructable
from ansible_collections.alicloud.ehpc.plugins.module_utils import _clusters, _http, _nodes
from ansible_collections.alicloud.ehpc.plugins.module_utils._arguments import SHARED_SPEC, request_settings
from ansible_collections.alicloud.ehpc.plugins.module_utils._credentials import credentials, region_of
from ansible_collections.alicloud.ehpc.plugins.module_utils._errors import EhpcError
from ansible_collections.alicloud.ehpc.plugins.plugin_utils._fleet import Fleet
from ansible_collections.alicloud.ehpc.plugins.plugin_utils._untrusted import as_data, is_harmless, without_code

if t.TYPE_CHECKING:  # pragma: no cover
    from ansible.inventory.data import InventoryData
    from ansible.parsing.dataloader import DataLoader

# Any region's endpoint lists all regions.
REGION_TO_ASK = "cn-hangzhou"
# What becomes a variable, and under which name where its own would not say of what it is. No more than this: each task of each host
# carries its variables along, and the other fields of 1,000 clusters take ansible-inventory half a second.
CLUSTER_VARIABLES = {"id": "cluster_id", **{name: name for name in _clusters.REQUIRED_KEYS}, "name": "cluster_name", "region_id": "region"}
NODE_VARIABLES = {
    **{name: name for name in ("cluster_id", "cluster_name", "roles", *_nodes.REQUIRED_KEYS)},
    "id": "node_id",
    "region_id": "region",
}


class InventoryModule(BaseInventoryPlugin, Constructable, Cacheable):
    """The inventory plugin."""

    NAME = "alicloud.ehpc.ehpc"

    def verify_file(self, path: str) -> bool:
        """Whether this is a file for this plugin."""
        return bool(super().verify_file(path)) and path.endswith(("ehpc.yml", "ehpc.yaml"))

    def parse(self, inventory: InventoryData, loader: DataLoader, path: str, cache: bool = True) -> None:
        """Add the hosts that the file describes."""
        super().parse(inventory, loader, path, cache)
        config = self._read_config_data(path)
        if _http.MISSING_LIBRARY:
            raise AnsibleParserError(missing_required_lib(_http.REQUIRED_LIBRARIES))
        try:
            entries = self._entries(self._shared_options(config), path, cache)
        except EhpcError as error:
            raise AnsibleParserError("%s: %s" % (path, error)) from None
        self._add_hosts(entries)

    def _shared_options(self, config: dict[str, t.Any]) -> dict[str, t.Any]:
        """The shared options as the file has them; the environment is looked at where it counts for modules too."""
        params: dict[str, t.Any] = {}
        for name, spec in SHARED_SPEC.items():
            given = any(key in config for key in (name, *spec.get("aliases", ())))
            params[name] = self.templar.template(self.get_option(name)) if given else None
        return params

    def _entries(self, params: dict[str, t.Any], path: str, cache: bool) -> list[dict[str, t.Any]]:
        """The clusters or nodes, from the cache where it has them."""
        regions = self.get_option("regions") or [region for region in [region_of(params)] if region]
        if not self.get_option("cache"):
            return self._read(params, regions)
        key = "%s_%s" % (self.get_cache_key(path), self._digest(params, regions))
        cached = self._cached(key) if cache else None
        if cached is None:
            cached = self._read(params, regions)
            self._cache[key] = cached
        return cached

    def _cached(self, key: str) -> list[dict[str, t.Any]] | None:
        try:
            found = self._cache[key]
        except Exception:  # noqa: BLE001 - absent or stale, or unreadable in whatever way a cache plugin has of saying so
            return None
        return found if isinstance(found, list) else None

    def _digest(self, params: dict[str, t.Any], regions: list[str]) -> str:
        """What the answer depends on: who asks, where, and for what. A digest, because who asks is told apart by secrets too."""
        options = [self.get_option(name) for name in ("hosts", "statuses", "names", "strict_regions")]
        asked = (credentials(params).identity, request_settings(params, REGION_TO_ASK).url, regions, options)
        return hashlib.sha256(repr(asked).encode()).hexdigest()[:16]

    def _read(self, params: dict[str, t.Any], regions: list[str]) -> list[dict[str, t.Any]]:
        fleet = Fleet(params)
        regions = regions or fleet.regions(REGION_TO_ASK)
        clusters, failed_regions = fleet.clusters(regions)
        if failed_regions and (self.get_option("strict_regions") or len(failed_regions) == len(set(regions))):
            raise next(iter(failed_regions.values()))
        for region, error in failed_regions.items():
            self.display.warning("Region %s is left out: %s" % (region, error))
        clusters = [cluster for cluster in clusters if self._wanted(cluster)]
        return self._nodes(fleet, clusters) if self.get_option("hosts") == "nodes" else clusters

    def _nodes(self, fleet: Fleet, clusters: list[dict[str, t.Any]]) -> list[dict[str, t.Any]]:
        nodes, failures = fleet.nodes(clusters)
        if failures and self.get_option("strict_regions"):
            raise next(iter(failures.values()))
        for cluster_id, error in failures.items():
            self.display.warning("The nodes of cluster %s are left out: %s" % (cluster_id, error))
        return nodes

    def _wanted(self, cluster: dict[str, t.Any]) -> bool:
        statuses, names = self.get_option("statuses"), self.get_option("names")
        return (not statuses or cluster["status"] in [status.lower() for status in statuses]) and (
            not names or any(fnmatchcase(cluster["name"] or "", name) for name in names)
        )

    def _add_hosts(self, entries: list[dict[str, t.Any]]) -> None:
        nodes = self.get_option("hosts") == "nodes"
        group = self.inventory.add_group("ehpc_nodes" if nodes else "ehpc_clusters")
        strict = self.get_option("strict")
        taken: set[str] = set()
        for entry in entries:
            variables = as_data(self._node_variables(entry) if nodes else self._cluster_variables(entry))
            host = self._host_name(variables, taken, nodes)
            taken.add(host)
            self.inventory.add_host(host, group=group)
            for name, value in variables.items():
                self.inventory.set_variable(host, name, value)
            if nodes:
                self._add_node_groups(host, variables)
            self._compose_variables(host, variables, strict)
            self._add_host_to_composed_groups(self.get_option("groups"), variables, host, strict=strict)
            self._add_host_to_keyed_groups(self.get_option("keyed_groups"), variables, host, strict=strict)

    def _compose_variables(self, host: str, variables: dict[str, t.Any], strict: bool) -> None:
        compose = self.get_option("compose")
        self._set_composite_vars(compose, variables, host, strict=strict)
        composed = self.inventory.get_host(host).vars
        for name in set(compose or ()) & set(composed):
            self.inventory.set_variable(host, name, as_data(composed[name]))

    def _cluster_variables(self, cluster: dict[str, t.Any]) -> dict[str, t.Any]:
        return {**_variables(cluster, CLUSTER_VARIABLES), "ansible_connection": "local"}

    def _node_variables(self, node: dict[str, t.Any]) -> dict[str, t.Any]:
        return {**_variables(node, NODE_VARIABLES), "ansible_host": node["ip_address"]}

    def _host_name(self, variables: dict[str, t.Any], taken: set[str], node: bool) -> str:
        for preference in self.get_option("hostnames"):
            try:
                name = self._named(preference, variables)
            except AnsibleError as error:
                if self.get_option("strict"):
                    raise AnsibleParserError("hostnames: %s cannot be used: %s" % (preference, error)) from None
                continue
            # The name of a host is a variable, too: inventory_hostname.
            if name and str(name) not in taken and is_harmless(str(name)):
                return str.__str__(str(name))
        return _node_name(variables, taken) if node else without_code(variables["ehpc_cluster_id"])

    def _named(self, preference: str, variables: dict[str, t.Any]) -> t.Any:
        if "{{" not in preference:
            return self._compose(preference, variables)
        self.templar.available_variables = variables
        return self.templar.template(preference)

    def _add_node_groups(self, host: str, variables: dict[str, t.Any]) -> None:
        names = ["ehpc_cluster_%s" % variables["ehpc_cluster_id"], *("ehpc_role_%s" % role for role in variables["ehpc_roles"])]
        for name in names:
            self.inventory.add_child(self.inventory.add_group(self._sanitize_group_name(name)), host)


def _node_name(variables: dict[str, t.Any], taken: set[str]) -> str:
    name = "%s.%s" % (variables["ehpc_host_name"], variables["ehpc_cluster_id"])
    if not variables["ehpc_host_name"] or name in taken or not is_harmless(name):
        name = without_code("%s.%s" % (variables["ehpc_node_id"], variables["ehpc_cluster_id"]))
    return name


def _variables(entry: dict[str, t.Any], names: dict[str, str]) -> dict[str, t.Any]:
    return {"ehpc_%s" % name: entry[key] for key, name in names.items()}
