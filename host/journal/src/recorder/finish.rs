//! The end of a run: what is in doubt is looked up, what was not kept is taken back.

use std::pin::pin;
use std::time::Duration;

use futures::future::{Either, select};
use suture_core::{Effect, Ending, Error, Halt, Reason, Retries, Tried};

use super::Recorder;
use super::act::BACKOFF;
use crate::entry::Body;
use crate::ledger::Undo;
use crate::log::Durability;

/// How long an undo is tried: what a run changed is not left so because the API server is
/// upgraded meanwhile.
const UNDO_PATIENCE: Duration = Duration::from_secs(3600);
/// After how long the log says so.
const UNDO_WARNING: Duration = Duration::from_secs(31);

impl Recorder {
    /// Record how the run ended, and run the undos that are not settled, newest first.
    /// Limits and cancellation don't apply to them. Returns what is in doubt, a sentence
    /// each: undos that failed, and changes that may or may not have taken place.
    ///
    /// Of a run that was cut off in the middle of a change, it first finds out what
    /// became of that. May be called again where it failed: what is settled stays so.
    ///
    /// # Errors
    /// When the journal can't be written, and when this host may act no more, or stops while an
    /// undo that failed waits to be tried again ([`Halt::Shutdown`]). Then what is not settled is still open,
    /// and is settled when the run is [recovered](Self::recovering).
    pub async fn finish(&self, ending: &Ending) -> Result<Vec<String>, Halt> {
        self.settle_last_intent().await?;
        let (is_ended, last_step, open) = {
            let ledger = &self.state.lock().ledger;
            (ledger.ending().is_some(), ledger.last_step(), ledger.open().to_vec())
        };
        if !is_ended {
            self.write(last_step, Body::Ended { ending: ending.clone() }, Durability::Synced).await?;
        }
        let mut doubts = Vec::new();
        for undo in open.iter().rev() {
            doubts.extend(self.settle_at_end(undo).await?);
        }
        let unknown = self.state.lock().ledger.unknown().to_vec();
        Ok([unknown, doubts].concat())
    }

    /// Give the last intent a reply, where it is a change that has none.
    async fn settle_last_intent(&self) -> Result<(), Halt> {
        let begun = self.state.lock().ledger.begun().cloned();
        let Some(prepared) = begun else { return Ok(()) };
        // A wait that was cut off changed nothing: it needs no reply.
        if !matches!(prepared.effect, Effect::Mutate { .. }) {
            return Ok(());
        }
        let who = if self.is_recovering { "the host died" } else { "the run ended" };
        let not_done = Error::new(Reason::UNAVAILABLE, format!("not done: {who} before"));
        let answer = if prepared.dry_run { Err(not_done) } else { self.look_up(&prepared, not_done).await };
        self.write(prepared.step.number, Body::Reply { answer: answer.into() }, Durability::Lazy)
            .await
            .map(drop)
    }

    /// Run an undo, again where that may help. What is left in doubt, if anything.
    async fn settle_at_end(&self, undo: &Undo) -> Result<Option<String>, Halt> {
        let change = undo.change;
        // What was planned in a process that died is forgotten with it.
        if undo.dry_run && self.is_recovering {
            self.keep(change, "the change was only planned").await?;
            return Ok(None);
        }
        let mut retries = Retries::new(Tried::Work, self.clock.clone(), BACKOFF, UNDO_PATIENCE);
        let mut warned = false;
        loop {
            let failed = match self.take_back(self.next_step(), undo).await {
                Ok(Ok(_)) => return Ok(None),
                Ok(Err(failed)) => failed,
                Err(halt @ (Halt::Journal(_) | Halt::Shutdown)) => return Err(halt),
                Err(halt) if undo.dry_run => {
                    self.keep(change, &halt.to_string()).await?;
                    return Ok(None);
                }
                Err(halt) => return Ok(Some(sentence(undo, &halt.to_string()))),
            };
            if let Some(reason) = failed.moot {
                self.keep(change, &reason).await?;
                return Ok(None);
            }
            if undo.dry_run {
                self.keep(change, &format!("the undo was only planned: {}", failed.error)).await?;
                return Ok(None);
            }
            // The ledger holds that doubt; to try again could undo twice.
            if failed.error.reason == Reason::UNKNOWN {
                return Ok(None);
            }
            match retries.next(&failed.error) {
                Some(pause) => {
                    if retries.elapsed() >= UNDO_WARNING && !std::mem::replace(&mut warned, true) {
                        let (run, error) = (&self.run, &failed.error);
                        tracing::warn!(%run, step = change, %error, "a change can't be taken back yet; it is tried every minute");
                    }
                    // What is still open then is taken back at the next start.
                    let (sleep, stops) = (self.clock.sleep(pause), pin!(self.cancel.host_stops()));
                    if let Either::Right(_) = select(sleep, stops).await {
                        return Err(Halt::Shutdown);
                    }
                }
                None => return Ok(Some(sentence(undo, &failed.error.to_string()))),
            }
        }
    }

    async fn keep(&self, change: u32, reason: &str) -> Result<(), Halt> {
        let step = self.state.lock().ledger.last_step();
        self.write(step, Body::Kept { change, reason: reason.to_owned() }, Durability::Lazy).await.map(drop)
    }
}

fn sentence(undo: &Undo, why: &str) -> String {
    let Undo { change, mutation, .. } = undo;
    format!("the undo of step {change} ({} {}) failed: {why}", mutation.mutation_type(), mutation.reference())
}
