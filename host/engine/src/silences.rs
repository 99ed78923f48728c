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
}

impl SilenceQuery {
    pub(crate) fn of_record(incident: &IncidentRecord) -> Self {
        Self::new(&incident.alert.labels, &incident.key)
    }

    pub(crate) fn of(incident: &Incident) -> Self {
        Self::new(&incident.alert.labels, &incident.key)
    }

    fn new(labels: &Labels, key: &Labels) -> Self {
        let names = key.keys().filter(|name| *name != FINGERPRINT);
        Self { labels: labels.clone(), key: names.cloned().collect() }
    }
}

/// Knows which alerts are silenced, or inhibited by others.
#[async_trait]
pub trait Silences: Send + Sync {
    /// Why each of these alerts is to be left alone, in their order: a sentence for people. None for
    /// those of which nobody said so.
    ///
    /// # Errors
    /// Why that is not known: an alert may be silenced, then.
    async fn silenced(&self, alerts: &[SilenceQuery]) -> Result<Vec<Option<String>>, String>;
}

/// Why one alert is to be left alone.
///
/// # Errors
/// As of [`Silences::silenced`].
pub(crate) async fn silenced(silences: &dyn Silences, query: SilenceQuery) -> Result<Option<String>, String> {
    let mut answers = silences.silenced(&[query]).await?;
    match (answers.pop(), answers.is_empty()) {
        (Some(answer), true) => Ok(answer),
        (Some(_) | None, _) => Err("not one answer for one alert".to_owned()),
    }
}
