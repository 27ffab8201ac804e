# Copyright (c) 2026, the alicloud.ehpc contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""drift_info: the comparison, its calls, and failures of single clusters."""

from __future__ import annotations

import typing as t
import uuid
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import pytest
import requests
from ansible_collections.alicloud.ehpc.plugins.module_utils import _drift, _drift_nodes, _runner
from ansible_collections.alicloud.ehpc.plugins.module_utils._arguments import SHARED_SPEC
from ansible_collections.alicloud.ehpc.plugins.module_utils._client import client_for
from ansible_collections.alicloud.ehpc.plugins.module_utils._errors import HINTS, EhpcError
from ansible_collections.alicloud.ehpc.plugins.module_utils._invocations import Result
from ansible_collections.alicloud.ehpc.plugins.module_utils._post_scripts import Script
from ansible_collections.alicloud.ehpc.plugins.modules import drift_info
from ansible_collections.alicloud.ehpc.tests.support.scripted import Call, Service
from ansible_collections.alicloud.ehpc.tests.support.words import BASE, CLUSTER, MOUNT, SIGNED, SIGNED_SHOWN, describe, get_cluster, page, read, script

OTHER = "ehpc-hz-EXAMPLE2"
RUN = "0" * 16
DIGITS = "a" * 64


def compare(service: Service, *clusters: dict[str, t.Any], **options: t.Any) -> dict[str, t.Any]:
    """The result of the module, one call after the other."""
    return service.run(drift_info, clusters=[{"cluster_id": CLUSTER, **cluster} for cluster in clusters], **{"parallel": 1, **options})


def one(service: Service, **cluster: t.Any) -> dict[str, t.Any]:
    """The result of one cluster."""
    (found,) = compare(service, cluster)["clusters"]
    return t.cast("dict[str, t.Any]", found)


def fails(service: Service, *clusters: dict[str, t.Any], **options: t.Any) -> EhpcError:
    with pytest.raises(EhpcError) as caught:
        compare(service, *clusters, **options)
    return caught.value


def public(**info: t.Any) -> Call:
    return describe(**{"Location": "PublicCloud", "EcsInfo": {}, **info})


# One cluster


def test_in_sync(service: Service) -> None:
    service.expects(describe(), read(script(BASE, "-v 'a b'"), script(MOUNT)), page("hpcuser01", "hpcuser02"))
    wanted = [script(BASE, ["-v", "a b"]), {"url": MOUNT, "checksum": f"sha256:{DIGITS}", "preflight": "off"}]
    result = compare(service, {"scripts": wanted, "users": ["hpcuser02", {"name": "hpcuser01", "uid": "1001"}]})
    stored = [script(BASE, "-v 'a b'"), script(MOUNT)]
    assert result == {
        "changed": False,
        "access_key": "EXAMPLEaccesskey",
        "clusters": [
            {
                "cluster_id": CLUSTER,
                "name": "cfd-1",
                "region": "cn-hangzhou",
                "status": "running",
                "state": "in_sync",
                "scripts": {"state": "in_sync", "desired": stored, "current": stored},
                "masked_differences": [],
                "users": {
                    "state": "in_sync",
                    "desired": ["hpcuser02", "hpcuser01"],
                    "current": ["hpcuser01", "hpcuser02"],
                    "missing": [],
                    "unexpected": [],
                    "wrong_uids": [],
                },
                "nodes": [],
                "error": None,
            }
        ],
        "summary": {"total": 1, "in_sync": 1, "drifted": 0, "failed": 0, "not_compared": 0},
    }


def test_drifted(service: Service) -> None:
    service.expects(describe(), read(script(MOUNT), script(BASE)), page("hpcuser02", "root"))
    found = one(service, name="mine", scripts=[script(BASE), script(MOUNT)], users=["hpcuser01", "hpcuser02"])
    assert (found["state"], found["name"], found["error"]) == ("drifted", "mine", None)
    assert found["scripts"] == {"state": "drifted", "desired": [script(BASE), script(MOUNT)], "current": [script(MOUNT), script(BASE)]}
    assert {key: found["users"][key] for key in ("state", "missing", "unexpected")} == {"state": "drifted", "missing": ["hpcuser01"], "unexpected": ["root"]}


