//! The layer that says no: what a policy may do is what its manifest requests *and*
//! the operator grants, less what is never allowed.
//!
//! What is checked is what is written: a mutation comes here in its one form
//! ([`Mutation::normalized`]), is pinned to the version of the object that it was judged on,
//! and is denied where what it would leave can't be told.
#![deny(clippy::wildcard_enum_match_arm)]

mod access;
mod adoption;
mod change;
mod chosen;
mod copies;
mod deleting;
mod kinds;
mod pods;
mod secrets;
mod templates;
mod written;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use suture_core::{
    Backoff, Clock, Effect, EffectHandler, Error, Fault, Grant, Halt, Incident, Mutation, Permission,
    Prepared, Reason, Reply, Resolution, Retries, Step, Tried, promql,
};

use crate::cluster::Cluster;
use crate::confirm::{self, Confirm, Standing};
use crate::metrics::{Metrics, Stage};
use crate::silences::{self, SilenceQuery, Silences};

/// Checks every effect before it can reach the cluster, and hides the values of Secrets
/// in what comes back.
pub struct Guard {
    /// The layer below.
    pub inner: Arc<dyn EffectHandler>,
    /// What time it is.
    pub clock: Arc<dyn Clock>,
    /// Tells the resource of a kind, the labels of a namespace, and what would become of an
    /// object.
    pub cluster: Arc<dyn Cluster>,
    /// The policy.
    pub policy: String,
    /// What the manifest requests under the policy's settings.
    pub requested: Vec<Permission>,
    /// What the operator grants.
    pub grants: Arc<[Grant]>,
    /// Whether the alert must fire in Prometheus before the first mutation.
    pub confirm: Confirm,
    /// Who knows whether it is silenced; none where nobody does, or it need not be asked.
    pub silences: Option<Arc<dyn Silences>>,
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
const BACKOFF: Backoff = Backoff::new(Duration::from_secs(2), Duration::from_secs(60));

fn denied(message: String) -> Fault {
    Error::new(Reason::DENIED, message).into()
}

impl Guard {
    async fn confirm(&self, step: &Step) -> Result<(), Fault> {
        if self.confirmed.load(Ordering::Acquire) {
            return Ok(());
        }
        let standing = self.ask_prometheus(step).await?;
        if !standing.is_confirmed() {
            return Err(denied(format!(
                "{}, so nothing may be changed for it: {standing}",
                confirm::NOT_FIRING
            )));
        }
        self.heed_silences().await?;
        self.confirmed.store(true, Ordering::Release);
        Ok(())
    }

    /// Tries of what must be known before anything is changed.
    fn retries(&self) -> Retries {
        Retries::new(Tried::Read, self.clock.clone(), BACKOFF, PATIENCE)
    }

    /// End the run where its alert is silenced by now. An Alertmanager that is away is waited for.
    async fn heed_silences(&self) -> Result<(), Fault> {
        let Some(silences) = &self.silences else { return Ok(()) };
        let query = SilenceQuery::of(&self.incident, &self.policy);
        let mut retries = self.retries();
        loop {
            let error = match silences::silenced(&**silences, query.clone()).await {
                Ok(None) => return Ok(()),
                Ok(Some(why)) => return Err(Halt::Silenced(why).into()),
                Err(error) => error,
            };
            tracing::warn!(error, "Alertmanager can't say whether the alert is silenced; it is asked again");
            if !retries.again_anyway().await {
                let message = format!(
                    "it is not known whether the alert is silenced, so nothing is changed for it: {error}"
                );
                return Err(Error::new(Reason::UNAVAILABLE, message).into());
            }
        }
    }

    /// How the alert stands. A Prometheus that is away for a while is waited for, and so is an
    /// alert that is pending: one that was accepted must not be lost to a restart of Prometheus.
    /// That it is not listed is believed the second time.
    async fn ask_prometheus(&self, step: &Step) -> Result<Standing, Fault> {
        let mut retries = self.retries();
        let mut was_absent = false;
        loop {
            let answer = self.confirm.standing(&self.incident.alert.labels, &self.inner, step).await;
            if self.confirm.is_required()
                && let Some(metrics) = &self.metrics
            {
                let fires = answer.as_ref().ok().map(Standing::is_confirmed);
                metrics.alert_checked(&self.policy, Stage::Before, fires);
            }
            match &answer {
                Ok(Standing::Absent(_)) if !was_absent => {
                    was_absent = true;
                    self.clock.sleep(confirm::AGAIN).await;
                }
                Ok(Standing::Pending) => {
                    if !retries.again_anyway().await {
                        return answer;
                    }
                }
                Err(Fault::Error(error)) => {
                    if error.is_transient() {
                        tracing::warn!(%error, "Prometheus can't confirm the alert; it is asked again");
                    }
                    if !retries.again(error).await {
                        return answer;
                    }
                }
                Ok(_) | Err(Fault::Halt(_)) => return answer,
            }
        }
    }

