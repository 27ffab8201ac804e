# Copyright (c) 2026, the alicloud.ehpc contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Clients and modules in the process of the test, over real sockets: many cases in the time of one ansible-playbook."""

from __future__ import annotations

import importlib
import json
import typing as t
from dataclasses import dataclass, field

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.alicloud.ehpc.plugins.module_utils._arguments import SHARED_SPEC
from ansible_collections.alicloud.ehpc.plugins.module_utils._client import Client, Clients, client_for
from ansible_collections.alicloud.ehpc.plugins.module_utils._module import ModuleDefinition, invoke
from ansible_collections.alicloud.ehpc.tests.emulator import Emulator


def definition(module: str) -> ModuleDefinition:
    """A module's function and options."""
    found = importlib.import_module(f"ansible_collections.alicloud.ehpc.plugins.modules.{module}")
    return t.cast(ModuleDefinition, found.MODULE)


def reaching(emulator: Emulator, **options: t.Any) -> dict[str, t.Any]:
    """The shared options that reach the emulator, with retries that have no delay."""
    return {
        "endpoint": emulator.endpoint,
        "access_key": emulator.access_key,
        "secret_key": emulator.secret_key,
        "region": emulator.region,
        "ca_path": emulator.ca_path or "",
        "api_retry_max_delay": 0,
        **options,
    }


def client(options: dict[str, t.Any]) -> Client:
    """A client for these shared options only."""
    return client_for({**dict.fromkeys(SHARED_SPEC), **_validated(SHARED_SPEC, options)})


@dataclass
class Invocation:
    """The parts of an invocation that the function of a module uses."""

    params: dict[str, t.Any]
    check_mode: bool = False
    warnings: list[str] = field(default_factory=list)

    def warn(self, warning: str) -> None:
        self.warnings.append(warning)

    def progress(self, message: str) -> None:
        pass

    def back_up(self, backup: dict[str, t.Any], options: dict[str, t.Any]) -> str:
        raise NotImplementedError


def run(module: str, options: dict[str, t.Any], check_mode: bool = False, clients: Clients | None = None) -> dict[str, t.Any]:
    """The result of a module, for options as a task has them. Raises EhpcError."""
    own = definition(module)
    known: Clients = {} if clients is None else clients
    invocation = Invocation(_validated({**SHARED_SPEC, **own.argument_spec}, options), check_mode)
    try:
        return t.cast("dict[str, t.Any]", json.loads(json.dumps(invoke(own, invocation, known))))
    finally:
        if clients is None:
            for used in known.values():
                used.close()


def _validated(spec: dict[str, t.Any], options: dict[str, t.Any]) -> dict[str, t.Any]:
    validated = ArgumentSpecValidator(spec).validate(options)
    assert not validated.error_messages, validated.error_messages
    return t.cast("dict[str, t.Any]", validated.validated_parameters)
