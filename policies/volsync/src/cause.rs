//! Why a source is out of sync.

use suture_policy::kube::{self, Condition, Pod, pod::ContainerStatus};
use suture_policy::{Duration, Error, Result, clock, text, warn};

use crate::lock::Lock;
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

/// How much of a log is read, and how much is shown.
const LINES_READ: u32 = 100;
const LINES_SHOWN: usize = 4;
const BYTES_SHOWN: usize = 1_000;

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

/// What restic's exit code says, since 0.17.
pub fn exit_code_says(code: i32) -> Option<&'static str> {
    match code {
        10 => Some("there is no repository"),
        11 => Some("the repository could not be locked"),
        12 => Some("wrong password"),
        _ => None,
    }
}

/// The same of a mover, for where it says nothing else.
fn meaning(pod: &Pod, container: &str) -> String {
    let ended = pod.status_of(container).and_then(ContainerStatus::ended).filter(|_| container == "restic");
    let says = ended.and_then(|ended| exit_code_says(ended.exit_code));
    says.map_or_else(String::new, |says| format!(" ({says})"))
}

/// The lock that ended a mover, by its log. Only restic has locks.
fn locked(source: &ReplicationSource, log: &str) -> Option<Lock> {
    Lock::find(log).filter(|_| !source.is_kopia())
}

/// How lines begin that say why a program ends: restic's, Go's, and those of VolSync's scripts.
const TELLING: [&str; 5] = ["Fatal:", "panic:", "error:", "ERROR", "fatal error:"];

/// The last lines of a log, as one; before them the last that says why, if it is not among them.
pub fn end_of(log: &str) -> Option<String> {
    let lines: Vec<&str> = log.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    let end = text::last_lines(log, LINES_SHOWN, BYTES_SHOWN);
    let before = lines.get(..lines.len().saturating_sub(LINES_SHOWN)).unwrap_or_default();
    let tells = |line: &&&str| TELLING.iter().any(|start| line.starts_with(start));
    let is_told = lines.iter().skip(before.len()).any(|line| tells(&line));
    let told = before.iter().rev().find(|line| tells(line)).filter(|_| !is_told);
    let shown = match told {
        Some(line) => format!("{} | … | {end}", text::start(&text::one_line(line), BYTES_SHOWN)),
        None => end,
    };
    Some(shown).filter(|shown| !shown.is_empty())
}

/// Why there is nothing that a container has written.
pub enum NoLog {
    /// It has written nothing.
    Empty,
    /// It may have.
    Unreadable(Error),
}

/// What a container of a pod has written.
pub fn log(pod: &Pod, container: &str) -> Result<String, NoLog> {
    match kube::of(pod).logs(container, LINES_READ) {
        Ok(log) if log.trim().is_empty() => Err(NoLog::Empty),
        Ok(log) => Ok(log),
        Err(error) => {
            warn!("the log of {} can't be read: {}", pod.metadata.name, error.reason);
            Err(NoLog::Unreadable(error))
        }
    }
}
