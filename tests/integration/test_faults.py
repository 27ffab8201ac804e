# Copyright (c) 2026, the alicloud.ehpc contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every operation meets every fault: the outcome of the task, the state of the service afterwards, and the number of requests.

The table in `docs/docsite/rst/guide_failures.rst` states the promised outcomes. The table of observed outcomes is printed, and
written to `build/outcomes.rst`.
"""

from __future__ import annotations

import re
import typing as t
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor

import pytest
from ansible_collections.alicloud.ehpc.plugins.module_utils import _errors, _nodes
from ansible_collections.alicloud.ehpc.plugins.module_utils._errors import EhpcError
from ansible_collections.alicloud.ehpc.tests.emulator import Emulator
from ansible_collections.alicloud.ehpc.tests.emulator.commands import Command, Nodes, Record
from ansible_collections.alicloud.ehpc.tests.emulator.next_clusters import NEXT_OPERATIONS
from ansible_collections.alicloud.ehpc.tests.emulator.operations import OPERATIONS as V1_OPERATIONS
from ansible_collections.alicloud.ehpc.tests.emulator.state import NEXT, Cluster, State
from ansible_collections.alicloud.ehpc.tests.support.codes import CASES, NEXT_CASES, REPEATED_CODES, USER_CASES
from ansible_collections.alicloud.ehpc.tests.support.in_process import client, reaching, run
from ansible_collections.alicloud.ehpc.tests.support.outcomes import COLUMNS, HEADER, OSS_OPERATIONS, READABLE_WRITES, RETRIES, Fault, Outcome, table, table_of
from ansible_collections.alicloud.ehpc.tests.support.playing import ROOT

CLUSTER, PUBLIC, OF_NEXT = "ehpc-hz-EXAMPLE", "ehpc-hz-EXAMPLE2", "ehpc-hz-EXAMPLE3"
OLD, NEW = {"url": "https://example.com/old.sh", "args": ""}, {"url": "https://example.com/new.sh", "args": "-x"}
PASSWORD = "Example-1-password"
NODE = {"host_name": "local001", "ip_address": "192.0.2.11", "cpu_cores": 8, "memory_mb": 16384}
SCENARIO = {
    "async_polls": 0,
    "clusters": [
        {"id": CLUSTER, "location": "OnPremise", "proxy_mode": True, "post_scripts": [OLD], "users": ["hpcuser01"], "on_premise_users": ["hpcuser02"]},
        {"id": PUBLIC, "post_scripts": [OLD], "users": ["hpcuser01"]},
        {"id": OF_NEXT, "post_scripts": [OLD], "users": ["hpcuser01"], "generation": "next"},
    ],
}
# Only for late responses: on a busy machine, other responses need more time.
READ_TIMEOUT, LATE = 0.4, 0.7


def users(name: str, group: str = "users", **options: t.Any) -> tuple[str, dict[str, t.Any]]:
    return "user", {"cluster_id": PUBLIC, "check_cluster": False, "users": [{"name": name, "group": group, "password": PASSWORD}], **options}


def users_of_next(name: str, group: str = "users", **options: t.Any) -> tuple[str, dict[str, t.Any]]:
    """With a check of the cluster, so that E-HPC 1.0 is not asked for users."""
    return users(name, group, cluster_id=OF_NEXT, check_cluster=True, **options)


RUN: tuple[str, dict[str, t.Any]] = (
    "post_scripts_run",
    {"cluster_id": PUBLIC, "scripts": [OLD], "nodes": ["compute000"], "force": True, "wait_delay": 0.01},
)
# operation -> the module that makes it, and its options
OPERATIONS: dict[str, tuple[str, dict[str, t.Any]]] = {
    "GetPostScripts": ("post_scripts_info", {"cluster_id": CLUSTER}),
    "ListUsers": ("user_info", {"cluster_id": CLUSTER}),
    "ListUsersAsync": ("user_info", {"cluster_id": CLUSTER, "with_ids": True}),
    "DescribeCluster": ("cluster_info", {"cluster_ids": [CLUSTER]}),
    "ListClusters": ("cluster_info", {}),
    "ListRegions": ("region_info", {}),
    "SetPostScripts": ("post_scripts", {"cluster_id": CLUSTER, "scripts": [NEW]}),
    "SyncUsers": ("user_sync", {"cluster_id": CLUSTER, "expected_users": ["hpcuser02"], "check_cluster": False}),
    "AddUsers": users("hpcuser02"),
    "DeleteUsers": users("hpcuser01", state="absent"),
    "ModifyUserGroups": users("hpcuser01", group="wheel"),
    "ModifyUserPasswords": users("hpcuser01", update_password="always"),
    "GetHybridClusterConfig": ("hybrid_config_info", {"cluster_id": CLUSTER}),
    "ListNodes": ("local_nodes", {"cluster_id": CLUSTER, "nodes": []}),
    "AddLocalNodes": ("local_nodes", {"cluster_id": CLUSTER, "nodes": [NODE]}),
    "InvokeShellCommand": RUN,
    "ListInvocationStatus": RUN,
    "ListInvocationResults": RUN,
    "GetCluster (NEXT)": ("cluster_info", {"cluster_ids": [OF_NEXT], "generations": ["next"]}),
    "ListClusters (NEXT)": ("cluster_info", {"generations": ["next"]}),
    "ListNodes (NEXT)": ("inventory", {}),
    "ListUsers (NEXT)": users_of_next("hpcuser01"),
    "CreateUsers (NEXT)": users_of_next("hpcuser02"),
    "DeleteUsers (NEXT)": users_of_next("hpcuser01", state="absent"),
    "UpdateUser (NEXT)": users_of_next("hpcuser01", "wheel"),
    "UpdateUser (NEXT), password": users_of_next("hpcuser01", update_password="always"),
    "UpdateCluster (NEXT)": ("cluster_script", {"cluster_id": OF_NEXT, "accept_full_update": True, **NEW}),
}
# Whether the service has done the work of each write.
DONE: dict[str, Callable[[State, Cluster], bool]] = {
    "SetPostScripts": lambda _state, cluster: cluster.post_scripts == [NEW],
    "SyncUsers": lambda _state, cluster: "hpcuser02" in cluster.users,
    "AddUsers": lambda _state, cluster: "hpcuser02" in cluster.users,
    "DeleteUsers": lambda _state, cluster: "hpcuser01" not in cluster.users,
    "ModifyUserGroups": lambda _state, cluster: cluster.users["hpcuser01"].group == "wheel",
    "ModifyUserPasswords": lambda _state, cluster: cluster.users["hpcuser01"].password == PASSWORD,
    "AddLocalNodes": lambda _state, cluster: "local001" in [node.host_name for node in cluster.nodes],
    "InvokeShellCommand": lambda state, _cluster: bool(state.machines.commands),
    "UpdateCluster (NEXT)": lambda _state, cluster: cluster.settings["ClusterCustomConfiguration"] == {"Script": NEW["url"], "Args": NEW["args"]},
}
DONE |= {"CreateUsers (NEXT)": DONE["AddUsers"], "DeleteUsers (NEXT)": DONE["DeleteUsers"]}
DONE |= {"UpdateUser (NEXT)": DONE["ModifyUserGroups"], "UpdateUser (NEXT), password": DONE["ModifyUserPasswords"]}
# The reads of the tasks before a write and after it.
READ_BY: dict[str, str] = {"post_scripts": "GetPostScripts", "user_sync": "ListUsers", "user": "ListUsers", "local_nodes": "ListNodes"}
READS_AFTER_A_FAILURE = ("user", "local_nodes")

OTHER_CODES = ("InvalidParams", "ClusterNotFound", "NotAuthorized", "SignatureDoesNotMatch")
WITHOUT_ANSWER = {
    "a connection lost before the change": "lost_before",
    "a connection lost after the change": "lost_after",
    "half of a response": "truncated",
    "a response later than ``read_timeout``": "slow",
}


def faults() -> Iterator[Fault]:
    for times in (1, None):
        yield from (Fault(f"``{code}``", "code", times, code) for code in REPEATED_CODES)
        yield from (Fault(f"{status} from a gateway", "bad_gateway", times, status=status) for status in (429, 500, 502, 503, 504))
        yield from (Fault(name, kind, times) for name, kind in WITHOUT_ANSWER.items())
    yield Fault("200 without a body", "empty", 1)
    yield Fault("200 with an HTML page", "html", 1)
    yield Fault("200 with half of the JSON", "truncated_json", 1)
    yield from (Fault(f"``{code}``", "code", 1, code) for code in OTHER_CODES)


FAULTS = list(faults())
# The client retries these as it retries others of their kind, whatever the operation: only the first operation of a column meets them.
ALIKE = [fault for fault in FAULTS if fault.code in REPEATED_CODES[1:] or fault.status in (500, 503, 504)]


def faults_of(operation: str) -> list[Fault]:
    is_first = operation in [operations[0] for operations in COLUMNS]
    return FAULTS if is_first else [fault for fault in FAULTS if fault not in ALIKE]


def action_of(operation: str) -> str:
    """The operation as requests name it."""
    return operation.partition(" ")[0]


def meet(operation: str, fault: Fault) -> Outcome:
    """The outcome of one task against a service of its own."""
    module, options = OPERATIONS[operation]
    with Emulator(SCENARIO) as emulator:
        report_at_once(emulator.state.machines)
        asked_for = {"code": fault.code} if fault.code else {"status": fault.status} if fault.status else {}
        emulator.fault(action_of(operation), kind=fault.kind, times=fault.times, seconds=LATE, **asked_for)
        impatient = {"read_timeout": READ_TIMEOUT} if fault.kind == "slow" else {}
        failure = None
        try:
            perform(module, reaching(emulator, api_retries=RETRIES, **impatient), options)
        except EhpcError as error:
            failure = error
        cluster = emulator.state.clusters[options.get("cluster_id", CLUSTER)]
        done = operation in DONE and DONE[operation](emulator.state, cluster)
        assert cluster.post_scripts in ([OLD], [NEW])
        calls = emulator.actions()
    assert failure is None or failure.action == action_of(operation)
    return Outcome(failure.code if failure else None, *counted(operation, calls, failure is not None), done)


def perform(module: str, shared: dict[str, t.Any], options: dict[str, t.Any]) -> None:
    """Run a module, or list nodes as the inventory plugin does: no module lists those of E-HPC NEXT."""
    if module != "inventory":
        run(module, {**shared, **options})
        return
    used = client(shared)
    try:
        _nodes.list_all(used, {"id": OF_NEXT, "name": None, "region_id": used.region, "scheduler_type": None, "generation": NEXT})
    finally:
        used.close()


def report_at_once(machines: Nodes) -> None:
    """Let nodes report that they have run the scripts, without running anything: the number of calls is the same in each run."""

    def report(cluster_id: str, text: str, timeout: int, agents: Mapping[str, str]) -> Command:
        command = Command(cluster_id, text, timeout, [Record(node_id) for node_id in agents])
        (name,) = re.findall(r"^r=(\w+) ", text)
        for record in command.records:
            record.finish("Finished", f"ehpc-post-scripts {name} ok 0 0 1\n", 0)
        machines.commands[command.id] = command
        return command

    machines.run = report  # type: ignore[method-assign]


def counted(operation: str, calls: list[str], failed: bool) -> tuple[int, int]:
    """How many requests an operation took, and how many reads in between."""
    requests, module = calls.count(action_of(operation)), OPERATIONS[operation][0]
    if operation == "ListUsersAsync":
        assert calls[0] == "ListUsers"
        # The query is started, and then its pages are read.
        return requests - (not failed), 0
    if operation == "UpdateCluster (NEXT)":
        # The state is read with both operations before each request and at the end. What is left, but for the first call, is reads of the script.
        return requests, calls.count("GetCluster") - calls.count("ListClusters") - 1
    if operation not in DONE or module == "post_scripts_run":
        return requests, 0
    # The calls that find the generation of a cluster come first, or after ClusterNotFound.
    others = [call for call in calls if call not in (action_of(operation), "DescribeCluster", "GetCluster")]
    assert set(others) == {READ_BY[module]}
    reads = len(others) - 1 - (not failed or module in READS_AFTER_A_FAILURE)
    assert reads == 0 or operation in READABLE_WRITES, calls
    return requests, reads


@pytest.fixture(scope="module")
def outcomes() -> dict[str, dict[Fault, Outcome]]:
    """The outcome of each fault for each operation. Faults with late responses run in parallel."""
    with ThreadPoolExecutor(12) as pool:
        late = {(operation, fault): pool.submit(meet, operation, fault) for operation in OPERATIONS for fault in FAULTS if fault.kind == "slow"}
        found = {case: outcome.result() for case, outcome in late.items()}
    return {operation: {fault: found.get((operation, fault)) or meet(operation, fault) for fault in faults_of(operation)} for operation in OPERATIONS}


def test_the_table_is_as_documented(outcomes: dict[str, dict[Fault, Outcome]]) -> None:
    observed = table({fault: [outcomes[operations[0]][fault] for operations in COLUMNS] for fault in FAULTS}, HEADER)
    print(observed)
    (ROOT / "build" / "outcomes.rst").write_text(observed, encoding="utf-8")
    documented = (ROOT / "docs" / "docsite" / "rst" / "guide_failures.rst").read_text(encoding="utf-8")
    assert table_of(documented).splitlines() == observed.splitlines()


OSS_REPEATED_CODES = ("InternalError", "ServiceUnavailable", "RequestTimeout")
OSS_OTHER_CODES = ("NoSuchBucket", "AccessDenied", "SignatureDoesNotMatch", "RequestTimeTooSkewed", "InvalidDigest")
SCRIPT = {"name": "a.sh", "content": "#!/bin/sh\n"}


def oss_faults() -> Iterator[Fault]:
    for times in (1, None):
        yield from (Fault(f"``{code}``", "code", times, code) for code in OSS_REPEATED_CODES)
        yield from (Fault(f"{status} from a gateway", "bad_gateway", times, status=status) for status in (429, 500, 502, 503, 504))
        yield from (Fault(name, kind, times) for name, kind in WITHOUT_ANSWER.items() if kind != "slow")
    yield Fault("200 without a body", "empty", 1)
    yield Fault("200 with an HTML page", "html", 1)
    yield Fault("content with a byte changed", "tampered", 1)
    yield from (Fault(f"``{code}``", "code", 1, code) for code in OSS_OTHER_CODES)


def meet_publishing(operation: str, fault: Fault) -> Outcome:
    """The outcome of publishing a script that is there already, for GetObject, and of a new one, for PutObject."""
    with Emulator({"buckets": [{"name": "scripts-example"}]}) as emulator:
        options = {**reaching(emulator, api_retries=RETRIES), "bucket": "scripts-example", "oss_endpoint": emulator.endpoint, "scripts": [SCRIPT]}
        if operation == "GetObject":
            run("post_scripts_publish", options)
        emulator.forget()
        asked_for = {"code": fault.code} if fault.code else {"status": fault.status} if fault.status else {}
        emulator.fault(operation, kind=fault.kind, times=fault.times, **asked_for)
        failure = None
        try:
            run("post_scripts_publish", options)
        except EhpcError as error:
            failure = error
        calls = emulator.actions()
        assert failure is None or failure.action == operation
        done = operation == "PutObject" and bool(emulator.state.buckets["scripts-example"].objects)
        assert failure or emulator.state.buckets["scripts-example"].objects
        return Outcome(failure.code if failure else None, calls.count(operation), 0, done)


def test_the_table_of_oss_is_as_documented() -> None:
    outcomes = {fault: [meet_publishing(operation, fault) for operation in OSS_OPERATIONS] for fault in oss_faults()}
    observed = table(outcomes, [f"``{name}``" for name in OSS_OPERATIONS])
    print(observed)
    documented = (ROOT / "docs" / "docsite" / "rst" / "guide_failures.rst").read_text(encoding="utf-8")
    assert table_of(documented.partition("\nFaults of OSS\n")[2]).splitlines() == observed.splitlines()


def test_the_codes_of_the_collection_are_documented() -> None:
    own = {value for name, value in vars(_errors).items() if name.isupper() and not name.startswith("_") and isinstance(value, str)}
    documented = (ROOT / "docs" / "docsite" / "rst" / "guide_failures.rst").read_text(encoding="utf-8")
    section = documented.partition(".. list-table:: Codes of the collection itself")[2].partition("\nRetries\n")[0]
    assert set(re.findall(r"\* - ``(\w+)``", section)) == own


def test_codes_are_constants() -> None:
    for path in [*ROOT.glob("plugins/module_utils/*.py"), *ROOT.glob("plugins/modules/*.py")]:
        assert re.findall(r'EhpcError\(\s*"(\w+)"', path.read_text(encoding="utf-8")) == [], path


@pytest.mark.parametrize("operations", COLUMNS, ids=lambda operations: operations[0])
def test_the_operations_of_a_column_are_alike(operations: tuple[str, ...], outcomes: dict[str, dict[Fault, Outcome]]) -> None:
    documented = (ROOT / "docs" / "docsite" / "rst" / "guide_failures.rst").read_text(encoding="utf-8")
    for operation in operations:
        assert f"``{action_of(operation)}``" in documented.partition("\nOutcome by fault\n")[2]
        expected = {fault: outcomes[operations[0]][fault] for fault in faults_of(operation)}
        unknown = next(fault for fault in FAULTS if fault.code == "ClusterNotFound")
        if operation in ("DescribeCluster", "GetCluster (NEXT)"):
            # cluster_info omits unknown clusters.
            expected[unknown] = expected[unknown]._replace(code=None)
        if operation == "ListUsers":
            # user_info then asks E-HPC NEXT, which has an operation of the same name.
            expected[unknown] = expected[unknown]._replace(requests=2)
        if operation == "InvokeShellCommand":
            # E-HPC may refuse a node with this code, so that the scripts fail on this node.
            refused = next(fault for fault in FAULTS if fault.code == "InvalidParams")
            expected[refused] = expected[refused]._replace(code="ScriptsFailed")
        assert outcomes[operation] == expected, operation


def test_each_operation_of_the_plugins_meets_the_faults() -> None:
    of_service = {*V1_OPERATIONS, *(f"{name} (NEXT)" for name in NEXT_OPERATIONS)}
    assert {operation.partition(",")[0] for operation in OPERATIONS} == {name for name in of_service if action_of(name) in _errors.ATTEMPTS}
    assert {action_of(operation) for operation in OPERATIONS} == {*_errors.ATTEMPTS} - {*OSS_OPERATIONS}
    assert sorted(OPERATIONS) == sorted(operation for column in COLUMNS for operation in column)


def test_a_task_that_succeeds_has_done_its_work(outcomes: dict[str, dict[Fault, Outcome]]) -> None:
    assert sorted(DONE) == sorted(operation for column in COLUMNS[1:] for operation in column)
    for operation in DONE:
        for fault, outcome in outcomes[operation].items():
            assert outcome.done or outcome.code, (operation, fault)


def test_a_write_that_arrives_while_it_is_retried() -> None:
    with Emulator(SCENARIO) as emulator:
        emulator.fault("SetPostScripts", kind="slow_before", seconds=LATE)
        result = run("post_scripts", {**reaching(emulator, read_timeout=READ_TIMEOUT), "cluster_id": CLUSTER, "scripts": [NEW]})
        assert result["changed"]
        assert result["request_id"] == emulator.calls[-2].request_id
        assert emulator.actions() == ["GetPostScripts", "SetPostScripts", "GetPostScripts", "SetPostScripts", "GetPostScripts"]
        assert emulator.state.clusters[CLUSTER].post_scripts == [NEW]


def test_a_lost_write_after_which_reads_fail() -> None:
    with Emulator(SCENARIO) as emulator:
        emulator.fault("SetPostScripts", kind="lost_after")
        # The first read, before the write, succeeds.
        emulator.fault("GetPostScripts", kind="slow", seconds=0)
        emulator.fault("GetPostScripts", code="NotAuthorized", times=None)
        with pytest.raises(EhpcError) as caught:
            run("post_scripts", {**reaching(emulator), "cluster_id": CLUSTER, "scripts": [NEW]})
        assert emulator.actions() == ["GetPostScripts", "SetPostScripts", "GetPostScripts"]
    assert (caught.value.action, caught.value.code) == ("SetPostScripts", "ConnectionFailed")
    assert "It is not known whether it was applied" in str(caught.value)
    assert "You are not authorized by RAM for this request." in str(caught.value)


# Every documented code, as a user meets it

# operation -> what a message says was attempted, and the task
ATTEMPTS: dict[str, tuple[str, str, dict[str, t.Any]]] = {
    "GetPostScripts": ("read the post scripts", "post_scripts_info", {}),
    "SetPostScripts": ("set the post scripts", "post_scripts", {"scripts": [NEW]}),
    "SyncUsers": ("synchronize the users", "user_sync", {"check_cluster": False}),
    "AddUsers": ("create users", *OPERATIONS["AddUsers"]),
    "DeleteUsers": ("delete users", *OPERATIONS["DeleteUsers"]),
    "ModifyUserGroups": ("change the groups of users", *OPERATIONS["ModifyUserGroups"]),
    "ModifyUserPasswords": ("set passwords of users", *OPERATIONS["ModifyUserPasswords"]),
    "ListUsers (NEXT)": ("list the users", *OPERATIONS["ListUsers (NEXT)"]),
    "CreateUsers (NEXT)": ("create users", *OPERATIONS["CreateUsers (NEXT)"]),
    "UpdateUser (NEXT)": ("change users", *OPERATIONS["UpdateUser (NEXT)"]),
    "DeleteUsers (NEXT)": ("delete users", *OPERATIONS["DeleteUsers (NEXT)"]),
    "UpdateCluster (NEXT)": ("set the script", *OPERATIONS["UpdateCluster (NEXT)"]),
}


def test_every_documented_code() -> None:
    cases = {f"ehpc-hz-case{number:02d}": case for number, case in enumerate([*CASES, *USER_CASES, *NEXT_CASES])}
    on_premise: dict[str, t.Any] = {"location": "OnPremise", "on_premise_users": ["hpcuser03"], "users": ["hpcuser01"]}
    of_next: dict[str, t.Any] = {"generation": "next", "users": ["hpcuser01"]}
    clusters = [
        {"id": cluster_id, **(of_next if operation.endswith("(NEXT)") else {**on_premise, "proxy_mode": operation == "SyncUsers"})}
        for cluster_id, (operation, _code) in cases.items()
    ]
    hints = {}
    with Emulator({"clusters": clusters}) as emulator:
        for cluster_id, (operation, code) in cases.items():
            words, module, options = ATTEMPTS[operation]
            action = action_of(operation)
            emulator.fault(action, code=code, cluster_id=cluster_id, times=None)
            with pytest.raises(EhpcError) as caught:
                run(module, {**reaching(emulator, api_retries=1), **options, "cluster_id": cluster_id})
            failure = caught.value.as_failure()
            answers = [call for call in emulator.calls if call.action == action and call.params["ClusterId"] == cluster_id]
            assert_documented(failure, action, code, f"{words} of cluster {cluster_id} in cn-hangzhou")
            assert len(answers) == (2 if code in REPEATED_CODES else 1), code
            assert (failure["error"]["http_status"], failure["error"]["request_id"]) == (answers[-1].http_status, answers[-1].request_id)
            cluster = emulator.state.clusters[cluster_id]
            assert (cluster.post_scripts, cluster.settings["ClusterCustomConfiguration"]) == ([], {})
            assert [(user.name, user.group, user.password) for user in cluster.users.values()] == [("hpcuser01", "users", "")]
            hints[operation, code] = failure["error"]["hint"]
    # Each code of the two pages has its own hint. Only the two temporary errors share one.
    of_sync = {code: hint for (operation, code), hint in hints.items() if operation == "SyncUsers"}
    assert of_sync.pop("UnknownError") == of_sync["ServiceUnavailable"]
    assert len(set(of_sync.values())) == len(of_sync)


def assert_documented(failure: dict[str, t.Any], operation: str, code: str, attempted: str) -> None:
    """The attempt, the cluster, the code, the message and the remedy, without the string to sign of signature errors."""
    error = failure["error"]
    assert set(error) == {"action", "code", "message", "http_status", "request_id", "hint"}
    assert (error["action"], error["code"]) == (operation, code)
    assert error["message"]
    assert failure["msg"].startswith(f"Cannot {attempted}: {code}: {error['message'].rstrip('.')}.")
    assert "%26" not in failure["msg"]
    assert error["hint"], code
    assert failure["msg"].endswith(f". {error['hint']}")
    if code in ("NotAuthorized", "NoPermission", "Forbidden.RAM"):
        assert f"ehpc:{operation}" in error["hint"]
