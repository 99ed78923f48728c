//! Waiting without an instance: a long wait leaves memory, and the record brings it back.

use std::time::Duration;

use futures::future::{Either, select};
use suture_core::{Error, Halt, Prepared, Reply};

use super::{Recorder, Waiting, part};
use crate::entry::Body;
use crate::log::Durability;
use crate::script::Script;

/// How long an instance waits in memory before it is let go.
const PATIENCE: Duration = Duration::from_secs(5);

impl Recorder {
    /// Wait as it was prepared: its deadline is absolute, so it is the same wait, whoever
    /// waits. One that takes longer than a few seconds ends the instance with
    /// [`Halt::Suspended`]; the run goes on with [`awake`](Self::awake).
    pub(super) async fn await_prepared(
        &self,
        step: u32,
        prepared: &Prepared,
    ) -> Result<Result<Reply, Error>, Halt> {
        let waiting = Waiting::begin(self.observer.as_deref(), prepared);
        let work = self.cancel.race(self.inner.perform(prepared));
        let answer = match self.patience(prepared) {
            None => part(work.await?)?,
            Some(patience) => match select(Box::pin(work), self.clock.sleep(patience)).await {
                Either::Left((answer, _)) => part(answer?)?,
                Either::Right(_) => {
                    waiting.goes_on();
                    return Err(Halt::Suspended);
                }
            },
        };
        drop(waiting);
        self.write(step, Body::Reply { answer: answer.clone().into() }, Durability::Lazy).await?;
        self.within(super::size::of(&answer), 0)?;
        Ok(answer)
    }

    /// How long an instance stays for a wait; none where it stays to the end.
    fn patience(&self, prepared: &Prepared) -> Option<Duration> {
        let left: Duration = self.clock.now().duration_until(prepared.deadline?).try_into().ok()?;
        (left > PATIENCE * 2).then_some(PATIENCE)
    }

    /// See the wait to its end that a run is in which has no instance, and be ready to
    /// answer a fresh instance from the record. At once where the run is in none.
    ///
    /// # Errors
    /// The end of the run: it was cancelled meanwhile, or the journal can't be used.
    pub async fn awake(&self) -> Result<(), Halt> {
        let begun = self.state.lock().ledger.begun().cloned();
        if let Some(prepared) = begun
            && !prepared.effect.is_mutation()
        {
            let waiting = Waiting::begin(self.observer.as_deref(), &prepared);
            let answer = part(self.cancel.race(self.inner.perform(&prepared)).await?)?;
            drop(waiting);
            let reply = Body::Reply { answer: answer.into() };
            // Not a part of this future, which waits for an hour.
            Box::pin(self.write(prepared.step.number, reply, Durability::Lazy)).await?;
        }
        if self.state.lock().ledger.last_step() == 0 {
            return Ok(());
        }
        let entries = self.entries().await?;
        let mut state = self.state.lock();
        state.script = Script::of(entries);
        state.created = 0;
        Ok(())
    }
}
