# Copyright (c) 2026, the alicloud.ehpc contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import base64
import copy
import os
import typing as t

from ansible.errors import AnsibleError
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.plugins.loader import lookup_loader
from ansible_collections.alicloud.ehpc.plugins.module_utils._arguments import SHARED_SPEC
from ansible_collections.alicloud.ehpc.plugins.module_utils._errors import invalid_option
from ansible_collections.alicloud.ehpc.plugins.module_utils._fetch import MAX_BYTES
from ansible_collections.alicloud.ehpc.plugins.module_utils._publishing import PASSED, source_of
from ansible_collections.alicloud.ehpc.plugins.modules import post_scripts_publish
from ansible_collections.alicloud.ehpc.plugins.plugin_utils._in_process import EhpcAction


class ActionModule(EhpcAction):
    """Run post_scripts_publish without a process of its own, with the contents of files and templates of the controller."""

    MODULE = post_scripts_publish.MODULE

    def prepared(self, task_vars: dict[str, t.Any]) -> dict[str, t.Any]:
        """The options with the contents of the scripts, in base64 because a content is any bytes. Raises EhpcError."""
        args: dict[str, t.Any] = self._task.args
        validator = ArgumentSpecValidator(dict(SHARED_SPEC, **self.MODULE.argument_spec))
        validated = validator.validate(copy.deepcopy(args))
        if validated.error_messages:
            # The module reports the same.
            return args
        scripts = validated.validated_parameters["scripts"]
        return {**args, "scripts": [self._with_content("scripts[%d]" % index, entry, task_vars) for index, entry in enumerate(scripts)]}

    def _with_content(self, where: str, entry: dict[str, t.Any], task_vars: dict[str, t.Any]) -> dict[str, t.Any]:
        content = self._content(where, source_of(where, entry), entry, task_vars)
        given = {name: value for name, value in entry.items() if value is not None}
        return given if content is None else {**given, "content": PASSED + base64.b64encode(content).decode("ascii")}

    def _content(self, where: str, source: str, entry: dict[str, t.Any], task_vars: dict[str, t.Any]) -> bytes | None:
        if source == "src":
            return self._read(where + ".src", entry["src"])
        if source == "template":
            return self._rendered(where + ".template", entry["template"], task_vars)
        return None

    def _read(self, where: str, src: str) -> bytes:
        path = self._found(where, "files", src)
        try:
            # As ansible.builtin.copy, it decrypts what is encrypted with Ansible Vault.
            real = self._loader.get_real_file(path)
            with open(real, "rb") as file:
                content = file.read(MAX_BYTES + 1)
            self._loader.cleanup_tmp_file(real)
        except OSError as error:
            raise invalid_option("%s cannot be read: %s: %s." % (where, path, error.strerror)) from None
        except AnsibleError as error:
            raise invalid_option("%s cannot be read: %s" % (where, str(error).partition("\n")[0])) from None
        return content

    def _rendered(self, where: str, template: str, task_vars: dict[str, t.Any]) -> bytes:
        path = self._found(where, "templates", template)
        lookup = lookup_loader.get("ansible.builtin.template", loader=self._loader, templar=self._templar)
        try:
            (text,) = lookup.run([path], variables=task_vars)
            return str(text).encode("utf-8")
        except (AnsibleError, UnicodeError) as error:
            # Some releases quote the whole template.
            reason = str(error).partition(". String: ")[0].partition("\n")[0].rstrip(".")
            raise invalid_option("%s cannot be rendered: %s: %s." % (where, path, reason)) from None

    def _found(self, where: str, directory: str, name: str) -> str:
        """The path of a file, searched for as the modules copy and template do."""
        try:
            path = str(self._find_needle(directory, name))
        except AnsibleError as error:
            searched = [line.strip() for line in str(error).split("\n") if line.startswith("\t")]
            raise invalid_option("%s does not exist on the controller: %s. Searched in: %s." % (where, name, ", ".join(searched))) from None
        if os.path.isdir(path):
            raise invalid_option("%s is a directory: %s." % (where, path))
        return path
