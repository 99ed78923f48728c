//! Secrets: their values never cross to a policy, and none is written by one.
//!
//! Not only reads tell a value. A patch that copies it into an annotation does, a `test` or a
//! wait that holds or not, an error of the API server that quotes it; and kubectl keeps the
//! whole object, values included, in an annotation.

use std::sync::Arc;

use serde_json::Value;
use suture_core::effect::{Page, Patch, PatchType, Predicate, Waited};
use suture_core::object::{Kind, Object, is_own_annotation, redact};
use suture_core::{Effect, Error, Fault, Mutation, Reply};

/// Parts of `metadata` that a policy may write, and test.
const OPEN: [&str; 3] = ["labels", "annotations", "finalizers"];

/// Check what a policy would do to a Secret, before the API server is asked anything.
pub(super) fn check_change(mutation: &Mutation) -> Result<(), String> {
    match mutation {
        Mutation::Create(_) | Mutation::Apply(_) => {
            Err("no policy may make or apply a Secret: its values would stand in the journal".to_owned())
        }
        Mutation::Delete(_) => Ok(()),
        Mutation::Patch(Patch { patch_type: PatchType::Merge, body, .. }) => check_merge(body),
        Mutation::Patch(Patch { patch_type: PatchType::Json, body, .. }) => {
            body.as_array().into_iter().flatten().try_for_each(check_operation)
        }
    }
}

fn check_merge(body: &Value) -> Result<(), String> {
    for (field, value) in body.as_object().into_iter().flatten() {
        match (field.as_str(), value) {
            ("kind" | "apiVersion", _) => {}
            ("metadata", Value::Object(metadata)) => {
                if let Some(field) =
                    metadata.keys().find(|field| !OPEN.contains(&field.as_str()) && !is_name(field))
                {
                    return Err(not_open(&format!("/metadata/{field}")));
                }
            }
            (field, _) => return Err(not_open(&format!("/{field}"))),
        }
    }
    Ok(())
}

fn is_name(field: &str) -> bool {
    matches!(field, "name" | "namespace")
}

fn check_operation(operation: &Value) -> Result<(), String> {
    let text = |field: &str| operation.get(field).and_then(Value::as_str).unwrap_or_default();
    match text("op") {
        "add" | "replace" | "remove" if is_open(text("path")) => Ok(()),
        "test" => check_test(text("path")),
        "copy" | "move" => {
            Err("a patch of a Secret may not copy or move: what it takes could be a value".to_owned())
        }
        _ => Err(not_open(text("path"))),
    }
}

fn not_open(pointer: &str) -> String {
    format!(
        "of a Secret a policy may change labels, annotations and finalizers, and not `{}`",
        suture_core::names::shortened(pointer)
    )
}

/// Whether a pointer leads into what is open of a Secret.
fn is_open(pointer: &str) -> bool {
    OPEN.iter().any(|field| {
        let rest = pointer.strip_prefix("/metadata/").and_then(|rest| rest.strip_prefix(field));
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    })
}

/// That a test tells nothing of a value: its answer is one bit, and it can be asked again.
fn check_test(pointer: &str) -> Result<(), String> {
    const IDENTITY: [&str; 8] = [
        "/apiVersion",
        "/kind",
        "/metadata/name",
        "/metadata/namespace",
        "/metadata/uid",
        "/metadata/resourceVersion",
        "/metadata/deletionTimestamp",
        "/metadata/ownerReferences",
    ];
    // Many tools keep the whole object in an annotation of their own, as kubectl does.
    let is_of_annotations = pointer.starts_with("/metadata/annotations");
    let annotation = pointer.strip_prefix("/metadata/annotations/");
    let is_own = annotation.is_some_and(|key| is_own_annotation(&key.replace("~1", "/").replace("~0", "~")));
    if IDENTITY.contains(&pointer) || is_own || (is_open(pointer) && !is_of_annotations) {
        return Ok(());
    }
    Err(format!(
        "of a Secret only what it is called, and single labels, finalizers and ownerReferences can be tested, \
         and not `{}`",
        suture_core::names::shortened(pointer)
    ))
}

/// Check what a policy would wait for on a Secret.
pub(super) fn check_wait(until: &Predicate) -> Result<(), String> {
    match until {
        Predicate::Deleted => Ok(()),
        Predicate::All(tests) | Predicate::Any(tests) => {
            tests.iter().try_for_each(|test| check_test(&test.pointer))
        }
    }
}

