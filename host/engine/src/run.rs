//! One run, from its first effect to its last undo.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use futures::future::{Either, select};
use suture_core::handler::Discovery;
use suture_core::{
    Clock, EffectHandler, Ending, Grant, Halt, Host, Incident, Limit, Limits, Mode, Permission, Program,
    RunId,
};
use suture_journal::Observer;
use suture_journal::{Cancel, Entry, JournalError, Recorder, RunLog};

use crate::cluster::Cluster;
use crate::confirm::Confirm;
use crate::guard::Guard;
use crate::local::Local;
use crate::locks::Locks;
use crate::metered::Metered;
use crate::metrics::Metrics;
use crate::observe::Observe;

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
    pub grants: Vec<Grant>,
    /// Whether the alert must fire before the first mutation.
    pub confirm: Confirm,
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
}

/// How a run ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finished {
    /// How.
    pub ending: Ending,
    /// What is in doubt: an undo that failed, a mutation that may have happened. A
    /// sentence each, for people, who must be told.
    pub doubts: Vec<String>,
}

/// The layers below the journal.
struct Layers {
    handler: Arc<dyn EffectHandler>,
    local: Arc<Local>,
}

fn layers(
    policy: &str,
    requested: Vec<Permission>,
    grants: Vec<Grant>,
    confirm: Confirm,
    incident: &Incident,
    mode: Mode,
    session: &Session,
) -> Layers {
    let Session { cluster, clock, locks, .. } = session;
    let local = Arc::new(Local::new(cluster.clone(), clock.clone(), locks.clone(), policy.to_owned()));
    let inner: Arc<dyn EffectHandler> = match mode {
        Mode::Enforce => local.clone(),
        Mode::Observe => Arc::new(Observe::new(local.clone())),
    };
    let discovery: Arc<dyn Discovery> = cluster.clone();
    let labels = incident.alert.labels.clone();
    let guard = Guard {
        inner,
        clock: clock.clone(),
        discovery,
        requested,
        grants,
        confirm,
        labels,
        confirmed: AtomicBool::new(false),
    };
    let handler: Arc<dyn EffectHandler> = match &session.metrics {
        None => Arc::new(guard),
        Some(metrics) => Arc::new(Metered {
            inner: Arc::new(guard),
            clock: clock.clone(),
            metrics: metrics.clone(),
            policy: policy.to_owned(),
        }),
    };
    Layers { handler, local }
}

/// Run a policy for an incident, and take back what it did not keep. All of it happens
/// inside this future.
///
/// # Errors
/// When the journal can't be written at the end: what is done is done, and what is not
/// settled is settled at the next start.
pub async fn execute(spec: RunSpec, session: Session) -> Result<Finished, JournalError> {
    let RunSpec { run, policy, program, incident, mode, limits, grants, confirm } = spec;
    let requested = program.manifest().permissions.clone();
    let layers = layers(&policy, requested, grants, confirm, &incident, mode, &session);
    let recorder = Arc::new(Recorder::new(
        run,
        layers.handler,
        session.log.clone(),
        session.clock.clone(),
        limits.clone(),
        session.cancel.clone(),
        session.observer.clone(),
    ));
    let host: Arc<dyn Host> = recorder.clone();
    let policy_at_work = program.remediate(&incident, &limits, host);
    let deadline = session.clock.sleep(limits.deadline.get());
    let ending = match select(policy_at_work, deadline).await {
        Either::Left((ending, _)) => ending,
        Either::Right(((), policy_at_work)) => {
            // What was begun is finished and recorded; the next effect ends the run.
            session.cancel.halt(Halt::Limit(limits.exceeded(Limit::Deadline)));
            policy_at_work.await
        }
    };
    let doubts = recorder.finish(&ending).await?;
    layers.local.release();
    Ok(Finished { ending, doubts })
}

/// What a run needs that was cut off by the end of its host.
pub struct Unfinished {
    /// The run's id.
    pub run: RunId,
    /// The policy's name in this host.
    pub policy: String,
    /// What its manifest requests today; nothing where the policy is gone.
    pub requested: Vec<Permission>,
    /// What it worked on.
    pub incident: Incident,
    /// Whether mutations were performed.
    pub mode: Mode,
    /// What it could use.
    pub limits: Limits,
    /// What the operator allows today.
    pub grants: Vec<Grant>,
    /// What it had done.
    pub entries: Vec<Entry>,
}

/// See a run through that was cut off: what is in doubt is looked up, what was not kept
/// is taken back. The policy is not asked again.
///
/// # Errors
/// When the journal can't be written.
pub async fn recover(unfinished: Unfinished, session: Session) -> Result<Finished, JournalError> {
    let Unfinished { run, policy, requested, incident, mode, limits, grants, entries } = unfinished;
    // The changes that are taken back were confirmed when they were made.
    let layers = layers(&policy, requested, grants, Confirm::None, &incident, mode, &session);
    let recorder = Recorder::recovering(
        run,
        &entries,
        layers.handler,
        session.log.clone(),
        session.clock.clone(),
        limits,
        session.observer.clone(),
    );
    let ending = Ending::Halted(Halt::Shutdown);
    let doubts = recorder.finish(&ending).await?;
    Ok(Finished { ending, doubts })
}

#[cfg(test)]
pub(crate) mod bed;
#[cfg(test)]
mod tests;
