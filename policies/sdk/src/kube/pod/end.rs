//! How a pod has ended: by all that Kubernetes says of it, before its log is asked.

use std::cmp::Reverse;
use std::fmt;

use super::{ContainerStatus, Pod, Terminated};
use crate::{Time, text};

/// How much of somebody's message is shown, in bytes.
const SHOWN: usize = 500;

/// What ends a container from outside: the kernel for its memory, or a kubelet that lost it.
const CUT_OFF: [&str; 6] = [
    "OOMKilled",
    "ContainerStatusUnknown",
    "ContainerCannotRun",
    "StartError",
    "DeadlineExceeded",
    "Evicted",
];

impl Pod {
    /// The container that tells most about a pod that was made for the work of `main`: of
    /// those that failed one of these, else another, an init container last (sidecars are
    /// ended when the others are done); where none has failed the first of `main`. By name,
    /// never by position, for others put theirs in front. Where none of `main` is there, what
    /// the pod says is looked at by default.
    pub fn telling_container(&self, main: &[&str]) -> &str {
        let is_main = |name: &str| main.contains(&name);
        let by_default =
            self.metadata.annotations.get("kubectl.kubernetes.io/default-container").map(String::as_str);
        let has_failed = |status: &&ContainerStatus| status.ended().is_some_and(|ended| ended.exit_code != 0);
        let is_init = |name: &str| self.status.init_container_statuses.iter().any(|init| init.name == name);
        let rank = |status: &&ContainerStatus| {
            let name = status.name.as_str();
            // What failed first has ended the others.
            let at = status.ended().and_then(|ended| ended.finished_at);
            (is_main(name), !is_init(name), Some(name) == by_default, at.is_some(), Reverse(at))
        };
        if let Some(failed) = self.statuses().filter(has_failed).max_by_key(rank) {
            return &failed.name;
        }
        let names = || self.spec.containers.iter().map(|container| container.name.as_str());
        let named = main.iter().find_map(|main| names().find(|name| name == main));
        named.or(by_default).or_else(|| names().next()).unwrap_or_default()
    }

    /// How it ended, without its name and its log: the container's exit code, reason and last
    /// words, and what Kubernetes says of the pod as a whole.
    pub fn how_it_ended(&self, container: &str) -> String {
        let status = self.status_of(container);
        let mut said = vec![match status.and_then(ContainerStatus::ended) {
            Some(ended) => format!("container {container}: {ended}"),
            None => format!("container {container}: no exit code"),
        }];
        if let Some(waiting) = status.and_then(|status| status.state.waiting.as_ref())
            && status.and_then(ContainerStatus::ended).is_none()
        {
            said.push(reason_and_message(&waiting.reason, &waiting.message));
        }
        said.extend(self.verdict());
        said.join("; ")
    }

    /// Why Kubernetes ended the pod as a whole, if it did: evicted, out of time, drained.
    pub fn verdict(&self) -> Option<String> {
        let own = reason_and_message(&self.status.reason, &self.status.message);
        let disruption =
            self.disruption().map(|condition| reason_and_message(&condition.reason, &condition.message));
        let said: Vec<_> =
            [Some(own), disruption].into_iter().flatten().filter(|said| !said.is_empty()).collect();
        Some(said.join("; ")).filter(|said| !said.is_empty())
    }

    /// Whether somebody else ended it (evicted, drained, out of memory or out of time): then
    /// the end of its log is not why it ended.
    pub fn was_cut_off(&self, container: &str) -> bool {
        let ended = self.status_of(container).and_then(ContainerStatus::ended);
        !self.status.reason.is_empty()
            || self.disruption().is_some()
            || ended.is_some_and(Terminated::was_cut_off)
    }

    /// The containers that still run. Native sidecars are among them only where nothing else runs:
    /// they are to end with the others.
    pub fn running_containers<'a>(&'a self) -> Vec<&'a str> {
        let names = |statuses: &'a [ContainerStatus]| -> Vec<&'a str> {
            let running = statuses.iter().filter(|status| status.state.running.is_some());
            running.map(|status| status.name.as_str()).collect()
        };
        let main = names(&self.status.container_statuses);
        if main.is_empty() { names(&self.status.init_container_statuses) } else { main }
    }

    /// Since when its node has not answered, for a pod whose `container` has no readiness probe and so
    /// is ready while it runs: the pod is said not to be ready, and by none of the others.
    pub fn unheard_of_since(&self, container: &str) -> Option<Time> {
        let condition = self.condition("Ready").filter(|condition| condition.status == "False")?;
        let is_own = self.status_of(container)?.ready == Some(false);
        let is_nobodys = self.status.container_statuses.iter().all(|status| status.ready == Some(true));
        condition.last_transition_time.filter(|_| is_own || is_nobodys)
    }

    /// That it was taken out of its place, and by whom.
    pub(super) fn disruption(&self) -> Option<&super::Condition> {
        self.condition("DisruptionTarget").filter(|condition| condition.is_true())
    }

    /// The status of a container by its name; of a main or an init container.
    pub fn status_of(&self, container: &str) -> Option<&ContainerStatus> {
        self.statuses().find(|status| status.name == container)
    }

    /// All containers' statuses: the main ones first.
    pub fn statuses(&self) -> impl Iterator<Item = &ContainerStatus> {
        self.status.container_statuses.iter().chain(&self.status.init_container_statuses)
    }
}

