//! An Alertmanager in memory, as far as one receiver is concerned: how it merges what is posted,
//! groups it, leaves out what is suppressed, and decides what it notifies of and when. As
//! `dispatch/dispatch.go`, `notify/notify.go` and `types/types.go` of Alertmanager 0.28 and later do it.
//!
//! Left out are the tree of routes (there is one) and time intervals. What the real one did is in
//! `tests/recorded`, and this one is held against it.

mod alert;
mod group;
mod inhibition;
mod silence;

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Value, json};
use suture_core::{Labels, Notification, Timestamp};

use alert::Known;
pub use alert::Posted;
use group::Group;
pub use group::{Flushed, Notified};
pub use inhibition::InhibitRule;
pub use silence::Silence;

/// The receiver's name.
const RECEIVER: &str = "suture";

/// The route to the receiver.
#[derive(Clone, Debug)]
pub struct Route {
    /// Alerts whose name begins so go to people, not to this receiver.
    pub for_people: String,
    /// `group_by`.
    pub group_by: Vec<String>,
    /// `group_wait`.
    pub group_wait: Duration,
    /// `group_interval`.
    pub group_interval: Duration,
    /// `repeat_interval`.
    pub repeat_interval: Duration,
    /// `resolve_timeout`.
    pub resolve_timeout: Duration,
    /// The receiver's `max_alerts`; 0 for no limit.
    pub max_alerts: usize,
}

/// One Alertmanager.
#[derive(Clone, Debug)]
pub struct SimulatedAlertmanager {
    route: Route,
    inhibit_rules: Vec<InhibitRule>,
    alerts: BTreeMap<Labels, Known>,
    groups: BTreeMap<Labels, Group>,
    /// What was notified of, by group. Outlives a restart.
    log: BTreeMap<Labels, Notified>,
    /// Outlive a restart.
    silences: Vec<Silence>,
}

impl SimulatedAlertmanager {
    /// One that has just been installed.
    pub fn new(route: Route, inhibit_rules: Vec<InhibitRule>) -> Self {
        Self {
            route,
            inhibit_rules,
            alerts: BTreeMap::new(),
            groups: BTreeMap::new(),
            log: BTreeMap::new(),
            silences: Vec::new(),
        }
    }

    /// Take an alert that is posted.
    pub fn receive(&mut self, posted: Posted, now: Timestamp) {
        let labels = posted.labels.clone();
        let newer = Known::new(posted, self.route.resolve_timeout, now);
        let merged = match self.alerts.get(&labels) {
            Some(known) if known.overlaps(&newer) => known.merged(newer, now),
            Some(_) | None => newer,
        };
        self.alerts.insert(labels.clone(), merged.clone());
        if self.is_for_people(&labels) {
            return;
        }
        let by = |name: &String| Some((name.clone(), labels.get(name)?.clone()));
        let of: Labels = self.route.group_by.iter().filter_map(by).collect();
        let wait = self.route.group_wait;
        self.groups.entry(of).or_insert_with(|| Group::new(&merged, wait, now)).insert(merged);
    }

    /// When a group is to be looked at next.
    pub fn next_flush(&self) -> Option<Timestamp> {
        self.groups.values().map(|group| group.next).min()
    }

    /// Look at the groups whose time has come: what is to be delivered for each. Groups that have
    /// nothing to say are done with at once.
    pub fn flush(&mut self, now: Timestamp) -> Vec<Flushed> {
        let due: Vec<Labels> =
            self.groups.iter().filter(|(_, group)| group.next <= now).map(|(of, _)| of.clone()).collect();
        let mut flushed = Vec::new();
        for of in due {
            let Some(group) = self.groups.get_mut(&of) else { continue };
            let seen = group.flush(now, self.route.group_interval);
            let is_heard = |alert: &&Known| !self.is_suppressed(&alert.labels, now);
            let heard: Vec<Known> = seen.iter().filter(is_heard).cloned().collect();
            let next = Notified::of(&heard, now);
            // What is suppressed altogether ends here, and is not noted (`notify.MultiStage`).
            if heard.is_empty() || !next.is_news(self.log.get(&of), self.route.repeat_interval) {
                self.done(&of, now, &seen);
                continue;
            }
            let notification = self.notification(&of, &heard, now);
            flushed.push(Flushed { group: of, seen, next, notification });
        }
        flushed
    }

    /// Whether what was flushed is still news: a peer may have delivered it meanwhile.
    pub fn is_news(&self, flushed: &Flushed) -> bool {
        flushed.next.is_news(self.log.get(&flushed.group), self.route.repeat_interval)
    }

