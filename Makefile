# The commands of the project. They need rustup and a C compiler; `make check`, `make fuzz` and
# `make mutants` fetch their tools.
.DEFAULT_GOAL := help
.PHONY: help demo bench test check fmt openapi fuzz mutants

OUBLI = cargo run --quiet --package oubli-server --bin oubli --

help: ## list the targets
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 12

demo: ## walk through the whole story on an embedded store; ARGS=--exit ends by itself
	$(OUBLI) demo $(ARGS)

bench: ## measure the service against a bare baseline; ARGS="check get --engine sqlite" for a part
	# Both at once: built alone, each would compile the dependencies anew with its own features.
	cargo build --release --package oubli-server --package oubli-benches
	target=$$(cargo metadata --format-version 1 --no-deps | sed 's/.*"target_directory":"\([^"]*\)".*/\1/') && \
	  "$$target/release/oubli-bench" $(ARGS)

test: ## run all tests, on SQLite and on a PostgreSQL that is found or started; ARGS='-p oubli-store' for some
	cargo run --quiet --package oubli-test-postgres -- cargo test $(or $(ARGS),--workspace)

check: ## what a change must pass besides the tests: format, lints, dependencies, OpenAPI, contract
	cargo fmt --all --check
	cargo clippy --workspace --all-targets -- -D warnings
	.ci/deny
	.ci/openapi
	.ci/contract

fmt: ## format the code
	cargo fmt --all

openapi: ## write openapi/openapi.json from the code
	$(OUBLI) openapi > openapi/openapi.json.new
	mv openapi/openapi.json.new openapi/openapi.json

fuzz: ## feed the parsers with made-up input, FUZZ_SECONDS (60) a target; ARGS=jwt for one
	.ci/fuzz $(ARGS)

mutants: ## change the code of vault and domain in every small way and see that a test fails
	.ci/mutants $(ARGS)
