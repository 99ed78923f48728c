//! Asking Prometheus for what is firing, and handling it as if it had been posted.

mod schedule;

use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;

use async_trait::async_trait;
use futures::future::try_join_all;
use serde::Serialize;
use suture_cluster::{AlertmanagerClient, AlertmanagerError, Silence};
use suture_core::alert::alertmanager_fingerprint;
use suture_core::effect::ActiveAlert;
use suture_core::{Alert, AlertRelabeling, AlertStatus, Error, KnownAlert, Labels};
use suture_engine::{Alertmanagers, Confirm, Engine, Policy};

use crate::beside::beside;
use crate::lookup::{Index, Wanted, look_up};
use crate::receivers::Receivers;
pub(crate) use schedule::Schedules;

/// Sweeps for a host.
#[derive(Clone)]
pub(crate) struct Sweeper {
    engine: Engine,
    /// Who know what is silenced; none where the configuration has none.
    alertmanagers: Vec<AlertmanagerClient>,
    /// Those that post here: a time interval mutes for some receivers and not for others.
    receivers: Arc<Receivers>,
}

/// What a sweep found, and did.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Swept {
    /// Alerts that fire in Prometheus.
    pub firing: usize,
    /// Those that are for the policy.
    pub alerts: Vec<Found>,
    /// How many of them were accepted.
    pub accepted: usize,
}

/// An alert that is for a policy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Found {
    /// Its labels, as they would have been posted.
    pub labels: Labels,
    /// What became of it.
    pub result: Fate,
}

/// What becomes of an alert.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Fate {
    /// It is handled as if it had been posted.
    Accepted,
    /// An incident of it is open.
    Known,
    /// It is silenced, inhibited or muted in Alertmanager: people have said to leave it alone.
    Suppressed,
}

/// Why there was no sweep. Nothing was accepted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum SweepError {
    /// No policy has that name.
    #[error("there is no policy `{0}`")]
    UnknownPolicy(String),
    /// The policy hears of nothing.
    #[error("policy `{0}` is not loaded: {1}")]
    NotLoaded(String, String),
    /// Somebody who must be asked can't be, or what was found can't be stored.
    #[error("{0}")]
    Unavailable(String),
}

impl Sweeper {
    /// For a host with these Alertmanagers.
    pub fn new(engine: Engine, alertmanagers: Vec<AlertmanagerClient>, receivers: &Arc<Receivers>) -> Self {
        Self { engine, alertmanagers, receivers: receivers.clone() }
    }

    /// Ask what is firing, and accept what is for a policy: all that it would have heard of
    /// through a route, had there been one. With `dry_run` nothing is accepted.
    ///
    /// # Errors
    /// Why there was no sweep.
    pub async fn sweep(&self, name: &str, dry_run: bool) -> Result<Swept, SweepError> {
        let swept = self.look(name, dry_run).await;
        let is_policy = !matches!(swept, Err(SweepError::UnknownPolicy(_)));
        if is_policy && !dry_run {
            self.engine.metrics().swept(name, swept.is_ok());
        }
        swept
    }

    async fn look(&self, name: &str, dry_run: bool) -> Result<Swept, SweepError> {
        let unavailable = |error: String| SweepError::Unavailable(error);
        let policy = self.engine.policy(name).ok_or_else(|| SweepError::UnknownPolicy(name.to_owned()))?;
        if let Err(error) = &policy.program {
            return Err(SweepError::NotLoaded(name.to_owned(), error.clone()));
        }
        let listed = self.engine.alerts().await.map_err(unavailable)?;
        let firing: Vec<ActiveAlert> = listed.into_iter().filter(|alert| alert.firing).collect();
        let relabeling = relabeling(&policy).await.map_err(|error| unavailable(error.to_string()))?;
        let key = policy.program.as_ref().map(|program| program.manifest().key.clone()).unwrap_or_default();
        // In each form that labels take on the way; others may be added where nobody is asked.
        let sent: Vec<Labels> = firing.iter().filter_map(|alert| relabeling.as_sent(&alert.labels)).collect();
        let forms = sent.iter().chain(firing.iter().map(|alert| &alert.labels));
        let forms: BTreeSet<&Labels> = forms.filter(|labels| policy.could_want(labels)).collect();
        let wanted: Vec<_> = forms.into_iter().map(|labels| Wanted { labels, key: &key }).collect();
        let asked = self.alertmanagers.iter().map(|client| snapshot(client, &wanted));
        let snapshots = try_join_all(asked).await.map_err(|error| unavailable(error.to_string()))?;
        let mut swept = Swept { firing: firing.len(), ..Swept::default() };
        let mut accepted = Vec::new();
        let receivers = self.receivers.names_for(name);
        let receivers: BTreeSet<&str> = receivers.iter().map(String::as_str).collect();
        let kept = Kept::of(&snapshots, &key, &receivers);
        let posted = firing.into_iter().map(|alert| kept.as_posted(alert, &relabeling));
        let (wanted, suppressed): (Vec<Alert>, Vec<bool>) = posted
            .filter(|(alert, _)| {
                policy.wants(&alert.labels, false) && !suture_engine::is_our_own(&alert.labels)
            })
            .unzip();
        let incidents = self.engine.open_incidents(&policy, &wanted).await;
        let incidents = incidents.map_err(|error| unavailable(error.to_string()))?;
        for (alert, is_suppressed) in wanted.into_iter().zip(suppressed) {
            let result = match is_suppressed {
                true => Fate::Suppressed,
                false if incidents.know(&alert) => Fate::Known,
                false => Fate::Accepted,
            };
            swept.alerts.push(Found { labels: alert.labels.clone(), result });
            if result == Fate::Accepted {
                accepted.push(alert);
            }
        }
        swept.accepted = accepted.len();
        if !dry_run {
            self.engine.accept_alerts(name, "sweep", &accepted).await.map_err(unavailable)?;
        }
        tracing::info!(
            policy = name,
            firing = swept.firing,
            matching = swept.alerts.len(),
            accepted = swept.accepted,
            dry_run,
            "swept"
        );
        Ok(swept)
    }
}

