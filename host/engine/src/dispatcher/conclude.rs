//! What the end of a run means for its incident.

use std::time::Duration;

use suture_core::clock::later;
use suture_core::{AlertStatus, Ending, Halt, IncidentId, Outcome};
use suture_journal::{IncidentRecord, IncidentState};

use super::Dispatcher;

impl Dispatcher {
    /// Move the incident of a run that ended.
    pub(super) fn conclude(
        &mut self,
        id: &IncidentId,
        policy: &str,
        ending: &Ending,
        summary: String,
        doubts: &[String],
    ) {
        let now = self.now();
        let Some(incident) = self.incidents.get(id) else { return };
        let by_hand = incident.by_hand;
        let cleared = by_hand || incident.alert.status == AlertStatus::Resolved;
        if !doubts.is_empty() {
            return self.escalate(id, format!("{summary} In doubt: {}", doubts.join("; ")));
        }
        if let Some(why) = incident.cancelled.clone().filter(|_| !is_a_conclusion(ending)) {
            let summary = match ending {
                Ending::Halted(Halt::Cancelled(_)) => summary,
                _ => format!("cancelled: {why}"),
            };
            let cleared = cleared && !self.is_of_an_alert(id);
            return self.rest(id, IncidentState::Cancelled, summary, cleared);
        }
        match ending {
            Ending::Concluded(Outcome::Remediated { .. }) if cleared => {
                self.change(id, |incident| incident.summary = summary);
                self.page_repaired(id);
                self.resolve(id);
            }
            Ending::Concluded(Outcome::Remediated { .. }) => {
                let settle =
                    self.policy(policy).map(|policy| policy.config.retry.settle.get()).unwrap_or_default();
                self.put(id, IncidentState::Verifying, Some(later(now, settle)), summary);
                self.polls.set(id, now);
            }
            Ending::Concluded(Outcome::Unnecessary { .. }) => {
                self.rest(id, IncidentState::Unnecessary, summary, cleared)
            }
            Ending::Halted(Halt::Planned) => self.rest(id, IncidentState::Planned, summary, cleared),
            Ending::Halted(Halt::Cancelled(_)) => self.rest(id, IncidentState::Cancelled, summary, cleared),
            Ending::Concluded(Outcome::Escalate { .. }) => self.escalate(id, summary),
            Ending::Halted(Halt::Silenced(why)) => {
                self.change(id, uncount);
                self.silence(id, why.clone());
                if cleared && !by_hand {
                    self.resolve(id);
                }
            }
            // Not the policy's doing, so not one of its attempts.
            Ending::Halted(Halt::Shutdown) => {
                self.change(id, |incident| {
                    incident.state = IncidentState::Queued;
                    uncount(incident);
                    incident.summary = summary;
                });
                if cleared && !by_hand {
                    self.resolve(id);
                }
            }
            Ending::Concluded(Outcome::Retry { .. })
            | Ending::Failed(_)
            | Ending::Trapped(_)
            | Ending::Halted(_) => {
                if cleared && !by_hand {
                    self.change(id, |incident| incident.summary = summary);
                    return self.resolve(id);
                }
                let after = match ending {
                    Ending::Concluded(outcome) => outcome.retry_after(),
                    _ => None,
                };
                self.try_again(id, policy, after, summary);
            }
        }
    }

    /// Whether an incident that was started by hand is about an alert that fires: then that would
    /// start it again.
    pub(super) fn is_of_an_alert(&self, id: &IncidentId) -> bool {
        let Some(incident) = self.incidents.get(id) else { return false };
        let policy = self.policy(&incident.policy);
        let is_confirmed = policy.is_some_and(|policy| policy.config.confirm.is_required());
        incident.by_hand && !incident.forced && is_confirmed && incident.alert.status == AlertStatus::Firing
    }

    /// The host has nothing more to do; it stays open while the alert fires.
    fn rest(&mut self, id: &IncidentId, state: IncidentState, summary: String, cleared: bool) {
        self.put(id, state, None, summary);
        if cleared {
            self.resolve(id);
        }
    }

    /// Another attempt, unless there were enough.
    pub(super) fn try_again(&mut self, id: &IncidentId, policy: &str, after: Option<Duration>, why: String) {
        let retry = self.policy(policy).map(|policy| policy.config.retry.clone()).unwrap_or_default();
        if let Some(cancelled) = self.incidents.get(id).and_then(|incident| incident.cancelled.clone()) {
            let summary = format!("cancelled: {cancelled}. {why}");
            return self.rest(id, IncidentState::Cancelled, summary, false);
        }
        let attempts = self.incidents.get(id).map_or(0, |incident| incident.attempts);
        if attempts >= retry.attempts {
            // Somebody may allow fewer meanwhile.
            let most = retry.attempts.max(attempts);
            return self.escalate(id, format!("{why} (attempt {attempts} of {most})"));
        }
        let pause = retry.pause(attempts).max(after.unwrap_or_default());
        let due = later(self.now(), pause);
        self.put(id, IncidentState::Retrying, Some(due), why);
    }
}

/// A run was none of the attempts. Those that only go on with one were not counted.
fn uncount(incident: &mut IncidentRecord) {
    if incident.approval.is_none() {
        incident.attempts = incident.attempts.saturating_sub(1);
    }
}

/// Whether a policy came to an end that stands, whoever has cancelled its run meanwhile.
fn is_a_conclusion(ending: &Ending) -> bool {
    match ending {
        Ending::Concluded(outcome) => match outcome {
            Outcome::Remediated { .. } | Outcome::Unnecessary { .. } | Outcome::Escalate { .. } => true,
            Outcome::Retry { .. } => false,
        },
        Ending::Failed(_) | Ending::Trapped(_) | Ending::Halted(_) => false,
    }
}
