//! Components that could not be compiled, remembered beside the cache.
//!
//! A file each, by the component's digest and the engine: what was tried with (this host's
//! version and limits), and what came of it. With another version or other limits it is tried
//! again; so it is when the file is removed.

use std::fs;
use std::io::{self, Read, Write};
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use suture_core::contract::text::cut;

use crate::cache::ModuleCache;

/// Files kept.
const MAX_FILES: usize = 256;
/// The largest file that is read, and the longest reason in it, in bytes.
const MAX_FILE: u64 = 64 << 10;
const MAX_REASON: usize = 4096;

/// What is known of one component.
pub(crate) struct Failures<'a> {
    cache: &'a ModuleCache,
    path: PathBuf,
}

/// As it is written.
#[derive(Serialize, Deserialize)]
struct Failure {
    /// The version and the limits that it was tried with.
    tried: String,
    why: String,
}

impl<'a> Failures<'a> {
    pub(crate) fn new(cache: &'a ModuleCache, path: PathBuf) -> Self {
        Self { cache, path }
    }

    /// Why it could not be compiled with this version and these limits, and where that is
    /// written; none where that is not known.
    pub(crate) fn get(&self, tried: &str) -> Option<(String, PathBuf)> {
        let mut text = String::new();
        fs::File::open(&self.path).ok()?.take(MAX_FILE).read_to_string(&mut text).ok()?;
        let failure: Failure = serde_json::from_str(&text).ok()?;
        (failure.tried == tried).then(|| (failure.why, self.path.clone()))
    }

    /// Remember it. That it can't be written down is only worth a warning.
    pub(crate) fn put(&self, tried: &str, why: &str) {
        let failure = Failure { tried: tried.to_owned(), why: cut(why.to_owned(), MAX_REASON) };
        if let Err(error) = self.write(&failure) {
            tracing::warn!(file = %self.path.display(), %error, "a module that failed could not be remembered");
        }
    }

    fn write(&self, failure: &Failure) -> io::Result<()> {
        let mut file = tempfile::NamedTempFile::new_in(self.cache.dir())?;
        file.write_all(&serde_json::to_vec(failure)?)?;
        file.persist(&self.path)?;
        self.cache.prune("failed", MAX_FILES)
    }
}