def test_other_users_are_no_drift(service: Service) -> None:
    service.expects(describe(), page("hpcuser01", "hpcuser02"))
    found = one(service, users=["hpcuser01"])
    assert (found["state"], found["users"]["unexpected"], found["scripts"]["state"]) == ("in_sync", ["hpcuser02"], "not_compared")


def test_only_what_is_asked_for_is_read(service: Service) -> None:
    service.expects(describe(Status="Stopped"))
    result = compare(service, {})
    assert (result["clusters"][0]["state"], result["clusters"][0]["status"], result["summary"]["not_compared"]) == ("not_compared", "stopped", 1)


@pytest.mark.parametrize(
    ("stored", "state", "wanted"),
    [
        ([script(MOUNT), script(BASE, "-v")], "in_sync", [script(MOUNT), script(BASE, "-v")]),
        ([script(MOUNT), script(BASE)], "drifted", [script(MOUNT), script(BASE, "-v")]),
        ([script(MOUNT)], "drifted", [script(MOUNT), script(BASE, "-v")]),
    ],
)
def test_without_purge_other_scripts_are_no_drift(service: Service, stored: list[dict[str, t.Any]], state: str, wanted: list[dict[str, t.Any]]) -> None:
    service.expects(describe(), read(*stored))
    assert one(service, scripts=[script(BASE, "-v")], purge=False)["scripts"] == {"state": state, "desired": wanted, "current": stored}


def test_a_signature_alone_is_drift_and_is_masked(service: Service) -> None:
    service.expects(describe(), read(script(SIGNED.replace("EXAMPLEsig", "EXAMPLEold"))))
    result = compare(service, {"scripts": [script(SIGNED)]})
    shown = [script(SIGNED_SHOWN)]
    assert result["clusters"][0]["scripts"] == {"state": "drifted", "desired": shown, "current": shown}
    assert result["clusters"][0]["masked_differences"] == [1]
    assert "EXAMPLEsig" not in str(result)
    assert "EXAMPLEold" not in str(result)


def test_positions_of_signatures_that_differ(service: Service) -> None:
    old = SIGNED.replace("EXAMPLEsig", "EXAMPLEold")
    service.expects(describe(), read(script(BASE, "-x"), script(old), script(SIGNED), script(old, "-v")))
    found = one(service, scripts=[script(BASE), script(SIGNED), script(SIGNED), script(SIGNED), script(old)])
    assert (found["scripts"]["state"], found["masked_differences"]) == ("drifted", [2])


@pytest.mark.parametrize(("details", "state"), [(describe, "drifted"), (public, "not_compared")])
def test_users_of_clusters_in_proxy_mode(service: Service, details: t.Callable[[], Call], state: str) -> None:
    service.expects(details(), *([page()] if state == "drifted" else []))
    found = one(service, proxy_mode_users=["hpcuser01"])
    assert (found["state"], found["users"]["missing"]) == (state, ["hpcuser01"] if state == "drifted" else [])
    service.expects(details(), page("hpcuser02"))
    assert one(service, users=["hpcuser02"], proxy_mode_users=["hpcuser01"])["state"] == ("drifted" if state == "drifted" else "in_sync")


# Many clusters


def test_a_cluster_that_cannot_be_read_does_not_stop_the_others(service: Service) -> None:
    service.expects(describe(code="ClusterNotFound"), get_cluster(code="ClusterNotFound"), describe(OTHER))
    result = compare(service, {"scripts": [script(BASE)], "users": ["hpcuser01"]}, {"cluster_id": OTHER})
    failed = result["clusters"][0]
    assert (failed["state"], failed["status"], failed["error"]["code"], failed["error"]["action"]) == ("failed", None, "ClusterNotFound", "DescribeCluster")
    assert failed["scripts"] == {"state": "failed", "desired": [script(BASE)], "current": []}
    assert (failed["users"]["state"], failed["users"]["desired"]) == ("failed", ["hpcuser01"])
    assert result["summary"] == {"total": 2, "in_sync": 0, "drifted": 0, "failed": 1, "not_compared": 1}


