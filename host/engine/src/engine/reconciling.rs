//! Taking alerts that were found, where they should have been posted.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::json;
use suture_core::clock::later;
use suture_core::{Alert, Envelope, KnownAlert, Labels};
use suture_journal::{IncidentRecord, JournalError, Sought};

use super::Engine;
use crate::confirm::Standing;
use crate::dispatcher::is_our_own;
use crate::key::key;
use crate::policy::{Policy, PolicyStatus};
use crate::reconcile::{Alertmanagers, Receiver, Unreconciled, merged};

/// The most alerts in one notification, so that each is written in one piece.
const BATCH: usize = 100;

/// The open incidents of some alerts of a policy, confirmed or not.
pub struct OpenIncidents {
    policy: String,
    incidents: Vec<IncidentRecord>,
}

impl OpenIncidents {
    /// Whether an incident of this very firing is among them.
    pub fn know(&self, alert: &Alert) -> bool {
        self.incidents.iter().any(|incident| {
            incident.policy == self.policy
                && incident.alert.labels == alert.labels
                && incident.starts_at >= alert.starts_at
        })
    }
}

impl Engine {
    /// The open incidents of alerts that are for a policy.
    ///
    /// # Errors
    /// Where the journal can't be read.
    pub async fn open_incidents(
        &self,
        policy: &Policy,
        alerts: &[Alert],
    ) -> Result<OpenIncidents, JournalError> {
        let name = policy.config.name.clone();
        let Ok(program) = &policy.program else {
            return Ok(OpenIncidents { policy: name, incidents: Vec::new() });
        };
        let sought = |alert: &Alert| {
            let key = key(program.manifest(), &alert.labels).ok()?;
            Some(Sought { policy: name.clone(), key, fingerprint: alert.fingerprint() })
        };
        let sought: Vec<Sought> = alerts.iter().filter_map(sought).collect();
        let mut incidents = self.journal().open_of(sought.clone()).await?;
        incidents.extend(self.journal().received_of(sought).await?);
        Ok(OpenIncidents { policy: name, incidents })
    }

    /// Accept alerts for a policy as if a receiver of that name had posted them.
    ///
    /// # Errors
    /// Why they are not accepted, or not all.
    pub async fn accept_alerts(&self, policy: &str, receiver: &str, alerts: &[Alert]) -> Result<(), String> {
        for batch in alerts.chunks(BATCH) {
            let body =
                json!({"version": "4", "receiver": receiver, "alerts": batch}).to_string().into_bytes();
            let notification = Envelope::parse(&body, drop).map_err(|error| error.to_string())?;
            let accepted = self.accept(Some(policy), notification, body).await;
            accepted.map_err(|error| error.to_string())?;
        }
        Ok(())
    }

    /// What of Alertmanager could not be read the last time, and since when; none where all was.
    pub fn unreconciled(&self) -> Option<Unreconciled> {
        self.0.unreconciled.read().clone()
    }

    pub(crate) fn note_reconciled(&self, result: Result<(), &String>) {
        let now = self.now();
        let mut unreconciled = self.0.unreconciled.write();
        *unreconciled = result.err().map(|message| {
            let since = unreconciled.as_ref().map_or(now, |before| before.since);
            Unreconciled { since, tried_at: now, message: message.clone() }
        });
    }

    /// Ask all Alertmanagers what they have for these receivers, and accept what fires, is not
    /// silenced, inhibited or muted, is no younger than `youngest`, and has no open incident. Answers how many
    /// those are.
    ///
    /// # Errors
    /// Why nothing was accepted, or not all: somebody who must be asked can't be.
    pub async fn reconcile(
        &self,
        alertmanagers: &dyn Alertmanagers,
        receivers: &BTreeSet<Receiver>,
        youngest: Duration,
    ) -> Result<usize, String> {
        if receivers.is_empty() {
            return Ok(0);
        }
        let names: BTreeSet<&str> = receivers.iter().map(|receiver| receiver.name.as_str()).collect();
        let mut alerts = merged(alertmanagers.alerts_for(&names).await?, &names);
        let now = self.now();
        alerts.retain(|alert| later(alert.starts_at, youngest) <= now);
        let mut accepted = 0;
        for PolicyStatus { name, .. } in self.policies() {
            // It may be gone since.
            let Some(policy) = self.policy(&name) else { continue };
            let missing = self.missing(&policy, &alerts, receivers).await?;
            self.accept_alerts(&name, "reconcile", &missing).await?;
            if !missing.is_empty() {
                tracing::warn!(
                    policy = name,
                    alerts = missing.len(),
                    "Alertmanager has alerts that never arrived here; they are handled now"
                );
            }
            accepted += missing.len();
        }
        Ok(accepted)
    }

    /// Alerts that were to be posted for a policy, fire, and have no incident.
    async fn missing(
        &self,
        policy: &Policy,
        alerts: &[KnownAlert],
        receivers: &BTreeSet<Receiver>,
    ) -> Result<Vec<Alert>, String> {
        let name = &policy.config.name;
        let is_for_it = |alert: &&KnownAlert| {
            // One that a time interval mutes for one receiver may be posted to another.
            let is_told =
                |name: &str| alert.is_for(name) && alert.muted_by(&BTreeSet::from([name])).is_none();
            let mut posted_by = receivers.iter().filter(|receiver| is_told(&receiver.name));
            posted_by.any(|receiver| match &receiver.policy {
                None => policy.wants(&alert.labels, false),
                Some(by_name) => by_name == name && policy.wants(&alert.labels, true),
            })
        };
        let wanted = alerts.iter().filter(is_for_it).filter(|alert| !is_our_own(&alert.labels));
        let wanted: Vec<Alert> = wanted.map(KnownAlert::as_posted).collect();
        let incidents = self.open_incidents(policy, &wanted).await.map_err(|error| error.to_string())?;
        let unknown: Vec<Alert> = wanted.into_iter().filter(|alert| !incidents.know(alert)).collect();
        if unknown.is_empty() {
            return Ok(unknown);
        }
        // Alertmanager has an alert for some minutes longer than its rule holds.
        let labels: Vec<&Labels> = unknown.iter().map(|alert| &alert.labels).collect();
        let standings = self.standing(policy, &labels).await?;
        let is_news = |(alert, standing): &(Alert, Standing)| match standing {
            Standing::Unasked => true,
            // What Alertmanager takes for a new firing may be the same to Prometheus.
            Standing::Firing { since, .. } => !incidents.know(&Alert { starts_at: *since, ..alert.clone() }),
            Standing::Pending | Standing::KeptFiring(_) | Standing::Absent(_) => false,
        };
        Ok(unknown.into_iter().zip(standings).filter(is_news).map(|(alert, _)| alert).collect())
    }
}
