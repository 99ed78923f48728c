//! What waits in this host, as of this moment.

use std::collections::BTreeMap;

use suture_core::{RunId, Timestamp};
use suture_journal::{IncidentRecord, IncidentState, JournalError, Line};

use super::Engine;
use crate::obstacles::Obstacle;
use crate::waiting::{Reason, Waiting, WaitingFor};

impl Engine {
    /// All that waits for something that keeps it from going on, by policy and reason. It costs
    /// a look at the first of each line, and at the runs at work.
    ///
    /// # Errors
    /// When the journal can't be read.
    pub async fn waiting(&self) -> Result<Vec<Waiting>, JournalError> {
        let journal = &self.0.journal;
        let mut all = All::default();
        let kept = self.0.obstacles.kept();
        let inbox = journal.inbox_len().saturating_sub(kept.values().map(|(count, _)| count).sum());
        for (policy, (count, since)) in kept {
            let message = "alerts wait in the inbox until the policy is loaded".to_owned();
            all.add(&policy, Reason::NotLoaded, message, count, since);
        }
        if inbox > 0 {
            let message = "accepted, and not routed to incidents yet".to_owned();
            all.add("", Reason::Inbox, message, inbox, journal.inbox_since().await?);
        }
        let lines = journal.lines().await?;
        for (policy, state, count) in journal.open_counts() {
            let Some(Obstacle { reason, message, .. }) = self.obstacle(&policy, state) else { continue };
            let of_state = |line: &&Line| line.policy == policy && line.state == state;
            let since = lines.iter().filter(of_state).map(|line| line.since).min();
            all.add(&policy, reason, message, count, since);
        }
        for (policy, wait) in self.0.obstacles.held_up() {
            all.add(&policy, wait.reason, wait.message(), 1, Some(wait.since));
        }
        Ok(all.0.into_values().collect())
    }

    /// What time it is, by the clock that all of this is told by.
    pub fn now(&self) -> Timestamp {
        self.0.clock.now()
    }

    /// How many runs are at work, those that wait included.
    pub fn at_work(&self) -> usize {
        self.0.obstacles.at_work()
    }

    /// What keeps the incidents of a policy waiting that stand here.
    fn obstacle(&self, policy: &str, state: IncidentState) -> Option<Obstacle> {
        let because =
            |reason, message: &str| Some(Obstacle { reason, message: message.to_owned(), until: None });
        match state {
            IncidentState::Received => because(Reason::Unconfirmed, self.0.obstacles.unconfirmed()),
            IncidentState::Queued => self.0.obstacles.of(policy).or_else(|| {
                because(
                    Reason::Key,
                    "their turn comes, or another incident with the same key is being handled",
                )
            }),
            IncidentState::Held => {
                let why = self.0.hold(policy).why();
                let message = why.unwrap_or_else(|| "the host has the right now that it lacked".to_owned());
                because(Reason::Right, &message)
            }
            IncidentState::Retrying => because(Reason::Backoff, "they are tried again after a pause"),
            IncidentState::AwaitingApproval => {
                because(Reason::Approval, "people are yet to approve their plans")
            }
            IncidentState::Silenced => because(Reason::Silenced, "their alerts are silenced in Alertmanager"),
            IncidentState::Running
            | IncidentState::Waiting
            | IncidentState::Verifying
            | IncidentState::Resolved
            | IncidentState::Unnecessary
            | IncidentState::Planned
            | IncidentState::Escalated
            | IncidentState::Failed
            | IncidentState::Cancelled
            | IncidentState::Unconfirmed => None,
        }
    }

    /// What an incident waits for; none where it is being worked on, or needs nothing of the host.
    pub fn waiting_for(&self, incident: &IncidentRecord) -> Option<WaitingFor> {
        let IncidentRecord { policy, state, since, due, .. } = incident;
        if incident.closed_at.is_some() {
            return None;
        }
        let of = |reason, message: String, until| {
            Some(WaitingFor { reason, message, since: since.or(Some(incident.opened_at)), until })
        };
        match state {
            IncidentState::Received => {
                of(Reason::Unconfirmed, self.0.obstacles.unconfirmed().to_owned(), None)
            }
            IncidentState::Queued if incident.said_resolved && self.0.obstacles.of(policy).is_none() => of(
                Reason::Unconfirmed,
                "a notification said that the alert is resolved, and Prometheus is asked whether it is"
                    .to_owned(),
                None,
            ),
            IncidentState::Queued => {
                if let Some(Obstacle { reason, message, until }) = self.0.obstacles.of(policy) {
                    return of(reason, message, until);
                }
                match self.0.obstacles.busy(policy, &incident.key) {
                    Some(other) => of(
                        Reason::Key,
                        format!("incident {other} has the same key, and is being handled"),
                        None,
                    ),
                    None => of(Reason::Key, "its turn comes".to_owned(), None),
                }
            }
            IncidentState::Held => {
                let hold = self.0.hold(policy);
                let why =
                    hold.namespace_of(&incident.key, &incident.alert.labels).map(|(_, why)| why.to_owned());
                of(Reason::Right, why.unwrap_or_else(|| incident.summary.clone()), None)
            }
            IncidentState::Retrying => {
                of(Reason::Backoff, format!("it is tried again: {}", incident.summary), *due)
            }
            IncidentState::AwaitingApproval => of(Reason::Approval, incident.summary.clone(), *due),
            IncidentState::Silenced => of(Reason::Silenced, incident.summary.clone(), None),
            IncidentState::Verifying => of(Reason::Alert, "the alert has yet to clear".to_owned(), *due),
            IncidentState::Running | IncidentState::Waiting => self.run_waits(incident.runs.last()?),
            IncidentState::Resolved
            | IncidentState::Unnecessary
            | IncidentState::Planned
            | IncidentState::Escalated
            | IncidentState::Failed
            | IncidentState::Cancelled
            | IncidentState::Unconfirmed => None,
        }
    }

    fn run_waits(&self, run: &RunId) -> Option<WaitingFor> {
        let wait = self.0.obstacles.wait_of(run)?;
        let (message, since) = (wait.message(), Some(wait.since));
        Some(WaitingFor { reason: wait.reason, message, since, until: wait.until })
    }
}

/// What waits, by policy and reason.
#[derive(Default)]
struct All(BTreeMap<(String, Reason), Waiting>);

impl All {
    fn add(&mut self, policy: &str, reason: Reason, message: String, count: usize, since: Option<Timestamp>) {
        let policy = policy.to_owned();
        let one = self.0.entry((policy.clone(), reason)).or_insert_with(|| Waiting {
            policy,
            reason,
            message,
            count: 0,
            since: None,
        });
        one.count += count;
        one.since = one.since.into_iter().chain(since).min();
    }
}
