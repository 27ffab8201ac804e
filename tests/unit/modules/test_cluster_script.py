# Copyright (c) 2026, the alicloud.ehpc contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""cluster_script: read the complete state, write it with one change, and read it again."""

from __future__ import annotations

import typing as t

import pytest
import requests
from ansible_collections.alicloud.ehpc.plugins.module_utils import _full_state
from ansible_collections.alicloud.ehpc.plugins.module_utils._errors import hint_for
from ansible_collections.alicloud.ehpc.plugins.modules import cluster_script
from ansible_collections.alicloud.ehpc.tests.support.next_state import DETAILS, KEPT, LISTED, NEW, OLD, get, listed, reads, update
from ansible_collections.alicloud.ehpc.tests.support.scripted import Call, Service
from ansible_collections.alicloud.ehpc.tests.support.words import BASE, CLUSTER, SIGNED, SIGNED_SHOWN, script

WANTED: dict[str, t.Any] = {"url": BASE, "args": "--mode base"}
LIST: dict[str, t.Any] = {"ClusterIds": [CLUSTER], "PageNumber": "1", "PageSize": "10"}
WRITTEN: dict[str, t.Any] = {"action": "UpdateCluster", "request_id": "REQUEST-WRITE"}
AGAIN = "Run the task again, or set the script in the console."


def ensure(service: Service, check_mode: bool = False, **options: t.Any) -> dict[str, t.Any]:
    return service.run(cluster_script, check_mode, **{"cluster_id": CLUSTER, "accept_full_update": True, **options})


def fails(service: Service, check_mode: bool = False, **options: t.Any) -> t.Any:
    return service.fails(cluster_script, check_mode, **{"cluster_id": CLUSTER, "accept_full_update": True, **options})


def failure(code: str, message: str, hint: str | None = None, attempted: str = "set the script", **error: t.Any) -> dict[str, t.Any]:
    """A failure without a result; ``attempted`` is empty if the message names the cluster."""
    hint = hint or hint_for(code)
    where = "in cn-hangzhou" if attempted == "list the clusters" else f"of cluster {CLUSTER} in cn-hangzhou"
    return {
        "msg": (f"Cannot {attempted} {where}: " if attempted else "") + f"{message} {hint}",
        "error": {"action": None, "code": code, "message": message, "http_status": None, "request_id": None, "hint": hint, **error},
    }


def test_change(service: Service) -> None:
    service.expects(get(), *reads(), *reads(), update(), *reads(NEW))
    result = ensure(service, **WANTED)
    sent = result["settings"]
    assert result == {
        "changed": True,
        "cluster_id": CLUSTER,
        "region": "cn-hangzhou",
        "script": script(BASE, "--mode base"),
        "previous_script": script(OLD["Script"], "-v"),
        "settings": sent,
        "request_id": "REQUEST-WRITE",
        "diff": {
            "before_header": f"settings of cluster {CLUSTER} in cn-hangzhou",
            "after_header": f"settings of cluster {CLUSTER} in cn-hangzhou",
            "before": {"settings": {**sent, "cluster_custom_configuration": {"script": OLD["Script"], "args": "-v"}}},
            "after": {"settings": sent},
        },
    }
    assert len(sent) == len(KEPT) + 1
    assert (sent["cluster_description"], sent["max_count"], sent["deletion_protection"]) == ("third-floor", 100, True)
    service.expects(get(), *reads())
    assert ensure(service, check_mode=True, **WANTED) == {**result, "request_id": None}


