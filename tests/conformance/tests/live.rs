//! The cases on a real API server, with a real controller manager.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test ends where something is not as expected")]

mod report;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use anyhow::ensure;
use async_trait::async_trait;
use futures::StreamExt;
use suture_cluster::live::{Connection, LiveCluster, LiveConfig, access, connect};
use suture_conformance::{Case, Cluster, ClusterProvider, cases, run};
use suture_core::rbac::{Installation, Needs, Requester};
use suture_core::{Clock, Grant, RealClock};
use suture_envtest::{ControlPlane, eventually};

/// How many cases run at a time: they wait for controllers most of the time.
const AT_A_TIME: usize = 8;
/// How long the authorizer may take to learn of a new role.
const SOON: Duration = Duration::from_secs(30);

struct Live {
    plane: &'static ControlPlane,
    cluster: Arc<LiveCluster>,
    users: AtomicU32,
}

impl Live {
    async fn new(plane: &'static ControlPlane) -> anyhow::Result<Self> {
        let connection = reach(plane.kubeconfig()).await?;
        Ok(Self { plane, cluster: cluster(connection), users: AtomicU32::new(0) })
    }
}

fn settings(kubeconfig: Option<PathBuf>) -> LiveConfig {
    // The cases share one cluster, and are not to wait for one another.
    LiveConfig { kubeconfig, requests_per_second: 10_000, burst: 10_000, ..LiveConfig::default() }
}

async fn reach(kubeconfig: PathBuf) -> anyhow::Result<Connection> {
    Ok(connect(&settings(Some(kubeconfig))).await?)
}

fn cluster(connection: Connection) -> Arc<LiveCluster> {
    Arc::new(LiveCluster::new(connection, &settings(None), Arc::new(RealClock)))
}

#[async_trait]
impl ClusterProvider for Live {
    fn cluster(&self) -> Arc<dyn Cluster> {
        self.cluster.clone()
    }

    fn clock(&self) -> Arc<dyn Clock> {
        Arc::new(RealClock)
    }

    async fn namespace(&self) -> anyhow::Result<String> {
        self.plane.namespace("case").await
    }

    /// A ServiceAccount with the roles that `suture rbac` writes for these grants.
    async fn limited(&self, namespace: &str, rights: Vec<Grant>) -> anyhow::Result<Arc<dyn Cluster>> {
        let service_account = format!("user-{}", self.users.fetch_add(1, Ordering::Relaxed));
        let connection = reach(self.plane.service_account(namespace, &service_account).await?).await?;
        let needs = Needs::of([Requester { policy: "conformance", grants: &rights, requested: None }]);
        let installation =
            Installation { namespace: namespace.to_owned(), service_account, lease: None, approvals: false };
        for object in needs.roles(&installation).objects() {
            self.plane.apply(&object.to_string()).await?;
        }
        let wanted = needs.rights(|_| true);
        let given = async || {
            access::missing(&connection.client, &wanted).await.is_ok_and(|missing| missing.is_empty())
        };
        ensure!(
            eventually(SOON, given).await,
            "the rights of {} do not arrive",
            installation.service_account
        );
        Ok(cluster(connection))
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_real_api_server_answers_every_case() {
    let plane = ControlPlane::shared();
    for definition in report::definitions() {
        plane.apply(&definition.to_string()).await.unwrap();
    }
    let provider = Arc::new(Live::new(plane).await.unwrap());
    let asked: Vec<Case> = cases().into_iter().filter(report::is_asked_for).collect();
    let mut results = futures::stream::iter(&asked)
        .map(|case| run(case, provider.clone()))
        .buffered(AT_A_TIME)
        .zip(futures::stream::iter(&asked));
    let mut report = report::Report::new("the real API server");
    while let Some((differences, case)) = results.next().await {
        report.note(case, differences);
    }
    report.finish();
}
