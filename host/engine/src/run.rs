//! One run, from its first effect to its last undo.

mod past;
mod planning;
mod recover;

use std::sync::Arc;

use futures::future::{Either, select};
use parking_lot::Mutex;
use suture_core::clock::later;
use suture_core::{
    Clock, EffectHandler, Ending, Grant, Halt, Host, Incident, Limit, Limits, Mode, Permission, Program,
    RunId,
};
use suture_journal::{Approved, Cancel, Entry, JournalError, Observer, Plan, Recorder, RunLog};
use tokio::sync::{Semaphore, SemaphorePermit};

use crate::cluster::Cluster;
use crate::confirm::Confirm;
use crate::gate::{Gate, Needed};
use crate::guard::Guard;
use crate::local::Local;
use crate::locks::Locks;
use crate::metered::Metered;
use crate::metrics::Metrics;
use crate::observe::Observe;
use crate::silences::Silences;

pub use past::Past;
use planning::Planning;
pub use recover::{Unfinished, recover};

/// What is to be run.
pub struct RunSpec {
    /// The run's id.
    pub run: RunId,
    /// The policy's name in this host.
    pub policy: String,
    /// Its code.
    pub program: Arc<dyn Program>,
    /// What it works on.
    pub incident: Incident,
    /// Whether mutations are performed.
    pub mode: Mode,
    /// What it may use.
    pub limits: Limits,
    /// What the operator allows.
    pub grants: Arc<[Grant]>,
    /// Whether the alert must fire before the first mutation.
    pub confirm: Confirm,
    /// What people have approved of it; in mode `approve` it only plans without.
    pub approved: Option<Approved>,
    /// What it did in an earlier process; none for a run that begins.
    pub past: Option<Past>,
}

/// Where it runs.
#[derive(Clone)]
pub struct Session {
    /// What effects act on.
    pub cluster: Arc<dyn Cluster>,
    /// What time it is.
    pub clock: Arc<dyn Clock>,
    /// Where its entries go.
    pub log: Arc<dyn RunLog>,
    /// The host's locks.
    pub locks: Arc<Locks>,
    /// How to end it from outside.
    pub cancel: Cancel,
    /// Who watches.
    pub observer: Option<Arc<dyn Observer>>,
    /// Where effects are counted.
    pub metrics: Option<Metrics>,
    /// How many instances there may be at once; none for no limit. A run that waits for
    /// long has none, and takes no place.
    pub places: Option<Arc<Semaphore>>,
    /// Who knows whether the alert is silenced, so that nothing is changed for it; none where that
    /// is not asked.
    pub silences: Option<Arc<dyn Silences>>,
}

/// How a run ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finished {
    /// How.
    pub ending: Ending,
    /// What is in doubt: an undo that failed, a mutation that may have happened. A
    /// sentence each, for people, who must be told.
    pub doubts: Vec<String>,
    /// It has not ended: its host has, and the next goes on with it.
    pub interrupted: bool,
    /// What it would have done, where it only planned.
    pub plan: Option<Box<Plan>>,
}

impl Finished {
    /// Ended, with what is in doubt.
    pub fn new(ending: Ending, doubts: Vec<String>) -> Self {
        Self { ending, doubts, interrupted: false, plan: None }
    }

    /// Not ended: the next host goes on with it.
    pub fn interrupted(ending: Ending) -> Self {
        Self { interrupted: true, ..Self::new(ending, Vec::new()) }
    }

    /// What came of it: a sentence for people.
    pub fn summary(&self) -> String {
        let plan = self.plan.as_ref().and_then(|plan| plan.summary());
        match (plan, &self.ending) {
            (Some(plan), Ending::Concluded(outcome)) => format!("{plan}. Then: {}", outcome.summary()),
            (Some(plan), Ending::Halted(Halt::Planned)) => plan,
            (Some(_) | None, ending) => ending.summary(),
        }
    }
}

/// The layers below the journal.
struct Layers {
    /// For the policy's calls.
    handler: Arc<dyn EffectHandler>,
    /// For taking back changes that were made.
    undoing: Arc<dyn EffectHandler>,
    local: Arc<Local>,
    /// What lets changes through that were approved; none where all are performed, or planned.
    gate: Option<Arc<Gate>>,
}

