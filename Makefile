# What CI calls is what you call. `make` alone lists the targets.
PYTHON ?= python3
PRODUCT ?= allthrive
BIN := .venv/bin
# The pinned Node first: jsii and the CDK CLI both run on it.
export PATH := $(CURDIR)/node_modules/node/bin:$(CURDIR)/$(BIN):$(PATH)
CDK := node_modules/.bin/cdk
.DEFAULT_GOAL := help

.PHONY: help
help:  ## this list
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

.PHONY: setup
setup: .venv/.ready node_modules/.ready  ## virtual environment, CDK CLI, Node

.venv/.ready: requirements.txt requirements-dev.txt
	$(PYTHON) -m venv .venv && $(BIN)/pip install --quiet --disable-pip-version-check --requirement requirements-dev.txt && touch $@

node_modules/.ready: package.json package-lock.json
	npm ci --no-audit --no-fund --silent && touch $@

.PHONY: demo test
demo: setup  ## deploy, release and serve PRODUCT on the local cloud
	@$(BIN)/python -m local.demo --product $(PRODUCT)
test: setup  ## every test this machine can run; skipped ones say why
	@$(BIN)/pytest --numprocesses 3 --dist load

.PHONY: check format
check: setup  ## format, lint, types, fast tests: before each commit
	@$(BIN)/ruff format --check . && $(BIN)/ruff check . && $(BIN)/mypy && $(BIN)/pytest -q -m "not local and not docker and not browser and not slow"
format: setup  ## let ruff mend what it can
	@$(BIN)/ruff format . && $(BIN)/ruff check --fix .

.PHONY: synth diff snapshots schema bench
synth: setup  ## templates of PRODUCT into cdk.out, checked by CDK's own rules
	@$(CDK) synth --quiet --strict --context product=$(PRODUCT)
diff: setup  ## what `cdk deploy` would change
	@$(CDK) diff --context product=$(PRODUCT)
snapshots: setup  ## rewrite the committed templates after an intended change
	@$(BIN)/pytest -q tests/snapshots --update-snapshots
schema: setup  ## rewrite products/schema.json after a change of the model
	@$(BIN)/python -m products.schema
bench: setup  ## figures with their floor, from one run
	@$(BIN)/python -m bench

.PHONY: local-up local-down local-reset local-status
local-up: setup  ## start the local cloud, empty
	@$(BIN)/python -m local up
local-down: setup  ## end it: no process, container or network is left
	@$(BIN)/python -m local down
local-reset: setup  ## empty it
	@$(BIN)/python -m local reset
local-status: setup  ## tell what runs
	@$(BIN)/python -m local status
