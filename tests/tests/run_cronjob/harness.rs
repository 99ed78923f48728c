//! A CronJob on a real control plane, a node that runs its Jobs' scripts, and the host.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, ensure};
use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::core::v1::Pod;
use k8s_openapi::jiff::Timestamp;
use kube::Api;
use kube::api::ListParams;
use serde_json::{Value, json};
use suture_envtest::{ControlPlane, program};
use suture_server::{Compiler, ServeOptions, Server};
use suture_tests::process::eventually;
use suture_tests::volsync::Node;

const PATIENCE: Duration = Duration::from_secs(90);

/// A namespace with a CronJob, and a host that runs it for alerts.
pub struct CronJobHarness {
    plane: &'static ControlPlane,
    pub namespace: String,
    node: Node,
    server: Option<Server>,
    dir: tempfile::TempDir,
}

impl CronJobHarness {
    /// A CronJob `heal` that runs a script; `job` is the rest of its Jobs' spec. The host has no
    /// more rights than `suture rbac` prints.
    pub async fn make(script: &str, job: Value, settings: &str) -> anyhow::Result<Self> {
        Self::make_with_pods(script, job, settings, r#"{from: ["cronjobs/*"]}"#).await
    }

    /// As [`make`](Self::make), with what the grant to create Jobs says of their `pods`.
    pub async fn make_with_pods(
        script: &str,
        job: Value,
        settings: &str,
        pods: &str,
    ) -> anyhow::Result<Self> {
        let plane = ControlPlane::shared();
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        for file in std::fs::read_dir(root.join("fixtures/crds"))? {
            // The node looks after snapshots as well.
            plane.apply(&std::fs::read_to_string(file?.path())?).await?;
        }
        let namespace = plane.namespace("ops").await?;
        let dir = tempfile::tempdir()?;
        let node = Node::start(plane.client()?, &namespace, &dir.path().join("node")).await?;
        let mut spec = json!({"backoffLimit": 0, "template": {
            "metadata": {"labels": {"app": "heal"}},
            "spec": {"restartPolicy": "Never", "automountServiceAccountToken": false,
                "containers": [{"name": "heal", "image": "heal:1.4", "command": ["sh", "-c", script]}]}}});
        if let (Some(spec), Value::Object(job)) = (spec.as_object_mut(), job) {
            spec.extend(job);
        }
        let cron_job = json!({"apiVersion": "batch/v1", "kind": "CronJob",
            "metadata": {"name": "heal", "namespace": namespace},
            "spec": {"schedule": "0 0 31 2 *", "suspend": true, "jobTemplate": {
                "metadata": {"labels": {"app": "heal", "tier": "ops"}, "annotations": {"team": "storage"}},
                "spec": spec}}});
        plane.apply(&cron_job.to_string()).await?;
        let mut harness = Self { plane, namespace, node, server: None, dir };
        harness.configure(settings, pods).await?;
        harness.start().await?;
        Ok(harness)
    }

    async fn configure(&self, settings: &str, pods: &str) -> anyhow::Result<()> {
        let own = self.plane.namespace("suture").await?;
        let kubeconfig = self.plane.service_account(&own, "suture").await?;
        let config = format!(
            r#"
listen: 127.0.0.1:0
admin: {{listen: 127.0.0.1:0}}
storage: {{path: state}}
cluster: {{live: {{kubeconfig: {kubeconfig}, namespace: {own}}}}}
policies:
- name: run-cronjob
  source: {{file: {component}}}
  mode: enforce
  match: ['alertname="QueueStuck"']
  confirm: none
  settings: {{cronJob: {{namespace: {ops}, name: heal}}{settings}}}
  grants:
  - {{groups: [batch], resources: [cronjobs], verbs: [get], namespaces: [{ops}], names: [heal]}}
  - {{groups: [batch], resources: [jobs], verbs: [get, list, patch, delete], namespaces: [{ops}]}}
  - {{groups: [batch], resources: [jobs], verbs: [create], namespaces: [{ops}], names: [heal-suture-*], pods: {pods}}}
  - {{groups: [""], resources: [pods, events], verbs: [list], namespaces: [{ops}]}}
  - {{groups: [""], resources: [pods/log], verbs: [get], namespaces: [{ops}]}}
"#,
            kubeconfig = kubeconfig.display(),
            component = component()?.display(),
            ops = self.namespace,
        );
        std::fs::write(self.config(), config)?;
        let rbac =
            suture_server::rbac(&self.config(), Some(own), Some("suture".to_owned()), Compiler::InProcess)
                .await;
        let rbac = rbac.map_err(|errors| anyhow::anyhow!("{errors:?}"))?;
        self.plane.apply(&rbac.needs.roles(&rbac.installation).yaml()).await
    }

    fn config(&self) -> PathBuf {
        self.dir.path().join("suture.yaml")
    }

    async fn start(&mut self) -> anyhow::Result<()> {
        let options = ServeOptions::new(
            Arc::new(|_: &Path, _: f64| Err("this cluster is live".to_owned())),
            Compiler::InProcess,
        );
        self.server = Some(Server::start(&self.config(), options).await?);
        Ok(())
    }

    /// Stop the host, and start another in its place.
    pub async fn restart(&mut self) -> anyhow::Result<()> {
        self.stop().await;
        self.start().await
    }

    /// Stop the host.
    pub async fn stop(&mut self) {
        if let Some(server) = self.server.take() {
            server.stop(Duration::from_secs(5)).await;
        }
    }

    fn server(&self) -> anyhow::Result<&Server> {
        self.server.as_ref().context("the host is stopped")
    }

    /// An alert about something fires.
    pub async fn fires(&self, about: &str) -> anyhow::Result<()> {
        let labels = json!({"alertname": "QueueStuck", "obj_name": about});
        let alert = json!({"status": "firing", "labels": labels, "startsAt": Timestamp::now().to_string()});
        let url = format!("http://{}/hooks", self.server()?.webhook_addr());
        let body = json!({"version": "4", "alerts": [alert]});
        reqwest::Client::new().post(url).json(&body).send().await?.error_for_status()?;
        Ok(())
    }

    /// The runs that have ended: their outcomes and what they say.
    pub async fn ended(&self) -> anyhow::Result<Vec<(String, String)>> {
        let url = format!("http://{}/api/v1/runs", self.server()?.admin_addr());
        let runs: Value = reqwest::get(url).await?.error_for_status()?.json().await?;
        let text = |run: &Value, field: &str| run[field].as_str().unwrap_or_default().to_owned();
        let runs = runs["items"].as_array().into_iter().flatten().filter(|run| run["outcome"].is_string());
        Ok(runs.map(|run| (text(run, "outcome"), text(run, "summary"))).collect())
    }

    /// Wait until so many runs have ended.
    pub async fn until_ended(&self, runs: usize) -> anyhow::Result<Vec<(String, String)>> {
        let mut ended = Vec::new();
        let are_there = async || {
            ended = self.ended().await.unwrap_or_default();
            ended.len() >= runs
        };
        let there = eventually(PATIENCE, are_there).await;
        ensure!(there, "only these have ended: {ended:?}\n{:?}\n{}", self.jobs().await, self.node.logs());
        Ok(ended)
    }

    /// The Jobs in the namespace, as the API server has them.
    pub async fn jobs(&self) -> anyhow::Result<Vec<Job>> {
        let jobs: Api<Job> = Api::namespaced(self.plane.client()?, &self.namespace);
        Ok(jobs.list(&ListParams::default()).await?.items)
    }

    /// Wait until a script is at work.
    pub async fn until_at_work(&self) -> anyhow::Result<()> {
        let pods: Api<Pod> = Api::namespaced(self.plane.client()?, &self.namespace);
        let runs =
            |pod: &Pod| pod.status.as_ref().is_some_and(|status| status.phase.as_deref() == Some("Running"));
        let at_work =
            async || pods.list(&ListParams::default()).await.is_ok_and(|pods| pods.items.iter().any(runs));
        ensure!(
            eventually(PATIENCE, at_work).await,
            "nothing runs: {:?}\n{}",
            self.jobs().await,
            self.node.logs()
        );
        Ok(())
    }

    /// One Job, without what is different for each.
    pub async fn comparable(&self, name: &str) -> anyhow::Result<Value> {
        let jobs: Api<Job> = Api::namespaced(self.plane.client()?, &self.namespace);
        let job = serde_json::to_value(jobs.get(name).await?)?;
        let mut annotations = job["metadata"]["annotations"].clone();
        let mut labels = job["metadata"]["labels"].clone();
        let mut spec = job["spec"].clone();
        for map in [Some(&mut annotations), Some(&mut labels), spec.pointer_mut("/template/metadata/labels")]
        {
            let Some(map) = map.and_then(Value::as_object_mut) else { continue };
            map.retain(|key, _| {
                !["controller-uid", "job-name"].iter().any(|end| key.ends_with(end))
                    && !key.contains("suture.dev/")
            });
        }
        if let Some(spec) = spec.as_object_mut() {
            spec.remove("selector");
        }
        let owners = &job["metadata"]["ownerReferences"];
        Ok(json!({"annotations": annotations, "labels": labels, "ownerReferences": owners, "spec": spec}))
    }

    /// What an operator does by hand.
    pub fn kubectl(&self, arguments: &[&str]) -> anyhow::Result<()> {
        let mut kubectl = Command::new(program("kubectl")?);
        kubectl.arg("--kubeconfig").arg(self.plane.kubeconfig()).args(["--namespace", &self.namespace]);
        let done = kubectl.args(arguments).output()?;
        ensure!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
        Ok(())
    }
}

/// The shipped policy, built by the real build chain.
fn component() -> anyhow::Result<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    Ok(suture_build::build(&root.join("policies/run-cronjob"), None, &suture_build::Silent)?.path)
}
