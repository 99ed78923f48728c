//! Alerts as Alertmanager posts them (webhook payload, version 4).

mod fingerprint;
mod known;
mod stream;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

pub use fingerprint::{alertmanager_fingerprint, fingerprint_of};
pub use known::{AlertGroup, KnownAlert};
pub use stream::{Envelope, Read};

use crate::clock::{Timestamp, written, written_if_any};

/// Label or annotation names and values.
pub type Labels = BTreeMap<String, String>;

/// Whether an alert fires.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum AlertStatus {
    /// It fires.
    Firing,
    /// It no longer does.
    Resolved,
}

/// One alert of a notification. Unknown fields are ignored: newer releases add some.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Alert {
    /// Its own status: a group that fires can hold resolved alerts.
    pub status: AlertStatus,
    /// Its labels.
    pub labels: Labels,
    /// Its annotations.
    #[serde(default)]
    pub annotations: Labels,
    /// When it began to fire.
    #[serde(deserialize_with = "written")]
    pub starts_at: Timestamp,
    /// When it was resolved. Alertmanager writes year 1 for "not yet".
    #[serde(default, deserialize_with = "never_is_none", skip_serializing_if = "Option::is_none")]
    pub ends_at: Option<Timestamp>,
    /// A link to the expression in Prometheus.
    #[serde(default, rename = "generatorURL")]
    pub generator_url: String,
    /// Alertmanager's hash of the labels, as it was posted: [`fingerprint`](Self::fingerprint) is
    /// what counts.
    #[serde(default)]
    pub fingerprint: String,
}

impl Alert {
    /// What identifies one firing of this alert: the same alert delivered twice has
    /// the same identity.
    pub fn identity(&self) -> (String, Timestamp) {
        (self.fingerprint(), self.starts_at)
    }

    /// The fingerprint that Alertmanager gives these labels. What was posted is not believed: with
    /// another one the same alert would be another.
    pub fn fingerprint(&self) -> String {
        alertmanager_fingerprint(&self.labels)
    }
}

fn never_is_none<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<Timestamp>, D::Error> {
    let time = written_if_any(deserializer)?;
    Ok(time.filter(|time| time.as_second() > 0))
}

/// What Alertmanager posts to a webhook receiver.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Notification {
    /// The payload's version: `4`.
    #[serde(default)]
    pub version: String,
    /// Identifies the group. Never deduplicate by it: every send carries all alerts.
    #[serde(default)]
    pub group_key: String,
    /// How many alerts `max_alerts` cut off.
    #[serde(default)]
    pub truncated_alerts: u64,
    /// The receiver's name.
    #[serde(default)]
    pub receiver: String,
    /// The alerts.
    pub alerts: Vec<Alert>,
}

impl Notification {
    /// Read a request body. Where it comes from outside, [`Envelope::parse`] does so in
    /// bounded memory.
    ///
    /// # Errors
    /// Where it stops being one: line, column, and what was expected.
    pub fn parse(body: &[u8]) -> Result<Self, serde_json::Error> {
        serde_json::from_slice(body)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_notification_of_a_newer_alertmanager_is_read() {
        let body = br#"{"version":"4","groupKey":"{}:{}","truncatedAlerts":0,"status":"firing","receiver":"suture",
            "notification_reason":"x","alerts":[{"status":"firing","labels":{"alertname":"A"},"annotations":{},
            "startsAt":"2026-11-22T04:10:00.123Z","endsAt":"0001-01-01T00:00:00Z","generatorURL":"http://p","fingerprint":"f"}]}"#;
        let notification = Notification::parse(body).unwrap();
        assert_eq!(notification.alerts[0].ends_at, None);
        assert_eq!(notification.alerts[0].generator_url, "http://p");
    }

    #[test]
    fn a_body_that_is_no_notification_names_the_place() {
        let error = Notification::parse(br#"{"alerts":[{"status":"burning"}]}"#).unwrap_err().to_string();
        assert!(error.contains("burning") && error.contains("column"), "{error}");
    }

    #[test]
    fn alerts_without_a_fingerprint_are_told_apart_by_their_labels() {
        let alert = |label: &str| -> Alert {
            serde_json::from_value(serde_json::json!({"status": "firing", "labels": {"a": label},
                "startsAt": "2026-11-22T04:10:00Z"}))
            .unwrap()
        };
        assert_eq!(alert("x").fingerprint(), alert("x").fingerprint());
        assert_ne!(alert("x").fingerprint(), alert("y").fingerprint());
    }
}
