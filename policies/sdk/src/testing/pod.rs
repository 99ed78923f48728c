//! Pods.

use serde_json::{Value, json};

use super::Object;

/// A pod that waits for a node: one container, `main`.
pub fn pod(namespace: &str, name: &str) -> Object {
    Object::new("v1", "Pod", namespace, name)
        .set("/spec/containers", json!([{"name": "main", "image": "example.org/main:1"}]))
        .set("/status/phase", "Pending")
}

/// Of a pod.
impl Object {
    /// Its phase: `Pending`, `Running`, `Succeeded`, `Failed`. A claim has one, too.
    pub fn phase(self, phase: &str) -> Self {
        self.set("/status/phase", phase)
    }

    /// The node that it is on.
    pub fn on_node(self, node: &str) -> Self {
        self.set("/spec/nodeName", node)
    }

    /// It runs, and its container is ready or not.
    pub fn running(self, ready: bool) -> Self {
        let status = json!({"name": "main", "ready": ready, "started": true, "state": {"running": {}}});
        let word = if ready { "True" } else { "False" };
        self.phase("Running").container_status(status).condition("Ready", word, "", "")
    }

    /// Its container waits, for this reason: `ImagePullBackOff`.
    pub fn waiting(self, reason: &str, message: &str) -> Self {
        let state = json!({"waiting": {"reason": reason, "message": message}});
        self.container_status(json!({"name": "main", "ready": false, "state": state}))
    }

    /// Its container ended with an exit code, for this reason (`Error`, `OOMKilled`), and the pod with it.
    pub fn terminated(self, exit_code: i32, reason: &str) -> Self {
        let state = json!({"terminated": {"exitCode": exit_code, "reason": reason}});
        let phase = if exit_code == 0 { "Succeeded" } else { "Failed" };
        self.phase(phase).container_status(json!({"name": "main", "ready": false, "state": state}))
    }

    fn container_status(self, status: Value) -> Self {
        self.set("/status/containerStatuses", json!([status]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kube::Pod;

    #[test]
    fn a_pod_is_as_its_container_is() {
        let read = |pod: Object| pod.read::<Pod>();
        assert!(!read(pod("media", "a")).has_started());
        assert!(read(pod("media", "a").running(true)).has_started());
        let waits = read(pod("media", "a").waiting("ImagePullBackOff", "no such image"));
        assert_eq!(waits.stuck().map(|waiting| waiting.message.as_str()), Some("no such image"));
        let ended = read(pod("media", "a").terminated(137, "OOMKilled").on_node("n"));
        assert!(ended.is_failed() && ended.spec.node_name == "n");
        assert_eq!(ended.status.container_statuses[0].ended().map(|ended| ended.exit_code), Some(137));
    }
}
