//! Kinds by which a policy could give itself, or others, more than any grant says.

use crate::object::ObjectRef;

/// What no policy may write, whatever it is granted. It may be deleted.
struct Closed {
    group: &'static str,
    /// The one kind of the group, with its resource; none for all of them.
    only: Option<(&'static str, &'static str)>,
    why: &'static str,
}

const fn all(group: &'static str, why: &'static str) -> Closed {
    Closed { group, only: None, why }
}

const fn one(group: &'static str, kind: &'static str, resource: &'static str, why: &'static str) -> Closed {
    Closed { group, only: Some((kind, resource)), why }
}

const CLOSED: [Closed; 31] = [
    all("suture.dev", "people decide by it what policies may do"),
    all("rbac.authorization.k8s.io", "it gives rights"),
    all("admissionregistration.k8s.io", "it decides about what others write"),
    all("apiextensions.k8s.io", "it changes what the API server is"),
    all("apiregistration.k8s.io", "it changes what the API server is"),
    all("certificates.k8s.io", "it gives identities"),
    all("authentication.k8s.io", "it gives identities"),
    one("apps", "ControllerRevision", "controllerrevisions", "its pod templates are brought back unchecked"),
    one("", "PersistentVolume", "persistentvolumes", "it can be a folder of a node"),
    one(
        "",
        "ServiceAccount",
        "serviceaccounts",
        "it is an identity, by its annotations in other systems too",
    ),
    all("authorization.openshift.io", "it gives rights"),
    all("oauth.openshift.io", "it gives identities"),
    all("user.openshift.io", "it gives identities"),
    one("", "Binding", "bindings", "it chooses the node of a pod"),
    // CVE-2021-25740.
    one("", "Endpoints", "endpoints", "it leads what a Service gets to any address"),
    one("discovery.k8s.io", "EndpointSlice", "endpointslices", "it leads what a Service gets to any address"),
    all("coordination.k8s.io", "it says who of several acts, and which nodes live"),
    all("flowcontrol.apiserver.k8s.io", "it says whom the API server answers"),
    all("node.k8s.io", CLASS),
    one("scheduling.k8s.io", "PriorityClass", "priorityclasses", CLASS),
    one("networking.k8s.io", "IngressClass", "ingressclasses", CLASS),
    one("networking.k8s.io", "ServiceCIDR", "servicecidrs", "it says which addresses Services have"),
    one("networking.k8s.io", "IPAddress", "ipaddresses", "it says which addresses Services have"),
    one("storage.k8s.io", "StorageClass", "storageclasses", CLASS),
    one("storage.k8s.io", "VolumeAttributesClass", "volumeattributesclasses", CLASS),
    one("storage.k8s.io", "CSIDriver", "csidrivers", "drivers get the tokens of pods by it"),
    one("storage.k8s.io", "CSINode", "csinodes", "it says what a node can mount"),
    one("storage.k8s.io", "CSIStorageCapacity", "csistoragecapacities", "it says where volumes are made"),
    one("storage.k8s.io", "VolumeAttachment", "volumeattachments", ATTACHMENT),
    one("snapshot.storage.k8s.io", "VolumeSnapshotClass", "volumesnapshotclasses", CLASS),
    all("internal.apiserver.k8s.io", "it is the API server's own"),
];
const CLASS: &str = "it says what others get that ask for its class";
const ATTACHMENT: &str = "it says on which node a volume is written: on two at once, its data is lost";

/// ConfigMaps of the cluster itself: namespace, name, whether the name only begins so, and why.
const SYSTEM: [(&str, &str, bool, &str); 12] = [
    ("kube-system", "aws-auth", false, "it gives rights to identities of AWS"),
    (
        "kube-system",
        "extension-apiserver-authentication",
        false,
        "aggregated API servers trust whom it names",
    ),
    ("kube-system", "coredns", true, "it says where every name leads"),
    ("kube-system", "kube-dns", true, "it says where every name leads"),
    ("kube-system", "node-local-dns", true, "it says where every name leads"),
    ("kube-system", "kube-proxy", true, "nodes run by it"),
    ("kube-system", "kubelet-config", true, "nodes run by it"),
    ("kube-system", "kubeadm-config", false, "nodes are made by it"),
    ("kube-system", "cilium-config", false, "nodes run by it"),
    (
        "kube-system",
        "kube-apiserver-legacy-service-account-token-tracking",
        false,
        "it is the API server's own",
    ),
    ("kube-public", "cluster-info", false, "whoever joins the cluster trusts what it names"),
    ("kube-flannel", "kube-flannel-cfg", false, "nodes run by it"),
];
/// The certificate that every pod trusts the API server by, in each namespace.
const TRUSTED: [&str; 2] = ["kube-root-ca.crt", "openshift-service-ca.crt"];

/// Why no policy may write objects of a kind, where that is so.
pub fn closed_kind(group: &str, kind: &str) -> Option<&'static str> {
    find(group, |(closed, _)| closed == kind)
}

/// Why no policy may write or delete one object, where that is so.
pub fn closed_object(object: &ObjectRef) -> Option<&'static str> {
    if !object.kind.group().is_empty() || object.kind.kind != "ConfigMap" {
        return why_never_deleted(object.kind.group(), &object.kind.kind);
    }
    if TRUSTED.contains(&object.name.as_str()) {
        return Some("programs trust the certificates in it");
    }
    let is_it = |(namespace, name, only_begins, _): &&(&str, &str, bool, &str)| {
        object.namespace.as_deref() == Some(*namespace)
            && (object.name == *name || (*only_begins && object.name.starts_with(*name)))
    };
    SYSTEM.iter().find(is_it).map(|(.., why)| *why)
}

/// Why no policy may even delete objects of a kind, where that is so.
pub fn why_never_deleted(group: &str, kind: &str) -> Option<&'static str> {
    (group == "storage.k8s.io" && matches!(kind, "VolumeAttachment" | "volumeattachments"))
        .then_some(ATTACHMENT)
}

/// The same for a resource, as grants name them.
pub(super) fn closed_resource(group: &str, resource: &str) -> Option<&'static str> {
    find(group, |(_, closed)| closed == resource)
}

fn find(group: &str, is_it: impl Fn((&'static str, &'static str)) -> bool) -> Option<&'static str> {
    CLOSED
        .iter()
        .find(|closed| closed.group == group && closed.only.is_none_or(&is_it))
        .map(|closed| closed.why)
}
