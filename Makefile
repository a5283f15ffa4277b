# AGE's commands; `make` alone lists them. Everything is installed and built inside this folder; only caches are outside.

# ---- Settings: see `make help` ----

PYTHON  ?= python3
MACHINE := $(shell uname -m)
ARCH    ?= $(if $(filter aarch64 arm64,$(MACHINE)),arm64,x86_64)
STATE   := $(or $(AGE_STATE_DIR),.local)

# ---- Tools ----

# Not exported to all recipes: .venv itself must be made by a Python outside of it.
TOOLS  := PATH="$(CURDIR)/.venv/bin:$$PATH"
STACK  := $(TOOLS) .venv/bin/python infra/local/stack.py
CHECKS := .venv/checks/bin

PIP_INSTALL  := -m pip install --quiet --disable-pip-version-check
# Every file that is installed has a hash in the requirements. A source package would build with unlocked ones.
LOCKED       := --require-hashes
LAMBDA_BUILD  = cargo lambda build --release --locked $(or \
	$(if $(filter x86_64,$(ARCH)),--x86-64), \
	$(if $(filter arm64,$(ARCH)),--arm64), \
	$(error ARCH must be x86_64 or arm64; got "$(ARCH)"))

PYTHON_FILES  := infra/aws infra/local infra/supply_chain examples tests/senders tests/clients tests/iam tests/local tests/docs
SHELL_SCRIPTS := .ci/run tests/browser/chromium.sh
JS_FILES      := tests/browser tests/channels tests/clients examples/clients functions/dashboard/src/script.js

.SHELLFLAGS   := -eu -c
.DEFAULT_GOAL := help
.PHONY: help run up down logs weekly watch test lint build bench permissions openapi screenshots agectl man sbom audit lock deploy clean
.PHONY: test-programs test-code test-stack test-permissions test-documents check-system check-node cargo browser channels clients remake

# ---- Commands ----

help: ## list the commands and the settings
	@echo "AGE, the Autonomous Governance Engine"
	@echo
	@sed -n 's/^\([a-z]*\):[^#]*## \(.*\)/  make \1|\2/p' $(MAKEFILE_LIST) | awk -F'|' '{ printf "%-20s%s\n", $$1, $$2 }'
	@echo
	@echo "Settings, as in \`make up AGE_PORT=4600\` or from the environment:"
	@echo "  PYTHON            the Python that makes .venv: 3.11 or newer ($(PYTHON))"
	@echo "  ARCH              the processor that the functions are built for: x86_64 or arm64 ($(ARCH))"
	@echo "  AGE_PORT          the port of the local AWS (4566); \`make test\` takes free ports"
	@echo "  AGE_API_PORT      the port on which the local API answers (AGE_PORT + 1)"
	@echo "  AGE_STATE_DIR     the folder of the local AWS's state: stack.env, logs, pid files (.local)"
	@echo "  ADVISORY_DB       a clone of the advisory database, for \`make audit\` where GitHub cannot be reached"
	@echo "  AGE_RUN_ONCE=1    \`make run\` stops after the report, instead of waiting for Ctrl-C"
	@echo "  ARGS              options of \`make logs\`: --follow, --function NAME, --request ID; and of"
	@echo "                    \`make deploy\`: --stack-name, --region, --profile, --config-env, PARAMETER=VALUE"

run: check-system build agectl ## replay a sample week on a local AWS and print the weekly report; Ctrl-C stops it
	@$(TOOLS) .venv/bin/python infra/local/demo.py

up: check-system build agectl ## start the local AWS in the background and deploy AGE to it
	@$(STACK) up

down: $(if $(wildcard $(STATE)/aws.pid),.venv/ready) ## stop the local AWS
	@if [ -f $(STATE)/aws.pid ]; then $(STACK) down; else echo "The local AWS was not running."; fi

logs: .venv/ready ## print the functions' logs on the running stack, ordered by time
	@$(STACK) logs $(ARGS)

weekly: .venv/ready ## invoke the weekly report on the running stack
	@$(STACK) weekly

watch: up ## serve the functions on http://localhost:9000 and rebuild them when they change
	@echo "==> Building for watch"
	@$(TOOLS) cargo build --workspace --bins --locked
	@set -a; . $(STATE)/stack.env; set +a; \
		$(TOOLS) cargo lambda watch --invoke-address 127.0.0.1 --invoke-port 9000

