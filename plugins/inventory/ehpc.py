# Copyright (c) 2026, the alicloud.ehpc contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: ehpc
short_description: E-HPC clusters or their nodes as hosts
version_added: 1.0.0
author:
  - The alicloud.ehpc contributors (!UNKNOWN)
description:
  - Lists the E-HPC clusters of an account in one, several or all regions, and adds each cluster as a host, or each node of these clusters.
  - The name of the file must end in C(ehpc.yml) or C(ehpc.yaml).
  - Variables of hosts have the prefix C(ehpc_). Each cluster has C(ehpc_cluster_id), C(ehpc_cluster_name), C(ehpc_region), C(ehpc_status),
    C(ehpc_location), C(ehpc_scheduler_type), C(ehpc_account_type), C(ehpc_deploy_mode), C(ehpc_create_time) and C(ehpc_generation) (V(1.0) or
    V(next)). M(alicloud.ehpc.cluster_info) returns more about a cluster.
  - Each node has C(ehpc_cluster_id), C(ehpc_cluster_name), C(ehpc_region), C(ehpc_node_id), C(ehpc_host_name), C(ehpc_roles), C(ehpc_status),
    C(ehpc_state_in_sched), C(ehpc_location), C(ehpc_scheduler_type), C(ehpc_ip_address), C(ehpc_public_ip_address) and C(ehpc_generation).
  - Every host is in groups for its region (such as C(ehpc_region_cn_hangzhou)), status (C(ehpc_status_running)), scheduler
    (C(ehpc_scheduler_slurm)) and location (C(ehpc_location_OnPremise)). If clusters and nodes are used together, C(ehpc_clusters:&GROUP) are
    the clusters of a group.
  - Names of groups have an underscore in place of each character that is not a letter, a digit or an underscore.
  - Names of clusters and nodes are data. They are never evaluated as templates, on no release of ansible-core.
  - E-HPC does not report the queue of a node, so there is no variable for it.
  - Requires the RAM actions C(ehpc:ListClusters), C(ehpc:ListRegions) to list all regions, and C(ehpc:ListNodes) with O(hosts=nodes).
extends_documentation_fragment:
  - alicloud.ehpc._plugin
  - ansible.builtin.constructed
  - ansible.builtin.inventory_cache
options:
  plugin:
    description:
      - The name of this plugin.
    type: str
    required: true
    choices: [alicloud.ehpc.ehpc]
  regions:
    description:
      - The regions to list. V(all) means all regions of E-HPC.
      - If empty, the region of O(region), of its environment variables or of the profile is listed. If there is no such region either, all
        regions of E-HPC are listed.
    type: list
    elements: str
    default: []
  generations:
    description:
      - The generations of E-HPC whose clusters to list, V(1.0) and V(next) (E-HPC NEXT). Each region is listed once for each.
      - Clusters of E-HPC NEXT have no C(ehpc_location) and no C(ehpc_deploy_mode), so O(locations) leaves them out. Their nodes are the
        compute nodes, because E-HPC NEXT lists no others.
    type: list
    elements: str
    choices: ["1.0", next]
    default: ["1.0"]
  hosts:
    description:
      - V(clusters) adds each cluster as a host in the group C(ehpc_clusters). C(ansible_connection) is V(local), because API calls are
        made on the controller.
      - V(nodes) adds each node of the clusters as a host in the group C(ehpc_nodes), in a group for its cluster (C(ehpc_cluster_) and the
        ID) and in one for each of its roles (C(ehpc_role_manager), C(ehpc_role_login), C(ehpc_role_compute)). C(ansible_host) is its
        private address.
      - To have both, use two files.
    type: str
    choices: [clusters, nodes]
    default: clusters
  statuses:
    description:
      - Lists only clusters with one of these statuses, V(uninit), V(creating), V(init), V(running), V(exception), V(releasing), V(stopping),
        V(stopped) or V(pending), in any case. If empty, clusters with any status are listed.
      - Other values are an error. If E-HPC adds a status, select its clusters by their group, such as C(ehpc_status_new).
    type: list
    elements: str
    default: []
  locations:
    description:
      - Lists only clusters in one of these locations, V(PublicCloud) or V(OnPremise) (hybrid clusters), in any case. If empty, clusters in any
        location are listed.
    type: list
    elements: str
    default: []
  names:
    description:
      - Lists only clusters whose name matches one of these shell patterns. If empty, clusters with any name are listed.
    type: list
    elements: str
    default: []
  exclude_names:
    description:
      - Leaves out clusters whose name matches one of these shell patterns, even if it also matches O(names).
    type: list
    elements: str
    default: []
  hostnames:
    description:
      - Names of variables, expressions or templates for host names, in order of preference. The first that yields a usable name is used.
      - A name is not usable if it is empty, if Ansible reserves it (V(all), V(ungrouped), V(localhost)), if a group or another host has it,
        or if it is not safe. Names with an opening brace or parenthesis, a vertical bar or a slash, or with a leading hyphen, are not safe
        in templates, paths and the arguments of C(ssh). A warning lists the names that were not used.
      - By default, the name is the ID of the cluster. For nodes, it is the host name, a dot and the ID of the cluster, with the ID of the node
        in place of a host name that is missing or not unique.
    type: list
    elements: str
    default: []
  strict_regions:
    description:
      - If V(true), the inventory fails if a region cannot be listed, for example because it denies access.
      - If V(false), such a region is left out with a warning. If no region can be listed, the inventory fails nevertheless. With O(hosts=nodes),
        a cluster whose nodes cannot be listed is left out with a warning, too.
    type: bool
    default: true
