//! What keeps alerts from being notified of.

use suture_core::{Labels, Timestamp};

/// A silence, or the time in which an inhibiting alert fires.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Suppression {
    /// Alerts that have these labels.
    pub labels: Labels,
    /// From when.
    pub from: Timestamp,
    /// Until when.
    pub until: Timestamp,
}

impl Suppression {
    /// Whether it holds for an alert now.
    pub fn covers(&self, labels: &Labels, now: Timestamp) -> bool {
        let has = |(name, value): (&String, &String)| labels.get(name) == Some(value);
        self.from <= now && now < self.until && self.labels.iter().all(has)
    }
}
