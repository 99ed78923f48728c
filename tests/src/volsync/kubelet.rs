//! What the scheduler and the kubelet do about the pods of one namespace.
//!
//! They look at all of them several times a second and do what is next for each; pods
//! are few here.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::PathBuf;

use anyhow::{Context, bail};
use k8s_openapi::api::core::v1::{Container as Spec, Event, Pod};
use kube::api::{DeleteParams, ListParams, Patch, PatchParams, PostParams, Preconditions};
use kube::{Api, Client, ResourceExt};
use serde_json::{Value, json};

use super::container::{Container, Plan};
use super::node::{LOOKS_EVERY, Mounts, now, pause};
use super::storage::Storage;
use super::{environment, files, logs};

/// The work on pods.
pub struct Kubelet {
    pub pods: Api<Pod>,
    pub storage: Storage,
    pub client: Client,
    pub name: String,
    pub namespace: String,
    pub folder: PathBuf,
    pub image: Mounts,
    /// By the pods' uids.
    pub running: BTreeMap<String, Container>,
}

impl Kubelet {
    /// Look again and again; write down what goes wrong.
    pub async fn run(mut self) {
        let mut last = String::new();
        loop {
            if let Err(error) = self.look().await {
                let error = format!("{error:#}\n");
                if error != last {
                    self.complain(&error);
                }
                last = error;
            }
            pause(LOOKS_EVERY).await;
        }
    }

    fn complain(&self, text: &str) {
        let log = std::fs::File::options().create(true).append(true).open(self.folder.join("node.log"));
        let _ = log.and_then(|mut log| log.write_all(text.as_bytes()));
    }

    async fn look(&mut self) -> anyhow::Result<()> {
        self.storage.look().await?;
        let pods = self.pods.list(&ListParams::default()).await?.items;
        // What is gone without a word was deleted by force.
        self.running.retain(|uid, _| pods.iter().any(|pod| pod.uid().as_ref() == Some(uid)));
        let mut done = Ok(());
        for pod in &pods {
            let next = self.next(pod).await.with_context(|| format!("pod {}", pod.name_any()));
            done = done.and(next);
        }
        done
    }

    /// What is next for a pod.
    async fn next(&mut self, pod: &Pod) -> anyhow::Result<()> {
        let uid = pod.uid().unwrap_or_default();
        let phase = pod.status.as_ref().and_then(|status| status.phase.as_deref()).unwrap_or_default();
        let node = pod.spec.as_ref().and_then(|spec| spec.node_name.as_deref());
        if pod.metadata.deletion_timestamp.is_some() {
            self.running.remove(&uid);
            return self.forget(pod, &uid).await;
        }
        match (node, phase) {
            (None, _) => self.schedule(pod).await,
            (Some(node), "Pending") if node == self.name && !self.running.contains_key(&uid) => {
                self.start(pod, uid).await
            }
            _ => self.reap(pod, &uid).await,
        }
    }

    /// Once a pod's containers have ended, its kubelet takes the object away.
    async fn forget(&self, pod: &Pod, uid: &str) -> anyhow::Result<()> {
        let preconditions = Preconditions { uid: Some(uid.to_owned()), ..Preconditions::default() };
        let params =
            DeleteParams { preconditions: Some(preconditions), ..DeleteParams::default().grace_period(0) };
        match self.pods.delete(&pod.name_any(), &params).await {
            Err(kube::Error::Api(status)) if status.is_not_found() || status.is_conflict() => Ok(()),
            other => Ok(other.map(drop)?),
        }
    }

    async fn schedule(&self, pod: &Pod) -> anyhow::Result<()> {
        let binding = json!({"apiVersion": "v1", "kind": "Binding", "metadata": {"name": pod.name_any()},
            "target": {"apiVersion": "v1", "kind": "Node", "name": self.name}});
        let params = PostParams::default();
        self.pods.create_subresource::<_, Value>("binding", &pod.name_any(), &params, &binding).await?;
        Ok(())
    }

    async fn start(&mut self, pod: &Pod, uid: String) -> anyhow::Result<()> {
        let (container, mounts) = match self.prepare(pod).await {
            // Its volumes are not there yet.
            Ok(None) => return Ok(()),
            Ok(Some(prepared)) => prepared,
            Err(error) => return self.config_error(pod, &error).await,
        };
        let environment = match environment::resolve(&self.client, &self.namespace, container).await {
            Ok(environment) => environment,
            Err(error) => return self.config_error(pod, &error).await,
        };
        let command = [&container.command, &container.args].into_iter().flatten().flatten().cloned();
        let plan = Plan {
            hostname: pod.name_any(),
            mounts,
            environment,
            command: command.collect(),
            log: logs::file(&self.folder.join("logs"), &pod.name_any(), &container.name),
            root: self.folder.join("roots").join(&uid),
            is_read_only: container
                .security_context
                .as_ref()
                .is_some_and(|context| context.read_only_root_filesystem == Some(true)),
        };
        self.running.insert(uid, Container::start(&plan)?);
        self.tell(pod, &container.name).await?;
        self.report(pod, "Running", true, json!({"running": {"startedAt": now()}})).await
    }

