//! A webhook is a hint, not a proof: before the first mutation the alert must fire in
//! Prometheus.

use std::collections::HashMap;
use std::sync::Arc;

use async_trait::async_trait;
use suture_core::effect::ActiveAlert;
use suture_core::{Effect, EffectHandler, Error, Fault, Labels, Reason, Reply, Step, Timestamp};

/// Knows the labels that Prometheus adds to alerts when it sends them to Alertmanager
/// (`global.external_labels`), which its own list of alerts does not have.
#[async_trait]
pub trait ExternalLabels: Send + Sync {
    /// The labels; empty where they can't be read.
    async fn external_labels(&self) -> Labels;
}

#[async_trait]
impl ExternalLabels for Labels {
    async fn external_labels(&self) -> Labels {
        self.clone()
    }
}

/// What the error says by which a change is denied whose alert does not fire.
pub const NOT_FIRING: &str = "the alert does not fire in Prometheus (no firing alert has exactly its labels), so \
                              nothing may be changed for it";

/// Whether an alert must be confirmed before anything is changed.
#[derive(Clone)]
pub enum Confirm {
    /// By Prometheus: the exact label set fires there.
    Prometheus(Arc<dyn ExternalLabels>),
    /// Not at all.
    None,
}

impl Confirm {
    /// By Prometheus, without external labels.
    pub fn prometheus() -> Self {
        Self::Prometheus(Arc::new(Labels::new()))
    }

    /// Whether Prometheus is asked.
    pub fn is_required(&self) -> bool {
        matches!(self, Self::Prometheus(_))
    }

    /// Whether the alert with these labels fires in Prometheus; true where nothing is
    /// to be confirmed.
    ///
    /// # Errors
    /// Why Prometheus can't be asked.
    pub async fn is_firing(
        &self,
        labels: &Labels,
        prometheus: &dyn EffectHandler,
        step: &Step,
    ) -> Result<bool, Fault> {
        let Self::Prometheus(external) = self else { return Ok(true) };
        let alerts = active_alerts(prometheus, step).await?;
        if fires(&alerts, labels, &Labels::new()) {
            return Ok(true);
        }
        let external = external.external_labels().await;
        Ok(!external.is_empty() && fires(&alerts, labels, &external))
    }
}

/// What Prometheus says is active.
async fn active_alerts(prometheus: &dyn EffectHandler, step: &Step) -> Result<Vec<ActiveAlert>, Fault> {
    let prepared = prometheus.prepare(step, &Effect::Alerts).await?;
    match prometheus.perform(&prepared).await? {
        Reply::Alerts(alerts) => Ok(alerts),
        other => {
            let message = format!("Prometheus's alerts were asked for, and the answer was {other:?}");
            Err(Error::new(Reason::UNKNOWN, message).into())
        }
    }
}

/// All that fires in Prometheus at one time, to look many alerts up in one answer.
pub(crate) struct Firing {
    /// The alerts by their labels and the external labels, as Prometheus would have sent them.
    as_sent: HashMap<Labels, Vec<ActiveAlert>>,
    external: Labels,
}

impl Firing {
    /// Ask Prometheus once.
    ///
    /// # Errors
    /// Why it can't be asked.
    pub async fn ask(
        prometheus: &dyn EffectHandler,
        external: &dyn ExternalLabels,
        step: &Step,
    ) -> Result<Self, Fault> {
        let alerts = active_alerts(prometheus, step).await?;
        Ok(Self::new(alerts, external.external_labels().await))
    }

    fn new(alerts: Vec<ActiveAlert>, external: Labels) -> Self {
        let mut as_sent: HashMap<Labels, Vec<ActiveAlert>> = HashMap::new();
        for alert in alerts.into_iter().filter(|alert| alert.firing) {
            as_sent.entry(with(&alert.labels, &external)).or_default().push(alert);
        }
        Self { as_sent, external }
    }

