#!/usr/bin/python
# Copyright (c) 2026, the alicloud.ehpc contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: post_scripts_run
short_description: Run post-processing scripts on nodes that an E-HPC cluster has already
version_added: 1.0.0
author:
  - The alicloud.ehpc contributors (!UNKNOWN)
description:
  - Runs the post-processing scripts of a cluster on nodes that exist now, in their order, and waits until they are through. Setting the
    list, with M(alicloud.ehpc.post_scripts), only records what nodes run when they are initialized.
  - A node fetches each script with C(curl), or with C(wget) where it has no C(curl), verifies its checksum where there is one, and executes
    it with its arguments. The first script that fails ends the run of that node.
  - A node that has run exactly this list (the same urls, arguments and checksums in the same order) to its end is left alone, so that a
    second run changes nothing. It keeps a mark of each list for that, a file in C(/var/lib/ehpc-post-scripts). Nodes have no mark of what the
    service itself ran when they were initialized.
  - Scripts write to C(/var/log/ehpc-post-scripts/), each to a file of its number and name such as C(01-base.sh.log). The log of the run before
    is kept beside it, with C(.1) at its end.
extends_documentation_fragment:
  - alicloud.ehpc._shared
  - alicloud.ehpc._runs
  - alicloud.ehpc._attributes
options:
  cluster_id:
    description:
      - The id of the cluster, such as V(ehpc-hz-EXAMPLE). It must be in O(region).
      - Another id is another cluster. Nothing more is run on the nodes of the one before.
    type: str
    required: true
  scripts:
    description:
      - The scripts, in the order in which a node runs them. They are not stored at the service.
      - Without it those that the cluster has stored are run. An empty list runs nothing.
      - Any change of the list makes it another one, which nodes have not run yet. All of its scripts are run then, also those that were in
        the list before. A node that ran this very list some time ago is left alone, unless O(force) is set.
    type: list
    elements: dict
    suboptions:
      url:
        description:
          - Where a node fetches the script from, with http(s), or the absolute path of a file that is on the node already.
            Changing it makes another list.
          - Certificates are verified by the node, and redirects are followed to https only; C(wget) follows none.
        type: str
        required: true
      args:
        description:
          - The arguments of the script, as one text or as a list of texts. Changing them makes another list.
          - A text is split into arguments as a POSIX shell does it with quotation marks and backslashes. Nothing else in it is special, so
            that C($(date)), C($HOME) and C(*) arrive as they are. How the service itself treats them on a new node is not documented.
        type: raw
      checksum:
        description:
          - The SHA-256 sum of the script, as V(sha256:) and 64 digits. A script that has another one is not executed, and fails on that node.
          - Changing it makes another list, which is how a new content behind the same url reaches nodes.
        type: str
  nodes:
    description:
      - The nodes, by their ids or host names, in the order of the batches. All nodes of a host name are meant.
      - A name that is none of the cluster's fails the task before anything is run. An empty list runs nothing.
      - A node that is left out keeps what it has run.
    type: list
    elements: str
  roles:
    description:
      - The roles whose nodes are meant. Another role adds its nodes, one that is left out undoes nothing.
      - Does not matter where O(nodes) is given.
    type: list
    elements: str
    choices: [manager, login, compute]
    default: [compute]
  batch:
    description:
      - How many nodes run the scripts at a time. V(0) is all of them together.
      - Fewer take longer, and spare the nodes that come later where O(max_fail_percentage) is exceeded.
    type: int
    default: 0
  max_fail_percentage:
    description:
      - How many of the chosen nodes, in percent, may fail. Where they are more after a batch, no further batch is begun, and the task fails at
        the end. Nodes that do not run or do not answer count as failed.
      - With V(0) a single node that fails is too many. With more, the task succeeds with a warning as long as it is not exceeded.
    type: int
    default: 0
  run_timeout:
    description:
      - How many seconds all scripts of a node may take together, with fetching them and with waiting for another run on that node.
        What runs then is ended.
      - Each batch has so many seconds of its own, and nodes are given 15 more to answer.
    type: int
    default: 1800
  wait_delay:
    description:
      - How many seconds to wait between two looks, a call each for 50 nodes. The first looks come sooner.
      - Fewer notice the end earlier, and cost more calls.
    type: float
    default: 5
  force:
    description:
      - Run the scripts also on nodes that have run exactly this list already.
    type: bool
    default: false