@pytest.mark.parametrize("accept", [True, False])
@pytest.mark.parametrize("check_mode", [True, False])
@pytest.mark.parametrize(
    ("options", "configuration"),
    [(WANTED, NEW), ({"url": BASE}, {"Script": BASE}), ({"url": BASE}, {"Script": BASE, "Args": ""}), ({"state": "absent"}, {}), ({"state": "absent"}, None)],
)
def test_no_change_needs_one_call(service: Service, accept: bool, check_mode: bool, options: dict[str, t.Any], configuration: dict[str, str] | None) -> None:
    service.expects(get(ClusterCustomConfiguration=configuration))
    result = ensure(service, check_mode, accept_full_update=accept, **options)
    expected = script(BASE, "--mode base" if options == WANTED else "") if "url" in options else None
    assert result == {
        "changed": False,
        "cluster_id": CLUSTER,
        "region": "cn-hangzhou",
        "script": expected,
        "previous_script": expected,
        "settings": {},
        "request_id": None,
        "diff": {
            **dict.fromkeys(("before_header", "after_header"), f"settings of cluster {CLUSTER} in cn-hangzhou"),
            **dict.fromkeys(("before", "after"), {"settings": {}}),
        },
    }


@pytest.mark.parametrize("check_mode", [True, False])
def test_nothing_is_written_unless_it_is_accepted(service: Service, check_mode: bool) -> None:
    service.expects(get(), *reads())
    message = "The script differs, and UpdateCluster sets it only together with all other settings of the cluster."
    assert fails(service, check_mode, accept_full_update=False, **WANTED).as_failure() == {
        **failure("FullUpdateNotAccepted", message),
        "settings": _full_state.shown({**KEPT, "ClusterCustomConfiguration": NEW}),
    }


def test_the_arguments_are_sent_if_there_are_any(service: Service) -> None:
    service.expects(get(), *reads(), *reads(), update({"Script": BASE}), *reads({"Script": BASE}))
    assert ensure(service, url=BASE)["script"] == script(BASE)
    joined = "-x 'a b'"
    service.expects(get(), *reads(), *reads(), update({"Script": BASE, "Args": joined}), *reads({"Script": BASE, "Args": joined}))
    assert ensure(service, url=BASE, args=["-x", "a b"])["script"] == script(BASE, joined)


def test_settings_that_cannot_be_empty_in_a_request_are_omitted(service: Service) -> None:
    absent: dict[str, t.Any] = {"MonitorSpec": None, "SchedulerSpec": {}}
    looks = [listed(ClusterDescription=""), get(**absent)]
    sent = update(ClusterDescription=None, MonitorSpec=None, SchedulerSpec=None)
    service.expects(get(), *looks, *looks, sent, listed(ClusterDescription=""), get(**absent, ClusterCustomConfiguration=NEW))
    assert ensure(service, **WANTED)["changed"]


# Remove


def test_absent(service: Service) -> None:
    service.expects(get(), *reads(), *reads(), update(None), *reads({}))
    result = ensure(service, state="absent")
    assert (result["script"], result["previous_script"]) == (None, script(OLD["Script"], "-v"))
    assert result["diff"]["after"]["settings"]["cluster_custom_configuration"] == {"script": "", "args": ""}
    assert service.warnings == []


def patiently(service: Service, *calls: Call) -> list[Call]:
    """The reads of READ_BACK_SECONDS, all with the same response."""
    return [call for _read in range(21) for call in calls]


def test_absent_with_an_empty_script(service: Service) -> None:
    """If a script that is omitted is kept."""
    empty = {"Script": "", "Args": ""}
    service.expects(get(), *reads(), *reads(), update(None), *patiently(service, *reads()), *reads(), update(empty), *reads(empty))
    assert ensure(service, state="absent")["request_id"] == "REQUEST-WRITE"


def test_a_script_that_cannot_be_removed(service: Service) -> None:
    empty = {"Script": "", "Args": ""}
    kept = patiently(service, *reads())
    service.expects(get(), *reads(), *reads(), update(None), *kept, *reads(), update(empty), *kept)
    error = fails(service, state="absent")
    message = f"E-HPC accepted the update, but cluster {CLUSTER} in cn-hangzhou has the script {OLD['Script']} -v."
    assert error.as_failure() == {**failure("NotStored", message, AGAIN, "", **WRITTEN), "script": script(OLD["Script"], "-v")}


