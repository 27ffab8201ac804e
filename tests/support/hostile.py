# Copyright (c) 2026, the alicloud.ehpc contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Strings that leave a directory on the controller if Ansible ever evaluates them."""

from __future__ import annotations

from pathlib import Path


class Hostile:
    """Strings that a service or a node could return, by the syntax that would evaluate them."""

    def __init__(self, directory: Path) -> None:
        self.evidence = directory / "evaluated"
        call = f"cycler.__init__.__globals__.os.mkdir('{self.evidence}')"
        # Without whitespace, so that it can be part of a URL.
        self.expression = f"{{{{{call}}}}}"
        self.strings = {
            "expression": f"{{{{ {call} }}}}",
            "statement": f"a{{% if {call} %}}b{{% endif %}}",
            "comment": "a{# comment #}b",
            "own_delimiters": f"#jinja2:variable_start_string:'[[',variable_end_string:']]'\n[[ {call} ]]",
            "no_delimiters": f"lookup('pipe', 'mkdir {self.evidence}')",
        }

    def was_evaluated(self) -> bool:
        """Whether any of the strings was evaluated."""
        return self.evidence.exists()
