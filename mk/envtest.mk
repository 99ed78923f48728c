# The real control plane that tests run on, and the real VolSync operator: built once from
# Go modules into the user's cache, a folder for each set of versions. With
# KUBEBUILDER_ASSETS, the ecosystem's convention, the programs in that folder are used.

ENVTEST := tests/envtest
ENVTEST_CACHE := $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/suture
envtest-folder = $(ENVTEST_CACHE)/$(1)-$(shell cat $(ENVTEST)/$(1)/go.mod $(ENVTEST)/$(1)/go.sum | sha256sum | cut -c1-12)
KUBERNETES_ASSETS := $(call envtest-folder,kubernetes)
VOLSYNC_ASSETS := $(call envtest-folder,volsync)
RESTIC_ASSETS := $(call envtest-folder,restic)
KUBERNETES_VERSION := $(shell sed -n 's/^\tk8s.io\/kubernetes v\([0-9.]*\).*/\1/p' $(ENVTEST)/kubernetes/go.mod)

GO_BUILD := CGO_ENABLED=0 GOFLAGS=-mod=readonly go build -trimpath -buildvcs=false
KUBERNETES_LDFLAGS := -s -w \
	-X k8s.io/component-base/version.gitVersion=v$(KUBERNETES_VERSION) \
	-X k8s.io/component-base/version.gitMajor=$(word 1,$(subst ., ,$(KUBERNETES_VERSION))) \
	-X k8s.io/component-base/version.gitMinor=$(word 2,$(subst ., ,$(KUBERNETES_VERSION)))

# $(call go-program,FOLDER,MODULE,PACKAGE,NAME,LDFLAGS,TAGS): build it beside its place, then
# move it there, so that a build that was cut off leaves nothing that looks whole.
define go-program
@[ -x "$(1)/$(4)" ] || { \
	command -v go >/dev/null || { \
		echo "$(4): the tests on a real API server need Go (go.dev/dl), or KUBEBUILDER_ASSETS" >&2; exit 1; }; \
	echo "building $(4) from Go modules (once, into $(1))"; \
	mkdir -p "$(1)" && cd $(ENVTEST)/$(2) \
	&& $(GO_BUILD) -tags "$(6)" -ldflags "$(5)" -o "$(1)/.$(4)" $(3) && mv "$(1)/.$(4)" "$(1)/$(4)"; }
endef

.PHONY: envtest kubernetes-assets volsync-assets restic-assets

envtest: kubernetes-assets volsync-assets restic-assets ## The control plane that the tests run on

kubernetes-assets:
ifndef KUBEBUILDER_ASSETS
	$(call go-program,$(KUBERNETES_ASSETS),kubernetes,go.etcd.io/etcd/server/v3,etcd,-s -w)
	$(call go-program,$(KUBERNETES_ASSETS),kubernetes,k8s.io/kubernetes/cmd/kube-apiserver,kube-apiserver,$(KUBERNETES_LDFLAGS))
	$(call go-program,$(KUBERNETES_ASSETS),kubernetes,k8s.io/kubernetes/cmd/kube-controller-manager,kube-controller-manager,$(KUBERNETES_LDFLAGS))
	$(call go-program,$(KUBERNETES_ASSETS),kubernetes,k8s.io/kubernetes/cmd/kubectl,kubectl,$(KUBERNETES_LDFLAGS))
endif

volsync-assets:
	$(call go-program,$(VOLSYNC_ASSETS),volsync,github.com/backube/volsync/cmd,volsync,-s -w)
	@[ -f "$(VOLSYNC_ASSETS)/mover-restic.sh" ] || { cd $(ENVTEST)/volsync \
	&& install -m 755 "$$(go list -m -f '{{.Dir}}' github.com/backube/volsync)/mover-restic/entry.sh" \
		"$(VOLSYNC_ASSETS)/mover-restic.sh"; }

# Of the version in VolSync's image (Debian's is years older and says other things). With
# the tag `faketime` the clock of a Go program stands still at 2009-11-10: that one leaves
# the old locks behind that the tests need.
restic-assets:
	$(call go-program,$(RESTIC_ASSETS),restic,github.com/restic/restic/cmd/restic,restic,-s -w)
	$(call go-program,$(RESTIC_ASSETS),restic,github.com/restic/restic/cmd/restic,restic-2009,-s -w,faketime)