    /// Since when the alert with exactly these labels is active, external ones aside; none where
    /// it does not fire.
    pub fn since(&self, labels: &Labels) -> Option<Timestamp> {
        let alike = self.as_sent.get(&with(labels, &self.external))?;
        let same = alike.iter().filter(|alert| is_same(alert, labels, &self.external));
        same.map(|alert| alert.active_at).max()
    }
}

/// Labels, with the external ones that they do not have.
fn with(labels: &Labels, external: &Labels) -> Labels {
    let mut all = external.clone();
    all.extend(labels.clone());
    all
}

/// Whether one of the alerts fires with exactly these labels, external ones aside: each
/// label of the notification is the alert's own, or an external label with its value.
fn fires(alerts: &[ActiveAlert], labels: &Labels, external: &Labels) -> bool {
    alerts.iter().filter(|alert| alert.firing).any(|alert| is_same(alert, labels, external))
}

fn is_same(alert: &ActiveAlert, labels: &Labels, external: &Labels) -> bool {
    alert.labels.iter().all(|(name, value)| labels.get(name) == Some(value))
        && labels
            .iter()
            .all(|(name, value)| alert.labels.contains_key(name) || external.get(name) == Some(value))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(pairs: &[(&str, &str)]) -> Labels {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    fn alert(pairs: &[(&str, &str)], firing: bool) -> ActiveAlert {
        let active_at = Timestamp::UNIX_EPOCH;
        ActiveAlert { labels: labels(pairs), annotations: Labels::new(), firing, active_at }
    }

    #[test]
    fn only_the_exact_label_set_that_fires_confirms() {
        let sent = labels(&[("alertname", "A"), ("ns", "media")]);
        let none = Labels::new();
        assert!(fires(&[alert(&[("alertname", "A"), ("ns", "media")], true)], &sent, &none));
        for other in [
            alert(&[("alertname", "A"), ("ns", "media")], false),
            alert(&[("alertname", "A"), ("ns", "home")], true),
            alert(&[("alertname", "A")], true),
            alert(&[("alertname", "A"), ("ns", "media"), ("more", "x")], true),
        ] {
            assert!(!fires(&[other], &sent, &none));
        }
    }

    #[test]
    fn many_alerts_are_looked_up_in_one_answer_by_the_same_rule() {
        let listed = [
            alert(&[("alertname", "A"), ("ns", "media")], true),
            alert(&[("alertname", "A"), ("cluster", "work")], true),
            alert(&[("alertname", "B")], false),
        ];
        let external = labels(&[("cluster", "home"), ("replica", "0")]);
        let firing = Firing::new(listed.to_vec(), external.clone());
        for sent in [
            &[("alertname", "A"), ("ns", "media")][..],
            &[("alertname", "A"), ("ns", "media"), ("cluster", "home")],
            &[("alertname", "A"), ("ns", "media"), ("cluster", "home"), ("replica", "0")],
            &[("alertname", "A"), ("ns", "media"), ("cluster", "work")],
            &[("alertname", "A"), ("cluster", "work")],
            &[("alertname", "A"), ("cluster", "home")],
            &[("alertname", "A")],
            &[("alertname", "B")],
        ] {
            let sent = labels(sent);
            let one_by_one = fires(&listed, &sent, &Labels::new()) || fires(&listed, &sent, &external);
            assert_eq!(firing.since(&sent).is_some(), one_by_one, "{sent:?}");
        }
    }

    #[test]
    fn labels_that_prometheus_adds_on_the_way_do_not_hinder() {
        let listed = [alert(&[("alertname", "A")], true)];
        let external = labels(&[("cluster", "home"), ("replica", "0")]);
        assert!(fires(&listed, &labels(&[("alertname", "A"), ("cluster", "home")]), &external));
        assert!(!fires(&listed, &labels(&[("alertname", "A"), ("cluster", "work")]), &external));
        assert!(!fires(&listed, &labels(&[("alertname", "A"), ("ns", "media")]), &external));
    }
}
