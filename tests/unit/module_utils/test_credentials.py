# Copyright (c) 2026, the alicloud.ehpc contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""_credentials: the identity that signs, selected from all sources."""

from __future__ import annotations

import importlib
import io
import json
import logging
import re
import threading
import time
import types
import typing as t
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import pytest
from ansible_collections.alicloud.ehpc.plugins.module_utils import _credentials
from ansible_collections.alicloud.ehpc.plugins.module_utils._arguments import resolve
from ansible_collections.alicloud.ehpc.plugins.module_utils._credentials import Credentials, Keys
from ansible_collections.alicloud.ehpc.plugins.module_utils._errors import EhpcError

KEY, SECRET, TOKEN = "ALIBABA_CLOUD_ACCESS_KEY_ID", "ALIBABA_CLOUD_ACCESS_KEY_SECRET", "ALIBABA_CLOUD_SECURITY_TOKEN"
PROFILES = {
    "current": "main",
    "profiles": [
        {"name": "main", "mode": "AK", "access_key_id": "EXAMPLEmain", "access_key_secret": "EXAMPLE-main-secret", "region_id": "cn-hangzhou"},
        {"name": "temporary", "mode": "StsToken", "access_key_id": "STS.EXAMPLE", "access_key_secret": "EXAMPLE-sts-secret", "sts_token": "EXAMPLE-sts-token"},
        {"name": "shanghai", "mode": "AK", "access_key_id": "EXAMPLEsh", "access_key_secret": "EXAMPLE-sh-secret", "region_id": "cn-shanghai"},
        {"name": "broken", "mode": "AK", "access_key_id": "EXAMPLEbroken", "access_key_secret": "", "region_id": ""},
    ],
}
ROLE = "acs:ram::123456789012:role/example"


def credentials(params: dict[str, t.Any]) -> Credentials:
    return _credentials.credentials(resolve(params))


def region_of(params: dict[str, t.Any]) -> str | None:
    return _credentials.region_of(resolve(params))


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> t.Callable[..., None]:
    def set_all(**variables: str) -> None:
        for name, value in variables.items():
            monkeypatch.setenv(name, value)

    return set_all


@pytest.fixture
def profiles(tmp_path: Path) -> str:
    path = tmp_path / "config.json"
    path.write_text(json.dumps(PROFILES))
    return str(path)


# Static keys


def test_pair_of_options() -> None:
    assert credentials({"access_key": "EXAMPLEid", "secret_key": "EXAMPLE-secret"}).keys(60) == ("EXAMPLEid", "EXAMPLE-secret", None)


def test_temporary_keys_of_options() -> None:
    given = {"access_key": "EXAMPLEid", "secret_key": "EXAMPLE-secret", "security_token": "EXAMPLE-token"}
    assert credentials(given).keys(60) == ("EXAMPLEid", "EXAMPLE-secret", "EXAMPLE-token")


def test_keys_of_the_environment(environment: t.Callable[..., None]) -> None:
    environment(ALICLOUD_ACCESS_KEY="EXAMPLEid", ALICLOUD_SECRET_KEY="EXAMPLE-secret", ALICLOUD_SECURITY_TOKEN="EXAMPLE-token")
    assert credentials({"access_key": "", "secret_key": "", "profile": ""}).keys(60) == ("EXAMPLEid", "EXAMPLE-secret", "EXAMPLE-token")


def test_options_before_the_environment(environment: t.Callable[..., None]) -> None:
    environment(**{KEY: "EXAMPLEother", SECRET: "EXAMPLE-other-secret"})
    assert credentials({"access_key": "EXAMPLEid", "secret_key": "EXAMPLE-secret"}).keys(60) == ("EXAMPLEid", "EXAMPLE-secret", None)


@pytest.mark.parametrize(
    ("given", "variables"),
    [({"access_key": "EXAMPLEid"}, {SECRET: "EXAMPLE-secret"}), ({"secret_key": "EXAMPLE-secret"}, {KEY: "EXAMPLEid"})],
    ids=["secret of the environment", "key of the environment"],
)
def test_a_pair_from_an_option_and_a_variable(given: dict[str, str], variables: dict[str, str], environment: t.Callable[..., None]) -> None:
    environment(**variables)
    assert credentials(given).keys(60) == ("EXAMPLEid", "EXAMPLE-secret", None)


