//! Changes by which a controller deletes: for those one needs the right to delete.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use suture_core::grant::NamedField;
use suture_core::grant::fields::{self, Path};
use suture_core::object::{Kind, is_own_annotation};

/// Numbers of existing objects by which their controller deletes them, or what is theirs, the sooner
/// the lower they are: a Job by its age, its pods by their deadline, their number or how often they failed,
/// Jobs of a CronJob, old ReplicaSets, what an autoscaler scales. With what the API server takes them for
/// where they are not given; none for no end.
const NUMBERS: [(&str, Option<u64>); 11] = [
    ("/spec/ttlSecondsAfterFinished", None),
    ("/spec/activeDeadlineSeconds", None),
    ("/spec/parallelism", Some(1)),
    ("/spec/completions", None),
    ("/spec/backoffLimit", Some(6)),
    ("/spec/maxFailedIndexes", None),
    ("/spec/minReplicas", Some(1)),
    ("/spec/maxReplicas", None),
    ("/spec/successfulJobsHistoryLimit", Some(3)),
    ("/spec/failedJobsHistoryLimit", Some(1)),
    ("/spec/revisionHistoryLimit", Some(10)),
];
/// Whether a StatefulSet's claims go with its pods.
const RETENTION: &str = "/spec/persistentVolumeClaimRetentionPolicy";
/// Whether they go with the pods that are too many.
const WHEN_SCALED: &str = "/spec/persistentVolumeClaimRetentionPolicy/whenScaled";
const REPLICAS: &str = "/spec/replicas";
/// The number of a StatefulSet's first pod.
const FIRST: &str = "/spec/ordinals/start";
/// What an autoscaler scales.
const SCALED: &str = "/spec/scaleTargetRef";
/// Whether a CronJob ends a Job that runs for the next one.
const CONCURRENCY: &str = "/spec/concurrencyPolicy";

/// Whether a change of what is there lets its controller, or another, delete.
pub(super) fn is_deleted_by(kind: &Kind, before: Option<&Value>, after: Option<&Value>) -> bool {
    let is = |group: &str, name: &str| kind.group() == group && kind.kind == name;
    let is_autoscaler = is("autoscaling", "HorizontalPodAutoscaler");
    let (Some(before), Some(after)) = (before, after) else {
        // One that is made scales down what was there before it.
        return is_autoscaler && before.is_none() && after.is_some();
    };
    let said = |object: &Value, pointer| object.pointer(pointer).filter(|value| !value.is_null()).cloned();
    let is_lowered = NUMBERS.iter().any(|(pointer, default)| {
        let (was, is) = (said(before, pointer), said(after, pointer));
        // One that is no number is the API server's to refuse.
        let number =
            |value: Option<Value>| value.map_or(*default, |value| value.as_u64()).unwrap_or(u64::MAX);
        was != is && number(is) < number(was)
    });
    let differs = |pointer| said(after, pointer) != said(before, pointer);
    let is_suspended = |object| said(object, "/spec/suspend") == Some(Value::Bool(true));
    is_lowered
        || (is("batch", "Job") && is_suspended(after) && !is_suspended(before))
        || (is("apps", "StatefulSet") && scales_claims_away(before, after))
        || (said(after, RETENTION).is_some() && differs(RETENTION))
        || (said(after, CONCURRENCY) == Some(Value::from("Replace")) && differs(CONCURRENCY))
        || evicts(before, after)
        || (is_autoscaler && differs(SCALED))
        || (ADOPTED.iter().any(|(group, name)| is(group, name)) && !relabelled(before, after).is_empty())
        || (is("", "Pod") && is_tolerated_less(before, after))
}

/// Whether pods of a StatefulSet go, and their claims are deleted. Its scale does not say whether they
/// are, so it is taken to be so.
fn scales_claims_away(before: &Value, after: &Value) -> bool {
    let number =
        |object: &Value, pointer, default| object.pointer(pointer).and_then(Value::as_u64).unwrap_or(default);
    // The first pod's number, and that after the last one's. Without a number there is one pod.
    let pods = |object: &Value| {
        let first = number(object, FIRST, 0);
        (first, first.saturating_add(number(object, REPLICAS, 1)))
    };
    let (was, is) = (pods(before), pods(after));
    let is_fewer = was.0 < was.1 && (is.0 > was.0 || is.1 < was.1);
    let is_scale = after.get("kind").and_then(Value::as_str) == Some("Scale");
    let deletes = |object: &Value| object.pointer(WHEN_SCALED).and_then(Value::as_str) == Some("Delete");
    is_fewer && (is_scale || deletes(before) || deletes(after))
}

