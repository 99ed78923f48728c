# The SDKs as crates.io, npm and PyPI would take them. Nothing is sent.

PUBLISH := $(ENVTEST_CACHE)/publish

.PHONY: publish-check publish-crate publish-npm publish-wheel

publish-check: publish-crate publish-npm publish-wheel ## The SDKs as packages of their languages: works offline once it ran

# What it holds, and that it stands on its own: the contract inside, no path dependency.
publish-crate: toolchain
	$(CARGO) package --locked --offline --no-verify --allow-dirty --package suture-policy
	@$(CARGO) package --locked --offline --list --allow-dirty --package suture-policy > target/package/suture-policy.list
	@for file in Cargo.toml README.md LICENSE wit/world.wit wit/kube.wit src/lib.rs; do \
		grep -qx "$$file" target/package/suture-policy.list || { echo "suture-policy lacks $$file" >&2; exit 1; }; done

# `prepack` compiles it, with the tsc that `suture build` has.
publish-npm: language-packages
	@modules=$$(ls -d "$(ENVTEST_CACHE)"/environments/javascript-*/node_modules 2>/dev/null | head -1); \
		[ -n "$$modules" ] || { echo "no TypeScript yet: make components" >&2; exit 1; }; \
		cd policies/sdk-typescript && PATH="$$modules/.bin:$$PATH" npm pack --dry-run --offline

publish-wheel: language-packages $(PUBLISH)/bin/pip
	@mkdir -p target/package && rm -rf target/package/sdk-python && cp -r policies/sdk-python target/package/sdk-python
	$(PUBLISH)/bin/pip wheel --quiet --no-index --no-deps --no-build-isolation --wheel-dir target/package target/package/sdk-python
	@python3 -m zipfile --list target/package/suture_policy-*.whl | grep -q 'suture_policy/py.typed' \
		|| { echo "the wheel lacks py.typed" >&2; exit 1; }

$(PUBLISH)/bin/pip:
	python3 -m venv $(PUBLISH)
	$(PUBLISH)/bin/pip install --quiet 'setuptools>=77' wheel
