# Copyright (c) 2026, the alicloud.ehpc contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Every target does its own setup. It requires git, make, and Python 3.10 or newer with venv.

# Paths are relative to this directory, which may have a space in its own path: make cannot have one in the name of a target.
SHELL := /bin/sh
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# Ansible finds a collection by its path only, so a link gives the checkout a path that fits.
COLLECTIONS := build/collections
LINK := $(COLLECTIONS)/ansible_collections/alicloud/ehpc
# The tools of `make check` have an environment of their own, because some of them require older versions of packages than the tests.
CHECK_VENV := .venv-check
CHECK_BIN := $(CHECK_VENV)/bin
# ansible-rulebook is large, and useless without Java.
EDA_VENV := .venv-eda
# Building the tarball requires ansible-core only.
PACKAGE_VENV := build/venv-package
# The tools check a copy of what git tracks or would track: a repository of its own, at a path that fits, without caches.
COPIES := build/sanity
COPY := $(COPIES)/ansible_collections/alicloud/ehpc

# $(call install,ENVIRONMENT,REQUIREMENTS): create a virtual environment, if there is none, and install the packages of a file into it.
define install
@mkdir -p build
@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 10) else "Python 3.10 or newer is required. Set PYTHON: make PYTHON=python3.12 ...")'
@echo "Installing the packages of $(2) into $(1)"
@$(PYTHON) -m venv $(1)
@$(1)/bin/python -m pip install --quiet --quiet --requirement $(2) 2>build/pip.log || { \
  grep ERROR build/pip.log | tail -n 1; \
  echo "The packages of $(2) could not be installed. The messages of pip are in build/pip.log."; \
  echo "Only the first run downloads packages. It requires access to a Python package index: a network connection, or the settings of pip for"; \
  echo "a proxy (HTTPS_PROXY), another index (PIP_INDEX_URL, PIP_CERT) or a directory of packages (PIP_NO_INDEX, PIP_FIND_LINKS)."; \
  exit 1; } >&2
@touch $(1)/.ready
endef

.PHONY: help
help: ## Show the targets.
	@grep -E '^[a-z-]+:.*##' Makefile | sed -E 's/:.*## /\t/' | expand -t 21

$(VENV)/.ready: tests/requirements.txt meta/ee-requirements.txt
	$(call install,$(VENV),tests/requirements.txt)

$(LINK):
	mkdir -p $(@D)
	ln -sfn ../../../.. $@

.PHONY: setup
setup: $(VENV)/.ready $(LINK) ## Create the virtual environment of the tests.

.PHONY: demo
demo: setup ## Run the bootstrap playbook against an emulated API, and its scripts on emulated nodes.
	$(BIN)/python tests/demo

# The tests to run: make test TESTS=tests/unit
TESTS ?= tests

.PHONY: test
test: setup ## Run all tests: units, and playbooks against the emulator. TESTS limits them.
	$(BIN)/python -m pytest --numprocesses 2 --dist worksteal $(TESTS)

$(EDA_VENV)/.ready: tests/requirements-eda.txt meta/ee-requirements.txt
	$(call install,$(EDA_VENV),tests/requirements-eda.txt)

.PHONY: java
java:
	@$(PYTHON) tests/check/eda.py

.PHONY: test-eda
test-eda: java setup $(EDA_VENV)/.ready ## Test the rulebook with ansible-rulebook, which make test does if it is installed (requires Java 17).
	EHPC_REQUIRE_RULEBOOK=1 $(BIN)/python -m pytest tests/integration/test_drift_rulebook.py

$(VENV)/.strength: tests/requirements-strength.txt $(VENV)/.ready
	$(call install,$(VENV),$<)
	@touch $@

