# What takes longer than CI has time for, each by its name; `make nightly` runs all of it.

DAYS ?= 10000
RUNS ?= 100000
CHANGES ?= 50000
SEED ?= 0

.PHONY: nightly torture test-boundary

nightly: test test-languages test-chart test-console torture test-boundary fuzz bench ## All that there is to run: hours

torture: build policies ## Simulated days and perturbed runs: DAYS=10000 RUNS=100000 SEED=0
	SUTURE_SIMULATION_DAYS=$(DAYS) SUTURE_SIMULATION_SEED=$(SEED) \
		$(CARGO) test --release --locked -p suture-simulation --test days -- --nocapture
	for policy in $(RUST_POLICIES); do $(SUTURE) test --torture --runs $(RUNS) policies/$$policy || exit 1; done

test-boundary: c-compiler toolchain envtest ## What the guard lets through, held against a real API server: CHANGES=50000 SEED=0
	SUTURE_BOUNDARY_CHANGES=$(CHANGES) SUTURE_BOUNDARY_SEED=$(SEED) \
		$(CARGO) test --locked --workspace --test boundary -- --nocapture
