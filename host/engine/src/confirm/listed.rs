//! All that Prometheus lists at one time, to look many alerts up in one answer.

use std::collections::{BTreeSet, HashMap};

use suture_core::effect::ActiveAlert;
use suture_core::names::shortened;
use suture_core::{AlertRelabeling, Effect, EffectHandler, Error, Fault, Labels, Reason, Reply, Step};

use super::{ByPrometheus, Standing};

const ALERT_NAME: &str = "alertname";
/// How many alerts of one name are looked through for the nearest.
const NEAREST_OF: usize = 100;
/// How many labels in which two alerts differ are told.
const TOLD: usize = 5;

/// What Prometheus lists.
pub(crate) struct Listed {
    alerts: Vec<Entry>,
    /// Those alerts by some of their labels: whoever is the same as a posted one is found by
    /// one of two lookups.
    by_labels: HashMap<Labels, Vec<usize>>,
    by_name: HashMap<String, Vec<usize>>,
    relabeling: AlertRelabeling,
    key: Option<BTreeSet<String>>,
}

struct Entry {
    alert: ActiveAlert,
    /// Its labels as Alertmanager gets them; as they are where it gets none.
    sent: Labels,
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

impl Listed {
    /// Ask Prometheus once.
    ///
    /// # Errors
    /// Why it can't be asked.
    pub async fn ask(prometheus: &dyn EffectHandler, by: &ByPrometheus, step: &Step) -> Result<Self, Fault> {
        let alerts = active_alerts(prometheus, step).await?;
        Ok(Self::new(alerts, by.relabeling.relabeling().await?, by.key.clone()))
    }

    fn new(alerts: Vec<ActiveAlert>, relabeling: AlertRelabeling, key: Option<BTreeSet<String>>) -> Self {
        let mut listed =
            Self { alerts: Vec::new(), by_labels: HashMap::new(), by_name: HashMap::new(), relabeling, key };
        for mut alert in alerts {
            alert.labels.retain(|name, _| !listed.relabeling.ignored.contains(name));
            let sent = listed.relabeling.as_sent(&alert.labels).unwrap_or_else(|| alert.labels.clone());
            let entry = Entry { sent: listed.without_ignored(sent), alert };
            let index = listed.alerts.len();
            let mut handles =
                BTreeSet::from([listed.handle(&entry.alert.labels), listed.handle(&entry.sent)]);
            handles.insert(listed.handle_of_own(&entry));
            for handle in handles {
                listed.by_labels.entry(handle).or_default().push(index);
            }
            let name = entry.alert.labels.get(ALERT_NAME).cloned().unwrap_or_default();
            listed.by_name.entry(name).or_default().push(index);
            listed.alerts.push(entry);
        }
        listed
    }

    /// Whether it lists nothing at all.
    pub fn is_empty(&self) -> bool {
        self.alerts.is_empty()
    }

    /// How the alert with these labels stands. Of several that are the same to us, the one
    /// counts that fires, and was the last to begin to.
    pub fn standing(&self, labels: &Labels) -> Standing {
        let posted = self.without_ignored(labels.clone());
        let mut alike: Vec<usize> = Vec::new();
        for handle in [self.handle(&posted), self.without_external_names(&posted)] {
            alike.extend(self.by_labels.get(&handle).into_iter().flatten());
        }
        let same = alike.into_iter().map(|index| &self.alerts[index]);
        let same: Vec<&ActiveAlert> =
            same.filter(|entry| self.is_same(entry, &posted)).map(|entry| &entry.alert).collect();
        let firing = same.iter().filter(|alert| alert.firing).max_by_key(|alert| alert.active_at);
        let kept = same.iter().filter_map(|alert| alert.kept_firing_since).max();
        match (firing, kept) {
            (Some(alert), _) => {
                Standing::Firing { since: alert.active_at, annotations: alert.annotations.clone() }
            }
            (None, Some(since)) => Standing::KeptFiring(since),
            (None, None) if same.is_empty() => Standing::Absent(self.instead_of(&posted)),
            (None, None) => Standing::Pending,
        }
    }

