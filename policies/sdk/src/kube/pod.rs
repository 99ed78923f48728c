//! Pods, as far as policies look at them.

mod end;
mod start;

use serde::Deserialize;

use super::{Condition, Metadata, Ref};
use crate::{Result, Time};

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
    /// The node that it is on; empty as long as it has none.
    pub node_name: String,
    /// Its containers. Which of them does the work is told by their names, not their order:
    /// a service mesh puts its own in front.
    pub containers: Vec<Container>,
    /// What must end, or begin, before these.
    pub init_containers: Vec<Container>,
}

/// A container of a pod.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Container {
    /// Its name.
    pub name: String,
    /// `Always` of an init container that runs beside the others: a native sidecar. Empty of most.
    pub restart_policy: String,
}

impl Container {
    /// Whether it is an init container that runs on beside the others.
    pub fn is_sidecar(&self) -> bool {
        self.restart_policy == "Always"
    }
}

/// What a pod is.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct PodStatus {
    /// `Pending`, `Running`, `Succeeded`, `Failed` or `Unknown`.
    pub phase: String,
    /// Why it is so, where it is the pod as a whole: `Evicted`, `DeadlineExceeded`.
    pub reason: String,
    /// The same, for people.
    pub message: String,
    /// `PodScheduled`, `Ready`, …
    pub conditions: Vec<Condition>,
    /// Its containers.
    pub container_statuses: Vec<ContainerStatus>,
    /// Its init containers.
    pub init_container_statuses: Vec<ContainerStatus>,
}

/// What a container is.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ContainerStatus {
    /// Its name.
    pub name: String,
    /// Whether it has passed its startup probe; of a native sidecar, whether others may begin.
    pub started: Option<bool>,
    /// Whether it is ready, as the kubelet said last.
    pub ready: Option<bool>,
    /// One of three.
    pub state: ContainerState,
    /// What it was doing before it was started again, if it was.
    pub last_state: ContainerState,
}

/// What a container is doing; one of the fields is there.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct ContainerState {
    /// It has not begun, and why.
    pub waiting: Option<Waiting>,
    /// It runs.
    pub running: Option<Running>,
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

/// Since when a container runs.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Running {
    /// Since when.
    pub started_at: Option<Time>,
}

/// How a container has ended.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Terminated {
    /// What the process returned.
    pub exit_code: i32,
    /// `Completed`, `Error`, `OOMKilled`, …
    pub reason: String,
    /// What it left as its last words (`/dev/termination-log`).
    pub message: String,
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

    /// Whether a container of it has begun, and perhaps ended: something was done.
    pub fn has_started(&self) -> bool {
        let PodStatus { container_statuses, init_container_statuses, .. } = &self.status;
        self.is_finished()
            || init_container_statuses.iter().chain(container_statuses).any(ContainerStatus::has_started)
    }

    /// A condition of it.
    pub fn condition(&self, name: &str) -> Option<&Condition> {
        self.status.conditions.iter().find(|condition| condition.name == name)
    }

    /// When the last of its main containers ended, where one has; else the last init container.
    pub fn finished_at(&self) -> Option<Time> {
        let last = |statuses: &[ContainerStatus]| {
            let ended = statuses.iter().filter_map(|status| status.state.terminated.as_ref());
            ended.filter_map(|terminated| terminated.finished_at).max()
        };
        last(&self.status.container_statuses).or_else(|| last(&self.status.init_container_statuses))
    }
}

impl ContainerStatus {
    /// Whether it has begun, now or before it was started again.
    pub fn has_started(&self) -> bool {
        let begun = |state: &ContainerState| state.running.is_some() || state.terminated.is_some();
        begun(&self.state) || begun(&self.last_state)
    }

    /// How it ended, now or before it was started again.
    pub fn ended(&self) -> Option<&Terminated> {
        self.state.terminated.as_ref().or(self.last_state.terminated.as_ref())
    }
}

impl Ref<Pod> {
    /// The last lines that a container has written. `container` may be empty where the
    /// pod has one.
    ///
    /// # Errors
    /// What the host says.
    pub fn logs(&self, container: &str, lines: u32) -> Result<String> {
        self.ask(|host| host.logs(&self.target, container, lines, 0))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn pod(phase: &str, state: Value, last: Value) -> Pod {
        let statuses = json!([{"name": "main", "state": state, "lastState": last}]);
        serde_json::from_value(json!({"status": {"phase": phase, "containerStatuses": statuses}})).unwrap()
    }

    #[test]
    fn a_pod_has_started_once_a_container_has_and_for_good() {
        let waiting = |reason: &str| json!({"waiting": {"reason": reason}});
        let ended = json!({"terminated": {"exitCode": 3, "reason": "Error"}});
        assert!(!pod("Pending", waiting("ImagePullBackOff"), json!({})).has_started());
        assert!(
            pod("Running", json!({"running": {"startedAt": "2026-11-22T04:10:00Z"}}), json!({}))
                .has_started()
        );
        let again = pod("Running", waiting("CrashLoopBackOff"), ended);
        assert!(again.has_started());
        assert_eq!(again.status.container_statuses[0].ended().map(|ended| ended.exit_code), Some(3));
        assert!(pod("Failed", json!({}), json!({})).has_started());
    }
}
