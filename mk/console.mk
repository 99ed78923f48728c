# The web console in a real browser: Debian's Chromium over WebDriver, and axe-core from npm, which
# knows what makes a page hard to use.

AXE_VERSION := 4.14.1
AXE := $(ENVTEST_CACHE)/axe-core-$(AXE_VERSION)/package/axe.min.js
SCREENSHOTS ?= target/screenshots

.PHONY: test-console screenshots browser-packages

browser-packages:
	$(call need,chromium,chromium)
	$(call need,chromedriver,chromium-driver)
	$(call need,npm,npm)

$(AXE): | browser-packages
	@mkdir -p $(ENVTEST_CACHE)/axe-core-$(AXE_VERSION)
	cd $(ENVTEST_CACHE)/axe-core-$(AXE_VERSION) && npm pack --silent axe-core@$(AXE_VERSION) && tar xzf axe-core-$(AXE_VERSION).tgz

test-console: debug guest-target browser-packages $(AXE) ## The console in Chromium: every page, by keyboard, without scripts, dark, narrow
	SUTURE_AXE=$(AXE) $(CARGO) test --locked --workspace --test browser

screenshots: debug guest-target browser-packages ## Every page of the console as a picture, in target/screenshots
	SUTURE_SCREENSHOTS=$(CURDIR)/$(SCREENSHOTS) $(CARGO) test --locked --workspace --test browser -- --ignored
