//! A simulated cluster at the end of the layers: the three steps of an effect.

use std::time::Duration;

use async_trait::async_trait;
use suture_core::effect::{Create, Predicate, Target};
use suture_core::handler::{Discovery, Resolution, Resource, not_for_a_cluster};
use suture_core::object::{self, Kind};
use suture_core::{Effect, EffectHandler, Error, Fault, Mutation, ObjectRef, Prepared, Reason, Reply, Step};

use super::SimulatedCluster;
use super::scale;
use super::store::Store;
use super::verbs::Part;
use crate::fixture::PodName;
use suture_cluster::{pin, resolve};

/// How many generated names are tried before the last is taken as it is.
const NAMES_TRIED: u32 = 8;

#[async_trait]
impl EffectHandler for SimulatedCluster {
    async fn prepare(&self, step: &Step, effect: &Effect) -> Result<Prepared, Fault> {
        if self.read(|state, _| state.awaits(step.number)) {
            self.write(|state, now| state.reach(step.number, now));
        }
        let mut prepared = Prepared::new(step.clone(), effect.clone());
        match &mut prepared.effect {
            Effect::Mutate { mutation, .. } => {
                // Not on a copy: whoever writes meanwhile would have to copy all objects.
                prepared.before = self.read(|state, _| prepare_mutation(mutation, step, &state.store))?;
            }
            Effect::Wait { target, until, timeout_ms } => {
                prepared.deadline = Some(self.clock.after(Duration::from_millis(*timeout_ms)));
                let reference = named(target)?;
                let current = self.read(|state, _| {
                    state.store.checked_info(&reference).map(|_| state.store.find(&reference))
                })?;
                // Which object is to go is decided now, not when the wait is taken up again.
                if *until == Predicate::Deleted && target.uid.is_none() {
                    target.uid = current.and_then(|object| object::uid(&object).map(str::to_owned));
                }
            }
            Effect::Sleep { duration_ms: wait } | Effect::Exclusive { timeout_ms: wait, .. } => {
                prepared.deadline = Some(self.clock.after(Duration::from_millis(*wait)));
            }
            // Nothing of these is decided before they are performed.
            Effect::Get { .. }
            | Effect::List(_)
            | Effect::Settle { .. }
            | Effect::Logs { .. }
            | Effect::Query { .. }
            | Effect::QueryRange { .. }
            | Effect::Alerts
            | Effect::Now
            | Effect::Log { .. }
            | Effect::Step { .. } => {}
        }
        Ok(prepared)
    }

    async fn perform(&self, prepared: &Prepared) -> Result<Reply, Fault> {
        self.write(|state, _| state.faults.strike(&prepared.effect))?;
        match &prepared.effect {
            Effect::Get { target } => Ok(Reply::Object(self.get(target)?)),
            Effect::List(query) => Ok(Reply::Page(self.write(|state, now| state.list(query, now))?)),
            Effect::Mutate { mutation, .. } => {
                let Prepared { step, manager, dry_run, .. } = prepared;
                let marked = pin::marked(mutation, manager, step);
                let performed = self.write(|state, now| state.perform(&marked, step, manager, now, *dry_run));
                Ok(Reply::Mutated(performed?))
            }
            Effect::Wait { target, until, timeout_ms } => {
                let deadline =
                    prepared.deadline.unwrap_or_else(|| self.clock.after(Duration::from_millis(*timeout_ms)));
                Ok(Reply::Waited(self.wait(target, until, deadline).await))
            }
            Effect::Logs { pod, container, tail_lines, limit_bytes } => {
                let pod = pod_name(pod)?;
                let text = self.read(|state, _| state.read_log(&pod, container, *tail_lines, *limit_bytes));
                Ok(Reply::Logs(text?))
            }
            Effect::Query { expression } => {
                Ok(Reply::Samples(self.read(|state, now| state.query(expression, now))?))
            }
            Effect::QueryRange { expression, start_ms, end_ms, step_ms } => {
                let series =
                    self.read(|state, _| state.query_range(expression, *start_ms, *end_ms, *step_ms));
                Ok(Reply::Series(series?))
            }
            Effect::Alerts => Ok(Reply::Alerts(self.read(|state, _| state.active_alerts()))),
            Effect::Settle { .. }
            | Effect::Exclusive { .. }
            | Effect::Now
            | Effect::Sleep { .. }
            | Effect::Log { .. }
            | Effect::Step { .. } => Err(not_for_a_cluster(&prepared.effect).into()),
        }
    }

