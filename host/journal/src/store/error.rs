//! What SQLite reports, in words that say what to do.

use std::path::Path;
use std::sync::Arc;

use rusqlite::{Error, ErrorCode};

use crate::error::JournalError;

/// An error of SQLite, for people. `doing` is `read`, `written`, ….
pub(super) fn explain(path: &Path, doing: &'static str, error: Error) -> JournalError {
    let code = error.sqlite_error_code();
    let (path, source) = (path.to_owned(), Arc::new(error));
    match code {
        Some(ErrorCode::NotADatabase) => JournalError::NotADatabase(path),
        Some(ErrorCode::DatabaseCorrupt) => JournalError::Damaged { path, what: source.to_string() },
        Some(ErrorCode::DiskFull) => JournalError::DiskFull { path, source },
        Some(ErrorCode::SystemIoFailure) => JournalError::DiskFails { path, source },
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => JournalError::Locked { path, source },
        Some(ErrorCode::CannotOpen | ErrorCode::ReadOnly | ErrorCode::PermissionDenied) => {
            JournalError::NotAllowed { path, doing, source }
        }
        _ => JournalError::Sqlite { path, doing, source },
    }
}

/// The error for a file that is torn or overwritten.
pub(super) fn damaged(path: &Path, what: &str) -> JournalError {
    JournalError::Damaged { path: path.to_owned(), what: what.to_owned() }
}
