# The Prometheus and Alertmanager of today, built once from Go modules into the user's cache, and the
# tests on them. `make test` has Debian's, which are years older.

PROMETHEUS_ASSETS := $(call envtest-folder,prometheus)
ALERTMANAGER_ASSETS := $(call envtest-folder,alertmanager)
ALERTMANAGER_SOURCE := $(ALERTMANAGER_ASSETS)/source
# The tests that have a Prometheus or an Alertmanager.
WORLD_TESTS := --test repairs --test deploy

.PHONY: test-world record-world world-assets

test-world: c-compiler toolchain guest-target test-packages envtest world-assets ## Tests on the Prometheus and Alertmanager of today
	PATH="$(PROMETHEUS_ASSETS):$(ALERTMANAGER_ASSETS):$$PATH" $(CARGO) test --locked --workspace $(WORLD_TESTS)

record-world: c-compiler toolchain test-packages world-assets ## The traces that the models are held against, anew: five minutes
	$(CARGO) run --locked -p suture-recorded
	PATH="$(PROMETHEUS_ASSETS):$(ALERTMANAGER_ASSETS):$$PATH" $(CARGO) run --locked -p suture-recorded

world-assets: alertmanager-source
	$(call go-program,$(PROMETHEUS_ASSETS),prometheus,github.com/prometheus/prometheus/cmd/prometheus,prometheus,-s -w)
	$(call go-program,$(PROMETHEUS_ASSETS),prometheus,github.com/prometheus/prometheus/cmd/promtool,promtool,-s -w)
	$(call go-program,$(ALERTMANAGER_ASSETS),alertmanager,-modfile=$(ALERTMANAGER_SOURCE)/build.mod github.com/prometheus/alertmanager/cmd/alertmanager,prometheus-alertmanager,-s -w)
	$(call go-program,$(ALERTMANAGER_ASSETS),alertmanager,-modfile=$(ALERTMANAGER_SOURCE)/build.mod github.com/prometheus/alertmanager/cmd/amtool,amtool,-s -w)

# The module leaves out the built web page that it embeds: a copy of it has an empty one.
.PHONY: alertmanager-source
alertmanager-source:
	@[ -f "$(ALERTMANAGER_SOURCE)/build.sum" ] || { cd $(ENVTEST)/alertmanager && mkdir -p "$(ALERTMANAGER_SOURCE)" \
	&& cp -r --no-preserve=mode "$$(go mod download -json github.com/prometheus/alertmanager | sed -n 's/^\t"Dir": "\(.*\)",$$/\1/p')/." "$(ALERTMANAGER_SOURCE)" \
	&& for page in elm mantine; do mkdir -p "$(ALERTMANAGER_SOURCE)/ui/app/dist/$$page" \
		&& echo '<html></html>' > "$(ALERTMANAGER_SOURCE)/ui/app/dist/$$page/index.html"; done \
	&& sed "\$$a replace github.com/prometheus/alertmanager => $(ALERTMANAGER_SOURCE)" go.mod > "$(ALERTMANAGER_SOURCE)/build.mod" \
	&& cp go.sum "$(ALERTMANAGER_SOURCE)/build.sum"; }
