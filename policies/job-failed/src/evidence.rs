//! What can be seen of a failed Job: which pod failed, how, and what it said.

use suture_policy::kube::{self, Job, Pod, last_warning};
use suture_policy::{Error, Result, reason, text};

/// So many pods at a time.
const PAGE: u32 = 100;
/// How much of a log stands in a sentence, in bytes.
const IN_A_SENTENCE: usize = 1_000;
/// What takes a pod out of its place, whatever it does there.
const INTERRUPTIONS: [&str; 4] =
    ["PreemptionByScheduler", "DeletionByTaintManager", "EvictionByEvictionAPI", "DeletionByPodGC"];

/// What was seen.
pub struct Evidence {
    /// For people.
    pub words: String,
    /// What is there, could not be read, and would be lost with the Job.
    pub unread: Option<String>,
    /// Whether all of its failed pods were taken away by somebody else.
    pub interrupted: bool,
}

impl Evidence {
    /// Of a Job. What can't be read is said, and is no error: that it failed is known.
    pub fn of(job: &Job, lines: u32) -> Self {
        let pods = match pods(job) {
            Ok(pods) => pods,
            Err(error) => return Self::unread(format!("its pods can't be looked at: {error}")),
        };
        // The one that failed last; where none has, the one that was made last.
        let rank = |pod: &&Pod| (pod.is_failed(), pod.finished_at(), pod.metadata.creation_timestamp);
        let Some(pod) = pods.iter().max_by_key(rank) else { return Self::without_pods(job) };
        let interrupted = interrupted(&pods);
        let main = job.containers();
        let container = pod.telling_container(&main);
        let mut words = format!("pod {}, {}", pod.metadata.name, pod.how_it_ended(container));
        if !pod.is_finished() && !pod.main_has_started() {
            words = pod.why_not_started();
            return Self { words, unread: None, interrupted };
        }
        let (log, unread) = match kube::of(pod).logs(container, lines) {
            Ok(log) => (last_words(&log, lines), None),
            // There is none to lose where its pod is gone; else it is not known what there is.
            Err(error) if error.is_not_found() && is_gone(job, pod) => ("its log is gone".to_owned(), None),
            Err(error) => {
                let why = format!("its log can't be read: {error}");
                (why.clone(), Some(why))
            }
        };
        Self { words: format!("{words}; {log}"), unread, interrupted }
    }

    fn unread(words: String) -> Self {
        Self { words: words.clone(), unread: Some(words), interrupted: false }
    }

    /// Its pods are gone: their clean-up, `restartPolicy: OnFailure`, whose last pod the Job
    /// controller removes, or nothing could be made in the first place.
    fn without_pods(job: &Job) -> Self {
        let words = match last_warning(job) {
            Ok(Some(event)) => format!("it has no pod any more; the last event says {event}"),
            Ok(None) => "its pods are gone, and their logs with them".to_owned(),
            Err(error) => format!("its pods are gone, and its events can't be read: {error}"),
        };
        Self { words, unread: None, interrupted: false }
    }
}

fn pods(job: &Job) -> Result<Vec<Pod>, Error> {
    let namespace = job.metadata.namespace.as_deref().unwrap_or_default();
    let list = kube::list::<Pod>().in_namespace(namespace).with_label("job-name", &job.metadata.name);
    let mut pods = list.pages_of(PAGE).read()?;
    // An earlier Job may have had the name.
    pods.retain(|pod| pod.metadata.is_owned_by(&job.metadata.uid));
    Ok(pods)
}

/// Whether a pod that was there a moment ago is gone.
fn is_gone(job: &Job, pod: &Pod) -> bool {
    pods(job).is_ok_and(|now| now.iter().all(|other| other.metadata.uid != pod.metadata.uid))
}

fn last_words(log: &str, lines: u32) -> String {
    let lines = usize::try_from(lines).unwrap_or(usize::MAX);
    match text::last_lines(log, lines, IN_A_SENTENCE) {
        log if log.is_empty() => "it wrote no log".to_owned(),
        log => format!("its log ends: {log}"),
    }
}

/// Whether nothing but interruptions has failed it. A pod that its kubelet ended was interrupted
/// where the node was shut down; evicted for what it used itself, it would be so again.
fn interrupted(pods: &[Pod]) -> bool {
    let is_interrupted = |pod: &Pod| {
        let condition = pod.condition("DisruptionTarget").filter(|condition| condition.is_true());
        condition.is_some_and(|condition| {
            INTERRUPTIONS.contains(&condition.reason.as_str())
                || (condition.reason == "TerminationByKubelet" && pod.status.reason == "Terminated")
        })
    };
    let mut failed = pods.iter().filter(|pod| pod.is_failed()).peekable();
    failed.peek().is_some() && failed.all(is_interrupted)
}

/// Whether an error says that something is not allowed, now or ever.
pub fn is_refused(error: &Error) -> bool {
    matches!(error.reason.as_str(), reason::DENIED | reason::FORBIDDEN)
}

#[cfg(test)]
mod tests {
    use suture_policy::json;

    use super::*;

    fn pod(phase: &str, reason: &str, disruption: &str) -> Pod {
        let condition = json!({"type": "DisruptionTarget", "status": "True", "reason": disruption});
        serde_json::from_value(
            json!({"status": {"phase": phase, "reason": reason, "conditions": [condition]}}),
        )
        .unwrap()
    }

    #[test]
    fn a_job_was_interrupted_where_all_of_its_failed_pods_were() {
        let preempted = || pod("Failed", "", "PreemptionByScheduler");
        let other = || serde_json::from_value(json!({"status": {"phase": "Failed"}})).unwrap();
        assert!(interrupted(&[preempted()]));
        assert!(!interrupted(&[preempted(), other()]));
        assert!(!interrupted(&[]));
        assert!(interrupted(&[pod("Failed", "Terminated", "TerminationByKubelet")]));
        assert!(!interrupted(&[pod("Failed", "Evicted", "TerminationByKubelet")]));
    }
}