    /// Tell everybody that a container has started, as the real kubelet does.
    async fn tell(&self, pod: &Pod, container: &str) -> anyhow::Result<()> {
        let name = pod.name_any();
        let event = json!({"apiVersion": "v1", "kind": "Event",
            "metadata": {"name": format!("{name}.{}", pod.uid().unwrap_or_default())},
            "involvedObject": {"apiVersion": "v1", "kind": "Pod", "namespace": self.namespace, "name": name, "uid": pod.uid()},
            "type": "Normal", "reason": "Started", "message": format!("Started container {container}"),
            "source": {"component": "kubelet", "host": self.name}, "count": 1,
            "firstTimestamp": now(), "lastTimestamp": now()});
        let events: Api<Event> = Api::namespaced(self.client.clone(), &self.namespace);
        events.create(&PostParams::default(), &serde_json::from_value(event)?).await?;
        Ok(())
    }

    /// The one container of a pod, and what is mounted into it. `None` while there are
    /// volumes to wait for.
    async fn prepare<'pod>(&self, pod: &'pod Pod) -> anyhow::Result<Option<(&'pod Spec, Mounts)>> {
        let spec = pod.spec.as_ref().context("no spec")?;
        let [container] = &spec.containers[..] else { bail!("this kubelet runs one container a pod") };
        if spec.init_containers.iter().flatten().next().is_some() {
            bail!("this kubelet runs no init containers");
        }
        let mut mounts = self.image.clone();
        for mount in container.volume_mounts.iter().flatten() {
            let mut volumes = spec.volumes.iter().flatten();
            let volume =
                volumes.find(|volume| volume.name == mount.name).context("a mount without a volume")?;
            let own =
                self.folder.join("roots").join(format!("{}.{}", pod.uid().unwrap_or_default(), volume.name));
            let folder = if let Some(claim) = &volume.persistent_volume_claim {
                let folder = self.storage.folder(&claim.claim_name);
                if !folder.is_dir() {
                    return Ok(None);
                }
                folder
            } else if volume.empty_dir.is_some() {
                std::fs::create_dir_all(&own)?;
                own
            } else if files::write(&self.client, &self.namespace, volume, &own).await? {
                own
            } else if volume.projected.is_some() {
                // The ServiceAccount's token: nothing here asks the API server.
                continue;
            } else {
                bail!(
                    "volume {}: this kubelet knows only claims, emptyDir, Secrets and ConfigMaps",
                    volume.name
                )
            };
            mounts.push((folder, mount.mount_path.clone()));
        }
        Ok(Some((container, mounts)))
    }

    async fn config_error(&self, pod: &Pod, error: &anyhow::Error) -> anyhow::Result<()> {
        let waiting = json!({"reason": "CreateContainerConfigError", "message": format!("{error:#}")});
        self.report(pod, "Pending", false, json!({"waiting": waiting})).await
    }

    /// Say how a container has ended.
    async fn reap(&mut self, pod: &Pod, uid: &str) -> anyhow::Result<()> {
        let Some(container) = self.running.get_mut(uid) else { return Ok(()) };
        let Some(code) = container.ended()? else { return Ok(()) };
        let (phase, reason) = if code == 0 { ("Succeeded", "Completed") } else { ("Failed", "Error") };
        let start = pod.status.as_ref().and_then(|status| status.start_time.clone());
        let terminated = json!({"exitCode": code, "reason": reason, "startedAt": start, "finishedAt": now()});
        self.report(pod, phase, false, json!({"terminated": terminated})).await?;
        self.running.remove(uid);
        Ok(())
    }

    async fn report(&self, pod: &Pod, phase: &str, is_ready: bool, state: Value) -> anyhow::Result<()> {
        let container = pod.spec.as_ref().and_then(|spec| spec.containers.first()).context("no container")?;
        let start = pod.status.as_ref().and_then(|status| status.start_time.as_ref());
        let status = json!({"status": {
            "phase": phase,
            "startTime": start.map_or_else(now, |start| json!(start)),
            "containerStatuses": [{"name": container.name, "image": container.image, "imageID": "local",
                "ready": is_ready, "started": is_ready, "restartCount": 0, "state": state}],
        }});
        self.pods.patch_status(&pod.name_any(), &PatchParams::default(), &Patch::Merge(status)).await?;
        Ok(())
    }
}
