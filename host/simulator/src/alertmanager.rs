//! An Alertmanager in memory, as far as one receiver is concerned: how it merges what is posted,
//! groups it, leaves out what is suppressed, and decides what it notifies of and when. As
//! `dispatch/dispatch.go`, `notify/notify.go` and `types/types.go` of Alertmanager 0.28 and later do it.
//!
//! Left out are the tree of routes (there is one), time intervals, and `resolve_timeout` (whoever
//! posts says until when an alert holds).

mod group;
mod inhibition;
mod silence;

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Value, json};
use suture_core::{Alert, AlertStatus, Labels, Notification, Timestamp};

use group::Group;
pub use group::{Flushed, Notified};
pub use inhibition::InhibitRule;
pub use silence::Silence;

/// The receiver's name.
const RECEIVER: &str = "suture";

/// An alert as it is posted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Posted {
    /// What identifies it.
    pub labels: Labels,
    /// Since when it holds.
    pub starts_at: Timestamp,
    /// Until when. In the past: it is over.
    pub ends_at: Timestamp,
}

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
    /// The receiver's `max_alerts`; 0 for no limit.
    pub max_alerts: usize,
}

/// One Alertmanager.
#[derive(Clone, Debug)]
pub struct SimulatedAlertmanager {
    route: Route,
    inhibit_rules: Vec<InhibitRule>,
    alerts: BTreeMap<Labels, Posted>,
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
        let merged = match self.alerts.get(&labels) {
            Some(known) if known.overlaps(&posted) => known.merged(posted, now),
            Some(_) | None => posted,
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
            let heard: Vec<Posted> =
                seen.iter().filter(|alert| !self.is_suppressed(&alert.labels, now)).cloned().collect();
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

    /// It starts anew: alerts and groups are gone; silences and what was notified of stay.
    pub fn restart(&mut self) {
        self.alerts.clear();
        self.groups.clear();
    }

    /// The alerts that hold.
    pub fn holding(&self, now: Timestamp) -> impl Iterator<Item = &Labels> {
        self.alerts.iter().filter(move |(_, known)| known.ends_at > now).map(|(labels, _)| labels)
    }

    /// The alerts that hold, as the API shows them (`/api/v2/alerts`).
    pub fn listed(&self, now: Timestamp) -> Value {
        let show = |alert: &Posted| {
            let is_silenced = self.is_silenced(&alert.labels, now);
            let is_inhibited = self.is_inhibited(&alert.labels, now);
            let by = |is_so: bool| if is_so { vec!["something"] } else { Vec::new() };
            let receiver = if self.is_for_people(&alert.labels) { "people" } else { RECEIVER };
            json!({
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
            })
        };
        self.alerts.values().filter(|alert| alert.ends_at > now).map(show).collect()
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

    fn done(&mut self, of: &Labels, flushed_at: Timestamp, seen: &[Posted]) {
        if let Some(group) = self.groups.get_mut(of) {
            group.forget_resolved(flushed_at, seen);
            if group.is_empty() {
                self.groups.remove(of);
            }
        }
    }

    fn notification(&self, of: &Labels, heard: &[Posted], now: Timestamp) -> Notification {
        let most = match self.route.max_alerts {
            0 => heard.len(),
            most => most.min(heard.len()),
        };
        let show = |posted: &Posted| {
            let is_over = posted.ends_at <= now;
            Alert {
                status: if is_over { AlertStatus::Resolved } else { AlertStatus::Firing },
                labels: posted.labels.clone(),
                annotations: Labels::new(),
                starts_at: posted.starts_at,
                ends_at: is_over.then_some(posted.ends_at),
                generator_url: String::new(),
                fingerprint: suture_core::alert::fingerprint_of(&posted.labels),
            }
        };
        Notification {
            version: "4".to_owned(),
            group_key: format!("{{}}:{of:?}"),
            truncated_alerts: (heard.len() - most) as u64,
            receiver: RECEIVER.to_owned(),
            alerts: heard.iter().take(most).map(show).collect(),
        }
    }
}

impl Posted {
    /// Whether what is posted goes on with what is known (`provider/mem`, `Put`).
    fn overlaps(&self, posted: &Posted) -> bool {
        let ends_within = posted.ends_at > self.starts_at && posted.ends_at < self.ends_at;
        let starts_within = posted.starts_at > self.starts_at && posted.starts_at < self.ends_at;
        ends_within || starts_within
    }

    /// Both as one (`alert.Merge`): the later post wins, from the earlier start on. Of two ends the
    /// later counts, unless only the newer is over.
    fn merged(&self, newer: Posted, now: Timestamp) -> Posted {
        let is_only_newer_over = newer.ends_at <= now && self.ends_at > now;
        let ends_at = if is_only_newer_over { newer.ends_at } else { newer.ends_at.max(self.ends_at) };
        Posted { starts_at: self.starts_at.min(newer.starts_at), ends_at, ..newer }
    }
}

#[cfg(test)]
mod tests;
