# Copyright (c) 2026, the alicloud.ehpc contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every source of credentials, in order of precedence: the key and the token of each request that arrives at the service.

The emulator refuses a wrong secret, a token that is missing, and a token that is another key's. So an answer proves all three.
"""

from __future__ import annotations

import contextlib
import json
import re
import typing as t
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests.adapters
from ansible_collections.alicloud.ehpc.plugins.module_utils._errors import EhpcError
from ansible_collections.alicloud.ehpc.tests.emulator import Emulator
from ansible_collections.alicloud.ehpc.tests.support.identities import (
    LONG_TERM,
    METADATA,
    OIDC_TOKEN,
    ROLE,
    SCENARIO,
    STS,
    TEMPORARY,
    Identity,
    Sts,
    credentials_uri,
    identity,
    metadata,
)
from ansible_collections.alicloud.ehpc.tests.support.in_process import client
from ansible_collections.alicloud.ehpc.tests.support.playing import Play, Task, task
from ansible_collections.alicloud.ehpc.tests.support.servers import Answer, Answering, Asked, Authority, Proxy, Server
from Tea.core import TeaCore

# As documented, in this order.
VARIABLES = {
    "access_key": ("ALIBABA_CLOUD_ACCESS_KEY_ID", "ALIBABACLOUD_ACCESS_KEY_ID", "ALICLOUD_ACCESS_KEY", "ALICLOUD_ACCESS_KEY_ID"),
    "secret_key": (
        "ALIBABA_CLOUD_ACCESS_KEY_SECRET",
        "ALIBABACLOUD_ACCESS_KEY_SECRET",
        "ALICLOUD_SECRET_KEY",
        "ALICLOUD_ACCESS_KEY_SECRET",
        "ALICLOUD_SECRET_ACCESS_KEY",
    ),
    "security_token": ("ALIBABA_CLOUD_SECURITY_TOKEN", "ALIBABACLOUD_SECURITY_TOKEN", "ALICLOUD_SECURITY_TOKEN"),
    "profile": ("ALIBABA_CLOUD_PROFILE", "ALIBABACLOUD_PROFILE", "ALICLOUD_PROFILE"),
    "shared_credentials_file": ("ALICLOUD_SHARED_CREDENTIALS_FILE",),
    "ecs_role_name": ("ALIBABA_CLOUD_ECS_METADATA", "ALICLOUD_ECS_ROLE_NAME"),
    "assume_role_arn": ("ALIBABA_CLOUD_ROLE_ARN", "ALICLOUD_ASSUME_ROLE_ARN"),
    "assume_role_session_name": ("ALIBABA_CLOUD_ROLE_SESSION_NAME", "ALICLOUD_ASSUME_ROLE_SESSION_NAME"),
    "region": ("ALIBABA_CLOUD_REGION_ID", "ALIBABA_CLOUD_REGION", "ALIBABACLOUD_REGION_ID", "ALICLOUD_REGION", "ALICLOUD_REGION_ID"),
}
ALIASES = {
    "access_key": ("access_key_id", "alicloud_access_key"),
    "secret_key": ("secret_access_key", "access_key_secret", "alicloud_secret_key"),
    "security_token": ("alicloud_security_token",),
    "profile": ("alicloud_profile",),
    "ecs_role_name": ("role_name",),
    "assume_role_arn": ("alicloud_assume_role_arn",),
    "assume_role_session_name": ("alicloud_assume_role_session_name",),
    "region": ("region_id", "alicloud_region"),
}
OPTION, VARIABLE, TOKEN = identity("option"), identity("variable"), identity("token")
KEY_ID, KEY_SECRET, KEY_TOKEN = (VARIABLES[name][0] for name in ("access_key", "secret_key", "security_token"))


@pytest.fixture
def service() -> Iterator[Emulator]:
    with Emulator(SCENARIO) as running:
        yield running


class Signing:
    """Calls the service with some options and variables, and returns the identity whose key arrived."""

    def __init__(self, emulator: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
        self.emulator = emulator
        self._monkeypatch = monkeypatch

    def environment(self, **variables: str) -> None:
        for name, value in variables.items():
            self._monkeypatch.setenv(name, value)

    def __call__(self, **options: t.Any) -> str:
        self.emulator.forget()
        made = client({"endpoint": self.emulator.endpoint, "region": "cn-hangzhou", "api_retries": 0, **options})
        with contextlib.closing(made):
            made.call("ListRegions")
        return self.emulator.calls[-1].access_key

    def fails(self, **options: t.Any) -> EhpcError:
        self.emulator.forget()
        with pytest.raises(EhpcError) as caught:
            self(**options)
        assert self.emulator.calls == []
        return caught.value


@pytest.fixture
def signing(service: Emulator, monkeypatch: pytest.MonkeyPatch) -> Signing:
    return Signing(service, monkeypatch)


def given(known: Identity) -> dict[str, str]:
    return {name: value for name, value in known._asdict().items() if value}


# Options and variables


def test_options(signing: Signing) -> None:
    assert signing(**given(OPTION)) == OPTION.access_key
    assert signing(**given(TOKEN)) == TOKEN.access_key


def test_each_alias(signing: Signing) -> None:
    for name, value in given(TOKEN).items():
        for alias in ALIASES[name]:
            assert signing(**{**given(TOKEN), name: None, alias: value}) == TOKEN.access_key, alias


@pytest.mark.parametrize("option", ["access_key", "secret_key", "security_token"])
def test_variables_in_their_order(option: str, signing: Signing) -> None:
    values = {name: getattr(TOKEN, name) for name in ("access_key", "secret_key", "security_token")}
    signing.environment(**{VARIABLES[name][0]: value for name, value in values.items() if name != option})
    for position, name in enumerate(VARIABLES[option]):
        # Those before it are empty, which counts as unset; those after it are wrong.
        signing.environment(**dict.fromkeys(VARIABLES[option][:position], ""))
        signing.environment(**dict.fromkeys(VARIABLES[option][position + 1 :], "EXAMPLE-of-somebody-else"))
        signing.environment(**{name: values[option]})
        assert signing() == TOKEN.access_key, name


def test_options_before_variables(signing: Signing) -> None:
    signing.environment(**{KEY_ID: VARIABLE.access_key, KEY_SECRET: VARIABLE.secret_key})
    assert signing(**given(OPTION)) == OPTION.access_key
    assert signing(access_key="", secret_key="") == VARIABLE.access_key
    assert signing(access_key=None) == VARIABLE.access_key


def test_the_token_of_the_environment_is_its_keys(signing: Signing) -> None:
    signing.environment(**{KEY_ID: TOKEN.access_key, KEY_SECRET: TOKEN.secret_key, KEY_TOKEN: TOKEN.security_token})
    assert signing() == TOKEN.access_key
    # The same key as an option has the same token; another key has none.
    assert signing(access_key=TOKEN.access_key) == TOKEN.access_key
    assert signing(**given(OPTION)) == OPTION.access_key
    assert signing(**given(OPTION), security_token="") == OPTION.access_key
    assert signing(**given(identity("ecs"))) == identity("ecs").access_key


def test_a_token_without_a_key_in_the_environment(signing: Signing) -> None:
    signing.environment(**{KEY_TOKEN: TOKEN.security_token})
    assert signing(access_key=TOKEN.access_key, secret_key=TOKEN.secret_key) == TOKEN.access_key


def test_half_a_pair(signing: Signing) -> None:
    for options, variables, missing in (
        ({"access_key": OPTION.access_key}, {}, "secret_key"),
        ({"secret_key": OPTION.secret_key}, {}, "access_key"),
        ({"access_key": OPTION.access_key, "secret_key": ""}, {}, "secret_key"),
        ({}, {KEY_ID: VARIABLE.access_key}, "secret_key"),
        ({}, {KEY_ID: "", KEY_SECRET: VARIABLE.secret_key}, "access_key"),
    ):
        with pytest.MonkeyPatch.context() as patched:
            for name, value in variables.items():
                patched.setenv(name, value)
            error = signing.fails(**options)
        assert f"Set {missing}" in str(error)
        assert "EXAMPLE" not in str(error)


def test_variables_of_the_sdk_never_replace_the_identity(signing: Signing) -> None:
    other = identity("sdk")
    signing.environment(ALIYUN_ACCESS_KEY_ID=other.access_key, ALIYUN_ACCESS_KEY_SECRET=other.secret_key)
    assert signing(**given(OPTION)) == OPTION.access_key
    assert signing(**given(TOKEN)) == TOKEN.access_key
    signing.environment(**{KEY_ID: TOKEN.access_key, KEY_SECRET: TOKEN.secret_key, KEY_TOKEN: TOKEN.security_token})
    assert signing() == TOKEN.access_key


# The region


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home with profiles of the Alibaba Cloud CLI."""
    # A shell has no space in its path, as the Python of these tests may have.
    script = tmp_path / "credentials.sh"
    script.write_text(f"cat <<'END'\n{json.dumps(external_answer())}\nEND\n", encoding="utf-8")
    path = tmp_path / ".aliyun" / "config.json"
    path.parent.mkdir()
    path.write_text(json.dumps({"current": "current", "profiles": profiles(f"/bin/sh {script}")}), encoding="utf-8")
    monkeypatch.setenv("HOME", str(tmp_path))
    return path


