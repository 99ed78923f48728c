//! Changes as they are stored.

use std::cell::RefCell;
use std::collections::HashMap;
use std::io::Read;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use rusqlite::{Connection, OptionalExtension, params};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};
use suture_core::Timestamp;
use zstd::bulk::Compressor;

use super::agenda::FoundBy;
use super::audit;
use super::pauses;
use super::seal::Seal;
use super::storms;
use super::tally::{self, Changes};
use crate::audit::AuditRow;
use crate::change::Change;
use crate::error::JournalError;
use crate::record::{IncidentRecord, RunHeader, RunRecord};

/// Entries larger than this, in bytes, are compressed.
const PACK_FROM: usize = 512;
/// The fastest of zstd's levels gains the most here: JSON repeats itself.
const LEVEL: i32 = 1;
/// No entry is as large as this when unpacked; what claims to be is damaged.
const MAX_ENTRY: u64 = 256 << 20;

/// A change, ready to be written.
pub(super) enum Row {
    /// Without an id it gets the next.
    Accept {
        id: Option<i64>,
        received_at: i64,
        policy: Option<String>,
        body: Vec<u8>,
    },
    Routed(Vec<i64>),
    Incident(Incident),
    Forget(String),
    Run {
        run: Box<RunRecord>,
        record: String,
        header: Option<Vec<u8>>,
    },
    Entry {
        run: String,
        step: u32,
        at: i64,
        packed: bool,
        body: Vec<u8>,
    },
    /// An empty policy is all of them.
    StormOver {
        policy: String,
        at: i64,
    },
    /// An empty policy is the host; without a record it is paused no longer.
    Pause {
        policy: String,
        record: Option<String>,
    },
    ActBegun {
        id: i64,
        at: i64,
        act: String,
    },
    Acted {
        begun: Option<i64>,
        at: i64,
        act: Option<Map<String, Value>>,
    },
}

/// What writing rows did to the inbox, and to the records of runs.
#[derive(Default)]
pub(super) struct Effects {
    pub accepted: usize,
    pub accepted_bytes: u64,
    pub routed: usize,
    pub routed_bytes: u64,
    /// Something is over now, and may leave when room is needed.
    pub is_over: bool,
    /// What is more now of each policy, or fewer.
    pub tallies: Changes,
    /// Bytes that were added to the entries of runs.
    entries: HashMap<String, i64>,
    /// Of the runs that were written to: how many entries they have, and the checksum of the
    /// last.
    tails: HashMap<String, (i64, u32)>,
}

impl Effects {
    /// How many entries a run has.
    fn entries(&self, connection: &Connection, run: &str) -> rusqlite::Result<i64> {
        if let Some((entries, _)) = self.tails.get(run) {
            return Ok(*entries);
        }
        let found = connection
            .prepare_cached("SELECT entries FROM tails WHERE run = ?")?
            .query_row([run], |row| row.get(0))
            .optional()?;
        Ok(found.unwrap_or_default())
    }

    /// Write how many entries each run has now: once for all that were added.
    pub fn finish(&mut self, connection: &Connection) -> rusqlite::Result<()> {
        for (run, bytes) in std::mem::take(&mut self.entries) {
            let policy: String = connection
                .prepare_cached("SELECT policy FROM runs WHERE id = ?")?
                .query_row([&run], |row| row.get(0))?;
            self.tallies.add(tally::BYTES, &policy, bytes);
        }
        for (run, (entries, last)) in &self.tails {
            connection
                .prepare_cached("INSERT OR REPLACE INTO tails (run, entries, crc) VALUES (?, ?, ?)")?
                .execute(params![run, entries, Seal::of_tail(run, *entries, *last)])?;
        }
        Ok(())
    }
}

