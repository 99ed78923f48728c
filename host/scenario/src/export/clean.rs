//! Objects without what only the API server writes, and without anything secret.

use std::sync::Arc;

use serde_json::{Map, Value};
use suture_core::Timestamp;
use suture_core::clock::kubernetes_time;
use suture_core::object::{is_terminating, redact};

/// Of the metadata, what the API server writes by itself.
const SERVERS: [&str; 8] = [
    "uid",
    "resourceVersion",
    "generation",
    "managedFields",
    "creationTimestamp",
    "deletionTimestamp",
    "deletionGracePeriodSeconds",
    "selfLink",
];
/// kubectl keeps the whole object there, values of Secrets included.
pub(super) const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";
/// Where a host that applies marks its last step: the name of its policy is in it.
const APPLY_MARK: &str = "run.suture.dev/";

/// Holds what is being deleted where a real cluster takes its time without any finalizer: a pod
/// that ends gracefully.
const LINGERS: &str = "suture.dev/lingers";

fn metadata(object: &mut Value) -> Option<&mut Map<String, Value>> {
    object.get_mut("metadata")?.as_object_mut()
}

/// An object without secrets.
pub(super) fn redacted(object: &Value) -> Value {
    let mut object = Value::clone(&redact(Arc::new(object.clone())));
    if let Some(metadata) = metadata(&mut object) {
        if let Some(annotations) = metadata.get_mut("annotations").and_then(Value::as_object_mut) {
            annotations.remove(LAST_APPLIED);
            annotations.retain(|key, _| !key.starts_with(APPLY_MARK));
        }
        for field in ["annotations", "labels", "finalizers", "ownerReferences"] {
            let is_empty = metadata.get(field).is_some_and(|value| {
                value.is_null()
                    || value.as_object().is_some_and(Map::is_empty)
                    || value.as_array().is_some_and(Vec::is_empty)
            });
            if is_empty {
                metadata.remove(field);
            }
        }
    }
    object
}

/// An object as two are compared: without what the API server writes.
pub(super) fn comparable(object: &Value, only_metadata: bool) -> Value {
    let mut object = redacted(object);
    if let Some(metadata) = metadata(&mut object) {
        SERVERS.iter().for_each(|field| _ = metadata.remove(*field));
        for owner in metadata.get_mut("ownerReferences").and_then(Value::as_array_mut).into_iter().flatten() {
            if let Some(owner) = owner.as_object_mut() {
                owner.remove("uid");
            }
        }
    }
    let holders = object.pointer_mut("/metadata/finalizers").and_then(Value::as_array_mut);
    let is_held_by_it_alone = holders.is_some_and(|finalizers| {
        finalizers.retain(|finalizer| finalizer != LINGERS);
        finalizers.is_empty()
    });
    if is_held_by_it_alone && let Some(metadata) = metadata(&mut object) {
        metadata.remove("finalizers");
    }
    if only_metadata && let Some(fields) = object.as_object_mut() {
        fields.retain(|field, _| matches!(field.as_str(), "apiVersion" | "kind" | "metadata"));
    }
    object
}

/// Who owns the fields of an object, but those of its status, where the record shows it.
pub(super) fn managers(object: &Value) -> Option<Vec<Value>> {
    let managed = object.pointer("/metadata/managedFields")?.as_array()?;
    let of_object = managed.iter().filter(|entry| entry.get("subresource").is_none());
    Some(of_object.cloned().collect()).filter(|managed: &Vec<_>| !managed.is_empty())
}

/// The same as two are compared: without times, which the simulated cluster does not write.
pub(super) fn timeless(managers: Option<Vec<Value>>) -> Option<Vec<Value>> {
    let mut managers = managers?;
    managers.iter_mut().filter_map(Value::as_object_mut).for_each(|entry| _ = entry.remove("time"));
    Some(managers)
}

