//! What the status of many kinds says in the same form.

use serde::Deserialize;

use crate::Time;

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
    /// Since when the status is what it is. A new reason alone does not move it.
    #[serde(rename = "lastTransitionTime")]
    pub last_transition_time: Option<Time>,
}

impl Condition {
    /// Whether it is so.
    pub fn is_true(&self) -> bool {
        self.status == "True"
    }
}