impl Row {
    /// Done by those who commit, so that the thread that writes only writes.
    pub fn encode(change: Change) -> Result<Self, JournalError> {
        Ok(match change {
            Change::Accept(id, record) => Self::Accept {
                id,
                received_at: record.received_at.as_millisecond(),
                policy: record.address(),
                body: record.body,
            },
            Change::Routed(ids) => Self::Routed(ids),
            Change::Incident(incident) => Self::Incident(Incident::encode(&incident)?),
            Change::Forget(incident) => Self::Forget(incident.as_str().to_owned()),
            Change::Run(run) => Self::run(run, None)?,
            Change::Begin(run, header) => Self::run(run, Some(header))?,
            Change::Entry(run, entry) => {
                let body = json(&entry)?.into_bytes();
                let packed = body.len() > PACK_FROM;
                let body = if packed { pack(&body)? } else { body };
                let (run, at) = (run.as_str().to_owned(), entry.at.as_millisecond());
                Self::Entry { run, step: entry.step, at, packed, body }
            }
            Change::Pause(pause) => {
                let record = Some(json(&pause)?);
                Self::Pause { policy: pause.policy.unwrap_or_default(), record }
            }
            Change::Resume(policy) => Self::Pause { policy: policy.unwrap_or_default(), record: None },
            Change::StormOver(policy, at) => {
                Self::StormOver { policy: policy.unwrap_or_default(), at: at.as_millisecond() }
            }
            Change::ActBegun(id, at, act) => {
                Self::ActBegun { id, at: at.as_millisecond(), act: json(&act.bounded())? }
            }
            Change::Acted(begun, at, act) => {
                let act = act.map(|act| audit::object(json!(act.bounded())));
                Self::Acted { begun, at: at.as_millisecond(), act }
            }
        })
    }

    fn run(run: RunRecord, header: Option<RunHeader>) -> Result<Self, JournalError> {
        let record = json(&run)?;
        let header = header.map(|header| pack(json(&header)?.as_bytes())).transpose()?;
        Ok(Self::Run { run: Box::new(run), record, header })
    }

    /// About how many bytes it has.
    pub fn size(&self) -> usize {
        match self {
            Self::Accept { body, .. } | Self::Entry { body, .. } => body.len() + 64,
            Self::Routed(ids) => ids.len() * 8,
            Self::Incident(incident) => incident.record.len() + 256,
            Self::Forget(id) => id.len(),
            Self::Run { record, header, .. } => record.len() * 2 + header.as_ref().map_or(0, Vec::len),
            Self::StormOver { policy, .. } => policy.len() + 64,
            Self::Pause { record, .. } => record.as_ref().map_or(0, String::len) + 64,
            Self::ActBegun { .. } | Self::Acted { .. } => AuditRow::MAX_BYTES,
        }
    }

    pub fn write(
        &self,
        connection: &Connection,
        last_id: &AtomicI64,
        effects: &mut Effects,
    ) -> rusqlite::Result<()> {
        match self {
            Self::Accept { id, received_at, policy, body } => {
                let id = id.unwrap_or_else(|| last_id.fetch_add(1, Ordering::Relaxed) + 1);
                let crc = Seal::of_notification(id, *received_at, policy.as_deref(), body);
                connection
                    .prepare_cached(
                        "INSERT INTO inbox (id, received_at, policy, crc, body) VALUES (?, ?, ?, ?, ?)",
                    )?
                    .execute(params![id, received_at, policy, crc, body])?;
                effects.accepted += 1;
                effects.accepted_bytes += body.len() as u64;
            }
            Self::Routed(ids) => {
                let sql = "DELETE FROM inbox WHERE id = ? RETURNING octet_length(body)";
                let mut delete = connection.prepare_cached(sql)?;
                for id in ids {
                    let bytes: Option<i64> = delete.query_row([id], |row| row.get(0)).optional()?;
                    effects.routed += usize::from(bytes.is_some());
                    effects.routed_bytes += bytes.unwrap_or_default().unsigned_abs();
                }
            }
            Self::Incident(incident) => {
                let sql = "SELECT policy, CASE WHEN closed_at IS NULL THEN state END, octet_length(record), 0
                           FROM incidents WHERE id = ?";
                Held::find(connection, sql, &incident.id)?.leaves(effects);
                let state = incident.closed_at.is_none().then(|| incident.state.to_owned());
                let bytes = length(&incident.record);
                Held { policy: incident.policy.clone(), open: state, bytes, header: 0 }.comes(effects);
                effects.is_over |= incident.closed_at.is_some();
                incident.write(connection)?;
            }
            Self::Forget(id) => {
                let sql = "DELETE FROM incidents WHERE id = ?
                           RETURNING policy, CASE WHEN closed_at IS NULL THEN state END, octet_length(record), 0";
                Held::find(connection, sql, id)?.leaves(effects);
            }
            Self::Run { run, record, header } => {
                let sql = "SELECT policy, CASE WHEN ended_at IS NULL THEN 'runs' END, octet_length(record),
                           coalesce(octet_length(packed_header), octet_length(header), 0) FROM runs WHERE id = ?";
                let before = Held::find(connection, sql, run.id.as_str())?;
                let header_bytes = header.as_ref().map_or(before.header, |header| header.len() as i64);
                before.leaves(effects);
                let open = run.ended_at.is_none().then(|| tally::RUNS.to_owned());
                Held { policy: run.policy.clone(), open, bytes: length(record), header: header_bytes }
                    .comes(effects);
                effects.is_over |= run.ended_at.is_some();
                write_run(connection, run, record, header.as_deref())?;
            }
            Self::Entry { run, step, at, packed, body } => {
                let seq = effects.entries(connection, run)? + 1;
                let crc = Seal::of_content(&entry_id(run, seq), body);
                connection
                    .prepare_cached(
                        "INSERT INTO entries (run, seq, step, at, packed, crc, body) VALUES (?, ?, ?, ?, ?, ?, ?)",
                    )?
                    .execute(params![run, seq, step, at, packed, crc, body])?;
                effects.tails.insert(run.clone(), (seq, crc));
                *effects.entries.entry(run.clone()).or_default() += body.len() as i64;
            }
            Self::Pause { policy, record } => pauses::write(connection, policy, record.as_deref())?,
            Self::StormOver { policy, at } => storms::write(connection, policy, *at)?,
            Self::ActBegun { id, at, act } => audit::begin(connection, *id, *at, act)?,
            Self::Acted { begun, at, act } => audit::end(connection, *begun, *at, act.as_ref())?,
        }
        Ok(())
    }
}