def external_answer() -> dict[str, str]:
    known = identity("external")
    return {
        "mode": "StsToken",
        "access_key_id": known.access_key,
        "access_key_secret": known.secret_key,
        "sts_token": known.security_token,
        "expiration": known.as_answer()["Expiration"],
    }


def profiles(command: str) -> list[dict[str, t.Any]]:
    def keys(name: str) -> dict[str, str]:
        return {"access_key_id": identity(name).access_key, "access_key_secret": identity(name).secret_key}

    role = {"ram_role_arn": ROLE, "ram_session_name": "profile", "expired_seconds": 900}
    return [
        {"name": "current", "mode": "AK", "region_id": "cn-shanghai", **keys("current")},
        {"name": "profile", "mode": "AK", "region_id": "ap-southeast-1", **keys("profile")},
        {"name": "token", "mode": "StsToken", "sts_token": TOKEN.security_token, **keys("token")},
        {"name": "role", "mode": "RamRoleArn", **keys("profile"), **role},
        {"name": "chained", "mode": "ChainableRamRoleArn", "source_profile": "token", **role},
        {"name": "ecs", "mode": "EcsRamRole", "ram_role_name": "example"},
        {"name": "external", "mode": "External", "process_command": command},
        {"name": "oidc", "mode": "OIDC", **role, "oidc_provider_arn": "acs:ram::1:oidc-provider/x", "oidc_token_file": "TOKEN-FILE"},
        {"name": "empty", "mode": "AK"},
    ]


