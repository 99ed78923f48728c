# The two commands are `make demo` and `make test`. The rest is for people who work on
# Suture. On a fresh machine: git, Rust (rustup) and Debian's apt are enough.

CARGO ?= cargo
RUST := $(shell sed -n 's/^channel = "\(.*\)"/\1/p' rust-toolchain.toml)
TARGET := wasm32-unknown-unknown
SUTURE := target/release/suture
POLICIES := target/policies
export CARGO_TERM_COLOR ?= auto

.PHONY: demo test check lint bench clean build dist debug policies toolchain guest-target image deploy-rbac help

help: ## What there is to make
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | column -t -s "$$(printf '\t')"

demo: debug ## Repair three broken backups on a simulated cluster
	target/debug/suture build policies/volsync
	@target/debug/suture demo

build: c-compiler toolchain ## The suture binary, in target/release
	$(CARGO) build --release --locked -p suture-cli

dist: c-compiler toolchain ## The suture binary as it is shipped, small, in target/dist: half an hour
	$(CARGO) build --profile dist --locked -p suture-cli

# With the features that the tests are built with: they share it.
debug: c-compiler toolchain guest-target
	$(CARGO) build --locked --workspace --bin suture

policies: build guest-target ## The policies in Rust, as WebAssembly components
	for policy in $(RUST_POLICIES); do $(SUTURE) build policies/$$policy || exit 1; done

test: debug test-packages envtest components ## Everything: unit tests, scenarios, end to end
	$(CARGO) test --locked --workspace --no-fail-fast
	target/debug/suture test $(SCENARIOS)
	for policy in $(filter-out $(NATIVELY_TORTURED),$(RUST_POLICIES)); do target/debug/suture test --torture --runs 3000 policies/$$policy || exit 1; done
	# An instance of these takes ten to fifty times as long: `make test-languages` has more.
	for policy in $(SCRIPTED_POLICIES); do target/debug/suture test --torture --runs 500 policies/$$policy || exit 1; done
	$(MAKE) policy-index-check wit-docs-check configuration-docs-check

check: debug rust-components ## Formatting, clippy, unit tests and scenarios: minutes, and no control plane
	$(CARGO) fmt --check
	$(CARGO) clippy --locked --workspace --all-targets -- -D warnings
	$(CARGO) test --locked --workspace --lib
	target/debug/suture test $(RUST_POLICIES:%=policies/%)

lint: fuzz-lock ## Formatting, clippy, and the links of the documentation
	$(CARGO) fmt --check
	$(CARGO) clippy --locked --workspace --all-targets -- -D warnings
	python3 docs/check-links.py

bench: build policies bench-packages kubernetes-assets ## Figures, as ratios measured side by side
	$(CARGO) run --release --locked -p suture-benches

CONTAINER ?= $(notdir $(firstword $(shell for tool in podman buildah docker; do command -v $$tool; done)))
IMAGE ?= suture:0.1.0
image: ## The container image, with podman, buildah or docker (IMAGE=NAME)
	$(CONTAINER) build --file deploy/image/Containerfile \
		$(if $(findstring docker,$(CONTAINER)),,--ignorefile deploy/image/Containerfile.dockerignore) \
		--build-arg REVISION=$$(git rev-parse HEAD) --tag $(IMAGE) .

deploy-rbac: build policies ## deploy/kustomize/rbac.yaml, after a change of its configuration
	@root=$$(mktemp -d) && mkdir -p $$root/deploy/kustomize \
	&& sed "s#/policies/#$(CURDIR)/$(POLICIES)/#" deploy/kustomize/suture.yaml > $$root/deploy/kustomize/suture.yaml \
	&& (cd $$root && $(CURDIR)/$(SUTURE) rbac --config deploy/kustomize/suture.yaml) > deploy/kustomize/rbac.yaml; rm -r $$root

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
include mk/policies.mk
include mk/envtest.mk
include mk/publish.mk
include mk/chart.mk
include mk/console.mk
include mk/deny.mk
include mk/fuzz.mk
include mk/world.mk
include mk/nightly.mk
