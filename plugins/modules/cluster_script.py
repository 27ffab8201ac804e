#!/usr/bin/python
# Copyright (c) 2026, the alicloud.ehpc contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: cluster_script
short_description: Manage the post-processing script of an E-HPC NEXT cluster
version_added: 1.0.0
author:
  - The alicloud.ehpc contributors (!UNKNOWN)
description:
  - Sets or removes the one script that the nodes of an E-HPC NEXT cluster run after they are initialized. For E-HPC 1.0 use
    M(alicloud.ehpc.post_scripts).
  - E-HPC NEXT sets the script with C(UpdateCluster) only, which resets every setting that a request does not carry. The module reads all
    settings, sends all of them back with the one change, reads them again, and fails if any other setting is different.
  - A bundle of M(alicloud.ehpc.post_scripts_publish) runs several scripts as one.
  - A changed script affects nodes that are added later.
extends_documentation_fragment:
  - alicloud.ehpc._shared
  - alicloud.ehpc._execution
  - alicloud.ehpc._attributes.diff
  - alicloud.ehpc._attributes
options:
  cluster_id:
    description:
      - The ID of the cluster, such as V(ehpc-cn-hangzhou-EXAMPLE4).
    type: str
    required: true
  url:
    description:
      - The URL that nodes download the script from. Required if O(state=present). Ignored if O(state=absent).
      - Pre-signed URLs, which expire, and strings that are neither an HTTP(S) URL nor an absolute path are stored with a warning. Whether
        E-HPC NEXT accepts paths on the nodes is not documented. Whitespace and control characters are refused.
    type: str
  args:
    description:
      - The arguments, as a string or a list of strings. A list is joined with POSIX shell quoting.
    type: raw
  state:
    description:
      - V(present) sets the script, V(absent) removes it.
    type: str
    choices: [present, absent]
    default: present
  accept_full_update:
    description:
      - Whether the module may send all settings of the cluster, which every change of the script requires.
      - With V(false), the module fails if the script differs, also in check mode, and returns the settings in RV(settings).
    type: bool
    default: false
attributes:
  idempotent:
    support: full
notes:
  - Requires the RAM actions C(ehpc:GetCluster), C(ehpc:ListClusters) and C(ehpc:UpdateCluster).
  - E-HPC has no conditional write. The settings are read twice before the write, and the module fails if they differ. A change that
    another client makes between the last read and the write, which is the time of one request, is overwritten.
  - The module refuses to write if a setting cannot be sent back, such as power saving of the scheduler, because C(UpdateCluster) may reset it.
  - How a script is removed is not documented. The module first omits it, then sends an empty one, and fails with C(NotStored) if neither
    works.
  - Results contain V(***) instead of the signature of a pre-signed URL.
seealso:
  - module: alicloud.ehpc.post_scripts
  - module: alicloud.ehpc.post_scripts_publish
  - name: UpdateCluster
    description: E-HPC NEXT API reference.
    link: https://help.aliyun.com/zh/e-hpc/e-hpc-next/developer-reference/api-ehpc-2024-07-30-updatecluster
"""

EXAMPLES = r"""
- name: Show what would be sent
  alicloud.ehpc.cluster_script:
    region: cn-hangzhou
    cluster_id: ehpc-cn-hangzhou-EXAMPLE4
    url: https://scripts.example.com/bootstrap.sh
    args: --mode base
    accept_full_update: true
  check_mode: true
  diff: true

- name: Set the script
  alicloud.ehpc.cluster_script:
    region: cn-hangzhou
    cluster_id: ehpc-cn-hangzhou-EXAMPLE4
    url: https://scripts.example.com/bootstrap.sh
    args: --mode base
    accept_full_update: true

- name: Remove the script
  alicloud.ehpc.cluster_script:
    region: cn-hangzhou
    cluster_id: ehpc-cn-hangzhou-EXAMPLE4
    state: absent
    accept_full_update: true
"""

RETURN = r"""
cluster_id:
  description: The ID of the cluster.
  returned: success
  type: str
  sample: ehpc-cn-hangzhou-EXAMPLE4
region:
  description: The region of the cluster.
  returned: success
  type: str
  sample: cn-hangzhou
script:
  description: The stored script; in check mode the predicted one. V(null) if there is no script. C(args) is one string.
  returned: success, and if verification fails (C(NotStored))
  type: dict
  sample:
    url: https://scripts.example.com/bootstrap.sh
    args: --mode base
previous_script:
  description: The previous script, like RV(script).
  returned: success
  type: dict
  sample:
    url: https://scripts.example.com/old.sh
    args: ""
