//! How much was going on before this start: a restart makes no storm end, and no budget new.

use std::collections::HashMap;

use suture_core::Timestamp;
use suture_core::clock::later;
use suture_journal::{Filter, IncidentState, JournalError};

use super::Dispatcher;
use super::runs::HOUR;

/// Pages of the journal that are looked through at most, of each list.
const MAX_PAGES: usize = 20;

/// When something happened, of each policy, newest first.
type Times = HashMap<String, Vec<Timestamp>>;

impl Dispatcher {
    /// Count the runs of the last hour, and the incidents of the last storm window.
    pub(super) async fn count_recent(&mut self) -> Result<(), JournalError> {
        let now = self.now();
        for (policy, times) in self.recent_runs(now).await? {
            let started = &mut self.policies.entry(policy).or_default().started;
            times.into_iter().rev().for_each(|at| started.add(at));
        }
        // A storm that goes on is found by them, and told: what people were told before this start ends
        // in Alertmanager where nobody tells it again.
        let over = self.shared.journal.storms_over().await?;
        for (name, times) in self.recent_incidents(now).await? {
            let over = ["", &name].into_iter().filter_map(|one| over.get(one)).max().copied();
            let opened = &mut self.policies.entry(name).or_default().opened;
            let counts = times.into_iter().rev().filter(|at| over.is_none_or(|over| *at > over));
            counts.for_each(|at| opened.add(at));
        }
        Ok(())
    }

    async fn recent_runs(&self, now: Timestamp) -> Result<Times, JournalError> {
        let mut times = Times::new();
        let mut filter = newest();
        for _ in 0..MAX_PAGES {
            let page = self.shared.journal.runs(filter.clone()).await?;
            let is_past = page.items.last().is_none_or(|oldest| later(oldest.started_at, HOUR) <= now);
            let recent = page.items.into_iter().filter(|run| later(run.started_at, HOUR) > now);
            for run in recent {
                times.entry(run.policy).or_default().push(run.started_at);
            }
            filter.after = page.next;
            if is_past || filter.after.is_none() {
                break;
            }
        }
        Ok(times)
    }

    async fn recent_incidents(&self, now: Timestamp) -> Result<Times, JournalError> {
        let window = self.shared.budgets.storm_window.get();
        let mut times = Times::new();
        let mut filter = newest();
        for _ in 0..MAX_PAGES {
            let page = self.shared.journal.incidents(filter.clone()).await?;
            let is_past = page.items.last().is_none_or(|oldest| later(oldest.opened_at, window) <= now);
            for incident in page.items {
                let is_confirmed =
                    !matches!(incident.state, IncidentState::Received | IncidentState::Unconfirmed);
                if is_confirmed && later(incident.opened_at, window) > now {
                    times.entry(incident.policy).or_default().push(incident.opened_at);
                }
            }
            filter.after = page.next;
            if is_past || filter.after.is_none() {
                break;
            }
        }
        Ok(times)
    }
}

fn newest() -> Filter {
    Filter { limit: Some(Filter::MAX_LIMIT), ..Filter::default() }
}
