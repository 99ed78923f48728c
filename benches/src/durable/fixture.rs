//! Small policies in Rust, and what they run on. Native ones: around a component, what is
//! measured here would be a smaller part of the whole.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use serde_json::{Value, json};
use suture_core::effect::{Op, Patch, PatchType, Predicate, Target, Test};
use suture_core::handler::{Discovery, Resource};
use suture_core::manifest::{RawManifest, RawPermission};
use suture_core::object::Kind;
use suture_core::{
    Clock, Effect, EffectHandler, Ending, Error, Fault, Grant, Halt, Host, Incident, IncidentId, Labels,
    Limits, Manifest, Matchers, Mode, Mutation, Outcome, Prepared, Program, Reply, Resolution, RunId, Step,
};
use suture_engine::{Cluster, Confirm, Policy, PolicyConfig, Retry, RunSpec, Session};
use suture_journal::{Cancel, RunLog};
use suture_simulator::{Fixture, SimulatedCluster};

/// How many effects the busy policy has.
pub const EFFECTS: usize = 30;

/// What a policy does.
#[derive(Clone, Copy)]
pub enum Deed {
    /// Thirty effects, as a repair has them: of ten, one changes something, another settles
    /// it, and the rest look.
    Repair,
    /// Looks, and waits for an hour for what never comes.
    Wait,
    /// Finds at once that there is nothing to repair.
    Rest,
}

/// A policy with default settings and limits that confirms nothing.
pub fn policy(deed: Deed, grants: Vec<Grant>, clock: &dyn Clock) -> anyhow::Result<Policy> {
    let config = PolicyConfig {
        name: "bench".to_owned(),
        mode: Mode::Enforce,
        matchers: Matchers::default(),
        instead_of_manifest: None,
        confirm: Confirm::None,
        trust: None,
        settings: json!({}),
        grants: grants.into(),
        limits: Limits::default(),
        approval: Default::default(),
        retry: Retry::default(),
    };
    Ok(Policy {
        config,
        program: Ok(Native::program(deed)?),
        source: "bench".to_owned(),
        loaded_at: clock.now(),
        trouble: None,
        candidate: None,
    })
}

pub struct Native {
    manifest: Manifest,
    deed: Deed,
}

impl Native {
    pub fn program(deed: Deed) -> anyhow::Result<Arc<dyn Program>> {
        let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
        let manifest = RawManifest {
            name: "bench".into(),
            version: "0.1.0".into(),
            description: "For benchmarks".into(),
            matchers: vec![],
            key: words(&["obj_namespace", "obj_name"]),
            permissions: vec![RawPermission {
                groups: words(&[""]),
                resources: words(&["configmaps"]),
                verbs: words(&["get", "patch"]),
                reason: "benchmarks".into(),
                ..RawPermission::default()
            }],
            settings_schema: r#"{"type": "object"}"#.into(),
        };
        let manifest = manifest.check().map_err(|error| anyhow::anyhow!("{error:?}"))?;
        Ok(Arc::new(Self { manifest, deed }))
    }
}

#[async_trait]
impl Program for Native {
    fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    fn digest(&self) -> &str {
        "sha256:bench"
    }

    async fn remediate(&self, incident: &Incident, _: &Limits, host: Arc<dyn Host>) -> Ending {
        let name = incident.key.get("obj_name").cloned().unwrap_or_default();
        let ended = match self.deed {
            Deed::Repair => repair(&*host, &name).await,
            Deed::Wait => wait(&*host, &name).await,
            Deed::Rest => Ok(Outcome::Unnecessary { summary: "there was nothing to repair".to_owned() }),
        };
        match ended {
            Ok(outcome) => Ending::Concluded(outcome),
            Err(halt) => Ending::Halted(halt),
        }
    }
}

async fn repair(host: &dyn Host, name: &str) -> Result<Outcome, Halt> {
    let mut last = 0;
    for number in 0..EFFECTS {
        let effect = match number % 10 {
            4 => {
                last = u32::try_from(number + 1).unwrap_or_default();
                let state = |state: String| patch(name, json!({"data": {"state": state}}));
                Effect::Mutate { mutation: state(number.to_string()), undo: Some(state("broken".to_owned())) }
            }
            8 => Effect::Settle { step: last, run_undo: false },
            9 => Effect::Step { title: "what comes next".to_owned() },
            _ => Effect::Get { target: target(name) },
        };
        if let Err(error) = host.answer(effect).await? {
            return Ok(Outcome::Escalate { summary: error.to_string() });
        }
    }
    Ok(Outcome::Remediated { summary: "done".to_owned() })
}

