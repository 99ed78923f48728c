//! Coming to a Job: one that is there already, or a new one.

use suture_policy::kube::{self, CronJob, Job, Metadata, Ref, Undo, Waited, job::finished};
use suture_policy::stop::{Stop, escalate, retry, unnecessary};
use suture_policy::{Error, Incident, Result, Time, clock, info, prometheus, reason, step};

use crate::environment::Environment;
use crate::follow::what_holds_up;
use crate::jobs::{Jobs, is_of, is_unreported};
use crate::manifest::{OnInterrupt, Settings};
use crate::needs::Needs;
use crate::target::Target;
use crate::template;

/// How often it looks again before it gives up: each look finds something changed.
const MOST_LOOKS: u32 = 10;

/// What is to be run, and for whom.
pub struct Work<'a> {
    pub incident: &'a Incident,
    pub settings: &'a Settings,
    pub target: &'a Target,
    pub cron_job: CronJob,
    pub environment: Environment,
    /// When to stop waiting for others.
    pub give_up: Time,
}

/// A Job that this run sees to its end.
pub struct Claimed {
    pub job: Job,
    /// Armed where the Job is not to outlive the run.
    pub undo: Option<Undo<Job>>,
}

impl From<Job> for Claimed {
    fn from(job: Job) -> Self {
        Self { job, undo: None }
    }
}

impl Work<'_> {
    /// The Job of this incident: one that an earlier attempt has started, or a new one once
    /// nothing is in the way.
    pub fn claim(&self) -> Result<Claimed, Stop> {
        for _ in 0..MOST_LOOKS {
            let jobs = Jobs::of(&self.cron_job)?;
            if let Some(job) = jobs.unreported(self.incident) {
                info!(
                    "Job {} was started by an earlier attempt, and its result is not reported yet",
                    job.metadata.name
                );
                return Ok(job.clone().into());
            }
            if let Some(other) = jobs.in_the_way(self.settings.concurrency_policy) {
                self.wait_for(other)?;
                continue;
            }
            let Some(name) = jobs.free_name(&self.cron_job) else {
                return escalate(format!(
                    "CronJob {} has {} finished Jobs of this policy; nothing was started. Remove some, or let \
                     ttlSecondsAfterFinished or the CronJob's history limits do so",
                    self.target,
                    template::MOST_JOBS
                ));
            };
            match self.start(&name) {
                Ok(claimed) => return Ok(claimed),
                // It was not there when they were listed: they are looked at again.
                Err(error) if error.reason == reason::ALREADY_EXISTS => {}
                Err(error) => return self.not_started(&name, error),
            }
        }
        retry(
            self.settings.retry_after,
            format!("the Jobs of CronJob {} change all the time; nothing was started", self.target),
        )
    }

    fn start(&self, name: &str) -> Result<Claimed> {
        step!("starting Job {name} from CronJob {}", self.target);
        let object = template::job(&self.cron_job, name, self.incident, &self.environment);
        let create = kube::create::<Job>(&self.target.namespace, object);
        Ok(match self.settings.on_interrupt {
            OnInterrupt::Keep => Claimed { job: create.send()?, undo: None },
            OnInterrupt::Delete => {
                let undo = create.undo(self.named(name).delete()).send()?;
                Claimed { job: undo.object.clone(), undo: Some(undo) }
            }
        })
    }

    /// Why there is no Job, or that there is one in spite of the error.
    fn not_started(&self, name: &str, error: Error) -> Result<Claimed, Stop> {
        match error.reason.as_str() {
            reason::DENIED if !self.still_fires() => {
                unnecessary("the alert does not fire any more, so nothing was started")
            }
            reason::DENIED => escalate(format!(
                "the host does not allow the Job of CronJob {}: {}; nothing was started. What it takes, where a grant \
                 can allow it: {}",
                self.target,
                error.message,
                Needs::of(&self.cron_job, &self.target.namespace, &self.environment)
            )),
            reason::INVALID => escalate(format!(
                "the API server does not take the Job {name}: {}; nothing was started",
                error.message
            )),
            // Its roles, or a quota: both may change.
            reason::FORBIDDEN => retry(
                self.settings.retry_after,
                format!(
                    "the API server does not allow the Job {name}: {}; nothing was started",
                    error.message
                ),
            ),
            // It may have been made all the same. If not, the next attempt finds it, should it
            // still come.
            _ => match self.named(name).find()? {
                Some(job) if is_of(&job, &self.cron_job) && is_unreported(&job, self.incident) => {
                    info!("Job {name} was made in spite of the error: {error}");
                    Ok(job.into())
                }
                _ => Err(error.into()),
            },
        }
    }

    /// Another Job is at work; as long as there is patience it is waited for.
    fn wait_for(&self, other: &Job) -> Result<(), Stop> {
        let name = &other.metadata.name;
        step!("waiting for Job {name}, which is at work");
        let patience = self.give_up.since(clock::now());
        match kube::of(other).wait(finished(), patience)? {
            Waited::Met(_) | Waited::Deleted => Ok(()),
            Waited::Timeout => self.stop_waiting_for(other),
        }
    }

    /// Nobody waits any longer for a Job of somebody else. One that takes longer than any is
    /// given will not end by itself.
    fn stop_waiting_for(&self, other: &Job) -> Result<(), Stop> {
        let Metadata { namespace, name, creation_timestamp, .. } = &other.metadata;
        let since = other.status.start_time.or(*creation_timestamp);
        let is_at_work = format!(
            "Job {}/{name} is at work{}; nothing was started beside it",
            namespace.as_deref().unwrap_or_default(),
            since.map(|since| format!(" since {since}")).unwrap_or_default()
        );
        if since.is_some_and(|since| clock::now().since(since) > self.settings.timeout) {
            return escalate(format!(
                "{is_at_work}. It does not end: {}",
                what_holds_up(other, self.settings)
            ));
        }
        retry(self.settings.retry_after, is_at_work)
    }

    fn named(&self, name: &str) -> Ref<Job> {
        Ref::new(&self.target.namespace, name)
    }

    /// Whether Prometheus still knows the alert; it may not have all labels of the
    /// notification. Where it can't be asked, the alert is taken at its word.
    fn still_fires(&self) -> bool {
        let Ok(alerts) = prometheus::alerts() else { return true };
        let is_it = |name: &String, value: &String| self.incident.label(name) == Some(value);
        alerts.iter().any(|alert| alert.firing && alert.labels.iter().all(|(name, value)| is_it(name, value)))
    }
}
