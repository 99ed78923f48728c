# Policies in TypeScript and Python: the kit for them, and those of the library.

.PHONY: test-languages language-packages

test-languages: debug guest-target language-packages ## Policies in TypeScript and Python, from `suture new` on: needs Node.js and Python
	$(CARGO) test --locked --workspace --test languages
	target/debug/suture test --torture --runs 20000 $(addsuffix /scenarios,$(SCRIPTED_POLICIES))

language-packages:
	$(call need,node,nodejs)
	$(call need,npm,npm)
	@python3 -c 'import venv, ensurepip' 2>/dev/null || $(MAKE) python-venv

.PHONY: python-venv
python-venv:
	$(call need,suture-has-no-such-command,python3 python3-venv)
