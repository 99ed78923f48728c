//! Why a source is out of sync.

use suture_policy::kube::{Condition, Pod, pod::ContainerStatus};
use suture_policy::{Duration, Result, clock};

use crate::lock::Lock;
use crate::log::{NoLog, end_of, exit_code_says, log};
use crate::mover::Movers;
use crate::source::ReplicationSource;

/// Why a source is out of sync.
pub enum Cause {
    /// Nothing failed.
    Missed,
    /// The mover found the repository locked.
    Locked(Lock),
    /// The mover failed for another reason: how it ended, and the last that it said.
    Failed(String),
}

impl Cause {
    /// From how the last mover ended, by Kubernetes' account and then by its own. A later
    /// success makes an older failure void.
    pub fn of(source: &ReplicationSource, movers: &Movers) -> Result<Self> {
        let Some(pod) = movers.latest() else {
            let told = Self::of_status(source).or_else(|| Self::of_job(source, movers));
            return Ok(told.unwrap_or(Self::Missed));
        };
        let ended = pod.finished_at().or(pod.metadata.creation_timestamp);
        if !pod.is_failed() || ended < source.status.last_sync_time {
            return Ok(Self::Missed);
        }
        let container = movers.container_of(pod);
        let how = format!("{}, {}", pod.metadata.name, pod.how_it_ended(container));
        let log = log(pod, container);
        // What was killed did not end by what it said last.
        if !pod.was_cut_off(container) {
            let age = ended.map_or(Duration::default(), |ended| clock::now().since(ended));
            let found = match &log {
                Ok(log) => locked(source, log).map(|lock| lock.older_by(age)),
                // VolSync may have kept the end of it.
                Err(_) => Self::of_status(source).and_then(Self::lock),
            };
            if let Some(lock) = found {
                return Ok(Self::Locked(lock));
            }
        }
        Ok(Self::Failed(match log {
            Ok(log) => format!("{how}; its log ends: {}", end_of(&log).unwrap_or_default()),
            Err(NoLog::Empty) => format!("{how}{}; it left no log", meaning(pod, container)),
            Err(NoLog::Unreadable(error)) if error.is_not_found() => {
                format!("{how}; its log can't be read: {}", error.reason)
            }
            Err(NoLog::Unreadable(error)) => format!("{how}; its log can't be read: {error}"),
        }))
    }

    /// What stays when the pods are gone. It does not say when that was; perhaps just now.
    fn of_status(source: &ReplicationSource) -> Option<Self> {
        let status = source.status.latest_mover_status.as_ref()?;
        (status.result == "Failed").then(|| match locked(source, &status.logs) {
            Some(lock) => Self::Locked(lock),
            None => Self::Failed(end_of(&status.logs).unwrap_or_else(|| "it left no log".to_owned())),
        })
    }

    /// What the Job says of itself, where its pods are gone and VolSync has not said anything yet.
    pub fn of_job(source: &ReplicationSource, movers: &Movers) -> Option<Self> {
        let (job, failure) = movers.failed_job()?;
        let is_void = failure.last_transition_time.is_some_and(|at| Some(at) < source.status.last_sync_time);
        (!is_void).then(|| {
            let (name, Condition { reason, message, .. }) = (&job.metadata.name, failure);
            Self::Failed(format!(
                "Job {name} failed: {reason}: {message}; its pods are gone, and their logs with them"
            ))
        })
    }

    fn lock(self) -> Option<Lock> {
        match self {
            Self::Locked(lock) => Some(lock),
            Self::Missed | Self::Failed(_) => None,
        }
    }
}

/// What a mover's exit code says, for where it says nothing else.
fn meaning(pod: &Pod, container: &str) -> String {
    let ended = pod.status_of(container).and_then(ContainerStatus::ended).filter(|_| container == "restic");
    let says = ended.and_then(|ended| exit_code_says(ended.exit_code));
    says.map_or_else(String::new, |says| format!(" ({says})"))
}

/// The lock that ended a mover, by its log. Only restic has locks.
fn locked(source: &ReplicationSource, log: &str) -> Option<Lock> {
    Lock::find(log).filter(|_| !source.is_kopia())
}
