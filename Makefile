# What CI calls is what you call. `make` alone lists the targets.
PYTHON ?= python3
PRODUCT ?= allthrive
# What the pipelines' verbs take: typed after `make`, never found in the environment, and handed over as variables of
# the shell, since a reason may hold quotes.
TYPED := FLOW COMMIT REASON ENVIRONMENT TO STAGE RUN ABANDON NAME
$(foreach each,$(TYPED),$(if $(findstring command,$(origin $(each))),,$(eval $(each) :=)))
export $(TYPED)
BIN := .venv/bin
# The pinned Node first: jsii and the CDK CLI both run on it.
export PATH := $(CURDIR)/node_modules/node/bin:$(CURDIR)/$(BIN):$(PATH)
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
demo: setup  ## deploy, release and serve PRODUCT on the local cloud
	@$(BIN)/python -m slipway_cli.demo --product $(PRODUCT)

# Options for every call of pytest: `make test PYTEST_ADDOPTS=-x`.
PYTEST = $(BIN)/pytest --quiet --numprocesses 2
.PHONY: test test-all test-containers test-localcloud test-alone test-long
test: setup .venv-policy/.ready  ## the tests of the product without containers, and one short push through containers: five minutes
	@$(PYTEST) --dist load -m "(not docker and not slow and not long) or smoke"
test-all: test-containers test-localcloud test-alone policy  ## all that `make test` leaves out, but the long tests: what CI runs besides
test-containers: setup .venv-policy/.ready  ## slow tests, tests with containers, a push, a broken test, a broken image
	@$(PYTEST) -m "(docker or slow) and not long and not smoke"
test-localcloud: setup  ## the local cloud's own tests
	@cd localcloud && ../$(PYTEST) -m "not long"
test-alone: setup  ## localcloud installed in an empty environment: its tests there [TESTS: arguments of pytest]
	@PYTHON=$(CURDIR)/$(BIN)/python localcloud/alone $(TESTS)
test-long: setup .venv-policy/.ready  ## every test that takes minutes [SLICE=K/N: one of N parts]
	@$(PYTEST) -m long $(if $(SLICE),--slice $(SLICE))
	@cd localcloud && ../$(PYTEST) -m long $(if $(SLICE),--slice $(SLICE)) || [ $$? -eq 5 ]
.PHONY: privileges
privileges: setup  ## take each statement of each role away, see what fails, rewrite docs/least-privilege.md: half an hour
	@SLIPWAY_RECORD=1 $(BIN)/pytest -q -p no:randomly tests/end_to_end/privileges tests/end_to_end/allthrive/test_least_privilege.py && $(BIN)/python -m policy.privileges
.PHONY: soak
soak: setup  ## 10,000 fault schedules for the handlers, minutes [SEED ONLY ROUND SCHEDULES]
	@$(BIN)/python -m tests.soak $(if $(SEED),--seed $(SEED)) $(if $(ONLY),--only $(ONLY)) $(if $(ROUND),--round $(ROUND)) \
		$(if $(SCHEDULES),--schedules $(SCHEDULES))

.PHONY: check format policy
check: setup  ## format, lint, types, and the tests that your change can break, nearest first: before each commit
	@$(BIN)/ruff format --check . $(EXAMPLE) && $(BIN)/ruff check . $(EXAMPLE) && $(BIN)/mypy && (cd localcloud && ../$(BIN)/mypy) && $(BIN)/python -m tests.check
policy: setup .venv-policy/.ready  ## refuse unsafe templates, rights and workflows; what is accepted has its reason
	@$(BIN)/python -m slipway_cli.gate
format: setup  ## let ruff mend what it can
	@$(BIN)/ruff format . && $(BIN)/ruff check --fix .

.PHONY: status start follow approve reject retry rollback stop
OPERATE = $(BIN)/python -m slipway_cli.operate $@ --product $(PRODUCT)
status: setup  ## PRODUCT's pipelines: runs, approvals, failures, what to type next [FLOW]
	@$(OPERATE) $${FLOW:+"$$FLOW"}
