# Copyright (c) 2026, the alicloud.ehpc contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""_module: a module as a process of its own, from its options to the JSON that it writes."""

from __future__ import annotations

import json
import typing as t

import pytest
from ansible.module_utils import basic
from ansible.module_utils.common.parameters import PASS_VARS
from ansible_collections.alicloud.ehpc.plugins.module_utils import _backup, _client, _http, _module
from ansible_collections.alicloud.ehpc.plugins.module_utils._arguments import SHARED_SPEC
from ansible_collections.alicloud.ehpc.plugins.module_utils._errors import EhpcError
from ansible_collections.alicloud.ehpc.plugins.modules import cluster_info, post_scripts, post_scripts_info, post_scripts_run, region_info, user_info, user_sync
from ansible_collections.alicloud.ehpc.tests.support import documents
from ansible_collections.alicloud.ehpc.tests.support.scripted import ACCESS_KEY, SECRET_KEY, SHARED_OPTIONS, Call, Invocation, Service
from ansible_collections.alicloud.ehpc.tests.support.wording import is_sentence
from ansible_collections.alicloud.ehpc.tests.support.words import get_cluster

CLUSTER = "ehpc-hz-EXAMPLE"
SIGNED = "https://bucket.oss-cn-hangzhou.aliyuncs.com/base.sh?Expires=1893456000&OSSAccessKeyId=EXAMPLEid&Signature=EXAMPLEsig%3D"
SHOWN = "https://bucket.oss-cn-hangzhou.aliyuncs.com/base.sh?Expires=1893456000&OSSAccessKeyId=***&Signature=***"
MODULES = [documents.module(name) for name in documents.MODULES]
KEYS = {"action", "code", "message", "http_status", "request_id", "hint"}