"""

EXAMPLES = r"""
# fmt: code

# All clusters of two regions: prod.ehpc.yml
plugin: alicloud.ehpc.ehpc
regions: [cn-hangzhou, cn-shanghai]

---
# Running hybrid clusters of all regions, except for test clusters, with their names as host names
plugin: alicloud.ehpc.ehpc
regions: [all]
statuses: [running]
locations: [OnPremise]
exclude_names: ["test-*"]
hostnames: [ehpc_cluster_name]

---
# Groups and variables of your own, from variables of the clusters
plugin: alicloud.ehpc.ehpc
regions: [all]
strict_regions: false
groups:
  cfd: ehpc_cluster_name.startswith('cfd-')
keyed_groups:
  - key: ehpc_deploy_mode
    prefix: mode
compose:
  ehpc_bootstrap_post_scripts: >-
    [{'url': 'https://scripts.example.com/' ~ ehpc_scheduler_type ~ '.sh', 'args': '--name ' ~ ehpc_cluster_name}]

---
# Clusters of both generations of E-HPC
plugin: alicloud.ehpc.ehpc
region: cn-hangzhou
generations: ["1.0", next]
keyed_groups:
  - key: ehpc_generation
    prefix: generation

---
# The nodes of some clusters, kept in a cache for ten minutes
plugin: alicloud.ehpc.ehpc
region: cn-hangzhou
names: ["cfd-*"]
hosts: nodes
cache: true
cache_plugin: ansible.builtin.jsonfile
cache_connection: ~/.cache/ehpc
cache_timeout: 600
"""

import difflib
import hashlib
import ipaddress
import typing as t
from fnmatch import fnmatchcase

from ansible.errors import AnsibleError, AnsibleParserError
from ansible.module_utils.basic import missing_required_lib
from ansible.plugins.inventory import BaseInventoryPlugin, Cacheable, Constructable
from ansible.utils.vars import combine_vars
from ansible_collections.alicloud.ehpc.plugins.module_utils import _client, _clusters, _http, _nodes
from ansible_collections.alicloud.ehpc.plugins.module_utils._arguments import SHARED_SPEC, request_settings, resolve
from ansible_collections.alicloud.ehpc.plugins.module_utils._credentials import credentials, region_of
from ansible_collections.alicloud.ehpc.plugins.module_utils._errors import EhpcError
from ansible_collections.alicloud.ehpc.plugins.module_utils._version import VERSION
from ansible_collections.alicloud.ehpc.plugins.plugin_utils._fleet import Fleet
from ansible_collections.alicloud.ehpc.plugins.plugin_utils._host_names import HostNames
from ansible_collections.alicloud.ehpc.plugins.plugin_utils._secrets import register_options
from ansible_collections.alicloud.ehpc.plugins.plugin_utils._untrusted import as_data

if t.TYPE_CHECKING:  # pragma: no cover
    from collections.abc import Iterator

    from ansible.inventory.data import InventoryData
    from ansible.parsing.dataloader import DataLoader

    Entry = dict[str, t.Any]
    Variables = dict[str, t.Any]

# Any region's endpoint lists all regions.
REGION_TO_ASK = "cn-hangzhou"
ALL_REGIONS = "all"
# Keys of an entry and the variables that they become, without their prefix. No more than these: each task of each host carries its
# variables along, and the other fields of 1,000 clusters take ansible-inventory half a second.
CLUSTER_VARIABLES = {
    "id": "cluster_id",
    "generation": "generation",
    **{name: name for name in _clusters.REQUIRED_KEYS},
    "name": "cluster_name",
    "region_id": "region",
}
NODE_VARIABLES = {
    **{name: name for name in ("cluster_id", "cluster_name", "scheduler_type", "generation", "roles", *_nodes.REQUIRED_KEYS)},
    "id": "node_id",
    "region_id": "region",
}
# Prefixes of the groups that each host is in, and the variables that they continue with.
GROUPS = {
    "ehpc_region": "ehpc_region",
    "ehpc_status": "ehpc_status",
    "ehpc_scheduler": "ehpc_scheduler_type",
    "ehpc_location": "ehpc_location",
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
        self._check_options(config)
        # Nothing else is known yet that a template in an option could use.
        self.templar.available_variables = self._extra_variables()
        try:
            entries = self._entries(self._shared_options(config), path, cache)
        except EhpcError as error:
            raise AnsibleParserError("%s: %s" % (path, error)) from None
        self._add_hosts(entries)

    # Options

    def _check_options(self, config: dict[str, t.Any]) -> None:
        """Refuse options that do not exist. Ansible ignores them, and a misspelled filter would let the whole fleet pass."""
        definitions = self.option_definitions
        known = {*definitions, *(alias for definition in definitions.values() for alias in definition.get("aliases") or ())}
        for name in config:
            if name not in known:
                similar = difflib.get_close_matches(str(name), sorted(known), 1)
                hint = "Did you mean %s?" % similar[0] if similar else "See: ansible-doc -t inventory %s" % self.NAME
                raise AnsibleParserError("Unknown option %s. %s" % (name, hint))

    def _extra_variables(self) -> Variables:
        return self._vars if self.get_option("use_extra_vars") else {}

    def _templated(self, name: str) -> t.Any:
        try:
            return self.templar.template(self.get_option(name))
        except AnsibleError as error:
            hint = "" if self.get_option("use_extra_vars") else " Extra variables need use_extra_vars: true."
            raise AnsibleParserError("Option %s cannot be evaluated: %s.%s" % (name, str(error).rstrip("."), hint)) from None

    def _list(self, name: str) -> list[str]:
        """A list of strings. An entry that is a template may give several."""
        entries: list[str] = []
        for value in self._templated(name) or ():
            entries.extend(map(str, value) if isinstance(value, (list, tuple)) else [str(value)])
        return entries

    def _choices(self, name: str, choices: tuple[str, ...]) -> list[str]:
        """A list of some of the choices, which may be written in any case."""
        by_lower_case = {choice.lower(): choice for choice in choices}
        values = self._list(name)
        for value in values:
            if value.lower() not in by_lower_case:
                raise AnsibleParserError("Option %s: %s is not one of %s." % (name, value, ", ".join(choices)))
        return [by_lower_case[value.lower()] for value in values]

    def _shared_options(self, config: dict[str, t.Any]) -> dict[str, t.Any]:
        """The shared options in the file. ``resolve`` adds those of the environment, as for modules. The secrets of both are registered."""
        params: dict[str, t.Any] = {}
        for name, spec in SHARED_SPEC.items():
            given = any(key in config for key in (name, *spec.get("aliases", ())))
            params[name] = self._templated(name) if given else None
        register_options(SHARED_SPEC, params, {})
        return params

    def _regions(self, params: dict[str, t.Any]) -> list[str]:
        """The regions to list. An empty list means all regions of the service."""
        regions = self._list("regions") or [region for region in [region_of(resolve(params))] if region]
        return [] if ALL_REGIONS in regions else regions

    def _filters(self) -> dict[str, list[str]]:
        return {
            "statuses": self._choices("statuses", _clusters.STATUSES),
            "locations": self._choices("locations", _clusters.LOCATIONS),
            "names": self._list("names"),
            "exclude_names": self._list("exclude_names"),
        }

    # Clusters and nodes, from the cache or the service

    def _entries(self, params: dict[str, t.Any], path: str, cache: bool) -> list[Entry]:
        regions, filters = self._regions(params), self._filters()
        if not self.get_option("cache"):
            return self._read(params, regions, filters)
        key = "%s_%s" % (self.get_cache_key(path), self._digest(params, regions, filters))
        entries = self._cached(key) if cache else None
        if entries is None:
            entries = self._read(params, regions, filters)
            self._cache[key] = entries
        return entries

    def _cached(self, key: str) -> list[Entry] | None:
        try:
            entries = self._cache[key]
        except Exception:  # noqa: BLE001 - absent, stale or unreadable; each cache plugin has its own exceptions
            return None
        keys = self._variable_names().keys()
        usable = isinstance(entries, list) and all(isinstance(entry, dict) and keys <= entry.keys() for entry in entries)
        return entries if usable else None

    def _digest(self, params: dict[str, t.Any], regions: list[str], filters: dict[str, list[str]]) -> str:
        """A digest of all that the entries depend on. It includes secrets, because they distinguish identities."""
        options = (self.get_option("hosts"), self.get_option("strict_regions"), self.get_option("generations"), regions, filters)
        shared = resolve(params)
        asked = (VERSION, credentials(shared).identity, request_settings(shared, REGION_TO_ASK).url, options)
        return hashlib.sha256(repr(asked).encode()).hexdigest()[:16]

    def _read(self, params: dict[str, t.Any], regions: list[str], filters: dict[str, list[str]]) -> list[Entry]:
        warning = _client.certificate_warning(params)
        if warning:
            self.display.warning(warning)
        fleet = Fleet(params)
        regions = regions or fleet.regions(REGION_TO_ASK)
        clusters, failed_regions = fleet.clusters(regions, self.get_option("generations"))
        if failed_regions and (self.get_option("strict_regions") or len(failed_regions) == len(set(regions))):
            raise next(iter(failed_regions.values()))
        for region, error in failed_regions.items():
            self.display.warning("Region %s is left out: %s" % (region, error))
        clusters = [cluster for cluster in clusters if _passes(cluster, filters)]
        return self._nodes(fleet, clusters) if self._hosts_are_nodes() else clusters

    def _nodes(self, fleet: Fleet, clusters: list[Entry]) -> list[Entry]:
        nodes, failures = fleet.nodes(clusters)
        if failures and self.get_option("strict_regions"):
            raise next(iter(failures.values()))
        for cluster_id, error in failures.items():
            self.display.warning("The nodes of cluster %s are left out: %s" % (cluster_id, error))
        return nodes

    # Hosts

    def _hosts_are_nodes(self) -> bool:
        return bool(self.get_option("hosts") == "nodes")

    def _variable_names(self) -> dict[str, str]:
        return NODE_VARIABLES if self._hosts_are_nodes() else CLUSTER_VARIABLES

    def _add_hosts(self, entries: list[Entry]) -> None:
        hosts = [self._variables(entry) for entry in entries]
        groups = [self._groups(variables) for variables in hosts]
        # Hosts or not: plays that name this group shall find it.
        everywhere = self._everywhere()
        self.inventory.add_group(everywhere)
        composed = (self._sanitize_group_name(name) for name in self.get_option("groups") or ())
        names = HostNames(
            {everywhere, *self.inventory.groups, *composed, *(group for of_host in groups for group in of_host)},
            {name: host.vars for name, host in self.inventory.hosts.items()},
        )
        defaults = [names.reserve_default(variables) for variables in hosts]
        for variables, of_host, default in zip(hosts, groups, defaults):
            self._add_host(names.preferred(self._preferred_names(variables), default, variables), variables, of_host)
        warning = names.warning()
        if warning:
            self.display.warning(warning)

    def _add_host(self, name: str, variables: Variables, groups: list[str]) -> None:
        strict = self.get_option("strict")
        for group in groups:
            self.inventory.add_host(name, group=self.inventory.add_group(group))
        for variable, value in variables.items():
            self.inventory.set_variable(name, variable, value)
        self._compose_variables(name, variables, strict)
        self._add_host_to_composed_groups(self.get_option("groups"), variables, name, strict=strict)
        self._add_host_to_keyed_groups(self.get_option("keyed_groups"), variables, name, strict=strict)

    def _compose_variables(self, host: str, variables: Variables, strict: bool) -> None:
        compose = self.get_option("compose")
        self._set_composite_vars(compose, variables, host, strict=strict)
        composed = self.inventory.get_host(host).vars
        for name in set(compose or ()) & set(composed):
            self.inventory.set_variable(host, name, as_data(composed[name]))

    def _variables(self, entry: Entry) -> Variables:
        variables = {"ehpc_%s" % name: entry[key] for key, name in self._variable_names().items()}
        if not self._hosts_are_nodes():
            variables["ansible_connection"] = "local"
        elif _is_address(entry["ip_address"]):
            variables["ansible_host"] = entry["ip_address"]
        return {name: as_data(value) for name, value in variables.items()}

    def _everywhere(self) -> str:
        return "ehpc_nodes" if self._hosts_are_nodes() else "ehpc_clusters"

    def _groups(self, variables: Variables) -> list[str]:
        """The groups that a host is in without any configuration."""
        groups = ["%s_%s" % (prefix, variables[name]) for prefix, name in GROUPS.items() if variables[name]]
        if self._hosts_are_nodes():
            groups += ["ehpc_cluster_%s" % variables["ehpc_cluster_id"], *("ehpc_role_%s" % role for role in variables["ehpc_roles"])]
        return [self._everywhere(), *map(self._sanitize_group_name, groups)]

    def _preferred_names(self, variables: Variables) -> Iterator[str]:
        for preference in self.get_option("hostnames"):
            try:
                name = self._evaluated(preference, variables)
            except AnsibleError as error:
                if self.get_option("strict"):
                    raise AnsibleParserError("hostnames: %s cannot be used: %s" % (preference, error)) from None
                continue
            if name:
                yield str.__str__(str(name))

    def _evaluated(self, preference: str, variables: Variables) -> t.Any:
        if "{{" not in preference:
            return self._compose(preference, variables)
        self.templar.available_variables = combine_vars(variables, self._extra_variables())
        return self.templar.template(preference)


def _is_address(value: t.Any) -> bool:
    """Whether this is an IP address. Anything else could be an option of ssh, which runs commands on the controller."""
    try:
        ipaddress.ip_address(str(value))
    except ValueError:
        return False
    return True


def _passes(cluster: Entry, filters: dict[str, list[str]]) -> bool:
    """Whether a cluster passes all filters. A filter without values lets all pass."""
    name = str(cluster["name"] or "")
    return (
        (not filters["statuses"] or cluster["status"] in filters["statuses"])
        and (not filters["locations"] or cluster["location"] in filters["locations"])
        and (not filters["names"] or any(fnmatchcase(name, pattern) for pattern in filters["names"]))
        and not any(fnmatchcase(name, pattern) for pattern in filters["exclude_names"])
    )
