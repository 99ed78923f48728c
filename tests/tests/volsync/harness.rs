//! An application's volume, its backup, and all that watches over it.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, ensure};
use k8s_openapi::api::core::v1::Pod;
use kube::Api;
use kube::api::{ApiResource, DynamicObject, ListParams};
use kube::core::GroupVersionKind;
use serde_json::{Value, json};
use suture_envtest::ControlPlane;
use suture_server::{Compiler, ServeOptions, Server};
use suture_tests::alertmanager::Alertmanager;
use suture_tests::process::eventually;
use suture_tests::prometheus::Prometheus;
use suture_tests::volsync::{Lock, Node, Operator, Repository};

const TOKEN: &str = "a-token-for-the-webhook";
pub const PASSWORD: &str = "a-password";
/// A pod with a mover's name.
pub const HOLDER: &str = "volsync-src-mealie-96mvk";
/// What this node runs instead has restic in it too.
const IMAGE: &str = "quay.io/backube/volsync:0.9.1";
/// How long anything may take. VolSync calls a source out of sync when two ticks of its schedule went by: two minutes.
pub const PATIENCE: Duration = Duration::from_secs(240);

/// The shipped policy, built by the real build chain.
fn component() -> anyhow::Result<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let built = suture_build::build(&root.join("policies/volsync"), None, &suture_build::Silent)?;
    Ok(built.path)
}

/// A namespace with an application's volume, its backup, and all that watches over it.
pub struct VolsyncHarness {
    pub namespace: String,
    plane: &'static ControlPlane,
    operator: &'static Operator,
    pub node: Node,
    pub repository: Repository,
    host: Option<Host>,
    pub dir: tempfile::TempDir,
}

/// What reacts when the backup fails.
pub struct Host {
    server: Server,
    pub alertmanager: Alertmanager,
    _prometheus: Prometheus,
}

impl VolsyncHarness {
    /// Everything but the backup itself, and the host.
    pub async fn make() -> anyhow::Result<Self> {
        let plane = ControlPlane::shared();
        let operator = Operator::shared(plane).await?;
        let namespace = plane.namespace("media").await?;
        let dir = tempfile::tempdir()?;
        let node = Node::start(plane.client()?, &namespace, &dir.path().join("node")).await?;
        let claim = |name: &str| {
            format!(
                "apiVersion: v1\nkind: PersistentVolumeClaim\nmetadata: {{name: {name}, namespace: {namespace}}}\n\
                 spec: {{accessModes: [ReadWriteOnce], resources: {{requests: {{storage: 1Gi}}}}}}\n---\n"
            )
        };
        plane.apply(&(claim("plex") + &claim("repository"))).await?;
        plane
            .apply(&format!(
                "apiVersion: v1\nkind: Secret\nmetadata: {{name: plex-restic, namespace: {namespace}}}\n\
                 stringData: {{RESTIC_REPOSITORY: /mnt/repository, RESTIC_PASSWORD: {PASSWORD}}}\n"
            ))
            .await?;
        let volumes = ["plex", "repository"].map(|claim| node.volume(claim));
        let are_there = async || volumes.iter().all(|folder| folder.is_dir());
        anyhow::ensure!(eventually(PATIENCE, are_there).await, "no volumes: {}", node.logs());
        std::fs::write(node.volume("plex").join("library.db"), "films")?;
        let repository = Repository::at(&node.volume("repository"), PASSWORD);
        Ok(Self { namespace, plane, operator, node, repository, host: None, dir })
    }

    /// Back the volume up every minute.
    pub async fn back_up(&self, copy: &str) -> anyhow::Result<()> {
        let source = format!(
            r#"
apiVersion: volsync.backube/v1alpha1
kind: ReplicationSource
metadata: {{name: plex, namespace: {namespace}}}
spec:
  sourcePVC: plex
  trigger: {{schedule: "* * * * *"}}
  restic:
    repository: plex-restic
    copyMethod: {copy}
    retain: {{last: "9"}}
    moverVolumes:
    - {{mountPath: repository, volumeSource: {{persistentVolumeClaim: {{claimName: repository}}}}}}
"#,
            namespace = self.namespace
        );
        self.plane.apply(&source).await
    }

    /// Start who reacts: Prometheus on the operator's metrics, Alertmanager, and the host
    /// under a ServiceAccount with the rights that its configuration needs.
    pub async fn watch_over(&mut self) -> anyhow::Result<()> {
        self.watch_over_with("", "").await
    }

