//! Which resources there are, and which of them have namespaces. Grants name resources and not
//! kinds, and RBAC is generated offline: for what Kubernetes itself serves this is known, for the
//! rest the grant decides by naming namespaces or none.

/// The resources of an API group.
struct Group {
    name: &'static str,
    /// Those that have no namespaces.
    of_cluster: &'static [&'static str],
    namespaced: &'static [&'static str],
}

const fn group(
    name: &'static str,
    of_cluster: &'static [&'static str],
    namespaced: &'static [&'static str],
) -> Group {
    Group { name, of_cluster, namespaced }
}

/// The API groups that are known: those of Kubernetes 1.37 (`kubectl api-resources`), and the
/// snapshots of its storage project.
const KNOWN: &[Group] = &[
    group(
        "",
        &["componentstatuses", "namespaces", "nodes", "persistentvolumes"],
        &[
            "bindings",
            "configmaps",
            "endpoints",
            "events",
            "limitranges",
            "persistentvolumeclaims",
            "pods",
            "podtemplates",
            "replicationcontrollers",
            "resourcequotas",
            "secrets",
            "serviceaccounts",
            "services",
        ],
    ),
    group(
        "admissionregistration.k8s.io",
        &[
            "mutatingadmissionpolicies",
            "mutatingadmissionpolicybindings",
            "mutatingwebhookconfigurations",
            "validatingadmissionpolicies",
            "validatingadmissionpolicybindings",
            "validatingwebhookconfigurations",
        ],
        &[],
    ),
    group("apiextensions.k8s.io", &["customresourcedefinitions"], &[]),
    group("apiregistration.k8s.io", &["apiservices"], &[]),
    group("apps", &[], &["controllerrevisions", "daemonsets", "deployments", "replicasets", "statefulsets"]),
    group("authentication.k8s.io", &["selfsubjectreviews", "tokenreviews"], &[]),
    group(
        "authorization.k8s.io",
        &["selfsubjectaccessreviews", "selfsubjectrulesreviews", "subjectaccessreviews"],
        &["localsubjectaccessreviews"],
    ),
    group("autoscaling", &[], &["horizontalpodautoscalers"]),
    group("batch", &[], &["cronjobs", "jobs"]),
    group(
        "certificates.k8s.io",
        &["certificatesigningrequests", "clustertrustbundles"],
        &["podcertificaterequests"],
    ),
    group("coordination.k8s.io", &[], &["leasecandidates", "leases"]),
    group("discovery.k8s.io", &[], &["endpointslices"]),
    group("events.k8s.io", &[], &["events"]),
    group("flowcontrol.apiserver.k8s.io", &["flowschemas", "prioritylevelconfigurations"], &[]),
    group(
        "networking.k8s.io",
        &["ingressclasses", "ipaddresses", "servicecidrs"],
        &["ingresses", "networkpolicies"],
    ),
    group("node.k8s.io", &["runtimeclasses"], &[]),
    group("policy", &[], &["poddisruptionbudgets"]),
    group("rbac.authorization.k8s.io", &["clusterrolebindings", "clusterroles"], &["rolebindings", "roles"]),
    group("scheduling.k8s.io", &["priorityclasses"], &["podgroups", "workloads"]),
    group(
        "snapshot.storage.k8s.io",
        &["volumesnapshotclasses", "volumesnapshotcontents"],
        &["volumesnapshots"],
    ),
    group(
        "storage.k8s.io",
        &["csidrivers", "csinodes", "storageclasses", "volumeattachments", "volumeattributesclasses"],
        &["csistoragecapacities"],
    ),
];

/// Custom resources that have no namespaces, by API group: those that are common. Of other custom
/// resources nothing is known.
const CUSTOM_OF_CLUSTER: &[(&str, &[&str])] = &[
    ("argoproj.io", &["clusterworkflowtemplates"]),
    ("cert-manager.io", &["clusterissuers"]),
    ("cilium.io", &["ciliumclusterwidenetworkpolicies", "ciliumidentities", "ciliumnodes"]),
    ("external-secrets.io", &["clusterexternalsecrets", "clustersecretstores"]),
    ("gateway.networking.k8s.io", &["gatewayclasses"]),
    ("karpenter.sh", &["nodeclaims", "nodepools"]),
    ("kopiur.home-operations.com", &["clusterrepositories"]),
    ("kyverno.io", &["clusterpolicies"]),
    ("pkg.crossplane.io", &["configurations", "functions", "providers"]),
    ("trust.cert-manager.io", &["bundles"]),
];

fn is_custom_of_cluster(group: &str, resource: &str) -> bool {
    CUSTOM_OF_CLUSTER.iter().any(|(name, resources)| *name == group && resources.contains(&resource))
}

fn find(name: &str) -> Option<&'static Group> {
    KNOWN.iter().find(|group| group.name == name)
}

/// Whether a resource (without subresource) of a group has namespaces; none where it is not
/// known. What a later Kubernetes adds to a group that is known is taken for one that has them.
pub fn is_namespaced(group: &str, resource: &str) -> Option<bool> {
    if is_custom_of_cluster(group, resource) {
        return Some(false);
    }
    find(group).map(|group| !group.of_cluster.contains(&resource))
}

/// Whether the resources of an API group are not Kubernetes' own: what its controllers make of
/// them is not known.
pub(crate) fn is_custom(group: &str) -> bool {
    find(group).is_none()
}

/// Whether a resource (without subresource) is known to be one of a group.
pub(crate) fn is_known(group: &str, resource: &str) -> bool {
    is_custom_of_cluster(group, resource)
        || find(group)
            .is_some_and(|group| group.of_cluster.contains(&resource) || group.namespaced.contains(&resource))
}

/// The first group that has a resource, of those whose resources are all known.
pub(crate) fn group_of(resource: &str) -> Option<&'static str> {
    KNOWN.iter().find(|group| is_known(group.name, resource)).map(|group| group.name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn common_custom_resources_without_namespaces_are_known_and_others_are_not_guessed_at() {
        assert_eq!(is_namespaced("cert-manager.io", "clusterissuers"), Some(false));
        assert_eq!(is_namespaced("cert-manager.io", "issuers"), None);
        // A name is no proof: these live in namespaces.
        assert_eq!(is_namespaced("postgresql.cnpg.io", "clusters"), None);
        assert!(is_custom("cert-manager.io") && !is_custom("") && !is_custom("batch"));
    }
}