def test_a_part_that_cannot_be_read(service: Service) -> None:
    service.expects(describe(), read(), page(code="ManagerNotFound"), describe(OTHER))
    found = compare(service, {"scripts": [script(BASE)], "users": []}, {"cluster_id": OTHER})["clusters"][0]
    assert (found["state"], found["scripts"]["state"], found["users"]["state"]) == ("failed", "drifted", "failed")
    assert found["error"]["code"] == "ManagerNotFound"
    service.expects(describe(), read(code="NotAuthorized"), page(), describe(OTHER))
    found = compare(service, {"scripts": [script(BASE)], "users": []}, {"cluster_id": OTHER})["clusters"][0]
    assert (found["state"], found["scripts"]["state"], found["users"]["state"]) == ("failed", "failed", "in_sync")
    assert found["error"]["code"] == "NotAuthorized"


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"cluster_id": " "}, "cluster_id is empty."),
        ({"region": "example.com/"}, "region: 'example.com/' is not a valid region ID."),
        ({"scripts": [script("https://a b")]}, "scripts[0].url contains whitespace"),
        ({"scripts": [script(f"/{number}") for number in range(17)]}, "would have 17 scripts"),
        ({"scripts": [script(BASE), script(BASE)], "purge": False}, f"but scripts contains duplicates: {BASE}."),
        ({"users": ["hpcuser01", 7]}, "users[1] has no valid user name."),
        ({"users": [{"name": "hpcuser01", "password": "EXAMPLE", "group": "users"}]}, "users[0] has a key that cannot be compared: group, password."),
        ({"users": ["-x"]}, "users[0] has no valid user name."),
        ({"users": ["a:b"]}, "users[0] has no valid user name."),
        ({"proxy_mode_users": [{"name": "hpcuser01", "uid": "x1"}]}, "proxy_mode_users[0].uid is not a user ID: 'x1'."),
    ],
)
def test_an_entry_that_cannot_work_fails_alone_and_without_a_call(service: Service, options: dict[str, t.Any], words: str) -> None:
    service.expects(describe(OTHER))
    found = compare(service, options, {"cluster_id": OTHER})["clusters"][0]
    assert (found["state"], found["error"]["code"]) == ("failed", "InvalidOptions")
    assert words in found["error"]["message"]


def test_a_cluster_of_next(service: Service) -> None:
    service.expects(describe(code="ClusterNotFound"), get_cluster(), describe(OTHER))
    failed = compare(service, {}, {"cluster_id": OTHER})["clusters"][0]
    assert (failed["state"], failed["error"]["code"]) == ("failed", "WrongGeneration")


def test_unexpected_data_of_one_cluster(service: Service) -> None:
    service.expects(describe(EcsInfo={"ProxyMgr": {"Count": "many"}}), describe(OTHER))
    found = compare(service, {}, {"cluster_id": OTHER})["clusters"][0]
    assert (found["state"], found["error"]["code"]) == ("failed", "InvalidAnswer")


def test_an_unexpected_exception_about_one_cluster(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_arguments: t.Any) -> t.NoReturn:
        raise ValueError("It is on host X.")

    monkeypatch.setattr(_drift, "compare", fail)
    service.expects(describe())
    error = fails(service, {})
    problem = "The comparison failed unexpectedly: ValueError: It is on host X."
    assert (error.code, error.message) == ("UnexpectedError", f"The cluster could not be read ({CLUSTER} in cn-hangzhou): {problem}")


