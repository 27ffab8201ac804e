# Copyright (c) 2026, the alicloud.ehpc contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Let `ansible-test sanity --requirements` do without its download of a script that installs pip.

The host of that script is no package registry, so where only registries can be reached it would fail. What Python brings along
does the same. The script is looked for in the cache first, by the version of pip; a real one that is there already stays.
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
