# make env | quick | test | reproduce | tables | lab | lab-reset | notebooks | bench | lock | clean. Everything happens in
# .venv, built from requirements.lock when that changed. Works with make 3.81 and any POSIX shell.
# make student | solutions | slides: the notebooks with exercises to solve, solved, and as slides, under build/ (docs/teaching.md).
# make explorer: a page on this machine that queries trained runs; PORT=8765 is the first port to try.
# make site | site-check | site-env: the course as static pages under build/site, and a look for faults in them.
# make batch | batch-env: hundreds of runs by Snakemake, which has an environment of its own (batch/README.md).

# make tables trains at a profile of its own, unless PROFILE is given.
TABLES := $(if $(filter undefined,$(origin PROFILE)),table,$(value PROFILE))
PROFILE ?= laptop
METHODS ?= random,triplet,csn,asen
SEEDS ?= 0,1,2
DATASET ?= wardrobe
# NOTEBOOKS=all executes the whole course; what a notebook needs and METHODS did not train, it trains itself.
NOTEBOOKS ?= 00-07
# JOBS=4 trains four runs at once; otherwise as many as there are cores.
JOBS ?=
# These reach the commands through the environment, as they were typed: make would expand a $(...) in them, and a shell
# would split them at spaces and quotes.
override PROFILE := $(value PROFILE)
override METHODS := $(value METHODS)
override SEEDS := $(value SEEDS)
override DATASET := $(value DATASET)
override NOTEBOOKS := $(value NOTEBOOKS)
override JOBS := $(value JOBS)
# BATCH=slurm submits to a cluster: a folder of batch/profiles. DRY=1 shows the grid and does nothing.
BATCH ?= local
override BATCH := $(value BATCH)
DRY ?=
# Values of batch/config.yaml for this call, such as BATCH_CONFIG=threads=4, and more arguments of Snakemake.
BATCH_CONFIG ?=
BATCH_ARGS ?=
export TABLES PROFILE METHODS SEEDS DATASET NOTEBOOKS JOBS BATCH
WORKERS ?= 2
# More arguments of JupyterLab for `make lab`, and the notebooks that `make lab-reset` replaces (all of them).
LAB_ARGS ?=
ONLY ?=
override ONLY := $(value ONLY)
export ONLY
# FORCE=1 deletes the chosen runs and trains them anew.
FORCE ?=
# TORCH_INDEX=<index of CPU-only wheels>: torch and torchvision come from there, in the locked versions, and the 3-4 GB of
# CUDA libraries are left out. Those two packages are then not checked against the lock's hashes; all others are.
TORCH_INDEX ?=
# PYTHON=python3.12 chooses the interpreter of a new .venv; otherwise the first that fits is taken.
FITS := import sys, venv, ensurepip; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))
ifndef PYTHON
PYTHON := $(shell for python in python3.11 python3.12 python3.13 python3; do \
	$$python -c '$(FITS)' 2>/dev/null && { echo $$python; break; }; done)
endif

BIN := .venv/bin
STAMP := .venv/.installed
# Snakemake has an environment of its own: it asks for an older `packaging` than the course's lock.
BATCH_STAMP := .venv-batch/.installed
SNAKEMAKE := .venv-batch/bin/snakemake
# Sphinx, too: it only reads files, and the course needs none of its packages.
SITE_STAMP := .venv-site/.installed
CPU_LOCK := build/requirements-without-torch.lock
COURSE := $(BIN)/python -m fashion_lib
# pip -qq says nothing but errors; its newer-version hints and notes on local indexes are no news here.
PIP := $(BIN)/python -m pip --disable-pip-version-check --no-input -qq
# Results of tests stay apart from those of the user.
TEST_RUNS := $(CURDIR)/build/test

.PHONY: env quick test lint unit job notebook-tests reproduce tables lab lab-reset notebooks bench lock clean
.DEFAULT_GOAL := env

env: $(STAMP)

# .venv/.building marks an interrupted build, which is started over; a finished .venv is only brought up to date.
$(STAMP): requirements.lock
	@"$(PYTHON)" -c '$(FITS)' 2>/dev/null || { echo "error: no usable Python 3.11, 3.12 or 3.13 with its venv module" \
		"was found ('$(PYTHON)'): install one (on Debian and Ubuntu with the package python3-venv)," \
		"or name it as in make env PYTHON=/path/to/python3.12." >&2; exit 1; }
	@if [ -e .venv/.building ]; then rm -rf .venv; fi
	@echo "building .venv with $(PYTHON) (some minutes, up to 6 GB with the CUDA libraries that torch brings on Linux) ..."
	@mkdir -p .venv build && touch .venv/.building
	@[ -x $(BIN)/python ] || "$(PYTHON)" -m venv .venv