def region_of(signing: Signing, **options: t.Any) -> str:
    signing(**{"region": None, **given(OPTION), **options})
    return signing.emulator.calls[-1].params["RegionId"]


def test_the_region_of_option_variables_and_profile(signing: Signing, config: Path) -> None:
    assert region_of(signing) == "cn-shanghai"
    assert region_of(signing, profile="profile") == "ap-southeast-1"
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("ALICLOUD_PROFILE", "profile")
        assert region_of(signing) == "ap-southeast-1"
        for name in reversed(VARIABLES["region"]):
            patched.setenv(VARIABLES["region"][-1], "cn-absent" if name != VARIABLES["region"][-1] else "cn-hangzhou")
            patched.setenv(name, "cn-hangzhou")
            assert region_of(signing) == "cn-hangzhou", name
            patched.setenv(name, "cn-absent")
        for name in VARIABLES["region"]:
            patched.setenv(name, "")
        assert region_of(signing) == "ap-southeast-1"
        patched.setenv(VARIABLES["region"][0], "cn-absent")
        for alias in ("region", *ALIASES["region"]):
            assert region_of(signing, **{alias: "cn-hangzhou"}) == "cn-hangzhou", alias


def test_no_region(signing: Signing) -> None:
    assert "No region is given" in str(signing.fails(region="", **given(OPTION)))


# Without the package


