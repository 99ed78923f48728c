//! The queries.

use std::collections::BTreeSet;
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, Ordering};

use rusqlite::{Connection, OptionalExtension, Row};
use serde::de::DeserializeOwned;
use suture_core::Timestamp;

use super::agenda::FoundBy;
use super::pauses;
use super::row::{parse, unpack};
use super::seal::{Seal, verify};
use super::tally::{self, Tallies};
use crate::error::JournalError;
use crate::record::{InboxRecord, RunHeader, RunRecord};

/// What can be read, and a sentence for each row that can't.
pub(super) struct Legible<T> {
    pub items: Vec<T>,
    pub damaged: Vec<String>,
}

impl<T> Legible<T> {
    pub fn new() -> Self {
        Self { items: Vec::new(), damaged: Vec::new() }
    }

    pub fn add(&mut self, result: Result<T, String>) {
        match result {
            Ok(item) => self.items.push(item),
            Err(damage) => self.damaged.push(damage),
        }
    }
}

/// The two tables of records, which are alike.
#[derive(Clone, Copy)]
pub(super) enum Table {
    Incidents,
    Runs,
}

impl Table {
    pub fn name(self) -> &'static str {
        match self {
            Self::Incidents => "incidents",
            Self::Runs => "runs",
        }
    }

    /// What a record is read from, and guarded by.
    pub fn columns(self) -> &'static str {
        match self {
            Self::Incidents => {
                "place, id, policy, state, closed_at AS ended, crc, record, same_alert, same_key, queued, due,
                 said_resolved, owed"
            }
            Self::Runs => {
                "place, id, policy, state, ended_at AS ended, crc, record, header_crc,
                 coalesce(packed_header, header) AS header"
            }
        }
    }
}

/// Bytes of a text or a blob, as they stand on disk: a text need not be UTF-8 any more.
pub(super) fn bytes<'a>(row: &'a Row<'_>, column: &str) -> rusqlite::Result<&'a [u8]> {
    let value = row.get_ref(column)?;
    Ok(value.as_bytes_or_null()?.unwrap_or_default())
}

pub(super) fn text(row: &Row<'_>, column: &str) -> rusqlite::Result<String> {
    Ok(String::from_utf8_lossy(bytes(row, column)?).into_owned())
}

/// What a row holds; a value of another type than was written is damage like any other.
pub(super) fn legible<T>(
    table: &str,
    id: &str,
    read: impl FnOnce() -> rusqlite::Result<Result<T, String>>,
) -> Result<T, String> {
    read().unwrap_or_else(|error| Err(format!("{table} {id} is damaged: {error}")))
}

