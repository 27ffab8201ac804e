# Copyright (c) 2026, the alicloud.ehpc contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The filters of the role ehpc_bootstrap."""

from __future__ import annotations

import functools
import typing as t
from collections.abc import Mapping

from ansible_collections.alicloud.ehpc.plugins.plugin_utils import _bootstrap_options, _bootstrap_plan, _bootstrap_results
from ansible_collections.alicloud.ehpc.plugins.plugin_utils._actions import accounts_of
from ansible_collections.alicloud.ehpc.plugins.plugin_utils._untrusted import as_data


def account_names(passwd: Mapping[str, list[str]], uid_min: int, uid_max: int) -> list[str]:
    """The names of the real accounts in what ansible.builtin.getent read of passwd."""
    return sorted(name for name, uid in accounts_of(passwd).items() if uid_min <= uid <= uid_max)


def _returns_data(function: t.Callable[..., t.Any]) -> t.Callable[..., t.Any]:
    """The function, whose result Ansible never evaluates: strings of a cluster or of a host may look like templates."""

    @functools.wraps(function)
    def returns_data(*args: t.Any, **kwargs: t.Any) -> t.Any:
        return as_data(function(*args, **kwargs))

    return returns_data


class FilterModule:
    """The filters of this file."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """The filters by name."""
        filters: dict[str, t.Callable[..., t.Any]] = {
            "account_names": account_names,
            "bootstrap_options": _bootstrap_options.bootstrap_options,
            "bootstrap_plan": _bootstrap_plan.bootstrap_plan,
            "bootstrap_result": _bootstrap_results.bootstrap_result,
            "bootstrap_table": _bootstrap_results.bootstrap_table,
        }
        return {name: _returns_data(function) for name, function in filters.items()}
