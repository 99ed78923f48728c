//! A broken backup on a real API server, and somebody who plays VolSync.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use kube::Api;
use kube::api::{ApiResource, DeleteParams, DynamicObject, Patch, PatchParams};
use kube::core::GroupVersionKind;
use serde_json::{Value, json};
use suture_cluster::live::{Connection, LiveCluster, LiveConfig, connect};
use suture_core::clock::kubernetes_time;
use suture_core::{
    Alert, AlertStatus, Clock, Grant, Incident, IncidentId, Labels, Limits, Mode, Program, RealClock, RunId,
};
use suture_engine::{Confirm, RunSpec, Session, execute, key};
use suture_envtest::{ControlPlane, eventually};
use suture_journal::{Cancel, MemoryLog};
use suture_runtime::{Compiler, Runtime};
use suture_server::RbacReport;

/// The host's ServiceAccount.
pub const ACCOUNT: &str = "mender";

/// Nobody waits for half an hour here.
pub const SETTINGS: &str = r#"{"snapshotHungAfter": "0s", "snapshotDeleteTimeout": "1s"}"#;

const GONE_WITHIN: Duration = Duration::from_secs(20);
pub const SOURCE: (&str, &str) = ("volsync.backube/v1alpha1", "ReplicationSource");
const SNAPSHOT: (&str, &str) = ("snapshot.storage.k8s.io/v1", "VolumeSnapshot");
/// The mover's pod, with a password in a variable of this name.
pub const POD: &str = "volsync-src-plex-abcde";
pub const HIDDEN: &str = "RESTIC_PASSWORD";

/// What restic says of a lock whose holder is gone.
const LOCKED: &str = "unable to create lock in backend: repository is already locked exclusively by PID 48 on \
    volsync-src-plex-96mvk by root (UID 0, GID 0)\nlock was created at 2023-12-19 12:02:00 \
    (5h24m42.719315996s ago)\nstorage ID b27ebdc3\nthe `unlock` command can be used to remove stale locks";

pub struct RightsHarness {
    pub plane: &'static ControlPlane,
    /// Where the policy is to work.
    pub media: String,
    /// Where it is not.
    pub home: String,
    /// Where the host lives.
    pub tools: String,
    pub component: PathBuf,
    program: Arc<dyn Program>,
    dir: tempfile::TempDir,
}

impl RightsHarness {
    pub async fn new() -> anyhow::Result<Self> {
        let plane = ControlPlane::shared();
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        for file in std::fs::read_dir(root.join("fixtures/crds"))? {
            plane.apply(&std::fs::read_to_string(file?.path())?).await?;
        }
        let component =
            suture_build::build(&root.join("../policies/volsync"), None, &suture_build::Silent)?.path;
        let program = Runtime::new(Compiler::InProcess)?.load(&std::fs::read(&component)?, None).await?;
        Ok(Self {
            plane,
            media: plane.namespace("media").await?,
            home: plane.namespace("home").await?,
            tools: plane.namespace("tools").await?,
            component,
            program: Arc::new(program),
            dir: tempfile::tempdir()?,
        })
    }

    /// What the volsync policy needs in one namespace.
    pub fn grants(namespace: &str) -> String {
        format!(
            r#"  - {{groups: [volsync.backube], resources: [replicationsources], verbs: [get, patch], namespaces: [{namespace}]}}
  - {{groups: [""], resources: [pods, pods/log], verbs: [get, list], namespaces: [{namespace}]}}
  - {{groups: [batch], resources: [jobs], verbs: [list], namespaces: [{namespace}]}}
  - {{groups: [snapshot.storage.k8s.io], resources: [volumesnapshots], verbs: [get, patch, delete], namespaces: [{namespace}]}}
  - {{groups: [snapshot.storage.k8s.io], resources: [volumesnapshotcontents], verbs: [get]}}
"#
        )
    }

    /// A configuration of the volsync policy, and more policies.
    pub fn config(&self, more: &str) -> anyhow::Result<PathBuf> {
        let file = self.dir.path().join("suture.yaml");
        let text = format!(
            "listen: 127.0.0.1:0\nadmin: {{listen: 127.0.0.1:0}}\nstorage: {{path: state}}\n\
             cluster: {{live: {{}}}}\npolicies:\n\
             - name: volsync\n  source: {{file: {}}}\n  confirm: none\n  grants:\n{}{more}",
            self.component.display(),
            Self::grants(&self.media)
        );
        std::fs::write(&file, text)?;
        Ok(file)
    }

