# The library: policies in Rust, TypeScript and Python.

RUST_POLICIES := volsync run-cronjob job-failed pod-stuck volume-filling-up certificate-stuck kopiur
SCRIPTED_POLICIES := flux-stuck first-look
ALL_POLICIES := $(RUST_POLICIES) $(SCRIPTED_POLICIES)
SCENARIOS := $(ALL_POLICIES:%=policies/%)

.PHONY: components rust-components test-languages language-packages policy-index policy-index-check

# As components, with the debug build. Cargo knows what is up to date; the others' sources are looked at here.
components: rust-components $(SCRIPTED_POLICIES:%=$(POLICIES)/%.wasm)

rust-components: debug
	for policy in $(RUST_POLICIES); do target/debug/suture build policies/$$policy || exit 1; done

.SECONDEXPANSION:
$(SCRIPTED_POLICIES:%=$(POLICIES)/%.wasm): $(POLICIES)/%.wasm: \
		$$(shell find policies/$$* policies/sdk-typescript policies/sdk-python wit host/build/environments -type f \
			-not -path '*/scenarios/*' -not -path '*/node_modules/*' -not -name '*.pyc' -not -name '*.md') \
		| debug language-packages
	target/debug/suture build policies/$*

test-languages: debug guest-target components ## Policies in TypeScript and Python, from `suture new` on: needs Node.js and Python
	$(CARGO) test --locked --workspace --test languages
	cd policies/sdk-typescript && node unit.mjs
	for policy in $(SCRIPTED_POLICIES); do target/debug/suture test --torture --runs 20000 policies/$$policy || exit 1; done

language-packages:
	$(call need,node,nodejs)
	$(call need,npm,npm)
	@python3 -c 'import venv, ensurepip' 2>/dev/null || { echo "installing python3-venv (Debian)"; \
		$(SUDO) apt-get update -qq; \
		DEBIAN_FRONTEND=noninteractive $(SUDO) apt-get install -y -qq --no-install-recommends python3 python3-venv >/dev/null; }

# What the manifests say, as a page.
policy-index-text = { sed '/^## /,$$d' docs/policies.md; \
	for policy in $(ALL_POLICIES); do target/debug/suture inspect --markdown $(POLICIES)/$$policy.wasm; echo; echo "[README](../policies/$$policy/README.md)"; echo; done; }

policy-index: components ## docs/policies.md, anew from the manifests
	$(policy-index-text) > $(POLICIES)/index.md && cp $(POLICIES)/index.md docs/policies.md

policy-index-check: components
	@$(policy-index-text) | diff docs/policies.md - || { echo "docs/policies.md is not what the manifests say: make policy-index" >&2; exit 1; }
