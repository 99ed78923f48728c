//! A pod, with more of its fields than the library's has.

use std::ops::Deref;

use serde::Deserialize;
use suture_policy::kube::{self, Metadata};
use suture_policy::{Error, Time, Value, resource};

/// A pod: the library's, and what that does not look at.
#[derive(Clone, Debug, Deserialize)]
#[serde(try_from = "Value")]
pub struct Pod {
    pub metadata: Metadata,
    seen: kube::Pod,
    pub spec: Spec,
    status: Status,
}

resource!("v1", Pod);

/// What a pod was asked to be.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Spec {
    pub volumes: Vec<Volume>,
    containers: Vec<Container>,
    init_containers: Vec<Container>,
}

/// A volume, as far as it matters what becomes of its content.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Volume {
    pub name: String,
    pub empty_dir: Option<EmptyDir>,
    pub persistent_volume_claim: Option<Claim>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct EmptyDir {
    /// `Memory`, or empty for the node's disk.
    pub medium: String,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Claim {
    pub claim_name: String,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Container {
    name: String,
    image: String,
    resources: Resources,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Resources {
    limits: Limits,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Limits {
    memory: Value,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Status {
    container_statuses: Vec<Restarts>,
    init_container_statuses: Vec<Restarts>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Restarts {
    name: String,
    restart_count: u32,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Rest {
    spec: Spec,
    status: Status,
}

impl TryFrom<Value> for Pod {
    type Error = Error;

    fn try_from(value: Value) -> Result<Self, Error> {
        let odd = |error: serde_json::Error| Error::new(format!("a Pod that is none: {error}"));
        let seen: kube::Pod = serde_json::from_value(value.clone()).map_err(odd)?;
        let Rest { spec, status } = serde_json::from_value(value).map_err(odd)?;
        Ok(Self { metadata: seen.metadata.clone(), seen, spec, status })
    }
}

impl Deref for Pod {
    type Target = kube::Pod;

    fn deref(&self) -> &kube::Pod {
        &self.seen
    }
}

impl Pod {
    /// The node that it is on, if it has one.
    pub fn node(&self) -> Option<&str> {
        Some(self.seen.spec.node_name.as_str()).filter(|node| !node.is_empty())
    }

    /// Whether it is ready.
    pub fn is_ready(&self) -> bool {
        self.condition("Ready").is_some_and(kube::Condition::is_true)
    }

    /// Since when it is not ready.
    pub fn not_ready_since(&self) -> Option<Time> {
        self.condition("Ready").and_then(|ready| ready.last_transition_time)
    }

    /// The image that a container is asked to run.
    pub fn image(&self, container: &str) -> &str {
        self.asked(container).map(|container| container.image.as_str()).unwrap_or_default()
    }

    /// How much memory a container may use, if that is limited.
    pub fn memory_limit(&self, container: &str) -> Option<&str> {
        self.asked(container).and_then(|container| container.resources.limits.memory.as_str())
    }

    fn asked(&self, container: &str) -> Option<&Container> {
        self.spec.init_containers.iter().chain(&self.spec.containers).find(|one| one.name == container)
    }

    /// How often a container was started again.
    pub fn restarts(&self, container: &str) -> u32 {
        let Status { container_statuses, init_container_statuses } = &self.status;
        let mut all = init_container_statuses.iter().chain(container_statuses);
        all.find(|one| one.name == container).map_or(0, |one| one.restart_count)
    }

    /// The claims that it mounts.
    pub fn claims(&self) -> impl Iterator<Item = &str> {
        let claims = self.spec.volumes.iter().filter_map(|volume| volume.persistent_volume_claim.as_ref());
        claims.map(|claim| claim.claim_name.as_str())
    }
}

/// `NAMESPACE/NAME`.
pub fn shown(metadata: &Metadata) -> String {
    format!("{}/{}", metadata.namespace.as_deref().unwrap_or_default(), metadata.name)
}
