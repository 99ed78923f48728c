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

const CLOSED: [Closed; 15] = [
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
];

/// Why no policy may write objects of a kind, where that is so.
pub fn closed_kind(group: &str, kind: &str) -> Option<&'static str> {
    find(group, |(closed, _)| closed == kind)
}

/// Why no policy may write one object, where that is so.
pub fn closed_object(object: &ObjectRef) -> Option<&'static str> {
    let is_of_system = object.kind.group().is_empty() && object.namespace.as_deref() == Some("kube-system");
    match (object.kind.kind.as_str(), object.name.as_str()) {
        ("ConfigMap", "aws-auth") if is_of_system => Some("it gives rights to identities of AWS"),
        ("ConfigMap", "extension-apiserver-authentication") if is_of_system => {
            Some("aggregated API servers trust whom it names")
        }
        _ => None,
    }
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
