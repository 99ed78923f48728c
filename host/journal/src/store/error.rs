//! What SQLite reports, in words that say what to do.

use std::path::Path;

use rusqlite::{Error, ErrorCode};

use crate::log::JournalError;

/// An error of SQLite, for people. `doing` is `read`, `written`, ….
pub(super) fn explain(path: &Path, doing: &str, error: &Error) -> JournalError {
    let journal = path.display();
    JournalError(match error.sqlite_error_code() {
        Some(ErrorCode::NotADatabase) => format!(
            "{journal} is not a journal (no SQLite database); move it away, or set `storage.path` to another folder"
        ),
        Some(ErrorCode::DatabaseCorrupt) => damaged(path, &error.to_string()).0,
        Some(ErrorCode::DiskFull) => {
            format!("the disk of the journal at {journal} is full; make room, and the host goes on ({error})")
        }
        Some(ErrorCode::SystemIoFailure) => {
            format!("the disk of the journal at {journal} fails; check the disk ({error})")
        }
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => format!(
            "the journal at {journal} is locked by another program; end it, or let it finish ({error})"
        ),
        Some(ErrorCode::CannotOpen | ErrorCode::ReadOnly | ErrorCode::PermissionDenied) => format!(
            "the journal at {journal} can't be {doing}: let the user that suture runs as read and write its folder ({error})"
        ),
        _ => format!("the journal at {journal} can't be {doing}: {error}"),
    })
}

/// The error for a file that is torn or overwritten.
pub(super) fn damaged(path: &Path, what: &str) -> JournalError {
    JournalError(format!(
        "the journal at {} is damaged ({what}); restore it from a backup, or move it away to begin an empty one",
        path.display()
    ))
}

/// Whether the same commit may succeed later: the fault lies with the disk, not with
/// what is to be written.
pub(super) fn may_pass(error: &Error) -> bool {
    matches!(
        error.sqlite_error_code(),
        Some(
            ErrorCode::DiskFull
                | ErrorCode::SystemIoFailure
                | ErrorCode::DatabaseBusy
                | ErrorCode::DatabaseLocked
                | ErrorCode::CannotOpen
                | ErrorCode::ReadOnly
                | ErrorCode::PermissionDenied
                | ErrorCode::OutOfMemory
        )
    )
}
