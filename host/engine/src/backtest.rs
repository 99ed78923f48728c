//! Asking a newer module again for what was done in runs on record, before it is put to work.
//!
//! Nothing is performed: every call is answered from the record, see [`play_back`].

mod report;

use std::ops::RangeInclusive;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use suture_core::{Clock, Program, RealClock};
use suture_journal::{Filter, Journal, Recorded, RunRecord, RunState, play_back};

pub use report::{BackTested, Difference, RunDifference, Skipped};

/// How long all playbacks of one back-test may take together. Each run is bounded by the
/// limits of its own; what is not compared by then is told.
const PATIENCE: Duration = Duration::from_secs(120);
/// The most runs whose differences are told one by one.
const MAX_TOLD: usize = 20;

/// `policies[].backtest`: whether a newer module is first asked again for what was done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct BackTest {
    /// How many of the last recorded runs it is asked for.
    pub runs: usize,
    /// What comes of a difference.
    pub on_difference: OnDifference,
}

impl BackTest {
    /// What `runs` can be.
    pub const RUNS: RangeInclusive<usize> = 1..=1000;
}

impl Default for BackTest {
    fn default() -> Self {
        Self { runs: 50, on_difference: OnDifference::Hold }
    }
}

/// What comes of a difference.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum OnDifference {
    /// The old module goes on until a person accepts the new one.
    #[default]
    Hold,
    /// The differences are told, and the new module is put to work.
    Warn,
}

/// Ask a module for what the last runs of a policy did that have ended. What can't be compared
/// is told, and is no difference.
pub async fn back_test(journal: &Journal, policy: &str, candidate: &dyn Program, runs: usize) -> BackTested {
    let mut tested = BackTested::of(candidate.digest());
    let real: &dyn Clock = &RealClock;
    let until = real.after(PATIENCE);
    let records = match last(journal, policy, runs).await {
        Ok(records) => records,
        Err(error) => {
            tested.incomplete = Some(format!("the runs on record can't be read: {error}"));
            return tested;
        }
    };
    for record in records {
        if real.now() > until {
            tested.incomplete = Some(format!(
                "after {} s not all runs were compared; {} were",
                PATIENCE.as_secs(),
                tested.compared
            ));
            break;
        }
        match compare(journal, &record, candidate).await {
            Ok(None) => tested.count(),
            Ok(Some(difference)) => tested.differs_in(difference, MAX_TOLD),
            Err(why) => tested.skipped.push(Skipped { run: record.id.clone(), why }),
        }
    }
    tested
}

/// The last runs of a policy that have ended, newest first.
async fn last(journal: &Journal, policy: &str, runs: usize) -> Result<Vec<RunRecord>, String> {
    let mut found = Vec::new();
    let mut after = None;
    loop {
        let filter = Filter { policy: Some(policy.to_owned()), after, ..Filter::default() };
        let page = journal.runs(filter).await.map_err(|error| error.to_string())?;
        found.extend(page.items.into_iter().filter(|run| run.state == RunState::Ended));
        after = page.next;
        if found.len() >= runs || after.is_none() {
            found.truncate(runs);
            return Ok(found);
        }
    }
}

async fn compare(
    journal: &Journal,
    record: &RunRecord,
    candidate: &dyn Program,
) -> Result<Option<RunDifference>, String> {
    let header = journal.header(&record.id).await.map_err(|error| error.to_string())?;
    let header = header.ok_or("its header is missing")?;
    let entries = journal.entries(&record.id).await.map_err(|error| error.to_string())?;
    let recorded = Recorded { header: &header, digest: &record.digest, entries: &entries };
    let playback = play_back(recorded, candidate).await?;
    if playback.is_same() {
        return Ok(None);
    }
    Ok(Some(RunDifference::of(record, &playback)))
}
