#!/usr/bin/env bash
# Copyright (c) 2026, the alicloud.ehpc contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Starts the emulator, and runs the playbook against it.
set -eu

# ansible-test runs a copy of this directory.
collection="${ANSIBLE_COLLECTIONS_PATH%%:*}/ansible_collections/alicloud/ehpc"
service="$OUTPUT_DIR/service.json"
"$ANSIBLE_TEST_PYTHON_INTERPRETER" "$collection/tests/emulator" >"$service" &
emulator=$!
trap 'kill "$emulator"' EXIT
while [ ! -s "$service" ]; do
  kill -0 "$emulator"
  sleep 0.1
done
ansible-playbook playbook.yml --extra-vars "@$service" "$@"
