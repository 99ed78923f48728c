//! A handler that does what a test says, and writes down what it was asked.

use std::collections::VecDeque;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use parking_lot::Mutex;
use serde_json::{Value, json};
use suture_core::clock::{Driven, later};
use suture_core::effect::{Create, Delete, Patch, PatchType, Propagation, Target, Waited};
use suture_core::object::Kind;
use suture_core::{
    Clock, Effect, EffectHandler, Error, Fault, Limits, Mutation, Prepared, Reason, Reply, Resolution, RunId,
    Step, Timestamp, VirtualClock,
};

use super::super::Recorder;
use crate::cancel::Cancel;
use crate::entry::{Answer, Body, Entry};
use crate::log::MemoryLog;
use crate::observer::Observer;

/// Answers from its queues; where they are empty, as if all went well.
#[derive(Default)]
pub struct Fake {
    prepares: Mutex<VecDeque<Result<(), Fault>>>,
    performs: Mutex<VecDeque<Result<Reply, Fault>>>,
    resolves: Mutex<VecDeque<Result<Resolution, Fault>>>,
    /// What every wait, sleep and lock does instead of ending.
    hangs: bool,
    dry_run: bool,
    asked: Mutex<Vec<String>>,
}

impl Fake {
    /// What preparing the next mutations brings.
    pub fn prepares(self, results: impl IntoIterator<Item = Result<(), Fault>>) -> Self {
        self.prepares.lock().extend(results);
        self
    }

    /// What performing the next mutations brings.
    pub fn performs(self, results: impl IntoIterator<Item = Result<Reply, Fault>>) -> Self {
        self.performs.lock().extend(results);
        self
    }

    /// What looking up the next mutations brings.
    pub fn resolves(self, results: impl IntoIterator<Item = Result<Resolution, Fault>>) -> Self {
        self.resolves.lock().extend(results);
        self
    }

    /// Waits never end.
    pub fn hanging(self) -> Self {
        Self { hangs: true, ..self }
    }

    /// All mutations are dry runs.
    pub fn observing(self) -> Self {
        Self { dry_run: true, ..self }
    }

    /// What it performed and looked up, in order.
    pub fn asked(&self) -> Vec<String> {
        self.asked.lock().clone()
    }

    fn note(&self, what: &str, effect: &Effect) {
        if let Effect::Mutate { mutation, .. } = effect {
            self.asked.lock().push(format!(
                "{what} {} {}",
                mutation.mutation_type(),
                mutation.reference().name
            ));
        }
    }
}

#[async_trait]
impl EffectHandler for Fake {
    async fn prepare(&self, step: &Step, effect: &Effect) -> Result<Prepared, Fault> {
        let mut effect = effect.clone();
        if let Effect::Mutate { mutation, .. } = &mut effect {
            self.prepares.lock().pop_front().unwrap_or(Ok(()))?;
            if let Mutation::Create(create) = mutation
                && let Some(prefix) = create.object.pointer("/metadata/generateName").and_then(Value::as_str)
            {
                create.object["metadata"]["name"] = format!("{prefix}final").into();
            }
            if let Some(target) = mutation.target_mut() {
                target.uid.get_or_insert_with(|| format!("uid-of-{}", target.name));
            }
        }
        let before = match &effect {
            Effect::Mutate { mutation: Mutation::Patch(patch), .. } => {
                Some(Arc::new(config_map(&patch.target.name)))
            }
            _ => None,
        };
        let deadline = match &effect {
            Effect::Sleep { duration_ms: wait } | Effect::Wait { timeout_ms: wait, .. } => {
                Some(later(start(), Duration::from_millis(*wait)))
            }
            _ => None,
        };
        Ok(Prepared { dry_run: self.dry_run, deadline, before, ..Prepared::new(step.clone(), effect) })
    }

    async fn perform(&self, prepared: &Prepared) -> Result<Reply, Fault> {
        self.note("perform", &prepared.effect);
        match &prepared.effect {
            Effect::Mutate { mutation, .. } => {
                let name = mutation.reference().name;
                self.performs.lock().pop_front().unwrap_or_else(|| Ok(made(&name)))
            }
            Effect::Wait { .. } | Effect::Sleep { .. } | Effect::Exclusive { .. } if self.hangs => {
                std::future::pending().await
            }
            Effect::Wait { .. } => Ok(Reply::Waited(Waited::Timeout)),
            Effect::Sleep { .. } => Ok(Reply::Slept),
            Effect::Exclusive { .. } => Ok(Reply::Held),
            Effect::Get { target } => Ok(Reply::Object(Arc::new(config_map(&target.name)))),
            _ => Ok(Reply::Noted),
        }
    }

    async fn resolve(&self, prepared: &Prepared) -> Result<Resolution, Fault> {
        self.note("resolve", &prepared.effect);
        self.resolves.lock().pop_front().expect("a test that says what looking up brings")
    }
}

/// A run on a fake.
pub struct RecorderHarness {
    pub fake: Arc<Fake>,
    pub log: Arc<MemoryLog>,
    pub clock: VirtualClock,
    pub cancel: Cancel,
    pub recorder: Arc<Recorder>,
    /// How many entries an earlier process wrote.
    lived: usize,
}

impl RecorderHarness {
    pub fn new(fake: Fake) -> Self {
        Self::with(fake, Limits::default(), None)
    }

