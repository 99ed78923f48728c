//! Whether alerts are silenced, by the word of each Alertmanager.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use async_trait::async_trait;
use futures::future::join_all;
use futures::{StreamExt, stream};
use suture_cluster::{AlertmanagerClient, Silence};
use suture_core::KnownAlert;
use suture_engine::{SilenceQuery, Silences, Suppression};

use crate::assemble;
use crate::config::{ConfigError, Loaded};
use crate::receivers::Receivers;
use crate::snapshot::{ALERT_NAME, AT_ONCE, Index, named};

/// So many alerts of one name are asked about one by one; of more, all that have the name are listed.
const FEW: usize = 4;

/// Asks all of them.
pub(crate) struct AskedAlertmanagers {
    clients: Vec<AlertmanagerClient>,
    /// Those that post here: a time interval mutes for some receivers and not for others.
    receivers: Arc<Receivers>,
}

impl AskedAlertmanagers {
    /// Those of a configuration; none where it has none.
    ///
    /// # Errors
    /// What is wrong with one of them.
    pub fn of(loaded: &Loaded, receivers: &Arc<Receivers>) -> Result<Option<Self>, ConfigError> {
        let clients = assemble::alertmanagers(loaded)?;
        let asked = Self { clients, receivers: receivers.clone() };
        Ok((!asked.clients.is_empty()).then_some(asked))
    }
}

#[async_trait]
impl Silences for AskedAlertmanagers {
    async fn suppressions(&self, alerts: &[SilenceQuery]) -> Vec<Result<Suppression, String>> {
        let known = self.receivers.all();
        let receivers: BTreeSet<&str> = known.iter().map(|receiver| receiver.name.as_str()).collect();
        let of_each = join_all(self.clients.iter().map(|client| ask(client, alerts, &receivers))).await;
        let mut all = vec![Ok(Suppression::Unlisted); alerts.len()];
        for answers in of_each {
            all = all.into_iter().zip(answers).map(|(before, answer)| both(before, answer)).collect();
        }
        all
    }
}

/// What two Alertmanagers say: one that keeps an alert back is believed whatever the other says.
fn both(one: Result<Suppression, String>, other: Result<Suppression, String>) -> Result<Suppression, String> {
    use Suppression::{By, None, Unlisted};
    match (one, other) {
        (Ok(By(why)), _) | (_, Ok(By(why))) => Ok(By(why)),
        (Err(error), _) | (_, Err(error)) => Err(error),
        (Ok(Unlisted), Ok(Unlisted)) => Ok(Unlisted),
        (Ok(None), Ok(None | Unlisted)) | (Ok(Unlisted), Ok(None)) => Ok(None),
    }
}

/// What one says of each alert.
async fn ask(
    client: &AlertmanagerClient,
    alerts: &[SilenceQuery],
    receivers: &BTreeSet<&str>,
) -> Vec<Result<Suppression, String>> {
    let silences = client.silences().await;
    let mut by_name: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (place, alert) in alerts.iter().enumerate() {
        let name = alert.labels.get(ALERT_NAME).map_or("", String::as_str);
        by_name.entry(name).or_default().push(place);
    }
    let questions: Vec<_> =
        by_name.into_iter().map(|(name, places)| about(client, name, alerts, places)).collect();
    let answers: Vec<_> = stream::iter(questions).buffer_unordered(AT_ONCE).collect().await;
    let mut said = vec![Ok(Suppression::Unlisted); alerts.len()];
    for (places, known) in answers.into_iter().flatten() {
        let mut indices: BTreeMap<&[String], Index<'_>> = BTreeMap::new();
        for place in places {
            let alert = &alerts[place];
            said[place] = known.as_ref().map_err(Clone::clone).and_then(|known| {
                let index = indices.entry(&alert.key).or_insert_with(|| Index::of(known, &alert.key));
                judge(alert, index, &silences, receivers)
            });
        }
    }
    said
}

type Answered = (Vec<usize>, Result<Vec<KnownAlert>, String>);

/// Alerts of one name, in as many pieces as it takes.
async fn about(
    client: &AlertmanagerClient,
    name: &str,
    alerts: &[SilenceQuery],
    places: Vec<usize>,
) -> Vec<Answered> {
    if places.len() > FEW
        && let Ok(known) = named(client, name).await
    {
        return vec![(places, Ok(known))];
    }
    // Few; or too many have the name.
    let questions: Vec<_> = places.into_iter().map(|place| about_one(client, alerts, place)).collect();
    stream::iter(questions).buffer_unordered(AT_ONCE).collect().await
}

/// What has the labels by which an alert is found.
async fn about_one(client: &AlertmanagerClient, alerts: &[SilenceQuery], place: usize) -> Answered {
    let SilenceQuery { labels, key } = &alerts[place];
    let value = |name: &str| labels.get(name).map_or("", String::as_str);
    let names: Vec<&str> = match key.as_slice() {
        [] => labels.keys().map(String::as_str).collect(),
        key => [ALERT_NAME].into_iter().chain(key.iter().map(String::as_str)).collect(),
    };
    let wanted: Vec<(&str, &str)> = names.iter().map(|name| (*name, value(name))).collect();
    (vec![place], client.alerts_with(&wanted).await)
}

fn judge(
    alert: &SilenceQuery,
    index: &Index<'_>,
    silences: &Result<Vec<Silence>, String>,
    receivers: &BTreeSet<&str>,
) -> Result<Suppression, String> {
    let why = |why: String| Suppression::By(why);
    if let Some(found) = index.find(&alert.labels) {
        // Of silences the alert itself says enough.
        let silences = silences.as_deref().unwrap_or_default();
        return Ok(found.why_suppressed(silences, receivers).map_or(Suppression::None, why));
    }
    let silences = silences.as_ref().map_err(Clone::clone)?;
    let silence = silences.iter().find(|silence| silence.silences(&alert.labels));
    Ok(silence.map(Silence::to_string).map_or(Suppression::Unlisted, why))
}

#[cfg(test)]
mod tests;