    async fn resolve(&self, prepared: &Prepared) -> Result<Resolution, Fault> {
        let Effect::Mutate { mutation, .. } = &prepared.effect else { return Ok(Resolution::NotDone) };
        if prepared.dry_run {
            return Ok(Resolution::NotDone);
        }
        let current = self.read(|state, _| state.store.find(&mutation.reference()));
        Ok(resolve::prepared(prepared, mutation, current))
    }
}

#[async_trait]
impl Discovery for SimulatedCluster {
    async fn resource(&self, kind: &Kind) -> Result<Resource, Error> {
        self.read(|state, _| state.store.info(kind).map(|info| info.resource()))
    }
}

/// Make a mutation one definite act. What it is to change comes back as it is now.
fn prepare_mutation(
    mutation: &mut Mutation,
    step: &Step,
    store: &Store,
) -> Result<Option<object::Object>, Error> {
    match mutation {
        Mutation::Create(create) => {
            store.info(&create.kind)?;
            let name = free_name(create, step, store);
            pin::create(create, step, name)?;
            Ok(None)
        }
        Mutation::Apply(_) | Mutation::Patch(_) | Mutation::Delete(_) => {
            let reference = mutation.reference();
            if let Some(target) = mutation.target_mut() {
                named(target)?;
            }
            let info = store.checked_info(&reference)?;
            if !matches!(mutation, Mutation::Delete(_)) {
                info.part(mutation.subresource())?;
            }
            let current = match store.get(&reference) {
                // It is made.
                Err(_) if matches!(mutation, Mutation::Apply(_)) => {
                    pin::absent(mutation);
                    return Ok(None);
                }
                current => current?,
            };
            pin::change(mutation, &current)?;
            Ok(Some(current))
        }
    }
}

/// The first generated name that nobody else's object has.
fn free_name(create: &Create, step: &Step, store: &Store) -> Option<String> {
    let mut last = None;
    for attempt in 0..NAMES_TRIED {
        let name = pin::generated_name(create, step, attempt)?;
        let reference =
            ObjectRef { kind: create.kind.clone(), namespace: create.namespace.clone(), name: name.clone() };
        let taken = store.find(&reference).is_some_and(|object| !pin::made_by(&object, step));
        last = Some(name);
        if !taken {
            break;
        }
    }
    last
}

/// The object that a target names, which must have a name.
fn named(target: &Target) -> Result<ObjectRef, Error> {
    if target.name.is_empty() {
        let message = format!("the target has no name; say which {} is meant", target.kind.kind);
        return Err(Error::new(Reason::BAD_REQUEST, message));
    }
    Ok(target.reference())
}

fn pod_name(pod: &Target) -> Result<PodName, Error> {
    let bad = |message: String| Error::new(Reason::BAD_REQUEST, message);
    if pod.kind != Kind::new("v1", "Pod") {
        return Err(bad(format!("a {} has no logs; ask for those of a v1 Pod", pod.kind)));
    }
    let namespace =
        pod.namespace.clone().ok_or_else(|| bad("a Pod has a namespace; say which".to_owned()))?;
    Ok(PodName::new(namespace, named(pod)?.name))
}

impl SimulatedCluster {
    fn get(&self, target: &Target) -> Result<object::Object, Error> {
        let reference = named(target)?;
        self.read(|state, _| {
            let part = state.store.checked_info(&reference)?.part(target.subresource.as_deref())?;
            let object = state.store.get(&reference)?;
            if target.uid.is_some() && target.uid.as_deref() != object::uid(&object) {
                let message = format!("{reference} with the uid that was asked for does not exist");
                return Err(Error::new(Reason::NOT_FOUND, message));
            }
            Ok(if matches!(part, Part::Scale) { scale::of(&object) } else { object })
        })
    }
}
