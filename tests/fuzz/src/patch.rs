//! Patches.

use serde_json::Value;
use suture_core::effect::{Patch, PatchType, Target};
use suture_core::object::Kind;
use suture_core::{Error, patch};

/// A JSON list: the object, then a patch for it. A patch that is a list is a JSON patch.
///
/// What a patch changed, as [`patch::difference`] has it, leads from one object to the other.
pub fn run(bytes: &[u8]) {
    let Ok([object, body]) = serde_json::from_slice::<[Value; 2]>(bytes) else { return };
    let patch_type = if body.is_array() { PatchType::Json } else { PatchType::Merge };
    patch::is_left_by(&object, &body);
    let Ok(after) = patched(&object, patch_type, body) else { return };
    let mut reached = object.clone();
    if let Some(difference) = patch::difference(&object, &after) {
        json_patch::merge(&mut reached, &difference);
    }
    // A merge patch can't write a null: objects are compared as the API server keeps them.
    assert_eq!(without_nulls(&reached), without_nulls(&after));
}

/// An object as a patch leaves it.
pub(crate) fn patched(object: &Value, patch_type: PatchType, body: Value) -> Result<Value, Error> {
    let kind = Kind::new("v1", "ConfigMap");
    let target = Target { kind, namespace: None, name: String::new(), uid: None, subresource: None };
    patch::apply(object, &Patch { target, patch_type, body, resource_version: None })
}

fn without_nulls(value: &Value) -> Value {
    match value {
        Value::Object(fields) => fields
            .iter()
            .filter(|(_, value)| !value.is_null())
            .map(|(name, value)| (name.clone(), without_nulls(value)))
            .collect(),
        Value::Array(items) => items.iter().map(without_nulls).collect(),
        other => other.clone(),
    }
}
