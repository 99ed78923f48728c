//! A policy of the library as its README configures it, on a real API server with the real
//! controller manager, under no more rights than `suture rbac` prints.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, ensure};
use base64::prelude::{BASE64_STANDARD as BASE64, Engine};
use k8s_openapi::jiff::Timestamp;
use kube::api::{ApiResource, DynamicObject, Patch, PatchParams};
use kube::core::GroupVersionKind;
use kube::discovery::pinned_kind;
use kube::{Api, Client};
use serde_json::{Value, json};
use suture_envtest::ControlPlane;
use suture_tests::command::shows;
use suture_tests::host::Host;
use suture_tests::process::eventually;

const PATIENCE: Duration = Duration::from_secs(120);

/// A namespace, and what a policy is to do there.
pub struct LibraryHarness {
    pub plane: &'static ControlPlane,
    pub namespace: String,
    policy: &'static str,
    dir: tempfile::TempDir,
}

impl LibraryHarness {
    /// A namespace for a policy of the library.
    pub async fn make(policy: &'static str) -> anyhow::Result<Self> {
        let plane = ControlPlane::shared();
        let namespace = plane.namespace(policy).await?;
        Ok(Self { plane, namespace, policy, dir: tempfile::tempdir()? })
    }

    /// A folder of this test.
    pub fn folder(&self) -> &Path {
        self.dir.path()
    }

    /// Start the host with the first configuration of the policy's README: its grants, for this
    /// namespace; with these settings; `more` is what else the configuration says.
    pub async fn host(&self, settings: Value, more: &Value) -> anyhow::Result<Host> {
        let extend = |config: &mut Value| {
            if let (Some(config), Some(more)) = (config.as_object_mut(), more.as_object()) {
                config.extend(more.clone());
            }
        };
        Ok(self.host_with(settings, extend).await?.0)
    }

    /// The same with a configuration that is changed before; and the host's namespace.
    pub async fn host_with(
        &self,
        settings: Value,
        change: impl FnOnce(&mut Value),
    ) -> anyhow::Result<(Host, String)> {
        let own = self.plane.namespace("suture").await?;
        let kubeconfig = self.plane.service_account(&own, "suture").await?;
        let mut entry = self.readme()?;
        entry["source"] = json!({"file": component(self.policy)?});
        entry["mode"] = json!("enforce");
        entry["confirm"] = json!("none");
        entry["settings"] = settings;
        for grant in entry["grants"].as_array_mut().context("the README shows no grants")? {
            if let Some(namespaces) = grant.get_mut("namespaces") {
                *namespaces = json!([self.namespace]);
            }
        }
        let mut config =
            json!({"cluster": {"live": {"kubeconfig": kubeconfig, "namespace": own}}, "policies": [entry]});
        change(&mut config);
        // JSON is YAML; the host's harness writes keys of its own before these.
        let lines = config.as_object().into_iter().flatten();
        let config: String = lines.map(|(key, value)| format!("{key}: {value}\n")).collect();
        let file = self.folder().join("rights.yaml");
        std::fs::write(&file, format!("listen: 127.0.0.1:0\nstorage: {{path: state}}\n{config}"))?;
        let file = file.to_str().context("a path that is no text")?;
        let roles = shows(self.folder(), &["rbac", "--config", file], &[]).await?;
        self.plane.apply(&roles).await?;
        let host = Host::start(&self.folder().join("host"), &config)?;
        host.until(200, "").await?;
        Ok((host, own))
    }

    /// The policy's entry, as its README shows it first.
    fn readme(&self) -> anyhow::Result<Value> {
        let text = std::fs::read_to_string(root().join("policies").join(self.policy).join("README.md"))?;
        let block = text.split("```yaml\n").nth(1).and_then(|rest| rest.split("```").next());
        let config: Value = serde_saphyr::from_str(block.context("the README shows no configuration")?)?;
        config.pointer("/policies/0").cloned().context("the README's configuration has no policy")
    }

    /// Make an object in this namespace, its status too.
    pub async fn put(&self, mut object: Value) -> anyhow::Result<DynamicObject> {
        object["metadata"]["namespace"] = json!(self.namespace);
        self.plane.apply(&object.to_string()).await?;
        let text = |field: &str| object[field].as_str().unwrap_or_default();
        let api = self.api(text("apiVersion"), text("kind")).await?;
        let name = object["metadata"]["name"].as_str().unwrap_or_default();
        if let Some(status) = object.get("status") {
            self.status(&api, name, status).await?;
        }
        Ok(api.get(name).await?)
    }

