# Copyright (c) 2026, the alicloud.ehpc contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The environment variables that tests must not inherit."""

from __future__ import annotations

FOREIGN = ("ALIBABA", "ALICLOUD", "ALIYUN", "PROXY", "CA_BUNDLE", "SSL_CERT_", "NETRC")


def is_foreign(name: str) -> bool:
    """Whether an environment variable could give the code an identity, a region, an endpoint or a way to it."""
    return any(part in name.upper() for part in FOREIGN)
