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
    /// Its receivers. Of each: the time intervals that mute it in each of its groups.
    receivers: BTreeMap<String, Vec<BTreeSet<String>>>,
}

impl KnownAlert {
    /// The alerts of some groups, each once.
    pub fn of_groups(groups: Vec<AlertGroup>) -> Vec<Self> {
        // By what they are: a fingerprint is only a hash, which two can share.
        let mut alerts: BTreeMap<Labels, Self> = BTreeMap::new();
        for AlertGroup { receiver, alerts: grouped } in groups {
            for Grouped { labels, starts_at, fingerprint, annotations, generator_url, status } in grouped {
                let Status { state, silenced_by, inhibited_by, muted_by } = status;
                // One that is muted is shown as suppressed by those who say so.
                let is_active = state == "active" || !muted_by.is_empty();
                let is_inhibited = !inhibited_by.is_empty()
                    || (state == "suppressed" && silenced_by.is_empty() && !is_active);
                let alert = alerts.entry(labels.clone()).or_insert_with(|| Self {
                    labels,
                    starts_at,
                    fingerprint,
                    annotations,
                    generator_url,
                    silenced_by: Vec::new(),
                    is_active: true,
                    is_inhibited: false,
                    receivers: BTreeMap::new(),
                });
                // Its groups may say different things: a silence can begin while they are asked.
                // Whichever keeps it back is believed.
                alert.is_active &= is_active && !is_inhibited && silenced_by.is_empty();
                alert.is_inhibited |= is_inhibited;
                alert.silenced_by.extend(silenced_by);
                let muted = muted_by.into_iter().collect();
                alert.receivers.entry(receiver.name.clone()).or_default().push(muted);
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

    /// A time interval that mutes it for all of these receivers that it goes to: then none is told.
    /// Where it goes to none of them, one that mutes it for each of its own; and where none are known,
    /// any: one that is muted has never posted, so it may be ours.
    pub fn muted_by(&self, receivers: &BTreeSet<&str>) -> Option<&str> {
        let ours: Vec<_> = receivers.iter().filter_map(|name| self.receivers.get(*name)).flatten().collect();
        let groups = if ours.is_empty() { self.receivers.values().flatten().collect() } else { ours };
        let tells_somebody = groups.iter().any(|intervals| intervals.is_empty());
        if tells_somebody && !receivers.is_empty() {
            return None;
        }
        groups.into_iter().flatten().next().map(String::as_str)
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
        let alert = known(vec![group("people", &active()), group("pager", &muted())]);
        assert_eq!(alert.muted_by(&ours), None, "somebody is told");
        assert_eq!(known(vec![group("people", &muted())]).muted_by(&ours), Some("night"));
        let alert = known(vec![group("suture", &muted()), group("suture", &active())]);
        assert_eq!(alert.muted_by(&ours), None, "it is posted by another route");
    }

    #[test]
    fn while_no_receiver_of_ours_is_known_any_time_interval_counts() {
        let nobodys = BTreeSet::new();
        let alert = known(vec![group("people", &active()), group("suture", &muted())]);
        assert_eq!(alert.muted_by(&nobodys), Some("night"), "who is muted has never posted");
        assert_eq!(known(vec![group("people", &active())]).muted_by(&nobodys), None);
    }

    #[test]
    fn of_an_alert_in_several_groups_the_word_that_keeps_it_back_counts() {
        let silenced = json!({"inhibitedBy": [], "silencedBy": ["x"], "state": "suppressed"});
        let inhibited = json!({"inhibitedBy": ["y"], "silencedBy": [], "state": "suppressed"});
        for (one, other) in [(&silenced, &active()), (&active(), &silenced), (&active(), &inhibited)] {
            let alert = known(vec![group("people", one), group("suture", other)]);
            assert!(alert.is_suppressed() && !alert.is_active());
        }
        let unseen = json!({"state": "unprocessed"});
        assert!(!known(vec![group("people", &active()), group("suture", &unseen)]).is_active());
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