    pub fn with(fake: Fake, limits: Limits, observer: Option<Arc<dyn Observer>>) -> Self {
        let (fake, log, cancel, clock) =
            (Arc::new(fake), Arc::new(MemoryLog::default()), Cancel::new(), clock());
        let recorder = Recorder::new(
            RunId::new("r1"),
            fake.clone(),
            log.clone(),
            Arc::new(clock.clone()),
            limits,
            cancel.clone(),
            observer,
        );
        Self { fake, log, clock, cancel, recorder: Arc::new(recorder), lived: 0 }
    }

    /// The same run in the next process, with what is on record of it.
    pub fn reborn(entries: &[Entry], fake: Fake) -> Self {
        let (fake, log, clock) = (Arc::new(fake), Arc::new(MemoryLog::default()), clock());
        let recorder = Recorder::recovering(
            RunId::new("r1"),
            entries,
            fake.clone(),
            log.clone(),
            Arc::new(clock.clone()),
            Limits::default(),
            None,
        );
        Self { fake, log, clock, cancel: Cancel::new(), recorder: Arc::new(recorder), lived: 0 }
    }

    /// The same run in the next process, where the policy is asked again.
    pub fn resumed(entries: &[Entry], fake: Fake) -> Self {
        let harness = Self::new(fake);
        let log = Arc::new(MemoryLog::beginning_with(entries.to_vec()));
        let recorder = Arc::into_inner(harness.recorder).expect("nobody else has it");
        let recorder = Recorder { log: log.clone(), ..recorder }.resuming(entries);
        Self { recorder: Arc::new(recorder), log, lived: entries.len(), ..harness }
    }

    /// The same, whose record is kept by another log.
    pub fn recording(self, log: Arc<dyn crate::RunLog>) -> Self {
        let recorder = Recorder { log, ..Arc::into_inner(self.recorder).expect("nobody else has it") };
        Self { recorder: Arc::new(recorder), ..self }
    }

    /// Run something to its end on virtual time.
    pub fn drive<T>(&self, future: impl Future<Output = T>) -> T {
        match pollster::block_on(self.clock.drive(future)) {
            Driven::Done(output) => output,
            Driven::Stalled => panic!("stalled"),
            Driven::OutOfTime => panic!("out of time"),
        }
    }

    /// What this process wrote, a short word for each entry.
    pub fn record(&self) -> Vec<String> {
        self.log.entries().iter().skip(self.lived).map(brief).collect()
    }

    /// Seconds that passed.
    pub fn passed(&self) -> i64 {
        self.clock.now().as_second() - start().as_second()
    }
}

fn start() -> Timestamp {
    Timestamp::from_second(1_800_000_000).unwrap()
}

fn clock() -> VirtualClock {
    VirtualClock::new(start(), later(start(), Duration::from_secs(86_400)))
}

fn brief(entry: &Entry) -> String {
    let answer = |answer: &Answer| match answer {
        Answer::Ok(_) => "ok".to_owned(),
        Answer::Error(error) => error.reason.to_string(),
    };
    let undo = |undo_of: &Option<u32>| undo_of.map_or(String::new(), |change| format!(" undo of {change}"));
    let step = entry.step;
    match &entry.body {
        Body::Call { effect, answer: brought, undo_of } => {
            format!("{step} {}{} {}", effect.verb(), undo(undo_of), answer(brought))
        }
        Body::Intent { prepared, undo_of, .. } => {
            format!("{step} intent {}{}", prepared.effect.verb(), undo(undo_of))
        }
        Body::Reply { answer: brought } => format!("{step} reply {}", answer(brought)),
        Body::Kept { change, .. } => format!("{step} kept {change}"),
        Body::Ended { ending } => format!("{step} ended {}", ending.name()),
    }
}

pub fn config_map(name: &str) -> Value {
    json!({"apiVersion": "v1", "kind": "ConfigMap",
        "metadata": {"name": name, "namespace": "media", "uid": format!("uid-of-{name}"), "resourceVersion": "7"}})
}

pub fn made(name: &str) -> Reply {
    Reply::Mutated(Arc::new(config_map(name)))
}

pub fn failure<T>(reason: Reason) -> Result<T, Fault> {
    Err(Fault::Error(Error::new(reason, "because")))
}

pub fn target(name: &str) -> Target {
    Target {
        kind: Kind::new("v1", "ConfigMap"),
        namespace: Some("media".into()),
        name: name.into(),
        uid: None,
        subresource: None,
    }
}

pub fn merge(name: &str) -> Mutation {
    Mutation::Patch(Patch {
        target: target(name),
        patch_type: PatchType::Merge,
        body: json!({"data": {"a": "b"}}),
        resource_version: None,
    })
}

pub fn delete(name: &str) -> Mutation {
    Mutation::Delete(Delete {
        target: target(name),
        propagation: Propagation::Background,
        resource_version: None,
    })
}

pub fn create(metadata: Value) -> Mutation {
    let kind = Kind::new("v1", "ConfigMap");
    let object = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata});
    Mutation::Create(Create { kind, namespace: Some("media".into()), object, subresource: None })
}

pub fn change(mutation: Mutation, undo: Option<Mutation>) -> Effect {
    Effect::Mutate { mutation, undo }
}