    /// Whether a listed alert is the posted one: it has the key's labels alike; or all its own
    /// labels, and beyond them only external ones; or the posted ones are what it is sent with,
    /// labels that are added on the way aside.
    fn is_same(&self, entry: &Entry, posted: &Labels) -> bool {
        let Entry { alert: ActiveAlert { labels: own, .. }, sent } = entry;
        if let Some(key) = &self.key {
            let alike =
                |name: &String| posted.get(name) == own.get(name) || posted.get(name) == sent.get(name);
            return own.get(ALERT_NAME) == posted.get(ALERT_NAME) && key.iter().all(alike);
        }
        // What is added on the way is what it is sent with, and nothing else.
        let is_external =
            |name: &String, value: &String| !own.contains_key(name) && sent.get(name) == Some(value);
        let is_own = own.iter().all(|(name, value)| posted.get(name) == Some(value))
            && posted.iter().all(|(name, value)| own.contains_key(name) || is_external(name, value));
        let is_sent = posted.iter().all(|(name, value)| sent.get(name) == Some(value))
            && sent.iter().all(|(name, value)| posted.get(name) == Some(value) || !own.contains_key(name));
        is_own || is_sent
    }

    /// The labels by which an alert is looked up: those of the key, or all but external ones.
    fn handle(&self, labels: &Labels) -> Labels {
        let external = &self.relabeling.external_labels;
        let pairs = labels.iter().filter(|(name, value)| match &self.key {
            Some(key) => key.contains(*name) || *name == ALERT_NAME,
            None => external.get(*name) != Some(*value),
        });
        pairs.map(|(name, value)| (name.clone(), value.clone())).collect()
    }

    /// What is sent of an alert's own labels: external ones can be changed on the way, too.
    fn handle_of_own(&self, entry: &Entry) -> Labels {
        let of_key = self.handle(&entry.sent);
        let is_own = |name: &String| entry.alert.labels.contains_key(name) || self.key.is_some();
        of_key.into_iter().filter(|(name, _)| is_own(name)).collect()
    }

    fn without_external_names(&self, labels: &Labels) -> Labels {
        let mut labels = self.handle(labels);
        if self.key.is_none() {
            labels.retain(|name, _| !self.relabeling.external_labels.contains_key(name));
        }
        labels
    }

    fn without_ignored(&self, mut labels: Labels) -> Labels {
        labels.retain(|name, _| !self.relabeling.ignored.contains(name));
        labels
    }

    /// What is listed, where an alert is not.
    fn instead_of(&self, posted: &Labels) -> String {
        if self.alerts.is_empty() {
            return "it lists no alert at all, pending or firing; where another server evaluates the rules (vmalert, a \
                    ruler), `prometheus.alertsUrl` names it"
                .to_owned();
        }
        let name = posted.get(ALERT_NAME).map_or("", String::as_str);
        let Some(named) = self.by_name.get(name) else {
            return format!(
                "none of the {} alerts that it lists is called `{}`",
                self.alerts.len(),
                shortened(name)
            );
        };
        let differences = |entry: &Entry| {
            let names: BTreeSet<&String> = posted.keys().chain(entry.sent.keys()).collect();
            let differing = names.into_iter().filter(|name| posted.get(*name) != entry.sent.get(*name));
            differing.cloned().collect::<Vec<_>>()
        };
        let entries = named.iter().take(NEAREST_OF).map(|index| &self.alerts[*index]);
        let nearest = entries.map(|entry| (differences(entry), entry)).min_by_key(|(names, _)| names.len());
        let Some((names, entry)) = nearest else { return String::new() };
        let shown = |labels: &Labels, name: &String| match labels.get(name) {
            Some(value) => format!("`{}`", shortened(value)),
            None => "nothing".to_owned(),
        };
        let told = names.iter().take(TOLD).map(|name| {
            format!(
                "`{}` ({} there, {} posted)",
                shortened(name),
                shown(&entry.sent, name),
                shown(posted, name)
            )
        });
        let told: Vec<_> = told.collect();
        let more = names.len().saturating_sub(TOLD);
        let more = if more > 0 { format!(" and {more} more labels") } else { String::new() };
        format!(
            "no alert that it lists has exactly its labels; the nearest of {} with this name differs in {}{more}",
            named.len(),
            told.join(", ")
        )
    }
}

#[cfg(test)]
mod tests;