@pytest.mark.parametrize(
    ("given", "variables", "missing"),
    [
        ({"access_key": "EXAMPLEid"}, {}, "secret_key"),
        ({"access_key": "EXAMPLEid", "secret_key": ""}, {SECRET: ""}, "secret_key"),
        ({"secret_key": "EXAMPLE-secret"}, {}, "access_key"),
        ({}, {KEY: "EXAMPLEid"}, "secret_key"),
        ({}, {SECRET: "EXAMPLE-secret"}, "access_key"),
    ],
)
def test_half_a_pair(given: dict[str, str], variables: dict[str, str], missing: str, environment: t.Callable[..., None]) -> None:
    environment(**variables)
    with pytest.raises(EhpcError) as caught:
        credentials(given)
    assert f"Set {missing}" in str(caught.value)
    assert caught.value.code == "InvalidOptions"
    assert "EXAMPLE" not in str(caught.value)


# The token belongs to one key


@pytest.mark.parametrize(
    ("given", "variables", "token"),
    [
        ({}, {KEY: "EXAMPLEid", SECRET: "EXAMPLE-secret", TOKEN: "EXAMPLE-token"}, "EXAMPLE-token"),
        ({"access_key": "EXAMPLEid"}, {KEY: "EXAMPLEid", SECRET: "EXAMPLE-secret", TOKEN: "EXAMPLE-token"}, "EXAMPLE-token"),
        ({"access_key": "EXAMPLEid", "secret_key": "EXAMPLE-secret"}, {TOKEN: "EXAMPLE-token"}, "EXAMPLE-token"),
        ({"access_key": "EXAMPLEnew", "secret_key": "EXAMPLE-secret"}, {KEY: "EXAMPLEid", TOKEN: "EXAMPLE-token"}, None),
        ({"access_key": "EXAMPLEnew", "secret_key": "EXAMPLE-secret", "security_token": ""}, {KEY: "EXAMPLEid", TOKEN: "EXAMPLE-token"}, None),
        (
            {"access_key": "EXAMPLEnew", "secret_key": "EXAMPLE-secret", "security_token": "EXAMPLE-own"},
            {KEY: "EXAMPLEid", TOKEN: "EXAMPLE-token"},
            "EXAMPLE-own",
        ),
        ({"security_token": "EXAMPLE-own"}, {KEY: "EXAMPLEid", SECRET: "EXAMPLE-secret", TOKEN: "EXAMPLE-token"}, "EXAMPLE-own"),
    ],
    ids=["environment", "same key", "no other key", "another key", "another key and a blank token", "own token", "token for the environment's key"],
)
def test_token(given: dict[str, str], variables: dict[str, str], token: str | None, environment: t.Callable[..., None]) -> None:
    environment(**variables)
    assert credentials(given).keys(60).security_token == token


# The selected source


@pytest.fixture
def sources(monkeypatch: pytest.MonkeyPatch) -> None:
    """Replace each source other than static keys by one that returns its name."""

    def named(name: str) -> t.Callable[..., Credentials]:
        return lambda *_arguments: Credentials((name,), lambda _seconds: Keys(name, "EXAMPLE-secret"))

    for function, name in (("_profile", "profile"), ("_ecs_role", "ecs role"), ("_default_chain", "default chain")):
        monkeypatch.setattr(_credentials, function, named(name))


