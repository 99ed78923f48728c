//! The outermost layer of a run: answers the policy, and writes everything down.
#![deny(clippy::wildcard_enum_match_arm)]

mod act;
mod finish;
mod park;
mod replay;
pub(crate) mod size;
mod suspend;

use std::sync::Arc;

use async_trait::async_trait;
use parking_lot::Mutex;
use suture_core::clock::Hold;
use suture_core::effect::{Nature, OnObject};
use suture_core::{
    Clock, Effect, EffectHandler, Error, Fault, Halt, Host, Limit, Limits, Mutation, Prepared, Reason, Reply,
    RunId, Step,
};

pub use crate::observer::Observer;

use crate::cancel::Cancel;
use crate::entry::{Answer, Body, Entry};
use crate::ledger::Ledger;
use crate::log::{Durability, RunLog};
use crate::script::Script;
use suspend::Written;

/// Answers a policy's calls during one run, one at a time, and keeps the run's record.
///
/// A read is recorded after it; of whatever changes or waits for something the intent
/// is on disk before it begins (that of a lock only rides along: a lock dies with its
/// process). Steps are the policy's calls, numbered from 1; undos
/// that the host runs at the end go on counting.
///
/// To end a run early use its [`Cancel`]. Where a call's future is dropped instead, in
/// the middle of a change, [`finish`](Self::finish) finds out whether it took place.
pub struct Recorder {
    run: RunId,
    inner: Arc<dyn EffectHandler>,
    log: Arc<dyn RunLog>,
    clock: Arc<dyn Clock>,
    limits: Limits,
    cancel: Cancel,
    observer: Option<Arc<dyn Observer>>,
    /// The record was begun by an earlier process.
    is_recovering: bool,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    ledger: Ledger,
    /// What of the record has not been asked again.
    script: Script,
    /// Of all that is on record, as JSON: calls, intents with the object as it was before, undos,
    /// replies.
    bytes: u64,
    /// Objects that the policy has made so far.
    created: u32,
}

impl Recorder {
    /// The recorder of a run that begins.
    pub fn new(
        run: RunId,
        inner: Arc<dyn EffectHandler>,
        log: Arc<dyn RunLog>,
        clock: Arc<dyn Clock>,
        limits: Limits,
        cancel: Cancel,
        observer: Option<Arc<dyn Observer>>,
    ) -> Self {
        let state = Mutex::default();
        Self { run, inner, log, clock, limits, cancel, observer, is_recovering: false, state }
    }

    /// The recorder of a run whose process died, with what is on record of it. Its
    /// [`finish`](Self::finish) finds out what became of the last intent and runs the
    /// undos that are left.
    pub fn recovering(
        run: RunId,
        entries: &[Entry],
        inner: Arc<dyn EffectHandler>,
        log: Arc<dyn RunLog>,
        clock: Arc<dyn Clock>,
        limits: Limits,
        observer: Option<Arc<dyn Observer>>,
    ) -> Self {
        let recorder = Self::new(run, inner, log, clock, limits, Cancel::new(), observer);
        let state = Mutex::new(State { ledger: Ledger::of(entries), ..State::default() });
        Self { is_recovering: true, state, ..recorder }
    }

    /// Write an entry, and only then act on it. While the journal can't be written the run is
    /// suspended here.
    async fn write(&self, step: u32, body: Body, durability: Durability) -> Result<Written, Halt> {
        let entry = Entry { step, at: self.clock.now(), body };
        let bytes = size::of(&entry);
        let written = self.append(&entry, durability).await?;
        {
            let mut state = self.state.lock();
            state.ledger.note(&entry);
            state.bytes = state.bytes.saturating_add(bytes);
        }
        if let Some(observer) = &self.observer {
            observer.entry(&entry);
        }
        Ok(written)
    }

    async fn write_call(&self, step: u32, effect: Effect, answer: Answer) -> Result<(), Halt> {
        self.write(step, Body::Call { effect, answer, undo_of: None }, Durability::Lazy).await.map(drop)
    }