settings:
  description: All settings that are sent, the script included; in check mode those that would be sent. Empty if the script does not differ.
  returned: success, and if O(accept_full_update) is required
  type: dict
  sample:
    cluster_name: cfd-1
    cluster_description: production
    max_count: 100
    max_core_count: 10000
    deletion_protection: true
    client_version: 2.1.0
    grow_interval: 2
    idle_interval: 4
    enable_scale_out: true
    enable_scale_in: true
    monitor_spec:
      enable_compute_load_monitor: true
    scheduler_spec:
      enable_topology_awareness: false
    cluster_custom_configuration:
      script: https://scripts.example.com/bootstrap.sh
      args: --mode base
differences:
  description: The settings that differ, by name. Each is a list of the value before and the value after.
  returned: if another client changed the settings, or the update changed others than the script (C(SettingsChanged))
  type: dict
  sample:
    max_count: [100, 200]
settings_before:
  description: All settings that were read first.
  returned: like RV(differences)
  type: dict
  sample:
    cluster_name: cfd-1
settings_after:
  description: All settings that were read last.
  returned: like RV(differences)
  type: dict
  sample:
    cluster_name: cfd-1
request_id:
  description: The request ID of the write; V(null) if nothing was written or the response was lost.
  returned: success
  type: str
  sample: 04F0F334-1335-436C-A1D7-6C044FE7EXAM
error:
  description: Structured error details.
  returned: failure
  type: dict
  sample:
    action: GetCluster
    code: ClusterNotFound
    message: The specified cluster does not exist.
    http_status: 404
    request_id: B745C159-3155-4B94-95D0-4B73D4D2EXAM
    hint: >-
      Check the cluster ID and the region: cluster IDs are specific to a region and an account.
      alicloud.ehpc.cluster_info lists the clusters that these credentials can access.
