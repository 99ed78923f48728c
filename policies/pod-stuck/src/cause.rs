//! Why a pod is not ready.

use suture_policy::kube::pod::{ContainerStatus, Waiting};
use suture_policy::{Time, text};

use crate::container;
use crate::events::Warnings;
use crate::node::Health;
use crate::pod::Pod;
use crate::volume;

/// How much of somebody's message is shown, in bytes.
const SHOWN: usize = 600;

/// What could help.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Remedy {
    /// Another node: what holds the pod up is where it is.
    OtherNode,
    /// Another pod, perhaps: it runs, and is not ready since then.
    OtherPod { since: Option<Time> },
    /// A person: another pod would meet the same.
    Person,
}

/// Why a pod is not ready, and what could help.
#[derive(Clone, Debug)]
pub struct Cause {
    /// For people, without the pod's name.
    pub what: String,
    pub remedy: Remedy,
    /// Whether it may pass by itself.
    pub may_pass: bool,
    /// The container whose log tells more.
    pub container: Option<String>,
    /// The command to type next.
    pub next: String,
}

impl Cause {
    pub fn for_a_person(pod: &Pod, what: String) -> Self {
        let (namespace, name) = (pod.metadata.namespace.as_deref().unwrap_or_default(), &pod.metadata.name);
        let next = format!("kubectl -n {namespace} describe pod {name}");
        Self { what, remedy: Remedy::Person, may_pass: false, container: None, next }
    }

    /// Of a pod that is neither ready nor being deleted.
    pub fn of(pod: &Pod, warnings: &Warnings, node: &Health) -> Self {
        if let Some(cause) = without_node(pod) {
            return cause;
        }
        if let Some((name, trouble)) = pod.node().and_then(|name| Some((name, node.trouble(name)?)))
            && !matches!(node, Health::Unknown(_))
        {
            let next = format!("kubectl describe node {name}");
            let what = format!("{trouble}, so nobody knows what it does there");
            return Self { next, ..Self::for_a_person(pod, what) };
        }
        // Behind an init container that has not ended, all others wait for that.
        let inits = pod.status.init_container_statuses.iter().filter(|init| is_in_the_way(pod, init));
        let others = pod.status.container_statuses.iter().filter(|status| status.ready != Some(true));
        let of = |status: &ContainerStatus| Self::of_container(pod, status, warnings);
        if let Some(cause) = inits.chain(others).find_map(of) {
            return cause;
        }
        if let Some(cause) = volume::cause(pod, warnings) {
            return cause;
        }
        let ready = pod.condition("Ready");
        let said = ready.map(|ready| said(&ready.reason, &ready.message)).unwrap_or_default();
        let last = warnings.last().map(|event| format!("; {event}")).unwrap_or_default();
        let what = format!("it is {} and not ready: {said}{last}", pod.status.phase);
        Self { may_pass: true, ..Self::for_a_person(pod, what) }
    }

    fn of_container(pod: &Pod, status: &ContainerStatus, warnings: &Warnings) -> Option<Self> {
        if let Some(Waiting { reason, message }) = &status.state.waiting {
            return match reason.as_str() {
                "PodInitializing" | "ContainerCreating" | "" => volume::cause(pod, warnings),
                _ => Some(container::waits(pod, status, reason, message, warnings)),
            };
        }
        container::not_ready(pod, status, warnings)
    }
}

/// A pod that the scheduler has not found a node for, or has not been asked to.
fn without_node(pod: &Pod) -> Option<Cause> {
    if pod.node().is_some() {
        return None;
    }
    let Some(scheduled) = pod.condition("PodScheduled").filter(|condition| !condition.is_true()) else {
        let what = "no scheduler has looked at it (`schedulerName`)".to_owned();
        return Some(Cause { may_pass: true, ..Cause::for_a_person(pod, what) });
    };
    let said = said(&scheduled.reason, &scheduled.message);
    if scheduled.reason == "SchedulingGated" {
        return Some(Cause::for_a_person(pod, format!("it is held by its `schedulingGates`: {said}")));
    }
    let claims = volume::not_bound(pod).map(|claims| format!("; {claims}")).unwrap_or_default();
    // A node may be on its way.
    Some(Cause { may_pass: true, ..Cause::for_a_person(pod, format!("it has no node: {said}{claims}")) })
}

/// Whether an init container keeps the others from starting.
fn is_in_the_way(pod: &Pod, init: &ContainerStatus) -> bool {
    let is_done = init.state.terminated.as_ref().is_some_and(|ended| ended.exit_code == 0);
    let goes_on_beside =
        pod.is_sidecar(&init.name) && init.state.running.is_some() && init.started != Some(false);
    !is_done && !goes_on_beside
}

/// `Reason: message`, or what there is of it, cut.
pub fn said(reason: &str, message: &str) -> String {
    let message = text::one_line(message);
    match (reason, text::start(&message, SHOWN)) {
        (reason, "") => reason.to_owned(),
        ("", message) => message.to_owned(),
        (reason, message) => format!("{reason}: {message}"),
    }
}
