//! Small policies, written as Rust closures, and a harness to run them in.

use std::time::Duration;

use async_trait::async_trait;
use futures::future::BoxFuture;
use serde_json::{Value, json};
use suture_core::clock::{Driven, later};
use suture_core::manifest::{RawManifest, RawPermission};
use suture_core::{Effect, Error, IncidentId, Manifest, Outcome, Reply, Timestamp, VirtualClock};
use suture_journal::MemoryLog;
use suture_simulator::{Fixture, SimulatedCluster};

use super::*;

/// A manifest that requests ConfigMaps, Secrets, Jobs and some metrics, with key `obj_namespace`.
pub(crate) fn manifest() -> Manifest {
    let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
    RawManifest {
        name: "test".into(),
        version: "0.1.0".into(),
        description: "For tests".into(),
        matchers: vec![],
        key: words(&["obj_namespace"]),
        permissions: vec![
            RawPermission {
                groups: words(&["", "batch"]),
                resources: words(&["configmaps", "secrets", "jobs"]),
                verbs: words(&["get", "list", "create", "patch", "delete"]),
                reason: "tests".into(),
                ..RawPermission::default()
            },
            RawPermission {
                metrics: words(&["up", "asked_*", "ALERTS"]),
                reason: "tests".into(),
                ..RawPermission::default()
            },
        ],
        settings_schema: r#"{"type": "object"}"#.into(),
    }
    .check()
    .unwrap()
}

/// What a test's policy may do.
#[derive(Clone)]
pub(crate) struct Calls(Arc<dyn Host>);

impl Calls {
    /// One effect; the run ends where the host says so.
    pub async fn call(&self, effect: Effect) -> Result<Result<Reply, Error>, Halt> {
        self.0.answer(effect).await
    }
}

type Script =
    Box<dyn Fn(Calls, Incident) -> BoxFuture<'static, Result<Result<Outcome, String>, Halt>> + Send + Sync>;

/// A policy that is a closure.
pub(crate) struct Scripted {
    manifest: Manifest,
    digest: &'static str,
    script: Script,
}

