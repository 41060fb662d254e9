# Everything runs in .venv, which the first command makes. See `make help`.

PYTHON ?= python3
BIN := .venv/bin
READY := .venv/.ready
# Debian packages with the programs that tests marked `tools` need.
TOOLS := chromium curl golang-go nodejs pgbouncer postgresql prometheus prometheus-alertmanager
# Some packages of Node.js bring npm along, and then Debian's cannot be installed beside them.
TOOLS += $(if $(shell command -v npm),,npm)

.DEFAULT_GOAL := help
.PHONY: help setup demo test test-tools check fuzz format bench chaos docs pictures lock vendor clean
.DELETE_ON_ERROR:

help: ## Show the commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-11s %s\n", $$1, $$2 }' Makefile

setup: $(READY) ## Make the environment, with locked and hashed dependencies

$(READY): requirements.lock pyproject.toml deploy/bootstrap.sh
	@PYTHON="$(PYTHON)" deploy/bootstrap.sh
	@touch $@

demo: $(READY) ## Run the main job on this machine, then serve until Ctrl-C (ONCE=1: end by itself; FRESH=1: start anew)
	$(BIN)/slipstream demo $(if $(filter-out 0,$(ONCE)),--once) $(if $(filter-out 0,$(FRESH)),--fresh)

test: $(READY) ## Run every test that needs only Python packages
	$(BIN)/pytest -m "not tools" $(ARGS)

test-tools: $(READY) ## Run the tests that need programs from Debian, and those of ingestion and queue on a cluster of three Valkeys
	$(if $(TOOLS),@deploy/packages.sh $(TOOLS))
	$(BIN)/pytest -m tools $(ARGS)
	TEST_ON_A_CLUSTER=1 $(BIN)/pytest -m "not tools" tests/ingestion tests/core/queue $(ARGS)

check: $(READY) ## Check format, lint, types and the direction of imports
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(READY) ## Format the code, and mend what can be mended
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(READY) ## Measure everything, in half an hour, into docs/performance.md (ARGS="--part ingestion": what is asked for alone)
	$(BIN)/slipstream bench $(or $(ARGS),--markdown docs/performance.md)

fuzz: $(READY) ## Send the API what nobody would think of, for ten minutes or more (FUZZ_EXAMPLES=, FUZZ_RUNS=)
	FUZZ_EXAMPLES=$(or $(FUZZ_EXAMPLES),100) FUZZ_RUNS=$(or $(FUZZ_RUNS),100) $(BIN)/pytest tests/http --timeout 7200 $(ARGS)

chaos: $(READY) ## Break it for some minutes by faults drawn from a seed, and compare what was accepted with what is stored
	$(BIN)/slipstream chaos --minutes 4 --reclaim-after 2 $(ARGS)

docs: $(READY) ## Bring what is generated in the README and in docs up to date
	$(BIN)/python -m app.core.settings_table README.md
	$(BIN)/python -m reporting.reports.as_json docs/report.schema.json

pictures: $(READY) ## Make the README's pictures, of a demo that it runs
	deploy/pictures.sh

lock: $(READY) ## Resolve the dependencies again (UPGRADE=1: to their newest versions)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check uv
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header \
		$(if $(UPGRADE),--upgrade) --extra embedded --extra dev pyproject.toml -o requirements.lock
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header \
		--constraint requirements.lock --extra backup pyproject.toml -o deploy/requirements.lock

vendor: $(READY) ## Fetch the browser's libraries from npm, as their manifests name them
	$(BIN)/python deploy/vendor.py dashboards/static/vendor/manifest.json tests/dashboards/web/vendor/manifest.json

clean: ## Remove the environment and the tools' caches
	rm -rf .venv build *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
