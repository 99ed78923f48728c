//! Running a failed Job again, once.

use suture_policy::kube::{self, CronJob, Job, Ref, Waited, job::finished};
use suture_policy::stop::{Stop, escalate, retry};
use suture_policy::{Labels, Result, Value, clock, info, json, reason, step};

use crate::describe_command;
use crate::evidence::Evidence;
use crate::failed::{Case, said, shown};
use crate::family::Family;
use crate::manifest::{RunAgain, Settings};

/// Says which Job, by its uid, this one is the second try of. On nothing but Jobs of this policy.
pub const AGAIN_OF: &str = "job-failed.suture.dev/again-of";

const SUFFIX: &str = "-again";
/// How long the first part of the name may be: a Job's name becomes a label of its pods, and an
/// indexed Job adds to it.
const LONGEST_BASE: usize = 48;
/// How many of the last letters of a longer name are kept: they tell the Jobs of a CronJob apart.
const TAIL: usize = 12;

/// The Job that was made from the CronJob's template and has completed.
///
/// It has no undo: what is half done is not killed. It carries the failed Job's uid, and its name
/// follows from that of the failed one, so that it is made once, whoever asks, and however often.
pub fn run_again(case: &Case, family: &Family, settings: &Settings) -> Result<Job, Stop> {
    let name = name_of(&case.job.metadata.name);
    let namespace = case.job.metadata.namespace.as_deref().unwrap_or_default();
    let cron_job = may_run(case, family, settings)?;
    let again = Ref::<Job>::new(namespace, &name);
    let job = match again.find()? {
        Some(job) => {
            info!("Job {name} is there already: it was run again by an earlier attempt");
            job
        }
        None => start(case, cron_job, &name, settings)?,
    };
    if job.metadata.annotations.get(AGAIN_OF) != Some(&case.job.metadata.uid) {
        return escalate(format!(
            "{}. It was not run again: Job {name} is there, and is not this policy's",
            case.why()
        ));
    }
    follow(case, &job, settings)
}

/// The CronJob, where its Job may run again.
fn may_run<'a>(case: &Case, family: &'a Family, settings: &Settings) -> Result<&'a CronJob, Stop> {
    let not_again = |why: &str| {
        escalate(format!(
            "{}. It was not run again: {why}; {}. Next: {}",
            case.why(),
            family.record(),
            describe_command(&case.job)
        ))
    };
    let failure = case.job.failure();
    if case.job.metadata.annotations.contains_key(AGAIN_OF) {
        return not_again("it was the second try already");
    }
    match settings.run_again {
        RunAgain::Never => return not_again("`runAgain` is `never`"),
        RunAgain::Interrupted if !case.evidence.interrupted => {
            return not_again("nobody interrupted it, so it would probably fail again");
        }
        RunAgain::Interrupted | RunAgain::Always => {}
    }
    if failure.is_some_and(|failure| failure.reason == "PodFailurePolicy") {
        return not_again("its author's podFailurePolicy says that another try is of no use");
    }
    let failed_at = failure.and_then(|failure| failure.last_transition_time);
    if failed_at.is_none_or(|at| clock::now().since(at) > settings.run_again_within) {
        return not_again("it failed longer ago than `runAgainWithin`");
    }
    match &family.cron_job {
        None => not_again("its CronJob is gone, or another of that name"),
        Some(cron_job) if cron_job.metadata.is_terminating() => not_again("its CronJob is being deleted"),
        Some(cron_job) if cron_job.spec.suspend => not_again("its CronJob is suspended"),
        Some(cron_job) => Ok(cron_job),
    }
}

