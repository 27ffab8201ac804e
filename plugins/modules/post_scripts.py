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
  - The list holds addresses, not contents. That somebody changed a script behind its address is not seen, unless O(preflight) looks
    at the scripts and O(scripts[].checksum) says what they have to be.
extends_documentation_fragment:
  - alicloud.ehpc._shared
  - alicloud.ehpc._runs
  - alicloud.ehpc._attributes.diff
  - alicloud.ehpc._attributes
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
      checksum:
        description:
          - What the script has to be, as V(sha256:) and the 64 digits that C(sha256sum) shows for it.
          - The task fails, and changes nothing, where something else is fetched from its address. Needs O(preflight) to be V(warn) or
            V(fail).
          - It is not stored with the cluster, so that changing it is no change of the list. Without one, any content passes.
        type: str
  state:
    description:
      - V(present) brings the cluster to O(scripts).
      - V(absent) removes the scripts with the urls in O(scripts), or all of them where O(scripts) is not given.
        The O(scripts[].args) and O(scripts[].checksum) do not matter then.
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
  preflight:
    description:
      - Whether to fetch each of O(scripts) with an http(s) address and to look at it, before the service is called. Check mode does it too.
      - V(off) fetches nothing.
      - V(warn) warns of what it finds, and sets the scripts all the same. Only a script that is not what its O(scripts[].checksum)
        says makes the task fail.
      - V(fail) makes the task fail, with nothing changed, for each script that has a problem or could not be looked at.
      - A problem is that there is no answer, that its HTTP status is not 200, that the first line does not begin with C(#!), that lines
        end with CRLF, that it is an HTML page, empty, compressed or larger than 1 MiB, and that the checksum differs.
      - Scripts that are on the cluster and not in O(scripts) are not looked at, nor is anything with O(state=absent). A path on the nodes
        is not looked at either; with a checksum it counts as one that could not be looked at.
    type: str
    choices: ["off", "warn", "fail"]
    default: "off"
attributes:
  idempotent:
    support: full
notes:
  - The RAM actions that are needed are C(ehpc:GetPostScripts), and C(ehpc:SetPostScripts) where there is something to change.
  - Where the answer to the write is lost, the list is read before the write is repeated.
  - The preflight is the view of the host that runs the task. Nodes may reach what it does not, such as an internal endpoint of OSS, and
    may not reach what it does. And what a node fetches later may be another script than the one that was looked at.
  - The preflight sends no credentials to a script's host, neither those of the service nor those of C(.netrc) or of the url. It uses
    the proxies of the environment, O(ca_path), O(validate_certs), O(connect_timeout) and O(read_timeout); a script takes no longer than
    both of these together. A redirect is followed to https only, five times at most.
  - The preflight asks no link-local address and not the metadata service, by whatever name. Where a proxy resolves the names, a
    name that only the proxy knows cannot be checked so.
  - The values that make a url a pre-signed one are shown as V(***) wherever a url is shown. RV(previous_post_scripts) therefore
    serves to restore an earlier list only where no url in it was pre-signed. The same holds for a user name with its password in a
    url, and for such urls in arguments. Where V(***) is given back in the place of one, the task fails before any call.
seealso:
  - module: alicloud.ehpc.post_scripts_info
  - module: alicloud.ehpc.post_scripts_run
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

- name: Set a script only if it can be fetched and is the one that was reviewed
  alicloud.ehpc.post_scripts:
    region: cn-hangzhou
    cluster_id: ehpc-hz-EXAMPLE
    preflight: fail
    scripts:
      - url: https://scripts.example.com/base.sh
        args: --mode base
        checksum: sha256:a8076d3d28d21e02012b20eaf7dbf75409a6277134439025f282e368e3305abf

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
    - After the failure C(NotStored), those that the service has instead of what was written.
  returned: success, and the failure C(NotStored)
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
  returned: success, and a failure to read back what was written
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
preflight:
  description:
    - What looking at the scripts showed, in the order of O(scripts). Empty with O(preflight=off) and with O(state=absent).
    - Scripts that are neither at an http(s) address nor have a checksum are not in it.
  returned: success, and failure of the preflight
  type: list
  elements: dict
  sample:
    - url: https://scripts.example.com/base.sh
      ok: false
      problems: ["Lines end with CRLF, so that shells cannot run it. Convert them to LF, for example with dos2unix."]
      sha256: 5f1c1f0d0e6b9b4f6d0f6a3f2f8f4b8f8e2ac1c5d0a8f0b6a1d4e5c3b2a19087
      size: 1874
  contains:
    url:
      description: As in RV(post_scripts[].url).
      type: str
      sample: https://scripts.example.com/base.sh
    ok:
      description:
        - Whether the script was fetched and has no problem.
        - Null where it could not be looked at, so that nothing is known about it; V(false) where it was, or where its host says that it
          is not there.
      type: bool
      sample: true
    problems:
      description: A sentence for each problem. Empty where there is none.
      type: list
      elements: str
      sample: ["Not found (HTTP 404)."]
    sha256:
      description: The SHA-256 sum of the script, in lower case; null where it was not fetched or is larger than 1 MiB.
      type: str
      sample: 5f1c1f0d0e6b9b4f6d0f6a3f2f8f4b8f8e2ac1c5d0a8f0b6a1d4e5c3b2a19087
    size:
      description: The size of the script in bytes; null where there is no sum.
      type: int
      sample: 1874
request_id:
  description: The service's id of the write; null where nothing was written, or where the answer was lost but the write arrived.
  returned: success, and a failure to read back what was written
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

import functools
import time
import typing as t

from ansible_collections.alicloud.ehpc.plugins.module_utils import _post_scripts
from ansible_collections.alicloud.ehpc.plugins.module_utils._client import poll
from ansible_collections.alicloud.ehpc.plugins.module_utils._clusters import cluster_id_of, diff
from ansible_collections.alicloud.ehpc.plugins.module_utils._errors import EhpcError, invalid_option
from ansible_collections.alicloud.ehpc.plugins.module_utils._module import ModuleDefinition, run
from ansible_collections.alicloud.ehpc.plugins.module_utils._preflight import preflight

if t.TYPE_CHECKING:  # pragma: no cover
    from ansible_collections.alicloud.ehpc.plugins.module_utils._client import Client
    from ansible_collections.alicloud.ehpc.plugins.module_utils._module import Invocation
    from ansible_collections.alicloud.ehpc.plugins.module_utils._post_scripts import Change, Script

READ_BACK_SECONDS = 10
READ_BACK_DELAY = 0.5

ARGUMENT_SPEC: dict[str, t.Any] = {
    "cluster_id": {"type": "str", "required": True},
    "scripts": {"type": "list", "elements": "dict", "options": _post_scripts.SCRIPT_OPTIONS},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "purge": {"type": "bool", "default": True},
    "preflight": {"type": "str", "choices": ["off", "warn", "fail"], "default": "off"},
}


def ensure(invocation: Invocation, client: Client) -> dict[str, t.Any]:
    """Bring the cluster to the scripts that the options name."""
    params = invocation.params
    cluster_id = cluster_id_of(params)
    desired = desired_scripts(params)
    # Before the list is read, so that little time passes between reading and writing it.
    checks = [] if params["state"] == "absent" else preflight(desired, params["preflight"], client.settings, invocation.warn)

    change = functools.partial(scripts_after, desired=desired, params=params)
    before = _post_scripts.read(client, cluster_id)
    after = change(before)
    for warning in _post_scripts.warnings(after):
        invocation.warn(warning)

    request_id = None
    if after != before and not invocation.check_mode:
        depends = not params["purge"] or params["state"] == "absent"
        request_id = _post_scripts.write(client, cluster_id, before, change, depends)
        try:
            after = read_back(client, cluster_id, change, request_id)
        except EhpcError as error:
            raise error.with_context(previous_post_scripts=_post_scripts.redacted(before), request_id=request_id) from None
    return build_result(client, cluster_id, before, after, preflight=checks, request_id=request_id)


def desired_scripts(params: dict[str, t.Any]) -> list[Script]:
    """The option ``scripts``. Raises EhpcError for what is found to be wrong without a call."""
    if params["scripts"] is None and params["state"] == "present":
        raise invalid_option("scripts is required when state is present.", "Use an empty list to remove all scripts.")
    desired = _post_scripts.from_option(params["scripts"])
    if params["state"] == "present":
        _post_scripts.check_limit(desired)
        if not params["purge"]:
            _post_scripts.refuse_duplicates(desired, "scripts")
    return desired


def scripts_after(before: list[Script], desired: list[Script], params: dict[str, t.Any]) -> list[Script]:
    """The list that the task makes of a list that the cluster has."""
    if params["state"] == "absent":
        urls = {script.url for script in desired}
        return [] if params["scripts"] is None else [script for script in before if script.url not in urls]
    if params["purge"]:
        return desired
    _post_scripts.refuse_duplicates(before, "the cluster's list")
    merged = {script.url: script for script in before}
    merged.update({script.url: script for script in desired})
    _post_scripts.check_limit(list(merged.values()))
    return list(merged.values())


def read_back(client: Client, cluster_id: str, change: Change, request_id: str | None) -> list[Script]:
    """The stored scripts once nothing is left to change. Raises EhpcError if something is after READ_BACK_SECONDS."""
    deadline = time.monotonic() + READ_BACK_SECONDS
    stored = poll(lambda: read_written(client, cluster_id), lambda scripts: change(scripts) == scripts, deadline, READ_BACK_DELAY, READ_BACK_DELAY)
    if change(stored) != stored:
        raise _post_scripts.not_stored(cluster_id, client.region, stored, request_id)
    return stored


def read_written(client: Client, cluster_id: str) -> list[Script]:
    """The scripts that the service has after a write."""
    try:
        return _post_scripts.read(client, cluster_id)
    except EhpcError as error:
        raise error.with_context("The new list had been accepted before, but could not be read back.") from None


def build_result(client: Client, cluster_id: str, before: list[Script], after: list[Script], **more: t.Any) -> dict[str, t.Any]:
    """The result of a task that takes the list from ``before`` to ``after``."""
    old, new = _post_scripts.redacted(before), _post_scripts.redacted(after)
    return {
        "changed": after != before,
        "cluster_id": cluster_id,
        "region": client.region,
        "post_scripts": new,
        "previous_post_scripts": old,
        "diff": diff(cluster_id, client.region, "post_scripts", old, new),
        **more,
    }


MODULE = ModuleDefinition(ensure, ARGUMENT_SPEC, action="SetPostScripts")


def main() -> None:
    """Run as a process."""
    run(MODULE)


if __name__ == "__main__":
    main()
