#!/usr/bin/python
# Copyright (c) 2026, the alicloud.ehpc contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: post_scripts_run
short_description: Run post-processing scripts on existing nodes of an E-HPC cluster
version_added: 1.0.0
author:
  - The alicloud.ehpc contributors (!UNKNOWN)
description:
  - Runs the post-processing scripts of a cluster on its existing nodes, in order, and waits for the results.
    M(alicloud.ehpc.post_scripts) only sets the list that nodes run when they are initialized.
  - A node fetches each script with C(curl), or with C(wget) if it has no C(curl), verifies its checksum if there is one, and executes it as
    root with its arguments. If a script fails, the node runs none of the scripts after it.
  - A node that has run exactly this list of URLs, arguments and checksums is skipped. Nodes keep a marker file for each list in
    C(/var/lib/ehpc-post-scripts). Scripts that E-HPC itself ran when it initialized a node leave no marker,
    except for a bundle that M(alicloud.ehpc.post_scripts_publish) has written.
  - Each script writes to a log of its own in C(/var/log/ehpc-post-scripts), such as C(01-base.sh.log). The log of the previous run is kept
    with the suffix C(.1).
extends_documentation_fragment:
  - alicloud.ehpc._shared
  - alicloud.ehpc._execution
  - alicloud.ehpc._attributes
options:
  cluster_id:
    description:
      - The ID of the cluster, such as V(ehpc-hz-EXAMPLE). The cluster must be in O(region).
    type: str
    required: true
  scripts:
    description:
      - The scripts, in the order in which a node runs them. They are not stored in E-HPC.
      - Defaults to the scripts that are set for the cluster. An empty list runs nothing.
      - Nodes run all scripts of a list that differs in any way from the lists that they have run.
    type: list
    elements: dict
    suboptions:
      url:
        description:
          - The HTTP or HTTPS URL from which a node fetches the script, or the absolute path of a file on the node.
          - With HTTPS the node verifies the certificate. With plain HTTP an attacker in the network can replace the script, so the module warns
            unless there is a O(scripts[].checksum).
          - C(curl) follows redirects to HTTPS only, C(wget) follows none.
        type: str
        required: true
      args:
        description:
          - The arguments of the script, as a string or as a list of strings.
          - A string is split into arguments by its quotes and backslashes, as a POSIX shell does. There is no expansion, so V($HOME),
            V($(date\)) and V(*) reach the script unchanged. How E-HPC itself treats them on a new node is not documented.
        type: raw
      checksum:
        description:
          - The SHA-256 checksum of the script, V(sha256:) followed by 64 hexadecimal digits. A script with another checksum is not executed.
          - Set it to the checksum of the new version to have nodes run a script that has changed behind the same URL.
        type: str
      preflight:
        description:
          - Ignored. M(alicloud.ehpc.post_scripts) and this module accept the same lists.
        type: str
  nodes:
    description:
      - The IDs or host names of the nodes, in the order of the batches. A host name selects all nodes that have it.
      - If the cluster has no node of that name, the task fails before anything is run. An empty list runs nothing.
    type: list
    elements: str
  roles:
    description:
      - Runs the scripts on all nodes with one of these roles. Ignored if O(nodes) is set.
    type: list
    elements: str
    choices: [manager, login, compute]
    default: [compute]
  batch:
    description:
      - The number of nodes that run the scripts at the same time. V(0) means all of them.
      - If O(max_fail_percentage) is exceeded after a batch, the remaining batches are skipped.
    type: int
    default: 0
  max_fail_percentage:
    description:
      - The percentage of the selected nodes that may fail. If more nodes fail, the task fails; otherwise it succeeds with a warning.
      - Nodes that are not running or do not respond count as failed.
    type: int
    default: 0
  run_timeout:
    description:
      - The time limit in seconds for all scripts on a node, including the time to fetch them and to wait for another run on that node. A
        script that is still running then is terminated.
      - Each batch takes at most 15 seconds longer. Before it, checking the markers, and sending a list that is too long for one command,
        take at most about a minute each.
    type: int
    default: 1800
  wait_delay:
    description:
      - The maximum delay in seconds between two polls of the status. The delay starts at one second and doubles. Each poll is one API call
        for 50 nodes.
    type: float
    default: 5
  force:
    description:
      - Whether to run the scripts also on nodes that have run exactly this list.
    type: bool
    default: false
attributes:
  check_mode:
    details:
      - Lists the scripts and nodes, and runs nothing. Checking the markers would require a command on the nodes, so nodes that have run
        the list are reported as V(would_run), too.
  idempotent:
    support: partial
    details:
      - Without O(force) a second run changes nothing on nodes where the first one succeeded. With O(force) every run executes the scripts.
