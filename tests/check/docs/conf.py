# Copyright (c) 2026, the alicloud.ehpc contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The configuration of Sphinx, which builds web pages of the documentation for `make docs`."""

from __future__ import annotations

import re
import typing as t

if t.TYPE_CHECKING:
    from docutils import nodes
    from sphinx.application import Sphinx

project = "alicloud.ehpc"
html_title = "alicloud.ehpc"
extensions = ["sphinx_antsibull_ext"]
# The theme of docs.ansible.com. These options switch off the links, the logo and the advertisements of that site.
html_theme = "sphinx_ansible_theme"
html_theme_options = {"documentation_home_url": "index.html", "topbar_links": {}, "show_extranav": False, "collapse_navigation": False}
html_short_title = "alicloud.ehpc"
html_static_path = ["static"]
html_css_files = ["pages.css"]
html_show_sphinx = False
html_show_copyright = False
html_copy_source = False
html_use_index = False
pygments_style = "ansible"
highlight_language = "YAML+Jinja"
default_role = "any"
# A reference without a target is an error.
nitpicky = True

# Ansible's own site explains these. Links to it would require a download of its list of labels, so they are plain text here.
OF_ANSIBLE = re.compile(
    r"""
    ansible_collections\.ansible\.\w+\..*               # plugins and modules of Ansible
    | ANSIBLE_\w+                                       # environment variables of Ansible
    | action_plugins | ansible_configuration_settings   # pages that antsibull-docs refers to by itself
    | common_return_values
    """,
    re.VERBOSE,
)


def plain_text(_app: Sphinx, _env: object, reference: nodes.Element, text: nodes.Node) -> nodes.Node | None:
    """The text of a reference to Ansible's own documentation; None for any other reference, which then fails."""
    return text if OF_ANSIBLE.fullmatch(reference["reftarget"]) else None


def setup(app: Sphinx) -> None:
    """Register the handler. Sphinx calls this function."""
    app.connect("missing-reference", plain_text)