STARRED: dict[str, tuple[dict[str, str], dict[str, str]]] = {
    "profile": ({"profile": "main"}, {}),
    "profile of the environment": ({}, {"ALICLOUD_PROFILE": "main"}),
    "file": ({"shared_credentials_file": "/nonexistent/config.json"}, {}),
    "role of the instance": ({"ecs_role_name": "example"}, {}),
    "role of the instance, environment": ({}, {"ALIBABA_CLOUD_ECS_METADATA": "example"}),
    "assumed role": ({"access_key": OPTION.access_key, "secret_key": OPTION.secret_key, "assume_role_arn": ROLE}, {}),
    "default chain": ({}, {}),
}


def test_only_sources_that_need_the_package_require_it(tmp_path: Path, service: Emulator) -> None:
    package = tmp_path / "python" / "alibabacloud_credentials"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("raise ImportError('not installed')\n", encoding="utf-8")
    environment = {KEY_ID: TOKEN.access_key, KEY_SECRET: TOKEN.secret_key, KEY_TOKEN: TOKEN.security_token}
    tasks: list[Task] = []
    for host in ("worker", "process"):
        here: Task = {"vars": {"ehpc_in_process": host == "worker"}}
        tasks.append(task(f"{host}: options", "region_info", **given(OPTION)) | here)
        tasks.append(task(f"{host}: environment", "region_info") | here | {"environment": environment})
        for name, (options, variables) in list(STARRED.items())[:: 1 if host == "worker" else 3]:
            tasks.append(task(f"{host}: {name}", "region_info", **options) | here | {"environment": variables})
    run = Play(tmp_path)(
        tasks,
        defaults={"endpoint": service.endpoint, "region": "cn-hangzhou"},
        ignore_errors=True,
        env={"PYTHONPATH": str(tmp_path / "python")},
    )
    assert [call.access_key for call in service.calls] == [OPTION.access_key, TOKEN.access_key] * 2
    for result in run.results:
        if result.task.endswith((": options", ": environment")):
            assert result.status == "ok", result
        else:
            assert result.failed, result
            assert result.error["code"] == "CredentialsNotFound", result.msg
            assert "Python package alibabacloud-credentials" in result.msg
            assert "ALIBABA_CLOUD_ACCESS_KEY_ID" in result.error["hint"]


# The sources of alibabacloud-credentials, over the wire


@pytest.fixture
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Elsewhere]:
    """STS and the metadata service at the names that the package uses, through the proxies of the environment."""
    authority = Authority(tmp_path / "authority.pem")
    # The package takes no authorities of its own: it trusts what certifi has. So STS gets a certificate of one of these.
    monkeypatch.setattr(requests.adapters, "DEFAULT_CA_BUNDLE_PATH", authority.bundle)
    # Its connections outlive a test; the next test's proxy is another.
    monkeypatch.setattr(TeaCore, "_sessions", {})
    found = Elsewhere()
    with (
        Server(found.as_sts, authority.context(STS)) as sts,
        Server(found.as_metadata) as instance,
        Proxy(plain={METADATA: instance.port}, tunnels={f"{STS}:443": sts.port}) as proxy,
    ):
        monkeypatch.setenv("HTTPS_PROXY", proxy.url)
        monkeypatch.setenv("HTTP_PROXY", proxy.url)
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        yield found


class Elsewhere:
    """The stand-ins for STS and the metadata service. A test may replace them."""

    def __init__(self) -> None:
        self.assuming = Sts()
        self.sts: Answering = self.assuming
        self.metadata: Answering = metadata

    def as_sts(self, asked: Asked) -> Answer:
        return self.sts(asked)

    def as_metadata(self, asked: Asked) -> Answer:
        return self.metadata(asked)


@pytest.mark.parametrize(
    ("profile", "expected"),
    [
        ("profile", "profile"),
        ("token", "token"),
        ("role", "assumed"),
        ("chained", "assumed"),
        ("ecs", "ecs"),
        ("external", "external"),
        ("oidc", "oidc"),
    ],
)
def test_profile(profile: str, expected: str, signing: Signing, config: Path, elsewhere: Elsewhere, tmp_path: Path) -> None:
    token_file = tmp_path / "token"
    token_file.write_text(OIDC_TOKEN, encoding="utf-8")
    config.write_text(config.read_text(encoding="utf-8").replace("TOKEN-FILE", str(token_file)), encoding="utf-8")
    assert signing(profile=profile) == identity(expected).access_key
    assert signing(profile=profile, shared_credentials_file=str(config)) == identity(expected).access_key


