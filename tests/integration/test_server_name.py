# Copyright (c) 2026, the alicloud.ehpc contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The server's name is sent, and its certificate verified, on every Python that this machine has."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import sysconfig

import pytest
from ansible_collections.alicloud.ehpc.tests.emulator import Emulator
from ansible_collections.alicloud.ehpc.tests.support import pythons
from ansible_collections.alicloud.ehpc.tests.support.playing import COLLECTIONS

VERSIONS = ("3.10", "3.11", "3.12", "3.13")
CALL = """
import json, sys
from ansible_collections.alicloud.ehpc.plugins.module_utils._client import client_for
from ansible_collections.alicloud.ehpc.plugins.module_utils._errors import EhpcError
try:
    print(len(client_for(json.loads(sys.argv[1])).call("ListRegions")["Regions"]["RegionInfo"]))
except EhpcError as error:
    print(error.code)
"""


PYTHONS = {version: str(python) for version in VERSIONS for python in [pythons.find(version, needs="ssl")] if python}
PYTHONS["%d.%d" % sys.version_info[:2]] = sys.executable


def called(python: str, emulator: Emulator) -> str:
    """The output of the client on this Python, with the pure Python libraries of the tests."""
    options = {"endpoint": f"https://localhost:{emulator.port}", "ca_path": emulator.ca_path, "region": emulator.region, "api_retries": 0}
    options |= {"access_key": emulator.access_key, "secret_key": emulator.secret_key}
    path = os.pathsep.join([str(COLLECTIONS), sysconfig.get_path("purelib")])
    environment = {**os.environ, "PYTHONPATH": path, "PYTHONWARNINGS": "ignore"}
    ran = subprocess.run([python, "-c", CALL, json.dumps(options)], env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert ran.returncode == 0, ran.stderr
    return ran.stdout.strip()


@pytest.mark.parametrize("version", PYTHONS)
def test_the_server_name_is_sent(version: str) -> None:
    with Emulator(tls=True, names=["localhost"]) as emulator:
        assert called(PYTHONS[version], emulator) == "3"
        assert emulator.sni == ["localhost"]


@pytest.mark.parametrize("version", PYTHONS)
def test_another_hosts_certificate_is_refused(version: str) -> None:
    with Emulator(tls=True, names=["other.example.com"]) as emulator:
        assert called(PYTHONS[version], emulator) == "TlsFailed"
        assert emulator.calls == []
