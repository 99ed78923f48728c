//! From bytes to a policy, or a reason why not.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use sha2::{Digest, Sha256};
use suture_core::digest::hex;
use suture_core::{Bytes, ContractVersion, Halt, HumanDuration, LimitExceeded, Limits, Manifest};
use wasmtime::Engine;
use wasmtime::component::Component;

use crate::cache::ModuleCache;
use crate::cap::{MAX_MEMORIES, MAX_TABLE_ELEMENTS, MAX_TABLES};
use crate::compiler::{CompileError, Job};
use crate::contract::{Contract, check_nesting};
use crate::engine::{Runtime, Shared, weight};
use crate::instance::{Calls, store};
use crate::meter::Meter;
use crate::module::PolicyModule;
use crate::parts::{self, TooMany};
use crate::stop::Stop;
use crate::trap::describe;

/// The largest component that is loaded. Python's are 18 MB.
pub const MAX_COMPONENT_BYTES: usize = 64 << 20;

/// What a component may begin with, and its `manifest` may use. More than a run's own
/// defaults: an interpreter starts up here.
const MANIFEST_MEMORY: Bytes = Bytes(128 << 20);
const MANIFEST_CPU: HumanDuration = HumanDuration::from_secs(1);
/// The largest manifest, in bytes.
const MANIFEST_BYTES: usize = 1 << 20;

const PAGE: u64 = 64 << 10;
const PACKAGE: &str = "suture:policy/";
const INTERFACES: [&str; 5] = ["clock", "kube", "log", "prometheus", "types"];

/// Why bytes are no policy. Says nothing of where they came from: the caller knows.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// Larger than [`MAX_COMPONENT_BYTES`].
    #[error("too large: {bytes} bytes, where a policy has at most {MAX_COMPONENT_BYTES}")]
    TooLarge {
        /// How large it is.
        bytes: usize,
    },
    /// No WebAssembly at all.
    #[error("not WebAssembly: it does not begin with `\\0asm`; a policy is what `suture build` writes")]
    NotWasm,
    /// A core module, which has no typed interface.
    #[error(
        "a core WebAssembly module, not a component: run `suture build` in the policy's folder, \
         or `wasm-tools component new` on the module"
    )]
    CoreModule,
    /// Neither a core module nor a component that is known.
    #[error("a WebAssembly encoding that this host does not know (version {version:#x}, layer {layer:#x})")]
    UnknownEncoding {
        /// The version field of the preamble.
        version: u16,
        /// The layer field of the preamble.
        layer: u16,
    },
    /// More parts of a kind than the host looks at.
    #[error(transparent)]
    Parts(#[from] TooMany),
    /// It could not be compiled within bounds.
    #[error(transparent)]
    Compile(CompileError),
    /// It could not be compiled before, and was not tried again.
    #[error("{why} (as it was before; to have it tried again, remove `{}`)", file.display())]
    FailedBefore {
        /// Why it could not be compiled.
        why: String,
        /// Where that is written down.
        file: PathBuf,
    },
    /// It does not validate or compile, or has more parts than the host allows.
    #[error("not a component that can be run: {0}")]
    Invalid(String),
    /// It imports something that a policy may not have.
    #[error(
        "it imports {}, and a policy may import only {}: it has no files, network, clock or randomness of \
         its own",
        Names(.0),
        Offered
    )]
    ForeignImports(Vec<String>),
    /// It was built for another version of the contract.
    #[error("it imports {}, and this host offers {}: build it against this host's `wit/`", Names(.0), Offered)]
    UnknownInterfaces(Vec<String>),
    /// It was built for several versions of the contract at once.
    #[error("it imports {}: a policy is built for one version of the contract", Names(.0))]
    MixedVersions(Vec<String>),
    /// What it imports has other types than the host's.
    #[error("an import is not as the contract has it: {0}")]
    ImportMismatch(String),
    /// `manifest` or `remediate` is missing or has another type.
    #[error("it does not export what the world `policy` asks for: {0}")]
    Exports(String),
    /// It wants more of something than a policy may have.
    #[error("it needs {wanted} {of}, where a policy has at most {limit}")]
    Resources {
        /// Of what.
        of: &'static str,
        /// How much it wants.
        wanted: String,
        /// How much it may have.
        limit: String,
    },
    /// Its `manifest` trapped, called an import, or used too much.
    #[error("its manifest could not be had: {0}")]
    ManifestTrapped(String),
    /// Its manifest is wrong.
    #[error("its manifest is not valid: {0}")]
    ManifestInvalid(String),
    /// The host could not do its part.
    #[error("internal error while loading: {0}")]
    Internal(String),
}

/// The interfaces that there are, in a sentence.
struct Offered;

