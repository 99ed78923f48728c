//! What a run works on.

use std::collections::BTreeMap;

use crate::wit::types;
use crate::{Error, Result, Time};

/// Label or annotation names and values.
pub type Labels = BTreeMap<String, String>;

/// What a run works on: one policy and one key, from the first firing alert until it is
/// resolved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Incident {
    /// Unique, and the same for all attempts.
    pub id: String,
    /// 1 for the first run, 2 for its first retry, …
    pub attempt: u32,
    /// The labels that the manifest names in `key`. The host has checked that each value
    /// is a valid Kubernetes name.
    pub key: Labels,
    /// The alert that opened the incident, in its latest form.
    pub alert: Alert,
}

/// One alert. Everything in it was chosen by whoever can write a rule or post to the
/// webhook: a hint, not a proof.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alert {
    /// Whether it fires; false where Alertmanager said that it is resolved.
    pub firing: bool,
    /// Its labels.
    pub labels: Labels,
    /// Its annotations.
    pub annotations: Labels,
    /// When it began to fire.
    pub starts_at: Option<Time>,
    /// When it was resolved, if it was.
    pub ends_at: Option<Time>,
    /// A link to the expression that fires.
    pub generator_url: String,
    /// Alertmanager's hash of the labels.
    pub fingerprint: String,
}

impl Incident {
    /// The value of a key label.
    ///
    /// # Errors
    /// Where the manifest does not name the label in `key`.
    pub fn key(&self, label: &str) -> Result<&str> {
        let value = self.key.get(label).map(String::as_str);
        value.ok_or_else(|| Error::new(format!("`{label}` is not among the manifest's key labels")))
    }

    /// The value of any label of the alert.
    pub fn label(&self, name: &str) -> Option<&str> {
        self.alert.labels.get(name).map(String::as_str)
    }
}

impl From<types::Incident> for Incident {
    fn from(incident: types::Incident) -> Self {
        let types::Incident { id, key, alert, attempt, settings: _ } = incident;
        let alert = Alert {
            firing: alert.status == types::AlertStatus::Firing,
            labels: alert.labels.into_iter().collect(),
            annotations: alert.annotations.into_iter().collect(),
            starts_at: Time::parse(&alert.starts_at),
            ends_at: alert.ends_at.as_deref().and_then(Time::parse),
            generator_url: alert.generator_url,
            fingerprint: alert.fingerprint,
        };
        Self { id, attempt, key: key.into_iter().collect(), alert }
    }
}