attributes:
  check_mode:
    details:
      - Names the nodes and the scripts, and runs nothing on any node. Asking nodes for their marks is a command, too, so nodes that have run
        the list already are named as well.
  idempotent:
    support: partial
    details:
      - Without O(force) a second run changes nothing on nodes where the first one succeeded. With it, each run executes the scripts.
notes:
  - The RAM actions that are needed are C(ehpc:DescribeCluster), C(ehpc:ListNodes), C(ehpc:InvokeShellCommand), C(ehpc:ListInvocationStatus) and
    C(ehpc:ListInvocationResults), and C(ehpc:GetPostScripts) without O(scripts). C(ehpc:InvokeShellCommand) lets its owner do anything on
    every node; grant it with care.
  - Nodes need C(bash), C(flock), C(timeout), C(gzip), C(base64), and C(curl) or C(wget).
  - Of the environment variables that the service documents for scripts, C(ClusterId) and C(AccountType) are set. Those for the roles of a node
    are not, because their names are not documented.
  - Two runs on one node come one after the other. Where the answer to a call is lost and the call is repeated, the scripts still run once.
  - Urls travel to the nodes in packed form, also the signatures of pre-signed ones. On a node they are in files of its root only, and only until the
    run is over. How long the service keeps the commands that it has run, and who may read them, is not documented.
  - It is not documented whether nodes on the premises execute commands. One that does not answer is told as such.
seealso:
  - module: alicloud.ehpc.post_scripts
  - module: alicloud.ehpc.post_scripts_info
"""

EXAMPLES = r"""
- name: Run the stored scripts on all compute nodes, ten at a time
  alicloud.ehpc.post_scripts_run:
    region: cn-hangzhou
    cluster_id: ehpc-hz-EXAMPLE
    batch: 10
    max_fail_percentage: 5

- name: Try a script on one node first, whose content is known
  alicloud.ehpc.post_scripts_run:
    region: cn-hangzhou
    cluster_id: ehpc-hz-EXAMPLE
    nodes: [compute000]
    scripts:
      - url: https://scripts.example.com/monitoring.sh
        args: [--server, "monitoring.example.com"]
        checksum: sha256:a8076d3d28d21e02012b20eaf7dbf75409a6277134439025f282e368e3305abf

- name: Run them once more on all nodes that people use, and show meanwhile that it goes on
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
  description: The id of the cluster.
  returned: success, and failure of nodes
  type: str
  sample: ehpc-hz-EXAMPLE
region:
  description: The region of the cluster.
  returned: success, and failure of nodes
  type: str
  sample: cn-hangzhou
scripts:
  description: The scripts that were to be run, in order.
  returned: success, and failure of nodes
  type: list
  elements: dict
  sample:
    - url: https://scripts.example.com/base.sh
      args: --mode base
  contains:
    url:
      description: Where a node fetches the script from, without what makes it a pre-signed url.
      type: str
      sample: https://scripts.example.com/base.sh
    args:
      description: The arguments as one text, empty where there are none.
      type: str
      sample: --mode base
nodes:
  description: The chosen nodes, and what became of the scripts on each. Empty where the cluster has none that match.
  returned: success, and failure once the nodes were chosen
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
      description: The id of the node.
      type: str
      sample: i-EXAMPLE
    hostname:
      description: The host name of the node.
      type: str
      sample: compute000
    status:
      description:
        - V(ok), all scripts have run; V(unchanged), the node had run exactly this list before, or there is nothing to run;
          V(would_run), in check mode.
        - V(failed), a script has failed, or could not be fetched, or was not that of its checksum; RV(nodes[].output) says what it was.
        - V(timeout), the scripts took longer than O(run_timeout), or the node has not answered so long.
        - V(unreachable), the node does not run, or does not answer, or the service could not execute the command on it.
        - V(skipped), it was not the node's turn, because too many others had failed; V(unknown), the task itself failed before the node's
          answer was read.
      type: str
      sample: failed
    exit_code:
      description: That of the last script that was executed. Null where none was, or where that is not known.
      type: int
      sample: 7
    failed_script:
      description: The url of the script that failed, or that was running when the time was up. Null where none did, or where that is not known.
      type: str
      sample: https://scripts.example.com/base.sh
    output:
      description: The end of what the scripts wrote, or of why they could not run, 4000 bytes at most. The whole is in the logs on the node.
      type: str
      sample: |
        no space left on device
