//! Pausing and resuming, of the host and of single policies.

use std::time::Duration;

use suture_core::Timestamp;
use suture_journal::{Change, Durability, JournalError, PauseRecord};

use super::Engine;
use crate::dispatcher::Command;
use crate::pauses::{sentence, whose};

/// What somebody wants to be paused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PauseOrder {
    /// The policy's name; none for the host.
    pub policy: Option<String>,
    /// Who wants it.
    pub who: String,
    /// Why; may be empty.
    pub reason: String,
    /// When it ends by itself.
    pub until: Option<Timestamp>,
}

impl PauseOrder {
    /// The whole host, until somebody resumes.
    pub fn of_host(who: &str) -> Self {
        Self { policy: None, who: who.to_owned(), reason: String::new(), until: None }
    }
}

/// What is paused, and what that took the place of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Paused {
    /// What holds now.
    pub pause: PauseRecord,
    /// What held before, with its own reason and end.
    pub was: Option<PauseRecord>,
}

/// Why something is not paused, or not resumed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PauseError {
    /// No policy has that name.
    #[error("there is no policy `{0}`")]
    UnknownPolicy(String),
    /// It would have ended already.
    #[error("the pause would end at {0}, and that is over")]
    Past(Timestamp),
    /// It holds, and the next start will not know of it.
    #[error("{what}, and a restart would forget it, as it can't be written down: {error}")]
    Forgettable {
        /// What was done all the same.
        what: String,
        /// Why it can't be written.
        error: JournalError,
    },
}

impl Engine {
    /// Start no more runs, of a policy or at all, until somebody resumes or the time is over, a
    /// restart in between or not. Alerts are still accepted, and runs at work go on. It holds at
    /// once, whatever the journal does.
    ///
    /// # Errors
    /// Why it does not hold, or not for longer than this process lives.
    pub async fn pause(&self, order: PauseOrder) -> Result<Paused, PauseError> {
        let PauseOrder { policy, who, reason, until } = order;
        if let Some(policy) = policy.as_ref().filter(|policy| self.0.table.find(policy).is_none()) {
            return Err(PauseError::UnknownPolicy(policy.clone()));
        }
        let since = self.0.clock.now();
        if let Some(until) = until.filter(|until| *until <= since) {
            return Err(PauseError::Past(until));
        }
        // What is drained stays so, whoever says beside that it is paused.
        let was = self.0.pauses.get(policy.as_deref(), since);
        let drain = was.as_ref().and_then(|pause| pause.drain);
        let pause = self.put_pause(PauseRecord { policy, who, reason, since, until, drain }).await?;
        Ok(Paused { pause, was })
    }

    pub(super) async fn put_pause(&self, pause: PauseRecord) -> Result<PauseRecord, PauseError> {
        self.0.pauses.put(pause.clone());
        let PauseRecord { policy, who, reason, until, .. } = &pause;
        let until = until.map(|until| until.to_string());
        tracing::warn!(
            policy,
            who,
            reason,
            until,
            "{}; alerts are accepted, no run starts",
            sentence(&pause)
        );
        // Whoever waits for the end of the time has another to wait for.
        self.0.arrived.notify_one();
        self.write_down(vec![Change::Pause(pause.clone())], sentence(&pause)).await?;
        Ok(pause)
    }

    /// Start runs again, of a policy or of all that are not paused by themselves; a storm is
    /// taken to be over. What was paused, where anything was.
    ///
    /// # Errors
    /// Why the next start will be paused all the same; or that there is no such policy.
    pub async fn resume(&self, policy: Option<&str>, who: &str) -> Result<Option<PauseRecord>, PauseError> {
        let was = self.0.pauses.get(policy, self.0.clock.now());
        // One that is no longer in the configuration may be paused all the same.
        if let Some(policy) = policy.filter(|policy| was.is_none() && self.0.table.find(policy).is_none()) {
            return Err(PauseError::UnknownPolicy(policy.to_owned()));
        }
        self.0.pauses.remove(policy);
        let whose = policy.map_or_else(|| "the host".to_owned(), |policy| format!("policy `{policy}`"));
        tracing::info!(policy, who, "{whose} is resumed by {who}");
        let _ = self.0.commands.send(Command::Resumed { policy: policy.map(str::to_owned) });
        let policy = policy.map(str::to_owned);
        let changes = vec![Change::Resume(policy.clone()), Change::StormOver(policy, self.0.clock.now())];
        self.write_down(changes, format!("{whose} is resumed")).await?;
        Ok(was)
    }

    async fn write_down(&self, changes: Vec<Change>, what: String) -> Result<(), PauseError> {
        let written = self.0.journal.commit(changes, Durability::Synced).await;
        written.map_err(|error| PauseError::Forgettable { what, error })
    }

    /// The time when so much has passed, by the clock that pauses end by.
    pub fn after(&self, pause: Duration) -> Timestamp {
        self.0.clock.after(pause)
    }

    /// What is paused now.
    pub fn pauses(&self) -> Vec<PauseRecord> {
        self.0.pauses.all(self.0.clock.now())
    }

    /// Whether the host is paused.
    pub fn is_paused(&self) -> bool {
        self.0.pauses.host(self.0.clock.now()).is_some()
    }
}

/// That pauses are over is told once.
pub(crate) fn tell_of_end(pause: &PauseRecord) {
    let PauseRecord { policy, who, .. } = pause;
    tracing::info!(policy, who, "the time is over for which {} was paused by {who}", whose(pause));
}
