//! Opening the file, or saying why not.

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{Read, Seek, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rusqlite::{Connection, ErrorCode, OpenFlags};

use super::Journal;
use super::error::{damaged, explain};
use super::room::Gauge;
use super::survey::{self, Survey};
use super::{agenda, audit, schema, wal};
use crate::error::JournalError;

/// How long to wait for a lock that a tool holds for a moment (a backup, a shell).
pub(super) const BUSY: Duration = Duration::from_secs(5);

/// A journal that this process has for itself.
pub(super) struct Opened {
    pub path: PathBuf,
    pub connection: Connection,
    /// Held while the journal is open.
    pub lock: File,
    /// What of it is lost for certain.
    pub before: Survey,
    /// What is wrong with the end of the audit trail.
    pub of_audit: Option<String>,
}

/// Open the journal in a folder to write it; make what is missing.
pub(super) fn for_writing(folder: &Path, gauge: &Gauge) -> Result<Opened, JournalError> {
    private_folder(folder).map_err(|error| not_writable(folder, error))?;
    let path = folder.join(Journal::FILE);
    let lock = lock(folder, &path)?;
    let before = survey::before_opening(&path)?;
    private_file(&path).map_err(|error| not_writable(&path, error))?;

    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let explain = |error| explain(&path, "opened", error);
    let mut connection = Connection::open_with_flags(&path, flags).map_err(explain)?;
    connection.busy_timeout(BUSY).map_err(explain)?;
    connection.set_prepared_statement_cache_capacity(32);
    check_length(&connection, &path)?;
    schema::migrate(&mut connection, &path)?;
    connection
        .execute_batch(
            // A commit is on disk when it returns.
            "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;
             PRAGMA cache_size = -8192; PRAGMA temp_store = MEMORY; PRAGMA cell_size_check = ON;",
        )
        .map_err(explain)?;
    // The log is folded back in only once it is large: rows that leave the inbox before that
    // are written once only.
    let log = gauge.log_bytes();
    let pages = log / 8192;
    connection
        .execute_batch(&format!("PRAGMA wal_autocheckpoint = {pages}; PRAGMA journal_size_limit = {log};"))
        .map_err(explain)?;
    match agenda::fill(&mut connection) {
        // As far as it can be read it is used; the look at all of it says what is damaged.
        Err(error) if error.sqlite_error_code() == Some(ErrorCode::DatabaseCorrupt) => {
            tracing::error!(%error, "not all incidents of an older version can be found");
        }
        filled => filled.map_err(explain)?,
    }
    let of_audit = audit::take_up(&mut connection);
    Ok(Opened { path, connection, lock, before, of_audit })
}

/// Open a journal to read it.
pub(super) fn for_reading(path: &Path) -> Result<Connection, JournalError> {
    let explain = |error| explain(path, "read", error);
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags).map_err(explain)?;
    connection.busy_timeout(BUSY).map_err(explain)?;
    connection.execute_batch("PRAGMA cell_size_check = ON").map_err(explain)?;
    connection.set_prepared_statement_cache_capacity(32);
    Ok(connection)
}

/// Whether a file is a journal that can be read as it is.
pub(super) fn check(path: &Path) -> Result<(), JournalError> {
    if !path.exists() {
        return Err(JournalError::Missing(path.to_owned()));
    }
    let connection = for_reading(path)?;
    check_length(&connection, path)?;
    schema::check(&connection, path)
}

/// A file that is shorter than its own header says was cut off. (While there is a
/// write-ahead log, the file may rightly be shorter.)
fn check_length(connection: &Connection, path: &Path) -> Result<(), JournalError> {
    let number = |sql: &str| {
        connection
            .query_row(sql, [], |row| row.get::<_, i64>(0))
            .map(i64::unsigned_abs)
            .map_err(|error| explain(path, "read", error))
    };
    let size = |path: &Path| fs::metadata(path).map_or(0, |metadata| metadata.len());
    if size(&wal::beside(path)) > 0 {
        return Ok(());
    }
    let expected = number("PRAGMA page_count")?.saturating_mul(number("PRAGMA page_size")?);
    let found = size(path);
    if found < expected {
        return Err(damaged(path, &format!("{found} bytes of {expected} are there")));
    }
    Ok(())
}

fn lock(folder: &Path, journal: &Path) -> Result<File, JournalError> {
    let path = folder.join("journal.lock");
    let mut file = private_options().open(&path).map_err(|error| not_writable(&path, error))?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            let mut holder = String::new();
            let _ = file.take(20).read_to_string(&mut holder);
            let pid = Some(holder.trim()).filter(|holder| !holder.is_empty()).map(str::to_owned);
            return Err(JournalError::InUse { path: journal.to_owned(), pid });
        }
        Err(TryLockError::Error(error)) => {
            return Err(JournalError::NotLockable { path, source: Arc::new(error) });
        }
    }
    // For the message above only; the lock itself ends with the process.
    let _ =
        file.set_len(0).and_then(|()| file.rewind()).and_then(|()| write!(file, "{}", std::process::id()));
    Ok(file)
}

fn not_writable(path: &Path, error: std::io::Error) -> JournalError {
    JournalError::NotWritable { path: path.to_owned(), source: Arc::new(error) }
}

fn private_folder(folder: &Path) -> std::io::Result<()> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

fn private_options() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

/// Make the file before SQLite does, for its owner alone; SQLite gives the files
/// beside it the same mode.
fn private_file(path: &Path) -> std::io::Result<()> {
    private_options().open(path).map(drop)
}
