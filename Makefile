# What CI calls is what you call. `make` alone lists the targets.
PYTHON ?= python3
PRODUCT ?= allthrive
BIN := .venv/bin
# What advice names is found on the path of your shell, not on ours.
export SLIPWAY_SHELL_PATH := $(PATH)
# The pinned Node first: jsii and the CDK CLI both run on it.
export PATH := $(CURDIR)/node_modules/node/bin:$(CURDIR)/$(BIN):$(PATH)
# Python keeps what it compiled: else each worker rewrites the assertions of all tests at each start.
unexport PYTHONDONTWRITEBYTECODE
# Linted by its own settings, as its pipeline does.
EXAMPLE := examples/allthrive/backend
CDK := node_modules/.bin/cdk
.DEFAULT_GOAL := help

.PHONY: help
help:  ## this list
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

.PHONY: setup
setup: .venv/.ready node_modules/.ready  ## virtual environment, CDK CLI, Node

.venv/.ready: requirements-dev.lock
	$(PYTHON) -m venv .venv && $(BIN)/pip install --quiet --disable-pip-version-check --require-hashes --requirement requirements-dev.lock && $(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable localcloud --editable . && touch $@

node_modules/.ready: package.json package-lock.json
	npm ci --no-audit --no-fund --silent && touch $@

.venv-policy/.ready: requirements-policy.lock
	$(PYTHON) -m venv .venv-policy && .venv-policy/bin/pip install --quiet --disable-pip-version-check --require-hashes --requirement requirements-policy.lock && touch $@

.PHONY: demo
demo: setup  ## deploy, release and serve PRODUCT on the local cloud [SOURCE: its checkout, if it is not in examples/]
	@$(BIN)/python -m slipway_cli demo $(PRODUCT) $(if $(SOURCE),--source $(SOURCE))

# Options for every call of pytest: `make test PYTEST_ADDOPTS=-x`.
PYTEST = $(BIN)/pytest --quiet --numprocesses 2
.PHONY: test test-all test-containers test-localcloud test-localcloud-containers test-alone test-long
test: setup .venv-policy/.ready  ## the tests of the product without containers or browser, and one short push through containers: some five minutes
	@$(PYTEST) --dist load -m "(not docker and not browser and not slow and not long) or smoke"
test-all: test-containers test-localcloud-containers test-alone policy  ## all that `make test` leaves out, but the long tests: what CI runs besides
test-containers: setup .venv-policy/.ready  ## slow tests, tests with containers or a browser, a push, a broken test, a broken image
	@$(PYTEST) -m "(docker or browser or slow) and not long and not smoke"
test-localcloud: setup  ## the local cloud's own tests
	@cd localcloud && ../$(PYTEST) -m "not long"
test-localcloud-containers: setup  ## of those, the ones with containers or a browser; test-alone runs the others
	@cd localcloud && ../$(PYTEST) -m "(docker or browser) and not long"
test-alone: setup  ## localcloud installed in an empty environment: its tests there [TESTS: arguments of pytest]
	@PYTHON=$(CURDIR)/$(BIN)/python localcloud/alone $(TESTS)
test-long: setup .venv-policy/.ready  ## every test that takes minutes [SLICE=K/N: one of N parts]
	@$(PYTEST) -m long $(if $(SLICE),--slice $(SLICE))
	@cd localcloud && ../$(PYTEST) -m long $(if $(SLICE),--slice $(SLICE)) || [ $$? -eq 5 ]
.PHONY: privileges
privileges: setup  ## take each statement of each role away, see what fails, rewrite docs/least-privilege.md: three quarters of an hour
	@SLIPWAY_RECORD=1 $(BIN)/pytest -q -p no:randomly tests/end_to_end/privileges tests/end_to_end/allthrive/test_least_privilege.py tests/end_to_end/edenco/test_least_privilege.py && $(BIN)/python -m policy.privileges
.PHONY: soak
soak: setup  ## 10,000 fault schedules for the handlers, minutes [SEED ONLY ROUND SCHEDULES]
	@$(BIN)/python -m tests.soak $(if $(SEED),--seed $(SEED)) $(if $(ONLY),--only $(ONLY)) $(if $(ROUND),--round $(ROUND)) \
		$(if $(SCHEDULES),--schedules $(SCHEDULES))

.PHONY: check check-platform format policy
check: setup  ## format, lint, types, and the tests that your change can break, nearest first: before each commit
	@$(BIN)/ruff format --check . $(EXAMPLE) && $(BIN)/ruff check . $(EXAMPLE) && $(BIN)/mypy && (cd localcloud && ../$(BIN)/mypy) && $(BIN)/python -m tests.check
check-platform: setup  ## what the flow `infrastructure` checks, without git: format, lint, types, models, templates, programs
	@$(BIN)/ruff format --check . && $(BIN)/ruff check . && $(BIN)/mypy && $(PYTEST) -m "not docker and not browser and not slow and not long and not local" tests/products tests/stacks tests/builds tests/lambda tests/policy
policy: setup .venv-policy/.ready  ## refuse unsafe templates, rights and workflows; what is accepted has its reason
	@$(BIN)/python -m slipway_cli policy
format: setup  ## let ruff mend what it can
	@$(BIN)/ruff format . && $(BIN)/ruff check --fix .

.PHONY: synth diff snapshots docs schema bench
synth: setup  ## templates of PRODUCT into cdk.out, checked by CDK's own rules
	@$(CDK) synth --quiet --strict --context product=$(PRODUCT)
diff: setup  ## what `cdk deploy` would change
	@$(CDK) diff --context product=$(PRODUCT)
snapshots: setup  ## rewrite the committed templates after an intended change
	@$(BIN)/pytest -q tests/snapshots --update-snapshots
docs: setup  ## rewrite what model, manifests and templates say: docs/manifest.md, docs/architecture.md, …
	@$(BIN)/python -m slipway_cli docs
schema: docs
.PHONY: lock
lock: setup  ## pin every Python package, theirs too, to the hashes of its files, after a change of requirements*.txt
	@$(BIN)/python -m slipway_cli.gate.locks
bench: setup  ## figures with their floor, from one run; with a demo up, those of bench-load too
	@$(BIN)/python -m bench && $(BIN)/python -m bench.load --if-up
.PHONY: bench-load
bench-load: setup  ## deploy production under load in the running demo: failed requests, lost and doubled tasks
	@$(BIN)/python -m bench.load

# Targets that are commands of `slipway` since 0.1.0: each says which one. They go in 0.2.0.
MOVED := status start follow approve reject retry rollback stop drill review cost \
	local-up local-down local-reset local-status test-push
.PHONY: $(MOVED)
$(MOVED):
	@$(BIN)/python -m slipway_cli.moved "make $@"
