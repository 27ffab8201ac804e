# Copyright (c) 2026, the alicloud.ehpc contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How Sphinx makes web pages of the documentation, for `make docs`."""

from __future__ import annotations

import re
import typing as t

if t.TYPE_CHECKING:
    from docutils import nodes
    from sphinx.application import Sphinx

project = "alicloud.ehpc"
html_title = "alicloud.ehpc"
extensions = ["sphinx_antsibull_ext"]
# One that comes with Sphinx, so that pages need nothing from elsewhere.
html_theme = "alabaster"
html_theme_options = {"page_width": "75rem", "fixed_sidebar": True}
html_sidebars = {"**": ["about.html", "searchfield.html", "navigation.html"]}
html_copy_source = False
html_use_index = False
pygments_style = "ansible"
highlight_language = "YAML+Jinja"
default_role = "any"
# Every reference must lead somewhere.
nitpicky = True

# These are explained on Ansible's own site. Its list of labels would have to be downloaded for links to it, so they are plain text here.
OF_ANSIBLE = re.compile(
    r"""
    ansible_collections\.ansible\.\w+\..*               # its plugins and modules
    | ANSIBLE_\w+                                       # its environment variables
    | action_plugins | ansible_configuration_settings   # pages that antsibull-docs refers to by itself
    | common_return_values
    """,
    re.VERBOSE,
)


def plain_text(_app: Sphinx, _env: object, reference: nodes.Element, text: nodes.Node) -> nodes.Node | None:
    """The text of a reference that leads to Ansible's own documentation; None leaves any other to fail."""
    return text if OF_ANSIBLE.fullmatch(reference["reftarget"]) else None


def setup(app: Sphinx) -> None:
    """What Sphinx calls."""
    app.connect("missing-reference", plain_text)
