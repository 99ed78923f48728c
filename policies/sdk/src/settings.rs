//! The schema of settings, made from their type.

use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};

use crate::{Duration, Quantity};

/// The schema of a type, as the host takes it and people read it.
pub(crate) fn schema<S: JsonSchema>() -> Value {
    let mut settings = SchemaSettings::draft2020_12();
    settings.meta_schema = None;
    // The host fills in defaults without following references.
    settings.inline_subschemas = true;
    let mut schema = settings.into_generator().into_root_schema_for::<S>().to_value();
    if let Some(root) = schema.as_object_mut() {
        root.remove("description");
        tidy(root);
    }
    schema
}

/// Without what says nothing to an operator.
fn tidy(schema: &mut Map<String, Value>) {
    schema.remove("title");
    if schema.remove("format").is_some_and(|format| format == "uint32") {
        schema.entry("maximum").or_insert(u32::MAX.into());
    }
    choices(schema);
    if let Some(Value::String(description)) = schema.get_mut("description") {
        *description = description.split_whitespace().collect::<Vec<_>>().join(" ");
    }
    if schema.contains_key("properties") {
        schema.entry("additionalProperties").or_insert(false.into());
    }
    let properties = schema.get_mut("properties").and_then(Value::as_object_mut);
    properties.into_iter().flat_map(Map::values_mut).filter_map(Value::as_object_mut).for_each(tidy);
    if let Some(items) = schema.get_mut("items").and_then(Value::as_object_mut) {
        tidy(items);
    }
}

/// The variants of an `enum`, which have a schema each where they are documented, as one list. What
/// each means goes into the description.
fn choices(schema: &mut Map<String, Value>) {
    let Some(variants) = schema.get("oneOf").and_then(Value::as_array) else { return };
    let (mut names, mut meanings) = (Vec::new(), String::new());
    for variant in variants {
        if let Some(name @ Value::String(text)) = variant.get("const") {
            names.push(name.clone());
            if let Some(meaning) = variant.get("description").and_then(Value::as_str) {
                meanings.push_str(&format!(" `{text}`: {meaning}"));
            }
        } else if let Some(undocumented) = variant.get("enum").and_then(Value::as_array) {
            names.extend(undocumented.iter().cloned());
        } else {
            return;
        }
    }
    let said = schema.get("description").and_then(Value::as_str).unwrap_or_default();
    let description = format!("{said}{meanings}");
    schema.insert("description".to_owned(), description.trim().into());
    schema.insert("type".to_owned(), "string".into());
    schema.insert("enum".to_owned(), names.into());
    schema.remove("oneOf");
}

impl JsonSchema for Duration {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Duration".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        written_as(Self::PATTERN)
    }
}

impl JsonSchema for Quantity {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Quantity".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        written_as(Self::PATTERN)
    }
}

fn written_as(pattern: &str) -> schemars::Schema {
    json!({"type": "string", "pattern": pattern}).try_into().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde::{Deserialize, Serialize};

    use super::*;

    /// What an operator may set.
    #[derive(Serialize, Deserialize, JsonSchema)]
    #[serde(rename_all = "camelCase", default)]
    struct Settings {
        /// How long it may take.
        /// At most a day.
        time_out: Duration,
        /// How large.
        size: Quantity,
        /// How many lines.
        #[schemars(range(min = 1, max = 100))]
        log_lines: u32,
        /// Any number.
        any: u32,
        /// Whether to act.
        act: Act,
        mode: Mode,
        /// More.
        nested: Nested,
        images: Vec<String>,
    }

    #[derive(Serialize, Deserialize, JsonSchema)]
    #[serde(rename_all = "camelCase")]
    enum Act {
        /// Not at all.
        Never,
        /// Once the night is over.
        AtDawn,
    }

    #[derive(Serialize, Deserialize, JsonSchema)]
    #[serde(rename_all = "lowercase")]
    enum Mode {
        Slow,
        Fast,
    }

    #[derive(Serialize, Deserialize, JsonSchema, Default)]
    #[serde(default)]
    struct Nested {
        /// Whether it is deep.
        deep: bool,
    }

    impl Default for Settings {
        fn default() -> Self {
            Self {
                time_out: Duration::hours(1),
                size: Quantity::bytes(1 << 30),
                log_lines: 10,
                any: 0,
                act: Act::Never,
                mode: Mode::Fast,
                nested: Nested::default(),
                images: Vec::new(),
            }
        }
    }

    #[test]
    fn a_type_becomes_a_schema_with_types_defaults_docs_and_bounds() {
        let expected = json!({"type": "object", "additionalProperties": false, "properties": {
            "timeOut": {"type": "string", "pattern": Duration::PATTERN, "default": "1h",
                "description": "How long it may take. At most a day."},
            "size": {"type": "string", "pattern": Quantity::PATTERN, "default": "1Gi", "description": "How large."},
            "logLines": {"type": "integer", "minimum": 1, "maximum": 100, "default": 10, "description": "How many lines."},
            "any": {"type": "integer", "minimum": 0, "maximum": u32::MAX, "default": 0, "description": "Any number."},
            "act": {"type": "string", "enum": ["never", "atDawn"], "default": "never",
                "description": "Whether to act. `never`: Not at all. `atDawn`: Once the night is over."},
            "mode": {"type": "string", "enum": ["slow", "fast"], "default": "fast"},
            "nested": {"type": "object", "additionalProperties": false, "default": {"deep": false}, "description": "More.",
                "properties": {"deep": {"type": "boolean", "default": false, "description": "Whether it is deep."}}},
            "images": {"type": "array", "items": {"type": "string"}, "default": []},
        }});
        assert_eq!(schema::<Settings>(), expected);
    }

    #[test]
    fn what_has_no_default_must_be_set() {
        #[derive(JsonSchema)]
        #[expect(dead_code, reason = "only its schema is looked at")]
        struct Needed {
            maximum: Quantity,
        }
        assert_eq!(schema::<Needed>()["required"], json!(["maximum"]));
    }
}
