# Copyright (c) 2026, the alicloud.ehpc contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Every target does its own set-up: it needs git, make, and Python 3.10 or newer with venv.

PYTHON ?= python3
VENV := .venv
BIN := $(CURDIR)/$(VENV)/bin
# Ansible finds a collection by its path only, so the checkout gets one that fits, by a link.
COLLECTIONS := $(CURDIR)/build/collections
LINK := $(COLLECTIONS)/ansible_collections/alicloud/ehpc

.PHONY: help
help: ## Show the targets.
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

$(VENV)/.ready: tests/requirements.txt meta/ee-requirements.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --requirement tests/requirements.txt
	touch $@

$(LINK):
	mkdir -p $(@D)
	ln -s $(CURDIR) $@

.PHONY: setup
setup: $(VENV)/.ready $(LINK) ## Make the virtual environment that all other targets use.

.PHONY: demo
demo: setup ## Run the main job three times against an emulated service.
	$(BIN)/python tests/demo

.PHONY: test
test: setup ## Run all tests: units, and playbooks against the emulator.
	$(BIN)/python -m pytest --numprocesses 2 tests

.PHONY: clean
clean: ## Remove all that the other targets have made.
	rm -rf $(VENV) build .pytest_cache .hypothesis
