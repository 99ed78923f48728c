//! Ten sources that a stale lock keeps from being backed up, on a real API server, and
//! a stand-in for VolSync that runs a sync as soon as it is asked for one.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, ensure};
use futures::{StreamExt, TryStreamExt};
use http::Request;
use kube::api::{ApiResource, DynamicObject, Patch, PatchParams, WatchEvent, WatchParams};
use kube::client::{Body, ClientBuilder};
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::core::GroupVersionKind;
use kube::{Api, Client, Config};
use parking_lot::Mutex;
use serde_json::{Value, json};
use suture_envtest::{ControlPlane, eventually};
use tower::util::MapRequestLayer;

/// How many sources.
const SOURCES: usize = 10;
const DEFINITIONS: &str = "tests/fixtures/crds";
const SOON: Duration = Duration::from_secs(60);
/// The manager of what the stand-in writes.
const VOLSYNC: &str = "volsync";

/// What the mover said.
const LOCKED: &str = "unable to create lock in backend: repository is already locked exclusively by PID 48 on volsync-src-gone-96mvk by root (UID 0, GID 0)
lock was created at 2026-11-20 12:02:00 (36h24m42.719315996s ago)
storage ID b27ebdc3
the `unlock` command can be used to remove stale locks";

/// The fixture that all sides work in.
pub struct RepairFixture {
    pub plane: ControlPlane,
    pub namespace: String,
    api: Api<DynamicObject>,
    volsync: tokio::task::JoinHandle<()>,
}

/// Requests that were sent, by verb and resource.
pub type Requests = Arc<Mutex<BTreeMap<String, usize>>>;

pub fn resource() -> ApiResource {
    let kind = GroupVersionKind::gvk("volsync.backube", "v1alpha1", "ReplicationSource");
    ApiResource::from_gvk_with_plural(&kind, "replicationsources")
}

impl RepairFixture {
    pub async fn new() -> anyhow::Result<Self> {
        let plane = ControlPlane::start()?;
        for file in std::fs::read_dir(DEFINITIONS).context(DEFINITIONS)? {
            plane.apply(&std::fs::read_to_string(file?.path())?).await?;
        }
        let namespace = plane.namespace("bench").await?;
        for name in sources() {
            let source = json!({"apiVersion": "volsync.backube/v1alpha1", "kind": "ReplicationSource",
                "metadata": {"name": name, "namespace": namespace},
                "spec": {"sourcePVC": name, "trigger": {"schedule": "0 * * * *"},
                    "restic": {"repository": format!("{name}-restic"), "copyMethod": "Direct"}}});
            plane.apply(&source.to_string()).await?;
        }
        let api = Api::namespaced_with(plane.client()?, &namespace, &resource());
        let volsync = tokio::spawn(volsync(api.clone()));
        Ok(Self { plane, namespace, api, volsync })
    }

    /// A client that counts what it sends.
    pub async fn client(&self) -> anyhow::Result<(Client, Requests)> {
        let kubeconfig = Kubeconfig::read_from(self.plane.kubeconfig())?;
        let config = Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await?;
        let requests = Requests::default();
        let counted = requests.clone();
        let count = move |request: Request<Body>| {
            *counted.lock().entry(kind_of(&request)).or_default() += 1;
            request
        };
        let client = ClientBuilder::try_from(config)?.with_layer(&MapRequestLayer::new(count)).build();
        Ok((client, requests))
    }

    /// Break every source anew.
    pub async fn break_all(&self) -> anyhow::Result<()> {
        for name in sources() {
            let params = PatchParams::default();
            let spec = json!({"spec": {"trigger": {"manual": null}, "restic": {"unlock": null}}});
            self.api.patch(&name, &params, &Patch::Merge(spec)).await?;
            let status = json!({"status": {"lastManualSync": null,
                "latestMoverStatus": {"result": "Failed", "logs": LOCKED}}});
            self.api.patch_status(&name, &params, &Patch::Merge(status)).await?;
        }
        Ok(())
    }

    /// Whether every source was synced and has its schedule back.
    pub async fn check(&self, side: &str) -> anyhow::Result<()> {
        for name in sources() {
            let is_repaired = || async {
                self.api.get(&name).await.is_ok_and(|source| {
                    let at = |pointer: &str| source.data.pointer(pointer).cloned().unwrap_or_default();
                    at("/status/latestMoverStatus/result") == "Successful"
                        && at("/spec/trigger/manual").is_null()
                })
            };
            ensure!(eventually(SOON, is_repaired).await, "{side} did not repair {name}");
        }
        Ok(())
    }
}

impl Drop for RepairFixture {
    fn drop(&mut self) {
        self.volsync.abort();
    }
}

/// Their names.
pub fn sources() -> impl Iterator<Item = String> {
    (0..SOURCES).map(|number| format!("source-{number}"))
}

/// `GET replicationsources`, `WATCH replicationsources`.
fn kind_of(request: &Request<Body>) -> String {
    let uri = request.uri();
    let is_watch = uri.query().is_some_and(|query| query.contains("watch=true"));
    let mut parts = uri.path().split('/').skip_while(|part| *part != "namespaces").skip(2);
    let resource = parts.next().or_else(|| uri.path().rsplit('/').next()).unwrap_or_default();
    let verb = if is_watch { "WATCH" } else { request.method().as_str() };
    format!("{verb} {resource}")
}

/// Plays VolSync: a manual tag that is new is a sync that succeeds at once.
async fn volsync(api: Api<DynamicObject>) {
    loop {
        let Ok(events) = api.watch(&WatchParams::default(), "0").await else { continue };
        let mut events = events.boxed();
        while let Ok(Some(event)) = events.try_next().await {
            if let WatchEvent::Added(source) | WatchEvent::Modified(source) = event {
                sync(&api, &source).await;
            }
        }
    }
}

async fn sync(api: &Api<DynamicObject>, source: &DynamicObject) {
    let at = |pointer: &str| source.data.pointer(pointer).cloned().unwrap_or(Value::Null);
    let tag = at("/spec/trigger/manual");
    if tag.is_null() || tag == at("/status/lastManualSync") {
        return;
    }
    let status = json!({"status": {"lastManualSync": tag,
        "latestMoverStatus": {"result": "Successful", "logs": "snapshot 4d5e6f saved"},
        "restic": {"lastUnlocked": at("/spec/restic/unlock")}}});
    let name = source.metadata.name.clone().unwrap_or_default();
    let params = PatchParams { field_manager: Some(VOLSYNC.to_owned()), ..PatchParams::default() };
    // Where it fails, the next event brings it back; where none comes, the check says so.
    let _ = api.patch_status(&name, &params, &Patch::Merge(status)).await;
}
