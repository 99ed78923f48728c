//! A live cluster at the end of the layers: the three steps of an effect.

use std::time::Duration;

use async_trait::async_trait;
use suture_core::effect::Predicate;
use suture_core::handler::{Discovery, Resolution, Resource, not_for_a_cluster};
use suture_core::object::{self, Kind};
use suture_core::{Effect, EffectHandler, Error, Fault, Prepared, Reason, Reply, Step};

use super::LiveCluster;

#[async_trait]
impl EffectHandler for LiveCluster {
    async fn prepare(&self, step: &Step, effect: &Effect) -> Result<Prepared, Fault> {
        let mut prepared = Prepared::new(step.clone(), effect.clone());
        match &mut prepared.effect {
            Effect::Mutate { mutation, .. } => prepared.before = self.pin(mutation, step).await?,
            Effect::Wait { target, until, timeout_ms } => {
                prepared.deadline = Some(self.wire.clock.after(Duration::from_millis(*timeout_ms)));
                Self::named(target)?;
                // Which object is to go is decided now, not when the wait is taken up again.
                if *until == Predicate::Deleted && target.uid.is_none() {
                    target.uid = match self.get(target).await {
                        Ok(object) => object::uid(&object).map(str::to_owned),
                        Err(error) if error.reason == Reason::NOT_FOUND => None,
                        Err(error) => return Err(error.into()),
                    };
                }
                self.find(&target.kind).await?;
            }
            // Nothing of these is decided before they are performed.
            Effect::Get { .. }
            | Effect::List(_)
            | Effect::Settle { .. }
            | Effect::Logs { .. }
            | Effect::Exclusive { .. }
            | Effect::Query { .. }
            | Effect::QueryRange { .. }
            | Effect::Alerts
            | Effect::Now
            | Effect::Sleep { .. }
            | Effect::Log { .. }
            | Effect::Step { .. } => {}
        }
        Ok(prepared)
    }

    async fn perform(&self, prepared: &Prepared) -> Result<Reply, Fault> {
        match &prepared.effect {
            Effect::Get { target } => Ok(Reply::Object(self.get(target).await?)),
            Effect::List(query) => Ok(Reply::Page(self.list(query).await?)),
            Effect::Mutate { mutation, .. } => Ok(self.change(prepared, mutation).await?),
            Effect::Wait { target, until, timeout_ms } => {
                let deadline = prepared
                    .deadline
                    .unwrap_or_else(|| self.wire.clock.after(Duration::from_millis(*timeout_ms)));
                Ok(Reply::Waited(self.wait(target, until, deadline).await?))
            }
            Effect::Logs { pod, container, tail_lines, limit_bytes } => {
                Ok(Reply::Logs(self.logs(pod, container, *tail_lines, *limit_bytes).await?))
            }
            Effect::Query { .. } | Effect::QueryRange { .. } | Effect::Alerts => {
                let message = "no Prometheus is configured; set `prometheus.url`";
                Err(Error::new(Reason::UNSUPPORTED, message).into())
            }
            Effect::Settle { .. }
            | Effect::Exclusive { .. }
            | Effect::Now
            | Effect::Sleep { .. }
            | Effect::Log { .. }
            | Effect::Step { .. } => Err(not_for_a_cluster(&prepared.effect).into()),
        }
    }

    async fn resolve(&self, prepared: &Prepared) -> Result<Resolution, Fault> {
        if prepared.dry_run {
            return Ok(Resolution::NotDone);
        }
        // Whoever wants to know asks again.
        Ok(self.asking_once().resolved(prepared).await?)
    }
}

#[async_trait]
impl Discovery for LiveCluster {
    async fn resource(&self, kind: &Kind) -> Result<Resource, Error> {
        self.find(kind).await
    }
}