    async fn check_mutation(&self, mutation: &Mutation) -> Result<(), Fault> {
        if mutation.kind().is_secret() {
            secrets::check_change(mutation).map_err(denied)?;
        }
        for request in mutation.requests(false) {
            self.check(&request).await?;
        }
        Ok(())
    }

    async fn prepare_mutation(&self, step: &Step, effect: &Effect) -> Result<Prepared, Fault> {
        // Undos of older records have not their one form yet.
        let effect = &effect.normalized()?;
        let Effect::Mutate { mutation, undo } = effect else { return self.inner.prepare(step, effect).await };
        if matches!(mutation, Mutation::Apply(_))
            && undo.as_ref().is_some_and(|undo| undo.reference().name.is_empty())
        {
            return Err(Error::new(Reason::BAD_REQUEST, "the undo of an apply must name its object").into());
        }
        // A create with generateName has its name only once it is prepared.
        let named = !mutation.reference().name.is_empty();
        if named {
            self.check_mutation(mutation).await?;
        }
        self.confirm(step).await?;
        let mut prepared =
            self.inner.prepare(step, effect).await.map_err(|fault| secrets::covered(effect, fault))?;
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
        self.judge(&mut prepared).await?;
        Ok(prepared)
    }
}

#[async_trait]
impl EffectHandler for Guard {
    async fn prepare(&self, step: &Step, effect: &Effect) -> Result<Prepared, Fault> {
        match effect {
            Effect::Mutate { .. } => return self.prepare_mutation(step, effect).await,
            Effect::Wait { target, until, .. } if target.kind.is_secret() => {
                secrets::check_wait(until).map_err(denied)?;
            }
            Effect::Query { expression } | Effect::QueryRange { expression, .. } => {
                promql::check(expression, &self.requested, &self.grants).map_err(denied)?;
            }
            // Which of them the policy sees, is decided by what comes back.
            Effect::Alerts => {}
            // Whether it may be read is asked below.
            Effect::Get { .. } | Effect::Wait { .. } | Effect::List(_) | Effect::Logs { .. } => {}
            // They reach nothing but the run itself; a settlement is a mutation by the time
            // that it comes here.
            Effect::Settle { .. }
            | Effect::Exclusive { .. }
            | Effect::Now
            | Effect::Sleep { .. }
            | Effect::Log { .. }
            | Effect::Step { .. } => {}
        }
        for request in effect.requests(false) {
            self.check(&request).await?;
        }
        self.inner.prepare(step, effect).await
    }

    async fn perform(&self, prepared: &Prepared) -> Result<Reply, Fault> {
        if let Effect::Mutate { mutation: Mutation::Patch(patch), .. } = &prepared.effect {
            // An API server that reads the patch otherwise could write what was not checked.
            let before = prepared.before.as_deref().ok_or_else(|| {
                denied(format!("the patch of {} was not checked against it", patch.target.reference()))
            })?;
            written::after_patch(before, patch)?;
        }
        let effect = &prepared.effect;
        match self.inner.perform(prepared).await {
            Ok(Reply::Alerts(alerts)) => Ok(Reply::Alerts(promql::visible_alerts(
                alerts,
                &self.incident,
                &self.requested,
                &self.grants,
            ))),
            Ok(reply) => Ok(secrets::redacted(effect, reply)),
            Err(fault) => Err(secrets::covered(effect, fault)),
        }
    }

    async fn resolve(&self, prepared: &Prepared) -> Result<Resolution, Fault> {
        Ok(match self.inner.resolve(prepared).await? {
            Resolution::Done(reply) => Resolution::Done(secrets::redacted(&prepared.effect, reply)),
            Resolution::NotDone => Resolution::NotDone,
            Resolution::Unknown(why) => Resolution::Unknown(why),
        })
    }
}