start: setup  ## start a pipeline: FLOW [COMMIT]
	@$(OPERATE) "$$FLOW" $${COMMIT:+--commit "$$COMMIT"}
follow: setup  ## say each change of a run until it ends: FLOW [RUN]
	@$(OPERATE) "$$FLOW" $${RUN:+--run "$$RUN"}
approve: setup  ## let the release in that waits [FLOW STAGE REASON]
	@$(OPERATE) $${FLOW:+"$$FLOW"} $${STAGE:+--stage "$$STAGE"} $${REASON:+--reason "$$REASON"}
reject: setup  ## keep it out: REASON [FLOW STAGE]
	@$(OPERATE) $${FLOW:+"$$FLOW"} $${STAGE:+--stage "$$STAGE"} --reason "$$REASON"
retry: setup  ## repeat the failed actions [FLOW RUN]
	@$(OPERATE) $${FLOW:+"$$FLOW"} $${RUN:+--run "$$RUN"}
rollback: setup  ## take ENVIRONMENT back to the release TO
	@$(OPERATE) "$$ENVIRONMENT" --to "$$TO"
stop: setup  ## stop a run after its actions in progress [FLOW RUN REASON; ABANDON=yes: at once]
	@$(OPERATE) $${FLOW:+"$$FLOW"} $${RUN:+--run "$$RUN"} $${REASON:+--reason "$$REASON"} $${ABANDON:+--abandon}

.PHONY: drill
drill: setup  ## break something on the running demo and see that it holds: [NAME ENVIRONMENT]
	@$(BIN)/python -m slipway_cli.drills --product $(PRODUCT) $${NAME:+"$$NAME"} $${ENVIRONMENT:+--environment "$$ENVIRONMENT"}

.PHONY: synth diff review snapshots docs schema cost bench
synth: setup  ## templates of PRODUCT into cdk.out, checked by CDK's own rules
	@$(CDK) synth --quiet --strict --context product=$(PRODUCT)
diff: setup  ## what `cdk deploy` would change
	@$(CDK) diff --context product=$(PRODUCT)
review: setup  ## what the change since BASE would do: replacements, rights, networks; exit code 1: forbidden
	@$(BIN)/python -m slipway_cli.review --product $(PRODUCT) --base "$(or $(BASE),main)"
snapshots: setup  ## rewrite the committed templates after an intended change
	@$(BIN)/pytest -q tests/snapshots --update-snapshots
docs: setup  ## rewrite what model and manifests say: docs/manifest.md, docs/pipelines.md, docs/architecture.md, the schema
	@$(BIN)/python -m products.schema && $(BIN)/python -m products.reference && $(BIN)/python -m products.document && $(BIN)/python -m slipway_cli.review.diagrams \
		&& $(BIN)/python -m slipway_cli.gate.document && $(BIN)/python -m slipway_cli.gate.controls && $(BIN)/python -m policy.execution
schema: docs
.PHONY: lock
lock: setup  ## pin every Python package, theirs too, to the hashes of its files, after a change of requirements*.txt
	@$(BIN)/python -m slipway_cli.gate.locks
cost: setup  ## what PRODUCT costs a month, as it is and at three sizes [DETAILS=yes ENVIRONMENT]
	@$(BIN)/python -m slipway_cli.review.cost --product $(PRODUCT) $(if $(DETAILS),--details) $${ENVIRONMENT:+--environment "$$ENVIRONMENT"}
bench: setup  ## figures with their floor, from one run; with a demo up, those of bench-load too
	@$(BIN)/python -m bench && $(BIN)/python -m bench.load --if-up
.PHONY: bench-load
bench-load: setup  ## deploy production under load in the running demo: failed requests, lost and doubled tasks
	@$(BIN)/python -m bench.load

.PHONY: local-up local-down local-reset local-status
local-up: setup  ## start the local cloud, empty
	@$(BIN)/python -m localcloud up
local-down: setup  ## end it: no process, container or network is left
	@$(BIN)/python -m localcloud down
local-reset: setup  ## empty it
	@$(BIN)/python -m localcloud reset
local-status: setup  ## tell what runs
	@$(BIN)/python -m localcloud status
