//! One mutation, from its intent to its reply.

use std::sync::Arc;
use std::time::Duration;

use suture_core::object::Object;
use suture_core::{
    Backoff, Effect, EffectHandler, Error, Fault, Halt, Prepared, Reason, Reply, Resolution, Retries, Tried,
};

use super::suspend::Written;
use super::{Recorder, part, size};
use crate::entry::{Answer, Body};
use crate::ledger::Undo;
use crate::log::Durability;
use crate::undo;

/// How often a change is prepared anew after a conflict.
const MAX_CONFLICTS: u32 = 5;
/// How long it is tried to find out whether a change was done. What is below asks once, so this
/// bridges an API server that is upgraded; what is still unknown then, a person must look at.
const LOOK_UP_PATIENCE: Duration = Duration::from_secs(210);
/// The pauses between tries: 1 s, 2 s, 4 s, … up to a minute.
pub(super) const BACKOFF: Backoff = Backoff::new(Duration::from_secs(1), Duration::from_secs(60));

/// How a mutation ended.
pub(super) struct Acted {
    pub answer: Result<Reply, Error>,
    /// The error came from preparing: nothing was tried.
    pub refused: bool,
    /// The object at the version that the last try was pinned to.
    pub before: Option<Object>,
}

/// Why an undo did not succeed.
pub(super) struct NotTakenBack {
    pub error: Error,
    /// There is nothing left to take back, and why.
    pub moot: Option<String>,
}

impl Recorder {
    /// Record and perform a mutation that was prepared. Once begun it is seen through:
    /// nothing but the layers below can end it. `doubted` is the same as an earlier process
    /// began it: not done when that was looked up, but its request may still arrive.
    pub(super) async fn act(
        &self,
        step: u32,
        effect: Effect,
        undo_of: Option<u32>,
        prepared: Result<Prepared, Error>,
        doubted: Option<&Prepared>,
    ) -> Result<Acted, Halt> {
        let mut prepared = match prepared {
            Ok(prepared) => prepared,
            Err(error) => {
                let answer = Answer::Error(error.clone());
                // What an earlier process began, and did not do, ends here.
                let is_begun = self.state.lock().ledger.has_begun(step);
                let body =
                    if is_begun { Body::Reply { answer } } else { Body::Call { effect, answer, undo_of } };
                self.write(step, body, Durability::Lazy).await?;
                return Ok(Acted { answer: Err(error), refused: true, before: None });
            }
        };
        let insists = insists_on_a_version(&effect);
        let mut conflicts = 0;
        let (answer, refused) = loop {
            // Of two requests for one version the API server lets one through. Where the
            // version moved on, the late one may be why.
            if doubted.is_some_and(|doubted| pinned(doubted) != pinned(&prepared))
                && let Some(answer) = self.came_late(doubted).await
            {
                break (answer, false);
            }
            undo::complete(&effect, &mut prepared);
            let intent = Body::intent(&effect, &prepared, undo_of);
            // What takes back has room in any case.
            if undo_of.is_none()
                && let Err(halt) = self.within(0, size::of(&intent))
            {
                if self.state.lock().ledger.has_begun(step) {
                    let answer = Answer::Error(size::too_large(&halt));
                    self.write(step, Body::Reply { answer }, Durability::Lazy).await?;
                }
                return Err(halt);
            }
            // What was only planned is taken back in the plan.
            let handler = self.handler(undo_of.is_some() && !prepared.dry_run);
            if self.write(step, intent, Durability::Synced).await? == Written::Late {
                // The world has gone on meanwhile, and people may have silenced the alert.
                prepared = match self.prepared_anew(handler, &prepared, &effect, suspended()).await? {
                    Ok(prepared) => prepared,
                    Err(error) => break (Err(error), true),
                };
                continue;
            }
            let error = match part(handler.perform(&prepared).await)? {
                Ok(reply) => break (Ok(reply), false),
                Err(error) => error,
            };
            if let Some(answer) = self.came_late(doubted).await {
                break (answer, false);
            }
            if error.reason != Reason::CONFLICT || insists || conflicts == MAX_CONFLICTS {
                let answer =
                    if error.leaves_doubt() { self.look_up(&prepared, error).await } else { Err(error) };
                break (answer, false);
            }
            conflicts += 1;
            prepared = match self.prepared_anew(handler, &prepared, &effect, error).await? {
                Ok(prepared) => prepared,
                Err(error) => break (Err(error), true),
            };
        };
        self.write(step, Body::Reply { answer: answer.clone().into() }, Durability::Lazy).await?;
        Ok(Acted { answer, refused, before: prepared.before })
    }

