#!/usr/bin/python
# Copyright (c) 2026, the alicloud.ehpc contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: post_scripts
short_description: Set which scripts the nodes of an E-HPC cluster run once they are initialized
version_added: 1.0.0
author:
  - The alicloud.ehpc contributors (!UNKNOWN)
description:
  - Brings the post-processing scripts of a cluster to a given, ordered list.
  - Reads the list first (C(GetPostScripts)), writes it only where it differs (C(SetPostScripts)), and reads it back afterwards.
  - The service stores at most 16 scripts for a cluster.
  - Setting the list records what a node runs when it is initialized. The service documents no effect on nodes that exist already,
    so expect the change on nodes that are added or reset from now on.
  - The list holds addresses, not contents. That somebody changed a script behind its address is not seen.
extends_documentation_fragment:
  - alicloud.ehpc._shared
  - alicloud.ehpc._runs
  - alicloud.ehpc._attributes
  - alicloud.ehpc._attributes.diff
options:
  cluster_id:
    description:
      - The id of the cluster, such as V(ehpc-hz-EXAMPLE).
      - The cluster must be in O(region); its status does not matter.
      - Another id is another cluster. The one before keeps its scripts.
    type: str
    required: true
  scripts:
    description:
      - The scripts, in the order in which a node runs them. Adding, leaving out and reordering them is a change, for nodes that are
        initialized from then on.
      - The service does not document that it keeps to the order. It stores the list in its order.
      - Required with O(state=present). An empty list removes all scripts, with O(purge=true).
    type: list
    elements: dict
    suboptions:
      url:
        description:
          - Where a node downloads the script from. Changing it stores the new address in the same place of the list.
          - It must not be empty or hold white space or control characters.
          - An address that is neither http(s) nor an absolute path is stored with a warning, as is a pre-signed one, because nodes
            that join after it has expired cannot fetch the script.
        type: str
        required: true
      args:
        description:
          - The arguments of the script, as one text or as a list of texts.
          - Changing them stores the new ones with the same address.
          - A list is joined with the quoting of a POSIX shell, so that each element arrives as one argument.
          - Not giving any is the same as giving an empty text.
        type: raw
  state:
    description:
      - V(present) brings the cluster to O(scripts).
      - V(absent) removes the scripts with the urls in O(scripts), or all of them where O(scripts) is not given.
        The O(scripts[].args) do not matter then.
    type: str
    choices: [present, absent]
    default: present
  purge:
    description:
      - V(true) makes the list exactly O(scripts). Changing from V(false) to V(true) removes all scripts that are not in O(scripts).
      - V(false) keeps the scripts that are there in their order, updates the arguments of those whose url is in O(scripts), and
        appends the others in their order. A url that occurs twice, in O(scripts) or on the cluster, is an error then.
      - Does not matter with O(state=absent).
    type: bool
    default: true
attributes:
  idempotent:
    support: full
notes:
  - The RAM actions that are needed are C(ehpc:GetPostScripts), and C(ehpc:SetPostScripts) where there is something to change.
  - Where the answer to the write is lost, the list is read before the write is repeated.
  - The values that make a url a pre-signed one are shown as V(***) wherever a url is shown. RV(previous_post_scripts) therefore
    serves to restore an earlier list only where no url in it was pre-signed.
seealso:
  - module: alicloud.ehpc.post_scripts_info
  - module: alicloud.ehpc.user_sync
"""

EXAMPLES = r"""
- name: Set the scripts of a cluster, in this order
  alicloud.ehpc.post_scripts:
    region: cn-hangzhou
    cluster_id: ehpc-hz-EXAMPLE
    scripts:
      - url: https://scripts.example.com/base.sh
        args: --mode base
      - url: https://scripts.example.com/mount.sh
        args: [--export, "nas.example.com:/data set"]

- name: Add one script to those that are there
  alicloud.ehpc.post_scripts:
    region: cn-hangzhou
    cluster_id: ehpc-hz-EXAMPLE
    purge: false
    scripts:
      - url: https://scripts.example.com/monitoring.sh

- name: Remove one script
  alicloud.ehpc.post_scripts:
    region: cn-hangzhou
    cluster_id: ehpc-hz-EXAMPLE
    state: absent
    scripts:
      - url: https://scripts.example.com/monitoring.sh

- name: Remove all scripts
  alicloud.ehpc.post_scripts:
    region: cn-hangzhou
    cluster_id: ehpc-hz-EXAMPLE
    scripts: []
"""

RETURN = r"""
cluster_id:
  description: The id of the cluster.
  returned: success
  type: str
  sample: ehpc-hz-EXAMPLE
region:
  description: The region of the cluster.
  returned: success
  type: str
  sample: cn-hangzhou
post_scripts:
  description:
    - The scripts of the cluster afterwards, in order; in check mode those that it would have.
    - After a failure to read back what was written, those that the service has.
  returned: success
  type: list
  elements: dict
  sample:
    - url: https://scripts.example.com/base.sh
      args: --mode base
  contains:
    url:
      description: Where a node downloads the script from, without what makes it a pre-signed url.
      type: str
      sample: https://scripts.example.com/base.sh
    args:
      description: The arguments as one text, empty where there are none.
      type: str
      sample: --mode base
previous_post_scripts:
  description: The scripts of the cluster before, in order. Empty where there were none.
  returned: success
  type: list
  elements: dict
  sample:
    - url: https://scripts.example.com/base.sh
      args: --mode base
  contains:
    url:
      description: As in RV(post_scripts[].url).
      type: str
      sample: https://scripts.example.com/base.sh
    args:
      description: As in RV(post_scripts[].args).
      type: str
      sample: --mode base
