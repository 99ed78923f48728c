//! What a CustomResourceDefinition says of its objects.
//!
//! Structural schemas, as the API server takes them: unknown fields, types, `required`,
//! `enum`, `pattern`, lengths and ranges, `anyOf` and its like, the format `date-time`,
//! defaults. Not here: rules in CEL (`x-kubernetes-validations`) and other formats.

use regex::Regex;
use serde_json::{Map, Value};
use suture_core::Timestamp;
use suture_core::names::shortened;

/// The fields of every object that its definition leaves to the server.
const COMMON: [&str; 3] = ["apiVersion", "kind", "metadata"];

/// The first field that the schema of an object does not know.
pub fn unknown_field(schema: &Value, object: &Value) -> Option<String> {
    let fields = object.as_object()?;
    let own = fields.iter().filter(|(name, _)| !COMMON.contains(&name.as_str()));
    own.into_iter().find_map(|(name, value)| unknown_in(schema, name, value))
}

fn unknown_in(schema: &Value, name: &str, value: &Value) -> Option<String> {
    let below = match field(schema, name) {
        Some(below) => below,
        None if is_true(schema, "x-kubernetes-preserve-unknown-fields") => return None,
        None => return Some(shortened(name)),
    };
    unknown(below, value).map(|path| format!("{}.{path}", shortened(name)))
}

fn unknown(schema: &Value, value: &Value) -> Option<String> {
    match value {
        Value::Object(fields) if has_fields(schema) => {
            fields.iter().find_map(|(name, value)| unknown_in(schema, name, value))
        }
        Value::Array(items) => {
            let below = schema.get("items")?;
            let mut items = items.iter().enumerate();
            items.find_map(|(index, item)| unknown(below, item).map(|path| format!("[{index}].{path}")))
        }
        _ => None,
    }
}

/// Whether a schema says which fields there are. Where it has the wrong type altogether,
/// that is what is wrong.
fn has_fields(schema: &Value) -> bool {
    schema.get("type").and_then(Value::as_str) == Some("object")
        && schema.get("additionalProperties") != Some(&Value::Bool(true))
}

/// The schema of a field.
pub fn field<'a>(schema: &'a Value, name: &str) -> Option<&'a Value> {
    let known = schema.get("properties").and_then(|properties| properties.get(name));
    known.or_else(|| schema.get("additionalProperties").filter(|more| more.is_object()))
}

fn is_true(schema: &Value, key: &str) -> bool {
    schema.get(key).and_then(Value::as_bool) == Some(true)
}

/// What is wrong with the types of an object, and nothing else.
pub fn wrong_type(schema: &Value, object: &Value) -> Option<String> {
    first_wrong(schema, object, &|schema, value| type_of(schema, value))
}

/// What the schema of an object does not allow.
pub fn violation(schema: &Value, object: &Value) -> Option<String> {
    first_wrong(schema, object, &|schema, value| type_of(schema, value).or_else(|| bounds(schema, value)))
}

fn first_wrong(
    schema: &Value,
    object: &Value,
    check: &dyn Fn(&Value, &Value) -> Option<String>,
) -> Option<String> {
    if let Some(wrong) = check(schema, object) {
        return Some(wrong);
    }
    let (fields, root) = (object.as_object()?, schema.get("properties"));
    let own = fields.iter().filter(|(name, _)| !COMMON.contains(&name.as_str()));
    own.into_iter().find_map(|(name, value)| walk(root?.get(name)?, value, name, check))
}

fn walk(
    schema: &Value,
    value: &Value,
    path: &str,
    check: &dyn Fn(&Value, &Value) -> Option<String>,
) -> Option<String> {
    if value.is_null() && is_true(schema, "nullable") {
        return None;
    }
    if let Some(wrong) = check(schema, value) {
        return Some(format!("{path}: {wrong}"));
    }
    match value {
        Value::Object(fields) => fields.iter().find_map(|(name, value)| {
            walk(field(schema, name)?, value, &format!("{path}.{}", shortened(name)), check)
        }),
        Value::Array(items) => {
            let below = schema.get("items")?;
            let mut items = items.iter().enumerate();
            items.find_map(|(index, item)| walk(below, item, &format!("{path}[{index}]"), check))
        }
        _ => None,
    }
}