error:
  description: What failed, for a playbook to decide upon.
  returned: failure
  type: dict
  sample:
    action: InvokeShellCommand
    code: ScriptsFailed
    message: Scripts did not run to their end on 1 of 60 nodes.
    http_status: null
    request_id: null
    hint: Look at what they wrote.
"""

import typing as t
import uuid

from ansible_collections.alicloud.ehpc.plugins.module_utils import _clusters, _invocations, _nodes, _post_scripts, _runner
from ansible_collections.alicloud.ehpc.plugins.module_utils._clusters import cluster_id_of
from ansible_collections.alicloud.ehpc.plugins.module_utils._errors import EhpcError, invalid_option
from ansible_collections.alicloud.ehpc.plugins.module_utils._module import ModuleDefinition, run
from ansible_collections.alicloud.ehpc.plugins.module_utils._redact import redact_text, redact_url, url_secrets

if t.TYPE_CHECKING:  # pragma: no cover
    from ansible_collections.alicloud.ehpc.plugins.module_utils._client import Client
    from ansible_collections.alicloud.ehpc.plugins.module_utils._module import Invocation

# A look at a mark takes no time. A node that does not answer within this does not answer.
LOOK_SECONDS = 60
# What a node needs beyond the time of the scripts, to be asked, to end them and to answer.
ANSWER_SECONDS = 15
NAMED_IN_MESSAGE = 10
RAN = ("ok", "failed", "timeout")
FAILED = ("failed", "timeout", "unreachable")

Node = t.Dict[str, t.Any]

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


class Job(t.NamedTuple):
    """What is to be run where, and how."""

    client: Client
    cluster: dict[str, t.Any]
    params: dict[str, t.Any]
    scripts: list[_post_scripts.Script]
    steps: list[_runner.Step]
    run: str


def ensure(invocation: Invocation, client: Client) -> dict[str, t.Any]:
    """Run the scripts on the nodes that have not run them."""
    params = invocation.params
    cluster_id = cluster_id_of(params)
    check_numbers(params)
    given = given_scripts(params["scripts"])

    cluster = _clusters.describe(client, cluster_id)
    scripts, steps = given or stored_scripts(client, cluster_id)
    nodes = [entry_of(node, steps) for node in chosen_nodes(_nodes.list_all(client, cluster), params)]
    job = Job(client, cluster, params, scripts, steps, uuid.uuid4().hex[:16])
    if invocation.check_mode:
        set_status(nodes_that(nodes, "skipped"), "would_run")
        return outcome(job, nodes)

    run_on(job, nodes)
    result = outcome(job, nodes)
    if nodes_that(nodes, *FAILED):
        message = failure_message(job, nodes)
        if exceeded(nodes, params["max_fail_percentage"]):
            raise scripts_failed(message, result)
        invocation.warn(message)
    return result


def check_numbers(params: dict[str, t.Any]) -> None:
    """Raise EhpcError for a number that cannot work."""
    for name in ("run_timeout", "wait_delay"):
        if not 0 < params[name] < 10**6:
            raise invalid_option("%s must be more than 0 and less than 1000000 seconds, not %s." % (name, params[name]))
    if params["batch"] < 0:
        raise invalid_option("The option batch must not be negative, it is %d." % params["batch"], "Use 0 for all nodes together.")
    if not 0 <= params["max_fail_percentage"] <= 100:
        raise invalid_option("max_fail_percentage must be from 0 to 100, not %d." % params["max_fail_percentage"])


def given_scripts(entries: list[dict[str, t.Any]] | None) -> tuple[list[_post_scripts.Script], list[_runner.Step]] | None:
    """The option ``scripts``, as it is shown and as it is run."""
    if entries is None:
        return None
    scripts = _post_scripts.from_option(entries)
    return scripts, _runner.steps(scripts)


def stored_scripts(client: Client, cluster_id: str) -> tuple[list[_post_scripts.Script], list[_runner.Step]]:
    """The scripts of the cluster. The service stores no checksums."""
    scripts = _post_scripts.read(client, cluster_id)
    return scripts, _runner.steps(scripts)


def chosen_nodes(nodes: list[dict[str, t.Any]], params: dict[str, t.Any]) -> list[dict[str, t.Any]]:
    """The nodes that the options mean, each once. Raises EhpcError for a name that is no node's."""
    wanted = params["nodes"]
    if wanted is None:
        found = [node for node in nodes if set(node["roles"]) & set(params["roles"])]
    else:
        unknown = [name for name in wanted if not any(name in names_of(node) for node in nodes)]
        if unknown:
            raise invalid_option(
                "The cluster has no nodes %s." % ", ".join(repr(name) for name in unknown),
                "Use node IDs or host names; the inventory plugin lists them with hosts: nodes.",
            )
        found = [node for name in wanted for node in nodes if name in names_of(node)]
    return list({node["id"]: node for node in found}.values())


