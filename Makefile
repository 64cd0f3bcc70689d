# Coulisse. `make run` and `make test` set up all they need, in .venv and target, and nowhere else.
.DEFAULT_GOAL := help
.PHONY: help run test check bench soak docs fuzz torture generate wheel audit clean setup-run setup-dev setup-docs

PYTHON ?= python3
export PYTHON
BIN := .venv/bin
# crates/python is an extension module, which links only into Python; its tests are in tests/.
# They are built beside the core with planted faults, with which they share what they depend on.
RUST_TESTS := --profile quick --locked --workspace --exclude coulisse-python --target-dir target/planted
# One interpreter for every cargo call, or PyO3 would be built again by each.
export PYO3_PYTHON := $(CURDIR)/.venv/bin/python
export PYO3_BUILD_EXTENSION_MODULE := 1
# A processor without AVX2 cannot run what .cargo/config.toml asks for; there the oldest x86-64 is built for.
ifeq ($(shell grep -m1 -w flags /proc/cpuinfo 2>/dev/null | grep -vcw avx2),1)
export RUSTFLAGS := -C target-cpu=x86-64
endif
# maturin's answers to PyO3's questions about that interpreter. clippy is given the same, for the same reason.
PYO3_ANSWERS = $(lastword $(wildcard $(CURDIR)/target/maturin/pyo3-config-*.txt))
# How many processes share the Python tests: many of them wait. Some tests, which ARGS names, need no second one.
JOBS ?= $(if $(ARGS),0,2)
# Recorded market data; the tests that read it skip, and say so, where there is none.
COULISSE_RECORDED_DIR ?= $(abspath $(wildcard ../shared/data))
export COULISSE_RECORDED_DIR

# A rustup cargo looks for its toolchains under HOME. Where HOME is empty (a clean-room run) they
# are still beside cargo itself.
ifeq ($(RUSTUP_HOME)$(wildcard $(HOME)/.rustup),)
BESIDE_CARGO := $(wildcard $(dir $(shell command -v cargo 2>/dev/null))../../.rustup)
ifneq ($(BESIDE_CARGO),)
export RUSTUP_HOME := $(abspath $(BESIDE_CARGO))
endif
endif

help: ## what each target does (this list)
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sort | sed -E 's/^([a-z]+):.*## /make \1	/' | expand -t 16

run: setup-run ## build what is missing, then run a demo market and print its addresses (ARGS="--port 0 --seed 7")
	@exec $(BIN)/coulisse demo $(ARGS)

test: GOAL = test
test: EXTRA = --tests
test: setup-dev ## every test but the long ones: Rust, then Python (ARGS="-k name" for some; first run builds)
	@echo "[test] building the Rust tests"
	@cargo test $(RUST_TESTS) --no-run
	@echo "[test] Rust"
	@cargo test $(RUST_TESTS) --quiet
	@echo "[test] Python"
	@$(BIN)/python -m pytest -n $(JOBS) --dist worksteal $(ARGS)

check: GOAL = check
check: setup-dev ## format, lint, types, import rules, generated files: what CI asks before it runs a test
	@echo "[check] ruff"
	@$(BIN)/ruff format --check --quiet . || { echo "[check] run: $(BIN)/ruff format ." >&2; exit 1; }
	@$(BIN)/ruff check --quiet .
	@echo "[check] mypy --strict"
	@$(BIN)/mypy
	@echo "[check] stubtest: _core.pyi says what the extension has"
	@$(BIN)/python -m mypy.stubtest coulisse._core
	@echo "[check] import rules"
	@said=$$($(BIN)/lint-imports --no-cache 2>&1) || { echo "$$said" >&2; exit 1; }
	@echo "[check] generated files"
	@$(BIN)/python tools/generate.py --check
	@echo "[check] rustfmt"
	@cargo fmt --all --check
	@echo "[check] clippy"
	@$(if $(PYO3_ANSWERS),PYO3_CONFIG_FILE="$(PYO3_ANSWERS)") cargo clippy --release --locked --quiet --workspace --all-targets -- -D warnings
	@echo "[check] clean"

bench: GOAL = bench
bench: setup-run ## measure core and gateway: bench/results/DATE-*.json and README's table (3 minutes, an idle machine)
	@$(BIN)/coulisse bench core --save
	@$(BIN)/coulisse bench gateway --save --data-dir target/bench
	@$(BIN)/python tools/generate.py readme

soak: GOAL = soak
soak: setup-run ## a node with its stores under load, over restarts: bench/results/DATE-soak.json (MINUTES=30; an idle machine)
	@$(BIN)/coulisse bench soak --minutes $(or $(MINUTES),30) --save --data-dir target/bench $(ARGS)

torture: GOAL = torture
torture: EXTRA = --tests
torture: setup-dev ## the long tests: millions of random commands (SUITE=part of a name, SEED=n replays one)
	@$(if $(SEED),COULISSE_SEED=$(SEED)) $(BIN)/python -m pytest -m torture --timeout 7200 -k "$(SUITE)" $(ARGS)

fuzz: GOAL = fuzz
fuzz: setup-dev ## fuzz each decoder for SECONDS=60 and keep what is new (ONLY=part of a name; needs g++; some 25 minutes)
	@$(BIN)/python tools/fuzz.py --seconds $(or $(SECONDS),60) $(if $(ONLY),--only $(ONLY))

wheel: GOAL = wheel
wheel: setup-dev ## build dist/: the wheel, its bill of materials (CycloneDX), SHA256SUMS
	@$(BIN)/python -m tools.release wheel

audit: ## licences, sources and advisories of all crates and packages; says what it could not ask
	@$(PYTHON) -m tools.release audit

generate: GOAL = generate
generate: setup-dev ## write again every file that is generated: protocol pages, tables, README's figures
	@$(BIN)/python tools/generate.py

docs: GOAL = docs
docs: setup-docs ## the pages of docs/ as a site in target/docs, strictly (ARGS=serve shows it while you write; no Rust needed)
	@mkdir -p target
	@export NO_MKDOCS_2_WARNING=1; $(if $(ARGS),$(BIN)/mkdocs $(ARGS),$(BIN)/mkdocs build --strict > target/docs.log 2>&1 \
		|| { grep -v '^INFO' target/docs.log >&2; exit 1; }; echo "[docs] target/docs/index.html")

clean: ## remove what was built: .venv, target, caches
	rm -rf .venv target .hypothesis .pytest_cache .mypy_cache .ruff_cache .import_linter_cache
	rm -f python/coulisse/_core*.so
	find python tests tools -type d -name __pycache__ -prune -exec rm -rf {} +

GOAL ?= run
setup-run setup-dev setup-docs: setup-%:
	@sh tools/preflight.sh $(filter docs,$*)
	@$(PYTHON) tools/setup.py $* --goal $(GOAL) $(EXTRA)
