//! The mover: the Job that VolSync runs for a sync, and its pods.

use std::collections::BTreeSet;

use suture_policy::kube::{self, Condition, Job, Pod};
use suture_policy::stop::{Stop, escalate, retry};
use suture_policy::{Result, Time};

use crate::activity::Activity;
use crate::log::{end_of, log};
use crate::manifest::Settings;
use crate::source::ReplicationSource;
use crate::volume;

/// The Jobs of a source, and their pods.
#[derive(Clone)]
pub struct Movers {
    jobs: Vec<Job>,
    pods: Vec<Pod>,
    /// What VolSync calls the container that does the work, and the Job, if it is not too long.
    container: &'static str,
    usual_name: String,
}

/// Of a Job and of a label's value; VolSync shortens what is longer.
const LONGEST_NAME: usize = 63;

impl Movers {
    pub fn of(source: &ReplicationSource) -> Result<Self> {
        // VolSync shortens long names: the Job is found by what it says of its owner.
        let uid = &source.metadata.uid;
        let usual_name = format!("volsync-src-{}", source.name());
        let mut jobs = kube::list::<Job>()
            .in_namespace(source.namespace())
            .with_label("app.kubernetes.io/created-by", "volsync")
            .read()?;
        jobs.retain(|Job { metadata, .. }| {
            metadata.label("volsync.backube/cleanup") == Some(uid)
                || metadata.is_owned_by(uid)
                || metadata.name == usual_name
        });

        // A pod does not say whose it is, only which Job's; and it can outlive the Job.
        let mut names: BTreeSet<_> = jobs.iter().map(|job| job.metadata.name.as_str()).collect();
        if usual_name.len() <= LONGEST_NAME {
            names.insert(&usual_name);
        }
        let container = source.mover_container();
        if names.is_empty() {
            return Ok(Self { jobs, pods: Vec::new(), container, usual_name });
        }
        let of_jobs = format!("job-name in ({})", names.into_iter().collect::<Vec<_>>().join(","));
        let pods = kube::list::<Pod>().in_namespace(source.namespace()).labels(&of_jobs).read()?;
        Ok(Self { jobs, pods, container, usual_name })
    }

    /// While a mover is at work nothing may be changed: VolSync would delete it in the
    /// middle of a backup. Between the retries of a failing Job there is none. One that will
    /// not get on by itself is a person's.
    pub fn must_be_idle(&self, source: &ReplicationSource, settings: &Settings) -> Result<(), Stop> {
        match self.activity(settings) {
            None => Ok(()),
            Some(Activity::AtWork(what)) => {
                let (what, before) = (volume::explained(what, source)?, self.tries_before());
                retry(settings.retry_after, format!("a mover is active: {what}{before}"))
            }
            Some(Activity::Stuck(why)) => escalate(format!("the mover {}", volume::explained(why, source)?)),
        }
    }

    /// How many pods have failed before the one that is at work, and how the last did.
    fn tries_before(&self) -> String {
        let failed = self.ended().into_iter().filter(|pod| pod.is_failed()).count();
        match self.latest().filter(|pod| pod.is_failed()) {
            Some(last) => {
                let container = self.container_of(last);
                let (name, how) = (&last.metadata.name, last.how_it_ended(container));
                let said = log(last, container).ok().and_then(|log| end_of(&log));
                let said = said.map_or_else(String::new, |said| format!("; its log ends: {said}"));
                format!("; {failed} before it failed, the last, {name}, with {how}{said}")
            }
            None => String::new(),
        }
    }

    /// Those of them that were made since a moment.
    pub fn made_since(mut self, asked: Time) -> Self {
        self.pods.retain(|pod| pod.metadata.creation_timestamp.is_none_or(|made| made >= asked));
        self.jobs.retain(|job| !job.is_finished() || failed_at(job).is_none_or(|failed| failed >= asked));
        self
    }

    /// The Job that failed last, and why.
    pub fn failed_job(&self) -> Option<(&Job, &Condition)> {
        let failed = self.jobs.iter().filter_map(|job| Some((job, job.failure()?)));
        failed.max_by_key(|(_, failure)| failure.last_transition_time)
    }

    /// What there is of movers that have not ended: first what is at work.
    pub fn activity(&self, settings: &Settings) -> Option<Activity> {
        let pods = self.pods.iter().filter_map(|pod| Activity::of_pod(pod, self.container, settings));
        let jobs = self.jobs.iter().filter_map(|job| Activity::of_job(job, &self.pods_of(job), settings));
        let mut stuck = None;
        for activity in pods.chain(jobs) {
            match activity {
                Activity::AtWork(_) => return Some(activity),
                Activity::Stuck(_) => stuck = stuck.or(Some(activity)),
            }
        }
        stuck
    }

    fn pods_of(&self, job: &Job) -> Vec<&Pod> {
        let is_its = |pod: &&Pod| pod.metadata.label("job-name") == Some(job.metadata.name.as_str());
        self.pods.iter().filter(is_its).collect()
    }

    /// The pods that have ended, the last first.
    pub fn ended(&self) -> Vec<&Pod> {
        let mut ended: Vec<_> = self.pods.iter().filter(|pod| pod.is_finished()).collect();
        ended.sort_by_key(|pod| std::cmp::Reverse((pod.metadata.creation_timestamp, pod.finished_at())));
        ended
    }

    /// The pod that ended last.
    pub fn latest(&self) -> Option<&Pod> {
        self.ended().into_iter().next()
    }

    /// Whether a pod of this name is or was one of a mover of this source.
    pub fn have_run_as(&self, host: &str) -> bool {
        let job_of = |host: &str| host.rsplit_once('-').map(|(job, _)| job.to_owned());
        let jobs = self.jobs.iter().map(|job| &job.metadata.name).chain([&self.usual_name]);
        job_of(host).is_some_and(|job| jobs.into_iter().any(|name| *name == job))
    }

    /// The container of a pod that tells how its work went.
    pub fn container_of<'a>(&self, pod: &'a Pod) -> &'a str {
        let is_its = |job: &&Job| pod.metadata.label("job-name") == Some(job.metadata.name.as_str());
        let jobs = self.jobs.iter().filter(is_its);
        let main: Vec<_> = std::iter::once(self.container).chain(jobs.flat_map(Job::containers)).collect();
        pod.telling_container(&main)
    }
}

fn failed_at(job: &Job) -> Option<Time> {
    job.failure()?.last_transition_time
}
