//! The layer that does what people approved, and no more: from the first change on that they must
//! approve and have not, the run only plans.
#![deny(clippy::wildcard_enum_match_arm)]

use std::sync::Arc;

use async_trait::async_trait;
use parking_lot::Mutex;
use suture_core::{
    Effect, EffectHandler, Error, Fault, Mutation, Prepared, Reason, Reply, Resolution, RunId, Step,
};
use suture_journal::entry::recorded_before;
use suture_journal::plan::{Progress, Written};
use suture_journal::{Approved, Entry};

/// Lets changes through that were approved, each when its turn comes.
pub(crate) struct Gate {
    /// Performs changes.
    acting: Arc<dyn EffectHandler>,
    /// Plans them.
    planning: Arc<dyn EffectHandler>,
    /// Which changes people must approve.
    needed: Needed,
    /// Whether they have approved what comes after their changes, too; none where they have approved nothing.
    rest: Option<bool>,
    state: Mutex<State>,
}

/// Which changes people must approve.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Needed {
    /// All, in mode `approve`.
    ForAll,
    /// Those that no grant allows without.
    ByGrants,
}

struct State {
    /// How far the run has come.
    progress: Progress,
    /// What the policy asked for last, before a name was chosen, with its undo.
    asked: Option<(Mutation, Option<Mutation>)>,
    /// A change was not approved.
    is_planning: bool,
}

impl Gate {
    /// The gate of a run that may do what was approved; with what it did in an earlier process.
    pub fn new(
        run: &RunId,
        needed: Needed,
        approved: Option<Approved>,
        acting: Arc<dyn EffectHandler>,
        planning: Arc<dyn EffectHandler>,
        past: &[Entry],
    ) -> Self {
        let (changes, rest) =
            approved.map_or_else(Default::default, |approved| (approved.changes, Some(approved.rest)));
        let progress = Progress::of(run, past, changes);
        let state = Mutex::new(State { progress, asked: None, is_planning: false });
        Self { acting, planning, needed, rest, state }
    }

    /// Whether it came to a change that was not approved.
    pub fn is_planning(&self) -> bool {
        self.state.lock().is_planning
    }

    fn must_be_approved(&self, prepared: &Prepared) -> bool {
        match self.needed {
            Needed::ForAll => true,
            Needed::ByGrants => prepared.needs_approval,
        }
    }

    /// Whether a change that is prepared may be made: it is, by its own dry run, the next of those that
    /// were approved. One that is prepared anew after a conflict keeps its turn.
    async fn lets_through(
        &self,
        asked: &Mutation,
        undo: Option<&Mutation>,
        prepared: &Prepared,
    ) -> Result<bool, Fault> {
        if !self.must_be_approved(prepared) {
            return Ok(true);
        }
        let Some(rest) = self.rest else { return Ok(false) };
        if self.state.lock().progress.is_through() {
            return Ok(rest);
        }
        let trial = Prepared { dry_run: true, ..prepared.clone() };
        let Reply::Mutated(after) = self.acting.perform(&trial).await? else {
            let message =
                "what the change would leave can't be told, so it is not known whether it was approved";
            return Err(Error::new(Reason::DENIED, message).into());
        };
        let Effect::Mutate { mutation, .. } = &prepared.effect else { return Ok(false) };
        let before = recorded_before(prepared);
        let written = Written { asked, mutation, undo, before: before.as_deref(), after: &after };
        Ok(self.state.lock().progress.admits(prepared.step.number, &written))
    }

    fn at_work(&self) -> &Arc<dyn EffectHandler> {
        if self.is_planning() { &self.planning } else { &self.acting }
    }

    /// A change was made, in this process or, as it turns out, in an earlier one.
    fn note_done(&self, prepared: &Prepared, reply: &Reply) {
        let (Effect::Mutate { mutation, undo }, Reply::Mutated(after)) = (&prepared.effect, reply) else {
            return;
        };
        let mut state = self.state.lock();
        let asked = state.asked.take();
        let (asked, undo) =
            asked.as_ref().map_or((mutation, undo.as_ref()), |(asked, undo)| (asked, undo.as_ref()));
        let before = recorded_before(prepared);
        let written = Written { asked, mutation, undo, before: before.as_deref(), after };
        state.progress.note_done(prepared.step.number, &written);
    }
}

#[async_trait]
impl EffectHandler for Gate {
    async fn prepare(&self, step: &Step, effect: &Effect) -> Result<Prepared, Fault> {
        let prepared = self.at_work().prepare(step, effect).await?;
        match effect {
            Effect::Mutate { mutation, undo } if !self.is_planning() => {
                if self.lets_through(mutation, undo.as_ref(), &prepared).await? {
                    self.state.lock().asked = Some((mutation.clone(), undo.clone()));
                    return Ok(prepared);
                }
                self.state.lock().is_planning = true;
                self.planning.prepare(step, effect).await
            }
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
        let is_change = prepared.effect.is_mutation() && !prepared.dry_run;
        let handler = if is_change { &self.acting } else { self.at_work() };
        let reply = handler.perform(prepared).await?;
        if let Reply::Now(now) = &reply {
            self.state.lock().progress.note_time(*now);
        }
        if is_change {
            self.note_done(prepared, &reply);
        }
        Ok(reply)
    }

    async fn resolve(&self, prepared: &Prepared) -> Result<Resolution, Fault> {
        if prepared.dry_run {
            return Ok(Resolution::NotDone);
        }
        let resolution = self.acting.resolve(prepared).await?;
        if let Resolution::Done(reply) = &resolution {
            self.note_done(prepared, reply);
        }
        Ok(resolution)
    }
}