def names_of(node: dict[str, t.Any]) -> tuple[str, str]:
    """What the option ``nodes`` may call a node."""
    return node["id"], node["host_name"]


def entry_of(node: dict[str, t.Any], steps: list[_runner.Step]) -> Node:
    """What is returned about a node whose turn has not come yet."""
    if not steps:
        status, output = "unchanged", ""
    elif node["status"] == "running":
        status, output = "skipped", ""
    else:
        status, output = "unreachable", "The node is %s." % (node["status"] or "in no known status")
    return {"id": node["id"], "hostname": node["host_name"], "status": status, "exit_code": None, "failed_script": None, "output": output}


def run_on(job: Job, nodes: list[Node]) -> None:
    """Run the scripts batch by batch, and write into each node what became of it."""
    try:
        if not job.params["force"]:
            look_at_marks(job, nodes_that(nodes, "skipped"))
        waiting = nodes_that(nodes, "skipped")
        size = job.params["batch"] or len(waiting) or 1
        for begin in range(0, len(waiting), size):
            run_batch(job, waiting[begin : begin + size])
            if exceeded(nodes, job.params["max_fail_percentage"]):
                break
    except EhpcError as error:
        error.result = outcome(job, nodes)
        raise


def look_at_marks(job: Job, nodes: list[Node]) -> None:
    """Find the nodes that have run exactly this list. One that does not answer is not asked again."""
    command = _runner.look(job.run, job.steps)
    for node, result, report in answers(job, command, nodes, min(job.params["run_timeout"], LOOK_SECONDS)):
        if report is None:
            tell_without_report(job, node, result, "unreachable")
        elif report.status == "unchanged":
            node["status"] = "unchanged"


def run_batch(job: Job, nodes: list[Node]) -> None:
    """Run the scripts on these nodes side by side."""
    seconds = job.params["run_timeout"]
    environment = {"ClusterId": job.cluster["id"], "AccountType": job.cluster["account_type"] or ""}
    *stores, start = _runner.commands(job.run, job.steps, environment, seconds, job.params["force"])
    for command in stores:
        for node, result, report in answers(job, command, nodes, LOOK_SECONDS):
            if report is None:
                tell_without_report(job, node, result, "unreachable")
        nodes = nodes_that(nodes, "skipped")
    set_status(nodes, "unknown")
    for node, result, report in answers(job, start, nodes, seconds + ANSWER_SECONDS):
        if report is None:
            tell_without_report(job, node, result, "timeout")
        else:
            tell_report(job, node, report)


def answers(job: Job, command: str, nodes: list[Node], seconds: int) -> list[tuple[Node, _invocations.Result | None, _runner.Report | None]]:
    """What each of these nodes has answered to a command, if it has."""
    if not nodes:
        return []
    results = _invocations.run(job.client, job.cluster["id"], command, [node["id"] for node in nodes], seconds, job.params["wait_delay"])
    found = [(node, results.get(node["id"])) for node in nodes]
    return [(node, result, _runner.report(job.run, _runner.readable(result.message)) if result else None) for node, result in found]


