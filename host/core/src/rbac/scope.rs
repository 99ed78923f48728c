//! Which resources have namespaces. Grants name resources and not kinds, and RBAC is
//! generated offline: for what Kubernetes itself serves this is known, for the rest the
//! grant decides by naming namespaces or none.

/// The API groups that are known, with their resources that have no namespaces: those of
/// Kubernetes 1.37 (`kubectl api-resources --namespaced=false`), and the snapshots of its
/// storage project.
const KNOWN: &[(&str, &[&str])] = &[
    ("", &["componentstatuses", "namespaces", "nodes", "persistentvolumes"]),
    (
        "admissionregistration.k8s.io",
        &[
            "mutatingadmissionpolicies",
            "mutatingadmissionpolicybindings",
            "mutatingwebhookconfigurations",
            "validatingadmissionpolicies",
            "validatingadmissionpolicybindings",
            "validatingwebhookconfigurations",
        ],
    ),
    ("apiextensions.k8s.io", &["customresourcedefinitions"]),
    ("apiregistration.k8s.io", &["apiservices"]),
    ("apps", &[]),
    ("authentication.k8s.io", &["selfsubjectreviews", "tokenreviews"]),
    (
        "authorization.k8s.io",
        &["selfsubjectaccessreviews", "selfsubjectrulesreviews", "subjectaccessreviews"],
    ),
    ("autoscaling", &[]),
    ("batch", &[]),
    ("certificates.k8s.io", &["certificatesigningrequests", "clustertrustbundles"]),
    ("coordination.k8s.io", &[]),
    ("discovery.k8s.io", &[]),
    ("events.k8s.io", &[]),
    ("flowcontrol.apiserver.k8s.io", &["flowschemas", "prioritylevelconfigurations"]),
    ("networking.k8s.io", &["ingressclasses", "ipaddresses", "servicecidrs"]),
    ("node.k8s.io", &["runtimeclasses"]),
    ("policy", &[]),
    ("rbac.authorization.k8s.io", &["clusterrolebindings", "clusterroles"]),
    ("scheduling.k8s.io", &["priorityclasses"]),
    ("snapshot.storage.k8s.io", &["volumesnapshotclasses", "volumesnapshotcontents"]),
    (
        "storage.k8s.io",
        &["csidrivers", "csinodes", "storageclasses", "volumeattachments", "volumeattributesclasses"],
    ),
];

/// Whether a resource (without subresource) of a group has namespaces; none where that is
/// not known.
pub fn is_namespaced(group: &str, resource: &str) -> Option<bool> {
    let (_, without) = KNOWN.iter().find(|(known, _)| *known == group)?;
    Some(!without.contains(&resource))
}
