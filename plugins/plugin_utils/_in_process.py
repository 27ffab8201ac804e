# Copyright (c) 2026, the alicloud.ehpc contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Run the function of a module in Ansible's worker, without a process of its own.

An API call needs no process. A task gives the same result in the worker as in a process, so the worker does what a process
does around the function. With each release of ansible-core, compare:

==================================================  ==================================================================
Here                                                What it mirrors
==================================================  ==================================================================
``_task_environment``, ``_environment``             ``ActionBase._compute_environment_string``
``_directory``                                      the local connection, which starts processes in the playbook's directory
``_plain``: options through JSON                     ``module_common.modify_module``, ``AnsibleModule._load_params``
``_run_here``: no stdout, no stderr                 ``ActionBase._parse_returned_data``, which drops what is not the result
``_Invocation.warn``                                ``AnsibleModule.warn``, which reports each warning once
``_Invocation._check_options``                      ``AnsibleModule.__init__``: aliases, validation, wording of the failure
``_options_are_shown``                              ``INJECT_INVOCATION`` in ``AnsibleModule._return_formatted``
``_module.presentable``, for both ways of running   ``remove_values`` in ``AnsibleModule._return_formatted``, before 2.22
``_secrets.register_options``                       ``ArgumentSpecValidator.validate`` in the process, since 2.22
==================================================  ==================================================================

Each module has an action plugin of its own, although a redirect of all modules to one plugin in ``meta/runtime.yml`` would need
six files less. With a redirect, ansible-core resolves ``module_defaults`` by the name of the plugin, so that the defaults of one
module would reach all others, and ``ansible-test sanity`` requires an action plugin to have the name of a documented module.
"""

from __future__ import annotations

import contextlib
import datetime
import io
import json
import os
import secrets
import sys
import typing as t

from ansible import constants as C
from ansible.errors import AnsibleError
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.module_utils.errors import UnsupportedError
from ansible.module_utils.parsing.convert_bool import boolean
from ansible.plugins.action import ActionBase
from ansible.utils.display import Display
from ansible_collections.alicloud.ehpc.plugins.module_utils import _backup, _client
from ansible_collections.alicloud.ehpc.plugins.module_utils._arguments import SHARED_SPEC
from ansible_collections.alicloud.ehpc.plugins.module_utils._errors import EhpcError, invalid_option
from ansible_collections.alicloud.ehpc.plugins.module_utils._module import ModuleDefinition, presentable, refused, run_safely
from ansible_collections.alicloud.ehpc.plugins.plugin_utils import _backup_files
from ansible_collections.alicloud.ehpc.plugins.plugin_utils._secrets import register_options, register_texts

SWITCH = "ehpc_in_process"
AUTOMATIC_INTERPRETERS = ("auto", "auto_silent", "auto_legacy", "auto_legacy_silent")

# A worker runs one task on one host. All iterations of its loop and all its retries share the clients.
_clients: _client.Clients = {}


class EhpcAction(ActionBase):
    """The action plugin of a module: runs it in the worker if possible, otherwise as a process on the task's host."""

    TRANSFERS_FILES = False
    _supports_check_mode = True
    _supports_async = True
    MODULE: ModuleDefinition

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        """Run the task."""
        task_vars = task_vars or {}
        result: dict[str, t.Any] = super().run(tmp, task_vars)
        environment = self._task_environment()
        # Before a process starts, because a process returns secrets that are not registered yet, and an asynchronous job writes
        # what it returns to a file.
        register_options(dict(SHARED_SPEC, **self.MODULE.argument_spec), self._task.args, environment)
        try:
            args = self.prepared(task_vars)
        except EhpcError as error:
            result.update(error.as_failure(), failed=True)
            return result
        if self._can_run_here(task_vars):
            # A process on this machine runs in the playbook's directory, to which relative paths are relative.
            with _environment(environment), _directory(self._loader.get_basedir()):
                result.update(self._run_here(args, task_vars))
        else:
            result.update(self._run_as_process(args, task_vars))
        return result

    def prepared(self, _task_vars: dict[str, t.Any]) -> dict[str, t.Any]:
        """The options for the module. An action plugin can add what only the controller has. Raises EhpcError."""
        return t.cast("dict[str, t.Any]", self._task.args)

    def _run_as_process(self, args: dict[str, t.Any], task_vars: dict[str, t.Any]) -> dict[str, t.Any]:
        kept = {}
        if boolean(args.get("backup") or False, strict=False):
            # What the process returns is neither printed nor logged here. _backup says what the two processes do.
            key = secrets.token_hex(32)
            result: dict[str, t.Any] = self._execute_module(module_args={**args, _backup.OPTION: {"key": key}}, task_vars=task_vars)
            handed = {}
            if _backup.SEALED in result:
                try:
                    handed = _written(_backup.unseal(result.pop(_backup.SEALED), key), self._backup_options(args), self._loader.get_basedir())
                except EhpcError as error:
                    return {**result, **error.as_failure()}
                # The second process does not return it if it fails early, or finds nothing left to change.
                kept = {"backup_path": handed["path"]}
            elif result.get("failed") or not self._task.async_val:
                return result
            args = {**args, _backup.OPTION: handed}
        return {**kept, **self._execute_module(module_args=args, task_vars=task_vars, wrap_async=self._task.async_val)}

    def _backup_options(self, args: dict[str, t.Any]) -> dict[str, t.Any]:
        """The option that names the file. Raises EhpcError."""
        given = _plain({"backup_options": args.get("backup_options")})
        validated = ArgumentSpecValidator({"backup_options": self.MODULE.argument_spec["backup_options"]}).validate(given)
        if validated.error_messages:
            raise invalid_option("The option backup_options is not valid: %s." % str(validated.errors.msg).rstrip("."))
        return validated.validated_parameters["backup_options"] or {}

    def _can_run_here(self, task_vars: dict[str, t.Any]) -> bool:
        if self._connection.transport != "local" or self._connection.become or self._task.async_val:
            return False
        host_vars = task_vars
        if self._task.delegate_to:
            host_vars = task_vars.get("ansible_delegated_vars", {}).get(self._task.delegate_to, task_vars)
        if not boolean(self._templar.template(task_vars.get(SWITCH, True))):
            return False
        interpreter = self._templar.template(C.config.get_config_value("INTERPRETER_PYTHON", variables=host_vars))
        own = (sys.executable, self._templar.template(task_vars.get("ansible_playbook_python")))
        return not interpreter or interpreter in AUTOMATIC_INTERPRETERS or _resolved(interpreter) in map(_resolved, own)

    def _task_environment(self) -> dict[str, str]:
        """The environment of the task, its block and its play; the innermost is the last of the list."""
        merged: dict[str, str] = {}
        for layer in self._task.environment or []:
            values = self._templar.template(layer) or {}
            if not isinstance(values, dict):
                raise AnsibleError("The environment of a task must be a dictionary or a list of dictionaries.")
            merged.update({str(name): str(value) for name, value in values.items()})
        return merged

    def _run_here(self, options: dict[str, t.Any], task_vars: dict[str, t.Any]) -> dict[str, t.Any]:
        worker = _Invocation(self.MODULE, _plain(options), self._task.check_mode, self._loader.get_basedir())
        # What libraries print or log is dropped, as in a process. It would appear in the output of the play.
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            result = worker.result(self._task.action)
        return worker.shown(result, with_options=_options_are_shown(task_vars))