fn type_of(schema: &Value, value: &Value) -> Option<String> {
    if is_true(schema, "x-kubernetes-int-or-string") {
        let fits = value.is_i64() || value.is_u64() || value.is_string();
        return (!fits).then(|| format!("{value} is neither an integer nor a text"));
    }
    let fits = match schema.get("type")?.as_str()? {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "boolean" => value.is_boolean(),
        "number" => value.is_number(),
        "integer" => value.is_i64() || value.is_u64() || value.as_f64().is_some_and(|n| n.fract() == 0.0),
        _ => true,
    };
    let wanted = &schema["type"];
    (!fits).then(|| format!("{} is not of type {wanted}", shortened(&value.to_string())))
}

/// What the keywords say that are not about the type.
fn bounds(schema: &Value, value: &Value) -> Option<String> {
    if let Some(allowed) = schema.get("enum").and_then(Value::as_array)
        && !allowed.contains(value)
    {
        return Some(format!("{} is none of {}", shortened(&value.to_string()), schema["enum"]));
    }
    let wrong = match value {
        Value::String(text) => bounds_of_text(schema, text),
        Value::Number(_) => bounds_of_number(schema, value.as_f64()?),
        Value::Array(items) => length(schema, "Items", items.len()),
        Value::Object(fields) => {
            missing(schema, fields).or_else(|| length(schema, "Properties", fields.len()))
        }
        _ => None,
    };
    wrong.or_else(|| combined(schema, value))
}

fn bounds_of_text(schema: &Value, text: &str) -> Option<String> {
    if let Some(pattern) = schema.get("pattern").and_then(Value::as_str)
        // Kubernetes refuses a definition with a pattern that is none.
        && Regex::new(pattern).is_ok_and(|pattern| !pattern.is_match(text))
    {
        return Some(format!("`{}` does not match {pattern}", shortened(text)));
    }
    if schema.get("format").and_then(Value::as_str) == Some("date-time") && text.parse::<Timestamp>().is_err()
    {
        return Some(format!("`{}` is not a time as RFC 3339 writes it", shortened(text)));
    }
    length(schema, "Length", text.chars().count())
}

fn bounds_of_number(schema: &Value, number: f64) -> Option<String> {
    let bound = |key: &str| schema.get(key).and_then(Value::as_f64);
    let least = bound("minimum").is_some_and(|least| {
        if is_true(schema, "exclusiveMinimum") { number <= least } else { number < least }
    });
    let most = bound("maximum")
        .is_some_and(|most| if is_true(schema, "exclusiveMaximum") { number >= most } else { number > most });
    (least || most).then(|| format!("{number} is out of range"))
}

fn length(schema: &Value, what: &str, length: usize) -> Option<String> {
    let bound = |edge: &str| {
        let bound = schema.get(format!("{edge}{what}")).and_then(Value::as_u64)?;
        usize::try_from(bound).ok()
    };
    let fits =
        bound("min").is_none_or(|least| length >= least) && bound("max").is_none_or(|most| length <= most);
    (!fits).then(|| format!("its length, {length}, is out of range"))
}

fn missing(schema: &Value, fields: &Map<String, Value>) -> Option<String> {
    let required = schema.get("required").and_then(Value::as_array)?;
    let missing = required.iter().filter_map(Value::as_str).find(|name| !fields.contains_key(*name))?;
    Some(format!("`{missing}` is required"))
}

fn combined(schema: &Value, value: &Value) -> Option<String> {
    let holds = |below: &Value| type_of(below, value).or_else(|| bounds(below, value)).is_none();
    let all = |key: &str| schema.get(key).and_then(Value::as_array);
    let fits = all("allOf").is_none_or(|all| all.iter().all(holds))
        && all("anyOf").is_none_or(|any| any.iter().any(holds))
        && all("oneOf").is_none_or(|one| one.iter().filter(|below| holds(below)).count() == 1)
        && schema.get("not").is_none_or(|below| !holds(below));
    (!fits).then(|| format!("{} is none of what is allowed", shortened(&value.to_string())))
}

