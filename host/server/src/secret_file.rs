//! Files that hold one secret: a token, or a password.

use std::fmt;
use std::io::ErrorKind;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::PathBuf;

use suture_core::file;

/// The largest secret, in bytes.
const MAX_BYTES: u64 = 4096;

/// A file that holds one secret.
pub(crate) struct SecretFile {
    /// What it holds: `token`, `password`.
    pub what: &'static str,
    pub path: PathBuf,
}

/// What a file has another of once it is exchanged: also where a link leads elsewhere, to a
/// file that is just as old.
pub(crate) type Stamp = (i64, i64, u64, u64, u64);

/// Why a file is of no use.
#[derive(Debug)]
pub(crate) struct FileError {
    /// It can't be read at all: maybe it is elsewhere.
    pub is_missing: bool,
    /// Names the file.
    pub message: String,
}

impl SecretFile {
    /// What it holds, without the blanks that `trim` takes away.
    ///
    /// # Errors
    /// Why it holds no secret.
    pub fn read(&self, trim: impl Fn(&str) -> &str) -> Result<String, FileError> {
        let text = file::read_text(&self.path, MAX_BYTES).map_err(|error| {
            let is_missing = !matches!(error.kind(), ErrorKind::FileTooLarge | ErrorKind::InvalidData);
            self.error(&error, is_missing)
        })?;
        let secret = trim(&text);
        if secret.is_empty() {
            return Err(self.error(&"it is empty", false));
        }
        Ok(secret.to_owned())
    }

    /// Which file it is now; none where it is not there.
    pub fn stamp(&self) -> Option<Stamp> {
        let metadata = std::fs::metadata(&self.path).ok()?;
        Some((metadata.mtime(), metadata.mtime_nsec(), metadata.len(), metadata.ino(), metadata.dev()))
    }

    /// A warning, where everybody on the machine can read it.
    pub fn open_to_others(&self) -> Option<String> {
        let mode = std::fs::metadata(&self.path).ok()?.permissions().mode() & 0o777;
        (mode & 0o007 != 0).then(|| {
            format!(
                "the {} file {} (mode {mode:03o}) is open to everybody; `chmod 640` it, or set \
                 `defaultMode: 0440` on the volume",
                self.what,
                self.path.display()
            )
        })
    }

    fn error(&self, why: &dyn fmt::Display, is_missing: bool) -> FileError {
        let message = format!("the {} file {}: {why}", self.what, self.path.display());
        FileError { is_missing, message }
    }
}