class _Invocation:
    """What a module's function needs of its runner, in the worker."""

    def __init__(self, definition: ModuleDefinition, args: dict[str, t.Any], check_mode: bool, directory: str) -> None:
        self.check_mode = check_mode
        self.params = args
        self._definition = definition
        self._directory = directory
        self._spec = dict(SHARED_SPEC, **definition.argument_spec)
        self._warnings: list[str] = []

    def warn(self, warning: str) -> None:
        """Return the warning with the result."""
        if warning not in self._warnings:
            self._warnings.append(warning)

    def progress(self, message: str) -> None:
        """Show the message between the lines of the play; a worker's display hands it to the process that prints."""
        Display().display(message)

    def back_up(self, backup: dict[str, t.Any], options: dict[str, t.Any]) -> str:
        """Write the file: the worker runs on the controller."""
        return _written(backup, options, self._directory)["path"]

    def result(self, name: str) -> dict[str, t.Any]:
        """The result of the module, or its failure."""
        problem = self._check_options(name)
        return refused(problem) if problem else run_safely(self._definition, self, _clients)

    def _check_options(self, name: str) -> str | None:
        """Check the options as AnsibleModule does. Returns its message if they are invalid."""
        for option, spec in self._spec.items():
            for alias in spec.get("aliases", []):
                if option in self.params and alias in self.params:
                    self.warn("Both option %s and its alias %s are set." % (option, alias))
        validated = ArgumentSpecValidator(self._spec, mutually_exclusive=self._definition.mutually_exclusive).validate(self.params)
        self.params.update(validated.validated_parameters)
        if not validated.error_messages:
            return None
        problem = str(validated.errors.msg)
        if isinstance(validated.errors[0], UnsupportedError):
            problem = "Unsupported parameters for (%s) module: %s" % (name, problem)
        return problem

    def shown(self, result: dict[str, t.Any], with_options: bool) -> dict[str, t.Any]:
        """The result with warnings and without secrets, and with the options if results show them."""
        if self._warnings:
            result["warnings"] = list(self._warnings)
        shown = presentable(result, self._spec, self.params)
        if not with_options:
            del shown["invocation"]
        return shown


def _written(backup: dict[str, t.Any], options: dict[str, t.Any], directory: str) -> dict[str, str]:
    """Write a backup. Returns what a process needs to know of it. Raises EhpcError."""
    register_texts(backup)
    return {"path": _backup_files.write(backup, options, directory), "digest": _backup.digest(backup)}


def _plain(options: dict[str, t.Any]) -> dict[str, t.Any]:
    """Through JSON, as on the way to a process, so that the function of a module gets plain values and no types of the controller."""
    return t.cast("dict[str, t.Any]", json.loads(json.dumps(options, default=_as_text)))


def _as_text(value: t.Any) -> str:
    """A value that JSON has no type for, as Ansible writes it for a process."""
    return str(value.isoformat() if isinstance(value, datetime.date) else value)


def _options_are_shown(task_vars: dict[str, t.Any]) -> bool:
    """Whether results show the options: a setting since ansible-core 2.21, always before."""
    try:
        return bool(boolean(C.config.get_config_value("INJECT_INVOCATION", variables=task_vars)))
    except AnsibleError:
        return True


def _resolved(interpreter: str | None) -> str:
    """The path of an interpreter without links in its directory. A virtual environment is a directory with a link to a Python."""
    directory, name = os.path.split(str(interpreter))
    return os.path.join(os.path.realpath(directory), name)


@contextlib.contextmanager
def _environment(variables: dict[str, str]) -> t.Iterator[None]:
    """Set environment variables inside the block."""
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


@contextlib.contextmanager
def _directory(path: str) -> t.Iterator[None]:
    """Change the working directory inside the block."""
    before = os.open(".", os.O_RDONLY)
    try:
        os.chdir(path)
        yield
    finally:
        os.fchdir(before)
        os.close(before)
