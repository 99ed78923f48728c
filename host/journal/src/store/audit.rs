//! The audit trail in the journal.

use rusqlite::{Connection, OptionalExtension, params};
use serde_json::{Map, Value, json};
use suture_core::{Digest, Timestamp};

use super::Journal;
use super::select::{Legible, bytes, text};
use crate::audit::{Act, ActOutcome, AuditFilter, AuditHead, Credential, seal, sealed_hash};
use crate::error::JournalError;
use crate::page::Page;

/// The most rows that are kept, whatever their age. Of more the oldest leave.
const MOST: i64 = 100_000;
/// How many leave then.
const AT_A_TIME: i64 = MOST / 100;
/// Rows that are looked at for a page.
const LOOKED_AT: usize = 10_000;

impl Journal {
    /// The number of an act that is about to [begin](crate::Change::ActBegun).
    ///
    /// # Errors
    /// Where the journal is only read.
    pub fn reserve_act(&self) -> Result<i64, JournalError> {
        let last = &self.writer()?.shared.last_act;
        Ok(last.fetch_add(1, std::sync::atomic::Ordering::Relaxed) + 1)
    }

    /// Rows of the trail, each with its hash. [`AuditRow::of`](crate::AuditRow::of) reads one; as they are
    /// they can be [verified](crate::Verifier), also where a newer version has written more into them.
    ///
    /// # Errors
    /// When the journal can't be read, or `after` is not the `next` of a page.
    pub async fn audit(&self, filter: AuditFilter) -> Result<Page<Value>, JournalError> {
        let (place, now) = (filter.place().map_err(JournalError::NoSuchPage)?, self.0.clock.now());
        self.read(move |connection| page(connection, &filter, place, now)).await
    }

    /// The last row of the trail; none where nobody did anything yet.
    ///
    /// # Errors
    /// When it can't be read.
    pub async fn audit_head(&self) -> Result<Option<AuditHead>, JournalError> {
        let last = self.read(last).await?;
        let Some((sequence, hash)) = last else { return Ok(None) };
        let damage = || JournalError::DamagedRow(format!("audit {sequence} is damaged: it has no hash"));
        let hash = self.noted(hash.parse::<Digest>().map_err(|_| damage()))?;
        Ok(Some(AuditHead { sequence: sequence.unsigned_abs(), hash }))
    }

    /// Remove the rows from before a time; the trail says so in a row of its own, which holds the last of
    /// them, so that what is left can be verified. How many they were.
    ///
    /// # Errors
    /// When the journal can't be written.
    pub async fn prune_audit(&self, older_than: Timestamp) -> Result<u64, JournalError> {
        let _hold = self.0.clock.hold();
        let (before, now) = (older_than.as_millisecond(), self.0.clock.now().as_millisecond());
        let prune = move |connection: &mut Connection| {
            let transaction = connection.transaction()?;
            let pruned = prune_before(&transaction, before, now)?;
            transaction.commit()?;
            Ok(pruned)
        };
        self.writer()?.job(prune).await
    }
}

/// Write that an act begins.
pub(super) fn begin(connection: &Connection, id: i64, at: i64, act: &str) -> rusqlite::Result<()> {
    let sql = "INSERT OR REPLACE INTO audit_begun (id, at, act) VALUES (?, ?, ?)";
    connection.prepare_cached(sql)?.execute(params![id, at, act]).map(drop)
}

/// Write what came of an act, that may have been written as begun.
pub(super) fn end(
    connection: &Connection,
    begun: Option<i64>,
    at: i64,
    act: Option<&Map<String, Value>>,
) -> rusqlite::Result<()> {
    if let Some(begun) = begun {
        connection.prepare_cached("DELETE FROM audit_begun WHERE id = ?")?.execute([begun])?;
    }
    let Some(act) = act else { return Ok(()) };
    append(connection, at, act)?;
    make_room(connection, at, MOST, AT_A_TIME)
}

