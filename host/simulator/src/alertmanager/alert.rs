//! An alert, as it is posted and as it is known.

use std::cmp::Ordering;
use std::collections::BTreeSet;
use std::time::Duration;

use suture_core::clock::later;
use suture_core::{Alert, AlertStatus, Labels, Timestamp};

/// An alert as it is posted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Posted {
    /// What identifies it.
    pub labels: Labels,
    /// Since when it holds.
    pub starts_at: Timestamp,
    /// Until when. In the past: it is over. None: until nobody has posted it for `resolve_timeout`.
    pub ends_at: Option<Timestamp>,
}

/// An alert as Alertmanager keeps it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Known {
    pub labels: Labels,
    pub starts_at: Timestamp,
    pub ends_at: Timestamp,
    /// Whether nobody said until when it holds.
    is_timeout: bool,
}

impl Known {
    pub fn new(posted: Posted, resolve_timeout: Duration, now: Timestamp) -> Self {
        let Posted { labels, starts_at, ends_at } = posted;
        let is_timeout = ends_at.is_none();
        Self {
            labels,
            starts_at,
            ends_at: ends_at.unwrap_or_else(|| later(now, resolve_timeout)),
            is_timeout,
        }
    }

    pub fn is_over(&self, now: Timestamp) -> bool {
        self.ends_at <= now
    }

    /// Whether what is posted goes on with what is known (`provider/mem`, `Put`).
    pub fn overlaps(&self, newer: &Self) -> bool {
        let ends_within = newer.ends_at > self.starts_at && newer.ends_at < self.ends_at;
        let starts_within = newer.starts_at > self.starts_at && newer.starts_at < self.ends_at;
        ends_within || starts_within
    }

    /// Both as one (`alert.Merge`): the later post wins, from the earlier start on. Of two ends the
    /// later counts, unless only the newer is over, or nobody gave the older.
    pub fn merged(&self, newer: Self, now: Timestamp) -> Self {
        let counts = if newer.is_over(now) { self.is_over(now) } else { !self.is_timeout };
        let ends_at = if counts { newer.ends_at.max(self.ends_at) } else { newer.ends_at };
        Self { starts_at: self.starts_at.min(newer.starts_at), ends_at, ..newer }
    }

    /// As a notification shows it.
    pub fn shown(&self, now: Timestamp) -> Alert {
        let is_over = self.is_over(now);
        Alert {
            status: if is_over { AlertStatus::Resolved } else { AlertStatus::Firing },
            labels: self.labels.clone(),
            annotations: Labels::new(),
            starts_at: self.starts_at,
            ends_at: is_over.then_some(self.ends_at),
            generator_url: String::new(),
            fingerprint: suture_core::alert::fingerprint_of(&self.labels),
        }
    }

    /// The order of alerts in a notification (`AlertSlice`): by job and by instance, what has none of
    /// them last; then by how many labels there are; then by labels, what has none of a name first.
    pub fn order(&self, other: &Self) -> Ordering {
        let by = |name: &str| match (self.labels.get(name), other.labels.get(name)) {
            (Some(own), Some(others)) => own.cmp(others),
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (None, None) => Ordering::Equal,
        };
        let names: BTreeSet<&String> = self.labels.keys().chain(other.labels.keys()).collect();
        let by_value = |name: &String| self.labels.get(name).cmp(&other.labels.get(name));
        by("job")
            .then_with(|| by("instance"))
            .then(self.labels.len().cmp(&other.labels.len()))
            .then_with(|| names.into_iter().map(by_value).fold(Ordering::Equal, Ordering::then))
    }
}
