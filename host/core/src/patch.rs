//! What a patch does to an object: pure functions that the simulated cluster, the
//! guard and observe mode share.

use serde_json::Value;

use crate::effect::{Patch, PatchType};
use crate::error::{Error, Reason};

/// The object as a patch leaves it. Server-owned fields are the caller's business.
///
/// # Errors
/// `Invalid` where a JSON patch's `test` fails or a path is not there (as the API
/// server answers, 422), `BadRequest` where the patch itself is malformed.
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
            let operations: json_patch::Patch =
                serde_json::from_value(patch.body.clone()).map_err(|error| {
                    Error::new(Reason::BAD_REQUEST, format!("this is no JSON patch: {error}"))
                })?;
            json_patch::patch(&mut patched, &operations).map_err(|error| {
                Error::new(Reason::INVALID, format!("the JSON patch does not apply: {error}"))
            })?;
        }
    }
    Ok(patched)
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
