//! The files that come with the program: what an author needs stands in the binary, so that nothing
//! has to be published or fetched for it.

use std::borrow::Cow;
use std::fs;
use std::io;
use std::path::Path;

use rust_embed::RustEmbed;

/// The contract.
#[derive(RustEmbed)]
#[folder = "../../wit"]
#[exclude = "0.1.0/*"]
pub(crate) struct Contract;

/// The SDK for Rust.
#[derive(RustEmbed)]
#[folder = "../../policies/sdk"]
#[include = "src/*"]
#[include = "Cargo.toml"]
pub(crate) struct RustSdk;

/// The SDK for TypeScript and JavaScript.
#[derive(RustEmbed)]
#[folder = "../../policies/sdk-typescript"]
#[exclude = "node_modules/*"]
#[exclude = "test/*"]
pub(crate) struct TypeScriptSdk;

/// The SDK for Python.
#[derive(RustEmbed)]
#[folder = "../../policies/sdk-python"]
#[exclude = "tests/*"]
#[exclude = "*.pyc"]
pub(crate) struct PythonSdk;

/// A folder a language: what its builds are done with, pinned.
#[derive(RustEmbed)]
#[folder = "environments"]
pub(crate) struct Environments;

/// A folder a language: what `suture new` makes.
#[derive(RustEmbed)]
#[folder = "templates"]
pub(crate) struct Templates;

/// A file: its path, with `/`, and its bytes.
pub(crate) type Asset = (String, Cow<'static, [u8]>);

/// All files of a folder, or of one in it, by name.
pub(crate) fn files<F: RustEmbed>(folder: &str) -> Vec<Asset> {
    let prefix = if folder.is_empty() { String::new() } else { format!("{folder}/") };
    let named = F::iter().filter_map(|path| {
        let name = path.strip_prefix(prefix.as_str())?.to_owned();
        Some((name, F::get(&path)?.data))
    });
    let mut files: Vec<_> = named.collect();
    files.sort();
    files
}

/// Write files into a folder, which is made.
///
/// # Errors
/// What the system says.
pub(crate) fn write(files: &[Asset], folder: &Path) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    for (name, bytes) in files {
        let path = folder.join(name);
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent)?;
        }
        fs::write(path, bytes)?;
    }
    Ok(())
}
