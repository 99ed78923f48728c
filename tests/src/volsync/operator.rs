//! The real VolSync operator.

use std::net::SocketAddr;
use std::sync::OnceLock;
use std::time::Duration;

use anyhow::bail;
use suture_envtest::{ControlPlane, Process, free_port, program};

use crate::process::{eventually, loopback};

/// What VolSync needs, as released: its own kinds, and those of volume snapshots.
const DEFINITIONS: [&str; 5] = [
    include_str!("../../fixtures/crds/volsync.backube_replicationsources.yaml"),
    include_str!("../../fixtures/crds/volsync.backube_replicationdestinations.yaml"),
    include_str!("../../fixtures/crds/snapshot.storage.k8s.io_volumesnapshots.yaml"),
    include_str!("../../fixtures/crds/snapshot.storage.k8s.io_volumesnapshotcontents.yaml"),
    include_str!("../../fixtures/crds/snapshot.storage.k8s.io_volumesnapshotclasses.yaml"),
];

/// How long it may take to start.
const READY_WITHIN: Duration = Duration::from_secs(60);

/// The operator of the shared control plane: one for all tests of a process, since it
/// watches all namespaces.
pub struct Operator {
    process: Process,
    /// Where it serves its metrics.
    pub metrics: SocketAddr,
}

impl Operator {
    /// The one operator, started on first use.
    ///
    /// # Errors
    /// Where it can't be started; with its last words.
    pub async fn shared(plane: &ControlPlane) -> anyhow::Result<&'static Self> {
        static SHARED: OnceLock<Operator> = OnceLock::new();
        static STARTING: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());
        let _one_at_a_time = STARTING.lock().await;
        match SHARED.get() {
            Some(operator) => Ok(operator),
            None => {
                let started = Self::start(plane).await?;
                Ok(SHARED.get_or_init(|| started))
            }
        }
    }

    async fn start(plane: &ControlPlane) -> anyhow::Result<Self> {
        for definition in DEFINITIONS {
            plane.apply(definition).await?;
        }
        let (metrics, health) = (loopback(free_port()?), loopback(free_port()?));
        let arguments = [
            format!("--kubeconfig={}", plane.kubeconfig().display()),
            format!("--metrics-bind-address={metrics}"),
            "--metrics-secure=false".to_owned(),
            format!("--health-probe-bind-address={health}"),
        ];
        let log = plane.folder().join("volsync.log");
        let namespace = [("VOLSYNC_NAMESPACE", "default")];
        let process = Process::with_environment(&program("volsync")?, arguments, namespace, &log)?;
        let operator = Self { process, metrics };
        let ready = format!("http://{health}/readyz");
        let is_ready = async || reqwest::get(&ready).await.is_ok_and(|answer| answer.status().is_success());
        if !eventually(READY_WITHIN, is_ready).await {
            bail!("the VolSync operator is not ready:\n{}", operator.last_words());
        }
        Ok(operator)
    }

    /// The end of its log.
    pub fn last_words(&self) -> String {
        self.process.last_words()
    }
}
