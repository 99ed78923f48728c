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
        let ended = |pod: &Pod| pod.finished_at().or(pod.metadata.creation_timestamp);
        match movers.latest() {
            Some(pod) if !pod.is_failed() => return Ok(Self::Missed),
            Some(pod) if ended(pod) >= source.status.last_sync_time => {
                if let Some(log) = log(pod) {
                    let age = ended(pod).map_or(Duration::default(), |ended| clock::now().since(ended));
                    return Ok(Self::read(&log, age));
                }
            }
            _ => {}
        }
        // The status does not say when that was; perhaps just now.
        let status = source.status.latest_mover_status.as_ref();
        Ok(match (status.filter(|status| status.result == "Failed"), movers.latest()) {
            (Some(status), _) => Self::read(&status.logs, Duration::default()),
            (None, Some(pod)) if ended(pod) >= source.status.last_sync_time => {
                Self::Failed(format!("{} failed, and its log can't be read", pod.metadata.name))
            }
            (None, _) => Self::Missed,
        })
    }

    /// From a log that was written so long ago.
    fn read(log: &str, age: Duration) -> Self {
        match Lock::find(log) {
            Some(lock) => Self::Locked(lock.older_by(age)),
            None => {
                let lines: Vec<_> = log.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
                let lines = lines.get(lines.len().saturating_sub(LINES_SHOWN)..).unwrap_or_default();
                Self::Failed(if lines.is_empty() { "it left no log".to_owned() } else { lines.join(" | ") })
            }
        }
    }
}

fn log(pod: &Pod) -> Option<String> {
    match kube::of(pod).logs(pod.main_container(), LINES_READ) {
        Ok(log) => Some(log).filter(|log| !log.trim().is_empty()),
        Err(error) => {
            warn!("the log of {} can't be read: {error}", pod.metadata.name);
            None
        }
    }
}
