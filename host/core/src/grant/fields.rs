//! Which fields of an object a patch or an apply may touch.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// Where a field stands: the names and indices that lead to it.
pub type Path = Vec<String>;

/// A JSON pointer (RFC 6901) to a field that may be touched, with all below it. A token `*`
/// stands for any one name or index.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct FieldPattern(Path);

impl FieldPattern {
    /// The longest pointer, in bytes.
    const MAX_BYTES: usize = 512;

    /// Whether it leads into what stands under a name at the top of an object.
    pub(super) fn begins_with(&self, name: &str) -> bool {
        self.0.first().is_some_and(|token| token == name || token == "*")
    }

    /// Whether a field is the one that is named, or stands below it.
    pub fn covers(&self, path: &[String]) -> bool {
        self.0.len() <= path.len()
            && self.0.iter().zip(path).all(|(token, name)| token == "*" || token == name)
    }

    /// Whether it has the tokens of `names`, letter for letter, and covers `path`, which stands there or
    /// below: whoever wrote it meant this field.
    pub(super) fn spells(&self, names: &[String], path: &[String]) -> bool {
        self.0.starts_with(names) && self.covers(path)
    }
}

impl TryFrom<String> for FieldPattern {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let shown = crate::names::shortened(&text);
        if text.len() > Self::MAX_BYTES {
            return Err(format!(
                "`{shown}` is too long for a JSON pointer ({} bytes at most)",
                Self::MAX_BYTES
            ));
        }
        let Some(tokens) = text.strip_prefix('/').filter(|tokens| !tokens.is_empty()) else {
            let written = format!("/{}", text.replace('.', "/").trim_matches('/'));
            let hint = match text.is_empty() || text == "/" {
                true => "`/spec/template`".to_owned(),
                false => format!("write `{}`", crate::names::shortened(&written)),
            };
            return Err(format!("`{shown}` is not a JSON pointer to a field ({hint})"));
        };
        let tokens = tokens.split('/').map(|token| {
            let rest = token.replace("~0", "").replace("~1", "");
            (!rest.contains('~')).then(|| token.replace("~1", "/").replace("~0", "~"))
        });
        let tokens: Option<Path> = tokens.collect();
        tokens.map(Self).ok_or_else(|| {
            format!("`{shown}`: a `~` in a JSON pointer is written `~0`, a `/` in a name `~1`")
        })
    }
}

impl From<FieldPattern> for String {
    fn from(pattern: FieldPattern) -> Self {
        pointer(&pattern.0)
    }
}

impl fmt::Display for FieldPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&pointer(&self.0))
    }
}

impl schemars::JsonSchema for FieldPattern {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "FieldPattern".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({"type": "string", "pattern": "^/.+$",
            "description": "A JSON pointer to a field that may be touched, with all below it; `*` stands for any one name or index.",
            "examples": ["/spec/trigger/manual", "/spec/template/spec/containers/*/image"]})
    }
}

/// Fields that are written out: an empty list would be all of them.
pub(super) fn some<'de, D: serde::Deserializer<'de>>(reader: D) -> Result<Vec<FieldPattern>, D::Error> {
    let fields = Vec::<FieldPattern>::deserialize(reader)?;
    if fields.is_empty() {
        return Err(serde::de::Error::custom(
            "`fields` is empty, and would let a policy touch all of them; name some, or leave `fields` out where that is meant",
        ));
    }
    Ok(fields)
}

/// A path as a JSON pointer.
pub fn pointer(path: &[String]) -> String {
    path.iter().map(|token| format!("/{}", token.replace('~', "~0").replace('/', "~1"))).collect()
}

/// The fields in which two objects differ: as deep as both are objects, or lists of the same
/// length. What is new or gone counts with every field that it holds.
pub fn changed(before: &Value, after: &Value) -> Vec<Path> {
    let mut paths = Vec::new();
    differ(Some(before), Some(after), &mut Vec::new(), &mut paths);
    paths
}

