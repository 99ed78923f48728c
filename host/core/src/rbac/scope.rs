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

fn find(name: &str) -> Option<&'static Group> {
    KNOWN.iter().find(|group| group.name == name)
}

/// Whether a resource (without subresource) of a group has namespaces; none where it is not
/// known. What a later Kubernetes adds to a group that is known is taken for one that has them.
pub fn is_namespaced(group: &str, resource: &str) -> Option<bool> {
    find(group).map(|group| !group.of_cluster.contains(&resource))
}

/// Whether a resource (without subresource) is one of a group, where all of the group are known.
pub(crate) fn is_known(group: &str, resource: &str) -> bool {
    find(group)
        .is_some_and(|group| group.of_cluster.contains(&resource) || group.namespaced.contains(&resource))
}

/// The first group that has a resource.
pub(crate) fn group_of(resource: &str) -> Option<&'static str> {
    KNOWN.iter().find(|group| is_known(group.name, resource)).map(|group| group.name)
}