def tell_without_report(job: Job, node: Node, result: _invocations.Result | None, silent: str) -> None:
    """Write into a node that the command has said nothing of its own, or, with ``silent``, that it has not ended."""
    if result is None:
        node.update(status=silent, output="The node has not answered.")
    elif result.status == "Finished":
        node.update(status="failed", output=cleaned(job, _runner.readable(result.message)))
    else:
        node.update(status="unreachable", output=cleaned(job, _runner.readable(result.message)) or "The service could not execute the command on the node.")


def tell_report(job: Job, node: Node, report: _runner.Report) -> None:
    """Write into a node what it has reported."""
    failed_script = redact_url(job.steps[report.number - 1].url) if report.number else None
    exit_code = 0 if report.status == "ok" else report.exit_code
    status = {"busy": "timeout", "interrupted": "failed"}.get(report.status, report.status)
    node.update(status=status, exit_code=exit_code, failed_script=failed_script, output=cleaned(job, report.output))


def cleaned(job: Job, output: str) -> str:
    """The output of scripts without the signatures of their urls."""
    return redact_text(output, [secret for step in job.steps for secret in url_secrets(step.url)])


def nodes_that(nodes: list[Node], *statuses: str) -> list[Node]:
    """The nodes with one of these statuses."""
    return [node for node in nodes if node["status"] in statuses]


def set_status(nodes: list[Node], status: str) -> None:
    """Write the status into the nodes."""
    for node in nodes:
        node["status"] = status


def exceeded(nodes: list[Node], percentage: int) -> bool:
    """Whether more nodes have failed than may fail."""
    return len(nodes_that(nodes, *FAILED)) * 100 > percentage * len(nodes)


def outcome(job: Job, nodes: list[Node]) -> dict[str, t.Any]:
    """What the task returns."""
    return {
        "changed": bool(nodes_that(nodes, "would_run", *RAN)),
        "cluster_id": job.cluster["id"],
        "region": job.client.region,
        "scripts": _post_scripts.redacted(job.scripts),
        "nodes": nodes,
    }


def failure_message(job: Job, nodes: list[Node]) -> str:
    """Which nodes have failed, and on what."""
    failed = nodes_that(nodes, *FAILED)
    named = ", ".join(described(node) for node in failed[:NAMED_IN_MESSAGE])
    more = " and %d others" % (len(failed) - NAMED_IN_MESSAGE) if len(failed) > NAMED_IN_MESSAGE else ""
    skipped = len(nodes_that(nodes, "skipped"))
    return "The post scripts of cluster %s in %s did not run to their end on %d of %d nodes: %s%s.%s" % (
        job.cluster["id"],
        job.client.region,
        len(failed),
        len(nodes),
        named,
        more,
        " %d nodes were skipped." % skipped if skipped else "",
    )


def described(node: Node) -> str:
    """A node that has failed, in a few words."""
    status = node["status"] if node["exit_code"] is None else "exit status %d" % node["exit_code"]
    # Without the query, which may be long and says nothing that helps.
    where = node["failed_script"].partition("?")[0] + ": " if node["failed_script"] else ""
    return "%s (%s%s)" % (node["hostname"] or node["id"], where, status)


def scripts_failed(message: str, result: dict[str, t.Any]) -> EhpcError:
    """The failure of a run in which too many nodes have failed."""
    return EhpcError(
        "ScriptsFailed",
        message,
        action="InvokeShellCommand",
        hint=(
            "The result has for each of the nodes the end of what was written there; the whole of it is in /var/log/ehpc-post-scripts on the node."
            " Mend what is wrong and run it again: nodes that are through are left alone."
        ),
        result=result,
    )


MODULE = ModuleDefinition(ensure, ARGUMENT_SPEC, action="InvokeShellCommand")


def main() -> None:
    """Run as a process."""
    run(MODULE)


if __name__ == "__main__":
    main()
