//! Conditions in CEL, made from values.

use serde_json::Value;
use suture_core::Timestamp;

/// The longest text that a condition compares with, in bytes; of a longer one it is only said
/// that it is there.
const LONGEST: usize = 200;
/// Words that can't name a field in CEL.
const RESERVED: [&str; 20] = [
    "as",
    "break",
    "const",
    "continue",
    "else",
    "false",
    "for",
    "function",
    "if",
    "import",
    "in",
    "let",
    "loop",
    "namespace",
    "null",
    "package",
    "return",
    "true",
    "var",
    "while",
];

/// A field that a change sets, or takes away.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Leaf {
    path: Vec<String>,
    /// Null: it was taken away.
    value: Value,
}

/// The fields that a merge patch changes, in order.
pub(super) fn leaves(patch: &Value) -> Vec<Leaf> {
    let mut found = Vec::new();
    collect(patch, &mut Vec::new(), &mut found);
    found
}

fn collect(value: &Value, path: &mut Vec<String>, found: &mut Vec<Leaf>) {
    match value {
        Value::Object(fields) if !fields.is_empty() => {
            for (key, value) in fields {
                path.push(key.clone());
                collect(value, path, found);
                path.pop();
            }
        }
        value if !path.is_empty() => found.push(Leaf { path: path.clone(), value: value.clone() }),
        _ => {}
    }
}

fn is_word(key: &str) -> bool {
    key.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && key.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        && !RESERVED.contains(&key)
}

impl Leaf {
    /// Whether it belongs to a part of an object, such as its status.
    pub fn is_in(&self, top: &str) -> bool {
        self.path.first().is_some_and(|first| first == top)
    }

    /// What holds for a change that sets just this. Field `root`: `patch` or `object`.
    pub fn condition(&self, root: &str) -> String {
        let place = self.place(root, false);
        match &self.value {
            Value::Null if self.path.last().is_some_and(|last| is_word(last)) => {
                format!("has({place}) && {place} == null")
            }
            Value::Null => format!("{place} == null"),
            value => match literal(value) {
                Some(literal) => format!("{place} == {literal}"),
                None => format!("{place} != null"),
            },
        }
    }

    /// What holds after a change that set just this, and not before it.
    pub fn transition(&self) -> String {
        let (after, before) = (self.place("object", true), self.place("oldObject", true));
        let (after, before) = (format!("{after}.orValue(null)"), format!("{before}.orValue(null)"));
        match (&self.value, literal(&self.value)) {
            (Value::Null, _) => format!("{after} == null && {before} != null"),
            (_, Some(literal)) => format!("{after} == {literal} && {before} != {literal}"),
            (_, None) => format!("{after} != {before}"),
        }
    }

    fn place(&self, root: &str, is_optional: bool) -> String {
        let mark = if is_optional { "?" } else { "" };
        let mut text = root.to_owned();
        for key in &self.path {
            if is_word(key) {
                text.push_str(&format!(".{mark}{key}"));
            } else {
                text.push_str(&format!("[{mark}{}]", quoted(key)));
            }
        }
        text
    }
}

fn quoted(text: &str) -> String {
    Value::from(text).to_string()
}

/// A value as CEL writes it; none where it is long, may be another next time, or is no scalar.
fn literal(value: &Value) -> Option<String> {
    match value {
        Value::String(text) if text.len() > LONGEST || text.parse::<Timestamp>().is_ok() => None,
        // Control characters and the like: CEL does not escape as JSON does.
        Value::String(text) if text.chars().any(|c| c.is_control()) => None,
        Value::String(text) => Some(quoted(text)),
        Value::Bool(value) => Some(value.to_string()),
        Value::Number(number) => Some(number.to_string()),
        Value::Array(items) if items.len() <= 8 => {
            let scalars =
                items.iter().filter(|item| !item.is_array()).map(literal).collect::<Option<Vec<_>>>()?;
            (scalars.len() == items.len()).then(|| format!("[{}]", scalars.join(", ")))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use suture_core::Expression;

    use super::*;

    fn holds(condition: &str, variables: &[(&str, &Value)]) -> bool {
        Expression::compile(condition)
            .and_then(|compiled| compiled.test(variables))
            .unwrap_or_else(|error| panic!("{error}"))
    }

    #[test]
    fn what_is_made_of_a_patch_holds_for_it_and_for_no_other() {
        let patch = json!({"spec": {"a": "b\"c", "n": 3, "f": 1.5, "on": true, "gone": null, "in": "x", "list": ["a", "b"], "deep": [{"x": 1}]},
            "metadata": {"annotations": {"a.b/c": "d", "e/f": null}}, "time": "2026-11-22T04:10:00Z"});
        let leaves = leaves(&patch);
        assert_eq!(leaves.len(), 11);
        for leaf in leaves {
            let condition = leaf.condition("patch");
            assert!(holds(&condition, &[("patch", &patch)]), "{condition}");
        }
    }

    #[test]
    fn a_transition_is_seen_once() {
        let (empty, set) = (json!({"spec": {}}), json!({"spec": {"trigger": {"manual": "t1"}}}));
        let sets = leaves(&set).remove(0).transition();
        let removes = leaves(&json!({"spec": {"trigger": {"manual": null}}})).remove(0).transition();
        for (before, after, is_set, is_removed) in [
            (&empty, &set, true, false),
            (&set, &set, false, false),
            (&set, &empty, false, true),
            (&empty, &empty, false, false),
        ] {
            let variables = [("object", after), ("oldObject", before)];
            assert_eq!(
                (holds(&sets, &variables), holds(&removes, &variables)),
                (is_set, is_removed),
                "{before} {after}"
            );
        }
    }
}