@pytest.mark.parametrize(
    ("given", "variables", "source"),
    [
        ({"access_key": "keys", "secret_key": "s", "profile": "main", "ecs_role_name": "role"}, {}, "keys"),
        ({"profile": "main", "ecs_role_name": "role"}, {KEY: "other", SECRET: "s"}, "profile"),
        ({"shared_credentials_file": "/x"}, {KEY: "other", SECRET: "s"}, "profile"),
        ({"ecs_role_name": "role"}, {KEY: "other", SECRET: "s", "ALICLOUD_PROFILE": "main"}, "ecs role"),
        ({}, {KEY: "keys", SECRET: "s", "ALICLOUD_PROFILE": "main", "ALICLOUD_ECS_ROLE_NAME": "role"}, "keys"),
        ({}, {"ALIBABA_CLOUD_PROFILE": "main", "ALICLOUD_ECS_ROLE_NAME": "role"}, "profile"),
        ({}, {"ALICLOUD_SHARED_CREDENTIALS_FILE": "/x", "ALICLOUD_ECS_ROLE_NAME": "role"}, "profile"),
        ({}, {"ALIBABA_CLOUD_ECS_METADATA": "role"}, "ecs role"),
        ({}, {}, "default chain"),
        ({"access_key": "", "profile": "", "ecs_role_name": "", "shared_credentials_file": ""}, {KEY: "", "ALICLOUD_PROFILE": ""}, "default chain"),
        ({}, {"ALIBABA_CLOUD_ROLE_ARN": ROLE}, "default chain"),
    ],
)
@pytest.mark.usefixtures("sources")
def test_source(given: dict[str, str], variables: dict[str, str], source: str, environment: t.Callable[..., None]) -> None:
    environment(**variables)
    assert credentials(given).keys(60).access_key == source


def test_variables_of_the_sdk_are_ignored(environment: t.Callable[..., None]) -> None:
    environment(ALIYUN_ACCESS_KEY_ID="EXAMPLEother", ALIYUN_ACCESS_KEY_SECRET="EXAMPLE-other")
    assert credentials({"access_key": "EXAMPLEid", "secret_key": "EXAMPLE-secret"}).keys(60).access_key == "EXAMPLEid"


# Assumed roles


@pytest.fixture
def provider(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, t.Any]]:
    """The provider of assumed roles, replaced by one that records its arguments."""
    made: list[dict[str, t.Any]] = []

    class Found:
        def get_access_key_id(self) -> str:
            return "STS.EXAMPLE"

        def get_access_key_secret(self) -> str:
            return "EXAMPLE-sts-secret"

        def get_security_token(self) -> str:
            return "EXAMPLE-sts-token"

    class RamRole:
        def __init__(self, **options: t.Any) -> None:
            made.append(options)

        def get_credentials(self) -> Found:
            return Found()

    monkeypatch.setattr(_credentials, "_providers", lambda _source: types.SimpleNamespace(RamRoleArnCredentialsProvider=RamRole))
    return made


@pytest.mark.parametrize(
    ("given", "variables", "session"),
    [
        ({"assume_role_arn": ROLE}, {}, "ansible-ehpc"),
        ({"assume_role_arn": ROLE, "assume_role_session_name": "mine"}, {"ALIBABA_CLOUD_ROLE_SESSION_NAME": "other"}, "mine"),
        ({}, {"ALIBABA_CLOUD_ROLE_ARN": ROLE, "ALIBABA_CLOUD_ROLE_SESSION_NAME": "mine"}, "mine"),
        ({}, {"ALICLOUD_ASSUME_ROLE_ARN": ROLE, "ALICLOUD_ASSUME_ROLE_SESSION_NAME": "mine"}, "mine"),
    ],
)
def test_assumed_role(
    given: dict[str, str], variables: dict[str, str], session: str, environment: t.Callable[..., None], provider: list[dict[str, t.Any]]
) -> None:
    environment(**variables)
    found = credentials({"access_key": "EXAMPLEid", "secret_key": "EXAMPLE-secret", "security_token": "EXAMPLE-token", **given})
    assert provider == []
    assert found.keys(60) == found.keys(60) == ("STS.EXAMPLE", "EXAMPLE-sts-secret", "EXAMPLE-sts-token")
    assert provider == [
        {
            "access_key_id": "EXAMPLEid",
            "access_key_secret": "EXAMPLE-secret",
            "security_token": "EXAMPLE-token",
            "role_arn": ROLE,
            "role_session_name": session,
        }
    ]


@pytest.mark.parametrize(
    ("given", "variables", "assumed"),
    [
        ({"assume_role_arn": ROLE}, {}, True),
        ({}, {"ALICLOUD_ASSUME_ROLE_ARN": ROLE}, True),
        ({}, {"ALIBABA_CLOUD_ROLE_ARN": ROLE}, False),
    ],
    ids=["option", "variable of the collection", "variable of OIDC"],
)
@pytest.mark.usefixtures("sources", "provider")
def test_role_without_keys(given: dict[str, str], variables: dict[str, str], assumed: bool, environment: t.Callable[..., None]) -> None:
    environment(**variables)
    assert credentials(given).keys(60).access_key == ("STS.EXAMPLE" if assumed else "default chain")


