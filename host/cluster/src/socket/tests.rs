//! Both sides of a socket, and a wire to each that says what the other never would.

mod lost;
mod malformed;
mod place;
mod time;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use parking_lot::Mutex;
use serde_json::json;
use suture_core::clock::{Clock, Timestamp};
use suture_core::effect::{Patch, PatchType, Predicate, Target};
use suture_core::handler::{Discovery, Resource};
use suture_core::object::Kind;
use suture_core::{
    Effect, EffectHandler, Error, Fault, Mutation, ObjectRef, Prepared, Reason, Reply, Resolution, RunId,
    Step,
};

use super::{Listener, ManualTime, Offer, SocketCluster};
use suture_simulator::{Fixture, SimulatedCluster};

const NOTES: &str = "v1 ConfigMap media/notes";
const FIXTURE: &str = r#"
now: 2026-11-22T04:10:00Z
objects:
- {apiVersion: v1, kind: ConfigMap, metadata: {name: notes, namespace: media}, data: {a: "1"}}
- {apiVersion: v1, kind: Secret, metadata: {name: key, namespace: media}, data: {key: czNjcmV0}}
"#;

/// A simulated cluster; whoever asks for a `Sleep` waits until the end of time, and whoever
/// asks for `Now` brings it down.
#[derive(Clone)]
struct Odd {
    cluster: SimulatedCluster,
    /// The questions at work that never end.
    hanging: Arc<Mutex<usize>>,
}

struct Hanging(Arc<Mutex<usize>>);

impl Drop for Hanging {
    fn drop(&mut self) {
        *self.0.lock() -= 1;
    }
}

#[async_trait]
impl EffectHandler for Odd {
    async fn prepare(&self, step: &Step, effect: &Effect) -> Result<Prepared, Fault> {
        self.cluster.prepare(step, effect).await
    }

    async fn perform(&self, prepared: &Prepared) -> Result<Reply, Fault> {
        match prepared.effect {
            Effect::Sleep { .. } => {
                *self.hanging.lock() += 1;
                let _hanging = Hanging(self.hanging.clone());
                std::future::pending().await
            }
            Effect::Now => panic!("it was asked for"),
            _ => self.cluster.perform(prepared).await,
        }
    }

    async fn resolve(&self, prepared: &Prepared) -> Result<Resolution, Fault> {
        self.cluster.resolve(prepared).await
    }
}

#[async_trait]
impl Discovery for Odd {
    async fn resource(&self, kind: &Kind) -> Result<Resource, Error> {
        self.cluster.resource(kind).await
    }
}

impl Odd {
    fn new(clock: impl FnOnce(Timestamp) -> Arc<dyn Clock>) -> Self {
        let fixture: Fixture = serde_saphyr::from_str(FIXTURE).unwrap();
        let clock = clock(fixture.now);
        Self { cluster: SimulatedCluster::new(fixture, clock).unwrap(), hanging: Arc::default() }
    }
}

/// A cluster and its place. Its time stands still unless a test lets it pass.
struct SocketHarness {
    odd: Odd,
    time: ManualTime,
    socket: PathBuf,
    serving: Option<tokio::task::JoinHandle<()>>,
    _folder: tempfile::TempDir,
}

impl SocketHarness {
    async fn new() -> Self {
        let mut time = None;
        let odd = Odd::new(|now| time.insert(ManualTime::starting_at(now)).clock());
        let folder = tempfile::tempdir().unwrap();
        let socket = folder.path().join("cluster.sock");
        let mut harness = Self { odd, time: time.unwrap(), socket, serving: None, _folder: folder };
        harness.serve().await;
        harness
    }

    /// Offer the cluster, under a new name.
    async fn serve(&mut self) {
        let listener = Listener::bind(&self.socket).await.unwrap();
        let offer = Offer::with_manual_time(self.odd.clone(), &self.time);
        self.serving = Some(tokio::spawn(offer.serve(listener)));
    }

    /// End the server, and all its connections.
    async fn stop(&mut self) {
        let serving = self.serving.take().unwrap();
        serving.abort();
        let _ = serving.await;
    }

    async fn client(&self) -> SocketCluster {
        SocketCluster::connect(&self.socket).await.unwrap()
    }

    /// Until so many questions hang.
    async fn hang(&self, count: usize) {
        until(|| *self.odd.hanging.lock() == count).await;
    }
}

