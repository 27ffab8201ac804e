# Copyright (c) 2026, the alicloud.ehpc contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A certificate of a throw-away authority."""

from __future__ import annotations

import ssl
from collections.abc import Sequence
from pathlib import Path

import trustme


def server_context(names: Sequence[str], ca_path: Path, sni: list[str | None]) -> ssl.SSLContext:
    """Writes the authority's certificate to ca_path; the context adds the name that each client asks for to sni."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(ca_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(*names).configure_cert(context)

    def note(_connection: ssl.SSLObject | ssl.SSLSocket, name: str | None, _context: ssl.SSLContext) -> None:
        sni.append(name)

    context.sni_callback = note
    return context
