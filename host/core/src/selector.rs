//! Label and field selectors, as the Kubernetes API takes them.

use serde_json::Value;

use crate::error::{Error, Reason};

/// A parsed label selector: `app=x,tier in (a,b),!legacy`.
#[derive(Clone, Debug, Default)]
pub struct LabelSelector(Vec<Requirement>);

#[derive(Clone, Debug)]
enum Requirement {
    In { key: String, values: Vec<String>, negated: bool },
    Exists { key: String, negated: bool },
}

impl LabelSelector {
    /// Read a selector; an empty one selects everything.
    ///
    /// # Errors
    /// `BadRequest`, as the API server answers.
    pub fn parse(text: &str) -> Result<Self, Error> {
        split_outside_parentheses(text)
            .map(str::trim)
            .filter(|part| !part.is_empty())
            .map(|part| requirement(part).ok_or_else(|| unreadable("label", part)))
            .collect::<Result<_, _>>()
            .map(Self)
    }

    /// Whether it selects an object.
    pub fn matches(&self, object: &Value) -> bool {
        let label = |key: &str| object.get("metadata")?.get("labels")?.get(key)?.as_str();
        self.0.iter().all(|requirement| match requirement {
            Requirement::In { key, values, negated } => {
                label(key).is_some_and(|value| values.iter().any(|wanted| wanted == value)) != *negated
            }
            Requirement::Exists { key, negated } => label(key).is_some() != *negated,
        })
    }
}

fn unreadable(what: &str, part: &str) -> Error {
    Error::new(Reason::BAD_REQUEST, format!("`{part}` is not a {what} selector"))
}

fn split_outside_parentheses(text: &str) -> impl Iterator<Item = &str> {
    let mut depth = 0_i32;
    text.split(move |c| {
        depth += i32::from(c == '(') - i32::from(c == ')');
        c == ',' && depth <= 0
    })
}

fn requirement(part: &str) -> Option<Requirement> {
    let key_ok = |key: &str| {
        !key.is_empty() && key.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_./".contains(&byte))
    };
    if let Some(list) = part.strip_suffix(')') {
        let (head, values) = list.split_once('(')?;
        let (key, operator) = head.trim().split_once(char::is_whitespace)?;
        let negated = match operator.trim() {
            "in" => false,
            "notin" => true,
            _ => return None,
        };
        let values = values.split(',').map(|value| value.trim().to_owned()).collect();
        return key_ok(key).then(|| Requirement::In { key: key.to_owned(), values, negated });
    }
    for (operator, negated) in [("!=", true), ("==", false), ("=", false)] {
        if let Some((key, value)) = part.split_once(operator) {
            let (key, value) = (key.trim(), value.trim());
            let value_ok = value.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte));
            return (key_ok(key) && value_ok).then(|| Requirement::In {
                key: key.to_owned(),
                values: vec![value.to_owned()],
                negated,
            });
        }
    }
    let (key, negated) = part.strip_prefix('!').map_or((part, false), |key| (key.trim(), true));
    key_ok(key).then(|| Requirement::Exists { key: key.to_owned(), negated })
}

/// A parsed field selector: `metadata.name=x,status.phase!=Running`.
#[derive(Clone, Debug, Default)]
pub struct FieldSelector(Vec<(String, String, bool)>);

impl FieldSelector {
    /// Read a selector; an empty one selects everything.
    ///
    /// # Errors
    /// `BadRequest`, as the API server answers.
    pub fn parse(text: &str) -> Result<Self, Error> {
        text.split(',')
            .map(str::trim)
            .filter(|part| !part.is_empty())
            .map(|part| {
                [("!=", true), ("==", false), ("=", false)]
                    .iter()
                    .find_map(|(operator, negated)| {
                        let (path, value) = part.split_once(operator)?;
                        (!path.is_empty())
                            .then(|| (path.trim().to_owned(), value.trim().to_owned(), *negated))
                    })
                    .ok_or_else(|| unreadable("field", part))
            })
            .collect::<Result<_, _>>()
            .map(Self)
    }

    /// The paths it asks about: `metadata.name`. Which of them a kind supports is the
    /// cluster's business.
    pub fn paths(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(path, ..)| path.as_str())
    }

    /// Whether it selects an object. A field that is not there is empty.
    pub fn matches(&self, object: &Value) -> bool {
        self.0.iter().all(|(path, wanted, negated)| {
            let found = path.split('.').try_fold(object, |value, key| value.get(key));
            let equal = match found {
                None | Some(Value::Null) => wanted.is_empty(),
                Some(Value::String(text)) => text == wanted,
                Some(other) => &other.to_string() == wanted,
            };
            equal != *negated
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn label_selectors_select_as_kubectl_does() {
        let object = json!({"metadata": {"labels": {"app": "x", "volsync.backube/cleanup": "1"}}});
        for (selector, hit) in [
            ("", true),
            ("app=x", true),
            ("app==x,volsync.backube/cleanup", true),
            ("app!=x", false),
            ("tier!=x", true),
            ("app in (x, y)", true),
            ("app notin (x,y),app", false),
            ("!app", false),
            ("!tier", true),
        ] {
            assert_eq!(LabelSelector::parse(selector).unwrap().matches(&object), hit, "{selector}");
        }
        for wrong in ["app in x", "app within (x)", "a b", "a=b=c d", "!!a"] {
            assert!(LabelSelector::parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn field_selectors_compare_text() {
        let pod = json!({"metadata": {"name": "p"}, "status": {"phase": "Running"}});
        let hit = |selector| FieldSelector::parse(selector).unwrap().matches(&pod);
        assert!(hit("metadata.name=p,status.phase!=Failed"));
        assert!(!hit("spec.nodeName=n"));
        assert!(FieldSelector::parse("phase").is_err());
    }
}
