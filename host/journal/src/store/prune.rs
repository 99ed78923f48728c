//! Retention: what is old leaves, a little at a time.

use rusqlite::{Connection, OptionalExtension};
use suture_core::Timestamp;

use super::{Journal, closed};
use crate::error::JournalError;

/// Pages that are given back to the disk at a time.
const PAGES: u32 = 1024;

/// What left the journal.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pruned {
    /// How many runs, with their entries.
    pub runs: usize,
    /// How many incidents.
    pub incidents: usize,
}

impl Journal {
    /// Delete runs that ended before a time, though never the newest so many, and
    /// incidents that were closed before it and have no run left. Their room is given
    /// back to the disk.
    ///
    /// # Errors
    /// When the journal can't be written. What left before that is gone.
    pub async fn prune(
        &self,
        older_than: Timestamp,
        keep_at_least_runs: usize,
    ) -> Result<Pruned, JournalError> {
        let writer = self.writer()?;
        let _hold = self.0.clock.hold();
        let before = older_than.as_millisecond();
        let mut pruned = Pruned::default();
        let kept_from = writer.job(move |connection| kept_from(connection, keep_at_least_runs)).await?;
        loop {
            let shared = writer.shared.clone();
            let runs = move |connection: &mut Connection| {
                closed::runs_before(connection, &mut shared.tallies.lock(), before, kept_from)
            };
            let gone = writer.job(runs).await?;
            pruned.runs += gone;
            if gone == 0 {
                break;
            }
        }
        loop {
            let shared = writer.shared.clone();
            let incidents = move |connection: &mut Connection| {
                closed::incidents_before(connection, &mut shared.tallies.lock(), before)
            };
            let gone = writer.job(incidents).await?;
            pruned.incidents += gone;
            if gone < closed::BATCH {
                break;
            }
        }
        while writer.job(vacuum).await? {}
        Ok(pruned)
    }
}

/// The place of the oldest of the newest so many runs that have ended: that and what comes
/// after it stays.
fn kept_from(connection: &Connection, keep: usize) -> rusqlite::Result<i64> {
    let Some(others) = keep.checked_sub(1) else { return Ok(i64::MAX) };
    let place = connection
        .prepare_cached(
            "SELECT place FROM runs NOT INDEXED WHERE ended_at IS NOT NULL ORDER BY place DESC LIMIT 1 OFFSET ?",
        )?
        .query_row([i64::try_from(others).unwrap_or(i64::MAX)], |row| row.get(0))
        .optional()?;
    // There are fewer: all stay.
    Ok(place.unwrap_or(i64::MIN))
}

/// Give some free pages back. Whether there are more.
pub(super) fn vacuum(connection: &mut Connection) -> rusqlite::Result<bool> {
    let free = |connection: &Connection| {
        connection.query_row("PRAGMA freelist_count", [], |row| row.get::<_, i64>(0))
    };
    let before = free(connection)?;
    if before == 0 {
        return Ok(false);
    }
    // The pragma returns a row for each page.
    let mut vacuum = connection.prepare(&format!("PRAGMA incremental_vacuum({PAGES})"))?;
    let mut rows = vacuum.query([])?;
    while rows.next()?.is_some() {}
    drop(rows);
    drop(vacuum);
    let after = free(connection)?;
    Ok(after > 0 && after < before)
}
