//! Where a host's modules come from, and how a newer one takes the place of an older one.
//!
//! A policy's source is a file, a folder, or a reference to a registry. A [`Catalog`] looks at
//! it ([`consider`](Catalog::consider)): the module is compiled and checked, the settings are
//! held against its schema, and where the configuration says so it is asked again for the runs
//! on record. The [`Keeper`] does so whenever a source or the configuration changes, and puts
//! what came of it to work, at once and for all that begins from then on. Whatever is wrong
//! with a newer module, the last good one goes on.

mod changes;
mod consider;
mod files;
mod keeper;
mod kept;
mod loader;
mod module;
mod registry;
mod stamp;
pub(crate) mod watch;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures::future::try_join_all;
use suture_core::{Clock, Program, RealClock, names};
use suture_engine::{KeptModules, Metrics, Policy};
use suture_runtime::{Compiler, ModuleCache, Runtime, RuntimeError};

pub(crate) use consider::{Considered, Subject};
pub(crate) use keeper::{AcceptError, Beginning, ConfigStatus, Handle, Keeper, Keeping, OnReload};
pub(crate) use loader::Loader;

use crate::config::{ConfigError, Loaded, PolicyEntry, Source};
use kept::{Kept, Slot};
use module::Module;
use registry::Registry;
pub(crate) use registry::offline;
use stamp::Stamp;

/// How long whoever writes a file may take between two writes, before a file that is no module
/// counts as one that will stay so.
const STILL_WRITING: Duration = Duration::from_millis(250);
/// How often a file that goes on changing is read again.
const READINGS: usize = 20;

/// The folder of modules in a host's storage.
const MODULES: &str = "modules";

/// Where a host keeps a module of a policy that it has put to work, in its storage; none where
/// the digest is none. It may be gone by now.
pub fn kept_module(storage: &Path, policy: &str, digest: &str) -> Option<PathBuf> {
    names::dns_label(policy).ok()?;
    Kept::inside(&storage.join(MODULES)).file(policy, digest)
}

/// Looks at policies' sources, and remembers what was put to work.
pub(crate) struct Catalog {
    loader: Loader,
    kept: Kept,
    registry: Registry,
    clock: Arc<dyn Clock>,
    metrics: Metrics,
}

impl Catalog {
    /// Make a catalog whose files stand in a host's storage.
    ///
    /// # Errors
    /// Where no policy can be run on this machine.
    pub fn open(
        storage: &Path,
        compiler: Compiler,
        clock: Arc<dyn Clock>,
        metrics: Metrics,
    ) -> Result<Self, RuntimeError> {
        let modules = storage.join(MODULES);
        let cache = ModuleCache::open(&modules)
            .inspect_err(|error| tracing::warn!(%error, "modules are compiled at every start"))
            .ok();
        Ok(Self {
            loader: Loader::new(Runtime::new(compiler)?, cache),
            kept: Kept::inside(&modules),
            registry: Registry::default(),
            clock,
            metrics,
        })
    }

    /// Look at all policies of a configuration.
    ///
    /// # Errors
    /// What is wrong with more than one policy.
    pub async fn consider_all(&self, loaded: &Loaded) -> Result<Vec<Considered>, ConfigError> {
        let subject = |entry| self.consider(Subject { loaded, entry, current: None, journal: None });
        try_join_all(loaded.config.policies.iter().map(|entry| subject(&entry.value))).await
    }

    /// What a policy's source holds.
    async fn find(&self, subject: Subject<'_>) -> Result<Module, String> {
        let Subject { loaded, entry, current, .. } = subject;
        let name = entry.name.value.as_str();
        let started = RealClock.now();
        let found = match &entry.source.value {
            Source::File(_) | Source::Folder(_) => self.settled(loaded, entry).await,
            Source::Oci(source) => self.registry.find(loaded, source, name, current, &self.loader).await,
        };
        let took = started.duration_until(RealClock.now()).try_into().unwrap_or_default();
        if found.is_ok() {
            self.metrics.module_loaded(name, took);
        }
        found
    }

