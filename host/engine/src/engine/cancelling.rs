//! Cancelling runs and incidents.

use suture_core::{IncidentId, RunId};
use suture_journal::JournalError;
use tokio::sync::oneshot;

use super::{Engine, StartError};
use crate::dispatcher::Command;

/// Why a run was not cancelled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CancelError {
    /// There is no such run.
    #[error("there is no such run")]
    NotFound,
    /// It is over.
    #[error("the run is over")]
    Ended,
}

/// Why an incident was not cancelled.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CancelIncidentError {
    /// There is no such incident.
    #[error("there is no such incident")]
    NotFound,
    /// It is closed.
    #[error("the incident is over")]
    Over,
    /// It can't be read or written.
    #[error(transparent)]
    Unavailable(#[from] StartError),
}

impl Engine {
    /// End a run: what it has begun is finished, what it must undo is undone.
    ///
    /// # Errors
    /// Why there is nothing to end.
    pub async fn cancel(&self, run: &RunId, why: &str) -> Result<(), CancelError> {
        let (reply, answer) = oneshot::channel();
        let command = Command::Cancel { run: run.clone(), why: why.to_owned(), reply };
        let known = if self.0.commands.send(command).is_ok() { answer.await.unwrap_or(false) } else { false };
        if known {
            return Ok(());
        }
        match self.0.journal.run(run).await {
            Ok(Some(_)) => Err(CancelError::Ended),
            _ => Err(CancelError::NotFound),
        }
    }

    /// Leave what an incident is about alone until its alert has cleared once: its run ends and is
    /// undone, no other begins, and an escalation is taken back. `why` goes on a sentence: `by
    /// alice`.
    ///
    /// # Errors
    /// Why it is left as it is.
    pub async fn cancel_incident(&self, incident: &IncidentId, why: &str) -> Result<(), CancelIncidentError> {
        let unreadable = |error: JournalError| StartError::Unavailable(error.to_string());
        let record = self.0.journal.incident(incident).await.map_err(unreadable)?;
        let record = record.ok_or(CancelIncidentError::NotFound)?;
        if record.closed_at.is_some() {
            return Err(CancelIncidentError::Over);
        }
        let (reply, answer) = oneshot::channel();
        let gone = || StartError::Unavailable("the host is shutting down".to_owned());
        let command = Command::CancelIncident { incident: incident.clone(), why: why.to_owned(), reply };
        self.0.commands.send(command).map_err(|_| gone())?;
        answer.await.map_err(|_| gone())?
    }
}
