# Copyright (c) 2026, the alicloud.ehpc contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.

"""The collection's version, as the service sees it in the User-Agent."""

from __future__ import annotations

# galaxy.yml does not travel to the host that runs a module; a test holds the two equal.
VERSION = "1.0.0"