def test_no_cluster_can_be_read(service: Service) -> None:
    service.expects(describe(code="NotAuthorized"))
    error = fails(service, {})
    assert error.message == f"The cluster could not be read ({CLUSTER} in cn-hangzhou): NotAuthorized: You are not authorized by RAM for this request."
    assert (error.code, error.action, error.http_status, error.result["summary"]["failed"]) == ("NotAuthorized", "DescribeCluster", 407, 1)
    assert error.as_failure()["error"] == {**error.result["clusters"][0]["error"], "message": error.message}
    error = fails(service, {"users": ["-x"]})
    assert error.message == f"The cluster could not be read ({CLUSTER} in cn-hangzhou): users[0] has no valid user name."
    assert error.hint == _drift.USER_FORM
    assert fails(service, {"users": [{"name": "hpcuser01", "gid": 1}]}).hint == _drift.USER_FORM
    assert error.as_failure()["error"] == {**error.result["clusters"][0]["error"], "message": error.message}
    service.expects(describe(code="ClusterNotFound"), get_cluster(code="ClusterNotFound"))
    service.expects(describe(OTHER, code="ClusterNotFound"), get_cluster(OTHER, code="ClusterNotFound"))
    error = fails(service, {"name": "a"}, {"cluster_id": OTHER})
    assert str(error).startswith(f"None of the 2 clusters could be read. The first failure ({CLUSTER} in cn-hangzhou): ClusterNotFound: ")
    assert [cluster["name"] for cluster in error.result["clusters"]] == ["a", None]


def test_no_clusters(service: Service) -> None:
    assert compare(service) == {
        "changed": False,
        "access_key": "",
        "clusters": [],
        "summary": {"total": 0, "in_sync": 0, "drifted": 0, "failed": 0, "not_compared": 0},
    }


@pytest.mark.parametrize("parallel", [0, 101])
def test_parallel(service: Service, parallel: int) -> None:
    assert str(fails(service, {}, parallel=parallel)) == f"The option parallel must be from 1 to 100, not {parallel}."