#[async_trait]
impl Alertmanagers for Sweeper {
    fn are_there(&self) -> bool {
        !self.alertmanagers.is_empty()
    }

    async fn alerts_for(&self, receivers: &BTreeSet<&str>) -> Result<Vec<KnownAlert>, String> {
        let ask = async |client: &AlertmanagerClient| {
            Ok::<_, AlertmanagerError>((client.alerts_for(receivers).await?, client.silences().await?))
        };
        let all =
            try_join_all(self.alertmanagers.iter().map(ask)).await.map_err(|error| error.to_string())?;
        beside(move || unsilenced(all)).await
    }
}

/// The alerts of several Alertmanagers that no silence of another of them is for: a silence counts where
/// its Alertmanager does not have the alert itself, too.
fn unsilenced(all: Vec<(Vec<KnownAlert>, Arc<[Silence]>)>) -> Vec<KnownAlert> {
    let own = |alerts: &Vec<KnownAlert>| -> HashSet<Labels> {
        alerts.iter().map(|alert| alert.labels.clone()).collect()
    };
    let all: Vec<_> = all.into_iter().map(|(alerts, silences)| (own(&alerts), alerts, silences)).collect();
    let is_silenced = |alert: &KnownAlert| {
        all.iter().any(|(own, _, silences)| {
            !own.contains(&alert.labels) && silences.iter().any(|silence| silence.silences(&alert.labels))
        })
    };
    let alerts = all.iter().flat_map(|(_, alerts, _)| alerts);
    alerts.filter(|alert| !is_silenced(alert)).cloned().collect()
}

/// Alerts and silences of one Alertmanager. Members of a cluster share silences and not alerts.
struct Snapshot {
    alerts: Vec<KnownAlert>,
    silences: Arc<[Silence]>,
}

/// Ask what it has of these alerts: what it would have said may be that one is silenced.
async fn snapshot(client: &AlertmanagerClient, wanted: &[Wanted<'_>]) -> Result<Snapshot, AlertmanagerError> {
    let silences = client.silences().await?;
    let mut alerts = Vec::new();
    for (_, known) in look_up(client, wanted).await {
        alerts.extend(known?);
    }
    Ok(Snapshot { alerts, silences })
}

/// What Prometheus does to labels when it posts.
async fn relabeling(policy: &Policy) -> Result<AlertRelabeling, Error> {
    match &policy.config.confirm {
        Confirm::Prometheus(by) => by.relabeling.relabeling().await,
        Confirm::None => Ok(AlertRelabeling::default()),
    }
}

/// What Alertmanagers have of the alerts of a policy.
struct Kept<'a> {
    snapshots: Vec<(Index<'a>, &'a [Silence])>,
    receivers: &'a BTreeSet<&'a str>,
}

impl<'a> Kept<'a> {
    fn of(snapshots: &'a [Snapshot], key: &'a [String], receivers: &'a BTreeSet<&'a str>) -> Self {
        let index = |one: &'a Snapshot| (Index::of(&one.alerts, key), &*one.silences);
        Self { snapshots: snapshots.iter().map(index).collect(), receivers }
    }

    /// An alert as Alertmanager would have posted it, and whether it would have kept it to itself.
    /// What it has of that alert is believed, labels included. Where it has nothing, or there is
    /// none, the alert began when its rule first held, and it is silenced if a silence matches its
    /// labels in any of the forms that they take on the way.
    fn as_posted(&self, alert: ActiveAlert, relabeling: &AlertRelabeling) -> (Alert, bool) {
        let own = alert.labels;
        let sent = relabeling.as_sent(&own).unwrap_or_else(|| own.clone());
        let mut before = relabeling.external_labels.clone();
        before.extend(own.clone());
        let is_silenced = |silences: &[Silence]| {
            [&sent, &own, &before].into_iter().any(|form| silences.iter().any(|one| one.silences(form)))
        };
        // Each of them for itself: what one has says nothing of the silences of another.
        let found: Vec<_> = self.snapshots.iter().map(|(index, _)| index.find(&sent)).collect();
        let is_suppressed = self.snapshots.iter().zip(&found).any(|((_, silences), found)| match found {
            Some(found) => found.why_suppressed(silences, self.receivers).is_some(),
            None => is_silenced(silences),
        });
        let posted = found.into_iter().flatten().find_map(|found| found.alert());
        let labels = posted.map_or(sent, |posted| posted.labels.clone());
        let alert = Alert {
            status: AlertStatus::Firing,
            annotations: alert.annotations,
            starts_at: posted.map_or(alert.active_at, |posted| posted.starts_at),
            ends_at: None,
            generator_url: String::new(),
            fingerprint: posted
                .map_or_else(|| alertmanager_fingerprint(&labels), |posted| posted.fingerprint.clone()),
            labels,
        };
        (alert, is_suppressed)
    }
}

/// A sweeper that is shared.
pub(crate) type Shared = Arc<Sweeper>;

#[cfg(test)]
mod tests;