/// Every field that an object sets, as deep as there are objects; a list is one field.
pub fn set(object: &Value) -> Vec<Path> {
    let mut paths = Vec::new();
    leaves(object, &mut Vec::new(), &mut paths);
    paths
}

fn differ(before: Option<&Value>, after: Option<&Value>, at: &mut Path, paths: &mut Vec<Path>) {
    match (before, after) {
        (Some(before), Some(after)) if before == after => {}
        (Some(Value::Object(before)), Some(Value::Object(after))) => {
            let names = before.keys().chain(after.keys().filter(|name| !before.contains_key(*name)));
            for name in names {
                below(at, name, |at| differ(before.get(name), after.get(name), at, paths));
            }
        }
        (Some(Value::Array(before)), Some(Value::Array(after))) if before.len() == after.len() => {
            for (index, (before, after)) in before.iter().zip(after).enumerate() {
                below(at, &index.to_string(), |at| differ(Some(before), Some(after), at, paths));
            }
        }
        (None, Some(only)) | (Some(only), None) => leaves(only, at, paths),
        (Some(_), Some(_)) => paths.push(at.clone()),
        (None, None) => {}
    }
}

fn leaves(value: &Value, at: &mut Path, paths: &mut Vec<Path>) {
    match value.as_object().filter(|fields| !fields.is_empty()) {
        Some(fields) => each(fields, at, paths),
        None => paths.push(at.clone()),
    }
}

fn each(fields: &Map<String, Value>, at: &mut Path, paths: &mut Vec<Path>) {
    for (name, value) in fields {
        below(at, name, |at| leaves(value, at, paths));
    }
}

fn below(at: &mut Path, name: &str, visit: impl FnOnce(&mut Path)) {
    at.push(name.to_owned());
    visit(at);
    at.pop();
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn pattern(text: &str) -> FieldPattern {
        FieldPattern::try_from(text.to_owned()).unwrap()
    }

    fn pointers(paths: &[Path]) -> Vec<String> {
        paths.iter().map(|path| pointer(path)).collect()
    }

    #[test]
    fn a_pattern_covers_its_field_and_all_below_it() {
        let covers = |text: &str, path: &str| pattern(text).covers(&pattern(path).0);
        assert!(covers("/spec/trigger", "/spec/trigger") && covers("/spec/trigger", "/spec/trigger/manual"));
        assert!(!covers("/spec/trigger", "/spec") && !covers("/spec/trigger", "/spec/triggers"));
        assert!(covers("/spec/containers/*/image", "/spec/containers/3/image"));
        assert!(!covers("/spec/containers/*/image", "/spec/containers/3"));
        assert!(covers("/metadata/annotations/a.b~1c", "/metadata/annotations/a.b~1c"));
        for wrong in ["", "/", "spec", "/a~2", "/a~"] {
            assert!(FieldPattern::try_from(wrong.to_owned()).is_err(), "{wrong}");
        }
    }

    #[test]
    fn what_changes_is_named_as_deep_as_it_can_be() {
        let before = json!({"a": {"b": 1, "c": [1, {"d": 2}]}, "e": {"f": {"g": 1}}, "h": 1});
        let after = json!({"a": {"b": 2, "c": [1, {"d": 3}]}, "h": {"i": 1}, "j": {"k": {}, "l~/": null}});
        assert_eq!(
            pointers(&changed(&before, &after)),
            ["/a/b", "/a/c/1/d", "/e/f/g", "/h", "/j/k", "/j/l~0~1"]
        );
        assert_eq!(pointers(&changed(&json!({"a": [1]}), &json!({"a": [1, 2]}))), ["/a"]);
        assert_eq!(changed(&before, &before), Vec::<Path>::new());
        assert_eq!(pointers(&set(&json!({"a": {"b": [1]}, "c": {}}))), ["/a/b", "/c"]);
    }
}
