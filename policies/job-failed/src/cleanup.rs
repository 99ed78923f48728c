//! Removing a failed Job after a later one of its CronJob has succeeded.

use suture_policy::kube::{self, Job, Waited, deleted};
use suture_policy::stop::{Stop, escalate, retry, unnecessary};
use suture_policy::{Duration, Result, step};

use crate::delete_command;
use crate::failed::{Case, held_by, shown};
use crate::family::has_succeeded_after;
use crate::manifest::{CleanUp, Settings};

/// Says that somebody wants to keep a failed Job.
pub const KEEP: &str = "job-failed.suture.dev/keep";

/// How long it may take to go.
const TO_GO: Duration = Duration::minutes(5);
/// How often it tries again after somebody has changed the Job.
const MOST_TRIES: u32 = 3;

/// Remove the failed Job, where the settings say so and nothing is lost by it. A deletion has no
/// undo; what it takes away stands in the run's record, and `success` has done the work.
pub fn clean_up(case: &Case, success: &Job, settings: &Settings) -> Result<String, Stop> {
    let (job, evidence) = (&case.job, &case.evidence);
    let since = success.status.completion_time.map(|at| format!(" at {at}")).unwrap_or_default();
    let succeeded = format!("Job {} of the same CronJob succeeded after it{since}", success.metadata.name);
    if settings.clean_up == CleanUp::Never {
        return escalate(format!(
            "{}. {succeeded}; the alert fires until the failed one is removed (`cleanUp: afterSuccess` does it). Next: {}",
            case.why(),
            delete_command(job)
        ));
    }
    if let Some(unread) = &evidence.unread {
        return escalate(format!(
            "{}. {succeeded}, and the failed one was not removed because {unread}, and that would be lost. Next: {}",
            case.why(),
            delete_command(job)
        ));
    }
    step!("removing Job {}, after which {} succeeded", shown(job), success.metadata.name);
    removed(job, success, settings)?;
    Ok(format!("{succeeded}, so the failed one was removed. {}", case.why()))
}

fn removed(job: &Job, success: &Job, settings: &Settings) -> Result<(), Stop> {
    for _ in 0..MOST_TRIES {
        let job = still_failed(job)?;
        still_succeeded(&job, success)?;
        let delete = kube::of(&job).delete().at_version(&job.metadata.resource_version);
        match delete.send() {
            // Somebody has changed it: it is looked at again.
            Err(error) if error.is_conflict() => {}
            Err(error) if error.is_not_found() => return is_gone(&job),
            sent => {
                sent?;
                return gone(&job);
            }
        }
    }
    retry(settings.retry_after, format!("Job {} changes all the time; it was not removed", shown(job)))
}

/// The Job as it is now, where nobody else has removed it or is about to.
fn still_failed(job: &Job) -> Result<Job, Stop> {
    let Some(now) = kube::of(job).find()? else { return is_gone(job) };
    if now.metadata.is_terminating() {
        gone(&now)?;
        return is_gone(&now);
    }
    if now.metadata.annotations.contains_key(KEEP) {
        return unnecessary(format!("Job {} is kept by its annotation `{KEEP}`", shown(&now)));
    }
    if now.failure().is_none() {
        return unnecessary(format!("Job {} is no failed Job any more", shown(&now)));
    }
    Ok(now)
}

/// What has succeeded is looked at again: by it the other one may go.
fn still_succeeded(job: &Job, success: &Job) -> Result<(), Stop> {
    let now = kube::of(success).find()?;
    match now {
        Some(now) if has_succeeded_after(&now, job) => Ok(()),
        // Its history limit or its TTL has removed it: it did succeed.
        None => Ok(()),
        Some(_) => escalate(format!(
            "Job {} is not complete any more, so Job {} was not removed",
            shown(success),
            shown(job)
        )),
    }
}

fn is_gone<T>(job: &Job) -> Result<T, Stop> {
    unnecessary(format!("Job {} is gone", shown(job)))
}

fn gone(job: &Job) -> Result<(), Stop> {
    match kube::of(job).wait(deleted(), TO_GO)? {
        Waited::Timeout => {
            let now = kube::of(job).find()?;
            escalate(format!(
                "Job {} is deleted, and does not go{}; next: {}",
                shown(job),
                held_by(now.as_ref().unwrap_or(job)),
                crate::describe_command(job)
            ))
        }
        _ => Ok(()),
    }
}
