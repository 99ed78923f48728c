//! The alerts and silences of one Alertmanager, at one time.

use std::collections::{BTreeSet, HashMap};

use futures::{StreamExt, TryStreamExt, stream};
use suture_cluster::{AlertmanagerClient, Silence};
use suture_core::names::shortened;
use suture_core::{KnownAlert, Labels};

pub(crate) const ALERT_NAME: &str = "alertname";
/// How many questions one Alertmanager is asked at once.
pub(crate) const AT_ONCE: usize = 4;

/// Alerts and silences of one of them. Members of a cluster share silences and not alerts.
#[derive(Default)]
pub(crate) struct Snapshot {
    pub alerts: Vec<KnownAlert>,
    pub silences: Vec<Silence>,
}

impl Snapshot {
    /// Ask for the alerts of these names.
    ///
    /// # Errors
    /// Why it can't be asked: what it would have said may be that an alert is silenced.
    pub async fn ask(client: &AlertmanagerClient, names: &BTreeSet<&str>) -> Result<Self, String> {
        let silences = client.silences().await?;
        let questions: Vec<_> = names.iter().map(|name| named(client, name)).collect();
        let answers = stream::iter(questions).buffer_unordered(AT_ONCE);
        let alerts: Vec<Vec<KnownAlert>> = answers.try_collect().await?;
        Ok(Self { alerts: alerts.into_iter().flatten().collect(), silences })
    }
}

/// All alerts of a name.
///
/// # Errors
/// Why it can't be asked.
pub(crate) async fn named(client: &AlertmanagerClient, name: &str) -> Result<Vec<KnownAlert>, String> {
    client.alerts_with(&[(ALERT_NAME, name)]).await
}

/// Alerts that can be found by their labels, or by their names and the labels of one key.
pub(crate) struct Index<'a> {
    key: &'a [String],
    exact: HashMap<&'a Labels, Vec<&'a KnownAlert>>,
    alike: HashMap<Vec<Option<String>>, Vec<&'a KnownAlert>>,
}

/// An alert that an Alertmanager has, and those that it could be as well.
pub(crate) struct Found<'i, 'a>(&'i [&'a KnownAlert]);

impl<'a> Index<'a> {
    pub fn of(alerts: &'a [KnownAlert], key: &'a [String]) -> Self {
        let mut index = Self { key, exact: HashMap::new(), alike: HashMap::new() };
        for alert in alerts {
            index.exact.entry(&alert.labels).or_default().push(alert);
            if let Some(alike) = alike(&alert.labels, key) {
                index.alike.entry(alike).or_default().push(alert);
            }
        }
        index
    }

    /// The alert with these labels, or else with this name and the key's labels alike: other
    /// labels may be changed on the way by those who are not asked.
    pub fn find(&self, sent: &Labels) -> Option<Found<'_, 'a>> {
        let alike = || self.alike.get(&alike(sent, self.key)?);
        self.exact.get(sent).or_else(alike).map(|all| Found(all))
    }
}

fn alike(labels: &Labels, key: &[String]) -> Option<Vec<Option<String>>> {
    let names = [ALERT_NAME].into_iter().chain(key.iter().map(String::as_str));
    (!key.is_empty()).then(|| names.map(|name| labels.get(name).cloned()).collect())
}

impl<'a> Found<'_, 'a> {
    /// It, or the first of them.
    pub fn alert(&self) -> Option<&'a KnownAlert> {
        self.0.first().copied()
    }

    /// Why it is to be left alone, as Alertmanager says; also if it says so of another that could be
    /// it. Receivers: those that post here.
    pub fn why_suppressed(&self, silences: &[Silence], receivers: &BTreeSet<&str>) -> Option<String> {
        let by = |id: &String| silences.iter().find(|silence| silence.id == *id).map(Silence::to_string);
        self.0.iter().find_map(|alert| {
            if let Some(id) = alert.silenced_by.first() {
                return Some(
                    by(id).unwrap_or_else(|| "its alert is silenced, as Alertmanager says".to_owned()),
                );
            }
            if alert.is_suppressed() {
                return Some("another alert inhibits its alert, as Alertmanager says".to_owned());
            }
            let interval = alert.muted_by(receivers)?;
            Some(format!("Alertmanager's time interval `{}` mutes its alert", shortened(interval)))
        })
    }
}
