//! A look at the whole journal before it is used: what is damaged is known, and said, before
//! anything is done on the strength of it.

use std::path::Path;

use rusqlite::Connection;

use super::error::{damaged, explain};
use super::select;
use super::wal::{self, End};
use crate::log::JournalError;

/// What SQLite's own check reports at most.
const MOST: usize = 20;

/// What was found wrong with a journal when it was opened.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Survey {
    /// A sentence for each damage, naming the table and the row where it can. The rest can be
    /// used. Entries are not among it: those of a run are looked at when they are read.
    pub damage: Vec<String>,
    /// Whether something that was on disk is lost: of no run that has not ended is it certain
    /// any more what it did last.
    pub is_lost: bool,
}

/// Look at the log before SQLite opens the file, and refuse what it would throw away.
pub(super) fn before_opening(path: &Path) -> Result<Survey, JournalError> {
    let length = |path: &Path| std::fs::metadata(path).map_or(0, |metadata| metadata.len());
    let log = wal::beside(path);
    if length(path) == 0 && length(&log) > 0 {
        let what = format!("it is empty, and beside it {} is not", log.display());
        return Err(damaged(path, &what));
    }
    let end = wal::inspect(path)
        .map_err(|error| JournalError(format!("{} can't be read: {error}", log.display())))?;
    Ok(match end {
        End::Whole => Survey::default(),
        End::Torn => {
            tracing::warn!(
                journal = %path.display(),
                "the last transaction was cut off, as by a loss of power, and has not taken place"
            );
            Survey::default()
        }
        End::Lost(what) => {
            // SQLite is about to write over it.
            let kept = log.with_extension("db-wal.damaged");
            let what = match std::fs::copy(&log, &kept) {
                Ok(_) => format!("{what}; a copy is kept in {}", kept.display()),
                Err(error) => format!("{what}; and no copy can be kept: {error}"),
            };
            Survey { damage: vec![what], is_lost: true }
        }
    })
}

/// Look at every page and every row. Indexes that are not as their tables are made anew.
pub(super) fn survey(connection: &Connection, path: &Path, before: Survey) -> Result<Survey, JournalError> {
    let explain = |error| explain(path, "read", &error);
    let mut found = before;
    let mut pages = pages(connection);
    if !pages.is_empty() && connection.execute_batch("REINDEX").is_ok() {
        let left = self::pages(connection);
        if left.is_empty() {
            tracing::warn!(journal = %path.display(), damage = pages.join("; "), "indexes were damaged and are made anew");
        }
        pages = left;
    }
    found.damage.extend(pages);
    found.damage.extend(select::damage(connection).map_err(explain)?);
    for damage in &found.damage {
        tracing::error!(journal = %path.display(), "the journal is damaged: {damage}");
    }
    Ok(found)
}

/// What SQLite finds wrong with the pages of the file.
fn pages(connection: &Connection) -> Vec<String> {
    let check = || -> rusqlite::Result<Vec<String>> {
        let mut check = connection.prepare(&format!("PRAGMA integrity_check({MOST})"))?;
        check.query_map([], |row| row.get(0))?.collect()
    };
    match check() {
        Ok(found) => found.into_iter().filter(|line| line != "ok").collect(),
        Err(error) => vec![error.to_string()],
    }
}
