# AGE's commands; `make` alone lists them. Everything is installed, built and kept inside this folder.

ARCH   ?= x86_64
PYTHON ?= python3
STATE  := $(or $(AGE_STATE_DIR),.local)

# Not exported for all: .venv itself must be made by a Python from outside it.
TOOLS := PATH="$(CURDIR)/.venv/bin:$$PATH"
LOCAL := $(TOOLS) .venv/bin/python infra/local
BUILD_ARCH := $(or $(if $(filter x86_64,$(ARCH)),--x86-64),$(if $(filter arm64,$(ARCH)),--arm64),\
	$(error ARCH=$(ARCH): it is x86_64 or arm64))

.SHELLFLAGS := -eu -c
.DEFAULT_GOAL := help
.PHONY: help run up down weekly watch test lint build bench agectl openapi permissions screenshots deploy clean cargo browser remake

help: ## list these commands
	@echo "AGE, the Autonomous Governance Engine"
	@sed -n 's/^\([a-z]*\):[^#]*## \(.*\)/  make \1|\2/p' $(MAKEFILE_LIST) | awk -F'|' '{ printf "%-14s %s\n", $$1, $$2 }'
	@echo "AGE_PORT=4600 moves the local AWS from port 4566; ARCH=arm64 builds for the other processor (untried)."

run: build agectl ## the main job: a sample week through a local AWS, ending in the weekly report; Ctrl-C ends it
	@$(LOCAL)/demo.py

up: build agectl ## start the local AWS in the background with AGE deployed on it
	@$(LOCAL)/stack.py up

down: $(if $(wildcard $(STATE)/aws.pid),.venv/ready) ## stop it
	@if [ -f $(STATE)/aws.pid ]; then $(LOCAL)/stack.py down; else echo "The local AWS was not running."; fi

weekly: .venv/ready ## fire the weekly report on the running stack
	@$(LOCAL)/stack.py weekly

watch: up ## serve the functions on http://localhost:9000 and rebuild them as they change
	@echo "==> Building for watch"
	@$(TOOLS) cargo build --workspace --bins --locked
	@set -a; . $(STATE)/stack.env; set +a; $(TOOLS) cargo lambda watch --invoke-address 127.0.0.1 --invoke-port 9000

test: build agectl .venv/checks/ready browser ## all tests, the end-to-end ones on a local AWS of their own
	@echo "==> Tests"
	@AGE_STATE_DIR=$(STATE)/test AGE_PORT= $(LOCAL)/stack.py exec -- cargo test --workspace --locked --lib --test it -- --include-ignored

lint: .venv/ready .venv/checks/ready cargo ## formatting, lints, dependency rules, the template
	@echo "==> Format"
	@cargo fmt --all --check
	@echo "==> Clippy"
	@cargo clippy --workspace --all-targets --locked -- -D warnings
	@echo "==> Dependencies"
	@$(TOOLS) cargo deny --locked check bans licenses sources
	@echo "==> Template"
	@$(TOOLS) cfn-lint infra/template.yaml
	@.venv/checks/bin/checkov --file infra/template.yaml --config-file infra/checkov.yaml
	@echo "==> Python"
	@.venv/bin/python -W error -m compileall -q infra/local examples tests/senders tests/iam

build: .venv/ready cargo ## the functions, as AWS runs them, in target/lambda
	@echo "==> Building the functions ($(ARCH))"
	@$(TOOLS) cargo lambda build --release --locked --workspace --exclude agectl --exclude hello $(BUILD_ARCH)
	@$(LOCAL)/zips.py

# Built alone: together with the functions it would have their features.
bench: build ## measure the functions against their limits; writes BENCHMARKS.md and target/bench.json
	@$(TOOLS) cargo lambda build --release --locked --package hello $(BUILD_ARCH)
	@$(LOCAL)/zips.py
	@echo "==> Measuring"
	@cargo bench --locked --package integration-tests --bench age

permissions: build agectl ## what breaks without each permission in the template, shown on a local AWS
	@AGE_STATE_DIR=$(STATE)/permissions AGE_PORT= $(LOCAL)/stack.py exec -- .venv/bin/python tests/iam/least_privilege.py

