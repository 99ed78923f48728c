//! The alerts and silences of each Alertmanager, at one time.

use std::collections::BTreeSet;

use futures::future::try_join_all;
use suture_cluster::{AlertmanagerClient, Silence};
use suture_core::{KnownAlert, Labels};

pub(crate) const ALERT_NAME: &str = "alertname";

/// Alerts and silences of one of them. Members of a cluster share silences and not alerts.
#[derive(Default)]
pub(crate) struct Snapshot {
    pub alerts: Vec<KnownAlert>,
    pub silences: Vec<Silence>,
}

/// An alert that an Alertmanager has.
pub(crate) struct Found<'a> {
    pub alert: &'a KnownAlert,
    /// One of those that could be it is silenced, inhibited or muted.
    pub is_suppressed: bool,
}

impl Snapshot {
    /// Ask each of them.
    ///
    /// # Errors
    /// Why one can't be asked: what it would have said may be that the alert is silenced.
    pub async fn ask(alertmanagers: &[AlertmanagerClient]) -> Result<Vec<Self>, String> {
        let ask = async |client: &AlertmanagerClient| {
            Ok(Self { alerts: client.alerts().await?, silences: client.silences().await? })
        };
        try_join_all(alertmanagers.iter().map(ask)).await
    }

    /// Ask each of them about alerts of these names.
    ///
    /// # Errors
    /// As [`ask`](Self::ask).
    pub async fn ask_about(
        alertmanagers: &[AlertmanagerClient],
        names: &BTreeSet<&str>,
    ) -> Result<Vec<Self>, String> {
        let ask = async |client: &AlertmanagerClient| {
            Ok(Self { alerts: client.alerts_named(names).await?, silences: client.silences().await? })
        };
        try_join_all(alertmanagers.iter().map(ask)).await
    }

    /// Why the alert with these labels, or with this name and the key's labels alike, is to be left
    /// alone: this one says so of it, or has a silence that matches it.
    pub fn why_silenced(&self, posted: &Labels, key: &[String]) -> Option<String> {
        match self.find(posted, key) {
            Some(found) if !found.is_suppressed => None,
            Some(found) => Some(self.why_suppressed(found.alert)),
            None => self.silences.iter().find(|silence| silence.silences(posted)).map(Silence::to_string),
        }
    }

    fn why_suppressed(&self, alert: &KnownAlert) -> String {
        let by = alert.silenced_by();
        match self.silences.iter().find(|silence| by.contains(&silence.id)) {
            Some(silence) => silence.to_string(),
            None if by.is_empty() => "another alert inhibits its alert, as Alertmanager says".to_owned(),
            None => "its alert is silenced, as Alertmanager says".to_owned(),
        }
    }

    /// The alert with these labels, or else with this name and the key's labels alike: other
    /// labels may be changed on the way by those who are not asked. Whatever of those is
    /// suppressed counts, also if it is another's.
    pub fn find(&self, sent: &Labels, key: &[String]) -> Option<Found<'_>> {
        if let Some(alert) = self.alerts.iter().find(|alert| alert.labels == *sent) {
            let same = self.alerts.iter().filter(|other| other.labels == *sent);
            return Some(Found { alert, is_suppressed: same.into_iter().any(KnownAlert::is_suppressed) });
        }
        let is_alike = |alert: &&KnownAlert| {
            let alike = |name: &str| alert.labels.get(name) == sent.get(name);
            alike(ALERT_NAME) && !key.is_empty() && key.iter().all(|name| alike(name))
        };
        let alert = self.alerts.iter().find(is_alike)?;
        let is_suppressed = self.alerts.iter().filter(is_alike).any(KnownAlert::is_suppressed);
        Some(Found { alert, is_suppressed })
    }

    /// Whether a silence is for these labels.
    pub fn is_silenced(&self, labels: &Labels) -> bool {
        self.silences.iter().any(|silence| silence.silences(labels))
    }
}
