//! What a dispatcher asks of the open incidents: those of one alert, those that are queued, or
//! due. Each question has an index, and none looks at all of them.

use rusqlite::types::ToSql;
use rusqlite::{Connection, params_from_iter};
use sha2::{Digest, Sha256};
use suture_core::{IncidentId, Labels, Timestamp};

use super::Journal;
use super::lines;
use super::row;
use super::select::{Legible, Table, record_of, sealed};
use crate::error::JournalError;
use crate::record::{IncidentRecord, IncidentState};

/// What is hashed beside a policy and a key, so that the one is never taken for the other.
const RECEIVED: &str = "received";
const CONFIRMED: &str = "confirmed";
const HANDLED: &str = "handled";
const HELD_IN: &str = "held in";
/// Where an incident stays that is open and needs nothing.
const RESTING: [IncidentState; 5] = [
    IncidentState::Unnecessary,
    IncidentState::Planned,
    IncidentState::Cancelled,
    IncidentState::Failed,
    IncidentState::Escalated,
];
/// Rows of an older version that are brought up to date in one transaction.
const STEP: usize = 500;

/// An alert, as a policy sees it, whose incidents are asked for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Sought {
    /// The policy's name in the configuration.
    pub policy: String,
    /// The alert's key labels.
    pub key: Labels,
    /// The alert's fingerprint.
    pub fingerprint: String,
}

/// Some of the incidents that were asked for, in the order of their ids.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Slice {
    /// Those that can be read.
    pub incidents: Vec<IncidentRecord>,
    /// From which id on there are more; none where these were the last.
    pub next: Option<IncidentId>,
}

/// By what an incident is found while it is open.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct FoundBy {
    /// Its policy, key and fingerprint, and whether its alert is confirmed.
    same_alert: Option<i64>,
    /// Its policy and key, while it is being handled, or is to be left alone.
    same_key: Option<i64>,
    /// In which line it waits, where it does.
    queued: Option<i64>,
    /// When the host has something to do for it.
    due: Option<i64>,
    /// Prometheus is to be asked whether it is resolved.
    said_resolved: Option<i64>,
    /// It has to be in the memory of a host that starts.
    owed: Option<i64>,
}

impl FoundBy {
    pub fn of(incident: &IncidentRecord) -> Self {
        if incident.closed_at.is_some() {
            return Self::default();
        }
        let flag = |is_set: bool| is_set.then_some(1);
        let is_new = incident.state == IncidentState::Received;
        let is_handled = incident.state.is_active() && !is_new;
        // What somebody cancelled is left alone, whichever alert says that it is broken.
        let is_in_the_way = is_handled || incident.state == IncidentState::Cancelled;
        let is_owed = match incident.state {
            IncidentState::Received
            | IncidentState::Running
            | IncidentState::Waiting
            | IncidentState::Verifying => true,
            IncidentState::Escalated => !incident.paged,
            IncidentState::Queued
            | IncidentState::Held
            | IncidentState::Retrying
            | IncidentState::Silenced
            | IncidentState::AwaitingApproval
            | IncidentState::Resolved
            | IncidentState::Unnecessary
            | IncidentState::Planned
            | IncidentState::Failed
            | IncidentState::Cancelled
            | IncidentState::Unconfirmed => false,
        };
        Self {
            // Whoever posts alerts can make very many of one fingerprint that are not confirmed:
            // those are found apart.
            same_alert: Some(hash(
                if is_new { RECEIVED } else { CONFIRMED },
                &incident.policy,
                &incident.key,
                &incident.fingerprint,
            )),
            same_key: is_in_the_way.then(|| hash(HANDLED, &incident.policy, &incident.key, "")),
            queued: lines::of(incident),
            due: incident.due.filter(|_| is_handled).map(rounded_up),
            said_resolved: flag(incident.said_resolved),
            owed: flag(is_owed),
        }
    }

    /// What stands in a row.
    pub fn read(row: &rusqlite::Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            same_alert: row.get("same_alert")?,
            same_key: row.get("same_key")?,
            queued: row.get("queued")?,
            due: row.get("due")?,
            said_resolved: row.get("said_resolved")?,
            owed: row.get("owed")?,
        })
    }

    pub fn columns(&self) -> [Option<i64>; 6] {
        [self.same_alert, self.same_key, self.queued, self.due, self.said_resolved, self.owed]
    }
}

/// The first millisecond at which it is due.
fn rounded_up(at: Timestamp) -> i64 {
    let millis = at.as_millisecond();
    let is_later = Timestamp::from_millisecond(millis).is_ok_and(|whole| whole < at);
    millis + i64::from(is_later)
}

/// The line of those that are held back in a namespace.
pub(super) fn held_in(policy: &str, namespace: &str) -> i64 {
    hash(HELD_IN, policy, &Labels::new(), namespace)
}