openapi: cargo ## write infra/openapi.json anew, from the code
	@AGE_WRITE_CONTRACT=1 cargo test --quiet --locked --test it -p integration-tests -- --exact openapi::the_kept_contract_is_what_the_code_says

screenshots: cargo browser ## draw the pages in docs/screenshots anew, from the sample week
	@mkdir -p docs/screenshots
	@AGE_SCREENSHOTS="$(CURDIR)/docs/screenshots" cargo test --quiet --locked --test it -p integration-tests -- \
		--ignored --exact browser::every_page_of_a_week_is_accessible_and_fits_its_screen

agectl: cargo ## the operators' command, in target/debug; `cargo install --path cli` installs it
	@echo "==> Building agectl"
	@cargo build --locked --package agectl

deploy: build .venv/deploy/ready ## deploy to your AWS account; asks before it changes anything
	@SAM_CLI_TELEMETRY=0 .venv/deploy/bin/sam deploy --guided --stack-name age \
		--template-file infra/template.yaml --capabilities CAPABILITY_IAM --parameter-overrides Arch=$(ARCH)

clean: ## stop the local AWS; remove all that was built or installed here
	@if [ -f $(STATE)/aws.pid ] && [ -x .venv/bin/python ]; then $(LOCAL)/stack.py down; fi
	@rm -rf target .venv $(STATE) tests/browser/node_modules infra/local/__pycache__ examples/__pycache__ tests/senders/__pycache__ tests/iam/__pycache__

cargo:
	@command -v cargo >/dev/null || { echo "age: cargo is missing: install Rust from https://rustup.rs" >&2; exit 2; }

browser: tests/browser/node_modules/.ready
	@tests/browser/chromium.sh --install >/dev/null

tests/browser/node_modules/.ready: $(addprefix tests/browser/,package.json package-lock.json .npmrc)
	@command -v npm >/dev/null || { echo "age: npm is missing: install Node 20 or newer" >&2; exit 2; }
	@echo "==> Installing the browser tests' tools (once)"
	@cd tests/browser && npm ci --silent --no-audit --no-fund
	@touch $@

# A .venv that was moved, or whose Python has gone, is no use: it is made anew.
VENV_WORKS := $(shell [ "$$(cat .venv/ready 2>/dev/null)" = "$(CURDIR)" ] && .venv/bin/python -c '' 2>/dev/null && echo yes)

.venv/ready: infra/requirements.txt $(if $(VENV_WORKS),,remake)
	@command -v $(PYTHON) >/dev/null || { echo "age: $(PYTHON) is missing: install Python 3.11 or newer" >&2; exit 2; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "age: $(PYTHON) is too old: 3.11 or newer is needed, as in \`make PYTHON=python3.12 ...\`" >&2; exit 2; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || \
		{ echo "age: $(PYTHON) has no venv module: install it (Debian, Ubuntu: apt install python3-venv)" >&2; exit 2; }
	@echo "==> Installing the tools into .venv (once)"
	@rm -rf .venv && $(PYTHON) -m venv .venv
	@.venv/bin/python -m pip install --quiet --disable-pip-version-check -r infra/requirements.txt
	@echo "$(CURDIR)" > $@

# Other checks pin other versions of what the tools above need: apart.
.venv/checks/ready: infra/requirements-checks.txt .venv/ready
	@echo "==> Installing checks into .venv/checks (once)"
	@rm -rf .venv/checks && .venv/bin/python -m venv .venv/checks
	@.venv/checks/bin/python -m pip install --quiet --disable-pip-version-check -r infra/requirements-checks.txt
	@echo "$(CURDIR)" > $@

# SAM's own command is large and pins other versions: apart, and only for those who deploy.
.venv/deploy/ready: .venv/ready
	@echo "==> Installing the SAM command into .venv/deploy (once)"
	@.venv/bin/python -m venv .venv/deploy
	@.venv/deploy/bin/python -m pip install --quiet --disable-pip-version-check aws-sam-cli==1.170.0
	@echo "$(CURDIR)" > $@