/// What a row is to the tallies.
#[derive(Default)]
struct Held {
    policy: String,
    /// As what it is counted: its state, `runs`; none where it is over.
    open: Option<String>,
    bytes: i64,
    header: i64,
}

impl Held {
    /// What stands there before it is written.
    fn find(connection: &Connection, sql: &str, id: &str) -> rusqlite::Result<Self> {
        let read = |row: &rusqlite::Row<'_>| {
            Ok(Self { policy: row.get(0)?, open: row.get(1)?, bytes: row.get(2)?, header: row.get(3)? })
        };
        Ok(connection.prepare_cached(sql)?.query_row([id], read).optional()?.unwrap_or_default())
    }

    fn leaves(&self, effects: &mut Effects) {
        self.count(effects, -1);
    }

    fn comes(&self, effects: &mut Effects) {
        self.count(effects, 1);
    }

    fn count(&self, effects: &mut Effects, by: i64) {
        effects.tallies.add(tally::BYTES, &self.policy, by * (self.bytes + self.header));
        if let Some(open) = &self.open {
            effects.tallies.add(open, &self.policy, by);
        }
    }
}

fn length(text: &str) -> i64 {
    i64::try_from(text.len()).unwrap_or(i64::MAX)
}

/// An incident, ready to be written.
pub(super) struct Incident {
    id: String,
    policy: String,
    state: &'static str,
    closed_at: Option<i64>,
    found_by: FoundBy,
    record: String,
}

impl Incident {
    pub fn encode(incident: &IncidentRecord) -> Result<Self, JournalError> {
        Ok(Self {
            id: incident.id.as_str().to_owned(),
            policy: incident.policy.clone(),
            state: incident.state.as_str(),
            closed_at: incident.closed_at.map(Timestamp::as_millisecond),
            found_by: FoundBy::of(incident),
            record: json(incident)?,
        })
    }