/// What becomes of a run's changes.
enum Changes<'a> {
    /// They are performed.
    Performed,
    /// They are only planned.
    Planned,
    /// Those are performed that need no approval, or were approved.
    Gated {
        needed: Needed,
        approved: Option<Approved>,
        run: &'a RunId,
        /// What it did in an earlier process.
        past: &'a [Entry],
    },
}

impl<'a> Changes<'a> {
    fn of(
        mode: Mode,
        grants: &[Grant],
        approved: Option<Approved>,
        run: &'a RunId,
        past: &'a [Entry],
    ) -> Self {
        let needed = match (mode, &approved) {
            (Mode::Observe, _) | (Mode::Approve, None) => return Self::Planned,
            (Mode::Approve, Some(_)) => Needed::ForAll,
            (Mode::Enforce, _) if grants.iter().any(|grant| grant.approve) => Needed::ByGrants,
            (Mode::Enforce, _) => return Self::Performed,
        };
        Self::Gated { needed, approved, run, past }
    }

    fn are_planned(&self) -> bool {
        matches!(self, Self::Planned)
    }
}

fn layers(
    policy: &str,
    requested: Vec<Permission>,
    grants: Arc<[Grant]>,
    confirm: Confirm,
    incident: &Arc<Incident>,
    changes: Changes<'_>,
    session: &Session,
) -> Layers {
    let Session { cluster, clock, locks, .. } = session;
    let local = Arc::new(Local::new(cluster.clone(), clock.clone(), locks.clone(), policy.to_owned()));
    let guarded = |inner: Arc<dyn EffectHandler>| Guard {
        inner,
        clock: clock.clone(),
        cluster: cluster.clone(),
        policy: policy.to_owned(),
        requested: requested.clone(),
        grants: grants.clone(),
        confirm: confirm.clone(),
        silences: session.silences.clone(),
        incident: incident.clone(),
        confirmed: Mutex::default(),
        metrics: session.metrics.clone(),
    };
    let metered = |inner: Arc<dyn EffectHandler>| -> Arc<dyn EffectHandler> {
        match &session.metrics {
            None => inner,
            Some(metrics) => Arc::new(Metered {
                inner,
                clock: clock.clone(),
                metrics: metrics.clone(),
                policy: policy.to_owned(),
            }),
        }
    };
    let acting = || -> Arc<dyn EffectHandler> { Arc::new(guarded(local.clone())) };
    let planning = || -> Arc<dyn EffectHandler> { Arc::new(guarded(Arc::new(Observe::new(local.clone())))) };
    let (handler, undoing, gate) = match changes {
        Changes::Performed => {
            let handler = metered(acting());
            (handler.clone(), handler, None)
        }
        Changes::Planned => {
            let handler = metered(planning());
            (handler.clone(), handler, None)
        }
        Changes::Gated { needed, approved, run, past } => {
            let acting = acting();
            let gate = Arc::new(Gate::new(run, needed, approved, acting.clone(), planning(), past));
            (metered(gate.clone()), metered(acting), Some(gate))
        }
    };
    Layers { handler, undoing, local, gate }
}

/// The policy, from one instance to the next: a long wait ends one, and what is on record
/// brings the next to where it was.
async fn at_work(
    program: &dyn Program,
    incident: &Incident,
    limits: &Limits,
    recorder: Arc<Recorder>,
    places: Option<Arc<Semaphore>>,
    observer: Option<Arc<dyn Observer>>,
) -> Ending {
    loop {
        if let Err(halt) = recorder.awake().await {
            return Ending::Halted(halt);
        }
        let _place = match &places {
            Some(places) => place(places, observer.as_deref()).await,
            None => None,
        };
        let host: Arc<dyn Host> = recorder.clone();
        match program.remediate(incident, limits, host).await {
            Ending::Halted(Halt::Suspended) => {}
            ending => return ending,
        }
    }
}

/// A place for an instance, as soon as there is one.
async fn place<'a>(places: &'a Semaphore, observer: Option<&dyn Observer>) -> Option<SemaphorePermit<'a>> {
    if let Ok(place) = places.try_acquire() {
        return Some(place);
    }
    let tell = |is_crowded| observer.into_iter().for_each(|observer| observer.crowded(is_crowded));
    tell(true);
    let place = places.acquire().await.ok();
    tell(false);
    place
}

