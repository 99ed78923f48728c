# The Helm chart, and the helm that renders it in the tests: built once from Go modules into the user's cache.

HELM_ASSETS := $(call envtest-folder,helm)

.PHONY: chart test-chart helm-assets

helm-assets:
	$(call need,jq,jq)
	$(call go-program,$(HELM_ASSETS),helm,helm.sh/helm/v4/cmd/helm,helm,-s -w)

chart: helm-assets ## What is made of the chart and for it: its schema, its README's tables, deploy/kustomize
	HELM="$(HELM_ASSETS)/helm" deploy/helm/generate.sh deploy

test-chart: debug helm-assets kubernetes-assets ## The chart: rights, unsafe values, options, a real API server
	$(CARGO) test --locked --workspace --test chart
