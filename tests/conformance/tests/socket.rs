//! The cases on the simulated cluster in a process of its own: what stands between is not to
//! be noticed.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test ends where something is not as expected")]

mod report;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use serde_json::json;
use suture_cluster::socket::{Listener, ManualTime, Offer, SocketCluster};
use suture_conformance::{Case, Cluster, ClusterProvider, cases, run};
use suture_core::handler::Discovery;
use suture_core::{Clock, EffectHandler, Grant, Timestamp};
use suture_simulator::{Fixture, SimulatedCluster};

/// By how much time moves at once.
const STEP: Duration = Duration::from_millis(100);

struct Behind {
    cluster: SimulatedCluster,
    time: ManualTime,
    client: Arc<SocketCluster>,
    namespaces: AtomicU32,
    folder: tempfile::TempDir,
}

/// Offer a cluster, and connect to it.
async fn offered(
    path: &Path,
    cluster: impl EffectHandler + Discovery + 'static,
    time: &ManualTime,
) -> anyhow::Result<Arc<SocketCluster>> {
    let listener = Listener::bind(path).await?;
    tokio::spawn(Offer::with_manual_time(cluster, time).serve(listener));
    Ok(Arc::new(SocketCluster::connect(path).await?))
}

impl Behind {
    async fn new() -> anyhow::Result<Self> {
        let now: Timestamp = "2026-11-22T04:10:00Z".parse()?;
        let time = ManualTime::starting_at(now);
        let mut objects = report::definitions();
        objects.push(json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "default"}}));
        let cluster = SimulatedCluster::new(Fixture { now, objects, ..Fixture::default() }, time.clock())?;
        let folder = tempfile::tempdir()?;
        let client = offered(&folder.path().join("all"), cluster.clone(), &time).await?;
        Ok(Self { cluster, time, client, namespaces: AtomicU32::new(0), folder })
    }
}

#[async_trait]
impl ClusterProvider for Behind {
    fn cluster(&self) -> Arc<dyn Cluster> {
        self.client.clone()
    }

    fn clock(&self) -> Arc<dyn Clock> {
        self.client.clock()
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
        Ok(offered(&path, self.cluster.limited_to(rights), &self.time).await?)
    }
}

/// Run a case, and let time pass whenever it waits for that.
async fn played(case: &Case, provider: &Arc<Behind>) -> Vec<String> {
    let passes = async {
        loop {
            provider.time.settled().await;
            provider.time.pass(STEP);
        }
    };
    tokio::select! {
        differences = provider.time.awaiting(run(case, provider.clone())) => differences,
        never = passes => never,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_simulated_cluster_answers_every_case_behind_a_socket() -> anyhow::Result<()> {
    let mut report = report::Report::new("the simulated cluster behind a socket");
    let provider = Arc::new(Behind::new().await?);
    for case in cases().iter().filter(|case| report::is_asked_for(case)) {
        report.note(case, played(case, &provider).await);
    }
    report.finish();
    Ok(())
}
