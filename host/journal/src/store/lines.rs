//! The lines in which incidents wait. Each is told from the others by a number, and an index
//! finds the first of it, however many wait.

use rusqlite::{Connection, OptionalExtension, params};
use suture_core::Timestamp;

use super::Journal;
use super::agenda::{held_in, records, select};
use super::select::Legible;
use crate::error::JournalError;
use crate::record::{InboxRecord, IncidentRecord, IncidentState};

/// Those that wait for a run.
pub(super) const FOR_A_RUN: i64 = 1;
/// Those of which Prometheus has yet to say that their alerts fire.
const TO_BE_CONFIRMED: i64 = 2;
/// Those that are tried again later.
const FOR_ANOTHER_ATTEMPT: i64 = 3;
/// Those whose alerts are silenced.
const FOR_A_SILENCE: i64 = 4;
/// Those whose plans people are yet to approve.
const FOR_AN_APPROVAL: i64 = 5;
/// How many of a line are looked at to see since when they wait: one that comes back to its place
/// may have waited for less time than the next.
const LOOKED_AT: i64 = 16;

/// Those of a policy that wait for the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// The policy.
    pub policy: String,
    /// Where they stand: received, queued, held, retrying, silenced, or awaiting approval.
    pub state: IncidentState,
    /// The namespace, where they are held back for a right that is missing there.
    pub held_in: Option<String>,
    /// Since when the first of them wait.
    pub since: Timestamp,
}

/// The line in which an incident waits.
pub(super) fn of(incident: &IncidentRecord) -> Option<i64> {
    match incident.state {
        IncidentState::Queued => (!incident.said_resolved).then_some(FOR_A_RUN),
        IncidentState::Received => Some(TO_BE_CONFIRMED),
        IncidentState::Retrying => Some(FOR_ANOTHER_ATTEMPT),
        IncidentState::Silenced => Some(FOR_A_SILENCE),
        IncidentState::AwaitingApproval => Some(FOR_AN_APPROVAL),
        IncidentState::Held => {
            Some(held_in(&incident.policy, incident.held_in.as_deref().unwrap_or_default()))
        }
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

impl Journal {
    /// All lines in which anybody waits.
    ///
    /// # Errors
    /// When the journal can't be read.
    pub async fn lines(&self) -> Result<Vec<Line>, JournalError> {
        let mut policies: Vec<String> = self.open_counts().into_iter().map(|(policy, ..)| policy).collect();
        policies.sort();
        policies.dedup();
        let found = self.read_committed(move |connection| {
            let mut all = Legible::new();
            for policy in &policies {
                for line in numbers(connection, policy)? {
                    let first = first(connection, policy, line, LOOKED_AT)?;
                    all.damaged.extend(first.damaged);
                    all.items.extend(summed_up(&first.items));
                }
            }
            Ok(all)
        });
        Ok(self.legible(found.await?))
    }

    /// The namespaces in which incidents of a policy are held back.
    ///
    /// # Errors
    /// When the journal can't be read.
    pub async fn held_in(&self, policy: &str) -> Result<Vec<String>, JournalError> {
        let policy = policy.to_owned();
        let found = self.read_committed(move |connection| {
            let mut all = Legible::new();
            for line in numbers(connection, &policy)? {
                let Legible { items, damaged } = first(connection, &policy, line, 1)?;
                all.damaged.extend(damaged);
                all.items.extend(items.into_iter().filter_map(|incident| incident.held_in));
            }
            Ok(all)
        });
        Ok(self.legible(found.await?))
    }

    /// The oldest incidents of a policy that are held back in a namespace.
    ///
    /// # Errors
    /// As of [`open_of`](Self::open_of).
    pub async fn held(
        &self,
        policy: &str,
        namespace: &str,
        limit: usize,
    ) -> Result<Vec<IncidentRecord>, JournalError> {
        let (policy, line) = (policy.to_owned(), held_in(policy, namespace));
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let found = self.read_committed(move |connection| first(connection, &policy, line, limit));
        Ok(self.legible(found.await?))
    }

    /// Since when the first notification waits to be routed, without those that wait for a policy
    /// to be loaded.
    ///
    /// # Errors
    /// When the journal can't be read.
    pub async fn inbox_since(&self) -> Result<Option<Timestamp>, JournalError> {
        let first = self.read_committed(|connection| {
            let sql = "SELECT received_at FROM inbox
                       WHERE policy IS NULL OR substr(policy, -length(?1)) <> ?1 ORDER BY id LIMIT 1";
            let mut first = connection.prepare_cached(sql)?;
            first.query_row([InboxRecord::WAITS], |row| row.get::<_, i64>(0)).optional()
        });
        Ok(first.await?.and_then(|millis| Timestamp::from_millisecond(millis).ok()))
    }
}

/// The numbers of a policy's lines: from one to the next, past all that wait in it.
fn numbers(connection: &Connection, policy: &str) -> rusqlite::Result<Vec<i64>> {
    let sql = "SELECT min(queued) FROM incidents WHERE policy = ? AND queued > ?";
    let mut next = connection.prepare_cached(sql)?;
    let (mut found, mut last) = (Vec::new(), i64::MIN);
    while let Some(line) = next.query_row(params![policy, last], |row| row.get::<_, Option<i64>>(0))? {
        found.push(line);
        last = line;
    }
    Ok(found)
}

fn first(
    connection: &Connection,
    policy: &str,
    line: i64,
    limit: i64,
) -> rusqlite::Result<Legible<IncidentRecord>> {
    let sql = select("policy = ?1 AND queued = ?2 ORDER BY id LIMIT ?3");
    records(connection, &sql, &[&policy, &line, &limit])
}

fn summed_up(first: &[IncidentRecord]) -> Option<Line> {
    let IncidentRecord { policy, state, held_in, .. } = first.first()?;
    let since = first.iter().map(|incident| incident.since.unwrap_or(incident.opened_at)).min()?;
    Some(Line { policy: policy.clone(), state: *state, held_in: held_in.clone(), since })
}