    /// The same, with more settings and grants: `key: value` behind a comma, and items of the list.
    pub async fn watch_over_with(&mut self, settings: &str, grants: &str) -> anyhow::Result<()> {
        let root = self.dir.path();
        let own = self.plane.namespace("suture").await?;
        let kubeconfig = self.plane.service_account(&own, "suture").await?;
        let labels = format!("obj_namespace={:?}", self.namespace);
        let address = Alertmanager::reserve()?;
        let prometheus = Prometheus::start_for(root, self.operator.metrics, address, &labels).await?;
        std::fs::write(root.join("token"), TOKEN)?;
        let config = format!(
            r#"
listen: 127.0.0.1:0
admin: {{listen: 127.0.0.1:0}}
webhook: {{tokenFile: token}}
storage: {{path: state}}
cluster: {{live: {{kubeconfig: {kubeconfig}, namespace: {own}}}}}
prometheus: {{url: http://{prometheus}}}
alertmanager: {{url: http://{address}}}
policies:
- name: volsync
  source: {{file: {component}}}
  mode: enforce
  settings: {{retryAfter: 5s, syncTimeout: 3m, snapshotHungAfter: 5s, snapshotDeleteTimeout: 5s{settings}}}
  retry: {{attempts: 20}}
  grants:
  - {{groups: [volsync.backube], resources: [replicationsources], verbs: [get, patch], namespaces: [{media}], fields: [/spec/trigger/manual, /spec/restic/unlock]}}
  - {{groups: [""], resources: [pods, pods/log], verbs: [get, list], namespaces: [{media}]}}
  - {{groups: [batch], resources: [jobs], verbs: [get, list], namespaces: [{media}]}}
  - {{groups: [snapshot.storage.k8s.io], resources: [volumesnapshots], verbs: [get, list, patch, delete], namespaces: [{media}]}}
  - {{groups: [snapshot.storage.k8s.io], resources: [volumesnapshotcontents], verbs: [get]}}
{grants}"#,
            kubeconfig = kubeconfig.display(),
            prometheus = prometheus.address,
            component = component()?.display(),
            media = self.namespace,
        );
        let file = root.join("suture.yaml");
        std::fs::write(&file, config)?;
        let rbac =
            suture_server::rbac(&file, Some(own), Some("suture".to_owned()), Compiler::InProcess).await;
        let rbac = rbac.map_err(|errors| anyhow::anyhow!("{errors:?}"))?;
        self.plane.apply(&rbac.needs.roles(&rbac.installation).yaml()).await?;
        let options = ServeOptions::new(
            Arc::new(|_: &Path, _: f64| Err("this cluster is live".to_owned())),
            Compiler::InProcess,
        );
        let server = Server::start(&file, options).await?;
        let webhook = format!("http://{}/hooks", server.webhook_addr());
        let alertmanager = Alertmanager::start(root, address, &webhook, TOKEN).await?;
        self.host = Some(Host { server, alertmanager, _prometheus: prometheus });
        Ok(())
    }

    /// Who reacts; they must have been started.
    pub fn host(&self) -> anyhow::Result<&Host> {
        self.host.as_ref().context("nobody watches over it yet")
    }

    /// Something of the host's API.
    pub async fn get(&self, path: &str) -> anyhow::Result<Value> {
        let url = format!("http://{}{path}", self.host()?.server.admin_addr());
        Ok(reqwest::get(url).await?.error_for_status()?.json().await?)
    }

    /// Objects of a kind in the namespace.
    pub fn objects(&self, group: &str, version: &str, kind: &str) -> anyhow::Result<Api<DynamicObject>> {
        let kind = ApiResource::from_gvk(&GroupVersionKind::gvk(group, version, kind));
        Ok(Api::namespaced_with(self.plane.client()?, &self.namespace, &kind))
    }

    /// Let a Job unlock, and see that the grants of the policy's README are enough for it.
    pub async fn watch_over_with_a_job(&mut self, settings: &str) -> anyhow::Result<()> {
        let settings = format!(", unlock: job, unlockJob: {{image: {IMAGE}, timeout: 2m}}{settings}");
        let namespace = &self.namespace;
        let grants = format!(
            r#"
  - groups: [batch]
    resources: [jobs]
    verbs: [get, create, delete]
    namespaces: [{namespace}]
    names: ["suture-unlock-*"]
    pods: {{images: ["{IMAGE}"], secrets: [plex-restic], claims: [repository]}}
  - {{groups: [""], resources: [events], verbs: [list], namespaces: [{namespace}]}}
"#
        );
        self.watch_over_with(&settings, &grants).await
    }

    /// Nothing is left of the Job: the garbage collector takes its pods.
    pub async fn has_no_job(&self) -> anyhow::Result<()> {
        for (group, kind) in [("batch", "Job"), ("", "Pod")] {
            let objects = self.objects(group, "v1", kind)?;
            let labelled = ListParams::default().labels("volsync.suture.dev/unlocks");
            let gone = async || objects.list(&labelled).await.is_ok_and(|list| list.items.is_empty());
            ensure!(eventually(PATIENCE, gone).await, "a {kind} stays: {}", self.seen().await);
        }
        Ok(())
    }

    /// The ReplicationSource, as it is now.
    pub async fn source(&self) -> anyhow::Result<Value> {
        let sources = self.objects("volsync.backube", "v1alpha1", "ReplicationSource")?;
        Ok(serde_json::to_value(sources.get("plex").await?)?)
    }

    /// The one incident, and its runs.
    pub async fn incident(&self) -> anyhow::Result<(Value, Vec<Value>)> {
        let incidents = self.get("/api/v1/incidents").await?;
        let incident = incidents["items"][0].clone();
        let mut runs = Vec::new();
        for run in incident["runs"].as_array().into_iter().flatten().filter_map(Value::as_str) {
            runs.push(self.get(&format!("/api/v1/runs/{run}")).await?);
        }
        Ok((incident, runs))
    }

    /// Wait until a run has an outcome and says something; then its incident and it.
    pub async fn until(&self, state: &str, outcome: &str, summary: &str) -> anyhow::Result<(Value, Value)> {
        let mut last = (Value::Null, Vec::new());
        let is_it = |run: &Value| {
            run["outcome"] == outcome && run["summary"].as_str().is_some_and(|said| said.contains(summary))
        };
        let there = eventually(PATIENCE, async || {
            last = self.incident().await.unwrap_or_default();
            last.0["state"] == state && last.1.iter().any(is_it)
        });
        let there = there.await;
        let (incident, mut runs) = last;
        let found = runs.iter().position(is_it).filter(|_| there);
        let Some(found) = found else {
            let ended = runs.iter().map(|run| format!("{}: {}\n", run["outcome"], run["summary"]));
            let ended: String = ended.collect();
            anyhow::bail!("the incident is never `{state}`: {incident:#}\n{ended}{}", self.seen().await);
        };
        Ok((incident, runs.swap_remove(found)))
    }

    /// A pod that holds a lock, until somebody takes it away.
    pub async fn hold(&self) -> anyhow::Result<Api<Pod>> {
        let holder = json!({"apiVersion": "v1", "kind": "Pod",
        "metadata": {"name": HOLDER, "namespace": self.namespace},
        "spec": {
            "restartPolicy": "Never",
            "containers": [{"name": "restic", "image": "restic", "command": Lock::Exclusive.holder(),
                "envFrom": [{"secretRef": {"name": "plex-restic"}}],
                "volumeMounts": [{"name": "repository", "mountPath": "/mnt/repository"}]}],
            "volumes": [{"name": "repository", "persistentVolumeClaim": {"claimName": "repository"}}],
        }});
        self.plane.apply(&holder.to_string()).await?;
        let locked = async || self.repository.locks().is_ok_and(|locks| !locks.is_empty());
        anyhow::ensure!(eventually(PATIENCE, locked).await, "nothing holds a lock: {}", self.seen().await);
        Ok(Api::namespaced(self.plane.client()?, &self.namespace))
    }

    /// The repository is unlocked, the volume is in it, and VolSync goes on by its schedule.
    pub async fn is_well(&self) -> anyhow::Result<()> {
        assert_eq!(self.repository.locks()?, [""; 0], "{}", self.seen().await);
        assert!(!self.repository.snapshots()?.is_empty(), "{}", self.seen().await);
        let source = self.source().await?;
        assert!(source["spec"]["trigger"].get("manual").is_none(), "the trigger stays: {source:#}");
        assert_eq!(source["spec"]["trigger"]["schedule"], "* * * * *");
        let scheduled =
            async || self.source().await.is_ok_and(|source| source["status"]["nextSyncTime"].is_string());
        assert!(eventually(PATIENCE, scheduled).await, "the schedule is not back: {}", self.seen().await);
        Ok(())
    }

    /// An Event on the source says so, for whoever describes it.
    pub async fn has_heard(&self, reason: &str, kind: &str) -> anyhow::Result<()> {
        let events = self.objects("events.k8s.io", "v1", "Event")?;
        let is_said = async || {
            events.list(&ListParams::default()).await.is_ok_and(|list| {
                list.items.iter().map(|event| &event.data).any(|event| {
                    event["reportingController"] == "suture.dev/suture"
                        && event["regarding"]["name"] == "plex"
                        && (&event["reason"], &event["type"]) == (&json!(reason), &json!(kind))
                })
            })
        };
        ensure!(eventually(PATIENCE, is_said).await, "no Event {kind} {reason} on the source");
        Ok(())
    }

    /// What there is to see, for whoever reads a failure.
    pub async fn seen(&self) -> String {
        let source = self.source().await.unwrap_or_default();
        format!("{source:#}\n{}\n--- VolSync\n{}", self.node.logs(), self.operator.last_words())
    }

    /// Stop the host.
    pub async fn stop(self) {
        if let Some(host) = self.host {
            host.server.stop(Duration::from_secs(5)).await;
        }
    }
}
