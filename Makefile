# Every target is one command; `make` alone lists them.
.DEFAULT_GOAL := help
.PHONY: help install controlplane demo test lint format docs clean

# uv makes the environment from uv.lock. A machine without uv gets one in .uv, in this folder.
UV := $(or $(shell command -v uv),.uv/bin/uv)
RUN := $(UV) run --frozen

help: ## List the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-14s %s\n", $$1, $$2}'

install: $(UV) ## Make the Python environment (.venv)
	@$(UV) sync --frozen --quiet

controlplane: install ## Build kube-apiserver, etcd and kubectl once, outside this folder
	@$(RUN) python -m tests.controlplane.binaries

demo: controlplane ## Tell the story on a real control plane (KEEP=1: stay up)
	@$(RUN) python -m demo $(if $(KEEP),--keep)

test: controlplane ## Run all tests
	@$(RUN) pytest

lint: install ## Check format, lint, types, and the direction of the packages
	@$(RUN) ruff format --check . && $(RUN) ruff check . && $(RUN) mypy && $(RUN) lint-imports

format: install ## Format the code
	@$(RUN) ruff format . && $(RUN) ruff check --fix .

docs: install ## Write docs/checks.md from the docstrings of the checks, docs/policies.md from the definition
	@$(RUN) python -m webhook.checks.documentation > docs/checks.md
	@$(RUN) python -m webhook.policy.documentation < manifests/crds/agentpolicies.yaml > docs/policies.md

clean: ## Remove what the targets made in this folder (the control plane stays in its cache)
	@rm -rf .venv .uv .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

.uv/bin/uv:
	@python3 -m venv .uv && .uv/bin/pip install --quiet --disable-pip-version-check uv