    /// It was delivered, or need not be.
    pub fn delivered(&mut self, flushed: &Flushed) {
        self.log.insert(flushed.group.clone(), flushed.next.clone());
        self.done(&flushed.group, flushed.next.at, &flushed.seen);
    }

    /// A peer says that it has delivered this.
    pub fn gossip(&mut self, flushed: &Flushed) {
        let newer = self.log.get(&flushed.group).is_none_or(|known| known.at <= flushed.next.at);
        if newer {
            self.log.insert(flushed.group.clone(), flushed.next.clone());
        }
    }

    /// Somebody silences alerts, here or at a peer.
    pub fn silence(&mut self, silence: Silence) {
        self.silences.push(silence);
    }

    /// Somebody ends the silences of these labels.
    pub fn unsilence(&mut self, labels: &Labels, now: Timestamp) {
        for silence in self.silences.iter_mut().filter(|silence| silence.labels == *labels) {
            silence.until = silence.until.min(now);
        }
    }

    /// It starts anew: alerts and groups are gone; silences and what was notified of stay.
    pub fn restart(&mut self) {
        self.alerts.clear();
        self.groups.clear();
    }

    /// The alerts that hold.
    pub fn holding(&self, now: Timestamp) -> impl Iterator<Item = &Labels> {
        self.alerts.iter().filter(move |(_, known)| !known.is_over(now)).map(|(labels, _)| labels)
    }

    /// The alerts that hold, as the API shows them (`/api/v2/alerts/groups`); each is a group of
    /// its own.
    pub fn grouped(&self, now: Timestamp) -> Value {
        let show = |alert: &Known| {
            let is_silenced = self.is_silenced(&alert.labels, now);
            let is_inhibited = self.is_inhibited(&alert.labels, now);
            let by = |is_so: bool| if is_so { vec!["something"] } else { Vec::new() };
            let receiver = if self.is_for_people(&alert.labels) { "people" } else { RECEIVER };
            let shown = json!({
                "labels": alert.labels,
                "annotations": {},
                "startsAt": alert.starts_at,
                "endsAt": alert.ends_at,
                "fingerprint": suture_core::alert::fingerprint_of(&alert.labels),
                "receivers": [{"name": receiver}],
                "status": {
                    "state": if is_silenced || is_inhibited { "suppressed" } else { "active" },
                    "silencedBy": by(is_silenced),
                    "inhibitedBy": by(is_inhibited),
                    "mutedBy": [],
                },
            });
            json!({"receiver": {"name": receiver}, "labels": {}, "routeLabels": {}, "alerts": [shown]})
        };
        self.alerts.values().filter(|alert| !alert.is_over(now)).map(show).collect()
    }

    /// Whether an alert is silenced or inhibited.
    pub fn is_suppressed(&self, labels: &Labels, now: Timestamp) -> bool {
        self.is_silenced(labels, now) || self.is_inhibited(labels, now)
    }

    fn is_silenced(&self, labels: &Labels, now: Timestamp) -> bool {
        self.silences.iter().any(|silence| silence.covers(labels, now))
    }

    fn is_inhibited(&self, labels: &Labels, now: Timestamp) -> bool {
        self.inhibit_rules.iter().any(|rule| rule.inhibits(labels, self.holding(now)))
    }

    fn is_for_people(&self, labels: &Labels) -> bool {
        labels.get("alertname").is_some_and(|name| name.starts_with(&self.route.for_people))
    }

    fn done(&mut self, of: &Labels, flushed_at: Timestamp, seen: &[Known]) {
        if let Some(group) = self.groups.get_mut(of) {
            group.forget_resolved(flushed_at, seen);
            if group.is_empty() {
                self.groups.remove(of);
            }
        }
    }

    fn notification(&self, of: &Labels, heard: &[Known], now: Timestamp) -> Notification {
        let most = match self.route.max_alerts {
            0 => heard.len(),
            most => most.min(heard.len()),
        };
        let mut ordered: Vec<&Known> = heard.iter().collect();
        ordered.sort_by(|one, other| one.order(other));
        Notification {
            version: "4".to_owned(),
            group_key: format!("{{}}:{of:?}"),
            truncated_alerts: (heard.len() - most) as u64,
            receiver: RECEIVER.to_owned(),
            alerts: ordered.into_iter().take(most).map(|alert| alert.shown(now)).collect(),
        }
    }
}

#[cfg(test)]
mod tests;
