//! A policy's settings: its schema, its defaults, the operator's values.

mod words;

use std::fmt;
use std::sync::Arc;

use serde::Serialize;
use serde_json::Value;

use crate::pattern;
pub use words::{SettingError, SettingsError};

/// A JSON Schema (draft 2020-12) of an object, compiled.
#[derive(Clone, Serialize)]
#[serde(transparent)]
pub struct Schema {
    source: Value,
    #[serde(skip)]
    validator: Arc<jsonschema::Validator>,
}

impl fmt::Debug for Schema {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Schema").field(&self.source).finish()
    }
}

impl Schema {
    /// The largest schema that is read, in bytes.
    pub const MAX_BYTES: usize = 64 * 1024;
    /// How often matching a `pattern` may go back, where it needs to.
    const MAX_BACKTRACKS: usize = 100_000;

    /// Compile a schema. References to other documents are refused: nothing is fetched.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn new(source: Value) -> Result<Self, String> {
        if source.to_string().len() > Self::MAX_BYTES {
            return Err(format!("larger than {} bytes", Self::MAX_BYTES));
        }
        if source.get("type").and_then(Value::as_str) != Some("object") {
            return Err("the settings must be an object (`\"type\": \"object\"`)".to_owned());
        }
        // The module's author wrote them, and the host runs them.
        let patterns = jsonschema::PatternOptions::fancy_regex()
            .backtrack_limit(Self::MAX_BACKTRACKS)
            .size_limit(pattern::MAX_COMPILED)
            .dfa_size_limit(pattern::MAX_CACHE);
        let options = jsonschema::options().with_draft(jsonschema::Draft::Draft202012);
        let built = options.with_pattern_options(patterns).build(&source);
        let validator = built.map_err(|error| error.to_string())?;
        Ok(Self { source, validator: Arc::new(validator) })
    }

    /// The schema as it was written.
    pub fn source(&self) -> &Value {
        &self.source
    }

    /// Settings with the schema's defaults filled in, whether they are right or not.
    pub fn with_defaults(&self, mut settings: Value) -> Value {
        fill_defaults(&mut settings, &self.source);
        settings
    }

    /// The operator's settings with the schema's defaults filled in, checked.
    ///
    /// # Errors
    /// Every place that breaks the schema, with what is expected there.
    pub fn fill(&self, settings: Value) -> Result<Value, SettingsError> {
        let settings = self.with_defaults(settings);
        let errors: Vec<SettingError> = self
            .validator
            .iter_errors(&settings)
            .take(10)
            .map(|error| SettingError::of(&error, &self.source))
            .collect();
        if errors.is_empty() { Ok(settings) } else { Err(SettingsError(errors)) }
    }
}

fn fill_defaults(value: &mut Value, schema: &Value) {
    let (Some(object), Some(properties)) =
        (value.as_object_mut(), schema.get("properties").and_then(Value::as_object))
    else {
        return;
    };
    for (name, property) in properties {
        if !object.contains_key(name)
            && let Some(default) = property.get("default")
        {
            object.insert(name.clone(), default.clone());
        }
        if let Some(inner) = object.get_mut(name) {
            fill_defaults(inner, property);
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn defaults_fill_what_the_operator_left_out_and_errors_name_the_place() {
        let schema = Schema::new(json!({"type": "object", "additionalProperties": false, "properties": {
            "deadline": {"type": "integer", "default": 5},
            "nested": {"type": "object", "default": {}, "properties": {"a": {"default": true}}}
        }}))
        .unwrap();
        assert_eq!(schema.fill(json!({})).unwrap(), json!({"deadline": 5, "nested": {"a": true}}));
        let error = schema.fill(json!({"deadline": "soon", "extra": 1})).unwrap_err().to_string();
        assert!(error.contains("`deadline`") && error.contains("`extra`"), "{error}");
    }

    #[test]
    fn a_pattern_that_is_too_large_or_goes_back_too_often_is_an_error() {
        let schema = |pattern: &str| {
            Schema::new(
                json!({"type": "object", "properties": {"name": {"type": "string", "pattern": pattern}}}),
            )
        };
        assert!(schema(r"(\w{100}){100}").is_err());
        let slow = schema(r"^(a|a)*(?=b)\1$").unwrap();
        assert!(slow.fill(json!({"name": "a".repeat(40)})).is_err());
        let usual = schema("^[a-z](?!-)[a-z0-9-]{0,61}$").unwrap();
        assert!(usual.fill(json!({"name": "plex-1"})).is_ok());
    }

    #[test]
    fn a_schema_that_refers_elsewhere_is_refused() {
        assert!(Schema::new(json!({"type": "object", "$ref": "http://example.com/schema"})).is_err());
        assert!(Schema::new(json!({"type": "string"})).is_err());
    }
}
