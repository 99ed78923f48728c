//! Somebody's word that nothing is to begin.

use serde::{Deserialize, Serialize};
use suture_core::Timestamp;

/// That somebody paused the host, or one policy. It outlives the process.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PauseRecord {
    /// The policy's name in the configuration; none where it is the whole host.
    pub policy: Option<String>,
    /// Who paused it.
    pub who: String,
    /// Why, in their words; empty where they gave no reason.
    pub reason: String,
    /// Since when.
    pub since: Timestamp,
    /// When it ends by itself; none where only a person ends it.
    pub until: Option<Timestamp>,
    /// Where the host is drained: from when on its runs are ended, and what they must undo is
    /// undone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub drain: Option<Timestamp>,
}

impl PauseRecord {
    /// Whether it still holds.
    pub fn holds(&self, now: Timestamp) -> bool {
        self.until.is_none_or(|until| now < until)
    }
}