test: check-system check-node .venv/checks/ready .venv/sam/ready browser channels clients ## run all tests, end-to-end ones on their own local AWS
	@$(MAKE) --no-print-directory --jobs=2 build test-programs
	@echo "==> Documents"
	@.venv/bin/python -W error -m unittest discover --quiet --start-directory tests/docs
	@echo "==> Tests; beside them those on a local AWS, and on another one deployments, the commands of the documents, and permissions"
	@mkdir -p $(STATE)
	@$(MAKE) --no-print-directory --jobs=3 --keep-going test-code test-stack test-permissions test-documents

# Tests of the code compute; the others mostly wait for the local AWS. Their output follows when they have ended.
# No `main.rs` has tests; agectl is built because those of its package run it.
CARGO_TEST := cargo test --workspace --locked --lib --test it
ON_FREE_PORTS := AGE_PORT= AGE_API_PORT=
PERMISSIONS_TEST := local_aws::each_role_has_exactly_the_permissions_it_needs

test-programs: cargo .venv/ready
	@echo "==> Compiling the tests"
	@$(CARGO_TEST) --no-run

# The local AWS comes first: its functions have time limits, which a busy machine would exceed.
test-code:
	@nice -n 5 $(CARGO_TEST)

test-stack:
	@code=0; AGE_STATE_DIR=$(STATE)/test $(ON_FREE_PORTS) $(STACK) exec -- $(CARGO_TEST) -- --ignored \
		--skip $(PERMISSIONS_TEST) >$(STATE)/test-stack.log 2>&1 || code=$$?; cat $(STATE)/test-stack.log; exit $$code

# On a local AWS of their own: for minutes they deny functions what other tests need. After the documents, so that two local AWS run at
# once and not three. The name of the test must have been found.
test-permissions: test-documents
	@code=0; { AGE_STATE_DIR=$(STATE)/permissions $(ON_FREE_PORTS) $(STACK) exec -- $(CARGO_TEST) -- --ignored --exact \
		$(PERMISSIONS_TEST) >$(STATE)/test-permissions.log 2>&1 && \
		grep --quiet "^test $(PERMISSIONS_TEST) \.\.\. ok" $(STATE)/test-permissions.log; } || code=$$?; \
		cat $(STATE)/test-permissions.log; exit $$code

test-documents:
	@code=0; { .venv/bin/python -W error -m unittest discover --quiet --start-directory tests/local && \
		AGE_STATE_DIR=$(STATE)/documents $(ON_FREE_PORTS) $(STACK) exec -- .venv/bin/python tests/docs/run_console_blocks.py; } \
		>$(STATE)/test-documents.log 2>&1 || code=$$?; cat $(STATE)/test-documents.log; exit $$code

lint: check-node .venv/checks/ready cargo tests/browser/node_modules/.ready ## check format, lints, dependencies, template
	@echo "==> Rust"
	@cargo fmt --all --check
	@cargo clippy --workspace --all-targets --locked -- -D warnings
	@$(TOOLS) cargo deny --locked check bans licenses sources
	@echo "==> Template"
	@$(TOOLS) cfn-lint infra/template.yaml
	@$(CHECKS)/checkov --file infra/template.yaml --config-file infra/checkov.yaml
	@echo "==> Bill of materials"
	@$(CHECKS)/python infra/supply_chain/sbom.py target/sbom.cdx.json
	@echo "==> Contract"
	@$(CHECKS)/python tests/clients/breaking_changes.py
	@echo "==> Python"
	@$(CHECKS)/ruff check --quiet $(PYTHON_FILES)
	@$(CHECKS)/ruff format --quiet --check --diff $(PYTHON_FILES)
	@$(CHECKS)/mypy --no-error-summary
	@echo "==> Shell"
	@$(CHECKS)/shellcheck $(SHELL_SCRIPTS)
	@echo "==> JavaScript"
	@tests/browser/node_modules/.bin/biome check --error-on-warnings $(JS_FILES)

build: .venv/ready cargo ## build the functions as AWS runs them, in target/lambda
	@echo "==> Building the functions ($(ARCH))"
	@$(TOOLS) $(LAMBDA_BUILD) --workspace --exclude agectl --exclude hello
	@.venv/bin/python infra/local/unwind_tables.py
	@.venv/bin/python infra/local/zip_sizes.py

