//! A pod that is being deleted, and does not go.

use suture_policy::kube::{self, Waited, deleted};
use suture_policy::step;
use suture_policy::stop::{Stop, escalate, unnecessary};

use crate::events::Warnings;
use crate::manifest::Settings;
use crate::node::Health;
use crate::owner::Owner;
use crate::pod::{Pod, shown};

/// Wait for its end, and say what holds it. It is never forced: only its kubelet knows whether its
/// containers have ended, and two of them at one volume can destroy what is there.
pub fn see_through<T>(pod: &Pod, settings: &Settings) -> Result<T, Stop> {
    let name = shown(&pod.metadata);
    step!("waiting for the end of Pod {name}, which is being deleted");
    match kube::of(pod).wait(deleted(), settings.patience)? {
        Waited::Deleted | Waited::Met(_) => {
            return unnecessary(format!("Pod {name} was deleted, and is gone"));
        }
        Waited::Timeout => {}
    }
    let Some(pod) = kube::of(pod).find()? else {
        return unnecessary(format!("Pod {name} was deleted, and is gone"));
    };
    escalate(held(&pod))
}

/// What holds it, and what a person can do.
fn held(pod: &Pod) -> String {
    let name = shown(&pod.metadata);
    let since = pod.metadata.deletion_timestamp.map(|at| format!(" since {at}")).unwrap_or_default();
    let node = pod.node().unwrap_or_default();
    let health = Health::of(pod.node());
    let owner = match Owner::of(pod) {
        Owner::StatefulSet(_) => "; its StatefulSet makes no other before it is gone",
        _ => "",
    };
    if let Some(trouble) = health.trouble(node).filter(|_| !matches!(health, Health::Unknown(_))) {
        return format!(
            "Pod {name} is being deleted{since} and does not go: {trouble}, so nobody knows whether its containers \
             have ended{owner}. It was not forced: they may still write. Bring the node back; only if its machine is \
             certainly off, delete the Node. Next: kubectl describe node {node}"
        );
    }
    if !pod.metadata.finalizers.is_empty() {
        return format!(
            "Pod {name} is being deleted{since} and does not go: finalizers {}{owner}; whoever has set them must take \
             them away. Next: kubectl -n {} get pod {} -o yaml",
            pod.metadata.finalizers.join(", "),
            pod.metadata.namespace.as_deref().unwrap_or_default(),
            pod.metadata.name
        );
    }
    let last = Warnings::of(pod).last().map(|event| format!(": {event}")).unwrap_or_default();
    format!(
        "Pod {name} is being deleted{since} and does not go, though its node {node} answers{last}{owner}. It was not \
         forced. Next: kubectl -n {} describe pod {}, then the kubelet's log on {node}",
        pod.metadata.namespace.as_deref().unwrap_or_default(),
        pod.metadata.name
    )
}
