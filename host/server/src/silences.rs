//! Whether alerts are silenced, by the word of each Alertmanager.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use async_trait::async_trait;
use futures::future::join_all;
use suture_cluster::{AlertmanagerClient, Silence};
use suture_engine::{SilenceQuery, Silences, Suppression};

use crate::beside::beside;
use crate::lookup::{Answered, Index, Wanted, look_up};
use crate::receivers::Receivers;

/// Asks all of them.
pub(crate) struct AskedAlertmanagers {
    clients: Vec<AlertmanagerClient>,
    /// Those that post here: a time interval mutes for some receivers and not for others.
    receivers: Arc<Receivers>,
}

impl AskedAlertmanagers {
    /// These; none where there is none.
    pub fn of(clients: Vec<AlertmanagerClient>, receivers: &Arc<Receivers>) -> Option<Self> {
        (!clients.is_empty()).then(|| Self { clients, receivers: receivers.clone() })
    }
}

#[async_trait]
impl Silences for AskedAlertmanagers {
    async fn suppressions(&self, alerts: &[SilenceQuery]) -> Vec<Result<Suppression, String>> {
        let shared: Arc<[SilenceQuery]> = alerts.into();
        let of_each = join_all(self.clients.iter().map(|client| ask(client, &shared, &self.receivers))).await;
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
    alerts: &Arc<[SilenceQuery]>,
    receivers: &Receivers,
) -> Vec<Result<Suppression, String>> {
    let silences = match client.silences().await {
        Ok(silences) => silences,
        Err(error) => return vec![Err(error.to_string()); alerts.len()],
    };
    let wanted: Vec<_> =
        alerts.iter().map(|alert| Wanted { labels: &alert.labels, key: &alert.key }).collect();
    let policies: BTreeSet<String> = alerts.iter().map(|alert| alert.policy.clone()).collect();
    let receivers: BTreeMap<String, BTreeSet<String>> = policies
        .into_iter()
        .map(|policy| {
            let names = receivers.names_for(&policy);
            (policy, names)
        })
        .collect();
    let known = look_up(client, &wanted).await;
    let judged = {
        let alerts = alerts.clone();
        beside(move || judge_all(&alerts, known, &silences, &receivers)).await
    };
    judged.unwrap_or_else(|error| vec![Err(error); alerts.len()])
}

/// What is said of each alert, by what an Alertmanager has.
fn judge_all(
    alerts: &[SilenceQuery],
    answers: Vec<Answered>,
    silences: &[Silence],
    receivers: &BTreeMap<String, BTreeSet<String>>,
) -> Vec<Result<Suppression, String>> {
    let receivers_of: BTreeMap<&str, BTreeSet<&str>> = receivers
        .iter()
        .map(|(policy, names)| (policy.as_str(), names.iter().map(String::as_str).collect()))
        .collect();
    let mut said = vec![Ok(Suppression::Unlisted); alerts.len()];
    for (places, known) in answers {
        let known = known.map_err(|error| error.to_string());
        let mut indices: BTreeMap<&[String], Index<'_>> = BTreeMap::new();
        for place in places {
            let alert = &alerts[place];
            said[place] = known.as_ref().map_err(Clone::clone).map(|known| {
                let index = indices.entry(&alert.key).or_insert_with(|| Index::of(known, &alert.key));
                judge(alert, index, silences, &receivers_of[alert.policy.as_str()])
            });
        }
    }
    said
}

fn judge(
    alert: &SilenceQuery,
    index: &Index<'_>,
    silences: &[Silence],
    receivers: &BTreeSet<&str>,
) -> Suppression {
    match index.find(&alert.labels) {
        Some(found) => found.why_suppressed(silences, receivers).map_or(Suppression::None, Suppression::By),
        None => {
            let silence = silences.iter().find(|silence| silence.silences(&alert.labels));
            silence.map_or(Suppression::Unlisted, |silence| Suppression::By(silence.to_string()))
        }
    }
}

#[cfg(test)]
mod tests;
