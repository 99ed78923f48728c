//! The objects that cases work with.

use serde_json::{Value, json};
use suture_core::effect::Query;

use crate::bench::{Bench, kind_of};

/// `v1 ConfigMap`.
pub(crate) const CONFIG_MAP: &str = "v1 ConfigMap";
/// `v1 Pod`.
pub(crate) const POD: &str = "v1 Pod";
/// `batch/v1 Job`.
pub(crate) const JOB: &str = "batch/v1 Job";
/// `apps/v1 Deployment`.
pub(crate) const DEPLOYMENT: &str = "apps/v1 Deployment";
/// `v1 Namespace`.
pub(crate) const NAMESPACE: &str = "v1 Namespace";
/// A custom resource, of VolSync's own definition.
pub(crate) const SOURCE: &str = "volsync.backube/v1alpha1 ReplicationSource";
/// Another, in whose definition fields are required.
pub(crate) const SNAPSHOT: &str = "snapshot.storage.k8s.io/v1 VolumeSnapshot";

/// A ConfigMap with one value.
pub(crate) fn config_map(name: &str) -> Value {
    json!({"metadata": {"name": name}, "data": {"a": "1"}})
}

/// A pod that nothing will ever run.
pub(crate) fn pod(name: &str) -> Value {
    json!({"metadata": {"name": name}, "spec": {"containers": [{"name": "main", "image": "example.test/none"}]}})
}

/// A Job without a controller: suspended.
pub(crate) fn job(name: &str) -> Value {
    json!({"metadata": {"name": name}, "spec": {"suspend": true, "template": {"spec": {
        "restartPolicy": "Never", "containers": [{"name": "main", "image": "example.test/none"}]}}}})
}

/// A Deployment that wants no pods.
pub(crate) fn deployment(name: &str) -> Value {
    json!({"metadata": {"name": name}, "spec": {"replicas": 0, "paused": true,
        "selector": {"matchLabels": {"app": name}},
        "template": {"metadata": {"labels": {"app": name}}, "spec": {"containers": [
            {"name": "main", "image": "example.test/none", "args": ["x"], "env": [{"name": "A", "value": "1"}]}]}}}})
}

/// A backup by VolSync.
pub(crate) fn source(name: &str) -> Value {
    json!({"metadata": {"name": name}, "spec": {"sourcePVC": name, "trigger": {"schedule": "0 * * * *"},
        "restic": {"repository": "secret", "copyMethod": "Snapshot"}}})
}

/// All objects of a kind in the case's namespace.
pub(crate) fn all(bench: &Bench, kind: &str) -> Query {
    Query {
        kind: kind_of(kind),
        namespace: Some(bench.namespace().to_owned()),
        labels: String::new(),
        fields: String::new(),
        limit: 0,
        next: None,
        metadata_only: false,
    }
}

/// The names of objects, in their order.
pub(crate) fn names(items: &[suture_core::Object]) -> Vec<String> {
    items.iter().filter_map(|item| suture_core::object::name(item).map(str::to_owned)).collect()
}