/// Add a row to the trail.
fn append(connection: &Connection, at: i64, act: &Map<String, Value>) -> rusqlite::Result<()> {
    let last = last(connection)?;
    let sequence = last.as_ref().map_or(0, |(sequence, _)| *sequence) + 1;
    let time = Timestamp::from_millisecond(at).unwrap_or_default();
    let sealed = seal(act, sequence, time, last.as_ref().map(|(_, hash)| hash.as_str()));
    connection
        .prepare_cached("INSERT INTO audit (sequence, at, hash, row) VALUES (?, ?, ?, ?)")?
        .execute(params![sequence, at, sealed.hash.to_string(), sealed.text])
        .map(drop)
}

/// The number of the last row, and its hash as it stands there.
fn last(connection: &Connection) -> rusqlite::Result<Option<(i64, String)>> {
    last_to(connection, i64::MAX)
}

/// The same of those up to a number.
fn last_to(connection: &Connection, to: i64) -> rusqlite::Result<Option<(i64, String)>> {
    let sql = "SELECT sequence, hash FROM audit WHERE sequence <= ? ORDER BY sequence DESC LIMIT 1";
    let read = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, text(row, "hash")?));
    connection.prepare_cached(sql)?.query_row([to], read).optional()
}

/// Where there are more rows than so many, have the oldest leave.
pub(super) fn make_room(
    connection: &Connection,
    now: i64,
    most: i64,
    at_a_time: i64,
) -> rusqlite::Result<()> {
    let first: Option<i64> =
        connection.prepare_cached("SELECT min(sequence) FROM audit")?.query_row([], |row| row.get(0))?;
    let last = last(connection)?.map_or(0, |(last, _)| last);
    let Some(first) = first.filter(|first| last - first >= most) else { return Ok(()) };
    tracing::warn!(
        rows = at_a_time,
        most,
        "the audit trail is full: its oldest rows leave before their time; `suture audit export` keeps them elsewhere"
    );
    remove(connection, first + at_a_time - 1, now, "there were too many")?;
    Ok(())
}

/// Remove the rows from before a time: how many they were.
fn prune_before(connection: &Connection, before: i64, now: i64) -> rusqlite::Result<u64> {
    let kept: Option<i64> = connection
        .prepare_cached("SELECT sequence FROM audit WHERE at >= ? ORDER BY sequence LIMIT 1")?
        .query_row([before], |row| row.get(0))
        .optional()?;
    let to = match kept {
        Some(kept) => kept - 1,
        None => last(connection)?.map_or(0, |(last, _)| last),
    };
    // A host to which nothing happens would write of the removal of what it wrote of removals.
    let is_worth_it: bool = connection
        .prepare_cached(
            r#"SELECT EXISTS (SELECT 1 FROM audit WHERE sequence <= ? AND instr(row, '"what":"prune"') = 0)"#,
        )?
        .query_row([to], |row| row.get(0))?;
    if is_worth_it {
        remove(connection, to, now, "they were older than `storage.auditRetention`")
    } else {
        Ok(0)
    }
}

/// Remove all rows up to one, and say so in a row. How many they were.
fn remove(connection: &Connection, to: i64, now: i64, why: &str) -> rusqlite::Result<u64> {
    let Some((to, hash)) = last_to(connection, to)? else { return Ok(0) };
    // First the row: the trail is never without one, for the next to follow.
    let mut act = host_act("prune");
    act.insert("reason".into(), why.into());
    act.insert("checkpoint".into(), json!({"sequence": to, "hash": hash}));
    append(connection, now, &act)?;
    let removed = connection.prepare_cached("DELETE FROM audit WHERE sequence <= ?")?.execute([to])?;
    Ok(removed as u64)
}

/// Something that the host did by itself.
fn host_act(what: &str) -> Map<String, Value> {
    object(json!(Act::new("suture", Credential::Host, what)))
}

/// What is an object, as all acts are.
pub(super) fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(object) => object,
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => Map::new(),
    }
}