impl fmt::Display for Offered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, version) in ContractVersion::ALL.into_iter().enumerate() {
            let or = if index > 0 { " or " } else { "" };
            write!(f, "{or}`{PACKAGE}*@{}`", version.version())?;
        }
        Ok(())
    }
}

/// Names in a sentence: the first few, each in backquotes.
struct Names<'a>(&'a [String]);

impl fmt::Display for Names<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const SHOWN: usize = 8;
        for (index, name) in self.0.iter().take(SHOWN).enumerate() {
            write!(f, "{}`{name}`", if index > 0 { ", " } else { "" })?;
        }
        match self.0.len().checked_sub(SHOWN) {
            Some(more @ 1..) => write!(f, " and {more} more"),
            _ => Ok(()),
        }
    }
}

impl Runtime {
    /// Compile a component (or take it from the cache), check it, and ask it for its
    /// manifest. Compiles off the calling thread; to be called within a tokio runtime.
    ///
    /// A cache that does not work costs time and a warning, never the load.
    ///
    /// # Errors
    /// The first reason why it is no policy.
    pub async fn load(&self, bytes: &[u8], cache: Option<&ModuleCache>) -> Result<PolicyModule, LoadError> {
        check_preamble(bytes)?;
        let digest = Sha256::digest(bytes);
        let component = self.compile(bytes, digest.into(), cache).await?;
        let engine = &self.shared.engine;
        let version = check_imports(engine, &component)?;
        let weight = check_resources(&component)?;
        let linked = self
            .shared
            .linker
            .instantiate_pre(&component)
            .map_err(|error| LoadError::ImportMismatch(format!("{error:#}")))?;
        let contract =
            Contract::new(version, linked).map_err(|error| LoadError::Exports(format!("{error:#}")))?;
        let manifest = manifest(&self.shared, &contract, weight).await?;
        Ok(PolicyModule {
            shared: self.shared.clone(),
            contract,
            manifest: Arc::new(manifest),
            digest: format!("sha256:{}", hex(&digest)).into(),
            weight,
        })
    }

    async fn compile(
        &self,
        bytes: &[u8],
        digest: [u8; 32],
        cache: Option<&ModuleCache>,
    ) -> Result<Component, LoadError> {
        let shared = self.shared.clone();
        if let Some(cache) = cache.cloned() {
            let find = move || Ok(cache.entry(&shared.engine, &digest).get(&shared.engine));
            if let Some(component) = aside(find).await? {
                return Ok(component);
            }
        }
        let names = parts::check(bytes)?;
        sort_imports(names.iter().map(String::as_str))?;
        // Dropped with this future, which ends the compiler.
        let (job, alive) = Job::new();
        let _alive = alive;
        let turn = self.shared.compiling.clone().acquire_owned().await;
        let (shared, cache, bytes) = (self.shared.clone(), cache.cloned(), bytes.to_vec());
        aside(move || {
            let engine = &shared.engine;
            // Whoever was before may have compiled the same.
            let entry = cache.as_ref().map(|cache| cache.entry(engine, &digest));
            if let Some(component) = entry.as_ref().and_then(|entry| entry.get(engine)) {
                return Ok(component);
            }
            let failures = cache.as_ref().and_then(|cache| cache.failures(engine, &digest));
            let key = shared.compiler.key();
            if let Some((why, file)) = failures.as_ref().and_then(|failures| failures.get(&key)) {
                return Err(LoadError::FailedBefore { why, file });
            }
            let compiled = shared.compiler.compile(engine, &bytes, job);
            drop(turn);
            let code = compiled.map_err(|error| {
                if let (true, Some(failures)) = (error.is_lasting(), &failures) {
                    failures.put(&key, &error.to_string());
                }
                match error {
                    CompileError::Invalid(why) => LoadError::Invalid(why),
                    other => LoadError::Compile(other),
                }
            })?;
            if let Some(entry) = &entry {
                entry.put(&code);
            }
            // SAFETY: `deserialize` trusts its input to be what `serialize` made. The compiler
            // is this program, run by this user, and made it of these bytes for an engine
            // with the same settings, which it says first.
            #[expect(unsafe_code, reason = "the one way to load compiled code; see above")]
            let component = unsafe { Component::deserialize(engine, &code) };
            component
                .map_err(|error| LoadError::Internal(format!("compiled code that does not load: {error:#}")))
        })
        .await
    }
}

/// Work that blocks, beside the executor.
async fn aside<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, LoadError> + Send + 'static,
) -> Result<T, LoadError> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|error| LoadError::Internal(format!("the compiler: {error}")))?
}