# hello is built alone: together with the functions it would get the features that they need of its dependencies.
bench: build ## measure the functions against their limits; writes BENCHMARKS.md and target/bench.json
	@$(TOOLS) $(LAMBDA_BUILD) --package hello
	@.venv/bin/python infra/local/unwind_tables.py
	@.venv/bin/python infra/local/zip_sizes.py
	@echo "==> Measuring"
	@cargo bench --locked --package integration-tests --bench age

permissions: check-system build agectl ## print what fails without each permission of the template
	@AGE_STATE_DIR=$(STATE)/permissions AGE_PORT= AGE_API_PORT= $(STACK) exec -- \
		.venv/bin/python tests/iam/least_privilege.py

openapi: cargo .venv/ready ## write the contract, the catalogue of problems, and the schema and reference of the policy, from the code
	@AGE_WRITE_CONTRACT=1 cargo test --quiet --locked --test it -p integration-tests -- \
		--exact openapi::contract_file_matches_the_code openapi::description_of_messages_matches_the_code \
		openapi::reference_of_problems_matches_the_code
	@AGE_WRITE_CONTRACT=1 cargo test --quiet --locked --lib -p age-policy -- \
		--exact schema::tests::schema_file_matches_the_code
	@.venv/bin/python tests/docs/policy_reference.py

screenshots: check-node cargo browser ## take the screenshots in docs/screenshots, of the sample week
	@mkdir -p docs/screenshots
	@AGE_SCREENSHOTS="$(CURDIR)/docs/screenshots" cargo test --quiet --locked --test it -p integration-tests -- \
		--ignored --exact browser::every_page_of_a_week_is_accessible_and_fits_its_screen

agectl: cargo ## build the operators' command in target/debug; `cargo install --path cli` installs it
	@echo "==> Building agectl"
	@cargo build --locked --package agectl

man: cargo ## write agectl's man pages and shell completions, for packages, to target/packaging
	@cargo run --quiet --locked --package agectl --example packaging -- target/packaging

channels: tests/channels/node_modules/.ready ## install the tools that check what channels get, for tests/channels

clients: tests/clients/node_modules/.ready .venv/clients/ready ## install the generators of clients, for tests/clients

sbom: .venv/checks/ready cargo ## write what AGE is linked from to target/sbom.cdx.json, in CycloneDX
	@$(CHECKS)/python infra/supply_chain/sbom.py target/sbom.cdx.json

