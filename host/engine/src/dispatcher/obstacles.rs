//! Telling others what keeps queued incidents from their runs.

use suture_journal::PauseRecord;

use super::{Dispatcher, runs};
use crate::obstacles::{Obstacle, PLACES};
use crate::pauses;
use crate::waiting::Reason;

impl Dispatcher {
    /// Let others know what keeps each policy from starting the runs that wait.
    pub(super) fn tell_of_obstacles(&mut self) {
        let waiting = self.queue.policies().into_iter();
        let told = waiting.filter_map(|policy| {
            let obstacle = self.obstacle(&policy)?;
            Some((policy, obstacle))
        });
        let told = told.collect();
        self.shared.obstacles.set(told);
        self.shared.obstacles.set_behind(self.behind.clone());
        self.shared.obstacles.set_prometheus_is_away(self.unconfirmed.is_away);
    }

    /// What keeps all runs of a policy from starting.
    fn obstacle(&mut self, name: &str) -> Option<Obstacle> {
        let because = |reason, message: String| Some(Obstacle { reason, message, until: None });
        let now = self.now();
        if self.shutdown.is_some() {
            return because(Reason::Stopping, "the host is shutting down; the next one goes on".to_owned());
        }
        if let Some(error) = &self.behind {
            return because(Reason::Journal, error.to_string());
        }
        if self.cluster_id.is_none() {
            let message =
                "the API server can't be reached since the start of the host; it is asked every few seconds";
            return because(Reason::Unreachable, message.to_owned());
        }
        let room = self.shared.journal.room();
        if room.is_full_with(0) {
            return because(Reason::JournalFull, room.full());
        }
        if let Some(obstacle) = paused(&self.shared.pauses.both(name, now)) {
            return Some(obstacle);
        }
        // Of one that is not in the configuration any more all are escalated.
        let policy = self.policy(name)?;
        if let Err(error) = &policy.program {
            return because(Reason::NotLoaded, format!("the policy is not loaded: {error}"));
        }
        if let Some(why) = self.shared.hold(name).all {
            return because(Reason::Right, why);
        }
        let budgets = &self.shared.budgets;
        let (most, storm_window) = (budgets.runs_per_hour, budgets.storm_window);
        let places = budgets.concurrent_runs.saturating_sub(self.working.values().sum());
        let budget = self.policies.entry(name.to_owned()).or_default();
        if budget.storm {
            return Some(Obstacle {
                reason: Reason::Storm,
                message: format!(
                    "too many incidents of the policy came within {storm_window} (`budgets.storm`); it is over by itself, \
                     or when an operator resumes"
                ),
                until: budget.opened.next_change(storm_window.get()),
            });
        }
        if budget.started.count(now, runs::HOUR) >= most {
            return Some(Obstacle {
                reason: Reason::Budget,
                message: format!("the policy has started {most} runs within an hour (`budgets.runsPerHour`)"),
                until: budget.started.next_change(runs::HOUR),
            });
        }
        if let Some(why) = self.silence_checks.unavailable() {
            let message = format!("it is not known whether alerts are silenced: {why}");
            return because(Reason::Alertmanager, message);
        }
        (places == 0).then(|| Obstacle { reason: Reason::Places, message: PLACES.to_owned(), until: None })
    }
}

/// What stands against a policy for somebody's word: the host's pause, its own, or both.
fn paused(pauses: &[PauseRecord]) -> Option<Obstacle> {
    let is_drained = pauses.first()?.drain.is_some();
    // It is over when both are.
    let ends: Option<Vec<_>> = pauses.iter().map(|pause| pause.until).collect();
    Some(Obstacle {
        reason: if is_drained { Reason::Drained } else { Reason::Paused },
        message: pauses.iter().map(pauses::sentence).collect::<Vec<_>>().join("; "),
        until: ends.and_then(|ends| ends.into_iter().max()),
    })
}
