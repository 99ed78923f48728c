//! What a patch does to an object: pure functions that the simulated cluster, the
//! guard and observe mode share.

mod outcome;

use json_patch::{AddOperation, PatchOperation};
use serde_json::Value;

pub use outcome::is_left_by;

use crate::effect::{Patch, PatchType};
use crate::error::{Error, Reason};

/// The object as a patch leaves it. Server-owned fields are the caller's business.
///
/// As the API server does it, which is not quite as RFC 6902 says: `replace` also sets a
/// field that is not there, and a `test` for null holds for one that is not there.
///
/// # Errors
/// `Invalid` where a JSON patch's `test` fails, a path is not there, or an operation is
/// none (as the API server answers, 422); `BadRequest` where the patch as a whole is
/// malformed.
pub fn apply(object: &Value, patch: &Patch) -> Result<Value, Error> {
    let mut patched = object.clone();
    match patch.patch_type {
        PatchType::Merge => {
            if !patch.body.is_object() {
                return Err(Error::new(Reason::BAD_REQUEST, "a merge patch must be a JSON object"));
            }
            json_patch::merge(&mut patched, &patch.body);
        }
        PatchType::Json => {
            let operations = patch.body.as_array().ok_or_else(|| {
                Error::new(Reason::BAD_REQUEST, "a JSON patch must be a list of operations")
            })?;
            let mut copied = 0;
            for (index, operation) in operations.iter().enumerate() {
                let invalid = |error: &dyn std::fmt::Display| {
                    let message = format!("operation {index} of the JSON patch does not apply: {error}");
                    Error::new(Reason::INVALID, message)
                };
                let operation: PatchOperation =
                    serde_json::from_value(operation.clone()).map_err(|error| invalid(&error))?;
                copied += size_of_copy(&patched, &operation);
                if copied > MAX_COPIED {
                    return Err(invalid(&format!("what is copied has more than {MAX_COPIED} bytes")));
                }
                perform(&mut patched, operation).map_err(|error| invalid(&error))?;
            }
        }
    }
    Ok(patched)
}

/// The most that the copies of a JSON patch may add up to, in bytes, as the API server allows
/// (`AccumulatedCopySizeLimit`, its limit of a request's body): an object that is copied into
/// itself doubles each time.
const MAX_COPIED: usize = 3 << 20;

/// How much an operation copies, in bytes of JSON.
fn size_of_copy(object: &Value, operation: &PatchOperation) -> usize {
    let PatchOperation::Copy(copy) = operation else { return 0 };
    object.pointer(copy.from.as_str()).map_or(0, |copied| copied.to_string().len())
}

fn perform(object: &mut Value, operation: PatchOperation) -> Result<(), json_patch::PatchError> {
    let operation = match operation {
        PatchOperation::Replace(replace) if is_new_field(object, &replace.path) => {
            PatchOperation::Add(AddOperation { path: replace.path, value: replace.value })
        }
        PatchOperation::Test(test) if test.value.is_null() && is_new_field(object, &test.path) => {
            return Ok(());
        }
        other => other,
    };
    json_patch::patch(object, &[operation])
}

/// Whether a path leads to a field that an object, which is there, does not have.
fn is_new_field(object: &Value, path: &json_patch::jsonptr::Pointer) -> bool {
    let holder = path.parent().and_then(|parent| object.pointer(parent.as_str()));
    holder.is_some_and(Value::is_object) && object.pointer(path.as_str()).is_none()
}

/// The merge patch (RFC 7386) that leads from one value to another: what changed,
/// whatever the patch was written as. `None` where nothing did.
pub fn difference(before: &Value, after: &Value) -> Option<Value> {
    let (Value::Object(old), Value::Object(new)) = (before, after) else {
        return (before != after).then(|| after.clone());
    };
    let mut changes = serde_json::Map::new();
    for key in old.keys().filter(|key| !new.contains_key(*key)) {
        changes.insert(key.clone(), Value::Null);
    }
    for (key, value) in new {
        let change = match old.get(key) {
            Some(previous) => difference(previous, value),
            None => Some(value.clone()),
        };
        if let Some(change) = change {
            changes.insert(key.clone(), change);
        }
    }
    (!changes.is_empty()).then_some(Value::Object(changes))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_json_patch_replaces_and_tests_what_is_not_there_as_the_api_server_does() {
        let patched = |operations| {
            let kind = crate::object::Kind::new("v1", "ConfigMap");
            let target = crate::effect::Target {
                kind,
                namespace: None,
                name: String::new(),
                uid: None,
                subresource: None,
            };
            let patch =
                Patch { target, patch_type: PatchType::Json, body: operations, resource_version: None };
            apply(&json!({"data": {"a": "1"}, "list": []}), &patch).map_err(|error| error.reason)
        };
        let replaced = patched(json!([{"op": "replace", "path": "/data/b", "value": "2"}])).unwrap();
        assert_eq!(replaced["data"], json!({"a": "1", "b": "2"}));
        assert!(patched(json!([{"op": "test", "path": "/data/b", "value": null}])).is_ok());
        for wrong in [
            json!([{"op": "replace", "path": "/none/b", "value": "2"}]),
            json!([{"op": "replace", "path": "/list/0", "value": "2"}]),
            json!([{"op": "test", "path": "/data/b", "value": "2"}]),
            json!([{"op": "remove", "path": "/data/b"}]),
            json!([{"op": "frob", "path": "/data/a"}]),
            json!([7]),
        ] {
            assert_eq!(patched(wrong.clone()), Err(Reason::INVALID), "{wrong}");
        }
        assert_eq!(patched(json!({})), Err(Reason::BAD_REQUEST));
    }

    #[test]
    fn the_difference_is_the_merge_patch_between_two_objects() {
        let before = json!({"a": 1, "b": {"c": 2, "d": [1]}, "gone": true});
        let after = json!({"a": 1, "b": {"c": 3, "d": [1, 2]}, "new": {}});
        let patch = difference(&before, &after).unwrap();
        assert_eq!(patch, json!({"b": {"c": 3, "d": [1, 2]}, "gone": null, "new": {}}));
        let mut merged = before.clone();
        json_patch::merge(&mut merged, &patch);
        assert_eq!(merged, after);
        assert_eq!(difference(&after, &after), None);
    }
}
