//! Policies in Rust: a crate that becomes a core module, and that a component.

mod cargo;
mod coverage;
mod native;
mod package;
mod target;

use std::fs;
use std::path::{Path, PathBuf};

use crate::component;
use crate::error::BuildError;
use crate::progress::Progress;

pub use coverage::{Coverage, FileCoverage, Share};
pub use native::Instrumented;
use package::Package;

/// What policies are compiled for. It has no system interface at all: std's clock,
/// files and randomness fail there, so nothing but the contract's imports remains.
pub const TARGET: &str = "wasm32-unknown-unknown";

/// A component in memory, and the place that it has where no other is named.
pub(crate) struct Compiled {
    pub(crate) name: String,
    pub(crate) component: Vec<u8>,
    pub(crate) place: PathBuf,
}

/// Build the crate in a folder.
pub(crate) fn build(dir: &Path, progress: &dyn Progress) -> Result<Compiled, BuildError> {
    let package = Package::find(dir)?;
    let toolchain = target::find(&package.dir, progress)?;
    progress.step(&format!("compiling {} {} for {TARGET}", package.name, package.version));
    let module = cargo::build(&package, &toolchain, progress)?;
    let core = fs::read(&module).map_err(|source| BuildError::Io { path: module, source })?;
    progress.step("making a component of it");
    let component = component::encode(&core)?;
    let place = package.target_directory.join("policies").join(format!("{}.wasm", package.name));
    Ok(Compiled { name: package.name, component, place })
}
