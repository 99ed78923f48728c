//! The Jobs of the CronJob that has made the failed one.

use suture_policy::kube::{self, CronJob, Job, Waited, job::finished};
use suture_policy::stop::{Stop, escalate, retry};
use suture_policy::{Error, Result, Time, clock, step};

use crate::evidence::is_refused;
use crate::failed::{Case, shown};
use crate::manifest::Settings;

/// So many Jobs at a time: templates can be large.
const PAGE: u32 = 100;
/// How often it looks again before it gives up: each look finds something changed.
const MOST_LOOKS: u32 = 10;

/// The Jobs of a CronJob beside the failed one.
pub struct Family {
    /// The CronJob, if it is there, and the one that made the Job.
    pub cron_job: Option<CronJob>,
    /// Jobs that were made after the failed one.
    newer: Vec<Job>,
    /// Those of them that have succeeded.
    successes: Vec<Job>,
    /// Jobs that are at work, newer or not.
    at_work: Vec<Job>,
}

impl Family {
    /// Its Jobs, once none of them is at work: what is at work may succeed, and answers then
    /// whether anything is to be done. Only waited for where something could be done.
    pub fn settled(case: &Case, cron_job: &str, uid: &str, settings: &Settings) -> Result<Self, Stop> {
        let give_up = clock::now() + settings.patience;
        for _ in 0..MOST_LOOKS {
            let family = match Self::read(case, cron_job, uid) {
                Err(error) if is_refused(&error) => {
                    return escalate(format!(
                        "{}. Whether a later Job of CronJob {cron_job} succeeded can't be seen: {error}",
                        case.why()
                    ));
                }
                read => read?,
            };
            let Some(other) = family.at_work.first().filter(|_| family.success().is_none()) else {
                return Ok(family);
            };
            wait_for(case, other, give_up, settings)?;
        }
        retry(
            settings.retry_after,
            format!("the Jobs of CronJob {cron_job} change all the time; nothing was changed"),
        )
    }

    fn read(case: &Case, cron_job: &str, uid: &str) -> Result<Self, Error> {
        let namespace = case.job.metadata.namespace.as_deref().unwrap_or_default();
        let cron_job = kube::find::<CronJob>(namespace, cron_job)?;
        // Nothing but their owner tells the Jobs of a CronJob from others.
        let mut jobs = kube::list::<Job>().in_namespace(namespace).pages_of(PAGE).read()?;
        jobs.retain(|job| job.metadata.is_owned_by(uid) && job.metadata.uid != case.job.metadata.uid);
        jobs.sort_by_key(|job| job.metadata.creation_timestamp);
        let is_newer = |job: &&Job| is_newer(job, &case.job);
        Ok(Self {
            cron_job: cron_job.filter(|cron_job| cron_job.metadata.uid == uid),
            successes: jobs.iter().filter(|job| has_succeeded_after(job, &case.job)).cloned().collect(),
            newer: jobs.iter().filter(is_newer).cloned().collect(),
            at_work: jobs.into_iter().filter(|job| !job.is_finished() && !job.spec.suspend).collect(),
        })
    }

    /// The newest Job that was made after the failed one and succeeded.
    pub fn success(&self) -> Option<&Job> {
        self.successes.last()
    }

    /// The newest Job that was made after the failed one, and failed as well.
    pub fn newest_failure(&self) -> Option<&Job> {
        self.newer.iter().rev().find(|job| job.failure().is_some())
    }

    /// The newest Job that was made after the failed one, however it is.
    pub fn newest(&self) -> Option<&Job> {
        self.newer.last()
    }

    /// How the CronJob went so far.
    pub fn record(&self) -> String {
        match self.last_success() {
            _ if self.cron_job.is_none() => "the CronJob is gone".to_owned(),
            Some(at) => format!("the CronJob last succeeded at {at}"),
            None => "the CronJob has never succeeded as far as it says".to_owned(),
        }
    }

    fn last_success(&self) -> Option<Time> {
        self.cron_job.as_ref().and_then(|cron_job| cron_job.status.last_successful_time)
    }
}

/// Whether a Job was made, and begun, after another was made. Times are to the second; in doubt it
/// was not. (One that was restored from a backup was made late and begun early.)
pub fn is_newer(job: &Job, than: &Job) -> bool {
    let Some(than) = than.metadata.creation_timestamp else { return false };
    let is_after = |at: Option<Time>| at.is_some_and(|at| at > than);
    is_after(job.metadata.creation_timestamp) && job.status.start_time.is_none_or(|at| at > than)
}

/// Whether a Job that is newer than another has completed, and says since when it ran.
pub fn has_succeeded_after(job: &Job, other: &Job) -> bool {
    is_newer(job, other) && job.is_complete() && job.status.start_time.is_some()
}

fn wait_for(case: &Case, other: &Job, give_up: Time, settings: &Settings) -> Result<(), Stop> {
    let name = shown(other);
    if !settings.may_act() {
        return escalate(format!("{}. Job {name} of the same CronJob is at work", case.why()));
    }
    step!("waiting for Job {name} of the same CronJob, which is at work");
    match kube::of(other).wait(finished(), give_up.since(clock::now()))? {
        Waited::Met(_) | Waited::Deleted => Ok(()),
        Waited::Timeout => retry(
            settings.retry_after,
            format!("Job {name} of the same CronJob is still at work; nothing was changed. {}", case.why()),
        ),
    }
}

#[cfg(test)]
mod tests {
    use suture_policy::json;

    use super::*;

    #[test]
    fn a_job_is_newer_only_where_that_is_certain() {
        let job = |at: Option<&str>| -> Job {
            let status = json!({"startTime": at});
            serde_json::from_value(
                json!({"metadata": {"name": "x", "creationTimestamp": at}, "status": status}),
            )
            .unwrap()
        };
        let (early, late) = (job(Some("2026-11-22T04:00:00Z")), job(Some("2026-11-22T04:00:01Z")));
        assert!(is_newer(&late, &early));
        assert!(!is_newer(&early, &late) && !is_newer(&early, &early.clone()));
        assert!(!is_newer(&job(None), &early) && !is_newer(&late, &job(None)));
        let restored = Job { status: early.status.clone(), ..late.clone() };
        assert!(!is_newer(&restored, &early));
    }
}