def test_precedence_of_profiles(signing: Signing, config: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALIBABA_CLOUD_ECS_METADATA_DISABLED", "true")
    moved = tmp_path / "elsewhere.json"
    moved.write_text(config.read_text(encoding="utf-8").replace('"current": "current"', '"current": "token"'), encoding="utf-8")
    # The current one: of the default file, of the option's, of the variable's.
    assert signing() == identity("current").access_key
    assert signing(shared_credentials_file=str(moved)) == TOKEN.access_key
    monkeypatch.setenv("ALICLOUD_SHARED_CREDENTIALS_FILE", str(moved))
    assert signing() == TOKEN.access_key
    assert signing(shared_credentials_file=str(config)) == identity("current").access_key
    # A named one.
    for alias in ("profile", *ALIASES["profile"]):
        assert signing(**{alias: "profile"}) == identity("profile").access_key
    for name in reversed(VARIABLES["profile"]):
        with pytest.MonkeyPatch.context() as patched:
            for other in VARIABLES["profile"]:
                patched.setenv(other, "absent")
            for earlier in VARIABLES["profile"][: VARIABLES["profile"].index(name)]:
                patched.setenv(earlier, "")
            patched.setenv(name, "profile")
            assert signing() == identity("profile").access_key, name
            assert signing(profile="current") == identity("current").access_key


def test_precedence(signing: Signing, config: Path, elsewhere: Elsewhere) -> None:
    """An option names the identity before any variable does; among each, keys before the profile before the instance's role."""
    options = {**given(OPTION), "profile": "profile", "ecs_role_name": "example"}
    signing.environment(
        **{KEY_ID: VARIABLE.access_key, KEY_SECRET: VARIABLE.secret_key, "ALICLOUD_PROFILE": "token", "ALICLOUD_ECS_ROLE_NAME": "example"},
        ALIBABA_CLOUD_ECS_METADATA_DISABLED="false",
    )
    for expected, last in (("option", ("access_key", "secret_key")), ("profile", ("profile",)), ("ecs", ("ecs_role_name",))):
        assert signing(**options) == identity(expected).access_key
        for name in last:
            options[name] = ""
    for expected, gone in (("variable", (KEY_ID, KEY_SECRET)), ("token", ("ALICLOUD_PROFILE",)), ("ecs", ("ALICLOUD_ECS_ROLE_NAME",))):
        assert signing(**options) == identity(expected).access_key
        signing.environment(**dict.fromkeys(gone, ""))
    assert signing(**options) == identity("current").access_key


def test_the_role_of_the_instance(signing: Signing, elsewhere: Elsewhere) -> None:
    for alias in ("ecs_role_name", *ALIASES["ecs_role_name"]):
        assert signing(**{alias: "example"}) == identity("ecs").access_key
    for name in VARIABLES["ecs_role_name"]:
        with pytest.MonkeyPatch.context() as patched:
            patched.setenv(name, "example")
            assert signing() == identity("ecs").access_key, name
    assert "the role of the ECS instance" in str(signing.fails(ecs_role_name="absent"))


@pytest.mark.parametrize(
    ("options", "variables", "signer"),
    [
        (given(OPTION), {}, "option"),
        (given(TOKEN), {}, "token"),
        ({}, {KEY_ID: VARIABLE.access_key, KEY_SECRET: VARIABLE.secret_key}, "variable"),
        ({"profile": "profile"}, {}, "profile"),
        ({"ecs_role_name": "example"}, {}, "ecs"),
        ({}, {}, "current"),
    ],
    ids=["keys", "temporary keys", "keys of the environment", "profile", "role of the instance", "default chain"],
)
def test_assumed_role(options: dict[str, str], variables: dict[str, str], signer: str, signing: Signing, config: Path, elsewhere: Elsewhere) -> None:
    signing.environment(**variables)
    sessions = []
    for alias in ("assume_role_arn", *ALIASES["assume_role_arn"]):
        assert signing(**options, **{alias: ROLE}) == identity("assumed").access_key
    for alias in ("assume_role_session_name", *ALIASES["assume_role_session_name"]):
        signing(**options, assume_role_arn=ROLE, **{alias: "mine"})
    signing.environment(ALICLOUD_ASSUME_ROLE_ARN=ROLE, ALICLOUD_ASSUME_ROLE_SESSION_NAME="theirs")
    assert signing(**options) == identity("assumed").access_key
    sessions = [params["RoleSessionName"] for params in elsewhere.assuming.assumed]
    assert sessions == ["ansible-ehpc", "ansible-ehpc", "mine", "mine", "theirs"]
    assert {params["AccessKeyId"] for params in elsewhere.assuming.assumed} == {identity(signer).access_key}


def test_the_role_of_the_environment_with_and_without_keys(signing: Signing, config: Path, elsewhere: Elsewhere, tmp_path: Path) -> None:
    signing.environment(ALIBABA_CLOUD_ROLE_ARN=ROLE, ALIBABA_CLOUD_ROLE_SESSION_NAME="pod")
    assert signing(**given(OPTION)) == identity("assumed").access_key
    # Without a key it belongs to OIDC. Without the other variables of OIDC it is ignored.
    assert signing() == identity("current").access_key
    token = tmp_path / "token"
    token.write_text(OIDC_TOKEN, encoding="utf-8")
    signing.environment(ALIBABA_CLOUD_OIDC_PROVIDER_ARN="acs:ram::1:oidc-provider/x", ALIBABA_CLOUD_OIDC_TOKEN_FILE=str(token))
    assert signing() == identity("oidc").access_key
    assert [params["RoleSessionName"] for params in elsewhere.assuming.assumed] == ["pod", "pod"]


def test_the_default_chain_in_its_order(signing: Signing, config: Path, elsewhere: Elsewhere, tmp_path: Path) -> None:
    token, ini = tmp_path / "token", tmp_path / "credentials.ini"
    token.write_text(OIDC_TOKEN, encoding="utf-8")
    known = identity("file")
    ini.write_text(
        f"[default]\nenable = true\ntype = access_key\naccess_key_id = {known.access_key}\naccess_key_secret = {known.secret_key}\n", encoding="utf-8"
    )
    oidc = {"ALIBABA_CLOUD_ROLE_ARN": ROLE, "ALIBABA_CLOUD_OIDC_PROVIDER_ARN": "acs:ram::1:oidc-provider/x", "ALIBABA_CLOUD_OIDC_TOKEN_FILE": str(token)}
    with Server(credentials_uri) as uri:
        signing.environment(**oidc, ALIBABA_CLOUD_CREDENTIALS_FILE=str(ini), ALIBABA_CLOUD_CREDENTIALS_URI=f"{uri.url}/keys?of=me")
        assert signing() == identity("oidc").access_key
        signing.environment(ALIBABA_CLOUD_OIDC_TOKEN_FILE="")
        assert signing() == identity("current").access_key
        config.unlink()
        assert signing() == identity("file").access_key
        ini.unlink()
        assert signing() == identity("ecs").access_key
        signing.environment(ALIBABA_CLOUD_ECS_METADATA_DISABLED="true")
        assert signing() == identity("uri").access_key
        assert uri.asked[-1].target == "/keys?of=me"
    error = signing.fails()
    assert error.code == "CredentialsNotFound"
    assert "default chain" in str(error)


def test_a_loop_over_homes(tmp_path: Path, service: Emulator) -> None:
    homes = []
    for name in ("profile", "current", "profile"):
        path = tmp_path / name / ".aliyun" / "config.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        keys = {"access_key_id": identity(name).access_key, "access_key_secret": identity(name).secret_key}
        path.write_text(json.dumps({"current": "main", "profiles": [{"name": "main", "mode": "AK", **keys}]}), encoding="utf-8")
        homes.append(str(tmp_path / name))
    loop = {"loop": homes, "environment": {"HOME": "{{ item }}"}}
    ways: list[Task] = [task("loop", "region_info") | loop | {"vars": {"ehpc_in_process": in_process}} for in_process in (True, False)]
    Play(tmp_path)(ways, defaults={"endpoint": service.endpoint, "region": "cn-hangzhou"})
    assert [call.access_key for call in service.calls] == [identity(name).access_key for name in ("profile", "current", "profile") * 2]


# Secrets in failures


@pytest.mark.usefixtures("config")
def test_a_profile_without_keys_is_not_filled_from_the_environment(signing: Signing) -> None:
    signing.environment(**{KEY_ID: VARIABLE.access_key, KEY_SECRET: VARIABLE.secret_key})
    error = signing.fails(profile="empty")
    assert "profile" in str(error)
    assert "empty" in str(error)


SECRETS = [secret for name in (*LONG_TERM, *TEMPORARY) for secret in identity(name).secrets] + [OIDC_TOKEN]


def hostile(name: str) -> Answering:
    """An unusable response that is full of secrets."""
    return lambda asked: (500, json.dumps({"Credentials": identity(name)._asdict(), "asked": asked.target}))


@pytest.mark.parametrize("way", ["refuses", "breaks off", "cannot be reached"])
def test_failures_of_a_source_contain_no_secret(
    way: str,
    signing: Signing,
    config: Path,
    elsewhere: Elsewhere,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    token, script = tmp_path / "token", tmp_path / "failing.sh"
    token.write_text(OIDC_TOKEN, encoding="utf-8")
    text = config.read_text(encoding="utf-8").replace("TOKEN-FILE", str(token))
    script.write_text(f"cat >&2 <<'END'\n{json.dumps(external_answer())}\nEND\nexit 3\n", encoding="utf-8")
    config.write_text(text.replace("credentials.sh", "failing.sh"), encoding="utf-8")
    if way == "cannot be reached":
        for name in ("HTTP_PROXY", "HTTPS_PROXY"):
            monkeypatch.setenv(name, "http://user:EXAMPLE-proxy-password@127.0.0.1:9")
    elif way == "breaks off":
        elsewhere.sts = elsewhere.metadata = broken_off
    else:
        elsewhere.sts, elsewhere.metadata = hostile("assumed"), hostile("ecs")
    # The level of the log of ansible-core, because libraries log secrets at lower levels.
    caplog.set_level("INFO")
    told = []
    for options in (
        {**given(TOKEN), "assume_role_arn": ROLE},
        {"profile": "role"},
        {"profile": "chained"},
        {"profile": "ecs"},
        {"profile": "oidc"},
        {"profile": "external"},
        {"ecs_role_name": "example"},
    ):
        error = signing.fails(**options)
        assert error.code == "CredentialsNotFound"
        told.append(f"{error} {error.message} {error.__cause__!r}")
    config.unlink()
    # The last source of the chain is asked without a proxy, so the metadata service, which is behind one, is left out.
    monkeypatch.delenv("HTTP_PROXY")
    with Server(broken_off if way == "breaks off" else hostile("uri")) as uri:
        signing.environment(
            ALIBABA_CLOUD_ECS_METADATA_DISABLED="true",
            ALIBABA_CLOUD_ROLE_ARN=ROLE,
            ALIBABA_CLOUD_OIDC_PROVIDER_ARN="acs:ram::1:oidc-provider/x",
            ALIBABA_CLOUD_OIDC_TOKEN_FILE=str(token),
            ALIBABA_CLOUD_CREDENTIALS_URI=f"{uri.url}/keys?token=EXAMPLE-uri-token",
        )
        told.append(str(signing.fails()))
    printed = capfd.readouterr()
    everything = "\n".join([*told, printed.out, printed.err, caplog.text])
    for secret in (*SECRETS, "EXAMPLE-proxy-password", "EXAMPLE-uri-token", "Signature="):
        assert secret not in everything, f"{secret} in {everything}"
    assert not printed.err
    written_by_python = re.search(r"Connection(Pool)?\(|Error\(|Caused by|object at 0x|[(\[]'", "\n".join(told))
    assert not written_by_python, told


def broken_off(asked: t.Any) -> t.Any:
    raise ConnectionAbortedError