request_id:
  description: The service's id of the write; null where nothing was written, or where the answer was lost but the write arrived.
  returned: success
  type: str
  sample: B745C159-3155-4B94-95D0-4B73D4D2EXAM
error:
  description: What failed, for a playbook to decide upon.
  returned: failure
  type: dict
  sample:
    action: SetPostScripts
    code: ClusterNotFound
    message: The specified cluster does not exist.
    http_status: 404
    request_id: B745C159-3155-4B94-95D0-4B73D4D2EXAM
    hint: >-
      Check the id and the region: an id is known in its own region only, and to its own account only.
      alicloud.ehpc.cluster_info lists the clusters that these credentials see.
"""

import time
import typing as t

from ansible_collections.alicloud.ehpc.plugins.module_utils import _post_scripts
from ansible_collections.alicloud.ehpc.plugins.module_utils._clusters import cluster_id_of
from ansible_collections.alicloud.ehpc.plugins.module_utils._errors import invalid_option
from ansible_collections.alicloud.ehpc.plugins.module_utils._module import Definition, run

if t.TYPE_CHECKING:  # pragma: no cover
    from ansible_collections.alicloud.ehpc.plugins.module_utils._client import Client
    from ansible_collections.alicloud.ehpc.plugins.module_utils._module import Invocation
    from ansible_collections.alicloud.ehpc.plugins.module_utils._post_scripts import Script

READ_BACK_SECONDS = 10
READ_BACK_DELAY = 0.5

ARGUMENT_SPEC: dict[str, t.Any] = {
    "cluster_id": {"type": "str", "required": True},
    "scripts": {
        "type": "list",
        "elements": "dict",
        "options": {"url": {"type": "str", "required": True}, "args": {"type": "raw"}},
    },
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "purge": {"type": "bool", "default": True},
}


def ensure(invocation: Invocation, client: Client) -> dict[str, t.Any]:
    """Bring the cluster to the scripts that the options name."""
    cluster_id = cluster_id_of(invocation.params)
    wanted = wanted_scripts(cluster_id, invocation.params)

    before = _post_scripts.read(client, cluster_id)
    after = scripts_after(cluster_id, before, wanted, invocation.params)
    _post_scripts.check_limit(cluster_id, after)
    for warning in _post_scripts.warnings(after):
        invocation.warn(warning)

    request_id = None
    if after != before and not invocation.check_mode:
        request_id = _post_scripts.write(client, cluster_id, after)
        read_back(client, cluster_id, after, request_id)

    old, new = _post_scripts.shown(before), _post_scripts.shown(after)
    return {
        "changed": after != before,
        "cluster_id": cluster_id,
        "region": client.region,
        "post_scripts": new,
        "previous_post_scripts": old,
        "request_id": request_id,
        "diff": {"before": {"post_scripts": old}, "after": {"post_scripts": new}},
    }


def wanted_scripts(cluster_id: str, params: dict[str, t.Any]) -> list[Script]:
    """The option ``scripts``, with all about it checked that can be checked without the service."""
    if params["scripts"] is None and params["state"] == "present":
        raise invalid_option(
            "There is no option scripts, so it is not known what cluster %s is to run." % cluster_id,
            "Give the list of scripts; an empty one removes all scripts.",
        )
    wanted = _post_scripts.from_option(cluster_id, params["scripts"])
    if params["state"] == "present":
        _post_scripts.check_limit(cluster_id, wanted)
        if not params["purge"]:
            refuse_duplicates(wanted, "in the option scripts")
    return wanted


def scripts_after(cluster_id: str, before: list[Script], wanted: list[Script], params: dict[str, t.Any]) -> list[Script]:
    """What the cluster is to have, given what it has."""
    if params["state"] == "absent":
        urls = {script.url for script in wanted}
        return [] if params["scripts"] is None else [script for script in before if script.url not in urls]
    if params["purge"]:
        return wanted
    refuse_duplicates(before, "among those of cluster %s" % cluster_id)
    merged = {script.url: script for script in before}
    merged.update({script.url: script for script in wanted})
    return list(merged.values())


def refuse_duplicates(scripts: list[Script], where: str) -> None:
    """Raise EhpcError where a url occurs twice: which of the two is meant cannot be known."""
    urls = [script.url for script in scripts]
    twice = sorted({url for url in urls if urls.count(url) > 1})
    if twice:
        shown = ", ".join(entry["url"] for entry in _post_scripts.shown([_post_scripts.Script(url) for url in twice]))
        raise invalid_option(
            "With purge set to false a url must occur once only, but %s occurs more often: %s." % (where, shown), "Use purge: true and give the whole list."
        )


def read_back(client: Client, cluster_id: str, wanted: list[Script], request_id: str | None) -> None:
    """Wait until the service has what was written. Raises EhpcError where it has not after READ_BACK_SECONDS."""
    deadline = time.monotonic() + READ_BACK_SECONDS
    stored = _post_scripts.read(client, cluster_id)
    while stored != wanted:
        if time.monotonic() + READ_BACK_DELAY > deadline:
            raise _post_scripts.not_stored(cluster_id, client.region, stored, request_id)
        time.sleep(READ_BACK_DELAY)
        stored = _post_scripts.read(client, cluster_id)


MODULE = Definition(ensure, ARGUMENT_SPEC)


def main() -> None:
    """Run as a process."""
    run(MODULE)


if __name__ == "__main__":
    main()
