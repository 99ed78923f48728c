//! The fields of objects: sets of paths, and what can be done with them.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use super::shape::{Listed, Shape, key_of};

/// A step on the way to a field.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    /// A field of an object.
    Field(String),
    /// An item of a list: its keys, or of a set its value, as JSON.
    Item(String),
}

/// The way to a field.
pub type Path = Vec<Part>;

/// Fields that somebody owns. An item of a list is in it itself, beside what it has.
pub type Fields = BTreeSet<Path>;

/// What the server owns, and nobody else.
const SERVERS: [&str; 10] = [
    "name",
    "namespace",
    "uid",
    "resourceVersion",
    "generation",
    "creationTimestamp",
    "deletionTimestamp",
    "deletionGracePeriodSeconds",
    "managedFields",
    "generateName",
];

/// The fields of an object, each with its value.
pub fn of<'a>(shape: Shape<'_>, object: &'a Value) -> BTreeMap<Path, &'a Value> {
    let mut all = BTreeMap::new();
    for (name, value) in object.as_object().into_iter().flatten() {
        match (name.as_str(), value.as_object()) {
            ("apiVersion" | "kind", _) => {}
            ("metadata", Some(metadata)) => {
                let below = shape.field("metadata");
                for (field, value) in metadata.iter().filter(|(field, _)| !SERVERS.contains(&field.as_str()))
                {
                    let path = vec![Part::Field(name.clone()), Part::Field(field.clone())];
                    collect(below.field(field), value, path, &mut all);
                }
            }
            _ => collect(shape.field(name), value, vec![Part::Field(name.clone())], &mut all),
        }
    }
    all
}

fn collect<'a>(shape: Shape<'_>, value: &'a Value, path: Path, all: &mut BTreeMap<Path, &'a Value>) {
    let below = |part: Part| path.iter().cloned().chain([part]).collect::<Path>();
    match (value, keyed(shape, value)) {
        (Value::Object(fields), _) if !fields.is_empty() && !shape.is_atomic() => {
            for (name, value) in fields {
                collect(shape.field(name), value, below(Part::Field(name.clone())), all);
            }
        }
        (_, Some(items)) if !items.is_empty() => {
            for (key, item) in items {
                let path = below(Part::Item(key));
                // The item itself, whose presence is all that is owned.
                all.insert(path.clone(), if item.is_object() { &Value::Null } else { item });
                if item.is_object() {
                    collect(shape.item(), item, path, all);
                }
            }
        }
        _ => _ = all.insert(path, value),
    }
}

/// The items of a list that is a map or a set, with what tells them apart. An item
/// without keys makes the list one piece.
fn keyed<'a>(shape: Shape<'_>, value: &'a Value) -> Option<Vec<(String, &'a Value)>> {
    let items = value.as_array()?;
    match shape.list() {
        Listed::Atomic => None,
        Listed::Set => Some(items.iter().map(|item| (item.to_string(), item)).collect()),
        Listed::Map(keys) => items.iter().map(|item| Some((key_of(item, &keys)?, item))).collect(),
    }
}

/// Whether a list has two items of the same key.
pub fn duplicate(shape: Shape<'_>, value: &Value) -> Option<String> {
    if let Some(items) = keyed(shape, value) {
        let mut seen = BTreeSet::new();
        for (key, item) in items {
            if let Some(found) = duplicate(shape.item(), item) {
                return Some(found);
            }
            if !seen.insert(key.clone()) {
                return Some(key);
            }
        }
        return None;
    }
    value.as_object()?.iter().find_map(|(name, value)| duplicate(shape.field(name), value))
}

/// Lay one value over another.
pub fn merge(shape: Shape<'_>, live: Option<&Value>, over: &Value) -> Value {
    let Some(live) = live else { return over.clone() };
    match (live, over) {
        (Value::Object(old), Value::Object(new)) if !shape.is_atomic() => {
            let mut merged = old.clone();
            for (name, value) in new {
                let value = merge(shape.field(name), old.get(name), value);
                merged.insert(name.clone(), value);
            }
            Value::Object(merged)
        }
        (Value::Array(_), Value::Array(_)) => match (keyed(shape, live), keyed(shape, over)) {
            (Some(old), Some(new)) => {
                let laid = |key: &str| new.iter().find(|(other, _)| other == key).map(|(_, item)| *item);
                let mut items: Vec<Value> = old
                    .iter()
                    .map(|(key, item)| match laid(key) {
                        Some(over) => merge(shape.item(), Some(item), over),
                        None => (*item).clone(),
                    })
                    .collect();
                let is_new = |key: &str| old.iter().all(|(other, _)| other != key);
                items.extend(new.iter().filter(|(key, _)| is_new(key)).map(|(_, item)| (*item).clone()));
                Value::Array(items)
            }
            _ => over.clone(),
        },
        _ => over.clone(),
    }
}