class Process:
    """Runs modules as Ansible does, but in this process."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], service: Service) -> None:
        self._monkeypatch = monkeypatch
        self._capsys = capsys
        self.logged: list[str] = []
        self.warned: list[str] = []
        connect = _client.client_for
        monkeypatch.setattr(_client, "client_for", lambda *arguments: service.connect(connect(*arguments)))
        # Their destination depends on what else of Ansible this process has imported.
        monkeypatch.setattr(basic.AnsibleModule, "warn", lambda _module, warning: self.warned.append(warning))
        monkeypatch.setattr(basic.AnsibleModule, "log", lambda _module, message, **_arguments: self.logged.append(message))

    def __call__(self, module: t.Any, code: int = 0, /, **options: t.Any) -> dict[str, t.Any]:
        """The result that a module writes; `code` is the exit status to expect."""
        # Since ansible-core 2.21, results contain the options only if this is set.
        shown = {"_ansible_inject_invocation": True} if "inject_invocation" in PASS_VARS else {}
        args = json.dumps({"ANSIBLE_MODULE_ARGS": {**SHARED_OPTIONS, **shown, **options}}).encode()
        self._monkeypatch.setattr(basic, "_ANSIBLE_ARGS", args)
        # Since ansible-core 2.19 options come in one of several dialects of JSON.
        self._monkeypatch.setattr(basic, "_ANSIBLE_PROFILE", "legacy", raising=False)
        with pytest.raises(SystemExit) as ended:
            module.main()
        assert ended.value.code == code
        result = t.cast("dict[str, t.Any]", json.loads(self._capsys.readouterr().out))
        # Secrets for ansible-core to mask, since 2.22. It removes them from the result.
        result.pop("_ansible_new_secrets", None)
        return result


@pytest.fixture
def process(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], service: Service) -> Process:
    return Process(monkeypatch, capsys, service)


def stored(*scripts: tuple[str, str]) -> Call:
    entries = [{"Url": url, "Args": args} for url, args in scripts]
    return Call("GetPostScripts", ClusterId=CLUSTER, answer={"PostInstallScripts": {"PostInstallScriptInfo": entries}})


def test_result(process: Process, service: Service) -> None:
    service.expects(stored((SIGNED, "-v")))
    result = process(post_scripts, cluster_id=CLUSTER, scripts=[{"url": SIGNED, "args": "-v"}])
    assert (result["changed"], result["post_scripts"]) == (False, [{"url": SHOWN, "args": "-v"}])
    options = result["invocation"]["module_args"]
    assert options["cluster_id"] == CLUSTER
    assert options["scripts"] == [{"url": SHOWN, "args": "-v", "checksum": None, "preflight": None}]
    assert options["secret_key"] == "VALUE_SPECIFIED_IN_NO_LOG_PARAMETER"
    assert "failed" not in result


def test_check_mode(process: Process, service: Service) -> None:
    service.expects(stored())
    assert process(post_scripts, cluster_id=CLUSTER, scripts=[{"url": "/a.sh"}], _ansible_check_mode=True)["changed"] is True


def test_failure(process: Process, service: Service) -> None:
    service.expects(Call("GetPostScripts", ClusterId=CLUSTER, code="ClusterNotFound"), get_cluster(code="ClusterNotFound"))
    result = process(post_scripts, 1, cluster_id=CLUSTER, scripts=[{"url": SIGNED}])
    assert result["failed"] is True
    assert result["msg"].startswith(f"Cannot read the post scripts of cluster {CLUSTER} in cn-hangzhou: ClusterNotFound: ")
    assert result["error"]["code"] == "ClusterNotFound"
    assert result["invocation"]["module_args"]["scripts"] == [{"url": SHOWN, "args": None, "checksum": None, "preflight": None}]


@pytest.mark.parametrize(
    ("module", "options", "msg"),
    [
        (post_scripts, {}, f"Cannot set the post scripts of cluster {CLUSTER} in cn-hangzhou: scripts is required when state is present."),
        (post_scripts_run, {"batch": -1}, f"Cannot run a command on the nodes of cluster {CLUSTER} in cn-hangzhou: The option batch "),
        (user_sync, {"wait_timeout": 0}, f"Cannot synchronize the users of cluster {CLUSTER} in cn-hangzhou: wait_timeout must be "),
        (user_info, {"cluster_id": "a b"}, "cluster_id 'a b' contains "),
        (post_scripts_info, {"cluster_id": " "}, "cluster_id is empty."),
        (cluster_info, {"cluster_ids": [" "]}, "cluster_id is empty."),
    ],
)
def test_a_failure_before_any_call_names_the_cluster(process: Process, module: t.Any, options: dict[str, t.Any], msg: str) -> None:
    needed = {"cluster_id": CLUSTER} if "cluster_id" in module.ARGUMENT_SPEC else {}
    result = process(module, 1, **{**needed, **options})
    assert result["msg"].startswith(msg)
    assert result["error"]["action"] is None


@pytest.mark.parametrize("module", MODULES)
def test_option_that_a_module_does_not_have(process: Process, module: t.Any) -> None:
    values = {"str": CLUSTER, "list": []}
    needed = {name: values[option["type"]] for name, option in module.ARGUMENT_SPEC.items() if option.get("required")}
    result = process(module, 1, colour="red", **needed)
    assert result["failed"] is True
    assert "colour" in result["msg"]
    assert result["error"] == {**dict.fromkeys(KEYS), "code": "InvalidOptions", "message": result["msg"]}


def test_options_that_exclude_each_other(process: Process) -> None:
    assert "mutually exclusive" in process(cluster_info, 1, cluster_ids=[CLUSTER], names=["*"])["msg"]


def test_secrets_of_options_that_ansible_refuses(process: Process) -> None:
    """Ansible does not determine the secret options if a suboption has a wrong type."""
    result = process(post_scripts, 1, cluster_id=CLUSTER, scripts=[SIGNED], security_token="EXAMPLE-token", state=f"{SECRET_KEY} EXAMPLE-token {SIGNED}")
    assert result["failed"] is True
    for secret in (SECRET_KEY, "EXAMPLE-token", "EXAMPLEsig"):
        assert secret not in json.dumps(result)


def test_invalid_choice_without_its_signature(process: Process) -> None:
    result = process(post_scripts, 1, cluster_id=CLUSTER, scripts=[], state=SIGNED)
    assert SHOWN in result["msg"]
    assert result["invocation"]["module_args"]["state"] == SHOWN


def test_a_secret_in_another_option(process: Process) -> None:
    """ansible-core leaves it in the result since 2.22."""
    result = process(post_scripts, 1, cluster_id=f"a {SECRET_KEY}", scripts=[], state=SECRET_KEY, security_token="EXAMPLE/token")
    assert result["invocation"]["module_args"]["cluster_id"] == "a ***"
    assert SECRET_KEY not in json.dumps(result)


@pytest.mark.parametrize("name", ["secret_key", "secret_access_key", "access_key_secret", "alicloud_secret_key"])
def test_secret_options_are_not_shown(name: str) -> None:
    shown = _module.presentable(
        {"changed": True, "echo": ["EXAMPLE+secret", {"in": "EXAMPLE%2Bsecret!"}]}, SHARED_SPEC, {name: "EXAMPLE+secret", "region": "r"}
    )
    options = {name: "VALUE_SPECIFIED_IN_NO_LOG_PARAMETER", "region": "r"}
    assert shown == {"changed": True, "echo": ["***", {"in": "***!"}], "invocation": {"module_args": options}}


def test_omitted_options_are_shown_as_such() -> None:
    params = {"secret_key": None, "security_token": "", "scripts": [{"url": SIGNED}]}
    assert _module.presentable({}, {**SHARED_SPEC, "scripts": {}}, params) == {"invocation": {"module_args": {**params, "scripts": [{"url": SHOWN}]}}}


def test_options_are_not_logged(process: Process, service: Service) -> None:
    service.expects(stored())
    process(post_scripts_info, cluster_id=CLUSTER)
    assert process.logged == []


def test_warning(process: Process, service: Service) -> None:
    service.expects(stored())
    process(post_scripts_info, cluster_id=CLUSTER, validate_certs=False)
    (warning,) = process.warned
    assert "the certificate of the endpoint is not verified" in warning


def test_fallback_region(process: Process, service: Service) -> None:
    service.expects(Call("ListRegions", answer={}))
    assert process(region_info, region="")["regions"] == []
    assert "No region is given" in process(user_info, 1, region="", cluster_id=CLUSTER)["msg"]


def test_missing_library(process: Process, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_http, "MISSING_LIBRARY", "Traceback: No module named requests")
    told: list[t.Any] = []
    fail = _module.EhpcModule.fail_json

    def fail_json(module: _module.EhpcModule, msg: str, **more: t.Any) -> None:
        told.append(more)
        fail(module, msg, **more)

    monkeypatch.setattr(_module.EhpcModule, "fail_json", fail_json)
    result = process(region_info, 1)
    assert result["failed"] is True
    assert "aliyun-python-sdk-core and requests" in result["msg"]
    assert set(result["error"]) == KEYS
    assert (result["error"]["code"], result["error"]["message"]) == ("MissingLibrary", result["msg"])
    # Whether the result contains the traceback depends on the release of ansible-core.
    assert told == [{"exception": "Traceback: No module named requests", "error": result["error"]}]


# The backup, which the controller writes


BACKUP = {"cluster_id": CLUSTER, "region": "cn-hangzhou", "scripts": [{"url": SIGNED, "args": "-v"}]}


def test_a_process_without_a_backup_ends_with_the_list(process: Process, service: Service) -> None:
    service.expects(stored((SIGNED, "-v")))
    result = process(post_scripts, 1, cluster_id=CLUSTER, state="absent", backup=True, backup_options={"filename": "a.yml"}, _ehpc_backup={"key": "key 1"})
    assert result["error"]["code"] == "BackupFailed"
    assert _backup.unseal(result[_backup.SEALED], "key 1") == BACKUP
    assert "EXAMPLEsig" not in str(result)


def test_a_process_with_a_backup_changes_the_list(process: Process, service: Service) -> None:
    service.expects(stored((SIGNED, "-v")), Call("SetPostScripts", ClusterId=CLUSTER), stored())
    handed = {"path": "/backup.yml", "digest": _backup.digest(BACKUP)}
    result = process(post_scripts, cluster_id=CLUSTER, state="absent", backup=True, _ehpc_backup=handed)
    assert (result["changed"], result["backup_path"]) == (True, "/backup.yml")


# Failures of every kind


def test_options_that_ansible_refuses() -> None:
    error = {**dict.fromkeys(KEYS), "code": "InvalidOptions", "message": f"No {SHOWN}"}
    assert _module.refused(f"No {SIGNED}") == {"failed": True, "msg": f"No {SHOWN}", "error": error}


def test_an_unexpected_failure_is_a_sentence() -> None:
    def function(_invocation: t.Any, _client: t.Any) -> dict[str, t.Any]:
        raise ValueError("It is on host X.")

    assert _module.run_safely(definition(function), invocation())["error"]["message"] == "The module failed unexpectedly: ValueError: It is on host X."


def definition(function: t.Any, **options: t.Any) -> _module.ModuleDefinition:
    return _module.ModuleDefinition(function, {}, **options)


def invocation(**options: t.Any) -> Invocation:
    return Invocation({**dict.fromkeys(SHARED_SPEC), **SHARED_OPTIONS, **options})


@pytest.mark.parametrize("error", [ValueError, SystemExit, KeyError])
def test_unexpected_failure(error: type[BaseException]) -> None:
    def function(_invocation: t.Any, _client: t.Any) -> dict[str, t.Any]:
        raise error(f"GET {SIGNED}")

    result = _module.run_safely(definition(function), invocation())
    assert set(result) == {"failed", "msg", "error", "exception"}
    assert set(result["error"]) == KEYS
    assert result["error"]["code"] == "UnexpectedError"
    assert SHOWN in result["error"]["message"]
    assert result["failed"] is True
    assert result["msg"].startswith(f"The module failed unexpectedly: {error.__name__}: ")
    assert SHOWN in result["msg"]
    assert result["exception"].startswith("Traceback")
    assert SHOWN in result["exception"]
    assert "EXAMPLEsig" not in str(result)


def test_expected_failure() -> None:
    def function(_invocation: t.Any, _client: t.Any) -> dict[str, t.Any]:
        raise EhpcError("Gone", "It is gone.")

    result = _module.run_safely(definition(function), invocation())
    assert (result["failed"], result["msg"], result["error"]["code"]) == (True, "It is gone.", "Gone")


def test_calls_share_a_client() -> None:
    clients: _client.Clients = {}
    seen: list[t.Any] = []

    def function(given: t.Any, client: t.Any) -> dict[str, t.Any]:
        seen.append((given, client))
        return {"changed": False}

    asked = [invocation(), invocation()]
    assert [_module.run_safely(definition(function), one, clients) for one in asked] == [{"changed": False}] * 2
    assert [given for given, _client in seen] == asked
    assert seen[0][1] is seen[1][1] is next(iter(clients.values()))


@pytest.mark.parametrize("verified", [True, False])
def test_warning_of_certificates(verified: bool) -> None:
    asked = invocation(validate_certs=verified)
    assert _module.run_safely(definition(lambda _given, _client: {"changed": False}), asked) == {"changed": False}
    assert [is_sentence(warning) for warning in asked.warnings] == ([] if verified else [True])


@pytest.mark.parametrize("name", ["secret_key", "secret_access_key", "access_key_secret", "alicloud_secret_key"])
def test_secret_values(name: str) -> None:
    given = {name: SECRET_KEY, "security_token": 12345, "access_key": ACCESS_KEY, "region": "cn-hangzhou"}
    assert _module.secret_values(SHARED_SPEC, given) == {SECRET_KEY, "12345"}


def test_secrets_of_suboptions() -> None:
    spec = {"users": {"options": {"name": {}, "password": {"no_log": True}}}, "region": {}}
    params = {"users": [{"name": "hpcuser01", "password": "EXAMPLE-password"}, {"name": "hpcuser02", "password": None}, "no user"], "region": "cn-hangzhou"}
    assert _module.secret_values(spec, params) == {"EXAMPLE-password"}
    shown = _module.presentable({"msg": "not EXAMPLE-password"}, spec, params)
    assert shown["msg"] == "not ***"
    users = [{"name": "hpcuser01", "password": _module.SECRET_OPTION}, {"name": "hpcuser02", "password": None}, "no user"]
    assert shown["invocation"] == {"module_args": {"users": users, "region": "cn-hangzhou"}}
    assert _module.secret_values(spec, {"users": "no list"}) == set()


def test_a_password_where_no_option_takes_one() -> None:
    spec = {"clusters": {"options": {"users": {"elements": "raw"}}}}
    users = ["hpcuser01", {"name": "hpcuser02", "uid": 7}, {"name": "hpcuser03", "password": "EXAMPLE-password"}, {"password": None}]
    shown = [*users[:2], {"name": "hpcuser03", "password": _module.SECRET_OPTION}, users[3]]
    found = _module.presentable({}, spec, {"clusters": [{"users": users}, {"users": None}]})
    assert found == {"invocation": {"module_args": {"clusters": [{"users": shown}, {"users": None}]}}}


def test_a_misspelt_option_may_be_a_secret() -> None:
    spec: dict[str, dict[str, t.Any]] = {
        "users": {"options": {"name": {}, "password": {"no_log": True}}},
        "scripts": {"options": {"url": {}}},
        "region": {"aliases": ["region_id"]},
    }
    params = {"users": [{"name": "hpcuser01", "pass": "EXAMPLE-password"}], "scripts": [{"uri": "oss://bucket"}], "region_id": "cn-hangzhou"}
    users = [{"name": "hpcuser01", "pass": _module.SECRET_OPTION}]
    assert _module.presentable({}, spec, params) == {"invocation": {"module_args": {**params, "users": users}}}
    given = {"secret_kye": SECRET_KEY, "alicloud_region": "cn-hangzhou"}
    assert _module.presentable({}, SHARED_SPEC, given) == {"invocation": {"module_args": {**given, "secret_kye": _module.SECRET_OPTION}}}


def test_secret_values_of_an_option_without_other_names() -> None:
    assert _module.secret_values({"token": {"no_log": True}, "region": {}}, {"token": "EXAMPLE-token", "region": "cn-hangzhou"}) == {"EXAMPLE-token"}


def test_blank_values_are_not_secrets() -> None:
    assert _module.secret_values(SHARED_SPEC, {"secret_key": "", "security_token": None}) == set()
