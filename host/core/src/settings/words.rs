//! What is wrong with settings, in the words of somebody who writes them.

use std::fmt;

use jsonschema::ValidationError;
use jsonschema::error::ValidationErrorKind as Kind;
use serde_json::Value;

use crate::names::shortened;

/// All that is wrong with settings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SettingsError(pub Vec<SettingError>);

impl fmt::Display for SettingsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let messages: Vec<_> = self.0.iter().map(|error| error.message.as_str()).collect();
        f.write_str(&messages.join("; "))
    }
}

impl std::error::Error for SettingsError {}

/// One thing that is wrong with settings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SettingError {
    /// A JSON pointer to the setting.
    pub path: String,
    /// Which setting it is, what it is, and what it may be.
    pub message: String,
}

impl SettingError {
    /// What a validator says, of settings that a schema is for.
    pub(super) fn of(error: &ValidationError<'_>, schema: &Value) -> Self {
        let path = error.instance_path().to_string();
        let is = || format!("{} is {}", named(&path), shortened(&error.instance().to_string()));
        let wants = |what: String| format!("{}; {what}{}", is(), explained(schema, &path));
        let number = |how: &str, limit: &Value| wants(format!("it must be {how} {limit}"));
        let length = |how: &str, limit: u64| wants(format!("it must have {how} {limit} characters"));
        let message = match error.kind() {
            Kind::AdditionalProperties { unexpected } | Kind::UnevaluatedProperties { unexpected } => {
                return Self::unknown(&path, unexpected, known(error, schema));
            }
            Kind::Required { property } => {
                let path = format!("{path}/{}", property.as_str().unwrap_or_default());
                format!("{} is missing{}", named(&path), explained(schema, &path))
            }
            Kind::Enum { options } => wants(format!("possible: {}", listed(options))),
            Kind::Type { .. } => {
                let wanted = schema.pointer(error.schema_path().as_str());
                wants(format!("it must be {}", wanted.map_or_else(String::new, type_of)))
            }
            Kind::Constant { expected_value } => {
                wants(format!("beside the other settings it must be {expected_value}"))
            }
            Kind::Pattern { pattern } => {
                let example = at(schema, &path).and_then(|schema| schema.get("default")?.as_str());
                let example = example.filter(|text| !text.is_empty());
                let example = example.map_or_else(String::new, |text| format!(", as `{text}` does"));
                wants(format!("it must match `{pattern}`{example}"))
            }
            Kind::Minimum { limit } => number("at least", limit),
            Kind::Maximum { limit } => number("at most", limit),
            Kind::ExclusiveMinimum { limit } => number("more than", limit),
            Kind::ExclusiveMaximum { limit } => number("less than", limit),
            Kind::MinLength { limit } => length("at least", *limit),
            Kind::MaxLength { limit } => length("at most", *limit),
            _ => format!("{}: {error}{}", named(&path), explained(schema, &path)),
        };
        Self { path, message }
    }

    fn unknown(path: &str, unexpected: &[String], known: Option<Vec<&String>>) -> Self {
        let names: Vec<_> = unexpected.iter().map(|name| named(&format!("{path}/{name}"))).collect();
        let there_are = match known {
            Some(known) if !known.is_empty() => {
                let known: Vec<_> = known.into_iter().map(|name| format!("`{name}`")).collect();
                format!("; there are {}", known.join(", "))
            }
            _ => String::new(),
        };
        let message = format!("there is no setting {}{there_are}", names.join(", "));
        let first = unexpected.first().map(String::as_str).unwrap_or_default();
        Self { path: format!("{path}/{}", first.replace('~', "~0").replace('/', "~1")), message }
    }
}

/// A setting, as people write it: `unlockJob.image`.
fn named(path: &str) -> String {
    match path.strip_prefix('/') {
        Some(path) => {
            let names = path.split('/').map(|name| name.replace("~1", "/").replace("~0", "~"));
            format!("`{}`", shortened(&names.collect::<Vec<_>>().join(".")))
        }
        None => "the whole of them".to_owned(),
    }
}

/// The names that may stand where there is one that may not.
fn known<'a>(error: &ValidationError<'_>, schema: &'a Value) -> Option<Vec<&'a String>> {
    let keyword = error.schema_path().to_string();
    let (parent, _) = keyword.rsplit_once('/')?;
    Some(schema.pointer(parent)?.get("properties")?.as_object()?.keys().collect())
}

