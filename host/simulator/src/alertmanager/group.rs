//! One group of alerts: when it is looked at, and what is news of it.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::SignedDuration;
use suture_core::clock::later;
use suture_core::{Labels, Notification, Timestamp};

use super::alert::Known;

/// The alerts of one value of `group_by`.
#[derive(Clone, Debug)]
pub(super) struct Group {
    alerts: BTreeMap<Labels, Known>,
    pub next: Timestamp,
}

/// What is to be delivered.
#[derive(Clone, Debug)]
pub struct Flushed {
    /// The group's labels.
    pub group: Labels,
    /// All alerts of the group at that moment, suppressed ones too.
    pub(super) seen: Vec<Known>,
    pub(super) next: Notified,
    /// The webhook's body.
    pub notification: Notification,
}

/// What the receiver was last told of a group: an entry of the notification log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notified {
    pub(super) at: Timestamp,
    firing: BTreeSet<Labels>,
    resolved: BTreeSet<Labels>,
}

impl Group {
    /// A group for an alert: one that holds for long enough already does not wait.
    pub fn new(first: &Known, wait: Duration, now: Timestamp) -> Self {
        let is_old = later(first.starts_at, wait) < now;
        Self { alerts: BTreeMap::new(), next: if is_old { now } else { later(now, wait) } }
    }

    pub fn insert(&mut self, alert: Known) {
        self.alerts.insert(alert.labels.clone(), alert);
    }

    pub fn flush(&mut self, now: Timestamp, interval: Duration) -> Vec<Known> {
        self.next = later(now, interval);
        self.alerts.values().cloned().collect()
    }

    /// Forget what was over when it was seen, unless it was posted anew since.
    pub fn forget_resolved(&mut self, flushed_at: Timestamp, seen: &[Known]) {
        for alert in seen {
            if alert.is_over(flushed_at) && self.alerts.get(&alert.labels) == Some(alert) {
                self.alerts.remove(&alert.labels);
            }
        }
    }

    pub fn is_empty(&self) -> bool {
        self.alerts.is_empty()
    }
}

impl Notified {
    pub(super) fn of(heard: &[Known], now: Timestamp) -> Self {
        let (resolved, firing): (Vec<_>, Vec<_>) = heard.iter().partition(|alert| alert.is_over(now));
        let labels = |alerts: Vec<&Known>| alerts.into_iter().map(|alert| alert.labels.clone()).collect();
        Self { at: now, firing: labels(firing), resolved: labels(resolved) }
    }

    /// Whether it is to be delivered after what was before (`DedupStage.needsUpdate`, with
    /// `send_resolved`).
    pub(super) fn is_news(&self, before: Option<&Self>, repeat: Duration) -> bool {
        let Some(before) = before else { return !self.firing.is_empty() };
        if !self.firing.is_subset(&before.firing) {
            return true;
        }
        if self.firing.is_empty() {
            return !before.firing.is_empty();
        }
        if !self.resolved.is_subset(&before.resolved) {
            return true;
        }
        let repeat = SignedDuration::try_from(repeat).unwrap_or(SignedDuration::MAX);
        self.at.duration_since(before.at) > repeat
    }
}