    /// What `suture rbac` prints of it.
    pub async fn rbac(&self, config: &Path) -> anyhow::Result<RbacReport> {
        let report = suture_server::rbac(
            config,
            Some(self.tools.clone()),
            Some(ACCOUNT.to_owned()),
            Compiler::InProcess,
        )
        .await;
        report.map_err(|errors| anyhow::anyhow!("{errors:#?}"))
    }

    /// The API server, as the host's ServiceAccount is let in.
    pub async fn connect(&self) -> anyhow::Result<Connection> {
        let kubeconfig = Some(self.plane.service_account(&self.tools, ACCOUNT).await?);
        Ok(connect(&LiveConfig { kubeconfig, ..LiveConfig::default() }).await?)
    }

    /// Break the backup, and run the policy on it. What the API server refused, if
    /// anything; else it must be repaired.
    pub async fn run(&self, connection: Connection) -> anyhow::Result<Option<String>> {
        self.break_it().await?;
        let clock: Arc<dyn Clock> = Arc::new(RealClock);
        let log = Arc::new(MemoryLog::default());
        let session = Session {
            cluster: Arc::new(LiveCluster::new(connection, &LiveConfig::default(), clock.clone())),
            clock,
            log: log.clone(),
            locks: Arc::default(),
            cancel: Cancel::new(),
            observer: None,
            metrics: None,
            places: None,
            silences: None,
        };
        let volsync = self.play_volsync()?;
        let finished = execute(self.spec()?, session).await;
        volsync.abort();
        let finished = finished.map_err(|error| anyhow::anyhow!("{error}"))?;
        let entries = serde_json::to_value(log.entries())?;
        let refused = entries.as_array().into_iter().flatten().find_map(forbidden);
        if refused.is_none() {
            anyhow::ensure!(finished.ending.name() == "remediated", "{finished:#?}\n{entries:#}");
        }
        Ok(refused)
    }

