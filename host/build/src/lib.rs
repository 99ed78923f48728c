//! From a policy's sources to a component, in three languages.
//!
//! ```text
//! Cargo.toml     ─► cargo, wasm32-unknown-unknown ─► core module ─┐
//! package.json   ─► tsc, esbuild, componentize-qjs ───────────────┼─► component ─► checked ─► written
//! pyproject.toml ─► componentize-py ──────────────────────────────┘
//! ```
//!
//! What comes out of Rust depends on the sources, the lock file and the compiler, and on nothing
//! else: not on where the folder stands, nor on the environment, nor on who builds. So the
//! digest that an operator sees is one that anybody can arrive at. (One exception: crates
//! outside of the workspace that are referred to by path, which cargo tells apart by it.)
//!
//! In TypeScript and Python the engine is started once for the component, and what it keeps from
//! that has random seeds of its own: the same sources behave alike, and their digests differ.

mod assets;
mod component;
mod environment;
mod error;
mod inspect;
mod javascript;
mod process;
mod progress;
mod project;
mod python;
mod rust;
mod scaffold;

use std::fs::{self, Permissions};
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

pub use environment::cache_dir;
pub use error::BuildError;
pub use inspect::{InspectError, Inspection, inspect};
pub use progress::{Progress, Silent};
pub use project::{Language, Project};
pub use rust::{Coverage, FileCoverage, Instrumented, Share, TARGET};
pub use scaffold::{ScaffoldError, Scaffolded, Template, scaffold};

/// The namespace of the imports that a policy may have.
pub(crate) const PACKAGE: &str = "suture:policy/";

/// What the SDKs are called, as packages.
pub(crate) const SDK: &str = "suture-policy";

/// A component that was built.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Built {
    /// Where it is.
    pub path: PathBuf,
    /// The package's name.
    pub name: String,
    /// `sha256:…` of the file.
    pub digest: String,
    /// Its size.
    pub bytes: u64,
    /// The size of the core modules inside.
    pub core_bytes: u64,
}

/// Build the policy in a folder, or that a single file is, and write it to `out`, or else to
/// where [`Project::component`] says. Blocks until it is done: seconds, minutes the first time.
///
/// # Errors
/// Why there is no component; nothing was written then.
pub fn build(path: &Path, out: Option<&Path>, progress: &dyn Progress) -> Result<Built, BuildError> {
    let project = Project::at(path)?;
    let (component, place, name) = match project.language {
        Language::Rust => {
            let compiled = rust::build(&project.dir, progress)?;
            (compiled.component, compiled.place, compiled.name)
        }
        Language::JavaScript => (javascript::build(&project, progress)?, project.component(), project.name),
        Language::Python => (python::build(&project, progress)?, project.component(), project.name),
    };
    let found = component::check(&component)?;
    let path = out.map_or(place, Path::to_owned);
    write(&path, &component).map_err(|source| BuildError::Io { path: path.clone(), source })?;
    Ok(Built {
        path,
        name,
        digest: found.digest,
        bytes: found.size,
        core_bytes: found.core_modules.iter().sum(),
    })
}

/// Either the whole file, or the one that was there before.
fn write(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let dir = match path.parent() {
        Some(dir) if dir != Path::new("") => dir,
        _ => Path::new("."),
    };
    fs::create_dir_all(dir)?;
    // What `File::create` would give it, which the umask then narrows.
    let ordinary = Permissions::from_mode(0o666);
    let mut file = tempfile::Builder::new().permissions(ordinary).tempfile_in(dir)?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    file.persist(path)?;
    Ok(())
}

#[cfg(test)]
mod tests;
