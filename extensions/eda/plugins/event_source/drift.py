# Copyright (c) 2026, the alicloud.ehpc contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An event source of Event-Driven Ansible: clusters that begin or cease to differ from their desired state."""

from __future__ import annotations

import asyncio
import importlib.util
import json
import math
import sys
import typing as t
from collections import Counter
from pathlib import Path

import yaml

try:
    IS_INSTALLED = importlib.util.find_spec("ansible_collections.alicloud.ehpc") is not None
except ModuleNotFoundError:
    IS_INSTALLED = False
if not IS_INSTALLED:
    # ansible-rulebook loads this file by its path. Seven directories up is the one that contains ansible_collections.
    sys.path.append(str(Path(__file__).absolute().parents[7]))

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.module_utils.errors import UnsupportedError
from ansible_collections.alicloud.ehpc.plugins.module_utils import _drift
from ansible_collections.alicloud.ehpc.plugins.module_utils._arguments import SHARED_SPEC
from ansible_collections.alicloud.ehpc.plugins.module_utils._module import presentable, refused, run_safely
from ansible_collections.alicloud.ehpc.plugins.modules.drift_info import MODULE

DOCUMENTATION = r"""
---
short_description: Receive events when E-HPC clusters drift from their desired state
description:
  - Compares clusters with their desired state periodically, as alicloud.ehpc.drift_info does, and never writes to E-HPC.
  - Sends an event when a cluster has drifted, when it has its desired state again, and when it cannot be read. Sends no further events while
    the state of a cluster stays the same, and no event for a cluster that has its desired state at the first comparison.
  - An event has the keys of an element of C(clusters) that alicloud.ehpc.drift_info returns, with signatures masked, and C(previous), the last
    known state V(in_sync) or V(drifted). C(previous) is V(null) before the first successful comparison.
  - If the comparison as a whole fails, for example because O(file) cannot be read, the event has V(null) as C(cluster_id) and C(region), the state
    V(failed), and C(error) with C(code) and C(message).
options:
  clusters:
    description:
      - The clusters and their desired state, as in alicloud.ehpc.drift_info. Required unless O(file) is set, and ignored if it is set.
    type: list
    elements: dict
  file:
    description:
      - A YAML file with the same list. It is read before each comparison, so that the desired state can change.
    type: str
  interval:
    description:
      - The number of seconds between two comparisons, at least 1.
    type: float
    default: 300
notes:
  - All other options of alicloud.ehpc.drift_info are accepted, too. Set credentials as environment variables. Warnings are not reported.
"""

EXAMPLES = r"""
- alicloud.ehpc.drift:
    file: /etc/ehpc/clusters.yml
    interval: 300
"""

OWN_OPTIONS = ("file", "interval")
SPEC = dict(SHARED_SPEC, **MODULE.argument_spec)
Event = dict[str, t.Any]
# A cluster, its region, and a number if they are declared more than once.
Key = tuple[str | None, str | None, int]
# For a failure of the comparison as a whole.
WHOLE: Key = (None, None, 1)


class Invocation:
    """What the function of a module needs of its runner."""

    check_mode = False

    def __init__(self, params: dict[str, t.Any]) -> None:
        self.params = params

    def warn(self, warning: str) -> None:
        """Events have no warnings."""

    def progress(self, message: str) -> None:
        """Events show no progress."""


class Watch:
    """The states that were reported."""

    def __init__(self) -> None:
        # The last state that was read, and the code of the present failure.
        self._states: dict[Key, str] = {}
        self._failures: dict[Key, str] = {}

    def events(self, clusters: list[Event]) -> list[Event]:
        """The events for a comparison: those of clusters that differ from what was reported before."""
        present = _keyed(clusters)
        # A failure of the comparison as a whole says nothing about the clusters.
        if WHOLE not in present:
            for known in (self._states, self._failures):
                for key in set(known) - set(present):
                    del known[key]
        return [event for key, cluster in present.items() for event in self._event(key, cluster)]

    def _event(self, key: Key, cluster: Event) -> list[Event]:
        state, previous = cluster["state"], self._states.get(key)
        event = {**cluster, "previous": previous}
        if state == _drift.FAILED:
            code = str(cluster["error"]["code"])
            is_new = self._failures.get(key) != code
            self._failures[key] = code
            return [event] if is_new else []
        self._failures.pop(key, None)
        if state == _drift.NOT_COMPARED or state == previous:
            return []
        self._states[key] = state
        return [event] if previous or state == _drift.DRIFTED else []


def _keyed(clusters: list[Event]) -> dict[Key, Event]:
    """The clusters by their keys. A cluster that is declared twice, such as for its scripts and for its users, has two states."""
    numbers: Counter[tuple[str | None, str | None]] = Counter()
    keyed = {}
    for cluster in clusters:
        name = cluster["cluster_id"], cluster["region"]
        numbers[name] += 1
        keyed[(*name, numbers[name])] = cluster
    return keyed


def compare(args: dict[str, t.Any]) -> list[Event]:
    """The clusters as they are now. A failure that is not that of one cluster is a cluster without an ID."""
    options = {name: value for name, value in args.items() if name not in OWN_OPTIONS}
    try:
        if args.get("file"):
            content = yaml.safe_load(Path(args["file"]).read_text(encoding="utf-8"))
            # Through JSON, as on the way to a module: YAML has keys that are no strings.
            options["clusters"] = json.loads(json.dumps(content, default=str))
    except OSError as error:
        return [_failed("InvalidOptions", "The file %s cannot be read: %s." % (args["file"], error.strerror))]
    except Exception:  # noqa: BLE001 - the parser also raises ValueError, for 2026-02-30, and others
        # Without its message, which may contain a signature.
        return [_failed("InvalidOptions", "The file %s is not a valid YAML file." % args["file"])]
    validated = ArgumentSpecValidator(SPEC).validate(options)
    if validated.error_messages:
        problems = ["Unsupported options: %s" % error.msg if isinstance(error, UnsupportedError) else str(error.msg) for error in validated.errors]
        return [_failed("InvalidOptions", refused("%s." % "; ".join(problems).rstrip("."))["error"]["message"])]
    params = t.cast("dict[str, t.Any]", validated.validated_parameters)
    clients: dict[t.Any, t.Any] = {}
    try:
        result = presentable(run_safely(MODULE, Invocation(params), clients), SPEC, params)
    finally:
        for client in clients.values():
            client.close()
    if "clusters" in result:
        return list(result["clusters"])
    return [_failed(result["error"]["code"], result["error"]["message"])]


def _failed(code: str, message: str) -> Event:
    return {"cluster_id": None, "region": None, "state": _drift.FAILED, "error": {"code": code, "message": message}}


async def main(queue: asyncio.Queue[Event], args: dict[str, t.Any]) -> None:
    """Send events until ansible-rulebook ends the source."""
    try:
        interval = float(args.get("interval", 300))
    except (TypeError, ValueError):
        interval = math.nan
    if not 1 <= interval < math.inf or not (args.get("clusters") or args.get("file")):
        raise ValueError("alicloud.ehpc.drift requires clusters or file, and an interval of at least 1 second.")
    watch = Watch()
    while True:
        for event in watch.events(await asyncio.to_thread(compare, args)):
            await queue.put(event)
        await asyncio.sleep(interval)


if __name__ == "__main__":
    # To try it without ansible-rulebook: drift.py FILE prints the events.
    class Printing:
        """A queue that prints."""

        async def put(self, event: Event) -> None:
            """Print an event."""
            print(event)

    asyncio.run(main(t.cast("asyncio.Queue[Event]", Printing()), {"file": sys.argv[1], "interval": 60}))
