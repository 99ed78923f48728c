//! Alerts as Alertmanager's API shows them.

use serde::Deserialize;

use super::{Alert, AlertStatus, Labels};
use crate::clock::Timestamp;

/// An alert that Alertmanager has, as its API (`/api/v2/alerts`) shows it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct KnownAlert {
    /// What identifies it, external labels included.
    pub labels: Labels,
    /// Since when it fires.
    pub starts_at: Timestamp,
    /// Alertmanager's fingerprint of its labels.
    pub fingerprint: String,
    /// What it says to people.
    #[serde(default)]
    pub annotations: Labels,
    /// Where people find more; may be empty.
    #[serde(default, rename = "generatorURL")]
    pub generator_url: String,
    #[serde(default)]
    receivers: Vec<Named>,
    status: KnownStatus,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
struct Named {
    name: String,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct KnownStatus {
    state: String,
    silenced_by: Vec<String>,
    inhibited_by: Vec<String>,
    /// Since 0.28: by time intervals of routes.
    muted_by: Vec<String>,
}

impl KnownAlert {
    /// Whether people are not to be told: it is silenced, inhibited, or muted by a time interval.
    pub fn is_suppressed(&self) -> bool {
        let KnownStatus { state, silenced_by, inhibited_by, muted_by } = &self.status;
        state == "suppressed" || [silenced_by, inhibited_by, muted_by].iter().any(|by| !by.is_empty())
    }

    /// The silences that keep it back.
    pub fn silenced_by(&self) -> &[String] {
        &self.status.silenced_by
    }

    /// Whether people are told: it fires, it was looked at, and nothing keeps it back.
    pub fn is_active(&self) -> bool {
        self.status.state == "active" && !self.is_suppressed()
    }

    /// Whether its routes lead to a receiver of that name.
    pub fn is_for(&self, receiver: &str) -> bool {
        self.receivers.iter().any(|named| named.name == receiver)
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
    use serde_json::json;

    use super::*;

    #[test]
    fn an_alert_of_the_api_is_what_a_receiver_of_its_would_have_been_posted() {
        let known: KnownAlert = serde_json::from_value(json!({"annotations": {"summary": "s"},
            "endsAt": "2026-11-23T10:20:00Z", "fingerprint": "f", "generatorURL": "http://p/g",
            "receivers": [{"name": "suture"}, {"name": "people"}], "startsAt": "2026-11-23T10:05:00Z",
            "status": {"inhibitedBy": [], "silencedBy": [], "mutedBy": [], "state": "active"},
            "labels": {"alertname": "A"}, "updatedAt": "2026-11-23T10:16:00Z"}))
        .unwrap();
        assert!(known.is_for("suture") && !known.is_for("sut") && known.is_active());
        let posted = known.as_posted();
        assert_eq!((posted.annotations["summary"].as_str(), posted.fingerprint.as_str()), ("s", "f"));
        assert_eq!((posted.generator_url.as_str(), posted.ends_at), ("http://p/g", None));
    }
}
