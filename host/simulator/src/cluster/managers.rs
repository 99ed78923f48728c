//! `metadata.managedFields`: who wrote which field last. It is kept of those objects of a
//! fixture that have it, and shows no times. Whoever writes it by hand (a reaction) says it as
//! it is.

use serde_json::{Map, Value, json};

use super::fields::{self, Changed, Part};
use super::shape::Shape;

/// A manager has changed an object: what it wrote is its own, and nobody else's.
pub fn note(shape: Shape<'_>, before: &Value, after: &mut Value, manager: &str, subresource: Option<&str>) {
    let Some(managed) = before.pointer("/metadata/managedFields").and_then(Value::as_array) else { return };
    if after.pointer("/metadata/managedFields") != before.pointer("/metadata/managedFields") {
        return;
    }
    let Changed { set, gone } = fields::changes(shape, before, after);
    if set.is_empty() && gone.is_empty() {
        return;
    }
    let mut managed = managed.clone();
    for entry in &mut managed {
        let Some(owned) = entry.get_mut("fieldsV1") else { continue };
        set.iter().chain(&gone).for_each(|path| _ = take(owned, path));
    }
    let is_own = |entry: &Value| {
        entry["manager"] == manager
            && entry["operation"] == "Update"
            && entry.get("subresource").and_then(Value::as_str) == subresource
    };
    if !set.is_empty() {
        if !managed.iter().any(is_own) {
            let mut entry = json!({"manager": manager, "operation": "Update", "fieldsType": "FieldsV1",
                "apiVersion": after.get("apiVersion"), "fieldsV1": {}});
            if let Some(subresource) = subresource {
                entry["subresource"] = subresource.into();
            }
            managed.push(entry);
        }
        if let Some(owned) = managed.iter_mut().find(|entry| is_own(entry)) {
            set.iter().for_each(|path| give(&mut owned["fieldsV1"], path));
        }
    }
    let owns = |entry: &Value| entry["fieldsV1"].as_object().is_some_and(|fields| !fields.is_empty());
    managed.retain(owns);
    super::rules::set(after, "managedFields", Some(managed.into()));
}

fn name(part: &Part) -> String {
    match part {
        Part::Field(name) => format!("f:{name}"),
        Part::Item(key) => format!("k:{key}"),
    }
}

fn give(fields: &mut Value, path: &[Part]) {
    let Some((part, rest)) = path.split_first() else { return };
    let Some(fields) = fields.as_object_mut() else { return };
    give(fields.entry(name(part)).or_insert_with(|| Map::new().into()), rest);
}

/// Take a field away, and what is empty without it. Says whether nothing is left.
fn take(fields: &mut Value, path: &[Part]) -> bool {
    let Some(owned) = fields.as_object_mut() else { return false };
    let Some((part, rest)) = path.split_first() else { return true };
    let name = name(part);
    if owned.get_mut(&name).is_some_and(|below| take(below, rest)) {
        owned.remove(&name);
        return owned.keys().all(|key| key == ".");
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(unlock: &str, managed: Value) -> Value {
        json!({"apiVersion": "x/v1", "kind": "X", "metadata": {"name": "x", "managedFields": managed},
            "spec": {"unlock": unlock}})
    }

    #[test]
    fn who_writes_a_field_takes_it_from_who_had_it() {
        let unlock = json!({"f:spec": {"f:unlock": {}}});
        let managed = json!([{"manager": "argocd", "operation": "Apply", "fieldsV1": unlock}]);
        let (before, mut after) = (source("a", managed.clone()), source("b", managed));
        note(Shape::of(None, true), &before, &mut after, "suture-x", None);
        let managed = &after["metadata"]["managedFields"];
        assert_eq!(managed.as_array().map(Vec::len), Some(1), "{managed}");
        assert_eq!((&managed[0]["manager"], &managed[0]["fieldsV1"]), (&json!("suture-x"), &unlock));
    }

    #[test]
    fn nothing_is_kept_of_an_object_that_began_without() {
        let (before, mut after) = (source("a", Value::Null), source("b", Value::Null));
        note(Shape::of(None, true), &before, &mut after, "m", None);
        assert_eq!(after, source("b", Value::Null));
    }
}
