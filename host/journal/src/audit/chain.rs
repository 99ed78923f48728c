//! How a row is written so that it has one hash, and how it is chained to the row before it.
//!
//! The hash is the SHA-256 of the row as JSON without its `hash`, in the form of RFC 8785: keys in order, no
//! blanks, no escapes but those that JSON needs. The row names the hash of the one before it as `previous`.

use std::collections::BTreeMap;

use serde_json::{Map, Value};
use suture_core::{Digest, Timestamp};

/// The field that is not hashed.
pub(super) const HASH: &str = "hash";

/// A row as it is stored, and its hash.
pub(crate) struct Sealed {
    pub text: String,
    pub hash: Digest,
}

/// Make a row of an act. `previous` is the hash of the row before it, as it is stored.
pub(crate) fn seal(act: &Map<String, Value>, sequence: i64, at: Timestamp, previous: Option<&str>) -> Sealed {
    let mut row = act.clone();
    row.insert("sequence".into(), sequence.into());
    row.insert("at".into(), at.to_string().into());
    if let Some(previous) = previous {
        row.insert("previous".into(), previous.into());
    }
    let text = canonical_object(&row);
    Sealed { hash: Digest::of(text.as_bytes()), text }
}

/// The hash that a row has.
pub(crate) fn sealed_hash(row: &Map<String, Value>) -> Digest {
    let hashed = row.iter().filter(|(name, _)| *name != HASH);
    let hashed: Map<String, Value> = hashed.map(|(name, value)| (name.clone(), value.clone())).collect();
    Digest::of(canonical_object(&hashed).as_bytes())
}

fn canonical_object(object: &Map<String, Value>) -> String {
    // Whatever order a map of JSON has in this build.
    let sorted: BTreeMap<&String, &Value> = object.iter().collect();
    let fields: Vec<String> =
        sorted.into_iter().map(|(name, value)| format!("{}:{}", text(name), canonical(value))).collect();
    format!("{{{}}}", fields.join(","))
}

fn canonical(value: &Value) -> String {
    match value {
        Value::Object(object) => canonical_object(object),
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(canonical).collect();
            format!("[{}]", items.join(","))
        }
        Value::String(string) => text(string),
        // Rows have no other numbers than whole ones.
        Value::Null | Value::Bool(_) | Value::Number(_) => value.to_string(),
    }
}

fn text(text: &str) -> String {
    Value::from(text).to_string()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn object(value: Value) -> Map<String, Value> {
        value.as_object().unwrap().clone()
    }

    #[test]
    fn a_row_is_written_as_rfc_8785_has_it() {
        let row =
            object(json!({"b": "\u{20ac}$\u{f}\nA'B\"\\\\\"/", "a": {"d": [1, true, null], "c": "\u{7f}"}}));
        let expected = "{\"a\":{\"c\":\"\u{7f}\",\"d\":[1,true,null]},\"b\":\"\u{20ac}$\\u000f\\nA'B\\\"\\\\\\\\\\\"/\"}";
        assert_eq!(canonical_object(&row), expected);
    }

    #[test]
    fn the_hash_is_what_any_tool_computes_of_the_row() {
        // printf '%s' '{…}' | sha256sum
        let at = "2026-11-22T04:10:00Z".parse().unwrap();
        let first = seal(&object(json!({"who": "alice", "what": "pause"})), 1, at, None);
        assert_eq!(first.text, r#"{"at":"2026-11-22T04:10:00Z","sequence":1,"what":"pause","who":"alice"}"#);
        assert_eq!(first.hash, Digest::of(first.text.as_bytes()));
        let second = seal(&object(json!({"who": "bob"})), 2, at, Some(&first.hash.to_string()));
        assert!(second.text.contains(&format!("\"previous\":\"{}\"", first.hash)));
        let mut shown = object(serde_json::from_str(&second.text).unwrap());
        shown.insert("hash".into(), "whatever it says".into());
        assert_eq!(sealed_hash(&shown), second.hash);
    }
}
