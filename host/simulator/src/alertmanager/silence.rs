//! Silences.

use suture_core::{Labels, Timestamp};

/// A silence, each of whose matchers is `label="value"`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Silence {
    /// Alerts that have these labels.
    pub labels: Labels,
    /// From when.
    pub from: Timestamp,
    /// Until when.
    pub until: Timestamp,
}

impl Silence {
    /// Whether it holds for an alert now.
    pub fn covers(&self, labels: &Labels, now: Timestamp) -> bool {
        let has = |(name, value): (&String, &String)| labels.get(name) == Some(value);
        self.from <= now && now < self.until && self.labels.iter().all(has)
    }
}
