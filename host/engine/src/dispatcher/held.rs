//! Incidents of namespaces in which the host lacks a right: they wait in lines of their own, past
//! which the others of their policy go.

use suture_core::IncidentId;
use suture_journal::{IncidentState, JournalError};

use super::Dispatcher;

/// Incidents that are let go of at a time.
const AT_ONCE: usize = 256;

impl Dispatcher {
    /// Have an incident wait for a right, if it lacks one where it works.
    pub(super) fn hold_back(&mut self, id: &IncidentId) -> bool {
        let Some(incident) = self.incidents.get(id) else { return false };
        let hold = self.shared.hold(&incident.policy);
        let Some((namespace, why)) = hold.namespace_of(&incident.key, &incident.alert.labels) else {
            return false;
        };
        tracing::info!(incident = %id, policy = incident.policy, namespace, "held back: {why}");
        let (namespace, why) = (namespace.to_owned(), why.to_owned());
        self.change(id, |incident| {
            incident.state = IncidentState::Held;
            incident.held_in = Some(namespace);
            incident.summary = why;
        });
        true
    }

    /// Let go of those whose policies have all rights now in the namespaces that held them back.
    pub(super) async fn release_held(&mut self) {
        // What is not saved yet, the journal does not know to be held back.
        if self.to_let_go.is_empty() || !self.save().await {
            return;
        }
        for policy in self.to_let_go.clone() {
            match self.let_go_of(&policy).await {
                Ok(true) => drop(self.to_let_go.remove(&policy)),
                Ok(false) => self.again_at = Some(self.now()),
                Err(error) => return self.try_later("what is held back can't be read", &error),
            }
        }
    }

    /// False where there are more.
    async fn let_go_of(&mut self, policy: &str) -> Result<bool, JournalError> {
        let hold = self.shared.hold(policy);
        let journal = self.shared.journal.clone();
        for namespace in journal.held_in(policy).await? {
            if hold.namespaces.contains_key(&namespace) {
                continue;
            }
            let found = journal.held(policy, &namespace, AT_ONCE).await?;
            let is_all = found.len() < AT_ONCE;
            let ids: Vec<_> = found.iter().map(|incident| incident.id.clone()).collect();
            self.incidents.take_in(found);
            for id in ids {
                let is_held = |state| state == IncidentState::Held;
                if self.incidents.get(&id).is_some_and(|incident| is_held(incident.state)) {
                    self.change(&id, |incident| {
                        incident.state = IncidentState::Queued;
                        incident.held_in = None;
                        incident.summary = format!("the host has the right that it lacked in `{namespace}`");
                    });
                }
            }
            if !is_all {
                return Ok(false);
            }
        }
        Ok(true)
    }
}
