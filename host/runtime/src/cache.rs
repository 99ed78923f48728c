//! Compiled components on disk.
//!
//! A compiled component is machine code that wasmtime maps and runs: a file with one
//! flipped bit is accepted and does whatever it then does. So nothing is handed to
//! wasmtime that this host, or another of the same user, has not written as it stands:
//!
//! - the folder belongs to the host's user and nobody else can write in it. That is the
//!   root of trust; whoever can write there can also write to the host's memory.
//! - a file begins with a SHA-256 of what it is for (component and engine) and of all that
//!   follows, checked on the very bytes that are then given to wasmtime. That finds
//!   damage, and files that were renamed; it needs no secret, because of the first point.
//!
//! What a [compiler](crate::Compiler) hands over is trusted as far as that: it is this very
//! program, of the same user, and its output is hashed as it is received.
//!
//! Whatever is wrong with a file, the component is compiled again and the file replaced.

use std::fs::{self, DirBuilder, File};
use std::hash::{Hash, Hasher};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};
use wasmtime::Engine;
use wasmtime::component::Component;

use suture_core::digest::hex;

use crate::failures::Failures;

/// Written first; changes with the layout of the file.
const MAGIC: &[u8; 16] = b"suture-module-1\n";
const HEADER: usize = MAGIC.len() + 32;

/// Files kept. A module that is worked on leaves one with each build.
const MAX_FILES: usize = 64;

/// A folder of compiled components.
#[derive(Clone, Debug)]
pub struct ModuleCache {
    dir: PathBuf,
    keeps_failures: bool,
}

/// Why a folder can't hold compiled components.
#[derive(Debug, thiserror::Error)]
pub enum CacheError {
    /// It could not be made or looked at.
    #[error("the module cache `{}`: {source}", dir.display())]
    Io {
        /// The folder.
        dir: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// It is a file.
    #[error("the module cache `{}` is not a folder", dir.display())]
    NotAFolder {
        /// The path.
        dir: PathBuf,
    },
    /// Another user owns it.
    #[error(
        "the module cache `{}` belongs to user {owner}, not to this one ({user}): compiled code in it \
         can't be trusted; choose another folder",
        dir.display()
    )]
    ForeignOwner {
        /// The folder.
        dir: PathBuf,
        /// Its owner's id.
        owner: u32,
        /// The host's own user id.
        user: u32,
    },
    /// Others can write in it.
    #[error(
        "the module cache `{}` can be written by others (mode {mode:04o}): compiled code in it can't be \
         trusted; empty it and run `chmod 700` on it, or choose another folder",
        dir.display()
    )]
    Writable {
        /// The folder.
        dir: PathBuf,
        /// Its permissions.
        mode: u32,
    },
}

impl ModuleCache {
    /// Open a folder, and make it where it is missing.
    ///
    /// # Errors
    /// Where it can't be made, or somebody else could have written in it.
    pub fn open(dir: impl Into<PathBuf>) -> Result<Self, CacheError> {
        let dir = dir.into();
        let io = |source| CacheError::Io { dir: dir.clone(), source };
        if let Some(parent) = dir.parent() {
            // The storage of a host, where it is the first to stand there.
            DirBuilder::new().recursive(true).mode(0o700).create(parent).map_err(io)?;
        }
        match DirBuilder::new().mode(0o700).create(&dir) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(io(error)),
            _ => {}
        }
        // From here on the folder itself, whatever a link on the way is changed to.
        let dir = fs::canonicalize(&dir).map_err(io)?;
        let found = fs::metadata(&dir).map_err(|source| CacheError::Io { dir: dir.clone(), source })?;
        let (owner, user, mode) = (found.uid(), rustix::process::geteuid().as_raw(), found.mode() & 0o7777);
        if !found.is_dir() {
            Err(CacheError::NotAFolder { dir })
        } else if owner != user {
            Err(CacheError::ForeignOwner { dir, owner, user })
        } else if mode & 0o022 != 0 {
            Err(CacheError::Writable { dir, mode })
        } else {
            Ok(Self { dir, keeps_failures: true })
        }
    }

    /// The same folder, for somebody who waits for the result: what could not be compiled is tried
    /// again each time. Whether a compiler runs out of time or memory depends on what else the
    /// machine is doing.
    #[must_use]
    pub fn without_failures(self) -> Self {
        Self { keeps_failures: false, ..self }
    }

    /// Where it is.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// The place of a component for an engine.
    pub(crate) fn entry(&self, engine: &Engine, digest: &[u8; 32]) -> Entry<'_> {
        let engine = engine_hash(engine);
        let path = self.dir.join(format!("{}-{}.module", hex(digest), hex(&engine[..8])));
        Entry { cache: self, path, engine, digest: *digest }
    }

    /// Remove the files of a kind that were written longest ago, beyond a number.
    pub(crate) fn prune(&self, kind: &str, kept: usize) -> io::Result<()> {
        let mut files = Vec::new();
        for file in fs::read_dir(&self.dir)? {
            let file = file?;
            if file.path().extension().is_some_and(|extension| extension == kind) {
                files.push((file.metadata()?.modified()?, file.path()));
            }
        }
        files.sort();
        for (_, path) in files.iter().take(files.len().saturating_sub(kept)) {
            fs::remove_file(path)?;
        }
        Ok(())
    }

    /// What is known of a component that could not be compiled for an engine; none where that is
    /// not kept.
    pub(crate) fn failures(&self, engine: &Engine, digest: &[u8; 32]) -> Option<Failures<'_>> {
        let engine = engine_hash(engine);
        let path = self.dir.join(format!("{}-{}.failed", hex(digest), hex(&engine[..8])));
        self.keeps_failures.then(|| Failures::new(self, path))
    }
}

