//! Pods, as far as policies look at them.

use serde::Deserialize;

use super::{Metadata, Ref};
use crate::{Result, Time, host};

/// A pod.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Pod {
    /// Its metadata.
    pub metadata: Metadata,
    /// What it was asked to be.
    pub spec: PodSpec,
    /// What it is.
    pub status: PodStatus,
}

crate::resource!("v1", Pod);

/// What a pod was asked to be.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct PodSpec {
    /// Its containers; the first is the one that the others serve.
    pub containers: Vec<Container>,
}

/// A container of a pod.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Container {
    /// Its name.
    pub name: String,
}

/// What a pod is.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct PodStatus {
    /// `Pending`, `Running`, `Succeeded`, `Failed` or `Unknown`.
    pub phase: String,
    /// Its containers.
    pub container_statuses: Vec<ContainerStatus>,
    /// Its init containers.
    pub init_container_statuses: Vec<ContainerStatus>,
}

/// What a container is.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct ContainerStatus {
    /// Its name.
    pub name: String,
    /// One of three.
    pub state: ContainerState,
}

/// What a container is doing; one of the fields is there.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct ContainerState {
    /// It has not begun, and why.
    pub waiting: Option<Waiting>,
    /// It has ended, and how.
    pub terminated: Option<Terminated>,
}

/// Why a container has not begun.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Waiting {
    /// `ContainerCreating`, `ImagePullBackOff`, …
    pub reason: String,
    /// For people.
    pub message: String,
}

/// How a container has ended.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Terminated {
    /// What the process returned.
    pub exit_code: i32,
    /// When.
    pub finished_at: Option<Time>,
}

/// What a container waits for that does not come by itself.
const STUCK: [&str; 6] = [
    "ImagePullBackOff",
    "ErrImagePull",
    "ErrImageNeverPull",
    "InvalidImageName",
    "CreateContainerConfigError",
    "CreateContainerError",
];

impl Pod {
    /// Whether its work is over, well or badly.
    pub fn is_finished(&self) -> bool {
        matches!(self.status.phase.as_str(), "Succeeded" | "Failed")
    }

    /// Whether its work is over and it did not succeed.
    pub fn is_failed(&self) -> bool {
        self.status.phase == "Failed"
    }

    /// Why it will not start by itself: a container waits for an image or a
    /// configuration that is not there.
    pub fn stuck(&self) -> Option<&Waiting> {
        let PodStatus { container_statuses, init_container_statuses, .. } = &self.status;
        let mut waiting = init_container_statuses
            .iter()
            .chain(container_statuses)
            .filter_map(|status| status.state.waiting.as_ref());
        waiting.find(|waiting| STUCK.contains(&waiting.reason.as_str()))
    }

    /// When the last of its containers ended, where one has.
    pub fn finished_at(&self) -> Option<Time> {
        let ended =
            self.status.container_statuses.iter().filter_map(|status| status.state.terminated.as_ref());
        ended.filter_map(|terminated| terminated.finished_at).max()
    }

    /// The name of its first container; empty where it does not say.
    pub fn main_container(&self) -> &str {
        self.spec.containers.first().map_or("", |container| &container.name)
    }
}

impl Ref<Pod> {
    /// The last lines that a container has written. `container` may be empty where the
    /// pod has one.
    ///
    /// # Errors
    /// What the host says.
    pub fn logs(&self, container: &str, lines: u32) -> Result<String> {
        Ok(host::call(|host| host.logs(&self.target, container, lines, 0))?)
    }
}
