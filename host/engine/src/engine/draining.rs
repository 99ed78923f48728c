//! Draining: nothing begins, what runs ends, and what it must undo is undone. For who takes the
//! host away for good; who only restarts it leaves the runs to the next.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use suture_core::{IncidentId, Labels, RunId};
use suture_journal::{Filter, IncidentRecord, IncidentState, JournalError, Ledger, PauseRecord, RunRecord};

use super::{Engine, PauseError};

/// Runs at work that are named.
const NAMED: usize = 100;
/// Pages of incidents that are looked at for what is left, of each state.
const MAX_PAGES: usize = 10;

/// How a host is to be drained.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DrainOrder {
    /// Who wants it.
    pub who: String,
    /// Why; may be empty.
    pub reason: String,
    /// How long the runs at work may take to end by themselves.
    pub wait: Duration,
}

/// How far it is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct DrainStatus {
    /// Who drains it, why, since when, and from when on runs are ended.
    pub pause: PauseRecord,
    /// Whether nothing is at work any more.
    pub done: bool,
    /// How many runs are at work.
    pub at_work: usize,
    /// Some of them.
    pub runs: Vec<RunRecord>,
    /// What stays in the cluster although it should not, once nothing is at work.
    pub left: Vec<Left>,
}

/// Something that could not be taken back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Left {
    /// The policy.
    pub policy: String,
    /// What its incident is about.
    pub key: Labels,
    /// The incident.
    pub incident: IncidentId,
    /// The run that changed it.
    pub run: RunId,
    /// What is left, in a sentence.
    pub what: String,
}

impl Engine {
    /// Begin nothing more; end the runs at work, after a time in which they may end by themselves,
    /// and undo what they must undo. It goes on after a restart, and holds until somebody
    /// [resumes](Self::resume): then what is not repaired is handled anew.
    ///
    /// # Errors
    /// Why it does not hold for longer than this process lives.
    pub async fn drain(&self, order: DrainOrder) -> Result<PauseRecord, PauseError> {
        let DrainOrder { who, reason, wait } = order;
        let clock = &self.0.clock;
        let drain = Some(clock.after(wait));
        self.put_pause(PauseRecord { policy: None, who, reason, since: clock.now(), until: None, drain })
            .await
    }

    /// How far the host is drained; none where nobody drains it.
    ///
    /// # Errors
    /// When the journal can't be read.
    pub async fn drain_status(&self) -> Result<Option<DrainStatus>, JournalError> {
        let Some(pause) = self.0.pauses.host(self.0.clock.now()).filter(|pause| pause.drain.is_some()) else {
            return Ok(None);
        };
        let mut runs = self.0.journal.unfinished_runs().await?;
        let at_work = runs.len().max(self.0.obstacles.at_work());
        runs.truncate(NAMED);
        let done = at_work == 0;
        let left = if done { self.left().await? } else { Vec::new() };
        Ok(Some(DrainStatus { pause, done, at_work, runs, left }))
    }

    /// What runs have changed and could not take back. People were told of each: its incident is
    /// escalated.
    async fn left(&self) -> Result<Vec<Left>, JournalError> {
        let mut left = Vec::new();
        for state in [IncidentState::Escalated, IncidentState::Failed] {
            let state = Some(state.as_str().to_owned());
            let mut filter = Filter { state, limit: Some(Filter::MAX_LIMIT), ..Filter::default() };
            for _ in 0..MAX_PAGES {
                let page = self.0.journal.incidents(filter.clone()).await?;
                for incident in page.items.iter().filter(|incident| incident.closed_at.is_none()) {
                    self.left_of(incident, &mut left).await?;
                }
                filter.after = page.next;
                if filter.after.is_none() {
                    break;
                }
            }
        }
        Ok(left)
    }

    async fn left_of(&self, incident: &IncidentRecord, left: &mut Vec<Left>) -> Result<(), JournalError> {
        let Some(run) = incident.runs.last() else { return Ok(()) };
        let (entries, damaged) = self.0.journal.legible_entries(run).await?;
        let ledger = Ledger::of(&entries);
        let open = ledger.open().iter().filter(|undo| !undo.dry_run).map(|undo| {
            format!(
                "step {} is not undone: {} {}",
                undo.change,
                undo.mutation.mutation_type(),
                undo.mutation.reference()
            )
        });
        let damaged = damaged.into_iter().map(|damage| format!("a part of the record is damaged: {damage}"));
        let all = open.chain(ledger.unknown().iter().cloned()).chain(damaged);
        left.extend(all.map(|what| Left {
            policy: incident.policy.clone(),
            key: incident.key.clone(),
            incident: incident.id.clone(),
            run: run.clone(),
            what,
        }));
        Ok(())
    }
}
