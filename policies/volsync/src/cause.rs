//! Why a source is out of sync.

use suture_policy::{Duration, Result, clock, kube, kube::Pod, warn};

use crate::lock::Lock;
use crate::mover::Movers;
use crate::source::ReplicationSource;

/// Why a source is out of sync.
pub enum Cause {
    /// Nothing failed.
    Missed,
    /// The mover found the repository locked.
    Locked(Lock),
    /// The mover failed for another reason: the last that it said.
    Failed(String),
}

/// How much of a log is read, and how much is shown.
const LINES_READ: u32 = 100;
const LINES_SHOWN: usize = 4;

impl Cause {
    /// From what the last mover said. A later success makes an older failure void.
    pub fn of(source: &ReplicationSource, movers: &Movers) -> Result<Self> {
        let Some(pod) = movers.latest() else { return Ok(Self::of_status(source).unwrap_or(Self::Missed)) };
        let ended = pod.finished_at().or(pod.metadata.creation_timestamp);
        if !pod.is_failed() || ended < source.status.last_sync_time {
            return Ok(Self::Missed);
        }
        Ok(match log(pod) {
            Some(log) => {
                Self::read(source, &log, ended.map_or(Duration::default(), |ended| clock::now().since(ended)))
            }
            None => Self::of_status(source).unwrap_or_else(|| {
                Self::Failed(format!("{} failed, and its log can't be read", pod.metadata.name))
            }),
        })
    }

    /// What stays when the pods are gone. It does not say when that was; perhaps just now.
    fn of_status(source: &ReplicationSource) -> Option<Self> {
        let status = source.status.latest_mover_status.as_ref()?;
        (status.result == "Failed").then(|| Self::read(source, &status.logs, Duration::default()))
    }

    /// From a log that was written so long ago. Only restic has locks.
    fn read(source: &ReplicationSource, log: &str, age: Duration) -> Self {
        match Lock::find(log).filter(|_| !source.is_kopia()) {
            Some(lock) => Self::Locked(lock.older_by(age)),
            None => Self::Failed(end_of(log).unwrap_or_else(|| "it left no log".to_owned())),
        }
    }
}

/// The last lines of a log, as one.
pub fn end_of(log: &str) -> Option<String> {
    let lines: Vec<_> = log.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    let shown = lines.get(lines.len().saturating_sub(LINES_SHOWN)..).unwrap_or_default();
    Some(shown.join(" | ")).filter(|shown| !shown.is_empty())
}

/// What a pod has written, if it can be read and there is any.
pub fn log(pod: &Pod) -> Option<String> {
    match kube::of(pod).logs(pod.main_container(), LINES_READ) {
        Ok(log) => Some(log).filter(|log| !log.trim().is_empty()),
        Err(error) => {
            warn!("the log of {} can't be read: {error}", pod.metadata.name);
            None
        }
    }
}
