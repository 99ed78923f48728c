//! What Alertmanager has for this host and never came: webhooks that were lost, alerts that
//! `max_alerts` cut off.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use futures::future::try_join_all;
use suture_cluster::KnownAlert;
use suture_core::{Alert, AlertStatus, Clock, Labels};
use suture_engine::confirm::Standing;
use suture_engine::{Policy, is_our_own};
use tokio::sync::Notify;
use tokio::task::JoinHandle;

use super::{Shared, Sweeper, is_known};
use crate::receivers::{Receiver, Receivers};

/// How long after one look the next comes at the earliest.
const BETWEEN: Duration = Duration::from_secs(10);

/// Looks every few minutes, and when it is asked to. Ends when this is dropped.
pub(crate) struct Reconciler {
    task: JoinHandle<()>,
    asked: Arc<Notify>,
}

impl Reconciler {
    /// Begin. Without `every` it only looks when it is asked to.
    pub fn start(
        sweeper: Shared,
        receivers: Arc<Receivers>,
        clock: Arc<dyn Clock>,
        every: Option<Duration>,
    ) -> Self {
        let asked = Arc::new(Notify::new());
        Self { task: tokio::spawn(run(sweeper, receivers, clock, every, asked.clone())), asked }
    }

    /// What asks for a look, soon.
    pub fn asker(&self) -> Arc<Notify> {
        self.asked.clone()
    }
}

impl Drop for Reconciler {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn run(
    sweeper: Shared,
    receivers: Arc<Receivers>,
    clock: Arc<dyn Clock>,
    every: Option<Duration>,
    asked: Arc<Notify>,
) {
    let mut is_failing = false;
    loop {
        let due = async {
            match every {
                Some(every) => clock.sleep(every).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = asked.notified() => clock.sleep(BETWEEN).await,
            () = due => {}
        }
        let result = sweeper.reconcile(&receivers.all()).await;
        if let Err(error) = &result
            && !is_failing
        {
            tracing::warn!(error, "Alertmanager can't be asked for what it posted here; it is tried again");
        }
        is_failing = result.is_err();
        sweeper.engine.metrics().reconciled(result.ok());
    }
}

impl Sweeper {
    /// Ask all Alertmanagers what they have for these receivers, and accept what fires, is not
    /// silenced or inhibited, and has no open incident. Answers how many those are.
    ///
    /// # Errors
    /// Why nothing was accepted, or not all: somebody who must be asked can't be.
    async fn reconcile(&self, receivers: &BTreeSet<Receiver>) -> Result<usize, String> {
        if receivers.is_empty() || self.alertmanagers.is_empty() {
            return Ok(0);
        }
        let names: BTreeSet<&str> = receivers.iter().map(|receiver| receiver.name.as_str()).collect();
        let asked = self.alertmanagers.iter().map(|client| client.alerts_for(&names));
        let alerts = merged(try_join_all(asked).await?.concat());
        let mut accepted = 0;
        for policy in self.engine.policies() {
            let Some(policy) = self.engine.policy(&policy.name) else { continue };
            let missing = self.missing(&policy, &alerts, receivers).await?;
            for batch in missing.chunks(super::BATCH) {
                self.accept(&policy.config.name, "reconcile", batch).await?;
            }
            if !missing.is_empty() {
                tracing::warn!(
                    policy = policy.config.name,
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
            let mut posted_by = receivers.iter().filter(|receiver| alert.is_for(&receiver.name));
            posted_by.any(|receiver| match &receiver.policy {
                None => policy.wants(&alert.labels, false),
                Some(by_name) => by_name == name && policy.wants(&alert.labels, true),
            })
        };
        let wanted = alerts.iter().filter(is_for_it).filter(|alert| !is_our_own(&alert.labels));
        let wanted: Vec<Alert> = wanted.map(as_posted).collect();
        let incidents = self.incidents(policy, &wanted).await.map_err(|error| error.to_string())?;
        let unknown: Vec<Alert> =
            wanted.into_iter().filter(|alert| !is_known(name, alert, &incidents)).collect();
        if unknown.is_empty() {
            return Ok(unknown);
        }
        // Alertmanager has an alert for some minutes longer than its rule holds.
        let labels: Vec<&Labels> = unknown.iter().map(|alert| &alert.labels).collect();
        let standings = self.engine.standing(policy, &labels).await?;
        let is_news = |(alert, standing): &(Alert, Standing)| match standing {
            Standing::Unasked => true,
            // What Alertmanager takes for a new firing may be the same to Prometheus.
            Standing::Firing(since) => {
                let began = Alert { starts_at: *since, ..alert.clone() };
                !is_known(name, &began, &incidents)
            }
            Standing::Pending | Standing::KeptFiring(_) | Standing::Absent(_) => false,
        };
        Ok(unknown.into_iter().zip(standings).filter(is_news).map(|(alert, _)| alert).collect())
    }
}

/// What several Alertmanagers have, each alert once; without those that one of them keeps to
/// itself.
fn merged(alerts: Vec<KnownAlert>) -> Vec<KnownAlert> {
    let suppressed: BTreeSet<String> =
        alerts.iter().filter(|alert| !alert.is_active()).map(|alert| alert.fingerprint.clone()).collect();
    let mut merged: BTreeMap<String, KnownAlert> = BTreeMap::new();
    for alert in alerts.into_iter().filter(|alert| !suppressed.contains(&alert.fingerprint)) {
        merged.entry(alert.fingerprint.clone()).or_insert(alert);
    }
    merged.into_values().collect()
}

/// As it would have been posted.
fn as_posted(alert: &KnownAlert) -> Alert {
    Alert {
        status: AlertStatus::Firing,
        labels: alert.labels.clone(),
        annotations: alert.annotations.clone(),
        starts_at: alert.starts_at,
        ends_at: None,
        generator_url: alert.generator_url.clone(),
        fingerprint: alert.fingerprint.clone(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn known(name: &str, state: &str) -> KnownAlert {
        serde_json::from_value(json!({"annotations": {"summary": name}, "endsAt": "2026-11-23T10:20:00Z",
            "fingerprint": name, "receivers": [{"name": "suture"}, {"name": "people"}],
            "startsAt": "2026-11-23T10:05:00Z", "updatedAt": "2026-11-23T10:16:00Z", "generatorURL": "http://p/g",
            "status": {"inhibitedBy": [], "silencedBy": [], "mutedBy": [], "state": state},
            "labels": {"alertname": name}}))
        .unwrap()
    }

    #[test]
    fn what_one_of_a_pair_keeps_to_itself_is_left_alone_and_the_rest_counts_once() {
        let alerts = merged(vec![
            known("A", "active"),
            known("B", "active"),
            known("C", "unprocessed"),
            known("A", "active"),
            known("B", "suppressed"),
        ]);
        assert_eq!(alerts, [known("A", "active")]);
        assert!(alerts[0].is_for("suture") && !alerts[0].is_for("sut"));
        let posted = as_posted(&alerts[0]);
        assert_eq!(
            (posted.annotations["summary"].as_str(), posted.generator_url.as_str()),
            ("A", "http://p/g")
        );
    }
}
