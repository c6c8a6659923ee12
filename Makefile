# The only door: people and CI run these targets. `make help` lists them.
SHELL      := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS  += --no-print-directory

PYTHON ?= python3
ENV    ?= local
export PYTHONDONTWRITEBYTECODE := 1

VENVS := .local/venvs
UV    := .local/uv/bin/uv
CLOUD := $(VENVS)/cloud/bin/python
DEV   := $(VENVS)/dev/bin/python
SAM   := $(VENVS)/sam/bin/python
LOCAL := $(CLOUD) -m local

.PHONY: help
help: ## List the targets
	@awk 'BEGIN {FS = ":.*## "} /^[a-z-]+:.*## / {printf "  make %-15s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
	@echo "  ENV names a block of samconfig.toml: local (default), dev, prod, or your own copy of one."

# --- The laptop ---

LAPTOP_ONLY = @[ "$(ENV)" = local ] || { echo "make $@ is about the laptop cloud: leave ENV=$(ENV) away." >&2; exit 1; }

.PHONY: demo
demo: cloud-env sam-env ## A day in the platform's life on the laptop: deploy, stream, compare (SEED= repeats a day)
	$(LAPTOP_ONLY)
	@$(LOCAL) up
	@$(LOCAL) deploy
	@$(LOCAL) play

.PHONY: up
up: cloud-env sam-env ## Start the laptop cloud and create the secrets that exist before the stack
	$(LAPTOP_ONLY)
	@$(LOCAL) up

.PHONY: status
status: cloud-env ## Endpoints, stacks, functions, databases and lag of the laptop cloud
	$(LAPTOP_ONLY)
	@$(LOCAL) status

.PHONY: chaos
chaos: cloud-env sam-env ## Game days on the laptop: SCENARIO=writer-killed, or all; without it, which there are
	$(LAPTOP_ONLY)
	@[ -n "$(SCENARIO)" ] || { $(CLOUD) -m chaos; exit 0; }; \
	  $(LOCAL) up && $(LOCAL) deploy && $(LOCAL) chaos "$(SCENARIO)"

.PHONY: down
down: cloud-env ## End every process of the laptop cloud and remove its state
	$(LAPTOP_ONLY)
	@$(LOCAL) down

# --- Proof ---

.PHONY: test
test: dev-env cloud-env sam-env scan-env ## Every suite, on a laptop cloud of its own
	@echo "three lanes side by side, each shown when it ends: what needs no server, and the laptop cloud; the rooms; what is deployed, and recovery"
	@$(MAKE) -j3 --output-sync=target pure rooms deployed
	@$(MAKE) coverage

.PHONY: pure rooms deployed
pure:
	@$(MAKE) contract
	@$(MAKE) integration-laptop
	@$(MAKE) unit
rooms:
	@$(MAKE) lint
	@$(MAKE) integration-rooms
deployed:
	@$(MAKE) e2e
	@$(MAKE) integration-recovery

.PHONY: lint
lint: dev-env cloud-env ## ruff and mypy --strict
	@$(DEV) -m ruff check .
	@$(DEV) -m ruff format --check .
	@$(DEV) -m mypy functions layers/core/python account registers
	@$(DEV) -m mypy --python-executable $(CLOUD) local demo prove chaos capacity

.PHONY: unit
unit: dev-env ## Pure tests, sockets off
	@COVERAGE_FILE=.coverage-unit $(DEV) -m pytest tests/unit --cov --cov-report=

.PHONY: contract
contract: dev-env cloud-env sam-env scan-env ## Templates, hooks, wiring
	@$(DEV) -m pytest tests/contract

.PHONY: integration integration-rooms integration-recovery integration-laptop
integration: integration-rooms integration-recovery integration-laptop ## Real PostgreSQL and Valkey
integration-rooms: dev-env cloud-env
	@COVERAGE_FILE=.coverage-rooms $(DEV) -m pytest tests/integration \
	  --ignore=tests/integration/local --ignore=tests/integration/recovery --cov --cov-report=
integration-recovery: dev-env cloud-env
	@COVERAGE_FILE=.coverage-recovery $(DEV) -m pytest tests/integration/recovery --cov --cov-report=
integration-laptop: dev-env cloud-env
	@$(DEV) -m pytest tests/integration/local

