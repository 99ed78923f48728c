//! The layer that says no: what a policy may do is what its manifest requests *and*
//! the operator grants, less what is never allowed.

mod access;
mod pods;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use serde_json::Value;
use suture_core::effect::{PatchType, Waited};
use suture_core::handler::Discovery;
use suture_core::object::redact;
use suture_core::{
    Clock, Effect, EffectHandler, Error, Fault, Grant, Incident, Mutation, Permission, Prepared, Reason,
    Reply, Resolution, Step, Verb, promql,
};

use crate::confirm::{self, Confirm};
use crate::metrics::{Metrics, Stage};

/// Checks every effect before it can reach the cluster, and hides the values of Secrets
/// in what comes back.
pub struct Guard {
    /// The layer below.
    pub inner: Arc<dyn EffectHandler>,
    /// What time it is.
    pub clock: Arc<dyn Clock>,
    /// Tells the resource of a kind.
    pub discovery: Arc<dyn Discovery>,
    /// The policy.
    pub policy: String,
    /// What the manifest requests under the policy's settings.
    pub requested: Vec<Permission>,
    /// What the operator grants.
    pub grants: Vec<Grant>,
    /// Whether the alert must fire in Prometheus before the first mutation.
    pub confirm: Confirm,
    /// What it works on: by the labels of its alert that is confirmed.
    pub incident: Arc<Incident>,
    /// Whether it was seen to fire.
    pub confirmed: AtomicBool,
    /// Where it is counted whether it was; nowhere in tests of policies.
    pub metrics: Option<Metrics>,
}

/// How the error ends by which an access is denied that no grant allows.
pub const NO_GRANT: &str = "no grant in the configuration allows it";

/// How long a Prometheus that can't be asked is waited for, and the pauses between.
const PATIENCE: Duration = Duration::from_secs(1800);
const FIRST_PAUSE: Duration = Duration::from_secs(2);
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

fn denied(message: String) -> Fault {
    Error::new(Reason::DENIED, message).into()
}

impl Guard {
    async fn confirm(&self, step: &Step) -> Result<(), Fault> {
        if self.confirmed.load(Ordering::Acquire) {
            return Ok(());
        }
        if !self.ask_prometheus(step).await? {
            return Err(denied(confirm::NOT_FIRING.to_owned()));
        }
        self.confirmed.store(true, Ordering::Release);
        Ok(())
    }

    /// Whether the alert fires. A Prometheus that is away for a while is waited for: an
    /// alert that was accepted must not be lost to it.
    async fn ask_prometheus(&self, step: &Step) -> Result<bool, Fault> {
        let give_up = self.clock.after(PATIENCE);
        let mut pause = FIRST_PAUSE;
        loop {
            let answer = self.confirm.is_firing(&self.incident.alert.labels, &self.inner, step).await;
            if self.confirm.is_required()
                && let Some(metrics) = &self.metrics
            {
                metrics.alert_checked(&self.policy, Stage::Before, answer.as_ref().ok().copied());
            }
            match answer {
                Err(Fault::Error(error))
                    if error.reason == Reason::UNAVAILABLE && self.clock.now() < give_up =>
                {
                    tracing::warn!(%error, "Prometheus can't confirm the alert; it is asked again");
                    self.clock.sleep(pause).await;
                    pause = (pause * 2).min(LONGEST_PAUSE);
                }
                answer => return answer,
            }
        }
    }

    async fn check_mutation(&self, mutation: &Mutation) -> Result<(), Fault> {
        let object = mutation.reference();
        let verb = match mutation {
            Mutation::Create(_) => Verb::Create,
            Mutation::Patch(_) | Mutation::Apply(_) => Verb::Patch,
            Mutation::Delete(_) => Verb::Delete,
        };
        self.check(
            verb,
            &object.kind,
            object.namespace.as_deref(),
            Some(&object.name),
            mutation.subresource(),
        )
        .await
    }