notes:
  - Required RAM actions are C(ehpc:DescribeCluster), C(ehpc:ListNodes), C(ehpc:InvokeShellCommand), C(ehpc:ListInvocationStatus) and
    C(ehpc:ListInvocationResults), and C(ehpc:GetPostScripts) unless O(scripts) is set. C(ehpc:InvokeShellCommand) allows its holder to run
    any command on every node.
  - Nodes need C(bash), C(flock), C(timeout), C(gzip), C(base64), and C(curl) or C(wget); for checksums also C(sha256sum).
  - Scripts have the environment variables C(ClusterId) and C(AccountType). E-HPC documents further variables for the roles of a node, but
    not their names.
  - Runs on the same node are executed one after the other. If the response to a call is lost, the call is retried, but the scripts run
    once. A run that is interrupted, because the node restarts for example, is reported as failed and is not resumed.
  - It is not documented whether on-premises nodes execute commands. Nodes that E-HPC refuses, and nodes that do not respond, are reported
    as V(unreachable); the other nodes run the scripts.
  - URLs, including the signatures of pre-signed ones, are sent to the nodes in compressed form. Nodes keep them in files that only root can
    read, until the run ends. It is not documented for how long E-HPC keeps commands, and who can read them.
seealso:
  - module: alicloud.ehpc.post_scripts
  - module: alicloud.ehpc.post_scripts_publish
  - module: alicloud.ehpc.post_scripts_info
  - name: InvokeShellCommand
    description: E-HPC API reference.
    link: https://www.alibabacloud.com/help/en/e-hpc/latest/invokeshellcommand
  - name: ListInvocationStatus
    description: E-HPC API reference.
    link: https://www.alibabacloud.com/help/doc-detail/87389.htm
  - name: ListInvocationResults
    description: E-HPC API reference.
    link: https://help.aliyun.com/document_detail/87390.html
  - name: Configure an installation script
    description: E-HPC user guide.
    link: https://help.aliyun.com/en/e-hpc/e-hpc-1-0/user-guide/configure-an-installation-script
"""

EXAMPLES = r"""
- name: Run the scripts of the cluster on all compute nodes, ten at a time
  alicloud.ehpc.post_scripts_run:
    region: cn-hangzhou
    cluster_id: ehpc-hz-EXAMPLE
    batch: 10
    max_fail_percentage: 5

- name: Run a reviewed script on one node
  alicloud.ehpc.post_scripts_run:
    region: cn-hangzhou
    cluster_id: ehpc-hz-EXAMPLE
    nodes: [compute000]
    scripts:
      - url: https://scripts.example.com/monitoring.sh
        args: [--server, "monitoring.example.com"]
        checksum: sha256:a8076d3d28d21e02012b20eaf7dbf75409a6277134439025f282e368e3305abf

- name: Run the scripts again on login and compute nodes, as a background task
  alicloud.ehpc.post_scripts_run:
    region: cn-hangzhou
    cluster_id: ehpc-hz-EXAMPLE
    roles: [login, compute]
    force: true
  async: 7200
  poll: 5
"""

RETURN = r"""
cluster_id:
  description: The ID of the cluster.
  returned: success, and failure of nodes
  type: str
  sample: ehpc-hz-EXAMPLE
region:
  description: The region of the cluster.
  returned: success, and failure of nodes
  type: str
  sample: cn-hangzhou
scripts:
  description: The scripts of the run, in order.
  returned: success, and failure of nodes
  type: list
  elements: dict
  sample:
    - url: https://scripts.example.com/base.sh
      args: --mode base
  contains:
    url:
      description: The URL of the script. The signature of a pre-signed URL is masked.
      type: str
      sample: https://scripts.example.com/base.sh
    args:
      description: The arguments as one string. Empty if there are none.
      type: str
      sample: --mode base
nodes:
  description: The selected nodes with their results. Empty if no node of the cluster was selected.
  returned: success, and failure of nodes
  type: list
  elements: dict
  sample:
    - id: i-EXAMPLE
      hostname: compute000
      status: failed
      exit_code: 7
      failed_script: https://scripts.example.com/base.sh
      output: |
        no space left on device
  contains:
    id:
      description: The ID of the node.
      type: str
      sample: i-EXAMPLE
    hostname:
      description: The host name of the node.
      type: str
      sample: compute000
    status:
      description:
        - V(ok), all scripts have run; V(unchanged), the node had run exactly this list before, or there is nothing to run; V(would_run), in
          check mode.
        - V(failed), a script has failed, cannot be fetched or does not match its checksum, or the run was interrupted; see
          RV(nodes[].output).
        - V(timeout), the scripts, or another run on the node, took longer than O(run_timeout), or the node did not respond in time.
        - V(unreachable), the node is not running or did not respond to the first command, or E-HPC refused or failed to run a command on it.
        - V(unknown), E-HPC has no result of the node, or the task failed before the result was read.
        - V(skipped), too many other nodes had failed, or the task failed before it started the scripts on this node.
      type: str
      sample: failed
    exit_code:
      description: The exit status of the last script that was executed. Null if none was executed, or if it is not known.
      type: int
      sample: 7
    failed_script:
      description: The URL of the script that failed or was running at the time limit. Null if there is none, or if it is not known.
      type: str
      sample: https://scripts.example.com/base.sh
    output:
      description: The last 4000 bytes of the output of all scripts, or the reason why they were not executed. The logs on the node are complete.
      type: str
      sample: |
        no space left on device
