//! The runs of a policy that there are, newest first.

use suture_policy::kube::{self, Condition};
use suture_policy::{Duration, Result, Time};

use crate::reference::{GROUP, RepositoryRef};
use crate::snapshot::{Phase, Snapshot};
use crate::target::Target;

/// Snapshots hold the ends of logs: so many at a time stay below what one call may bring.
const PAGE: u32 = 100;

/// The runs of a policy, newest first.
#[derive(Clone, Debug, Default)]
pub struct History {
    runs: Vec<Snapshot>,
}

impl History {
    /// All that there are. What was found in repositories, perhaps thousands, is not read.
    pub fn of(target: &Target) -> Result<Self> {
        let mut runs = kube::list::<Snapshot>()
            .in_namespace(&target.namespace)
            .labels(&format!("{GROUP}/origin notin (discovered,adopted,replicated)"))
            .pages_of(PAGE)
            .read()?;
        runs.retain(|run| {
            run.is_of(&target.namespace, &target.policy) && run.is_run() && run.phase() != Phase::Other
        });
        runs.sort_by(|one, other| key(other).cmp(&key(one)));
        Ok(Self { runs })
    }

    /// Only the runs for this repository; of those that do not say, all.
    pub fn for_repository(&mut self, repository: &RepositoryRef, home: &str) {
        self.runs.retain(|run| {
            let own = run.spec.repository.clone();
            own.is_none_or(|own| own.at_home(home) == *repository)
        });
    }

    /// The latest run that is over.
    pub fn finished(&self) -> Option<&Snapshot> {
        self.runs.iter().find(|run| matches!(run.phase(), Phase::Succeeded | Phase::Failed))
    }

    /// The newest run that is not over. One that has not begun counts where nothing newer is over: what
    /// it waits for held up nobody else.
    pub fn unfinished(&self) -> Option<&Snapshot> {
        let is_over = |run: &Snapshot| matches!(run.phase(), Phase::Succeeded | Phase::Failed);
        let newest = self.runs.iter().take_while(|run| !is_over(run)).next();
        newest.or_else(|| self.runs.iter().find(|run| run.phase() == Phase::Running))
    }

    /// The latest run that succeeded, for the same volume as `like`.
    pub fn success<'a>(&'a self, like: Option<&'a Snapshot>) -> Option<&'a Snapshot> {
        self.alike(like).find(|run| run.phase() == Phase::Succeeded)
    }

    /// The runs that failed since the latest success, for the same volume as `like`.
    pub fn failures<'a>(&'a self, like: &'a Snapshot) -> Vec<&'a Snapshot> {
        let since = self.alike(Some(like)).take_while(|run| run.phase() != Phase::Succeeded);
        since.filter(|run| run.phase() == Phase::Failed).collect()
    }

    /// The runs that failed before `success`, for the same volume and repository.
    pub fn superseded<'a>(&'a self, success: &'a Snapshot) -> Vec<&'a Snapshot> {
        let before = self.alike(Some(success)).filter(|run| {
            run.phase() == Phase::Failed
                && run.metadata.creation_timestamp < success.metadata.creation_timestamp
        });
        before.filter(|run| run.spec.repository == success.spec.repository).collect()
    }

    /// How long the latest success took, where it says.
    pub fn usual_duration(&self, like: Option<&Snapshot>) -> Option<Duration> {
        self.success(like)?.status.timing.duration_seconds.map(Duration::seconds)
    }

    fn alike<'a>(&'a self, like: Option<&'a Snapshot>) -> impl Iterator<Item = &'a Snapshot> {
        self.runs.iter().filter(move |run| like.is_none_or(|like| run.spec.source == like.spec.source))
    }
}

fn key(run: &Snapshot) -> (Option<Time>, &str) {
    (run.metadata.creation_timestamp, &run.metadata.name)
}

/// How often and since when it failed, and when it last succeeded: for people.
pub fn told(history: &History, failed: &Snapshot) -> String {
    let failures = history.failures(failed);
    let first = failures.last().and_then(|run| run.ended());
    let since = first.map_or_else(String::new, |since| format!(" since {since}"));
    let times = match failures.len() {
        0 | 1 => format!("it failed once{since}"),
        times => format!("{times} failed in a row{since}"),
    };
    match history.success(Some(failed)) {
        Some(success) => format!(
            "{times}, the last success is {}{}",
            success.metadata.name,
            success.ended().map_or_else(String::new, |ended| format!(" of {ended}"))
        ),
        None => format!("{times}, and there is no Snapshot that succeeded"),
    }
}

/// A condition among several that has this status.
pub fn condition<'a>(conditions: &'a [Condition], name: &str, status: &str) -> Option<&'a Condition> {
    conditions.iter().find(|condition| condition.name == name && condition.status == status)
}
