//! A module as it was found at its source.

use std::fmt;
use std::sync::Arc;

use suture_core::Program;

/// A module that was found, compiled and checked.
#[derive(Clone)]
pub(crate) struct Module {
    /// Its code.
    pub program: Arc<dyn Program>,
    /// The component, as it was found.
    pub bytes: Arc<[u8]>,
    /// Where: `file:/policies/volsync.wasm`.
    pub source: String,
    /// The fingerprint of the public key that its signature was verified with, where one was.
    pub key: Option<String>,
}

impl Module {
    pub fn digest(&self) -> &str {
        self.program.digest()
    }
}

impl fmt::Debug for Module {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Module")
            .field("digest", &self.digest())
            .field("source", &self.source)
            .finish_non_exhaustive()
    }
}
