//! Alerts as Alertmanager's API shows them.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use super::{Alert, AlertStatus, Labels};
use crate::clock::{Timestamp, written};

/// A group of alerts for one receiver, as Alertmanager's API (`/api/v2/alerts/groups`) shows it.
/// Only there are alerts said to be muted by a time interval: that is so of a group, and as of when
/// Alertmanager looked at it last (`group_interval`).
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct AlertGroup {
    receiver: Receiver,
    alerts: Vec<Grouped>,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
struct Receiver {
    name: String,
}

/// An alert in a group.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Grouped {
    labels: Labels,
    #[serde(deserialize_with = "written")]
    starts_at: Timestamp,
    fingerprint: String,
    #[serde(default)]
    annotations: Labels,
    #[serde(default, rename = "generatorURL")]
    generator_url: String,
    status: Status,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Status {
    state: String,
    silenced_by: Vec<String>,
    inhibited_by: Vec<String>,
    /// Since 0.28: the time intervals of the group's route that mute it.
    muted_by: Vec<String>,
}

/// An alert that Alertmanager has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownAlert {
    /// What identifies it, external labels included.
    pub labels: Labels,
    /// Since when it fires.
    pub starts_at: Timestamp,
    /// Alertmanager's fingerprint of its labels.
    pub fingerprint: String,
    /// What it says to people.
    pub annotations: Labels,
    /// Where people find more; may be empty.
    pub generator_url: String,
    /// The ids of silences that keep it back.
    pub silenced_by: Vec<String>,
    /// It was looked at, and is neither silenced nor inhibited.
    is_active: bool,
    is_inhibited: bool,
    /// Its receivers, and the time intervals that mute it for each.
    receivers: BTreeMap<String, BTreeSet<String>>,
}

impl KnownAlert {
    /// The alerts of some groups, each once.
    pub fn of_groups(groups: Vec<AlertGroup>) -> Vec<Self> {
        let mut alerts: BTreeMap<String, Self> = BTreeMap::new();
        for AlertGroup { receiver, alerts: grouped } in groups {
            for Grouped { labels, starts_at, fingerprint, annotations, generator_url, status } in grouped {
                let Status { state, silenced_by, inhibited_by, muted_by } = status;
                // One that is muted is shown as suppressed by those who say so.
                let is_active = state == "active" || !muted_by.is_empty();
                let is_inhibited = !inhibited_by.is_empty()
                    || (state == "suppressed" && silenced_by.is_empty() && !is_active);
                let alert = alerts.entry(fingerprint.clone()).or_insert_with(|| Self {
                    labels,
                    starts_at,
                    fingerprint,
                    annotations,
                    generator_url,
                    is_active: is_active && !is_inhibited && silenced_by.is_empty(),
                    silenced_by,
                    is_inhibited,
                    receivers: BTreeMap::new(),
                });
                alert.receivers.entry(receiver.name.clone()).or_default().extend(muted_by);
            }
        }
        alerts.into_values().collect()
    }

    /// Whether it is silenced, or inhibited by another.
    pub fn is_suppressed(&self) -> bool {
        self.is_inhibited || !self.silenced_by.is_empty()
    }

    /// Whether it fires, was looked at, and is neither silenced nor inhibited.
    pub fn is_active(&self) -> bool {
        self.is_active
    }

    /// A time interval that mutes it for one of these receivers; where it goes to none of them, one
    /// for each of its own: then nobody is told.
    pub fn muted_by(&self, receivers: &BTreeSet<&str>) -> Option<&str> {
        let ours: Vec<_> = receivers.iter().filter_map(|name| self.receivers.get(*name)).collect();
        if ours.is_empty() && self.receivers.values().any(BTreeSet::is_empty) {
            return None;
        }
        let of_any = || self.receivers.values().flatten().next();
        let interval = if ours.is_empty() { of_any() } else { ours.into_iter().flatten().next() };
        interval.map(String::as_str)
    }

