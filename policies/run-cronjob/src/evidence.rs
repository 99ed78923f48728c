//! What can be seen of a Job's pods: why none starts, which failed, what it said.

use std::fmt::Write;

use serde::Deserialize;
use suture_policy::kube::{self, Job, Metadata, Pod, pod::ContainerStatus};
use suture_policy::{Error, Result};

/// So many pods at a time.
const PAGE: u32 = 50;
/// How much of a log stands in a sentence, in bytes; and in the timeline.
const IN_A_SENTENCE: usize = 1_000;
const IN_THE_TIMELINE: usize = 3_500;

/// The pods of a Job.
pub struct Pods(Vec<Pod>);

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Event {
    metadata: Metadata,
    reason: String,
    message: String,
}

suture_policy::resource!("v1", Event);

impl Pods {
    pub fn of(job: &Job) -> Result<Self> {
        let Metadata { namespace, name, uid, .. } = &job.metadata;
        let mut pods = kube::list::<Pod>()
            .in_namespace(namespace.as_deref().unwrap_or_default())
            .with_label("job-name", name)
            .pages_of(PAGE)
            .read()?;
        // An earlier Job may have had the name.
        pods.retain(|pod| pod.metadata.is_owned_by(uid));
        Ok(Self(pods))
    }

    /// Whether any of them has begun.
    pub fn have_started(&self) -> bool {
        self.0.iter().any(Pod::has_started)
    }

    /// Why none of them has begun.
    pub fn why_none_starts(&self, job: &Job) -> String {
        if job.condition("Suspended").is_some() {
            return "the Job is suspended, and nobody resumed it".to_owned();
        }
        let Some(pod) = self.0.first() else {
            return format!("it has no pod{}", warning(&job.metadata));
        };
        let name = &pod.metadata.name;
        if let Some(condition) = pod.condition("PodScheduled").filter(|condition| condition.status == "False")
        {
            return format!("pod {name} has no node: {}: {}", condition.reason, condition.message);
        }
        let waiting = statuses(pod).find_map(|status| Some((&status.name, status.state.waiting.as_ref()?)));
        match waiting {
            Some((container, waiting)) => {
                let said = if waiting.message.is_empty() {
                    warning(&pod.metadata)
                } else {
                    format!(": {}", waiting.message)
                };
                format!("container {container} of pod {name} waits: {}{said}", waiting.reason)
            }
            None => format!("pod {name} is {}{}", pod.status.phase, warning(&pod.metadata)),
        }
    }

    /// What became of the pod that tells most, and the end of what it said.
    pub fn last_words(&self, lines: u32) -> String {
        // The one that failed last; where none has failed (yet), the one that was made last.
        let Some(pod) = self
            .0
            .iter()
            .max_by_key(|pod| (pod.is_failed(), pod.finished_at(), pod.metadata.creation_timestamp))
        else {
            return "its pods are gone, and their logs with them".to_owned();
        };
        let container = telling_container(pod);
        let mut words = format!("pod {}, container {container}", pod.metadata.name);
        let status = statuses(pod).find(|status| status.name == container);
        // Writing to a String does not fail.
        if let Some(ended) = status.and_then(ContainerStatus::ended) {
            let _ = write!(words, ": exit code {}", ended.exit_code);
            if !matches!(ended.reason.as_str(), "" | "Error" | "Completed") {
                let _ = write!(words, " ({})", ended.reason);
            }
        }
        if !pod.status.reason.is_empty() {
            let _ = write!(words, " ({} {})", pod.status.reason, one_line(&pod.status.message));
        }
        let _ = match log(pod, &container, lines) {
            Ok(log) if log.is_empty() => write!(words, "; it wrote no log"),
            Ok(log) => write!(words, "; its log ends: {}", one_line(end(&log, IN_A_SENTENCE))),
            Err(error) => write!(words, "; its log can't be read: {error}"),
        };
        words
    }

    /// The end of what the main container of a pod that succeeded wrote, for the timeline.
    pub fn what_it_said(&self, lines: u32) -> Option<String> {
        let succeeded = self.0.iter().filter(|pod| pod.status.phase == "Succeeded");
        let pod = succeeded.max_by_key(|pod| (pod.finished_at(), pod.metadata.creation_timestamp))?;
        let log = log(pod, &telling_container(pod), lines).ok().filter(|log| !log.is_empty())?;
        Some(format!("the log of pod {} ends:\n{}", pod.metadata.name, end(&log, IN_THE_TIMELINE)))
    }
}

