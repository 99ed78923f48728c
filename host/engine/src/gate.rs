//! The layer that does what people approved, and no more: from the first change on that they have
//! not approved, the run only plans.
#![deny(clippy::wildcard_enum_match_arm)]

use std::sync::Arc;

use async_trait::async_trait;
use parking_lot::Mutex;
use suture_core::{
    Digest, Effect, EffectHandler, Error, Fault, Prepared, Reason, Reply, Resolution, RunId, Step,
};
use suture_journal::entry::recorded_before;
use suture_journal::plan::{Mask, Written, progress};
use suture_journal::{Approved, Entry};

/// Lets changes through that were approved, each when its turn comes.
pub(crate) struct Gate {
    /// Performs changes.
    acting: Arc<dyn EffectHandler>,
    /// Plans them.
    planning: Arc<dyn EffectHandler>,
    approved: Approved,
    state: Mutex<State>,
}

struct State {
    /// What the run was told so far that differs from one look to the next.
    mask: Mask,
    /// The last step that was let through.
    step: u32,
    /// How many were.
    count: usize,
    /// A change was not approved.
    is_planning: bool,
}

impl Gate {
    /// The gate of a run that may do what was approved; with what it did in an earlier process.
    pub fn new(
        run: &RunId,
        approved: Approved,
        acting: Arc<dyn EffectHandler>,
        planning: Arc<dyn EffectHandler>,
        past: &[Entry],
    ) -> Self {
        let (mask, step, count) = progress(run, past);
        let state = Mutex::new(State { mask, step, count, is_planning: false });
        Self { acting, planning, approved, state }
    }

    /// Whether it came to a change that was not approved.
    pub fn is_planning(&self) -> bool {
        self.state.lock().is_planning
    }

    /// Whether a change that is prepared may be made: it is, by its own dry run, the next of those that
    /// were approved. One that is prepared anew after a conflict keeps its turn.
    async fn lets_through(&self, asked: &Effect, prepared: &Prepared) -> Result<bool, Fault> {
        let (Effect::Mutate { mutation: asked, .. }, Effect::Mutate { mutation, .. }) =
            (asked, &prepared.effect)
        else {
            return Ok(false);
        };
        let trial = Prepared { dry_run: true, ..prepared.clone() };
        let Reply::Mutated(after) = self.acting.perform(&trial).await? else {
            let message =
                "what the change would leave can't be told, so it is not known whether it was approved";
            return Err(Error::new(Reason::DENIED, message).into());
        };
        let before = recorded_before(prepared);
        let written = Written { asked, mutation, before: before.as_deref(), after: &after };
        let mut state = self.state.lock();
        let mut mask = state.mask.clone();
        let digest = written.digest(&mut mask);
        let is_again = state.step == prepared.step.number && state.count > 0;
        let turn = if is_again { state.count - 1 } else { state.count };
        if !self.is_approved(turn, digest) {
            state.is_planning = true;
            return Ok(false);
        }
        state.mask = mask;
        state.step = prepared.step.number;
        state.count = turn + 1;
        Ok(true)
    }

    fn is_approved(&self, turn: usize, digest: Digest) -> bool {
        self.approved.changes.get(turn).map_or(self.approved.rest, |approved| *approved == digest)
    }

    fn at_work(&self) -> &Arc<dyn EffectHandler> {
        if self.is_planning() { &self.planning } else { &self.acting }
    }
}

#[async_trait]
impl EffectHandler for Gate {
    async fn prepare(&self, step: &Step, effect: &Effect) -> Result<Prepared, Fault> {
        let prepared = self.at_work().prepare(step, effect).await?;
        match effect {
            Effect::Mutate { .. } if !self.is_planning() => match self.lets_through(effect, &prepared).await?
            {
                true => Ok(prepared),
                false => self.planning.prepare(step, effect).await,
            },
            // Nothing of these changes anything; a settlement is a mutation by the time that it comes here.
            Effect::Mutate { .. }
            | Effect::Get { .. }
            | Effect::List(_)
            | Effect::Settle { .. }
            | Effect::Wait { .. }
            | Effect::Logs { .. }
            | Effect::Exclusive { .. }
            | Effect::Query { .. }
            | Effect::QueryRange { .. }
            | Effect::Alerts
            | Effect::Now
            | Effect::Sleep { .. }
            | Effect::Log { .. }
            | Effect::Step { .. } => Ok(prepared),
        }
    }

    async fn perform(&self, prepared: &Prepared) -> Result<Reply, Fault> {
        // What was let through is performed, whatever comes after it.
        let is_change = prepared.effect.is_mutation();
        let handler = if is_change && !prepared.dry_run { &self.acting } else { self.at_work() };
        let reply = handler.perform(prepared).await?;
        if let Reply::Now(now) = &reply {
            self.state.lock().mask.see_time(*now);
        }
        Ok(reply)
    }

    async fn resolve(&self, prepared: &Prepared) -> Result<Resolution, Fault> {
        if prepared.dry_run { Ok(Resolution::NotDone) } else { self.acting.resolve(prepared).await }
    }
}
