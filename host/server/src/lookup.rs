//! What one Alertmanager has of some alerts, in as few questions as it takes.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::Duration;

use futures::{Stream, StreamExt, stream};
use suture_cluster::{AlertmanagerClient, AlertmanagerError, Silence};
use suture_core::names::shortened;
use suture_core::{Clock, KnownAlert, Labels, RealClock};

const ALERT_NAME: &str = "alertname";
/// How many questions one Alertmanager is asked at once.
const AT_ONCE: usize = 4;
/// So many alerts of one name are asked about one by one; of more, all that have the name are listed.
const FEW: usize = 4;
/// How long all questions together may take before the rest is left for later.
const PATIENCE: Duration = Duration::from_secs(30);

/// An alert that is looked for.
#[derive(Clone, Copy)]
pub(crate) struct Wanted<'a> {
    /// Its labels, as it was or would be posted.
    pub labels: &'a Labels,
    /// The names of the labels that tell its incident from others; empty where all do.
    pub key: &'a [String],
}

impl Wanted<'_> {
    fn name(&self) -> &str {
        self.value(ALERT_NAME)
    }

    fn value(&self, name: &str) -> &str {
        self.labels.get(name).map_or("", String::as_str)
    }

    /// The labels by which it is found.
    fn filters(&self) -> Vec<(&str, &str)> {
        let names: Vec<&str> = match self.key {
            [] => self.labels.keys().map(String::as_str).collect(),
            key => [ALERT_NAME].into_iter().chain(key.iter().map(String::as_str)).collect(),
        };
        names.into_iter().map(|name| (name, self.value(name))).collect()
    }
}

/// Some of the alerts that are looked for, by their places, and what Alertmanager has that may be
/// one of them.
pub(crate) type Answered = (Vec<usize>, Result<Vec<KnownAlert>, AlertmanagerError>);

/// Ask what it has of these alerts: each is in one of the answers. Where it can't be asked, that is
/// so for all that it has not answered yet.
pub(crate) async fn look_up(client: &AlertmanagerClient, wanted: &[Wanted<'_>]) -> Vec<Answered> {
    let began = RealClock.monotonic();
    let is_late = || RealClock.monotonic().saturating_sub(began) > PATIENCE;
    let mut by_name: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (place, one) in wanted.iter().enumerate() {
        by_name.entry(one.name()).or_default().push(place);
    }
    let (many, few): (Vec<_>, Vec<_>) = by_name.into_iter().partition(|(_, places)| places.len() > FEW);
    let questions: Vec<_> = many
        .into_iter()
        .map(async |(name, places)| (places, client.alerts_with(&[(ALERT_NAME, name)]).await))
        .collect();
    let mut answers = until_it_fails(stream::iter(questions).buffer_unordered(AT_ONCE), is_late).await;
    // Too many have the name.
    let is_too_long = |(_, answer): &mut Answered| answer.as_ref().is_err_and(|error| error.is_too_long());
    let too_long = answers.extract_if(.., is_too_long).flat_map(|(places, _)| places);
    let singly: Vec<usize> = few.into_iter().flat_map(|(_, places)| places).chain(too_long).collect();
    let failed = answers.iter().any(|(_, answer)| answer.is_err());
    if !failed {
        let questions: Vec<_> = singly
            .into_iter()
            .map(async |place| (vec![place], client.alerts_with(&wanted[place].filters()).await))
            .collect();
        let asked = stream::iter(questions).buffer_unordered(AT_ONCE);
        answers.extend(until_it_fails(asked, is_late).await);
    }
    let answered: BTreeSet<usize> = answers.iter().flat_map(|(places, _)| places).copied().collect();
    let rest: Vec<usize> = (0..wanted.len()).filter(|place| !answered.contains(place)).collect();
    if !rest.is_empty() {
        let slow = || AlertmanagerError::Slow { url: client.url().to_owned(), within: PATIENCE };
        let mut errors = answers.iter().filter_map(|(_, answer)| answer.as_ref().err());
        // That one answer was too long says nothing of the others.
        let error = errors.find(|error| !error.is_too_long()).cloned().unwrap_or_else(slow);
        answers.push((rest, Err(error)));
    }
    answers
}

/// The answers up to the first that says that no other will come, or that comes too late.
async fn until_it_fails(answers: impl Stream<Item = Answered>, is_late: impl Fn() -> bool) -> Vec<Answered> {
    let mut answers = std::pin::pin!(answers);
    let mut all = Vec::new();
    while let Some(answer) = answers.next().await {
        let has_failed = answer.1.as_ref().is_err_and(|error| !error.is_too_long());
        all.push(answer);
        if has_failed || is_late() {
            break;
        }
    }
    all
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
            if let Some(interval) = alert.muted_by(receivers) {
                return Some(format!(
                    "Alertmanager's time interval `{}` mutes its alert",
                    shortened(interval)
                ));
            }
            // It is new there, or Alertmanager is.
            let unseen = "Alertmanager has not yet looked whether its alert is silenced";
            (!alert.is_active()).then(|| unseen.to_owned())
        })
    }
}
