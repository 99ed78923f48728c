//! What somebody wants to be left alone: until its alert has cleared once, it is not tried again,
//! a restart in between or not.

use suture_core::{Halt, IncidentId, RunId};
use suture_journal::IncidentState;

use super::Dispatcher;
use crate::engine::{CancelIncidentError, StartError};

impl Dispatcher {
    /// End a run. Whether it is at work.
    pub(super) async fn cancel_run(&mut self, run: &RunId, why: String) -> bool {
        let Some(at_work) = self.at_work.get(run) else { return false };
        at_work.cancel.halt(Halt::Cancelled(why.clone()));
        let id = at_work.incident.clone();
        self.change(&id, |incident| incident.cancelled = Some(why));
        // It ends in any case; where this can't be written, a restart in the next moment would
        // go on with it.
        self.save().await;
        true
    }

    /// Leave an incident alone, wherever it stands.
    pub(super) async fn cancel_incident(
        &mut self,
        id: &IncidentId,
        why: String,
    ) -> Result<(), CancelIncidentError> {
        let fetched = self.fetch(id).await;
        fetched.map_err(|error| StartError::Unavailable(error.to_string()))?;
        let incident = self.incidents.get(id).ok_or(CancelIncidentError::Over)?;
        let policy = incident.policy.clone();
        let is_at_work = |state| match state {
            IncidentState::Running | IncidentState::Waiting => true,
            IncidentState::Received
            | IncidentState::AwaitingApproval
            | IncidentState::Queued
            | IncidentState::Held
            | IncidentState::Verifying
            | IncidentState::Resolved
            | IncidentState::Unnecessary
            | IncidentState::Planned
            | IncidentState::Retrying
            | IncidentState::Silenced
            | IncidentState::Escalated
            | IncidentState::Failed
            | IncidentState::Cancelled
            | IncidentState::Unconfirmed => false,
        };
        let run = incident.runs.last().filter(|_| is_at_work(incident.state)).cloned();
        tracing::info!(incident = %id, policy, "an incident is cancelled {why}");
        if let Some(run) = run
            && self.cancel_run(&run, why.clone()).await
        {
            return Ok(());
        }
        if self.incidents.get(id).is_some_and(|incident| incident.state == IncidentState::Escalated) {
            self.page_resolved(id);
        }
        self.leave_alone(id, why);
        Ok(())
    }

    /// An incident is left alone until its alert has cleared once; one that no alert closes is over.
    pub(super) fn leave_alone(&mut self, id: &IncidentId, why: String) {
        let now = self.now();
        let Some(incident) = self.incidents.get(id) else { return };
        let is_over = incident.by_hand && !self.is_of_an_alert(id);
        self.change(id, |incident| {
            incident.state = IncidentState::Cancelled;
            incident.due = None;
            incident.held_in = None;
            incident.approval = None;
            incident.summary = format!("cancelled: {why}");
            incident.cancelled = Some(why);
            incident.closed_at = is_over.then_some(now);
        });
    }
}