    /// The module in a file or a folder, once nobody writes there any more.
    async fn settled(&self, loaded: &Loaded, entry: &PolicyEntry) -> Result<Module, String> {
        let real: &dyn Clock = &RealClock;
        let mut reading = 0;
        loop {
            let before = stamp(loaded, entry);
            let found = local(loaded, entry, &self.loader).await;
            reading += 1;
            if found.is_ok() || reading == READINGS {
                return found;
            }
            real.sleep(STILL_WRITING).await;
            if stamp(loaded, entry) == before {
                return found;
            }
        }
    }

    /// The fingerprint of the key that a policy's modules must be signed with.
    fn key_of(&self, subject: Subject<'_>) -> Result<Option<String>, String> {
        match &subject.entry.source.value {
            Source::File(_) | Source::Folder(_) => Ok(None),
            Source::Oci(source) => {
                registry::key(subject.loaded, source).map(|key| key.map(|key| key.fingerprint()))
            }
        }
    }

    async fn kept_program(
        &self,
        policy: &str,
        slot: &Slot,
        digest: &str,
        key: Option<&str>,
    ) -> Option<Arc<dyn Program>> {
        if !slot.vouches(digest, key) {
            tracing::warn!(
                policy,
                digest,
                "a module that was kept is not run: it was not verified with today's key"
            );
            return None;
        }
        let bytes = self.kept.bytes(policy, digest)?;
        let loaded = self.loader.load(&bytes).await;
        let module = loaded.inspect_err(|error| {
            tracing::warn!(policy, digest, %error, "a module that was kept can't be loaded any more");
        });
        Some(module.ok()?)
    }

    /// Where a policy's module comes from, for people.
    fn place(&self, subject: Subject<'_>) -> String {
        let Subject { loaded, entry, .. } = subject;
        match &entry.source.value {
            Source::File(file) => format!("file:{}", loaded.path(file).display()),
            Source::Folder(folder) => format!("folder:{}", loaded.path(folder).display()),
            Source::Oci(source) => format!("oci:{}", source.reference),
        }
    }
}

/// The module in a file or a folder, as it is at this moment. One in a registry is not looked
/// for: that would need the network.
///
/// # Errors
/// Why there is none.
pub(crate) async fn local(loaded: &Loaded, entry: &PolicyEntry, loader: &Loader) -> Result<Module, String> {
    match &entry.source.value {
        Source::File(file) => files::in_file(&loaded.path(file), loader).await,
        Source::Folder(folder) => files::in_folder(&loaded.path(folder), &entry.name.value, loader).await,
        Source::Oci(source) => {
            Err(format!("{}: a module in a registry is not looked at offline", source.reference))
        }
    }
}

/// Whether what stands in a file or a folder is still what it was.
fn stamp(loaded: &Loaded, entry: &PolicyEntry) -> Option<Stamp> {
    match &entry.source.value {
        Source::File(file) => Some(Stamp::of_file(&loaded.path(file))),
        Source::Folder(folder) => Some(Stamp::of_folder(&loaded.path(folder))),
        Source::Oci(_) => None,
    }
}

/// For runs that an earlier host left: the configuration of now says with which key a module
/// must have been verified.
pub(crate) struct KeptByDigest {
    pub catalog: Arc<Catalog>,
    pub loaded: Arc<Loaded>,
}

#[async_trait]
impl KeptModules for KeptByDigest {
    async fn program(&self, policy: &Policy, digest: &str) -> Option<Arc<dyn Program>> {
        let name = &policy.config.name;
        let entry = self.loaded.config.policies.iter().find(|entry| entry.value.name.value == *name)?;
        let subject = Subject { loaded: &self.loaded, entry: &entry.value, current: None, journal: None };
        let key = self.catalog.key_of(subject).ok()?;
        self.catalog.kept_program(name, &self.catalog.kept.slot(name), digest, key.as_deref()).await
    }
}
