//! The cases on the simulated cluster in a process of its own: what stands between is not to
//! be noticed.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test ends where something is not as expected")]

mod report;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use async_trait::async_trait;
use serde_json::json;
use suture_cluster::socket::{Listener, Offer, SocketCluster};
use suture_conformance::{Cluster, World, cases, run};
use suture_core::handler::Discovery;
use suture_core::{Clock, EffectHandler, Grant, ScaledClock, Timestamp};
use suture_simulator::{Fixture, SimulatedCluster};

/// Minutes of waiting pass in seconds.
const SPEED: f64 = 200.0;

struct Behind {
    cluster: SimulatedCluster,
    clock: Arc<dyn Clock>,
    client: Arc<SocketCluster>,
    namespaces: AtomicU32,
    folder: tempfile::TempDir,
}

/// Offer a cluster, and connect to it.
async fn offered(
    path: &Path,
    cluster: impl EffectHandler + Discovery + 'static,
    clock: Arc<dyn Clock>,
) -> anyhow::Result<Arc<SocketCluster>> {
    let listener = Listener::bind(path).await?;
    tokio::spawn(Offer::new(cluster, clock, SPEED).serve(listener));
    Ok(Arc::new(SocketCluster::connect(path).await?))
}

impl Behind {
    async fn new() -> anyhow::Result<Self> {
        let now: Timestamp = "2026-11-22T04:10:00Z".parse()?;
        let clock: Arc<dyn Clock> = Arc::new(ScaledClock::starting_at(now, SPEED));
        let mut objects = report::definitions();
        objects.push(json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "default"}}));
        let cluster = SimulatedCluster::new(Fixture { now, objects, ..Fixture::default() }, clock.clone())?;
        let folder = tempfile::tempdir()?;
        let client = offered(&folder.path().join("all"), cluster.clone(), clock.clone()).await?;
        Ok(Self { cluster, clock, client, namespaces: AtomicU32::new(0), folder })
    }
}

#[async_trait]
impl World for Behind {
    fn cluster(&self) -> Arc<dyn Cluster> {
        self.client.clone()
    }

    fn clock(&self) -> Arc<dyn Clock> {
        Arc::new(self.client.clock())
    }

    async fn namespace(&self) -> anyhow::Result<String> {
        let name = format!("case-{}", self.namespaces.fetch_add(1, Ordering::Relaxed));
        let namespace = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}});
        self.cluster.create(namespace)?;
        Ok(name)
    }

    async fn limited(&self, namespace: &str, rights: Vec<Grant>) -> anyhow::Result<Arc<dyn Cluster>> {
        let number = self.namespaces.fetch_add(1, Ordering::Relaxed);
        let path = self.folder.path().join(format!("{namespace}-{number}"));
        Ok(offered(&path, self.cluster.limited_to(rights), self.clock.clone()).await?)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_simulated_cluster_answers_every_case_behind_a_socket() -> anyhow::Result<()> {
    let mut report = report::Report::new("the simulated cluster behind a socket");
    let world = Arc::new(Behind::new().await?);
    for case in cases().iter().filter(|case| report::is_asked_for(case)) {
        report.note(case, run(case, world.clone()).await);
    }
    report.finish();
    Ok(())
}