/// The schema of a setting.
fn at<'a>(schema: &'a Value, path: &str) -> Option<&'a Value> {
    let mut names = path.split('/').skip(1).map(|name| name.replace("~1", "/").replace("~0", "~"));
    names.try_fold(schema, |schema, name| {
        schema.get("properties").and_then(|known| known.get(&name)).or_else(|| schema.get("items"))
    })
}

/// What a setting is for.
fn explained(schema: &Value, path: &str) -> String {
    let description =
        at(schema, path).filter(|_| !path.is_empty()).and_then(|schema| schema.get("description"));
    match description.and_then(Value::as_str) {
        Some(description) => format!(" ({})", description.trim_end_matches('.')),
        None => String::new(),
    }
}

fn listed(options: &Value) -> String {
    let options = options.as_array().into_iter().flatten();
    options.map(Value::to_string).collect::<Vec<_>>().join(", ")
}

fn type_of(wanted: &Value) -> String {
    match wanted {
        Value::Array(types) => types.iter().map(type_of).collect::<Vec<_>>().join(" or "),
        other => match other.as_str().unwrap_or_default() {
            "integer" => "a whole number",
            "number" => "a number",
            "string" => "text",
            "boolean" => "true or false",
            "array" => "a list",
            "object" => "keys with values",
            other => other,
        }
        .to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::settings::Schema;

    #[test]
    fn each_error_says_which_setting_it_is_what_it_is_and_what_it_may_be() {
        let schema = Schema::new(json!({
            "type": "object", "additionalProperties": false, "required": ["name"],
            "properties": {
                "name": {"type": "string", "maxLength": 3, "description": "What it is called."},
                "unlock": {"enum": ["native", "job"], "default": "native", "description": "How it is unlocked."},
                "lines": {"type": "integer", "minimum": 1, "maximum": 100},
                "timeout": {"type": "string", "pattern": "^[0-9]+m$", "default": "5m"},
                "job": {"type": "object", "additionalProperties": false, "properties": {"image": {"type": "string"}}},
                "list": {"type": "array", "items": {"type": "boolean"}},
                "either": {"type": ["string", "integer"]},
            },
            "allOf": [{"if": {"properties": {"lines": {"const": 7}}, "required": ["lines"]},
                       "then": {"properties": {"unlock": {"const": "job"}}}}],
        }))
        .unwrap();
        for (settings, path, words) in [
            (json!({}), "", "`name` is missing (What it is called)"),
            (json!({"name": 5}), "/name", "`name` is 5; it must be text (What it is called)"),
            (
                json!({"name": "long"}),
                "/name",
                "`name` is \"long\"; it must have at most 3 characters (What it is called)",
            ),
            (
                json!({"name": "a", "unlock": "maybe"}),
                "/unlock",
                "`unlock` is \"maybe\"; possible: \"native\", \"job\" (How it is unlocked)",
            ),
            (json!({"name": "a", "lines": 0}), "/lines", "`lines` is 0; it must be at least 1"),
            (json!({"name": "a", "lines": "x"}), "/lines", "`lines` is \"x\"; it must be a whole number"),
            (
                json!({"name": "a", "lines": 7}),
                "/unlock",
                "`unlock` is \"native\"; beside the other settings it must be \"job\" (How it is unlocked)",
            ),
            (
                json!({"name": "a", "timeout": "1h"}),
                "/timeout",
                "`timeout` is \"1h\"; it must match `^[0-9]+m$`, as `5m` does",
            ),
            (
                json!({"name": "a", "job": {"imgae": "x"}}),
                "/job/imgae",
                "there is no setting `job.imgae`; there are `image`",
            ),
            (json!({"name": "a", "list": [true, 1]}), "/list/1", "`list.1` is 1; it must be true or false"),
            (
                json!({"name": "a", "either": true}),
                "/either",
                "`either` is true; it must be text or a whole number",
            ),
        ] {
            let errors = schema.fill(settings.clone()).unwrap_err();
            let [error] = &errors.0[..] else { panic!("{settings}: {errors}") };
            assert_eq!((error.path.as_str(), error.message.as_str()), (path, words), "{settings}");
        }
        let twice = schema.fill(json!({"lines": 0})).unwrap_err();
        assert_eq!(twice.0.len(), 2, "{twice}");
    }
}
