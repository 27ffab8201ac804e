# Copyright (c) 2026, the alicloud.ehpc contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Run the function of a module as an ordinary Ansible module: a process on the task's host."""

from __future__ import annotations

import traceback
import typing as t

from ansible.module_utils.basic import AnsibleModule, missing_required_lib
from ansible_collections.alicloud.ehpc.plugins.module_utils import _backup, _client, _errors, _http, _next_clusters
from ansible_collections.alicloud.ehpc.plugins.module_utils._arguments import SHARED_SPEC
from ansible_collections.alicloud.ehpc.plugins.module_utils._errors import EhpcError, attempt
from ansible_collections.alicloud.ehpc.plugins.module_utils._generations import V1
from ansible_collections.alicloud.ehpc.plugins.module_utils._redact import redact_text, redact_values, without_secrets

if t.TYPE_CHECKING:  # pragma: no cover
    from ansible_collections.alicloud.ehpc.plugins.module_utils._client import Client


# What AnsibleModule has put in place of a secret option in results, before ansible-core 2.22.
SECRET_OPTION = "VALUE_SPECIFIED_IN_NO_LOG_PARAMETER"
# An option or suboption that is not shown either, because it is long. Unlike a secret it is not looked for elsewhere.
CONTENT_OPTION = "content"


class Invocation(t.Protocol):
    """What a module's function needs of its runner. AnsibleModule is one."""

    params: dict[str, t.Any]
    check_mode: bool

    def warn(self, warning: str) -> None:
        """Show a warning to the user."""

    def progress(self, message: str) -> None:
        """Show a message to the user at once, if the runner can."""

    def back_up(self, backup: dict[str, t.Any], options: dict[str, t.Any]) -> str:
        """Write a backup into a file on the controller, and return its path. Raises EhpcError, also to write it and run the module again."""


Function = t.Callable[[Invocation, "Client"], t.Dict[str, t.Any]]


class EhpcModule(AnsibleModule):
    """An AnsibleModule whose results show neither secret options nor the signatures of pre-signed URLs."""

    def progress(self, message: str) -> None:
        """A process returns its result and nothing before it."""

    def _load_params(self) -> None:
        super()._load_params()
        self._handed = self.params.pop(_backup.OPTION, None)

    def back_up(self, backup: dict[str, t.Any], options: dict[str, t.Any]) -> str:
        """Leave the file to the controller, which knows the options."""
        return _backup.backed_up(self._handed, backup)

    def exit_json(self, **kwargs: t.Any) -> None:
        """End with a result."""
        super().exit_json(**presentable(kwargs, self.argument_spec, self.params))

    def fail_json(self, msg: str, **kwargs: t.Any) -> None:
        """End with a failure, also one that AnsibleModule itself finds in the options."""
        failure = {"error": refused(msg)["error"], **kwargs, "msg": redact_values(msg)}
        super().fail_json(**presentable(failure, self.argument_spec, self.params))