/// An object as a fixture begins with it.
pub(super) fn as_given(object: &Value, now: Timestamp, keeps_uid: impl Fn(&str) -> bool) -> Value {
    let managers = managers(object);
    let mut object = redacted(object);
    let Some(metadata) = metadata(&mut object) else { return object };
    for field in ["resourceVersion", "selfLink", "deletionGracePeriodSeconds"] {
        metadata.remove(field);
    }
    metadata.extend(managers.map(|managers| ("managedFields".to_owned(), managers.into())));
    let is =
        |metadata: &Map<String, Value>, field: &str, default: &Value| metadata.get(field) == Some(default);
    if is(metadata, "creationTimestamp", &kubernetes_time(now).into()) {
        metadata.remove("creationTimestamp");
    }
    if is(metadata, "generation", &1.into()) {
        metadata.remove("generation");
    }
    if metadata.get("uid").and_then(Value::as_str).is_none_or(|uid| !keeps_uid(uid)) {
        metadata.remove("uid");
    }
    if is_terminating(&object) {
        linger(&mut object);
    }
    object
}

/// Let an object stay for a while when it is deleted, as real ones do.
pub(super) fn linger(object: &mut Value) {
    let Some(metadata) = metadata(object) else { return };
    let finalizers = metadata.get("finalizers").and_then(Value::as_array);
    if finalizers.is_none_or(Vec::is_empty) {
        metadata.insert("finalizers".to_owned(), Value::Array(vec![LINGERS.into()]));
    }
}

/// An object as somebody makes it in the middle.
pub(super) fn as_made(shown: &Value) -> Value {
    let mut object = redacted(shown);
    if let Some(metadata) = metadata(&mut object) {
        SERVERS.iter().for_each(|field| _ = metadata.remove(*field));
    }
    if is_terminating(shown) {
        linger(&mut object);
    }
    object
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn neither_values_of_secrets_nor_what_kubectl_remembers_are_left() {
        let secret = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s", "namespace": "media",
            "annotations": {LAST_APPLIED: "hunter2"}}, "data": {"key": "aHVudGVyMg=="}, "stringData": {"b": "hunter2"}});
        let config = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c", "namespace": "media",
            "annotations": {LAST_APPLIED: "hunter2", "kept": "x"}}, "data": {}});
        for clean in [redacted, as_made, |object: &Value| as_given(object, Timestamp::UNIX_EPOCH, |_| true)] {
            let text = format!("{}{}", clean(&secret), clean(&config));
            assert!(!text.contains("hunter2") && !text.contains("aHVudGVyMg"), "{text}");
            assert!(text.contains("\"key\"") && text.contains("\"kept\""), "{text}");
        }
    }

    #[test]
    fn what_is_being_deleted_without_a_finalizer_is_held_and_nobody_compares_by_what() {
        let pod = json!({"apiVersion": "v1", "kind": "Pod",
            "metadata": {"name": "p", "namespace": "media", "deletionTimestamp": "2026-11-22T04:00:00Z"}});
        let given = as_given(&pod, Timestamp::UNIX_EPOCH, |_| false);
        assert_eq!(given["metadata"]["finalizers"], json!([LINGERS]));
        assert_eq!(as_made(&pod)["metadata"]["finalizers"], json!([LINGERS]));
        assert_eq!(comparable(&given, false), comparable(&pod, false));
        let mut own = pod;
        own["metadata"]["finalizers"] = json!(["a.b/c"]);
        assert_eq!(
            as_given(&own, Timestamp::UNIX_EPOCH, |_| false)["metadata"]["finalizers"],
            json!(["a.b/c"])
        );
    }

    #[test]
    fn what_a_fixture_fills_in_by_itself_is_left_out() {
        let now: Timestamp = "2026-11-22T04:10:00Z".parse().unwrap();
        let object = |created: &str, generation: u32| {
            json!({"metadata": {"name": "a", "uid": "u", "resourceVersion": "7", "creationTimestamp": created,
                "generation": generation, "managedFields": []}})
        };
        let fresh = as_given(&object("2026-11-22T04:10:00Z", 1), now, |_| false);
        assert_eq!(fresh, json!({"metadata": {"name": "a"}}));
        let old = as_given(&object("2026-11-20T04:10:00Z", 4), now, |uid| uid == "u");
        assert_eq!(
            old,
            json!({"metadata": {"name": "a", "uid": "u", "creationTimestamp": "2026-11-20T04:10:00Z", "generation": 4}})
        );
    }
}
