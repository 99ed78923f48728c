//! What keeps work waiting, as the dispatcher sees it: written whenever that changes, and read
//! without asking it. A dispatcher that can't answer must not hide what it waits for.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::RwLock;
use suture_core::{Effect, IncidentId, Labels, Prepared, RunId, Timestamp};
use suture_journal::JournalError;

use crate::dispatcher::Key;
use crate::waiting::Reason;

/// Why no run of a policy starts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Obstacle {
    pub reason: Reason,
    /// A sentence for people.
    pub message: String,
    /// When it is over by itself, where that is known.
    pub until: Option<Timestamp>,
}

/// What a run waits for. Ten thousand may wait, so it is small.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Wait {
    pub reason: Reason,
    /// The lock, or the object.
    on: Option<Box<str>>,
    pub since: Timestamp,
    pub until: Option<Timestamp>,
}

/// A run at work.
#[derive(Clone, Debug)]
pub(crate) struct AtWork {
    pub incident: IncidentId,
    pub key: Key,
    /// What it waits for; none where it is being worked on.
    pub wait: Option<Wait>,
}

/// All of it.
#[derive(Default)]
pub(crate) struct Obstacles {
    policies: RwLock<BTreeMap<String, Obstacle>>,
    runs: RwLock<HashMap<RunId, AtWork>>,
    /// Why what the dispatcher knows is not on disk, where it is not.
    behind: RwLock<Option<JournalError>>,
    /// Prometheus could not be asked the last time about alerts that are not confirmed.
    prometheus_is_away: AtomicBool,
    /// Alerts that wait in the inbox for policies that are not loaded: how many, and since when.
    kept: RwLock<BTreeMap<String, (usize, Option<Timestamp>)>>,
}

impl Obstacles {
    /// What keeps each policy from starting the runs that wait.
    pub fn set(&self, policies: BTreeMap<String, Obstacle>) {
        let is_same = *self.policies.read() == policies;
        if !is_same {
            *self.policies.write() = policies;
        }
    }

    /// What the dispatcher knows can't be written, or is.
    pub fn set_behind(&self, behind: Option<JournalError>) {
        *self.behind.write() = behind;
    }

    /// Why it can't be written, where it can't.
    pub fn behind(&self) -> Option<JournalError> {
        self.behind.read().clone()
    }

    /// So many alerts wait in the inbox for a policy to be loaded.
    pub fn set_kept(&self, policy: &str, count: usize, since: Option<Timestamp>) {
        let mut kept = self.kept.write();
        match count {
            0 => _ = kept.remove(policy),
            _ => _ = kept.insert(policy.to_owned(), (count, since)),
        }
    }

    /// How many alerts wait in the inbox for each policy to be loaded, and since when.
    pub fn kept(&self) -> BTreeMap<String, (usize, Option<Timestamp>)> {
        self.kept.read().clone()
    }

    pub fn set_prometheus_is_away(&self, is_away: bool) {
        self.prometheus_is_away.store(is_away, Ordering::Relaxed);
    }

    /// Why alerts are not confirmed yet.
    pub fn unconfirmed(&self) -> &'static str {
        match self.prometheus_is_away.load(Ordering::Relaxed) {
            true => "Prometheus can't be asked whether alerts fire; the host's log says why",
            false => "Prometheus has not confirmed it yet",
        }
    }

    pub fn of(&self, policy: &str) -> Option<Obstacle> {
        self.policies.read().get(policy).cloned()
    }

    /// A run is at work.
    pub fn began(&self, run: &RunId, incident: &IncidentId, key: &Key) {
        let at_work = AtWork { incident: incident.clone(), key: key.clone(), wait: None };
        self.runs.write().insert(run.clone(), at_work);
    }

    /// It waits for something, or no longer.
    pub fn waits(&self, run: &RunId, wait: Option<Wait>) {
        if let Some(at_work) = self.runs.write().get_mut(run) {
            at_work.wait = wait;
        }
    }

    pub fn ended(&self, run: &RunId) {
        self.runs.write().remove(run);
    }

    /// What the run of an incident waits for.
    pub fn wait_of(&self, run: &RunId) -> Option<Wait> {
        self.runs.read().get(run).and_then(|at_work| at_work.wait.clone())
    }

    /// The incident with a key that a run works on.
    pub fn busy(&self, policy: &str, key: &Labels) -> Option<IncidentId> {
        let is_same = |at_work: &&AtWork| at_work.key.0 == policy && at_work.key.1 == *key;
        self.runs.read().values().find(is_same).map(|at_work| at_work.incident.clone())
    }

    /// How many runs are at work.
    pub fn at_work(&self) -> usize {
        self.runs.read().len()
    }

    /// The runs that wait for what others have: of which policy, for what, since when.
    pub fn held_up(&self) -> Vec<(String, Wait)> {
        let runs = self.runs.read();
        let waiting = runs.values().filter_map(|run| Some((&run.key.0, run.wait.as_ref()?)));
        let held_up = waiting.filter(|(_, wait)| wait.reason.is_obstacle());
        held_up.map(|(policy, wait)| (policy.clone(), wait.clone())).collect()
    }
}

impl Wait {
    /// What a policy has begun to wait for.
    pub fn of(prepared: &Prepared, since: Timestamp) -> Self {
        let (reason, on) = match &prepared.effect {
            Effect::Exclusive { name, .. } => (Reason::Lock, Some(name.as_str().into())),
            Effect::Wait { target, .. } => {
                let namespace = target.namespace.as_ref().map_or_else(String::new, |one| format!("{one}/"));
                (Reason::Cluster, Some(format!("{} {namespace}{}", target.kind.kind, target.name).into()))
            }
            Effect::Get { .. }
            | Effect::List(_)
            | Effect::Mutate { .. }
            | Effect::Settle { .. }
            | Effect::Logs { .. }
            | Effect::Query { .. }
            | Effect::QueryRange { .. }
            | Effect::Alerts
            | Effect::Now
            | Effect::Sleep { .. }
            | Effect::Log { .. }
            | Effect::Step { .. } => (Reason::Sleep, None),
        };
        Self { reason, on, since, until: prepared.deadline }
    }

    /// As many instances are at work as there may be.
    pub fn for_a_place(since: Timestamp) -> Self {
        Self { reason: Reason::Places, on: None, since, until: None }
    }

    /// What it does can't be written down.
    pub fn for_the_journal(since: Timestamp) -> Self {
        Self { reason: Reason::Journal, on: None, since, until: None }
    }

    /// A sentence for people.
    pub fn message(&self) -> String {
        let on = self.on.as_deref().unwrap_or_default();
        match self.reason {
            Reason::Lock => format!("another run holds the lock `{on}`"),
            Reason::Cluster => format!("the run waits for {on}"),
            Reason::Places => PLACES.to_owned(),
            Reason::Journal => JOURNAL.to_owned(),
            _ => "the run waits for a time to pass".to_owned(),
        }
    }
}

/// What is said where a run is suspended.
const JOURNAL: &str = "the journal can't be written; `suture status` and the host's log say why";
/// What is said where all places are taken.
pub(crate) const PLACES: &str = "as many runs are at work as there may be at once (`budgets.concurrentRuns`)";
