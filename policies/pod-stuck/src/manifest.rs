//! What this policy says of itself, and what an operator may set.

use serde::Deserialize;
use suture_policy::{Duration, Manifest, Permission, Value, json};

/// The longest that any setting makes it wait.
const LONGEST: Duration = Duration::hours(24);
/// The least time between two evictions from one owner.
const SHORTEST_BETWEEN: Duration = Duration::hours(1);

/// The settings. What each means stands in [`schema`].
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Settings {
    pub evict: Evict,
    pub not_ready_for: Duration,
    pub evict_every: Duration,
    pub empty_dirs: EmptyDirs,
    pub patience: Duration,
    pub ready_within: Duration,
    pub log_lines: u32,
    pub retry_after: Duration,
}

/// Which pods are evicted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Evict {
    Never,
    Node,
    NotReady,
}

/// What becomes of a pod with an emptyDir, which goes with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum EmptyDirs {
    Keep,
    Lose,
}

impl Settings {
    /// The same, with no wait longer than a day, and no two evictions within an hour.
    pub fn bounded(self) -> Self {
        Self {
            not_ready_for: self.not_ready_for.min(LONGEST),
            evict_every: self.evict_every.max(SHORTEST_BETWEEN),
            patience: self.patience.min(LONGEST),
            ready_within: self.ready_within.min(LONGEST),
            retry_after: self.retry_after.min(LONGEST),
            ..self
        }
    }
}

pub fn manifest() -> Manifest {
    let mut manifest = Manifest::new(
        "pod-stuck",
        env!("CARGO_PKG_VERSION"),
        "Says why a pod does not become ready: its node, its volumes, its image, its configuration, its probes or its \
         program, with the last words of each. By setting it evicts a pod that another could replace, once, and within \
         its disruption budget.",
    )
    .matcher(r#"alertname=~"KubePodNotReady|KubePodCrashLooping|KubeContainerWaiting""#)
    .key(["namespace", "pod"])
    .permission("", ["pods"], ["get", "list"], "to read the pod, and to see how the others of its owner are")
    .permission("", ["pods/log"], ["get"], "to show the end of a failing container's log")
    .permission("", ["events"], ["list"], "to say why a volume, an image, a sandbox or a probe fails")
    .permission("", ["nodes"], ["get"], "to see whether the pod's node answers")
    .permission("", ["persistentvolumeclaims"], ["get"], "to say which claim of the pod is not bound")
    .permission(
        "apps",
        ["replicasets", "statefulsets", "deployments"],
        ["get"],
        "to say whose the pod is, how many of its pods are ready, and where it comes from",
    );
    for setting in ["node", "notReady"] {
        let asked = |group: &str, resources: [&str; 1], verbs: [&str; 1], reason: &str| {
            Permission::resources(group, resources, verbs, reason).when("evict", setting)
        };
        manifest = manifest
            .request(asked("policy", ["poddisruptionbudgets"], ["list"], "to evict only within the disruption budget"))
            .request(asked("", ["pods"], ["delete"], "to evict a pod that is stuck, with its own grace period"))
            .request(
                Permission::resources(
                    "apps",
                    ["replicasets", "statefulsets"],
                    ["patch"],
                    "to note at the pod's owner when one of its pods was evicted, so that it happens once a day at most",
                )
                .when("evict", setting),
            );
    }
    manifest.settings_schema(schema())
}

fn schema() -> Value {
    let duration = |default: &str, description: &str| json!({"type": "string", "pattern": Duration::PATTERN, "maxLength": 16, "default": default, "description": description});
    let choice = |choices: &[&str], description: &str| json!({"type": "string", "enum": choices, "default": choices.first(), "description": description});
    json!({
        "type": "object",
        "additionalProperties": false,
        "properties": {
            "evict": choice(&["never", "node", "notReady"], "Which pods are evicted: those that their node holds up (`node`: its sandbox, its mounts, a registry that is not reached from there), or also those that run and are not ready for `notReadyFor` (`notReady`). Only pods of ReplicaSets and StatefulSets, within their disruption budget, and only where none of their siblings is stuck as well."),
            "notReadyFor": duration("30m", "How long a pod that runs must have been not ready before `evict: notReady` evicts it. At most 24h."),
            "evictEvery": duration("24h", "How long after an eviction no other pod of the same ReplicaSet or StatefulSet is evicted. At least 1h."),
            "emptyDirs": choice(&["keep", "lose"], "Whether a pod with an emptyDir on disk, whose content goes with it, is left alone (`keep`) or evicted (`lose`)."),
            "patience": duration("5m", "How long to wait for what may pass by itself, and for a pod that is being deleted. At most 24h."),
            "readyWithin": duration("10m", "How long the replacement of an evicted pod may take to become ready. At most 24h."),
            "logLines": {"type": "integer", "minimum": 1, "maximum": 100, "default": 10, "description": "How many of the last lines of a log are shown."},
            "retryAfter": duration("10m", "When to look again after something was in the way. At most 24h."),
        },
    })
}
