//! Jobs, as far as policies look at them.

use serde::Deserialize;

use super::Metadata;

/// A Job.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Job {
    /// Its metadata.
    pub metadata: Metadata,
    /// How far it is.
    pub status: JobStatus,
}

crate::resource!("batch/v1", Job);

/// How far a Job is.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct JobStatus {
    /// How many of its pods are pending or running.
    pub active: u32,
    /// How many of its pods succeeded.
    pub succeeded: u32,
    /// How many of its pods failed.
    pub failed: u32,
    /// Among them `Complete` or `Failed`, once it is over.
    pub conditions: Vec<Condition>,
}

/// Something that is so, or not.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Condition {
    /// What.
    #[serde(rename = "type")]
    pub condition_type: String,
    /// `True`, `False` or `Unknown`.
    pub status: String,
    /// Why, in one word.
    pub reason: String,
    /// Why, for people.
    pub message: String,
}

impl Job {
    /// Whether it is over, well or badly.
    pub fn is_finished(&self) -> bool {
        let is_over = |condition: &Condition| {
            matches!(condition.condition_type.as_str(), "Complete" | "Failed") && condition.status == "True"
        };
        self.status.conditions.iter().any(is_over)
    }
}
