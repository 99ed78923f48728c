//! A node, and what the API server knows of it.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use k8s_openapi::api::coordination::v1::Lease;
use k8s_openapi::api::core::v1::Node as NodeObject;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{MicroTime, Time};
use k8s_openapi::jiff::Timestamp;
use kube::api::{Patch, PatchParams, PostParams};
use kube::{Api, Client};
use serde_json::{Value, json};
use suture_envtest::program;
use tokio::task::JoinHandle;

use super::kubelet::Kubelet;
use super::logs;
use super::storage::Storage;

/// The pause between two looks at all pods.
pub const LOOKS_EVERY: Duration = Duration::from_millis(200);
/// The controller manager gives a node up that is silent for 50 s.
const HEARTBEAT: Duration = Duration::from_secs(10);

/// Files and folders of this machine, and where they are in a container.
pub type Mounts = Vec<(PathBuf, String)>;

/// A node for the pods of one namespace; it stops, and kills what runs on it, when this
/// is dropped.
pub struct Node {
    folder: PathBuf,
    is_storage_dead: Arc<AtomicBool>,
    work: Vec<JoinHandle<()>>,
}

impl Node {
    /// Register a node and put it to work. Its volumes and logs are in `folder`.
    ///
    /// # Errors
    /// Where the API server refuses, or a program is missing.
    pub async fn start(client: Client, namespace: &str, folder: &Path) -> anyhow::Result<Self> {
        for inner in ["logs", "volumes", "roots"] {
            std::fs::create_dir_all(folder.join(inner))?;
        }
        let address = logs::serve(namespace, &folder.join("logs")).await?;
        let name = format!("node-of-{namespace}");
        register(&client, &name, address).await?;
        let is_storage_dead = Arc::new(AtomicBool::new(false));
        let kubelet = Kubelet {
            pods: Api::namespaced(client.clone(), namespace),
            storage: Storage::new(
                client.clone(),
                namespace,
                &folder.join("volumes"),
                is_storage_dead.clone(),
            ),
            image: image()?,
            name: name.clone(),
            namespace: namespace.to_owned(),
            folder: folder.to_owned(),
            running: BTreeMap::new(),
            client: client.clone(),
        };
        let leases = Api::namespaced(client, "kube-node-lease");
        heartbeat(&leases, &name).await?;
        let beating = async move {
            loop {
                pause(HEARTBEAT).await;
                // A missed beat is no harm; several are, and then the node is given up.
                let _ = heartbeat(&leases, &name).await;
            }
        };
        let work = vec![tokio::spawn(kubelet.run()), tokio::spawn(beating)];
        Ok(Self { folder: folder.to_owned(), is_storage_dead, work })
    }

    /// The folder of a volume, by its claim.
    pub fn volume(&self, claim: &str) -> PathBuf {
        self.folder.join("volumes").join(claim)
    }

    /// From now on the storage driver finishes no snapshot and lets none go, or does again.
    pub fn storage_is_dead(&self, is_dead: bool) {
        self.is_storage_dead.store(is_dead, Ordering::Relaxed);
    }

    /// All that was said on it: its own complaints and the logs of its containers.
    pub fn logs(&self) -> String {
        let mut files = vec![self.folder.join("node.log")];
        let logs = std::fs::read_dir(self.folder.join("logs"));
        files.extend(logs.into_iter().flatten().flatten().map(|entry| entry.path()));
        files.sort();
        let text = |file: &PathBuf| {
            format!("--- {}\n{}", file.display(), std::fs::read_to_string(file).unwrap_or_default())
        };
        files.iter().map(text).collect()
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        self.work.iter().for_each(JoinHandle::abort);
    }
}

/// Do nothing for a while.
#[expect(clippy::disallowed_methods, reason = "the API server lives in real time")]
pub async fn pause(time: Duration) {
    tokio::time::sleep(time).await;
}

/// Every container runs the same image: the mover's script, and restic.
fn image() -> anyhow::Result<Mounts> {
    Ok(vec![
        (program("mover-restic.sh")?, "/mover-restic/entry.sh".to_owned()),
        (program("restic")?, "/image/bin/restic".to_owned()),
    ])
}

/// The node's object, as the kubelet reports it.
async fn register(client: &Client, name: &str, kubelet: SocketAddr) -> anyhow::Result<()> {
    let nodes: Api<NodeObject> = Api::all(client.clone());
    // VolSync places a mover by this label where another pod uses the same volume.
    let labels = json!({"kubernetes.io/hostname": name});
    let node = json!({"apiVersion": "v1", "kind": "Node", "metadata": {"name": name, "labels": labels}});
    nodes.create(&PostParams::default(), &serde_json::from_value(node)?).await?;
    let status = json!({"status": {
        "addresses": [{"type": "InternalIP", "address": kubelet.ip().to_string()}],
        "daemonEndpoints": {"kubeletEndpoint": {"Port": kubelet.port()}},
        "conditions": [{"type": "Ready", "status": "True", "reason": "KubeletReady",
            "message": "it is only played", "lastHeartbeatTime": now(), "lastTransitionTime": now()}],
    }});
    nodes.patch_status(name, &PatchParams::default(), &Patch::Merge(status)).await?;
    Ok(())
}

async fn heartbeat(leases: &Api<Lease>, name: &str) -> anyhow::Result<()> {
    let lease = json!({"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": {"name": name},
        "spec": {"holderIdentity": name, "leaseDurationSeconds": 40, "renewTime": MicroTime(Timestamp::now())}});
    leases.patch(name, &PatchParams::apply("kubelet").force(), &Patch::Apply(lease)).await?;
    Ok(())
}

/// The time, as Kubernetes writes it.
pub fn now() -> Value {
    json!(Time(Timestamp::now()))
}
