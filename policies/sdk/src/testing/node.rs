//! Nodes.

use super::Object;

/// A node that is ready, or of which nothing is heard.
pub fn node(name: &str, ready: bool) -> Object {
    let node = Object::new("v1", "Node", "", name);
    if ready {
        node.condition("Ready", "True", "KubeletReady", "kubelet is posting ready status")
    } else {
        node.condition("Ready", "Unknown", "NodeStatusUnknown", "Kubelet stopped posting node status.")
    }
}

/// Of a node.
impl Object {
    /// It takes no new pods.
    pub fn cordoned(self) -> Self {
        self.set("/spec/unschedulable", true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_says_whether_it_is_ready() {
        assert_eq!(node("n", true).value()["status"]["conditions"][0]["status"], "True");
        let lost = node("n", false).cordoned().value();
        assert_eq!(lost["status"]["conditions"][0]["reason"], "NodeStatusUnknown");
        assert_eq!(
            (lost["spec"]["unschedulable"].clone(), lost["metadata"].get("namespace")),
            (true.into(), None)
        );
    }
}