.PHONY: scan
scan: dev-env sam-env scan-env ## What checkov, AWS's validator and cfn-lint find beyond the waivers
	@PYTHONPATH=functions:layers/core/python $(DEV) -m registers scan

.PHONY: docs
docs: dev-env sam-env ## Write the registers and diagrams that are made from the templates
	@PYTHONPATH=functions:layers/core/python $(DEV) -m registers docs

.PHONY: coverage
coverage: dev-env ## Branch coverage of functions and layers, from unit and integration
	@$(DEV) -m coverage combine --quiet --keep .coverage-unit .coverage-rooms .coverage-recovery
	@$(DEV) -m coverage report --fail-under=90

.PHONY: e2e
e2e: dev-env cloud-env sam-env ## Deployed resources only, on the laptop cloud's `test` instance (KEEP=1 leaves it up)
	@trap '[ -n "$${KEEP:-}" ] || $(LOCAL) --instance test down' EXIT; \
	  $(LOCAL) --instance test up && $(LOCAL) --instance test deploy && \
	  $(LOCAL) --instance test run -- $(DEV) -m pytest tests/e2e

.PHONY: prove
prove: cloud-env sam-env dev-env ## The full matrices at real times: ROOM=platform|privacy|recovery|rotation; writes docs/proof
	@$(CLOUD) -m prove "$(or $(ROOM),platform)"

.PHONY: bench
bench: dev-env cloud-env bench-env ## What the bars on speed and cost ask for, measured here: ROOM=privacy|analytics; writes docs/bench
	@$(DEV) -m pytest -s "bench/test_$(or $(ROOM),privacy).py"

.PHONY: capacity
capacity: cloud-env ## What so many viewers need: VIEWERS=10000000 HEARTBEAT=10 (or 10, 30, 60); WRITE=1 writes docs/capacity.md
	@$(CLOUD) -m capacity $(if $(VIEWERS),--viewers "$(VIEWERS)") $(if $(HEARTBEAT),--heartbeat "$(HEARTBEAT)") \
	  $(if $(WRITE),--write)

RUNS = .local/runs
.PHONY: capacity-runs
capacity-runs: cloud-env ## Predict a failover, a burst, an outage from a steady run, then make them on the laptop cloud that is up (15 min)
	@mkdir -p $(RUNS)
	@$(LOCAL) run -- $(CLOUD) -m capacity.record $(RUNS)/steady.json --kind steady --rate $(or $(RATE),1000)
	@for kind in failover burst outage; do \
	  $(LOCAL) run -- $(CLOUD) -m capacity.record $(RUNS)/$$kind.json --kind $$kind --rate $(or $(RATE),1000) \
	    --after $(RUNS)/steady.json || exit 1; \
	done
	@$(CLOUD) -m capacity compare --keep $(foreach kind,steady failover burst outage,$(RUNS)/$(kind).json)

# --- The account owner's part ---

# On the laptop they run in its sealed environment: no real credentials, no address but its own.
OWNER = $(if $(filter local,$(ENV)),$(LOCAL) run --) $(SAM) -m account

.PHONY: secrets
secrets: sam-env cloud-env ## Create the missing secrets of ENV and publish their ARNs; never overwrites
	@$(OWNER) secrets --env "$(ENV)"

.PHONY: preflight
preflight: sam-env cloud-env ## Would a deploy of ENV go through? One table, each failure with its remedy
	@$(OWNER) preflight --env "$(ENV)"

.PHONY: deploy
deploy: sam-env cloud-env ## Preflight, build, deploy ENV under the hold, write the outputs, ask for signs of life
	@$(if $(filter local,$(ENV)),$(LOCAL) deploy,$(OWNER) deploy --env "$(ENV)")

.PHONY: outputs
outputs: sam-env cloud-env ## Write cfn-outputs/flat-outputs.json from the deployed stack of ENV
	@$(OWNER) outputs --env "$(ENV)"

.PHONY: logs
logs: sam-env cloud-env ## What a room of ENV has logged: ROOM=analytics [SINCE=10m]
	@$(OWNER) logs --env "$(ENV)" --room "$(ROOM)" --since "$(or $(SINCE),10m)"

