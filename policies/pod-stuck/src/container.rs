//! Why a container of a pod is not ready.

use suture_policy::kube::pod::{ContainerStatus, Terminated};

use crate::cause::{Cause, Remedy, said};
use crate::events::Warnings;
use crate::image::{self, Fault};
use crate::pod::Pod;

/// What a container runtime says of its own trouble, not of the container's.
const RUNTIME: [&str; 3] =
    ["context deadline exceeded", "is reserved for", "failed to reserve container name"];

/// A container that waits for something that has a name.
pub fn waits(pod: &Pod, status: &ContainerStatus, reason: &str, message: &str, warnings: &Warnings) -> Cause {
    let name = &status.name;
    if reason == "CrashLoopBackOff" {
        return crashes(pod, status, warnings);
    }
    if image::REASONS.contains(&reason) {
        return pulls(pod, name, reason, message, warnings);
    }
    let cause = Cause::for_a_person(pod, format!("container {name} waits: {}", said(reason, message)));
    if RUNTIME.iter().any(|words| message.contains(words)) {
        return Cause { remedy: Remedy::OtherNode, may_pass: true, ..cause };
    }
    // A Secret or a ConfigMap may still come.
    Cause { may_pass: reason == "CreateContainerConfigError", ..cause }
}

fn pulls(pod: &Pod, name: &str, reason: &str, message: &str, warnings: &Warnings) -> Cause {
    // While the kubelet backs off, older ones say no more than that; the event before it does.
    let event = warnings.saying("Failed", "pull");
    let words = event.map(|event| event.message.as_str()).unwrap_or_default();
    let (meaning, fault) = match image::explain(reason, message) {
        (_, Fault::Untold) => image::explain(reason, words),
        told => told,
    };
    let meaning = if meaning.is_empty() { String::new() } else { format!("; {meaning}") };
    let more = match image::explain(reason, message).1 {
        Fault::Untold if !words.is_empty() => format!(" ({})", said("", words)),
        _ => String::new(),
    };
    let what = format!(
        "container {name} waits for its image {}: {}{more}{meaning}",
        pod.image(name),
        said(reason, message)
    );
    let cause = Cause::for_a_person(pod, what);
    match fault {
        Fault::Way => Cause { remedy: Remedy::OtherNode, may_pass: true, ..cause },
        Fault::Rate | Fault::Untold => Cause { may_pass: true, ..cause },
        Fault::Image => cause,
    }
}

/// A container that runs, or has ended, and is not ready.
pub fn not_ready(pod: &Pod, status: &ContainerStatus, warnings: &Warnings) -> Option<Cause> {
    let name = &status.name;
    let is_init = pod.status.init_container_statuses.iter().any(|init| init.name == *name);
    if let Some(running) = &status.state.running {
        let since = running.started_at.map(|at| format!(" since {at}")).unwrap_or_default();
        if is_init && !pod.is_sidecar(name) {
            let what = format!("init container {name} runs{since} and does not end");
            return Some(with_log(pod, name, what));
        }
        let before = status.last_state.terminated.as_ref();
        let before = before
            .map(|ended| {
                format!(
                    "; before that it ended {} times, last with {}",
                    pod.restarts(name),
                    how(pod, name, ended)
                )
            })
            .unwrap_or_default();
        let event = warnings.latest(&["Unhealthy", "ProbeError"]);
        let probe = match event {
            Some(event) => said("", &event.message),
            None if status.started == Some(false) => "it has not passed its startup probe".to_owned(),
            None => "it has not passed its readiness probe".to_owned(),
        };
        let what = format!("container {name} runs{since} and is not ready: {probe}{before}");
        // One that is started again and again is not helped by starting it once more.
        let remedy = match before.as_str() {
            "" => Remedy::OtherPod { since: pod.not_ready_since() },
            _ => Remedy::Person,
        };
        return Some(Cause { remedy, may_pass: true, ..with_log(pod, name, what) });
    }
    let ended = status.state.terminated.as_ref()?;
    let what = format!("container {name} has ended: {}", how(pod, name, ended));
    Some(with_log(pod, name, what))
}

fn crashes(pod: &Pod, status: &ContainerStatus, warnings: &Warnings) -> Cause {
    let name = &status.name;
    let ended = status
        .ended()
        .map_or_else(|| "nothing is known of its end".to_owned(), |ended| how(pod, name, ended));
    let probe = warnings.saying("Unhealthy", "Liveness").filter(|_| was_stopped(status));
    let probe = probe.map(|event| format!("; its liveness probe ended it: {}", said("", &event.message)));
    let what = format!(
        "container {name} ends again and again ({} restarts): {ended}{}",
        pod.restarts(name),
        probe.unwrap_or_default()
    );
    with_log(pod, name, what)
}

/// Whether its kubelet stopped it, and it did as it was told or had to be killed.
fn was_stopped(status: &ContainerStatus) -> bool {
    status
        .ended()
        .is_some_and(|ended| ended.reason != "OOMKilled" && matches!(ended.exit_code, 0 | 137 | 143))
}

/// How it ended, and what that usually means.
fn how(pod: &Pod, name: &str, ended: &Terminated) -> String {
    let meaning = match (ended.reason.as_str(), ended.exit_code) {
        ("OOMKilled", _) => match pod.memory_limit(name) {
            Some(limit) => format!("; it used more than its memory limit of {limit}"),
            None => "; it has no memory limit, so its node had no more".to_owned(),
        },
        (_, 0) => "; it ended by itself, and is made to run for ever".to_owned(),
        (_, 126) => "; its command can't be executed".to_owned(),
        (_, 127) => "; its command is not in the image".to_owned(),
        (_, 139) => "; it accessed memory that is not its own".to_owned(),
        (_, 132) => "; its processor does not know an instruction that it uses".to_owned(),
        _ => String::new(),
    };
    format!("{ended}{meaning}")
}

fn with_log(pod: &Pod, name: &str, what: String) -> Cause {
    let cause = Cause::for_a_person(pod, what);
    let namespace = pod.metadata.namespace.as_deref().unwrap_or_default();
    let previous = if pod.restarts(name) > 0 { " --previous" } else { "" };
    let next = format!("kubectl -n {namespace} logs {} -c {name}{previous}", pod.metadata.name);
    Cause { container: Some(name.to_owned()), next, ..cause }
}