/// What tells engines apart whose compiled code is not interchangeable: wasmtime's
/// version, its settings, the processor's features.
pub(crate) fn engine_hash(engine: &Engine) -> [u8; 32] {
    struct Stable(Sha256);
    impl Hasher for Stable {
        fn write(&mut self, bytes: &[u8]) {
            self.0.update(bytes);
        }
        fn finish(&self) -> u64 {
            0
        }
    }
    let mut hasher = Stable(Sha256::new());
    engine.precompile_compatibility_hash().hash(&mut hasher);
    hasher.0.finalize().into()
}

/// One component's place in the cache.
pub(crate) struct Entry<'a> {
    cache: &'a ModuleCache,
    path: PathBuf,
    engine: [u8; 32],
    digest: [u8; 32],
}

impl Entry<'_> {
    /// The compiled component, where there is one that can be trusted.
    pub(crate) fn get(&self, engine: &Engine) -> Option<Component> {
        let file = match fs::read(&self.path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return None,
            Err(error) => return self.distrust(&error.to_string()),
        };
        let Some(code) = self.verified(&file) else {
            return self.distrust("its hash does not match its contents");
        };
        // SAFETY: `deserialize` trusts its input to be what `serialize` made. These very
        // bytes carry the hash that `put` wrote with them, for this component and this
        // engine, and only this user can write in the folder they were read from.
        #[expect(unsafe_code, reason = "the one way to load compiled code; see above")]
        let component = unsafe { Component::deserialize(engine, code) };
        match component {
            Ok(component) => Some(component),
            Err(error) => self.distrust(&format!("{error:#}")),
        }
    }

    fn distrust(&self, why: &str) -> Option<Component> {
        tracing::warn!(file = %self.path.display(), why, "a cached module is not used; it is compiled again");
        None
    }

    fn hash(&self, code: &[u8]) -> [u8; 32] {
        let mut hash = Sha256::new();
        for part in [&self.digest, &self.engine, code] {
            hash.update(part);
        }
        hash.finalize().into()
    }

    fn verified<'f>(&self, file: &'f [u8]) -> Option<&'f [u8]> {
        let (header, code) = file.split_at_checked(HEADER)?;
        let hash = header.strip_prefix(MAGIC)?;
        (hash == self.hash(code)).then_some(code)
    }

    /// Keep a compiled component. That it could not be kept is only worth a warning.
    pub(crate) fn put(&self, code: &[u8]) {
        if let Err(error) = self.write(code) {
            tracing::warn!(file = %self.path.display(), %error, "a compiled module could not be kept");
        }
    }

    fn write(&self, code: &[u8]) -> io::Result<()> {
        let mut file = tempfile::NamedTempFile::new_in(&self.cache.dir)?;
        file.write_all(MAGIC)?;
        file.write_all(&self.hash(code))?;
        file.write_all(code)?;
        // No sync: a file that a crash leaves half written does not match its hash.
        let _: File = file.persist(&self.path)?;
        self.cache.prune("module", MAX_FILES)
    }
}
