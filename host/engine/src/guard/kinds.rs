//! Changes by which a policy could give itself, or others, more than any grant says.

use serde_json::Value;
use suture_core::object::{Kind, is_own_annotation};
use suture_core::{Mutation, names};

/// Subresources that a change may be of; every other gives more than a grant says: tokens,
/// commands in containers, connections, a node for a pod.
const CHANGED: [&str; 2] = ["status", "scale"];
/// Subresources that are read.
const READ: [&str; 3] = ["status", "scale", "log"];

/// Whether a policy may use a subresource at all.
pub(super) fn subresource_is_usable(subresource: &str, mutation: Option<&Mutation>) -> bool {
    match mutation {
        None => READ.contains(&subresource),
        Some(Mutation::Create(_)) => subresource == "eviction",
        Some(Mutation::Patch(_) | Mutation::Apply(_) | Mutation::Delete(_)) => CHANGED.contains(&subresource),
    }
}

/// That a change of a Namespace leaves its labels and annotations alone: they choose who may do
/// what in it (Pod Security admission, the `namespaceSelector` of grants, many an operator).
pub(super) fn check_namespace(
    kind: &Kind,
    before: Option<&Value>,
    after: Option<&Value>,
) -> Result<(), String> {
    if !(kind.group().is_empty() && kind.kind == "Namespace") {
        return Ok(());
    }
    let Some(after) = after else { return Ok(()) };
    let part = |object: &Value, pointer: &str| {
        object.pointer(pointer).and_then(Value::as_object).cloned().unwrap_or_default()
    };
    let said = |object: &Value| {
        let mut annotations = part(object, "/metadata/annotations");
        // The host's own marks say nothing to others. Of labels none is exempt: a grant's
        // `namespaceSelector` may ask for any.
        annotations.retain(|key, _| !is_own_annotation(key));
        [part(object, "/metadata/labels"), annotations]
    };
    match before {
        None => Err("no policy may make a Namespace".to_owned()),
        Some(before) if said(before) != said(after) => Err(format!(
            "the labels and annotations of Namespace `{}` say who may do what in it; no policy may change them",
            names::shortened(suture_core::object::name(after).unwrap_or_default())
        )),
        Some(_) => Ok(()),
    }
}

/// That a change leaves the owners of an object alone: one whose owner is not there is deleted
/// by the garbage collector, and to change is not to delete.
pub(super) fn check_owners(before: Option<&Value>, after: Option<&Value>) -> Result<(), String> {
    let (Some(before), Some(after)) = (before, after) else { return Ok(()) };
    let owners = |object: &Value| {
        object.pointer("/metadata/ownerReferences").and_then(Value::as_array).cloned().unwrap_or_default()
    };
    if owners(before) == owners(after) {
        return Ok(());
    }
    Err("`metadata.ownerReferences` say with whom an object is deleted; no policy may change them".to_owned())
}

/// That nothing is made that takes pods of others for its own, and deletes those that are too
/// many.
pub(super) fn check_adoption(
    kind: &Kind,
    before: Option<&Value>,
    after: Option<&Value>,
) -> Result<(), String> {
    if before.is_some() || after.is_none() {
        return Ok(());
    }
    match (kind.group(), kind.kind.as_str()) {
        ("apps", "ReplicaSet") | ("", "ReplicationController") => Err(format!(
            "a {} takes whatever pods have its labels, and deletes those that are too many; make a Deployment",
            kind.kind
        )),
        _ => Ok(()),
    }
}

/// That a Job takes no pods of others for its own.
pub(super) fn check_job(kind: &Kind, before: Option<&Value>, after: Option<&Value>) -> Result<(), String> {
    let (None, Some(after)) = (before, after) else { return Ok(()) };
    let says = |field: &str| {
        after
            .get("spec")
            .and_then(|spec| spec.get(field))
            .is_some_and(|value| !matches!(value, Value::Null | Value::Bool(false)))
    };
    if kind.group() == "batch" && kind.kind == "Job" && (says("manualSelector") || says("selector")) {
        return Err("a Job that chooses its pods itself (`manualSelector`, `selector`) could take those of others; no policy may make one".to_owned());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn owners_are_left_alone_and_nothing_is_made_that_adopts_pods() {
        let owned = |uid: &str| json!({"metadata": {"ownerReferences": [{"uid": uid}]}});
        let plain = json!({"metadata": {"ownerReferences": []}});
        assert!(check_owners(Some(&plain), Some(&owned("gone"))).is_err());
        assert!(check_owners(Some(&owned("a")), Some(&json!({"metadata": {}}))).is_err());
        assert_eq!(check_owners(Some(&plain), Some(&json!({"metadata": {}}))), Ok(()));
        assert_eq!(check_owners(None, Some(&owned("a"))), Ok(()), "what is made may go with another");
        assert_eq!(check_owners(Some(&owned("a")), None), Ok(()));
        for (version, kind) in [("apps/v1", "ReplicaSet"), ("v1", "ReplicationController")] {
            let kind = Kind::new(version, kind);
            assert!(check_adoption(&kind, None, Some(&plain)).is_err());
            assert_eq!(check_adoption(&kind, Some(&plain), Some(&plain)), Ok(()));
        }
    }

    #[test]
    fn what_a_namespace_says_of_itself_is_out_of_reach_and_the_rest_of_it_is_not() {
        let namespace = Kind::new("v1", "Namespace");
        let of = |metadata: Value| json!({"metadata": metadata, "spec": {}});
        let plain = of(json!({"name": "media"}));
        let said = of(json!({"name": "media", "labels": {"a": "b"}, "annotations": {"c": "d"}}));
        let check = |before: &Value, after: &Value| check_namespace(&namespace, Some(before), Some(after));
        for (before, after) in [
            (
                &plain,
                of(json!({"name": "media", "labels": {"pod-security.kubernetes.io/enforce": "privileged"}})),
            ),
            (
                &plain,
                of(
                    json!({"name": "media", "annotations": {"scheduler.alpha.kubernetes.io/node-selector": "x=y"}}),
                ),
            ),
            (&said, of(json!({"name": "media", "labels": {"a": "b"}, "annotations": {"c": "e"}}))),
            (&said, of(json!({"name": "media", "labels": {"a": "b"}}))),
            (&said, of(json!({"name": "media", "labels": {}, "annotations": {"c": "d"}}))),
        ] {
            let refused = check(before, &after).unwrap_err();
            assert!(refused.contains("labels and annotations of Namespace `media`"), "{refused}");
        }
        assert_eq!(check(&plain, &of(json!({"name": "media", "labels": {}, "finalizers": ["x"]}))), Ok(()));
        assert_eq!(check_namespace(&namespace, Some(&said), None), Ok(()), "it is deleted");
        assert!(check_namespace(&namespace, None, Some(&plain)).is_err(), "none is made");
        let other = Kind::new("v1", "ConfigMap");
        assert_eq!(check_namespace(&other, Some(&plain), Some(&said)), Ok(()));
    }
}
