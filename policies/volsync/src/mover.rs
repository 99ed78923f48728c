//! The mover: the Job that VolSync runs for a sync, and its pods.

use std::collections::BTreeSet;

use suture_policy::Result;
use suture_policy::kube::{self, Job, Pod};
use suture_policy::stop::{Stop, escalate, retry};

use crate::manifest::Settings;
use crate::source::ReplicationSource;

/// The Jobs of a source, and their pods.
pub struct Movers {
    jobs: Vec<Job>,
    pods: Vec<Pod>,
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
        if names.is_empty() {
            return Ok(Self { jobs, pods: Vec::new() });
        }
        let of_jobs = format!("job-name in ({})", names.into_iter().collect::<Vec<_>>().join(","));
        let pods = kube::list::<Pod>().in_namespace(source.namespace()).labels(&of_jobs).read()?;
        Ok(Self { jobs, pods })
    }

    /// While a mover is at work nothing may be changed: VolSync would delete it in the
    /// middle of a backup. Between the retries of a failing Job there is none.
    pub fn must_be_idle(&self, settings: &Settings) -> Result<(), Stop> {
        let mut live = self.pods.iter().filter(|pod| !pod.is_finished());
        if let Some(Pod { metadata, status, .. }) = live.clone().find(|pod| pod.stuck().is_none()) {
            return retry(
                settings.retry_after,
                format!("a mover is active: {} is {}", metadata.name, status.phase),
            );
        }
        if let Some((pod, why)) = live.find_map(|pod| Some((pod, pod.stuck()?))) {
            let name = &pod.metadata.name;
            return escalate(format!("the mover {name} can't start: {}: {}", why.reason, why.message));
        }
        // The list of pods may be older than that of the Jobs.
        if let Some(Job { metadata, .. }) = self.jobs.iter().find(|job| job.status.active > 0) {
            return retry(
                settings.retry_after,
                format!("a mover is active: Job {} has a pod", metadata.name),
            );
        }
        let has_pods = |job: &Job| {
            self.pods.iter().any(|pod| pod.metadata.label("job-name") == Some(job.metadata.name.as_str()))
        };
        if let Some(Job { metadata, .. }) = self.jobs.iter().find(|job| !job.is_finished() && !has_pods(job))
        {
            return retry(
                settings.retry_after,
                format!("a mover is active: Job {} is about to start", metadata.name),
            );
        }
        Ok(())
    }

    /// The pod that ended last.
    pub fn latest(&self) -> Option<&Pod> {
        let ended = self.pods.iter().filter(|pod| pod.is_finished());
        ended.max_by_key(|pod| (pod.metadata.creation_timestamp, pod.finished_at()))
    }
}