fn start(case: &Case, cron_job: &CronJob, name: &str, settings: &Settings) -> Result<Job, Stop> {
    let namespace = case.job.metadata.namespace.as_deref().unwrap_or_default();
    step!("running Job {} again, as {name}", shown(&case.job));
    let error = match kube::create::<Job>(namespace, object(cron_job, name, &case.job.metadata.uid)).send() {
        Ok(job) => return Ok(job),
        Err(error) => error,
    };
    let not_made = |why: &str| format!("{}. It could not be run again: {why}: {}", case.why(), error.message);
    match error.reason.as_str() {
        reason::DENIED => escalate(format!(
            "{}; what it takes: {{groups: [batch], resources: [jobs], verbs: [create], namespaces: [{namespace}], pods: \
             {{from: [cronjobs/{}]}}}}",
            not_made("the host does not allow it"),
            cron_job.metadata.name
        )),
        reason::INVALID => escalate(not_made("the API server does not take it")),
        // Its roles, or a quota: both may change.
        reason::FORBIDDEN => retry(settings.retry_after, not_made("the API server does not allow it")),
        // Somebody was faster, or it was made all the same.
        _ => match Ref::<Job>::new(namespace, name).find()? {
            Some(job) => Ok(job),
            None => Err(error.into()),
        },
    }
}

fn follow(case: &Case, job: &Job, settings: &Settings) -> Result<Job, Stop> {
    let name = shown(job);
    step!("waiting for the end of Job {name}");
    match kube::of(job).wait(finished(), settings.timeout)? {
        Waited::Met(job) if job.is_complete() => Ok(job),
        Waited::Met(job) => {
            let evidence = Evidence::of(&job, settings.log_lines);
            escalate(format!(
                "Job {} was run again once, and failed again as {name}: {}; {}. Next: {}",
                shown(&case.job),
                said(&job),
                evidence.words,
                describe_command(&job)
            ))
        }
        Waited::Deleted => escalate(format!(
            "{}. Its second try, Job {name}, was deleted before its end was seen; nobody knows how it ended",
            case.why()
        )),
        Waited::Timeout => {
            let evidence = Evidence::of(job, settings.log_lines);
            escalate(format!(
                "{}. Its second try, Job {name}, is not done within {}, and was left to finish: {}. Next: {}",
                case.why(),
                settings.timeout,
                evidence.words,
                describe_command(job)
            ))
        }
    }
}

/// What the second try of a Job is called.
fn name_of(job: &str) -> String {
    if job.len() <= LONGEST_BASE {
        return format!("{}{SUFFIX}", job.replace('.', "-"));
    }
    // Names are ASCII: the API server saw to that. Should one not be, it is cut elsewhere.
    let head = suture_policy::text::start(job, LONGEST_BASE - TAIL - 1);
    let tail = suture_policy::text::end(job, TAIL);
    format!("{}-{}{SUFFIX}", head.trim_end_matches(['-', '.']), tail.trim_start_matches(['-', '.']))
        .replace('.', "-")
}

fn object(cron_job: &CronJob, name: &str, uid: &str) -> Value {
    let template = &cron_job.spec.job_template;
    let mut annotations =
        Labels::from([("cronjob.kubernetes.io/instantiate".to_owned(), "manual".to_owned())]);
    annotations.extend(template.metadata.annotations.clone());
    annotations.insert(AGAIN_OF.to_owned(), uid.to_owned());
    json!({
        "metadata": {
            "name": name,
            "labels": template.metadata.labels,
            "annotations": annotations,
            // Not `blockOwnerDeletion`: that needs rights to the CronJob's finalizers.
            "ownerReferences": [{
                "apiVersion": "batch/v1",
                "kind": "CronJob",
                "name": cron_job.metadata.name,
                "uid": cron_job.metadata.uid,
                "controller": true,
            }],
        },
        "spec": template.spec,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_try_has_a_name_that_fits_and_tells_its_job() {
        assert_eq!(name_of("backup-29169240"), "backup-29169240-again");
        let long = |number: &str| format!("{}-{number}", "x".repeat(52));
        let (one, other) = (name_of(&long("29169240")), name_of(&long("29169241")));
        assert_ne!(one, other);
        assert!(one.len() <= 54 && one.ends_with("-29169240-again"), "{one}");
        assert_eq!(name_of("a.b"), "a-b-again");
    }
}
