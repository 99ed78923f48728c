//! What a wait is for.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What a wait is for. Data, never an expression that a policy supplies.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Predicate {
    /// The object is gone, or replaced by another of its name.
    Deleted,
    /// All tests hold.
    All(Vec<Test>),
    /// At least one holds.
    Any(Vec<Test>),
}

impl Predicate {
    /// Whether it holds for an object that exists.
    pub fn holds(&self, object: &Value) -> bool {
        match self {
            Self::Deleted => false,
            Self::All(tests) => tests.iter().all(|test| test.holds(object)),
            Self::Any(tests) => tests.iter().any(|test| test.holds(object)),
        }
    }
}

/// One question about an object.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Test {
    /// A JSON pointer, RFC 6901.
    pub pointer: String,
    /// The comparison.
    pub op: Op,
    /// What to compare with; null for `exists` and `absent`.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub value: Value,
}

impl Test {
    /// Whether it holds for an object. Null counts as no value.
    pub fn holds(&self, object: &Value) -> bool {
        let found = object.pointer(&self.pointer).filter(|value| !value.is_null());
        match self.op {
            Op::Exists => found.is_some(),
            Op::Absent => found.is_none(),
            Op::Equals => found == Some(&self.value),
            Op::NotEquals => found != Some(&self.value),
        }
    }
}

/// A comparison in a [`Test`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Op {
    /// There is a value.
    Exists,
    /// There is none.
    Absent,
    /// It is equal.
    Equals,
    /// It is different, or absent.
    NotEquals,
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_null_value_counts_as_absent_and_as_different() {
        let object = json!({"spec": {"a": null, "b": 1}});
        let holds = |pointer: &str, op, value| Test { pointer: pointer.into(), op, value }.holds(&object);
        assert!(holds("/spec/a", Op::Absent, Value::Null));
        assert!(holds("/spec/a", Op::NotEquals, json!(1)));
        assert!(holds("/spec/b", Op::Equals, json!(1)));
        assert!(!holds("/spec/c/d", Op::Exists, Value::Null));
    }
}