.PHONY: coverage
coverage: setup $(VENV)/.strength ## Run all tests, and list the branches of the plugins that they do not cover.
	rm -rf build/coverage
	mkdir -p build/coverage
	$(BIN)/python -m coverage run -m pytest --numprocesses 2 --dist worksteal tests
	$(BIN)/python -m coverage combine --quiet
	# Data of processes that a test killed is incomplete.
	rm -f build/coverage/data.*
	$(BIN)/python -m coverage report

.PHONY: fresh
fresh: ## Prove make demo and make test in a minimal Debian 13 (requires root and debootstrap). FRESH_TESTS limits the tests.
	$(PYTHON) tests/check/fresh.py $(if $(FRESH_TESTS),TESTS="$(FRESH_TESTS)")

# The files whose mutants are all tested again: make mutation MUTATE=plugins/module_utils/_redact.py
MUTATE ?=

.PHONY: mutation
mutation: setup $(VENV)/.strength ## Run the unit tests on mutants of the code. Takes more than an hour, and resumes after an interruption.
	$(BIN)/python tests/mutation $(MUTATE)

# The tests and releases to run: make matrix MATRIX_TESTS=tests/integration/test_inventory.py MATRIX_RELEASES=2.16
MATRIX_TESTS ?= tests/unit tests/integration sanity
MATRIX_RELEASES ?=

.PHONY: matrix
matrix: setup copy ## Run unit, integration and sanity tests on each supported ansible-core that the machine has a Python for.
	$(BIN)/python tests/matrix $(MATRIX_RELEASES:%=--release %) $(MATRIX_TESTS)

.PHONY: bench
bench: setup ## Measure the performance, and write tests/benchmark/RESULTS.md. Requires an idle machine.
	$(BIN)/python tests/benchmark $(BENCH_OPTIONS)

$(CHECK_VENV)/.ready: tests/check/requirements.txt tests/requirements.txt meta/ee-requirements.txt
	$(call install,$(CHECK_VENV),tests/check/requirements.txt)

$(PACKAGE_VENV)/.ready: tests/check/requirements-package.txt
	$(call install,$(PACKAGE_VENV),tests/check/requirements-package.txt)

.PHONY: copy
copy:
	rm -rf $(COPY)
	git init --quiet $(COPY)
	git --git-dir=$(COPY)/.git --work-tree=. add --all
	git -C $(COPY) checkout-index --all

check check-% changelog docs release: export PATH := $(CURDIR)/$(CHECK_BIN):$(PATH)
check check-% changelog docs release: export ANSIBLE_COLLECTIONS_PATH := $(CURDIR)/$(COPIES)

check-modules check-lint check-docs docs check-changelog check-package check-sanity: $(CHECK_VENV)/.ready

.PHONY: check
check: check-code check-modules check-licence check-lint check-docs docs check-changelog check-package check-sanity check-certification ## Run all static checks: lint, types, licences, docs, changelog, package, certification, sanity.
	@echo "make check: all passed"

.PHONY: check-code
check-code: $(CHECK_VENV)/.ready $(LINK) ## Check the style and the types of the Python code.
	ruff check
	ruff format --check
	mypy

# The files to check: make check-modules MODULES=plugins/modules/post_scripts.py
MODULES ?= plugins/modules/

.PHONY: check-modules
check-modules: copy ## Check the options of modules against their documentation (validate-modules).
	python tests/check/pip_bootstrap.py
	cd $(COPY) && ansible-test sanity --test validate-modules --requirements --color \
	  --python "$$(python -c 'import sys; print("%d.%d" % sys.version_info[:2])')" $(MODULES)

.PHONY: format
format: $(CHECK_VENV)/.ready ## Format the Python code.
	$(CHECK_BIN)/ruff check --fix
	$(CHECK_BIN)/ruff format

.PHONY: pattern
pattern: setup ## Write the survey of playbooks/awx into extensions/patterns.
	$(BIN)/python tests/check/pattern.py

.PHONY: errors
errors: setup ## Write the tables of docs/docsite/rst/guide_errors.rst.
	$(BIN)/python tests/check/errors.py