# Profiles of the Alibaba Cloud CLI, with the real package


@pytest.mark.parametrize(
    ("name", "keys"),
    [
        ("main", ("EXAMPLEmain", "EXAMPLE-main-secret", None)),
        ("temporary", ("STS.EXAMPLE", "EXAMPLE-sts-secret", "EXAMPLE-sts-token")),
        (None, ("EXAMPLEmain", "EXAMPLE-main-secret", None)),
    ],
)
def test_profile(name: str | None, keys: tuple[str, ...], profiles: str) -> None:
    assert credentials({"profile": name, "shared_credentials_file": profiles}).keys(60) == keys


def test_profile_of_the_environment(profiles: str, environment: t.Callable[..., None]) -> None:
    environment(ALIBABA_CLOUD_PROFILE="shanghai", ALICLOUD_SHARED_CREDENTIALS_FILE=profiles)
    assert credentials({}).keys(60).access_key == "EXAMPLEsh"


def test_profile_of_the_default_file(tmp_path: Path, environment: t.Callable[..., None]) -> None:
    (tmp_path / ".aliyun").mkdir()
    (tmp_path / ".aliyun" / "config.json").write_text(json.dumps(PROFILES))
    environment(HOME=str(tmp_path))
    assert credentials({"profile": "shanghai"}).keys(60).access_key == "EXAMPLEsh"


def test_missing_profile(profiles: str) -> None:
    with pytest.raises(EhpcError) as caught:
        credentials({"profile": "absent", "shared_credentials_file": profiles})
    assert str(caught.value) == f"There is no profile absent in {profiles}. The file has: broken, main, shanghai, temporary."


def test_profile_without_a_file(tmp_path: Path) -> None:
    with pytest.raises(EhpcError, match="does not exist") as caught:
        credentials({"profile": "main", "shared_credentials_file": str(tmp_path / "config.json")})
    assert str(tmp_path / "config.json") in str(caught.value)


def test_profile_without_keys(profiles: str) -> None:
    with pytest.raises(EhpcError, match="No credentials from the profile") as caught:
        credentials({"profile": "broken", "shared_credentials_file": profiles}).keys(60)
    assert caught.value.code == "CredentialsNotFound"


LACKING = {
    "key": {"mode": "AK", "access_key_secret": "EXAMPLE-secret"},
    "secret": {"mode": "AK", "access_key_id": "EXAMPLEid"},
    "token": {"mode": "StsToken", "access_key_id": "STS.EXAMPLE", "access_key_secret": "EXAMPLE-secret"},
}


@pytest.mark.parametrize("profile", LACKING.values(), ids=LACKING)
def test_missing_keys_of_a_profile_are_not_taken_from_another_identity(profile: dict[str, str], tmp_path: Path, environment: t.Callable[..., None]) -> None:
    path = tmp_path / "config.json"
    path.write_text(json.dumps({"profiles": [{"name": "main", **profile}]}))
    environment(**{KEY: "EXAMPLEother", SECRET: "EXAMPLE-other-secret", TOKEN: "EXAMPLE-other-token"})
    with pytest.raises(EhpcError, match="No credentials from the profile"):
        credentials({"profile": "main", "shared_credentials_file": str(path)}).keys(60)


@pytest.mark.parametrize(
    ("content", "reason"), [(b'{"profiles": EXAMPLE-secret', "JSONDecodeError"), (b'{"profiles": "EXAMPLE-secret\xff"}', "UnicodeDecodeError")]
)
def test_file_that_is_not_json(tmp_path: Path, content: bytes, reason: str) -> None:
    path = tmp_path / "config.json"
    path.write_bytes(content)
    with pytest.raises(EhpcError) as caught:
        credentials({"profile": "main", "shared_credentials_file": str(path)})
    assert str(caught.value) == f"The profile file {path} cannot be read ({reason})."