impl Terminated {
    /// Whether a signal or the kubelet ended it, not the process itself.
    fn was_cut_off(&self) -> bool {
        const KILLED: [i32; 2] = [128 + 9, 128 + 15];
        CUT_OFF.contains(&self.reason.as_str()) || KILLED.contains(&self.exit_code)
    }
}

impl fmt::Display for Terminated {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "exit code {}", self.exit_code)?;
        if !matches!(self.reason.as_str(), "" | "Error" | "Completed") {
            write!(f, " ({})", self.reason)?;
        }
        match text::one_line(&self.message) {
            message if message.is_empty() => Ok(()),
            message => write!(f, ": {}", text::end(&message, SHOWN)),
        }
    }
}

/// `Reason: message`, or what there is of it, cut.
pub(super) fn reason_and_message(reason: &str, message: &str) -> String {
    let message = text::one_line(message);
    match (reason, text::start(&message, SHOWN)) {
        (reason, "") => reason.to_owned(),
        ("", message) => message.to_owned(),
        (reason, message) => format!("{reason}: {message}"),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn pod(main: Value, init: Value) -> Pod {
        let annotations = json!({"kubectl.kubernetes.io/default-container": "b"});
        serde_json::from_value(json!({"metadata": {"name": "x", "annotations": annotations},
            "spec": {"containers": [{"name": "proxy"}, {"name": "a"}, {"name": "b"}]},
            "status": {"phase": "Failed", "containerStatuses": main, "initContainerStatuses": init}}))
        .unwrap()
    }

    fn ended(name: &str, code: i32) -> Value {
        json!({"name": name, "state": {"terminated": {"exitCode": code}}})
    }

    #[test]
    fn the_container_that_failed_tells_most_and_a_sidecar_least() {
        let tells = |main: Value, init: Value| pod(main, init).telling_container(&[]).to_owned();
        assert_eq!(tells(json!([ended("a", 1), ended("b", 0)]), json!([ended("s", 143)])), "a");
        assert_eq!(tells(json!([ended("a", 1), ended("b", 1)]), json!([])), "b");
        let waiting = json!([{"name": "a", "state": {"waiting": {"reason": "PodInitializing"}}}]);
        assert_eq!(tells(waiting, json!([ended("i", 2)])), "i");
        let again = json!([{"name": "a", "state": {"waiting": {"reason": "CrashLoopBackOff"}}, "lastState": {"terminated": {"exitCode": 9}}}]);
        assert_eq!(tells(again, json!([])), "a");
        assert_eq!(tells(json!([]), json!([])), "b");
    }

    #[test]
    fn a_container_is_found_by_its_name_wherever_it_stands() {
        let tells = |main: Value| pod(main, json!([])).telling_container(&["a"]).to_owned();
        assert_eq!(tells(json!([])), "a");
        assert_eq!(tells(json!([ended("proxy", 137), ended("a", 3)])), "a");
        assert_eq!(tells(json!([ended("proxy", 137), ended("a", 0)])), "proxy");
        assert_eq!(pod(json!([]), json!([])).telling_container(&["renamed"]), "b");
    }

    #[test]
    fn an_end_is_told_with_everything_that_kubernetes_says_of_it() {
        let killed =
            json!([{"name": "a", "state": {"terminated": {"exitCode": 137, "reason": "OOMKilled"}}}]);
        let killed = pod(killed, json!([]));
        assert_eq!(killed.how_it_ended("a"), "container a: exit code 137 (OOMKilled)");
        assert!(killed.was_cut_off("a"));

        let mut evicted = pod(json!([]), json!([]));
        evicted.status.reason = "Evicted".to_owned();
        evicted.status.message = "The node was low on resource: memory.\n".to_owned();
        let said = "container a: no exit code; Evicted: The node was low on resource: memory.";
        assert_eq!(evicted.how_it_ended("a"), said);
        assert!(evicted.was_cut_off("a"));

        let failed = pod(json!([ended("a", 3)]), json!([]));
        assert!(!failed.was_cut_off("a"));
    }
}