    async fn prepare_mutation(&self, step: &Step, effect: &Effect) -> Result<Prepared, Fault> {
        let Effect::Mutate { mutation, undo } = effect else { return self.inner.prepare(step, effect).await };
        if mutation.verb() == "apply" && undo.as_ref().is_some_and(|undo| undo.reference().name.is_empty()) {
            return Err(Error::new(Reason::BAD_REQUEST, "the undo of an apply must name its object").into());
        }
        // A create with generateName has its name only once it is prepared.
        let named = !mutation.reference().name.is_empty();
        if named {
            self.check_mutation(mutation).await?;
        }
        self.confirm(step).await?;
        let prepared = self.inner.prepare(step, effect).await?;
        let Effect::Mutate { mutation: definite, .. } = &prepared.effect else { return Ok(prepared) };
        if !named {
            self.check_mutation(definite).await?;
        }
        if let Some(undo) = undo {
            let mut undo = undo.clone();
            if let Some(target) = undo.target_mut().filter(|target| target.name.is_empty()) {
                target.name = definite.reference().name;
            }
            self.check_mutation(&undo).await?;
        }
        // One that does not apply writes nothing: performing says so, once it is on record.
        if let Ok(Some(object)) = written(definite, prepared.before.as_deref()) {
            let reference = definite.reference();
            pods::check(&object, &self.granting(&reference, definite).await?).map_err(denied)?;
        }
        Ok(prepared)
    }
}

/// The object as a mutation will leave it, where it can hold a pod.
///
/// # Errors
/// Where a patch does not apply to the object that it is pinned to.
fn written(mutation: &Mutation, before: Option<&Value>) -> Result<Option<Value>, Error> {
    Ok(match mutation {
        Mutation::Create(create) => Some(create.object.clone()),
        Mutation::Apply(apply) => Some(apply.object.clone()),
        Mutation::Patch(patch) => match (before, patch.patch_type) {
            (Some(before), PatchType::Merge | PatchType::Json) => {
                let after = suture_core::patch::apply(before, patch)?;
                // What was there before is not this policy's doing.
                (pods::template(before) != pods::template(&after)).then_some(after)
            }
            (None, _) => None,
        },
        Mutation::Delete(_) => None,
    })
}

fn redact_reply(reply: Reply) -> Reply {
    match reply {
        Reply::Object(object) => Reply::Object(redact(object)),
        Reply::Mutated(object) => Reply::Mutated(redact(object)),
        Reply::Waited(Waited::Met(object)) => Reply::Waited(Waited::Met(redact(object))),
        Reply::Page(mut page) => {
            page.items = page.items.into_iter().map(redact).collect();
            Reply::Page(page)
        }
        other => other,
    }
}

#[async_trait]
impl EffectHandler for Guard {
    async fn prepare(&self, step: &Step, effect: &Effect) -> Result<Prepared, Fault> {
        match effect {
            Effect::Get { target } | Effect::Wait { target, .. } => {
                let (namespace, name) = (target.namespace.as_deref(), Some(target.name.as_str()));
                self.check(Verb::Get, &target.kind, namespace, name, target.subresource.as_deref()).await?;
            }
            Effect::List(query) => {
                self.check(Verb::List, &query.kind, query.namespace.as_deref(), None, None).await?;
            }
            Effect::Logs { pod, .. } => {
                let (namespace, name) = (pod.namespace.as_deref(), Some(pod.name.as_str()));
                self.check(Verb::Get, &pod.kind, namespace, name, Some("log")).await?;
            }
            Effect::Mutate { .. } => return self.prepare_mutation(step, effect).await,
            Effect::Query { expression } | Effect::QueryRange { expression, .. } => {
                promql::check(expression, &self.requested, &self.grants).map_err(denied)?;
            }
            _ => {}
        }
        self.inner.prepare(step, effect).await
    }

    async fn perform(&self, prepared: &Prepared) -> Result<Reply, Fault> {
        if let Effect::Mutate { mutation, .. } = &prepared.effect {
            // An API server that reads the patch otherwise could write what was not checked.
            written(mutation, prepared.before.as_deref())?;
        }
        Ok(match self.inner.perform(prepared).await? {
            Reply::Alerts(alerts) => {
                Reply::Alerts(promql::visible_alerts(alerts, &self.incident, &self.requested, &self.grants))
            }
            reply => redact_reply(reply),
        })
    }

    async fn resolve(&self, prepared: &Prepared) -> Result<Resolution, Fault> {
        Ok(match self.inner.resolve(prepared).await? {
            Resolution::Done(reply) => Resolution::Done(redact_reply(reply)),
            other => other,
        })
    }
}
