//! The simulated cluster, as a policy, a scenario's author and a test see it.

mod applied;
mod collected;
mod created;
mod deleted;
mod fixtures;
mod limited;
mod listed;
mod patched;
mod reacting;
mod read;
mod scaled;
mod three_steps;
mod waited;

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use suture_core::clock::{Driven, VirtualClock, later};
use suture_core::effect::{Create, Delete, Patch, PatchType, Predicate, Propagation, Target, Waited};
use suture_core::object::{Kind, Object};
use suture_core::{
    Clock, Effect, EffectHandler, Error, Fault, Mutation, ObjectRef, Prepared, Reply, RunId, Step, Timestamp,
};

use super::SimulatedCluster;
use crate::fixture::Fixture;

/// What most tests start from.
const MEDIA: &str = r#"
now: 2026-11-22T04:10:00Z
objects:
- apiVersion: volsync.backube/v1alpha1
  kind: ReplicationSource
  metadata: {name: plex, namespace: media, labels: {app: plex}}
  spec: {sourcePVC: plex, trigger: {schedule: "0 * * * *"}, restic: {repository: plex-secret}}
  status: {lastSyncTime: "2026-11-21T04:00:00Z"}
- apiVersion: v1
  kind: ConfigMap
  metadata: {name: notes, namespace: media}
  data: {a: "1"}
- apiVersion: v1
  kind: Pod
  metadata: {name: mover, namespace: media}
  spec: {containers: [{name: restic}]}
  status: {phase: Running}
"#;

const SOURCE: &str = "volsync.backube/v1alpha1 ReplicationSource media/plex";

/// A cluster and the clock it lives by.
struct ClusterHarness {
    clock: VirtualClock,
    cluster: SimulatedCluster,
}

fn reference(text: &str) -> ObjectRef {
    text.parse().unwrap()
}

fn target(text: &str) -> Target {
    let ObjectRef { kind, namespace, name } = reference(text);
    Target { kind, namespace, name, uid: None, subresource: None }
}

fn step(number: u32) -> Step {
    Step { run: RunId::new("run-1"), number }
}

fn reason<T: std::fmt::Debug>(result: Result<T, Error>) -> String {
    result.unwrap_err().reason.to_string()
}

fn merge(text: &str, body: Value) -> Patch {
    Patch { target: target(text), patch_type: PatchType::Merge, body, resource_version: None }
}

fn of_status(mut patch: Patch) -> Patch {
    patch.target.subresource = Some("status".to_owned());
    patch
}

fn delete_of(text: &str) -> Delete {
    Delete::of(target(text))
}

fn config_map(name: &str) -> Value {
    json!({"metadata": {"name": name}, "data": {}})
}

fn create_in(namespace: &str, object: Value) -> Create {
    Create {
        kind: Kind::new("v1", "ConfigMap"),
        namespace: Some(namespace.to_owned()),
        object,
        subresource: None,
    }
}

fn mutate(mutation: Mutation) -> Effect {
    Effect::Mutate { mutation, undo: None }
}

impl ClusterHarness {
    fn new(yaml: &str) -> Self {
        let fixture: Fixture = serde_saphyr::from_str(yaml).unwrap();
        let limit = later(fixture.now, Duration::from_secs(7 * 86_400));
        let clock = VirtualClock::new(fixture.now, limit);
        let cluster = SimulatedCluster::new(fixture, Arc::new(clock.clone())).unwrap();
        Self { clock, cluster }
    }

    /// `MEDIA` with more at its end.
    fn media(more: &str) -> Self {
        Self::new(&format!("{MEDIA}{more}"))
    }

    fn now(&self) -> Timestamp {
        self.clock.now()
    }

    fn run<F: Future>(&self, future: F) -> F::Output {
        match pollster::block_on(self.clock.drive(future)) {
            Driven::Done(output) => output,
            Driven::Stalled => panic!("it waits for what never happens"),
            Driven::OutOfTime => panic!("it waits for too long"),
        }
    }

    fn pass(&self, seconds: u64) {
        let clock: Arc<dyn Clock> = Arc::new(self.clock.clone());
        self.run(clock.sleep(Duration::from_secs(seconds)));
    }

    fn prepare(&self, effect: &Effect) -> Result<Prepared, Error> {
        self.run(self.cluster.prepare(&step(1), effect)).map_err(error)
    }

    fn perform(&self, prepared: &Prepared) -> Result<Reply, Error> {
        self.run(self.cluster.perform(prepared)).map_err(error)
    }

    fn effect(&self, effect: &Effect) -> Result<Reply, Error> {
        let prepared = self.prepare(effect)?;
        self.perform(&prepared)
    }

    fn change(&self, mutation: Mutation) -> Result<Object, Error> {
        match self.effect(&mutate(mutation))? {
            Reply::Mutated(object) => Ok(object),
            other => panic!("{other:?}"),
        }
    }

    fn create(&self, create: Create) -> Result<Object, Error> {
        self.change(Mutation::Create(create))
    }

    fn patch(&self, patch: Patch) -> Result<Object, Error> {
        self.change(Mutation::Patch(patch))
    }

    fn delete(&self, text: &str) -> Result<Object, Error> {
        self.change(Mutation::Delete(delete_of(text)))
    }

    fn get(&self, text: &str) -> Result<Object, Error> {
        match self.effect(&Effect::Get { target: target(text) })? {
            Reply::Object(object) => Ok(object),
            other => panic!("{other:?}"),
        }
    }

    fn exists(&self, text: &str) -> bool {
        self.cluster.object(&reference(text)).is_some()
    }

    fn at(&self, text: &str, pointer: &str) -> Value {
        self.get(text).unwrap().pointer(pointer).cloned().unwrap_or(Value::Null)
    }

    fn wait(&self, text: &str, until: Predicate, seconds: u64) -> Waited {
        let effect = Effect::Wait { target: target(text), until, timeout_ms: seconds * 1000 };
        match self.effect(&effect).unwrap() {
            Reply::Waited(waited) => waited,
            other => panic!("{other:?}"),
        }
    }
}

fn error(fault: Fault) -> Error {
    match fault {
        Fault::Error(error) => error,
        Fault::Halt(halt) => panic!("{halt}"),
    }
}