/// All containers' statuses: the main ones first.
fn statuses(pod: &Pod) -> impl Iterator<Item = &ContainerStatus> {
    pod.status.container_statuses.iter().chain(&pod.status.init_container_statuses)
}

/// The container to look at: one that failed, an init container only where no other did
/// (sidecars are ended when the others are done); else the one that is looked at where
/// nobody says which.
fn telling_container(pod: &Pod) -> String {
    let has_failed = |status: &&ContainerStatus| status.ended().is_some_and(|ended| ended.exit_code != 0);
    let by_default =
        pod.metadata.annotations.get("kubectl.kubernetes.io/default-container").map(String::as_str);
    let failed = statuses(pod).filter(has_failed).max_by_key(|status| {
        let is_init = pod.status.init_container_statuses.iter().any(|init| init.name == status.name);
        (!is_init, Some(status.name.as_str()) == by_default)
    });
    match (failed, by_default) {
        (Some(failed), _) => failed.name.clone(),
        (None, Some(name)) => name.to_owned(),
        (None, None) => pod.main_container().to_owned(),
    }
}

/// The last lines of a log, without what a terminal would make of it.
fn log(pod: &Pod, container: &str, lines: u32) -> Result<String, Error> {
    let log = kube::of(pod).logs(container, lines)?;
    let is_shown = |c: &char| *c == '\n' || !c.is_control();
    Ok(log.chars().filter(is_shown).collect::<String>().trim().to_owned())
}

/// The last warning about an object, if it can be read.
fn warning(about: &Metadata) -> String {
    let events = kube::list::<Event>()
        .in_namespace(about.namespace.as_deref().unwrap_or_default())
        .fields(&format!("involvedObject.uid={},type=Warning", about.uid))
        .pages_of(PAGE)
        .read()
        .unwrap_or_default();
    let last = events.into_iter().max_by_key(|event| event.metadata.creation_timestamp);
    last.map(|event| format!(": {}: {}", event.reason, end(&one_line(&event.message), IN_A_SENTENCE)))
        .unwrap_or_default()
}

fn one_line(text: &str) -> String {
    let lines: Vec<_> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    lines.join(" | ")
}

/// The last bytes of a text, cut between characters.
fn end(text: &str, bytes: usize) -> &str {
    let mut start = text.len().saturating_sub(bytes);
    while !text.is_char_boundary(start) {
        start += 1;
    }
    text.get(start..).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use suture_policy::{Value, json};

    use super::*;

    fn pod(main: Value, init: Value) -> Pod {
        let annotations = json!({"kubectl.kubernetes.io/default-container": "b"});
        serde_json::from_value(json!({"metadata": {"name": "x", "annotations": annotations},
            "status": {"phase": "Failed", "containerStatuses": main, "initContainerStatuses": init}}))
        .unwrap()
    }

    #[test]
    fn the_container_that_failed_tells_most_and_a_sidecar_least() {
        let ended =
            |name: &str, code: i32| json!({"name": name, "state": {"terminated": {"exitCode": code}}});
        let tells = |main: Value, init: Value| telling_container(&pod(main, init));
        assert_eq!(tells(json!([ended("a", 1), ended("b", 0)]), json!([ended("s", 143)])), "a");
        assert_eq!(tells(json!([ended("a", 1), ended("b", 1)]), json!([])), "b");
        let waiting = json!([{"name": "a", "state": {"waiting": {"reason": "PodInitializing"}}}]);
        assert_eq!(tells(waiting, json!([ended("i", 2)])), "i");
        let again = json!([{"name": "a", "state": {"waiting": {"reason": "CrashLoopBackOff"}}, "lastState": {"terminated": {"exitCode": 9}}}]);
        assert_eq!(tells(again, json!([])), "a");
        assert_eq!(tells(json!([]), json!([])), "b");
    }

    #[test]
    fn the_end_of_a_text_is_bounded_and_whole_characters() {
        assert_eq!(end("aäb", 2), "b");
        assert_eq!(end("aäb", 3), "äb");
        assert_eq!(end("ab", 9), "ab");
        assert_eq!(one_line(" a\n\n b \n"), "a | b");
    }
}