/// Take a field out of an object, and what holds nothing any more without it.
pub fn remove(shape: Shape<'_>, value: &mut Value, path: &[Part]) {
    let Some((part, rest)) = path.split_first() else { return };
    match part {
        Part::Field(name) => {
            let Some(fields) = value.as_object_mut() else { return };
            if rest.is_empty() {
                fields.remove(name);
            } else if let Some(below) = fields.get_mut(name) {
                remove(shape.field(name), below, rest);
                if is_empty(below) && name != "metadata" {
                    fields.remove(name);
                }
            }
        }
        Part::Item(key) => {
            let position =
                keyed(shape, value).and_then(|items| items.iter().position(|(other, _)| other == key));
            let (Some(position), Some(items)) = (position, value.as_array_mut()) else { return };
            if rest.is_empty() {
                items.remove(position);
            } else if let Some(below) = items.get_mut(position) {
                remove(shape.item(), below, rest);
            }
        }
    }
}

fn is_empty(value: &Value) -> bool {
    value.as_object().is_some_and(Map::is_empty) || value.as_array().is_some_and(Vec::is_empty)
}

/// How an object changed: the fields that are new or have another value, and those that
/// are gone.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Changed {
    /// New, or with another value.
    pub set: Fields,
    /// Gone.
    pub gone: Fields,
}

/// How an object changed.
pub fn changes(shape: Shape<'_>, before: &Value, after: &Value) -> Changed {
    let (old, new) = (of(shape, before), of(shape, after));
    let set = new.iter().filter(|(path, value)| old.get(*path) != Some(value)).map(|(path, _)| path.clone());
    let gone = old.keys().filter(|path| !new.contains_key(*path)).cloned();
    Changed { set: set.collect(), gone: gone.collect() }
}

/// A path as people read it: `.data.x`, `.spec.containers[{"name":"main"}].image`.
pub fn shown(path: &Path) -> String {
    let part = |part: &Part| match part {
        Part::Field(name) => format!(".{name}"),
        Part::Item(key) => format!("[{key}]"),
    };
    path.iter().map(part).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn pod() -> Value {
        json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p", "uid": "u", "labels": {"a": "b"},
                "finalizers": ["a.io/x"]},
            "spec": {"nodeSelector": {"a": "b"}, "containers": [{"name": "main", "args": ["x"]}]}})
    }

    fn paths(object: &Value) -> Vec<String> {
        of(Shape::of(None, true), object).keys().map(shown).collect()
    }

    #[test]
    fn fields_are_leaves_and_items_of_maps_and_sets() {
        let expected = [
            ".metadata.finalizers[\"a.io/x\"]",
            ".metadata.labels.a",
            ".spec.containers[{\"name\":\"main\"}]",
            ".spec.containers[{\"name\":\"main\"}].args",
            ".spec.containers[{\"name\":\"main\"}].name",
            ".spec.nodeSelector",
        ];
        assert_eq!(paths(&pod()), expected);
        assert_eq!(paths(&json!({"data": {}, "list": []})), [".data", ".list"]);
    }

    #[test]
    fn laying_over_keeps_the_rest_and_the_order() {
        let shape = Shape::of(None, true);
        let over = json!({"spec": {"nodeSelector": {"c": "d"}, "containers": [
            {"name": "side"}, {"name": "main", "args": ["y"], "image": "i"}]}});
        let merged = merge(shape, Some(&pod()), &over);
        assert_eq!(merged["spec"]["nodeSelector"], json!({"c": "d"}));
        let containers = json!([{"name": "main", "args": ["y"], "image": "i"}, {"name": "side"}]);
        assert_eq!(merged["spec"]["containers"], containers);
        let changed = changes(shape, &pod(), &merged);
        assert_eq!(changed.gone, Fields::new());
        let set: Vec<String> = changed.set.iter().map(shown).collect();
        assert_eq!(set.len(), 5, "{set:?}");
    }

    #[test]
    fn what_is_taken_out_leaves_nothing_empty_behind() {
        let shape = Shape::of(None, true);
        let mut object = pod();
        for path in of(shape, &pod()).keys() {
            remove(shape, &mut object, path);
        }
        let left = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p", "uid": "u"}});
        assert_eq!(object, left);
    }

    #[test]
    fn an_item_that_stands_twice_in_a_map_is_found() {
        let shape = Shape::of(None, true);
        assert_eq!(duplicate(shape, &pod()), None);
        let twice = json!({"spec": {"containers": [{"name": "a"}, {"name": "a"}]}});
        assert!(duplicate(shape, &twice).is_some());
    }
}
