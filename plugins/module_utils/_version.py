# Copyright (c) 2026, the alicloud.ehpc contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The version of the collection, which is a part of the User-Agent."""

from __future__ import annotations

# A host that runs a module does not have galaxy.yml. A test checks that both versions are equal.
VERSION = "1.0.0"
