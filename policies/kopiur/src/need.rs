//! What a policy's backups need: nothing, a person, or another run.

use std::fmt;

use suture_policy::stop::{Stop, escalate, unnecessary};
use suture_policy::{Incident, Time};

use crate::backup;
use crate::clear;
use crate::failure::{self, Verdict};
use crate::history;
use crate::manifest::{Clear, Settings};
use crate::seen::Seen;
use crate::snapshot::{Phase, Snapshot};
use crate::target::{Alert, Target};

/// Why another run is needed.
#[derive(Debug)]
pub enum Need {
    /// The latest failed, and for what passes.
    Failed(Box<Snapshot>, String),
    /// None has succeeded for long, and none failed.
    Missed(Option<Time>),
}

impl Need {
    /// The run that failed.
    pub fn failed(&self) -> Option<&Snapshot> {
        match self {
            Self::Failed(failed, _) => Some(failed),
            Self::Missed(_) => None,
        }
    }

    /// What makes it the same need when it is looked at again.
    pub fn is_still(&self, before: &Self) -> bool {
        match (self, before) {
            (Self::Failed(now, _), Self::Failed(then, _)) => now.metadata.uid == then.metadata.uid,
            (Self::Missed(now), Self::Missed(then)) => now == then,
            _ => false,
        }
    }
}

impl fmt::Display for Need {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Failed(failed, cause) => {
                write!(f, "{} had failed for what passes ({cause})", failed.metadata.name)
            }
            Self::Missed(Some(last)) => {
                write!(f, "the last success was of {last}, and no run has failed since")
            }
            Self::Missed(None) => f.write_str("no run had succeeded, and none had failed"),
        }
    }
}

/// What to do once nothing is at work. Stops where there is nothing, or only a person can.
pub fn of(seen: &Seen, target: &Target) -> Result<Need, Stop> {
    match seen.history.finished() {
        Some(failed) if failed.phase() == Phase::Failed => of_failed(failed, seen, target),
        Some(success) => of_missed(Some(success), seen, target),
        None => of_missed(None, seen, target),
    }
}

/// Whether the latest run that is over shows that all is well again.
pub fn is_met(seen: &Seen, target: &Target, incident: &Incident, settings: &Settings) -> Result<(), Stop> {
    let Some(success) = seen.history.finished().filter(|run| run.phase() == Phase::Succeeded) else {
        return Ok(());
    };
    let ended = success.ended();
    // Before the alert began, a success is what the alert calls too old.
    let is_old = target.alert == Alert::Stale
        && match (ended, incident.alert.starts_at) {
            (Some(ended), Some(began)) => ended < began,
            (_, _) => true,
        };
    if is_old {
        return Ok(());
    }
    if target.alert == Alert::RunFailed && settings.clear == Clear::Superseded {
        return clear::superseded(success, &seen.history, settings);
    }
    unnecessary(format!(
        "the latest run, Snapshot {}, {}{}; the alert goes when Prometheus sees it",
        success.shown(),
        if success.is_unchanged() { "found nothing new to back up" } else { "succeeded" },
        ended.map_or_else(String::new, |ended| format!(" at {ended}"))
    ))
}

fn of_failed(failed: &Snapshot, seen: &Seen, target: &Target) -> Result<Need, Stop> {
    let name = failed.shown();
    if seen.history.failures(failed).iter().any(|run| run.incident().is_some()) {
        return match failed.incident() {
            Some(_) => backup::again(failed, seen),
            None => escalate(format!(
                "Snapshot {name} failed, and so did a retry by this policy before: {}; {}. No other is started; look with \
                 `{}`",
                failure::words(failed),
                history::told(&seen.history, failed),
                failed.describe()
            )),
        };
    }
    match failure::judge(failed) {
        Verdict::Passing(_) if seen.policy.is_for_many() && failed.spec.source.is_none() => {
            escalate(format!(
                "Snapshot {name} failed for what passes, but its SnapshotPolicy selects volumes and it does not say which it \
             was for; nothing was changed. `{}` runs all of them",
                target.by_hand()
            ))
        }
        Verdict::Passing(cause) => Ok(Need::Failed(Box::new(failed.clone()), cause)),
        Verdict::Lasting(why) => escalate(format!(
            "Snapshot {name} failed, and another run would not help: {why}; {}. Nothing was changed; look with `{}`",
            history::told(&seen.history, failed),
            failed.describe()
        )),
    }
}

fn of_missed(last: Option<&Snapshot>, seen: &Seen, target: &Target) -> Result<Need, Stop> {
    if target.alert != Alert::Stale {
        return unnecessary(format!("SnapshotPolicy {target} has no Snapshot that failed (any more)"));
    }
    let since = last.and_then(Snapshot::ended);
    let last = since.map_or_else(|| "never".to_owned(), |since| format!("at {since}"));
    if seen.schedules.is_none() {
        return escalate(format!(
            "nothing backs up SnapshotPolicy {target}: in its namespace no SnapshotSchedule is for it, and the last success \
             was {last}; nothing was changed. `{}` runs it by hand",
            target.by_hand()
        ));
    }
    if seen.policy.is_for_many() || seen.policy.is_grouped() {
        return escalate(format!(
            "SnapshotPolicy {target} has no success since {last} and no failed run; its volumes are backed up together, so \
             none was run alone, and nothing was changed. Next slot: {}",
            seen.schedules
                .next(seen.now)
                .map_or_else(|| "none is told".to_owned(), |(at, by)| format!("{at} ({by})"))
        ));
    }
    Ok(Need::Missed(since))
}
