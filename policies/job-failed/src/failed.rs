//! The Job that the alert is about: whether it is there, and has failed.

use suture_policy::kube::{self, Job, Waited, deleted, job::finished};
use suture_policy::stop::{Stop, escalate, retry, unnecessary};
use suture_policy::{Duration, text};

use crate::evidence::Evidence;
use crate::manifest::Settings;

/// How long a Job may take to go, or to end its pods once it has failed.
const TO_END: Duration = Duration::minutes(10);
/// How much of a controller's message is shown, in bytes.
const SHOWN: usize = 500;

/// A Job that has failed, and what was seen of it.
pub struct Case {
    pub job: Job,
    pub evidence: Evidence,
}

/// The Job, where it has failed. An alert may be about one that is gone, or that has succeeded
/// after a pod of it failed (older rules count pods).
pub fn find(namespace: &str, name: &str, settings: &Settings) -> Result<Job, Stop> {
    let Some(job) = kube::find::<Job>(namespace, name)? else {
        return unnecessary(format!("Job {namespace}/{name} is gone"));
    };
    if job.metadata.is_terminating() {
        return going(&job);
    }
    if job.is_finished() {
        return ended(job);
    }
    if job.condition("FailureTarget").is_some() {
        return match kube::of(&job).wait(finished(), TO_END)? {
            Waited::Met(job) => ended(job),
            Waited::Deleted => unnecessary(format!("Job {namespace}/{name} is gone")),
            Waited::Timeout => escalate(format!(
                "Job {namespace}/{name} has failed ({}), and its pods do not end; next: kubectl -n {namespace} get \
                 pods -l job-name={name} -o wide",
                said(&job)
            )),
        };
    }
    retry(
        settings.retry_after,
        format!(
            "Job {namespace}/{name} has not failed: {} of its pods failed, {} are at work, and its controller goes on",
            job.status.failed, job.status.active
        ),
    )
}

fn ended(job: Job) -> Result<Job, Stop> {
    if job.failure().is_some() {
        return Ok(job);
    }
    unnecessary(format!(
        "Job {} has completed; {} of its pods failed before that",
        shown(&job),
        job.status.failed
    ))
}

/// Somebody deletes it already.
fn going(job: &Job) -> Result<Job, Stop> {
    match kube::of(job).wait(deleted(), TO_END)? {
        Waited::Timeout => escalate(format!(
            "Job {} is being deleted, and does not go{}; next: {}",
            shown(job),
            held_by(job),
            crate::describe_command(job)
        )),
        _ => unnecessary(format!("Job {} was deleted by somebody", shown(job))),
    }
}

/// What holds a Job that is being deleted.
pub fn held_by(job: &Job) -> String {
    match job.metadata.finalizers.as_slice() {
        [] => String::new(),
        finalizers => format!(" (finalizers {})", finalizers.join(", ")),
    }
}

/// What its controller says of its failure.
pub fn said(job: &Job) -> String {
    let Some(failure) = job.failure().or_else(|| job.condition("FailureTarget")) else {
        return String::new();
    };
    let message = text::one_line(&failure.message);
    match (failure.reason.as_str(), text::start(&message, SHOWN)) {
        ("", message) => message.to_owned(),
        (reason, "") => reason.to_owned(),
        (reason, message) => format!("{reason}: {message}"),
    }
}

/// `NAMESPACE/NAME`.
pub fn shown(job: &Job) -> String {
    format!("{}/{}", job.metadata.namespace.as_deref().unwrap_or_default(), job.metadata.name)
}