def test_file_in_a_locale_without_utf_8(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "config.json"
    path.write_text(json.dumps({"current": "主", "profiles": [{"name": "主", "region_id": "cn-beijing"}]}, ensure_ascii=False), encoding="utf-8")
    opened = io.open
    monkeypatch.setattr("builtins.open", lambda file, mode="r", encoding=None: opened(file, mode, encoding=encoding or "latin-1"))
    assert region_of({"profile": "主", "shared_credentials_file": str(path)}) == "cn-beijing"


@pytest.mark.parametrize("content", ["[]", "5", "null", "{}", '{"profiles": null}', '{"profiles": []}'])
def test_file_without_profiles(content: str, tmp_path: Path) -> None:
    path = tmp_path / "config.json"
    path.write_text(content)
    with pytest.raises(EhpcError) as caught:
        credentials({"profile": "main", "shared_credentials_file": str(path)})
    assert str(caught.value) == f"There is no profile main in {path}. The file has: none."
    assert region_of({"profile": "main", "shared_credentials_file": str(path)}) is None


@pytest.mark.parametrize("content", ['{"profiles": ["main"]}', '{"profiles": {"main": {}}}', '{"profiles": [null]}'])
def test_file_with_profiles_of_another_form(content: str, tmp_path: Path) -> None:
    path = tmp_path / "config.json"
    path.write_text(content)
    with pytest.raises(EhpcError):
        credentials({"profile": "main", "shared_credentials_file": str(path)})


# The region


@pytest.mark.parametrize(
    ("given", "variables", "region"),
    [
        ({"region": "cn-beijing"}, {"ALIBABA_CLOUD_REGION_ID": "cn-qingdao"}, "cn-beijing"),
        ({"region": ""}, {"ALICLOUD_REGION": "cn-qingdao"}, "cn-qingdao"),
        ({"profile": "shanghai"}, {"ALICLOUD_REGION": "cn-qingdao"}, "cn-qingdao"),
        ({"profile": "shanghai"}, {}, "cn-shanghai"),
        ({}, {"ALICLOUD_PROFILE": "shanghai"}, "cn-shanghai"),
        ({}, {}, "cn-hangzhou"),
        ({"profile": "temporary"}, {}, None),
        ({"profile": "broken"}, {}, None),
        ({"profile": "absent"}, {}, None),
    ],
)
def test_region(given: dict[str, str], variables: dict[str, str], region: str | None, profiles: str, environment: t.Callable[..., None]) -> None:
    environment(**variables)
    assert region_of({"shared_credentials_file": profiles, **given}) == region


def test_region_of_no_source() -> None:
    assert region_of({}) is None


# Failures of the package


NO_CREDENTIALS = (
    "Set ALIBABA_CLOUD_ACCESS_KEY_ID and ALIBABA_CLOUD_ACCESS_KEY_SECRET, or access_key and secret_key, or configure a profile of the Alibaba Cloud CLI."
)


def by_default(monkeypatch: pytest.MonkeyPatch, fail: t.Callable[[], t.Any], seconds: float = 60) -> str:
    """The failure of the default chain if its provider does this."""
    package(monkeypatch, DefaultCredentialsProvider=fail)
    with pytest.raises(EhpcError) as caught:
        credentials({}).keys(seconds)
    assert caught.value.code == "CredentialsNotFound"
    assert caught.value.message == "No credentials found."
    begin, end = f"{NO_CREDENTIALS} The default chain of credentials reported: ", "."
    hint = caught.value.hint or ""
    assert (hint.startswith(begin), hint.endswith(end)) == (True, True)
    return hint[len(begin) : -len(end)]


def package(monkeypatch: pytest.MonkeyPatch, **providers: t.Any) -> None:
    """Replace the providers of the package."""
    monkeypatch.setattr(_credentials, "_providers", lambda _source: types.SimpleNamespace(**providers))


def test_a_reason_of_the_package_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> t.NoReturn:
        raise RuntimeError("There is no host X.")

    assert by_default(monkeypatch, fail) == "There is no host X"


def test_package_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> t.NoReturn:
        raise ImportError(name)

    monkeypatch.setattr(importlib, "import_module", missing)
    with pytest.raises(EhpcError) as caught:
        credentials({})
    assert str(caught.value) == (
        f"No credentials found. {NO_CREDENTIALS} Profiles, RAM roles and OIDC also require the Python package alibabacloud-credentials."
    )
    assert caught.value.code == "CredentialsNotFound"
    assert credentials({"access_key": "EXAMPLEid", "secret_key": "EXAMPLE-secret"}).keys(60).access_key == "EXAMPLEid"


@pytest.mark.parametrize(
    ("given", "source"),
    [
        ({"profile": "main"}, "The profile"),
        ({"ecs_role_name": "role"}, "The role of an ECS instance"),
        ({"access_key": "EXAMPLEid", "secret_key": "EXAMPLE-secret", "assume_role_arn": ROLE}, "An assumed role"),
    ],
)
def test_package_is_missing_for_a_source(given: dict[str, str], source: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> t.NoReturn:
        raise ImportError(name)

    monkeypatch.setattr(importlib, "import_module", missing)
    with pytest.raises(EhpcError) as caught:
        credentials(given)
    assert caught.value.message.startswith(
        f"{source} requires the Python package alibabacloud-credentials. Failed to import the required Python library (alibabacloud-credentials) on "
    )
    assert caught.value.code == "CredentialsNotFound"
    assert ".." not in str(caught.value)


@pytest.mark.parametrize("marker", ["result:", "stderr:", "output:"])
def test_responses_in_messages_of_the_package_are_not_shown(marker: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> t.NoReturn:
        raise RuntimeError(f"failed to get the role, {marker} EXAMPLE-secret")

    assert by_default(monkeypatch, fail) == "failed to get the role"


TOLD = {
    "nothing": (ValueError(), "ValueError"),
    "no connection": (
        OSError("Get HTTPConnectionPool(host='192.0.2.1', port=80): Max retries (Caused by <object>)"),
        "Get 192.0.2.1:80 could not be reached",
    ),
    "no connection with TLS": (
        OSError("HTTPSConnectionPool(host='sts.example.com', port=443): EXAMPLE-token"),
        "sts.example.com:443 could not be reached",
    ),
    "lost": (OSError("role: ('Connection aborted.', RemoteDisconnected('EXAMPLE'))"), "role: the connection was lost"),
    "url": (OSError("cannot read https://sts.example.com/?Signature=EXAMPLE&a=b, as of RFC X:,"), "cannot read https://sts.example.com/ as of RFC X"),
    "chain": (
        OSError("not found, providers in the chain: ['EnvironmentVariable: no key, ', \"Profile: it's gone: stderr: EXAMPLE\"]"),
        "EnvironmentVariable: no key; Profile: it's gone",
    ),
    "chain in a chain": (
        OSError("providers in the chain: [\"Profile: providers in the chain: ['a']\", 5]"),
        "Profile: providers in the chain: ['a']; 5",
    ),
    "chain of another form": (OSError("providers in the chain: <object>"), "providers in the chain: <object>"),
}


@pytest.mark.parametrize(("error", "told"), TOLD.values(), ids=TOLD)
def test_reasons_of_the_package(error: Exception, told: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> t.NoReturn:
        raise error

    assert by_default(monkeypatch, fail) == told


@pytest.mark.parametrize(
    ("given", "source"),
    [
        ({"ecs_role_name": "role"}, "the role of the ECS instance"),
        ({"access_key": "EXAMPLEid", "secret_key": "EXAMPLE-secret", "assume_role_arn": ROLE}, "the assumed role"),
        ({"profile": "main"}, "the profile"),
    ],
)
def test_source_that_fails(given: dict[str, str], source: str, profiles: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(**_options: t.Any) -> t.NoReturn:
        raise RuntimeError("it is gone")

    package(monkeypatch, EcsRamRoleCredentialsProvider=fail, RamRoleArnCredentialsProvider=fail, CLIProfileCredentialsProvider=fail)
    file = {"shared_credentials_file": profiles} if "profile" in given else {}
    with pytest.raises(EhpcError) as caught:
        credentials({**given, **file}).keys(60)
    assert caught.value.message == f"No credentials from {source}: it is gone"
    assert ("trust policy" in str(caught.value)) == (source == "the assumed role")


GETTERS = ("get_access_key_id", "get_access_key_secret", "get_security_token")


@pytest.mark.parametrize(("given", "variables"), [({"ecs_role_name": "role"}, {}), ({}, {"ALICLOUD_ECS_ROLE_NAME": "role"})])
def test_role_of_the_instance(given: dict[str, str], variables: dict[str, str], environment: t.Callable[..., None], monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[dict[str, t.Any]] = []
    keys = dict(zip(GETTERS, ("STS.EXAMPLE", "EXAMPLE-secret", "")))

    def provider(**options: t.Any) -> t.Any:
        asked.append(options)
        found = types.SimpleNamespace(**{name: partial(str, value) for name, value in keys.items()})
        return types.SimpleNamespace(get_credentials=lambda: found)

    environment(**variables)
    package(monkeypatch, EcsRamRoleCredentialsProvider=provider)
    source = credentials(given)
    assert source.identity == ("ecs_role", "role")
    assert asked == [], "the instance is not asked before it is needed"
    assert [source.keys(60), source.keys(60)] == [("STS.EXAMPLE", "EXAMPLE-secret", None)] * 2
    assert asked == [{"role_name": "role", "async_update_enabled": False}]


@pytest.mark.parametrize("fails", [False, True])
def test_threads_share_a_request_for_keys(fails: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """A role that is assumed once for each thread exceeds a rate limit, and a token of OAuth can be refreshed only once."""
    made, number = [], 8
    started = threading.Barrier(number)

    def provider(**_options: t.Any) -> t.Any:
        made.append(1)
        time.sleep(0.3)
        if fails:
            raise OSError("it is gone")
        return types.SimpleNamespace(get_credentials=lambda: types.SimpleNamespace(**{name: lambda: "EXAMPLE" for name in GETTERS}))

    def work() -> str:
        started.wait()
        try:
            return source.keys(60).access_key
        except EhpcError as error:
            return error.message

    package(monkeypatch, EcsRamRoleCredentialsProvider=provider)
    source = credentials({"ecs_role_name": "role"})
    with ThreadPoolExecutor(number) as executor:
        found = [future.result() for future in [executor.submit(work) for _thread in range(number)]]
    assert set(found) == {"No credentials from the role of the ECS instance: it is gone" if fails else "EXAMPLE"}
    assert len(made) == 1


@pytest.mark.parametrize("seconds", [0.1, 60])
def test_a_source_that_hangs(seconds: float, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_credentials, "MAX_SECONDS", 0.2)
    release = threading.Event()
    assert by_default(monkeypatch, lambda: release.wait(10), seconds) == f"no response within {min(seconds, 0.2)} seconds"
    release.set()


def test_identity_of_the_default_chain(environment: t.Callable[..., None]) -> None:
    environment(HOME="/home/user", ALIBABA_CLOUD_OIDC_TOKEN_FILE="/b", ALIBABA_CLOUD_CREDENTIALS_URI="http://a", ALICLOUD_OTHER="c")
    assert credentials({}).identity == ("default", "/home/user", "ALIBABA_CLOUD_CREDENTIALS_URI=http://a", "ALIBABA_CLOUD_OIDC_TOKEN_FILE=/b")


def test_the_package_writes_no_log(profiles: str) -> None:
    for name in ("credentials", "alibabacloud-tea"):
        logging.getLogger(name).disabled = False
    credentials({"profile": "main", "shared_credentials_file": profiles}).keys(60)
    assert [logging.getLogger(name).disabled for name in ("credentials", "alibabacloud-tea")] == [True, True]


def test_the_failure_of_the_first_keys_of_a_role_is_reported_as_such(profiles: str) -> None:
    with pytest.raises(EhpcError, match="No credentials from the profile"):
        credentials({"profile": "broken", "shared_credentials_file": profiles, "assume_role_arn": ROLE}).keys(60)


# Identity


def test_the_identity_distinguishes_sources(profiles: str) -> None:
    pair = {"access_key": "EXAMPLEid", "secret_key": "EXAMPLE-secret"}
    given: list[dict[str, t.Any]] = [
        pair,
        {**pair, "secret_key": "EXAMPLE-other"},
        {**pair, "security_token": "EXAMPLE-token"},
        {**pair, "assume_role_arn": ROLE},
        {**pair, "assume_role_arn": ROLE, "assume_role_session_name": "mine"},
        {"profile": "main", "shared_credentials_file": profiles},
        {"profile": "shanghai", "shared_credentials_file": profiles},
        {"ecs_role_name": "role"},
        {},
    ]
    identities = [credentials(options).identity for options in given]
    assert len(set(identities)) == len(given)
    assert identities == [credentials(options).identity for options in given]


@pytest.mark.parametrize(
    ("given", "depends"),
    [({"access_key": "EXAMPLEid", "secret_key": "EXAMPLE-secret"}, False), ({"ecs_role_name": "role"}, True), ({"profile": "main"}, True), ({}, True)],
    ids=["keys", "role", "profile", "default chain"],
)
def test_the_environment_is_part_of_a_source(given: dict[str, str], depends: bool, tmp_path: Path, environment: t.Callable[..., None]) -> None:
    """A profile may run any command, so all variables count; plain keys depend on nothing."""
    path = tmp_path / ".aliyun" / "config.json"
    path.parent.mkdir()
    path.write_text(json.dumps(PROFILES))
    environment(HOME=str(tmp_path))
    first = credentials(given).surroundings
    assert credentials(given).surroundings == first
    environment(WHATEVER="1")
    second = credentials(given).surroundings
    assert (second != first) == depends
    assumed = credentials({**given, "assume_role_arn": ROLE}).surroundings
    assert set(second) <= set(assumed)


@pytest.mark.parametrize("file", [".aliyun/config.json", ".alibabacloud/credentials.ini", "oidc", "ini"])
def test_files_are_part_of_the_default_chain(file: str, tmp_path: Path, environment: t.Callable[..., None]) -> None:
    environment(HOME=str(tmp_path), ALIBABA_CLOUD_OIDC_TOKEN_FILE=str(tmp_path / "oidc"), ALIBABA_CLOUD_CREDENTIALS_FILE=str(tmp_path / "ini"))
    path, states = tmp_path / file, [credentials({}).surroundings]
    path.parent.mkdir(exist_ok=True)
    for content in ("{}", '{"profiles": []}'):
        path.write_text(content)
        states.append(credentials({}).surroundings)
    path.unlink()
    states.append(credentials({}).surroundings)
    assert len(set(states[:3])) == 3
    assert states[3] == states[0]


def test_files_are_part_of_a_profile(profiles: str) -> None:
    given = {"profile": "main", "shared_credentials_file": profiles}
    first = credentials(given).surroundings
    assert credentials(given).surroundings == first
    Path(profiles).write_text(json.dumps({**PROFILES, "current": "shanghai"}))
    assert credentials(given).surroundings != first


# Internals of the package


@pytest.mark.parametrize("name", ["environment_access_key_id", "environment_access_key_secret", "environment_security_token"])
def test_the_package_has_the_globals_that_are_set(name: str) -> None:
    assert name in vars(importlib.import_module("alibabacloud_credentials.utils.auth_util"))
    assert name in _credentials.ENVIRONMENT_KEYS


def test_the_package_reads_the_environment_when_it_is_imported(environment: t.Callable[..., None]) -> None:
    environment(HOME="/home/somewhere", ALIBABA_CLOUD_ACCESS_KEY_ID="EXAMPLEnew")
    _credentials._isolate_package()
    utils = "alibabacloud_credentials.utils."
    assert importlib.import_module(utils + "auth_util").environment_access_key_id == "EXAMPLEnew"
    assert importlib.import_module(utils + "auth_constant").HOME == "/home/somewhere"
    _credentials._isolate_package(keys=False)
    assert importlib.import_module(utils + "auth_util").environment_access_key_id is None


def test_execution_environments_get_the_version_that_is_tested() -> None:
    requirements = (Path(__file__).parents[3] / "meta" / "ee-requirements.txt").read_text(encoding="utf-8")
    assert re.search(r"^alibabacloud-credentials>=1\.0\.0,<2$", requirements, re.MULTILINE)