ifeq ($(strip $(TORCH_INDEX)),)
	@$(PIP) install --require-hashes -r requirements.lock
else
	@$(MAKE) --no-print-directory $(CPU_LOCK)
	@$(PIP) install --no-deps --require-hashes -r $(CPU_LOCK)
	@$(PIP) install --index-url "$(TORCH_INDEX)" \
		$$(sed -n -E 's/^((torch|torchvision)==[^ ]+).*/\1/p' requirements.lock)
endif
	@$(PIP) install --no-deps --no-build-isolation -e .
	@rm .venv/.building && touch $(STAMP)
	@echo "built .venv; '$(COURSE) doctor' examines it"

$(CPU_LOCK): requirements.lock
	@mkdir -p build
	@awk '/^[a-z]/ { skip = /^(torch|torchvision|triton|nvidia-[a-z0-9-]+|cuda-[a-z0-9-]+)==/ } !skip' $< > $@

.PHONY: batch batch-env
batch-env: $(BATCH_STAMP)

$(BATCH_STAMP): batch/requirements.lock
	@[ -x .venv-batch/bin/python ] || "$(PYTHON)" -m venv .venv-batch
	@.venv-batch/bin/python -m pip --disable-pip-version-check --no-input -qq install --require-hashes -r $<
	@touch $@

.PHONY: site site-check site-env
site-env: $(SITE_STAMP)

$(SITE_STAMP): site/requirements.lock
	@[ -x .venv-site/bin/python ] || "$(PYTHON)" -m venv .venv-site
	@.venv-site/bin/python -m pip --disable-pip-version-check --no-input -qq install --no-compile --require-hashes -r $<
	@touch $@

# Nothing is executed, nothing is loaded from a server: build/site/index.html works from the disk, and the folder can be
# published as it is. A warning of Sphinx is an error, such as a link to a heading that is not there.
site: env site-env
	@$(COURSE) site-pages build/site-pages
	@rm -rf build/site
	@.venv-site/bin/python -m sphinx -q -W --keep-going -b html -c site -d build/site-doctrees build/site-pages build/site
	@$(MAKE) --no-print-directory site-check

# Links and texts of pictures; and the width of every page, where there is a Chromium.
site-check: env
	@$(COURSE) site-check build/site

# Every stage runs even after a failure, so that one run shows all there is to mend.
test: env
	@rm -rf "$(TEST_RUNS)" && mkdir -p "$(TEST_RUNS)"
	@failed=0; for stage in lint unit job notebook-tests; do \
		echo "== $$stage"; started=$$(date +%s); verdict=passed; \
		$(MAKE) --no-print-directory $$stage || { verdict=FAILED; failed=1; }; \
		printf '%-16s %s in %s s\n' $$stage $$verdict $$(($$(date +%s) - started)) >> "$(TEST_RUNS)/stages.txt"; \
	done; echo "== stages"; cat "$(TEST_RUNS)/stages.txt"; exit $$failed

lint: env
	$(BIN)/ruff check --quiet .
	$(COURSE) language-check

# Tests marked xdist_group share what takes a minute to make, so one process gets them all.
unit: env batch-env site-env
	$(BIN)/python -m pytest -q -n $(WORKERS) --dist loadgroup tests

# The loop between two edits, at most 90 seconds: what is not marked slow, notebook or real_data.
quick: lint
	$(BIN)/python -m pytest -q -n $(WORKERS) -m "not slow and not notebook and not real_data" tests

# The main job at its smallest: its four methods, two notebooks through papermill, the report. All notebooks then run in
# `notebook-tests`, and train the other methods.
job: env
	@if ls notebooks/[0-9][0-9]*_*.ipynb > /dev/null 2>&1; then \
		FASHION_RUNS="$(TEST_RUNS)/runs" $(COURSE) reproduce --profile smoke --methods random,triplet,csn,asen --seeds 0 \
			--dataset wardrobe --notebooks 03,07 --jobs="$$JOBS" --output "$(TEST_RUNS)/reproduce"; \
	else echo "no notebooks yet: nothing to execute"; fi

# Each notebook as a reader meets it, with its default parameters, on the runs that `job` left; what else it needs it trains.
notebook-tests: env
	@if ls notebooks/[0-9][0-9]*_*.ipynb > /dev/null 2>&1; then \
		FASHION_PROFILE=smoke OMP_NUM_THREADS=1 FASHION_RUNS="$(TEST_RUNS)/runs" JUPYTER_PREFER_ENV_PATH=1 \
		$(BIN)/python -m pytest -q --nbval-lax --nbval-cell-timeout=300 --dist loadscope -n $(WORKERS) notebooks; \
	else echo "no notebooks yet: nothing to test"; fi

