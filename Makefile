# Needs only make and a Python 3.11 or newer; everything else goes into .venv.
# Every target works by itself on a fresh clone. `make` lists them.
#
#   PYTHON=python3.13   the interpreter for .venv (default: python3, or the newest python3.x that will do)
#   ARGS="-k conv"      passed on to the command
#   JOBS=2              test processes; each runs its own kernels, so more than cores does not help
#   SMOKE=1             `make bench`: one short round, to see that everything runs
#   TORCH=torch==…      `make test-oracle`: what to install where no PyTorch is. On Linux the plain package
#                       brings several GB of CUDA; a CPU build installed into .venv beforehand is used as it is.

# python3 first: it is what the user chose, where it will do. Trying to run each sorts out the ones that are
# on the path and do not work, and Debian's Python without its venv package (ensurepip is missing).
GOOD_PYTHON = import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))
PYTHON ?= $(shell for p in python3 python3.14 python3.13 python3.12 python3.11 python; do \
	if $$p -c '$(GOOD_PYTHON)' >/dev/null 2>&1; then echo $$p; break; fi; done)
JOBS ?= 2
TORCH ?= torch==2.13.0
COVERAGE_MIN ?= 95

PY := .venv/bin/python
PIP_INSTALL := -m pip install -qq --disable-pip-version-check
# COV=1 measures a test run into .coverage.<target>; `coverage-report` adds them up.
PYTEST = $(if $(COV),COVERAGE_FILE=$(CURDIR)/.coverage.$@) $(1) -m pytest -n $(JOBS) --dist worksteal \
	$(if $(COV),--cov --cov-report=)
# The runs with one thing taken away repeat what can depend on it, and leave out the long and the unrelated.
UNRELATED = test_packaging.py test_architecture.py test_bad_input.py test_mutation.py test_reference.py data docs
VARIANT = -m "not training and not oracle" $(addprefix --ignore=tests/,$(UNRELATED))

.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help demo test test-all test-no-numba test-no-jit test-oracle coverage coverage-report \
	lint format types docs bench wheel check-wheel clean

help:
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | awk -F '\t' '{printf "make %-16s %s\n", $$1, $$2}'

# --- the environment: one stamp per extra, so that a second call installs nothing ---------------------

.venv/bin/python:
	@$(or $(PYTHON),false) -c '$(GOOD_PYTHON)' || { \
		echo "minidl needs Python 3.11 or newer with venv and pip; found: $(or $(PYTHON),none)" \
			"($$($(or $(PYTHON),false) --version 2>&1)). Name one that is: make $(MAKECMDGOALS) PYTHON=python3.12" >&2; \
		exit 1; }
	$(PYTHON) -m venv --clear .venv

.venv/installed: pyproject.toml setup.py | .venv/bin/python
	$(PY) $(PIP_INSTALL) -e .
	@touch $@

.venv/with-%: pyproject.toml setup.py | .venv/bin/python
	$(PY) $(PIP_INSTALL) -e '.[$*]'
	@touch $@

.venv/with-torch: | .venv/with-test
	$(PY) -c 'import torch' 2>/dev/null || $(PY) $(PIP_INSTALL) '$(TORCH)'
	$(PY) $(PIP_INSTALL) -e '.[oracle]'
	@touch $@

# The same environment without Numba: hard links where they can be had, so it costs two seconds. Installing
# minidl again makes the `minidl` command of the copy start the copy's Python.
.venv-no-numba/made: .venv/with-test
	rm -rf .venv-no-numba
	cp -al .venv .venv-no-numba 2>/dev/null || { rm -rf .venv-no-numba; cp -R .venv .venv-no-numba; }
	.venv-no-numba/bin/python -m pip uninstall -qq --yes numba llvmlite
	.venv-no-numba/bin/python $(PIP_INSTALL) --no-deps --no-build-isolation -e .
	@touch $@

# --- what a user runs ---------------------------------------------------------------------------------

demo: .venv/installed ## train a small network on real digits
	.venv/bin/minidl train digits-cnn --out runs/demo $(ARGS)

# --- tests --------------------------------------------------------------------------------------------

test: .venv/with-test ## the tests, without the long searches
	$(call PYTEST,$(PY)) $(ARGS)

test-all: .venv/with-test ## the tests and the long searches
	$(call PYTEST,$(PY)) --slow $(ARGS)

test-no-numba: .venv-no-numba/made ## the tests where Numba is not installed
	$(call PYTEST,.venv-no-numba/bin/python) $(VARIANT) $(ARGS)

test-no-jit: .venv/with-test ## the tests with the Numba kernels run as plain Python
	NUMBA_DISABLE_JIT=1 $(call PYTEST,$(PY)) $(VARIANT) $(ARGS)

test-oracle: .venv/with-test .venv/with-torch ## comparison with PyTorch
	$(call PYTEST,$(PY)) -m oracle $(ARGS)

coverage: .venv/with-test ## the tests, measured; compiled kernels count where they run as Python
	rm -f .coverage .coverage.*
	$(MAKE) --no-print-directory test test-no-jit COV=1
	$(MAKE) --no-print-directory coverage-report

coverage-report: .venv/with-test
	$(PY) -m coverage combine --quiet --keep
	$(PY) -m coverage report --fail-under=$(COVERAGE_MIN)

# --- checks of the source -----------------------------------------------------------------------------

lint: .venv/with-lint ## ruff: rules and format
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .

format: .venv/with-lint ## ruff: put the source into form
	.venv/bin/ruff check --fix .
	.venv/bin/ruff format .

# From inside the copy, because mypy looks in the current folder first.
types: .venv/with-lint ## mypy, on an installed copy
	rm -rf build/types build/lib
	$(PY) $(PIP_INSTALL) --no-deps --no-build-isolation --target build/types .
	cd build/types && ../../.venv/bin/mypy --config-file ../../pyproject.toml --cache-dir ../../.mypy_cache -p minidl

# --- what is published --------------------------------------------------------------------------------

docs: .venv/with-docs ## the book, into build/docs
	$(PY) -m sphinx -q -W --keep-going -b html docs build/docs
	@echo "build/docs/index.html"

bench: .venv/with-test ## the benchmarks (SMOKE=1: one short round)
	$(PY) -m benchmarks $(if $(SMOKE),--smoke) $(ARGS)

# build/lib keeps files that the source has lost; a wheel must not.
wheel: .venv/with-lint ## the wheel, into dist
	rm -rf build/lib dist
	$(PY) -m pip wheel -qq --disable-pip-version-check --no-deps --no-build-isolation -w dist .
	@ls dist/*.whl

# From the root folder of the system: nothing of the source tree is in reach there.
check-wheel: wheel ## the wheel, in a fresh environment with what it asks for and no more
	rm -rf .venv-wheel
	$(PY) -m venv .venv-wheel
	.venv-wheel/bin/python $(PIP_INSTALL) dist/*.whl
	cd / && '$(CURDIR)/.venv-wheel/bin/python' '$(CURDIR)/tests/test_packaging.py' '$(CURDIR)'
	cd / && '$(CURDIR)/.venv-wheel/bin/minidl' --version
	cd / && '$(CURDIR)/.venv-wheel/bin/python' -m minidl --version

clean: ## everything that the targets above made, except runs/
	rm -rf .venv .venv-no-numba .venv-wheel build dist *.egg-info .coverage .coverage.* \
		.hypothesis .mypy_cache .pytest_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
