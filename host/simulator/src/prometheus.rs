//! A Prometheus in memory: how alerting rules make alerts of what their expressions find, and which of them are posted when. As `rules/alerting.go` and `rules/group.go` of Prometheus 3 do it.
//!
//! Left out are the expressions themselves (the caller says for which labels they hold), templates
//! in labels, groups (all rules are evaluated at once), and rules that are changed while alerts of
//! theirs are active.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::SignedDuration;
use suture_core::clock::later;
use suture_core::effect::ActiveAlert;
use suture_core::{AlertRelabeling, Labels, Timestamp};

use crate::alertmanager::Posted;

/// For how long an alert that is over is posted as resolved (`resolvedRetention`).
const RESOLVED_RETENTION: SignedDuration = SignedDuration::from_mins(15);
/// How often an alert is posted again (`--rules.alert.resend-delay`).
const RESEND_DELAY: SignedDuration = SignedDuration::from_mins(1);
/// A rule with a shorter `for` forgets at a restart since when it holds (`--rules.alert.for-grace-period`).
const FOR_GRACE_PERIOD: Duration = Duration::from_secs(600);
/// Evaluations after a restart until what was known before is taken up.
const RESTORED_AFTER: u32 = 2;

/// An alerting rule.
#[derive(Clone, Debug)]
pub struct AlertingRule {
    /// `alert`.
    pub alertname: String,
    /// `for`: how long the expression must hold before the alert fires.
    pub hold: Duration,
    /// `keep_firing_for`.
    pub keep_firing_for: Duration,
    /// How often it is evaluated.
    pub interval: Duration,
}

/// One Prometheus.
#[derive(Clone, Debug)]
pub struct SimulatedPrometheus {
    rules: Vec<AlertingRule>,
    relabeling: AlertRelabeling,
    active: BTreeMap<Labels, Active>,
    /// Since when alerts held before a restart (the series `ALERTS_FOR_STATE`), and how many
    /// evaluations have been since.
    before: Option<(BTreeMap<Labels, Timestamp>, u32)>,
}

#[derive(Clone, Debug)]
struct Active {
    state: State,
    active_at: Timestamp,
    fired_at: Timestamp,
    keep_firing_since: Option<Timestamp>,
    resolved_at: Option<Timestamp>,
    last_sent_at: Option<Timestamp>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Inactive,
    Pending,
    Firing,
}

impl SimulatedPrometheus {
    /// One that has just started, and relabels so what it posts.
    pub fn new(rules: Vec<AlertingRule>, relabeling: AlertRelabeling) -> Self {
        Self { rules, relabeling, active: BTreeMap::new(), before: None }
    }

    /// What it does to labels.
    pub fn relabeling(&self) -> &AlertRelabeling {
        &self.relabeling
    }

    /// Evaluate the rules: their expressions hold for these labels, each with its rule's `alertname`.
    pub fn evaluate(&mut self, now: Timestamp, holds: &BTreeSet<Labels>) {
        for labels in holds {
            match self.active.get_mut(labels) {
                Some(alert) if alert.state != State::Inactive => alert.keep_firing_since = None,
                Some(_) | None => {
                    self.active.insert(labels.clone(), Active::pending(now));
                }
            }
        }
        let rules = &self.rules;
        self.active.retain(|labels, alert| {
            let Some(rule) = rule_of(rules, labels) else { return false };
            if holds.contains(labels) {
                if alert.state == State::Pending && now.duration_since(alert.active_at) >= signed(rule.hold) {
                    alert.state = State::Firing;
                    alert.fired_at = now;
                }
                return true;
            }
            let keep_firing_for = signed(rule.keep_firing_for);
            if alert.state == State::Firing && keep_firing_for.is_positive() {
                let since = *alert.keep_firing_since.get_or_insert(now);
                if now.duration_since(since) < keep_firing_for {
                    return true;
                }
            }
            let is_forgotten =
                alert.resolved_at.is_some_and(|at| now.duration_since(at) > RESOLVED_RETENTION);
            if alert.state == State::Pending || is_forgotten {
                return false;
            }
            if alert.state != State::Inactive {
                alert.state = State::Inactive;
                alert.resolved_at = Some(now);
            }
            true
        });
        self.restore();
    }