    /// Whether its routes lead to a receiver of that name.
    pub fn is_for(&self, receiver: &str) -> bool {
        self.receivers.contains_key(receiver)
    }

    /// As it would have been posted.
    pub fn as_posted(&self) -> Alert {
        Alert {
            status: AlertStatus::Firing,
            labels: self.labels.clone(),
            annotations: self.annotations.clone(),
            starts_at: self.starts_at,
            ends_at: None,
            generator_url: self.generator_url.clone(),
            fingerprint: self.fingerprint.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    /// As Alertmanager 0.35 answers.
    fn group(receiver: &str, status: &Value) -> AlertGroup {
        serde_json::from_value(json!({"receiver": {"name": receiver}, "labels": {}, "routeLabels": {},
            "alerts": [{"annotations": {"summary": "s"}, "endsAt": "2026-11-23T10:20:00Z", "fingerprint": "f",
            "generatorURL": "http://p/g", "receivers": [{"name": "suture"}, {"name": "people"}],
            "startsAt": "2026-11-23T10:05:00Z", "status": status, "labels": {"alertname": "A"},
            "updatedAt": "2026-11-23T10:16:00Z"}]}))
        .unwrap()
    }

    fn known(groups: Vec<AlertGroup>) -> KnownAlert {
        let mut known = KnownAlert::of_groups(groups);
        assert_eq!(known.len(), 1, "each alert once");
        known.remove(0)
    }

    fn active() -> Value {
        json!({"inhibitedBy": [], "silencedBy": [], "mutedBy": [], "state": "active"})
    }

    fn muted() -> Value {
        json!({"inhibitedBy": [], "silencedBy": [], "mutedBy": ["night"], "state": "suppressed"})
    }

    #[test]
    fn an_alert_of_the_api_is_what_a_receiver_of_its_would_have_been_posted() {
        let known = known(vec![group("suture", &active()), group("people", &active())]);
        assert!(known.is_for("suture") && !known.is_for("sut") && known.is_active());
        let posted = known.as_posted();
        assert_eq!((posted.annotations["summary"].as_str(), posted.fingerprint.as_str()), ("s", "f"));
        assert_eq!((posted.generator_url.as_str(), posted.ends_at), ("http://p/g", None));
    }

    #[test]
    fn a_time_interval_mutes_for_its_own_receiver() {
        let ours = BTreeSet::from(["suture"]);
        let alert = known(vec![group("people", &active()), group("suture", &muted())]);
        assert_eq!(alert.muted_by(&ours), Some("night"));
        assert!(!alert.is_suppressed() && alert.is_active(), "that is another matter");
        let alert = known(vec![group("people", &muted()), group("suture", &active())]);
        assert_eq!(alert.muted_by(&ours), None);
        let nobodys = BTreeSet::new();
        assert_eq!(alert.muted_by(&nobodys), None, "somebody is told");
        assert_eq!(known(vec![group("people", &muted())]).muted_by(&nobodys), Some("night"));
        assert_eq!(known(vec![group("people", &muted())]).muted_by(&ours), Some("night"));
    }

    #[test]
    fn what_is_silenced_or_inhibited_is_so_however_old_the_alertmanager_is() {
        for status in [
            json!({"inhibitedBy": ["x"], "silencedBy": [], "state": "suppressed"}),
            json!({"inhibitedBy": [], "silencedBy": ["x"], "state": "suppressed"}),
            json!({"inhibitedBy": [], "silencedBy": ["x"], "mutedBy": ["night"], "state": "suppressed"}),
            json!({"state": "suppressed"}),
        ] {
            let alert = known(vec![group("suture", &status)]);
            assert!(alert.is_suppressed() && !alert.is_active(), "{status}");
        }
        let new = known(vec![group("suture", &json!({"state": "unprocessed"}))]);
        assert!(!new.is_suppressed() && !new.is_active());
    }
}
