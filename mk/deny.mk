# What dependencies may be (deny.toml): their licences, where they come from, and crates that are
# banned. cargo-deny is taken from PATH, or built once into the user's cache: two to three minutes on
# two cores, in debug, which is fast enough for a check of seconds.

DENY_VERSION := 0.20.2
DENY_ROOT := $(ENVTEST_CACHE)/cargo-deny-$(DENY_VERSION)
DENY := $(or $(shell command -v cargo-deny),$(DENY_ROOT)/bin/cargo-deny)

.PHONY: deny advisories

deny: $(DENY) ## Licences and sources of dependencies, and which are banned (cargo-deny)
	$(DENY) --log-level error --locked check bans licenses sources

# The database is a Git repository that can't be reached from everywhere: no part of CI.
advisories: $(DENY) ## Known weaknesses of dependencies (cargo-deny; needs github.com)
	$(DENY) --locked check advisories

$(DENY_ROOT)/bin/cargo-deny: | c-compiler toolchain
	@echo "building cargo-deny $(DENY_VERSION) (once, into $(DENY_ROOT))"
	CARGO_TARGET_DIR=$(DENY_ROOT)/target $(CARGO) install cargo-deny@$(DENY_VERSION) --locked --debug --quiet --root $(DENY_ROOT)
	@rm -rf $(DENY_ROOT)/target