.PHONY: invoke
invoke: sam-env cloud-env ## Call a function of ENV: FN=analytics-consume EVENT=events/analytics/kinesis_batch.json
	@$(OWNER) invoke --env "$(ENV)" --function "$(FN)" --event "$(EVENT)"

.PHONY: rotate
rotate: sam-env cloud-env ## Rotate a password of ENV now and follow it: SECRET=analytics, or SECRET=all
	@$(OWNER) rotate --env "$(ENV)" --secret "$(SECRET)"

.PHONY: rotation-status
rotation-status: sam-env cloud-env ## How each login of ENV is: what logs in, its age, its next rotation, drift
	@$(OWNER) rotation-status --env "$(ENV)"

.PHONY: incident
incident: sam-env cloud-env ## What on-call of ENV sees first: red alarms, what the monitor finds, incidents, drills
	@$(OWNER) incident --env "$(ENV)"

.PHONY: live
live: sam-env cloud-env ## A page of what runs now in ENV, served on this machine alone: viewers, quality, lag, titles
	@$(OWNER) live --env "$(ENV)"

.PHONY: drill
drill: sam-env cloud-env ## Rehearse a restore of ENV now and follow it: TARGET=2026-11-30T12:00:00Z, or the latest
	@$(OWNER) drill --env "$(ENV)" --target "$(TARGET)"

.PHONY: cutover
cutover: sam-env cloud-env ## Lost data: put ENV's database back to TARGET=…Z or TARGET=latest; RUN=… goes on with one
	@$(OWNER) cutover --env "$(ENV)" --target "$(TARGET)" --run "$(RUN)"

.PHONY: adopt
adopt: sam-env cloud-env ## After a cutover: give the database in service the names that the stack of ENV knows
	@$(OWNER) adopt --env "$(ENV)"

.PHONY: erase
erase: sam-env cloud-env ## Ask ENV to forget a person: FILE=request.json; shows the plan, asks, follows, saves the receipt
	@$(OWNER) erase --env "$(ENV)" --file "$(FILE)"

.PHONY: verify-receipt
verify-receipt: sam-env ## Check a receipt by the public key alone: FILE=receipt-….json KEY=privacy-key-dev.pem
	@$(SAM) -m account verify-receipt --file "$(FILE)" --key "$(KEY)"

.PHONY: destroy
destroy: sam-env cloud-env ## Delete ENV and all it left, after showing what is lost (KEEP_BACKUPS=1 keeps a snapshot and its key)
	@$(OWNER) destroy --env "$(ENV)"

# --- Environments: one lock each, because their pins conflict ---

.PHONY: cloud-env sam-env dev-env scan-env bench-env
cloud-env: $(VENVS)/cloud/.ready
sam-env:   $(VENVS)/sam/.ready
dev-env:   $(VENVS)/dev/.ready
scan-env:  $(VENVS)/scan/.ready
bench-env: $(VENVS)/bench/.ready

.local/uv/.ready: requirements/uv.lock
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else 1)' || { \
	  echo "$$($(PYTHON) --version 2>&1) is too old: install Python 3.11 or newer and name it, e.g. make $(MAKECMDGOALS) PYTHON=python3.12" >&2; exit 1; }
	@echo "setting up: uv"
	@$(PYTHON) -m venv --clear .local/uv || { \
	  echo "$(PYTHON) cannot make virtual environments: install its venv module (Debian: apt-get install python3-venv)" >&2; exit 1; }
	@.local/uv/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/uv.lock
	@touch $@

$(VENVS)/%/.ready: requirements/%.lock .local/uv/.ready
	@echo "setting up: $*"
	@$(UV) venv --quiet --clear --no-python-downloads --python "$(PYTHON)" $(VENVS)/$*
	@$(UV) pip install --quiet --python $(VENVS)/$*/bin/python --require-hashes -r requirements/$*.lock
	@touch $@

.PHONY: lock
lock: .local/uv/.ready ## Pin every environment anew (hashes, no index URLs)
	@lock() { $(UV) pip compile --quiet --upgrade --universal --generate-hashes --no-annotate --python-version 3.11 \
	    --custom-compile-command "make lock" -o "$$2" "$$1"; }; \
	  lock layers/vendor/requirements.in layers/vendor/requirements.lock; \
	  for e in uv sam dev scan cloud bench; do echo "locking $$e"; lock requirements/$$e.in requirements/$$e.lock; done
