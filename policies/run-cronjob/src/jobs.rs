//! The Jobs of a CronJob.

use std::collections::BTreeSet;

use suture_policy::kube::{self, CronJob, Job};
use suture_policy::{Incident, Result};

use crate::manifest::ConcurrencyPolicy;
use crate::template::{INCIDENT, MOST_JOBS, REPORTED, job_name};

/// So many Jobs at a time: templates can be large.
const PAGE: u32 = 100;

/// The Jobs of a CronJob, and the names that are taken in its namespace.
pub struct Jobs {
    own: Vec<Job>,
    names: BTreeSet<String>,
}

impl Jobs {
    pub fn of(cron_job: &CronJob) -> Result<Self> {
        let namespace = cron_job.metadata.namespace.as_deref().unwrap_or_default();
        // Nothing but their owner tells the Jobs of a CronJob from others.
        let mut own = kube::list::<Job>().in_namespace(namespace).pages_of(PAGE).read()?;
        let names = own.iter().map(|job| job.metadata.name.clone()).collect();
        own.retain(|job| is_of(job, cron_job));
        Ok(Self { own, names })
    }

    /// The Job that an earlier attempt of this incident has made and not reported: one that
    /// is at work, or else the last that ended.
    pub fn unreported(&self, incident: &Incident) -> Option<&Job> {
        let jobs = self.own.iter().filter(|job| is_unreported(job, incident));
        jobs.max_by_key(|job| (!job.is_finished(), job.metadata.creation_timestamp))
    }

    /// A Job that must end before another may start.
    pub fn in_the_way(&self, policy: ConcurrencyPolicy) -> Option<&Job> {
        self.own.iter().find(|job| {
            let is_of_this_policy = job.metadata.annotations.contains_key(INCIDENT);
            !job.is_finished() && (is_of_this_policy || policy == ConcurrencyPolicy::Forbid)
        })
    }

    /// A name for the next Job, if there is one left.
    pub fn free_name(&self, cron_job: &CronJob) -> Option<String> {
        (1..=MOST_JOBS).map(|number| job_name(cron_job, number)).find(|name| !self.names.contains(name))
    }
}

/// Whether a Job is a CronJob's, or was one of its predecessor of that name: what that has
/// started may still be at work.
pub fn is_of(job: &Job, cron_job: &CronJob) -> bool {
    let owners = &job.metadata.owner_references;
    owners.iter().any(|owner| owner.kind == "CronJob" && owner.name == cron_job.metadata.name)
}

/// Whether a Job was made for this incident, and its result not reported.
pub fn is_unreported(job: &Job, incident: &Incident) -> bool {
    let annotations = &job.metadata.annotations;
    annotations.get(INCIDENT) == Some(&incident.id) && !annotations.contains_key(REPORTED)
}
