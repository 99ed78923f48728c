//! What keeps alerts from being notified of.

use suture_core::{Labels, Timestamp};

use super::alert::Known;

/// A silence.
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
        self.from <= now && now < self.until && has(labels, &self.labels)
    }
}

/// One of `inhibit_rules`, whose matchers are all of the kind `name="value"`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Inhibition {
    /// What the alert has that inhibits.
    pub source: Labels,
    /// What the alert has that is inhibited.
    pub target: Labels,
    /// What both must have alike.
    pub equal: Vec<String>,
}

impl Inhibition {
    /// Whether an alert inhibits another now (`inhibit/inhibit.go`). Two that are sources and targets
    /// both don't inhibit each other.
    pub(super) fn holds(&self, source: &Known, target: &Labels, now: Timestamp) -> bool {
        let is_both = |labels: &Labels| has(labels, &self.source) && has(labels, &self.target);
        let none = String::new();
        let value = |labels: &Labels, name: &String| labels.get(name).unwrap_or(&none).clone();
        !source.is_over(now)
            && has(&source.labels, &self.source)
            && has(target, &self.target)
            && self.equal.iter().all(|name| value(&source.labels, name) == value(target, name))
            && !(is_both(&source.labels) && is_both(target))
    }
}

fn has(labels: &Labels, wanted: &Labels) -> bool {
    wanted.iter().all(|(name, value)| labels.get(name) == Some(value))
}