def test_threads(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    """Most of those that compare nodes are waiting for the nodes."""
    numbers: list[int] = []

    class Executor(ThreadPoolExecutor):
        def __init__(self, number: int) -> None:
            numbers.append(number)
            super().__init__(number)

    monkeypatch.setattr(drift_info, "ThreadPoolExecutor", Executor)
    compare(service, parallel=100)
    compare(service, parallel=3, nodes=True)
    assert numbers == [100, 30]


def test_a_region_that_cannot_be_reached_is_tried_once(service: Service) -> None:
    refused = requests.exceptions.ConnectionError(ConnectionRefusedError())
    service.expects(Call("DescribeCluster", ClusterId=CLUSTER, error=refused))
    error = fails(service, {}, {"cluster_id": OTHER}, api_retries=0)
    assert [cluster["error"]["code"] for cluster in error.result["clusters"]] == ["ConnectionFailed"] * 2


def test_a_region_that_was_reached_is_tried_again(service: Service) -> None:
    refused = requests.exceptions.ConnectionError(ConnectionRefusedError())
    service.expects(describe(), Call("DescribeCluster", ClusterId=OTHER, error=refused), describe())
    states = [cluster["state"] for cluster in compare(service, {}, {"cluster_id": OTHER}, {}, api_retries=0)["clusters"]]
    assert states == ["not_compared", "failed", "not_compared"]


def test_a_lost_response_says_nothing_about_other_clusters(service: Service) -> None:
    service.expects(Call("DescribeCluster", ClusterId=CLUSTER, error=requests.exceptions.ReadTimeout()), describe(OTHER))
    states = [cluster["state"] for cluster in compare(service, {}, {"cluster_id": OTHER}, api_retries=0)["clusters"]]
    assert states == ["failed", "not_compared"]


def test_each_cluster_is_asked_in_its_region(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[str] = []
    closed: list[str] = []

    def connect(params: dict[str, t.Any]) -> t.Any:
        made.append(params["region"])
        client = service.connect(client_for(params))
        monkeypatch.setattr(client, "close", lambda: closed.append(params["region"]))
        return client

    monkeypatch.setattr(drift_info, "client_for", connect)
    service.expects(describe(), describe(OTHER), describe("ehpc-sh-1"))
    clusters = [{"region": "cn-shanghai"}, {"cluster_id": OTHER}, {"cluster_id": "ehpc-sh-1", "region": "cn-shanghai"}]
    result = compare(service, *clusters)
    assert [seen.params["RegionId"] for seen in service.seen] == ["cn-shanghai", "cn-hangzhou", "cn-shanghai"]
    assert [cluster["region"] for cluster in result["clusters"]] == ["cn-shanghai", "cn-hangzhou", "cn-shanghai"]
    assert made == ["cn-shanghai"], "one client for each region"
    assert closed == made


def test_the_client_of_the_task_can_be_used_afterwards(service: Service) -> None:
    client = service.client()
    drift_info.Regions({**dict.fromkeys(SHARED_SPEC), "parallel": 1}, client).close()
    service.expects(Call("ListRegions"))
    client.call("ListRegions")
    service.done()


def test_no_region(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drift_info, "client_for", lambda params: service.connect(client_for(params)))
    service.expects(describe(OTHER))
    first, second = compare(service, {}, {"cluster_id": OTHER, "region": "cn-shanghai"}, region="")["clusters"]
    assert (first["region"], first["error"]["message"], second["state"]) == (None, "No region is given.", "not_compared")
    assert fails(service, {}, region="").message == f"The cluster could not be read ({CLUSTER}): No region is given."


# Nodes


@pytest.fixture
def run_id(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uuid, "uuid4", lambda: SimpleNamespace(hex=RUN * 2))


def node(number: int, role: str = "Compute", status: str = "running") -> dict[str, t.Any]:
    return {"Id": f"i-{number}", "HostName": f"{role.lower()}{number:03d}", "Status": status, "Roles": {"Role": [role]}}


def nodes(*found: dict[str, t.Any]) -> Call:
    return Call("ListNodes", ClusterId=CLUSTER, PageNumber="1", PageSize="100", answer={"TotalCount": len(found), "Nodes": {"NodeInfo": list(found)}})


def exchange(command: str, said: dict[int, str], command_id: str = "c-1", status: str = "Finished") -> list[Call]:
    """A command that all nodes have finished at the first poll, with their output."""
    ids: dict[str, t.Any] = {"ClusterId": CLUSTER, "CommandId": command_id}
    statuses = [{"InstanceId": f"i-{number}", "InstanceInvokeStatus": status} for number in said]
    records = [{"InstanceId": f"i-{number}", "InvokeRecordStatus": status, "Message": message} for number, message in said.items()]
    instances: dict[str, t.Any] = {f"Instance.{position}.Id": f"i-{number}" for position, number in enumerate(said, 1)}
    return [
        Call("InvokeShellCommand", ClusterId=CLUSTER, Command=command, Timeout="60", answer={"CommandId": command_id}, **instances),
        Call("ListInvocationStatus", **ids, answer={"InvokeInstances": {"InvokeInstance": statuses}}),
        Call(
            "ListInvocationResults",
            **ids,
            PageNumber="1",
            PageSize="50",
            answer={"TotalCount": len(records), "InvocationResults": {"InvocationResult": records}},
        ),
    ]


def steps(*scripts: dict[str, t.Any]) -> list[_runner.Step]:
    return _runner.steps([Script(entry["url"], entry["args"], entry.get("checksum")) for entry in scripts])


def said(status: str, uids: str | None = None) -> str:
    more = "" if uids is None else f"{uids}ehpc-post-scripts {RUN} uids 0 - 0\n"
    return f"ehpc-post-scripts {RUN} {status} 0 - 0\n{more}"


def states(found: dict[str, t.Any]) -> list[tuple[str, str, str]]:
    return [(entry["hostname"], entry["state"], entry["scripts"]) for entry in found["nodes"]]


@pytest.mark.usefixtures("run_id")
def test_nodes(service: Service) -> None:
    (command,) = _drift_nodes.commands(RUN, steps({**script(BASE), "checksum": DIGITS}), ["hpcuser01", "hpcuser02", "hpcuser03"])
    assert command == _runner.look(RUN, steps({**script(BASE), "checksum": DIGITS})) + (
        f'\ngetent passwd hpcuser01 hpcuser02 hpcuser03|cut -d: -f1,3\necho "ehpc-post-scripts {RUN} uids 0 - 0"'
    )
    service.expects(describe(), read(script(BASE)), page("hpcuser01", "hpcuser02", "hpcuser03"), nodes(node(9, "Account"), node(1), node(2), node(3)))
    uids = "hpcuser01:1001\nhpcuser02:1002\n"
    service.expects(*exchange(command, {1: said("unchanged", uids), 2: said("pending", uids), 3: said("unchanged", "hpcuser01:1001\nhpcuser02:2002\n")}))
    users = [{"name": f"hpcuser0{number}", "uid": 1000 + number} for number in (1, 2, 3)]
    found = compare(service, {"scripts": [{**script(BASE), "checksum": f"sha256:{DIGITS}"}], "users": users}, nodes=True)["clusters"][0]
    assert found["nodes"][0] == {
        "id": "i-1",
        "hostname": "compute001",
        "state": "in_sync",
        "scripts": "in_sync",
        "wrong_uids": [],
        "unknown_users": ["hpcuser03"],
        "reason": None,
    }
    assert states(found)[1:] == [("compute002", "drifted", "drifted"), ("compute003", "drifted", "in_sync")]
    assert found["nodes"][2]["wrong_uids"] == [{"name": "hpcuser02", "uid": 2002, "expected": 1002}]
    assert found["users"]["wrong_uids"] == [{"name": "hpcuser02", "uid": 2002, "expected": 1002, "node": "compute003"}]
    assert (found["state"], found["scripts"]["state"], found["users"]["state"], found["error"]) == ("drifted", "in_sync", "drifted", None)


@pytest.mark.usefixtures("run_id")
def test_nodes_that_do_not_report(service: Service) -> None:
    command = _runner.look(RUN, steps(script(BASE)))
    service.expects(describe(), read(script(BASE)), nodes(node(1), node(2, status="stopped"), {**node(3), "Id": None}, node(4)))
    service.expects(*exchange(command, {1: said("unchanged"), 4: "bash: no such file\n"}), describe(OTHER))
    found = compare(service, {"scripts": [script(BASE)]}, {"cluster_id": OTHER}, nodes=True)["clusters"][0]
    assert [entry[1:] for entry in states(found)] == [("in_sync", "in_sync"), *[("failed", "failed")] * 3]
    reasons = [entry["reason"] for entry in found["nodes"]]
    assert reasons == [None, "The node is stopped.", "The node has no ID, so E-HPC cannot run commands on it.", "The command ended without a report."]
    assert (found["state"], found["scripts"]["state"], found["error"]["code"]) == ("failed", "in_sync", "NodesNotRead")
    assert found["error"]["message"] == (
        "There is no report from 3 nodes: compute002: The node is stopped. compute003: The node has no ID, so E-HPC cannot run commands on it."
        " compute004: The command ended without a report."
    )


@pytest.mark.usefixtures("run_id")
def test_the_error_about_nodes_that_do_not_report(service: Service) -> None:
    service.expects(describe(), read(script(BASE)), nodes({**node(1, status=""), "HostName": None}), describe(OTHER))
    found = compare(service, {"scripts": [script(BASE)]}, {"cluster_id": OTHER}, nodes=True)["clusters"][0]
    assert found["error"] == {
        "action": "InvokeShellCommand",
        "code": "NodesNotRead",
        "message": "There is no report from 1 node: i-1: The node is in an unknown status.",
        "http_status": None,
        "request_id": None,
        "hint": HINTS["NodesNotRead"],
    }
    service.expects(describe(), read(script(BASE)), nodes(*(node(number, status="stopped") for number in range(4))), describe(OTHER))
    found = compare(service, {"scripts": [script(BASE)]}, {"cluster_id": OTHER}, nodes=True)["clusters"][0]
    reasons = " ".join(f"compute{number:03d}: The node is stopped." for number in range(3))
    assert found["error"]["message"] == f"There is no report from 4 nodes: {reasons} And 1 more."


@pytest.mark.parametrize(
    ("result", "reason"),
    [
        (None, "The node did not respond."),
        (Result("NoResult", ""), "The node did not respond."),
        (Result("Finished", "killed"), "The command ended without a report."),
        (Result("Failed", ""), "E-HPC could not execute the command on this node."),
    ],
)
def test_a_node_without_a_report(result: Result | None, reason: str) -> None:
    answer = _drift_nodes.Answer({"id": "i-1", "host_name": "compute001", "location": None, "status": "running"})
    answer.record(RUN, result, 1)
    assert answer.as_result(None, {"hpcuser01": 1001}) == {
        "id": "i-1",
        "hostname": "compute001",
        "state": "failed",
        "scripts": "not_compared",
        "wrong_uids": [],
        "unknown_users": [],
        "reason": reason,
    }


@pytest.mark.usefixtures("run_id")
def test_a_node_whose_account_service_hangs(service: Service) -> None:
    """It reports the scripts, and then nothing until the command is ended."""
    (command,) = _drift_nodes.commands(RUN, steps(script(BASE)), ["hpcuser01"])
    service.expects(describe(), read(script(BASE)), page("hpcuser01"), nodes(node(1)))
    service.expects(*exchange(command, {1: said("unchanged") + "hpcuser01:1001\n"}, status="Failed"), describe(OTHER))
    found = compare(service, {"scripts": [script(BASE)], "users": [{"name": "hpcuser01", "uid": 1001}]}, {"cluster_id": OTHER}, nodes=True)["clusters"][0]
    assert states(found) == [("compute001", "failed", "in_sync")]
    assert (found["state"], found["nodes"][0]["unknown_users"]) == ("failed", [])
    assert found["nodes"][0]["reason"] == "E-HPC could not execute the command on this node."


@pytest.mark.usefixtures("run_id")
def test_a_name_without_a_user_id_keeps_that_of_another_entry(service: Service) -> None:
    (command,) = _drift_nodes.commands(RUN, None, ["echo", "hpcuser02"])
    service.expects(describe(), page("echo", "hpcuser02"), nodes(node(1)))
    service.expects(*exchange(command, {1: f"echo:2001\nhpcuser02:1002\nehpc-post-scripts {RUN} uids 0 - 0\n"}))
    wanted = {"users": [{"name": "echo", "uid": 1001}, "echo", "hpcuser02"], "proxy_mode_users": ["echo", {"name": "hpcuser02", "uid": 1002}]}
    found = compare(service, wanted, nodes=True)["clusters"][0]
    assert found["users"]["desired"] == ["echo", "hpcuser02"]
    assert [entry["name"] for entry in found["users"]["wrong_uids"]] == ["echo"]


@pytest.mark.usefixtures("run_id")
def test_only_the_user_ids_of_nodes(service: Service) -> None:
    """The users of the cluster cannot be listed, which one of the nodes does not change."""
    (command,) = _drift_nodes.commands(RUN, None, ["hpcuser01"])
    reported = f"ehpc-post-scripts {RUN} uids 0 - 0\n"
    service.expects(describe(), page(code="ManagerNotFound"), nodes(node(1), {**node(2), "HostName": None}))
    service.expects(*exchange(command, {1: "hpcuser01:1001\n" + reported, 2: "hpcuser01:2001\n" + reported}), describe(OTHER))
    found = compare(service, {"users": [{"name": "hpcuser01", "uid": 1001}]}, {"cluster_id": OTHER}, nodes=True)["clusters"][0]
    assert [entry[1:] for entry in states(found)] == [("in_sync", "not_compared"), ("drifted", "not_compared")]
    assert found["users"]["wrong_uids"] == [{"name": "hpcuser01", "uid": 2001, "expected": 1001, "node": "i-2"}]
    assert (found["state"], found["users"]["state"], found["error"]["code"]) == ("failed", "failed", "ManagerNotFound")


@pytest.mark.usefixtures("run_id")
def test_nodes_that_e_hpc_refuses(service: Service) -> None:
    command = _runner.look(RUN, steps(script(BASE)))

    def refused(*names: str, **how: t.Any) -> Call:
        ids: dict[str, t.Any] = {f"Instance.{number}.Id": name for number, name in enumerate(names, 1)}
        return Call("InvokeShellCommand", ClusterId=CLUSTER, Command=command, Timeout="60", **ids, **how)

    about: dict[str, t.Any] = {"code": "ComputeNotFound", "message": "There is no node X."}
    service.expects(describe(), read(script(BASE)), nodes(node(1), node(2)), *(refused(*names, **about) for names in (("i-1", "i-2"), ("i-1",), ("i-2",))))
    service.expects(describe(OTHER))
    found = compare(service, {"scripts": [script(BASE)]}, {"cluster_id": OTHER}, nodes=True)["clusters"][0]
    assert [entry["reason"] for entry in found["nodes"]] == ["E-HPC refused to run the command on this node: ComputeNotFound: There is no node X."] * 2
    service.expects(describe(), read(script(BASE)), nodes(node(1)), refused("i-1", code="NotAuthorized"), describe(OTHER))
    found = compare(service, {"scripts": [script(BASE)]}, {"cluster_id": OTHER}, nodes=True)["clusters"][0]
    assert (found["state"], found["nodes"], found["error"]["action"]) == ("failed", [], "InvokeShellCommand")


@pytest.mark.usefixtures("run_id")
def test_which_list_nodes_should_have_run(service: Service) -> None:
    # Without purge it is the list of the cluster, which has no checksums.
    command = _runner.look(RUN, steps(script(MOUNT, "-v"), script(BASE)))
    service.expects(describe(), read(script(MOUNT, "-v"), script(BASE)), nodes(node(1)), *exchange(command, {1: said("unchanged")}))
    wanted = {"scripts": [{**script(BASE), "checksum": f"sha256:{DIGITS}"}], "purge": False}
    assert states(compare(service, wanted, nodes=True)["clusters"][0]) == [("compute001", "in_sync", "in_sync")]
    # All nodes have run an empty list, and a list that could not be read is not known.
    service.expects(describe(), read(), nodes(node(1), node(2)))
    assert states(compare(service, {"scripts": [], "nodes": ["compute002"]}, nodes=True)["clusters"][0]) == [("compute002", "in_sync", "in_sync")]
    service.expects(describe(), read(code="NotAuthorized"), describe(OTHER))
    assert compare(service, wanted, {"cluster_id": OTHER}, nodes=True)["clusters"][0]["nodes"] == []
    # With purge it is known.
    command = _runner.look(RUN, steps(script(BASE)))
    service.expects(describe(), read(code="NotAuthorized"), nodes(node(1)), *exchange(command, {1: said("unchanged")}), describe(OTHER))
    found = compare(service, {"scripts": [script(BASE)]}, {"cluster_id": OTHER}, nodes=True)["clusters"][0]
    assert (states(found), found["scripts"]["state"]) == ([("compute001", "in_sync", "in_sync")], "failed")
    # Nothing to ask.
    service.expects(describe(), page("hpcuser01"))
    assert compare(service, {"users": ["hpcuser01"]}, nodes=True)["clusters"][0]["nodes"] == []


def test_many_users_take_several_commands() -> None:
    names = [f"hpcuser{number:04d}" for number in range(300)]
    commands = _drift_nodes.commands(RUN, steps(script(BASE)), names)
    assert [len(command) <= _runner.MAX_COMMAND_LENGTH for command in commands] == [True] * 4
    assert [name for command in commands for name in command.rpartition("passwd ")[2].partition("|")[0].split()] == names
    assert [command.count("done-") for command in commands] == [1, 0, 0, 0]


def test_a_command_has_as_many_names_as_fit() -> None:
    names = ["a", "b" * (_drift_nodes.MAX_NAMES - 2), "c"]
    commands = _drift_nodes.commands(RUN, None, names)
    assert [command.rpartition("passwd ")[2].partition("|")[0] for command in commands] == [" ".join(names[:2]), "c"]
