# make demo and make test need nothing but a fresh Debian or Ubuntu: they install
# what is missing (see tools/system-packages) and keep to a private environment.
# Another Python: make PYTHON=/path/to/python3.12 test

VENV := .venv
READY := $(VENV)/.ready
RUNS := $(VENV)/.runs
BIN := $(VENV)/bin
export PYTHON

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help demo check fast test test-real leaks lint format bench bench-live bench-calls bench-keys bench-probed bench-growth soak lab captures diagnose-matrix mutation live-scenarios bpf native fuzz docs lock sbom clean

help: ## Say what can be made
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-15s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: $(RUNS) ## Set up what runs the program, and analyze the capture that ships with the project
	@$(BIN)/inspector analyze captures/issue-1527

# What asks the kernel, plays the lab or takes more than a second a test is left to `make test`.
FAST := not (kernel or lab or live or long or slow or truth)

check: $(READY) ## Style, types, contracts and the quick tests, in about a minute
	@$(MAKE) --no-print-directory -j2 --output-sync=target lint fast

fast: $(READY) ## The quick tests only
	@$(BIN)/python -m pytest -q -m "$(FAST)" $(PYTEST_ARGS)

test: $(READY) ## Set up, and run every check: style, types, import contracts, all tests
	@tools/system-packages test
	@$(MAKE) --no-print-directory lint
	@$(BIN)/python -m tests $(PYTEST_ARGS)

leaks: $(READY) ## Planted keys through every output, held to the record (LOWER=1 lowers it)
	@$(BIN)/python -m tests.leaks $(if $(LOWER),--lower)

# What takes longer than a test run may: causes and verdicts of all captures against their truth,
# the tests that need ../shared (skipped without it), every scenario under a live capture.
test-real: $(READY) ## Root: the truth of all captures, and every scenario played live
	@tools/system-packages lab
	@tools/environment $(VENV) real
	@tools/environment .gateways gateways
	@tools/system-packages browser
	@$(BIN)/python -m tests.diagnosis.matrix
	@$(BIN)/python -m pytest -m "truth or long" $(PYTEST_ARGS)
	@$(BIN)/python -m tests.live

lint: $(READY) ## Style, types and import contracts only
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

format: $(READY) ## Rewrite the code in the project's style
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

bench: $(READY) ## Compare speed and memory with tshark, tcpflow and tcpdump, and with what is aimed at (BENCH_ARGS=...)
	@tools/system-packages bench
	@$(BIN)/python -m benchmarks.run $(BENCH_ARGS)
	@$(BIN)/python -m benchmarks.targets

bench-live: $(READY) ## Compare live captures with tcpdump and dumpcap; root (BENCH_ARGS=...)
	@tools/system-packages bench-live
	@$(BIN)/python -m benchmarks.live $(BENCH_ARGS)

bench-keys: $(READY) ## Count what hundreds to thousands of credentials cost, and look for them
	@$(BIN)/python -m benchmarks.keys

bench-probed: $(READY) ## Ask a probed API proxy 10,000 times beside one that is not; root (BENCH_ARGS=...)
	@tools/system-packages lab
	@$(BIN)/python -m benchmarks.probed $(BENCH_ARGS)

bench-growth: $(READY) ## What each attack costs at n, 2n and 4n; docs/limits.md has the table (BENCH_ARGS=...)
	@$(BIN)/python -m benchmarks.growth $(BENCH_ARGS)

soak: $(READY) ## Root: flat memory and descriptors of a live capture under steady traffic (TIME=60 RATE=50 MIX=varied)
	@tools/system-packages lab
	@$(BIN)/python -m benchmarks.soak $(or $(TIME),60) --rate $(or $(RATE),50) --mix $(or $(MIX),varied)

bench-calls: $(READY) ## Count the calls of a packet and the facts of an exchange
	@$(BIN)/python -m benchmarks.calls

lab: $(READY) ## Start bridge, Squid, API proxy and upstreams by hand; root (LAB_ARGS=...)
	@tools/system-packages lab
	@$(BIN)/python -m lab up $(LAB_ARGS)

captures: $(READY) ## Record captures/ anew in the lab; root (SCENARIO=name for one)
	@tools/system-packages lab
	@$(BIN)/python -m lab record $(SCENARIO)

live-scenarios: $(READY) ## Play every scenario of the lab under a live capture; root
	@tools/system-packages lab
	@$(BIN)/python -m tests.live $(SCENARIO)

bpf: ## Rebuild the eBPF objects from their C sources (pinned clang)
	@tools/system-packages bpf
	@tools/bpf inspector/linux/ebpf

native: ## Rebuild the compiled core from its C source (pinned gcc, and its cross compiler)
	@tools/system-packages native
	@tools/native inspector/native

fuzz: $(READY) ## Fuzz the compiled core under sanitizers, both engines against each other, each reader and file format (TIME=60)
	@tools/system-packages fuzz
	@tools/fuzzer
	@$(BIN)/python -m tests.native $(or $(TIME),60)
	@$(BIN)/python -m tests.fuzz $(or $(TIME),60)
	@$(BIN)/python -m tests.fuzz.guided $(or $(TIME),60)

mutation: $(READY) ## Which changed conditions and weights of the diagnosis no test notices
	@$(BIN)/python -m tests.diagnosis.mutation
	@$(BIN)/python -m tests.chain.mutation

diagnose-matrix: $(READY) ## Root causes and verdicts against the truth of every capture
	@$(BIN)/python -m tests.diagnosis.matrix

docs: $(READY) ## Regenerate what is generated: schema, references, limits, picture
	@$(BIN)/python -m tools.docs.schema
	@$(BIN)/python -m tools.docs.reference
	@$(BIN)/python -m tools.docs.limits
	@$(BIN)/python -m tools.docs.rooms
	@$(BIN)/python -m tools.docs.picture
	@$(BIN)/python -m tools.docs.commands
	@$(BIN)/python -m tools.docs.manpage
	@$(BIN)/python -m tools.docs.findings
	@$(BIN)/python -m tools.docs.claims
	@$(BIN)/python -m tools.docs.action
	@$(BIN)/python -m tools.docs.fleet_tables
	@$(BIN)/python -m tools.docs.artifacts

lock: $(READY) ## Renew requirements/ within the ranges of pyproject.toml
	@tools/lock $(BIN)/python

sbom: $(READY) ## The bill of materials of this checkout, CycloneDX: dist/sbom.cdx.json
	@$(BIN)/python -m tools.sbom

clean: ## Remove the environment, caches and generated workloads
	@rm -rf $(VENV) .gateways build dist benchmarks/.data .hypothesis .import_linter_cache \
		.mypy_cache .pytest_cache .ruff_cache
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(READY): pyproject.toml requirements/ci.txt tools/environment
	@tools/system-packages demo
	@tools/environment $(VENV)
	@touch $@

# Whoever has the environment of the checks has that of the demo.
$(RUNS): pyproject.toml requirements/run.txt tools/environment
	@tools/system-packages demo
	@[ -e $(READY) ] && [ ! pyproject.toml -nt $(READY) ] || tools/environment $(VENV) run
	@touch $@