    /// It starts anew: what it knows is since when alerts held.
    pub fn restart(&mut self) {
        let held = self.active.iter().filter(|(_, alert)| alert.state != State::Inactive);
        let held = held.map(|(labels, alert)| (labels.clone(), alert.active_at)).collect();
        self.before = Some((held, 0));
        self.active.clear();
    }

    /// After some evaluations, alerts that are pending are said to be so since before the restart.
    fn restore(&mut self) {
        let Some((before, evaluations)) = &mut self.before else { return };
        *evaluations += 1;
        if *evaluations < RESTORED_AFTER {
            return;
        }
        for (labels, alert) in &mut self.active {
            let has_grace = rule_of(&self.rules, labels).is_some_and(|rule| rule.hold >= FOR_GRACE_PERIOD);
            if let Some(since) = before.get(labels).filter(|_| has_grace) {
                alert.active_at = *since;
            }
        }
        self.before = None;
    }

    /// What is to be posted to each Alertmanager now.
    pub fn to_post(&mut self, now: Timestamp) -> Vec<Posted> {
        let mut posted = Vec::new();
        for (labels, alert) in &mut self.active {
            let is_due = match (alert.last_sent_at, alert.resolved_at) {
                _ if alert.state == State::Pending => false,
                (None, _) => true,
                (Some(sent), Some(resolved)) if resolved > sent => true,
                (Some(sent), _) => now.duration_since(sent) > RESEND_DELAY,
            };
            if !is_due {
                continue;
            }
            alert.last_sent_at = Some(now);
            let Some(rule) = rule_of(&self.rules, labels) else { continue };
            let lasts = (4 * rule.interval).max(Duration::from_secs(240));
            let Some(labels) = self.relabeling.as_sent(labels) else { continue };
            let ends_at = alert.resolved_at.unwrap_or_else(|| later(now, lasts));
            posted.push(Posted { labels, starts_at: alert.fired_at, ends_at });
        }
        posted
    }

    /// `/api/v1/alerts`: what is pending or fires, with labels as they are before relabelling.
    pub fn alerts(&self) -> Vec<ActiveAlert> {
        let listed = self.active.iter().filter(|(_, alert)| alert.state != State::Inactive);
        let show = |(labels, alert): (&Labels, &Active)| ActiveAlert {
            labels: labels.clone(),
            annotations: Labels::new(),
            firing: alert.state == State::Firing && alert.keep_firing_since.is_none(),
            active_at: alert.active_at,
            kept_firing_since: alert.keep_firing_since,
        };
        listed.map(show).collect()
    }

    /// Whether an alert fires whose labels include these. One that is only kept firing does not.
    pub fn is_firing(&self, labels: &Labels) -> bool {
        self.active.iter().any(|(of, alert)| {
            let fires = alert.state == State::Firing && alert.keep_firing_since.is_none();
            fires && labels.iter().all(|(name, value)| of.get(name) == Some(value))
        })
    }
}

impl Active {
    fn pending(now: Timestamp) -> Self {
        Self {
            state: State::Pending,
            active_at: now,
            fired_at: now,
            keep_firing_since: None,
            resolved_at: None,
            last_sent_at: None,
        }
    }
}

/// The rule that makes an alert.
fn rule_of<'a>(rules: &'a [AlertingRule], labels: &Labels) -> Option<&'a AlertingRule> {
    rules.iter().find(|rule| labels.get("alertname") == Some(&rule.alertname))
}

fn signed(duration: Duration) -> SignedDuration {
    SignedDuration::try_from(duration).unwrap_or(SignedDuration::MAX)
}

#[cfg(test)]
mod tests;
