//! From a policy crate's folder to a component.
//!
//! ```text
//! Cargo.toml ─► the package and its `cdylib` ─► a compiler with wasm32-unknown-unknown
//!            ─► cargo build --release ─► core module ─► component ─► checked ─► written
//! ```
//!
//! What comes out depends on the sources, the lock file and the compiler, and on nothing
//! else: not on where the folder stands, nor on the environment, nor on who builds. So the
//! digest that an operator sees is one that anybody can arrive at. (One exception: crates
//! outside of the workspace that are referred to by path, which cargo tells apart by it.)

mod cargo;
mod component;
mod error;
mod inspect;
mod package;
mod progress;
mod target;

use std::fs::{self, Permissions};
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

pub use error::BuildError;
pub use inspect::{InspectError, Inspection, inspect};
pub use progress::{Progress, Silent};

use crate::package::Package;

/// What policies are compiled for. It has no system interface at all: std's clock,
/// files and randomness fail there, so nothing but the contract's imports remains.
pub const TARGET: &str = "wasm32-unknown-unknown";

/// The namespace of the imports that a policy may have.
pub(crate) const PACKAGE: &str = "suture:policy/";

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
    /// The size of the core module inside.
    pub core_bytes: u64,
}

/// Build the policy in a folder, and write it to `out`, or else to
/// `target/policies/NAME.wasm` in its workspace. Blocks until it is done: seconds,
/// minutes the first time.
///
/// # Errors
/// Why there is no component; nothing was written then.
pub fn build(dir: &Path, out: Option<&Path>, progress: &dyn Progress) -> Result<Built, BuildError> {
    let package = Package::find(dir)?;
    let toolchain = target::find(&package.dir, progress)?;
    progress.step(&format!("compiling {} {} for {TARGET}", package.name, package.version));
    let module = cargo::build(&package, &toolchain, progress)?;
    let core = read(&module)?;
    progress.step("making a component of it");
    let component = component::encode(&core)?;
    let path = match out {
        Some(out) => out.to_owned(),
        None => package.target_directory.join("policies").join(format!("{}.wasm", package.name)),
    };
    write(&path, &component).map_err(|source| BuildError::Io { path: path.clone(), source })?;
    Ok(Built {
        path,
        name: package.name,
        digest: inspect::digest(&component),
        bytes: component.len() as u64,
        core_bytes: core.len() as u64,
    })
}

fn read(path: &Path) -> Result<Vec<u8>, BuildError> {
    fs::read(path).map_err(|source| BuildError::Io { path: path.to_owned(), source })
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
