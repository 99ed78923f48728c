//! The operations of a JSON patch (RFC 6902).

use serde_json::{Value, json};

/// Go on only if this is the value at the pointer.
pub fn test(pointer: &str, value: impl Into<Value>) -> Value {
    json!({"op": "test", "path": pointer, "value": value.into()})
}

/// Add a value, or replace the one that is there.
pub fn add(pointer: &str, value: impl Into<Value>) -> Value {
    json!({"op": "add", "path": pointer, "value": value.into()})
}

/// Replace the value that is there.
pub fn replace(pointer: &str, value: impl Into<Value>) -> Value {
    json!({"op": "replace", "path": pointer, "value": value.into()})
}

/// Remove the value that is there.
pub fn remove(pointer: &str) -> Value {
    json!({"op": "remove", "path": pointer})
}