/// Look at the last row, and add those acts to the trail that had begun when the host before this one ended.
/// What is wrong. No trouble with the trail keeps a host from its start: what is left stays for the next.
pub(super) fn take_up(connection: &mut Connection) -> Option<String> {
    let damage = head_damage(connection);
    let failed =
        |error: rusqlite::Error| format!("the end of the audit trail can't be read or written: {error}");
    let taken_up = take_up_begun(connection).map_err(failed);
    damage.map_err(failed).and_then(|damage| taken_up.map(|()| damage)).unwrap_or_else(Some)
}

fn take_up_begun(connection: &mut Connection) -> rusqlite::Result<()> {
    let transaction = connection.transaction()?;
    {
        let mut select = transaction.prepare("SELECT id, at, act FROM audit_begun ORDER BY id")?;
        let mut rows = select.query([])?;
        while let Some(row) = rows.next()? {
            let act = serde_json::from_slice::<Value>(bytes(row, "act")?).unwrap_or_default();
            let mut act =
                Some(object(act)).filter(|act| !act.is_empty()).unwrap_or_else(|| host_act("unknown"));
            act.insert("outcome".into(), json!(ActOutcome::Unknown));
            act.insert("message".into(), "the host ended before it had answered".into());
            append(&transaction, row.get("at")?, &act)?;
        }
    }
    transaction.execute("DELETE FROM audit_begun", [])?;
    transaction.commit()
}

/// Whether the last row is as it was written, and follows the one before it.
fn head_damage(connection: &Connection) -> rusqlite::Result<Option<String>> {
    let mut select =
        connection.prepare("SELECT sequence, hash, row FROM audit ORDER BY sequence DESC LIMIT 2")?;
    let mut rows = select.query([])?;
    let Some(row) = rows.next()? else { return Ok(None) };
    let sequence: i64 = row.get("sequence")?;
    let (head, hash) = (parse(row)?, text(row, "hash")?);
    let before = match rows.next()? {
        Some(row) => Some(text(row, "hash")?),
        None => None,
    };
    let is_whole = head.is_ok_and(|head| {
        let previous = head.get("previous").and_then(Value::as_str);
        sealed_hash(&head).to_string() == hash && (before.is_none() || before.as_deref() == previous)
    });
    Ok((!is_whole).then(|| {
        format!("audit {sequence}, the last row of the audit trail, is not as it was written: `suture audit verify`")
    }))
}

/// A row with its hash; or a sentence that says which is none.
fn parse(row: &rusqlite::Row<'_>) -> rusqlite::Result<Result<Map<String, Value>, String>> {
    let sequence: i64 = row.get("sequence")?;
    let hash = text(row, "hash")?;
    let parsed = serde_json::from_slice::<Map<String, Value>>(bytes(row, "row")?);
    Ok(match parsed {
        Ok(mut parsed) => {
            parsed.insert("hash".into(), hash.into());
            Ok(parsed)
        }
        Err(error) => Err(format!("audit {sequence} can't be read: {error}")),
    })
}

fn page(
    connection: &Connection,
    filter: &AuditFilter,
    place: Option<i64>,
    now: Timestamp,
) -> rusqlite::Result<Page<Value>> {
    let (sql, after) = match filter.oldest_first.unwrap_or_default() {
        true => ("SELECT * FROM audit WHERE sequence > ? ORDER BY sequence", place.unwrap_or(0)),
        false => ("SELECT * FROM audit WHERE sequence < ? ORDER BY sequence DESC", place.unwrap_or(i64::MAX)),
    };
    let mut select = connection.prepare_cached(sql)?;
    let mut rows = select.query([after])?;
    let mut found = Legible::new();
    let (size, mut count, mut looked_at, mut last) = (filter.page_size(), 0, 0, None);
    while let Some(row) = rows.next()? {
        if count == size || looked_at == LOOKED_AT {
            let next = last.map(|last: i64| last.to_string());
            return Ok(Page { items: found.items, next, damaged: found.damaged });
        }
        last = Some(row.get("sequence")?);
        looked_at += 1;
        let row = parse(row)?;
        if row.as_ref().map_or(true, |row| filter.admits(row, now)) {
            count += 1;
            found.add(row.map(Value::Object));
        }
    }
    Ok(Page { items: found.items, next: None, damaged: found.damaged })
}
