//! Label and field selectors, as the Kubernetes API takes them.

use serde_json::Value;

use crate::error::{Error, Reason};
use crate::names;

/// A parsed label selector: `app=x,tier in (a,b),!legacy,size>3`.
#[derive(Clone, Debug, Default)]
pub struct LabelSelector(Vec<Requirement>);

#[derive(Clone, Debug)]
enum Requirement {
    In {
        key: String,
        values: Vec<String>,
        negated: bool,
    },
    Exists {
        key: String,
        negated: bool,
    },
    /// Values that are numbers, above or below one.
    Beyond {
        key: String,
        bound: i64,
        above: bool,
    },
}

impl LabelSelector {
    /// Read a selector; an empty one selects everything.
    ///
    /// # Errors
    /// `BadRequest`, as the API server answers.
    pub fn parse(text: &str) -> Result<Self, Error> {
        if text.trim().is_empty() {
            return Ok(Self::default());
        }
        split_outside_parentheses(text)
            .map(str::trim)
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
            Requirement::Beyond { key, bound, above } => {
                let number = label(key).and_then(|value| value.parse::<i64>().ok());
                number.is_some_and(|number| if *above { number > *bound } else { number < *bound })
            }
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
    let key_of = |key: &str| names::label_key(key).is_ok().then(|| key.to_owned());
    let value_of = |value: &str| names::label_value(value).is_ok().then(|| value.to_owned());
    if let Some(list) = part.strip_suffix(')') {
        let (head, values) = list.split_once('(')?;
        let (key, operator) = head.trim().split_once(char::is_whitespace)?;
        let negated = match operator.trim() {
            "in" => false,
            "notin" => true,
            _ => return None,
        };
        let values = values.split(',').map(|value| value_of(value.trim())).collect::<Option<_>>()?;
        return Some(Requirement::In { key: key_of(key)?, values, negated });
    }
    for (operator, negated) in [("!=", true), ("==", false), ("=", false)] {
        if let Some((key, value)) = part.split_once(operator) {
            let values = vec![value_of(value.trim())?];
            return Some(Requirement::In { key: key_of(key.trim())?, values, negated });
        }
    }
    for (operator, above) in [('>', true), ('<', false)] {
        if let Some((key, bound)) = part.split_once(operator) {
            let bound = bound.trim().parse().ok()?;
            return Some(Requirement::Beyond { key: key_of(key.trim())?, bound, above });
        }
    }
    let (key, negated) = part.strip_prefix('!').map_or((part, false), |key| (key.trim(), true));
    Some(Requirement::Exists { key: key_of(key)?, negated })
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
            .filter(|part| !part.is_empty())
            .map(|part| {
                [("!=", true), ("==", false), ("=", false)]
                    .iter()
                    .find_map(|(operator, negated)| {
                        let (path, value) = part.split_once(operator)?;
                        // A `=` in a value would have to be escaped, which nothing here needs.
                        (!path.is_empty() && !value.contains('='))
                            .then(|| (path.to_owned(), value.to_owned(), *negated))
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
            (" app = x , ! tier ", true),
            ("volsync.backube/cleanup>0", true),
            ("volsync.backube/cleanup < 1", false),
            ("app>0", false),
        ] {
            assert_eq!(LabelSelector::parse(selector).unwrap().matches(&object), hit, "{selector}");
        }
        for wrong in [
            "app in x",
            "app within (x)",
            "a b",
            "a=b=c d",
            "!!a",
            "a=x,",
            ",a",
            "a,,b",
            "=x",
            "-a=1",
            "a=-1-",
            "n>x",
        ] {
            assert!(LabelSelector::parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn field_selectors_compare_text() {
        let pod = json!({"metadata": {"name": "p"}, "status": {"phase": "Running"}});
        let hit = |selector| FieldSelector::parse(selector).unwrap().matches(&pod);
        assert!(hit("metadata.name=p,status.phase!=Failed"));
        assert!(!hit("spec.nodeName=n"));
        for wrong in ["phase", "metadata.name=a=b", "=a"] {
            assert!(FieldSelector::parse(wrong).is_err(), "{wrong}");
        }
    }
}
