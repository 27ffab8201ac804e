#!/bin/bash
# Copyright (c) 2026, the alicloud.ehpc contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Prepares a node. Usage: base.sh --mode MODE
set -eu
[ "$1" = --mode ]
echo "base.sh: cluster ${ClusterId:-unknown}, mode $2"
echo "mode=$2" >"$HOME/node.conf"
