# Debian packages that the tests and benchmarks use, installed where they are missing.

SUDO := $(shell [ "$$(id -u)" = 0 ] || echo sudo)

# $(call need,COMMAND,PACKAGE): install PACKAGE where COMMAND is not found.
define need
@command -v $(1) >/dev/null || { \
	echo "installing $(2) (Debian)"; \
	$(SUDO) apt-get update -qq; \
	DEBIAN_FRONTEND=noninteractive $(SUDO) apt-get install -y -qq --no-install-recommends $(2) >/dev/null; }
endef

.PHONY: c-compiler test-packages bench-packages

c-compiler: # SQLite is compiled from its bundled source.
	$(call need,cc,build-essential)

test-packages:
	$(call need,prometheus,prometheus)
	$(call need,prometheus-alertmanager,prometheus-alertmanager)
	$(call need,docker-registry,docker-registry)

bench-packages:
	$(call need,webhook,webhook)
