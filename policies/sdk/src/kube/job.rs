//! Jobs, as far as policies look at them.

use serde::Deserialize;

use super::{Condition, Metadata};

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

impl Job {
    /// Whether it is over, well or badly.
    pub fn is_finished(&self) -> bool {
        let mut conditions = self.status.conditions.iter().filter(|condition| condition.is_true());
        conditions.any(|condition| matches!(condition.name.as_str(), "Complete" | "Failed"))
    }
}
