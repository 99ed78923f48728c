//! How deeply JSON is nested.
//!
//! What is on record must be readable again, and readers stop somewhere (serde_json at 128
//! levels, its own envelope included). So what crosses into the host is nested at most
//! [`MAX_NESTING`] deep.

use serde_json::Value;

/// The most levels of arrays and objects that a document has on its way into the journal.
pub const MAX_NESTING: usize = 100;

/// How many levels of arrays and objects a document has: 0 for a number, 1 for `{}`.
pub fn nesting(value: &Value) -> usize {
    let mut deepest = 0;
    // By hand: what is measured may be too deep for recursion.
    let mut left = vec![(value, 1)];
    while let Some((value, level)) = left.pop() {
        match value {
            Value::Array(items) => left.extend(items.iter().map(|item| (item, level + 1))),
            Value::Object(fields) => left.extend(fields.values().map(|field| (field, level + 1))),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => continue,
        }
        deepest = deepest.max(level);
    }
    deepest
}

/// Whether a document is nested no deeper than may be recorded.
pub fn is_recordable(value: &Value) -> bool {
    nesting(value) <= MAX_NESTING
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn levels_are_those_of_arrays_and_objects() {
        for (value, levels) in
            [(json!(1), 0), (json!({}), 1), (json!([]), 1), (json!({"a": [1, {"b": 2}]}), 3)]
        {
            assert_eq!(nesting(&value), levels, "{value}");
        }
    }

    #[test]
    fn what_is_too_deep_for_recursion_is_measured() {
        let deep = (0..10_000).fold(json!(1), |inner, _| Value::Array(vec![inner]));
        assert_eq!(nesting(&deep), 10_000);
        // Dropping it recurses.
        std::mem::forget(deep);
    }
}
