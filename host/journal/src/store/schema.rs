//! The tables, and how older ones become these.

use std::path::Path;

use rusqlite::Connection;

use super::error::explain;
use crate::error::JournalError;

/// Marks the file as Suture's: `Sutr`.
const APPLICATION_ID: i64 = 0x5375_7472;

/// Each leads to a version of the schema from the one before. Never change one that was
/// released. (Version 1 never was: its rows were guarded less well.)
const MIGRATIONS: [(i64, &str); 7] = [
    (2, include_str!("schema/2.sql")),
    (3, include_str!("schema/3.sql")),
    (4, include_str!("schema/4.sql")),
    (5, include_str!("schema/5.sql")),
    (6, include_str!("schema/6.sql")),
    (7, include_str!("schema/7.sql")),
    (8, include_str!("schema/8.sql")),
];

/// The oldest version that can be brought up to date.
const OLDEST: i64 = MIGRATIONS[0].0;

/// The version that this code reads and writes.
const CURRENT: i64 = MIGRATIONS[MIGRATIONS.len() - 1].0;

/// What must be set before the first table is made.
const BEFORE_TABLES: &str = "PRAGMA page_size = 8192; PRAGMA auto_vacuum = INCREMENTAL;";

/// Whose database it is, and which version.
#[derive(Debug, PartialEq, Eq)]
enum Found {
    Empty,
    Ours(i64),
}

fn inspect(connection: &Connection, path: &Path) -> Result<Found, JournalError> {
    let number = |sql: &str| {
        connection
            .query_row(sql, [], |row| row.get::<_, i64>(0))
            .map_err(|error| explain(path, "read", error))
    };
    let application = number("PRAGMA application_id")?;
    let version = number("PRAGMA user_version")?;
    let tables = number("SELECT count(*) FROM sqlite_schema")?;
    if application == 0 && version == 0 && tables == 0 {
        return Ok(Found::Empty);
    }
    let path = || path.to_owned();
    if application != APPLICATION_ID {
        return Err(JournalError::OfAnother(path()));
    }
    if version > CURRENT {
        return Err(JournalError::Newer { path: path(), found: version, known: CURRENT });
    }
    if version < OLDEST {
        return Err(JournalError::TooOld { path: path(), found: version, oldest: OLDEST });
    }
    Ok(Found::Ours(version))
}

/// Make the tables, or bring those of an earlier version up to date.
pub(super) fn migrate(connection: &mut Connection, path: &Path) -> Result<(), JournalError> {
    let explain = |error| explain(path, "written", error);
    let version = match inspect(connection, path)? {
        Found::Ours(version) => version,
        Found::Empty => {
            connection.execute_batch(BEFORE_TABLES).map_err(explain)?;
            0
        }
    };
    for (next, migration) in MIGRATIONS.iter().filter(|(next, _)| *next > version) {
        let transaction = connection.transaction().map_err(explain)?;
        transaction.execute_batch(migration).map_err(explain)?;
        transaction.pragma_update(None, "application_id", APPLICATION_ID).map_err(explain)?;
        transaction.pragma_update(None, "user_version", next).map_err(explain)?;
        transaction.commit().map_err(explain)?;
    }
    Ok(())
}

/// Refuse what this version can't read as it is.
pub(super) fn check(connection: &Connection, path: &Path) -> Result<(), JournalError> {
    match inspect(connection, path)? {
        Found::Ours(version) if version == CURRENT => Ok(()),
        Found::Ours(found) => {
            Err(JournalError::NotUpToDate { path: path.to_owned(), found, current: CURRENT })
        }
        Found::Empty => Err(JournalError::Empty(path.to_owned())),
    }
}
