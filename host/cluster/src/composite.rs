//! A cluster with a real Prometheus beside it.

use async_trait::async_trait;
use suture_core::effect::Answerer;
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
        match effect.answerer() {
            Answerer::Prometheus => Ok(Prepared::new(step.clone(), effect.clone())),
            Answerer::Cluster | Answerer::Host => self.cluster.prepare(step, effect).await,
        }
    }

    async fn perform(&self, prepared: &Prepared) -> Result<Reply, Fault> {
        match self.prometheus.answer(&prepared.effect).await {
            Some(answer) => Ok(answer?),
            None => self.cluster.perform(prepared).await,
        }
    }

    async fn resolve(&self, prepared: &Prepared) -> Result<Resolution, Fault> {
        match prepared.effect.answerer() {
            Answerer::Prometheus => Ok(Resolution::NotDone),
            Answerer::Cluster | Answerer::Host => self.cluster.resolve(prepared).await,
        }
    }
}

#[async_trait]
impl<C: Discovery> Discovery for WithPrometheus<C> {
    async fn resource(&self, kind: &Kind) -> Result<Resource, Error> {
        self.cluster.resource(kind).await
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use suture_core::effect::Target;
    use suture_core::{RealClock, Reason, RunId, Timestamp};

    use super::*;
    use crate::testing::TestServer;
    use suture_simulator::{Fixture, SimulatedCluster};

    #[tokio::test]
    async fn prometheus_is_the_real_one_and_all_else_the_clusters() {
        let server = TestServer::answering(200, r#"{"status":"success","data":{"alerts":[]}}"#).await;
        let clock = Arc::new(RealClock);
        let cluster = SimulatedCluster::new(
            Fixture { now: Timestamp::UNIX_EPOCH, ..Fixture::default() },
            clock.clone(),
        );
        let prometheus = PrometheusClient::new(&server.url(), clock).unwrap();
        let both = WithPrometheus::new(cluster.unwrap(), prometheus);
        let step = Step { run: RunId::new("r"), number: 1 };

        let alerts = both.prepare(&step, &Effect::Alerts).await.unwrap();
        assert_eq!(both.perform(&alerts).await, Ok(Reply::Alerts(vec![])));
        assert_eq!(both.resolve(&alerts).await, Ok(Resolution::NotDone));

        let kind = Kind::new("v1", "Namespace");
        assert_eq!(both.resource(&kind).await.unwrap().plural, "namespaces");
        let target = |name: &str| Target {
            kind: kind.clone(),
            namespace: None,
            name: name.to_owned(),
            uid: None,
            subresource: None,
        };
        let system = both.prepare(&step, &Effect::Get { target: target("kube-system") }).await.unwrap();
        assert!(matches!(both.perform(&system).await, Ok(Reply::Object(_))));
        let gone = both.prepare(&step, &Effect::Get { target: target("gone") }).await.unwrap();
        let Err(Fault::Error(error)) = both.perform(&gone).await else { panic!("it is there") };
        assert_eq!(error.reason, Reason::NOT_FOUND);
        assert_eq!(server.requests().len(), 1);
    }
}
