//! Why a pod's work has not begun.

use super::end::reason_and_message;
use super::{ContainerStatus, Pod};
use crate::kube::last_warning;

impl Pod {
    /// Why none of its main containers has begun: no node, an image, an init container that
    /// does not end, a volume. What only an event tells is read, if it may be.
    pub fn why_not_started(&self) -> String {
        let pod = &self.metadata.name;
        let scheduled = self.condition("PodScheduled").filter(|condition| condition.status == "False");
        if let Some(condition) = scheduled {
            let why = reason_and_message(&condition.reason, &condition.message);
            return format!("pod {pod} has no node: {why}");
        }
        let inits = &self.status.init_container_statuses;
        // A native sidecar that has started is in nobody's way, whatever became of it before.
        let is_in_the_way = |init: &&ContainerStatus| {
            !self.is_sidecar(&init.name) || init.state.running.is_none() || init.started == Some(false)
        };
        let in_the_way = || inits.iter().filter(is_in_the_way);
        if let Some(init) = in_the_way().find(|init| init.state.running.is_some()) {
            let what = if self.is_sidecar(&init.name) { "has not started yet" } else { "still runs" };
            return format!("init container {} of pod {pod} {what}", init.name);
        }
        if let Some((init, ended)) = in_the_way().find_map(|init| Some((init, failed(init)?))) {
            return format!("init container {} of pod {pod}: {ended}", init.name);
        }
        let waits = |status: &&ContainerStatus| {
            // Behind an init container that waits for something, all others wait for that.
            status.state.waiting.as_ref().is_some_and(|waiting| waiting.reason != "PodInitializing")
        };
        let waiting = inits.iter().chain(&self.status.container_statuses).find(waits);
        let waiting = waiting.and_then(|status| Some((&status.name, status.state.waiting.as_ref()?)));
        match waiting {
            Some((container, waiting)) if waiting.message.is_empty() => {
                format!("container {container} of pod {pod} waits: {}{}", waiting.reason, self.warning())
            }
            Some((container, waiting)) => {
                let why = reason_and_message(&waiting.reason, &waiting.message);
                format!("container {container} of pod {pod} waits: {why}")
            }
            None => format!("pod {pod} is {}{}", self.status.phase, self.warning()),
        }
    }

    /// Whether a container is a native sidecar: an init container that runs on beside the others.
    pub fn is_sidecar(&self, container: &str) -> bool {
        self.spec.init_containers.iter().any(|init| init.name == container && init.is_sidecar())
    }

    /// Why it does not go, though it is being deleted: what holds it, and where.
    pub fn why_not_gone(&self) -> String {
        let mut why = Vec::new();
        if !self.spec.node_name.is_empty() {
            why.push(format!("its node {} does not confirm its end", self.spec.node_name));
        }
        if !self.metadata.finalizers.is_empty() {
            why.push(format!("finalizers {}", self.metadata.finalizers.join(", ")));
        }
        if let Some(condition) = self.disruption() {
            why.push(reason_and_message(&condition.reason, &condition.message));
        }
        why.join("; ")
    }

    /// Whether one of its main containers has begun, and perhaps ended.
    pub fn main_has_started(&self) -> bool {
        self.is_finished() || self.status.container_statuses.iter().any(ContainerStatus::has_started)
    }

    fn warning(&self) -> String {
        match last_warning(self) {
            Ok(Some(event)) => format!(": {event}"),
            // That it may not be read is no news to who waits for a pod.
            Ok(None) | Err(_) => String::new(),
        }
    }
}

fn failed(init: &ContainerStatus) -> Option<&super::Terminated> {
    init.ended().filter(|ended| ended.exit_code != 0)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn pod(status: Value) -> Pod {
        serde_json::from_value(json!({"metadata": {"name": "x"}, "status": status})).unwrap()
    }

    #[test]
    fn what_a_pod_waits_for_is_told() {
        let unschedulable = json!([{"type": "PodScheduled", "status": "False", "reason": "Unschedulable",
            "message": "0/3 nodes are available"}]);
        let no_node = pod(json!({"phase": "Pending", "conditions": unschedulable}));
        assert_eq!(no_node.why_not_started(), "pod x has no node: Unschedulable: 0/3 nodes are available");
        let image = json!({"waiting": {"reason": "ImagePullBackOff", "message": "not found"}});
        let behind = json!([{"name": "a", "state": {"waiting": {"reason": "PodInitializing"}}}]);
        let init = |state: Value| json!([{"name": "i", "state": state}]);
        let pulls = pod(json!({"initContainerStatuses": init(image), "containerStatuses": behind}));
        assert_eq!(pulls.why_not_started(), "container i of pod x waits: ImagePullBackOff: not found");
        let runs =
            pod(json!({"initContainerStatuses": init(json!({"running": {}})), "containerStatuses": behind}));
        assert_eq!(runs.why_not_started(), "init container i of pod x still runs");
        assert!(!runs.main_has_started() && runs.has_started());
    }
}