/// Fill in what a schema has defaults for.
pub fn fill(schema: &Value, value: &mut Value) {
    match value {
        Value::Object(fields) => {
            for (name, below) in schema.get("properties").and_then(Value::as_object).into_iter().flatten() {
                if let Some(default) = below.get("default")
                    && !fields.contains_key(name)
                {
                    fields.insert(name.clone(), default.clone());
                }
            }
            for (name, value) in fields {
                if let Some(below) = field(schema, name) {
                    fill(below, value);
                }
            }
        }
        Value::Array(items) => {
            if let Some(below) = schema.get("items") {
                items.iter_mut().for_each(|item| fill(below, item));
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn schema() -> Value {
        json!({"type": "object", "properties": {
        "apiVersion": {"type": "string"}, "metadata": {"type": "object"},
        "spec": {"type": "object", "required": ["name"], "properties": {
            "name": {"type": "string", "minLength": 2, "pattern": "^[a-z]+$"},
            "size": {"x-kubernetes-int-or-string": true, "anyOf": [{"type": "integer"}, {"type": "string"}],
                "pattern": "^[0-9]+$"},
            "count": {"type": "integer", "minimum": 1, "default": 3},
            "mode": {"type": "string", "enum": ["a", "b"]},
            "maybe": {"type": "string", "nullable": true},
            "tags": {"type": "array", "maxItems": 1, "items": {"type": "object",
                "properties": {"key": {"type": "string"}}}},
            "free": {"type": "object", "x-kubernetes-preserve-unknown-fields": true},
            "labels": {"type": "object", "additionalProperties": {"type": "string"}},
        }}}})
    }

    #[test]
    fn a_field_that_the_schema_does_not_know_is_named() {
        for (spec, path) in [
            (json!({"nmae": "x"}), Some("spec.nmae")),
            (json!({"tags": [{"kye": "x"}]}), Some("spec.tags.[0].kye")),
            (json!({"free": {"a": {"b": 1}}, "labels": {"any": "x"}}), None),
            (json!("text"), None),
        ] {
            let object = json!({"apiVersion": "v1", "metadata": {"x": 1}, "spec": spec});
            assert_eq!(unknown_field(&schema(), &object).as_deref(), path, "{spec}");
        }
        assert_eq!(unknown_field(&schema(), &json!({"specc": {}})).as_deref(), Some("specc"));
    }

    #[test]
    fn values_must_be_as_the_schema_says() {
        for (spec, fits) in [
            (json!({"name": "plex", "size": 1, "count": 1, "mode": "a", "maybe": null}), true),
            (json!({"name": "plex", "size": "12", "tags": [{"key": "k"}], "labels": {"a": "b"}}), true),
            (json!({}), false),
            (json!({"name": "p"}), false),
            (json!({"name": "PLEX"}), false),
            (json!({"name": null}), false),
            (json!({"name": "plex", "size": "much"}), false),
            (json!({"name": "plex", "size": true}), false),
            (json!({"name": "plex", "count": 0}), false),
            (json!({"name": "plex", "count": 1.5}), false),
            (json!({"name": "plex", "mode": "c"}), false),
            (json!({"name": "plex", "tags": [{}, {}]}), false),
            (json!({"name": "plex", "labels": {"a": 1}}), false),
            (json!("text"), false),
        ] {
            assert_eq!(violation(&schema(), &json!({"spec": spec})).is_none(), fits, "{spec}");
        }
    }

    #[test]
    fn defaults_are_filled_in_where_there_is_a_place_for_them() {
        let mut object = json!({"spec": {"name": "plex"}});
        fill(&schema(), &mut object);
        assert_eq!(object["spec"]["count"], 3);
        let mut empty = json!({});
        fill(&schema(), &mut empty);
        assert_eq!(empty, json!({}));
    }
}
