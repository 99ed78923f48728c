//! A cluster with a real Prometheus beside it.

use async_trait::async_trait;
use suture_core::handler::{Discovery, Resolution, Resource};
use suture_core::object::Kind;
use suture_core::{Effect, EffectHandler, Error, Fault, Prepared, Reply, Step};

use crate::prometheus::PrometheusClient;

/// Any cluster, but what is asked of Prometheus goes to a real one.
#[derive(Clone, Debug)]
pub struct WithPrometheus<C> {
    cluster: C,
    prometheus: PrometheusClient,
}

impl<C> WithPrometheus<C> {
    /// Put a Prometheus beside a cluster.
    pub fn new(cluster: C, prometheus: PrometheusClient) -> Self {
        Self { cluster, prometheus }
    }

    /// The cluster.
    pub fn cluster(&self) -> &C {
        &self.cluster
    }
}

#[async_trait]
impl<C: EffectHandler> EffectHandler for WithPrometheus<C> {
    async fn prepare(&self, step: &Step, effect: &Effect) -> Result<Prepared, Fault> {
        match effect {
            Effect::Query { .. } | Effect::QueryRange { .. } | Effect::Alerts => Ok(Prepared {
                step: step.clone(),
                effect: effect.clone(),
                deadline: None,
                dry_run: false,
                before: None,
            }),
            _ => self.cluster.prepare(step, effect).await,
        }
    }

    async fn perform(&self, prepared: &Prepared) -> Result<Reply, Fault> {
        match self.prometheus.answer(&prepared.effect).await {
            Some(answer) => Ok(answer?),
            None => self.cluster.perform(prepared).await,
        }
    }

    async fn resolve(&self, prepared: &Prepared) -> Result<Resolution, Fault> {
        match prepared.effect {
            Effect::Query { .. } | Effect::QueryRange { .. } | Effect::Alerts => Ok(Resolution::NotDone),
            _ => self.cluster.resolve(prepared).await,
        }
    }
}

#[async_trait]
impl<C: Discovery> Discovery for WithPrometheus<C> {
    async fn resource(&self, kind: &Kind) -> Result<Resource, Error> {
        self.cluster.resource(kind).await
    }
}
