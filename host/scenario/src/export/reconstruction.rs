//! The run once more, on a simulated cluster: its own changes are made, and whatever the
//! record shows besides must have happened without it.

mod changing;
mod outside_changes;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use parking_lot::Mutex;
use serde_json::{Value, json};
use suture_core::clock::{Sleep, later};
use suture_core::effect::Query;
use suture_core::object::{self, Kind};
use suture_core::{Clock, Effect, EffectHandler, Error, Fault, ObjectRef, Reason, Reply, Step, Timestamp};
use suture_engine::confirm;
use suture_journal::RunRecord;
use suture_simulator::fixture::QueryAnswer;
use suture_simulator::{Fixture, SimulatedCluster};

use super::changes;
use super::faults::Faults;
use super::initial::{Initial, passed};
use super::logs::Logs;
use super::outside_events::OutsideEvents;
use super::then::Expectation;
use changing::effect_named;
use suture_journal::Call;

/// What is on record of a reply that ended its run because it was too large.
const TOO_LARGE: &str = "RequestEntityTooLarge";

/// A clock that is set by hand.
struct Hand(Mutex<Timestamp>);

impl Clock for Hand {
    fn now(&self) -> Timestamp {
        *self.0.lock()
    }

    fn monotonic(&self) -> Duration {
        Duration::ZERO
    }

    fn sleep_until(&self, _: Timestamp) -> Sleep {
        futures::future::pending().boxed()
    }
}

/// When an object was last seen: by which call, and when.
#[derive(Clone, Copy)]
pub(super) struct Seen {
    pub call: usize,
    pub at: Timestamp,
}

/// The run as it is lived through again.
pub(super) struct Reconstruction {
    hand: Arc<Hand>,
    pub cluster: SimulatedCluster,
    pub fixture: Fixture,
    step: Step,
    manager: String,
    pub outside_events: OutsideEvents,
    pub faults: Faults,
    pub logs: Logs,
    pub prometheus: Vec<QueryAnswer>,
    /// What Prometheus listed, where the policy asked; or nothing, where the alert did not fire.
    pub alerts: Option<Vec<suture_core::effect::ActiveAlert>>,
    /// How the run's own alert stood there, where a change was denied for that.
    pub own_alert: Option<&'static str>,
    /// The locks that others held, and for how long.
    pub locks: Vec<(String, Option<Duration>)>,
    /// Time that passed between steps, where the policy asked what time it was.
    pub pauses: Vec<(u32, Duration)>,
    pub expectations: Vec<Expectation>,
    seen: BTreeMap<ObjectRef, Seen>,
    lists: Vec<(Query, Seen)>,
    /// The uids of objects in the record.
    uids: BTreeMap<ObjectRef, String>,
    /// What versions of the record are here.
    versions: BTreeMap<(ObjectRef, String), String>,
    /// What observe mode only plans: reads show the plan, not the cluster.
    planned: BTreeSet<ObjectRef>,
    /// What a scenario can't repeat. A sentence each.
    pub doubts: Vec<String>,
}

impl Reconstruction {
    /// The cluster before the run.
    ///
    /// # Errors
    /// What the simulated cluster does not take of it.
    pub fn new(initial: &Initial, run: &RunRecord, calls: &[Call]) -> Result<Self, String> {
        let mut objects: Vec<Value> = initial.objects.values().cloned().collect();
        let probe = Fixture { now: initial.now, objects: objects.clone(), ..Fixture::default() };
        for (kind, made) in &initial.made_kinds {
            if probe.has_status_subresource(kind).is_err() && !kind.group().is_empty() {
                let plural = plural(kind);
                objects.push(changes::definition(kind, &plural, object::namespace(made).is_some()));
            }
        }
        objects.extend(missing_namespaces(&objects, calls));
        let fixture = Fixture { now: initial.now, objects, ..Fixture::default() };
        let hand = Arc::new(Hand(Mutex::new(initial.now)));
        let cluster =
            SimulatedCluster::new(fixture.clone(), hand.clone()).map_err(|error| error.to_string())?;
        let mut logs = Logs::of(calls);
        logs.begin_with(&fixture.objects);
        Ok(Self {
            hand,
            cluster,
            fixture,
            step: Step { run: run.id.clone(), number: 0 },
            manager: format!("suture-{}", run.policy),
            outside_events: OutsideEvents::default(),
            faults: Faults::default(),
            logs,
            prometheus: Vec::new(),
            alerts: None,
            own_alert: None,
            locks: Vec::new(),
            pauses: Vec::new(),
            expectations: Vec::new(),
            seen: BTreeMap::new(),
            lists: Vec::new(),
            uids: BTreeMap::new(),
            versions: BTreeMap::new(),
            planned: BTreeSet::new(),
            doubts: Vec::new(),
        })
    }

    pub fn now(&self) -> Timestamp {
        self.hand.now()
    }

    /// How long the run has lasted.
    pub fn elapsed(&self) -> Duration {
        self.fixture.now.duration_until(self.now()).try_into().unwrap_or_default()
    }

