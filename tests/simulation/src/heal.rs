//! A policy that mends objects, as far as their cause lets it.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use serde_json::{Value, json};
use suture_core::effect::{Mutation, Op, Patch, PatchType, Predicate, Target, Test, Waited};
use suture_core::manifest::{RawManifest, RawPermission};
use suture_core::object::Kind;
use suture_core::{
    Effect, Ending, Error, Halt, Host, HumanDuration, Incident, Limits, Manifest, Outcome, Program, Reply,
};

/// The name of the alert, and of the rule.
pub const ALERTNAME: &str = "ObjectBroken";

/// The policy, in one of its versions.
pub struct Heal {
    manifest: Manifest,
    digest: String,
}

impl Heal {
    /// A version of it.
    pub fn version(version: u32) -> Arc<dyn Program> {
        let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
        let manifest = RawManifest {
            name: "heal".into(),
            version: format!("0.{version}.0"),
            description: "Mends objects".into(),
            matchers: vec![format!("alertname=\"{ALERTNAME}\"")],
            key: words(&["namespace", "name"]),
            permissions: vec![RawPermission {
                groups: words(&[""]),
                resources: words(&["configmaps"]),
                verbs: words(&["get", "patch"]),
                reason: "to mend it".into(),
                ..RawPermission::default()
            }],
            settings_schema: json!({"type": "object", "additionalProperties": false, "properties": {
                "holdSeconds": {"type": "integer", "minimum": 1, "default": 300}
            }})
            .to_string(),
        };
        #[expect(clippy::unwrap_used, reason = "a constant")]
        let manifest = manifest.check().unwrap();
        Arc::new(Self { manifest, digest: format!("sha256:heal-{version}") })
    }
}

#[async_trait]
impl Program for Heal {
    fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    fn digest(&self) -> &str {
        &self.digest
    }

    async fn remediate(&self, incident: &Incident, _: &Limits, host: Arc<dyn Host>) -> Ending {
        let label = |name: &str| incident.key.get(name).cloned().unwrap_or_default();
        let hold = Duration::from_secs(incident.settings["holdSeconds"].as_u64().unwrap_or_default());
        let calls = Calls { host, namespace: label("namespace"), name: label("name"), hold };
        match calls.mend().await {
            Ok(Ok(outcome)) => Ending::Concluded(outcome),
            Ok(Err(error)) => Ending::Failed(error.to_string()),
            Err(halt) => Ending::Halted(halt),
        }
    }
}

/// Either an error that the policy sees, or the end of the run.
type Called<T> = Result<Result<T, Error>, Halt>;

struct Calls {
    host: Arc<dyn Host>,
    namespace: String,
    name: String,
    /// How long it holds a lock.
    hold: Duration,
}

macro_rules! seen {
    ($called:expr) => {
        match $called.await? {
            Ok(value) => value,
            Err(error) => return Ok(Err(error)),
        }
    };
}

impl Calls {
    async fn mend(&self) -> Called<Outcome> {
        let remediated = || Ok(Ok(Outcome::Remediated { summary: "mended".into() }));
        let object = seen!(self.get());
        if object["data"]["state"] == "healthy" {
            return Ok(Ok(Outcome::Unnecessary { summary: "it is healthy".into() }));
        }
        match object["data"]["cause"].as_str().unwrap_or_default() {
            "fixable" => {
                seen!(self.patch(json!({"data": {"state": "healthy"}}), None));
                remediated()
            }
            "slow" => {
                seen!(self.patch(json!({"data": {"asked": "yes"}}), None));
                match seen!(self.wait()) {
                    Waited::Met(_) => remediated(),
                    Waited::Deleted | Waited::Timeout => Ok(Ok(Outcome::Retry {
                        after: HumanDuration::from_secs(60),
                        summary: "the controller has not mended it yet".into(),
                    })),
                }
            }
            "locked" => {
                let free = json!({"data": {"lock": null}});
                seen!(self.patch(json!({"data": {"lock": "held"}}), Some(free)));
                let duration_ms = u64::try_from(self.hold.as_millis()).unwrap_or(u64::MAX);
                seen!(self.answer(Effect::Sleep { duration_ms }));
                seen!(self.patch(json!({"data": {"state": "healthy"}}), None));
                remediated()
            }
            "stubborn" => {
                seen!(self.patch(json!({"data": {"tried": "yes"}}), None));
                remediated()
            }
            "hopeless" => Ok(Ok(Outcome::Escalate { summary: "it can't be mended".into() })),
            _ => Ok(Err(Error::new(suture_core::Reason::UNSUPPORTED, "the policy can't"))),
        }
    }

    async fn answer(&self, effect: Effect) -> Called<Reply> {
        self.host.answer(effect).await
    }

    async fn get(&self) -> Called<Value> {
        match seen!(self.answer(Effect::Get { target: self.target() })) {
            Reply::Object(object) => Ok(Ok(Value::clone(&object))),
            other => unexpected(&other),
        }
    }

    async fn patch(&self, body: Value, undo: Option<Value>) -> Called<()> {
        let patch = |body| {
            let (target, patch_type) = (self.target(), PatchType::Merge);
            Mutation::Patch(Patch { target, patch_type, body, resource_version: None })
        };
        match seen!(self.answer(Effect::Mutate { mutation: patch(body), undo: undo.map(patch) })) {
            Reply::Mutated(_) => Ok(Ok(())),
            other => unexpected(&other),
        }
    }

    async fn wait(&self) -> Called<Waited> {
        let healthy = Test { pointer: "/data/state".into(), op: Op::Equals, value: json!("healthy") };
        let until = Predicate::All(vec![healthy]);
        match seen!(self.answer(Effect::Wait { target: self.target(), until, timeout_ms: 900_000 })) {
            Reply::Waited(waited) => Ok(Ok(waited)),
            other => unexpected(&other),
        }
    }

    fn target(&self) -> Target {
        Target {
            kind: Kind::new("v1", "ConfigMap"),
            namespace: Some(self.namespace.clone()),
            name: self.name.clone(),
            uid: None,
            subresource: None,
        }
    }
}

fn unexpected<T>(reply: &Reply) -> Called<T> {
    Ok(Err(Error::new(suture_core::Reason::UNSUPPORTED, format!("an answer to something else: {reply:?}"))))
}