    pub fn write(&self, connection: &Connection) -> rusqlite::Result<()> {
        let Self { id, policy, state, closed_at, found_by, record } = self;
        let [same_alert, same_key, queued, due, said_resolved, owed] = found_by.columns();
        let crc = Seal::of_incident(id, policy, state, *closed_at, found_by, record.as_bytes());
        connection
            .prepare_cached(
                "INSERT INTO incidents (id, policy, state, key, fingerprint, opened_at, closed_at, crc, record,
                   same_alert, same_key, queued, due, said_resolved, owed)
                 VALUES (?, ?, ?, '', '', 0, ?, ?, ?, ?, ?, ?, ?, ?, ?)
                 ON CONFLICT (id) DO UPDATE SET policy = excluded.policy, state = excluded.state,
                   key = excluded.key, fingerprint = excluded.fingerprint, opened_at = excluded.opened_at,
                   closed_at = excluded.closed_at, crc = excluded.crc, record = excluded.record,
                   same_alert = excluded.same_alert, same_key = excluded.same_key, queued = excluded.queued,
                   due = excluded.due, said_resolved = excluded.said_resolved, owed = excluded.owed",
            )?
            .execute(params![
                id, policy, state, closed_at, crc, record, same_alert, same_key, queued, due, said_resolved, owed
            ])?;
        Ok(())
    }
}

fn write_run(
    connection: &Connection,
    run: &RunRecord,
    record: &str,
    header: Option<&[u8]>,
) -> rusqlite::Result<()> {
    let id = run.id.as_str();
    let (state, ended) = (run.state.as_str(), run.ended_at.map(Timestamp::as_millisecond));
    connection
        .prepare_cached(
            "INSERT INTO runs (id, incident, policy, state, outcome, started_at, ended_at, crc, record,
               header_crc, packed_header)
             VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
             ON CONFLICT (id) DO UPDATE SET incident = excluded.incident, policy = excluded.policy,
               state = excluded.state, outcome = excluded.outcome, started_at = excluded.started_at,
               ended_at = excluded.ended_at, crc = excluded.crc, record = excluded.record,
               header_crc = coalesce(excluded.header_crc, header_crc),
               packed_header = coalesce(excluded.packed_header, packed_header),
               header = CASE WHEN excluded.packed_header IS NULL THEN header END",
        )?
        .execute(params![
            id,
            run.incident.as_str(),
            run.policy,
            state,
            run.outcome,
            run.started_at.as_millisecond(),
            ended,
            Seal::of_record(id, &run.policy, state, ended, record.as_bytes()),
            record,
            header.map(|header| Seal::of_content(id, header)),
            header,
        ])?;
    Ok(())
}

/// Compress. A compressor is kept by each thread: to make one takes longer than to use it.
fn pack(body: &[u8]) -> Result<Vec<u8>, JournalError> {
    thread_local! {
        static COMPRESSOR: RefCell<Option<Compressor<'static>>> = const { RefCell::new(None) };
    }
    let packed = COMPRESSOR.with_borrow_mut(|kept| -> std::io::Result<Vec<u8>> {
        match kept {
            Some(compressor) => compressor.compress(body),
            None => kept.insert(Compressor::new(LEVEL)?).compress(body),
        }
    });
    packed.map_err(|error| JournalError::NotCompressed(Arc::new(error)))
}

fn json(value: &impl Serialize) -> Result<String, JournalError> {
    serde_json::to_string(value).map_err(|error| JournalError::NotJson(Arc::new(error)))
}

/// How an entry is named, in checksums and messages.
pub(super) fn entry_id(run: &str, seq: i64) -> String {
    format!("{run}/{seq}")
}

/// What is stored, read back. Otherwise a sentence that names the table and the id.
pub(super) fn parse<T: DeserializeOwned>(table: &str, id: &str, content: &[u8]) -> Result<T, String> {
    serde_json::from_slice(content).map_err(|error| format!("{table} {id} can't be read: {error}"))
}

/// Like [`parse`], for content that may be compressed; with the bytes that it has when it is
/// not.
pub(super) fn unpack<T: DeserializeOwned>(
    table: &str,
    id: &str,
    packed: bool,
    content: &[u8],
) -> Result<(T, usize), String> {
    if !packed {
        return Ok((parse(table, id, content)?, content.len()));
    }
    let mut unpacked = Vec::new();
    zstd::Decoder::new(content)
        .and_then(|decoder| decoder.take(MAX_ENTRY).read_to_end(&mut unpacked))
        .map_err(|error| format!("{table} {id} can't be read: {error}"))?;
    Ok((parse(table, id, &unpacked)?, unpacked.len()))
}
