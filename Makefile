# make demo [SEED=7]   generate rooms, train, evaluate, write demo/report.html
# make test            every module, in minutes
# make test-slow       the rest: long runs, sanitizers, emulated CUDA, a browser
# make test-long       what takes minutes: kills, trainings, timings; not in CI
# make test-gpu        the CUDA kernels on this machine's GPU; without TensorFlow
# make audit           known weaknesses of the images' dependencies; asks PyPI
# make lint            formatting and lint of Python and C++
# make test-tensorflow-2.19   the ops alone with another TensorFlow, 2.15 to 2.21
# make test-export-2.19       an export of this one, served by another TensorFlow
#
# Each of them first makes a virtual environment in .venv and installs everything in
# it, once. Needed: Python 3.11-3.13 (PYTHON=python3.12 chooses one), g++ and make.

PYTHON ?= python3
SEED ?= 0
VENV := .venv
BIN := $(VENV)/bin
OPS := $(shell find tf_ops -type f -name '*.[ch]*')
CUDA_TESTS := $(wildcard tests/cuda/*.cu tests/cuda/emulation/*.h)

.PHONY: demo test test-slow test-long test-gpu audit lint install clean

demo: install
	$(BIN)/gspn demo --output demo --seed $(SEED)

test: install
	$(BIN)/python -m pytest -n 2 --dist worksteal -m "not slow and not build and not browser and not long"

test-slow: install
	$(BIN)/python -m pytest -n 2 --dist worksteal -m "(slow or build or browser) and not long"

test-long: install
	$(BIN)/python -m pytest -m long

test-gpu: | $(VENV)/python
	$(BIN)/python -m pip install --quiet numpy
	PYTHONPATH=tests/helpers $(BIN)/python tests/cuda/run.py --sanitize
	PYTHONPATH=tests/helpers $(BIN)/python tests/cuda/run.py

# The networks need Keras 3.15, so neither they nor the fixtures are imported here.
# tensorflow-addons ends at TensorFlow 2.15: there it is imported before the tests.
test-tensorflow-%: OTHER = $(VENV)-tensorflow-$*
test-tensorflow-%: ADDONS = $(filter 2.15,$*)
test-tensorflow-%:
	$(PYTHON) -m venv $(OTHER)
	$(OTHER)/bin/python -m pip install --quiet "setuptools>=77" ninja pytest hypothesis \
	  "tensorflow-cpu==$*.*" $(if $(ADDONS),tensorflow-addons==0.23.0)
	GSPN_OPS_ONLY=1 $(OTHER)/bin/python setup.py --quiet build_ext --inplace
	$(OTHER)/bin/python -m pytest --noconftest $(if $(ADDONS),-p tensorflow_addons) \
	  -m "not slow and not build" \
	  tests/ops/test_ops.py tests/ops/test_op_gradients.py tests/ops/test_op_graphs.py

# By its version, or "nightly".
test-export-%: OTHER = $(VENV)-serving-$*
test-export-%: install
	$(PYTHON) -m venv $(OTHER)
	$(OTHER)/bin/python -m pip install --quiet \
	  $(if $(filter nightly,$*),tf-nightly-cpu,"tensorflow-cpu==$*.*")
	GSPN_SERVING_PYTHON=$(OTHER)/bin/python $(BIN)/python -m pytest \
	  "tests/inference/test_served.py::test_a_process_with_tensorflow_alone[portable]"

lint: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports --no-logo
	$(BIN)/mypy
	$(BIN)/clang-format --dry-run -Werror $(OPS) $(CUDA_TESTS) docs/serving/*.cc

audit: | $(VENV)/python
	$(PYTHON) -m venv $(VENV)-audit
	$(VENV)-audit/bin/python -m pip install --quiet pip-audit
	$(VENV)-audit/bin/pip-audit --disable-pip --requirement tools/docker/requirements.txt
	$(VENV)-audit/bin/pip-audit --disable-pip --requirement tools/docker/requirements.cuda.txt

install: $(VENV)/installed

# Building the ops needs TensorFlow in place, so it is installed before the package.
$(VENV)/installed: setup.py pyproject.toml $(OPS) tf_ops/cuda/nvcc.options | $(VENV)/python
	@echo "Installing TensorFlow and the package into $(VENV): a few minutes, once"
	$(BIN)/python -m pip install --quiet "setuptools>=77" ninja "tensorflow>=2.21,<2.22"
	$(BIN)/python -m pip install --quiet --no-build-isolation --editable ".[test,las,e57]"
	@touch $@

$(VENV)/python:
	@$(PYTHON) -c 'import sys; v = sys.version_info; \
	  sys.exit(0 if (3, 11) <= v < (3, 14) else "gspn-tf needs Python 3.11 to 3.13, " \
	  "%s is %d.%d: make PYTHON=python3.12" % (sys.executable, v[0], v[1]))'
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || \
	  { echo "gspn-tf needs Python's venv module: apt install python3-venv"; exit 1; }
	@command -v $${CXX:-g++} >/dev/null || { echo "gspn-tf needs g++"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	@touch $@

clean:
	rm -rf $(VENV) $(VENV)-* build demo *.egg-info gspn_tf/_gspn_ops_tf*.so