    /// A mutation, prepared once more as of now. Where the run ends instead, the intent's reply is what
    /// had come of it before.
    async fn prepared_anew(
        &self,
        handler: &Arc<dyn EffectHandler>,
        prepared: &Prepared,
        effect: &Effect,
        before: Error,
    ) -> Result<Result<Prepared, Error>, Halt> {
        match handler.prepare(&prepared.step, effect).await {
            Ok(prepared) => Ok(Ok(prepared)),
            Err(Fault::Error(error)) => Ok(Err(error)),
            Err(Fault::Halt(halt)) => {
                let answer = Answer::Error(before);
                self.write(prepared.step.number, Body::Reply { answer }, Durability::Lazy).await?;
                Err(halt)
            }
        }
    }

    /// What came of a request that an earlier process had sent, where it arrived after all.
    async fn came_late(&self, doubted: Option<&Prepared>) -> Option<Result<Reply, Error>> {
        match self.find_out(doubted?).await {
            Resolution::Done(reply) => Some(Ok(reply)),
            Resolution::NotDone => None,
            Resolution::Unknown(why) => Some(Err(Error::new(Reason::UNKNOWN, why))),
        }
    }

    /// Run an undo once, as a step of its own.
    pub(super) async fn take_back(
        &self,
        step: u32,
        undo: &Undo,
    ) -> Result<Result<Reply, NotTakenBack>, Halt> {
        let effect = Effect::Mutate { mutation: undo.mutation.clone(), undo: None };
        let prepared = part(self.handler(!undo.dry_run).prepare(&self.step(step), &effect).await)?;
        let Acted { answer, refused, before } =
            self.act(step, effect, Some(undo.change), prepared, None).await?;
        Ok(answer.map_err(|error| {
            let moot = undo::is_moot(&undo.mutation, &error, refused, before.as_deref());
            NotTakenBack { error, moot }
        }))
    }

    /// Find out what became of a mutation that may or may not have taken place: its
    /// reply; the error that left it open, where it did not; or `Unknown`.
    pub(super) async fn look_up(&self, prepared: &Prepared, error: Error) -> Result<Reply, Error> {
        match self.find_out(prepared).await {
            Resolution::Done(reply) => Ok(reply),
            Resolution::NotDone if error.reason == Reason::UNKNOWN => {
                Err(Error::new(Reason::UNAVAILABLE, format!("not done: {}", error.message)))
            }
            Resolution::NotDone => Err(error),
            Resolution::Unknown(why) => Err(Error::new(Reason::UNKNOWN, format!("{why} (after: {error})"))),
        }
    }

    /// Whether a mutation was done, asked again while the cluster is away.
    pub(super) async fn find_out(&self, prepared: &Prepared) -> Resolution {
        let mut retries = Retries::new(Tried::Read, self.clock.clone(), BACKOFF, LOOK_UP_PATIENCE);
        loop {
            match self.inner.resolve(prepared).await {
                Ok(resolution) => return resolution,
                Err(Fault::Halt(halt)) => return Resolution::Unknown(halt.to_string()),
                Err(Fault::Error(failed)) => {
                    if !retries.again(&failed).await {
                        return Resolution::Unknown(format!("it can't be looked up: {failed}"));
                    }
                }
            }
        }
    }
}

/// What came of an intent that was on disk too late.
fn suspended() -> Error {
    Error::new(Reason::UNAVAILABLE, "not done: the journal could not be written for a while")
}

/// The version that a prepared mutation is pinned to.
fn pinned(prepared: &Prepared) -> Option<&str> {
    let Effect::Mutate { mutation, .. } = &prepared.effect else { return None };
    mutation.resource_version()
}

fn insists_on_a_version(effect: &Effect) -> bool {
    matches!(effect, Effect::Mutate { mutation, .. } if mutation.resource_version().is_some())
}
