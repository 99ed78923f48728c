//! What holds up a pod before its containers are made: its volumes and its sandbox.

use serde::Deserialize;
use suture_policy::kube::{self, Metadata};
use suture_policy::resource;

use crate::cause::{Cause, Remedy, said};
use crate::events::Warnings;
use crate::pod::Pod;

/// How many claims of a pod are looked at.
const MOST_CLAIMS: usize = 10;
/// So many pods at a time.
const PAGE: u32 = 100;

/// A claim.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct PersistentVolumeClaim {
    pub metadata: Metadata,
    status: Status,
}

resource!("v1", PersistentVolumeClaim);

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Status {
    phase: String,
}

/// Which claims of a pod are not there, or not bound.
pub fn not_bound(pod: &Pod) -> Option<String> {
    let namespace = pod.metadata.namespace.as_deref().unwrap_or_default();
    let wrong = |name: &str| match kube::find::<PersistentVolumeClaim>(namespace, name) {
        Ok(None) => Some(format!("there is no claim {name}")),
        Ok(Some(claim)) if claim.status.phase != "Bound" => {
            let why = kube::last_warning(&claim).ok().flatten();
            let why = why.map(|event| format!(" ({event})")).unwrap_or_default();
            Some(format!("claim {name} is {}{why}", claim.status.phase))
        }
        Ok(Some(_)) => None,
        Err(error) => Some(format!("claim {name} can't be read: {error}")),
    };
    let wrong: Vec<_> = pod.claims().take(MOST_CLAIMS).filter_map(wrong).collect();
    Some(wrong.join("; ")).filter(|wrong| !wrong.is_empty())
}

/// What the kubelet and the attach controller say, where they say something.
pub fn cause(pod: &Pod, warnings: &Warnings) -> Option<Cause> {
    let event = warnings.latest(&[
        "FailedAttachVolume",
        "FailedMount",
        "FailedMapVolume",
        "FailedCreatePodSandBox",
        "NetworkNotReady",
        "FailedCreatePodContainer",
    ]);
    let Some(event) = event else { return unbound(pod) };
    // A mount waits for an attachment: the latter says why.
    let event = match event.reason.as_str() {
        "FailedMount" => warnings.latest(&["FailedAttachVolume"]).unwrap_or(event),
        _ => event,
    };
    let said = said(&event.reason, &event.message);
    let of_node =
        |what: String| Cause { remedy: Remedy::OtherNode, may_pass: true, ..Cause::for_a_person(pod, what) };
    let is_of_volume =
        matches!(event.reason.as_str(), "FailedAttachVolume" | "FailedMount" | "FailedMapVolume");
    let elsewhere = if is_of_volume { who_holds(pod) } else { None };
    // The controller says it once, and events are kept for an hour: who has it is looked at anyway.
    if event.message.contains("Multi-Attach") || elsewhere.is_some() {
        // It detaches by itself where the other pod has ended.
        let elsewhere = elsewhere.unwrap_or_else(|| "no pod of this namespace has the claim".to_owned());
        let what = format!("a volume of it may be attached to another node: {said}; {elsewhere}");
        return Some(Cause { may_pass: true, ..Cause::for_a_person(pod, what) });
    }
    if event.reason == "FailedMount" && is_missing(&event.message) {
        return Some(Cause {
            may_pass: true,
            ..Cause::for_a_person(pod, format!("it can't be mounted: {said}"))
        });
    }
    Some(match event.reason.as_str() {
        "FailedAttachVolume" => of_node(format!("a volume can't be attached to its node: {said}")),
        "FailedMount" | "FailedMapVolume" => {
            of_node(format!("a volume can't be mounted on its node: {said}"))
        }
        _ => of_node(format!("its node can't set it up: {said}")),
    })
}

fn unbound(pod: &Pod) -> Option<Cause> {
    let what = not_bound(pod)?;
    Some(Cause { may_pass: true, ..Cause::for_a_person(pod, what) })
}

/// Whether a mount waits for an object that is not there: on no other node it is.
fn is_missing(message: &str) -> bool {
    let kinds = [
        "secret \"",
        "configmap \"",
        "references non-existent secret key",
        "references non-existent config key",
    ];
    message.contains("non-existent")
        || (message.contains("not found") && kinds.iter().any(|kind| message.contains(kind)))
}

/// Which other pods have a claim of this one on another node, or why that can't be seen. With
/// `RollingUpdate` a Deployment waits for the new pod before it ends the old one, which has the volume.
fn who_holds(pod: &Pod) -> Option<String> {
    pod.claims().next()?;
    let namespace = pod.metadata.namespace.as_deref().unwrap_or_default();
    let pods = match kube::list::<Pod>().in_namespace(namespace).pages_of(PAGE).read() {
        Ok(pods) => pods,
        Err(error) => return Some(format!("which pod has the claim can't be seen: {error}")),
    };
    let has_claim = |other: &&Pod| {
        other.metadata.uid != pod.metadata.uid
            && !other.is_finished()
            && other.node().is_some_and(|node| pod.node() != Some(node))
            && other.claims().any(|claim| pod.claims().any(|own| own == claim))
    };
    let holders: Vec<_> = pods.iter().filter(has_claim).take(3).map(held_by).collect();
    let advice = "a Deployment with a volume for one node wants `strategy: Recreate`";
    Some(format!("{} ({advice})", holders.join(", "))).filter(|_| !holders.is_empty())
}

fn held_by(pod: &Pod) -> String {
    let going = pod.metadata.deletion_timestamp.map(|at| format!(", being deleted since {at}"));
    format!(
        "pod {} has it on node {}{}",
        pod.metadata.name,
        pod.node().unwrap_or_default(),
        going.unwrap_or_default()
    )
}
