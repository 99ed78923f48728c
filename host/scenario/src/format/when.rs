//! `when`: the alerts, one after another.

use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;
use serde_saphyr::Spanned;
use suture_core::clock::later;
use suture_core::{Alert, AlertStatus, HumanDuration, Labels, Timestamp};

use super::then::Wrong;

/// An alert that comes at some time.
#[derive(Clone, Debug)]
pub struct Event {
    /// How long after the scenario's start.
    pub after: Duration,
    /// The alert, as Alertmanager would deliver it.
    pub alert: Arc<Alert>,
}

/// An alert as a scenario writes it, and as `suture run --alert` takes it: labels are
/// all that it needs.
#[derive(Clone, Debug, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ScenarioAlert {
    /// Its labels.
    pub labels: Labels,
    /// Its annotations.
    #[serde(default)]
    pub annotations: Labels,
    /// Whether it fires; by default it does.
    #[serde(default = "firing")]
    pub status: AlertStatus,
    /// When it began to fire; by default when it comes.
    #[schemars(with = "Option<String>")]
    pub starts_at: Option<Timestamp>,
    /// A link to the expression in Prometheus.
    #[serde(default, rename = "generatorURL")]
    pub generator_url: String,
    /// Alertmanager's hash of the labels; by default one of our own.
    #[serde(default)]
    pub fingerprint: String,
}

fn firing() -> AlertStatus {
    AlertStatus::Firing
}

impl ScenarioAlert {
    /// The alert as Alertmanager would deliver it at a time.
    pub fn at(self, now: Timestamp) -> Alert {
        let Self { labels, annotations, status, starts_at, generator_url, fingerprint } = self;
        let mut alert = Alert {
            status,
            labels,
            annotations,
            starts_at: starts_at.unwrap_or(now),
            ends_at: (status == AlertStatus::Resolved).then_some(now),
            generator_url,
            fingerprint,
        };
        if alert.fingerprint.is_empty() {
            alert.fingerprint = alert.fingerprint();
        }
        alert
    }
}

/// One of `when`, as it is written.
#[derive(Debug, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct RawWhen {
    alert: ScenarioAlert,
    #[serde(default)]
    after: HumanDuration,
}

pub(super) fn check(raw: Spanned<Vec<Spanned<RawWhen>>>, now: Timestamp) -> Result<Vec<Event>, Wrong> {
    if raw.value.is_empty() {
        return Err((raw.referenced, "`when` is empty: without an alert nothing happens".to_owned()));
    }
    let mut raw = raw.value;
    raw.sort_by_key(|event| event.value.after);
    let mut events: Vec<Event> = Vec::with_capacity(raw.len());
    for Spanned { value: RawWhen { alert, after }, referenced, .. } in raw {
        if alert.labels.is_empty() {
            return Err((referenced, "the alert has no labels".to_owned()));
        }
        let explicit = alert.starts_at;
        let mut alert = alert.at(later(now, after.get()));
        let earlier = events.iter().rev().find(|event| event.alert.labels == alert.labels);
        if explicit.is_none()
            && let Some(earlier) = earlier
            && (alert.status == AlertStatus::Resolved || earlier.alert.status == AlertStatus::Firing)
        {
            // The same firing, told again or resolved.
            alert.starts_at = earlier.alert.starts_at;
        }
        events.push(Event { after: after.get(), alert: Arc::new(alert) });
    }
    Ok(events)
}
