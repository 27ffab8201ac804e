# Copyright (c) 2026, the alicloud.ehpc contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An emulator for each test, and three clients for it: plain HTTP and both official SDKs."""

from __future__ import annotations

import importlib
import json
import re
import time
import uuid
from collections.abc import Callable, Iterator
from functools import partial
from types import SimpleNamespace
from typing import Any

import pytest
import requests
from alibabacloud_ehpc20180412 import models
from alibabacloud_ehpc20180412.client import Client
from alibabacloud_tea_openapi.models import Config
from alibabacloud_tea_util.models import RuntimeOptions
from aliyunsdkcore.client import AcsClient
from ansible_collections.alicloud.ehpc.tests.emulator import Emulator
from ansible_collections.alicloud.ehpc.tests.emulator.signature import sign, string_to_sign


@pytest.fixture
def emulator() -> Iterator[Emulator]:
    with Emulator() as running:
        yield running


class Plain:
    """Raw requests, every part of which a test can set."""

    def __init__(self, emulator: Emulator) -> None:
        self.emulator = emulator
        self.session = requests.Session()
        self.session.trust_env = False

    def query(self, action: str, **params: str | None) -> dict[str, str]:
        query = {
            "Action": action,
            "Version": "2018-04-12",
            "Format": "JSON",
            "AccessKeyId": self.emulator.access_key,
            "SignatureMethod": "HMAC-SHA1",
            "SignatureVersion": "1.0",
            "SignatureType": "",
            "SignatureNonce": uuid.uuid4().hex,
            "Timestamp": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
            "RegionId": self.emulator.region,
            **params,
        }
        return {name: value for name, value in query.items() if value is not None}

    def signed(self, action: str, secret_key: str | None = None, **params: str | None) -> dict[str, str]:
        query = self.query(action, **params)
        return {
            "Signature": sign(secret_key or self.emulator.secret_key, string_to_sign("GET", list(query.items()))),
            **query,
        }

    def get(self, action: str, secret_key: str | None = None, timeout: float = 10, **params: str | None) -> requests.Response:
        return self.send(self.signed(action, secret_key, **params), timeout)

    def send(self, query: dict[str, str], timeout: float = 10) -> requests.Response:
        return self.session.get(self.emulator.endpoint + "/", params=query, timeout=timeout, verify=self.emulator.ca_path)

    def error(self, action: str, secret_key: str | None = None, **params: str | None) -> tuple[int, str]:
        answer = self.send(self.signed(action, secret_key, **params))
        found = re.search(r'(?:"Code": "|<Code>)([\w.]+)', answer.text)
        return answer.status_code, found[1] if found else ""

    def scripts(self, *pairs: tuple[str, str]) -> dict[str, str]:
        numbered = list(enumerate(pairs, 1))
        urls = {f"PostInstallScripts.{number}.Url": url for number, (url, _args) in numbered}
        return urls | {f"PostInstallScripts.{number}.Args": args for number, (_url, args) in numbered}


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """The clock of the state, which tests advance."""
    clock = SimpleNamespace(seconds=1000.0)
    monkeypatch.setattr("ansible_collections.alicloud.ehpc.tests.emulator.state.time", SimpleNamespace(monotonic=lambda: clock.seconds))
    return clock


@pytest.fixture
def plain(emulator: Emulator) -> Iterator[Plain]:
    client = Plain(emulator)
    yield client
    client.session.close()


class Core:
    """aliyun-python-sdk-ehpc: signature 1.0."""

    def __init__(self, emulator: Emulator) -> None:
        self.emulator = emulator
        self.client = AcsClient(emulator.access_key, emulator.secret_key, emulator.region, verify=emulator.ca_path)

    def call(self, action: str, region: str | None = None, **params: Any) -> dict[str, Any]:
        module = importlib.import_module(f"aliyunsdkehpc.request.v20180412.{action}Request")
        request = getattr(module, f"{action}Request")()
        request.set_endpoint(self.emulator.endpoint)
        for name, value in params.items():
            getattr(request, f"set_{name}")(value)
        if region:
            request.add_query_param("RegionId", region)
        answer: dict[str, Any] = json.loads(self.client.do_action_with_exception(request))
        return answer


@pytest.fixture
def core(emulator: Emulator) -> Core:
    return Core(emulator)


class Tea:
    """alibabacloud-ehpc20180412: ACS3-HMAC-SHA256."""

    def __init__(self, emulator: Emulator, credential: str | None = None) -> None:
        protocol, _separator, host = emulator.endpoint.partition("://")
        key = emulator.credential(credential) if credential else next(iter(emulator.state.credentials.values()))
        config = Config(
            access_key_id=key.access_key,
            access_key_secret=key.secret_key,
            security_token=key.security_token or None,
            endpoint=host,
            protocol=protocol,
        )
        self.ca_path = emulator.ca_path
        self.client = Client(config)

    def call(self, action: str, **params: Any) -> Any:
        """The body's model."""
        name = "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in action).lstrip("_")
        runtime = RuntimeOptions(ca=self.ca_path)
        if not hasattr(models, f"{action}Request"):
            return getattr(self.client, f"{name}_with_options")(runtime).body
        request = getattr(models, f"{action}Request")(**params)
        return getattr(self.client, f"{name}_with_options")(request, runtime).body


@pytest.fixture
def tea(emulator: Emulator) -> Tea:
    return Tea(emulator)


@pytest.fixture
def tea_of(emulator: Emulator) -> Callable[[str], Tea]:
    """With the key of that name."""
    return partial(Tea, emulator)
