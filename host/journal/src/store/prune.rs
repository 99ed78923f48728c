//! Retention: what is old leaves, a little at a time.

use rusqlite::{Connection, params};
use suture_core::Timestamp;

use super::Journal;
use crate::log::JournalError;

/// Runs, or incidents, that leave in one transaction: what is to be written meanwhile
/// waits no longer than that takes.
const BATCH: usize = 50;
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
        loop {
            let gone = writer.job(move |connection| runs(connection, before, keep_at_least_runs)).await?;
            pruned.runs += gone;
            if gone < BATCH {
                break;
            }
        }
        loop {
            let gone = writer.job(move |connection| incidents(connection, before)).await?;
            pruned.incidents += gone;
            if gone < BATCH {
                break;
            }
        }
        while writer.job(vacuum).await? {}
        Ok(pruned)
    }
}

fn runs(connection: &mut Connection, before: i64, keep: usize) -> rusqlite::Result<usize> {
    let keep = i64::try_from(keep).unwrap_or(i64::MAX);
    // Their entries go with them (ON DELETE CASCADE).
    connection
        .prepare_cached(
            "DELETE FROM runs WHERE place IN (
               SELECT place FROM runs
               WHERE ended_at < ?1 AND state = 'ended'
                 AND place NOT IN (SELECT place FROM runs WHERE ended_at IS NOT NULL ORDER BY place DESC LIMIT ?2)
               ORDER BY ended_at LIMIT ?3)",
        )?
        .execute(params![before, keep, BATCH as i64])
}

fn incidents(connection: &mut Connection, before: i64) -> rusqlite::Result<usize> {
    connection
        .prepare_cached(
            "DELETE FROM incidents WHERE place IN (
               SELECT place FROM incidents
               WHERE closed_at < ?1 AND NOT EXISTS (SELECT 1 FROM runs WHERE runs.incident = incidents.id)
               ORDER BY closed_at LIMIT ?2)",
        )?
        .execute(params![before, BATCH as i64])
}

/// Give some free pages back. Whether there are more.
fn vacuum(connection: &mut Connection) -> rusqlite::Result<bool> {
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
