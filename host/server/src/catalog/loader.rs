//! From the bytes of a component to code that can run.

use std::collections::HashMap;
use std::sync::{Arc, Weak};

use parking_lot::Mutex;
use sha2::{Digest, Sha256};
use suture_runtime::{LoadError, ModuleCache, PolicyModule, Runtime};

/// Loads components. Of the same bytes there is one module, however many policies have it.
pub(crate) struct Loader {
    runtime: Runtime,
    cache: Option<ModuleCache>,
    loaded: Mutex<HashMap<[u8; 32], Weak<PolicyModule>>>,
}

impl Loader {
    pub fn new(runtime: Runtime, cache: Option<ModuleCache>) -> Self {
        Self { runtime, cache, loaded: Mutex::default() }
    }

    /// Compile a component, or take it from where it was compiled before; check it, and ask it
    /// for its manifest.
    ///
    /// # Errors
    /// Why it is no policy.
    pub async fn load(&self, bytes: &[u8]) -> Result<Arc<PolicyModule>, LoadError> {
        let digest: [u8; 32] = Sha256::digest(bytes).into();
        if let Some(module) = self.loaded.lock().get(&digest).and_then(Weak::upgrade) {
            return Ok(module);
        }
        let module = Arc::new(self.runtime.load(bytes, self.cache.as_ref()).await?);
        let mut loaded = self.loaded.lock();
        loaded.retain(|_, module| module.strong_count() > 0);
        loaded.insert(digest, Arc::downgrade(&module));
        Ok(module)
    }
}
