//! What each Alertmanager has been told, and what people have told it to keep quiet about.

use futures::future::try_join_all;
use suture_cluster::{AlertmanagerClient, Silence};
use suture_core::{KnownAlert, Labels};

const ALERT_NAME: &str = "alertname";

/// Alerts and silences of one of them. Members of a cluster share silences and not alerts.
#[derive(Default)]
pub(super) struct Told {
    pub alerts: Vec<KnownAlert>,
    pub silences: Vec<Silence>,
}

/// An alert that an Alertmanager has.
pub(super) struct Found<'a> {
    pub alert: &'a KnownAlert,
    /// One of those that could be it is silenced, inhibited or muted.
    pub is_suppressed: bool,
}

impl Told {
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
