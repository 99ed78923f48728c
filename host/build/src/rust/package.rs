//! The package in a folder.

use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::cargo::command;
use crate::error::BuildError;

/// A package that can become a policy.
#[derive(Clone, Debug)]
pub(super) struct Package {
    pub(super) name: String,
    pub(super) version: String,
    /// Its folder.
    pub(super) dir: PathBuf,
    pub(super) manifest: PathBuf,
    pub(super) workspace_root: PathBuf,
    pub(super) target_directory: PathBuf,
}

/// What of `cargo metadata` matters here.
#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Listed>,
    workspace_root: PathBuf,
    target_directory: PathBuf,
}

#[derive(Deserialize)]
struct Listed {
    name: String,
    version: String,
    manifest_path: PathBuf,
    targets: Vec<Target>,
}

#[derive(Deserialize)]
struct Target {
    crate_types: Vec<String>,
}

impl Package {
    /// The package whose `Cargo.toml` stands in a folder.
    pub(super) fn find(dir: &Path) -> Result<Self, BuildError> {
        let no_manifest = || BuildError::NoProject { path: dir.to_owned() };
        let dir = dir.canonicalize().map_err(|_| no_manifest())?;
        let manifest = dir.join("Cargo.toml");
        if !manifest.is_file() {
            return Err(no_manifest());
        }
        let metadata = metadata(&dir, &manifest)?;
        let Some(package) = metadata.packages.iter().find(|package| package.manifest_path == manifest) else {
            let folders = metadata.packages.iter().filter_map(|package| package.manifest_path.parent());
            let members: Vec<_> = folders.map(|folder| folder.display().to_string()).collect();
            return Err(BuildError::Workspace { dir, members: members.join(", ") });
        };
        let name = package.name.clone();
        let is_cdylib = |target: &Target| target.crate_types.iter().any(|kind| kind == "cdylib");
        if !package.targets.iter().any(is_cdylib) {
            return Err(BuildError::NoCdylib { name, manifest });
        }
        let version = package.version.clone();
        let Metadata { workspace_root, target_directory, .. } = metadata;
        Ok(Self { name, version, dir, manifest, workspace_root, target_directory })
    }
}

fn metadata(dir: &Path, manifest: &Path) -> Result<Metadata, BuildError> {
    let mut cargo = command("cargo", dir);
    cargo.args(["metadata", "--no-deps", "--format-version=1", "--manifest-path"]).arg(manifest);
    let output = cargo.output().map_err(BuildError::no_cargo)?;
    if !output.status.success() {
        let output = String::from_utf8_lossy(&output.stderr).into_owned();
        return Err(BuildError::Cargo { command: "metadata".to_owned(), output });
    }
    serde_json::from_slice(&output.stdout)
        .map_err(|error| BuildError::CargoOutput { command: "metadata".to_owned(), what: error.to_string() })
}
