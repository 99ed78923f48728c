//! What this policy says of itself, and what an operator may set.

use serde::Deserialize;
use suture_policy::{Duration, Manifest, Permission, Value, json};

use crate::quantity::Quantity;

/// The settings. What each means stands in [`schema`].
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Settings {
    pub maximum: Quantity,
    pub step: u32,
    pub minimum_step: Quantity,
    pub maximum_step: Quantity,
    pub budget: Quantity,
    pub grow_below: u32,
    pub timeout: Duration,
    pub of_helm: Owned,
    pub of_operators: Owned,
}

/// What becomes of a claim whose size somebody else may write again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Owned {
    Leave,
    Grow,
}

pub fn manifest() -> Manifest {
    Manifest::new(
        "volume-filling-up",
        env!("CARGO_PKG_VERSION"),
        "Grows a PersistentVolumeClaim that is filling up by one bounded step, at most once a day and never beyond \
         the operator's maximum, where its storage class, quotas and the namespace's budget allow it and no GitOps \
         controller owns its size; and says what fills it.",
    )
    .matcher(r#"alertname="KubePersistentVolumeFillingUp""#)
    .key(["namespace", "persistentvolumeclaim"])
    .request(Permission::metrics(
        ["kubelet_volume_stats_available_bytes", "kubelet_volume_stats_capacity_bytes"],
        "to measure how full the volume is before anything is done",
    ))
    .request(Permission::metrics(
        ["kubelet_volume_stats_used_bytes", "kube_pod_spec_volumes_persistentvolumeclaims_info"],
        "to say how fast it fills, and which pods mount it",
    ))
    .permission(
        "",
        ["persistentvolumeclaims"],
        ["get", "list", "patch"],
        "to read the claim, to add up what was grown in its namespace today, and to grow it: grant `patch` with \
         `fields: [/spec/resources/requests/storage, /metadata/annotations, /metadata/labels]`",
    )
    .permission(
        "storage.k8s.io",
        ["storageclasses"],
        ["get"],
        "to see whether volumes of its class can grow",
    )
    .permission("", ["resourcequotas", "limitranges"], ["list"], "to stay within the namespace's limits")
    .permission("", ["events"], ["list"], "to say in the storage driver's words why a volume does not grow")
    .permission("", ["pods"], ["get"], "to say which workload fills the volume, and where it is mounted")
    .settings_schema(schema())
}

fn schema() -> Value {
    let size = |description: &str| json!({"type": "string", "pattern": Quantity::PATTERN, "description": description});
    let size_or = |default: &str, description: &str| json!({"type": "string", "pattern": Quantity::PATTERN, "default": default, "description": description});
    let percent = |minimum: u32, maximum: u32, default: u32, description: &str| json!({"type": "integer", "minimum": minimum, "maximum": maximum, "default": default, "description": description});
    let owned = |description: &str| json!({"type": "string", "enum": ["leave", "grow"], "default": "leave", "description": description});
    json!({
        "type": "object",
        "additionalProperties": false,
        "required": ["maximum"],
        "properties": {
            "maximum": size("The largest that any claim may become: `500Gi`. There is no default, for a volume never shrinks again. A claim's own annotation `volume-filling-up.suture.dev/maximum` may say less."),
            "step": percent(5, 100, 20, "By how many percent of its size a claim grows."),
            "minimumStep": size_or("1Gi", "The least that a claim grows by, as far as its maximum allows."),
            "maximumStep": size_or("100Gi", "The most that a claim grows by at once."),
            "budget": size_or("200Gi", "How much all claims of a namespace together may be grown by this policy in 24 hours."),
            "growBelow": percent(1, 50, 15, "A volume is grown while less than so many percent of it are free; with more, nothing is done."),
            "timeout": {"type": "string", "pattern": "^([1-9]|[1-8][0-9]|90)m$", "default": "15m", "description": "How long the storage driver and the node may take to grow it, 1m to 90m, before a person is told."},
            "ofHelm": owned("A claim that a Helm chart made: the next `helm upgrade` fails if the chart still says the old size. `grow` it all the same, and change the values soon, or `leave` it."),
            "ofOperators": owned("A claim that another controller owns (a database operator, say): the size stands in its custom resource. `grow` the claim all the same, or `leave` it."),
        },
    })
}
