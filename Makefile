# The front door. One word per habit; a machine with Rust, a C compiler and make needs nothing else.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := check
.PHONY: check test lint run ci bench nightly

CARGO_DENY_VERSION := 0.20.2

## check: does everything compile, tests included
check:
	cargo check --workspace --all-targets

## test: every test, after installing the servers that some of them talk to; the end-to-end suite on both databases
test:
	scripts/install-test-tools
	cargo test --workspace
	scripts/test-on-postgres

## lint: format, lints, licences and bans, the arrows between crates, the claims of docs/security.md
lint:
	cargo fmt --all --check
	cargo clippy --workspace --all-targets -- -D warnings
	cargo deny --version >/dev/null 2>&1 || cargo install cargo-deny --locked --version $(CARGO_DENY_VERSION)
	cargo deny --all-features check bans licenses sources
	scripts/check-arrows
	scripts/check-security-doc

## run: the service as a newcomer meets it, on 127.0.0.1:8080 with the development inbox
run:
	cargo run --release

## ci: what must be green before a change is taken
ci: lint test

# What make bench passes on, each only if it is set: BENCH_OLD=0, BENCH_QUICK=1; target/release/backstop-bench --help says what.
BENCH_ARGUMENTS = $(if $(BENCH_QUICK),--quick) $(foreach name,SECONDS ROUNDS CONNECTIONS STORES OLD NODES,$\
	$(if $(BENCH_$(name)),--$(shell echo $(name) | tr A-Z a-z) $(BENCH_$(name))))

## bench: how fast, held against a bare echo of the same process; a table, and JSON in bench/out
bench:
	cargo build --release --features bench -p backstop
	cargo build --release -p backstop-bench
	target/release/backstop-bench --server target/release/backstop --json bench/out/latest.json $(BENCH_ARGUMENTS)

NIGHTLY_LIVES ?= 20000
NIGHTLY_CHAOS_SECONDS ?= 1200

## nightly: the simulation over seeds that no night had before, where a failing seed is printed and replays exactly; the
## router's own simulation in full, with its table; and
## three nodes on PostgreSQL under blows, for long, where a seed repeats the blows and not the machine's own timing; and what takes minutes,
## among it whether answers to somebody and to nobody take as long
nightly:
	from=$$(( $$(date +%s) * 100000 )); BACKSTOP_SIMULATION_SEEDS=$$from..$$((from + $(NIGHTLY_LIVES))) \
		cargo test --release -p backstop-engine --test it -- thousand
	cargo test --release -p backstop-domain --lib -- --ignored --nocapture twenty_seeds
	scripts/install-test-tools
	BACKSTOP_CHAOS_SEED=$$(date +%s) BACKSTOP_CHAOS_SECONDS=$(NIGHTLY_CHAOS_SECONDS) \
		cargo test -p backstop --test it -- chaos::blows --nocapture
	cargo test -p backstop --test it -- outages:: people::timing --ignored --nocapture --test-threads 1