async fn wait(host: &dyn Host, name: &str) -> Result<Outcome, Halt> {
    let never = Predicate::All(vec![Test {
        pointer: "/data/state".into(),
        op: Op::Equals,
        value: Value::from("repaired"),
    }]);
    let _ = host.answer(Effect::Get { target: target(name) }).await?;
    let _ = host.answer(Effect::Step { title: "waiting for the repair".to_owned() }).await?;
    let wait = Effect::Wait { target: target(name), until: never, timeout_ms: 3_600_000 };
    let _ = host.answer(wait).await?;
    Ok(Outcome::Remediated { summary: "done".to_owned() })
}

fn target(name: &str) -> Target {
    Target {
        kind: Kind::new("v1", "ConfigMap"),
        namespace: Some("media".into()),
        name: name.into(),
        uid: None,
        subresource: None,
    }
}

fn patch(name: &str, body: Value) -> Mutation {
    Mutation::Patch(Patch {
        target: target(name),
        patch_type: PatchType::Merge,
        body,
        resource_version: None,
    })
}

pub fn grants() -> anyhow::Result<Vec<Grant>> {
    Ok(serde_json::from_value(
        json!([{"groups": [""], "resources": ["configmaps"], "verbs": ["get", "patch"],
        "namespaces": ["media", "home-*"]}]),
    )?)
}

/// A cluster with so many ConfigMaps, `map-0` and on.
pub fn cluster(maps: usize, clock: Arc<dyn Clock>) -> anyhow::Result<SimulatedCluster> {
    let map = |number| {
        json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name(number), "namespace": "media"},
            "data": {"state": "broken", "notes": "a map as people have it, with a few words in it. ".repeat(8)}})
    };
    // A cluster is known by what it began with: the next host must find the same.
    let now = "2026-11-22T04:00:00Z".parse()?;
    let fixture = Fixture { now, objects: (0..maps).map(map).collect(), ..Fixture::default() };
    SimulatedCluster::new(fixture, clock).map_err(|error| anyhow::anyhow!("{error}"))
}

pub fn name(number: usize) -> String {
    format!("map-{number}")
}

/// A run of a program about one of the maps.
pub fn spec(program: Arc<dyn Program>, number: usize) -> anyhow::Result<RunSpec> {
    let key = Labels::from([
        ("obj_namespace".to_owned(), "media".to_owned()),
        ("obj_name".to_owned(), name(number)),
    ]);
    let alert = serde_json::from_value(
        json!({"status": "firing", "startsAt": "2026-11-22T04:00:00Z", "labels": key}),
    )?;
    let id = IncidentId::new(format!("incident-{number}"));
    Ok(RunSpec {
        run: RunId::new(format!("run-{number}")),
        policy: "bench".into(),
        program,
        incident: Incident { id, key, alert, attempt: 1, settings: json!({}) },
        mode: Mode::Enforce,
        limits: Limits::default(),
        grants: grants()?.into(),
        confirm: Confirm::None,
        approved: None,
        past: None,
    })
}

pub fn session(cluster: Arc<dyn Cluster>, clock: Arc<dyn Clock>, log: Arc<dyn RunLog>) -> Session {
    Session {
        cluster,
        clock,
        log,
        locks: Arc::default(),
        cancel: Cancel::default(),
        observer: None,
        metrics: None,
        places: None,
        silences: None,
    }
}

/// A cluster that takes its time, and counts those who wait on it.
pub struct Slow {
    pub inner: SimulatedCluster,
    pub clock: Arc<dyn Clock>,
    pub latency: Duration,
    pub waiting: AtomicUsize,
}

#[async_trait]
impl EffectHandler for Slow {
    async fn prepare(&self, step: &Step, effect: &Effect) -> Result<Prepared, Fault> {
        self.inner.prepare(step, effect).await
    }

    async fn perform(&self, prepared: &Prepared) -> Result<Reply, Fault> {
        if matches!(prepared.effect, Effect::Wait { .. }) {
            self.waiting.fetch_add(1, Ordering::AcqRel);
        }
        if !self.latency.is_zero() {
            self.clock.sleep(self.latency).await;
        }
        self.inner.perform(prepared).await
    }

    async fn resolve(&self, prepared: &Prepared) -> Result<Resolution, Fault> {
        self.inner.resolve(prepared).await
    }
}

#[async_trait]
impl Discovery for Slow {
    async fn resource(&self, kind: &Kind) -> Result<Resource, Error> {
        self.inner.resource(kind).await
    }
}