    /// Play a controller: what it says of an object.
    pub async fn status(&self, api: &Api<DynamicObject>, name: &str, status: &Value) -> anyhow::Result<()> {
        let patch = Patch::Merge(json!({"status": status}));
        api.patch_status(name, &PatchParams::default(), &patch).await?;
        Ok(())
    }

    /// The objects of a kind in this namespace.
    pub async fn api(&self, version: &str, kind: &str) -> anyhow::Result<Api<DynamicObject>> {
        let client = self.plane.client()?;
        let resource = resource(&client, version, kind).await?;
        Ok(Api::namespaced_with(client, &self.namespace, &resource))
    }

    /// An alert fires.
    pub async fn fires(&self, host: &Host, name: &str, labels: Value) -> anyhow::Result<()> {
        let mut alert = json!({"status": "firing", "labels": {"alertname": name, "namespace": self.namespace},
            "startsAt": Timestamp::now().to_string()});
        if let (Some(all), Value::Object(labels)) = (alert["labels"].as_object_mut(), labels) {
            all.extend(labels);
        }
        let status = host.post("/hooks", &json!({"version": "4", "alerts": [alert]})).await?;
        ensure!(status == 200, "the webhook answers {status}");
        Ok(())
    }

    /// Wait until the run has ended: its outcome, and what it says.
    pub async fn ended(&self, host: &Host) -> anyhow::Result<(String, String)> {
        let mut runs = Value::Null;
        let has_ended = async || {
            runs = host.json("/api/v1/runs").await;
            runs["items"][0]["outcome"].is_string()
        };
        let there = eventually(PATIENCE, has_ended).await;
        ensure!(there, "no run has ended: {runs:#}\n{}", host.log());
        let text = |field: &str| runs["items"][0][field].as_str().unwrap_or_default().to_owned();
        Ok((text("outcome"), text("summary")))
    }
}

async fn resource(client: &Client, version: &str, kind: &str) -> anyhow::Result<ApiResource> {
    let (group, version) = version.split_once('/').unwrap_or(("", version));
    Ok(pinned_kind(client, &GroupVersionKind::gvk(group, version, kind)).await?.0)
}

/// The definition of a custom resource that takes whatever it is given.
pub fn definition(group: &str, version: &str, kind: &str, is_namespaced: bool) -> Value {
    let singular = kind.to_lowercase();
    let plural = if let Some(stem) = singular.strip_suffix('y') {
        format!("{stem}ies")
    } else {
        format!("{singular}s")
    };
    let open = json!({"type": "object", "x-kubernetes-preserve-unknown-fields": true});
    json!({
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": {"name": format!("{plural}.{group}")},
        "spec": {
            "group": group, "scope": if is_namespaced { "Namespaced" } else { "Cluster" },
            "names": {"kind": kind, "listKind": format!("{kind}List"), "plural": plural, "singular": singular},
            "versions": [{"name": version, "served": true, "storage": true, "subresources": {"status": {}},
                "schema": {"openAPIV3Schema": {"type": "object", "properties": {"spec": open, "status": open}}}}],
        },
    })
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// The shipped policy. Those that are not in Rust take the engines of other languages to build:
/// `make components` has done that.
fn component(policy: &str) -> anyhow::Result<PathBuf> {
    let sources = root().join("policies").join(policy);
    if sources.join("Cargo.toml").is_file() {
        return Ok(suture_build::build(&sources, None, &suture_build::Silent)?.path);
    }
    let built = root().join("target/policies").join(format!("{policy}.wasm"));
    ensure!(built.is_file(), "{} is not there: `make components` builds it", built.display());
    Ok(std::path::absolute(built)?)
}

/// Write into etcd when an object was made and last changed, which the API server lets nobody say. `path` is its
/// resource as etcd has it (`persistentvolumeclaims`, `GROUP/RESOURCE`).
pub async fn backdate(
    harness: &LibraryHarness,
    path: &str,
    object: &DynamicObject,
    made: Timestamp,
) -> anyhow::Result<()> {
    let mut stored = serde_json::to_value(object)?;
    stored["metadata"]["creationTimestamp"] = json!(format!("{made:.0}"));
    for manager in stored["metadata"]["managedFields"].as_array_mut().into_iter().flatten() {
        manager["time"] = json!(format!("{made:.0}"));
    }
    let name = object.metadata.name.as_deref().unwrap_or_default();
    let key = format!("/registry/{path}/{}/{name}", harness.namespace);
    let put = json!({"key": BASE64.encode(key), "value": BASE64.encode(stored.to_string())});
    let url = format!("{}/v3/kv/put", harness.plane.etcd_url());
    reqwest::Client::new().post(url).json(&put).send().await?.error_for_status()?;
    Ok(())
}
