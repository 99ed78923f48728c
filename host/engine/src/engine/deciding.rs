//! Approving and rejecting plans.

use suture_core::{Digest, IncidentId, RunId, Timestamp};
use suture_journal::IncidentState;
use tokio::sync::oneshot;

use super::{Engine, StartError};
use crate::dispatcher::Command;

/// What somebody says of a plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// The person who decides, by the name that the host or the API server knows them by.
    pub who: String,
    /// The digest of the plan that they have seen.
    pub digest: Digest,
    /// Why, in their words.
    pub message: String,
    /// What they want.
    pub asked: Asked,
}

/// What somebody wants of a plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked {
    /// That it is carried out.
    Approve {
        /// And so is what the run does after it, within its grants.
        rest: bool,
    },
    /// That it is not.
    Reject,
}

impl Asked {
    /// `approve` or `reject`.
    pub fn verb(self) -> &'static str {
        match self {
            Self::Approve { .. } => "approve",
            Self::Reject => "reject",
        }
    }
}

/// What came of that.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decided {
    /// The incident.
    pub incident: IncidentId,
    /// How many have approved the plan.
    pub given: u32,
    /// How many must.
    pub needed: u32,
    /// Whether it is rejected.
    pub rejected: bool,
}

/// Why what somebody said of a plan does not count.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecideError {
    /// There is no such run.
    #[error("there is no such run")]
    NotFound,
    /// Its incident is closed.
    #[error("the run's incident is over")]
    Over,
    /// The incident waits for no approval.
    #[error("nothing waits for approval: the run's incident is {}", .0.as_str())]
    NotAsked(IncidentState),
    /// The incident waits for the approval of another run's plan.
    #[error("the plan of this run is not asked for any more; that of run {0} is")]
    AnotherRun(RunId),
    /// The plan is another one.
    #[error("this is not the digest of the plan that is asked for, which is {0}; look at that plan")]
    Stale(Digest),
    /// It is too late.
    #[error("the time to approve it was over at {0}")]
    Expired(Timestamp),
    /// They started the run.
    #[error("who has started a run by hand does not decide about its plan; somebody else must")]
    Own,
    /// They said so before.
    #[error("you have approved it already; somebody else must, too")]
    Twice,
    /// The policy has changed since.
    #[error("the policy, its settings or its grants were changed since the plan was made; it is made anew")]
    Changed,
    /// It can't be read or written.
    #[error(transparent)]
    Unavailable(#[from] StartError),
}

impl Engine {
    /// Approve or reject the plan of a run. It is on disk when this returns.
    ///
    /// # Errors
    /// Why it does not count.
    pub async fn decide(&self, run: &RunId, decision: Decision) -> Result<Decided, DecideError> {
        let record = self.0.journal.run(run).await;
        let record = record.map_err(|error| StartError::Unavailable(error.to_string()))?;
        let incident = record.ok_or(DecideError::NotFound)?.incident;
        let gone = || StartError::Unavailable("the host is shutting down".to_owned());
        let (reply, answer) = oneshot::channel();
        let command = Command::Decide { incident, run: run.clone(), decision, reply };
        self.0.commands.send(command).map_err(|_| gone())?;
        answer.await.map_err(|_| gone())?
    }
}
