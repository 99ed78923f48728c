//! In what two effects differ that read alike.

use serde_json::Value;

use super::{CHANGES, VALUE, cut};
use crate::effect::Effect;
use crate::object::Kind;

/// A field, and its value there and here.
type Field<'a> = (String, Option<&'a Value>, Option<&'a Value>);

impl Effect {
    /// In what it differs from another effect that reads alike: `spec.suspend: true → false`.
    /// None where it reads otherwise ([`about`](Self::about)), or is the same. Values in a Secret
    /// are not told.
    pub fn differs_from(&self, other: &Self) -> Option<String> {
        if self.verb() != other.verb() || self.about() != other.about() {
            return None;
        }
        let (there, here) = (serde_json::to_value(other).ok()?, serde_json::to_value(self).ok()?);
        let mut fields = Vec::new();
        compare(Some(&there), Some(&here), &mut String::new(), &mut fields);
        if fields.is_empty() {
            return None;
        }
        let is_secret = self.is_mutation() && self.kind().is_some_and(Kind::is_secret);
        // That a field is one of what is written, nobody needs to read.
        let body = match self {
            Self::Mutate { mutation, .. } => mutation.mutation_type().body_path(),
            _ => None,
        };
        let describe = |field| describe(field, body.as_deref().unwrap_or_default(), is_secret);
        let mut texts: Vec<_> = fields.iter().take(CHANGES).map(describe).collect();
        let more = fields.len().saturating_sub(CHANGES);
        if more > 0 {
            texts.push(format!("and {more} more"));
        }
        Some(texts.join(", "))
    }
}

fn describe((path, there, here): &Field<'_>, body: &str, is_secret: bool) -> String {
    let path = path.strip_prefix(body).unwrap_or(path);
    if is_secret {
        return path.to_owned();
    }
    let shown =
        |value: &Option<&Value>| value.map_or("nothing".to_owned(), |value| cut(&value.to_string(), VALUE));
    format!("{path}: {} → {}", shown(there), shown(here))
}

fn compare<'a>(
    there: Option<&'a Value>,
    here: Option<&'a Value>,
    path: &mut String,
    found: &mut Vec<Field<'a>>,
) {
    if there == here {
        return;
    }
    let mut inside = |name: &str, there, here| {
        let length = path.len();
        if length > 0 {
            path.push('.');
        }
        path.push_str(name);
        compare(there, here, path, found);
        path.truncate(length);
    };
    match (there, here) {
        (Some(Value::Object(there)), Some(Value::Object(here))) => {
            for (name, value) in there {
                inside(name, Some(value), here.get(name));
            }
            for (name, value) in here.iter().filter(|(name, _)| !there.contains_key(*name)) {
                inside(name, None, Some(value));
            }
        }
        (Some(Value::Array(there)), Some(Value::Array(here))) => {
            for index in 0..there.len().max(here.len()) {
                inside(&index.to_string(), there.get(index), here.get(index));
            }
        }
        _ => found.push((path.clone(), there, here)),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::effect::{Create, Mutation};

    fn create(kind: &str, object: Value) -> Effect {
        let create = Create {
            kind: Kind::new("v1", kind),
            namespace: Some("media".to_owned()),
            object,
            subresource: None,
        };
        Effect::Mutate { mutation: Mutation::Create(create), undo: None }
    }

    #[test]
    fn what_reads_alike_is_told_apart_field_by_field() {
        let pod = |image: &str, more: Value| {
            create(
                "Pod",
                json!({"metadata": {"name": "x"}, "spec": {"containers": [{"image": image}], "more": more}}),
            )
        };
        let (old, new) = (pod("a:1", json!(null)), pod("a:2", json!({"deep": 1})));
        assert_eq!(
            new.differs_from(&old).unwrap(),
            r#"spec.containers.0.image: "a:1" → "a:2", spec.more: null → {"deep":1}"#
        );
        assert_eq!(old.differs_from(&old), None);
        assert_eq!(old.differs_from(&create("Pod", json!({"metadata": {"name": "y"}}))), None);
    }

    #[test]
    fn values_of_a_secret_are_not_told() {
        let secret =
            |value: &str| create("Secret", json!({"metadata": {"name": "x"}, "stringData": {"key": value}}));
        assert_eq!(secret("a").differs_from(&secret("b")).unwrap(), "stringData.key");
    }
}
