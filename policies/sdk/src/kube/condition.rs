//! What the status of many kinds says in the same form.

use serde::Deserialize;

/// Something that is so, or not, or not known.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Condition {
    /// What: the field `type`.
    #[serde(rename = "type")]
    pub name: String,
    /// `True`, `False` or `Unknown`.
    pub status: String,
    /// Why, in one word.
    pub reason: String,
    /// Why, for people.
    pub message: String,
}

impl Condition {
    /// Whether it is so.
    pub fn is_true(&self) -> bool {
        self.status == "True"
    }
}
