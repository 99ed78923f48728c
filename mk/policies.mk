# The library: policies in Rust, TypeScript and Python.

RUST_POLICIES := volsync run-cronjob job-failed pod-stuck volume-filling-up certificate-stuck kopiur kopiur-repository
SCRIPTED_POLICIES := flux-stuck first-look
# Their own tests do it with the code compiled natively.
NATIVELY_TORTURED := volsync run-cronjob
ALL_POLICIES := $(RUST_POLICIES) $(SCRIPTED_POLICIES)
SCENARIOS := $(ALL_POLICIES:%=policies/%)

.PHONY: components rust-components test-languages language-packages policy-index policy-index-check wit-docs wit-docs-check configuration-docs configuration-docs-check

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
	modules=$$(ls -d "$(ENVTEST_CACHE)"/environments/javascript-*/node_modules | head -1); for package in sdk-typescript flux-stuck; do \
		(cd policies/$$package && SUTURE_NODE_MODULES=$$modules npm test --silent) || exit 1; done
	cd policies/sdk-python && python3 -m unittest discover -s tests
	cd policies/first-look && PYTHONPATH=../sdk-python:. python3 -m unittest discover -s tests -t .
	for policy in $(SCRIPTED_POLICIES); do target/debug/suture test --torture --runs 20000 policies/$$policy || exit 1; done

language-packages:
	$(call need,node,nodejs)
	$(call need,npm,npm)
	@python3 -c 'import venv, ensurepip' 2>/dev/null || { echo "installing python3-venv (Debian)"; \
		$(SUDO) apt-get update -qq; \
		DEBIAN_FRONTEND=noninteractive $(SUDO) apt-get install -y -qq --no-install-recommends python3 python3-venv >/dev/null; }

# Pages that are made of what the manifests and the contract say.
policy-index: components ## docs/policies.md, anew from the manifests
	sh docs/generate.sh policies $(ALL_POLICIES) > $(POLICIES)/policies.md && cp $(POLICIES)/policies.md docs/policies.md

policy-index-check: components
	@sh docs/generate.sh policies $(ALL_POLICIES) | diff docs/policies.md - \
		|| { echo "docs/policies.md is not what the manifests say: make policy-index" >&2; exit 1; }

wit-docs: ## docs/wit.md, anew from wit/
	@mkdir -p $(POLICIES) && sh docs/generate.sh wit > $(POLICIES)/wit.md && cp $(POLICIES)/wit.md docs/wit.md

wit-docs-check:
	@sh docs/generate.sh wit | diff docs/wit.md - || { echo "docs/wit.md is not what wit/ says: make wit-docs" >&2; exit 1; }

configuration-docs: ## docs/configuration.md, anew from the schema
	@mkdir -p $(POLICIES) && sh docs/generate.sh configuration > $(POLICIES)/configuration.md && cp $(POLICIES)/configuration.md docs/configuration.md

configuration-docs-check:
	@sh docs/generate.sh configuration | diff docs/configuration.md - \
		|| { echo "docs/configuration.md is not what the schema says: make configuration-docs" >&2; exit 1; }
