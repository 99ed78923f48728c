//! What Alertmanager has for this host and never came: webhooks that were lost, alerts that
//! `max_alerts` cut off.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use suture_core::{Clock, KnownAlert, Labels, Timestamp};
use tokio::sync::Notify;
use tokio::task::JoinHandle;

use crate::engine::Engine;

/// How old an alert is at least that is missed: Alertmanager itself waits before it posts a new one
/// (`group_wait`, and `group_interval`: five minutes unless it is told otherwise).
const YOUNGEST: Duration = Duration::from_secs(300);
/// How long after one look the next comes at the earliest.
const BETWEEN: Duration = Duration::from_secs(10);

/// All Alertmanagers that may post here.
#[async_trait]
pub trait Alertmanagers: Send + Sync {
    /// Whether there is any.
    fn are_there(&self) -> bool {
        true
    }

    /// What all of them together have for receivers of these names; an alert may come several times.
    ///
    /// # Errors
    /// Why one can't be asked: what it would have said may be that an alert is silenced.
    async fn alerts_for(&self, receivers: &BTreeSet<&str>) -> Result<Vec<KnownAlert>, String>;
}

/// What Alertmanager has for this host could not be read: of alerts that never arrived nothing is known.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Unreconciled {
    /// Since when.
    pub since: Timestamp,
    /// When it was tried last.
    pub tried_at: Timestamp,
    /// Why it could not be read: a sentence.
    pub message: String,
}

/// A receiver of Alertmanager, and the path that it posts to.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Receiver {
    /// Its name in Alertmanager.
    pub name: String,
    /// The policy of `/hooks/POLICY`; none where it posts to `/hooks`.
    pub policy: Option<String>,
}

/// Says who posts here, as far as that is known.
pub type KnownReceivers = Arc<dyn Fn() -> BTreeSet<Receiver> + Send + Sync>;

/// Looks every few minutes, and when it is asked to. Ends when this is dropped.
pub struct Reconciler {
    task: JoinHandle<()>,
    asked: Arc<Notify>,
}

impl Reconciler {
    /// Begin. Without `every` it only looks when it is asked to.
    pub fn start(
        engine: Engine,
        alertmanagers: Arc<dyn Alertmanagers>,
        receivers: KnownReceivers,
        clock: Arc<dyn Clock>,
        every: Option<Duration>,
    ) -> Self {
        let asked = Arc::new(Notify::new());
        let task = tokio::spawn(run(engine, alertmanagers, receivers, clock, every, asked.clone()));
        Self { task, asked }
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
    engine: Engine,
    alertmanagers: Arc<dyn Alertmanagers>,
    receivers: KnownReceivers,
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
        let youngest = tokio::select! {
            () = asked.notified() => {
                if !alertmanagers.are_there() {
                    let why = "Alertmanager cut alerts off (`max_alerts`), and there is no `alertmanager.url` \
                        where they could be asked for";
                    engine.note_reconciled(Err(&why.to_owned()));
                    continue;
                }
                clock.sleep(BETWEEN).await;
                // It was posted just now, and cut off.
                Duration::ZERO
            }
            () = due => every.map_or(YOUNGEST, |every| every.min(YOUNGEST)),
        };
        let result = engine.reconcile(&*alertmanagers, &receivers(), youngest).await;
        if let Err(error) = &result
            && !is_failing
        {
            tracing::warn!(error, "Alertmanager can't be asked for what it posted here; it is tried again");
        }
        is_failing = result.is_err();
        if alertmanagers.are_there() {
            engine.note_reconciled(result.as_ref().map(drop));
        }
        engine.metrics().reconciled(result.ok());
    }
}

/// What several Alertmanagers have for these receivers, each alert once; without those that one of
/// them keeps to itself.
pub(crate) fn merged(alerts: Vec<KnownAlert>, receivers: &BTreeSet<&str>) -> Vec<KnownAlert> {
    let is_kept_back = |alert: &&KnownAlert| !alert.is_active() || alert.muted_by(receivers).is_some();
    let suppressed: BTreeSet<Labels> =
        alerts.iter().filter(is_kept_back).map(|alert| alert.labels.clone()).collect();
    let mut merged: BTreeMap<Labels, KnownAlert> = BTreeMap::new();
    for alert in alerts.into_iter().filter(|alert| !suppressed.contains(&alert.labels)) {
        merged.entry(alert.labels.clone()).or_insert(alert);
    }
    merged.into_values().collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn known(name: &str, state: &str, muted_by: &[&str]) -> KnownAlert {
        let group = json!([{"receiver": {"name": "suture"}, "alerts": [{"endsAt": "2026-11-23T10:20:00Z",
            "fingerprint": name, "startsAt": "2026-11-23T10:05:00Z", "labels": {"alertname": name},
            "status": {"inhibitedBy": [], "silencedBy": [], "mutedBy": muted_by, "state": state}}]}]);
        KnownAlert::of_groups(serde_json::from_value(group).unwrap()).remove(0)
    }

    #[test]
    fn what_one_of_a_pair_keeps_to_itself_is_left_alone_and_the_rest_counts_once() {
        let alerts = vec![
            known("A", "active", &[]),
            known("B", "active", &[]),
            known("C", "unprocessed", &[]),
            known("D", "active", &[]),
            known("A", "active", &[]),
            known("B", "suppressed", &[]),
            known("D", "suppressed", &["night"]),
        ];
        assert_eq!(merged(alerts, &["suture"].into()), [known("A", "active", &[])]);
    }
}
