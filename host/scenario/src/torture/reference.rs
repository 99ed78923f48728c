//! A scenario without perturbations: what can go wrong in it, and what must stay as it is.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::Value;
use suture_core::effect::MutationType;
use suture_core::object::RUN_ANNOTATION;
use suture_core::{Effect, Ending, Halt, ObjectRef};
use suture_journal::Call;
use suture_simulator::SimulatedCluster;

use super::disturbance::{Disturbance, Seen};
use super::request::Request;
use crate::runner::{Play, Ready, clock};

/// The run that all others are compared with.
pub(crate) struct Reference {
    pub requests: Vec<Request>,
    /// How many entries were written.
    pub entries: u32,
    /// The locks that the policy asks for.
    pub locks: BTreeSet<String>,
    /// How many notifications there are.
    pub notifications: u32,
    /// How each run ended.
    pub endings: Vec<&'static str>,
    pub changes: Vec<Performed>,
}

/// What a run did to an object, without what depends on when it was done.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Performed {
    pub mutation: MutationType,
    pub object: ObjectRef,
    pub patch: Option<Value>,
}

impl Reference {
    /// Play a scenario as it is. None where a run of it does not end.
    pub fn of(ready: &Ready<'_>) -> Option<Self> {
        let disturbance = Arc::new(Disturbance::tracing(ready.scenario.run.clone()));
        let play = ready.play(clock(ready.scenario), None, Some(disturbance.clone()));
        if play.failure.is_some() {
            return None;
        }
        let Seen { requests, entries, .. } = disturbance.seen();
        let calls = play.runs.iter().flat_map(|run| Call::all(&run.entries));
        let locks = calls.filter_map(|call| match call.effect() {
            Effect::Exclusive { name, .. } => Some(name.clone()),
            _ => None,
        });
        Some(Self {
            locks: locks.collect(),
            notifications: u32::try_from(ready.scenario.when.len()).unwrap_or(u32::MAX),
            endings: endings(&play),
            changes: performed(&play.cluster),
            requests,
            entries,
        })
    }
}

/// How each run ended; one that its host's death ended has a successor, which counts.
pub(crate) fn endings(play: &Play) -> Vec<&'static str> {
    let endings = play.runs.iter().filter_map(|run| run.ending.as_ref());
    endings.filter(|ending| **ending != Ending::Halted(Halt::Shutdown)).map(Ending::name).collect()
}

/// What was done to the cluster, by whichever run.
pub(crate) fn performed(cluster: &SimulatedCluster) -> Vec<Performed> {
    let done = cluster.mutations().into_iter().filter(|change| !change.dry_run);
    done.map(|change| Performed {
        mutation: change.mutation,
        object: change.object,
        patch: change.patch.map(without_when),
    })
    .collect()
}

/// Without what the host and the API server write of when it was done: the step counts what
/// was looked at before.
fn without_when(mut patch: Value) -> Value {
    if let Some(metadata) = patch.get_mut("metadata").and_then(Value::as_object_mut) {
        metadata.remove("creationTimestamp");
        if let Some(annotations) = metadata.get_mut("annotations").and_then(Value::as_object_mut) {
            annotations.remove(RUN_ANNOTATION);
        }
    }
    patch
}
