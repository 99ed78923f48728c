//! What the host has to do at a time: another attempt, or the end of the time in which a repaired
//! alert was to clear, or a look whether a silence is over.

use suture_core::Timestamp;
use suture_journal::IncidentState;

use super::Dispatcher;

/// Incidents that are taken up at a time.
const AT_ONCE: usize = 256;

impl Dispatcher {
    /// Take up what is due.
    pub(super) async fn take_up_due(&mut self, now: Timestamp) {
        // What is not saved yet, the journal does not know to be due.
        if self.next_due.is_none_or(|at| at > now) || !self.save().await {
            return;
        }
        let due = match self.shared.journal.due(now, AT_ONCE).await {
            Ok(due) => due,
            Err(error) => return self.try_later("what is due can't be read", &error),
        };
        let is_all = due.len() < AT_ONCE;
        let ids: Vec<_> = due.iter().map(|incident| incident.id.clone()).collect();
        self.incidents.take_in(due);
        self.next_due = None;
        for id in ids {
            let Some(incident) = self.incidents.get(&id) else { continue };
            match incident.state {
                IncidentState::Retrying => self.change(&id, |incident| {
                    incident.state = IncidentState::Queued;
                    incident.due = None;
                }),
                IncidentState::AwaitingApproval => self.approval_expired(&id).await,
                IncidentState::Silenced => self.silence_may_be_over(&id, now),
                IncidentState::Verifying => {
                    let why = format!("repaired, but the alert did not clear in time. {}", incident.summary);
                    let policy = incident.policy.clone();
                    self.try_again(&id, &policy, None, why);
                }
                IncidentState::Received
                | IncidentState::Queued
                | IncidentState::Held
                | IncidentState::Running
                | IncidentState::Waiting
                | IncidentState::Resolved
                | IncidentState::Unnecessary
                | IncidentState::Planned
                | IncidentState::Escalated
                | IncidentState::Failed
                | IncidentState::Cancelled
                | IncidentState::Unconfirmed => {}
            }
        }
        if !is_all {
            self.next_due = Some(now);
            return;
        }
        match self.shared.journal.next_due(now).await {
            Ok(next) => self.next_due = self.next_due.into_iter().chain(next).min(),
            Err(error) => {
                self.next_due = Some(now);
                self.try_later("what is due next can't be read", &error);
            }
        }
    }
}
