# The two commands are `make demo` and `make test`. The rest is for people who work on
# Suture. On a fresh machine: git, Rust (rustup) and Debian's apt are enough.

CARGO ?= cargo
RUST := $(shell sed -n 's/^channel = "\(.*\)"/\1/p' rust-toolchain.toml)
TARGET := wasm32-unknown-unknown
SUTURE := target/release/suture
POLICIES := target/policies
export CARGO_TERM_COLOR ?= auto

.PHONY: demo test lint bench clean build policies toolchain guest-target image deny help

help: ## What there is to make
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | column -t -s "$$(printf '\t')"

demo: build policies ## Repair three broken backups on a simulated cluster
	@$(SUTURE) demo

build: c-compiler toolchain ## The suture binary
	$(CARGO) build --release --locked -p suture-cli

policies: build guest-target ## The policies, as WebAssembly components
	$(SUTURE) build policies/volsync

test: c-compiler toolchain guest-target test-packages envtest ## Everything: unit tests, scenarios, end to end
	$(CARGO) build --locked -p suture-cli
	target/debug/suture build policies/volsync
	$(CARGO) test --locked --workspace --no-fail-fast
	target/debug/suture test policies/volsync/scenarios

lint: ## Formatting and clippy
	$(CARGO) fmt --check
	$(CARGO) clippy --locked --workspace --all-targets -- -D warnings

bench: build policies bench-packages kubernetes-assets ## Figures, as ratios measured side by side
	$(CARGO) run --release --locked -p suture-benches

IMAGE ?= suture:dev
image: ## The container image (IMAGE=NAME; podman or docker)
	$(or $(shell command -v podman || command -v docker),podman) build --file deploy/image/Containerfile \
		--build-arg REVISION=$$(git rev-parse HEAD) --tag $(IMAGE) .

deny: ## Licences, advisories and sources of dependencies (needs cargo-deny)
	$(CARGO) deny check

clean: ## Remove everything that was built
	$(CARGO) clean

# rustup fetches the toolchain of rust-toolchain.toml by itself, unless it is told not to.
toolchain:
	@if command -v rustup >/dev/null && ! rustup toolchain list | grep -q '^$(RUST)'; then \
		echo "installing Rust $(RUST)"; \
		rustup toolchain install $(RUST) --profile minimal --component rustfmt --component clippy; \
	fi

guest-target: toolchain # The target that policies are built for.
	@if [ ! -d "$$(rustc --print sysroot)/lib/rustlib/$(TARGET)" ]; then \
		if command -v rustup >/dev/null; then \
			echo "adding the Rust target $(TARGET) (3 s)"; rustup target add $(TARGET) || true; \
		fi; \
	fi

include mk/packages.mk
include mk/envtest.mk
