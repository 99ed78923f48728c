//! The layer that counts: every effect with its result and how long it took.

use std::sync::Arc;

use async_trait::async_trait;
use suture_core::{Clock, Effect, EffectHandler, Fault, Prepared, Reply, Resolution, Step};

use crate::metrics::Metrics;

pub(crate) struct Metered {
    pub inner: Arc<dyn EffectHandler>,
    pub clock: Arc<dyn Clock>,
    pub metrics: Metrics,
    pub policy: String,
}

fn result<T>(outcome: &Result<T, Fault>) -> &str {
    match outcome {
        Ok(_) => "ok",
        Err(Fault::Error(error)) => error.reason.as_str(),
        Err(Fault::Halt(_)) => "halt",
    }
}

#[async_trait]
impl EffectHandler for Metered {
    async fn prepare(&self, step: &Step, effect: &Effect) -> Result<Prepared, Fault> {
        let prepared = self.inner.prepare(step, effect).await;
        if prepared.is_err() {
            self.metrics.effect(&self.policy, effect.verb(), result(&prepared), std::time::Duration::ZERO);
        }
        prepared
    }

    async fn perform(&self, prepared: &Prepared) -> Result<Reply, Fault> {
        let began = self.clock.now();
        let reply = self.inner.perform(prepared).await;
        let took = began.duration_until(self.clock.now()).try_into().unwrap_or_default();
        self.metrics.effect(&self.policy, prepared.effect.verb(), result(&reply), took);
        reply
    }

    async fn resolve(&self, prepared: &Prepared) -> Result<Resolution, Fault> {
        self.inner.resolve(prepared).await
    }
}
