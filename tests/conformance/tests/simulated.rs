//! The cases on the simulated cluster.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test ends where something is not as expected")]

mod report;

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use serde_json::json;
use suture_conformance::{Cluster, ClusterProvider, cases, run};
use suture_core::clock::{Driven, later};
use suture_core::{Clock, Grant, Timestamp, VirtualClock};
use suture_simulator::{Fixture, SimulatedCluster};

struct Simulated {
    cluster: SimulatedCluster,
    clock: VirtualClock,
    namespaces: AtomicU32,
}

impl Simulated {
    fn new() -> Self {
        let now: Timestamp = "2026-11-22T04:10:00Z".parse().unwrap();
        let clock = VirtualClock::new(now, later(now, Duration::from_secs(86_400)));
        let mut objects = report::definitions();
        objects.push(json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "default"}}));
        let fixture = Fixture { now, objects, ..Fixture::default() };
        let cluster = SimulatedCluster::new(fixture, Arc::new(clock.clone())).unwrap();
        Self { cluster, clock, namespaces: AtomicU32::new(0) }
    }
}

#[async_trait]
impl ClusterProvider for Simulated {
    fn cluster(&self) -> Arc<dyn Cluster> {
        Arc::new(self.cluster.clone())
    }

    fn clock(&self) -> Arc<dyn Clock> {
        Arc::new(self.clock.clone())
    }

    async fn namespace(&self) -> anyhow::Result<String> {
        let name = format!("case-{}", self.namespaces.fetch_add(1, Ordering::Relaxed));
        let namespace = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}});
        self.cluster.create(namespace)?;
        Ok(name)
    }

    async fn limited(&self, _: &str, rights: Vec<Grant>) -> anyhow::Result<Arc<dyn Cluster>> {
        Ok(Arc::new(self.cluster.limited_to(rights)))
    }
}

#[tokio::test]
async fn the_simulated_cluster_answers_every_case() {
    let mut report = report::Report::new("the simulated cluster");
    let provider = Arc::new(Simulated::new());
    for case in cases().iter().filter(|case| report::is_asked_for(case)) {
        let differences = match provider.clock.drive(run(case, provider.clone())).await {
            Driven::Done(differences) => differences,
            other => vec![format!("it waits for what never happens: {other:?}")],
        };
        report.note(case, differences);
    }
    report.finish();
}