/// A reply as a policy may see it. What was asked for says what it is: what comes back may
/// not say it, or say otherwise.
pub(super) fn redacted(effect: &Effect, reply: Reply) -> Reply {
    let is_secret = effect.kind().is_some_and(Kind::is_secret);
    let redacted = |object: Object| {
        if is_secret && !says_secret(&object) {
            let mut named = Value::clone(&object);
            if let Some(fields) = named.as_object_mut() {
                fields.insert("apiVersion".to_owned(), "v1".into());
                fields.insert("kind".to_owned(), "Secret".into());
            }
            return redact(Arc::new(named));
        }
        redact(object)
    };
    match reply {
        // One object that is looked at closely says who owns its fields, too.
        Reply::Object(object) if !is_secret && !says_secret(&object) => Reply::Object(object),
        Reply::Object(object) => Reply::Object(redacted(object)),
        Reply::Mutated(object) => Reply::Mutated(redacted(object)),
        Reply::Waited(waited) => Reply::Waited(match waited {
            Waited::Met(object) => Waited::Met(redacted(object)),
            Waited::Deleted => Waited::Deleted,
            Waited::Timeout => Waited::Timeout,
        }),
        Reply::Page(page) => {
            let Page { items, next, resource_version } = page;
            Reply::Page(Page { items: items.into_iter().map(redacted).collect(), next, resource_version })
        }
        other @ (Reply::Settled
        | Reply::Logs(_)
        | Reply::Held
        | Reply::Samples(_)
        | Reply::Series(_)
        | Reply::Alerts(_)
        | Reply::Now(_)
        | Reply::Slept
        | Reply::Noted) => other,
    }
}

fn says_secret(object: &Value) -> bool {
    Kind::of(object).is_some_and(|kind| kind.is_secret())
}

/// An error as a policy may see it: the API server quotes what it refuses.
pub(super) fn covered(effect: &Effect, fault: Fault) -> Fault {
    match fault {
        Fault::Error(error) if effect.is_mutation() && effect.kind().is_some_and(Kind::is_secret) => {
            let message = format!(
                "{}: what the cluster says of it is left out, for it may quote a Secret's value",
                error.reason.as_str()
            );
            Fault::Error(Error { message, ..error })
        }
        other @ (Fault::Error(_) | Fault::Halt(_)) => other,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use suture_core::effect::{Op, Target, Test};

    use super::*;

    fn patch(patch_type: PatchType, body: Value) -> Mutation {
        let target = Target {
            kind: Kind::new("v1", "Secret"),
            namespace: Some("media".into()),
            name: "s".into(),
            uid: None,
            subresource: None,
        };
        Mutation::Patch(Patch { target, patch_type, body, resource_version: None })
    }

    #[test]
    fn no_operation_of_a_json_patch_reaches_a_value() {
        for hostile in [
            json!({"op": "copy", "from": "/data/password", "path": "/metadata/annotations/leak"}),
            json!({"op": "copy", "from": "", "path": "/metadata/annotations/leak"}),
            json!({"op": "move", "from": "/data", "path": "/metadata/labels"}),
            json!({"op": "copy", "from": "/metadata/annotations/kubectl.kubernetes.io~1last-applied-configuration", "path": "/metadata/annotations/a"}),
            json!({"op": "test", "path": "/data/password", "value": "x"}),
            json!({"op": "test", "path": "", "value": {}}),
            json!({"op": "test", "path": "/metadata", "value": {}}),
            json!({"op": "test", "path": "/metadata/annotations", "value": {}}),
            json!({"op": "test", "path": "/metadata/annotations/kubectl.kubernetes.io~1last-applied-configuration", "value": ""}),
            json!({"op": "test", "path": "/metadata/managedFields", "value": []}),
            json!({"op": "replace", "path": "/data/password", "value": "x"}),
            json!({"op": "remove", "path": "/stringData"}),
            json!({"op": "add", "path": "/metadata/labelsx", "value": {}}),
            json!({"op": "add", "path": "/type", "value": "x"}),
        ] {
            assert!(check_change(&patch(PatchType::Json, json!([hostile.clone()]))).is_err(), "{hostile}");
        }
        for fine in [
            json!({"op": "add", "path": "/metadata/annotations/a", "value": "b"}),
            json!({"op": "test", "path": "/metadata/resourceVersion", "value": "7"}),
            json!({"op": "remove", "path": "/metadata/finalizers"}),
        ] {
            assert_eq!(check_change(&patch(PatchType::Json, json!([fine]))), Ok(()));
        }
    }

    #[test]
    fn a_merge_patch_reaches_only_what_is_open() {
        let merge = |body| check_change(&patch(PatchType::Merge, body));
        assert_eq!(merge(json!({"metadata": {"labels": {"a": "b"}}})), Ok(()));
        for hostile in [
            json!({"data": {"a": "b"}}),
            json!({"stringData": null}),
            json!({"type": "x"}),
            json!({"metadata": {"generateName": "x"}}),
        ] {
            assert!(merge(hostile).is_err());
        }
    }

    #[test]
    fn a_wait_can_not_guess() {
        let until = |pointer: &str| {
            let test = Test { pointer: pointer.to_owned(), op: Op::Equals, value: json!("x") };
            check_wait(&Predicate::All(vec![test]))
        };
        assert!(until("/data/password").is_err() && until("").is_err() && until("/stringData").is_err());
        assert!(until("/metadata/annotations").is_err());
        assert!(until("/metadata/labels/a").is_ok() && until("/metadata/annotations/a").is_err());
        assert!(check_wait(&Predicate::Deleted).is_ok());
    }
}
