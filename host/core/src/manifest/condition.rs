//! The settings that a permission belongs to.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

use crate::names;

/// A setting and the value that it must have: `unlock=job`, `unlockJob.retry=true`. Names are
/// separated by dots; the value is compared with a string as it is, and with anything else as
/// JSON.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Condition {
    path: Vec<String>,
    value: String,
}

impl Condition {
    /// The longest that is read, in bytes.
    pub const MAX_BYTES: usize = 1024;

    /// Whether settings, with their defaults filled in, have the value. A setting that is not
    /// there has none.
    pub fn holds(&self, settings: &Value) -> bool {
        let found = self.path.iter().try_fold(settings, |value, name| value.as_object()?.get(name));
        found.is_some_and(|found| self.is(found))
    }

    fn is(&self, found: &Value) -> bool {
        match found {
            Value::String(text) => *text == self.value,
            Value::Number(number) => self.value.parse().is_ok_and(|wanted| number.as_f64() == Some(wanted)),
            Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => {
                serde_json::from_str::<Value>(&self.value).is_ok_and(|wanted| wanted == *found)
            }
        }
    }

    /// Why it can never hold under a JSON Schema of the settings, where that is certain.
    pub fn impossible(&self, schema: &Value) -> Option<String> {
        let mut schema = schema;
        for name in &self.path {
            match schema.pointer("/properties").and_then(|properties| properties.get(name)) {
                Some(property) => schema = property,
                None if schema.get("additionalProperties") == Some(&Value::Bool(false)) => {
                    return Some(format!(
                        "`{self}` never holds: there is no setting `{}`",
                        self.path.join(".")
                    ));
                }
                // Something else in the schema may allow it.
                None => return None,
            }
        }
        let choices = schema.get("enum")?.as_array()?;
        if choices.iter().any(|choice| self.is(choice)) {
            return None;
        }
        let choices: Vec<_> = choices.iter().take(10).map(Value::to_string).collect();
        Some(format!("`{self}` never holds: it can be {}", choices.join(", ")))
    }
}

impl FromStr for Condition {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = |what: &str| Err(format!("`{}` {what}", names::shortened(text)));
        if text.len() > Self::MAX_BYTES {
            return wrong(&format!("is longer than {} bytes", Self::MAX_BYTES));
        }
        let Some((path, value)) = text.split_once('=') else {
            return wrong("is not SETTING=VALUE");
        };
        let path: Vec<_> = path.split('.').map(str::to_owned).collect();
        if path.iter().any(String::is_empty) || text.contains(char::is_control) {
            return wrong("is not SETTING=VALUE, where SETTING is a name, or names with dots between");
        }
        Ok(Self { path, value: value.to_owned() })
    }
}

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}={}", self.path.join("."), self.value)
    }
}

impl Serialize for Condition {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Condition {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

impl schemars::JsonSchema for Condition {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Condition".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({"type": "string", "description": "A setting and the value that it must have.", "examples": ["unlock=job"]})
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn condition(text: &str) -> Condition {
        text.parse().unwrap()
    }

    #[test]
    fn a_condition_holds_where_the_setting_has_the_value() {
        let settings = json!({"unlock": "job", "deep": {"er": {"on": true, "times": 3.0, "none": null}},
            "empty": "", "list": [1]});
        for text in
            ["unlock=job", "deep.er.on=true", "deep.er.times=3", "deep.er.none=null", "empty=", "list=[1]"]
        {
            assert!(condition(text).holds(&settings), "{text}");
            assert_eq!(condition(text).to_string(), text);
        }
        for text in [
            "unlock=Job",
            "unlock=\"job\"",
            "deep.er.on=false",
            "deep.er=on",
            "deep.er.times=three",
            "gone=null",
            "unlock.job=true",
            "list.0=1",
            "empty=null",
        ] {
            assert!(!condition(text).holds(&settings), "{text}");
        }
        assert!(condition("a=b=c").holds(&json!({"a": "b=c"})));
    }

    #[test]
    fn what_is_no_condition_is_refused() {
        for text in ["", "unlock", "=job", "a..b=1", ".a=1", "a=\u{202e}\n"] {
            assert!(text.parse::<Condition>().is_err(), "{text}");
        }
        assert!(format!("a={}", "x".repeat(Condition::MAX_BYTES)).parse::<Condition>().is_err());
    }

    #[test]
    fn a_condition_that_the_schema_rules_out_is_found_and_no_other() {
        let schema = json!({"type": "object", "additionalProperties": false, "properties": {
            "unlock": {"enum": ["native", "job"]}, "free": {"type": "object"}}});
        let why = |text: &str| condition(text).impossible(&schema);
        assert!(why("unlok=job").unwrap().contains("there is no setting `unlok`"));
        assert!(why("unlock=Job").unwrap().contains(r#""native", "job""#));
        for text in ["unlock=job", "free.x=1", "free=1"] {
            assert_eq!(why(text), None, "{text}");
        }
        assert_eq!(condition("x=1").impossible(&json!({"type": "object"})), None);
    }
}