fn check_preamble(bytes: &[u8]) -> Result<(), LoadError> {
    if bytes.len() > MAX_COMPONENT_BYTES {
        return Err(LoadError::TooLarge { bytes: bytes.len() });
    }
    let Some(([b'\0', b'a', b's', b'm', a, b, c, d], _)) = bytes.split_first_chunk::<8>() else {
        return Err(LoadError::NotWasm);
    };
    match (u16::from_le_bytes([*a, *b]), u16::from_le_bytes([*c, *d])) {
        // The component model's encoding before 1.0.
        (0xd, 1) => Ok(()),
        (_, 0) => Err(LoadError::CoreModule),
        (version, layer) => Err(LoadError::UnknownEncoding { version, layer }),
    }
}

/// By the component's type, as the engine has it: what it is called in the binary does not count.
fn check_imports(engine: &Engine, component: &Component) -> Result<ContractVersion, LoadError> {
    sort_imports(component.component_type().imports(engine).map(|(name, _)| name))
}

/// Refuse names that a policy may not import. The version of the contract that all are of.
fn sort_imports<'a>(names: impl Iterator<Item = &'a str>) -> Result<ContractVersion, LoadError> {
    let (mut foreign, mut unknown, mut known) = (Vec::new(), Vec::new(), Vec::new());
    for name in names {
        match (name.strip_prefix(PACKAGE), version_of(name)) {
            (None, _) => foreign.push(name.to_owned()),
            (Some(_), Some(version)) => known.push((version, name.to_owned())),
            (Some(_), None) => unknown.push(name.to_owned()),
        }
    }
    match (foreign.is_empty(), unknown.is_empty()) {
        (false, _) => return Err(LoadError::ForeignImports(foreign)),
        (true, false) => return Err(LoadError::UnknownInterfaces(unknown)),
        (true, true) => {}
    }
    // Without its types a policy's exports can't be written: they will say what is missing.
    let version = known.first().map_or(ContractVersion::NEWEST, |(version, _)| *version);
    if known.iter().any(|(other, _)| *other != version) {
        return Err(LoadError::MixedVersions(known.into_iter().map(|(_, name)| name).collect()));
    }
    Ok(version)
}

/// The version of one of the contract's interfaces.
fn version_of(import: &str) -> Option<ContractVersion> {
    let (interface, version) = import.strip_prefix(PACKAGE)?.split_once('@')?;
    INTERFACES.contains(&interface).then_some(())?;
    ContractVersion::ALL.into_iter().find(|known| known.version() == version)
}

/// What an instance takes, where that is not too much. (Core instances are counted by the
/// engine when it compiles.)
fn check_resources(component: &Component) -> Result<u32, LoadError> {
    // None only for a component that imports modules, which is refused before.
    let Some(needs) = component.resources_required() else {
        return Err(LoadError::Invalid("it instantiates a module that it imports".to_owned()));
    };
    let check = |of, wanted: u64, limit: u64| {
        if wanted <= limit {
            return Ok(());
        }
        Err(LoadError::Resources { of, wanted: wanted.to_string(), limit: limit.to_string() })
    };
    check("linear memories", needs.num_memories.into(), MAX_MEMORIES.into())?;
    check("tables", needs.num_tables.into(), MAX_TABLES.into())?;
    check("table elements", needs.max_initial_table_size.unwrap_or(0), MAX_TABLE_ELEMENTS as u64)?;
    let memory = Bytes(needs.max_initial_memory_size.unwrap_or(0).saturating_mul(PAGE));
    if memory > MANIFEST_MEMORY {
        let (wanted, limit) = (memory.to_string(), MANIFEST_MEMORY.to_string());
        return Err(LoadError::Resources { of: "of memory to begin with", wanted, limit });
    }
    Ok(weight(needs.num_memories, needs.num_tables))
}

/// Ask the policy what it says of itself.
async fn manifest(shared: &Shared, contract: &Contract, weight: u32) -> Result<Manifest, LoadError> {
    let limits = Limits { memory: MANIFEST_MEMORY, cpu: MANIFEST_CPU, ..Limits::default() };
    let meter = Arc::new(Meter::default());
    let _slot = shared.slot(weight).await;
    let trapped = |error: wasmtime::Error| {
        LoadError::ManifestTrapped(match error.downcast_ref::<Stop>() {
            Some(Stop::Halt(Halt::Limit(LimitExceeded { limit, value }))) => {
                format!("it used more than the {value} of {limit} that a manifest gets")
            }
            _ => describe(&error),
        })
    };
    let asked = async {
        let mut store = store(shared, Calls::Refused, &limits, meter.clone());
        store.set_hostcall_fuel(MANIFEST_BYTES);
        contract.manifest(&mut store).await.map_err(trapped)
    };
    let raw = meter.inside(asked).await?;
    check_nesting("settings-schema", &raw.settings_schema).map_err(LoadError::ManifestInvalid)?;
    raw.check_as(contract.version()).map_err(LoadError::ManifestInvalid)
}