.PHONY: check-licence
check-licence: $(CHECK_VENV)/.ready ## Check licence headers (REUSE).
	reuse lint --lines

# Some rules of ansible-lint load modules. If one ever ran a module, it would have no valid credentials.
check-lint check-certification: export ALIBABA_CLOUD_ACCESS_KEY_ID := lint
check-lint check-certification: export ALIBABA_CLOUD_ACCESS_KEY_SECRET := lint
check-lint check-certification: export ALIBABA_CLOUD_REGION_ID := lint

.PHONY: check-lint
check-lint: copy ## Check roles and playbooks (ansible-lint).
	cd $(COPY) && ansible-lint

.PHONY: check-docs
check-docs: copy ## Check the documentation of modules, plugins and roles.
	antsibull-docs --config-file tests/check/docs/antsibull-docs.cfg lint-collection-docs --plugin-docs --validate-collection-refs=all $(COPY)

# antsibull-docs requires a directory that no other user can write to. Sphinx does not remove old pages, so both start from scratch.
.PHONY: docs
docs: copy ## Build the documentation as web pages, in build/docs/html.
	rm -rf build/docs
	mkdir -p -m 700 build/docs/rst
	antsibull-docs --config-file tests/check/docs/antsibull-docs.cfg collection --use-current --squash-hierarchy --fail-on-error \
	  --dest-dir build/docs/rst alicloud.ehpc
	# The front page takes the place of the page of the collection, which becomes the reference.
	mv build/docs/rst/index.rst build/docs/rst/reference.rst
	cp -R $(COPY)/docs/docsite/index.rst $(COPY)/docs/docsite/images build/docs/rst
	sphinx-build --quiet --fail-on-warning --keep-going --conf-dir tests/check/docs --doctree-dir build/docs/doctrees build/docs/rst build/docs/html
	@echo "build/docs/html/index.html"

.PHONY: check-changelog
check-changelog: copy ## Check changelog fragments, and that CHANGELOG.md is up to date.
	cd $(COPY) && antsibull-changelog lint && antsibull-changelog generate && git diff --exit-code CHANGELOG.md

.PHONY: check-package
check-package: package ## Check the content of the tarball, and import it as Galaxy does.
	python tests/check/package.py build/package

.PHONY: check-certification
check-certification: copy package ## Run the checks of certification (ansible-lint 24.12.2, galaxy-importer 0.4.31).
	$(PYTHON) tests/check/certification.py $(COPY) build/package

.PHONY: check-sanity
check-sanity: copy ## Run all tests of ansible-test sanity.
	python tests/check/pip_bootstrap.py
	cd $(COPY) && ansible-test sanity --requirements --color \
	  --python "$$(python -c 'import sys; print("%d.%d" % sys.version_info[:2])')"

.PHONY: changelog
changelog: $(CHECK_VENV)/.ready ## Move the changelog fragments to CHANGELOG.md, under the version in galaxy.yml.
	antsibull-changelog release --update-existing --reload-plugins

.PHONY: address
address: ## Change the public address of the repository in all files: make address ADDRESS=https://...
	$(PYTHON) tests/check/address.py "$(ADDRESS)"

.PHONY: package
package: copy $(PACKAGE_VENV)/.ready ## Build the tarball, in build/package.
	rm -rf build/package
	$(PACKAGE_VENV)/bin/ansible-galaxy collection build --output-path build/package $(COPY)

.PHONY: release
release: $(CHECK_VENV)/.ready ## Test and check a release, and list the content of its tarball. Publishes nothing.
	python tests/check/release.py
	$(MAKE) test check
	python tests/check/release.py build/package

.PHONY: clean
clean: ## Remove everything that the other targets created.
	rm -rf $(VENV) $(CHECK_VENV) $(EDA_VENV) .venv-matrix build .pytest_cache .hypothesis
