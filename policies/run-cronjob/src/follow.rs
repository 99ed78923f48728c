//! Seeing a Job to its end.

use suture_policy::kube::{self, Job, Waited, job::finished, job::has_condition};
use suture_policy::stop::{Stop, escalate};
use suture_policy::{Duration, Error, Result, info, warn};

use crate::claim::Claimed;
use crate::evidence::Pods;
use crate::manifest::{Remove, Settings};
use crate::template::REPORTED;

/// How long the pods of a Job that has failed may take to end.
const TO_TERMINATE: Duration = Duration::minutes(10);

/// How far a Job is.
enum Seen {
    /// It is over.
    Over(Job),
    /// It has failed, and its pods are still ending: the last moment at which they can be
    /// asked.
    Failing(Job),
    /// It is gone.
    Gone,
    /// It is at work.
    AtWork,
}

impl Claimed {
    /// Wait for the end, and say how it was.
    pub fn follow(self, settings: &Settings) -> Result<String, Stop> {
        let name = shown(&self.job);
        let mut seen = look(&self.job, settings.start_timeout)?;
        if matches!(seen, Seen::AtWork) {
            self.must_have_started(settings)?;
            seen = look(&self.job, settings.timeout)?;
        }
        match seen {
            Seen::Over(job) => self.report(&job, None, settings),
            Seen::Failing(job) => {
                let words = last_words(&job, settings);
                match kube::of(&job).wait(finished(), TO_TERMINATE)? {
                    Waited::Met(job) => self.report(&job, Some(words), settings),
                    Waited::Deleted => escalate(format!("Job {name} failed and was deleted; {words}")),
                    Waited::Timeout => {
                        escalate(format!("Job {name} has failed, and its pods do not end; {words}"))
                    }
                }
            }
            Seen::Gone => escalate(format!(
                "Job {name} was deleted before its end was seen: by somebody, by its ttlSecondsAfterFinished or by a \
                 history limit of the CronJob. Nobody knows how it ended, so it was not started again"
            )),
            Seen::AtWork => self.overdue(settings),
        }
    }

    /// A Job whose pod does not start could start at any later time, when nobody watches and
    /// nothing is wrong any more: it goes.
    fn must_have_started(&self, settings: &Settings) -> Result<(), Stop> {
        let Some(job) = kube::of(&self.job).find()? else { return Ok(()) };
        let pods = Pods::of(&job)?;
        if job.is_finished() || has_run(&job) || pods.have_started() {
            return Ok(());
        }
        let why = pods.why_none_starts(&job);
        let fate = match kube::of(&job).delete().at_version(&job.metadata.resource_version).send() {
            Ok(_) => "it was deleted".to_owned(),
            // Something has happened to it just now.
            Err(error) if error.is_conflict() => return Ok(()),
            Err(error) if error.is_not_found() => "it is gone".to_owned(),
            Err(error) => format!("it could not be deleted ({error})"),
        };
        escalate(format!(
            "Job {} did not start within {}: {why}; {fate}",
            shown(&job),
            settings.start_timeout
        ))
    }

    /// It takes longer than anybody wants to wait.
    fn overdue(self, settings: &Settings) -> Result<String, Stop> {
        let name = shown(&self.job);
        let words = what_holds_up(&self.job, settings);
        let fate = match self.undo.map(kube::Undo::undo) {
            None => "it was left to finish".to_owned(),
            Some(Ok(())) => "it was deleted".to_owned(),
            Some(Err(error)) => format!("it could not be deleted ({error})"),
        };
        escalate(format!("Job {name} is not done within {}; {fate}; {words}", settings.timeout))
    }

    /// Say how it ended. `words` are what was seen of its pods before they were gone.
    fn report(self, job: &Job, words: Option<String>, settings: &Settings) -> Result<String, Stop> {
        let name = shown(job);
        let failure = job.failure().map(|failure| {
            let words = words.unwrap_or_else(|| last_words(job, settings));
            format!("Job {name} failed: {}: {}; {words}", failure.reason, failure.message)
        });
        if failure.is_none()
            && let Ok(pods) = Pods::of(job)
            && let Some(said) = pods.what_it_said(settings.log_lines)
        {
            info!("{said}");
        }
        let remove = match settings.remove {
            Remove::Never => false,
            Remove::Succeeded => failure.is_none(),
            Remove::Always => true,
        };
        if let Some(undo) = self.undo {
            undo.keep()?;
        }
        let left = if remove { removed(job) } else { marked(job) };
        if let Err(error) = left {
            warn!(
                "Job {name} could not be {}: {error}",
                if remove { "removed" } else { "marked as reported" }
            );
        }
        match failure {
            Some(failure) => escalate(failure),
            None => Ok(format!("Job {name} completed{}", took(job))),
        }
    }
}

/// Whether a pod of it has begun, which may be gone by now.
fn has_run(job: &Job) -> bool {
    let status = &job.status;
    [status.ready, status.succeeded, status.failed].iter().any(|pods| *pods > 0)
}

fn look(job: &Job, patience: Duration) -> Result<Seen> {
    let known = has_condition(&["Complete", "Failed", "FailureTarget"]);
    Ok(match kube::of(job).wait(known, patience)? {
        Waited::Met(job) if job.is_finished() => Seen::Over(job),
        Waited::Met(job) => Seen::Failing(job),
        Waited::Deleted => Seen::Gone,
        Waited::Timeout => Seen::AtWork,
    })
}

/// That the Job has failed is known; what its pods say may not be, and that is no reason to
/// keep silent.
fn last_words(job: &Job, settings: &Settings) -> String {
    Pods::of(job).map_or_else(
        |error| format!("its pods can't be looked at: {error}"),
        |pods| pods.last_words(settings.log_lines),
    )
}

/// What is to be seen of a Job that does not end.
pub fn what_holds_up(job: &Job, settings: &Settings) -> String {
    let now = kube::of(job).find().ok().flatten();
    let job = now.as_ref().unwrap_or(job);
    let words = match Pods::of(job) {
        Ok(pods) if !pods.have_started() => pods.why_none_starts(job),
        Ok(pods) => pods.why_it_goes_on(settings.log_lines),
        Err(error) => format!("its pods can't be looked at: {error}"),
    };
    match job.metadata.deletion_timestamp {
        Some(since) => format!("it is being deleted since {since}; {words}"),
        None if job.spec.suspend => format!("it was suspended by somebody; {words}"),
        None => words,
    }
}

fn removed(job: &Job) -> Result<()> {
    absent_is_fine(kube::of(job).delete().send())
}

/// What is reported once is not reported by a later attempt, which then starts a new Job.
fn marked(job: &Job) -> Result<()> {
    let mark = suture_policy::json!({"metadata": {"annotations": {REPORTED: "true"}}});
    absent_is_fine(kube::of(job).merge_patch(mark).send())
}

fn absent_is_fine(sent: Result<Job, Error>) -> Result<()> {
    match sent {
        Err(error) if !error.is_not_found() => Err(error),
        _ => Ok(()),
    }
}

fn took(job: &Job) -> String {
    match (job.status.start_time, job.status.completion_time) {
        (Some(start), Some(end)) => format!(" in {}", end.since(start)),
        _ => String::new(),
    }
}

fn shown(job: &Job) -> String {
    format!("{}/{}", job.metadata.namespace.as_deref().unwrap_or_default(), job.metadata.name)
}