reproduce: env
	@$(COURSE) reproduce --profile="$$PROFILE" --methods="$$METHODS" --seeds="$$SEEDS" --dataset="$$DATASET" \
		--notebooks="$$NOTEBOOKS" --jobs="$$JOBS" $(if $(FORCE),--force)

# Every run of the papers' tables on DATASET that is not in the ledger: many hours. It may be stopped; `plan --missing`
# lists them.
tables: env
	@$(COURSE) tables --profile="$$TABLES" --dataset="$$DATASET" --jobs="$$JOBS"

# Opens lab/, a copy of the notebooks that git ignores. In a container: make lab LAB_ARGS="--ip=0.0.0.0 --no-browser".
# Jupyter refuses to run as root, the usual user of a container, unless it is told that this is meant.
lab: env
	@$(COURSE) working-copy
	OMP_NUM_THREADS=1 JUPYTER_PREFER_ENV_PATH=1 $(BIN)/jupyter lab \
		$$(if [ "$$(id -u)" = 0 ]; then echo --allow-root; fi) $(LAB_ARGS) lab

# A page on 127.0.0.1 that reads runs and trains nothing; the small runs in data/explorer are enough for it.
.PHONY: explorer
PORT ?= 8765
override PORT := $(value PORT)
export PORT
explorer: env
	@OMP_NUM_THREADS=1 $(COURSE) explorer --port="$$PORT"

# Fresh copies; those that you changed stay beside them, with the date in the name. ONLY=03,06 chooses notebooks.
lab-reset: env
	@$(COURSE) working-copy --reset --only="$$ONLY"

# The committed outputs: trained runs first, since the notebooks load them.
notebooks: env
	@$(COURSE) reproduce --profile laptop --training-only --jobs="$$JOBS"
	@$(COURSE) reproduce --profile table --methods "asen,ag_mlan,ag_mlan.paper+branch1=False" --seeds 0 --training-only --jobs="$$JOBS"
	@$(COURSE) execute-notebooks
	@$(COURSE) teaching

# The exercises stand once, in fashion_lib/course/exercises; both versions come to build/, with nbgrader's metadata.
.PHONY: student solutions
student solutions: env
	@$(COURSE) exercises --edition $@

# One deck of reveal.js per notebook, and a list of them, in build/slides/: they need no network. Cells tagged `slide` come whole.
.PHONY: slides
slides: env
	@$(COURSE) slides

# The same job as steps of a workflow, on this machine or a cluster (batch/README.md); `status` says where it stands.
batch: env batch-env
	@plan=$$($(COURSE) batch-plan --profile="$$PROFILE" --methods="$$METHODS" --seeds="$$SEEDS" --dataset="$$DATASET" \
		--notebooks="$$NOTEBOOKS" --jobs="$$JOBS") || exit $$?; \
	jobs=--jobs; if [ "$$BATCH" = local ]; then jobs=--cores; fi; \
	set --; if [ -n "$$JOBS" ]; then set -- $$jobs "$$JOBS"; fi; \
	$(SNAKEMAKE) --snakefile batch/Snakefile --workflow-profile "batch/profiles/$$BATCH" "$$@" \
		$(if $(DRY),--dry-run) $(BATCH_ARGS) --config plan="$$plan" $(BATCH_CONFIG)

# on_a_gpu.py is left out, as it calls others of them.
bench: env
	@for file in $(filter-out benchmarks/on_a_gpu.py,$(wildcard benchmarks/*.py)); do echo "== $$file"; $(BIN)/python $$file || exit 1; done

# torch stays where [tool.uv] of pyproject.toml puts it; versions that are in the lock stay too, unless UPGRADE=1.
lock:
	@mkdir -p build && rm -rf build/lock-venv && "$(PYTHON)" -m venv build/lock-venv
	@build/lock-venv/bin/python -m pip --disable-pip-version-check -qq install 'uv>=0.8'
	build/lock-venv/bin/uv pip compile pyproject.toml --group test --universal --python-version 3.11 --generate-hashes \
		--no-header --no-emit-index-url --no-annotate $(if $(UPGRADE),--upgrade) -q -o requirements.lock
	build/lock-venv/bin/uv pip compile batch/requirements.in --universal --python-version 3.11 --generate-hashes \
		--no-header --no-emit-index-url --no-annotate $(if $(UPGRADE),--upgrade) -q -o batch/requirements.lock
	build/lock-venv/bin/uv pip compile site/requirements.in --universal --python-version 3.11 --generate-hashes \
		--no-header --no-emit-index-url --no-annotate $(if $(UPGRADE),--upgrade) -q -o site/requirements.lock
	@rm -rf build/lock-venv

# Leaves .venv, .venv-batch, .venv-site, lab/ with its reader's work and, because they took hours, runs/ alone.
clean:
	rm -rf build cache .pytest_cache .ruff_cache