# What would be reset


def test_all_settings_that_are_not_returned_or_cannot_be_sent_are_named(service: Service) -> None:
    service.expects(get(), listed(), get(ClusterName=None, MaxCount=""))
    message = "GetCluster does not return ClusterName, MaxCount, which UpdateCluster would reset."
    assert fails(service, **WANTED).as_failure() == failure("UnsafeUpdate", message)
    service.expects(get(), listed(), get(SchedulerSpec={"EnablePowerSaving": True, "EnableOther": 1}))
    message = "UpdateCluster does not accept EnablePowerSaving, EnableOther, which is set for the cluster, and may reset it."
    assert fails(service, **WANTED).as_failure() == failure("UnsafeUpdate", message)


@pytest.mark.parametrize(
    "name", ["ClusterName", "ClientVersion", "MaxCount", "MaxCoreCount", "GrowInterval", "IdleInterval", "EnableScaleOut", "DeleteProtection"]
)
@pytest.mark.parametrize("check_mode", [True, False])
def test_a_setting_that_is_not_returned_is_not_reset(service: Service, check_mode: bool, name: str) -> None:
    service.expects(get(), listed(), get(**{name: None}))
    error = fails(service, check_mode, **WANTED)
    assert (error.code, error.message) == ("UnsafeUpdate", f"GetCluster does not return {name}, which UpdateCluster would reset.")


@pytest.mark.parametrize("spec", ["MonitorSpec", "SchedulerSpec"])
@pytest.mark.parametrize("value", [True, "true", 5, {"a": 1}])
def test_a_setting_that_cannot_be_sent_is_not_reset(service: Service, spec: str, value: t.Any) -> None:
    service.expects(get(), listed(), get(**{spec: {**DETAILS[spec], "EnablePowerSaving": value}}))
    error = fails(service, **WANTED)
    assert error.message == "UpdateCluster does not accept EnablePowerSaving, which is set for the cluster, and may reset it."
    assert str(error).endswith("Nothing was changed. Set the script in the console.")


@pytest.mark.parametrize("value", [None, "", False, 0, "false", "False"])
def test_a_setting_that_is_off_need_not_be_sent(service: Service, value: t.Any) -> None:
    specs = {"SchedulerSpec": {"EnableTopologyAwareness": True, "EnablePowerSaving": value}}
    service.expects(get(), *reads(**specs), *reads(**specs), update(), *reads(NEW, **specs))
    assert ensure(service, **WANTED)["changed"]


def test_values_that_are_not_from_the_service(service: Service) -> None:
    answered: dict[str, t.Any] = {"http_status": 200, "request_id": "REQUEST"}
    for field, message in (("DeleteProtection", "DeleteProtection is not a boolean: 'maybe'."), ("MaxCount", "MaxCount is not a number: 'maybe'.")):
        service.expects(get(), listed(), get(**{field: "maybe", "RequestId": "REQUEST"}))
        expected = failure("InvalidAnswer", message, **answered)
        assert fails(service, **WANTED).as_failure() == {**expected, "msg": expected["msg"].replace(message, f"InvalidAnswer: {message}")}


def test_a_cluster_that_is_not_listed(service: Service) -> None:
    service.expects(get(), Call("ListClusters", **LIST, generation="next", answer={"Clusters": []}))
    message, hint = (
        f"E-HPC NEXT does not list cluster {CLUSTER}, so its description is not known.",
        "Check the cluster in the E-HPC console, then run the task again.",
    )
    assert fails(service, **WANTED).as_failure() == failure("InvalidAnswer", message, hint, "list the clusters", action="ListClusters")


