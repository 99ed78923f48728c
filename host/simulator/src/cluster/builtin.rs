//! The kinds that every simulated cluster serves.

use suture_core::object::Kind;

use super::kinds::KindInfo;

/// A kind: API version, name, plural, and its properties as letters: `n` namespaced,
/// `s` has a status subresource, `g` has a generation, `c` has a scale.
type Known = (&'static str, &'static str, &'static str, &'static str);

const KNOWN: &[Known] = &[
    ("v1", "ConfigMap", "configmaps", "n"),
    ("v1", "Endpoints", "endpoints", "n"),
    ("v1", "Event", "events", "n"),
    ("v1", "LimitRange", "limitranges", "n"),
    ("v1", "Namespace", "namespaces", "s"),
    ("v1", "Node", "nodes", "s"),
    ("v1", "PersistentVolume", "persistentvolumes", "s"),
    ("v1", "PersistentVolumeClaim", "persistentvolumeclaims", "ns"),
    ("v1", "Pod", "pods", "nsg"),
    ("v1", "ReplicationController", "replicationcontrollers", "nsgc"),
    ("v1", "ResourceQuota", "resourcequotas", "ns"),
    ("v1", "Secret", "secrets", "n"),
    ("v1", "Service", "services", "ns"),
    ("v1", "ServiceAccount", "serviceaccounts", "n"),
    ("admissionregistration.k8s.io/v1", "MutatingWebhookConfiguration", "mutatingwebhookconfigurations", "g"),
    (
        "admissionregistration.k8s.io/v1",
        "ValidatingWebhookConfiguration",
        "validatingwebhookconfigurations",
        "g",
    ),
    ("apiextensions.k8s.io/v1", "CustomResourceDefinition", "customresourcedefinitions", "sg"),
    ("apiregistration.k8s.io/v1", "APIService", "apiservices", "s"),
    ("apps/v1", "ControllerRevision", "controllerrevisions", "n"),
    ("apps/v1", "DaemonSet", "daemonsets", "nsg"),
    ("apps/v1", "Deployment", "deployments", "nsgc"),
    ("apps/v1", "ReplicaSet", "replicasets", "nsgc"),
    ("apps/v1", "StatefulSet", "statefulsets", "nsgc"),
    ("autoscaling/v2", "HorizontalPodAutoscaler", "horizontalpodautoscalers", "ns"),
    ("batch/v1", "CronJob", "cronjobs", "nsg"),
    ("batch/v1", "Job", "jobs", "nsg"),
    ("certificates.k8s.io/v1", "CertificateSigningRequest", "certificatesigningrequests", "s"),
    ("coordination.k8s.io/v1", "Lease", "leases", "n"),
    ("discovery.k8s.io/v1", "EndpointSlice", "endpointslices", "ng"),
    ("events.k8s.io/v1", "Event", "events", "n"),
    ("networking.k8s.io/v1", "Ingress", "ingresses", "nsg"),
    ("networking.k8s.io/v1", "IngressClass", "ingressclasses", "g"),
    ("networking.k8s.io/v1", "NetworkPolicy", "networkpolicies", "ng"),
    ("policy/v1", "PodDisruptionBudget", "poddisruptionbudgets", "nsg"),
    ("rbac.authorization.k8s.io/v1", "ClusterRole", "clusterroles", ""),
    ("rbac.authorization.k8s.io/v1", "ClusterRoleBinding", "clusterrolebindings", ""),
    ("rbac.authorization.k8s.io/v1", "Role", "roles", "n"),
    ("rbac.authorization.k8s.io/v1", "RoleBinding", "rolebindings", "n"),
    ("scheduling.k8s.io/v1", "PriorityClass", "priorityclasses", "g"),
    ("storage.k8s.io/v1", "CSIDriver", "csidrivers", ""),
    ("storage.k8s.io/v1", "CSINode", "csinodes", ""),
    ("storage.k8s.io/v1", "StorageClass", "storageclasses", ""),
    ("storage.k8s.io/v1", "VolumeAttachment", "volumeattachments", "s"),
    // What backups are made of: not built into Kubernetes, but into what Suture is for.
    ("snapshot.storage.k8s.io/v1", "VolumeSnapshot", "volumesnapshots", "nsg"),
    ("snapshot.storage.k8s.io/v1", "VolumeSnapshotClass", "volumesnapshotclasses", "g"),
    ("snapshot.storage.k8s.io/v1", "VolumeSnapshotContent", "volumesnapshotcontents", "sg"),
    ("volsync.backube/v1alpha1", "KopiaMaintenance", "kopiamaintenances", "nsg"),
    ("volsync.backube/v1alpha1", "ReplicationDestination", "replicationdestinations", "nsg"),
    ("volsync.backube/v1alpha1", "ReplicationSource", "replicationsources", "nsg"),
];

/// What is known of a built-in kind.
pub fn find(kind: &Kind) -> Option<KindInfo> {
    let (_, _, plural, properties) =
        KNOWN.iter().find(|(version, name, ..)| *version == kind.api_version && *name == kind.kind)?;
    Some(KindInfo {
        plural: (*plural).to_owned(),
        namespaced: properties.contains('n'),
        status: properties.contains('s'),
        generation: properties.contains('g'),
        scale: properties.contains('c'),
    })
}

/// The API versions of the built-in kinds of a name.
pub fn versions(kind: &str) -> impl Iterator<Item = &'static str> {
    KNOWN.iter().filter(move |(_, name, ..)| *name == kind).map(|(version, ..)| *version)
}

/// Subresources of built-in kinds that are more than a part of the object: the simulated
/// cluster has none of them.
pub fn has_more(plural: &str, subresource: &str) -> bool {
    match plural {
        "pods" => [
            "attach",
            "binding",
            "ephemeralcontainers",
            "eviction",
            "exec",
            "log",
            "portforward",
            "proxy",
            "resize",
        ]
        .contains(&subresource),
        "services" | "nodes" => subresource == "proxy",
        "serviceaccounts" => subresource == "token",
        "namespaces" => subresource == "finalize",
        "certificatesigningrequests" => subresource == "approval",
        _ => false,
    }
}

/// The field selectors that a kind supports besides `metadata.name` and
/// `metadata.namespace`.
pub fn selectable_fields(kind: &Kind) -> &'static [&'static str] {
    match (kind.api_version.as_str(), kind.kind.as_str()) {
        ("v1", "Pod") => &[
            "spec.nodeName",
            "spec.restartPolicy",
            "spec.schedulerName",
            "spec.serviceAccountName",
            "spec.hostNetwork",
            "status.phase",
            "status.podIP",
            "status.nominatedNodeName",
        ],
        ("v1", "Event") => &[
            "involvedObject.kind",
            "involvedObject.namespace",
            "involvedObject.name",
            "involvedObject.uid",
            "involvedObject.apiVersion",
            "involvedObject.resourceVersion",
            "involvedObject.fieldPath",
            "reason",
            "reportingComponent",
            "source",
            "type",
        ],
        ("v1", "Namespace") => &["status.phase"],
        ("v1", "Node") => &["spec.unschedulable"],
        ("v1", "ReplicationController") | ("apps/v1", "ReplicaSet") => &["status.replicas"],
        ("v1", "Secret") => &["type"],
        ("batch/v1", "Job") => &["status.successful"],
        _ => &[],
    }
}