/// Run a policy for an incident, and take back what it did not keep. All of it happens
/// inside this future. One that is interrupted by the end of its host has not ended: what
/// it must undo is left to the process that takes it up.
///
/// # Errors
/// When the journal can't be written at the end: what is done is done, and what is not
/// settled is settled at the next start.
pub async fn execute(spec: RunSpec, mut session: Session) -> Result<Finished, JournalError> {
    let RunSpec { run, policy, program, incident, mode, limits, grants, confirm, approved, past } = spec;
    let requested = program.manifest().permissions_of_run(&incident.settings);
    let incident = Arc::new(incident);
    let planning = Planning {
        run: run.clone(),
        module: program.digest().to_owned(),
        incident: incident.clone(),
        grants: grants.clone(),
    };
    let on_record = past.as_ref().map_or(&[][..], |past| &past.entries);
    let changes = Changes::of(mode, &grants, approved, &run, on_record);
    let only_plans = changes.are_planned();
    // What was changed in an earlier process was confirmed then; by now it may have
    // cleared the alert.
    let has_changes = past.as_ref().is_some_and(Past::has_changes);
    let confirm = if has_changes { Confirm::None } else { confirm };
    session.silences.take_if(|_| has_changes);
    let layers = layers(&policy, requested, grants, confirm, &incident, changes, &session);
    let gate = layers.gate.clone();
    let recorder = Recorder::new(
        run,
        layers.handler,
        session.log.clone(),
        session.clock.clone(),
        limits.clone(),
        session.cancel.clone(),
        session.observer.clone(),
    )
    .undoing_by(layers.undoing);
    let started_at = past.as_ref().map_or_else(|| session.clock.now(), |past| past.started_at);
    let recorder = Arc::new(match past {
        None => recorder,
        Some(past) => {
            let recorder = recorder.resuming(&past.entries);
            layers.local.hold(past.locks);
            recorder
        }
    });
    let (places, observer) = (session.places.clone(), session.observer.clone());
    let policy_at_work = Box::pin(at_work(&*program, &incident, &limits, recorder.clone(), places, observer));
    let deadline = session.clock.sleep_until(later(started_at, limits.deadline.get()));
    // The deadline first: one that passed while no host was there ends the run before it does
    // anything more.
    let ending = match select(deadline, policy_at_work).await {
        Either::Right((ending, _)) => ending,
        Either::Left(((), policy_at_work)) => {
            // What was begun is finished and recorded; the next effect ends the run.
            session.cancel.halt(Halt::Limit(limits.exceeded(Limit::Deadline)));
            policy_at_work.await
        }
    };
    let ending = match ending {
        Ending::Concluded(_) | Ending::Failed(_) => match recorder.left_over() {
            Some(halt) => Ending::Halted(halt),
            None => ending,
        },
        _ => ending,
    };
    let finished = if ending == Ending::Halted(Halt::Shutdown) {
        Ok(Finished::interrupted(ending))
    } else {
        // Not a part of this future: a run that waits would hold room for it.
        let has_planned = only_plans || gate.is_some_and(|gate| gate.is_planning());
        let planning = has_planned.then_some(planning);
        Box::pin(finish(&recorder, ending, &*session.log, planning)).await
    };
    layers.local.release();
    finished
}

/// See a run through that is over; or leave it to the next host, where this one may act no
/// more.
async fn finish(
    recorder: &Recorder,
    ending: Ending,
    log: &dyn RunLog,
    planning: Option<Planning>,
) -> Result<Finished, JournalError> {
    match recorder.finish(&ending).await {
        Ok(doubts) => {
            let plan = match planning {
                // One that can't be read is only not told of here.
                Some(planning) => planning.plan(&log.entries().await.unwrap_or_default()),
                None => None,
            };
            Ok(Finished { plan, ..Finished::new(ending, doubts) })
        }
        Err(Halt::Shutdown) => Ok(Finished::interrupted(ending)),
        Err(Halt::Journal(message)) => Err(JournalError::OfRun(message)),
        Err(other) => Err(JournalError::OfRun(other.to_string())),
    }
}

#[cfg(test)]
pub(crate) mod harness;
#[cfg(test)]
mod queries;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod undone;
