//! The incidents that the dispatcher holds, and every way in which they change.

use std::sync::Arc;

use suture_core::{IncidentId, Labels, Timestamp};
use suture_journal::{Change, IncidentRecord, IncidentState};

use super::{Dispatcher, Key};
use crate::progress::Progress;

/// Whether an alert is one of our own, as we post them and as `deploy` has rules for them: an
/// escalation that comes back must not become an incident.
pub fn is_our_own(labels: &Labels) -> bool {
    labels.get("alertname").is_some_and(|name| name.starts_with("Suture"))
}

impl Dispatcher {
    pub(super) fn index(&mut self, incident: &IncidentRecord) {
        let key = self.key_of(incident);
        self.by_key.entry(key).or_default().push(incident.id.clone());
    }

    /// The key of an incident: the one that is there already, where there is one.
    pub(super) fn key_of(&self, incident: &IncidentRecord) -> Key {
        let key = (incident.policy.clone(), incident.key.clone());
        let known = self.by_key.get_key_value(&key).map(|(known, _)| known.clone());
        known.unwrap_or_else(|| Arc::new(key))
    }

    /// Add an incident.
    pub(super) fn open(&mut self, incident: IncidentRecord) {
        self.shared.metrics.incident(&incident.policy, None, Some(incident.state.as_str()));
        self.index(&incident);
        self.incidents.insert(incident.id.clone(), incident.clone());
        self.tell(Progress::Incident(Box::new(incident.clone())));
        if incident.state == IncidentState::Received {
            self.unconfirmed.add(&incident, self.shared.clock.now());
        }
        self.unsaved.push(Change::Incident(incident));
        self.drop_surplus();
    }

    /// Change an incident, and see that it is saved.
    pub(super) fn change(&mut self, id: &IncidentId, change: impl FnOnce(&mut IncidentRecord)) {
        let Some(incident) = self.incidents.get_mut(id) else { return };
        let before = incident.state;
        change(incident);
        let incident = incident.clone();
        if incident.state != IncidentState::Verifying {
            self.polls.remove(id);
        }
        self.unconfirmed.changed(&incident);
        let closed = incident.closed_at.is_some();
        let after = (!closed).then(|| incident.state.as_str());
        self.shared.metrics.incident(&incident.policy, Some(before.as_str()), after);
        if closed {
            self.incidents.remove(id);
            let key = (incident.policy.clone(), incident.key.clone());
            if let Some(ids) = self.by_key.get_mut(&key) {
                ids.retain(|other| other != id);
                if ids.is_empty() {
                    self.by_key.remove(&key);
                }
            }
        }
        if incident.state != before || closed {
            self.tell(Progress::Incident(Box::new(incident.clone())));
        }
        self.unsaved.push(Change::Incident(incident));
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
        let was_escalated = incident.state == IncidentState::Escalated;
        // What was concluded without a repair stays the conclusion.
        let state = match incident.state {
            kept @ (IncidentState::Unnecessary | IncidentState::Planned | IncidentState::Cancelled) => kept,
            _ => IncidentState::Resolved,
        };
        if was_escalated {
            self.page_resolved(id);
        }
        self.change(id, |incident| {
            incident.state = state;
            incident.due = None;
            incident.closed_at = Some(now);
        });
    }

    pub(super) fn tell(&self, progress: Progress) {
        if let Some(listeners) = &self.shared.listeners {
            let _ = listeners.send(progress);
        }
    }
}