    fn spec(&self) -> anyhow::Result<RunSpec> {
        let manifest = self.program.manifest();
        let labels: Labels = [
            ("alertname", "VolSyncVolumeOutOfSync"),
            ("obj_namespace", &self.media),
            ("obj_name", "plex"),
            ("role", "source"),
            ("method", "restic"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into();
        let settings: Value = serde_json::from_str(SETTINGS)?;
        Ok(RunSpec {
            run: RunId::new("rights"),
            policy: "volsync".to_owned(),
            program: self.program.clone(),
            incident: Incident {
                id: IncidentId::new("rights"),
                key: key::key(manifest, &labels).map_err(anyhow::Error::msg)?,
                alert: Arc::new(Alert {
                    status: AlertStatus::Firing,
                    labels,
                    annotations: Labels::new(),
                    starts_at: RealClock.now(),
                    ends_at: None,
                    generator_url: String::new(),
                    fingerprint: String::new(),
                }),
                attempt: 1,
                settings: manifest
                    .settings_schema
                    .fill(settings)
                    .map_err(|error| anyhow::anyhow!("{error}"))?,
            },
            mode: Mode::Enforce,
            limits: Limits::default(),
            grants: serde_saphyr::from_str::<Vec<Grant>>(&Self::grants(&self.media))?.into(),
            confirm: Confirm::None,
            approved: None,
            past: None,
        })
    }

    pub fn api(
        &self,
        version: &str,
        kind: &str,
        namespace: Option<&str>,
    ) -> anyhow::Result<Api<DynamicObject>> {
        let (group, version) = version.split_once('/').unwrap_or(("", version));
        let resource = ApiResource::from_gvk(&GroupVersionKind::gvk(group, version, kind));
        let client = self.plane.client()?;
        Ok(match namespace {
            Some(namespace) => Api::namespaced_with(client, namespace, &resource),
            None => Api::all_with(client, &resource),
        })
    }

    /// Delete an object, whatever holds it, and wait until it is gone.
    pub async fn delete(
        &self,
        version: &str,
        kind: &str,
        namespace: Option<&str>,
        name: &str,
    ) -> anyhow::Result<()> {
        let api = self.api(version, kind, namespace)?;
        let free = Patch::Merge(json!({"metadata": {"finalizers": null}}));
        if api.get_opt(name).await?.is_some() {
            api.patch(name, &PatchParams::default(), &free).await?;
            api.delete(name, &DeleteParams::default().grace_period(0)).await?;
        }
        let gone = eventually(GONE_WITHIN, async || matches!(api.get_opt(name).await, Ok(None))).await;
        anyhow::ensure!(gone, "{kind} {name} does not go");
        Ok(())
    }

    /// A mover that failed on a lock, and a snapshot that hangs.
    pub async fn break_it(&self) -> anyhow::Result<()> {
        let media = Some(self.media.as_str());
        for (version, kind, name) in
            [(SOURCE.0, SOURCE.1, "plex"), (SNAPSHOT.0, SNAPSHOT.1, "volsync-plex-src"), ("v1", "Pod", POD)]
        {
            self.delete(version, kind, media, name).await?;
        }
        let objects = json!([
            {"apiVersion": SOURCE.0, "kind": SOURCE.1, "metadata": {"name": "plex", "namespace": media},
             "spec": {"sourcePVC": "plex", "trigger": {"schedule": "0 * * * *"},
                      "restic": {"repository": "plex-restic", "copyMethod": "Snapshot"}}},
            {"apiVersion": SNAPSHOT.0, "kind": SNAPSHOT.1,
             "metadata": {"name": "volsync-plex-src", "namespace": media, "finalizers": ["suture.dev/tests"]},
             "spec": {"source": {"persistentVolumeClaimName": "plex"}}},
            {"apiVersion": "v1", "kind": "Pod",
             "metadata": {"name": POD, "namespace": media, "labels": {"job-name": "volsync-src-plex"}},
             "spec": {"restartPolicy": "Never", "containers": [{"name": "restic", "image": "restic",
                 "env": [{"name": HIDDEN, "value": "Hunter2Hunter2"}]}]}},
        ]);
        self.plane.apply(&json!({"apiVersion": "v1", "kind": "List", "items": objects}).to_string()).await?;
        self.status("v1", "Pod", POD, json!({"phase": "Failed"})).await?;
        let snapshot = json!({"readyToUse": false, "boundVolumeSnapshotContentName": "snapcontent-1"});
        self.status(SNAPSHOT.0, SNAPSHOT.1, "volsync-plex-src", snapshot).await?;
        let failed = json!({"lastSyncTime": "2026-01-01T00:00:00Z",
            "latestMoverStatus": {"result": "Failed", "logs": LOCKED}});
        self.status(SOURCE.0, SOURCE.1, "plex", failed).await
    }

    async fn status(&self, version: &str, kind: &str, name: &str, status: Value) -> anyhow::Result<()> {
        let api = self.api(version, kind, Some(&self.media))?;
        let patch = Patch::Merge(json!({"status": status}));
        api.patch_status(name, &PatchParams::default(), &patch)
            .await
            .with_context(|| format!("the status of {kind} {name}"))?;
        Ok(())
    }

    /// VolSync: a manual tag starts a sync, which succeeds.
    pub fn play_volsync(&self) -> anyhow::Result<tokio::task::JoinHandle<()>> {
        let api = self.api(SOURCE.0, SOURCE.1, Some(&self.media))?;
        Ok(tokio::spawn(async move {
            let clock: &dyn Clock = &RealClock;
            loop {
                clock.sleep(Duration::from_millis(100)).await;
                let Ok(source) = api.get("plex").await else { continue };
                let Some(tag) = source.data.pointer("/spec/trigger/manual") else { continue };
                let synced = json!({"status": {"lastManualSync": tag, "lastSyncTime": kubernetes_time(clock.now()),
                    "latestMoverStatus": {"result": "Successful", "logs": ""}}});
                // Written again, it is the same.
                let _ = api.patch_status("plex", &PatchParams::default(), &Patch::Merge(synced)).await;
            }
        }))
    }
}

/// What the API server refused, anywhere in what is on record.
fn forbidden(value: &Value) -> Option<String> {
    match value {
        Value::Object(fields) if fields.get("reason").is_some_and(|reason| reason == "Forbidden") => {
            Some(value.to_string())
        }
        Value::Object(fields) => fields.values().find_map(forbidden),
        Value::Array(items) => items.iter().find_map(forbidden),
        _ => None,
    }
}
