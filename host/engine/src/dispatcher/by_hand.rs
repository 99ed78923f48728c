//! What people start: a run without an alert, and an incident once more.

use std::sync::Arc;

use suture_core::alert::alertmanager_fingerprint;
use suture_core::{Alert, AlertStatus, IncidentId, Labels, Program};
use suture_journal::{IncidentRecord, IncidentState, JournalError, Sought};

use super::Dispatcher;
use crate::engine::{ByHand, CloseError, RetryError, StartError};
use crate::key::key;
use crate::policy::Policy;

/// The most people that are remembered to have tried an incident anew: none of them approves what came of it.
const MOST_STARTERS: usize = 32;

impl Dispatcher {
    /// Open an incident that no alert asked for.
    pub(super) async fn start_by_hand(
        &mut self,
        name: &str,
        labels: Labels,
        by: ByHand,
    ) -> Result<IncidentId, StartError> {
        let (policy, program) = self.policy_that_starts(name)?;
        let key = key(program.manifest(), &labels).map_err(StartError::Labels)?;
        if let Some((_, why)) = self.shared.hold(name).namespace_of(&key, &labels) {
            return Err(StartError::Unavailable(format!("the incident would be held back: {why}")));
        }
        let fingerprint = alertmanager_fingerprint(&labels);
        self.check_key(name, &key, fingerprint.clone()).await?;
        if let Some(id) = self.escalated_by_hand(name, &key, &labels) {
            self.try_anew(&id, &by.who);
            self.change(&id, |incident| {
                incident.forced = by.is_forced;
                incident.started_by = Some(by.who);
            });
            return Ok(id);
        }
        let alert = Arc::new(Alert {
            status: AlertStatus::Firing,
            labels,
            annotations: Labels::new(),
            starts_at: self.now(),
            ends_at: None,
            generator_url: String::new(),
            fingerprint,
        });
        Ok(self.open_incident(&policy, key, alert, IncidentState::Queued, Some(by)))
    }

    /// Handle an incident that rests once more, as if its alert had just fired.
    pub(super) async fn retry_by_hand(&mut self, id: &IncidentId, who: &str) -> Result<(), RetryError> {
        let fetched = self.fetch(id).await;
        fetched.map_err(|error| StartError::Unavailable(error.to_string()))?;
        let incident = self.incidents.get(id).ok_or(RetryError::Over)?;
        if incident.state.is_active() {
            return Err(RetryError::AtWork(incident.state));
        }
        let (policy, key, alert) =
            (incident.policy.clone(), incident.key.clone(), incident.fingerprint.clone());
        self.policy_that_starts(&policy)?;
        self.check_key(&policy, &key, alert).await?;
        self.try_anew(id, who);
        Ok(())
    }

    /// What was started by hand with the same labels, and was escalated: to start it again is to try
    /// it anew, or people would be told of the first for ever.
    fn escalated_by_hand(&self, policy: &str, key: &Labels, labels: &Labels) -> Option<IncidentId> {
        let rests = |incident: &IncidentRecord| {
            incident.by_hand && incident.state == IncidentState::Escalated && incident.alert.labels == *labels
        };
        let same_key = self.incidents.of_key(&(policy.to_owned(), key.clone()));
        same_key.into_iter().find(|id| self.incidents.get(id).is_some_and(rests))
    }

    fn try_anew(&mut self, id: &IncidentId, who: &str) {
        if self.incidents.get(id).is_some_and(|incident| incident.state == IncidentState::Escalated) {
            self.page_resolved(id);
        }
        self.change(id, |incident| {
            tracing::info!(incident = %id, policy = incident.policy, who, "an incident is tried anew");
            incident.state = IncidentState::Queued;
            incident.attempts = 0;
            incident.due = None;
            incident.paged = false;
            incident.said_resolved = false;
            incident.cancelled = None;
            incident.approval = None;
            if !incident.retried_by.iter().any(|by| by == who) {
                incident.retried_by.push(who.to_owned());
                let surplus = incident.retried_by.len().saturating_sub(MOST_STARTERS);
                incident.retried_by.drain(..surplus);
            }
            // To do without Prometheus is a right of its own.
            incident.forced = false;
            incident.summary = format!("{who} has it tried anew");
        });
    }

    /// Close an incident that has no run at work.
    pub(super) async fn close_by_hand(&mut self, id: &IncidentId, who: &str) -> Result<(), CloseError> {
        let unreadable = |error: JournalError| CloseError::Unavailable(error.to_string());
        self.fetch(id).await.map_err(unreadable)?;
        let Some(incident) = self.incidents.get(id) else {
            let known = self.shared.journal.incident(id).await.map_err(unreadable)?;
            return Err(known.map_or(CloseError::NotFound, |_| CloseError::Over));
        };
        if let Some((run, _)) = self.at_work.iter().find(|(_, at_work)| at_work.incident == *id) {
            return Err(CloseError::AtWork(run.clone()));
        }
        let policy = incident.policy.clone();
        tracing::info!(incident = %id, policy, who, "an incident is closed by hand");
        self.change(id, |incident| {
            let before = std::mem::take(&mut incident.summary);
            incident.summary = match before.as_str() {
                "" => format!("{who} closed it"),
                before => format!("{who} closed it; before that: {before}"),
            };
        });
        self.resolve(id);
        Ok(())
    }

    /// A policy that may start runs now.
    fn policy_that_starts(&self, name: &str) -> Result<(Arc<Policy>, Arc<dyn Program>), StartError> {
        if self.shutdown.is_some() {
            return Err(StartError::Unavailable("the host is shutting down".to_owned()));
        }
        let room = self.shared.journal.room();
        if room.is_full_with(0) {
            return Err(StartError::Unavailable(room.full()));
        }
        let policy =
            self.policy(name).ok_or_else(|| StartError::Policy(format!("there is no policy `{name}`")))?;
        let program = match &policy.program {
            Ok(program) => program.clone(),
            Err(error) => return Err(StartError::Policy(format!("policy `{name}` is not loaded: {error}"))),
        };
        if let Some(why) = self.shared.hold(name).all {
            return Err(StartError::Unavailable(format!("policy `{name}` is held back: {why}")));
        }
        Ok((policy, program))
    }

    /// That nothing with a key is being handled. What there is of this alert is in memory then.
    async fn check_key(&mut self, policy: &str, key: &Labels, fingerprint: String) -> Result<(), StartError> {
        let sought = Sought { policy: policy.to_owned(), key: key.clone(), fingerprint };
        let fetched = self.fetch_of(vec![sought]).await;
        fetched.map_err(|error| StartError::Unavailable(error.to_string()))?;
        let same_key = self.incidents.of_key(&(policy.to_owned(), key.clone()));
        match same_key.into_iter().find(|id| self.is_at_work(id)) {
            Some(id) => Err(StartError::Busy(id)),
            None => Ok(()),
        }
    }
}