fn hash(kind: &str, policy: &str, key: &Labels, fingerprint: &str) -> i64 {
    let mut hash = Sha256::new();
    let labels = key.iter().flat_map(|(name, value)| [name.as_str(), value.as_str()]);
    for part in [kind, policy, fingerprint].into_iter().chain(labels) {
        hash.update(part.len().to_le_bytes());
        hash.update(part);
    }
    let hash: [u8; 32] = hash.finalize().into();
    let [a, b, c, d, e, f, g, h, ..] = hash;
    i64::from_le_bytes([a, b, c, d, e, f, g, h])
}

impl Journal {
    /// How many incidents are open: of each policy, in each state. None where the journal is
    /// only read.
    pub fn open_counts(&self) -> Vec<(String, IncidentState, usize)> {
        let Some(writer) = &self.0.writer else { return Vec::new() };
        let tallies = writer.shared.tallies.lock();
        let counts = tallies.each().filter_map(|(what, policy, number)| {
            let number = usize::try_from(number).ok().filter(|number| *number > 0)?;
            Some((policy.to_owned(), IncidentState::named(what)?, number))
        });
        counts.collect()
    }

    /// The open incidents of some alerts, and those of the same keys that are being handled;
    /// those apart that are not confirmed yet. As of the last commit that was waited for.
    ///
    /// # Errors
    /// When the journal can't be read. One that is damaged is left out, and logged.
    pub async fn open_of(&self, sought: Vec<Sought>) -> Result<Vec<IncidentRecord>, JournalError> {
        let found = self.read_committed(move |connection| {
            let (alerts, keys) = (select("same_alert = ?"), select("same_key = ?"));
            let mut all = Legible::new();
            for one in &sought {
                let of_alert = one.find(connection, &alerts, CONFIRMED, &one.fingerprint)?;
                let mut of_key = one.find(connection, &keys, HANDLED, "")?;
                of_key.items.retain(|found| !of_alert.items.contains(found));
                for found in [of_alert, of_key] {
                    all.items.extend(found.items);
                    all.damaged.extend(found.damaged);
                }
            }
            Ok(all)
        });
        Ok(self.legible(found.await?))
    }

    /// The incidents of some alerts that are not confirmed yet.
    ///
    /// # Errors
    /// As of [`open_of`](Self::open_of).
    pub async fn received_of(&self, sought: Vec<Sought>) -> Result<Vec<IncidentRecord>, JournalError> {
        let found = self.read_committed(move |connection| {
            let alerts = select("same_alert = ?");
            let mut all = Legible::new();
            for one in &sought {
                let found = one.find(connection, &alerts, RECEIVED, &one.fingerprint)?;
                all.items.extend(found.items);
                all.damaged.extend(found.damaged);
            }
            Ok(all)
        });
        Ok(self.legible(found.await?))
    }

    /// Incidents of a policy that wait for their run, from an id on.
    ///
    /// # Errors
    /// As of [`open_of`](Self::open_of).
    pub async fn queued(&self, policy: &str, from: &IncidentId, limit: usize) -> Result<Slice, JournalError> {
        let (policy, from) = (policy.to_owned(), from.as_str().to_owned());
        let sought = format!("policy = ?1 AND queued = {} AND id >= ?2 ORDER BY id", lines::FOR_A_RUN);
        self.slice(&sought, vec![policy, from], limit).await
    }

    /// Incidents of which a notification said that they are resolved, from an id on.
    ///
    /// # Errors
    /// As of [`open_of`](Self::open_of).
    pub async fn said_resolved(&self, from: &IncidentId, limit: usize) -> Result<Slice, JournalError> {
        let from = vec![from.as_str().to_owned()];
        self.slice("said_resolved IS NOT NULL AND id >= ?1 ORDER BY id", from, limit).await
    }

    /// Open incidents, from an id on.
    ///
    /// # Errors
    /// As of [`open_of`](Self::open_of).
    pub async fn open_from(&self, from: &IncidentId, limit: usize) -> Result<Slice, JournalError> {
        let from = vec![from.as_str().to_owned()];
        self.slice("same_alert IS NOT NULL AND id >= ?1 ORDER BY id", from, limit).await
    }

    /// Incidents that a host which starts has to look at, from an id on: they are to be
    /// confirmed, have a run, are verified, or nobody was told of them yet.
    ///
    /// # Errors
    /// As of [`open_of`](Self::open_of).
    pub async fn owed(&self, from: &IncidentId, limit: usize) -> Result<Slice, JournalError> {
        let from = vec![from.as_str().to_owned()];
        self.slice("owed IS NOT NULL AND id >= ?1 ORDER BY id", from, limit).await
    }