    fn step(&self, number: u32) -> Step {
        Step { run: self.run.clone(), number }
    }

    fn next_step(&self) -> u32 {
        self.state.lock().ledger.last_step().saturating_add(1)
    }

    /// Number a call, unless the policy has called often enough.
    fn admit(&self) -> Result<u32, Halt> {
        let replayed = self.state.lock().script.next_step();
        let step = replayed.unwrap_or_else(|| self.next_step());
        if step > self.limits.effects {
            return Err(Halt::Limit(self.limits.exceeded(Limit::Effects)));
        }
        Ok(step)
    }

    /// Whether a call or a reply is as small as it must be, and the record too, with so many
    /// bytes more.
    fn within(&self, call: u64, more: u64) -> Result<(), Halt> {
        let record = self.state.lock().bytes.saturating_add(more);
        let limit = if call > self.limits.call_bytes.0 {
            Limit::CallBytes
        } else if record > self.limits.run_bytes.0 {
            Limit::RunBytes
        } else {
            return Ok(());
        };
        Err(Halt::Limit(self.limits.exceeded(limit)))
    }

    /// Prepare an effect of the policy; reads only, so it is given up when the run ends.
    async fn prepare(&self, step: u32, effect: &Effect) -> Result<Result<Prepared, Error>, Halt> {
        let step = self.step(step);
        part(self.cancel.race(self.inner.prepare(&step, effect)).await?)
    }

    async fn read(&self, step: u32, effect: Effect) -> Result<Result<Reply, Error>, Halt> {
        let answer = match self.prepare(step, &effect).await? {
            Ok(prepared) => part(self.cancel.race(self.inner.perform(&prepared)).await?)?,
            Err(error) => Err(error),
        };
        // What is too large for the policy is too large for the record.
        let size = size::of(&answer);
        if let Err(halt) = self.within(size, size) {
            self.write_call(step, effect, Answer::Error(size::too_large(&halt))).await?;
            return Err(halt);
        }
        self.write_call(step, effect, answer.clone().into()).await?;
        Ok(answer)
    }

    async fn wait(&self, step: u32, effect: Effect) -> Result<Result<Reply, Error>, Halt> {
        let prepared = match self.prepare(step, &effect).await? {
            Ok(prepared) => prepared,
            Err(error) => {
                self.write_call(step, effect, Answer::Error(error.clone())).await?;
                return Ok(Err(error));
            }
        };
        // A lock lives in memory: whoever takes the run up asks for it again.
        let is_lock = matches!(effect, Effect::Exclusive { .. });
        let durability = if is_lock { Durability::Lazy } else { Durability::Synced };
        self.write(step, Body::intent(&effect, &prepared, None), durability).await?;
        self.await_prepared(step, &prepared).await
    }

    async fn mutate(
        &self,
        step: u32,
        effect: Effect,
        doubted: Option<&Prepared>,
    ) -> Result<Result<Reply, Error>, Halt> {
        let made = makes_objects(&effect);
        if made > 0 && self.state.lock().created.saturating_add(made) > self.limits.creates {
            return Err(Halt::Limit(self.limits.exceeded(Limit::Creates)));
        }
        let prepared = self.prepare(step, &effect).await?;
        let acted = self.act(step, effect.clone(), None, prepared, doubted).await?;
        self.count_created(&effect, &acted.answer);
        self.within(size::of(&acted.answer), 0)?;
        Ok(acted.answer)
    }

    /// Count an object that the policy has made, in this process or an earlier one. An apply
    /// counts in any case: whether its object was there is not on record.
    fn count_created(&self, effect: &Effect, answer: &Result<Reply, Error>) {
        if answer.is_ok() {
            self.state.lock().created += makes_objects(effect);
        }
    }

