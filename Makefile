# Every target is one line, and what CI calls is what you call.
.PHONY: setup
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

setup: $(VENV)/.ready node_modules/.ready  ## virtual environment, CDK CLI, Node

$(VENV)/.ready: requirements.txt requirements-dev.txt
	$(PYTHON) -m venv $(VENV) && $(BIN)/pip install --quiet --requirement requirements-dev.txt && touch $@

node_modules/.ready: package.json package-lock.json
	npm ci --no-audit --no-fund --silent && touch $@