error:
  description: Structured error details.
  returned: failure
  type: dict
  sample:
    action: InvokeShellCommand
    code: ScriptsFailed
    message: |-
      The post scripts of cluster ehpc-hz-EXAMPLE in cn-hangzhou failed on 1 of 60 nodes:
      - compute000: https://scripts.example.com/base.sh: exit status 7: no space left on device.
    http_status: null
    request_id: null
    hint: >-
      See nodes[].output for the last lines; the full logs are in /var/log/ehpc-post-scripts on each node. Fix the cause and run the task
      again: nodes that succeeded are skipped.
"""

import typing as t
import uuid

from ansible_collections.alicloud.ehpc.plugins.module_utils import _clusters, _nodes, _post_scripts, _runner, _script_runs
from ansible_collections.alicloud.ehpc.plugins.module_utils._clusters import cluster_id_of
from ansible_collections.alicloud.ehpc.plugins.module_utils._errors import invalid_option
from ansible_collections.alicloud.ehpc.plugins.module_utils._module import ModuleDefinition, run
from ansible_collections.alicloud.ehpc.plugins.module_utils._script_runs import Job, NodeRun

if t.TYPE_CHECKING:  # pragma: no cover
    from ansible_collections.alicloud.ehpc.plugins.module_utils._client import Client
    from ansible_collections.alicloud.ehpc.plugins.module_utils._module import Invocation

ARGUMENT_SPEC: dict[str, t.Any] = {
    "cluster_id": {"type": "str", "required": True},
    "scripts": {"type": "list", "elements": "dict", "options": _post_scripts.SCRIPT_OPTIONS},
    "nodes": {"type": "list", "elements": "str"},
    "roles": {"type": "list", "elements": "str", "choices": ["manager", "login", "compute"], "default": ["compute"]},
    "batch": {"type": "int", "default": 0},
    "max_fail_percentage": {"type": "int", "default": 0},
    "run_timeout": {"type": "int", "default": 1800},
    "wait_delay": {"type": "float", "default": 5},
    "force": {"type": "bool", "default": False},
}


def ensure(invocation: Invocation, client: Client) -> dict[str, t.Any]:
    """Run the scripts on the nodes that have not run them."""
    params = invocation.params
    cluster_id = cluster_id_of(params)
    check_numbers(params)
    given = None if params["scripts"] is None else _post_scripts.from_option(params["scripts"])
    steps = _runner.steps(given or [])

    cluster = _clusters.describe(client, cluster_id)
    scripts = _post_scripts.read(client, cluster_id) if given is None else given
    job = Job(client, cluster, scripts, steps or _runner.steps(scripts), uuid.uuid4().hex[:16], params)
    runs = [NodeRun(node) for node in _nodes.choose(_nodes.list_all(client, cluster), params["nodes"], params["roles"])]
    for warning in warnings(job, runs):
        invocation.warn(warning)

    if not scripts:
        for node in runs:
            node.end("unchanged", "")
    elif invocation.check_mode:
        for node in runs:
            node.preview()
    else:
        _script_runs.run_on(job, runs)
        if _script_runs.is_exceeded(runs, params["max_fail_percentage"]):
            raise _script_runs.scripts_failed(job, runs)
        if _script_runs.failed(runs):
            invocation.warn(_script_runs.failure_message(job, runs))
    return _script_runs.outcome(job, runs)


def check_numbers(params: dict[str, t.Any]) -> None:
    """Raise EhpcError for a number that cannot work."""
    for name in ("run_timeout", "wait_delay"):
        if not 0 < params[name] < 10**6:
            raise invalid_option("%s must be greater than 0 and less than 1000000 seconds, not %s." % (name, params[name]))
    if params["batch"] < 0:
        raise invalid_option("The option batch must be 0 or greater, not %d." % params["batch"], "Use 0 for all nodes at once.")
    if not 0 <= params["max_fail_percentage"] <= 100:
        raise invalid_option("max_fail_percentage must be from 0 to 100, not %d." % params["max_fail_percentage"])


def warnings(job: Job, runs: list[NodeRun]) -> list[str]:
    """What the user may not expect: that nothing is run, or that a script is not protected."""
    where = "Cluster %s in %s has no" % (job.cluster["id"], job.client.region)
    found = []
    if not job.scripts and job.params["scripts"] is None:
        found.append(where + " post scripts, so nothing was run. Set them with alicloud.ehpc.post_scripts, or use the option scripts.")
    if not runs and job.params["nodes"] is None and job.params["roles"]:
        found.append("%s %s nodes, so nothing was run." % (where, " or ".join(job.params["roles"])))
    found += _script_runs.unprotected(job.scripts)
    return found


MODULE = ModuleDefinition(ensure, ARGUMENT_SPEC, action="InvokeShellCommand")


def main() -> None:
    """Run as a process."""
    run(MODULE)


if __name__ == "__main__":
    main()