/// A policy from an async closure.
pub(crate) fn policy<F>(script: impl Fn(Calls, Incident) -> F + Send + Sync + 'static) -> Arc<dyn Program>
where
    F: Future<Output = Result<Result<Outcome, String>, Halt>> + Send + 'static,
{
    policy_of("sha256:test", script)
}

/// The same, with a digest of its own.
pub(crate) fn policy_of<F>(
    digest: &'static str,
    script: impl Fn(Calls, Incident) -> F + Send + Sync + 'static,
) -> Arc<dyn Program>
where
    F: Future<Output = Result<Result<Outcome, String>, Halt>> + Send + 'static,
{
    Arc::new(Scripted {
        manifest: manifest(),
        digest,
        script: Box::new(move |calls, incident| Box::pin(script(calls, incident))),
    })
}

/// The same, with a manifest of its own.
pub(crate) fn policy_with<F>(
    manifest: Manifest,
    script: impl Fn(Calls, Incident) -> F + Send + Sync + 'static,
) -> Arc<dyn Program>
where
    F: Future<Output = Result<Result<Outcome, String>, Halt>> + Send + 'static,
{
    let script: Script = Box::new(move |calls, incident| Box::pin(script(calls, incident)));
    Arc::new(Scripted { manifest, digest: "sha256:own", script })
}

#[async_trait]
impl Program for Scripted {
    fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    fn digest(&self) -> &str {
        self.digest
    }

    async fn remediate(&self, incident: &Incident, _: &Limits, host: Arc<dyn Host>) -> Ending {
        match (self.script)(Calls(host), incident.clone()).await {
            Ok(Ok(outcome)) => Ending::Concluded(outcome),
            Ok(Err(message)) => Ending::Failed(message),
            Err(halt) => Ending::Halted(halt),
        }
    }
}

/// The same policy with a manifest that requests no permissions.
pub(crate) fn requesting_nothing(program: Arc<dyn Program>) -> Arc<dyn Program> {
    let manifest = Manifest { permissions: vec![], ..program.manifest().clone() };
    Arc::new(Scripted {
        manifest,
        digest: "sha256:modest",
        script: Box::new(|_, _| Box::pin(async { done() })),
    })
}

/// A policy of the usual digest that traps.
pub(crate) fn trapping() -> Arc<dyn Program> {
    Arc::new(Trapping(manifest()))
}

struct Trapping(Manifest);

#[async_trait]
impl Program for Trapping {
    fn manifest(&self) -> &Manifest {
        &self.0
    }

    fn digest(&self) -> &str {
        "sha256:test"
    }

    async fn remediate(&self, _: &Incident, _: &Limits, _: Arc<dyn Host>) -> Ending {
        Ending::Trapped("unreachable".to_owned())
    }
}

pub(crate) fn done() -> Result<Result<Outcome, String>, Halt> {
    Ok(Ok(Outcome::Remediated { summary: "done".into() }))
}

/// A harness to run in: a ConfigMap `plex`, a Secret `restic`, and an alert that fires.
pub(crate) struct RunHarness {
    pub fixture: Fixture,
    pub cluster: SimulatedCluster,
    pub clock: VirtualClock,
    pub log: Arc<MemoryLog>,
    pub spec: RunSpec,
    pub session: Session,
}

pub(crate) fn incident(namespace: &str) -> Incident {
    let alert = serde_json::from_value(json!({"status": "firing", "startsAt": "2026-11-22T04:00:00Z",
        "labels": {"alertname": "A", "obj_namespace": namespace}}))
    .unwrap();
    Incident {
        id: IncidentId::new("incident-1"),
        key: [("obj_namespace".to_owned(), namespace.to_owned())].into(),
        alert,
        attempt: 1,
        settings: json!({}),
    }
}

pub(crate) fn harness(program: Arc<dyn Program>) -> RunHarness {
    let now: Timestamp = "2026-11-22T04:10:00Z".parse().unwrap();
    let clock = VirtualClock::new(now, later(now, Duration::from_secs(7 * 86_400)));
    let fixture: Fixture = Fixture {
        now,
        objects: vec![
            json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "plex", "namespace": "media"},
                "data": {"state": "broken"}}),
            json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "restic", "namespace": "media"},
                "data": {"password": "aHVudGVyMg=="}}),
        ],
        ..Fixture::default()
    };
    let time: Arc<dyn Clock> = Arc::new(clock.clone());
    let cluster = SimulatedCluster::new(fixture.clone(), time.clone()).unwrap();
    let incident = incident("media");
    cluster.set_alert(&incident.alert);
    let log = Arc::new(MemoryLog::default());
    let grants = serde_json::from_value(
        json!([{"groups": ["", "batch"], "resources": ["configmaps", "secrets", "jobs"],
        "verbs": ["get", "list", "create", "patch", "delete"], "namespaces": ["media"]}]),
    )
    .unwrap();
    let spec = RunSpec {
        run: RunId::new("run-1"),
        policy: "test".into(),
        program,
        incident,
        mode: Mode::Enforce,
        limits: Limits::default(),
        grants,
        confirm: Confirm::prometheus(),
        approved: None,
        past: None,
    };
    let session = Session {
        cluster: Arc::new(cluster.clone()),
        clock: time,
        log: log.clone(),
        locks: Arc::default(),
        cancel: Cancel::default(),
        observer: None,
        metrics: None,
        places: None,
        silences: None,
    };
    RunHarness { fixture, cluster, clock, log, spec, session }
}

impl RunHarness {
    /// The same, on a cluster made from its fixture anew.
    pub fn rebuilt(mut self) -> Self {
        self.cluster = SimulatedCluster::new(self.fixture.clone(), self.session.clock.clone()).unwrap();
        self.cluster.set_alert(&self.spec.incident.alert);
        self.session.cluster = Arc::new(self.cluster.clone());
        self
    }

    pub fn run(self) -> (Finished, SimulatedCluster, Arc<MemoryLog>) {
        let Self { cluster, clock, log, spec, session, .. } = self;
        let Driven::Done(finished) = pollster::block_on(clock.drive(execute(spec, session))) else {
            panic!("the run did not end")
        };
        (finished.unwrap(), cluster, log)
    }

    pub fn state(cluster: &SimulatedCluster) -> Value {
        let plex = cluster.object(&"v1 ConfigMap media/plex".parse().unwrap()).unwrap();
        plex["data"]["state"].clone()
    }
}
