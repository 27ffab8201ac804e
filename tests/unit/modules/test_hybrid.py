# Copyright (c) 2026, the alicloud.ehpc contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The modules for the on-premises side of a hybrid cluster: the calls that they make, their files, and their results."""

from __future__ import annotations

import hashlib
import json
import os
import stat
import tempfile
import typing as t
from pathlib import Path

import pytest
import requests
from ansible_collections.alicloud.ehpc.plugins.modules import hybrid_config_info, local_nodes
from ansible_collections.alicloud.ehpc.tests.support.scripted import Call, Service
from ansible_collections.alicloud.ehpc.tests.support.words import CLUSTER

CONFIG = "\n[cluster]\nsecret = EXAMPLE-configuration\n"


def reading(config: t.Any = CONFIG, **params: t.Any) -> Call:
    return Call("GetHybridClusterConfig", ClusterId=CLUSTER, **params, answer={"ClusterConfig": config, "RequestId": "REQUEST"})


# hybrid_config_info


def test_the_configuration_is_not_in_the_result(service: Service) -> None:
    service.expects(reading())
    result = service.run(hybrid_config_info, cluster_id=CLUSTER)
    assert result == {"changed": False, "cluster_id": CLUSTER, "region": "cn-hangzhou", "node": ""}


def test_the_configuration_is_in_the_result_on_request(service: Service) -> None:
    service.expects(reading(Node="local000"))
    result = service.run(hybrid_config_info, cluster_id=CLUSTER, node=" local000 ", return_config=True)
    assert (result["config"], result["node"], result["changed"]) == (CONFIG, "local000", False)


def test_the_file(service: Service, tmp_path: Path) -> None:
    dest = tmp_path / "cluster.conf"

    def run(check_mode: bool = False, config: str = CONFIG) -> dict[str, t.Any]:
        service.expects(reading(config))
        return service.run(hybrid_config_info, check_mode, cluster_id=CLUSTER, dest=str(dest))

    previewed = run(check_mode=True)
    assert (previewed["changed"], dest.exists()) == (True, False)
    written = run()
    assert (dest.read_text(encoding="utf-8"), stat.S_IMODE(dest.stat().st_mode)) == (CONFIG, 0o600)
    assert written == previewed
    header = f"configuration of cluster {CLUSTER} in cn-hangzhou"
    digest = hashlib.sha256(CONFIG.encode()).hexdigest()
    assert written == {
        "changed": True,
        "cluster_id": CLUSTER,
        "region": "cn-hangzhou",
        "node": "",
        "dest": str(dest),
        "diff": {
            "before_header": header,
            "after_header": header,
            "before": {"configuration": {"exists": False, "mode": None, "sha256": None}},
            "after": {"configuration": {"exists": True, "mode": "0600", "sha256": digest}},
        },
    }
    assert not run()["changed"]
    assert run(check_mode=True, config="[other]")["changed"]
    assert dest.read_text(encoding="utf-8") == CONFIG
    assert run(config="[other]")["changed"]
    assert dest.read_text(encoding="utf-8") == "[other]"
    assert os.listdir(tmp_path) == ["cluster.conf"]
    assert "secret" not in str([previewed, written])


def test_a_file_that_others_can_read_is_changed(service: Service, tmp_path: Path) -> None:
    dest = tmp_path / "cluster.conf"
    dest.write_text(CONFIG, encoding="utf-8")
    dest.chmod(0o644)
    service.expects(reading())
    assert service.run(hybrid_config_info, cluster_id=CLUSTER, dest=str(dest))["changed"]
    assert stat.S_IMODE(dest.stat().st_mode) == 0o600


def test_a_link_stays_a_link(service: Service, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # Another directory may be on another file system, from which a file cannot be moved in one step.
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "absent"))
    (tmp_path / "real.conf").write_text("old", encoding="utf-8")
    (tmp_path / "link.conf").symlink_to("real.conf")
    service.expects(reading())
    assert service.run(hybrid_config_info, cluster_id=CLUSTER, dest=str(tmp_path / "link.conf"))["changed"]
    assert (tmp_path / "link.conf").is_symlink()
    assert (tmp_path / "real.conf").read_text(encoding="utf-8") == CONFIG


@pytest.mark.parametrize(("name", "problem"), [("absent/cluster.conf", "No such file or directory"), ("", "Is a directory")])
def test_a_file_that_cannot_be_written(service: Service, tmp_path: Path, name: str, problem: str) -> None:
    service.expects(reading())
    error = service.fails(hybrid_config_info, cluster_id=CLUSTER, dest=str(tmp_path / name))
    path = tmp_path / name
    assert (error.code, error.message) == ("InvalidOptions", f"The file {path} of the option dest cannot be used: {problem}.")
    assert error.hint == "Set dest to a file in an existing directory."
    assert "EXAMPLE-configuration" not in str(error.as_failure())
    assert os.listdir(tmp_path) == []


