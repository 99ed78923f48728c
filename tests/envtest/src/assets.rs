//! Where the programs are.

use std::path::{Path, PathBuf};

use anyhow::bail;
use sha2::{Digest, Sha256};

/// Modules that programs are built from: what makes them, and what belongs to it.
struct Module {
    name: &'static str,
    files: [&'static str; 2],
}

const KUBERNETES: Module = Module {
    name: "kubernetes",
    files: [include_str!("../kubernetes/go.mod"), include_str!("../kubernetes/go.sum")],
};
const VOLSYNC: Module =
    Module { name: "volsync", files: [include_str!("../volsync/go.mod"), include_str!("../volsync/go.sum")] };
const RESTIC: Module =
    Module { name: "restic", files: [include_str!("../restic/go.mod"), include_str!("../restic/go.sum")] };

const HELM: Module =
    Module { name: "helm", files: [include_str!("../helm/go.mod"), include_str!("../helm/go.sum")] };

impl Module {
    /// The folder that `make envtest` builds it into: another for each set of versions.
    fn folder(&self) -> PathBuf {
        let hash = Sha256::digest(self.files.concat());
        let hash: String = hash.iter().take(6).map(|byte| format!("{byte:02x}")).collect();
        cache().join(format!("{}-{hash}", self.name))
    }
}

fn cache() -> PathBuf {
    let folder = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let cache = folder("XDG_CACHE_HOME")
        .or_else(|| folder("HOME").map(|home| home.join(".cache")))
        .unwrap_or_else(std::env::temp_dir);
    cache.join("suture")
}

/// The folder with etcd, kube-apiserver, kube-controller-manager and kubectl:
/// `KUBEBUILDER_ASSETS`, the ecosystem's convention, or what `make envtest` built.
pub fn assets() -> PathBuf {
    std::env::var_os("KUBEBUILDER_ASSETS")
        .filter(|value| !value.is_empty())
        .map_or_else(|| KUBERNETES.folder(), PathBuf::from)
}

/// A program of the control plane, or one of VolSync's: `volsync` (the operator),
/// `mover-restic.sh` (the script of its restic mover), `restic` (of the version that the
/// mover's image has) and `restic-2009` (the same, for which it is always November 2009); or `helm`,
/// which `make test-chart` builds.
///
/// # Errors
/// Where it is not there; says how it gets there.
pub fn program(name: &str) -> anyhow::Result<PathBuf> {
    let built = match name {
        "volsync" | "mover-restic.sh" => VOLSYNC,
        "restic" | "restic-2009" => RESTIC,
        "helm" => HELM,
        _ => KUBERNETES,
    };
    let folders = [assets(), built.folder()];
    match folders.iter().map(|folder| folder.join(name)).find(|path| is_file(path)) {
        Some(path) => Ok(path),
        None => bail!(
            "`{name}` is neither in {} nor in {}: `make envtest helm-assets` builds it from Go modules (it needs Go), \
             or KUBEBUILDER_ASSETS names a folder that has it",
            folders[0].display(),
            folders[1].display()
        ),
    }
}

fn is_file(path: &Path) -> bool {
    path.metadata().is_ok_and(|metadata| metadata.is_file())
}
