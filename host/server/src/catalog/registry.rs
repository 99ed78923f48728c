//! Modules in registries.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;

use parking_lot::Mutex;
use serde_saphyr::Location;
use suture_core::Digest;
use suture_core::RealClock;
use suture_engine::Policy;
use suture_registry::{Client, ClientOptions, OciSource, PublicKey};
use suture_runtime::{MAX_COMPONENT_BYTES, PolicyModule};

use super::loader::Loader;
use super::module::Module;
use crate::config::Loaded;
use crate::transport::{Finding, Matter};

/// Pulls modules, and remembers what it pulled: a tag that has not moved is not pulled again.
#[derive(Default)]
pub(crate) struct Registry {
    /// By policy.
    pulled: Mutex<HashMap<String, Known>>,
}

/// What was pulled last.
#[derive(Clone)]
struct Known {
    source: OciSource,
    key: Option<String>,
    manifest: Digest,
    program: Arc<PolicyModule>,
    bytes: Arc<[u8]>,
}

impl Registry {
    /// The module that a source stands for now.
    ///
    /// # Errors
    /// Why it can't be had, or must not be loaded.
    pub async fn find(
        &self,
        loaded: &Loaded,
        source: &OciSource,
        policy: &str,
        current: Option<&Policy>,
        loader: &Loader,
    ) -> Result<Module, String> {
        // Read anew each time: credentials and keys are rotated.
        let key = key(loaded, source)?;
        let fingerprint = key.as_ref().map(PublicKey::fingerprint);
        let client = client(loaded, source)?;
        let known = self.pulled.lock().get(policy).cloned();
        if let Some(known) = known
            && known.source == *source
            && known.key == fingerprint
            && client.resolve(&source.reference).await.map_err(|error| error.to_string())? == known.manifest
        {
            return Ok(known.module());
        }
        let pulled = client.pull(&source.reference, MAX_COMPONENT_BYTES, key.as_ref()).await;
        let pulled = pulled.map_err(|error| error.to_string())?;
        let named =
            |error: suture_runtime::LoadError| format!("{}: {error}", source.reference.at(pulled.manifest));
        let program = loader.load(&pulled.bytes).await.map_err(named)?;
        let was = current.and_then(Policy::digest).unwrap_or("none");
        tracing::info!(policy, reference = %source.reference, manifest = %pulled.manifest, digest = %pulled.digest, was, "pulled");
        let known = Known {
            source: source.clone(),
            key: fingerprint,
            manifest: pulled.manifest,
            program,
            bytes: pulled.bytes.into(),
        };
        let module = known.clone().module();
        self.pulled.lock().insert(policy.to_owned(), known);
        Ok(module)
    }
}

impl Known {
    fn module(self) -> Module {
        let reference = self.source.reference.at(self.manifest);
        Module { program: self.program, bytes: self.bytes, source: format!("oci:{reference}"), key: self.key }
    }
}

/// What is wrong with the files that a source names, as far as it can be told offline.
pub(crate) fn offline(loaded: &Loaded, source: &OciSource, at: Location) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut note = |file: &Option<PathBuf>, error: Option<String>| {
        let (Some(file), Some(error)) = (file, error) else { return };
        let is_missing = std::fs::File::open(loaded.path(file)).is_err();
        let matter = if is_missing { Matter::Missing } else { Matter::Wrong };
        findings.push(Finding { matter, error: loaded.error(at, error) });
    };
    note(&source.key, key(loaded, source).err());
    let credentials = client(loaded, source)
        .and_then(|client| client.check_credentials(&source.reference).map_err(|error| error.to_string()));
    note(&source.credentials, credentials.err());
    findings
}

fn client(loaded: &Loaded, source: &OciSource) -> Result<Client, String> {
    let options = ClientOptions {
        credentials: source.credentials.as_ref().map(|file| loaded.path(file)),
        ..ClientOptions::of(source, Arc::new(RealClock))
    };
    Client::new(options).map_err(|error| error.to_string())
}

/// The key that a source's modules must be signed with.
///
/// # Errors
/// Why it can't be used. Then nothing is loaded.
pub(super) fn key(loaded: &Loaded, source: &OciSource) -> Result<Option<PublicKey>, String> {
    let file = source.key.as_ref().map(|file| loaded.path(file));
    file.map(|file| PublicKey::load(&file)).transpose().map_err(|error| error.to_string())
}
