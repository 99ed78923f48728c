//! Why a run failed, and whether another may do better.

use suture_policy::kube::{self, Pod};
use suture_policy::{Result, text};

use crate::snapshot::{self, Snapshot};

/// Whether another run may do better.
#[derive(Debug)]
pub enum Verdict {
    /// It may: what failed passes. The cause, for people.
    Passing(String),
    /// It would fail again, or do harm. Why, for people.
    Lasting(String),
}

/// kopia's errors that pass.
const PASSING: [&str; 3] = ["RepositoryUnavailable", "Locked", "SourceError"];
/// Reasons of the operator's that pass: it waited for a volume's copy that did not come.
const STAGING: [&str; 4] =
    ["VolumeSnapshotFailed", "StagingTimedOut", "WaitingForStagedPvcBind", "StagedPvcBindTimedOut"];
/// What a storage that is full says. It comes under every class, that of a backend which is away too.
const FULL: [&str; 8] = [
    "no space left",
    "quota",
    "disk full",
    "insufficient storage",
    "storage full",
    "storage limit",
    "capacity exceeded",
    "not enough space",
];
/// Who ended a pod for reasons of the node's.
const TAKEN: [&str; 6] = ["Evicted", "NodeLost", "NodeShutdown", "Shutdown", "Terminated", "Preempting"];

/// Whether another run may do better than this one.
pub fn judge(failed: &Snapshot) -> Verdict {
    if failed.is_grouped() {
        return Verdict::Lasting(
            "it is one of several volumes that are captured at the same moment, so it is not run alone"
                .to_owned(),
        );
    }
    if failed.status.snapshot.is_some() {
        return Verdict::Lasting(format!(
            "though it failed it has left data in the repository{}",
            hook(failed).map_or_else(String::new, |why| format!(" ({why})"))
        ));
    }
    if let Some(why) = hook(failed) {
        return Verdict::Lasting(why);
    }
    match &failed.status.failure {
        Some(_) => by_mover(failed),
        None => by_operator(failed),
    }
}

/// What the mover says. Its class was guessed from kopia's words, so they stand beside it.
fn by_mover(failed: &Snapshot) -> Verdict {
    let Some(failure) = &failed.status.failure else { return Verdict::Lasting(words(failed)) };
    let class = failure.kopia_error_class.as_str();
    if let Some(full) = is_full(failed) {
        return Verdict::Lasting(format!("the storage seems to be full (`{full}`): {}", words(failed)));
    }
    if failure.retry_recommended == Some(true) && PASSING.contains(&class) {
        return Verdict::Passing(cause(failed));
    }
    Verdict::Lasting(words(failed))
}

/// What the operator says of a run whose mover has said nothing.
fn by_operator(failed: &Snapshot) -> Verdict {
    let staged = failed.condition("SourceStaged", "False");
    if let Some(staged) = staged {
        return match STAGING.contains(&staged.reason.as_str()) {
            true => Verdict::Passing(snapshot::told(staged)),
            false => Verdict::Lasting(snapshot::told(staged)),
        };
    }
    let ready = failed.condition("Ready", "False");
    if ready.is_some_and(|ready| ready.reason == "MoverJobFailed") {
        return by_pod(failed);
    }
    Verdict::Lasting(words(failed))
}

/// What became of the mover's pod, where nobody else knows.
fn by_pod(failed: &Snapshot) -> Verdict {
    let pods = match pods(failed) {
        Ok(pods) => pods,
        Err(error) => {
            return Verdict::Lasting(format!("{}; its pods can't be looked at: {error}", words(failed)));
        }
    };
    let Some(pod) = pods.iter().max_by_key(|pod| (pod.metadata.creation_timestamp, &pod.metadata.name))
    else {
        return Verdict::Lasting(format!("{}; its pods are gone, so nobody knows more", words(failed)));
    };
    let end = format!("pod {}: {}", pod.metadata.name, pod.how_it_ended(pod.telling_container(&[])));
    let is_taken = TAKEN.contains(&pod.status.reason.as_str())
        || pod.condition("DisruptionTarget").is_some_and(kube::Condition::is_true);
    if is_taken { Verdict::Passing(end) } else { Verdict::Lasting(format!("{}; {end}", words(failed))) }
}

fn pods(failed: &Snapshot) -> Result<Vec<Pod>> {
    let namespace = failed.metadata.namespace.as_deref().unwrap_or_default();
    let job = failed.job();
    // It becomes a part of a selector, and comes from a status.
    if job.len() > 63 || !job.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-.".contains(&byte)) {
        return Ok(Vec::new());
    }
    kube::list::<Pod>().in_namespace(namespace).with_label("job-name", job).read()
}

/// What a hook did to it.
fn hook(failed: &Snapshot) -> Option<String> {
    failed
        .condition("HooksSucceeded", "False")
        .map(|hooks| format!("a hook failed: {}", snapshot::told(hooks)))
}

/// The words by which a storage says that it is full.
fn is_full(failed: &Snapshot) -> Option<&'static str> {
    let said = format!(
        "{} {}",
        failed.status.failure.as_ref().map_or("", |failure| &failure.message),
        failed.last_words().unwrap_or_default()
    );
    let said = said.to_ascii_lowercase();
    FULL.into_iter().find(|full| said.contains(full))
}

/// The cause in a few words.
fn cause(failed: &Snapshot) -> String {
    match &failed.status.failure {
        Some(failure) => {
            let during = Some(failure.op.as_str()).filter(|op| !op.is_empty());
            let class = text::start(&failure.kopia_error_class, 63);
            let class = if class.is_empty() { "an error without a class" } else { class };
            let during = during.map_or_else(String::new, |op| format!(" in `{}`", text::start(op, 63)));
            format!("{class}{during}: {}", snapshot::shown(&failure.message))
        }
        None => {
            failed.condition("Ready", "False").map_or_else(|| "no reason is told".to_owned(), snapshot::told)
        }
    }
}

/// Everything that is said of it: the cause, the operator's condition, the end of the log.
pub fn words(failed: &Snapshot) -> String {
    let mut said = vec![cause(failed)];
    if failed.status.failure.is_some()
        && let Some(ready) = failed.condition("Ready", "False")
    {
        said.push(snapshot::told(ready));
    }
    if let Some(words) = failed.last_words() {
        said.push(format!("its last words: {words}"));
    }
    said.join("; ")
}