def presentable(result: t.Mapping[str, t.Any], spec: t.Mapping[str, t.Mapping[str, t.Any]], params: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    """The result with the options of the task, and without their secrets.

    ansible-core leaves secrets in results since 2.22, and masks them in output only.
    """
    shown = dict(result, invocation={"module_args": redact_values(_without_secret_options(spec, params))})
    return t.cast("dict[str, t.Any]", without_secrets(shown, secret_values(spec, params)))


def secret_names(spec: t.Mapping[str, t.Mapping[str, t.Any]]) -> set[str]:
    """The names of the secret options, aliases included."""
    secret = [name for name, option in spec.items() if option.get("no_log")]
    return {*secret, *(alias for name in secret for alias in spec[name].get("aliases", []))}


def _names(spec: t.Mapping[str, t.Mapping[str, t.Any]]) -> set[str]:
    """The names of all options, aliases included."""
    return {*spec, *(alias for option in spec.values() for alias in option.get("aliases", []))}


def secret_values(spec: t.Mapping[str, t.Mapping[str, t.Any]], params: t.Mapping[str, t.Any]) -> set[str]:
    """The values of the options and suboptions that are secret, under any of their names."""
    found = {str(params[name]) for name in secret_names(spec) if params.get(name)}
    for name, option in spec.items():
        found.update(*(secret_values(option["options"], entry) for entry in _entries(option, params.get(name))))
    return found


def _without_secret_options(spec: t.Mapping[str, t.Mapping[str, t.Any]], params: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    hidden = secret_names(spec) | ({CONTENT_OPTION} & set(spec))
    if hidden:
        # A name that is not an option may be a misspelt secret one.
        hidden |= set(params) - _names(spec)
    shown = {name: SECRET_OPTION if name in hidden and value else value for name, value in params.items()}
    for name, option in spec.items():
        if _entries(option, params.get(name)):
            shown[name] = [_without_secret_options(option["options"], entry) if isinstance(entry, dict) else entry for entry in params[name]]
        elif option.get("elements") == "raw" and isinstance(params.get(name), (list, tuple)):
            shown[name] = [_without_password(entry) for entry in params[name]]
    return shown


def _without_password(entry: t.Any) -> t.Any:
    """An entry that may be a user as the module user takes it, although the option takes no password."""
    return {**entry, "password": SECRET_OPTION} if isinstance(entry, dict) and entry.get("password") else entry


def _entries(option: t.Mapping[str, t.Any], value: t.Any) -> list[dict[str, t.Any]]:
    """The dictionaries in the list of an option with suboptions."""
    if "options" not in option or not isinstance(value, (list, tuple)):
        return []
    return [entry for entry in value if isinstance(entry, dict)]


def refused(problem: str) -> dict[str, t.Any]:
    """The failure of a task whose options Ansible itself refuses, with the message of Ansible."""
    # Redacted, because the message about an invalid choice contains the value.
    problem = redact_values(problem)
    return {"failed": True, "msg": problem, "error": _errors.error_details(_errors.INVALID_OPTIONS, problem)}


class ModuleDefinition(t.NamedTuple):
    """A module: its function, its options beside the shared ones, and how the options are checked."""

    function: Function
    argument_spec: dict[str, t.Any]
    mutually_exclusive: tuple[tuple[str, ...], ...] = ()
    # The operation that the module is for, or what it does in words. It names what was attempted if an option cannot work for a cluster.
    action: str | None = None
    # The region to use if none is set, for an operation with the same result in every region.
    fallback_region: str | None = None
    # The generations of the clusters that the module works with.
    generations: tuple[str, ...] = (V1,)


def run(definition: ModuleDefinition) -> None:
    """Run a module and end the process with its result."""
    module = EhpcModule(
        argument_spec=dict(SHARED_SPEC, **definition.argument_spec),
        mutually_exclusive=definition.mutually_exclusive,
        supports_check_mode=True,
        # Otherwise AnsibleModule writes the options, and so pre-signed URLs, to the system's log.
        no_log=True,
    )
    result = run_safely(definition, module)
    if result.pop("failed", False):
        module.fail_json(**result)
    module.exit_json(**result)


def run_safely(definition: ModuleDefinition, invocation: Invocation, clients: _client.Clients | None = None) -> dict[str, t.Any]:
    """The result of a module, or its failure, also if its function raises an unexpected exception."""
    if _http.MISSING_LIBRARY:
        message = missing_required_lib(_http.REQUIRED_LIBRARIES)
        error = _errors.error_details(_errors.MISSING_LIBRARY, message)
        return {"failed": True, "msg": message, "error": error, "exception": _http.MISSING_LIBRARY}
    try:
        return invoke(definition, invocation, clients)
    except EhpcError as error:
        return dict(error.as_failure(), failed=True)
    except (Exception, SystemExit) as error:  # noqa: BLE001 - a worker must survive what a library raises, and a traceback can hold a URL
        message = "The module failed unexpectedly: %s: %s." % (type(error).__name__, str(error).rstrip("."))
        failure = EhpcError(_errors.UNEXPECTED, message).as_failure()
        return dict(failure, failed=True, exception=redact_text(traceback.format_exc()))


def invoke(definition: ModuleDefinition, invocation: Invocation, clients: _client.Clients | None = None) -> dict[str, t.Any]:
    """The result of a module, for options that are checked already. Raises EhpcError."""
    warning = _client.certificate_warning(invocation.params)
    if warning:
        invocation.warn(warning)
    return call(definition, invocation, _client.client_for(invocation.params, definition.fallback_region, clients))


def call(definition: ModuleDefinition, invocation: Invocation, client: Client) -> dict[str, t.Any]:
    """The result of a module's function. Raises EhpcError, which names the cluster also if no call was made for it."""
    try:
        return definition.function(invocation, client)
    except EhpcError as error:
        cluster_id = invocation.params.get("cluster_id")
        if cluster_id and definition.generations == (V1,):
            error = _next_clusters.explained(error, client, cluster_id, definition.action)
        # The message about an invalid ID contains the ID.
        if not definition.action or not cluster_id or error.action or error.message.startswith("cluster_id "):
            raise error from None
        raise error.with_context(attempted=attempt(definition.action, cluster_id, client.region)) from None
