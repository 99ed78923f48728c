//! Finding the module of a recorded run by its digest.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use suture_core::{Digest, Program};
use suture_journal::RunRecord;
use suture_server::Config;
use suture_server::config::Source;

use crate::args::ModuleArgs;
use crate::error::CliError;
use crate::policy;

/// The configuration that is looked at where none is named.
pub const DEFAULT_CONFIG: &str = "suture.yaml";
/// The largest component that is looked at: what a module may have.
const MAX_BYTES: u64 = 64 << 20;

/// A module, and where it was found.
pub struct Found {
    pub file: PathBuf,
    pub program: Arc<dyn Program>,
}

/// The module that is named, or that of a run; `config` is the configuration of the host that ran
/// it, `storage` its storage.
///
/// # Errors
/// Where it can't be found, or is no policy.
pub async fn of(
    run: &RunRecord,
    args: &ModuleArgs,
    config: Option<&Path>,
    storage: Option<&Path>,
) -> Result<Found, CliError> {
    let file = match &args.policy {
        Some(file) => file.clone(),
        None => find(run, config, storage)?,
    };
    let program = policy::load_there(&file).await?;
    Ok(Found { file, program })
}

/// The file with the component that a run had.
fn find(run: &RunRecord, config: Option<&Path>, storage: Option<&Path>) -> Result<PathBuf, CliError> {
    let mut files = configured(run, config)?;
    // What a host has put to work it keeps for a while.
    files.extend(storage.and_then(|storage| suture_server::kept_module(storage, &run.policy, &run.digest)));
    files.extend(built());
    let found = files.iter().find(|file| digest(file).is_some_and(|digest| digest == run.digest));
    found.map(|file| policy::shortest(file)).ok_or_else(|| {
        let looked: Vec<_> = files.iter().map(|file| policy::shortest(file).display().to_string()).collect();
        let looked = if looked.is_empty() { "nothing".to_owned() } else { looked.join(", ") };
        CliError::usage(format!(
            "the module of the run is not here: {} of policy `{}` (looked at: {looked})",
            run.digest, run.policy
        ))
        .help("name a component: --policy FILE; or the host's configuration: --config suture.yaml")
    })
}

/// The components of the configuration, those of the run's own policy first.
fn configured(run: &RunRecord, config: Option<&Path>) -> Result<Vec<PathBuf>, CliError> {
    let file = match config {
        Some(file) => file.to_owned(),
        None if Path::new(DEFAULT_CONFIG).exists() => PathBuf::from(DEFAULT_CONFIG),
        None => return Ok(Vec::new()),
    };
    let loaded = match Config::load(&file) {
        Ok(loaded) => loaded,
        // One that nobody named may be for something else.
        Err(_) if config.is_none() => return Ok(Vec::new()),
        Err(errors) => {
            let all: Vec<_> = errors.iter().map(ToString::to_string).collect();
            return Err(CliError::usage(all.join("\n")));
        }
    };
    let mut entries: Vec<_> = loaded.config.policies.iter().map(|entry| &entry.value).collect();
    entries.sort_by_key(|entry| entry.name.value != run.policy);
    let file = |source: &Source| match source {
        Source::File(path) => Some(loaded.path(path)),
        Source::Folder(_) | Source::Oci(_) => None,
    };
    Ok(entries.into_iter().filter_map(|entry| file(&entry.source.value)).collect())
}

/// What `suture build` has left in the workspace around.
fn built() -> Vec<PathBuf> {
    let here = std::env::current_dir().unwrap_or_default();
    let named = std::env::var_os("CARGO_TARGET_DIR").map(PathBuf::from);
    let targets = named.into_iter().chain(here.ancestors().map(|folder| folder.join("target")));
    let folder = targets.map(|target| target.join("policies")).find(|folder| folder.is_dir());
    let entries = folder.and_then(|folder| std::fs::read_dir(folder).ok()).into_iter().flatten().flatten();
    let mut files: Vec<_> = entries.map(|entry| entry.path()).collect();
    files.retain(|file| file.extension().is_some_and(|extension| extension == "wasm"));
    files.sort();
    files
}

/// The digest of a component, as runs are recorded with it; none where it can't be read.
fn digest(file: &Path) -> Option<String> {
    if file.metadata().ok()?.len() > MAX_BYTES {
        return None;
    }
    Some(Digest::of(&std::fs::read(file).ok()?).to_string())
}
