# Copyright (c) 2026, the alicloud.ehpc contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Let `ansible-test sanity --requirements` work without downloading the script that installs pip.

The host of that script is not a package registry, so the download fails if only registries can be reached. The module ensurepip of Python
does the same. ansible-test looks for the script in its cache first, by the version of pip. An existing script is kept.
"""

from __future__ import annotations

import re
from pathlib import Path

from ansible_test._internal import python_requirements

CACHE = Path.home() / ".ansible/test/cache"
BOOTSTRAP = "import ensurepip\nensurepip.bootstrap(default_pip=True)\n"

source = Path(python_requirements.__file__).read_text(encoding="utf-8")
CACHE.mkdir(parents=True, exist_ok=True)
for version in re.findall(r"pip='([0-9.]+)'", source):
    script = CACHE / f"get_pip_{version.replace('.', '_')}.py"
    if not script.exists():
        script.write_text(BOOTSTRAP, encoding="utf-8")
