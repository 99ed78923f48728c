//! Changes by which a controller deletes: for those one needs the right to delete.

use serde_json::Value;
use suture_core::object::{Kind, is_own_annotation};

/// Numbers of existing objects by which their controller deletes them, or what is theirs, the sooner
/// the lower they are: a Job by its age, pods by their deadline, Jobs of a CronJob, old ReplicaSets. With
/// what the API server takes them for where they are not given; none for no end.
const NUMBERS: [(&str, Option<u64>); 5] = [
    ("/spec/ttlSecondsAfterFinished", None),
    ("/spec/activeDeadlineSeconds", None),
    ("/spec/successfulJobsHistoryLimit", Some(3)),
    ("/spec/failedJobsHistoryLimit", Some(1)),
    ("/spec/revisionHistoryLimit", Some(10)),
];
/// Whether a StatefulSet's claims go with its pods.
const RETENTION: &str = "/spec/persistentVolumeClaimRetentionPolicy";
/// Whether a CronJob ends a Job that runs for the next one.
const CONCURRENCY: &str = "/spec/concurrencyPolicy";

/// Whether a change of what is there lets its controller, or another, delete.
pub(super) fn is_deleted_by(kind: &Kind, before: Option<&Value>, after: Option<&Value>) -> bool {
    let (Some(before), Some(after)) = (before, after) else { return false };
    let said = |object: &Value, pointer| object.pointer(pointer).filter(|value| !value.is_null()).cloned();
    let is_lowered = NUMBERS.iter().any(|(pointer, default)| {
        let (was, is) = (said(before, pointer), said(after, pointer));
        // One that is no number is the API server's to refuse.
        let number =
            |value: Option<Value>| value.map_or(*default, |value| value.as_u64()).unwrap_or(u64::MAX);
        was != is && number(is) < number(was)
    });
    let differs = |pointer| said(after, pointer) != said(before, pointer);
    is_lowered
        || (said(after, RETENTION).is_some() && differs(RETENTION))
        || (said(after, CONCURRENCY) == Some(Value::from("Replace")) && differs(CONCURRENCY))
        || evicts(before, after)
        || (kind.group().is_empty() && kind.kind == "Pod" && is_relabelled(before, after))
}

/// Whether a node gets a taint that ends the pods on it.
fn evicts(before: &Value, after: &Value) -> bool {
    let taints = |object: &Value| {
        let taints = object.pointer("/spec/taints").and_then(Value::as_array).cloned().unwrap_or_default();
        let ends = |taint: &Value| taint.get("effect").and_then(Value::as_str) == Some("NoExecute");
        taints.into_iter().filter(ends).collect::<Vec<_>>()
    };
    let there = taints(before);
    taints(after).iter().any(|taint| !there.contains(taint))
}

/// Whether a pod's labels are others than before: whichever controller selects them takes it for its
/// own then, and deletes one that is too many.
fn is_relabelled(before: &Value, after: &Value) -> bool {
    let labels = |pod: &Value| {
        let labels = pod.pointer("/metadata/labels").and_then(Value::as_object).cloned();
        labels.into_iter().flatten().filter(|(name, _)| !is_own_annotation(name)).collect::<Vec<_>>()
    };
    labels(before) != labels(after)
}

/// Whether a finalizer is taken away, which held a deletion up.
pub(super) fn loses_finalizers(before: Option<&Value>, after: Option<&Value>) -> bool {
    let (Some(before), Some(after)) = (before, after) else { return false };
    let finalizers = |object: &Value| {
        object.pointer("/metadata/finalizers").and_then(Value::as_array).cloned().unwrap_or_default()
    };
    let left = finalizers(after);
    finalizers(before).iter().any(|finalizer| !left.contains(finalizer))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn job() -> Kind {
        Kind::new("batch/v1", "Job")
    }

    #[test]
    fn what_lets_a_controller_delete_is_told_from_other_changes() {
        let of = |spec: Value| json!({"spec": spec});
        let plain = of(json!({"parallelism": 1}));
        for spec in [
            json!({"ttlSecondsAfterFinished": 0}),
            json!({"activeDeadlineSeconds": 1}),
            json!({"concurrencyPolicy": "Replace"}),
            json!({"taints": [{"key": "a", "effect": "NoExecute"}]}),
            json!({"failedJobsHistoryLimit": 0}),
            json!({"successfulJobsHistoryLimit": 0}),
            json!({"revisionHistoryLimit": 1}),
            json!({"persistentVolumeClaimRetentionPolicy": {"whenScaled": "Delete"}}),
        ] {
            let expiring = of(spec);
            assert!(is_deleted_by(&job(), Some(&plain), Some(&expiring)), "{expiring}");
            assert!(!is_deleted_by(&job(), None, Some(&expiring)), "what is made may go by itself");
            assert!(
                !is_deleted_by(&job(), Some(&expiring), Some(&expiring))
                    && !is_deleted_by(&job(), Some(&expiring), Some(&plain))
            );
        }
        assert!(!is_deleted_by(&job(), Some(&plain), Some(&of(json!({"parallelism": 2})))));
        let many = of(json!({"failedJobsHistoryLimit": 100, "ttlSecondsAfterFinished": 60}));
        let gone = of(json!({"ttlSecondsAfterFinished": 60, "failedJobsHistoryLimit": null}));
        assert!(is_deleted_by(&job(), Some(&many), Some(&gone)), "without it, it is 1");
        assert!(!is_deleted_by(&job(), Some(&gone), Some(&many)), "it is raised");
        assert!(
            !is_deleted_by(&job(), Some(&many), Some(&of(json!({"failedJobsHistoryLimit": 100})))),
            "it lives on"
        );
    }

    #[test]
    fn a_pod_is_relabelled_and_a_finalizer_taken_away_only_with_the_right_to_delete() {
        let (pod, claim) = (Kind::new("v1", "Pod"), Kind::new("v1", "PersistentVolumeClaim"));
        let labelled = |labels: Value| json!({"metadata": {"labels": labels}});
        let (plain, adopted) = (labelled(json!({"app": "a"})), labelled(json!({"app": "a", "rs": "b"})));
        assert!(is_deleted_by(&pod, Some(&plain), Some(&adopted)));
        assert!(is_deleted_by(&pod, Some(&adopted), Some(&plain)), "its controller makes another");
        assert!(!is_deleted_by(&claim, Some(&plain), Some(&adopted)));
        let marked = labelled(json!({"app": "a", "suture.dev/seen": "x"}));
        assert!(!is_deleted_by(&pod, Some(&plain), Some(&marked)));
        let held = json!({"metadata": {"finalizers": ["kubernetes.io/pvc-protection", "x/y"]}});
        assert!(loses_finalizers(Some(&held), Some(&json!({"metadata": {"finalizers": ["x/y"]}}))));
        assert!(loses_finalizers(Some(&held), Some(&json!({"metadata": {}}))));
        assert!(!loses_finalizers(Some(&plain), Some(&held)) && !loses_finalizers(Some(&held), Some(&held)));
    }
}
