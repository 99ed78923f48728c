//! What people have said to leave alone: an alert that somebody silenced is not acted on, however
//! late that was said.

use async_trait::async_trait;
use suture_core::{Incident, Labels};
use suture_journal::IncidentRecord;

use crate::key::FINGERPRINT;

/// An alert, to ask whether it is silenced.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SilenceQuery {
    /// Its labels, as they were posted.
    pub labels: Labels,
    /// The names of the labels that tell its incident from others; empty where each alert is an
    /// incident of its own.
    pub key: Vec<String>,
    /// The policy that it is for: a time interval mutes for its receivers, and not for others.
    pub policy: String,
}

impl SilenceQuery {
    pub(crate) fn of_record(incident: &IncidentRecord) -> Self {
        Self::new(&incident.alert.labels, &incident.key, &incident.policy)
    }

    pub(crate) fn of(incident: &Incident, policy: &str) -> Self {
        Self::new(&incident.alert.labels, &incident.key, policy)
    }

    fn new(labels: &Labels, key: &Labels, policy: &str) -> Self {
        let names = key.keys().filter(|name| *name != FINGERPRINT);
        Self { labels: labels.clone(), key: names.cloned().collect(), policy: policy.to_owned() }
    }
}

/// What Alertmanager says of an alert.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Suppression {
    /// Nothing keeps it back.
    None,
    /// Why it is to be left alone: a sentence for people.
    By(String),
    /// Nobody has it, and no silence is for it.
    Unlisted,
}

/// Knows which alerts are silenced, inhibited by others, or muted by a time interval.
#[async_trait]
pub trait Silences: Send + Sync {
    /// What is said of each of these alerts, in their order; or why that is not known, for which
    /// the alert may be silenced.
    async fn suppressions(&self, alerts: &[SilenceQuery]) -> Vec<Result<Suppression, String>>;
}

/// Why one alert is to be left alone; none where nobody says so.
///
/// # Errors
/// Why that is not known.
pub(crate) async fn silenced(silences: &dyn Silences, query: SilenceQuery) -> Result<Option<String>, String> {
    let mut answers = silences.suppressions(&[query]).await;
    match (answers.pop(), answers.is_empty()) {
        (Some(answer), true) => answer.map(|suppression| match suppression {
            Suppression::By(why) => Some(why),
            Suppression::None | Suppression::Unlisted => None,
        }),
        (Some(_) | None, _) => Err("not one answer for one alert".to_owned()),
    }
}
