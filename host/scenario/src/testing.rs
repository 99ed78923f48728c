//! Policies written in Rust, for tests.

use std::sync::Arc;

use async_trait::async_trait;
use futures::future::BoxFuture;
use serde_json::{Value, json};
use suture_core::effect::{Patch, PatchType, Predicate, Target, Test, Waited};
use suture_core::manifest::{RawManifest, RawPermission};
use suture_core::object::Kind;
use suture_core::{
    Effect, Ending, Error, Halt, Host, Incident, Limits, Manifest, Mutation, Outcome, Program, Reply,
};

/// What a test's policy does: it gets the incident, and a way to call the host.
pub(crate) type Script = fn(Calls, Incident) -> BoxFuture<'static, Result<Outcome, Stop>>;

/// A policy written in Rust.
struct Native {
    manifest: Manifest,
    script: Script,
}

#[derive(Clone)]
pub(crate) struct Calls(Arc<dyn Host>);

pub(crate) enum Stop {
    Error(Error),
    Halt(Halt),
}

impl Calls {
    pub async fn call(&self, effect: Effect) -> Result<Reply, Stop> {
        self.0.answer(effect).await.map_err(Stop::Halt)?.map_err(Stop::Error)
    }
}

#[async_trait]
impl Program for Native {
    fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    fn digest(&self) -> &str {
        "sha256:native"
    }

    async fn remediate(&self, incident: &Incident, _: &Limits, host: Arc<dyn Host>) -> Ending {
        match (self.script)(Calls(host), incident.clone()).await {
            Ok(outcome) => Ending::Concluded(outcome),
            Err(Stop::Error(error)) => Ending::Failed(error.to_string()),
            Err(Stop::Halt(halt)) => Ending::Halted(halt),
        }
    }
}

pub(crate) fn native(script: Script) -> Arc<dyn Program> {
    let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
    let manifest = RawManifest {
        name: "native".into(),
        version: "0.1.0".into(),
        description: "For tests".into(),
        matchers: words(&[r#"alertname="Broken""#]),
        key: words(&["namespace", "name"]),
        permissions: vec![RawPermission {
            groups: words(&[""]),
            resources: words(&["configmaps"]),
            verbs: words(&["get", "patch", "delete", "create"]),
            reason: "tests".into(),
            ..RawPermission::default()
        }],
        settings_schema: r#"{"type": "object", "additionalProperties": false,
            "properties": {"value": {"type": "string", "default": "mended"}}}"#
            .into(),
    };
    Arc::new(Native { manifest: manifest.check().unwrap(), script })
}

pub(crate) fn config(incident: &Incident) -> Target {
    Target {
        kind: Kind::new("v1", "ConfigMap"),
        namespace: Some(incident.key["namespace"].clone()),
        name: incident.key["name"].clone(),
        uid: None,
        subresource: None,
    }
}

pub(crate) fn remediated() -> Result<Outcome, Stop> {
    Ok(Outcome::Remediated { summary: "it is mended".into() })
}

pub(crate) fn patch(target: Target, body: Value) -> Mutation {
    Mutation::Patch(Patch { target, patch_type: PatchType::Merge, body, resource_version: None })
}

/// Writes `data.state`, with an undo that takes `data.busy` back, and waits until a
/// controller says that all is well.
pub(crate) fn mend(calls: Calls, incident: Incident) -> BoxFuture<'static, Result<Outcome, Stop>> {
    Box::pin(async move {
        let target = config(&incident);
        calls.call(Effect::Step { title: "mending".into() }).await?;
        calls.call(Effect::Get { target: target.clone() }).await?;
        let state = &incident.settings["value"];
        let mutation = patch(target.clone(), json!({"data": {"state": state, "busy": "yes"}}));
        let undo = Some(patch(target.clone(), json!({"data": {"busy": null}})));
        calls.call(Effect::Mutate { mutation, undo }).await?;
        let test =
            Test { pointer: "/data/seen".into(), op: suture_core::effect::Op::Exists, value: Value::Null };
        let wait = Effect::Wait { target, until: Predicate::All(vec![test]), timeout_ms: 600_000 };
        match calls.call(wait).await? {
            Reply::Waited(Waited::Met(_)) => remediated(),
            _ => Ok(Outcome::Escalate { summary: "nobody saw it".into() }),
        }
    })
}