    pub fn pass(&mut self, duration: Duration) {
        let at = later(self.now(), duration);
        *self.hand.0.lock() = at;
    }

    pub fn doubt(&mut self, call: &Call, what: &str) {
        self.doubts.push(format!("step {} ({}): {what}", call.step, call.asked.verb()));
    }

    /// The next call of the run.
    pub fn live_through(&mut self, index: usize, call: &Call) {
        self.step.number = call.step;
        let duration = passed(call, call.effect());
        match &call.asked {
            Effect::Mutate { mutation, .. } => self.mutate(index, call, mutation),
            Effect::Get { .. } | Effect::List(_) | Effect::Wait { .. } | Effect::Logs { .. } => {
                self.read(index, call, duration);
            }
            Effect::Query { .. } | Effect::QueryRange { .. } | Effect::Alerts => self.ask_prometheus(call),
            Effect::Exclusive { name, .. } => {
                if !duration.is_zero() && call.answer.is_some() {
                    let held_for = call.reply().is_some().then(|| self.elapsed() + duration);
                    self.locks.push((name.clone(), held_for));
                }
                self.pass(duration);
            }
            Effect::Sleep { .. } => self.pass(duration),
            Effect::Now => self.tell_time(call),
            Effect::Settle { .. } | Effect::Log { .. } | Effect::Step { .. } => {}
        }
    }

    /// The policy sees the time that it saw.
    fn tell_time(&mut self, call: &Call) {
        let Some(Reply::Now(then)) = call.reply() else { return };
        let late: Duration = self.now().duration_until(*then).try_into().unwrap_or_default();
        let late = Duration::from_millis(u64::try_from(late.as_millis()).unwrap_or(u64::MAX));
        if !late.is_zero() {
            self.pauses.push((call.step, late));
            self.pass(late);
        }
    }

    /// Do an effect on a cluster: whether it came to be performed, and what it brought.
    pub fn perform(&self, on: &SimulatedCluster, effect: &Effect, dry_run: bool) -> (bool, Performed) {
        let prepared = match on.prepare(&self.step, effect).now_or_never() {
            Some(Ok(prepared)) => prepared,
            Some(Err(Fault::Error(error))) => return (false, Err(error)),
            Some(Err(Fault::Halt(_))) | None => return (false, Err(stuck())),
        };
        let before = prepared.before.as_deref().cloned();
        let prepared = suture_core::Prepared { dry_run, manager: self.manager.clone(), ..prepared };
        match on.perform(&prepared).now_or_never() {
            Some(Ok(reply)) => (true, Ok((reply, before))),
            Some(Err(Fault::Error(error))) => (true, Err(error)),
            Some(Err(Fault::Halt(_))) | None => (true, Err(stuck())),
        }
    }

    /// An effect that failed: whether the cluster as it is lets it fail so by itself.
    /// Otherwise it is a fault.
    pub fn fail(&mut self, call: &Call, effect: &Effect, error: &Error) {
        if error.reason == Reason::DENIED {
            if error.message.starts_with(confirm::NOT_FIRING) {
                self.alerts.get_or_insert_default();
                // As the guard says it: see `Standing`.
                let states = [("it is pending", "pending"), ("keep_firing_for", "keptFiring")];
                let said = states.into_iter().find(|(words, _)| error.message.contains(words));
                self.own_alert = self.own_alert.or(said.map(|(_, state)| state));
            }
            return;
        }
        if error.reason.as_str() == TOO_LARGE && error.status.is_none() {
            self.doubt(call, "it was larger than the run may read, so it is not on record");
            return;
        }
        let (was_performed, result) =
            self.perform(&self.cluster.fork(self.hand.clone()), effect, call.is_dry_run());
        match result {
            Err(natural) if natural.reason == error.reason => {
                if was_performed {
                    self.faults.pass(&effect_named(effect, call), 1);
                }
            }
            _ => self.faults.strike(&effect_named(effect, call), error, call.conflicts() + 1),
        }
    }
}

/// Where one Namespace is an object, those that are none don't exist: nothing could be made in
/// them.
fn missing_namespaces(objects: &[Value], calls: &[Call]) -> Vec<Value> {
    let kind = Kind::new("v1", "Namespace");
    let known: BTreeSet<&str> = objects
        .iter()
        .filter(|object| Kind::of(object).as_ref() == Some(&kind))
        .filter_map(object::name)
        .collect();
    if known.is_empty() {
        return Vec::new();
    }
    let seen = calls.iter().flat_map(super::initial::objects_of);
    let named: BTreeSet<String> =
        seen.filter_map(|object| object::namespace(object).map(str::to_owned)).collect();
    let missing = named.into_iter().filter(|name| !known.contains(name.as_str()));
    missing.map(|name| json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})).collect()
}

/// What an effect brought, and what was there before.
type Performed = Result<(Reply, Option<Value>), Error>;

fn stuck() -> Error {
    Error::new(Reason::UNSUPPORTED, "the simulated cluster does not answer at once")
}

fn plural(kind: &Kind) -> String {
    format!("{}s", kind.kind.to_lowercase())
}
