//! The host and its cluster, as `suture serve` would start them.

use std::io::Read;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use serde_json::{Value, json};
use suture_core::{Alert, AlertStatus, Clock, Digest, Labels, ObjectRef, Timestamp};
use suture_engine::Progress;
use suture_server::{Server, Simulated};
use suture_simulator::SimulatedCluster;
use tokio::sync::broadcast::{self, Receiver};

use super::story::Case;
use crate::args::TlsArgs;
use crate::error::CliError;
use crate::place::Place;
use crate::{policy, simulated};

/// The cluster: three broken backups, and what plays VolSync's controller.
const CLUSTER: &str = include_str!("cluster.yaml");
/// The host's configuration.
const CONFIG: &str = include_str!("suture.yaml");
/// Entries that may wait to be printed.
const BACKLOG: usize = 4096;

pub struct DemoHost {
    folder: PathBuf,
    token: String,
    /// That of whoever watches, where there is one.
    own_token: Option<PathBuf>,
    server: Server,
    cluster: SimulatedCluster,
    started: Timestamp,
    pub progress: Receiver<Progress>,
}

type SimulatedParts = (SimulatedCluster, Arc<dyn Clock>);

impl DemoHost {
    /// Set it up. Where its console is to be opened, whoever watches is somebody to it, with a token.
    pub async fn set(
        component: &Path,
        speed: f64,
        alertmanager: SocketAddr,
        open: bool,
    ) -> Result<Self, CliError> {
        // Says what is wrong with it before anything else is begun.
        policy::load_there(component).await?;
        let io = |error: std::io::Error| {
            CliError::internal(format!("the demo's folder can't be written: {error}"))
        };
        // It stays: `suture runs show` reads the journal in it later.
        let folder = tempfile::Builder::new().prefix("suture-demo-").tempdir().map_err(io)?.keep();
        let token = token().map_err(io)?;
        let component = std::path::absolute(component).map_err(io)?;
        let file = folder.join("suture.yaml");
        std::fs::write(folder.join("token"), &token).map_err(io)?;
        std::fs::write(folder.join("cluster.yaml"), CLUSTER).map_err(io)?;
        let mut text = config(&component, speed, alertmanager);
        let mut own_token = None;
        if open {
            let (token, path) = (self::token().map_err(io)?, folder.join("your-token"));
            let hash = Digest::of(token.as_bytes());
            text += &format!(
                "people: [{{name: you, tokenHash: \"{hash}\", roles: [viewer, operator, approver]}}]\n"
            );
            std::fs::write(&path, token).map_err(io)?;
            own_token = Some(path);
        }
        std::fs::write(&file, text).map_err(io)?;

        let parts: Arc<OnceLock<SimulatedParts>> = Arc::default();
        let made = parts.clone();
        let mut options = simulated::options();
        options.simulated = Arc::new(move |file, speed| {
            let (cluster, clock) = simulated::cluster(file, speed)?;
            let (cluster, clock) = made.get_or_init(|| (cluster, clock)).clone();
            Ok(Simulated { cluster: Arc::new(cluster), clock })
        });
        let (listeners, progress) = broadcast::channel(BACKLOG);
        options.listeners = Some(listeners);
        let server =
            Server::start(&file, options).await.map_err(|error| CliError::internal(error.to_string()))?;
        let (cluster, clock) =
            parts.get().cloned().ok_or_else(|| CliError::internal("the host made no cluster"))?;
        let started = clock.now();
        Ok(Self { folder, token, own_token, server, cluster, started, progress })
    }

    /// The webhook's address.
    pub fn webhook(&self) -> String {
        format!("http://{}/hooks", self.server.webhook_addr())
    }

    /// The address of the admin API.
    pub fn admin(&self) -> String {
        format!("http://{}", self.server.admin_addr())
    }

    /// How the host is asked.
    pub fn place(&self) -> Place {
        Place { url: self.admin(), token_file: self.own_token.clone(), tls: TlsArgs::default() }
    }

    /// The webhook's token.
    pub fn token(&self) -> &str {
        &self.token
    }

    /// The folder of the journal.
    pub fn journal(&self) -> PathBuf {
        self.folder.join("storage")
    }

    /// Let Prometheus see that a backup is out of sync: the alert that follows.
    pub fn fire(&self, case: &Case) -> Result<Alert, CliError> {
        let alert = self.alert(case, AlertStatus::Firing)?;
        self.cluster.set_alert(&alert);
        Ok(alert)
    }

    /// Let Prometheus see that it is in sync again.
    pub fn resolve(&self, case: &Case) -> Result<(), CliError> {
        self.cluster.set_alert(&self.alert(case, AlertStatus::Resolved)?);
        Ok(())
    }

    fn alert(&self, case: &Case, status: AlertStatus) -> Result<Alert, CliError> {
        let (namespace, name) = case.names();
        let label = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let labels: Labels = [
            label("alertname", "VolSyncVolumeOutOfSync"),
            label("obj_namespace", namespace),
            label("obj_name", name),
            label("role", "source"),
            label("method", "restic"),
            label("severity", "critical"),
        ]
        .into();
        let alert = json!({"status": status, "labels": labels, "startsAt": self.started,
            "annotations": {"summary": format!("{namespace}/{name} volume is out of sync.")}});
        serde_json::from_value(alert).map_err(|error| CliError::internal(error.to_string()))
    }

    /// What VolSync's metric would say: whether a backup was made since the demo began.
    pub fn is_in_sync(&self, case: &Case) -> bool {
        let (namespace, name) = case.names();
        let reference = ObjectRef {
            kind: suture_core::object::Kind::new("volsync.backube/v1alpha1", "ReplicationSource"),
            namespace: Some(namespace.to_owned()),
            name: name.to_owned(),
        };
        let Some(source) = self.cluster.object(&reference) else { return false };
        let last = source.pointer("/status/lastSyncTime").and_then(Value::as_str);
        last.and_then(|last| last.parse::<Timestamp>().ok()).is_some_and(|last| last >= self.started)
    }

    /// End the host.
    pub async fn stop(self) {
        self.server.stop(Duration::from_secs(1)).await;
    }
}

/// Something that nobody guesses.
fn token() -> std::io::Result<String> {
    let mut bytes = [0_u8; 16];
    std::fs::File::open("/dev/urandom")?.read_exact(&mut bytes)?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

/// The configuration, with what differs from one demo to the next. JSON's texts are
/// YAML's, whatever stands in them.
fn config(component: &Path, speed: f64, alertmanager: SocketAddr) -> String {
    CONFIG
        .lines()
        .filter(|line| !line.starts_with('#'))
        .map(|line| {
            line.replace("COMPONENT", &json!(component).to_string())
                .replace("SPEED", &speed.to_string())
                .replace("ALERTMANAGER", &json!(format!("http://{alertmanager}")).to_string())
                + "\n"
        })
        .collect()
}