#[expect(clippy::disallowed_methods, reason = "sockets live in real time")]
async fn until(mut holds: impl FnMut() -> bool) {
    for _ in 0..1000 {
        if holds() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("it never holds")
}

fn step(number: u32) -> Step {
    Step { run: RunId::new("run-1"), number }
}

fn target(text: &str) -> Target {
    let ObjectRef { kind, namespace, name } = text.parse().unwrap();
    Target { kind, namespace, name, uid: None, subresource: None }
}

fn get(text: &str) -> Effect {
    Effect::Get { target: target(text) }
}

fn patch(text: &str, value: &str) -> Effect {
    let body = json!({"data": {"a": value}});
    let patch = Patch { target: target(text), patch_type: PatchType::Merge, body, resource_version: None };
    Effect::Mutate { mutation: Mutation::Patch(patch), undo: None }
}

fn sleep() -> Prepared {
    Prepared::new(step(9), Effect::Sleep { duration_ms: 1 })
}

fn reason<T: std::fmt::Debug>(result: Result<T, Fault>) -> String {
    match result {
        Err(Fault::Error(error)) => error.reason.to_string(),
        other => panic!("no error: {other:?}"),
    }
}

#[tokio::test]
async fn effects_and_their_errors_are_the_same_on_both_sides() {
    let harness = SocketHarness::new().await;
    let client = harness.client().await;
    let here = &harness.odd.cluster;
    for effect in [get(NOTES), get("v1 ConfigMap media/gone"), Effect::Alerts, patch(NOTES, "2")] {
        let prepared = client.prepare(&step(1), &effect).await;
        assert_eq!(prepared, here.prepare(&step(1), &effect).await);
        let prepared = prepared.unwrap();
        let performed = client.perform(&prepared).await;
        if effect.is_mutation() {
            assert!(matches!(performed, Ok(Reply::Mutated(object)) if object["data"]["a"] == "2"));
            assert!(matches!(client.resolve(&prepared).await, Ok(Resolution::Done(_))));
        } else {
            assert_eq!(performed, here.perform(&prepared).await);
            assert_eq!(client.resolve(&prepared).await, Ok(Resolution::NotDone));
        }
    }
    for kind in [Kind::new("v1", "ConfigMap"), Kind::new("v1", "Unheard")] {
        assert_eq!(client.resource(&kind).await, here.resource(&kind).await);
    }
    assert_eq!(here.mutations().len(), 1);
}

#[tokio::test]
async fn what_the_journal_never_holds_crosses_the_socket() {
    let harness = SocketHarness::new().await;
    let client = harness.client().await;
    let prepared = client.prepare(&step(1), &patch("v1 Secret media/key", "x")).await.unwrap();
    assert_eq!(prepared.before.unwrap()["data"]["key"], "czNjcmV0");
}

#[tokio::test]
async fn a_wait_holds_up_nobody_and_ends_with_the_change_that_it_is_about() {
    let harness = SocketHarness::new().await;
    let client = Arc::new(harness.client().await);
    let until = Predicate::Deleted;
    let wait = Effect::Wait { target: target(NOTES), until, timeout_ms: 86_400_000 };
    let wait = client.prepare(&step(1), &wait).await.unwrap();
    let waiting = client.clone();
    let waiting = tokio::spawn(async move { waiting.perform(&wait).await });
    let notes = client.prepare(&step(2), &get(NOTES)).await.unwrap();
    assert!(matches!(client.perform(&notes).await, Ok(Reply::Object(_))));
    assert!(!waiting.is_finished());
    harness.odd.cluster.delete(&NOTES.parse().unwrap()).unwrap();
    assert!(matches!(waiting.await.unwrap(), Ok(Reply::Waited(_))));
}

#[tokio::test]
async fn a_question_that_nobody_wants_answered_any_more_is_cancelled() {
    let harness = SocketHarness::new().await;
    let client = Arc::new(harness.client().await);
    let asking = client.clone();
    let asking = tokio::spawn(async move { asking.perform(&sleep()).await });
    harness.hang(1).await;
    asking.abort();
    harness.hang(0).await;
    // The connection is as good as before.
    assert!(client.resource(&Kind::new("v1", "Pod")).await.is_ok());
}
