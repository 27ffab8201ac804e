#!/usr/bin/python
# Copyright (c) 2026, the alicloud.ehpc contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: post_scripts
short_description: Manage the post-processing scripts of an E-HPC cluster
version_added: 1.0.0
author:
  - The alicloud.ehpc contributors (!UNKNOWN)
description:
  - Manages the ordered list of at most 16 scripts that the nodes of a cluster run after they are initialized.
  - By default the list of the cluster becomes exactly O(scripts), each with a O(scripts[].url) and O(scripts[].args). With O(purge=false)
    they are merged into the list, and with O(state=absent) they are removed from it.
  - Reads the list (C(GetPostScripts)), writes it only if it differs (C(SetPostScripts)), and verifies what was stored.
  - A changed list affects nodes that are added or reset later. Use M(alicloud.ehpc.post_scripts_run) to run scripts on existing nodes.
  - E-HPC stores URLs, not contents. Changes to the content behind a URL are not detected unless O(preflight) is enabled and
    O(scripts[].checksum) is set.
extends_documentation_fragment:
  - alicloud.ehpc._shared
  - alicloud.ehpc._execution
  - alicloud.ehpc._attributes.diff
  - alicloud.ehpc._attributes
options:
  cluster_id:
    description:
      - The ID of the cluster, in any status, such as V(ehpc-hz-EXAMPLE).
    type: str
    required: true
  scripts:
    description:
      - The scripts, in the order in which E-HPC stores them. Whether nodes run them in this order is not documented.
      - Required if O(state=present). An empty list with O(purge=true) removes all scripts.
    type: list
    elements: dict
    suboptions:
      url:
        description:
          - The URL that nodes download the script from, or an absolute path on the nodes. Other URLs, and pre-signed URLs, which expire,
            are stored with a warning. Whitespace and control characters are refused.
        type: str
        required: true
      args:
        description:
          - The arguments, as a string or a list of strings. A list is joined with POSIX shell quoting.
        type: raw
      checksum:
        description:
          - The SHA-256 checksum of the script, as V(sha256:) and 64 hexadecimal digits. The task fails if the URL has another content.
          - E-HPC does not store it, so only the preflight compares it. A checksum is refused if O(preflight) is V(off) and
            O(scripts[].preflight) is not set.
        type: str
      preflight:
        description:
          - The preflight of this script, V(off), V(warn) or V(fail). Defaults to O(preflight).
          - V(off) accepts a O(scripts[].checksum) and does not compare it. M(alicloud.ehpc.post_scripts_publish) returns V(off) for the
            scripts that it has published and verified.
        type: str
  state:
    description:
      - V(present) sets or merges O(scripts), depending on O(purge).
      - V(absent) removes the scripts with the URLs in O(scripts), or all scripts if O(scripts) is omitted.
    type: str
    choices: [present, absent]
    default: present
  purge:
    description:
      - Whether to remove scripts that are not in O(scripts). Ignored if O(state=absent).
      - V(false) keeps the existing scripts in their order, updates their arguments by URL, and appends new ones. URLs must then be unique.
    type: bool
    default: true
  preflight:
    description:
      - Whether to download and check O(scripts) before calling the API, also in check mode.
      - V(warn) issues a warning for each problem, and fails only for a wrong O(scripts[].checksum).
      - V(fail) fails, and changes nothing, for each script that has a problem or cannot be checked.
      - Problems are any HTTP status other than 200, a first line that does not start with C(#!), CRLF line endings, a web page, and a
        file that is empty, compressed or larger than 1 MiB.
      - Paths on the nodes cannot be checked, which is a problem only if they have a checksum.
    type: str
    choices: ["off", "warn", "fail"]
    default: "off"
  backup:
    description:
      - Whether to write the stored list, complete with signatures, into a file on the controller before it is changed. If the file cannot
        be written, nothing is changed.
      - Nothing is written in check mode or if nothing changes. The playbook C(alicloud.ehpc.restore) restores the list.
    type: bool
    default: false
  backup_options:
    description:
      - The file to write if O(backup=true). It has mode V(0600).
    type: dict
    suboptions:
      dir_path:
        description:
          - The directory on the controller. It is created if needed. A relative path is relative to the directory of the playbook.
          - The default is C(backup).
        type: str
      filename:
        description:
          - The name of the file. An existing file with this name is replaced.
          - The default is C(<cluster_id>.<YYYY-MM-DD@HH-MM-SS>.yml) with the time in UTC, which never replaces a file.
        type: str
attributes:
  idempotent:
    support: full
notes:
  - Requires the RAM actions C(ehpc:GetPostScripts) and C(ehpc:SetPostScripts).
  - E-HPC has no conditional write. If several hosts or jobs change one cluster at the same time with O(purge=false) or O(state=absent),
    an entry can be lost. Use C(throttle=1).
  - The preflight uses the network of the host that runs the task, which may differ from that of the nodes. It sends no credentials,
    follows up to 5 redirects to HTTPS, and never contacts link-local addresses and metadata services.
  - Results contain V(***) instead of signatures and user names in URLs. The module refuses URLs with V(***), so
    RV(previous_post_scripts) cannot restore a list with signatures or user names. A file of O(backup) restores every list.
  - If the task runs as a process, such as on a remote host, O(backup=true) runs the process a second time if there is a change.
seealso:
  - module: alicloud.ehpc.post_scripts_info
  - module: alicloud.ehpc.post_scripts_publish
  - module: alicloud.ehpc.post_scripts_run
  - name: SetPostScripts
    description: E-HPC API reference.
    link: https://www.alibabacloud.com/help/en/doc-detail/423505.html
  - name: Configure an installation script
    description: E-HPC user guide.
    link: https://help.aliyun.com/en/e-hpc/e-hpc-1-0/user-guide/configure-an-installation-script
"""

EXAMPLES = r"""
- name: Set the scripts of a cluster
  alicloud.ehpc.post_scripts:
    region: cn-hangzhou
    cluster_id: ehpc-hz-EXAMPLE
    scripts:
      - url: https://scripts.example.com/base.sh
        args: --mode base
      - url: https://scripts.example.com/mount.sh
        args: [--export, "nas.example.com:/data set"]

- name: Add a script to the existing ones
  alicloud.ehpc.post_scripts:
    cluster_id: ehpc-hz-EXAMPLE
    purge: false
    scripts:
      - url: https://scripts.example.com/monitoring.sh
  throttle: 1

- name: Set a script only if its content is the reviewed one
  alicloud.ehpc.post_scripts:
    cluster_id: ehpc-hz-EXAMPLE
    preflight: fail
    scripts:
      - url: https://scripts.example.com/base.sh
        args: --mode base
        checksum: sha256:a8076d3d28d21e02012b20eaf7dbf75409a6277134439025f282e368e3305abf

- name: Remove a script
  alicloud.ehpc.post_scripts:
    cluster_id: ehpc-hz-EXAMPLE
    state: absent
    scripts:
      - url: https://scripts.example.com/monitoring.sh

- name: Remove all scripts, and keep the old list in a file
  alicloud.ehpc.post_scripts:
    cluster_id: ehpc-hz-EXAMPLE
    scripts: []
    backup: true
    backup_options:
      dir_path: lists
"""

RETURN = r"""
cluster_id:
  description: The ID of the cluster.
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
    - The stored scripts, in order; in check mode the predicted ones. C(args) is one string.
  returned: success, and if verification fails (C(NotStored))
  type: list
  elements: dict
  sample:
    - url: https://scripts.example.com/base.sh
      args: --mode base
previous_post_scripts:
  description: The previous scripts, like RV(post_scripts).
  returned: success, and if the list cannot be verified after it was written
  type: list
  elements: dict
  sample:
    - url: https://scripts.example.com/base.sh
      args: --mode base
backup_path:
  description: The absolute path of the file on the controller.
  returned: if a backup was written, also if the task fails afterwards
  type: str
  sample: /srv/playbooks/backup/ehpc-hz-EXAMPLE.2026-01-31@08-30-00.yml
preflight:
  description:
    - The results of the preflight, in the order of O(scripts), without those that have V(off). Empty if O(state=absent).
    - C(ok) is V(null) if the script could not be checked, C(sha256) and C(size) are V(null) if it was not downloaded completely.
  returned: success, and if the preflight fails
  type: list
  elements: dict
  sample:
    - url: https://scripts.example.com/base.sh
      ok: false
      problems: [Not found (HTTP 404).]
      sha256: null
      size: null
request_id:
  description: The request ID of the write; V(null) if nothing was written or the response was lost.
  returned: success, and if the list cannot be verified after it was written
  type: str
  sample: B745C159-3155-4B94-95D0-4B73D4D2EXAM
error:
  description: Structured error details.
  returned: failure
  type: dict
  sample:
    action: SetPostScripts
    code: ClusterNotFound
    message: The specified cluster does not exist.
    http_status: 404
    request_id: B745C159-3155-4B94-95D0-4B73D4D2EXAM
    hint: >-
      Check the cluster ID and the region: cluster IDs are specific to a region and an account.
      alicloud.ehpc.cluster_info lists the clusters that these credentials can access.
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
    "preflight": {"type": "str", "choices": list(_post_scripts.PREFLIGHTS), "default": "off"},
    "backup": {"type": "bool", "default": False},
    "backup_options": {"type": "dict", "options": {"dir_path": {"type": "str"}, "filename": {"type": "str"}}},
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

    request_id, kept = None, {}
    if after != before and not invocation.check_mode:
        if params["backup"]:
            backup = _post_scripts.backup(cluster_id, client.region, before)
            kept = {"backup_path": invocation.back_up(backup, params["backup_options"] or {})}
        try:
            depends = not params["purge"] or params["state"] == "absent"
            request_id = _post_scripts.write(client, cluster_id, before, change, depends)
            after = read_back(client, cluster_id, before, change, request_id)
        except EhpcError as error:
            raise error.with_context(**kept) from None
    return build_result(client, cluster_id, before, after, preflight=checks, request_id=request_id, **kept)


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
    return desired if params["purge"] else _post_scripts.merged(before, desired)


def read_back(client: Client, cluster_id: str, before: list[Script], change: Change, request_id: str | None) -> list[Script]:
    """The stored scripts once nothing is left to change. Raises EhpcError if something is after READ_BACK_SECONDS."""
    deadline = time.monotonic() + READ_BACK_SECONDS
    try:
        stored = poll(lambda: read_written(client, cluster_id), lambda scripts: change(scripts) == scripts, deadline, READ_BACK_DELAY, READ_BACK_DELAY)
        if change(stored) != stored:
            raise _post_scripts.not_stored(cluster_id, client.region, stored, request_id)
    except EhpcError as error:
        raise error.with_context(previous_post_scripts=_post_scripts.redacted(before), request_id=request_id) from None
    return stored


def read_written(client: Client, cluster_id: str) -> list[Script]:
    """The scripts that the service has after a write."""
    try:
        return _post_scripts.read(client, cluster_id)
    except EhpcError as error:
        raise error.with_context("E-HPC had accepted the new list before.") from None


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
