//! Which fields must be spelled, by kind.

use super::Instead;

/// Fields of a kind that must be spelled.
pub(super) struct Row {
    pub group: &'static str,
    /// The kind with its resource; none for all of the group.
    pub only: Option<(&'static str, &'static str)>,
    /// JSON pointers; the name that a `*` stands for is to be spelled.
    pub paths: &'static [&'static str],
    /// What it is about.
    pub of: Of,
    /// What else would do.
    pub instead: Instead,
    pub why: &'static str,
}

/// What the rule is about.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Of {
    /// What is there.
    Changes,
    /// What is made, too.
    All,
}

const fn row(
    group: &'static str,
    (kind, resource): (&'static str, &'static str),
    paths: &'static [&'static str],
    of: Of,
    why: &'static str,
) -> Row {
    Row { group, only: Some((kind, resource)), paths, of, instead: Instead::Nothing, why }
}

const fn group(group: &'static str, paths: &'static [&'static str], why: &'static str) -> Row {
    Row { group, only: None, paths, of: Of::All, instead: Instead::Nothing, why }
}

const TRAFFIC: &str = "it says who gets whose traffic";
const WALL: &str = "it says who reaches whom";
const ROLLOUT: &str = "it says whether and how fast other versions take over";
const RUNS: &str = "it says when Jobs run, for how long, and what ends them";

const TABLE: [Row; 23] = [
    row("networking.k8s.io", ("Ingress", "ingresses"), &["/spec/*"], Of::All, TRAFFIC),
    group("gateway.networking.k8s.io", &["/spec/*"], TRAFFIC),
    group("traefik.io", &["/spec/*"], TRAFFIC),
    group("networking.istio.io", &["/spec/*"], TRAFFIC),
    row("", ("Service", "services"), &["/spec/*"], Of::Changes, TRAFFIC),
    row("networking.k8s.io", ("NetworkPolicy", "networkpolicies"), &["/spec/*"], Of::All, WALL),
    group("cilium.io", &["/spec/*", "/specs"], WALL),
    group("crd.projectcalico.org", &["/spec/*"], WALL),
    group("projectcalico.org", &["/spec/*"], WALL),
    group("security.istio.io", &["/spec/*"], WALL),
    row("", ("Node", "nodes"), &["/spec/*"], Of::All, "it says which pods are where"),
    Row {
        instead: Instead::Delete,
        ..row("", ("Node", "nodes"), &["/metadata/labels/*"], Of::Changes, "DaemonSets and pods choose by it")
    },
    row(
        "autoscaling",
        ("HorizontalPodAutoscaler", "horizontalpodautoscalers"),
        &["/spec/metrics", "/spec/behavior", "/spec/targetCPUUtilizationPercentage"],
        Of::Changes,
        "by it all goes to the maximum, or to the minimum",
    ),
    row(
        "batch",
        ("CronJob", "cronjobs"),
        &[
            "/spec/schedule",
            "/spec/timeZone",
            "/spec/suspend",
            "/spec/startingDeadlineSeconds",
            "/spec/concurrencyPolicy",
            "/spec/jobTemplate/spec/*",
            "/spec/jobTemplate/metadata/*",
        ],
        Of::Changes,
        RUNS,
    ),
    Row { instead: Instead::Delete, ..row("batch", ("Job", "jobs"), &["/spec/suspend"], Of::Changes, RUNS) },
    row(
        "apps",
        ("Deployment", "deployments"),
        &["/spec/paused", "/spec/strategy", "/spec/minReadySeconds", "/spec/progressDeadlineSeconds"],
        Of::Changes,
        ROLLOUT,
    ),
    row(
        "apps",
        ("StatefulSet", "statefulsets"),
        &["/spec/updateStrategy", "/spec/minReadySeconds"],
        Of::Changes,
        ROLLOUT,
    ),
    row(
        "apps",
        ("DaemonSet", "daemonsets"),
        &["/spec/updateStrategy", "/spec/minReadySeconds"],
        Of::Changes,
        ROLLOUT,
    ),
    row("", ("Pod", "pods"), &["/spec/schedulingGates"], Of::Changes, "it holds back a pod"),
    row(
        "policy",
        ("PodDisruptionBudget", "poddisruptionbudgets"),
        &["/spec/*"],
        Of::All,
        "it says whether pods of others may be evicted",
    ),
    row("", ("ResourceQuota", "resourcequotas"), &["/spec/*"], Of::All, "it says what others may make"),
    row("", ("LimitRange", "limitranges"), &["/spec/*"], Of::All, "it changes the pods that others make"),
    row(
        "",
        ("PersistentVolumeClaim", "persistentvolumeclaims"),
        &["/spec/storageClassName", "/spec/volumeAttributesClassName"],
        Of::Changes,
        "it says where the data is kept, and how",
    ),
];

/// A content can be bound to any snapshot of the storage, of any namespace.
const CONTENT: Row = row(
    "snapshot.storage.k8s.io",
    ("VolumeSnapshotContent", "volumesnapshotcontents"),
    &["/spec/*"],
    Of::All,
    "it can be any snapshot of the storage, and goes with its data",
);

/// Of any kind: what waits for something holds it up until it is done.
const FINALIZERS: Row = Row {
    group: "*",
    only: None,
    paths: &["/metadata/finalizers"],
    of: Of::Changes,
    instead: Instead::Delete,
    why: "they hold up its deletion",
};

pub(super) fn rows() -> impl Iterator<Item = &'static Row> {
    TABLE.iter().chain([&CONTENT, &FINALIZERS])
}

/// What stands below a field that must be spelled, and need not be: what else judges it.
pub(super) const FREE: [(&str, &str, &str); 1] = [("batch", "CronJob", "/spec/jobTemplate/spec/template")];