/// Whether a pod gets a toleration that ends: it is evicted where it stood without end.
fn is_tolerated_less(before: &Value, after: &Value) -> bool {
    let ending = |pod: &Value| {
        let tolerations = pod.pointer("/spec/tolerations").and_then(Value::as_array).cloned();
        let ends = |one: &Value| one.get("tolerationSeconds").is_some_and(|seconds| !seconds.is_null());
        tolerations.into_iter().flatten().filter(ends).collect::<Vec<_>>()
    };
    let there = ending(before);
    ending(after).iter().any(|toleration| !there.contains(toleration))
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

/// What controllers take for their own by its labels, and delete where there are too many of it.
const ADOPTED: [(&str, &str); 3] = [("", "Pod"), ("apps", "ReplicaSet"), ("apps", "ControllerRevision")];

/// The labels of an object that are others than before.
fn relabelled(before: &Value, after: &Value) -> BTreeSet<String> {
    let labels = |object: &Value| {
        let labels = object.pointer("/metadata/labels").and_then(Value::as_object).cloned();
        labels.into_iter().flatten().filter(|(name, _)| !is_own_annotation(name)).collect::<BTreeMap<_, _>>()
    };
    let (was, is) = (labels(before), labels(after));
    let changed = was.keys().chain(is.keys()).filter(|name| was.get(*name) != is.get(*name));
    changed.cloned().collect()
}

/// Fields of the status of a built-in kind that differ: what its controller has seen, by which others
/// act. A node that is not ready loses its pods, a Job that has failed its own; a pod's addresses are
/// where its Services lead.
pub(super) fn status_feigned(kind: &Kind, before: Option<&Value>, after: Option<&Value>) -> Vec<NamedField> {
    if !is_built_in(kind.group()) {
        return Vec::new();
    }
    let nothing = Value::Null;
    let status = |object: Option<&Value>| object.and_then(|object| object.get("status")).cloned();
    let (was, is) = (status(before), status(after));
    let changed = fields::changed(was.as_ref().unwrap_or(&nothing), is.as_ref().unwrap_or(&nothing));
    let under = |path: Path| std::iter::once("status".to_owned()).chain(path).collect();
    changed.into_iter().map(under).map(NamedField::of_status).collect()
}

/// Whether a group is one of Kubernetes' own. Definitions of others may have `k8s.io` in their names;
/// they have controllers that act, too.
fn is_built_in(group: &str) -> bool {
    !group.contains('.') || group.ends_with(".k8s.io")
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
        let plain = of(json!({}));
        for spec in [
            json!({"ttlSecondsAfterFinished": 0}),
            json!({"activeDeadlineSeconds": 1}),
            json!({"concurrencyPolicy": "Replace"}),
            json!({"taints": [{"key": "a", "effect": "NoExecute"}]}),
            json!({"failedJobsHistoryLimit": 0}),
            json!({"successfulJobsHistoryLimit": 0}),
            json!({"revisionHistoryLimit": 1}),
            json!({"backoffLimit": 0}),
            json!({"suspend": true}),
            json!({"parallelism": 0}),
            json!({"completions": 1}),
            json!({"maxFailedIndexes": 0}),
            json!({"persistentVolumeClaimRetentionPolicy": {"whenScaled": "Delete"}}),
        ] {
            let expiring = of(spec);
            assert!(is_deleted_by(&job(), Some(&plain), Some(&expiring)), "{expiring}");
            assert!(!is_deleted_by(&job(), None, Some(&expiring)), "what is made may go by itself");
            assert!(!is_deleted_by(&job(), Some(&expiring), Some(&expiring)), "nothing changes");
            assert!(!is_deleted_by(&job(), Some(&expiring), Some(&plain)), "{expiring} is taken back");
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
    fn a_pod_is_relabelled_only_with_the_right_to_delete() {
        let (pod, claim) = (Kind::new("v1", "Pod"), Kind::new("v1", "PersistentVolumeClaim"));
        let labelled = |labels: Value| json!({"metadata": {"labels": labels}});
        let (plain, adopted) = (labelled(json!({"app": "a"})), labelled(json!({"app": "a", "rs": "b"})));
        assert!(is_deleted_by(&pod, Some(&plain), Some(&adopted)));
        assert!(is_deleted_by(&pod, Some(&adopted), Some(&plain)), "its controller makes another");
        let replica_set = Kind::new("apps/v1", "ReplicaSet");
        assert!(is_deleted_by(&replica_set, Some(&plain), Some(&adopted)), "a Deployment adopts it");
        assert!(!is_deleted_by(&claim, Some(&plain), Some(&adopted)));
        let marked = labelled(json!({"app": "a", "suture.dev/seen": "x"}));
        assert!(!is_deleted_by(&pod, Some(&plain), Some(&marked)));
    }

    #[test]
    fn a_stateful_set_is_scaled_down_by_patch_alone_only_where_its_claims_stay() {
        let set = Kind::new("apps/v1", "StatefulSet");
        let of = |replicas: u64, scaled: &str| {
            json!({"spec": {"replicas": replicas,
                "persistentVolumeClaimRetentionPolicy": {"whenScaled": scaled, "whenDeleted": "Retain"}}})
        };
        let deletes = |before: &Value, after: &Value| is_deleted_by(&set, Some(before), Some(after));
        assert!(!deletes(&of(2, "Retain"), &of(0, "Retain")));
        assert!(deletes(&of(2, "Delete"), &of(0, "Delete")) && !deletes(&of(2, "Delete"), &of(3, "Delete")));
        assert!(deletes(&of(2, "Delete"), &of(0, "Retain")), "the controller may see one after the other");
        let scale = |replicas: u64| json!({"kind": "Scale", "spec": {"replicas": replicas}});
        assert!(deletes(&scale(2), &scale(0)) && !deletes(&scale(0), &scale(2)));
        let starting_at = |first: u64| {
            let mut set = of(2, "Delete");
            set["spec"]["ordinals"] = json!({"start": first});
            set
        };
        assert!(deletes(&starting_at(0), &starting_at(1)), "the first pod goes");
        assert!(deletes(&starting_at(1), &starting_at(0)), "the last pod goes");
        let deployment = Kind::new("apps/v1", "Deployment");
        assert!(!is_deleted_by(&deployment, Some(&scale(2)), Some(&scale(0))), "it has no claims");
    }

    #[test]
    fn an_autoscaler_is_made_led_elsewhere_or_lowered_only_with_the_right_to_delete() {
        let scaler = Kind::new("autoscaling/v2", "HorizontalPodAutoscaler");
        let of = |name: &str, least: u64, most: u64| {
            json!({"spec": {"scaleTargetRef": {"kind": "StatefulSet", "name": name}, "minReplicas": least,
                "maxReplicas": most}})
        };
        let there = of("web", 2, 5);
        let deletes = |after: &Value| is_deleted_by(&scaler, Some(&there), Some(after));
        assert!(deletes(&of("db", 2, 5)) && deletes(&of("web", 1, 5)) && deletes(&of("web", 2, 4)));
        assert!(!deletes(&of("web", 3, 6)));
        assert!(is_deleted_by(&scaler, None, Some(&there)), "what it scales was there before it");
    }

    #[test]
    fn what_a_controller_has_seen_is_feigned_only_where_a_grant_says_so() {
        let with = |status: Value| json!({"status": status});
        let feigned = |kind: Kind, after: &Value| status_feigned(&kind, Some(&with(json!({}))), Some(after));
        let moved = with(json!({"podIPs": [{"ip": "8.8.8.8"}]}));
        let of_pod = feigned(Kind::new("v1", "Pod"), &moved);
        assert_eq!(of_pod.iter().map(|field| field.spelled.join("/")).collect::<Vec<_>>(), ["status/podIPs"]);
        let failed = with(json!({"conditions": [{"type": "Failed", "status": "True"}]}));
        assert!(!feigned(job(), &failed).is_empty());
        assert!(feigned(Kind::new("volsync.backube/v1alpha1", "ReplicationSource"), &failed).is_empty());
    }

    #[test]
    fn a_toleration_that_ends_is_given_to_a_pod_only_with_the_right_to_delete() {
        let pod = Kind::new("v1", "Pod");
        let of = |tolerations: Value| json!({"spec": {"tolerations": tolerations}});
        let without_end = of(json!([{"key": "a", "effect": "NoExecute"}]));
        let ending = of(json!([{"key": "a", "effect": "NoExecute", "tolerationSeconds": 0}]));
        assert!(is_deleted_by(&pod, Some(&without_end), Some(&ending)));
        assert!(!is_deleted_by(&pod, Some(&ending), Some(&ending)));
        assert!(!is_deleted_by(&pod, Some(&of(json!([]))), Some(&without_end)));
    }
}