    /// Incidents for which the host has something to do by then, the first first.
    ///
    /// # Errors
    /// As of [`open_of`](Self::open_of).
    pub async fn due(&self, by: Timestamp, limit: usize) -> Result<Vec<IncidentRecord>, JournalError> {
        let by = by.as_millisecond();
        let sql = select("due <= ?1 ORDER BY due LIMIT ?2");
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let found = self.read_committed(move |connection| records(connection, &sql, &[&by, &limit])).await?;
        Ok(self.legible(found))
    }

    /// When the next is due after a time.
    ///
    /// # Errors
    /// When the journal can't be read.
    pub async fn next_due(&self, after: Timestamp) -> Result<Option<Timestamp>, JournalError> {
        let after = after.as_millisecond();
        let due = self.read_committed(move |connection| {
            let sql = "SELECT min(due) FROM incidents WHERE due > ?";
            connection.prepare_cached(sql)?.query_row([after], |row| row.get::<_, Option<i64>>(0))
        });
        Ok(due.await?.map(|due| Timestamp::from_millisecond(due).unwrap_or(Timestamp::MAX)))
    }

    /// The oldest open incidents that need nothing more of the host; those of which people were
    /// told come last.
    ///
    /// # Errors
    /// As of [`open_of`](Self::open_of).
    pub async fn resting(&self, limit: usize) -> Result<Vec<IncidentRecord>, JournalError> {
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let sql = select("state = ?1 AND closed_at IS NULL ORDER BY place LIMIT ?2");
        for state in RESTING {
            let sql = sql.clone();
            let read = move |connection: &Connection| records(connection, &sql, &[&state.as_str(), &limit]);
            let found = self.read_committed(read).await?;
            let found = self.legible(found);
            if !found.is_empty() {
                return Ok(found);
            }
        }
        Ok(Vec::new())
    }

    async fn slice(&self, sought: &str, values: Vec<String>, limit: usize) -> Result<Slice, JournalError> {
        let sql = select(&format!("{sought} LIMIT {}", limit.saturating_add(1)));
        let found = self.read_committed(move |connection| {
            let values: Vec<&dyn ToSql> = values.iter().map(|value| value as &dyn ToSql).collect();
            let mut statement = connection.prepare_cached(&sql)?;
            let mut rows = statement.query(params_from_iter(values))?;
            let mut found = Legible::new();
            for _ in 0..limit {
                let Some(row) = rows.next()? else { return Ok((found, None)) };
                found.add(record_of(Table::Incidents, row));
            }
            let next = rows.next()?.map(|row| row.get::<_, String>("id")).transpose()?;
            Ok((found, next))
        });
        let (found, next) = found.await?;
        Ok(Slice { incidents: self.legible(found), next: next.map(IncidentId::new) })
    }
}

pub(super) fn select(sought: &str) -> String {
    format!("SELECT {} FROM incidents WHERE {sought}", Table::Incidents.columns())
}

pub(super) fn records(
    connection: &Connection,
    sql: &str,
    values: &[&dyn ToSql],
) -> rusqlite::Result<Legible<IncidentRecord>> {
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query(params_from_iter(values))?;
    let mut found = Legible::new();
    while let Some(row) = rows.next()? {
        found.add(record_of(Table::Incidents, row));
    }
    Ok(found)
}

impl Sought {
    fn find(
        &self,
        connection: &Connection,
        sql: &str,
        kind: &str,
        fingerprint: &str,
    ) -> rusqlite::Result<Legible<IncidentRecord>> {
        let Self { policy, key, .. } = self;
        let mut found = records(connection, sql, &[&hash(kind, policy, key, fingerprint)])?;
        found.items.retain(|incident| incident.policy == *policy && incident.key == *key);
        Ok(found)
    }
}

/// Fill in by what the open incidents of an older version are found, a few at a time. A start
/// that is cut off goes on with it at the next.
pub(super) fn fill(connection: &mut Connection) -> rusqlite::Result<()> {
    let sql = format!(
        "SELECT {} FROM incidents WHERE closed_at IS NULL AND key <> '' AND place > ? ORDER BY place LIMIT {STEP}",
        Table::Incidents.columns()
    );
    let mut last = i64::MIN;
    loop {
        let transaction = connection.transaction()?;
        let mut count = 0;
        {
            let mut select = transaction.prepare(&sql)?;
            let mut rows = select.query([last])?;
            let mut found = Vec::new();
            while let Some(row) = rows.next()? {
                last = row.get("place")?;
                count += 1;
                // What is damaged stays as it is: whoever reads it hears so.
                if sealed(Table::Incidents, row).is_ok() {
                    found.extend(record_of::<IncidentRecord>(Table::Incidents, row));
                }
            }
            for incident in found {
                if let Ok(row) = row::Incident::encode(&incident) {
                    row.write(&transaction)?;
                }
            }
        }
        transaction.commit()?;
        if count < STEP {
            return Ok(());
        }
    }
}
