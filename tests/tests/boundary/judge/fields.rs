//! Which fields changed.

use std::collections::BTreeMap;

use anyhow::ensure;
use serde_json::Value;
use suture_core::Grant;

/// The leaves of an object: a list is one, an empty object too.
fn leaves(value: &Value, at: String, found: &mut BTreeMap<String, Value>) {
    match value {
        Value::Object(fields) if !fields.is_empty() => {
            for (name, value) in fields {
                let name = name.replace('~', "~0").replace('/', "~1");
                leaves(value, format!("{at}/{name}"), found);
            }
        }
        Value::Array(items) if !items.is_empty() => {
            for (index, value) in items.iter().enumerate() {
                leaves(value, format!("{at}/{index}"), found);
            }
        }
        Value::Null => {}
        leaf => _ = found.insert(at, leaf.clone()),
    }
}

/// That a change touches no other fields than those that a grant names.
pub(super) fn check(grant: &Grant, before: &Value, after: &Value) -> anyhow::Result<()> {
    let of = |object: &Value| {
        let mut found = BTreeMap::new();
        leaves(object, String::new(), &mut found);
        found
    };
    let (before, after) = (of(before), of(after));
    let allowed: Vec<String> = serde_json::from_value(serde_json::to_value(&grant.fields)?)?;
    let servers = [
        "/metadata/managedFields",
        "/metadata/resourceVersion",
        "/metadata/generation",
        "/metadata/creationTimestamp",
        "/metadata/uid",
        "/metadata/annotations/run.suture.dev",
        "/status",
    ];
    for path in before.keys().chain(after.keys()) {
        if before.get(path) == after.get(path) || servers.iter().any(|own| path.starts_with(own)) {
            continue;
        }
        let covers = |pattern: &String| {
            let (pattern, path): (Vec<_>, Vec<_>) = (pattern.split('/').collect(), path.split('/').collect());
            pattern.len() <= path.len()
                && pattern.iter().zip(&path).all(|(token, name)| *token == "*" || token == name)
        };
        ensure!(allowed.iter().any(covers), "`{path}` changed, and the fields are {allowed:?}");
    }
    Ok(())
}
