//! What people start, try anew and close.

use suture_core::{IncidentId, Labels, RunId, Step};
use suture_journal::{IncidentState, JournalError};
use tokio::sync::oneshot;

use super::Engine;
use crate::confirm::{NOT_FIRING, Standing};
use crate::dispatcher::Command;
use crate::metrics::Stage;
use crate::silences::{self, SilenceQuery};

/// Who starts a run by hand, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ByHand {
    /// The person's name, for the record.
    pub who: String,
    /// Whether it starts without Prometheus's confirmation that the alert fires.
    pub is_forced: bool,
}

/// Why a run was not started by hand.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StartError {
    /// No policy has that name, or it is not loaded.
    #[error("{0}")]
    Policy(String),
    /// The labels are no key.
    #[error("{0}")]
    Labels(String),
    /// An incident of that key is being handled.
    #[error("incident {0} has that key and is not over")]
    Busy(IncidentId),
    /// No alert fires with exactly these labels.
    #[error("{NOT_FIRING}: {0}")]
    NotFiring(Standing),
    /// Somebody silenced the alert.
    #[error("the alert is to be left alone: {0}")]
    Silenced(String),
    /// The host is shutting down, or can't write; or Prometheus or Alertmanager can't be asked.
    #[error("{0}")]
    Unavailable(String),
}

/// Why an incident is not tried anew.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RetryError {
    /// There is no such incident.
    #[error("there is no such incident")]
    NotFound,
    /// It is closed.
    #[error("the incident is over: what fires again becomes another one")]
    Over,
    /// The host has yet something to do about it.
    #[error("the incident is being handled (it is {})", .0.as_str())]
    AtWork(IncidentState),
    /// No run can be started.
    #[error(transparent)]
    Start(#[from] StartError),
}

/// Why an incident is not closed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CloseError {
    /// There is no such incident.
    #[error("there is no such incident")]
    NotFound,
    /// It is closed already.
    #[error("the incident is over already")]
    Over,
    /// It has a run.
    #[error("a run is at work on the incident: cancel run {0} first")]
    AtWork(RunId),
    /// The host is shutting down, or can't write.
    #[error("{0}")]
    Unavailable(String),
}

impl Engine {
    /// Start a run by hand: no alert closes it. Where its policy's alerts are confirmed, this one
    /// must fire, too, unless it is forced.
    ///
    /// # Errors
    /// Why it was not started.
    pub async fn start_run(
        &self,
        policy: &str,
        labels: Labels,
        by: ByHand,
    ) -> Result<IncidentId, StartError> {
        if !by.is_forced {
            self.confirm(policy, &labels).await?;
            self.heed_silences(policy, &labels).await?;
        }
        let (reply, answer) = oneshot::channel();
        let policy = policy.to_owned();
        let gone = || StartError::Unavailable("the host is shutting down".to_owned());
        self.0.commands.send(Command::Start { policy, labels, by, reply }).map_err(|_| gone())?;
        answer.await.map_err(|_| gone())?
    }

    /// Handle an incident that rests, because it escalated, say, as if its alert had just fired.
    /// Where its policy's alerts are confirmed, that must fire.
    ///
    /// # Errors
    /// Why it is left as it is.
    pub async fn retry(&self, incident: &IncidentId, who: &str) -> Result<(), RetryError> {
        let unreadable = |error: JournalError| StartError::Unavailable(error.to_string());
        let record = self.0.journal.incident(incident).await.map_err(unreadable)?;
        let record = record.ok_or(RetryError::NotFound)?;
        if record.closed_at.is_some() {
            return Err(RetryError::Over);
        }
        if record.state.is_active() {
            return Err(RetryError::AtWork(record.state));
        }
        self.confirm(&record.policy, &record.alert.labels).await?;
        self.heed_silences(&record.policy, &record.alert.labels).await?;
        let (reply, answer) = oneshot::channel();
        let gone = || StartError::Unavailable("the host is shutting down".to_owned());
        let command = Command::Retry { incident: incident.clone(), who: who.to_owned(), reply };
        self.0.commands.send(command).map_err(|_| gone())?;
        answer.await.map_err(|_| gone())?
    }

    /// Close an incident that has no run at work, whatever its alert does: where that fires on and
    /// is posted again, it becomes another incident. An escalation that was posted is taken back.
    ///
    /// # Errors
    /// Why it is left as it is.
    pub async fn close(&self, incident: &IncidentId, who: &str) -> Result<(), CloseError> {
        let (reply, answer) = oneshot::channel();
        let gone = || CloseError::Unavailable("the host is shutting down".to_owned());
        let command = Command::Close { incident: incident.clone(), who: who.to_owned(), reply };
        self.0.commands.send(command).map_err(|_| gone())?;
        answer.await.map_err(|_| gone())?
    }

    /// Whether nobody has silenced the alert with these labels.
    async fn heed_silences(&self, policy: &str, labels: &Labels) -> Result<(), StartError> {
        let program = self.0.table.find(policy).and_then(|found| found.program.clone().ok());
        let (Some(silences), Some(program)) = (&self.0.silences, program) else { return Ok(()) };
        let key = program.manifest().key.clone();
        let query = SilenceQuery { labels: labels.clone(), key, policy: policy.to_owned() };
        match silences::silenced(&**silences, query).await {
            Ok(None) => Ok(()),
            Ok(Some(why)) => Err(StartError::Silenced(why)),
            Err(error) => Err(StartError::Unavailable(format!(
                "Alertmanager can't be asked whether the alert is silenced ({error})"
            ))),
        }
    }

    /// Whether the alert with these labels fires, as a policy's configuration wants it.
    async fn confirm(&self, policy: &str, labels: &Labels) -> Result<(), StartError> {
        let found = self.0.table.find(policy);
        let found = found.ok_or_else(|| StartError::Policy(format!("there is no policy `{policy}`")))?;
        if found.program.is_err() {
            // Which is what is said of it.
            return Ok(());
        }
        let step = Step { run: RunId::new("by-hand"), number: 0 };
        let standing = found.config.confirm.standing(labels, &self.0.cluster, &step).await;
        if found.config.confirm.is_required() {
            let fires = standing.as_ref().ok().map(Standing::is_confirmed);
            self.0.metrics.alert_checked(policy, Stage::Before, fires);
        }
        match standing {
            Ok(standing) if standing.is_confirmed() => Ok(()),
            Ok(standing) => Err(StartError::NotFiring(standing)),
            Err(fault) => Err(StartError::Unavailable(format!(
                "Prometheus can't be asked whether the alert fires ({fault})"
            ))),
        }
    }
}
