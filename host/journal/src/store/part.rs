//! The entries of a run: all of them, or a part that is bounded in bytes.

use rusqlite::{Connection, OptionalExtension, params};
use suture_core::RunId;

use super::Journal;
use super::row::{entry_id, unpack};
use super::seal::{Seal, verify};
use super::select::{Legible, bytes, legible};
use crate::entry::Entry;
use crate::error::JournalError;

/// A part of a run's record, in order: whole steps.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Part {
    /// What can be read of it.
    pub entries: Vec<Entry>,
    /// What can't: a sentence each.
    pub damaged: Vec<String>,
    /// After which step the next part begins; none where the record ends with this one.
    pub next: Option<u32>,
}

impl Journal {
    /// What a run did after a step: as many steps as there may be, of about so many bytes as
    /// JSON; at least one step, however large.
    ///
    /// # Errors
    /// When the journal can't be read at all.
    pub async fn part(
        &self,
        run: &RunId,
        after: u32,
        steps: usize,
        bytes: usize,
    ) -> Result<Part, JournalError> {
        let run = run.as_str().to_owned();
        self.read(move |connection| part(connection, &run, after, steps, bytes)).await
    }
}

/// The entries of a run, in order. One that is missing counts as damaged, the last too.
pub(super) fn entries(connection: &Connection, run: &str) -> rusqlite::Result<Legible<Entry>> {
    let Part { entries, damaged, .. } = part(connection, run, 0, usize::MAX, usize::MAX)?;
    Ok(Legible { items: entries, damaged })
}

fn part(
    connection: &Connection,
    run: &str,
    after: u32,
    steps: usize,
    mut room: usize,
) -> rusqlite::Result<Part> {
    // Steps never go back, so this is where the part before it ended.
    let before: i64 = connection
        .prepare_cached("SELECT coalesce(max(seq), 0) FROM entries WHERE run = ? AND step <= ?")?
        .query_row(params![run, after], |row| row.get(0))
        .unwrap_or_default();
    let mut select = connection.prepare_cached(
        "SELECT seq, step, packed, crc, body FROM entries WHERE run = ? AND seq > ? ORDER BY seq",
    )?;
    let mut rows = select.query(params![run, before])?;
    let mut found = Legible::new();
    let mut expected = before + 1;
    let (mut last_crc, mut last_step, mut count) = (0, after, 0);
    loop {
        let row = match rows.next() {
            Ok(Some(row)) => row,
            Ok(None) => break,
            Err(error) => {
                let id = entry_id(run, expected);
                found.damaged.push(format!("entries {id} and what comes after it can't be read: {error}"));
                return Ok(Part { entries: found.items, damaged: found.damaged, next: None });
            }
        };
        let step = row.get("step").unwrap_or(last_step);
        if step != last_step {
            if count > 0 && (count == steps || room == 0) {
                return Ok(Part { entries: found.items, damaged: found.damaged, next: Some(last_step) });
            }
            last_step = step;
            count += 1;
        }
        let seq: i64 = row.get("seq")?;
        if seq != expected {
            found.damaged.push(format!("entries {} is missing", entry_id(run, expected)));
        }
        expected = seq.saturating_add(1);
        let id = entry_id(run, seq);
        last_crc = row.get("crc").unwrap_or_default();
        let entry = legible("entries", &id, || {
            let body = bytes(row, "body")?;
            let verified = verify("entries", &id, row.get("crc")?, Seal::of_content(&id, body));
            let packed = row.get("packed")?;
            Ok(verified.and_then(|()| unpack("entries", &id, packed, body)))
        });
        found.add(entry.map(|(entry, length)| {
            room = room.saturating_sub(length);
            entry
        }));
    }
    found.damaged.extend(tail_damage(connection, run, expected - 1, last_crc)?);
    Ok(Part { entries: found.items, damaged: found.damaged, next: None })
}

/// What is wrong with the number of entries that were found, by what was written down
/// beside them. Otherwise a record without its end would look whole.
fn tail_damage(
    connection: &Connection,
    run: &str,
    entries: i64,
    last: u32,
) -> rusqlite::Result<Option<String>> {
    let written = connection
        .prepare_cached("SELECT entries, crc FROM tails WHERE run = ?")?
        .query_row([run], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, u32>(1)?)))
        .optional();
    Ok(match written {
        Ok(None) if entries == 0 => None,
        Ok(None) => Some(format!("the number of entries of run {run} is missing")),
        Ok(Some((written, _))) if written > entries => Some(format!(
            "entries {} is missing, and {} are there of {written}",
            entry_id(run, entries + 1),
            entries
        )),
        Ok(Some((written, crc))) if written != entries || crc != Seal::of_tail(run, entries, last) => {
            Some(format!("the number of entries of run {run} is damaged: its checksum is wrong"))
        }
        Ok(Some(_)) => None,
        Err(error) => Some(format!("the number of entries of run {run} can't be read: {error}")),
    })
}