"""

import time
import typing as t

from ansible_collections.alicloud.ehpc.plugins.module_utils import _full_state, _post_scripts
from ansible_collections.alicloud.ehpc.plugins.module_utils._client import poll
from ansible_collections.alicloud.ehpc.plugins.module_utils._clusters import cluster_id_of, diff
from ansible_collections.alicloud.ehpc.plugins.module_utils._errors import FULL_UPDATE, NOT_STORED, SETTINGS_CHANGED, EhpcError, invalid_option
from ansible_collections.alicloud.ehpc.plugins.module_utils._full_state import SCRIPT, State
from ansible_collections.alicloud.ehpc.plugins.module_utils._generations import NEXT
from ansible_collections.alicloud.ehpc.plugins.module_utils._module import ModuleDefinition, run
from ansible_collections.alicloud.ehpc.plugins.module_utils._post_scripts import Script
from ansible_collections.alicloud.ehpc.plugins.module_utils._redact import url_secrets

if t.TYPE_CHECKING:  # pragma: no cover
    from ansible_collections.alicloud.ehpc.plugins.module_utils._client import Client
    from ansible_collections.alicloud.ehpc.plugins.module_utils._module import Invocation

READ_BACK_SECONDS = 10
READ_BACK_DELAY = 0.5
NO_SCRIPT = Script("")

ARGUMENT_SPEC: dict[str, t.Any] = {
    "cluster_id": {"type": "str", "required": True},
    "url": {"type": "str"},
    "args": {"type": "raw"},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "accept_full_update": {"type": "bool", "default": False},
}


def ensure(invocation: Invocation, client: Client) -> dict[str, t.Any]:
    """Bring the cluster to the script that the options name."""
    params = invocation.params
    cluster_id, desired = cluster_id_of(params), desired_script(params)
    client.register_secrets(url_secrets(desired.url))
    for warning in _post_scripts.warnings([desired] if desired.url else []):
        invocation.warn(warning)

    if _full_state.script_of(_full_state.read_details(client, cluster_id)) == desired:
        return build_result(client, cluster_id, desired, desired, {})
    before = _full_state.read(client, cluster_id)
    settings = _full_state.settings(before)
    previous = _full_state.script_of(before["details"])
    result = build_result(client, cluster_id, previous, desired, settings)
    if not params["accept_full_update"]:
        message = "The script differs, and UpdateCluster sets it only together with all other settings of the cluster."
        raise EhpcError(FULL_UPDATE, message, result={"settings": result["settings"]})
    if not invocation.check_mode:
        result["request_id"] = apply(client, cluster_id, before, settings, desired)
    return result


def desired_script(params: dict[str, t.Any]) -> Script:
    """The script of the options. Raises EhpcError for what is found to be wrong without a call."""
    if params["state"] == "absent":
        return NO_SCRIPT
    if params["url"] is None:
        raise invalid_option("url is required when state is present.", "Set state to absent to remove the script.")
    return _post_scripts.single(params["url"], params["args"])


def configurations(script: Script) -> list[dict[str, t.Any]]:
    """The parameters for a script, each to be tried if the one before had no effect. It is not documented which one removes the script."""
    if not script.url:
        return [{}, {SCRIPT: {"Script": "", "Args": ""}}]
    return [{SCRIPT: {"Script": script.url, **({"Args": script.args} if script.args else {})}}]


def apply(client: Client, cluster_id: str, before: State, settings: dict[str, t.Any], desired: Script) -> str | None:
    """Write the script and verify that nothing else was changed. Returns the request ID of the last write."""
    expected, request_id = before, None
    for configuration in configurations(desired):
        request_id = write(client, cluster_id, expected, {**settings, **configuration}, desired)
        after = read_back(client, cluster_id, before, desired)
        check_others(client, cluster_id, before, after)
        if _full_state.script_of(after["details"]) == desired:
            return request_id
        expected = after
    stored = shown_script(_full_state.script_of(expected["details"]))
    raise EhpcError(
        NOT_STORED,
        "E-HPC accepted the update, but cluster %s in %s has %s."
        % (cluster_id, client.region, " ".join(["the script", *filter(None, stored.values())]) if stored else "no script"),
        action="UpdateCluster",
        request_id=request_id,
        hint="Run the task again, or set the script in the console.",
        result={"script": stored},
    )


def write(client: Client, cluster_id: str, expected: State, update: dict[str, t.Any], desired: Script) -> str | None:
    """Send the settings if the cluster is still as expected. Raises EhpcError."""

    def params() -> dict[str, t.Any]:
        now = _full_state.read(client, cluster_id)
        found = _full_state.differences(expected, now, with_script=True)
        if found:
            what = "Another client changed cluster %s in %s at the same time, so this task did not write its settings" % (cluster_id, client.region)
            raise changed(what, expected, now, found)
        return {"ClusterId": cluster_id, **update}

    def is_applied() -> bool:
        return _full_state.script_of(_full_state.read_details(client, cluster_id)) == desired

    return client.call("UpdateCluster", params(), is_applied=is_applied, renew=params, generation=NEXT).get("RequestId")


def read_back(client: Client, cluster_id: str, before: State, desired: Script) -> State:
    """The state once the script is stored and nothing else differs, or after READ_BACK_SECONDS."""

    def is_done(state: State) -> bool:
        return _full_state.script_of(state["details"]) == desired and not _full_state.differences(before, state, with_script=False)

    return poll(lambda: _full_state.read(client, cluster_id), is_done, time.monotonic() + READ_BACK_SECONDS, READ_BACK_DELAY, READ_BACK_DELAY)


def check_others(client: Client, cluster_id: str, before: State, after: State) -> None:
    """Raise EhpcError if anything but the script is different than before."""
    found = _full_state.differences(before, after, with_script=False)
    if found:
        what = "The update of the script was accepted, but other settings of cluster %s in %s have changed" % (cluster_id, client.region)
        raise changed(what, before, after, found)


def changed(what: str, before: State, after: State, found: dict[str, list[t.Any]]) -> EhpcError:
    """The failure if settings differ, with both states."""
    texts = ["%s was %s and is %s" % (name, old, new) for name, (old, new) in _full_state.shown(found).items()]
    return EhpcError(
        SETTINGS_CHANGED,
        "%s: %s." % (what, "; ".join(texts)),
        action="UpdateCluster",
        hint="Compare settings_before and settings_after, and correct the settings in the console if needed. Then run the task again.",
        result={
            "differences": _full_state.shown(found),
            "settings_before": _full_state.shown({**before["listed"], **before["details"]}),
            "settings_after": _full_state.shown({**after["listed"], **after["details"]}),
        },
    )


def shown_script(script: Script) -> dict[str, str] | None:
    """A script as a result shows it."""
    return _post_scripts.redacted([script])[0] if script.url else None


def build_result(client: Client, cluster_id: str, before: Script, after: Script, settings: dict[str, t.Any]) -> dict[str, t.Any]:
    """The result of a task that takes the script from ``before`` to ``after``, and sends these settings with it."""
    old, new = ({**settings, **configurations(script)[-1]} for script in (before, after))
    shown = [_full_state.shown(values) if before != after else {} for values in (old, new)]
    return {
        "changed": after != before,
        "cluster_id": cluster_id,
        "region": client.region,
        "script": shown_script(after),
        "previous_script": shown_script(before),
        "settings": shown[1],
        "request_id": None,
        "diff": diff(cluster_id, client.region, "settings", *shown),
    }


MODULE = ModuleDefinition(ensure, ARGUMENT_SPEC, action="UpdateCluster", generations=(NEXT,))


def main() -> None:
    """Run as a process."""
    run(MODULE)


if __name__ == "__main__":
    main()