/// All rows of a table, oldest first, past its indexes. Where the table itself is torn, what
/// lies behind the tear is read from the other end. `each` says nothing of rows that are not
/// looked for, and breaks off where it has enough.
pub(super) fn scan<T>(
    connection: &Connection,
    table: &str,
    columns: &str,
    key: &str,
    mut each: impl FnMut(&str, &Row<'_>) -> ControlFlow<(), Option<Result<T, String>>>,
) -> rusqlite::Result<Legible<T>> {
    let mut found = Legible::new();
    let mut last = i64::MIN;
    for (direction, comparison) in [("ASC", ">="), ("DESC", ">")] {
        let sql = format!(
            "SELECT {columns} FROM {table} NOT INDEXED WHERE {key} {comparison} ? ORDER BY {key} {direction}"
        );
        let mut select = connection.prepare_cached(&sql)?;
        let mut rows = select.query([last])?;
        let begin = found.items.len();
        let torn = loop {
            match rows.next() {
                Ok(Some(row)) => {
                    let place: i64 = match row.get(key) {
                        Ok(place) => place,
                        Err(error) => break Some(error),
                    };
                    if direction == "ASC" {
                        last = place;
                    }
                    match each(&place.to_string(), row) {
                        ControlFlow::Continue(Some(result)) => found.add(result),
                        ControlFlow::Continue(None) => {}
                        ControlFlow::Break(()) => return Ok(found),
                    }
                }
                Ok(None) => break None,
                Err(error) => break Some(error),
            }
        };
        match (torn, direction) {
            (None, "ASC") => return Ok(found),
            (Some(error), "ASC") => found.damaged.push(format!("the table {table} is torn: {error}")),
            _ => found.items[begin..].reverse(),
        }
    }
    Ok(found)
}

/// The inbox, without what waits for one of these policies.
pub(super) fn inbox(
    connection: &Connection,
    limit: usize,
    mut bytes: usize,
    away: &[String],
    known: &BTreeSet<i64>,
) -> rusqlite::Result<Legible<(i64, Option<InboxRecord>)>> {
    // A body that is not asked for is not loaded.
    let columns = "id, policy, octet_length(body) AS bytes";
    let whole = "SELECT id, received_at, policy, crc, body FROM inbox NOT INDEXED WHERE id = ?";
    let mut select = connection.prepare_cached(whole)?;
    let mut room = limit;
    scan(connection, "inbox", columns, "id", |id, row| {
        if !away.is_empty() && waits_for(row).is_some_and(|policy| away.contains(&policy)) {
            return ControlFlow::Continue(None);
        }
        let size = row.get("bytes").ok().and_then(|size: i64| usize::try_from(size).ok()).unwrap_or_default();
        if room == 0 || (size > bytes && room < limit) {
            return ControlFlow::Break(());
        }
        bytes = bytes.saturating_sub(size);
        let record = match row.get("id").ok().filter(|id| known.contains(id)) {
            Some(id) => Ok((id, None)),
            None => select
                .query_row([id], |row| Ok(notification(id, row)))
                .unwrap_or_else(|error| Err(format!("inbox {id} is damaged: {error}")))
                .map(|(id, record)| (id, Some(record))),
        };
        room -= usize::from(record.is_ok());
        ControlFlow::Continue(Some(record))
    })
}

/// What waits in the inbox for policies to be loaded.
pub(super) fn waiting(connection: &Connection) -> rusqlite::Result<Legible<(i64, InboxRecord)>> {
    scan(connection, "inbox", "id, received_at, policy, crc, body", "id", |id, row| {
        ControlFlow::Continue(waits_for(row).map(|_| notification(id, row)))
    })
}

/// The policy for which a notification waits. What can't be read is handled as any other.
fn waits_for(row: &Row<'_>) -> Option<String> {
    let address: Option<String> = row.get("policy").ok()?;
    let address = address?;
    let (policy, waits) = InboxRecord::addressee(&address);
    waits.then(|| policy.to_owned())
}

fn notification(id: &str, row: &Row<'_>) -> Result<(i64, InboxRecord), String> {
    legible("inbox", id, || {
        let (id, received_at): (i64, i64) = (row.get("id")?, row.get("received_at")?);
        let address: Option<String> = row.get("policy")?;
        let body = bytes(row, "body")?;
        let sum = Seal::of_notification(id, received_at, address.as_deref(), body);
        let verified = verify("inbox", &id.to_string(), row.get("crc")?, sum);
        let received_at = Timestamp::from_millisecond(received_at).unwrap_or(Timestamp::MAX);
        let (policy, waits) = match address.as_deref().map(InboxRecord::addressee) {
            Some((policy, waits)) => (Some(policy.to_owned()), waits),
            None => (None, false),
        };
        Ok(verified.map(|()| (id, InboxRecord { received_at, policy, waits, body: body.to_vec() })))
    })
}

/// The runs that have no end: by their index, unless that has not as many as were counted. Then
/// it is damaged, or an end is that damage has written, and all rows are looked at.
pub(super) fn unfinished_runs(connection: &Connection) -> rusqlite::Result<Legible<RunRecord>> {
    let moment = connection.unchecked_transaction()?;
    let counted = Tallies::read(&moment)?.map(|tallies| tallies.all(tally::RUNS));
    let sql = format!("SELECT {} FROM runs WHERE ended_at IS NULL ORDER BY place", Table::Runs.columns());
    let by_index = || -> rusqlite::Result<Legible<RunRecord>> {
        let mut select = moment.prepare_cached(&sql)?;
        let mut rows = select.query([])?;
        let mut found = Legible::new();
        while let Some(row) = rows.next()? {
            found.add(record_of(Table::Runs, row));
        }
        Ok(found)
    };
    match by_index() {
        Ok(found) if counted == i64::try_from(found.items.len()).ok() => Ok(found),
        Ok(_) | Err(_) => unfinished(&moment, Table::Runs),
    }
}

/// The records that have no end. All rows are looked at: an end that damage has written would
/// hide one.
pub(super) fn unfinished<T: DeserializeOwned>(
    connection: &Connection,
    table: Table,
) -> rusqlite::Result<Legible<T>> {
    scan(connection, table.name(), table.columns(), "place", |_, row| {
        let is_over = || row.get::<_, Option<i64>>("ended").is_ok_and(|ended| ended.is_some());
        ControlFlow::Continue(match sealed(table, row) {
            Ok(()) if is_over() => None,
            Ok(()) => Some(record_of(table, row)),
            Err(damage) => Some(Err(damage)),
        })
    })
}

/// Whether a record is as it was written.
pub(super) fn sealed(table: Table, row: &Row<'_>) -> Result<(), String> {
    let id = text(row, "id").unwrap_or_default();
    legible(table.name(), &id, || {
        let (policy, state) = (text(row, "policy")?, text(row, "state")?);
        let (ended, record) = (row.get("ended")?, bytes(row, "record")?);
        let sum = match table {
            Table::Runs => Seal::of_record(&id, &policy, &state, ended, record),
            Table::Incidents => Seal::of_incident(&id, &policy, &state, ended, &FoundBy::read(row)?, record),
        };
        Ok(verify(table.name(), &id, row.get("crc")?, sum))
    })
}

/// Whether the header of a run is as it was written.
pub(super) fn header_sealed(row: &Row<'_>) -> Result<(), String> {
    let id = text(row, "id").unwrap_or_default();
    legible("header of runs", &id, || {
        let written: Option<u32> = row.get("header_crc")?;
        let sum = Seal::of_content(&id, bytes(row, "header")?);
        Ok(written.map_or(Ok(()), |written| verify("header of runs", &id, written, sum)))
    })
}

pub(super) fn record_of<T: DeserializeOwned>(table: Table, row: &Row<'_>) -> Result<T, String> {
    sealed(table, row)?;
    let id = text(row, "id").unwrap_or_default();
    legible(table.name(), &id, || Ok(parse(table.name(), &id, bytes(row, "record")?)))
}

/// What is wrong with any row, entries apart: those are looked at when they are read. Breaks off
/// where it is told to stop.
pub(super) fn damage(connection: &Connection, stop: &AtomicBool) -> rusqlite::Result<Vec<String>> {
    let go_on = |damage: Option<String>| match stop.load(Ordering::Acquire) {
        true => ControlFlow::Break(()),
        false => ControlFlow::Continue(damage.map(Err::<(), _>)),
    };
    let mut damage = scan(connection, "inbox", "id, received_at, policy, crc, body", "id", |id, row| {
        go_on(notification(id, row).err())
    })?
    .damaged;
    for table in [Table::Incidents, Table::Runs] {
        let rows = scan(connection, table.name(), table.columns(), "place", |_, row| {
            let header = || if matches!(table, Table::Runs) { header_sealed(row) } else { Ok(()) };
            go_on(sealed(table, row).and_then(|()| header()).err())
        })?;
        damage.extend(rows.damaged);
    }
    damage.extend(pauses::damage(connection)?);
    Ok(damage)
}

/// One record by its id. The inner error names one that is damaged.
pub(super) fn record<T: DeserializeOwned>(
    connection: &Connection,
    table: Table,
    id: &str,
) -> rusqlite::Result<Result<Option<T>, JournalError>> {
    let sql = format!("SELECT {} FROM {} WHERE id = ?", table.columns(), table.name());
    let found =
        connection.prepare_cached(&sql)?.query_row([id], |row| Ok(record_of(table, row))).optional()?;
    Ok(found.transpose().map_err(JournalError::DamagedRow))
}

/// A run's header. The inner error names one that is damaged.
pub(super) fn header(
    connection: &Connection,
    id: &str,
) -> rusqlite::Result<Result<Option<RunHeader>, JournalError>> {
    let found = connection
        .prepare_cached(
            "SELECT id, header_crc, coalesce(packed_header, header) AS header, packed_header IS NOT NULL AS packed
             FROM runs WHERE id = ? AND coalesce(packed_header, header) IS NOT NULL",
        )?
        .query_row([id], |row| {
            let table = "header of runs";
            let parsed = || {
                let unpacked = legible(table, id, || {
                    let packed = row.get("packed")?;
                    Ok(unpack(table, id, packed, bytes(row, "header")?))
                });
                unpacked.map(|(header, _)| header)
            };
            Ok(header_sealed(row).and_then(|()| parsed()))
        })
        .optional()?;
    Ok(found.transpose().map_err(JournalError::DamagedRow))
}
