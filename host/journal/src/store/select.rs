//! The queries.

use rusqlite::types::ToSql;
use rusqlite::{Connection, OptionalExtension, Row, params_from_iter};
use serde::de::DeserializeOwned;
use suture_core::Timestamp;

use super::row::{decode, decode_packed, entry_id, verify};
use crate::entry::Entry;
use crate::log::JournalError;
use crate::page::{Filter, Page};
use crate::record::{InboxRecord, IncidentRecord, RunHeader, RunRecord};

/// What can be read, and a sentence for each row that can't.
pub(super) struct Legible<T> {
    pub items: Vec<T>,
    pub damaged: Vec<String>,
}

impl<T> Legible<T> {
    fn new() -> Self {
        Self { items: Vec::new(), damaged: Vec::new() }
    }

    fn add(&mut self, result: Result<T, String>) {
        match result {
            Ok(item) => self.items.push(item),
            Err(damage) => self.damaged.push(damage),
        }
    }

    /// What can be read; the rest goes to the log.
    pub fn logged(self) -> Vec<T> {
        for damage in &self.damaged {
            tracing::error!("the journal is damaged: {damage}");
        }
        self.items
    }
}

/// Bytes of a text or a blob, as they stand on disk: a text need not be UTF-8 any more.
fn bytes<'a>(row: &'a Row<'_>, column: &str) -> rusqlite::Result<&'a [u8]> {
    let value = row.get_ref(column)?;
    Ok(value.as_bytes_or_null()?.unwrap_or_default())
}

fn text(row: &Row<'_>, column: &str) -> rusqlite::Result<String> {
    Ok(String::from_utf8_lossy(bytes(row, column)?).into_owned())
}

pub(super) fn inbox(connection: &Connection, limit: usize) -> rusqlite::Result<Legible<(i64, InboxRecord)>> {
    let mut select =
        connection.prepare_cached("SELECT id, received_at, policy, crc, body FROM inbox ORDER BY id")?;
    let mut rows = select.query([])?;
    let mut found = Legible::new();
    while found.items.len() < limit
        && let Some(row) = rows.next()?
    {
        let id: i64 = row.get("id")?;
        let body = bytes(row, "body")?;
        let received_at = Timestamp::from_millisecond(row.get("received_at")?).unwrap_or(Timestamp::MAX);
        let verified = verify("inbox", &id.to_string(), row.get("crc")?, body);
        let policy = row.get("policy")?;
        found.add(verified.map(|()| (id, InboxRecord { received_at, policy, body: body.to_vec() })));
    }
    Ok(found)
}

pub(super) fn open_incidents(connection: &Connection) -> rusqlite::Result<Legible<IncidentRecord>> {
    records(connection, "incidents", "closed_at IS NULL")
}

pub(super) fn unfinished_runs(connection: &Connection) -> rusqlite::Result<Legible<RunRecord>> {
    records(connection, "runs", "state IN ('running', 'waiting')")
}

fn records<T: DeserializeOwned>(
    connection: &Connection,
    table: &str,
    condition: &str,
) -> rusqlite::Result<Legible<T>> {
    let sql = format!("SELECT id, crc, record FROM {table} WHERE {condition} ORDER BY place");
    let mut select = connection.prepare_cached(&sql)?;
    let mut rows = select.query([])?;
    let mut found = Legible::new();
    while let Some(row) = rows.next()? {
        found.add(decode(table, &text(row, "id")?, row.get("crc")?, bytes(row, "record")?));
    }
    Ok(found)
}

/// A page of a table.
pub(super) fn page<T: DeserializeOwned>(
    connection: &Connection,
    table: &str,
    filter: &Filter,
    before: i64,
) -> rusqlite::Result<Page<T>> {
    let mut sql = format!("SELECT place, id, crc, record FROM {table} WHERE place < ?");
    let mut values: Vec<&dyn ToSql> = vec![&before];
    if let Some(policy) = &filter.policy {
        sql.push_str(" AND policy = ?");
        values.push(policy);
    }
    if let Some(state) = &filter.state {
        sql.push_str(" AND state = ?");
        values.push(state);
    }
    // One more than asked for tells whether there is a next page.
    let size = filter.page_size();
    let limit = i64::try_from(size + 1).unwrap_or(i64::MAX);
    sql.push_str(" ORDER BY place DESC LIMIT ?");
    values.push(&limit);

    let mut select = connection.prepare_cached(&sql)?;
    let mut rows = select.query(params_from_iter(values))?;
    let mut found = Legible::new();
    let mut last_place = None;
    for _ in 0..size {
        let Some(row) = rows.next()? else { break };
        last_place = Some(row.get::<_, i64>("place")?);
        found.add(decode(table, &text(row, "id")?, row.get("crc")?, bytes(row, "record")?));
    }
    let has_more = rows.next()?.is_some();
    let next = last_place.filter(|_| has_more).map(|place| place.to_string());
    Ok(Page { items: found.items, next, damaged: found.damaged })
}

/// One record by its id. The inner error names one that is damaged.
pub(super) fn record<T: DeserializeOwned>(
    connection: &Connection,
    table: &str,
    id: &str,
) -> rusqlite::Result<Result<Option<T>, JournalError>> {
    let sql = format!("SELECT crc, record FROM {table} WHERE id = ?");
    let found = connection
        .prepare_cached(&sql)?
        .query_row([id], |row| Ok(decode(table, id, row.get("crc")?, bytes(row, "record")?)))
        .optional()?;
    Ok(found.transpose().map_err(JournalError))
}

/// A run's header. The inner error names one that is damaged.
pub(super) fn header(
    connection: &Connection,
    id: &str,
) -> rusqlite::Result<Result<Option<RunHeader>, JournalError>> {
    let found = connection
        .prepare_cached("SELECT header_crc, header FROM runs WHERE id = ? AND header IS NOT NULL")?
        .query_row([id], |row| {
            Ok(decode("header of runs", id, row.get("header_crc")?, bytes(row, "header")?))
        })
        .optional()?;
    Ok(found.transpose().map_err(JournalError))
}

/// The entries of a run, in order. One that is missing counts as damaged.
pub(super) fn entries(connection: &Connection, run: &str) -> rusqlite::Result<Legible<Entry>> {
    let mut select =
        connection.prepare_cached("SELECT seq, packed, crc, body FROM entries WHERE run = ? ORDER BY seq")?;
    let mut rows = select.query([run])?;
    let mut found = Legible::new();
    let mut expected: i64 = 1;
    while let Some(row) = rows.next()? {
        let seq: i64 = row.get("seq")?;
        if seq != expected {
            found.damaged.push(format!("entries {} is missing", entry_id(run, expected)));
        }
        expected = seq.saturating_add(1);
        let (packed, crc) = (row.get("packed")?, row.get("crc")?);
        found.add(decode_packed("entries", &entry_id(run, seq), crc, packed, bytes(row, "body")?));
    }
    Ok(found)
}
