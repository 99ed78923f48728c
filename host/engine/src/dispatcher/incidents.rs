//! The incidents that the dispatcher holds, and every way in which they change.

use suture_core::{IncidentId, Labels, Timestamp};
use suture_journal::{IncidentRecord, IncidentState, JournalError, Sought};

use super::Dispatcher;
use crate::progress::Progress;

/// Whether an alert is one of our own, as we post them and as `deploy` has rules for them: an
/// escalation that comes back must not become an incident.
pub fn is_our_own(labels: &Labels) -> bool {
    labels.get("alertname").is_some_and(|name| name.starts_with("Suture"))
}

impl Dispatcher {
    /// Have an incident in memory, if it is open.
    pub(super) async fn fetch(&mut self, id: &IncidentId) -> Result<(), JournalError> {
        if self.incidents.get(id).is_none() {
            let found = self.shared.journal.incident(id).await?;
            self.incidents.take_in(found);
        }
        Ok(())
    }

    /// Have the open incidents of alerts in memory, and those of their keys that are handled.
    pub(super) async fn fetch_of(&mut self, sought: Vec<Sought>) -> Result<(), JournalError> {
        if !sought.is_empty() {
            let found = self.shared.journal.open_of(sought).await?;
            self.incidents.take_in(found);
        }
        Ok(())
    }

    /// What rests leaves memory. All of it is in the journal.
    pub(super) fn clear_desk(&mut self) {
        let gone = self.queue.trim(self.most_queued());
        self.incidents.touch(gone);
        let (queue, unconfirmed) = (&self.queue, &self.unconfirmed);
        self.incidents.clear(|incident| match incident.state {
            IncidentState::Received | IncidentState::Running | IncidentState::Waiting => true,
            IncidentState::Queued => {
                queue.has(&incident.policy, &incident.id) || unconfirmed.asks(&incident.id)
            }
            IncidentState::Verifying
            | IncidentState::AwaitingApproval
            | IncidentState::Held
            | IncidentState::Retrying
            | IncidentState::Silenced
            | IncidentState::Resolved
            | IncidentState::Unnecessary
            | IncidentState::Planned
            | IncidentState::Escalated
            | IncidentState::Failed
            | IncidentState::Cancelled
            | IncidentState::Unconfirmed => unconfirmed.asks(&incident.id),
        });
    }

    /// Add an incident.
    pub(super) fn open(&mut self, incident: IncidentRecord) {
        self.shared.metrics.incident(&incident.policy, None, Some(incident.state.as_str()));
        self.tell(|| Progress::Incident(Box::new(incident.clone())));
        if incident.state == IncidentState::Received {
            self.unconfirmed.add(&incident, self.shared.clock.now());
        }
        let id = incident.id.clone();
        self.incidents.add(incident);
        self.line_up(&id);
        self.drop_surplus();
    }

    /// See whether an incident waits for a run.
    pub(super) fn line_up(&mut self, id: &IncidentId) {
        let Some(incident) = self.incidents.get(id) else { return };
        match (incident.state == IncidentState::Queued, incident.said_resolved) {
            (true, false) => self.queue.add(&incident.policy, id),
            (true, true) if self.unconfirmed.is_contradicted(id) => {
                self.queue.add_apart(&incident.policy, id);
            }
            // It may be over; Prometheus is being asked.
            (true, true) | (false, _) => self.queue.remove(&incident.policy, id),
        }
    }

    /// Change an incident, and see that it is saved.
    pub(super) fn change(&mut self, id: &IncidentId, change: impl FnOnce(&mut IncidentRecord)) {
        let Some(incident) = self.incidents.get_mut(id) else { return };
        let before = incident.state;
        let asked = (before == IncidentState::AwaitingApproval).then(|| incident.clone());
        change(incident);
        if incident.state != before {
            incident.since = Some(self.shared.clock.now());
        }
        if incident.closed_at.is_some() {
            incident.since = None;
        }
        let incident = &*incident;
        let is_answered = incident.state != before || incident.closed_at.is_some();
        if incident.state != IncidentState::Verifying {
            self.polls.remove(id);
        }
        self.next_due = self.next_due.into_iter().chain(incident.due).min();
        self.unconfirmed.changed(incident);
        let closed = incident.closed_at.is_some();
        let after = (!closed).then(|| incident.state.as_str());
        self.shared.metrics.incident(&incident.policy, Some(before.as_str()), after);
        if (incident.state != before || closed)
            && let Some(listeners) = &self.shared.listeners
        {
            let _ = listeners.send(Progress::Incident(Box::new(incident.clone())));
        }
        self.queue.remove(&incident.policy, id);
        match closed {
            true => self.incidents.close(id),
            false => self.line_up(id),
        }
        if let Some(asked) = asked.filter(|_| is_answered) {
            self.page_answered(&asked);
        }
    }

    /// Put an incident into a state, with the reason why.
    pub(super) fn put(&mut self, id: &IncidentId, state: IncidentState, due: Option<Timestamp>, why: String) {
        self.change(id, |incident| {
            incident.state = state;
            incident.due = due;
            incident.summary = why;
        });
    }

    /// The alert cleared: the incident is over.
    pub(super) fn resolve(&mut self, id: &IncidentId) {
        let now = self.now();
        let Some(incident) = self.incidents.get(id) else { return };
        let before = incident.state;
        tracing::info!(incident = %id, policy = incident.policy, was = before.as_str(), "the alert has cleared");
        // What was concluded without a repair stays the conclusion.
        let state = match before {
            kept @ (IncidentState::Unnecessary | IncidentState::Planned | IncidentState::Cancelled) => kept,
            _ => IncidentState::Resolved,
        };
        if before == IncidentState::Escalated {
            self.page_resolved(id);
        }
        if before == IncidentState::Verifying {
            self.page_repaired(id);
        }
        self.change(id, |incident| {
            incident.state = state;
            incident.due = None;
            incident.closed_at = Some(now);
        });
    }

    pub(super) fn tell(&self, progress: impl FnOnce() -> Progress) {
        if let Some(listeners) = &self.shared.listeners {
            let _ = listeners.send(progress());
        }
    }
}
