//! Why the journal can't be opened, written or read.

use std::path::PathBuf;
use std::sync::Arc;

use rusqlite::ErrorCode;

/// Why the journal can't be opened, written or read: a sentence that says what to do.
#[derive(Clone, Debug, thiserror::Error)]
pub enum JournalError {
    /// There is no journal.
    #[error("there is no journal at {}; name the folder that `storage.path` names", .0.display())]
    Missing(PathBuf),
    /// It is a file, but nothing was ever written to it.
    #[error("{} is empty; no host has ever used it", .0.display())]
    Empty(PathBuf),
    /// It is no SQLite database.
    #[error(
        "{} is not a journal (no SQLite database); move it away, or set `storage.path` to another folder",
        .0.display()
    )]
    NotADatabase(PathBuf),
    /// It is a database of another application.
    #[error(
        "{} is a database of another application; move it away, or set `storage.path` to another folder",
        .0.display()
    )]
    OfAnother(PathBuf),
    /// A newer version of suture has written it.
    #[error(
        "the journal at {} was written by a newer version of suture (schema {found}, this one knows {known}); use \
         that version, or move the journal away",
        path.display()
    )]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its schema.
        found: i64,
        /// The newest that this version reads.
        known: i64,
    },
    /// A version of suture has written it that was never released.
    #[error(
        "the journal at {} was written by a version of suture from before its first release (schema {found}, this \
         one reads {oldest} and later); move it away to begin an empty one",
        path.display()
    )]
    TooOld {
        /// The file.
        path: PathBuf,
        /// Its schema.
        found: i64,
        /// The oldest that this version reads.
        oldest: i64,
    },
    /// It is to be read only, and has to be brought up to date first.
    #[error(
        "the journal at {} was written by an older version of suture (schema {found}, this one reads {current}); \
         start the host on it once to bring it up to date",
        path.display()
    )]
    NotUpToDate {
        /// The file.
        path: PathBuf,
        /// Its schema.
        found: i64,
        /// That of this version.
        current: i64,
    },
    /// Another process has it.
    #[error(
        "the journal at {} is in use by another suture process{}; end that one first, or use another folder",
        path.display(),
        pid.as_ref().map(|pid| format!(" (pid {pid})")).unwrap_or_default()
    )]
    InUse {
        /// The file.
        path: PathBuf,
        /// The other process, where it says so.
        pid: Option<String>,
    },
    /// A file or folder can't be made or written.
    #[error(
        "{} can't be written ({source}); set `storage.path` to a folder that the user suture runs as can write",
        path.display()
    )]
    NotWritable {
        /// The file or folder.
        path: PathBuf,
        /// What the operating system says.
        source: Arc<std::io::Error>,
    },
    /// A file can't be read.
    #[error("{} can't be read: {source}", path.display())]
    NotReadable {
        /// The file.
        path: PathBuf,
        /// What the operating system says.
        source: Arc<std::io::Error>,
    },
    /// The file system has no locks.
    #[error("{} can't be locked ({source}); the journal needs a file system with locks", path.display())]
    NotLockable {
        /// The lock's file.
        path: PathBuf,
        /// What the operating system says.
        source: Arc<std::io::Error>,
    },
    /// A thread can't be started.
    #[error("the journal's thread can't be started: {0}")]
    NoThread(#[source] Arc<std::io::Error>),
    /// It was opened to be read only.
    #[error("the journal at {} was opened to be read only", .0.display())]
    ReadOnly(PathBuf),
    /// It is closed.
    #[error("the journal at {} is closed", .0.display())]
    Closed(PathBuf),
    /// Its readers have ended.
    #[error("the journal's readers have ended")]
    NoReaders,
    /// The file is torn or overwritten.
    #[error(
        "the journal at {} is damaged ({what}); restore it from a backup, or move it away to begin an empty one",
        path.display()
    )]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        what: String,
    },
    /// A row is damaged: a sentence that names it.
    #[error("{0}")]
    DamagedRow(String),
    /// Rows are damaged or missing: a sentence for each.
    #[error("{}", .0.join("; "))]
    DamagedRows(Vec<String>),
    /// The disk is full.
    #[error(
        "the disk of the journal at {} is full; make room, and the host goes on ({source})",
        path.display()
    )]
    DiskFull {
        /// The file.
        path: PathBuf,
        /// What SQLite says.
        source: Arc<rusqlite::Error>,
    },
    /// The disk fails.
    #[error("the disk of the journal at {} fails; check the disk ({source})", path.display())]
    DiskFails {
        /// The file.
        path: PathBuf,
        /// What SQLite says.
        source: Arc<rusqlite::Error>,
    },
    /// Another program has it locked.
    #[error(
        "the journal at {} is locked by another program; end it, or let it finish ({source})",
        path.display()
    )]
    Locked {
        /// The file.
        path: PathBuf,
        /// What SQLite says.
        source: Arc<rusqlite::Error>,
    },
    /// The operating system does not allow it.
    #[error(
        "the journal at {} can't be {doing}: let the user that suture runs as read and write its folder ({source})",
        path.display()
    )]
    NotAllowed {
        /// The file.
        path: PathBuf,
        /// `read`, `written`, `opened`.
        doing: &'static str,
        /// What SQLite says.
        source: Arc<rusqlite::Error>,
    },
    /// SQLite refuses it for another reason.
    #[error("the journal at {} can't be {doing}: {source}", path.display())]
    Sqlite {
        /// The file.
        path: PathBuf,
        /// `read`, `written`, `opened`.
        doing: &'static str,
        /// What SQLite says.
        source: Arc<rusqlite::Error>,
    },
    /// Something can't be written as JSON.
    #[error("something can't be journaled as JSON: {0}")]
    NotJson(#[source] Arc<serde_json::Error>),
    /// An entry can't be compressed.
    #[error("an entry can't be compressed: {0}")]
    NotCompressed(#[source] Arc<std::io::Error>),
    /// Changes that nobody waited for could not be written before it was closed.
    #[error("{count} changes of the journal are lost: {}", why.as_ref().map(ToString::to_string).unwrap_or_default())]
    Lost {
        /// How many.
        count: usize,
        /// Why they could not be written.
        why: Option<Box<Self>>,
    },
    /// A list was asked for from a place that no page named: which.
    #[error("{0}")]
    NoSuchPage(String),
    /// A run ended by it, which says why.
    #[error("{0}")]
    OfRun(String),
}

impl JournalError {
    /// Whether the same may succeed later, without a restart: the fault lies with the disk, or with who
    /// else uses it.
    pub fn may_pass(&self) -> bool {
        match self {
            Self::DiskFull { .. }
            | Self::DiskFails { .. }
            | Self::Locked { .. }
            | Self::NotAllowed { .. } => true,
            Self::Sqlite { source, .. } => source.sqlite_error_code() == Some(ErrorCode::OutOfMemory),
            Self::Missing(_)
            | Self::Empty(_)
            | Self::NotADatabase(_)
            | Self::OfAnother(_)
            | Self::Newer { .. }
            | Self::TooOld { .. }
            | Self::NotUpToDate { .. }
            | Self::InUse { .. }
            | Self::NotWritable { .. }
            | Self::NotReadable { .. }
            | Self::NotLockable { .. }
            | Self::NoThread(_)
            | Self::ReadOnly(_)
            | Self::Closed(_)
            | Self::NoReaders
            | Self::Damaged { .. }
            | Self::DamagedRow(_)
            | Self::DamagedRows(_)
            | Self::NotJson(_)
            | Self::NotCompressed(_)
            | Self::Lost { .. }
            | Self::NoSuchPage(_)
            | Self::OfRun(_) => false,
        }
    }

    /// Whether what is on disk is damaged.
    pub fn is_damage(&self) -> bool {
        matches!(
            self,
            Self::Damaged { .. } | Self::NotADatabase(_) | Self::DamagedRow(_) | Self::DamagedRows(_)
        )
    }
}

/// What SQLite and the operating system say can't be compared: two are one that say the same.
impl PartialEq for JournalError {
    fn eq(&self, other: &Self) -> bool {
        self.to_string() == other.to_string()
    }
}

impl Eq for JournalError {}