def test_a_list_in_a_wrapper(service: Service) -> None:
    service.expects(Call("ListClusters", **LIST, generation="next", answer={"Clusters": {"Cluster": [LISTED]}}), get(RequestId="REQUEST"))
    assert _full_state.read(service.client(), CLUSTER) == {"listed": LISTED, "details": {**DETAILS, "RequestId": "REQUEST"}}


# Changes of other clients


COMPARE = "Compare settings_before and settings_after, and correct the settings in the console if needed. Then run the task again."


def test_fields_that_change_by_themselves_are_ignored(service: Service) -> None:
    moved = {"ClusterStatus": "initing", "ClusterModifyTime": "2026-01-02", "Manager": {"Scheduler": {"Type": "slurm22", "Status": "stopped"}}}
    nodes = {"Nodes": {"RunningCounts": 2}, "Users": {"NormalCounts": 1}, "ClusterUsedCoreTime": 0.5, "Addons": [{"Name": "Login", "Status": "running"}]}
    stopped = {**nodes, "Addons": [{"Name": "Login", "Status": "stopped"}]}
    service.expects(get(), listed(**stopped), get(), listed(**nodes), get(**moved), update(), listed(**nodes), get(**moved, ClusterCustomConfiguration=NEW))
    assert ensure(service, **WANTED)["changed"]


def test_changes_within_lists_are_found() -> None:
    before, after = ({"listed": {"Addons": [{"Name": name, "Status": name}]}, "details": {}} for name in ("Login", "Web"))
    assert _full_state.differences(before, after, with_script=True) == {"Addons": [[{"Name": "Login"}], [{"Name": "Web"}]]}
    assert _full_state.differences(before, before, with_script=True) == {}


@pytest.mark.parametrize(
    ("calls", "name"),
    [
        ([listed(), get(MaxCount="200")], "max_count"),
        ([listed(ClusterDescription="fourth-floor"), get()], "cluster_description"),
        ([listed(), get(ClusterCustomConfiguration={"Script": SIGNED})], "cluster_custom_configuration"),
        ([listed(), get(Unknown=1)], "unknown"),
    ],
)
def test_a_change_by_another_client_before_the_write_is_reported(service: Service, calls: list[Call], name: str) -> None:
    service.expects(get(), *reads(), *calls)
    error = fails(service, **WANTED)
    assert error.code == "SettingsChanged"
    assert f"Another client changed cluster {CLUSTER} in cn-hangzhou at the same time, so this task did not write its settings: {name} was " in error.message
    assert list(error.result["differences"]) == [name]
    assert error.action == "UpdateCluster"
    assert error.hint == COMPARE
    assert error.result["settings_before"].get(name) != error.result["settings_after"][name]
    failure = str(error.as_failure())
    assert "EXAMPLEsig" not in failure
    assert (SIGNED_SHOWN in failure) == (name == "cluster_custom_configuration")


def test_a_setting_that_is_different_afterwards_is_reported(service: Service) -> None:
    details = {**DETAILS, "ClusterCustomConfiguration": NEW, "IdleInterval": 6, "MaxCount": "200", "RequestId": "REQUEST"}
    read, after = get(RequestId="REQUEST"), [listed(), get(**details)]
    service.expects(read, listed(), read, listed(), read, update(), *patiently(service, *after))
    message = f"The update of the script was accepted, but other settings of cluster {CLUSTER} in cn-hangzhou have changed: "
    message += "idle_interval was 4 and is 6; max_count was 100 and is 200."
    assert fails(service, **WANTED).as_failure() == {
        **failure("SettingsChanged", message, COMPARE, "", action="UpdateCluster"),
        "differences": {"idle_interval": [4, 6], "max_count": ["100", "200"]},
        "settings_before": _full_state.shown({**LISTED, **DETAILS, "RequestId": "REQUEST"}),
        "settings_after": _full_state.shown({**LISTED, **details}),
    }