def test_a_full_disk_leaves_the_file_as_it_was(service: Service, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    dest = tmp_path / "cluster.conf"
    dest.write_text("old", encoding="utf-8")
    service.expects(reading())
    error = service.fails(hybrid_config_info, cluster_id=CLUSTER, dest=str(dest))
    assert error.message == f"The file {dest} of the option dest cannot be used: No space left on device."
    assert (dest.read_text(encoding="utf-8"), os.listdir(tmp_path)) == ("old", ["cluster.conf"])


@pytest.mark.parametrize("config", [None, "", 5, ["[cluster]"]])
def test_a_response_without_a_configuration(service: Service, config: t.Any) -> None:
    service.expects(reading(config))
    hint = "Check that the cluster is a hybrid cluster, and that node is the host name of one of its on-premises nodes."
    attempted = f"Cannot read the configuration for on-premises nodes of cluster {CLUSTER} in cn-hangzhou"
    assert service.fails(hybrid_config_info, cluster_id=CLUSTER).as_failure() == {
        "msg": f"{attempted}: InvalidAnswer: The response has no ClusterConfig. {hint}",
        "error": {
            "action": "GetHybridClusterConfig",
            "code": "InvalidAnswer",
            "message": "The response has no ClusterConfig.",
            "http_status": 200,
            "request_id": "REQUEST",
            "hint": hint,
        },
    }


def test_a_cluster_that_is_not_a_hybrid_one(service: Service) -> None:
    service.expects(Call("GetHybridClusterConfig", ClusterId=CLUSTER, code="InvalidOpt"))
    assert service.fails(hybrid_config_info, cluster_id=CLUSTER).as_failure()["error"]["code"] == "InvalidOpt"


# local_nodes


def node(name: str, address: str = "192.0.2.11", queue: str | None = None) -> dict[str, t.Any]:
    return {"host_name": name, "ip_address": address, "cpu_cores": 8, "memory_mb": 16384, **({"queue": queue} if queue else {})}


def listing(*names: str, address: str | None = "192.0.2.11") -> Call:
    infos = [{"HostName": name, "IpAddress": address, "Status": "Running", "Location": "OnPremise"} for name in names]
    answer = {"TotalCount": len(infos), "Nodes": {"NodeInfo": infos}}
    return Call("ListNodes", ClusterId=CLUSTER, PageNumber="1", PageSize="100", answer=answer)


def adding(*names: str, **how: t.Any) -> Call:
    entries = [{"HostName": name, "IpAddress": "192.0.2.11", "CpuCores": 8, "Memory": 16384} for name in names]
    return Call("AddLocalNodes", ClusterId=CLUSTER, Nodes=json.dumps(entries), **{"answer": {"RequestId": "REQUEST"}, **how})


def test_add_a_node(service: Service) -> None:
    wanted = [node("local000"), node("local001")]
    service.expects(listing("local000"))
    previewed = service.run(local_nodes, True, cluster_id=CLUSTER, nodes=wanted)
    service.expects(listing("local000"), adding("local001"), listing("local000"), listing("local000", "local001"))
    result = service.run(local_nodes, cluster_id=CLUSTER, nodes=wanted)
    header = f"nodes of cluster {CLUSTER} in cn-hangzhou"
    assert result == {
        "changed": True,
        "cluster_id": CLUSTER,
        "region": "cn-hangzhou",
        "nodes": [{"id": None, "host_name": name, "ip_address": "192.0.2.11", "status": "running"} for name in ("local000", "local001")],
        "added": ["local001"],
        "request_id": "REQUEST",
        "diff": {"before_header": header, "after_header": header, "before": {"nodes": ["local000"]}, "after": {"nodes": ["local000", "local001"]}},
    }
    assert previewed == {**result, "nodes": [result["nodes"][0], {**result["nodes"][1], "status": None}], "request_id": None}
    service.expects(listing("local000", "local001", "other"))
    again = service.run(local_nodes, cluster_id=CLUSTER, nodes=wanted)
    assert (again["changed"], again["added"], again["request_id"]) == (False, [], None)


def test_a_call_for_each_queue_and_for_twenty_nodes(service: Service) -> None:
    names = [f"local{number:03d}" for number in range(22)]
    wanted = [node(name) for name in names] + [node("fast001", queue="fast"), node("fast002", queue=" fast ")]
    every = [*names, "fast001", "fast002"]
    service.expects(listing(), adding(*names[:20]), adding(*names[20:]), adding("fast001", "fast002", Queue="fast"), listing(*every))
    assert service.run(local_nodes, cluster_id=CLUSTER, nodes=wanted)["added"] == every


def test_another_operation_is_waited_for(service: Service) -> None:
    """Meanwhile another client has added one of the nodes."""
    conflict = adding("local001", "local002", code="ConflictOpt")
    service.expects(listing(), conflict, listing("local001"), adding("local002"), listing("local001", "local002"))
    assert service.run(local_nodes, cluster_id=CLUSTER, nodes=[node("local001"), node("local002")])["changed"]


def test_another_operation_that_does_not_end(service: Service) -> None:
    service.expects(
        listing(),
        *[call for _try in range(2) for call in (adding("local001", code="ConflictOpt"), listing())],
        adding("local001", code="ConflictOpt"),
        listing(),
    )
    # Another wait of 8 seconds would end at the deadline.
    failure = service.fails(local_nodes, cluster_id=CLUSTER, nodes=[node("local001")], wait_timeout=14).as_failure()
    assert failure["error"]["code"] == "ConflictOpt"
    assert (failure["changed"], failure["added"]) == (False, [])
    assert service.clock.sleeps == [2, 4]


def test_a_lost_response_is_decided_by_reading(service: Service) -> None:
    lost = adding("local001", error=requests.ConnectionError("closed"))
    service.expects(listing(), lost, listing("local001"), listing("local001"))
    assert service.run(local_nodes, cluster_id=CLUSTER, nodes=[node("local001")])["added"] == ["local001"]


def test_a_failure_reports_what_was_added(service: Service) -> None:
    wanted = [node("local001"), node("fast001", queue="fast")]
    service.expects(listing(), adding("local001"), adding("fast001", Queue="fast", code="InvalidParams"), listing("local001"))
    failure = service.fails(local_nodes, cluster_id=CLUSTER, nodes=wanted).as_failure()
    assert (failure["changed"], failure["added"], failure["error"]["code"]) == (True, ["local001"], "InvalidParams")


def test_a_failure_after_which_reads_fail(service: Service) -> None:
    unreadable = Call("ListNodes", ClusterId=CLUSTER, PageNumber="1", PageSize="100", code="NotAuthorized")
    service.expects(listing(), adding("local001", code="InvalidParams"), unreadable)
    error = service.fails(local_nodes, cluster_id=CLUSTER, nodes=[node("local001")])
    assert error.code == "InvalidParams"
    assert "It is not known which nodes were added, because reading failed, too: You are not authorized" in error.message


def test_no_call_is_repeated_after_the_time_limit(service: Service) -> None:
    service.expects(listing(), adding("local001", code="ServiceUnavailable"), listing())
    assert service.fails(local_nodes, cluster_id=CLUSTER, nodes=[node("local001")], wait_timeout=0).code == "ServiceUnavailable"


def test_nodes_that_are_not_listed_in_time(service: Service) -> None:
    service.expects(listing(), adding("local001", "local002"), listing("local001"), listing("local001"))
    failure = service.fails(local_nodes, cluster_id=CLUSTER, nodes=[node("local001"), node("local002")], wait_timeout=2).as_failure()
    message = "E-HPC accepted the nodes, but does not list these yet: local002."
    hint = "Check the nodes of the cluster in the console, then run the task again."
    assert failure == {
        "changed": True,
        "added": ["local001"],
        "msg": f"Cannot add the on-premises nodes of cluster {CLUSTER} in cn-hangzhou: {message} {hint}",
        "error": {"action": "AddLocalNodes", "code": "NotStored", "message": message, "http_status": None, "request_id": None, "hint": hint},
    }


@pytest.mark.parametrize("address", ["192.0.2.11", "", None])
def test_a_smallest_node_whose_address_is_equal_or_unknown(service: Service, address: str | None) -> None:
    service.expects(listing("local001", address=address))
    smallest = {**node("local001"), "cpu_cores": 1, "memory_mb": 1}
    assert not service.run(local_nodes, cluster_id=CLUSTER, nodes=[smallest], wait_timeout=0)["changed"]
    assert service.warnings == []


def test_another_address_is_a_warning(service: Service) -> None:
    service.expects(listing("local001", address="192.0.2.99"))
    assert not service.run(local_nodes, cluster_id=CLUSTER, nodes=[node("local001")])["changed"]
    assert service.warnings == ["The cluster has these nodes with other IP addresses, which E-HPC cannot change: local001 (192.0.2.99)."]


@pytest.mark.parametrize(
    ("wrong", "problem"),
    [
        ({"host_name": ""}, "nodes[0].host_name is not a host name: ''."),
        ({"host_name": "a b"}, "nodes[0].host_name is not a host name: 'a b'."),
        ({"ip_address": "local001"}, "nodes[0].ip_address is not an IP address: 'local001'."),
        ({"cpu_cores": 0}, "nodes[0].cpu_cores must be at least 1."),
        ({"memory_mb": -1}, "nodes[0].memory_mb must be at least 1."),
    ],
)
def test_a_node_that_cannot_be_one(service: Service, wrong: dict[str, t.Any], problem: str) -> None:
    assert service.fails(local_nodes, cluster_id=CLUSTER, nodes=[{**node("local001"), **wrong}]).message == problem


def test_nodes_twice_and_a_negative_time_limit(service: Service) -> None:
    error = service.fails(local_nodes, cluster_id=CLUSTER, nodes=[node("local001"), node("local001")])
    assert (error.message, error.hint) == ("The option nodes has these host names more than once: local001.", "Give each node once.")
    assert service.fails(local_nodes, cluster_id=CLUSTER, nodes=[], wait_timeout=-1).message == "wait_timeout must not be negative."
