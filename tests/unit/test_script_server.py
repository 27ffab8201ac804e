# Copyright (c) 2026, the alicloud.ehpc contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The script server of the tests."""

from __future__ import annotations

from pathlib import Path

import pytest
import requests
from ansible_collections.alicloud.ehpc.tests.support.script_server import ScriptServer, redirect, status


def test_files_are_served_over_tls() -> None:
    with ScriptServer({"/a.sh": b"#!/bin/sh\n", "/a.sh?v=2": b"#!/bin/bash\n", "/old": redirect("/a.sh"), "/no": status(403, b"no")}) as server:
        get = [requests.get(server.url(path), verify=server.ca_path, timeout=10) for path in ("/a.sh", "/a.sh?v=2", "/a.sh?v=3", "/old", "/no", "/none")]
        assert [(answer.status_code, answer.text) for answer in get[:5]] == [
            (200, "#!/bin/sh\n"),
            (200, "#!/bin/bash\n"),
            (200, "#!/bin/sh\n"),
            (200, "#!/bin/sh\n"),
            (403, "no"),
        ]
        assert get[5].status_code == 404
        assert [request.path for request in server.requests][:2] == ["/a.sh", "/a.sh?v=2"]
        assert server.requests[0].headers["user-agent"].startswith("python-requests")
        with pytest.raises(requests.exceptions.SSLError):
            requests.get(server.url("/a.sh"), timeout=10)
    assert not Path(server.ca_path).exists()


def test_without_tls_and_with_another_name() -> None:
    with ScriptServer({"/a.sh": b"x"}, tls=False) as server:
        assert requests.get(server.url("/a.sh", "localhost"), timeout=10).content == b"x"
    with ScriptServer({"/a.sh": b"x"}, names=["scripts.example.com"]) as server, pytest.raises(requests.exceptions.SSLError):
        requests.get(server.url("/a.sh"), verify=server.ca_path, timeout=10)
