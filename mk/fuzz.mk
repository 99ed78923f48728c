# Fuzzing with libFuzzer, on the stable toolchain: the coverage counters are LLVM's own pass.
# A target is a function of tests/fuzz; `cargo test -p suture-fuzz` replays the kept corpus.

FUZZ_TARGETS ?= webhook configuration scenario patch fields pattern journal expression promql shown component
SECONDS ?= 600
FUZZ_DIR := target/fuzz
FUZZ_TRIPLE := $(shell rustc -vV | sed -n 's/^host: //p')
FUZZ_FLAGS := --cfg fuzzing -Cpasses=sancov-module \
	-Cllvm-args=-sanitizer-coverage-level=4 -Cllvm-args=-sanitizer-coverage-inline-8bit-counters \
	-Cllvm-args=-sanitizer-coverage-pc-table -Cllvm-args=-sanitizer-coverage-trace-compares

.PHONY: fuzz fuzzers fuzz-lock
fuzz: fuzzers ## Fuzz what reads from outside: SECONDS=600 each, FUZZ_TARGETS="webhook patch"
	@for target in $(FUZZ_TARGETS); do \
		echo "fuzzing $$target for $(SECONDS) s"; \
		mkdir -p $(FUZZ_DIR)/corpus/$$target $(FUZZ_DIR)/faults/$$target; \
		$(FUZZ_DIR)/$(FUZZ_TRIPLE)/release/$$target -max_total_time=$(SECONDS) -timeout=10 -rss_limit_mb=2048 \
			-max_len=16384 -artifact_prefix=$(FUZZ_DIR)/faults/$$target/ -print_final_stats=1 \
			$(FUZZ_DIR)/corpus/$$target tests/fuzz/corpus/$$target \
			|| { echo "a fault: reproduce it with the file in $(FUZZ_DIR)/faults/$$target"; exit 1; }; \
	done

fuzzers: c-compiler toolchain
	cd fuzz && RUSTFLAGS="$(FUZZ_FLAGS)" CARGO_TARGET_DIR=../$(FUZZ_DIR) \
		$(CARGO) build --release --locked --target $(FUZZ_TRIPLE) $(FUZZ_FEATURES)

fuzz-lock: # The fuzzers are no members of the workspace, whose builds leave their lock behind.
	cd fuzz && $(CARGO) update --quiet --workspace --locked
