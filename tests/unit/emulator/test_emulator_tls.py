# Copyright (c) 2026, the alicloud.ehpc contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""TLS: the certificate is valid only for its names and with its own authority."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
import urllib3
from aliyunsdkcore.acs_exception.exceptions import ClientException
from ansible_collections.alicloud.ehpc.tests.emulator import Emulator


@pytest.fixture
def emulator() -> Iterator[Emulator]:
    with Emulator(tls=True) as running:
        yield running


def get(url: str, **options: Any) -> int:
    with requests.Session() as session:
        session.trust_env = False
        return session.get(url, timeout=10, **options).status_code


@pytest.mark.parametrize(("host", "sni"), [("127.0.0.1", None), ("localhost", "localhost")])
def test_both_names_verify(host: str, sni: str | None, emulator: Emulator) -> None:
    assert get(f"https://{host}:{emulator.port}", verify=emulator.ca_path) == 400
    with urllib3.PoolManager(ca_certs=emulator.ca_path) as pool:
        assert pool.request("GET", f"https://{host}:{emulator.port}", retries=False).status == 400

    assert emulator.sni == [sni, sni]


@pytest.mark.parametrize("sdk", ["core", "tea"])
def test_the_sdks_verify(sdk: str, emulator: Emulator, request: pytest.FixtureRequest) -> None:
    request.getfixturevalue(sdk).call("ListRegions")

    assert emulator.endpoint.startswith("https://127.0.0.1:")
    assert emulator.calls[0].http_status == 200


def test_another_authority_is_refused(emulator: Emulator, core: Any) -> None:
    with pytest.raises(requests.exceptions.SSLError, match="CERTIFICATE_VERIFY_FAILED"):
        get(emulator.endpoint, verify=True)
    core.client.set_verify(True)
    with pytest.raises(ClientException):
        core.call("ListRegions")

    assert emulator.calls == []
    assert emulator.connections == 2


@pytest.mark.parametrize(
    ("names", "host", "accepted"),
    [
        (("localhost",), "localhost", True),
        (("localhost",), "127.0.0.1", False),
        (("ehpc.cn-hangzhou.example.com",), "localhost", False),
    ],
)
def test_other_names_are_refused(names: tuple[str, ...], host: str, accepted: bool) -> None:
    with Emulator(tls=True, names=names) as emulator:
        assert emulator.endpoint == f"https://localhost:{emulator.port}"
        if accepted:
            assert get(f"https://{host}:{emulator.port}", verify=emulator.ca_path) == 400
        else:
            with pytest.raises(requests.exceptions.SSLError, match="CERTIFICATE_VERIFY_FAILED"):
                get(f"https://{host}:{emulator.port}", verify=emulator.ca_path)


def test_plain_http_fails_on_a_tls_port(emulator: Emulator) -> None:
    with pytest.raises(requests.ConnectionError):
        get(f"http://127.0.0.1:{emulator.port}")


@pytest.mark.parametrize("kind", ["lost_before", "lost_after", "truncated"])
def test_connections_are_lost_under_tls_too(kind: str, emulator: Emulator, plain: Any) -> None:
    emulator.fault("ListRegions", kind)

    with pytest.raises((requests.ConnectionError, requests.exceptions.ChunkedEncodingError)):
        plain.get("ListRegions")

    assert plain.get("ListRegions").status_code == 200


def test_the_file_of_the_authority_is_removed_at_the_end() -> None:
    with Emulator(tls=True) as emulator:
        path = Path(emulator.ca_path or "")
        assert ssl.create_default_context(cafile=str(path)).get_ca_certs()

    assert not path.parent.exists()
    assert emulator.ca_path is None
