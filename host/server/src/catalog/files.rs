//! Modules in files and folders.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use suture_core::Program;
use suture_core::names::shortened;
use suture_runtime::{MAX_COMPONENT_BYTES, PolicyModule};
use tokio::fs;
use tokio::io::AsyncReadExt;

use super::loader::Loader;
use super::module::Module;

/// The most components that a folder may hold.
const MAX_FILES: usize = 256;

/// The module in a file.
///
/// # Errors
/// Why there is none.
pub(crate) async fn in_file(file: &Path, loader: &Loader) -> Result<Module, String> {
    let (program, bytes) = load(file, loader).await?;
    Ok(Module { program, bytes, source: format!("file:{}", file.display()), key: None })
}

/// The module in a folder whose manifest has a name. All components of the folder are looked at:
/// which file it stands in does not matter, but two of one name are none.
///
/// # Errors
/// Why there is none.
pub(crate) async fn in_folder(folder: &Path, name: &str, loader: &Loader) -> Result<Module, String> {
    let (mut found, mut others, mut broken) = (Vec::new(), Vec::new(), Vec::new());
    for file in components(folder).await? {
        match load(&file, loader).await {
            Ok((program, bytes)) if program.manifest().name == name => found.push((file, program, bytes)),
            Ok((program, _)) => others.push(program.manifest().name.clone()),
            Err(error) => broken.push(error),
        }
    }
    if found.len() > 1 {
        let files: Vec<_> = found.iter().map(|(file, ..)| file.display().to_string()).collect();
        return Err(format!(
            "{}: {} modules name themselves `{name}`, and none is taken: {}; leave one of them there",
            folder.display(),
            files.len(),
            files.join(", ")
        ));
    }
    for error in &broken {
        tracing::debug!(folder = %folder.display(), error, "a component in a folder of policies can't be loaded");
    }
    match found.pop() {
        Some((file, program, bytes)) => {
            Ok(Module { program, bytes, source: format!("folder:{}", file.display()), key: None })
        }
        None => Err(nothing(folder, name, &others, &broken)),
    }
}

fn nothing(folder: &Path, name: &str, others: &[String], broken: &[String]) -> String {
    let mut why = format!("{}: there is no module that names itself `{name}`", folder.display());
    if !others.is_empty() {
        why += &format!("; there are {}", shortened(&others.join(", ")));
    }
    if !broken.is_empty() {
        why += &format!("; and of these it is not known: {}", broken.join("; "));
    }
    why
}

/// The components of a folder, in order of their names. What begins with a dot is none: an
/// editor's file, or the folders behind a ConfigMap's links.
async fn components(folder: &Path) -> Result<Vec<PathBuf>, String> {
    let named = |error: std::io::Error| format!("{}: {error}", folder.display());
    let mut entries = fs::read_dir(folder).await.map_err(named)?;
    let mut files = Vec::new();
    while let Some(entry) = entries.next_entry().await.map_err(named)? {
        let file = entry.path();
        let is_hidden = entry.file_name().to_string_lossy().starts_with('.');
        if !is_hidden && file.extension().is_some_and(|extension| extension == "wasm") {
            files.push(file);
        }
        if files.len() > MAX_FILES {
            return Err(format!("{}: more than {MAX_FILES} components", folder.display()));
        }
    }
    files.sort();
    Ok(files)
}

async fn load(file: &Path, loader: &Loader) -> Result<(Arc<PolicyModule>, Arc<[u8]>), String> {
    let named = |error: &dyn std::fmt::Display| format!("{}: {error}", file.display());
    let bytes = read(file).await.map_err(|error| named(&error))?;
    let module = loader.load(&bytes).await.map_err(|error| named(&error))?;
    Ok((module, bytes.into()))
}

/// All of a file, where it is not larger than a component may be.
async fn read(file: &Path) -> Result<Vec<u8>, String> {
    // Looked at before it is opened: a pipe would wait for somebody who writes.
    let metadata = fs::metadata(file).await.map_err(|error| error.to_string())?;
    if !metadata.is_file() {
        return Err("this is not a file".to_owned());
    }
    let opened = fs::File::open(file).await.map_err(|error| error.to_string())?;
    let most = MAX_COMPONENT_BYTES as u64;
    let mut bytes = Vec::new();
    // Whatever its length said before: it may grow meanwhile.
    opened.take(most + 1).read_to_end(&mut bytes).await.map_err(|error| error.to_string())?;
    if bytes.len() as u64 > most {
        return Err(format!("it has more than {most} bytes, too many for a component"));
    }
    Ok(bytes)
}