# cargo-deny fetches the database with git, which takes it from ADVISORY_DB, a clone or mirror, where GitHub cannot be reached.
audit: .venv/ready cargo ## check the crates in Cargo.lock against the RustSec advisory database
	@$(TOOLS) $(if $(ADVISORY_DB),GIT_CONFIG_COUNT=1 GIT_CONFIG_KEY_0='url.$(abspath $(ADVISORY_DB)).insteadOf' \
		GIT_CONFIG_VALUE_0=https://github.com/RustSec/advisory-db) cargo deny --locked check advisories

# The hashes are those of all files of a release, so that each platform can choose its own.
lock: .venv/ready ## write the hashes of the Python packages in infra/requirements*.in
	@cd infra && for name in requirements requirements-checks requirements-clients requirements-sam; do \
		../.venv/bin/uv pip compile --quiet --universal --no-deps --python-version 3.11.5 --generate-hashes --no-annotate \
			--custom-compile-command "make lock" $$name.in --output-file $$name.txt >/dev/null; \
	done

deploy: build .venv/sam/ready ## deploy to your AWS account; asks before it changes anything
	@.venv/bin/python infra/aws/guided_deploy.py --arch $(ARCH) $(ARGS)

clean: ## stop the local AWS, and remove everything that was built or installed here
	@if [ -f $(STATE)/aws.pid ] && [ -x .venv/bin/python ]; then $(STACK) down; fi
	@rm -rf target .venv $(STATE) tests/browser/node_modules tests/channels/node_modules \
		tests/clients/node_modules tests/clients/generated .mypy_cache .ruff_cache
	@find $(PYTHON_FILES) -name __pycache__ -exec rm -rf {} +

# ---- Checks before a build: what the commands need of this machine ----

check-system:
	@[ "$$(uname -s)" = Linux ] || \
		{ echo "age: the local AWS runs the functions as Linux programs: use Linux, or WSL on Windows" >&2; exit 2; }

check-node:
	@command -v npm >/dev/null || { echo "age: npm is missing: install Node 20 or newer" >&2; exit 2; }

cargo:
	@command -v cargo >/dev/null || { echo "age: cargo is missing: install Rust from https://rustup.rs" >&2; exit 2; }

# ---- Environments ----

browser: tests/browser/node_modules/.ready
	@tests/browser/chromium.sh --install >/dev/null

tests/browser/node_modules/.ready: $(addprefix tests/browser/,package.json package-lock.json .npmrc) | check-node
	@echo "==> Installing the tools of the browser tests (once)"
	@cd tests/browser && npm ci --silent --no-audit --no-fund
	@touch $@

tests/channels/node_modules/.ready: $(addprefix tests/channels/,package.json package-lock.json .npmrc) | check-node
	@echo "==> Installing the tools that check what channels get (once)"
	@cd tests/channels && npm ci --silent --no-audit --no-fund
	@touch $@

tests/clients/node_modules/.ready: $(addprefix tests/clients/,package.json package-lock.json .npmrc) | check-node
	@echo "==> Installing the generators of TypeScript clients (once)"
	@cd tests/clients && npm ci --silent --no-audit --no-fund
	@touch $@

# A .venv that was moved, or whose Python is gone, does not work: it is made again.
VENV_WORKS := $(shell [ "$$(cat .venv/ready 2>/dev/null)" = "$(CURDIR)" ] && .venv/bin/python -c '' 2>/dev/null && echo yes)

.venv/ready: infra/requirements.txt $(if $(VENV_WORKS),,remake)
	@command -v $(PYTHON) >/dev/null || { echo "age: $(PYTHON) is missing: install Python 3.11 or newer" >&2; exit 2; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "age: $(PYTHON) must be 3.11 or newer: name another, as in \`make PYTHON=python3.12 ...\`" >&2; exit 2; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || \
		{ echo "age: $(PYTHON) has no venv module: install it (Debian, Ubuntu: apt install python3-venv)" >&2; exit 2; }
	@echo "==> Installing the tools into .venv (once)"
	@rm -rf .venv && $(PYTHON) -m venv .venv
	@awk '/^[^ ]/ { is_uv = /^uv==/ } is_uv' infra/requirements.txt >.venv/uv.txt
	@.venv/bin/python $(PIP_INSTALL) $(LOCKED) --only-binary :all: --requirement .venv/uv.txt
	@.venv/bin/uv pip install --quiet --python .venv $(LOCKED) --no-build --requirement infra/requirements.txt
	@echo "$(CURDIR)" > $@

# Checks pin other versions of some dependencies than the tools in .venv.
.venv/checks/ready: infra/requirements-checks.txt .venv/ready
	@echo "==> Installing the checks into .venv/checks (once)"
	@.venv/bin/uv venv --quiet --clear --python .venv/bin/python .venv/checks
	@.venv/bin/uv pip install --quiet --python .venv/checks $(LOCKED) --no-build --requirement infra/requirements-checks.txt
	@echo "$(CURDIR)" > $@

# Generators of Python clients pin other versions than the tools in .venv and the checks.
.venv/clients/ready: infra/requirements-clients.txt .venv/ready
	@echo "==> Installing the generators of Python clients into .venv/clients (once)"
	@.venv/bin/uv venv --quiet --clear --python .venv/bin/python .venv/clients
	@.venv/bin/uv pip install --quiet --python .venv/clients $(LOCKED) --no-build --requirement infra/requirements-clients.txt
	@echo "$(CURDIR)" > $@

# SAM CLI runs with the permissions of whoever deploys.
.venv/sam/ready: infra/requirements-sam.txt .venv/ready
	@echo "==> Installing SAM CLI into .venv/sam (once)"
	@.venv/bin/uv venv --quiet --clear --python .venv/bin/python .venv/sam
	@.venv/bin/uv pip install --quiet --python .venv/sam $(LOCKED) --no-build --requirement infra/requirements-sam.txt
	@echo "$(CURDIR)" > $@