    /// The policy settles the undo of an earlier step.
    async fn settle(&self, step: u32, change: u32, run_undo: bool) -> Result<Result<Reply, Error>, Halt> {
        let open = self.state.lock().ledger.open().iter().find(|undo| undo.change == change).cloned();
        let Some(undo) = open else {
            let message =
                format!("step {change} has no undo to settle: it is settled, or there never was one");
            let error = Error::new(Reason::INVALID, message);
            let effect = Effect::Settle { step: change, run_undo };
            self.write_call(step, effect, Answer::Error(error.clone())).await?;
            return Ok(Err(error));
        };
        if !run_undo {
            let reason = "the policy keeps the change".to_owned();
            // Nothing outside is done because of it: whatever is comes with an intent, and
            // with that it is on disk.
            self.write(step, Body::Kept { change, reason }, Durability::Lazy).await?;
            return Ok(Ok(Reply::Settled));
        }
        let answer = match self.take_back(step, &undo).await? {
            Ok(_) => Ok(Reply::Settled),
            Err(failed) => match failed.moot {
                Some(reason) => {
                    self.write(step, Body::Kept { change, reason }, Durability::Lazy).await?;
                    Ok(Reply::Settled)
                }
                None => Err(failed.error),
            },
        };
        self.within(size::of(&answer), 0)?;
        Ok(answer)
    }
}

#[async_trait]
impl Host for Recorder {
    async fn answer(&self, mut effect: Effect) -> Result<Result<Reply, Error>, Halt> {
        if let Some(halt) = self.cancel.halted() {
            return Err(halt);
        }
        let step = self.admit()?;
        let recorded = self.state.lock().script.next();
        // What is on record is counted already.
        let size = if recorded.is_none() { size::of(&effect) } else { 0 };
        crate::undo::name(&mut effect);
        let normal = effect.is_mutation().then(|| effect.normalized());
        if let Some(line) = recorded {
            return self.replay(line, normal.and_then(Result::ok).unwrap_or(effect)).await;
        }
        let effect = match normal {
            None => effect,
            Some(Ok(normal)) => normal,
            Some(Err(error)) => {
                self.write_call(step, effect, Answer::Error(error.clone())).await?;
                return Ok(Err(error));
            }
        };
        self.within(size, size)?;
        match (effect.nature(), effect) {
            (Nature::Change, effect) => self.mutate(step, effect, None).await,
            (Nature::Settlement, Effect::Settle { step: change, run_undo }) => {
                self.settle(step, change, run_undo).await
            }
            (Nature::Wait, effect) => self.wait(step, effect).await,
            (Nature::Read | Nature::Aside | Nature::Settlement, effect) => {
                self.read(step, size::cut(effect)).await
            }
        }
    }

    fn hold(&self) -> Hold {
        self.clock.hold()
    }
}

/// How many objects an effect may make: itself, and when it is taken back.
fn makes_objects(effect: &Effect) -> u32 {
    let makes = |mutation: &Mutation| match mutation.on_object() {
        OnObject::Creates | OnObject::CreatesOrChanges => u32::from(mutation.subresource().is_none()),
        OnObject::Changes | OnObject::Deletes => 0,
    };
    let Effect::Mutate { mutation, undo } = effect else { return 0 };
    makes(mutation) + undo.as_ref().map_or(0, makes)
}

/// Tells the observer of a wait's end, however it ends.
struct Waiting<'a>(Option<&'a dyn Observer>);

impl<'a> Waiting<'a> {
    /// The wait does not end here.
    fn goes_on(mut self) {
        self.0 = None;
    }

    fn begin(observer: Option<&'a dyn Observer>, on: &Prepared) -> Self {
        if let Some(observer) = observer {
            observer.waiting(Some(on));
        }
        Self(observer)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        if let Some(observer) = self.0 {
            observer.waiting(None);
        }
    }
}

/// What the policy sees, apart from what ends the run.
fn part<T>(result: Result<T, Fault>) -> Result<Result<T, Error>, Halt> {
    match result {
        Ok(value) => Ok(Ok(value)),
        Err(Fault::Error(error)) => Ok(Err(error)),
        Err(Fault::Halt(halt)) => Err(halt),
    }
}

#[cfg(test)]
#[allow(clippy::wildcard_enum_match_arm, reason = "a fake answers what a test is about")]
pub(crate) mod tests;