def test_slow_settings_are_awaited(service: Service) -> None:
    service.expects(get(), *reads(), *reads(), update(), *reads(), *reads(NEW))
    assert ensure(service, **WANTED)["changed"]
    assert service.clock.sleeps == [0.5]


def test_another_script_than_the_one_that_was_written(service: Service) -> None:
    service.expects(get(), *reads(), *reads(), update(), *patiently(service, *reads({"Script": SIGNED})))
    message = f"E-HPC accepted the update, but cluster {CLUSTER} in cn-hangzhou has the script {SIGNED_SHOWN}."
    error = fails(service, **WANTED)
    assert (error.message, error.result) == (message, {"script": script(SIGNED_SHOWN)})
    service.expects(get(), *reads(), *reads(), update(), *patiently(service, *reads({})))
    message = f"E-HPC accepted the update, but cluster {CLUSTER} in cn-hangzhou has no script."
    assert fails(service, **WANTED).as_failure() == {**failure("NotStored", message, AGAIN, "", **WRITTEN), "script": None}


# Lost responses, and failures


LOST = {"error": requests.exceptions.ConnectionError("Connection aborted.")}


def test_a_lost_response_of_a_write_that_arrived(service: Service) -> None:
    service.expects(get(), *reads(), *reads(), update(how=LOST), get(ClusterCustomConfiguration=NEW), *reads(NEW))
    assert ensure(service, **WANTED)["request_id"] is None


def test_a_lost_request_is_retried_with_the_current_state(service: Service) -> None:
    service.expects(get(), *reads(), *reads(), update(how=LOST), get(), *reads(), update(), *reads(NEW))
    assert ensure(service, **WANTED)["request_id"] == "REQUEST-WRITE"
    service.expects(get(), *reads(), *reads(), update(how=LOST), get(), listed(), get(MaxCount="200"))
    assert fails(service, **WANTED).code == "SettingsChanged"


def test_a_refused_update(service: Service) -> None:
    service.expects(get(), *reads(), *reads(), update(how={"code": "InvalidClusterStatus"}))
    assert fails(service, **WANTED).code == "InvalidClusterStatus"
    service.expects(get(), *reads(), *reads(), update(how={"answer": {"Success": False}}))
    error = fails(service, **WANTED)
    assert error.action == "UpdateCluster"
    assert str(error).startswith(f"Cannot set the script of cluster {CLUSTER} in cn-hangzhou: ")


def test_a_cluster_of_the_other_generation(service: Service) -> None:
    service.expects(get(EhpcVersion="1.0.0"))
    error = fails(service, **WANTED)
    assert error.code == "WrongGeneration"
    assert "It is an E-HPC 1.0 cluster. " in str(error)
    service.expects(get(EhpcVersion=None, ClusterCustomConfiguration=NEW))
    assert not ensure(service, **WANTED)["changed"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "url is required when state is present. Set state to absent to remove the script."),
        ({"url": ""}, "url is empty."),
        ({"url": "a b"}, "url contains whitespace or control characters: a b."),
        ({"url": BASE, "args": {"a": 1}}, "args must be a string or a list of strings, not dict."),
        ({"url": SIGNED_SHOWN}, "url contains ***, which stands for a secret in results: " + SIGNED_SHOWN + "."),
    ],
)
def test_options_that_are_refused(service: Service, options: dict[str, t.Any], message: str) -> None:
    error = fails(service, **options)
    assert error.code == "InvalidOptions"
    assert str(error).startswith(f"Cannot set the script of cluster {CLUSTER} in cn-hangzhou: {message}")


def test_pre_signed_urls_are_stored_with_a_warning_and_never_shown(service: Service) -> None:
    service.expects(get(), *reads(), *reads(), update({"Script": SIGNED}), *reads({"Script": SIGNED}))
    result = ensure(service, url=SIGNED)
    assert "EXAMPLEsig" not in str(result)
    assert result["script"] == script(SIGNED_SHOWN)
    assert len(service.warnings) == 1
