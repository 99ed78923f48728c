//! Everything that there is to see of a policy's backups, at one moment.

use suture_policy::stop::{Stop, escalate, unnecessary};
use suture_policy::{Time, clock};

use crate::history::History;
use crate::policy::SnapshotPolicy;
use crate::reference::RepositoryRef;
use crate::schedule::Schedules;
use crate::snapshot::Phase;
use crate::target::{Alert, Target};

/// What was seen.
pub struct Seen {
    pub now: Time,
    pub policy: SnapshotPolicy,
    pub schedules: Schedules,
    /// The runs, those for `repository` where there are several.
    pub history: History,
    pub repository: RepositoryRef,
    /// Whether a run must say which of several repositories it is for.
    pub is_pinned: bool,
}

impl Seen {
    /// Look at it all. Stops where backups are not wanted.
    pub fn of(target: &Target) -> Result<Self, Stop> {
        let policy = SnapshotPolicy::find(target)?;
        let schedules = Schedules::of(&policy)?;
        if let Some(paused) = schedules.paused() {
            return unnecessary(format!(
                "the backups of SnapshotPolicy {target} are paused (`spec.schedule.suspend` of {paused}); whoever did that \
                 resumes them"
            ));
        }
        let history = History::of(target)?;
        let (repository, history, is_pinned) = narrowed(target, &policy, history)?;
        Ok(Self { now: clock::now(), policy, schedules, history, repository, is_pinned })
    }
}

/// The repository that an alert is about, and the runs for it.
fn narrowed(
    target: &Target,
    policy: &SnapshotPolicy,
    mut history: History,
) -> Result<(RepositoryRef, History, bool), Stop> {
    let repositories = policy.repositories();
    if let Some(meant) = &target.repository {
        if !repositories.is_empty() && !repositories.contains(meant) {
            return unnecessary(format!("SnapshotPolicy {target} does not back up to {meant} any more"));
        }
        history.for_repository(meant, &target.namespace);
        return Ok((meant.clone(), history, repositories.len() != 1));
    }
    match repositories.as_slice() {
        [] => escalate(format!("SnapshotPolicy {target} names no repository; nothing was changed")),
        [only] => Ok((only.clone(), history, false)),
        several => {
            let each = several.iter().map(|repository| {
                let mut own = history.clone();
                own.for_repository(repository, &target.namespace);
                (repository.clone(), own, true)
            });
            let mut each: Vec<_> = each.collect();
            let has_failed =
                |history: &History| history.finished().is_some_and(|run| run.phase() == Phase::Failed);
            let first = each.iter().position(|(_, history, _)| has_failed(history));
            match first {
                Some(first) => Ok(each.swap_remove(first)),
                None if target.alert == Alert::Stale => escalate(format!(
                    "SnapshotPolicy {target} backs up to {} repositories, the alert names none of them, and no latest run \
                     failed; nothing was changed. Keep the label `repository` in the rule",
                    several.len()
                )),
                None => Ok(each.swap_remove(0)),
            }
        }
    }
}
